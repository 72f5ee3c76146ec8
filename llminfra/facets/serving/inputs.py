"""Fields of what the load sees: none of its own."""

from llminfra.facets import replica


class Inputs(replica.Inputs):
    """No field of its own: the targets are part of the demand."""

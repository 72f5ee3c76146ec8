"""What the terms of a sizing share."""

from collections.abc import Callable, Hashable
from typing import TypeVar

from llminfra.architecture import Architecture
from llminfra.catalog.facts import Facts
from llminfra.facets.deployment import Deployment
from llminfra.facets.memory.inputs import Inputs
from llminfra.ranges import Range, exact

T = TypeVar("T")


class SizingTerms:
    """What the terms of a sizing share."""

    facts: Facts
    deployment: Deployment
    model: Architecture
    engine: str
    engine_family: str
    scenario: Inputs
    step_tokens: Range
    most_sequences: Range
    _has_towers: bool
    memory_bytes: Range

    def _once(self, compute: Callable[..., T], *key: Hashable) -> T:
        """Compute a term unless it is known; `key` is all that it depends on."""
        raise NotImplementedError

    @property
    def model_origin(self) -> object:
        """Where the configuration of the model comes from."""
        raise NotImplementedError

    def _fact(self, entity: str, name: str) -> Range:
        return self._once(lambda: self.facts.number(entity, name), entity, name)

    def _of_model(self, name: str) -> Range:
        return exact(getattr(self.model, name), name=name, origin=self.model_origin)

"""Drafting heads (EAGLE), whose files are written as if they were the family that they borrow."""

from collections.abc import Mapping
from typing import Any, Final

from llminfra.architecture import Architecture
from llminfra.architecture.eagle import eagle_head

DRAFT_VOCABULARY: Final = "draft_vocab_size"


def drafting_head(config: Mapping[str, Any], model: Architecture) -> Architecture | None:
    """Return the head that a configuration describes; None where it is that of a whole model.

    Parameters
    ----------
    config : mapping
        The configuration: heads name themselves, and count the tokens that they know.
    model : Architecture
        What the configuration is as a model of its family.
    """
    name = str(config.get("architectures")).lower()
    tokens = config.get(DRAFT_VOCABULARY)
    if "eagle" not in name and type(tokens) is not int:
        return None
    is_third = "eagle3" in name or type(tokens) is int
    own = tokens if type(tokens) is int and tokens > 0 else None
    return eagle_head(model, 3 if is_third else 1, own)

"""What the terms of a sizing share."""

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

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
    _known: dict[Hashable, Any]

    def _once(self, compute: Callable[..., T], *key: Hashable) -> T:
        """Compute a term unless it is known; `key` is all that it depends on."""
        if key not in self._known:
            self._known[key] = compute()
        found: T = self._known[key]
        return found

    @property
    def model_origin(self) -> object:
        """Where the configuration of the model comes from."""
        key = f"{self.scenario.model}.config"

        def found() -> object:
            read = (read.fact for read in self.facts.ledger if read.fact.key == key)
            return next(read, f"configuration at {self.scenario.model}")

        return self._once(found, key)

    def _fact(self, entity: str, name: str) -> Range:
        return self._once(lambda: self.facts.number(entity, name), entity, name)

    def _of_model(self, name: str) -> Range:
        return exact(getattr(self.model, name), name=name, origin=self.model_origin)

"""The ways to carry the demand, each priced once it is asked for."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from llminfra.errors import MissingFact
from llminfra.facets.base import Result
from llminfra.facets.cost.inputs import Inputs
from llminfra.facets.cost.option import SELF_RUN, Option, by_month
from llminfra.facets.cost.way import Way

AUTO: Final = "auto"


@dataclass(frozen=True, eq=False)
class Ways(Result):
    """The options by name, and the one that is followed."""

    names: tuple[str, ...] = field(repr=False)
    """Of all options, in their order."""
    _inputs: Inputs = field(repr=False)
    _made: Callable[[str], tuple[Option, Way | None]] = field(repr=False)

    def __getitem__(self, name: str) -> Option:
        """Return an option by name."""
        if name not in self.names:
            raise KeyError(name)
        return self._made(name)[0]

    def get(self, name: str) -> Option | None:
        """Return an option by name; nothing where there is none."""
        return self[name] if name in self.names else None

    def _way(self, option: str) -> Way:
        """Return how an option is paid; raise KeyError for one that cannot be had."""
        way = self._made(option or self.option.name)[1]
        if way is None:
            raise KeyError(option)
        return way

    @property
    def options(self) -> list[Option]:
        """Every way to carry the demand, whether or not it can be had."""
        return [self[name] for name in self.names]

    @property
    def by_name(self) -> dict[str, Option]:
        """The options by name."""
        return {name: self[name] for name in self.names}

    @cached_property
    def possible(self) -> list[Option]:
        """Options that can be had, are allowed and carry the load, cheapest first."""
        return by_month(option for option in self.options if option.is_possible)

    @cached_property
    def hosting(self) -> str:
        """The option that is followed: as asked, else the cheapest that runs the model oneself."""
        if (asked := str(self._inputs.hosting)) == "reserved":
            return f"reserved_{self._inputs.commitment_years}y"
        if asked != AUTO:
            return asked
        own = [self[name] for name in self.names if name in SELF_RUN]
        run = [option for option in own if option.feasible and option.is_allowed]
        return by_month(run)[0].name if run else ""

    @property
    def option(self) -> Option:
        """The option that is followed; raises why there is none."""
        if self.hosting not in self.names:
            raise MissingFact("no option that runs the model oneself can be had and is allowed")
        found = self[self.hosting]
        if not found.feasible:
            raise MissingFact(f"{found.name}: {found.reason}")
        return found

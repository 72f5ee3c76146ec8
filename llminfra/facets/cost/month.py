"""What a month costs, part by part."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from llminfra.formulas import month_parts as formulas
from llminfra.ranges import Range, as_range, exact

# Every option has all of them; zero is written.
PARTS: Final = (
    *("capital", "rent", "tokens", "power", "space", "network", "storage", "support"),
    *("licences", "staff", "insurance", "egress", "setup"),
)
_NOTHING: Final = exact(0.0, name="usd_per_month")


@dataclass(frozen=True)
class Month:
    """What a month costs by part.

    Attributes
    ----------
    due : mapping
        What falls due each month, by part. [USD/month]
    purchase : mapping
        What is paid once, before the first day, by part. [USD]
    spread : mapping
        The purchase as an annuity, by part. [USD/month]
    """

    due: Mapping[str, Range]
    purchase: Mapping[str, Range] = field(default_factory=dict)
    spread: Mapping[str, Range] = field(default_factory=dict)

    @cached_property
    def parts(self) -> dict[str, Range]:
        """All of it by part, zeros written."""
        found = {name: self.due.get(name, self.spread.get(name, _NOTHING)) for name in PARTS}
        return {name: part.named(_quantity(name)) for name, part in found.items()}

    @cached_property
    def usd(self) -> Range:
        """The whole month."""
        return _all(self.parts).named("usd_per_month")

    @cached_property
    def running(self) -> Range:
        """What falls due each month, all parts together."""
        due = {name: part.named(_quantity(name)) for name, part in self.due.items()}
        return _all(due).named("running_usd_per_month")


def _all(parts: Mapping[str, Range]) -> Range:
    given = {_quantity(name): parts.get(name, _NOTHING) for name in PARTS}
    return as_range(formulas.all_in_usd_per_month(**given))


def _quantity(part: str) -> str:
    return f"{part}_usd_per_month"

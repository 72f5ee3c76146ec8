"""One way to get the service, and what it costs on the boundary that all ways share."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from llminfra.facets.cost.book import Priced
from llminfra.facets.cost.cash import RESIDUAL, Year, npv, total
from llminfra.facets.cost.month import PARTS, Month
from llminfra.formulas import purchase as buying
from llminfra.formulas import unit_cost as formulas
from llminfra.ranges import Range, as_range, exact

LABELS: Final = {
    "owned": "Own servers in house",
    "colocated": "Own servers in a rented rack",
    "reserved_1y": "Machines reserved for a year",
    "reserved_3y": "Machines reserved for three years",
    "on_demand": "Machines rented on demand",
    "monthly": "Machines rented by the month",
    "spot": "Machines rented on spot",
    "serverless": "Serverless workers",
    "dedicated_endpoint": "Dedicated endpoint",
    "provisioned": "Provisioned units of an API",
    "api_same_model": "API of the same model",
    "api_frontier": "API of a frontier model",
}
# Somebody else runs the model: paid by the unit of throughput, or by the token.
PROVISIONED: Final = "provisioned"
SELF_RUN: Final = tuple(n for n in LABELS if n != PROVISIONED and not n.startswith("api_"))
BOUGHT: Final = ("owned", "colocated")
_EMPTY: Final = Priced(exact(0.0), "")
_NOTHING: Final = exact(0.0)
_MONTHS, _ROUNDING = 12, 1e-9


@dataclass(frozen=True)
class Option:
    """A record of `plan.cost.options`.

    Attributes
    ----------
    name, label : str
        As in the field ``hosting``, and in words.
    parts : dict
        What a month costs, by `PARTS`. [USD/month]
    feasible, reason : bool, str
        Whether it can be had, and why not, with the field to fill.
    is_allowed : bool
        Whether the scenario allows it.
    is_blocked : bool
        Whether a gate closes it; it is not priced then.
    price : Priced
        The base price, where it is from, of when, and what has to be said of it.
    accelerators : int
        Accelerators that are paid for; 0 for an API.
    paid_hours_per_week : Range
        Hours of a week that are paid. [h/week]
    commitment_months : float
        Months that are paid for whatever is used; 0 without a commitment. [month]
    posts : Range
        Posts for running it, in the month; what cannot be had has none.
    room_usd : Range
        What building a room costs, of which the month holds its share of the room's life; 0 where
        none is counted. [USD]
    """

    name: str
    label: str
    feasible: bool
    reason: str = ""
    is_allowed: bool = True
    is_blocked: bool = False
    shortfall: str = ""
    """Why it does not carry the load, where it can be had and does not."""
    price: Priced = _EMPTY
    accelerators: int = 0
    paid_hours_per_week: Range = field(default_factory=lambda: exact(168.0))
    commitment_months: float = 0.0
    posts: Range = field(default_factory=lambda: exact(0.0))
    room_usd: Range = field(default_factory=lambda: exact(0.0))
    month: Month = field(default_factory=lambda: Month({}), repr=False)
    tokens_per_month: Range = field(default_factory=lambda: exact(0.0), repr=False)
    output_tokens_per_month: Range = field(default_factory=lambda: exact(0.0), repr=False)
    _years: Callable[[], list[Year]] = field(default=list, repr=False)
    _discount_rate: Range = field(default_factory=lambda: exact(0.0), repr=False)

    @cached_property
    def parts(self) -> dict[str, Range]:
        """What a month costs, every part of it; no number where the option cannot be had."""
        if self.feasible:
            return self.month.parts
        return {name: exact(float("nan"), name="usd_per_month") for name in PARTS}

    @cached_property
    def usd_per_month(self) -> Range:
        """All of it."""
        return self.month.usd if self.feasible else exact(float("nan"), name="usd_per_month")

    @cached_property
    def purchase_usd(self) -> Range:
        """Cash that is needed before the first day."""
        bought = {f"{name}_usd": usd for name, usd in self.month.purchase.items()}
        nothing = dict.fromkeys(("capital_usd", "network_usd", "setup_usd"), exact(0.0))
        return as_range(buying.purchase_usd(**(nothing | bought)))

    @cached_property
    def running_usd_per_month(self) -> Range:
        """What falls due each month, the purchase left out."""
        return self.month.running

    @cached_property
    def usd_per_mtok_total(self) -> Range:
        """A million tokens of prompts and answers, all that is paid counted."""
        return self._per_mtok(self.tokens_per_month, "usd_per_mtok_total")

    @cached_property
    def usd_per_mtok_output(self) -> Range:
        """A million tokens of answers, all that is paid counted."""
        return self._per_mtok(self.output_tokens_per_month, "usd_per_mtok_output")

    def _per_mtok(self, n_tokens: Range, name: str) -> Range:
        found = formulas.usd_per_mtok(usd=self.usd_per_month, n_tokens=n_tokens)
        return as_range(found, name=name)

    @cached_property
    def years(self) -> list[Year]:
        """Payments by year, from the purchase to the resale; none where it cannot be had."""
        return self._years()

    @cached_property
    def npv_usd(self) -> Range:
        """What all payments are worth on the first day; costs are negative."""
        if not self.feasible:
            return exact(float("nan"), name="npv_usd")
        return npv(self.years, self._discount_rate)

    @cached_property
    def total_usd(self) -> Range:
        """What is paid over the horizon, resale taken off."""
        return total(self.years) if self.feasible else exact(float("nan"), name="total_usd")

    def paid_after(self, months: Sequence[float]) -> list[Range]:
        """Return what has been paid after so many months, resale left out."""
        years = self.years
        bills = [as_range(-y.usd + y.flows.get(RESIDUAL, _NOTHING), name="usd") for y in years]
        found = []
        for month in months:
            paid = self.purchase_usd
            for before, year, bill in zip(years, years[1:], bills[1:], strict=False):
                span = max(year.at_years - before.at_years, _ROUNDING)
                share = min(max((month / _MONTHS - before.at_years) / span, 0.0), 1.0)
                paid = as_range(paid + bill * share, name="usd")
            found.append(paid)
        return found

    @property
    def price_as_of(self) -> str:
        """Date of the base price."""
        return self.price.as_of

    @property
    def price_source(self) -> str:
        """Where the base price is from."""
        return self.price.source

    @property
    def is_stale(self) -> bool:
        """Whether the base price is older than its class allows."""
        return self.price.is_stale

    @property
    def is_possible(self) -> bool:
        """Whether it can be had, is allowed and carries the load."""
        return self.feasible and self.is_allowed and not self.shortfall

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain data."""
        plain = {"name": self.name, "label": self.label, "feasible": self.feasible}
        plain |= {"allowed": self.is_allowed, "reason": self.reason, "stale": self.is_stale}
        plain |= {"price_as_of": self.price_as_of, "price_source": self.price_source}
        if self.feasible:
            plain |= {
                name: _ends(getattr(self, name))
                for name in (
                    *("usd_per_month", "usd_per_mtok_total", "usd_per_mtok_output"),
                    *("purchase_usd", "npv_usd"),
                )
            }
            plain["parts"] = {name: _ends(part) for name, part in self.parts.items()}
        return plain


def _ends(value: Range) -> dict[str, float | None]:
    ends = {"low": value.low, "base": value.base, "high": value.high}
    return {name: x if math.isfinite(x) else None for name, x in ends.items()}


def by_month(options: Iterable[Option]) -> list[Option]:
    """Return options, the cheapest first month first."""
    return sorted(options, key=lambda option: option.usd_per_month.base)

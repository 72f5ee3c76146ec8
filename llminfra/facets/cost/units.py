"""Provisioned units of an API: a floor that is paid whatever is used, a ceiling that they carry."""

from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from llminfra.catalog import api_prices
from llminfra.catalog.facts import Facts
from llminfra.catalog.loader import Fact
from llminfra.errors import MissingFact
from llminfra.facets.base import quantity
from llminfra.facets.cost.api import price_drift
from llminfra.facets.cost.book import OWN_VALUE, Priced
from llminfra.facets.cost.case import Load
from llminfra.facets.cost.month import Month
from llminfra.facets.cost.shared import Shared
from llminfra.facets.cost.way import Way, once_a_load
from llminfra.formulas import provisioned as formulas
from llminfra.ranges import Range, as_range, exact
from llminfra.units import HOURS_PER_MONTH

FloatArray = NDArray[np.float64]

# Terms of a unit, the months that each binds, and the fact that holds its price.
TERMS: Final = {
    "hour": (0, "usd_per_unit_hour"),
    "month": (1, "usd_per_unit_month"),
    "year": (12, "usd_per_unit_month_1y"),
}
_PLACES: Final = {
    "global": "served worldwide",
    "data-zone": "bound to the EU",
    "regional": "bound to one region",
}
_SELLER: Final = "azure-provisioned"
_OWN: Final = "provisioned_usd_per_unit_hour"
_HOURS: Final = exact(HOURS_PER_MONTH, name="hours_per_month", unit="h/month")
_ONE: Final = exact(1.0, unit="1")
_NOTHING: Final = exact(0.0)
_SECONDS_PER_MINUTE: Final = 60


class Units:
    """Units that carry the busiest minute, at the cheapest published term or at the one asked."""

    def __init__(self, shared: Shared) -> None:
        self.shared, self.case, self.book = shared, shared.case, shared.book
        self.inputs = shared.inputs
        self.facts: Facts = shared.book.facts
        model = self.inputs.api_model or self.inputs.model
        self.entity = f"{_SELLER}-{model}"
        self.is_own = getattr(self.inputs, _OWN) is not None
        if not self.is_own and not self.facts.has(self.entity, "tokens_per_minute"):
            raise MissingFact(
                f"no price of provisioned units of {model} is known; give {_OWN} and "
                "provisioned_tokens_per_minute"
            )
        self.term, self.usd_per_unit_hour, self._fact = self._priced()

    # -- price ---------------------------------------------------------------------------------

    @property
    def zone(self) -> str:
        """Where the units are bound to: a country, the EU, or nowhere."""
        if not api_prices.is_in_eu(str(self.inputs.region)):
            return "global"
        return "regional" if self.inputs.residency == "national" else "data-zone"

    def _priced(self) -> tuple[str, Range, Fact | None]:
        """The term, its price by the hour, and the fact behind it; a user's own price first."""
        asked = self.inputs.provisioned_term
        if self.is_own:
            own = quantity(self.inputs, _OWN).named("usd_per_unit_hour")
            return "hour" if asked == "auto" else asked, own, None
        sold = f"{_SELLER}-{self.zone}"
        terms = [term for term, (_, name) in TERMS.items() if self.facts.has(sold, name)]
        if asked not in ("auto", *terms):
            raise MissingFact(
                f"no price of units {_PLACES[self.zone]} for a {asked} is known; set "
                f"provisioned_term to {' or '.join(terms)}"
            )
        found = [self._of_term(sold, t) for t in terms if asked in ("auto", t)]
        return min(found, key=lambda one: one[1].base)

    def _of_term(self, sold: str, term: str) -> tuple[str, Range, Fact | None]:
        price = self.facts.number(sold, TERMS[term][1])
        fact = price.origin if isinstance(price.origin, Fact) else None
        by_hour = price if term == "hour" else price / _HOURS
        return term, as_range(by_hour, name="usd_per_unit_hour"), fact

    @cached_property
    def price(self) -> Priced:
        """The price of one unit by the hour, with its term, zone and day."""
        fact = self._fact
        if fact is None:
            return Priced(self.usd_per_unit_hour, OWN_VALUE, str(self.inputs.as_of))
        units, bound = self.n_units(self.case.first), TERMS[self.term][0]
        lasting = "billed by the hour, and cannot be paused"
        lasting = f"reserved for {bound} month{'s' * (bound > 1)}" if bound else lasting
        remark = f"{units.base:,.0f} units {_PLACES[self.zone]}, {lasting}"
        return Priced(
            self.usd_per_unit_hour,
            f"azure, {fact.source}",
            str(fact.as_of),
            fact.is_stale(self.inputs.as_of),
            remark,
        )

    # -- units ---------------------------------------------------------------------------------

    @cached_property
    def _unit(self) -> dict[str, Range]:
        """What a request asks of a unit, and what a unit carries."""
        demand, again = self.case.demand, quantity(self.inputs, "reasoning_ratio")
        if self.is_own:
            weight = quantity(self.inputs, "provisioned_output_weight")
            carried = quantity(self.inputs, "provisioned_tokens_per_minute")
        else:
            weight = self.facts.number(self.entity, "output_weight_ratio")
            carried = self.facts.number(self.entity, "tokens_per_minute")
        return {
            "prompt_tokens": demand.prompt_tokens,
            "output_tokens": as_range(demand.output_tokens * again, name="output_tokens"),
            "cache_hit_fraction": quantity(self.inputs, "cache_hit_fraction"),
            "output_weight_ratio": weight,
            "tokens_per_minute": carried,
        }

    @cached_property
    def _sold(self) -> dict[str, Range]:
        """Least number of units and the step in which more are sold."""
        if self.is_own:
            least = quantity(self.inputs, "provisioned_min_units")
            return {"min_units": least, "step_units": _ONE}
        own = self.facts.has(self.entity, "min_units")
        sold = self.entity if own else f"{_SELLER}-{self.zone}"
        return {n: self.facts.number(sold, n) for n in ("min_units", "step_units")}

    def _needed(self, load: Load) -> dict[str, float]:
        """The busiest minute of a load in the base case, and what units carry of it."""
        again: Range = 1 + quantity(self.inputs, "retry_fraction")
        peak = self.case.capacity.requests_per_s * _SECONDS_PER_MINUTE * load.ratio * again
        given = {"requests_per_minute": peak} | self._unit | self._sold
        return {name: value.base for name, value in given.items()}

    def n_units(self, load: Load) -> Range:
        """Units for the busiest minute of a load; bought once, so for the base case alone."""
        found = formulas.provisioned_units(**self._needed(load))
        return exact(float(found), name="n_units", unit="1")

    @cached_property
    def mtok_per_unit_month(self) -> Range:
        """Most tokens of a month that one unit carries, prompt and output."""
        found = formulas.provisioned_mtok_per_month(
            n_units=_ONE, hours_per_month=_HOURS, **self._unit
        )
        return as_range(found)

    @cached_property
    def usd_per_mtok_beside(self) -> Range:
        """What the same seller asks by the token for what overflows; nothing where not known."""
        if not self.is_own and self.facts.has(self.entity, "usd_per_mtok"):
            return self.facts.number(self.entity, "usd_per_mtok")
        return _NOTHING

    def steps(self, most: float) -> tuple[FloatArray, FloatArray]:
        """Loads that each number of units carries, up to so many times today's, and its bill.

        The bill is a month's, with tax. [1, USD/month]
        """
        given = self._needed(self.case.first)
        least, step = given["min_units"], given["step_units"]
        last = formulas.provisioned_units(
            **given | {"requests_per_minute": given["requests_per_minute"] * most}
        )
        more = step * np.arange(np.floor(least / step) + 1, float(last) / step + 0.5)
        numbers = np.concatenate([[least], more])
        ratios = formulas.provisioned_load_ratio(
            n_units=numbers, **{name: given[name] for name in given if name not in self._sold}
        )
        each = self.shared.bought(self.usd_per_unit_hour).base * HOURS_PER_MONTH
        return np.asarray(ratios), numbers * each

    # -- month ---------------------------------------------------------------------------------

    def way(self) -> Way:
        """The bill of the units as a function of the load; prices drift as those of tokens."""
        return Way(
            price=self.price,
            month=once_a_load(self.month),
            accelerators=lambda load: 0,
            drifting="tokens",
            drift=price_drift(self.inputs, self.facts),
            commitment_months=TERMS[self.term][0],
            posts=self.shared.posts("api_fte"),
        )

    def month(self, load: Load) -> Month:
        """A month of units, with the gateway, the logs and the posts that an API takes."""
        units = self.n_units(load)
        asked = self.case.tokens_per_month * load.ratio / 1e6
        bill = formulas.provisioned_usd_per_month(
            n_units=units,
            usd_per_unit_hour=self.usd_per_unit_hour,
            hours_per_month=_HOURS,
            demanded_mtok_per_month=as_range(asked, name="mtok_per_month"),
            carried_mtok_per_month=as_range(
                self.mtok_per_unit_month * units, name="mtok_per_month"
            ),
            usd_per_mtok=self.usd_per_mtok_beside,
        )
        return self.shared.month_of_tokens(bill, load)

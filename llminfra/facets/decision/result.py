"""The decision: one answer, how sure, what would turn it, and what else stands beside it."""

import calendar
import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Final

import numpy as np

from llminfra.catalog.facts import Facts
from llminfra.errors import MissingFact
from llminfra.facets.base import Result
from llminfra.facets.build_vs_api import BuildVsApi, Flip
from llminfra.facets.build_vs_api.hybrids import BASE_LOAD, SPLIT, Hybrid
from llminfra.facets.build_vs_api.leaving import Exit, leave
from llminfra.facets.capacity import Capacity
from llminfra.facets.compliance import Compliance
from llminfra.facets.cost import SELF_RUN, Cost, Option
from llminfra.facets.cost.option import PROVISIONED, by_month
from llminfra.facets.decision import turns
from llminfra.facets.decision.candidates import HYBRID, NONE_OPEN, WAIT, Sieve, group_of, stages
from llminfra.facets.decision.inputs import Inputs
from llminfra.facets.decision.score import Score, leaders, scores, weights_of
from llminfra.facets.energy import Energy, facility_at, pue_of
from llminfra.facets.serving import Serving
from llminfra.ranges import Range, as_range

# A mixture has to save so much before anybody runs two systems.
LEAST_SAVING: Final = 0.05
# Below it the other side is the likelier one.
_EVEN: Final = 0.5
_ASKED: Final = "auto"
_MONTHS: Final = 12
_KG: Final = 1e3


@dataclass(frozen=True)
class Decision(Result):
    """Gates, feasibility, quality, money, energy, risk, in this order, and what follows."""

    headline: ClassVar[tuple[str, ...]] = ("recommendation",)

    compliance: Compliance = field(repr=False, compare=False)
    cost: Cost = field(repr=False, compare=False)
    compared: BuildVsApi | None = field(repr=False, compare=False)
    _capacity: Capacity | None = field(repr=False, compare=False)
    _serving: Serving | None = field(repr=False, compare=False)
    _energy: Energy | None = field(repr=False, compare=False)
    _inputs: Inputs = field(repr=False, compare=False)
    _facts: Facts = field(repr=False, compare=False)

    def items(self) -> Iterator[tuple[str, Any]]:
        """Yield the answer and what it rests on."""
        for name in ("recommendation", "option", "probability", "margin_fraction", "flips"):
            yield name, getattr(self, name)
        yield "look_again_on", self.look_again_on

    # -- in the order of the questions ---------------------------------------------------------

    @cached_property
    def stages(self) -> tuple[Sieve, ...]:
        """Gates, feasibility and quality: what each leaves and removes."""
        return stages(self._inputs, self.compliance, self.cost)

    @property
    def n_open(self) -> int:
        """Options that pass the gates and that the scenario allows."""
        return len(self.stages[0].left)

    @cached_property
    def candidates(self) -> list[Option]:
        """Options that are left for the money, the cheapest month first."""
        return by_month(self.cost[name] for name in self.stages[-1].left)

    @property
    def is_asked(self) -> bool:
        """Whether the scenario names the option that it wants."""
        asked: bool = self._inputs.hosting != _ASKED
        return asked

    @cached_property
    def _first(self) -> Option | None:
        """The option of the money: as asked where it is left, else the cheapest month."""
        asked = [o for o in self.candidates if self.is_asked and o.name == self.cost.hosting]
        return next(iter([*asked, *self.candidates]), None)

    @cached_property
    def mixture(self) -> Hybrid | None:
        """A mixture that saves enough against every single option; None without one."""
        wanted = [BASE_LOAD]
        if "inside_fraction" in self._inputs.model_fields_set:
            wanted = [SPLIT]
        if self.compared is None or self._first is None or self.is_asked:
            return None
        least = self._first.usd_per_month.base * (1 - LEAST_SAVING)
        found = [h for h in self.compared.hybrids if h.kind in wanted and h.usd_per_month < least]
        sides = {o.name for o in self.candidates}
        main = self.compared.main
        is_open = main is not None and {main.own.option.name, main.api.option.name} <= sides
        return min(found, key=lambda h: h.usd_per_month) if found and is_open else None

    @cached_property
    def recommendation(self) -> str:
        """One of api, managed, rented, owned, hybrid, wait, none open."""
        if not self.n_open:
            return NONE_OPEN
        if self._first is None:
            return WAIT
        if self.mixture is not None:
            return HYBRID
        is_even = not self.is_asked and self._share_best(self._first) < _EVEN
        if is_even and self._unbound is not None:
            return WAIT
        return group_of(self._first.name)

    @cached_property
    def option(self) -> str:
        """The option to follow; while one waits, the cheapest that binds nobody; or empty."""
        if self._first is None:
            return ""
        is_waiting = self.recommendation == WAIT and self._unbound is not None
        return self._unbound.name if self._unbound and is_waiting else self._first.name

    @property
    def chosen_option(self) -> Option | None:
        """The record of the option to follow."""
        return self.cost.get(self.option)

    @property
    def _unbound(self) -> Option | None:
        """The cheapest option without a purchase or a term, which one can use and leave."""
        free = [o for o in self.candidates if not o.purchase_usd.base and not o.commitment_months]
        return next(iter(free), None)

    @property
    def is_month_against_years(self) -> bool:
        """Whether the cheapest month and the best present value are those of different options."""
        best = max(self.candidates, key=lambda o: o.npv_usd.base, default=None)
        return best is not self._first

    @cached_property
    def runner_up(self) -> Option | None:
        """The cheapest option of another kind, else the next one; None where it stands alone."""
        others = [o for o in self.candidates if o.name != self.option]
        unlike = [o for o in others if group_of(o.name) != group_of(self.option)]
        return next(iter([*unlike, *others]), None)

    # -- how sure ------------------------------------------------------------------------------

    @property
    def probability(self) -> float | None:
        """Share of the draws in which the option has the best present value of all kinds.

        None where nothing is recommended, and for a mixture, whose draws are not known.
        """
        found = self.chosen_option
        if found is None or self.recommendation in (HYBRID, NONE_OPEN):
            return None
        return self._share_best(found)

    def _share_best(self, option: Option) -> float:
        """Against options of another kind, or against all where there is no other kind."""
        others = [o for o in self.candidates if group_of(o.name) != group_of(option.name)]
        others = others or [o for o in self.candidates if o is not option]
        if not others:
            return 1.0
        best = np.max([o.npv_usd.draws for o in others], axis=0)
        rival = Range(best, name="npv_usd")
        return as_range(option.npv_usd - rival, name="npv_difference_usd").probability_at_least(0.0)

    @property
    def margin_fraction(self) -> float | None:
        """What the option saves in a month against the runner-up, of the runner-up's month."""
        option, other = self.chosen_option, self.runner_up
        if option is None or other is None:
            return None
        return 1 - option.usd_per_month.base / other.usd_per_month.base

    @cached_property
    def flips(self) -> tuple[Flip, ...]:
        """The two thresholds that would turn it, the nearest first."""
        option, other = self.chosen_option, self.runner_up
        if option is None or self.recommendation == NONE_OPEN:
            return ()
        found = []
        sides = {option.name, other.name if other else ""}
        is_compared = PROVISIONED not in sides and len(sides & set(SELF_RUN)) == 1
        if other is not None and is_compared:
            found = turns.of_comparison(self.compared)
        return tuple((found or turns.between(option, other))[:2])

    @property
    def look_again_on(self) -> dt.date:
        """Day of the next look: the review, or a day before it from which more applies."""
        today: dt.date = self._inputs.as_of
        review = _months_later(today, self._inputs.review_months)
        due = [gate.from_date for gate in self.compliance.upcoming if gate.from_date]
        return min([review, *due])

    # -- beside the options --------------------------------------------------------------------

    def tonnes_per_year(self, option: str) -> Range | None:
        """Emissions of a year, location-based, use and hardware; None where nobody says."""
        if option not in SELF_RUN or self._energy is None:
            return None
        facility = facility_at(option)
        try:
            use, made = self._energy.use_kg_co2e_per_year, self._energy.embodied_kg_co2e_per_year
            if facility != self._energy.facility_class:
                use = use / self._energy.pue * pue_of(self._inputs, self._facts, facility)
        except MissingFact:
            return None
        return as_range((use + made) / _KG, name="tonnes_co2e_per_year")

    def ttft_percentile_s(self, option: str) -> Range | None:
        """Time to the first token of 95 of 100 requests; None where nobody promises it."""
        if option not in SELF_RUN or self._serving is None:
            return None
        try:
            return self._serving.ttft_percentile_s
        except MissingFact:
            return None

    def availability(self, option: str) -> Range | None:
        """Share of the time that the machines answer; None where nobody promises it."""
        if option not in SELF_RUN or self._capacity is None:
            return None
        return self._capacity.availability

    def exit(self, option: Option) -> Exit:
        """What leaving an option costs."""
        return leave(self._inputs, option)

    @property
    def weights(self) -> dict[str, float]:
        """Weights of what is not in money."""
        return weights_of(self._inputs)

    @cached_property
    def scores(self) -> tuple[Score, ...]:
        """What is not in money, of the options that are left, the best first."""
        posts = {option.name: option.posts.base for option in self.candidates}
        return scores(self._inputs, self.compliance, posts) if posts else ()

    @property
    def score_leaders(self) -> dict[str, str]:
        """Who leads when one criterion alone counts."""
        return leaders(self.scores)


def _months_later(day: dt.date, months: int) -> dt.date:
    year, month = divmod(day.month - 1 + months, _MONTHS)
    last = calendar.monthrange(day.year + year, month + 1)[1]
    return dt.date(day.year + year, month + 1, min(day.day, last))

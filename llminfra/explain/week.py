"""What rented machines cost when they run only while there is something to do."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from llminfra.errors import MissingFact
from llminfra.facets.cost import Option
from llminfra.formulas import rent
from llminfra.plan import Plan
from llminfra.ranges import Range, as_range, exact
from llminfra.units import HOURS_PER_WEEK

_RENTED: Final = "on_demand"


@dataclass(frozen=True)
class Running:
    """A way to run machines through the week.

    Parameters
    ----------
    label : str
        What it is.
    hours_per_week : float
        Hours for which each machine is paid. [h]
    usd_per_month : Range
        The all-in month of renting on demand so. [USD]
    """

    label: str
    hours_per_week: float
    usd_per_month: Range


@dataclass(frozen=True)
class Weekly:
    """The load of a plan over a week, and what can be switched off.

    Parameters
    ----------
    plan : Plan
        Whose load it is.

    Examples
    --------
    >>> from llminfra import Scenario, evaluate
    >>> weekly = Weekly(evaluate(Scenario(tensor_parallel=8, load_profile="office")))
    >>> round(weekly.loaded_hours), [run.hours_per_week for run in weekly.runs]
    (60, [168.0, 60.0])
    """

    plan: Plan

    @property
    def loaded_hours(self) -> float:
        """Hours of the week with a load."""
        return self.plan.demand.load_fraction.base * HOURS_PER_WEEK

    @cached_property
    def replicas(self) -> tuple[int, ...]:
        """Replicas that each hour needs, spares included; empty where no profile is stated."""
        week, capacity = self.plan.demand.week, self.plan.capacity
        if week is None:
            return ()
        levels = sorted({share for share in week if share > 0})
        peak = self.plan.demand.stated.base
        needed = dict(zip(levels, capacity.replicas_at([peak * s for s in levels]), strict=True))
        most = capacity.replicas

        def at(share: float) -> int:
            found = needed.get(share, 0)
            if share == 0:
                return 0
            return most if found is None else min(found + capacity.spares, most)

        return tuple(at(share) for share in week)

    @cached_property
    def runs(self) -> tuple[Running, ...]:
        """Always on, off while there is no load, and as many as each hour needs, where they differ.

        Empty where machines cannot be rented on demand, or are needed in each hour.
        """
        try:
            return tuple(self._runs())
        except MissingFact:
            return ()

    def _runs(self) -> Iterator[Running]:
        if self.loaded_hours > HOURS_PER_WEEK - 0.5:
            return
        always, off = (self._rented(hours) for hours in (HOURS_PER_WEEK, self.loaded_hours))
        yield Running("Always on", float(HOURS_PER_WEEK), always.usd_per_month)
        yield Running("Off without a load", self.loaded_hours, off.usd_per_month)
        mean = sum(self.replicas) / self.plan.capacity.replicas if self.replicas else math.inf
        if mean < self.loaded_hours - 0.5:
            fewer = rent.usd_per_month_of_fewer_hours(
                usd_per_month=off.usd_per_month,
                rent_usd_per_month=off.parts["rent"],
                hours_fraction=exact(mean / self.loaded_hours, name="hours_fraction"),
            )
            yield Running("As many as each hour needs", mean, as_range(fewer))

    def _rented(self, hours: float) -> Option:
        option = self.plan.variant(hours_on_per_week=float(hours)).cost[_RENTED]
        if not option.is_possible:
            raise MissingFact(option.reason)
        return option

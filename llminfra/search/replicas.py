"""How many replicas each layout takes: an estimate for all, the plan itself for those named.

The base case of a layout needs as many replicas as its plan, which is sized for unfavourable draws,
or fewer. So layouts are asked in the order of their estimates until the best answer is no larger
than the next estimate: it is the best of all, and few plans are evaluated.
"""

import heapq
import math
from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from llminfra.catalog.facts import Facts
from llminfra.errors import InvalidInput, MissingFact
from llminfra.facets import SERVED
from llminfra.facets.base import SIZING_CONFIDENCE
from llminfra.facets.capacity import fleet, resources
from llminfra.plan import Plan
from llminfra.search.layouts import Layouts

Array = NDArray[Any]
Key = tuple[float, float, float]
FIELDS: Final = ("accelerator", "precision", "tensor_parallel", "pipeline_parallel")


class Replicas:
    """Replicas of all layouts, spares included.

    Parameters
    ----------
    layouts : Layouts
        What was prepared.
    listed : sequence of int, optional
        The only numbers of replicas that may run; any by default.
    facts : Facts
        Where the plans read.

    Attributes
    ----------
    replicas : ndarray
        What the load takes: of the plan where `is_sized`, else at least. Infinite where no number
        will do. [replica]
    is_sized : ndarray
        Whether the plan was asked.
    chance : ndarray
        Probability that a replica with one request meets the targets, where that is too small. [1]
    refusals : dict
        What is wrong with a layout that would do otherwise, by its place.
    """

    def __init__(self, layouts: Layouts, listed: Sequence[int] | None, facts: Facts) -> None:
        self.layouts, self.scenario, self._facts = layouts, layouts.scenario, facts
        self.listed = None if listed is None else np.unique(listed)
        self.replicas = np.asarray(
            fleet.with_spares(self.scenario, layouts.replicas_needed), dtype=float
        )
        self.is_sized = np.zeros(len(layouts), bool)
        self.chance = np.ones(len(layouts))
        self.refusals: dict[int, str] = {}
        self._plans: dict[int, Plan] = {}
        self.most = self._most()
        runs = np.where(np.isfinite(self.replicas), self.replicas, 1.0)
        e2e_s = layouts.rows(runs[:, None])["e2e_s"]
        self._e2e_s = np.where(np.isnan(e2e_s), np.inf, e2e_s)

    def find(
        self,
        *,
        cheapest: bool = False,
        distinct: str = "",
        winners: int = 1,
        among: Collection[str] | None = None,
    ) -> None:
        """Ask plans until the best layouts are known to be the best.

        Parameters
        ----------
        cheapest : bool
            By price, instead of by the number of accelerators and then by price; of equals, the
            faster at its estimate.
        distinct : str
            A column in which winners differ.
        winners : int
            How many are wanted.
        among : collection of str, optional
            Accelerators to look at; by default all.
        """
        kinds = self.layouts.by_layout["accelerator"]
        asked = [i for i, kind in enumerate(kinds) if among is None or kind in among]
        heap = [(self._key(i, cheapest), i) for i in asked]
        heap = [(key, i) for key, i in heap if math.isfinite(key[0])]
        heapq.heapify(heap)
        seen: set[Any] = set()
        while heap and len(seen) < winners:
            _, i = heapq.heappop(heap)
            kind = self.layouts.by_layout[distinct][i] if distinct else i
            if kind in seen:
                continue
            if self.is_sized[i]:
                seen.add(kind)
                continue
            self._ask(i)
            key = self._key(i, cheapest)
            if math.isfinite(key[0]):
                heapq.heappush(heap, (key, i))

    def usd_per_month(self) -> Array:
        """All-in cost of a month of each layout whose plan was asked and will do; NaN of others."""
        found = np.full(len(self.layouts), np.nan)
        for i, plan in self._plans.items():
            if math.isfinite(self.replicas[i]):
                with suppress(MissingFact):
                    found[i] = plan.cost.usd_per_month.base
        return found

    def _key(self, i: int, cheapest: bool) -> Key:
        accelerators = self._runs(i) * float(self.layouts.by_layout["count"][i])
        if accelerators > self.most[i]:
            return math.inf, math.inf, math.inf
        price = accelerators * float(self.layouts.by_layout["unit_price_usd"][i])
        price = math.inf if math.isnan(price) else price
        first, then = (price, accelerators) if cheapest else (accelerators, price)
        return first, then, float(self._e2e_s[i])

    def _runs(self, i: int) -> float:
        """Replicas that would run: the fewest of those listed that are enough."""
        wanted = float(self.replicas[i])
        if self.listed is None or not math.isfinite(wanted):
            return wanted
        place = int(np.searchsorted(self.listed, wanted))
        return float(self.listed[place]) if place < self.listed.size else math.inf

    def _ask(self, i: int) -> None:
        """Take the number of replicas from the plan, and refuse what it reports as an error."""
        runs = self._runs(i)
        is_open = self.listed is None and self.scenario.replicas == "auto"
        fields = {name: self.layouts.by_layout[name][i].item() for name in FIELDS}
        fields |= {"replicas": "auto" if is_open else int(runs)}
        plan = Plan(self.scenario.model_copy(update=fields), facts=self._facts)
        try:
            needed = plan.capacity.replicas_needed
            if not plan.memory.fits:  # for instance a length with which the engine does not start
                self._refuse(i, _first_error(plan, "memory"))
                return
            if needed is None or not plan.capacity.is_within_targets:
                sized = plan.capacity.max_in_flight_per_replica
                self.chance[i] = sized.probability_at_least(1.0)
                self._refuse(i)
                return
            self.replicas[i] = fleet.with_spares(self.scenario, needed)
            if self._runs(i) != plan.capacity.replicas:
                return  # the next turn asks with that number
            self.is_sized[i] = True
            self._plans[i] = plan
            if error := _error(plan):
                self._refuse(i, error)
        except (InvalidInput, MissingFact) as error:
            self._refuse(i, str(error))

    def _refuse(self, i: int, why: str = "") -> None:
        self.replicas[i], self.is_sized[i] = np.inf, True
        if why:
            self.refusals[i] = why

    def _most(self) -> Array:
        """Accelerators that may be installed, by number and by power."""
        scenario, count = self.scenario, len(self.layouts)
        allowed = scenario.max_accelerators or math.inf
        most = np.full(count, float(allowed))
        if scenario.max_power_w is None:
            return most
        watts = [self._accelerator_w(pair.accelerator) for pair in self.layouts.pairs]
        by_power = np.floor(scenario.max_power_w / np.array(watts) * (1 + 1e-12))
        allowed_by_both: Array = np.minimum(most, self.layouts.of_pairs(list(by_power)))
        return allowed_by_both

    def _accelerator_w(self, accelerator: str) -> float:
        """Power of an accelerator and its share of a host; infinite where it is not known."""
        scenario = self.scenario.model_copy(update={"accelerator": accelerator})
        try:
            return resources.power(scenario, self._facts, 1).base
        except MissingFact:
            return math.inf


def _error(plan: Plan) -> str:
    """The first thing that cannot work as asked; latencies and load first, which cost little."""
    if missed := plan.serving.missed_targets:
        return f"misses the target of {missed[0]}"
    if plan.capacity.load_probability < SIZING_CONFIDENCE:
        return "does not hold the load"
    return _first_error(plan, *SERVED)


def _first_error(plan: Plan, *questions: str) -> str:
    problems = plan.problems_of(*questions, is_advised=False)
    return next((problem.message for problem in problems if problem.is_error), "")

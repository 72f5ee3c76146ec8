"""Own machines in steps and the API as a line, in the volumes that the load would have.

A volume has the shape of the load: peak over mean is kept. What machines carry is what they answer
within the latency targets; where their number is open, steps are filled to the target utilization.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from llminfra.facets.base import quantity
from llminfra.facets.build_vs_api.inputs import Inputs
from llminfra.facets.capacity import Capacity, fleet
from llminfra.facets.cost import Cost, Option
from llminfra.facets.cost.api import ApiBill
from llminfra.facets.demand import Demand
from llminfra.formulas import break_even, load_curve
from llminfra.ranges import Range, as_range, exact
from llminfra.units import HOURS_PER_MONTH, SECONDS_PER_HOUR

FloatArray = NDArray[np.float64]

_PER_MTOK: Final = 1e6
# Steps that are looked at where their number is open: some beyond today's, at most so many.
_FEWEST, _MOST = 6, 64


@dataclass(frozen=True)
class Own:
    """One option that runs the model oneself, over its number of replicas."""

    inputs: Inputs
    demand: Demand
    capacity: Capacity
    cost: Cost
    option: Option

    @property
    def is_open(self) -> bool:
        """Whether replicas are added as the load grows."""
        return bool(self.inputs.replicas == "auto")

    @property
    def filled_fraction(self) -> Range:
        """Share of a replica that is filled before another is added; all of it where none is."""
        return quantity(self.inputs, "target_utilization") if self.is_open else exact(1.0)

    @cached_property
    def mtok_per_replica(self) -> Range:
        """Millions of tokens a month of one replica that is filled, in the shape of the load."""
        replica = self.capacity.replica
        most = replica.places
        if self.capacity.is_within_targets:
            most = replica.requests_within_targets
        rate = replica.curve.apply(
            load_curve.rate_at_utilization,
            name="requests_per_s",
            in_flight=most,
            utilization_fraction=self.filled_fraction,
        )
        seconds = HOURS_PER_MONTH * SECONDS_PER_HOUR
        tokens = rate * self.demand.mean_fraction * self.demand.tokens_per_request
        return as_range(tokens * (seconds / _PER_MTOK), name="mtok_per_month")

    @cached_property
    def electricity_usd_per_mtok(self) -> Range:
        """What a million tokens of full machines take more than machines without load."""
        return self._known(self.cost.marginal_usd_per_mtok(self.option.name))

    @cached_property
    def usd_per_mtok(self) -> Range:
        """What a million tokens more add to machines at work; nothing where none is served.

        Most of their electricity begins with the first requests: it stands in the step.
        """
        return self._known(self.cost.marginal_usd_per_mtok(self.option.name, above=0.5))

    def _known(self, found: Range) -> Range:
        return Range(
            np.nan_to_num(found.draws, posinf=np.inf, neginf=-np.inf),
            name=found.name,
            inputs={"": found},
        )

    @cached_property
    def mtok_today(self) -> Range:
        """Millions of tokens of a month."""
        return as_range(self.option.tokens_per_month / _PER_MTOK, name="mtok_per_month")

    # -- steps ---------------------------------------------------------------------------------

    @cached_property
    def mtok_per_step(self) -> Range:
        """What each replica that carries the load adds to what all of them carry.

        Where their number is open it is what the fleet is sized by, so that the step of today is
        the fleet of the plan; sized once, it carries the same number of answers in every draw.
        """
        filled = self.capacity.replicas_filled if self.is_open else math.nan
        if not 0 < filled < math.inf or not self.mtok_today.base > 0:
            return self.mtok_per_replica
        return as_range(self.mtok_today / filled, name="mtok_per_month")

    @cached_property
    def per_machine(self) -> int:
        """Replicas on each machine that is added."""
        return self.cost.replicas_per_machine(self.option.name)

    def machines(self, carrying: int) -> int:
        """Machines that are paid for where so many replicas carry the load."""
        return math.ceil(self.installed(carrying) / self.per_machine)

    def installed(self, carrying: int) -> int:
        """Replicas that are paid for where so many carry the load, spares included."""
        if not self.is_open:
            return self.capacity.replicas
        return int(fleet.with_spares(self.inputs, carrying))

    @cached_property
    def carrying(self) -> tuple[int, ...]:
        """Replicas that carry the load on each step."""
        if not self.is_open:
            return (max(self.capacity.replicas - self.capacity.spares, 1),)
        now = self.capacity.replicas_needed or 1
        return tuple(range(1, int(np.clip(3 * now, _FEWEST, _MOST)) + 1))

    @cached_property
    def step_usd_per_month(self) -> FloatArray:
        """Month of each step at work, before what each token adds; draws by steps."""
        machines = [self.machines(n) for n in self.carrying]
        least = machines[0]
        few = range(least, min(machines[-1], least + 2) + 1)
        # A fleet of a stated size is paid for as it is, one that grows by whole machines.
        replicas = [n * self.per_machine for n in few] if self.is_open else [self.installed(1)]
        months = self.cost.steps(replicas, self.option.name)
        begun = np.nan_to_num(self.cost.begun_usd_per_month(self.option.name).draws)
        now = self.capacity.replicas
        cost = np.broadcast_arrays(
            *(m.draws + begun * (n / now) for m, n in zip(months, replicas, strict=True))
        )
        # Beyond the network that the second server brings, each machine costs the same.
        each = cost[-1] - cost[-2] if len(cost) > 1 else 0.0
        last = len(cost) - 1
        steps = [n - least for n in machines]
        return np.stack([cost[min(n, last)] + max(n - last, 0) * each for n in steps], axis=-1)

    @cached_property
    def usd_per_machine(self) -> float:
        """What another machine costs in the base case; nothing where none is added."""
        by_number = {
            self.machines(n): float(usd)
            for n, usd in zip(self.carrying, self.step_usd_per_month[0], strict=True)
        }
        (*_, (fewer, less), (more, most)) = [(0, 0.0), *sorted(by_number.items())]
        return (most - less) / (more - fewer) if fewer else 0.0

    @cached_property
    def step_mtok_per_month(self) -> FloatArray:
        """What the replicas of each step carry; draws by steps."""
        return self.mtok_per_step.draws[:, None] * np.array(self.carrying, np.float64)


@dataclass(frozen=True)
class Api:
    """One API option as a line over the volume, with the floor of its contract."""

    inputs: Inputs
    option: Option
    bill: ApiBill
    tokens_per_request: Range
    has_contract: bool

    @property
    def _taxed(self) -> Range:
        taxed: Range = 1 + quantity(self.inputs, "vat_fraction")
        return taxed

    @cached_property
    def usd_per_mtok(self) -> Range:
        """What a million tokens more add."""
        each = self.bill.usd_per_request * (_PER_MTOK * self._taxed) / self.tokens_per_request
        return as_range(each, name="usd_per_mtok")

    @property
    def _allowance(self) -> Range:
        name = "api_plan_included_usd_per_month"
        return quantity(self.inputs, name) if self.has_contract else exact(0.0)

    @property
    def _plan(self) -> Range:
        name = "api_plan_usd_per_month"
        return quantity(self.inputs, name) if self.has_contract else exact(0.0)

    @cached_property
    def beside_usd_per_month(self) -> Range:
        """What does not go to the provider: gateway, logs, staff."""
        paid = self.option.usd_per_month - self.option.parts["tokens"]
        return as_range(paid, name="usd_per_month")

    @cached_property
    def fixed_usd_per_month(self) -> Range:
        """What it costs without a token, floors apart; negative by what a plan includes."""
        plan = (self._plan - self._allowance) * self._taxed
        return as_range(self.beside_usd_per_month + plan, name="usd_per_month")

    @cached_property
    def minimum_usd_per_month(self) -> Range:
        """Least that is billed by the token: what a plan includes, or the commitment beyond it."""
        least = exact(0.0)
        if self.has_contract:
            least = quantity(self.inputs, "api_minimum_usd_per_month")
        beyond = (least - self._plan + self._allowance).draws
        floor = np.maximum(np.maximum(beyond, self._allowance.draws), 0.0)
        return as_range(Range(floor) * self._taxed, name="usd_per_month")


def lines(own: Own, api: Api) -> dict[str, FloatArray]:
    """Return both sides as arrays of draws, and of steps, for `llminfra.formulas.break_even`."""
    size = max(
        value.draws.size for value in (own.usd_per_mtok, api.usd_per_mtok, api.fixed_usd_per_month)
    )
    size = max(size, len(own.step_usd_per_month), len(own.step_mtok_per_month))

    def spread(value: Range) -> FloatArray:
        return np.broadcast_to(value.draws, size)

    return {
        "step_usd_per_month": np.broadcast_to(
            own.step_usd_per_month, (size, own.step_usd_per_month.shape[-1])
        ),
        "step_mtok_per_month": np.broadcast_to(
            own.step_mtok_per_month, (size, own.step_mtok_per_month.shape[-1])
        ),
        "own_usd_per_mtok": spread(own.usd_per_mtok),
        "fixed_usd_per_month": spread(api.fixed_usd_per_month),
        "api_usd_per_mtok": spread(api.usd_per_mtok),
        "minimum_usd_per_month": spread(api.minimum_usd_per_month),
    }


def break_even_of(given: dict[str, FloatArray]) -> FloatArray:
    """Return the least volume at which own machines cost no more, in each draw."""
    return break_even.break_even_mtok_per_month(**given)

"""How many replicas carry the demand, and the load that each of them then has."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np

from llminfra.catalog.facts import Facts
from llminfra.errors import MissingFact
from llminfra.facets.base import SIZING_CONFIDENCE, Result, known, quantity
from llminfra.facets.capacity import fleet
from llminfra.facets.capacity.inputs import Inputs
from llminfra.facets.demand import Demand
from llminfra.facets.deployment import Deployment
from llminfra.facets.memory import Memory
from llminfra.facets.replica import Replica
from llminfra.formulas import availability, demand, load_curve, population, queueing
from llminfra.formulas import fleet as of_all
from llminfra.formulas._formula import Body
from llminfra.formulas.memory import kv_load_bytes, spare_bytes
from llminfra.ranges import Range, as_range

_MANY: Final = 1e6


@dataclass(frozen=True)
class Sized(Result):
    """The peak, dealt to replicas that are sized once and then lived with in every draw."""

    _scenario: Inputs = field(repr=False, compare=False)
    _facts: Facts = field(repr=False, compare=False)
    _deployment: Deployment = field(repr=False, compare=False)
    _demand: Demand = field(repr=False, compare=False)
    _memory: Memory | MissingFact = field(repr=False, compare=False)
    _replica: Replica | MissingFact = field(repr=False, compare=False)

    # -- load --------------------------------------------------------------------------------

    @property
    def _pause(self) -> dict[str, Range]:
        """Users and their pause; requests in flight are users without one."""
        return {"active_users": self._demand.stated, "think_time_s": self._demand.think_time_s}

    @property
    def replica(self) -> Replica:
        """What one replica delivers; raises the reason where that is not known."""
        return known(self._replica)

    @cached_property
    def in_flight(self) -> Range:
        """Requests being answered or waiting for a place, at the peak."""
        if self._demand.view == "in_flight":
            return self._demand.stated
        found = self.replica.curve.in_flight(
            self._demand.stated,
            think_time_s=self._demand.think_time_s,
            is_open=self._demand.is_open,
            n_replicas=self.replicas,
        )
        return as_range(found)

    @cached_property
    def requests_per_s(self) -> Range:
        """Requests that arrive per second, at the peak."""
        if self._demand.is_open:
            return self._demand.stated
        if self._demand.view == "active_users":
            rate = self._of_population(population.requests_per_s_of_population, "requests_per_s")
            found = of_all.requests_per_s_where_it_fits(
                requests_per_s=rate, n_places=self.replica.places
            )
            return as_range(found, name="requests_per_s")
        served = self.served_per_replica
        request_s = self.replica.curve.apply(
            load_curve.request_s_at, name="request_s", in_flight=served
        )
        found = of_all.answered_requests_per_s(
            in_flight=served, request_s=request_s, n_replicas=self.replicas
        )
        return as_range(found, name="requests_per_s")

    @property
    def mean_requests_per_s(self) -> Range:
        """Requests per second over days and nights; the peak where the demand does not tell."""
        mean = demand.mean_requests_per_s(
            requests_per_s=self.requests_per_s, mean_fraction=self._demand.mean_fraction
        )
        return as_range(mean)

    @cached_property
    def in_flight_per_replica(self) -> Range:
        """Requests on one replica when all of them run."""
        each = of_all.in_flight_per_replica(in_flight=self.in_flight, n_replicas=self.replicas)
        return as_range(each)

    @cached_property
    def served_per_replica(self) -> Range:
        """Requests that have a place on one replica."""
        served = queueing.served_requests(
            in_flight=self.in_flight_per_replica, n_places=self.replica.places
        )
        return as_range(served, name="in_flight_per_replica")

    # -- replicas ----------------------------------------------------------------------------

    @cached_property
    def _carried(self) -> Range:
        """What one replica carries at the target utilization, in terms of the demand."""
        most = self.replica.places
        if self.is_within_targets:
            most = self.replica.requests_within_targets
        carried = self.replica.curve.carried(
            most,
            utilization_fraction=quantity(self._scenario, "target_utilization"),
            think_time_s=self._demand.think_time_s,
            is_open=self._demand.is_open,
        )
        return as_range(carried)

    @property
    def max_in_flight_per_replica(self) -> Range:
        """Requests that a replica answers at once within the latency targets."""
        sized = self.replica.requests_within_targets
        return Range(
            sized.draws,
            name="max_in_flight_per_replica",
            unit="request",
            formula=sized.formula,
            inputs=sized.inputs,
        )

    @property
    def is_within_targets(self) -> bool:
        """Whether a replica meets the latency targets at any load, which more of them spread."""
        return self.replica.requests_within_targets.probability_at_least(1.0) >= SIZING_CONFIDENCE

    @property
    def is_limited_by_targets(self) -> bool:
        """Whether latency targets leave a replica with fewer requests than it has places for."""
        sized, places = self.replica.requests_within_targets, self.replica.places
        return self.is_within_targets and sized.base < places.base

    @cached_property
    def replicas_needed(self) -> int | None:
        """Replicas that carry the peak at the target utilization; None when no number does."""
        return self._replicas_for(self._demand.stated)

    def replicas_at(self, demands: Sequence[float]) -> list[int | None]:
        """Replicas that carry other demands, in the unit in which the demand is stated."""
        known: Range = self._demand.stated / self._demand.stated.base
        return [self._replicas_for(known * each) for each in demands]

    @cached_property
    def replicas_filled(self) -> float:
        """Replicas that the peak fills to the target utilization, parts of one counted too.

        They are counted for a load so large that a last replica makes no difference.
        """
        with np.errstate(over="ignore"):  # of a replica that carries nothing, no number does
            needed = self._replicas_for(self._demand.stated * _MANY)
        return math.inf if needed is None else needed / _MANY

    def replicas_for(self, asked: Range) -> Range:
        """Replicas that carry a demand, in each draw."""
        needed = availability.replicas_needed(
            demanded_requests=asked,
            carried_requests=self._carried,
            headroom_fraction=self.headroom_fraction,
        )
        return as_range(needed)

    def _replicas_for(self, asked: Range) -> int | None:
        sized = self.replicas_for(asked).at_confidence(1 - SIZING_CONFIDENCE)
        return math.ceil(sized) if math.isfinite(sized) else None

    @cached_property
    def replicas(self) -> int:
        """Replicas that run, spares included."""
        if self._scenario.replicas != "auto":
            return int(self._scenario.replicas)
        chosen, needed = 1, self.replicas_needed
        if needed is not None:
            chosen = fleet.with_spares(self._scenario, needed)
        return int(chosen)

    @property
    def chosen(self) -> dict[str, Any]:
        """Replicas, where their number was open and could be told."""
        try:
            return {"replicas": self.replicas} if self._scenario.replicas == "auto" else {}
        except MissingFact:
            return {}

    @property
    def spares(self) -> int:
        """Replicas beyond those that the load needs."""
        return max(self.replicas - (self.replicas_needed or self.replicas), 0)

    @property
    def accelerators(self) -> int:
        """Accelerators of all replicas."""
        return self.replicas * self._deployment.accelerators_per_replica

    @cached_property
    def placement(self) -> fleet.Placement:
        """Which replicas share a server."""
        return fleet.placement(
            self._scenario, self._facts, self.replicas, deployment=self._deployment
        )

    @property
    def servers(self) -> int:
        """Servers that hold all replicas."""
        return self.placement.servers

    @cached_property
    def max_requests_per_s(self) -> Range:
        """Requests that all replicas answer when they are full."""
        replica = self.replica
        most = of_all.answered_requests_per_s(
            in_flight=replica.places, request_s=replica.full_request_s, n_replicas=self.replicas
        )
        return as_range(most, name="max_requests_per_s")

    @cached_property
    def utilization(self) -> Range:
        """Peak load over what all replicas can answer."""
        used = queueing.utilization(
            requests_per_s=self.requests_per_s, max_requests_per_s=self.max_requests_per_s
        )
        return as_range(used)

    @cached_property
    def is_unstable(self) -> bool:
        """Whether a queue grows without end, in more draws than sizing leaves.

        Closed loops slow down instead; whether memory holds them up is a question of its own.
        """
        needed = self.replicas_needed if self._demand.is_open else None
        if needed is None or self.replicas >= needed:
            return False
        return 1 - self.utilization.probability_at_least(1.0) < SIZING_CONFIDENCE

    @cached_property
    def headroom_fraction(self) -> Range:
        """Share of the load to keep free until another replica runs."""
        memory = self._memory
        weights = memory if isinstance(memory, MissingFact) else memory.weight_bytes
        return fleet.headroom(self._scenario, self._facts, weight_bytes=weights)

    # -- the load in memory ------------------------------------------------------------------

    @property
    def _held_load(self) -> Range:
        """Requests that a replica has to hold: at least one."""
        return self.in_flight_per_replica.no_less_than(1)

    @cached_property
    def kv_load_bytes_per_accelerator(self) -> Range:
        """Cache that the load takes."""
        memory = known(self._memory)
        load = kv_load_bytes(
            sequence_bytes=memory.kv_request_bytes_per_accelerator,
            in_flight=self.in_flight_per_replica,
            n_ranks=memory.ranks,
        )
        return as_range(load, name="kv_load_bytes_per_accelerator")

    @property
    def spare_bytes_per_accelerator(self) -> Range:
        """Room that the load leaves in the pool; negative when it is short."""
        pool = known(self._memory).kv_pool_bytes_per_accelerator
        spare = spare_bytes(kv_pool_bytes=pool, kv_load_bytes=self.kv_load_bytes_per_accelerator)
        return as_range(spare, name="spare_bytes_per_accelerator")

    @cached_property
    def load_probability(self) -> float:
        """Probability that the cache holds the load."""
        return known(self._memory).max_sequences.probability_at_least(self._held_load)

    @cached_property
    def max_tokens_per_request(self) -> Range:
        """Longest mean request at which the load is held; never above max_model_len."""
        memory = known(self._memory)
        per_rank = np.ceil(self.in_flight_per_replica.draws / memory.ranks)
        found = memory.longest_held(Range(np.maximum(per_rank, 1)))
        return found.named("max_tokens_per_request")

    @cached_property
    def accelerators_needed_for_load(self) -> int | None:
        """Fewest accelerators of this kind that hold the load; None when no number does."""
        return known(self._memory).accelerators_holding(self._held_load)

    def _of_population(self, formula: Body, name: str) -> Range:
        curve = self.replica.curve
        return as_range(curve.apply(formula, name=name, replicas=self.replicas, **self._pause))

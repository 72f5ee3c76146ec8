"""How many replicas a demand needs, how long requests wait for them, how often enough of them run.

Everything is computed when it is asked for: the memory and the serving of a replica know the
length of its requests from here before they know how many there are.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from llminfra.catalog.facts import Facts
from llminfra.errors import MissingFact
from llminfra.facets.base import SIZING_CONFIDENCE, Result, quantity
from llminfra.facets.capacity import fleet, resources
from llminfra.facets.capacity.demand import DEFAULT_IN_FLIGHT, Inputs, check, view
from llminfra.facets.capacity.problems import problems
from llminfra.facets.capacity.service import Service, named, service
from llminfra.formulas import availability, load_curve, population, queueing, turns
from llminfra.formulas import capacity as formulas
from llminfra.ranges import Range, apply, exact

if TYPE_CHECKING:
    from llminfra.plan import Plan

__all__ = ["Capacity", "Inputs", "check", "evaluate", "problems"]

_OFFICE = ("named_users", "requests_per_user_day", "work_hours", "peak_factor")
_HOURS_PER_DAY = 24
# A replica that holds nothing still divides the load; its queue comes out as endless.
_NO_PLACES = 1e-9
# In the order of a table.
_COMPUTED = (
    *("in_flight", "requests_per_s", "in_flight_per_replica", "replicas", "replicas_needed"),
    *("max_in_flight_per_replica", "spares", "accelerators", "servers"),
    *("max_requests_per_s", "utilization"),
    *("headroom_fraction", "wait_probability", "waiting_s", "waiting_percentile_s"),
    *("server_availability", "availability"),
)


@dataclass(frozen=True)
class Capacity(Result):
    """The demand at its peak, and the fleet that carries it."""

    headline = (
        *("in_flight", "requests_per_s", "replicas"),
        *("accelerators", "utilization", "availability"),
    )

    prompt_tokens: Range
    output_tokens: Range
    tokens_per_request: Range
    _scenario: Any = field(repr=False, compare=False)
    _plan: "Plan" = field(repr=False, compare=False)
    _facts: Facts = field(repr=False, compare=False)

    def items(self) -> Iterator[tuple[str, Any]]:
        """Yield name and value of every quantity that no fact lacks, the bill last."""
        yield from super().items()
        for name in _COMPUTED:
            try:
                yield name, getattr(self, name)
            except MissingFact:
                continue
        yield from self.resources.items()

    # -- demand ------------------------------------------------------------------------------

    @cached_property
    def demand(self) -> Range:
        """The demand as it was stated: requests per second or in flight, or users."""
        scenario, stated = self._scenario, view(self._scenario)
        if stated == "named_users":
            office = {name: quantity(scenario, name) for name in _OFFICE}
            return apply(formulas.peak_requests_per_s, name="requests_per_s", **office)
        if getattr(scenario, stated) is None:
            return exact(DEFAULT_IN_FLIGHT, name="in_flight", origin="documented default")
        return quantity(scenario, stated)

    @property
    def is_open(self) -> bool:
        """Whether requests arrive however long the others take."""
        return view(self._scenario) in ("requests_per_s", "named_users")

    @property
    def _pause(self) -> dict[str, Range]:
        """Users and their pause; requests in flight are users without one."""
        pauses = view(self._scenario) == "active_users"
        pause = quantity(self._scenario, "think_time_s") if pauses else exact(0, unit="s")
        return {"active_users": self.demand, "think_time_s": pause}

    @cached_property
    def in_flight(self) -> Range:
        """Requests being answered or waiting for a place, at the peak."""
        if self.is_open:
            each = self.service.apply(
                load_curve.in_flight_of_rate_on_curve,
                name="in_flight",
                requests_per_s=self.demand / self.replicas,
            )
            return named(each * self.replicas, "in_flight")
        if view(self._scenario) == "in_flight":
            return self.demand
        found = self._of_population(population.in_flight_of_population, "in_flight")
        return named(found * self._has_place + self.demand * (1 - self._has_place), "in_flight")

    @property
    def _has_place(self) -> Range:
        """1 where the model fits; else nobody is ever answered and all wait."""
        places = self.service.places
        return Range(np.minimum(places.draws, 1.0), name="n_places", inputs={"n_places": places})

    @cached_property
    def requests_per_s(self) -> Range:
        """Requests that arrive per second, at the peak."""
        if self.is_open:
            return self.demand
        if view(self._scenario) == "active_users":
            rate = self._of_population(population.requests_per_s_of_population, "requests_per_s")
            return named(rate * self._has_place, "requests_per_s")
        served = self.served_per_replica
        request_s = self.service.apply(load_curve.request_s_at, name="request_s", in_flight=served)
        return named(served / request_s * self.replicas, "requests_per_s")

    @property
    def mean_requests_per_s(self) -> Range:
        """Requests per second over days and nights; the peak where the demand does not tell."""
        if view(self._scenario) != "named_users":
            return self.requests_per_s
        scenario = self._scenario
        hours = quantity(scenario, "work_hours") / _HOURS_PER_DAY
        mean = self.demand / quantity(scenario, "peak_factor") * hours
        return named(mean, "mean_requests_per_s")

    @cached_property
    def in_flight_per_replica(self) -> Range:
        """Requests on one replica when all of them run."""
        return named(self.in_flight / self.replicas, "in_flight_per_replica")

    @cached_property
    def served_per_replica(self) -> Range:
        """Requests that have a place on one replica."""
        return apply(
            turns.served_requests,
            name="in_flight_per_replica",
            in_flight=self.in_flight_per_replica,
            n_places=self.service.places,
        )

    # -- replicas ----------------------------------------------------------------------------

    @cached_property
    def service(self) -> Service:
        """What one replica delivers."""
        return service(self._scenario, self._plan)

    @cached_property
    def _carried(self) -> Range:
        """What one replica carries at the target utilization, in terms of the demand."""
        target, most = quantity(self._scenario, "target_utilization"), self.service.places
        if self.is_within_targets:
            most = self.service.sized_requests
        rate = self.service.apply(
            load_curve.rate_at_utilization,
            name="requests_per_s",
            in_flight=most,
            utilization_fraction=target,
        )
        if self.is_open:
            return rate
        held = self.service.apply(
            load_curve.in_flight_of_rate_on_curve, name="in_flight", requests_per_s=rate
        )
        return named(held + self._pause["think_time_s"] * rate, "carried_requests")

    @property
    def max_in_flight_per_replica(self) -> Range:
        """Requests that a replica answers at once within the latency targets."""
        sized = self.service.sized_requests
        return Range(
            sized.draws, name="max_in_flight_per_replica", unit="request", inputs=sized.inputs
        )

    @property
    def is_within_targets(self) -> bool:
        """Whether a replica meets the latency targets at any load, which more of them spread."""
        return self.service.sized_requests.probability_at_least(1.0) >= SIZING_CONFIDENCE

    @property
    def is_limited_by_targets(self) -> bool:
        """Whether latency targets leave a replica with fewer requests than it has places for."""
        sized, places = self.service.sized_requests, self.service.places
        return self.is_within_targets and sized.base < places.base

    @cached_property
    def replicas_needed(self) -> int | None:
        """Replicas that carry the peak at the target utilization; None when no number does."""
        return self._replicas_for(self.demand)

    def replicas_at(self, demands: Sequence[float]) -> list[int | None]:
        """Replicas that carry other demands, in the unit in which the demand is stated."""
        known: Range = self.demand / self.demand.base
        return [self._replicas_for(known * demand) for demand in demands]

    def replicas_for(self, demand: Range) -> Range:
        """Replicas that carry a demand, in each draw."""
        return apply(
            availability.replicas_needed,
            name="replicas_needed",
            demanded_requests=demand,
            carried_requests=self._carried,
            headroom_fraction=self.headroom_fraction,
        )

    def _replicas_for(self, demand: Range) -> int | None:
        sized = self.replicas_for(demand).at_confidence(1 - SIZING_CONFIDENCE)
        return math.ceil(sized) if math.isfinite(sized) else None

    @cached_property
    def replicas(self) -> int:
        """Replicas that run, spares included."""
        if self._scenario.replicas != "auto":
            return int(self._scenario.replicas)
        chosen, needed = 1, self.replicas_needed
        if needed is not None:
            chosen = fleet.with_spares(self._scenario, needed)
        self._plan.chosen["replicas"] = int(chosen)
        return int(chosen)

    @property
    def spares(self) -> int:
        """Replicas beyond those that the load needs."""
        return max(self.replicas - (self.replicas_needed or self.replicas), 0)

    @property
    def accelerators(self) -> int:
        """Accelerators of all replicas."""
        return self.replicas * self._plan.deployment.accelerators_per_replica

    @cached_property
    def placement(self) -> fleet.Placement:
        """Which replicas share a server."""
        return fleet.placement(self._scenario, self._plan, self._facts, self.replicas)

    @property
    def servers(self) -> int:
        """Servers that hold all replicas."""
        return self.placement.servers

    @cached_property
    def max_requests_per_s(self) -> Range:
        """Requests that all replicas answer when they are full."""
        return named(self.service.max_requests_per_s * self.replicas, "max_requests_per_s")

    @cached_property
    def utilization(self) -> Range:
        """Peak load over what all replicas can answer."""
        return apply(
            queueing.utilization,
            requests_per_s=self.requests_per_s,
            max_requests_per_s=self.max_requests_per_s,
        )

    @cached_property
    def headroom_fraction(self) -> Range:
        """Share of the load to keep free until another replica runs."""
        return fleet.headroom(self._scenario, self._plan, self._facts)

    # -- waiting -----------------------------------------------------------------------------

    @cached_property
    def _places(self) -> Range:
        return Range(
            np.maximum(self.service.places.draws * self.replicas, _NO_PLACES),
            name="n_places",
            inputs={"n_places": self.service.places},
        )

    @cached_property
    def _offered(self) -> Range:
        """Places that the demand takes at the time of a full replica, which is the safe side."""
        return named(self.requests_per_s * self.service.full_request_s, "offered_requests")

    @cached_property
    def wait_probability(self) -> Range:
        """Probability that a request finds all places taken, if it goes where one is free."""
        stated = view(self._scenario)
        if stated == "active_users":
            return self._of_population(
                population.wait_probability_of_population, "wait_probability"
            )
        if stated == "in_flight":
            return apply(
                turns.wait_probability_in_turn,
                name="wait_probability",
                in_flight=self.in_flight,
                n_places=self._places,
            )
        return apply(
            queueing.wait_probability, n_places=self._places, offered_requests=self._offered
        )

    @cached_property
    def _queued(self) -> Range:
        """Requests without a place, where the demand is users or requests in flight."""
        if view(self._scenario) == "active_users":
            return self._of_population(population.queued_requests_of_population, "queued_requests")
        short = (self.in_flight_per_replica - self.served_per_replica) * self.replicas
        return named(short, "queued_requests")

    @cached_property
    def waiting_s(self) -> Range:
        """Mean wait for a place, over all requests."""
        if not self.is_open:
            return apply(
                turns.queue_waiting_s,
                name="waiting_s",
                queued_requests=self._queued,
                requests_per_s=self.requests_per_s,
            )
        return apply(
            queueing.waiting_s,
            wait_probability=self.wait_probability,
            n_places=self._places,
            offered_requests=self._offered,
            request_s=self.service.full_request_s,
            arrival_variation_ratio=quantity(self._scenario, "arrival_variation_ratio"),
            service_variation_ratio=quantity(self._scenario, "service_variation_ratio"),
        )

    @cached_property
    def waiting_percentile_s(self) -> Range:
        """Wait for a place that `percentile_fraction` of the requests do not exceed."""
        return apply(
            queueing.waiting_percentile_s,
            wait_probability=self.wait_probability,
            waiting_s=self.waiting_s,
            waiting_variation_ratio=self._waiting_variation,
            percentile_fraction=quantity(self._scenario, "percentile_fraction"),
        )

    @property
    def _waiting_variation(self) -> Range:
        """How unlike the waits are: in a line of known length each waits for about the mean."""
        name = "waiting_variation_ratio"
        if self.is_open:
            return exact(1.0, name=name)
        if view(self._scenario) == "active_users":
            return self._of_population(population.waiting_variation_of_population, name)
        return apply(turns.waiting_variation_in_turn, name=name, queued_requests=self._queued)

    def _of_population(self, formula: Any, name: str) -> Range:
        return self.service.apply(formula, name=name, replicas=self.replicas, **self._pause)

    # -- failures and everything beside --------------------------------------------------------

    @cached_property
    def server_availability(self) -> Range:
        """Share of the time that one server runs."""
        return fleet.server_availability(self._scenario, self._facts)

    @cached_property
    def availability(self) -> Range:
        """Share of the time that enough replicas run; no number where the model does not fit."""
        if not self._plan.memory.fits:
            return Range(np.nan, name="availability")
        needed = self.replicas_needed or self.replicas
        return fleet.availability(self._scenario, self._facts, self.placement, needed)

    @cached_property
    def resources(self) -> dict[str, Range]:
        """What the service needs beside accelerators: hosts, network, gateways, logs, power."""
        return resources.bill(self._scenario, self._plan, self._facts, self)


def evaluate(inputs: Inputs, plan: "Plan", facts: Facts) -> Capacity:
    """Take the length of the requests; the rest is computed when it is asked for."""
    prompt_tokens, output_tokens = (
        quantity(inputs, name) for name in ("prompt_tokens", "output_tokens")
    )
    return Capacity(
        prompt_tokens=prompt_tokens,
        output_tokens=output_tokens,
        tokens_per_request=apply(
            formulas.request_tokens,
            name="tokens_per_request",
            prompt_tokens=prompt_tokens,
            output_tokens=output_tokens,
        ),
        _scenario=inputs,
        _plan=plan,
        _facts=facts,
    )

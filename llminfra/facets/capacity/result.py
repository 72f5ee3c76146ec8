"""The fleet under the load: waiting, failures, and what it needs beside accelerators."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from llminfra.errors import MissingFact
from llminfra.facets.base import known, quantity
from llminfra.facets.capacity import fleet, resources
from llminfra.facets.capacity.sizing import Sized
from llminfra.formulas import fleet as of_all
from llminfra.formulas import percentile, population, queueing
from llminfra.ranges import Range, as_range, exact

# In the order of a table.
_COMPUTED = (
    *("in_flight", "requests_per_s", "in_flight_per_replica", "replicas", "replicas_needed"),
    *("max_in_flight_per_replica", "spares", "accelerators", "servers"),
    *("max_requests_per_s", "utilization"),
    *("headroom_fraction", "wait_probability", "waiting_s", "waiting_percentile_s"),
    *("server_availability", "availability"),
    *("kv_load_bytes_per_accelerator", "spare_bytes_per_accelerator", "load_probability"),
    *("max_tokens_per_request", "accelerators_needed_for_load"),
)


@dataclass(frozen=True)
class Capacity(Sized):
    """The demand at its peak, and the fleet that carries it. Computed when it is asked for."""

    headline = (
        *("in_flight", "requests_per_s", "replicas"),
        *("accelerators", "utilization", "availability"),
    )

    def items(self) -> Iterator[tuple[str, Any]]:
        """Yield name and value of every quantity that no fact lacks, the bill last."""
        yield from super().items()
        yield from self.available(_COMPUTED)
        try:
            yield from self.resources.items()
        except MissingFact:  # such as the speed of the links between the accelerators
            return

    # -- waiting -----------------------------------------------------------------------------

    @cached_property
    def _places(self) -> Range:
        places = of_all.fleet_places(n_places=self.replica.places, n_replicas=self.replicas)
        return as_range(places, name="n_places")

    @cached_property
    def _offered(self) -> Range:
        """Places that the demand takes at the time of a full replica, which is the safe side."""
        offered = queueing.offered_requests(
            requests_per_s=self.requests_per_s, request_s=self.replica.full_request_s
        )
        return as_range(offered)

    @cached_property
    def wait_probability(self) -> Range:
        """Probability that a request finds all places taken, if it goes where one is free."""
        stated = self._demand.view
        if stated == "active_users":
            return self._of_population(
                population.wait_probability_of_population, "wait_probability"
            )
        if stated == "in_flight":
            in_turn = queueing.wait_probability_in_turn(
                in_flight=self.in_flight, n_places=self._places
            )
            return as_range(in_turn, name="wait_probability")
        return as_range(
            queueing.wait_probability(n_places=self._places, offered_requests=self._offered)
        )

    @cached_property
    def _queued(self) -> Range:
        """Requests without a place, where the demand is users or requests in flight."""
        if self._demand.view == "active_users":
            return self._of_population(population.queued_requests_of_population, "queued_requests")
        queued = of_all.queued_requests(
            in_flight=self.in_flight_per_replica,
            served_requests=self.served_per_replica,
            n_replicas=self.replicas,
        )
        return as_range(queued)

    @cached_property
    def waiting_s(self) -> Range:
        """Mean wait for a place, over all requests."""
        if not self._demand.is_open:
            in_turn = queueing.queue_waiting_s(
                queued_requests=self._queued, requests_per_s=self.requests_per_s
            )
            return as_range(in_turn, name="waiting_s")
        found = queueing.waiting_s(
            wait_probability=self.wait_probability,
            n_places=self._places,
            offered_requests=self._offered,
            request_s=self.replica.full_request_s,
            arrival_variation_ratio=quantity(self._scenario, "arrival_variation_ratio"),
            service_variation_ratio=quantity(self._scenario, "service_variation_ratio"),
        )
        return as_range(found)

    @cached_property
    def waiting_percentile_s(self) -> Range:
        """Wait for a place that `percentile_fraction` of the requests do not exceed."""
        found = percentile.waiting_percentile_s(
            wait_probability=self.wait_probability,
            waiting_s=self.waiting_s,
            waiting_variation_ratio=self._waiting_variation,
            percentile_fraction=quantity(self._scenario, "percentile_fraction"),
        )
        return as_range(found)

    @property
    def _waiting_variation(self) -> Range:
        """How unlike the waits are: in a line of known length each waits for about the mean."""
        name = "waiting_variation_ratio"
        if self._demand.is_open:
            return exact(1.0, name=name)
        if self._demand.view == "active_users":
            return self._of_population(population.waiting_variation_of_population, name)
        alike = queueing.waiting_variation_in_turn(queued_requests=self._queued)
        return as_range(alike, name=name)

    # -- failures and everything beside --------------------------------------------------------

    @cached_property
    def server_availability(self) -> Range:
        """Share of the time that one server runs."""
        return fleet.server_availability(self._scenario, self._facts)

    @cached_property
    def availability(self) -> Range:
        """Share of the time that enough replicas run; no number where the model does not fit."""
        if not known(self._memory).fits:
            return Range(np.nan, name="availability")
        needed = self.replicas_needed or self.replicas
        return fleet.availability(self._scenario, self._facts, self.placement, needed)

    @cached_property
    def resources(self) -> dict[str, Range]:
        """What the service needs beside accelerators: hosts, network, gateways, logs, power."""
        given = self._scenario, self._facts, self, self._demand, self._memory
        return resources.ResourceBill(*given).available()

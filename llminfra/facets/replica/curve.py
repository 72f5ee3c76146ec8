"""Speed against requests in flight on a replica: what it carries, and how many share it.

One text for the draws of a plan, which remember what they rest on, and for the rows of a search.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from llminfra.formulas import fleet, load_curve, population, queueing
from llminfra.formulas._formula import Body, Quantity, named
from llminfra.ranges import FloatArray, Range, draws_of

CURVE_POINTS: Final = 33  # of the curve, evenly spread on a logarithmic scale


@dataclass(frozen=True)
class Curve:
    """Speed between one request and all places.

    Attributes
    ----------
    places : Range or ndarray
        Requests answered at the same time; 0 when the model does not fit. [request]
    full_request_s : Range or ndarray
        Time of a request when all places are taken. [s]
    requests : ndarray
        Along the first axis, with draws or rows along the others; it ends at the places. [request]
    speed : mapping of ndarray
        ttft_s, tpot_s and e2e_s there. [s]
    """

    places: Quantity
    full_request_s: Quantity
    requests: FloatArray
    speed: Mapping[str, FloatArray]

    @classmethod
    def of(
        cls,
        places: Quantity,
        speed: Callable[[FloatArray], Mapping[str, FloatArray]],
        *,
        full_request_s: Quantity = None,
    ) -> Self:
        """Return the curve of a replica whose speed at any load is known."""
        drawn = draws_of(places)
        shares = np.linspace(0.0, 1.0, CURVE_POINTS).reshape(-1, *(1,) * np.ndim(drawn))
        requests = load_curve.curve_points(n_places=drawn, position_fraction=shares)
        found = speed(requests)
        last = found["e2e_s"][-1] if full_request_s is None else full_request_s
        return cls(places, last, requests, found)

    def apply(
        self, formula: Body, *, name: str, replicas: Quantity = 1, **inputs: Quantity
    ) -> Quantity:
        """Evaluate a formula over the curve of so many replicas as one."""
        requests, times = self.requests * replicas, self.speed["e2e_s"]
        curve = {"curve_requests": requests, "curve_request_s": times}
        return self._evaluated(formula, curve, name, inputs)

    def requests_within(self, targets: Mapping[str, float]) -> Quantity:
        """The places, or fewer where latency targets, by name, allow fewer."""
        within = self.places
        for name, target in targets.items():
            curve = {"curve_requests": self.requests, "curve_s": self.speed[f"{name}_s"]}
            allowed = self._evaluated(
                load_curve.requests_within_target, curve, "in_flight", {"allowed_s": target}
            )
            least = queueing.served_requests(in_flight=within, n_places=allowed)
            within = named(least, "n_places")
        return within

    def carried(
        self,
        most: Quantity,
        *,
        utilization_fraction: Quantity,
        think_time_s: Quantity,
        is_open: bool,
    ) -> Quantity:
        """What one replica carries with at most so many requests, in terms of the demand."""
        rate = self.apply(
            load_curve.rate_at_utilization,
            name="requests_per_s",
            in_flight=most,
            utilization_fraction=utilization_fraction,
        )
        if is_open:
            return rate
        held = self.apply(
            load_curve.in_flight_of_rate_on_curve, name="in_flight", requests_per_s=rate
        )
        return fleet.carried_requests(
            in_flight=held, think_time_s=think_time_s, requests_per_s=rate
        )

    def in_flight(
        self, demanded: Quantity, *, think_time_s: Quantity, is_open: bool, n_replicas: Quantity
    ) -> Quantity:
        """Requests being answered or waiting at all replicas, of arrivals or of users."""
        if is_open:
            return self.apply(
                load_curve.in_flight_of_rate_on_curve,
                name="in_flight",
                replicas=n_replicas,
                requests_per_s=demanded,
            )
        users = self.apply(
            population.in_flight_of_population,
            name="in_flight",
            replicas=n_replicas,
            active_users=demanded,
            think_time_s=think_time_s,
        )
        found = fleet.in_flight_where_it_fits(
            in_flight=users, active_users=demanded, n_places=self.places
        )
        return named(found, "in_flight")

    def _evaluated(
        self,
        formula: Body,
        curve: Mapping[str, FloatArray],
        name: str,
        inputs: Mapping[str, Quantity],
    ) -> Quantity:
        if not isinstance(self.places, Range):
            return formula(**inputs, **curve)
        drawn = {k: draws_of(v) for k, v in inputs.items()}
        behind = {**inputs, "n_places": self.places, "request_s": self.full_request_s}
        return Range(formula(**drawn, **curve), name=name, formula=formula, inputs=behind)

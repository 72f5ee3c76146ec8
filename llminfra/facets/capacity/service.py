"""What one replica delivers: its places, and the time of a request against those in flight."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from llminfra.catalog.facts import Facts
from llminfra.errors import MissingFact
from llminfra.ranges import FloatArray, Range, exact

if TYPE_CHECKING:
    from llminfra.plan import Plan

CURVE_POINTS: Final = 33  # of the curve, evenly spread on a logarithmic scale
LEAST_PLACES: Final = 1.001  # a curve needs two ends
# Places of a replica whose limit is not known, so that the demand can still be told.
UNLIMITED: Final = 1e12


@dataclass(frozen=True)
class Service:
    """One replica.

    Attributes
    ----------
    places : Range
        Requests answered at the same time; 0 when the model does not fit, NaN when unknown.
    full_request_s : Range
        Time of a request when all places are taken.
    requests, request_s : ndarray
        The curve, along the first axis and with the draws along the second; it ends at the places.
    """

    places: Range
    full_request_s: Range
    requests: FloatArray
    request_s: FloatArray

    @property
    def max_requests_per_s(self) -> Range:
        """Requests that a full replica answers."""
        return named(self.places / self.full_request_s, "max_requests_per_s")

    def apply(
        self, formula: Callable[..., Any], *, name: str, replicas: int = 1, **inputs: Any
    ) -> Range:
        """Evaluate a formula over the curve of so many replicas as one."""
        draws = {k: v.draws if isinstance(v, Range) else v for k, v in inputs.items()}
        curve = {"curve_requests": self.requests * replicas, "curve_request_s": self.request_s}
        behind = inputs | {"n_places": self.places, "request_s": self.full_request_s}
        return Range(formula(**draws, **curve), name=name, formula=formula, inputs=behind)


def named(value: Any, name: str) -> Range:
    """Name the outcome of arithmetic on ranges."""
    return Range(value.draws, name=name, inputs=value.inputs)


def service(plan: "Plan", facts: Facts) -> Service:
    """Return what a replica of this plan delivers.

    The only place that knows where times come from. They must not depend on the load of the plan,
    because the load depends on them.
    """
    try:
        return _served(plan)
    except MissingFact:
        return _assumed(facts)


def _served(plan: "Plan") -> Service:
    """The serving law at loads between one request and all places."""
    serving, fits = plan.serving, plan.memory.max_sequences
    places = Range(
        np.where(fits.draws >= 1, serving.max_batch_sequences.draws, 0.0),
        name="n_places",
        inputs={"max_batch_sequences": serving.max_batch_sequences, "max_sequences": fits},
    )
    shares = np.linspace(0.0, 1.0, CURVE_POINTS)[:, None]
    requests = np.maximum(places.draws, LEAST_PLACES) ** shares
    request_s = serving.curve(requests)["e2e_s"]
    full = Range(request_s[-1], name="request_s", inputs={"e2e_s": serving.max_batch_sequences})
    return Service(places, full, requests, request_s)


def _assumed(facts: Facts) -> Service:
    """One time for every load, where the speed of the accelerator is not known."""
    request_s = facts.number("workload", "request_s")
    unlimited = np.full((1, 1), UNLIMITED)
    return Service(exact(np.nan, name="n_places"), request_s, unlimited, request_s.draws[None])

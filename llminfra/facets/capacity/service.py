"""What one replica delivers: its places, and the time of a request against those in flight."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from llminfra.formulas import load_curve
from llminfra.ranges import FloatArray, Range

if TYPE_CHECKING:
    from llminfra.plan import Plan

CURVE_POINTS: Final = 33  # of the curve, evenly spread on a logarithmic scale
TARGETS: Final = ("ttft", "tpot", "e2e")
LEAST_PLACES: Final = 1.001  # a curve needs two ends


@dataclass(frozen=True)
class Service:
    """One replica.

    Attributes
    ----------
    places : Range
        Requests answered at the same time; 0 when the model does not fit.
    full_request_s : Range
        Time of a request when all places are taken.
    sized_requests : Range
        The places, or fewer where the latency targets allow fewer.
    requests, request_s : ndarray
        The curve, along the first axis and with the draws along the second; it ends at the places.
    """

    places: Range
    full_request_s: Range
    sized_requests: Range
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


def service(scenario: Any, plan: "Plan") -> Service:
    """Return what a replica of this plan delivers, at loads between one request and all places.

    The only place that knows where times come from. They must not depend on the load of the plan,
    because the load depends on them.
    """
    serving, fits = plan.serving, plan.memory.max_sequences
    places = Range(
        np.where(fits.draws >= 1, serving.max_batch_sequences.draws, 0.0),
        name="n_places",
        inputs={"max_batch_sequences": serving.max_batch_sequences, "max_sequences": fits},
    )
    shares = np.linspace(0.0, 1.0, CURVE_POINTS)[:, None]
    requests = np.maximum(places.draws, LEAST_PLACES) ** shares
    times = serving.curve(requests)
    full = serving.e2e_at(places.no_less_than(LEAST_PLACES)).named("request_s")
    targets = {f"{name}_s": t for name in TARGETS if (t := getattr(scenario, f"{name}_target_s"))}
    limits = [
        load_curve.requests_within_target(
            allowed_s=target, curve_requests=requests, curve_s=times[name]
        )
        for name, target in targets.items()
    ]
    sized = np.minimum.reduce([places.draws, *limits]) if limits else places.draws
    return Service(
        places=places,
        full_request_s=full,
        sized_requests=Range(
            sized, name="n_places", inputs={"n_places": places, "request_s": full}
        ),
        requests=requests,
        request_s=times["e2e_s"],
    )

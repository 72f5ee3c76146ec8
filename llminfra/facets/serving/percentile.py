"""Time to first token of the slow requests: those that met many prompts, or no free place."""

from typing import TYPE_CHECKING, Any

import numpy as np

from llminfra.facets.base import quantity
from llminfra.facets.serving.engine import Engine
from llminfra.facets.serving.pools import Pools
from llminfra.formulas import first_token, queueing
from llminfra.ranges import Range, apply

if TYPE_CHECKING:
    from llminfra.plan import Plan


def ttft_percentile_s(engine: Engine, plan: "Plan") -> Range:
    """Time to first token that `percentile_fraction` of the requests do not exceed."""
    capacity, share = plan.capacity, quantity(engine.scenario, "percentile_fraction")
    seen = engine.loaded(capacity.served_per_replica)
    is_burst = engine.scenario.arrivals == "closed_loop"
    wait = _of_pools if isinstance(engine, Pools) else _burst if is_burst else _steady
    probability, waiting = wait(engine, seen, capacity.served_per_replica)
    percentile = apply(
        queueing.waiting_percentile_s,
        wait_probability=probability,
        waiting_s=waiting,
        waiting_variation_ratio=1.0,
        percentile_fraction=share,
    )
    return apply(
        queueing.ttft_percentile_s,
        ttft_s=engine.with_error(seen["ttft_s"], "ttft"),
        prompt_waiting_s=engine.with_error(waiting, "ttft"),
        prompt_waiting_percentile_s=engine.with_error(percentile, "ttft"),
        waiting_percentile_s=capacity.waiting_percentile_s,
    )


def _steady(engine: Engine, seen: dict[str, Range], served: Range) -> tuple[Any, Range]:
    """A prompt waits when another is being worked on: as often as prompts take the time."""
    load = engine.base_load(served)
    rate = served / float(engine.ranks) / seen["e2e_s"]
    passes = engine.computed_tokens / engine.inputs["pass_tokens"]
    service = seen["prefill_s"] + seen["step_s"] * passes
    most = load["most_utilization"]
    offered = rate * service
    utilization = Range(np.minimum(offered.draws, most), inputs={"offered_fraction": offered})
    decoding = rate * seen["prefill_s"]
    waiting = apply(
        first_token.prompt_waiting_s,
        prompt_utilization=utilization,
        service_s=service,
        decode_utilization=Range(np.minimum(decoding.draws, 1.0), inputs={"": decoding}),
        variation_ratio=load["variation_ratio"],
    )
    return utilization, waiting


def _burst(engine: Engine, seen: dict[str, Range], served: Range) -> tuple[Any, Range]:
    """The first request of each client waits for half the others, those after it for none."""
    fraction = engine.inputs["burst_fraction"]
    others = (served / float(engine.ranks)).no_less_than(1.0) - 1
    waiting = fraction * others * seen["queued_prefill_s"]
    return fraction * 2, waiting.named("prompt_waiting_s")


def _of_pools(engine: Any, seen: dict[str, Range], served: Range) -> tuple[Any, Range]:
    """A prompt waits when all prefill ranks are taken, or behind those that started with it."""
    waiting = seen["prompt_waiting_s"]
    if engine.scenario.arrivals == "closed_loop":
        return engine.reader.inputs["burst_fraction"] * 2, waiting
    used = seen["requests_per_s"] / seen["prefill_requests_per_s"] * float(engine.n_prefill_ranks)
    probability = apply(
        queueing.wait_probability, n_places=float(engine.n_prefill_ranks), offered_requests=used
    )
    return probability, waiting

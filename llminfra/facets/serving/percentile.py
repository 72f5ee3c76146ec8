"""Time to first token of the slow requests: those that met many prompts, or no free place."""

import numpy as np

from llminfra.facets.base import quantity
from llminfra.facets.capacity import Capacity
from llminfra.facets.replica import Replica
from llminfra.facets.replica.engine import Engine
from llminfra.facets.replica.pools import Pools
from llminfra.formulas import batch, first_token, law, percentile, queueing
from llminfra.formulas._formula import Quantity
from llminfra.ranges import Range, as_range


def ttft_percentile_s(replica: Replica, capacity: Capacity) -> Range:
    """Time to first token that `percentile_fraction` of the requests do not exceed."""
    engine = replica.engine
    share = quantity(engine.scenario, "percentile_fraction")
    served = capacity.served_per_replica
    seen = replica.seen_at(served)
    is_burst = engine.scenario.arrivals == "closed_loop"
    if isinstance(engine, Pools):
        probability, waiting = _of_pools(engine, seen)
    else:
        probability, waiting = (_burst if is_burst else _steady)(engine, seen, served)
    slow_wait = percentile.waiting_percentile_s(
        wait_probability=probability,
        waiting_s=waiting,
        waiting_variation_ratio=1.0,
        percentile_fraction=share,
    )
    found = percentile.ttft_percentile_s(
        ttft_s=engine.with_error(seen["ttft_s"], "ttft"),
        prompt_waiting_s=engine.with_error(waiting, "ttft"),
        prompt_waiting_percentile_s=engine.with_error(slow_wait, "ttft"),
        waiting_percentile_s=capacity.waiting_percentile_s,
    )
    return as_range(found)


def _steady(engine: Engine, seen: dict[str, Range], served: Range) -> tuple[Quantity, Range]:
    """A prompt waits when another is being worked on: as often as prompts take the time."""
    rate = batch.placed_requests_per_s(
        in_flight=served,
        n_ranks=engine.ranks,
        full_sequences=np.inf,
        busy_s=seen["e2e_s"],
        request_overhead_s=0.0,
    )
    found = law.prompt_waiting(engine.inputs, engine.load(served), seen, rate)
    return found["prompt_utilization"], found["prompt_waiting_s"]


def _burst(engine: Engine, seen: dict[str, Range], served: Range) -> tuple[Quantity, Range]:
    """The first request of each client waits for half the others, those after it for none."""
    fraction = engine.inputs["burst_fraction"]
    waiting = first_token.burst_waiting_s(
        burst_fraction=fraction,
        in_flight=served,
        n_ranks=engine.ranks,
        queued_prefill_s=seen["queued_prefill_s"],
    )
    return first_token.burst_wait_probability(burst_fraction=fraction), waiting


def _of_pools(engine: Pools, seen: dict[str, Range]) -> tuple[Quantity, Range]:
    """A prompt waits when all prefill ranks are taken, or behind those that started with it."""
    waiting = seen["prompt_waiting_s"]
    if engine.scenario.arrivals == "closed_loop":
        fraction = engine.reader.inputs["burst_fraction"]
        return first_token.burst_wait_probability(burst_fraction=fraction), waiting
    used = queueing.offered_requests(
        requests_per_s=seen["requests_per_s"],
        request_s=seen["queued_prefill_s"],
    )
    probability = queueing.wait_probability(
        n_places=float(engine.n_prefill_ranks), offered_requests=used
    )
    return probability, waiting

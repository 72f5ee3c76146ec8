"""What binds a request: what its time goes into, and what it waits for; of numbers or arrays."""

from typing import Final

import numpy as np

from llminfra.formulas import step
from llminfra.formulas._formula import Quantity
from llminfra.formulas.worker import Values

_RATES: Final = (
    ("native", "native_flop_per_s"),
    ("plain", "plain_flop_per_s"),
    ("expert", "expert_base_flop_per_s"),
)


def parts(v: Values, load: Values, step_s: Quantity) -> dict[str, Quantity]:
    """Times that make up a request, by what they are bound by; of numbers or arrays."""
    on_rank = np.maximum(load["in_flight"] / v["ranks"], 1.0)
    steps, decoded = load["steps"], load["steps"] * load["tokens_per_step"]
    pass_tokens = decoded * on_rank + on_rank * load["computed_tokens"]
    wait_s = v.get("cache_wait_s", 0.0)
    cache_s = (on_rank * v["cache_read_bytes"] / v["cache_bytes_per_s"] + wait_s) * decoded
    sent_s = pass_tokens * v["link_bytes_per_token"] / v["link_bytes_per_s"]
    mixed = step.mixed_step_fraction(sequences=on_rank, output_tokens=steps)
    each_step_s = v["overhead_s"] + v["mixed_overhead_s"] * mixed
    overhead_s = (each_step_s + v["sequence_overhead_s"] * on_rank) * steps
    price_s = sum(v[f"{kind}_flop_per_token"] / v[rate] for kind, rate in _RATES)
    arithmetic_s = pass_tokens * price_s
    decode_s = (arithmetic_s + sent_s) * decoded * on_rank / pass_tokens
    return {
        "memory bandwidth: weights": step_s * steps - cache_s - overhead_s - decode_s,
        "memory bandwidth: KV cache": cache_s,
        "arithmetic": arithmetic_s,
        "link between accelerators": sent_s,
        "launches and latency": overhead_s,
    }


def binding_limit(
    v: Values, load: Values, step_s: Quantity, batch: Quantity, capped: Quantity
) -> Quantity:
    """Name what takes most of a request's time, or the memory where requests wait for it.

    `capped` tells where the engine's own limit, not the memory, ends the `batch` of a rank.
    """
    times = parts(v, load, step_s)
    most = np.argmax(np.stack(np.broadcast_arrays(*times.values())), axis=0)
    waits = np.maximum(load["in_flight"] / v["ranks"], 1.0) > batch * (1 + 1e-9)
    full = np.where(capped, "batch limit", "KV cache memory")
    return np.where(waits, full, np.array(list(times))[most])

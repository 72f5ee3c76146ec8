"""The serving law: formulas in order, for a plan with its draws or for plain arrays at once."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np

from llminfra.formulas import first_token, loop
from llminfra.formulas import serving as formulas

Values = Mapping[str, Any]


class Call(Protocol):
    """How a formula is evaluated: with `apply`, which remembers inputs, or plainly."""

    def __call__(self, formula: Callable[..., Any], *, name: str, **inputs: Any) -> Any:
        """Return the formula's value."""


def plainly(formula: Callable[..., Any], *, name: str, **inputs: Any) -> Any:
    """Evaluate a formula over arrays."""
    return formula(**inputs)


def pick(values: Values, *names: str) -> dict[str, Any]:
    """Take values by name."""
    return {name: values[name] for name in names}


def passes(v: Values, load: Values, sequences: Any, call: Call, *, full: bool) -> dict[str, Any]:
    """Times of a decode step and of a prompt, with `sequences` on each rank.

    `load` holds prompt_tokens, computed_tokens, output_tokens, steps, tokens_per_step. A `full`
    batch always has prompts in its steps: they touch experts too and launches are hidden.
    """
    decoded = sequences * v["attention_ranks"] * load["tokens_per_step"]
    batch_tokens = decoded * (1 + load["computed_tokens"] / load["steps"]) if full else decoded
    touched = call(
        formulas.touched_fraction,
        name="touched_fraction",
        expert_share_fraction=v["expert_share_fraction"],
        batch_tokens=batch_tokens,
    )
    # Half of nothing: in a batch that is not full, reading weights carries the small products.
    expert_rate = call(
        formulas.expert_flop_per_s,
        name="expert_flop_per_s",
        flop_per_s=v["expert_base_flop_per_s"],
        expert_tokens=batch_tokens * v["expert_share_fraction"] + _TINY,
        half_tokens=v["expert_half_tokens"] * (v["expert_share_fraction"] > 0) if full else 0.0,
        **pick(v, "expert_values", "half_values"),
    )
    each = call(
        formulas.s_per_token,
        name="s_per_token",
        expert_flop_per_s=expert_rate,
        **pick(v, *_PRICE),
    )
    read = call(
        formulas.weight_read_s,
        name="weight_read_s",
        touched_fraction=touched,
        **pick(v, *_READ),
    )
    step = call(
        formulas.step_s,
        name="step_s",
        weight_read_s=read,
        sequences=sequences,
        s_per_token=each * load["tokens_per_step"],
        **pick(v, "overhead_s", "cache_read_bytes", "cache_bytes_per_s"),
    )
    untouched_s = (1 - touched) * v["expert_bytes"] / v["expert_bytes_per_s"]
    prompt = {
        "prompt_tokens": load["computed_tokens"],
        "s_per_token": each,
        "expert_read_s": untouched_s * call_ceil(load["computed_tokens"] / v["pass_tokens"]),
        **pick(v, "attention_flop", "attention_flop_per_s"),
    }
    alone = call(formulas.prefill_s, name="prefill_s", floor_s=v["prefill_floor_s"], **prompt)
    shared = _shared(v, load, sequences)
    floor_s = 0.0 if full else v["prefill_floor_s"] / shared
    queued = call(formulas.prefill_s, name="queued_prefill_s", floor_s=floor_s, **prompt)
    return {"step_s": step, "prefill_s": alone, "queued_prefill_s": queued}


_TINY = 1e-9
_PRICE = (
    *("native_flop_per_token", "native_flop_per_s", "plain_flop_per_token", "plain_flop_per_s"),
    *("expert_flop_per_token", "link_bytes_per_token", "link_bytes_per_s", "residual_values"),
    "s_per_value",
)
_READ = ("weight_bytes", "weight_bytes_per_s", "expert_bytes", "expert_bytes_per_s")


def call_ceil(values: Any) -> Any:
    """Round up, on arrays and on ranges."""
    return np.ceil(values)


def _shared(v: Values, load: Values, sequences: Any) -> Any:
    """Prompts that share a pass: as many as fit, of those that are there."""
    fitting = np.maximum(v["pass_tokens"] / load["computed_tokens"], 1.0)
    shared = np.minimum(fitting, np.maximum(sequences, 1.0))
    return 1 + (shared - 1) * v["shares_passes"]


def full_batch(v: Values, load: Values, batch: Any, call: Call) -> dict[str, Any]:
    """Steps, prompts and time of a request when there is always another to admit."""
    times = passes(v, load, batch, call, full=True)
    busy = call(
        loop.busy_s,
        name="busy_s",
        output_tokens=load["steps"],
        step_s=times["step_s"],
        sequences=batch,
        prefill_s=times["queued_prefill_s"],
    )
    return times | {"busy_s": busy}


def saturated(v: Values, load: Values, batch: Any, call: Call) -> dict[str, Any]:
    """The full batch, and its output rate."""
    full = full_batch(v, load, batch, call)
    rate = call(
        loop.output_tokens_per_s,
        name="max_output_tokens_per_s",
        in_flight=batch * v["ranks"] * v["stage_fraction"],
        output_tokens=load["output_tokens"],
        request_s=full["busy_s"],
    )
    return full | {"max_output_tokens_per_s": rate}


def loaded(v: Values, load: Values, batch: Any, call: Call, *, arrivals: str) -> dict[str, Any]:
    """What a request sees with `in_flight` requests at the replica and room for `batch` a rank."""
    full = full_batch(v, load, batch, call)
    on_rank = np.maximum(load["in_flight"] / v["ranks"], 1.0)
    sequences = np.minimum(on_rank, np.maximum(batch, 1.0))
    times = passes(v, load, sequences, call, full=False)
    busy = call(
        loop.busy_s,
        name="busy_s",
        output_tokens=load["steps"],
        step_s=times["step_s"],
        sequences=sequences,
        prefill_s=times["queued_prefill_s"],
    )
    busy = call(
        loop.shared_busy_s,
        name="busy_s",
        busy_s=busy,
        in_flight=load["in_flight"] / v["ranks"],
        full_busy_s=full["busy_s"] / v["stage_fraction"],
        full_sequences=batch,
    )
    e2e = call(
        loop.request_s,
        name="request_s",
        busy_s=busy,
        in_flight=on_rank,
        sequences=sequences,
        request_overhead_s=v["request_overhead_s"],
    )
    waiting = busy * (on_rank / sequences - 1)
    is_burst = arrivals == "closed_loop"
    ttft = (
        _burst(v, times, sequences, waiting, call)
        if is_burst
        else _steady(v, load, times, batch, busy, waiting, call)
    )
    tpot = call(
        loop.tpot_s,
        name="tpot_s",
        request_s=e2e,
        ttft_s=ttft,
        output_tokens=load["output_tokens"],
        step_s=times["step_s"] * load["steps"] / load["output_tokens"],
    )
    rate = call(
        loop.output_tokens_per_s,
        name="output_tokens_per_s",
        in_flight=load["in_flight"],
        output_tokens=load["output_tokens"],
        request_s=e2e,
    )
    seen = {"ttft_s": first_token_of(load, e2e, ttft, call), "tpot_s": tpot, "e2e_s": e2e}
    return times | seen | {"output_tokens_per_s": rate}


def first_token_of(load: Values, e2e: Any, ttft: Any, call: Call) -> Any:
    """Time to the first token of an answer of any length."""
    return call(
        first_token.short_answer_ttft_s,
        name="ttft_s",
        request_s=e2e,
        ttft_s=ttft,
        output_tokens=load["output_tokens"],
    )


def _burst(v: Values, times: Values, sequences: Any, waiting: Any, call: Call) -> Any:
    return call(
        first_token.burst_ttft_s,
        name="ttft_s",
        sequences=sequences,
        waiting_s=waiting,
        prefill_s=times["prefill_s"] * v["first_prompt_ratio"],
        **pick(times, "step_s", "queued_prefill_s"),
        **pick(v, "request_overhead_s", "burst_fraction"),
    )


def _steady(
    v: Values, load: Values, times: Values, batch: Any, busy: Any, waiting: Any, call: Call
) -> Any:
    """Mean wait of independent arrivals at the rate that keeps so many requests in flight.

    Those that have no place yet add nothing to the rate at which prompts come.
    """
    placed = np.minimum(load["in_flight"] / v["ranks"], batch)
    rate = placed / (busy + v["request_overhead_s"])
    decode_s = times["step_s"] * load["steps"] / load["output_tokens"]
    return call(
        first_token.arrival_ttft_s,
        name="ttft_s",
        requests_per_s=rate,
        tpot_s=decode_s,
        passes_ratio=load["computed_tokens"] / v["pass_tokens"],
        decode_utilization=np.minimum(rate * times["prefill_s"], 1.0),
        variation_ratio=load["variation_ratio"],
        most_utilization=load["most_utilization"],
        waiting_s=waiting,
        request_overhead_s=v["request_overhead_s"],
        **pick(times, "step_s", "prefill_s"),
    )


def batch_sequences(
    sequences: Any, kept_fraction: Any, max_num_seqs: Any, data_parallel: Any
) -> Any:
    """Sequences that a replica decodes at once: by memory, or by the engine's limit."""
    return np.minimum(sequences / kept_fraction * data_parallel, max_num_seqs * data_parallel)


def parts(v: Values, load: Values, step_s: Any) -> dict[str, Any]:
    """Times that make up a request, by what they are bound by; base cases."""
    on_rank = np.maximum(load["in_flight"] / v["ranks"], 1.0)
    steps = load["steps"]
    tokens = steps * on_rank + on_rank * load["computed_tokens"]
    cache_s = on_rank * v["cache_read_bytes"] / v["cache_bytes_per_s"] * steps
    sent_s = tokens * v["link_bytes_per_token"] / v["link_bytes_per_s"]
    overhead_s = v["overhead_s"] * steps
    arithmetic_s = tokens * sum(v[f"{kind}_flop_per_token"] / v[rate] for kind, rate in _RATES)
    decode_s = (arithmetic_s + sent_s) * steps * on_rank / tokens
    return {
        "memory bandwidth: weights": step_s * steps - cache_s - overhead_s - decode_s,
        "memory bandwidth: KV cache": cache_s,
        "arithmetic": arithmetic_s,
        "link between accelerators": sent_s,
        "launches and latency": overhead_s,
    }


_RATES = (
    ("native", "native_flop_per_s"),
    ("plain", "plain_flop_per_s"),
    ("expert", "expert_base_flop_per_s"),
)

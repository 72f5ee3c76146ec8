"""The serving law: the formulas of a step, a prompt and a request in their order.

Compositions, which take numbers, arrays of many layouts or ranges alike. `v` holds what `inputs`
makes of a worker, `load` what is asked of it: computed_tokens, output_tokens, steps,
tokens_per_step, in_flight, variation_ratio and most_utilization.
"""

from typing import Final

import numpy as np

from llminfra.formulas import batch as places
from llminfra.formulas import drafting, first_token, prefill, request, step, tokens
from llminfra.formulas._formula import Quantity, named
from llminfra.formulas.model_error import time_with_error_s
from llminfra.formulas.worker import Values, pick
from llminfra.formulas.worker import inputs as inputs

# What formulas take from the inputs under the same name.
_PRICE: Final = (
    *("native_flop_per_token", "native_flop_per_s", "plain_flop_per_token", "plain_flop_per_s"),
    *("expert_flop_per_token", "link_bytes_per_token", "link_bytes_per_s", "residual_values"),
    "s_per_value",
)
_READ: Final = ("weight_bytes", "weight_bytes_per_s", "expert_bytes", "expert_bytes_per_s")


def passes(v: Values, load: Values, sequences: Quantity, *, full: bool) -> dict[str, Quantity]:
    """Times of a decode step and of a prompt, with `sequences` on each rank.

    A `full` batch always has prompts in its steps: they touch experts too, and launches are hidden
    behind them. In a batch that is not full, reading weights hides the small products of experts.
    """
    at_once = {
        "sequences": sequences,
        "n_ranks": v["attention_ranks"],
        "prompt_tokens": load["computed_tokens"] if full else 0.0,
        "output_tokens": load["steps"],
    }
    touching = drafting.touching_tokens(
        step_tokens=load["tokens_per_step"], draft_touch_fraction=v["draft_touch_fraction"]
    )
    touched = step.touched_fraction(
        expert_share_fraction=v["expert_share_fraction"],
        batch_tokens=step.batch_tokens(step_tokens=touching, **at_once),
    )
    token_s = _token_s(
        v, step.batch_tokens(step_tokens=load["tokens_per_step"], **at_once), full=full
    )
    step_s = _step_s(v, load, sequences, touched=touched, token_s=token_s)
    prompts = _prompts(v, load, sequences, touched=touched, token_s=token_s, full=full)
    return {"step_s": step_s} | prompts


def _token_s(v: Values, batch_tokens: Quantity, *, full: bool) -> Quantity:
    """Products and sending of one token, among so many."""
    expert_flop_per_s = step.expert_flop_per_s(
        flop_per_s=v["expert_base_flop_per_s"],
        batch_tokens=batch_tokens,
        half_tokens=v["expert_half_tokens"] if full else 0.0,
        **pick(v, "expert_values", "half_values", "expert_share_fraction"),
    )
    return step.s_per_token(expert_flop_per_s=expert_flop_per_s, **pick(v, *_PRICE))


def _step_s(
    v: Values, load: Values, sequences: Quantity, *, touched: Quantity, token_s: Quantity
) -> Quantity:
    """Time of a decode step, with the tokens that are drafted in it."""
    drafted = {"step_tokens": load["tokens_per_step"]}
    overhead_s = step.step_overhead_s(
        mixed_step_fraction=step.mixed_step_fraction(
            sequences=sequences, output_tokens=load["steps"]
        ),
        overhead_s=drafting.verified_overhead_s(
            **drafted,
            **pick(v, "overhead_s", "verify_overhead_ratio"),
            **pick(v, *{"cache_wait_s"} & v.keys()),
        ),
        **pick(v, "mixed_overhead_s"),
    )
    verified_s = step.step_s(
        weight_read_s=step.weight_read_s(touched_fraction=touched, **pick(v, *_READ)),
        sequences=sequences,
        s_per_token=step.own_s_per_token(
            s_per_token=token_s, sequence_overhead_s=v["sequence_overhead_s"], **drafted
        ),
        overhead_s=overhead_s,
        **drafted,
        **pick(v, "cache_read_bytes", "cache_bytes_per_s"),
    )
    return drafting.drafted_step_s(
        step_s=verified_s,
        sequences=sequences,
        **drafted,
        **pick(v, "draft_pass_s", "draft_sequence_s"),
    )


def _prompts(
    v: Values,
    load: Values,
    sequences: Quantity,
    *,
    touched: Quantity,
    token_s: Quantity,
    full: bool,
) -> dict[str, Quantity]:
    """Time of one prompt among those that share its passes; beside no full batch, of one alone."""
    prompt_tokens = load["computed_tokens"]
    prompt = {
        "prompt_tokens": prompt_tokens,
        "s_per_token": token_s,
        "expert_read_s": prefill.expert_read_s(
            touched_fraction=touched,
            prompt_tokens=prompt_tokens,
            **pick(v, "expert_bytes", "expert_bytes_per_s", "pass_tokens"),
        ),
        **pick(v, "attention_flop", "attention_flop_per_s"),
    }
    shared = prefill.shared_prompts(
        pass_tokens=v["pass_tokens"],
        prompt_tokens=prompt_tokens,
        sequences=sequences,
        shares_fraction=v["shares_passes"],
    )
    floor_s = 0.0 if full else v["prefill_floor_s"]
    queued = prefill.prefill_s(floor_s=floor_s, shared_prompts=shared, **prompt)
    found = {"queued_prefill_s": named(queued, "queued_prefill_s")}
    if full:
        return found
    alone = prefill.prefill_s(floor_s=floor_s, shared_prompts=1.0, **prompt)
    return {"prefill_s": alone} | found


def _busy_s(load: Values, times: Values, sequences: Quantity) -> Quantity:
    return request.busy_s(
        output_tokens=load["steps"],
        step_s=times["step_s"],
        sequences=sequences,
        prefill_s=times["queued_prefill_s"],
    )


def full_batch(v: Values, load: Values, batch: Quantity) -> dict[str, Quantity]:
    """Steps, prompts and time of a request when there is always another to admit."""
    times = passes(v, load, batch, full=True)
    busy = _busy_s(load, times, batch)
    if not np.all(v["shares_passes"]):  # some have experts, of which a small batch touches few
        alone = passes(v, load, 1.0, full=True)
        alone_s = _busy_s(load, alone, 1.0)
        busy = request.batch_busy_s(busy_s=busy, alone_busy_s=alone_s, sequences=batch)
    return times | {"busy_s": named(busy, "full_busy_s")}


def saturated(
    v: Values, load: Values, batch: Quantity, *, full: Values | None = None
) -> dict[str, Quantity]:
    """The full batch, and its output rate."""
    full = full or full_batch(v, load, batch)
    rate = places.max_output_tokens_per_s(
        sequences=batch,
        n_ranks=v["ranks"],
        stage_fraction=v["stage_fraction"],
        output_tokens=load["output_tokens"],
        busy_s=full["busy_s"],
    )
    return {**full, "max_output_tokens_per_s": rate}


def loaded(
    v: Values, load: Values, batch: Quantity, *, arrivals: str, full: Values | None = None
) -> dict[str, Quantity]:
    """What a request sees with `in_flight` requests at the replica and room for `batch` a rank.

    No load changes the `full` batch: who asks for many loads computes it once.
    """
    full = full or full_batch(v, load, batch)
    dealt = {"in_flight": load["in_flight"], "n_ranks": v["ranks"]}
    on_rank = places.requests_on_rank(**dealt)
    sequences = places.working_sequences(in_flight=on_rank, full_sequences=batch)
    times = passes(v, load, sequences, full=False)
    busy = request.shared_busy_s(
        busy_s=_busy_s(load, times, sequences),
        full_busy_s=full["busy_s"],
        full_sequences=batch,
        stage_fraction=v["stage_fraction"],
        **dealt,
    )
    at_rank = {"busy_s": busy, "in_flight": on_rank, "sequences": sequences}
    waiting = places.place_waiting_s(**at_rank)
    last = request.request_s(request_overhead_s=v["request_overhead_s"], **at_rank)
    if arrivals == "closed_loop":
        first = _burst(v, times, sequences, waiting)
    else:
        first = _steady(v, load, times, batch, busy, waiting)
    rate = request.output_tokens_per_s(request_s=last, **pick(load, "in_flight", "output_tokens"))
    return times | seen(load, times, first, last) | {"output_tokens_per_s": rate}


def seen(load: Values, times: Values, first: Quantity, last: Quantity) -> dict[str, Quantity]:
    """Times that a request sees: to the first token, between tokens, to the last."""
    output_tokens = load["output_tokens"]
    return {
        "ttft_s": first_token.ttft_s(
            request_s=last, long_answer_ttft_s=first, output_tokens=output_tokens
        ),
        "tpot_s": request.tpot_s(
            request_s=last,
            ttft_s=first,
            output_tokens=output_tokens,
            step_s=_token_step_s(load, times),
        ),
        "e2e_s": last,
    }


def _token_step_s(load: Values, times: Values) -> Quantity:
    return tokens.token_step_s(
        step_s=times["step_s"], n_steps=load["steps"], output_tokens=load["output_tokens"]
    )


def _burst(v: Values, times: Values, sequences: Quantity, waiting: Quantity) -> Quantity:
    return first_token.burst_ttft_s(
        prompt_waiting_s=first_token.burst_waiting_s(
            burst_fraction=v["burst_fraction"],
            in_flight=sequences,
            n_ranks=1.0,
            queued_prefill_s=times["queued_prefill_s"],
        ),
        waiting_s=waiting,
        **pick(times, "step_s", "prefill_s"),
        **pick(v, "request_overhead_s", "first_prompt_ratio"),
    )


def _steady(
    v: Values, load: Values, times: Values, batch: Quantity, busy: Quantity, waiting: Quantity
) -> Quantity:
    rate = places.placed_requests_per_s(
        in_flight=load["in_flight"],
        n_ranks=v["ranks"],
        full_sequences=batch,
        busy_s=busy,
        request_overhead_s=v["request_overhead_s"],
    )
    return first_token.arrival_ttft_s(
        prompt_tokens=load["computed_tokens"],
        tpot_s=_token_step_s(load, times),
        requests_per_s=rate,
        most_utilization=load["most_utilization"],
        prompt_waiting_s=prompt_waiting(v, load, times, rate)["prompt_waiting_s"],
        waiting_s=waiting,
        **pick(times, "step_s", "prefill_s"),
        **pick(v, "request_overhead_s", "pass_tokens"),
    )


def prompt_waiting(v: Values, load: Values, times: Values, rate: Quantity) -> dict[str, Quantity]:
    """How often a prompt waits for others when they come independently, and how long."""
    service = first_token.prompt_service_s(
        prompt_tokens=load["computed_tokens"],
        pass_tokens=v["pass_tokens"],
        **pick(times, "prefill_s", "step_s"),
    )
    utilization = first_token.prompt_utilization(
        requests_per_s=rate, service_s=service, most_utilization=load["most_utilization"]
    )
    waiting = first_token.prompt_waiting_s(
        prompt_utilization=utilization,
        service_s=service,
        requests_per_s=rate,
        prefill_s=times["prefill_s"],
        variation_ratio=load["variation_ratio"],
        in_flight=places.requests_on_rank(in_flight=load["in_flight"], n_ranks=v["ranks"]),
    )
    return {"prompt_utilization": utilization, "prompt_waiting_s": waiting}


def with_errors(
    seen: Values, *, in_flight: Quantity, output_tokens: Quantity, errors: Values
) -> dict[str, Quantity]:
    """Times and rate that a request sees, with the errors of the fit on ttft and tpot."""
    ttft_s, tpot_s = (
        time_with_error_s(time_s=seen[f"{name}_s"], log_error_ratio=errors[name])
        for name in ("ttft", "tpot")
    )
    last_s = request.e2e_s(ttft_s=ttft_s, tpot_s=tpot_s, output_tokens=output_tokens)
    rate = request.output_tokens_per_s(
        in_flight=in_flight, output_tokens=output_tokens, request_s=last_s
    )
    one = request.user_tokens_per_s(tpot_s=tpot_s, request_s=last_s, output_tokens=output_tokens)
    times = {"ttft_s": ttft_s, "tpot_s": tpot_s, "e2e_s": last_s}
    return times | {"output_tokens_per_s": rate, "user_tokens_per_s": one}

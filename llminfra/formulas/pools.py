"""The law of two pools: prefill and decode apart, in balance.

Compositions like those of `law`. `d` and `p` are the law's inputs for a decode and a prefill
worker; `pools` holds n_decode_ranks, n_prefill_ranks, most_sequences, least_sequences, cache_bytes,
link_bytes_per_s and handoff_overhead_s.
"""

from typing import Final

from llminfra.formulas import (
    decode_pool,
    disaggregated,
    drafting,
    first_token,
    law,
    prefill,
    queueing,
)
from llminfra.formulas._formula import Quantity, named
from llminfra.formulas.step import touched_fraction
from llminfra.formulas.worker import Values, pick

_POOL: Final = ("n_decode_ranks", "most_sequences", "least_sequences", "n_prefill_ranks")
_HANDOFF: Final = ("cache_bytes", "link_bytes_per_s", "handoff_overhead_s")
# More requests than any pair of pools takes on.
_CROWD: Final = 1e12


def loaded(
    d: Values, p: Values, pools: Values, load: Values, *, arrivals: str
) -> dict[str, Quantity]:
    """What a request sees with `in_flight` requests at the pair of pools."""
    prompt, is_burst = prompts(p, pools, load), arrivals == "closed_loop"
    burst = _burst_s(p, pools, load, prompt) if is_burst else 0.0
    away = prefill.away_s(
        request_overhead_s=d["request_overhead_s"],
        waiting_s=burst,
        **pick(prompt, "prefill_s", "handoff_s"),
    )
    sequences = _balanced(
        d,
        pools,
        load,
        prompt,
        in_flight=load["in_flight"],
        away_s=away,
        variation_ratio=0.0 if is_burst else load["variation_ratio"],
    )
    decode = _decode(d, pools, load, sequences)
    rate = {"in_flight": load["in_flight"], "requests_per_s": decode["requests_per_s"]}
    first = disaggregated.first_token_s(
        output_tokens=later_steps(load), step_s=decode["step_s"], **rate
    )
    last = disaggregated.pair_request_s(**rate)
    seen = law.seen(load, decode, first, last)
    seen["prompt_waiting_s"] = burst if is_burst else _waiting_s(pools, load, prompt, decode)
    seen["output_tokens_per_s"] = named(_output(decode, load), "output_tokens_per_s")
    return decode | prompt | seen


def saturated(d: Values, p: Values, pools: Values, load: Values) -> dict[str, Quantity]:
    """The load at which the first pool is full, and what each would take alone.

    More requests only wait: for a prefill worker, or for memory at those that decode.
    """
    prompt = prompts(p, pools, load)
    away = prefill.away_s(
        request_overhead_s=0.0, waiting_s=0.0, **pick(prompt, "prefill_s", "handoff_s")
    )
    sequences = _balanced(
        d, pools, load, prompt, in_flight=_CROWD, away_s=away, variation_ratio=0.0
    )
    decode = _decode(d, pools, load, sequences)
    alone = _decode(d, pools, load, pools["most_sequences"])["requests_per_s"]
    full = {
        "decode_requests_per_s": named(alone, "decode_requests_per_s"),
        "in_flight": disaggregated.full_in_flight(
            sequences=sequences,
            n_decode_ranks=pools["n_decode_ranks"],
            requests_per_s=decode["requests_per_s"],
            away_s=away,
        ),
        "max_output_tokens_per_s": named(_output(decode, load), "max_output_tokens_per_s"),
    }
    return decode | prompt | full


def later_steps(load: Values) -> Quantity:
    """Decode steps of an answer, whose first token is the prefill's."""
    return decode_pool.later_steps(n_steps=load["steps"], output_tokens=load["output_tokens"])


def prompts(p: Values, pools: Values, load: Values) -> dict[str, Quantity]:
    """Times of a prompt alone and among others, its hand-off, and what the pool can take."""
    together = prefill.pass_prompts(
        pass_tokens=p["pass_tokens"],
        prompt_tokens=load["computed_tokens"],
        shares_fraction=p["shares_passes"],
    )
    times = law.passes(p, load, together, full=False)
    most = prefill.prefill_requests_per_s(
        n_prefill_ranks=pools["n_prefill_ranks"], prefill_s=times["queued_prefill_s"]
    )
    return pick(times, "prefill_s", "queued_prefill_s") | {
        "handoff_s": prefill.handoff_s(**pick(pools, *_HANDOFF)),
        "prefill_requests_per_s": most,
    }


def _balanced(
    d: Values, pools: Values, load: Values, prompt: Values, **balance: Quantity
) -> Quantity:
    """Sequences on a decode rank; a step is a curve over them, with the rest of it for each."""
    overhead = drafting.verified_overhead_s(
        **pick(d, "overhead_s", "verify_overhead_ratio", *{"cache_wait_s"} & d.keys()),
        step_tokens=load["tokens_per_step"],
    )
    fixed = decode_pool.fixed_step_s(
        **pick(d, "weight_bytes", "weight_bytes_per_s"), overhead_s=overhead
    )
    experts = decode_pool.experts_step_s(**pick(d, "expert_bytes", "expert_bytes_per_s"))
    share, shared = d["expert_share_fraction"], d["attention_ranks"] * load["tokens_per_step"]
    sequence = decode_pool.sequence_step_s(
        step_s=law.passes(d, load, 1.0, full=False)["step_s"],
        fixed_s=fixed,
        experts_s=experts,
        touched_fraction=touched_fraction(expert_share_fraction=share, batch_tokens=shared),
    )
    found = disaggregated.balanced_sequences(
        output_tokens=later_steps(load),
        fixed_s=fixed,
        experts_s=experts,
        sequence_s=sequence,
        expert_share_fraction=share,
        shared_tokens=shared,
        prefill_s=prompt["queued_prefill_s"],
        **pick(pools, *_POOL),
        **balance,
    )
    return named(found, "batch_sequences")


def _decode(d: Values, pools: Values, load: Values, sequences: Quantity) -> dict[str, Quantity]:
    """A step with so many sequences on each rank, and the requests that finish."""
    stepping = decode_pool.stepping_sequences(
        sequences=sequences, least_sequences=pools["least_sequences"]
    )
    step = law.passes(d, load, stepping, full=False)["step_s"]
    rate = disaggregated.decode_requests_per_s(
        sequences=sequences,
        n_decode_ranks=pools["n_decode_ranks"],
        output_tokens=later_steps(load),
        step_s=step,
    )
    return {"step_s": step, "sequences": sequences, "requests_per_s": rate}


def _burst_s(p: Values, pools: Values, load: Values, prompt: Values) -> Quantity:
    return first_token.burst_waiting_s(
        burst_fraction=p["burst_fraction"],
        in_flight=load["in_flight"],
        n_ranks=pools["n_prefill_ranks"],
        queued_prefill_s=prompt["queued_prefill_s"],
    )


def _waiting_s(pools: Values, load: Values, prompt: Values, decode: Values) -> Quantity:
    utilization = queueing.utilization(
        requests_per_s=decode["requests_per_s"],
        max_requests_per_s=prompt["prefill_requests_per_s"],
    )
    waiting = queueing.pool_waiting_s(
        n_places=pools["n_prefill_ranks"],
        utilization=utilization,
        service_s=prompt["queued_prefill_s"],
        variation_ratio=load["variation_ratio"],
    )
    return named(waiting, "prompt_waiting_s")


def _output(decode: Values, load: Values) -> Quantity:
    return disaggregated.pair_output_tokens_per_s(
        requests_per_s=decode["requests_per_s"], output_tokens=load["output_tokens"]
    )

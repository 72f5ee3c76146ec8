"""The serving law as formulas: a worked example, limits, monotony."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llminfra.formulas import first_token, law, prefill, request, step, tokens

# Llama 70B in 8 bits on four H200 at 8,192 in and 1,024 out, lengths times 0.9, with the constants
# that the reference states.
PRICE = step.s_per_token(
    native_flop_per_token=2 * (70.55e9 - 1.05e9) / 4,
    native_flop_per_s=1978e12 * 0.62,
    plain_flop_per_token=0,
    plain_flop_per_s=989e12,
    expert_flop_per_token=0,
    expert_flop_per_s=1.0,
    link_bytes_per_token=2 * 80 * 2 * 8192 * 2 * 3 / 4,
    link_bytes_per_s=450e9 * 0.63,
    residual_values=80 * 8192,
    s_per_value=0.9e-11,
)
PROMPT, OUTPUT = 8192 * 0.9, 1024 * 0.9


def decode(sequences: float) -> float:
    return float(
        step.step_s(
            weight_read_s=17.64e9 / (4.8e12 * 0.95),
            overhead_s=80 * 55e-6,
            sequences=sequences,
            s_per_token=PRICE,
            step_tokens=1,
            cache_read_bytes=(PROMPT + OUTPUT / 2) * 2 * 80 * 2 * 128,
            cache_bytes_per_s=4.8e12 * 0.85,
        )
    )


def prompt_s() -> float:
    return float(
        prefill.prefill_s(
            prompt_tokens=PROMPT,
            s_per_token=PRICE,
            attention_flop=2 * 80 * 64 * 128 * PROMPT**2 / 4,
            attention_flop_per_s=989e12 * 0.8,
            expert_read_s=0,
            floor_s=80 * 260e-6,
            shared_prompts=1,
        )
    )


def test_a_prompt_takes_what_the_worked_example_says() -> None:
    assert prompt_s() == pytest.approx(0.377, rel=0.01)


@pytest.mark.parametrize(("sequences", "step_ms"), [(4, 8.8), (32, 12.3), (128, 24.6)])
def test_a_step_takes_what_the_worked_example_says(sequences: float, step_ms: float) -> None:
    assert decode(sequences) * 1e3 == pytest.approx(step_ms, rel=0.01)


@pytest.mark.parametrize(
    ("clients", "ttft_ms", "tpot_ms"), [(4, 479, 9.9), (32, 1011, 24.4), (128, 2836, 74.0)]
)
def test_a_closed_loop_sees_what_the_worked_example_says(
    clients: float, ttft_ms: float, tpot_ms: float
) -> None:
    busy = request.busy_s(
        output_tokens=OUTPUT, step_s=decode(clients), sequences=clients, prefill_s=prompt_s()
    )
    e2e = request.request_s(
        busy_s=busy, in_flight=clients, sequences=clients, request_overhead_s=0.037
    )
    ttft = first_token.burst_ttft_s(
        request_overhead_s=0.037,
        step_s=decode(clients),
        prefill_s=prompt_s(),
        first_prompt_ratio=1,
        prompt_waiting_s=first_token.burst_waiting_s(
            burst_fraction=0.05, in_flight=clients, n_ranks=1, queued_prefill_s=prompt_s()
        ),
        waiting_s=0,
    )
    tpot = request.tpot_s(request_s=e2e, ttft_s=ttft, output_tokens=OUTPUT, step_s=decode(clients))
    assert ttft * 1e3 == pytest.approx(ttft_ms, rel=0.02)
    assert tpot * 1e3 == pytest.approx(tpot_ms, rel=0.01)


def test_a_token_touches_its_own_experts_and_a_large_batch_all() -> None:
    touched = step.touched_fraction(
        expert_share_fraction=8 / 256, batch_tokens=np.array([0, 1, 16, 1e6])
    )
    assert touched == pytest.approx([0, 8 / 256, 1 - (1 - 8 / 256) ** 16, 1])


def test_all_experts_are_read_when_each_token_uses_all() -> None:
    assert step.touched_fraction(expert_share_fraction=1.0, batch_tokens=1) == pytest.approx(1)


def test_requests_beyond_the_batch_wait_for_their_turn() -> None:
    times = [
        float(request.request_s(busy_s=2, in_flight=n, sequences=10, request_overhead_s=0))
        for n in (5, 10, 25)
    ]
    assert times == [2, 2, 5]


def test_drafts_that_are_never_accepted_yield_one_token() -> None:
    assert tokens.accepted_tokens(draft_tokens=3, acceptance_probability=0.0) == 1


@given(load=st.floats(0.01, 0.9), more=st.floats(1.01, 1.05))
def test_the_wait_for_a_first_token_grows_with_arrivals(load: float, more: float) -> None:
    v = {"pass_tokens": 8192, "request_overhead_s": 0.04, "ranks": 1}
    asked = {"computed_tokens": 4096, "variation_ratio": 1.0, "most_utilization": 0.99}
    asked |= {"in_flight": 1e6}
    times = {"step_s": 0.01, "prefill_s": 0.1}

    def ttft_s(rate: float) -> float:
        waiting = law.prompt_waiting(v, asked, times, rate)["prompt_waiting_s"]
        return float(
            first_token.arrival_ttft_s(
                request_overhead_s=0.04,
                prompt_tokens=4096,
                pass_tokens=8192,
                tpot_s=0.02,
                requests_per_s=rate,
                most_utilization=0.99,
                prompt_waiting_s=waiting,
                waiting_s=0.0,
                **times,
            )
        )

    few, many = ttft_s(load / 0.105), ttft_s(load * more / 0.105)
    assert 0.15 < few < many

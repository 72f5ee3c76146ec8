"""The balance of two pools: solved by hand, conserved, limited, monotone."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llminfra.formulas import decode_pool, prefill, queueing
from llminfra.formulas import disaggregated as formulas

# Two ranks that decode: steps of 10 ms and 0.1 ms for each sequence, a hundred of them; half a
# second is spent elsewhere.
PAIR: dict[str, Any] = {
    "in_flight": 60,
    "n_decode_ranks": 2,
    "most_sequences": 1000,
    "least_sequences": 0,
    "output_tokens": 100,
    "fixed_s": 0.01,
    "experts_s": 0.0,
    "sequence_s": 1e-4,
    "expert_share_fraction": 0.0,
    "shared_tokens": 1,
    "n_prefill_ranks": 100,
    "prefill_s": 0.4,
    "away_s": 0.5,
    "variation_ratio": 0.0,
}
STEP = ("fixed_s", "experts_s", "sequence_s", "expert_share_fraction", "shared_tokens")


def solved(**changes: Any) -> dict[str, float]:
    """Sequences on a rank, requests per second, and times to the first token and of a step."""
    given = PAIR | changes
    b = formulas.balanced_sequences(**given)
    step = decode_pool.decode_step_s(
        sequences=np.maximum(b, given["least_sequences"]), **{n: given[n] for n in STEP}
    )
    rate = formulas.decode_requests_per_s(
        sequences=b,
        n_decode_ranks=given["n_decode_ranks"],
        output_tokens=given["output_tokens"],
        step_s=step,
    )
    ttft = formulas.first_token_s(
        in_flight=given["in_flight"],
        requests_per_s=rate,
        output_tokens=given["output_tokens"],
        step_s=step,
    )
    return {"b": float(b), "rate": float(rate), "ttft_s": float(ttft), "step_s": float(step)}


@pytest.mark.parametrize(
    ("changes", "b", "rate", "ttft_s"),
    [
        # 2 b + b / (1 + b / 100) = 60, a quadratic equation
        ({}, 21.2404, 35.0385, 0.5),
        # two b over 1 + b / 100 is the ten that the prompts allow; the rest of 60 / 10 s is a queue
        ({"n_prefill_ranks": 4}, 100 / 19, 10.0, 6 - 20 / 19),
        # memory for four on each rank: eight in 1.04 s, and the others wait for a place
        ({"most_sequences": 4}, 4.0, 8 / 1.04, 60 * 1.04 / 8 - 1.04),
        # alone, with a step of 1.01 s / 100 on its own rank: once in 1.51 s, 1.01 s of it decoding
        ({"in_flight": 1, "least_sequences": 1}, 1.01 / 1.51 / 2, 1 / 1.51, 0.5),
    ],
    ids=["balance", "prefill pool", "room", "alone"],
)
def test_the_balance_is_what_a_hand_computes(
    changes: dict[str, Any], b: float, rate: float, ttft_s: float
) -> None:
    found = solved(**changes)
    assert found["b"] == pytest.approx(b, rel=1e-5)
    assert found["rate"] == pytest.approx(rate, rel=1e-5)
    assert found["ttft_s"] == pytest.approx(ttft_s, rel=1e-5)


PAIRS = st.fixed_dictionaries(
    {
        "in_flight": st.floats(0.01, 5000),
        "n_decode_ranks": st.integers(1, 64),
        "most_sequences": st.floats(1, 2000),
        "fixed_s": st.floats(1e-3, 0.1),
        "experts_s": st.floats(0, 0.1),
        "sequence_s": st.floats(1e-6, 1e-3),
        "expert_share_fraction": st.floats(0, 0.3),
        "n_prefill_ranks": st.integers(1, 40),
        "prefill_s": st.floats(1e-3, 5),
        "variation_ratio": st.sampled_from([0.0, 1.0, 2.0]),
    }
)


@given(pair=PAIRS)
def test_requests_are_conserved_within_the_limits_of_both_pools(pair: dict[str, Any]) -> None:
    pair["away_s"] = pair["prefill_s"] + 0.05
    found = solved(**pair)
    decoding = found["rate"] * PAIR["output_tokens"] * found["step_s"]
    assert decoding == pytest.approx(found["b"] * pair["n_decode_ranks"], rel=1e-6)
    elsewhere = found["rate"] * found["ttft_s"]
    assert decoding + elsewhere == pytest.approx(pair["in_flight"], rel=1e-6)
    most = pair["n_prefill_ranks"] / pair["prefill_s"]
    assert found["rate"] <= most * (1 + 1e-9)
    assert found["b"] <= pair["most_sequences"]
    assert found["ttft_s"] >= pair["away_s"] * (1 - 1e-6)


@given(pair=PAIRS, factor=st.integers(2, 4))
def test_more_prefill_never_delays_the_first_token(pair: dict[str, Any], factor: int) -> None:
    few = solved(**pair)
    many = solved(**pair | {"n_prefill_ranks": factor * pair["n_prefill_ranks"]})
    assert many["ttft_s"] <= few["ttft_s"] * (1 + 1e-6)
    assert many["rate"] >= few["rate"] * (1 - 1e-6)


@given(pair=PAIRS, more=st.floats(1.01, 3))
def test_more_requests_never_finish_fewer(pair: dict[str, Any], more: float) -> None:
    few, many = solved(**pair), solved(**pair | {"in_flight": more * pair["in_flight"]})
    assert many["rate"] >= few["rate"] * (1 - 1e-6)
    assert many["step_s"] >= few["step_s"] * (1 - 1e-6)


@pytest.mark.parametrize("n_places", [1, 4, 16, 64])
@pytest.mark.parametrize("utilization", [0.3, 0.7, 0.9])
def test_the_wait_in_closed_form_is_that_of_the_queue(n_places: int, utilization: float) -> None:
    queue = {"n_places": n_places, "offered_requests": n_places * utilization}
    wait = queueing.waiting_s(
        wait_probability=queueing.wait_probability(**queue),
        request_s=1.0,
        arrival_variation_ratio=1.0,
        service_variation_ratio=1.0,
        **queue,
    )
    close = queueing.pool_waiting_s(
        n_places=n_places, utilization=utilization, service_s=1.0, variation_ratio=2.0
    )
    assert close == pytest.approx(wait, abs=0.03, rel=0.1)


def test_a_full_pool_waits_without_end_and_a_closed_loop_does_not() -> None:
    full = {"n_places": 4, "utilization": 1.0, "service_s": 1.0}
    assert queueing.pool_waiting_s(variation_ratio=1.0, **full) == np.inf
    assert queueing.pool_waiting_s(variation_ratio=0.0, **full) == 0


def test_the_balancing_ratio_keeps_both_pools_busy() -> None:
    ratio = formulas.balanced_prefill_ratio(
        prefill_s=0.4,
        prefill_tensor_parallel=2,
        output_tokens=100,
        step_s=0.02,
        sequences=40,
        tensor_parallel=4,
    )
    decode = formulas.decode_requests_per_s(
        sequences=40, n_decode_ranks=6, output_tokens=100, step_s=0.02
    )
    ranks = ratio * 6 * 4 / 2
    prompts = prefill.prefill_requests_per_s(n_prefill_ranks=ranks, prefill_s=0.4)
    assert float(prompts) == pytest.approx(float(decode))

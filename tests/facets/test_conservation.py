"""What no load may break: work takes its time, and nothing yields more than a full batch."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llminfra import Scenario, evaluate
from llminfra.facets.serving import Serving

DENSE = {"model": "llama-3.3-70b", "accelerator": "a100-sxm-80", "tensor_parallel": 8}
EXPERTS = {"model": "gpt-oss-120b", "precision": "mxfp4", "accelerator": "h100-sxm"}
LATENT = {"model": "deepseek-r1", "precision": "fp8", "accelerator": "h200-sxm"}
LAYOUTS = [
    DENSE,
    DENSE | {"tensor_parallel": 4, "pipeline_parallel": 2},
    DENSE | {"engine": "tensorrt-llm", "arrivals": "closed_loop"},
    EXPERTS | {"tensor_parallel": 4},
    EXPERTS | {"tensor_parallel": 4, "engine": "tensorrt-llm"},
    LATENT | {"tensor_parallel": 8, "engine": "sglang"},
    LATENT | {"tensor_parallel": 8, "engine": "tensorrt-llm"},
    LATENT | {"data_parallel": 8, "expert_parallel": 8, "engine": "sglang"},
    EXPERTS | {"tensor_parallel": 4, "prefill_workers": 1, "decode_workers": 2},
    {"model": "llama-3.1-8b", "accelerator": "rtx4090", "engine": "llama.cpp"},
]


def served(**fields: Any) -> Serving:
    result: Serving = evaluate(Scenario(**fields)).serving
    return result


@settings(max_examples=60, deadline=None)
@given(
    layout=st.sampled_from(LAYOUTS),
    prompt=st.integers(1, 8000),
    output=st.sampled_from([1, 2, 30, 300, 3000]),
    in_flight=st.floats(1, 1e5),
)
def test_no_load_yields_more_than_a_full_batch(
    layout: dict[str, Any], prompt: int, output: int, in_flight: float
) -> None:
    fields = layout | {"prompt_tokens": prompt, "output_tokens": output, "in_flight": in_flight}
    speed = served(**fields)
    most = speed.max_output_tokens_per_s.base
    assert speed.output_tokens_per_s.base <= most * (1 + 1e-6)


@settings(max_examples=40, deadline=None)
@given(
    layout=st.sampled_from(LAYOUTS),
    prompt=st.integers(1, 8000),
    output=st.sampled_from([1, 1.3, 1.7, 2, 5]),
    in_flight=st.floats(1, 1e4),
)
def test_prompts_take_their_time_however_short_the_answers(
    layout: dict[str, Any], prompt: int, output: float, in_flight: float
) -> None:
    fields = layout | {"prompt_tokens": prompt, "in_flight": in_flight}
    asked = evaluate(Scenario(**fields, output_tokens=output))
    answer, replica = asked.serving, asked.replica
    longer = served(**fields, output_tokens=output + 1)
    # In a loop: of independent arrivals, so many in flight come faster when their answers are
    # shorter, and then wait longer for each other's prompts than the tokens would have taken.
    # Apart, the first token is the other pool's, and no answer takes less than a step.
    most = longer._seen["e2e_s"].base * (1.01 if "prefill_workers" in layout else 1)
    assert answer._seen["e2e_s"].base <= most
    readers = (layout.get("prefill_workers") or 1) * layout.get("data_parallel", 1)
    readers *= layout.get("pipeline_parallel", 1)
    # Prompts share passes at best: none takes less than the products of its tokens.
    floor = max(replica.floor_ttft_s.base - replica.floor_tpot_s.base, 0.0)
    assert answer.e2e_s.base >= in_flight * floor / readers * (1 - 1e-6)
    rest = (output - 1) * answer.tpot_s.base
    assert answer.ttft_s.base + rest == pytest.approx(answer.e2e_s.base)


def test_an_answer_of_one_token_ends_with_its_first() -> None:
    """100 prompts of 400 tokens at 2 x 70e9 FLOP a token are more than eight cards do in 0.7 s."""
    plans = [evaluate(Scenario(**DENSE, in_flight=100, output_tokens=n)) for n in (1, 2)]
    one, two = (plan.serving for plan in plans)
    assert one.e2e_s.base == pytest.approx(one.ttft_s.base)
    assert 0.9 * two.e2e_s.base < one.e2e_s.base < two.e2e_s.base
    assert one.user_tokens_per_s.base == pytest.approx(1 / one.e2e_s.base)
    assert one.tpot_s.base == pytest.approx(one.step_s.base)
    curve = plans[0].replica.at([100.0]).set_index("name")["base"]
    assert curve["user_tokens_per_s"] == pytest.approx(one.user_tokens_per_s.base, rel=1e-6)


@pytest.mark.parametrize("layout", LAYOUTS[:8:3])
def test_beyond_the_batch_more_load_makes_no_token_come_sooner(layout: dict[str, Any]) -> None:
    replica = evaluate(Scenario(**layout)).replica
    loads = replica.max_batch_sequences.base * np.array([1.0, 1.01, 2.0, 10.0, 1000.0])
    between = replica.speed(loads[:, None])["tpot_s"][:, 0]
    assert (np.diff(between) >= -1e-12).all()


@pytest.mark.parametrize("replicas", ["auto", 2, 400])
def test_no_more_goes_out_than_comes_in(replicas: Any) -> None:
    asked = {"prompt_tokens": 20_000, "output_tokens": 300, "requests_per_s": 20}
    fields = LATENT | {"precision": "int4", "tensor_parallel": 4, "engine": "tensorrt-llm"}
    plan = evaluate(Scenario(**fields, **asked, replicas=replicas))
    rate = plan.serving.output_tokens_per_s
    assert (rate.draws <= 6000 / plan.capacity.replicas * (1 + 1e-9)).all()
    assert rate.low <= rate.base <= rate.high

"""Prefill and decode on accelerators of their own, through all facets."""

from typing import Any

import numpy as np
import pytest

from llminfra import InvalidInput, Scenario, evaluate, launch_commands, search
from llminfra.facets.serving import PairServing, Serving

# One prefill worker of four attention ranks before four decode workers of eight accelerators.
PAIR: dict[str, Any] = {
    "model": "deepseek-r1",
    "accelerator": "gb200",
    "precision": "nvfp4",
    "engine": "tensorrt-llm",
    "tensor_parallel": 8,
    "expert_parallel": 8,
    "decode_workers": 4,
    "prefill_workers": 1,
    "prefill_tensor_parallel": 1,
    "prefill_data_parallel": 4,
    "prompt_tokens": 8192,
    "output_tokens": 1024,
    "in_flight": 48,
    "arrivals": "closed_loop",
}
# A dense pair in one server.
SMALL: dict[str, Any] = {
    "model": "llama-3.3-70b",
    "accelerator": "h100-sxm",
    "precision": "fp8",
    "tensor_parallel": 2,
    "prefill_workers": 2,
    "decode_workers": 2,
    "prompt_tokens": 4000,
    "output_tokens": 500,
    "in_flight": 32,
}


def plan(pair: dict[str, Any], **changes: Any) -> Any:
    return evaluate(Scenario(**pair | changes))


def served(pair: dict[str, Any], **changes: Any) -> PairServing:
    found = plan(pair, **changes).serving
    assert isinstance(found, PairServing)
    return found


def test_a_replica_counts_the_accelerators_of_both_pools() -> None:
    found = plan(PAIR, replicas=3)
    assert found.deployment.accelerators_per_replica == 1 * 4 + 4 * 8
    assert found.capacity.accelerators == 3 * 36
    assert found.capacity.servers == 2  # a rack of 72 holds two replicas


def test_without_workers_nothing_is_apart() -> None:
    found = plan({"tensor_parallel": 8})
    assert type(found.serving) is Serving
    assert found.deployment.prefill is None
    assert found.memory.prefill is None
    assert "prefill_utilization" not in found.to_dict()["serving"]


def test_memory_is_that_of_the_decode_workers() -> None:
    pair, alone = plan(PAIR).memory, plan(PAIR | dict.fromkeys(WORKERS)).memory
    assert float(pair.weight_bytes_per_accelerator) == float(alone.weight_bytes_per_accelerator)
    assert float(pair.max_sequences) == 4 * float(alone.max_sequences)
    assert pair.prefill is not None
    assert pair.prefill.fits


WORKERS = ("prefill_workers", "decode_workers", "prefill_tensor_parallel", "prefill_data_parallel")


def test_a_prefill_worker_that_does_not_fit_is_a_problem_with_its_fix() -> None:
    found = plan(SMALL, prefill_tensor_parallel=1, precision="bf16", tensor_parallel=4)
    assert not found.memory.fits
    assert np.isnan(found.serving.tpot_s.base)
    (problem,) = [p for p in found.problems_of("memory") if p.code == "E-FIT"]
    assert "a prefill worker" in problem.message
    name, fix = problem.fixes[0].split(":")[0].split(" = ")
    assert plan(SMALL, precision="bf16", tensor_parallel=4, **{name: int(fix)}).memory.fits


@pytest.mark.parametrize("arrivals", ["closed_loop", "poisson"])
@pytest.mark.parametrize("pair", [PAIR, SMALL], ids=["experts", "dense"])
def test_requests_are_conserved_and_more_prefill_never_delays(
    pair: dict[str, Any], arrivals: str
) -> None:
    found = [served(pair, arrivals=arrivals, prefill_workers=n) for n in (1, 2, 4, 8)]
    first = [s.ttft_s.base for s in found]
    assert first == sorted(first, reverse=True)
    for serving in found:
        assert serving.prefill_utilization.base <= 1
        rate = serving.output_tokens_per_s.base / pair["output_tokens"]
        most = min(serving.prefill_requests_per_s.base, serving.decode_requests_per_s.base)
        assert rate <= most
        assert serving.max_output_tokens_per_s.base == pytest.approx(most * pair["output_tokens"])
        assert rate * serving.e2e_s.base == pytest.approx(pair["in_flight"])
        assert serving.ttft_percentile_s.base > 0.99 * serving.ttft_s.base  # few may wait at all
        assert serving.ttft_s.low < serving.ttft_s.base < serving.ttft_s.high


def test_a_decode_worker_has_the_step_of_the_same_layout_without_prompts() -> None:
    alone = plan(SMALL | dict.fromkeys(WORKERS), in_flight=1, arrivals="closed_loop").serving
    apart = served(SMALL, in_flight=1, decode_workers=1, arrivals="closed_loop")
    assert apart.tpot_s.base == pytest.approx(alone.step_s.base, rel=0.01)


def test_the_limit_is_named() -> None:
    assert served(PAIR, in_flight=1000).binding_limit == "prefill pool"
    assert served(PAIR).binding_limit.startswith("decode pool, ")
    fact = {"value": 1e9, "source": "a slow network", "as_of": "2026-11-01"}
    slow = served(
        PAIR,
        in_flight=1,
        prefill_workers=12,
        prefill_tensor_parallel=8,
        prefill_data_parallel=1,
        output_tokens=2,
        facts={"serving-disaggregated.adapter_bytes_per_s": fact},
    )
    assert slow.binding_limit == "hand-off"
    short = served(SMALL, prefill_workers=12, prompt_tokens=100, max_num_seqs=4)
    assert short.binding_limit == "decode pool, batch limit"


def test_a_domain_hands_over_faster_than_a_network() -> None:
    inside, across = served(PAIR), served(PAIR, prefill_workers=12)
    assert inside.handoff_s.base < across.handoff_s.base
    moved = 8192 * float(plan(PAIR).memory.kv_cache_bytes_per_token)
    assert across.handoff_s.base == pytest.approx(0.03 + moved / 50e9, rel=1e-3)
    assert inside.handoff_s.base == pytest.approx(0.03 + moved / 450e9, rel=1e-3)


def test_a_group_across_servers_takes_longer_steps() -> None:
    layout = {"accelerator": "h100-sxm", "precision": "fp8", "expert_parallel": 1}
    inside, across = (
        served(PAIR, **layout, tensor_parallel=n, in_flight=1, prefill_data_parallel=16)
        for n in (8, 16)
    )
    layers = 61 * 110e-6
    assert across.step_s.base == pytest.approx(inside.step_s.base + layers, rel=0.25)


def test_the_curve_meets_the_load_and_its_ratio_keeps_the_pools_busy() -> None:
    pair = plan(PAIR)
    serving = pair.serving
    at = pair.replica.at([48.0]).set_index("name")["base"]
    assert at["ttft_s"] == pytest.approx(serving.ttft_s.base)
    assert at["tpot_s"] == pytest.approx(serving.tpot_s.base)
    busy = serving.prefill_utilization.base * 4 / 32
    assert serving.balanced_prefill_ratio.base == pytest.approx(busy, rel=0.01)


def test_prefill_workers_are_split_as_those_that_decode_unless_told() -> None:
    split = {"tensor_parallel": 2, "data_parallel": 2}
    assert plan(SMALL, **split).deployment.prefill.accelerators_per_worker == 4
    one = plan(SMALL, **split, prefill_tensor_parallel=8).deployment.prefill
    assert (one.tensor_parallel, one.data_parallel) == (8, 1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"decode_workers": None}, "decode_workers must be given with prefill_workers, got none"),
        ({"prefill_workers": None}, "prefill_workers must be given with decode_workers, got none"),
        ({"prefill_workers": 0}, "prefill_workers must be a whole number from 1"),
        ({"decode_workers": -1}, "decode_workers must be a whole number from 1"),
        ({"prefill_tensor_parallel": 3}, "prefill_tensor_parallel must divide 64 attention heads"),
        ({"engine": "llama.cpp"}, "engine must be vllm, sglang or tensorrt-llm"),
        ({"pipeline_parallel": 2}, "pipeline_parallel must be 1 with prefill_workers, got 2"),
        ({"tensor_parallel": "auto"}, "tensor_parallel must be a number with prefill_workers"),
        ({"accelerator": "auto"}, "accelerator must be an id with prefill_workers, got auto"),
    ],
)
def test_wrong_combinations_are_one_line_with_the_fix(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        Scenario(**SMALL | changes)
    assert message in str(caught.value)
    assert ";" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_missed_target_asks_for_workers_of_its_pool() -> None:
    found = plan(SMALL, prefill_workers=1, in_flight=60, ttft_target_s=2.0)
    (problem,) = [p for p in found.problems_of("serving") if p.code == "E-SLO"]
    assert problem.fixes[0].startswith("prefill_workers = 2")


def test_a_search_has_prefill_and_decode_together() -> None:
    layouts = search(Scenario(**SMALL), accelerators=["h100-sxm"], counts=[4])
    same = search(Scenario(**SMALL | dict.fromkeys(WORKERS)), accelerators=["h100-sxm"], counts=[4])
    assert layouts.table().equals(same.table())


def test_both_roles_have_a_command() -> None:
    prefill, decode = launch_commands(plan(SMALL, prefill_tensor_parallel=4))
    start = "vllm serve meta-llama/Llama-3.3-70B-Instruct --tensor-parallel-size"
    assert prefill.startswith(f"{start} 4 ")
    assert decode.startswith(f"{start} 2 ")
    assert '"kv_role":"kv_producer"' in prefill
    assert '"kv_role":"kv_consumer"' in decode
    assert launch_commands(plan({"tensor_parallel": 8})) == [f"{start} 8"]

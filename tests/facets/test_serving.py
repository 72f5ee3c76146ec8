"""The serving facet: published cases, targets, layouts, engines without a fit, curves."""

from typing import Any

import numpy as np
import pytest

from llminfra import Scenario, evaluate
from llminfra.facets.serving import Serving
from llminfra.formulas import request, step
from llminfra.ranges import exact
from llminfra.scenario.file import parse_settings


def plan(**fields: Any) -> Any:
    return evaluate(Scenario(**fields))


def served(**fields: Any) -> Serving:
    result: Serving = plan(**fields).serving
    return result


# Requests per second at 100 in flight, 400 tokens in and 300 out, by simple constants.
@pytest.mark.parametrize(
    ("accelerator", "tensor_parallel", "precision", "requests_per_s"),
    [
        ("a100-sxm-80", 8, "bf16", 9.1),
        ("a100-sxm-80", 4, "bf16", 4.9),
        ("h100-sxm", 2, "fp8", 9.0),
        ("h100-sxm", 4, "fp8", 16.0),
        ("h100-sxm", 8, "bf16", 18.4),
        ("h200-sxm", 1, "fp8", 6.0),
        ("h100-sxm", 1, "int4", 4.3),
    ],
)
def test_seven_layouts_for_a_hundred_users(
    accelerator: str, tensor_parallel: int, precision: str, requests_per_s: float
) -> None:
    rate = served(
        accelerator=accelerator, tensor_parallel=tensor_parallel, precision=precision
    ).output_tokens_per_s
    assert rate.base / 300 == pytest.approx(requests_per_s, rel=0.35)


# Requests per second of a published endpoint, and the effective rates that reproduce it.
@pytest.mark.parametrize(
    ("in_flight", "requests_per_s"),
    [(1, 0.19), (8, 1.44), (16, 2.59), (32, 4.53), (64, 6.58), (128, 8.49)],
)
def test_a_published_curve_follows_from_effective_rates(
    in_flight: int, requests_per_s: float
) -> None:
    prompt, output, parameters = 480, 300, 70.55e9
    step_s = step.step_s(
        weight_read_s=2 * parameters / 8.97e12,
        overhead_s=2e-3,
        sequences=in_flight,
        s_per_token=0,
        step_tokens=1,
        cache_read_bytes=(prompt + output / 2) * 327_680,
        cache_bytes_per_s=8.97e12,
    )
    busy_s = request.busy_s(
        output_tokens=output,
        step_s=step_s,
        sequences=in_flight,
        prefill_s=2 * parameters * prompt / 1.12e15,
    )
    assert in_flight / busy_s == pytest.approx(requests_per_s, rel=0.1)


# Measured with 1,000 tokens in and out: 989 and 960 tokens/s.
@pytest.mark.parametrize("tokens", [(2048, 128), (1000, 1000), (400, 300)])
def test_eight_cards_without_a_switch_are_no_faster_than_four(tokens: tuple[int, int]) -> None:
    fields = {"prompt_tokens": tokens[0], "output_tokens": tokens[1], "engine": "tensorrt-llm"}
    rate = [
        served(accelerator="a100-pcie-80", tensor_parallel=n, **fields).max_output_tokens_per_s.base
        for n in (4, 8)
    ]
    assert 0.8 * rate[0] < rate[1] <= rate[0]
    switched = served(accelerator="a100-sxm-80", tensor_parallel=8, **fields)
    assert switched.max_output_tokens_per_s.base > 2 * rate[1]


def test_a_whole_answer_within_a_second_is_refused_with_floor_and_fix() -> None:
    found = plan(tensor_parallel=8, e2e_target_s=1.0)
    (problem,) = [p for p in found.problems if p.code == "E-SLO"]
    floor = found.replica.floor_e2e_s.base
    assert floor == pytest.approx(299 * 139e9 / 8 / 2.039e12, rel=0.05)
    assert f"{floor:.2f} s" in problem.message
    assert "(first token at its floor, and each of the others at theirs" in problem.message


@pytest.mark.parametrize("demand", [{"in_flight": 100}, {"requests_per_s": 6}, {"in_flight": 4}])
@pytest.mark.parametrize("target", [1.0, 5.0])
def test_what_is_said_to_meet_a_target_meets_it(demand: dict[str, Any], target: float) -> None:
    fields: dict[str, Any] = {"tensor_parallel": 8, "e2e_target_s": target} | demand
    for problem in plan(**fields).problems:
        for fix in problem.fixes if problem.code == "E-SLO" else ():
            if "no change" in fix:
                continue
            changes = parse_settings(fix.partition(":")[0].split(", "))
            assert served(**(fields | changes)).e2e_s.base <= target, fix


def test_a_target_that_a_wider_split_meets_names_it() -> None:
    fields = {"accelerator": "h100-sxm", "precision": "fp8", "in_flight": 8, "tensor_parallel": 2}
    found = plan(tpot_target_s=0.013, **fields)
    (problem,) = [p for p in found.problems if p.code == "E-SLO"]
    assert "above the physical floor" in problem.message
    assert problem.fixes[0].startswith("tensor_parallel = 4")


def test_an_old_desktop_takes_seconds_for_a_word() -> None:
    """Six cores and two channels of DDR4, 16 bits: a word is 1.33 tokens."""
    given = {"source": "data sheet", "as_of": "2017-10"}
    old = {
        "epyc-9654.memory_bandwidth_bytes_per_s": {"value": 41.6e9, **given},
        "epyc-9654.cores": {"value": "6", **given},
    }
    fields: dict[str, Any] = {"accelerator": "epyc-9654", "engine": "llama.cpp", "in_flight": 1}
    assert 5 < 1.33 * served(facts=old, **fields).tpot_s.base < 10
    assert 1.33 * served(precision="q4_k_m", **fields).tpot_s.base < 0.3


@pytest.mark.parametrize(
    ("precision", "tokens_per_s"), [("q4_k_m", 127.7), ("bf16", 54.3)], ids=["4 bit", "16 bit"]
)
def test_a_consumer_card_streams_its_file(precision: str, tokens_per_s: float) -> None:
    """Llama 3 8B on one RTX 4090, llama.cpp, as its users publish it."""
    card: dict[str, Any] = {"accelerator": "rtx4090", "engine": "llama.cpp", "in_flight": 1}
    card["engine_version"] = "b2800"  # of the month of the table
    speed = served(model="llama-3-8b", precision=precision, **card, output_tokens=1024)
    assert 1 / speed.tpot_s.base == pytest.approx(tokens_per_s, rel=0.1)


def test_cards_of_llama_cpp_take_layers_in_turn() -> None:
    fields = {"accelerator": "rtx4090", "engine": "llama.cpp", "in_flight": 1}
    one, two = (
        served(model="llama-3-8b", precision="q4_k_m", tensor_parallel=n, **fields).tpot_s.base
        for n in (1, 2)
    )
    assert one < two < 1.1 * one


def test_an_accelerator_that_was_not_measured_is_named_and_its_range_is_wider() -> None:
    fields = {"precision": "fp8", "in_flight": 16, "tensor_parallel": 4}
    width = {}
    for name, code in (
        ("h100-sxm", None),
        ("h200-nvl", "W-ACCELERATOR"),
        ("mi300x", "W-GENERATION"),
    ):
        found = plan(accelerator=name, **fields)
        assert code in {None, *(p.code for p in found.problems)}
        width[name] = found.serving.tpot_s.high / found.serving.tpot_s.low
    assert width["h100-sxm"] < width["h200-nvl"] < width["mi300x"]


def test_mxfp4_has_four_bits_on_both_sides_where_dense_models_are_packed_so() -> None:
    """CDNA 4 multiplies 4-bit values twice as fast as 8-bit ones, which experts' inputs have."""
    limits = {}
    for model in ("llama-2-70b", "gpt-oss-120b"):
        card = {"model": model, "precision": "mxfp4", "accelerator": "mi355x"}
        limits[model] = [plan(**card, tensor_parallel=1).replica.floor_ttft_s.base]
        fact = {"value": 5e15, "source": "none", "as_of": "2026-11-24"}
        slower = {"mi355x.fp4_flop_per_s": fact}
        limits[model] += [plan(**card, tensor_parallel=1, facts=slower).replica.floor_ttft_s.base]
    assert limits["llama-2-70b"][1] > 1.5 * limits["llama-2-70b"][0]
    assert limits["gpt-oss-120b"][1] == limits["gpt-oss-120b"][0]


def test_more_in_flight_is_slower_for_each_and_faster_for_all() -> None:
    asked = plan(accelerator="h100-sxm", tensor_parallel=8, precision="fp8")
    speed, loads = asked.serving, [*np.geomspace(1, 200, 20), 100]
    rows = asked.replica.at(loads)
    assert list(rows) == ["in_flight", "name", "unit", "low", "base", "high"]
    assert ((rows["low"] < rows["base"]) & (rows["base"] < rows["high"])).all()
    curve = rows.pivot(index="in_flight", columns="name", values="base")
    assert list(curve.index) == sorted(loads)
    assert (np.diff(curve["tpot_s"]) > 0).all()
    assert (np.diff(curve["output_tokens_per_s"]) > 0).all()
    assert (curve["output_tokens_per_s"] < speed.max_output_tokens_per_s.base * 1.05).all()
    for name in ("ttft_s", "tpot_s", "e2e_s", "output_tokens_per_s"):
        at, here = rows[(rows["in_flight"] == 100) & (rows["name"] == name)], getattr(speed, name)
        assert at[["low", "base", "high"]].to_numpy()[0] == pytest.approx(
            [here.low, here.base, here.high], rel=0.01
        )


def test_a_curve_has_a_time_for_every_draw_and_load() -> None:
    asked = plan(accelerator="h100-sxm", tensor_parallel=8, prompt_tokens=[300, 400, 900])
    loads = np.array([[1.0], [10.0], [100.0]])
    curve = asked.replica.speed(loads)
    assert {values.shape for values in curve.values()} == {(3, 1025)}
    np.testing.assert_allclose(curve["e2e_s"][2], asked.serving.e2e_s.draws)
    np.testing.assert_allclose(curve["e2e_s"][2], asked.replica.e2e_at(exact(100)).draws)


def test_slow_requests_wait_for_prompts_and_for_places() -> None:
    light, busy, full = (
        served(tensor_parallel=8, max_num_seqs=100, **demand)
        for demand in ({"in_flight": 1}, {"in_flight": 100}, {"in_flight": 300})
    )
    assert light.ttft_percentile_s.base == pytest.approx(light.ttft_s.base, rel=0.02)
    assert 1.1 * busy.ttft_s.base < busy.ttft_percentile_s.base < 3 * busy.ttft_s.base
    assert full.ttft_percentile_s.base > full.ttft_s.base > 10.0
    shares = [
        served(tensor_parallel=8, percentile_fraction=share).ttft_percentile_s.base
        for share in (0.9, 0.95, 0.99)
    ]
    assert shares == sorted(shares)


def test_most_wait_little_when_clients_start_at_once_but_the_first_wait_for_all() -> None:
    burst = {"tensor_parallel": 8, "arrivals": "closed_loop", "in_flight": 100}
    usual = served(**burst, percentile_fraction=0.9)
    slow = served(**burst, percentile_fraction=0.99)
    assert usual.ttft_percentile_s.base < usual.ttft_s.base
    assert slow.ttft_percentile_s.base > 3 * slow.ttft_s.base


def test_a_benchmark_that_starts_at_once_waits_longer_for_its_first_token() -> None:
    fields = {"tensor_parallel": 8, "prompt_tokens": 4000, "output_tokens": 4000, "in_flight": 32}
    burst, steady = (served(arrivals=a, **fields).ttft_s.base for a in ("closed_loop", "poisson"))
    assert burst > 1.2 * steady


def test_requests_beyond_the_pool_wait_and_say_so() -> None:
    fields = {"accelerator": "h100-sxm", "tensor_parallel": 2, "precision": "fp8"}
    fields |= {"prompt_tokens": 8000}
    few, many = (served(in_flight=n, **fields) for n in (1, 64))
    assert many.binding_limit == "KV cache memory"
    assert many.ttft_s.base > 5 * few.ttft_s.base


def test_a_model_that_does_not_fit_has_no_speed() -> None:
    plan = evaluate(Scenario(tensor_parallel=1, tpot_target_s=0.001))
    found, replica = (plan.to_dict()[facet] for facet in ("serving", "replica"))
    speeds = [name for name in found if name.endswith("_s")]
    assert {"ttft_s", "tpot_s", "e2e_s", "output_tokens_per_s", "step_s"} < set(speeds)
    assert all(found[name][end] is None for name in speeds for end in ("low", "base", "high"))
    assert replica["max_batch_sequences"]["base"] == 0
    assert found["binding_limit"] == "memory: the model does not fit"
    assert replica["floor_tpot_s"]["base"] > 0.05
    assert [problem.code for problem in plan.problems] == ["E-FIT"]


def test_cached_prompts_and_accepted_drafts_save_time() -> None:
    fields = {"tensor_parallel": 8, "in_flight": 4, "prompt_tokens": 8000}
    plain = served(**fields)
    cached = served(prefix_cache_hit_fraction=0.9, **fields)
    drafted = served(draft_tokens=2, **fields)
    assert cached.ttft_s.base < 0.4 * plain.ttft_s.base
    assert cached.max_output_tokens_per_s.base > plain.max_output_tokens_per_s.base
    assert 0.4 * plain.tpot_s.base < drafted.tpot_s.base < 0.9 * plain.tpot_s.base


@pytest.mark.parametrize(
    "model", ["deepseek-v3.2", "gemma-3-27b", "qwen3-next-80b-a3b", "falcon-mamba-7b", "minimax-m3"]
)
def test_rare_kinds_of_layers_have_a_speed(model: str) -> None:
    layout = {"accelerator": "h200-sxm", "tensor_parallel": 8, "precision": "fp8"}
    asked = plan(model=model, in_flight=4, **layout)
    assert 1e-3 < asked.serving.tpot_s.base < 0.1
    assert asked.replica.floor_tpot_s.base < asked.serving.step_s.base


def test_stages_carry_more_but_answer_no_faster() -> None:
    fields = {"accelerator": "h100-sxm", "precision": "fp8", "model": "llama-3.1-405b"}
    one = served(tensor_parallel=8, in_flight=1, **fields)
    two = served(tensor_parallel=8, pipeline_parallel=2, in_flight=1, **fields)
    assert two.tpot_s.base == pytest.approx(one.tpot_s.base, rel=0.05)
    assert two.max_output_tokens_per_s.base > 1.5 * one.max_output_tokens_per_s.base


@pytest.mark.parametrize("model", ["qwen3-30b-a3b", "llama-3.1-8b"])
def test_more_places_take_no_capacity_and_slow_no_request_that_is_alone(model: str) -> None:
    asked = {"model": model, "accelerator": "h100-sxm", "in_flight": 1, "prompt_tokens": 4000}
    plans = [evaluate(Scenario(**asked, output_tokens=300, max_num_seqs=n)) for n in range(1, 9)]
    rates = [float(plan.capacity.max_requests_per_s.base) for plan in plans]
    assert rates == sorted(rates)
    alone = float(plans[0].serving.tpot_s.base)
    assert [float(plan.serving.tpot_s.base) for plan in plans] == pytest.approx([alone] * 8)

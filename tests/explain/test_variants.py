"""Explanations: equation, inputs and facts of a number, its drivers, and what changes do."""

import pytest

from llminfra import Plan, Scenario, compare, evaluate, sweep
from llminfra.explain import drivers, leaves, variants

BANDS = {"prompt_tokens": [300, 400, 500], "output_tokens": [200, 300, 450]}


@pytest.fixture(scope="module")
def plan() -> Plan:
    return evaluate(Scenario(tensor_parallel=8, in_flight=100, **BANDS))


def test_an_explanation_holds_equation_inputs_and_facts(plan: Plan) -> None:
    text = str(plan.memory.kv_pool_bytes_per_accelerator.explain())
    assert "K = u M - W - A - N" in text
    assert "a100-sxm-80.memory_usable_bytes: engine-logs, 2026-11, secondary" in text
    assert "bits_per_weight = 16 bit (exact)" in text
    assert "default_gpu_memory_utilization = 0.92" in text


def test_an_explanation_goes_down_to_the_scenario(plan: Plan) -> None:
    text = str(plan.memory.max_sequences.explain())
    assert "prompt_tokens = 400 token" in text
    assert "scenario field prompt_tokens" in text
    assert "300" in text


def test_every_formula_in_an_explanation_has_its_equation(plan: Plan) -> None:
    for name, quantity in plan.memory.items():
        if hasattr(quantity, "explain"):
            lines = [line.strip() for line in str(quantity.explain()).splitlines()]
            bare = [line for line in lines if line.startswith("by ") and "=" not in line]
            assert bare == [], name


def test_an_explanation_stays_readable(plan: Plan) -> None:
    for name, quantity in plan.memory.items():
        if hasattr(quantity, "explain"):
            assert len(str(quantity.explain()).splitlines()) < 80, name


def test_leaves_are_facts_and_fields(plan: Plan) -> None:
    found = leaves(plan.memory.max_sequences)
    assert found["a100-sxm-80.memory_usable_bytes"].base == pytest.approx(84.99e9, rel=1e-3)
    assert found["scenario field prompt_tokens"].base == 400
    assert "llama-3.3-70b.config" in found


def test_leaves_of_a_result_survive_further_arithmetic(plan: Plan) -> None:
    spare = plan.capacity.spare_bytes_per_accelerator
    assert "scenario field in_flight" in leaves(spare)
    assert "a100-sxm-80.memory_usable_bytes" in leaves(spare)


def test_drivers_are_ordered_by_strength(plan: Plan) -> None:
    found = drivers(plan.memory.max_sequences)
    strengths = list(found.values())
    assert strengths == sorted(strengths, reverse=True)
    assert all(0 <= strength <= 1 for strength in strengths)
    assert next(iter(found)) in {"scenario field output_tokens", "scenario field prompt_tokens"}
    assert found["bf16.bits_per_weight"] == 0


def test_a_result_that_rests_on_one_uncertain_input_is_driven_by_it_alone() -> None:
    found = drivers(evaluate(Scenario(in_flight=[50, 100, 200], replicas=2)).capacity.in_flight)
    assert found == {"scenario field in_flight": pytest.approx(1.0)}


def test_variants_leave_out_what_no_engine_accepts(plan: Plan) -> None:
    found = variants(plan, {"half": {"tensor_parallel": 4}, "odd": {"tensor_parallel": 6}})
    assert list(found) == ["half"]


def test_layouts_that_come_out_the_same_are_kept_once(plan: Plan) -> None:
    found = variants(plan, [{}, {"tensor_parallel": 8}, {"tensor_parallel": 4}])
    assert list(found) == ["8 × A100 80 GB, 16-bit", "4 × A100 80 GB, 16-bit"]


@pytest.mark.parametrize(
    "change", [{"replicas": 2}, {"kv_precision": "fp8"}, {"max_num_seqs": 8}], ids=str
)
def test_no_change_is_dropped_because_the_layout_is_the_same(
    plan: Plan, change: dict[str, object]
) -> None:
    assert len(variants(plan, [{}, change])) == 2


def test_a_comparison_is_tidy(plan: Plan) -> None:
    frame = compare(plan, {"base": {}, "half": {"tensor_parallel": 4}}, "memory")
    assert list(frame["label"].unique()) == ["base", "half"]
    assert set(frame["facet"]) == {"memory"}
    assert not frame.duplicated(["label", "name"]).any()


def test_a_sweep_is_tidy_and_leaves_out_the_impossible(plan: Plan) -> None:
    frame = sweep(plan, {"tensor_parallel": [4, 6, 8], "precision": ["bf16", "fp8"]}, "memory")
    assert set(frame["tensor_parallel"]) == {4, 8}
    assert not frame.duplicated(["tensor_parallel", "precision", "name"]).any()
    held = frame[frame["name"] == "max_sequences"].set_index(["tensor_parallel", "precision"])
    assert held.loc[(8, "bf16"), "base"] == plan.memory.max_sequences.base


def test_when_nothing_is_possible_the_frame_is_empty(plan: Plan, no_memory: str) -> None:
    assert sweep(plan, {"tensor_parallel": [6]}, "memory").empty
    assert compare(plan, {"odd": {"tensor_parallel": 6}}, "memory").empty
    assert compare(plan, {"cpu": {"accelerator": no_memory}}, "memory").empty

"""Terms of the memory that few plans have: adapters, windows, and lengths that are too long."""

import pytest

from llminfra import InvalidInput, Scenario, evaluate
from llminfra.explain.options import fault_of


def test_adapters_take_their_room() -> None:
    """Rank 16 on Llama 3.1 8B is 41.9 M parameters (LoRA on all attention and MLP matrices)."""
    fields = {"model": "llama-3.1-8b", "accelerator": "h100-sxm"}
    without = evaluate(Scenario(**fields)).memory
    held = evaluate(Scenario(**fields, lora_adapters=8)).memory
    assert held.adapter_bytes_per_accelerator.base == 8 * 41_943_040 * 2
    lost = without.kv_pool_bytes_per_accelerator.base - held.kv_pool_bytes_per_accelerator.base
    assert lost == pytest.approx(8 * 41_943_040 * 2)


def test_a_window_reserves_the_tokens_of_a_step_as_the_log_says() -> None:
    """Gemma 4 26B-A4B: 51.62 GiB hold 33.42 sequences of 131,072 tokens (engine log)."""
    scenario = Scenario(
        model="gemma-4-26b-a4b",
        accelerator="h200-sxm",
        kv_precision="fp8",
        max_model_len=131_072,
        max_num_batched_tokens=2048,
    )
    longest = evaluate(scenario).memory.kv_longest_bytes_per_accelerator.base
    assert 51.62 * 2**30 / longest == pytest.approx(33.42, abs=0.01)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"precision": "fp8", "tensor_parallel": 8}, "W-FORMAT"),
        ({"tensor_parallel": 2, "in_flight": 1}, "W-LEN"),
        ({"tensor_parallel": 2, "in_flight": 1, "max_model_len": 131_072}, "E-LEN"),
    ],
)
def test_warnings_and_errors_carry_their_code(fields: dict[str, object], code: str) -> None:
    assert code in [problem.code for problem in evaluate(Scenario(**fields)).problems]


def test_a_stated_cache_is_held_against_the_memory_that_the_scenario_states() -> None:
    fields = {"model": "llama-3.1-8b", "accelerator": "h100-sxm", "kv_cache_bytes": 90e9}
    own = {"value": 1.2e11, "source": "a larger card", "as_of": "2026-10-01"}
    with pytest.raises(InvalidInput, match=r"kv_cache_bytes must be at most the 85\.0"):
        Scenario(**fields)
    held = evaluate(Scenario(**fields, facts={"h100-sxm.memory_usable_bytes": own})).memory
    assert held.kv_pool_bytes_per_accelerator.base == 90e9


def test_a_length_that_does_not_start_names_the_buffer_that_is_in_the_way() -> None:
    """vllm-project/vllm#27508: 1.71 GiB of 4.8 are left on one H100, however few tokens a step."""
    fields = {"model": "gpt-oss-120b", "accelerator": "h100-sxm", "engine_version": "0.11"}
    fields |= {"gpu_memory_utilization": 0.95, "max_num_batched_tokens": 1024, "in_flight": 1}
    refused = evaluate(Scenario(**fields, max_model_len=131_072))
    (problem,) = (problem for problem in refused.problems if problem.code == "E-LEN")
    assert problem.fixes[0] == "max_num_seqs = 256"
    followed = evaluate(Scenario(**fields, max_model_len=131_072, max_num_seqs=256))
    assert followed.memory.fits


def test_the_pool_of_gpt_oss_on_one_h100() -> None:
    """llm-d-planner: 3.33 GiB; its weights and activation add up to that at 0.95, not at 0.9."""
    fields = {"model": "gpt-oss-120b", "accelerator": "h100-sxm", "engine_version": "0.11"}
    asked = Scenario(**fields, gpu_memory_utilization=0.95, max_model_len=16_000, in_flight=1)
    pool = evaluate(asked).memory.kv_pool_bytes_per_accelerator
    assert pool.base / 2**30 == pytest.approx(3.33, rel=0.1)


@pytest.mark.parametrize("slots", [16, 32])
def test_windows_of_many_slots_are_part_of_what_a_start_needs(slots: int) -> None:
    asked = {"model": "gemma-3-27b", "accelerator": "rtx4090", "engine": "llama.cpp"}
    asked |= {"precision": "q4_k_m", "in_flight": 2, "max_num_seqs": slots}
    plan = evaluate(Scenario(**asked, max_model_len=32_768))
    assert not plan.memory.fits
    assert "E-LEN" in [problem.code for problem in plan.problems]
    assert fault_of(plan).startswith("does not start")
    most = int(plan.memory.max_model_len_accepted.base)
    assert evaluate(Scenario(**asked, max_model_len=most)).memory.fits


def test_a_pass_takes_no_more_than_a_batch() -> None:
    asked = {"model": "gemma-3-27b", "accelerator": "rtx4090", "engine": "llama.cpp"}
    asked |= {"precision": "q4_k_m", "in_flight": 2, "max_num_batched_tokens": 1024}
    wide, whole = (evaluate(Scenario(**asked, micro_batch_tokens=n)).memory for n in (4096, 1024))
    assert wide.activation_bytes_per_accelerator == whole.activation_bytes_per_accelerator

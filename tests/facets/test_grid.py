"""The grid of many models equals single plans; adapters, formats and lengths change a plan."""

import numpy as np
import pytest

from llminfra import Scenario, evaluate, fit_table
from llminfra.catalog.facts import Facts, engine_entry
from llminfra.facets.memory.grid import fit_grid

MODELS = ["llama-3.3-70b", "gpt-oss-120b", "deepseek-r1", "mistral-7b-v0.1"]
LAYOUTS = [("h100-sxm", 1), ("a100-sxm-80", 8), ("l40s", 4)]
PRECISIONS = ["bf16", "fp8", "int4", "mxfp4"]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("accelerator", "count"), LAYOUTS)
@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_cell_equals_the_plan_of_its_layout(
    model: str, accelerator: str, count: int, precision: str
) -> None:
    grid = fit_grid(
        [Facts().model(model)],
        [accelerator],
        [precision],
        engine_entry=engine_entry("vllm"),
        tensor_parallel=[count],
        tokens=700,
        sequences=100,
    )
    fields = {"model": model, "accelerator": accelerator, "precision": precision}
    memory = evaluate(Scenario(**fields, tensor_parallel=count, in_flight=100)).memory
    needed = (
        memory.weight_bytes_per_accelerator.base
        + memory.activation_bytes_per_accelerator.base
        + memory.other_runtime_bytes_per_accelerator.base
        + memory.kv_load_bytes_per_accelerator.base
    )
    assert grid["needed_bytes"][0, 0, 0] == pytest.approx(needed, rel=1e-12)
    limit = memory.limit_bytes_per_accelerator.base
    assert grid["limit_bytes"][0, 0, 0] == pytest.approx(limit, rel=1e-12)


def test_what_no_engine_accepts_and_what_has_no_memory_is_nan(no_memory: str) -> None:
    grid = fit_grid(
        [Facts().model("llama-3.3-70b")],
        ["h100-sxm", no_memory],
        ["bf16"],
        engine_entry=engine_entry("vllm"),
        tensor_parallel=[6, 1],
        tokens=700,
        sequences=1,
    )
    assert np.isnan(grid["needed_bytes"][0, 0, 0])
    assert np.isnan(grid["limit_bytes"][0, 1, 0])


def test_the_table_names_the_most_exact_weights_that_fit() -> None:
    table = fit_table(
        ["llama-3.3-70b"],
        [("rtx4090", 1), ("h100-sxm", 1), ("h200-sxm", 1), ("a100-sxm-80", 8)],
        ["bf16", "fp8", "int4"],
        engine_entry=engine_entry("vllm"),
        tokens=700,
        sequences=100,
    )
    assert table["precision"].to_list() == ["", "int4", "fp8", "bf16"]
    assert table["short_bytes"].gt(0).to_list() == [True, False, False, False]


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

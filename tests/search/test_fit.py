"""The map of many models equals single plans, and names the most exact weights that fit."""

import numpy as np
import pytest

from llminfra import Scenario, evaluate, fit_table, search
from llminfra.catalog.facts import Facts
from llminfra.search.fit import fit_grid

MODELS = ["llama-3.3-70b", "gpt-oss-120b", "deepseek-r1", "mistral-7b-v0.1"]
LAYOUTS = [("h100-sxm", 1), ("a100-sxm-80", 8), ("l40s", 4)]
PRECISIONS = ["bf16", "fp8", "int4"]


@pytest.mark.parametrize("engine", ["vllm", "tensorrt-llm"])
def test_a_cell_equals_the_plan_of_its_layout(engine: str) -> None:
    accelerators, counts = zip(*LAYOUTS, strict=True)
    models = [Facts().model(model) for model in MODELS]
    asked = evaluate(Scenario(engine=engine, precision="fp8", kv_precision="bf16"))
    grid = fit_grid(asked, models, accelerators, PRECISIONS, tensor_parallel=counts, sequences=100)
    for cell in zip(range(4), (0, 1, 2, 1), (2, 1, 0, 2), strict=True):
        i, j, k = cell
        fields = {"model": MODELS[i], "accelerator": accelerators[j], "precision": PRECISIONS[k]}
        plan = asked.variant(**fields, tensor_parallel=counts[j], in_flight=100)
        limit = plan.memory.limit_bytes_per_accelerator.base
        load = plan.capacity.kv_load_bytes_per_accelerator.base
        pool = plan.memory.kv_pool_bytes_per_accelerator.base
        assert grid["limit_bytes"][cell] == pytest.approx(limit, rel=1e-12)
        assert grid["needed_bytes"][cell] == pytest.approx(limit - pool + load, rel=1e-12)


def test_what_no_engine_accepts_and_what_has_no_memory_is_nan(no_memory: str) -> None:
    grid = fit_grid(
        evaluate(Scenario()),
        [Facts().model("llama-3.3-70b")],
        ["h100-sxm", no_memory],
        ["bf16"],
        tensor_parallel=[6, 1],
        sequences=1,
    )
    assert np.isnan(grid["needed_bytes"][0, 0, 0])
    assert np.isnan(grid["limit_bytes"][0, 1, 0])


def test_the_table_names_the_most_exact_weights_that_fit() -> None:
    table = fit_table(
        evaluate(Scenario()),
        ["llama-3.3-70b"],
        [("rtx4090", 1), ("h100-sxm", 1), ("h200-sxm", 1), ("a100-sxm-80", 8)],
        ["bf16", "fp8", "int4"],
        sequences=100,
    )
    assert table["precision"].to_list() == ["", "int4", "fp8", "bf16"]
    assert table["short_bytes"].gt(0).to_list() == [True, False, False, False]


def test_a_layout_on_which_a_stated_length_does_not_start_does_not_fit() -> None:
    asked = {"model": "gemma-3-12b", "precision": "q4_k_m", "engine": "llama.cpp", "in_flight": 1}
    scenario = Scenario(**asked, max_num_seqs=16, max_model_len=32_768)
    table = search(scenario, accelerators=["rtx3060", "rtx4090"], counts=[1]).table()
    assert len(table) == 2
    for _, row in table.iterrows():
        plan = evaluate(scenario.model_copy(update={"accelerator": row["accelerator"]}))
        assert row["fits"] == plan.memory.fits == (row["accelerator"] == "rtx4090")
        assert row["meets_targets"] == row["fits"]
        assert row["max_sequences"] >= 1

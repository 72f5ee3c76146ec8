"""What the deployment refuses and warns of: checkpoints, contexts, splits, formats."""

import json
from pathlib import Path
from typing import Any

import pytest

from llminfra import InvalidInput, Scenario, evaluate
from llminfra.facets.base import Problem
from llminfra.facets.deployment import UNLIMITED_TOKENS

LLAMA = {
    "model_type": "llama",
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "num_hidden_layers": 32,
    "vocab_size": 128256,
    "max_position_embeddings": 8192,
}
NO_CONTEXT = {key: value for key, value in LLAMA.items() if key != "max_position_embeddings"}
MAMBA = {"model_type": "mamba", "hidden_size": 2560, "num_hidden_layers": 64, "vocab_size": 50280}
BLOOM = {"model_type": "bloom", "n_embed": 64, "n_head": 4, "n_layer": 2, "vocab_size": 100}


def written(folder: Path, config: dict[str, Any]) -> str:
    path = folder / "config.json"
    path.write_text(json.dumps(config))
    return str(path)


def warnings(folder: Path, section: dict[str, Any], **fields: Any) -> list[Problem]:
    model = written(folder, LLAMA | {"quantization_config": section})
    found = evaluate(Scenario(model=model, in_flight=1, **fields)).problems
    return [problem for problem in found if problem.code == "W-QUANT"]


@pytest.mark.parametrize(
    ("method", "precision"),
    [({"quant_method": "awq", "bits": 4}, "int4"), ({"load_in_8bit": True}, "int8")],
)
def test_a_checkpoint_of_another_precision_is_a_warning(
    tmp_path: Path, method: dict[str, Any], precision: str
) -> None:
    (warning,) = warnings(tmp_path, method, precision="bf16")
    assert "precision is bf16" in warning.message
    assert warning.fixes == (f'precision = "{precision}"',)
    assert warnings(tmp_path, method, precision=precision) == []


def test_the_precision_stays_what_the_scenario_says(tmp_path: Path) -> None:
    plain, stored = (
        evaluate(
            Scenario(model=written(tmp_path, LLAMA | more), precision="bf16", in_flight=1)
        ).memory.weight_bytes
        for more in ({}, {"quantization_config": {"quant_method": "fp8"}})
    )
    assert plain.base == stored.base


def test_an_unknown_method_is_a_warning_that_names_it(tmp_path: Path) -> None:
    (warning,) = warnings(tmp_path, {"quant_method": "squeeze"})
    assert "not known here ('squeeze')" in warning.message
    assert warning.fixes == ()


def test_a_context_is_never_guessed(tmp_path: Path) -> None:
    model = written(tmp_path, NO_CONTEXT)
    with pytest.raises(InvalidInput) as caught:
        Scenario(model=model)
    assert f'{model}: key "max_position_embeddings" is missing' in str(caught.value)
    assert evaluate(Scenario(model=model, max_model_len=4096)).deployment.max_model_len == 4096


@pytest.mark.parametrize(
    "config", [MAMBA, BLOOM, NO_CONTEXT | {"position_embedding_type": "alibi"}], ids=str
)
def test_only_what_nothing_bounds_is_unlimited(tmp_path: Path, config: dict[str, Any]) -> None:
    plan = evaluate(Scenario(model=written(tmp_path, config)))
    assert plan.deployment.max_model_len == UNLIMITED_TOKENS


@pytest.mark.parametrize(
    ("accelerator", "fixes"), [("t4", ('precision = "fp16"',)), ("a100-sxm-80", None)]
)
def test_bf16_is_named_and_fp16_offered_where_it_is_native(
    accelerator: str, fixes: tuple[str, ...] | None
) -> None:
    plan = evaluate(Scenario(model="llama-3.1-8b", accelerator=accelerator, in_flight=1))
    found = [problem for problem in plan.problems if problem.code == "W-FORMAT"]
    assert [problem.fixes for problem in found] == ([] if fixes is None else [fixes])
    assert all("has no BF16 arithmetic" in problem.message for problem in found)


@pytest.mark.parametrize(
    ("split", "words"),
    [({}, "got 8; try 1, or"), ({"tensor_parallel": 4}, "got 8; try 1 or 4, or")],
)
def test_a_split_of_experts_names_what_would_do(split: dict[str, int], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        Scenario(model="mixtral-8x7b", expert_parallel=8, **split)


def test_a_share_in_percent_is_told_as_a_share() -> None:
    with pytest.raises(InvalidInput, match=r"got 92; 92 % is 0\.92"):
        Scenario(gpu_memory_utilization=92)

"""Types of GGUF files by matrix: against the sizes that llama.cpp prints, and the tool's rules."""

from typing import Any

import pytest

from llminfra import Scenario, evaluate
from llminfra.architecture.matrices import matrices
from llminfra.catalog import gguf
from llminfra.catalog.facts import Facts, architecture
from llminfra.catalog.loader import ids
from llminfra.catalog.measured import table
from llminfra.errors import ImpossibleCombination
from llminfra.units import GIB

ONE: dict[str, Any] = {"prompt_tokens": 10, "output_tokens": 10, "in_flight": 1, "text_only": True}
MIXES = sorted({row["precision"] for row in table("gguf_mixes.csv")})


@pytest.mark.parametrize("model", ids("model"))
def test_matrices_add_up_to_the_weights(model: str) -> None:
    found = architecture(model)
    for layer in found.layers:
        parts = matrices(layer, found.hidden_size)
        groups = [g for g in layer.weights(found.hidden_size) if g.quantizable]
        for name in {g.name for g in groups}:
            held = sum(g.count for g in groups if g.name == name)
            assert sum(m.count for m in parts if m.group == name) == held
        assert all(m.count > 0 and m.row_values > 0 for m in parts)


@pytest.mark.parametrize(
    ("model", "precision", "gib"),
    [
        pytest.param("deepseek-v3", "q4_k_m", 376.65, id="latent attention, ROCm page"),
        pytest.param("qwen3-14b", "q4_k_s", 7.98, id="first layers alone"),
        pytest.param("phi-4", "q4_k_m", 8.43, id="query, key and value in one"),
        pytest.param("qwen3-30b-a3b", "q4_k_m", 17.28, id="experts by their layer"),
        pytest.param("qwen3-next-80b-a3b", "q4_k_m", 45.08, id="recurrence and experts"),
        pytest.param("qwen3.5-27b", "q3_k_m", 12.37, id="recurrence"),
        pytest.param("llama-2-13b", "q4_k_m", 7.33, id="40 layers"),
        pytest.param("mistral-small-24b", "q4_k_m", 13.34, id="shared heads"),
        pytest.param("gpt-oss-20b", "q4_k_m", 10.80, id="rows of 2,880, experts kept"),
        pytest.param("qwen3-8b", "q5_k_m", 5.44, id="five bits"),
    ],
)
def test_files_are_as_large_as_llama_cpp_prints(model: str, precision: str, gib: float) -> None:
    """Files of the tool's own mix, without types given by hand: within half a per cent."""
    fields = {"engine": "llama.cpp", "accelerator": "b300-sxm", "precision": precision}
    memory = evaluate(Scenario(model=model, **fields, **ONE)).memory
    assert memory.weight_bytes.base / GIB == pytest.approx(gib, rel=0.005)


def test_rows_that_fill_no_blocks_take_larger_types() -> None:
    """Nemotron 3 Super: experts of 2,688 values; half of their downs in Q5_0, half in Q8_0."""
    bits = dict(gguf.mix_bits("q4_k_m", architecture("nemotron-3-super-120b-a12b")))
    assert bits["experts"] == pytest.approx((4.5 + (5.5 + 8.5) / 2) / 2, rel=0.02)


@pytest.mark.parametrize("name", MIXES)
def test_facts_of_a_precision_are_those_of_its_types(name: str) -> None:
    facts = Facts()
    assert facts.text(name, "mix_of") == name
    for end in ("embedding", "head"):
        own = gguf.type_bits(gguf.type_of(name, end, gguf.Place(0, 1)), 4096)
        assert facts.number(name, f"{end}_bits").base == own
    plain = facts.number(name, "bits_per_weight")
    mixed = dict(gguf.mix_bits(name, architecture("llama-3.1-8b")))
    assert min(mixed.values()) * 0.99 <= plain.base <= max(mixed.values())
    assert plain.low <= plain.base <= plain.high


@pytest.mark.parametrize(
    ("model", "precision", "gib"),
    [
        pytest.param("qwen3-30b-a3b", "UD-Q8_K_XL", 33.51, id="as Qwen3 Coder"),
        pytest.param("minimax-m2.5", "UD-Q4_K_XL", 122.0, id="as MiniMax M2.1"),
    ],
)
def test_mixes_of_one_producer_lie_in_their_band(model: str, precision: str, gib: float) -> None:
    asked = {"engine": "llama.cpp", "accelerator": "b300-sxm", "precision": precision}
    plan = evaluate(Scenario(model=model, **asked, **ONE))
    assert plan.scenario.precision == precision.lower()
    assert plan.memory.weight_bytes.low <= gib * GIB <= plan.memory.weight_bytes.high
    (told,) = (problem for problem in plan.problems if problem.code == "W-RECIPE")
    assert told.fixes == ("weight_file_bytes = …",)
    known = evaluate(Scenario(model=model, **asked, **ONE, weight_file_bytes=gib * GIB))
    assert "W-RECIPE" not in [problem.code for problem in known.problems]


def test_files_that_the_catalogue_knows_are_as_large_as_published() -> None:
    asked = {"engine": "llama.cpp", "accelerator": "b300-sxm"}
    facts = Facts()
    for entity in ids("file"):
        precision = next(name for name in ids("precision") if entity.endswith(f"-{name}"))
        model = entity.removesuffix(f"-{precision}")
        fields = {"model": model, "precision": precision, **asked, **ONE}
        plan = evaluate(Scenario(**fields))
        file = gguf.published_file_bytes(facts, model, precision)
        assert file is not None
        as_of = file.origin.as_of
        assert file.is_exact
        assert plan.memory.weight_bytes.base == pytest.approx(file.base), model
        (read,) = (read for read in plan.facts if read.fact.key == f"{entity}.gguf_file_bytes")
        assert read.users == ["deployment"]
        (told,) = (problem for problem in plan.problems if problem.code == "W-RECIPE")
        assert as_of in told.message
        assert told.fixes == ("weight_file_bytes = …",)
    pruned = evaluate(Scenario(**fields, kept_layers_fraction=0.5))
    assert pruned.memory.weight_bytes < 0.6 * plan.memory.weight_bytes


def test_the_range_of_a_size_that_replaces_a_known_one_is_that_of_the_weights() -> None:
    size = {"value": 20e9, "low": 19e9, "high": 23e9, "source": "test", "as_of": "2026-11-01"}
    asked = {"model": "qwen3-30b-a3b", "precision": "ud-q4_k_xl", "engine": "llama.cpp"}
    facts = {"qwen3-30b-a3b-ud-q4_k_xl.gguf_file_bytes": size}
    weights = evaluate(Scenario(**asked, accelerator="rtx4090", facts=facts, **ONE)).memory
    ends = [getattr(weights.weight_bytes, end) for end in ("low", "base", "high")]
    assert ends == pytest.approx([19e9, 20e9, 23e9], rel=0.001)


@pytest.mark.parametrize(
    ("model", "precision", "gib"),
    [
        pytest.param("nemotron-3-super-120b-a12b", "q4_k_m", 65.1, id="types given by hand"),
        pytest.param("qwen3.5-35b-a3b", "ud-q4_k_xl", 21.27, id="mix of one producer"),
        pytest.param("gemma-3-4b", "q4_0", 2.35, id="table in 16 bits"),
        pytest.param("gpt-oss-20b", "mxfp4", 11.27, id="experts apart"),
    ],
)
def test_a_file_whose_size_is_known_is_taken_as_it_is(
    model: str, precision: str, gib: float
) -> None:
    asked = {"engine": "llama.cpp", "accelerator": "gb10", "precision": precision}
    plan = evaluate(Scenario(model=model, weight_file_bytes=gib * GIB, **asked, **ONE))
    usual = evaluate(Scenario(model=model, **asked, **ONE))
    assert plan.memory.weight_bytes.base == pytest.approx(gib * GIB)
    assert "E-ENGINE" not in [problem.code for problem in plan.problems]
    is_smaller = plan.memory.weight_bytes < usual.memory.weight_bytes
    assert (plan.serving.tpot_s < usual.serving.tpot_s) == is_smaller


def test_a_file_too_small_for_its_weights_is_refused() -> None:
    with pytest.raises(ImpossibleCombination, match="check the model, or the unit") as raised:
        evaluate(Scenario(model="gpt-oss-20b", weight_file_bytes=11.27e6, **ONE))
    assert raised.value.field == "weight_file_bytes"

"""The models of the catalogue: complete entries, and counts that match what is published."""

import datetime as dt
import re
from typing import Any, Final

import pytest

from llminfra.architecture import Architecture
from llminfra.catalog.loader import CONFIDENCES, model_entries, sources
from llminfra.hf_config import architecture_from_config, model_types

ENTRIES: Final = model_entries()
# Ids that scripts and scenario files rely on.
PROMISED: Final = [
    "llama-3.3-70b", "llama-3.1-8b", "qwen3-32b", "qwen3-235b-a22b", "gpt-oss-120b", "deepseek-r1",
    "mixtral-8x7b", "gpt-3-175b", "llama-2-13b", "llama-3.1-405b", "deepseek-v3",
]  # fmt: skip
# Values that one token adds in all layers that attend, windows included, from the tables of
# published models; exact. Models that mix in other layers follow from their own formula.
KV_VALUES: Final = {
    "bloom-176b": 2_007_040, "command-r-35b": 655_360, "deepseek-v2": 34_560,
    "deepseek-v3": 35_136, "deepseek-v3.2": 35_136, "falcon-7b": 4096, "falcon-180b": 81_920,
    "gemma-2-9b": 172_032, "gemma-2-27b": 188_416, "gemma-3-1b": 13_312, "gemma-3-4b": 69_632,
    "gemma-3-12b": 196_608, "glm-4.5": 188_416, "glm-5": 44_928, "glm-5.2": 44_928,
    "gpt-2-124m": 18_432, "gpt-2-xl-1.5b": 153_600, "gpt-3-175b": 2_359_296,
    "gpt-j-6b": 229_376, "gpt-oss-20b": 24_576, "gpt-oss-120b": 36_864,
    "kimi-k2-instruct": 35_136, "llama-2-13b": 409_600, "llama-2-70b": 163_840,
    "llama-3.1-8b": 65_536, "llama-3.1-405b": 258_048, "llama-3.2-1b": 16_384,
    "llama-3.3-70b": 163_840, "llama-4-maverick-17b-128e": 98_304,
    "llama-4-scout-17b-16e": 98_304, "minimax-m2.5": 126_976, "minimax-m3": 61_440,
    "mistral-7b-v0.1": 65_536, "mistral-large-2-123b": 180_224, "mistral-small-24b": 81_920,
    "mixtral-8x7b": 65_536, "mixtral-8x22b": 114_688, "olmo-2-7b": 262_144, "opt-6.7b": 262_144,
    "opt-175b": 2_359_296, "phi-3-medium-14b": 102_400, "phi-3-mini-3.8b": 196_608,
    "qwen2.5-0.5b": 6144, "qwen2.5-72b": 163_840, "qwen3-8b": 73_728, "qwen3-32b": 131_072,
    "qwen3-30b-a3b": 49_152, "qwen3-235b-a22b": 96_256, "qwen3-coder-480b-a35b": 126_976,
}  # fmt: skip


def model(model_id: str) -> Architecture:
    return architecture_from_config(ENTRIES[model_id]["config"], origin=model_id)


def test_at_least_eighty_models_and_the_promised_ids() -> None:
    assert len(ENTRIES) >= 80
    assert set(PROMISED) <= set(ENTRIES)


@pytest.mark.parametrize("model_id", ENTRIES)
def test_entry_is_complete(model_id: str) -> None:
    entry: dict[str, Any] = ENTRIES[model_id]
    required = {"name", "license", "release_date", "source", "as_of", "confidence", "config"}
    optional = {"hf_id", "note", "parameters_published", "active_parameters_published"}
    optional |= {"checkpoints"}
    assert required <= set(entry) <= required | optional
    assert re.fullmatch(r"[a-z0-9.]+(-[a-z0-9.]+)*", model_id)
    assert entry["source"] in sources()
    assert entry["confidence"] in CONFIDENCES
    assert entry["config"]["model_type"] in model_types()
    for key in ("release_date", "as_of"):
        dt.date.fromisoformat((entry[key] + "-01-01")[:10])


def test_ids_follow_the_names() -> None:
    for model_id, entry in ENTRIES.items():
        assert re.sub(r"[^a-z0-9.]+", "-", entry["name"].lower()) == model_id


@pytest.mark.parametrize("model_id", ENTRIES)
def test_parameters_match_the_published_count(model_id: str) -> None:
    entry, counted = ENTRIES[model_id], model(model_id)
    assert counted.parameters == pytest.approx(entry["parameters_published"], rel=1e-3)
    if "active_parameters_published" in entry:
        published = entry["active_parameters_published"]
        assert counted.active_parameters == pytest.approx(published, rel=1e-3)


@pytest.mark.parametrize(("model_id", "values"), KV_VALUES.items())
def test_cache_values_match_the_published_shape(model_id: str, values: int) -> None:
    assert model(model_id).kv_values_per_token(windowed=True) == pytest.approx(values, rel=5e-3)


@pytest.mark.parametrize("model_id", ENTRIES)
def test_model_can_be_split_and_cached(model_id: str) -> None:
    counted = model(model_id)
    assert counted.tensor_parallel_values()[0] == 1
    assert counted.cache_bytes(1000, bytes_per_value=2) > 0
    assert counted.max_context_tokens is None or counted.max_context_tokens >= 1024
    assert sum(group.count for group in counted.weight_groups()) == counted.parameters

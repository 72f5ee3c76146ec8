"""What engines reserve beyond the values kept: pages of states, buffers of the compressor."""

import math
from dataclasses import replace
from typing import Any, Final

import pytest

from llminfra import Scenario, evaluate
from llminfra.architecture import Architecture, WindowRule
from llminfra.architecture.groups import filled_groups, group_numbers
from llminfra.catalog.facts import Facts
from llminfra.catalog.loader import model_entries
from llminfra.hf_config import architecture_from_config
from llminfra.units import GIB


def model(model_id: str) -> Architecture:
    return architecture_from_config(model_entries()[model_id]["config"], origin=model_id)


# Layers of a Qwen3.5 of 24 layers: 18 delta nets of 16 heads, 6 layers of attention.
QWEN_24: Final = {
    "model_type": "qwen3_5_text",
    "hidden_size": 2048,
    "intermediate_size": 6144,
    "num_hidden_layers": 24,
    "num_attention_heads": 8,
    "num_key_value_heads": 2,
    "head_dim": 256,
    "vocab_size": 248_320,
    "linear_num_key_heads": 16,
    "linear_num_value_heads": 16,
    "linear_key_head_dim": 128,
    "linear_value_head_dim": 128,
    "linear_conv_kernel_dim": 4,
    "mamba_ssm_dtype": "float32",
}
# Ratio of the most frequent kind of layer to the rarest, below which none is split, by release.
ENGINES: Final = {
    "vllm-0.6.4": 0,
    "vllm-0.8": 1.25,
    "vllm-0.19": 1.5,
    "vllm-0.21": 1.5,
    "sglang-0.4": 0,
}
STEP: Final[dict[str, Any]] = {"block_tokens": 16, "max_num_batched_tokens": 8192}


def test_states_take_a_page_energy_memory_model_6_5_log_1_97() -> None:
    """955 pages of 544 tokens in six layers; a sequence takes 482 of attention, 3 of states."""
    stage = architecture_from_config(QWEN_24, origin="test").whole
    reserved = stage.reserved_cache_bytes(tokens=262_144, bytes_per_value=2, state_pages=1, **STEP)
    assert reserved == 485 * 544 * 2048 * 6
    pages = 5.95 * GIB // (544 * 2048 * 6)
    assert round(pages / 485, 2) == 1.97
    unpadded = stage.reserved_cache_bytes(tokens=262_144, bytes_per_value=2, **STEP)
    assert round(5.95 * GIB / unpadded, 2) == 1.97
    attention = 262_144 * 2048 * 6
    assert round(5.95 * GIB / attention, 2) == 1.98


def test_states_take_two_pages_with_prefix_caching_energy_memory_model_6_5_log_13_98() -> None:
    """14.77 without states; 1846 pages over 126 of attention and 6 of states are 13.985."""
    stage = model("qwen3.5-35b-a3b").whole
    reserved = stage.reserved_cache_bytes(tokens=262_144, bytes_per_value=1, state_pages=2, **STEP)
    assert reserved == (126 + 6) * 2096 * 1024 * 10
    assert round(36.92 * GIB / (262_144 * 1024 * 10), 2) == 14.77
    assert 36.92 * GIB / reserved == pytest.approx(13.98, rel=1e-3)
    padding = reserved - 262_144 * 1024 * 10
    assert padding == pytest.approx(151e6, rel=0.02)


def test_states_outside_of_pages_are_as_the_configuration_gives_them() -> None:
    stage = model("qwen3.5-35b-a3b").whole
    kept = stage.cache_bytes(4096, bytes_per_value=2)
    assert stage.reserved_cache_bytes(tokens=4096, bytes_per_value=2, **STEP) == kept


def test_a_state_without_attention_is_not_padded() -> None:
    stage = model("falcon-mamba-7b").whole
    reserved = stage.reserved_cache_bytes(tokens=100, bytes_per_value=2, state_pages=1, **STEP)
    assert reserved == stage.cache_bytes(100, bytes_per_value=2)


def test_padding_only_adds_and_follows_the_split() -> None:
    stage = model("qwen3.5-27b").whole
    for n in (1, 2, 4):
        padding = stage.state_padding_bytes(
            block_tokens=16, bytes_per_value=[1, 2], state_pages=1, tensor_parallel=n
        )
        assert (padding >= 0).all()


def test_deepseek_v4_pro_keeps_9_62_gib_for_a_million_tokens_as_vllm_publishes() -> None:
    """The engine's makers count entries and index keys in 16 bits, and no buffers."""
    groups = model("deepseek-v4-pro").cache_groups()
    grown = sum(
        replace(g, bytes_per_value=None).bytes_on_rank(2**20, bytes_per_value=2)
        for g in groups
        if g.kind in ("latent", "index")
    )
    assert round(grown / GIB, 2) == 9.62


def test_buffers_of_the_compressor_reserve_the_tokens_of_one_step() -> None:
    flash = model("deepseek-v4-flash")
    buffers = {g.values_per_token: g.window for g in flash.cache_groups() if g.kind == "buffer"}
    assert buffers == {2048: 8, 512: 8, 1024: 128}
    reserved = flash.whole.reserved_cache_bytes(tokens=262_144, bytes_per_value=1, **STEP)
    assert 43.02 * GIB / reserved == pytest.approx(11.13, rel=0.07)
    assert reserved > 3 * flash.cache_bytes(262_144, bytes_per_value=1)


def test_the_plan_follows_the_padding_of_its_engine() -> None:
    asked = {"model": "qwen3.5-35b-a3b", "accelerator": "h200-sxm", "kv_precision": "fp8"}
    paged = evaluate(Scenario(**asked)).memory
    apart = evaluate(Scenario(engine="sglang", **asked)).memory
    # 700 tokens: one page of attention, two of states in three times as many layers.
    assert paged.kv_request_bytes_per_accelerator.base == (1 + 3 * 2) * 2096 * 1024 * 10
    assert paged.kv_request_bytes_per_accelerator.base > apart.kv_request_bytes_per_accelerator.base
    assert paged.max_sequences.base < apart.max_sequences.base
    assert paged.kv_pool_tokens.base < apart.kv_pool_tokens.base
    assert not paged.kv_request_bytes_per_accelerator.is_exact


def test_layers_of_several_kinds_fill_groups_of_one_size() -> None:
    """A public log of Gemma 3 27B on MI300X, vLLM 0.11: 205,696 tokens in 109.86 GiB."""
    gemma = model("gemma-3-27b").whole
    asked: dict[str, Any] = {"tokens": 4096, "bytes_per_value": 2, **STEP}
    plain = gemma.reserved_cache_bytes(**asked)
    filled = replace(gemma, windows=WindowRule(even_ratio=1.5)).reserved_cache_bytes(**asked)
    assert filled / plain == pytest.approx((62 + 8) / 62, rel=1e-3)
    assert 109.86 * GIB / filled == pytest.approx(50.05, rel=0.01)


def test_a_drafting_layer_makes_groups_larger() -> None:
    """vllm-project/vllm#49011, Qwen3.5 27B: "Add 3 padding layers, may waste at most 6.25%"."""
    qwen = model("qwen3.5-27b")
    drafting = qwen.whole.with_layers(qwen.draft.layers)
    layers = {group.kind: group.n_layers for group in drafting.cache_groups}
    assert layers == {"full": 17, "state": 48}
    groups = {group.kind: n for group, n in group_numbers(drafting.cache_groups).items()}
    assert groups == {"full": 1, "state": 3}  # of 17 layers


@pytest.mark.parametrize(
    ("model_id", "pipeline_parallel", "layers"),
    [
        ("gpt-oss-120b", 4, 10),
        ("gemma-3-4b", 2, 21),
        ("gemma-3-27b", 4, 21),
        ("gemma-4-26b-a4b", 2, 18),
        ("gemma-4-26b-a4b", 4, 12),
        ("mimo-v2-flash", 2, 30),
        ("qwen3.5-397b-a17b", 2, 32),
        ("nemotron-h-56b-base", 4, 21),
    ],
)
def test_groups_reach_over_all_stages_of_a_pipeline(
    model_id: str, pipeline_parallel: int, layers: int
) -> None:
    """vLLM deals the layers of the whole model, and each worker keeps its part of every group."""
    whole = model(model_id)
    numbers = group_numbers(whole.cache_groups())
    first = whole.stages(pipeline_parallel)[0]
    assert sum(group.n_layers for group in filled_groups(first.cache_groups, numbers)) == layers


def test_a_stage_of_a_plan_has_its_part_of_the_groups_of_the_model() -> None:
    """18 layers of each kind in four stages of nine: two groups, of which five layers at most."""
    asked = {"model": "gpt-oss-120b", "accelerator": "h100-sxm", "pipeline_parallel": 4}
    layout = evaluate(Scenario(**asked, engine_version="0.21")).memory
    kept = layout.kv_longest_bytes_per_accelerator.base
    window_blocks = math.ceil((127 + 8192) / 16) + 1
    assert kept == 5 * (131_072 / 16 + window_blocks) * 16 * 2 * 8 * 64 * 2


def test_releases_before_march_2026_split_kinds_of_unlike_frequency_sooner() -> None:
    """vllm-project/vllm#36684 raised the ratio; groups of several kinds came in 2025."""
    known = {entry: Facts().number(entry, "group_even_ratio").base for entry in ENGINES}
    assert known == ENGINES


def test_added_states_are_reserved_whole_and_not_part_of_a_token() -> None:
    """With a drafting layer three states are added to 48, each of as many pages as the others."""
    qwen = model("qwen3.5-27b")
    plain = qwen.whole.with_layers(qwen.draft.layers)
    filled = replace(plain, windows=WindowRule(even_ratio=1.5))
    page: dict[str, Any] = {"block_tokens": 16, "bytes_per_value": 2, "state_pages": 1}
    assert filled.state_padding_bytes(**page) == plain.state_padding_bytes(**page)
    own, more = (
        stage.reserved_cache_bytes(tokens=16, max_num_batched_tokens=8192, **page)
        for stage in (plain, filled)
    )
    assert more / own == pytest.approx((17 + 51) / (17 + 48))


def test_only_vllm_fills_groups_and_only_where_it_saves_windows() -> None:
    asked = {"model": "gemma-3-27b", "accelerator": "mi300x", "max_model_len": 4096}
    filled, whole, apart = (
        evaluate(Scenario(**asked, **more)).memory.kv_longest_bytes_per_accelerator.base
        for more in ({}, {"hybrid_cache": False}, {"engine": "tensorrt-llm"})
    )
    assert filled == pytest.approx(whole * 70 / 62, rel=1e-3)
    assert whole > apart

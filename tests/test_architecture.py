"""Counting weights and cache: published numbers, engine logs, and what must hold for any model."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llminfra.architecture import (
    Architecture,
    CacheGroup,
    Dense,
    Gqa,
    Layer,
    Mla,
    Moe,
    Recurrent,
    WeightGroup,
)
from llminfra.catalog.loader import model_entries
from llminfra.errors import InvalidInput
from llminfra.hf_config import architecture_from_config
from llminfra.units import GB, GIB


def model(model_id: str) -> Architecture:
    return architecture_from_config(model_entries()[model_id]["config"], origin=model_id)


# --- published numbers


def test_llama_3_3_70b_to_the_digit() -> None:
    llama = model("llama-3.3-70b")
    assert llama.parameters == 70_553_706_496
    assert llama.kv_values_per_token() * 2 == 327_680
    assert llama.n_attention_heads == 64
    assert llama.n_layers == 80
    assert llama.max_context_tokens == 131_072
    assert llama.tensor_parallel_values(16) == (1, 2, 4, 8, 16)


def test_llama_2_13b_cache_at_8192_tokens() -> None:
    assert model("llama-2-13b").cache_bytes(8192, bytes_per_value=2) == 6_710_886_400


def test_deepseek_v3_cache_of_64_sequences_in_fp8() -> None:
    cache_bytes = 64 * model("deepseek-v3").cache_bytes(4096, bytes_per_value=1)
    assert cache_bytes / GB == pytest.approx(9.2, abs=0.05)


@pytest.mark.parametrize(
    ("model_id", "weight_gb"), [("llama-3.1-405b", 811.7), ("gpt-3-175b", 349.2)]
)
def test_weights_in_16_bit(model_id: str, weight_gb: float) -> None:
    assert model(model_id).parameters * 2 / GB == pytest.approx(weight_gb, abs=0.05)


def test_gpt_3_has_174_6e9_parameters() -> None:
    assert model("gpt-3-175b").parameters == pytest.approx(174.6e9, rel=1e-4)


def test_70b_in_fp8_with_16_bit_embeddings_and_head() -> None:
    groups = model("llama-3.3-70b").weight_groups()
    weight_bytes = sum(g.count * (1 if g.quantizable else 2) for g in groups)
    assert weight_bytes / GB == pytest.approx(72.7, abs=0.05)


def test_mixture_of_experts_uses_a_part_of_itself() -> None:
    gpt_oss = model("gpt-oss-120b")
    assert gpt_oss.parameters == 116_829_156_672
    assert gpt_oss.active_parameters == 5_711_982_912


# --- engine logs: bytes per token on one accelerator, and weights on one accelerator in GiB


@pytest.mark.parametrize(
    ("model_id", "tensor_parallel", "logged"),
    [
        pytest.param("qwen3-14b", 1, 163_870, id="LMCache issue 1739"),
        pytest.param("llama-3-8b", 4, 32_795, id="vLLM-Ascend log 2026-10"),
        pytest.param("qwen3-coder-30b-a3b", 4, 24_578, id="vLLM log on L40S"),
        pytest.param("qwen3-235b-a22b", 4, 48_006, id="vLLM log on 8 L40S"),
        pytest.param("qwen3-235b-a22b", 4, 48_105, id="vLLM issue 21348, SGLang"),
        pytest.param("qwen2.5-7b", 1, 57_376, id="vLLM log on WSL2"),
        pytest.param("phi-4", 1, 204_792, id="vLLM log, bitsandbytes"),
        pytest.param("qwen2.5-3b", 1, 36_852, id="vLLM log on RTX 5070 Ti"),
        pytest.param("qwen2.5-0.5b", 1, 12_289, id="vLLM log, Unsloth"),
        pytest.param("qwen2.5-32b", 4, 65_423, id="SGLang log, 4 cards"),
    ],
)
def test_cache_per_token_matches_start_up_logs(
    model_id: str, tensor_parallel: int, logged: int
) -> None:
    values = model(model_id).kv_values_per_token(tensor_parallel=tensor_parallel)
    assert values * 2 == pytest.approx(logged, rel=0.005)


@pytest.mark.parametrize(
    ("model_id", "tensor_parallel", "logged_gib"),
    [
        ("llama-3.1-8b", 1, 14.99),
        ("qwen3-0.6b", 1, 1.12),
        ("qwen3-32b", 1, 61.03),
        ("qwen3-32b", 2, 30.59),
        ("qwen3-14b", 1, 27.52),
        ("qwen3-30b-a3b", 4, 14.25),
        ("llama-3-8b", 4, 3.7454),
    ],
)
def test_16_bit_weights_match_start_up_logs(
    model_id: str, tensor_parallel: int, logged_gib: float
) -> None:
    count = model(model_id).parameters_on_rank(tensor_parallel=tensor_parallel)
    assert count * 2 / GIB == pytest.approx(logged_gib, rel=0.01)


def test_windowed_layers_of_gemma_4_reserve_less_than_the_printed_token_count_says() -> None:
    # A log on Jetson Thor: 51.62 GiB of FP8 cache hold 33.42 sequences of 131,072 tokens, when
    # windowed layers reserve their window and one step of 2,048 tokens in pages of 16.
    full, window = sorted(model("gemma-4-26b-a4b").cache_groups(), key=lambda group: group.kind)
    assert window.window == 1024
    step = -(-(window.window - 1 + 2048) // 16) * 16 + 16
    reserved = full.n_layers * full.values_per_token * 131_072
    reserved += window.n_layers * window.values_per_token * step
    assert 51.62 * GIB / reserved == pytest.approx(33.42, rel=0.005)


# --- splitting


def test_kv_projection_is_replicated_beyond_the_kv_heads() -> None:
    qwen = model("qwen3-235b-a22b")
    shares = [qwen.kv_values_per_token(tensor_parallel=n) for n in (1, 2, 4, 8, 16)]
    assert shares == [96_256, 48_128, 24_064, 24_064, 24_064]


def test_latent_cache_is_on_every_rank() -> None:
    deepseek = model("deepseek-v3")
    one, eight = (deepseek.cache_bytes(1000, bytes_per_value=1, tensor_parallel=n) for n in (1, 8))
    assert one == eight == 61 * 576 * 1000


def test_experts_are_dealt_whole_under_expert_parallel() -> None:
    experts = WeightGroup("experts", 10 * 600, "expert", units=10, active_units=2)
    assert experts.count_on_rank(tensor_parallel=4) == 1500
    assert experts.count_on_rank(expert_parallel=4) == 3 * 600
    assert experts.count_on_rank(tensor_parallel=4, expert_parallel=4) == 3 * 600
    assert experts.count_on_rank(tensor_parallel=8, expert_parallel=2) == 5 * 600 / 4
    assert experts.count_on_rank(data_parallel=4) == 1500
    assert experts.count_on_rank(tensor_parallel=2, data_parallel=4, expert_parallel=4) == 3 * 300
    assert experts.count_on_rank(data_parallel=4, expert_parallel=4) == 3 * 600
    assert experts.active_count == 1200


def test_pipeline_stages_hold_embedding_and_head_at_the_ends() -> None:
    stages = model("llama-3.1-405b").stages(4)
    assert [sum(layer.count for layer in stage.layers) for stage in stages] == [31, 32, 32, 31]
    names = [{group.name for group in stage.weight_groups} for stage in stages]
    assert "embedding" in names[0]
    assert "head" in names[-1]
    assert not names[1] & {"embedding", "head"}


def test_a_tied_head_is_copied_to_the_last_stage() -> None:
    gemma = model("gemma-3-12b")
    copied = sum(stage.parameters_on_rank() for stage in gemma.stages(2)) - gemma.parameters
    assert copied == gemma.vocab_size * gemma.hidden_size


@pytest.mark.parametrize("pipeline_parallel", [0, -1, 81])
def test_more_stages_than_layers_is_refused(pipeline_parallel: int) -> None:
    with pytest.raises(
        InvalidInput, match="pipeline_parallel must be from 1 to the 80 layers, got"
    ):
        model("llama-3.3-70b").stages(pipeline_parallel)


def test_tensor_parallel_divides_the_heads_of_every_layer() -> None:
    assert model("falcon-7b").tensor_parallel_values() == (1, 71)
    assert model("phi-4").tensor_parallel_values() == (1, 2, 5, 10, 20, 40)
    assert model("falcon-mamba-7b").n_attention_heads == 8192
    assert model("qwen3.5-27b").n_attention_heads == 24
    assert model("qwen3.5-27b").tensor_parallel_values() == (1, 2, 4, 8, 12, 24)


# --- cache over length


def test_windows_are_capped_and_states_constant() -> None:
    tokens = np.array([100, 128, 1_000_000])
    window = CacheGroup("window", n_layers=3, values_per_token=10, window=128)
    assert window.bytes_on_rank(tokens, bytes_per_value=2).tolist() == [6000, 7680, 7680]
    state = CacheGroup("state", n_layers=3, state_bytes=7)
    assert state.bytes_on_rank(tokens, bytes_per_value=2).tolist() == [21, 21, 21]


def test_compressed_entries_and_fixed_formats() -> None:
    entry = CacheGroup("latent", values_per_token=512, tokens_per_entry=128)
    assert entry.bytes_on_rank(129, bytes_per_value=1) == 1024
    index = CacheGroup("index", values_per_token=128, bytes_per_value=132 / 128)
    assert index.bytes_on_rank(1000, bytes_per_value=2) == 132_000


def test_a_hybrid_grows_only_in_its_attention_layers() -> None:
    qwen = model("qwen3.5-27b")
    at_zero = qwen.cache_bytes(0, bytes_per_value=2)
    grown = qwen.cache_bytes([1, 1000], bytes_per_value=2) - at_zero
    assert at_zero > 0
    assert grown.tolist() == [65_536, 65_536_000]


def test_cache_of_pure_state_space_models_does_not_grow() -> None:
    mamba = model("falcon-mamba-7b")
    assert mamba.kv_values_per_token() == 0
    assert mamba.cache_bytes(1, bytes_per_value=2) == mamba.cache_bytes(10**6, bytes_per_value=1)


def test_nan_tokens_give_nan() -> None:
    assert np.isnan(model("llama-3.1-8b").cache_bytes(np.nan, bytes_per_value=2))


# --- what must hold for any model


@st.composite
def mixers(draw: st.DrawFn) -> Any:
    n_kv_heads = draw(st.sampled_from([1, 2, 4, 8]))
    n_heads = n_kv_heads * draw(st.sampled_from([1, 2, 3]))
    window = draw(st.none() | st.integers(1, 500))
    flags = st.booleans()
    grouped = Gqa(
        n_heads=n_heads, n_kv_heads=n_kv_heads, head_dim=16, window=window,
        chunked=draw(flags), qkv_bias=draw(flags), out_bias=draw(flags), shares_kv=draw(flags),
        value_is_key=draw(flags), gate_width=draw(st.integers(0, 9)), norm_count=32,
    )  # fmt: skip
    latent = Mla(
        n_heads=n_heads, kv_lora_rank=32, rope_dim=8, nope_dim=16, value_dim=12,
        q_lora_rank=draw(st.none() | st.just(24)), bias=draw(flags),
        index_heads=draw(st.sampled_from([0, 4])), index_dim=8,
    )  # fmt: skip
    recurrent = Recurrent(n_heads=n_heads, projections=1000, others=10, state_bytes=500)
    return draw(st.sampled_from([grouped, latent, recurrent, None]))


@st.composite
def mlps(draw: st.DrawFn) -> Any:
    gated = draw(st.booleans())
    n_experts = draw(st.integers(1, 12))
    dense = Dense(intermediate_size=draw(st.integers(1, 99)), gated=gated, bias=draw(st.booleans()))
    experts = Moe(
        n_experts=n_experts, top_k=draw(st.integers(1, n_experts)), intermediate_size=20,
        shared_size=draw(st.integers(0, 30)), expert_bias=draw(st.booleans()), gated=gated,
        latent_size=draw(st.none() | st.just(16)),
    )  # fmt: skip
    return draw(st.sampled_from([dense, experts, None]))


@st.composite
def architectures(draw: st.DrawFn) -> Architecture:
    layer = st.builds(
        Layer, mixer=mixers(), mlp=mlps(), count=st.integers(1, 5), norm_count=st.integers(0, 64)
    )
    layers = tuple(draw(st.lists(layer, min_size=1, max_size=5)))
    return Architecture("any", 64, 500, layers, tied_embeddings=draw(st.booleans()))


RANKS = st.sampled_from([1, 2, 3, 4, 8, 16])


@given(architectures())
def test_groups_add_up_to_the_model(any_model: Architecture) -> None:
    assert sum(group.count for group in any_model.weight_groups()) == any_model.parameters
    assert 0 < any_model.active_parameters <= any_model.parameters
    by_layer = sum(
        layer.count * sum(group.count for group in layer.weights(64)) for layer in any_model.layers
    )
    tables = 500 * 64 * (1 if any_model.tied_embeddings else 2)
    assert any_model.parameters == by_layer + tables


@given(architectures(), RANKS, RANKS, RANKS)
def test_ranks_together_hold_at_least_the_model(
    any_model: Architecture, tensor_parallel: int, expert_parallel: int, data_parallel: int
) -> None:
    split = {"tensor_parallel": tensor_parallel, "expert_parallel": expert_parallel}
    split["data_parallel"] = data_parallel
    for group in any_model.weight_groups():
        sharers = max(tensor_parallel * data_parallel, expert_parallel)
        ranks = sharers if group.sharding == "expert" else tensor_parallel
        held = group.count_on_rank(**split)
        assert held <= group.count
        assert held * ranks >= group.count


@given(architectures(), RANKS)
def test_stages_together_hold_the_model(any_model: Architecture, wanted: int) -> None:
    stages = any_model.stages(min(wanted, any_model.n_layers))
    copied = 500 * 64 * (any_model.tied_embeddings and len(stages) > 1)
    assert sum(stage.parameters_on_rank() for stage in stages) == any_model.parameters + copied
    cache_bytes = sum(stage.cache_bytes(100, bytes_per_value=2) for stage in stages)
    assert cache_bytes == any_model.cache_bytes(100, bytes_per_value=2)


@given(architectures(), st.lists(st.integers(0, 10**6), min_size=2), RANKS)
def test_cache_grows_with_length_and_shrinks_with_ranks(
    any_model: Architecture, lengths: list[int], tensor_parallel: int
) -> None:
    tokens = np.sort(lengths)
    whole = any_model.cache_bytes(tokens, bytes_per_value=2)
    share = any_model.cache_bytes(tokens, bytes_per_value=2, tensor_parallel=tensor_parallel)
    assert (np.diff(whole) >= 0).all()
    assert (share <= whole).all()
    assert (share * tensor_parallel >= whole - 1e-6).all()
    assert whole.tolist() == [any_model.cache_bytes(n, bytes_per_value=2) for n in tokens.tolist()]


@given(architectures(), st.integers(1000, 10**6))
def test_beyond_every_window_a_token_costs_what_is_said(
    any_model: Architecture, tokens: int
) -> None:
    one_more = np.diff(any_model.cache_bytes([tokens, tokens + 1], bytes_per_value=2))[0]
    indexed = sum(
        g.n_layers * g.values_per_token * (g.bytes_per_value or 2)
        for g in any_model.cache_groups()
        if g.kind == "index"
    )
    assert one_more == pytest.approx(any_model.kv_values_per_token() * 2 + indexed)


@given(architectures())
def test_an_architecture_is_a_value(any_model: Architecture) -> None:
    assert any_model == replace(any_model)
    assert hash(any_model) == hash(replace(any_model))

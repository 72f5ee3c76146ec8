"""What real people logged and measured, found in public threads: values with their source."""

import json
from pathlib import Path
from typing import Any

import pytest

from llminfra import Scenario, evaluate
from llminfra.errors import InvalidInput
from llminfra.hf_config import architecture_from_config
from llminfra.plan import Plan
from llminfra.units import GIB, MIB

ONE: dict[str, Any] = {"prompt_tokens": 512, "output_tokens": 128, "in_flight": 1}
LOADED: dict[str, Any] = ONE | {"engine_version": "0.25.1", "max_model_len": 262_144}
OLMOCR = {
    "model_type": "qwen2_vl", "hidden_size": 3584, "intermediate_size": 18944, "vocab_size": 152064,
    "max_position_embeddings": 32768, "num_attention_heads": 28, "num_hidden_layers": 28,
    "num_key_value_heads": 4, "tie_word_embeddings": False, "use_sliding_window": False,
    "vision_config": {
        "depth": 32, "embed_dim": 1280, "mlp_ratio": 4, "num_heads": 16, "hidden_size": 3584,
        "patch_size": 14, "spatial_merge_size": 2, "temporal_patch_size": 2,
    },
}  # fmt: skip
PANGU = {
    "model_type": "PanguEmbedded", "bias": True, "hidden_size": 4096, "intermediate_size": 12800,
    "max_position_embeddings": 32768, "num_attention_heads": 32, "num_hidden_layers": 34,
    "num_key_value_heads": 8, "tie_word_embeddings": False, "vocab_size": 153376,
}  # fmt: skip
OCR = {
    "model_type": "deepseek_vl_v2", "language_config": {
        "first_k_dense_replace": 1, "hidden_size": 1280, "intermediate_size": 6848,
        "kv_lora_rank": None, "use_mla": False, "max_position_embeddings": 8192,
        "moe_intermediate_size": 896, "n_routed_experts": 64, "n_shared_experts": 2,
        "num_attention_heads": 10, "num_experts_per_tok": 6, "num_hidden_layers": 12,
        "num_key_value_heads": 10, "vocab_size": 129280,
    },
    "vision_config": {"model_name": "deepencoderv2", "model_type": "vision"},
}  # fmt: skip
MISTRAL4 = {
    "model_type": "mistral4", "vocab_size": 131072, "hidden_size": 4096,
    "intermediate_size": 12288, "moe_intermediate_size": 2048, "num_hidden_layers": 36,
    "num_attention_heads": 32, "num_key_value_heads": 32, "n_shared_experts": 1,
    "n_routed_experts": 128, "kv_lora_rank": 256, "q_lora_rank": 1024, "qk_rope_head_dim": 64,
    "v_head_dim": 128, "qk_nope_head_dim": 64, "num_experts_per_tok": 4,
    "first_k_dense_replace": 0, "max_position_embeddings": 1048576,
}  # fmt: skip
QWEN3_32B = {
    "model_type": "qwen3", "head_dim": 128, "hidden_size": 5120, "intermediate_size": 25600,
    "max_position_embeddings": 40960, "num_attention_heads": 64, "num_hidden_layers": 64,
    "num_key_value_heads": 8, "vocab_size": 151936,
}  # fmt: skip


def plan(**fields: Any) -> Plan:
    return evaluate(Scenario(**(ONE | fields)))


def written(folder: Path, config: dict[str, Any]) -> str:
    (folder / "config.json").write_text(json.dumps(config))
    return str(folder)


@pytest.mark.parametrize(
    ("config", "values"),
    [
        pytest.param(OLMOCR, 8_291_375_616, id="BrianYAU-NTEC/olmOCR index"),
        pytest.param(PANGU, 8_030_887_936, id="openpangu-lightweight-methods index"),
        pytest.param(OCR, 3_389_624_704, id="DeepSeek-OCR-2 index"),
        pytest.param(MISTRAL4, 118_972_826_624, id="Mistral Small 4, class on the meta device"),
    ],
)
def test_parameters_with_towers_are_those_of_the_index(config: dict[str, Any], values: int) -> None:
    model = architecture_from_config(config, origin="config.json")
    towers = sum(tower.parameters or 0 for tower in model.towers)
    assert model.parameters + towers == pytest.approx(values, rel=2e-4)


def test_text_only_leaves_the_tower_out(tmp_path: Path) -> None:
    model = written(tmp_path, OLMOCR)
    both, text = (plan(model=model, text_only=alone).memory for alone in (False, True))
    assert both.weight_bytes.base == pytest.approx(16_582_751_232, rel=1e-3)
    assert text.weight_bytes.base == pytest.approx(2 * 7_615_616_512, rel=1e-6)
    assert both.tower_bytes_per_accelerator.base > 1.3e9
    assert text.kv_pool_bytes_per_accelerator > both.kv_pool_bytes_per_accelerator


def test_a_producer_that_names_no_method_is_read(tmp_path: Path) -> None:
    """ai-dynamo/aiconfigurator, Qwen3-32B FP8: an algorithm and the cache, no quant_method."""
    section = {"quant_algo": "FP8", "kv_cache_scheme": "FP8", "ignore": ["lm_head"],
               "producer": {"name": "modelopt"}}  # fmt: skip
    asked = plan(model=written(tmp_path, QWEN3_32B | {"quantization_config": section}))
    assert asked.scenario.precision == "fp8"
    assert asked.memory.kv_bytes_per_value == 1
    assert "W-QUANT" not in [problem.code for problem in asked.problems]


def test_a_file_beside_the_configuration_is_read(tmp_path: Path) -> None:
    """Nemotron 3 Super NVFP4 says so in hf_quant_config.json alone."""
    quantized = {"quantization": {"quant_algo": "NVFP4", "kv_cache_quant_algo": "FP8"}}
    (tmp_path / "hf_quant_config.json").write_text(json.dumps(quantized))
    asked = plan(model=written(tmp_path, QWEN3_32B))
    assert asked.scenario.precision == "nvfp4"
    assert asked.memory.kv_bytes_per_value == 1


def test_layers_of_mixed_precision_are_counted_one_by_one(tmp_path: Path) -> None:
    """As nvidia/Qwen3.6-27B-NVFP4: MLP in 4.5 bits, attention in 8, the table in 16."""
    layers = {
        f"model.layers.{i}.{name}": {"quant_algo": algorithm}
        for i in range(64)
        for algorithm, names in {
            "W4A16_NVFP4": ("mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"),
            "FP8": tuple(f"self_attn.{x}_proj" for x in "qkvo"),
        }.items()
        for name in names
    }
    section = {"quant_method": "modelopt", "quant_algo": "MIXED_PRECISION",
               "quantized_layers": layers | {"lm_head": {"quant_algo": "W4A16_NVFP4"}}}  # fmt: skip
    model = written(tmp_path, QWEN3_32B | {"quantization_config": section})
    stored = plan(model=model).deployment.architecture.stored_weights
    assert stored is not None
    bits = dict(stored.bits)
    names = ("dense_mlp", "attention", "kv_projection", "head", "embedding")
    assert [bits[name] for name in names] == [4.5, 8, 8, 4.5, 16]
    assert "mixed" in stored.words


@pytest.mark.parametrize(
    ("fields", "pool_gib", "concurrency"),
    [
        pytest.param(
            {"model": "qwen3.5-35b-a3b", "precision": "int4", "accelerator": "rtx5090",
             "max_num_seqs": 1, "gpu_memory_utilization": 0.92},
            17.02, 12.90, id="noonghunna/club-3090#851",
        ),
        pytest.param(
            {"model": "qwen3.5-35b-a3b", "precision": "nvfp4", "accelerator": "rtx5090",
             "max_num_seqs": 1, "gpu_memory_utilization": 0.92},
            16.58, 12.56, id="noonghunna/club-3090#858",
        ),
        pytest.param(
            {"model": "qwen3.5-27b", "precision": "nvfp4", "accelerator": "rtx5090",
             "max_num_seqs": 2, "gpu_memory_utilization": 0.85, "draft_tokens": 3},
            14.68, 3.21, id="noonghunna/club-3090#849",
        ),
    ],
)  # fmt: skip
def test_pools_of_consumer_cards_are_within_10_percent(
    fields: dict[str, Any], pool_gib: float, concurrency: float
) -> None:
    layout = {"kv_precision": "fp8", "tensor_parallel": 2, "max_num_batched_tokens": 8192}
    memory = plan(**LOADED | layout | fields).memory
    assert memory.kv_pool_bytes_per_accelerator.base / GIB == pytest.approx(pool_gib, rel=0.1)
    assert memory.max_concurrency.base == pytest.approx(concurrency, rel=0.1)


def test_the_step_budget_alone_moves_the_pool_by_what_is_logged() -> None:
    """Qwen2.5 0.5B, eager: 512 tokens a step leave 0.12 GiB more than 4,096."""
    fields = {"model": "qwen2.5-0.5b", "max_num_seqs": 4, "eager": True, "max_model_len": 4096}
    small, large = (
        plan(**fields, max_num_batched_tokens=n).memory.kv_pool_bytes_per_accelerator.base
        for n in (512, 4096)
    )
    assert (small - large) / GIB == pytest.approx(0.12, abs=0.01)


def test_sparse_latents_in_8_bits_are_656_bytes() -> None:
    """local-inference-lab/rtx6kpro, GLM-5.1: 78 layers of 656 bytes and an index of 132."""
    fields = {"model": "glm-5", "kv_precision": "fp8", "accelerator": "rtx-pro-6000-server",
              "precision": "nvfp4", "tensor_parallel": 8, "max_model_len": 202_752}  # fmt: skip
    memory = plan(**fields).memory
    assert memory.logged_bytes_per_token.base == pytest.approx(78 * (656 + 132), rel=0.01)
    halved = plan(**fields, decode_context_parallel=2).memory
    assert halved.logged_pool_tokens.base == pytest.approx(2 * memory.logged_pool_tokens, rel=0.01)


@pytest.mark.parametrize(("length", "mib"), [(131_072, 10_864), (8192, 1264)])
def test_llama_cpp_keeps_a_window_and_a_micro_batch(length: int, mib: int) -> None:
    """unslothai/unsloth#7530 and #4757."""
    fields = {"model": "gemma-3-27b", "precision": "q4_k_m", "accelerator": "rtx4090"}
    memory = plan(**fields, engine="llama.cpp", max_model_len=length).memory
    assert memory.kv_longest_bytes_per_accelerator.base / MIB == pytest.approx(mib, rel=0.001)


def test_older_files_keep_whole_latents() -> None:
    """ollama/ollama#5136: 8,640 MiB of cache at 32,768 tokens, 18.9 GiB in all."""
    fields = {"model": "deepseek-v2-lite", "precision": "q4_k_m", "accelerator": "rtx3090",
              "engine": "llama.cpp", "max_model_len": 32_768}  # fmt: skip
    old, new = (plan(**fields, latent_cache=kept).memory for kept in ("auto", "compressed"))
    assert old.kv_longest_bytes_per_accelerator.base / MIB == pytest.approx(8640)
    assert new.kv_longest_bytes_per_accelerator.base / MIB == pytest.approx(972)


@pytest.mark.parametrize(
    ("model", "gib"),
    [
        pytest.param("llama-3.2-3b", 1.87, id="geerlingguy/ai-benchmarks#48, one table for both"),
        pytest.param("gemma-3-12b", 6.79, id="Arc Pro B70 report, one table for both"),
        pytest.param("deepseek-v2-lite", 9.649, id="ikawrakow/ik_llama.cpp#230, rows of 1,408"),
        pytest.param("gemma-4-26b-a4b", 15.74, id="pavlokhmel.com, rows of 704"),
        pytest.param("gpt-oss-20b", 10.80, id="pavlokhmel.com, experts stay in MXFP4"),
    ],
)
def test_files_of_blocks_are_as_large_as_published(model: str, gib: float) -> None:
    fields = {"engine": "llama.cpp", "accelerator": "rtx4090", "text_only": True}
    found = plan(model=model, precision="q4_k_m", max_model_len=2048, **fields).memory
    assert found.weight_bytes.base / GIB == pytest.approx(gib, rel=0.02)


@pytest.mark.parametrize(("name", "width"), [("q8_0", 1.0625), ("q4_0", 0.5625), ("nvfp4", 0.5625)])
def test_formats_of_the_cache(name: str, width: float) -> None:
    asked = plan(model="qwen3-8b", kv_precision=name, precision="q4_k_m", engine="llama.cpp")
    assert asked.memory.kv_bytes_per_value == width


@pytest.mark.parametrize(
    ("words", "meant"), [("AWQ", "int4"), ("exl3", "int4"), ("Q4_0", "q4_0"), ("Q4", "q4_k_m")]
)
def test_words_that_people_use_are_understood(words: str, meant: str) -> None:
    assert Scenario(precision=words).precision == meant


def test_fits_is_what_will_start() -> None:
    """vllm-project/vllm#41695: 16,384 tokens do not start."""
    fields = {"model": "qwen3.5-27b", "precision": "fp8", "accelerator": "rtx5090"}
    asked = plan(**fields, max_model_len=16_384, gpu_memory_utilization=0.95)
    assert not asked.memory.fits


def test_an_accelerator_may_be_described_by_its_facts_alone() -> None:
    said = {"source": "data sheet", "as_of": "2026-08"}
    facts = {
        "own.name": {"value": "Own Card", **said},
        "own.memory_usable_bytes": {"value": 120e9, **said},
    }
    asked = plan(model="llama-3.1-8b", accelerator="own", facts=facts)
    assert asked.deployment.accelerator_name == "Own Card"
    assert "W-FORMAT" not in [problem.code for problem in asked.problems]
    assert asked.memory.fits
    assert "serving" not in dict(asked.results())
    with pytest.raises(InvalidInput):
        plan(accelerator="other", facts=facts)


@pytest.mark.parametrize(
    ("model", "precision", "card", "tokens_per_s"),
    [
        ("gpt-oss-20b", "mxfp4", "rtx4070-ti", 163.14),
        ("gpt-oss-20b", "mxfp4", "rtx4090", 279.65),
        ("llama-3.2-3b", "q4_k_m", "rtx4090", 334.67),
        ("qwen2.5-14b", "q4_k_m", "rtx4070-ti", 49.74),
    ],
)
def test_streams_of_2025_lie_inside_the_band(
    model: str, precision: str, card: str, tokens_per_s: float
) -> None:
    """geerlingguy/ai-benchmarks, Ollama of late 2025."""
    stream = {"engine": "llama.cpp", "max_model_len": 4096, "arrivals": "closed_loop"}
    fields = {"prompt_tokens": 50, "output_tokens": 500}
    asked = plan(model=model, precision=precision, accelerator=card, **stream, **fields)
    assert asked.serving.tpot_s.low <= 1 / tokens_per_s <= asked.serving.tpot_s.high


def test_eager_mode_is_slow_in_small_steps() -> None:
    """vllm-project/vllm#20469: 20.6 ms a token of Qwen3 14B on an A100 without graphs."""
    fields = {"model": "qwen3-14b", "precision": "int4", "max_model_len": 16_384,
              "prompt_tokens": 16_000, "output_tokens": 200, "engine_version": "0.9.1"}  # fmt: skip
    found = plan(**fields, eager=True, arrivals="closed_loop").serving.tpot_s
    assert found.low <= 0.0206 <= found.high


def test_drafts_turn_into_a_loss_with_load_and_context() -> None:
    """Kimi-K2.6 with three drafted tokens: gains at one stream, none at 32 of 64K tokens."""
    fields = {"model": "kimi-k2.5", "precision": "int4", "kv_precision": "fp8",
              "accelerator": "rtx-pro-6000-server", "tensor_parallel": 8}  # fmt: skip

    def gain(in_flight: int, prompt_tokens: int) -> float:
        load = fields | {"in_flight": in_flight, "prompt_tokens": prompt_tokens}
        steps = [plan(**load, draft_tokens=n).serving.tpot_s.base for n in (0, 3)]
        return float(steps[0] / steps[1])

    assert gain(1, 512) > 1.1
    assert gain(1, 512) > gain(16, 512) > gain(16, 65_000)
    assert gain(16, 65_000) < 1.1


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"draft_model": "qwen3-0.6b"}, "must stand with draft_tokens"),
        ({"model": "qwen3-0.6b", "draft_model": "qwen3-8b", "draft_tokens": 2}, "must be smaller"),
        ({"kv_cache_bytes": 1e12}, "kv_cache_bytes must be at most"),
        ({"decode_context_parallel": 3, "tensor_parallel": 8}, "must divide tensor_parallel"),
        ({"model": "someone/some-7b"}, "reads like a Hugging Face id"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_cannot_be_is_one_line(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as caught:
        plan(**fields)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("draft", "tokens"), [(None, 491_200), ("eagle3", 442_192)])
def test_an_eagle_head_takes_its_part_of_the_pool(draft: str | None, tokens: int) -> None:
    """local-inference-lab/rtx6kpro, Kimi-K2.6 on eight cards, vLLM 0.19."""
    fields = {"model": "kimi-k2.6", "precision": "int4", "kv_precision": "fp8",
              "accelerator": "rtx-pro-6000-server", "tensor_parallel": 8, "max_num_seqs": 128,
              "max_model_len": 262_144, "max_num_batched_tokens": 8192,
              "engine_version": "0.19", "gpu_memory_utilization": 0.94}  # fmt: skip
    drafting = {"draft_model": draft, "draft_tokens": 3} if draft else {}
    found = plan(**fields, **drafting).memory.logged_pool_tokens
    assert found.base == pytest.approx(tokens, rel=0.03)


def test_drafts_looked_up_in_the_text_take_no_memory_and_no_pass() -> None:
    fields = {"model": "qwen3.5-27b", "accelerator": "h200-sxm", "draft_tokens": 3}
    own, looked = (plan(**fields, draft_model=name) for name in (None, "ngram"))
    assert looked.memory.draft_bytes_per_accelerator.base == 0
    assert looked.serving.tpot_s.base < own.serving.tpot_s.base
    assert "W-DRAFT" not in [problem.code for problem in looked.problems]


@pytest.mark.parametrize(
    ("context", "streams", "gain"),
    [(16, 8, 1.21), (16, 128, 0.91), (16_384, 32, 0.98), (65_536, 32, 0.87)],
)
def test_gains_of_a_drafting_head_by_load_and_context(
    context: int, streams: int, gain: float
) -> None:
    """local-inference-lab/rtx6kpro, Kimi-K2.6 with EAGLE-3 of three tokens: medians of windows."""
    fields = {"model": "kimi-k2.5", "precision": "int4", "kv_precision": "fp8",
              "accelerator": "rtx-pro-6000-server", "tensor_parallel": 8, "max_num_seqs": 128,
              "prefix_cache_hit_fraction": 0.999, "gpu_memory_utilization": 0.94,
              "arrivals": "closed_loop", "prompt_tokens": context, "output_tokens": 1000,
              "in_flight": streams}  # fmt: skip
    drafted = {"draft_model": "eagle3", "draft_tokens": 3}
    plain, faster = (plan(**fields, **more).serving.tpot_s.base for more in ({}, drafted))
    assert plain / faster == pytest.approx(gain, rel=0.15)


def test_a_head_guesses_less_well_than_a_layer_of_the_model() -> None:
    fields = {"model": "glm-5.1", "precision": "nvfp4", "accelerator": "rtx-pro-6000-server",
              "tensor_parallel": 8, "draft_tokens": 3}  # fmt: skip
    own, head = (plan(**fields, draft_model=name).serving.tpot_s for name in (None, "eagle3"))
    assert own.base < head.base

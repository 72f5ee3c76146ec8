"""Files of checkpoints: all that an index file sums, from the configuration beside it."""

import json
from pathlib import Path
from typing import Any

import pytest

from llminfra import Scenario, evaluate
from llminfra.catalog.loader import model_entries
from llminfra.units import GIB

HYBRID = ["linear_attention"] * 3 + ["full_attention"]
LINEAR = {
    "attn_output_gate": True, "full_attention_interval": 4, "head_dim": 256,
    "linear_conv_kernel_dim": 4, "linear_key_head_dim": 128, "linear_num_key_heads": 16,
    "linear_num_value_heads": 32, "linear_value_head_dim": 128, "mamba_ssm_dtype": "float32",
    "max_position_embeddings": 262144, "mtp_num_hidden_layers": 1, "num_attention_heads": 16,
    "vocab_size": 248320,
}  # fmt: skip
PRUNED = LINEAR | {
    "architectures": ["Qwen3_5MoeForCausalLM"], "model_type": "qwen3_5_moe_text",
    "dtype": "float16", "hidden_size": 2048, "layer_types": HYBRID * 10,
    "moe_intermediate_size": 512, "num_experts": 128, "num_experts_per_tok": 8,
    "num_hidden_layers": 40, "num_key_value_heads": 2, "shared_expert_intermediate_size": 512,
}  # fmt: skip
APPLE = {
    "model_type": "qwen3_5", "quantization": {"group_size": 64, "bits": 8, "mode": "affine"},
    "quantization_config": {"group_size": 64, "bits": 8, "mode": "affine"},
    "text_config": LINEAR | {
        "model_type": "qwen3_5_text", "hidden_size": 4096, "intermediate_size": 12288,
        "layer_types": HYBRID * 8, "num_hidden_layers": 32, "num_key_value_heads": 4,
    },
    "vision_config": {
        "depth": 27, "hidden_size": 1152, "intermediate_size": 4304, "model_type": "qwen3_5",
        "num_position_embeddings": 2304, "out_hidden_size": 4096, "patch_size": 16,
        "spatial_merge_size": 2, "temporal_patch_size": 2,
    },
}  # fmt: skip
GRANITE = {
    "model_type": "granitemoe", "hidden_size": 1024, "intermediate_size": 512,
    "max_position_embeddings": 131072, "num_attention_heads": 16, "num_experts_per_tok": 8,
    "num_hidden_layers": 24, "num_key_value_heads": 8, "num_local_experts": 32,
    "tie_word_embeddings": True, "torch_dtype": "float32", "vocab_size": 49155,
}  # fmt: skip
GEMMA = {
    "model_type": "gemma3", "mm_tokens_per_image": 256,
    "text_config": {
        "head_dim": 128, "hidden_size": 5376, "intermediate_size": 21504,
        "layer_types": (["sliding_attention"] * 5 + ["full_attention"]) * 10
        + ["sliding_attention"] * 2,
        "max_position_embeddings": 131072, "model_type": "gemma3_text", "sliding_window": 1024,
        "num_attention_heads": 32, "num_hidden_layers": 62, "num_key_value_heads": 16,
        "vocab_size": 262208,
    },
    "vision_config": {
        "hidden_size": 1152, "image_size": 896, "intermediate_size": 4304, "patch_size": 14,
        "model_type": "siglip_vision_model", "num_hidden_layers": 27,
    },
}  # fmt: skip
MOLMO = {
    "model_type": "molmo", "embedding_size": 152064, "hidden_size": 3584,
    "intermediate_size": 37888, "max_position_embeddings": 4096, "num_attention_heads": 28,
    "num_hidden_layers": 28, "num_key_value_heads": 4, "qkv_bias": True, "vocab_size": 152064,
    "quantization_config": {
        "bnb_4bit_quant_type": "nf4", "bnb_4bit_use_double_quant": False, "load_in_4bit": True,
        "llm_int8_skip_modules": ["model.vision_backbone", "model.transformer.ff_out"],
        "quant_method": "bitsandbytes",
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("config", "total"),
    [
        pytest.param(PRUNED, 37_087_995_136, id="bryce-hoehn/Qwen3.5-18B-REAP-A3B-Coding"),
        pytest.param(APPLE, 10_426_433_504, id="leo-kreisman/Qwen3.5-9B-MLX-8bit"),
        pytest.param(GRANITE, 5_338_513_408, id="jeremieconte/granite-3.1-1b-a400m-instruct"),
        pytest.param(GEMMA, 54_864_813_280, id="Ibtasam-98/medgemma-27b-it"),
        pytest.param(MOLMO, 6_661_964_712, id="reubzdubz/Molmo7B_D_NF4Quant"),
    ],
)
def test_the_total_of_the_index_follows_from_the_configuration(
    config: dict[str, Any], total: int, tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config))
    asked = evaluate(Scenario(model=str(tmp_path), accelerator="h100-sxm"))
    assert asked.memory.stored_bytes.base == pytest.approx(total, rel=1e-3)


@pytest.mark.parametrize(
    ("model", "total"),
    [
        ("llama-3.1-8b", 16_060_522_496),
        ("mixtral-8x22b", 281_241_268_224),
        ("gpt-oss-120b", 65_248_815_744),
        ("deepseek-v3", 688_586_727_753),
    ],
)
def test_published_checkpoints_have_the_size_of_their_index(model: str, total: int) -> None:
    """Totals of the index files at Hugging Face, with drafting layers and second copies."""
    memory = evaluate(Scenario(model=model, accelerator="b300-sxm", tensor_parallel=8)).memory
    assert memory.stored_bytes.base == pytest.approx(total, rel=1e-4)


def test_files_of_32_bits_are_loaded_in_16(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(GRANITE))
    memory = evaluate(Scenario(model=str(tmp_path), accelerator="l40s")).memory
    assert memory.stored_bytes.base == 2 * memory.weight_bytes.base


def test_drafting_layers_are_stored_whether_they_are_loaded_or_not() -> None:
    fields = {"model": "qwen3.5-27b", "accelerator": "h200-sxm"}
    plain, drafting = (evaluate(Scenario(**fields, draft_tokens=n)).memory for n in (0, 2))
    assert plain.stored_bytes.base == drafting.stored_bytes.base > plain.weight_bytes.base


@pytest.mark.parametrize(
    ("section", "precision", "bits"),
    [
        ({"quant_method": "intel/auto-round", "bits": 4, "group_size": 128}, "int4", 4.15625),
        ({"quant_method": "aqlm", "nbits_per_codebook": 16, "num_codebooks": 1}, "int4", 2.0),
        ({"quant_method": "fp_quant", "forward_dtype": "nvfp4"}, "nvfp4", 4.5),
        ({"quant_method": "bitnet"}, "int4", 2.0),
        ({"quant_method": "higgs", "bits": 4, "group_size": 256, "sym": True}, "int4", 4.0625),
    ],
)
def test_rarer_formats_are_read(
    section: dict[str, Any], precision: str, bits: float, tmp_path: Path
) -> None:
    config = {
        "model_type": "qwen3", "head_dim": 128, "hidden_size": 4096, "intermediate_size": 12288,
        "max_position_embeddings": 40960, "num_attention_heads": 32, "num_hidden_layers": 36,
        "num_key_value_heads": 8, "vocab_size": 151936, "quantization_config": section,
    }  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(config))
    asked = evaluate(Scenario(model=str(tmp_path), accelerator="h100-sxm"))
    assert asked.scenario.precision == precision
    stored = asked.deployment.architecture.stored_weights
    assert stored is not None
    assert dict(stored.bits)["dense_mlp"] == pytest.approx(bits, abs=0.05)


@pytest.mark.parametrize("words", ["INT4-AWQ", "4-bit", "gptq_marlin", "w4a8"])
def test_more_words_of_four_bits(words: str) -> None:
    assert Scenario(precision=words).precision == "int4"


def v4(**section: Any) -> dict[str, Any]:
    """DeepSeek-V4-Flash as it is published: the type of the experts stands beside the section."""
    config = dict(model_entries()["deepseek-v4-flash"]["config"])
    fp8 = {"quant_method": "fp8", "weight_block_size": [128, 128]}
    return config | {"expert_dtype": "fp4", "quantization_config": fp8 | section}


GEMMA4_EXPERTS = {
    "quant_method": "modelopt", "quant_algo": "NVFP4",
    "ignore": ["lm_head", "model.embed_vision*", "model.vision_tower*"] + [
        f"model.language_model.layers.{i}.{name}*"
        for i in range(30) for name in ("mlp", "router", "self_attn")
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("config", "bits"),
    [
        pytest.param(
            v4(),
            {"experts": 4.25, "shared_experts": 8, "attention": 8},
            id="deepseek-ai/DeepSeek-V4-Flash",
        ),
        pytest.param(
            v4(
                quant_algo="MIXED_PRECISION", moe_quant_algo="NVFP4", group_size=16,
                ignore=["*.attn.*", "*.ffn.shared_experts.*", "head", "mtp.*"],
                quantized_layers={
                    f"layers.{i}.ffn.experts": {"quant_algo": "NVFP4"} for i in range(43)
                },
            ),
            {"experts": 4.5, "shared_experts": 8, "attention": 8},
            id="nvidia/DeepSeek-V4-Flash-NVFP4: what it ignores stays in the format of the source",
        ),
        pytest.param(
            dict(model_entries()["gemma-4-26b-a4b"]["config"])
            | {"quantization_config": GEMMA4_EXPERTS},
            {"experts": 4.5, "shared_experts": 16, "attention": 16},
            id="nvidia/Gemma-4-26B-A4B-NVFP4: experts stand beside the MLP, not in it",
        ),
    ],
)  # fmt: skip
def test_experts_have_formats_of_their_own(
    config: dict[str, Any], bits: dict[str, float], tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config))
    asked = evaluate(Scenario(model=str(tmp_path), accelerator="b300-sxm", tensor_parallel=8))
    stored = asked.deployment.architecture.stored_weights
    assert stored is not None
    found = dict(stored.bits)
    assert {name: found[name] for name in bits} == pytest.approx(bits, rel=1e-3)


def test_what_a_second_tool_ignores_keeps_the_rules_of_the_first(tmp_path: Path) -> None:
    """Drafting experts of nvidia/DeepSeek-V4-Flash-NVFP4 are the source's; so is a 16-bit layer."""
    config = v4(
        quant_algo="MIXED_PRECISION", moe_quant_algo="NVFP4", group_size=16,
        ignore=["*.attn.*", "mtp.*"], modules_to_not_convert=["*.shared_experts.*"],
    )  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(config))
    model = evaluate(Scenario(model=str(tmp_path), accelerator="b300-sxm")).deployment.architecture
    assert model.stored_weights is not None
    assert dict(model.stored_weights.draft_bits)["experts"] == 4.25
    own = dict(model.stored_weights.bits)
    assert (own["experts"], own["shared_experts"]) == pytest.approx((4.5, 16))


def test_published_eight_bits_of_405b_keep_attention_and_the_ends_in_16() -> None:
    """57.752 GiB a card in vllm-project/vllm#6746: all linear layers in eight bits would be 47."""
    asked = Scenario(
        model="llama-3.1-405b", precision="fp8", accelerator="h100-sxm", tensor_parallel=8
    )
    found = evaluate(asked)
    weights = found.memory.weight_bytes_per_accelerator
    assert weights.base == pytest.approx(57.752 * GIB, rel=0.03)
    assumed = next(problem for problem in found.problems if problem.code == "W-RECIPE")
    assert "other producers" in str(assumed)
    assert 'model = "PATH/config.json"' in str(assumed)

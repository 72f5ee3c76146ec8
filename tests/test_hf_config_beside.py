"""What stands beside a language model in a configuration: towers, layers that draft, heads.

Totals are those of published checkpoints (parameters, or bytes of their index files).
"""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from llminfra import Scenario, evaluate
from llminfra.architecture import Architecture
from llminfra.errors import InvalidInput
from llminfra.hf_config import architecture_from_config

ONE: Final[dict[str, Any]] = {"prompt_tokens": 512, "output_tokens": 128, "in_flight": 1}
MLLAMA: Final = {
    "model_type": "mllama",
    "text_config": {
        "model_type": "mllama_text_model", "cross_attention_layers": [3, 8, 13, 18, 23, 28, 33, 38],
        "hidden_size": 4096, "intermediate_size": 14336, "max_position_embeddings": 131072,
        "num_attention_heads": 32, "num_hidden_layers": 40, "num_key_value_heads": 8,
        "vocab_size": 128256, "tie_word_embeddings": False,
    },
    "vision_config": {
        "model_type": "mllama_vision_model", "hidden_size": 1280, "intermediate_size": 5120,
        "num_hidden_layers": 32, "num_global_layers": 8, "image_size": 560, "patch_size": 14,
        "max_num_tiles": 4, "vision_output_dim": 7680,
    },
}  # fmt: skip
PIXTRAL: Final = {
    "model_type": "llava",
    "text_config": {
        "model_type": "mistral", "hidden_size": 5120, "head_dim": 128, "num_hidden_layers": 40,
        "max_position_embeddings": 1024000, "sliding_window": None, "vocab_size": 131072,
    },
    "vision_config": {"model_type": "pixtral", "head_dim": 64, "image_size": 1024,
                      "hidden_act": "silu", "patch_size": 16},
}  # fmt: skip
PALIGEMMA: Final = {
    "model_type": "paligemma",
    "text_config": {
        "model_type": "gemma", "hidden_size": 2048, "intermediate_size": 16384,
        "num_attention_heads": 8, "num_hidden_layers": 18, "num_key_value_heads": 1,
        "vocab_size": 257216,
    },
    "vision_config": {
        "model_type": "siglip_vision_model", "hidden_size": 1152, "intermediate_size": 4304,
        "num_hidden_layers": 27, "patch_size": 14,
    },
}  # fmt: skip
PHI4MM: Final = {
    "model_type": "phi4mm", "hidden_size": 3072, "intermediate_size": 8192,
    "num_attention_heads": 24, "num_hidden_layers": 32, "num_key_value_heads": 8,
    "max_position_embeddings": 131072, "sliding_window": 262144, "vocab_size": 200064,
    "tie_word_embeddings": True, "embd_layer": {"image_embd_layer": {"crop_size": 448}},
}  # fmt: skip
QWEN_NEXT: Final = {
    "model_type": "qwen3_next", "decoder_sparse_step": 1, "full_attention_interval": 4,
    "head_dim": 256, "hidden_size": 2048, "intermediate_size": 5120, "linear_conv_kernel_dim": 4,
    "linear_key_head_dim": 128, "linear_num_key_heads": 16, "linear_num_value_heads": 32,
    "linear_value_head_dim": 128, "max_position_embeddings": 262144, "moe_intermediate_size": 512,
    "num_attention_heads": 16, "num_experts": 512, "num_experts_per_tok": 10,
    "num_hidden_layers": 48, "num_key_value_heads": 2, "shared_expert_intermediate_size": 512,
    "vocab_size": 151936,
}  # fmt: skip
MINIMAX: Final = {
    "model_type": "minimax_m2", "head_dim": 128, "hidden_size": 3072, "intermediate_size": 1536,
    "max_position_embeddings": 196608, "num_attention_heads": 48, "num_experts_per_tok": 8,
    "num_hidden_layers": 62, "num_key_value_heads": 8, "num_local_experts": 256,
    "num_mtp_modules": 3, "use_mtp": True, "vocab_size": 200064,
    "quantization_config": {
        "quant_method": "fp8", "fmt": "float8_e4m3fn", "weight_block_size": [128, 128],
        "modules_to_not_convert": ["gate", "e_score_correction_bias", "lm_head"],
    },
}  # fmt: skip
STEP: Final = {
    "model_type": "step3p5", "hidden_size": 4096, "intermediate_size": 11264, "head_dim": 128,
    "num_attention_heads": 64, "num_attention_groups": 8, "num_hidden_layers": 45,
    "max_position_embeddings": 262144, "vocab_size": 128896, "moe_intermediate_size": 1280,
    "moe_num_experts": 288, "moe_top_k": 8, "share_expert_dim": 1280, "sliding_window": 512,
    "moe_layers_enum": ",".join(map(str, range(3, 45))), "num_nextn_predict_layers": 3,
    "layer_types": ["full_attention", *["sliding_attention"] * 3] * 11 + ["full_attention"],
    "attention_other_setting": {
        "attention_type": "sliding_attention", "num_attention_heads": 96,
        "num_attention_groups": 8, "head_dim": 128,
    },
}  # fmt: skip
EAGLE3: Final = {
    "architectures": ["LlamaForCausalLMEagle3"], "model_type": "llama", "hidden_size": 4096,
    "intermediate_size": 14336, "num_attention_heads": 32, "num_key_value_heads": 8,
    "num_hidden_layers": 1, "vocab_size": 128256, "draft_vocab_size": 32000,
    "max_position_embeddings": 2048, "tie_word_embeddings": False,
}  # fmt: skip
SCOUT: Final = {
    "model_type": "llama4_text", "attention_chunk_size": 8192, "head_dim": 128,
    "hidden_size": 5120, "intermediate_size": 8192, "intermediate_size_mlp": 16384,
    "max_position_embeddings": 10485760, "no_rope_layers": [], "num_attention_heads": 40,
    "num_experts_per_tok": 1, "num_hidden_layers": 48, "num_key_value_heads": 8,
    "num_local_experts": 16, "interleave_moe_layer_step": 1, "vocab_size": 202048,
}  # fmt: skip


def read(config: dict[str, Any]) -> Architecture:
    return architecture_from_config(config, origin="config.json")


def written(folder: Path, config: dict[str, Any]) -> str:
    (folder / "config.json").write_text(json.dumps(config))
    return str(folder)


@pytest.mark.parametrize(
    ("config", "parameters"),
    [
        pytest.param(MLLAMA, 10_670_220_835, id="Llama 3.2 11B Vision"),
        pytest.param(PALIGEMMA, 2_923_466_480, id="PaliGemma 3B"),
        pytest.param(PIXTRAL, 12_682_739_712, id="Pixtral 12B"),
        pytest.param(PHI4MM, 5_574_460_384, id="Phi-4 multimodal"),
    ],
)
def test_towers_and_model_are_what_is_published(config: dict[str, Any], parameters: int) -> None:
    model = read(config)
    towers = sum(tower.parameters or 0 for tower in model.towers)
    assert model.parameters + towers == pytest.approx(parameters, rel=0.003)


@pytest.mark.parametrize(
    ("config", "size"),
    [
        pytest.param(QWEN_NEXT, 162.65e9, id="a drafting layer that nobody counts"),
        pytest.param(MINIMAX, 230.1e9, id="drafting layers that nobody publishes"),
        pytest.param(STEP, 395e9, id="drafting layers with a dense MLP"),
    ],
)
def test_stored_bytes_hold_the_drafting_layers_of_the_files(
    config: dict[str, Any], size: float, tmp_path: Path
) -> None:
    fields = {"accelerator": "b300-sxm", "tensor_parallel": 8}
    memory = evaluate(Scenario(model=written(tmp_path, config), **fields, **ONE)).memory
    assert memory.stored_bytes.base == pytest.approx(size, rel=0.01)


def test_a_window_that_never_slides_is_none() -> None:
    """Phi-4 multimodal: 262,144 tokens in a context of 131,072."""
    assert read(PHI4MM).kv_values_per_token() == 32 * 2 * 8 * 128


def test_an_empty_list_of_layers_is_the_default() -> None:
    """As Llama 4 Scout is published: three of four layers in chunks."""
    chunked = [g.n_layers for g in read(SCOUT).cache_groups() if g.kind == "chunk"]
    assert sum(chunked) == 36
    listed = SCOUT | {"no_rope_layers": [1, 1, 1, 0] * 12}
    assert read(SCOUT) == read(listed)


@pytest.mark.parametrize("wrapped", [False, True], ids=["own keys", "speculators"])
def test_a_head_that_drafts_is_not_its_family(wrapped: bool, tmp_path: Path) -> None:
    """EAGLE-3 of Llama 3.1 8B: 0.85 GB, not the 2.5 GB of a Llama of one layer."""
    inner = {k: v for k, v in EAGLE3.items() if k not in ("architectures", "draft_vocab_size")}
    outer = {"architectures": ["Eagle3DraftModel"], "draft_vocab_size": 32000}
    head = written(
        tmp_path, outer | {"transformer_layer_config": inner} if wrapped else dict(EAGLE3)
    )
    fields = {"model": "llama-3.1-8b", "accelerator": "h100-sxm", "draft_tokens": 3}
    memory = evaluate(Scenario(**fields, draft_model=head, **ONE)).memory
    assert memory.draft_bytes_per_accelerator.base == pytest.approx(0.85e9, rel=0.01)
    with pytest.raises(InvalidInput, match="draft_model"):
        evaluate(Scenario(model=head, accelerator="h100-sxm", **ONE))


@pytest.mark.parametrize("family", ["bert", "whisper", "t5", "siglip"])
def test_what_does_not_write_word_by_word_is_said_to_be_that(family: str) -> None:
    with pytest.raises(InvalidInput, match="an encoder") as raised:
        read({"model_type": family, "hidden_size": 768})
    assert "\n" not in str(raised.value)


def test_experts_for_images_are_held_and_no_word_is_sent_to_them() -> None:
    """ERNIE 4.5 VL 28B-A3B: 29.4 bn parameters with its tower, 3 bn of them for a word."""
    config = {
        "model_type": "ernie4_5_moe_vl", "hidden_size": 2560, "intermediate_size": 12288,
        "max_position_embeddings": 131072, "moe_intermediate_size": [1536, 512], "moe_k": 6,
        "moe_num_experts": [64, 64], "moe_num_shared_experts": 2, "num_attention_heads": 20,
        "num_hidden_layers": 28, "num_key_value_heads": 4, "vocab_size": 103424,
        "vision_config": {
            "model_type": "DFNRope_vision_transformer", "depth": 32, "embed_dim": 1280,
            "hidden_size": 1280, "mlp_ratio": 4, "num_heads": 16, "patch_size": 14,
            "spatial_merge_size": 2,
        },
    }  # fmt: skip
    model = read(config)
    towers = sum(tower.parameters or 0 for tower in model.towers)
    assert model.parameters + towers == pytest.approx(29.4e9, rel=0.01)
    assert model.active_parameters == pytest.approx(3.3e9, rel=0.05)
    with pytest.raises(InvalidInput, match="two numbers"):
        read(config | {"moe_num_experts": [64]})


def test_dots_attends_to_everything_unless_its_file_says_otherwise() -> None:
    """Its class slides from layer 62 on, and the published model has 62."""
    config = {
        "model_type": "dots1", "first_k_dense_replace": 1, "hidden_size": 4096, "head_dim": 128,
        "intermediate_size": 10944, "max_position_embeddings": 32768, "n_routed_experts": 128,
        "moe_intermediate_size": 1408, "n_shared_experts": 2, "num_attention_heads": 32,
        "num_experts_per_tok": 6, "num_hidden_layers": 62, "num_key_value_heads": 32,
        "vocab_size": 152064,
    }  # fmt: skip
    assert read(config).kv_values_per_token() == 62 * 2 * 32 * 128


@pytest.mark.parametrize(
    ("config", "parameters", "active", "values"),
    [
        pytest.param(
            {
                "model_type": "longcat_flash", "hidden_size": 6144, "num_layers": 28,
                "ffn_hidden_size": 12288, "expert_ffn_hidden_size": 2048, "moe_topk": 12,
                "n_routed_experts": 512, "zero_expert_num": 256, "num_attention_heads": 64,
                "kv_lora_rank": 512, "q_lora_rank": 1536, "qk_rope_head_dim": 64,
                "qk_nope_head_dim": 128, "v_head_dim": 128, "max_position_embeddings": 131072,
                "vocab_size": 131072,
            },
            560e9, 27e9, 56 * 576, id="LongCat-Flash",
        ),
        pytest.param(
            {
                "model_type": "step3_text", "hidden_size": 7168, "intermediate_size": 18432,
                "num_attention_heads": 64, "num_attention_groups": 1, "num_hidden_layers": 61,
                "vocab_size": 128815, "moe_intermediate_size": 5120, "moe_num_experts": 48,
                "moe_top_k": 3, "share_expert_dim": 5120, "share_q_dim": 2048, "head_dim": 256,
                "moe_layers_enum": ",".join(map(str, range(4, 60))), "max_seq_len": 65536,
            },
            316e9, 38e9, 61 * 512, id="Step 3",
        ),
    ],
)  # fmt: skip
def test_layers_of_unusual_build_are_counted(
    config: dict[str, Any], parameters: float, active: float, values: int
) -> None:
    """Totals and active parameters as their makers round them."""
    model = read(config)
    assert model.parameters == pytest.approx(parameters, rel=0.005)
    assert model.active_parameters == pytest.approx(active, rel=0.04)
    assert model.kv_values_per_token() == values


def test_gemma_without_encoders_reads_as_its_sisters() -> None:
    """Gemma 4 12B: Q4_0 and a table in Q6_K are 6,637.63 MiB, as llama.cpp b9849 prints."""
    layers = (["sliding_attention"] * 5 + ["full_attention"]) * 8
    text = {"model_type": "gemma4_unified_text", "hidden_size": 3840, "intermediate_size": 15360,
            "num_hidden_layers": 48, "num_attention_heads": 16, "num_key_value_heads": 8,
            "num_global_key_value_heads": 1, "head_dim": 256, "global_head_dim": 512,
            "attention_k_eq_v": True, "sliding_window": 1024, "vocab_size": 262144,
            "layer_types": layers, "tie_word_embeddings": True,
            "hidden_size_per_layer_input": 0, "num_kv_shared_layers": 0}  # fmt: skip
    model = read({"model_type": "gemma4_unified", "text_config": text})
    assert model.parameters == 11_907_350_272
    table, rest = 262144 * 3840, model.parameters - 262144 * 3840
    assert (table * 6.5625 + rest * 4.5) / 8 / 2**20 == pytest.approx(6637.63, rel=0.001)

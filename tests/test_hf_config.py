"""Reading configurations: every family's count, what families assume, and hostile files."""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llminfra.architecture import Architecture
from llminfra.errors import InvalidInput
from llminfra.hf_config import architecture_from_config, architecture_from_path, model_types

# Small configurations of every family, and the parameters that its class in transformers 5.24
# declares when it is instantiated from them on the meta device.
COUNTS: Final = [
    json.loads(line)
    for line in (Path(__file__).parent / "hf_config_counts.jsonl").read_text().splitlines()
]
# Configurations and counts of model pages: name, parameters, configuration.
PUBLISHED: Final = [
    json.loads(line)
    for line in (Path(__file__).parent / "hf_config_published.jsonl").read_text().splitlines()
]
LLAMA: Final[dict[str, Any]] = {
    "model_type": "llama",
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "vocab_size": 128256,
    "max_position_embeddings": 8192,
}


LAYERS: Final = 'key "num_hidden_layers"'
SPARSE: Final = {"model_type": "qwen3_moe"}


def read(config: Any, **changes: Any) -> Architecture:
    changed = {k: v for k, v in {**config, **changes}.items() if v != "absent"}
    return architecture_from_config(changed, origin="config.json")


def kinds(model: Architecture) -> str:
    """First letter of what each layer keeps: full, window, chunk, state …"""
    letters = [
        (layer.mixer.caches()[0].kind[0] if layer.mixer else "-") * layer.count
        for layer in model.layers
    ]
    return "".join(letters)


@pytest.mark.parametrize(
    ("parameters", "config"),
    [pytest.param(*row, id=f"{i}-{row[1]['model_type']}") for i, row in enumerate(COUNTS)],
)
def test_count_is_that_of_the_published_class(parameters: int, config: dict[str, Any]) -> None:
    assert read(config).parameters == parameters


@pytest.mark.parametrize(
    ("name", "parameters", "config"),
    [pytest.param(*row, id=f"model page: {row[0]}") for row in PUBLISHED],
)
def test_count_is_the_published_one(name: str, parameters: int, config: dict[str, Any]) -> None:
    """Exact counts within 0.1 %, those published in three figures within 0.5 %."""
    is_rounded = parameters % 1_000_000 == 0
    assert read(config).parameters == pytest.approx(parameters, rel=5e-3 if is_rounded else 1e-3)


def test_most_families_are_covered_by_a_count() -> None:
    assert len({config["model_type"] for _, config in COUNTS}) >= 70


# --- what families assume


def test_absent_keys_take_the_family_default_and_null_means_none() -> None:
    mistral = {**LLAMA, "model_type": "mistral"}
    assert kinds(read(mistral)) == "w" * 32
    assert kinds(read(mistral, sliding_window=None)) == "f" * 32
    assert kinds(read(mistral, use_sliding_window=False)) == "f" * 32


def test_embeddings_are_tied_where_the_family_ties_them() -> None:
    assert not read(LLAMA).tied_embeddings
    assert read(LLAMA, model_type="gemma2").tied_embeddings
    assert not read(LLAMA, model_type="gemma2", tie_word_embeddings=False).tied_embeddings


def test_a_missing_key_value_head_count_means_one_per_head() -> None:
    assert read(LLAMA, num_key_value_heads="absent").kv_values_per_token() == 32 * 2 * 4096


@pytest.mark.parametrize(
    ("family", "pattern"),
    [
        ({"model_type": "gemma2"}, "wf" * 16),
        ({"model_type": "gemma3_text"}, ("wwwwwf" * 6)[:32]),
        ({"model_type": "cohere2"}, "wwwf" * 8),
        ({"model_type": "olmo3"}, "wwwf" * 8),
        ({"model_type": "exaone4", "sliding_window_pattern": "LLLG"}, "wwwf" * 8),
        ({"model_type": "qwen2", "sliding_window": 4096}, "f" * 32),
        (
            {
                "model_type": "qwen2",
                "sliding_window": 4096,
                "use_sliding_window": True,
                "max_window_layers": 28,
            },
            "f" * 28 + "w" * 4,
        ),
        (
            {
                "model_type": "mistral",
                "layer_types": ["full_attention"] + ["sliding_attention"] * 31,
            },
            "f" + "w" * 31,
        ),
    ],
)
def test_windows_alternate_as_the_family_does(family: dict[str, Any], pattern: str) -> None:
    assert kinds(read(LLAMA, **family)) == pattern


def test_multimodal_configurations_are_read_at_the_language_tower() -> None:
    nested = {
        "model_type": "llava",
        "tie_word_embeddings": True,
        "vision_config": {"hidden_size": 1},
        "text_config": LLAMA,
        "quantization_config": {"quant_method": "fp8"},
    }
    language = replace(read(nested), towers=(), stored_weights=None)
    assert language == read(LLAMA, tie_word_embeddings=True)
    assert read(nested).stored_weights is not None


def test_layers_that_look_at_images_have_weights_and_no_cache_of_the_text() -> None:
    """Llama 3.2 11B Vision: Llama 3.1 8B and eight layers more, 9.78 bn in the language model."""
    text = {**LLAMA, "model_type": "mllama_text_model", "num_hidden_layers": 40}
    text |= {"cross_attention_layers": [3, 8, 13, 18, 23, 28, 33, 38]}
    vision = read({"model_type": "mllama", "text_config": text, "vision_config": {}})
    plain = read(LLAMA, num_hidden_layers=40)
    assert vision.parameters == plain.parameters + 8 * 4096 + 8 * (2 * 128 + 2)
    assert round(vision.parameters / 1e9, 2) == 9.78
    assert vision.kv_values_per_token() == read(LLAMA).kv_values_per_token()
    assert [tower.name for tower in vision.towers] == ["vision"]


def test_what_stands_beside_the_language_model_is_named() -> None:
    omni = {
        "model_type": "qwen3_omni_moe",
        "talker_config": {"x": 1},
        "thinker_config": {"audio_config": {}, "vision_config": {}, "text_config": LLAMA},
    }
    assert [tower.name for tower in read(omni).towers] == ["speech", "vision", "audio"]
    assert read(LLAMA, vision_config=None).towers == ()


def compressed(bits: int, kind: str, packing: str = "") -> dict[str, Any]:
    weights = {"num_bits": bits, "type": kind}
    groups = {"group_0": {"targets": ["Linear"], "weights": weights}}
    return {"quant_method": "compressed-tensors", "config_groups": groups, "format": packing}


@pytest.mark.parametrize(
    ("section", "precision"),
    [
        ({"quant_method": "gptq", "bits": 4, "group_size": 128}, "int4"),
        ({"quant_method": "gptq", "bits": 8}, "int8"),
        ({"quant_method": "gptq", "bits": 3}, "int4"),
        ({"quant_method": "awq", "w_bit": 4}, "int4"),
        ({"quant_method": "fp8", "weight_block_size": [128, 128]}, "fp8"),
        ({"quant_method": "mxfp4", "modules_to_not_convert": []}, "mxfp4"),
        ({"load_in_8bit": True}, "int8"),
        ({"quant_method": "bitsandbytes", "load_in_4bit": True, "load_in_8bit": False}, "int4"),
        (compressed(4, "int", "pack-quantized"), "int4"),
        (compressed(8, "float", "float-quantized"), "fp8"),
        (compressed(4, "float", "nvfp4-pack-quantized"), "nvfp4"),
        ({"quant_method": "modelopt", "quant_algo": "NVFP4"}, "nvfp4"),
        ({"quant_method": "modelopt", "quant_algo": "FP8"}, "fp8"),
        ({"quant_method": "squeeze"}, None),
        ({"bits": 4}, None),
    ],
    ids=str,
)
def test_the_format_of_the_checkpoint_is_read(
    section: dict[str, Any], precision: str | None
) -> None:
    stored = read(LLAMA, quantization_config=section).stored_weights
    assert stored is not None
    assert next(iter(stored.precisions), None) == precision


N_LAYERS = LLAMA["num_hidden_layers"]


@pytest.mark.parametrize(
    ("exceptions", "bits"),
    [
        (["lm_head"], {"attention": 8, "kv_projection": 8, "dense_mlp": 8}),
        (
            ["re:.*self_attn.*", "re:.*mlp\\.(gate|up|gate_up|down)_proj.*"],
            {"attention": 16, "kv_projection": 16, "dense_mlp": 16},
        ),
        # One layer of 32 stays; a router's gate is no gate_proj.
        (["model.layers.0.self_attn", "re:.*mlp.gate$"], {"attention": 8.25, "dense_mlp": 8}),
        ([f"model.layers.{i}.self_attn*" for i in range(N_LAYERS)], {"attention": 16}),
        ([f"model.layers.{i}.self_attn.o_proj" for i in range(N_LAYERS)], {"attention": 12}),
        (["model.layers.1.*"], {"attention": 8.25, "dense_mlp": 8.25}),
        (["re:.*linear_attn.*", "re:.*shared_experts.*", 5], {"attention": 8}),
        (["re:(unclosed"], {"attention": 8}),
    ],
    ids=str,
)
def test_what_a_checkpoint_keeps_in_16_bits_is_read(
    exceptions: list[Any], bits: dict[str, float]
) -> None:
    for key in ("ignore", "modules_to_not_convert", "exclude_modules", "ignored_layers"):
        section = {"quant_method": "fp8", key: exceptions}
        stored = read(LLAMA, quantization_config=section).stored_weights
        assert stored is not None
        assert {name: dict(stored.bits)[name] for name in bits} == bits


@pytest.mark.parametrize(
    ("section", "bits"),
    [
        ({"quant_method": "gptq", "bits": 4, "group_size": 128, "sym": True}, 4.125),
        ({"quant_method": "awq", "bits": 4, "group_size": 128, "zero_point": True}, 4.15625),
        ({"quant_method": "gptq", "bits": 4, "group_size": -1}, 4.0048828125),
        ({"quant_method": "fp8"}, 8),
        ({"quant_method": "fp8", "weight_block_size": [128, 128]}, 8.001953125),
        ({"quant_method": "exl3", "bits": 3.5, "head_bits": 6}, 3.5),
        (
            {
                "quant_method": "hqq",
                "quant_config": {"weight_quant_params": {"nbits": 4, "group_size": 64}},
            },
            4.5,
        ),
        ({"load_in_4bit": True}, 4.5),
        ({"quant_method": "auto-round", "bits": 4, "group_size": 128, "sym": True}, 4.125),
        (
            {
                "quant_method": "torchao",
                "quant_type": {
                    "default": {"_type": "Int4WeightOnlyConfig", "_data": {"group_size": 32}}
                },
            },
            5,
        ),
        (
            {
                "quant_method": "quark",
                "global_quant_config": {"weight": {"dtype": "fp4", "group_size": 32}},
            },
            4.25,
        ),
    ],
    ids=str,
)
def test_groups_share_a_scale(section: dict[str, Any], bits: float) -> None:
    stored = read(LLAMA, quantization_config=section).stored_weights
    assert stored is not None
    assert dict(stored.bits)["dense_mlp"] == bits


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ("awq", '"quantization_config" must be an object'),
        ({"quant_method": 5}, 'key "quant_method" must be the name of a method, such as awq, got'),
        ({"quant_method": "gptq", "bits": "4"}, 'key "bits" must be an integer from 1'),
        ({"quant_method": "awq"}, 'key "bits" is missing'),
        ({"quant_method": "bitsandbytes", "load_in_4bit": 1}, "must be true or false, got 1"),
        ({"quant_method": "compressed-tensors"}, 'key "config_groups" is missing'),
        (compressed(4, "text"), "key \"type\" must be int or float, got 'text'"),
        ({"quant_method": "modelopt", "quant_algo": []}, 'key "quant_algo" must be the name'),
    ],
    ids=str,
)
def test_a_wrong_quantization_config_is_one_line(section: Any, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read(LLAMA, quantization_config=section)
    line = str(caught.value)
    assert words in line
    assert "quantization_config" in line
    assert "\n" not in line


def test_unknown_keys_and_an_empty_section_do_not_matter() -> None:
    extra = {"time_step_limit": [0.0, float("inf")], "quantization_config": {}, "x": [[[]]] * 3}
    assert read(LLAMA, **extra) == read(LLAMA)


def test_the_context_is_stretched_by_rope_scaling() -> None:
    yarn = {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768}
    assert read(LLAMA).max_context_tokens == 8192
    assert read(LLAMA, rope_scaling=yarn).max_context_tokens == 131_072
    linear = {"rope_type": "linear", "factor": 2}
    assert read(LLAMA, rope_scaling=linear).max_context_tokens == 16_384
    gemma = read(LLAMA, model_type="gemma3_text", rope_scaling=linear)
    assert gemma.max_context_tokens == 8192
    assert read(LLAMA, max_position_embeddings="absent").max_context_tokens is None


def test_layers_with_experts_are_found_however_they_are_named() -> None:
    sparse = {"num_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 64}

    def experts(**changes: Any) -> str:
        layers = read(LLAMA, **sparse, num_hidden_layers=6, **changes).layers
        return "".join(("e" if hasattr(x.mlp, "top_k") else "d") * x.count for x in layers)

    assert experts(model_type="qwen3_moe", decoder_sparse_step=2) == "dedede"
    assert experts(model_type="qwen3_moe", mlp_only_layers=[0, 5]) == "deeeed"
    assert experts(model_type="glm4_moe", first_k_dense_replace=3) == "dddeee"
    assert experts(model_type="glm4_moe", mlp_layer_types=["dense"] + ["sparse"] * 5) == "deeeee"
    assert experts(model_type="custom", moe_layer_freq=[0, 1, 0, 1, 0, 1]) == "dedede"
    assert experts(model_type="ernie4_5_moe", moe_layer_start_index=2) == "ddeeee"


def test_a_model_can_be_described_by_hand() -> None:
    by_hand = read(LLAMA, model_type="custom")
    assert by_hand.parameters == read(LLAMA).parameters == 8_030_261_248
    sparse = read(LLAMA, model_type="custom", num_experts=8, num_experts_per_tok=2)
    assert sparse.parameters == read(
        LLAMA, model_type="mixtral", num_local_experts=8, num_experts_per_tok=2
    ).parameters  # fmt: skip


@pytest.mark.parametrize("name", model_types())
def test_every_family_says_what_is_missing(name: str) -> None:
    with pytest.raises(InvalidInput, match=r'^config\.json: .*key "\w+" .*must be'):
        read({"model_type": name})


# --- hostile values: one line that names file, key, value and what is expected


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_hidden_layers": 1e30}, f"{LAYERS} must be an integer from 1 to 10,000, got 1e+30"),
        ({"num_hidden_layers": 10**40}, f"{LAYERS} must be an integer from 1 to 10,000, got 100"),
        ({"num_hidden_layers": float("nan")}, "from 1 to 10,000, got nan"),
        ({"num_hidden_layers": float("inf")}, "from 1 to 10,000, got inf"),
        ({"num_hidden_layers": 32.0}, "from 1 to 10,000, got 32.0"),
        ({"num_hidden_layers": True}, "from 1 to 10,000, got true"),
        ({"num_hidden_layers": "32"}, "from 1 to 10,000, got '32'"),
        ({"num_hidden_layers": None}, f"{LAYERS} is missing; it must be an integer from 1"),
        ({"num_attention_heads": 0}, "must be an integer from 1 to 65,536, got 0"),
        ({"num_attention_heads": -8}, "from 1 to 65,536, got -8"),
        ({"num_attention_heads": [32]}, "from 1 to 65,536, got [32]"),
        ({"num_key_value_heads": 7}, "must be a divisor of the 32 attention heads, got 7"),
        ({"hidden_size": 4097}, 'must be a multiple of the 32 heads, or "head_dim" given'),
        ({"hidden_size": {}}, '"hidden_size" must be an integer from 1 to 100,000,000, got {}'),
        ({"vocab_size": "absent"}, '"vocab_size" is missing'),
        ({"tie_word_embeddings": 1}, '"tie_word_embeddings" must be true or false, got 1'),
        ({"rope_scaling": "yarn"}, "\"rope_scaling\" must be an object, got 'yarn'"),
        ({"layer_types": ["full_attention"]}, "a list with one entry for each of the 32 layers"),
        ({"layer_types": ["full_attention"] * 31 + ["new"]}, "got 'new'"),
        ({"text_config": 5}, '"text_config" must be an object, got 5'),
        ({"model_type": None}, '"model_type" is missing'),
        ({"model_type": ["llama"]}, "\"model_type\" must be the model's family"),
        ({"model_type": "lama"}, "got 'lama'; closest: llama"),
        ({**SPARSE, "num_experts": 4, "num_experts_per_tok": 8}, "at most the 4 experts, got 8"),
        ({"model_type": "kimi_linear", "routed_expert_hidden_size": 64}, "is not known, got 64"),
        ({"model_type": "nemotron_h", "hybrid_override_pattern": "MX"}, "got 'X'"),
        ({"model_type": "nemotron-nas", "block_configs": [1] * 32}, "must be an object, got 1"),
        ({"model_type": "mamba", "mamba_ssm_dtype": "int3"}, "must be float32 | float16"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_one_line(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read(LLAMA, **changes)
    text = str(caught.value)
    assert text.startswith("config.json: ")
    assert message in text
    assert "\n" not in text
    assert len(text) < 900


def test_an_unknown_family_says_what_to_give_by_hand() -> None:
    with pytest.raises(InvalidInput, match='write "model_type": "custom" with hidden_size, num_'):
        read(LLAMA, model_type="brand_new")


@pytest.mark.parametrize("config", [None, [], "text", 5, True])
def test_a_configuration_is_an_object(config: Any) -> None:
    with pytest.raises(InvalidInput, match="must be an object, got"):
        architecture_from_config(config, origin="config.json")


JSON: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@given(st.sampled_from(COUNTS), st.data())
def test_any_value_anywhere_is_read_or_refused(row: Any, data: st.DataObject) -> None:
    config = dict(row[1])
    for key in data.draw(st.lists(st.sampled_from(sorted(config)), max_size=3)):
        config[key] = data.draw(JSON | st.integers(-2, 40))
    try:
        model = architecture_from_config(config, origin="config.json")
    except InvalidInput as error:
        assert "\n" not in str(error)  # noqa: PT017  both outcomes are right
    else:
        assert model.parameters > 0
        assert model.cache_bytes(100, bytes_per_value=2) >= 0


# --- hostile files


def refused(path: Path | str) -> str:
    with pytest.raises(InvalidInput) as caught:
        architecture_from_path(path)
    text = str(caught.value)
    assert "\n" not in text
    return text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "must be JSON, got Expecting value at line 1 column 1"),
        (b'{"model_type": "llama", "hidd', "must be JSON, got Unterminated string"),
        (b"[" * 200_000, "must be JSON, got values nested too deeply"),
        (b'{"a":' * 200_000, "must be JSON, got values nested too deeply"),
        (b'{"a": "' + b"x" * 5_000_000 + b'"}', "must be at most 5,000,000 bytes, got more"),
        (b'{"a": ' + b"9" * 10_000 + b"}", "must be JSON, got a number with too many digits"),
        (b'{"a": "\xff"}', "must be UTF-8 text, got byte 0xff at 7"),
        (b"\x00\x00", "must be JSON"),
        (b"[1, 2]", "must be an object, got [1, 2]"),
        (b'"llama"', "must be an object, got 'llama'"),
        (b'{"num_hidden_layers": NaN, "model_type": "llama"}', '"hidden_size" is missing'),
    ],
    ids=lambda value: repr(value[:12]) if isinstance(value, bytes) else "",
)
def test_a_broken_file_is_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(content)
    text = refused(path)
    assert text.startswith(f"{path}: ")
    assert message in text


def test_a_file_or_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(LLAMA).encode())
    assert architecture_from_path(path) == architecture_from_path(str(tmp_path)) == read(LLAMA)


def test_places_without_a_configuration(tmp_path: Path) -> None:
    loop, pipe = tmp_path / "loop", tmp_path / "pipe"
    loop.symlink_to(loop)
    os.mkfifo(pipe)
    for path in (tmp_path, tmp_path / "absent", loop, pipe, "/dev/zero", ""):
        assert "must be a" in refused(path)
    assert "must be a" in refused("nul\0byte")
    assert "must be a" in refused("x" * 5000)
    assert "line\\nbreak" in refused("line\nbreak")

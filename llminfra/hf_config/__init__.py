"""Turns a Hugging Face ``config.json`` into an `Architecture`.

One adapter per model family says how the family's class reads its configuration. A configuration
is data from outside: whatever is wrong with it becomes one `InvalidInput` line that names file,
key, value and what is expected.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from llminfra.architecture import Architecture, StoredWeights
from llminfra.architecture.beside import NO_DRAFT
from llminfra.errors import InvalidInput, closest
from llminfra.hf_config import elders, families, hybrids, newer, rare
from llminfra.hf_config.beside import (
    PLAIN_PROJECTOR,
    TOWER_KEYS,
    draft,
    published_tower,
    towers,
)
from llminfra.hf_config.decoder import Style, StyleOf, decoder
from llminfra.hf_config.fields import Fields, brief
from llminfra.hf_config.heads import DRAFT_VOCABULARY, drafting_head
from llminfra.hf_config.nested import CLASS_DEFAULTS, ENCODERS
from llminfra.hf_config.quantization import MLX, of_producer, stored_weights

__all__ = ["architecture_from_config", "architecture_from_path", "model_types", "stored_as"]

MAX_CONFIG_BYTES: Final = 5_000_000

_STYLES: Final[dict[str, Style | StyleOf]] = {
    **families.DECODERS,
    **elders.ELDERS,
    **hybrids.HYBRIDS,
    **rare.RARE,
    **newer.NEWER,
}
_SAME_AS: Final = {
    **newer.SAME_AS,
    **families.SAME_AS,
    **elders.SAME_AS,
    **hybrids.SAME_AS,
    **rare.SAME_AS,
}
# Where multimodal configurations keep the language model.
_TEXT_KEYS: Final = (
    *("text_config", "llm_config", "language_config", "thinker_config"),
    *("language_model_config", "llm", "text_model_config", "transformer_layer_config"),
)
_INHERITED: Final = (
    *("model_type", "tie_word_embeddings", "quantization_config", "quantization"),
    *("dtype", "torch_dtype", "architectures", DRAFT_VOCABULARY),
)
# Files of 32 bits, and what others hold of a weight that is not quantised.
_WIDE: Final = "float32"
_WIDE_BITS: Final = 32.0
_PLAIN_BITS: Final = 16.0
_BY_HAND: Final = (
    'for a model built like Llama write "model_type": "custom" with hidden_size, '
    "num_hidden_layers, num_attention_heads, intermediate_size and vocab_size, and what differs "
    "of num_key_value_heads, head_dim, tie_word_embeddings, qkv_bias, qk_norm, gated_mlp, "
    "sliding_window, num_experts, num_experts_per_tok, moe_intermediate_size, num_shared_experts, "
    "first_k_dense_replace, kv_lora_rank"
)


def model_types() -> list[str]:
    """Return the values of ``model_type`` that have an adapter.

    Examples
    --------
    >>> "llama" in model_types()
    True
    """
    return sorted({*_STYLES, *_SAME_AS})


def architecture_from_config(config: Mapping[str, Any], *, origin: str) -> Architecture:
    """Read the fields of a ``config.json``.

    Parameters
    ----------
    config : mapping
        The configuration as published; unknown keys are ignored, and of a multimodal model only
        the language tower is read.
    origin : str
        File or model id, for messages.

    Returns
    -------
    Architecture

    Raises
    ------
    InvalidInput
        If the family is not known or a value is missing or impossible.

    Examples
    --------
    >>> config = {"model_type": "llama", "hidden_size": 8192, "intermediate_size": 28672,
    ...           "num_attention_heads": 64, "num_key_value_heads": 8, "num_hidden_layers": 80,
    ...           "vocab_size": 128256}
    >>> architecture_from_config(config, origin="example").parameters
    70553706496
    """
    if not isinstance(config, Mapping):
        raise InvalidInput(f"{origin}: must be an object, got {brief(config)}")
    text, beside = _language_tower(config, origin)
    model_type = text.get("model_type")
    if not isinstance(model_type, str) or not model_type:
        raise Fields(text, origin).wrong("model_type", f"the model's family; {_BY_HAND}")
    style = _STYLES.get(_SAME_AS.get(model_type, model_type))
    if style is None and model_type.lower() in ENCODERS:
        raise InvalidInput(
            f'{origin}: key "model_type" must be that of a language model that writes word by '
            f"word, got {brief(model_type)}, {ENCODERS[model_type.lower()]}; its memory is that of "
            "its parameters, without a cache"
        )
    if style is None:
        near = ", ".join(closest(model_type[:40], model_types()))
        raise InvalidInput(
            f'{origin}: key "model_type" must be a known family, got {brief(model_type)}; '
            f"closest: {near}; {_BY_HAND}"
        )
    fields = Fields(text, origin)
    style = style if isinstance(style, Style) else style(fields)
    read = fields.with_defaults(style.defaults)
    model = decoder(read, style, model_type)
    if heads := drafting_head(text, model):
        return heads
    found = towers(beside, model.hidden_size, origin)
    model = replace(model, towers=found, draft=draft(read, model))
    stored = stored_weights(fields, model)
    # Files converted to MLX, and those saved from the text model alone, have no drafting layers.
    is_cut = model_type.endswith("_text") and "ForCausalLM" in str(text.get("architectures"))
    if is_cut or (stored and stored.words.endswith(f"({MLX})")):
        model = replace(model, draft=NO_DRAFT)
    plain = _WIDE_BITS if _WIDE in (text.get("dtype"), text.get("torch_dtype")) else _PLAIN_BITS
    return replace(model, stored_weights=stored, plain_bits=plain)


def _language_tower(
    config: Mapping[str, Any], origin: str
) -> tuple[Mapping[str, Any], dict[str, Any]]:
    """Go down to the language model; what it leaves open, the level above may say.

    Returns the language model's configuration and the sections of the towers beside it, by name.
    """
    beside: dict[str, Any] = {}
    for _ in _TEXT_KEYS:
        beside |= {
            n: _with_projector(config, config[key])
            for key, n in TOWER_KEYS.items()
            if config.get(key) is not None
        }
        key = next((k for k in _TEXT_KEYS if config.get(k) is not None), None)
        if key is None:
            break
        inner = config[key]
        if not isinstance(inner, Mapping):
            raise Fields(config, origin).wrong(key, "an object")
        inherited = {k: config[k] for k in _INHERITED if k in config}
        of_class = CLASS_DEFAULTS.get(str(inner.get("model_type")), {})
        config = {**of_class, **inherited, **inner}
    if (tower := published_tower(config)) is not None:
        beside.setdefault("vision", tower)
    return config, beside


def _with_projector(config: Mapping[str, Any], section: Any) -> Any:
    """The section of a tower, with what the level above says of its projector."""
    told = config.get(PLAIN_PROJECTOR)
    is_told = told is not None and isinstance(section, Mapping)
    return {PLAIN_PROJECTOR: told, **section} if is_told else section


def architecture_from_path(path: Path | str) -> Architecture:
    """Read a ``config.json``, given as the file or as the folder that holds it.

    Parameters
    ----------
    path : path
        File of at most 5 MB, or a folder with a ``config.json``.

    Returns
    -------
    Architecture

    Raises
    ------
    InvalidInput
        If there is no such file, or it is not a configuration.
    """
    shown = str(path) if str(path).isprintable() else ascii(str(path))
    beside = _beside(Path(path))
    return _architecture(_read(Path(path), shown), beside, shown)


@lru_cache(maxsize=16)
def _architecture(data: bytes, beside: bytes, shown: str) -> Architecture:
    """Build each content once: a plan compares many changes of the same model."""
    config = _parse(data, shown)
    if beside and isinstance(config, Mapping) and not config.get("quantization_config"):
        quantized = _parse(beside, "hf_quant_config.json")
        if isinstance(quantized, Mapping):
            config = {**config, "quantization_config": of_producer(quantized)}
    return architecture_from_config(config, origin=shown)


def _beside(path: Path) -> bytes:
    """Read ``hf_quant_config.json``, where a producer put it beside the configuration."""
    try:
        folder = path if path.is_dir() else path.parent
        file = folder / "hf_quant_config.json"
        return _read(file, str(file)) if file.is_file() else b""
    except (OSError, ValueError):
        return b""


def stored_as(section: Mapping[str, Any], model: Architecture, *, origin: str) -> StoredWeights:
    """Read how a checkpoint stores a model from its quantisation section alone."""
    found = stored_weights(Fields({"quantization_config": section}, origin), model)
    if found is None:
        raise InvalidInput(f"{origin}: must be a quantisation section, got an empty one")
    return found


def _read(path: Path, shown: str) -> bytes:
    try:
        file = path / "config.json" if path.is_dir() else path
        if not file.is_file():
            raise InvalidInput(f"{shown}: must be a config.json or a folder that holds one")
        with file.open("rb") as stream:
            data = stream.read(MAX_CONFIG_BYTES + 1)
    except (OSError, ValueError) as error:
        if isinstance(error, InvalidInput):
            raise
        reason = getattr(error, "strerror", None) or "not a path"
        raise InvalidInput(f"{shown}: must be a readable config.json, got: {reason}") from None
    if len(data) > MAX_CONFIG_BYTES:
        raise InvalidInput(f"{shown}: must be at most {MAX_CONFIG_BYTES:,} bytes, got more")
    return data


def _parse(data: bytes, shown: str) -> Any:
    try:
        return json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InvalidInput(
            f"{shown}: must be UTF-8 text, got byte 0x{data[error.start]:02x} at {error.start}"
        ) from None
    except RecursionError:
        raise InvalidInput(f"{shown}: must be JSON, got values nested too deeply") from None
    except json.JSONDecodeError as error:
        reason = error.msg.removesuffix(" at")
        raise InvalidInput(
            f"{shown}: must be JSON, got {reason} at line {error.lineno} column {error.colno}"
        ) from None
    except ValueError:
        raise InvalidInput(f"{shown}: must be JSON, got a number with too many digits") from None

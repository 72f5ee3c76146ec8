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

from llminfra.architecture import Architecture
from llminfra.errors import InvalidInput, closest
from llminfra.hf_config import elders, families, hybrids, rare
from llminfra.hf_config.decoder import Style, StyleOf, decoder
from llminfra.hf_config.fields import Fields, brief
from llminfra.hf_config.quantization import stored_weights

__all__ = ["architecture_from_config", "architecture_from_path", "model_types"]

MAX_CONFIG_BYTES: Final = 5_000_000

_STYLES: Final[dict[str, Style | StyleOf]] = {
    **families.DECODERS,
    **elders.ELDERS,
    **hybrids.HYBRIDS,
    **rare.RARE,
}
_SAME_AS: Final = {**families.SAME_AS, **elders.SAME_AS, **hybrids.SAME_AS, **rare.SAME_AS}
# Where multimodal configurations keep the language model.
_TEXT_KEYS: Final = ("text_config", "llm_config", "language_config", "thinker_config")
_INHERITED: Final = ("model_type", "tie_word_embeddings", "quantization_config")
# Where they keep what stands beside it, which is not counted.
_TOWER_KEYS: Final = {
    "vision_config": "vision",
    "visual": "vision",
    "audio_config": "audio",
    "talker_config": "speech",
}
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
    text, towers = _language_tower(config, origin)
    model_type = text.get("model_type")
    if not isinstance(model_type, str) or not model_type:
        raise Fields(text, origin).wrong("model_type", f"the model's family; {_BY_HAND}")
    style = _STYLES.get(_SAME_AS.get(model_type, model_type))
    if style is None:
        near = ", ".join(closest(model_type[:40], model_types()))
        raise InvalidInput(
            f'{origin}: key "model_type" must be a known family, got {brief(model_type)}; '
            f"closest: {near}; {_BY_HAND}"
        )
    fields = Fields(text, origin)
    style = style if isinstance(style, Style) else style(fields)
    model = decoder(fields.with_defaults(style.defaults), style, model_type)
    return replace(model, other_towers=towers, stored_weights=stored_weights(fields, model))


def _language_tower(
    config: Mapping[str, Any], origin: str
) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    """Go down to the language model; what it leaves open, the level above may say.

    Returns the language model's configuration and the names of the towers beside it.
    """
    towers: dict[str, None] = {}
    for _ in _TEXT_KEYS:
        towers |= {name: None for key, name in _TOWER_KEYS.items() if config.get(key) is not None}
        key = next((k for k in _TEXT_KEYS if config.get(k) is not None), None)
        if key is None:
            break
        inner = config[key]
        if not isinstance(inner, Mapping):
            raise Fields(config, origin).wrong(key, "an object")
        inherited = {k: config[k] for k in _INHERITED if k in config}
        config = {**inherited, **inner}
    return config, tuple(towers)


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
    return _architecture(_read(Path(path), shown), shown)


@lru_cache(maxsize=16)
def _architecture(data: bytes, shown: str) -> Architecture:
    """Build each content once: a plan compares many changes of the same model."""
    return architecture_from_config(_parse(data, shown), origin=shown)


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

"""What models and formats are called: ids of the catalogue, paths, words of other tools."""

import os
import re
from pathlib import Path
from typing import Any, Final

from llminfra.architecture import Architecture
from llminfra.catalog import facts as catalog
from llminfra.catalog.facts import Facts
from llminfra.catalog.loader import ids, model_entries
from llminfra.errors import InvalidInput, closest, shown
from llminfra.hf_config import architecture_from_path

_HUB_ID: Final = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
# Names that tools and files give to formats, and the precision that counts them here.
_WORDS: Final[dict[str, str]] = {
    **dict.fromkeys(("awq", "gptq", "w4a16", "auto-round", "autoround", "gptq-int4"), "int4"),
    **dict.fromkeys(("int4-awq", "awq-int4", "int4-gptq", "awq_marlin", "gptq_marlin"), "int4"),
    **dict.fromkeys(("w4a8", "4-bit", "awq-4bit", "gptq-4bit", "qat-int4", "hqq4"), "int4"),
    **dict.fromkeys(("bnb", "bitsandbytes", "nf4", "exl2", "exl3", "hqq", "4bit", "u4"), "int4"),
    **dict.fromkeys(("bnb-4bit", "bnb-nf4", "mlx-4bit", "4bpw", "4.0bpw", "marlin"), "int4"),
    **dict.fromkeys(("bnb-8bit", "mlx-8bit"), "int8"),
    **dict.fromkeys(("w8a8", "w8a16", "gptq-int8", "8bit", "8-bit", "smoothquant"), "int8"),
    **dict.fromkeys(("fp8_e4m3", "e4m3", "fp8-dynamic", "fp8_block", "w8a8-fp8", "mxfp8"), "fp8"),
    **dict.fromkeys(("fp4", "nvfp4-awq", "w4a4", "nvfp4a16"), "nvfp4"),
    **dict.fromkeys(("qat-q4_0", "q4_0-qat"), "q4_0"),
    **dict.fromkeys(("f32", "float32"), "fp32"),
    **dict.fromkeys(("f16", "float16", "half"), "fp16"),
    **dict.fromkeys(("bfloat16", "16bit"), "bf16"),
    **dict.fromkeys(("q4", "q4_k", "q4_k_l"), "q4_k_m"),
    **dict.fromkeys(("q5", "q5_k", "q5_k_l"), "q5_k_m"),
    **dict.fromkeys(("q3", "q3_k"), "q3_k_m"),
    **dict.fromkeys(("q2", "q2_k_l", "q2_k_s"), "q2_k"),
    "q8": "q8_0",
    **dict.fromkeys(("q6", "q6_k_l"), "q6_k"),
    **{f"q{n}_k_xl": f"ud-q{n}_k_xl" for n in (2, 3, 4, 5, 6, 8)},
    **dict.fromkeys(("mxfp4_moe",), "mxfp4"),
}
_CACHE_WORDS: Final[dict[str, str]] = {
    **dict.fromkeys(("fp8_e4m3", "fp8_e5m2", "fp8_ds_mla", "e4m3"), "fp8"),
    **dict.fromkeys(("f16", "float16", "half"), "fp16"),
    **dict.fromkeys(("bfloat16", "16bit"), "bf16"),
    **dict.fromkeys(("int8_per_token_head", "int8_per_token"), "int8"),
    **dict.fromkeys(("fp4", "nvfp4_ds_mla"), "nvfp4"),
    "q8": "q8_0",
    "q4": "q4_0",
}

# Names of engines as tools write them, and programs that run one of them.
_ENGINE_WORDS: Final[dict[str, str]] = {
    **dict.fromkeys(("trtllm", "trt-llm", "tensorrtllm", "tensorrt_llm"), "tensorrt-llm"),
    **dict.fromkeys(("llamacpp", "llama-cpp", "llama_cpp", "llama-server"), "llama.cpp"),
    **dict.fromkeys(("ollama", "lm studio", "lm-studio", "lmstudio", "llamafile"), "llama.cpp"),
    **dict.fromkeys(("koboldcpp", "llama-cpp-python"), "llama.cpp"),
}


def common_engine(value: Any) -> Any:
    """Return our name of an engine, or the value as it is.

    Examples
    --------
    >>> common_engine("LM Studio"), common_engine("trtllm"), common_engine("vLLM")
    ('llama.cpp', 'tensorrt-llm', 'vllm')
    """
    if not isinstance(value, str):
        return value
    name = value.strip().lower()
    return _ENGINE_WORDS.get(name, name if name in catalog.engines() else value)


def common_name(value: Any, *, cache: bool = False) -> Any:
    """Return our name of a format, or the value as it is.

    Examples
    --------
    >>> common_name("AWQ"), common_name("Q4_K_M"), common_name("fp8_ds_mla", cache=True)
    ('int4', 'q4_k_m', 'fp8')
    """
    if not isinstance(value, str):
        return value
    name = value.strip().lower()
    words = _CACHE_WORDS if cache else _WORDS
    # Files of single producers carry a word in front; one mix of theirs has a name of its own.
    plain = name if name.endswith("_xl") else name.removeprefix("ud-")
    return words.get(plain, plain)


def is_path(model: str) -> bool:
    """Tell a path of a config.json or its folder from a catalogue id."""
    return "/" in model or "\\" in model or model.endswith(".json") or model in (".", "..")


def is_hub_id(model: str) -> bool:
    """Tell an id of Hugging Face, owner and name, from a path."""
    return bool(_HUB_ID.fullmatch(model)) and not model.endswith(".json")


def found_model(model: str, facts: Facts | None = None) -> Architecture:
    """Return the architecture of an id or of a path's config.json; with facts the read is noted."""
    if is_path(model):
        return architecture_from_path(Path(model))
    return facts.model(model) if facts else catalog.architecture(model)


def model_named(name: str, field: str, facts: Facts | None = None) -> Architecture:
    """Return the architecture that a field beside `model` names; raise InvalidInput for none.

    Examples
    --------
    >>> model_named("lama-3.1-8b", "draft_model")
    Traceback (most recent call last):
        ...
    llminfra.errors.InvalidInput: draft_model must be a known id or the path of a config.json, \
got 'lama-3.1-8b'; closest: llama-3.1-8b, llama-3-8b, llama-3.1-70b
    """
    if not is_path(name) and name not in ids("model"):
        raise InvalidInput(
            f"{field} must be a known id or the path of a config.json, got {shown(name, 200)}; "
            f"closest: {', '.join(closest(name, ids('model')))}",
            field=field,
        )
    return found_model(name, facts)


def own_precision(model: str) -> str | None:
    """Return the precision of the model's checkpoint; None where it is one of 16 bits."""
    try:
        stored = found_model(model).stored_weights
    except (InvalidInput, OSError, KeyError, ValueError):  # the check of the scenario says so
        return None
    return next(iter(stored.precisions), None) if stored else None


def exists(model: str) -> bool:
    """Tell whether a path of a model is there."""
    try:
        return is_path(model) and Path(model).exists()
    except (OSError, ValueError):  # too long for the system, or a NUL in it
        return False


def absolute_model(model: Any, folder: Path) -> Any:
    """Make a path absolute, for kernels run elsewhere; ids, also of Hugging Face, stay."""
    if not isinstance(model, str) or not is_path(model):
        return model
    path = os.path.abspath(folder / model)
    return model if is_hub_id(model) and not exists(path) else path


def model_name(model: str) -> str:
    """Return the name to print for a model id or path."""
    if not is_path(model):
        return str(model_entries()[model]["name"])
    path = Path(model).absolute()
    return path.parent.name if path.suffix == ".json" else path.name

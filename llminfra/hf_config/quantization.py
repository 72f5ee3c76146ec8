"""Reads the ``quantization_config`` of a checkpoint: which precisions count what it stores.

Layouts of the section: https://huggingface.co/docs/transformers/main_classes/quantization and, for
compressed-tensors and modelopt, what vLLM's loaders of the same names read.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from llminfra.architecture import Architecture, StoredWeights
from llminfra.hf_config.fields import Fields, brief

_INTEGERS: Final = {4: ("int4",), 8: ("int8",)}
_FP8: Final = ("fp8", "fp8-mlp")
_ALGORITHMS: Final = {
    "FP8": _FP8,
    "FP8_PER_CHANNEL_PER_TOKEN": _FP8,
    "NVFP4": ("nvfp4",),
    "NVFP4_AWQ": ("nvfp4",),
    "W4A16_AWQ": ("int4",),
    "W4A8_AWQ": ("int4",),
    "W8A16": ("int8",),
    "W8A8_SQ_PER_CHANNEL": ("int8",),
}
# Lists of what is not quantised, and the weight groups that a pattern there names whole.
_EXCEPTIONS: Final = ("ignore", "modules_to_not_convert", "exclude_modules", "ignored_layers")
_NAMED: Final = {
    r"(self_attn|attention)[^A-Za-z]*$": ("attention", "kv_projection", "latent", "indexer"),
    r"(linear_attn|mamba|mixer)[^A-Za-z]*$": ("recurrent",),
    r"shared_experts?[^A-Za-z]*$": ("shared_experts",),
    r"mlp\\?\.\(?(gate|up|down)[^.]*_proj": ("dense_mlp",),
}
_SCALE_BITS: Final = 16


def stored_weights(f: Fields, model: Architecture) -> StoredWeights | None:
    """Return the format that the section states, None where there is none."""
    section = f.section("quantization_config")
    if not f.raw("quantization_config"):
        return None
    is_bare = any(section.has(key) for key in ("load_in_4bit", "load_in_8bit"))
    method = section.raw("quant_method") or ("bitsandbytes" if is_bare else None)
    if method is None:
        return StoredWeights("quantized without saying how (quant_method is missing)")
    if not isinstance(method, str):
        raise section.wrong("quant_method", "the name of a method, such as awq")
    if method not in _METHODS:
        return StoredWeights(f"in a format that is not known here ({brief(method)})")
    return replace(_METHODS[method](section), kept=_kept(section, model.n_layers))


def _kept(section: Fields, n_layers: int) -> frozenset[str]:
    """Groups that an exception names in all layers, or in most of them one by one."""
    patterns = [p for key in _EXCEPTIONS for p in section.raw(key) or () if isinstance(p, str)]
    found: set[str] = set()
    for name, groups in _NAMED.items():
        layers = [re.search(r"layers\.(\d+)\.", p) for p in patterns if re.search(name, p)]
        numbers = {layer[1] for layer in layers if layer}
        if None in layers or 2 * len(numbers) >= n_layers:
            found.update(groups)
    return frozenset(found)


def _in_bits(method: str, bits: int, group: object = None, zero_bits: int = 0) -> StoredWeights:
    """Integers whose groups share a scale and, where they are not symmetric, a zero."""
    each = None
    if isinstance(group, int) and group > 0:
        each = bits + (_SCALE_BITS + zero_bits) / group
    return StoredWeights(
        f"integers of {bits} bits ({method})", _INTEGERS.get(bits, ()), bits_per_weight=each
    )


def _integers(method: str) -> Callable[[Fields], StoredWeights]:
    def read(s: Fields) -> StoredWeights:
        bits = s.need("w_bit" if s.has("w_bit") else "bits")
        group = s.raw("q_group_size" if s.has("q_group_size") else "group_size")
        is_symmetric = s.raw("sym") is True or s.raw("zero_point") is False
        return _in_bits(method, bits, group, 0 if is_symmetric else bits)

    return read


def _fixed(words: str, precisions: tuple[str, ...]) -> Callable[[Fields], StoredWeights]:
    return lambda s: StoredWeights(words, precisions)


def _bitsandbytes(s: Fields) -> StoredWeights:
    four, eight = s.flag("load_in_4bit"), s.flag("load_in_8bit")
    if not (four or eight):
        return StoredWeights("quantized without saying to how many bits (bitsandbytes)")
    return _in_bits("bitsandbytes", 4 if four else 8)


def _compressed(s: Fields) -> StoredWeights:
    """Groups of layers, each with a format; several formats are no precision."""
    groups = s.raw("config_groups")
    if not isinstance(groups, Mapping) or not groups:
        raise s.wrong("config_groups", "an object with a group of layers")
    of_groups = Fields(groups, f"{s.origin}: config_groups")
    found = {_group(of_groups.section(name), s.raw("format")) for name in groups}
    return found.pop() if len(found) == 1 else StoredWeights("of mixed bits (compressed-tensors)")


def _group(group: Fields, packing: object) -> StoredWeights:
    weights = group.section("weights")
    bits, kind = weights.need("num_bits"), weights.raw("type")
    if kind not in (None, "int", "float"):
        raise weights.wrong("type", "int or float")
    if kind != "float":
        zero_bits = bits if weights.raw("symmetric") is False else 0
        return _in_bits("compressed-tensors", bits, weights.raw("group_size"), zero_bits)
    four = ("mxfp4",) if str(packing).startswith("mxfp4") else ("nvfp4",)
    words = f"floating-point numbers of {bits} bits (compressed-tensors)"
    return StoredWeights(words, {4: four, 8: _FP8}.get(bits, ()))


def _modelopt(s: Fields) -> StoredWeights:
    algorithm = s.raw("quant_algo")
    if algorithm is not None and not isinstance(algorithm, str):
        raise s.wrong("quant_algo", "the name of an algorithm, such as FP8")
    return StoredWeights(f"{brief(algorithm)} (modelopt)", _ALGORITHMS.get(algorithm or "", ()))


_METHODS: Final[dict[str, Callable[[Fields], StoredWeights]]] = {
    "gptq": _integers("gptq"),
    "awq": _integers("awq"),
    "fp8": _fixed("FP8 (fp8)", _FP8),
    "fbgemm_fp8": _fixed("FP8 (fbgemm_fp8)", _FP8),
    "mxfp4": _fixed("MXFP4 (mxfp4)", ("mxfp4",)),
    "bitsandbytes": _bitsandbytes,
    "compressed-tensors": _compressed,
    "modelopt": _modelopt,
    "modelopt_fp4": _modelopt,
}

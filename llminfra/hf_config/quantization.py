"""Reads how a checkpoint is quantised: sections of many tools, one scheme.

Layouts of the sections: https://huggingface.co/docs/transformers/main_classes/quantization and, for
compressed-tensors, modelopt, quark and auto-round, what vLLM's loaders of the same names read.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from llminfra.architecture import Architecture, StoredWeights
from llminfra.hf_config.fields import Fields, brief
from llminfra.hf_config.patterns import Patterns
from llminfra.hf_config.scheme import (
    FP8,
    MXFP4,
    MXFP8,
    NVFP4,
    ROW,
    SCALE_BITS,
    Format,
    Rule,
    Scheme,
    by_format,
    in_bits,
    prefixes_in,
    stored,
)

MLX: Final = "MLX"
# Lists of what is not quantised: those of modelopt, which also quantises anew, and of the others.
_UNTOUCHED: Final = ("ignore", "exclude_modules")
_PLAIN: Final = (
    *("modules_to_not_convert", "ignored_layers", "exclude"),
    *("llm_int8_skip_modules", "skip_modules"),
)
_EXCEPTIONS: Final = (*_UNTOUCHED, *_PLAIN)
_EXPERTS: Final = r"re:.*\bexperts\..*"
_SECTIONS: Final = ("quantization_config", "quantization", "compression_config")
_CACHES: Final = {"FP8": "fp8", "NVFP4": "nvfp4", "INT8": "int8"}


def stored_weights(f: Fields, model: Architecture) -> StoredWeights | None:
    """Return the format that the section states, None where there is none."""
    key = next((key for key in _SECTIONS if f.raw(key)), None)
    if key is None:
        return None
    section, name = f.section(key), "expert_dtype"
    if f.has(name) and not section.has(name):  # DeepSeek V4 says it beside its section.
        section = Fields({**dict(section.items()), name: f.raw(name)}, section.origin)
    is_mlx = bool(f.raw("quantization")) or section.has("mode")
    method = _method(section, is_mlx=is_mlx)
    if method is None:
        keys = ", ".join(list(map(str, f.raw(key)))[:3])
        return StoredWeights(
            "quantized without saying how (neither quant_method nor quant_algo; keys: "
            f"{brief(keys)})"
        )
    if method not in _METHODS:
        return StoredWeights(f"in a format that is not known here ({brief(method)})")
    scheme = _METHODS[method](section)
    if isinstance(scheme, StoredWeights):
        return scheme
    return stored(scheme, model, prefixes_in(str(f.raw(key))))


def _method(s: Fields, *, is_mlx: bool) -> str | None:
    """Name of the method, from what the section has where it does not say."""
    method = s.raw("quant_method")
    if method is not None and not isinstance(method, str):
        raise s.wrong("quant_method", "the name of a method, such as awq")
    if method:
        name = method.removesuffix("_marlin").replace("auto_round", "auto-round").lower()
        return "auto-round" if name.endswith("/auto-round") else name
    signs = {
        "bitsandbytes": ("load_in_4bit", "load_in_8bit"),
        "modelopt": ("quant_algo", "quantized_layers"),
        "compressed-tensors": ("config_groups",),
        "quark": ("global_quant_config",),
    }
    found = (name for name, keys in signs.items() if any(s.has(key) for key in keys))
    return next(found, "mlx" if is_mlx and s.has("bits") else None)


def _kept(s: Fields, keys: Iterable[str] = _EXCEPTIONS) -> tuple[Rule, ...]:
    """What exceptions leave in 16 bits."""
    listed = [name for key in keys for name in _texts(s.raw(key))]
    return (Rule(Patterns(listed), None),)


def _texts(value: object) -> list[str]:
    return [x for x in value if isinstance(x, str)] if isinstance(value, list | tuple) else []


def _integers(method: str) -> Callable[[Fields], Scheme]:
    def read(s: Fields) -> Scheme:
        bits = s.need("w_bit" if s.has("w_bit") else "bits")
        group = s.raw("q_group_size" if s.has("q_group_size") else "group_size")
        is_symmetric = s.raw("sym") is True or s.raw("zero_point") is False
        zero = 0 if is_symmetric else bits
        own = _own_rules(s, group, is_symmetric)
        return Scheme(
            in_bits(bits, group, zero), (*own, *_kept(s)), source=method, head=s.flag("lm_head")
        )

    return read


def _own_rules(s: Fields, group: object, is_symmetric: bool) -> list[Rule]:
    """Modules with bits of their own: GPTQ's `dynamic`, auto-round's `extra_config`."""
    rules = []
    for key in ("dynamic", "extra_config"):
        found = s.raw(key)
        for name, given in found.items() if isinstance(found, Mapping) else ():
            own = given if isinstance(given, Mapping) else {}
            bits = own.get("bits", 16 if str(name).startswith("-:") else None)
            if type(bits) is not int:
                continue
            size = own.get("group_size", group)
            form = None if bits >= 16 else in_bits(bits, size, 0 if is_symmetric else bits)
            rules.append(Rule(Patterns([name]), form))
    return rules


def _fixed(source: str, form: Format) -> Callable[[Fields], Scheme]:
    def read(s: Fields) -> Scheme:
        block = s.raw("weight_block_size")
        scaled = form
        if isinstance(block, list) and len(block) == 2 and all(type(n) is int for n in block):
            scaled = form._replace(bits=form.bits + 32 / max(block[0] * block[1], 1))
        packed = [Rule(Patterns([_EXPERTS]), MXFP4)] if s.raw("expert_dtype") == "fp4" else []
        # What a tool that quantises anew leaves alone stays in the format that it had.
        untouched = _kept(s, _UNTOUCHED)[0].patterns
        requantised = [rule._replace(unless=untouched) for rule in _listed(s)]
        kept = _kept(s, _PLAIN if requantised else _EXCEPTIONS)
        rules = (*requantised, *kept, *packed)
        return Scheme(scaled, rules, source=source, kv_precision=_cache(s))

    return read


def _quanto(s: Fields) -> Scheme:
    """Weights in the width that their word ends with: int2, int4, int8 or float8."""
    word = str(s.raw("weights") or "int8")
    bits = int(word[-1]) if word[-1:].isdigit() else 8
    form = FP8 if word == "float8" else in_bits(bits)
    return Scheme(form, _kept(s), source="quanto")


def _bitsandbytes(s: Fields) -> Scheme | StoredWeights:
    four, eight = s.flag("load_in_4bit"), s.flag("load_in_8bit")
    if not (four or eight):
        return StoredWeights("quantized without saying to how many bits (bitsandbytes)")
    if eight:
        return Scheme(in_bits(8), _kept(s), source="bitsandbytes", vision=True)
    bits = 4 + (8 / 64 + 32 / (64 * 256) if s.flag("bnb_4bit_use_double_quant") else 32 / 64)
    form = Format("numbers of 4 bits", bits, "int4")
    return Scheme(form, _kept(s), source="bitsandbytes", vision=True)


def _compressed(s: Fields) -> Scheme:
    """Groups of modules, each with a format."""
    groups = s.raw("config_groups")
    if not isinstance(groups, Mapping) or not groups:
        raise s.wrong("config_groups", "an object with a group of layers")
    of_groups = Fields(groups, f"{s.origin}: config_groups")
    rules, default = [], None
    for name in groups:
        group = of_groups.section(name)
        form = _group(group, group.raw("format") or s.raw("format"))
        targets = _texts(group.raw("targets")) or ["Linear"]
        if "Linear" in targets:
            default = form
        rules.append(Rule(Patterns([t for t in targets if t != "Linear"]), form))
    source = "compressed-tensors"
    cache = _cache(s)
    kept = (*_kept(s), *rules)
    return Scheme(default, kept, head=True, vision=True, source=source, kv_precision=cache)


def _group(group: Fields, packing: object) -> Format:
    weights = group.section("weights")
    bits, kind = weights.need("num_bits"), weights.raw("type")
    if kind not in (None, "int", "float"):
        raise weights.wrong("type", "int or float")
    size = weights.raw("group_size")
    if kind != "float":
        zero_bits = bits if weights.raw("symmetric") is False else 0
        return in_bits(bits, size, zero_bits)
    if bits == 4:
        return MXFP4 if str(packing).startswith("mxfp4") or size == 32 else NVFP4
    if bits == 8:
        block = weights.raw("block_structure")
        is_block = isinstance(block, list) and len(block) == 2
        return MXFP8 if size == 32 else FP8._replace(bits=8.002 if is_block else 8.0)
    return Format(f"floating-point numbers of {bits} bits", bits + SCALE_BITS / ROW)


def _modelopt(s: Fields) -> Scheme | StoredWeights:
    algorithm = s.raw("quant_algo")
    if algorithm is not None and not isinstance(algorithm, str):
        raise s.wrong("quant_algo", "the name of an algorithm, such as FP8")
    own, cache = _listed(s), _cache(s)
    rules = (*_kept(s), *own)
    if own and (algorithm or "").upper() in ("", "MIXED_PRECISION"):
        return Scheme(None, rules, source="modelopt", kv_precision=cache)
    form = _algorithm(algorithm, s.raw("group_size"))
    if form is None:
        return StoredWeights(f"{brief(algorithm)} (modelopt)", kv_precision=cache)
    return Scheme(form, rules, source="modelopt", kv_precision=cache)


def _listed(s: Fields) -> list[Rule]:
    """Modules that the section lists with algorithms of their own, and its routed experts."""
    listed = s.raw("quantized_layers")
    own = [
        Rule(Patterns([name]), _algorithm(given.get("quant_algo"), given.get("group_size")))
        for name, given in (listed.items() if isinstance(listed, Mapping) else ())
        if isinstance(given, Mapping)
    ]
    return [*by_format(own), *_routed(s)]


def _routed(s: Fields) -> list[Rule]:
    """The algorithm of the routed experts."""
    form = _algorithm(s.raw("moe_quant_algo"), s.raw("group_size"))
    return [Rule(Patterns([_EXPERTS]), form)] if form else []


def _algorithm(name: object, group: object = None) -> Format | None:
    """Format of an algorithm's weights, by the words in its name."""
    text = str(name).upper()
    for word, form in (("MXFP8", MXFP8), ("MXFP4", MXFP4), ("NVFP4", NVFP4), ("FP8", FP8)):
        if word in text and not text.startswith("W4A8_AWQ"):
            return form
    if text.startswith(("W4A16", "W4A8", "INT4")):
        return in_bits(4, group or 128)
    if text.startswith(("W8A16", "W8A8", "INT8")):
        return in_bits(8)
    return None


def _quark(s: Fields) -> Scheme | StoredWeights:
    form = _quark_format(s.section("global_quant_config"))
    if form is None:
        return StoredWeights("in a format that is not known here (quark)")
    layers = s.raw("layer_quant_config")
    found = Fields(layers, s.origin) if isinstance(layers, Mapping) else None
    rules = [
        Rule(Patterns([name]), _quark_format(found.section(name)))
        for name in (layers if found and isinstance(layers, Mapping) else ())
        if found and isinstance(found.raw(name), Mapping)
    ]
    told = str(s.raw("kv_cache_quant_config") or "") + str(s.raw("export") or "")
    cache = "fp8" if "kv" in told and "fp8" in told else None
    kept = (*rules, *_kept(s))
    return Scheme(form, kept, source="quark", vision=True, head=True, kv_precision=cache)


def _quark_format(s: Fields) -> Format | None:
    weight = s.raw("weight")
    if isinstance(weight, list) and weight:
        weight = weight[-1]
    if not isinstance(weight, Mapping):
        return None
    dtype, group = str(weight.get("dtype", "")), weight.get("group_size")
    if "fp4" in dtype or dtype == "mxfp4":
        return MXFP4
    if "fp8" in dtype:
        return FP8
    bits = {"int4": 4, "uint4": 4, "int8": 8, "uint8": 8}.get(dtype)
    return None if bits is None else in_bits(bits, group, bits * dtype.startswith("u"))


def _mlx(s: Fields) -> Scheme:
    """Apple's format: groups with a 16-bit scale and bias; embeddings and head too."""
    bits = s.need("bits")
    form = _mlx_format(bits, s.get("group_size", 64, low=1), s.raw("mode"))
    rules = []
    for name, own in s.items():
        if own is False:
            rules.append(Rule(Patterns([name]), None))
        elif isinstance(own, Mapping) and type(own.get("bits")) is int:
            size = own.get("group_size", 64)
            rules.append(Rule(Patterns([name]), _mlx_format(own["bits"], size, own.get("mode"))))
    return Scheme(form, tuple(rules), embeds=True, head=True, source=MLX)


def _mlx_format(bits: int, group: object, mode: object) -> Format:
    if str(mode).startswith("mxfp4"):
        return MXFP4
    return in_bits(bits, group, SCALE_BITS)


def _torchao(s: Fields) -> Scheme | StoredWeights:
    text = str(s.raw("quant_type") or "").lower()
    if "int4" in text:
        found = re.search(r"group_size\D{1,4}(\d+)", text)
        form = in_bits(4, int(found[1]) if found else 128, SCALE_BITS)
    elif "nvfp4" in text:
        form = NVFP4
    elif "float8" in text or "fp8" in text:
        form = FP8
    elif "int8" in text:
        form = in_bits(8)
    else:
        return StoredWeights(f"in a format that is not known here (torchao: {brief(text)})")
    return Scheme(form, _kept(s), source="torchao")


def _fp_quant(s: Fields) -> Scheme:
    is_nv = str(s.raw("forward_dtype")).lower().startswith("nv")
    return Scheme(NVFP4 if is_nv else MXFP4, _kept(s), source="fp_quant")


def _aqlm(s: Fields) -> Scheme:
    """Codes that stand for groups of weights."""
    codes = s.get("nbits_per_codebook", 16, low=1) * s.get("num_codebooks", 1, low=1)
    bits = codes / s.get("in_group_size", 8, low=1)
    return Scheme(Format(f"codes of {bits:g} bits", bits, "int4"), _kept(s), source="aqlm")


def _hqq(s: Fields) -> Scheme:
    weights = s.section("quant_config").section("weight_quant_params")
    bits = weights.maybe("nbits") or s.need("bits")
    return Scheme(in_bits(bits, weights.raw("group_size"), SCALE_BITS), _kept(s), source="hqq")


def _exl(source: str) -> Callable[[Fields], Scheme]:
    """Trellis codes of a mean number of bits, which need not be whole; the head has its own."""

    def read(s: Fields) -> Scheme:
        bits = s.raw("bits")
        if type(bits) not in (int, float) or not 1 <= bits <= 8:
            raise s.wrong("bits", "a number from 1 to 8")
        form = Format(f"codes of {bits:g} bits", float(bits), "int4")
        head = s.raw("head_bits")
        rules = (
            (Rule(Patterns(["lm_head"]), form._replace(bits=float(head))),)
            if type(head) in (int, float)
            else ()
        )
        return Scheme(form, rules, source=source)

    return read


def _cache(s: Fields) -> str | None:
    """Precision of the cache that the section asks for."""
    for key in ("kv_cache_scheme", "kv_cache_quant_algo", "kv_cache_quant_method"):
        value = s.raw(key)
        if isinstance(value, str):
            return _CACHES.get(value.upper().removesuffix("_CAST"))
        if isinstance(value, Mapping):
            bits, kind = int(value.get("num_bits") or 0), str(value.get("type"))
            return {(8, "float"): "fp8", (4, "float"): "nvfp4", (8, "int"): "int8"}.get(
                (bits, kind)
            )
    return None


_METHODS: Final[dict[str, Callable[[Fields], Scheme | StoredWeights]]] = {
    **{name: _integers(name) for name in ("gptq", "awq", "auto-round", "moe_wna16", "intel")},
    "fp8": _fixed("fp8", FP8),
    "fbgemm_fp8": _fixed("fbgemm_fp8", FP8),
    "ptpc_fp8": _fixed("ptpc_fp8", FP8),
    "finegrained_fp8": _fixed("fp8", FP8),
    "mxfp4": _fixed("mxfp4", MXFP4),
    "mxfp8": _fixed("mxfp8", MXFP8),
    "experts_int8": _fixed("experts_int8", in_bits(8)),
    "eetq": _fixed("eetq", in_bits(8)),
    "quanto": _quanto,
    "bitsandbytes": _bitsandbytes,
    "compressed-tensors": _compressed,
    "sparseml": _compressed,
    "modelopt": _modelopt,
    "modelopt_fp4": _modelopt,
    "modelopt_mixed": _modelopt,
    "nvfp4": _fixed("nvfp4", NVFP4),
    "petit_nvfp4": _fixed("petit_nvfp4", NVFP4),
    "quark": _quark,
    "mlx": _mlx,
    "torchao": _torchao,
    "hqq": _hqq,
    "higgs": _integers("higgs"),
    "aqlm": _aqlm,
    "fp_quant": _fp_quant,
    "bitnet": _fixed("bitnet", Format("ternary numbers in 2 bits", 2.0, "int4")),
    "exl2": _exl("exl2"),
    "exl3": _exl("exl3"),
}


def of_producer(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """Bring a ``hf_quant_config.json`` into the form of a section of ``config.json``."""
    inner = config.get("quantization")
    section = dict(inner) if isinstance(inner, Mapping) else dict(config)
    return {"quant_method": "modelopt", **section}

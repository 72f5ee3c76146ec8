"""Which fitted constants apply to an engine, a format, an accelerator and a kind of model."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from llminfra.catalog.facts import version_numbers
from llminfra.catalog.loader import ids

COMMON: Final = "serving-common"
PLAIN: Final = "serving-16bit"
CPU: Final = "serving-cpu"
GGUF: Final = "serving-gguf"
APPLE: Final = "Apple silicon"
_OLDER_HOSTS: Final = ("Volta", "Turing", "Ampere")
_LANE_BITS: Final = 16
_MULTIPLY_ADD: Final = 2  # FLOP
_COMMON: Final = (
    *("cache_bandwidth_fraction", "s_per_value"),
    *("exchange_bandwidth_fraction", "attention_arithmetic_fraction"),
    *("latent_layer_overhead_s", "index_layer_overhead_s", "state_layer_overhead_s"),
    *("experts_layer_overhead_s", "expert_half_values", "expert_half_tokens"),
    "latent_pass_overhead_s",
    *("pass_tokens", "stage_fraction"),
)
# Each with a twin for models with experts.
_ENGINE: Final = (
    *("layer_overhead_s", "request_overhead_s", "pass_overhead_s", "burst_fraction"),
    "first_prompt_ratio",
)
_FORMAT: Final = (
    *("weight_bandwidth_fraction", "expert_bandwidth_fraction", "arithmetic_fraction"),
)
# Dense models in MXFP4 have activations of four bits too.
_FOUR_BITS: Final = ("CDNA 4",)
# Full batches were fitted for one engine, and MLPerf bears them out for another on these cards.
# Elsewhere tables of requests in flight go beyond what such small products of experts would allow.
_FITTED_FULL: Final = "tensorrt-llm"
_SEEN_FULL: Final = ("vllm", ("CDNA 3", "CDNA 4"))
_FLOAT16: Final = ("bf16", "fp16", "fp32")


@dataclass(frozen=True)
class Case:
    """What decides the constants."""

    engine: str
    engine_version: str
    precision: str
    compute_precision: str
    generation: str
    is_native: bool
    has_experts: bool
    link: str
    is_cpu: bool = False


def engine_profile(engine: str, version: str) -> str:
    """Return the newest profile of an engine that is not newer than a version."""
    start = f"serving-{engine}-"
    found = [entry for entry in ids("serving") if entry.startswith(start)]
    by_version = sorted((version_numbers(entry.removeprefix(start)), entry) for entry in found)
    # A build without a number counts as the newest.
    numbers = version_numbers(version) or (math.inf,)
    older = [entry for first, entry in by_version if first <= numbers]
    return (older or [entry for _, entry in by_version])[-1]


def format_profile(case: Case) -> str:
    """Return the profile of a weight format on an accelerator generation."""
    is_plain = case.precision in _FLOAT16
    if case.is_cpu:
        return "serving-cpu-16bit" if is_plain else CPU
    if case.engine == "llama.cpp":
        bits = "gguf-16bit" if is_plain else "gguf"
    elif is_plain:
        bits = "16bit"
    elif case.compute_precision in ("fp8", "int8"):
        bits = "8bit"
    else:
        bits = "4bit" if case.is_native else "4bit-unpacked"
    special = f"serving-{bits}-{generation_id(case.generation)}"
    return special if special in ids("serving") else f"serving-{bits}"


def error_profile(case: Case) -> str:
    """Return the entry of the errors that the fit showed on cases like this one."""
    if case.is_cpu:
        return CPU
    if case.engine == "llama.cpp":
        is_apple = case.generation == APPLE
        return f"{GGUF}-{generation_id(APPLE)}" if is_apple else GGUF
    return "serving-experts" if case.has_experts else "serving-dense"


def link_of(tensor_parallel: int, *, has_scale_up: bool, is_card: bool, generation: str) -> str:
    """Return what joins the accelerators of a tensor group.

    Bridges between cards join two; over the host's links, more than four cards hang on two sockets,
    whose link was half as fast when the older cards were new.
    """
    if has_scale_up and (not is_card or tensor_parallel <= 2):
        return "link"
    if tensor_parallel <= 4:
        return "pcie"
    return "pcie_wide_older" if generation in _OLDER_HOSTS else "pcie_wide"


def generation_id(generation: str) -> str:
    """Return a generation's name as ids have it."""
    return generation.lower().replace(" ", "-")


def keys(case: Case) -> dict[str, str]:
    """Return the fact that plays each role in the law."""
    engine = CPU if case.is_cpu else engine_profile(case.engine, case.engine_version)
    hop = "block_stage_hop_s" if case.engine == "llama.cpp" else "stage_hop_s"
    weights = format_profile(case)
    plain = weights if case.is_cpu or case.engine == "llama.cpp" else PLAIN
    twin = "moe_" if case.has_experts else ""
    unit = f"{CPU}.core_bytes_per_s" if case.is_cpu else f"{GGUF}.cycle_bytes"
    is_stream = case.is_cpu or case.engine == "llama.cpp"
    is_seen = case.engine == _SEEN_FULL[0] and case.generation in _SEEN_FULL[1]
    has_loss = case.engine == _FITTED_FULL or is_seen
    small = "expert_half_tokens" if has_loss else "other_expert_half_tokens"
    return (
        {name: f"{COMMON}.{name}" for name in _COMMON}
        | {name: f"{engine}.{twin}{name}" for name in _ENGINE}
        | {"expert_arithmetic_ratio": f"{engine}.expert_arithmetic_ratio"}
        | {name: f"{weights}.{name}" for name in _FORMAT}
        | {"plain_arithmetic_fraction": f"{plain}.arithmetic_fraction"}
        | {"stage_hop_s": f"{COMMON}.{hop}", "expert_half_tokens": f"{COMMON}.{small}"}
        | {"link_fraction": f"{COMMON}.{case.link}_bandwidth_fraction"}
        | ({"stream_unit_bytes": unit} if is_stream else {})
    )


def native_rate(case: Case) -> str:
    """Field of the accelerator's arithmetic that products in the weights' format reach."""
    if not case.is_native:
        return "bf16"
    if case.precision == "mxfp4" and (case.has_experts or case.generation not in _FOUR_BITS):
        return "fp8"  # activations have 8 bits
    return "bf16" if case.compute_precision == "fp32" else case.compute_precision


def cores_flop_per_s(cores: Any, clock_hz: Any, vector_bits: Any) -> Any:
    """Return the peak of a processor's vector units in 16 bits.

    Examples
    --------
    >>> cores_flop_per_s(16, 5e9, 512) / 1e12
    5.12
    """
    return cores * (clock_hz * vector_bits) * (_MULTIPLY_ADD / _LANE_BITS)


def half_sums_flop_per_s(flop_per_s: Any, int8_op_per_s: Any) -> Any:
    """Return the 16-bit peak of products whose sums have 16 bits too, as llama.cpp takes them.

    Data sheets state the peak with sums of 32 bits, which consumer cards halve; 8-bit products,
    twice as fast as 16-bit ones, are not halved.

    Examples
    --------
    >>> float(half_sums_flop_per_s(71e12, 284e12)) / 1e12
    142.0
    """
    return np.maximum(flop_per_s, int8_op_per_s / 2)


def law_inputs(work: Mapping[str, Any], chip: Mapping[str, Any], c: Mapping[str, Any]) -> Any:
    """Combine counts, data-sheet rates and constants into the inputs of the law.

    Works on plain arrays, one entry per row, and on ranges.
    """
    tuned = chip["arithmetic_ratio"]
    native = chip["native_flop_per_s"] * c["arithmetic_fraction"] * tuned
    link = chip["link_bytes_per_s"] * c["link_fraction"]
    exchanged = work["exchanged_bytes_per_token"] * c["link_fraction"]
    limit = chip["limit_bytes_per_s"]
    if "stream_unit_bytes" in c:
        limit = np.minimum(limit, chip["stream_units"] * c["stream_unit_bytes"])
    layers = ("latent", "index", "state", "experts")
    special = sum(work[f"{kind}_layers"] * c[f"{kind}_layer_overhead_s"] for kind in layers)
    return {
        "native_flop_per_token": work["native_flop_per_token"],
        "plain_flop_per_token": work["plain_flop_per_token"],
        "expert_flop_per_token": work["expert_flop_per_token"],
        "native_flop_per_s": native,
        "plain_flop_per_s": chip["plain_flop_per_s"] * c["plain_arithmetic_fraction"] * tuned,
        "expert_base_flop_per_s": native * c["expert_arithmetic_ratio"],
        "expert_values": work["expert_values"],
        "half_values": c["expert_half_values"],
        "link_bytes_per_token": work["reduced_bytes_per_token"]
        + exchanged / c["exchange_bandwidth_fraction"],
        "link_bytes_per_s": link,
        "residual_values": work["residual_values"],
        "s_per_value": c["s_per_value"],
        "expert_share_fraction": work["expert_share_fraction"],
        "weight_bytes": work["weight_bytes"],
        "expert_bytes": work["expert_bytes"],
        "weight_bytes_per_s": np.minimum(
            chip["memory_bytes_per_s"] * c["weight_bandwidth_fraction"], limit
        ),
        "expert_bytes_per_s": np.minimum(
            chip["memory_bytes_per_s"] * c["expert_bandwidth_fraction"], limit
        ),
        "cache_bytes_per_s": chip["memory_bytes_per_s"] * c["cache_bandwidth_fraction"],
        "overhead_s": work["layers"] * c["layer_overhead_s"]
        + special
        + work["hops"] * c["stage_hop_s"],
        "attention_flop": work["attention_flop"],
        "attention_flop_per_s": chip["plain_flop_per_s"] * c["attention_arithmetic_fraction"],
        "prefill_floor_s": work["layers"] * c["pass_overhead_s"]
        + work["latent_layers"] * c["latent_pass_overhead_s"],
        "pass_tokens": c["pass_tokens"],
        "expert_half_tokens": c["expert_half_tokens"],
        "request_overhead_s": c["request_overhead_s"],
        "burst_fraction": c["burst_fraction"],
        "first_prompt_ratio": c["first_prompt_ratio"],
        "cache_read_bytes": work["cache_read_bytes"],
        "attention_ranks": work["attention_ranks"],
        "ranks": work["ranks"],
        "stage_fraction": c["stage_fraction"] ** np.minimum(work["hops"], 1.0),
        "shares_passes": np.where(np.asarray(work["expert_values"]) > 1, 0.0, 1.0),
    }

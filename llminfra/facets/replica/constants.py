"""Which fitted constants apply to an engine, a format, an accelerator and a kind of model."""

import math
from dataclasses import dataclass
from typing import Final

from llminfra.catalog.facts import version_numbers
from llminfra.catalog.loader import ids
from llminfra.formulas.rates import raised_overhead_s
from llminfra.ranges import Range, as_range

COMMON: Final = "serving-common"
PLAIN: Final = "serving-16bit"
CPU: Final = "serving-cpu"
GGUF: Final = "serving-gguf"
APPLE: Final = "Apple silicon"
# Builds of llama.cpp that were fitted apart: those of mid 2025 and later.
NEW_GGUF: Final = "serving-gguf-2026"
_NEW_BUILDS: Final = 6000
_MAKERS: Final = {
    APPLE: "apple",
    **dict.fromkeys(("RDNA 3", "RDNA 4", "CDNA 2", "CDNA 3", "CDNA 4", "Vega"), "amd"),
    "Xe": "intel",
}
# Of releases before those that follow no row was measured: they go by the nearest that was, but on
# AMD's data-centre chips, where results of MLPerf confirm these constants.
_UNMEASURED: Final = "serving-vllm-0"
# Releases of vLLM in which layers with states run inside the graphs of a step.
_NEW_STATES: Final = (0, 21)
# SGLang's kernels on AMD's data-centre chips take longer than elsewhere.
_AMD_CHIPS: Final = "CDNA"
# Kernels that read latents on cards; SGLang's; and those of ranks that share a context, each of
# which attends with the heads of all.
_LATENTS: Final = "serving-card-latents"
_OLDER_HOSTS: Final = ("Pascal", "Volta", "Turing", "Ampere")
_COMMON: Final = (
    *("cache_bandwidth_fraction", "s_per_value"),
    *("exchange_bandwidth_fraction", "attention_arithmetic_fraction"),
    *("latent_layer_overhead_s", "index_layer_overhead_s", "state_layer_overhead_s"),
    *("experts_layer_overhead_s", "expert_half_values", "expert_half_tokens"),
    "latent_pass_overhead_s",
    *("pass_tokens", "stage_fraction"),
    *("draft_pass_overhead_s", "draft_sequence_bytes", "verify_overhead_ratio"),
    "draft_touch_fraction",
)
# Each with a twin for models with experts.
_ENGINE: Final = (
    *("layer_overhead_s", "request_overhead_s", "pass_overhead_s", "burst_fraction"),
    "first_prompt_ratio",
)
# The same constant holds for models with and without experts. Where measured tables cannot tell
# it from the other constants it is 0.
_ENGINE_ALONE: Final = (
    *("expert_arithmetic_ratio", "sequence_overhead_s", "mixed_layer_overhead_s"),
)
_FORMAT: Final = (
    *("weight_bandwidth_fraction", "expert_bandwidth_fraction", "arithmetic_fraction"),
)
# Dense models in MXFP4 have activations of four bits too.
_FOUR_BITS: Final = ("CDNA 4",)
# Where the speed of full batches was fitted, and where results of MLPerf confirm that fit. On other
# engines measured speeds at many requests in flight are above what the fit would allow.
_FITTED_FULL: Final = "tensorrt-llm"
_SEEN_FULL: Final = ("vllm", ("CDNA 3", "CDNA 4"))
_FLOAT16: Final = ("bf16", "fp16", "fp32")


@dataclass(frozen=True)
class Setting:
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
    has_graphics_memory: bool = False
    has_slow_latents: bool = False
    has_latents: bool = False
    shares_contexts: bool = False


def engine_profile(engine: str, version: str, generation: str = "") -> str:
    """Return the newest profile of an engine that is not newer than a version, or its first."""
    start = f"serving-{engine}-"
    is_seen = generation in _SEEN_FULL[1]
    found = [e for e in ids("serving") if e.startswith(start) and (is_seen or e != _UNMEASURED)]
    by_version = sorted((version_numbers(entry.removeprefix(start)), entry) for entry in found)
    # A build without a number counts as the newest.
    numbers = version_numbers(version) or (math.inf,)
    older = [entry for first, entry in by_version if first <= numbers]
    return (older or [entry for _, entry in by_version[:1]])[-1]


def format_profile(case: Setting) -> str:
    """Return the profile of a weight format on an accelerator generation."""
    is_plain = case.precision in _FLOAT16
    if case.is_cpu:
        return "serving-cpu-16bit" if is_plain else CPU
    if is_new_build(case):
        return _of_maker(case)
    if case.engine == "llama.cpp":
        bits = "gguf-16bit" if is_plain else "gguf"
    elif is_plain:
        bits = "16bit"
    elif case.compute_precision in ("fp8", "int8"):
        bits = "8bit"
    else:
        bits = "4bit" if case.is_native else "4bit-unpacked"
        if case.has_graphics_memory:
            return f"serving-{bits}-gddr"
    special = f"serving-{bits}-{generation_id(case.generation)}"
    return special if special in ids("serving") else f"serving-{bits}"


def is_new_build(case: Setting) -> bool:
    """Whether a build of llama.cpp is one of those since mid 2025; one without a number is."""
    numbers = version_numbers(case.engine_version) or (math.inf,)
    is_gguf = case.engine == "llama.cpp" and not case.is_cpu
    return is_gguf and numbers[0] >= _NEW_BUILDS


def _is_since(version: str, first: tuple[int, ...]) -> bool:
    """Whether a version is not older than another; one without a number is the newest."""
    return (version_numbers(version) or (math.inf,)) >= first


def _of_maker(case: Setting) -> str:
    """Constants of newer builds of llama.cpp on chips of a maker."""
    maker = _MAKERS.get(case.generation)
    return f"{NEW_GGUF}-{maker}" if maker else NEW_GGUF


def error_profile(case: Setting) -> str:
    """Return the entry of the errors that the fit showed on cases like this one."""
    if case.is_cpu:
        return CPU
    if is_new_build(case):
        return f"{NEW_GGUF}-{'experts' if case.has_experts else 'dense'}"
    if case.engine == "llama.cpp":
        is_apple = case.generation == APPLE
        return f"{GGUF}-{generation_id(APPLE)}" if is_apple else GGUF
    return "serving-experts" if case.has_experts else "serving-dense"


def acceptance_profile(case: Setting) -> str:
    """Return the entry that says how many drafted tokens logs of an engine show as accepted."""
    return GGUF if case.engine == "llama.cpp" else COMMON


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


def keys(case: Setting) -> dict[str, str]:
    """Return the fact that plays each role in the law."""
    engine = (
        CPU if case.is_cpu else engine_profile(case.engine, case.engine_version, case.generation)
    )
    hop = "block_stage_hop_s" if case.engine == "llama.cpp" else "stage_hop_s"
    weights = format_profile(case)
    plain = weights if case.is_cpu or case.engine == "llama.cpp" else PLAIN
    twin = "moe_" if case.has_experts else ""
    unit = f"{CPU}.core_bytes_per_s" if case.is_cpu else f"{GGUF}.cycle_bytes"
    launches = {}
    if is_new_build(case):
        unit = f"{NEW_GGUF}.cycle_bytes"
        read = f"{weights}-latents" if case.has_latents else weights
        launches = {
            "cache_bandwidth_fraction": f"{read}.cache_bandwidth_fraction",
            "layer_overhead_s": f"{weights}.{twin}layer_overhead_s",
            "state_layer_overhead_s": f"{weights}.state_layer_overhead_s",
            "expert_arithmetic_ratio": f"{weights}.expert_arithmetic_ratio",
        }
    if case.engine == "vllm" and _is_since(case.engine_version, _NEW_STATES):
        launches = {"state_layer_overhead_s": f"{COMMON}.new_state_layer_overhead_s"}
    if case.engine == "sglang" and case.generation.startswith(_AMD_CHIPS):
        launches = {"layer_overhead_s": f"serving-cdna-sglang.{twin}layer_overhead_s"}
    is_stream = case.is_cpu or case.engine == "llama.cpp"
    is_seen = case.engine == _SEEN_FULL[0] and case.generation in _SEEN_FULL[1]
    has_loss = case.engine == _FITTED_FULL or is_seen
    small = "expert_half_tokens" if has_loss else "other_expert_half_tokens"
    return (
        {name: f"{COMMON}.{name}" for name in _COMMON}
        | {name: f"{engine}.{twin}{name}" for name in _ENGINE}
        | {name: f"{engine}.{name}" for name in _ENGINE_ALONE}
        | {name: f"{weights}.{name}" for name in _FORMAT}
        | {"plain_arithmetic_fraction": f"{plain}.arithmetic_fraction"}
        | {"stage_hop_s": f"{COMMON}.{hop}", "expert_half_tokens": f"{COMMON}.{small}"}
        | {"link_fraction": f"{COMMON}.{case.link}_bandwidth_fraction"}
        | (_latents(case) if case.has_slow_latents else {})
        | ({"stream_unit_bytes": unit} if is_stream else {})
        | launches
    )


def _latents(case: Setting) -> dict[str, str]:
    entry = f"{_LATENTS}-sglang" if case.engine == "sglang" else _LATENTS
    entry = f"{_LATENTS}-shared" if case.shares_contexts else entry
    return {n: f"{entry}.{n}" for n in ("cache_bandwidth_fraction", "cache_wait_sequences")}


def native_rate(case: Setting) -> str:
    """Field of the accelerator's arithmetic that products in the weights' format reach."""
    if not case.is_native:
        return "bf16"
    if case.precision == "mxfp4" and (case.has_experts or case.generation not in _FOUR_BITS):
        return "fp8"  # weights of 4 bits meet activations of 8 bits, and run at their rate
    return "bf16" if case.compute_precision == "fp32" else case.compute_precision


def raised(overhead: Range, added: Range) -> Range:
    """Return the time beside the products, with what is added, under its name."""
    whole = raised_overhead_s(overhead_s=overhead, added_s=added)
    return as_range(whole, name=overhead.name)

"""Constants of the serving law: start, spread of the prior in logs, physical bounds; ties."""

from typing import Final, NamedTuple

from stream_priors import STREAM_PRIORS, STREAM_TIES

COMMON: Final = "serving-common"
Prior = tuple[float, float, float, float]


def _engine(name: str, **priors: Prior) -> dict[str, Prior]:
    return {f"{name}.{field}": prior for field, prior in priors.items()}


PRIORS: Final[dict[str, Prior]] = {
    # Formats. A stream cannot beat 95 % of the data sheet, nor a product its peak.
    "serving-16bit.arithmetic_fraction": (0.78, 0.15, 0.1, 1.0),
    "serving-8bit.arithmetic_fraction": (0.62, 0.15, 0.1, 1.0),
    "serving-8bit-ada.arithmetic_fraction": (0.5, 0.15, 0.1, 1.0),
    "serving-4bit.arithmetic_fraction": (0.5, 0.15, 0.1, 1.0),
    "serving-4bit.weight_bandwidth_fraction": (0.66, 0.15, 0.3, 0.95),
    "serving-8bit.expert_bandwidth_fraction": (0.72, 0.2, 0.2, 0.95),
    "serving-4bit.expert_bandwidth_fraction": (0.9, 0.15, 0.2, 0.95),
    "serving-4bit-unpacked.expert_bandwidth_fraction": (0.54, 0.2, 0.2, 0.95),
    "serving-4bit-unpacked.arithmetic_fraction": (0.4, 0.3, 0.05, 1.0),
    # Memory, links and what no split divides.
    f"{COMMON}.cache_bandwidth_fraction": (0.85, 0.3, 0.3, 0.95),
    f"{COMMON}.link_bandwidth_fraction": (0.63, 0.3, 0.1, 1.0),
    f"{COMMON}.pcie_bandwidth_fraction": (0.63, 0.3, 0.1, 1.0),
    f"{COMMON}.pcie_wide_bandwidth_fraction": (0.45, 0.5, 0.1, 1.0),
    f"{COMMON}.pcie_wide_older_bandwidth_fraction": (0.35, 0.5, 0.05, 1.0),
    f"{COMMON}.exchange_bandwidth_fraction": (0.33, 0.3, 0.05, 1.0),
    f"{COMMON}.s_per_value": (0.9e-11, 0.5, 1e-13, 1e-10),
    f"{COMMON}.expert_half_values": (3500, 0.3, 500, 20000),
    f"{COMMON}.expert_half_tokens": (45, 0.5, 1, 500),
    f"{COMMON}.experts_layer_overhead_s": (17e-6, 0.5, 1e-7, 1e-3),
    f"{COMMON}.latent_layer_overhead_s": (25e-6, 0.5, 1e-7, 1e-3),
    f"{COMMON}.latent_pass_overhead_s": (500e-6, 0.5, 1e-6, 5e-3),
    f"{COMMON}.index_layer_overhead_s": (60e-6, 0.5, 1e-7, 1e-3),
    f"{COMMON}.state_layer_overhead_s": (30e-6, 0.5, 1e-7, 1e-3),
    # Engines.
    **_engine(
        "serving-vllm-0",
        layer_overhead_s=(71e-6, 0.3, 1e-6, 1e-3),
        pass_overhead_s=(260e-6, 0.5, 1e-6, 5e-3),
        request_overhead_s=(37e-3, 0.5, 1e-3, 1),
        moe_pass_overhead_s=(0.2e-3, 0.5, 1e-6, 5e-3),
        moe_request_overhead_s=(40e-3, 0.5, 1e-3, 1),
        moe_burst_fraction=(0.1, 0.3, 0.02, 0.3),
    ),
    # Servers of these runs on Blackwell looked for new requests once in ten steps, or thirty from
    # 16 clients on, as their scripts say: that wait is in the overhead of a request.
    **_engine(
        "serving-sglang-0",
        moe_pass_overhead_s=(0.5e-3, 0.5, 1e-6, 5e-3),
        moe_request_overhead_s=(164e-3, 0.5, 1e-3, 1),
        expert_arithmetic_ratio=(0.6, 0.3, 0.2, 1.0),
    ),
    **_engine(
        "serving-tensorrt-llm-1.0",
        burst_fraction=(0.076, 0.5, 0.01, 0.5),
        first_prompt_ratio=(2.5, 0.5, 1.0, 10),
        pass_overhead_s=(300e-6, 0.5, 1e-6, 5e-3),
        request_overhead_s=(73e-3, 0.5, 1e-3, 1),
    ),
    **_engine(
        "serving-tensorrt-llm-1.1",
        layer_overhead_s=(55e-6, 0.3, 1e-6, 1e-3),
        moe_pass_overhead_s=(0.15e-3, 0.5, 1e-6, 5e-3),
        moe_request_overhead_s=(60e-3, 0.5, 1e-3, 1),
    ),
    **STREAM_PRIORS,
}
# Told by tables of 2026, where all that earlier tables tell stays as it is.
PRIORS_2026: Final[dict[str, Prior]] = {
    **{
        key: prior
        for name in ("serving-card-latents", "serving-card-latents-sglang")
        for key, prior in _engine(
            name,
            cache_bandwidth_fraction=(0.85, 0.3, 0.1, 0.95),
            cache_wait_sequences=(2.0, 1.0, 0.1, 100.0),
        ).items()
    },
    **_engine(
        "serving-sglang-0",
        layer_overhead_s=(71e-6, 0.5, 1e-6, 1e-3),
    ),
    **_engine(
        "serving-sglang-0.5.6",
        layer_overhead_s=(71e-6, 0.5, 1e-6, 1e-3),
        pass_overhead_s=(260e-6, 0.7, 1e-6, 5e-3),
        request_overhead_s=(41e-3, 0.5, 1e-3, 1),
        moe_layer_overhead_s=(71e-6, 0.5, 1e-6, 1e-3),
        # Steps stop while a prompt is read: runs of short answers show it.
        mixed_layer_overhead_s=(250e-6, 0.7, 1e-6, 1e-2),
    ),
    **_engine(
        "serving-cdna-sglang",
        # Its two runs are four times apart.
        layer_overhead_s=(130e-6, 0.15, 1e-6, 1e-3),
        moe_layer_overhead_s=(250e-6, 0.5, 1e-6, 1e-3),
    ),
}
_OLD, _RC, _NEW = (f"serving-tensorrt-llm-{version}" for version in ("0", "1.0", "1.1"))
_SG, _VL, _CPP = "serving-sglang-0", "serving-vllm-0", "serving-llama.cpp-0"
# Releases after the one that dense models were measured on: those of the tables of 2026, and of
# all rows with experts.
_SG_NEW: Final = "serving-sglang-0.5.6"
# Fitted by `fit_energy.py` on tables of its own, and the releases after it, as those before it.
MEASURED_APART: Final = "serving-vllm-0.11"
_VL_AFTER: Final = "serving-vllm-0.12"
_PROFILES: Final = (_VL, _VL_AFTER, _SG, _SG_NEW, _OLD, _RC, _NEW, _CPP, "serving-cpu")


def _ties() -> dict[str, str]:
    """Constants that the rows cannot tell apart, and the one that stands for them."""
    ties = {f"{e}.layer_overhead_s": f"{_VL}.layer_overhead_s" for e in (_SG, _OLD, _RC)}
    fields = ("layer_overhead_s", "pass_overhead_s", "request_overhead_s", "burst_fraction")
    fields += ("first_prompt_ratio",)
    ties |= {f"{_VL_AFTER}.{twin}{f}": f"{_VL}.{twin}{f}" for f in fields for twin in ("", "moe_")}
    ties[f"{_VL_AFTER}.moe_layer_overhead_s"] = f"{_VL}.layer_overhead_s"
    ties[f"{_VL_AFTER}.expert_arithmetic_ratio"] = f"{_VL}.expert_arithmetic_ratio"
    for entry in (_VL, _SG, _SG_NEW, _OLD, _RC, _NEW):
        ties[f"{entry}.moe_layer_overhead_s"] = f"{_VL}.layer_overhead_s"
        if entry != _VL:
            ties[f"{entry}.moe_burst_fraction"] = f"{_VL}.moe_burst_fraction"
    for field in ("pass_overhead_s", "request_overhead_s"):
        ties |= {f"{entry}.{field}": f"{_VL}.{field}" for entry in (_SG, _OLD, _NEW)}
        ties[f"{_OLD}.moe_{field}"] = f"{_NEW}.moe_{field}"
    for field in ("moe_pass_overhead_s", "moe_request_overhead_s", "expert_arithmetic_ratio"):
        ties[f"{_SG_NEW}.{field}"] = f"{_SG}.{field}"
    ties[f"{_SG}.moe_layer_overhead_s"] = f"{_SG_NEW}.moe_layer_overhead_s"
    # One harness measured the tables of 1.0, with and without experts.
    ties[f"{_RC}.moe_pass_overhead_s"] = f"{_NEW}.moe_pass_overhead_s"
    for field in ("request_overhead_s", "first_prompt_ratio", "burst_fraction"):
        ties[f"{_RC}.moe_{field}"] = f"{_RC}.{field}"
    return ties


def _processors() -> dict[str, float]:
    """What no row of a processor speaks for."""
    engine = {"layer_overhead_s": 0.0, "pass_overhead_s": 0.0, "request_overhead_s": 5e-3}
    engine |= {"burst_fraction": 0.05, "first_prompt_ratio": 1.0}
    values = {"serving-cpu.expert_arithmetic_ratio": 1.0}
    for name, value in engine.items():
        values |= {f"serving-cpu.{name}": value, f"serving-cpu.moe_{name}": value}
    return values


TIES: Final = _ties() | STREAM_TIES
FIXED: Final[dict[str, float]] = {
    **{f"serving-{f}.weight_bandwidth_fraction": 0.95 for f in ("16bit", "8bit", "8bit-ada")},
    "serving-16bit.expert_bandwidth_fraction": 0.9,
    "serving-8bit-ada.expert_bandwidth_fraction": 0.72,
    "serving-4bit-unpacked.weight_bandwidth_fraction": 0.8,
    # A file of blocks on one stream: llama.cpp.
    "serving-gguf.expert_bandwidth_fraction": 0.6,
    "serving-gguf-16bit.expert_bandwidth_fraction": 0.7,
    f"{COMMON}.attention_arithmetic_fraction": 0.8,
    f"{COMMON}.pass_tokens": 8192,
    f"{COMMON}.stage_hop_s": 10e-6,
    f"{COMMON}.stage_fraction": 0.95,
    f"{COMMON}.other_expert_half_tokens": 0.0,
    # Card makers' software and power limits, from MLPerf.
    "serving-8bit-cdna-3.weight_bandwidth_fraction": 0.95,
    "serving-8bit-cdna-3.expert_bandwidth_fraction": 0.72,
    "serving-8bit-cdna-3.arithmetic_fraction": 0.535,
    "serving-hopper.full_speed_j_per_flop": 3.54e-13,
    "serving-cdna-3.full_speed_j_per_flop": 3.82e-13,
    # One stream of llama.cpp on chips that nobody measured does not go faster than on A100.
    "serving-gguf.stream_limit_bytes_per_s": 1e12,
    "serving-gguf-apple-silicon.expert_bandwidth_fraction": 0.45,
    "serving-gguf-16bit-apple-silicon.expert_bandwidth_fraction": 0.6,
    **_processors(),
    **{
        f"{e}.{twin}first_prompt_ratio": 1.0
        for e in (_VL, _SG, _SG_NEW, _OLD, _NEW, _CPP)
        for twin in ("", "moe_")
    },
    # A benchmark of ten requests per client whose clients start together; SGLang's own harness
    # keeps them together.
    **{f"{e}.burst_fraction": 0.05 for e in (_VL, _OLD, _NEW, _CPP)},
    f"{_SG}.burst_fraction": 0.5,
    f"{_SG_NEW}.burst_fraction": 0.1,  # five requests per client
    **{f"{e}.expert_arithmetic_ratio": 1.0 for e in (_VL, _OLD, _RC, _NEW, _CPP)},
    # Their tables do not tell them from the time of a layer, a token and a pass; of newer releases
    # of SGLang those of 2026 do.
    **{f"{e}.sequence_overhead_s": 0.0 for e in _PROFILES},
    **{f"{e}.mixed_layer_overhead_s": 0.0 for e in _PROFILES},
    f"{_CPP}.moe_layer_overhead_s": 110e-6,
    f"{_CPP}.pass_overhead_s": 87e-6,
    f"{_CPP}.moe_pass_overhead_s": 110e-6,
    f"{_CPP}.request_overhead_s": 5e-3,
    f"{_CPP}.moe_request_overhead_s": 5e-3,
    f"{_CPP}.moe_burst_fraction": 0.05,
}


def unit_of_key(field: str) -> str:
    """Return the unit of a constant's field, as the catalogue's dictionary has it."""
    if field == "accelerators":
        return ""
    ends = {"bytes_per_s": "byte/s", "flop_per_s": "FLOP/s", "j_per_flop": "J/FLOP"}
    ends |= {"_s": "s", "_tokens": "token", "_values": "value", "_sequences": "sequence"}
    named = {"s_per_value": "s/value", "cycle_bytes": "byte"}
    return named.get(field) or next((u for end, u in ends.items() if field.endswith(end)), "1")


class Origin(NamedTuple):
    """Where a constant comes from, as the catalogue says it."""

    source: str = "own-serving-fit"
    confidence: str = "derived"
    note: str = ""


_HELD: Final = Origin(confidence="assumption", note="held fixed in the fit")
FIXED_ORIGIN: Final = Origin("own-assumption", "assumption", "a judgement")
_BY_EYE: Final = Origin("own-assumption", "assumption", "set by eye; no row was fitted")
_NOT_TOLD: Final = Origin(
    "own-assumption", "assumption", "not told from the time of layers, tokens and passes"
)
_OTHER: Final = "their requests in flight yield more than a loss in full batches would allow"
_POWER: Final = "700 W over 1,978 TFLOP/s, below which MLPerf cards of the generation slow down"
_AMD_POWER: Final = _POWER.replace("700 W over 1,978", "1,000 W over 2,615")
# The first pattern that a constant starts and ends with tells where it comes from.
_ORIGINS: Final[tuple[tuple[str, str, Origin], ...]] = (
    ("serving-", "sequence_overhead_s", _NOT_TOLD),
    ("serving-", "mixed_layer_overhead_s", _NOT_TOLD),
    ("serving-gguf", "stream_limit_bytes_per_s", _BY_EYE._replace(note="about what A100 showed")),
    ("serving-common", "other_expert_half_tokens", Origin("own-assumption", "assumption", _OTHER)),
    ("serving-gguf", "", _BY_EYE),
    ("serving-llama.cpp", "", _BY_EYE),
    ("serving-cpu", "", _BY_EYE),
    ("serving-8bit-cdna-3.arithmetic", "", Origin("own-mlperf-study", note="three MLPerf rows")),
    ("serving-8bit-cdna-3.", "", _BY_EYE._replace(note="as Hopper and Blackwell; no row fitted")),
    ("serving-hopper.", "", Origin("own-mlperf-study", note=_POWER)),
    ("serving-cdna-3.", "", Origin("own-mlperf-study", note=_AMD_POWER)),
    ("", "", _HELD),
)


def origin_of(key: str) -> Origin:
    """Return where a constant that is not fitted comes from.

    Examples
    --------
    >>> origin_of("serving-cpu.layer_overhead_s").source
    'own-assumption'
    """
    return next(o for start, end, o in _ORIGINS if key.startswith(start) and key.endswith(end))


# Half widths of 80 % bands in logs where nothing was measured: a stream tells of no batch, and no
# prompt of a processor was fitted. And factors by which a band widens where the fit has seen no
# such accelerator.
BANDS: Final[dict[str, dict[str, float]]] = {
    "serving-gguf": {"saturated": 0.5},
    "serving-gguf-apple-silicon": {"saturated": 0.5},
    "serving-cpu": {"ttft": 0.6, "saturated": 0.5},
}
WIDENING: Final = {"other_accelerator_ratio": 1.4, "other_generation_ratio": 2.0}

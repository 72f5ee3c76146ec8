"""Constants of one stream under llama.cpp: start, spread of the prior in logs, bounds; ties."""

from typing import Final

Prior = tuple[float, float, float, float]
_CARD, _CPP, _CPU = "serving-gguf", "serving-llama.cpp-0", "serving-cpu"
_APPLE: Final = "apple-silicon"

STREAM_PRIORS: Final[dict[str, Prior]] = {
    # Quantised blocks are unpacked while they stream; nothing streams beyond 95 %.
    f"{_CARD}.weight_bandwidth_fraction": (0.85, 0.15, 0.3, 0.95),
    f"{_CARD}-16bit.weight_bandwidth_fraction": (0.9, 0.15, 0.3, 0.95),
    f"{_CARD}-{_APPLE}.weight_bandwidth_fraction": (0.65, 0.3, 0.2, 0.95),
    f"{_CARD}-16bit-{_APPLE}.weight_bandwidth_fraction": (0.85, 0.15, 0.2, 0.95),
    # Loads in flight of a multiprocessor over their latency, in cycles: a few kB over some hundred.
    f"{_CARD}.cycle_bytes": (8.0, 0.7, 1.0, 60.0),
    f"{_CPP}.layer_overhead_s": (80e-6, 0.5, 1e-6, 1e-3),
    "serving-common.block_stage_hop_s": (0.3e-3, 0.7, 1e-5, 5e-3),
    # Products of a prompt.
    f"{_CARD}.arithmetic_fraction": (0.4, 0.4, 0.05, 1.0),
    f"{_CARD}-16bit.arithmetic_fraction": (0.4, 0.4, 0.05, 1.0),
    f"{_CARD}-{_APPLE}.arithmetic_fraction": (0.4, 0.4, 0.05, 1.0),
    f"{_CARD}-16bit-{_APPLE}.arithmetic_fraction": (0.4, 0.4, 0.05, 1.0),
    # Processors: memory, loads in flight of a core, and unpacking on its vector units.
    f"{_CPU}.weight_bandwidth_fraction": (0.7, 0.2, 0.2, 0.95),
    f"{_CPU}.core_bytes_per_s": (30e9, 0.5, 5e9, 1e11),
    f"{_CPU}.arithmetic_fraction": (0.4, 0.5, 0.02, 1.0),
    f"{_CPU}-16bit.arithmetic_fraction": (0.6, 0.5, 0.02, 1.0),
}
# What a stream of experts or of 16 bits reads, it reads as any weight.
STREAM_TIES: Final = {
    f"{_CPU}{bits}.{part}_bandwidth_fraction": f"{_CPU}.weight_bandwidth_fraction"
    for bits in ("", "-16bit")
    for part in ("weight", "expert")
    if (bits, part) != ("", "weight")
}

"""What a precision makes of a model's weights: by its usual recipe, or as the checkpoint says."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from llminfra.architecture import Architecture, StoredWeights
from llminfra.catalog.facts import Facts
from llminfra.ranges import exact

PLAIN_BITS: Final = 16.0


def recipe(facts: Facts, engine: str, precision: str) -> str:
    """Return the entry of a precision: that of GGUF files where the engine reads those.

    Examples
    --------
    >>> recipe(Facts(), "llama.cpp-b1", "mxfp4"), recipe(Facts(), "vllm-0.21", "mxfp4")
    ('mxfp4-gguf', 'mxfp4')
    """
    own = f"{precision}-gguf"
    is_gguf = facts.text(engine, "family") == "llama.cpp"
    return own if is_gguf and facts.has(own, "bits_per_weight") else precision


def quantized_groups(facts: Facts, precision: str, architecture: Architecture) -> frozenset[str]:
    """Weight groups of which some are quantised."""
    stored = stored_in(architecture, precision)
    if stored is not None and stored.bits:
        return frozenset(name for name, bits in stored.bits if bits < PLAIN_BITS)
    name = "quantized_groups"
    has_experts = any(group.name == "experts" for group in architecture.weight_groups())
    if has_experts and facts.has(precision, f"{name}_moe"):
        name = f"{name}_moe"
    return frozenset(facts.text(precision, name).split())


def group_bits(
    facts: Facts, precision: str, architecture: Architecture, counts: Mapping[str, float]
) -> Any:
    """Mean bits of the quantised weights of some groups, their share of the scales included.

    Parameters
    ----------
    counts : mapping
        Quantised weight group to its parameters.
    """
    stored = stored_in(architecture, precision)
    if stored is None or not stored.bits:
        return facts.number(precision, "bits_per_weight")
    return exact(
        mean_bits(stored.bits, counts), name="bits_per_weight", unit="bit", origin="checkpoint"
    )


def mean_bits(bits: Iterable[tuple[str, float]], counts: Mapping[str, float]) -> float:
    """Mean of the bits of each group, weighted by parameters."""
    known = dict(bits)
    total = sum(counts.values())
    summed = sum(count * known.get(name, PLAIN_BITS) for name, count in counts.items())
    return summed / total if total else PLAIN_BITS


def end_bits(facts: Facts, precision: str, architecture: Architecture, end: str) -> Any:
    """Bits of the embedding or the head."""
    stored = stored_in(architecture, precision)
    if stored is None or not stored.bits:
        return facts.number(precision, f"{end}_bits")
    bits = dict(stored.bits).get(end, PLAIN_BITS)
    return exact(bits, name=f"{end}_bits", unit="bit", origin="checkpoint")


def stored_in(architecture: Architecture, precision: str) -> StoredWeights | None:
    """Return what the checkpoint says, where it is one of this precision."""
    stored = architecture.stored_weights
    return stored if stored and precision in stored.precisions else None

"""What a precision makes of a model's weights: by its usual recipe, or as the checkpoint says."""

from collections.abc import Iterable, Mapping
from typing import Final

from llminfra.architecture import Architecture, StoredWeights
from llminfra.catalog import gguf
from llminfra.catalog.facts import Facts
from llminfra.formulas._formula import Quantity
from llminfra.formulas.weights import mixed_bits, typed_bits
from llminfra.ranges import Range, as_range, exact

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
) -> Range:
    """Mean bits of the quantised weights of some groups, their share of the scales included.

    Parameters
    ----------
    counts : mapping
        Quantised weight group to its parameters.
    """
    stored = stored_in(architecture, precision)
    if stored is None or not stored.bits:
        if facts.has(precision, "mix_of"):
            return _block_bits(facts, precision, architecture, counts)
        return facts.number(precision, "bits_per_weight")
    mean = as_range(mean_bits(stored.bits, counts))
    return Range(mean.draws, name="bits_per_weight", unit="bit", origin="checkpoint")


def _block_bits(
    facts: Facts, precision: str, architecture: Architecture, counts: Mapping[str, float]
) -> Range:
    """Mean bits in the types of GGUF; experts that were published in MXFP4 stay as they are.

    The fact is that of plain models and says how producers differ; the mix says what the matrices
    of this one make of it.
    """
    stored, bits = architecture.stored_weights, facts.number(precision, "bits_per_weight")
    is_kept = stored is not None and "mxfp4" in stored.precisions and "experts" in counts
    mix, plain = facts.text(precision, "mix_of"), facts.number(precision, "mix_bits")
    others = {name: n for name, n in counts.items() if name != "experts" or not is_kept}
    mixed = mean_bits(gguf.mix_bits(mix, architecture), others) if others else plain.base
    bits = as_range(
        typed_bits(
            bits_per_weight=bits, mix_bits=_counted(mixed, "mix_bits"), plain_mix_bits=plain
        ),
        name="bits_per_weight",
    )
    if not is_kept:
        return bits
    kept, share = facts.number("mxfp4", "bits_per_weight"), counts["experts"] / sum(counts.values())
    mean = mixed_bits(own_bits=kept, other_bits=bits, own_fraction=share)
    return as_range(mean, name="bits_per_weight")


def _counted(bits: float, name: str) -> Range:
    return exact(bits, name=name, unit="bit", origin="types of the matrices")


def mean_bits(bits: Iterable[tuple[str, Quantity]], counts: Mapping[str, float]) -> Quantity:
    """Mean of the bits of each group, weighted by parameters."""
    known = dict(bits)
    total = sum(counts.values())
    summed = sum(count * known.get(name, PLAIN_BITS) for name, count in counts.items())
    return summed / total if total else PLAIN_BITS


def end_bits(facts: Facts, precision: str, architecture: Architecture, end: str) -> Range:
    """Bits of the embedding or the head; of a table that is both, those of the head."""
    stored = stored_in(architecture, precision)
    if stored is None or not stored.bits:
        own = _table_bits(facts, precision, architecture, end)
        if end == "head" or not architecture.tied_embeddings:
            return own
        head = _table_bits(facts, precision, architecture, "head")
        shared = _shared_fraction(architecture)
        mean = mixed_bits(own_bits=head, other_bits=own, own_fraction=shared)
        return head if shared == 1 else as_range(mean, name=f"{end}_bits")
    bits = dict(stored.bits).get(end, PLAIN_BITS)
    return exact(bits, name=f"{end}_bits", unit="bit", origin="checkpoint")


def _table_bits(facts: Facts, precision: str, architecture: Architecture, end: str) -> Range:
    """Bits of a table of the recipe; the types of GGUF give way where rows do not fill blocks."""
    bits = facts.number(precision, f"{end}_bits")
    mix = facts.text(precision, "mix_of") if facts.has(precision, "mix_of") else None
    ends = gguf.table_bits(mix, end, architecture) if mix else (0.0, 0.0)
    if ends[0] == ends[1]:
        return bits
    own, plain = (_counted(n, f"{end}_bits") for n in ends)
    whole = typed_bits(bits_per_weight=bits, mix_bits=own, plain_mix_bits=plain)
    return as_range(whole, name=f"{end}_bits")


def _shared_fraction(architecture: Architecture) -> float:
    """Share of the embeddings that is the head too: all but tables of single layers."""
    width = architecture.embedding_size or architecture.hidden_size
    groups = architecture.weight_groups()
    held = sum(group.count for group in groups if group.name == "embedding")
    return min(architecture.vocab_size * width / held, 1.0) if held else 1.0


def stored_in(architecture: Architecture, precision: str) -> StoredWeights | None:
    """Return what the checkpoint says, where it is one of this precision."""
    stored = architecture.stored_weights
    return stored if stored and precision in stored.precisions else None

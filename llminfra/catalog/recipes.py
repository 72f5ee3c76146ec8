"""What a precision makes of a model's weights: by its usual recipe, or as the checkpoint says."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from llminfra.architecture import Architecture, Dense, Moe, StoredWeights
from llminfra.catalog.facts import Facts
from llminfra.formulas.weights import mixed_bits, uneven_bits
from llminfra.ranges import Range, as_range, exact

PLAIN_BITS: Final = 16.0
# Values in a block of the K types of GGUF, which rows of a matrix have to fill.
BLOCK_VALUES: Final = 256


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
        if facts.has(precision, "uneven_extra_bits"):
            return _block_bits(facts, precision, architecture, counts)
        return facts.number(precision, "bits_per_weight")
    return exact(
        mean_bits(stored.bits, counts), name="bits_per_weight", unit="bit", origin="checkpoint"
    )


def _block_bits(
    facts: Facts, precision: str, architecture: Architecture, counts: Mapping[str, float]
) -> Range:
    """Mean bits in K types of GGUF; experts that were published in MXFP4 stay as they are."""
    stored, bits = architecture.stored_weights, facts.number(precision, "bits_per_weight")
    is_kept = stored is not None and "mxfp4" in stored.precisions and "experts" in counts
    others = {name: n for name, n in counts.items() if name != "experts" or not is_kept}
    if uneven := _uneven_fraction(architecture, others):
        extra = facts.number(precision, "uneven_extra_bits")
        whole = uneven_bits(bits_per_weight=bits, uneven_extra_bits=extra, uneven_fraction=uneven)
        bits = as_range(whole, name="bits_per_weight")
    if not is_kept:
        return bits
    kept, share = facts.number("mxfp4", "bits_per_weight"), counts["experts"] / sum(counts.values())
    mean = mixed_bits(own_bits=kept, other_bits=bits, own_fraction=share)
    return as_range(mean, name="bits_per_weight")


def _uneven_fraction(architecture: Architecture, counts: Mapping[str, float]) -> float:
    """Share of the weights in matrices whose rows no blocks of 256 values fill.

    Rows are as long as the residual, those of down projections as the width of the perceptron.
    """
    rest = float(architecture.hidden_size % BLOCK_VALUES > 0)
    held: defaultdict[str, float] = defaultdict(float)
    uneven: defaultdict[str, float] = defaultdict(float)
    for layer in architecture.layers:
        if not isinstance(mlp := layer.mlp, Dense | Moe):
            continue
        shared = mlp.shared_size if isinstance(mlp, Moe) else 0
        for group in mlp.weights(architecture.hidden_size):
            width = shared if group.name == "shared_experts" else mlp.intermediate_size
            count, down = layer.count * group.count, 1 / (3 if mlp.gated else 2)
            held[group.name] += count
            uneven[group.name] += count * (down * (width % BLOCK_VALUES > 0) + (1 - down) * rest)
    shares = {name: uneven[name] / total for name, total in held.items() if total}
    summed = sum(counts.values())
    return sum(n * shares.get(name, rest) for name, n in counts.items()) / summed if summed else 0.0


def mean_bits(bits: Iterable[tuple[str, float]], counts: Mapping[str, float]) -> float:
    """Mean of the bits of each group, weighted by parameters."""
    known = dict(bits)
    total = sum(counts.values())
    summed = sum(count * known.get(name, PLAIN_BITS) for name, count in counts.items())
    return summed / total if total else PLAIN_BITS


def end_bits(facts: Facts, precision: str, architecture: Architecture, end: str) -> Range:
    """Bits of the embedding or the head; of a table that is both, those of the head."""
    stored = stored_in(architecture, precision)
    if stored is None or not stored.bits:
        own = facts.number(precision, f"{end}_bits")
        if end == "head" or not architecture.tied_embeddings:
            return own
        head, shared = facts.number(precision, "head_bits"), _shared_fraction(architecture)
        mean = mixed_bits(own_bits=head, other_bits=own, own_fraction=shared)
        return head if shared == 1 else as_range(mean, name=f"{end}_bits")
    bits = dict(stored.bits).get(end, PLAIN_BITS)
    return exact(bits, name=f"{end}_bits", unit="bit", origin="checkpoint")


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

"""What a precision makes of a model's weights: by its usual recipe, or as the checkpoint says."""

from typing import Any

from llminfra.architecture import Architecture, StoredWeights
from llminfra.catalog.facts import Facts
from llminfra.ranges import exact


def quantized_groups(facts: Facts, precision: str, architecture: Architecture) -> frozenset[str]:
    """Weight groups that are quantised."""
    name = "quantized_groups"
    has_experts = any(group.name == "experts" for group in architecture.weight_groups())
    if has_experts and facts.has(precision, f"{name}_moe"):
        name = f"{name}_moe"
    stored = _stored(architecture, precision)
    return frozenset(facts.text(precision, name).split()) - (stored.kept if stored else set())


def bits_per_weight(facts: Facts, precision: str, architecture: Architecture) -> Any:
    """Bits of a quantised weight, its share of the scales included."""
    stored = _stored(architecture, precision)
    if stored is None or stored.bits_per_weight is None:
        return facts.number(precision, "bits_per_weight")
    return exact(stored.bits_per_weight, name="bits_per_weight", unit="bit", origin="checkpoint")


def _stored(architecture: Architecture, precision: str) -> StoredWeights | None:
    """Return what the checkpoint says, where it is one of this precision."""
    stored = architecture.stored_weights
    return stored if stored and precision in stored.precisions else None

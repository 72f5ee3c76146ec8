"""Parameters and bits of one rank, as the formula of weights takes them."""

from collections.abc import Iterable
from typing import Final

from llminfra.architecture import Architecture, WeightGroup
from llminfra.catalog.facts import Facts
from llminfra.catalog.recipes import end_bits, group_bits, mean_bits, quantized_groups, stored_in
from llminfra.facets.deployment import Deployment
from llminfra.facets.memory.inputs import Inputs
from llminfra.formulas._formula import Quantity
from llminfra.ranges import exact

# Parts of the weights that a recipe may store at different precisions.
KINDS: Final = ("quantized", "embedding", "head", "other")
_ENDS: Final = ("embedding", "head")


def _counted(
    groups: Iterable[WeightGroup], quantized: frozenset[str], **split: int
) -> tuple[dict[str, int], dict[str, int]]:
    """Parameters of one rank that stay as they are, and the quantised ones by group."""
    counts, packed = dict.fromkeys(KINDS, 0), dict[str, int]()
    for group in groups:
        count = group.count_on_rank(**split)
        if group.quantizable and group.name in quantized:
            packed[group.name] = packed.get(group.name, 0) + count
        else:
            counts[group.name if group.name in _ENDS else "other"] += count
    return counts, packed


def weight_parts(
    facts: Facts, precision: str, model: Architecture, groups: Iterable[WeightGroup], **split: int
) -> dict[str, Quantity]:
    """Return parameters of one rank and their bits, as the formula of weights takes them."""
    counts, packed = _counted(groups, quantized_groups(facts, precision, model), **split)
    counts["quantized"] = sum(packed.values())
    return {
        **{f"{kind}_parameters": count for kind, count in counts.items()},
        **{f"{end}_bits": end_bits(facts, precision, model, end) for end in _ENDS},
        **{n: facts.number(precision, n) for n in ("unquantized_bits", "kernel_padding_ratio")},
        "bits_per_weight": group_bits(facts, precision, model, packed),
    }


def draft_parts(
    facts: Facts, scenario: Inputs, deployment: Deployment, *, tensor_parallel: int
) -> dict[str, Quantity]:
    """Return the same for what drafts: a model of its own, or layers of the model.

    A draft model is read as its checkpoint is stored, in 16 bits unless that says otherwise. The
    model's own layers are stored as the checkpoint says of them, else as its other layers are.
    """
    model, other = deployment.architecture, deployment.draft_architecture
    if other is not None:
        stored = other.stored_weights
        precision = next(iter(stored.precisions), "bf16") if stored else "bf16"
        groups = other.weight_groups()
        return weight_parts(facts, precision, other, groups, tensor_parallel=tensor_parallel)
    split = {n: int(getattr(scenario, n)) for n in ("expert_parallel", "data_parallel")}
    return own_draft_parts(facts, scenario, model, tensor_parallel=tensor_parallel, **split)


def own_draft_parts(
    facts: Facts, scenario: Inputs, model: Architecture, **split: int
) -> dict[str, Quantity]:
    """Return the same for the model's own drafting layers; on all ranks without a split."""
    groups = model.whole.drafting(model.draft.layers, model.draft.ends).weight_groups
    parts = weight_parts(facts, scenario.precision, model, groups, **split)
    stored = stored_in(model, scenario.precision)
    if stored is None or not stored.draft_bits:
        return parts
    names = frozenset(name for name, _ in stored.draft_bits)
    counts, packed = _counted(groups, names, **split)
    bits = exact(mean_bits(stored.draft_bits, packed), name="bits_per_weight", unit="bit")
    counts["quantized"] = sum(packed.values())
    return parts | {f"{k}_parameters": n for k, n in counts.items()} | {"bits_per_weight": bits}

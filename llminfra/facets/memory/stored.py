"""What the files of a checkpoint hold: everything that is in them, loaded or not."""

from typing import Final

from llminfra.catalog.facts import Facts
from llminfra.facets.deployment import Deployment
from llminfra.facets.memory.inputs import Inputs
from llminfra.facets.memory.weights import own_draft_parts, weight_parts
from llminfra.formulas import weights as formulas
from llminfra.formulas._formula import Quantity
from llminfra.ranges import Range, as_range, exact

_LOADED_BITS: Final = 16


def stored_bytes(facts: Facts, scenario: Inputs, deployment: Deployment) -> Range:
    """Return the bytes of all tensors at the scenario's precision, as an index file sums them.

    Language model, encoders and the model's own drafting layers with their copies of embedding and
    head, whether an engine loads them or not; without what kernels pad when they load it.
    """
    model = deployment.architecture
    # Engines load wider files in 16 bits.
    is_wide = model.plain_bits > _LOADED_BITS and scenario.precision in ("bf16", "fp16")
    precision = "fp32" if is_wide else scenario.precision
    plain = facts.number("fp32" if is_wide else "bf16", "bits_per_weight")
    whole = weight_parts(facts, precision, model, model.weight_groups())
    kept = dict(model.stored_weights.bits) if model.stored_weights else {}
    drafts = own_draft_parts(facts, scenario, model) if model.draft.layers else None
    copied = 2 * model.hidden_size * model.vocab_size if model.draft.has_copies else 0
    found = formulas.held_weight_bytes(
        weight_bytes=_as_it_is(whole),
        tower_bytes=_plain_bytes(
            sum(tower.parameters or 0 for tower in model.towers), kept.get("vision", plain)
        ),
        draft_bytes=exact(0, name="draft_bytes") if drafts is None else _as_it_is(drafts),
        more_bytes=_plain_bytes(copied, plain),
    )
    return as_range(found, name="stored_bytes")


def _as_it_is(parts: dict[str, Quantity]) -> Range:
    """Weights without what kernels pad."""
    return as_range(formulas.weight_bytes(**parts | {"kernel_padding_ratio": 1.0}))


def _plain_bytes(parameters: int, bits: Quantity) -> Range:
    counted = exact(parameters, name="parameters")
    return as_range(formulas.tower_bytes(parameters=counted, bits_per_weight=bits))

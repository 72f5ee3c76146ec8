"""What the files of a checkpoint hold: everything that is in them, loaded or not."""

from typing import Final

from llminfra.catalog.facts import Facts
from llminfra.facets.deployment import Deployment
from llminfra.facets.memory.inputs import Inputs
from llminfra.facets.memory.weights import own_draft_parts, weight_parts
from llminfra.formulas import memory as formulas
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
    total = as_range(formulas.weight_bytes(**whole | {"kernel_padding_ratio": 1.0}))
    stored = dict(model.stored_weights.bits) if model.stored_weights else {}
    beside = sum(tower.parameters or 0 for tower in model.towers)
    if beside:
        bits = stored.get("vision")
        total = total + as_range(
            formulas.tower_bytes(
                parameters=exact(beside, name="tower_parameters"),
                bits_per_weight=plain if bits is None else bits,
            )
        )
    if model.draft.layers:
        parts = own_draft_parts(facts, scenario, model)
        total = total + as_range(formulas.weight_bytes(**parts | {"kernel_padding_ratio": 1.0}))
    if model.draft.has_copies:
        copies = 2 * model.hidden_size * model.vocab_size
        total = total + as_range(
            formulas.tower_bytes(
                parameters=exact(copies, name="copied_parameters"), bits_per_weight=plain
            )
        )
    return total.named("stored_bytes")

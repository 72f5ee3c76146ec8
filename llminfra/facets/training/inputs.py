"""Fields of the training question, beside those of the run itself."""

import math
from typing import Literal

from llminfra.architecture import Architecture
from llminfra.errors import ImpossibleCombination, InvalidInput
from llminfra.facets import cost
from llminfra.facets.base import Banded, field
from llminfra.facets.deployment import architecture_of

Optimizer = Literal["adamw", "adamw-8bit", "adamw-pure", "sgd"]


class Inputs(cost.Inputs):
    """How the state of a training is held, and what it is compared with."""

    training_sharding: Literal[0, 1, 2, 3] = field(
        3,
        help="what accelerators share of the state: nothing (0), the optimizer (1), gradients too "
        "(2), weights too (3)",
        unit="1",
    )
    training_sequence_parallel: bool = field(
        True, help="split what stands between the layers over the sequence, where they are split"
    )
    training_optimizer: Optimizer = field(
        "adamw",
        help="AdamW with a 32-bit copy of the weights, with moments in 8 bits, without the copy, "
        "or SGD with momentum",
    )
    training_offload: bool = field(
        False, help="keep optimizer and gradients in the memory of the host, which is slower"
    )
    training_original_flop: float | None = field(
        None,
        help="training compute of the model that is changed, for the AI Act; none is what its "
        "makers published, if they did",
        unit="FLOP",
        minimum=1e15,
        maximum=1e30,
    )
    training_systemic_risk: bool = field(
        False, help="the model that is changed is one with systemic risk under the AI Act"
    )
    training_data_usd: Banded = field(
        0.0, help="data, their preparation and the tests of the result", unit="USD", minimum=0,
        maximum=1e11,
    )  # fmt: skip


def expert_parallel_values(model: Architecture) -> list[int]:
    """Numbers of accelerators to which the experts can be dealt out evenly; 1 of a dense model."""
    counts = {group.units for group in model.weight_groups() if group.sharding == "expert"}
    most = math.gcd(*counts) if counts else 1
    return [n for n in range(1, most + 1) if most % n == 0]


def check(inputs: Inputs) -> None:
    """Raise InvalidInput for a split that the accelerators or the layers do not allow."""
    _check_experts(inputs)
    tensor, stages = inputs.training_tensor_parallel, inputs.training_pipeline_parallel
    if tensor == stages == 1 and inputs.training_stage_chunks == 1:
        return _check_batches(inputs)
    if inputs.training_accelerators % (tensor * stages):
        raise ImpossibleCombination(
            "training_accelerators must be a multiple of training_tensor_parallel x "
            f"training_pipeline_parallel = {tensor * stages}, got {inputs.training_accelerators}; "
            f"take {tensor * stages * -(-inputs.training_accelerators // (tensor * stages))}",
            field="training_accelerators",
        )
    model = architecture_of(inputs)
    if tensor not in (allowed := model.tensor_parallel_values()):
        raise ImpossibleCombination(
            f"training_tensor_parallel must divide the heads of the model, got {tensor}; try "
            f"{', '.join(map(str, allowed))}",
            field="training_tensor_parallel",
        )
    runs = stages * inputs.training_stage_chunks
    if runs > model.n_layers:
        raise ImpossibleCombination(
            f"training_pipeline_parallel x training_stage_chunks must be at most the "
            f"{model.n_layers} layers, got {runs}; lower one",
            field="training_pipeline_parallel",
        )
    _check_batches(inputs)
    if stages == 1 and inputs.training_stage_chunks > 1:
        raise InvalidInput(
            "training_stage_chunks must go with training_pipeline_parallel above 1, got "
            f"{inputs.training_stage_chunks} with one stage; leave it out",
            field="training_stage_chunks",
        )


def _check_experts(inputs: Inputs) -> None:
    """Refuse to deal out experts that a model lacks, or to more accelerators than take part."""
    dealt = inputs.training_expert_parallel
    if dealt == 1:
        return
    if dealt not in (allowed := expert_parallel_values(architecture_of(inputs))):
        raise ImpossibleCombination(
            f"training_expert_parallel must divide the experts of the model, got {dealt}; try "
            f"{', '.join(map(str, allowed))}",
            field="training_expert_parallel",
        )
    tensor, stages = inputs.training_tensor_parallel, inputs.training_pipeline_parallel
    each = math.lcm(max(dealt, tensor), tensor) * stages
    if inputs.training_accelerators % each:
        raise ImpossibleCombination(
            "training_accelerators must be a multiple of training_expert_parallel, in whole "
            f"training_tensor_parallel, x training_pipeline_parallel = {each}, got "
            f"{inputs.training_accelerators}; take "
            f"{each * -(-inputs.training_accelerators // each)}",
            field="training_accelerators",
        )


def _check_batches(inputs: "Inputs") -> None:
    """Refuse batches of a step without stages, and a number that does not come out in turns."""
    batches, stages = inputs.training_micro_batches, inputs.training_pipeline_parallel
    if batches is None:
        return
    if stages == 1:
        raise InvalidInput(
            "training_micro_batches must go with training_pipeline_parallel above 1, got "
            f"{batches} with one stage; leave it out",
            field="training_micro_batches",
        )
    if inputs.training_stage_chunks > 1 and batches % stages:
        raise ImpossibleCombination(
            f"training_micro_batches must be a multiple of the {stages} stages that hold layers by "
            f"turns, got {batches}; take {stages * -(-batches // stages)}",
            field="training_micro_batches",
        )

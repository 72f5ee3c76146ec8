"""Fields of a training run: how much is trained, on what, and how."""

from typing import Literal

from llminfra.catalog.loader import all_facts
from llminfra.errors import InvalidInput
from llminfra.facets import deployment
from llminfra.facets.base import Banded, amount, field
from llminfra.facets.deployment import model_named

TrainingMethod = Literal["pretrain", "full", "lora", "qlora", "distil"]
ADAPTED = ("lora", "qlora")
MOST_SEQUENCES = 65_536  # that an accelerator trains at a time


class RunInputs(deployment.Inputs):
    """Fields of a training run; nothing is asked where neither tokens nor hours are given."""

    training_tokens: float | None = amount(
        None,
        "tokens of one pass over the data of a training; none asks for no training",
        "token",
        within=(1, 1e16),
    )
    training_accelerator_hours: float | None = amount(
        None,
        "accelerator hours of the training, instead of an estimate from its tokens",
        "h",
        within=(0, 1e10),
    )
    training_adapter_parameters: float | None = amount(
        None,
        "parameters that are trained while the model's own stay as they are; none is that of "
        "training_adapter_rank with lora and qlora, and trains all else",
        "1",
        within=(1, 1e13),
    )
    training_method: TrainingMethod | None = field(
        None,
        help="from scratch (pretrain), all weights of a made model (full), adapters beside it in "
        "16 (lora) or 4 bits (qlora), or from a teacher (distil); none is full, or lora where "
        "training_adapter_parameters is given",
    )
    training_epochs: int = amount(1, "passes over the data", "1", within=(1, 1000))
    training_accelerators: int = amount(
        8, "accelerators that train together", "accelerator", within=(1, 200_000)
    )
    training_tensor_parallel: int = field(
        1,
        help="accelerators over which each layer of a training is split, within a server",
        unit="accelerator",
        minimum=1,
        maximum=1024,
    )
    training_expert_parallel: int = field(
        1,
        help="accelerators to which the experts of a training are dealt out whole; 1 cuts each as "
        "all else is cut",
        unit="accelerator",
        minimum=1,
        maximum=1024,
    )
    training_pipeline_parallel: int = field(
        1,
        help="stages into which the layers of a training are cut",
        unit="accelerator",
        minimum=1,
        maximum=1024,
    )
    training_stage_chunks: int = field(
        1,
        help="runs of layers that a stage holds by turns, which shortens its waits and keeps more",
        unit="1",
        minimum=1,
        maximum=128,
    )
    training_micro_batches: int | None = field(
        None,
        help="batches that pass through the stages in a step, for the waits between stages; none "
        "leaves them at those of the benchmarks",
        unit="1",
        minimum=1,
        maximum=1_000_000,
    )
    training_precision: Literal["bf16", "fp8", "fp4"] = field(
        "bf16", help="format of the products of the training"
    )
    training_sequence_tokens: int = amount(
        4096, "length of a sequence of the training", "token", within=(1, 16_777_216)
    )
    training_batch_sequences: int = amount(
        1, "sequences that an accelerator trains at a time", "sequence", within=(1, MOST_SEQUENCES)
    )
    training_recompute: bool = field(
        True, help="compute activations again on the way back, which takes less memory"
    )
    training_adapter_rank: int = amount(
        16, "rank of the adapters of lora and qlora", "1", within=(1, 4096)
    )
    training_teacher: str | None = field(
        None, help="model that teaches with distil: catalogue id, or path of a config.json"
    )
    training_utilization: Banded | None = amount(
        None,
        "share of the arithmetic peak that the training reaches; none is as measured",
        "1",
        within=(0.001, 0.75),
    )
    training_overhead: Banded = amount(
        1.0,
        "tests, failed runs and the last run together, over the last run alone",
        "1",
        within=(1, 100),
    )


def method_of(inputs: RunInputs) -> TrainingMethod:
    """Return how is trained: as stated, else what follows from the parameters that are."""
    if inputs.training_method is not None:
        return inputs.training_method
    return "full" if inputs.training_adapter_parameters is None else "lora"


def check_run(inputs: RunInputs) -> None:
    """Raise InvalidInput for a method without an amount, and for teachers and adapters alone."""
    method = inputs.training_method
    is_asked = inputs.training_tokens is not None or inputs.training_accelerator_hours is not None
    if method is not None and not is_asked:
        raise InvalidInput(
            f"training_method must go with training_tokens, got {method!r} alone; give the tokens",
            field="training_method",
        )
    if (method == "distil") != (inputs.training_teacher is not None):
        got = "no teacher" if method == "distil" else f"method {method_of(inputs)!r}"
        raise InvalidInput(
            f"training_teacher must be given with training_method = 'distil' alone, got {got}; "
            "give both or neither",
            field="training_teacher",
        )
    if inputs.training_teacher is not None:
        model_named(inputs.training_teacher, "training_teacher")
    _check_format(inputs)
    if inputs.training_adapter_parameters is not None and method_of(inputs) not in ADAPTED:
        raise InvalidInput(
            "training_adapter_parameters must go with training_method lora or qlora, "
            f"got {method!r}; leave it out",
            field="training_adapter_parameters",
        )


def _check_format(inputs: RunInputs) -> None:
    """Refuse a format that the accelerator does not multiply."""
    name, wanted = inputs.accelerator, inputs.training_precision
    key = f"{name}.{wanted}_flop_per_s"
    is_known = any(fact.startswith(f"{name}.") for fact in all_facts())
    if wanted != "bf16" and is_known and key not in all_facts() and key not in inputs.facts:
        raise InvalidInput(
            f"training_precision must be a format that {name} multiplies, got {wanted!r}; "
            "take bf16, or another accelerator",
            field="training_precision",
        )

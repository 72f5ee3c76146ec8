"""Fields of the training question, beside those of the run itself."""

from typing import Literal

from llminfra.facets import cost, energy
from llminfra.facets.base import Quantity, field

Optimizer = Literal["adamw", "adamw-8bit", "adamw-pure", "sgd"]


class Inputs(cost.Inputs, energy.Inputs):
    """How the state of a training is held, and what it is compared with."""

    training_sharding: Literal[0, 1, 2, 3] = field(
        3,
        help="what accelerators share of the state: nothing (0), the optimizer (1), gradients too "
        "(2), weights too (3)",
        unit="1",
    )
    training_batch_sequences: int = field(
        1, help="sequences that an accelerator trains at a time", unit="sequence", minimum=1,
        maximum=65_536,
    )  # fmt: skip
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
    training_data_usd: Quantity = field(
        0.0, help="data, their preparation and the tests of the result", unit="USD", minimum=0,
        maximum=1e11,
    )  # fmt: skip

"""Whether a worker that only reads prompts has room for the weights and a prompt."""

from dataclasses import dataclass

from llminfra import formats
from llminfra.catalog.facts import Facts
from llminfra.facets.base import Goal, Problem
from llminfra.facets.demand import Demand
from llminfra.facets.deployment import Deployment
from llminfra.facets.memory.inputs import Inputs
from llminfra.facets.memory.sizing import Sizing
from llminfra.ranges import Range


@dataclass(frozen=True)
class PromptRoom:
    """One accelerator of a prefill worker."""

    weight_bytes: Range
    kv_pool_bytes: Range
    prompts: Range

    @property
    def fits(self) -> bool:
        """Whether weights, runtime and a prompt fit."""
        return self.prompts.base >= 1


def prefill_room(
    scenario: Inputs, facts: Facts, *, deployment: Deployment, demand: Demand
) -> PromptRoom | None:
    """Return the room of a prefill worker; None where there are none.

    The experts of a worker are dealt over all its accelerators.
    """
    prefill = deployment.prefill
    if prefill is None:
        return None
    experts, data = prefill.accelerators_per_worker, prefill.data_parallel
    split = scenario.model_copy(update={"expert_parallel": experts, "data_parallel": data})
    sizing = Sizing(split, facts, deployment=deployment, demand=demand)
    layout = sizing.layout(prefill.tensor_parallel)
    return PromptRoom(layout.weight_bytes, layout.pool_bytes, layout.held(1))


def misfit(deployment: Deployment, room: PromptRoom | None) -> Problem | None:
    """Report a prefill worker that does not fit."""
    prefill = deployment.prefill
    if room is None or prefill is None or room.fits:
        return None
    needed = formats.gb(room.weight_bytes.base)
    n, name = prefill.accelerators_per_worker, deployment.accelerator_name
    return Problem(
        "E-FIT",
        f"a prefill worker of {deployment.model_name} on {n} × {name} does not fit: weights "
        f"take {needed} of each accelerator and leave no room for a prompt",
        goal=Goal("prompt"),
    )

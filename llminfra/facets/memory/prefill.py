"""Whether a worker that only reads prompts has room for the weights and a prompt."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from llminfra import formats
from llminfra.catalog.facts import Facts
from llminfra.facets.base import Problem
from llminfra.facets.memory.layout import MOST_TRIED, Layout, Sizing
from llminfra.ranges import Range

if TYPE_CHECKING:
    from llminfra.plan import Plan


@dataclass(frozen=True)
class Room:
    """One accelerator of a prefill worker."""

    weight_bytes: Range
    kv_pool_bytes: Range
    prompts: Range

    @property
    def fits(self) -> bool:
        """Whether weights, runtime and a prompt fit."""
        return self.prompts.base >= 1


def prefill_room(scenario: Any, plan: "Plan", facts: Facts) -> Room | None:
    """Return the room of a prefill worker; None where there are none."""
    prefill = plan.deployment.prefill
    if prefill is None:
        return None
    layout = _layout(scenario, plan, facts, prefill.tensor_parallel, prefill.data_parallel)
    return Room(layout.weight_bytes, layout.pool_bytes, layout.held(1))


def _layout(
    scenario: Any, plan: "Plan", facts: Facts, tensor_parallel: int, data_parallel: int
) -> Layout:
    """The layout of a worker whose experts are dealt over all its accelerators."""
    ranks = tensor_parallel * data_parallel
    split = scenario.model_copy(update={"expert_parallel": ranks, "data_parallel": data_parallel})
    return Sizing(split, plan, facts).layout(tensor_parallel)


def misfit(scenario: Any, plan: "Plan", room: Room | None) -> Problem | None:
    """Report a prefill worker that does not fit, and the splits that would."""
    prefill = plan.deployment.prefill
    if room is None or prefill is None or room.fits:
        return None
    needed = formats.gb(room.weight_bytes.base)
    n, name = prefill.accelerators_per_worker, plan.deployment.accelerator_name
    return Problem(
        "E-FIT",
        f"a prefill worker of {plan.deployment.model_name} on {n} × {name} does not fit: weights "
        f"take {needed} of each accelerator and leave no room for a prompt",
        tuple(_fixes(scenario, plan)),
    )


def _fixes(scenario: Any, plan: "Plan") -> Iterator[str]:
    prefill, facts = plan.deployment.prefill, Facts(scenario.fact_overrides())
    if prefill is None:
        return
    for n in plan.deployment.architecture.tensor_parallel_values(MOST_TRIED):
        if n <= prefill.tensor_parallel:
            continue
        layout = _layout(scenario, plan, facts, n, prefill.data_parallel)
        if layout.held(1).base >= 1:
            yield f"prefill_tensor_parallel = {n}: a prompt fits"
            return

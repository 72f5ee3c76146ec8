"""What cannot work as asked: a state that does not fit, a speed that nobody measured."""

from collections.abc import Iterator
from typing import Final

from llminfra import formats
from llminfra.catalog.facts import Facts
from llminfra.errors import MissingFact
from llminfra.facets.base import Problem
from llminfra.facets.training.inputs import Inputs, expert_parallel_values
from llminfra.facets.training.result import METHODS, TrainingRun
from llminfra.facets.training.state import State

_ALL_SHARED: Final = 3
_MOST: Final = 4


def problems(inputs: Inputs, facts: Facts, result: TrainingRun) -> list[Problem]:
    """Report a state that does not fit and a speed that is an assumption; nothing where unasked."""
    return list(_found(result)) if result.is_asked else []


def _found(result: TrainingRun) -> Iterator[Problem]:
    try:
        if not result.fits:
            yield _too_large(result)
        if result.evidence == "assumed":
            yield _unmeasured(result)
    except MissingFact as reason:
        yield Problem("E-DATA", f"training is not available: {reason}")


def _too_large(result: TrainingRun) -> Problem:
    state = result.state
    n = formats.counted(result.accelerators, "accelerator")
    fixes = tuple(_fixes(result))[:_MOST] or (_other(result),)
    return Problem(
        "E-TRAIN",
        f"training state must fit the {formats.gb(result.usable_bytes)} of an accelerator, got "
        f"{formats.gb(state.total)} on each of {n} ({_largest(state)})",
        fixes,
    )


def _largest(state: State) -> str:
    name, part = max(state.parts().items(), key=lambda item: item[1].base)
    return f"{formats.gb(part)} of it {name}"


def _fixes(result: TrainingRun) -> Iterator[str]:
    """Sharding, offload, and adapters, each with what it takes."""
    usable, state = result.usable_bytes, result.state
    if state.setup.sharding < _ALL_SHARED:
        shared = state.changed(sharding=_ALL_SHARED)
        if shared.fits(usable):
            yield f"training_sharding = {_ALL_SHARED}: {formats.gb(shared.total)} each"
    if result.accelerators_needed > result.accelerators:
        more = state.changed(sharding=_ALL_SHARED, accelerators=result.accelerators_needed)
        said = f"training_accelerators = {result.accelerators_needed}"
        yield f"{said}, training_sharding = {_ALL_SHARED}: {formats.gb(more.total)} each"
    if dealt := _dealt_out(result):
        said = f"training_expert_parallel = {dealt.setup.expert_parallel}"
        yield f"{said}: {formats.gb(dealt.total)} each"
    if not state.setup.is_offloaded:
        moved = state.changed(is_offloaded=True, sharding=_ALL_SHARED)
        if moved.fits(usable):
            host = formats.gb(moved.host)
            yield f"training_offload = true: {formats.gb(moved.total)} each, {host} in the host"
    if not state.setup.is_recomputed:
        again = state.changed(is_recomputed=True)
        if again.fits(usable):
            yield f"training_recompute = true: {formats.gb(again.total)} each"
    for method in METHODS[METHODS.index(result.method) + 1 :] if result.method in METHODS else ():
        other = result.state_of(method)
        if other.fits(usable):
            yield f'training_method = "{method}": {formats.gb(other.total)} each'


def _dealt_out(result: TrainingRun) -> State | None:
    """Experts dealt out over most of a server, where that fits and was not done."""
    state, most = result.state, min(result.per_server, result.accelerators)
    if state.setup.expert_parallel > 1:
        return None
    values = expert_parallel_values(state.setup.architecture)
    tried = (
        state.changed(expert_parallel=n)
        for n in sorted(values, reverse=True)
        if 1 < n <= most and result.accelerators % (n * state.setup.pipeline_parallel) == 0
    )
    return next((found for found in tried if found.fits(result.usable_bytes)), None)


def _other(result: TrainingRun) -> str:
    """What is left where no way to hold it fits: an accelerator with more memory."""
    least = result.state_of("qlora").changed(sharding=_ALL_SHARED, is_offloaded=True)
    return (
        f"another accelerator: adapters on 4-bit weights, optimizer in the host, take "
        f"{formats.gb(least.total)} each"
    )


def _unmeasured(result: TrainingRun) -> Problem:
    name = result.deployment.accelerator_name
    return Problem(
        "W-TRAIN",
        f"no training was measured on {name}: that it reaches "
        f"{formats.percent(result.utilization)} of its peak is an assumption",
        ("training_utilization = … as your own test has it",),
    )

"""The nearest changes that would reach a goal that a plan misses, found by trying candidates."""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Final, TypeVar

from llminfra import formats
from llminfra.errors import InvalidInput, MissingFact
from llminfra.explain.candidates import (
    FOR_PROMPTS,
    FOR_ROOM,
    FOR_SPEED,
    Candidate,
    Kind,
    candidates,
)
from llminfra.facets.base import SIZING_CONFIDENCE, Goal
from llminfra.facets.demand import TARGETS
from llminfra.plan import COMPARISON, Plan
from llminfra.ranges import Range
from llminfra.search import search

V = TypeVar("V")
_MOST_FIXES: Final = 3
# Changes of a kind that hold the load but miss a target, before the kind is given up.
_MOST_LATE: Final = 4
_FEWER_BITS: Final = ("fp8", "int4")


def fixes(plan: Plan, goal: Goal) -> Sequence[str]:
    r"""Return the changes that would reach a missed goal, in words.

    Examples
    --------
    >>> from llminfra import Scenario, evaluate
    >>> plan = evaluate(Scenario(tensor_parallel=2, precision="fp8", in_flight=600))
    >>> (missed,) = (problem.goal for problem in plan.problems if problem.code == "E-LOAD")
    >>> fixes(plan, missed)[1]
    '4 × A100 80 GB, FP8 (tensor_parallel = 4): holds 991\u202frequests at once'
    """
    if goal.name in ("fit", "load"):
        return [str(change) for change in nearest_changes(plan)]
    if goal.name == "prompt":
        return list(_room_for_prompts(plan))
    if goal.name in TARGETS:
        return _faster(plan, goal)
    return _within(plan, goal)


def _tried(
    plan: Plan, kinds: Sequence[Kind], settled: Callable[[str], bool], judge: Callable[[Plan], V]
) -> Iterator[tuple[Candidate, Mapping[str, Any], V]]:
    """Yield candidates, their fields and what their plans say, without those that cannot be."""
    for candidate in candidates(plan, kinds):
        if settled(candidate.kind):
            continue
        fields = plan.fixed | candidate.fields  # what was chosen is not chosen again
        try:
            found = judge(plan.variant(**fields))
        except (InvalidInput, MissingFact):
            continue
        yield candidate, fields, found


# -- memory -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Change:
    """A change that works: what it makes of the layout, its fields and what is then held.

    `missed` are the latency targets that are still missed, in words.
    """

    label: str
    fields: Mapping[str, Any]
    held: Range
    missed: tuple[str, ...] = ()

    def __str__(self) -> str:
        fields = ", ".join(f"{name} = {value}" for name, value in self.fields.items())
        holds = "each holds" if "replicas" in self.fields else "holds"
        still = f", but misses the target of {formats.join(list(self.missed))}"
        return (
            f"{self.label} ({fields}): {holds} {formats.counted(self.held, 'request')} at once"
            f"{still if self.missed else ''}"
        )


@dataclass(frozen=True)
class _Room:
    """What a changed plan says of the load."""

    layout: str
    model: str
    held: Range
    holds_load: bool
    holds_one: bool
    missed: tuple[str, ...]


@lru_cache(maxsize=8)
def nearest_changes(plan: Plan, most: int = _MOST_FIXES) -> tuple[Change, ...]:
    """Return the smallest change of each kind that holds the load at the sizing confidence.

    None where it is held as asked for. Changes that meet the latency targets come first; where no
    change of a kind does, the smallest that holds the load says which it misses. Where a model
    does not fit and too few changes hold the load, changes that hold one request follow.
    """
    fits = plan.memory.fits
    if fits and plan.capacity.load_probability >= SIZING_CONFIDENCE:
        return ()
    found: dict[str, Change] = {}
    late: dict[str, Change] = {}
    fitting: dict[str, Change] = {}
    tried: Counter[str] = Counter()

    def settled(kind: str) -> bool:
        return kind in found or tried[kind] == _MOST_LATE

    for candidate, fields, room in _tried(plan, FOR_ROOM, settled, _room):
        change = Change(_label(fields, room), fields, room.held, room.missed)
        if room.holds_load and room.missed:
            late.setdefault(candidate.kind, change)
            tried[candidate.kind] += 1
        elif room.holds_load:
            found[candidate.kind] = change
        elif not fits and room.holds_one:
            fitting.setdefault(candidate.kind, change)
        if len(found) == most:
            break
    kinds = dict.fromkeys([*found, *late, *fitting])
    best = fitting | late | found
    return tuple(best[kind] for kind in kinds)[:most]


def _label(fields: Mapping[str, Any], room: _Room) -> str:
    model = f", with {room.model}" if "model" in fields else ""
    cache = ", KV cache in 8 bits" if "kv_precision" in fields else ""
    return f"{room.layout}{model}{cache}"


def _room(plan: Plan) -> _Room:
    """Judge the memory of a plan first: loads and speeds take ten times as long to find."""
    holds_one = plan.memory.fits_probability >= SIZING_CONFIDENCE
    holds = holds_one and plan.capacity.load_probability >= SIZING_CONFIDENCE
    return _Room(
        layout=plan.deployment.label,
        model=plan.deployment.model_name,
        held=plan.memory.max_sequences,
        holds_load=holds,
        holds_one=holds_one,
        missed=_missed(plan) if holds else (),
    )


def _missed(plan: Plan) -> tuple[str, ...]:
    """Latency targets that a plan misses; none where its speed is not known."""
    try:
        return plan.serving.missed_targets
    except MissingFact:
        return ()


def _room_for_prompts(plan: Plan) -> Iterator[str]:
    """The smallest split of a prefill worker that has room for weights and a prompt."""
    for _, fields, fits in _tried(plan, FOR_PROMPTS, lambda kind: False, _fits_prompt):
        if fits:
            yield f"prefill_tensor_parallel = {fields['prefill_tensor_parallel']}: a prompt fits"
            return


def _fits_prompt(plan: Plan) -> bool:
    return plan.memory.prefill is not None and plan.memory.prefill.fits


# -- speed --------------------------------------------------------------------------------------


def _faster(plan: Plan, goal: Goal) -> tuple[str, ...]:
    """Changes that meet a latency target, under the demand as it was stated."""
    found: dict[str, str] = {}
    nearest = _seconds(plan, goal.name), ""
    split = {"tensor_parallel": plan.deployment.tensor_parallel}
    seconds_of = partial(_seconds, name=goal.name)
    for candidate, _, seconds in _tried(plan, FOR_SPEED, found.__contains__, seconds_of):
        change = candidate.fields | {n: v for n, v in split.items() if n not in candidate.fields}
        words = ", ".join(f"{name} = {value}" for name, value in change.items())
        nearest = min(nearest, (seconds, f"{words}: {formats.number(seconds)} s"))
        if seconds <= goal.limit:
            found[candidate.kind] = f"{words}: {formats.number(seconds)} s"
        if len(found) == _MOST_FIXES:
            break
    if goal.name == "e2e" and len(found) < _MOST_FIXES:
        found |= _shorter(plan, goal)
    if not found:
        near = f"; nearest is {nearest[1]}" if nearest[1] else ""
        return (f"no change of layout or precision tried here meets {goal.limit:g} s{near}",)
    return tuple(found.values())


def _seconds(plan: Plan, name: str) -> float:
    return float(getattr(plan.serving, f"{name}_s").base)


def _shorter(plan: Plan, goal: Goal) -> dict[str, str]:
    """The longest answer that meets the target: shorter ones let more prompts run beside each."""
    met, missed_at, value = 0, math.floor(plan.demand.output_tokens.base), math.nan
    while missed_at - met > 1:
        tokens = (met + missed_at) // 2
        seconds = _seconds(plan.variant(**(plan.fixed | {"output_tokens": tokens})), goal.name)
        if seconds <= goal.limit:
            met, value = tokens, seconds
        else:
            missed_at = tokens
    return {"length": f"output_tokens = {met}: {formats.number(value)} s"} if met else {}


# -- limits on what may be installed ------------------------------------------------------------


def _within(plan: Plan, goal: Goal) -> list[str]:
    """Fewer spares, a smaller layout that meets everything, or a higher limit."""
    capacity = plan.capacity
    if goal.name == "accelerators":
        allowed = int(goal.limit) // plan.deployment.accelerators_per_replica
        field, taken = "max_accelerators", f"{capacity.accelerators}"
    else:
        power = capacity.resources["power_w"].base
        allowed = int(goal.limit / power * capacity.replicas)
        field, taken = "max_power_w", f"{power:.0f}"
    layouts = layouts_within_limits(plan)
    none = "" if layouts else ", and no other does it within the limit"
    needed, found = capacity.replicas_needed, []
    if needed is not None and allowed >= needed:
        found.append(f"replicas = {allowed}: enough for the load, with fewer spares")
    return [*found, *layouts, f"{field} = {taken}: what this layout takes{none}"]


def layouts_within_limits(plan: Plan) -> tuple[str, ...]:
    """Return the smallest layouts that meet everything with what may be installed, as changes.

    The smallest with these weights, and the smallest with fewer bits.
    """
    scenario, facts = plan.resolved, plan.facts_read_by(COMPARISON)
    own = scenario.precision
    bits = {name: facts.number(name, "bits_per_weight").base for name in {own, *_FEWER_BITS}}
    found, least = [], math.inf
    for precision in (own, *(name for name in _FEWER_BITS if bits[name] < bits[own])):
        changed = scenario.model_copy(update={"precision": precision})
        best = search(Plan(changed, facts=facts)).smallest
        if best is not None and best.accelerators < least:
            least = best.accelerators
            fields = {
                n: v for n, v in best.fields.items() if getattr(scenario, n) not in (v, "auto")
            }
            words = ", ".join(f"{name} = {value}" for name, value in fields.items())
            found.append(f"{words}: {best.layout} meet{'s' * (best.replicas == 1)} everything")
    return tuple(found)

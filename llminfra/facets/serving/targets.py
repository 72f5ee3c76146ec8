"""Latency targets that are missed: the floor, and the nearest changes that would meet them."""

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from llminfra import formats
from llminfra.catalog.facts import Facts
from llminfra.errors import InvalidInput, MissingFact
from llminfra.facets.base import Problem

if TYPE_CHECKING:
    from llminfra.facets.serving import Serving
    from llminfra.plan import Plan

_TARGETS = {
    "ttft": ("time to first token", "arithmetic of the prompt / peak"),
    "tpot": ("time per output token", "weights read / memory bandwidth"),
    "e2e": (
        "time to the last token",
        "first token at its floor, and each of the others at theirs: weights read / memory "
        "bandwidth",
    ),
}
_MOST_FIXES = 3
_MOST_TRIED = 64
_SMALLER = ("fp8", "int4", "q8_0", "q4_k_m")


def problems(scenario: Any, plan: "Plan", serving: "Serving") -> list[Problem]:
    """Report targets that are missed, and how far the accelerator is from measured ones."""
    found = [_target(scenario, plan, serving, name) for name in _TARGETS]
    return [problem for problem in (*found, _extrapolates(plan, serving)) if problem is not None]


def missed(scenario: Any, serving: "Serving") -> tuple[str, ...]:
    """Return the targets that are missed, in words; none where the model does not fit."""
    return tuple(words for name, (words, _) in _TARGETS.items() if _misses(scenario, serving, name))


def _misses(scenario: Any, serving: "Serving", name: str) -> bool:
    target = getattr(scenario, f"{name}_target_s")
    return target is not None and getattr(serving, f"{name}_s").base > target


def _target(scenario: Any, plan: "Plan", serving: "Serving", name: str) -> Problem | None:
    if not _misses(scenario, serving, name):
        return None
    target = getattr(scenario, f"{name}_target_s")
    predicted, floor = getattr(serving, f"{name}_s"), getattr(serving, f"floor_{name}_s")
    words, formula = _TARGETS[name]
    beyond = "below" if target < floor.base else "above"
    return Problem(
        "E-SLO",
        f"mean {words} is {formats.number(predicted)} s, the target {formats.number(target)} s is "
        f"{beyond} the physical floor of {formats.number(floor)} s ({formula})",
        _fixes(scenario, plan, serving, name, target),
    )


def _fixes(
    scenario: Any, plan: "Plan", serving: "Serving", name: str, target: float
) -> tuple[str, ...]:
    found: dict[str, str] = {}
    nearest = getattr(serving, f"{name}_s").base, ""
    for kind, change in _changes(scenario, plan):
        if kind in found or len(found) == _MOST_FIXES:
            continue
        try:
            value = _value(plan, name, change)
        except (InvalidInput, MissingFact):
            continue
        fields = ", ".join(f"{key} = {part}" for key, part in change.items())
        nearest = min(nearest, (value, f"{fields}: {formats.number(value)} s"))
        if value <= target:
            found[kind] = f"{fields}: {formats.number(value)} s"
    if name == "e2e" and len(found) < _MOST_FIXES:
        found |= _shorter(plan, target)
    if not found:
        near = f"; nearest is {nearest[1]}" if nearest[1] else ""
        found["none"] = f"no change of layout or precision tried here meets {target:g} s{near}"
    return tuple(found.values())


def _value(plan: "Plan", name: str, change: dict[str, Any]) -> float:
    """The time with a change, under the demand as it was stated."""
    serving = plan.variant(**(plan.fixed | change)).serving
    return float(getattr(serving, f"{name}_s").base)


def _shorter(plan: "Plan", target: float) -> dict[str, str]:
    """The longest answer that meets the target: shorter ones let more prompts run beside each."""
    met, missed_at, value = 0, math.floor(plan.capacity.output_tokens.base), math.nan
    while missed_at - met > 1:
        tokens = (met + missed_at) // 2
        seconds = _value(plan, "e2e", {"output_tokens": tokens})
        if seconds <= target:
            met, value = tokens, seconds
        else:
            missed_at = tokens
    return {"length": f"output_tokens = {met}: {formats.number(value)} s"} if met else {}


def _changes(scenario: Any, plan: "Plan") -> Iterator[tuple[str, dict[str, Any]]]:
    """One change at a time, then precision and split together; the split is fixed throughout."""
    now, prefill = plan.deployment.tensor_parallel, plan.deployment.prefill
    values = plan.deployment.architecture.tensor_parallel_values(_MOST_TRIED)
    facts, chip = Facts(scenario.fact_overrides()), scenario.accelerator
    # Groups over several servers were not measured, and their links are slow: none is offered.
    most = scenario.accelerators_per_server or (
        facts.number(chip, "accelerators_per_node").base
        if facts.has(chip, "accelerators_per_node")
        else now
    )
    counts = [n for n in values if now < n <= most]
    bits = Facts().number(scenario.precision, "bits_per_weight").base
    offered = Facts().text(plan.deployment.engine_entry, "formats").split()
    common = [p for p in _SMALLER if p in offered]
    smaller = [p for p in common if Facts().number(p, "bits_per_weight").base < bits]
    if prefill is not None:
        for k in (2, 4, 8):
            yield "prefill", {"prefill_workers": prefill.workers * k, "tensor_parallel": now}
            yield "decode", {"decode_workers": scenario.decode_workers * k, "tensor_parallel": now}
        ranks = {"prefill_data_parallel": prefill.data_parallel, "tensor_parallel": now}
        for n in (n for n in values if n > prefill.tensor_parallel):
            yield "prefill split", {"prefill_tensor_parallel": n} | ranks
    for n in counts:
        yield "split", {"tensor_parallel": n}
    for precision in smaller:
        yield "precision", {"precision": precision, "tensor_parallel": now}
    if not scenario.draft_tokens:
        yield "drafts", {"draft_tokens": 2, "tensor_parallel": now}
    for replicas in (2, 4, 8, 16):
        more = plan.capacity.replicas * replicas
        yield "replicas", {"replicas": more, "tensor_parallel": now}
    for precision in smaller:
        for n in counts:
            yield "both", {"precision": precision, "tensor_parallel": n}


def _extrapolates(plan: "Plan", serving: "Serving") -> Problem | None:
    name, how = plan.deployment.accelerator_name, serving.extrapolation
    if how in ("none", "engine"):  # of engines the deployment facet tells
        return None
    code, words = {
        "accelerator": ("W-ACCELERATOR", "the constants of its generation"),
        "generation": ("W-GENERATION", "physics and the constants of other generations"),
    }[how]
    return Problem(
        code, f"speed on {name} was not fitted: it follows {words}, and its range is wider"
    )

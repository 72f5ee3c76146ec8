"""Latency targets that are missed: the floor, and the nearest changes that would meet them."""

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
    "e2e": ("time to the last token", "floor of both, (output - 1) x the latter"),
}
_MOST_FIXES = 3
_MOST_TRIED = 64


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
            value = getattr(plan.variant(**(plan.fixed | change)).serving, f"{name}_s").base
        except (InvalidInput, MissingFact):
            continue
        fields = ", ".join(f"{key} = {part}" for key, part in change.items())
        nearest = min(nearest, (value, f"{fields}: {formats.number(value)} s"))
        if value <= target:
            found[kind] = f"{fields}: {formats.number(value)} s"
    if name == "e2e" and len(found) < _MOST_FIXES:
        tokens = (target - serving.ttft_s.base) / serving.tpot_s.base + 1
        if tokens >= 1:
            found["length"] = f"output_tokens = {int(tokens)}: answers of this length meet it"
    if not found:
        near = f"; nearest is {nearest[1]}" if nearest[1] else ""
        found["none"] = f"no change of layout or precision tried here meets {target:g} s{near}"
    return tuple(found.values())


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
    smaller = [p for p in ("fp8", "int4") if Facts().number(p, "bits_per_weight").base < bits]
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
    if how == "none":
        return None
    code, words = {
        "accelerator": ("W-ACCELERATOR", "the constants of its generation"),
        "generation": ("W-GENERATION", "physics and the constants of other generations"),
    }[how]
    return Problem(
        code, f"speed on {name} was not fitted: it follows {words}, and its range is wider"
    )

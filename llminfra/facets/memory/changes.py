"""What to do when a model or a load does not fit: the nearest changes that would."""

import itertools
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from llminfra import formats
from llminfra.catalog.facts import Facts
from llminfra.catalog.loader import Fact, ids
from llminfra.catalog.support import support
from llminfra.errors import InvalidInput, MissingFact
from llminfra.facets.base import SIZING_CONFIDENCE, Problem
from llminfra.facets.memory.layout import MOST_TRIED, kv_precision
from llminfra.facets.memory.prefill import misfit
from llminfra.ranges import Range

if TYPE_CHECKING:
    from llminfra.facets.memory import Memory
    from llminfra.plan import Plan

# Changes of a kind that hold the load but miss a target, before the kind is given up.
_MOST_LATE = 4
_SMALLER = ("fp8", "int4", "q8_0", "q4_k_m")


def problems(scenario: Any, plan: "Plan", memory: "Memory") -> list[Problem]:
    """Report what does not fit, by how much, the nearest changes that would, and warnings."""
    found = [
        misfit(scenario, plan, memory.prefill) or _misfit(plan, memory),
        _too_long(scenario, plan, memory),
        _foreign_format(scenario, plan),
        _assumed_memory(scenario, plan, memory),
    ]
    return [problem for problem in found if problem is not None]


def _misfit(plan: "Plan", memory: "Memory") -> Problem | None:
    n, name = plan.deployment.accelerators_per_replica, plan.deployment.accelerator_name
    where = f"{plan.deployment.model_name} on {n} × {name}"
    if not memory.fits:
        available = memory.limit_bytes_per_accelerator.base
        short = memory.request_shortfall_bytes_per_accelerator.base
        return Problem(
            "E-FIT",
            f"{where} does not fit: each accelerator needs {formats.gb(available + short)} and "
            f"may use {formats.gb(available)}, {formats.gb(short)} short",
            tuple(map(str, memory.nearest_changes)),
        )
    if memory.load_probability < SIZING_CONFIDENCE:
        return Problem(
            "E-LOAD",
            f"{where} holds {_held(memory)}",
            tuple(map(str, memory.nearest_changes)),
        )
    return None


def _held(memory: "Memory") -> str:
    """What is held against the load, and how often it is too little if the base case is not."""
    held, load = memory.max_sequences, memory.in_flight_per_replica
    band = "" if held.is_exact else f" ({formats.band(held, formats.count)})"
    words = f"{formats.counted(held, 'request')}{band} at once, {formats.count(load)} "
    words += "is in flight" if formats.count(load) == "1" else "are in flight"
    if held < load:
        return words
    short = formats.percent(1 - memory.load_probability)
    return f"{words}: in {short} of the draws it does not hold the load"


def _too_long(scenario: Any, plan: "Plan", memory: "Memory") -> Problem | None:
    """The engine does not start when its pool cannot hold one sequence of max_model_len."""
    wanted, most = plan.deployment.max_model_len, memory.max_model_len_accepted.base
    if not memory.fits or wanted <= most:
        return None
    return Problem(
        "E-LEN" if scenario.max_model_len else "W-LEN",
        f"max_model_len must be at most {most:,.0f} tokens for {plan.deployment.engine_name} to "
        f"start, {'got' if scenario.max_model_len else 'the model allows'} {wanted:,}",
        (f"max_model_len = {most:.0f}",),
    )


def _foreign_format(scenario: Any, plan: "Plan") -> Problem | None:
    deployment = plan.deployment
    if deployment.is_native_format:
        return None
    is_bf16 = scenario.precision == "bf16"
    name = "BF16" if is_bf16 else deployment.precision_name
    fp16 = {"precision": "fp16", "tensor_parallel": deployment.tensor_parallel}
    has_fp16 = is_bf16 and plan.variant(**fp16).deployment.is_native_format
    return Problem(
        "W-FORMAT",
        f"{deployment.accelerator_name} has no {name} arithmetic: the weights fit as computed, and "
        "are unpacked to another format for every product",
        ('precision = "fp16"',) if has_fp16 else (),
    )


def _assumed_memory(scenario: Any, plan: "Plan", memory: "Memory") -> Problem | None:
    """The memory of a CPU or of a shared pool is that of the machine around it."""
    size = memory.memory_bytes_per_accelerator
    if not isinstance(fact := size.origin, Fact) or not is_assumed(size):
        return None
    return Problem(
        "W-DATA",
        f"memory of {plan.deployment.accelerator_name} is assumed to be {formats.gb(size)} "
        f"({formats.band(size, formats.gb)}): {fact.note}",
        (f'[facts] "{fact.key}" = {{value = …, source = "…", as_of = …}}',),
    )


def is_assumed(value: Range) -> bool:
    """Tell whether a number is a fact that no source states."""
    return isinstance(value.origin, Fact) and value.origin.confidence == "assumption"


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


def nearest(plan: "Plan", most: int = 3) -> tuple[Change, ...]:
    """Return the smallest change of each kind that holds the load at the sizing confidence.

    None where it is held as asked for. Changes that meet the latency targets come first; where no
    change of a kind does, the smallest that holds the load says which it misses. Where a model
    does not fit and too few changes hold the load, changes that hold one request follow.
    """
    fits = plan.memory.fits
    if fits and plan.memory.load_probability >= SIZING_CONFIDENCE:
        return ()
    found: dict[str, Change] = {}
    late: dict[str, Change] = {}
    tried: Counter[str] = Counter()
    fitting: dict[str, Change] = {}
    for kind, words, fields in _changes(plan):
        if kind in found or tried[kind] == _MOST_LATE:
            continue
        try:
            changed = plan.variant(**fields)
            memory = changed.memory
            holds = memory.load_probability >= SIZING_CONFIDENCE
            missed = _missed(changed) if holds else ()
        except (InvalidInput, MissingFact):
            continue
        if holds or (not fits and memory.fits_probability >= SIZING_CONFIDENCE):
            model = f", with {changed.deployment.model_name}" if "model" in fields else ""
            label = f"{changed.deployment.label}{model}{words}"
            change = Change(label, fields, memory.max_sequences, missed)
            if missed:
                late.setdefault(kind, change)
                tried[kind] += 1
            elif holds:
                found[kind] = change
            else:
                fitting.setdefault(kind, change)
        if len(found) == most:
            break
    kinds = dict.fromkeys([*found, *late, *fitting])
    best = fitting | late | found
    return tuple(best[kind] for kind in kinds)[:most]


def _missed(plan: "Plan") -> tuple[str, ...]:
    """Latency targets that a plan misses; none where its speed is not known."""
    try:
        return plan.serving.missed_targets
    except MissingFact:
        return ()


def _changes(plan: "Plan") -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Changes to try: kind, words, fields; one thing at a time first, then two at once."""
    scenario: Any = plan.resolved
    now = plan.deployment.tensor_parallel
    # What was chosen is not chosen again for every change.
    fixed = plan.fixed
    counts = [
        fixed | {"tensor_parallel": n}
        for n in plan.deployment.architecture.tensor_parallel_values(MOST_TRIED)
        if n > now
    ]
    offered = Facts().text(plan.deployment.engine_entry, "formats").split()
    common = [p for p in _SMALLER if p in offered]
    precisions = [{"precision": p} for p in common if _bits(p) < _bits(scenario.precision)]
    if kv_precision(scenario) != "fp8":
        yield "cache", ", KV cache in 8 bits", fixed | {"kv_precision": "fp8"}
    yield from (("count", "", change) for change in counts)
    yield from (("precision", "", fixed | change) for change in precisions)
    for n in _replicas(plan):
        yield "replicas", "", fixed | {"replicas": n}
    larger = [{"accelerator": accelerator} for accelerator in larger_accelerators(plan)]
    yield from (("accelerator", "", fixed | change) for change in larger)
    for precision, count in itertools.product(precisions, counts):
        yield "two", "", precision | count
    for precision, accelerator in itertools.product(precisions, larger):
        yield "accelerator", "", fixed | accelerator | precision
    for count, accelerator in itertools.product(counts, larger):
        yield "accelerator", "", accelerator | count
    yield from (("model", "", fixed | {"model": model}) for model in _smaller_models(plan))


def _replicas(plan: "Plan") -> Iterator[int]:
    """Number of replicas that should carry the load, one more for rounding, more for speed."""
    memory = plan.memory
    if memory.fits:
        needed = plan.capacity.in_flight / memory.max_sequences.no_less_than(1)
        fewest = math.ceil(needed.at_confidence(1 - SIZING_CONFIDENCE))
        yield from (fewest, fewest + 1, 2 * fewest, 4 * fewest)


def _smaller_models(plan: "Plan") -> list[str]:
    """Models of the catalogue with fewer parameters, the largest first."""
    facts = Facts()
    sizes = {name: facts.model(name).parameters for name in ids("model")}
    own = plan.deployment.architecture.parameters
    return sorted((m for m in sizes if sizes[m] < own), key=lambda m: -sizes[m])


def _bits(precision: str) -> float:
    return Facts().number(precision, "bits_per_weight").base


def larger_accelerators(plan: "Plan") -> list[str]:
    """Accelerators with more memory that the engine runs on: of the same maker first, by size.

    Those whose memory is an assumption are not offered.
    """
    facts = Facts()
    entry = plan.deployment.engine_entry
    sizes = {
        other: facts.number(other, "memory_usable_bytes").base
        for other in ids("accelerator")
        if facts.has(other, "memory_usable_bytes")
        and not is_assumed(facts.number(other, "memory_usable_bytes"))
    }
    own = plan.resolved.to_dict()["accelerator"]
    own_vendor = facts.text(own, "vendor")
    order = {
        a: (facts.text(a, "vendor") != own_vendor, size)
        for a, size in sizes.items()
        if size > sizes.get(own, 0.0) and support(facts, entry, a) != "none"
    }
    return sorted(order, key=lambda a: order[a])

"""What to do when a model or a load does not fit: the nearest changes that would."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from llminfra import formats
from llminfra.catalog.facts import Facts
from llminfra.catalog.loader import ids
from llminfra.errors import InvalidInput, MissingFact
from llminfra.facets.base import SIZING_CONFIDENCE, Problem
from llminfra.facets.memory.layout import MOST_TRIED, kv_precision

if TYPE_CHECKING:
    from llminfra.facets.memory import Memory
    from llminfra.plan import Plan


def problems(scenario: Any, plan: "Plan", memory: "Memory") -> list[Problem]:
    """Report what does not fit, by how much, the nearest changes that would, and warnings."""
    found = [_misfit(plan, memory), _too_long(scenario, plan, memory), _foreign_format(plan)]
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
            _nearest(plan, lambda m: m.fits_probability),
        )
    if memory.load_probability < SIZING_CONFIDENCE:
        held, load = memory.max_sequences, formats.count(memory.in_flight_per_replica)
        band = "" if held.is_exact else f" ({formats.band(held, formats.count)})"
        return Problem(
            "E-LOAD",
            f"{where} holds {formats.count(held)}{band} requests at once, {load} are in flight",
            _nearest(plan, lambda m: m.load_probability),
        )
    return None


def _too_long(scenario: Any, plan: "Plan", memory: "Memory") -> Problem | None:
    """The engine does not start when its pool cannot hold one sequence of max_model_len."""
    wanted, most = plan.deployment.max_model_len, memory.max_model_len_accepted.base
    if not memory.fits or wanted <= most:
        return None
    return Problem(
        "E-LEN" if scenario.max_model_len else "W-LEN",
        f"{plan.deployment.engine_name} accepts at most {most:,.0f} tokens as max_model_len here, "
        f"{'got' if scenario.max_model_len else 'the model allows'} {wanted:,}",
        (f"max_model_len = {most:.0f}",),
    )


def _foreign_format(plan: "Plan") -> Problem | None:
    deployment = plan.deployment
    if deployment.is_native_format:
        return None
    return Problem(
        "W-FORMAT",
        f"{deployment.accelerator_name} has no {deployment.precision_name} arithmetic: the weights "
        "fit as computed, and are unpacked to another format for every product",
    )


def _nearest(
    plan: "Plan", probability: Callable[["Memory"], float], most: int = 3
) -> tuple[str, ...]:
    """Return the smallest change of each kind that reaches the sizing confidence."""
    found: dict[str, str] = {}
    for kind, label, change in _changes(plan):
        if kind in found:
            continue
        try:
            memory = plan.variant(**change).memory
        except (InvalidInput, MissingFact):
            continue
        if probability(memory) >= SIZING_CONFIDENCE:
            found[kind] = f"{label}: holds {formats.count(memory.max_sequences)} requests at once"
        if len(found) == most:
            break
    return tuple(found.values())


def _changes(plan: "Plan") -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Changes to try: kind, label, fields; one thing at a time first, then two at once."""
    scenario, deployment = plan.scenario.to_dict(), plan.deployment
    name, now = deployment.accelerator_name, deployment.tensor_parallel
    counts = [n for n in deployment.architecture.tensor_parallel_values(MOST_TRIED) if n > now]
    fewer_bits = [p for p in ("fp8", "int4") if _bits(p) < _bits(scenario["precision"])]
    if kv_precision(plan.scenario) != "fp8":
        yield "cache", "KV cache in 8 bits (kv_precision = fp8)", {"kv_precision": "fp8"}
    for n in counts:
        yield "count", f"{n} × {name} (tensor_parallel = {n})", {"tensor_parallel": n}
    for precision in fewer_bits:
        yield "precision", f"weights in {precision}", {"precision": precision}
    for accelerator in larger_accelerators(scenario["accelerator"]):
        larger = Facts().text(accelerator, "short_name")
        label = f"{now} × {larger} (accelerator = {accelerator})"
        yield "accelerator", label, {"accelerator": accelerator}
    for precision in fewer_bits:
        for n in counts:
            both = {"precision": precision, "tensor_parallel": n}
            yield "two", f"{n} × {name} and weights in {precision}", both


def _bits(precision: str) -> float:
    return Facts().number(precision, "bits_per_weight").base


def larger_accelerators(accelerator: str) -> list[str]:
    """Accelerators with more memory than this one, smallest first."""
    facts = Facts()
    sizes = {
        other: facts.number(other, "memory_usable_bytes").base
        for other in ids("accelerator")
        if facts.has(other, "memory_usable_bytes")
    }
    own = sizes.get(accelerator, 0.0)
    return sorted((a for a, size in sizes.items() if size > own), key=lambda a: sizes[a])

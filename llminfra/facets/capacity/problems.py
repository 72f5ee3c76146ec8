"""What cannot work as asked: a queue that never empties, more than may be installed."""

from typing import TYPE_CHECKING, Any

from llminfra import formats
from llminfra.catalog.facts import Facts
from llminfra.facets.base import SIZING_CONFIDENCE, Problem
from llminfra.facets.capacity import resources

if TYPE_CHECKING:
    from llminfra.facets.capacity import Capacity
    from llminfra.plan import Plan


def problems(scenario: Any, plan: "Plan", capacity: "Capacity") -> list[Problem]:
    """Report an unstable queue, too many accelerators, too much power, spares that do not help."""
    found = [
        _unstable(scenario, capacity),
        _too_many(scenario, plan, capacity),
        _too_much_power(scenario, plan, capacity),
        _shared_fate(scenario, plan, capacity),
        _beyond_replicas(scenario, capacity),
    ]
    return [problem for problem in found if problem is not None]


def _unstable(scenario: Any, capacity: "Capacity") -> Problem | None:
    """Closed loops slow down instead, and the memory facet says when they are held up."""
    needed = capacity.replicas_needed if capacity.is_open else None
    if needed is None or capacity.replicas >= needed:
        return None
    chance = capacity.utilization.probability_at_least(1.0)
    if 1 - chance >= SIZING_CONFIDENCE:
        return None
    targets = " and every latency target" if capacity.is_limited_by_targets else ""
    answers = "answers" if capacity.replicas == 1 else "answer"
    return Problem(
        "E-UNSTABLE",
        f"{formats.number(capacity.requests_per_s)} requests per second are "
        f"{formats.percent(capacity.utilization)} of what "
        f"{formats.counted(capacity.replicas, 'replica')} {answers}{_how_often(capacity, chance)}: "
        f"the queue grows without end; utilization must be below {formats.percent(1)}, and "
        f"{needed:,} replicas reach the target of {formats.percent(scenario.target_utilization)}"
        f"{targets} in {formats.percent(SIZING_CONFIDENCE)} of the draws",
        (f"replicas = {needed}", 'replicas = "auto"'),
    )


def _how_often(capacity: "Capacity", chance: float) -> str:
    """Say in which share of the draws a load is too much that the base case carries."""
    if capacity.utilization >= 1:
        return ""
    spread = formats.band(capacity.utilization, formats.percent)
    return f" ({spread}), and in {formats.percent(chance)} of the draws more than all of it"


def _too_many(scenario: Any, plan: "Plan", capacity: "Capacity") -> Problem | None:
    most = scenario.max_accelerators
    if most is None or capacity.accelerators <= most:
        return None
    each = plan.deployment.accelerators_per_replica
    return Problem(
        "E-CAP",
        f"{formats.counted(capacity.replicas, 'replica')} of {each:,} take "
        f"{capacity.accelerators:,} accelerators, {most:,} are allowed",
        (
            *_fewer(capacity, most // each),
            *plan.layouts_within_limits,
            f"max_accelerators = {capacity.accelerators}: {_as_taken(plan)}",
        ),
    )


def _too_much_power(scenario: Any, plan: "Plan", capacity: "Capacity") -> Problem | None:
    most = scenario.max_power_w
    if most is None:
        return None
    power = resources.power(scenario, Facts(scenario.fact_overrides()), capacity.accelerators)
    if power.base <= most:
        return None
    carried = int(most / power.base * capacity.replicas)
    return Problem(
        "E-CAP",
        f"{formats.counted(capacity.accelerators, 'accelerator')} with their hosts draw up to "
        f"{formats.number(power.base / 1e3)} kW, {formats.number(most / 1e3)} kW are allowed",
        (
            *_fewer(capacity, carried),
            *plan.layouts_within_limits,
            f"max_power_w = {power.base:.0f}: {_as_taken(plan)}",
        ),
    )


def _fewer(capacity: "Capacity", most: int) -> tuple[str, ...]:
    """The replicas that are allowed, where they carry the load."""
    enough = capacity.replicas_needed is not None and most >= capacity.replicas_needed
    return (f"replicas = {most}: enough for the load, with fewer spares",) if enough else ()


def _as_taken(plan: "Plan") -> str:
    none = "" if plan.layouts_within_limits else ", and no other does it within the limit"
    return f"what this layout takes{none}"


def _shared_fate(scenario: Any, plan: "Plan", capacity: "Capacity") -> Problem | None:
    """Spares that stand on the server which they are to replace."""
    if scenario.replicas != "auto" or not capacity.spares or not capacity.replicas_needed:
        return None
    placed = capacity.placement
    if placed.groups_needed(capacity.replicas_needed) < placed.groups:
        return None
    each, needed = plan.deployment.accelerators_per_replica, capacity.replicas_needed
    fixes = [f"accelerators_per_server = {each}: each replica on a server of its own"]
    if placed.most_per_server <= needed:  # else a server more is a multiple of what is needed
        more = needed + placed.most_per_server
        fixes.append(f"replicas = {more}: one server more than the load needs")
    return Problem(
        "W-SPARE",
        f"{formats.counted(capacity.spares, 'spare replica')} and the others share servers of "
        f"{placed.accelerators_per_server} accelerators: no server may fail",
        tuple(fixes),
    )


def _beyond_replicas(scenario: Any, capacity: "Capacity") -> Problem | None:
    """Targets that a replica misses however little it has to do."""
    if scenario.replicas != "auto" or not capacity.replicas_needed or capacity.is_within_targets:
        return None
    chance = capacity.max_in_flight_per_replica.probability_at_least(1.0)
    return Problem(
        "W-SLO",
        "the number of replicas leaves the latency targets aside: with one request on a replica "
        f"they are met with a probability of {formats.percent(chance)}, "
        f"{formats.percent(SIZING_CONFIDENCE)} are wanted",
        ("a faster layout, precision or accelerator", "a later target"),
    )

"""What cannot work as asked: a queue that never empties, more than may be installed."""

from typing import Final

from llminfra import formats
from llminfra.catalog.facts import Facts
from llminfra.errors import MissingFact
from llminfra.facets.base import SIZING_CONFIDENCE, Goal, Problem
from llminfra.facets.capacity import resources
from llminfra.facets.capacity.inputs import Inputs
from llminfra.facets.capacity.result import Capacity
from llminfra.facets.demand import VIEWS
from llminfra.facets.deployment import Deployment
from llminfra.facets.memory import Memory

# Accelerators of a machine that one person has.
_OWN: Final = 2


def problems(
    scenario: Inputs,
    facts: Facts,
    capacity: Capacity,
    *,
    deployment: Deployment,
    memory: Memory | MissingFact,
) -> list[Problem]:
    """Report an unstable queue, too much to install, idle spares, a load that is not held."""
    found = [
        _unstable(scenario, capacity),
        _too_many(scenario, deployment, capacity),
        _too_much_power(scenario, facts, capacity),
        _shared_fate(scenario, deployment, capacity),
        _beyond_replicas(scenario, capacity),
        _beyond_memory(scenario, facts, deployment, memory, capacity),
    ]
    return [problem for problem in found if problem is not None]


def _unstable(scenario: Inputs, capacity: Capacity) -> Problem | None:
    if not capacity.is_unstable:
        return None
    needed = capacity.replicas_needed
    chance = capacity.utilization.probability_at_least(1.0)
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


def _how_often(capacity: Capacity, chance: float) -> str:
    """Say in which share of the draws a load is too much that the base case carries."""
    if capacity.utilization >= 1:
        return ""
    spread = formats.band(capacity.utilization, formats.percent)
    return f" ({spread}), and in {formats.percent(chance)} of the draws more than all of it"


def _too_many(scenario: Inputs, deployment: Deployment, capacity: Capacity) -> Problem | None:
    most = scenario.max_accelerators
    if most is None or capacity.accelerators <= most:
        return None
    each = deployment.accelerators_per_replica
    return Problem(
        "E-CAP",
        f"{formats.counted(capacity.replicas, 'replica')} of {each:,} take "
        f"{capacity.accelerators:,} accelerators, {most:,} are allowed",
        goal=Goal("accelerators", most),
    )


def _too_much_power(scenario: Inputs, facts: Facts, capacity: Capacity) -> Problem | None:
    most = scenario.max_power_w
    if most is None:
        return None
    power = resources.power(scenario, facts, capacity.accelerators)
    if power.base <= most:
        return None
    return Problem(
        "E-CAP",
        f"{formats.counted(capacity.accelerators, 'accelerator')} with their hosts draw up to "
        f"{formats.number(power.base / 1e3)} kW, {formats.number(most / 1e3)} kW are allowed",
        goal=Goal("power_w", most),
    )


def _shared_fate(scenario: Inputs, deployment: Deployment, capacity: Capacity) -> Problem | None:
    """Spares that stand on the server which they are to replace."""
    if scenario.replicas != "auto" or not capacity.spares or not capacity.replicas_needed:
        return None
    placed = capacity.placement
    if placed.groups_needed(capacity.replicas_needed) < placed.groups:
        return None
    each, needed = deployment.accelerators_per_replica, capacity.replicas_needed
    fixes = [f"accelerators_per_server = {each}: each replica on a server of its own"]
    if placed.most_per_server <= needed:  # one server more is not yet several times the need
        more = needed + placed.most_per_server
        fixes.append(f"replicas = {more}: one server more than the load needs")
    return Problem(
        "W-SPARE",
        f"{formats.counted(capacity.spares, 'spare replica')} and the others share servers of "
        f"{placed.accelerators_per_server} accelerators: no server may fail",
        tuple(fixes),
    )


def _beyond_replicas(scenario: Inputs, capacity: Capacity) -> Problem | None:
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


def _beyond_memory(
    scenario: Inputs,
    facts: Facts,
    deployment: Deployment,
    memory: Memory | MissingFact,
    capacity: Capacity,
) -> Problem | None:
    """A load that the cache does not hold; of a model that does not fit the memory facet tells."""
    if isinstance(memory, MissingFact) or not memory.fits:
        return None
    if capacity.load_probability >= SIZING_CONFIDENCE:
        return None
    where = deployment.model_on_accelerators
    if is_own_machine(scenario, facts) and memory.max_sequences.base >= 1:
        held = formats.count(memory.max_sequences.base)
        return Problem(
            "W-LOAD",
            f"{where} holds {formats.counted(memory.max_sequences, 'request')} at once; no load is "
            f"stated, and speed and energy are those of {formats.count(capacity.in_flight)}",
            (f"in_flight = {held.replace(',', '')}", "in_flight = 1"),
        )
    return Problem("E-LOAD", f"{where} holds {_held(memory, capacity)}", goal=Goal("load"))


def is_own_machine(scenario: Inputs, facts: Facts) -> bool:
    """Whether nobody stated a load, and the accelerator stands alone or in pairs: one's own."""
    if any(getattr(scenario, name) is not None for name in VIEWS):
        return False
    return facts.number(scenario.accelerator, "accelerators_per_node").base <= _OWN


def _held(memory: Memory, capacity: Capacity) -> str:
    """What is held against the load, and how often it is too little if the base case is not."""
    held, load = memory.max_sequences, capacity.in_flight_per_replica
    band = "" if held.is_exact else f" ({formats.band(held, formats.count)})"
    words = f"{formats.counted(held, 'request')}{band} at once, {formats.count(load)} "
    words += "is in flight" if formats.count(load) == "1" else "are in flight"
    if held < load:
        return words
    short = formats.percent(1 - capacity.load_probability)
    return f"{words}: in {short} of the draws it does not hold the load"

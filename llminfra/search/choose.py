"""What takes the place of "auto": the smallest layout that does, else the one that misses least."""

import math
from typing import Any, Final

from llminfra.catalog.facts import Facts
from llminfra.scenario import Scenario
from llminfra.search import RankedLayout, Search, ranked
from llminfra.search.layouts import Axes

AUTO: Final = ("accelerator", "tensor_parallel")
USER: Final = "auto"
_RUNNERS_UP: Final = 3


def automatic(scenario: Scenario) -> list[str]:
    """Names of the fields that are to be chosen."""
    return [name for name in AUTO if getattr(scenario, name) == "auto"]


def choose(scenario: Scenario, facts: Facts) -> dict[str, Any]:
    """Return the chosen value of every automatic field, and the ``runners_up``.

    Parameters
    ----------
    scenario : Scenario
        With accelerator, tensor_parallel or both "auto"; all other fields hold as they are.
    facts : Facts
        Of the plan that asks, where what was read is noted.

    Notes
    -----
    The fewest accelerators whose plan meets everything, or with ``rank_by = "cost"`` what costs
    least in a month, all in: with the scenario's replicas, or with those
    that the load takes and their spares. Groups stay within one host unless no such group holds
    the load. Where nothing does, what misses by least, so that the plan can say by how much.
    """
    wanted = automatic(scenario)
    if not wanted:
        return {}
    facts = facts if facts.user else facts.as_read_by(USER)
    found = _search(scenario, facts, wanted, beyond_node=False)
    if "tensor_parallel" in wanted and not found.columns["holds_load"].any():
        found = _search(scenario, facts, wanted, beyond_node=True)
    best = found.nearest
    if best is None:  # a fact about memory is missing: the memory facet names it
        nothing = {"accelerator": _default(), "tensor_parallel": 1}
        return {name: nothing[name] for name in wanted} | {"runners_up": []}
    chosen = {name: getattr(best, name) for name in wanted}
    return chosen | {"runners_up": _runners_up(found, wanted)}


def _search(scenario: Scenario, facts: Facts, wanted: list[str], *, beyond_node: bool) -> Search:
    given = scenario.tensor_parallel
    axes = Axes(
        accelerators=None if "accelerator" in wanted else [scenario.accelerator],
        precisions=[scenario.precision],
        tensor_parallel=None if given == "auto" else [given],
        pipeline_parallel=[scenario.pipeline_parallel],
        counts=None,
        beyond_node=beyond_node,
    )
    return ranked(
        scenario,
        axes,
        facts,
        replicas=None if scenario.replicas == "auto" else [scenario.replicas],
        distinct=wanted[0],
        winners=1 + _RUNNERS_UP,
    )


def _default() -> Any:
    return Scenario.model_fields["accelerator"].default


def _runners_up(found: Search, wanted: list[str]) -> list[dict[str, Any]]:
    """Return the best of each further accelerator, or of each further split of a fixed one."""
    values = found.columns[wanted[0]]
    seen = {values[0]}
    rows = []
    for i, value in enumerate(values):
        if value not in seen:
            seen.add(value)
            rows.append(_plain(found.row(i), wanted))
        if len(rows) == _RUNNERS_UP:
            break
    return rows


def _plain(candidate: RankedLayout, wanted: list[str]) -> dict[str, Any]:
    """Return what a runner-up would be, ready for JSON."""
    names = ("accelerators", "ttft_s", "tpot_s", "e2e_s", "meets_targets", "why")
    values = {name: getattr(candidate, name) for name in (*wanted, *names)}
    return {n: None if v != v or v in (math.inf, -math.inf) else v for n, v in values.items()}

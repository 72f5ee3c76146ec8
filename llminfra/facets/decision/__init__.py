"""One answer for the board: which option, how sure, and what would turn it."""

from collections.abc import Iterator

from llminfra.catalog.facts import Facts
from llminfra.errors import MissingFact
from llminfra.facets.base import Problem, known
from llminfra.facets.build_vs_api import BuildVsApi
from llminfra.facets.capacity import Capacity
from llminfra.facets.compliance import Compliance
from llminfra.facets.cost import Cost
from llminfra.facets.decision.candidates import (
    ANSWERS,
    API,
    HYBRID,
    MANAGED,
    NONE_OPEN,
    OWNED,
    RENTED,
    WAIT,
    group_of,
)
from llminfra.facets.decision.inputs import CRITERIA, Inputs, check
from llminfra.facets.decision.result import LEAST_SAVING, Decision
from llminfra.facets.decision.turns import PART
from llminfra.facets.energy import Energy
from llminfra.facets.serving import Serving

__all__ = [
    "ANSWERS",
    "API",
    "CRITERIA",
    "HYBRID",
    "LEAST_SAVING",
    "MANAGED",
    "NONE_OPEN",
    "OWNED",
    "PART",
    "RENTED",
    "WAIT",
    "Decision",
    "Inputs",
    "check",
    "evaluate",
    "group_of",
    "problems",
]


def evaluate(
    inputs: Inputs,
    facts: Facts,
    *,
    compliance: Compliance,
    capacity: Capacity | None,
    serving: Serving | None,
    energy: Energy | None,
    cost: Cost | MissingFact,
    build_vs_api: BuildVsApi | None,
) -> Decision:
    """Put the questions in their order; without prices there is no recommendation."""
    return Decision(compliance, known(cost), build_vs_api, capacity, serving, energy, inputs, facts)


def problems(inputs: Inputs, facts: Facts, result: Decision) -> list[Problem]:
    """Return why nothing can be recommended, where that is no matter of gates."""
    return list(_found(result))


def _found(result: Decision) -> Iterator[Problem]:
    if result.recommendation == NONE_OPEN and len(result.compliance.blocked) < len(
        result.cost.options
    ):
        return  # compliance says it, with the smallest relaxation
    if result.n_open and not result.candidates and not result.cost.obstacle:
        reasons = dict.fromkeys(
            reason for stage in result.stages[1:] for reason in stage.removed.values()
        )
        yield Problem("E-DATA", f"no option that is open can be had: {'; '.join(reasons)}")

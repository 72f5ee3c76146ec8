"""Engines on accelerators and with formats that they do not run on, or were not measured on."""

from llminfra import formats
from llminfra.catalog.facts import Facts, engine_entry
from llminfra.catalog.support import engines_for, nearest_format, takes
from llminfra.facets.base import Problem
from llminfra.facets.deployment.inputs import Inputs
from llminfra.facets.deployment.result import Deployment


def problems(scenario: Inputs, facts: Facts, deployment: Deployment) -> list[Problem]:
    """Report what the engine cannot do, or does at a speed that nobody measured."""
    found = [_elsewhere(scenario, deployment, facts), _unknown_format(scenario, deployment, facts)]
    return [problem for problem in found if problem is not None]


def _elsewhere(scenario: Inputs, deployment: Deployment, facts: Facts) -> Problem | None:
    if deployment.engine_support == "measured":
        return None
    name, where = deployment.engine_name, deployment.accelerator_name
    usable = engines_for(facts, scenario.accelerator, scenario.precision)
    others = [other for other in usable if other != scenario.engine]
    fixes = tuple(f'engine = "{other}"' for other in others)
    if deployment.engine_support == "unmeasured":
        return Problem(
            "W-ENGINE",
            f"{name} was not measured on processors such as {where}: its speed is taken from "
            "llama.cpp, and its range is wider",
            fixes[:1],
        )
    titles = [facts.text(engine_entry(other), "name") for other in others]
    does = (
        f"{formats.join(titles)} {'does' if len(titles) == 1 else 'do'}" if titles else "none does"
    )
    return Problem(
        "E-ENGINE",
        f"{name} does not run on {where}, {does}: the figures are those of an engine that would",
        fixes,
    )


def _unknown_format(scenario: Inputs, deployment: Deployment, facts: Facts) -> Problem | None:
    entry, precision = deployment.engine_entry, scenario.precision
    if takes(facts, entry, precision):
        return None
    near = nearest_format(facts, entry, precision)
    return Problem(
        "E-ENGINE",
        f"{deployment.engine_name} reads no weights in {deployment.precision_name}; of its formats "
        f"{facts.text(near, 'short_name')} is nearest in size",
        (f'precision = "{near}"',),
    )

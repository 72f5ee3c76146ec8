"""Latency targets that are missed, against their floor; accelerators that nobody measured."""

import math

from llminfra import formats
from llminfra.catalog.facts import Facts
from llminfra.facets.base import Goal, Problem
from llminfra.facets.demand import latency_targets
from llminfra.facets.deployment import Deployment
from llminfra.facets.replica import Replica
from llminfra.facets.serving.inputs import Inputs
from llminfra.facets.serving.result import TARGET_WORDS, Serving, mean_s


def problems(
    scenario: Inputs, facts: Facts, serving: Serving, *, deployment: Deployment, replica: Replica
) -> list[Problem]:
    """Report targets that are missed, and how far the accelerator is from measured ones."""
    targets = latency_targets(scenario).items()
    found = [_target(serving, replica, name, target) for name, target in targets]
    far = (_extrapolates(deployment, replica), _other_family(deployment, replica))
    told = (*found, _draft(scenario, serving, replica), *far)
    return [problem for problem in told if problem is not None]


def _target(serving: Serving, replica: Replica, name: str, target: float) -> Problem | None:
    predicted, floor = mean_s(serving, name), mean_s(replica, f"floor_{name}")
    if not predicted.base > target:
        return None
    words, formula = TARGET_WORDS[name]
    beyond = "below" if target < floor.base else "above"
    return Problem(
        "E-SLO",
        f"mean {words} is {formats.number(predicted)} s, the target {formats.number(target)} s is "
        f"{beyond} the physical floor of {formats.number(floor)} s ({formula})",
        goal=Goal(name, target),
    )


def _draft(scenario: Inputs, serving: Serving, replica: Replica) -> Problem | None:
    """Say from which load drafting stops paying, where it does within what a replica takes on."""
    gain, most = serving.draft_gain_ratio, serving.draft_pays_up_to_in_flight
    if gain is None or most is None or not replica.fits or not math.isfinite(most):
        return None
    until = f"pays up to {formats.count(most)} requests in flight" if most else "never pays"
    return Problem(
        "W-SPEC",
        f"drafting {formats.counted(scenario.draft_tokens, 'token')} {until} on a replica of these "
        f"prompts; at this load it makes {formats.number(gain)} times the output",
        ("draft_tokens = 0",) if gain < 1 else (),
    )


def _other_family(deployment: Deployment, replica: Replica) -> Problem | None:
    if not replica.is_other_family:
        return None
    return Problem(
        "W-FAMILY",
        f"speed of no model of the family of {deployment.model_name} was fitted under "
        f"{deployment.engine_name}: its range is wider, by what tables of 2026 show",
    )


def _extrapolates(deployment: Deployment, replica: Replica) -> Problem | None:
    name, how = deployment.accelerator_name, replica.extrapolation
    if how in ("none", "engine"):  # the deployment facet warns of engines
        return None
    code, words = {
        "accelerator": ("W-ACCELERATOR", "the constants of its generation"),
        "generation": ("W-GENERATION", "physics and the constants of other generations"),
    }[how]
    return Problem(
        code, f"speed on {name} was not fitted: it follows {words}, and its range is wider"
    )

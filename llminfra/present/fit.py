"""How far the fit of the serving law was off on measurements that it had not seen."""

from typing import Final

from llminfra import formats
from llminfra.catalog.loader import Fact
from llminfra.catalog.measured import speeds_measured
from llminfra.plan import Plan

_ENOUGH: Final = 2  # measurements; one alone says nothing of its own error


def how_sure(plan: Plan) -> str:
    """Say how far speeds like this plan's were off where the fit had not seen the measurement.

    Examples
    --------
    >>> from llminfra import Scenario, evaluate
    >>> how_sure(evaluate(Scenario(tensor_parallel=8)))[:64]
    'on accelerators that were measured, speed is usually within 7\u202f% '
    """
    speed, first = _off(plan, "tpot"), _off(plan, "ttft")
    chip, engine = plan.deployment.accelerator_name, plan.deployment.engine_name
    unknown = f"nobody has measured {chip} with {engine}: measure before you sign"
    if not speed or not first or plan.replica.extrapolation != "none":
        return f"the range is a judgement, as {unknown}"
    if plan.replica.is_other_family:
        return (
            f"the range is as wide as errors were on families that no fit had seen: nobody has "
            f"measured one of {plan.deployment.model_name} with {engine}"
        )
    within = f"speed is usually within {speed}, the wait for the first word within {first}"
    if not is_measured(plan):
        return f"on accelerators that were measured, {within}; {unknown}, and plan with the range"
    rows = measured_rows(plan)
    stand = f"{formats.counted(rows, 'measurement')} of {chip} with {engine} stand behind it"
    return f"{within}; {stand}"


def is_measured(plan: Plan) -> bool:
    """Whether the fit has seen such an accelerator, and somebody measured it with this engine.

    Examples
    --------
    >>> from llminfra import Scenario, evaluate
    >>> [is_measured(evaluate(Scenario(accelerator=x))) for x in ("h100-sxm", "a100-sxm-80")]
    [True, False]
    """
    return plan.replica.extrapolation == "none" and measured_rows(plan) >= _ENOUGH


def _off(plan: Plan, quantity: str) -> str:
    """Return the median error and what nine of ten stay below; nothing where nobody measured."""
    facts = plan.facts_read_by("comparison")
    entity, name = plan.replica.error_profile, f"{quantity}_error_fraction"
    if not facts.has(entity, name):
        return ""
    fact = facts.number(entity, name).origin
    assert isinstance(fact, Fact)
    far = f" (nine of ten within {formats.percent(fact.high)})" if fact.high else ""
    return f"{formats.percent(fact.value)}{far}"


def measured_rows(plan: Plan) -> int:
    """Count the measurements that ship with the package of this accelerator with this engine."""
    layout = plan.deployment
    return speeds_measured()[layout.accelerator_name, layout.engine_name]

"""How far the fit of the serving law was off on measurements that it had not seen."""

from llminfra import formats
from llminfra.catalog.loader import Fact
from llminfra.catalog.measured import speeds_measured
from llminfra.plan import Plan


def how_sure(plan: Plan) -> str:
    """Say how far speeds like this plan's were off where the fit had not seen the measurement.

    Examples
    --------
    >>> from llminfra import Scenario, evaluate
    >>> how_sure(evaluate(Scenario(tensor_parallel=8)))[:47].replace("\u202f", " ")
    'speed is usually within 7 % (nine of ten within'
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
    rows = measured_rows(plan)
    stand = f"{formats.counted(rows, 'measurement')} of {chip} with {engine} stand behind it"
    return (
        f"speed is usually within {speed}, the wait for the first word within {first}; "
        f"{stand if rows > 1 else unknown}"
    )


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

"""What the fit of the serving law gave: constants that a plan read, and how far it was off."""

from typing import Final

from llminfra import formats
from llminfra.catalog.facts import Facts
from llminfra.catalog.loader import Fact
from llminfra.plan import Plan
from llminfra.present import blocks
from llminfra.present.blocks import Block, column, row
from llminfra.present.report import FITTED, cite
from llminfra.units import plural

_COMPARED: Final = ["comparison"]
_HELD: Final = "held fixed"
_PLAIN_FROM, _PLAIN_TO = 1e-4, 1e6  # beyond, numbers have powers of ten


def constants(plan: Plan, *, title: str, name: str = "constants") -> Block:
    """List the constants of the serving law that the plan read, and what each was fitted on."""
    facts = [r.fact for r in plan.facts if r.fact.key.startswith(FITTED) and r.users != _COMPARED]
    numbers = sorted((f for f in facts if _is_fitted(f)), key=lambda fact: fact.key)
    fits = [f"{f.note} ({_entity(f)})" for f in facts if f.key.endswith(".accelerators")]
    on = f", fitted together on {formats.join(fits)} of measurements" if fits else ""
    heads = ("As of", "Where it is from")
    return blocks.table(
        [column("Constant", align="left"), column("Value")]
        + [column(head, align="left") for head in heads],
        [row(_constant(f), _amount(f), formats.month(f.as_of), f.note) for f in numbers],
        title=title,
        kicker="Fitted constants",
        subtitle=f"What this case read{on}, from a prior where one is told; those held fixed are "
        "left out. Their spread is in the model’s error, which ranges include.",
        caption="Constants of the serving law that this case used",
        source=cite(plan, "serving", ranges=False),
        as_of=plan.scenario.as_of,
        name=name,
    )


def _is_fitted(fact: Fact) -> bool:
    is_number = not isinstance(fact.value, str) and not fact.key.endswith("_log_error")
    return is_number and _HELD not in fact.note


def _entity(fact: Fact) -> str:
    return fact.key.rpartition(".")[0].removeprefix(FITTED)


def _constant(fact: Fact) -> str:
    name = fact.key.rpartition(".")[2].replace("_", " ")
    return f"{name[:1].upper()}{name[1:]} ({_entity(fact)})"


def _amount(fact: Fact) -> str:
    if fact.unit == "s":
        return formats.seconds(fact.value)
    is_plain = fact.value == 0 or _PLAIN_FROM <= float(fact.value) < _PLAIN_TO
    text = formats.number(fact.value) if is_plain else formats.power(fact.value)
    return formats.with_unit(text, plural(fact.unit))


def error_words(plan: Plan, quantity: str) -> str:
    """Tell how far predictions were off on measurements like this case that the fit did not see.

    Parameters
    ----------
    quantity : str
        ``tpot``, ``ttft`` or ``saturated``.
    """
    facts, entity, name = Facts(), plan.serving.error_profile, f"{quantity}_error_fraction"
    if not facts.has(entity, name):
        return "a judgement, as nobody measured it"
    fact = facts.number(entity, name).origin
    assert isinstance(fact, Fact)
    nine_of_ten = f", nine of ten below {formats.percent(fact.high)}" if fact.high else ""
    return f"{formats.percent(fact.value)} in the median{nine_of_ten}"

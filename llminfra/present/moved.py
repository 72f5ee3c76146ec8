"""What moved the answer of a report since the set was rendered before: a line and a waterfall."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from llminfra import formats
from llminfra.present import blocks
from llminfra.units import plural

if TYPE_CHECKING:
    from llminfra.plan import Plan
    from llminfra.present.blocks import Block

#: Name under which a notebook is told of it.
TOLD: Final = "_since"
_WORDS: Final = {
    "cost.usd_per_month": "what a month costs",
    "energy.kwh_per_year": "the electricity of a year",
    "serving.e2e_s": "a whole answer",
    "memory.max_sequences": "what a group holds at once",
    "training.run_usd": "the training",
}
_MOST: Final = 3


def notebook_told() -> Mapping[str, Any] | None:
    """Return what the notebook was told of the time before; None where there was none."""
    found = blocks.notebook_names().get(TOLD)
    return found if isinstance(found, dict) else None


def since_line() -> str:
    """Return the line of the answer box; empty without a time before.

    Examples
    --------
    >>> since_line()
    ''
    """
    found = notebook_told()
    if found is None:
        return ""
    said = f"{_sentence(found)}, from {formats.month(found['date'])}"
    return f"\nSince last time: {said.replace('{', '(').replace('}', ')')}.\n"  # words, no template


def _sentence(found: Mapping[str, Any]) -> str:
    what = _WORDS.get(found["answer"], formats.words(found["answer"].rpartition(".")[2]))
    if not found["steps"]:
        return f"nothing moved {what}"
    ends = [_shown(found[end], found["unit"]) for end in ("before", "after")]
    order = sorted(found["steps"], key=lambda step: -abs(step[1]))
    named = [
        f"{formats.lowered(words)} ({formats.signed(moved)})" for words, moved in order[:_MOST]
    ]
    more = len(order) - len(named)
    rest = [f"{formats.counted(more, 'other change')}"] if more > 0 else []
    return f"{what} went from {ends[0]} to {ends[1]}, by {formats.join([*named, *rest])}"


def _shown(value: float, unit: str) -> str:
    return formats.with_unit(formats.number(value, 4), plural(unit))


def section(plan: "Plan") -> "Block | None":
    """Return the waterfall from the answer before to that of today; None where nothing moved it."""
    found = notebook_told()
    if found is None or not found["steps"]:
        return None
    from llminfra.present.cash_charts import step_bars  # Altair, which charts alone need

    day, unit = formats.month(found["date"]), plural(found["unit"])
    bars = [(f"In {day}", found["before"], "ink")]
    bars += [(words, moved, "orange" if moved > 0 else "navy") for words, moved in found["steps"]]
    chart = step_bars(bars, unit=unit, total="Today")
    return blocks.figure(
        chart,
        kicker="Since last time",
        title=f"{_capital(_sentence(found))}",
        subtitle="Fields, facts and versions changed one after the other, from the lock file that "
        "lay beside these reports to today. The steps sum to the difference.",
        alt=f"Bars one after the other, from {_shown(found['before'], found['unit'])} to "
        f"{_shown(found['after'], found['unit'])}.",
        source="the lock file of the time before, and this one",
        as_of=plan.scenario.as_of,
        name="since",
    )


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"

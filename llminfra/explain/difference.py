"""What lies between two plans: the result of one, changed step by step into that of the other."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from llminfra import formats
from llminfra.errors import LlmInfraError
from llminfra.explain.inputs import Read, result_of
from llminfra.facets.base import is_number
from llminfra.plan import Plan
from llminfra.ranges import Range

_LONGEST: Final = 32  # characters, so that the values beside them are seen
_NAMES: Final = ("title", "name")
_FACTS, _PRICES = "facts", "prices"


@dataclass(frozen=True)
class Step:
    """One change on the way: its words, its fields, and by how much the result moved."""

    words: str
    fields: Mapping[str, Any]
    moved: float


@dataclass(frozen=True)
class Difference:
    """The way from one result to another; the steps sum to their difference."""

    before: Range
    after: Range
    steps: tuple[Step, ...]


def difference(before: Plan, after: Plan, read: Read) -> Difference:
    """Return what moved a result between two plans, one changed field after the other.

    Parameters
    ----------
    before, after : Plan
        Two plans, of which the first is changed into the second.
    read : str or callable
        The result, such as ``cost.usd_per_month``.

    Returns
    -------
    difference : Difference
        Without steps where nothing moved the result.

    Notes
    -----
    Fields are changed in the order in which scenarios have them, facts one by one, and what cannot
    be changed alone (another accelerator with its split, one view of the demand for another)
    together with the next. The order decides which step gets what two changes do together.
    """
    steps: list[Step] = []
    waiting: dict[str, Any] = {}
    plan = before
    here = result_of(before, read).base
    for name, value in _differing(before, after):
        waiting[name] = value
        try:
            changed = plan.variant(**waiting)
            there = result_of(changed, read).base
        except LlmInfraError:
            continue
        if there == there:
            steps.append(Step(_words(plan, waiting), waiting, there - here))
            plan, here, waiting = changed, there, {}
    end = result_of(after, read)
    if waiting or not _is_same(end.base, here):
        # Fields that are possible only together, and what no field says: plans of other days.
        steps.append(Step(_words(plan, waiting) or "All else", waiting, end.base - here))
    return Difference(result_of(before, read), end, tuple(s for s in steps if s.moved))


def _is_same(one: float, other: float) -> bool:
    return abs(one - other) <= 1e-9 * max(abs(one), abs(other))


def _differing(before: Plan, after: Plan) -> list[tuple[str, Any]]:
    """Fields that differ, those that are taken out first: they make room for others."""
    names = [n for n in type(before.scenario).model_fields if n not in _NAMES]
    pairs = {n: (getattr(before.scenario, n), getattr(after.scenario, n)) for n in names}
    changed = {n: new for n, (old, new) in pairs.items() if old != new}
    out = [(n, v) for n, v in changed.items() if v is None]
    left = [(n, v) for n, v in changed.items() if v is not None and n != _FACTS]
    return [*out, *((_FACTS, facts) for facts in _one_by_one(*pairs[_FACTS])), *left]


def _one_by_one(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The scenario's own facts on their way from old to new, with one more changed each time."""
    facts = dict(old)
    for key in sorted(old.keys() | new.keys()):
        if old.get(key) == new.get(key):
            continue
        if key in new:
            facts[key] = new[key]
        else:
            del facts[key]
        yield dict(facts)


def _words(plan: Plan, fields: Mapping[str, Any]) -> str:
    return ", ".join(_change(plan, n, v) for n, v in fields.items() if v is not None)


def _change(plan: Plan, name: str, value: Any) -> str:
    if name == _PRICES:
        return "Own prices"
    if isinstance(value, dict):
        old = getattr(plan.scenario, name)
        differing = (key for key in value | old if value.get(key) != old.get(key))
        return ", ".join(_fact_words(key, value.get(key), old.get(key)) for key in differing)
    described = type(plan.scenario).model_fields[name].description or formats.words(name)
    said = formats.short(described, _LONGEST)
    return _valued(f"{said[:1].upper()}{said[1:]}", name, value, getattr(plan.scenario, name))


def _fact_words(key: str, given: Any, old: Any) -> str:
    words = formats.words(key)
    if isinstance(given, dict) and "value" in given:
        was = old.get("value") if isinstance(old, dict) else None
        return _valued(words, key, given["value"], was)
    return words


def _valued(words: str, name: str, value: Any, old: Any = None) -> str:
    """Words with a value, and with the one before it where that was stated."""
    if is_number(value):
        show = formats.percent if name.endswith("_fraction") else formats.number
        before = f"{show(old)} → " if is_number(old) else ""
        return f"{words}: {before}{show(value)}"
    return f"{words}: {value}"

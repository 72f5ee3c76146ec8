"""Results and inputs of a plan by name: what to read, and how to change one thing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from llminfra import formats
from llminfra.catalog.loader import Fact
from llminfra.errors import InvalidInput, MissingFact, closest, shown
from llminfra.facets import FACETS
from llminfra.facets.base import FIELD_ORIGIN, Result, base_value, is_number
from llminfra.facets.cost import Cost
from llminfra.plan import Plan
from llminfra.ranges import Range
from llminfra.scenario import Scenario

Read = str | Callable[[Plan], Range]
_SOURCE: Final = "a value that was tried"


def result_of(plan: Plan, read: Read) -> Range:
    """Return a result of a plan by its path, such as ``cost.usd_per_month``.

    Options are items of the cost: ``cost.owned.npv_usd``. Something other than a path is called
    with the plan.

    Raises
    ------
    InvalidInput
        There is no such result; the closest three are named.

    Examples
    --------
    >>> from llminfra import Scenario, evaluate
    >>> result_of(evaluate(Scenario(tensor_parallel=8)), "memory.kv_cache_bytes_per_token").base
    327680.0
    """
    if not isinstance(read, str):
        return read(plan)
    found: Any = plan
    for part in read.split("."):
        found = _part(found, part)
    if is_number(found):
        return Range(found, name=read.rpartition(".")[2])
    if not isinstance(found, Range):
        near = ", ".join(closest(read, paths(plan)))
        raise InvalidInput(
            f"quantity must be facet.name of a number, got {shown(read)}; closest: {near}"
        )
    return found


def _part(found: Any, name: str) -> Any:
    if name.startswith("_") or found is None:
        return None
    if isinstance(found, Plan):
        return getattr(found, name) if name in {q.name for q in FACETS} else None
    try:
        return getattr(found, name)
    except AttributeError:
        pass
    try:
        return found[name]
    except (KeyError, TypeError):
        return dict(found.items()).get(name) if isinstance(found, Result) else None


def paths(plan: Plan) -> list[str]:
    """Return the paths of all results that are numbers with a range."""
    found = []
    for facet, result in plan.results():
        found += [f"{facet}.{name}" for name, value in result.items() if isinstance(value, Range)]
        if isinstance(result, Cost):
            found += [f"{facet}.{option}.usd_per_month" for option in result.names]
    return found


def path_of(plan: Plan, result: Range) -> str:
    """Return the path of a result, empty where the plan does not hold it."""
    for question in FACETS:
        found = plan.answered(question.name)
        for name, value in found.items() if found is not None else ():
            if isinstance(value, Range) and value.draws is result.draws:
                return f"{question.name}.{name}"
    return ""


@dataclass(frozen=True)
class Input:
    """One thing that can be changed: a scenario field or a fact.

    Attributes
    ----------
    key : str
        Name of the field, or ``entity.field`` of the fact.
    words, unit : str
        For readers.
    low, high : float
        Least and most that it may be.
    fact : Fact
        None for a field.
    """

    key: str
    words: str
    unit: str
    low: float
    high: float
    is_whole: bool = False
    fact: Fact | None = None

    def fields(self, plan: Plan, value: float) -> dict[str, Any]:
        """Return the change of the scenario that gives this input a value."""
        value = round(value) if self.is_whole else value
        if self.fact is None:
            return {self.key: value}
        given = {"value": value, "source": _SOURCE, "as_of": str(plan.scenario.as_of)}
        return {"facts": dict(plan.scenario.facts) | {self.key: given}}

    def changed(self, plan: Plan, value: float) -> Plan:
        """Return the plan in which this input has a value and all others are as they were."""
        return plan.variant(**self.fields(plan, value))


def input_of(plan: Plan, key: str, leaf: Range | None = None) -> Input:
    """Return a scenario field or a fact as something that can be changed.

    Raises
    ------
    InvalidInput
        There is neither such a field nor such a fact, or it holds no number.
    """
    key = key.removeprefix(FIELD_ORIGIN)
    if key in Scenario.model_fields:
        return _field(key)
    fact = leaf.origin if leaf is not None else _read(plan, key)
    if not isinstance(fact, Fact) or isinstance(fact.value, str):
        near = ", ".join(closest(key, [*Scenario.model_fields, *_numbers_read(plan)]))
        raise InvalidInput(
            f"input must be a scenario field or a fact of this plan, got {shown(key)}; "
            f"closest: {near}",
            field=key,
        )
    words = fact.description or formats.words(key)
    return Input(key, words, fact.unit, fact.minimum, fact.maximum, fact.is_whole, fact)


def _field(name: str) -> Input:
    info = Scenario.model_fields[name]
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    if "minimum" not in extra or "maximum" not in extra:
        raise InvalidInput(f"{name} holds no number that could be sought", field=name)
    ends = float(str(extra["minimum"])), float(str(extra["maximum"]))
    is_whole = "float" not in str(info.annotation)
    return Input(name, formats.words(name), str(extra.get("unit", "")), *ends, is_whole)


def _numbers_read(plan: Plan) -> list[str]:
    return [read.fact.key for read in plan.facts if not isinstance(read.fact.value, str)]


def _read(plan: Plan, key: str) -> Fact | None:
    return next((read.fact for read in plan.facts if read.fact.key == key), None)


def value_of(plan: Plan, given: Input) -> float | None:
    """Return the value that an input has; None where a field is not stated."""
    if given.fact is not None:
        return float(given.fact.value)
    value = base_value(getattr(plan.resolved, given.key))
    return float(value) if isinstance(value, int | float) else None


def read_base(plan: Plan, read: Read) -> float:
    """Return the base case of a result, not a number where a fact is missing."""
    try:
        return result_of(plan, read).base
    except MissingFact:
        return float("nan")


def settled(plan: Plan, read: Read) -> Plan:
    """Return the plan with what took the place of "auto" stated, where that changes no result.

    A driver of the way that is followed is not the change to another way. Numbers that follow from
    the load, such as replicas, stay open.
    """
    words = {k: v for k, v in plan.chosen.items() if isinstance(v, str)} | plan.fixed
    if not words:
        return plan
    found = plan.variant(**words)
    return found if read_base(found, read) == read_base(plan, read) else plan

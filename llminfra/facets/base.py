"""What every facet shares: how inputs are declared, results shown and problems reported."""

import datetime as dt
import math
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from functools import cache
from inspect import signature
from typing import Any, ClassVar, Final, Generic, Protocol, TypeGuard, TypeVar, get_args, overload

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from llminfra.catalog.loader import Fact, fact_from_override
from llminfra.catalog.own import described
from llminfra.catalog.own_prices import OwnPrice, own_prices, with_rows
from llminfra.errors import MissingFact
from llminfra.names import is_name
from llminfra.ranges import Range, exact, sample


@dataclass(frozen=True, slots=True)
class Band:
    """A scenario value with a range: 10 % quantile, base case, 90 % quantile."""

    low: float
    base: float
    high: float

    def __str__(self) -> str:
        return f"{self.base:g} ({self.low:g} to {self.high:g})"


# What a field of the scenario holds that may be given with a band.
Banded = int | float | Band

# Begins the origin of a quantity that a scenario field gave.
FIELD_ORIGIN: Final = "scenario field "

# Layouts are sized once so that they hold in this share of the draws, then lived with in all.
SIZING_CONFIDENCE: Final = 0.8


@dataclass(frozen=True, slots=True)
class Goal:
    """What a problem misses, for advice above the facets: it looks for changes that reach it.

    Attributes
    ----------
    name : str
        ``fit``, ``load``, ``prompt`` (a prefill worker's), ``ttft``, ``tpot``, ``e2e``,
        ``accelerators`` or ``power_w``.
    limit : float
        The most that is allowed, where it is a number.
    """

    name: str
    limit: float = math.nan


@dataclass(frozen=True, slots=True)
class Problem:
    """An impossible or doubtful request: the report still renders and says so.

    A facet names fixes that it can tell itself; where it names a goal instead, the plan fills in
    what advice finds by trying changes.
    """

    code: str
    message: str
    fixes: tuple[str, ...] = ()
    goal: Goal | None = None

    @property
    def is_error(self) -> bool:
        """True for what cannot work as asked (E-…), False for a warning (W-…)."""
        return self.code.startswith("E-")

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" + "".join(f"; {fix}" for fix in self.fixes)


def field(
    default: Any,
    *,
    help: str,
    unit: str = "",
    minimum: float | None = None,
    maximum: float | None = None,
    group: str = "",
) -> Any:
    """Declare one scenario field: default, help text, unit, range and its one-of group."""
    extra = {"unit": unit, "minimum": minimum, "maximum": maximum, "group": group}
    return Field(
        default,
        description=help,
        json_schema_extra={k: v for k, v in extra.items() if v not in (None, "")},
    )


def amount(
    default: object, help: str, unit: str, *, within: tuple[float, float], group: str = ""
) -> Any:
    """Declare a field that holds a number, with its unit, and the least and most allowed."""
    least, most = within
    return field(default, help=help, unit=unit, minimum=least, maximum=most, group=group)


def share(default: object, help: str) -> Any:
    """Declare a field that holds a share, from nothing to all."""
    return amount(default, help, "1", within=(0, 1))


class Inputs(BaseModel):
    """Base of all facet inputs, with the fields that every question sees.

    Types are strict, instances frozen, unknown names rejected and bounds checked.
    """

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        protected_namespaces=(),
        arbitrary_types_allowed=True,
        # Only Scenario, their union, is ever filled: its parts need no validators of their own.
        defer_build=True,
    )

    title: str = field("", help="what the scenario is called in reports, at most 80 characters")
    name: str = field("", help="short name for files: letters, digits, dot, hyphen, underscore")
    as_of: dt.date = field(
        None, help="date of the decision; facts older than their class are stale"
    )
    facts: dict[str, Any] = field({}, help="catalogue facts to replace, each with its source")
    prices: dict[str, Any] = field(
        {},
        help="own prices: file = a CSV table of quotes and contracts, which go before all others",
    )

    @field_validator("*", mode="before")
    @classmethod
    def _as_plain(cls, value: Any) -> Any:
        """Take NumPy scalars, and bands written as a table or as three numbers."""
        if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
            return value.item()
        if isinstance(value, dict) and value.keys() == {"low", "base", "high"}:
            value = [value["low"], value["base"], value["high"]]
        if isinstance(value, list | tuple) and len(value) == 3 and all(map(is_number, value)):
            return Band(*map(_as_float, value))
        return value

    @field_validator("*", mode="after")
    @classmethod
    def _within_bounds(cls, value: Any, info: Any) -> Any:
        extra = cls.model_fields[info.field_name].json_schema_extra
        if not isinstance(extra, dict):
            return value
        low, high = (
            float(str(extra.get(k, d))) for k, d in (("minimum", -math.inf), ("maximum", math.inf))
        )
        for number in _numbers(value):
            if not (math.isfinite(number) and low <= number <= high):
                raise PydanticCustomError("bounds", "out of range")
        if isinstance(value, Band) and not value.low <= value.base <= value.high:
            raise PydanticCustomError("band", "low <= base <= high must hold")
        return value

    @field_validator("title")
    @classmethod
    def _plain_title(cls, title: str) -> str:
        if len(title) > 80 or not _is_printable(title):
            raise PydanticCustomError("title", "plain text")
        return title

    @field_validator("name")
    @classmethod
    def _file_name(cls, name: str) -> str:
        if name and not is_name(name):
            raise PydanticCustomError("name", "file name")
        return name

    @field_validator("as_of", mode="before")
    @classmethod
    def _iso_date(cls, value: Any) -> Any:
        return dt.date.fromisoformat(value) if isinstance(value, str) else value

    @field_validator("facts", mode="before")
    @classmethod
    def _plain_facts(cls, value: Any) -> Any:
        return storable(value)  # dates as text, so that a lock file reads back equal

    @field_validator("prices", mode="before")
    @classmethod
    def _with_rows(cls, value: Any) -> Any:
        """Read the table once, so that a scenario and its lock file hold the prices themselves."""
        return with_rows(storable(value))

    def fact_overrides(self) -> dict[str, Fact]:
        """Return the scenario's own facts by key."""
        own = getattr(self, "accelerator", "")
        found = {key: fact_from_override(key, v, own=own) for key, v in self.facts.items()}
        return found | described(own, found)

    def own_prices(self) -> list[OwnPrice]:
        """Return the prices of the scenario's own table."""
        return own_prices(self.prices.get("rows", ()), str(self.prices.get("file", "prices")))


def storable(value: Any) -> Any:
    """Turn a field's value into what JSON and TOML can hold."""
    if value is None or isinstance(value, str | int | float):  # most are, and the rest takes long
        return value
    if isinstance(value, Band):
        return {"low": value.low, "base": value.base, "high": value.high}
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {key: storable(item) for key, item in value.items()}
    return value


def _is_printable(text: str) -> bool:
    """False for control characters, line separators, direction marks and lone surrogates."""
    unwanted = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
    joiners = "\u200c\u200d"  # Persian words and some emoji need them
    return all(c in joiners or unicodedata.category(c) not in unwanted for c in text)


def _as_float(value: float) -> float:
    """Convert a number; integers too large for a float become infinite, which no bound allows."""
    try:
        return float(value)
    except OverflowError:
        return math.inf


def is_number(value: object) -> TypeGuard[int | float]:
    """Tell a number from anything else; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _numbers(value: Any) -> list[float]:
    if isinstance(value, Band):
        return [value.low, value.base, value.high]
    return [_as_float(value)] if is_number(value) else []


def base_value(value: Banded) -> float:
    """Return the base case of a scenario value."""
    return value.base if isinstance(value, Band) else value


def quantity(inputs: Inputs, name: str) -> Range:
    """Return a scenario field as a Range, exact unless it was given as a band."""
    value = getattr(inputs, name)
    info = type(inputs).model_fields[name]
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    unit, origin = str(extra.get("unit", "")), f"{FIELD_ORIGIN}{name}"
    if not isinstance(value, Band):
        return exact(float(value), name=name, unit=unit, origin=origin)
    drawn = sample(
        f"scenario.{name}",
        value.base,
        low=value.low,
        high=value.high,
        minimum=float(str(extra.get("minimum", -math.inf))),
        maximum=float(str(extra.get("maximum", math.inf))),
    )
    return Range(drawn.draws, name=name, unit=unit, origin=origin)


class Result:
    """Base of all facet results, which are frozen dataclasses."""

    headline: ClassVar[tuple[str, ...]] = ()
    """What a card of the whole plan shows; empty for everything."""

    @property
    def chosen(self) -> dict[str, Any]:
        """What this facet took for fields that were "auto", by field."""
        return {}

    def items(self) -> Iterator[tuple[str, Any]]:
        """Yield name and value of every quantity, in the order they are declared."""
        for item in fields(self):  # type: ignore[arg-type]  # subclasses are dataclasses
            if not item.name.startswith("_"):
                yield item.name, getattr(self, item.name)

    def available(self, names: Iterable[str]) -> Iterator[tuple[str, Any]]:
        """Yield name and value of these quantities, but those that lack a fact."""
        for name in names:
            with suppress(MissingFact):
                yield name, getattr(self, name)


R = TypeVar("R", bound=Result)
R_co = TypeVar("R_co", bound=Result, covariant=True)


def known(result: "R | MissingFact") -> R:
    """Return a result, or raise the reason why there is none.

    Examples
    --------
    >>> known(MissingFact("no fact b200.bf16_flop_per_s"))
    Traceback (most recent call last):
        ...
    llminfra.errors.MissingFact: no fact b200.bf16_flop_per_s
    """
    if isinstance(result, MissingFact):
        raise result
    return result


class Answers(Protocol):
    """What holds the results of the questions: a Plan."""

    def answer(self, question: "Question[R]", /) -> R:
        """Return the result of a question."""


class Question(Generic[R_co]):
    """One question, as an attribute of what answers it.

    Parameters
    ----------
    evaluate : callable
        ``evaluate(inputs, facts, *, deployment, memory, …) -> Result``. Its keyword arguments are
        the earlier results that it needs, by name. Its module is the facet: it has the fields as
        ``Inputs``, and may have ``check(inputs)``, which raises InvalidInput, and
        ``problems(inputs, facts, result, *, …)``, which names earlier results in the same way.
    """

    def __init__(self, evaluate: Callable[..., R_co]) -> None:
        facet = sys.modules[evaluate.__module__]
        self.evaluate = evaluate
        self.inputs: type[Inputs] = facet.Inputs
        self.check: Callable[[Any], None] | None = getattr(facet, "check", None)
        self.problems: Callable[..., list[Problem]] | None = getattr(facet, "problems", None)
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, plan: None, owner: type) -> "Question[R_co]": ...
    @overload
    def __get__(self, plan: Answers, owner: type) -> R_co: ...
    def __get__(self, plan: Answers | None, owner: type) -> "Question[R_co] | R_co":
        return self if plan is None else plan.answer(self)


@cache  # a plan asks each time that it answers
def needs(function: Callable[..., Any]) -> Mapping[str, tuple[Any, ...]]:
    """Return the earlier results that a facet's function names, each with the types it takes.

    A type ``Memory | None`` takes None and ``Memory | MissingFact`` the reason where a fact is
    missing; a plain ``Memory`` cannot do without, and the reason is raised.
    """
    parameters = signature(function).parameters.values()
    keywords = [p for p in parameters if p.kind is p.KEYWORD_ONLY]
    return {p.name: get_args(p.annotation) or (p.annotation,) for p in keywords}

"""The rule set on data and AI law: instruments, requirements, ratings, conditions, dates.

One table a file, each row with its source. It is a modelling proposal and no legal advice.
"""

import datetime as dt
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from llminfra.catalog.loader import Fact, sources
from llminfra.catalog.tables import check_date, require, rows_of
from llminfra.errors import CatalogError

CODES: Final = ("G", "C", "X", "N")
SEVERITIES: Final = ("mandatory", "policy")
# How far a row was checked: in the official text, in a reprint of it, in what others write of it.
VERIFICATIONS: Final = ("primary", "reprint", "secondary", "own")
SOURCE: Final = "rule-set"
_ANY: Final = "*"
Triggers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """A law, standard or contract, and how far it was checked."""

    id: str
    name: str
    reference: str
    jurisdiction: str
    status: str
    applies_from: str
    points: str
    last_verified: str
    verification: str
    checked_with: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A day from which something applies."""

    date: dt.date
    instrument: str
    scope: str
    applies: str
    article: str
    verification: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One question of the matrix.

    Attributes
    ----------
    terms : tuple of (str, str)
        Fields of the profile and values, one of which triggers it; ``*`` is any known value.
    severity : str
        ``mandatory``: law, once triggered; ``policy``: it blocks only where the profile says so.
    dated_by : str
        Scope in the calendar from which it applies; ``use`` is that of the use.
    because : str
        Why an option fails it, in words; empty where none does.
    relaxation : str
        What would have to change so that it blocks no more.
    """

    id: str
    name: str
    question: str
    terms: Triggers
    severity: str
    dated_by: str
    instrument: str
    article: str
    because: str
    evidence: str
    relaxation: str

    def values_of(self, field: str) -> list[str]:
        """Return the values of a field that trigger it."""
        return [value for name, value in self.terms if name == field]

    def is_triggered(self, profile: Mapping[str, Any]) -> bool | None:
        """Tell whether a profile triggers it; None where that is not known.

        A field that is empty or "unknown" is not known.

        Examples
        --------
        >>> rule = rules().requirements["R04"]
        >>> [rule.is_triggered({"data_classes": x}) for x in (["special"], ["public"], [])]
        [True, False, None]
        """
        found: list[bool | None] = []
        for field, value in self.terms:
            given = profile[field]
            if given in ([], "unknown"):
                found.append(None)
            elif value == _ANY:
                found.append(True)
            else:
                found.append(value in given if isinstance(given, list) else value == given)
        return True if True in found else None if None in found else False


@dataclass(frozen=True, slots=True, kw_only=True)
class GateOption:
    """A kind of operation that ratings are about, and the options of the plan that are of it.

    Attributes
    ----------
    lead_weeks, posts : (float, float) or None
        From the decision to the first answer, and people; least and most. None: not assessed.
    """

    id: str
    name: str
    options: tuple[str, ...]
    operator: str
    location_control: str
    key_control: str
    log_control: str
    retention: str
    lead_weeks: tuple[float, float] | None
    posts: tuple[float, float] | None
    exit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """What a requirement says of a kind of operation: G, C with conditions, X, or N."""

    requirement: str
    option: str
    code: str
    conditions: tuple[str, ...]
    article: str
    residual: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleCondition:
    """What has to be done, by whom, with which evidence, and the part of the cost it falls on."""

    id: str
    condition: str
    owner: str
    evidence: str
    cost_part: str
    is_counted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Modifier:
    """What may hold of an operation beside its kind, and the conditions that it helps to meet."""

    id: str
    name: str
    modifier: str
    helps: tuple[str, ...]
    cost_line: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """A common statement, the requirement that decides it, and what to print instead."""

    id: str
    statement: str
    requirement: str
    correction: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """All tables, by id."""

    instruments: Mapping[str, Instrument]
    calendar: tuple[Due, ...]
    requirements: Mapping[str, Requirement]
    options: Mapping[str, GateOption]
    ratings: Mapping[tuple[str, str], Rating]
    conditions: Mapping[str, RuleCondition]
    modifiers: Mapping[str, Modifier]
    effects: Mapping[tuple[str, str, str], Rating]
    corrections: tuple[Correction, ...]

    @property
    def dated(self) -> str:
        """Day of the rule set."""
        return sources()[SOURCE].published

    def kinds_of(self, option: str) -> list[GateOption]:
        """Return the kinds of operation that an option of the plan may be of."""
        return [kind for kind in self.options.values() if option in kind.options]

    def applies_from(self, scope: str) -> dt.date:
        """Return the day from which a scope of the calendar applies.

        Examples
        --------
        >>> rules().applies_from("annex_iii")
        datetime.date(2027, 12, 2)
        """
        return next(due.date for due in self.calendar if due.scope == scope)


@cache
def rules() -> RuleSet:
    """Return the rule set; raise CatalogError where a table refers to what is not there."""
    instruments = {r["id"]: Instrument(**r) for r in _rows("instruments.csv")}
    requirements = {r["id"]: _requirement(r) for r in _rows("requirements.csv")}
    conditions = {
        r["id"]: RuleCondition(**r | {"is_counted": r["is_counted"] == "yes"})
        for r in _rows("conditions.csv")
    }
    options = {r["id"]: _gate_option(r) for r in _rows("gate_options.csv")}
    known = {"requirement": requirements, "option": options}
    modifiers = {
        r["id"]: Modifier(**r | {"helps": _known(r["helps"], conditions, "modifiers.csv", r)})
        for r in _rows("modifiers.csv")
    }
    effects: dict[tuple[str, str, str], Rating] = {}
    for row in _rows("modifier_effects.csv"):
        modifier = row.pop("modifier")
        rating = _rating(row, "modifier_effects.csv", known, conditions)
        effects[modifier, rating.requirement, rating.option] = rating
    found = [_rating(r, "gates.csv", known, conditions) for r in _rows("gates.csv")]
    ratings = {(r.requirement, r.option): r for r in found}
    silent = [r for r in found if r.code == "X" and not requirements[r.requirement].because]
    if silent:
        raise CatalogError(f"requirements.csv {silent[0].requirement}: because must say why")
    if len(ratings) != len(found) or len(ratings) != len(requirements) * len(options):
        raise CatalogError("gates.csv: each requirement must rate each option once")
    return RuleSet(
        instruments=instruments,
        calendar=tuple(_due(r, instruments) for r in _rows("calendar.csv")),
        requirements=requirements,
        options=options,
        ratings=ratings,
        conditions=conditions,
        modifiers=modifiers,
        effects=effects,
        corrections=tuple(Correction(**r) for r in _rows("corrections.csv")),
    )


@cache
def rules_fact() -> Fact:
    """Return the rule set as a fact whose value is its digest."""
    digest = hashlib.sha256(repr(rules()).encode()).hexdigest()
    return Fact(
        key=f"{SOURCE}.config",
        value=f"rules {digest[:12]}",
        unit="",
        source=SOURCE,
        as_of=rules().dated,
        confidence="secondary",
        description="Rule set of the gates",
    )


def _rows(file: str) -> Iterator[dict[str, Any]]:
    """Rows without their source, which must be known."""
    for line, row in rows_of(file):
        require(row["source"] in sources(), file, line, "source", row)
        if "verification" in row:
            require(row["verification"] in VERIFICATIONS, file, line, "verification", row)
        for column in ("date", "applies_from", "last_verified"):
            if row.get(column):
                check_date(row[column])
        yield {name: cell for name, cell in row.items() if name != "source"}


def _due(row: dict[str, Any], instruments: Mapping[str, Any]) -> Due:
    require(row["instrument"] in instruments, "calendar.csv", row["date"], "instrument", row)
    return Due(**row | {"date": dt.date.fromisoformat(row["date"])})


def _requirement(row: dict[str, Any]) -> Requirement:
    where = row["id"]
    require(row["severity"] in SEVERITIES, "requirements.csv", where, "severity", row)
    terms = [term.split("=") for term in row.pop("trigger").split(" or ")]
    if any(len(term) != 2 for term in terms):
        raise CatalogError(f"requirements.csv {where}: trigger must be field=value or field=value")
    return Requirement(**row, terms=tuple((field, value) for field, value in terms))


def _gate_option(row: dict[str, Any]) -> GateOption:
    ends = {
        name: _span(row.pop(f"{name}_low"), row.pop(f"{name}_high"))
        for name in ("lead_weeks", "posts")
    }
    return GateOption(**row | ends | {"options": tuple(row["options"].split())})


def _span(low: str, high: str) -> tuple[float, float] | None:
    return (float(low), float(high)) if low else None


def _rating(
    row: dict[str, Any], file: str, known: Mapping[str, Any], conditions: Mapping[str, Any]
) -> Rating:
    for column, ids in known.items():
        require(row[column] in ids, file, row["requirement"], column, row)
    require(row["code"] in CODES, file, row["requirement"], "code", row)
    given = _known(row["conditions"], conditions, file, row)
    require(bool(given) == (row["code"] == "C"), file, row["requirement"], "conditions", row)
    return Rating(**row | {"conditions": given})


def _known(text: str, ids: Mapping[str, Any], file: str, row: Mapping[str, Any]) -> tuple[str, ...]:
    found = tuple(text.split())
    require(all(name in ids for name in found), file, row.get("id", ""), "conditions", row)
    return found

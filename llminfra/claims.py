"""Statements of others held against what the package computes: a file of claims and its verdicts.

A claim has a range in its unit and cases; each case is a scenario and a quantity of its plan. The
verdict follows from the numbers alone. What cannot be computed is not scored, and never guessed.
"""

import datetime as dt
import math
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from llminfra.catalog.tables import file_of
from llminfra.errors import InvalidInput, LlmInfraError, closest, shown
from llminfra.evaluate import evaluate
from llminfra.facets.cost import Cost
from llminfra.plan import Plan
from llminfra.ranges import Range
from llminfra.scenario import Scenario

BUNDLED: Final = "claims.toml"
HOLDS: Final = "holds"
WITH_CONDITIONS: Final = "holds with conditions"
DOES_NOT: Final = "does not hold"
NOT_SCORED: Final = "not scored"
VERDICTS: Final = (HOLDS, WITH_CONDITIONS, DOES_NOT, NOT_SCORED)
TOLERANCE: Final = 0.1
_CLAIM: Final = {"id", "text", "source", "date", "unit", "low", "high", "tolerance", "case", "why"}
_CASE: Final = {
    *("name", "fields", "quantity", "per", "per_fields", "factor", "factor_why", "is_condition"),
}
_CASE_TYPES: Final[Mapping[str, tuple[type, str]]] = {
    "name": (str, "text"),
    "fields": (dict, "a table of scenario fields"),
    "per_fields": (dict, "a table of scenario fields"),
    "per": (str, "text"),
    "is_condition": (bool, "true or false"),
}
# Fields that say in which world a claim is held: prices, place, day.
_WORLD: Final = {
    *("title", "name", "as_of", "region", "horizon_years", "discount_rate", "hardware_condition"),
    *("electricity_usd_per_kwh", "usd_per_eur", "facts", "prices"),
}
PlanOf = Callable[[Mapping[str, Any]], Plan]


@dataclass(frozen=True)
class ClaimCase:
    """One scenario in which a claim is computed.

    Attributes
    ----------
    quantity : tuple of str
        Quantities of the plan, as ``memory.weight_bytes``, which are added; a product as
        ``memory.kv_cache_bytes_per_request * capacity.in_flight``.
    per, per_fields : str, mapping
        A quantity to divide by, and the scenario that it is of; empty for none, and the same.
    factor : float
        Brings the result to the unit of the claim; `factor_why` says why where it is no scale.
    is_condition : bool
        False for what the claim is about as it stands; True for a narrower case.
    """

    name: str
    fields: Mapping[str, Any]
    quantity: tuple[str, ...]
    per: str = ""
    per_fields: Mapping[str, Any] = field(default_factory=dict)
    factor: float = 1.0
    factor_why: str = ""
    is_condition: bool = False

    def outcome(self, plan_of: PlanOf) -> "float | str":
        """Return the value in the claim's unit, or why there is none."""
        try:
            plan = plan_of(self.fields)
            value = sum(_product(plan, text) for text in self.quantity) * self.factor
            if self.per:
                other = plan_of(self.per_fields) if self.per_fields else plan
                value /= _product(other, self.per)
        except LlmInfraError as error:
            return str(error)
        except ZeroDivisionError:
            return f"{self.per} is nothing"
        return value if math.isfinite(value) else f"{self.quantity[0]} has no value here"


@dataclass(frozen=True)
class Claim:
    """A statement with its range, and the cases that it is held against.

    Attributes
    ----------
    low, high : float
        Ends of what is claimed; infinite where an end is open.
    tolerance : float
        How far outside still counts as inside, as a share of the end.
    why : str
        What has to be said beside the verdict.
    """

    id: str
    text: str
    source: str
    date: dt.date
    unit: str = ""
    low: float = -math.inf
    high: float = math.inf
    tolerance: float = TOLERANCE
    cases: tuple[ClaimCase, ...] = field(default=(), repr=False)
    why: str = ""

    def holds_for(self, value: float) -> bool:
        """Whether a value lies in the claimed range, tolerance included."""
        ends = []
        for end, sign in ((self.low, -1), (self.high, 1)):
            room = self.tolerance * abs(end) if math.isfinite(end) else 0.0
            ends.append(end + sign * room)
        return ends[0] <= value <= ends[1]


@dataclass(frozen=True)
class HeldClaim:
    """A claim with what was computed, and the verdict that follows.

    Attributes
    ----------
    computed : tuple of (ClaimCase, float)
        The cases that have a value, with it.
    missing : tuple of str
        Why others have none.
    """

    claim: Claim
    computed: tuple[tuple[ClaimCase, float], ...]
    missing: tuple[str, ...]

    @cached_property
    def verdict(self) -> str:
        """One of holds, holds with conditions, does not hold, not scored."""
        stated = [value for case, value in self.computed if not case.is_condition]
        if not stated:
            return NOT_SCORED
        if all(map(self.claim.holds_for, stated)):
            return HOLDS
        return WITH_CONDITIONS if self.holding else DOES_NOT

    @cached_property
    def holding(self) -> list[str]:
        """Names of the cases in which it holds."""
        return [case.name for case, value in self.computed if self.claim.holds_for(value)]


def hold(claims: Sequence[Claim], plan_of: PlanOf | None = None) -> list[HeldClaim]:
    """Compute each claim's cases.

    Parameters
    ----------
    plan_of : callable, optional
        Gives the plan of a case's fields; without it, that of the fields alone.

    Examples
    --------
    >>> weights = next(claim for claim in load_claims() if claim.id == "B3")
    >>> hold([weights])[0].verdict
    'holds'
    """
    plans: dict[str, Plan] = {}

    def kept(fields: Mapping[str, Any]) -> Plan:
        key = repr(sorted(fields.items()))
        if key not in plans:
            plans[key] = plan_of(fields) if plan_of else evaluate(Scenario(**fields))
        return plans[key]

    return [_held(claim, kept) for claim in claims]


def _held(claim: Claim, plan_of: PlanOf) -> HeldClaim:
    found = [(case, case.outcome(plan_of)) for case in claim.cases]
    computed = tuple((case, v) for case, v in found if not isinstance(v, str))
    return HeldClaim(claim, computed, tuple(v for _, v in found if isinstance(v, str)))


def world_of(plan: Plan) -> Plan:
    """Return a plan of the same prices, place and day, and of nothing else that was stated."""
    stated = plan.scenario.changed() - _WORLD
    return plan.variant(**{n: type(plan.scenario).model_fields[n].default for n in stated})


def load_claims(path: str | Path = "") -> list[Claim]:
    """Return the claims of a file; those of the two articles behind the project without one.

    Raises
    ------
    InvalidInput
        Where the file is no list of claims: which claim, which name, what is closest.
    """
    name = str(path) or BUNDLED
    try:
        text = Path(path).read_text("utf-8") if str(path) else file_of(BUNDLED).read_text("utf-8")
        given = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidInput(
            f"claims file {name} cannot be read: {error}; give a TOML file", field="claims_file"
        ) from None
    entries = given.get("claim", [])
    if not (isinstance(entries, list) and entries and all(isinstance(e, dict) for e in entries)):
        raise InvalidInput(
            f"claims file {name} must hold [[claim]] tables, got none; copy the bundled one",
            field="claims_file",
        )
    found = [_claim(entry) for entry in entries]
    ids = [claim.id for claim in found]
    twice = next((i for i in ids if ids.count(i) > 1), None)
    if twice:
        raise _wrong(twice, f"id must be given once, got {twice!r} twice")
    return found


def _claim(entry: Mapping[str, Any]) -> Claim:
    where = str(entry.get("id", "?"))
    _check_names(where, entry, _CLAIM, needed=("id", "text", "source", "date"))
    if type(entry["date"]) is not dt.date:
        raise _wrong(where, f"date must be a day such as 2026-11-23, got {shown(entry['date'])}")
    for name in ("low", "high", "tolerance"):
        value = entry.get(name, 0)
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise _wrong(where, f"{name} must be a number, got {shown(value)}")
    cases = entry.get("case", [])
    if not (isinstance(cases, list) and all(isinstance(case, dict) for case in cases)):
        raise _wrong(where, f"case must hold [[claim.case]] tables, got {shown(cases)}")
    low, high = float(entry.get("low", -math.inf)), float(entry.get("high", math.inf))
    if low > high:
        raise _wrong(where, f"low must not lie above high, got {low:g} and {high:g}")
    return Claim(
        id=where,
        text=str(entry["text"]),
        source=str(entry["source"]),
        date=entry["date"],
        unit=str(entry.get("unit", "")),
        low=low,
        high=high,
        tolerance=float(entry.get("tolerance", TOLERANCE)),
        cases=tuple(_case(where, case) for case in cases),
        why=str(entry.get("why", "")),
    )


def _case(where: str, entry: Mapping[str, Any]) -> ClaimCase:
    _check_names(where, entry, _CASE, needed=("name", "quantity"))
    given = dict(entry)
    quantity = given.pop("quantity")
    paths = [quantity] if isinstance(quantity, str) else quantity
    if not (isinstance(paths, list) and paths and all(isinstance(path, str) for path in paths)):
        raise _wrong(where, f"quantity must be text or a list of texts, got {shown(quantity)}")
    for name, (kind, words) in _CASE_TYPES.items():
        value = given.get(name)
        if value is not None and type(value) is not kind:
            raise _wrong(where, f"{name} must be {words}, got {shown(value)}")
    factor = given.get("factor", 1.0)
    if type(factor) not in (int, float):
        raise _wrong(where, f"factor must be a number, got {shown(factor)}")
    return ClaimCase(**{"fields": {}} | given, quantity=tuple(map(str, paths)))


def _check_names(
    where: str, entry: Mapping[str, Any], known: set[str], needed: Sequence[str]
) -> None:
    for name in entry:
        if name not in known:
            raise _wrong(
                where, f"unknown name {name!r}; closest: {', '.join(closest(name, known))}"
            )
    for name in needed:
        if name not in entry:
            raise _wrong(where, f"{name} must be given, got none")


def _wrong(where: str, message: str) -> InvalidInput:
    return InvalidInput(f"claim {where}: {message}", field="claims_file")


def _product(plan: Plan, text: str) -> float:
    return math.prod(_value(plan, path.strip()) for path in text.split("*"))


def _value(plan: Plan, path: str) -> float:
    """Follow a path into a plan; raise InvalidInput where it leads nowhere."""
    found: Any = plan
    for name in path.split("."):
        if name.startswith("_"):
            raise InvalidInput(f"no quantity {path}: names begin with a letter")
        found = _step(found, name, path)
    if isinstance(found, Range):
        return found.base
    if isinstance(found, list | tuple | dict):
        return float(len(found))
    if isinstance(found, bool | int | float):
        return float(found)
    raise InvalidInput(f"no quantity {path}: it is no number")


def _step(owner: Any, name: str, path: str) -> Any:
    if isinstance(owner, Mapping):
        if name in owner:
            return owner[name]
    elif hasattr(type(owner), name) or name in getattr(owner, "__dict__", {}):
        return getattr(owner, name)
    elif isinstance(owner, Cost) and name in owner.names:
        return owner[name]
    raise InvalidInput(f"no quantity {path}: no {name}")

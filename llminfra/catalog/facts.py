"""The only door to the catalogue: typed facts, and a ledger of which facet read what.

Data files: long CSVs with one fact per line (``accelerators.csv`` and others), ``models.toml`` with
one table per model, ``fields.csv`` as dictionary of allowed fields, ``sources.csv``. The loader
rejects what the dictionary does not allow and names file, line and column.
"""

import csv
import datetime as dt
import hashlib
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from math import inf
from typing import Any, Final

from llminfra.architecture import Architecture
from llminfra.errors import CatalogError, InvalidInput, MissingFact, unknown
from llminfra.hf_config import architecture_from_config
from llminfra.ranges import Range, exact, sample

CONFIDENCES: Final = ("measured", "vendor", "secondary", "derived", "assumption")
# Entity class -> the file that holds it.
FILES: Final = {
    "accelerator": "accelerators.csv",
    "server": "servers.csv",
    "engine": "engines.csv",
    "precision": "precisions.csv",
    "assumption": "assumptions.csv",
}
_COLUMNS: Final = [
    "id",
    "field",
    "value",
    "low",
    "high",
    "unit",
    "source",
    "as_of",
    "confidence",
    "note",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a fact comes from."""

    id: str
    title: str
    publisher: str
    published: str
    accessed: str
    licence: str
    locator: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """What the dictionary says of one kind of fact."""

    unit: str
    dtype: str
    minimum: float
    maximum: float
    max_age_days: int | None
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One value with its unit, source, date, confidence and range."""

    key: str
    value: float | str
    unit: str
    source: str
    as_of: str
    confidence: str
    low: float | None = None
    high: float | None = None
    note: str = ""
    description: str = ""
    minimum: float = -inf
    maximum: float = inf
    max_age_days: int | None = None

    def __str__(self) -> str:
        return f"{self.key}: {self.source}, {self.as_of or 'undated'}, {self.confidence}"

    def age_days(self, as_of: dt.date) -> int | None:
        """Days between the fact and `as_of`; None when the fact is undated."""
        parts = [int(part) for part in self.as_of.split("-")] if self.as_of else []
        if not parts:
            return None
        year, month, day = [*parts, 1, 1][:3]
        return (as_of - dt.date(year, month, day)).days

    def is_stale(self, as_of: dt.date) -> bool:
        """True when the fact is older than its class allows, or undated where age matters."""
        if self.max_age_days is None:
            return False
        age = self.age_days(as_of)
        return age is None or age > self.max_age_days


@dataclass(frozen=True, slots=True)
class Read:
    """One fact that was used, and by which facets."""

    fact: Fact
    users: list[str] = field(default_factory=list)


class Facts:
    """Facts as one facet sees them; what it reads is noted in the shared ledger.

    Parameters
    ----------
    overrides : mapping, optional
        Fact key to `Fact`, replacing the catalogue's value (`fact_from_override`).
    user : str
        Name under which reads are noted.

    Examples
    --------
    >>> facts = Facts(user="doctest")
    >>> facts.number("h100-sxm", "memory_marketing_bytes").base
    80000000000.0
    >>> [read.fact.key for read in facts.ledger]
    ['h100-sxm.memory_marketing_bytes']
    """

    def __init__(
        self,
        overrides: Mapping[str, Fact] | None = None,
        *,
        user: str = "",
        ledger: dict[str, Read] | None = None,
    ) -> None:
        self._overrides = dict(overrides or {})
        self._user = user
        self._ledger: dict[str, Read] = {} if ledger is None else ledger

    @property
    def user(self) -> str:
        """Name under which reads are noted."""
        return self._user

    def as_read_by(self, user: str) -> "Facts":
        """Return the same facts with reads noted under another name."""
        return Facts(self._overrides, user=user, ledger=self._ledger)

    @property
    def ledger(self) -> list[Read]:
        """What was read so far, in order."""
        return list(self._ledger.values())

    def has(self, entity: str, name: str) -> bool:
        """Tell whether a fact exists, without noting a read."""
        key = f"{entity}.{name}"
        return key in self._overrides or key in _catalog()

    def number(self, entity: str, name: str) -> Range:
        """Return a numeric fact as a Range; raise MissingFact when there is none."""
        fact = self._read(entity, name)
        if isinstance(fact.value, str):
            raise CatalogError(f"{fact.key} must be a number, got {fact.value!r}")
        if fact.low is None or fact.high is None:
            return exact(fact.value, name=name, unit=fact.unit, origin=fact)
        draws = sample(
            fact.key,
            fact.value,
            low=fact.low,
            high=fact.high,
            minimum=fact.minimum,
            maximum=fact.maximum,
        ).draws
        return Range(draws, name=name, unit=fact.unit, origin=fact)

    def text(self, entity: str, name: str) -> str:
        """Return a fact as text; raise MissingFact when there is none."""
        return str(self._read(entity, name).value)

    def model(self, model_id: str) -> Architecture:
        """Return a catalogue model as an Architecture, noting its configuration as read."""
        self._note(_model_fact(model_id))
        return _architecture(model_id)

    def _read(self, entity: str, name: str) -> Fact:
        key = f"{entity}.{name}"
        fact = self._overrides.get(key) or _catalog().get(key)
        if fact is None:
            raise MissingFact(
                f"no fact {key}; give it in the scenario file: "
                f'[facts] "{key}" = {{value = …, source = "…", as_of = …}}'
            )
        self._note(fact)
        return fact

    def _note(self, fact: Fact) -> None:
        read = self._ledger.setdefault(fact.key, Read(fact))
        if self._user and self._user not in read.users:
            read.users.append(self._user)


def ids(entity_class: str) -> list[str]:
    """Return the ids of a class (``model``, ``accelerator``, ``engine`` …), in file order."""
    if entity_class == "model":
        return list(model_entries())
    return list(_entities()[entity_class])


def engine_entry(engine: str, engine_version: str | None = None) -> str:
    """Return the id of the engine constants that apply to a version, the newest if none is given.

    Entries are named ``<engine>-<first version>``; the newest that is not newer than the version
    applies.

    Examples
    --------
    >>> engine_entry("vllm", "0.11")
    'vllm-0.6.4'
    """
    entries = [e for e in ids("engine") if e.rpartition("-")[0] == engine]
    if not entries:
        raise unknown("engine", engine, engines())
    by_version = sorted((_version(e.rpartition("-")[2]), e) for e in entries)
    if engine_version is None:
        return by_version[-1][1]
    older = [entry for first, entry in by_version if first <= _version(engine_version)]
    if not _version(engine_version) or not older:
        first = by_version[0][1].rpartition("-")[2]
        raise InvalidInput(
            f"engine_version must be {first} or newer for {engine}, got {engine_version!r}; "
            "leave it out for the newest",
            field="engine_version",
        )
    return older[-1]


def engines() -> list[str]:
    """Return the engine names that have constants."""
    return list(dict.fromkeys(e.rpartition("-")[0] for e in ids("engine")))


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text))


@cache
def sources() -> dict[str, Source]:
    """Return all sources by id."""
    return {row["id"]: Source(**row) for _, row in _rows("sources.csv")}


@cache
def catalog_date() -> dt.date:
    """Day on which the newest source was read: the date of the catalogue as a whole."""
    days = [source.accessed for source in sources().values() if len(source.accessed) == 10]
    return max(dt.date.fromisoformat(day) for day in days)


@cache
def model_entries() -> dict[str, dict[str, Any]]:
    """Return the raw tables of ``models.toml`` by model id."""
    entries = tomllib.loads(_file("models.toml").read_text(encoding="utf-8"))
    for model_id, entry in entries.items():
        _require(entry.get("source") in sources(), "models.toml", model_id, "source", entry)
    return entries


@cache
def _architecture(model_id: str) -> Architecture:
    return architecture_from_config(model_entries()[model_id]["config"], origin=model_id)


@cache
def _model_fact(model_id: str) -> Fact:
    entry = model_entries()[model_id]
    digest = hashlib.sha256(repr(sorted(entry["config"].items())).encode()).hexdigest()
    return Fact(
        key=f"{model_id}.config",
        value=f"config {digest[:12]}",
        unit="",
        source=str(entry["source"]),
        as_of=str(entry["as_of"]),
        confidence=str(entry["confidence"]),
        note=str(entry.get("note", "")),
        description="Configuration of the model",
    )


def current_fact(key: str) -> Fact | None:
    """Return the catalogue's fact of a key, or None."""
    model_id = key.removesuffix(".config")
    if model_id != key:
        return _model_fact(model_id) if model_id in model_entries() else None
    return _catalog().get(key)


def fact_from_override(key: str, given: Any) -> Fact:
    """Turn a scenario file's ``[facts]`` line into a Fact; raise InvalidInput when it is not one.

    Examples
    --------
    >>> given = {"value": 28000, "source": "PO 4711", "as_of": "2026-10-01"}
    >>> fact_from_override("h100-sxm.price_usd", given).value
    28000.0
    """
    entity, _, name = key.rpartition(".")
    entity_class = next((c for c, members in _entities().items() if entity in members), None)
    if entity_class is None:
        raise unknown("facts entity", entity, [e for c in _entities().values() for e in c])
    declared = {n: f for (c, n), f in _dictionary().items() if c == entity_class}
    if name not in declared:
        raise unknown(f"facts field of {entity}", name, declared)
    allowed = {"value", "low", "high", "source", "as_of", "note", "confidence"}
    if not isinstance(given, Mapping) or not {"value", "source", "as_of"} <= set(given) <= allowed:
        raise InvalidInput(
            f"facts.{key} must be {{value = …, source = …, as_of = …}} with optional low, high, "
            f"note, got {given!r}"
        )
    row = {column: str(given.get(column, "")) for column in _COLUMNS}
    row |= {"id": entity, "field": name, "unit": declared[name].unit}
    row["confidence"] = row["confidence"] or "derived"
    try:
        return _fact(row, declared[name])
    except (CatalogError, ValueError) as error:
        raise InvalidInput(f"facts.{key}: {error}") from None


@cache
def _entities() -> dict[str, dict[str, None]]:
    loaded = _loaded()
    return {c: dict.fromkeys(fact_id for fact_id, _ in pairs) for c, pairs in loaded.items()}


@cache
def _catalog() -> dict[str, Fact]:
    return {fact.key: fact for pairs in _loaded().values() for _, fact in pairs}


@cache
def _loaded() -> dict[str, list[tuple[str, Fact]]]:
    return {c: list(_facts_of(c, file)) for c, file in FILES.items()}


def _facts_of(entity_class: str, file: str) -> Iterator[tuple[str, Fact]]:
    seen: set[str] = set()
    for line, row in _rows(file, _COLUMNS):
        declared = _dictionary().get((entity_class, row["field"]))
        if declared is None:
            raise CatalogError(f"{file} line {line}: field {row['field']!r} is not in fields.csv")
        _require(row["unit"] == declared.unit, file, line, "unit", row)
        _require(row["source"] in sources(), file, line, "source", row)
        _require(row["confidence"] in CONFIDENCES, file, line, "confidence", row)
        try:
            fact = _fact(row, declared)
        except (CatalogError, ValueError) as error:
            raise CatalogError(f"{file} line {line}: {error}") from None
        _require(fact.key not in seen, file, line, "field", row)
        seen.add(fact.key)
        yield row["id"], fact


def _fact(row: Mapping[str, str], declared: Field) -> Fact:
    value: float | str = row["value"]
    low = high = None
    if declared.dtype != "text":
        value = _bounded(row["value"], declared)
        if row["low"] and row["high"]:
            low, high = _bounded(row["low"], declared), _bounded(row["high"], declared)
            if not low <= value <= high:
                raise CatalogError(f"low <= value <= high must hold, got {low}, {value}, {high}")
    if row["as_of"]:
        _check_date(row["as_of"])
    return Fact(
        key=f"{row['id']}.{row['field']}",
        value=value,
        unit=row["unit"],
        source=row["source"],
        as_of=row["as_of"],
        confidence=row["confidence"],
        low=low,
        high=high,
        note=row["note"],
        description=declared.description,
        minimum=declared.minimum,
        maximum=declared.maximum,
        max_age_days=declared.max_age_days,
    )


def _bounded(text: str, declared: Field) -> float:
    number = float(text)
    if not declared.minimum <= number <= declared.maximum:
        raise CatalogError(
            f"value must be from {declared.minimum:g} to {declared.maximum:g} {declared.unit}, "
            f"got {text}"
        )
    return number


def _check_date(text: str) -> None:
    if not re.fullmatch(r"\d{4}(-\d\d){0,2}", text):
        raise CatalogError(f"as_of must be YYYY-MM-DD, YYYY-MM or YYYY, got {text!r}")
    dt.date.fromisoformat((text + "-01-01")[:10])


@cache
def _dictionary() -> dict[tuple[str, str], Field]:
    return {
        (row["entity_class"], row["field"]): Field(
            unit=row["unit"],
            dtype=row["dtype"],
            minimum=float(row["min"] or -inf),
            maximum=float(row["max"] or inf),
            max_age_days=int(row["max_age_days"]) if row["max_age_days"] else None,
            description=row["description"],
        )
        for _, row in _rows("fields.csv")
    }


def _rows(file: str, columns: Iterable[str] | None = None) -> Iterator[tuple[int, dict[str, str]]]:
    with _file(file).open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream, strict=True)
        if columns is not None and list(reader.fieldnames or ()) != list(columns):
            raise CatalogError(f"{file} line 1: columns must be {','.join(columns)}")
        for row in reader:
            if None in row or None in row.values():
                raise CatalogError(f"{file} line {reader.line_num}: wrong number of columns")
            yield reader.line_num, row


def _file(name: str) -> Any:
    return resources.files("llminfra.catalog") / name


def _require(
    condition: bool, file: str, where: object, column: str, row: Mapping[str, Any]
) -> None:
    if not condition:
        raise CatalogError(
            f"{file} line {where}: {column} {row.get(column)!r} is not allowed or stands twice"
        )

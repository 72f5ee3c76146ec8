"""Reads the catalogue's files and rejects what the dictionary does not allow.

Long CSVs hold one fact per line, ``models.toml`` one table per model, ``fields.csv`` the allowed
fields with unit and range, ``sources.csv`` where facts come from. Errors name file, line, column.
"""

import datetime as dt
import hashlib
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from math import inf, isfinite, nan
from typing import Any, Final

from llminfra.catalog import reads
from llminfra.catalog.reads import MODEL, Recorded
from llminfra.catalog.tables import check_date, file_of, require, rows_of
from llminfra.errors import CatalogError, InvalidInput, shown, unknown

# What a scenario or a lock file writes for the date of a fact that has none.
UNDATED: Final = "undated"
CONFIDENCES: Final = ("measured", "vendor", "secondary", "derived", "assumption")
# Entity class -> the file that holds it.
FILES: Final = {
    "accelerator": "accelerators.csv",
    "server": "servers.csv",
    "engine": "engines.csv",
    "precision": "precisions.csv",
    "file": "gguf_files.csv",
    "assumption": "assumptions.csv",
    "serving": "serving_constants.csv",
    "api_term": "api_terms.csv",
    "energy": "energy_constants.csv",
    "training": "training_constants.csv",
    "facility": "facilities.csv",
    "footprint": "footprints.csv",
    "grid": "grid.csv",
    "anchor": "energy_anchors.csv",
    "cost": "costs.csv",
    "rental": "rentals.csv",
    "hardware": "hardware.csv",
    "tariff": "tariffs.csv",
    "reclaim": "spot_reclaims.csv",
}
# Price files say after a fact's own columns what the price is for (`llminfra.catalog.prices`).
OFFER_COLUMNS: Final = {
    "rental": (
        *("provider", "region", "areas", "offer"),
        *("accelerator", "accelerators", "instance", "setup"),
    ),
    "hardware": ("name", "kind", "accelerator", "accelerators", "condition", "until"),
    "tariff": ("country", "band", "mwh_from", "mwh_to"),
    "reclaim": ("provider", "region", "areas", "accelerator", "accelerators", "instance"),
}
# Begins the entity of an exchange rate, which stands in no file of the catalogue.
RATE: Final = "ecb-"
# Offers stand one to a row: the price package gives their prices.
API_OFFERS_FILE: Final = "api_offers.csv"
_API_OFFER_COLUMNS: Final = [
    *("id", "model", "provider", "model_id", "use", "context_tokens"),
    *("source", "as_of", "confidence", "note"),
]
_COLUMNS: Final = [
    *("id", "field", "value", "low", "high", "unit"),
    *("source", "as_of", "confidence", "note"),
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
    is_whole: bool = False

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


def ids(entity_class: str) -> list[str]:
    """Return the ids of a class (``model``, ``accelerator``, ``engine`` …), in file order."""
    return list(model_entries() if entity_class == "model" else _ids(entity_class))


@cache
def _ids(entity_class: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(fact_id for fact_id, _ in _loaded(entity_class)))


@cache
def sources() -> dict[str, Source]:
    """Return all sources by id."""
    return {row["id"]: Source(**row) for _, row in rows_of("sources.csv")}


@cache
def catalog_date() -> dt.date:
    """Day on which the newest source was read: the date of the catalogue as a whole."""
    days = [source.accessed for source in sources().values() if len(source.accessed) == 10]
    return max(dt.date.fromisoformat(day) for day in days)


@cache
def model_entries() -> dict[str, dict[str, Any]]:
    """Return the raw tables of ``models.toml`` by model id."""
    entries = tomllib.loads(file_of("models.toml").read_text(encoding="utf-8"))
    for model_id, entry in entries.items():
        require(entry.get("source") in sources(), "models.toml", model_id, "source", entry)
    return Recorded(entries, prefix=MODEL)


@reads.kept_with_reads
def model_fact(model_id: str) -> Fact:
    """Return a model's configuration as a fact whose value is its digest."""
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


@cache
def api_offer_rows() -> dict[str, dict[str, str]]:
    """Return the rows of ``api_offers.csv`` by id: who sells which model under which name."""
    rows: dict[str, dict[str, str]] = {}
    for line, row in rows_of(API_OFFERS_FILE, _API_OFFER_COLUMNS):
        require(row["source"] in sources(), API_OFFERS_FILE, line, "source", row)
        require(row["confidence"] in CONFIDENCES, API_OFFERS_FILE, line, "confidence", row)
        require(row["id"] not in rows, API_OFFERS_FILE, line, "id", row)
        rows[row["id"]] = row
    return rows


def api_offer_fact(offer: str, name: str, **given: Any) -> Fact:
    """Return one fact of an offer: what is given, within the dictionary's unit and bounds.

    `offer` may carry the lane after a colon, as in ``openai-gpt-6.1-sol:batch``.
    """
    row = {column: str(given.get(column, "")) for column in _COLUMNS}
    declared = _dictionary()["api_offer", name]
    return _fact(row | {"id": offer, "field": name, "unit": declared.unit}, declared)


def offer_fact(key: str) -> Fact | None:
    """Return a price of the price lists, or None."""
    return offer_facts().get(key)


def fact_from_override(key: str, given: Any, *, own: str = "") -> Fact:
    """Turn a scenario file's ``[facts]`` line into a Fact; raise InvalidInput when it is not one.

    `own` is an accelerator that the scenario describes by its facts alone.

    Examples
    --------
    >>> given = {"value": 28000, "source": "PO 4711", "as_of": "2026-10-01"}
    >>> fact_from_override("h100-sxm.price_usd", given).value
    28000.0
    """
    if "." not in key:
        example = f"{key}.{next(iter(given))}" if isinstance(given, Mapping) and given else "…"
        raise InvalidInput(
            f"facts keys must be entity.field in quotes, got {shown(key)}; quote the key: "
            f'"{example}" = {{value = …, source = "…", as_of = …}}',
            field=key,
        )
    try:
        return _overriding(key, given, own)
    except (CatalogError, ValueError) as error:
        raise InvalidInput(f"facts.{key} {error}", field=key) from None


def _overriding(key: str, given: Any, own: str) -> Fact:
    entity, _, name = key.rpartition(".")
    named = entity.partition(":")[0]  # behind the colon of an offer stands its lane
    entity_class = next((c for c, members in _entities().items() if named in members), None)
    entity_class = "currency" if named.startswith(RATE) else entity_class
    if entity_class is None and entity == own:
        entity_class = "accelerator"
    if entity_class is None:
        raise unknown("entity", entity, [e for c in _entities().values() for e in c])
    declared = {n: f for (c, n), f in _dictionary().items() if c == entity_class}
    if name not in declared:
        raise unknown(f"field of {entity}", name, declared)
    allowed = {"value", "low", "high", "source", "as_of", "note", "confidence"}
    if not isinstance(given, Mapping) or not {"value", "source", "as_of"} <= set(given) <= allowed:
        raise InvalidInput(
            "must be {value = …, source = …, as_of = …} with optional low, high, confidence and "
            f"note, got {shown(given)}; give what is missing"
        )
    row = {column: str(given.get(column, "")).strip() for column in _COLUMNS}
    row |= {"id": entity, "field": name, "unit": declared[name].unit}
    row["confidence"] = row["confidence"] or "derived"
    for column in ("value", "source", "as_of"):
        if not row[column]:
            raise InvalidInput(f"{column} must not be empty, got {given[column]!r}; say which")
    row["as_of"] = "" if row["as_of"] == UNDATED else row["as_of"]
    if row["confidence"] not in CONFIDENCES:
        raise InvalidInput(
            f"confidence must be one of {', '.join(CONFIDENCES)}, got {shown(row['confidence'])}; "
            "leave it out for derived"
        )
    return _fact(row, declared[name])


@cache
def _entities() -> dict[str, dict[str, None]]:
    named = {c: dict.fromkeys(fact_id for fact_id, _ in _loaded(c)) for c in FILES}
    return named | {"api_offer": dict.fromkeys(api_offer_rows())}


@cache
def all_facts() -> dict[str, Fact]:
    """Return every fact by its key, but those of the price lists: they are many, and rarely all."""
    classes = [c for c in FILES if c not in OFFER_COLUMNS]
    return Recorded({fact.key: fact for c in classes for _, fact in _loaded(c)})


@cache
def offer_facts() -> dict[str, Fact]:
    """Return every fact of the price lists by its key."""
    return Recorded({fact.key: fact for c in OFFER_COLUMNS for _, fact in _loaded(c)})


@cache
def _loaded(entity_class: str) -> list[tuple[str, Fact]]:
    return list(_facts_of(entity_class, FILES[entity_class]))


@cache
def offer_rows(entity_class: str) -> list[tuple[Fact, dict[str, str]]]:
    """Return each price of a class with the columns that say what it is for, in file order."""
    file, facts = FILES[entity_class], (fact for _, fact in _loaded(entity_class))
    rows = (row for _, row in rows_of(file, [*_COLUMNS, *OFFER_COLUMNS[entity_class]]))
    return list(zip(facts, rows, strict=True))


def _facts_of(entity_class: str, file: str) -> Iterator[tuple[str, Fact]]:
    seen: set[str] = set()
    for line, row in rows_of(file, [*_COLUMNS, *OFFER_COLUMNS.get(entity_class, ())]):
        declared = _dictionary().get((entity_class, row["field"]))
        if declared is None:
            raise CatalogError(f"{file} line {line}: field {row['field']!r} is not in fields.csv")
        require(row["unit"] == declared.unit, file, line, "unit", row)
        require(row["source"] in sources(), file, line, "source", row)
        require(row["confidence"] in CONFIDENCES, file, line, "confidence", row)
        try:
            fact = _fact(row, declared)
        except (CatalogError, ValueError) as error:
            raise CatalogError(f"{file} line {line}: {error}") from None
        require(fact.key not in seen, file, line, "field", row)
        seen.add(fact.key)
        yield row["id"], fact


def _fact(row: Mapping[str, str], declared: Field) -> Fact:
    value: float | str = row["value"]
    low = high = None
    if declared.dtype != "text":
        value = _bounded(row, "value", declared)
        if row["low"] or row["high"]:
            low, high = (_bounded(row, end, declared) for end in ("low", "high"))
            if not low <= value <= high:
                raise CatalogError(f"low <= value <= high must hold, got {low}, {value}, {high}")
    if row["as_of"]:
        check_date(row["as_of"])
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
        is_whole=declared.dtype == "integer",
    )


def _bounded(row: Mapping[str, str], column: str, declared: Field) -> float:
    try:
        number = float(row[column])
    except ValueError:
        number = nan
    is_whole = declared.dtype != "integer" or column != "value" or number.is_integer()
    if not (is_whole and isfinite(number) and declared.minimum <= number <= declared.maximum):
        kind = "whole number" if declared.dtype == "integer" else "number"
        unit = "" if declared.unit in ("", "1") else f" {declared.unit}"
        raise CatalogError(
            f"{column} must be a {kind} from {declared.minimum:g} to {declared.maximum:g}{unit}, "
            f"got {row[column][:60] or 'none'}; give one in this range"
        )
    return number


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
        for _, row in rows_of("fields.csv")
    }

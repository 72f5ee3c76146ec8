"""Every price of the catalogue as rows of one table, with its age on a day."""

import datetime as dt
from collections.abc import Iterator
from typing import Any, Final

from llminfra.catalog import api_prices, prices
from llminfra.catalog.facts import Facts
from llminfra.catalog.loader import Fact, catalog_date, ids
from llminfra.errors import InvalidInput, shown

Row = dict[str, Any]
_MOST_DIGITS: Final = 6


def price_list(on: dt.date | None = None) -> list[Row]:
    """Return what is rented, bought, drawn from the grid and paid by the token.

    Parameters
    ----------
    on : date, optional
        Prices that are younger are left out, and ages count to this day; the date of the
        catalogue by default.
    """
    day = on or catalog_date()
    facts = [*_rentals(), *_machines(), *_cards(), *_tariffs(), *_costs()]
    rows = [_row(fact, day, **what) for fact, what in facts if (fact.age_days(day) or 0) >= 0]
    return rows + list(_tokens(day))


def day_of(text: str) -> dt.date:
    """Read a day that the user gave.

    Examples
    --------
    >>> day_of("2026-10-01")
    datetime.date(2026, 10, 1)
    """
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise InvalidInput(
            f"--on must be a date such as 2026-10-01, got {shown(text)}; write year-month-day"
        ) from None


def _row(fact: Fact, day: dt.date, **what: Any) -> Row:
    columns = {"what": "", "who": "", "where": "", "of": "", "n": None, "offer": ""} | what
    return columns | {
        "price": _short(float(fact.value)),
        "low": None if fact.low is None else _short(fact.low),
        "high": None if fact.high is None else _short(fact.high),
        "unit": fact.unit,
        "as_of": fact.as_of,
        "age": "stale" if fact.is_stale(day) else "fresh",
        "confidence": fact.confidence,
        "source": fact.source,
        "key": fact.key,
    }


def _short(value: float) -> float:
    return float(f"{value:.{_MOST_DIGITS}g}")


def _rentals() -> Iterator[tuple[Fact, Row]]:
    for r in prices.rentals():
        yield r.fact, {
            "what": "rent", "who": r.provider, "where": r.region, "of": r.accelerator,
            "n": r.accelerators, "offer": r.offer,
        }  # fmt: skip


def _machines() -> Iterator[tuple[Fact, Row]]:
    for m in prices.machines():
        what = {"what": "buy", "of": m.accelerator or m.name, "n": m.accelerators or None}
        yield m.fact, what | {"offer": f"{m.kind}, {m.condition}"}


def _cards() -> Iterator[tuple[Fact, Row]]:
    facts = Facts()
    for name in ids("accelerator"):
        if facts.has(name, "price_usd"):
            fact = facts.number(name, "price_usd").origin
            assert isinstance(fact, Fact)
            yield fact, {"what": "buy", "of": name, "n": 1, "offer": "card"}


def _tariffs() -> Iterator[tuple[Fact, Row]]:
    for t in prices.tariffs():
        yield t.fact, {"what": "electricity", "where": t.country, "offer": f"band {t.band}"}


def _costs() -> Iterator[tuple[Fact, Row]]:
    facts = Facts()
    for entity in ids("cost"):
        for fact in facts.of(entity):
            what = entity.partition("-")
            yield fact, {"what": what[0], "where": what[2], "offer": fact.description}


def _tokens(day: dt.date) -> Iterator[Row]:
    for row in api_prices.price_rows(day):
        for kind in ("input", "cached_input", "output"):
            price = row[f"{kind}_usd_per_mtok"]
            if price is not None:
                yield {
                    "what": "tokens", "who": row["provider"], "where": "", "of": row["model"],
                    "n": None, "offer": f"{row['lane']} {kind}", "price": _short(float(price)),
                    "low": None, "high": None, "unit": "USD/Mtoken", "as_of": row["as_of"],
                    "age": "fresh", "confidence": "secondary", "source": row["source"],
                    "key": row["model_id"],
                }  # fmt: skip

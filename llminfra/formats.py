"""How numbers are shown: the one place for rounding, units and separators.

Narrow no-break space between number and unit, comma for thousands, en dash in ranges, the unit
once. GB is 10**9 bytes, GiB is 2**30 bytes. Missing is an en dash, never 0 or NaN.
"""

import datetime as dt
import math
from typing import Any, Final

from llminfra.ranges import Range
from llminfra.units import GB, GIB, KIB, MIB, plural

NARROW_SPACE: Final = "\u202f"
MISSING: Final = "–"
_RAISED: Final = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: Any, digits: int = 3) -> str:
    """Show a number with about three significant figures and thousands separators.

    Examples
    --------
    >>> number(141.107), number(1317413), number(0.0694), number(9.0)
    ('141', '1,317,413', '0.0694', '9')
    """
    x = float(value)
    if not math.isfinite(x):
        return MISSING
    if x == round(x):
        return _fixed(x)
    rounded = abs(float(f"{x:.{digits}g}"))
    return _fixed(x, max(0, digits - 1 - math.floor(math.log10(rounded))))


def _fixed(x: float, decimals: int = 0) -> str:
    """Show so many decimals, with a real minus sign, and never minus zero."""
    return f"{x:z,.{decimals}f}".replace("-", "−")


def power(value: Any) -> str:
    """Show a number with a power of ten.

    Examples
    --------
    >>> power(1.57e-11)
    '1.57 × 10⁻¹¹'
    """
    digits, _, exponent = f"{float(value):.2e}".partition("e")
    return f"{digits} × 10{str(int(exponent)).translate(_RAISED)}"


def count(value: Any) -> str:
    """Show a whole number.

    Examples
    --------
    >>> count(1317413.2)
    '1,317,413'
    """
    x = float(value)
    return _fixed(x) if math.isfinite(x) else MISSING


def with_unit(text: str, unit: str) -> str:
    """Join number and unit so that they never part at a line end."""
    return text if text == MISSING or not unit else f"{text}{NARROW_SPACE}{unit}"


def scaled(value: Any, divisor: float) -> str:
    """Show a value in a larger unit with one decimal, two below ten, at most four figures.

    Examples
    --------
    >>> scaled(141.107e9, 1e9), scaled(2.0926e9, 1e9), scaled(-13.4e9, 1e9), scaled(1342.1, 1)
    ('141.1', '2.09', '−13.4', '1,342')
    """
    x = float(value) / divisor
    if not math.isfinite(x):
        return MISSING
    if abs(x) >= 10_000:
        x = float(f"{x:.4g}")
    return _fixed(x, 0 if abs(x) >= 999.95 else 1 if abs(x) >= 10 or x == 0 else 2)


def gb(value: Any) -> str:
    r"""Show bytes in GB.

    Examples
    --------
    >>> gb(141.107e9)
    '141.1\u202fGB'
    """
    return with_unit(scaled(value, GB), "GB")


def gib(value: Any) -> str:
    r"""Show bytes in GiB.

    Examples
    --------
    >>> gib(141.107e9)
    '131.4\u202fGiB'
    """
    return with_unit(scaled(value, GIB), "GiB")


def kib(value: Any) -> str:
    r"""Show bytes in KiB, or MiB from 1,024 KiB.

    Examples
    --------
    >>> kib(327680)
    '320\u202fKiB'
    """
    x = float(value)
    divisor, unit = (MIB, "MiB") if abs(x) >= MIB else (KIB, "KiB")
    return with_unit(number(x / divisor), unit)


def seconds(value: Any) -> str:
    r"""Show a time; below a second in milliseconds.

    Examples
    --------
    >>> seconds(0.1432), seconds(11.94)
    ('143\u202fms', '11.9\u202fs')
    """
    x = float(value)
    short = math.isfinite(x) and 0 < abs(x) < 1
    return with_unit(number(1e3 * x), "ms") if short else with_unit(number(x), "s")


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
    text = _fixed(100 * x)
    text = ">99" if text == "100" and x < 1 else "<1" if text == "0" and x > 0 else text
    return with_unit(text, "%")


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
    return with_unit(_fixed(100 * x, min(decimals, 6)), "%")


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
    low, high = show(value.low), show(value.high)
    (start, _, small), (end, _, unit) = (text.partition(NARROW_SPACE) for text in (low, high))
    if small == unit or start == "0":
        low = start
    return high if low == end else f"{low}–{high}"


_BY_UNIT: Final = {"byte": gb, "byte/token": kib, "1": number, "": number}


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
    """Return the format that suits a unit."""
    return _BY_UNIT.get(unit) or (lambda value: with_unit(number(value), plural(unit)))


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

"""Quantities in the unit in which they read best: bytes, seconds, energy, mass, volume, power."""

import math
from collections.abc import Sequence
from typing import Any, Final

from llminfra.formats.numbers import number, scaled, with_unit
from llminfra.units import GB, GIB, KIB, MIB


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


def _laddered(value: Any, ladder: Sequence[tuple[float, str]]) -> str:
    """Show in the largest unit that leaves at least one of it, a hundredth of the plain unit."""
    x = float(value)
    least = {size: 0.01 if size == 1 else size for size, _ in ladder}
    fitting = [step for step in ladder if abs(x) >= least[step[0]] * (1 - 1e-9)]
    size, unit = (fitting or ladder[:1])[-1] if x else next(s for s in ladder if s[0] == 1)
    return with_unit(number(x / size), unit)


_WH: Final = ((1e-3, "mWh"), (1, "Wh"), (1e3, "kWh"), (1e6, "MWh"), (1e9, "GWh"))
_G: Final = ((1e-3, "mg"), (1, "g"), (1e3, "kg"), (1e6, "t"))
_L: Final = ((1e-3, "mL"), (1, "L"), (1e3, "m³"))
_W: Final = ((1, "W"), (1e3, "kW"), (1e6, "MW"))


def wh(value: Any) -> str:
    r"""Show an energy in Wh.

    Examples
    --------
    >>> wh(0.191), wh(50_618e3), wh(0.00299)
    ('0.191\u202fWh', '50.6\u202fMWh', '2.99\u202fmWh')
    """
    return _laddered(value, _WH)


def kwh(value: Any) -> str:
    r"""Show an energy in kWh.

    Examples
    --------
    >>> kwh(4218.2), kwh(0.3)
    ('4.22\u202fMWh', '300\u202fWh')
    """
    return _laddered(float(value) * 1e3, _WH)


def grams(value: Any) -> str:
    r"""Show a mass in g.

    Examples
    --------
    >>> grams(0.066), grams(20.5)
    ('0.0660\u202fg', '20.5\u202fg')
    """
    return _laddered(value, _G)


def kilograms(value: Any) -> str:
    r"""Show a mass in kg.

    Examples
    --------
    >>> kilograms(16_686), kilograms(833.3)
    ('16.7\u202ft', '833\u202fkg')
    """
    return _laddered(float(value) * 1e3, _G)


def litres(value: Any) -> str:
    r"""Show a volume in L.

    Examples
    --------
    >>> litres(0.000426), litres(113_016)
    ('0.426\u202fmL', '113\u202fm³')
    """
    return _laddered(value, _L)


def watts(value: Any) -> str:
    r"""Show a power in W.

    Examples
    --------
    >>> watts(4127.4), watts(280)
    ('4.13\u202fkW', '280\u202fW')
    """
    return _laddered(value, _W)


def duration(value: Any) -> str:
    r"""Show days; below two of them hours, below two hours minutes.

    Examples
    --------
    >>> duration(0.5), duration(78.43), duration(0.01)
    ('12\u202fh', '78.4\u202fdays', '14.4\u202fmin')
    """
    x = float(value)
    if not math.isfinite(x):
        return number(x)
    hours = 24 * x
    if hours < _FEW:
        return with_unit(number(60 * hours), "min")
    return with_unit(number(hours), "h") if x < _FEW else with_unit(number(x), "days")


_FEW: Final = 2

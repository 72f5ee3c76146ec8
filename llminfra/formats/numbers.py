"""Numbers as text: figures, separators, the minus sign, and a unit that never parts from them."""

import math
from typing import Any, Final

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
        return fixed(x)
    rounded = abs(float(f"{x:.{digits}g}"))
    return fixed(x, max(0, digits - 1 - math.floor(math.log10(rounded))))


def fixed(x: float, decimals: int = 0) -> str:
    """Show so many decimals, with a real minus sign, and never minus zero."""
    return f"{x:z,.{decimals}f}".replace("-", "−")


def signed(value: Any) -> str:
    """Show a change with its sign.

    Examples
    --------
    >>> signed(1250.4), signed(-0.031)
    ('+1,250', '−0.0310')
    """
    x = float(value)
    return f"+{number(x)}" if x > 0 else number(x)


def power_of_ten(value: Any) -> str:
    """Show a number with a power of ten.

    Examples
    --------
    >>> power_of_ten(1.57e-11)
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
    return fixed(x) if math.isfinite(x) else MISSING


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
    return fixed(x, 0 if abs(x) >= 999.95 else 1 if abs(x) >= 10 or x == 0 else 2)

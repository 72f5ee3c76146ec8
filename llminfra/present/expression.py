"""Formulas as expressions of Vega: a page computes them again where a reader moves a slider.

The expression is the traced formula: nobody writes it a second time.
"""

from collections.abc import Mapping
from typing import Any, Final

from llminfra.trace import Symbol

_BETWEEN: Final = {
    "add": "+",
    "subtract": "-",
    "multiply": "*",
    "divide": "/",
    "greater": ">",
    "greater_equal": ">=",
    "less": "<",
    "less_equal": "<=",
    "equal": "==",
    "not_equal": "!=",
    "bitwise_and": "&&",
    "bitwise_or": "||",
}
_FUNCTIONS: Final = {
    "power": "pow",
    "maximum": "max",
    "minimum": "min",
    "clip": "clamp",
    "absolute": "abs",
    **{name: name for name in ("ceil", "floor", "exp", "log", "sqrt", "sin", "cos")},
}


def vega(value: Any, names: Mapping[str, str] | None = None) -> str:
    """Write a traced expression for Vega.

    Parameters
    ----------
    value : Symbol or number
        From `llminfra.trace`: a formula called with symbols.
    names : mapping, optional
        What stands for a symbol, such as ``datum.volume`` for a column; a signal keeps its name.

    Raises
    ------
    TypeError
        Where Vega has no such operation.

    Notes
    -----
    Every operation stands in brackets: a browser computes in the order in which NumPy does.

    Examples
    --------
    >>> import numpy as np
    >>> price, volume = Symbol("price"), Symbol("volume")
    >>> vega(np.maximum(price * volume, 10.0) ** 0.5, {"volume": "datum.volume"})
    'pow(max((price*datum.volume),10),0.5)'
    >>> vega(np.where(price > 0, price, -1.0))
    '((price>0)?price:-1)'
    """
    if not isinstance(value, Symbol):
        return _number(value)
    if not value.inputs:
        return (names or {}).get(value.name, value.name)
    inputs = [vega(x, names) for x in value.inputs]
    if value.name == "where":
        return f"({inputs[0]}?{inputs[1]}:{inputs[2]})"
    if value.name == "negative":
        return f"(-{inputs[0]})"
    if value.name in _BETWEEN:
        return f"({inputs[0]}{_BETWEEN[value.name]}{inputs[1]})"
    if value.name not in _FUNCTIONS:
        raise TypeError(f"Vega has no {value.name}: put another operation into the formula")
    return f"{_FUNCTIONS[value.name]}({','.join(inputs)})"


def _number(value: Any) -> str:
    number = float(value)
    if number != number or number in (float("inf"), float("-inf")):
        return {True: "NaN"}.get(number != number, "Infinity" if number > 0 else "(-Infinity)")
    return repr(int(number)) if number == int(number) and abs(number) < 1e15 else repr(number)

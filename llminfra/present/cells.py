"""Formulas as cells of a spreadsheet: the traced expression, written once more.

An expression travels as plain lists, so that a workbook can be written from an executed notebook.
Only the operations below are ever written: a notebook cannot bring a function of its own.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from llminfra.trace import Symbol

Tree = float | list[Any]
"""A number, ``["cell", id]``, ``["text", words]`` or an operation and what it takes."""

_BETWEEN: Final = {
    "add": "+",
    "subtract": "-",
    "multiply": "*",
    "divide": "/",
    "power": "^",
    "greater": ">",
    "greater_equal": ">=",
    "less": "<",
    "less_equal": "<=",
    "equal": "=",
    "not_equal": "<>",
}
_FUNCTIONS: Final = {
    "maximum": "MAX",
    "minimum": "MIN",
    "where": "IF",
    "bitwise_and": "AND",
    "bitwise_or": "OR",
    "exp": "EXP",
    "log": "LN",
    "sqrt": "SQRT",
    "absolute": "ABS",
    "sum": "SUM",
    "round": "ROUND",
}
# What a spreadsheet says in other words; {0} is the operand.
_PHRASES: Final = {
    "negative": "(-{0})",
    "positive": "{0}",
    # CEILING and FLOOR ask for a step, and disagree between programs on numbers below zero.
    "floor": "INT({0})",
    "ceil": "(-INT(-{0}))",
    "clip": "MIN(MAX({0},{1}),{2})",
}
OPERATIONS: Final = frozenset({*_BETWEEN, *_FUNCTIONS, *_PHRASES})
_LARGEST: Final = 9.99e307
"""What a cell can hold; more is written as this."""


def tree(value: Any, cells: Callable[[str], Tree]) -> Tree:
    """Turn a traced expression into plain lists.

    Parameters
    ----------
    value : Symbol or number
        From `llminfra.trace` or `llminfra.graph`.
    cells : callable
        What stands for the name of a symbol.

    Raises
    ------
    TypeError
        A spreadsheet has no such operation.

    Examples
    --------
    >>> tree(2 * Symbol("servers"), lambda name: ["cell", name])
    ['multiply', 2.0, ['cell', 'servers']]
    """
    if not isinstance(value, Symbol):
        return float(value)
    if not value.inputs:
        return cells(value.name)
    if value.name not in OPERATIONS:
        raise TypeError(f"a spreadsheet has no {value.name}: put another operation in")
    return [value.name, *(tree(x, cells) for x in value.inputs)]


def folded(found: Tree) -> Tree:
    """Drop what does nothing: a term of zero, a factor of one, a sign that changes nothing.

    Examples
    --------
    >>> folded(["add", 0.0, ["multiply", ["cell", 1], 1.0]])
    ['cell', 1]
    """
    if not isinstance(found, list) or found[0] in ("cell", "text"):
        return found
    name, *inputs = found[0], *map(folded, found[1:])
    if name == "positive":
        return inputs[0]
    idle = {"add": 0.0, "subtract": 0.0, "multiply": 1.0, "divide": 1.0, "power": 1.0}.get(name)
    if idle is not None and inputs[1] == idle:
        return inputs[0]
    if name in ("add", "multiply") and inputs[0] == idle:
        return inputs[1]
    if (name == "multiply" and 0.0 in inputs) or (name == "divide" and inputs[0] == 0.0):
        return 0.0
    if name == "power" and inputs[1] == 0.0:
        return 1.0
    return [name, *inputs]


def cell(found: Tree, address: Callable[[Any], str]) -> str:
    """Write an expression as a formula of a cell, without the sign of equality.

    Parameters
    ----------
    found : number or list
        From `tree`.
    address : callable
        Where the cell of an id stands, such as ``Inputs!$C$4``.

    Raises
    ------
    ValueError
        Something else than the operations that are known here.

    Examples
    --------
    >>> cell(["where", ["greater", ["cell", "a"], 0.0], ["cell", "a"], 1.5], lambda id: "$B$2")
    'IF(($B$2>0),$B$2,1.5)'
    >>> print(cell(["text", 'the "same" model'], str))
    "the ""same"" model"
    """
    if isinstance(found, int | float):
        return _number(found)
    name, *inputs = _checked(found)
    if name == "cell":
        return address(inputs[0])
    if name == "text":
        words = str(inputs[0]).replace('"', '""')
        return f'"{words}"'
    written = [cell(x, address) for x in inputs]
    if name in _BETWEEN:
        return f"({_BETWEEN[name].join(written)})"
    if name in _PHRASES:
        return _PHRASES[name].format(*written)
    return f"{_FUNCTIONS[name]}({','.join(written)})"


def _checked(found: Any) -> Sequence[Any]:
    known = OPERATIONS | {"cell", "text"}
    if not isinstance(found, list) or not found or found[0] not in known or len(found) < 2:
        raise ValueError(f"no expression of a cell: {str(found)[:60]}")
    return found


def _number(value: float) -> str:
    """Write a number with all its digits; cells have no infinity."""
    number = float(value)
    if number != number:
        return "NA()"
    number = min(max(number, -_LARGEST), _LARGEST)
    text = repr(int(number)) if number == int(number) and abs(number) < 1e15 else repr(number)
    return f"({text})" if number < 0 else text

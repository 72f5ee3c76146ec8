"""A formula sent through itself: symbols in, the expression out, to be printed or drawn elsewhere.

A formula whose body is its equation says what it computes when symbols are put in for numbers. The
tree that comes out is written here as a line with its numbers; other forms are other ways to write
the same tree.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from llminfra.formulas._formula import register
from llminfra.ranges import Range

# Signs between operands, and how strongly each binds.
_SIGNS: Final = {
    "bitwise_and": (" and ", 0),
    **{name: (f" {sign} ", 1) for name, sign in (("greater", ">"), ("greater_equal", "≥"))},
    **{name: (f" {sign} ", 1) for name, sign in (("less", "<"), ("less_equal", "≤"))},
    **{name: (f" {sign} ", 1) for name, sign in (("equal", "="), ("not_equal", "≠"))},
    "add": (" + ", 2),
    "subtract": (" - ", 2),
    "multiply": (" · ", 3),
    "divide": (" / ", 3),
    "power": ("^", 5),
}
_NEGATIVE: Final = 4
_ATOM: Final = 6
# Names of functions in print; others keep theirs.
_WORDS: Final = {"maximum": "max", "minimum": "min"}
_LARGE, _SMALL = 1e5, 1e-3
# Signs and names of an expression that is still one: the longest formula has some thirty.
_LARGEST: Final = 1_000


class Symbol(NDArrayOperatorsMixin):
    """A name, or an operation of NumPy on symbols and numbers.

    Parameters
    ----------
    name : str
        Of a quantity, or of the operation.
    inputs : tuple
        What the operation takes: symbols and numbers; none for a name.

    Examples
    --------
    >>> print(np.maximum(2 * Symbol("sent_bytes"), 0.5) / (1 - Symbol("share_fraction")))
    max(2 · sent_bytes, 0.5) / (1 - share_fraction)
    """

    def __init__(self, name: str, inputs: tuple[Any, ...] = ()) -> None:
        self.name, self.inputs = name, inputs
        self.size: int = 1 + sum(x.size for x in inputs if isinstance(x, Symbol))
        if self.size > _LARGEST:
            raise TypeError("an expression that grows without end is a loop, and has no line")

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        if method != "__call__" or options:
            return NotImplemented
        return Symbol(ufunc.__name__, inputs)

    def __array_function__(
        self, function: Callable[..., Any], types: Any, inputs: tuple[Any, ...], options: Any
    ) -> Any:
        """Take `where` and `clip` as they are; anything else looks into arrays."""
        if options or function not in (np.where, np.clip):
            return NotImplemented
        return Symbol(function.__name__, inputs)

    def __bool__(self) -> bool:
        raise TypeError(f"a formula has no branches: put np.where in place of a question on {self}")

    def __hash__(self) -> int:
        return id(self)

    def evaluate(self, values: Mapping[str, Any]) -> Any:
        """Return the outcome for numbers or arrays by name."""
        if not self.inputs:
            return values[self.name]
        inputs = (x.evaluate(values) if isinstance(x, Symbol) else x for x in self.inputs)
        return getattr(np, self.name)(*inputs)

    def __str__(self) -> str:
        return write(self, {})


def _as_it_is(formula: Callable[..., Any], compute: object, inputs: dict[str, Any]) -> Any:
    return inspect.unwrap(formula)(**inputs)


register(Symbol, _as_it_is)


def trace(formula: Callable[..., Any]) -> Symbol:
    """Return the expression of a formula over the names of its arguments.

    Raises
    ------
    TypeError
        The formula loops over, searches or looks into its arguments.
    """
    names = inspect.signature(formula).parameters
    found: Symbol = formula(**{name: Symbol(name) for name in names})
    return found


def trace_call(formula: Callable[..., Any], inputs: Mapping[str, Any]) -> Any:
    """Return the expression of a formula over symbols and numbers, a number where all are.

    Raises
    ------
    TypeError
        As `trace` does, and where an input is an array.
    """
    if any(np.ndim(x) for x in inputs.values() if not isinstance(x, Symbol)):
        raise TypeError(f"{formula.__name__} takes arrays, and has no line")
    return formula(**inputs)


def line(quantity: Range) -> str:
    r"""Print the equation that gave a quantity, the same with its numbers, and the outcome.

    Examples
    --------
    >>> from llminfra.formulas.step import weight_read_s
    >>> from llminfra.ranges import exact
    >>> found = weight_read_s(weight_bytes=exact(35e9), weight_bytes_per_s=4.56e12, expert_bytes=0,
    ...     expert_bytes_per_s=4e12, touched_fraction=0)
    >>> print(line(found).replace(" = ", "\n= "))
    weight_bytes / weight_bytes_per_s + touched_fraction · expert_bytes / expert_bytes_per_s
    = 35e9 / 4.56e12 + 0 · 0 / 4e12
    = 0.007675 s
    """
    if quantity.formula is None:
        raise TypeError(f"{quantity!r} is not the outcome of a formula")
    found = trace(quantity.formula)
    values = {name: number(float(value)) for name, value in quantity.inputs.items()}
    unit = f" {quantity.unit}" if quantity.unit not in ("", "1") else ""
    return f"{write(found, {})} = {write(found, values)} = {number(quantity.base)}{unit}"


def write(symbol: Any, words: Mapping[str, str]) -> str:
    """Write an expression as a line, with other words for some names."""
    return _write(symbol, words)[0]


def _write(x: Any, words: Mapping[str, str]) -> tuple[str, int]:
    """Return the text, and how strongly its outermost sign binds."""
    if not isinstance(x, Symbol):
        return number(float(x)), _ATOM
    if not x.inputs:
        return words.get(x.name, x.name), _ATOM
    if x.name in _SIGNS:
        sign, binds = _SIGNS[x.name]
        # What follows a minus or a stroke needs brackets already where it binds as strongly.
        right = binds + (x.name in ("subtract", "divide", "power"))
        first, second = x.inputs
        left = binds + (x.name == "power")
        return f"{_bracketed(first, words, left)}{sign}{_bracketed(second, words, right)}", binds
    if x.name == "negative":
        return f"-{_bracketed(x.inputs[0], words, _NEGATIVE)}", _NEGATIVE
    inside = ", ".join(write(value, words) for value in x.inputs)
    return f"{_WORDS.get(x.name, x.name)}({inside})", _ATOM


def _bracketed(x: Any, words: Mapping[str, str], least: int) -> str:
    text, binds = _write(x, words)
    return text if binds >= least else f"({text})"


def number(value: float) -> str:
    """Write a number with four digits, its power of ten by threes where it is large or small.

    Examples
    --------
    >>> number(35e9), number(0.0123456), number(4.56e-06), number(0)
    ('35e9', '0.01235', '4.56e-6', '0')
    """
    if value == 0 or not np.isfinite(value) or _SMALL <= abs(value) < _LARGE:
        return f"{value:.4g}"
    exponent = 3 * int(np.floor(np.log10(abs(value)) / 3))
    return f"{value / 10.0**exponent:.4g}e{exponent}"

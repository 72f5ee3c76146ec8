"""An expression of `llminfra.trace` as LaTeX, with letters in place of names."""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from llminfra.trace import Symbol, number

_ADD, _TIMES, _POWER, _ATOM = 1, 2, 3, 4
Write = Callable[..., str]
_FUNCTIONS: Final[dict[str, Write]] = {
    "maximum": r"\max({}, {})".format,
    "minimum": r"\min({}, {})".format,
    "floor": r"\lfloor {} \rfloor".format,
    "ceil": r"\lceil {} \rceil".format,
    "sqrt": r"\sqrt{{{}}}".format,
    "exp": "e^{{{}}}".format,
    "log": r"\ln({})".format,
    "log1p": r"\ln(1 + {})".format,
}


def latex(x: Any, letters: Mapping[str, str], *, times: str = r" \, ") -> str:
    r"""Write an expression as LaTeX.

    Parameters
    ----------
    x : Symbol or number
        The expression.
    letters : mapping
        LaTeX of each name.
    times : str
        Between factors; numbers need a sign, letters do not.

    Raises
    ------
    TypeError
        It asks a question or calls what has no sign in print.

    Examples
    --------
    >>> a, b = Symbol("a"), Symbol("b")
    >>> print(latex((a + b) * b / 2, {"a": "s", "b": r"\beta"}))
    \frac{(s + \beta) \, \beta}{2}
    """
    return _write(x, _Words(letters, times))[0]


class _Words(NamedTuple):
    letters: Mapping[str, str]
    times: str


def _write(x: Any, words: _Words) -> tuple[str, int]:
    """Return the text and how strongly its outermost sign binds."""
    if not isinstance(x, Symbol):
        return _constant(float(x)), _ATOM
    if not x.inputs:
        return words.letters[x.name], _ATOM
    if (root := _fourth_root(x)) is not None:
        first, second = (_write(part, words)[0] for part in root)
        return rf"\sqrt[4]{{({first})^4 + ({second})^4}}", _ATOM
    return _operation(x, words)


def _operation(x: Symbol, words: _Words) -> tuple[str, int]:
    parts = x.inputs
    if x.name in ("add", "subtract"):
        sign = "+" if x.name == "add" else "-"
        right = _held(parts[1], words, _ADD + (sign == "-"))
        return f"{_held(parts[0], words, _ADD)} {sign} {right}", _ADD
    if x.name == "multiply":
        return words.times.join(_held(part, words, _TIMES) for part in parts), _TIMES
    if x.name == "divide":
        return rf"\frac{{{_write(parts[0], words)[0]}}}{{{_write(parts[1], words)[0]}}}", _ATOM
    if x.name == "negative":
        return f"-{_held(parts[0], words, _TIMES)}", _ADD
    if x.name in ("power", "square"):
        exponent = "2" if x.name == "square" else _write(parts[1], words)[0]
        return f"{_held(parts[0], words, _ATOM)}^{{{exponent}}}", _POWER
    if x.name == "expm1":
        return f"e^{{{_write(parts[0], words)[0]}}} - 1", _ADD
    if x.name not in _FUNCTIONS:
        raise TypeError(f"{x.name} has no sign in print")
    return _FUNCTIONS[x.name](*(_write(part, words)[0] for part in parts)), _ATOM


def _held(x: Any, words: _Words, least: int) -> str:
    text, binds = _write(x, words)
    return text if binds >= least else f"({text})"


def _fourth_root(x: Symbol) -> tuple[Any, Any] | None:
    """Find a sum of fourth powers under a fourth root, which formulas write with squares."""
    inner = x.inputs[0] if x.name == "sqrt" else None
    if not isinstance(inner, Symbol) or inner.name != "hypot":
        return None
    squares = [i for i in inner.inputs if isinstance(i, Symbol) and i.name == "square"]
    return (squares[0].inputs[0], squares[1].inputs[0]) if len(squares) == 2 else None


def _constant(value: float) -> str:
    text = number(value)
    digits, e, exponent = text.partition("e")
    return rf"{digits} \times 10^{{{exponent}}}" if e else digits

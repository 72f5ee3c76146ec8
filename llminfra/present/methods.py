"""How the numbers came about: equations, each with its numbers, and a table of their symbols.

An equation is written from the formula itself, sent through `llminfra.trace`, so that what is
printed is what was computed, and whoever has a pocket calculator can check it.
"""

import inspect
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from llminfra import formats
from llminfra.catalog.loader import Fact
from llminfra.plan import Plan
from llminfra.present import blocks
from llminfra.present.blocks import Block
from llminfra.present.latex import latex
from llminfra.present.sources import cite, title_of
from llminfra.present.symbols import FOLLOWED, SYMBOLS
from llminfra.present.tables import column, row
from llminfra.ranges import Range
from llminfra.ranges import equation as equation_of
from llminfra.trace import Symbol, trace
from llminfra.units import unit_of

_DIGITS: Final = 5
CDOT: Final = r" \cdot "
_MODEL_ERROR: Final = "time_with_error_s"  # changes nothing in the base case
_PASSED_OVER: Final = (
    *(_MODEL_ERROR, "power_within_limit_fraction", "ttft_s", "shared_busy_s", "drafted_step_s"),
    *("step_overhead_s", "verified_overhead_s", "own_s_per_token"),
)
_GREEK: Final = {
    "tau": "τ", "beta": "β", "theta": "θ", "lambda": "λ", "rho": "ρ", "sigma": "σ",
    "varepsilon": "ε",
}  # fmt: skip


@dataclass
class _Symbols:
    """Letters given so far: a letter and what it stands for, by name and value."""

    rows: dict[str, tuple[str, str, Range, str]] = field(default_factory=dict)

    def letter(self, name: str, value: Range) -> str:
        """Return the letter of a value; another value under the same letter gets a prime."""
        letter, meaning = SYMBOLS.get(name, (rf"\text{{{_words(name)}}}", _words(name)))
        known = self.rows.get(letter)
        while known is not None and not math.isclose(known[2].base, value.base, rel_tol=1e-9):
            letter += "'"
            known = self.rows.get(letter)
        self.rows[letter] = (letter, meaning, value, name)
        return letter


def method(plan: Plan, *quantities: Range) -> Block:
    """Show the equations behind quantities with their numbers, and return the table of symbols.

    Parameters
    ----------
    quantities : Range
        Results of formulas. What they rest on follows as far as it has a letter of its own.
    """
    from IPython.display import display  # slow to import, and only notebooks need it

    symbols = _Symbols()
    for block in _equations(quantities, symbols):
        display(block)  # type: ignore[no-untyped-call]  # IPython has no types here
    return _table(plan, symbols)


def _equations(quantities: tuple[Range, ...], symbols: _Symbols) -> Iterator[Block]:
    """Yield an equation for each quantity, then for those it rests on, each once."""
    queue, seen = [_behind_error(q) for q in quantities], set[tuple[str, float]]()
    for found in queue:
        key = (found.name, found.base)
        if key in seen or found.formula is None:
            continue
        seen.add(key)
        used = list(_used(found))
        yield _equation(found, dict(used), symbols)
        queue += [value for _, value in used if value.name in FOLLOWED and value.base != 0]


def _used(found: Range) -> Iterator[tuple[str, Range]]:
    """Yield the inputs that matter in this case: those that stand in the simplified equation."""
    inputs = _inputs(found)
    tree = _tree(found, inputs)
    names = set(inputs) if tree is None else set(_names(tree))
    yield from ((name, value) for name, value in inputs.items() if name in names)


def _tree(found: Range, inputs: Mapping[str, Range]) -> Any:
    """Return the expression of a formula; None where it loops, searches or asks."""
    assert found.formula is not None
    try:
        tree = simplified(trace(found.formula), {a: v.base for a, v in inputs.items()})
        latex(tree, dict.fromkeys(inputs, "x"))
    except TypeError:
        return None
    return tree


def _names(x: Any) -> Iterator[str]:
    if isinstance(x, Symbol):
        if not x.inputs:
            yield x.name
        for part in x.inputs:
            yield from _names(part)


def _behind_error(found: Range) -> Range:
    """Skip the error of the model, and a case that does not apply: they change no base case."""
    while found.formula is not None:
        inputs = [x for x in found.inputs.values() if isinstance(x, Range)]
        same = next((x for x in inputs if x.formula and x.base == found.base), None)
        if same is None or found.formula.__name__ not in _PASSED_OVER:
            return found
        found = same
    return found


def _name(argument: str, value: Any) -> str:
    """What an input is called: by its own name where that has a letter, else by its argument."""
    own = value.name if isinstance(value, Range) else ""
    if own in SYMBOLS:
        return own
    return argument if argument in SYMBOLS or not own else own


def _equation(found: Range, inputs: Mapping[str, Range], symbols: _Symbols) -> Block:
    assert found.formula is not None
    left = symbols.letter(found.name or found.formula.__name__, found)
    letters = {a: symbols.letter(_name(a, v), v) for a, v in inputs.items()}
    values = {a: _in_latex(v.base) for a, v in inputs.items()}
    unit = "" if found.unit in ("", "1") else rf" \text{{ {found.unit}}}"
    result = f"{_in_latex(found.base)}{unit}"
    tree = _tree(found, _inputs(found))
    if tree is None:  # what went in and what came out
        right = _documented(found.formula)
        told = r", \; ".join(f"{letters[a]} = {values[a]}" for a in inputs)
        numbers = rf"{told}: \quad {left} = {result}"
    else:
        right = latex(tree, letters)
        numbers = f"= {latex(tree, values, times=CDOT)} = {result}"
    summary = (inspect.getdoc(found.formula) or "").partition("\n")[0]
    return blocks.block("equation", latex=f"{left} = {right}", numbers=numbers, alt=summary)


def _inputs(found: Range) -> dict[str, Range]:
    """Return all inputs by argument, plain numbers as exact quantities."""
    return {
        argument: _behind_error(value) if isinstance(value, Range) else Range(value, name=argument)
        for argument, value in found.inputs.items()
    }


def _in_latex(value: float) -> str:
    r"""Write a number with four figures for an equation.

    Examples
    --------
    >>> _in_latex(1.7208e-4), _in_latex(8192)
    ('1.721 \\times 10^{-4}', '8{,}192')
    """
    if not math.isfinite(value):
        return r"\infty"
    if value == 0 or 1e-3 <= abs(value) < 1e6:
        return f"{float(f'{value:.4g}'):,.10g}".replace(",", "{,}")
    digits, _, exponent = f"{value:.3e}".partition("e")
    return rf"{digits} \times 10^{{{int(exponent)}}}"


def _documented(formula: Callable[..., Any]) -> str:
    """Return the right side of the equation in the docstring."""
    return (equation_of(formula) or r"\ldots").partition("=")[2] or r"\ldots"


def simplified(x: Any, values: Mapping[str, float]) -> Any:
    """Drop what is nothing in this case: terms times zero, such as the experts of a dense model.

    Examples
    --------
    >>> a, b = Symbol("a"), Symbol("b")
    >>> print(simplified(a + b * 3, {"a": 2.0, "b": 0.0}))
    a
    """
    if not isinstance(x, Symbol) or not x.inputs:
        return x
    inputs = tuple(simplified(i, values) for i in x.inputs)
    is_nothing = [_is_nothing(i, values) for i in inputs]
    if x.name == "multiply" and any(is_nothing):
        return 0.0
    if x.name == "divide" and is_nothing[0]:
        return 0.0
    if x.name == "add" and any(is_nothing):
        return inputs[1] if is_nothing[0] else inputs[0]
    if x.name == "subtract" and is_nothing[1]:
        return inputs[0]
    return Symbol(x.name, inputs)


def _is_nothing(x: Any, values: Mapping[str, float]) -> bool:
    if isinstance(x, Symbol):
        return not x.inputs and values.get(x.name) == 0
    return float(x) == 0


# -- the table ------------------------------------------------------------------------------------


def _table(plan: Plan, symbols: _Symbols) -> Block:
    heads = [column("Symbol", align="left"), column("Meaning", align="left"), column("Value")]
    heads += [column("Unit", align="left"), column("Source", align="left")]
    rows = [
        row(_plain(letter), meaning, _number(value.base, _DIGITS), _unit(value, name), _from(value))
        for letter, meaning, value, name in symbols.rows.values()
    ]
    return blocks.table(
        heads,
        rows,
        title="The symbols, and what they are in this case",
        kicker="Symbols",
        subtitle="Base case. Put these numbers into the equations to check what they give.",
        caption="Symbols of the equations with meaning, value, unit and source",
        source=cite(plan),
        as_of=plan.scenario.as_of,
        name="symbols",
    )


def _unit(value: Range, name: str) -> str:
    unit = value.unit or unit_of(name)
    return formats.MISSING if unit in ("", "1") else unit


def _from(value: Range) -> str:
    if isinstance(value.origin, Fact):
        return title_of(value.origin.source)
    if value.formula is not None or value.inputs:
        return "computed"
    return "scenario" if value.origin is not None else "model and layout"


def _number(value: float, digits: int) -> str:
    """Write a number in full, or with a power of ten where it is very large or small."""
    if not math.isfinite(value):
        return "∞" if value > 0 else formats.MISSING
    if value == 0 or 1e-3 <= abs(value) < 1e6:
        return f"{float(f'{value:.{digits}g}'):,.10g}".replace("-", "−")
    digits_, _, exponent = f"{value:.{digits - 1}e}".partition("e")
    raised = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{digits_} × 10{raised}".replace("-", "−")


def _words(name: str) -> str:
    return formats.words(name).lower()


def _plain(letter: str) -> str:
    r"""Write a letter of LaTeX as text.

    Examples
    --------
    >>> _plain(r"\beta_k"), _plain("t_W'"), _plain(r"\text{wall power}"), _plain(r"\mathrm{PUE}")
    ('β_k', 't_W′', 'wall power', 'PUE')
    """
    text = re.sub(r"\\(?:text|mathrm)\{([^}]*)\}", r"\1", letter)
    return re.sub(r"\\(\w+?)(?=_|'|$)", lambda m: _GREEK.get(m[1], m[1]), text).replace("'", "′")

"""The graph behind a `Range`: what computed it, step by step, and the same with other inputs.

Each step is a formula or bare arithmetic that knows its operands, so that it can be written down
somewhere else (a spreadsheet, a page) or computed again with one of its inputs changed.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

import numpy as np

from llminfra.ranges import Range
from llminfra.trace import Symbol, trace_call

_RIDGE: Final = 1e-6
_ROUNDING: Final = 1e-9

Stops = Callable[[Range], bool]


def nothing_stops(quantity: Range) -> bool:
    """Go down to facts and fields."""
    return False


def operands(quantity: Range) -> dict[str, Any]:
    """Return what a step takes, by the names that its expression has for them."""
    if quantity.formula is None and quantity.operation:
        return {f"x{i}": x for i, x in enumerate(quantity.operation[1:])}
    return quantity.inputs


def expression(quantity: Range) -> Any:
    """Return a step as an expression over the names of its operands, numbers put in.

    Raises
    ------
    TypeError
        The step is no expression: it loops, searches, or nobody wrote down what it is.
    """
    given = {
        name: Symbol(name) if isinstance(value, Range) else value
        for name, value in operands(quantity).items()
    }
    if quantity.formula is not None:
        return trace_call(quantity.formula, given)
    if quantity.operation:
        return Symbol(quantity.operation[0], tuple(given.values()))
    raise TypeError(f"{quantity!r} does not say what computed it")


def is_leaf(quantity: Range) -> bool:
    """Whether nothing computed it: a fact, a field or a plain number."""
    return quantity.origin is not None or not any(
        isinstance(value, Range) for value in operands(quantity).values()
    )


def steps(results: Iterable[Range], stops: Stops = nothing_stops) -> Iterator[Range]:
    """Yield all that stands behind results, each once, inputs before what they give."""
    seen: dict[int, Range] = {}
    waiting: list[tuple[Range, bool]] = [(result, False) for result in reversed(list(results))]
    while waiting:
        found, is_ready = waiting.pop()
        if is_ready:
            yield found
            continue
        if id(found) in seen:
            continue
        seen[id(found)] = found
        waiting.append((found, True))
        if not (is_leaf(found) or stops(found)):
            below = [x for x in operands(found).values() if isinstance(x, Range)]
            waiting += [(x, False) for x in reversed(below)]


def recomputed(result: Range, changed: Mapping[Any, Any]) -> Any:
    """Compute the base case of a result again with some leaves changed.

    Parameters
    ----------
    result : Range
        What to compute.
    changed : mapping
        Origin of a leaf to the numbers that take its place, all of the same shape.

    Returns
    -------
    recomputed : ndarray
        The result for each of the numbers.

    Notes
    -----
    A step that nobody wrote down (one that walks along a curve) is learned from its own draws.
    """
    shape = np.broadcast_shapes(*(np.shape(x) for x in changed.values()))
    values: dict[int, Any] = {}
    touched: set[int] = set()
    for step in steps([result]):
        given = operands(step)
        if step.origin is not None and step.origin in changed:
            values[id(step)], is_touched = changed[step.origin], True
        else:
            is_touched = any(id(x) in touched for x in given.values())
            values[id(step)] = _value(step, given, values) if is_touched else step.base
        if is_touched:
            touched.add(id(step))
    return np.broadcast_to(values[id(result)], shape)


def _value(step: Range, given: Mapping[str, Any], values: Mapping[int, Any]) -> Any:
    numbers = {n: values[id(x)] if isinstance(x, Range) else x for n, x in given.items()}
    try:
        if step.formula is None:
            with np.errstate(divide="ignore", invalid="ignore"):
                return getattr(np, step.operation[0])(*numbers.values())
        found = step.formula(**numbers)
        at_base = {n: x.base if isinstance(x, Range) else x for n, x in given.items()}
        if np.isclose(step.formula(**at_base), step.base, rtol=1e-6, equal_nan=True):
            return found
    except (IndexError, TypeError, ValueError):  # it takes more than its inputs
        pass
    return _learned(step, {n: x for n, x in given.items() if isinstance(x, Range)}, numbers)


def _learned(step: Range, given: Mapping[str, Range], numbers: Mapping[str, Any]) -> Any:
    """Value of a step at other inputs, from a fit of slopes and bends over its draws."""
    # What differs between draws by rounding alone teaches nothing.
    moving = {n: x for n, x in given.items() if x.high - x.low > _ROUNDING * abs(x.base)}
    if step.is_exact or not moving:
        return step.base
    width = {name: x.high - x.low for name, x in moving.items()}
    places = np.column_stack([(x.draws[1:] - x.base) / width[n] for n, x in moving.items()])
    columns = np.hstack([places, places**2])
    square = columns.T @ columns + _RIDGE * len(columns) * np.eye(columns.shape[1])
    weights = np.linalg.solve(square, columns.T @ (step.draws[1:] - step.base))
    slopes, bends = np.split(weights, 2)
    found: Any = step.base
    for (name, x), slope, bend in zip(moving.items(), slopes, bends, strict=True):
        place = (numbers[name] - x.base) / width[name]
        found = found + slope * place + bend * place**2
    return found

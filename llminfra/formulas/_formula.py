"""What makes a function of numbers a formula: it is called with whatever stands for a number.

A formula's body is its equation in plain operators. The decorator turns what comes in into arrays
and lets other carriers of numbers in: a `Range` (`llminfra.ranges`) is evaluated on its draws, a
symbol (`llminfra.trace`) goes through as it is. They register themselves here, so that formulas
import nothing of what uses them.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeAlias, cast

import numpy as np

Quantity: TypeAlias = Any
"""A number, an array or list of numbers, a `Range` or a symbol; an array inside a formula.

It is `Any` because a formula gives back what it got: numbers for numbers, a `Range` for a `Range`.
"""

P = ParamSpec("P")
Body: TypeAlias = Callable[..., Any]
Inputs: TypeAlias = dict[str, Any]
Compute: TypeAlias = Callable[[Inputs], Any]
Evaluate: TypeAlias = Callable[[Body, Compute, Inputs], Any]

_CARRIERS: dict[type, Evaluate] = {}


def register(carrier: type, evaluate: Evaluate) -> None:
    """Let formulas take a carrier of numbers.

    Parameters
    ----------
    carrier : type
        Formulas that get one among their inputs are evaluated by the function below.
    evaluate : callable
        Gets the formula, whose ``__wrapped__`` is the bare equation, what computes it from numbers
        and arrays, and all its inputs by name.
    """
    _CARRIERS[carrier] = evaluate


def formula(body: Callable[P, Quantity]) -> Callable[P, Quantity]:
    """Make a formula of a function whose body is an equation of its keyword arguments.

    Numbers give a number, arrays an array, NaN gives NaN, a `Range` gives a `Range` that is named
    like the function and remembers it and its inputs. A ratio to nothing is infinite or undefined
    and says so by its value: no warning is given.

    Examples
    --------
    >>> @formula
    ... def area_m2(*, width_m: Quantity, height_m: Quantity) -> Quantity:
    ...     return width_m * height_m
    >>> float(area_m2(width_m=2, height_m=3)), area_m2(width_m=[1, 2], height_m=3).tolist()
    (6.0, [3.0, 6.0])
    """
    equation = cast(Body, body)

    @np.errstate(divide="ignore", invalid="ignore")
    def compute(inputs: Inputs) -> Any:
        arrays = {name: np.asarray(value, np.float64) for name, value in inputs.items()}
        return np.asarray(equation(**arrays))[()]

    @wraps(body)
    def called(**inputs: Any) -> Quantity:
        for value in inputs.values():
            if type(value) in _CARRIERS:
                return _CARRIERS[type(value)](called, compute, inputs)
        return compute(inputs)

    return cast("Callable[P, Quantity]", called)  # keyword arguments only, as the body has it


def named(value: Quantity, name: str) -> Quantity:
    """Name the outcome of a formula that a composition uses for more than one thing."""
    return value.named(name) if hasattr(value, "named") else value

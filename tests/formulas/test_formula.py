"""What every formula does with what it is called with: numbers, arrays, gaps, ranges."""

import inspect
from typing import Any

import numpy as np
import pytest

from llminfra.formulas._formula import Quantity, formula
from llminfra.ranges import Range, exact, sample
from tests.formulas.every import SENSIBLE, Formula, formulas

EVERY = [pytest.param(function, id=name) for name, function in formulas().items()]


@formula
def area_bytes(*, side_bytes: Quantity, factor: Quantity = 2) -> Quantity:
    """Area.

    Notes
    -----
    .. math:: A = f s^2
    """
    return factor * side_bytes**2


def inputs_of(function: Formula) -> dict[str, Any]:
    names = inspect.signature(function).parameters
    some = {name: 3.0 if name == "active_users" else 0.5 for name in names}
    return some | SENSIBLE.get(function.__name__, {})


@pytest.mark.parametrize("function", EVERY)
def test_arrays_broadcast_and_gaps_stay(function: Formula) -> None:
    inputs = inputs_of(function)
    names = [name for name in inputs if not name.startswith("curve_")]
    others: dict[str, Any] = {names[0]: np.full((2, 1), 0.4)}
    if len(names) > 1:
        others[names[1]] = np.full(3, 0.4)
    assert np.shape(function(**(inputs | others))) == ((2, 3) if len(names) > 1 else (2, 1))
    assert [n for n in names if not np.isnan(function(**(inputs | {n: np.nan})))] == []


@pytest.mark.parametrize("function", EVERY)
def test_a_range_gives_a_range_that_knows_where_it_is_from(function: Formula) -> None:
    inputs = inputs_of(function)
    name = next(name for name in inputs if not name.startswith("curve_"))
    uncertain = sample(name, inputs[name], low=0.9 * inputs[name], high=1.1 * inputs[name])
    found = function(**inputs | {name: uncertain})
    assert isinstance(found, Range)
    assert found.name == function.__name__
    assert found.formula is function
    assert found.inputs == inputs | {name: uncertain}
    assert found.base == pytest.approx(float(function(**inputs)), rel=1e-12, nan_ok=True)
    assert found.draws.shape == uncertain.draws.shape


def test_numbers_give_a_number_whatever_their_kind() -> None:
    for side in (3, 3.0, np.float64(3), np.array(3)):
        found = area_bytes(side_bytes=side)
        assert isinstance(found, float)
        assert found == 18
    assert area_bytes(side_bytes=[1, 2], factor=1).tolist() == [1, 4]


def test_ranges_explain_themselves_down_to_numbers() -> None:
    found = area_bytes(side_bytes=exact(3, name="side_bytes", origin="a ruler"), factor=4)
    text = str(found.explain())
    assert "area_bytes = 36 byte (exact)" in text
    assert "by A = f s^2" in text
    assert "side_bytes = 3 byte (exact)  ← a ruler" in text
    assert "factor = 4" in text


@pytest.mark.parametrize(
    ("arguments", "keywords", "words"),
    [
        ((3,), {}, r"area_bytes\(\) takes 0 positional arguments but 1 was given"),
        ((), {}, "missing 1 required keyword-only argument: 'side_bytes'"),
        ((), {"side_bytes": 1, "sides": 2}, "unexpected keyword argument 'sides'"),
    ],
    ids=["by position", "missing", "unknown"],
)
def test_a_wrong_call_says_what_is_wrong(
    arguments: tuple[Any, ...], keywords: dict[str, Any], words: str
) -> None:
    with pytest.raises(TypeError, match=words):
        area_bytes(*arguments, **keywords)


def test_a_formula_that_a_range_enters_is_called_as_wrongly() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'sides'"):
        area_bytes(side_bytes=exact(1), sides=2)

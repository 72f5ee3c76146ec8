"""Demand formulas: known cases, and how every formula must behave."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llminfra.formulas import demand
from llminfra.ranges import Range, exact

OFFICE = ("named_users", "requests_per_user_day", "work_hours", "peak_factor")
FORMULAS: list[tuple[Callable[..., Any], tuple[str, ...]]] = [
    (demand.request_tokens, ("prompt_tokens", "output_tokens")),
    (demand.peak_requests_per_s, OFFICE),
]
NAMED = [pytest.param(*row, id=row[0].__name__) for row in FORMULAS]
LOWERING = {"work_hours"}
POSITIVE = st.floats(0.1, 1e6)


@pytest.mark.parametrize(("formula", "names"), NAMED)
@given(data=st.data())
def test_arrays_give_what_their_items_give(
    formula: Callable[..., Any], names: tuple[str, ...], data: st.DataObject
) -> None:
    lists = {n: data.draw(st.lists(POSITIVE, min_size=3, max_size=3)) for n in names}
    whole = formula(**{name: np.array(values) for name, values in lists.items()})
    items = [formula(**{n: v[i] for n, v in lists.items()}) for i in range(3)]
    np.testing.assert_array_equal(whole, items)


@pytest.mark.parametrize(("formula", "names"), NAMED)
def test_scalars_nan_and_tracing(formula: Callable[..., Any], names: tuple[str, ...]) -> None:
    numbers = {name: 3.0 + i for i, name in enumerate(names)}
    assert not isinstance(formula(**numbers), np.ndarray)
    for name in names:
        assert np.isnan(formula(**(numbers | {name: np.nan}))), name
    traced = formula(**{name: exact(value, name=name) for name, value in numbers.items()})
    assert isinstance(traced, Range)
    assert traced.base == formula(**numbers)


@pytest.mark.parametrize(("formula", "names"), NAMED)
@given(data=st.data())
def test_more_of_an_input_never_turns_the_result_the_wrong_way(
    formula: Callable[..., Any], names: tuple[str, ...], data: st.DataObject
) -> None:
    numbers = {name: data.draw(POSITIVE) for name in names}
    for name in names:
        difference = formula(**(numbers | {name: 2 * numbers[name]})) - formula(**numbers)
        assert difference <= 0 if name in LOWERING else difference >= 0, name


def test_100_office_users_send_seven_requests_in_100_seconds_issue_5() -> None:
    rate = demand.peak_requests_per_s(
        named_users=100, requests_per_user_day=20, work_hours=8, peak_factor=1
    )
    assert round(float(rate), 3) == 0.069

"""Mixtures of own machines and an API: closed forms beside sums, winning conditions at the edge."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llminfra.formulas import hybrid

SMALL, LARGE, ROUTER = 0.0002, 0.004, 0.0001
ANSWERS = {"small_usd_per_request": SMALL, "large_usd_per_request": LARGE}


@given(st.floats(0, 6), st.floats(1.05, 8))
def test_overflow_is_the_area_above_the_capacity(capacity: float, peak: float) -> None:
    hours = (np.arange(200_000) + 0.5) / 200_000
    load = peak * (1 - hours) ** (peak - 1)
    area = np.mean(np.maximum(load - capacity, 0))
    found = hybrid.overflow_fraction(capacity_ratio=capacity, peak_ratio=peak)
    assert found == pytest.approx(area, abs=2e-4)


@given(st.floats(0, 3))
def test_a_constant_load_overflows_by_what_is_missing(capacity: float) -> None:
    found = hybrid.overflow_fraction(capacity_ratio=capacity, peak_ratio=1)
    assert found == pytest.approx(max(1 - capacity, 0))


def test_no_capacity_is_all_overflow_and_the_peak_is_none() -> None:
    found = hybrid.overflow_fraction(capacity_ratio=[0, 4, 9], peak_ratio=4)
    assert found.tolist() == [1, 0, 0]


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_router_wins_from_its_easy_share(easy: float, price: float) -> None:
    router = price * (LARGE - SMALL)
    wins = hybrid.winning_easy_fraction(router_usd_per_request=router, **ANSWERS)
    cost = hybrid.router_usd_per_request(
        router_usd_per_request=router, easy_fraction=easy, **ANSWERS
    )
    if abs(easy - wins) > 1e-9:
        assert (cost < LARGE) == (easy > wins)


@given(st.floats(0, 1))
def test_a_cascade_wins_below_its_escalated_share(escalated: float) -> None:
    wins = hybrid.winning_escalated_fraction(**ANSWERS)
    cost = hybrid.cascade_usd_per_request(escalated_fraction=escalated, **ANSWERS)
    if abs(escalated - wins) > 1e-9:
        assert (cost < LARGE) == (escalated < wins)


def test_a_router_between_equals_never_wins() -> None:
    same = {"small_usd_per_request": LARGE, "large_usd_per_request": LARGE}
    assert hybrid.winning_easy_fraction(router_usd_per_request=ROUTER, **same) == np.inf
    assert hybrid.winning_escalated_fraction(**same) == 0


def test_tuning_has_paid_at_its_break_even() -> None:
    n = hybrid.tuning_break_even_requests(
        tuning_usd=2_000,
        small_usd_per_request=SMALL,
        api_usd_per_request=LARGE,
        escalated_fraction=0.2,
    )
    tuned = 2_000 + n * hybrid.cascade_usd_per_request(escalated_fraction=0.2, **ANSWERS)
    assert tuned == pytest.approx(n * LARGE)


def test_base_load_wins_where_the_machine_is_busier_than_its_break_even() -> None:
    """The rule of the load's duration curve, checked by the sums on both sides."""
    capacity, price, peak, mean = 1_000.0, 2.0, 3.0, 900.0
    overflow = hybrid.overflow_fraction(capacity_ratio=capacity / mean, peak_ratio=peak)
    busy = mean * (1 - overflow) / capacity
    for machine in (0.9 * busy * capacity * price, 1.1 * busy * capacity * price):
        mixed = hybrid.base_load_usd_per_month(
            own_usd_per_month=machine,
            own_usd_per_mtok=0,
            api_usd_per_mtok=price,
            mtok_per_month=mean,
            overflow_fraction=overflow,
        )
        break_even = machine / (capacity * price)
        assert (mixed < mean * price) == (busy > break_even)


def test_a_split_of_everything_is_own_and_of_nothing_is_the_api() -> None:
    both = hybrid.split_usd_per_month(
        inside_usd_per_month=[8_000, 0], api_usd_per_month=20_000, inside_fraction=[1, 0]
    )
    assert both.tolist() == [8_000, 20_000]

"""The set of volumes at which own machines are cheaper: steps, floors, draws, four answers."""

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from llminfra.facets.build_vs_api.answers import (
    ALREADY_PAST,
    AT_VOLUME,
    BEYOND_CAPACITY,
    NEVER,
    merged,
    outcome,
)
from llminfra.formulas import break_even
from tests.formulas import volumes as volumes_of

BLEND, LLAMA = (400 * 2 + 300 * 10) / 700, (400 * 0.1 + 300 * 0.32) / 700
NODE_USD, NODE_MTOK = 22.32 * 730, 9.13 * 700 * 3600 * 730 / 1e6
OWN = ("step_usd_per_month", "step_mtok_per_month", "own_usd_per_mtok")
API = ("fixed_usd_per_month", "api_usd_per_mtok", "minimum_usd_per_month")

Case = dict[str, Any]


def case(steps: Any, sizes: Any, own: Any, api: Any, *, fixed: Any = 0.0, least: Any = 0.0) -> Case:
    return dict(zip(OWN + API, (steps, sizes, own, fixed, api, least), strict=True))


def own_usd(given: Case, volumes: Any) -> Any:
    lines = {name: given[name] for name in OWN}
    return volumes_of.own_usd_per_month(**lines, mtok_per_month=volumes)


def api_usd(given: Case, volumes: Any) -> Any:
    lines = {name: given[name] for name in API}
    return volumes_of.api_usd_per_month(**lines, mtok_per_month=volumes)


def intervals(given: Case) -> tuple[tuple[float, float], ...]:
    return merged(*break_even.cheaper_between(**given))


def answer(given: Case, today: float) -> str:
    prices = {name: given[name] for name in ("own_usd_per_mtok", "api_usd_per_mtok")}
    return outcome(intervals(given), mtok_per_month=today, **prices)


def node(api_usd_per_mtok: float, own: float = 0.0) -> Case:
    """One 8xA100 of decision framework 2.4, with one to spare."""
    return case([2 * NODE_USD], [NODE_MTOK], own, api_usd_per_mtok)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    n = draw(st.integers(1, 6))
    sizes = draw(st.lists(st.floats(1, 1e4), min_size=n, max_size=n))
    costs = draw(st.lists(st.floats(1, 1e5), min_size=n, max_size=n))
    return case(
        np.cumsum(costs),
        np.cumsum(sizes),
        draw(st.floats(0, 5)),
        draw(st.floats(0.01, 50)),
        fixed=draw(st.floats(0, 1e4)),
        least=draw(st.sampled_from([0.0, 0.0, 100.0, 2e4])),
    )


# Golden


def test_worked_scenarios_of_decision_framework_2_4() -> None:
    """Two 8xA100 for 32,587 USD: past at 24x7 against 2/10, beyond capacity against Llama."""
    assert 2 * NODE_USD == pytest.approx(32_587, abs=1)
    assert answer(node(BLEND), 11.8e3) == ALREADY_PAST
    assert answer(node(BLEND), 3.5e3) == AT_VOLUME
    assert answer(node(LLAMA), 11.8e3) == BEYOND_CAPACITY
    assert intervals(node(BLEND))[0][0] == pytest.approx(32_587 / BLEND, rel=1e-4)


def test_break_even_at_six_and_a_half_times_capacity_is_beyond_it() -> None:
    given = case([6.5 * 1000 * 2.0], [1000], 0, 2.0)
    assert answer(given, 500) == BEYOND_CAPACITY
    assert break_even.break_even_mtok_per_month(**given) == np.inf
    assert intervals(given) == ()


def test_never_is_where_a_token_costs_no_less_oneself() -> None:
    assert answer(node(0.05, own=0.05), 1e9) == NEVER
    assert answer(node(0.0501, own=0.05), 10) == BEYOND_CAPACITY


def test_each_step_can_lose_what_the_one_before_had_won() -> None:
    two = case([10_000, 19_000], [5_000, 10_000], 0.1, 2.6)
    assert intervals(two) == ((4000.0, 5000.0), (7600.0, 10_000.0))
    found = [answer(two, v) for v in (3000, 4500, 6000, 8000, 11_000)]
    assert found == [AT_VOLUME, ALREADY_PAST, AT_VOLUME, ALREADY_PAST, BEYOND_CAPACITY]


def test_steps_that_touch_are_one() -> None:
    assert intervals(case([10_000, 10_100], [5_000, 10_000], 0, 4)) == ((2500.0, 10_000.0),)


def test_a_minimum_commitment_is_beaten_below_itself() -> None:
    """The floor is 3,000 USD however little is used: 2,000 of own machines win from nothing."""
    given = case([2_000, 9_000], [1_000, 2_000], 0, 1, least=3_000)
    assert intervals(given) == ((0.0, 1_000.0),)


# Properties


@given(cases(), st.floats(1.0, 4.0))
def test_break_even_falls_when_api_prices_rise(given: Case, factor: float) -> None:
    dearer = given | {"api_usd_per_mtok": given["api_usd_per_mtok"] * factor}
    before, after = (break_even.break_even_mtok_per_month(**c) for c in (given, dearer))
    assert after <= before * (1 + 1e-12)


@given(cases())
def test_at_the_break_even_both_bills_agree(given: Case) -> None:
    at = break_even.break_even_mtok_per_month(**given)
    assume(np.isfinite(at) and at > 0)
    assert own_usd(given, [at])[0] == pytest.approx(api_usd(given, [at])[0], rel=5e-3)


@given(cases())
def test_the_set_is_where_own_machines_cost_no_more(given: Case) -> None:
    ends = given["step_mtok_per_month"]
    volumes = np.concatenate([np.linspace(0, ends[-1], 97), ends])
    api = api_usd(given, volumes)
    gap = own_usd(given, volumes) - api
    found = intervals(given)
    inside = np.array([any(b <= v <= e for b, e in found) for v in volumes])
    clear = np.abs(gap) > 1e-6 * api + 1e-9
    assert np.array_equal(inside[clear], (gap <= 0)[clear])


@given(cases(), st.floats(0, 1e5))
def test_past_means_cheaper_today(given: Case, today: float) -> None:
    found = answer(given, today)
    assert found in (NEVER, BEYOND_CAPACITY, ALREADY_PAST, AT_VOLUME)
    if found == ALREADY_PAST:
        assert own_usd(given, [today])[0] <= api_usd(given, [today])[0] * (1 + 1e-9) + 1e-9


def test_draws_stand_before_the_steps() -> None:
    given = case(
        np.array([[10_000, 19_000], [8_000, 15_000]]),
        np.array([[5_000, 10_000], [4_000, 8_000]]),
        [0.1, 0.1],
        [2.6, 2.1],
    )
    found = break_even.break_even_mtok_per_month(**given)
    assert found == pytest.approx([4_000, 4_000])
    low, high = break_even.cheaper_between(**given)
    assert low.shape == high.shape == (2, 4)
    costs = own_usd(given, [[1_000, 9_000], [1_000, 9_000]])
    assert costs[0] == pytest.approx([10_100, 19_900])
    assert np.isnan(costs[1, 1])

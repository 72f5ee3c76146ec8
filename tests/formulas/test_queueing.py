"""Queues: published numbers, exact recursions, and a simulation that shares no code with them."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llminfra.formulas import load_curve, percentile, population, queueing
from tests.formulas import simulation
from tests.formulas.simulation import gamma


def erlang_c(places: int, offered: float) -> float:
    """The textbook recursion."""
    lost = 1.0
    for k in range(1, places + 1):
        lost = offered * lost / (k + offered * lost)
    return lost / (1 - offered / places * (1 - lost))


def mean_wait(places: float, offered: float, request_s: float, ca2: float, cs2: float) -> float:
    chance = queueing.wait_probability(n_places=places, offered_requests=offered)
    return float(
        queueing.waiting_s(
            wait_probability=chance,
            n_places=places,
            offered_requests=offered,
            request_s=request_s,
            arrival_variation_ratio=ca2,
            service_variation_ratio=cs2,
        )
    )


def percentile_s(chance: Any, mean_s: Any, variation: Any, share: float) -> Any:
    return percentile.waiting_percentile_s(
        wait_probability=chance,
        waiting_s=mean_s,
        waiting_variation_ratio=variation,
        percentile_fraction=share,
    )


# -- Erlang C -------------------------------------------------------------


@pytest.mark.parametrize(
    ("places", "utilization", "waits", "above_1_s"),
    [(72, 0.89, 0.24, 0.088), (80, 0.80, 0.035, 0.005), (96, 0.67, 0.0, 0.0)],
)
def test_erlang_c_examples_decision_framework_4_3(
    places: int, utilization: float, waits: float, above_1_s: float
) -> None:
    """8 requests per second of 8 s."""
    chance = float(queueing.wait_probability(n_places=places, offered_requests=64))
    assert round(64 / places, 2) == utilization
    assert chance == pytest.approx(waits, abs=0.0006)
    mean_s = mean_wait(places, 64, 8, 1, 1)
    assert chance * math.exp(-chance / mean_s) == pytest.approx(above_1_s, abs=0.0006)


@pytest.mark.parametrize("places", [1, 2, 7, 50, 400, 3000])
@pytest.mark.parametrize("utilization", [1e-3, 0.2, 0.7, 0.95, 0.9999])
def test_erlang_c_is_the_recursion(places: int, utilization: float) -> None:
    expected = erlang_c(places, utilization * places)
    found = queueing.wait_probability(n_places=places, offered_requests=utilization * places)
    assert found == pytest.approx(expected, rel=1e-10, abs=1e-290)


@given(st.floats(0.5, 1e6), st.floats(1e-6, 1.0, exclude_max=True), st.floats(1.001, 1.5))
def test_more_places_never_make_waiting_likelier(
    places: float, utilization: float, more: float
) -> None:
    few, many = queueing.wait_probability(
        n_places=[places, places * more], offered_requests=utilization * places
    )
    assert 0 <= many <= few * (1 + 1e-9) <= 1 + 1e-9


def test_a_full_queue_is_endless() -> None:
    assert queueing.wait_probability(n_places=[4, 4], offered_requests=[4, 9]).tolist() == [1, 1]
    assert mean_wait(4, 4, 1, 1, 1) == mean_wait(4, 9, 1, 0, 0) == math.inf
    assert percentile_s(1, math.inf, 1, 0.9) == math.inf


def test_no_load_waits_for_nothing() -> None:
    assert queueing.wait_probability(n_places=3, offered_requests=0) == 0
    assert mean_wait(3, 0, 1, 1, 1) == 0


# -- against the simulation -------------------------------------------------------------


@pytest.mark.parametrize(("places", "utilization"), [(1, 0.7), (8, 0.8), (20, 0.85)])
def test_erlang_c_against_simulation(places: int, utilization: float) -> None:
    offered = places * utilization
    found = simulation.waits(
        places=places, between=gamma(1 / offered, 1), service=gamma(1.0, 1), seed=places, n=400_000
    )
    chance = float(queueing.wait_probability(n_places=places, offered_requests=offered))
    mean_s = mean_wait(places, offered, 1.0, 1, 1)
    assert np.mean(found > 0) == pytest.approx(chance, rel=0.05)
    assert np.mean(found) == pytest.approx(mean_s, rel=0.12)
    for share in (0.8, 0.9, 0.95, 0.99):
        percentile = percentile_s(chance, mean_s, 1.0, share)
        assert np.quantile(found, share) == pytest.approx(percentile, rel=0.12, abs=0.02)


@pytest.mark.parametrize(
    ("ca2", "cs2", "error"), [(1, 0, 0.06), (1, 3, 0.15), (2, 1, 0.15), (0.5, 0.5, 0.15)]
)
def test_allen_cunneen_against_simulation(ca2: float, cs2: float, error: float) -> None:
    found = simulation.waits(
        places=8, between=gamma(1 / 7.0, ca2), service=gamma(1.0, cs2), seed=5, n=400_000
    )
    assert np.mean(found) == pytest.approx(mean_wait(8, 7.0, 1.0, ca2, cs2), rel=error)


def test_pollaczek_khinchine_is_a_case_of_it() -> None:
    """One place, independent arrivals, constant service: W = rho S / (2 (1 - rho))."""
    assert mean_wait(1, 0.6, 2.0, 1, 0) == pytest.approx(0.6 * 2.0 / (2 * 0.4))


def test_percentile_of_the_first_token_against_simulation() -> None:
    """Prompts of 0.3 s, one at a time, 70 % used: the mean holds the mean wait."""
    found = 0.3 + simulation.waits(
        places=1, between=gamma(0.3 / 0.7, 1), service=gamma(0.3, 0), seed=2, n=400_000
    )
    waiting = mean_wait(1, 0.7, 0.3, 1, 0)
    for share in (0.9, 0.95, 0.99):
        slow = percentile.ttft_percentile_s(
            ttft_s=0.3 + waiting,
            prompt_waiting_s=waiting,
            prompt_waiting_percentile_s=percentile_s(0.7, waiting, 1.0, share),
            waiting_percentile_s=0.0,
        )
        assert np.quantile(found, share) == pytest.approx(slow, rel=0.1)


@pytest.mark.parametrize("work", [1.0, 0.0, 3.0], ids=["exponential", "constant", "long-tailed"])
@pytest.mark.parametrize(("users", "pause_s"), [(6, 10.0), (60, 40.0)])
def test_population_with_room_against_simulation(users: int, pause_s: float, work: float) -> None:
    """While all have a place, only the mean of the work matters."""
    curve = {"curve_requests": [1.0, 61.0], "curve_request_s": [2.0, 20.0]}
    found = simulation.population(
        users=users,
        pause_s=pause_s,
        request_s=lambda n: 2.0 + 0.3 * (n - 1),
        places=61,
        work=gamma(1.0, work),
        seed=users,
    )
    given = {"active_users": users, "think_time_s": pause_s} | curve
    assert found[0] == pytest.approx(population.in_flight_of_population(**given), rel=0.03)
    assert found[1] == pytest.approx(population.requests_per_s_of_population(**given), rel=0.03)
    assert found[2:4] == (0, 0)
    assert population.wait_probability_of_population(**given) == 0


@pytest.mark.parametrize(("users", "pause_s"), [(30, 30.0), (60, 30.0)])
def test_population_short_of_places_against_simulation(users: int, pause_s: float) -> None:
    given = {"active_users": users, "think_time_s": pause_s}
    given |= {"curve_requests": [1.0, 10.0], "curve_request_s": [2.0, 11.0]}
    in_flight, rate, waits, wait_s, each_s = simulation.population(
        users=users,
        pause_s=pause_s,
        request_s=lambda n: 1.0 + n,
        places=10,
        work=gamma(1.0, 1),
        seed=users,
    )
    assert in_flight == pytest.approx(population.in_flight_of_population(**given), rel=0.03)
    expected_rate = population.requests_per_s_of_population(**given)
    assert rate == pytest.approx(expected_rate, rel=0.03)
    expected = population.wait_probability_of_population(**given)
    assert waits == pytest.approx(expected, rel=0.05, abs=0.005)
    queued = population.queued_requests_of_population(**given)
    assert wait_s == pytest.approx(queued / expected_rate, rel=0.08, abs=0.02)
    variation = population.waiting_variation_of_population(**given)
    for share in (0.8, 0.9, 0.95, 0.99):
        percentile = percentile_s(expected, queued / expected_rate, variation, share)
        assert np.quantile(each_s, share) == pytest.approx(percentile, rel=0.12, abs=0.05)


@pytest.mark.parametrize(("in_flight", "places"), [(200, 139), (20, 10), (11, 10), (60, 2)])
def test_wait_in_a_line_of_known_length_against_simulation(in_flight: int, places: int) -> None:
    *_, wait_s, each_s = simulation.population(
        users=in_flight,
        pause_s=0.0,
        request_s=lambda n: 10.0,
        places=places,
        work=gamma(1.0, 1),
        seed=places,
    )
    queued = in_flight - places
    mean_s = queueing.queue_waiting_s(queued_requests=queued, requests_per_s=places / 10.0)
    assert wait_s == pytest.approx(mean_s, rel=0.03)
    variation = queueing.waiting_variation_in_turn(queued_requests=queued)
    for share in (0.5, 0.8, 0.95, 0.99):
        percentile = percentile_s(1.0, mean_s, variation, share)
        assert np.quantile(each_s, share) == pytest.approx(percentile, rel=0.06)


@given(st.floats(0.01, 1.0), st.floats(0.0, 1.0), st.floats(0.0, 1.0), st.floats(0.5, 0.999))
def test_the_more_alike_the_waits_the_nearer_the_slow_ones_to_the_mean(
    chance: float, one: float, other: float, share: float
) -> None:
    alike, unlike = sorted((one, other))
    of_those = percentile_s(1.0, 1.0, np.array([alike, unlike]), max(share, 0.8))
    assert 1 - 1e-12 <= of_those[0] <= of_those[1] + 1e-12
    few, many = percentile_s(np.array([chance / 2, chance]), np.array([0.5, 1.0]), unlike, share)
    assert 0 <= few <= many + 1e-12
    exponential = max(math.log(chance / (1 - share)), 0.0) / chance
    assert percentile_s(chance, 1.0, 1.0, share) == pytest.approx(exponential, rel=1e-9, abs=1e-12)


# -- load curves -------------------------------------------------------------

CURVE: dict[str, Any] = {
    "curve_requests": np.array([1.0, 8.0, 40.0]),
    "curve_request_s": np.array([2.0, 3.0, 9.0]),
}


def test_rate_on_a_curve_is_littles_law() -> None:
    rates = np.array([0.01, 0.3, 1.0, 2.0, 4.0])
    found = load_curve.in_flight_of_rate_on_curve(requests_per_s=rates, **CURVE)
    np.testing.assert_allclose(
        found, rates * load_curve.request_s_at(in_flight=found, **CURVE), rtol=1e-12
    )


def test_more_than_a_replica_answers_is_the_load_it_would_need_places_for() -> None:
    most = 40 / 9
    found = load_curve.in_flight_of_rate_on_curve(requests_per_s=[most, 2 * most], **CURVE)
    np.testing.assert_allclose(found, [40, 80])


@given(st.floats(0.1, 500), st.floats(0, 100))
def test_users_on_a_curve_obey_the_response_time_law(users: float, pause: float) -> None:
    found = load_curve.in_flight_of_users_on_curve(active_users=users, think_time_s=pause, **CURVE)
    served = min(found, 40.0)
    rate = served / load_curve.request_s_at(in_flight=served, **CURVE)
    assert found == pytest.approx(users - pause * rate, rel=1e-9, abs=1e-9)


def test_a_level_curve_is_the_law_with_the_time_held_fixed() -> None:
    level = {"curve_requests": 1e12, "curve_request_s": 10.0}
    given = {"active_users": 100, "think_time_s": 30}
    assert load_curve.in_flight_of_users_on_curve(**given, **level) == pytest.approx(25)
    assert population.in_flight_of_population(**given, **level) == pytest.approx(25)


def machine_repair(users: int, pause: float, points: list[float], times: list[float]) -> float:
    """The distribution over all states, one by one."""
    n = np.arange(1, users + 1)
    served = np.minimum(n, points[-1])
    gains = np.log((users - n + 1) * np.interp(served, points, times) / (pause * served))
    chance = np.exp(np.append(0.0, np.cumsum(gains)) - max(0.0, np.cumsum(gains).max()))
    return float(np.sum(np.arange(users + 1) * chance) / chance.sum())


@pytest.mark.parametrize("users", [1, 2, 30, 1000, 20_000, 300_000])
@pytest.mark.parametrize("pause", [0.5, 20.0, 700.0, 1e7])
def test_population_is_the_sum_over_all_states(users: int, pause: float) -> None:
    points, times = [1.0, 100.0, 300.0], [2.0, 5.0, 15.0]
    found = population.in_flight_of_population(
        active_users=users, think_time_s=pause, curve_requests=points, curve_request_s=times
    )
    assert found == pytest.approx(machine_repair(users, pause, points, times), rel=1e-4)


def test_curves_take_draws_along_the_second_axis() -> None:
    times = np.array([[2.0], [3.0], [9.0]]) * np.array([[1.0, 1.2, 0.8, 1.1]])
    points = CURVE["curve_requests"][:, None]
    users = np.array([10.0, 20.0, 30.0, 100.0])
    rows = {"curve_requests": points, "curve_request_s": times}
    for formula, inputs in (
        (load_curve.in_flight_of_rate_on_curve, {"requests_per_s": users / 20}),
        (load_curve.in_flight_of_users_on_curve, {"active_users": users, "think_time_s": 5.0}),
        (load_curve.request_s_at, {"in_flight": users}),
        (population.in_flight_of_population, {"active_users": users, "think_time_s": 5.0}),
        (population.requests_per_s_of_population, {"active_users": users, "think_time_s": 5.0}),
        (population.queued_requests_of_population, {"active_users": users, "think_time_s": 5.0}),
        (population.wait_probability_of_population, {"active_users": users, "think_time_s": 5.0}),
        (population.waiting_variation_of_population, {"active_users": users, "think_time_s": 5.0}),
    ):
        whole = formula(**inputs, **rows)
        for i in range(4):
            each = {n: v if np.ndim(v) == 0 else v[i] for n, v in inputs.items()}
            alone = formula(
                **each, curve_requests=CURVE["curve_requests"], curve_request_s=times[:, i]
            )
            assert whole[i] == pytest.approx(alone, rel=1e-6), formula.__name__


@pytest.mark.parametrize("seats", [30, 139.0, 1024])
def test_a_waiting_request_has_no_place(seats: float) -> None:
    assert queueing.served_requests(in_flight=seats, n_places=200) == min(seats, 200)


@given(st.floats(0.5, 30.0))
def test_within_a_target_is_where_the_curve_meets_it(target: float) -> None:
    curve = {"curve_requests": CURVE["curve_requests"]}
    times = CURVE["curve_request_s"]
    found = load_curve.requests_within_target(allowed_s=target, **curve, curve_s=times)
    if found == 0:
        assert target < times[0]
    elif found == curve["curve_requests"][-1]:
        assert target >= times[-1] * (1 - 1e-9)
    else:
        reached = load_curve.request_s_at(in_flight=found, **CURVE)
        assert reached == pytest.approx(target)


def test_a_level_curve_is_within_its_target_to_the_end() -> None:
    level = {"curve_requests": [1.0, 5.0, 9.0], "curve_s": [2.0, 2.0, 2.0]}
    found = load_curve.requests_within_target(allowed_s=[1.9, 2.0, 2.1], **level)
    np.testing.assert_array_equal(found, [0.0, 9.0, 9.0])


def test_those_who_wait_in_turn_wait_for_the_others() -> None:
    """300 in flight at 100 places of 15 s: 200 wait, and 100 / 15 leave per second."""
    assert queueing.queue_waiting_s(queued_requests=200, requests_per_s=100 / 15) == 30
    assert queueing.queue_waiting_s(queued_requests=0, requests_per_s=0) == 0
    assert queueing.queue_waiting_s(queued_requests=9, requests_per_s=0) == np.inf
    assert queueing.wait_probability_in_turn(in_flight=300, n_places=100) == 1
    assert queueing.wait_probability_in_turn(in_flight=100, n_places=100) == 0


NUMBERS = {
    queueing.queue_waiting_s: {"queued_requests": 4.0, "requests_per_s": 2.0},
    queueing.wait_probability_in_turn: {"in_flight": 9.0, "n_places": 7.0},
    queueing.utilization: {"requests_per_s": 2.0, "max_requests_per_s": 5.0},
    load_curve.requests_within_target: {
        "allowed_s": 6.0,
        "curve_requests": [1.0, 9.0],
        "curve_s": [2.0, 9.0],
    },
    queueing.wait_probability: {"n_places": 9.0, "offered_requests": 7.0},
    percentile.waiting_percentile_s: {
        "wait_probability": 0.3,
        "waiting_s": 0.2,
        "waiting_variation_ratio": 0.4,
        "percentile_fraction": 0.9,
    },
    queueing.waiting_variation_in_turn: {"queued_requests": 4.0},
    queueing.waiting_s: {
        "wait_probability": 0.3,
        "n_places": 9.0,
        "offered_requests": 7.0,
        "request_s": 2.0,
        "arrival_variation_ratio": 1.0,
        "service_variation_ratio": 1.0,
    },
    load_curve.in_flight_of_rate_on_curve: {"requests_per_s": 2.0} | CURVE,
    load_curve.in_flight_of_users_on_curve: {"active_users": 30.0, "think_time_s": 9.0} | CURVE,
    load_curve.request_s_at: {"in_flight": 5.0} | CURVE,
    population.in_flight_of_population: {"active_users": 30.0, "think_time_s": 9.0} | CURVE,
}


@pytest.mark.parametrize("formula", NUMBERS, ids=lambda formula: formula.__name__)
def test_scalars_give_scalars_and_nan_gives_nan(formula: Any) -> None:
    numbers = NUMBERS[formula]
    assert np.ndim(formula(**numbers)) == 0
    for name in numbers.keys() - {*CURVE, "curve_s"}:
        mixed = formula(**(numbers | {name: np.array([numbers[name], np.nan])}))
        assert mixed[0] == pytest.approx(formula(**numbers)), name
        assert np.isnan(mixed[1]), name

"""Replicas, spares and availability: published tables, exact sums, and what must always hold."""

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llminfra.formulas import availability, resources

DAYS_BETWEEN_FAILURES = 264.0


def exact(groups: int, needed: int, up: float) -> float:
    """The sum in fractions, which round nothing."""
    a = Fraction(up)
    terms = (comb(groups, i) * a**i * (1 - a) ** (groups - i) for i in range(needed, groups + 1))
    return float(sum(terms, Fraction(0)))


@pytest.mark.parametrize(
    ("repair_days", "shares", "hours"),
    [
        (4 / 24, (0.9994, 1.0, 1.0, 1.0), (5.6, 0, 0, 0)),
        (1, (0.9962, 0.99999, 0.99996, 0.99992), (33, 0.1, 0.4, 0.7)),
        (4, (0.985, 0.9998, 0.9993, 0.9987), (131, 2, 6, 12)),
    ],
    ids=["4 h", "1 day", "4 days"],
)
def test_table_of_decision_framework_4_6(
    repair_days: float, shares: tuple[float, ...], hours: tuple[float, ...]
) -> None:
    up = availability.server_availability(
        failure_hours=DAYS_BETWEEN_FAILURES * 24, repair_hours=repair_days * 24
    )
    found = availability.service_availability(
        n_groups=[1, 2, 3, 4],
        n_needed=[1, 1, 2, 3],
        availability_fraction=up,
        common_mode_fraction=0,
    )
    for share, down, value in zip(shares, hours, found, strict=True):
        digits = len(f"{share}".partition(".")[2])
        assert value == pytest.approx(share, abs=0.6 * 10**-digits)
        assert (1 - value) * 8760 == pytest.approx(down, rel=0.06, abs=0.5 if down > 1 else 0.06)


def test_failures_of_a_training_run_meta_405b() -> None:
    """419 interruptions in 54 days on 16,384 accelerators, seen by a server of eight."""
    assert round(54 * 16_384 / 419) == 2112
    assert round(54 * 16_384 / 419 / 8) == DAYS_BETWEEN_FAILURES


@given(st.integers(1, 60), st.floats(0, 1), st.data())
def test_availability_is_the_exact_sum(groups: int, up: float, data: st.DataObject) -> None:
    needed = data.draw(st.integers(0, groups))
    found = availability.service_availability(
        n_groups=groups, n_needed=needed, availability_fraction=up, common_mode_fraction=0
    )
    assert found == pytest.approx(exact(groups, needed, up), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(("groups", "needed"), [(1100, 1000), (20_000, 10_000), (50_000, 49_900)])
def test_large_fleets(groups: int, needed: int) -> None:
    found = availability.service_availability(
        n_groups=groups, n_needed=needed, availability_fraction=0.996, common_mode_fraction=0.0
    )
    draws = np.random.default_rng(1).binomial(groups, 0.996, 200_000)
    assert found == pytest.approx(np.mean(draws >= needed), abs=0.005)


def test_more_than_there_are_is_never_available() -> None:
    found = availability.service_availability(
        n_groups=2, n_needed=3, availability_fraction=0.99, common_mode_fraction=0
    )
    assert found == 0


def test_spares_do_not_help_against_what_is_common() -> None:
    for groups in (1, 2, 5):
        found = availability.service_availability(
            n_groups=groups, n_needed=1, availability_fraction=1.0, common_mode_fraction=0.001
        )
        assert found == pytest.approx(0.999)


def test_scalars_arrays_and_nan() -> None:
    names = {
        "n_groups": 3.0,
        "n_needed": 2.0,
        "availability_fraction": 0.99,
        "common_mode_fraction": 0.0,
    }
    assert np.ndim(availability.service_availability(**names)) == 0
    for name in names:
        both = availability.service_availability(**(names | {name: [names[name], np.nan]}))
        assert both[0] == availability.service_availability(**names)
        assert np.isnan(both[1])


@pytest.mark.parametrize(
    ("spares", "copies", "installed"), [(0, 1, 3), (1, 1, 4), (2, 1, 5), (0, 2, 6)]
)
def test_spare_policies(spares: int, copies: int, installed: int) -> None:
    found = availability.replicas_with_spares(n_replicas=3, n_spares=spares, copies_ratio=copies)
    assert found == installed


@pytest.mark.parametrize(
    ("demand", "carried", "headroom", "replicas"),
    [
        (0, 5, 0, 1),
        (10, 5, 0, 2),
        (10.001, 5, 0, 3),
        (10, 5, 0.2, 3),
        (2.1, 0.7, 0, 3),
        (1, 0, 0, np.inf),
    ],
)
def test_replicas_needed(demand: float, carried: float, headroom: float, replicas: float) -> None:
    found = availability.replicas_needed(
        demanded_requests=demand, carried_requests=carried, headroom_fraction=headroom
    )
    assert found == replicas


@pytest.mark.parametrize(("rate", "seconds"), [(1e9, 141), (3e9, 47), (6e9, 24), (12e9, 12)])
def test_loading_141_gb_decision_framework_4_7(rate: float, seconds: float) -> None:
    found = availability.scale_up_s(start_s=0, weight_bytes=141e9, weight_load_bytes_per_s=rate)
    assert found == pytest.approx(seconds, abs=0.5)


def test_logs_of_a_month_decision_framework_4_8() -> None:
    found = resources.log_bytes(
        requests_per_s=5.1e6 / (730 * 3600),
        tokens_per_request=700,
        log_bytes_per_token=4,
        log_bytes_per_request=2000,
        retention_months=1,
    )
    assert found == pytest.approx(25e9, rel=0.03)


def test_front_end_traffic_is_small_decision_framework_4_8() -> None:
    found = resources.front_bytes_per_s(
        requests_per_s=9, output_tokens=300, front_bytes_per_token=200
    )
    assert found < 1e6

"""Ranges: what a band means, exact arithmetic, draws that depend on their key alone."""

import subprocess
import sys
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llminfra.explain import leaves
from llminfra.formulas._formula import formula
from llminfra.ranges import N_DRAWS, Range, equation, exact, sample

NUMBERS = st.floats(-1e9, 1e9)
KEYS = st.text(min_size=1, max_size=8)


@st.composite
def bands(draw: st.DrawFn) -> tuple[float, float, float]:
    low, base, high = sorted(draw(st.tuples(NUMBERS, NUMBERS, NUMBERS)))
    return low, base, high


def drawn(key: str, band: tuple[float, float, float]) -> Range:
    return sample(key, band[1], low=band[0], high=band[2])


@given(KEYS, bands())
def test_a_band_is_p10_base_and_p90(key: str, band: tuple[float, float, float]) -> None:
    low, base, high = band
    quantity = drawn(key, band)
    tolerance = 1e-4 * (high - low) + 1e-6
    assert quantity.base == base
    assert quantity.low == pytest.approx(low, abs=tolerance)
    assert quantity.high == pytest.approx(high, abs=tolerance)


@given(KEYS, bands())
def test_low_base_and_high_are_in_order(key: str, band: tuple[float, float, float]) -> None:
    quantity = drawn(key, band)
    assert quantity.low <= quantity.base <= quantity.high


@given(KEYS, bands())
def test_there_is_one_base_case_and_1024_draws(key: str, band: tuple[float, float, float]) -> None:
    assert N_DRAWS == 1024
    assert drawn(key, band).draws.shape == (1025,)


def test_a_tenth_of_the_draws_lies_outside_each_end() -> None:
    quantity = drawn("tails", (8.0, 10.0, 14.0))
    assert np.mean(quantity.draws[1:] < 8.0) == pytest.approx(0.1, abs=0.001)
    assert np.mean(quantity.draws[1:] > 14.0) == pytest.approx(0.1, abs=0.001)
    assert np.median(quantity.draws[1:]) == pytest.approx(10.0, abs=0.01)


def test_both_halves_are_normal() -> None:
    quantity = drawn("halves", (8.0, 10.0, 14.0))
    z = NormalDist().inv_cdf(0.9)
    below, above = (np.quantile(quantity.draws[1:], q) for q in (0.02, 0.98))
    assert below == pytest.approx(10 + NormalDist().inv_cdf(0.02) * 2 / z, abs=0.05)
    assert above == pytest.approx(10 + NormalDist().inv_cdf(0.98) * 4 / z, abs=0.05)


@given(bands(), bands())
def test_draws_travel_together(
    a: tuple[float, float, float], b: tuple[float, float, float]
) -> None:
    x, y = drawn("x", a), drawn("y", b)
    zero = x - x
    assert (zero.low, zero.base, zero.high) == (0.0, 0.0, 0.0)
    np.testing.assert_array_equal((x + y).draws, x.draws + y.draws)
    np.testing.assert_array_equal((x * y - 3 * x).draws, x.draws * y.draws - 3 * x.draws)
    np.testing.assert_array_equal((2 - x).draws, 2 - x.draws)
    np.testing.assert_array_equal(np.maximum(x, y).draws, np.maximum(x.draws, y.draws))


def test_an_exact_quantity_broadcasts() -> None:
    total = exact(5.0) + drawn("x", (1.0, 2.0, 3.0))
    assert total.base == 7.0
    assert total.draws.size == 1025
    assert exact(5.0).is_exact
    assert not total.is_exact


@given(KEYS)
def test_the_same_key_has_the_same_draws_whatever_its_band(key: str) -> None:
    narrow, wide = drawn(key, (-1.0, 0.0, 1.0)), drawn(key, (-10.0, 0.0, 10.0))
    np.testing.assert_allclose(wide.draws, 10 * narrow.draws)


def test_other_keys_have_other_draws() -> None:
    keys = [f"key {i}" for i in range(30)]
    draws = np.array([drawn(key, (-1.0, 0.0, 1.0)).draws[1:] for key in keys])
    between = np.corrcoef(draws)[np.triu_indices(len(keys), 1)]
    assert np.abs(between).max() < 0.15


def test_draws_are_the_same_in_every_process() -> None:
    code = (
        "from llminfra.ranges import sample;"
        "print(sample('a.b', 10.0, low=8.0, high=14.0).draws[1:6].tolist())"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(p for p in sys.path if p)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    here = str(sample("a.b", 10.0, low=8.0, high=14.0).draws[1:6].tolist())
    assert [run.strip() for run in runs] == [here, here]


def test_using_a_quantity_never_changes_the_draws_of_its_key() -> None:
    first = drawn("kept", (1.0, 2.0, 3.0))
    before = first.draws.copy()
    _ = (first + 1, first * 2, np.exp(first / 10), first.no_less_than(2), first.named("n_x"))
    np.testing.assert_array_equal(first.draws, before)
    np.testing.assert_array_equal(drawn("kept", (1.0, 2.0, 3.0)).draws, before)


@given(bands())
def test_physical_bounds_cut_the_draws(band: tuple[float, float, float]) -> None:
    low, base, high = band
    cut = sample("cut", base, low=low, high=high, minimum=low, maximum=high)
    assert cut.draws.min() >= low
    assert cut.draws.max() <= high
    assert cut.base == base


def test_comparisons_look_at_the_base_case() -> None:
    x, y = drawn("x", (1.0, 5.0, 9.0)), exact(5.0)
    assert x == 5.0
    assert x == y
    assert x >= y
    assert x <= y
    assert not x < y
    assert not x > y
    assert 4.0 < x < 6.0
    assert x != 6.0


@pytest.mark.parametrize("nine", [9, 9.0, np.float64(9), np.int64(9), np.float32(9)], ids=repr)
def test_equality_takes_numbers_of_any_kind(nine: object) -> None:
    assert exact(9.0) == nine


def test_a_quantity_adds_up_in_place() -> None:
    total = exact(1.0)
    total += drawn("x", (1.0, 2.0, 3.0))
    assert total.base == 3.0


def test_sums_start_from_zero() -> None:
    assert sum([exact(1.0), exact(2.0)]).base == 3.0


@given(bands(), NUMBERS)
def test_probability_counts_the_draws(band: tuple[float, float, float], target: float) -> None:
    quantity = drawn("p", band)
    share = quantity.probability_at_least(target)
    assert share == float(np.mean(quantity.draws[1:] >= target))
    assert 0.0 <= share <= 1.0


def test_probability_of_exact_quantities_is_yes_or_no() -> None:
    assert exact(5.0).probability_at_least(5.0) == 1.0
    assert exact(5.0).probability_at_least(exact(5.1)) == 0.0


def test_probability_pairs_the_draws_of_both_sides() -> None:
    x = drawn("x", (8.0, 10.0, 14.0))
    assert x.probability_at_least(x + 0.001) == 0.0
    assert x.probability_at_least(x) == 1.0


def test_confidence_is_the_other_side_of_probability() -> None:
    x = drawn("x", (8.0, 10.0, 14.0))
    assert x.probability_at_least(x.at_confidence(0.8)) == pytest.approx(0.8, abs=0.002)
    assert x.at_confidence(0.9) == pytest.approx(x.low)


def test_no_less_than_lifts_draws_and_keeps_the_name() -> None:
    lifted = drawn("x", (1.0, 2.0, 3.0)).named("n_x").no_less_than(2.0)
    assert lifted.draws.min() == 2.0
    assert lifted.name == "n_x"


def test_a_formula_is_evaluated_over_the_draws() -> None:
    @formula
    def area_ratio(*, side_ratio: float, factor: float) -> float:
        r"""Area.

        Notes
        -----
        .. math:: A = f
            s^2

        More words.
        """
        return factor * side_ratio**2

    side = drawn("side", (1.0, 2.0, 3.0))
    area = area_ratio(side_ratio=side, factor=2.0)
    np.testing.assert_array_equal(area.draws, 2 * side.draws**2)
    assert (area.name, area.unit) == ("area_ratio", "1")
    assert equation(area_ratio) == "A = f s^2"


def test_names_promise_units() -> None:
    assert exact(1.0, name="weight_bytes").unit == "byte"
    assert exact(1.0, name="weight_bytes").named("prompt_tokens").unit == "token"
    assert exact(1.0, name="x", unit="USD").unit == "USD"


def test_numbers_can_be_made_of_a_quantity() -> None:
    x = drawn("x", (1.0, 2.5, 3.0))
    assert (float(x), int(x), bool(x), f"{x:.1f}", round(x)) == (2.5, 2, True, "2.5", 2.0)
    assert not exact(0.0)


def test_repr_tells_name_unit_and_band() -> None:
    assert repr(exact(3.0, name="weight_bytes")) == "weight_bytes = 3 byte (exact)"
    assert "(8 to 14)" in repr(drawn("weight_bytes", (8.0, 10.0, 14.0)))


def test_two_inputs_of_one_name_both_stay_known() -> None:
    x = Range([1.0], name="x", origin="field a")
    y = Range([2.0], name="x", origin="field b")
    assert set(leaves(x + y)) == {"field a", "field b"}

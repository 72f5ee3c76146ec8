"""Number formats: rounding, units once, and never a false 0 % or 100 %."""

import datetime as dt
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llminfra import formats
from llminfra.ranges import Range, exact, sample

FINITE = st.floats(-1e15, 1e15).filter(lambda x: x == 0 or abs(x) > 1e-6)
PLAIN = [formats.number, formats.count, formats.gb, formats.gib, formats.kib]
PLAIN += [formats.percent, formats.times]
SPACE = formats.NARROW_SPACE


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (formats.gb(141.107412992e9), f"141.1{SPACE}GB"),
        (formats.gib(141.107412992e9), f"131.4{SPACE}GiB"),
        (formats.kib(327_680), f"320{SPACE}KiB"),
        (formats.gb(0), f"0.0{SPACE}GB"),
        (formats.gb(-13.4e9), f"−13.4{SPACE}GB"),
        (formats.number(1_317_413), "1,317,413"),
        (formats.number(0.0694), "0.0694"),
        (formats.number(0), "0"),
        (formats.percent(0.8), f"80{SPACE}%"),
        (formats.times(1.386), "1.4×"),
        (formats.count(2.0), "2"),
        (formats.counted(1, "request"), f"1{SPACE}request"),
        (formats.counted(2, "copy", "copies"), f"2{SPACE}copies"),
        (formats.date(dt.date(2026, 11, 3)), "3 Nov 2026"),
        (formats.month("2026-09-30"), f"Sep{SPACE}2026"),
        (formats.month(""), "undated"),
        (formats.join([]), ""),
        (formats.join(["a"]), "a"),
        (formats.join(["a", "b"]), "a and b"),
        (formats.with_unit("5", ""), "5"),
        (formats.words("kv_pool_bytes"), "Kv pool"),
    ],
)
def test_numbers_read_as_the_house_writes_them(shown: str, text: str) -> None:
    assert shown == text


@pytest.mark.parametrize("show", PLAIN)
@pytest.mark.parametrize("missing", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_a_dash(show: object, missing: float) -> None:
    assert callable(show)
    assert show(missing) == formats.MISSING


@given(FINITE)
def test_number_keeps_three_figures(value: float) -> None:
    shown = float(formats.number(value).replace(",", "").replace("−", "-"))
    assert shown == pytest.approx(value, rel=0.0051, abs=0.5 if abs(value) >= 100 else 0)


@given(st.floats(0, 1))
def test_a_share_reads_as_all_or_nothing_only_when_it_is(share: float) -> None:
    shown = formats.percent(share)
    assert (shown == f"0{SPACE}%") == (share == 0)
    assert (shown == f"100{SPACE}%") == (share == 1)


@pytest.mark.parametrize("show", PLAIN)
@pytest.mark.parametrize("value", [-0.0, -0.004])
def test_nothing_is_shown_as_minus_zero(show: object, value: float) -> None:
    assert callable(show)
    digits = show(value).partition(SPACE)[0].strip("×")
    assert not (digits[0] in "-−" and float(digits[1:].replace(",", "")) == 0)


@pytest.mark.parametrize("show", PLAIN)
def test_minus_is_one_sign_everywhere(show: object) -> None:
    assert callable(show)
    assert show(-5_500_000.0).startswith("−")


def test_a_multiple_has_two_figures() -> None:
    assert formats.times(0.04) == "0.040×"


def test_a_band_holds_its_unit_once() -> None:
    wide = sample("b", 10e9, low=8e9, high=14e9)
    assert formats.band(wide, formats.gb) == f"8.00–14.0{SPACE}GB"
    across = sample("b", 1e6, low=5e5, high=2e6)
    assert formats.band(across, formats.kib).count("iB") == 2


def test_a_band_that_rounds_to_one_value_shows_it_once() -> None:
    assert formats.band(sample("b", 10.0, low=9.99, high=10.01), formats.count) == "10"


def test_exact_quantities_say_so() -> None:
    assert formats.band(exact(5.0)) == "exact"
    assert formats.band(5.0) == "exact"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "yes"),
        ("text", "text"),
        (3, "3"),
        (None, ""),
        (exact(141.107e9, name="weight_bytes"), f"141.1{SPACE}GB (131.4{SPACE}GiB)"),
        (exact(327_680, name="kv_cache_bytes_per_token"), f"320{SPACE}KiB"),
    ],
)
def test_any_result_is_shown_by_its_unit(value: object, text: str) -> None:
    assert formats.auto(value) == text


def test_a_range_is_shown_with_its_band() -> None:
    shown = formats.auto(Range(sample("b", 10e9, low=8e9, high=14e9).draws, name="weight_bytes"))
    assert shown.endswith(f"8.00–14.0{SPACE}GB")


def test_units_choose_their_format() -> None:
    assert formats.by_unit("byte") is formats.gb
    assert formats.by_unit("token")(5) == f"5{SPACE}tokens"
    assert formats.by_unit("1")(5) == "5"

"""Cost: published worked numbers, what must hold for any numbers, and awkward ones."""

from typing import Any

import numpy as np
import numpy_financial as npf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llminfra.formulas import chargeback, cost, month_parts, rent, unit_cost
from llminfra.ranges import exact, sample

# -- published numbers -----------------------------------------------------------------------------


def value(result: Any) -> float:
    return float(result)


def month(usd_per_hour: float) -> float:
    found = rent.rent_usd_per_month(usd_per_hour=usd_per_hour, machines=1, hours_on_per_week=168)
    return value(found)


def gpu_hour(usd_per_year: float) -> float:
    found = unit_cost.usd_per_accelerator_hour(
        usd_per_month=usd_per_year / 12, accelerators=8, hours_on_per_week=168
    )
    return value(found)


def mtok(tokens_per_s: float) -> float:
    """A million tokens of one H100 at 2.69 USD/h, Qwen3-8B."""
    return value(unit_cost.usd_per_mtok(usd=2.69, n_tokens=tokens_per_s * 3600))


def annuity(rate: float, years: float) -> float:
    return value(cost.capital_recovery_factor(discount_rate=rate, years=years))


def power(kwh: float) -> float:
    return value(month_parts.power_usd_per_month(wall_kwh_per_month=kwh, pue=1.4, usd_per_kwh=0.10))


FLOWS = [-40_000, 5_000, 8_000, 12_000, 30_000]
PUBLISHED = {
    "C05 AWS p4d, one month": (month(21.957642), 16029.08),
    "C06 AWS p5, one month": (month(55.04), 40179.2),
    "C07 Lenovo LP2225, one year on demand": (12 * month(98.32), 861283.2),
    "C08 Qubrid 8x H200, a GPU-hour": (gpu_hour(210_240), 3.0),
    "C10 Qubrid 8x B200, a GPU-hour": (gpu_hour(297_840), 4.25),
    "C15 Qwen3-8B on H100, output": (mtok(4129.027), 0.180968),
    "C16 Qwen3-8B on H100, in and out": (mtok(4129.027 * 1152 / 128), 0.0201076),
    "C17 Qwen3-8B on H100, a thousand requests": (
        1e3 * value(unit_cost.usd_per_request(usd_per_month=2.69, requests_per_month=116_128.8)),
        0.0231639,
    ),
    "C20 Qwen3-8B on H100, short": (mtok(16541.954), 0.0451713),
    "C21 one H100, one month": (month(2.69), 1963.7),
    "C25 endpoint that is always on, a day": (month(5.0) * 24 / 730, 120.0),
    "C26 OpenCost, application A on reservation": (
        chargeback.team_usd(bill_usd=10, before_fraction=0, share_fraction=3 / 8), 3.75
    ),
    "C22 electricity of 8x H100, an hour": (power(8 * 0.7 + 2), 1.064),
    "C29 numpy-financial, NPV": (cost.npv_usd(flows_usd=FLOWS, discount_rate=0.08), 3065.22),
    "C30 numpy-financial, payment": (200_000 * annuity(0.075 / 12, 180), 1854.02),
    "C33 annuity tables, 8 % and 5 years": (annuity(0.08, 5), 0.250456),
    "C33 annuity tables, 0 % and 4 years": (annuity(0, 4), 0.25),
}  # fmt: skip


@pytest.mark.parametrize(("found", "published"), PUBLISHED.values(), ids=list(PUBLISHED))
def test_published_numbers(found: Any, published: float) -> None:
    assert value(found) == pytest.approx(published, rel=1e-5)


# pricing_energy.md 4.2: 8x H100, 300 k$ + 15 % network + 20 k$ storage + 2 % install, 8.4 kW at
# load, idle 35 %, PUE 1.3; colocation on 10.2 kW, support on 300 k$, 180 k$ a post.
TCO = [
    ("optimistic", 0.08, 5, 0.10, 150, 0.07, 0.70, 0.15, 157e3, 2.23, 3.19),
    ("base", 0.10, 4, 0.15, 184, 0.09, 0.50, 0.25, 199e3, 2.83, 5.67),
    ("pessimistic", 0.13, 3, 0.10, 217, 0.15, 0.30, 0.50, 291e3, 4.15, 13.83),
]  # fmt: skip


@pytest.mark.parametrize("case", TCO, ids=[f"pricing_energy 4.2 {case[0]}" for case in TCO])
def test_worked_cost_of_an_owned_server(case: tuple[Any, ...]) -> None:
    _, rate, years, residual, colocation, tariff, used, posts, total, paid, useful = case
    invested = 300e3 * (1 + 0.15 + 0.02) + 20e3
    capital = cost.capital_usd_per_year(
        investment_usd=invested,
        residual_usd=residual * invested,
        discount_rate=rate,
        years=years,
    )
    wall_kwh = 8.4 * (0.35 + used * (1 - 0.35)) * 730
    power = month_parts.power_usd_per_month(
        wall_kwh_per_month=wall_kwh, pue=1.3, usd_per_kwh=tariff
    )
    opex = 12 * (power + 10.2 * colocation) + 0.06 * 300e3 + posts * 180e3
    found = value(capital + opex)
    hourly = unit_cost.usd_per_accelerator_hour(
        usd_per_month=found / 12, accelerators=8, hours_on_per_week=168
    )
    busy = unit_cost.usd_per_useful_accelerator_hour(
        usd_per_accelerator_hour=hourly,
        mean_requests_per_s=used,
        max_requests_per_s=1,
        hours_on_per_week=168,
    )
    assert found == pytest.approx(total, rel=0.02)
    assert value(hourly) == pytest.approx(paid, rel=0.02)
    assert value(busy) == pytest.approx(useful, rel=0.02)


# decision_framework.md 2.3-2.4: reservation basis, no staff; 400 in and 300 out.
UTILIZATION = [(0.01, 97), (0.05, 19), (0.10, 9.7), (0.30, 3.2), (0.60, 1.6), (0.90, 1.1)]


@pytest.mark.parametrize(("used", "published"), UTILIZATION)
def test_worked_cost_of_a_token_by_utilization(used: float, published: float) -> None:
    month = rent.rent_usd_per_month(usd_per_hour=22.32, machines=1, hours_on_per_week=168)
    # 110 bn tokens a month are 6.5 times the node's capacity.
    found = unit_cost.usd_per_mtok_at_utilization(
        usd_per_month=month, max_tokens_per_month=110e9 / 6.5, utilization_fraction=used
    )
    assert value(found) == pytest.approx(published, rel=0.05)


# Two more owned machines, recomputed by hand from catalogue prices of 2026.
def test_oracle_of_a_refurbished_server() -> None:
    # 120,000 at 8 % over 3 years, 15 % left: (120,000 - 18,000 / 1.259712) x 0.3880335
    found = cost.capital_usd_per_year(
        investment_usd=120_000, residual_usd=18_000, discount_rate=0.08, years=3
    )
    assert value(found) == pytest.approx((120_000 - 18_000 / 1.08**3) * 0.08 / (1 - 1.08**-3))
    assert value(found) == pytest.approx(41_019.4, abs=0.1)


def test_oracle_of_a_workstation() -> None:
    # 18,600 over 3 years, 30 % left, 0.6 kW for 730 h at 0.28 USD/kWh: 446 and 123 USD a month
    capital = cost.capital_usd_per_year(
        investment_usd=18_600, residual_usd=5_580, discount_rate=0.08, years=3
    )
    power = month_parts.power_usd_per_month(wall_kwh_per_month=438, pue=1, usd_per_kwh=0.28)
    assert value(capital) / 12 == pytest.approx(458.2, abs=0.1)
    assert value(power) == pytest.approx(122.64)


# -- properties ------------------------------------------------------------------------------------

RATES = st.just(0.0) | st.floats(1e-9, 0.5)
YEARS = st.floats(0.5, 15)
MONEY = st.floats(1, 1e9)
SHARES = st.floats(0.01, 1)


@given(RATES, YEARS, MONEY, SHARES)
def test_the_annuity_is_that_of_numpy_financial(r: float, n: float, c: float, s: float) -> None:
    found = cost.capital_usd_per_year(
        investment_usd=c, residual_usd=s * c, discount_rate=r, years=n
    )
    expected = npf.pmt(r, n, -c, s * c)
    assert value(found) == pytest.approx(float(expected), rel=1e-5, abs=1e-6 * c)


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=12), RATES)
def test_the_npv_is_that_of_numpy_financial(flows: list[float], rate: float) -> None:
    found = value(cost.npv_usd(flows_usd=flows, discount_rate=rate))
    assert found == pytest.approx(float(npf.npv(rate, flows)), rel=1e-9, abs=1e-3)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=12))
def test_without_a_discount_the_npv_is_the_sum(flows: list[float]) -> None:
    assert value(cost.npv_usd(flows_usd=flows, discount_rate=0.0)) == pytest.approx(sum(flows))
    near = value(cost.npv_usd(flows_usd=flows, discount_rate=1e-12))
    assert near == pytest.approx(sum(flows), abs=1e-3)


@given(YEARS, st.floats(1e-12, 1e-7))
def test_the_annuity_is_continuous_at_no_rate(years: float, rate: float) -> None:
    at_zero = value(cost.capital_recovery_factor(discount_rate=0.0, years=years))
    near = value(cost.capital_recovery_factor(discount_rate=rate, years=years))
    assert near == pytest.approx(at_zero, rel=1e-5)


@given(MONEY, st.floats(1, 1e12), SHARES, SHARES)
def test_more_utilization_never_raises_the_cost_of_a_token(
    month: float, tokens: float, one: float, other: float
) -> None:
    less, more = sorted([one, other])
    given_ = {"usd_per_month": month, "max_tokens_per_month": tokens}
    dear = unit_cost.usd_per_mtok_at_utilization(**given_, utilization_fraction=less)
    cheap = unit_cost.usd_per_mtok_at_utilization(**given_, utilization_fraction=more)
    assert cheap <= dear
    usage = unit_cost.usd_per_mtok_at_utilization(**given_, utilization_fraction=1.0)
    assert dear >= usage  # reservation >= usage


@given(MONEY, st.integers(1, 10_000), st.floats(1, 168))
def test_hours_times_the_hourly_price_are_the_month(month: float, n: int, hours: float) -> None:
    hourly = unit_cost.usd_per_accelerator_hour(
        usd_per_month=month, accelerators=n, hours_on_per_week=hours
    )
    back = rent.rent_usd_per_month(usd_per_hour=hourly, machines=n, hours_on_per_week=hours)
    assert value(back) == pytest.approx(month)


@given(st.floats(1e-6, 10), st.floats(0.01, 100), st.floats(0, 600))
def test_serverless_is_never_paid_for_more_than_all_the_time(
    rate: float, request: float, wait: float
) -> None:
    load = {"requests_per_s": rate, "request_s": request, "idle_timeout_s": wait}
    share = value(rent.paid_share_fraction(**load, start_s=120))
    assert min(rate * request, 1) * 0.6 <= share <= 1  # 1 - 1/e at one request in flight
    bill = rent.serverless_usd_per_month(
        usd_per_hour=1, workers=1, hours_per_month=730, paid_fraction=share
    )
    assert 0 < value(bill) <= 730 * (1 + 1e-12)


@given(st.floats(0, 3), SHARES, YEARS)
def test_a_residual_value_falls_with_age(investment: float, left: float, years: float) -> None:
    common = {"investment_usd": investment, "residual_fraction": left, "reference_years": 3.0}
    now, later = (value(cost.residual_usd(**common, years=y)) for y in (years, years + 1))
    assert later <= now <= investment


# -- awkward numbers -------------------------------------------------------------------------------


def test_no_tokens_cost_infinitely_much_each_and_nan_stays() -> None:
    assert value(unit_cost.usd_per_mtok(usd=1, n_tokens=0)) == np.inf
    assert np.isnan(unit_cost.usd_per_mtok(usd=np.nan, n_tokens=1))


def test_ranges_come_out_as_ranges_that_remember() -> None:
    price = sample("test.price", 300e3, low=250e3, high=400e3)
    found = cost.capital_usd_per_year(
        investment_usd=price, residual_usd=0.3 * price, discount_rate=exact(0.08), years=exact(3)
    )
    assert found.low < found.base < found.high
    hourly = rent.spot_usd_per_hour(usd_per_hour=price, saving_fraction=exact(0.43))
    assert (hourly.name, hourly.unit) == ("spot_usd_per_hour", "USD/h")
    assert set(hourly.inputs) == {"usd_per_hour", "saving_fraction"}
    flows = [-price, exact(1e5), exact(1e5), exact(1.5e5)]
    npv = cost.npv_usd(flows_usd=flows, discount_rate=exact(0.08))
    assert npv.low < npv.base < npv.high

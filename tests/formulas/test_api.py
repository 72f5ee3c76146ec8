"""Own machines beside an API: published tables, what must always hold, awkward input."""

from itertools import pairwise
from math import inf, isinf, isnan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llminfra.formulas import answers, api, api_bill, provisioned
from llminfra.ranges import sample

# 400 tokens in, 300 out: the mix of the worked tables.
PROMPT, OUTPUT = 400, 300
A100_USD_PER_H, H100_USD_PER_H = 22.32, 7.98
A100_TOKENS_PER_H, H100_TOKENS_PER_H = 9.13 * 700 * 3600, 22.6e6
PRICES = {"llama-3.3-70b": (0.10, 0.32), "0.1/0.5": (0.1, 0.5), "2/10": (2, 10), "5/25": (5, 25)}
DEMANDS = {
    "100 office users": (44_000, (6, 8, 167, 418)),
    "100 heavy users": (220_000, (30, 42, 836, 2090)),
    "8 req/s, 8 h x 22 d": (8 * 8 * 22 * 3600, (689, 963, 19_261, 48_154)),
    "24x7 at 70 % of a node": (16.814e6, (2287, 3195, 63_893, 159_732)),
}
CASE = {"capex_usd": 330e3, "api_usd_per_month": 25e3, "own_usd_per_month": 10e3}
CASE |= {"demand_growth": 0.0, "discount_rate": 0.08}


def blend(price: str) -> float:
    usd_in, usd_out = PRICES[price]
    return (PROMPT * usd_in + OUTPUT * usd_out) / (PROMPT + OUTPUT)


def bill(requests: float, usd_in: float, usd_out: float, retry: float = 0.0) -> float:
    """One month of the API with nothing but input and output."""
    tokens = {"requests_per_month": requests, "tokenizer_ratio": 1, "reasoning_ratio": 1}
    found = api_bill.metered_usd_per_month(
        input_mtok_per_month=api_bill.mtok_per_month(
            tokens_per_request=PROMPT, retry_fraction=retry, **tokens
        ),
        output_mtok_per_month=api_bill.mtok_per_month(
            tokens_per_request=OUTPUT, retry_fraction=retry, **tokens
        ),
        input_usd_per_mtok=usd_in,
        output_usd_per_mtok=usd_out,
        storage_usd_per_month=0,
        uplift_fraction=0,
    )
    return float(found)


# Golden


@pytest.mark.parametrize("demand", DEMANDS, ids=[f"decision-framework-2.4-{d}" for d in DEMANDS])
def test_bills_of_the_worked_scenario_table(demand: str) -> None:
    requests, published = DEMANDS[demand]
    for (usd_in, usd_out), expected in zip(PRICES.values(), published, strict=True):
        assert bill(requests, usd_in, usd_out) == pytest.approx(expected, abs=0.5, rel=5e-4)


@pytest.mark.parametrize(
    ("usd_per_hour", "tokens_per_hour", "price", "published", "within"),
    [
        (A100_USD_PER_H, A100_TOKENS_PER_H, "2/10", 0.18, 0.005),
        (A100_USD_PER_H, A100_TOKENS_PER_H, "llama-3.3-70b", 5.00, 0.05),
        (H100_USD_PER_H, H100_TOKENS_PER_H, "2/10", 0.065, 0.0005),
        (H100_USD_PER_H, H100_TOKENS_PER_H, "llama-3.3-70b", 1.82, 0.005),
        (55.04, 20_000 * 3600, "0.90", 0.849383, 1e-6),
        (55.04, 10_000 * 3600, "0.90", 1.698765, 1e-6),
    ],
    ids=[
        *("decision-framework-2.4-a100-18", "decision-framework-2.4-a100-500"),
        *("decision-framework-2.4-h100-6.5", "decision-framework-2.4-h100-182"),
        *("goldens-B08", "goldens-B08-half-speed"),
    ],
)
def test_break_even_utilization(
    usd_per_hour: float, tokens_per_hour: float, price: str, published: float, within: float
) -> None:
    usd_per_mtok = blend(price) if price in PRICES else float(price)
    found = api.break_even_utilization(
        usd_per_hour=usd_per_hour, tokens_per_hour=tokens_per_hour, usd_per_mtok=usd_per_mtok
    )
    assert found == pytest.approx(published, abs=within)


@pytest.mark.parametrize(
    ("drift", "months", "npv_36"),
    [(0.0, 24, 151e3), (-0.2, inf, -64e3), (-0.5, inf, -311e3), (-0.9, inf, -537e3)],
    ids=[f"decision-framework-2.4-drift-{d}" for d in (0, 20, 50, 90)],
)
def test_payback_against_price_drift(drift: float, months: float, npv_36: float) -> None:
    assert api.payback_months(**CASE, api_price_drift=drift, horizon_months=120) == months
    saved = api.cumulative_saving_usd(**CASE, api_price_drift=drift, horizon_months=36)
    assert saved[-1] == pytest.approx(npv_36, abs=600)


def test_a_purchase_is_counted_once() -> None:
    """Goldens file, rule 1: months = purchase over what the rent exceeds the running cost."""
    free = CASE | {"discount_rate": 0.0}
    months = api.payback_months(**free, api_price_drift=0, horizon_months=60)
    assert months == np.ceil(330e3 / (25e3 - 10e3))


@pytest.mark.parametrize(
    ("units", "usd", "hours", "expected"),
    [(15, 0.877578, 1, 13.1637), (1, 1.0, 730, 730.0)],
    ids=["goldens-B01", "goldens-B04-hourly"],
)
def test_floor_of_provisioned_units(
    units: float, usd: float, hours: float, expected: float
) -> None:
    bill = provisioned.provisioned_usd_per_month(
        n_units=units,
        usd_per_unit_hour=usd,
        hours_per_month=hours,
        demanded_mtok_per_month=[0, 5],
        carried_mtok_per_month=5,
        usd_per_mtok=1,
    )
    assert bill == pytest.approx([expected, expected], rel=1e-5)
    assert 1 - 260 / 730 == pytest.approx(0.643836, abs=1e-6)  # B04


def test_units_for_ten_calls_a_minute_goldens_b05() -> None:
    found = provisioned.provisioned_units(
        requests_per_minute=[10, 1, 10.01],
        prompt_tokens=4000,
        output_tokens=500,
        cache_hit_fraction=0,
        output_weight_ratio=4,
        tokens_per_minute=3000,
        min_units=15,
        step_units=5,
    )
    assert found.tolist() == [20, 15, 25]


def test_a_ceiling_below_the_floor_never_pays() -> None:
    """Azure, Llama 3.3 70B: 100 units of 8,450 tokens a minute beside 0.77 USD a million."""
    carried = provisioned.provisioned_mtok_per_month(
        n_units=100,
        tokens_per_minute=8450,
        prompt_tokens=PROMPT,
        output_tokens=OUTPUT,
        cache_hit_fraction=0,
        output_weight_ratio=4,
        hours_per_month=730,
    )
    assert carried * 0.77 < 100 * 1.0 * 730
    assert (
        api.break_even_utilization(
            usd_per_hour=100.0, tokens_per_hour=carried / 730 * 1e6, usd_per_mtok=0.77
        )
        > 1
    )


def test_office_users_and_a_service_of_design_13() -> None:
    office, service = 43_450, 8.4 * 3600 * 730
    assert bill(office, 2, 10, 0.02) == pytest.approx(168, abs=1)
    assert [round(bill(office, *p, 0.02)) for p in ((0.135, 0.4), (0.5, 1.5))] == [8, 29]
    assert bill(service, 2, 10, 0.02) == pytest.approx(86e3, rel=0.01)
    assert bill(service, 0.135, 0.4, 0.02) == pytest.approx(3.9e3, rel=0.01)
    assert bill(service, 0.5, 1.5, 0.02) == pytest.approx(14.7e3, rel=0.01)


# Properties

usd = st.floats(0.01, 100)
share = st.floats(0, 1)
drifts = st.floats(-0.95, 1)
rates = st.floats(0, 0.5)


@given(usd, usd, st.floats(1, 4), share, share)
def test_cached_input_never_costs_more_than_listed(
    listed: float, hit: float, write_ratio: float, hits: float, writes: float
) -> None:
    found = api_bill.input_usd_per_mtok(
        list_usd_per_mtok=listed,
        cached_usd_per_mtok=min(hit, listed),
        cache_write_usd_per_mtok=listed,
        cache_hit_fraction=hits * 0.5,
        cache_write_fraction=writes * 0.5,
    )
    assert found <= listed * (1 + 1e-12)
    dearer = api_bill.input_usd_per_mtok(
        list_usd_per_mtok=listed,
        cached_usd_per_mtok=listed,
        cache_write_usd_per_mtok=listed * write_ratio,
        cache_hit_fraction=hits * 0.5,
        cache_write_fraction=writes * 0.5,
    )
    assert dearer >= listed * (1 - 1e-12)


@given(
    st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0, 1e4), st.floats(0, 1e4), st.floats(0, 1e4)
)
def test_a_floor_is_a_floor_and_use_never_lowers_a_bill(
    one: float, other: float, included: float, plan: float, least: float
) -> None:
    few, many = sorted((one, other))
    terms = {"included_usd_per_month": included, "plan_usd_per_month": plan}
    low, high = (
        api_bill.contract_usd_per_month(
            metered_usd_per_month=m, minimum_usd_per_month=least, **terms
        )
        for m in (few, many)
    )
    assert least <= low <= high
    assert low >= plan


@given(st.floats(1e3, 1e6), st.floats(1, 1e5), st.floats(0, 1e5), drifts, rates, rates)
def test_a_longer_horizon_never_lengthens_a_payback_already_reached(
    capex: float, bill: float, own: float, drift: float, growth: float, rate: float
) -> None:
    found = [
        api.payback_months(
            capex_usd=capex,
            api_usd_per_month=bill,
            own_usd_per_month=own,
            api_price_drift=drift,
            demand_growth=growth,
            discount_rate=rate,
            horizon_months=months,
        )
        for months in (12, 36, 120)
    ]
    for shorter, longer in pairwise(found):
        assert longer == shorter or isinf(shorter)


@given(st.floats(1, 1e5), drifts, rates, rates, st.integers(1, 240))
def test_an_eroding_bill_never_pays_back_more_than_its_bound(
    bill: float, drift: float, growth: float, rate: float, months: int
) -> None:
    change = {"api_price_drift": drift, "demand_growth": growth, "discount_rate": rate}
    bound = api.eroding_bill_usd(api_usd_per_month=bill, **change)
    saved = api.cumulative_saving_usd(
        capex_usd=0, api_usd_per_month=bill, own_usd_per_month=0, horizon_months=months, **change
    )
    assert saved[-1] <= bound * (1 + 1e-9)
    assert isinf(bound) == ((1 + drift) * (1 + growth) >= 1 + rate) or bound > 1e9


@given(drifts, drifts)
def test_a_cheaper_api_never_pays_back_sooner(one: float, other: float) -> None:
    low, high = sorted((one, other))
    slow, fast = (
        api.payback_months(**CASE, api_price_drift=drift, horizon_months=120)
        for drift in (low, high)
    )
    assert fast <= slow


@given(share, share, st.floats(0, 100), usd)
def test_quality_is_worth_what_failures_cost(
    one: float, other: float, damage: float, request: float
) -> None:
    bad, good = sorted((one, other))
    low, high = (
        answers.accepted_answer_usd(usd_per_request=request, quality_fraction=q, failure_usd=damage)
        for q in (bad, good)
    )
    assert request * (1 - 1e-12) <= high <= low


# Ranges, arrays, nothing


def test_payback_takes_ranges_and_keeps_never_apart() -> None:
    drift = sample("drift", -0.05, low=-0.3, high=0.1)
    found = api.payback_months(
        capex_usd=330e3,
        api_usd_per_month=25e3,
        own_usd_per_month=10e3,
        api_price_drift=drift,
        demand_growth=0,
        discount_rate=0.08,
        horizon_months=120,
    )
    assert found.unit == "month"
    assert 20 < found.low < found.base < 40
    assert found.high == inf


def test_nothing_known_is_nothing_found() -> None:
    assert isnan(api.payback_months(**CASE, api_price_drift=float("nan"), horizon_months=36))
    assert isnan(api.payback_months(**CASE, api_price_drift=0, horizon_months=float("nan")))
    assert api.break_even_utilization(usd_per_hour=10, tokens_per_hour=1e6, usd_per_mtok=0.0) == inf
    no_purchase = CASE | {"capex_usd": 0.0}
    assert api.payback_months(**no_purchase, api_price_drift=0, horizon_months=12) == 0

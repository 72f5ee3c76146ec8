"""Build versus API on whole plans: answers, magnitudes, gates, thresholds, awkward input."""

import math
import re
from functools import cache
from typing import Any

import numpy as np
import pytest

from llminfra import Scenario, evaluate
from llminfra.errors import InvalidInput
from llminfra.facets.build_vs_api import BuildVsApi, Comparison
from llminfra.plan import Plan
from llminfra.present.expression import vega
from llminfra.trace import Symbol
from tests.formulas import volumes as volumes_of

SERVICE: dict[str, Any] = {"tensor_parallel": 8, "in_flight": 100.0, "hosting": "owned"}
OFFICE = SERVICE | {"in_flight": None, "named_users": 100.0, "region": "DE", "currency": "EUR"}
RATE = SERVICE | {"in_flight": None, "requests_per_s": 6.4}
FRONTIER = {"api_usd_per_mtok_input": 2.0, "api_usd_per_mtok_output": 10.0}


@cache
def _plan(key: tuple[tuple[str, Any], ...]) -> Plan:
    return evaluate(Scenario(**dict(key)))


def plan(base: dict[str, Any], **changes: Any) -> Plan:
    given = {k: v for k, v in (base | changes).items() if v is not None}
    if any(isinstance(v, list) for v in given.values()):
        return evaluate(Scenario(**given))
    return _plan(tuple(sorted(given.items(), key=str)))


def result(base: dict[str, Any], **changes: Any) -> BuildVsApi:
    return plan(base, **changes).build_vs_api


def main(base: dict[str, Any], **changes: Any) -> Comparison:
    found = result(base, **changes).main
    assert found is not None
    return found


# Magnitudes and answers of design 13


def test_a_service_buys_tokens_of_its_own_model_and_builds_against_the_frontier() -> None:
    found = result(SERVICE)
    assert (found.against, found.outcome) == ("same_model", "beyond_capacity")
    assert found.outcome_frontier == "already_past"
    assert found.api_usd_per_month is not None
    assert found.api_usd_per_month.base == pytest.approx(3.9e3, rel=0.15)
    assert found.probability_self_host_cheaper is not None
    assert found.probability_self_host_cheaper < 0.05
    assert found.payback_months is None
    assert [p.code for p in plan(SERVICE).problems if p.code == "E-BE"] == ["E-BE"]


def test_an_office_is_far_from_either_break_even() -> None:
    found = result(OFFICE)
    assert (found.outcome, found.outcome_frontier) == ("beyond_capacity", "beyond_capacity")
    assert found.break_even_utilization is not None
    assert found.break_even_utilization.base > 5
    assert found.probability_self_host_cheaper == 0.0
    assert found.frontier is not None
    assert found.frontier.api.bill.usd_per_month.base == pytest.approx(168, rel=0.15)
    assert found.own_usd_per_month is not None
    assert found.own_usd_per_month.base == pytest.approx(14.5e3, rel=0.15)


def test_at_frontier_prices_a_service_has_paid_within_months() -> None:
    found = result(RATE, **FRONTIER)
    assert found.outcome == "already_past"
    assert found.payback_months is not None
    assert 1 <= found.payback_months.base <= 12
    assert found.npv_difference_usd is not None
    assert found.npv_difference_usd.base > 5e5
    assert found.probability_self_host_cheaper is not None
    assert found.probability_self_host_cheaper > 0.95
    assert not [p for p in plan(RATE, **FRONTIER).problems if p.code == "E-BE"]


def test_never_is_where_a_token_of_the_api_costs_less_than_own_electricity() -> None:
    cheap = {"api_usd_per_mtok_input": 0.001, "api_usd_per_mtok_output": 0.001}
    found = result(RATE, **cheap, electricity_usd_per_kwh=0.5)
    assert found.outcome == "never"
    assert found.break_even_utilization is not None
    assert found.break_even_utilization.base == math.inf
    (problem,) = [
        p for p in plan(RATE, **cheap, electricity_usd_per_kwh=0.5).problems if p.code == "E-BE"
    ]
    assert "at any volume" in problem.message
    assert len(problem.fixes) == 2


def test_a_small_service_breaks_even_at_a_volume_within_capacity() -> None:
    found = result(RATE, requests_per_s=0.5, **FRONTIER)
    assert found.outcome == "at_volume"
    assert found.break_even_tokens_per_month is not None
    low, high = found.break_even_set[0]
    assert found.break_even_tokens_per_month.base == pytest.approx(low)
    today = main(RATE, requests_per_s=0.5, **FRONTIER).own.mtok_today.base * 1e6
    assert today < low < high
    assert high == pytest.approx(
        main(RATE, requests_per_s=0.5, **FRONTIER).capacity_tokens_per_month.base
    )


# Properties on plans


def test_at_the_break_even_both_bills_agree() -> None:
    one = main(RATE, **FRONTIER)
    at = one.break_even_tokens_per_month.base / 1e6
    given = {name: values[0] for name, values in one.lines.items()}
    own = volumes_of.own_usd_per_month(
        **{n: given[n] for n in ("step_usd_per_month", "step_mtok_per_month", "own_usd_per_mtok")},
        mtok_per_month=[at],
    )
    api = volumes_of.api_usd_per_month(
        **{
            n: given[n]
            for n in ("fixed_usd_per_month", "api_usd_per_mtok", "minimum_usd_per_month")
        },
        mtok_per_month=[at],
    )
    assert own[0] == pytest.approx(api[0], rel=5e-3)
    assert at == pytest.approx(one.break_even_utilization.base * given["step_mtok_per_month"][0])


@pytest.mark.parametrize(
    ("fields", "sign"),
    [
        ({"api_usd_per_mtok_output": 20.0}, -1),
        ({"retry_fraction": 0.2}, -1),
        ({"tokenizer_ratio": 1.3}, -1),
        ({"reasoning_ratio": 3.0}, -1),
        ({"api_uplift_fraction": 0.1}, -1),
        ({"api_plan_usd_per_month": 2000.0}, -1),
        ({"cache_hit_fraction": 0.5, "api_usd_per_mtok_cached_input": 0.1}, 1),
        ({"vat_fraction": 0.19, "staff_fte": 0.0}, 0),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_each_part_of_the_bill_moves_the_break_even(fields: dict[str, Any], sign: int) -> None:
    before, after = (
        main(RATE, **(FRONTIER | given)).break_even_tokens_per_month.base for given in ({}, fields)
    )
    if sign:
        assert (after - before) * sign > 0
    else:
        assert after != before


def test_a_dearer_api_never_lowers_the_probability_of_own_machines() -> None:
    found = [
        result(RATE, api_usd_per_mtok_input=p, api_usd_per_mtok_output=5 * p)
        for p in (0.001, 0.05, 0.2, 0.5, 50.0)
    ]
    chances = [f.probability_self_host_cheaper for f in found]
    assert chances == sorted(chances, key=lambda chance: chance or 0)
    assert (chances[0], chances[-1]) == (0.0, 1.0)


def test_open_replicas_have_steps_filled_to_the_target_and_spares() -> None:
    half, most = (
        main(RATE, **FRONTIER, replicas="auto", target_utilization=u) for u in (0.35, 0.7)
    )
    assert len(half.own.carrying) >= 6
    assert half.own.installed(2) == 3
    ends, others = (one.lines["step_mtok_per_month"][0, 0] for one in (half, most))
    assert ends == pytest.approx(0.5 * others, rel=0.1)  # Poisson arrivals, places of a replica
    steps = half.lines["step_usd_per_month"][0]
    assert np.all(np.diff(steps) > 0)
    work = half.own.cost.begun_usd_per_month("owned").base / half.own.capacity.replicas
    assert steps[0] == pytest.approx(half.own.cost.steps([2])[0].base + 2 * work)
    assert steps[3] == pytest.approx(half.own.cost.steps([5])[0].base + 5 * work, rel=1e-6)


HALF_A_SERVER = {"accelerator": "h100-sxm", "precision": "fp8", "tensor_parallel": 4}
WAYS = ("owned", "on_demand", "spot", "dedicated_endpoint", "serverless", "reserved_1y")


@pytest.mark.parametrize("replicas", ["auto", 3])
@pytest.mark.parametrize("hosting", WAYS)
def test_the_curve_of_own_machines_passes_through_the_month_of_the_plan(
    hosting: str, replicas: Any
) -> None:
    """On the fleet that the plan has, in whole machines as they are sold."""
    one = main(RATE | HALF_A_SERVER, hosting=hosting, replicas=replicas)
    today, month = one.own.mtok_today.base, one.own.option.usd_per_month.base
    given = {name: values[0] for name, values in one.lines.items()}
    own = {n: given[n] for n in ("step_usd_per_month", "step_mtok_per_month", "own_usd_per_mtok")}
    ends = given["step_mtok_per_month"]
    volumes = sorted({today, *(end * part for end in ends[:5] for part in (0.4, 0.999))})
    steps = volumes_of.own_usd_per_month(**own, mtok_per_month=volumes)
    assert [float(one.own_line(v)) for v in volumes] == pytest.approx(list(steps), rel=0.01)
    # Of one's own servers, replicas that a server has room for draw power too.
    within = 0.03 if hosting == "owned" else 0.005
    assert float(one.own_line(today)) == pytest.approx(month, rel=within)


@pytest.mark.parametrize("replicas", ["auto", 1])
@pytest.mark.parametrize("hosting", ["owned", "on_demand", "serverless"])
def test_at_the_break_even_plans_evaluated_anew_cost_the_same(hosting: str, replicas: Any) -> None:
    asked = RATE | FRONTIER | {"hosting": hosting, "replicas": replicas}
    one = main(asked)
    ratio = one.break_even_tokens_per_month.base / 1e6 / one.own.mtok_today.base
    anew = plan(asked, requests_per_s=6.4 * ratio).cost
    months = [anew[name].usd_per_month.base for name in (hosting, "api_same_model")]
    assert months[0] == pytest.approx(months[1], rel=5e-3)


@pytest.mark.parametrize("hosting", WAYS)
@pytest.mark.parametrize("price", [0.05, 0.5, 5.0])
def test_past_the_break_even_is_where_the_month_is_cheaper(hosting: str, price: float) -> None:
    asked = {"hosting": hosting, "replicas": "auto"} | HALF_A_SERVER
    asked |= {"api_usd_per_mtok_input": price, "api_usd_per_mtok_output": price}
    one = main(RATE, **asked)
    saved = one.api.option.usd_per_month.base - one.own.option.usd_per_month.base
    assert (one.outcome == "already_past") == (saved >= 0)


def test_prices_of_apis_and_accelerators_drift_together() -> None:
    one = main(SERVICE)
    drift = one.api_price_drift.draws[1:]
    other = plan(SERVICE).facts_read_by("test").number("rental", "price_drift_per_year").draws[1:]
    assert np.corrcoef(drift, other)[0, 1] == pytest.approx(0.5, abs=0.1)
    assert one.api_price_drift.low == pytest.approx(-0.6, abs=0.06)
    assert one.api_price_drift.high == pytest.approx(0.1, abs=0.06)


def test_curves_of_the_page_pass_through_the_case_and_take_symbols() -> None:
    one = main(RATE, **FRONTIER)
    today = one.own.mtok_today.base
    assert one.own_line(today) == pytest.approx(one.own.option.usd_per_month.base, rel=0.03)
    assert one.api_line(today) == pytest.approx(one.api.option.usd_per_month.base, rel=1e-6)
    text = vega(one.own_line(Symbol("x"), hardware_price_ratio=Symbol("r")))
    assert "x" in text
    assert "r" in text


# Gates, options


def test_what_must_stay_inside_is_compared_with_nothing_and_says_so() -> None:
    kept = plan(SERVICE, allowed_options=["owned", "colocated"])
    found = kept.build_vs_api
    assert (found.outcome, found.against, found.main) == (None, "", None)
    assert found.reason == (
        "API of the same model: not among allowed_options; "
        "API of a frontier model: not among allowed_options"
    )
    assert found.npv_difference_usd is None
    assert found.flips == found.hybrids == found.exits == ()
    assert not [p for p in kept.problems if p.code == "E-GATE"]


def test_no_option_left_is_a_gate() -> None:
    none = plan(SERVICE, allowed_options=["api_same_model"], model="gpt-3-175b", hosting="auto")
    assert none.build_vs_api.main is None
    assert "E-GATE" in {p.code for p in none.problems}


def test_a_seller_without_the_model_leaves_the_frontier() -> None:
    found = result(SERVICE, api_provider="deepseek")
    assert found.same_model is None
    assert found.against == "frontier"
    assert found.outcome == found.outcome_frontier == "already_past"
    option = plan(SERVICE, api_provider="deepseek").cost["api_same_model"]
    assert option.reason.startswith("deepseek does not sell llama-3.3-70b")


def test_payback_is_only_against_a_purchase() -> None:
    found = main(RATE, **FRONTIER, hosting="on_demand")
    assert found.own.option.name == "on_demand"
    assert found.payback_range is None
    assert found.payback_months is None


def test_an_api_that_is_followed_is_compared_with_the_cheapest_own_way() -> None:
    found = main(SERVICE, hosting="api_same_model")
    assert found.own.option.name == "owned"


# Thresholds, mixtures, leaving, quality


def test_thresholds_turn_the_answer() -> None:
    found = result(RATE, **FRONTIER)
    flips = {flip.name: flip for flip in found.flips}
    assert [f.distance for f in found.flips] == sorted(f.distance for f in found.flips)
    one = main(RATE, **FRONTIER)
    assert flips["volume"].threshold == pytest.approx(one.break_even_tokens_per_month.base)
    price = flips["api_price"].threshold
    turned = main(RATE, api_usd_per_mtok_input=price / 1.02, api_usd_per_mtok_output=price / 1.02)
    months = [way.option.usd_per_month.base for way in (turned.api, turned.own)]
    assert months[0] == pytest.approx(months[1], abs=20)
    drift = flips["api_price_drift"].threshold - 1
    if math.isfinite(drift):
        at = main(RATE, **FRONTIER, api_price_drift=drift)
        assert at.npv_difference_usd.base == pytest.approx(0, abs=500)


def test_mixtures_stand_in_one_table_with_their_condition() -> None:
    rows = result(RATE).hybrids
    words = ("Base load", "20% inside", "Router", "Cascade", "Provisioned")
    assert all(row.name.startswith(word) for row, word in zip(rows, words, strict=True))
    assert all(row.condition for row in rows)
    # All of them on one boundary: the frontier alone is its month, all in.
    frontier = plan(RATE).cost["api_frontier"].usd_per_month.base
    assert [row.instead_usd_per_month for row in rows[2:4]] == pytest.approx([frontier] * 2)
    provisioned = rows[-1]
    assert provisioned.name == "Provisioned throughput, 100 units"
    assert "the ceiling of the bill by the token lies below this floor" in provisioned.condition
    assert not provisioned.wins


def test_base_load_leaves_peaks_to_the_api() -> None:
    busy = SERVICE | {"in_flight": None, "named_users": 30_000.0, "replicas": "auto"}
    row = result(busy, **FRONTIER).hybrids[0]
    assert math.isfinite(row.usd_per_month)
    assert "would carry" in row.condition


def test_leaving_early_costs_work_and_what_resale_does_not_return() -> None:
    own, bought = result(SERVICE, exit_after_months=12).exits
    assert bought.usd.base == 30 * 800
    assert own.usd.base != bought.usd.base
    late = result(SERVICE).exits
    assert late[0].usd.base == late[1].usd.base == 24_000
    counted = result(SERVICE, exit_after_months=12, exit_in_npv=True).npv_difference_usd
    plain = result(SERVICE, exit_after_months=12).npv_difference_usd
    assert counted is not None
    assert plain is not None
    assert counted.base != plain.base
    assert result(SERVICE).no_switching_charges_from == "2027-01-12"


def test_quality_is_not_assessed_unless_given() -> None:
    assert not result(RATE).is_quality_assessed
    assert result(RATE).accepted_answer_usd("self") is None
    found = result(RATE, quality_self=0.9, quality_api=0.95, failure_usd=1.0)
    own, bought = found.accepted_answer_usd("self"), found.accepted_answer_usd("api")
    assert own is not None
    assert bought is not None
    assert own.base - bought.base == pytest.approx(0.05, abs=0.01)


# Bad input


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"quality_self": 0.9}, "quality_api must be given"),
        ({"quality_self": 1.5, "quality_api": 0.9}, "quality_self must be a number from 0 to 1"),
        ({"api_price_drift": -1.0}, "api_price_drift must be"),
        ({"api_usd_per_mtok_input": 0.0, "api_usd_per_mtok_output": 1.0}, "from 0.0001 to 10,000"),
        ({"allowed_options": ["owned", "api"]}, "closest: api_frontier"),
        ({"api_provider": "ovhclowd"}, "closest: ovhcloud"),
    ],
)
def test_bad_input_is_one_line(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=re.escape(message)) as caught:
        Scenario(**fields)
    assert "\n" not in str(caught.value)


def test_results_are_plain_data() -> None:
    found = plan(RATE, **FRONTIER).to_dict()["build_vs_api"]
    assert found["outcome"] == "already_past"
    assert found["payback_months"]["unit"] == "month"

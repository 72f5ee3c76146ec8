"""The load over a week: what it means for the mean, the hours paid and the replicas needed."""

import pytest

from llminfra import Scenario, evaluate
from llminfra.errors import InvalidInput
from llminfra.explain.week import Weekly
from llminfra.facets.demand.week import PROFILES, week_of
from llminfra.plan import Plan

COUNTED = [0.0] * 8 + [120.0, 300.0, 400.0, 400.0, 200.0, 300.0, 400.0, 380.0, 240.0] + [0.0] * 7


def plan_of(**fields: object) -> Plan:
    base = {"model": "llama-3.3-70b", "accelerator": "a100-sxm-80", "tensor_parallel": 8}
    return evaluate(Scenario(**base | fields))


@pytest.mark.parametrize("name", PROFILES)
def test_a_named_week_has_168_shares_and_a_peak(name: str) -> None:
    week = week_of(name)
    assert len(week) == 168
    assert (min(week) >= 0, max(week)) == (True, 1.0)


def test_counts_of_a_day_are_shares_of_its_largest_hour() -> None:
    demand = plan_of(load_profile=COUNTED).demand
    assert demand.mean_fraction.base == pytest.approx(sum(COUNTED) / 400 / 24)
    assert demand.load_fraction.base == pytest.approx(9 / 24)
    assert demand.hours_on_per_week.base == 63


def test_always_is_the_plan_without_a_profile() -> None:
    plain, always = plan_of(), plan_of(load_profile="always")
    assert always.cost.usd_per_month.base == plain.cost.usd_per_month.base
    assert always.energy.kwh_per_month.base == plain.energy.kwh_per_month.base
    assert Weekly(always).runs == ()


def test_what_is_switched_off_is_not_paid_and_draws_nothing() -> None:
    off, on = plan_of(load_profile="office"), plan_of(load_profile="office", hours_on_per_week=168)
    assert off.energy.kwh_per_month.base < on.energy.kwh_per_month.base
    assert off.energy.requests_per_month.base == pytest.approx(on.energy.requests_per_month.base)
    rents = [plan.cost["on_demand"].parts["rent"].base for plan in (off, on)]
    assert rents[0] / rents[1] == pytest.approx(60 / 168)
    # Servers of one's own are paid for whether on or off.
    capital = [plan.cost["owned"].parts["capital"].base for plan in (off, on)]
    assert capital[0] == capital[1]


def test_a_short_week_turns_buying_into_renting() -> None:
    always, office = plan_of(), plan_of(load_profile="office")
    for plan, cheaper in ((always, "owned"), (office, "on_demand")):
        months = {n: plan.cost[n].usd_per_month.base for n in ("owned", "on_demand")}
        assert min(months, key=lambda name: months[name]) == cheaper


def test_each_hour_needs_no_more_than_the_peak_and_nothing_where_nothing_is_asked() -> None:
    weekly = Weekly(plan_of(load_profile=COUNTED, in_flight=3000, replicas="auto"))
    most = weekly.plan.capacity.replicas
    assert max(weekly.replicas) == most
    assert [weekly.replicas[hour] == 0 for hour in range(24)] == [n == 0 for n in COUNTED]
    by_load = sorted(zip(COUNTED * 7, weekly.replicas, strict=True))
    assert [n for _, n in by_load] == sorted(weekly.replicas)
    always, off, fewer = (run.usd_per_month.base for run in weekly.runs)
    assert always > off > fewer
    rent = weekly.plan.cost["on_demand"].parts["rent"].base
    hours = sum(weekly.replicas) / most
    assert fewer == pytest.approx(off - rent * (1 - hours / 63))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"load_profile": "ofice"}, r"load_profile must be a known id, got 'ofice'; closest: offi"),
        ({"load_profile": [1.0] * 23}, "24 or 168 numbers, one an hour, got 23 of them"),
        ({"load_profile": [1.0] * 23 + [-1.0]}, r"numbers of 0 and above, got -1\.0"),
        ({"load_profile": [float("inf")] * 24}, "numbers of 0 and above, got inf"),
        ({"load_profile": [0.0] * 24}, "one is above 0, got 0 in each hour"),
        ({"load_profile": "office", "named_users": 10}, "load_profile must go with in_flight"),
        ({"load_profile": "office", "load_hours_per_week": 50}, "stated once, got load_profile"),
    ],
)
def test_a_week_that_is_none_is_one_line(fields: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        plan_of(**fields)

"""Provisioned units as an option: floor and ceiling, gates, break-even, decision."""

import re
from typing import Any

import numpy as np
import pytest

from llminfra import Plan, Scenario, evaluate
from llminfra.errors import InvalidInput

SERVER: dict[str, Any] = {"tensor_parallel": 8}
OWN_UNITS = {"provisioned_usd_per_unit_hour": 1.0, "provisioned_tokens_per_minute": 20_000.0}
CALLS = {  # goldens B05: ten calls a minute of gpt-4.1, 4,000 tokens in and 500 out
    "requests_per_s": 10 / 60,
    "prompt_tokens": 4000.0,
    "output_tokens": 500.0,
    "retry_fraction": 0.0,
    "api_provider": "openai",
    "api_model": "gpt-4.1",
}


def plan(**fields: Any) -> Plan:
    """One scenario with 8 cards."""
    return evaluate(Scenario(**(SERVER | fields)))


@pytest.mark.parametrize(
    ("fields", "each", "months"),
    [
        ({"provisioned_term": "hour"}, 730 * 1.0, 0),
        ({"provisioned_term": "month"}, 260.0, 1),
        ({}, 221.0, 12),
        ({"region": "DE"}, 730 * 1.1, 0),
        ({"region": "DE", "residency": "national"}, 730 * 2.0, 0),
    ],
    ids=["hour", "month", "auto-is-a-year", "eu-data-zone", "one-region"],
)
def test_a_unit_costs_what_its_term_and_zone_ask(
    fields: dict[str, Any], each: float, months: int
) -> None:
    option = plan(**fields).cost["provisioned"]
    assert option.parts["tokens"].base == pytest.approx(100 * each)  # the least that is sold
    assert option.commitment_months == months
    assert option.price.remark.startswith("100 units ")
    assert option.price_as_of == "2026-10"


def test_units_of_ten_calls_a_minute_goldens_b05() -> None:
    found = plan(**CALLS, provisioned_term="hour").cost["provisioned"]
    assert found.price.remark.startswith("20 units")
    assert found.parts["tokens"].base == pytest.approx(20 * 730)


def test_it_is_unavailable_with_its_reason_where_no_price_is_known() -> None:
    option = plan(model="llama-3.1-8b").cost["provisioned"]
    assert not option.feasible
    assert "give provisioned_usd_per_unit_hour and provisioned_tokens_per_minute" in option.reason
    late = plan(region="DE", provisioned_term="year").cost["provisioned"]
    assert late.reason.endswith("set provisioned_term to hour")


def test_your_own_price_makes_it_an_option() -> None:
    option = plan(model="llama-3.1-8b", **OWN_UNITS).cost["provisioned"]
    assert option.feasible
    assert option.price_source == "your price"


def test_the_floor_is_paid_however_little_is_asked() -> None:
    few = plan(requests_per_s=0.001).cost["provisioned"]
    many = plan(requests_per_s=3.0).cost["provisioned"]
    assert few.parts["tokens"].base == many.parts["tokens"].base


def test_its_gates_are_those_of_a_managed_endpoint() -> None:
    found = plan(data_classes=["personal", "special"], sectors=["health"]).compliance
    assert found.gates["provisioned"] == found.gates["dedicated_endpoint"]
    inside = plan(policies=["inside"])
    assert inside.cost["provisioned"].is_blocked
    assert "azure-provisioned" not in str(inside.facts_read_by("cost").ledger)


def test_it_can_be_the_recommendation_and_its_floor_is_what_turns_it() -> None:
    decided = plan(hosting="provisioned").decision
    assert (decided.recommendation, decided.option) == ("managed", "provisioned")
    assert decided.flips[0].name == "tokens_usd_per_month"
    alone = plan(allowed_options=["provisioned"])
    assert alone.decision.option == "provisioned"
    assert alone.decision.chosen_option is alone.cost["provisioned"]


def test_own_machines_break_even_step_against_step() -> None:
    found = plan(model="deepseek-r1", accelerator="h200-sxm").build_vs_api.provisioned
    assert found is not None
    one, today = found.one, found.one.own.mtok_today.base
    ends, bills = found.units.steps(3.0)
    assert np.all(np.diff(ends) > 0)
    own, full = (one.lines[f"step_{n}_per_month"][0] for n in ("usd", "mtok"))
    beside = (found.option.usd_per_month - found.option.parts["tokens"]).base
    for volume in np.linspace(0.05, 1.0, 40) * min(full[-1], ends[-1] * today):
        machines = own[np.searchsorted(full, volume)] + volume * one.own.usd_per_mtok.base
        units = bills[np.searchsorted(ends * today, volume)] + beside
        is_inside = any(low <= volume <= high for low, high in found.intervals_mtok)
        assert is_inside == (machines <= units)


def test_above_its_use_the_floor_beats_tokens() -> None:
    """Azure asks 0.77 USD a million for the same model: 221 USD a unit are 1.77 times full use."""
    found = plan().build_vs_api.provisioned
    assert found is not None
    at_full = found.units.mtok_per_unit_month.base * 0.77
    assert found.break_even_utilization == pytest.approx(221 / at_full)
    assert found.break_even_utilization > 1
    mixture = plan().build_vs_api.hybrids[-1]
    assert mixture.usd_per_month == plan().cost["provisioned"].usd_per_month.base


def test_leaving_early_costs_the_rest_of_the_term() -> None:
    found = plan(hosting="provisioned", exit_after_months=4)
    assert found.decision.exit(found.cost["provisioned"]).remaining_months == 8


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"hosting": "provisoned"}, "provisioned"),
        ({"allowed_options": ["provisoned"]}, "closest: provisioned"),
        ({"provisioned_term": "years"}, "provisioned_term"),
        ({"provisioned_usd_per_unit_hour": 1.0}, "provisioned_tokens_per_minute must be given"),
        ({"provisioned_tokens_per_minute": 9.0}, "provisioned_usd_per_unit_hour must be given"),
    ],
)
def test_bad_input_is_one_line(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=re.escape(message)) as caught:
        Scenario(**fields)
    assert "\n" not in str(caught.value)

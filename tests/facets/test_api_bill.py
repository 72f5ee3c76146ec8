"""The bill of an API for the scenario's month: sellers, lanes, caches, contracts, regions."""

import datetime as dt
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llminfra.catalog.facts import Facts
from llminfra.errors import InvalidInput
from llminfra.facets.cost.api import YOUR_PRICE, ApiBill, ApiBills, Load, api_bills, check
from llminfra.facets.cost.api_inputs import ApiInputs
from llminfra.ranges import exact

ApiInputs.model_rebuild()
TODAY = dt.date(2026, 11, 29)
OFFICE, SERVICE = 43_452.0, 8.4 * 3600 * 730
OWN = {"api_usd_per_mtok_input": 2.0, "api_usd_per_mtok_output": 10.0}


def load(requests: float = SERVICE, context: float = 700) -> Load:
    return Load(exact(requests), exact(400.0), exact(300.0), context)


def bills(
    region: str = "US", *, asked: Load | None = None, facts: Facts | None = None, **fields: Any
) -> ApiBills:
    inputs = ApiInputs(**fields)
    check(inputs)
    known = facts or Facts(user="cost")
    return api_bills(inputs, known, load=asked or load(), region=region, on=TODAY)


def same(region: str = "US", **given: Any) -> ApiBill:
    found = bills(region, **given).same_model
    assert found is not None
    return found


def usd(**given: Any) -> float:
    return same(**given).usd_per_month.base


# Magnitudes of design 13


def test_a_service_pays_the_cheapest_host_and_the_median_of_three() -> None:
    found = bills()
    assert same().name == "novita"
    assert same().usd_per_month.base == pytest.approx(3.9e3, rel=0.01)
    hosts = [b.usd_per_month.base for b in found.all if b.offer and b.offer.use == "yes"]
    assert max(hosts) == pytest.approx(14.7e3, rel=0.01)
    assert found.frontier is not None
    assert found.frontier.usd_per_month.base == pytest.approx(86e3, rel=0.01)
    assert len(found.frontier.notes) == 3


def test_an_office_in_germany_pays_a_host_that_processes_in_the_eu() -> None:
    found = bills("DE", asked=load(OFFICE))
    assert found.same_model is not None
    assert found.same_model.name == "ovhcloud"
    assert 8 <= found.same_model.usd_per_month.base <= 29
    assert found.frontier is not None
    # List prices, and a tenth more for processing in the EU.
    assert found.frontier.usd_per_month.base == pytest.approx(1.1 * 168.4, rel=0.01)
    left_out = {b.name: b.reason for b in found.all if b.reason}
    assert left_out["novita"] == "novita is not known to process in the EU"


def test_processing_in_the_eu_costs_what_the_seller_adds() -> None:
    one, other = (next(b for b in bills(region).all if b.name == "aws") for region in ("US", "FR"))
    assert other.usd_per_month.base == pytest.approx(1.1 * one.usd_per_month.base)
    given = next(b for b in bills("FR", api_uplift_fraction=0.25).all if b.name == "aws")
    assert given.usd_per_month.base == pytest.approx(1.25 * one.usd_per_month.base)


def test_a_host_must_take_the_longest_request() -> None:
    found = bills(asked=load(context=128_001))
    assert found.same_model is not None
    assert found.same_model.name == "groq"  # which states no limit
    reasons = {b.name: b.reason for b in found.all if b.reason}
    assert reasons["novita"] == "takes 12,288 tokens at most, 128,001 are asked for"
    assert "aws" in reasons


# Own prices, own seller


def test_own_prices_take_the_place_of_all_sellers() -> None:
    found = bills(**OWN)
    assert found.same_model is not None
    assert found.same_model.name == YOUR_PRICE
    assert found.same_model.usd_per_month.base == pytest.approx(86e3, rel=0.01)
    assert found.same_model.price_source == "scenario"
    assert [b.name for b in found.all if b.offer is None] == [YOUR_PRICE]


def test_a_named_seller_is_taken_in_any_region_and_the_others_are_told() -> None:
    found = bills("DE", api_provider="novita")
    assert found.same_model is not None
    assert found.same_model.name == "novita"
    assert {b.reason for b in found.all if b.name == "aws"} == {"the scenario names novita"}


def test_a_seller_without_the_model_is_no_api_with_its_reason() -> None:
    found = bills(api_provider="deepseek")
    assert found.same_model is None
    assert found.reason_same_model.startswith("deepseek does not sell llama-3.3-70b; sellers: aws")


def test_a_model_that_nobody_sells_says_so() -> None:
    found = bills(model="gpt-3-175b")
    assert found.same_model is None
    assert found.reason_same_model == ("nobody in the list of prices sells gpt-3-175b by the token")
    assert found.frontier is not None


def test_any_model_of_a_seller_can_be_named() -> None:
    facts = Facts(user="cost")
    found = bills(facts=facts, api_provider="openai", api_model="gpt-5-mini")
    assert found.same_model is not None
    assert found.same_model.usd_per_month.base == pytest.approx(
        SERVICE * 1.02 * (400 * 0.25 + 300 * 2) / 1e6
    )
    assert "openai/gpt-5-mini.input_usd_per_mtok" in {read.fact.key for read in facts.ledger}


# Each part of the bill changes it


@pytest.mark.parametrize(
    ("fields", "direction"),
    [
        ({"retry_fraction": 0.1}, 1),
        ({"tokenizer_ratio": 1.3}, 1),
        ({"reasoning_ratio": 4.0}, 1),
        ({"api_uplift_fraction": 0.1}, 1),
        ({"priority_fraction": 0.5}, 1),
        ({"batch_fraction": 0.5}, -1),
        ({"cache_hit_fraction": 0.5}, -1),
        ({"cache_write_fraction": 0.2}, 1),
        ({"api_minimum_usd_per_month": 1e6}, 1),
        ({"api_plan_usd_per_month": 500.0}, 1),
        ({"api_plan_usd_per_month": 1.0, "api_plan_included_usd_per_month": 50.0}, -1),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else str(value),
)
def test_each_part_moves_the_bill(fields: dict[str, Any], direction: int) -> None:
    seller = {"api_provider": "openai", "api_model": "gpt-6.1-sol"}
    before, after = usd(**seller), usd(**seller, **fields)
    assert (after - before) * direction > 0


def test_long_prompts_cost_the_long_price() -> None:
    seller = {"api_provider": "openai", "api_model": "gpt-6.1-sol"}
    short, long = (
        same(asked=Load(exact(1e3), exact(tokens), exact(300.0), tokens), **seller)
        for tokens in (272_000.0, 272_001.0)
    )
    assert short.prices is not None
    assert long.prices is not None
    assert long.prices.input_usd_per_mtok.base == 2 * short.prices.input_usd_per_mtok.base


def test_cache_storage_is_billed_where_the_seller_charges_for_it() -> None:
    seller = {"api_provider": "google", "api_model": "gemini-4-argon"}
    without, stored = usd(**seller), usd(**seller, cache_storage_mtok_hours=730.0)
    assert stored - without == pytest.approx(730 * 0.5)
    openai = {"api_provider": "openai", "api_model": "gpt-6.1-sol"}
    assert usd(**openai) == usd(**openai, cache_storage_mtok_hours=730.0)


def test_a_seller_without_a_batch_lane_gives_no_discount_and_says_so() -> None:
    found = same(api_provider="novita", batch_fraction=0.5)
    assert found.usd_per_month.base == usd(api_provider="novita")
    assert found.notes == (
        "novita: meta-llama/llama-3.3-70b-instruct has no batch lane in genai-prices 0.2.3",
    )


def test_a_contract_is_for_the_same_model_alone() -> None:
    least = bills(api_minimum_usd_per_month=1e6)
    assert least.same_model is not None
    assert least.frontier is not None
    assert least.same_model.usd_per_month.base == 1e6
    assert least.same_model.metered_usd_per_month.base < 5e3
    assert least.frontier.usd_per_month.base < 1e5


@given(st.floats(0, 1e7), st.floats(0, 1e7))
def test_a_request_more_adds_what_the_bill_says(one: float, other: float) -> None:
    found = [same(asked=load(requests)) for requests in (one, other)]
    added = found[1].usd_per_month.base - found[0].usd_per_month.base
    assert added == pytest.approx((other - one) * found[0].usd_per_request.base, abs=1e-6)


# Bad input: one line


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"api_usd_per_mtok_input": 2.0}, "api_usd_per_mtok_output must be given"),
        ({"api_usd_per_mtok_cached_input": 2.0}, "api_usd_per_mtok_input must be given"),
        ({"cache_hit_fraction": 0.7, "cache_write_fraction": 0.4}, "must be at most 1, got 1.1"),
        ({"batch_fraction": 0.7, "priority_fraction": 0.4}, "must be at most 1, got 1.1"),
        ({"api_provider": "opanai"}, "closest: openai"),
        ({"api_model": "gpt-5-mini"}, "needs its api_provider"),
    ],
)
def test_bad_input_is_one_line(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=re.escape(message)) as caught:
        check(ApiInputs(**fields))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "fields",
    [
        {"api_usd_per_mtok_input": 0.0},
        {"api_price_drift": -1.0},
        {"api_price_drift": -2.5},
        {"retry_fraction": 1.5},
        {"reasoning_ratio": 0.5},
    ],
)
def test_impossible_values_are_out_of_range(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="out of range"):
        ApiInputs(**fields)

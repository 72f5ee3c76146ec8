"""Prices by the token: the mapping, the lanes, the tiers, where each seller processes."""

import datetime as dt
import re
from decimal import Decimal
from typing import Any

import genai_prices
import pytest
from genai_prices import Usage
from genai_prices.data import providers

from llminfra.catalog.api_prices import (
    Offer,
    all_offers,
    context_tokens,
    frontier,
    offers,
    price_fact,
    price_rows,
    terms,
    token_prices,
    why_not_in,
)
from llminfra.catalog.current import current_fact
from llminfra.catalog.facts import BaseFacts, Facts
from llminfra.catalog.loader import (
    all_facts,
    api_offer_rows,
    fact_from_override,
    model_entries,
    sources,
)
from llminfra.catalog.price_bundle import KINDS, LANES, bundled_price, package, read_on
from llminfra.errors import InvalidInput, MissingFact

TODAY = dt.date(2026, 11, 23)
USAGE = {"input_tokens": 1_000_000, "cache_read_tokens": 400_000, "output_tokens": 200_000}
OFFERS = [pytest.param(row["id"], id=row["id"]) for row in api_offer_rows().values()]
SELLERS: dict[str, Any] = {seller.id: seller for seller in providers}


def offer(offer_id: str) -> Offer:
    return next(found for found in all_offers() if found.id == offer_id)


# Golden numbers of the package: 1 M tokens in, 0.4 M of them cached, 0.2 M out.


@pytest.mark.parametrize(
    ("lane", "usd"),
    [("standard", "0.56"), ("batch", "0.28"), ("priority", "1.008")],
    ids=["genai-prices-0.2.3-standard", "genai-prices-0.2.3-batch", "genai-prices-0.2.3-priority"],
)
def test_bill_of_gpt_5_mini(lane: str, usd: str) -> None:
    when = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
    theirs = genai_prices.calc_price(
        Usage(**USAGE),
        "gpt-5-mini",
        provider_id="openai",
        genai_request_timestamp=when,
        price_context=LANES[lane],
    )
    assert theirs.total_price == Decimal(usd)
    price = bundled_price("openai", "gpt-5-mini", TODAY, lane)
    assert price is not None
    own = 0.6 * price.usd_per_mtok["input"] + 0.4 * price.usd_per_mtok["cached_input"]
    own += 0.2 * price.usd_per_mtok["output"]
    assert own == pytest.approx(float(usd), abs=1e-12)


def test_an_earlier_day_has_the_earlier_price() -> None:
    """The same usage of gpt-5.6-luna, a long prompt: 3.08 USD in July, 0.616 USD now."""
    bills = []
    for on in (dt.date(2026, 7, 1), TODAY):
        price = bundled_price("openai", "gpt-5.6-luna", on)
        assert price is not None
        usd = price.long_usd_per_mtok
        bills.append(0.6 * usd["input"] + 0.4 * usd["cached_input"] + 0.2 * usd["output"])
    assert bills == pytest.approx([3.08, 0.616])


# The mapping


def test_every_model_is_in_the_catalogue_and_every_source_known() -> None:
    for row in api_offer_rows().values():
        assert row["model"] in model_entries() or row["use"] == "frontier", row
        assert row["use"] in ("yes", "variant", "frontier"), row
        assert row["source"] in sources()
        assert re.fullmatch(r"[a-z0-9][a-z0-9._-]*", row["id"])
    assert list(api_offer_rows()) == sorted(api_offer_rows())


@pytest.mark.parametrize("offer_id", OFFERS)
def test_each_offer_is_found_under_its_own_name_and_costs_something(offer_id: str) -> None:
    found = offer(offer_id)
    prices = token_prices(Facts(), found, on=TODAY)
    assert 0 < prices.input_usd_per_mtok.base < 20
    assert prices.input_usd_per_mtok.base <= prices.output_usd_per_mtok.base * 1.0001
    assert prices.cached_input_usd_per_mtok.base <= prices.input_usd_per_mtok.base
    if found.use != "variant":
        assert prices.cache_write_usd_per_mtok.base >= prices.input_usd_per_mtok.base
    assert ":free" not in found.model_id


@pytest.mark.parametrize("offer_id", OFFERS)
def test_the_context_is_the_packages(offer_id: str) -> None:
    found = offer(offer_id)
    model = SELLERS[found.provider].find_model(found.model_id)
    assert model.context_window == found.context_tokens
    assert not model.deprecated


@pytest.mark.parametrize("offer_id", OFFERS)
def test_lanes_are_cheaper_or_dearer_as_their_name_says(offer_id: str) -> None:
    found = offer(offer_id)
    standard = bundled_price(found.provider, found.model_id, TODAY)
    assert standard is not None
    for lane, least, most in (("batch", 0.4, 1.0), ("flex", 0.4, 1.0), ("priority", 1.0, 3.0)):
        price = bundled_price(found.provider, found.model_id, TODAY, lane)
        for kind in ("input", "output") if price else ():
            assert price is not None
            ratio = price.usd_per_mtok[kind] / standard.usd_per_mtok[kind]
            assert least <= ratio <= most, (lane, kind)


@pytest.mark.parametrize("offer_id", OFFERS)
def test_there_is_one_tier_for_long_prompts_at_most(offer_id: str) -> None:
    found = offer(offer_id)
    model = SELLERS[found.provider].find_model(found.model_id)
    prices = model.get_prices(dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC))
    tiers = [getattr(getattr(prices, name), "tiers", []) for name in KINDS.values()]
    assert max(map(len, tiers)) <= 1
    assert len({tier.start for found in tiers for tier in found}) <= 1


def test_fireworks_has_its_prefix_and_the_short_name_finds_nothing() -> None:
    ours = [row for row in api_offer_rows().values() if row["provider"] == "fireworks"]
    assert len(ours) > 10
    assert all(row["model_id"].startswith("accounts/fireworks/models/") for row in ours)
    with pytest.raises(MissingFact, match="does not list gpt-oss-120b of fireworks"):
        bundled_price("fireworks", "gpt-oss-120b", TODAY)


def test_a_rule_of_likeness_may_not_choose_another_model() -> None:
    with pytest.raises(MissingFact, match="does not list gpt-5-mini-2025-08-07"):
        bundled_price("openai", "gpt-5-mini-2025-08-07", TODAY)


def test_a_free_tier_is_no_price() -> None:
    with pytest.raises(MissingFact, match="without a price"):
        bundled_price("azure", "phi-4-reasoning:free", TODAY)


# Through the one door


def test_reads_are_noted_with_id_version_and_start() -> None:
    facts = Facts(user="cost")
    flash = next(o for o in offers("deepseek-v4-flash") if o.provider == "deepseek")
    prices = token_prices(facts, flash, on=TODAY)
    assert prices.started == dt.date(2026, 9, 10)
    read = next(r for r in facts.ledger if r.fact.key.endswith(".input_usd_per_mtok"))
    assert read.users == ["cost"]
    assert (read.fact.source, read.fact.as_of) == ("genai-prices", read_on())
    assert "deepseek deepseek-v4-flash, genai-prices 0.2.3, in force since 2026-09-10" in (
        read.fact.note
    )
    assert read.fact.unit == "USD/Mtoken"
    assert read.fact.is_stale(dt.date(2027, 3, 1))
    assert not read.fact.is_stale(dt.date(2026, 12, 1))


def test_a_scenarios_own_price_wins() -> None:
    key = "openai-gpt-6.1-sol:batch.input_usd_per_mtok"
    given = {"value": 0.8, "source": "contract 12", "as_of": "2026-11-01"}
    facts = Facts({key: fact_from_override(key, given)})
    sol = frontier()[-1]
    assert token_prices(facts, sol, on=TODAY, lane="batch").input_usd_per_mtok.base == 0.8
    assert token_prices(facts, sol, on=TODAY).input_usd_per_mtok.base == 2.0


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("openai-gpt-6.1-soul.input_usd_per_mtok", "openai-gpt-6.1-sol"),
        ("openai-gpt-6.1-sol.input_usd", "input_usd_per_mtok"),
    ],
)
def test_a_misspelt_price_names_the_closest(key: str, message: str) -> None:
    given = {"value": 0.8, "source": "contract 12", "as_of": "2026-11-01"}
    with pytest.raises(InvalidInput, match=re.escape(message)):
        fact_from_override(key, given)


@pytest.mark.parametrize("value", [0, -1, 1e9])
def test_a_price_of_nothing_is_refused_in_one_line(value: float) -> None:
    given = {"value": value, "source": "contract 12", "as_of": "2026-11-01"}
    with pytest.raises(InvalidInput, match=r"from 0\.0001 to 10000 USD/Mtoken, got"):
        fact_from_override("openai-gpt-6.1-sol.input_usd_per_mtok", given)


def test_long_prompts_have_keys_of_their_own() -> None:
    facts = Facts()
    token_prices(facts, frontier()[-1], on=TODAY, prompt_tokens=272_001)
    assert all(":long." in read.fact.key for read in facts.ledger)
    for read in facts.ledger:
        assert price_fact(read.fact.key, TODAY) == read.fact
        assert current_fact(read.fact.key, TODAY) == read.fact
    below = token_prices(Facts(), frontier()[-1], on=TODAY, prompt_tokens=272_000)
    assert below.input_usd_per_mtok.base == 2.0


@pytest.mark.parametrize("key", ["nobody.input_usd_per_mtok", "groq-qwen3-32b:batch.no_field"])
def test_a_key_of_nothing_is_none(key: str) -> None:
    assert current_fact(key, TODAY) is None


def test_base_facts_read_the_same_prices() -> None:
    sol = frontier()[-1]
    assert (
        token_prices(BaseFacts(), sol, on=TODAY).output_usd_per_mtok.base
        == token_prices(Facts(), sol, on=TODAY).output_usd_per_mtok.base
    )


def test_context_is_a_fact_too() -> None:
    facts = Facts(user="cost")
    novita = next(o for o in offers("llama-3.3-70b") if o.provider == "novita")
    found = context_tokens(facts, novita)
    assert found is not None
    assert found.base == 12288
    assert facts.ledger[0].fact.key == "novita-llama-3.3-70b-instruct.context_tokens"
    assert current_fact(facts.ledger[0].fact.key) == facts.ledger[0].fact
    together = next(o for o in offers("llama-3.3-70b") if o.provider == "together")
    assert context_tokens(facts, together) is None


def test_a_seller_without_the_lane_says_so() -> None:
    ovh = next(o for o in offers("llama-3.3-70b") if o.provider == "ovhcloud")
    with pytest.raises(MissingFact, match="has no batch lane in genai-prices"):
        token_prices(Facts(), ovh, on=TODAY, lane="batch")


def test_list_of_prices_has_every_offer() -> None:
    rows = list(price_rows(TODAY))
    assert {row["model_id"] for row in rows} == {r["model_id"] for r in api_offer_rows().values()}
    assert {row["source"] for row in rows} == {package()}
    assert {row["lane"] for row in rows} >= {"standard", "batch", "priority"}


# Where


def test_llama_3_3_70b_in_germany_is_sold_by_hosts_that_process_in_the_eu() -> None:
    taken = [o.provider for o in offers("llama-3.3-70b") if not why_not_in(Facts(), o, "DE")]
    assert taken == ["aws", "ovhcloud"]
    assert len([o for o in offers("llama-3.3-70b") if not why_not_in(Facts(), o, "US-VA")]) == 8


def test_china_is_left_out_elsewhere() -> None:
    deepseek = next(o for o in offers("deepseek-v4-pro") if o.provider == "deepseek")
    assert why_not_in(Facts(), deepseek, "US") == "deepseek processes in China"
    assert why_not_in(Facts(), deepseek, "FR") == "deepseek does not process in the EU"
    assert why_not_in(Facts(), deepseek, "CN") == ""


def test_terms_of_every_seller_in_the_table_are_complete() -> None:
    sellers = {key.rpartition(".")[0] for key in all_facts() if key.startswith("api-")}
    for seller in sellers - {"api-google", "api-market"}:  # a caching fee, and nobody
        found = terms(Facts(), seller.removeprefix("api-"))
        assert found.eu_processing in ("yes", "option", "no", "unknown")
        assert "unknown" not in (found.served, found.operator_seat)
        assert found.eu_surcharge_ratio.base >= 1
    assert terms(Facts(), "anthropic").eu_surcharge_ratio.base == 1.1
    assert terms(Facts(), "nobody").eu_surcharge_ratio.base == 1.0

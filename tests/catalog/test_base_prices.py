"""Base prices: the exact card, a whole replica, a contract, the part of the world, the age."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from llminfra.catalog import base_prices
from llminfra.catalog.base_prices import Need, misses_shortage
from llminfra.catalog.loader import Fact
from llminfra.catalog.prices import Machine, Rental, Tariff, machines, rentals, tariffs
from llminfra.errors import InvalidInput, MissingFact

DAY = dt.date(2026, 11, 29)


def fact(value: float, as_of: str, unit: str = "USD/h", age: int = 180, **extra: Any) -> Fact:
    given = {"source": "s", "confidence": "vendor"} | extra
    return Fact(
        key=f"k{value}-{as_of}.p", value=value, unit=unit, as_of=as_of, max_age_days=age, **given
    )


def rental(price: float, *, as_of: str = "2026-10-01", **extra: Any) -> Rental:
    given: dict[str, Any] = {
        "provider": "p", "region": "US", "areas": ("north-america",), "offer": "on-demand",
        "accelerator": "h100-sxm", "accelerators": 8,
    }  # fmt: skip
    unit = extra.pop("unit", "USD/h")
    return Rental(fact=fact(price, as_of, unit), **(given | extra))


def need(**extra: Any) -> Need:
    given: dict[str, Any] = {
        "accelerator": "h100-sxm", "replica_accelerators": 8, "replicas": 1,
        "server_accelerators": 8, "as_of": DAY, "area": "north-america",
    }  # fmt: skip
    return Need(**(given | extra))


def usd_per(currency: str) -> float:
    return {"USD": 1.0, "EUR": 1.1172}[currency]


def chosen(offers: list[Rental], **extra: Any) -> base_prices.Base[Rental]:
    by_card = extra.pop("by_card", False)
    offer = extra.pop("offer", "on-demand")
    return base_prices.rented(offers, need(**extra), offer=offer, usd_per=usd_per, by_card=by_card)


def test_the_cheapest_is_taken_and_not_a_mean() -> None:
    found = chosen([rental(30), rental(20, provider="q"), rental(25, provider="r")])
    assert found.price.fact.value == 20
    assert len(found.others) == 2


def test_another_card_is_never_taken_however_cheap() -> None:
    offers = [rental(30), rental(1, accelerator="h100-pcie"), rental(1, accelerator="h100")]
    assert chosen(offers).price.fact.value == 30
    with pytest.raises(MissingFact, match="no provider publishes a price of h100-sxm"):
        chosen(offers[1:])


def test_single_cards_side_by_side_hold_no_replica() -> None:
    with pytest.raises(MissingFact, match="no machine of 8 × h100-sxm is offered"):
        chosen([rental(2, accelerators=1)])
    assert chosen([rental(2, accelerators=1)], replica_accelerators=1).machines == 1


def test_a_replica_that_spans_servers_takes_whole_ones() -> None:
    found = chosen([rental(20), rental(2, accelerators=4)], replica_accelerators=16, replicas=3)
    assert (found.machines, found.price.accelerators) == (6, 8)


def test_small_machines_win_where_they_cost_less_for_the_whole_fleet() -> None:
    offers = [rental(20), rental(4, accelerators=1, provider="q")]
    assert chosen(offers, replica_accelerators=1, replicas=2).price.accelerators == 1
    assert chosen(offers, replica_accelerators=1, replicas=8).price.accelerators == 8


@pytest.mark.parametrize("offer", ["community", "marketplace", "average", "restricted"])
def test_an_offer_without_a_contract_is_never_taken(offer: str) -> None:
    assert chosen([rental(30), rental(1, offer=offer)]).price.fact.value == 30


def test_the_part_of_the_world_counts_unless_the_user_names_a_place() -> None:
    offers = [rental(30), rental(10, provider="q", region="FI", areas=("europe",))]
    assert chosen(offers).price.fact.value == 30
    assert chosen(offers, area="europe").price.fact.value == 10
    assert chosen(offers, provider="q").price.fact.value == 10
    assert chosen(offers, cloud_region="US").price.fact.value == 30
    with pytest.raises(MissingFact, match="in asia; published: p US, q FI"):
        chosen(offers, area="asia")


def test_unknown_places_are_answered_with_the_closest() -> None:
    with pytest.raises(InvalidInput, match="provider must be a known id, got 'lamda'; closest: la"):
        base_prices.check_names(rentals(), "lamda", None)
    with pytest.raises(InvalidInput, match=r"cloud_region must be a known id.*europe-west4"):
        base_prices.check_names(rentals(), "gcp", "europe-west44")
    base_prices.check_names(rentals(), "gcp", "europe-west4")


def test_stale_prices_give_way_and_are_marked_where_nothing_else_is_there() -> None:
    old, older = rental(10, as_of="2026-01-01"), rental(5, as_of="2025-01-01", provider="q")
    assert chosen([rental(30), old, older]).price.fact.value == 30
    found = chosen([old, older])
    assert (found.price.fact.value, found.is_stale) == (10, True)


def test_of_one_offer_the_newest_price_known_on_the_day_counts() -> None:
    offers = [rental(3.49, as_of="2026-09-25"), rental(3.99, as_of="2026-11-09")]
    assert chosen(offers).price.fact.value == 3.99
    assert chosen(offers, as_of=dt.date(2026, 10, 1)).price.fact.value == 3.49
    assert chosen(offers, as_of=dt.date(2026, 1, 1)).price.fact.value == 3.49


def test_the_users_own_contract_goes_before_a_cheaper_list_price() -> None:
    own = replace(rental(50), is_own=True, areas=())
    assert chosen([rental(20), own]).price.is_own


def test_prices_are_compared_in_one_currency_and_by_the_hour() -> None:
    euros = rental(18.5, unit="EUR/h", provider="q")
    offers = [rental(20), euros, rental(14_000, unit="USD/month", provider="r")]
    assert chosen(offers).price.fact.unit == "USD/month"
    assert chosen(offers[:2]).price.fact.unit == "USD/h"


def test_workers_and_endpoints_are_sold_by_the_card_of_a_family() -> None:
    offers = [rental(2.5, accelerator="h100", accelerators=1, offer="serverless")]
    found = chosen(offers, offer="serverless", by_card=True, replicas=2)
    assert found.machines == 16


def test_no_commitment_is_published_for_a100_80() -> None:
    for offer in ("reserved-1y", "reserved-3y"):
        with pytest.raises(MissingFact, match="give your price in"):
            chosen(list(rentals()), offer=offer, accelerator="a100-sxm-80")


def server(**extra: Any) -> base_prices.Base[Machine]:
    given: dict[str, Any] = {"accelerators": 8, "condition": None, "as_of": DAY}
    return base_prices.server(list(machines()), **(given | extra))


def test_a_server_is_new_where_it_is_made_and_else_refurbished_which_is_said() -> None:
    assert server(accelerator="h100-sxm").price.condition == "new"
    a100 = server(accelerator="a100-sxm-80")
    assert (a100.price.fact.value, a100.remark) == (120_000, "no longer made new: refurbished")
    stock = server(accelerator="a100-sxm-80", condition="new")
    assert (stock.price.fact.value, stock.price.condition) == (315_000, "old-stock")


def test_list_prices_and_other_conditions_are_never_mixed_in() -> None:
    with pytest.raises(MissingFact, match="8 × h100-nvl"):
        server(accelerator="h100-nvl")  # only an OEM list price is known
    with pytest.raises(MissingFact, match="8 × h200-sxm, used"):
        server(accelerator="h200-sxm", condition="used")


def test_the_memory_shortage_falls_on_new_servers_quoted_before_it_alone() -> None:
    old = next(m for m in machines() if m.fact.as_of == "2025-03")
    assert misses_shortage(old)
    assert not misses_shortage(replace(old, condition="refurbished"))
    assert not misses_shortage(replace(old, until="2026-03"))
    assert not misses_shortage(server(accelerator="h100-sxm").price)


def power(region: str, mwh: float, day: dt.date = DAY) -> base_prices.Base[Tariff]:
    return base_prices.tariff(list(tariffs()), region=region, mwh_per_year=mwh, as_of=day)


def test_a_tariff_follows_the_country_and_the_use_of_the_site() -> None:
    assert power("DE", 60).price.fact.value == 0.2513
    assert power("DE", 9000).price.fact.value == 0.1922
    assert power("US", 60).price.band == "commercial"
    assert power("US", 9000).price.band == "industrial"
    assert power("US-NY", 60).price.country == "US-NY"


def test_a_tariff_that_is_missing_is_said() -> None:
    assert power("US-VA", 60).remark == "no price for US-VA alone"
    assert power("PL", 5).remark == "no price for 5 MWh a year"
    with pytest.raises(MissingFact, match="no price of electricity in XX; give electricity_usd"):
        power("XX", 60)


def test_a_tariff_older_than_two_years_is_marked() -> None:
    assert power("AT", 60).is_stale
    assert not power("AT", 60, dt.date(2026, 6, 1)).is_stale

"""Price lists: what must hold between prices, and that nothing is mixed."""

import datetime as dt
import itertools
from collections import defaultdict

import pytest

from llminfra.catalog.facts import Facts
from llminfra.catalog.loader import fact_from_override, ids, offer_rows
from llminfra.catalog.prices import (
    CONDITIONS,
    LISTED,
    RENTED,
    Rental,
    area_of,
    family,
    machines,
    rentals,
    tariffs,
)

DAY = dt.date(2026, 11, 29)
ACCELERATORS = set(ids("accelerator"))
FAMILIES = {family(name) for name in ACCELERATORS} | {"h100-or-h200", "rtx-pro-4000"}
# Committing costs less than not committing, and three years less than one.
ORDER = {"spot": 0, "reserved-3y": 1, "reserved-1y": 2, "on-demand": 3}


def test_offers_conditions_and_cards_are_known() -> None:
    assert {r.offer for r in rentals()} <= set(RENTED) | set(LISTED)
    assert {m.condition for m in machines()} <= set(CONDITIONS)
    assert {r.accelerator for r in rentals()} <= ACCELERATORS | FAMILIES
    assert {m.accelerator for m in machines()} - {""} <= ACCELERATORS


def test_every_offer_stands_in_a_part_of_the_world() -> None:
    known = {area_of(c) for c in ("US", "DE", "JP", "AU", "BR", "AE", "ZA")} | {"any"}
    assert all(r.areas and set(r.areas) <= known for r in rentals())


def test_cards_without_a_form_are_never_taken_for_one_with_a_form() -> None:
    h100 = [r for r in rentals() if r.accelerator == "h100"]
    assert h100
    assert not any(r.is_exactly("h100-sxm") or r.is_exactly("h100-pcie") for r in h100)


def test_prices_that_are_no_contract_are_listed_and_never_rented() -> None:
    assert not set(RENTED) & set(LISTED)
    assert {"community", "marketplace", "average"} <= {r.offer for r in rentals()}


@pytest.mark.parametrize("key", ["gcp", "aws"])
def test_who_commits_pays_less(key: str) -> None:
    offers: dict[tuple[str, str, int], dict[str, float]] = defaultdict(dict)
    for r in rentals():
        if r.provider == key and r.offer in ORDER and r.fact.as_of >= "2026":
            place = (r.region, r.instance, r.accelerators)
            offers[place][r.offer] = r.per_hour
    ladders = [found for found in offers.values() if len(found) > 1]
    assert len(ladders) > 5 or key == "aws"
    for found in ladders:
        ranked = [found[o] for o in ("reserved-3y", "reserved-1y", "on-demand") if o in found]
        assert ranked == sorted(ranked), found
        assert found.get("spot", 0) <= found.get("on-demand", 1e9), found


def test_larger_machines_of_a_line_cost_no_less() -> None:
    lines: dict[tuple[str, ...], list[Rental]] = defaultdict(list)
    for r in rentals():
        if r.offer == "on-demand" and r.provider in ("gcp", "aws") and r.fact.as_of > "2026-07":
            family_name = r.instance.split(".")[0].split("-")[0]
            lines[r.provider, r.region, family_name, r.accelerator].append(r)
    for line in lines.values():
        cheapest = defaultdict(lambda: 1e9)
        for r in line:
            cheapest[r.accelerators] = min(cheapest[r.accelerators], r.per_hour)
        ordered = [cheapest[n] for n in sorted(cheapest)]
        assert ordered == sorted(ordered), line


def test_used_costs_less_than_refurbished_and_that_less_than_new() -> None:
    for name, n in {(m.accelerator, m.accelerators) for m in machines() if m.accelerator}:
        by = defaultdict(list)
        for m in machines():
            if (m.accelerator, m.accelerators) == (name, n):
                by[m.condition].append(float(m.fact.value))
        for lower, upper in [("refurbished", "old-stock"), ("used", "new"), ("new", "oem-list")]:
            if by[lower] and by[upper]:
                assert min(by[lower]) < max(by[upper]), name


def test_large_users_pay_less_for_electricity() -> None:
    curves: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for t in tariffs():
        if t.band in ("IA", "IB", "IC", "ID", "IE"):
            curves[t.country, t.fact.as_of].append((t.mwh_from, float(t.fact.value)))
    falling = [c for c in curves.values() if len(c) >= 4]
    assert len(falling) > 10
    for curve in falling:
        prices = [price for _, price in sorted(curve)]
        assert prices[0] > prices[-1]


def test_bands_of_a_country_and_period_do_not_overlap() -> None:
    by: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for t in tariffs():
        by[t.country, t.fact.as_of].append((t.mwh_from, t.mwh_to))
    for bands in by.values():
        ordered = sorted(bands)
        assert all(a[1] <= b[0] for a, b in itertools.pairwise(ordered)), ordered


def test_ages_are_those_of_the_classes() -> None:
    ages = {"rental": 180, "hardware": 365, "tariff": 730, "reclaim": 730}
    for entity_class, days in ages.items():
        assert all(fact.max_age_days == days for fact, _ in offer_rows(entity_class))


def test_looking_through_notes_nothing_and_reading_does() -> None:
    facts = Facts(user="cost")
    one = facts.rentals()[0]
    assert not facts.ledger
    assert facts.outside(one.fact).base == one.fact.value
    assert [read.users for read in facts.ledger] == [["cost"]]


def test_the_scenario_replaces_a_price_of_the_list() -> None:
    one = next(r for r in rentals() if r.provider == "lambda")
    key = one.fact.key
    own = fact_from_override(key, {"value": 20, "source": "mail", "as_of": "2026-11-01"})
    facts = Facts({key: own})
    assert next(r for r in facts.rentals() if r.fact.key == key).per_hour == 20


def test_aws_p4d_costs_what_its_price_list_says() -> None:
    p4d = next(r for r in rentals() if r.instance == "p4d.24xlarge" and r.region == "us-east-1")
    assert p4d.per_hour * 730 == pytest.approx(16_029, abs=0.5)

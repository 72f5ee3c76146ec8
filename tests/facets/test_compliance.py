"""Gates before money: what a profile opens and closes, and what stays unknown."""

import datetime as dt
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llminfra import Plan, Scenario, evaluate
from llminfra.errors import InvalidInput
from llminfra.facets.compliance import BLOCKED, CONDITIONAL, UNKNOWN
from llminfra.facets.compliance.inputs import DATA_CLASSES, POLICIES, SECTORS
from llminfra.facets.deployment import OPTIONS
from llminfra.present.board_words import only_if_words

SERVER: dict[str, Any] = {"tensor_parallel": 8, "in_flight": 100}
APIS = {"api_same_model", "api_frontier"}
SIGNED = dict.fromkeys(("api_processor_contract", "api_eu_processing", "api_zero_retention"), "yes")
PUBLIC_BODY: dict[str, Any] = {
    **{"data_classes": ["personal"], "sectors": ["public_administration"], "public_body": "yes"},
    **{"policies": ["inside"], "region": "DE"},
}


def plan(**fields: Any) -> Plan:
    return evaluate(Scenario(**SERVER | fields))


def test_a_profile_that_says_nothing_changes_nothing() -> None:
    found = plan().compliance
    assert {code for codes in found.gates.values() for code in codes.values()} == {UNKNOWN}
    assert found.open == list(OPTIONS)
    assert found.conditions == []
    assert not found.is_known
    assert [p for p in plan().problems if p.code.endswith("GATE")] == []


def test_special_data_close_apis_on_default_terms() -> None:
    found = plan(data_classes=["special"], api_zero_retention="no").compliance
    assert set(found.blocked) == APIS
    assert found.blocked["api_same_model"].startswith("blocked by R04 because ")
    assert found.gates["api_same_model"]["R04"] == "X"
    assert found.status("owned") == CONDITIONAL


def test_a_signed_contract_opens_them_on_conditions() -> None:
    found = plan(data_classes=["special"], **SIGNED).compliance
    assert found.blocked == {}
    assert {"C3", "C5"} <= {duty.id for duty in found.conditions_of("api_same_model")}


def test_a_contract_that_nobody_mentions_neither_opens_nor_closes() -> None:
    found = plan(data_classes=["special"]).compliance
    assert found.gates["api_same_model"]["R04"] == UNKNOWN
    assert found.blocked == {}
    assert set(SIGNED) <= set(found.unknown)


def test_a_contract_is_not_asked_for_where_a_policy_closes_the_apis_anyway() -> None:
    found = plan(**PUBLIC_BODY).compliance
    assert set(found.blocked) >= APIS
    assert not set(SIGNED) & set(found.unknown)


@pytest.mark.parametrize(
    ("as_of", "code", "is_upcoming"), [("2027-12-01", "N", True), ("2027-12-02", "C", False)]
)
def test_annex_iii_is_prepared_until_it_applies(as_of: str, code: str, is_upcoming: bool) -> None:
    found = plan(ai_use="annex_iii", as_of=dt.date.fromisoformat(as_of)).compliance
    assert found.gates["owned"]["R16"] == code
    assert ("R16" in {gate.requirement.id for gate in found.upcoming}) == is_upcoming
    if is_upcoming:
        assert {gate.from_date for gate in found.upcoming} == {dt.date(2027, 12, 2)}


def test_annex_i_applies_later() -> None:
    found = plan(ai_use="annex_i", as_of=dt.date(2028, 1, 1)).compliance
    assert found.upcoming[0].from_date == dt.date(2028, 8, 2)


def test_inside_leaves_own_machines_and_prices_nothing_else() -> None:
    found = plan(**PUBLIC_BODY)
    assert found.compliance.open == ["owned", "colocated"]
    assert {o.name for o in found.cost.options if o.feasible} == {"owned", "colocated"}
    closed = found.cost["on_demand"]
    assert closed.is_blocked
    assert closed.reason == found.compliance.blocked["on_demand"]
    assert found.build_vs_api.outcome is None
    assert "blocked by R33 because" in found.build_vs_api.reason


def test_what_is_left_costs_what_it_did() -> None:
    before, after = plan(region="DE").cost, plan(**PUBLIC_BODY).cost
    assert after["owned"].usd_per_month.base == before["owned"].usd_per_month.base


def test_a_policy_blocks_where_the_profile_says_so_alone() -> None:
    assert plan(policies=["no_foreign_law"]).compliance.gates["owned"]["R27"] == "G"
    assert plan(policies=["none"]).compliance.gates["api_same_model"]["R27"] == "N"
    sector = plan(policies=["none"], sectors=["finance"]).compliance
    assert sector.gates["api_same_model"]["R14"] == "C"


def test_a_modifier_changes_what_it_is_about() -> None:
    seal = plan(policies=["no_foreign_law"], modifiers=["sovereign_seal"]).compliance
    assert seal.gates["on_demand"]["R27"] == "G"
    both = plan(policies=["no_foreign_law"], modifiers=["sovereign_seal", "non_eu_parent"])
    assert both.compliance.gates["on_demand"]["R27"] == "C"
    assert both.compliance.gate("on_demand", "R27").residual == "the exposure remains"
    logs = plan(data_classes=["personal"], modifiers=["redaction"]).compliance
    (duty,) = [duty for duty in logs.conditions if duty.id == "C11"]
    assert duty.helped_by  # and it stays on the list: a word in a profile is no evidence


def test_conditions_have_owner_evidence_and_cost() -> None:
    given = {"C5": 12_000, "C3": 3_000}
    fields = {"data_classes": ["special"], "region": "DE"}
    before, after = plan(**fields), plan(**fields, condition_usd=given)
    assert all(d.rule.owner and d.rule.evidence for d in after.compliance.conditions)
    rented = after.cost["on_demand"]
    assert rented.purchase_usd.base == before.cost["on_demand"].purchase_usd.base + 15_000
    assert rented.usd_per_month.base > before.cost["on_demand"].usd_per_month.base
    assert rented.years[0].usd.base == before.cost["on_demand"].years[0].usd.base - 15_000
    owned, was = after.cost["owned"], before.cost["owned"]  # which needs C5 and not C3
    assert owned.purchase_usd.base == pytest.approx(was.purchase_usd.base + 12_000)


def test_a_profile_that_contradicts_itself_gets_the_smallest_relaxation() -> None:
    found = plan(policies=["no_network"], allowed_options=["api_same_model"])
    (gate,) = (p for p in found.problems if p.code == "E-GATE")  # one cause, one message
    assert "api_same_model blocked by R28 because" in gate.message
    assert gate.fixes == ("add owned to allowed_options", "allow a network line")
    assert evaluate(found.scenario.replace(policies=["none"])).cost.possible


def test_machines_outside_the_eea_are_asked_about() -> None:
    asked = plan(data_classes=["personal"], region="US")
    assert "W-GATE" in {p.code for p in asked.problems_of("compliance")}
    said = plan(data_classes=["personal"], region="US", modifiers=["outside_eea"])
    assert said.problems_of("compliance") == []
    assert said.compliance.gates["owned"]["R08"] == "C"
    assert plan(data_classes=["personal"], region="DE").problems_of("compliance") == []


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"data_classes": ["helth"]}, "data_classes must be a known id, got 'helth'; closest: "),
        ({"sectors": ["bank"]}, "sectors must be a known id"),
        ({"policies": ["insid"]}, "closest: inside"),
        ({"modifiers": ["logs"]}, "closest: own_logs"),
        ({"policies": ["none", "inside"]}, "policies must be none alone or others"),
        ({"condition_usd": {"C99": 1}}, "condition_usd must be a known id"),
        ({"condition_usd": {"C5": -1}}, "condition_usd.C5 must be an amount in USD"),
        ({"api_zero_retention": "maybe"}, "one of unknown, yes, no"),
    ],
)
def test_a_word_that_the_rules_do_not_know_is_refused(fields: Any, words: str) -> None:
    with pytest.raises(InvalidInput) as error:
        Scenario(**fields)
    assert words in str(error.value)
    if "closest" in words and "insid" not in words:
        assert str(error.value).count(",") >= 2


PROFILES = st.fixed_dictionaries(
    {
        "data_classes": st.lists(st.sampled_from(DATA_CLASSES), max_size=3, unique=True),
        "sectors": st.lists(st.sampled_from(SECTORS), max_size=2, unique=True),
        "policies": st.lists(st.sampled_from(POLICIES[1:]), max_size=2, unique=True),
        "ai_use": st.sampled_from(["unknown", "minimal", "transparency", "annex_iii", "annex_i"]),
        "api_zero_retention": st.sampled_from(["unknown", "yes", "no"]),
        "residency": st.sampled_from(["unknown", "none", "eea", "national"]),
    }
)


@settings(max_examples=60, deadline=None)
@given(PROFILES)
def test_codes_statuses_and_lists_agree(profile: dict[str, Any]) -> None:
    found = evaluate(Scenario(**profile)).compliance
    for option in OPTIONS:
        codes = set(found.gates[option].values())
        assert codes <= {"G", "C", "X", "N", UNKNOWN}
        assert (found.status(option) == BLOCKED) == (option in found.blocked) == ("X" in codes)
        assert (option in found.open) != (option in found.blocked)
        if not any(profile[name] for name in ("data_classes", "sectors", "policies")):
            silent = profile["ai_use"] == profile["residency"] == UNKNOWN
            assert not silent or "G" not in codes


def test_a_contract_that_decides_is_asked_for_by_name() -> None:
    """Ticking the other conditions would leave default terms, which special data may not have."""
    found = plan(data_classes=["special"], region="DE").compliance
    assert found.unsettled("api_same_model") == ["R04", "R06", "R10", "R11"]
    assert found.status("api_same_model") == UNKNOWN
    assert found.unsettled("owned") == []
    words = only_if_words(found, "api_same_model")
    assert words.startswith("a signed contract with a processor, processing in the EU and zero ret")
    assert not only_if_words(
        plan(data_classes=["special"], **SIGNED).compliance, "api_same_model"
    ).startswith("a signed")

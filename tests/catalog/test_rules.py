"""The rule set: every cell of the matrix, dates at the right annex, references that exist."""

import datetime as dt
import re
from itertools import product

import pytest

from llminfra.catalog.current import current_fact
from llminfra.catalog.facts import Facts
from llminfra.catalog.loader import sources
from llminfra.catalog.rules import rules
from llminfra.catalog.tables import rows_of
from llminfra.facets.compliance import inputs
from llminfra.facets.deployment import OPTIONS
from llminfra.scenario import Scenario

TABLES = (
    *("instruments", "calendar", "requirements", "gate_options", "gates", "conditions"),
    *("modifiers", "modifier_effects", "corrections"),
)
MATRIX = {  # spot checks of the published proposal
    ("R04", "O1"): "X",
    ("R04", "O2"): "C",
    ("R05", "O7"): "G",
    ("R06", "O6"): "N",
    ("R11", "O2"): "G",
    ("R22", "O5"): "C",
    ("R22", "O6"): "G",
    ("R26", "O4"): "G",
    ("R28", "O4"): "X",
    ("R33", "O5"): "G",
}


@pytest.mark.parametrize("table", TABLES)
def test_each_row_has_its_source(table: str) -> None:
    rows = [row for _, row in rows_of(f"{table}.csv")]
    assert rows
    assert [row for row in rows if row["source"] not in sources()] == []


def test_each_cell_of_the_matrix_is_a_row_with_its_article() -> None:
    found = rules()
    assert set(found.ratings) == set(product(found.requirements, found.options))
    assert [key for key, rating in found.ratings.items() if not rating.article] == []
    assert {key: found.ratings[key].code for key in MATRIX} == MATRIX


def test_marketplaces_are_closed_to_personal_data() -> None:
    personal = [r for r in rules().requirements.values() if r.is_triggered(_profile("personal"))]
    assert "X" in {rules().ratings[r.id, "MP"].code for r in personal}


def _profile(data_class: str) -> dict[str, object]:
    nothing: dict[str, object] = {name: ["none"] for name in ("sectors", "policies")}
    none = {"ai_use": "minimal", "fine_tuned": "no", "residency": "none"}
    return nothing | none | {"data_classes": [data_class]}


def test_triggers_name_fields_and_values_that_exist() -> None:
    for rule in rules().requirements.values():
        for field, value in rule.terms:
            assert field in inputs.PROFILE, rule.id
            allowed = inputs.NAMES.get(field)
            if value != "*" and allowed is not None:
                assert value in allowed, rule.id
            elif value != "*":
                assert Scenario(**{field: value}), rule.id


def test_every_option_of_a_plan_is_of_a_kind() -> None:
    kinds = {option: [kind.id for kind in rules().kinds_of(option)] for option in OPTIONS}
    assert kinds["owned"] == ["O6"]
    assert kinds["colocated"] == ["O5"]
    assert kinds["dedicated_endpoint"] == kinds["provisioned"] == ["O3"]
    assert {o: k for o, k in kinds.items() if k == ["O1", "O2"]}.keys() == {
        "api_same_model",
        "api_frontier",
    }
    rest = set(OPTIONS) - {"owned", "colocated", "dedicated_endpoint", "provisioned"}
    assert all(kinds[o] == ["O4"] for o in rest if not o.startswith("api_"))


CALENDAR = {  # Article 113 as amended by (EU) 2026/1744
    "annex_iii": dt.date(2027, 12, 2),
    "annex_i": dt.date(2028, 8, 2),
    "transparency": dt.date(2026, 8, 2),
    "gpai": dt.date(2025, 8, 2),
    "prohibited": dt.date(2025, 2, 2),
}


@pytest.mark.parametrize("scope", CALENDAR)
def test_a_scope_of_the_calendar_has_its_day(scope: str) -> None:
    assert rules().applies_from(scope) == CALENDAR[scope]


def test_no_day_stands_beside_the_wrong_annex() -> None:
    """Nothing says that Annex III or Annex I applies from August 2026."""
    for due in rules().calendar:
        text = f"{due.applies} {due.article}"
        if re.search(r"Annex III\b", text) or due.article.startswith("Articles 6(2)"):
            assert (due.scope, due.date) == ("annex_iii", CALENDAR["annex_iii"])
        elif re.search(r"Annex I\b", text) or due.article.startswith("Articles 6(1)"):
            assert (due.scope, due.date) == ("annex_i", CALENDAR["annex_i"])
    assert [due.date for due in rules().calendar] == sorted(due.date for due in rules().calendar)


def test_the_data_act_has_one_day() -> None:
    fact = Facts().text("eu-data-act", "no_switching_charges_from")
    assert rules().applies_from("switching_charges") == dt.date.fromisoformat(fact)
    assert rules().instruments["DATA"].reference == "Regulation (EU) 2023/2854"


def test_the_rule_set_is_one_fact_of_the_ledger() -> None:
    facts = Facts(user="compliance")
    facts.rules()
    (read,) = facts.ledger
    assert current_fact(read.fact.key) == read.fact
    assert read.fact.as_of == rules().dated


def test_what_was_not_read_says_so() -> None:
    for instrument in rules().instruments.values():
        assert instrument.verification in ("reprint", "secondary", "own")
        assert instrument.checked_with


def test_every_cell_of_the_matrix_is_a_row_with_its_article() -> None:
    found = rules()
    cells = {(rule, kind) for rule in found.requirements for kind in found.options}
    assert found.ratings.keys() == cells
    for (rule, _), rating in found.ratings.items():
        assert rating.article or found.requirements[rule].article


def test_nothing_claims_to_be_read_in_the_official_journal() -> None:
    """What was read is named article by article; all else is secondary, or the reader's own."""
    for instrument in rules().instruments.values():
        assert instrument.verification in ("secondary", "reprint", "own"), instrument.id
        if instrument.verification == "reprint":
            assert re.match(r"articles? \d", instrument.checked_with), instrument.id
            assert "reprints" in instrument.checked_with

"""The report on the gates: each answer is reached, and no word promises more than the rules say."""

from typing import Any, Final

import pytest

from llminfra import Scenario, evaluate
from tests.notebooks.test_cost_report import faults
from tests.notebooks.test_decision_report import BANNER, FORBIDDEN, pages, shown_of

CASES: Final[dict[str, dict[str, Any]]] = {
    "some blocked": {"data_classes": ["special"], "api_zero_retention": "no"},
    "all open": {"data_classes": ["personal"], "ai_use": "annex_iii"},
    "none open": {"policies": ["inside"], "allowed_options": ["api_same_model"]},
    "not known": {"data_classes": []},
}


@pytest.mark.parametrize("name", CASES)
def test_each_answer_is_reached_and_agrees_with_the_gates(name: str) -> None:
    case, blocks, prose = shown_of("compliance", CASES[name])
    assert case == name
    assert faults(blocks) == []
    assert [text for text in pages(blocks, prose) if FORBIDDEN.search(text)] == []
    assert any(BANNER in text for text in prose)
    found = evaluate(Scenario(**{"region": "DE"} | CASES[name])).compliance
    (answer,) = (block for block in blocks if block["kind"] == "answer")
    said = " ".join(point["text"] for point in answer["points"])
    if name == "some blocked":
        assert "blocked by R04 because" in said
        assert str(len(found.blocked)) in answer["headline"]
    if name == "none open":
        assert "add owned to allowed_options" in said
    if name == "all open":
        assert "not yet applicable, prepare: from 2 Dec 2027" in said.replace("\u00a0", " ")


def test_the_reader_for_words_finds_them() -> None:
    assert FORBIDDEN.search("This is fully compliant.")
    assert not FORBIDDEN.search("blocked by R04 because special data need more")

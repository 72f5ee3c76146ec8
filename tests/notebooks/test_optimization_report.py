"""The report on levers: each aim has its answer, its equations and one sentence on the sum."""

from typing import Any, Final

import pytest

from tests.notebooks.test_cost_report import faults, tables_of
from tests.notebooks.test_decision_report import shown_of

AIMS: Final[dict[str, dict[str, Any]]] = {
    "what a month costs": {},
    "the electricity of a month": {"aim": "energy"},
    "the time of a whole answer": {"aim": "latency"},
}


@pytest.mark.slow
@pytest.mark.parametrize("what", AIMS)
def test_each_aim_is_answered_with_its_equations(what: str) -> None:
    case, blocks, _ = shown_of("optimization", AIMS[what])
    assert case == "several"
    assert faults(blocks) == []
    (answer,) = [block for block in blocks if block["kind"] == "answer"]
    assert what in str(answer)
    empty = [table["title"] for table in tables_of(blocks) if not table["rows"]]
    assert empty == []
    assert any(block["kind"] == "equation" for block in blocks)
    said = [block for block in blocks if "in sum" in str(block.get("subtitle", ""))]
    assert len(said) == 1, "the sum of what they save alone is told once, under the first chart"

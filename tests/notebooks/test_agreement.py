"""All reports on a scenario end in one decision, and show the same numbers for it."""

import re
from pathlib import Path
from typing import Any, Final

import nbformat
import pytest

from llminfra import Scenario, evaluate
from llminfra.present.decided import decision_of
from llminfra.scenario.file import load_cases
from tests.notebooks.test_answers import ROOT
from tests.notebooks.test_decision_report import shown_of

REPORTS: Final = sorted((ROOT / "reports").glob("*.toml"))
# Reports on a scenario, beside the decision itself.
OTHERS: Final = (
    "build_vs_api",
    "compliance",
    "cost",
    "energy",
    "hardware",
    "memory",
    "optimization",
)


def fields_of(path: Path) -> dict[str, Any]:
    (case,) = load_cases(path)
    assert case.scenario is not None
    return {name: getattr(case.scenario, name) for name in sorted(case.scenario.changed())}


def tiles(blocks: list[dict[str, Any]]) -> dict[str, Any]:
    found = [block for block in blocks if block["kind"] == "tiles"]
    return {tile["label"]: tile for block in found for tile in block["tiles"]}


def test_every_report_says_the_decision() -> None:
    for name in OTHERS:
        cells = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4).cells
        setup = next(cell.source for cell in cells if cell.id == "setup")
        assert "decided = decision_of(plan" in setup, name


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(
            path, id=path.stem, marks=[pytest.mark.slow] if path.stem != "personal-data" else []
        )
        for path in REPORTS
    ],
)
def test_all_reports_end_in_one_decision_to_the_last_digit(path: Path) -> None:
    fields = fields_of(path)
    plan = evaluate(Scenario(**fields))
    said = decision_of(plan)
    _, board, _ = shown_of("decision", fields)
    option = plan.decision.chosen_option
    assert option is not None
    for name in OTHERS:
        _, blocks, _ = shown_of(name, fields)
        (answer,) = (block for block in blocks if block["kind"] == "answer")
        last = answer["points"][-1]
        assert last["label"] == "Decision", name
        # Reports on machines add that their page is about running it oneself.
        assert re.fullmatch(rf"{re.escape(said)}(; this page .*)?\.", last["text"]), name
        if name == "cost" and plan.cost.hosting == option.name:
            mine, theirs = tiles(board)["A month"], tiles(blocks)["A month"]
            ends = ("low", "base", "high", "value")
            assert [mine[end] for end in ends] == [theirs[end] for end in ends]
        tonnes = plan.decision.tonnes_per_year(option.name)
        if name == "energy" and tonnes is not None:
            emitted = tiles(blocks)["CO₂e a year"]
            assert emitted["base"] / 1e3 == pytest.approx(tonnes.base, rel=1e-12)

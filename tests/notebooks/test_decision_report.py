"""The board's page: each answer is reached, reads well, and says what the plan says."""

import re
from typing import Any, Final

import nbformat
import pytest

from llminfra import Scenario, evaluate
from llminfra.cli.finding import notebook_files
from llminfra.facets.demand import VIEWS
from llminfra.present.board import Board
from llminfra.present.tally import SHOWN, answers_fault
from llminfra.present.versus import Versus
from llminfra.wire import BLOCK_MIME
from tests.notebooks.test_answers import ROOT
from tests.notebooks.test_cost_report import faults, words_in
from tests.present.notebook import Notebook

BASE: Final[dict[str, Any]] = {"tensor_parallel": 8, "in_flight": 100, "region": "DE"}
DRIFTS: Final = {"api_usd_per_mtok_input": 3.0, "api_usd_per_mtok_output": 3.0}
CASES: Final[dict[str, dict[str, Any]]] = {
    "clear": {},
    "about equal": {"allowed_options": ["colocated", "on_demand"], "rent_usd_per_hour": 16.0},
    "wait": {"allowed_options": ["on_demand", "api_same_model"], "api_price_drift": -0.8} | DRIFTS,
    "asked": {"hosting": "owned"},
    "asked in vain": {"hosting": "on_demand", "policies": ["inside"]},
    "one way": {"allowed_options": ["owned"]},
    "none open": {"policies": ["no_network"], "allowed_options": ["api_same_model"]},
    "nothing to be had": {"tensor_parallel": 1, "allowed_options": ["owned"]},
}
# What no page with gates may say of an option, its banner apart.
FORBIDDEN: Final = re.compile(r"\b(compliant|legal|guaranteed)\b", re.IGNORECASE)
BANNER: Final = "not legal advice"


def shown_of(name: str, fields: dict[str, Any]) -> tuple[str, list[dict[str, Any]], list[str]]:
    """Run a notebook; return its case, its blocks and its Markdown."""
    notebook = Notebook()
    SHOWN.begin()
    cells = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4).cells
    parameters, *rest = (cell.source for cell in cells if cell.cell_type == "code")
    notebook.run(parameters)
    listed = {field: value for field, value in fields.items() if field in notebook.names}
    more = {field: value for field, value in fields.items() if field not in listed}
    if set(fields) & set(VIEWS):  # the cell's own demand gives way
        listed |= {view: None for view in VIEWS if view in notebook.names and view not in fields}
    notebook.names.update(listed, more=more)
    outputs = [data for cell in rest for data in notebook.run(cell)]
    blocks = [data[BLOCK_MIME] for data in outputs if BLOCK_MIME in data]
    prose = [data["text/markdown"] for data in outputs if "text/markdown" in data]
    case = str(notebook.names["case"])
    assert answers_fault(list(SHOWN.answers.values()), case) == ""
    return case, blocks, prose


def pages(blocks: list[dict[str, Any]], prose: list[str]) -> list[str]:
    """All sentences of a page, but the banner and what is cited."""
    kinds = ("model", "provenance", "assumptions")
    texts = [t for b in blocks if b["kind"] not in kinds for t in words_in(b)]
    return [text.replace(BANNER, "") for text in [*texts, *prose]]


@pytest.mark.parametrize("name", CASES)
def test_each_answer_is_reached_and_agrees_with_the_plan(name: str) -> None:
    fields = BASE | CASES[name]
    case, blocks, prose = shown_of("decision", fields)
    assert case == name
    assert faults(blocks) == []
    assert [text for text in pages(blocks, prose) if FORBIDDEN.search(text)] == []
    board = Board(evaluate(Scenario(**fields)))
    (answer,) = (block for block in blocks if block["kind"] == "answer")
    assert answer["headline"].endswith(".")
    if board.decision.option and name != "wait":
        assert board.doing in answer["headline"]
    points = {point["label"]: point["text"] for point in answer["points"]}
    assert points.keys() >= {"Because", "Monday", "Look again"}
    (masthead,) = (block for block in blocks if block["kind"] == "masthead")
    assert "not legal advice" in masthead["scope"]


def test_the_board_sees_it_first() -> None:
    assert notebook_files()[0].stem == "decision"


TOKENS: Final = {"model": "llama-3.3-70b", "tensor_parallel": 8, "as_of": "2026-11-29"}


def test_a_frontier_model_is_named_beside_the_tokens_of_the_same_model() -> None:
    board = Board(evaluate(Scenario(**TOKENS, active_users=100)))
    assert board.decision.option == "api_same_model"
    assert "; an API of a frontier model: " in board.against


def test_thresholds_that_nobody_need_watch_are_said_to_be_so() -> None:
    seen = set()
    for users in (2, 100, 3000):
        board = Board(evaluate(Scenario(**TOKENS, active_users=users)))
        versus = Versus(board.plan)
        for phrase in (board.turns, versus.near_flips()):
            seen.add(phrase.split(" ")[0])
            far = re.search(r"(\d[\d,]*)× as now|\+(\d+)\s%", phrase)
            if far and max(int(n.replace(",", "")) for n in far.groups("0")) > 100:
                assert phrase.startswith("practically never: only with "), phrase
        for _, _, then, said in map(versus.flip_words, versus.result.flips):
            assert not re.search(r"\+\d{3,}\s%", then) or said.startswith("practically never: ")
    assert {"practically", "with"} <= seen

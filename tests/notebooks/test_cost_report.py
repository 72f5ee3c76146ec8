"""The cost report over many scenarios: it runs to its end, with one answer that the plan agrees."""

import re
from collections.abc import Iterator
from typing import Any, Final

import nbformat
import numpy as np
import pytest

from llminfra import Scenario, evaluate
from llminfra.errors import InvalidInput
from llminfra.present.tally import SHOWN, answers_fault
from llminfra.wire import BLOCK_MIME
from tests.notebooks.test_answers import ROOT
from tests.present.notebook import Notebook

N_SCENARIOS: Final = 60
HOSTINGS: Final = ("auto", "owned", "colocated", "on_demand", "spot", "serverless", "monthly")
ALLOWED: Final = (None, ["owned", "colocated"], ["on_demand"], ["api_same_model", "api_frontier"])
CASES: Final[dict[str, dict[str, Any]]] = {
    "tokens": {"tensor_parallel": 8, "in_flight": 100},
    "machines": {"tensor_parallel": 8, "in_flight": 100, "allowed_options": ["owned", "on_demand"]},
    "about equal": {
        **{"tensor_parallel": 8, "in_flight": 100, "staff_fte": 0.0},
        **{"allowed_options": ["colocated", "on_demand"], "rent_usd_per_hour": 8.0},
    },
    "asked": {"tensor_parallel": 8, "in_flight": 100, "hosting": "owned"},
    "asked in vain": {"tensor_parallel": 8, "in_flight": 100, "hosting": "monthly"},
    "one way": {"tensor_parallel": 8, "in_flight": 100, "allowed_options": ["owned"]},
    "nothing": {"tensor_parallel": 1, "in_flight": 100, "allowed_options": ["owned"]},
}


def scenario_of(rng: np.random.Generator) -> dict[str, Any]:
    """Draw what a person might ask, the hopeless included."""
    demand = [
        {"in_flight": int(rng.integers(1, 400))},
        {"requests_per_s": float(np.round(rng.uniform(0.01, 60), 2))},
        {"named_users": int(rng.integers(10, 50_000))},
    ][rng.integers(3)]
    return {
        "model": str(rng.choice(["llama-3.3-70b", "llama-3.1-8b", "gpt-oss-120b"])),
        "accelerator": str(rng.choice(["a100-sxm-80", "h100-sxm", "l40s", "mi300x", "rtx4090"])),
        "tensor_parallel": int(rng.choice([1, 2, 4, 8])),
        "replicas": "auto" if rng.random() < 0.5 else int(rng.choice([1, 2, 8])),
        "prompt_tokens": int(rng.integers(50, 4000)),
        "output_tokens": int(rng.integers(20, 800)),
        "region": str(rng.choice(["US", "DE", "FR", "US-VA", "JP", "IN"])),
        "currency": str(rng.choice(["USD", "EUR", "JPY"])),
        "hosting": str(rng.choice(HOSTINGS)),
        "horizon_years": float(rng.choice([1.0, 2.5, 3.0, 5.0])),
        "demand_growth": float(rng.choice([0.0, 0.3])),
        "allowed_options": ALLOWED[rng.integers(len(ALLOWED))],
        **demand,
    }


def scenarios() -> Iterator[dict[str, Any]]:
    """Yield scenarios that are valid."""
    rng, found = np.random.default_rng(5), 0
    while found < N_SCENARIOS:
        fields = scenario_of(rng)
        try:
            Scenario(**fields)
        except InvalidInput:
            continue
        found += 1
        yield fields


def shown_of(
    fields: dict[str, Any], *, is_whole: bool = True
) -> tuple[str, dict[str, Any], list[dict[str, Any]]]:
    """Run the notebook, or all up to its answers; return its case, its answer and all blocks."""
    notebook = Notebook()
    SHOWN.begin()
    cells = nbformat.read(ROOT / "notebooks" / "cost.ipynb", as_version=4).cells
    parameters, *rest = (cell.source for cell in cells if cell.cell_type == "code")
    if not is_whole:
        last = max(i for i, cell in enumerate(rest) if cell.startswith("%%answer"))
        rest = rest[: last + 1]
    notebook.run(parameters)
    del notebook.names["active_users"]  # the demand is stated in one way
    listed = {name: value for name, value in fields.items() if name in notebook.names}
    more = {name: value for name, value in fields.items() if name not in listed}
    notebook.names.update(listed, more=more)
    blocks = [
        data[BLOCK_MIME] for cell in rest for data in notebook.run(cell) if BLOCK_MIME in data
    ]
    case = str(notebook.names["case"])
    assert answers_fault(list(SHOWN.answers.values()), case) == ""
    (answer,) = (block for block in blocks if block["kind"] == "answer")
    return case, answer, blocks


def words_in(block: Any) -> Iterator[str]:
    """Yield every text of a block, at any depth."""
    if isinstance(block, str):
        yield block
    elif isinstance(block, dict):
        for name, value in block.items():
            if name not in ("svg", "charts", "csv"):
                yield from words_in(value)
    elif isinstance(block, list | tuple):
        for value in block:
            yield from words_in(value)


def faults(blocks: list[dict[str, Any]]) -> list[str]:
    """Texts that show what is no number, or a template as it stands."""
    wrong = re.compile(r"\bnan\b|\bNone\b|\binf\b|\{\{")
    pages = [block for block in blocks if block["kind"] not in ("model", "provenance")]
    return [text for block in pages for text in words_in(block) if wrong.search(text)]


def tables_of(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The tables."""
    return [block for block in blocks if block["kind"] == "table"]


@pytest.mark.slow
def test_any_scenario_gives_one_answer_and_no_missing_number() -> None:
    cases, wrong = list[str](), []
    for fields in scenarios():
        is_whole = len(cases) % 6 == 0
        case, answer, blocks = shown_of(fields, is_whole=is_whole)
        cases.append(case)
        plan = evaluate(Scenario(**fields))
        if (case == "nothing") != (not plan.cost.possible):
            wrong.append((case, fields))
        wrong += [(fault, fields) for fault in faults(blocks if is_whole else [answer])]
    assert wrong == []
    assert {"tokens", "machines", "nothing", "asked"} <= set(cases)


@pytest.mark.parametrize("name", CASES)
def test_each_case_is_reached_and_reads_well(name: str) -> None:
    case, answer, blocks = shown_of(CASES[name], is_whole=False)
    assert case == name
    assert faults(blocks) == []
    assert answer["headline"].endswith(".")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tokens", "nothing"])
def test_a_case_runs_to_its_end(name: str) -> None:
    _, _, blocks = shown_of(CASES[name])
    assert faults(blocks) == []


@pytest.mark.slow
def test_what_is_not_allowed_is_compared_nowhere() -> None:
    _, _, blocks = shown_of({"tensor_parallel": 8, "in_flight": 100, "allowed_options": ["owned"]})
    named = {block["name"]: " ".join(words_in(block["rows"])) for block in tables_of(blocks)}
    ways, missing = named["all-ways"], named["missing"]
    assert "Own servers in house" in ways
    assert "API" not in ways
    assert "API of the same model not among allowed_options" in missing


@pytest.mark.slow
def test_a_figure_names_the_way_that_is_followed() -> None:
    _, _, blocks = shown_of({"tensor_parallel": 8, "in_flight": 100, "hosting": "colocated"})
    text = " ".join(word for block in blocks for word in words_in(block))
    assert "own servers in a rented rack" in text

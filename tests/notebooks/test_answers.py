"""The answers of the reports over many scenarios: one each time, and none against the plan."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import nbformat
import numpy as np
import pytest

from llminfra import Scenario, evaluate
from llminfra.errors import InvalidInput, MissingFact
from llminfra.explain import Option, options
from llminfra.present.tally import SHOWN, answers_fault
from tests.notebooks.contradictions import CHECKS, contradictions, text_of
from tests.present.notebook import Notebook

ROOT: Final = Path(__file__).parents[2]
# Of each of the five reports, others each time: two hundred in all.
N_SCENARIOS: Final = 40
MODELS: Final = ("llama-3.3-70b", "llama-3.1-8b", "qwen3-32b", "gpt-oss-120b", "mixtral-8x7b")
CHIPS: Final = ("a100-sxm-80", "h100-sxm", "h200-sxm", "l40s", "b200-sxm", "rtx4090")


def scenario_of(rng: np.random.Generator) -> dict[str, Any]:
    """Draw what a person might ask, the hopeless included."""
    demand = [
        {"in_flight": int(rng.integers(0, 400))},
        {"active_users": int(rng.integers(1, 3000))},
        {"requests_per_s": float(np.round(rng.uniform(0.1, 60), 2))},
        {"named_users": int(rng.integers(10, 50_000))},
    ][rng.integers(4)]
    fields: dict[str, Any] = {
        "model": str(rng.choice(MODELS)),
        "accelerator": str(rng.choice(CHIPS)),
        "precision": str(rng.choice(["bf16", "fp8", "int4"])),
        "tensor_parallel": int(rng.choice([1, 2, 4, 8])),
        "replicas": "auto" if rng.random() < 0.3 else int(rng.choice([1, 2, 3, 8])),
        "prompt_tokens": int(rng.integers(50, 4000)),
        "output_tokens": int(rng.integers(20, 800)),
        **demand,
    }
    if rng.random() < 0.4:
        fields["tpot_target_s"] = float(rng.choice([0.02, 0.05, 0.1]))
    if rng.random() < 0.3:
        fields["ttft_target_s"] = float(rng.choice([0.5, 2.0, 5.0]))
    return fields


def scenarios(seed: int) -> Iterator[dict[str, Any]]:
    """Yield scenarios that engines accept."""
    rng, found = np.random.default_rng(seed), 0
    while found < N_SCENARIOS:
        fields = scenario_of(rng)
        try:
            Scenario(**fields)
        except InvalidInput:
            continue
        found += 1
        yield fields


def cells_of(name: str) -> list[str]:
    """Cells from the setup to the last answer."""
    cells = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4).cells
    sources = [c.source for c in cells if c.cell_type == "code"]
    last = max(i for i, source in enumerate(sources) if source.startswith("%%answer"))
    return sources[: last + 1]


def answer_of(notebook: Notebook, cells: list[str], fields: dict[str, Any]) -> dict[str, Any]:
    """Run the cells of one scenario; return the one answer that is shown."""
    SHOWN.begin()
    parameters, setup, *rest = cells
    notebook.run(parameters)
    lone = [n for n in ("active_users", "prompt_tokens", "output_tokens") if n in notebook.names]
    for name in lone:
        del notebook.names[name]
    listed = {k: v for k, v in fields.items() if k in notebook.names}
    notebook.names.update(listed, more={k: v for k, v in fields.items() if k not in listed})
    for cell in (setup, *rest):
        for data in notebook.run(cell):
            block = data.get("application/vnd.llminfra.block+json", {})
            if block.get("kind") == "answer":
                notebook.names["__answer__"] = block
    fault = answers_fault(list(SHOWN.answers.values()), str(notebook.names.get("case")))
    assert fault == ""
    found: dict[str, Any] = notebook.names["__answer__"]
    return found


def followed(notebook: Notebook) -> Option | None:
    """The plan to follow, as the cells have found it."""
    choice = notebook.names.get("choice")
    return choice.follow if choice is not None else None


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(CHECKS))
def test_each_scenario_has_one_answer_that_agrees_with_its_plan(name: str) -> None:
    notebook, cells, wrong = Notebook(), cells_of(name), []
    for fields in scenarios(11 + sorted(CHECKS).index(name)):
        try:
            answer = answer_of(notebook, cells, fields)
        except MissingFact:
            continue
        plan = evaluate(Scenario(**fields))
        wrong += [
            (fault, fields, text_of(answer))
            for fault in contradictions(name, answer, plan, followed(notebook))
        ]
    assert wrong == []


def test_the_checker_finds_a_contradiction() -> None:
    plan = evaluate(Scenario(tensor_parallel=8, in_flight=100))
    follow = options(plan).follow
    lie: dict[str, Any] = {
        "headline": "Run 8 × A100 (one group): enough for nan requests.",
        "points": [],
    }
    assert list(contradictions("hardware", lie, plan, follow)) == ["a value that is none"]
    denial: dict[str, Any] = {
        "headline": "No accelerators of the catalogue carry it.",
        "points": [],
    }
    assert list(contradictions("hardware", denial, plan, follow)) == [
        "enough of what does not do it"
    ]


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_the_shipped_cases_have_one_answer(name: str) -> None:
    notebook, cells = Notebook(), cells_of(name)
    answer = answer_of(notebook, cells, {"tensor_parallel": 8, "in_flight": 100})
    plan = evaluate(Scenario(tensor_parallel=8, in_flight=100))
    assert list(contradictions(name, answer, plan, followed(notebook))) == []

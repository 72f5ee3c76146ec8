"""The reports of a set speak of one case, also where a file states little."""

import ast
from collections import defaultdict
from pathlib import Path
from typing import Any

import nbformat

from llminfra import Scenario
from llminfra.scenario.file import load_cases

ROOT = Path(__file__).parents[2]
# Rendered once for all cases, each about a case of its own.
OF_NO_CASE = ("claims", "training", "validation")


def defaults(notebook: Path) -> dict[str, Any]:
    cells = nbformat.read(notebook, as_version=4).cells
    (cell,) = (c for c in cells if "parameters" in c.metadata.get("tags", []))
    lines = [x for x in ast.parse(cell.source).body if isinstance(x, ast.AnnAssign)]
    return {ast.unparse(x.target): ast.literal_eval(x.value) for x in lines if x.value is not None}


def test_notebooks_agree_in_their_defaults() -> None:
    found: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    for notebook in sorted((ROOT / "notebooks").glob("*.ipynb")):
        if notebook.stem not in OF_NO_CASE:
            for name, value in defaults(notebook).items():
                found[name][notebook.stem] = value
    differing = {
        name: by_notebook
        for name, by_notebook in found.items()
        if any(value != next(iter(by_notebook.values())) for value in by_notebook.values())
    }
    assert differing == {}


def test_defaults_are_the_example_that_a_file_sets_aside() -> None:
    """A case of a file that says less means the same to reports and to `llminfra plan`."""
    (case,) = load_cases(ROOT / "reports" / "assistant-70b.toml", {})
    assert case.scenario is not None
    told = Scenario(**{name: case.scenario.to_dict()[name] for name in case.origins}).to_dict()
    plain = Scenario().to_dict()
    for notebook in sorted((ROOT / "notebooks").glob("*.ipynb")):
        if notebook.stem not in OF_NO_CASE:
            fields = {n: v for n, v in defaults(notebook).items() if n in Scenario.model_fields}
            shown = Scenario(**fields).to_dict()
            differing = [n for n in fields if shown[n] not in (told[n], plain[n])]
            assert differing == [], notebook.stem

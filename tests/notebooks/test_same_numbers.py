"""All reports on one scenario see the same Plan, whatever their parameters cell lists."""

import json
from pathlib import Path
from typing import Any, Final

import nbformat
import pytest
from click.testing import CliRunner

from llminfra import evaluate
from llminfra.cli import main
from llminfra.scenario.file import load_cases

BLOCK: Final = "application/vnd.llminfra.block+json"
# Fields that the memory notebook lists, fields that it does not, a band and a replaced fact.
SCENARIO: Final = """\
title = "One scenario"
model = "qwen3-32b"
accelerator = "h100-sxm"
tensor_parallel = 2
kv_precision = "fp8"
gpu_memory_utilization = 0.85
max_model_len = 20000
in_flight = [20, 40, 80]
prompt_tokens = 1500
output_tokens = [200, 300, 450]

[facts]
"h100-sxm.memory_usable_bytes" = {value = 80e9, source = "PO 4711", as_of = 2026-10-01}
"""
PARAMETERS: Final = """\
model: str = "llama-3.1-8b"  # catalogue id
in_flight: float = 7  # requests at once
shown_digits: int = 12  # of this notebook alone
more: dict = {}  # any other field"""
SETUP: Final = """\
import json
from llminfra import Scenario, evaluate
from llminfra.present import *
scenario = Scenario.from_cell(globals())
plan = evaluate(scenario)
memory = plan.memory"""
CELLS: Final = (
    'tiles(tile("Pool", memory.kv_pool_tokens, count, note="same"), '
    'tile("Held", memory.max_sequences, count, note="same"), '
    'tile("Load", memory.kv_cache_bytes_per_request, gb, note="same"))',
    'print(json.dumps(plan.to_dict()["memory"]))',
    "assert shown_digits == 12",
    'provenance(plan, notebook="second")',
)


def second_notebook(path: Path) -> Path:
    document = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_markdown_cell("# Are the numbers the same?")]
        + [nbformat.v4.new_code_cell(text) for text in (PARAMETERS, SETUP, *CELLS)],
        metadata={"kernelspec": {"name": "python3", "display_name": "", "language": "python"}},
    )
    document.cells[1].metadata["tags"] = ["parameters"]
    nbformat.write(document, path)
    return path


@pytest.fixture(scope="module")
def reports(root: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Both notebooks, executed through the command line, and the scenario file."""
    folder = tmp_path_factory.mktemp("same")
    scenario = folder / "one.toml"
    scenario.write_text(SCENARIO, encoding="utf-8")
    second = second_notebook(folder / "second.ipynb")
    command = ["render", str(scenario), "--to", "ipynb", "--out", str(folder), "--notebook"]
    result = CliRunner().invoke(
        main, [*command, str(root / "notebooks" / "memory.ipynb"), "--notebook", str(second)]
    )
    assert result.exit_code == 0, result.output
    found = {
        name: nbformat.read(folder / "one" / f"{name}.ipynb", as_version=4)
        for name in ("memory", "second")
    }
    return {**found, "file": scenario}


def blocks(document: Any, kind: str) -> list[dict[str, Any]]:
    outputs = [output for cell in document.cells for output in cell.get("outputs", [])]
    found = [output.get("data", {}).get(BLOCK) for output in outputs]
    return [block for block in found if block and block["kind"] == kind]


def numbers(tile: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(tile[key] for key in ("low", "base", "high", "value", "range_text"))


def test_both_notebooks_show_the_same_numbers(reports: dict[str, Any]) -> None:
    first, second = (blocks(reports[name], "tiles")[0]["tiles"] for name in ("memory", "second"))
    by_label = {tile["label"]: tile for tile in first}
    assert numbers(by_label["Requests held at once"]) == numbers(second[1])
    assert numbers(by_label["Cache of one request"]) == numbers(second[2])


def test_both_notebooks_saw_the_scenario_of_the_file(reports: dict[str, Any]) -> None:
    (case,) = load_cases(reports["file"])
    assert case.scenario is not None
    for name in ("memory", "second"):
        (provenance,) = blocks(reports[name], "provenance")
        assert provenance["scenario"] == case.scenario.to_dict()


def test_the_notebook_the_command_line_and_python_agree(reports: dict[str, Any]) -> None:
    outputs = [o for cell in reports["second"].cells for o in cell.get("outputs", [])]
    printed = json.loads(next(o.text for o in outputs if o.output_type == "stream"))
    (case,) = load_cases(reports["file"])
    assert case.scenario is not None
    assert printed == json.loads(json.dumps(evaluate(case.scenario).to_dict()["memory"]))
    result = CliRunner().invoke(main, ["plan", str(reports["file"]), "--json"])
    assert json.loads(result.stdout)["memory"] == printed
    assert printed["max_sequences"]["base"] > 0

"""``llminfra new``: a notebook to start from, which already is a report."""

import ast
import inspect
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeGuard

import nbformat
import pytest
from click.testing import CliRunner, Result
from jinja2 import Environment, nodes

from llminfra import Scenario
from llminfra.cli import main
from tests import test_house
from tests.cli.conftest import Notebook
from tests.notebooks.test_notebooks import blocks, is_sound


def new(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["new", *arguments])


@pytest.fixture
def folder(root: Path, tmp_path: Path) -> Path:
    """A notebooks folder with the memory report in it."""
    (tmp_path / "notebooks").mkdir()
    shutil.copy(root / "notebooks" / "memory.ipynb", tmp_path / "notebooks")
    return tmp_path / "notebooks"


def house_rules() -> Iterator[Any]:
    """The tests that every notebook of the house passes, but for the one that asks git."""
    for name, test in vars(test_house).items():
        if name.startswith("test_") and list(inspect.signature(test).parameters) == ["notebook"]:
            yield pytest.param(test, id=name)


@pytest.mark.parametrize(
    "rule", [r for r in house_rules() if r.id != "test_no_output_reaches_a_commit"]
)
def test_new_notebook_keeps_the_house_rules(folder: Path, rule: Callable[[Path], None]) -> None:
    assert new("gpu-choice-2026").exit_code == 0
    rule(folder / "gpu-choice-2026.ipynb")


def test_new_notebook_is_clean(folder: Path) -> None:
    result = new("gpu_choice", "--from", "memory")
    path = folder / "gpu_choice.ipynb"
    assert (result.stdout, result.exit_code) == ("notebooks/gpu_choice.ipynb\n", 0)
    document = json.loads(path.read_text("utf-8"))
    nbformat.validate(document)
    assert [c for c in document["cells"] if c.get("outputs") or c.get("execution_count")] == []
    lint = [sys.executable, "-m", "ruff", "check", "--select", "F401,F821", str(path)]
    assert subprocess.run(lint, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("source", ["cost", "hardware", "memory"])
def test_no_code_is_left_of_a_section_that_is_gone(folder: Path, source: str) -> None:
    assert new("gpu-choice", "--from", source).exit_code == 0
    cells = nbformat.read(folder / "gpu-choice.ipynb", as_version=4).cells
    kinds = [cell.source.split(" ")[0] for cell in cells]
    below = cells[next(i for i, kind in enumerate(kinds) if kind == "%%figure") + 1]
    assert below.cell_type == "markdown", below.source


def names(cell: Any, context: type[ast.expr_context]) -> set[str]:
    """Names that plain code assigns or reads; those that a word cell shows or asks for."""
    if cell.source.startswith("%%"):
        case = cell.source.splitlines()[0].partition(" when ")[2]
        words = Environment(autoescape=True).parse(f"{{{{ {case or 0} }}}}\n{cell.source}")
        return {node.name for node in words.find_all(nodes.Name) if context is ast.Load}
    found = (node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Name))
    return {node.id for node in found if isinstance(node.ctx, context)}


@pytest.mark.parametrize("source", test_house.named(test_house.NOTEBOOKS))
def test_no_cell_that_stays_reads_a_name_of_one_that_goes(source: Path) -> None:
    code = [c for c in nbformat.read(source, as_version=4).cells if c.cell_type == "code"]
    gone = [cell for cell in code if "not_in_new" in cell.metadata.get("tags", ())]
    kept = [cell for cell in code if cell not in gone]
    lost = set[str]().union(*(names(cell, ast.Store) for cell in gone))
    lost -= set().union(*(names(cell, ast.Store) for cell in kept))
    assert gone
    assert {cell.id: read for cell in kept if (read := lost & names(cell, ast.Load))} == {}


def shown(cell: Any) -> set[str]:
    """Names that a cell reads: those of `names`, of templates inside of code, of what is shown."""
    found = names(cell, ast.Load)
    if cell.source.startswith("%%"):
        return found | set(cell.source.split()[1:2])
    texts = (node.value for node in ast.walk(ast.parse(cell.source)) if is_template(node))
    parsed = (Environment(autoescape=True).parse(text) for text in texts)
    return found | {node.name for one in parsed for node in one.find_all(nodes.Name)}


def is_template(node: ast.AST) -> TypeGuard[ast.Constant]:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and "{{" in node.value


def given(cell: Any) -> set[str]:
    """Names that plain code assigns or imports."""
    found = names(cell, ast.Store)
    tree = ast.parse("" if cell.source.startswith("%%") else cell.source)
    imports = (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom))
    return (found | {alias.name for node in imports for alias in node.names}) - {"*"}


@pytest.mark.parametrize("source", test_house.named(test_house.NOTEBOOKS))
def test_a_new_notebook_makes_nothing_that_nobody_reads(folder: Path, source: Path) -> None:
    assert new("gpu-choice", "--from", str(source)).exit_code == 0
    cells = nbformat.read(folder / "gpu-choice.ipynb", as_version=4).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    read = set[str]().union(*map(shown, code))
    read |= {
        *Scenario.model_fields,
        "more",
        "decided",
        "_",
    }  # the scenario and the answer read them
    assert {cell.id: left for cell in code if (left := given(cell) - read)} == {}


@pytest.mark.parametrize("source", test_house.named(test_house.NOTEBOOKS))
def test_a_table_that_an_answer_points_to_is_there(folder: Path, source: Path) -> None:
    assert new("gpu-choice", "--from", str(source)).exit_code == 0
    cells = nbformat.read(folder / "gpu-choice.ipynb", as_version=4).cells
    told = [cell.source for cell in cells if cell.id == "tiles" or "%%answer" in cell.source]
    if any(re.search(r"\bthe (table|checklist)\b", words) for words in told):
        assert any(c.source.startswith("%%table") or "cost_annex(" in c.source for c in cells)


def test_new_notebook_renders_under_its_own_name(folder: Path) -> None:
    new("gpu_choice")
    command = ["render", "--defaults", "--set", "tensor_parallel=8", "--notebook", "gpu_choice"]
    result = CliRunner().invoke(main, [*command, "--to", "ipynb,html", "--out", "out"])
    assert result.exit_code == 0, result.output
    document = nbformat.read("out/scenario/gpu_choice.ipynb", as_version=4)
    is_sound(document)
    assert blocks(document, "masthead")[0]["kicker"] == "scenario · Gpu choice"
    assert "--notebook gpu_choice" in blocks(document, "provenance")[0]["command"]
    kinds = [b["kind"] for b in blocks(document) if b["kind"] != "unshown"]
    assert (kinds[:4], kinds.count("figure")) == (["masthead", "answer", "tiles", "figure"], 1)
    assert (kinds[4], kinds[5], kinds[-1]) == ("assumptions", "equation", "provenance")
    html = Path("out/scenario/gpu_choice.html").read_text("utf-8")
    assert "Gpu choice: which question does this report answer?" in html
    assert "For you, not for the report" not in html


def test_new_notebook_can_be_started_from_a_new_one(folder: Path) -> None:
    new("first")
    assert new("second", "--from", "notebooks/first.ipynb").exit_code == 0
    first, second = (json.loads((folder / f"{n}.ipynb").read_text()) for n in ("first", "second"))
    ids = [[cell["id"] for cell in document["cells"]] for document in (first, second)]
    assert ids[0] == ids[1]


@pytest.mark.parametrize(
    ("name", "better"),
    [
        ("a/b", "a-b"),
        ("../memory", "memory"),
        ("<script>alert", "script-alert"),
        ("Gpu Choice.ipynb", "gpu-choice"),
        ("2026", "my-report"),
        ("con", "my-report"),
        ("", "my-report"),
        ("größe\0\n", "gr-e"),
        ("x" * 500, "x" * 60),
    ],
)
def test_name_that_is_no_plain_word(folder: Path, name: str, better: str) -> None:
    result = new("--", name)
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: NAME must start with a letter and hold at most 60 ")
    assert result.stderr.endswith(f"; try {better}\n")
    assert [path.name for path in folder.iterdir()] == ["memory.ipynb"]


@pytest.mark.parametrize("name", ["memory"])
def test_name_that_is_taken(folder: Path, name: str) -> None:
    before = (folder / "memory.ipynb").read_bytes()
    result = new(name)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "Error: NAME must be free, got 'memory', which exists; choose another\n"
    assert (folder / "memory.ipynb").read_bytes() == before


def test_unknown_source_names_the_closest(folder: Path, notebook: Notebook) -> None:
    for name in ("cost", "energy", "hardware"):
        notebook(f"notebooks/{name}.ipynb")
    result = new("mine", "--from", "memmory")
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: --from must be a known id, got 'memmory'; closest: mem")
    assert result.stderr.count(",") == 3
    assert not (folder / "mine.ipynb").exists()


def test_source_that_is_no_report(folder: Path, notebook: Notebook) -> None:
    path = notebook("plain.ipynb", ("x: int = 1  # a number", "!ls", "print(x)"))
    result = new("mine", "--from", str(path))
    assert result.exit_code == 2
    assert "--from must be a report with parameters and provenance, got plain.ipynb" in (
        result.stderr
    )
    assert new("mine", "--from", "gone.ipynb").exit_code == 2
    assert not (folder / "mine.ipynb").exists()


def test_ids_of_an_older_notebook_become_words(folder: Path) -> None:
    document = nbformat.read(folder / "memory.ipynb", as_version=4)
    for number, cell in enumerate(document.cells):
        cell["id"] = f"{number}a-Odd"
    path = folder / "old.ipynb"
    path.write_text(json.dumps(document), encoding="utf-8")
    assert new("mine", "--from", str(path)).exit_code == 0
    test_house.test_notebook_is_in_order(folder / "mine.ipynb")

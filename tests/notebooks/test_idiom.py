"""The form of notebooks: words in word cells, sections that stand alone, cells that run again."""

import ast
import json
import re
import statistics
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode

from llminfra import Scenario
from tests.test_house import NOTEBOOKS, named

BLOCK: Final = "application/vnd.llminfra.block+json"
EACH: Final = pytest.mark.parametrize("notebook", named(NOTEBOOKS))
MOST_CELLS, MOST_LINES, MOST_CHARACTERS, WIDEST = 30, 8, 18_000, 100
# Every section may use what these make.
SHARED: Final = frozenset({"title", "parameters", "setup", "numbers", "names", "case"})


def read(notebook: Path) -> NotebookNode:
    found: NotebookNode = nbformat.read(notebook, as_version=4)
    return found


@EACH
def test_lines_and_cells_are_short(notebook: Path) -> None:
    cells = read(notebook).cells
    wide = {c.id: line for c in cells for line in c.source.splitlines() if len(line) > WIDEST}
    assert wide == {}
    assert sum(c.cell_type == "code" for c in cells) <= MOST_CELLS
    assert statistics.median(len(c.source.splitlines()) for c in cells) <= MOST_LINES
    assert sum(len(c.source) for c in cells) <= MOST_CHARACTERS
    assert [c.id for c in cells if "{%" in c.source] == []


def assigned(cell: NotebookNode) -> Iterator[str]:
    """Names that a code cell gives, but those of its loops and comprehensions."""
    if cell.cell_type != "code" or cell.source.startswith("%%"):
        return
    for node in ast.parse(cell.source).body:
        for target in ast.walk(node) if isinstance(node, ast.Assign | ast.AnnAssign) else ():
            if isinstance(target, ast.Name) and isinstance(target.ctx, ast.Store):
                yield target.id


@EACH
def test_a_name_is_given_once_and_is_no_field(notebook: Path) -> None:
    cells = [cell for cell in read(notebook).cells if "parameters" not in str(cell.metadata)]
    names = {cell.id: set(assigned(cell)) - comprehended(cell) for cell in cells}
    counted = Counter(name for found in names.values() for name in found)
    assert [name for name, times in counted.items() if times > 1] == []
    assert sorted(set(counted) & set(Scenario.model_fields)) == []


def comprehended(cell: NotebookNode) -> set[str]:
    if cell.cell_type != "code" or cell.source.startswith("%%"):
        return set()
    loops = (n for n in ast.walk(ast.parse(cell.source)) if isinstance(n, ast.comprehension))
    return {n.id for loop in loops for n in ast.walk(loop.target) if isinstance(n, ast.Name)}


CASE: Final = re.compile(r"case (?:==|!=|in) (.+)")


@EACH
def test_every_case_that_words_ask_for_exists(notebook: Path) -> None:
    cells = read(notebook).cells
    makers = [c.source for c in cells if c.id == "case"]
    heads = [c.source.partition("\n")[0] for c in cells if c.source.startswith("%%")]
    asked = {t for h in heads for m in CASE.findall(h) for t in re.findall(r'"([^"]+)"', m)}
    assert asked <= {text for source in makers for text in re.findall(r'"([^"]+)"', source)}


# -- in a kernel ----------------------------------------------------------------------------------


def client_of(document: NotebookNode, notebook: Path) -> NotebookClient:
    where = {"metadata": {"path": str(notebook.parent)}}
    return NotebookClient(
        document, timeout=600, kernel_name="python3", allow_errors=True, resources=where
    )


def errors(cell: NotebookNode) -> list[str]:
    outputs = cell.get("outputs", [])
    said = [f"{o.ename}: {o.evalue}" for o in outputs if o.output_type == "error"]
    return said + [o.text for o in outputs if o.output_type == "stream"]


def blocks(cell: NotebookNode) -> list[Any]:
    found = [output.get("data", {}).get(BLOCK) for output in cell.get("outputs", [])]
    drawn = ("svg", "svg_narrow")  # numbers their parts by what the process has drawn before
    return [{k: v for k, v in b.items() if k not in drawn} for b in found if b]


@pytest.mark.slow
@EACH
def test_each_cell_runs_again_alone(notebook: Path) -> None:
    document = read(notebook)
    client = client_of(document, notebook)
    with client.setup_kernel():
        for index, cell in enumerate(document.cells):
            client.execute_cell(cell, index) if cell.cell_type == "code" else None
        assert {c.id: e for c in document.cells if (e := errors(c))} == {}
        for index, cell in enumerate(document.cells):
            if cell.cell_type == "code":
                before = json.dumps(blocks(cell), sort_keys=True)
                client.execute_cell(cell, index)
                assert errors(cell) == [], cell.id
                if cell.source.startswith("%%") and "Source: comparison" not in cell.source:
                    assert json.dumps(blocks(cell), sort_keys=True) == before, cell.id


def sections(document: NotebookNode) -> list[list[str]]:
    """Ids of the cells under each heading, as far as the next."""
    found: list[list[str]] = []
    for cell in document.cells:
        if cell.cell_type == "markdown" and cell.source.startswith("## "):
            found.append([])
        if found and cell.id not in SHARED:
            found[-1].append(cell.id)
    return found


SECTIONS: Final = [
    pytest.param(path, section, id=f"{path.stem}-{section[0]}")
    for path in NOTEBOOKS
    for section in sections(read(path))
]


def reads(cell: NotebookNode) -> set[str]:
    """Names that a cell uses, in code or in words."""
    if cell.cell_type != "code":
        return set()
    if cell.source.startswith("%%"):
        return set(re.findall(r"[A-Za-z_]\w*", cell.source))
    return {n.id for n in ast.walk(ast.parse(cell.source)) if isinstance(n, ast.Name)}


@pytest.mark.parametrize(("notebook", "section"), SECTIONS)
def test_a_section_makes_nothing_that_others_need(notebook: Path, section: list[str]) -> None:
    """Without running: a name that the section gives stands in no word or code outside it."""
    cells = read(notebook).cells
    given = {name for c in cells if c.id in section for name in assigned(c)}
    inside = {name for c in cells if c.id in section for name in comprehended(c)}
    outside = [c for c in cells if c.id not in section and c.cell_type == "code"]
    templates = {c.id: names_in(c) & (given - inside) for c in outside}
    assert {i: names for i, names in templates.items() if names} == {}


def names_in(cell: NotebookNode) -> set[str]:
    """Names that a cell needs, those in the braces and the first line of a word cell."""
    if not cell.source.startswith("%%"):
        texts = re.findall(r"\{\{(.*?)\}\}", cell.source)
        return reads(cell) | set(re.findall(r"(?<![.\w'\"])[A-Za-z_]\w*", " ".join(texts)))
    head, _, words = cell.source.partition("\n")
    inside = " ".join([head, *re.findall(r"\{\{(.*?)\}\}", words, re.S)])
    return set(re.findall(r"(?<![.\w'\"])[A-Za-z_]\w*", inside))


@pytest.mark.slow
@pytest.mark.parametrize(("notebook", "section"), SECTIONS)
def test_a_removed_section_breaks_no_other(notebook: Path, section: list[str]) -> None:
    document = read(notebook)
    document.cells = [cell for cell in document.cells if cell.id not in section]
    client_of(document, notebook).execute()
    assert {c.id: e for c in document.cells if (e := errors(c))} == {}

"""A notebook cell by cell: what its author and the caller want shown, before it is written."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

from nbformat import NotebookNode

from llminfra.publish.read.outputs import Form, output_forms
from llminfra.wire import BLOCK_MIME

_HIDE_CELL: Final = frozenset({"remove_cell", "remove-cell"})
_HIDE_INPUT: Final = frozenset({"remove_input", "remove-input", "hide_input", "hide-input"})
_HIDE_OUTPUT: Final = frozenset({"remove_output", "remove-output"})
_PARAMETERS: Final = {"parameters": "Parameters", "injected-parameters": "Parameters given"}


@dataclass(frozen=True, slots=True)
class Show:
    """What of a notebook is shown."""

    code: bool = True
    inputs: bool = True
    outputs: bool = True
    markdown: bool = True
    raw: bool = True


@dataclass(frozen=True, slots=True)
class Cell:
    """What is shown of a cell: pieces, each in the forms that it has, the richest first."""

    where: str
    pieces: list[list[Form]]


def shown_cells(notebook: NotebookNode, show: Show) -> Iterator[Cell]:
    """Yield the cells that their author does not hide, with what `show` leaves of them."""
    charts = count(1)
    for number, cell in enumerate(notebook.cells, start=1):
        if not _HIDE_CELL & _tags(cell):
            where = f"cell {number} ({cell.get('id') or 'no id'})"
            yield Cell(where, list(_pieces(cell, show, charts)))


def shown_blocks(notebook: NotebookNode) -> Iterator[Mapping[str, Any]]:
    """Yield the blocks of llminfra among the outputs that their author does not hide."""
    for cell in notebook.cells:
        if not (_HIDE_CELL | _HIDE_OUTPUT) & _tags(cell):
            yield from cell_blocks(cell)


def cell_blocks(cell: NotebookNode) -> Iterator[Any]:
    """Yield the blocks of llminfra among a cell's outputs."""
    found = (output.get("data", {}).get(BLOCK_MIME) for output in cell.get("outputs", []))
    yield from (block for block in found if isinstance(block, dict))


def _pieces(cell: NotebookNode, show: Show, charts: Iterator[int]) -> Iterator[list[Form]]:
    if cell.cell_type == "markdown" and show.markdown:
        yield [Form("markdown", cell.source, about=cell.get("attachments") or {})]
    elif cell.cell_type == "raw" and show.raw and cell.source.strip():
        kind = cell.metadata.get("raw_mimetype") or cell.metadata.get("format") or ""
        yield [Form("markdown" if kind == "text/markdown" else "raw", cell.source, kind)]
    elif cell.cell_type == "code" and show.code:
        if show.inputs and not _hides_input(cell) and cell.source.strip():
            label = next((name for tag, name in _PARAMETERS.items() if tag in _tags(cell)), "Code")
            yield [Form("code", cell.source.strip("\n"), label)]
        if show.outputs and not _HIDE_OUTPUT & _tags(cell):
            alt = str(cell.metadata.get("alt") or "")
            for output in cell.get("outputs", []):
                yield list(output_forms(output, alt, charts))


def _tags(cell: NotebookNode) -> frozenset[str]:
    return frozenset(map(str, cell.metadata.get("tags", ())))


def _hides_input(cell: NotebookNode) -> bool:
    hidden = cell.metadata.get("jupyter", {}).get("source_hidden") or _HIDE_INPUT & _tags(cell)
    return bool(hidden) or cell.metadata.get("hide_input") is True

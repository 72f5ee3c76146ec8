"""The words of an executed notebook as a whole: one answer, and findings in the page's order."""

import re
from collections.abc import Iterator
from typing import Any, Final

from nbformat import NotebookNode

from llminfra.errors import RenderError
from llminfra.present.tally import answers_fault
from llminfra.wire import BLOCK_MIME

_FINDING: Final = re.compile(r"Finding \d+")
_NAME: Final = re.compile(r"\{\{.*?\}\}")
_CODE: Final = re.compile(r"(`+).*?\1", re.S)


def check_answers(document: NotebookNode) -> None:
    """Refuse a report that shows two answers, or none of those it has written.

    Notes
    -----
    Cells that have not run do not count, nor does a notebook without ``%%answer``.

    Raises
    ------
    RenderError
        One line with the first lines of the cells and the value of `case`.
    """
    told = [(cell, block) for cell in document.cells for block in _answers(cell)]
    lines = [(_first_line(cell), block["kind"] == "answer") for cell, block in told]
    cases = [str(block.get("case")) for _, block in told if block.get("case")]
    if fault := answers_fault(lines, cases[0] if cases else ""):
        raise RenderError(fault)


def check_prose(document: NotebookNode) -> None:
    """Refuse a report whose Markdown cells hold names: nobody fills them in there.

    Raises
    ------
    RenderError
        One line with the cell and its first line.
    """
    if not any(b.get("kind") == "masthead" for cell in document.cells for b in _blocks(cell)):
        return
    for number, cell in enumerate(document.cells, start=1):
        text = _CODE.sub("", str(cell.source)) if cell.cell_type == "markdown" else ""
        if found := _NAME.search(text):
            raise RenderError(
                f"cell {cell.get('id') or number}: {found[0]!r} stands in a Markdown cell, where "
                "it is no number; make it a code cell that begins with %%prose"
            )


def number_findings(document: NotebookNode) -> None:
    """Number the findings as they stand on the page, whatever the order in which cells ran."""
    numbers = iter(range(1, len(document.cells) + 1))
    for cell in document.cells:
        for block in _blocks(cell):
            if _FINDING.fullmatch(str(block.get("kicker") or "")):
                block["kicker"] = f"Finding {next(numbers)}"


def _answers(cell: NotebookNode) -> Iterator[Any]:
    if _first_line(cell).startswith("%%answer"):
        yield from (b for b in _blocks(cell) if b.get("kind") in ("answer", "unshown"))


def _blocks(cell: NotebookNode) -> Iterator[Any]:
    found = (output.get("data", {}).get(BLOCK_MIME) for output in cell.get("outputs", []))
    yield from (block for block in found if isinstance(block, dict))


def _first_line(cell: NotebookNode) -> str:
    return str(cell.source).lstrip().partition("\n")[0].strip()

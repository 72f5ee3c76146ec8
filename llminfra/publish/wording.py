"""The words of an executed notebook as a whole: one answer, and findings in the page's order."""

import re
from collections.abc import Iterator
from itertools import count
from typing import Any, Final

from nbformat import NotebookNode

from llminfra.errors import RenderError
from llminfra.present.remarks import TYPED, odd_labels, typed_numbers
from llminfra.present.tally import answers_fault
from llminfra.publish.read.cells import cell_blocks
from llminfra.publish.where import MARKDOWN, cell_name

MAGICS: Final = ("masthead", "answer", "figure", "table", "prose")
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
        One line with the cell, the heading above it and its first line.
    """
    if not _is_report(document):
        return
    for index, cell in enumerate(document.cells):
        text = _CODE.sub("", str(cell.source)) if cell.cell_type == "markdown" else ""
        if found := _NAME.search(text):
            raise RenderError(
                f"{cell_name(document.cells, index)}: {found[0]!r} is no number here; make it a "
                "code cell that begins with %%prose"
            )


def settle(document: NotebookNode) -> None:
    """Write into the blocks of a notebook what only the notebook as a whole can tell."""
    number_findings(document)
    note_typed(document)


def number_findings(document: NotebookNode) -> None:
    """Number the findings as they stand on the page, whatever the order in which cells ran."""
    numbers = count(1)
    for cell in document.cells:
        for block in cell_blocks(cell):
            if _FINDING.fullmatch(str(block.get("kicker") or "")):
                block["kicker"] = f"Finding {next(numbers)}"


def remarks(document: NotebookNode) -> list[str]:
    """Say which cells hold a number that somebody typed, or a label that is nearly a usual one.

    Returns
    -------
    remarks : list of str
        One line a cell, with its name.
    """
    found = []
    for where, numbers in _typed(document):
        is_are = "is" if len(numbers) == 1 else "are"
        fix = "give it a name in a code cell and write {{ name }}"
        if where.startswith(MARKDOWN):
            fix += " in a cell that begins with %%prose"
        found.append(f"{where}: {', '.join(numbers)} {is_are} typed and will not move; {fix}")
    for index, cell in enumerate(document.cells):
        words = str(cell.source).partition("\n")[2] if _is_words(cell, "%%answer") else ""
        for label, usual in odd_labels(words) if words else ():
            where = cell_name(document.cells, index)
            found.append(f"{where}: label {label!r} is nearly the usual {usual!r}")
    return found


def note_typed(document: NotebookNode) -> None:
    """Have the closing section name the numbers that somebody typed."""
    typed = "; ".join(f"{', '.join(numbers)} in {where}" for where, numbers in _typed(document))
    for block in (block for cell in document.cells for block in cell_blocks(cell)):
        if block.get("kind") == "provenance" and typed:
            # The notebook itself knows word cells alone, and no numbers of cells.
            note = str(block.get("note") or "").partition(f" {TYPED}: ")[0]
            block["note"] = f"{note} {TYPED}: {typed}.".strip()


def _typed(document: NotebookNode) -> Iterator[tuple[str, list[str]]]:
    """Yield name and numbers of cells with typed numbers; Markdown counts in reports alone."""
    is_report = _is_report(document)
    for index, cell in enumerate(document.cells):
        text = ""
        if _is_words(cell, *(f"%%{name}" for name in MAGICS)):
            text = str(cell.source).partition("\n")[2]
        elif cell.cell_type == "markdown" and is_report:
            text = str(cell.source)
        if numbers := typed_numbers(text):
            yield cell_name(document.cells, index), numbers


def _is_report(document: NotebookNode) -> bool:
    blocks = (block for cell in document.cells for block in cell_blocks(cell))
    return any(block.get("kind") == "masthead" for block in blocks)


def _is_words(cell: NotebookNode, *magics: str) -> bool:
    return cell.cell_type == "code" and _first_line(cell).split(" ")[0] in magics


def _answers(cell: NotebookNode) -> Iterator[Any]:
    if _first_line(cell).startswith("%%answer"):
        yield from (b for b in cell_blocks(cell) if b.get("kind") in ("answer", "unshown"))


def _first_line(cell: NotebookNode) -> str:
    return str(cell.source).lstrip().partition("\n")[0].strip()

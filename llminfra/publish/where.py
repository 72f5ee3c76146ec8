"""Where in a notebook something is, as who wrote it sees it: number, heading above, first line."""

import re
from collections.abc import Sequence
from typing import Final

from nbformat import NotebookNode

from llminfra.publish.cell_error import plain

MARKDOWN: Final = "the Markdown cell"
INJECTED: Final = "injected-parameters"
_HEADING: Final = re.compile(r"^#{2,6} +(.+?) *#* *$", re.M)
_FENCED: Final = re.compile(r"^(```|~~~).*?^\1", re.M | re.S)
_MOST: Final = 40  # letters of a heading or line


def cell_number(cells: Sequence[NotebookNode], index: int) -> str:
    """Number a code cell as JupyterLab does after Run All, without what papermill has put in."""
    own = [c for c in cells[: index + 1] if INJECTED not in c.metadata.get("tags", [])]
    return f"cell {sum(c.cell_type == 'code' for c in own)}"


def cell_name(cells: Sequence[NotebookNode], index: int, *, message: str = "") -> str:
    r"""Name a cell by its number, the heading above it and its first line.

    Parameters
    ----------
    cells : sequence of NotebookNode
        All cells of the notebook.
    index : int
        The cell's.
    message : str
        What is said of it: a first line that stands in this is not repeated.

    Examples
    --------
    >>> from nbformat.v4 import new_code_cell, new_markdown_cell
    >>> above = new_markdown_cell("## How sure\n\nWords.")
    >>> cell_name([above, new_code_cell("1 / 0")], 1)
    "cell 1 under 'How sure' ('1 / 0')"
    """
    cell, heading = cells[index], _heading(cells[:index])
    is_code = cell.cell_type == "code"
    name = cell_number(cells, index) if is_code else MARKDOWN
    first = next((line for line in plain(cell.source).splitlines() if line.strip()), "").strip()
    under = f" under {_cut(heading)!r}" if heading else ""
    return name + under + (f" ({_cut(first)!r})" if first and first not in message else "")


def _heading(cells: Sequence[NotebookNode]) -> str:
    """The nearest heading above, but not the notebook's title."""
    texts = (_FENCED.sub("", plain(c.source)) for c in cells if c.cell_type == "markdown")
    found = [heading for text in texts for heading in _HEADING.findall(text)]
    return str(found[-1]) if found else ""


def _cut(text: str) -> str:
    return text if len(text) <= _MOST else f"{text[: _MOST - 1].rstrip()}…"

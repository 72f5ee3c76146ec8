"""The final page of the running notebook, inside the notebook."""

import base64
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from llminfra.errors import RenderError
from llminfra.present.blocks import Block, notice
from llminfra.wire import BLOCK_MIME

EXPORTER: Final = "llminfra-html"  # by name: what notebooks import knows no publisher
# Jupyter servers name the file here, for the kernels that they start.
_SERVERS_FILE: Final = "JPY_SESSION_NAME"


@dataclass(frozen=True)
class Preview:
    """A page in a frame of its own; the last expression of a cell shows it."""

    page: str
    height_px: int

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        # Scripts run, for the charts, without access to JupyterLab. An address of its own, and not
        # srcdoc, where a link to a part of the page would lead to the start page of JupyterLab.
        address = f"data:text/html;base64,{base64.b64encode(self.page.encode()).decode()}"
        frame = (
            f'<iframe title="Preview of the report" sandbox="allow-scripts allow-downloads" '
            f'style="width:100%;height:{self.height_px}px;border:1px solid #9ca3af" '
            f'src="{address}"></iframe>'
        )
        # As a block, so that the page leaves out the pictures of itself.
        block = {"version": 1, "kind": "preview"}
        return {BLOCK_MIME: block, "text/html": frame, "text/plain": "[preview]"}


def preview(path: Path | str | None = None, *, height_px: int = 900) -> Preview | Block | None:
    """Show the page that the notebook gives, as last saved.

    Parameters
    ----------
    path : Path or str, optional
        Another notebook's file; by default the one this cell is run in.
    height_px : int
        Height of the frame.

    Returns
    -------
    Preview, Block or None
        The page; a note where no cell has a saved output yet; nothing where nobody looks on, as
        when the notebook is rendered.

    Raises
    ------
    RenderError
        The file cannot be read.
    """
    found = Path(path) if path is not None else _own_file()
    if found is None:
        return None
    document = _read(found)
    if not any(cell.get("outputs") for cell in document.cells):
        return notice(
            "Nothing to preview yet", body="Run all cells, save the notebook, run this cell again."
        )
    from nbconvert.exporters import get_exporter  # slow to import, and only a preview needs it

    exporter = get_exporter(EXPORTER)()
    where = {"metadata": {"name": found.stem, "path": str(found.parent)}}
    page, _ = exporter.from_notebook_node(document, where)
    return Preview(page, height_px)


def _own_file() -> Path | None:
    """File of the notebook that a person runs; a batch's kernel gets cells without their id."""
    from IPython.core.getipython import get_ipython  # slow to import, and only notebooks need it

    shell: Any = get_ipython()
    request = shell.get_parent() if hasattr(shell, "get_parent") else {}
    name = os.environ.get(_SERVERS_FILE)
    return Path(name) if name and request.get("metadata", {}).get("cellId") else None


def _read(path: Path) -> Any:
    import nbformat  # slow to import, and only a preview needs it

    try:
        return nbformat.read(path, as_version=4)
    except Exception as error:  # nbformat raises whatever is wrong with the file
        raise RenderError(f"path must be a readable notebook, got {path.name}: {error}") from None

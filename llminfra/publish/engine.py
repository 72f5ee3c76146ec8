"""Run one notebook in a fresh kernel of this interpreter and hand back the executed document."""

import logging
import os
import re
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import nbformat
import papermill
from ipykernel.kernelspec import RESOURCES, get_kernel_dict
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode
from traitlets import Callable as TraitCallable
from traitlets import Unicode
from traitlets.config import Config

from llminfra.errors import RenderError
from llminfra.publish.beside import Beside
from llminfra.wire import BLOCK_MIME, DRAWS_LATER

_OWN_KERNEL: Final = "python3"
# A kernel that nobody debugs need not load the debugger, which takes a tenth of a second.
_LAUNCH: Final = """
import sys
sys.path[:] = filter(None, sys.path)  # the notebook's folder, until the shell adds it
import runpy
sys.modules["debugpy"] = None
import ipykernel.debugger
del sys.modules["debugpy"]
runpy.run_module("ipykernel_launcher", run_name="__main__")
"""
_START_TIMEOUT_S: Final = 120
_SOCKET_PATH_LIMIT: Final = 90  # Unix socket paths end at 103 bytes on macOS, 107 on Linux
_TRACEBACK_LINES: Final = 40
_CHART: Final = re.compile(r"image/|application/vnd\.(?:vega|plotly)")
_BARE_CHART: Final = (
    "a chart of a report with masthead must go through figure(), got {mime}; write "
    "figure(chart, title=…, subtitle=…, alt=…, source=…, as_of=…, name=…)"
)
_CONTROL: Final = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")


class CellError(RenderError):
    """A notebook stopped: which cell, its source, the message and the traceback's last lines."""

    def __init__(
        self, message: str, *, where: str = "", source: str = "", traceback: tuple[str, ...] = ()
    ) -> None:
        super().__init__(f"{where}: {message}" if where else message)
        self.message = message
        self.where = where
        self.source = source
        self.traceback = traceback


class OwnKernelManager(AsyncKernelManager):
    """Starts the kernel of this interpreter, whatever a user has installed as ``python3``."""

    log_file = Unicode(config=True, help="takes what the kernel process prints by itself")
    on_started = TraitCallable(config=True, help="called when the process runs, before it answers")

    @property
    def kernel_spec(self) -> KernelSpec | None:
        """The interpreter itself for ``python3``; any other name is looked up as Jupyter does."""
        if self.kernel_name == _OWN_KERNEL:
            spec = KernelSpec(resource_dir=RESOURCES, **get_kernel_dict())
            spec.argv[1:3] = ["-c", _LAUNCH]
            return spec
        return super().kernel_spec

    # jupyter_client types the asynchronous method like the synchronous one it replaces.
    async def start_kernel(self, **kwargs: Any) -> None:  # type: ignore[override]
        """Start the kernel with its own output in the log file instead of the terminal."""
        environment = {**os.environ, **kwargs.pop("env", {}), DRAWS_LATER: "1"}
        with Path(self.log_file).open("wb") as log:
            await super().start_kernel(stdout=log, stderr=log, env=environment, **kwargs)
        self.on_started()


def execute(
    notebook: Path,
    parameters: Mapping[str, object],
    *,
    prepare: Callable[[], object] = lambda: None,
) -> NotebookNode:
    """Execute a notebook with papermill's stock engine in the folder where the notebook lies.

    Parameters
    ----------
    notebook : Path
        The file; it is not written.
    parameters : mapping
        Values for papermill's injected cell.
    prepare : callable, optional
        What to do in a thread while the kernel starts.

    Returns
    -------
    document : NotebookNode
        Executed notebook without timings, machine paths and environment variables.

    Raises
    ------
    CellError
        A cell failed, the kernel died or could not start, the file is no notebook.

    Notes
    -----
    Changes the working directory while it runs, as papermill does: use processes, not threads.
    """
    source = _read(notebook)
    kernel = source.metadata.get("kernelspec", {})
    last: dict[str, Any] = {}
    draws = any(cell.cell_type == "code" and "figure(" in cell.source for cell in source.cells)
    beside = Beside(prepare, draws=draws)
    with tempfile.TemporaryDirectory(prefix="llminfra-", ignore_cleanup_errors=True) as folder:
        try:
            document = papermill.execute_notebook(
                source,
                None,
                parameters=dict(parameters),
                kernel_name=kernel.get("name", _OWN_KERNEL),
                language=kernel.get("language", "python"),
                cwd=notebook.parent.resolve(),
                progress_bar=False,
                start_timeout=_START_TIMEOUT_S,
                kernel_manager_class=OwnKernelManager,
                shutdown_kernel="immediate",
                record_timing=False,
                on_cell_start=lambda cell, cell_index: last.update(cell=cell, index=cell_index),
                on_cell_executed=beside.take,
                config=_kernel_config(Path(folder), beside),
            )
        except papermill.PapermillExecutionError as exc:
            raise _cell_error(exc, source, injected=bool(parameters)) from None
        except DeadKernelError:
            where = _where(last.get("index", 0), source, injected=bool(parameters))
            raise CellError(
                "the kernel died: it crashed, was killed or ran out of memory",
                where=where,
                source=last.get("cell", {}).get("source", ""),
            ) from None
        except Exception as exc:
            words = _last_words(Path(folder))
            raise CellError(f"could not run {notebook.name}: {one_line(exc)}{words}") from exc
    for index, code, error in beside.finish():
        where = _where(index, source, injected=bool(parameters))
        raise CellError(str(error), where=where, source=code) from None
    for index, code, mime in _bare_charts(document):
        where = _where(index, source, injected=bool(parameters))
        raise CellError(_BARE_CHART.format(mime=mime), where=where, source=code)
    return _without_traces(document)


def _bare_charts(document: NotebookNode) -> Iterator[tuple[int, str, str]]:
    """Yield cell, source and type of charts without claim, source and alternative in a report.

    A notebook without masthead is no report of the house and may show what it likes.
    """
    shown = [
        (i, cell.source, o.get("data", {}))
        for i, cell in enumerate(document.cells)
        for o in cell.get("outputs", [])
    ]
    kinds = [data[BLOCK_MIME].get("kind") for *_, data in shown if BLOCK_MIME in data]
    for index, code, data in shown if "masthead" in kinds else ():
        chart = next((mime for mime in data if _CHART.match(mime)), None)
        if chart and BLOCK_MIME not in data:
            yield index, code, chart


@contextmanager
def quiet() -> Iterator[None]:
    """Keep log lines and warnings of the Jupyter stack off the terminal."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def one_line(exc: BaseException, limit: int = 300) -> str:
    r"""Say what an exception says, in one line without control characters.

    Examples
    --------
    >>> one_line(ValueError("too\n  long")), one_line(KeyError("x")), one_line(OSError())
    ('too long', "KeyError: 'x'", 'OSError')
    """
    text = " ".join(plain(str(exc)).split())
    name = type(exc).__name__
    if isinstance(exc, OSError) and exc.strerror:
        text = exc.strerror
    elif not text or isinstance(exc, KeyError):
        text = f"{name}: {text}" if text else name
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def plain(text: str) -> str:
    """Drop colour codes and control characters, except line feeds and tabs."""
    return _CONTROL.sub("", text)


def _read(notebook: Path) -> NotebookNode:
    try:
        document: NotebookNode = nbformat.read(notebook, as_version=4)
    except OSError as exc:
        raise CellError(f"could not read {notebook.name}: {one_line(exc)}") from exc
    except Exception as exc:
        raise CellError(f"{notebook.name} must be a Jupyter notebook: {one_line(exc)}") from exc
    return document


def _kernel_config(folder: Path, beside: Beside) -> Config:
    """Sockets in a private folder: no ports to collide, no plain-text TCP, nothing in the home."""
    connection_file = str(folder / "kernel.json")
    settings: dict[str, Any] = {"log_file": str(folder / "log"), "connection_file": connection_file}
    # A function, as Config copies what it is given.
    settings["on_started"] = lambda: beside.start()
    if sys.platform != "win32" and len(connection_file) < _SOCKET_PATH_LIMIT:
        settings["transport"] = "ipc"
    return Config({"OwnKernelManager": settings})


def _last_words(folder: Path) -> str:
    log = folder / "log"
    lines = plain(log.read_text(errors="replace")).split("\n") if log.exists() else []
    said = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return f" ({said[:200]})" if said else ""


def _cell_error(
    exc: papermill.PapermillExecutionError, source: NotebookNode, *, injected: bool
) -> CellError:
    lines = plain("\n".join(exc.traceback)).replace(sys.prefix, "…").split("\n")
    return CellError(
        f"{exc.ename}: {' '.join(plain(exc.evalue).split())}".removesuffix(": "),
        where=_where(exc.cell_index, source, injected=injected),
        source=exc.source,
        traceback=tuple(lines[-_TRACEBACK_LINES:]),
    )


def _where(index: int, source: NotebookNode, *, injected: bool) -> str:
    """Number of a code cell as JupyterLab shows it after Run All on the notebook itself."""
    tags = [cell.metadata.get("tags", []) for cell in source.cells]
    at = next((i + 1 for i, t in enumerate(tags) if "parameters" in t), 0)
    if injected and index == at:
        return "the injected parameters"
    original = index - (injected and index > at)
    return f"cell {sum(c.cell_type == 'code' for c in source.cells[: original + 1])}"


def _without_traces(document: NotebookNode) -> NotebookNode:
    """Keep what was asked for; drop when, where and in which environment it ran."""
    record = document.metadata.pop("papermill", {})
    keep = ("default_parameters", "parameters", "version")
    document.metadata["papermill"] = {key: record[key] for key in keep if key in record}
    for cell in document.cells:
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell["outputs"] = _joined(cell.outputs)
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell["id"] = "injected-parameters"
    return document


def _joined(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Join what a cell printed: where the kernel cut it depends on time.

    nbclient's own option takes minutes for one long line (it looks for carriage returns).
    """
    joined: list[NotebookNode] = []
    for output in outputs:
        name = output.get("name") if output.output_type == "stream" else None
        if name and joined and joined[-1].get("name") == name:
            joined[-1]["text"] += output.text
        else:
            joined.append(output)
    return joined

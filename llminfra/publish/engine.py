"""Run one notebook in a fresh kernel of this interpreter and hand back the executed document."""

import logging
import re
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import nbformat
import papermill
from jupyter_client.kernelspec import NoSuchKernel
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode, ValidationError
from papermill.engines import papermill_engines
from papermill.iorw import load_notebook_node

from llminfra.errors import RenderError, shown
from llminfra.publish.beside import Beside
from llminfra.publish.by_papermill import run_by_papermill
from llminfra.publish.cell_error import CellError, one_line, plain
from llminfra.publish.fork.engine import LlmInfraEngine
from llminfra.publish.fork.lane import OWN_KERNEL
from llminfra.publish.kernel import OwnKernelManager, kernel_config, last_words
from llminfra.publish.where import INJECTED, cell_name, cell_number
from llminfra.publish.wording import check_answers, check_prose, remarks
from llminfra.wire import BLOCK_MIME, DRAWS_LATER

# Asked in the notebook's own process, below all of its names.
_PROBE: Final = """
try:
    from IPython.display import display as _display
    _display({{"{mime}": {{"value": {expression}}}}}, raw=True)
except Exception:
    pass
"""
_PROBE_MIME: Final = "application/vnd.llminfra.probe+json"
_PROBE_TAG: Final = "llminfra-probe"
_START_TIMEOUT_S: Final = 120
FORK: Final = "llminfra"
_GIVEN: Final = "the injected parameters"
_DIED: Final = "the kernel died: it crashed, was killed or ran out of memory"
_TRACEBACK_LINES: Final = 40
_CHART: Final = re.compile(r"image/|application/vnd\.(?:vega|plotly)")
_DRAWS: Final = re.compile(r"^%%figure|\bfigure\(", re.M)
_BARE_CHART: Final = (
    "a chart of a report with masthead must have words, got {mime}; give the chart a name, and "
    "say in a cell below, which begins with %%figure NAME, what it shows; one of matplotlib is "
    "closed where it is made: plt.close(fig)"
)


@dataclass(frozen=True)
class Executed:
    """What came of running a notebook.

    Parameters
    ----------
    document : NotebookNode
        Executed notebook without timings, machine paths and environment variables.
    probed : object
        What the probe gave; None where the kernel speaks no Python, or could not say.
    remarks : tuple of str
        What in its words may not be meant: typed numbers, labels that are nearly usual ones.
    """

    document: NotebookNode
    probed: Any = None
    remarks: tuple[str, ...] = ()


def execute(
    notebook: Path,
    parameters: Mapping[str, object],
    *,
    prepare: Callable[[], object] = lambda: None,
    kernel: str = "",
    timeout_s: float | None = None,
    probe: str = "",
    on_cell: Callable[[str], object] = lambda _: None,
    engine: str = FORK,
    preload: Sequence[str] = (),
    memory_gb: float | None = None,
) -> Executed:
    """Execute a notebook with papermill in the folder where the notebook lies.

    Parameters
    ----------
    notebook : Path
        The file; it is not written.
    parameters : mapping
        Values for papermill's injected cell.
    prepare : callable, optional
        What to do in a thread while the kernel starts.
    kernel : str
        Name of the kernel; the notebook's own by default.
    timeout_s : float, optional
        Most seconds that one cell may take.
    probe : str
        Python expression to evaluate after the last cell, for plain data.
    on_cell : callable, optional
        Is told which cell begins.
    engine : str
        ``llminfra``, which forks where it can, or ``stock``, papermill's own.
    preload : sequence of str
        What the process has loaded which forks, as `Lane` has it.
    memory_gb : float, optional
        Most memory of a fork; by default that of the machine. [GB]

    Returns
    -------
    executed : Executed
        The document, and what was probed.

    Raises
    ------
    CellError
        A cell failed or took too long, the kernel died or could not start, the file is no notebook.
        As `document` it has the notebook as far as it ran.

    Notes
    -----
    Changes the working directory while it runs, as papermill does: use processes, not threads. A
    cell that is tagged ``raises-exception`` may fail, as in JupyterLab.
    """
    source = _read(notebook)
    asked = source.metadata.get("kernelspec", {})
    language = asked.get("language") or source.metadata.get("language_info", {}).get("name")
    if probe and (language or "python") == "python":
        source.cells.append(_probe_cell(probe))
    run = _Run(list(source.cells), injected=bool(parameters), on_cell=on_cell)
    draws = any(cell.cell_type == "code" and _DRAWS.search(cell.source) for cell in source.cells)
    beside = Beside(prepare, draws=draws)

    def executed(**cell: Any) -> None:
        run.set_aside(**cell)
        beside.take(**cell)

    with tempfile.TemporaryDirectory(prefix="llminfra-", ignore_cleanup_errors=True) as folder:
        try:
            document = run_by_papermill(
                source,
                dict(parameters),
                kernel_name=kernel or asked.get("name", OWN_KERNEL),
                language=language or "python",
                cwd=notebook.parent.resolve(),
                engine_name=engine if engine == FORK else None,
                start_timeout=_START_TIMEOUT_S,
                execution_timeout=timeout_s,
                kernel_manager_class=OwnKernelManager,
                shutdown_kernel="immediate",
                record_timing=False,
                on_notebook_start=run.begin,
                on_cell_start=run.start,
                on_cell_executed=executed,
                **_engine(engine, preload, beside, memory_gb),
                config=kernel_config(Path(folder), on_started=lambda: beside.start()),
            )
        except papermill.PapermillExecutionError as exc:
            raise run.told(_cell_error(exc, run.where(exc.cell_index, exc.evalue))) from None
        except DeadKernelError as exc:
            how = str(exc).removeprefix("Kernel died").removeprefix(": ")
            raise run.stopped(_DIED + (f" ({how})" if how else "")) from None
        except CellTimeoutError:
            raise run.stopped(
                f"took longer than {timeout_s:g} s; --timeout allows more, 0 any time"
            ) from None
        except NoSuchKernel as exc:
            raise CellError(
                f"no kernel named {shown(exc.name)} is installed; --kernel {OWN_KERNEL} runs "
                f"{notebook.name} with this interpreter"
            ) from None
        except ValidationError as exc:
            raise run.stopped(_unreadable(exc)) from None
        except Exception as exc:
            words = last_words(Path(folder))
            raise run.told(
                CellError(f"could not run {notebook.name}: {one_line(exc)}{words}")
            ) from exc
    for index, code, error in beside.finish():
        raise run.told(
            CellError(str(error), where=run.where(index, str(error)), source=code)
        ) from None
    run.put_back()
    probed = _probed(document)
    for index, code, mime in _bare_charts(document):
        message = _BARE_CHART.format(mime=mime)
        raise run.told(CellError(message, where=run.where(index), source=code))
    try:
        check_answers(document)
        check_prose(document)
    except RenderError as error:
        raise run.told(CellError(str(error))) from None
    return Executed(_without_traces(document), probed, tuple(remarks(document)))


def _engine(
    name: str, preload: Sequence[str], beside: Beside, memory_gb: float | None
) -> dict[str, Any]:
    """What papermill needs to know of an engine."""
    if name != FORK:
        return {}
    papermill_engines.register(FORK, LlmInfraEngine)  # also where the package is not installed
    environment = {DRAWS_LATER: "1"}
    forked = {"preload": preload, "environment": environment, "on_forked": beside.start}
    return {**forked, "memory_gb": memory_gb}


class _Run:
    """What is known of a notebook while it runs: its document, and the cell at work."""

    def __init__(
        self, cells: Sequence[NotebookNode], *, injected: bool, on_cell: Callable[[str], object]
    ) -> None:
        self._cells, self._on_cell = cells, on_cell
        tags = [cell.metadata.get("tags", []) for cell in cells]
        after = next((i + 1 for i, names in enumerate(tags) if "parameters" in names), 0)
        self._given = after if injected else None  # where papermill's own cell stands
        self._document: NotebookNode | None = None
        self._cell: Mapping[str, Any] = {}
        self._index = 0
        self._expected: list[tuple[NotebookNode, list[NotebookNode]]] = []

    def begin(self, notebook: NotebookNode) -> None:
        self._document = notebook

    def start(self, cell: NotebookNode, cell_index: int) -> None:
        self._cell, self._index = cell, cell_index
        if cell.cell_type == "code":
            at = self._at(cell_index)
            self._on_cell(_GIVEN if at is None else cell_number(self._cells, at))

    def set_aside(self, cell: NotebookNode, **_: Any) -> None:
        """Keep errors that a cell may have from papermill, which fails at any."""
        outputs = list(cell.get("outputs", []))
        if "raises-exception" in cell.metadata.get("tags", []):
            self._expected.append((cell, outputs))
            cell["outputs"] = [o for o in outputs if o.output_type != "error"]

    def put_back(self) -> None:
        for cell, outputs in self._expected:
            cell["outputs"] = outputs
        self._expected = []

    def where(self, index: int, message: str = "") -> str:
        """Name a cell of the running notebook as it is called in the notebook itself."""
        at = self._at(index)
        return _GIVEN if at is None else cell_name(self._cells, at, message=message)

    def _at(self, index: int) -> int | None:
        """Return where a cell stands in the notebook itself; None for papermill's own."""
        if self._given is None or index < self._given:
            return index
        return None if index == self._given else index - 1

    def stopped(self, message: str) -> CellError:
        source = str(self._cell.get("source", ""))
        return self.told(CellError(message, where=self.where(self._index, message), source=source))

    def told(self, error: CellError) -> CellError:
        """Give the error the notebook as far as it ran."""
        self.put_back()
        if self._document is not None:
            _probed(self._document)
            error.document = _without_traces(self._document)
        return error


def _probe_cell(expression: str) -> NotebookNode:
    source = _PROBE.format(expression=expression, mime=_PROBE_MIME)
    cell = nbformat.v4.new_code_cell(source, metadata={"tags": [_PROBE_TAG]}, id="probe")
    return cast("NotebookNode", cell)


def _probed(document: NotebookNode) -> Any:
    """Take the probe's cell off a document, and return what it gave."""
    if not document.cells or _PROBE_TAG not in document.cells[-1].metadata.get("tags", []):
        return None
    outputs = document.cells.pop().outputs
    found = (o.get("data", {}).get(_PROBE_MIME) for o in outputs)
    return next((data.get("value") for data in found if data), None)


def _unreadable(exc: ValidationError) -> str:
    """Say what of an output no notebook can hold: Altair's own MIME renderer makes such."""
    kinds = [str(part) for part in exc.absolute_path if "/" in str(part)]
    if kinds:
        return (
            f"output of type {kinds[0]} cannot stand in a notebook as it is; if it is a chart's, "
            'take out alt.renderers.enable("mimetype")'
        )
    return f"output cannot stand in a notebook: {one_line(exc, 120)}"


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


def _read(notebook: Path) -> NotebookNode:
    try:
        document: NotebookNode = load_notebook_node(str(notebook.resolve()))
    except OSError as exc:
        raise CellError(f"could not read {notebook.name}: {one_line(exc)}") from exc
    except Exception as exc:
        raise CellError(f"{notebook.name} must be a Jupyter notebook: {one_line(exc)}") from exc
    return document


def _cell_error(exc: papermill.PapermillExecutionError, where: str) -> CellError:
    lines = plain("\n".join(exc.traceback)).replace(sys.prefix, "…").split("\n")
    return CellError(
        f"{exc.ename}: {' '.join(plain(exc.evalue).split())}".removesuffix(": "),
        where=where,
        source=exc.source,
        traceback=tuple(lines[-_TRACEBACK_LINES:]),
    )


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
        if INJECTED in cell.metadata.get("tags", []):
            cell["id"] = INJECTED
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

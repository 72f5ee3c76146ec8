"""One job = one notebook with one set of parameters, executed once and exported to any formats.

``run_job`` never raises for what can go wrong with a report: the result says it, an error page
lies beside the old files, and the old files stay. ``run`` spreads jobs over processes.
"""

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    as_completed,
    wait,
)
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import entry_points
from multiprocessing import active_children, get_context, parent_process
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from llminfra.publish.error_page import error_page
from llminfra.publish.files import inside, safe_name, write_atomic
from llminfra.wire import BLOCK_MIME

if TYPE_CHECKING:
    from nbformat import NotebookNode

_PREFIX: Final = "llminfra-"
_NOTEBOOK: Final = "ipynb"

Block = dict[str, Any]
OnDone = Callable[["Result"], object]


@dataclass(frozen=True)
class Job:
    """What to render: a notebook, its parameters, and where the files go.

    Parameters
    ----------
    notebook : Path
        The notebook file.
    out_dir : Path
        Folder for the outputs.
    parameters : mapping
        Values for the notebook's parameters cell; must be picklable.
    formats : tuple of str
        Any of `formats_available()`.
    stem : str
        Name of the files without extension; the notebook's name by default.
    title : str
        Title of the document; the notebook's own heading by default.
    collect : tuple of str
        Kinds of blocks to hand back from the executed notebook.
    """

    notebook: Path
    out_dir: Path
    parameters: Mapping[str, Any] = field(default_factory=dict)
    formats: tuple[str, ...] = ("html",)
    stem: str = ""
    title: str = ""
    collect: tuple[str, ...] = ("notice", "provenance")

    def __post_init__(self) -> None:
        object.__setattr__(self, "stem", safe_name(self.stem or self.notebook.stem))


@dataclass(frozen=True)
class Result:
    """What became of a job.

    Parameters
    ----------
    job : Job
        The job.
    outputs : mapping
        Format → file name inside `job.out_dir`, for what this run wrote.
    error : str or None
        One line; None when every format was written.
    error_page : str or None
        File name of the page that shows cell and message.
    blocks : sequence of dict
        Blocks of the kinds in `job.collect`, in the notebook's order.
    """

    job: Job
    outputs: Mapping[str, str] = field(default_factory=dict)
    error: str | None = None
    error_page: str | None = None
    blocks: Sequence[Block] = ()

    @property
    def status(self) -> Literal["ok", "failed"]:
        """``ok`` when every format was written."""
        return "ok" if self.error is None else "failed"

    @property
    def problems(self) -> list[Block]:
        """Notices of level ``problem`` that the notebook raised: ``--strict`` looks here."""
        notices = (b for b in self.blocks if b.get("kind") == "notice")
        return [b for b in notices if b.get("level") == "problem"]


def formats_available() -> list[str]:
    """Return the names of all formats: ``ipynb`` and each exporter named ``llminfra-…``."""
    found = entry_points(group="nbconvert.exporters")
    names = {e.name.removeprefix(_PREFIX) for e in found if e.name.startswith(_PREFIX)}
    return sorted(names | {_NOTEBOOK})


def run_job(job: Job) -> Result:
    """Execute and export one job in this process.

    Parameters
    ----------
    job : Job
        The job.

    Returns
    -------
    result : Result
        Failures included: only KeyboardInterrupt and the like pass through.
    """
    # The Jupyter stack takes half a second to import; commands that render nothing need not wait.
    from llminfra.publish.engine import CellError, execute, one_line, quiet

    with quiet():
        try:
            document = execute(job.notebook, job.parameters, prepare=lambda: _warm_up(job.formats))
            outputs, errors = _write_formats(job, document)
            blocks = tuple(_blocks(document, job.collect))
            if errors:
                return _failed(job, CellError("; ".join(errors)), outputs, blocks)
            inside(job.out_dir, f"{job.stem}.error.html").unlink(missing_ok=True)
            return Result(job, outputs, blocks=blocks)
        except CellError as failure:
            return _failed(job, failure)
        except Exception as exc:
            return _failed(job, CellError(one_line(exc)))


def run(
    jobs: Iterable[Job],
    *,
    workers: int | None = None,
    executor: Executor | None = None,
    on_done: OnDone | None = None,
) -> list[Result]:
    """Run jobs: one in this process, several in a pool, or all through a given executor.

    Parameters
    ----------
    jobs : iterable of Job
        The jobs; no two may share `out_dir` and `stem`.
    workers : int, optional
        Processes of the pool; one per core by default.
    executor : concurrent.futures.Executor, optional
        Takes the jobs instead of the pool (one that runs them in processes: a notebook's folder is
        the working directory while it runs).
    on_done : callable, optional
        Gets each result as it comes, in any order.

    Returns
    -------
    results : list of Result
        In the order of `jobs`.

    Notes
    -----
    A worker that dies fails its own job only: the jobs in flight are tried again, each alone.
    Ctrl-C ends workers and kernels before it is raised again.
    """
    jobs = list(jobs)
    results: dict[int, Result] = {}

    def done(index: int, result: Result) -> None:
        results[index] = result
        if on_done is not None:
            on_done(result)

    workers = min(workers or os.cpu_count() or 1, len(jobs))
    if executor is not None:
        _through(executor, jobs, done)
    elif workers <= 1:
        for index, job in enumerate(jobs):
            done(index, run_job(job))
    else:
        _in_processes(jobs, workers, done)
    return [results[index] for index in range(len(jobs))]


# -- one job ------------------------------------------------------------------------------------


def _write_formats(job: Job, document: "NotebookNode") -> tuple[dict[str, str], list[str]]:
    """Write each format that works; one that does not leaves the others alone.

    A page without one of its parts is written, where it says so, and is an error.
    """
    from llminfra.publish.engine import one_line

    outputs: dict[str, str] = {}
    errors: list[str] = []
    for name in job.formats:
        try:
            extension, data, unshown = _export(job, document, name)
            path = inside(job.out_dir, job.stem + extension)
            write_atomic(path, data)
            outputs[name] = path.name
            errors += [f"{name} lacks a part: {reason}" for reason in unshown]
        except Exception as exc:
            errors.append(f"{name}: {one_line(exc)}")
    return outputs, errors


def _export(
    job: Job, document: "NotebookNode", name: str
) -> tuple[str, str | bytes, Sequence[str]]:
    import nbformat

    if job.title:
        document.metadata["title"] = job.title
    if name == _NOTEBOOK:
        return ".ipynb", nbformat.writes(document) + "\n", ()
    exporter = _exporter(name)
    where = {"name": job.stem, "path": str(job.notebook.parent)}
    data, resources = exporter.from_notebook_node(document, {"metadata": where})
    extension = resources.get("output_extension") or exporter.file_extension
    return extension, data, resources.get("unshown", ())


@cache
def _exporter(name: str) -> Any:
    """One exporter per format and process: its first page costs ten times the next."""
    found = entry_points(group="nbconvert.exporters", name=_PREFIX + name)
    if not found:
        known = ", ".join(formats_available())
        raise ValueError(f"format must be one of {known}, got {name!r}")
    return next(iter(found)).load()()


def _warm_up(formats: Sequence[str]) -> None:
    """Load what comes after the kernel, while this process would only wait for it."""
    from nbformat import v4

    block = {BLOCK_MIME: {"version": 1, "kind": "answer", "headline": "1", "points": []}}
    cell = v4.new_code_cell("1", outputs=[v4.new_output("display_data", block)])
    for name in formats:
        with suppress(Exception):  # told when the format is written
            _exporter(name).from_notebook_node(v4.new_notebook(cells=[cell]))


def _blocks(document: "NotebookNode", kinds: Sequence[str]) -> Iterator[Block]:
    for cell in document.cells:
        for output in cell.get("outputs", []):
            block = output.get("data", {}).get(BLOCK_MIME)
            if isinstance(block, dict) and block.get("kind") in kinds:
                yield dict(block)


def _failed(
    job: Job,
    failure: Exception,
    outputs: Mapping[str, str] | None = None,
    blocks: Sequence[Block] = (),
) -> Result:
    """Report a failure; the page is a service and its own failure must not hide the first one."""
    page: str | None = f"{job.stem}.error.html"
    try:
        write_atomic(inside(job.out_dir, str(page)), error_page(job.notebook.name, failure))
    except Exception:
        page = None
    return Result(job, outputs or {}, error=str(failure), error_page=page, blocks=blocks)


# -- many jobs ----------------------------------------------------------------------------------

Done = Callable[[int, Result], None]


def _through(executor: Executor, jobs: Sequence[Job], done: Done) -> None:
    futures = {executor.submit(run_job, job): index for index, job in enumerate(jobs)}
    try:
        for future in as_completed(futures):
            done(futures[future], _result(future, jobs[futures[future]]))
    except BaseException:
        for future in futures:
            future.cancel()
        raise


def _in_processes(jobs: Sequence[Job], workers: int, done: Done) -> None:
    queue = deque(range(len(jobs)))
    while queue:
        suspects = _drain(jobs, queue, workers, done)
        for index in suspects:
            if _drain(jobs, deque([index]), 1, done):
                done(index, _failed(jobs[index], BrokenExecutor(_DIED)))


def _drain(jobs: Sequence[Job], queue: deque[int], workers: int, done: Done) -> list[int]:
    """Work off the queue; return the jobs that were in flight when a worker died, if one did.

    Never more jobs are submitted than there are workers, so that in flight means at work.
    """
    flying: dict[Future[Result], int] = {}
    with _pool(workers) as pool:
        while queue or flying:
            while queue and len(flying) < workers:
                index = queue.popleft()
                try:
                    flying[pool.submit(_in_worker, jobs[index])] = index
                except BrokenExecutor:
                    return [*flying.values(), index]
            for future in wait(flying, return_when=FIRST_COMPLETED).done:
                if isinstance(future.exception(), BrokenExecutor):
                    return list(flying.values())
                index = flying.pop(future)
                done(index, _result(future, jobs[index]))
    return []


def _result(future: Future[Result], job: Job) -> Result:
    from llminfra.publish.engine import one_line

    try:
        return future.result()
    except BrokenExecutor:
        return _failed(job, BrokenExecutor(_DIED))
    except Exception as exc:
        return _failed(job, RuntimeError(f"could not be sent to a process: {one_line(exc)}"))


_DIED: Final = "the rendering process ended unexpectedly (killed, or out of memory)"


@contextmanager
def _pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Spawned, not forked: this process may hold threads and renderers that do not survive it."""
    others = set(active_children())
    pool = ProcessPoolExecutor(workers, get_context("spawn"), initializer=_start_worker)
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for child in set(active_children()) - others:
            child.terminate()
        raise
    pool.shutdown()


# -- inside a worker ----------------------------------------------------------------------------

_busy = False


def _start_worker() -> None:
    """Leave at once when told to or when the parent is gone, ending the kernel first."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)
    threading.Thread(target=_watch_parent, daemon=True).start()


def _leave(_signal: int, _frame: object) -> None:
    if _busy:
        raise KeyboardInterrupt
    os._exit(1)


def _watch_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


def _in_worker(job: Job) -> Result:
    global _busy
    _busy = True
    try:
        return run_job(job)
    except KeyboardInterrupt:
        os._exit(1)
    finally:
        _busy = False

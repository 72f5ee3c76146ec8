"""One job = one notebook with one set of parameters, executed once and exported to any formats.

``run_job`` never raises for what can go wrong with a report: the result says it, an error page
lies beside the old files, and the old files stay. ``run`` spreads jobs over processes.
"""

import gc
import os
import signal
import threading
import time
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
from dataclasses import replace
from multiprocessing import active_children, get_context, parent_process
from typing import TYPE_CHECKING, Final

from llminfra.disk import inside, write_atomic
from llminfra.publish.cell_error import CellError, one_line
from llminfra.publish.error_page import error_page
from llminfra.publish.fork.lane import begin, close_lanes
from llminfra.publish.job import Block, Job, Result
from llminfra.publish.status import Status
from llminfra.publish.writing import as_text, warm_up, write_formats
from llminfra.wire import fixed_time

if TYPE_CHECKING:
    from nbformat import NotebookNode

# A page that tells cell and message, and the notebook as far as it ran.
_OF_FAILURES: Final = (".error.html", ".error.ipynb")
# Engine, kernel and modules to load: what a worker can make ready before its first job.
_How = tuple[str, str, tuple[str, ...]]
OnDone = Callable[[Result], object]


def run_job(job: Job, status: Status | None = None) -> Result:
    """Execute and export one job in this process.

    Parameters
    ----------
    job : Job
        The job.
    status : Status, optional
        Is told which cell runs.

    Returns
    -------
    result : Result
        Failures included: only KeyboardInterrupt and the like pass through.
    """
    begun = time.monotonic()
    result = _rendered(job, status)
    took_s = None if fixed_time() else round(time.monotonic() - begun, 2)
    return replace(result, duration_s=took_s)


def _rendered(job: Job, status: Status | None) -> Result:
    # The Jupyter stack takes half a second to import; commands that render nothing need not wait.
    from llminfra.publish.engine import execute, quiet

    def on_cell(where: str) -> None:
        if status is not None:
            status.begin(f"{job.out_dir.name}/{job.stem}", where)

    with quiet():
        try:
            executed = execute(
                job.notebook,
                {**job.parameters, **job.aside},
                prepare=lambda: warm_up(job.formats),
                kernel=job.kernel,
                timeout_s=job.timeout_s,
                probe=job.probe,
                on_cell=on_cell,
                engine=job.engine,
                preload=job.preload,
                memory_gb=job.memory_gb,
            )
            blocks = tuple(_blocks(executed.document, job.collect))
            outputs, errors = write_formats(job, executed.document)
            if errors:
                return _failed(job, CellError("; ".join(errors)), outputs, blocks)
            for ending in _OF_FAILURES:
                inside(job.out_dir, f"{job.stem}{ending}").unlink(missing_ok=True)
            found = {"probed": executed.probed, "remarks": executed.remarks}
            return Result(job, outputs, blocks=blocks, **found)
        except CellError as failure:
            return _failed(job, failure)
        except Exception as exc:
            return _failed(job, CellError(one_line(exc)))
        finally:
            if status is not None:
                status.end()


def run(
    jobs: Iterable[Job],
    *,
    workers: int | None = None,
    executor: Executor | None = None,
    on_done: OnDone | None = None,
    status: Status | None = None,
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
    status : Status, optional
        Is told which cells run in processes of this machine.

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
    if not jobs:
        return []
    results: dict[int, Result] = {}

    def done(index: int, result: Result) -> None:
        # What comes from another process brings a copy of its job.
        result = results[index] = replace(result, job=jobs[index])
        if on_done is not None:
            on_done(result)

    workers = min(workers or os.cpu_count() or 1, len(jobs))
    if executor is not None:
        _through(executor, jobs, done)
    elif workers <= 1:
        begin(*_how(jobs[0]))
        for index, job in enumerate(jobs):
            done(index, run_job(job, status))
    else:
        _in_processes(jobs, workers, done, status)
    return [results[index] for index in range(len(jobs))]


def keep_loaded() -> None:
    """Look for garbage among what comes from now on alone, not each time among all that is loaded.

    For processes that do nothing else, after their first report: by then the most is loaded.
    """
    if not gc.get_freeze_count():
        gc.collect()
        gc.freeze()


# -- one job ------------------------------------------------------------------------------------


def _blocks(document: "NotebookNode", kinds: Sequence[str]) -> Iterator[Block]:
    from llminfra.publish.read.cells import cell_blocks  # loads nbformat

    for cell in document.cells:
        yield from (dict(block) for block in cell_blocks(cell) if block.get("kind") in kinds)


def _failed(
    job: Job,
    failure: Exception,
    outputs: Mapping[str, str] | None = None,
    blocks: Sequence[Block] = (),
) -> Result:
    """Report a failure; the page is a service and its own failure must not hide the first one."""
    page: str | None = f"{job.stem}{_OF_FAILURES[0]}"
    try:
        write_atomic(inside(job.out_dir, str(page)), error_page(job.notebook.name, failure))
    except Exception:
        page = None
    if (document := getattr(failure, "document", None)) is not None:
        with suppress(Exception):
            half = inside(job.out_dir, f"{job.stem}{_OF_FAILURES[1]}")
            write_atomic(half, as_text(document))
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


def _in_processes(jobs: Sequence[Job], workers: int, done: Done, status: Status | None) -> None:
    queue = deque(range(len(jobs)))
    while queue:
        suspects = _drain(jobs, queue, workers, done, status)
        for index in suspects:
            if _drain(jobs, deque([index]), 1, done, status):
                done(index, _failed(jobs[index], BrokenExecutor(_DIED)))


def _drain(
    jobs: Sequence[Job], queue: deque[int], workers: int, done: Done, status: Status | None
) -> list[int]:
    """Work off the queue; return the jobs that were in flight when a worker died, if one did.

    Never more jobs are submitted than there are workers, so that in flight means at work.
    """
    flying: dict[Future[Result], int] = {}
    with _pool(workers, _how(jobs[0])) as pool:
        while queue or flying:
            while queue and len(flying) < workers:
                index = queue.popleft()
                try:
                    flying[pool.submit(_in_worker, jobs[index], status)] = index
                except BrokenExecutor:
                    return [*flying.values(), index]
            for future in wait(flying, return_when=FIRST_COMPLETED).done:
                if isinstance(future.exception(), BrokenExecutor):
                    return list(flying.values())
                index = flying.pop(future)
                done(index, _result(future, jobs[index]))
    return []


def _result(future: Future[Result], job: Job) -> Result:
    try:
        return future.result()
    except BrokenExecutor:
        return _failed(job, BrokenExecutor(_DIED))
    except Exception as exc:
        return _failed(job, RuntimeError(f"could not be sent to a process: {one_line(exc)}"))


_PATIENCE_S: Final = 5.0  # for a worker that was told to leave
_DIED: Final = "the rendering process ended unexpectedly (killed, or out of memory)"


@contextmanager
def _pool(workers: int, how: _How) -> Iterator[ProcessPoolExecutor]:
    """Spawned, not forked: this process may hold threads and renderers that do not survive it."""
    others = set(active_children())
    context = get_context("spawn")
    pool = ProcessPoolExecutor(workers, context, initializer=_start_worker, initargs=how)
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        children = set(active_children()) - others
        for child in children:
            child.terminate()
        # An interruption that comes while Python runs a callback is lost, and the child goes on.
        until = time.monotonic() + _PATIENCE_S
        for child in children:
            child.join(max(0.0, until - time.monotonic()))
            child.kill()
            child.join()
        raise
    pool.shutdown()


def _how(job: Job) -> _How:
    return job.engine, job.kernel, job.preload


# -- inside a worker ----------------------------------------------------------------------------

_busy = False


def _start_worker(engine: str, kernel: str, preload: tuple[str, ...]) -> None:
    """Leave at once when told to or when the parent is gone, ending the kernel first."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)
    threading.Thread(target=_watch_parent, daemon=True).start()
    begin(engine, kernel, preload)


def _leave(_signal: int, _frame: object) -> None:
    if _busy:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _go_on)
        raise KeyboardInterrupt
    close_lanes()
    os._exit(1)


def _go_on(_signal: int, _frame: object) -> None:
    """Let nothing interrupt what tidies up; Python would complain of what it ignores too late."""


def _watch_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(_PATIENCE_S)
        close_lanes()
        os._exit(1)


def _in_worker(job: Job, status: Status | None) -> Result:
    global _busy
    _busy = True
    try:
        return run_job(job, status)
    except KeyboardInterrupt:
        close_lanes()
        os._exit(1)
    finally:
        _busy = False
        keep_loaded()

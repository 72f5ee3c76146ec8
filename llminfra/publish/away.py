"""Jobs in other processes and on other machines, through dask.distributed: ``dask://HOST:PORT``.

A worker renders into a folder of its own and hands back the files, which are written here: nothing
half made is seen, and workers need no access to the output folder. They read the notebook, and
what lies beside it, under the same path. A worker that dies is no failure: its jobs go to another.
"""

import os
import re
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from llminfra import __version__
from llminfra.disk import inside, write_atomic
from llminfra.errors import InvalidInput
from llminfra.publish.cell_error import one_line
from llminfra.publish.fingerprint import package_digest
from llminfra.publish.job import Job, Result
from llminfra.publish.jobs import run_job

SCHEME: Final = "dask://"
_CONNECT_S: Final = 20
# A job is tried so often on workers that die before it counts as what kills them.
_RETRIES: Final = 3
_TIME: Final = "SOURCE_DATE_EPOCH"
_one_at_a_time = threading.Lock()  # a notebook's folder is the working directory while it runs


@dataclass(frozen=True)
class Rendered:
    """What a worker hands back: the result, and the content of its files by name."""

    result: Result
    files: Mapping[str, bytes]


@contextmanager
def executor_at(address: str) -> Iterator[Executor]:
    """Connect to the scheduler at an address for as long as a batch runs.

    Parameters
    ----------
    address : str
        ``dask://HOST:PORT``.

    Raises
    ------
    InvalidInput
        The address is none, nobody answers there, dask is not installed, there is no worker, or
        the workers have another version.
    """
    if not re.fullmatch(rf"{SCHEME}[\w.\-\[\]:]+:\d+", address):
        raise InvalidInput(f"--executor must be {SCHEME}HOST:PORT, got {address!r}")
    try:
        from distributed import Client
    except ImportError:
        raise InvalidInput(
            f"--executor {address} needs dask: pip install 'llminfra[dask]', here and on workers"
        ) from None
    try:
        client = Client(f"tcp://{address.removeprefix(SCHEME)}", timeout=_CONNECT_S)
    except (OSError, TimeoutError) as error:
        raise InvalidInput(
            f"--executor {address} must be a scheduler, got no answer ({one_line(error, 80)})"
        ) from None
    try:
        _check(_asked(client, address), address)
        yield _Away(client)
    finally:
        client.close()


def needed_versions() -> dict[str, str]:
    """What must be the same where jobs are run as where they are asked for."""
    return {
        "Python": f"{sys.version_info[0]}.{sys.version_info[1]}",
        "llminfra": __version__,
        "files of llminfra": package_digest()[:12],
    }


def _asked(client: Any, address: str) -> Mapping[str, Mapping[str, str]]:
    try:
        found: Mapping[str, Mapping[str, str]] = client.run(needed_versions)
    except ImportError as error:
        raise InvalidInput(
            f"workers of {address} must have llminfra {__version__}, got: {one_line(error, 80)}"
        ) from None
    return found


def _check(workers: Mapping[str, Mapping[str, str]], address: str) -> None:
    if not workers:
        raise InvalidInput(f"{address} must have workers, got none; start dask worker there")
    for worker, found in workers.items():
        for name, mine in needed_versions().items():
            if found.get(name) != mine:
                raise InvalidInput(
                    f"worker {worker} must have the same {name} as this machine ({mine}), got "
                    f"{found.get(name)}; install the same there"
                )


class _Away(Executor):
    """Sends jobs to workers, and writes here what comes back."""

    def __init__(self, client: Any) -> None:
        self._client, self._asked = client, (needed_versions(), os.environ.get(_TIME))

    # Takes jobs alone, as `llminfra.publish.jobs` gives them.
    def submit(  # type: ignore[override]
        self, function: Callable[[Job], Result], job: Job, /
    ) -> "Future[Result]":
        """Have a job run by a worker."""
        done: Future[Result] = Future()
        job = replace(job, notebook=job.notebook.resolve())
        inner = self._client.submit(render, job, *self._asked, pure=False, retries=_RETRIES)
        done.set_running_or_notify_cancel()
        inner.add_done_callback(lambda future: _settle(done, future, job))
        return done


def _settle(done: "Future[Result]", inner: Any, job: Job) -> None:
    try:
        rendered: Rendered = inner.result()
        for name, data in rendered.files.items():
            write_atomic(inside(job.out_dir, name), data)
        done.set_result(rendered.result)
    except BaseException as error:
        with suppress(Exception):  # nobody waits any more
            done.set_exception(error)


def render(job: Job, expected: Mapping[str, str], time: str | None) -> Rendered:
    """Run a job on a worker, in a folder of its own.

    Parameters
    ----------
    job : Job
        The job.
    expected : mapping
        `needed_versions` of who asks.
    time : str, optional
        ``SOURCE_DATE_EPOCH`` of who asks.
    """
    if (mine := needed_versions()) != expected:
        raise InvalidInput(f"worker must have {expected}, got {mine}; install the same there")
    with _one_at_a_time, tempfile.TemporaryDirectory(prefix="llminfra-away-") as name:
        if time is not None:
            os.environ[_TIME] = time
        else:
            os.environ.pop(_TIME, None)
        folder = Path(name) / job.out_dir.name
        result = run_job(replace(job, out_dir=folder))
        files = {path.name: path.read_bytes() for path in folder.glob("*") if path.is_file()}
        return Rendered(result, files)

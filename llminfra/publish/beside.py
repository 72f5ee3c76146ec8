"""What goes on while a kernel computes: a thread prepares, a process draws charts as they come."""

import atexit
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from typing import Any

from nbformat import NotebookNode

from llminfra.errors import RenderError
from llminfra.wire import BLOCK_MIME, UNDRAWN


class Artist:
    """The process that draws. It ends with this one, however this one ends: its input closes."""

    def __init__(self) -> None:
        # -P: the working directory is a notebook's folder, whose files are no modules here.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "llminfra.present.artist"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._questions, self._answers = self._process.stdin, self._process.stdout

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def draw(self, figure: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a cell shows of a figure.

        Raises
        ------
        RenderError
            If a chart cannot be drawn, or the process has died.
        """
        try:
            self._questions.write(json.dumps(figure) + "\n")
            self._questions.flush()
            answer = self._answers.readline()
        except (OSError, ValueError):
            answer = ""
        if not answer:
            raise RenderError(f"the process that draws charts has died at {figure.get('name')!r}")
        reply = json.loads(answer)
        if "error" in reply:
            raise RenderError(reply["error"])
        bundle: dict[str, Any] = reply["bundle"]
        return bundle

    def end(self) -> None:
        """End the process, and wait for it."""
        for pipe in (self._questions, self._answers):
            with suppress(OSError):  # what a dead process has not read
                pipe.close()
        self._process.wait()


class Beside:
    """Prepares in a thread, and has charts drawn, while the kernel goes on.

    Parameters
    ----------
    prepare : callable
        What to do in the thread.
    draws : bool
        Whether charts are to be expected: then the artist starts with the kernel.
    """

    def __init__(self, prepare: Callable[[], object], *, draws: bool) -> None:
        self._thread = ThreadPoolExecutor(1)
        self._prepare, self._draws = prepare, draws
        self._waiting: list[tuple[int, str, NotebookNode, Future[dict[str, Any]]]] = []

    def start(self) -> None:
        """Start; not earlier, as it would keep this process from starting the kernel."""
        if self._draws:
            _artist()
        self._thread.submit(self._prepare)

    def take(self, cell: NotebookNode, cell_index: int, **_: Any) -> None:
        """Have drawn what a finished cell shows."""
        for output in cell.get("outputs", []):
            figure = output.get("data", {}).get(BLOCK_MIME)
            if isinstance(figure, dict) and UNDRAWN in figure:
                future = self._thread.submit(_artist().draw, figure)
                self._waiting.append((cell_index, cell.source, output, future))

    def finish(self) -> Iterator[tuple[int, str, RenderError]]:
        """Put the pictures into the outputs; yield cell and reason where there is none."""
        for index, source, output, future in self._waiting:
            try:
                output["data"].update(future.result())
            except RenderError as error:
                yield index, source, error
        self._thread.shutdown(cancel_futures=True)


def _artist() -> Artist:
    """Return the artist of this process, a new one if it has died."""
    if not _hired().is_alive:
        _hired.cache_clear()
    return _hired()


@cache
def _hired() -> Artist:
    """One per process: it takes as long to start as to draw two charts."""
    artist = Artist()
    atexit.register(artist.end)
    return artist

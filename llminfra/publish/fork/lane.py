"""The process that forks, seen from the one that asks: light, so that it can start first of all."""

import atexit
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from llminfra.publish.fork import frames

OWN_KERNEL: Final = "python3"
# Begins the names of what waits until so many notebooks have been run that it pays.
LATER: Final = "later "
# Loaded before the first notebook, where they are installed.
PRELOADED: Final = ("numpy", "pandas", "altair")


def can_fork(kernel_name: str | None, language: str | None = "python") -> bool:
    """Tell whether a notebook can be run in a fork: this interpreter's kernel, on Linux."""
    is_own = (kernel_name or OWN_KERNEL) == OWN_KERNEL and (language or "python") == "python"
    return sys.platform == "linux" and hasattr(os, "fork") and is_own


class Lane:
    """The process that forks, one notebook at a time.

    Parameters
    ----------
    modules : tuple of str
        What it loads first: names of modules, or ``module:function`` to be called too; what begins
        with `LATER` it loads later.
    """

    def __init__(self, modules: tuple[str, ...]) -> None:
        theirs_in, self.writer = os.pipe()
        self.reader, theirs_out = os.pipe()
        # Apart from what children say, who may die in the middle of a message.
        self.control, theirs_control = os.pipe()
        theirs = (theirs_in, theirs_out, theirs_control)
        command = [sys.executable, "-P", "-m", "llminfra.publish.fork.parent"]
        self._process = subprocess.Popen(
            [*command, *map(str, theirs), *PRELOADED, *modules],
            pass_fds=theirs,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for descriptor in theirs:
            os.close(descriptor)
        self._is_ready: bool | None = None
        self.child = 0

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    @property
    def is_safe(self) -> bool:
        """Whether it has loaded all and has one thread, so that a fork of it is whole."""
        if self._is_ready is None:
            told = frames.read(self.control)
            self._is_ready = told is not None and told.get("threads") == 1
            for descriptor in (self.reader, self.control):
                os.set_blocking(descriptor, False)
        return bool(self._is_ready) and self.is_alive

    def close(self) -> None:
        """End the process and its child."""
        for descriptor in (self.writer, self.reader, self.control):
            with suppress(OSError):
                os.close(descriptor)
        if self.child:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.child, signal.SIGKILL)
        self._process.kill()
        self._process.wait()


_lanes: dict[tuple[str, ...], Lane] = {}
_making = threading.Lock()


def lane_of(modules: Sequence[str]) -> Lane:
    """Return the process that forks with these modules, started on first use or when it died."""
    asked = tuple(modules)
    with _making:
        found = _lanes.get(asked)
        if found is None or not found.is_alive:
            if found is not None:
                found.close()
            elif not _lanes:
                atexit.register(close_lanes)
            found = _lanes[asked] = Lane(asked)
    return found


def begin(engine: str, kernel: str, preload: Sequence[str]) -> None:
    """Start the process that forks, which loads its libraries while this one loads its own."""
    if engine == "llminfra" and can_fork(kernel):
        lane_of(preload)


def close_lanes() -> None:
    """End all processes that fork."""
    for lane in _lanes.values():
        lane.close()
    _lanes.clear()

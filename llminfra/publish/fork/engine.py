"""``papermill --engine llminfra``: the same notebook out, without starting a kernel for it.

A notebook of this interpreter runs in a fork of a process that has loaded the libraries. Whatever
cannot be run so (another kernel, another platform) goes to papermill's own engine.
"""

import asyncio
import os
import select
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from queue import Empty
from typing import Any, Final
from uuid import uuid4

from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, NBClientEngine
from papermill.log import logger
from papermill.utils import merge_kwargs, remove_args

from llminfra.publish.fork import frames
from llminfra.publish.fork.lane import Lane, can_fork, lane_of

_ENDS_WITHIN_S: Final = 2.0


class LlmInfraEngine(Engine):  # type: ignore[misc]  # papermill has no types
    """Papermill's engine under the name ``llminfra``."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: Any,
        kernel_name: str,
        *,
        preload: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        memory_gb: float | None = None,
        **kwargs: Any,
    ) -> None:
        """Run the cells of a notebook.

        Parameters
        ----------
        preload : sequence of str
            Modules that the process has loaded which forks.
        environment : mapping, optional
            Variables that cells see beside those of this process.
        memory_gb : float, optional
            Most memory of the fork; by default that of the machine. [GB]
        """
        language = nb_man.nb.metadata.get("kernelspec", {}).get("language")
        lane = lane_of(preload) if can_fork(kernel_name, language) else None
        if lane is None or not lane.is_safe:  # where a library of it has started threads
            kwargs.pop("on_forked", None)
            NBClientEngine.execute_managed_notebook(nb_man, kernel_name, **kwargs)
            return
        start = {"environment": {**os.environ, **(environment or {})}, "memory_gb": memory_gb}
        _run(nb_man, lane, kernel_name, start, **kwargs)


def _run(
    nb_man: Any,
    lane: Lane,
    kernel_name: str,
    start: frames.Frame,
    *,
    log_output: bool = False,
    stdout_file: Any = None,
    stderr_file: Any = None,
    start_timeout: float = 60,
    execution_timeout: float | None = None,
    on_forked: Any = None,
    **kwargs: Any,
) -> None:
    # What is meant for the stock engine's kernel has no part here.
    for name in ("kernel_manager_class", "config", "shutdown_kernel"):
        kwargs.pop(name, None)
    safe = remove_args(["timeout", "startup_timeout", "input_path"], **kwargs)
    given = merge_kwargs(
        safe,
        timeout=execution_timeout if execution_timeout else kwargs.get("timeout"),
        startup_timeout=start_timeout,
        kernel_name=kernel_name,
        log=logger,
        log_output=log_output,
        stdout_file=stdout_file,
        stderr_file=stderr_file,
    )
    client = _Client(nb_man, lane, start, **given)
    if on_forked is not None:
        on_forked()
    client.execute()


class _Client(PapermillNotebookClient):  # type: ignore[misc]  # papermill has no types
    """Papermill's client, whose kernel is a fork."""

    def __init__(self, nb_man: Any, lane: Lane, start: frames.Frame, **given: Any) -> None:
        super().__init__(nb_man, **given)
        self._lane, self._start = lane, start

    async def _async_poll_for_reply(self, *args: Any) -> Any:
        """End what waits for outputs too: after a time limit asyncio would tell of it."""
        try:
            return await super()._async_poll_for_reply(*args)
        except CellTimeoutError:
            waiting = [task for task in args if isinstance(task, asyncio.Future)]
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
            raise

    @contextmanager
    def setup_kernel(self, **_: Any) -> Iterator[None]:
        """Fork a child for as long as the notebook runs."""
        fork = _Fork(self._lane, self._start)
        self.km: Any = fork
        self.kc: Any = fork
        if self.on_notebook_start is not None:
            self.on_notebook_start(notebook=self.nb)
        try:
            yield
        except BaseException:
            fork.kill()  # nothing less stops a cell that is deep in a library
            raise
        finally:
            fork.end()
            self.km = self.kc = None


class _Fork:
    """A child as nbclient sees a kernel: manager and client in one."""

    allow_stdin = False
    has_kernel = True

    def __init__(self, lane: Lane, start: frames.Frame) -> None:
        self._lane = lane
        self._data, self._control = bytearray(), bytearray()
        self._queues = {name: asyncio.Queue[Any]() for name in ("shell", "iopub")}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._about: frames.Frame | None = None
        self._is_asked = False
        self._code: int | None = None
        self.shell_channel = _Channel(self, "shell")
        self.iopub_channel = _Channel(self, "iopub")
        frames.write(lane.writer, {"op": "start", "folder": os.getcwd(), **start})
        while not lane.child and self._code is None:
            self._wait()

    def is_alive(self) -> bool:
        """Whether the child runs."""
        return self._code is None

    def execute(self, code: str, **_: Any) -> str:
        """Ask for a cell to be run."""
        number = uuid4().hex
        with suppress(BrokenPipeError):  # told as the death of the child
            frames.write(self._lane.writer, {"op": "execute", "id": number, "code": code})
        return number

    def kernel_info(self) -> str:
        """Ask what the child said of itself when it began."""
        self._is_asked = True
        if self._about is not None:
            self._queues["shell"].put_nowait(self._about)
        return _ABOUT

    def end(self) -> None:
        """End the child: by itself where it can, by force where it cannot."""
        if self._loop is not None and not self._loop.is_closed():
            for descriptor in (self._lane.reader, self._lane.control):
                self._loop.remove_reader(descriptor)
        deadline = time.monotonic() + _ENDS_WITHIN_S
        with suppress(OSError):
            frames.write(self._lane.writer, {"op": "end"} if self._code is None else {"op": ""})
        while self._code is None:
            self._wait(max(0.0, deadline - time.monotonic()))
            if time.monotonic() >= deadline:
                self.kill()
                deadline += _ENDS_WITHIN_S
        self._lane.child = 0

    def kill(self) -> None:
        """End the child at once, and what it has started."""
        child = self._lane.child
        if child and self._code is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(child, signal.SIGKILL)
            with suppress(ProcessLookupError, PermissionError):
                os.kill(child, signal.SIGKILL)

    async def get(self, channel: str, timeout: float | None) -> Any:
        """Return the next message of a channel, reading while nbclient waits."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._loop.add_reader(self._lane.reader, self._read_messages)
            self._loop.add_reader(self._lane.control, self._read_control)
        try:
            found = await asyncio.wait_for(self._queues[channel].get(), timeout)
        except TimeoutError:
            raise Empty from None
        if isinstance(found, Exception):
            raise found
        return found

    def _wait(self, timeout_s: float | None = None) -> None:
        places = [self._lane.reader, self._lane.control]
        ready, _, _ = select.select(places, [], [], timeout_s)
        if self._lane.reader in ready:
            self._read_messages()
        if self._lane.control in ready:
            self._read_control()

    def _read_messages(self) -> None:
        for frame in _arrived(self._lane.reader, self._data):
            self._take(frame)

    def _read_control(self) -> None:
        for frame in _arrived(self._lane.control, self._control):
            if frame["type"] == "started":
                self._lane.child = int(frame["pid"])
            elif frame["type"] == "ended":
                self._read_messages()  # what it said before; half a message is none
                self._fail(int(frame["code"]))
        if not self._lane.is_alive and self._code is None:
            self._fail(-signal.SIGKILL)

    def _take(self, frame: frames.Frame) -> None:
        number = frame["parent"].get("msg_id") or _ABOUT
        message = {
            "header": {"msg_type": frame["type"], "msg_id": uuid4().hex},
            "msg_type": frame["type"],
            "parent_header": {"msg_id": number},
            "content": frame["content"],
            "metadata": frame.get("metadata", {}),
            "buffers": [],
        }
        if frame["type"] == "kernel_info_reply":
            self._about = message
            if not self._is_asked:
                return
        self._queues[frame["channel"]].put_nowait(message)

    def _fail(self, code: int) -> None:
        """Wake who waits for an answer that will not come."""
        self._code = code
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        self._queues["shell"].put_nowait(DeadKernelError(f"Kernel died: {how}"))


_ABOUT: Final = "about"


def _arrived(descriptor: int, data: bytearray) -> Iterator[frames.Frame]:
    """Yield the whole messages that can be read without waiting."""
    with suppress(BlockingIOError):
        while part := os.read(descriptor, 1 << 20):
            data += part
    while (found := frames.unpack(data)) is not None:
        frame, size = found
        del data[:size]
        yield frame


class _Channel:
    def __init__(self, fork: _Fork, name: str) -> None:
        self._fork, self._name = fork, name

    async def get_msg(self, timeout: float | None = None) -> Any:
        return await self._fork.get(self._name, timeout)

"""``papermill --engine llminfra``: the same notebook out, without starting a kernel for it.

A notebook of this interpreter runs in a fork of a process that has loaded the libraries. Whatever
cannot be run so (another kernel, another platform) goes to papermill's own engine.
"""

import os
import select
import signal
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from inspect import isawaitable
from typing import Any, Final
from uuid import uuid4

from nbclient.client import timestamp
from nbclient.exceptions import CellExecutionComplete, CellTimeoutError, DeadKernelError
from nbclient.util import ensure_async, run_sync
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, NBClientEngine
from papermill.log import logger
from papermill.utils import merge_kwargs, remove_args

from llminfra.publish.fork import frames
from llminfra.publish.fork.lane import Lane, can_fork, lane_of

_ENDS_WITHIN_S: Final = 2.0
_LOOKS_UP_S: Final = 0.2
_OF_KERNELS: Final = ("coalesce_streams", "interrupt_on_timeout")  # options that a fork lacks


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
        is_asked = can_fork(kernel_name, language) and not any(map(kwargs.get, _OF_KERNELS))
        lane = lane_of(preload) if is_asked else None
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
    """Papermill's client, whose kernel is a fork: one pipe, in order, so that no loop is needed."""

    def __init__(self, nb_man: Any, lane: Lane, start: frames.Frame, **given: Any) -> None:
        super().__init__(nb_man, **given)
        self._lane, self._start = lane, start

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

    def execute_cell(self, cell: Any, cell_index: int, *_: Any, **__: Any) -> Any:
        """Run a cell, as nbclient does, and put into it what comes of it."""
        about = {"cell": cell, "cell_index": cell_index}
        _tell(self.on_cell_start, **about)
        tags = cell.metadata.get("tags", [])
        if cell.cell_type != "code" or not cell.source.strip() or self.skip_cells_with_tag in tags:
            return cell
        if self.record_timing:
            cell.metadata["execution"] = {}
        _tell(self.on_cell_execute, **about)
        number = self.kc.execute(cell.source)
        _tell(self.on_cell_complete, **about)
        self.code_cells_executed += 1
        cell.outputs = []
        self.clear_before_next_output = False
        reply = self._reply(number, cell, cell_index)
        _tell(self.on_cell_executed, **about, execute_reply=reply)
        if reply["content"]["status"] == "error":
            run_sync(self._check_raise_for_error)(cell, cell_index, reply)
        self.nb["cells"][cell_index] = cell
        return cell

    def _reply(self, number: str, cell: Any, cell_index: int) -> Any:
        """Take what a cell shows until it has ended; return what the child says of that."""
        timeout_s, reply = self._get_timeout(cell), None
        deadline = time.monotonic() + timeout_s if timeout_s else None
        while True:
            try:
                message = self.kc.message(deadline)
            except TimeoutError:
                raise CellTimeoutError.error_from_timeout_and_cell(
                    "Cell execution timed out", timeout_s, cell
                ) from None
            if message["parent_header"]["msg_id"] != number:
                continue
            if message["msg_type"] == "execute_reply":
                reply = message
                if self.record_timing:
                    cell.metadata["execution"]["shell.execute_reply"] = timestamp(message)
                continue
            try:
                self.process_message(message, cell, cell_index)
            except CellExecutionComplete:
                return reply

    def wait_for_reply(self, reply: Any, *_: Any) -> Any:
        """Return what a fork has answered at once."""
        return reply


def _tell(hook: Any, **about: Any) -> None:
    """Call what a caller of papermill gave, which may want to be awaited."""
    if hook is not None:
        found = hook(**about)
        if isawaitable(found):
            run_sync(ensure_async)(found)


class _Fork:
    """A child as nbclient sees a kernel: manager and client in one."""

    allow_stdin = False
    has_kernel = True

    def __init__(self, lane: Lane, start: frames.Frame) -> None:
        self._lane, self._places = lane, (lane.reader, lane.control)
        self._data, self._control = bytearray(), bytearray()
        self._messages: deque[Any] = deque()
        self._code: int | None = None
        self._about: Any = None
        frames.write(lane.writer, {"op": "start", "folder": os.getcwd(), **start})
        while not lane.child and self._code is None:
            self._wait()

    def execute(self, code: str) -> str:
        """Ask for a cell to be run."""
        number = uuid4().hex
        data = memoryview(frames.pack({"op": "execute", "id": number, "code": code}))
        with suppress(BrokenPipeError):  # told as the death of the child
            while data and self._code is None:
                # A child that waits until somebody reads what it says does not read itself.
                _, writable, _ = select.select(self._places, [self._lane.writer], [], _LOOKS_UP_S)
                self._wait(0.0)
                if writable:
                    data = data[os.write(self._lane.writer, data[: select.PIPE_BUF]) :]
        return number

    def message(self, deadline: float | None) -> Any:
        """Return the next message.

        Raises
        ------
        TimeoutError
            If none has come by then.
        DeadKernelError
            If none will come.
        """
        while not self._messages:
            self._check()
            left_s = None if deadline is None else deadline - time.monotonic()
            if left_s is not None and left_s <= 0:
                raise TimeoutError
            self._wait(left_s)
        return self._messages.popleft()

    def kernel_info(self) -> Any:
        """Return what the child said of itself when it began."""
        while self._about is None:
            self._check()
            self._wait()
        return self._about

    def end(self) -> None:
        """End the child: by itself where it can, by force where it cannot."""
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

    def _check(self) -> None:
        """Say how the child has died, if it has."""
        if self._code is not None:
            code = self._code
            how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            raise DeadKernelError(f"Kernel died: {how}")

    def _wait(self, timeout_s: float | None = None) -> None:
        # Another thread may take a signal: then nothing wakes this one, whose it is.
        timeout_s = _LOOKS_UP_S if timeout_s is None else min(timeout_s, _LOOKS_UP_S)
        ready, _, _ = select.select(self._places, [], [], timeout_s)
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
                self._code = int(frame["code"])
        if not self._lane.is_alive and self._code is None:
            self._code = -signal.SIGKILL

    def _take(self, frame: frames.Frame) -> None:
        message = {
            "header": {"msg_type": frame["type"], "msg_id": uuid4().hex},
            "msg_type": frame["type"],
            "parent_header": {"msg_id": frame["parent"].get("msg_id")},
            "content": frame["content"],
            "metadata": frame.get("metadata", {}),
            "buffers": [],
        }
        if frame["type"] == "kernel_info_reply":
            self._about = message
        else:
            self._messages.append(message)


def _arrived(descriptor: int, data: bytearray) -> Iterator[frames.Frame]:
    """Yield the whole messages that can be read without waiting."""
    with suppress(BlockingIOError):
        while part := os.read(descriptor, 1 << 20):
            data += part
    while (found := frames.unpack(data)) is not None:
        frame, size = found
        del data[:size]
        yield frame

"""Inside a fork: an IPython shell as ipykernel has it, whose messages go through a pipe."""

import asyncio
import atexit
import builtins
import codecs
import contextlib
import fcntl
import io
import os
import random
import select
import signal
import sys
import termios
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from ipykernel.compiler import XCachingCompiler
from ipykernel.ipkernel import IPythonKernel
from ipykernel.zmqshell import ZMQInteractiveShell
from IPython.core.error import StdinNotImplementedError
from jupyter_client.session import Session
from traitlets.config import Config

from llminfra.publish.fork import frames

_FULL: Final = 1 << 16  # characters that a stream gathers before it sends them
_TRIES: Final = 500
_NO_INPUT: Final = "raw_input was called, but this frontend does not support input requests."


def new_shell() -> Any:
    """Return a shell, which those that are forked of this process then have."""
    config = Config()
    config.HistoryManager.enabled = False  # its thread, and a file that all would share
    return ZMQInteractiveShell.instance(config=config, user_ns={}, compiler_class=XCachingCompiler)


class PipeSession(Session):
    """Sends what a shell publishes as frames, in order, from whichever thread."""

    def __init__(self, send: Callable[[frames.Frame], None]) -> None:
        super().__init__()
        self._send_frame = send

    # Only what shells use of it.
    def send(  # type: ignore[override]
        self, stream: Any, msg_or_type: Any, content: Any = None, parent: Any = None, **_: Any
    ) -> Any:
        """Send a message, or one of a type and its content."""
        message = msg_or_type
        if isinstance(msg_or_type, str):
            message = self.msg(msg_or_type, content, parent=parent)
        self._send_frame({"channel": "iopub", "type": message["msg_type"], **_content(message)})
        return message


def _content(message: Any) -> frames.Frame:
    return {"content": message["content"], "metadata": message.get("metadata", {})}


class Stream(io.TextIOBase):
    """Standard output or error of the cells."""

    encoding = "UTF-8"
    errors = "replace"

    def __init__(self, name: str, send: Callable[[frames.Frame], None], descriptor: int) -> None:
        self.name = name
        self._send, self._descriptor = send, descriptor
        self._parts: list[str] = []
        self._size = 0
        self._lock = threading.RLock()

    def write(self, text: str) -> int:
        """Gather text; a lot of it is sent."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text)}")
        with self._lock:
            self._parts.append(text)
            self._size += len(text)
            if self._size > _FULL:
                self.flush()
        return len(text)

    def flush(self) -> None:
        """Send what was gathered."""
        with self._lock:
            text, self._parts, self._size = "".join(self._parts), [], 0
            if text:
                self._send(
                    {
                        "channel": "iopub",
                        "type": "stream",
                        "content": {"name": self.name, "text": text},
                        "metadata": {},
                    }
                )

    def writable(self) -> bool:
        """Say that text can be written."""
        return True

    def isatty(self) -> bool:
        """Say that nobody sits in front of it."""
        return False

    def fileno(self) -> int:
        """Return the descriptor that processes started by a cell write to."""
        return self._descriptor


class _Pipe:
    """What processes that a cell starts write to a descriptor, as text of a stream."""

    def __init__(self, number: int, stream: Stream) -> None:
        self._number, self._stream = number, stream
        self._reader, writer = os.pipe()
        os.dup2(writer, number)
        os.close(writer)
        # Held from reading to writing, so that an empty pipe means that all has been written.
        self._busy = threading.Lock()
        threading.Thread(target=self._forward, daemon=True).start()

    def drain(self) -> None:
        """Wait until all that is in the pipe is in the stream."""
        left = bytearray(4)
        for _ in range(_TRIES):
            with self._busy:
                fcntl.ioctl(self._reader, termios.FIONREAD, left)
            if not any(left):
                return
            time.sleep(0.001)

    def _forward(self) -> None:
        decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        while True:
            select.select([self._reader], [], [])
            with self._busy:
                data = os.read(self._reader, 1 << 16)
                if not data:
                    return
                self._stream.write(decode(data))


class Child:
    """One notebook's process.

    Parameters
    ----------
    reader, writer : int
        Descriptors of the pipes to the process that asks.
    """

    def __init__(self, reader: int, writer: int) -> None:
        self._reader, self._writer = reader, writer
        self._parent: frames.Frame = {}
        self._lock = threading.Lock()

    def main(self, folder: str) -> None:
        """Answer requests until there are no more; never returns."""
        os.setsid()  # what a notebook starts ends with it
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.chdir(folder)
        _find_modules_beside()
        os.environ.setdefault("MPLBACKEND", frames.INLINE)
        _reseed()
        self._pipes = self._redirect()
        self._shell = self._started()
        self._send({"channel": "shell", "type": "kernel_info_reply", "content": _about()})
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(self._serve())
        self._flush()
        with contextlib.suppress(BaseException):
            atexit._run_exitfuncs()
        self._flush()
        os._exit(0)

    async def _serve(self) -> None:
        # As in a kernel, cells run while a loop does: tasks that they leave go on in between.
        asked = asyncio.Event()
        asyncio.get_running_loop().add_reader(self._reader, asked.set)
        while await asked.wait():
            request = frames.read(self._reader)
            asked.clear()
            if request is None or request["op"] == "end":
                return
            await self._execute(request)

    async def _execute(self, request: frames.Frame) -> None:
        self._parent = {"msg_id": request["id"], "msg_type": "execute_request"}
        shell, code = self._shell, str(request["code"])
        shell.set_parent({"header": self._parent, "metadata": request.get("metadata", {})})
        count = shell.execution_count
        self._publish("execute_input", {"code": code, "execution_count": count})
        result = await self._run(code)
        self._flush()
        error = result.error_before_exec or result.error_in_exec
        reply: frames.Frame = {"execution_count": shell.execution_count - 1, "status": "ok"}
        if error is not None or getattr(shell, "_last_traceback_during_displayhook", False):
            reply |= {
                "status": "error",
                "ename": type(error).__name__ if error else "FormatterError",
                "evalue": str(error or "what a cell ends in cannot be shown"),
                "traceback": shell._last_traceback or [],
            }
        self._send({"channel": "shell", "type": "execute_reply", "content": reply})
        self._publish("status", {"execution_state": "idle"})

    async def _run(self, code: str) -> Any:
        shell = self._shell
        shell._last_traceback = None
        transformed, problem = code, None
        try:
            transformed = shell.transform_cell(code)
        except Exception:
            problem = sys.exc_info()
        if not shell.should_run_async(
            code, transformed_cell=transformed, preprocessing_exc_tuple=problem
        ):
            return shell.run_cell(code, store_history=True)
        result = None
        try:
            result = await shell.run_cell_async(
                code,
                store_history=True,
                transformed_cell=transformed,
                preprocessing_exc_tuple=problem,
            )
        finally:
            shell.events.trigger("post_execute")
            shell.events.trigger("post_run_cell", result)
        return result

    # -- the shell --------------------------------------------------------------------------------

    def _started(self) -> Any:
        session = PipeSession(self._send_flushed)
        shell: Any = ZMQInteractiveShell.instance()
        shell.init_environment()  # in variables of the request
        shell.starting_dir = os.getcwd()
        shell.history_manager.reset(new_session=False)  # of the folder that it began in
        shell.displayhook.session = shell.display_pub.session = session
        shell.displayhook.pub_socket = shell.display_pub.pub_socket = object()
        shell.displayhook.topic, shell.display_pub.topic = b"execute_result", b"display_data"
        shell.kernel = _Kernel(shell)
        builtins.input = _no_input
        return shell

    def _redirect(self) -> list[tuple[Stream, _Pipe]]:
        """Let the streams be messages, and what else writes to descriptors 1 and 2 as well."""
        with open(os.devnull, "rb") as nothing:
            os.dup2(nothing.fileno(), 0)
        found = []
        for number, name in ((1, "stdout"), (2, "stderr")):
            stream = Stream(name, self._send, number)
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)
            found.append((stream, _Pipe(number, stream)))
        return found

    # -- messages ---------------------------------------------------------------------------------

    def _publish(self, kind: str, content: frames.Frame) -> None:
        self._send({"channel": "iopub", "type": kind, "content": content, "metadata": {}})

    def _send_flushed(self, frame: frames.Frame) -> None:
        for stream, _ in self._pipes:
            stream.flush()
        self._send(frame)

    def _send(self, frame: frames.Frame) -> None:
        with self._lock:
            frames.write(self._writer, {**frame, "parent": self._parent})

    def _flush(self) -> None:
        """Send what is left in streams, and what processes have written to descriptors."""
        for stream, pipe in self._pipes:
            stream.flush()
            pipe.drain()
            stream.flush()


class _Kernel:
    """What libraries look for on ``get_ipython().kernel``."""

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        self.session = shell.displayhook.session
        self.eventloop = None

    def get_parent(self, channel: str | None = None) -> Any:
        return self.shell.get_parent()

    def do_one_iteration(self) -> None:
        return None


def _no_input(prompt: object = "") -> str:
    raise StdinNotImplementedError(_NO_INPUT)


def _about() -> frames.Frame:
    return {"language_info": dict(IPythonKernel.language_info), "status": "ok"}


def _find_modules_beside() -> None:
    """Put the notebook's folder where a kernel has it; a shell does not with ``-P``."""
    if "" in sys.path:
        return
    last = (os.path.basename(path) for path in sys.path)
    packages = (i for i, name in enumerate(last) if name in ("site-packages", "dist-packages"))
    sys.path.insert(next(packages, 0), "")


def _reseed() -> None:
    """Let forks draw different numbers, as processes of their own would."""
    random.seed()
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed()

"""Loads the libraries once and forks a child for each notebook.

``python -m … READ WRITE CONTROL LOADED…``, with descriptors of three pipes, and modules or
``module:function``; what begins with `LATER` waits until so many have been forked that it pays.

It has one thread and draws nothing, or its children could hang. It ends when its input does.
"""

import atexit
import ctypes
import gc
import importlib
import os
import resource
import signal
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from llminfra.publish.fork import frames
from llminfra.publish.fork.lane import LATER

# Marks a module that makes itself known to the running shell when it is imported.
IN_SHELL: Final = "__in_shell__"
_PAYS_AFTER: Final = 4  # what waits takes as long as forks then save with as many notebooks
_IN_SHELL: Final = ("matplotlib_inline.backend_inline",)  # such modules of others
_PR_SET_PDEATHSIG: Final = 1
# Where such a library starts threads of its own, a child of it would lack them.
_ONE_THREAD: Final = (
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
)


def main(arguments: list[str]) -> None:
    """Fork a child for each request."""
    reader, writer, control = map(int, arguments[:3])
    end_with_parent()
    given = {name: os.environ.get(name) for name in _ONE_THREAD}
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
    os.environ.setdefault("MPLBACKEND", frames.INLINE)  # read once, when matplotlib is loaded
    later = [name.removeprefix(LATER) for name in arguments[3:] if name.startswith(LATER)]
    first = [name for name in arguments[3:] if not name.startswith(LATER)]
    _load_all(first)
    for name, value in given.items():
        if value is None:
            del os.environ[name]
        else:
            os.environ[name] = value
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that asks
    frames.write(control, {"type": "ready", "threads": n_threads()})
    forked = 0
    while (request := frames.read(reader)) is not None:
        if request["op"] == "start":
            if forked == _PAYS_AFTER:
                _load_all(later)
            _fork(reader, writer, control, request)
            forked += 1


def _load_all(names: Iterable[str]) -> None:
    """Load for good, and leave a new shell, but nothing that has looked for a running one."""
    gc.disable()  # what is loaded stays: looking for garbage in between takes a tenth of the time
    from ipykernel.zmqshell import ZMQInteractiveShell

    from llminfra.publish.fork.child import new_shell

    if ZMQInteractiveShell.initialized():
        atexit.unregister(ZMQInteractiveShell.instance().atexit_operations)
        ZMQInteractiveShell.clear_instance()
    for name in names:
        with suppress(Exception):  # a notebook that needs it says so itself
            load(name)
    for name in [n for n, m in sys.modules.items() if n in _IN_SHELL or hasattr(m, IN_SHELL)]:
        del sys.modules[name]  # what it is made of stays loaded
    new_shell()
    gc.collect()
    gc.freeze()
    gc.enable()


def load(name: str) -> None:
    """Import a module; of ``module:function``, call the function too."""
    module, _, function = name.partition(":")
    found = importlib.import_module(module)
    if function:
        getattr(found, function)()


def _fork(reader: int, writer: int, control: int, request: frames.Frame) -> None:
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        from llminfra.publish.fork.child import Child

        end_with_parent()
        os.close(control)
        try:
            os.environ.clear()
            os.environ.update(request["environment"])
            limit_memory(request.get("memory_gb"))
            Child(reader, writer).main(request["folder"])
        finally:
            os._exit(70)
    frames.write(control, {"type": "started", "pid": child})
    _, status = os.waitpid(child, 0)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)  # what it started and left behind
    code = os.waitstatus_to_exitcode(status)
    frames.write(control, {"type": "ended", "code": code})


def end_with_parent() -> None:
    """Let the system end this process when the one that started it is gone, however that went."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def limit_memory(most_gb: float | None) -> None:
    """Let a cell that asks for more fail with MemoryError, before the machine has none left.

    Parameters
    ----------
    most_gb : float, optional
        Memory that this process may hold; by default all of the machine. [GB]
    """
    with suppress(OSError, ValueError):  # where the user has a lower limit, that holds
        machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        most = int(1e9 * most_gb) if most_gb else machine
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def n_threads() -> int:
    """Return the number of threads of this process."""
    with suppress(OSError):
        return len(list(Path("/proc/self/task").iterdir()))
    return 1


if __name__ == "__main__":
    main(sys.argv[1:])

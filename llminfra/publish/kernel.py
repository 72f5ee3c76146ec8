"""The kernel of this interpreter: its own process, sockets in a private folder, nothing printed."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from ipykernel.kernelspec import RESOURCES, get_kernel_dict
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from traitlets import Callable as TraitCallable
from traitlets import Unicode
from traitlets.config import Config

from llminfra.publish.cell_error import plain
from llminfra.publish.fork.lane import OWN_KERNEL
from llminfra.wire import DRAWS_LATER

# A kernel that nobody debugs need not load the debugger, which takes a tenth of a second.
_LAUNCH: Final = """
import sys
sys.path[:] = filter(None, sys.path)  # the notebook's folder, until the shell adds it
import runpy
sys.modules["debugpy"] = None
import ipykernel.debugger
del sys.modules["debugpy"]
runpy.run_module("ipykernel_launcher", run_name="__main__")
"""
_SOCKET_PATH_LIMIT: Final = 90  # Unix socket paths end at 103 bytes on macOS, 107 on Linux


class OwnKernelManager(AsyncKernelManager):
    """Starts the kernel of this interpreter, whatever a user has installed as ``python3``."""

    log_file = Unicode(config=True, help="takes what the kernel process prints by itself")
    on_started = TraitCallable(config=True, help="called when the process runs, before it answers")

    @property
    def kernel_spec(self) -> KernelSpec | None:
        """The interpreter itself for ``python3``; any other name is looked up as Jupyter does."""
        if self.kernel_name == OWN_KERNEL:
            spec = KernelSpec(resource_dir=RESOURCES, **get_kernel_dict())
            spec.argv[1:3] = ["-c", _LAUNCH]
            return spec
        return super().kernel_spec

    # jupyter_client types the asynchronous method like the synchronous one it replaces.
    async def start_kernel(self, **kwargs: Any) -> None:  # type: ignore[override]
        """Start the kernel with its own output in the log file instead of the terminal."""
        environment = {**os.environ, **kwargs.pop("env", {}), DRAWS_LATER: "1"}
        with Path(self.log_file).open("wb") as log:
            await super().start_kernel(stdout=log, stderr=log, env=environment, **kwargs)
        self.on_started()


def kernel_config(folder: Path, *, on_started: Callable[[], object]) -> Config:
    """Sockets in a private folder: no ports to collide, no plain-text TCP, nothing in the home."""
    connection_file = str(folder / "kernel.json")
    settings: dict[str, Any] = {"log_file": str(folder / "log"), "connection_file": connection_file}
    # A function, as Config copies what it is given.
    settings["on_started"] = on_started
    if sys.platform != "win32" and len(connection_file) < _SOCKET_PATH_LIMIT:
        settings["transport"] = "ipc"
    return Config({"OwnKernelManager": settings})


def last_words(folder: Path) -> str:
    """Return what the kernel process said last, in parentheses."""
    log = folder / "log"
    lines = plain(log.read_text(errors="replace")).split("\n") if log.exists() else []
    said = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return f" ({said[:200]})" if said else ""

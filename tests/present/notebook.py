"""Runs cells in a shell of this process, as a kernel would: faster than a kernel for each test."""

import re
from typing import Any, Final

from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from llminfra.wire import BLOCK_MIME

_CELL_END: Final = re.compile(r"\n\s*$")


class Notebook:
    """A shell with its names; `run` gives what a cell shows, and raises what it raises."""

    def __init__(self) -> None:
        self.shell = InteractiveShell.instance()
        self.shell.reset(new_session=True)
        self.run("from llminfra.present import *")
        self.run("import llminfra.present.magics as _m; _m.register()")

    @property
    def names(self) -> dict[str, Any]:
        """The names of the notebook."""
        found: dict[str, Any] = self.shell.user_ns
        return found

    def run(self, cell: str) -> list[dict[str, Any]]:
        """Run a cell; return the data of its outputs."""
        with capture_output() as captured:
            result = self.shell.run_cell(cell, store_history=True)
        error = result.error_before_exec or result.error_in_exec
        if error is not None:
            raise error
        shown = [output.data for output in captured.outputs]
        value = result.result
        if value is not None and hasattr(value, "_repr_mimebundle_"):
            shown.append(value._repr_mimebundle_())
        return shown

    def block(self, cell: str) -> dict[str, Any]:
        """Run a cell and return its one block."""
        (block,) = (data[BLOCK_MIME] for data in self.run(cell) if BLOCK_MIME in data)
        found: dict[str, Any] = block
        return found

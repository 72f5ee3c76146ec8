"""The ``%%prose`` cell magic."""

from typing import Any

from IPython.core.getipython import get_ipython
from IPython.display import display

from llminfra.errors import InvalidInput
from llminfra.present.blocks import answer, notebook_names
from llminfra.present.prose import fill


def prose(line: str, cell: str) -> None:
    """Show a cell of Markdown with Jinja2 over the notebook's names; ``answer`` makes the box."""
    role = line.strip()
    if role == "answer":
        display(answer(cell))  # type: ignore[no-untyped-call]  # IPython has no types here
    elif not role:
        shown = fill(cell, notebook_names(), markdown=True)
        display({"text/markdown": shown, "text/plain": shown}, raw=True)  # type: ignore[no-untyped-call]
    else:
        raise InvalidInput(f"%%prose must stand alone or with 'answer', got {role!r}")


def register() -> None:
    """Make ``%%prose`` known to the running IPython, if there is one."""
    shell: Any = get_ipython()
    if shell is not None:
        shell.register_magic_function(prose, magic_kind="cell", magic_name="prose")

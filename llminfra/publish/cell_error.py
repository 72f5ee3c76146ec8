"""What stopped a notebook, in one line, and what its page of failure shows beside."""

import re
from typing import Any, Final

from llminfra.errors import RenderError

_CONTROL: Final = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")


class CellError(RenderError):
    """A notebook stopped: which cell, its source, the message and the traceback's last lines."""

    def __init__(
        self, message: str, *, where: str = "", source: str = "", traceback: tuple[str, ...] = ()
    ) -> None:
        super().__init__(f"{where}: {message}" if where else message)
        self.message = message
        self.where = where
        self.source = source
        self.traceback = traceback
        self.document: Any = None


def one_line(exc: BaseException, limit: int = 300) -> str:
    r"""Say what an exception says, in one line without control characters.

    Examples
    --------
    >>> one_line(ValueError("too\n  long")), one_line(KeyError("x")), one_line(OSError())
    ('too long', "KeyError: 'x'", 'OSError')
    """
    text = " ".join(plain(str(exc)).split())
    name = type(exc).__name__
    if isinstance(exc, OSError) and exc.strerror:
        text = exc.strerror
    elif not text or isinstance(exc, KeyError):
        text = f"{name}: {text}" if text else name
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def plain(text: str) -> str:
    """Drop colour codes and control characters, except line feeds and tabs."""
    return _CONTROL.sub("", text)

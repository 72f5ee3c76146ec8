"""Source code and terminal text as HTML."""

import re
from functools import lru_cache
from html import escape
from typing import Any, Final

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

_MAX_TEXT: Final = 200_000
_ANSI: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_FORMATTER: Final = HtmlFormatter(nowrap=True)


def highlighted(code: str, language: str) -> str:
    """Return source code as HTML with Pygments' short class names."""
    lexer = _lexer(language)
    if lexer is None or len(code) > _MAX_TEXT:
        return f"<code>{escape(code)}</code>"
    return f"<code>{highlight(code, lexer, _FORMATTER)}</code>"


@lru_cache(maxsize=16)
def _lexer(language: str) -> Any:
    try:
        return get_lexer_by_name(language) if language else None
    except ClassNotFound:
        return None


def terminal_text(text: str) -> str:
    r"""Return terminal text as it looks in the end, escaped: no colours, progress bars overwritten.

    Examples
    --------
    >>> terminal_text("10%\r100%\n\x1b[31mred\x1b[0m")
    '100%\nred'
    """
    plain = _ANSI.sub("", text)
    lines = (line.rstrip("\r").rpartition("\r")[2] for line in plain.split("\n"))
    shown = "\n".join(lines)
    if len(shown) > _MAX_TEXT:
        left_out = len(shown) - _MAX_TEXT
        shown = f"{shown[:_MAX_TEXT]}\n… {left_out:,} more characters are not shown here"
    return escape(shown)

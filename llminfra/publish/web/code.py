"""Source code as HTML."""

from functools import lru_cache
from html import escape
from typing import Any, Final

from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, Keyword, Number, String
from pygments.util import ClassNotFound

from llminfra.publish.read.outputs import MOST_CHARACTERS

# What the page colours; more classes would only add weight.
_CLASSES: Final = ((Comment, "c"), (Keyword, "k"), (String, "s"), (Number, "s"))


@lru_cache(maxsize=512)  # cells of a batch are the same in report after report
def highlighted(code: str, language: str) -> str:
    """Return source code as HTML, comments, keywords and literals marked by a class.

    Examples
    --------
    >>> highlighted("x = 1", "python")
    '<code>x = <span class="s">1</span></code>'
    """
    lexer = _lexer(language)
    if lexer is None or len(code) > MOST_CHARACTERS:
        return f"<code>{escape(code)}</code>"
    runs: list[list[str]] = []
    for kind, text in lexer.get_tokens(code):
        css = next((name for group, name in _CLASSES if kind in group), "")
        if runs and runs[-1][0] == css:
            runs[-1][1] += text
        else:
            runs.append([css, text])
    return f"<code>{''.join(_span(*run) for run in runs).rstrip()}</code>"


def _span(css: str, text: str) -> str:
    shown = escape(text, quote=False)
    return f'<span class="{css}">{shown}</span>' if css else shown


@lru_cache(maxsize=16)
def _lexer(language: str) -> Any:
    try:
        return get_lexer_by_name(language, stripnl=False) if language else None
    except ClassNotFound:
        return None

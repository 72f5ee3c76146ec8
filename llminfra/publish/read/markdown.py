"""Markdown of notebooks as tokens: formulas, kickers, tables, footnotes and pictures."""

import base64
import re
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import mistune
from mistune.core import BlockState, InlineState

from llminfra.publish.read.clean import safe_image, safe_url

_PLUGINS: Final = ("table", "strikethrough", "footnotes", "task_lists", "url")
_SUFFIXES: Final = {
    ".png": "png",
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
    ".gif": "gif",
    ".webp": "webp",
    ".svg": "svg+xml",
}
_MAX_IMAGE_BYTES: Final = 5_000_000
# A closing dollar sign is not followed by a digit, so that two prices are not a formula.
_INLINE_MATH: Final = (
    r"\$\$(?P<mathd>[^$]+?)\$\$"
    r"|\$(?![\s$])(?P<mathi>(?:\\.|[^$\\])+?)(?<!\s)\$(?!\d)"
)
_BLOCK_MATH: Final = (
    r"^ {0,3}(?:\$\$(?P<math_dollar>[^$]+?)\$\$[ \t]*(?:\n|$)"
    r"|(?P<math_begin>\\begin\{(?P<math_env>[a-z]+\*?)\}[\s\S]+?\\end\{(?P=math_env)\})"
    r"[ \t]*(?:\n|$))"
)


def image_data(
    url: str, attachments: Mapping[str, Mapping[str, str]], folder: Path | None
) -> str | None:
    """Return a picture as data URL: attached to the cell, in the address or below the folder."""
    if url.startswith("attachment:"):
        data = attachments.get(unquote(url.removeprefix("attachment:")), {})
        pairs = [(kind, text) for kind, text in data.items() if kind.startswith("image/")]
        return safe_image(f"data:{pairs[0][0]};base64,{pairs[0][1]}") if pairs else None
    return safe_image(url) or _local_image(url, folder)


def _local_image(url: str, folder: Path | None) -> str | None:
    if folder is None or safe_url(url) is None or "//" in url:
        return None
    folder = folder.resolve()
    try:
        path = (folder / unquote(url)).resolve()
        kind = _SUFFIXES.get(path.suffix.lower())
        if kind is None or not path.is_relative_to(folder) or not path.is_file():
            return None
        if path.stat().st_size > _MAX_IMAGE_BYTES:
            return None
        data = base64.b64encode(path.read_bytes()).decode()
    except (OSError, ValueError):
        return None
    return f"data:image/{kind};base64,{data}"


def create_markdown(renderer: mistune.HTMLRenderer | None) -> mistune.Markdown:
    """Return a parser of notebooks' Markdown: formulas, kickers, tables, footnotes.

    Parameters
    ----------
    renderer : mistune renderer, optional
        None gives tokens instead of text.
    """
    markdown = mistune.create_markdown(renderer=renderer, plugins=_PLUGINS)
    markdown.block.register("block_math", _BLOCK_MATH, _parse_block_math, before="list")
    markdown.inline.register("inline_math", _INLINE_MATH, _parse_inline_math, before="escape")
    markdown.before_render_hooks.append(_take_kickers)
    return markdown


def plain_heading(line: str) -> str:
    r"""Return a line of Markdown as it reads, for where a text has no form.

    Examples
    --------
    >>> plain_heading("Does `a_b` fit in **$x^2$**, [here](https://example.org)?")
    'Does a_b fit in x^2, here?'
    """
    return _words(create_markdown(None)(f"# {line}")).strip()


def _words(tokens: Any) -> str:
    """Return the text of tokens; HTML is text, as on the page."""
    return "".join(
        " "
        if token["type"] == "softbreak"
        else token.get("raw") or _words(token.get("children", ()))
        for token in tokens
    )


def _parse_block_math(_: Any, match: re.Match[str], state: BlockState) -> int:
    text = match["math_dollar"] or match["math_begin"]
    state.append_token({"type": "block_math", "raw": text.strip()})
    return match.end()


def _parse_inline_math(_: Any, match: re.Match[str], state: InlineState) -> int:
    kind = "display_math" if match["mathd"] else "inline_math"
    state.append_token({"type": kind, "raw": (match["mathd"] or match["mathi"]).strip()})
    return match.end()


def _take_kickers(_: mistune.Markdown, state: BlockState) -> None:
    """Make a line of emphasis right before a heading its kicker."""
    tokens = [token for token in state.tokens if token["type"] != "blank_line"]
    for token, following in list(pairwise(tokens)):
        line = re.fullmatch(r"[*_]([^*_]{1,60})[*_]", token.get("text", "").strip())
        if token["type"] == "paragraph" and line and following["type"] == "heading":
            following["attrs"]["kicker"] = line[1]
            tokens.remove(token)
    state.tokens[:] = tokens

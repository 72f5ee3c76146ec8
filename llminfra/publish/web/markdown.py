"""Markdown of notebooks as HTML: formulas as MathML, raw HTML as text, no outside requests."""

from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from typing import Any, Final

import mistune

from llminfra.present.mathml import mathml
from llminfra.publish.read.clean import safe_url
from llminfra.publish.read.markdown import create_markdown, image_data
from llminfra.publish.web.code import highlighted

OnHeading = Callable[[str, int, str], str]


class Markdown:
    """Renders the Markdown of one notebook.

    Parameters
    ----------
    on_heading : callable
        Gets the heading's HTML, its level and its kicker, and returns the HTML to place.
    folder : Path, optional
        Folder of the notebook; images in it are embedded.
    """

    def __init__(self, on_heading: OnHeading, folder: Path | None = None) -> None:
        self._renderer = _Renderer(on_heading, folder)
        # Each plugin is registered by name; escape=True shows raw HTML as text.
        self._markdown = create_markdown(self._renderer)
        _register_math(self._renderer)
        for name in ("table", "table_cell"):
            self._renderer.register(name, _TABLE[name])

    def html(self, source: str, attachments: Mapping[str, Mapping[str, str]] | None = None) -> str:
        """Return Markdown as HTML; attachments are the images of the cell by name."""
        self._renderer.attachments = attachments or {}
        return str(self._markdown(source))


class _Renderer(mistune.HTMLRenderer):
    def __init__(self, on_heading: OnHeading, folder: Path | None) -> None:
        super().__init__(escape=True)
        self._on_heading = on_heading
        self._folder = folder
        self.attachments: Mapping[str, Mapping[str, str]] = {}

    def heading(self, text: str, level: int, **attrs: Any) -> str:
        return self._on_heading(text, level, str(attrs.get("kicker", "")))

    def link(self, text: str, url: str, title: str | None = None) -> str:
        target = safe_url(url)
        return (
            f'<a href="{escape(target)}" rel="noopener noreferrer">{text}</a>' if target else text
        )

    def image(self, text: str, url: str, title: str | None = None) -> str:
        source = image_data(url, self.attachments, self._folder)
        if source:
            return f'<img src="{escape(source)}" alt="{escape(text)}">'
        target = safe_url(url)
        name = escape(text or url)
        link = (
            f'<a href="{escape(target)}" rel="noopener noreferrer">{name}</a>' if target else name
        )
        return f'<span class="ll-omitted">[picture not included: {link}]</span>'

    def block_code(self, code: str, info: str | None = None) -> str:
        shown = highlighted(code, (info or "").split(" ")[0])
        return f'<pre class="ll-pre" tabindex="0">{shown}</pre>\n'


def _register_math(renderer: mistune.HTMLRenderer) -> None:
    renderer.register(
        "block_math", lambda _, text: f'<div class="ll-math">{mathml(text, block=True)}</div>\n'
    )
    renderer.register("inline_math", lambda _, text: mathml(text))
    renderer.register("display_math", lambda _, text: mathml(text, block=True))


def _table(_: Any, text: str) -> str:
    opening = '<div class="ll-scroll" role="group" aria-label="Table" tabindex="0">'
    return f'{opening}<table class="ll-table">\n{text}</table></div>\n'


def _table_cell(_: Any, text: str, align: str | None = None, head: bool = False) -> str:
    css = ' class="ll-num"' if align == "right" else ""
    return f'<th scope="col"{css}>{text}</th>' if head else f"<td{css}>{text}</td>"


_TABLE: Final[dict[str, Callable[..., str]]] = {"table": _table, "table_cell": _table_cell}

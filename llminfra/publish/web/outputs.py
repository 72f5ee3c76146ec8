"""What a cell gave as HTML, one function for each form."""

import base64
from collections.abc import Callable
from html import escape
from itertools import count
from typing import Final

from llminfra.present.mathml import mathml
from llminfra.present.render import render_plot
from llminfra.present.vega import draw
from llminfra.publish.read.clean import clean_html, has_colors, is_blank
from llminfra.publish.read.outputs import Form
from llminfra.publish.web.code import highlighted
from llminfra.wire import clean_text

Write = Callable[[Form], str | None]


class PageOutputs:
    """Writes the outputs of one notebook, whose pictures it counts."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self.writers: dict[str, Write] = {**_WRITERS, "svg": self._svg, "picture": self._picture}

    def _svg(self, form: Form) -> str:
        data = base64.b64encode(clean_text(form.value).encode()).decode()
        return self._image(form, f"data:image/svg+xml;base64,{data}")

    def _picture(self, form: Form) -> str:
        return self._image(form, form.value)

    def _image(self, form: Form, source: str) -> str:
        number = next(self._numbers)
        alt = form.words or f"Picture {number}, no description given"
        size = f' width="{form.about["width"]:g}"' if form.about else ""
        return (
            f'<figure class="ll-out"><img class="ll-foreign" src="{source}" '
            f'alt="{escape(alt)}"{size}></figure>'
        )


def remark(text: str) -> str:
    """Return a visible remark about something that could not be shown."""
    return f'<p class="ll-remark" role="note">{escape(text)}</p>'


def _chart(form: Form) -> str:
    drawing = draw(form.value)
    uid = f"p{form.about['number']}"
    plot = render_plot(drawing.svg, drawing.vega_spec, uid=uid, alt=form.words)
    return f'<figure class="ll-out">{plot}</figure>'


def _html(form: Form) -> str | None:
    cleaned = clean_html(form.value)
    if is_blank(cleaned):
        return None
    panel = " ll-foreign" if has_colors(cleaned) else ""
    return f'<div class="ll-out ll-html{panel}">{cleaned}</div>'


def _latex(form: Form) -> str:
    return f'<div class="ll-math">{mathml(form.value, block=True)}</div>'


def _pre(html: str, css: str = "ll-pre ll-out") -> str:
    return f'<pre class="{css}" tabindex="0">{html}</pre>'


def _error(form: Form) -> str:
    return (
        '<aside class="ll-notice ll-problem" aria-label="Error">'
        f'<p class="ll-notice-title"><span class="ll-word">✗ Error</span> {escape(form.value)}</p>'
        '<details class="ll-more"><summary>Traceback</summary>'
        f"{_pre(escape(form.words), 'll-pre')}</details></aside>"
    )


_WRITERS: Final[dict[str, Write]] = {
    "chart": _chart,
    "html": _html,
    "latex": _latex,
    "json": lambda form: _pre(highlighted(form.value, "json")),
    "text": lambda form: _pre(escape(form.value)),
    "stream": lambda form: _pre(escape(form.value), f"ll-pre ll-out ll-{form.words}"),
    "error": _error,
}

"""What a cell gave as nodes, one function for each form."""

import re
from collections.abc import Callable
from typing import Final

from llminfra.present.theme import SANS
from llminfra.present.vega import draw
from llminfra.publish.paper import nodes
from llminfra.publish.paper.markup import read_html
from llminfra.publish.paper.nodes import Node, Pictures
from llminfra.publish.read.outputs import Form, terminal_text

Write = Callable[[Form], list[Node] | None]
_GENERIC: Final = re.compile(r'font-family="(?!\'Source|Source)[^"]*"')
_TRACE_LINES: Final = 40


class PaperOutputs:
    """Writes the outputs of one notebook; pictures and charts go into `pictures`."""

    def __init__(self, pictures: Pictures) -> None:
        self._pictures = pictures
        self.writers: dict[str, Write] = {
            "chart": self._chart,
            "html": lambda form: read_html(str(form.value), pictures) or None,
            "svg": self._svg,
            "picture": self._picture,
            "latex": lambda form: [nodes.formula(form.value, display=True)],
            "json": lambda form: [nodes.code(terminal_text(form.value))],
            "text": lambda form: [nodes.code(form.value)],
            "stream": lambda form: [nodes.code(form.value)],
            "error": _error,
        }

    def _chart(self, form: Form) -> list[Node]:
        svg = _GENERIC.sub(f'font-family="{SANS}"', draw(form.value).svg)
        return [_placed(self._pictures.add_svg(svg), form.words)]

    def _svg(self, form: Form) -> list[Node]:
        return [_placed(self._pictures.add_svg(form.value), form.words, **form.about)]

    def _picture(self, form: Form) -> list[Node]:
        path = self._pictures.add_url(form.value)
        if path is None:
            kind = form.value.removeprefix("data:").partition(";")[0]
            return [nodes.remark(f"A picture of type {kind} could not be read.")]
        return [_placed(path, form.words, **form.about)]


def _placed(path: str, alt: str, *, width: float | None = None) -> Node:
    node: Node = {"k": "picture", "path": path, "alt": alt or "Picture, no description given"}
    return node | ({} if width is None else {"width": float(width)})


def _error(form: Form) -> list[Node]:
    lines = form.words.splitlines()
    left_out = len(lines) - _TRACE_LINES
    if left_out > 0:
        lines = [f"… {left_out} lines above", *lines[-_TRACE_LINES:]]
    return [{"k": "error", "s": form.value, "trace": "\n".join(lines)}]

"""One cell output as nodes: block data first, then the richest form that is safe and shows."""

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from llminfra.errors import LlmInfraError
from llminfra.present.theme import SANS
from llminfra.present.vega import draw
from llminfra.publish.paper import nodes
from llminfra.publish.paper.markup import read_html
from llminfra.publish.paper.nodes import Node, Pictures
from llminfra.publish.web.code import plain_terminal_text
from llminfra.publish.web.outputs import (
    IMAGES,
    SILENT,
    Output,
    chart_title,
    formula,
    joined,
    vega_spec,
)
from llminfra.wire import BLOCK_MIME

_GENERIC: Final = re.compile(r'font-family="(?!\'Source|Source)[^"]*"')
_TRACE_LINES: Final = 40


class OutputReader:
    """Reads the outputs of one notebook.

    Parameters
    ----------
    block : callable
        Places a block of llminfra and returns its nodes.
    markdown : callable
        Markdown source to nodes.
    pictures : Pictures
        Takes pictures and charts.
    """

    def __init__(
        self,
        block: Callable[[Any], list[Node]],
        markdown: Callable[[str], list[Node]],
        pictures: Pictures,
    ) -> None:
        self._block = block
        self._markdown = markdown
        self._pictures = pictures
        self._n_charts = 0

    def read(self, output: Output, alt: str = "") -> list[Node]:
        """Return the nodes of one output; `alt` describes its picture if it has one."""
        kind = output.get("output_type")
        if kind == "stream":
            text = plain_terminal_text(str(joined(output.get("text", ""))).rstrip("\n"))
            return [nodes.code(text)] if text else []
        return [_error(output)] if kind == "error" else self._data(output, alt)

    def _data(self, output: Output, alt: str) -> list[Node]:
        data = {mime: joined(value) for mime, value in output.get("data", {}).items()}
        if BLOCK_MIME in data:
            return self._block(data[BLOCK_MIME])
        remarks: list[Node] = []
        for read in (self._chart, self._markup, self._image, self._plain):
            try:
                found = read(data, output.get("metadata", {}), alt)
            except LlmInfraError as error:
                remarks.append(nodes.remark(str(error)))
                continue
            if found is not None:
                return [*remarks, *found]
        if not remarks and all(mime in SILENT for mime in data):
            return []
        kinds = ", ".join(sorted(data))
        return remarks or [nodes.remark(f"Output of type {kinds} is not shown here.")]

    def _chart(self, data: Mapping[str, Any], metadata: Any, alt: str) -> list[Node] | None:
        spec = vega_spec(data)
        if spec is None:
            return None
        self._n_charts += 1
        title = chart_title(spec)
        words = f"Chart: {title}" if title else f"Chart {self._n_charts}, no description given"
        svg = _GENERIC.sub(f'font-family="{SANS}"', draw(spec).svg)
        return [self._picture(self._pictures.add_svg(svg), alt or words)]

    def _markup(self, data: Mapping[str, Any], metadata: Any, alt: str) -> list[Node] | None:
        if "text/markdown" in data:
            return self._markdown(data["text/markdown"])
        html = data.get("text/html")
        if html is None:
            return None
        found = read_html(str(html), self._pictures)
        if found:
            return found
        if any(mime in data for mime in (*IMAGES, "image/svg+xml")):
            return None
        if re.search(r"<(?:script|iframe)\b", html):
            remark = nodes.remark("Interactive output left out: it needs scripts of its own.")
            return [remark, *(self._plain(data, metadata, alt) or [])]
        return []

    def _image(self, data: Mapping[str, Any], metadata: Any, alt: str) -> list[Node] | None:
        for mime in ("image/svg+xml", *IMAGES):
            if mime not in data:
                continue
            about = metadata.get(mime, {}) if isinstance(metadata, Mapping) else {}
            about = about if isinstance(about, Mapping) else {}
            if mime == "image/svg+xml":
                path: str | None = self._pictures.add_svg(str(data[mime]))
            else:
                encoded = re.sub(r"[^A-Za-z0-9+/=]", "", str(data[mime]))
                path = self._pictures.add_url(f"data:{mime};base64,{encoded}")
            if path is None:
                return [nodes.remark(f"A picture of type {mime} could not be read.")]
            return [self._picture(path, str(about.get("alt") or alt), about.get("width"))]
        if "text/latex" in data:
            return [nodes.formula(formula(str(data["text/latex"])), display=True)]
        return None

    def _picture(self, path: str, alt: str, width: Any = None) -> Node:
        node: Node = {"k": "picture", "path": path, "alt": alt or "Picture, no description given"}
        is_size = isinstance(width, int | float) and 0 < width < math.inf
        return node | ({"width": float(width)} if is_size else {})

    def _plain(self, data: Mapping[str, Any], metadata: Any, alt: str) -> list[Node] | None:
        if "application/json" in data:
            shown = json.dumps(data["application/json"], indent=2, ensure_ascii=False)
            return [nodes.code(plain_terminal_text(shown))]
        if "text/plain" not in data:
            return None
        return [nodes.code(plain_terminal_text(str(data["text/plain"])))]


def _error(output: Output) -> Node:
    lines = plain_terminal_text("\n".join(map(str, output.get("traceback", ())))).splitlines()
    left_out = len(lines) - _TRACE_LINES
    if left_out > 0:
        lines = [f"… {left_out} lines above", *lines[-_TRACE_LINES:]]
    said = f"{output.get('ename', 'Error')}: {output.get('evalue', '')}"
    trace = "\n".join(lines)
    return {"k": "error", "s": plain_terminal_text(said), "trace": trace}

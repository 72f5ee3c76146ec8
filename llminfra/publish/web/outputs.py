"""One cell output as HTML: block data first, then the richest form that is safe and shows."""

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping
from html import escape
from typing import Any, Final

from llminfra.errors import LlmInfraError
from llminfra.present.mathml import mathml
from llminfra.present.render import render_plot
from llminfra.present.vega import draw
from llminfra.publish.web.clean import clean_html, has_colors, is_blank
from llminfra.publish.web.code import highlighted, terminal_text
from llminfra.wire import BLOCK_MIME, clean_text

Output = Mapping[str, Any]
_VEGA: Final = re.compile(r"application/vnd\.vega(?:lite)?\.v\d+[+.]json")
IMAGES: Final = ("image/png", "image/jpeg", "image/gif", "image/webp")
SILENT: Final = ("application/javascript", "application/vnd.jupyter.widget-state+json")


class OutputRenderer:
    """Renders the outputs of one notebook.

    Parameters
    ----------
    block : callable
        Places a block of llminfra and returns its HTML.
    markdown : callable
        Markdown source to HTML.
    """

    def __init__(
        self, block: Callable[[Mapping[str, Any]], str], markdown: Callable[[str], str]
    ) -> None:
        self._block = block
        self._markdown = markdown
        self._n_plots = 0
        self._n_images = 0

    def html(self, output: Output, alt: str = "") -> str:
        """Return the HTML of one output; `alt` describes its picture if it has one."""
        kind = output.get("output_type")
        if kind == "stream":
            return _stream(output)
        if kind == "error":
            return _error(output)
        return self._data(output, alt)

    def _data(self, output: Output, alt: str) -> str:
        data = {mime: joined(value) for mime, value in output.get("data", {}).items()}
        if BLOCK_MIME in data:
            return self._block(data[BLOCK_MIME])
        notes = []
        for render in (self._chart, self._markup, self._image, self._plain):
            try:
                html = render(data, output.get("metadata", {}), alt)
            except LlmInfraError as error:
                notes.append(note(str(error)))
                continue
            if html is not None:
                return "".join(notes) + html
        if not notes and all(mime in SILENT for mime in data):
            return ""
        kinds = ", ".join(sorted(data))
        return "".join(notes) or note(f"Output of type {kinds} is not shown here.")

    def _chart(self, data: Mapping[str, Any], metadata: Any, alt: str) -> str | None:
        spec = vega_spec(data)
        if spec is None:
            return None
        self._n_plots += 1
        title = chart_title(spec)
        alt = alt or (
            f"Chart: {title}" if title else f"Chart {self._n_plots}, no description given"
        )
        drawing = draw(spec)
        plot = render_plot(drawing.svg, drawing.vega_spec, uid=f"p{self._n_plots}", alt=alt)
        return f'<figure class="ll-out">{plot}</figure>'

    def _markup(self, data: Mapping[str, Any], metadata: Any, alt: str) -> str | None:
        if "text/markdown" in data:
            return self._markdown(data["text/markdown"])
        html = data.get("text/html")
        if html is None:
            return None
        cleaned = clean_html(html)
        if not is_blank(cleaned):
            panel = " ll-foreign" if has_colors(cleaned) else ""
            return f'<div class="ll-out ll-html{panel}">{cleaned}</div>'
        if any(mime in data for mime in (*IMAGES, "image/svg+xml")):
            return None
        if re.search(r"<(?:script|iframe)\b", html):
            plain = self._plain(data, metadata, alt) or ""
            return note("Interactive output left out: it needs scripts of its own.") + plain
        return ""

    def _image(self, data: Mapping[str, Any], metadata: Any, alt: str) -> str | None:
        for mime in ("image/svg+xml", *IMAGES):
            if mime in data:
                encoded = _base64(data[mime], mime)
                about = metadata.get(mime, {}) if isinstance(metadata, Mapping) else {}
                about = about if isinstance(about, Mapping) else {}
                return self._img(f"data:{mime};base64,{encoded}", about, alt)
        if "text/latex" in data:
            return f'<div class="ll-math">{mathml(formula(data["text/latex"]), block=True)}</div>'
        return None

    def _img(self, source: str, about: Mapping[str, Any], alt: str) -> str:
        self._n_images += 1
        alt = str(about.get("alt") or alt or f"Picture {self._n_images}, no description given")
        width = about.get("width")
        size = f' width="{width:g}"' if isinstance(width, int | float) and width > 0 else ""
        return (
            f'<figure class="ll-out"><img class="ll-foreign" src="{source}" '
            f'alt="{escape(alt)}"{size}></figure>'
        )

    def _plain(self, data: Mapping[str, Any], metadata: Any, alt: str) -> str | None:
        if "application/json" in data:
            shown = json.dumps(data["application/json"], indent=2, ensure_ascii=False)
            return f'<pre class="ll-pre ll-out" tabindex="0">{highlighted(shown, "json")}</pre>'
        if "text/plain" not in data:
            return None
        return f'<pre class="ll-pre ll-out" tabindex="0">{terminal_text(data["text/plain"])}</pre>'


def note(text: str) -> str:
    """Return a visible remark about something that could not be shown."""
    return f'<p class="ll-remark" role="note">{escape(text)}</p>'


def joined(value: Any) -> Any:
    """Return the text that a notebook may store as a list of lines; other values as they are."""
    is_lines = isinstance(value, list) and all(isinstance(line, str) for line in value)
    return "".join(value) if is_lines else value


def _stream(output: Output) -> str:
    name = "stderr" if output.get("name") == "stderr" else "stdout"
    text = terminal_text(str(joined(output.get("text", ""))).rstrip("\n"))
    return f'<pre class="ll-pre ll-out ll-{name}" tabindex="0">{text}</pre>' if text else ""


def _error(output: Output) -> str:
    summary = terminal_text(f"{output.get('ename', 'Error')}: {output.get('evalue', '')}")
    trace = terminal_text("\n".join(map(str, output.get("traceback", ()))))
    return (
        '<aside class="ll-notice ll-problem" aria-label="Error">'
        f'<p class="ll-notice-title"><span class="ll-word">✗ Error</span> {summary}</p>'
        '<details class="ll-more"><summary>Traceback</summary>'
        f'<pre class="ll-pre" tabindex="0">{trace}</pre></details></aside>'
    )


def vega_spec(data: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the specification of a Vega or Vega-Lite chart in an output, in any of its forms."""
    for mime, value in data.items():
        if _VEGA.fullmatch(mime):
            spec = json.loads(value) if isinstance(value, str) else value
            return spec if isinstance(spec, Mapping) else None
    return next(_altair_html(data.get("text/html")), None)


def _altair_html(html: Any) -> Iterator[Mapping[str, Any]]:
    """Find the specification that Altair's default renderer passes to a script."""
    if not isinstance(html, str) or "vegaEmbed" not in html:
        return
    for found in re.finditer(r"\}\)\((?=\{)|var spec = (?=\{)", html):
        try:
            spec, _ = json.JSONDecoder().raw_decode(html, found.end())
        except ValueError:
            continue
        if isinstance(spec, dict) and "$schema" in spec:
            yield spec


def chart_title(spec: Mapping[str, Any]) -> str:
    """Return what a chart calls itself, or nothing."""
    title = spec.get("title") or spec.get("description") or ""
    title = title.get("text", "") if isinstance(title, Mapping) else title
    return " ".join(map(str, title)) if isinstance(title, list) else str(title)


def _base64(value: Any, mime: str) -> str:
    if mime == "image/svg+xml":
        return base64.b64encode(clean_text(str(value)).encode()).decode()
    return re.sub(r"[^A-Za-z0-9+/=]", "", str(value))


def formula(latex: str) -> str:
    """Return LaTeX without the dollar signs around it."""
    return re.sub(r"^\s*(?:\$\$?|\\\[)|(?:\$\$?|\\\])\s*$", "", latex).strip()

"""One output in the forms that it may be shown in: block data, else the richest first."""

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from llminfra.errors import LlmInfraError
from llminfra.wire import BLOCK_MIME, UNSEEN

T = TypeVar("T")
_VEGA: Final = re.compile(r"application/vnd\.vega(?:lite)?\.v\d+[+.]json")
_PICTURES: Final = ("image/svg+xml", "image/png", "image/jpeg", "image/gif", "image/webp")
_SILENT: Final = ("application/javascript", "application/vnd.jupyter.widget-state+json")
# A preview of this very page, what tells that an answer is not for this case, and what is for the
# workbook alone.
_SILENT_BLOCKS: Final = frozenset({"preview", "unshown", UNSEEN})
MOST_CHARACTERS: Final = 200_000
_ANSI: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")


@dataclass(frozen=True, slots=True)
class Form:
    """One way to show a piece of a cell.

    Parameters
    ----------
    kind : str
        markdown, raw or code; block, chart, html, svg, picture, latex, json, text, stream, error;
        or remark, which is said beside the form that is shown.
    value : object
        Source, text, specification, or address with the data.
    words : str
        What the kind says of it: label of code, type of raw text, description of a picture, name
        of a stream, trace of an error.
    about : mapping
        Attachments of Markdown; ``width`` of a picture.
    """

    kind: str
    value: Any
    words: str = ""
    about: Mapping[str, Any] = field(default_factory=dict)


def written(
    forms: Sequence[Form], write: Callable[[Form], T | None], remark: Callable[[str], T]
) -> list[T]:
    """Return the first form that can be written, after remarks on what could not be."""
    said: list[T] = []
    for form in forms:
        if form.kind == "remark":
            said.append(remark(form.value))
            continue
        try:
            found = write(form)
        except LlmInfraError as error:
            said.append(remark(str(error)))
            continue
        if found is not None:
            return [*said, found]
    return said


def output_forms(output: Mapping[str, Any], alt: str, charts: Iterator[int]) -> Iterator[Form]:
    """Yield the forms of one output.

    Parameters
    ----------
    output : mapping
        As the notebook stores it.
    alt : str
        Describes its picture, if it has one.
    charts : iterator of int
        Numbers the notebook's charts.
    """
    kind = output.get("output_type")
    if kind == "stream":
        text = terminal_text(str(_joined(output.get("text", ""))).rstrip("\n"))
        if text:
            yield Form("stream", text, "stderr" if output.get("name") == "stderr" else "stdout")
    elif kind == "error":
        said = terminal_text(f"{output.get('ename', 'Error')}: {output.get('evalue', '')}")
        trace = "\n".join(map(str, output.get("traceback", ())))
        yield Form("error", said, terminal_text(trace))
    else:
        data = {mime: _joined(value) for mime, value in output.get("data", {}).items()}
        yield from _data_forms(data, output.get("metadata", {}), alt, charts)


def _data_forms(
    data: Mapping[str, Any], metadata: Any, alt: str, charts: Iterator[int]
) -> Iterator[Form]:
    if BLOCK_MIME in data:
        block = data[BLOCK_MIME]
        block = block if isinstance(block, Mapping) else {}
        if block.get("kind") not in _SILENT_BLOCKS:
            yield Form("block", block)
        return
    forms = [*_charts(data, alt, charts), *_others(data, metadata, alt)]
    yield from forms
    if not forms and not all(mime in _SILENT for mime in data):
        yield Form("remark", f"Output of type {', '.join(sorted(data))} is not shown here.")


def _charts(data: Mapping[str, Any], alt: str, charts: Iterator[int]) -> Iterator[Form]:
    spec = _vega_spec(data)
    if spec is not None:
        number, title = next(charts), _chart_title(spec)
        words = f"Chart: {title}" if title else f"Chart {number}, no description given"
        yield Form("chart", spec, alt or words, {"number": number})


def _others(data: Mapping[str, Any], metadata: Any, alt: str) -> Iterator[Form]:
    """Yield Markdown or HTML; what else there is stands for HTML that shows nothing."""
    pictures = list(_pictures(data, metadata, alt))
    plain = list(_plain(data))
    if "text/markdown" in data:
        yield Form("markdown", data["text/markdown"])
        return
    html = data.get("text/html")
    if html is not None:
        yield Form("html", html)
        if pictures:
            yield from pictures
        elif re.search(r"<(?:script|iframe)\b", html):
            yield Form("remark", "Interactive output left out: it needs scripts of its own.")
            yield from plain
        return
    yield from pictures
    if "text/latex" in data:
        latex = re.sub(r"^\s*(?:\$\$?|\\\[)|(?:\$\$?|\\\])\s*$", "", str(data["text/latex"]))
        yield Form("latex", latex.strip())
    yield from plain


def _pictures(data: Mapping[str, Any], metadata: Any, alt: str) -> Iterator[Form]:
    for mime in _PICTURES:
        if mime not in data:
            continue
        about = metadata.get(mime, {}) if isinstance(metadata, Mapping) else {}
        about = about if isinstance(about, Mapping) else {}
        width = about.get("width")
        is_size = isinstance(width, int | float) and 0 < width < math.inf
        size = {"width": width} if is_size else {}
        words = str(about.get("alt") or alt)
        if mime == "image/svg+xml":
            yield Form("svg", str(data[mime]), words, size)
        else:
            encoded = re.sub(r"[^A-Za-z0-9+/=]", "", str(data[mime]))
            yield Form("picture", f"data:{mime};base64,{encoded}", words, size)
        return


def _plain(data: Mapping[str, Any]) -> Iterator[Form]:
    if "application/json" in data:
        shown = json.dumps(data["application/json"], indent=2, ensure_ascii=False)
        yield Form("json", shown)
    elif "text/plain" in data:
        yield Form("text", terminal_text(str(data["text/plain"])))


def _joined(value: Any) -> Any:
    """Return the text that a notebook may store as a list of lines; other values as they are."""
    is_lines = isinstance(value, list) and all(isinstance(line, str) for line in value)
    return "".join(value) if is_lines else value


def terminal_text(text: str) -> str:
    r"""Return terminal text as it looks in the end: no colours, progress bars overwritten.

    Examples
    --------
    >>> terminal_text("10%\r100%\n\x1b[31mred\x1b[0m")
    '100%\nred'
    """
    plain = _ANSI.sub("", text)
    lines = (line.rstrip("\r").rpartition("\r")[2] for line in plain.split("\n"))
    shown = "\n".join(lines)
    if len(shown) > MOST_CHARACTERS:
        left_out = len(shown) - MOST_CHARACTERS
        shown = f"{shown[:MOST_CHARACTERS]}\n… {left_out:,} more characters are not shown here"
    return shown


def _vega_spec(data: Mapping[str, Any]) -> Mapping[str, Any] | None:
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


def _chart_title(spec: Mapping[str, Any]) -> str:
    title = spec.get("title") or spec.get("description") or ""
    title = title.get("text", "") if isinstance(title, Mapping) else title
    return " ".join(map(str, title)) if isinstance(title, list) else str(title)

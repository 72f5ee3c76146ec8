"""A notebook as the data of a document: title, masthead, parts in order, provenance."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from nbformat import NotebookNode

from llminfra.errors import LlmInfraError
from llminfra.present.render import describe, keep_together
from llminfra.publish.paper import nodes
from llminfra.publish.paper.formula import formula_data, spoken
from llminfra.publish.paper.nodes import Inline, Node, Pictures
from llminfra.publish.paper.outputs import PaperOutputs, Write
from llminfra.publish.paper.prose import Prose
from llminfra.publish.read.cells import Cell, Show, shown_cells
from llminfra.publish.read.outputs import Form, written

_ABOVE_PT: Final = {"first": 20, "section": 26}
_WHOLE_ROWS: Final = 14  # a table of so many rows is not split over pages
_WORD: Final = 12  # characters after which a long word may be broken
_NOTHING: Final = "This notebook holds code without results; run it to fill this page."


@dataclass(slots=True)
class Document:
    """What the Typst files need, before it is written as JSON."""

    title: str = ""
    heading: list[Inline] = field(default_factory=list)
    kicker: str = ""
    as_of: str = ""
    scope: str = ""
    parts: list[Node] = field(default_factory=list)
    provenance: Node | None = None
    rendered: str = ""
    pictures: Pictures = field(default_factory=Pictures)
    unshown: list[str] = field(default_factory=list)

    @property
    def is_report(self) -> bool:
        """Whether it begins with an answer, so that page one is laid out for it."""
        return any(part.get("block") == "answer" for part in self.parts)


def build_document(
    notebook: NotebookNode, *, name: str, folder: Path | None = None, show: Show | None = None
) -> Document:
    """Turn a notebook into the data of a document.

    Parameters
    ----------
    notebook : NotebookNode
        Any notebook, executed or not.
    name : str
        Title where the notebook has no heading.
    folder : Path, optional
        Folder of the notebook, for pictures in it.
    show : Show, optional
        What to leave out.
    """
    return _Builder(notebook, name, folder, show or Show(inputs=False)).build()


class _Builder:
    def __init__(self, notebook: NotebookNode, name: str, folder: Path | None, show: Show) -> None:
        self._notebook = notebook
        self._name = name
        self._show = show
        self._document = Document()
        self._prose = Prose(self._document.pictures, self._heading, folder)
        self._writers: dict[str, Write] = {
            **PaperOutputs(self._document.pictures).writers,
            "markdown": lambda form: self._prose.read(form.value, form.about),
            "raw": lambda form: [nodes.code(form.value)],
            "code": _code,
            "block": lambda form: self._block(form.value),
        }
        self._level = 0
        self._top_level = 1
        self._has_figure = False

    def build(self) -> Document:
        document = self._document
        for cell in shown_cells(self._notebook, self._show):
            document.parts += [{**node, "cell": cell.where} for node in self._read(cell)]
        if not document.title:
            document.title, document.heading = self._name, [self._name]
        if not document.parts and any(c.cell_type == "code" for c in self._notebook.cells):
            document.parts.append(nodes.remark(_NOTHING) | {"cell": "the notebook"})
        _anchor(document.parts)
        return document

    def _read(self, cell: Cell) -> list[Node]:
        try:
            return [nodes.shallow(node) for piece in cell.pieces for node in self._piece(piece)]
        except RecursionError:
            return [nodes.remark("A cell nested too deeply for a page is left out here.")]

    def _piece(self, forms: Sequence[Form]) -> Iterator[Node]:
        for found in written(forms, self._write, lambda text: [nodes.remark(text)]):
            yield from found

    def _write(self, form: Form) -> list[Node] | None:
        return self._writers[form.kind](form)

    # --- headings ----------------------------------------------------------------------------

    def _heading(self, text: list[Inline], level: int, kicker: str) -> Node | None:
        text = [nodes.plain_words([n]) if _is_picture(n) else n for n in text]
        words = [keep_together(n) if isinstance(n, str) else n for n in text]
        title = nodes.plain_words(text)
        if not title:
            return None
        if not self._document.title:
            self._top_level = level
            self._document.title, self._document.heading = title, words
            return None
        # The title is no heading: what stands one level below it is the first.
        self._level = min(max(1, level - self._top_level), self._level + 1, 6)
        return {"k": "heading", "level": self._level, "kicker": kicker, "c": words}

    # --- blocks ------------------------------------------------------------------------------

    def _block(self, block: Mapping[str, Any]) -> list[Node]:
        try:
            shown = describe(block)
        except LlmInfraError as error:
            self._document.unshown.append(str(error))
            return [nodes.remark(f"A part of this report could not be shown: {error}")]
        kind = shown["kind"]
        if kind == "masthead":
            for name in ("kicker", "as_of", "scope"):
                setattr(self._document, name, str(block.get(name) or ""))
            return []
        if kind == "provenance":
            self._document.rendered = str(block.get("rendered") or "")
            self._document.provenance = {**shown, "facts": [], "fields": []}
            return []
        if shown["headline"] or (kind in ("figure", "table", "assumptions") and shown["title"]):
            self._level = 1
        return [{"k": "block", "block": kind, **_ready(shown, self._picture)}]

    def _picture(self, svg: str) -> tuple[str, bool]:
        first, self._has_figure = not self._has_figure, True
        return self._document.pictures.add_svg(svg), first


def _code(form: Form) -> list[Node]:
    return [nodes.paragraph({"k": "strong", "c": [form.words]}), nodes.code(form.value)]


def _is_picture(node: Inline) -> bool:
    return isinstance(node, dict) and node["k"] == "picture"


def _ready(shown: dict[str, Any], picture: Any) -> Node:
    kind = shown["kind"]
    shown |= {name: shown[name].strip() for name in ("title", "headline")}
    if kind == "figure":
        path, first = picture(shown.pop("svg"))
        alt = shown["alt"] or shown["title"] or "Chart, no description given"
        return {**shown, "path": path, "alt": alt, "first": first}
    if kind in ("table", "assumptions"):
        return _table(shown)
    if kind == "equation":
        return _equation(shown)
    return shown


def _equation(shown: Node) -> Node:
    numbers = formula_data(shown["numbers"]) if shown["numbers"] else None
    return {
        **shown,
        "symbols": formula_data(shown["latex"]),
        "numbers": numbers,
        "spoken": shown["alt"] or spoken(shown["latex"]),
        "numbers_spoken": spoken(shown["numbers"]),
    }


def _table(shown: Node) -> Node:
    rows = [
        {"emphasis": row["emphasis"], "cells": [_cell(c, row["emphasis"]) for c in row["cells"]]}
        for row in shown["rows"]
    ]
    lengths = [max(len(c["label"]), len(c["unit"])) for c in shown["columns"]]
    for row in rows:
        lengths = [max(n, len(c["text"])) for n, c in zip(lengths, row["cells"], strict=True)]
    cut = [[*range(len(lengths))]]
    if len(cut[0]) > 1 and _least_room(shown["columns"], rows) > nodes.PAGE_CHARACTERS:
        cut = [[0, *chunk] for chunk in nodes.chunks(lengths)]
    parts = [_part(shown["columns"], rows, lengths, places) for places in cut]
    short = len(rows) <= _WHOLE_ROWS and len(parts) == 1
    return {**shown, "parts": parts, "short": short}


def _least_room(columns: Sequence[Node], rows: Sequence[Node]) -> int:
    """Return the characters that a table takes at the least: numbers whole, words below another."""
    room = 0
    for place, column in enumerate(columns):
        cells = [row["cells"][place]["text"] for row in rows]
        whole = column["css"] == "ll-num"
        words = max(map(len, " ".join([column["label"], *cells]).split()), default=0)
        numbers = max(map(len, cells), default=0) if whole else 0
        room += max(min(words, _WORD), numbers) + nodes.PADDING
    return room


def _part(
    columns: Sequence[Node], rows: Sequence[Node], lengths: Sequence[int], places: Sequence[int]
) -> Node:
    """Return some columns of a table, and where they stand if that is not all of them."""
    kept = [columns[i] for i in places]
    widths = _widths(kept, [lengths[i] for i in places])
    where = ""
    if len(places) < len(columns):
        where = f"Columns {places[1] + 1} to {places[-1] + 1} of {len(columns)}"
    return {
        "where": where,
        "columns": [
            {**column, "number": "ll-num" in column["css"], "width": width}
            for column, width in zip(kept, widths, strict=True)
        ],
        "rows": [{**row, "cells": [row["cells"][i] for i in places]} for row in rows],
    }


def _widths(columns: Sequence[Node], lengths: Sequence[int]) -> list[str | int]:
    """Return widths that fill the page: where no column is long, the first takes what is left."""
    # Numbers stay on one line however long they are.
    known = zip(lengths, columns, strict=True)
    widths = nodes.column_widths([0 if c["css"] == "ll-num" else n for n, c in known])
    if all(width == "auto" for width in widths):
        widths[0] = 1
    return ["mark" if c.get("mark") else w for c, w in zip(columns, widths, strict=True)]


def _cell(cell: Node, emphasis: bool) -> Node:
    css = cell["css"].split()
    return {
        "text": cell["text"].replace("● ", "●\xa0"),
        "mark": cell["mark"],
        "number": "ll-num" in css,
        "short": "ll-short" in css or "ll-num" in css,
        "bad": "ll-bad" in css,
        "strong": emphasis or "ll-verdict" in css,
    }


def _anchor(parts: Sequence[Node]) -> None:
    """Mark where page one is measured for its chart, and how far each section stands off."""
    sections = [p for p in parts if p.get("block") in ("figure", "table", "assumptions")]
    for part in sections:
        part["above"] = _ABOVE_PT["section"]
    for before, part in zip([None, *parts], parts, strict=False):
        if part.get("first"):
            part["above"] = _ABOVE_PT["first"]
            part["first"] = before is not None
            if before is not None:
                before["anchor"] = True
            part["contents"] = True


def kicker_parts(kicker: str) -> list[str]:
    """Split a kicker into its subject and the rest.

    Examples
    --------
    >>> kicker_parts("Assistant · Memory")
    ['Assistant', ' · Memory']
    """
    subject, dot, rest = kicker.partition(" · ")
    return [re.sub(r"\s+", " ", subject), dot + rest]

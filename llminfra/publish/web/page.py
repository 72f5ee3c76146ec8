"""A notebook as the parts of a page: title, masthead, sections, contents, provenance."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import escape, unescape
from pathlib import Path
from typing import Any, Final

from nbformat import NotebookNode

from llminfra.errors import LlmInfraError
from llminfra.present.render import keep_together, render_fragment
from llminfra.publish.web.clean import clean_html
from llminfra.publish.web.code import highlighted
from llminfra.publish.web.markdown import Markdown
from llminfra.publish.web.outputs import OutputRenderer, note

# A preview of this very page, what tells that an answer is not for this case, and what is for the
# workbook alone.
SILENT_BLOCKS: Final = frozenset({"preview", "unshown", "model"})
HIDE_CELL: Final = frozenset({"remove_cell", "remove-cell"})
_HIDE_INPUT: Final = frozenset({"remove_input", "remove-input", "hide_input", "hide-input"})
HIDE_OUTPUT: Final = frozenset({"remove_output", "remove-output"})
_PARAMETERS: Final = {"parameters": "Parameters", "injected-parameters": "Parameters given"}
_RESERVED: Final = ("content", "contents", "ll-code", "ll-scheme", "p")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the contents."""

    target: str
    label: str
    starts_group: bool = False


@dataclass(slots=True)
class Page:
    """What the template needs; every `*_html` is safe to place as it is."""

    title: str = ""
    title_html: str = ""
    kicker: str = ""
    as_of: str = ""
    scope: str = ""
    body_html: list[str] = field(default_factory=list)
    provenance_html: str = ""
    contents: list[Entry] = field(default_factory=list)
    unshown: list[str] = field(default_factory=list)
    has_code: bool = False


@dataclass(frozen=True, slots=True)
class Show:
    """What of a notebook is shown."""

    code: bool = True
    inputs: bool = True
    outputs: bool = True
    markdown: bool = True
    raw: bool = True


def build_page(
    notebook: NotebookNode, *, name: str, folder: Path | None = None, show: Show | None = None
) -> Page:
    """Turn a notebook into the parts of a page.

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
    return _Builder(notebook, name, folder, show or Show()).build()


class _Builder:
    def __init__(self, notebook: NotebookNode, name: str, folder: Path | None, show: Show) -> None:
        self._notebook = notebook
        self._name = name
        self._show = show
        self._page = Page()
        self._ids = set(_RESERVED)
        self._level = 1
        self._top_level = 1
        self._has_title = False
        self._in_findings = False
        self._markdown = Markdown(self._heading, folder)
        self._outputs = OutputRenderer(self._block, self._markdown.html)
        info = notebook.metadata.get("language_info", {})
        kernel = notebook.metadata.get("kernelspec", {})
        self._language = str(info.get("name") or kernel.get("language") or "")

    def build(self) -> Page:
        for cell in self._notebook.cells:
            if not HIDE_CELL & tags(cell):
                self._page.body_html += [html for html in self._cell(cell) if html]
        if not self._has_title:
            self._page.title = self._name
            self._page.title_html = escape(self._name)
        if self._page.provenance_html:
            self._page.contents.append(Entry("provenance", "Provenance"))
        return self._page

    def _cell(self, cell: NotebookNode) -> Iterator[str]:
        if cell.cell_type == "markdown" and self._show.markdown:
            yield self._markdown.html(cell.source, cell.get("attachments"))
        elif cell.cell_type == "raw" and self._show.raw:
            yield self._raw(cell)
        elif cell.cell_type == "code" and self._show.code:
            yield self._code(cell)
            yield from self._cell_outputs(cell)

    def _raw(self, cell: NotebookNode) -> str:
        kind = cell.metadata.get("raw_mimetype") or cell.metadata.get("format") or ""
        if kind == "text/html":
            return clean_html(cell.source)
        if kind == "text/markdown":
            return self._markdown.html(cell.source)
        return (
            f'<pre class="ll-pre" tabindex="0">{escape(cell.source)}</pre>' if cell.source else ""
        )

    def _code(self, cell: NotebookNode) -> str:
        if hides_input(cell) or not self._show.inputs or not cell.source.strip():
            return ""
        self._page.has_code = True
        word = code_label(cell)
        code = highlighted(cell.source.strip("\n"), self._language)
        return (
            f'<details class="ll-code"><summary>{word}</summary>'
            f'<pre class="ll-pre" tabindex="0">{code}</pre></details>'
        )

    def _cell_outputs(self, cell: NotebookNode) -> Iterator[str]:
        if not self._show.outputs or HIDE_OUTPUT & tags(cell):
            return
        alt = str(cell.metadata.get("alt") or "")
        for output in cell.get("outputs", []):
            yield self._outputs.html(output, alt)

    # --- blocks ------------------------------------------------------------------------------

    def _block(self, block: Any) -> str:
        kind = block.get("kind") if isinstance(block, Mapping) else None
        try:
            if kind in SILENT_BLOCKS:
                return ""
            if kind == "masthead":
                return self._masthead(block)
            if kind == "provenance":
                self._page.provenance_html = render_fragment(block, uid="provenance")
                return ""
            uid = self._unique(_block_name(block) if kind else "block")
            html = render_fragment(block if kind else {}, uid=uid)
        except LlmInfraError as error:
            self._page.unshown.append(str(error))
            return note(f"A part of this report could not be shown: {error}")
        self._add_block_entry(block, uid)
        return html

    def _masthead(self, block: Mapping[str, Any]) -> str:
        for name in ("kicker", "as_of", "scope"):
            setattr(self._page, name, str(block.get(name) or ""))
        return ""

    def _add_block_entry(self, block: Mapping[str, Any], uid: str) -> None:
        kicker, kind = str(block.get("kicker") or ""), block["kind"]
        finding = re.fullmatch(r"Finding (\d+)", kicker)
        if kind == "answer":
            self._add_entry(uid, kicker or "Answer")
        elif finding:
            self._add_entry(uid, f"{finding[1]} {_words(block)}", finding=True)
        elif kind in ("figure", "table", "assumptions") and block.get("title"):
            self._add_entry(uid, kicker or _words(block))

    def _add_entry(self, uid: str, label: str, *, finding: bool = False) -> None:
        self._page.contents.append(Entry(uid, label, self._in_findings and not finding))
        self._in_findings = finding

    # --- headings ----------------------------------------------------------------------------

    def _heading(self, html: str, level: int, kicker: str) -> str:
        html = html if "<" in html else keep_together(html)
        plain = unescape(re.sub(r"<[^>]*>", "", html)).replace("\xa0", " ").strip()
        if not self._has_title and plain:
            self._has_title = True
            self._top_level = level
            self._page.title, self._page.title_html = plain, html
            return ""
        depth = max(2, level - self._top_level + 1)
        self._level = depth = min(depth, self._level + 1, 6)
        uid = self._unique(plain or "section")
        if depth == 2:
            head = plain.partition(": ")[0]
            self._add_entry(uid, kicker or (head if len(head) <= 24 else plain))
        above = f'<p class="ll-kicker">{escape(kicker)}</p>' if kicker else ""
        css = "ll-title" if depth == 2 else "ll-sub"
        return (
            f'<div class="ll-head ll-head-{depth}" id="{uid}">{above}'
            f'<h{depth} class="{css}">{html}</h{depth}></div>\n'
        )

    def _unique(self, name: str) -> str:
        stem = re.sub(r"[^\w-]+", "-", name.lower()).strip("-")[:60] or "part"
        uid, number = stem, 1
        while uid in self._ids:
            number += 1
            uid = f"{stem}-{number}"
        self._ids.add(uid)
        return uid


def tags(cell: NotebookNode) -> frozenset[str]:
    """Return the tags of a cell."""
    return frozenset(map(str, cell.metadata.get("tags", ())))


def hides_input(cell: NotebookNode) -> bool:
    """Tell whether a cell's author wants its source out of the report."""
    hidden = cell.metadata.get("jupyter", {}).get("source_hidden") or _HIDE_INPUT & tags(cell)
    return bool(hidden) or cell.metadata.get("hide_input") is True


def code_label(cell: NotebookNode) -> str:
    """Return what to call a cell's source: Parameters, Parameters given or Code."""
    return next((label for tag, label in _PARAMETERS.items() if tag in tags(cell)), "Code")


def _block_name(block: Mapping[str, Any]) -> str:
    return str(block.get("name") or block["kind"])


def _words(block: Mapping[str, Any]) -> str:
    words = _block_name(block).replace("-", " ").replace("_", " ").strip()
    return words[:1].upper() + words[1:]

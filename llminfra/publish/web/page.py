"""A notebook as the parts of a page: title, masthead, sections, contents, provenance."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape, unescape
from pathlib import Path
from typing import Any, Final

from nbformat import NotebookNode

from llminfra.errors import LlmInfraError
from llminfra.present.render import keep_together, render_fragment
from llminfra.publish.read.cells import Show, shown_cells
from llminfra.publish.read.clean import clean_html
from llminfra.publish.read.outputs import Form, written
from llminfra.publish.web.code import highlighted
from llminfra.publish.web.markdown import Markdown
from llminfra.publish.web.outputs import PageOutputs, Write, remark

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
        self._writers: dict[str, Write] = {
            **PageOutputs().writers,
            "markdown": lambda form: self._markdown.html(form.value, form.about),
            "raw": _raw,
            "code": self._code,
            "block": lambda form: self._block(form.value),
        }
        info = notebook.metadata.get("language_info", {})
        kernel = notebook.metadata.get("kernelspec", {})
        self._language = str(info.get("name") or kernel.get("language") or "")

    def build(self) -> Page:
        for cell in shown_cells(self._notebook, self._show):
            for forms in cell.pieces:
                if html := "".join(written(forms, self._write, remark)):
                    self._page.body_html.append(html)
        if not self._has_title:
            self._page.title = self._name
            self._page.title_html = escape(self._name)
        if self._page.provenance_html:
            self._page.contents.append(Entry("provenance", "Provenance"))
        return self._page

    def _write(self, form: Form) -> str | None:
        return self._writers[form.kind](form)

    def _code(self, form: Form) -> str:
        self._page.has_code = True
        code = highlighted(form.value, self._language)
        return (
            f'<details class="ll-code"><summary>{form.words}</summary>'
            f'<pre class="ll-pre" tabindex="0">{code}</pre></details>'
        )

    # --- blocks ------------------------------------------------------------------------------

    def _block(self, block: Mapping[str, Any]) -> str:
        kind = block.get("kind")
        try:
            if kind == "masthead":
                return self._masthead(block)
            if kind == "provenance":
                self._page.provenance_html = render_fragment(block, uid="provenance")
                return ""
            uid = self._unique(_block_name(block) if kind else "block")
            html = render_fragment(block, uid=uid)
        except LlmInfraError as error:
            self._page.unshown.append(str(error))
            return remark(f"A part of this report could not be shown: {error}")
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


def _raw(form: Form) -> str:
    if form.words == "text/html":
        return clean_html(form.value)
    return f'<pre class="ll-pre" tabindex="0">{escape(form.value)}</pre>'


def _block_name(block: Mapping[str, Any]) -> str:
    return str(block.get("name") or block["kind"])


def _words(block: Mapping[str, Any]) -> str:
    words = _block_name(block).replace("-", " ").replace("_", " ").strip()
    return words[:1].upper() + words[1:]

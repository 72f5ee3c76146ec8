"""What of an executed notebook goes into a workbook."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from nbformat import NotebookNode

from llminfra.publish.read.cells import shown_blocks
from llminfra.wire import clean_text

_TABLES: Final = ("table", "assumptions", "figure")


@dataclass(frozen=True)
class Grid:
    """Rows of one table or chart, and what is said about them."""

    name: str
    title: str
    subtitle: str
    source: str
    as_of: str
    rows: Sequence[Sequence[str]]


@dataclass
class Report:
    """The parts of a notebook that a workbook holds."""

    title: str = ""
    kicker: str = ""
    scope: str = ""
    as_of: str = ""
    headline: str = ""
    points: list[tuple[str, str]] = field(default_factory=list)
    grids: list[Grid] = field(default_factory=list)
    equations: list[tuple[str, str, str]] = field(default_factory=list)
    models: list[Mapping[str, Any]] = field(default_factory=list)
    about: list[tuple[str, str]] = field(default_factory=list)


def read(notebook: NotebookNode, name: str) -> Report:
    """Collect the blocks of a notebook.

    Parameters
    ----------
    notebook : NotebookNode
        Any notebook, executed or not.
    name : str
        Title where it has no heading.
    """
    report = Report(title=_heading(notebook) or name)
    for block in shown_blocks(notebook):
        kind = block.get("kind")
        if kind in _TABLES:
            report.grids += _grids(block)
        elif kind == "masthead":
            report.kicker, report.scope, report.as_of = (
                _text(block.get(key)) for key in ("kicker", "scope", "as_of")
            )
        elif kind == "answer":
            report.headline = _text(block.get("headline"))
            report.points = [(_text(p.get("label")), _text(p.get("text"))) for p in _points(block)]
        elif kind == "equation":
            parts = (_text(block.get(key)) for key in ("alt", "latex", "numbers"))
            report.equations.append(tuple(parts))  # type: ignore[arg-type]  # three of them
        elif kind == "model":
            report.models.append(block)
        elif kind == "provenance":
            report.about, facts = _about(block), _facts(block)
            report.grids += [facts] if len(facts.rows) > 1 else []
    return report


def _heading(notebook: NotebookNode) -> str:
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for line in str(cell.source).splitlines():
                if line.startswith("# "):
                    return _text(line[2:].strip())
    return ""


def _points(block: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [point for point in block.get("points") or () if isinstance(point, Mapping)]


def _text(value: Any) -> str:
    return clean_text("" if value is None else str(value))


def _grids(block: Mapping[str, Any]) -> Iterator[Grid]:
    rows = _rows(_text(block.get("csv")))
    about = (_text(block.get(key)) for key in ("title", "subtitle", "source", "as_of"))
    title, subtitle, source, as_of = about
    name = _text(block.get("name")) or title or "table"
    if rows:
        yield Grid(name, title, subtitle, source, as_of, rows)
    sources = [s for s in block.get("sources") or () if isinstance(s, Mapping)]
    if sources:
        keys = ("number", "title", "text", "url")
        lines = [[_text(source.get(key)) for key in keys] for source in sources]
        heads = ["Number", "Title", "Publisher and date", "Address"]
        yield Grid("sources", "Sources of the assumptions", "", "", as_of, [heads, *lines])


def _rows(text: str) -> list[list[str]]:
    return [row for row in csv.reader(io.StringIO(text)) if row]


def _about(block: Mapping[str, Any]) -> list[tuple[str, str]]:
    keys = {"command": "Make it again", "package": "Package", "commit": "Commit"}
    keys |= {"rendered": "Made", "note": "Note"}
    return [(words, _text(block.get(key))) for key, words in keys.items() if block.get(key)]


def _facts(block: Mapping[str, Any]) -> Grid:
    keys = ("key", "value", "unit", "low", "high", "source", "as_of", "confidence")
    facts = [fact for fact in block.get("facts") or () if isinstance(fact, Mapping)]
    lines = [[_text(fact.get(key)) for key in keys] for fact in facts]
    heads = ["Fact", "Value", "Unit", "Low", "High", "Source", "As of", "Confidence"]
    return Grid("facts", "All facts that were read", "", "", "", [heads, *lines])

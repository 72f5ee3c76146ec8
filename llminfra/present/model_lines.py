"""Lines of a sheet of results: entries that are live, totals, headings and text."""

from collections.abc import Sequence
from typing import Any

from llminfra.present.cells import Tree

Entry = dict[str, Any]
Row = dict[str, Any]


def entry(found: Tree, value: float) -> Entry | None:
    """A live entry; nothing where there is nothing to pay."""
    if not isinstance(found, list):
        return {"v": found} if found else None
    return {"at": found[1], "v": value} if found[0] == "cell" else {"f": found, "v": value}


def line(words: str, unit: str, entries: Sequence[Entry | None], style: str = "") -> Row:
    """A line of entries."""
    return {"cells": [words, unit, *entries], "style": style}


def total_line(words: str, unit: str, entries: Sequence[Entry | None]) -> Row:
    """A line that sums up."""
    return line(words, unit, entries, "total")


def head_line(words: str, *labels: str) -> Row:
    """A heading, with labels of the columns below it."""
    return {"cells": [words, "", *labels], "style": "head"}


def text_line(words: str, *texts: str) -> Row:
    """A line of text."""
    return {"cells": [words, "", *texts], "style": "text"}

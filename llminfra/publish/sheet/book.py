"""The sheets of a workbook: cover, tables and data as they are on the page, equations.

Text is written as text, whatever it looks like: no cell of a table can become a formula.
"""

import math
import re
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import Any, Final

from llminfra.publish.sheet.read import Grid, Report

_LONGEST: Final = 32_000  # a cell holds 32,767 characters
_MOST_ROWS: Final = 100_000
_LINE_PT: Final = 15.5
_MOST_LINES: Final = 12
_NARROW: Final = 1.1  # characters of text to one of digits, by which columns are measured
_FORBIDDEN: Final = re.compile(r"[\[\]:*?/\\]")
_NUMBER: Final = re.compile(r"[-−]?\d+(\.\d+)?([eE][-+]?\d+)?")
_WIDEST, _NARROWEST = 60, 9
_A4: Final = 9
_COVER: Final = 88  # characters of a line of the first sheet

# Colours of the page: navy heads on white, yellow for what may be changed.
_NAVY, _LINE, _YELLOW, _GREY = "#0C3D7D", "#C9D1DB", "#FFF6D6", "#5A6572"
_INPUT: Final = {"bg_color": _YELLOW, "border": 1, "border_color": _LINE}
_FORMATS: Final[dict[str, dict[str, Any]]] = {
    "title": {"bold": True, "font_size": 16, "font_color": _NAVY},
    "said": {"font_size": 12, "bold": True, "text_wrap": True},
    "text": {"text_wrap": True},
    "plain": {"valign": "top"},
    "small": {"font_color": _GREY, "text_wrap": True},
    "quiet": {"font_color": _GREY},
    "head": {"bold": True, "bottom": 1, "font_color": _NAVY, "text_wrap": True},
    "number": {"num_format": "General"},
    "link": {"font_color": _NAVY, "underline": 1},
    "money": {"num_format": "#,##0.00"},
    "share": {"num_format": "0.0000"},
    "count": {"num_format": "#,##0"},
    "amount": {"num_format": "#,##0.0###"},
    "total_money": {"num_format": "#,##0.00", "bold": True, "top": 1},
    "total": {"bold": True, "top": 1},
    "blank": {"font_color": _GREY, "align": "right"},
    "whole_input": _INPUT | {"num_format": "#,##0"},
    "large_input": _INPUT | {"num_format": "#,##0.00"},
    "small_input": _INPUT | {"num_format": "0.0#####"},
    "whole": {"num_format": "#,##0", "font_color": _GREY},
    "large": {"num_format": "#,##0.00", "font_color": _GREY},
    "small_number": {"num_format": "0.0#####", "font_color": _GREY},
    "changed": {"bg_color": "#F6B98A", "bold": True},
}


class Book:
    """A workbook in the making: its formats and the names of its sheets."""

    def __init__(self, workbook: Any) -> None:
        self.workbook = workbook
        font = {"font_name": "Calibri", "font_size": 11, "valign": "top"}
        self.formats = {n: workbook.add_format(font | f) for n, f in _FORMATS.items()}
        self._names: set[str] = set()
        self._lines: dict[tuple[str, int], int] = {}

    def sheet(self, name: str, *, head: int, columns: int = 1, landscape: bool = True) -> Any:
        """Add a sheet whose first rows up to `head` stay in view and stand on each page."""
        sheet = self.workbook.add_worksheet(self._free(name))
        sheet.freeze_panes(head + 1, columns)
        sheet.repeat_rows(0, head)
        if landscape:
            sheet.set_landscape()
        sheet.set_paper(_A4)
        sheet.fit_to_pages(1, 0)
        sheet.set_footer("&L&A&R&P / &N")
        sheet.hide_gridlines(2)
        return sheet

    def _free(self, name: str) -> str:
        """A name that a sheet may have: short, without signs of addresses, and free."""
        plain = re.sub(r"[_-]+", " ", _FORBIDDEN.sub(" ", name)).strip("' ") or "Sheet"
        plain = plain[:1].upper() + plain[1:]
        found, number = plain[:31], 2
        while found.lower() in self._names or found.lower() == "history":
            found, number = f"{plain[:27]} {number}", number + 1
        self._names.add(found.lower())
        return found

    def text(
        self, sheet: Any, row: int, column: int, words: str, form: str = "plain", width: int = 0
    ) -> None:
        """Write text, never anything else.

        Text that runs over several lines of a column makes its row as high: not every program
        does that by itself.
        """
        if not words:
            return
        sheet.write_string(row, column, words[:_LONGEST], self.formats[form])
        lines = min(math.ceil(len(words) / (_NARROW * width)), _MOST_LINES) if width else 1
        key = sheet.get_name(), row
        if lines > self._lines.get(key, 1):
            self._lines[key] = lines
            sheet.set_row(row, _LINE_PT * lines)


def cover(book: Book, report: Report, sheets: Iterable[tuple[str, str]]) -> None:
    """Write what the report says, and which sheets there are; it is filled last."""
    sheet = book.workbook.get_worksheet_by_name("Report")
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, 1, _COVER + 4)
    book.text(sheet, 0, 0, report.title, "title")
    row = 1
    for words, text in (("", report.kicker), ("", report.scope), ("As of", report.as_of)):
        if text:
            book.text(sheet, row, 0, words, "quiet")
            book.text(sheet, row, 1, text, "text", _COVER)
            row += 1
    book.text(sheet, row + 1, 0, "Answer" if report.headline else "", "head")
    book.text(sheet, row + 1, 1, report.headline, "said", _COVER - 15)
    row += 2
    for label, text in report.points:
        book.text(sheet, row, 0, label, "quiet")
        book.text(sheet, row, 1, text, "text", _COVER)
        row += 1
    book.text(sheet, row + 1, 0, "Sheets", "head")
    row += 2
    for name, words in sheets:
        sheet.write_url(row, 0, f"internal:'{name}'!A1", book.formats["link"], name)
        book.text(sheet, row, 1, words, "text", _COVER)
        row += 1
    row += 1
    for words, text in report.about:
        book.text(sheet, row, 0, words, "quiet")
        book.text(sheet, row, 1, text, "small", _COVER)
        row += 1


def grid(book: Book, found: Grid) -> tuple[str, str]:
    """Write a table or the data of a chart; return the name of its sheet and its title."""
    head = 3
    sheet = book.sheet(found.name, head=head)
    book.text(sheet, 0, 0, found.title or found.name, "title")
    book.text(sheet, 1, 0, found.subtitle, "quiet")
    said = " · ".join(part for part in (found.source, found.as_of) if part)
    book.text(sheet, 2, 0, said, "quiet")
    rows = found.rows[: _MOST_ROWS + 1]
    widths = _widths(rows)
    for column, width in enumerate(widths):
        sheet.set_column(column, column, width)
        book.text(sheet, head, column, rows[0][column] if column < len(rows[0]) else "", "head")
    for number, cells in enumerate(rows[1:], start=head + 1):
        for column, words in enumerate(cells):
            _write(book, sheet, number, column, words, widths[column] - 2)
    last = max(len(rows) + head - 1, head + 1)
    sheet.autofilter(head, 0, last, max(len(rows[0]) - 1, 0))
    return sheet.get_name(), found.title or found.name


def _write(book: Book, sheet: Any, row: int, column: int, words: str, width: int) -> None:
    if _NUMBER.fullmatch(words) and len(words) < 26:
        sheet.write_number(row, column, float(words.replace("−", "-")), book.formats["number"])
    else:
        book.text(sheet, row, column, words, "text", width)


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    columns = zip_longest(*rows[:200], fillvalue="")
    lengths = [max(map(len, column)) for column in columns]
    return [min(max(length + 2, _NARROWEST), _WIDEST) for length in lengths]


def equations(book: Book, found: Sequence[tuple[str, str, str]]) -> tuple[str, str]:
    """Write the equations of the report, in symbols and with its numbers."""
    sheet = book.sheet("Equations", head=0)
    for column, (words, width) in enumerate((("What", 50), ("Symbols", 60), ("Numbers", 60))):
        sheet.set_column(column, column, width)
        book.text(sheet, 0, column, words, "head")
    for row, parts in enumerate(found, start=1):
        for column, words in enumerate(parts):
            book.text(sheet, row, column, words, "text", 56)
    return sheet.get_name(), "The equations of the report, as LaTeX"

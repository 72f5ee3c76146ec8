"""A model as sheets with live formulas: inputs to change, what is computed, and results."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from xlsxwriter.utility import xl_rowcol_to_cell

from llminfra.present.cells import cell
from llminfra.publish.sheet.book import Book
from llminfra.wire import clean_text

_LOOKS_LIKE_A_CELL: Final = re.compile(r"[A-Za-z]{1,3}\d+|[Rr]\d*[Cc]?\d*|[Cc]\d*")
_MONEY: Final = re.compile(r"^[A-Z]{3}(/|$)")
_INPUT_HEADS: Final = (
    ("Input", 62), ("Value", 16), ("Unit", 16), ("In the report", 16), ("Source", 44),
    ("As of", 12), ("Confidence", 13), ("As a field or fact", 46),
)  # fmt: skip
_CALCULATION_HEADS: Final = (("Of", 34), ("What", 44), ("Value", 18), ("Unit", 14))
_VALUE: Final = 1
_HEAD: Final = 1
_CHANGE: Final = "Change what is yellow. What differs from the report turns orange."


def live_sheets(book: Book, model: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Write a model; return the names of its sheets with what they are.

    Results come first, then the inputs, then all that is computed between them.
    """
    return _Live(book, model).write()


class _Live:
    def __init__(self, book: Book, model: Mapping[str, Any]) -> None:
        self.book, self.model = book, model
        self.cells = {int(c["id"]): c for c in model.get("cells", ())}
        self.home: dict[int, str] = {}
        """Address of each cell as formulas have it: a name, or sheet and place."""
        self._names: set[str] = set()

    def write(self) -> list[tuple[str, str]]:
        described = list(self.model.get("sheets", ()))
        results = [self.book.sheet(str(d["name"]), head=_HEAD, columns=2) for d in described]
        inputs = self.book.sheet("Inputs", head=_HEAD, columns=2)
        between = self.book.sheet("Calculation", head=0, columns=2)
        for sheet, found in zip(results, described, strict=True):
            self._settle(sheet, found)
        rows = list(self._inputs(inputs))
        steps = [c for id, c in self.cells.items() if id not in self.home and c.get("tree")]
        for row, found in enumerate(steps, start=1):
            self.home[int(found["id"])] = _place(between, row, 2)
        for row, found in rows:
            self._input(inputs, row, found)
        self._calculation(between, steps)
        for sheet, found in zip(results, described, strict=True):
            self._result(sheet, found)
        told = zip(results, described, strict=True)
        return [
            *((sheet.get_name(), _text(found.get("note"))) for sheet, found in told),
            (inputs.get_name(), _CHANGE),
            (between.get_name(), "All that is computed between inputs and results"),
        ]

    # -- where things stand --------------------------------------------------------------------

    def _settle(self, sheet: Any, described: Mapping[str, Any]) -> None:
        """Give each result the first place in which a sheet of results shows it."""
        for row, entries in self._rows(described):
            for column, entry in enumerate(entries):
                id = entry.get("at") if isinstance(entry, Mapping) else None
                if id is not None and id not in self.home and self.cells[id].get("tree"):
                    self.home[id] = _place(sheet, row, column)

    def _rows(self, described: Mapping[str, Any]) -> Iterator[tuple[int, Sequence[Any]]]:
        for row, found in enumerate(described["rows"], start=_HEAD + 1):
            yield row, found["cells"]

    def _inputs(self, sheet: Any) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """Rows of the inputs, group by group; each gets its name."""
        row, groups = (
            _HEAD + 1,
            dict.fromkeys(str(c.get("group")) for c in self.cells.values() if not c.get("tree")),
        )
        order = self.model.get("groups") or sorted(groups)
        for group in [g for g in order if g in groups]:
            self.book.text(sheet, row, 0, group, "head")
            row += 1
            for id, found in self.cells.items():
                if not found.get("tree") and found.get("group") == group:
                    name = self._name(str(found.get("key") or found["name"]))
                    self.book.workbook.define_name(name, f"={_place(sheet, row, _VALUE)}")
                    self.home[id] = name
                    yield row, found
                    row += 1
            row += 1

    def _name(self, words: str) -> str:
        """A name that formulas may have, and that no other has."""
        plain = re.sub(r"\W+", "_", words, flags=re.ASCII).strip("_") or "input"
        if _LOOKS_LIKE_A_CELL.fullmatch(plain) or plain[0].isdigit():
            plain = f"_{plain}"
        name, number = plain[:200], 2
        while name.lower() in self._names:
            name, number = f"{plain[:200]}_{number}", number + 1
        self._names.add(name.lower())
        return name

    # -- what stands there -----------------------------------------------------------------------

    def _input(self, sheet: Any, row: int, found: Mapping[str, Any]) -> None:
        book, value = self.book, _number(found["value"])
        book.text(sheet, row, 0, _text(found["words"]), "text", _INPUT_HEADS[0][1] - 2)
        size = "whole" if value == int(value) else "large" if abs(value) >= 1000 else "small"
        sheet.write_number(row, _VALUE, value, book.formats[f"{size}_input"])
        book.text(sheet, row, 2, _unit(found))
        grey = "small_number" if size == "small" else size
        sheet.write_number(row, 3, value, book.formats[grey])
        for column, key in enumerate(("source", "as_of", "confidence", "key"), start=4):
            book.text(sheet, row, column, _text(found.get(key)), "quiet")
        if row == _HEAD + 2:
            self._heads(sheet, _INPUT_HEADS, _HEAD)
            book.text(sheet, 0, 0, _CHANGE, "quiet")
            sheet.conditional_format(
                row, _VALUE, 4000, _VALUE,
                {
                    "type": "formula",
                    "criteria": f"=AND(ISNUMBER($D{row + 1}),$B{row + 1}<>$D{row + 1})",
                    "format": book.formats["changed"],
                },
            )  # fmt: skip

    def _heads(self, sheet: Any, heads: Sequence[tuple[str, int]], row: int) -> None:
        for column, (words, width) in enumerate(heads):
            sheet.set_column(column, column, width)
            self.book.text(sheet, row, column, words, "head")

    def _calculation(self, sheet: Any, steps: Sequence[Mapping[str, Any]]) -> None:
        self._heads(sheet, _CALCULATION_HEADS, 0)
        for row, found in enumerate(steps, start=1):
            self.book.text(sheet, row, 0, _text(found.get("about")), "quiet")
            self.book.text(sheet, row, 1, _text(found.get("title") or found["words"]))
            form = self._form(_text(found["unit"]), "")
            self._formula(sheet, row, 2, found["tree"], found["value"], form)
            self.book.text(sheet, row, 3, _unit(found), "quiet")

    def _result(self, sheet: Any, described: Mapping[str, Any]) -> None:
        sheet.set_column(0, 0, 34)
        sheet.set_column(1, 1, 13)
        sheet.set_column(2, len(described["columns"]) + 1, 20)
        self.book.text(sheet, 0, 0, _text(described.get("note")), "quiet")
        for column, words in enumerate(described["columns"]):
            width = (34, 13)[column] if column < 2 else 18
            self.book.text(sheet, _HEAD, column, _text(words), "head", width)
        for row, found in enumerate(described["rows"], start=_HEAD + 1):
            self._line(sheet, row, found)

    def _line(self, sheet: Any, row: int, found: Mapping[str, Any]) -> None:
        style, entries = str(found.get("style", "")), found["cells"]
        words = {"head": "head", "total": "total", "text": "text"}.get(style, "plain")
        unit = _text(entries[1]) if len(entries) > 1 and isinstance(entries[1], str) else ""
        for column, entry in enumerate(entries):
            if isinstance(entry, str):
                width = 18 if words == "text" and column > 1 else 0
                self.book.text(sheet, row, column, _text(entry), words, width)
            elif isinstance(entry, Mapping):
                self._entry(sheet, row, column, entry, self._form(unit, style))
            elif column > 1 and style != "head":
                self.book.text(sheet, row, column, "–", "blank")

    def _entry(
        self, sheet: Any, row: int, column: int, entry: Mapping[str, Any], form: str
    ) -> None:
        if "at" not in entry and "f" not in entry:
            sheet.write_number(row, column, _number(entry["v"]), self.book.formats[form])
            return
        here = _place(sheet, row, column)
        found = entry.get("f")
        if found is None:
            own = self.home[entry["at"]] == here
            found = self.cells[entry["at"]]["tree"] if own else ["cell", entry["at"]]
        self._formula(sheet, row, column, found, entry["v"], form)

    def _formula(
        self, sheet: Any, row: int, column: int, found: Any, value: Any, form: str
    ) -> None:
        written = cell(found, lambda id: self.home[id])
        known = value if isinstance(value, str) else _number(value)
        sheet.write_formula(row, column, f"={written}", self.book.formats[form], known)

    def _form(self, unit: str, style: str) -> str:
        if style == "count":
            return "count"
        is_money = bool(_MONEY.match(unit)) and unit not in ("USD/EUR",)
        if style == "total":
            return "total_money" if is_money else "total"
        return "money" if is_money else "share" if unit in ("", "1") else "amount"


def _place(sheet: Any, row: int, column: int) -> str:
    name = sheet.get_name().replace("'", "''")
    return f"'{name}'!{xl_rowcol_to_cell(row, column, row_abs=True, col_abs=True)}"


def _unit(found: Mapping[str, Any]) -> str:
    unit = _text(found.get("unit"))
    return "" if unit == "1" else unit


def _number(value: Any) -> float:
    """A number that a cell can hold."""
    number = float(value)
    return number if math.isfinite(number) else 0.0


def _text(value: Any) -> str:
    return clean_text("" if value is None else str(value))

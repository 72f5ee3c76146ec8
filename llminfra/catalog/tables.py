"""Tables of the catalogue as rows with their line, and what is refused of any of them."""

import csv
import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping
from importlib import resources
from typing import Any

from llminfra.errors import CatalogError, shown


def rows_of(
    file: str, columns: Iterable[str] | None = None
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield line number and cells of a table; raise CatalogError where its columns are others."""
    with file_of(file).open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream, strict=True)
        if columns is not None and list(reader.fieldnames or ()) != list(columns):
            raise CatalogError(f"{file} line 1: columns must be {','.join(columns)}")
        for row in reader:
            if None in row or None in row.values():
                raise CatalogError(f"{file} line {reader.line_num}: wrong number of columns")
            yield reader.line_num, row


def file_of(name: str) -> Any:
    """Return a file of the catalogue."""
    return resources.files("llminfra.catalog") / name


def require(condition: bool, file: str, where: object, column: str, row: Mapping[str, Any]) -> None:
    """Raise CatalogError that names file, line or entry, and column."""
    if not condition:
        raise CatalogError(
            f"{file} line {where}: {column} {row.get(column)!r} is not allowed or stands twice"
        )


def check_date(text: str) -> None:
    """Raise CatalogError for what is no day, month or year."""
    try:
        dt.date.fromisoformat((text + "-01-01")[:10])
        is_date = re.fullmatch(r"\d{4}(-\d\d){0,2}", text)
    except ValueError:
        is_date = None
    if not is_date:
        raise CatalogError(
            f"as_of must be YYYY-MM-DD, YYYY-MM or YYYY, got {shown(text)}; write it like 2026-10"
        )

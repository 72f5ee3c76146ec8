"""``llminfra-xlsx``: any notebook as a workbook that is opened without macros and links."""

import datetime as dt
import io
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from llminfra.publish.exporter import ReportExporter
from llminfra.publish.sheet import book as pages
from llminfra.publish.sheet.live import live_sheets
from llminfra.publish.sheet.read import Report, read
from llminfra.wire import fixed_time

_LONG_AGO = dt.datetime(2000, 1, 1)


class XlsxReportExporter(ReportExporter):
    """Export a notebook as a workbook: tables, data, sources, and models with live formulas.

    Notes
    -----
    Blocks of llminfra are written from their data. Text stays text; the only formulas are those of
    models, of operations that are known. The same executed notebook gives the same bytes.
    """

    export_from_notebook = "llminfra workbook (XLSX)"
    output_mimetype = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

    extension = ".xlsx"

    def written(
        self, notebook: NotebookNode, resources: dict[str, Any], name: str, folder: Path | None
    ) -> bytes:
        """Write the workbook."""
        return workbook(read(notebook, str(notebook.metadata.get("title") or name)))


def workbook(report: Report) -> bytes:
    """Write a report as a workbook."""
    from xlsxwriter import Workbook  # heavy, and only needed here

    stream = io.BytesIO()
    plain = {f"strings_to_{kind}": False for kind in ("formulas", "urls", "numbers")}
    with Workbook(stream, {"in_memory": True, **plain}) as made:
        made.set_properties(
            {"title": report.title, "created": (fixed_time() or _LONG_AGO).replace(tzinfo=None)}
        )
        made.set_calc_mode("auto")
        found = pages.Book(made)
        found.sheet("Report", head=0, columns=0, landscape=False)
        sheets = [named for model in report.models for named in live_sheets(found, model)]
        sheets += [pages.grid(found, grid) for grid in report.grids]
        sheets += [pages.equations(found, report.equations)] if report.equations else []
        pages.cover(found, report, sheets)
    return stream.getvalue()

"""``llminfra-pdf``: any notebook as a PDF, typeset without TeX and without a browser."""

import datetime as dt
import re
from pathlib import Path
from typing import Any, Final

from nbformat import NotebookNode
from traitlets import Bool, Int

from llminfra.publish.exporter import ReportExporter
from llminfra.publish.paper.document import Document, build_document, kicker_parts
from llminfra.publish.paper.typeset import typeset
from llminfra.wire import fixed_time

_RENDERED: Final = "%d %b %Y, %H:%M UTC"
_LINE: Final = 90  # characters of the running lines


class PdfReportExporter(ReportExporter):
    """Export a notebook as a tagged PDF with vector charts, bookmarks and embedded fonts.

    Notes
    -----
    Blocks of llminfra are drawn from their data, charts from the SVG of the HTML report. Text
    reaches the typesetter as data, so no text can act as markup. The same executed notebook gives
    the same bytes: the date in the document is that of SOURCE_DATE_EPOCH, else the time that the
    report itself states.
    """

    export_from_notebook = "llminfra report (PDF)"
    output_mimetype = "application/pdf"

    show_code = Bool(False, help="Show the source of code cells").tag(config=True)
    contents_from = Int(10, help="Print contents in documents longer than so many pages").tag(
        config=True
    )

    extension = ".pdf"

    def written(
        self, notebook: NotebookNode, resources: dict[str, Any], name: str, folder: Path | None
    ) -> bytes:
        """Typeset the document."""
        show = self.shown(inputs=self.show_code)
        document = build_document(notebook, name=name, folder=folder, show=show)
        resources["unshown"] = document.unshown
        title = str(notebook.metadata.get("title") or document.title)
        date = _date(document.rendered)
        data = self._data(document, title, date)
        return typeset(data, document.pictures.files, dated=date is not None)

    def _data(self, document: Document, title: str, date: dt.datetime | None) -> dict[str, Any]:
        kicker = kicker_parts(_shortened(document.kicker))
        about = dict((document.provenance or {}).get("about", ()))
        return {
            "title": title,
            "short_title": _shortened(title),
            "heading": document.heading,
            "language": self.language,
            "keywords": [word for part in kicker if (word := part.strip(" ·"))],
            "kicker": kicker,
            "as_of": _shortened(document.as_of, 24),
            "scope": document.scope,
            "made_by": " · ".join(v for k in ("Package", "Commit") if (v := about.get(k, ""))),
            "date": None if date is None else [*date.timetuple()[:6]],
            "contents_from": self.contents_from,
            "is_report": document.is_report,
            "parts": document.parts,
            "provenance": document.provenance,
        }


def _shortened(text: str, most: int = _LINE) -> str:
    """Cut what stands in running lines, between words if there are any."""
    return text if len(text) <= most else re.sub(r"\s+\S*$", "", text[:most]) + " …"


def _date(rendered: str) -> dt.datetime | None:
    """Return when the report was made, as far as the same inputs tell the same."""
    try:
        return fixed_time() or dt.datetime.strptime(rendered, _RENDERED).replace(tzinfo=dt.UTC)
    except ValueError:
        return None

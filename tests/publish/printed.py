"""What a PDF holds, read back with two independent readers."""

import io
import re
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import nbformat
import pypdf
import pypdfium2
from pypdfium2 import raw

from llminfra.publish.pdf import PdfReportExporter


def export(notebook: nbformat.NotebookNode, *, name: str = "memory", **traits: Any) -> bytes:
    pdf, _ = PdfReportExporter(**traits).from_notebook_node(notebook, {"metadata": {"name": name}})
    return pdf


class Printed:
    """A PDF and what tests ask of it."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.reader = pypdf.PdfReader(io.BytesIO(data))
        self.root: Any = self.reader.trailer["/Root"]

    @cached_property
    def pages(self) -> list[str]:
        """Text of each page, its spaces and breaks made single spaces."""
        found = []
        for page in pypdfium2.PdfDocument(self.data):
            text = page.get_textpage().get_text_bounded()
            found.append(re.sub(r"[\s\u200b\ufffe]+", " ", text.replace("\u200b", "")))
        return found

    @property
    def text(self) -> str:
        return " ".join(self.pages)

    @property
    def xmp(self) -> str:
        return str(self.root["/Metadata"].get_data(), "utf-8")

    @property
    def outline(self) -> list[str]:
        return [re.sub(r"\s+", " ", title) for title in _titles(self.reader.outline)]

    @cached_property
    def tags(self) -> list[tuple[str, str]]:
        """Tags in reading order, each with its text alternative."""
        return list(_tags(self.root["/StructTreeRoot"]["/K"]))

    @property
    def links(self) -> list[str]:
        notes = [a.get_object() for page in self.reader.pages for a in page.get("/Annots", ())]
        return [str(note["/A"]["/URI"]) for note in notes if "/URI" in note.get("/A", {})]

    @property
    def fonts(self) -> dict[str, bool]:
        """Names of the fonts and whether each is embedded."""
        found = {}
        for page in self.reader.pages:
            for font in page["/Resources"].get("/Font", {}).values():
                (part,) = font.get_object().get("/DescendantFonts", [font])
                described = part.get_object()["/FontDescriptor"]
                embedded = any(f"/FontFile{n}" in described for n in ("", "2", "3"))
                found[str(part.get_object()["/BaseFont"]).partition("+")[2]] = embedded
        return found

    @property
    def n_raster(self) -> int:
        pages = pypdfium2.PdfDocument(self.data)
        kinds = [obj.type for page in pages for obj in page.get_objects(max_depth=9)]
        return kinds.count(raw.FPDF_PAGEOBJ_IMAGE)


def _titles(entries: Any) -> Iterator[str]:
    for entry in entries:
        if isinstance(entry, list):
            yield from _titles(entry)
        else:
            yield str(entry.title)


def _tags(node: Any) -> Iterator[tuple[str, str]]:
    node = node.get_object() if hasattr(node, "get_object") else node
    if isinstance(node, list):
        for child in node:
            yield from _tags(child)
    elif isinstance(node, dict):
        if "/S" in node:
            yield str(node["/S"])[1:], str(node.get("/Alt", ""))
        if "/K" in node:
            yield from _tags(node["/K"])

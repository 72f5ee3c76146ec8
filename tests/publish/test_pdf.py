"""The PDF exporter on a report of ours: text, structure, fonts, pages, and what fails well."""

import datetime as dt
import re
from collections.abc import Iterator
from importlib.metadata import entry_points
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output
from traitlets.config import Config

from llminfra.errors import RenderError
from llminfra.publish.job import Job
from llminfra.publish.jobs import run_job
from llminfra.publish.paper import nodes, typeset
from llminfra.publish.pdf import PdfReportExporter
from tests.publish import sample
from tests.publish.printed import Printed, export


@pytest.fixture(scope="module")
def report() -> Printed:
    return Printed(export(sample.report()))


@pytest.fixture
def no_fonts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setattr(typeset.theme, "FONT_DIR", tmp_path)
    typeset._compiler.cache_clear()
    yield
    typeset._compiler.cache_clear()


def printed(*sources: str, **traits: object) -> Printed:
    return Printed(export(sample.notebook(*map(new_markdown_cell, sources)), **traits))


def test_the_exporter_is_an_entry_point_of_nbconvert() -> None:
    (found,) = entry_points(group="nbconvert.exporters", name="llminfra-pdf")
    assert found.load() is PdfReportExporter


def test_a_report_is_small(report: Printed) -> None:
    assert len(report.data) < 500_000


def test_the_same_notebook_gives_the_same_bytes_and_is_left_as_it_was(report: Printed) -> None:
    notebook = sample.report()
    assert export(notebook) == report.data
    assert notebook == sample.report()


@pytest.mark.parametrize(
    "text",
    [
        *("LLM infrastructure · Memory", "Facts as of 23 Nov 2026", "Answer", "Because"),
        *("holds 139 requests at once (110–168)", "KV cache for the load", "38.6–41.8 (P10–P90)"),
        *("In 4 bits one H100 holds 139 requests at once; in 8 bits it holds 4", "holds 1,882"),
        *("Source: model config [1], quantisation recipe [2]", "Longer requests break it first"),
        *("Against 100 needed", "219–336", "✗ short", "Engine start-up logs, n = 12 [3]"),
        *("NVIDIA data sheets", "Stale facts", "h200 hourly price", "● changed"),
        *("llminfra render assistant-70b.lock.toml --notebook memory", "4c1d9e2"),
        *("31.9 GB", "<script>window.hacked = true</script> stays text."),
    ],
)
def test_nothing_of_the_report_is_lost(report: Printed, text: str) -> None:
    assert text in report.text


def test_page_one_holds_title_answer_tiles_and_the_first_chart(report: Printed) -> None:
    first = report.pages[0]
    places = [
        first.index(text)
        for text in ("What hardware", "One 80 GB H100", "Weights in 4 bits", "Finding 1", "1,882")
    ]
    assert places == sorted(places)
    assert "Finding 2" not in first


def test_every_page_says_what_it_is_and_where(report: Printed) -> None:
    n = len(report.pages)
    assert all(f"Page {i} of {n}" in page for i, page in enumerate(report.pages, 1))
    assert all("What hardware holds Llama 3.3 70B" in page for page in report.pages)


def test_the_outline_is_complete(report: Printed) -> None:
    starts = [
        *("One 80 GB H100 is enough", "In 4 bits one H100", "At 131,072 tokens"),
        *("Longer requests break it first", "The length of a request", "Sources"),
        *("Room for cache is what", "Provenance"),
    ]
    assert len(report.outline) == len(starts)
    assert all(map(str.startswith, report.outline, starts))


def test_document_title_language_subject_and_no_author(report: Printed) -> None:
    about = report.reader.metadata
    assert about is not None
    assert about.title == "What hardware holds Llama 3.3 70B for 100 requests at once?"
    assert (about.author, about["/Keywords"]) == (None, "LLM infrastructure, Memory")
    assert str(about.subject).startswith("vLLM, prompts of 400 tokens")
    assert report.root["/Lang"] == "en"
    assert report.root["/ViewerPreferences"]["/DisplayDocTitle"]


def test_it_declares_what_typst_checked(report: Printed) -> None:
    for claim in ("pdfuaid:part>1<", "pdfaid:part>2<", "pdfaid:conformance>A<"):
        assert claim in report.xmp
    assert report.root["/MarkInfo"]["/Marked"]


def test_headings_come_in_order_under_one_title(report: Printed) -> None:
    tags = [tag for tag, _ in report.tags]
    assert tags.count("Title") == 1
    levels = [1, *(int(tag[1]) for tag in tags if re.fullmatch("H[1-6]", tag))]
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_charts_marks_and_formulas_have_a_text(report: Printed) -> None:
    alternatives = [alt for tag, alt in report.tags if tag in ("Figure", "Formula")]
    assert all(alternatives)
    assert "Stacked bars of memory by layout, where 4-bit weights leave room" in alternatives
    assert "room is usable memory less weights less runtime" in alternatives
    assert "278 (219–336)" in alternatives


def test_tables_have_heads(report: Printed) -> None:
    tags = [tag for tag, _ in report.tags]
    assert tags.count("Table") == tags.count("THead") == 2
    assert tags.count("TH") == 12


def test_fonts_are_ours_and_embedded(report: Printed) -> None:
    families = {"SourceSans3", "SourceSerif4Subhead", "SourceCodePro", "NewCMMath"}
    assert {name.partition("-")[0] for name in report.fonts} == families
    assert all(report.fonts.values())


def test_charts_are_drawn_not_photographed(report: Printed) -> None:
    assert report.n_raster == 0


def test_the_date_is_that_of_the_report_or_given(monkeypatch: pytest.MonkeyPatch) -> None:
    def created(data: bytes) -> dt.datetime | None:
        about = Printed(data).reader.metadata
        return about.creation_date if about else None

    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    assert created(export(sample.report())) == dt.datetime(2026, 11, 23, 14, 5, tzinfo=dt.UTC)
    assert created(export(sample.notebook())) is None
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert created(export(sample.report())) == dt.datetime(1970, 1, 2, tzinfo=dt.UTC)


def test_a_given_title_names_the_document_and_the_heading_stays() -> None:
    found = Printed(export(sample.notebook(new_markdown_cell("# Heading"), title="Given & title")))
    assert found.reader.metadata is not None
    assert found.reader.metadata.title == "Given & title"
    assert found.pages[0].startswith("Heading")


def test_short_documents_have_no_contents_and_long_ones_do() -> None:
    chapters = [f"## Chapter {n}\n\n" + "A line of text.\n\n" * 40 for n in range(6)]
    short = printed("# T", *chapters)
    long = printed("# T", *chapters, contents_from=3)
    assert short.text.count("Chapter 5") == 1
    assert long.pages[0].count("Chapter") >= 6
    assert long.text.count("Chapter 5") == 2


def test_a_long_table_repeats_its_head() -> None:
    html = "<table><thead><tr><th>Name of it</th></tr></thead>" + "<tr><td>x</td></tr>" * 120
    cell = sample.code("x", sample.output({"text/html": html}))
    found = Printed(export(sample.notebook(cell)))
    assert len(found.pages) > 2
    assert all("Name of it" in page for page in found.pages)


def test_an_own_table_too_wide_for_the_page_becomes_several() -> None:
    heads = [{"label": head, "unit": "", "align": "left"} for head in ("Variant", "It changes")]
    heads += [{"label": f"Result {n}", "unit": "", "align": "right"} for n in range(6)]
    numbers = [f"{n}.59 k USD ▲ 26 % more" for n in range(6)]
    names = ["office, precision = bf16", "lab, precision = fp8"]
    rows = [{"cells": [name, "tensor_parallel = 2", *numbers]} for name in names]
    fitting = [{"cells": line["cells"][:4]} for line in rows]
    whole, narrow = (
        Printed(export(sample.notebook(sample.code("", block)))).text
        for block in (
            sample.block("table", title="T", columns=heads, rows=rows),
            sample.block("table", title="T", columns=heads[:4], rows=fitting),
        )
    )
    assert [whole.count(name) for name in names] == [whole.count("Columns")] * 2
    assert whole.count("Columns") > 1
    assert [whole.count(number) for number in numbers] == [2] * 6
    assert "Columns" not in narrow


def test_an_own_table_of_one_column_is_whole() -> None:
    heads = [{"label": "Name", "unit": "", "align": "left"}]
    for words in ("a", "w" * 300):
        block = sample.block("table", title="T", columns=heads, rows=[{"cells": [words]}])
        told = Printed(export(sample.notebook(sample.code("", block)))).text
        assert "Columns" not in told


def test_code_is_left_out_unless_asked_for() -> None:
    cells = (new_markdown_cell("# T"), new_code_cell("secret_source = 1"))
    book = sample.notebook(*cells)
    assert "secret_source" not in Printed(export(book)).text
    assert "secret_source" in Printed(export(book, show_code=True)).text


def test_options_of_nbconvert_are_heard() -> None:
    config = Config({"TemplateExporter": {"exclude_output": True}})
    pdf, resources = PdfReportExporter(config=config).from_notebook_node(sample.report())
    assert "Finding 1" not in Printed(pdf).text
    assert resources["output_extension"] == ".pdf"


def test_links_lead_outside_only() -> None:
    found = printed("[a](https://example.org/?a=1&b=2) [b](javascript:x) [c](#d) <m@example.org>")
    assert found.links == ["https://example.org/?a=1&b=2", "mailto:m@example.org"]


def test_a_character_without_glyph_is_shown_as_such_and_named() -> None:
    found = printed("# T\n\nbefore \u0378 after")
    assert "□ stands for characters that no font here has: U+0378." in found.text
    assert "before" in found.text


def test_a_part_that_cannot_be_set_names_its_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "remark", lambda text: {"k": "remark"})
    strange = sample.output({"application/x-strange": "?"})
    book = sample.notebook(new_markdown_cell("# T"), sample.code("x", strange))
    with pytest.raises(RenderError, match=r"^cell 2 \(c1\): PDF could not be typeset: "):
        export(book)


@pytest.mark.usefixtures("no_fonts")
def test_missing_fonts_fail_the_pdf_and_leave_the_html(tmp_path: Path) -> None:
    source = tmp_path / "book.ipynb"
    stream = new_output("stream", name="stdout", text="x")
    nbformat.write(sample.notebook(sample.code("print('x')", stream)), source)
    result = run_job(Job(source, tmp_path / "out", formats=("html", "pdf")))
    assert list(result.outputs) == ["html"]
    assert result.error is not None
    assert result.error.startswith("pdf: fonts must include Source Sans 3, got ")
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["book.error.html", "book.html"]

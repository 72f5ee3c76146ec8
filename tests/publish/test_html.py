"""The HTML exporter on a report of ours and on a foreign notebook, read as text."""

import base64
import gzip
import re
from html.parser import HTMLParser
from importlib.metadata import entry_points
from itertools import pairwise
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell
from traitlets.config import Config

from llminfra.publish.html import HtmlReportExporter
from tests.publish import foreign, sample
from tests.publish.sample import LONG_CSV

EXPORTER = HtmlReportExporter()


def export(notebook: nbformat.NotebookNode, **about: Any) -> str:
    html, _ = EXPORTER.from_notebook_node(notebook, {"metadata": {"name": "memory", **about}})
    return str(html)


def markdown(*sources: str) -> str:
    return export(sample.notebook(*map(new_markdown_cell, sources)))


@pytest.fixture(scope="module")
def report() -> str:
    return export(sample.report())


@pytest.fixture(scope="module")
def study() -> str:
    return export(foreign.study())


class Outline(HTMLParser):
    """Collects ids, headings, references, pictures and whether elements are closed in order."""

    VOID = frozenset(["meta", "img", "input", "br", "hr", "link", "col"])

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.headings: list[int] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[str] = []
        self.feed(html)
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append(tag)
        self.attributes.append((tag, found))
        self.ids += [found["id"] or ""] if "id" in found else []
        self.headings += [int(tag[1])] if re.fullmatch("h[1-6]", tag) else []
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self._open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self._open.pop()


@pytest.fixture(params=["report", "study"])
def page(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))


def test_the_exporter_is_an_entry_point_of_nbconvert() -> None:
    (found,) = entry_points(group="nbconvert.exporters", name="llminfra-html")
    assert found.load() is HtmlReportExporter


def test_a_page_stays_under_a_megabyte(page: str) -> None:
    assert len(page.encode()) < 1_000_000


def test_the_same_notebook_gives_the_same_bytes_and_is_left_as_it_was(report: str) -> None:
    notebook, other = sample.report(), HtmlReportExporter()
    given = {"metadata": {"name": "memory"}}
    assert other.from_notebook_node(notebook, given)[0] == report
    assert notebook == sample.report()


def test_headings_come_in_order_under_one_h1(page: str) -> None:
    headings = Outline(page).headings
    assert headings.count(1) == 1
    assert headings[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(headings))


def test_ids_are_unique_and_references_find_them(page: str) -> None:
    outline = Outline(page)
    assert len(outline.ids) == len(set(outline.ids))
    for tag, attributes in outline.attributes:
        href = attributes.get("href") or ""
        if tag == "a" and href.startswith("#"):
            assert href[1:] in outline.ids
        labelled = attributes.get("aria-labelledby")
        assert labelled is None or labelled in outline.ids


def test_the_page_has_language_landmarks_and_a_skip_link(page: str) -> None:
    outline = Outline(page)
    assert {"header", "main", "h1"} <= set(outline.tags)
    assert '<html lang="en">' in page
    assert 'href="#content"' in page


def test_every_picture_and_chart_has_a_text(page: str) -> None:
    for tag, attributes in Outline(page).attributes:
        if tag == "img":
            assert attributes.get("alt")
        if attributes.get("role") == "img":
            assert attributes.get("aria-label")


def test_nothing_is_asked_from_outside(page: str) -> None:
    assert "default-src 'none'" in page.replace("&#39;", "'")
    for tag, attributes in Outline(page).attributes:
        for name in ("src", "srcset", "data", "poster"):
            assert (attributes.get(name) or "data:").startswith("data:")
        assert tag != "link"
        assert not re.search(r"url\((?!#|data:)", attributes.get("style") or "")
    css = "".join(re.findall(r"<style>(.*?)</style>", page, re.DOTALL))
    assert not re.search(r"@import|url\((?!data:font)", css)


def test_scripts_are_the_page_s_own(page: str) -> None:
    scripts = [a for tag, a in Outline(page).attributes if tag == "script"]
    assert [a for a in scripts if "type" not in a] == [{}]
    assert all(a.get("type", "text/plain") == "text/plain" for a in scripts)
    assert not any(name.startswith("on") for _, a in Outline(page).attributes for name in a)
    assert "javascript:" not in page


def test_no_output_vanishes(report: str) -> None:
    for text in (
        "holds 139 requests at once (110–168)",
        "KV cache for the load",
        "Longer requests break it first",
        "Engine start-up logs, n = 12 [3]",
        "NVIDIA data sheets",
        "<span>llminfra render assistant-70b.lock.toml</span> <span>--notebook memory</span>",
        "Facts as of 23 Nov 2026",
    ):
        assert text in report.replace("\xa0", " ")


def test_contents_name_the_parts_in_short(report: str) -> None:
    nav = report[report.index("<nav") : report.index("</nav>")]
    labels = re.findall(r'<a href="#[^"]*">([^<]*)</a>', nav)
    assert labels == [
        *("Answer", "1 Layouts", "2 Longer context", "What would change the answer"),
        *("Assumptions", "Method", "Provenance"),
    ]


def test_downloads_carry_the_data(report: str) -> None:
    assert 'download="layouts.csv"' in report
    assert 'href="data:text/csv;charset=utf-8,layout,gb%0Aa,1%0A"' in report
    assert 'download="layouts.svg"' in report
    assert 'download="what-if.csv.gz"' in report
    packed = re.search(r'href="data:application/gzip;base64,([^"]+)" download="what-if', report)
    assert packed is not None
    assert gzip.decompress(base64.b64decode(packed[1])).decode() == LONG_CSV


def test_blocks_are_drawn_from_their_data_not_their_html() -> None:
    cell = sample.block("answer", headline="from data", points=[])
    cell["data"]["text/html"] = "<b>from html</b>"
    html = export(sample.notebook(sample.code("", cell)))
    assert "from data" in html
    assert "from html" not in html


def test_markup_in_markdown_is_text(study: str) -> None:
    assert "&lt;script&gt;window.hacked = 1&lt;/script&gt;" in study
    assert "&lt;b onclick=" in study


@pytest.mark.parametrize(
    "target",
    [
        *("javascript:alert(1)", "JaVaScRiPt:alert(1)", "&#106;avascript:alert(1)"),
        *("data:text/html,<script>alert(1)</script>", "vbscript:x", "file:///etc/passwd"),
        *("\x01javascript:alert(1)", "java%0Ascript:alert(1)"),
    ],
)
def test_links_only_navigate(target: str) -> None:
    html = markdown("# t", f"[x](<{target}>)")
    main = html[html.index("<main") : html.index("</main>")]
    hrefs = re.findall(r'href="([^"]*)"', main)
    assert all(not re.match(r"(?i)\W*(javascript|data|vbscript|file):", href) for href in hrefs)


def test_prices_are_not_formulas(study: str) -> None:
    assert "It costs $5 in May and $10 in June." in study
    assert markdown("# t", "Between $5–$10 and $3.50, or \\$7.").count("<math") == 0


def test_formulas_become_mathml_and_broken_ones_code(study: str) -> None:
    assert study.count("<math") == 5
    assert '<code class="ll-latex">\\frac{1}{\\unknowncommand}</code>' in study
    assert "\\begin" not in study[study.index("<main") :]


def test_tags_and_report_mode_hide(study: str) -> None:
    assert "NEVER SHOWN" not in study
    assert "hidden_source" not in study
    assert "report_mode" not in study
    assert "output of hidden source" in study
    assert "<summary>Parameters given</summary>" in study


def test_environment_variables_stay_out(study: str) -> None:
    assert "hunter2" not in study
    assert "SECRET_TOKEN" not in study


def test_dataframes_and_styler_tables_survive(study: str) -> None:
    assert '<table class="dataframe">' in study
    assert "border=" not in study
    assert '<td data-n="">80.0</td>' in study
    assert "#T_abc_row0_col1{background-color: #fde68a;}" in study


def test_hostile_html_is_disarmed(study: str) -> None:
    assert "visible text" in study
    assert "onerror" not in study
    assert "example.org/x" not in study


def test_foreign_altair_charts_are_drawn_and_alive(study: str) -> None:
    assert study.count('aria-label="Chart: Some bars"') == 3
    assert study.count('class="ll-spec"') == 3
    assert "fallback of a broken chart" in study


@pytest.mark.parametrize(
    "text",
    [
        "Interactive output left out",
        "Output of type application/x-strange is not shown here.",
        "A part of this report could not be shown: chart must be well-formed SVG",
        "block kind must be known",
        "picture not included",
        "IntSlider(value=1)",
        "ValueError: bad &lt;value&gt;",
        "raw &lt;text&gt;",
        "emoji 🚀, 中文",
        'alt="An orange bar"',
        'alt="attached"',
    ],
)
def test_what_cannot_be_shown_says_so_and_the_rest_is_there(study: str, text: str) -> None:
    assert text in study


def test_terminal_text_ends_as_it_looked(study: str) -> None:
    assert "done\nred text &lt;b&gt;" in study
    assert "\x1b" not in study


def test_control_characters_and_lone_surrogates_are_replaced(study: str) -> None:
    assert "NUL \ufffd end" in study
    study.encode()


def test_a_title_cannot_leave_its_place() -> None:
    title = '# </title><script>alert(1)</script> "}@page{} $x$ {{ 7*7 }}'
    html = markdown(title)
    assert "<script>alert" not in html
    assert "{{ 7*7 }}" in html
    assert html.split("style>")[1].count("@page{") == 2  # ours; the title's braces are escaped


def test_a_notebook_without_heading_takes_its_name() -> None:
    html = markdown("just text")
    assert "<h1>memory</h1>" in html


def test_a_given_document_title_is_used() -> None:
    html = export(sample.notebook(new_markdown_cell("# Heading"), title="Given & title"))
    assert "<title>Given &amp; title</title>" in html
    assert "<h1>Heading</h1>" in html


def test_an_empty_notebook_is_a_page() -> None:
    assert "<h1>memory</h1>" in export(sample.notebook())


def test_pages_without_charts_carry_no_chart_library() -> None:
    html = markdown("# t")
    assert 'id="ll-vega"' not in html
    assert "unsafe-eval" not in html
    assert len(html) < 500_000


def test_options_of_nbconvert_are_heard() -> None:
    exporter = HtmlReportExporter(config=Config({"TemplateExporter": {"exclude_input": True}}))
    html, resources = exporter.from_notebook_node(sample.report())
    assert "ll-code" not in html[html.index("<main") : html.index("</main>")]
    assert resources["output_extension"] == ".html"


def test_pictures_beside_the_notebook_are_embedded_and_others_not(tmp_path: Path) -> None:
    (tmp_path / "book").mkdir()
    for name in ("secret.svg", "book/a.svg"):
        (tmp_path / name).write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    cells = new_markdown_cell("![in](a.svg) ![out](../secret.svg) ![abs](/etc/passwd)")
    html = export(sample.notebook(cells), path=str(tmp_path / "book"))
    assert html.count("data:image/svg+xml;base64") == 1
    assert html.count("picture not included") == 2


def test_source_text_of_any_length_is_shown() -> None:
    html = export(sample.notebook(new_code_cell("x = 1\n" * 50_000)))
    assert html.count("x = 1") == 50_000


def test_long_output_is_cut_and_says_so() -> None:
    stream = nbformat.v4.new_output("stream", name="stdout", text="line\n" * 100_000)
    assert "more characters are not shown" in export(sample.notebook(sample.code("", stream)))


def test_missing_fonts_leave_a_page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from llminfra.publish import html as module

    monkeypatch.setattr(module.theme, "FONT_DIR", tmp_path)
    assert module._face(("Source Sans 3", "400", "absent.woff2")) == ""


def test_marks_of_direction_are_shown_and_turn_nothing() -> None:
    marks = "\u202e\u2066\u200f\u061c"
    turned = "<b style='unicode-bidi:bidi-override'>&#x202E;&rlm;</b>"
    html = export(
        sample.notebook(
            new_markdown_cell(f"# a{marks}b\n\na{marks}b &#x202e;"),
            sample.code("", sample.output({"text/html": turned})),
            sample.code("", sample.block("answer", headline=f"a{marks}b", points=[])),
            sample.code("", sample.output({"text/plain": f"a{marks}b"})),
        )
    )
    assert not re.search("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]", html)
    assert not re.search(r"&#x?(?:202e|8238)|&rlm;|bidi-override|\\202e", html, re.IGNORECASE)
    assert html.count("a[U+202E][U+2066][U+200F][U+061C]b") >= 4

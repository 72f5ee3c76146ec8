"""The PDF exporter on notebooks that know nothing of llminfra and are hard to print."""

import re
from functools import cache

import pytest

from llminfra.publish.paper import nodes
from tests.publish import awkward, sample
from tests.publish.awkward import AWKWARD, MARKUP
from tests.publish.printed import Printed, export

EXPECTED = {
    "empty": ["empty"],
    "only_code": ["This notebook holds code without results; run it to fill this page."],
    "study": [
        *("A study of tokens & prices", "It costs $5 in May and $10 in June.", "a link"),
        *("<script>window.hacked = 1</script>", '<b onclick="x()">raw</b>', "Styled", "H100"),
        *("\\frac{1}{\\unknowncommand}", "[picture not included: remote]", "visible text"),
        *("Interactive output left out", "Output of type application/x-strange is not shown"),
        *("chart must be well-formed SVG", "block kind must be known", "IntSlider(value=1)"),
        *("ValueError: bad <value>", "raw <text>", "done red text <b>", "Second part"),
        *("[U+202E]reversed", "NUL � end ]]> ${x}", "Columns 2 to", "output of hidden source"),
        *("fallback of a broken chart", "Some bars"),
    ],
    "markup_everywhere": [],
    "other_scripts": ["emoji"],
    "control_characters": ["a�b�c�d[U+202E]e[U+2066]f"],
    "broken_pictures": ["could not be read", "after the pictures"],
    "pictures": ["axis label", "of text"],
    "wide_table": ["Columns 2 to", "value 4.39", "a long text that needs several lines"],
    "long_table": ["1999", "100 more rows are not shown here."],
    "spanned_table": ["1.500000", "after the tables"],
    "many_pages": ["Chapter 219"],
    "long_lines": ["folder/folder"],
    "errors": ["ValueError: bad value", "… 460 lines above", "File 499", "100% done"],
    "headings": ["starts deep", "with a kicker", "99"],
    "formulas": ["Formulas"],
    "nesting": ["level 39", "quoted", "innermost"],
    "marks_of_markdown": ["☑ done", "☐ open", "The note.", "7. seven", "inner"],
    "interactive": ["application/vnd.plotly.v1+json", "Interactive output left out", "fallback"],
    "broken_blocks": ["A part of this report could not be shown"],
    "old_format": ["Old", "output"],
}


@cache
def printed(name: str) -> Printed:
    return Printed(export(AWKWARD[name](), name=name))


def test_there_are_enough_of_them() -> None:
    assert set(EXPECTED) == set(AWKWARD)
    assert len(AWKWARD) >= 15


@pytest.mark.parametrize("name", AWKWARD)
def test_any_notebook_becomes_an_accessible_pdf_that_says_what_it_lacks(name: str) -> None:
    found = printed(name)
    assert "pdfuaid:part>1<" in found.xmp
    assert all(alt for tag, alt in found.tags if tag in ("Figure", "Formula"))
    assert all(found.fonts.values())
    assert [words for words in EXPECTED[name] if words not in found.text] == []


@pytest.mark.parametrize("name", sorted(set(AWKWARD) - {"many_pages", "long_table"}))
def test_code_of_any_notebook_can_be_shown(name: str) -> None:
    assert export(AWKWARD[name](), show_code=True)[:5] == b"%PDF-"


def test_what_looks_like_markup_is_text_wherever_it_stands() -> None:
    found = printed("markup_everywhere")
    # Answer, notice, table, error and text outputs: each piece comes out at least that often.
    for piece in ('#read("/etc/passwd")', "$x$", "<script>alert(1)</script>", "]]>", "{{ 7*7 }}"):
        assert re.sub(r"\s", "", found.text).count(piece.replace(" ", "")) >= 8
    assert "root:" not in found.text
    assert found.reader.metadata is not None
    assert found.reader.metadata.title == MARKUP


def test_hidden_cells_stay_hidden() -> None:
    assert "NEVER SHOWN" not in printed("study").text
    assert "hunter2" not in printed("study").text


def test_foreign_charts_and_drawings_stay_vectors() -> None:
    assert printed("interactive").n_raster == 0
    assert printed("broken_pictures").n_raster == 0  # none of what the drawing reached for


def test_two_hundred_pages_have_contents_and_an_outline() -> None:
    found = printed("many_pages")
    assert len(found.pages) > 200
    assert len(found.outline) == 220
    assert found.pages[0].count("Chapter") > 20


def test_the_same_notebook_gives_the_same_bytes() -> None:
    for name in ("study", "other_scripts", "broken_pictures"):
        assert export(AWKWARD[name](), name=name) == printed(name).data


def test_pictures_reach_nothing_beside_them() -> None:
    assert "passwd" in awkward.REACHING_SVG
    assert b"nologin" not in printed("broken_pictures").data


def test_long_names_can_be_searched_and_only_words_wider_than_the_page_break() -> None:
    name, wide = "qwen3-235b-a22b-l40s-tp8-vllm-0.11.0", "0123456789abcdef" * 10
    words = f"some words before {name}, and `{name}` " * 4
    table = f"|a|b|\n|-|-|\n|{name}|{'many words ' * 20}|"
    found = Printed(export(sample.notebook(awkward.text(f"{words}\n\n{table}\n\n{wide}"))))
    text = "\n".join(page.extract_text() for page in found.reader.pages)
    assert "\u200b" not in text
    assert text.count(name) == 9
    assert wide not in text
    assert wide in re.sub(r"\s", "", text)


def test_a_wide_table_is_split_into_tables_of_about_equal_width() -> None:
    head = [{"c": ["a heading of text" if i == 0 else f"n{i:07}"]} for i in range(22)]
    parts = nodes.table([head], [[{"c": ["1"]}] * 22])
    assert [len(part["columns"]) for part in parts] == [8, 8, 8]

"""Blocks as HTML: text stays text, marks stand where the numbers say, bad blocks say why."""

import re
from typing import Any

import pytest

from llminfra.errors import RenderError
from llminfra.present.mathml import mathml
from llminfra.present.render import keep_together, render_block, render_fragment
from llminfra.present.svg import clean_svg

NASTY = "<script>alert(1)</script> & \"quoted\" 'single' ]]> ${x} {{ 7 * 7 }}"
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><g id="a"/></svg>'


def block(kind: str, **data: Any) -> dict[str, Any]:
    return {"version": 1, "kind": kind, **data}


def every_kind(text: str) -> list[dict[str, Any]]:
    columns = [
        {"label": text, "unit": text, "align": "left"},
        {"label": text, "unit": "", "align": "right", "mark": {"min": 0, "max": 10, "target": 5}},
    ]
    cells = [text, {"text": text, "low": 1, "base": 2, "high": 3, "ok": False}]
    table = {
        "title": text,
        "caption": text,
        "columns": columns,
        "source": text,
        "as_of": text,
        "rows": [{"cells": cells, "emphasis": True}],
        "name": text,
        "csv": text,
    }
    tile = {"label": text, "value": text, "unit": text, "range_text": text, "note": text}
    fact = {"key": text, "value": text, "used_by": [text]}
    return [
        block("masthead", kicker=text, as_of=text, scope=text),
        block("answer", headline=text, points=[{"label": text, "text": text}]),
        block("tiles", tiles=[tile, {**tile, "probability": 0.5}]),
        block(
            "figure",
            kicker=text,
            title=text,
            subtitle=text,
            alt=text,
            source=text,
            as_of=text,
            svg=SVG,
            svg_narrow=SVG,
            spec={"a": text},
            spec_narrow={"a": text},
            csv=text,
            name=text,
        ),
        block("table", **table),
        block("assumptions", **table, sources=[{"number": 1, "text": text}]),
        block("equation", latex=r"\text{" + text + "}", numbers="x", alt=text),
        block("notice", level="problem", title=text, text=text, items=[text]),
        block(
            "provenance",
            command=text,
            package=text,
            commit=text,
            dirty=True,
            rendered=text,
            note=text,
            facts=[fact],
            scenario={text: text},
        ),
    ]


@pytest.mark.parametrize("given", every_kind(NASTY), ids=lambda b: b["kind"])
def test_markup_in_a_text_is_shown_as_text(given: dict[str, Any]) -> None:
    for html in (render_block(given), render_fragment(given, uid="u")):
        body = html.split("</style>")[-1]
        assert "<script>alert" not in body
        assert "49" not in re.sub(r"base64,[^\"]*|>[A-Za-z0-9+/=]{40,}<", "", body)


@pytest.mark.parametrize("given", every_kind("plain"), ids=lambda b: b["kind"])
def test_every_kind_renders_alike_twice(given: dict[str, Any]) -> None:
    assert render_block(given) == render_block(given)


def test_unknown_kind_names_the_closest() -> None:
    with pytest.raises(RenderError, match=r"got 'figur'; closest: figure"):
        render_fragment(block("figur"), uid="u")


def test_unknown_version_is_refused() -> None:
    with pytest.raises(RenderError, match="version must be 1, got 2"):
        render_fragment({"version": 2, "kind": "answer"}, uid="u")


@pytest.mark.parametrize(
    "given",
    [
        block("tiles", tiles=5),
        block("tiles"),
        block("table", columns=[{}], rows=[{"cells": [1, 2]}]),
        block("figure", svg="<svg"),
        block("figure", svg="<html/>"),
        block("figure", svg=SVG, spec={"a": float("nan")}),
        block("provenance", scenario=3),
    ],
)
def test_a_block_of_the_wrong_shape_is_one_clear_error(given: dict[str, Any]) -> None:
    with pytest.raises(RenderError) as caught:
        render_fragment(given, uid="u")
    assert "\n" not in str(caught.value)


def test_range_mark_stands_where_the_numbers_say() -> None:
    tile = {
        "label": "a",
        "value": "5",
        "low": 2,
        "base": 5,
        "high": 20,
        "axis": [0, 10],
        "target": 4,
    }
    html = render_fragment(block("tiles", tiles=[tile]), uid="u")
    assert 'class="ll-band" x1="20.0%" x2="100.0%"' in html
    assert 'class="ll-target" x1="40.0%"' in html
    assert 'cx="50.0%"' in html


def test_missing_cell_is_a_dash_and_a_verdict_is_marked() -> None:
    columns = [{"label": c, "unit": "", "align": "left"} for c in "abc"]
    rows = [{"cells": ["row", None, "✗ short"], "emphasis": False}]
    html = render_fragment(block("table", columns=columns, rows=rows, caption="t"), uid="u")
    assert re.search(r">–</td>", html)
    assert re.search(r'class="[^"]*ll-bad[^"]*" data-head="c">✗ short', html)


def test_lab_shows_charts_as_pictures_that_need_no_script() -> None:
    html = render_block(block("figure", svg=SVG, alt="what it shows", title="t"))
    assert 'src="data:image/svg+xml;base64,' in html
    assert 'alt="what it shows"' in html
    assert "<script" not in html


def test_figure_ids_do_not_collide() -> None:
    both = "".join(render_fragment(block("figure", svg=SVG, svg_narrow=SVG), uid=u) for u in "ab")
    ids = re.findall(r'id="([^"]+)"', both)
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("element", "kept"),
    [
        ('<rect fill="url(#a)"/>', 'fill="url(#p-a)"'),
        ('<path stroke="rgb(1, 2, 3)"/>', 'stroke="rgb(1, 2, 3)"'),
        ('<g transform="translate(1,2)"/>', 'transform="translate(1,2)"'),
        ("<text>a &lt; b</text>", "a &lt; b"),
    ],
)
def test_svg_keeps_what_draws(element: str, kept: str) -> None:
    assert kept in clean_svg(
        f'<svg xmlns="http://www.w3.org/2000/svg">{element}</svg>', prefix="p-"
    )


@pytest.mark.parametrize(
    "element",
    [
        "<script>alert(1)</script>",
        '<rect onclick="alert(1)"/>',
        '<a href="javascript:alert(1)"><rect/></a>',
        '<image href="https://example.org/a.png"/>',
        '<rect fill="url(https://example.org/a)"/>',
        "<style>@import 'https://example.org'</style>",
        "<foreignObject><b>alert</b></foreignObject>",
        '<rect style="background:url(//example.org)"/>',
    ],
)
def test_svg_drops_what_acts_or_asks(element: str) -> None:
    cleaned = clean_svg(f'<svg xmlns="http://www.w3.org/2000/svg">{element}</svg>', prefix="p-")
    assert "alert" not in cleaned
    assert "example.org" not in cleaned


def test_svg_with_entities_is_refused() -> None:
    with pytest.raises(RenderError, match="document types"):
        clean_svg(
            '<!DOCTYPE x [<!ENTITY a "b">]><svg xmlns="http://www.w3.org/2000/svg"/>', prefix=""
        )


@pytest.mark.parametrize(
    ("latex", "part"),
    [
        (r"\arg\min_x", "<mo>arg</mo>"),
        (r"\begin{aligned}a&=b\\c&=d\end{aligned}", "<mtable"),
        (r"327{,}680 \times 700", "<mn>327,680</mn>"),
        (r"\mathrm{GB}", 'mathvariant="normal"'),
    ],
)
def test_formulas_become_mathml(latex: str, part: str) -> None:
    html = mathml(latex)
    assert html.startswith("<math")
    assert part in html


@pytest.mark.parametrize(
    "latex", [r"\unknown{x}", "x^2^3", "", "{" * 300, r"\text{<script>a</script>}", "x" * 20_000]
)
def test_formulas_that_fail_show_their_source(latex: str) -> None:
    html = mathml(latex)
    assert html.startswith('<code class="ll-latex">')
    assert "<script>" not in html


def test_links_in_formulas_are_dropped() -> None:
    assert "javascript" not in mathml(r"\href{javascript:alert(1)}{x}")


def test_model_names_do_not_break() -> None:
    assert keep_together("Llama 3.3 70B holds 80 GB") == "Llama\xa03.3\xa070B holds\xa080\xa0GB"

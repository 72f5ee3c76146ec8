"""Charts: the size asked for, the house's text and colours, the same bytes, no outside data."""

import re
from typing import Any

import altair as alt
import pandas as pd
import pytest

from llminfra import Scenario, compare, evaluate, fit_table
from llminfra.errors import RenderError
from llminfra.present import fit_map, log_lines, range_dots, scatter_panels, stacked_bars, theme
from llminfra.present.recipe import Chart
from llminfra.present.svg import slim_svg
from llminfra.present.vega import draw

FRAME = pd.DataFrame({"layout": ["1 × H100", "2 × A100"], "gb": [39.7, 70.6]})


def bars(**text: Any) -> alt.LayerChart:
    base = alt.Chart(FRAME).encode(x="gb:Q", y="layout:N")
    return base.mark_bar() + base.mark_text(align="left", text="runs past the card", **text)


@pytest.mark.parametrize("width", [theme.WIDE_PX, theme.NARROW_PX])
def test_a_chart_is_as_wide_as_asked_for(width: int) -> None:
    drawing = draw(bars(), width_px=width)
    assert drawing.width_px == width
    assert f'width="{width}"' in drawing.svg


def test_charts_side_by_side_are_as_wide_as_asked_for() -> None:
    chart = alt.hconcat(bars().properties(width=200), bars().properties(width=200))
    assert draw(chart, width_px=888).width_px == pytest.approx(888, abs=2)


def test_charts_that_cannot_shrink_say_so() -> None:
    chart = alt.hconcat(*(bars().properties(width=200) for _ in range(9)))
    with pytest.raises(RenderError, match="must fit into 350 px"):
        draw(chart, width_px=350)


def test_text_stays_text_in_the_quoted_house_font() -> None:
    svg = draw(bars(fontWeight=600), width_px=888).svg
    assert ">runs past the card</text>" in svg
    assert f'font-family="{theme.SANS}"' in svg
    assert "SourceSans3-" not in svg


def test_text_is_measured_with_the_shipped_font() -> None:
    # Source Sans 3 sets these 18 letters at 100 px 751 px wide; fallback fonts are a sixth wider.
    text = alt.Chart(pd.DataFrame({"a": [1]})).mark_text(fontSize=100, text="runs past the card")
    spec = {
        **text.to_dict(),
        "autosize": "pad",
        "width": 1,
        "config": theme.altair_theme()["config"],
    }
    assert 735 < draw(spec).width_px < 765


def test_the_same_chart_gives_the_same_bytes() -> None:
    first, second = (draw(bars(), width_px=888) for _ in range(2))
    assert first == second


def test_hatching_is_defined_in_the_picture() -> None:
    chart = alt.Chart(FRAME).mark_bar(color=theme.HATCH).encode(x="gb:Q", y="layout:N")
    svg = draw(chart, width_px=888).svg
    assert f'<pattern id="{theme.HATCH_ID}"' in svg
    assert f'fill="{theme.HATCH}"' in svg


def test_slimming_keeps_clipping_shapes_and_words() -> None:
    clipped = alt.Chart(FRAME).mark_bar(clip=True).encode(x="gb:Q", y="layout:N")
    assert re.search(r"<clipPath[^>]*><(?:rect|path)", draw(clipped, width_px=888).svg)
    words = alt.Chart(FRAME).mark_text(text='1.23456 is class="a"').encode(y="layout:N")
    assert "1.23456 is class=" in draw(words, width_px=888).svg


def test_own_charts_use_palette_colours_only() -> None:
    used = set(re.findall(r"#[0-9A-Fa-f]{3,6}\b", draw(bars(), width_px=888).svg))
    assert used <= {token.light for token in theme.TOKENS}


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_numbers_that_are_not_finite_are_refused(bad: float) -> None:
    spec = {"data": {"values": [{"a": bad}]}, "mark": "bar", "encoding": {"x": {"field": "a"}}}
    with pytest.raises(RenderError, match="finite numbers"):
        draw(spec, width_px=888)


def test_a_broken_specification_is_one_line() -> None:
    with pytest.raises(RenderError, match="valid Vega-Lite") as caught:
        draw({"mark": "nonsense"}, width_px=888)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["https://example.org/a.csv", "file:///etc/hostname", "/etc/hostname"]
)
def test_data_from_outside_is_refused(url: str) -> None:
    encoding = {"x": {"field": "a", "type": "quantitative"}}
    spec = {"data": {"url": url, "format": {"type": "csv"}}, "mark": "point", "encoding": encoding}
    with pytest.raises(RenderError, match="must be in the chart"):
        draw(spec, width_px=350)


def test_enabling_the_theme_keeps_the_chart_data_alone() -> None:
    before = alt.theme.active
    theme.enable()
    try:
        assert bars().to_dict()["config"]["font"] == theme.SANS
    finally:
        alt.theme.enable(before)


def recipes() -> dict[str, Chart]:
    plan = evaluate(Scenario())
    layouts = {"1": {"tensor_parallel": 1}, "8": {"tensor_parallel": 8}}
    lines = pd.DataFrame({"model": ["a", "a"], "tokens": [1.0, 2.0], "gb": [1.0, 3.0]})
    dots = pd.DataFrame({"model": ["a", "b"], "low": [1.0, 2], "mid": [2.0, 3], "high": [4.0, 9]})
    points = pd.DataFrame({"kind": ["a, ms"] * 3 + ["b, s"], "engine": ["v", "w", "v", "v"]})
    points = points.assign(measured=[1.0, 2.0, 30.0, 4.0], predicted=[1.1, 1.8, 28.0, 5.0])
    fits = fit_table(
        plan,
        ["llama-3.1-8b"],
        [("h100-sxm", 1)],
        ["bf16", "fp8", "int4"],
        sequences=1,
    )
    return {
        "stacked_bars": stacked_bars(
            compare(plan, layouts, "memory"),
            parts={"weight_bytes_per_accelerator": ("weights", "weights")},
            limit="memory_bytes_per_accelerator",
            free_to="limit_bytes_per_accelerator",
            verdicts=dict.fromkeys(layouts, ("✓", "fits", True)),
            scale=1e9,
            unit="GB",
        ),
        "log_lines": log_lines(
            lines, x="tokens", y="gb", series="model", subject="a", x_title="t", y_title="in GB"
        ),
        "fit_map": fit_map(fits, subject="Llama 3.1 8B"),
        "range_dots": range_dots(
            dots,
            label="model",
            columns=("low", "mid", "high"),
            words=("l", "m", "h"),
            subject="a",
            limits={"8 GB": 8.0},
            unit="GB",
        ),
        "scatter_panels": scatter_panels(
            points,
            panel="kind",
            x="measured",
            y="predicted",
            series="engine",
            bands={"a, ms": 1.3, "b, s": 1.5},
            notes={("a, ms", "v"): "8 %", ("a, ms", "w"): "10 %", ("b, s", "v"): "25 %"},
            subject="v",
        ),
    }


@pytest.mark.parametrize(
    "name", ["stacked_bars", "log_lines", "fit_map", "range_dots", "scatter_panels"]
)
def test_recipes_make_valid_vega_lite(name: str) -> None:
    chart = recipes()[name]
    for layout in (chart.wide, chart.narrow):
        spec = layout.to_dict(validate="deep")
        assert spec.get("layer") or all(part["layer"] for part in spec["concat"])


def test_scatter_panels_draw_every_point_on_both_widths() -> None:
    chart = recipes()["scatter_panels"]
    wide, narrow = (
        draw(layout, width_px=px).svg
        for layout, px in ((chart.wide, theme.WIDE_PX), (chart.narrow, theme.NARROW_PX))
    )
    assert ">w 10 %</text>" in wide
    assert ">w 10 %</text>" in narrow
    assert len(chart.data) == 4


def test_points_of_one_shape_become_one_path_at_the_same_places() -> None:
    point = '<path transform="translate({},20.5)" d="M-2,-2h4v4h-4Z" fill="red"/>'
    diamond = '<path transform="translate({},1)" d="M-2,0L0,-2L2,0L0,2Z" fill="red"/>'
    head = '<svg xmlns="http://www.w3.org/2000/svg"><g>{}</g></svg>'
    squares = slim_svg(head.format("".join(point.format(x) for x in (10, 30, 50))))
    assert 'd="M8,18.5h4v4h-4zM28,18.5h4v4h-4zM48,18.5h4v4h-4z"' in squares
    diamonds = slim_svg(head.format("".join(diamond.format(x) for x in (10, 30, 50))))
    assert 'd="M8,1l2,-2l2,2l-2,2zM28,1' in diamonds
    different = slim_svg(head.format(point.format(10) + point.format(30) + diamond.format(50)))
    assert different.count("<path") == 3

"""The two charts of the sample report, in their wide and narrow layouts."""

from typing import Any

import altair as alt
import pandas as pd

from llminfra.present import theme

LAYOUTS = [
    ("1 × H100 80 GB, 4-bit", 39.7, 22.9, 1.4, 0.9, 80, "✓ holds 139"),
    ("1 × H100 80 GB, 8-bit", 70.6, 22.9, 1.4, 0.9, 80, "✗ holds 4"),
    ("1 × H200 141 GB, 8-bit", 70.6, 22.9, 1.4, 0.9, 141, "✓ holds 249"),
    ("2 × H100 80 GB, 8-bit", 35.3, 11.5, 1.2, 0.9, 80, "✓ holds 316"),
    ("2 × A100 80 GB, 16-bit", 70.6, 11.5, 1.2, 0.9, 80, "✗ holds 9"),
    ("4 × A100 80 GB, 16-bit", 35.3, 5.7, 1.1, 0.9, 80, "✓ holds 633"),
    ("8 × A100 80 GB, 16-bit", 17.6, 2.9, 1.0, 0.9, 80, "✓ holds 1,882"),
]
PARTS = ("weights", "kv_cache", "activations", "runtime")
LINES = [
    ("Llama 3.3 70B", 42.9, 131072, "orange", 3.2, [1, 0]),
    ("DeepSeek-R1 671B", 9.2, 131072, "navy", 2.6, [1, 0]),
    ("gpt-oss-120b", 4.8, 131072, "context", 1.8, [2, 3]),
    ("GPT-3 175B", 9.7, 2048, "context", 1.8, [1, 0]),
]


def stack_chart(*, narrow: bool = False) -> Any:
    rows = []
    for layout, *sizes, limit, verdict in LAYOUTS:
        start = 0.0
        for part, size in zip(PARTS, sizes, strict=True):
            shown = f"{size:.1f}" if size > (14 if narrow else 8) else ""
            rows.append(
                {
                    "layout": layout,
                    "part": part.replace("_", " "),
                    "start": start,
                    "end": start + size,
                    "middle": start + size / 2,
                    "label": shown,
                    "fill": theme.color(part),
                    "ink": theme.text_on(part),
                    "size": size,
                }
            )
            start += size
        rows[-1] |= {
            "total": start,
            "free": max(start, 0.92 * limit),
            "limit": limit,
            "verdict": verdict,
            "limit_text": f"{limit} GB" if start < limit else "",
            "verdict_ink": theme.color("ink" if verdict[0] == "✓" else "alert"),
        }
    frame = pd.DataFrame(rows)
    ends = frame[frame["limit"].notna()]
    span = 150 if narrow else 200
    axis = alt.Axis(
        values=[0, 20, 40, 60, 80, 100, 120, 140][:: 2 if narrow else 1],
        orient="top",
        title=None,
        labelExpr="datum.value == 0 ? '0 GB' : datum.label",
    )
    x = alt.X("start:Q", scale=alt.Scale(domain=[0, span], nice=False), axis=axis)
    y = alt.Y("layout:N", sort=None, axis=None if narrow else alt.Axis(title=None, labelPadding=16))
    bars = (
        alt.Chart(frame)
        .mark_bar(size=26)
        .encode(
            x=x,
            x2="end:Q",
            y=y,
            color=alt.Color("fill:N", scale=None),
            tooltip=["layout:N", "part:N", alt.Tooltip("size:Q", title="GB")],
        )
    )
    free = (
        alt.Chart(ends)
        .mark_bar(size=26, color=theme.HATCH, stroke=theme.color("hatch"))
        .encode(x="total:Q", x2="free:Q", y=y)
    )
    tick = (
        alt.Chart(ends)
        .mark_tick(thickness=2.5, size=40, color=theme.color("limit"))
        .encode(x="limit:Q", y=y)
    )
    labels = (
        alt.Chart(frame)
        .mark_text(fontWeight=600)
        .encode(x="middle:Q", y=y, text="label:N", color=alt.Color("ink:N", scale=None))
    )
    limits = (
        alt.Chart(ends)
        .mark_text(align="left", dx=6, fontWeight=600, fontSize=14)
        .encode(x="limit:Q", y=y, text="limit_text:N")
    )
    place = {"align": "right", "dy": -30} if narrow else {"align": "left"}
    verdicts = (
        alt.Chart(ends)
        .mark_text(fontWeight=600, **place)
        .encode(
            x=alt.datum(span if narrow else 165),
            y=y,
            text="verdict:N",
            color=alt.Color("verdict_ink:N", scale=None),
        )
    )
    layers = [bars, free, tick, labels, verdicts]
    if narrow:
        names = (
            alt.Chart(ends)
            .mark_text(align="left", dy=-30, fontWeight=600)
            .encode(x=alt.datum(0), y=y, text="layout:N")
        )
        return alt.layer(*layers, names).properties(height=alt.Step(76))
    return alt.layer(*layers, limits).properties(height=alt.Step(52))


def line_chart(*, narrow: bool = False) -> Any:
    rows = [
        {
            "model": m,
            "tokens": t,
            "gb": gb * t / end,
            "ink": theme.color(c),
            "end": t == end,
            "label": f"{m}, {gb:g} GB" if t == end else "",
        }
        for m, gb, end, c, _, _ in LINES
        for t in (256, 1024, 2048, 4096, 16384, 65536, 131072)
        if t <= end
    ]
    frame = pd.DataFrame(rows)
    x = alt.X(
        "tokens:Q",
        scale=alt.Scale(type="log", domain=[256, 131072], nice=False),
        axis=alt.Axis(
            grid=False,
            values=[256, 1024, 4096, 16384, 131072],
            title=None,
            labelExpr="datum.value == 256 ? '256 tokens' : format(datum.value, ',')",
        ),
    )
    y = alt.Y(
        "gb:Q",
        scale=alt.Scale(type="log", domain=[0.01, 100]),
        axis=alt.Axis(
            values=[0.01, 0.1, 1, 10, 100],
            title=None,
            labelExpr="datum.value == 100 ? '100 GB' : datum.value",
        ),
    )
    lines = [
        alt.Chart(frame[frame["model"] == m])
        .mark_line(color=theme.color(c), strokeWidth=w, strokeDash=d, tooltip=True)
        .encode(x=x, y=y)
        for m, _, _, c, w, d in LINES
    ]
    ends = frame[frame["end"]]
    dots = (
        alt.Chart(ends).mark_point(opacity=1).encode(x=x, y=y, color=alt.Color("ink:N", scale=None))
    )
    side = {"align": "right", "dx": -8, "dy": -14} if narrow else {"align": "left", "dx": 10}
    names = alt.Chart(ends).mark_text(fontWeight=600, **side).encode(x=x, y=y, text="label:N")
    return alt.layer(*lines, dots, names).properties(height=380 if not narrow else 320)

"""Charts of many models: which layout holds which, and how much each one needs."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import altair as alt

from llminfra import formats
from llminfra.present.recipe import (
    Chart,
    chart_of,
    closed,
    constant,
    ink_of,
    layered,
    recipe,
    text_of,
    tooltips,
)
from llminfra.present.theme import TYPE, color, text_on
from llminfra.units import GB

if TYPE_CHECKING:
    import pandas as pd

_SMALL: Final = TYPE["chart_small"].px
# Where a decade has ticks: on a scale that spans a factor of less than 5, of less than 100, more.
_TICKS: Final = ((1, 1.5, 2, 3, 5, 7), (1, 2, 5), (1,))
# Precision to its word and the meaning of its colour, most exact first.
_CLASSES: Final = {
    "bf16": ("16-bit", "fit_16"),
    "fp8": ("8-bit", "fit_8"),
    "int4": ("4-bit", "fit_4"),
    "": ("no", "page"),
}


@recipe
def fit_map(frame: "pd.DataFrame", *, subject: str) -> Chart:
    """Draw which layout holds which model, and at which precision.

    Parameters
    ----------
    frame : DataFrame
        As `llminfra.fit_table` returns it, for the precisions bf16, fp8 and int4.
    subject : str
        The model that the report is about; its row gets a frame.
    """
    cells = frame.copy()
    cells["fill"] = [color(_CLASSES[p][1]) for p in cells["precision"]]
    cells["ink"] = [text_on(_CLASSES[p][1]) if p else color("second") for p in cells["precision"]]
    cells["mark"] = [f"{'✓' if p else '✗'} {_CLASSES[p][0]}" for p in cells["precision"]]
    cells["short_mark"] = [
        _CLASSES[p][0].removesuffix("-bit") if p else "✗" for p in cells["precision"]
    ]
    cells["head"] = [_two_lines(layout, narrow=False) for layout in cells["layout"]]
    cells["short_head"] = [_two_lines(layout, narrow=True) for layout in cells["layout"]]
    cells["detail"] = [_detail(row) for row in cells.to_dict("records")]
    data = frame[["model", "layout", "precision", "used_fraction", "short_bytes"]]
    return Chart(_cells(cells, subject, narrow=False), _cells(cells, subject, narrow=True), data)


def _two_lines(layout: str, *, narrow: bool) -> str:
    """Count and name of a layout on two lines; phones drop the maker's prefix and the size."""
    count, _, name = layout.partition(" × ")
    name = name.partition(" 80")[0] if not narrow else name.partition(" 80")[0].removeprefix("RTX ")
    return f"{count} ×|{name}"


def _detail(row: Mapping[Any, Any]) -> str:
    if row["precision"]:
        return f"{formats.percent(row['used_fraction'])} used"
    if not row["is_possible"]:
        return "no such split"
    return f"{formats.count(row['short_bytes'] / GB)}{formats.NARROW_SPACE}GB short"


def _cells(cells: "pd.DataFrame", subject: str, *, narrow: bool) -> Any:
    size = _SMALL - 1 if narrow else _SMALL
    heads = alt.Axis(
        orient="top",
        title=None,
        labelExpr="split(datum.label, '|')",
        labelAngle=0,
        labelFontSize=size,
        labelPadding=24,
        labelLineHeight=17,
    )
    left = 110 if narrow else 170
    rows = alt.Axis(
        title=None, labelAlign="left", labelPadding=left, labelLimit=left, labelFontSize=size
    )
    x = alt.X("short_head:N" if narrow else "head:N", sort=alt.SortField("order"), axis=heads)
    y = alt.Y("model:N", sort=alt.SortField("parameters"), axis=rows)
    base = chart_of(cells).encode(x=x, y=y)
    ink = ink_of("ink")
    rect = base.mark_rect(stroke=color("page"), strokeWidth=2).encode(
        color=ink_of("fill"),
        tooltip=tooltips("model", "layout", "mark", "detail"),
    )
    layers = [rect]
    if narrow:
        layers.append(base.mark_text(fontSize=size).encode(text=text_of("short_mark"), color=ink))
    else:
        bold = base.mark_text(dy=-9, fontWeight=600, fontSize=size)
        layers.append(bold.encode(text=text_of("mark"), color=ink))
        layers.append(base.mark_text(dy=9, fontSize=size).encode(text=text_of("detail"), color=ink))
    own = chart_of(cells[cells["model"] == subject].head(1)).encode(y=y)
    layers.append(own.mark_rect(fillOpacity=0, stroke=color("ink"), strokeWidth=2))
    return layered(*layers, height=alt.Step(34 if narrow else 46))


@recipe
def range_dots(
    frame: "pd.DataFrame",
    *,
    label: str,
    columns: tuple[str, str, str],
    words: tuple[str, str, str],
    subject: str,
    limits: dict[str, float],
    unit: str,
    room: tuple[float, float] = (1.6, 5.0),
) -> Chart:
    """Draw three values of each row on a logarithmic scale, with levels to compare with.

    Parameters
    ----------
    frame : DataFrame
        One row per thing, in the order to be shown.
    label, columns, words : str, tuple, tuple
        Column of the names, columns of the low, middle and high value, and what these are called.
    limits : dict
        Words to level, drawn as lines across.
    room : tuple of float
        Factors by which the scale goes on below the least and above the largest value.
    """
    shown = frame.assign(
        order=range(len(frame)),
        ink=[color("orange" if name == subject else "navy") for name in frame[label]],
        end=[
            formats.with_unit(_span(low, high), unit)
            for low, high in zip(frame[columns[0]], frame[columns[2]], strict=True)
        ],
    )
    shown = closed(shown, *columns[1:])
    build = [
        _dots(shown, label, columns, words, limits, reach, narrow=narrow)
        for narrow, reach in ((False, room), (True, (room[0], min(room[1], 2.0))))
    ]
    return Chart(build[0], build[1], frame[[label, *columns]])


def _span(low: float, high: float) -> str:
    if math.isinf(high):
        return f"{formats.scaled(low, 1)} and more"
    ends = [formats.scaled(end, 1) for end in (low, high)]
    return ends[0] if ends[0] == ends[1] else "–".join(ends)


def _dots(
    shown: "pd.DataFrame",
    label: str,
    columns: tuple[str, str, str],
    words: tuple[str, str, str],
    limits: dict[str, float],
    room: tuple[float, float],
    *,
    narrow: bool,
) -> Any:
    low, middle, high = columns
    left = 118 if narrow else 200
    axis = alt.Axis(
        title=None, labelAlign="left", labelPadding=left, labelLimit=left, labelFontSize=_SMALL
    )
    y = alt.Y(f"{label}:N", sort=alt.SortField("order"), axis=axis)
    span = [float(shown[low].min()) / room[0], float(shown[high].max()) * room[1]]
    scale = alt.Scale(type="log", domain=span, nice=False)
    parts = _TICKS[sum(span[1] > most * span[0] for most in (5, 100))]
    ticks = [m * 10.0**k for k in range(-3, 7) for m in parts if span[0] <= m * 10.0**k <= span[1]]
    axis_x = alt.Axis(orient="top", offset=18, title=None, values=ticks, format=",~g")
    x = alt.X(f"{low}:Q", scale=scale, axis=axis_x)
    ink = ink_of("ink")
    base = chart_of(shown).encode(y=y, color=ink)
    layers: list[Any] = [base.mark_rule(strokeWidth=4).encode(x=x, x2=alt.X2(f"{high}:Q"))]
    layers.append(base.mark_point(size=90).encode(x=alt.X(f"{middle}:Q", scale=scale)))
    for word, level in limits.items():
        rows = alt.Chart(alt.InlineData(values=[{"level": level, "word": word}]))
        at = alt.X("level:Q", scale=scale)
        layers.append(rows.mark_rule(strokeDash=[4, 3]).encode(x=at))
        text = rows.mark_text(align="left", dx=5, dy=8, fontSize=_SMALL, fontWeight=600)
        layers.append(text.encode(x=at, **constant(y="height"), text=text_of("word")))
    if not narrow:
        first = chart_of(shown.head(1)).encode(y=y)
        for column, word in zip(columns, words, strict=True):
            named = first.encode(x=alt.X(f"{column}:Q", scale=scale), **constant(text=word))
            layers += _on_halo(named, dy=-15, color=color("second"))
        ends = chart_of(shown).encode(x=alt.X(f"{high}:Q", scale=scale), y=y, text=text_of("end"))
        layers += _on_halo(ends, align="left", dx=10)
    return layered(*layers, height=alt.Step(34))


def _on_halo(base: Any, **text: Any) -> list[Any]:
    """Write text on a halo that parts it from the lines behind it."""
    halo = base.mark_text(stroke=color("page"), strokeWidth=5, fontSize=_SMALL, **text)
    return [halo, base.mark_text(fontSize=_SMALL, **text)]

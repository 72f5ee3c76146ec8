"""The chart of variants side by side: a range for each, and a line through the first."""

from collections.abc import Sequence
from typing import Any, Final

import altair as alt
import pandas as pd

from llminfra.present.recipe import (
    Chart,
    chart_of,
    ink_of,
    labels_of,
    layered,
    recipe,
    text_of,
    tooltips,
)
from llminfra.present.theme import TYPE, color
from llminfra.units import plural

_SMALL: Final = TYPE["chart_small"].px
_LABELS_PX: Final = 250
_LABEL_CHARACTERS: Final = 36  # of those that stand beside their bars; longer ones stand above
Bar = tuple[str, float, float, float, str, bool]


@recipe
def range_bars(bars: Sequence[Bar], *, title: str, unit: str) -> Chart:
    """Draw low, base and high of each variant.

    Parameters
    ----------
    bars : sequence of tuple
        Label, low, base, high, the value in words, and whether it serves the load.
    title, unit : str
        What is drawn, and its unit.
    """
    frame = pd.DataFrame(bars, columns=["label", "low", "base", "high", "text", "serves"])
    shown = frame.assign(
        order=range(len(frame)),
        mark=["" if serves else "✗ " for serves in frame["serves"]],
        fill=[color("own") if serves else color("context") for serves in frame["serves"]],
    )
    shown["text"] = shown["mark"] + shown["text"]
    words = f"{title}, {plural(unit)}" if unit not in ("", "1") else title
    wide, narrow = (_layers(shown, words, narrow=narrow) for narrow in (False, True))
    return Chart(wide, narrow, frame.drop(columns="text"))


def _layers(frame: pd.DataFrame, title: str, *, narrow: bool) -> Any:
    top = float(frame["high"].max()) or 1.0
    low = min(0.0, float(frame["low"].min()))
    scale = alt.Scale(domain=[low, low + (top - low) * (1.3 if narrow else 1.15)], nice=False)
    axis = alt.Axis(
        orient="top", offset=16, title=title, titleAnchor="start", tickCount=4 if narrow else 7
    )
    above = narrow or int(frame["label"].str.len().max()) > _LABEL_CHARACTERS
    y = labels_of("label", 0 if above else _LABELS_PX)
    base, x = chart_of(frame).encode(y=y, color=ink_of("fill")), alt.X("base:Q", scale=scale)
    layers: list[Any] = [
        base.mark_bar(size=14, opacity=0.9).encode(
            x=alt.X("base:Q", axis=axis, scale=scale), tooltip=tooltips("label", "text")
        ),
        chart_of(frame)
        .mark_rule(strokeWidth=1.6, color=color("ink"))
        .encode(y=y, x=alt.X("low:Q", scale=scale), x2=alt.X2("high:Q")),
    ]
    first = chart_of(frame.head(1)).mark_rule(strokeDash=[4, 3], color=color("ink"))
    layers.append(first.encode(x=x))
    ends = chart_of(frame).mark_text(align="left", dx=8, fontSize=_SMALL, color=color("ink"))
    layers.append(ends.encode(y=y, x=alt.X("high:Q", scale=scale), text=text_of("text")))
    if above:
        names = chart_of(frame).mark_text(align="left", dy=-18, fontSize=_SMALL)
        start = alt.X(datum=low, type="quantitative", scale=scale)
        layers.append(names.encode(y=y, x=start, text=text_of("label")))
    return layered(*layers, height=alt.Step(46 if above else 34))

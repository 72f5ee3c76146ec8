"""Charts of what drives a result: a bar for each input, from one end of its band to the other."""

from typing import TYPE_CHECKING, Any, Final

import altair as alt

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

if TYPE_CHECKING:
    import pandas as pd

_SMALL: Final = TYPE["chart_small"].px
_LABELS_PX: Final = 290
_ENDS: Final = (("at_low", "low_text", "navy"), ("at_high", "high_text", "orange"))


@recipe
def tornado_bars(frame: "pd.DataFrame", *, base: float, unit: str, scale: float = 1.0) -> Chart:
    """Draw how far each input moves a result, the strongest first.

    Parameters
    ----------
    frame : DataFrame
        Rows with label, low_text, high_text (the input's values), at_low and at_high (the result).
    base : float
        The result as it is, which all bars begin at.
    unit, scale : str, float
        Unit shown, and what the results are divided by.
    """
    shown = frame.assign(
        order=range(len(frame)),
        base=base / scale,
        **{end: frame[end] / scale for end, _, _ in _ENDS},
    )
    shown = _told_once(shown)
    wide, narrow = (_layers(shown, unit, narrow=n) for n in (False, True))
    return Chart(wide, narrow, frame.drop(columns=["low_text", "high_text"]))


def _told_once(frame: "pd.DataFrame") -> "pd.DataFrame":
    """Write both values at the farther end where both ends lie on one side of the result."""
    low, high = frame["at_low"] - frame["base"], frame["at_high"] - frame["base"]
    is_one_side = low * high >= 0
    is_low_far = low.abs() > high.abs()
    both = frame["low_text"] + " to " + frame["high_text"]
    ends = {"low_text": is_low_far, "high_text": ~is_low_far}
    told = {
        words: frame[words].where(~is_one_side, both.where(is_far, ""))
        for words, is_far in ends.items()
    }
    return frame.assign(**told)


def _layers(frame: "pd.DataFrame", unit: str, *, narrow: bool) -> Any:
    ends = frame[["at_low", "at_high", "base"]]
    low, high = float(ends.min().min()), float(ends.max().max())
    room = (high - low or abs(high) or 1.0) * (0.45 if narrow else 0.16)
    scale = alt.Scale(domain=[low - room, high + room], nice=False, zero=False)
    axis = alt.Axis(
        orient="top", offset=16, title=unit, titleAnchor="start", tickCount=4 if narrow else 7,
        format=",.9~g",
    )  # fmt: skip
    y = labels_of("label", 0 if narrow else _LABELS_PX)
    layers: list[Any] = []
    for end, words, ink in _ENDS:
        layers += _side(frame, end, words, ink, y, alt.X(f"{end}:Q", axis=axis, scale=scale))
    rule = chart_of(frame.head(1)).mark_rule(strokeWidth=1.6, color=color("ink"))
    layers.append(rule.encode(x=alt.X("base:Q", scale=scale)))
    if narrow:
        names = chart_of(frame).mark_text(align="left", dy=-19, fontSize=_SMALL)
        start = alt.X(datum=low - room, type="quantitative", scale=scale)
        layers.append(names.encode(x=start, y=y, text=text_of("label")))
    return layered(*layers, height=alt.Step(48 if narrow else 34))


def _side(
    frame: "pd.DataFrame", end: str, words: str, ink: str, y: alt.Y, x: alt.X
) -> list[alt.Chart]:
    """Bars to one end of the inputs, with the value of the input beyond it."""
    # Where both ends lie on one side, the nearer bar is drawn above the longer one.
    is_above = frame[end] >= frame["base"]
    painted = frame.assign(fill=color(ink))
    bars = chart_of(painted).mark_bar(size=16, opacity=0.9)
    tips = tooltips("label", words)
    found = [bars.encode(y=y, x=x, x2=alt.X2("base:Q"), color=ink_of("fill"), tooltip=tips)]
    sides: tuple[tuple[Any, Any, int], ...] = (
        (frame[is_above], "left", 5),
        (frame[~is_above], "right", -5),
    )
    for rows, align, shift in sides:
        if len(rows):
            text = chart_of(rows).mark_text(align=align, dx=shift, fontSize=_SMALL)
            found.append(text.encode(y=y, x=x, text=text_of(words)))
    return found

"""Charts of the report on build versus API alone: payback against drift, and how sure it is."""

from typing import TYPE_CHECKING, Any, Final

import altair as alt
import numpy as np
import pandas as pd

from llminfra.present.recipe import Chart, chart_of, constant, layered, recipe, text_of, y_axis
from llminfra.present.theme import TYPE, color

if TYPE_CHECKING:
    from collections.abc import Sequence

_SMALL: Final = TYPE["chart_small"].px
_BINS: Final = 40


@recipe
def payback_line(frame: "pd.DataFrame", *, horizon_months: float, here: float) -> Chart:
    """Draw the months until a purchase has paid against the change of API prices a year.

    Parameters
    ----------
    frame : DataFrame
        Rows of drift, low, base and high; infinite where it never pays within the horizon.
    horizon_months : float
        Months that count: the line ends there.
    here : float
        Drift of the case.
    """
    ends = ["low", "base", "high"]
    data = frame.assign(never=~np.isfinite(frame["base"]))
    shown = frame.replace(np.inf, np.nan)
    shown[["low", "high"]] = shown[["low", "high"]].fillna(horizon_months)
    shown = shown.assign(percent=100 * shown["drift"])
    wide, narrow = (_payback(shown, horizon_months, 100 * here, narrow=n) for n in (False, True))
    return Chart(wide, narrow, data[["drift", *ends, "never"]].replace(np.inf, np.nan))


def _payback(shown: "pd.DataFrame", horizon: float, here: float, *, narrow: bool) -> Any:
    axis = alt.Axis(title="change of API prices a year, %", grid=False, format="+d")
    x = alt.X("percent:Q", axis=axis, scale=alt.Scale(nice=False))
    top = alt.Scale(domain=[0, horizon * 1.06], nice=False)
    side = y_axis("months", tickCount=6)
    base = chart_of(shown).encode(x=x)
    band = base.mark_area(color=color("fit_4")).encode(
        y=alt.Y("low:Q", axis=side, scale=top), y2=alt.Y2("high:Q")
    )
    line = (
        chart_of(shown.dropna(subset=["base"]))
        .mark_line(color=color("navy"), strokeWidth=2.6, point={"color": color("navy")})
        .encode(x=x, y=alt.Y("base:Q", axis=side, scale=top))
    )
    end = alt.Chart(alt.InlineData(values=[{"at": horizon, "words": "end of the horizon"}]))
    rule = end.mark_rule(strokeDash=[4, 3], strokeWidth=1.6).encode(
        y=alt.Y("at:Q", axis=side, scale=top)
    )
    words = end.mark_text(align="left", x=4, dy=-8, fontSize=_SMALL).encode(
        y=alt.Y("at:Q", axis=side, scale=top), text=text_of("words")
    )
    case = alt.Chart(alt.InlineData(values=[{"percent": here, "words": "this case"}]))
    mark = case.mark_rule(color=color("orange"), strokeWidth=1.6).encode(x=x)
    label = case.mark_text(
        align="left", dx=5, y=14, color=color("orange_text"), fontSize=_SMALL
    ).encode(x=x, text=text_of("words"))
    layers = [band, rule, words, line, mark, label]
    return layered(*layers, height=220 if narrow else 230)


@recipe
def npv_bars(draws: "Sequence[float]", *, unit: str) -> Chart:
    """Draw how often which difference of two NPVs occurs; above zero, own machines are cheaper.

    Parameters
    ----------
    draws : sequence of float
        The difference in all cases.
    unit : str
        Unit shown.
    """
    values = np.asarray(draws, dtype=np.float64)
    low, high = np.quantile(values, [0.002, 0.998])
    span = max(high, 0.0) - min(low, 0.0)
    low, high = min(low, -0.2 * span), max(high, 0.2 * span)  # room for the names of both sides
    counts, edges = np.histogram(np.clip(values, low, high), bins=_BINS, range=(low, high))
    frame = pd.DataFrame({"from": edges[:-1], "to": edges[1:], "cases": counts})
    frame = frame.assign(
        side=["own" if middle > 0 else "api" for middle in (edges[:-1] + edges[1:]) / 2]
    )
    wide, narrow = (_npv(frame, unit, narrow=n) for n in (False, True))
    return Chart(wide, narrow, frame)


def _npv(frame: "pd.DataFrame", unit: str, *, narrow: bool) -> Any:
    axis = alt.Axis(title=unit, format="~s", grid=False)
    x = alt.X("from:Q", axis=axis, scale=alt.Scale(nice=False))
    shown = frame.assign(ink=[color("own" if s == "own" else "api") for s in frame["side"]])
    bars = (
        chart_of(shown)
        .mark_rect(stroke=color("page"), strokeWidth=0.5)
        .encode(
            x=x,
            x2=alt.X2("to:Q"),
            y=alt.Y("cases:Q", axis=y_axis("simulated cases", tickCount=4)),
            y2=alt.Y2(datum=0),
            color=alt.Color("ink:N", scale=None),
        )
    )
    zero = alt.Chart(alt.InlineData(values=[{"from": 0.0}]))
    rule = zero.mark_rule(strokeWidth=1.8).encode(x=x)
    own = zero.mark_text(align="left", dx=6, y=10, fontWeight=600, color=color("own"))
    api = zero.mark_text(align="right", dx=-6, y=10, fontWeight=600, color=color("orange_text"))
    labels = [
        own.encode(x=x, **constant(text="own cheaper →")),
        api.encode(x=x, **constant(text="← API cheaper")),
    ]
    return layered(bars, rule, *labels, height=220 if narrow else 230)

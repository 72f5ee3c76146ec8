"""Charts of the board's page and of the gates: months with what is blocked, codes, days."""

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

import altair as alt

from llminfra.present.recipe import (
    Chart,
    chart_of,
    constant,
    ink_of,
    layered,
    placed_at,
    recipe,
    text_of,
    tooltips,
)
from llminfra.present.theme import HATCH, TYPE, color, text_on

if TYPE_CHECKING:
    import pandas as pd

_SMALL: Final = TYPE["chart_small"].px
# Code to what stands in a cell, its colour and its word.
_CODES: Final = {
    "G": ("✓", "fit_4", "met by configuration"),
    "C": ("○", "fit_8", "on conditions"),
    "X": ("✗", "ink", "blocked"),
    "N": ("–", "page", "does not apply"),
    "unknown": ("?", "panel", "not known"),
}


@recipe
def way_bars(frame: "pd.DataFrame", *, subject: str, unit: str) -> Chart:
    """Draw the month of each option with its range; blocked ones say by what.

    Parameters
    ----------
    frame : DataFrame
        Rows with label, kind (a meaning of a colour, ``free`` where blocked), low, base, high and
        what to write behind the bar, in the order to be shown.
    subject : str
        Label of the option that is followed.
    """
    shown = frame.assign(order=range(len(frame)))
    shown["fill"] = [HATCH if k == "free" else color(k) for k in shown["kind"]]
    shown["ink"] = [color("orange_text" if n == subject else "ink") for n in shown["label"]]
    shown["weight"] = [600 if n == subject else 400 for n in shown["label"]]
    build = [_bars(shown, unit, narrow=narrow) for narrow in (False, True)]
    return Chart(build[0], build[1], frame[["label", "low", "base", "high"]])


def _bars(shown: "pd.DataFrame", unit: str, *, narrow: bool) -> Any:
    most = max(float(shown["high"].max()), float(shown["base"].max()), 1.0)
    span = most * (2.0 if narrow else 1.75)
    shown = shown.assign(base=shown["base"].where(shown["kind"] != "free", 0.03 * most))
    shown["at"] = shown[["base", "high"]].max(axis=1)
    scale = alt.Scale(domain=[0, span], nice=False)
    axis = alt.Axis(
        orient="top", title=None, tickCount=3 if narrow else 6, format="~s",
        labelExpr=f"datum.value == 0 ? '0 {unit}' : datum.value > {most} ? '' : datum.label",
        gridOpacity={"condition": {"test": f"datum.value > {most}", "value": 0}, "value": 1},
    )  # fmt: skip
    width = 0 if narrow else 225
    names = None if narrow else alt.Axis(
        title=None, labelAlign="left", labelPadding=width, labelLimit=width - 5
    )  # fmt: skip
    # The layers hold different rows: a list keeps one order for all of them.
    y = alt.Y("label:N", sort=list(shown["label"]), axis=names)
    base = chart_of(shown).encode(y=y)
    x = alt.X("base:Q", axis=axis, scale=scale)
    bars = base.mark_bar(size=16).encode(
        x=x, color=ink_of("fill"), tooltip=tooltips("label", "shown")
    )
    priced = chart_of(shown[shown["kind"] != "free"]).encode(y=y)
    rule = priced.mark_rule(strokeWidth=2, color=color("ink")).encode(
        x=alt.X("low:Q", scale=scale), x2=alt.X2("high:Q")
    )
    words = base.mark_text(align="left", dx=8, fontSize=_SMALL, fontWeight=600).encode(
        x=alt.X("at:Q", scale=scale), text=text_of("shown"), color=ink_of("ink")
    )
    layers = [bars, rule, words]
    if narrow:
        layers.append(
            base.mark_text(align="left", dy=-19, fontSize=_SMALL).encode(
                x=placed_at(0), text=text_of("label"), color=ink_of("ink")
            )
        )
    return layered(*layers, height=alt.Step(52 if narrow else 30))


@recipe
def gate_grid(frame: "pd.DataFrame") -> Chart:
    """Draw the code of each requirement and option, by symbol and colour.

    Parameters
    ----------
    frame : DataFrame
        Rows with option, requirement and code, in the order to be shown.
    """
    shown = frame.copy()
    shown["mark"] = [_CODES[code][0] for code in shown["code"]]
    shown["fill"] = [color(_CODES[code][1]) for code in shown["code"]]
    shown["ink"] = [text_on(_CODES[code][1]) for code in shown["code"]]
    shown["word"] = [_CODES[code][2] for code in shown["code"]]
    options, rules = (list(dict.fromkeys(shown[name])) for name in ("option", "requirement"))
    build = [_grid(shown, options, rules, narrow=narrow) for narrow in (False, True)]
    return Chart(build[0], build[1], frame)


def _grid(shown: "pd.DataFrame", options: list[str], rules: list[str], *, narrow: bool) -> Any:
    left = 130 if narrow else 215
    names = alt.Axis(
        title=None, labelAlign="left", labelPadding=left, labelLimit=left - 5, labelFontSize=_SMALL
    )
    heads = alt.Axis(
        orient="top", title=None, labelAngle=-45, labelFontSize=_SMALL, labelLimit=110,
        labelAlign="left", labelPadding=6,
    )  # fmt: skip
    x = alt.X("option:N", sort=options, axis=heads)
    base = chart_of(shown).encode(x=x, y=alt.Y("requirement:N", sort=rules, axis=names))
    rect = base.mark_rect(stroke=color("grid"), strokeWidth=1).encode(
        color=ink_of("fill"), tooltip=tooltips("option", "requirement", "word")
    )
    text = base.mark_text(fontSize=_SMALL, fontWeight=600).encode(
        text=text_of("mark"), color=ink_of("ink")
    )
    return layered(rect, text, height=alt.Step(25))


@recipe
def due_line(frame: "pd.DataFrame", *, today: str) -> Chart:
    """Draw from when what applies, and the date of the report.

    Parameters
    ----------
    frame : DataFrame
        Rows with date, words and whether it is still to come, by date.
    today : str
        Date of the report, as YYYY-MM-DD.
    """
    shown = frame.assign(order=range(len(frame)))
    shown["fill"] = [color("orange" if later else "navy") for later in shown["later"]]
    build = [_days(shown, today, narrow=narrow) for narrow in (False, True)]
    return Chart(build[0], build[1], frame[["date", "words"]])


def _days(shown: "pd.DataFrame", today: str, *, narrow: bool) -> Any:
    ends = str(shown["date"].min()), str(shown["date"].max())
    first, last = (dt.date.fromisoformat(end) for end in ends)
    room = (last - first) * 0.04
    domain = [
        {"year": d.year, "month": d.month, "date": d.day} for d in (first - room, last + room)
    ]
    scale = alt.Scale(domain=domain, nice=False)
    axis = alt.Axis(orient="top", title=None, format="%Y", tickCount="year")
    x = alt.X("date:T", axis=axis, scale=scale)
    y = alt.Y("order:O", axis=None)
    base = chart_of(shown).encode(x=x, y=y)
    points = base.mark_point(size=90, filled=True, opacity=1).encode(color=ink_of("fill"))
    middle = (first + (last - first) / 2).isoformat()
    sides = (("left", 10, shown["date"] <= middle), ("right", -10, shown["date"] > middle))
    layers = [points]
    column = "short" if narrow else "words"
    for align, dx, chosen in sides:
        words = chart_of(shown[chosen]).encode(x=x, y=y, text=text_of(column))
        put: Any = {"align": align, "dx": dx, "fontSize": _SMALL, "color": color("ink")}
        layers.append(words.mark_text(**put))
    now = alt.Chart(alt.InlineData(values=[{"date": today, "words": "this report"}]))
    rule = now.mark_rule(strokeDash=[4, 3], color=color("ink")).encode(
        x=alt.X("date:T", scale=scale)
    )
    said = now.mark_text(dy=12, fontSize=_SMALL, fontWeight=600, color=color("ink")).encode(
        x=x, **constant(y="height"), text=text_of("words")
    )
    return layered(*layers, rule, said, height=alt.Step(27))


@recipe
def claim_dots(frame: "pd.DataFrame") -> Chart:
    """Draw each claimed range beside what is computed, as ratios to the middle of the claim.

    Parameters
    ----------
    frame : DataFrame
        Rows with claim, low and high of the claim, computed values least and most, and verdict;
        all divided by the middle of the claim.
    """
    shown = frame.assign(order=range(len(frame)))
    build = [_claims(shown, narrow=narrow) for narrow in (False, True)]
    return Chart(build[0], build[1], frame)


def _claims(shown: "pd.DataFrame", *, narrow: bool) -> Any:
    ends = shown[["low", "high", "least", "most"]]
    span = [float(ends.min().min()) / 1.5, float(ends.max().max()) * 1.5]
    scale = alt.Scale(type="log", domain=span, nice=False)
    left = 118 if narrow else 300
    names = alt.Axis(
        title=None, labelAlign="left", labelPadding=left, labelLimit=left - 5, labelFontSize=_SMALL
    )
    ticks = [10.0**k for k in range(-4, 7) if span[0] <= 10.0**k <= span[1]]
    axis = alt.Axis(
        orient="top", title=None, values=ticks, format="~g", labelExpr="datum.label + '×'"
    )
    base = chart_of(shown).encode(y=alt.Y("claim:N", sort=alt.SortField("order"), axis=names))
    claimed = base.mark_bar(size=13, color=color("hatch")).encode(
        x=alt.X("low:Q", scale=scale, axis=axis), x2=alt.X2("high:Q")
    )
    found = base.mark_rule(strokeWidth=3, color=color("navy")).encode(
        x=alt.X("least:Q", scale=scale), x2=alt.X2("most:Q")
    )
    dots = [
        base.mark_point(size=60, filled=True, opacity=1, color=color("orange")).encode(
            x=alt.X(f"{end}:Q", scale=scale), tooltip=tooltips("claim", "verdict")
        )
        for end in ("least", "most")
    ]
    return layered(claimed, found, *dots, height=alt.Step(20))


@recipe
def week_bars(frame: "pd.DataFrame") -> Chart:
    """Draw the load by hour of the week as a share of its peak.

    Parameters
    ----------
    frame : DataFrame
        168 rows with hour (0 to 167), label, share of the peak and replicas that the hour needs.
    """
    build = [_week(frame, narrow=narrow) for narrow in (False, True)]
    return Chart(build[0], build[1], frame[["label", "share", "replicas"]])


def _week(frame: "pd.DataFrame", *, narrow: bool) -> Any:
    days = "['Mon','Tue','Wed','Thu','Fri','Sat','Sun']"
    axis = alt.Axis(
        title=None, values=[24 * day + 12 for day in range(7)], ticks=False, domain=True,
        grid=False, labelExpr=f"{days}[floor(datum.value / 24)]",
    )  # fmt: skip
    scale = alt.Scale(domain=[0, len(frame)], nice=False)
    y = alt.Y(
        "share:Q",
        scale=alt.Scale(domain=[0, 1]),
        axis=alt.Axis(title=None, format="%", values=[0, 0.5, 1]),
    )
    shown = frame.assign(end=frame["hour"] + 1)
    bars = chart_of(shown).mark_rect(color=color("navy")).encode(
        x=alt.X("hour:Q", axis=axis, scale=scale), x2=alt.X2("end:Q"),
        y=y, y2=alt.Y2(datum=0), tooltip=tooltips("label", "share", "replicas"),
    )  # fmt: skip
    return bars.properties(height=110 if narrow else 130)

"""Chart recipes of the house: each returns a wide chart and one for phones.

Recipes take tidy frames as `llminfra.compare` and `llminfra.sweep` return them. Series are labelled
on the chart, bars start at zero, lines differ by dash as well as by colour.
"""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import altair as alt

from llminfra import formats
from llminfra.present.recipe import (
    Chart,
    chart_of,
    ink_of,
    layered,
    placed_at,
    recipe,
    text_of,
    tooltips,
    y_axis,
)
from llminfra.present.theme import HATCH, TYPE, color, text_on

if TYPE_CHECKING:
    import pandas as pd

_SMALL: Final = TYPE["chart_small"].px
_LABEL_PX: Final = 17  # from the middle of one label to that of the next
_DASHES: Final = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [4, 4])
# Share of the widest limit that a segment needs to hold its own label.
_ROOM_WIDE: Final = 0.075
_ROOM_NARROW: Final = 0.13


@recipe
def stacked_bars(
    frame: "pd.DataFrame",
    *,
    parts: Mapping[str, tuple[str, str]],
    limit: str,
    free_to: str,
    verdicts: Mapping[str, tuple[str, str, bool]],
    scale: float,
    unit: str,
) -> Chart:
    """Draw what makes up a total, one bar per label, against a limit.

    Parameters
    ----------
    frame : DataFrame
        Tidy rows with label, order, name and base.
    parts : mapping
        Name of the quantity to its word and the meaning of its colour, in the order of the stack.
    limit, free_to : str
        Quantities: where the bar must end, and up to where it may be filled (hatched).
    verdicts : mapping
        Label to verdict, detail and whether it is good.
    scale, unit : float, str
        What the values are divided by, and the unit then shown.
    """
    segments = _segments(frame, parts, limit, scale)
    ends = _ends(frame, segments, limit, free_to, verdicts, scale)
    top = float(max(ends["limit"].max(), segments["end"].max()))
    wide = _bar_layers(segments, ends, top, unit, room=_ROOM_WIDE, narrow=False)
    narrow = _bar_layers(segments, ends, top, unit, room=_ROOM_NARROW, narrow=True)
    columns = ["label", "part", "value", "start", "end"]
    return Chart(wide, narrow, segments[columns].rename(columns={"value": unit.lower()}))


def _segments(
    frame: "pd.DataFrame", parts: Mapping[str, tuple[str, str]], limit: str, scale: float
) -> "pd.DataFrame":
    chosen = frame[frame["name"].isin(list(parts))].copy()
    chosen["rank"] = chosen["name"].map(list(parts).index)
    chosen = chosen.sort_values(["order", "rank"])
    chosen["part"] = chosen["name"].map({name: word for name, (word, _) in parts.items()})
    meanings = {name: meaning for name, (_, meaning) in parts.items()}
    chosen["fill"] = chosen["name"].map(lambda name: color(meanings[name]))
    chosen["ink"] = chosen["name"].map(lambda name: text_on(meanings[name]))
    chosen["value"] = chosen["base"] / scale
    chosen["end"] = chosen.groupby("order")["value"].cumsum()
    chosen["start"] = chosen["end"] - chosen["value"]
    limits = frame[frame["name"] == limit].set_index("order")["base"] / scale
    chosen["middle"] = _middles(chosen["start"], chosen["end"], chosen["order"].map(limits))
    chosen["shown"] = chosen["value"].map(lambda value: formats.scaled(value, 1))
    return chosen


def _middles(start: "pd.Series", end: "pd.Series", tick: "pd.Series") -> "pd.Series":
    """Middle of each segment, or of its longer part where the tick of the limit cuts it."""
    within = tick.clip(start, end)
    left = within - start > end - within
    return ((start + within) / 2).where(left, (within + end) / 2)


def _ends(
    frame: "pd.DataFrame",
    segments: "pd.DataFrame",
    limit: str,
    free_to: str,
    verdicts: Mapping[str, tuple[str, str, bool]],
    scale: float,
) -> "pd.DataFrame":
    values = frame.pivot_table(index=["order", "label"], columns="name", values="base")
    ends = (values[[limit, free_to]] / scale).reset_index()
    ends.columns = ["order", "label", "limit", "free_to"]
    ends["filled"] = segments.groupby("order")["end"].max().to_numpy()
    shown = ends["limit"].map(lambda value: formats.scaled(value, 1))
    past = ends["filled"] > ends["limit"]
    reach = ends[["limit", "filled"]].max(axis=1)
    room = reach < 0.75 * float(reach.max())
    ends["limit_text"] = shown.where(~past, ("runs past " + shown).where(room, ""))
    ends["limit_ink"] = past.map({True: color("alert"), False: color("ink")})
    ends["label_at"] = reach
    for position, column in enumerate(("verdict", "detail", "good")):
        ends[column] = [verdicts[label][position] for label in ends["label"]]
    ends["verdict_ink"] = ends["good"].map({True: color("ink"), False: color("alert")})
    ends["over_from"] = ends[["limit", "filled"]].min(axis=1)
    return ends


def _bar_layers(
    segments: "pd.DataFrame",
    ends: "pd.DataFrame",
    top: float,
    unit: str,
    *,
    room: float,
    narrow: bool,
) -> Any:
    span = top * (1.02 if narrow else 1.55)
    step = 78 if narrow else 56
    ticks = [tick for tick in _ticks(top) if tick <= top]
    axis = alt.Axis(
        values=ticks, orient="top", offset=14, title=None, labelExpr=_first_with_unit(unit)
    )
    x = alt.X("start:Q", axis=axis, scale=alt.Scale(domain=[0, span], nice=False))
    labels = (
        None
        if narrow
        else alt.Axis(
            title=None,
            labelAlign="left",
            labelPadding=200,
            labelLimit=195,
            # Long labels go on two lines, cut at their first comma.
            labelExpr="length(datum.label) < 26 ? datum.label"
            " : split(replace(datum.label, ', ', '|'), '|')",
        )
    )
    y = alt.Y("label:N", sort=alt.SortField("order"), axis=labels)
    bars = (
        chart_of(segments)
        .mark_bar(size=26)
        .encode(
            x=x,
            x2=alt.X2("end:Q"),
            y=y,
            color=ink_of("fill"),
            tooltip=[*tooltips("label", "part"), alt.Tooltip("shown:N", title=unit)],
        )
    )
    held = segments[segments["value"] >= room * span]
    values = (
        chart_of(held)
        .mark_text()
        .encode(
            x=alt.X("middle:Q", axis=axis),
            y=y,
            text=text_of("shown"),
            color=ink_of("ink"),
        )
    )
    layers = [_free(ends, y), bars, _overflow(ends, y), values, *_limits(ends, y, narrow)]
    layers += [] if narrow else _part_names(segments, y, room * span)
    layers += _verdicts(ends, y, top, span, narrow)
    return layered(*layers, height=alt.Step(step))


def _free(ends: "pd.DataFrame", y: alt.Y) -> Any:
    room = ends[ends["free_to"] > ends["filled"]]
    return (
        chart_of(room)
        .mark_bar(size=26, fill=HATCH, stroke=color("hatch"))
        .encode(x=alt.X("filled:Q"), x2=alt.X2("free_to:Q"), y=y)
    )


def _overflow(ends: "pd.DataFrame", y: alt.Y) -> Any:
    over = ends[ends["filled"] > ends["limit"]]
    return (
        chart_of(over)
        .mark_bar(size=34, fillOpacity=0, stroke=color("ink"), strokeDash=[4, 3], strokeWidth=1.5)
        .encode(x=alt.X("over_from:Q"), x2=alt.X2("filled:Q"), y=y)
    )


def _limits(ends: "pd.DataFrame", y: alt.Y, narrow: bool) -> list[Any]:
    base = chart_of(ends)
    tick = base.mark_tick(color=color("ink"), thickness=2.5, size=40).encode(
        x=alt.X("limit:Q"), y=y
    )
    if narrow:
        return [tick]
    text = base.mark_text(align="left", dx=6, fontWeight=600, fontSize=_SMALL).encode(
        x=alt.X("label_at:Q"),
        y=y,
        text=text_of("limit_text"),
        color=ink_of("limit_ink"),
    )
    return [tick, text]


def _part_names(segments: "pd.DataFrame", y: alt.Y, room: float) -> list[Any]:
    roomy = segments[segments["value"] >= room].sort_values("order")
    named = roomy.groupby("part", as_index=False).first()
    return [
        chart_of(named)
        .mark_text(dy=-28, fontWeight=600, fontSize=_SMALL)
        .encode(x=alt.X("middle:Q"), y=y, text=text_of("part"))
    ]


def _verdicts(ends: "pd.DataFrame", y: alt.Y, top: float, span: float, narrow: bool) -> list[Any]:
    ink = ink_of("verdict_ink")
    if narrow:
        base = chart_of(ends)
        left = base.mark_text(align="left", dy=-34, fontWeight=600, fontSize=_SMALL)
        right = base.mark_text(align="right", dy=-34, fontWeight=600, fontSize=_SMALL)
        return [
            left.encode(x=placed_at(0), y=y, text=text_of("label")),
            right.encode(x=placed_at(span), y=y, text=text_of("verdict"), color=ink),
        ]
    base = chart_of(ends).encode(x=placed_at(top * 1.16), y=y)
    return [
        base.mark_text(align="left", dy=-8, fontWeight=600).encode(
            text=text_of("verdict"), color=ink
        ),
        base.mark_text(align="left", dy=11, fontSize=_SMALL, color=color("second")).encode(
            text=text_of("detail")
        ),
    ]


def _ticks(top: float) -> list[float]:
    """Round steps, four to eight of them."""
    steps = (m * 10.0**e for e in range(-3, 9) for m in (1, 2, 5))
    step = next(step for step in steps if top / step <= 8)
    return [step * i for i in range(int(top / step) + 1)]


def _first_with_unit(unit: str) -> str:
    return f"datum.value == 0 ? '0 {unit}' : datum.label"


@recipe
def log_lines(
    frame: "pd.DataFrame",
    *,
    x: str,
    y: str,
    series: str,
    subject: str,
    x_title: str,
    y_title: str,
) -> Chart:
    """Draw lines on two logarithmic scales, the subject in colour and the others in grey.

    Parameters
    ----------
    frame : DataFrame
        One row per point.
    x, y, series : str
        Columns: positions, and the name of the line.
    subject : str
        The line that the report is about.
    """
    named = _styled_lines(frame, series, subject)
    titles = (x_title, y_title)
    wide = _line_layers(named, x, y, series, titles, share=2.4, px=400, tick_step=2)
    narrow = _line_layers(named, x, y, series, titles, share=24.0, px=340, tick_step=4)
    return Chart(wide, narrow, frame[[series, x, y]])


def _styled_lines(frame: "pd.DataFrame", series: str, subject: str) -> "pd.DataFrame":
    others = [name for name in dict.fromkeys(frame[series]) if name != subject]
    ranks = {subject: 0} | {name: i for i, name in enumerate(others, start=1)}
    styled = frame.assign(rank=frame[series].map(ranks))
    styled["ink"] = styled["rank"].map(
        lambda r: color("subject") if r == 0 else color("navy") if r == 1 else color("context")
    )
    styled["text_ink"] = styled["rank"].map(
        lambda r: color("orange_text") if r == 0 else color("ink")
    )
    return styled


def _line_layers(
    frame: "pd.DataFrame",
    x: str,
    y: str,
    series: str,
    titles: Sequence[str],
    *,
    share: float,
    px: int,
    tick_step: int,
) -> Any:
    domain = [float(frame[x].min()), float(frame[x].max()) * share**2]
    powers = [2.0**k for k in range(0, 40, tick_step) if domain[0] <= 2.0**k <= frame[x].max()]
    axis_x = alt.Axis(values=powers, format=",.0f", title=titles[0], grid=False, labelBound=True)
    decades = [10.0**k for k in range(-6, 13) if 10.0**k <= 2 * frame[y].max()]
    axis_y = y_axis(
        titles[1],
        format="~g",
        values=decades,
    )
    scale_x = alt.Scale(type="log", domain=domain, nice=False)
    place_x = alt.X(f"{x}:Q", axis=axis_x, scale=scale_x)
    place_y = alt.Y(f"{y}:Q", axis=axis_y, scale=alt.Scale(type="log"))
    base = chart_of(frame).encode(x=place_x, y=place_y)
    lines = [_one_line(base, frame, rank) for rank in sorted(frame["rank"].unique())]
    last = frame.sort_values(x).groupby(series, as_index=False).last()
    unit = titles[1].split()[-1]
    last["end_label"] = [
        f"{name}, {formats.number(value)}{formats.NARROW_SPACE}{unit}"
        if at == frame[x].max()
        else str(name)
        for name, value, at in zip(last[series], last[y], last[x], strict=True)
    ]
    # All labels stand in one column; where a line ends before it, a thin one goes on as it would.
    last["label_x"] = frame[x].max()
    on = last[y] * (last["label_x"] / last[x]).where(last[y] < frame[y].max(), 1.0)
    ranges = (frame[y].min(), frame[y].max())
    last["label_y"] = _not_over_each_other(on.clip(upper=ranges[1]), ranges, px)
    ends = chart_of(last).encode(x=place_x, y=place_y)
    column = {
        "x": alt.X("label_x:Q", axis=axis_x, scale=scale_x),
        "y": alt.Y("label_y:Q", axis=axis_y, scale=alt.Scale(type="log")),
    }
    short = ends.transform_filter(alt.datum[x] < alt.datum["label_x"])
    words = {"text": text_of("end_label"), "color": ink_of("text_ink")}
    layers = [
        *lines,
        short.mark_rule(color=color("context")).encode(x2="label_x", y2="label_y"),
        ends.mark_point(size=50).encode(color=ink_of("ink")),
        ends.mark_text(align="left", dx=9, fontWeight=600, fontSize=_SMALL).encode(
            **column, **words
        ),
    ]
    return layered(*layers, height=px)


def _not_over_each_other(values: "pd.Series", ends: tuple[float, float], px: int) -> "pd.Series":
    """Move labels up on a logarithmic scale until a line of text lies between any two."""
    # A logarithmic axis reaches from one power of ten to another.
    if not (0 < ends[0] <= ends[1] < math.inf):
        return values  # nothing is drawn there
    decades = math.ceil(math.log10(ends[1])) - math.floor(math.log10(ends[0])) or 1
    gap, at, found = 10 ** (decades * _LABEL_PX / px), 0.0, {}
    for key, value in values.sort_values().items():
        at = max(float(value), at * gap)
        found[key] = at
    return values.index.to_series().map(found)


def _one_line(base: alt.Chart, frame: "pd.DataFrame", rank: int) -> Any:
    ink = frame.loc[frame["rank"] == rank, "ink"].iloc[0]
    width = 3.2 if rank == 0 else 2.6 if rank == 1 else 1.8
    dash = _DASHES[rank % len(_DASHES)]
    return base.transform_filter(f"datum.rank == {rank}").mark_line(
        color=ink, strokeWidth=width, strokeDash=dash
    )

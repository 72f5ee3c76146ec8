"""Charts of money: what a month is made of, from one price to all of it, and when lines cross."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import altair as alt

from llminfra import formats
from llminfra.present.recipe import (
    Chart,
    chart_of,
    constant,
    ink_of,
    labels_of,
    layered,
    placed_at,
    recipe,
    text_of,
    tooltips,
    y_axis,
)
from llminfra.present.theme import TYPE, color, text_on

if TYPE_CHECKING:
    import pandas as pd

_SMALL: Final = TYPE["chart_small"].px
_DASHES: Final = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [4, 4], [10, 4])
_KEY_Y, _KEY_ROW, _KEY_WIDTH = 54, 24, 330
# Bars beyond this number stand closer.
_MANY: Final = 8
# Share of the scale that a segment needs to hold its own label.
_ROOM_WIDE, _ROOM_NARROW = 0.07, 0.13
# A band may take this much more room than the lines before it is cut.
_BAND_ROOM: Final = 2.0
_MONTH_STEPS: Final = (1, 3, 6, 12, 24, 60)


@recipe
def part_bars(
    frame: "pd.DataFrame",
    *,
    parts: Mapping[str, tuple[str, str]],
    totals: "pd.DataFrame",
    subject: str,
    unit: str,
    scale: float = 1.0,
) -> Chart:
    """Draw what totals are made of, one bar each, with the range of the total.

    A row above the bars says which colour is which part: most segments are too short for a word.

    Parameters
    ----------
    frame : DataFrame
        Rows with label, part and value.
    parts : mapping
        Part to its word and the meaning of its colour, in the order of the stack.
    totals : DataFrame
        Rows with label, low, base and high, in the order to be shown.
    subject : str
        Label of the bar that the report is about.
    unit, scale : str, float
        Unit shown, and what the values are divided by.
    """
    segments = _stacked(frame, parts, list(totals["label"]), scale)
    ends = totals.assign(**{end: totals[end] / scale for end in ("low", "base", "high")})
    ends["order"] = range(len(ends))
    ends["shown"] = [formats.number(x) for x in ends["base"]]
    ends["ink"] = [color("orange_text" if n == subject else "ink") for n in ends["label"]]
    wide = _part_layers(segments, ends, unit, narrow=False)
    narrow = _part_layers(segments, ends, unit, narrow=True)
    return Chart(wide, narrow, segments[["label", "part", "value"]])


def _stacked(
    frame: "pd.DataFrame",
    parts: Mapping[str, tuple[str, str]],
    labels: Sequence[str],
    scale: float,
) -> "pd.DataFrame":
    chosen = frame[frame["value"] > 0].copy()
    chosen["order"] = chosen["label"].map(list(labels).index)
    chosen["rank"] = chosen["part"].map(list(parts).index)
    chosen = chosen.sort_values(["order", "rank"])
    chosen["fill"] = chosen["part"].map(lambda name: color(parts[name][1]))
    chosen["text"] = chosen["part"].map(lambda name: text_on(parts[name][1]))
    chosen["part"] = chosen["part"].map(lambda name: parts[name][0])
    chosen["value"] = chosen["value"] / scale
    chosen["end"] = chosen.groupby("order")["value"].cumsum()
    chosen["start"] = chosen["end"] - chosen["value"]
    chosen["middle"] = (chosen["start"] + chosen["end"]) / 2
    chosen["shown"] = chosen["value"].map(formats.number)
    return chosen


def _part_layers(segments: "pd.DataFrame", ends: "pd.DataFrame", unit: str, *, narrow: bool) -> Any:
    span = float(max(ends["high"].max(), ends["base"].max())) * (1.22 if narrow else 1.14)
    room = (_ROOM_NARROW if narrow else _ROOM_WIDE) * span
    x_scale = alt.Scale(domain=[0, span], nice=False)
    axis = alt.Axis(
        orient="top", offset=16, title=None, tickCount=4 if narrow else 7,
        labelExpr=f"datum.value == 0 ? '0 {unit}' : datum.label",
    )  # fmt: skip
    y = labels_of("label", 0 if narrow else 225)
    base = chart_of(segments).encode(y=y)
    bars = base.mark_bar(size=20).encode(
        x=alt.X("start:Q", axis=axis, scale=x_scale),
        x2=alt.X2("end:Q"),
        color=ink_of("fill"),
        tooltip=[*tooltips("label", "part"), alt.Tooltip("shown:N", title=unit)],
    )
    held = chart_of(segments[segments["value"] >= room]).encode(y=y)
    values = held.mark_text(fontSize=_SMALL).encode(
        x=alt.X("middle:Q", scale=x_scale), text=text_of("shown"), color=ink_of("text")
    )
    total = chart_of(ends).encode(y=y)
    band = total.mark_rule(strokeWidth=2, color=color("ink"), yOffset=14).encode(
        x=alt.X("low:Q", scale=x_scale), x2=alt.X2("high:Q")
    )
    words = total.mark_text(align="left", dx=7, fontWeight=600, fontSize=_SMALL).encode(
        x=alt.X("base:Q", scale=x_scale), text=text_of("shown"), color=ink_of("ink")
    )
    layers = [bars, values, band, words, *_key(segments, narrow=narrow)]
    if narrow:
        layers.append(
            total.mark_text(align="left", dy=-24, fontWeight=600, fontSize=_SMALL).encode(
                x=placed_at(0), text=text_of("label")
            )
        )
    tall = 42 if len(ends) <= _MANY else 36  # so that all ways stand on the first page
    return layered(*layers, height=alt.Step(70 if narrow else tall))


def _key(segments: "pd.DataFrame", *, narrow: bool) -> list[Any]:
    """Name the colours in a row above the bars, two rows where it is narrow."""
    import pandas as pd  # heavy, and only charts need it

    named = segments.sort_values("rank").groupby("rank", as_index=False).first()
    at, down, rows = 0.0, 0, []
    for part, fill in zip(named["part"], named["fill"], strict=True):
        width = 28 + 7 * len(part)
        if narrow and at + width > _KEY_WIDTH:
            at, down = 0.0, down + 1
        rows.append({"part": part, "fill": fill, "at": at, "down": down})
        at += width
    layers: list[Any] = []
    for item in rows:
        one = chart_of(pd.DataFrame([item]))
        y = -_KEY_Y - _KEY_ROW * (rows[-1]["down"] - item["down"])
        mark = one.mark_square(size=110, opacity=1, filled=True)
        layers += [
            mark.encode(**constant(x=item["at"] + 6, y=y), color=ink_of("fill")),
            one.mark_text(align="left", fontSize=_SMALL, color=color("ink")).encode(
                **constant(x=item["at"] + 17, y=y), text=text_of("part")
            ),
        ]
    return layers


@recipe
def step_bars(
    steps: Sequence[tuple[str, float, str]], *, unit: str, total: str, scale: float = 1.0
) -> Chart:
    """Draw how one amount becomes all of it, one step after the other.

    Parameters
    ----------
    steps : sequence of tuple
        Words, amount and meaning of the colour, in order; amounts below zero lead back.
    unit, total : str
        Unit shown, and the words of the last bar.
    scale : float
        What the amounts are divided by.
    """
    import pandas as pd  # heavy, and only charts need it

    rows: list[dict[str, Any]] = []
    start = 0.0
    for words, amount, meaning in steps:
        end = start + amount / scale
        rows.append({"step": words, "start": start, "end": end, "fill": color(meaning)})
        start = end
    rows.append({"step": total, "start": 0.0, "end": start, "fill": color("ink")})
    frame = pd.DataFrame(rows).assign(order=range(len(rows)))
    frame["shown"] = [
        f"{'' if i in (0, len(rows) - 1) else '+' if r['end'] >= r['start'] else '−'}"
        f"{formats.number(abs(r['end'] - r['start']))}"
        for i, r in enumerate(rows)
    ]
    frame["far"] = frame[["start", "end"]].max(axis=1)
    frame["near"] = frame[["start", "end"]].min(axis=1)
    build = [_fall_layers(frame, unit, narrow=narrow) for narrow in (False, True)]
    return Chart(build[0], build[1], frame[["step", "start", "end"]])


def _fall_layers(frame: "pd.DataFrame", unit: str, *, narrow: bool) -> Any:
    far, near = max(float(frame["far"].max()), 0.0), min(float(frame["near"].min()), 0.0)
    scale = alt.Scale(domain=[near, far + 0.15 * (far - near)], nice=False)
    axis = alt.Axis(
        orient="top", offset=16, title=None, tickCount=4 if narrow else 7,
        labelExpr=f"datum.value == 0 ? '0 {unit}' : datum.label",
    )  # fmt: skip
    y = labels_of("step", 0 if narrow else 300)
    base = chart_of(frame).encode(y=y)
    layers = [
        base.mark_bar(size=18).encode(
            x=alt.X("start:Q", axis=axis, scale=scale), x2=alt.X2("end:Q"), color=ink_of("fill")
        ),
        base.mark_text(align="left", dx=7, fontWeight=600, fontSize=_SMALL).encode(
            x=alt.X("far:Q", scale=scale), text=text_of("shown")
        ),
    ]
    if narrow:
        layers.append(
            base.mark_text(align="left", dy=-18, fontSize=_SMALL).encode(
                x=placed_at(0), text=text_of("step")
            )
        )
    return layered(*layers, height=alt.Step(46 if narrow else 34))


@recipe
def paid_lines(
    frame: "pd.DataFrame",
    *,
    subject: str,
    x_title: str,
    y_title: str,
    crossings: Sequence[tuple[float, float, str]] = (),
    scale: float = 1.0,
) -> Chart:
    """Draw what has been paid as time goes by, a line for each way, and where they cross.

    Parameters
    ----------
    frame : DataFrame
        Rows with label, month, low, base and high.
    subject : str
        Label of the line that the report is about, which shows its range.
    crossings : sequence of tuple
        Month, amount and words of each crossing.
    scale : float
        What the amounts are divided by.
    """
    shown = frame.assign(**{end: frame[end] / scale for end in ("low", "base", "high")})
    points = [(month, amount / scale, words) for month, amount, words in crossings]
    build = [
        _paid_layers(shown, subject, (x_title, y_title), points, narrow=narrow)
        for narrow in (False, True)
    ]
    return Chart(build[0], build[1], shown[["label", "month", "low", "base", "high"]])


def _paid_layers(
    frame: "pd.DataFrame",
    subject: str,
    titles: tuple[str, str],
    points: Sequence[tuple[float, float, str]],
    *,
    narrow: bool,
) -> Any:
    end = float(frame["month"].max())
    step = next((s for s in _MONTH_STEPS if end / s <= (4 if narrow else 8)), _MONTH_STEPS[-1])
    ticks = [step * i for i in range(int(end / step) + 1)]
    axis_x = alt.Axis(values=ticks, title=titles[0], grid=False, format="d")
    room = alt.Scale(domain=[0, end * (1.02 if narrow else 1.42)], nice=False)
    x = alt.X("month:Q", axis=axis_x, scale=room)
    highest = max(frame["base"].max(), min(frame["high"].max(), _BAND_ROOM * frame["base"].max()))
    top = alt.Scale(domain=[0, float(highest) * 1.08], nice=False, clamp=True)
    axis_y = y_axis(titles[1], format=".6~g", tickCount=5)
    y = alt.Y("base:Q", axis=axis_y, scale=top)
    own = chart_of(frame[frame["label"] == subject])
    layers: list[Any] = [
        own.mark_area(color=color("fit_4"), clip=True).encode(
            x=x, y=alt.Y("low:Q", axis=axis_y, scale=top), y2=alt.Y2("high:Q")
        )
    ]
    for rank, label in enumerate(dict.fromkeys(frame["label"])):
        ink = color("subject" if label == subject else "navy" if rank < 3 else "context")
        layers.append(
            chart_of(frame[frame["label"] == label])
            .mark_line(color=ink, strokeWidth=2.8, strokeDash=_DASHES[rank % len(_DASHES)])
            .encode(x=x, y=y)
        )
    layers += _line_ends(frame, subject, (x, y), highest, narrow=narrow)
    layers += _crossing_marks(points, x, y)
    return layered(*layers, height=320 if narrow else 360)


def _line_ends(
    frame: "pd.DataFrame", subject: str, axes: tuple[alt.X, alt.Y], highest: float, *, narrow: bool
) -> Any:
    x, y = axes
    last = frame[frame["month"] == frame["month"].max()].sort_values("base")
    gap = highest * 0.055
    at, spread = -gap, []
    for value in last["base"]:
        at = max(float(value), at + gap)
        spread.append(at)
    last = last.assign(
        base=spread,
        ink=[color("orange_text" if n == subject else "ink") for n in last["label"]],
        words=[
            f"{name}: {formats.number(value)}"
            for name, value in zip(last["label"], last["base"], strict=True)
        ],
    )
    base = chart_of(last).encode(x=x, y=y, text=text_of("words"), color=ink_of("ink"))
    place: dict[str, Any] = (
        {"align": "right", "dx": -4, "dy": -9} if narrow else {"align": "left", "dx": 8}
    )
    return [
        base.mark_text(stroke=color("page"), strokeWidth=4, fontSize=_SMALL, **place),
        base.mark_text(fontSize=_SMALL, fontWeight=600, **place),
    ]


def _crossing_marks(points: Sequence[tuple[float, float, str]], x: alt.X, y: alt.Y) -> list[Any]:
    if not points:
        return []
    rows = [{"month": month, "base": amount, "words": words} for month, amount, words in points]
    base = alt.Chart(alt.InlineData(values=rows)).encode(x=x, y=y)
    text: dict[str, Any] = {"align": "right", "dx": -10, "dy": -10, "fontSize": _SMALL}
    return [
        base.mark_point(size=90, filled=True, color=color("ink"), opacity=1),
        base.mark_text(stroke=color("page"), strokeWidth=4, **text).encode(text=text_of("words")),
        base.mark_text(fontWeight=600, **text).encode(text=text_of("words")),
    ]

"""Charts of what an answer takes: against the load, by what draws it, and place by place."""

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
    y_axis,
)
from llminfra.present.theme import TYPE, color, text_on

if TYPE_CHECKING:
    import pandas as pd

_SMALL: Final = TYPE["chart_small"].px
_PLAIN: Final = ",.9~g"
# Share of the longest bar that a segment needs to hold its own number.
_ROOM: Final = 0.07


@recipe
def log_band(
    frame: "pd.DataFrame",
    *,
    x: str,
    x_title: str,
    y_title: str,
    here: tuple[float, float, str],
    between: tuple[float, float, str] | None = None,
    x_format: str = _PLAIN,
) -> Chart:
    """Draw one quantity with its range on two logarithmic scales, and where the case is.

    Parameters
    ----------
    frame : DataFrame
        Rows of one quantity: `x`, low, base, high.
    here : tuple of float, float and str
        Position and value of the case, and its words.
    between : tuple of float, float and str, optional
        Two levels to compare with, drawn as a strip, and their words.
    x_format : str
        How positions are shown, as Vega has it.
    """
    build = [
        _log_layers(frame, x, (x_title, y_title), here, between, x_format, narrow=narrow)
        for narrow in (False, True)
    ]
    return Chart(build[0], build[1], frame[[x, "low", "base", "high"]])


def _log_layers(
    frame: "pd.DataFrame",
    x: str,
    titles: tuple[str, str],
    here: tuple[float, float, str],
    between: tuple[float, float, str] | None,
    x_format: str,
    *,
    narrow: bool,
) -> Any:
    frame = closed(frame)
    lows, highs = [frame["low"].min(), here[1]], [frame["high"].max(), here[1]]
    if between is not None:
        lows.append(between[0])
        highs.append(between[1])
    y_span = [float(min(lows)) / 1.3, float(max(highs)) * 1.3]
    x_span = [float(frame[x].min()), float(frame[x].max())]
    place_x = _log_axis(alt.X, x, x_span, alt.Axis(title=titles[0], format=x_format, grid=False))
    place_y = _log_axis(alt.Y, "base", y_span, y_axis(titles[1], format=_PLAIN))
    edge = _log_axis(alt.Y, "low", y_span, y_axis(titles[1], format=_PLAIN))
    base = chart_of(frame).encode(x=place_x)
    band = base.mark_area(color=color("fit_4")).encode(y=edge, y2=alt.Y2("high:Q"))
    line = base.mark_line(color=color("navy"), strokeWidth=2.6).encode(y=place_y)
    own = alt.Chart(alt.InlineData(values=[{x: here[0], "base": here[1], "words": here[2]}]))
    at = own.encode(x=place_x, y=place_y)
    is_left = here[0] > (x_span[0] * x_span[1]) ** 0.5
    # Beside the line: below it on the side where it is higher than here, above it on the other.
    falls = float(frame["base"].iloc[0]) > float(frame["base"].iloc[-1])
    is_low = is_left == falls if between is None else here[1] < between[1]
    label = {"align": "right" if is_left else "left", "dx": -10 if is_left else 10}
    label["dy"] = 18 if is_low else -14
    layers = [band, *(_strip(between, x_span, y_span, titles) if between else []), line]
    layers += [
        at.mark_point(size=90, filled=True, color=color("orange"), opacity=1),
        *_on_halo(at.encode(text=text_of("words")), color=color("orange_text"), **label),
    ]
    return layered(*layers, height=300 if narrow else 320)


def _log_axis(channel: Any, field: str, span: list[float], axis: alt.Axis) -> Any:
    """A logarithmic scale between two ends, with ticks at powers of ten and what fits between."""
    parts = (1,) if span[1] > 1e3 * span[0] else (1, 2, 5)
    ticks = [m * 10.0**e for e in range(-6, 9) for m in parts if span[0] <= m * 10.0**e <= span[1]]
    axis.values = ticks
    return channel(f"{field}:Q", axis=axis, scale=alt.Scale(type="log", domain=span, nice=False))


def _strip(
    between: tuple[float, float, str], x_span: list[float], y_span: list[float], titles: Any
) -> list[Any]:
    row = {"from": x_span[0], "to": x_span[1], "low": between[0], "high": between[1]}
    rows = alt.Chart(alt.InlineData(values=[row | {"words": between[2]}]))
    scale_x = alt.Scale(type="log", domain=x_span, nice=False)
    scale_y = alt.Scale(type="log", domain=y_span, nice=False)
    x, y = alt.X("from:Q", scale=scale_x, title=titles[0]), alt.Y("high:Q", scale=scale_y)
    strip = rows.mark_rect(color=color("hatch"), opacity=0.55).encode(
        x=x, x2=alt.X2("to:Q"), y=y, y2=alt.Y2("low:Q")
    )
    words = rows.encode(x=alt.X("to:Q", scale=scale_x), y=y, text=text_of("words"))
    return [strip, *_on_halo(words, align="right", dx=-6, dy=-9)]


@recipe
def split_bars(
    frame: "pd.DataFrame", *, parts: Mapping[str, tuple[str, str]], unit: str, scale: float = 1.0
) -> Chart:
    """Draw what a total is made of, one bar a label, with every part's number.

    Parameters
    ----------
    frame : DataFrame
        Tidy rows with label, name and base; labels in the order to be shown.
    parts : mapping
        Name of the quantity to its word and the meaning of its colour, in the order of the stack.
    unit, scale : str, float
        Unit that is shown, and what the values are divided by.
    """
    shown = frame[frame["name"].isin(list(parts))].copy()
    shown["value"] = shown["base"] / scale
    shown["part"] = shown["name"].map({name: word for name, (word, _) in parts.items()})
    shown["rank"] = shown["name"].map(list(parts).index)
    order = list(dict.fromkeys(frame["label"]))
    shown = shown.sort_values(["label", "rank"], key=lambda s: s.map(_ranks(order, s)))
    shown["end"] = shown.groupby("label")["value"].cumsum()
    shown["start"] = shown["end"] - shown["value"]
    shown["fill"] = [color(parts[name][1]) for name in shown["name"]]
    shown["ink"] = [text_on(parts[name][1]) for name in shown["name"]]
    build = [_split_layers(shown, order, unit, narrow=narrow) for narrow in (False, True)]
    data = shown[["label", "part", "value"]].rename(columns={"value": unit})
    return Chart(build[0], build[1], data)


def _ranks(order: list[str], values: "pd.Series") -> dict[Any, int]:
    found = order if values.name == "label" else sorted(set(values))
    return {value: i for i, value in enumerate(found)}


def _split_layers(shown: "pd.DataFrame", order: list[str], unit: str, *, narrow: bool) -> Any:
    top = float(shown["end"].max())
    room = top * (2 * _ROOM if narrow else _ROOM)
    inside = shown.assign(
        text=[formats.number(v, 2) if v >= room else "" for v in shown["value"]],
        middle=(shown["start"] + shown["end"]) / 2,
    )
    ends = shown.groupby("label", sort=False)["end"].max().reset_index()
    ends["total"] = [f"{formats.number(v)}{formats.NARROW_SPACE}{unit}" for v in ends["end"]]
    x = alt.X("start:Q", axis=None, scale=alt.Scale(domain=[0, top * (1.3 if narrow else 1.16)]))
    y = alt.Y("label:N", sort=order, axis=_label_axis(narrow))
    bars = chart_of(shown).mark_bar(height=30).encode(x=x, x2=alt.X2("end:Q"), y=y)
    numbers = (
        chart_of(inside)
        .mark_text(fontSize=_SMALL)
        .encode(x=alt.X("middle:Q"), y=y, text=text_of("text"), color=ink_of("ink"))
    )
    total = chart_of(ends).encode(x=alt.X("end:Q"), y=y, text=text_of("total"))
    layers = [bars.encode(color=ink_of("fill")), numbers]
    layers += [total.mark_text(align="left", dx=6, fontSize=_SMALL, fontWeight=600)]
    key = shown.drop_duplicates("part").sort_values("rank")
    layers += _named_colours(list(zip(key["part"], key["fill"], strict=True)), narrow=narrow)
    return layered(*layers, height=alt.Step(46))


def _named_colours(parts: list[tuple[str, str]], *, narrow: bool) -> list[Any]:
    """Name every colour above the bars, where small parts have no room; two a line on phones."""
    columns, step = (2, 120) if narrow else (len(parts), 165)
    lines = -(-len(parts) // columns)
    layers = []
    for i, (words, fill) in enumerate(parts):
        at = constant(x=step * (i % columns), y=-20 * (lines - i // columns))
        base = alt.Chart(alt.InlineData(values=[{"words": words}])).encode(**at)
        square = base.mark_point(shape="square", filled=True, size=110, color=fill, opacity=1)
        text = base.mark_text(align="left", dx=10, fontSize=_SMALL)
        layers += [square, text.encode(text=text_of("words"))]
    return layers


def _label_axis(narrow: bool) -> alt.Axis:
    room = 110 if narrow else 200
    return alt.Axis(
        title=None, labelAlign="left", labelPadding=room, labelLimit=room, labelFontSize=_SMALL
    )


@recipe
def place_bars(frame: "pd.DataFrame", *, subject: str, unit: str, words: tuple[str, str]) -> Chart:
    """Draw one value a place, of two parts, with the range of their sum.

    Parameters
    ----------
    frame : DataFrame
        Columns region, low, base, high and embodied, in the order to be shown.
    subject : str
        The region of the case, whose bar is in its colour.
    unit : str
        Unit that is shown.
    words : tuple of str
        What the first part, `embodied`, and the rest are called.
    """
    shown = frame.copy()
    shown["order"] = range(len(shown))
    shown["fill"] = [color("orange" if r == subject else "blue") for r in shown["region"]]
    shown["text"] = [
        f"{formats.number(base, 2)} ({_reach(low, high)})"
        for low, base, high in zip(shown["low"], shown["base"], shown["high"], strict=True)
    ]
    shown = closed(shown)
    numbers = ["low", "base", "high", "embodied"]
    build = [_place_layers(shown, unit, words, narrow=narrow) for narrow in (False, True)]
    return Chart(build[0], build[1], frame[["code", "region", *numbers, "g_co2e_per_kwh"]])


def _reach(low: float, high: float) -> str:
    start = formats.number(low, 2)
    return f"{start} and more" if math.isinf(high) else f"{start}–{formats.number(high, 2)}"


def _place_layers(shown: "pd.DataFrame", unit: str, words: tuple[str, str], *, narrow: bool) -> Any:
    top = float(shown["high"].max())
    scale = alt.Scale(domain=[0, top * (1.45 if narrow else 1.3)], nice=False)
    axis = alt.Axis(orient="top", title=unit, tickCount=4, format=_PLAIN, titleAnchor="start")
    y = alt.Y("region:N", sort=alt.SortField("order"), axis=_label_axis(narrow))
    base = chart_of(shown).encode(y=y)
    use = base.mark_bar(height=18).encode(
        x=alt.X("embodied:Q", scale=scale, axis=axis), x2=alt.X2("base:Q"), color=ink_of("fill")
    )
    made = (
        base.mark_bar(height=18, color=color("navy"))
        .encode(x=alt.X("zero:Q", scale=scale), x2=alt.X2("embodied:Q"))
        .transform_calculate(zero="0")
    )
    reach = base.mark_rule(strokeWidth=1.6, color=color("ink")).encode(
        x=alt.X("low:Q", scale=scale), x2=alt.X2("high:Q")
    )
    text = base.encode(x=alt.X("high:Q", scale=scale), text=text_of("text"))
    key = _key(shown, y, scale, words)
    layers = [use, made, reach, text.mark_text(align="left", dx=8, fontSize=_SMALL), *key]
    return layered(*layers, height=alt.Step(32))


def _key(shown: "pd.DataFrame", y: alt.Y, scale: alt.Scale, words: tuple[str, str]) -> list[Any]:
    """What the two parts are, told on the longest bar."""
    last = shown.tail(1).assign(made=words[0], used=words[1])
    middle = (last["embodied"] + last["base"]) / 2
    named = chart_of(last.assign(middle=middle, start=0.0)).encode(y=y)
    made = named.encode(x=alt.X("start:Q", scale=scale), text=text_of("made"))
    used = named.encode(x=alt.X("middle:Q", scale=scale), text=text_of("used"))
    return [
        made.mark_text(align="left", dy=20, fontSize=_SMALL, color=color("navy"), fontWeight=600),
        used.mark_text(dy=20, fontSize=_SMALL, fontWeight=600),
    ]


def _on_halo(base: Any, **text: Any) -> list[Any]:
    """Write text on a halo that parts it from the lines behind it."""
    halo = base.mark_text(stroke=color("page"), strokeWidth=5, fontSize=_SMALL, **text)
    return [halo, base.mark_text(fontSize=_SMALL, fontWeight=600, **text)]

"""Predicted against measured: small panels on logarithmic scales, each with its band."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import altair as alt

from llminfra.present.recipe import Chart, chart_of, constant, layered, recipe, text_of, tooltips
from llminfra.present.theme import TYPE, color

if TYPE_CHECKING:
    import pandas as pd

_SMALL: Final = TYPE["chart_small"].px
# Straight lines only: hundreds of points stay small in the page.
_SHAPES: Final = ("diamond", "square", "triangle-up", "triangle-down", "cross")
_OTHERS: Final = ("navy", "plum", "blue", "grey")
# Labels of narrow panels would touch.
_APART: Final[dict[str, Any]] = {"labelOverlap": "greedy", "labelSeparation": 8}
# Around the points of a panel.
_ROOM: Final = 1.25


# Titles of the panels; times are shown in ms.
_TIMES: Final = {"tpot_s": "Output token", "ttft_s": "First token"}
_FULL: Final = "When full"


def speed_points(errors: "pd.DataFrame") -> "pd.DataFrame":
    """Lay out measured speeds for `scatter_panels`: a panel each, times in ms, dense models first.

    Parameters
    ----------
    errors : DataFrame
        Of `llminfra.serving_errors`; what was measured with prefill apart is left out.

    Returns
    -------
    points : DataFrame
        The same with ``panel``, ``measured_shown`` and ``predicted_shown``.

    Examples
    --------
    >>> import pandas as pd
    >>> row = {"quantity": "tpot_s", "kind": "dense models", "measured": 0.02, "left_out": 0.03}
    >>> print(*speed_points(pd.DataFrame([row]))[["panel", "measured_shown"]].iloc[0], sep=", ")
    Output token: dense models, 20.0
    """
    together = errors[errors["kind"] != "disaggregated"]
    scale = together["quantity"].isin(_TIMES).map({True: 1e3, False: 1.0})
    return together.assign(
        panel=together["quantity"].map(_TIMES).fillna(_FULL) + ": " + together["kind"],
        measured_shown=together["measured"] * scale,
        predicted_shown=together["left_out"] * scale,
    ).sort_values(["kind", "quantity"], ascending=[True, False])


@recipe
def scatter_panels(
    frame: "pd.DataFrame",
    *,
    panel: str,
    x: str,
    y: str,
    series: str,
    bands: Mapping[str, float],
    notes: Mapping[tuple[str, str], str],
    subject: str,
) -> Chart:
    """Draw predictions against measurements, one panel for each quantity, both axes alike.

    Parameters
    ----------
    frame : DataFrame
        One row per measurement; panels come in the order of their first rows.
    panel, x, y, series : str
        Columns: title of the panel with its unit, measured, predicted, and what gives the points
        their shape and colour.
    bands : mapping
        Panel to the factor up and down that its band spans.
    notes : mapping
        Panel and series to what stands beside the name of the series in the panel; alone on
        phones, where names have no room.
    subject : str
        The series that the report is about.
    """
    names = sorted(frame[series].unique())
    others = [name for name in names if name != subject]
    inks = {subject: "orange"} | dict(zip(others, _OTHERS, strict=False))
    shown = frame.assign(
        measured=frame[x], predicted=frame[y],
        ink=[color(inks[name]) for name in frame[series]],
        shape=[_SHAPES[names.index(name)] for name in frame[series]],
    )  # fmt: skip
    built = [
        alt.concat(
            *(
                _panel(shown[shown[panel] == title], title, series, bands[title], notes, narrow)
                for title in dict.fromkeys(frame[panel])
            ),
            columns=2 if narrow else 3,
            spacing=12 if narrow else 24,
        )
        for narrow in (False, True)
    ]
    return Chart(built[0], built[1], frame[[panel, series, x, y]])


def _panel(
    rows: "pd.DataFrame",
    title: str,
    series: str,
    ratio: float,
    notes: Mapping[tuple[str, str], str],
    narrow: bool,
) -> Any:
    values = rows[["measured", "predicted"]]
    ends = [float(values.min().min()) / _ROOM, float(values.max().max()) * _ROOM]
    scale = alt.Scale(type="log", domain=ends, nice=False)
    axis = alt.Axis(values=_ticks(ends, 1 if narrow else 2), format=",~g", title=None, **_APART)
    place = {
        "x": alt.X("measured:Q", scale=scale, axis=axis),
        "y": alt.Y("predicted:Q", scale=scale, axis=axis),
    }
    px = 118 if narrow else 230
    height_px = 130 if narrow else 190
    layers = _band(ends, ratio, scale, place)
    layers += [_points(part, place) for _, part in rows.groupby(series)]
    layers += _key(rows, title, series, notes, narrow)
    heading = alt.Title(
        title.split(": ", 1) if narrow else title,
        anchor="start",
        fontSize=_SMALL,
        fontWeight=600,
    )
    return layered(*layers, width=px, height=height_px, title=heading)


def _ticks(ends: list[float], most_per_decade: int) -> list[float]:
    """Powers of ten, with halves between where a panel has few of them."""
    powers = [10.0**k for k in range(-6, 10)]
    few = ends[1] / ends[0] < 300 and most_per_decade > 1
    found = sorted([*powers, *(3 * power for power in powers if few)])
    return [tick for tick in found if ends[0] <= tick <= ends[1]]


def _band(ends: list[float], ratio: float, scale: alt.Scale, place: Mapping[str, Any]) -> list[Any]:
    line = [
        {"measured": end, "predicted": end, "low": end / ratio, "high": end * ratio} for end in ends
    ]
    base = alt.Chart(alt.InlineData(values=line))
    area = base.mark_area(color=color("fit_4"), clip=True).encode(
        x=place["x"], y=alt.Y("low:Q", scale=scale), y2=alt.Y2("high:Q")
    )
    return [area, base.mark_line(color=color("ink"), strokeWidth=1).encode(**place)]


def _points(rows: "pd.DataFrame", place: Mapping[str, Any]) -> Any:
    """Draw one series, so that its colour and shape are said once."""
    first = rows.iloc[0]
    points = chart_of(rows[["measured", "predicted"]])
    return points.mark_point(
        filled=True, size=24, opacity=1, color=first["ink"], shape=first["shape"]
    ).encode(tooltip=tooltips("measured", "predicted"), **place)


def _key(
    rows: "pd.DataFrame",
    title: str,
    series: str,
    notes: Mapping[tuple[str, str], str],
    narrow: bool,
) -> list[Any]:
    """Name the series where no point lies: predicted far above measured."""
    layers: list[Any] = []
    for i, (name, part) in enumerate(rows.groupby(series)):
        first = part.iloc[0]
        note = notes[title, str(name)]
        words = f"{name} {note}".replace("TensorRT-LLM", "TRT") if narrow else f"{name} {note}"
        base = alt.Chart(alt.InlineData(values=[{"words": words}]))
        y = 11 + 17 * i
        mark = base.mark_point(filled=True, size=40, color=first["ink"], shape=first["shape"])
        layers.append(mark.encode(**constant(x=9, y=y)))
        text = base.mark_text(align="left", fontSize=_SMALL)
        layers.append(text.encode(**constant(x=18, y=y), text=text_of("words")))
    return layers

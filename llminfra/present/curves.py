"""Charts of speed and size: a curve with its band, a front of choices, steps."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import altair as alt
import numpy as np

from llminfra.present.recipe import Chart, chart_of, ink_of, layered, recipe, text_of, y_axis
from llminfra.present.theme import TYPE, color

if TYPE_CHECKING:
    import pandas as pd

_SMALL: Final = TYPE["chart_small"].px
_TINY: Final = 1e-9
# Numbers as prose has them: 0.01 and 1,000 rather than 10m and 1k.
_PLAIN: Final = ",.9~g"


@recipe
def band_line(
    frame: "pd.DataFrame",
    *,
    x: str,
    x_title: str,
    y_title: str,
    here: float,
    here_words: str,
    limit: tuple[float, str] | None = None,
) -> Chart:
    """Draw one quantity with its range against a logarithmic x, and mark where the case is.

    Parameters
    ----------
    frame : DataFrame
        Rows of one quantity: `x`, low, base, high.
    x : str
        Column of the positions.
    here, here_words : float, str
        Position of the case, and its words; must be one of the positions.
    limit : tuple of float and str, optional
        A level to compare with, in the unit shown, and its words.
    """
    titles = (x_title, y_title)
    build = [
        _band_layers(frame, x, titles, here, here_words, limit, narrow=narrow)
        for narrow in (False, True)
    ]
    return Chart(build[0], build[1], frame[[x, "low", "base", "high"]])


def _band_layers(
    shown: "pd.DataFrame",
    x: str,
    titles: tuple[str, str],
    here: float,
    words: str,
    limit: tuple[float, str] | None,
    *,
    narrow: bool,
) -> Any:
    first, last = float(shown[x].min()), float(shown[x].max())
    ticks = [t for t in _round_steps(first, last) if first <= t <= last]
    ticks = ticks[:: 2 if narrow and len(ticks) > 5 else 1]
    axis_x = alt.Axis(values=ticks, format=_PLAIN, title=titles[0], grid=False)
    log = alt.Scale(type="log", nice=False)
    place_x = alt.X(f"{x}:Q", axis=axis_x, scale=log)
    top = float(max(shown["high"].max(), limit[0] if limit else 0.0)) * 1.05
    scale_y = alt.Scale(domain=[0, top], nice=False)
    axis_y = y_axis(
        titles[1],
        format=".6~g",
        tickCount=5,
    )
    base = chart_of(shown).encode(x=place_x)
    band = base.mark_area(color=color("fit_4"), interpolate="monotone").encode(
        y=alt.Y("low:Q", axis=axis_y, scale=scale_y), y2=alt.Y2("high:Q")
    )
    line = base.mark_line(color=color("navy"), strokeWidth=2.6, interpolate="monotone").encode(
        y=alt.Y("base:Q", axis=axis_y, scale=scale_y)
    )
    own = chart_of(shown[shown[x] == here].assign(words=words))
    at = own.encode(x=place_x, y=alt.Y("base:Q", axis=axis_y, scale=scale_y))
    left = here > (first * last) ** 0.5
    label: dict[str, Any] = {
        "align": "right" if left else "left",
        "dx": -8 if left else 8,
        "dy": 16 if left else -14,
    }
    layers: list[Any] = [band, line]
    if limit is not None:
        at_first = alt.X("at:Q", axis=axis_x, scale=log)
        layers += _level(limit, first, at_first, alt.Y("level:Q", scale=scale_y, axis=axis_y))
    layers += [
        at.mark_point(size=90, filled=True, color=color("orange"), opacity=1),
        *_on_halo(at.encode(text=text_of("words")), color=color("orange_text"), **label),
    ]
    return layered(*layers, height=300 if narrow else 340)


def _level(limit: tuple[float, str], first: float, x: alt.X, y: alt.Y) -> list[Any]:
    rows = alt.InlineData(values=[{"at": first, "level": limit[0], "words": limit[1]}])
    base = alt.Chart(rows).encode(y=y)
    words = base.mark_text(align="left", dx=4, dy=-8, fontSize=_SMALL, fontWeight=600)
    rule = base.mark_rule(strokeWidth=1.6, strokeDash=[4, 3])
    return [rule, words.encode(x=x, text=text_of("words"))]


def _round_steps(first: float, last: float) -> list[float]:
    """1, 2, 5, 10 … within two ends; powers of ten when these span much."""
    steps = (1, 2, 5) if last / first < 2000 else (1,)
    return [m * 10.0**e for e in range(-3, 10) for m in steps if first <= m * 10.0**e <= last]


@recipe
def front(
    frame: "pd.DataFrame",
    *,
    x: str,
    y: str,
    group: str,
    subject: str,
    curve: str,
    best: Sequence[bool],
    x_title: str,
    y_title: str,
    here: tuple[float, float, str],
) -> Chart:
    """Draw choices by two qualities that both should be large, and join those that are best.

    Parameters
    ----------
    frame : DataFrame
        One row per choice.
    group : str
        Column with the name of what is chosen; the best ones are labelled with it.
    subject : str
        The group that the report is about.
    curve : str
        Column that tells the curves of the subject apart, by which they are labelled.
    best : sequence of bool
        Whether no other choice is better in both.
    here : tuple of float, float and str
        Where the case is, and its words.
    """
    inks = [color("orange" if name == subject else "context") for name in frame[group]]
    shown = frame[[group, curve, x, y]].assign(ink=inks, best=list(best))
    titles = (x_title, y_title)
    build = [
        _front(shown, x, y, (group, curve), titles, here, narrow=narrow) for narrow in (False, True)
    ]
    return Chart(build[0], build[1], shown[[group, curve, x, y, "best"]])


def _front(
    shown: "pd.DataFrame",
    x: str,
    y: str,
    names: tuple[str, str],
    titles: tuple[str, str],
    here: tuple[float, float, str],
    *,
    narrow: bool,
) -> Any:
    group, curve = names
    # Room for the label of the last point.
    ends = [
        max(min(float(shown[x].min()), here[0]), _TINY) / 1.1,
        max(float(shown[x].max()), here[0]) * (1.6 if narrow else 1.25),
    ]
    ticks = [t for t in _round_steps(*ends) if ends[0] <= t <= ends[1]]
    axis_x = alt.Axis(
        title=titles[0], format=_PLAIN, grid=False, values=ticks[:: 2 if narrow else 1]
    )
    axis_y = y_axis(titles[1], format=_PLAIN, values=[10.0**k for k in range(-3, 9)])
    sides = [max(float(shown[y].min()), _TINY) / 1.8, float(shown[y].max()) * 1.4]
    edge = shown[shown["best"]].sort_values(x)
    place: dict[str, Any] = {
        "x": alt.X(f"{x}:Q", axis=axis_x, scale=alt.Scale(type="log", nice=False, domain=ends)),
        "y": alt.Y(f"{y}:Q", axis=axis_y, scale=alt.Scale(type="log", nice=False, domain=sides)),
    }
    line, dots, label = (
        chart_of(rows).encode(**place)
        for rows in (edge, _seen_apart(edge, x, y), _apart(edge, x, y, group, narrow))
    )
    own = shown[shown["ink"] == color("orange")].sort_values(y).groupby(curve).head(1)
    curves = chart_of(own).encode(**place, text=text_of(curve))
    case = chart_of(shown.head(1).assign(**{x: here[0], y: here[1]}, words=here[2]))
    # Squares can be joined to one path, of which the page holds hundreds.
    others = chart_of(_seen_apart(shown[~shown["best"]], x, y)).encode(**place)
    right: dict[str, Any] = {"align": "left", "dx": 8, "dy": -8}
    left: dict[str, Any] = {"align": "right", "dx": -10, "dy": 4, "color": color("orange_text")}
    return layered(
        others.mark_point(size=14, filled=True, opacity=0.7, shape="square").encode(
            color=ink_of("ink")
        ),
        line.mark_line(color=color("ink"), strokeWidth=1.6, interpolate="step-after"),
        dots.mark_point(size=60, filled=True, opacity=1).encode(color=ink_of("ink")),
        *_on_halo(label.encode(text=text_of(group)), **right),
        *_on_halo(curves, dy=14, color=color("orange_text")),
        case.mark_point(size=110, filled=True, color=color("orange"), opacity=1).encode(**place),
        *_on_halo(case.encode(**place, text=text_of("words")), **left),
        height=320 if narrow else 400,
    )


def _on_halo(base: Any, **text: Any) -> list[Any]:
    """Write words on a halo that parts them from what lies behind."""
    bold: dict[str, Any] = {"fontSize": _SMALL, "fontWeight": 600}
    halo = {name: value for name, value in text.items() if name != "color"}
    return [
        base.mark_text(stroke=color("page"), strokeWidth=4, **bold, **halo),
        base.mark_text(**bold, **text),
    ]


def _apart(edge: "pd.DataFrame", x: str, y: str, group: str, narrow: bool) -> "pd.DataFrame":
    """Rows to label: where the choice changes, as far as labels do not run into each other."""
    needed = (0.3 if narrow else 0.12, 0.06)  # width and height of a label, of the chart's
    places = [_spread(edge[column]) for column in (x, y)]
    kept: list[int] = []
    for i, name in enumerate(edge[group]):
        is_news = not kept or name != edge[group].iloc[kept[-1]]
        near = any(
            all(abs(at[i] - at[k]) < gap for at, gap in zip(places, needed, strict=True))
            for k in kept
        )
        if is_news and not near:
            kept.append(i)
    return edge.iloc[kept]


def _spread(values: "pd.Series") -> Any:
    """Places on a logarithmic axis that is one long."""
    at = np.log(values.clip(lower=_TINY).to_numpy(float))
    return at / max(float(np.ptp(at)), 0.1) if len(at) else at


def _seen_apart(rows: "pd.DataFrame", x: str, y: str) -> "pd.DataFrame":
    """Rows whose marks would not cover each other, to one percent."""
    return rows.loc[~rows[[x, y]].clip(lower=_TINY).transform(np.log).mul(100).round().duplicated()]


@recipe
def step_line(
    points: Sequence[tuple[float, int]], *, x_title: str, y_title: str, here: tuple[float, str]
) -> Chart:
    """Draw how many whole things are needed as a demand grows.

    Parameters
    ----------
    points : sequence of tuple
        Demand and how many it needs.
    here : tuple of float and str
        Where the case is, one of the positions, and its words.
    """
    import pandas as pd  # heavy, and only charts need it

    frame = pd.DataFrame(points, columns=["demand", "needed"])
    build = [_steps(frame, (x_title, y_title), here, narrow=n) for n in (False, True)]
    return Chart(build[0], build[1], frame)


def _steps(
    frame: "pd.DataFrame", titles: tuple[str, str], here: tuple[float, str], *, narrow: bool
) -> Any:
    axis_y = y_axis(titles[1], format=",d", values=_whole_steps(int(frame["needed"].max())))
    axis_x = alt.Axis(title=titles[0], format=_PLAIN, grid=False, tickCount=4 if narrow else 8)
    place: dict[str, Any] = {
        "x": alt.X("demand:Q", axis=axis_x, scale=alt.Scale(nice=False)),
        "y": alt.Y("needed:Q", axis=axis_y, scale=alt.Scale(domainMin=0)),
    }
    own = chart_of(frame[frame["demand"] == here[0]].assign(words=here[1])).encode(**place)
    words = own.encode(text=text_of("words"))
    return layered(
        chart_of(frame)
        .encode(**place)
        .mark_line(color=color("navy"), strokeWidth=2.6, interpolate="step-before"),
        own.mark_point(size=90, filled=True, color=color("orange"), opacity=1),
        *_on_halo(words, color=color("orange_text"), align="left", dx=8, dy=18),
        height=260 if narrow else 280,
    )


def _whole_steps(top: int) -> list[int]:
    """Whole numbers from 0 to the top or just above, evenly spaced, six at most.

    Examples
    --------
    >>> _whole_steps(2), _whole_steps(25)
    ([0, 1, 2], [0, 5, 10, 15, 20, 25])
    """
    steps = (m * 10**k for k in range(9) for m in (1, 2, 5))
    step = next(step for step in steps if top <= step * 5)
    return list(range(0, top + step, step))

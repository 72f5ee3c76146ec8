"""Curves that a reader can move: sliders that compute the formulas again, in the page itself."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import altair as alt
import pandas as pd

from llminfra.present.expression import vega
from llminfra.present.recipe import Chart, constant, recipe, text_of, y_axis
from llminfra.present.theme import TYPE, color
from llminfra.trace import Symbol

_SMALL: Final = TYPE["chart_small"].px
_ROUND: Final = [m * 10.0**k for k in range(-2, 12) for m in (1, 2, 5)]
# A curve of a volume and of what the sliders are called: a composition of formulas.
Curve = Callable[..., Any]


class Slider(NamedTuple):
    """One number that a reader may change."""

    name: str
    """Argument of the curves."""
    words: str
    value: float
    low: float
    high: float
    step: float
    show: str = "2"
    """Most digits after the point, and after a stroke the unit: ``0|%`` writes 0.7 as 70 %."""


@recipe
def live_curves(
    curves: Mapping[str, tuple[str, Curve]],
    *,
    x: Sequence[float],
    sliders: Sequence[Slider],
    x_title: str,
    y_title: str,
    here: float,
    here_words: str,
    wall: tuple[float, str] | None = None,
    shaded: tuple[str, str] | None = None,
) -> Chart:
    """Draw curves over a logarithmic x whose formulas the page can compute again.

    Parameters
    ----------
    curves : mapping
        Name of each curve to the meaning of its colour and a composition of formulas, which takes
        the position and each slider's name by keyword, and numbers as well as symbols.
    x : sequence of float
        Positions at which the curves are drawn.
    sliders : sequence of Slider
        What a reader may change; the picture shows their values.
    here, here_words : float, str
        Where the case is, and its words.
    wall : tuple of float and str, optional
        A position beyond which the first curve does not go, and its words.
    shaded : tuple of str, optional
        Two curves: where the first lies below the second, the chart is shaded.

    Notes
    -----
    Without scripts, and in print, the picture shows the base case. The expressions are those of the
    traced formulas; the table holds what the formulas give.
    """
    given = {slider.name: slider.value for slider in sliders}
    data = pd.DataFrame({"x": list(x)})
    for name, (_, curve) in curves.items():
        data[name] = [float(curve(position, **given)) for position in x]
    wide, narrow = (
        _layers(curves, list(x), sliders, (x_title, y_title), (here, here_words), wall, shaded, n)
        for n in (False, True)
    )
    return Chart(wide, narrow, data.rename(columns={"x": x_title}))


def expressions(
    curves: Mapping[str, tuple[str, Curve]], sliders: Sequence[Slider]
) -> dict[str, str]:
    """Return the expression of each curve for the page, over a column and the sliders' names."""
    symbols = {slider.name: Symbol(slider.name) for slider in sliders}
    return {
        name: vega(curve(Symbol("position"), **symbols), {"position": "datum.x"})
        for name, (_, curve) in curves.items()
    }


def _layers(
    curves: Mapping[str, tuple[str, Curve]],
    x: list[float],
    sliders: Sequence[Slider],
    titles: tuple[str, str],
    here: tuple[float, str],
    wall: tuple[float, str] | None,
    shaded: tuple[str, str] | None,
    narrow: bool,
) -> Any:
    computed = expressions(curves, sliders)
    fields = {name: f"y{i}" for i, name in enumerate(curves)}
    place = alt.X(
        "x:Q",
        scale=alt.Scale(type="log", nice=False, domain=[x[0], x[-1]]),
        axis=alt.Axis(title=titles[0], format="~s", grid=False, values=_powers(x)),
    )
    side = y_axis(titles[1], format="~s", values=_ROUND)
    height = alt.Scale(type="log", nice=False)
    base = _with(alt.Chart(_rows(x)), computed, fields)
    layers: list[Any] = []
    if shaded is not None:
        layers.append(_shade(base, fields, shaded, place))
    if wall is not None:
        layers += _wall(wall, x, place)
    for name, (meaning, _) in curves.items():
        y = alt.Y(f"{fields[name]}:Q", scale=height, axis=side)
        line = base.mark_line(color=color(meaning), strokeWidth=2.6)
        layers.append(line.encode(x=place, y=y))
        layers.append(_name(base, name, meaning, x, place, y))
    layers += _case(computed, fields, here, x, place, height, side)
    params = [alt.param(name=slider.name, value=slider.value) for slider in sliders]
    chart = alt.layer(*layers).add_params(*params)
    return chart.properties(
        height=300 if narrow else 310,
        usermeta={"sliders": [slider._asdict() for slider in sliders]},
    )


def _powers(x: list[float]) -> list[float]:
    return [10.0**k for k in range(-6, 13) if x[0] <= 10.0**k * (1 + 1e-9) <= x[-1] * (1 + 2e-9)]


def _rows(x: list[float]) -> alt.InlineData:
    ends = [*x[1:], x[-1]]
    return alt.InlineData(values=[{"x": a, "x_end": b} for a, b in zip(x, ends, strict=True)])


def _with(chart: Any, computed: Mapping[str, str], fields: Mapping[str, str]) -> Any:
    for name, field in fields.items():
        chart = chart.transform_calculate(**{field: computed[name]})
    return chart


def _shade(base: Any, fields: Mapping[str, str], pair: tuple[str, str], place: alt.X) -> Any:
    below = f"datum.{fields[pair[0]]} <= datum.{fields[pair[1]]}"
    return (
        base.transform_filter(below)
        .mark_rect(fill=color("fit_4"), stroke=None)
        .encode(x=place, x2=alt.X2("x_end:Q"))
    )


def _wall(wall: tuple[float, str], x: list[float], place: alt.X) -> list[Any]:
    if not x[0] <= wall[0] <= x[-1]:
        return []
    rows = alt.Chart(alt.InlineData(values=[{"x": wall[0], "words": wall[1]}])).encode(x=place)
    rule = rows.mark_rule(strokeWidth=1.6, strokeDash=[4, 3], color=color("ink"))
    words = rows.mark_text(
        align="right", dx=-6, dy=-8, y=alt.expr("height"), baseline="bottom", fontSize=_SMALL
    )
    return [rule, words.encode(text=text_of("words"))]


def _name(base: Any, name: str, meaning: str, x: list[float], place: alt.X, y: alt.Y) -> Any:
    """The name of a curve, above its point at two fifths of the chart."""
    at = x[2 * len(x) // 5]
    ink = color("orange_text" if color(meaning) == color("orange") else meaning)
    return (
        base.transform_filter(f"datum.x == {at!r}")
        .mark_text(align="right", dx=-4, dy=-10, fontWeight=600, color=ink)
        .encode(x=place, y=y, **constant(text=name))
    )


def _case(
    computed: Mapping[str, str],
    fields: Mapping[str, str],
    here: tuple[float, str],
    x: list[float],
    place: alt.X,
    height: alt.Scale,
    side: alt.Axis,
) -> list[Any]:
    """Where the case is, on the first curve."""
    if not x[0] <= here[0] <= x[-1]:
        return []
    row = alt.Chart(alt.InlineData(values=[{"x": here[0], "words": here[1]}]))
    first = next(iter(fields))
    own = _with(row, computed, {first: fields[first]})
    at = own.encode(x=place, y=alt.Y(f"{fields[first]}:Q", scale=height, axis=side))
    left = here[0] > (x[0] * x[-1]) ** 0.5
    return [
        at.mark_point(size=90, filled=True, color=color("ink"), opacity=1),
        at.mark_text(
            align="right" if left else "left", dx=-9 if left else 9, dy=16, fontSize=_SMALL
        ).encode(text=text_of("words")),
    ]

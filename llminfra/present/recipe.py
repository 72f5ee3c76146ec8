"""What the chart recipes share: their result, and Altair without the checks that tests make."""

import json
import math
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, NamedTuple, ParamSpec

import altair as alt
from altair.utils.schemapi import debug_mode

if TYPE_CHECKING:
    import pandas as pd

P = ParamSpec("P")


class Chart(NamedTuple):
    """A chart in its two layouts, and the numbers it plots."""

    wide: Any
    narrow: Any
    data: "pd.DataFrame"


def recipe(build: Callable[P, Chart]) -> Callable[P, Chart]:
    """Mark a function as a chart recipe.

    Notes
    -----
    Altair checks every part of a chart against its schema as it is made, which takes longer than
    drawing it. The tests check what recipes make; a chart made in a notebook is always checked.
    """

    @wraps(build)
    def unchecked(*args: P.args, **kwargs: P.kwargs) -> Chart:
        with debug_mode(False):
            return build(*args, **kwargs)

    return unchecked


def chart_of(frame: "pd.DataFrame") -> alt.Chart:
    """Start a chart on the rows of a frame, passed as plain data: Altair would inspect each column.

    Examples
    --------
    >>> import pandas as pd
    >>> chart_of(pd.DataFrame({"gb": [141.1]})).data.values
    ({'gb': 141.1},)
    """
    rows = json.loads(frame.to_json(orient="records", double_precision=15))
    return alt.Chart(alt.InlineData(values=tuple(rows)))


class _Layers(alt.LayerChart):
    """Layers that are taken as they are."""

    def __init__(self, **given: Any) -> None:
        # Past Altair's own, which copies every layer four times, in search of what no recipe has.
        super(alt.LayerChart, self).__init__(**given)


def layered(*layers: alt.Chart, **properties: Any) -> alt.LayerChart:
    """Lay charts over each other, the first below; rows that all of them share stand once.

    Examples
    --------
    >>> import pandas as pd
    >>> base = chart_of(pd.DataFrame({"gb": [141.1]})).encode(x="gb:Q")
    >>> spec = layered(base.mark_bar(), base.mark_tick(), height=25).to_dict()
    >>> spec["height"], [sorted(layer) for layer in spec["layer"]]
    (25, [['encoding', 'mark'], ['encoding', 'mark']])
    """
    data = layers[0].data
    if any(layer.data is not data for layer in layers):
        return _Layers(layer=list(layers), **properties)
    bare = [layer.copy(deep=False) for layer in layers]
    for layer in bare:
        layer.data = alt.Undefined
    return _Layers(data=data, layer=bare, **properties)


# Channels as objects: Altair takes 12 ms to find out what a plain "text:N" stands for.


_AT: Final[Any] = alt.XDatum
_VALUES: Final[dict[str, Any]] = {"x": alt.XValue, "y": alt.YValue, "text": alt.TextValue}


def constant(**channels: float | str) -> dict[str, Any]:
    """Return channels that no row changes: places in px, or words.

    Examples
    --------
    >>> constant(x=6, text="own")["x"].to_dict()
    {'value': 6}
    """
    return {name: _VALUES[name](value) for name, value in channels.items()}


def placed_at(x: float) -> Any:
    """Place all rows at one number of the horizontal axis."""
    return _AT(x)


def text_of(column: str) -> alt.Text:
    """Write what a column says."""
    return alt.Text(f"{column}:N")


def ink_of(column: str) -> alt.Color:
    """Paint in the colour that a column names."""
    return alt.Color(f"{column}:N", scale=None)


def tooltips(*columns: str) -> list[alt.Tooltip]:
    """Show these columns, which hold text, when a mark is pointed at."""
    return [alt.Tooltip(f"{column}:N") for column in columns]


def labels_of(column: str, width: int) -> alt.Y:
    """One row a label, in the order of the rows; without a width the labels stand elsewhere."""
    order = alt.SortField("order")
    if not width:
        return alt.Y(f"{column}:N", sort=order, axis=None)
    axis = alt.Axis(title=None, labelAlign="left", labelPadding=width, labelLimit=width - 5)
    return alt.Y(f"{column}:N", sort=order, axis=axis)


def closed(frame: "pd.DataFrame", base: str = "base", high: str = "high") -> "pd.DataFrame":
    """Draw an upper end that has no limit at twice the value: a scale has an end.

    Examples
    --------
    >>> import pandas as pd
    >>> closed(pd.DataFrame({"base": [2.0, 3.0], "high": [2.5, float("inf")]}))["high"].tolist()
    [2.5, 6.0]
    """
    return frame.assign(**{high: frame[high].mask(frame[high] == math.inf, 2 * frame[base])})


def y_axis(title: str, **more: Any) -> alt.Axis:
    """Vertical axis whose title lies above it, where it reads as text."""
    place: dict[str, Any] = {"titleAngle": 0, "titleAlign": "left", "titleAnchor": "end"}
    return alt.Axis(title=title, titleX=0, titleY=-12, **place, **more)

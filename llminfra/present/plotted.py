"""Figures of matplotlib beside charts of the house: same words around them, SVG in page and PDF.

Matplotlib is the notebook's own: nothing here imports it where no notebook has. It writes styles
and uses shapes again, which the page's safe SVG has neither of, so both are written out.
"""

import copy
import io
import re
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree

from llminfra.present.theme import WIDE_PX, color

if TYPE_CHECKING:
    import pandas as pd

_SVG: Final = "{http://www.w3.org/2000/svg}"
_LINK: Final = "{http://www.w3.org/1999/xlink}href"
_PX_PER_PT: Final = 96 / 72
_STYLE: Final = re.compile(r"\s*([\w-]+)\s*:\s*([^;]+?)\s*(?:;|$)")
# What matplotlib says of all elements in a style sheet.
_ALL: Final = {"stroke-linejoin": "round", "stroke-linecap": "butt"}
_BLACK: Final = "#000000"


def is_plotted(chart: object) -> bool:
    """Tell whether something is a figure of matplotlib, or of what builds on it.

    Examples
    --------
    >>> is_plotted({"mark": "bar"})
    False
    """
    return hasattr(chart, "savefig") and hasattr(chart, "axes")


def svg_of(figure: Any) -> str:
    """Return a figure as SVG that the page can hold: no styles, no random names, no black.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure; black becomes the ink of the page, which is light on a dark one.
    """
    buffer = io.BytesIO()
    matplotlib = sys.modules["matplotlib"]
    with matplotlib.rc_context({"svg.hashsalt": "llminfra", "svg.fonttype": "path"}):
        nameless = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(buffer, format="svg", transparent=True, metadata=nameless)
    return written_out(buffer.getvalue().decode())


def written_out(svg: str) -> str:
    """Write styles as attributes, and each use of a shape as the shape.

    Examples
    --------
    >>> mark = '<defs><path id="m" d="M0 0" style="stroke: #000000"/></defs>'
    >>> head = '<svg xmlns="http://www.w3.org/2000/svg" width="72pt" height="36pt"'
    >>> text = f'{head} viewBox="0 0 72 36">{mark}<use href="#m" x="4" y="2"/></svg>'
    >>> written_out(text).partition("</defs>")[2]
    '<g transform="translate(4,2)" fill="#1F2933"><path d="M0 0" stroke="#1F2933" /></g></svg>'
    """
    root = ElementTree.fromstring(svg)
    for node in root.iter():
        node.tag = node.tag.removeprefix(_SVG)
        for name, value in _STYLE.findall(node.attrib.pop("style", "")):
            node.set(name, color("ink") if value == _BLACK else value)
    shapes = {node.get("id"): node for node in root.iter() if node.get("id")}
    for parent in list(root.iter()):
        for at, child in enumerate(parent):
            if child.tag == "use":
                parent[at] = _copied(child, shapes)
    for part in root.findall("g"):
        part.attrib.setdefault("fill", color("ink"))  # of text, for which nothing is written
    width, height = (_PX_PER_PT * float(x) for x in str(root.get("viewBox")).split()[2:])
    scale = min(1.0, WIDE_PX / width)
    size = {"width": f"{width * scale:.0f}", "height": f"{height * scale:.0f}"}
    root.attrib = {"xmlns": _SVG[1:-1], "viewBox": str(root.get("viewBox")), **size, **_ALL}
    return ElementTree.tostring(root, encoding="unicode")


def _copied(use: ElementTree.Element, shapes: dict[str | None, Any]) -> ElementTree.Element:
    target = use.attrib.pop(_LINK, None) or use.attrib.pop("href", "")
    moved = (use.attrib.pop("x", "0"), use.attrib.pop("y", "0"))
    places = [use.attrib.pop("transform", "")]
    if moved != ("0", "0"):
        places.append(f"translate({moved[0]},{moved[1]})")
    group = ElementTree.Element("g", {**use.attrib, "transform": " ".join(filter(None, places))})
    if not group.get("transform"):
        del group.attrib["transform"]
    if (shape := shapes.get(target.removeprefix("#"))) is not None:
        group.append(copy.deepcopy(shape))
        group[0].attrib.pop("id", None)
    group.tail = use.tail
    return group


def numbers_of(figure: Any) -> "pd.DataFrame | None":
    """Return the numbers of lines, bars and points of a figure; None where it has none of them."""
    import pandas as pd  # the notebook has it, what draws does not

    rows = [row for number, axes in enumerate(figure.axes, 1) for row in _rows(axes, number)]
    return pd.DataFrame(rows) if rows else None


def _rows(axes: Any, number: int) -> Iterator[dict[str, Any]]:
    panel = axes.get_title() or f"{number}"
    for kind, label, points in _series(axes):
        for x, y in points:
            yield {"panel": panel, "series": label or kind, "x": x, "y": y}


def _series(axes: Any) -> Iterator[tuple[str, str, list[tuple[Any, Any]]]]:
    for line in axes.get_lines():
        points = list(zip(line.get_xdata(orig=True), line.get_ydata(orig=True), strict=False))
        yield "line", _label(line), points
    for bars in axes.containers:
        if hasattr(bars, "patches"):
            yield "bars", _label(bars), [_bar(axes, bar, bars) for bar in bars.patches]
    for drawn in axes.collections:
        if type(drawn).__name__ == "PathCollection":
            yield "points", _label(drawn), [tuple(point) for point in drawn.get_offsets().tolist()]


def _label(artist: Any) -> str:
    label = str(artist.get_label())
    return "" if label.startswith("_") else label


def _bar(axes: Any, bar: Any, bars: Any) -> tuple[Any, float]:
    if getattr(bars, "orientation", "") == "horizontal":
        middle = bar.get_y() + bar.get_height() / 2
        return _named(axes.yaxis, middle, at=1), float(bar.get_width())
    middle = bar.get_x() + bar.get_width() / 2
    return _named(axes.xaxis, middle, at=0), float(bar.get_height())


def _named(axis: Any, place: float, *, at: int) -> Any:
    """Return what an axis writes at a place, or the place."""
    labels = {round(t.get_position()[at], 6): t.get_text() for t in axis.get_ticklabels()}
    return labels.get(round(place, 6)) or float(place)

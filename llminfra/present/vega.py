"""Draw an Altair chart once, as a compiled Vega specification and as the same picture in SVG.

Compiling Vega-Lite here keeps two of three JavaScript libraries out of every page. The SVG keeps
its text as text, has a fixed outer width, no random ids, and colours that the page can swap.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Protocol, TypeVar

from llminfra.errors import RenderError
from llminfra.present import theme
from llminfra.present.javascript import engine
from llminfra.present.svg import slim_svg

VegaSpec = dict[str, Any]
Made = TypeVar("Made")
_VALID: Final = "valid Vega-Lite"
_DRAWABLE: Final = "drawable"

# vl-convert measures no family whose name ends in a digit, but finds a face by its PostScript name.
_MEASURED: Final = {False: "SourceSans3-Regular", True: "SourceSans3-Semibold"}
_OWN_FAMILY: Final = re.compile(rf' font-family="(?:SourceSans3-\w+|{re.escape(theme.SANS)})"')
_SINGLE_VIEW: Final = ("mark", "layer")
_COLOR: Final = theme.color("hatch")
_HATCH_DEFS: Final = (
    f'<defs><pattern id="{theme.HATCH_ID}" width="7" height="7" patternUnits="userSpaceOnUse" '
    f'patternTransform="rotate(45)"><rect width="7" height="7" fill="{theme.color("page")}"/>'
    f'<line x1="0.6" y1="0" x2="0.6" y2="7" stroke="{_COLOR}" stroke-width="1.2"/></pattern></defs>'
)


class ChartLike(Protocol):
    """Anything that can tell its Vega-Lite specification, such as every Altair chart."""

    def to_dict(self, *, validate: bool = True) -> dict[str, Any]:
        """Return the Vega-Lite specification."""
        ...


@dataclass(frozen=True, slots=True)
class Drawing:
    """A chart in its two forms, with its outer size. [px]."""

    vega_spec: VegaSpec
    svg: str
    width_px: float
    height_px: float


def draw(chart: ChartLike | Mapping[str, Any], *, width_px: float | None = None) -> Drawing:
    """Compile a chart to Vega and draw it as SVG.

    Parameters
    ----------
    chart : Altair chart or mapping
        The chart, or its Vega-Lite (or Vega) specification.
    width_px : float, optional
        Outer width including axes and labels; None keeps the chart's own size (foreign charts,
        which also keep their own fonts and colours). [px]

    Returns
    -------
    Drawing
        The Vega specification and the SVG text.

    Raises
    ------
    RenderError
        If the chart cannot be compiled or drawn, or plots NaN or infinite numbers.

    Notes
    -----
    Single and layered charts are fitted to `width_px` by Vega. In concatenated and faceted charts
    the inner widths are scaled until the whole is as wide as asked for, because Vega cannot.

    Examples
    --------
    >>> spec = {"data": {"values": [{"gb": 40}]}, "mark": "bar", "encoding": {"x": {"field": "gb"}}}
    >>> drawing = draw(spec, width_px=350)
    >>> drawing.width_px, "SourceSans3" in drawing.svg
    (350.0, False)
    """
    spec = specification(chart)
    if width_px is None:
        return _draw_foreign(spec)
    spec = _styled(spec)
    if any(kind in spec for kind in _SINGLE_VIEW):
        fit = {"type": "fit-x", "contains": "padding"}
        return _drawn({**spec, "width": width_px, "autosize": fit}, width_px)
    return _draw_concatenated(spec, width_px)


def specification(chart: ChartLike | Mapping[str, Any], *, checked: bool = False) -> VegaSpec:
    """Return a chart's Vega-Lite specification, with finite numbers and its data inside.

    Parameters
    ----------
    chart : Altair chart or mapping
        The chart, or its specification.
    checked : bool
        True for charts of recipes, which the tests have checked against the schema.

    Raises
    ------
    RenderError
        If it plots NaN or infinite numbers, or links to its data.
    """
    spec: VegaSpec = (
        dict(chart) if isinstance(chart, Mapping) else chart.to_dict(validate=not checked)
    )
    _check_numbers(spec)
    _check_data_is_inside(spec)
    return spec


def specified_once() -> None:
    """Let Altair write a specification, so that forks of this process find it prepared for more."""
    import altair as alt
    import pandas as pd

    alt.Chart(pd.DataFrame({"x": [1.0]})).mark_bar().encode(x="x").to_dict()


def warm_up() -> None:
    """Start the renderer, which takes half a second that would come before the first chart."""
    draw({"data": {"values": []}, "mark": "text"})


def _draw_concatenated(spec: VegaSpec, width_px: float) -> Drawing:
    # Outer width is linear in the inner widths, so two drawings tell the scale of the third.
    first, half = (_drawn(_scaled(spec, scale)) for scale in (1.0, 0.5))
    slope = (first.width_px - half.width_px) / 0.5
    scale = 1.0 + (width_px - first.width_px) / slope if slope else 1.0
    drawing = _drawn(_scaled(spec, scale)) if scale > 0.1 else first
    if drawing.width_px > width_px + 2 and scale > 0.1:  # labels came that half the width had not
        scale += (width_px - drawing.width_px) / slope
        drawing = _drawn(_scaled(spec, scale))
    if drawing.width_px > width_px + 2:
        raise RenderError(
            f"chart must fit into {width_px:g} px, got {drawing.width_px:g} px; "
            "give its parts smaller widths or shorter labels"
        )
    return drawing


def _scaled(spec: Any, scale: float) -> Any:
    if isinstance(spec, list):
        return [_scaled(item, scale) for item in spec]
    if not isinstance(spec, dict) or ("data" in spec and "values" in spec):
        return spec
    own = {"width": round(spec["width"] * scale, 2)} if _is_number(spec.get("width")) else {}
    inner = ("hconcat", "vconcat", "concat", "spec")
    return {**spec, **own, **{k: _scaled(spec[k], scale) for k in inner if k in spec}}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _styled(spec: VegaSpec) -> VegaSpec:
    return {**spec, "config": _merged(theme.altair_theme()["config"], spec.get("config", {}))}


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    both = {k for k in base if isinstance(base[k], dict) and isinstance(over.get(k), dict)}
    return {**base, **over, **{k: _merged(base[k], over[k]) for k in both}}


def _drawn(spec: VegaSpec, width_px: float | None = None) -> Drawing:
    vega = _compile(spec)
    return _drawing(vega, _told(engine.drawn_svg, vega, _DRAWABLE), width_px)


def _draw_foreign(spec: VegaSpec) -> Drawing:
    def to_svg(vega: VegaSpec) -> str:
        return str(_vl_convert().vega_to_svg(_measurable(vega), allowed_base_urls=[]))

    vega = _compile(spec, by_vl_convert=True)
    return _drawing(vega, _told(to_svg, vega, _DRAWABLE))


def _compile(spec: VegaSpec, *, by_vl_convert: bool = False) -> VegaSpec:
    schema = str(spec.get("$schema", ""))
    if "/vega/" in schema:
        return spec
    old = "5.21" if "/vega-lite/v5" in schema else None

    def to_vega(lite: VegaSpec) -> VegaSpec:
        return dict(_vl_convert().vegalite_to_vega(lite, vl_version=old))

    vega = _told(to_vega if by_vl_convert or old else engine.compiled, spec, _VALID)
    for mark in _text_marks(vega):
        if "tooltip" not in mark.get("encode", {}).get("update", {}):
            mark["interactive"] = False  # a label must not cover the tooltip of its bar
    return vega


def _told(make: Callable[[VegaSpec], Made], spec: VegaSpec, must: str) -> Made:
    try:
        return make(spec)
    except ValueError as error:
        raise RenderError(f"chart must be {must}, got: {_in_short(error)}") from error


def _drawing(spec: VegaSpec, svg: str, width_px: float | None = None) -> Drawing:
    view = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    if view is None or "NaN" in re.sub(r">[^<]*<", "><", svg):
        raise RenderError("chart must have a size and finite positions, got NaN; check its data")
    width, height = float(width_px or view[1]), float(view[2])
    return Drawing(spec, _tidy(svg, width, height), width, height)


def _measurable(spec: VegaSpec) -> VegaSpec:
    text = json.dumps(spec).replace(theme.SANS, _MEASURED[False])
    own_fonts = _MEASURED[False] in text
    measurable: VegaSpec = json.loads(text)
    for mark in _text_marks(measurable) if own_fonts else ():
        update = mark.get("encode", {}).get("update", {})
        if update.get("fontWeight", {}).get("value") in (600, 700, "bold"):
            update.setdefault("font", {"value": _MEASURED[True]})
    return measurable


def _text_marks(node: Any) -> Iterator[dict[str, Any]]:
    for mark in node.get("marks", ()) if isinstance(node, dict) else ():
        if mark.get("type") == "text":
            yield mark
        yield from _text_marks(mark)


def _tidy(svg: str, width: float, height: float) -> str:
    own = _MEASURED[False] in svg or theme.SANS in svg
    svg = slim_svg(_OWN_FAMILY.sub("", svg))
    family = f' font-family="{theme.SANS}"' if own else ""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{width:g}" '
        f'height="{height:g}" viewBox="0 0 {width:g} {height:g}"{family}>'
    )
    defs = _HATCH_DEFS if theme.HATCH in svg else ""
    return re.sub(r"<svg[^>]*>", lambda _: head + defs, svg, count=1)


def _check_numbers(spec: VegaSpec) -> None:
    try:
        json.dumps(spec, allow_nan=False)
    except ValueError as error:
        raise RenderError(
            "chart data must be finite numbers, got NaN or infinity; drop or replace those rows"
        ) from error


def _check_data_is_inside(node: Any) -> None:
    if isinstance(node, Mapping):
        url = node.get("url")
        if isinstance(url, str) and not url.startswith("data:"):
            raise RenderError(f"chart data must be in the chart, got a link to {url}; pass a table")
    for child in node.values() if isinstance(node, Mapping) else node:
        if isinstance(child, Mapping | list):
            _check_data_is_inside(child)


def _in_short(error: Exception) -> str:
    lines = (line.strip() for line in str(error).splitlines())
    said = " ".join(line for line in lines if line and not line.startswith("at "))
    return said[:300] or type(error).__name__


@cache
def _vl_convert() -> Any:
    # Imported late: a process that draws must never fork afterwards.
    import vl_convert

    if theme.FONT_DIR.is_dir():
        vl_convert.register_font_directory(str(theme.FONT_DIR))
    return vl_convert

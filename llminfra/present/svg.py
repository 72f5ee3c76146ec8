"""Chart SVG made safe and unique, so that it can stand in a page beside others."""

import re
from typing import Final
from xml.etree import ElementTree

from llminfra.errors import RenderError

_SVG: Final = "{http://www.w3.org/2000/svg}"
_XLINK: Final = "{http://www.w3.org/1999/xlink}"
_ELEMENTS: Final = frozenset(
    [
        *("svg", "g", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "text"),
        *("tspan", "defs", "clipPath", "mask", "pattern", "linearGradient", "radialGradient"),
        *("stop", "image"),
    ]
)
_ATTRIBUTES: Final = frozenset(
    [
        *("id", "class", "d", "x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "r", "rx", "ry", "fx"),
        *("fy", "dx", "dy", "width", "height", "viewBox", "points", "offset", "transform", "fill"),
        *("stroke", "opacity", "fill-opacity", "stroke-opacity", "fill-rule", "stroke-width"),
        *("stroke-dasharray", "stroke-dashoffset", "stroke-linecap", "stroke-linejoin"),
        *("stroke-miterlimit", "stop-color", "stop-opacity", "clip-path", "clip-rule", "mask"),
        *("text-anchor", "dominant-baseline", "font-family", "font-size", "font-weight"),
        *("font-style", "letter-spacing", "paint-order", "patternUnits", "patternContentUnits"),
        *("patternTransform", "gradientUnits", "gradientTransform", "clipPathUnits", "maskUnits"),
        *("preserveAspectRatio", "display", "visibility", "href"),
    ]
)
_INHERITED: Final = ("fill", "stroke", "stroke-width", "font-size", "font-weight", "text-anchor")
_NUMBER: Final = re.compile(r"-?\d+\.\d{3,}")
_FLOAT: Final = r"(-?[\d.]+)"
_TRANSLATED: Final = re.compile(rf"translate\({_FLOAT},{_FLOAT}\)")
# Straight lines alone, in the commands that Vega writes.
_OUTLINE: Final = re.compile(rf"M{_FLOAT},{_FLOAT}((?:L{_FLOAT},{_FLOAT}|[hv]{_FLOAT})+)Z")
_SEGMENT: Final = re.compile(rf"([Lhv]){_FLOAT}(?:,{_FLOAT})?")
_LOCAL_URL: Final = re.compile(r"url\(#([\w-]+)\)")
_IMAGE_DATA: Final = re.compile(r"data:image/(?:png|jpeg|gif);base64,[A-Za-z0-9+/=\s]+")


def clean_svg(text: str, *, prefix: str) -> str:
    """Keep of an SVG what draws, and give its ids a prefix.

    Parameters
    ----------
    text : str
        SVG from any source; scripts, links, styles and outside references are dropped.
    prefix : str
        Makes ids unique on the page.

    Returns
    -------
    str
        SVG without XML declaration, hidden from screen readers (the figure carries the alt text).

    Raises
    ------
    RenderError
        If it is not well-formed SVG.

    Examples
    --------
    >>> clean_svg('<svg xmlns="http://www.w3.org/2000/svg" onload="x()"><g id="a"/></svg>',
    ...           prefix="f1-")
    '<svg xmlns="http://www.w3.org/2000/svg" aria-hidden="true"><g id="f1-a" /></svg>'
    """
    try:
        if "<!DOCTYPE" in text or "<!ENTITY" in text:
            raise ElementTree.ParseError("document types are not allowed")
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise RenderError(f"chart must be well-formed SVG, got an error: {error}") from error
    if root.tag != f"{_SVG}svg":
        raise RenderError(f"chart must be SVG, got a <{root.tag}> element")
    _clean(root, prefix)
    root.attrib = {"xmlns": _SVG[1:-1], "aria-hidden": "true", **root.attrib}
    return ElementTree.tostring(root, encoding="unicode")


def slim_svg(text: str) -> str:
    """Take the weight out of an SVG that Vega drew: same picture, about half the bytes.

    Parameters
    ----------
    text : str
        SVG as Vega draws it.

    Returns
    -------
    str
        Without class names, roles and empty parts, coordinates to 0.01 px, and attributes that
        siblings share written once.

    Examples
    --------
    >>> path = '<path class="a" d="M0.1234,0" fill="red"/>'
    >>> slim_svg(f'<svg xmlns="http://www.w3.org/2000/svg"><g>{path}{path}</g></svg>')[40:]
    '<g fill="red"><path d="M0.12,0" /><path d="M0.12,0" /></g></svg>'
    """
    root = ElementTree.fromstring(text)
    for node in root.iter():
        node.tag = node.tag.removeprefix(_SVG)
        node.attrib = {k: _NUMBER.sub(_rounded, v) for k, v in node.attrib.items() if _draws(k, v)}
    _drop_empty(root)
    for group in root.iter("g"):
        _share_attributes(group)
        _join_points(group)
    root.attrib = {"xmlns": _SVG[1:-1], **root.attrib}
    return ElementTree.tostring(root, encoding="unicode")


def _draws(name: str, value: str) -> bool:
    is_name = name in ("class", "role", "pointer-events") or name.startswith("aria-")
    return not is_name and (name, value) != ("opacity", "1")


def _rounded(number: re.Match[str]) -> str:
    return f"{float(number[0]):.2f}".rstrip("0").rstrip(".")


def _drop_empty(node: ElementTree.Element) -> None:
    for child in list(node):
        if child.tag == "defs":  # clipping shapes have no colours
            continue
        _drop_empty(child)
        is_empty_group = child.tag == "g" and len(child) == 0
        if is_empty_group or (child.tag == "path" and not {"fill", "stroke"} & set(child.attrib)):
            node.remove(child)


def _share_attributes(group: ElementTree.Element) -> None:
    for name in _INHERITED:
        values = {child.get(name) for child in group}
        if len(group) > 1 and len(values) == 1 and None not in values and name not in group.attrib:
            group.set(name, str(values.pop()))
            for child in group:
                del child.attrib[name]


def _clean(node: ElementTree.Element, prefix: str) -> None:
    node.tag = node.tag.removeprefix(_SVG)
    node.attrib = dict(_attributes(node, prefix))
    for child in list(node):
        if isinstance(child.tag, str) and child.tag.removeprefix(_SVG) in _ELEMENTS:
            _clean(child, prefix)
        else:
            node.remove(child)


def _attributes(node: ElementTree.Element, prefix: str) -> list[tuple[str, str]]:
    pairs = [(name.removeprefix(_XLINK), value) for name, value in node.attrib.items()]
    return [
        (name, _prefixed(name, value, prefix))
        for name, value in pairs
        if name in _ATTRIBUTES and _is_local(name, value)
    ]


def _is_local(name: str, value: str) -> bool:
    if name == "href":
        return _IMAGE_DATA.fullmatch(value) is not None
    if "(" not in _LOCAL_URL.sub("", value) or name.lower().endswith("transform"):
        return True
    return re.fullmatch(r"(?:rgb|hsl)a?\([\d\s.,%/a-z]*\)", value) is not None


def _prefixed(name: str, value: str, prefix: str) -> str:
    return prefix + value if name == "id" else _LOCAL_URL.sub(rf"url(#{prefix}\1)", value)


def _join_points(group: ElementTree.Element) -> None:
    """Draw points of one shape as one path: a scatter plot holds hundreds of them."""
    places = [_TRANSLATED.fullmatch(child.get("transform", "")) for child in group]
    plain = all(child.tag == "path" and set(child.attrib) == {"transform", "d"} for child in group)
    shapes = {child.get("d", "") for child in group}
    if len(group) < 3 or not plain or not all(places) or len(shapes) > 1:
        return
    outline = _OUTLINE.fullmatch(shapes.pop())
    if outline is None:
        return
    begin, tail = (float(outline[1]), float(outline[2])), _relative(outline)
    starts = [[float(m[i]) + begin[i - 1] for i in (1, 2)] for m in places if m]
    joined = "".join(f"M{_short(x)},{_short(y)}{tail}" for x, y in starts)
    group[:] = [ElementTree.Element("path", {"d": joined})]


def _relative(outline: re.Match[str]) -> str:
    """Write a closed outline of straight lines relative to where it starts."""
    x, y, steps = float(outline[1]), float(outline[2]), []
    for command, first, second in _SEGMENT.findall(outline[3]):
        if command != "L":
            steps.append(f"{command}{_short(float(first))}")
            x, y = (x + float(first), y) if command == "h" else (x, y + float(first))
            continue
        steps.append(f"l{_short(float(first) - x)},{_short(float(second) - y)}")
        x, y = float(first), float(second)
    return "".join(steps) + "z"


def _short(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".").replace("-0.", "-.").removeprefix("0") or "0"

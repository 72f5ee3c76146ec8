"""HTML from notebooks made harmless: what shows is kept, what acts is dropped."""

import re
from html import unescape
from typing import Final
from urllib.parse import urlsplit

import nh3
import tinycss2

from llminfra.wire import clean_text

_TAGS: Final = frozenset(
    [
        *("a", "abbr", "b", "blockquote", "br", "caption", "cite", "code", "col", "colgroup", "dd"),
        *("del", "details", "dfn", "div", "dl", "dt", "em", "figcaption", "figure", "h1", "h2"),
        *("h3", "h4", "h5", "h6", "hr", "i", "img", "ins", "kbd", "li", "mark", "ol", "p", "pre"),
        *("q", "s", "samp", "section", "small", "span", "strong", "sub", "summary", "sup", "table"),
        *("tbody", "td", "tfoot", "th", "thead", "time", "tr", "tt", "u", "ul", "var"),
    ]
)
_ATTRIBUTES: Final = frozenset(
    [
        *("alt", "align", "class", "colspan", "dir", "headers", "lang", "open", "rowspan", "scope"),
        *("span", "start", "style", "title", "valign", "width", "height"),
    ]
)
# Removed with their content; of others the words stay.
_WHOLE: Final = frozenset(
    [
        *("script", "style", "svg", "template", "noscript", "iframe", "object", "embed"),
        *("applet", "math", "head", "title", "form"),
    ]
)
_STYLER_RULE: Final = re.compile(r"#T_\w+(?:[\s.:>#+]*[\w-]+(?:\(\w+\))?)*")
# Neither unicode-bidi, which turns text as the marks of direction do, nor what lifts a part out of
# its place.
_PROPERTIES: Final = frozenset(
    [
        *("background", "background-color", "color", "opacity"),
        *("border", "border-bottom", "border-top", "border-left", "border-right"),
        *("border-bottom-color", "border-top-color", "border-left-color", "border-right-color"),
        *("border-collapse", "border-color", "clear", "cursor", "direction", "display", "float"),
        *("font", "font-family", "font-size", "font-style", "font-variant", "font-weight"),
        *("height", "width", "min-width", "max-width", "max-height", "overflow"),
        *("letter-spacing", "line-height", "vertical-align", "white-space"),
        *("margin", "padding", "padding-left", "padding-right", "padding-top", "padding-bottom"),
        *("text-align", "text-decoration", "text-indent", "text-transform"),
    ]
)
_BAD_VALUE: Final = re.compile(r"url\s*\(|image-set|expression|\\|@import|behavior", re.IGNORECASE)
_IMAGE_DATA: Final = re.compile(
    r"data:image/(?:png|jpeg|gif|webp|svg\+xml)(?:;[\w=-]+)*[,;][\w+/=%.,;:'()~!*$&@?\s-]*"
)
# Marks of direction and others that a page shows as text, written as a number or by name.
_TURNING_REFERENCE: Final = re.compile(
    r"&(?:lrm|rlm|#(?:x0*(?:61c|20[0-6][\da-f])|0*(?:1564|82\d\d)));?", re.IGNORECASE
)
_NUMBER: Final = re.compile(
    r"<(td|th)([^>]*)>(\s*[-+−]?[$€£]?\s?[\d,.]*\d[\d,.]*(?:e[-+]?\d+)?\s?%?\s*|\s*(?:NaN|nan|<NA>)\s*)</\1>"
)


def safe_style(style: str) -> str:
    """Keep plain properties that ask for nothing from elsewhere.

    Examples
    --------
    >>> safe_style("color: red; position: fixed; background: url(x)")
    'color: red;'
    """
    found = tinycss2.parse_blocks_contents(style, skip_comments=True, skip_whitespace=True)
    kept = []
    for part in found:
        if part.type == "declaration" and part.lower_name in _PROPERTIES:
            value = tinycss2.serialize(part.value).strip()
            ending = " !important" if part.important else ""
            kept += [] if _BAD_VALUE.search(value) else [f"{part.lower_name}: {value}{ending};"]
    return " ".join(kept)


def safe_url(url: str) -> str | None:
    r"""Return a link target that only navigates: web, mail, or within the page; else None.

    Examples
    --------
    >>> safe_url("https://example.org/a"), safe_url(" java\\nscript:alert(1)"), safe_url("#a")
    ('https://example.org/a', None, '#a')
    """
    bare = re.sub(r"[\x00-\x20\x7f-\xa0\u200b-\u200f\u2028-\u202e]", "", unescape(url))
    try:
        scheme = urlsplit(bare).scheme
    except ValueError:
        return None
    if scheme in ("http", "https", "mailto") or (not scheme and ":" not in bare.split("/")[0]):
        return bare
    return None


def safe_image(url: str) -> str | None:
    """Return an image address that carries its own data, else None.

    Examples
    --------
    >>> safe_image("data:image/png;base64,AAAA"), safe_image("https://example.org/a.png")
    ('data:image/png;base64,AAAA', None)
    """
    return url if _IMAGE_DATA.fullmatch(url) else None


def _kept(tag: str, name: str, value: str) -> str | None:
    """Return what stays of an attribute."""
    if name == "style":
        return safe_style(value) or None
    return value if _keep(tag, name, value) else None


def _keep(tag: str, name: str, value: str) -> bool:
    if name == "href":
        return tag == "a" and safe_url(value) is not None
    if name == "src":
        return tag == "img" and safe_image(value) is not None
    if name == "id":
        return value.startswith("T_")
    if name == "class":
        return "ll-" not in value
    return name in _ATTRIBUTES


_CLEANER: Final = nh3.Cleaner(
    tags=set(_TAGS),
    clean_content_tags=set(_WHOLE),
    attributes={"*": {*_ATTRIBUTES, "id"}, "a": {"href"}, "img": {"src"}},
    attribute_filter=_kept,
    url_schemes={"http", "https", "mailto", "data"},
    link_rel=None,
)


def clean_html(html: str) -> str:
    """Sanitise HTML; pandas tables and Styler colours survive, scripts and requests do not.

    Examples
    --------
    >>> clean_html('<p onclick="x()">a<script>b</script></p>')
    '<p>a</p>'
    """
    html = _TURNING_REFERENCE.sub(lambda m: clean_text(unescape(m[0])), html)
    styles = re.findall(r"<style[^>]*>(.*?)</style>", html, re.DOTALL | re.IGNORECASE)
    css = styler_css("\n".join(styles))
    body = _tables(_one_h1(_pictures(_CLEANER.clean(html))))
    return f"<style>{css}</style>{body}" if css else body


def styler_css(css: str) -> str:
    """Keep the rules of pandas' Styler, which name cells of one table and set plain properties."""
    if "#T_" not in css:
        return ""
    rules = tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True)
    kept = []
    for rule in rules:
        if rule.type != "qualified-rule":
            continue
        selectors = [part.strip() for part in tinycss2.serialize(rule.prelude).split(",")]
        body = safe_style(tinycss2.serialize(rule.content)) if rule.content else ""
        if body and all(_STYLER_RULE.fullmatch(part) for part in selectors) and "<" not in body:
            kept.append(f"{','.join(selectors)}{{{body}}}")
    return "\n".join(kept)


def is_blank(html: str) -> bool:
    """Tell whether cleaned HTML would show nothing."""
    visible = re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL)
    return not re.search(r"<(?:img|hr)\b", visible) and not re.sub(r"<[^>]*>", "", visible).strip()


def has_colors(html: str) -> bool:
    """Tell whether HTML sets colours of its own, which only suit a light page."""
    return re.search(r"(?:background|color)\s*:", html) is not None


def _pictures(html: str) -> str:
    """Say where a picture was that would have had to be fetched."""
    remark = '<span class="ll-omitted">[picture not included]</span>'
    return re.sub(r"<img\b(?![^>]*\ssrc=)[^>]*>", remark, html)


def _one_h1(html: str) -> str:
    return re.sub(r"<(/?)h1\b", r"<\1h2", html)


def _tables(html: str) -> str:
    """Align numbers to the right and let wide tables scroll."""
    html = re.sub(r"<th([^>]*)>(?:\s|&nbsp;|\xa0)*</th>", r"<td\1></td>", html)  # no heading
    html = _NUMBER.sub(lambda m: f'<{m[1]} data-n=""{m[2]}>{m[3]}</{m[1]}>', html)
    opened = '<div class="ll-scroll" role="group" aria-label="Table" tabindex="0"><table'
    nested = len(re.findall(r"<table\b", html)) != html.count("</table>")
    if nested or re.search(r"<table\b(?:(?!</table>).)*<table\b", html, re.DOTALL):
        return html
    return re.sub(r"<table\b", opened, html).replace("</table>", "</table></div>")

"""HTML outputs as nodes: pandas tables with Styler's colours, text, lists and pictures."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import tinycss2
from bs4 import BeautifulSoup
from bs4.element import NavigableString, PageElement, Tag
from tinycss2.color3 import RGBA, parse_color

from llminfra.publish.paper import nodes
from llminfra.publish.paper.nodes import Inline, Node, Pictures
from llminfra.publish.read.clean import clean_html, safe_url
from llminfra.wire import clean_text

_WRAPS: Final = {
    **dict.fromkeys(("b", "strong", "th", "dt", "summary"), "strong"),
    **dict.fromkeys(("i", "em", "cite", "dfn", "var"), "em"),
    **dict.fromkeys(("s", "del"), "strike"),
    **{"sub": "sub", "sup": "sup"},
}
_CODE: Final = ("code", "kbd", "samp", "tt")
_BLOCKS: Final = frozenset(
    [
        *("blockquote", "details", "dd", "div", "dl", "dt", "figcaption", "figure", "h1", "h2"),
        *("h3", "h4", "h5", "h6", "hr", "ol", "p", "pre", "section", "summary", "table", "ul"),
    ]
)
_MAX_ROWS: Final = 2_000
_MAX_SPAN: Final = 100
Styles = Mapping[str, Mapping[str, str]]


def read_html(html: str, pictures: Pictures) -> list[Node]:
    """Return sanitised HTML as nodes; scripts and what needs fetching are dropped.

    Examples
    --------
    >>> read_html("<p>1 <b>two</b></p><script>x</script>", Pictures())
    [{'k': 'para', 'c': ['1 ', {'k': 'strong', 'c': ['two']}]}]
    """
    cleaned = clean_html(clean_text(html))
    soup = BeautifulSoup(f"<div>{cleaned}</div>", "html.parser")
    return _Reader(pictures, _styles(soup)).blocks(soup)


class _Reader:
    def __init__(self, pictures: Pictures, styles: Styles) -> None:
        self._pictures = pictures
        self._styles = styles

    def blocks(self, parent: Tag) -> list[Node]:
        """Return the children of an element as blocks; text between them becomes paragraphs."""
        found: list[Node] = []
        line: list[Inline] = []
        for child in parent.children:
            if isinstance(child, Tag) and self._holds_block(child):
                found += [*self._line(line), *self._block(child)]
                line = []
            else:
                line += self._inline(child)
        return [*found, *self._line(line)]

    def _holds_block(self, tag: Tag) -> bool:
        return tag.name in _BLOCKS or tag.find(list(_BLOCKS)) is not None

    def _line(self, line: list[Inline]) -> Iterator[Node]:
        text: list[Inline] = []
        for node in line:
            if isinstance(node, dict) and node["k"] == "picture":
                if nodes.plain_words(text):
                    yield nodes.paragraph(*text)
                yield node
                text = []
            else:
                text.append(node)
        if nodes.plain_words(text):
            yield nodes.paragraph(*text)

    def _block(self, tag: Tag) -> list[Node]:
        if tag.name == "table":
            return self._table(tag)
        if tag.name == "pre":
            return [nodes.code(tag.get_text())]
        if tag.name == "hr":
            return [{"k": "rule"}]
        if tag.name in ("ul", "ol"):
            items = [self.blocks(item) for item in tag.find_all("li", recursive=False)]
            return [_list(items, tag)] if items else []
        if tag.name == "blockquote":
            return [{"k": "quote", "parts": self.blocks(tag)}]
        if re.fullmatch("h[1-6]", tag.name):
            return [nodes.paragraph({"k": "strong", "c": self._inlines(tag)})]
        return self.blocks(tag)

    # --- inside a line -----------------------------------------------------------------------

    def _inlines(self, tag: Tag) -> list[Inline]:
        return [node for child in tag.children for node in self._inline(child)]

    def _inline(self, node: PageElement) -> list[Inline]:
        if isinstance(node, NavigableString):
            text = re.sub(r"[ \t\r\n]+", " ", str(node))
            return [text] if text else []
        if not isinstance(node, Tag) or node.name == "style":
            return []
        if node.name == "br":
            return [{"k": "br"}]
        if node.name == "img":
            return self._image(node)
        if node.name in _CODE:
            return [{"k": "code", "s": node.get_text()}]
        inner = self._inlines(node)
        if node.name == "a":
            url = safe_url(str(node.get("href") or ""))
            is_outside = url is not None and ":" in url.split("/")[0] and nodes.plain_words(inner)
            return [{"k": "link", "url": url, "c": inner}] if is_outside else inner
        return [{"k": _WRAPS[node.name], "c": inner}] if node.name in _WRAPS else inner

    def _image(self, tag: Tag) -> list[Inline]:
        path = self._pictures.add_url(str(tag.get("src") or ""))
        if path is None:
            return ["[picture not included]"]
        alt = str(tag.get("alt") or "Picture, no description given")
        return [{"k": "picture", "path": path, "alt": alt}]

    # --- tables ------------------------------------------------------------------------------

    def _table(self, tag: Tag) -> list[Node]:
        caption = tag.find("caption")
        rows = [row for row in tag.find_all("tr") if row.find_parent("table") is tag]
        head = [row for row in rows if row.find_parent("thead") is not None]
        body = [row for row in rows if row.find_parent("thead") is None]
        cut = body[:_MAX_ROWS]
        found = nodes.table(
            [self._cells(row) for row in head],
            [self._cells(row) for row in cut],
            caption=caption.get_text(" ", strip=True) if isinstance(caption, Tag) else "",
        )
        left_out = len(body) - len(cut)
        more = [nodes.remark(f"{left_out:,} more rows are not shown here.")] if left_out else []
        return [*found, *more]

    def _cells(self, row: Tag) -> list[Node]:
        return [self._cell(cell) for cell in row.find_all(["th", "td"], recursive=False)]

    def _cell(self, tag: Tag) -> Node:
        text = [n for n in self._inlines(tag) if not isinstance(n, dict) or n["k"] != "picture"]
        style = {**self._styles.get(str(tag.get("id") or ""), {}), **_rules(tag.get("style"))}
        cell: Node = {"c": text, "number": tag.has_attr("data-n"), "strong": tag.name == "th"}
        for name in ("colspan", "rowspan"):
            span = str(tag.get(name) or "1")
            if span.isdigit() and 1 < int(span) <= _MAX_SPAN:
                cell[name] = int(span)
        fill = _color(style.get("background-color") or style.get("background"))
        ink = _color(style.get("color"))
        if "bold" in style.get("font-weight", ""):
            cell["strong"] = True
        return cell | ({"fill": fill} if fill else {}) | ({"color": ink} if ink else {})


def _list(items: list[list[Node]], tag: Tag) -> Node:
    start = str(tag.get("start") or "1")
    return {
        "k": "list",
        "ordered": tag.name == "ol",
        "start": int(start) if start.isdigit() else 1,
        "tight": True,
        "items": items,
    }


def _styles(soup: BeautifulSoup) -> Styles:
    """Return what Styler says of each cell: its id to its properties."""
    found: dict[str, dict[str, str]] = {}
    for sheet in soup.find_all("style"):
        for rule in tinycss2.parse_stylesheet(sheet.get_text(), skip_whitespace=True):
            if rule.type != "qualified-rule":
                continue
            for selector in tinycss2.serialize(rule.prelude).split(","):
                if re.fullmatch(r"\s*#T_\w+\s*", selector):
                    properties = _rules(tinycss2.serialize(rule.content))
                    found.setdefault(selector.strip()[1:], {}).update(properties)
    return found


def _rules(css: Any) -> dict[str, str]:
    pairs = (part.partition(":") for part in str(css or "").split(";"))
    return {name.strip().lower(): value.strip() for name, _, value in pairs if value}


def _color(css: str | None) -> str | None:
    color = parse_color(css) if css else None
    if not isinstance(color, RGBA) or color.alpha == 0:
        return None
    shares = (1 - color.alpha * (1 - share) for share in color[:3])  # on white paper
    return "#" + "".join(f"{round(255 * min(1.0, max(0.0, share))):02x}" for share in shares)

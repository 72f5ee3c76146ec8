"""Markdown of notebooks as nodes: formulas as formulas, raw HTML as text, no outside requests."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from llminfra.publish.paper import nodes
from llminfra.publish.paper.nodes import Inline, Node, Pictures
from llminfra.publish.read.clean import safe_url
from llminfra.publish.read.markdown import create_markdown, image_data

OnHeading = Callable[[list[Inline], int, str], Node | None]
Token = Mapping[str, Any]
_WRAPS: Final = {"strong": "strong", "emphasis": "em", "strikethrough": "strike"}


class Prose:
    """Reads the Markdown of one notebook.

    Parameters
    ----------
    pictures : Pictures
        Takes the pictures in the text.
    on_heading : callable
        Gets a heading's text, level and kicker, and returns the node to place, if any.
    folder : Path, optional
        Folder of the notebook, for pictures in it.
    """

    def __init__(
        self, pictures: Pictures, on_heading: OnHeading, folder: Path | None = None
    ) -> None:
        self._pictures = pictures
        self._on_heading = on_heading
        self._folder = folder
        self._markdown = create_markdown(None)
        self._attachments: Mapping[str, Mapping[str, str]] = {}
        self._readers: dict[str, Callable[[Token], Iterable[Node]]] = {
            "paragraph": self._paragraph,
            "block_text": self._paragraph,
            "heading": self._title,
            "table": self._table,
            "block_quote": self._quote,
            "list": self._list,
            "footnotes": self._footnotes,
            "block_code": lambda token: [nodes.code(str(token["raw"]))],
            "block_math": lambda token: [nodes.formula(token["raw"], display=True)],
            "block_html": lambda token: [nodes.paragraph(str(token["raw"]).strip())],
            "thematic_break": lambda token: [{"k": "rule"}],
        }
        self._inline_readers: dict[str, Callable[[Token], list[Inline]]] = {
            "link": self._link,
            "image": self._image,
            "codespan": lambda token: [{"k": "code", "s": token["raw"]}],
            "inline_math": lambda token: [nodes.formula(token["raw"], display=False)],
            "display_math": lambda token: [
                {"k": "display", "node": nodes.formula(token["raw"], display=True)}
            ],
            "footnote_ref": lambda token: [{"k": "sup", "c": [str(token["attrs"]["index"])]}],
            "linebreak": lambda token: [{"k": "br"}],
            "softbreak": lambda token: [" "],
        }

    def read(
        self, source: str, attachments: Mapping[str, Mapping[str, str]] | None = None
    ) -> list[Node]:
        """Return Markdown as nodes; attachments are the images of the cell by name."""
        self._attachments = attachments or {}
        tokens = self._markdown(source)
        assert isinstance(tokens, list)  # the parser was asked for tokens
        return list(self._blocks(tokens))

    # --- blocks ------------------------------------------------------------------------------

    def _blocks(self, tokens: Sequence[Token]) -> Iterator[Node]:
        for token in tokens:
            read = self._readers.get(token["type"])
            if read is not None:
                yield from read(token)

    def _title(self, token: Token) -> Iterator[Node]:
        attrs = token["attrs"]
        text = self._inlines(token["children"])
        node = self._on_heading(text, attrs["level"], str(attrs.get("kicker", "")))
        if node is not None:
            yield node

    def _quote(self, token: Token) -> Iterator[Node]:
        yield {"k": "quote", "parts": list(self._blocks(token["children"]))}

    def _paragraph(self, token: Token) -> Iterator[Node]:
        """Yield a paragraph, pictures and displayed formulas in it on lines of their own."""
        line: list[Inline] = []
        for node in self._inlines(token["children"]):
            if isinstance(node, dict) and node["k"] in ("picture", "display"):
                if nodes.plain_words(line):
                    yield nodes.paragraph(*line)
                yield node["node"] if node["k"] == "display" else node
                line = []
            else:
                line.append(node)
        if nodes.plain_words(line):
            yield nodes.paragraph(*line)

    def _list(self, token: Token) -> Iterator[Node]:
        attrs = token["attrs"]
        yield {
            "k": "list",
            "ordered": bool(attrs["ordered"]),
            "start": int(attrs.get("start", 1)),
            "tight": bool(token.get("tight", True)),
            "items": [self._item(item) for item in token["children"]],
        }

    def _item(self, token: Token) -> list[Node]:
        parts = list(self._blocks(token["children"]))
        if token["type"] == "task_list_item":
            box = "☑ " if token["attrs"]["checked"] else "☐ "
            first = parts[0] if parts and parts[0]["k"] == "para" else nodes.paragraph()
            return [nodes.paragraph(box, *first["c"]), *(p for p in parts if p is not first)]
        return parts

    def _footnotes(self, token: Token) -> Iterator[Node]:
        yield {"k": "rule"}
        for number, item in enumerate(token["children"], start=1):
            first, *rest = list(self._blocks(item["children"])) or [nodes.paragraph()]
            yield nodes.paragraph({"k": "sup", "c": [str(number)]}, " ", *first.get("c", []))
            yield from rest

    def _table(self, token: Token) -> list[Node]:
        head: list[list[Node]] = []
        rows: list[list[Node]] = []
        for part in token["children"]:
            if part["type"] == "table_head":
                head.append(self._cells(part["children"]))
            else:
                rows += [self._cells(row["children"]) for row in part["children"]]
        return nodes.table(head, rows)

    def _cells(self, tokens: Sequence[Token]) -> list[Node]:
        return [
            {
                "c": self._inlines(token["children"]),
                "number": token["attrs"].get("align") == "right",
            }
            for token in tokens
        ]

    # --- inside a line -----------------------------------------------------------------------

    def _inlines(self, tokens: Sequence[Token]) -> list[Inline]:
        return [node for token in tokens for node in self._inline(token)]

    def _inline(self, token: Token) -> list[Inline]:
        kind = token["type"]
        if kind in _WRAPS:
            return [{"k": _WRAPS[kind], "c": self._inlines(token["children"])}]
        if kind in self._inline_readers:
            return self._inline_readers[kind](token)
        return [str(token.get("raw", ""))]

    def _link(self, token: Token) -> list[Inline]:
        text = self._inlines(token["children"])
        url = safe_url(token["attrs"]["url"])
        # An address inside a page of the web has no place in a document.
        if url is None or ":" not in url.split("/")[0] or not nodes.plain_words(text):
            return text
        return [{"k": "link", "url": url, "c": text}]

    def _image(self, token: Token) -> list[Inline]:
        url = token["attrs"]["url"]
        words = nodes.plain_words(self._inlines(token["children"]))
        data = image_data(url, self._attachments, self._folder)
        path = self._pictures.add_url(data) if data else None
        if path is None:
            return [f"[picture not included: {words or url}]"]
        return [{"k": "picture", "path": path, "alt": words or "Picture, no description given"}]

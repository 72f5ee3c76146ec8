"""What the Typst files draw: small builders of nodes, clean text, and the pictures beside them."""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from llminfra.publish.paper.formula import formula_data, spoken
from llminfra.wire import clean_text

Node = dict[str, Any]
Inline = str | Node

# Characters of a formula that still fit: a line cannot break in one, a display is made smaller.
_LONGEST: Final = {False: 200, True: 1_500}
# Where nodes hold nodes, and which of them stand on lines of their own.
_INSIDE: Final = ("c", "parts", "items")
_BLOCKS: Final = frozenset(["para", "list", "quote", "code", "rule", "remark", "table"])
_MAX_DEPTH: Final = 8
_DATA_URL: Final = re.compile(r"data:image/([\w+.-]+)((?:;[\w=.-]+)*),(.*)", re.DOTALL)
_ENDINGS: Final = {"svg+xml": "svg", "jpeg": "jpg", "png": "png", "gif": "gif", "webp": "webp"}


def paragraph(*inlines: Inline) -> Node:
    """Return a paragraph."""
    first, rest = inlines[:1], inlines[1:]
    started = [n.lstrip() if isinstance(n, str) else n for n in first]
    return {"k": "para", "c": [*started, *rest]}


def remark(text: str) -> Node:
    """Return a visible remark about something that could not be shown."""
    return {"k": "remark", "s": text}


def code(text: str) -> Node:
    """Return text that keeps its line ends, in a fixed-width face."""
    return {"k": "code", "s": text.rstrip("\n")}


def formula(latex: str, *, display: bool) -> Node:
    """Return a formula, or its source as code where it cannot be read."""
    data = formula_data(latex) if len(latex) <= _LONGEST[display] else None
    if data is not None:
        return {"k": "math", "data": data, "alt": spoken(latex)}
    return code(latex) if display else {"k": "code", "s": latex}


class Pictures:
    """The pictures of a report: file names for the Typst files, and their bytes."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self._names: dict[bytes, str] = {}

    def add(self, data: bytes, ending: str) -> str:
        """Keep a picture and return its file name; the same picture is kept once."""
        if data not in self._names:
            name = f"picture-{len(self.files) + 1}.{ending}"
            self._names[data] = name
            self.files[name] = data
        return self._names[data]

    def add_svg(self, svg: str) -> str:
        """Keep a drawing and return its file name."""
        return self.add(clean_text(svg).encode(), "svg")

    def add_url(self, url: str) -> str | None:
        """Keep the picture of a data URL; None if it cannot be read or has an unknown kind."""
        found = _DATA_URL.fullmatch(url)
        ending = _ENDINGS.get(found[1].lower()) if found else None
        if found is None or ending is None:
            return None
        try:
            is_base64 = ";base64" in found[2]
            data = base64.b64decode(found[3]) if is_base64 else unquote_to_bytes(found[3])
        except binascii.Error:
            return None
        return self.add(data, ending) if data else None


def table(
    head: Sequence[Sequence[Node]], rows: Sequence[Sequence[Node]], *, caption: str = ""
) -> list[Node]:
    """Return a foreign table as one or, where it is too wide for the page, several tables.

    Parameters
    ----------
    head, rows : sequences of rows of cells
        A cell is ``{"c": inlines, …}`` and may have ``number``, ``strong``, ``fill``, ``color``,
        ``colspan`` and ``rowspan``.
    """
    width = max((_span(row) for row in [*head, *rows]), default=0)
    if width == 0:
        return []
    lengths = _lengths([*head, *rows], width)
    groups = chunks(lengths)
    if len(groups) == 1:
        return [_one_table(head, rows, lengths, caption)]
    head, rows = ([_plain(row, width) for row in part] for part in (head, rows))
    found = []
    for chunk in groups:
        columns = [0, *chunk]
        where = f"Columns {chunk[0] + 1} to {chunk[-1] + 1} of {width}"
        title = f"{caption}: {where[0].lower()}{where[1:]}" if caption else where
        cut = [[[row[i] for i in columns] for row in part] for part in (head, rows)]
        found.append(_one_table(cut[0], cut[1], [lengths[i] for i in columns], title))
    return found


def _one_table(
    head: Sequence[Sequence[Node]],
    rows: Sequence[Sequence[Node]],
    lengths: Sequence[int],
    caption: str,
) -> Node:
    return {
        "k": "table",
        "caption": caption,
        "columns": column_widths(lengths),
        "head": [_over_numbers(row, rows) for row in head],
        "rows": [list(row) for row in rows],
    }


def _over_numbers(head: Sequence[Node], rows: Sequence[Sequence[Node]]) -> list[Node]:
    """Return a row of headings, those over numbers aligned with them."""
    if any("colspan" in cell for row in [head, *rows] for cell in row):
        return list(head)
    numeric = [all(cell.get("number") for cell in column) for column in zip(*rows, strict=False)]
    numeric += [False] * (len(head) - len(numeric))
    return [{**cell, "number": number} for cell, number in zip(head, numeric, strict=False)]


PAGE_CHARACTERS: Final = 104  # of table text in the width of the page
_SHORT: Final = 20
_MOST: Final = 30
PADDING: Final = 2


def column_widths(lengths: Sequence[int]) -> list[str | int]:
    """Return the width of each column: its own where it is short, else a share of the rest.

    Shares grow with the root of the length, so that a long text leaves room for its neighbours.

    Examples
    --------
    >>> column_widths([100, 5, 25])
    [100, 'auto', 50]
    """
    return ["auto" if n <= _SHORT else round(10 * min(n, 4 * _MOST) ** 0.5) for n in lengths]


def _lengths(rows: Sequence[Sequence[Node]], width: int) -> list[int]:
    lengths = [1] * width
    for row in rows:
        index = 0
        for cell in row:
            if cell.get("colspan", 1) == 1 and index < width:
                lengths[index] = max(lengths[index], text_length(cell["c"]))
            index += cell.get("colspan", 1)
    return lengths


def chunks(lengths: Sequence[int]) -> list[list[int]]:
    """Return which columns stand together; the first is repeated beside each group."""
    needed = [min(length, _MOST) + PADDING for length in lengths]
    if sum(needed) <= PAGE_CHARACTERS:
        return [list(range(1, len(needed)))]
    room = PAGE_CHARACTERS - needed[0]
    fewest = len(_filled(needed, room))
    # The least room that needs no more tables gives tables of about equal width.
    least = range(max(needed[1:]), max(room, *needed[1:]) + 1)
    return next(c for r in least if len(c := _filled(needed, r)) == fewest)


def _filled(needed: Sequence[int], room: int) -> list[list[int]]:
    """Return the columns after the first in groups that fill the room one after the other."""
    groups: list[list[int]] = [[]]
    for index in range(1, len(needed)):
        if groups[-1] and sum(needed[i] for i in groups[-1]) + needed[index] > room:
            groups.append([])
        groups[-1].append(index)
    return groups


def _span(row: Sequence[Node]) -> int:
    return sum(int(cell.get("colspan", 1)) for cell in row)


def _plain(row: Sequence[Node], width: int) -> list[Node]:
    """Return a row without spans, each cell in its column."""
    cells: list[Node] = []
    for cell in row:
        bare = {k: v for k, v in cell.items() if k not in ("colspan", "rowspan")}
        cells += [bare, *({"c": []} for _ in range(int(cell.get("colspan", 1)) - 1))]
    return cells[:width] + [{"c": []}] * (width - len(cells))


def text_length(inlines: Sequence[Inline]) -> int:
    """Return how many characters inlines show."""
    return sum(map(len, _texts(inlines)))


def _texts(inlines: Sequence[Inline]) -> list[str]:
    found: list[str] = []
    for node in inlines:
        if isinstance(node, str):
            found.append(node)
        elif children := [child for part in _INSIDE for child in node.get(part, ())]:
            parts = (c if isinstance(c, list) else [c] for c in children)
            found += _texts([node for part in parts for node in part])
            found += [" "] if node.get("k") in _BLOCKS else []
        else:
            found.append(str(node.get("s") or node.get("alt") or ""))
    return found


def shallow(node: Node, room: int = _MAX_DEPTH) -> Node:
    """Return a node with what is nested too deeply for Typst as plain text.

    Examples
    --------
    >>> shallow(paragraph({"k": "em", "c": [{"k": "strong", "c": ["x"]}]}), room=1)
    {'k': 'para', 'c': [{'k': 'em', 'c': ['x']}]}
    """

    def inner(child: Any) -> Any:
        if isinstance(child, list):
            return [inner(item) for item in child]
        if isinstance(child, str):
            return child
        if room > 0:
            return shallow(child, room - 1)
        return paragraph(plain_words([child])) if child["k"] in _BLOCKS else plain_words([child])

    return {key: inner(value) if key in _INSIDE else value for key, value in node.items()}


def plain_words(inlines: Sequence[Inline]) -> str:
    """Return the text of inlines without their form."""
    return "".join(_texts(inlines)).strip()


def walk(value: Any, change: Mapping[int, str] | None = None) -> Any:
    """Return data with every text clean, and characters replaced where `change` says so."""
    if isinstance(value, str):
        return clean_text(value).translate(change or {})
    if isinstance(value, Mapping):
        return {key: walk(item, change) for key, item in value.items()}
    return [walk(item, change) for item in value] if isinstance(value, list | tuple) else value

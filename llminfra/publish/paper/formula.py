"""LaTeX formulas as plain data that the Typst files build real formulas from."""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any, Final
from xml.etree.ElementTree import Element

from llminfra.present.mathml import formula_tree

Node = dict[str, Any]

_MAX_DEPTH: Final = 24  # Typst's own limit is near; deeper formulas are not to be read anyway
_EMPTY: Final[Node] = {"k": "row", "c": []}
_ALIGN: Final[Node] = {"k": "align"}

_OPENING: Final = "([{⟨⌊⌈|‖"
_CLOSING: Final = ")]}⟩⌋⌉|‖"
# Operators that carry their scripts above and below in a displayed formula.
_LIMITS: Final = frozenset(["max", "min", "sup", "inf", "lim", "limsup", "liminf", "argmax", "det"])
_BRACES: Final = frozenset("⏞⏟⎴⎵―_‾")
_ACCENTS: Final = {"^": "hat", "~": "tilde", "¯": "macron", "˙": "dot", "¨": "diaer", "→": "arrow"}


@lru_cache(maxsize=1024)
def formula_data(latex: str) -> Node | None:
    r"""Return a LaTeX formula as nested dictionaries, or None where it cannot be read.

    Parameters
    ----------
    latex : str
        The formula without dollar signs.

    Returns
    -------
    dict or None
        ``{"k": kind, …}`` with the parts of the formula inside.

    Examples
    --------
    >>> formula_data(r"\frac{a}{2}")["k"]
    'frac'
    >>> formula_data(r"\unknown{x}") is None
    True
    """
    tree = formula_tree(latex)
    return None if tree is None or _depth(tree) > _MAX_DEPTH else _row(list(tree))


def _depth(node: Element) -> int:
    level, depth = [node], 0
    while level:
        level, depth = [child for parent in level for child in parent], depth + 1
    return depth


def spoken(latex: str) -> str:
    r"""Return a formula as text for those who hear it: its source without layout commands.

    Examples
    --------
    >>> spoken(r"n = d \, \lfloor K / s \rfloor")
    'n = d lfloor K / s rfloor'
    """
    bare = re.sub(r"\\[,;:! ]|\\q?quad\b|\\(?:left|right|displaystyle|mathrm|text)\b", " ", latex)
    return re.sub(r"\s+", " ", re.sub(r"[\\{}&]", " ", bare)).strip() or "formula"


def _row(nodes: Sequence[Element]) -> Node:
    parts = list(_joined(nodes))
    return parts[0] if len(parts) == 1 else {"k": "row", "c": parts}


def _joined(nodes: Sequence[Element]) -> Iterator[Node]:
    """Yield the parts of a row; letters of one upright word come as one part."""
    word = ""
    for node in nodes:
        if node.tag == "mi" and node.get("mathvariant") == "normal":
            word += node.text or ""
            continue
        if word:
            yield {"k": "upright", "s": word}
            word = ""
        yield _node(node)
    if word:
        yield {"k": "upright", "s": word}


def _node(node: Element) -> Node:
    text = node.text or ""
    if node.tag in _LEAVES:
        return _LEAVES[node.tag](node, text)
    if node.tag in _BRANCHES:
        return _BRANCHES[node.tag](list(node))
    if node.tag == "mfrac":
        parts = _each(list(node))
        if node.get("linethickness") == "0":  # a binomial
            return {"k": "table", "rows": [[part] for part in parts]}
        return {"k": "frac", "c": parts}
    return _fenced(list(node))


def _each(nodes: Sequence[Element]) -> list[Node]:
    return [_node(node) for node in nodes]


def _space(node: Element, _: str) -> Node:
    width = re.match(r"-?[\d.]+(?=em)", node.get("width", ""))
    return {"k": "space", "em": float(width[0]) if width else 0.0}


def _operator(_: Element, text: str) -> Node:
    if text.isalpha() and len(text) > 1:
        return {"k": "op", "s": text, "limits": text in _LIMITS}
    return {"k": "sym", "s": text}


def _letter(node: Element, text: str) -> Node:
    return {"k": "op", "s": text, "limits": False} if len(text) > 1 else {"k": "sym", "s": text}


def _scripts(*places: str) -> Callable[[Sequence[Element]], Node]:
    def attach(nodes: Sequence[Element]) -> Node:
        base, *others = _each(nodes)
        scripts = dict(zip(places, others, strict=True))
        return {"k": "attach", "base": base, **scripts, "limits": "under" in places}

    return attach


def _under_over(*places: str) -> Callable[[Sequence[Element]], Node]:
    def stack(nodes: Sequence[Element]) -> Node:
        base, *others = nodes
        mark = (others[0].text or "").strip() if others else ""
        if len(others) == 1 and places == ("t",) and mark in _ACCENTS:
            return {"k": "accent", "base": _node(base), "accent": _ACCENTS[mark]}
        if len(others) == 1 and mark in _BRACES:
            kind = "line" if mark in "―_‾" else "brace"
            return {"k": f"{places[0]}{kind}", "base": _node(base)}
        scripts = dict(zip(places, _each(others), strict=True))
        return {"k": "attach", "base": _node(base), **scripts, "limits": True}

    return stack


def _fenced(nodes: Sequence[Element]) -> Node:
    """Return a row whose first and last operators grow with what they hold."""
    first = (nodes[0].text or "") if nodes and nodes[0].tag == "mo" else ""
    last = (nodes[-1].text or "") if nodes and nodes[-1].tag == "mo" else ""
    opens = first in _OPENING and first and nodes[0].get("stretchy") != "false"
    if not opens or len(nodes) < 2:
        return _row(nodes)
    closes = bool(last) and last in _CLOSING and len(nodes) > 2
    inner = _row(nodes[1:-1] if closes else nodes[1:])
    return {"k": "lr", "open": first, "close": last if closes else "", "c": [inner]}


def _table(nodes: Sequence[Element]) -> Node:
    rows = [list(_aligned(list(row))) for row in nodes]
    width = max((len(row) for row in rows), default=0)
    return {"k": "table", "rows": [r + [_EMPTY] * (width - len(r)) for r in rows]}


def _aligned(cells: Sequence[Element]) -> Iterator[Node]:
    """Yield the cells of a row with marks where columns align; a right and a left one are one."""
    index = 0
    while index < len(cells):
        sides = [cell.get("columnalign", "") for cell in cells[index : index + 2]]
        left = _row(list(cells[index]))
        if sides == ["right", "left"]:
            yield {"k": "row", "c": [left, _ALIGN, _row(list(cells[index + 1]))]}
            index += 2
            continue
        before = [_ALIGN] if sides[0] == "left" else []
        after = [_ALIGN] if sides[0] == "right" else []
        yield {"k": "row", "c": [*before, left, *after]}
        index += 1


_LEAVES: Final[dict[str, Callable[[Element, str], Node]]] = {
    "mi": _letter,
    "mo": _operator,
    "mn": lambda _, text: {"k": "num", "s": text},
    "mtext": lambda _, text: {"k": "text", "s": text},
    "mspace": _space,
    "none": lambda *_: _EMPTY,
}
_BRANCHES: Final[dict[str, Callable[[Sequence[Element]], Node]]] = {
    "msub": _scripts("b"),
    "msup": _scripts("t"),
    "msubsup": _scripts("b", "t"),
    "munder": _under_over("b"),
    "mover": _under_over("t"),
    "munderover": _under_over("b", "t"),
    "msqrt": lambda nodes: {"k": "sqrt", "c": [_row(nodes)]},
    "mroot": lambda nodes: {"k": "root", "c": _each(nodes)},
    "menclose": lambda nodes: {"k": "box", "c": [_row(nodes)]},
    "mtable": _table,
}

"""LaTeX formulas as MathML, which browsers draw without a script and screen readers read."""

import re
from functools import lru_cache
from html import escape
from typing import Final
from xml.etree import ElementTree

from latex2mathml.converter import convert

_NAMESPACE: Final = "{http://www.w3.org/1998/Math/MathML}"
_ELEMENTS: Final = frozenset(
    [
        *("math", "mrow", "mi", "mo", "mn", "mtext", "mspace", "mfrac", "msub", "msup", "msubsup"),
        *("munder", "mover", "munderover", "mtable", "mtr", "mtd", "msqrt", "mroot", "mstyle"),
        *("mpadded", "mphantom", "menclose", "mmultiscripts", "mprescripts", "none"),
    ]
)
_ATTRIBUTES: Final = frozenset(
    [
        *("mathvariant", "stretchy", "fence", "form", "separator", "width", "height", "depth"),
        *("linethickness", "displaystyle", "scriptlevel", "columnalign", "rowspacing"),
        *("columnspacing", "accent", "accentunder", "mathcolor", "open", "close", "minsize"),
        *("maxsize", "movablelimits", "lspace", "rspace", "display"),
    ]
)
# Environments and operators that the converter leaves as raw text, written as it knows them.
_REWRITES: Final = (
    (r"\\(begin|end)\{(?:aligned|split|align|gathered|eqnarray)\*?\}", r"\\\1{align*}"),
    (r"\\arg(?![a-zA-Z])", r"\\operatorname{arg}"),
    (r"\\(?:nonumber|notag)(?![a-zA-Z])", ""),
    (r"\\label\{[^{}]*\}", ""),
)
_MAX_LENGTH: Final = 10_000


@lru_cache(maxsize=1024)
def mathml(latex: str, *, block: bool = False, alt: str = "") -> str:
    r"""Return a LaTeX formula as a ``<math>`` element, or its source as code where that fails.

    Parameters
    ----------
    latex : str
        The formula without dollar signs.
    block : bool
        Display style on a line of its own.
    alt : str
        The formula in plain words, for screen readers.

    Returns
    -------
    str
        HTML; text of the formula is escaped, unknown elements and attributes are dropped.

    Examples
    --------
    >>> mathml("x<y")
    '<math><mrow><mi>x</mi><mo>&lt;</mo><mi>y</mi></mrow></math>'
    >>> mathml(r"\unknown{x}")
    '<code class="ll-latex">\\unknown{x}</code>'
    """
    root = formula_tree(latex)
    if root is None:
        return f'<code class="ll-latex">{escape(latex)}</code>'
    root.attrib.clear()
    if block:
        root.set("display", "block")
    if alt:
        root.set("aria-label", alt)
    return ElementTree.tostring(root, encoding="unicode", short_empty_elements=False)


def formula_tree(latex: str) -> ElementTree.Element | None:
    r"""Return a LaTeX formula as the tree of its MathML, or None where that fails.

    Examples
    --------
    >>> [node.tag for node in formula_tree("x^2").iter()]
    ['math', 'mrow', 'msup', 'mi', 'mn']
    >>> formula_tree(r"\unknown{x}") is None
    True
    """
    try:
        return _tree(latex)
    except Exception:  # The converter raises many types, and no formula may break a report.
        return None


def _tree(latex: str) -> ElementTree.Element | None:
    if len(latex) > _MAX_LENGTH:
        return None
    for pattern, replacement in _REWRITES:
        latex = re.sub(pattern, replacement, latex)
    root = ElementTree.fromstring(re.sub(r"&(?!#x?[0-9A-Fa-f]+;)", "&amp;", convert(latex)))
    for node in root.iter():
        node.tag = node.tag.removeprefix(_NAMESPACE)
        if node.tag not in _ELEMENTS or (node.tag != "mtext" and "\\" in (node.text or "")):
            return None
        node.attrib = {k: v for k, v in node.attrib.items() if k in _ATTRIBUTES}
        _join_thousands(node)
    return root


def _join_thousands(parent: ElementTree.Element) -> None:
    """Make one number of ``1{,}234``, which comes as three elements with gaps between them."""
    index = 0
    while index + 2 < len(parent):
        left, comma, right = parent[index : index + 3]
        digits = (left.text or "").replace(",", ""), (right.text or "")
        is_number = left.tag.endswith("mn") and right.tag.endswith("mn")
        if is_number and "".join(comma.itertext()) == "," and _thousands(*digits):
            left.text = f"{left.text},{right.text}"
            parent.remove(comma)
            parent.remove(right)
        else:
            index += 1


def _thousands(left: str, right: str) -> bool:
    return left.isdigit() and re.fullmatch(r"\d{3}(\.\d+)?", right) is not None

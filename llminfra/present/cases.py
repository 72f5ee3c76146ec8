"""Words that a ``when`` asks for, against those that the code cells can give: a slip hides a text.

``%%answer when case == "to few"`` is never shown where the code says ``"too few"``. What a name can
be is read off the code, where it can be: texts, choices between them, and look-ups in a table.
"""

import ast
from collections.abc import Iterable, Iterator
from functools import lru_cache

from llminfra.errors import RenderError
from llminfra.present.checks import near

Texts = frozenset[str] | None  # None: not to be told without running
_NONE: frozenset[str] = frozenset()
_BINDS = ast.For | ast.AsyncFor | ast.comprehension
_EQUAL = ast.Eq | ast.NotEq
_GIVES = ast.Assign | ast.AnnAssign | ast.NamedExpr


def check_cases(condition: str, cells: Iterable[str], where: str) -> None:
    """Refuse a text that no code cell can give to the name it is compared with.

    Parameters
    ----------
    condition : str
        What stands after ``when``.
    cells : iterable of str
        The code that has run.
    where : str
        The first line of the cell, for the message.

    Raises
    ------
    RenderError
        One line: name, text, and the closest that the code gives, or all of these.

    Examples
    --------
    >>> check_cases("case == 'to few'", ["case = 'enough' if fits else 'too few'"], "%%answer")
    Traceback (most recent call last):
    llminfra.errors.RenderError: %%answer: no code cell sets case to 'to few'; closest: too few
    """
    asked = list(_asked(condition))
    code = tuple(dict.fromkeys(cells)) if asked else ()  # cells that ran again count once
    for name, text in asked:
        given = _texts_of(name, code, frozenset())
        if given is not None and text not in given:
            hint = near(text, given) or f"; it is one of {', '.join(sorted(given))}"
            raise RenderError(f"{where}: no code cell sets {name} to {text!r}{hint}")


@lru_cache(512)
def _nodes(cell: str) -> tuple[ast.AST, ...]:
    try:
        return tuple(ast.walk(ast.parse(cell)))
    except (SyntaxError, ValueError):  # a magic, a shell command
        return ()


def _asked(condition: str) -> Iterator[tuple[str, str]]:
    """Yield each name with a text that it is compared with."""
    for node in ast.walk(ast.parse(condition or "None", mode="eval")):
        if not isinstance(node, ast.Compare) or len(node.ops) != 1:
            continue
        left, right, is_equality = node.left, node.comparators[0], isinstance(node.ops[0], _EQUAL)
        if isinstance(left, ast.Constant) and is_equality:
            left, right = right, left
        members = right.elts if isinstance(right, ast.Tuple | ast.List | ast.Set) else []
        for text in [right] if is_equality else members:
            said = text.value if isinstance(text, ast.Constant) else None
            if isinstance(left, ast.Name) and isinstance(said, str):
                yield left.id, said


def _texts_of(name: str, code: tuple[str, ...], above: frozenset[str]) -> Texts:
    """Return the texts that code gives to a name; None where it does not say so plainly."""
    nodes = [node for cell in code if name in cell for node in _nodes(cell)]
    values = [value for node in nodes for value in _given(node, name)]
    if not values or name in above:
        return None
    return _union(None if v is None else _texts(v, code, above | {name}) for v in values)


def _given(node: ast.AST, name: str) -> Iterator[ast.expr | None]:
    """Yield what a statement gives to a name; None where that is not an expression of its own."""
    if isinstance(node, _GIVES):
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            yield from _matched(target, node.value, name)
    elif isinstance(node, _BINDS | ast.AugAssign) and _holds(node.target, name):
        yield None
    elif isinstance(node, ast.withitem) and node.optional_vars is not None:
        yield from [None] if _holds(node.optional_vars, name) else []
    elif isinstance(node, ast.alias) and (node.asname or node.name) == name:
        yield None


def _matched(target: ast.expr, value: ast.expr | None, name: str) -> Iterator[ast.expr | None]:
    if isinstance(target, ast.Name):
        yield from [value] if target.id == name and value is not None else []
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for one, given in zip(target.elts, value.elts, strict=False):
            yield from _matched(one, given, name)
    elif _holds(target, name):
        yield None


def _holds(target: ast.expr, name: str) -> bool:
    stored = (n for n in ast.walk(target) if isinstance(n, ast.Name))
    return any(n.id == name and isinstance(n.ctx, ast.Store) for n in stored)


def _texts(value: ast.expr, code: tuple[str, ...], above: frozenset[str]) -> Texts:
    if isinstance(value, ast.Constant):
        return frozenset({value.value}) if isinstance(value.value, str) else _NONE
    if isinstance(value, ast.Name):
        return _texts_of(value.id, code, above)
    if isinstance(value, ast.NamedExpr):
        return _texts(value.value, code, above)
    parts: list[ast.expr] | None = None
    if isinstance(value, ast.IfExp):
        parts = [value.body, value.orelse]
    elif isinstance(value, ast.BoolOp):
        parts = value.values
    elif isinstance(value, ast.Subscript) and isinstance(value.value, ast.Dict):
        parts = value.value.values
    return None if parts is None else _union(_texts(part, code, above) for part in parts)


def _union(found: Iterable[Texts]) -> Texts:
    texts: frozenset[str] = _NONE
    for some in found:
        if some is None:
            return None
        texts |= some
    return texts

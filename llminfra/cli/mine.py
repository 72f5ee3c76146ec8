"""Parameters that notebooks have for themselves: that one declares the name, and the type fits."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

from llminfra.cli.finding import notebook_files
from llminfra.errors import InvalidInput, closest, shown
from llminfra.publish.about import About, Unreadable, about
from llminfra.scenario import Scenario
from llminfra.scenario.expand import Case
from llminfra.scenario.file import MY

_WORDS: Final = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "list": "a list",
    "dict": "a table",
}
_TYPES: Final[Mapping[str, type | tuple[type, ...]]] = {
    "int": int,
    "float": (int, float),
    "str": str,
    "bool": bool,
    "list": list,
    "dict": dict,
}


def check_mine(case: Case, books: Iterable[About]) -> None:
    """Refuse a parameter that no notebook declares, or whose type is another one there.

    Parameters
    ----------
    case : Case
        With what a scenario file has under ``[my]``, and the command line as ``my.NAME``.
    books : iterable of About
        The notebooks to render. A name that only another notebook declares, one that could be
        rendered by its name, is no mistake: it is the same file for all of them.

    Raises
    ------
    InvalidInput
        One line: where it stands, name, value, and what would do.
    """
    rendered = list(books)
    named = [*rendered, *_others(rendered)] if case.my else []
    known = {name for book in named for name in book.parameters}
    for name in case.my:
        if name not in known:
            own = sorted(known - {"more", *Scenario.model_fields})
            near = f"closest: {', '.join(closest(name, own))}" if own else "they have none"
            fault = f"{MY}.{name} must be a parameter of a notebook; {near}"
            raise InvalidInput(f"{_where(case, name)}{fault}", field=name)
    for name, value in case.my.items():
        faults = [_fault(name, value, book) for book in rendered if name in book.parameters]
        _refuse(case, name, next(filter(None, faults), ""))
    if not any(set(case.my) & set(book.parameters) for book in rendered):
        check_types(case)


def check_types(case: Case) -> None:
    """Refuse a parameter that fits none of the notebooks with a name which declare it."""
    books = list(_others([])) if case.my else []
    for name, value in case.my.items():
        faults = [_fault(name, value, book) for book in books if name in book.parameters]
        _refuse(case, name, faults[0] if all(faults) and faults else "")


def _refuse(case: Case, name: str, fault: str) -> None:
    if fault:
        raise InvalidInput(f"{_where(case, name)}{fault}", field=name)


def _where(case: Case, name: str) -> str:
    return f"{case.my_where[name]}: " if name in case.my_where else ""


def _others(rendered: list[About]) -> Iterator[About]:
    """The notebooks that have a name, but these, and but those that cannot be read."""
    paths = {book.path.resolve() for book in rendered}
    for path in notebook_files():
        with suppress(InvalidInput):
            if path.resolve() not in paths:
                yield about(path)


def _fault(name: str, value: Any, book: About) -> str:
    """Say how a value differs from the type that the notebook's parameter is declared with."""
    declared = book.annotations.get(name, "")
    wanted = list(_wanted(declared)) if declared else []
    if not wanted or any(word not in _WORDS or _is(value, word) for word in wanted):
        return ""
    default = book.parameters[name]
    said = f"{name}: {declared}" + ("" if default is Unreadable else f" = {default!r}")
    words = " or ".join(_WORDS[word] for word in wanted)
    return f"{MY}.{name} must be {words}, got {shown(value)}; {book.path.name} says {said}"


def _wanted(annotation: str) -> Iterator[str]:
    """Yield the types that an annotation allows; of a list its items are not looked at.

    Examples
    --------
    >>> list(_wanted("int | None")), list(_wanted("list[float]")), list(_wanted("Optional[str]"))
    (['int'], ['list'], ['str'])
    """
    node: Any = ast.parse(annotation, mode="eval").body
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        node = ast.parse(node.value, mode="eval").body
    parts = [node]
    while any(isinstance(part, ast.BinOp) for part in parts):
        parts = [x for p in parts for x in ([p.left, p.right] if isinstance(p, ast.BinOp) else [p])]
    for part in parts:
        text = ast.unparse(part)
        if text.startswith("Optional[") and isinstance(part, ast.Subscript):
            yield from _wanted(ast.unparse(part.slice))
        elif text != "None":
            yield text.partition("[")[0]


def _is(value: Any, word: str) -> bool:
    """Tell whether a value is of a type; truth is no number, a whole number is a number."""
    return isinstance(value, _TYPES[word]) and (word == "bool") >= isinstance(value, bool)

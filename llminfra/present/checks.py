"""What is wrong with a template, found without evaluating it: in sentences not shown, too.

Words hold names and formats alone. A name that no cell made, an attribute that something existing
does not have, a format that does not exist: each is an error of the cell it stands in, whether or
not its case is the one that a scenario takes.
"""

import ast
import builtins
import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, Final

from jinja2 import Template, TemplateSyntaxError, nodes
from jinja2.runtime import Undefined
from jinja2.sandbox import SandboxedEnvironment

from llminfra.errors import RenderError
from llminfra.present.prose import FORMATS, MARKDOWN

_BRANCHES: Final = "no {% %} in words: write a cell for each case, with 'when' in its first line"
_CALL: Final = "no calls in words: give {what} a name in a code cell above"
_CHOICE: Final = "no choices in words: give the phrase a name in a code cell above"
# As in an f-string; formulas and code may hold such.
_SINGLE: Final = re.compile(r"(?<!\{)\{([A-Za-z_][\w.]*)(?:[:!][^{}\n]*)?\}(?!\})")
_VERBATIM: Final = re.compile(r"\$[^$\n]+\$|`[^`]*`")
_UNMADE: Final = "; a code cell above must make it"
_KEPT: Final = frozenset({"In", "Out", "exit", "quit", "get_ipython", "open", "more"})


def check_words(template: str, names: Mapping[str, Any], where: str) -> None:
    """Find what a template asks for that does not exist.

    Parameters
    ----------
    template : str
        Words with ``{{ name | format }}``.
    names : mapping
        The notebook's names.
    where : str
        The first line of the cell, for the message.

    Raises
    ------
    RenderError
        One line: cell, line in it, what is wrong, what is closest.

    Examples
    --------
    >>> check_words("{{ usrs | count }}", {"users": 100}, "%%prose")
    Traceback (most recent call last):
    llminfra.errors.RenderError: %%prose: line 2: no name 'usrs'; closest: users
    """
    if "{%" in template:
        raise RenderError(f"{where}: {_BRANCHES}")
    try:
        tree = MARKDOWN.parse(template)
    except TemplateSyntaxError as error:
        text = template.splitlines()[error.lineno - 1].strip()[:60]
        raise RenderError(
            f"{where}: line {error.lineno + 1}: {error.message} in {text!r}"
        ) from None
    for node in tree.find_all((nodes.Call, nodes.CondExpr, nodes.Filter, nodes.Name)):
        if fault := _fault(node, names):
            raise RenderError(f"{where}: line {node.lineno + 1}: {fault}")
    for found in _SINGLE.finditer(_VERBATIM.sub(" ", template)):
        if found[1].partition(".")[0] in names:
            fix = f"{{{{ {found[1]} | number }}}}"
            raise RenderError(f"{where}: {found[0]} stays as it is in words; write {fix}")
    for node in tree.find_all(nodes.Getattr):
        if fault := _missing(node, names, MARKDOWN):
            raise RenderError(f"{where}: line {node.lineno + 1}: {fault}")


def _fault(node: nodes.Node, names: Mapping[str, Any]) -> str:
    if isinstance(node, nodes.Call):
        return _CALL.format(what=f"the result of {_spelled(node.node)}(…)")
    if isinstance(node, nodes.CondExpr):
        return _CHOICE
    if isinstance(node, nodes.Filter):
        return _format_fault(node)
    if isinstance(node, nodes.Name) and node.name not in names:
        return f"no name {node.name!r}{near(node.name, _own(names)) or _UNMADE}"
    return ""


def _format_fault(node: nodes.Filter) -> str:
    if node.name not in MARKDOWN.filters:
        return f"no format {node.name!r}{near(node.name, FORMATS)}"
    first = node.args[0] if node.args else None
    if node.name == "band" and isinstance(first, nodes.Const) and first.value not in FORMATS:
        return f"no format {first.value!r}{near(str(first.value), FORMATS)}"
    return ""


def _missing(node: nodes.Getattr, names: Mapping[str, Any], env: SandboxedEnvironment) -> str:
    """Name an attribute that something existing does not have."""
    try:
        owner = _value(node.node, names, env)
        found = Undefined() if owner is None else env.getattr(owner, node.attr)
    except Exception:  # a fact that is missing, an index out of range: nothing to look at
        return ""
    if owner is None or not isinstance(found, Undefined):
        return ""
    known = owner if isinstance(owner, Mapping) else dir(owner)
    return f"{_spelled(node.node)} has no {node.attr!r}{near(node.attr, map(str, known))}"


def _value(node: nodes.Node, names: Mapping[str, Any], env: SandboxedEnvironment) -> Any:
    """Follow names, attributes and constant keys; None for anything else, and for what is None."""
    if isinstance(node, nodes.Name):
        return names.get(node.name)
    if isinstance(node, nodes.Getattr | nodes.Getitem):
        owner = _value(node.node, names, env)
        key = node.attr if isinstance(node, nodes.Getattr) else _constant(node.arg)
        get = env.getattr if isinstance(node, nodes.Getattr) else env.getitem
        found = None if owner is None or key is None else get(owner, key)
        return None if isinstance(found, Undefined) else found
    return None


def _constant(node: nodes.Node) -> Any:
    return node.value if isinstance(node, nodes.Const) else None


def _spelled(node: nodes.Node) -> str:
    if isinstance(node, nodes.Name):
        return str(node.name)
    return f"{_spelled(node.node)}.{node.attr}" if isinstance(node, nodes.Getattr) else "this"


def condition_holds(condition: str, names: Mapping[str, Any], where: str) -> bool:
    """Evaluate what stands after ``when``; every name in it must exist.

    Examples
    --------
    >>> condition_holds("case in ('few', 'none')", {"case": "few"}, "%%answer")
    True
    >>> condition_holds("cse == 'few'", {"case": "few"}, "%%answer when cse == 'few'")
    Traceback (most recent call last):
    llminfra.errors.RenderError: %%answer when cse == 'few': no name 'cse'; closest: case
    """
    if not condition:
        return True
    try:
        tree = ast.parse(condition, mode="eval")
    except SyntaxError as error:
        raise RenderError(f"{where}: 'when' must be one Python expression: {error.msg}") from None
    made = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and _is_stored(n)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id not in made | set(names) | set(dir(builtins)):
            raise RenderError(f"{where}: no name {node.id!r}{near(node.id, _own(names))}")
    try:
        return bool(eval(compile(tree, "<when>", "eval"), dict(names)))
    except Exception as error:
        raise RenderError(f"{where}: {type(error).__name__}: {error}") from None


def _is_stored(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Store)


def near(name: str, known: Iterable[str]) -> str:
    """Say which known name is closest, if one is close.

    Examples
    --------
    >>> near("usrs", ["users", "speed"]), near("xyz", ["users"])
    ('; closest: users', '')
    """
    close = get_close_matches(name, [k for k in known if not k.startswith("_")], 1)
    return f"; closest: {close[0]}" if close else ""


def _own(names: Mapping[str, Any]) -> list[str]:
    """Names of the analyst's, without those of IPython."""
    return [name for name in names if name not in _KEPT and not isinstance(names[name], Template)]

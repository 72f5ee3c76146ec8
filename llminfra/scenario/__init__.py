"""A Scenario is what was asked: the union of all facets' inputs, with flat keyword access."""

import ast
import datetime as dt
import types
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, Self, Union, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from llminfra import units
from llminfra.catalog.loader import catalog_date
from llminfra.errors import InvalidInput, closest, shown
from llminfra.facets import FACETS, decision, training
from llminfra.facets.base import Band, storable
from llminfra.facets.demand import DEFAULT_IN_FLIGHT

_PLAIN: Final = (str, int, float, bool, list, dict, tuple, dt.date, types.NoneType)
# Names that IPython puts into a notebook's namespace.
_NOT_PARAMETERS: Final = {"In", "Out"}
_SEEN: Final = "__llminfra_names__"
# Words of a field from which on the closest of them are told.
_MANY: Final = 6


# Inputs of a question have the fields of those before it: these two have all.
class Scenario(training.Inputs, decision.Inputs):
    """What was asked: every field of every facet, by keyword, and all that a scenario can do."""

    def __init__(self, **values: Any) -> None:
        values = {k: v for k, v in values.items() if not (k == "as_of" and v is None)}
        values.setdefault("as_of", catalog_date())
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise _one_line(error) from None
        self.fact_overrides(), self.own_prices()  # which checks them
        for question in FACETS:
            if question.check is not None:
                question.check(self)

    @classmethod
    def from_cell(cls, namespace: dict[str, Any]) -> Self:
        """Build the scenario from a notebook's parameters cell.

        Parameters
        ----------
        namespace : dict
            ``globals()`` of the notebook: scenario fields, ``more`` with further fields, and
            notebook-local parameters, which must carry a type annotation.

        Raises
        ------
        InvalidInput
            For a name that is neither, so that a misspelt parameter never passes in silence.
        """
        known = set(cls.model_fields)
        _reject_misspelt(namespace, known)
        listed = {name: namespace[name] for name in known if name in namespace}
        more = namespace.get("more", {})
        if not isinstance(more, dict):
            raise InvalidInput(
                f"more must be a dict of scenario fields, got {shown(more)}", field="more"
            )
        for name in more:
            if name not in known:
                raise InvalidInput(f"more: {unknown_field(str(name), known)}", field=str(name))
            if name in listed:
                raise InvalidInput(
                    f"{name} must be given once, got it in the parameters cell and in more; "
                    "keep the cell",
                    field=name,
                )
        return cls(**listed, **more)

    def replace(self, **changes: Any) -> Self:
        """Return a changed copy, checked like any other scenario."""
        given = {name: getattr(self, name) for name in self.model_fields_set}
        return type(self)(**(given | changes))

    def changed(self) -> set[str]:
        """Names of the fields that differ from their default."""
        return {name for name in self.model_fields_set if getattr(self, name) != _default(name)}

    def to_dict(self) -> dict[str, Any]:
        """Return all fields as plain data."""
        return {name: storable(getattr(self, name)) for name in type(self).model_fields}

    @classmethod
    def describe_fields(cls) -> list[dict[str, Any]]:
        """Return name, type, unit, range, default and help of every field."""
        return [
            {
                "name": name,
                "type": expected(name),
                "unit": _extra(name).get("unit", ""),
                "default": storable(info.default),
                "help": info.description or "",
            }
            for name, info in cls.model_fields.items()
        ]


def expected(name: str) -> str:
    """Say in words what a field accepts.

    Examples
    --------
    >>> expected("replicas")
    'a whole number or "auto" from 1 to 100,000 replicas'
    """
    if name == "title":
        return "plain text of at most 80 characters without control characters"
    if name == "name":
        return "letters, digits and . _ - = , + (at most 120 bytes, no path)"
    extra = _extra(name)
    words = [_type_words(part) for part in _parts(Scenario.model_fields[name].annotation)]
    text = " or ".join(dict.fromkeys(word for word in words if word))
    if "minimum" in extra and "maximum" in extra:
        unit = units.plural(str(extra.get("unit", "")))
        text += f" from {extra['minimum']:,g} to {_bound(extra['maximum'])} {unit}"
    return text.rstrip()


def _bound(value: float) -> str:
    """Write a bound in full: whole numbers with commas, shares as they are."""
    return f"{value:,.0f}" if value == int(value) else f"{value:g}"


def is_text_field(name: str) -> bool:
    """Tell whether a field holds text, so that ``0.10`` and ``true`` mean these very words."""
    return str in _parts(Scenario.model_fields[name].annotation)


def _choices(part: Any) -> tuple[Any, ...]:
    return get_args(part) if get_origin(part) is Literal else ()


def _type_words(part: Any) -> str:
    if get_origin(part) is Literal:
        choices = [str(choice) for choice in get_args(part)]
        return "one of " + ", ".join(choices) if len(choices) > 1 else f'"{choices[0]}"'
    words = {
        str: "text",
        bool: "true or false",
        int: "a whole number",
        float: "a number",
        dt.date: "a date such as 2026-11-23",
        Band: "three numbers low, base, high",
    }
    of = "numbers" if get_args(part) == (float,) else "names"
    tables = {dict: "a table", list: f"a list of {of}"}
    return tables.get(get_origin(part), "") or words.get(part, "")


def _parts(annotation: Any) -> list[Any]:
    if get_origin(annotation) in (Union, types.UnionType):
        parts = [part for arg in get_args(annotation) for part in _parts(arg)]
        return [p for p in parts if not (p is int and float in parts)]
    return [annotation]


def _extra(name: str) -> dict[str, Any]:
    extra = Scenario.model_fields[name].json_schema_extra
    return extra if isinstance(extra, dict) else {}


def _one_line(error: ValidationError) -> InvalidInput:
    details = error.errors(include_url=False)
    messages = list(dict.fromkeys(_message(detail) for detail in details))
    more = f" (and {len(messages) - 1} more)" if len(messages) > 1 else ""
    return InvalidInput(messages[0] + more, field=str(details[0]["loc"][0]))


def _message(detail: ErrorDetails) -> str:
    name, value = str(detail["loc"][0]), detail["input"]
    raised = detail.get("ctx", {}).get("error")
    if isinstance(raised, InvalidInput):  # which says more, such as the line of a table
        return str(raised)
    if detail["type"] == "extra_forbidden":
        return unknown_field(name, Scenario.model_fields)
    if len(detail["loc"]) > 1:  # a member of a union: show the whole value
        value = getattr(detail["input"], "value", detail["input"])
    default = storable(Scenario.model_fields[name].default)
    fix = f"; the default is {default!r}" if default not in (None, "") else "; leave it out"
    choices = [str(c) for p in _parts(Scenario.model_fields[name].annotation) for c in _choices(p)]
    if isinstance(value, str) and len(choices) > _MANY:
        fix = f"; closest: {', '.join(closest(value, choices))}"
    extra = _extra(name)
    if extra.get("group") == "demand":
        fix += f": a scenario that states no demand has {DEFAULT_IN_FLIGHT} requests in flight"
    is_share = extra.get("unit") == "1" and 0 < extra.get("maximum", 0) <= 1
    if is_share and type(value) in (int, float) and 1 < value <= 100:
        fix = f"; {value:g} % is {value / 100:g}"
    order = ", low <= base <= high" if detail["type"] == "band" else ""
    return f"{name} must be {expected(name)}{order}, got {shown(value)}{fix}"


def _default(name: str) -> Any:
    return catalog_date() if name == "as_of" else Scenario.model_fields[name].default


def unknown_field(name: str, known: Iterable[str]) -> str:
    """Say that a field does not exist and which are closest."""
    return f"unknown field {shown(name)}; closest: {', '.join(closest(name, known))}"


def _reject_misspelt(namespace: dict[str, Any], known: set[str]) -> None:
    """Reject plain values that are no field, not `more` and not annotated.

    When the setup cell runs again in the same kernel, values made by later cells are there too:
    only names that a parameters cell gives are rejected then.
    """
    allowed = known | {"more"} | _NOT_PARAMETERS | _annotated(namespace)
    names = [
        name
        for name, value in namespace.items()
        if isinstance(value, _PLAIN) and name not in allowed
        if not name.startswith("_") and not name.isupper()  # shell history, constants
    ]
    if _SEEN in namespace:
        beside = _typed_beside_fields(namespace, known)
        names = [n for n in names if n in beside and n not in namespace[_SEEN]]
    if names:
        hint = "; a parameter of this notebook alone needs a type annotation"
        raise InvalidInput(unknown_field(names[0], known) + hint, field=names[0])
    namespace[_SEEN] = frozenset(names)


def _typed_beside_fields(namespace: Mapping[str, Any], known: set[str]) -> set[str]:
    """Names that cells with annotated fields give, of all cells that IPython has run."""
    found: set[str] = set()
    for cell in namespace.get("In", ()):
        try:
            body = ast.parse(cell).body
        except (SyntaxError, ValueError):  # a magic, a shell command
            continue
        fields = {ast.unparse(node.target) for node in body if isinstance(node, ast.AnnAssign)}
        if fields & known:
            given = (target for n in body if isinstance(n, ast.Assign) for target in n.targets)
            found |= {target.id for target in given if isinstance(target, ast.Name)}
    return found


def _annotated(namespace: Mapping[str, Any]) -> set[str]:
    """Names with a type annotation, also where Python 3.14 keeps them in a function."""
    names = set(namespace.get("__annotations__") or {})
    annotate = namespace.get("__annotate__")
    if callable(annotate):
        names |= set(annotate(4))  # 4 = Format.STRING, which evaluates nothing
    return names

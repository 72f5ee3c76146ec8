"""What a notebook is given: what the case states, and what notebooks state for themselves."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Final

from llminfra.cli.finding import EXAMPLES
from llminfra.errors import ImpossibleCombination, InvalidInput
from llminfra.publish.about import About, Unreadable
from llminfra.scenario import Scenario
from llminfra.scenario.expand import Case
from llminfra.scenario.file import load_cases

NOTEBOOK: Final = "notebook"  # origin of a field whose default a notebook has changed
_UNSTATED: Final = ("title", "name", "as_of", "facts", "prices")


def stated_by(case: Case, book: About) -> dict[str, Any]:
    """Fields that the notebook states and the case does not.

    A default that differs from that of scenarios counts as stated by the notebook, as it does where
    the notebook is run by itself. Of fields that exclude each other none counts where one is given.
    Beside a file, what is as in the example was stated by nobody: the file would mean one thing
    here and another to `llminfra plan`.
    """
    if not book.is_report or case.scenario is None:
        return {}
    groups = {_group(name) for name in case.origins} - {""}
    shown = _example() if case.stem else {}
    found = {
        name: value
        for name, value in book.parameters.items()
        if name in Scenario.model_fields and name not in (*case.origins, *_UNSTATED)
        if value is not Unreadable and value is not None and _group(name) not in groups
        if value != shown.get(name, Unreadable)
    }
    try:
        scenario = case.scenario.replace(**found)
    except ImpossibleCombination:  # with what the case states, which goes before
        return {}
    except InvalidInput as error:
        raise InvalidInput(f"{book.path.name}: {error}", field=error.field) from None
    mine, plain = scenario.to_dict(), Scenario(as_of=case.scenario.as_of).to_dict()
    return {name: found[name] for name in found if mine[name] != plain[name]}


@cache
def _example() -> dict[str, Any]:
    """Fields of the case that the shipped notebooks show; none where it is not there."""
    path = EXAMPLES / "reports" / "assistant-70b.toml"
    if not path.is_file():
        return {}
    (case,) = load_cases(path, {})
    fields = case.scenario.to_dict() if case.scenario else {}
    return literals({name: fields[name] for name in case.origins})


def _group(name: str) -> str:
    info = Scenario.model_fields.get(name)
    extra = info.json_schema_extra if info else None
    return str(extra.get("group") or "") if isinstance(extra, dict) else ""


def agreed(
    stated: Mapping[Path, Mapping[str, Any]],
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Return what all notebooks state alike, and of what they do not: who says what."""
    names = list(dict.fromkeys(name for fields in stated.values() for name in fields))
    shared: dict[str, Any] = {}
    differing: dict[str, dict[str, Any]] = {}
    for name in names:
        values = {path.stem: fields.get(name) for path, fields in stated.items()}
        if all(value == next(iter(values.values())) for value in values.values()):
            shared[name] = next(iter(values.values()))
        else:
            default = Scenario.model_fields[name].default
            differing[name] = {b: default if v is None else v for b, v in values.items()}
    return shared, differing


def with_stated(case: Case, shared: Mapping[str, Any]) -> Case:
    """Return the case with what all its notebooks state alike."""
    if not shared or case.scenario is None:
        return case
    origins = {**case.origins, **dict.fromkeys(shared, NOTEBOOK)}
    return replace(case, scenario=case.scenario.replace(**shared), origins=origins)


def parameters_for(
    book: About, case: Case, differing: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """Fields that the notebook lists by name, the other given ones in `more`, and its own.

    What only this notebook states stays as it is there. A notebook that does not use this package
    is given what the case states and nothing else: its names may mean something else.
    """
    assert case.scenario is not None
    values, listed = literals(case.scenario.to_dict()), set(book.parameters)
    left = set(differing) if book.is_report else set(values) - set(case.origins)
    found = {name: value for name, value in values.items() if name in listed - left}
    if "more" in listed:
        given = case.scenario.changed() | {"name", "as_of"}
        found["more"] = {n: values[n] for n in sorted(given) if n not in listed}
    return found | {name: value for name, value in case.my.items() if name in listed}


def literals(values: Mapping[str, Any]) -> dict[str, Any]:
    """Write values as a parameters cell does: a range as a list of three."""
    return {name: _literal(value) for name, value in values.items()}


def _literal(value: Any) -> Any:
    is_band = isinstance(value, dict) and value.keys() == {"low", "base", "high"}
    return [value["low"], value["base"], value["high"]] if is_band else value

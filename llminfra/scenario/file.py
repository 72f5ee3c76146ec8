"""Scenario files: TOML in, one or many cases out (see `expand`), each with its origin.

A lock file is a scenario file too: every field with its value, and the facts that were used.
"""

import re
import tomllib
from collections.abc import Container, Iterable, Mapping
from dataclasses import replace
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any, Final

from llminfra.catalog.own import OWN_KEYS, facts_of_table
from llminfra.errors import InvalidInput, shown
from llminfra.facets.deployment import absolute_model
from llminfra.names import OF_CASES, distinct_name
from llminfra.scenario import Scenario, is_text_field, unknown_field
from llminfra.scenario.expand import (
    COMPARE,
    SWEEP,
    VARIANT,
    Case,
    expanded,
    read_comparison,
    read_variants,
)

LOCK_SUFFIX: Final = ".lock.toml"
MY: Final = "my"  # table of what notebooks have for themselves
# Tables that are a field of their own, no section.
_TABLES: Final = ("facts", "prices", "teams")
_UNSAID: Final = ("title", "name")  # texts that "none" takes out, as it is none
_SLIP: Final = 0.8  # names more alike than this are one, misspelt
MAX_BYTES: Final = 1_000_000


def load_cases(path: Path, overrides: Mapping[str, Any] | None = None) -> list[Case]:
    """Read a scenario file into its cases.

    Parameters
    ----------
    path : Path
        A TOML file: fields, in sections or not, ``[facts]``, ``[my]``, and what makes many cases of
        one: ``[sweep]`` and ``[[variant]]``.
    overrides : mapping, optional
        Fields from the command line, which win; None takes a field of the file out. Parameters of
        notebooks are under ``my``.

    Raises
    ------
    InvalidInput
        With file and line, for anything that is wrong in it.
    """
    text, document = read_toml(path)
    given = dict(overrides or {})
    own, asked_own = _my(path, text, document), given.pop(MY, {})
    mine = kept(own | asked_own)
    places = {name: "--set" if name in asked_own else _where(path, text, name) for name in mine}
    fields = _split(path, text, document)
    try:
        varied = read_variants(document, _TABLES)
        comparison = read_comparison(document, varied)
    except InvalidInput as error:
        raise _error(path, text, error.field, str(error)) from None
    origins = dict.fromkeys(fields, path.name) | _locked_origins(document)
    asked = {n: None if value is None else "--set" for n, value in given.items()}
    fields = kept(_absolute(fields, path) | given)
    origins = kept(origins | asked)
    name = _name_of(path)
    try:
        if left := varied.without(given):
            stem, prepared = str(fields.get("name") or name), partial(_absolute, path=path)
            cases = expanded(stem, fields, left, origins, prepared=prepared)
        else:
            scenario = Scenario(**({"name": name} | fields))
            cases = [Case(name=name, scenario=scenario, origins=origins, stem=name)]
        return [replace(case, my=mine, my_where=places, comparison=comparison) for case in cases]
    except InvalidInput as error:
        where = "--set" if error.field in given else _where(path, text, error.field)
        raise InvalidInput(f"{where}: {error}", field=error.field) from None


def _my(path: Path, text: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that notebooks have for themselves."""
    mine = document.get(MY, {})
    if not isinstance(mine, dict):
        raise _error(path, text, MY, f"{MY} must be a table, got {shown(mine)}; write [{MY}]")
    for name, value in mine.items():
        try:
            check_my(name, value, foreign=path.name.endswith(LOCK_SUFFIX))  # as --set may give it
        except InvalidInput as error:
            raise _error(path, text, name, str(error)) from None
    return mine


def check_my(name: str, value: Any, *, foreign: bool = False) -> None:
    """Refuse a parameter of notebooks that is a field of scenarios, or no plain value."""
    if name in Scenario.model_fields and not foreign:
        raise InvalidInput(f"{MY}.{name} is a scenario field; write {name} without {MY}")
    items = list(value.values()) if isinstance(value, dict) else value
    items = items if isinstance(items, list) else [items]
    if not name.isidentifier() or not all(isinstance(v, str | int | float | bool) for v in items):
        raise InvalidInput(
            f"{MY}.{name} must be text, a number, or a list or a table of these", field=MY
        )


def _may_be_mine(name: str, value: Any) -> bool:
    """Tell whether a name that is no field may be meant for a notebook: it is no slip of one."""
    try:
        check_my(name, value)
    except InvalidInput:
        return False
    return not get_close_matches(name, Scenario.model_fields, 1, _SLIP)


def kept(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields but those that the command line takes out, which are None.

    Examples
    --------
    >>> kept({"in_flight": None, "active_users": 100})
    {'active_users': 100}
    """
    return {name: value for name, value in fields.items() if value is not None}


def _name_of(path: Path) -> str:
    """Name a scenario after its file; what a folder's name should not hold becomes a hyphen."""
    stem = path.name.removesuffix(LOCK_SUFFIX).removesuffix(".toml")
    return distinct_name(stem, also=OF_CASES)


def read_toml(path: Path) -> tuple[str, dict[str, Any]]:
    """Return a TOML file's text and content, or raise InvalidInput in one line."""
    if path.suffix != ".toml":
        raise InvalidInput(f"scenario file must be a .toml file, got {shown(str(path))}")
    try:
        size = path.stat().st_size
        text = path.read_text(encoding="utf-8-sig") if size <= MAX_BYTES else ""
    except UnicodeDecodeError:
        raise InvalidInput(f"{path}: must be UTF-8 text; save it as UTF-8") from None
    except OSError as error:
        raise InvalidInput(f"{path}: cannot be read: {error.strerror}") from None
    if size > MAX_BYTES:
        raise InvalidInput(f"{path}: must be at most {MAX_BYTES:,} bytes, got {size:,}")
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{path}: is not valid TOML: {_brief(error)}") from None
    if not document:
        what = "an empty file" if not text.strip() else "comments alone"
        raise InvalidInput(f"{path}: must hold at least one field, got {what}; add a title")
    return text, document


def _brief(error: Exception) -> str:
    return "too deeply nested" if isinstance(error, RecursionError) else str(error).split(";")[0]


def _split(path: Path, text: str, document: dict[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    document = _with_own_accelerator(path, text, document)
    for key, value in document.items():
        if key in ("lock", SWEEP, VARIANT, COMPARE, MY):
            continue
        for name, item in value.items() if _is_section(key, value) else [(key, value)]:
            if name in fields:
                raise _error(path, text, name, f"{name} must stand once, got it twice; remove one")
            fields[name] = item
    for name in fields:
        if name not in Scenario.model_fields:
            message = unknown_field(name, Scenario.model_fields)
            if _may_be_mine(name, fields[name]):
                message += f"; a parameter of a notebook stands under [{MY}]"
            raise _error(path, text, name, message)
    return fields


def _with_own_accelerator(path: Path, text: str, document: dict[str, Any]) -> dict[str, Any]:
    """Read an ``[accelerator]`` table as the facts of a new accelerator, which the file means."""
    table = document.get("accelerator")
    if not isinstance(table, dict) or not OWN_KEYS & table.keys():
        return document
    try:
        own, facts = facts_of_table(table)
    except InvalidInput as error:
        raise _error(path, text, error.field or "accelerator", str(error)) from None
    return document | {"accelerator": own, "facts": facts | document.get("facts", {})}


def _locked_origins(document: Mapping[str, Any]) -> dict[str, str]:
    """Origins that a lock file keeps, so that locking it again says the same."""
    lock = document.get("lock", {})
    origins = lock.get("origins", {}) if isinstance(lock, dict) else {}
    return dict(origins) if isinstance(origins, dict) else {}


def _is_section(key: str, value: Any) -> bool:
    """Tell a section, whose name may be that of a field, from a table of its own and a band."""
    is_band = isinstance(value, dict) and value.keys() <= {"low", "base", "high"}
    return isinstance(value, dict) and key not in _TABLES and not is_band


def _absolute(fields: dict[str, Any], path: Path) -> dict[str, Any]:
    """A model path in a file is meant relative to that file."""
    return _from_folder(fields, path.parent)


def _from_folder(fields: dict[str, Any], folder: Path) -> dict[str, Any]:
    models = {"model": absolute_model(fields["model"], folder)} if "model" in fields else {}
    return fields | models | _tables(fields.get("prices"), folder)


def _tables(prices: Any, folder: Path) -> dict[str, Any]:
    """A table of prices is meant relative to the file that names it."""
    if not isinstance(prices, dict) or not isinstance(prices.get("file"), str) or "rows" in prices:
        return {}
    return {"prices": prices | {"file": str(folder / prices["file"])}}


def _error(path: Path, text: str, name: str, message: str) -> InvalidInput:
    return InvalidInput(f"{_where(path, text, name)}: {message}", field=name)


def _where(path: Path, text: str, name: str) -> str:
    """Name file and line of a field; the file alone when it does not stand in it."""
    if name:
        pattern = re.compile(rf"""^\s*\[*["']?(?:[\w-]+\.)*{re.escape(name)}["']?\s*[\]=.]""")
        for line, content in enumerate(text.splitlines(), start=1):
            if pattern.match(content):
                return f"{path}:{line}"
    return str(path)


def parse_settings(
    settings: Iterable[str], *, own: Container[str] = (), foreign: bool = False
) -> dict[str, Any]:
    """Read ``field=value`` pairs; values are TOML, bare words are text, and text needs no quotes.

    A path of a model is relative to the current folder, and made absolute. None takes a field out.

    Parameters
    ----------
    settings : iterable of str
        As they stand after ``--set``.
    own : container of str
        Parameters of the notebooks: a name that is no field of scenarios may be one of these.
    foreign : bool
        Whether no notebook uses scenarios: then their own parameters go before fields.

    Examples
    --------
    >>> parse_settings(["in_flight=none", "replicas=", "my.days=20"])
    {'in_flight': None, 'replicas': None, 'my': {'days': 20}}
    >>> parse_settings(["tensor_parallel=4", "engine_version=0.10", "prompt_tokens=[3, 4, 5]"])
    {'tensor_parallel': 4, 'engine_version': '0.10', 'prompt_tokens': [3, 4, 5]}
    """
    values: dict[str, Any] = {}
    for setting in settings:
        name, equals, text = (part.strip() for part in setting.partition("="))
        if not equals or not name:
            raise InvalidInput(f"--set must be field=value, got {shown(setting)}")
        is_field = name in Scenario.model_fields
        if name.startswith(f"{MY}.") or (name in own and (foreign or not is_field)):
            name = name.removeprefix(f"{MY}.")
            mine = values.setdefault(MY, {})
            mine[name] = None if text in ("", "none") else _my_value(name, text, foreign=foreign)
            continue
        if not is_field:
            message = unknown_field(name, Scenario.model_fields)
            if _may_be_mine(name, text):
                message += f"; a parameter of a notebook is {MY}.{name}"
            raise InvalidInput(f"--set {shown(setting)}: {message}")
        values[name] = _toml_value(name, text)
    return _from_folder(values, Path.cwd())


def _my_value(name: str, text: str, *, foreign: bool) -> Any:
    """Read the value of a parameter of notebooks; a bare word is text."""
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        value = text
    check_my(name, value, foreign=foreign)
    return value


def _toml_value(name: str, text: str) -> Any:
    is_word = is_text_field(name) and Scenario.model_fields[name].default is not None
    if (not is_word and text in ("", "none")) or (name in _UNSAID and text == "none"):
        return None
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"--set {name}: is not valid TOML: {_brief(error)}") from None
    return text if is_text_field(name) and not isinstance(value, str | list) else value

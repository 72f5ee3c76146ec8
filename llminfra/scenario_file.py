"""Scenario files: TOML in, one or many cases out (a ``[sweep]`` multiplies), each with its origin.

A lock file is a scenario file too: every field with its value, and the facts that were used.
"""

import hashlib
import itertools
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from llminfra.errors import ImpossibleCombination, InvalidInput, shown
from llminfra.facets.deployment import absolute_model
from llminfra.scenario import Scenario, ScenarioBase, is_text_field, unknown_field

LOCK_SUFFIX: Final = ".lock.toml"
MAX_CASES: Final = 10_000
MAX_BYTES: Final = 1_000_000
MAX_NAME: Final = 120


@dataclass(frozen=True, kw_only=True)
class Case:
    """One scenario of a file, or the reason why this combination of a sweep is not possible."""

    name: str
    scenario: ScenarioBase | None
    origins: Mapping[str, str]
    reason: str = ""


def load_cases(path: Path, overrides: Mapping[str, Any] | None = None) -> list[Case]:
    """Read a scenario file into its cases.

    Parameters
    ----------
    path : Path
        A TOML file: fields, in sections or not, ``[facts]`` and ``[sweep]``.
    overrides : mapping, optional
        Fields from the command line, which win; None takes a field of the file out.

    Raises
    ------
    InvalidInput
        With file and line, for anything that is wrong in it.
    """
    text, document = read_toml(path)
    fields, sweep = _split(path, text, document)
    origins = dict.fromkeys(fields, path.name) | _locked_origins(document)
    asked = {n: None if value is None else "--set" for n, value in (overrides or {}).items()}
    fields = kept(_absolute(fields, path) | dict(overrides or {}))
    origins = kept(origins | asked)
    sweep = {name: values for name, values in sweep.items() if name not in (overrides or {})}
    name = _name_of(path)
    try:
        if not sweep:
            case_fields = {"name": name} | fields
            return [Case(name=name, scenario=Scenario(**case_fields), origins=origins)]
        return _swept(name, path, fields, sweep, origins)
    except InvalidInput as error:
        where = "--set" if error.field in (overrides or {}) else _where(path, text, error.field)
        raise InvalidInput(f"{where}: {error}", field=error.field) from None


def kept(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields but those that the command line takes out, which are None.

    Examples
    --------
    >>> kept({"in_flight": None, "active_users": 100})
    {'active_users': 100}
    """
    return {name: value for name, value in fields.items() if value is not None}


def _name_of(path: Path) -> str:
    """Name a scenario after its file; characters that a folder should not have become hyphens."""
    stem = path.name.removesuffix(LOCK_SUFFIX).removesuffix(".toml")
    return re.sub(r"[^A-Za-z0-9._=,+-]+", "-", stem).strip("-.")[:MAX_NAME] or "scenario"


def _swept(
    name: str,
    path: Path,
    fields: dict[str, Any],
    sweep: dict[str, list[Any]],
    origins: dict[str, str],
) -> list[Case]:
    n_cases = 1
    for choices in sweep.values():
        n_cases *= len(choices)
    if n_cases > MAX_CASES:
        raise InvalidInput(
            f"sweep must give at most {MAX_CASES:,} cases, got {n_cases:,}; shorten a list",
            field=next(iter(sweep)),
        )
    stem = str(fields.get("name") or name)
    cases: dict[str, Case] = {}
    for combination in itertools.product(*sweep.values()):
        values: dict[str, Any] = dict(zip(sweep, combination, strict=True))
        case_name = _case_name(stem, values)
        if case_name in cases:
            raise InvalidInput(
                "sweep must not hold a value twice; remove it", field=next(iter(sweep))
            )
        case_origins = origins | dict.fromkeys(values, "sweep")
        try:
            scenario = Scenario(**(fields | _absolute(values, path) | {"name": case_name}))
            reason = ""
        except ImpossibleCombination as error:
            scenario, reason = None, str(error)
        cases[case_name] = Case(
            name=case_name, scenario=scenario, origins=case_origins, reason=reason
        )
    return list(cases.values())


def _case_name(stem: str, values: Mapping[str, Any]) -> str:
    """Name a combination so that it is readable and safe as a folder, and never that of another."""
    safe = ",".join(f"{name}={_value_label(value)}" for name, value in values.items())
    plain = ",".join(f"{name}={_joined(value)}" for name, value in values.items())
    case_name = f"{stem}--{safe}"
    if safe == plain and len(case_name) <= MAX_NAME:
        return case_name
    digest = hashlib.sha256(repr((stem, sorted(values.items()))).encode()).hexdigest()[:8]
    return f"{case_name[: MAX_NAME - 9].rstrip('.-,=')}-{digest}"


def _joined(value: Any) -> str:
    return "-".join(map(str, value)) if isinstance(value, list) else str(value)


def _value_label(value: Any) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", _joined(value)).strip("-.") or "none"


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


def _split(
    path: Path, text: str, document: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    sweep = document.get("sweep", {})
    fields: dict[str, Any] = {}
    for key, value in document.items():
        if key in ("lock", "sweep"):
            continue
        for name, item in value.items() if _is_section(key, value) else [(key, value)]:
            if name in fields:
                raise _error(path, text, name, f"{name} must stand once, got it twice; remove one")
            fields[name] = item
    for name in [*fields, *(sweep if isinstance(sweep, dict) else ())]:
        if name not in Scenario.model_fields:
            raise _error(path, text, name, unknown_field(name, Scenario.model_fields))
    _check_sweep(path, text, sweep)
    return fields, sweep


def _locked_origins(document: Mapping[str, Any]) -> dict[str, str]:
    """Origins that a lock file keeps, so that locking it again says the same."""
    lock = document.get("lock", {})
    origins = lock.get("origins", {}) if isinstance(lock, dict) else {}
    return dict(origins) if isinstance(origins, dict) else {}


def _is_section(key: str, value: Any) -> bool:
    """Tell a section, whose name may be that of a field, from ``[facts]`` and from a band."""
    is_band = isinstance(value, dict) and value.keys() <= {"low", "base", "high"}
    return isinstance(value, dict) and key != "facts" and not is_band


def _check_sweep(path: Path, text: str, sweep: Any) -> None:
    if not isinstance(sweep, dict):
        raise _error(path, text, "sweep", f"sweep must be a section, got {shown(sweep)}")
    for name, values in sweep.items():
        if not isinstance(values, list) or not values:
            message = f"sweep {name} must be a list of at least one value, got {shown(values)}"
            raise _error(path, text, name, message)
        if name in ("name", "facts", "as_of"):
            raise _error(path, text, name, f"sweep cannot vary {name}; remove it")


def _absolute(fields: dict[str, Any], path: Path) -> dict[str, Any]:
    """A model path in a file is meant relative to that file."""
    return _from_folder(fields, path.parent)


def _from_folder(fields: dict[str, Any], folder: Path) -> dict[str, Any]:
    models = {"model": absolute_model(fields["model"], folder)} if "model" in fields else {}
    return fields | models


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


def parse_settings(settings: Iterable[str]) -> dict[str, Any]:
    """Read ``field=value`` pairs; values are TOML, bare words are text, and text needs no quotes.

    A path of a model is relative to the current folder, and made absolute. None takes a field out.

    Examples
    --------
    >>> parse_settings(["in_flight=none", "replicas="])
    {'in_flight': None, 'replicas': None}
    >>> parse_settings(["tensor_parallel=4", "engine_version=0.10", "prompt_tokens=[3, 4, 5]"])
    {'tensor_parallel': 4, 'engine_version': '0.10', 'prompt_tokens': [3, 4, 5]}
    """
    values: dict[str, Any] = {}
    for setting in settings:
        name, equals, text = (part.strip() for part in setting.partition("="))
        if not equals or not name:
            raise InvalidInput(f"--set must be field=value, got {shown(setting)}")
        if name not in Scenario.model_fields:
            message = unknown_field(name, Scenario.model_fields)
            raise InvalidInput(f"--set {shown(setting)}: {message}")
        values[name] = _toml_value(name, text)
    return _from_folder(values, Path.cwd())


def _toml_value(name: str, text: str) -> Any:
    is_word = is_text_field(name) and Scenario.model_fields[name].default is not None
    if not is_word and text in ("", "none"):
        return None
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"--set {name}: is not valid TOML: {_brief(error)}") from None
    is_text = is_text_field(name) and not isinstance(value, str)
    return text if is_text else value

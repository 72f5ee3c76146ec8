"""Lock files: what a report set was made from, so that it can be made again and compared."""

import platform
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import tomli_w

from llminfra.catalog.loader import UNDATED, Fact, current_fact
from llminfra.errors import InvalidInput, shown
from llminfra.plan import evaluate
from llminfra.scenario_file import LOCK_SUFFIX, Case, load_cases, read_toml

_PACKAGES: Final = ("llminfra", "numpy", "altair", "vl-convert-python", "papermill", "nbconvert")
_PINNED: Final = ("value", "low", "high", "source", "as_of", "confidence", "note")


def lock_text(
    case: Case, facts: Iterable[dict[str, Any]], chosen: Mapping[str, Any] | None = None
) -> str:
    """Return the lock file of a case.

    Parameters
    ----------
    case : Case
        A possible case, with the origin of each field.
    facts : iterable of dict
        Facts that the reports used: key, value, unit, source, as_of, confidence, used_by.
    chosen : mapping, optional
        What took the place of "auto", by field.
    """
    assert case.scenario is not None
    fields = {k: v for k, v in case.scenario.to_dict().items() if v is not None and v != {}}
    replaced = fields.pop("facts", {})
    document: dict[str, Any] = {
        "scenario": fields,
        **({"facts": replaced} if replaced else {}),
        "lock": {
            "versions": versions(),
            "origins": {name: case.origins.get(name, "default") for name in fields},
            **({"chosen": dict(chosen)} if chosen else {}),
            "facts": {fact["key"]: _without_none(fact) for fact in facts},
        },
    }
    header = (
        "# Lock file, written by llminfra render; do not edit.\n"
        f"# Make the same reports again: llminfra render {case.scenario.name}{LOCK_SUFFIX}\n\n"
    )
    return header + tomli_w.dumps(document)


def versions() -> dict[str, str]:
    """Return the versions that a report depends on."""
    return {"python": platform.python_version()} | {name: version(name) for name in _PACKAGES}


def is_lock(path: Path) -> bool:
    """Tell lock files by their name."""
    return path.name.endswith(LOCK_SUFFIX)


def reproduce(path: Path) -> tuple[dict[str, Any], list[str]]:
    """Return what makes a lock's reports again today, and what differs since.

    Returns
    -------
    overrides : dict
        ``facts`` that restore values which the catalogue has changed, and fields that would be
        chosen otherwise today.
    differences : list of str
        One line for each version or fact that is not as it was.
    """
    document = read_toml(path)[1]
    lock = _checked(path, document.get("lock"))
    replaced = document.get("facts", {})
    pinned, differences = {}, _version_differences(lock["versions"])
    for key, locked in lock["facts"].items():
        today = current_fact(key)
        if key in replaced or (today and _same(today, locked)):
            continue
        differences.append(
            f"{key}: was {locked['value']} ({locked['source']}), "
            f"today {today.value if today else 'not in the catalogue'}"
        )
        if today and not key.endswith(".config"):
            kept = {name: locked[name] for name in _PINNED if name in locked}
            pinned[key] = kept | {"as_of": locked.get("as_of") or UNDATED}
    overrides = {"facts": replaced | pinned} if pinned else {}
    was = lock.get("chosen", {})
    today_chosen = _chosen_today(path, overrides) if was else {}
    for name, value in was.items():
        if name in today_chosen and today_chosen[name] != value:
            differences.append(f"{name} = auto: was {value}, today {today_chosen[name]}")
            overrides |= was  # one is chosen with the other in view
    return overrides, differences


def _chosen_today(path: Path, overrides: Mapping[str, Any]) -> dict[str, Any]:
    (case,) = load_cases(path, overrides)
    return evaluate(case.scenario).fixed if case.scenario else {}


def _checked(path: Path, lock: Any) -> dict[str, dict[str, Any]]:
    """Return the lock section, or say in one line what is wrong with it."""
    tables = ("versions", "facts", "origins")
    found = lock if isinstance(lock, dict) else {}
    if not all(isinstance(found.get(t), dict) for t in tables) or not isinstance(
        found.get("chosen", {}), dict
    ):
        raise InvalidInput(
            f"{path}: must hold [lock] with {', '.join(tables)}; it is no lock file, rename it"
        )
    for key, fact in found["facts"].items():
        if not isinstance(fact, dict) or not {"value", "source"} <= fact.keys():
            raise InvalidInput(
                f"{path}: lock.facts.{key} must hold value and source, got {shown(fact)}; "
                "render the scenario again"
            )
    return found


def _version_differences(locked: dict[str, str]) -> list[str]:
    today = versions()
    return [
        f"{name}: was {was}, today {today.get(name, 'not installed')}"
        for name, was in locked.items()
        if today.get(name) != was
    ]


def _same(today: Fact, locked: dict[str, Any]) -> bool:
    return all(
        getattr(today, name) == locked.get(name, "" if name in ("as_of", "note") else None)
        for name in ("value", "low", "high", "source", "as_of")
    )


def _without_none(fact: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in fact.items() if k != "key" and v is not None and v != ""}

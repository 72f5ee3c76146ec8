"""Lock files: what a report set was made from, so that it can be made again and compared."""

import datetime as dt
import math
import platform
from collections.abc import Container, Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import tomli_w

from llminfra.catalog.current import current_fact
from llminfra.catalog.loader import UNDATED, Fact
from llminfra.catalog.own_prices import OWN
from llminfra.errors import InvalidInput, shown
from llminfra.evaluate import evaluate
from llminfra.facets.base import storable
from llminfra.plan import Plan
from llminfra.ranges import Range
from llminfra.scenario.expand import COMPARE, VARIANT, Case
from llminfra.scenario.file import LOCK_SUFFIX, MY, kept, load_cases, read_toml
from llminfra.search.choose import USER as AUTO

_PACKAGES: Final = (
    "llminfra",
    "numpy",
    "altair",
    "vl-convert-python",
    "mini-racer",
    "papermill",
    "nbconvert",
)
_PINNED: Final = ("value", "low", "high", "source", "as_of", "confidence", "note")


def lock_text(
    case: Case,
    facts: Iterable[dict[str, Any]],
    chosen: Mapping[str, Any] | None = None,
    digests: Mapping[str, str] | None = None,
    *,
    answers: Mapping[str, float] | None = None,
    without: Container[str] = (),
    variants: Iterable[Case] = (),
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
    digests : mapping, optional
        One digest of all facts that each kind of comparison read, such as a search.
    answers : mapping, optional
        Base case of each answer by its path, to tell later what versions moved.
    without : container of str
        Fields that each notebook states for itself.
    variants : iterable of Case
        Cases that one page compares; what they vary stands with them.
    """
    assert case.scenario is not None
    compared = list(variants)
    varied = {name for one in compared for name in one.varied}
    fields = {
        name: value
        for name, value in case.scenario.to_dict().items()
        if value is not None and value != {} and name not in varied and name not in without
    }
    replaced = fields.pop("facts", {})
    document: dict[str, Any] = {
        "scenario": fields,
        **({"facts": replaced} if replaced else {}),
        **({MY: dict(case.my)} if case.my else {}),
        **(_comparison(compared) if compared else {}),
        "lock": {
            "versions": versions(),
            "origins": {name: case.origins.get(name, "default") for name in fields},
            **({"chosen": dict(chosen)} if chosen else {}),
            **({"digests": dict(digests)} if digests else {}),
            **({"answers": dict(answers)} if answers else {}),
            "facts": {fact["key"]: _without_none(fact) for fact in facts},
        },
    }
    header = (
        "# Lock file, written by llminfra render; do not edit.\n"
        f"# Make the same reports again: llminfra render {case.scenario.name}{LOCK_SUFFIX}\n\n"
    )
    return header + tomli_w.dumps(document)


def answers(plan: Plan) -> dict[str, float]:
    """Return the base case of every answer of a plan by its path."""
    return {
        f"{facet}.{name}": value.base
        for facet, result in plan.results()
        for name, value in result.items()
        if isinstance(value, Range) and math.isfinite(value.base)
    }


def _comparison(cases: Iterable[Case]) -> dict[str, Any]:
    """Return the tables that make the same variants again."""
    found = list(cases)
    results = found[0].comparison.results if found[0].comparison else ()
    return {
        COMPARE: {"results": list(results)} if results else {},
        VARIANT: [{"name": one.label, **kept(storable(one.varied))} for one in found],
    }


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
    document = read_lock(path)
    lock = document["lock"]
    replaced = document.get("facts", {})
    pinned, differences = {}, _version_differences(lock["versions"])
    decided = _decision_day(document)
    for key, locked in lock["facts"].items():
        today = current_fact(key, decided)
        is_own = key.startswith(OWN)  # its table stands in the lock itself
        if is_own or key in replaced or (today and _same(today, locked)):
            continue
        differences.append(
            f"{key}: was {locked['value']} ({locked['source']}), "
            f"today {today.value if today else 'not in the catalogue'}"
        )
        if today and is_pinnable(key):
            pinned[key] = pinned_fact(locked)
    overrides = {"facts": replaced | pinned} if pinned else {}
    was = lock.get("chosen", {})
    plan = _planned_today(path, overrides) if was else None
    for name, value in was.items():
        found = plan.fixed.get(name, value) if plan else value
        if found != value:
            differences.append(f"{name} = auto: was {value}, today {found}")
            overrides |= was  # one is chosen with the other in view
    compared, now = lock.get("digests", {}).get(AUTO), plan.digests.get(AUTO) if plan else None
    if compared and now and compared != now:
        differences.append(f"facts that auto compared: were {compared}, today {now}")
    return overrides, differences


def read_lock(path: Path) -> dict[str, Any]:
    """Return a lock file as plain data; raise InvalidInput where it is none."""
    document = read_toml(path)[1]
    return document | {"lock": _checked(path, document.get("lock"))}


def is_pinnable(key: str) -> bool:
    """Tell whether a scenario can restate a fact: no model's configuration, no own price."""
    return not key.endswith(".config") and not key.startswith(OWN)


def pinned_fact(locked: Mapping[str, Any]) -> dict[str, Any]:
    """Return a locked fact as a scenario's ``[facts]`` have it."""
    kept = {name: locked[name] for name in _PINNED if name in locked}
    return kept | {"as_of": locked.get("as_of") or UNDATED}


def _decision_day(document: Mapping[str, Any]) -> dt.date | None:
    """Day of the prices; what is no date is left to the scenario's own check."""
    try:
        return dt.date.fromisoformat(str(document.get("scenario", {}).get("as_of")))
    except ValueError:
        return None


def _planned_today(path: Path, overrides: Mapping[str, Any]) -> Plan | None:
    found = (case.scenario for case in load_cases(path, overrides))
    scenario = next(filter(None, found), None)
    return evaluate(scenario) if scenario else None


def _checked(path: Path, lock: Any) -> dict[str, dict[str, Any]]:
    """Return the lock section, or say in one line what is wrong with it."""
    tables = ("versions", "facts", "origins")
    found = lock if isinstance(lock, dict) else {}
    has_all = all(isinstance(found.get(t), dict) for t in tables)
    more = ("chosen", "digests", "answers")
    if not has_all or not all(isinstance(found.get(t, {}), dict) for t in more):
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

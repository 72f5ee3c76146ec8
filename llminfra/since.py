"""What moved an answer from one lock file to the next: fields, facts and versions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from llminfra import lock
from llminfra.errors import InvalidInput
from llminfra.evaluate import evaluate
from llminfra.explain.difference import Step, difference
from llminfra.plan import Plan
from llminfra.scenario.file import load_cases

_BY_VERSIONS: Final = "Versions of the packages"
_NAMES: Final = ("title", "name")
Two = tuple[dict[str, Any], dict[str, Any]]


@dataclass(frozen=True)
class Differing:
    """A field, a fact, a choice or a version that the two locks have otherwise."""

    kind: str
    name: str
    was: Any
    now: Any


@dataclass(frozen=True)
class Since:
    """What moved an answer between two locks; the steps sum to the difference.

    Attributes
    ----------
    before, after : float
        The answer as the locks hold it, or, where one holds none, as this version gives both.
    steps : tuple of Step
        What moved it, one after the other; empty where nothing did.
    changes : tuple of Differing
        All that differs, whether it moved the answer or not.
    """

    path: str
    unit: str
    before: float
    after: float
    steps: tuple[Step, ...]
    changes: tuple[Differing, ...]


def since(first: Path, second: Path, path: str = "cost.usd_per_month") -> Since:
    """Return what moved an answer between two lock files of one scenario.

    Parameters
    ----------
    first, second : Path
        Lock files, the older one first.
    path : str
        The answer, such as ``cost.usd_per_month``.

    Raises
    ------
    InvalidInput
        A file is no lock, or the two are of different scenarios.

    Notes
    -----
    Both are evaluated by this version, with the facts that they hold; fields and facts are changed
    one after the other. What is left of the difference between the answers that the locks hold is
    due to versions, and to what no lock can restate, such as an offer that has gone.
    """
    locks = lock.read_lock(first), lock.read_lock(second)
    names = [document.get("scenario", {}).get("name", "") for document in locks]
    if names[0] != names[1]:
        raise InvalidInput(
            f"{first} and {second}: must be locks of one scenario, got {names[0]!r} and "
            f"{names[1]!r}; compare two of the same name"
        )
    before, after = _plans((first, second), locks)
    found = difference(before, after, path)
    steps, ends = list(found.steps), (found.before.base, found.after.base)
    held = [document["lock"].get("answers", {}).get(path) for document in locks]
    if None not in held:
        by_versions = (held[1] - ends[1]) - (held[0] - ends[0])
        ends = held[0], held[1]
        if abs(by_versions) > 1e-9 * max(map(abs, ends)):
            steps.append(Step(_BY_VERSIONS, {}, by_versions))
    return Since(path, found.after.unit, *ends, tuple(steps), tuple(_changes(locks)))


def since_then(first: Path, plan: Plan, path: str = "cost.usd_per_month") -> Since:
    """Return what moved an answer from a lock file to a plan of today.

    Parameters
    ----------
    first : Path
        Lock file of an earlier plan of the same scenario.
    plan : Plan
        The plan of today.
    path : str
        The answer, such as ``cost.usd_per_month``.

    Notes
    -----
    The lock is evaluated by this version with the facts that it holds; what differs from the answer
    that it holds is due to versions, and comes first.
    """
    document = lock.read_lock(first)
    cases = load_cases(first, lock.reproduce(first)[0])
    if len(cases) != 1 or cases[0].scenario is None:
        raise InvalidInput(f"{first}: must hold one case, got {len(cases)}; compare others")
    found = difference(evaluate(cases[0].scenario), plan, path)
    steps, start = list(found.steps), found.before.base
    held = document["lock"].get("answers", {}).get(path)
    if held is not None and abs(start - held) > 1e-9 * max(abs(start), abs(held)):
        steps.insert(0, Step(_BY_VERSIONS, {}, start - held))
        start = held
    return Since(path, found.after.unit, start, found.after.base, tuple(steps), ())


def _plans(paths: tuple[Path, Path], locks: Two) -> tuple[Plan, Plan]:
    """Plans of both locks today, each with its own facts where today's or the other's differ."""
    again = [lock.reproduce(path)[0] for path in paths]
    given: list[dict[str, Any]] = [
        document.get("facts", {}) | overrides.get("facts", {})
        for document, overrides in zip(locks, again, strict=True)
    ]
    read = [document["lock"]["facts"] for document in locks]
    for key in _differing(read[0], read[1]):
        if lock.is_pinnable(key):
            for facts, known in zip(given, read, strict=True):
                facts.setdefault(key, lock.pinned_fact(known[key]))
    plans = []
    for i, path in enumerate(paths):
        # What the other alone has read changes nothing here, and no step on the way.
        others = {key: fact for key, fact in given[1 - i].items() if key not in read[i]}
        cases = load_cases(path, again[i] | {"facts": others | given[i]})
        if len(cases) != 1 or cases[0].scenario is None:
            raise InvalidInput(f"{path}: must hold one case, got {len(cases)}; compare others")
        plans.append(evaluate(cases[0].scenario))
    return plans[0], plans[1]


def _differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Facts that both have read, with another value, band, source or date."""
    both = sorted(one.keys() & other.keys())
    return [key for key in both if lock.pinned_fact(one[key]) != lock.pinned_fact(other[key])]


def _changes(locks: Two) -> Iterator[Differing]:
    fields = [document.get("scenario", {}) for document in locks]
    yield from _told("field", *fields)
    held = [document["lock"] for document in locks]
    yield from _told("chosen", *(one.get("chosen", {}) for one in held))
    one, two = (document["facts"] for document in held)
    for key in _differing(one, two):
        yield Differing(
            "fact", key, *_apart(*(lock.pinned_fact(facts[key]) for facts in (one, two)))
        )
    # What a scenario states itself is told though one of the two had no use for it.
    alone, own = one.keys() ^ two.keys(), [document.get("facts", {}) for document in locks]
    stated = {key for key in own[0].keys() & own[1].keys() & alone if own[0][key] != own[1][key]}
    for key in sorted(stated):
        yield Differing("fact", key, *_apart(*(facts[key] for facts in own)))
    for key in sorted(alone - stated):
        known = [facts[key]["value"] if key in facts else None for facts in (one, two)]
        yield Differing("fact read by one", key, *known)
    yield from _told("version", *(document["versions"] for document in held))


def _apart(one: Mapping[str, Any], other: Mapping[str, Any]) -> tuple[Any, Any]:
    """Values of a fact that two have otherwise; of one value, what else of it differs."""
    if one["value"] != other["value"]:
        return one["value"], other["value"]
    names = sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
    words = (
        ", ".join(f"{name} {fact[name]}" for name in names if name in fact) for fact in (one, other)
    )
    before, after = (f"{one['value']} ({said})" if said else one["value"] for said in words)
    return before, after


def _told(kind: str, one: Mapping[str, Any], two: Mapping[str, Any]) -> Iterator[Differing]:
    for name in [*one, *(n for n in two if n not in one)]:
        if one.get(name) != two.get(name) and name not in _NAMES:
            yield Differing(kind, name, one.get(name), two.get(name))

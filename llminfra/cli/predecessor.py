"""The lock file that a set had before: what it is told of, so that its reports say what moved."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from llminfra import lock
from llminfra.errors import LlmInfraError
from llminfra.facets.base import storable
from llminfra.plan import Plan
from llminfra.publish.about import About
from llminfra.publish.job import Job
from llminfra.scenario.expand import Case
from llminfra.scenario.file import LOCK_SUFFIX
from llminfra.since import since_then

BEFORE: Final = ".before"
#: Name under which a notebook is told what moved its answer.
PARAMETER: Final = "_since"
_NO_FIELD: Final = ("title", "name", "facts")


def before_of(path: Path) -> Path:
    """Return where the lock that a lock file replaces is kept.

    Examples
    --------
    >>> before_of(Path("out/own/own.lock.toml")).as_posix()
    'out/own/own.before.lock.toml'
    """
    return path.with_name(path.name.removesuffix(LOCK_SUFFIX) + BEFORE + LOCK_SUFFIX)


def keep_before(path: Path, text: str) -> None:
    """Keep the lock of the last time beside the one that takes its place, where they differ."""
    if path.is_file() and path.read_text(encoding="utf-8") != text:
        path.replace(before_of(path))


def predecessor(folder: Path, case: Case) -> Path | None:
    """Return the newest lock of a set in which something was otherwise; None without one."""
    last = folder / f"{folder.name}{LOCK_SUFFIX}"
    try:
        found = (path for path in (last, before_of(last)) if path.is_file())
        return next((path for path in found if _differs(path, case)), None)
    except (LlmInfraError, OSError, KeyError):  # a lock of another hand says nothing of this set
        return None


def _differs(path: Path, case: Case) -> bool:
    """Whether a field that a lock states, or a fact or version that it holds, is otherwise."""
    assert case.scenario is not None
    document = lock.read_lock(path)
    was, now = document["scenario"], case.scenario.to_dict()
    stated = {*was, *(name for name in case.origins if name in now)} - {*_NO_FIELD}
    if any(storable(now.get(name)) != was.get(name) for name in stated):
        return True
    if document.get("facts", {}) != storable(case.scenario.facts):
        return True
    return bool(lock.reproduce(path)[1])


def with_told(job: Job, book: About, before: Path, plan: Plan | None) -> Job:
    """Tell a notebook what moved its answer; that nothing did is no reason to run it again."""
    moved = told(before, plan, book.answer) if book.answer and plan is not None else None
    if moved is None:
        return job
    given = {PARAMETER: dict(moved)}
    if moved["steps"]:
        return replace(job, parameters={**job.parameters, **given})
    return replace(job, aside=given)


def told(path: Path, plan: Plan, answer: str) -> Mapping[str, Any] | None:
    """Return what moved an answer since a lock, as plain data; None where it has no figure."""
    try:
        found = since_then(path, plan, answer)
    except (LlmInfraError, KeyError):
        return None
    if not (found.before == found.before and found.after == found.after):
        return None
    return {
        "date": str(lock.read_lock(path)["scenario"]["as_of"]),
        "answer": answer,
        "unit": found.unit,
        "before": found.before,
        "after": found.after,
        "steps": [[step.words, step.moved] for step in found.steps],
    }

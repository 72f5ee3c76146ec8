"""What lies beside the reports of a scenario: lock file and manifest."""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from llminfra import lock
from llminfra.cli.batch import ReportSet
from llminfra.cli.group import DISK_FULL
from llminfra.cli.predecessor import keep_before
from llminfra.disk import write_atomic
from llminfra.errors import RenderError
from llminfra.names import distinct_name
from llminfra.publish import manifest
from llminfra.publish.job import Result
from llminfra.scenario.expand import Case
from llminfra.scenario.file import LOCK_SUFFIX, MY


def check_folder(out: Path) -> None:
    """Refuse a folder of all sets that takes no files, before anything is run."""
    with _taken(out / ".cache"):
        if not os.access(out, os.W_OK):
            raise RenderError(f"{out} cannot be written, as it is read-only; try another --out")


def write_results(report_set: ReportSet) -> None:
    """Note in the manifest what is finished, so that it is known whatever happens next."""
    entries = {result.job.stem: manifest.entry_of(result) for result in report_set.results}
    _update(report_set, entries)


def write_lock(report_set: ReportSet) -> None:
    """Write the lock file of a set, of all results that there are; one not possible is noted."""
    case, folder = report_set.case, report_set.folder
    if case.scenario is None:
        entries = {
            distinct_name(n.stem): manifest.not_possible(case.name, case.reason)
            for n in report_set.notebooks
        }
        with _taken(folder):
            manifest.update(folder, entries, scenario=case.name, lock="")
        return
    assert report_set.plan is not None
    answers = lock.answers(report_set.plan)  # all are asked, so that their facts are in the ledger
    facts, digests = _facts_used(report_set), _digests(report_set)
    text = lock.lock_text(
        case,
        facts,
        {} if report_set.compared else report_set.plan.fixed,
        digests,
        answers={} if report_set.compared else answers,
        without=report_set.differing,
        variants=report_set.compared,
    )
    path = folder / _lock_name(report_set)
    with _taken(folder):
        keep_before(path, text)
        write_atomic(path, text)


def is_recorded(report_set: ReportSet) -> bool:
    """Tell whether lock and manifest say already what these results say."""
    found = manifest.read(report_set.folder)
    reports = found.get("reports", {})
    return (
        all(result.is_unchanged for result in report_set.results)
        and found.get("fingerprint") == _fingerprint(report_set.case)
        and all(reports.get(r.job.stem, {}).get("status") == "ok" for r in report_set.results)
        and (report_set.folder / _lock_name(report_set)).is_file()
    )


def _update(report_set: ReportSet, entries: dict[str, manifest.Entry]) -> None:
    with _taken(report_set.folder):
        manifest.update(
            report_set.folder,
            entries,
            scenario=report_set.folder.name,
            lock=_lock_name(report_set),
            fingerprint=_fingerprint(report_set.case),
        )


@contextmanager
def _taken(folder: Path) -> Iterator[None]:
    """Make the folder, and say in one line what is in the way; a full disk is told elsewhere."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        if error.errno in DISK_FULL:
            raise
        path = error.filename2 or error.filename or folder
        is_in_the_way = isinstance(error, FileExistsError | NotADirectoryError | IsADirectoryError)
        fix = "move it or try another --out" if is_in_the_way else "try another --out"
        raise RenderError(f"{path} cannot be written: {error.strerror or error}; {fix}") from None


def _lock_name(report_set: ReportSet) -> str:
    return f"{report_set.folder.name}{LOCK_SUFFIX}"


def _fingerprint(case: Case) -> str:
    assert case.scenario is not None
    given = case.scenario.to_dict() | ({MY: dict(case.my)} if case.my else {})
    return hashlib.sha256(json.dumps(given).encode()).hexdigest()


def _facts_used(report_set: ReportSet) -> list[dict[str, Any]]:
    """Facts of the plan and of everything that the notebooks compared it with, by key."""
    assert report_set.plan is not None
    _ = report_set.plan.problems  # whose facts are in the ledger, too
    facts: dict[str, dict[str, Any]] = {}
    for read in report_set.plan.facts:
        facts.setdefault(read.fact.key, read.to_dict())  # a comparison may have replaced it later
    for block in _blocks(report_set.results):
        for fact in block.get("facts", []):
            known = facts.setdefault(fact["key"], fact | {"used_by": []})
            known["used_by"] = sorted({*known["used_by"], *fact["used_by"]})
    return [facts[key] for key in sorted(facts)]


def _digests(report_set: ReportSet) -> dict[str, str]:
    """One digest for each kind of comparison that the plan or a notebook made."""
    assert report_set.plan is not None
    found = {
        k: v for block in _blocks(report_set.results) for k, v in block.get("digests", {}).items()
    }
    return found | report_set.plan.digests


def _blocks(results: Iterable[Result]) -> Iterable[dict[str, Any]]:
    return (block for result in results for block in result.blocks)

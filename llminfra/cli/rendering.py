"""``llminfra render``: what is unchanged is left, the rest is run and told as it comes."""

import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import click
from tqdm import tqdm

from llminfra.catalog import digests
from llminfra.catalog.loader import FILES, all_facts, api_offer_rows, model_entries, offer_facts
from llminfra.cli import records
from llminfra.cli.batch import ReportSet
from llminfra.errors import LlmInfraError, RenderError
from llminfra.publish.cache import Cache
from llminfra.publish.fingerprint import digest, package_digest
from llminfra.publish.index import write_index
from llminfra.publish.job import Job, Result
from llminfra.publish.jobs import keep_loaded, run
from llminfra.publish.status import Status

TOLD_AFTER_S: Final = 30.0  # a cell that runs longer is told, and again each time it has doubled
_LOOK_EVERY_S: Final = 1.0
# Facts of these files are compared one by one; all else of the catalogue counts as code.
_FACTS: Final = frozenset({*FILES.values(), "models.toml"})
Tell = Callable[[Result], object]


@dataclass
class Rendering:
    """A batch at work.

    Parameters
    ----------
    sets : list of ReportSet
        What to render.
    out : Path
        Folder of all sets.
    workers : int, optional
        Processes; one per core by default.
    force : bool
        Whether to render anew what is unchanged.
    tell : callable
        Is told each result as it comes.
    executor : str
        Address of a scheduler that has the jobs run elsewhere; here by default.
    """

    sets: list[ReportSet]
    out: Path
    workers: int | None = None
    force: bool = False
    tell: Tell = lambda _: None
    executor: str = ""
    unrecorded: dict[str, str] = field(default_factory=dict)  # sets whose folder takes no files
    _set_of: dict[int, ReportSet] = field(default_factory=dict)

    @property
    def jobs(self) -> list[Job]:
        """All jobs, in order."""
        return [job for report_set in self.sets for job in report_set.jobs]

    def run(self) -> list[Result]:
        """Render what is to be rendered, and record it.

        Raises
        ------
        KeyboardInterrupt
            After what is finished has been recorded.
        """
        cache = Cache(self.out, code_digest(), digests.digests)
        self._set_of = {id(job): s for s in self.sets for job in s.jobs}
        for report_set in self.sets:
            if not report_set.jobs:
                self._record(report_set, records.write_lock)
        todo = [job for job in self.jobs if self.force or not self._is_unchanged(cache, job)]
        if todo:
            records.check_folder(self.out)
        for report_set in self.sets:
            self._finish(report_set)
        try:
            with self._executor(todo) as executor, _Progress(len(todo)) as progress:
                run(
                    todo,
                    workers=self.workers,
                    executor=executor,
                    on_done=lambda result: self._done(cache, result, progress),
                    status=progress.status,
                )
        finally:
            for report_set in self.sets:
                if report_set.results and not report_set.is_done:
                    self._record(report_set, records.write_lock)
            write_index(self.out)
        return [result for report_set in self.sets for result in report_set.results]

    def _executor(self, todo: list[Job]) -> AbstractContextManager[Executor | None]:
        if not self.executor or not todo:
            return nullcontext()
        from llminfra.publish.away import executor_at  # loads dask

        return executor_at(self.executor)

    def _is_unchanged(self, cache: Cache, job: Job) -> bool:
        found = cache.find(job)
        if found is not None:
            self._set_of[id(job)].results.append(found)
            self.tell(found)
        return found is not None

    def _done(self, cache: Cache, result: Result, progress: "_Progress") -> None:
        report_set = self._set_of[id(result.job)]
        report_set.results.append(result)
        self._record(report_set, records.write_results, is_told=True)
        result = report_set.results[-1]
        cache.keep(result)
        progress.done()
        self.tell(result)
        self._finish(report_set)
        keep_loaded()

    def _finish(self, report_set: ReportSet) -> None:
        """Write what stands beside the reports of a set once all are there."""
        if not report_set.jobs or not report_set.is_done:
            return
        order = {id(job): i for i, job in enumerate(report_set.jobs)}
        report_set.results.sort(key=lambda result: order[id(result.job)])
        if not records.is_recorded(report_set):
            self._record(report_set, records.write_results)
            self._record(report_set, records.write_lock)
        report_set.settle()

    def _record(
        self, report_set: ReportSet, write: Callable[[ReportSet], None], *, is_told: bool = False
    ) -> None:
        """Write beside the reports of a set; one whose folder takes nothing stops no other.

        All its reports have failed then; `is_told` says that the last of them is told of next.
        """
        name = report_set.folder.name
        if name not in self.unrecorded:
            try:
                return write(report_set)
            except RenderError as error:
                self.unrecorded[name] = str(error)
                if not is_told:
                    tqdm.write(f"Error: {error}", file=sys.stderr)
        why = self.unrecorded[name]
        report_set.results[:] = [
            result
            if why in (result.error or "")
            else replace(result, error="; ".join(filter(None, (why, result.error))))
            for result in report_set.results
        ]


def code_digest() -> str:
    """Return a digest of all that makes reports, but the facts themselves."""
    names = [sorted(all_facts()), sorted(offer_facts()), sorted(api_offer_rows())]
    models = [(name, entry.get("hf_id")) for name, entry in model_entries().items()]
    return digest(package_digest(_FACTS), names, models)


def inputs_of(sets: Iterable[ReportSet]) -> set[Path]:
    """Return the files that scenarios read beside their own: configurations, tables of prices."""
    found: set[Path] = set()
    for case in [c for s in sets for c in (s.case, *s.compared)]:
        if case.scenario is None:
            continue
        model, prices = case.scenario.to_dict()["model"], case.scenario.prices
        path = Path(str(model))
        found |= {p for p in (path, path / "config.json") if p.is_file()}
        table = Path(str(prices.get("file") or "."))
        found |= {table} if table.is_file() else set()
    return found


def outputs_of(sets: Iterable[ReportSet]) -> list[Path]:
    """Return the files of finished sets."""
    found = []
    for report_set in sets:
        for result in report_set.results:
            found += [result.job.out_dir / name for name in result.outputs.values()]
        beside = (report_set.folder / "manifest.json",)
        lock = report_set.folder / f"{report_set.folder.name}.lock.toml"
        found += [path for path in (*beside, lock) if path.is_file()]
    return found


class _Progress:
    """Shows on a terminal how far a batch is, and says elsewhere which cell takes long."""

    def __init__(self, n_jobs: int) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="llminfra-status-")
        self.status = Status(Path(self._folder.name))
        self._bar: Any = tqdm(
            total=n_jobs, unit="report", file=sys.stderr, disable=None if n_jobs else True
        )
        self._told: dict[tuple[str, str], float] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> "_Progress":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._bar.close()
        self._folder.cleanup()

    def done(self) -> None:
        self._bar.update()

    def _look(self) -> None:
        while not self._ended.wait(_LOOK_EVERY_S):
            cells = self.status.cells()
            if self._bar.disable is False:
                self._bar.set_postfix_str("; ".join(f"{c.job} {c.where}" for c in cells)[:60])
            for cell in cells:
                seconds, key = time.time() - cell.since, (cell.job, cell.where)
                if seconds >= self._told.get(key, TOLD_AFTER_S):
                    self._told[key] = 2 * seconds
                    words = f"{cell.job}: {cell.where} has been running for {seconds:.0f} s"
                    tqdm.write(words, file=sys.stderr)


def interrupted(sets: list[ReportSet]) -> str:
    """Say what an interrupted batch has finished, and how to go on."""
    n_done = sum(r.error is None for s in sets for r in s.results)
    n_jobs = sum(len(s.jobs) for s in sets)
    return (
        f"Stopped: {n_done} of {n_jobs} reports are finished and recorded; "
        "the same command renders the others."
    )


def summary(results: list[Result], seconds: float) -> list[str]:
    """Return a short table of what came of a batch."""
    same = sum(r.is_unchanged and r.error is None for r in results)
    failed = sum(r.error is not None for r in results)
    rows = [
        ("rendered", len(results) - same - failed),
        ("unchanged (--force renders them anew)", same),
        ("failed", failed),
    ]
    lines = [f"{number:>5} {words}" for words, number in rows if number]
    return [*lines, f"{seconds:5.1f} s"] if len(results) > 1 else []


def render_quietly(sets: list[ReportSet], out: Path, workers: int | None, tell: Tell) -> None:
    """Render for ``--watch``: a mistake is one line, and the next save may put it right."""
    try:
        Rendering(sets, out, workers, tell=tell).run()
    except LlmInfraError as error:
        click.echo(f"Error: {error}", err=True)

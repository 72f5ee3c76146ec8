"""How ``llminfra render`` goes about a batch, and what it prints of it."""

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from llminfra.cli import finding, unchanged
from llminfra.errors import InvalidInput, LlmInfraError
from llminfra.publish.mirror import Mirror, folder_of, is_address
from llminfra.publish.writing import formats_available

if TYPE_CHECKING:
    from llminfra.cli.batch import ReportSet
    from llminfra.publish.job import Result


@dataclass(frozen=True, kw_only=True)
class RenderOptions:
    """What ``llminfra render`` was asked for."""

    notebooks: list[Path]
    names: Sequence[str]
    settings: Sequence[str]
    defaults: bool
    is_one_case: bool
    report_formats: tuple[str, ...]
    out: Path
    workers: int | None
    choices: Any
    executor: str = ""
    mirror: Mirror | None = None

    def sets(
        self, files: Sequence[Path], notebooks: list[Path], *, anew: bool = True
    ) -> "list[ReportSet]":
        """Return the report sets of scenario files, or of what the command line gives alone."""
        from llminfra.cli import batch
        from llminfra.publish.about import about
        from llminfra.scenario.file import parse_settings

        books = [about(path) for path in notebooks]
        own = {name for book in books for name in book.parameters}
        foreign = bool(books) and not any(book.is_report for book in books)
        overrides = parse_settings(self.settings, own=own, foreign=foreign)
        if self.is_one_case and not self.defaults:
            cases = [batch.named_case(overrides)]
        else:
            cases = batch.cases(files, overrides, defaults=self.defaults)
        return batch.report_sets(
            cases,
            notebooks,
            self.out,
            self.report_formats,
            anew=anew,
            named=bool(self.names),
            choices=self.choices,
        )


def where(target: str, *, watched: bool) -> tuple[Path, Mirror | None]:
    """Return the folder in which reports are made and, of an address, what sends them there."""
    if is_address(target) and watched:
        raise InvalidInput(f"--watch must go with a folder, got --out {target}; drop one of them")
    return folder_of(target), Mirror(target) if is_address(target) else None


def start_early(engine: str, kernel: str, notebooks: Sequence[Path]) -> None:
    """Start the process that forks for a single report, while this one loads what it needs."""
    from llminfra.cli.preloaded import preloaded
    from llminfra.publish.fork.lane import begin

    begin(engine, kernel, preloaded(notebooks))


def render_all(
    sets: "list[ReportSet]",
    options: RenderOptions,
    asked: unchanged.Asked,
    *,
    strict: bool,
    force: bool,
) -> bool:
    """Render, print each result as it comes, and remember a batch that went well.

    Returns
    -------
    is_good : bool
        False when a report failed, or, if `strict`, has a problem.
    """
    from llminfra.cli import batch, rendering

    unchanged.forget(asked)
    begun, paths = time.monotonic(), []

    def told(result: "Result") -> None:
        paths.extend(_paths(result))
        _print_result(result, mirror=options.mirror)

    notes = [line for report_set in sets for line in _before(report_set)]
    notes += batch.warnings(sets)
    for line in notes:
        click.echo(line, err=True)
    work = rendering.Rendering(
        sets, options.out, options.workers, force=force, tell=told, executor=options.executor
    )
    try:
        results = work.run()
    except KeyboardInterrupt:
        click.echo(rendering.interrupted(sets), err=True)
        sys.exit(130)
    finally:
        if options.mirror is not None:
            options.mirror.send()
    found = [line for report_set in sets for line in _problems(report_set)]
    for line in found:
        click.echo(line, err=True)
    if sys.stderr.isatty():
        for line in rendering.summary(results, time.monotonic() - begun):
            click.echo(line, err=True)
    failed = bool(work.unrecorded) or any(result.status == "failed" for result in results)
    is_good = not failed and not (strict and not all(s.is_ok for s in sets))
    if is_good:
        unchanged.remember(
            asked,
            inputs=rendering.inputs_of(sets),
            outputs=rendering.outputs_of(sets),
            paths=paths,
            notes=[*notes, *found],
        )
    return is_good


def repeat(told: dict[str, list[str]], mirror: Mirror | None = None) -> None:
    """Print what an earlier run of the same printed; what is missing elsewhere is sent again."""
    if mirror is not None:
        mirror.send()
    for line in told["notes"]:
        click.echo(line, err=True)
    for line in told["paths"]:
        click.echo(mirror.shown(line) if mirror else line)
    if sys.stderr.isatty():
        click.echo("Nothing has changed; --force renders anew.", err=True)


def watch_for_saves(options: RenderOptions, files: Sequence[Path]) -> None:
    """Render, and again whatever is saved, until Ctrl-C."""
    from llminfra.cli import watch

    click.echo("Watching scenario files and notebooks; Ctrl-C ends.", err=True)
    listed = options.notebooks
    try:
        watch.follow(
            lambda: [] if options.is_one_case else list(files) or finding.scenario_files(),
            lambda: listed if options.names else finding.notebook_files(),
            lambda some, books: _render_again(_sets_of(options, some, books), options),
            out=options.out,
        )
    except KeyboardInterrupt:
        click.echo("Stopped.", err=True)


def _sets_of(options: RenderOptions, files: list[Path], notebooks: list[Path]) -> "list[ReportSet]":
    """Return what can be rendered now, and say what cannot: the next save may put it right."""
    sets: list[ReportSet] = []
    for given in [[]] if options.is_one_case else [[path] for path in files]:
        try:
            sets += options.sets(given, notebooks)
        except LlmInfraError as error:
            click.echo(f"Error: {error}", err=True)
    return sets


def _render_again(sets: "list[ReportSet]", options: RenderOptions) -> None:
    """Print a line for each report as it comes: the time, and how long after the save."""
    from llminfra.cli import rendering

    start = time.monotonic()

    def told(result: "Result") -> None:
        took = f"{time.strftime('%H:%M:%S')} {time.monotonic() - start:5.1f} s  "
        if not result.is_unchanged:
            _print_result(result, before=took, between=" ")

    rendering.render_quietly(sets, options.out, options.workers, told)
    for report_set in sets:
        for line in [*_before(report_set), *_problems(report_set)]:
            click.echo(line, err=True)


def print_plan_of_work(report_set: "ReportSet") -> None:
    """Print the files that a set would have."""
    for line in _impossible(report_set):
        click.echo(line)
    for job in report_set.jobs:
        click.echo("\n".join(str(job.out_dir / f"{job.stem}.{name}") for name in job.formats))


def _impossible(report_set: "ReportSet") -> Iterator[str]:
    if report_set.case.scenario is None:
        yield f"{report_set.folder}: not possible: {report_set.case.reason}"


def _before(report_set: "ReportSet") -> Iterator[str]:
    """Lines on a set that are known before it is rendered."""
    yield from _impossible(report_set)
    yield from (f"{report_set.folder.name}: {note}" for note in report_set.notes)


def _problems(report_set: "ReportSet") -> Iterator[str]:
    """Lines on a set that are known once it is rendered."""
    lines = [*report_set.problems, *report_set.remarks]
    yield from (f"{report_set.folder.name}: {line}" for line in lines)


def _paths(result: "Result") -> list[str]:
    return [str(result.job.out_dir / name) for name in result.outputs.values()]


def _print_result(
    result: "Result", *, before: str = "", between: str = "\n", mirror: Mirror | None = None
) -> None:
    from tqdm import tqdm  # which draws its bar anew below

    if result.error:
        page = f" (see {result.job.out_dir / result.error_page})" if result.error_page else ""
        words = f"{before}Error: {result.job.stem}: {result.error}{page}"
        with tqdm.external_write_mode(file=sys.stderr):
            click.echo(words, err=True)
    if paths := [mirror.shown(path) if mirror else path for path in _paths(result)]:
        with tqdm.external_write_mode(file=sys.stdout):
            click.echo(before + between.join(paths))


def wanted_formats(to: str) -> tuple[str, ...]:
    """Return the formats named in ``--to``; raise InvalidInput for one that does not exist."""
    wanted = tuple(dict.fromkeys(part.strip() for part in to.split(",") if part.strip()))
    for name in wanted:
        if name not in formats_available():
            raise InvalidInput(
                f"--to must be among {', '.join(formats_available())}, got {name!r}; choose one"
            )
    if not wanted:
        raise InvalidInput(f"--to must name a format, got {to!r}; try html")
    return wanted

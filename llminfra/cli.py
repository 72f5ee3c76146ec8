"""The ``llminfra`` command: render, plan, list, check, new."""

import contextlib
import errno
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import click

import llminfra
from llminfra import batch, formats, listing, new, watch
from llminfra.errors import InvalidInput, LlmInfraError
from llminfra.plan import evaluate
from llminfra.publish.jobs import Result
from llminfra.scenario import Scenario
from llminfra.scenario_file import Case, kept, load_cases, parse_settings

BAD_INPUT: Final = 2
# Click 8.2 raises it to print the help of a bare `llminfra`.
_HELP_WANTED: Final = getattr(click.exceptions, "NoArgsIsHelpError", ())
# A full disk, a full quota, a broken device.
_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EIO)


class _BadInput(click.ClickException):
    """One line on standard error and exit code 2."""

    exit_code = BAD_INPUT

    def show(self, file: Any = None) -> None:
        click.echo(f"Error: {self.message}", err=True)


class _Group(click.Group):
    """Turns the package's errors into one line; anything else is a bug and shows itself."""

    def main(self, *args: Any, **extra: Any) -> Any:
        try:
            return super().main(*args, **extra)
        except OSError as error:
            if error.errno not in _FULL:
                raise
            with contextlib.suppress(OSError):  # nor does the end of the process write the rest
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            click.echo(f"Error: the output cannot be written: {error.strerror}", err=True)
            sys.exit(1)

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        try:
            return super().make_context(*args, **extra)
        except _HELP_WANTED:
            raise
        except click.UsageError as error:
            raise _wrong_usage(error) from None

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except click.UsageError as error:
            raise _wrong_usage(error) from None
        except InvalidInput as error:
            raise _BadInput(str(error)) from None
        except LlmInfraError as error:
            raise click.ClickException(str(error)) from None


def _wrong_usage(error: click.UsageError) -> _BadInput:
    """Say on one line what Click says on several."""
    words = " ".join(error.format_message().split()).rstrip(".?")
    command = error.ctx.command_path if error.ctx else "llminfra"
    return _BadInput(f"{words}; see {command} --help")


_HELP = """Reports on the memory of serving language models, from one scenario file.

\b
Start with    llminfra render reports/assistant-70b.toml
Look around   llminfra list models 70b    llminfra list fields
"""


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]}, help=_HELP)
@click.version_option(llminfra.__version__, prog_name="llminfra")
def main() -> None:
    """Run the command line."""


_settings = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="FIELD=VALUE",
    help="Change a scenario field; wins over the file, and FIELD=none takes it out. Repeatable.",
)
_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@main.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[FILE.toml]...")
@click.option(
    "--notebook",
    "notebooks",
    multiple=True,
    metavar="NAME",
    help="Render this notebook only (name or path). Repeatable; default: all.",
)
@_settings
@click.option(
    "--defaults", is_flag=True, help="Take no scenario file: the defaults and --set alone."
)
@click.option("--to", default="html,pdf", show_default=True, help="Formats, separated by commas.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("reports/out"),
    show_default=True,
    help="Folder for the reports: OUT/<scenario>/<notebook>.html",
)
@click.option("--jobs", "workers", type=click.IntRange(1, 256), help="Processes; default: cores.")
@click.option("--force", is_flag=True, help="Without effect: each report is rendered anew.")
@click.option("--strict", is_flag=True, help="Exit with 1 if a scenario has a problem.")
@click.option("--dry-run", is_flag=True, help="List what would be rendered and stop.")
@click.option("--watch", "watched", is_flag=True, help="Render again what is saved, until Ctrl-C.")
def render(
    files: tuple[Path, ...],
    notebooks: tuple[str, ...],
    settings: tuple[str, ...],
    defaults: bool,
    to: str,
    out: Path,
    workers: int | None,
    force: bool,
    strict: bool,
    dry_run: bool,
    watched: bool,
) -> None:
    """Render scenario files (default: all of reports/) to reports.

    Each file gives OUT/<scenario>/<notebook>.html, a lock file that makes the same reports again,
    and manifest.json. A lock file can be rendered too: it says what differs today.
    """
    report_formats = batch.wanted_formats(to)
    found = batch.find_notebooks(notebooks)
    overrides = parse_settings(settings)
    cases = batch.cases(files, overrides, defaults=defaults)
    sets = batch.report_sets(cases, found, out, report_formats)
    if dry_run and watched:
        raise InvalidInput("--watch must go without --dry-run, got both; drop one of them")
    if dry_run:
        for report_set in sets:
            _print_plan_of_work(report_set)
    elif watched:
        batch_of = partial(_sets_of, overrides=overrides, out=out, report_formats=report_formats)
        _watch(
            lambda: [] if defaults else list(files) or batch.scenario_files(),
            lambda: found if notebooks else batch.notebook_files(),
            lambda some, books: _render_again(batch_of(some, books, defaults=defaults), workers),
        )
    elif not _render(sets, workers, strict=strict):
        sys.exit(1)


def _render(sets: list[batch.ReportSet], workers: int | None, *, strict: bool) -> bool:
    results = batch.run_jobs([job for s in sets for job in s.jobs], workers)
    _record(sets, results)
    for report_set in sets:
        _print_problems(report_set)
        for result in report_set.results:
            _print_result(result)
    failed = any(result.status == "failed" for result in results)
    return not failed and not (strict and not all(s.is_ok for s in sets))


def _record(sets: list[batch.ReportSet], results: list[Result]) -> None:
    left = list(results)
    for report_set in sets:
        report_set.results = [left.pop(0) for _ in report_set.jobs]
        batch.write_records(report_set)


def _watch(
    files: watch.Listing,
    notebooks: watch.Listing,
    render_again: Callable[[list[Path], list[Path]], None],
) -> None:
    click.echo("Watching scenario files and notebooks; Ctrl-C ends.", err=True)
    try:
        watch.follow(files, notebooks, render_again)
    except KeyboardInterrupt:
        click.echo("Stopped.", err=True)


def _sets_of(
    files: list[Path],
    notebooks: list[Path],
    *,
    overrides: dict[str, Any],
    defaults: bool,
    out: Path,
    report_formats: tuple[str, ...],
) -> list[batch.ReportSet]:
    """Return what can be rendered now, and say what cannot: the next save may put it right."""
    sets: list[batch.ReportSet] = []
    for given in [[]] if defaults else [[path] for path in files]:
        try:
            cases = batch.cases(given, overrides, defaults=defaults)
            sets += batch.report_sets(cases, notebooks, out, report_formats)
        except LlmInfraError as error:
            click.echo(f"Error: {error}", err=True)
    return sets


def _render_again(sets: list[batch.ReportSet], workers: int | None) -> None:
    """Print a line for each report as it comes: the time, and how long after the save."""
    start = time.monotonic()

    def told(result: Result) -> None:
        took = f"{time.strftime('%H:%M:%S')} {time.monotonic() - start:5.1f} s  "
        _print_result(result, before=took, between=" ")

    try:
        _record(sets, batch.run_jobs([job for s in sets for job in s.jobs], workers, told))
    except LlmInfraError as error:
        click.echo(f"Error: {error}", err=True)
    for report_set in sets:
        _print_problems(report_set)


@main.command()
@click.argument("file", required=False, type=click.Path(path_type=Path), metavar="[FILE.toml]")
@_settings
@_as_json
def plan(file: Path | None, settings: tuple[str, ...], as_json: bool) -> None:
    """Evaluate a scenario and print its card, without rendering."""
    overrides = parse_settings(settings)
    if file is None:
        plans = [evaluate(Scenario(**kept(overrides)))]
    else:
        cases = load_cases(file, overrides)
        plans = [evaluate(case.scenario) for case in cases if case.scenario]
        if not plans:
            raise InvalidInput(f"{file}: no case is possible: {cases[0].reason}")
    if as_json:
        documents = [p.to_dict() for p in plans]
        click.echo(json.dumps(documents if len(plans) > 1 else documents[0], indent=2))
    else:
        click.echo("\n\n".join(str(p) for p in plans))


@main.command("list")
@click.argument("what", type=click.Choice([*listing.LISTS, "notebooks"]))
@click.argument("filter_text", required=False, default="", metavar="[FILTER]")
@_as_json
def list_(what: str, filter_text: str, as_json: bool) -> None:
    """List what scenarios can name, or the fields they can have."""
    rows = batch.notebook_rows() if what == "notebooks" else listing.LISTS[what]()
    words = filter_text.lower().split()
    rows = [r for r in rows if all(w in " ".join(map(str, r.values())).lower() for w in words)]
    click.echo(json.dumps(rows, indent=2) if as_json else listing.as_text(rows))


@main.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
def check(files: tuple[Path, ...]) -> None:
    """Check scenario files without rendering: fields, values, combinations, ages of facts."""
    bad = 0
    for file in files:
        try:
            cases = load_cases(file)
        except InvalidInput as error:
            bad += 1
            click.echo(f"Error: {error}", err=True)
            continue
        for line in _findings(cases):
            click.echo(f"{file}: {line}")
    if bad:
        sys.exit(BAD_INPUT)


@main.command("new")
@click.argument("name")
@click.option(
    "--from",
    "source",
    default="memory",
    show_default=True,
    metavar="NOTEBOOK",
    help="Notebook to start from (name or path).",
)
def new_(name: str, source: str) -> None:
    """Start a notebook: notebooks/NAME.ipynb, made from another one, ready to render and to edit.

    It has what every report has (masthead, answer, figures, assumptions, method, provenance) and
    one finding as a pattern.
    """
    click.echo(os.path.relpath(new.new_notebook(name, source)))


def _findings(cases: list[Case]) -> Iterator[str]:
    possible = [case for case in cases if case.scenario]
    yield f"ok, {formats.counted(len(possible), 'scenario')}".replace(formats.NARROW_SPACE, " ")
    for case in cases:
        if case.scenario is None:
            yield f"{case.name} not possible: {case.reason}"
            continue
        evaluated = evaluate(case.scenario)
        yield from (f"{case.name}: {problem}" for problem in evaluated.problems)
        stale = [r.fact for r in evaluated.facts if r.fact.is_stale(case.scenario.as_of)]
        yield from (f"{case.name}: stale fact {fact}" for fact in stale)


def _print_plan_of_work(report_set: batch.ReportSet) -> None:
    if report_set.case.scenario is None:
        click.echo(f"{report_set.folder}: not possible: {report_set.case.reason}")
    for job in report_set.jobs:
        click.echo("\n".join(str(job.out_dir / f"{job.stem}.{name}") for name in job.formats))


def _print_problems(report_set: batch.ReportSet) -> None:
    if report_set.case.scenario is None:
        click.echo(f"{report_set.folder}: not possible: {report_set.case.reason}", err=True)
    for problem in report_set.problems:
        click.echo(f"{report_set.folder.name}: {problem}", err=True)


def _print_result(result: Result, *, before: str = "", between: str = "\n") -> None:
    if result.error:
        page = result.job.out_dir / (result.error_page or "")
        click.echo(f"{before}Error: {result.job.stem}: {result.error} (see {page})", err=True)
    if result.outputs:
        paths = (str(result.job.out_dir / name) for name in result.outputs.values())
        click.echo(before + between.join(paths))


if __name__ == "__main__":
    main()

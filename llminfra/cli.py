"""The ``llminfra`` command: render, plan, list, check."""

import hashlib
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import click
import nbformat
from tqdm import tqdm

import llminfra
from llminfra import formats, listing, lock
from llminfra.errors import InvalidInput, LlmInfraError, unknown
from llminfra.plan import Plan, evaluate
from llminfra.publish import manifest
from llminfra.publish.files import write_atomic
from llminfra.publish.jobs import Job, Result, formats_available, run
from llminfra.scenario import Scenario, ScenarioBase
from llminfra.scenario_file import LOCK_SUFFIX, Case, load_cases, parse_settings

BAD_INPUT: Final = 2
_ROOT: Final = Path(llminfra.__file__).resolve().parent.parent


class _BadInput(click.ClickException):
    """One line on standard error and exit code 2."""

    exit_code = BAD_INPUT

    def show(self, file: Any = None) -> None:
        click.echo(f"Error: {self.message}", err=True)


class _Group(click.Group):
    """Turns the package's errors into one line; anything else is a bug and shows itself."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except InvalidInput as error:
            raise _BadInput(str(error)) from None
        except LlmInfraError as error:
            raise click.ClickException(str(error)) from None


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(llminfra.__version__, prog_name="llminfra")
def main() -> None:
    r"""Reports on the memory, latency, cost and energy of serving language models.

    \b
    Start with    llminfra render reports/assistant-70b.toml
    Look around   llminfra list models 70b    llminfra list fields
    """


_settings = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="FIELD=VALUE",
    help="Change a scenario field; wins over the file. Repeatable.",
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
@click.option("--to", default="html", show_default=True, help="Formats, separated by commas.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("reports/out"),
    show_default=True,
    help="Folder for the reports: OUT/<scenario>/<notebook>.html",
)
@click.option("--jobs", "workers", type=click.IntRange(1, 256), help="Processes; default: cores.")
@click.option("--force", is_flag=True, help="Render again what is up to date.")
@click.option("--strict", is_flag=True, help="Exit with 1 if a scenario has a problem.")
@click.option("--dry-run", is_flag=True, help="List what would be rendered and stop.")
def render(
    files: tuple[Path, ...],
    notebooks: tuple[str, ...],
    settings: tuple[str, ...],
    to: str,
    out: Path,
    workers: int | None,
    force: bool,
    strict: bool,
    dry_run: bool,
) -> None:
    """Render scenario files (default: all of reports/) to reports.

    Each file gives OUT/<scenario>/<notebook>.html, a lock file that makes the same reports again,
    and manifest.json. A lock file can be rendered too: it says what differs today.
    """
    report_formats = _formats(to)
    found = [_notebook(name) for name in notebooks] or _all_notebooks()
    sets = _report_sets(files, parse_settings(settings), found, out, report_formats)
    if dry_run:
        for report_set in sets:
            _print_plan_of_work(report_set)
        return
    results = _run([job for s in sets for job in s.jobs], workers)
    for report_set in sets:
        report_set.results = [results.pop(0) for _ in report_set.jobs]
        _write_records(report_set)
        _print_outcome(report_set)
    failed = any(result.status == "failed" for s in sets for result in s.results)
    if failed or (strict and any(s.problems for s in sets)):
        sys.exit(1)


@main.command()
@click.argument("file", required=False, type=click.Path(path_type=Path), metavar="[FILE.toml]")
@_settings
@_as_json
def plan(file: Path | None, settings: tuple[str, ...], as_json: bool) -> None:
    """Evaluate a scenario and print its card, without rendering."""
    overrides = parse_settings(settings)
    if file is None:
        plans = [evaluate(Scenario(**overrides))]
    else:
        cases = load_cases(file, overrides)
        plans = [evaluate(case.scenario) for case in cases if case.scenario]
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
    rows = _notebook_rows() if what == "notebooks" else listing.LISTS[what]()
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


# -- what to render -----------------------------------------------------------------------------


@dataclass
class _ReportSet:
    """The reports of one scenario: what to run, and what came of it."""

    case: Case
    folder: Path
    notebooks: list[Path]
    jobs: list[Job]
    plan: Plan | None
    results: list[Result] = field(default_factory=list)

    @property
    def problems(self) -> list[str]:
        """Problems of the plan and of the notebooks themselves."""
        own = [str(problem) for problem in self.plan.problems] if self.plan else []
        return own or [str(p.get("title")) for r in self.results for p in r.problems]


def _report_sets(
    files: Iterable[Path],
    overrides: Mapping[str, Any],
    notebooks: list[Path],
    out: Path,
    report_formats: tuple[str, ...],
) -> list[_ReportSet]:
    """Check everything before anything is written."""
    cases = [case for path in _files(files) for case in _cases(path, overrides)]
    names = [_name(case) for case in cases]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise InvalidInput(f"scenario names must differ, got {twice!r} twice; rename a file")
    return [_report_set(case, notebooks, out / _name(case), report_formats) for case in cases]


def _cases(path: Path, overrides: Mapping[str, Any]) -> list[Case]:
    if not lock.is_lock(path):
        return load_cases(path, overrides)
    pinned, differences = lock.reproduce(path)
    for line in differences:
        click.echo(f"{path.name}: {line}", err=True)
    return load_cases(path, pinned | dict(overrides))


def _name(case: Case) -> str:
    return case.scenario.name if case.scenario else case.name


def _report_set(
    case: Case, notebooks: list[Path], folder: Path, report_formats: tuple[str, ...]
) -> _ReportSet:
    if case.scenario is None:
        return _ReportSet(case, folder, notebooks, [], None)
    jobs = [
        Job(
            notebook=notebook,
            out_dir=folder,
            parameters=_parameters(notebook, case.scenario),
            formats=report_formats,
            title=f"{_heading(notebook)} · {case.scenario.title or case.scenario.name}",
        )
        for notebook in notebooks
    ]
    return _ReportSet(case, folder, notebooks, jobs, evaluate(case.scenario))


def _parameters(notebook: Path, scenario: ScenarioBase) -> dict[str, Any]:
    """Fields that the notebook lists by name, and the other given ones in `more`."""
    listed = _parameter_names(notebook)
    values = {name: _literal(value) for name, value in scenario.to_dict().items()}
    found = {name: value for name, value in values.items() if name in listed}
    if "more" in listed:
        given = scenario.changed() | {"name", "as_of"}
        found["more"] = {n: values[n] for n in sorted(given) if n not in listed}
    return found


def _literal(value: Any) -> Any:
    is_band = isinstance(value, dict) and value.keys() == {"low", "base", "high"}
    return [value["low"], value["base"], value["high"]] if is_band else value


def _parameter_names(notebook: Path) -> set[str]:
    from papermill import inspect_notebook  # slow to import, and other commands do without

    try:
        return set(inspect_notebook(str(notebook)))
    except Exception as error:  # papermill raises whatever its readers raise
        raise InvalidInput(f"{notebook}: is not a readable notebook: {error}") from None


def _heading(notebook: Path) -> str:
    """First heading of a notebook, else its name."""
    try:
        cells = nbformat.read(notebook, as_version=4).cells
    except Exception as error:  # nbformat raises whatever is wrong with the file
        raise InvalidInput(f"{notebook}: is not a readable notebook: {error}") from None
    lines = (line for c in cells if c.cell_type == "markdown" for line in c.source.splitlines())
    return next((line[2:].strip() for line in lines if line.startswith("# ")), notebook.stem)


def _formats(to: str) -> tuple[str, ...]:
    wanted = tuple(dict.fromkeys(part.strip() for part in to.split(",") if part.strip()))
    for name in wanted:
        if name not in formats_available():
            raise InvalidInput(
                f"--to must be among {', '.join(formats_available())}, got {name!r}; choose one"
            )
    if not wanted:
        raise InvalidInput(f"--to must name a format, got {to!r}; try html")
    return wanted


def _files(files: Iterable[Path]) -> list[Path]:
    given = list(files)
    if given:
        return given
    found = sorted(p for p in _folder("reports").glob("*.toml") if not lock.is_lock(p))
    if not found:
        raise InvalidInput("no scenario file given and none in reports/; name a FILE.toml")
    return found


def _folder(name: str) -> Path:
    """The folder of this name here, else in the checkout the package runs from."""
    here = Path(name)
    return here if here.is_dir() else _ROOT / name


def _all_notebooks() -> list[Path]:
    found = sorted(_folder("notebooks").glob("*.ipynb"))
    if not found:
        raise InvalidInput("no notebook in notebooks/; name one with --notebook PATH")
    return found


def _notebook(name: str) -> Path:
    if name.endswith(".ipynb"):
        if not Path(name).is_file():
            raise InvalidInput(f"--notebook must be a name or an .ipynb file, got {name!r}")
        return Path(name)
    known = {path.stem: path for path in _all_notebooks()}
    if name not in known:
        raise unknown("--notebook", name, known)
    return known[name]


def _notebook_rows() -> list[dict[str, Any]]:
    return [
        {"name": path.stem, "question": _heading(path), "file": os.path.relpath(path)}
        for path in _all_notebooks()
    ]


# -- running and telling ------------------------------------------------------------------------


def _run(jobs: list[Job], workers: int | None) -> list[Result]:
    with tqdm(total=len(jobs), unit="report", file=sys.stderr, disable=None) as bar:
        return run(jobs, workers=workers, on_done=lambda _: bar.update())


def _write_records(report_set: _ReportSet) -> None:
    """Write lock file and manifest beside the reports."""
    case, folder = report_set.case, report_set.folder
    folder.mkdir(parents=True, exist_ok=True)
    if case.scenario is None or report_set.plan is None:
        entries = {
            n.stem: manifest.not_possible(case.name, case.reason) for n in report_set.notebooks
        }
        manifest.update(folder, entries, scenario=case.name, lock="")
        return
    text = lock.lock_text(case, _facts_used(report_set))
    write_atomic(folder / f"{folder.name}{LOCK_SUFFIX}", text)
    manifest.update(
        folder,
        {result.job.stem: manifest.entry(result) for result in report_set.results},
        scenario=folder.name,
        lock=f"{folder.name}{LOCK_SUFFIX}",
        fingerprint=hashlib.sha256(json.dumps(case.scenario.to_dict()).encode()).hexdigest(),
    )


def _facts_used(report_set: _ReportSet) -> list[dict[str, Any]]:
    """Facts of the plan and of everything that the notebooks compared it with, by key."""
    assert report_set.plan is not None
    facts = {fact["key"]: dict(fact) for fact in report_set.plan.to_dict()["facts"]}
    for result in report_set.results:
        for block in result.blocks:
            for fact in block.get("facts", []):
                known = facts.setdefault(fact["key"], fact | {"used_by": []})
                known["used_by"] = sorted({*known["used_by"], *fact["used_by"]})
    return [facts[key] for key in sorted(facts)]


def _print_plan_of_work(report_set: _ReportSet) -> None:
    if report_set.case.scenario is None:
        click.echo(f"{report_set.folder}: not possible: {report_set.case.reason}")
    for job in report_set.jobs:
        click.echo("\n".join(str(job.out_dir / f"{job.stem}.{name}") for name in job.formats))


def _print_outcome(report_set: _ReportSet) -> None:
    if report_set.case.scenario is None:
        click.echo(f"{report_set.folder}: not possible: {report_set.case.reason}", err=True)
    for problem in report_set.problems:
        click.echo(f"{report_set.folder.name}: {problem}", err=True)
    for result in report_set.results:
        if result.error:
            page = result.job.out_dir / (result.error_page or "")
            click.echo(f"Error: {result.job.stem}: {result.error} (see {page})", err=True)
        for name in result.outputs.values():
            click.echo(str(result.job.out_dir / name))


if __name__ == "__main__":
    main()

"""The ``llminfra`` command: render, plan, explain, diff, list, check, new, init.

What a command needs is loaded where it begins, so that one with nothing to do loads little.
"""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

import llminfra
from llminfra.cli import finding, running, unchanged
from llminfra.cli.group import BAD_INPUT, Group, OutFolder
from llminfra.cli.preloaded import Choices
from llminfra.errors import InvalidInput

if TYPE_CHECKING:
    from llminfra.scenario.expand import Case

_HELP = """Reports on the memory of serving language models, from one scenario file.

\b
Start with    llminfra render reports/assistant-70b.toml
Look around   llminfra list models 70b    llminfra list fields    llminfra list facts h200
"""


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]}, help=_HELP)
@click.version_option(llminfra.__version__, prog_name="llminfra")
def main() -> None:
    """Run the command line."""


_settings = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="FIELD=VALUE",
    help="Change a scenario field, or my.NAME of a notebook; wins over the file, and FIELD=none "
    "takes it out. Repeatable.",
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
    "target",
    type=OutFolder(file_okay=False),
    default="reports/out",
    show_default=True,
    help="Folder for the reports, or an address such as s3://BUCKET/reports: "
    "OUT/<scenario>/<notebook>.html",
)
@click.option("--jobs", "workers", type=click.IntRange(1, 256), help="Processes; default: cores.")
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(0, 1e6),
    default=600.0,
    show_default=True,
    metavar="SECONDS",
    help="Most time for one cell; 0 for any.",
)
@click.option(
    "--kernel", default="", metavar="NAME", help="Kernel for all notebooks; default: their own."
)
@click.option(
    "--engine",
    type=click.Choice(["llminfra", "stock"]),
    default="llminfra",
    show_default=True,
    help="What runs notebooks: forks of one process where that can be, or papermill's kernels.",
)
@click.option("--executor", default="", metavar="URL", help="Run jobs by dask://HOST:PORT.")
@click.option(
    "--memory",
    "memory_gb",
    type=click.FloatRange(0.1, 1e6),
    metavar="GB",
    help="Most memory for one notebook; default: that of the machine.",
)
@click.option("--force", is_flag=True, help="Render anew what is unchanged.")
@click.option("--strict", is_flag=True, help="Exit with 1 if a report has a problem.")
@click.option("--dry-run", is_flag=True, help="List what would be rendered and stop.")
@click.option("--watch", "watched", is_flag=True, help="Render again what is saved, until Ctrl-C.")
def render(
    files: tuple[Path, ...],
    notebooks: tuple[str, ...],
    settings: tuple[str, ...],
    defaults: bool,
    to: str,
    target: str,
    workers: int | None,
    timeout_s: float,
    kernel: str,
    engine: str,
    executor: str,
    memory_gb: float | None,
    force: bool,
    strict: bool,
    dry_run: bool,
    watched: bool,
) -> None:
    """Render scenario files (default: all of reports/) to reports.

    Each file gives OUT/<scenario>/<notebook>.html, a lock file that makes the same reports again,
    and manifest.json; OUT/index.html lists all. A file may hold a [sweep] of lists and [[variant]]
    tables, which multiply, and [compare], which puts them side by side in one page. A lock file can
    be rendered too: it says what differs today. Reports that would come out the same are left as
    they are.
    """
    if dry_run and watched:
        raise InvalidInput("--watch must go without --dry-run, got both; drop one of them")
    out, mirror = running.where(target, watched=watched)
    found = finding.find_notebooks(notebooks)
    # What a notebook is rendered with and no file states is one case, whatever files lie about.
    is_one_case = defaults or bool(settings and notebooks and not files)
    listed = list(files) if files or is_one_case else finding.all_scenario_files()
    asked = unchanged.Asked(
        files=[str(path) for path in listed],
        notebooks=[str(path) for path in found],
        options={
            "settings": settings,
            "to": to,
            "named": bool(notebooks),
            "defaults": defaults,
            "kernel": kernel,
            "strict": strict,
        },
        out=str(out),
    )
    if not (force or dry_run or watched) and (told := unchanged.told_before(asked)):
        running.repeat(told, mirror)
        return
    if len(found) == len(listed) == 1 and not (dry_run or watched or executor):
        running.start_early(engine, kernel, found)

    options = running.RenderOptions(
        notebooks=found,
        names=notebooks,
        settings=settings,
        defaults=defaults,
        is_one_case=is_one_case,
        report_formats=running.wanted_formats(to),
        out=out,
        workers=workers,
        choices=Choices(kernel, timeout_s or None, engine, memory_gb),
        executor=executor,
        mirror=mirror,
    )
    if watched:
        running.watch_for_saves(options, files)
        return
    sets = options.sets(listed, found, anew=bool(notebooks) or force)
    if dry_run:
        for report_set in sets:
            running.print_plan_of_work(report_set)
    elif not running.render_all(sets, options, asked, strict=strict, force=force):
        sys.exit(1)


@main.command()
@click.argument("file", required=False, type=click.Path(path_type=Path), metavar="[FILE.toml]")
@_settings
@_as_json
def plan(file: Path | None, settings: tuple[str, ...], as_json: bool) -> None:
    """Evaluate a scenario and print its card, without rendering."""
    from llminfra.evaluate import evaluate
    from llminfra.scenario import Scenario
    from llminfra.scenario.file import MY, kept, load_cases, parse_settings

    overrides = parse_settings(settings)
    if file is None:
        overrides.pop(MY, None)  # of notebooks, and a plan has none
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


@main.command()
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE.toml")
@click.argument("quantity")
@_settings
@click.option("--versus", default="", metavar="QUANTITY", help="Another result: what turns them.")
@click.option(
    "--goal", "reach", default="", metavar="FIELD=TARGET", help="Where the result is the target."
)
@_as_json
def explain(
    file: Path, quantity: str, settings: tuple[str, ...], versus: str, reach: str, as_json: bool
) -> None:
    """Tell which inputs move a result, such as cost.usd_per_month, the strongest first.

    Each goes from the low to the high end of its band, all others at their base.
    """
    from llminfra.cli import drivers
    from llminfra.evaluate import evaluate
    from llminfra.scenario.file import load_cases, parse_settings

    cases = load_cases(file, parse_settings(settings))
    found = next((case.scenario for case in cases if case.scenario), None)
    if found is None:
        raise InvalidInput(f"{file}: no case is possible: {cases[0].reason}")
    asked = {"versus": versus, "reach": reach}
    click.echo(drivers.explained(evaluate(found), quantity, **asked, as_json=as_json))


@main.command("diff")
@click.argument("first", type=click.Path(path_type=Path), metavar="A.lock.toml")
@click.argument("second", type=click.Path(path_type=Path), metavar="B.lock.toml")
@click.option(
    "--of",
    "answers",
    multiple=True,
    default=("cost.usd_per_month",),
    show_default=True,
    metavar="ANSWER",
    help="Answer to look at. Repeatable.",
)
@_as_json
def diff_(first: Path, second: Path, answers: tuple[str, ...], as_json: bool) -> None:
    """Tell what moved an answer between two lock files: fields, facts, versions."""
    from llminfra.cli import diff
    from llminfra.since import since

    found = [since(first, second, answer) for answer in answers]
    click.echo(diff.as_json(found) if as_json else diff.as_lines(found))


_LISTS: Final = ("models", "accelerators", "fields", "facts", "prices", "regions", "notebooks")


@main.command("list")
@click.argument("what", type=click.Choice(_LISTS))
@click.argument("filter_text", required=False, default="", metavar="[FILTER]")
@click.option("--on", "day", metavar="DATE", help="Of prices: as they were known on this day.")
@_as_json
def list_(what: str, filter_text: str, day: str | None, as_json: bool) -> None:
    """List what scenarios can name, the fields they can have, or what things cost.

    FILTER keeps the rows that hold all its words: llminfra list prices "h100 on-demand europe".
    """
    from llminfra.catalog.price_list import day_of, price_list
    from llminfra.cli import listing

    if day is not None and what != "prices":
        raise InvalidInput(f"--on must go with prices, got it with {what}; leave it out")
    if what == "notebooks":
        rows = finding.notebook_rows()
    elif day is not None:
        rows = price_list(day_of(day))
    else:
        rows = listing.LISTS[what]()
    words = filter_text.lower().split()
    rows = [r for r in rows if all(w in " ".join(map(str, r.values())).lower() for w in words)]
    click.echo(json.dumps(rows, indent=2) if as_json else listing.table_text(rows))


@main.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
def check(files: tuple[Path, ...]) -> None:
    """Check scenario files without rendering: fields, values, combinations, ages of facts."""
    from llminfra.cli.mine import check_types
    from llminfra.scenario.file import load_cases

    bad = 0
    for file in files:
        try:
            cases = load_cases(file)
            for case in cases[:1]:  # which have these alike
                check_types(case)
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
    from llminfra.cli import new

    click.echo(os.path.relpath(new.new_notebook(name, source)))


@main.command("init")
@click.argument(
    "folder", type=click.Path(path_type=Path, file_okay=False), default=Path(), metavar="[FOLDER]"
)
def init(folder: Path) -> None:
    """Make a folder to work in: reports/ with a scenario file, notebooks/ with a first notebook.

    Files that are there already are left as they are.
    """
    from llminfra.cli import new

    for path in new.init_folder(folder):
        click.echo(os.path.relpath(path))


def _findings(cases: "list[Case]") -> Iterator[str]:
    from llminfra import formats
    from llminfra.evaluate import evaluate

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

"""A batch: scenario files x notebooks, checked as a whole, run, and recorded beside the reports."""

import hashlib
import json
import os
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from tqdm import tqdm

import llminfra
from llminfra import lock
from llminfra.errors import InvalidInput, RenderError, shown, unknown
from llminfra.plan import Plan, evaluate
from llminfra.publish import manifest
from llminfra.publish.files import write_atomic
from llminfra.publish.jobs import Job, OnDone, Result, formats_available, run
from llminfra.scenario import Scenario, ScenarioBase
from llminfra.scenario_file import LOCK_SUFFIX, Case, kept, load_cases

if TYPE_CHECKING:
    from nbformat import NotebookNode

_ROOT: Final = Path(llminfra.__file__).resolve().parent.parent


@dataclass
class ReportSet:
    """The reports of one scenario: what to run, and what came of it."""

    case: Case
    folder: Path
    notebooks: list[Path]
    jobs: list[Job]
    plan: Plan | None
    results: list[Result] = field(default_factory=list)

    @property
    def problems(self) -> list[str]:
        """Problems and warnings of the plan, as lines."""
        return [str(problem) for problem in self.plan.problems] if self.plan else []

    @property
    def is_ok(self) -> bool:
        """True when neither the plan nor a notebook says that something cannot work as asked."""
        found = self.plan.problems if self.plan else []
        return not any(problem.is_error for problem in found) and not any(
            result.problems for result in self.results
        )


def cases(files: Iterable[Path], overrides: Mapping[str, Any], *, defaults: bool) -> list[Case]:
    """Return the cases of scenario files, of all in reports/, or of the defaults alone."""
    given = list(files)
    if not defaults:
        return [case for path in given or _all_files() for case in _cases(path, overrides)]
    if given:
        raise InvalidInput(f"--defaults must go without a file, got {given[0]}; drop one of them")
    fields = kept(overrides)
    scenario = Scenario(**({"name": "scenario"} | fields))
    return [Case(name=scenario.name, scenario=scenario, origins=dict.fromkeys(fields, "--set"))]


def report_sets(
    cases: Iterable[Case], notebooks: list[Path], out: Path, report_formats: tuple[str, ...]
) -> list[ReportSet]:
    """Check everything before anything is written."""
    found = list(cases)
    names = [_name(case) for case in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise InvalidInput(f"scenario names must differ, got {twice!r} twice; rename a file")
    return [_report_set(case, notebooks, out / _name(case), report_formats) for case in found]


def _cases(path: Path, overrides: Mapping[str, Any]) -> list[Case]:
    if not lock.is_lock(path):
        return load_cases(path, overrides)
    pinned, differences = lock.reproduce(path)
    for line in differences:
        click.echo(f"{path.name}: {line}", err=True)
    facts = pinned.get("facts", {}) | dict(overrides.get("facts", {}))
    return load_cases(path, pinned | dict(overrides) | ({"facts": facts} if facts else {}))


def _name(case: Case) -> str:
    return case.scenario.name if case.scenario else case.name


def _report_set(
    case: Case, notebooks: list[Path], folder: Path, report_formats: tuple[str, ...]
) -> ReportSet:
    if case.scenario is None:
        return ReportSet(case, folder, notebooks, [], None)
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
    return ReportSet(case, folder, notebooks, jobs, evaluate(case.scenario))


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


def read_notebook(path: Path) -> "NotebookNode":
    """Read a notebook of any version as one of version 4."""
    import nbformat  # slow to import, and other commands do without

    try:
        document: NotebookNode = nbformat.read(path, as_version=4)
    except Exception as error:  # nbformat raises whatever is wrong with the file
        raise InvalidInput(f"{path}: is not a readable notebook: {error}") from None
    return document


def _heading(notebook: Path) -> str:
    """First heading of a notebook as it reads, else its name."""
    cells = read_notebook(notebook).cells
    lines = (line for c in cells if c.cell_type == "markdown" for line in c.source.splitlines())
    heading = next((line[2:].strip() for line in lines if line.startswith("# ")), notebook.stem)
    if not re.search(r"[`*_$\[\\&]", heading):
        return heading
    from llminfra.publish.web.markdown import plain_heading  # slow to import, and rarely needed

    return plain_heading(heading)


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


def scenario_files() -> list[Path]:
    """Return the scenario files of the reports folder."""
    return [path for path in _listed("reports", "*.toml") if not lock.is_lock(path)]


def _all_files() -> list[Path]:
    found = scenario_files()
    if not found:
        raise InvalidInput("no scenario file given and none in reports/; name a FILE.toml")
    return found


def _listed(folder: str, pattern: str) -> list[Path]:
    """Files of a folder, without the hidden ones that editors leave for a moment."""
    return sorted(p for p in _folder(folder).glob(pattern) if not p.name.startswith("."))


def _folder(name: str) -> Path:
    """The folder of this name here, else in the checkout the package runs from."""
    here = Path(name)
    return here if here.is_dir() else _ROOT / name


def notebook_folder() -> Path:
    """Return the folder of the notebooks that have a name."""
    return _folder("notebooks")


def notebook_files() -> list[Path]:
    """Return the notebooks of the notebooks folder."""
    return _listed("notebooks", "*.ipynb")


def all_notebooks() -> list[Path]:
    """Return the notebooks of the notebooks folder; raise InvalidInput when there is none."""
    found = notebook_files()
    if not found:
        raise InvalidInput("no notebook in notebooks/; name one with --notebook PATH")
    return found


def find_notebooks(names: Iterable[str]) -> list[Path]:
    """Return the notebooks of names or paths, each once; all of them when none is named."""
    found = {path.resolve(): path for path in map(find_notebook, names)}
    stems = [path.stem for path in found.values()]
    twice = next((stem for stem in stems if stems.count(stem) > 1), None)
    if twice:
        raise InvalidInput(f"--notebook names must differ, got {twice!r} twice; rename one")
    return list(found.values()) or all_notebooks()


def find_notebook(name: str, *, option: str = "--notebook") -> Path:
    """Return the notebook of a name or a path."""
    if name.endswith(".ipynb"):
        if not Path(name).is_file():
            raise InvalidInput(f"{option} must be a name or an .ipynb file, got {shown(name)}")
        return Path(name)
    known = {path.stem: path for path in all_notebooks()}
    if name not in known:
        raise unknown(option, name, known)
    return known[name]


def notebook_rows() -> list[dict[str, Any]]:
    """Return name, question and file of each notebook."""
    return [
        {"name": path.stem, "question": _heading(path), "file": os.path.relpath(path)}
        for path in all_notebooks()
    ]


def run_jobs(jobs: list[Job], workers: int | None, on_done: OnDone | None = None) -> list[Result]:
    """Run jobs with a progress bar, or with a function that is told each result."""
    if on_done:
        return run(jobs, workers=workers, on_done=on_done)
    with tqdm(total=len(jobs), unit="report", file=sys.stderr, disable=None) as bar:
        return run(jobs, workers=workers, on_done=lambda _: bar.update())


def write_records(report_set: ReportSet) -> None:
    """Write lock file and manifest beside the reports."""
    case, folder = report_set.case, report_set.folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RenderError(f"{folder} cannot be made: {error.strerror}; try another --out") from None
    if case.scenario is None or report_set.plan is None:
        entries = {
            n.stem: manifest.not_possible(case.name, case.reason) for n in report_set.notebooks
        }
        manifest.update(folder, entries, scenario=case.name, lock="")
        return
    text = lock.lock_text(case, _facts_used(report_set), report_set.plan.fixed)
    write_atomic(folder / f"{folder.name}{LOCK_SUFFIX}", text)
    manifest.update(
        folder,
        {result.job.stem: manifest.entry(result) for result in report_set.results},
        scenario=folder.name,
        lock=f"{folder.name}{LOCK_SUFFIX}",
        fingerprint=hashlib.sha256(json.dumps(case.scenario.to_dict()).encode()).hexdigest(),
    )


def _facts_used(report_set: ReportSet) -> list[dict[str, Any]]:
    """Facts of the plan and of everything that the notebooks compared it with, by key."""
    assert report_set.plan is not None
    facts: dict[str, dict[str, Any]] = {}
    for fact in report_set.plan.to_dict()["facts"]:
        facts.setdefault(fact["key"], fact)  # a comparison may have replaced it later
    for result in report_set.results:
        for block in result.blocks:
            for fact in block.get("facts", []):
                known = facts.setdefault(fact["key"], fact | {"used_by": []})
                known["used_by"] = sorted({*known["used_by"], *fact["used_by"]})
    return [facts[key] for key in sorted(facts)]

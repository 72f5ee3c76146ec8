"""A batch: scenario files x notebooks, checked as a whole before anything is written."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import click

import llminfra
from llminfra import lock
from llminfra.cli.finding import all_scenario_files
from llminfra.cli.given import agreed, literals, parameters_for, stated_by, with_stated
from llminfra.cli.mine import check_mine
from llminfra.cli.predecessor import predecessor, with_told
from llminfra.cli.preloaded import Choices, preloaded
from llminfra.errors import InvalidInput
from llminfra.evaluate import evaluate
from llminfra.facets import SERVED
from llminfra.facets.base import Problem, storable
from llminfra.names import OF_CASES, check_distinct, distinct_name
from llminfra.plan import Plan
from llminfra.publish import manifest
from llminfra.publish.about import About, about
from llminfra.publish.index import link_to, siblings_of
from llminfra.publish.job import Job, Result
from llminfra.scenario import Scenario
from llminfra.scenario.expand import Case, joined
from llminfra.scenario.file import MY, kept, load_cases

COMPARE: Final = Path(__file__).resolve().parents[1] / "present" / "pages" / "compare.ipynb"
# Asked in the process of a notebook after its last cell: what of the catalogue it has read.
_READS: Final = (
    '__import__("llminfra.catalog.digests", fromlist=["digests"]).read_digests() '
    'if "llminfra.catalog.reads" in __import__("sys").modules else {}'
)
_AS_USUAL: Final = Choices()


@dataclass
class ReportSet:
    """The reports of one scenario: what to run, and what came of it."""

    case: Case
    folder: Path
    notebooks: list[Path]
    jobs: list[Job]
    is_about_plan: bool = True
    is_served: bool = True
    compared: list[Case] = field(default_factory=list)
    differing: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    asking: tuple[str, ...] = ()
    """Fields that would have made it a report on a scenario file; none where no file was given."""
    results: list[Result] = field(default_factory=list)

    @cached_property
    def plan(self) -> Plan | None:
        """The plan of the scenario, made when it is first needed; None where it is not possible."""
        return evaluate(self.case.scenario) if self.case.scenario else None

    @property
    def is_done(self) -> bool:
        """True when each job has its result."""
        return len(self.results) == len(self.jobs)

    @property
    def problems(self) -> list[str]:
        """Problems and warnings of the plan that concern these reports, as lines."""
        return [str(problem) for problem in self._found]

    @property
    def remarks(self) -> list[str]:
        """What may not be meant in the words of the notebooks, as lines."""
        return [f"{r.job.stem}: {said}" for r in self.results for said in r.remarks]

    @property
    def is_ok(self) -> bool:
        """True when neither the plan nor a notebook says that something cannot work as asked."""
        return not any(problem.is_error for problem in self._found) and not any(
            result.problems for result in self.results
        )

    def settle(self) -> None:
        """Let go of what only lock and manifest need, once they are written: batches are long."""
        _ = self._found
        self.__dict__.pop("plan", None)
        for result in self.results:
            for part in result.blocks:
                part.pop("facts", None)
                part.pop("digests", None)
            if isinstance(result.probed, dict):
                result.probed.clear()  # hundreds of facts, which the cache has by now

    @property
    def notes(self) -> Iterator[str]:
        """Lines on what the reports of this set do not agree in."""
        for name, values in self.differing.items():
            told = ", ".join(f"{joined(value)} in {book}" for book, value in values.items())
            yield f"notebooks differ in {name}, which the scenario does not state: {told}"
        if self.asking:
            wanted = " or ".join(self.asking)
            yield f"no scenario asks for it, so this is the notebook's own case; give {wanted}"

    @cached_property
    def _found(self) -> list[Problem]:
        """What keeps the load from being served, and what else these reports are about.

        Nobody who renders a report on memory asked for stale prices, nor who trains for a load. Of
        the package nothing is found, and a comparison says itself which variant does what.
        """
        if not self.is_about_plan or not self.plan:
            return []
        told = {problem["code"] for result in self.results for problem in result.told}
        served = self.plan.problems_of(*SERVED) if self.is_served else []
        return served + [p for p in self.plan.problems if p not in served and p.code in told]


def cases(files: Iterable[Path], overrides: Mapping[str, Any], *, defaults: bool) -> list[Case]:
    """Return the cases of scenario files, of all in reports/, or of the defaults alone."""
    given = list(files)
    if not defaults:
        return [case for path in given or all_scenario_files() for case in _cases(path, overrides)]
    if given:
        raise InvalidInput(f"--defaults must go without a file, got {given[0]}; drop one of them")
    fields = kept(overrides)
    mine = kept(fields.pop(MY, {}))
    scenario = Scenario(**({"name": "scenario"} | fields))
    origins = dict.fromkeys(fields, "--set")
    where = dict.fromkeys(mine, "--set")
    return [Case(name=scenario.name, scenario=scenario, origins=origins, my=mine, my_where=where)]


def named_case(overrides: Mapping[str, Any]) -> Case:
    """Return the one case that the command line gives, under the name of what it says."""
    (case,) = cases([], overrides, defaults=True)
    if case.scenario is None or "name" in case.origins:
        return case
    given = {**{n: v for n, v in overrides.items() if n not in (MY, "title")}, **case.my}
    words = ",".join(f"{name}={joined(value)}" for name, value in given.items())
    name = distinct_name(words or case.name, also=OF_CASES)
    return replace(case, name=name, scenario=case.scenario.replace(name=name))


def report_sets(
    cases: Iterable[Case],
    notebooks: list[Path],
    out: Path,
    report_formats: tuple[str, ...],
    *,
    anew: bool = True,
    named: bool = True,
    choices: Choices = _AS_USUAL,
) -> list[ReportSet]:
    """Check everything before anything is written.

    Parameters
    ----------
    anew : bool
        Whether notebooks that are about the package, and about no scenario, are rendered even
        where this version of it has done so.
    named : bool
        Whether the notebooks were asked for by name: else a file that compares its cases gives the
        page of the comparison alone.
    """
    found, books = list(cases), [about(path) for path in notebooks]
    for case in found:
        check_mine(case, books)
    make, sets = _Maker(out, report_formats, choices, preloaded(notebooks)), []
    for case in found if named else (case for case in found if not case.comparison):
        # A case that gives a parameter or a field that asks for such a notebook has its report.
        own = [b for b in books if not b.is_once or _asks(case, b)]
        sets += [make.of_case(case, own)] if own else []
    sets += [make.of_comparison(group) for group in _compared(found)]
    asked = {path for report_set in sets for path in report_set.notebooks}
    is_of_files = named and any(case.stem for case in found)
    sets += [
        make.of_package(book, book.asking if is_of_files else ())
        for book in books
        if book.is_once and book.path not in asked
        if anew or not _is_rendered(out, book.path, report_formats)
    ]
    check_distinct("scenario names", [s.folder.name for s in sets], "rename a file")
    return sets


def _asks(case: Case, book: About) -> bool:
    stated = set() if case.scenario is None else case.scenario.changed()
    return bool(set(book.parameters) & set(case.my)) or book.is_asked_by(stated)


def warnings(sets: Iterable[ReportSet]) -> Iterator[str]:
    """Yield what is wrong with a batch as a whole, though each report can be rendered."""
    books: dict[Path, int] = {}
    for report_set in sets:
        for job in report_set.jobs:
            books[job.notebook] = books.get(job.notebook, 0) + 1
    for path, n_cases in books.items():
        found = about(path)
        if n_cases > 1 and not found.has_parameters and not found.is_once:
            yield (
                f"{path.name} has no cell tagged parameters: its {n_cases} reports will be the "
                "same; tag the cell that holds the values to change"
            )


@dataclass(frozen=True)
class _Maker:
    out: Path
    formats: tuple[str, ...]
    choices: Choices
    preload: tuple[str, ...]

    def of_case(self, case: Case, books: list[About]) -> ReportSet:
        folder = self.out / _name(case)
        if case.scenario is None:
            return ReportSet(case, folder, [book.path for book in books], [])
        stated = {book.path: stated_by(case, book) for book in books}
        shared, differing = agreed(stated)
        case = with_stated(case, shared)
        jobs = [
            self._job(book, folder, case, parameters_for(book, case, differing)) for book in books
        ]
        is_about_plan = any(book.is_report for book in books)
        served = any(not book.is_once for book in books)
        paths = [book.path for book in books]
        made = ReportSet(case, folder, paths, jobs, is_about_plan, served, differing=differing)
        if before := predecessor(folder, case):
            pairs = zip(jobs, books, strict=True)
            made.jobs = [with_told(job, book, before, made.plan) for job, book in pairs]
        made.jobs = siblings_of(folder, made.jobs)
        return made

    def of_comparison(self, group: list[Case]) -> ReportSet:
        """One page for all cases of a file."""
        first, book = next((c for c in group if c.scenario), group[0]), about(COMPARE)
        assert first.comparison is not None
        folder = self.out / first.stem
        if first.scenario is None:
            return ReportSet(replace(first, name=first.stem), folder, [COMPARE], [])
        scenario = first.scenario.replace(name=first.stem)
        variants = [
            {"label": c.label, "fields": literals(storable(c.varied))}
            | ({"reason": c.reason} if c.scenario is None else {})
            for c in group
        ]
        case = replace(first, name=first.stem, scenario=scenario, my={})
        own = {"variants": variants, "results": list(first.comparison.results)}
        parameters = parameters_for(book, case, {}) | own
        jobs = [self._job(book, folder, case, parameters)]
        return ReportSet(case, folder, [COMPARE], jobs, is_about_plan=False, compared=group)

    def of_package(self, book: About, asking: tuple[str, ...] = ()) -> ReportSet:
        name = distinct_name(book.path.stem)
        case = Case(name=name, scenario=Scenario(name=name), origins={})
        jobs = [self._job(book, self.out / name, case, {})]
        return ReportSet(
            case, self.out / name, [book.path], jobs, is_about_plan=False, asking=asking
        )

    def _job(self, book: About, folder: Path, case: Case, parameters: Mapping[str, Any]) -> Job:
        assert case.scenario is not None
        subject = case.scenario.title or case.scenario.name
        return Job(
            notebook=book.path,
            out_dir=folder,
            parameters=parameters,
            formats=self.formats,
            title=book.heading + ("" if subject == book.path.stem else f" · {subject}"),
            kernel=self.choices.kernel,
            timeout_s=self.choices.timeout_s,
            probe=_READS,
            engine=self.choices.engine,
            memory_gb=self.choices.memory_gb,
            index=link_to(folder.name),
            preload=self.preload,
        )


def _compared(found: list[Case]) -> list[list[Case]]:
    groups: dict[str, list[Case]] = {}
    for case in found:
        if case.comparison and case.stem:
            groups.setdefault(case.stem, []).append(case)
    return list(groups.values())


def _is_rendered(out: Path, notebook: Path, report_formats: tuple[str, ...]) -> bool:
    """Tell whether this version of the package has made these files, and they are still there."""
    folder = out / distinct_name(notebook.stem)
    made = manifest.read(folder)
    report = made.get("reports", {}).get(distinct_name(notebook.stem), {})
    files = report.get("outputs", {})
    return (
        made.get("generated_by") == f"llminfra {llminfra.__version__}"
        and report.get("status") == "ok"
        and all(f in files and (folder / files[f]["path"]).is_file() for f in report_formats)
    )


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

"""``OUT/index.html``: every report of an output folder, with what it says and how it stands."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader

from llminfra.disk import inside, write_atomic
from llminfra.present import theme
from llminfra.publish import manifest
from llminfra.publish.about import board_first
from llminfra.publish.job import Job
from llminfra.wire import clean_text

NAME: Final = "index.html"
_TEMPLATES: Final = Path(__file__).parent / "templates"
_STATUS: Final = {
    "ok": "✓ up to date",
    "stale": "● of an earlier state",
    "failed": "✗ failed",
    "not_possible": "✗ not possible",
}
_FIRST: Final = ("html", "pdf", "xlsx", "ipynb")
Row = dict[str, Any]


def write_index(out: Path) -> None:
    """Write the index of all report sets in a folder; nothing where there is none."""
    cases = list(_cases(out))
    if not cases:
        return
    with suppress(OSError):  # each report stands without it
        write_atomic(out / NAME, page(cases))


def link_to(case: str) -> str:
    """Return the link to a case's reports, from a page of one of them.

    Examples
    --------
    >>> link_to("Büro 4")
    '../index.html#B%C3%BCro%204'
    """
    return f"../{NAME}#{quote(case)}"


def siblings_of(folder: Path, jobs: Sequence[Job]) -> list[Job]:
    """Return jobs of a case with links to each other, and to what earlier runs made of the case.

    Parameters
    ----------
    folder : Path
        Folder of the case.
    jobs : sequence of Job
        Its jobs of this run.
    """
    reports = manifest.read(folder).get("reports")
    made = reports.items() if isinstance(reports, dict) else ()
    titles = {
        name: str(entry.get("title") or name)
        for name, entry in made
        if isinstance(entry, dict) and _is_there(folder, f"{name}.html")
    }
    titles |= {job.stem: job.title or job.stem for job in jobs if "html" in job.formats}
    links = {
        name: (titles[name].partition(" · ")[0], f"{quote(name)}.html")
        for name in sorted(titles, key=board_first)
    }
    others = [tuple(link for n, link in links.items() if n != job.stem) for job in jobs]
    return [replace(job, siblings=found) for job, found in zip(jobs, others, strict=True)]


def page(cases: list[Row]) -> str:
    """Return the page of report sets as `_cases` describes them."""
    light, dark = theme.css_variables("light"), theme.css_variables("dark")
    html: str = _template().render(cases=cases, light=light, dark=dark)
    return f"{clean_text(html)}\n"


@cache
def _template() -> Any:
    loader = FileSystemLoader(_TEMPLATES)
    found = Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return found.get_template(NAME)


def _cases(out: Path) -> Iterator[Row]:
    for path in sorted(out.glob(f"*/{manifest.NAME}")):
        found = manifest.read(path.parent)
        reports = found.get("reports")
        if not isinstance(reports, dict) or not reports:
            continue
        rows = [
            _report(path.parent, name, entry)
            for name in sorted(reports, key=board_first)
            if isinstance(entry := reports[name], dict)
        ]
        yield {"name": path.parent.name, "id": quote(path.parent.name), "reports": rows}


def _report(folder: Path, name: str, entry: Mapping[str, Any]) -> Row:
    outputs = entry.get("outputs")
    files = {
        kind: str(output.get("path", ""))
        for kind, output in (outputs.items() if isinstance(outputs, dict) else ())
        if isinstance(output, dict) and _is_there(folder, str(output.get("path", "")))
    }
    failed = f"{name}.error.html"
    if entry.get("status") in ("failed", "stale") and _is_there(folder, failed):
        files["error"] = failed
    status = str(entry.get("status", ""))
    problems = entry.get("problems")
    return {
        "title": str(entry.get("title") or name),
        "headline": str(entry.get("headline") or ""),
        "rendered": str(entry.get("rendered") or ""),
        "status": _STATUS.get(status, status),
        "is_good": status == "ok",
        "error": str(entry.get("error") or ""),
        "problems": [
            str(p.get("title") or "")
            for p in (problems if isinstance(problems, list) else [])
            if isinstance(p, dict)
        ],
        "links": [
            {"kind": kind, "href": f"{quote(folder.name)}/{quote(files[kind])}"}
            for kind in sorted(files, key=lambda kind: (*_FIRST, kind).index(kind))
        ],
    }


def _is_there(folder: Path, name: str) -> bool:
    with suppress(ValueError, OSError):  # a manifest by another hand may name any path
        return inside(folder, name).is_file()
    return False

"""An executed notebook in each format that is asked for: exporters by their entry points."""

from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Final

from llminfra.disk import inside, write_atomic
from llminfra.publish.cell_error import one_line
from llminfra.publish.job import Job
from llminfra.wire import BLOCK_MIME

if TYPE_CHECKING:
    from nbformat import NotebookNode

_PREFIX: Final = "llminfra-"
_NOTEBOOK: Final = "ipynb"


def formats_available() -> list[str]:
    """Return the names of all formats: ``ipynb`` and each exporter named ``llminfra-…``."""
    found = entry_points(group="nbconvert.exporters")
    names = {e.name.removeprefix(_PREFIX) for e in found if e.name.startswith(_PREFIX)}
    return sorted(names | {_NOTEBOOK})


def write_formats(job: Job, document: "NotebookNode") -> tuple[dict[str, str], list[str]]:
    """Write each format that works; one that does not leaves the others alone.

    A page without one of its parts is written, where it says so, and is an error.
    """
    outputs: dict[str, str] = {}
    errors: list[str] = []
    # The notebook first, as it was run: pages number its findings.
    for name in sorted(job.formats, key=lambda name: name != _NOTEBOOK):
        try:
            extension, data, unshown = _export(job, document, name)
            path = inside(job.out_dir, job.stem + extension)
            write_atomic(path, data)
            outputs[name] = path.name
            errors += [f"{name} lacks a part: {reason}" for reason in unshown]
        except Exception as exc:
            errors.append(f"{name}: {one_line(exc)}")
    return {name: outputs[name] for name in job.formats if name in outputs}, errors


def _export(
    job: Job, document: "NotebookNode", name: str
) -> tuple[str, str | bytes, Sequence[str]]:
    if job.title:
        document.metadata["title"] = job.title
    if name == _NOTEBOOK:
        return ".ipynb", as_text(document), ()
    exporter = exporter_of(name)
    links: dict[str, Any] = {"index": job.index, "siblings": job.siblings}
    where = {"name": job.stem, "path": str(job.notebook.parent), **links}
    is_own = type(exporter).__module__.startswith("llminfra.")  # and changes nothing that it reads
    export = exporter.in_place if is_own else exporter.from_notebook_node
    data, resources = export(document, {"metadata": where})
    extension = resources.get("output_extension") or exporter.file_extension
    return extension, data, resources.get("unshown", ())


def as_text(document: "NotebookNode") -> str:
    """Return a notebook as the text of its file."""
    import nbformat  # slow to import

    return f"{nbformat.writes(document)}\n"


@cache
def exporter_of(name: str) -> Any:
    """One exporter per format and process: its first page costs ten times the next."""
    found = entry_points(group="nbconvert.exporters", name=_PREFIX + name)
    if not found:
        known = ", ".join(formats_available())
        raise ValueError(f"format must be one of {known}, got {name!r}")
    exporter = next(iter(found)).load()()
    exporter.optimistic_validation = True  # nbconvert looks once, not after each preprocessor
    return exporter


def warm_up(formats: Sequence[str]) -> None:
    """Load what comes after the kernel, while this process would only wait for it."""
    for name in formats:
        _warm(name)


@cache
def _warm(name: str) -> None:
    from nbformat import v4

    block = {BLOCK_MIME: {"version": 1, "kind": "answer", "headline": "1", "points": []}}
    cell = v4.new_code_cell("1", outputs=[v4.new_output("display_data", block)])
    with suppress(Exception):  # told when the format is written
        exporter_of(name).from_notebook_node(v4.new_notebook(cells=[cell]))

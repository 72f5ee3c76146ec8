"""What every exporter does before it writes: a copy with numbers and marks, its name and folder."""

from pathlib import Path
from typing import Any, NamedTuple

from nbconvert.exporters.exporter import Exporter
from nbconvert.exporters.templateexporter import TemplateExporter
from nbformat import NotebookNode

from llminfra.publish.read.cells import Show
from llminfra.publish.wording import check_answers, note_typed, number_findings


class Prepared(NamedTuple):
    """A notebook that is ready to be written."""

    notebook: NotebookNode
    resources: dict[str, Any]
    about: dict[str, Any]
    name: str
    folder: Path | None


def prepared(exporter: Exporter, nb: NotebookNode, resources: Any, **kw: Any) -> Prepared:
    """Return a copy of the notebook, read as a report, with what nbconvert says of it.

    Reports have templates of their own, so nbconvert's Jinja2 stage is left out.
    """
    copy, found = Exporter.from_notebook_node(exporter, nb, resources, **kw)
    found["output_extension"] = exporter.file_extension
    check_answers(copy)
    number_findings(copy)
    note_typed(copy)
    about = found.get("metadata", {})
    path = about.get("path")
    folder = None if path is None else Path(path)
    return Prepared(copy, found, about, str(about.get("name") or "Notebook"), folder)


def what_to_show(exporter: TemplateExporter, *, inputs: bool = True) -> Show:
    """Return what nbconvert's options leave of a notebook."""
    return Show(
        code=not exporter.exclude_code_cell,
        inputs=inputs and not exporter.exclude_input,
        outputs=not exporter.exclude_output,
        markdown=not exporter.exclude_markdown,
        raw=not exporter.exclude_raw,
    )

"""What every exporter of a report is: it reads a notebook with numbers and marks, and writes it."""

from pathlib import Path
from typing import Any, ClassVar

from nbconvert.exporters.exporter import Exporter
from nbconvert.exporters.templateexporter import TemplateExporter
from nbformat import NotebookNode
from traitlets import Unicode, default

from llminfra.publish.read.cells import Show
from llminfra.publish.wording import check_answers, settle


class ReportExporter(TemplateExporter):
    """Export a notebook as a report.

    What a page and a document leave out nbconvert's options say; a workbook does not ask them.
    Reports have templates of their own, so nbconvert's Jinja2 stage is left out.
    """

    extension: ClassVar[str]
    language = Unicode("en", help="Language of the text, for screen readers").tag(config=True)

    @default("file_extension")
    def _file_extension_default(self) -> str:
        return self.extension

    def from_notebook_node(
        self, nb: NotebookNode, resources: Any = None, **kw: Any
    ) -> tuple[Any, dict[str, Any]]:
        """Convert a notebook.

        Parameters
        ----------
        nb : NotebookNode
            The executed notebook; it is not changed.
        resources : dict, optional
            nbconvert's; ``metadata.name``, ``metadata.path`` and, as links of a page,
            ``metadata.index`` and ``metadata.siblings`` are used.

        Returns
        -------
        report : str or bytes
            The page, document or workbook.
        resources : dict
            With ``output_extension``, and as ``unshown`` why parts of the report are missing.

        Raises
        ------
        RenderError
            If a part cannot be typeset; the message names the cell.
        """
        return self.in_place(*Exporter.from_notebook_node(self, nb, resources, **kw))

    def in_place(
        self, notebook: NotebookNode, resources: dict[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        """Convert a notebook as `from_notebook_node` does, without copies and preprocessors.

        Findings of the notebook itself get their numbers, and its closing section its remark;
        `written` must change nothing of it.
        """
        resources["output_extension"] = self.file_extension
        check_answers(notebook)
        settle(notebook)
        about = resources.get("metadata", {})
        name, path = str(about.get("name") or "Notebook"), about.get("path")
        folder = None if path is None else Path(path)
        return self.written(notebook, resources, name, folder), resources

    def written(
        self, notebook: NotebookNode, resources: dict[str, Any], name: str, folder: Path | None
    ) -> Any:
        """Write a prepared notebook, and note in `resources` what is not shown."""
        raise NotImplementedError

    def shown(self, *, inputs: bool = True) -> Show:
        """Return what nbconvert's options leave of a notebook."""
        return Show(
            code=not self.exclude_code_cell,
            inputs=inputs and not self.exclude_input,
            outputs=not self.exclude_output,
            markdown=not self.exclude_markdown,
            raw=not self.exclude_raw,
        )

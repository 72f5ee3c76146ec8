"""What papermill.execute_notebook does, but for the three files that it makes of a notebook."""

from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from papermill.engines import papermill_engines
from papermill.execute import raise_for_execution_errors, remove_error_markers
from papermill.parameterize import parameterize_notebook
from papermill.utils import chdir


def run_by_papermill(
    document: NotebookNode,
    parameters: dict[str, Any],
    *,
    kernel_name: str,
    language: str,
    cwd: Path,
    engine_name: str | None,
    **given: Any,
) -> NotebookNode:
    """Run a notebook, which is changed, with papermill's engine of a name.

    Parameters
    ----------
    document : NotebookNode
        The notebook as papermill loads it.
    parameters : dict
        Values for the injected cell; there is none without any.
    kernel_name, language : str
        How it runs.
    cwd : Path
        Folder to run it in.
    engine_name : str, optional
        Papermill's own by default.
    **given
        What the engine is told besides.

    Returns
    -------
    document : NotebookNode
        With outputs.

    Raises
    ------
    PapermillExecutionError
        A cell failed.
    """
    how = {"kernel_name": kernel_name, "engine_name": engine_name}
    if parameters:
        document = parameterize_notebook(document, parameters, language=language, **how)
    document = remove_error_markers(document)
    with chdir(cwd):
        run = papermill_engines.execute_notebook_with_engine
        document = run(nb=document, input_path=None, progress_bar=False, **how, **given)
    raise_for_execution_errors(document, None)
    return document

"""A new notebook from an existing one: a report's frame, one finding, and room for the rest."""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from llminfra.cli import finding
from llminfra.disk import write_atomic
from llminfra.errors import InvalidInput, shown
from llminfra.names import safe_name

if TYPE_CHECKING:
    from nbformat import NotebookNode

_NAME: Final = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*")
_MAX_NAME: Final = 60
_FIRST_NOTEBOOK: Final = "my-report"
_FIRST_SCENARIO: Final = "assistant-70b.toml"
_SCHEMA: Final = "scenario.schema.json"
_PARAMETERS: Final = "parameters"
# The tag of cells that a report has for its own question: later findings, and what they alone need.
_STAYS_OUT: Final = "not_in_new"
_GUIDE: Final = """\
**For you, not for the report:** the tag `remove_cell` keeps this cell out of every page. Delete it
when you are done.

* Ask your question in the title. The cell above lists the scenario fields that the report is about;
  `llminfra list fields` names them all. A parameter of your own is a line such as
  `days: int = 20  # what it is`; a scenario file sets it under `[my]`.
* Numbers get a plain name in code cells, and `case` is one word: which answer the report gives.
  Sentences live in cells that begin with `%%answer when case == "…"`, `%%figure NAME`,
  `%%table NAME` and `%%prose`, and take their numbers by name: `{{ speed | number }}`.
* A misspelt name fails at once, in every case, also where a cell is not shown. A number that is
  typed into a sentence is told when the report is rendered: it would not move with the scenario.
* One finding is left as a pattern: a chart made under a name in a code cell, and worded below with
  its claim, `Alt:` and `Source:`. Add yours after it, strongest first.
* `preview()` in a cell of its own shows the page as last saved;
  `llminfra render --notebook NAME --watch` renders it whenever you save."""


def new_notebook(name: str, source: str = "memory", *, folder: Path = Path()) -> Path:  # immutable
    """Write ``notebooks/NAME.ipynb``, made from an existing notebook.

    Parameters
    ----------
    name : str
        Lower-case letters, digits, ``-`` and ``_``; the file name without its ending.
    source : str
        Name or path of the notebook to start from.
    folder : Path
        Folder that holds notebooks/; the working folder by default.

    Returns
    -------
    path : Path
        The new file: title, parameters, setup, masthead, answer, tiles, the first finding,
        assumptions, method and provenance of the source, without outputs.

    Raises
    ------
    InvalidInput
        The name is no plain name or is taken; the source is unknown or is no report.

    Notes
    -----
    Cells keep their ids. Those with the tag ``not_in_new`` stay out, and the old title; so do
    parameters that are no field of a scenario and that no cell left reads.
    """
    _check_name(name)
    origin = finding.find_notebook(source, option="--from")
    path = folder / finding.NOTEBOOKS / f"{name}.ipynb"
    if any(path.stem == other.stem.lower() for other in path.parent.glob("*.ipynb")):
        raise InvalidInput(f"NAME must be free, got {name!r}, which exists; choose another")
    import nbformat  # slow to import, and other commands do without

    document = _started(_read(origin), name, origin)
    write_atomic(path, nbformat.writes(document) + "\n")
    return path


def init_folder(folder: Path) -> Iterator[Path]:
    """Make a folder to work in, and yield each file that was not there.

    Parameters
    ----------
    folder : Path
        Made if it does not exist; what is in it stays as it is.
    """
    for name in (_FIRST_SCENARIO, _SCHEMA):
        target = folder / finding.REPORTS / name
        if not target.exists():
            write_atomic(target, (finding.EXAMPLES / "reports" / name).read_bytes())
            yield target
    if not (folder / finding.NOTEBOOKS / f"{_FIRST_NOTEBOOK}.ipynb").exists():
        yield new_notebook(_FIRST_NOTEBOOK, folder=folder)


def _read(path: Path) -> "NotebookNode":
    import nbformat  # slow to import, and other commands do without

    try:
        document: NotebookNode = nbformat.read(path, as_version=4)
    except Exception as error:  # nbformat raises whatever is wrong with the file
        raise InvalidInput(f"{path}: is not a readable notebook: {error}") from None
    return document


def _check_name(name: str) -> None:
    if _NAME.fullmatch(name) and len(name) <= _MAX_NAME and name == safe_name(name):
        return
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower().removesuffix(".ipynb")).strip("-0123456789")
    better = plain[:_MAX_NAME].rstrip("-")
    raise InvalidInput(
        f"NAME must start with a letter and hold at most {_MAX_NAME} lower-case letters, digits, - "
        f"and _, got {shown(name)}; try {better if better == safe_name(better) else 'my-report'}"
    )


def _started(document: "NotebookNode", name: str, origin: Path) -> "NotebookNode":
    from nbformat.v4 import new_markdown_cell, new_notebook

    cells = document.cells
    parameters = next((c for c in cells if _PARAMETERS in c.metadata.get("tags", ())), None)
    if parameters is None or not any(_provenance(cell) for cell in cells):
        raise InvalidInput(
            f"--from must be a report with parameters and provenance, got {origin.name}; try memory"
        )
    words = _words(name)
    title = new_markdown_cell(f"# {words}: which question does this report answer?", id="title")
    guide = new_markdown_cell(
        _GUIDE.replace("NAME", name), id="guide", metadata={"tags": ["remove_cell"]}
    )
    rest = [_renamed(c, name) for c in cells if c is not parameters and _stays(c)]
    body = [title, _titled(_asked_for(parameters, rest), words), guide, *rest]
    started: NotebookNode = new_notebook(cells=_identified(body), metadata=dict(document.metadata))
    return started


def _words(name: str) -> str:
    """Return a name as words; digits stay tied to their word, since a title holds no number.

    Examples
    --------
    >>> _words("gpu_choice"), _words("costs-q3-2026")
    ('Gpu choice', 'Costs q3-2026')
    """
    words = re.sub(r"[-_](?!\d)", " ", name)
    return words[0].upper() + words[1:]


def _stays(cell: "NotebookNode") -> bool:
    if cell.cell_type == "markdown" and cell.source.startswith("# "):  # the title of the source
        return False
    return cell.get("id") != "guide" and _STAYS_OUT not in cell.metadata.get("tags", ())


# -- what becomes of the cells that stay --------------------------------------------------------


def _asked_for(cell: "NotebookNode", rest: list["NotebookNode"]) -> "NotebookNode":
    """Leave out parameters of the source alone that only its later findings read."""
    from llminfra import Scenario  # heavy, and other commands do without

    code = "\n".join(other.source for other in rest if other.cell_type == "code")
    used = {*re.findall(r"\w+", code), *Scenario.model_fields, "more"}
    lines = cell.source.splitlines()
    for node in reversed(ast.parse(cell.source).body):
        own = node.target if isinstance(node, ast.AnnAssign) else None
        if isinstance(own, ast.Name) and own.id not in used:
            del lines[node.lineno - 1 : node.end_lineno]
    return _with(cell, "\n".join(lines))


def _titled(cell: "NotebookNode", words: str) -> "NotebookNode":
    """Give the parameters cell its own default title."""
    title = re.compile(r'^(title(?:: str)? = )("[^"]*"|\'[^\']*\')', re.M)
    return _with(cell, title.sub(lambda m: f'{m[1]}"{words}"', cell.source, count=1))


def _renamed(cell: "NotebookNode", name: str) -> "NotebookNode":
    """Put the new name where the masthead and the provenance say what the report is."""
    source = cell.source
    if cell.cell_type == "code":
        source = re.sub(r"\A%%masthead .*", lambda _: f"%%masthead {_words(name)}", source)
    for call in _provenance(cell):
        for text in (*call.args, *(word.value for word in call.keywords)):
            if isinstance(text, ast.Constant) and isinstance(text.value, str):
                source = source.replace(ast.get_source_segment(source, text) or "", f'"{name}"')
    return _with(cell, source)


def _provenance(cell: "NotebookNode") -> list[ast.Call]:
    """Calls of ``provenance`` in a cell of plain code."""
    if cell.cell_type != "code" or cell.source.startswith("%%"):
        return []
    try:
        calls = [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Call)]
    except SyntaxError:  # a magic, a shell command: nothing that makes a report
        return []
    return [call for call in calls if ast.unparse(call.func) == "provenance"]


def _with(cell: "NotebookNode", source: str) -> "NotebookNode":
    copy: NotebookNode = cell.copy()
    copy["source"] = source
    return copy


def _identified(cells: list[Mapping[str, Any]]) -> list["NotebookNode"]:
    """Clear outputs; keep ids that are words, and give the others one."""
    from nbformat import from_dict

    taken: set[str] = set()
    found = []
    for number, cell in enumerate(cells):
        uid = str(cell.get("id", ""))
        if not re.fullmatch(r"[a-z][a-z0-9-]{0,63}", uid) or uid in taken:
            uid = f"cell-{number}"
        taken.add(uid)
        is_code = cell["cell_type"] == "code"
        fresh: dict[str, Any] = {"outputs": [], "execution_count": None} if is_code else {}
        found.append(from_dict({**cell, **fresh, "id": uid}))
    return found

"""A new notebook from an existing one: a report's frame, one finding, and room for the rest."""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Environment, TemplateError, nodes

from llminfra import batch
from llminfra.errors import InvalidInput, shown
from llminfra.publish.files import safe_name, write_atomic

if TYPE_CHECKING:
    from nbformat import NotebookNode

_NAME: Final = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*")
_MAX_NAME: Final = 60
_PARAMETERS: Final = "parameters"
# What every report has; of other cells only those stay that these need.
_FRAME: Final = frozenset(
    {"from_cell", "masthead", "problems", "tiles", "assumptions", "equation", "provenance"}
)
_FINDING: Final = "figure"
_GUIDE: Final = """\
**For you, not for the report:** the tag `remove_cell` keeps this cell out of every page. Delete it
when you are done.

* Ask your question in the title. The cell above lists the scenario fields that the report is about;
  `llminfra list fields` names them all.
* Sentences live in `%%prose` cells and in titles, and take their numbers from the plan:
  `{{ plan.memory.weight_bytes | gb }}`. What a plan can tell: `plan.frame()`.
* One finding is left as a pattern: a chart with its claim, source and text alternative. Add yours
  after it, strongest first.
* `preview()` in a cell of its own shows the page as last saved;
  `llminfra render --notebook NAME --watch` renders it whenever you save."""


def new_notebook(name: str, source: str = "memory") -> Path:
    """Write ``notebooks/NAME.ipynb``, made from an existing notebook.

    Parameters
    ----------
    name : str
        Lower-case letters, digits, ``-`` and ``_``; the file name without its ending.
    source : str
        Name or path of the notebook to start from.

    Returns
    -------
    path : Path
        The new file: title, parameters, setup, masthead, answer, tiles, the first chart,
        assumptions, method and provenance of the source, without outputs.

    Raises
    ------
    InvalidInput
        The name is no plain name or is taken; the source is unknown or is no report.

    Notes
    -----
    Cells keep their ids. Which other cells stay follows from the names that the kept ones read.
    """
    _check_name(name)
    origin = batch.find_notebook(source, option="--from")
    path = batch.notebook_folder() / f"{name}.ipynb"
    if any(path.stem == other.stem.lower() for other in path.parent.glob("*.ipynb")):
        raise InvalidInput(f"NAME must be free, got {name!r}, which exists; choose another")
    import nbformat  # slow to import, and other commands do without

    document = _started(batch.read_notebook(origin), name, origin)
    write_atomic(path, nbformat.writes(document) + "\n")
    return path


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
    if parameters is None or not any("provenance" in _calls(cell) for cell in cells):
        raise InvalidInput(
            f"--from must be a report with parameters and provenance, got {origin.name}; try memory"
        )
    words = _words(name)
    title = new_markdown_cell(f"# {words}: which question does this report answer?", id="title")
    guide = new_markdown_cell(
        _GUIDE.replace("NAME", name), id="guide", metadata={"tags": ["remove_cell"]}
    )
    kept = [cell for cell in _kept(cells) if cell is not parameters]
    used = set().union(*map(_reads, kept))
    rest = [_importing(_renamed(cell, name), used) for cell in kept]
    body = [title, _titled(parameters, words), guide, *rest]
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


# -- which cells stay -----------------------------------------------------------------------------


def _kept(cells: list["NotebookNode"]) -> Iterator["NotebookNode"]:
    """Yield the frame, the first finding, the method, and what these read, in order."""
    heads = [i for i, cell in enumerate(cells) if i and cell.source.startswith("## ")]
    method = heads[0] if heads else len(cells)
    figures = [i for i, cell in enumerate(cells) if _FINDING in _calls(cell)]
    wanted = {i for i, cell in enumerate(cells) if _is_frame(cell, after_method=i >= method)}
    wanted |= set(figures[:1])
    queue = list(wanted)
    while queue:
        at = queue.pop()
        for name in _reads(cells[at]):
            maker = next((i for i in range(at)[::-1] if name in _makes(cells[i])), None)
            if maker is not None and maker not in wanted:
                wanted.add(maker)
                queue.append(maker)
    yield from (cells[i] for i in sorted(wanted))


def _is_frame(cell: "NotebookNode", *, after_method: bool) -> bool:
    if cell.cell_type != "code":
        return after_method
    if cell.source.startswith("%%prose"):
        return after_method or "answer" in cell.source.partition("\n")[0]
    return bool(_FRAME & _calls(cell))


def _reads(cell: "NotebookNode") -> set[str]:
    """Names that a cell uses, in code and in templates."""
    if cell.cell_type != "code":
        return set()
    if cell.source.startswith("%%"):
        return _template_names(cell.source)
    found: set[str] = set()
    for node in ast.walk(_parsed(cell)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found |= _template_names(node.value)
    return found


def _calls(cell: "NotebookNode") -> set[str]:
    """Names of the functions and methods that a cell calls."""
    if cell.cell_type != "code" or cell.source.startswith("%%"):
        return set()
    called = (n.func for n in ast.walk(_parsed(cell)) if isinstance(n, ast.Call))
    return {str(getattr(f, "id", None) or getattr(f, "attr", "")) for f in called}


def _makes(cell: "NotebookNode") -> set[str]:
    if cell.cell_type != "code" or cell.source.startswith("%%"):
        return set()
    stored = (n for n in ast.walk(_parsed(cell)) if isinstance(n, ast.Name))
    return {node.id for node in stored if isinstance(node.ctx, ast.Store)}


def _parsed(cell: "NotebookNode") -> ast.Module:
    try:
        return ast.parse(str(cell.source))
    except SyntaxError:  # a magic, a shell command: nothing that a report's frame reads
        return ast.Module([], [])


def _template_names(text: str) -> set[str]:
    try:
        return {node.name for node in Environment(autoescape=True).parse(text).find_all(nodes.Name)}
    except TemplateError:
        return set()


# -- what becomes of them -------------------------------------------------------------------------


def _titled(cell: "NotebookNode", words: str) -> "NotebookNode":
    """Give the parameters cell its own default title."""
    title = re.compile(r'^(title(?:: str)? = )("[^"]*"|\'[^\']*\')', re.M)
    return _with(cell, title.sub(lambda m: f'{m[1]}"{words}"', cell.source, count=1))


def _renamed(cell: "NotebookNode", name: str) -> "NotebookNode":
    """Put the new name where the masthead and the provenance say what the report is."""
    source = cell.source
    for call in ast.walk(_parsed(cell)) if cell.cell_type == "code" else ():
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name):
            for word in call.keywords:
                source = _replaced(source, call.func.id, word, name)
    return _with(cell, source)


def _replaced(source: str, called: str, word: ast.keyword, name: str) -> str:
    old = ast.get_source_segment(source, word.value) or ""
    if not (isinstance(word.value, ast.Constant) and isinstance(word.value.value, str)):
        return source
    if (called, word.arg) == ("provenance", "notebook"):
        return source.replace(old, f'"{name}"')
    if (called, word.arg) == ("masthead", "kicker"):
        subject = word.value.value.rpartition(" · ")[0]
        return source.replace(old, f'"{subject} · {_words(name)}"' if subject else old)
    return source


def _importing(cell: "NotebookNode", used: set[str]) -> "NotebookNode":
    """Import no more of the package than the kept cells use."""
    source = cell.source
    for node in _parsed(cell).body if cell.cell_type == "code" else ():
        if isinstance(node, ast.ImportFrom) and node.module == "llminfra":
            names = [a.name for a in node.names if {a.name, a.asname} & used]
            line = f"from llminfra import {', '.join(names)}" if names else ""
            source = source.replace(ast.get_source_segment(source, node) or "", line)
    return _with(cell, source)


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

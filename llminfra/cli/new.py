"""A new notebook from an existing one: a report's frame, one finding, and room for the rest."""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Environment, TemplateError, nodes

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
# What every report has; of other cells only those stay that these need.
_FRAME: Final = frozenset(
    {"from_cell", "problems", "tiles", "assumptions", "method", "equation", "provenance"}
)
_TOLD: Final = frozenset({"problems"})
_WORDS: Final = ("masthead", "answer")
_FINDING: Final = "figure"
_OUTLINE: Final = "remove_cell"  # headings for JupyterLab alone carry this tag
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
    method = next((i for i in heads if not _is_outline(cells[i])), len(cells))
    figures = [i for i, cell in enumerate(cells) if _magic(cell) == _FINDING]
    wanted = {i for i, cell in enumerate(cells) if _is_frame(cell, after_method=i >= method)}
    # What a later section is warned of goes with the section.
    wanted -= {
        i for i in wanted if figures and i > figures[0] and _FRAME & _calls(cells[i]) == _TOLD
    }
    wanted |= set(figures[:1])
    wanted |= {i for i in heads if figures and i < figures[0] and _is_outline(cells[i])}
    queue = list(wanted)
    while queue:
        at = queue.pop()
        for name in _reads(cells[at]):
            maker = next((i for i in range(at)[::-1] if name in _makes(cells[i])), None)
            if maker is not None and maker not in wanted:
                wanted.add(maker)
                queue.append(maker)
    yield from (cells[i] for i in sorted(wanted))


def _is_outline(cell: "NotebookNode") -> bool:
    return cell.cell_type == "markdown" and _OUTLINE in cell.metadata.get("tags", ())


def _magic(cell: "NotebookNode") -> str:
    """Return the magic that a word cell begins with."""
    found = re.match(r"%%(\w+)", cell.source) if cell.cell_type == "code" else None
    return found[1] if found else ""


def _is_frame(cell: "NotebookNode", *, after_method: bool) -> bool:
    if cell.cell_type != "code":
        return after_method and not _is_outline(cell)
    if _magic(cell):
        return _magic(cell) in _WORDS or (after_method and _magic(cell) == "prose")
    return bool(_FRAME & _calls(cell))


def _reads(cell: "NotebookNode") -> set[str]:
    """Names that a cell uses, in code and in templates."""
    if cell.cell_type != "code":
        return set()
    if _magic(cell):
        return _template_names(cell.source) | _head_names(cell.source.partition("\n")[0])
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


def _head_names(line: str) -> set[str]:
    """Names in the first line of a word cell: what it words, and when it is shown."""
    subject, _, condition = line.partition(" when ")
    try:
        tree = ast.parse(condition.strip() or "None", mode="eval")
    except SyntaxError:
        return set()
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return names | set(subject.split()[1:2])


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
    if _magic(cell) == "masthead":
        source = re.sub(r"^%%masthead .*", lambda _: f"%%masthead {_words(name)}", source)
    for call in ast.walk(_parsed(cell)) if cell.cell_type == "code" else ():
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "provenance":
            texts = [*call.args, *(word.value for word in call.keywords)]
            source = _with_name(source, texts, name)
    return _with(cell, source)


def _with_name(source: str, texts: Iterable[ast.expr], name: str) -> str:
    for text in texts:
        if isinstance(text, ast.Constant) and isinstance(text.value, str):
            source = source.replace(ast.get_source_segment(source, text) or "", f'"{name}"')
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

"""What a notebook says of itself, read without loading Jupyter: heading, parameters, kind."""

import ast
import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from llminfra.errors import InvalidInput

_PARAMETERS: Final = "parameters"
_ASSIGNED: Final = re.compile(r"^([A-Za-z_]\w*)\s*(?::[^=]+)?=(?!=)", re.M)
_MARKED: Final = re.compile(r"[`*_$\[\\&]")


class Unreadable:
    """Stands for a default that is no literal."""


@dataclass(frozen=True)
class About:
    """A notebook as far as a batch needs to know it.

    Parameters
    ----------
    path : Path
        The file.
    heading : str
        First heading, else the file's name.
    parameters : mapping
        Name of each parameter to its default; `Unreadable` where that is no literal.
    annotations : mapping
        Name of each parameter that is declared with a type to that type, as it is written.
    has_parameters : bool
        Whether it has a cell for parameters.
    is_report : bool
        Whether its code uses this package.
    metadata : mapping
        What its ``llminfra`` metadata says.
    """

    path: Path
    heading: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    has_parameters: bool = False
    is_report: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_once(self) -> bool:
        """Whether it is about the package and is rendered once, whatever the scenarios."""
        return self.metadata.get("once") is True

    @property
    def answer(self) -> str:
        """Path of the result that it answers with; empty where it names none."""
        return str(self.metadata.get("answer", ""))

    def is_asked_by(self, stated: Collection[str]) -> bool:
        """Whether a case that states these fields asks for it, though it is rendered once else."""
        return any(name in stated for name in self.asking)

    @property
    def asking(self) -> tuple[str, ...]:
        """Fields by which a case asks for it."""
        return tuple(n for n in self.metadata.get("asked_by", ()) if isinstance(n, str))


def about(path: Path) -> About:
    """Read what a notebook says of itself.

    Raises
    ------
    InvalidInput
        It is not a readable notebook.
    """
    cells, metadata = _cells(path)
    code = [text for kind, text, _ in cells if kind == "code"]
    given = [text for kind, text, tags in cells if kind == "code" and _PARAMETERS in tags]
    own = metadata.get("llminfra", {})
    return About(
        path=path,
        heading=_heading(path, cells),
        parameters=_parameters(given[0]) if given else {},
        annotations=_annotations(given[0]) if given else {},
        has_parameters=bool(given),
        is_report=any("llminfra" in text for text in code),
        metadata=own if isinstance(own, dict) else {},
    )


def board_first(name: str) -> tuple[bool, str]:
    """Return by what reports are sorted: the board's page stands before the others."""
    return name != "decision", name


_Cell = tuple[str, str, list[str]]


def _cells(path: Path) -> tuple[list[_Cell], dict[str, Any]]:
    try:
        document = json.loads(path.read_bytes())
        if document.get("nbformat") != 4:
            import nbformat  # only notebooks of ten years ago need it

            document = nbformat.read(path, as_version=4)
        cells = [
            (
                str(cell["cell_type"]),
                "".join(cell["source"]),
                list(cell.get("metadata", {}).get("tags", [])),
            )
            for cell in document["cells"]
        ]
        return cells, dict(document.get("metadata", {}))
    except Exception as error:  # nbformat raises whatever is wrong with the file
        raise InvalidInput(f"{path}: is not a readable notebook: {error}") from None


def _heading(path: Path, cells: list[_Cell]) -> str:
    """First heading as it reads, else the file's name."""
    lines = (line for kind, text, _ in cells if kind == "markdown" for line in text.splitlines())
    heading = next((line[2:].strip() for line in lines if line.startswith("# ")), path.stem)
    if not _MARKED.search(heading):
        return heading
    from llminfra.publish.read.markdown import plain_heading  # slow to import, and rarely needed

    return plain_heading(heading)


def _parameters(source: str) -> dict[str, Any]:
    try:
        return dict(_assigned(ast.parse(source)))
    except SyntaxError:  # another language, or a magic
        return dict.fromkeys(_ASSIGNED.findall(source), Unreadable)


def _annotations(source: str) -> dict[str, str]:
    try:
        body = ast.parse(source).body
    except SyntaxError:
        return {}
    typed = (node for node in body if isinstance(node, ast.AnnAssign))
    return {ast.unparse(node.target): ast.unparse(node.annotation) for node in typed}


def _assigned(tree: ast.Module) -> Iterator[tuple[str, Any]]:
    for node in tree.body:
        if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
            continue
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            if isinstance(target, ast.Name):
                yield target.id, _literal(node.value)


def _literal(node: Any) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, MemoryError, RecursionError):
        return Unreadable

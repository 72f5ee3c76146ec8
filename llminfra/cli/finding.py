"""Where notebooks and scenario files are: in the folders here, and those of the package."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from llminfra.errors import InvalidInput, shown, unknown
from llminfra.names import check_distinct, distinct_name
from llminfra.publish.about import about, board_first

_PACKAGE: Final = Path(__file__).resolve().parents[1]
_INSIDE: Final = _PACKAGE / "examples"
# A wheel brings both folders inside the package; in a checkout they stand beside it.
EXAMPLES: Final = _INSIDE if _INSIDE.is_dir() else _PACKAGE.parent
NOTEBOOKS: Final = Path("notebooks")
REPORTS: Final = Path("reports")
_LOCK: Final = ".lock.toml"


def scenario_files() -> list[Path]:
    """Return the scenario files of reports/ here; those of the package where there are none."""
    own = _scenarios(REPORTS)
    return own or [path.resolve() for path in _scenarios(EXAMPLES / "reports")]


def all_scenario_files() -> list[Path]:
    """Return the scenario files; raise InvalidInput when there is none."""
    found = scenario_files()
    if not found:
        raise InvalidInput("no scenario file given and none in reports/; name a FILE.toml")
    return found


def _scenarios(folder: Path) -> list[Path]:
    return [path for path in _listed(folder, "*.toml") if not path.name.endswith(_LOCK)]


def _listed(folder: Path, pattern: str) -> list[Path]:
    """Files of a folder, without the hidden ones that editors leave for a moment."""
    return sorted(p for p in folder.glob(pattern) if not p.name.startswith("."))


def notebook_files() -> list[Path]:
    """Return the notebooks that have a name: of notebooks/ here, then those of the package.

    The board's page is the first of each.
    """
    own = _notebooks(NOTEBOOKS)
    known = {path.stem for path in own}
    packaged = [path.resolve() for path in _notebooks(EXAMPLES / "notebooks")]
    return [*own, *(path for path in packaged if path.stem not in known)]


def _notebooks(folder: Path) -> list[Path]:
    return sorted(_listed(folder, "*.ipynb"), key=lambda path: board_first(path.stem))


def all_notebooks() -> list[Path]:
    """Return the notebooks that have a name; raise InvalidInput when there is none."""
    found = notebook_files()
    if not found:
        raise InvalidInput("no notebook in notebooks/; name one with --notebook PATH")
    return found


def find_notebooks(names: Iterable[str]) -> list[Path]:
    """Return the notebooks of names or paths, each once; all of them when none is named."""
    found = {path.resolve(): path for path in map(find_notebook, names)}
    stems = [distinct_name(path.stem) for path in found.values()]
    check_distinct("--notebook names", stems, "rename one")
    return list(found.values()) or all_notebooks()


def find_notebook(name: str, *, option: str = "--notebook") -> Path:
    """Return the notebook of a name or a path."""
    if name.endswith(".ipynb"):
        if not Path(name).is_file():
            raise InvalidInput(f"{option} must be a name or an .ipynb file, got {shown(name)}")
        return Path(name)
    known = {path.stem: path for path in all_notebooks()}
    if name not in known:
        raise unknown(option, name, known)
    return known[name]


def notebook_rows() -> list[dict[str, Any]]:
    """Return name, question and file of each notebook."""
    return [
        {"name": path.stem, "question": about(path).heading, "file": os.path.relpath(path)}
        for path in all_notebooks()
    ]

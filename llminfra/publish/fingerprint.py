"""Digests of what a report is made from, cheap enough to take before anything is loaded."""

import hashlib
import json
import os
import sys
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

# Beyond this a folder is no place for notebooks, and its reports are rendered each time.
MOST_FILES: Final = 2_000
_LARGE_BYTES: Final = 20_000_000
_PRUNED: Final = {"__pycache__", "node_modules", "site-packages", "build", "dist"}
# Notebooks are told apart by their cells; the others are notes and scenarios, not data.
_NO_DATA: Final = {".ipynb", ".toml", ".md", ".pyc", ".lock"}
_PACKAGE: Final = Path(__file__).parents[1]


def digest(*parts: object) -> str:
    """Return one digest of plain data.

    Examples
    --------
    >>> digest("a", 1) == digest("a", 1), digest("ab") == digest("a", "b")
    (True, False)
    """
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def file_digest(path: Path) -> str:
    """Return a digest of a file's content; of a large one of its size and time; none if missing."""
    try:
        found = path.stat()
        if found.st_size > _LARGE_BYTES:
            return f"{found.st_size} bytes at {found.st_mtime_ns}"
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def without_outputs(data: bytes) -> bytes:
    """Return a notebook without outputs and counters; as it is when it is half written."""
    try:
        document: dict[str, Any] = json.loads(data)
        cells = [{**c, "outputs": None, "execution_count": None} for c in document["cells"]]
    except (ValueError, TypeError, KeyError):
        return data
    return json.dumps([cells, document.get("metadata")]).encode()


def notebook_digest(notebook: Path, *, without: Collection[Path] = ()) -> str | None:
    """Return a digest of a notebook's cells, and of the modules and data that lie beside it.

    Parameters
    ----------
    notebook : Path
        The file.
    without : collection of Path
        Folders that are left out: where reports are written.

    Returns
    -------
    digest : str or None
        None where so much lies beside it that nobody can say whether it is the same.
    """
    try:
        cells = without_outputs(notebook.read_bytes())
    except OSError:
        return None
    beside = files_beside(notebook, without=without)
    if beside is None:
        return None
    folder = notebook.parent
    return digest(
        hashlib.sha256(cells).hexdigest(),
        [(path.relative_to(folder).as_posix(), file_digest(path)) for path in beside],
    )


def files_beside(notebook: Path, *, without: Collection[Path] = ()) -> list[Path] | None:
    """Return modules and data in a notebook's folder, sorted; None where there are too many."""
    outside = {path.resolve() for path in without}
    found: list[Path] = []
    for path in _files_below(notebook.parent, outside):
        found.append(path)
        if len(found) > MOST_FILES:
            return None
    return sorted(found)


def _files_below(folder: Path, outside: Collection[Path]) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        here = Path(place)
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".") and name not in _PRUNED
            if (here / name).resolve() not in outside and not (here / name / "pyvenv.cfg").exists()
        ]
        for name in names:
            path = here / name
            if not name.startswith(".") and path.suffix not in _NO_DATA:
                yield path


@cache
def package_digest(but: frozenset[str] = frozenset()) -> str:
    """Return a digest of this package's files: code, templates, fonts, and its catalogue.

    Parameters
    ----------
    but : frozenset of str
        Files of the catalogue that are left out, as their facts are compared one by one.
    """
    files = [
        path
        for path in _PACKAGE.rglob("*")
        if path.suffix not in (".pyc", ".md") and path.is_file() and path.name not in but
    ]
    names = sorted((path.relative_to(_PACKAGE).as_posix(), path) for path in files)
    return digest([(name, file_digest(path)) for name, path in names])


def environment_digest() -> str:
    """Return a digest of the interpreter, of all that is installed, and of the fixed time."""
    return digest(sys.version, _installed(), os.environ.get("SOURCE_DATE_EPOCH", ""))


@cache
def _installed() -> list[str]:
    found = {
        entry
        for place in sys.path
        if os.path.isdir(place)
        for entry in os.listdir(place)
        if entry.endswith((".dist-info", ".egg-info"))
    }
    return sorted(found)


def files_digest(paths: Iterable[Path]) -> str:
    """Return one digest of several files and their names."""
    return digest([(str(path), file_digest(path)) for path in paths])

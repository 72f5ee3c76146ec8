"""``llminfra render --watch``: what was saved since the last look, and rendering it again."""

import hashlib
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from llminfra.publish.fingerprint import files_beside, without_outputs

LOOK_EVERY_S: Final = 0.25

Listing = Callable[[], list[Path]]
# Time, size and inode: an editor that renames changes the last.
_Stamp = tuple[int, int, int]


class Saves:
    """Tells which files were saved since the last look.

    Parameters
    ----------
    listed : callable
        Returns the files to look at; new ones count as saved.

    Notes
    -----
    A file is reported when it stayed the same for two looks, so that one that is being written is
    left alone; one that is gone for a moment is waited for. Of a notebook only what a report is
    made from counts: saving its outputs is no change.
    """

    def __init__(self, listed: Listing) -> None:
        self._listed = listed
        self._stamps: dict[Path, _Stamp] = {}
        self._unsettled: dict[Path, _Stamp] = {}
        self._contents: dict[Path, str] = {}
        for path in listed():
            self._is_new_content(path, _stamp(path))

    def look(self) -> set[Path]:
        """Return the files with new content, each once."""
        return {path for path in self._listed() if self._is_saved(path)}

    def _is_saved(self, path: Path) -> bool:
        stamp = _stamp(path)
        if stamp is None or stamp == self._stamps.get(path):
            return False
        if stamp != self._unsettled.get(path):
            self._unsettled[path] = stamp
            return False
        return self._is_new_content(path, stamp)

    def _is_new_content(self, path: Path, stamp: _Stamp | None) -> bool:
        content = _content(path)
        if stamp is None or content is None:
            return False
        self._stamps[path] = stamp
        before, self._contents[path] = self._contents.get(path), content
        return content != before


def follow(
    files: Listing,
    notebooks: Listing,
    render: Callable[[list[Path], list[Path]], None],
    *,
    out: Path,
) -> None:
    """Render all, then what changes, until interrupted.

    Parameters
    ----------
    files, notebooks : callable
        Return the scenario files (none: the defaults alone) and the notebooks at that moment.
    render : callable
        Renders scenario files x notebooks.
    out : Path
        Where reports are written: what lies there is no module of a notebook.

    Notes
    -----
    A module that lies beside a notebook is part of it.
    """
    saves = Saves(lambda: [*files(), *notebooks(), *_modules(notebooks(), out)])
    render(files(), notebooks())
    while True:
        time.sleep(LOOK_EVERY_S)
        saved = saves.look()
        changed, same = _split(files(), saved)
        edited = [n for n in notebooks() if n in saved or saved & set(_modules([n], out))]
        if changed:
            render(changed, notebooks())
        if edited and (same or not changed):
            render(same, edited)


def _modules(notebooks: Iterable[Path], out: Path) -> list[Path]:
    folders = {notebook.parent: notebook for notebook in notebooks}
    beside = (files_beside(notebook, without=[out]) or [] for notebook in folders.values())
    return [path for found in beside for path in found if path.suffix == ".py"]


def _split(paths: Iterable[Path], saved: set[Path]) -> tuple[list[Path], list[Path]]:
    listed = list(paths)
    return [p for p in listed if p in saved], [p for p in listed if p not in saved]


def _stamp(path: Path) -> _Stamp | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _content(path: Path) -> str | None:
    try:
        data = path.read_bytes()
    except OSError:
        return None
    if path.suffix == ".ipynb":
        data = without_outputs(data)
    return hashlib.sha256(data).hexdigest()

"""Which cell each process runs at the moment, as small files that outlive none of them."""

import json
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class AtWork:
    """A cell at work.

    Parameters
    ----------
    job : str
        Folder and name of the report.
    where : str
        Which cell.
    since : float
        When it began. [s since 1970]
    """

    job: str
    where: str
    since: float


@dataclass(frozen=True)
class Status:
    """A folder with one file per process that runs a notebook.

    Parameters
    ----------
    folder : Path
        The folder.

    Notes
    -----
    Files, not a queue: a process that dies while it writes takes no lock along.
    """

    folder: Path

    def begin(self, job: str, where: str) -> None:
        """Say which cell this process begins."""
        with suppress(OSError):  # whoever looks in the middle of it sees it at the next look
            text = json.dumps([job, where, time.time()]).encode()
            # A file that is emptied first goes to the disk each time.
            with os.fdopen(os.open(self._own(), os.O_WRONLY | os.O_CREAT, 0o666), "wb") as file:
                file.write(text)
                file.truncate()

    def end(self) -> None:
        """Say that this process runs no cell."""
        with suppress(OSError):
            self._own().unlink(missing_ok=True)

    def cells(self) -> list[AtWork]:
        """Return the cells at work, the longest first."""
        found = []
        for path in self.folder.glob("*.json"):
            with suppress(OSError, ValueError, TypeError):
                found.append(AtWork(*json.loads(path.read_text(encoding="utf-8"))))
        return sorted(found, key=lambda cell: cell.since)

    def _own(self) -> Path:
        return self.folder / f"{os.getpid()}.json"

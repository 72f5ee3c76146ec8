"""A command that has nothing to do says so at once, before anything is loaded that renders.

``OUT/.cache/commands/`` holds for each command line what it read and wrote. Where all of that is
as it was, the command prints what it printed then.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from llminfra.disk import write_atomic
from llminfra.publish.cache import FOLDER, is_same, stamp
from llminfra.publish.fingerprint import (
    digest,
    environment_digest,
    files_digest,
    notebook_digest,
    package_digest,
)

VERSION: Final = 1


@dataclass(frozen=True)
class Asked:
    """A command line, as far as it decides what is rendered.

    Parameters
    ----------
    files, notebooks : sequence of str
        Scenario files and notebooks that the command comes down to.
    options : mapping
        Everything else.
    out : str
        Folder of the reports.
    """

    files: Sequence[str]
    notebooks: Sequence[str]
    options: Mapping[str, Any]
    out: str

    @property
    def path(self) -> Path:
        """Where this command is remembered."""
        name = digest(VERSION, asdict(self))[:32]
        return Path(self.out) / FOLDER / "commands" / f"{name}.json"

    def made_from(self, inputs: Iterable[str]) -> str | None:
        """Return a digest of all that the reports are made from; None where that is too much."""
        cells = [notebook_digest(Path(n), without=[Path(self.out)]) for n in self.notebooks]
        if None in cells:
            return None
        files = files_digest(map(Path, [*self.files, *inputs]))
        return digest(package_digest(), environment_digest(), files, cells)


def told_before(asked: Asked) -> dict[str, list[str]] | None:
    """Return the lines of an earlier run of the same that is still true; None without one."""
    try:
        found = json.loads(asked.path.read_text(encoding="utf-8"))
        made_from = asked.made_from(found["inputs"])
        if made_from is None or found["made_from"] != made_from:
            return None
        if not all(is_same(Path(o["folder"]), o) for o in found["outputs"]):
            return None
        return {name: [str(line) for line in found[name]] for name in ("paths", "notes")}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None  # none yet, half written, or by another hand


def remember(
    asked: Asked,
    *,
    inputs: Iterable[Path],
    outputs: Iterable[Path],
    paths: Sequence[str],
    notes: Sequence[str],
) -> None:
    """Remember a command that went well: what it read beside its arguments, wrote and printed."""
    read = sorted({str(path) for path in inputs})
    made_from = asked.made_from(read)
    with suppress(OSError, ValueError):  # the next run only takes longer
        written = [
            {"folder": str(path.parent), "path": path.name, **stamp(path)} for path in outputs
        ]
        told = {"paths": list(paths), "notes": list(notes)}
        record = {"made_from": made_from, "inputs": read, "outputs": written, **told}
        if made_from is not None:
            write_atomic(asked.path, json.dumps(record) + "\n")


def forget(asked: Asked) -> None:
    """Forget a command whose files are about to change."""
    with suppress(OSError):
        asked.path.unlink(missing_ok=True)

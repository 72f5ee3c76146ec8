"""What reports were made from, so that those that would come out the same are not made again.

``OUT/.cache/SCENARIO/NOTEBOOK.json`` holds the key of a job (notebook, parameters, code, templates,
versions), a digest of each fact that it read, and the hashes of its files. An entry is trusted only
where all of these are as they were; one that cannot be read counts for nothing.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from llminfra.disk import write_atomic
from llminfra.publish.fingerprint import digest, environment_digest, notebook_digest
from llminfra.publish.job import Job, Result

FOLDER: Final = ".cache"
VERSION: Final = 1
Digests = Callable[[Iterable[str]], Mapping[str, str]]


@dataclass(frozen=True)
class Cache:
    """The entries of one output folder.

    Parameters
    ----------
    out : Path
        Folder of all report sets.
    code : str
        Digest of all that makes reports and is no fact.
    digests : callable
        Returns today's digest of each fact, by name.
    """

    out: Path
    code: str
    digests: Digests
    _notebooks: dict[Path, str | None] = field(default_factory=dict)

    def key(self, job: Job) -> str | None:
        """Return what a job is made from, but its facts; None where that cannot be told."""
        if job.notebook not in self._notebooks:
            self._notebooks[job.notebook] = notebook_digest(job.notebook, without=[self.out])
        cells = self._notebooks[job.notebook]
        if cells is None:
            return None
        asked = (job.parameters, job.title, job.stem, job.notebook.name, job.kernel, job.probe)
        shown = (environment_digest(), cells, job.siblings)
        return digest(VERSION, self.code, *shown, *asked)

    def find(self, job: Job) -> Result | None:
        """Return what an earlier run made of the same job; None where it has to be made."""
        key = self.key(job)
        entry = self._read(job)
        if key is None or entry.get("key") != key:
            return None
        try:
            return self._result(job, entry)
        except (TypeError, ValueError, KeyError, AttributeError, OSError):
            return None  # half written, or by another hand

    def keep(self, result: Result) -> None:
        """Remember a result that is whole; forget what was known of one that is not."""
        path, key = self._path(result.job), self.key(result.job)
        with suppress(OSError):  # a disk that is full costs the next run its time, not this one
            if result.error is not None or key is None or result.probed is None:
                path.unlink(missing_ok=True)
                return
            outputs = {
                name: {"path": file, **stamp(result.job.out_dir / file)}
                for name, file in result.outputs.items()
            }
            known = self._read(result.job)
            if known.get("key") == key and known.get("reads") == result.probed:
                outputs = {**known.get("outputs", {}), **outputs}
            entry = {"key": key, "reads": result.probed, "outputs": outputs}
            entry |= {"blocks": list(result.blocks), "remarks": list(result.remarks)}
            entry["duration_s"] = result.duration_s
            write_atomic(path, json.dumps(entry) + "\n")

    def _result(self, job: Job, entry: Mapping[str, Any]) -> Result | None:
        outputs = {name: entry["outputs"].get(name) for name in job.formats}
        if not all(output and is_same(job.out_dir, output) for output in outputs.values()):
            return None
        reads = dict(entry["reads"])
        if dict(self.digests(reads)) != reads:
            return None
        files = {name: str(output["path"]) for name, output in outputs.items()}
        blocks = tuple(dict(block) for block in entry["blocks"])
        said = tuple(map(str, entry["remarks"]))
        found = Result(job, files, blocks=blocks, probed=reads, is_unchanged=True, remarks=said)
        return replace(found, duration_s=entry["duration_s"])

    def _path(self, job: Job) -> Path:
        return self.out / FOLDER / job.out_dir.name / f"{job.stem}.json"

    def _read(self, job: Job) -> dict[str, Any]:
        try:
            found = json.loads(self._path(job).read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}


def stamp(path: Path) -> dict[str, Any]:
    """Return the hash of a file, and what tells without reading it that it is untouched."""
    return {"sha256": _sha256(path), "stat": _stat(path)}


def is_same(folder: Path, output: Mapping[str, Any]) -> bool:
    """Tell whether a file is still what was written; its content is read if it was touched."""
    path = folder / Path(str(output["path"])).name
    try:
        return _stat(path) == list(output["stat"]) or _sha256(path) == output["sha256"]
    except OSError:
        return False


def _stat(path: Path) -> list[int]:
    found = path.stat()
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()

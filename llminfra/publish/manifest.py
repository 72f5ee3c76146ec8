"""``manifest.json`` beside each report set: which reports there are and whether to trust them.

::

    {"generated_by": "llminfra 0.1.0", "scenario": "…", "lock": "….lock.toml", "fingerprint": "…",
     "reports": {"memory": {"status": "ok", "title": "…", "headline": "…", "rendered": "…",
       "parameters": {…}, "duration_s": 0.71, "problems": [], "error": null,
       "outputs": {"html": {"path": "memory.html", "sha256": "…", "bytes": 660771}}}}}

ok: every asked-for file was written. failed: there is no file, or not of every format. stale: files
of an earlier run or of an earlier state of the scenario stay, each marked ``"stale": true``.
not_possible: the fields exclude each other. Where SOURCE_DATE_EPOCH fixes the time, no duration is
told: same inputs, same bytes.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from filelock import FileLock

from llminfra import __version__
from llminfra.disk import inside, write_atomic
from llminfra.publish.job import Result

NAME: Final = "manifest.json"
_CHANGED: Final = "rendered from an earlier state of the scenario"

Entry = dict[str, Any]


def entry_of(result: Result) -> Entry:
    """Describe a result; problems are the notices that the notebook itself raised.

    Parameters
    ----------
    result : Result
        What became of a job.

    Returns
    -------
    entry : dict
        Status, title, parameters, duration, outputs with hash and size, problems, error.
    """
    outputs = {
        name: _describe(result.job.out_dir / file) for name, file in sorted(result.outputs.items())
    }
    problems = [
        {
            "title": p.get("message") or p.get("title"),
            "text": p.get("text"),
            "items": p.get("items"),
        }
        for p in result.problems
    ]
    entry = _entry(result.status, result.job.title, outputs, problems, result.error)
    entry |= {"headline": result.headline, "rendered": result.rendered}
    return entry | {"parameters": _stored(result.job.parameters), "duration_s": result.duration_s}


def _stored(parameters: Mapping[str, Any]) -> Entry:
    """Return parameters as JSON has them; what it has no word for is text, as NaN is."""
    text = json.dumps(dict(parameters), default=str, skipkeys=True)
    stored: Entry = json.loads(text, parse_constant=str)
    return stored


def not_possible(title: str, reason: str) -> Entry:
    """Describe a job that was not run because its fields exclude each other."""
    return _entry("not_possible", title, {}, [], reason)


def read(folder: Path) -> dict[str, Any]:
    """Read the manifest of a folder; a missing or broken one is an empty one."""
    try:
        found = json.loads((folder / NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def update(
    folder: Path,
    entries: Mapping[str, Entry],
    *,
    scenario: str,
    lock: str,
    fingerprint: str = "",
) -> Path:
    """Write the manifest: new entries, and older ones whose files are still there.

    Parameters
    ----------
    folder : Path
        Folder of the report set.
    entries : mapping
        Notebook name → `entry` or `not_possible`, for the notebooks of this run.
    scenario, lock : str
        Name of the scenario and of its lock file.
    fingerprint : str
        Stands for the inputs of this run; reports made from other inputs are marked stale.

    Returns
    -------
    path : Path
        The manifest.
    """
    with FileLock(_lock_of(folder)):
        return _updated(folder, entries, scenario, lock, fingerprint)


def _lock_of(folder: Path) -> Path:
    """Lock of a folder, apart from its reports: several batches may write into one folder."""
    path = folder.parent / ".cache" / f"{folder.name}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _updated(
    folder: Path, entries: Mapping[str, Entry], scenario: str, lock: str, fingerprint: str
) -> Path:
    before = read(folder)
    same = before.get("fingerprint", "") == fingerprint
    old = {name: _verified(e, folder) for name, e in _mapping(before.get("reports")).items()}
    reports = {name: _kept(e, same) for name, e in old.items() if e["outputs"]}
    reports |= {name: _merged(e, old.get(name), same) for name, e in entries.items()}
    manifest = {
        "generated_by": f"llminfra {__version__}",
        "scenario": scenario,
        "lock": lock,
        "fingerprint": fingerprint,
        "reports": reports,
    }
    text = json.dumps(manifest, indent=1, sort_keys=True, ensure_ascii=False)
    write_atomic(folder / NAME, f"{text}\n")
    return folder / NAME


def _entry(
    status: str, title: str, outputs: Entry, problems: list[Entry], error: str | None
) -> Entry:
    return {
        "status": status,
        "title": title,
        "headline": "",
        "rendered": "",
        "parameters": {},
        "duration_s": None,
        "outputs": outputs,
        "problems": problems,
        "error": error,
    }


def _describe(path: Path) -> Entry:
    data = path.read_bytes()
    return {"path": path.name, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _verified(old: object, folder: Path) -> Entry:
    """Rebuild an entry of the old manifest, with the files that are still what it says."""
    entry = _mapping(old)
    outputs = {
        name: output
        for name, output in _mapping(entry.get("outputs")).items()
        if _is_unchanged(_mapping(output), folder)
    }
    problems = entry.get("problems")
    found = _entry(
        str(entry.get("status", "stale")),
        str(entry.get("title", "")),
        outputs,
        problems if isinstance(problems, list) else [],
        entry.get("error"),
    )
    found |= {name: str(entry.get(name) or "") for name in ("headline", "rendered")}
    found["parameters"] = _mapping(entry.get("parameters"))
    return found | {"duration_s": entry.get("duration_s")}


def _is_unchanged(output: Entry, folder: Path) -> bool:
    try:
        found = _describe(inside(folder, str(output.get("path", ""))))
    except (OSError, ValueError):
        return False
    return all(output.get(key) == value for key, value in found.items())


def _kept(old: Entry, same: bool) -> Entry:
    """Carry over a report that this run did not touch."""
    if same or old["status"] != "ok":
        return old
    return old | {"status": "stale", "error": _CHANGED, "outputs": _stale(old["outputs"])}


def _merged(new: Entry, old: Entry | None, same: bool) -> Entry:
    """Lay what this run made over what an earlier one left."""
    before = old["outputs"] if old else {}
    trusted = same and new["status"] == "ok"
    outputs = (before if trusted else _stale(before)) | new["outputs"]
    left_over = new["status"] == "failed" and before.keys() - new["outputs"].keys()
    return new | {"outputs": outputs, "status": "stale" if left_over else new["status"]}


def _stale(outputs: Mapping[str, Entry]) -> Entry:
    return {name: output | {"stale": True} for name, output in outputs.items()}

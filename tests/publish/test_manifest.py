from pathlib import Path
from typing import Any

import pytest

from llminfra.publish import manifest
from llminfra.publish.job import Job, Result


def result_of(tmp_path: Path, *, text: str = "", error: str | None = None) -> Result:
    files = {"html": "memory.html"} if text else {}
    if text:
        (tmp_path / "memory.html").write_text(text)
    problem = {"kind": "notice", "level": "problem", "title": "E-FIT", "text": "t", "items": []}
    done = Job(Path("memory.ipynb"), tmp_path, {"tensor_parallel": 8}, title="Memory")
    return Result(done, files, error, blocks=(problem, {"kind": "tiles"}))


def update(tmp_path: Path, fingerprint: str = "f", **entries: manifest.Entry) -> dict[str, Any]:
    manifest.update(tmp_path, entries, scenario="s", lock="s.lock.toml", fingerprint=fingerprint)
    reports: dict[str, Any] = manifest.read(tmp_path)["reports"]
    return reports


def test_manifest_describes_files_and_problems(tmp_path: Path) -> None:
    found = update(tmp_path, memory=manifest.entry_of(result_of(tmp_path, text="<html>")))
    assert found["memory"] == {
        "status": "ok",
        "title": "Memory",
        "headline": "",
        "rendered": "",
        "parameters": {"tensor_parallel": 8},
        "duration_s": None,
        "outputs": {
            "html": {
                "path": "memory.html",
                "bytes": 6,
                "sha256": "b7d082ee12e91b756ea22e8513b8594eebcf5d39fab813da3cb55794dc888ad7",
            }
        },
        "problems": [{"title": "E-FIT", "text": "t", "items": []}],
        "error": None,
    }
    again = (tmp_path / manifest.NAME).read_bytes()
    update(tmp_path, memory=manifest.entry_of(result_of(tmp_path, text="<html>")))
    assert (tmp_path / manifest.NAME).read_bytes() == again


def test_manifest_is_strict_json_whatever_the_parameters() -> None:
    given = {"share": float("nan"), "by": {1: Path("x"), (2, 3): 4}}
    entry = manifest.entry_of(Result(Job(Path("n.ipynb"), Path(), given)))
    assert entry["parameters"] == {"share": "NaN", "by": {"1": "x"}}


def test_manifest_keeps_reports_that_were_not_rendered_now(tmp_path: Path) -> None:
    memory = manifest.entry_of(result_of(tmp_path, text="<html>"))
    update(tmp_path, memory=memory)
    found = update(tmp_path, cost=manifest.not_possible("Cost", "no price"))
    assert found["memory"] == memory
    assert (found["cost"]["status"], found["cost"]["error"]) == ("not_possible", "no price")


def test_manifest_marks_reports_of_an_earlier_scenario_stale(tmp_path: Path) -> None:
    update(tmp_path, memory=manifest.entry_of(result_of(tmp_path, text="<html>")))
    found = update(tmp_path, fingerprint="other", cost=manifest.not_possible("Cost", "no price"))
    assert found["memory"]["status"] == "stale"
    assert found["memory"]["outputs"]["html"]["stale"] is True


def test_manifest_marks_files_that_outlive_a_failure_stale(tmp_path: Path) -> None:
    first = update(tmp_path, memory=manifest.entry_of(result_of(tmp_path, error="cell 2: no")))
    assert first["memory"]["status"] == "failed"
    update(tmp_path, memory=manifest.entry_of(result_of(tmp_path, text="<html>")))
    found = update(tmp_path, memory=manifest.entry_of(result_of(tmp_path, error="cell 2: no")))
    assert (found["memory"]["status"], found["memory"]["error"]) == ("stale", "cell 2: no")
    assert found["memory"]["outputs"]["html"]["stale"] is True


def test_manifest_drops_files_that_are_gone_or_changed(tmp_path: Path) -> None:
    update(tmp_path, memory=manifest.entry_of(result_of(tmp_path, text="<html>")))
    (tmp_path / "memory.html").write_text("edited")
    assert "memory" not in update(tmp_path, cost=manifest.not_possible("Cost", "no price"))


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b"[" * 100_000,
        b'{"reports": 1}',
        b'{"reports": {"a": 1, "b": {"outputs": 1}, "c": {"outputs": {"html": 3}}}}',
        b'{"reports": {"a": {"outputs": {"html": {"path": "../../etc/passwd"}}}}}',
    ],
)
def test_broken_manifest_is_replaced(tmp_path: Path, broken: bytes) -> None:
    (tmp_path / manifest.NAME).write_bytes(broken)
    found = update(tmp_path, memory=manifest.entry_of(result_of(tmp_path, text="<html>")))
    assert list(found) == ["memory"]

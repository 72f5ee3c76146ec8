"""Faults caused for real: no memory, no room on the disk, a killed command."""

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.cli.conftest import PARAMETERS, SETUP, Notebook, files, manifest, ok, render, write

EATS: Final = "kept = [bytearray(50_000_000) for _ in range(1000 if scenario.title else 1)]"
WAITS: Final = "import time\ntime.sleep(3)\nprint(scenario.tensor_parallel)"
SMALL: Final = 300_000  # bytes, less than a page has


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "llminfra.cli", "render", *map(str, arguments)]


def no_half_files() -> bool:
    return not list(Path().rglob(".*.tmp"))


@pytest.mark.skipif(sys.platform != "linux", reason="forks are limited on Linux")
def test_cell_that_eats_memory_fails_alone(notebook: Notebook) -> None:
    cases = [write("modest.toml", "tensor_parallel = 4"), write("greedy.toml")]
    book = notebook("eats.ipynb", (PARAMETERS, SETUP, EATS))
    result = render(*cases, "--notebook", book, "--jobs", 1, "--memory", 2)
    assert result.exit_code == 1
    (line,) = (line for line in result.stderr.splitlines() if line.startswith("Error"))
    assert line.startswith("Error: eats: cell 3 (")
    assert line.endswith(": MemoryError (see out/greedy/eats.error.html)")
    assert manifest("out/modest")["reports"]["eats"]["status"] == "ok"
    assert manifest("out/greedy")["reports"]["eats"]["status"] == "failed"


@pytest.mark.slow
def test_file_that_cannot_be_written_whole_leaves_the_old_one(notebook: Notebook) -> None:
    book = notebook("tiny.ipynb")
    ok(write("case.toml"), "--notebook", book)
    before = files("out")
    asked = command("case.toml", "--notebook", book, "--to", "html", "--out", "out")

    def no_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (SMALL, SMALL))

    changed = (*asked, "--set", "tensor_parallel=8")
    done = subprocess.run(changed, preexec_fn=no_room, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Error: tiny: html: File too large" in done.stderr
    assert "Traceback" not in done.stderr
    assert files("out")["case/tiny.html"] == before["case/tiny.html"]
    assert manifest("out/case")["reports"]["tiny"]["status"] == "stale"
    assert no_half_files()
    ok("case.toml", "--notebook", book, "--set", "tensor_parallel=8")
    assert manifest("out/case")["reports"]["tiny"]["status"] == "ok"


def fill(path: Path) -> None:
    """Write until there is no room."""
    with path.open("ab", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of one megabyte, where that is allowed."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    if sys.platform != "linux" or os.geteuid() or subprocess.run(mount, check=False).returncode:
        pytest.skip("only root can mount a small disk")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.slow
def test_full_disk_is_one_line_and_what_was_there_stays(
    notebook: Notebook, small_disk: Path
) -> None:
    book = notebook("tiny.ipynb")
    asked = ("case.toml", "--notebook", book, "--to", "html", "--out", small_disk)
    write("case.toml")
    first = subprocess.run(command(*asked), capture_output=True, text=True, check=False)
    assert first.returncode == 0, first.stderr
    before = (small_disk / "case" / "tiny.html").read_bytes()
    (small_disk / "fills").write_bytes(b"")
    with pytest.raises(OSError, match="No space"):
        fill(small_disk / "fills")
    again = command(*asked, "--set", "tensor_parallel=8")
    done = subprocess.run(again, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "No space left on device" in done.stderr
    assert (small_disk / "case" / "tiny.html").read_bytes() == before
    assert not list(small_disk.rglob(".*.tmp"))
    (small_disk / "fills").unlink()
    freed = subprocess.run(again, capture_output=True, text=True, check=False)
    assert freed.returncode == 0, freed.stderr


@pytest.mark.slow
def test_what_a_killed_command_has_finished_is_kept_and_the_rest_follows(
    notebook: Notebook,
) -> None:
    book = notebook("waits.ipynb", (PARAMETERS, SETUP, WAITS))
    write("case.toml", "[sweep]\ntensor_parallel = [1, 2, 4, 8, 16]\n")
    asked = ("case.toml", "--notebook", book, "--to", "html", "--jobs", 2)
    marked: dict[str, str] = {**os.environ, "LLMINFRA_TEST_MARK": str(Path.cwd())}
    process = subprocess.Popen(command(*asked, "--out", "out"), env=marked)
    _wait(finished, process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    _wait(lambda: not _left_behind(str(Path.cwd())))
    done = finished()
    assert 1 <= len(done) < 5
    assert all(path.read_bytes().rstrip().endswith(b"</html>") for path in done)
    before = {path: path.stat().st_mtime_ns for path in done}

    result = render(*asked)
    assert result.exit_code == 0, result.output
    assert len(finished()) == 5
    assert {path: path.stat().st_mtime_ns for path in done} == before
    statuses = [manifest(str(path.parent))["reports"]["waits"]["status"] for path in finished()]
    assert statuses == ["ok"] * 5


def finished() -> list[Path]:
    """Reports of which the next command knows that they are there."""
    known = Path("out/.cache").glob("*/waits.json")
    return sorted(Path("out", path.parent.name, "waits.html") for path in known)


def _wait(condition: Callable[[], Any], process: "subprocess.Popen[bytes] | None" = None) -> None:
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end, "did not happen"
        assert process is None or process.poll() is None, "ended before"
        time.sleep(0.02)


def _left_behind(mark: str) -> list[str]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes()
        except OSError:
            continue
        if f"LLMINFRA_TEST_MARK={mark}".encode() in environment:
            found.append(folder.name)
    return found

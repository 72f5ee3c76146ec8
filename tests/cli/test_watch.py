"""``llminfra render --watch``: what is saved is rendered again, and nothing else."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from threading import Thread

import pytest

from llminfra.cli.watch import Saves, follow
from tests.cli.conftest import FITS, PARAMETERS, Notebook, render, write


@pytest.fixture
def saves(tmp_path: Path) -> Saves:
    write("a.toml")
    write("b.ipynb", json.dumps({"cells": [{"source": "x"}]}))
    return Saves(lambda: sorted([*tmp_path.glob("*.toml"), *tmp_path.glob("*.ipynb")]))


def looked(saves: Saves, times: int = 2) -> list[str]:
    return [path.name for _ in range(times) for path in saves.look()]


def test_nothing_saved_nothing_told(saves: Saves) -> None:
    assert looked(saves) == []
    os.utime("a.toml", (1, 1))
    assert looked(saves) == []


def test_save_is_told_once_and_after_it_settled(saves: Saves) -> None:
    write("a.toml", "changed")
    assert looked(saves, 1) == []
    assert looked(saves, 3) == ["a.toml"]


def test_file_that_is_being_written_is_left_alone(saves: Saves) -> None:
    for length in range(1, 5):
        write("a.toml", "x" * length)
        assert looked(saves, 1) == []
    assert looked(saves) == ["a.toml"]


def test_file_that_is_renamed_into_place_is_told(saves: Saves) -> None:
    Path("a.toml").unlink()
    assert looked(saves) == []
    write("beside.tmp", "new").rename("a.toml")
    assert looked(saves) == ["a.toml"]


def test_new_file_is_told(saves: Saves) -> None:
    write("c.toml", "new")
    assert looked(saves) == ["c.toml"]


def test_outputs_of_a_notebook_are_no_change(saves: Saves) -> None:
    cell = {"source": "x", "outputs": ["long"], "execution_count": 4}
    write("b.ipynb", json.dumps({"cells": [cell]}))
    assert looked(saves) == []
    write("b.ipynb", json.dumps({"cells": [cell | {"source": "y"}]}))
    assert looked(saves) == ["b.ipynb"]
    write("b.ipynb", json.dumps({"cells": [cell]})[:20])
    assert looked(saves) == ["b.ipynb"]


@pytest.mark.parametrize(
    ("written", "rendered"),
    [
        (["a.toml"], [(["a.toml"], ["m", "n"])]),
        (["n"], [(["a.toml", "b.toml"], ["n"])]),
        (["a.toml", "m"], [(["a.toml"], ["m", "n"]), (["b.toml"], ["m"])]),
        (["a.toml", "b.toml", "m"], [(["a.toml", "b.toml"], ["m", "n"])]),
    ],
)
def test_only_what_changed_is_rendered(
    written: list[str], rendered: list[tuple[list[str], list[str]]]
) -> None:
    for name in ("a.toml", "b.toml", "m", "n"):
        write(name)
    done: list[tuple[list[str], list[str]]] = []

    def rendering(files: list[Path], notebooks: list[Path]) -> None:
        done.append(([p.name for p in files], [p.name for p in notebooks]))
        if len(done) == 1:
            for name in written:
                write(name, "new")
        elif len(done) > len(rendered):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        follow(
            lambda: [Path("a.toml"), Path("b.toml")],
            lambda: [Path("m"), Path("n")],
            rendering,
            out=Path("out"),
        )
    assert done[1:] == rendered


def test_watching_and_a_dry_run_exclude_each_other(notebook: Notebook) -> None:
    result = render(write("a.toml"), "--notebook", notebook("n.ipynb"), "--watch", "--dry-run")
    assert result.exit_code == 2
    assert "--watch must go without --dry-run" in result.stderr


@contextmanager
def watching(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], Queue[str]]]:
    command = [
        sys.executable,
        "-m",
        "llminfra.cli",
        "render",
        "--watch",
        "--to",
        "html",
        "--out",
        "out",
    ]
    process = subprocess.Popen(
        [*command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    lines: Queue[str] = Queue()
    assert process.stdout is not None
    reader = Thread(target=lambda: [lines.put(line) for line in process.stdout or ()])
    reader.start()
    try:
        yield process, lines
    finally:
        process.kill()
        process.wait()
        reader.join()
        process.stdout.close()


@pytest.mark.slow
def test_edit_failure_and_repair_until_ctrl_c(notebook: Notebook) -> None:
    scenario, book = write("a.toml"), notebook("n.ipynb")
    line = re.compile(r"\d\d:\d\d:\d\d +\d+\.\d s  (.*)\n")
    with watching(str(scenario), "--notebook", str(book)) as (process, lines):

        def rendered() -> str:
            found = line.fullmatch(lines.get(timeout=120))
            assert found
            return found[1]

        assert lines.get(timeout=60).startswith("Watching")
        assert rendered() == str(Path("out/a/n.html"))
        write("a.toml", "tensor_parallel = ")
        assert lines.get(timeout=60).startswith("Error: a.toml")
        write("a.toml", FITS.replace("4", "8"))
        assert rendered() == str(Path("out/a/n.html"))
        assert "8 " in Path("out/a/n.html").read_text("utf-8")
        notebook("n.ipynb", (PARAMETERS, "1 / 0"))
        assert rendered().startswith("Error: n: cell 2 ('1 / 0'): ZeroDivisionError")
        notebook("n.ipynb")
        assert rendered() == str(Path("out/a/n.html"))
        time.sleep(0.6)
        assert lines.empty()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0
        assert lines.get(timeout=10) == "Stopped.\n"

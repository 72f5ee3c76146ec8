"""``llminfra render`` where something goes wrong, and where there is much to do."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import pytest

from llminfra.cli import records
from tests.cli.conftest import (
    PARAMETERS,
    SETUP,
    Notebook,
    files,
    manifest,
    ok,
    printed,
    render,
    write,
)

FAILING: Final = (PARAMETERS, SETUP, "1 / (scenario.tensor_parallel - 8)  # <b>")


def test_failing_notebook_leaves_the_others_and_the_old_file(notebook: Notebook) -> None:
    tiny, failing = notebook("tiny.ipynb"), notebook("failing.ipynb", FAILING)
    both = ("--notebook", failing, "--notebook", tiny)
    ok(write("case.toml"), *both)
    old = Path("out/case/failing.html").read_bytes()

    result = render("case.toml", *both, "--set", "tensor_parallel=8")
    assert result.exit_code == 1
    assert result.stdout.splitlines() == ["out/case/tiny.html"]
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: failing: cell 3 ('1 / (scenario.tensor_parallel - 8)  # <…'): ")
    assert "): ZeroDivisionError: division by zero" in line
    assert "out/case/failing.error.html" in line

    assert Path("out/case/failing.html").read_bytes() == old
    page = Path("out/case/failing.error.html").read_text("utf-8")
    assert "ZeroDivisionError" in page
    assert "# &lt;b&gt;" in page
    reports = manifest("out/case")["reports"]
    assert {name: report["status"] for name, report in reports.items()} == {
        "failing": "stale",
        "tiny": "ok",
    }
    assert reports["failing"]["outputs"]["html"]["stale"] is True

    ok("case.toml", *both)
    assert not Path("out/case/failing.error.html").exists()
    assert manifest("out/case")["reports"]["failing"]["status"] == "ok"


def test_what_another_run_left_is_stale_when_the_scenario_changed(notebook: Notebook) -> None:
    one, two = notebook("one.ipynb"), notebook("two.ipynb")
    ok(write("case.toml"), "--notebook", one, "--notebook", two)
    ok("case.toml", "--notebook", one, "--set", "tensor_parallel=8")
    reports = manifest("out/case")["reports"]
    assert (reports["one"]["status"], reports["two"]["status"]) == ("ok", "stale")


@pytest.mark.parametrize("taken", ["out/case", "out"], ids=["scenario's", "parent"])
def test_folder_that_cannot_be_made_is_one_line(notebook: Notebook, taken: str) -> None:
    write(taken, "a file where a folder should be")
    result = render(write("case.toml"), "--notebook", notebook("tiny.ipynb"), out="out/")
    assert isinstance(result.exception, SystemExit), repr(result.exception)
    assert result.exit_code in (1, 2)
    assert "Error: " in result.stderr
    assert Path(taken).read_text("utf-8") == "a file where a folder should be"


@pytest.mark.parametrize("taken", ["out/.cache", "out/case/manifest.json", "out/case"])
def test_what_is_in_the_way_of_one_set_is_one_line_and_stops_no_other(
    notebook: Notebook, taken: str
) -> None:
    if taken.endswith(".json"):
        Path(taken).mkdir(parents=True)
    else:
        write(taken, "a file in the way")
    files = (write("case.toml"), write("other.toml"))
    result = render(*files, "--notebook", notebook("tiny.ipynb"), "--to", "html")
    assert isinstance(result.exception, SystemExit), repr(result.exception)
    assert result.exit_code == 1
    assert result.stderr.count(f"{taken} cannot be written: ") == 1
    if taken == "out/.cache":  # of all sets: nothing is run
        assert not Path("out/other").exists()
    else:
        assert manifest("out/other")["reports"]["tiny"]["status"] == "ok"


def test_read_only_folder_is_one_line_before_anything_is_run(
    notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records.os, "access", lambda _, mode: mode != os.W_OK)
    result = render(write("case.toml"), "--notebook", notebook("tiny.ipynb"), "--to", "html")
    assert result.exit_code == 1
    assert result.stderr == "Error: out cannot be written, as it is read-only; try another --out\n"
    assert not Path("out/case").exists()


def test_broken_notebook_is_one_line(notebook: Notebook) -> None:
    result = render(write("case.toml"), "--notebook", write("broken.ipynb", "{"))
    assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1)
    assert "broken.ipynb: is not a readable notebook" in result.stderr
    assert not Path("out").exists()


def test_misspelt_parameters_cell_names_the_field(notebook: Notebook) -> None:
    cells = (PARAMETERS.replace("tensor_parallel: int", "tensor_paralel"), SETUP)
    result = render(write("case.toml"), "--notebook", notebook("typo.ipynb", cells))
    assert result.exit_code == 1
    assert "unknown field 'tensor_paralel'; closest: tensor_parallel" in result.stderr


# -- many ---------------------------------------------------------------------------------------


@pytest.mark.slow
def test_files_and_notebooks_multiply_through_the_pool(notebook: Notebook) -> None:
    books = [notebook("one.ipynb"), notebook("two.ipynb"), notebook("failing.ipynb", FAILING)]
    cases = [write(f"case{n}.toml", f"tensor_parallel = {n}") for n in (2, 4, 8)]
    arguments = [part for book in books for part in ("--notebook", book)]
    result = render(*cases, *arguments, "--jobs", 2, "--to", "ipynb")
    assert result.exit_code == 1
    expected = [
        f"out/case{n}/{name}.ipynb"
        for n in (2, 4, 8)
        for name in ("one", "two", "failing")
        if (n, name) != (8, "failing")
    ]
    assert sorted(result.stdout.splitlines()) == sorted(expected)
    for n in (2, 4, 8):
        assert printed(f"out/case{n}/one.ipynb").split()[0] == str(n)
        assert set(manifest(f"out/case{n}")["reports"]) == {"one", "two", "failing"}
    assert [line for line in result.stderr.splitlines() if line.startswith("Error")] != []


def test_real_process_prints_paths_alone_on_standard_output(notebook: Notebook) -> None:
    notebook("tiny.ipynb")
    command = [
        sys.executable,
        "-m",
        "llminfra.cli",
        "render",
        "--to",
        "html",
        str(write("case.toml")),
    ]
    command += ["--notebook", "tiny.ipynb", "--out", "out"]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    assert (done.returncode, done.stdout) == (0, "out/case/tiny.html\n")
    assert done.stderr == ""


@pytest.mark.slow
@pytest.mark.parametrize("n_cases", [1, 3])
def test_interrupt_ends_at_once_and_leaves_old_files_and_no_half_ones(
    notebook: Notebook, n_cases: int
) -> None:
    started = [Path(f"started{n}").resolve() for n in range(n_cases)]
    wait = "import time\nopen(scenario.title, 'w').close()\ntime.sleep(scenario.in_flight)"
    notebook("waits.ipynb", (PARAMETERS, SETUP, wait))
    cases = [
        str(write(f"case{n}.toml", f"title = 'started{n}'\ntensor_parallel = 4\nin_flight = 0"))
        for n in range(n_cases)
    ]
    options = ["--notebook", "waits.ipynb", "--out", "out", "--jobs", "3"]
    ok(*cases, *options[:2])
    before = files("out")
    for path in started:
        path.unlink()
    command = [sys.executable, "-m", "llminfra.cli", "render", "--to", "html", *cases, *options]
    process = subprocess.Popen(
        [*command, "--set", "in_flight=1000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while not all(path.exists() for path in started) and process.poll() is None:
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode not in (0, 2)
    assert stdout == ""
    assert "Traceback" not in stderr
    assert files("out") == before

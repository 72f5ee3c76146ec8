"""``llminfra render`` with real kernels and real files."""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import nbformat
import pytest
from click.testing import CliRunner, Result

from llminfra.cli import main

EXAMPLE: Final = "assistant-70b"
PARAMETERS: Final = (
    'title: str = ""  # title\ntensor_parallel: int = 4  # accelerators\nmore: dict = {}'
)
SETUP: Final = """\
from llminfra import Scenario, evaluate
scenario = Scenario.from_cell(globals())
plan = evaluate(scenario)"""
TINY: Final = (
    PARAMETERS,
    SETUP,
    "print(scenario.tensor_parallel, plan.memory.kv_pool_tokens.base)",
)
FITS: Final = 'title = "Tiny"\ntensor_parallel = 4\n'

Notebook = Callable[..., Path]


@pytest.fixture(autouse=True)
def fixed_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Same bytes in every run, and a folder of its own for each test."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1795478400")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def notebook(tmp_path: Path) -> Notebook:
    """Write a notebook of a few cells, the first of which holds the parameters."""

    def written(name: str, cells: Sequence[str] = TINY) -> Path:
        document = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_markdown_cell(f"# Does {Path(name).stem} work?", id="title")]
            + [nbformat.v4.new_code_cell(text, id=f"c{i}") for i, text in enumerate(cells)],
            metadata={"kernelspec": {"name": "python3", "display_name": "", "language": "python"}},
        )
        document.cells[1].metadata["tags"] = ["parameters"]
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(document, path)
        return path

    return written


def write(name: str, text: str = FITS) -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def render(*arguments: object, out: Path | str = "out") -> Result:
    command = ["render", *(str(a) for a in arguments), "--out", str(out)]
    return CliRunner().invoke(main, command)


def ok(*arguments: object, out: Path | str = "out") -> list[str]:
    """Return the printed paths of a rendering where all is well."""
    result = render(*arguments, out=out)
    assert (result.exit_code, result.stderr) == (0, ""), (result.exception, result.stdout)
    return result.stdout.splitlines()


def manifest(folder: Path | str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((Path(folder) / "manifest.json").read_text("utf-8"))
    return found


def files(folder: Path | str) -> dict[str, bytes]:
    found = sorted(path for path in Path(folder).rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def printed(path: Path | str) -> str:
    """What the cells of an executed notebook printed."""
    cells = nbformat.read(path, as_version=4).cells
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    return "".join(output.text for output in outputs if output.output_type == "stream")


# -- the example, whole -------------------------------------------------------------------------


@dataclass(frozen=True)
class Example:
    folder: Path
    lines: list[str]
    scenario: Path


@pytest.fixture(scope="session")
def example(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    """The scenario of the README in all formats."""
    out = tmp_path_factory.mktemp("example")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOURCE_DATE_EPOCH", "1795478400")
        patch.chdir(out)
        scenario = root / "reports" / f"{EXAMPLE}.toml"
        lines = ok(scenario, "--notebook", "memory", "--to", "html,ipynb", out=out)
        yield Example(out / EXAMPLE, lines, scenario)


def test_each_report_is_there_and_its_path_printed(example: Example) -> None:
    assert [Path(line) for line in example.lines] == [
        example.folder / "memory.html",
        example.folder / "memory.ipynb",
    ]
    assert set(files(example.folder)) == {
        f"{EXAMPLE}.lock.toml",
        "manifest.json",
        "memory.html",
        "memory.ipynb",
    }
    html = (example.folder / "memory.html").read_text("utf-8")
    assert html.startswith("<!DOCTYPE html>")
    assert "Assistant for 100 users" in html
    assert "141.1" in html
    assert len(html.encode()) < 1_000_000


def test_manifest_describes_what_lies_there(example: Example) -> None:
    found = manifest(example.folder)
    report = found["reports"]["memory"]
    assert (found["scenario"], found["lock"]) == (EXAMPLE, f"{EXAMPLE}.lock.toml")
    assert (report["status"], report["error"], report["problems"]) == ("ok", None, [])
    for output in report["outputs"].values():
        data = (example.folder / output["path"]).read_bytes()
        assert output["sha256"] == hashlib.sha256(data).hexdigest()
        assert output["bytes"] == len(data)


def test_lock_holds_fields_with_origin_facts_with_source_and_versions(example: Example) -> None:
    lock = tomllib.loads((example.folder / f"{EXAMPLE}.lock.toml").read_text("utf-8"))
    assert lock["scenario"]["tensor_parallel"] == 8
    origins = lock["lock"]["origins"]
    assert origins["tensor_parallel"] == f"{EXAMPLE}.toml"
    assert origins["replicas"] == "default"
    facts = lock["lock"]["facts"]
    assert {"llama-3.3-70b.config", "a100-sxm-80.memory_usable_bytes"} <= facts.keys()
    assert [key for key, fact in facts.items() if not fact["source"] or "value" not in fact] == []
    assert lock["lock"]["versions"].keys() >= {"llminfra", "python", "numpy"}


def test_report_names_the_command_that_makes_it_again(example: Example) -> None:
    html = (example.folder / "memory.html").read_text("utf-8")
    assert f"llminfra render {EXAMPLE}.lock.toml --notebook memory" in html


def test_no_path_of_this_machine_is_in_any_file(example: Example, root: Path) -> None:
    paths = [str(root), sys.prefix, str(Path.home()), str(example.folder)]
    found = [
        (name, path)
        for name, data in files(example.folder).items()
        for path in paths
        if re.search(rb"(?<![\w.])" + re.escape(path.encode()) + rb"/", data)
    ]
    assert found == []


def test_same_inputs_give_same_bytes(example: Example, tmp_path: Path) -> None:
    ok(example.scenario, "--notebook", "memory", "--to", "html,ipynb")
    assert files(tmp_path / "out" / EXAMPLE) == files(example.folder)


def test_lock_makes_the_same_reports_again(example: Example, tmp_path: Path) -> None:
    lock = tmp_path / f"{EXAMPLE}.lock.toml"
    shutil.copy(example.folder / lock.name, lock)
    ok(lock, "--notebook", "memory", "--to", "html,ipynb")
    assert files(tmp_path / "out" / EXAMPLE) == files(example.folder)


def test_lock_can_be_rendered_where_it_lies(notebook: Notebook) -> None:
    tiny = notebook("tiny.ipynb")
    ok(write("case.toml"), "--notebook", tiny)
    before = files("out")
    ok("out/case/case.lock.toml", "--notebook", tiny)
    assert files("out") == before


def test_lock_says_what_differs_today(notebook: Notebook) -> None:
    tiny = notebook("tiny.ipynb")
    ok(write("case.toml"), "--notebook", tiny, "--to", "ipynb")
    lock, before = Path("out/case/case.lock.toml"), printed("out/case/tiny.ipynb")
    key = "vllm-0.21.default_gpu_memory_utilization"
    table = f'[lock.facts."{key}"]\nvalue = 0.92\n'
    text = lock.read_text("utf-8")
    assert table in text
    lock.write_text(text.replace(table, table.replace("0.92", "0.8")), "utf-8")
    result = render(lock, "--notebook", tiny, "--to", "ipynb")
    assert result.exit_code == 0
    assert re.fullmatch(
        rf"case\.lock\.toml: {re.escape(key)}: was 0\.8 \(.+\), today 0\.92\n", result.stderr
    )
    again = tomllib.loads(lock.read_text("utf-8"))
    assert again["facts"][key]["value"] == 0.8
    assert printed("out/case/tiny.ipynb").split() != before.split()


# -- what to render -----------------------------------------------------------------------------


def test_set_wins_over_the_file_and_is_told_in_the_lock(notebook: Notebook) -> None:
    tiny = notebook("tiny.ipynb")
    ok(
        write("case.toml"),
        *("--notebook", tiny, "--to", "ipynb"),
        *("--set", "tensor_parallel=8", "--set", "replicas=2"),
    )
    assert printed("out/case/tiny.ipynb").startswith("8 ")
    lock = tomllib.loads(Path("out/case/case.lock.toml").read_text("utf-8"))
    assert (lock["scenario"]["tensor_parallel"], lock["scenario"]["replicas"]) == (8, 2)
    origins = lock["lock"]["origins"]
    assert (origins["tensor_parallel"], origins["title"]) == ("--set", "case.toml")


@pytest.mark.parametrize("name", ["memory", "notebooks/memory.ipynb"])
def test_notebook_is_named_or_a_path(
    root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    file = write("case.toml").resolve()
    monkeypatch.chdir(root)
    lines = ok(file, "--notebook", name, "--dry-run", out=tmp_path / "out")
    assert [Path(line) for line in lines] == [tmp_path / "out" / "case" / "memory.html"]


def test_spaces_and_signs_in_paths_are_fine(notebook: Notebook) -> None:
    odd = notebook("a b/ünï cödé.ipynb")
    lines = ok(write("c d/case.toml"), "--notebook", odd, out="out put €")
    assert [Path(line).parent for line in lines] == [Path("out put €/case")]
    assert Path(lines[0]).is_file()


def test_title_is_text_in_every_report(notebook: Notebook) -> None:
    title = 'Söhne & \\"Töchter\\" 東京 🚀 {{ 7*7 }} $x$ **b**'
    tiny = notebook("tiny.ipynb", (PARAMETERS, SETUP, "scenario.title"))
    ok(write("case.toml", f'title = "{title}"\ntensor_parallel = 4'), "--notebook", tiny)
    html = Path("out/case/tiny.html").read_text("utf-8")
    shown = re.search("<title>(.*?)</title>", html, re.S)
    assert shown is not None
    assert "Söhne &amp; &#34;Töchter&#34; 東京 🚀 {{ 7*7 }} $x$ **b**" in shown[1]


def test_dry_run_lists_and_writes_nothing(root: Path) -> None:
    write("one.toml")
    write("two.toml", "[sweep]\ntensor_parallel = [4, 6]")
    before = files(".")
    lines = ok("one.toml", "two.toml", "--to", "html,ipynb", "--dry-run")
    names = [path.stem for path in sorted((root / "notebooks").glob("*.ipynb"))]
    expected = [
        f"out/{case}/{name}.{extension}"
        for case in ("one", "two--tensor_parallel=4")
        for name in names
        for extension in ("html", "ipynb")
    ]
    assert [line for line in lines if "not possible" not in line] == expected
    assert [line for line in lines if "not possible" in line] == [
        "out/two--tensor_parallel=6: not possible: tensor_parallel must divide 64 attention heads, "
        "got 6; try 1, 2, 4 or 8"
    ]
    assert files(".") == before


def test_one_notebook_given_twice_is_rendered_once(notebook: Notebook) -> None:
    tiny = notebook("tiny.ipynb")
    lines = ok(write("case.toml"), "--notebook", tiny, "--notebook", tiny, "--dry-run")
    assert lines == ["out/case/tiny.html"]


def test_two_notebooks_of_one_name_would_overwrite_each_other(notebook: Notebook) -> None:
    one, two = notebook("a/tiny.ipynb"), notebook("b/tiny.ipynb")
    result = render(write("case.toml"), "--notebook", one, "--notebook", two, "--dry-run")
    assert result.exit_code == 2
    assert "'tiny'" in result.stderr


def test_impossible_combination_of_a_sweep_is_listed(notebook: Notebook) -> None:
    sweep = write("case.toml", "[sweep]\ntensor_parallel = [4, 6]")
    result = render(sweep, "--notebook", notebook("tiny.ipynb"))
    assert result.exit_code == 0
    assert result.stdout.splitlines() == ["out/case--tensor_parallel=4/tiny.html"]
    assert re.fullmatch(r"out/case--tensor_parallel=6: not possible: .+ got 6; .+\n", result.stderr)
    entry = manifest("out/case--tensor_parallel=6")["reports"]["tiny"]
    assert (entry["status"], entry["outputs"]) == ("not_possible", {})
    assert "got 6" in entry["error"]


@pytest.mark.parametrize(("flags", "code"), [([], 0), (["--strict"], 1)])
def test_problem_renders_and_fails_under_strict_only(
    notebook: Notebook, flags: list[str], code: int
) -> None:
    case = write("case.toml", "tensor_parallel = 1")
    result = render(case, "--notebook", notebook("tiny.ipynb"), *flags)
    assert result.exit_code == code
    assert result.stdout.splitlines() == ["out/case/tiny.html"]
    assert re.match(r"case: E-FIT: .+ does not fit", result.stderr)
    assert Path("out/case/tiny.html").is_file()


# -- failures -----------------------------------------------------------------------------------

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
    assert line.startswith("Error: failing: cell 3: ZeroDivisionError: division by zero")
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
    assert result.stdout.splitlines() == expected
    for n in (2, 4, 8):
        assert printed(f"out/case{n}/one.ipynb").split()[0] == str(n)
        assert set(manifest(f"out/case{n}")["reports"]) == {"one", "two", "failing"}
    assert [line for line in result.stderr.splitlines() if line.startswith("Error")] != []


def test_real_process_prints_paths_alone_on_standard_output(notebook: Notebook) -> None:
    notebook("tiny.ipynb")
    command = [sys.executable, "-m", "llminfra.cli", "render", str(write("case.toml"))]
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
    command = [sys.executable, "-m", "llminfra.cli", "render", *cases, *options]
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

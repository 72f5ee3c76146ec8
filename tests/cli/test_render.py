"""``llminfra render`` with real kernels and real files."""

import hashlib
import re
import shutil
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

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

EXAMPLE: Final = "assistant-70b"


# -- the example, whole -------------------------------------------------------------------------


@dataclass(frozen=True)
class Example:
    folder: Path
    lines: list[str]
    scenario: Path


@pytest.fixture(scope="module")
def example(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Example:
    """The scenario of the README in all formats."""
    out = tmp_path_factory.mktemp("example")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOURCE_DATE_EPOCH", "1795478400")
        patch.chdir(out)
        scenario = root / "reports" / f"{EXAMPLE}.toml"
        lines = ok(scenario, "--notebook", "memory", "--to", "html,pdf,ipynb", out=out)
    return Example(out / EXAMPLE, lines, scenario)


def test_each_report_is_there_and_its_path_printed(example: Example) -> None:
    assert [Path(line) for line in example.lines] == [
        example.folder / "memory.html",
        example.folder / "memory.pdf",
        example.folder / "memory.ipynb",
    ]
    assert set(files(example.folder)) == {
        f"{EXAMPLE}.lock.toml",
        "manifest.json",
        "memory.html",
        "memory.ipynb",
        "memory.pdf",
    }
    html = (example.folder / "memory.html").read_text("utf-8")
    assert html.startswith("<!DOCTYPE html>")
    assert "Assistant for 100 users" in html
    assert "141.1" in html
    assert len(html.encode()) < 1_000_000
    assert len((example.folder / "memory.pdf").read_bytes()) < 500_000


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
    assert lock["lock"]["answers"]["cost.usd_per_month"] > 0


def test_report_names_the_command_that_makes_it_again(example: Example) -> None:
    html = (example.folder / "memory.html").read_text("utf-8")
    command = f"llminfra render {EXAMPLE}.lock.toml --notebook memory"
    assert command in re.sub(r"</?span>", "", html)


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
    ok(example.scenario, "--notebook", "memory", "--to", "html,pdf,ipynb")
    assert files(tmp_path / "out" / EXAMPLE) == files(example.folder)


def test_lock_makes_the_same_reports_again(example: Example, tmp_path: Path) -> None:
    lock = tmp_path / f"{EXAMPLE}.lock.toml"
    shutil.copy(example.folder / lock.name, lock)
    ok(lock, "--notebook", "memory", "--to", "html,pdf,ipynb")
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
    folders = ("one", "two--tensor_parallel=4")
    expected = {
        f"out/{folder}/{name}.{extension}"
        for name in names
        for folder in ((name,) if name in ("claims", "training", "validation") else folders)
        for extension in ("html", "ipynb")
    }
    possible = [line for line in lines if "not possible" not in line]
    assert (len(possible), set(possible)) == (len(expected), expected)
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

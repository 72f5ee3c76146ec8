"""What is unchanged is not rendered again, and what has changed is."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

import llminfra
from tests.cli.conftest import PARAMETERS, SETUP, Notebook, files, manifest, ok, render, write

COUNT: Final = "import os\nopen(os.environ['COUNT'], 'a').write('x')"


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file, far from the notebook, that grows each time one runs."""
    path = tmp_path_factory.mktemp("count") / "count"
    path.write_text("")
    monkeypatch.setenv("COUNT", str(path))
    return path


def forget_commands() -> None:
    """Let each job be looked at by itself."""
    shutil.rmtree("out/.cache/commands", ignore_errors=True)


def test_unchanged_report_is_left_until_something_of_it_changes(
    notebook: Notebook, counted: Path
) -> None:
    path = notebook("books/n.ipynb", (PARAMETERS, COUNT, "import near\nnear.SAID"))
    near = write("books/near.py", "SAID = 1")
    command = (write("case.toml"), "--notebook", path)
    lines, before = ok(*command), files("out")

    def runs() -> int:
        return len(counted.read_text())

    assert ok(*command) == lines
    forget_commands()
    assert ok(*command) == lines
    assert (runs(), files("out")) == (1, before)

    ok(*command, "--force")
    assert runs() == 2
    near.write_text("SAID = 2")
    ok(*command)
    assert runs() == 3, "a module beside the notebook is part of it"
    notebook("books/n.ipynb", (PARAMETERS, COUNT, "import near\nnear.SAID + 1"))
    ok(*command)
    assert runs() == 4
    write("case.toml", "tensor_parallel = 8")
    ok(*command)
    assert runs() == 5
    Path("out/case/n.html").write_text("by another hand")
    ok(*command)
    assert runs() == 6
    forget_commands()
    (entry,) = Path("out/.cache/case").glob("*.json")
    entry.write_text(entry.read_text()[:-20])
    ok(*command)
    assert runs() == 7, "an entry that is half written is not trusted"
    ok(*command, "--to", "ipynb")
    assert runs() == 8, "a format that is not there"
    ok(*command, "--to", "html,ipynb")
    assert runs() == 8


def test_manifest_says_with_what_and_how_long_unless_the_time_is_fixed(
    notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = (write("case.toml"), "--notebook", notebook("n.ipynb"))
    ok(*command)
    fixed = manifest("out/case")["reports"]["n"]
    assert (fixed["duration_s"], fixed["parameters"]["tensor_parallel"]) == (None, 4)
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    ok(*command)
    took = manifest("out/case")["reports"]["n"]
    assert took["duration_s"] > 0
    forget_commands()
    Path("out/case/manifest.json").unlink()
    ok(*command)
    assert manifest("out/case")["reports"]["n"] == took, "what is unchanged keeps what it took"


def test_failure_is_tried_again(notebook: Notebook, counted: Path) -> None:
    path = notebook("n.ipynb", (PARAMETERS, COUNT, "1 / 0"))
    for _ in range(2):
        assert render(write("case.toml"), "--notebook", path).exit_code == 1
    assert len(counted.read_text()) == 2


def test_nothing_to_do_is_found_out_without_what_renders(notebook: Notebook) -> None:
    path = notebook("n.ipynb", (PARAMETERS, SETUP))
    lines = ok(write("case.toml", "[sweep]\ntensor_parallel = [8]"), "--notebook", path)
    code = (
        "import sys\nfrom llminfra.cli import main\n"
        "main(sys.argv[1:], standalone_mode=False)\nprint(*sys.modules, file=sys.stderr)"
    )
    arguments = ["render", "--to", "html", "case.toml", "--notebook", "n.ipynb", "--out", "out"]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, check=True, text=True
    )
    assert done.stdout.splitlines() == lines
    heavy = {"numpy", "pydantic", "nbformat", "papermill", "IPython", "jinja2", "llminfra.scenario"}
    assert heavy & set(done.stderr.split()) == set()


READS: Final = "from llminfra.catalog.facts import Facts\nFacts().number('{}', '{}').base"


@pytest.mark.slow
def test_changed_fact_renders_its_readers_and_nobody_else(
    notebook: Notebook, counted: Path, tmp_path: Path
) -> None:
    """On a copy of the package, whose catalogue a user has edited."""
    package = tmp_path / "copy" / "llminfra"
    own = Path(llminfra.__file__).parent
    shutil.copytree(own, package, ignore=shutil.ignore_patterns("__pycache__"))
    book = "books/{}.ipynb"
    notebook(
        book.format("card"), (PARAMETERS, COUNT, READS.format("h100-sxm", "memory_usable_bytes"))
    )
    notebook(book.format("grid"), (PARAMETERS, COUNT, READS.format("grid-de", "g_co2e_per_kwh")))
    notebook(book.format("none"), (PARAMETERS, COUNT, "1"))
    write("case.toml")

    def rendered() -> set[str]:
        before = {p.name: p.stat().st_mtime_ns for p in Path("out").glob("case/*.html")}
        names = [a for n in ("card", "grid", "none") for a in ("--notebook", book.format(n))]
        command = [sys.executable, "-m", "llminfra.cli", "render", "case.toml", "--to", "html"]
        environment = {**os.environ, "PYTHONPATH": str(package.parent), "PYTHONSAFEPATH": "1"}
        subprocess.run(
            [*command, *names, "--out", "out"], env=environment, check=True, capture_output=True
        )
        after = {p.name: p.stat().st_mtime_ns for p in Path("out").glob("case/*.html")}
        return {name for name in after if after[name] != before.get(name)}

    assert rendered() == {"card.html", "grid.html", "none.html"}
    assert rendered() == set()
    _edit(package / "catalog" / "accelerators.csv", "h100-sxm", "memory_usable_bytes")
    assert rendered() == {"card.html"}
    _edit(package / "catalog" / "grid.csv", "grid-de", "g_co2e_per_kwh")
    assert rendered() == {"grid.html"}
    _edit(package / "catalog" / "accelerators.csv", "l40s", "memory_usable_bytes")
    assert rendered() == set()


def _edit(path: Path, entity: str, name: str) -> None:
    """Change the note of a fact, which stands at the end of its line."""
    lines = path.read_text("utf-8").splitlines()
    (at,) = (i for i, line in enumerate(lines) if line.startswith(f"{entity},{name},"))
    lines[at] = lines[at].rstrip('"') + (' changed"' if lines[at].endswith('"') else " changed")
    path.write_text("\n".join(lines) + "\n", "utf-8")


# -- comparisons, names, and the index ------------------------------------------------------------


def test_two_notebooks_whose_names_are_alike_have_two_files(notebook: Notebook) -> None:
    one, two = notebook("a b.ipynb", (PARAMETERS, "1")), notebook("a-b.ipynb", (PARAMETERS, "2"))
    lines = ok(write("case.toml"), "--notebook", one, "--notebook", two, "--dry-run")
    assert len(set(lines)) == 2
    assert "out/case/a-b.html" in lines


def test_names_that_differ_in_capitals_alone_are_refused(notebook: Notebook) -> None:
    one, two = notebook("A-b.ipynb", (PARAMETERS,)), notebook("x/a-B.ipynb", (PARAMETERS,))
    result = render(write("case.toml"), "--notebook", one, "--notebook", two, "--dry-run")
    assert (result.exit_code, "must differ" in result.stderr) == (2, True)


def test_scenario_files_keep_their_letters_and_their_own_folders(notebook: Notebook) -> None:
    names = ("отчёт.toml", "報告.toml", "Größe 70B (neu).toml", "Größe-70B-(neu).toml")
    path = notebook("n.ipynb", (PARAMETERS,))
    lines = ok(*map(write, names), "--notebook", path, "--dry-run")
    folders = [Path(line).parent.name for line in lines]
    assert len(set(folders)) == 4
    assert folders[:2] == ["отчёт", "報告"]
    assert folders[2].startswith("Größe-70B-neu-")


COMPARED: Final = """tensor_parallel = 8
title = "Which card?"
[[variant]]
name = "today"
[[variant]]
name = "eight bits"
precision = "fp8"
[[variant]]
name = "six cards"
tensor_parallel = 6
[compare]
results = ["memory.weight_bytes", "memory.kv_cache_bytes_per_token"]
"""


@pytest.mark.slow
def test_comparison_is_one_page_with_a_table_a_chart_and_marked_differences(
    tmp_path: Path,
) -> None:
    write("out/validation/manifest.json", "{}")  # not of interest here
    lines = [line for line in ok(write("cards.toml", COMPARED)) if "/cards/" in line]
    assert lines == ["out/cards/compare.html"]
    page = Path(lines[0]).read_text("utf-8")
    assert "▼ 49 % less" in page  # heads and embeddings stay in 16 bits
    assert "must divide 64 attention heads, got 6" in page
    assert "<svg" in page
    before = Path(lines[0]).read_bytes()
    again = tmp_path / "again"
    shutil.copy("out/cards/cards.lock.toml", tmp_path / "cards.lock.toml")
    ok("cards.lock.toml", out=again)
    assert (again / "cards" / "compare.html").read_bytes() == before


def test_index_tells_of_every_report_and_its_links_lead_somewhere(notebook: Notebook) -> None:
    good = notebook("good one.ipynb", (PARAMETERS, "1"))
    bad = notebook("bad.ipynb", (PARAMETERS, "1 / 0"))
    assert render(write("<b>.toml"), "--notebook", good, "--notebook", bad).exit_code == 1
    page = Path("out/index.html").read_text("utf-8")
    from bs4 import BeautifulSoup

    found = BeautifulSoup(page, "html.parser")
    links = [str(a["href"]) for a in found.find_all("a") if not str(a["href"]).startswith("#")]
    from urllib.parse import unquote

    assert len(links) == 2
    assert all((Path("out") / unquote(link)).is_file() for link in links)
    assert "ZeroDivisionError" in found.get_text()
    assert "✗ failed" in found.get_text()


def links_to_siblings(path: str) -> dict[str, str]:
    from bs4 import BeautifulSoup

    nav = BeautifulSoup(Path(path).read_text("utf-8"), "html.parser").find("nav", "siblings")
    return {str(a["href"]): a.get_text() for a in nav.find_all("a")} if nav else {}  # type: ignore[union-attr]


def test_reports_on_a_case_are_linked_with_each_other(notebook: Notebook) -> None:
    first, second = notebook("one.ipynb"), notebook("größe.ipynb")
    write("case.toml")
    one = ("case.toml", "--notebook", first, "--to", "html")
    assert render(*one).exit_code == 0
    assert links_to_siblings("out/case/one.html") == {}
    assert render(*one, "--notebook", second).exit_code == 0
    assert links_to_siblings("out/case/größe.html") == {"one.html": "Does one work?"}
    both = {path.name: path.read_bytes() for path in Path("out/case").glob("*.html")}
    assert links_to_siblings("out/case/one.html") == {"gr%C3%B6%C3%9Fe.html": "Does größe work?"}
    # One alone keeps its link to what is there already, and a new folder gets the same bytes.
    assert render(*one).exit_code == 0
    assert Path("out/case/one.html").read_bytes() == both["one.html"]
    assert render(*one, "--notebook", second, out="new").exit_code == 0
    assert {path.name: path.read_bytes() for path in Path("new/case").glob("*.html")} == both


def test_two_batches_at_once_keep_the_entries_of_both(notebook: Notebook) -> None:
    names = [f"n{i}" for i in range(4)]
    paths = [notebook(f"{name}.ipynb", (PARAMETERS, "1")) for name in names]
    write("case.toml")
    command = [sys.executable, "-m", "llminfra.cli", "render", "case.toml", "--to", "ipynb"]
    halves = [paths[:2], paths[2:]]
    arguments = [[a for p in half for a in ("--notebook", str(p))] for half in halves]
    running = [
        subprocess.Popen([*command, *more, "--out", "out", "--jobs", "1"]) for more in arguments
    ]
    assert [process.wait() for process in running] == [0, 0]
    assert set(manifest("out/case")["reports"]) == set(names)
    assert json.loads(Path("out/case/manifest.json").read_text())["lock"] == "case.lock.toml"

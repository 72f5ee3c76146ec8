"""An analyst's folder: own notebooks, own parameters, own kernels, and cells that go wrong."""

import sys
import tomllib
from pathlib import Path
from typing import Final

import nbformat
import pytest
from click.testing import CliRunner

from llminfra.cli import main
from tests.cli.conftest import FITS, PARAMETERS, SETUP, Notebook, ok, printed, render, write

OWN: Final = "tensor_parallel: int = 8  # accelerators\nin_flight: float = 500\nmore: dict = {}"
TELL: Final = "print(scenario.tensor_parallel, scenario.in_flight)"


def read(path: str) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def test_changed_default_of_a_notebook_counts_as_stated(notebook: Notebook) -> None:
    path = notebook("n.ipynb", (OWN, SETUP, TELL))
    ok("--defaults", "--notebook", path, "--to", "ipynb")
    assert printed("out/scenario/n.ipynb").split() == ["8", "500"]
    lock = tomllib.loads(Path("out/scenario/scenario.lock.toml").read_text("utf-8"))
    origins = lock["lock"]["origins"]
    assert (origins["in_flight"], origins["tensor_parallel"]) == ("notebook", "notebook")
    assert origins["replicas"] == "default"


def test_file_goes_before_a_default_and_one_way_to_state_demand_excludes_the_others(
    notebook: Notebook,
) -> None:
    path = notebook("n.ipynb", (OWN, SETUP, "print(scenario.in_flight, scenario.active_users)"))
    ok(write("case.toml", FITS + "active_users = 7"), "--notebook", path, "--to", "ipynb")
    assert printed("out/case/n.ipynb").split() == ["None", "7"]


def test_file_that_says_little_means_the_same_to_a_plan_and_to_reports(notebook: Notebook) -> None:
    """What a notebook shows as its example is no statement; what an analyst changed is."""
    example = "tensor_parallel: int = 8\nactive_users: float = 100\nmore: dict = {}"
    tell = "print(scenario.tensor_parallel, scenario.active_users)"
    path = notebook("n.ipynb", (example, SETUP, tell))
    case = write("case.toml", 'model = "llama-3.1-8b"')
    ok(case, "--notebook", path, "--to", "ipynb")
    assert printed("out/case/n.ipynb").split() == ["1", "None"]
    path = notebook("n.ipynb", (example.replace("8", "4"), SETUP, tell))
    ok(case, "--notebook", path, "--to", "ipynb")
    assert printed("out/case/n.ipynb").split() == ["4", "None"]


def test_set_whose_notebooks_differ_says_so(notebook: Notebook) -> None:
    one = notebook("one.ipynb", (OWN, SETUP, TELL))
    two = notebook("two.ipynb", (OWN.replace("500", "7"), SETUP, TELL))
    both = ("--notebook", one, "--notebook", two, "--to", "ipynb")
    result = render("--defaults", *both)
    assert result.exit_code == 0
    assert result.stderr.startswith("scenario: notebooks differ in in_flight")
    assert "500 in one" in result.stderr
    assert printed("out/scenario/one.ipynb").split() == ["8", "500"]
    assert printed("out/scenario/two.ipynb").split() == ["8", "7"]


def test_set_without_a_file_is_one_case_under_its_own_name(notebook: Notebook) -> None:
    write("reports/other.toml")
    path = notebook("n.ipynb")
    lines = ok("--notebook", path, "--set", "model=llama-3.1-8b", "--dry-run")
    assert lines == ["out/model=llama-3.1-8b/n.html"]


def test_notebook_that_is_no_report_takes_its_own_parameters(notebook: Notebook) -> None:
    cells = ('region = "all"\nquarter = "Q1"', "print(region, quarter)")
    path = notebook("sales.ipynb", cells)
    settings = ("--set", "region=EMEA", "--set", "quarter=Q3")
    lines = ok("--notebook", path, *settings, "--to", "ipynb")
    folder = "region=EMEA,quarter=Q3"
    assert lines == [f"out/{folder}/sales.ipynb"]
    assert printed(lines[0]).split() == ["EMEA", "Q3"]
    lock = f"out/{folder}/{folder}.lock.toml"  # region is a field of scenarios, too
    lines = ok(lock, "--notebook", path, "--to", "ipynb", out="again")
    assert printed(lines[0]).split() == ["EMEA", "Q3"]


def test_reports_that_will_be_the_same_are_told(notebook: Notebook) -> None:
    path = notebook("n.ipynb", ("1",))
    document = read(str(path))
    document.cells[1].metadata["tags"] = []
    nbformat.write(document, path)
    sweep = write("case.toml", "[sweep]\ntensor_parallel = [4, 8]")
    result = render(sweep, "--notebook", path, "--to", "ipynb", "--jobs", 1)
    assert "n.ipynb has no cell tagged parameters: its 2 reports will be the same" in result.stderr


def test_cell_may_fail_that_is_tagged_so(notebook: Notebook) -> None:
    path = notebook("n.ipynb", (PARAMETERS, "1 / 0", "print('went on')"))
    document = read(str(path))
    document.cells[2].metadata["tags"] = ["raises-exception"]
    nbformat.write(document, path)
    for engine in ("llminfra", "stock"):
        lines = ok(write("a.toml"), "--notebook", path, "--to", "ipynb,html", "--engine", engine)
        (error,) = (o for c in read(lines[0]).cells for o in c.get("outputs", []) if "ename" in o)
        assert error.ename == "ZeroDivisionError"
        assert printed(lines[0]) == "went on\n"


def test_half_run_notebook_of_a_failure_is_kept(notebook: Notebook) -> None:
    path = notebook("n.ipynb", (PARAMETERS, "print('so far')", "1 / 0"))
    render(write("a.toml"), "--notebook", path, "--to", "html")
    assert printed("out/a/n.error.ipynb") == "so far\n"
    notebook("n.ipynb", (PARAMETERS, "1"))
    ok("a.toml", "--notebook", path, "--to", "html")
    assert not Path("out/a/n.error.ipynb").exists()


LOOPS: Final = "sum(range(10**12))"


@pytest.mark.parametrize("source", ["while True: pass", LOOPS, "import time; time.sleep(100)"])
def test_cell_that_takes_too_long_is_named_and_ended(notebook: Notebook, source: str) -> None:
    path = notebook("n.ipynb", (PARAMETERS, source))
    result = render(write("a.toml"), "--notebook", path, "--timeout", 1)
    assert result.exit_code == 1
    where = f"cell 2 ({source!r})"
    expected = f"Error: n: {where}: took longer than 1 s; --timeout allows more, 0 any time"
    assert result.stderr.startswith(expected)
    assert "Task was destroyed" not in result.stderr


def test_kernel_of_another_environment_can_be_replaced(notebook: Notebook) -> None:
    path = notebook("n.ipynb", (PARAMETERS, "import sys; print(sys.executable)"))
    document = read(str(path))
    document.metadata["kernelspec"]["name"] = "conda-env-analysis-py"
    nbformat.write(document, path)
    result = render(write("a.toml"), "--notebook", path)
    assert "no kernel named 'conda-env-analysis-py' is installed; --kernel python3" in result.stderr
    ok("a.toml", "--notebook", path, "--to", "ipynb", "--kernel", "python3")
    assert printed("out/a/n.ipynb").strip() == sys.executable


def test_output_that_no_notebook_can_hold_names_its_cell_and_type(notebook: Notebook) -> None:
    source = "import altair as alt\nalt.renderers.enable('mimetype')\nalt.Chart().mark_bar()"
    path = notebook("n.ipynb", (PARAMETERS, source))
    result = render(write("a.toml"), "--notebook", path)
    assert result.exit_code == 1
    assert result.stderr.startswith(
        "Error: n: cell 2 ('import altair as alt'): output of type application/vnd.vegalite"
    )
    assert "alt.renderers" in result.stderr


def test_init_makes_a_folder_that_can_be_rendered_and_leaves_what_is_there(tmp_path: Path) -> None:
    def init() -> list[str]:
        result = CliRunner().invoke(main, ["init", "work"])
        assert result.exit_code == 0, result.output
        return result.stdout.splitlines()

    made = init()
    assert sorted(made) == [
        "work/notebooks/my-report.ipynb",
        "work/reports/assistant-70b.toml",
        "work/reports/scenario.schema.json",
    ]
    Path("work/reports/assistant-70b.toml").write_text(FITS)
    assert init() == []
    assert Path("work/reports/assistant-70b.toml").read_text() == FITS


def test_own_notebooks_stand_beside_those_of_the_package(notebook: Notebook) -> None:
    notebook("notebooks/mine.ipynb")
    case = write("case.toml")
    for name in ("mine", "memory"):
        assert ok(case, "--notebook", name, "--dry-run") == [f"out/case/{name}.html"]


def test_empty_folder_takes_the_scenarios_of_the_package_each_time(tmp_path: Path) -> None:
    before = ok("--notebook", "memory", "--dry-run")
    Path("reports/out").mkdir(parents=True)
    assert ok("--notebook", "memory", "--dry-run") == before != []

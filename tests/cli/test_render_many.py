"""Batches that are long: what stays in memory, and where jobs may run."""

from pathlib import Path

from llminfra.cli import batch, rendering
from tests.cli.conftest import Notebook, ok, write


def test_set_lets_go_of_its_plan_once_it_is_recorded(notebook: Notebook) -> None:
    path = Path(notebook("tiny.ipynb"))
    cases = batch.cases([Path(write("case.toml", "tensor_parallel = 1"))], {}, defaults=False)
    sets = batch.report_sets(cases, [path], Path("out"), ("html",))
    rendering.Rendering(sets, Path("out"), workers=1).run()
    assert "plan" not in vars(sets[0])
    assert sets[0].problems != []
    assert not any("facts" in block for r in sets[0].results for block in r.blocks)
    assert Path("out/case/case.lock.toml").read_text("utf-8").count("used_by") > 10


def test_each_report_links_to_those_of_its_case(notebook: Notebook) -> None:
    ok(write("case.toml"), "--notebook", notebook("tiny.ipynb"))
    page = Path("out/case/tiny.html").read_text("utf-8")
    assert '<a href="../index.html#case">All reports</a>' in page
    index = Path("out/index.html").read_text("utf-8")
    assert '<h2 id="case">' in index
    assert '<a href="case/tiny.html">' in index

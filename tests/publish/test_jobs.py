import base64
import concurrent.futures
import gzip
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, Final

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from llminfra.publish import jobs, writing
from llminfra.publish.html import HtmlReportExporter
from llminfra.publish.job import Job, Result
from llminfra.publish.jobs import run, run_job
from llminfra.wire import BLOCK_MIME

EMIT = f"""
from IPython.display import display
block = {{"version": 1, "kind": "notice", "level": "problem", "title": title}}
display({{"{BLOCK_MIME}": block, "text/plain": "notice"}}, raw=True)
display({{"{BLOCK_MIME}": {{"version": 1, "kind": "tiles", "tiles": []}}}}, raw=True)
"""

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes a notebook: a parameters cell, then the given sources."""

    def write_notebook(name: str, *sources: str, kernel: str = "python3") -> Path:
        cells = [new_markdown_cell("# Title", id="title")]
        cells += [new_code_cell(s, id=f"cell-{i}") for i, s in enumerate(("x: int = 1", *sources))]
        cells[1].metadata["tags"] = ["parameters"]
        spec = {"name": kernel, "language": "python", "display_name": "any"}
        path = tmp_path / "notebooks" / f"{name}.ipynb"
        path.parent.mkdir(exist_ok=True)
        nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": spec}), path)
        return path

    return write_notebook


def job(notebook: Path, **more: Any) -> Job:
    return Job(notebook, notebook.parents[1] / "out", **{"formats": ("ipynb",)} | more)


def outputs(result: Result, name: str = "ipynb") -> str:
    return (result.job.out_dir / result.outputs[name]).read_text()


def processes_with(marker: str) -> list[str]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_text() + (folder / "environ").read_text()
        except OSError:
            continue
        if marker in command:
            found.append(folder.name)
    return found


def wait_until(condition: Callable[[], object], seconds: float = 60) -> None:
    """Wait for something that must come; the limit only keeps a failing test from hanging."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not happen"
        time.sleep(0.05)


# -- one job ------------------------------------------------------------------------------------


def test_job_runs_in_the_notebooks_folder_and_hands_back_blocks(write: Write) -> None:
    notebook = write("ok", "title = f'x is {x}'" + EMIT, "import os\nprint(os.getcwd())")
    result = run_job(job(notebook, parameters={"x": 7}, title="A title"))
    assert (result.status, result.error, result.outputs) == ("ok", None, {"ipynb": "ok.ipynb"})
    assert [b["title"] for b in result.blocks] == ["x is 7"]
    assert result.problems == list(result.blocks)
    document = json.loads(outputs(result))
    assert document["metadata"]["title"] == "A title"
    assert str(notebook.parent) in "".join(document["cells"][-1]["outputs"][0]["text"])


def test_notebook_imports_what_lies_beside_it_and_the_kernel_does_not(write: Write) -> None:
    notebook = write("near", "import helper\nhelper.SAID")
    (notebook.parent / "helper.py").write_text("SAID = 'from beside'")
    (notebook.parent / "runpy.py").write_text("raise SystemExit('shadowed')")
    assert "from beside" in outputs(run_job(job(notebook)))


FIGURE = """
import datetime as dt
import pandas as pd
from llminfra.present.blocks import figure
words = dict(kicker="", title="A", subtitle="B", alt="C", source="D", as_of=dt.date(2026, 1, 2))
spec = {"data": {"values": [{"gb": 40}]}, "mark": mark, "encoding": {"x": {"field": "gb"}}}
figure(spec, data=pd.DataFrame({"gb": [40]}), name="chart", **words)
"""


def test_charts_are_drawn_beside_the_kernel_and_stand_in_the_notebook(write: Write) -> None:
    notebook = write("drawn", "mark = 'bar'" + FIGURE, "import sys\n'vl_convert' in sys.modules")
    result = run_job(job(notebook, collect=("figure",)))
    (figure,) = result.blocks
    assert "charts" not in figure
    assert figure["svg"].startswith("<svg")
    assert json.loads(gzip.decompress(base64.b64decode(figure["spec_narrow"])))["marks"]
    cells = json.loads(outputs(result))["cells"]
    assert "<img" in "".join(cells[2]["outputs"][0]["data"]["text/html"])
    assert cells[3]["outputs"][0]["data"]["text/plain"] == ["False"]


def test_chart_that_cannot_be_drawn_names_its_cell(write: Write) -> None:
    result = run_job(job(write("bad", "1", "mark = 'no such mark'" + FIGURE, "2")))
    assert result.error is not None
    assert result.error.startswith("cell 3 (\"mark = 'no such mark'\"): chart must be ")
    assert result.error_page == "bad.error.html"


def test_page_that_lacks_a_part_is_written_and_is_an_error(write: Write) -> None:
    show = """
    from IPython.display import display
    answer = dict(version=1, kind="answer", headline="A", points=[])
    blocks = [dict(version=1, kind="tiles"), answer]
    for block in blocks:
        display({"application/vnd.llminfra.block+json": block, "text/plain": ""}, raw=True)
    """
    result = run_job(job(write("part", textwrap.dedent(show)), formats=("html", "pdf")))
    assert result.error is not None
    assert "html lacks a part: tiles block must have the agreed shape" in result.error
    assert "pdf lacks a part: tiles" in result.error
    assert "could not be shown" in outputs(result, "html")
    assert set(result.outputs) == {"html", "pdf"}


def test_same_inputs_give_same_bytes(write: Write) -> None:
    notebook = write("same", "print(x)\nprint(x)", "x")
    texts = {outputs(run_job(job(notebook, parameters={"x": 7}))) for _ in range(2)}
    assert len(texts) == 1


def test_environment_paths_and_times_stay_out(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "hunter2hunter2")
    result = run_job(job(write("secret", "x"), parameters={"x": 7}))
    text = outputs(result)
    assert "hunter2" not in text
    assert str(result.job.out_dir.parent) not in text
    document = json.loads(text)
    assert document["metadata"]["papermill"].keys() <= {
        "default_parameters",
        "parameters",
        "version",
    }
    assert all(cell["metadata"].keys() <= {"tags"} for cell in document["cells"])


def test_users_kernelspec_of_the_same_name_is_not_used(write: Write) -> None:
    folder = Path(os.environ["JUPYTER_DATA_DIR"]) / "kernels" / "python3"
    folder.mkdir(parents=True)
    spec = {"argv": ["false"], "language": "python", "display_name": "mine"}
    (folder / "kernel.json").write_text(json.dumps(spec))
    try:
        result = run_job(job(write("kernel", "import sys\nsys.executable")))
    finally:
        (folder / "kernel.json").unlink()
    assert repr(sys.executable) in outputs(result)


RAISES: Final = 'cell 3 ("raise ValueError(f\'<script>{x}</script>…")'


def test_failing_cell_leaves_old_files_and_an_escaped_page(write: Write) -> None:
    notebook = write("bad", "'fine'", "raise ValueError(f'<script>{x}</script>\\x1b[31m&')")
    out = notebook.parents[1] / "out"
    out.mkdir()
    (out / "bad.ipynb").write_text("old")
    result = run_job(job(notebook, parameters={"x": 7}))
    assert result.status == "failed"
    assert result.error == f"{RAISES}: ValueError: <script>7</script>&"
    assert (result.outputs, result.error_page) == ({}, "bad.error.html")
    assert (out / "bad.ipynb").read_text() == "old"
    page = (out / "bad.error.html").read_text()
    assert "): ValueError: &lt;script&gt;7&lt;/script&gt;&amp;" in page
    assert "raise ValueError(f&#x27;&lt;script&gt;" in page
    assert "<script" not in page
    assert "\x1b" not in page


def test_success_removes_the_error_page(write: Write) -> None:
    failing = run_job(job(write("again", "1 / 0")))
    assert os.listdir(failing.job.out_dir) == ["again.error.html", "again.error.ipynb"]
    run_job(job(write("again", "1 / 1")))
    assert os.listdir(failing.job.out_dir) == ["again.ipynb"]


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("def (", "SyntaxError"),
        ("import os; os._exit(3)", "the kernel died"),
        ("import ctypes; ctypes.string_at(0)", "the kernel died"),
        ("import sys; sys.exit('enough')", "SystemExit: enough"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("print('x' * 10**6); undefined", "NameError: name 'undefined' is not defined"),
    ],
)
def test_cell_that_ends_the_notebook_is_named(
    write: Write, source: str, error: str, capfd: pytest.CaptureFixture[str]
) -> None:
    result = run_job(job(write("end", source, "'not reached'"), parameters={"x": 7}))
    assert str(result.error).startswith(f"cell 2 ({source!r}): {error}")
    assert "\n" not in str(result.error)
    assert capfd.readouterr() == ("", "")


def test_kernel_that_is_not_there_is_one_line(write: Write) -> None:
    result = run_job(job(write("julia", "1", kernel="julia-9")))
    assert result.error == (
        "no kernel named 'julia-9' is installed; --kernel python3 runs julia.ipynb with this "
        "interpreter"
    )


@pytest.mark.parametrize("content", [None, "", "{}", "[]", "{", '{"cells": 1}', "\x00"])
def test_file_that_is_no_notebook_is_one_line(tmp_path: Path, content: str | None) -> None:
    notebook = tmp_path / "notebooks" / "x.ipynb"
    notebook.parent.mkdir()
    if content is not None:
        notebook.write_text(content)
    result = run_job(job(notebook))
    assert result.status == "failed"
    assert "x.ipynb" in str(result.error)
    assert "\n" not in str(result.error)


def test_folder_that_cannot_be_written_is_one_line(write: Write) -> None:
    notebook = write("full", "1")
    (notebook.parents[1] / "out").write_text("a file")
    result = run_job(job(notebook))
    assert (result.error, result.error_page) == ("ipynb: File exists", None)


class Upper:
    """An exporter of the kind that entry points name."""

    file_extension = ".txt"

    def from_notebook_node(self, document: Any, resources: Any) -> tuple[str, dict[str, Any]]:
        return resources["metadata"]["name"].upper(), resources


class Broken(Upper):
    def from_notebook_node(self, document: Any, resources: Any) -> tuple[str, dict[str, Any]]:
        raise RuntimeError("no font\nfor this")


class Shorter(HtmlReportExporter):
    """One that is made of ours, as nbconvert lets anybody."""

    def from_notebook_node(self, nb: Any, resources: Any = None, **kw: Any) -> Any:
        nb.cells = nb.cells[:1]
        return super().from_notebook_node(nb, resources, **kw)


@pytest.fixture
def exporters(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        EntryPoint(f"llminfra-{name}", f"{__name__}:{kind.__name__}", "nbconvert.exporters")
        for name, kind in (("upper", Upper), ("broken", Broken), ("shorter", Shorter))
    ]
    monkeypatch.setattr(
        writing, "entry_points", lambda group, name="": [e for e in found if name in ("", e.name)]
    )
    writing.exporter_of.cache_clear()


def test_formats_come_from_entry_points(exporters: None) -> None:
    assert writing.formats_available() == ["broken", "ipynb", "shorter", "upper"]


def test_format_that_fails_leaves_the_others(write: Write, exporters: None) -> None:
    result = run_job(job(write("some", "1"), formats=("upper", "broken", "docx", "ipynb")))
    assert result.outputs == {"upper": "some.txt", "ipynb": "some.ipynb"}
    assert outputs(result, "upper") == "SOME"
    assert result.error == (
        "broken: no font for this; docx: format must be one of broken, ipynb, shorter, upper, "
        "got 'docx'"
    )


def test_what_others_make_of_an_exporter_is_asked_as_nbconvert_asks(
    write: Write, exporters: None
) -> None:
    result = run_job(job(write("some", "1", "'a second cell'"), formats=("shorter",)))
    assert "a second cell" not in outputs(result, "shorter")


# -- many jobs ----------------------------------------------------------------------------------


def test_pool_keeps_order_and_reports_each(write: Write) -> None:
    sources = ["x", "1 / 0", "import os; os._exit(1)", "x"]
    todo = [job(write(f"n{i}", s), parameters={"x": i}) for i, s in enumerate(sources)]
    seen: list[str] = []
    results = run(todo, workers=2, on_done=lambda result: seen.append(result.job.stem))
    assert [r.status for r in results] == ["ok", "failed", "failed", "ok"]
    assert [r.job for r in results] == todo
    assert sorted(seen) == ["n0", "n1", "n2", "n3"]


@pytest.mark.slow
def test_killed_worker_fails_its_own_job_only(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # what a killed process leaves behind
    # A notebook's parent is what it is forked from, and that one's parent is the worker.
    killer = "import psutil, time; psutil.Process().parents()[1].kill(); time.sleep(60)"
    names = ["a", "killer", "b", "c"]
    todo = [job(write(name, killer if name == "killer" else "x")) for name in names]
    results = run(todo, workers=2)
    assert [r.status for r in results] == ["ok", "failed", "ok", "ok"]
    assert results[1].error == jobs._DIED


def test_job_that_cannot_be_sent_fails_alone(write: Write) -> None:
    todo = [job(write("a", "x"), parameters={"x": lambda: 1}), job(write("b", "x"))]
    results = run(todo, workers=2)
    assert [r.status for r in results] == ["failed", "ok"]
    assert str(results[0].error).startswith("could not be sent to a process")


def test_any_executor_takes_the_jobs(write: Write) -> None:
    with concurrent.futures.ThreadPoolExecutor(1) as executor:
        results = run([job(write(name, "x")) for name in "ab"], executor=executor)
    assert [r.outputs for r in results] == [{"ipynb": "a.ipynb"}, {"ipynb": "b.ipynb"}]


def test_no_jobs_give_no_results() -> None:
    assert run([]) == []


RENDER = """
import sys
from pathlib import Path
from llminfra.publish.job import Job
from llminfra.publish.jobs import run
if __name__ == "__main__":
    jobs = [Job(Path(p), Path(sys.argv[1]), formats=("ipynb",)) for p in sys.argv[2:]]
    run(jobs, workers=2)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").exists(), reason="finds processes in /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("names", ["a", "ab"], ids=["alone", "pool"])
def test_killed_rendering_leaves_old_files_and_no_process(
    write: Write, tmp_path: Path, number: signal.Signals, names: str
) -> None:
    marker = f"LLMINFRA_TEST_{tmp_path}"  # the whole path: names repeat on other workers
    out = tmp_path / "out"
    out.mkdir()
    busy = "from pathlib import Path; import time\nPath(f'started-{os.getpid()}').touch()"
    notebooks = [write(n, f"import os; {busy}; time.sleep(600)") for n in names]
    for name in names:
        (out / f"{name}.ipynb").write_text("old")
    script = tmp_path / "render.py"
    script.write_text(RENDER)
    process = subprocess.Popen(
        [sys.executable, str(script), str(out), *map(str, notebooks)],
        env=os.environ | {"MARKER": marker, "TMPDIR": str(tmp_path)},
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    wait_until(lambda: len(list(notebooks[0].parent.glob("started-*"))) == len(names))
    if number == signal.SIGINT:
        os.killpg(process.pid, number)  # as a terminal does
    else:
        process.send_signal(number)
    process.communicate(timeout=60)
    wait_until(lambda: not processes_with(marker))
    assert {p.name: p.read_text() for p in out.iterdir()} == {f"{n}.ipynb": "old" for n in names}
    if number == signal.SIGINT:
        assert not list(tmp_path.glob("llminfra-*"))


BARE = f"""
from IPython.display import display
if masthead:
    display({{"{BLOCK_MIME}": {{"version": 1, "kind": "masthead"}}}}, raw=True)
"""


@pytest.mark.parametrize("masthead", [True, False])
def test_a_chart_of_a_report_must_go_through_figure(write: Write, masthead: bool) -> None:
    shows = 'display({"image/svg+xml": "<svg/>"}, raw=True)'
    result = run_job(job(write("bare", f"masthead = {masthead}", BARE, shows)))
    assert (result.status == "ok") is not masthead
    if masthead:
        assert "cell 4 ('display({" in (result.error or "")
        assert "): a chart of a report" in (result.error or "")


def test_a_worker_that_does_not_heed_its_end_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "_PATIENCE_S", 0.5)
    began = tmp_path / "began"
    with pytest.raises(RuntimeError, match="in the way"):
        _end_with(began)
    with pytest.raises(ProcessLookupError):
        os.kill(int(began.read_text()), 0)


def _end_with(began: Path) -> None:
    with jobs._pool(1, ("stock", "", ())) as pool:
        pool.submit(_deaf, began)
        while not began.exists():
            time.sleep(0.01)
        raise RuntimeError("in the way")


def _deaf(began: Path) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    part = began.with_suffix(".part")
    part.write_text(str(os.getpid()))
    part.rename(began)
    time.sleep(60)

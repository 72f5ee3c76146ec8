"""Awkward notebooks through papermill with its own engine and with ours: the same comes out."""

import json
import os
import re
from pathlib import Path
from typing import Any, Final

import nbformat
import papermill
import pytest
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import v4
from papermill.engines import papermill_engines

from llminfra.publish.engine import quiet
from llminfra.publish.fork.engine import LlmInfraEngine

CASES: Final[dict[str, list[str]]] = {
    "result": ["1 + 1", "x = 5", "x;", "_ + 1 if False else x"],
    "print": ["print('a'); print('b', end='')", "import sys; print('c', file=sys.stderr)"],
    "unicode": ["print('größer 東京 🚀')", "'ü'"],
    "long line": ["print('x' * 100_000)"],
    "carriage return": ["print('10%\\r20%\\r100%')"],
    "colours": ["print('\\x1b[31mred\\x1b[0m')"],
    "display": ["from IPython.display import *\ndisplay(1, 'a')", "HTML('<b>x</b>')"],
    "display update": ["h = display('a', display_id='k')", "h.update('b')"],
    "clear output": [
        "from IPython.display import clear_output\nprint(1)\nclear_output()\nprint(2)"
    ],
    "clear and wait": [
        "from IPython.display import clear_output\nprint(1)\nclear_output(wait=True)"
    ],
    "markdown": [
        "from IPython.display import Markdown, Latex, JSON\nMarkdown('# a')",
        "Latex('$x$')",
    ],
    "json": ["from IPython.display import JSON\nJSON({'a': [1, None]})"],
    "picture": [
        "from IPython.display import Image\nImage(data=b'\\x89PNG\\r\\n\\x1a\\n', format='png')"
    ],
    "frame": ["import pandas as pd\npd.DataFrame({'a': [1, 2.5], 'b': ['x', None]})"],
    "chart": [
        "import altair as alt, pandas as pd\n"
        "alt.Chart(pd.DataFrame({'a': [1]})).mark_bar().encode(x='a:Q').to_dict()['mark']"
    ],
    "matplotlib": [
        "import matplotlib.pyplot as plt\nf, a = plt.subplots(figsize=(1, 1))\na.plot([1, 2]);",
        "plt.plot([2, 1]);",
        "plt.get_backend(), len(plt.get_fignums())",
    ],
    "error": ["1 / 0", "print('never')"],
    "error in a function": ["def f(n):\n    return 1 / n", "f(0)"],
    "error chained": ["try:\n    1 / 0\nexcept Exception as e:\n    raise ValueError('b') from e"],
    "syntax": ["def ("],
    "indentation": ["if True:\nx = 1"],
    "exit": ["import sys; sys.exit('enough')"],
    "exit 0": ["import sys; sys.exit(0)", "2"],
    "interrupt": ["raise KeyboardInterrupt"],
    "await": ["import asyncio\nawait asyncio.sleep(0.01)\n'done'"],
    "await fails": ["import asyncio\nawait asyncio.sleep(0.01)\n1 / 0"],
    "task": ["import asyncio\nt = asyncio.create_task(asyncio.sleep(0, 'x'))", "await t"],
    "loop in a loop": ["import asyncio\nasyncio.run(asyncio.sleep(0))"],
    "shell": ["!echo from a shell", "!exit 3"],
    "shell into a list": ["found = !echo a\nlist(found)"],
    "bash": ["%%bash\necho a\necho b >&2"],
    "bash fails": ["%%bash\nexit 3"],
    "system": ["import os\nos.system('echo from C')"],
    "subprocess": ["import subprocess\nsubprocess.run(['echo', 'x']).returncode"],
    "threads": [
        "import threading\nt = threading.Thread(target=print, args=('t',))\nt.start()\nt.join()"
    ],
    "process pool": [
        "from concurrent.futures import ProcessPoolExecutor\n"
        "with ProcessPoolExecutor(1) as pool:\n    print(list(pool.map(abs, [-1])))"
    ],
    "magics": ["%pwd\n1", "%%time\nx = 1", "%who_ls", "%precision 2", "3.14159"],
    "capture": ["%%capture kept\nprint('a')", "kept.stdout"],
    "history": ["a = 1", "In[1], Out.get(9), _i1"],
    "help": ["len?"],
    "input": ["try:\n    input('?')\nexcept Exception as e:\n    print(type(e).__name__, e)"],
    "unknown magic": ["%no_such_magic"],
    "warning": ["import warnings\nwarnings.warn('careful')"],
    "logging": ["import logging\nlogging.getLogger('x').warning('said')"],
    "shell type": ["type(get_ipython()).__name__, get_ipython().kernel is not None"],
    "main": ["__name__, '__file__' in globals()"],
    "empty": ["", "# only a comment", "   "],
    "repr fails": ["class Bad:\n    def __repr__(self):\n        raise ValueError('no')", "Bad()"],
    "stdout is no terminal": ["import sys\nsys.stdout.isatty(), sys.stdout.encoding"],
    "flush": ["print(1, flush=True)", "import sys; sys.stdout.write('a'), sys.stderr.flush()"],
    "class across cells": ["class A:\n    x = 1", "A().x, A.__module__"],
    "pickle": [
        "import pickle\nclass B: pass",
        "pickle.loads(pickle.dumps(B())).__class__.__name__",
    ],
    "parameters": ["name = 'default'", "name"],
    "folder": ["import os\nos.path.basename(os.getcwd())", "import sys\nsys.path[0]"],
}
# Different in each run, or places of this machine.
_MOVING: Final = (
    (r"0x[0-9a-f]+", "0x…"),
    (r"ipykernel_\d+/\d+\.py|<ipython-input-[^>]+>", "<cell>"),
    (r"\d[\d.e+-]* [\u00b5\u03bcmn]?s\b", "… s"),
    (r"\"id\": \"[^\"]+\"", '"id": "…"'),
    (r"/tmp/\S*?(?=[\"':\s,)]|\\)", "…"),
)


@pytest.fixture(autouse=True)
def known() -> None:
    papermill_engines.register("llminfra", LlmInfraEngine)


def notebook(cells: list[str]) -> nbformat.NotebookNode:
    document = v4.new_notebook(
        cells=[v4.new_code_cell(source, id=f"c{i}") for i, source in enumerate(cells)],
        metadata={"kernelspec": {"name": "python3", "language": "python", "display_name": ""}},
    )
    document.cells[0].metadata["tags"] = ["parameters"]
    return document


def executed(cells: list[str], engine: str | None, folder: Path, **more: Any) -> dict[str, Any]:
    folder.mkdir(parents=True, exist_ok=True)
    # A kernel that sees it leaves alone what processes write. Set anew for each phase of a test.
    os.environ.pop("PYTEST_CURRENT_TEST", None)
    out, failure = folder / "out.ipynb", None
    with quiet():
        try:
            papermill.execute_notebook(
                notebook(cells), out, engine_name=engine, progress_bar=False, cwd=folder, **more
            )
        except papermill.PapermillExecutionError as error:
            failure = (error.cell_index, error.exec_count, error.ename, error.evalue)
    document = nbformat.read(out, as_version=4)
    nbformat.validate(document)
    return {
        "failure": failure,
        "metadata": _about(document),
        "cells": [*map(_cell, document.cells)],
    }


def _about(document: nbformat.NotebookNode) -> dict[str, Any]:
    about = document.metadata
    own = about["papermill"]
    return {"language": about.get("language_info"), "exception": own["exception"], "keys": [*own]}


def _cell(cell: nbformat.NotebookNode) -> dict[str, Any]:
    outputs: list[Any] = []
    streams: dict[str, str] = {}
    for output in cell.get("outputs", []):
        if output.output_type == "stream":  # cut, and laid beside each other, as time has it
            streams[output.name] = streams.get(output.name, "") + output.text
        else:
            outputs.append(output)
    text = json.dumps([outputs, streams], sort_keys=True, ensure_ascii=False)
    for pattern, shown in _MOVING:
        text = re.sub(pattern, shown, text)
    status = {k: v for k, v in cell.metadata.get("papermill", {}).items() if "time" not in k}
    status.pop("duration", None)
    return {
        "text": text,
        "count": cell.get("execution_count"),
        "status": status,
        "source": cell.source,
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_both_engines_make_the_same_notebook(name: str, tmp_path: Path) -> None:
    more = {"parameters": {"name": "given"}} if name == "parameters" else {}
    ours = executed(CASES[name], "llminfra", tmp_path / "a" / "here", **more)
    stock = executed(CASES[name], None, tmp_path / "b" / "here", **more)
    assert ours == stock


class Told:
    """A hook that wants to be awaited without being a coroutine function."""

    def __init__(self) -> None:
        self.cells: list[int] = []

    async def __call__(self, cell_index: int, **_: Any) -> None:
        self.cells.append(cell_index)


@pytest.mark.parametrize("engine", ["llminfra", pytest.param(None, marks=pytest.mark.slow)])
def test_hooks_may_be_awaited(engine: str | None, tmp_path: Path) -> None:
    told = Told()
    executed(["1", "2"], engine, tmp_path, on_cell_executed=told)
    assert told.cells == [0, 1]


def test_a_cell_longer_than_a_pipe_comes_in_while_another_is_full(tmp_path: Path) -> None:
    printing = (
        "import threading, time\n"
        "def much():\n    for _ in range(20):\n        print('x' * 200_000, flush=True)\n"
        "threading.Thread(target=much).start()"
    )
    long = f"len({'y' * 400_000!r})"
    assert (
        executed([printing, long], "llminfra", tmp_path)["cells"][1]["status"]["exception"] is False
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "signal"),
    [
        ("import ctypes; ctypes.string_at(0)", "SIGSEGV"),
        ("import os; os.abort()", "SIGABRT"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
        ("import os; os._exit(3)", "exit code 3"),
    ],
)
def test_dead_child_is_told_with_its_signal_and_the_next_notebook_runs(
    source: str, signal: str, tmp_path: Path
) -> None:
    with pytest.raises(DeadKernelError, match=signal):
        executed(["print('before')", source], "llminfra", tmp_path / "one")
    kept = nbformat.read(tmp_path / "one" / "out.ipynb", as_version=4)
    assert kept.cells[0].outputs[0].text == "before\n"
    assert executed(["1"], "llminfra", tmp_path / "two")["failure"] is None


@pytest.mark.slow
@pytest.mark.parametrize(
    "source", ["while True: pass", "import time; time.sleep(99)", "sum(range(10**13))"]
)
def test_time_limit_ends_what_runs_even_in_a_library(source: str, tmp_path: Path) -> None:
    with pytest.raises(CellTimeoutError):
        executed([source], "llminfra", tmp_path / "one", execution_timeout=1)
    assert executed(["1"], "llminfra", tmp_path / "two")["failure"] is None


@pytest.mark.slow
def test_notebooks_do_not_see_each_other_and_draw_different_numbers(tmp_path: Path) -> None:
    cells = [
        "import os, random\nprint(os.environ.get('LEFT'), random.random())",
        "os.environ['LEFT'] = '1'",
    ]
    said = [executed(cells, "llminfra", tmp_path / n)["cells"][0]["text"] for n in "ab"]
    assert all("None" in text for text in said)
    assert said[0] != said[1]


@pytest.mark.slow
def test_what_a_cell_left_running_ends_with_its_notebook(tmp_path: Path) -> None:
    cells = ["import subprocess\nprint(subprocess.Popen(['sleep', '99']).pid)"]
    text = executed(cells, "llminfra", tmp_path)["cells"][0]["text"]
    found = re.search(r"(\d+)\\n", text)
    assert found is not None
    state = Path(f"/proc/{found[1]}/stat")
    assert not state.exists() or state.read_text().split()[2] == "Z"

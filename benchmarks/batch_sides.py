"""What people do today to render a notebook many times, each as a program of its own.

``python -m benchmarks.batch_sides SIDE NOTEBOOK FOLDER COUNT``, a side of `SIDES` or ``cells``:
the cells in one process that has run them before; that prints CPU-seconds of each.
"""

import contextlib
import io
import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Final

# Reports differ in this field of the scenario, as those of a sweep do.
FIELD: Final = "active_users"
_BIN: Final = Path(sys.executable).parent


def values(count: int) -> list[int]:
    """What the field is in each report: loads that are held, also by the last of a thousand."""
    return [20 + number for number in range(count)]


def command_lines(notebook: Path, folder: Path, count: int) -> None:
    """Two commands for each report, as a shell script has them."""
    for value in values(count):
        executed = folder / f"{value}.ipynb"
        where = ("--cwd", notebook.parent, "--no-progress-bar")
        _call(_BIN / "papermill", *where, "-p", FIELD, value, notebook, executed)
        _call(_BIN / "jupyter", "nbconvert", "--to", "html", executed)


def one_process(notebook: Path, folder: Path, count: int) -> None:
    """Papermill and nbconvert from Python, one report after the other."""
    for value in values(count):
        _in_python(notebook, folder, value)


def pool_of_two(notebook: Path, folder: Path, count: int) -> None:
    """The same in two processes."""
    with ProcessPoolExecutor(2) as pool:
        for done in [pool.submit(_in_python, notebook, folder, v) for v in values(count)]:
            done.result()


SIDES: Final[dict[str, Callable[[Path, Path, int], None]]] = {
    "commands": command_lines,
    "process": one_process,
    "pool": pool_of_two,
}


def cells(notebook: Path, folder: Path, count: int) -> None:
    """Print the CPU-seconds of the cells, without and with what draws, after a first run.

    As a batch does it: one process for each core, at the same time.
    """
    workers = os.cpu_count() or 1
    loads = values(1 + 2 * count * workers)  # no two the same, as drawings are kept
    parts = [loads[1 + n :: workers] for n in range(workers)]
    with ProcessPoolExecutor(workers) as pool:
        took = list(pool.map(_warm_cells, [notebook] * workers, [loads[0]] * workers, parts))
    print(*(sum(one) / workers for one in zip(*took, strict=True)))


def _warm_cells(notebook: Path, first: int, loads: list[int]) -> tuple[float, float]:
    """Return the CPU-seconds of the cells, without and with what draws, taking turns."""
    import nbformat
    from IPython.core.interactiveshell import InteractiveShell

    from llminfra.wire import DRAWS_LATER

    shell: Any = InteractiveShell.instance()
    sources = [c for c in nbformat.read(notebook, as_version=4).cells if c.cell_type == "code"]
    os.chdir(notebook.parent)

    def once(value: int, *, draws: bool) -> float:
        os.environ[DRAWS_LATER] = "" if draws else "1"
        start = time.process_time()
        with contextlib.redirect_stdout(io.StringIO()):
            for cell in sources:
                shell.run_cell(cell.source).raise_error()
                if "parameters" in cell.metadata.get("tags", []):
                    shell.run_cell(f"{FIELD} = {value}").raise_error()
        return time.process_time() - start

    once(first, draws=True)
    pairs = zip(loads[::2], loads[1::2], strict=True)
    took = [(once(a, draws=False), once(b, draws=True)) for a, b in pairs]
    bare, drawn = zip(*took, strict=True)
    return sum(bare) / len(took), sum(drawn) / len(took)


def _in_python(notebook: Path, folder: Path, value: int) -> None:
    import papermill
    from nbconvert.exporters import HTMLExporter

    executed = folder / f"{value}.ipynb"
    papermill.execute_notebook(
        notebook, executed, {FIELD: value}, cwd=notebook.parent, progress_bar=False
    )
    page, _ = HTMLExporter().from_filename(executed)
    executed.with_suffix(".html").write_text(page, encoding="utf-8")


def _call(*command: object) -> None:
    subprocess.run([str(part) for part in command], check=True, capture_output=True)


if __name__ == "__main__":
    side, notebook, folder, count = sys.argv[1:]
    run = SIDES.get(side, cells)
    run(Path(notebook).resolve(), Path(folder).resolve(), int(count))

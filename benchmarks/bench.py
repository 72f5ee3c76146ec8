"""Times that users feel, each beside the stock tools in the same run: ``make bench``.

Prints medians and ratios. Nothing is asserted: a ratio of paired runs says more than a wall clock.
"""

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from llminfra.publish.job import Job
from llminfra.publish.jobs import run_job
from llminfra.publish.writing import formats_available

ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "notebooks" / "memory.ipynb"
BIN = Path(sys.executable).parent
REPEATS = 5


def call(*command: object) -> subprocess.CompletedProcess[str]:
    # Bytecode as after `make report`: without it every start takes about twice as long.
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return subprocess.run(
        [str(part) for part in command], env=env, check=True, capture_output=True, text=True
    )


def interleaved(tasks: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Median seconds of each task; the tasks take turns, so that a busy machine slows all."""
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in tqdm(range(REPEATS), desc="Measuring", leave=False):
        for name, task in tasks.items():
            start = time.perf_counter()
            task()
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def imports() -> None:
    """Time of ``import llminfra`` in a fresh process, above that of a bare interpreter."""
    code = ["import llminfra", "import numpy", "import pandas", "pass"]
    times = interleaved({c: lambda c=c: call(sys.executable, "-c", c) for c in code})
    bare = times.pop("pass")
    print(f"Fresh process, median of {REPEATS}, without the {bare:.2f} s of a bare interpreter")
    for name, seconds in times.items():
        print(f"  {name:<18}{seconds - bare:6.2f} s")
    report = call(sys.executable, "-X", "importtime", "-c", "import llminfra").stderr
    rows = re.findall(r"import time:\s+(\d+) \|\s+\d+ \| +(\S+)", report)
    own = sorted(((int(us) / 1e3, name) for us, name in rows), reverse=True)[:8]
    print("  slowest by themselves: " + ", ".join(f"{name} {ms:.0f} ms" for ms, name in own))


def rendering(folder: Path) -> None:
    """Time of one report to HTML: ours cold and warm, and papermill with stock nbconvert."""
    job = Job(NOTEBOOK, folder / "warm", formats=("html",))
    executed = folder / "executed.ipynb"

    def cold() -> None:
        code = (
            "from pathlib import Path; from llminfra.publish.job import Job; "
            "from llminfra.publish.jobs import run_job; "
            f"r = run_job(Job(Path({str(NOTEBOOK)!r}), Path({str(folder / 'cold')!r}))); "
            "raise SystemExit(r.error)"
        )
        call(sys.executable, "-c", code)

    def warm() -> None:
        error = run_job(job).error
        if error:
            raise SystemExit(error)

    def stock() -> None:
        call(BIN / "papermill", "--cwd", NOTEBOOK.parent, NOTEBOOK, executed)
        call(BIN / "jupyter", "nbconvert", "--to", "html", executed)

    warm()
    times = interleaved({"cold process": cold, "warm process": warm, "stock tools": stock})
    print(f"\nOne report ({NOTEBOOK.stem}) to HTML, median of {REPEATS}, taking turns")
    for name, seconds in times.items():
        print(f"  {name:<18}{seconds:6.2f} s   {times['stock tools'] / seconds:5.1f} times as fast")
    printing(job)
    sizes = {p.parent.name: p.stat().st_size for p in folder.rglob("*.html")}
    print(f"  size {sizes['warm'] / 1e3:.0f} kB; stock {sizes[folder.name] / 1e3:.0f} kB")


def printing(job: Job) -> None:
    """Time of the PDF alone, from an executed notebook, in a warm process."""
    import nbformat

    from llminfra.publish.pdf import PdfReportExporter

    run_job(replace(job, formats=("ipynb",)))
    executed = nbformat.read(job.out_dir / f"{NOTEBOOK.stem}.ipynb", as_version=4)
    exporter = PdfReportExporter()
    seconds, data = [], b""
    for _ in range(REPEATS + 1):
        start = time.perf_counter()
        data, _resources = exporter.from_notebook_node(executed)
        seconds.append(time.perf_counter() - start)
    print(f"  PDF, warm         {statistics.median(seconds[1:]):6.2f} s   {len(data) / 1e3:.0f} kB")


if __name__ == "__main__":
    imports()
    if "html" in formats_available() and NOTEBOOK.exists():
        with tempfile.TemporaryDirectory() as name:
            rendering(Path(name))

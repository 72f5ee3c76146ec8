"""Batches beside what people do without this package, taking turns in one run: ``make bench``.

All sides render shipped notebooks for different scenarios, on this machine, with bytecode compiled.
Seconds depend on the machine and on what else it does; ratios of a run less so. A report more is
what the larger of two batches takes longer than the smaller: start-up is then left out.

``--record`` keeps the figures for the README (`make readme`).
"""

import argparse
import ctypes
import datetime as dt
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from benchmarks.batch_sides import FIELD, SIDES, values
from benchmarks.batch_told import RECORD, lines, step

ROOT: Final = Path(__file__).parents[1]
_SUBREAPER: Final = 36  # of prctl: what a killed process leaves behind is waited for here
# What the other sides take from the cell of the parameters: a file does not.
_CASE: Final = (
    "tensor_parallel = 8\nprompt_tokens = [300, 400, 500]\noutput_tokens = [200, 300, 450]\n"
)
# Shipped notebooks whose report is another one for each scenario of the sweep.
_CASES: Final = (
    *("build_vs_api", "compliance", "cost", "decision", "energy", "hardware", "memory"),
    "optimization",
)
_OWN: Final = {"html": ("html",), "html+pdf": ("html", "pdf")}


@dataclass(frozen=True)
class Run:
    """What a program took, with all processes that it started."""

    seconds: float
    cpu_s: float
    peak_bytes: float
    first_s: float
    printed: str


def run(*command: object, cache: Path) -> Run:
    """Run a program and all that it starts to the end.

    The peak is that of the program itself, without its children; the first line that it prints
    is timed.
    """
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    env |= {"XDG_CACHE_HOME": str(cache), "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
    before, start = _cpu_s(), time.perf_counter()
    process = subprocess.Popen(
        list(map(str, command)), env=env, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    peak: list[float] = [0.0]
    watcher = threading.Thread(target=_watch, args=(process.pid, peak), daemon=True)
    watcher.start()
    assert process.stdout is not None
    printed = process.stdout.readline()
    first_s = time.perf_counter() - start
    printed += process.stdout.read()
    process.wait()
    seconds = time.perf_counter() - start
    if process.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} ended with {process.returncode}")
    with suppress(ChildProcessError):
        while True:
            os.wait()
    watcher.join()
    return Run(seconds, _cpu_s() - before, peak[0], first_s, printed)


def _watch(pid: int, peak: list[float]) -> None:
    with suppress(OSError):
        while found := [
            line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if "VmHWM" in line
        ]:
            peak[0] = 1024.0 * float(found[0].split()[1])
            time.sleep(0.05)


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Batches:
    """The sides, with notebooks.

    Parameters
    ----------
    notebooks : list of str
        Names of shipped notebooks.
    folder : Path
        For all that is written.
    """

    def __init__(self, notebooks: list[str], folder: Path) -> None:
        self._notebooks, self._folder, self._n = notebooks, folder, 0

    def side(self, name: str, count: int) -> list[Run]:
        """Render so many reports of each notebook the way of a side of `batch_sides`."""
        found = []
        for notebook in self._notebooks:
            folder, path = self._new(), ROOT / "notebooks" / f"{notebook}.ipynb"
            program = (sys.executable, "-m", "benchmarks.batch_sides")
            found.append(run(*program, name, path, folder, count, cache=folder))
        return found

    def own(
        self, formats: Iterable[str], count: int, *, out: Path | None = None, cache: str = ".cache"
    ) -> Run:
        """Render each notebook for so many scenarios with ``llminfra render``.

        Into a new folder by default.

        The cache lies in that folder, unless its path is a whole one.
        """
        out = out or self._new()
        sweep = out.parent / f"{FIELD}-{count}.toml"
        sweep.write_text(f"{_CASE}[sweep]\n{FIELD} = {values(count)}\n")
        program = (sys.executable, "-m", "llminfra.cli", "render", sweep)
        named = [part for name in self._notebooks for part in ("--notebook", name)]
        options = (*named, "--to", ",".join(formats), "--out", out)
        return run(*program, *options, cache=out / cache)

    def colds(self) -> dict[str, float]:
        """Return the seconds to the first report of all, and to one of a command later.

        The first of all builds Vega's libraries; later, charts are drawn anew all the same.
        """
        cache = str(self._folder / "libraries")
        first = self.own(["html"], 1, cache=cache)
        shutil.rmtree(Path(cache) / "llminfra" / "drawings")
        return {
            "first_ever_s": first.first_s,
            "cold_s": self.own(["html"], 1, cache=cache).first_s,
        }

    def _new(self) -> Path:
        self._n += 1
        folder = self._folder / str(self._n)
        folder.mkdir()
        return folder


def measure(notebooks: list[str], sizes: list[int], n_slow: int, rounds: int) -> dict[str, Any]:
    """Let the sides take turns and return what they took, per report where not said otherwise.

    Sizes are scenarios, each of which has a report of each notebook.
    """
    n = len(notebooks)
    found: dict[str, list[dict[str, float]]] = {}
    once: dict[str, float] = {}
    small, *_, large = sizes
    with tempfile.TemporaryDirectory() as name:
        batches, kept = Batches(notebooks, Path(name)), Path(name) / "kept"
        for _ in range(rounds):
            for side in SIDES:
                runs = batches.side(side, n_slow)
                seconds, cpu_s = sum(r.seconds for r in runs), sum(r.cpu_s for r in runs)
                _add(found, side, seconds / n_slow / n, cpu_s / n_slow / n)
            for side, formats in _OWN.items():
                shutil.rmtree(kept, ignore_errors=True)
                kept.mkdir()
                taken_by = {size: batches.own(formats, size) for size in sizes[:-1]}
                taken_by[large] = more = batches.own(formats, large, out=kept)
                less = taken_by[small]
                _add(found, side, *_marginal(less, more, n * (large - small)))
                found[side][-1] |= {"whole_s": more.seconds / large / n, "parent_mb": _mb(more)}
                found[side][-1] |= {"parent_small_mb": _mb(less)}
                for low, high in pairwise(sizes):
                    step_s, _ = _marginal(taken_by[low], taken_by[high], n * (high - low))
                    found[side][-1][step(low, high)] = step_s
            told = [r.printed.split() for r in batches.side("cells", min(small, 8))]
            bare, drawn = (sum(map(float, one)) / n for one in zip(*told, strict=True))
            _add(found, "cells", drawn, drawn)
            found["cells"][-1] |= {"bare_cpu_s": bare}
        once |= batches.colds()
        once["no_op_s"] = batches.own(formats, large, out=kept).seconds
    sides = {
        side: {key: statistics.median(r[key] for r in rows) for key in rows[0]}
        for side, rows in found.items()
    }
    settings = {"notebooks": notebooks, "sizes": sizes, "n_slow": n_slow, "rounds": rounds}
    machine = {"cores": os.cpu_count(), "day": dt.date.today().isoformat()}
    machine |= {"load_average": round(os.getloadavg()[2], 1)}  # with this program's own
    return {"settings": settings | machine, "sides": sides, "once": once}


def _add(found: dict[str, list[dict[str, float]]], side: str, s: float, cpu_s: float) -> None:
    found.setdefault(side, []).append({"s": s, "cpu_s": cpu_s})
    print(f"  {side:<10}{s:7.2f} s {cpu_s:7.2f} CPU-s a report", flush=True)


def _marginal(less: Run, more: Run, n: int) -> tuple[float, float]:
    """Seconds and CPU-seconds of a report more."""
    return (more.seconds - less.seconds) / n, (more.cpu_s - less.cpu_s) / n


def _mb(taken: Run) -> float:
    return taken.peak_bytes / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--notebooks", default="all", help="names, or all: those of a case")
    parser.add_argument("--sizes", default="4,12", help="scenarios of the batches, rising")
    parser.add_argument("--slow", type=int, default=1, help="scenarios of each other side")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--record", action="store_true", help="keep the figures for the README")
    asked = parser.parse_args()
    sizes = sorted({int(size) for size in asked.sizes.split(",")})
    if len(sizes) < 2:
        parser.error(f"--sizes {asked.sizes} must be two sizes or more, as 4,12")
    ctypes.CDLL(None).prctl(_SUBREAPER, 1)
    names = list(_CASES) if asked.notebooks == "all" else asked.notebooks.split(",")
    print(f"\nBatches of {', '.join(names)}, side by side")
    taken = measure(names, sizes, asked.slow, asked.rounds)
    print("\n".join(lines(taken)))
    if asked.record:
        RECORD.write_text(json.dumps(taken, indent=1) + "\n")


if __name__ == "__main__":
    main()

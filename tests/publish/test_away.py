"""Jobs that dask's workers run: real processes, one of which is killed."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner

from llminfra.cli import main
from llminfra.errors import InvalidInput
from llminfra.publish import away
from tests.cli.conftest import PARAMETERS, SETUP, fixed_time, notebook  # noqa: F401

WAITS: Final = "import time\ntime.sleep(1.5)\nprint(scenario.tensor_parallel)"
Cluster = tuple[str, list[int]]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    command = [sys.executable, str(Path(__file__).parent / "local_cluster.py")]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        address, pids = json.loads(process.stdout.readline())
        yield address.replace("tcp://", away.SCHEME), pids
        process.communicate()


def files_of(out: Path) -> dict[str, bytes]:
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file() and ".cache" not in path.parts
    }


@pytest.mark.slow
@pytest.mark.usefixtures("fixed_time")
def test_jobs_of_a_killed_worker_are_done_by_the_other(cluster: Cluster, notebook) -> None:  # type: ignore[no-untyped-def] # noqa: F811
    address, pids = cluster
    notebook("waits.ipynb", (PARAMETERS, SETUP, WAITS))
    Path("sweep.toml").write_text("[sweep]\ntensor_parallel = [1, 2, 4, 8]\n")
    asked = ["render", "sweep.toml", "--notebook", "waits.ipynb", "--to", "html,ipynb"]
    begun = threading.Event()

    def kill_one() -> None:
        while not list(Path("away").rglob("*.html")):
            time.sleep(0.05)
        os.kill(pids[0], signal.SIGKILL)
        begun.set()

    threading.Thread(target=kill_one, daemon=True).start()
    result = CliRunner().invoke(main, [*asked, "--out", "away", "--executor", address])
    assert result.exit_code == 0, result.output
    assert begun.is_set()
    assert len(result.stdout.splitlines()) == 8

    here = CliRunner().invoke(main, [*asked, "--out", "here"])
    assert here.exit_code == 0, here.output
    assert files_of(Path("away")) == files_of(Path("here"))


@pytest.mark.slow
def test_workers_of_another_version_are_refused(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(away, "__version__", "9.9")
    with (
        pytest.raises(InvalidInput, match=r"worker .* must have the same llminfra .*\(9\.9\)"),
        away.executor_at(cluster[0]),
    ):
        pass


@pytest.mark.parametrize(
    "address", ["dask", "dask://", "dask://host", "tcp://host:1", "dask://a b:1"]
)
def test_address_that_is_none_is_one_line(address: str) -> None:
    with (
        pytest.raises(InvalidInput, match=r"--executor must be dask://HOST:PORT"),
        away.executor_at(address),
    ):
        pass


@pytest.mark.slow
def test_nobody_there_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(away, "_CONNECT_S", 1)
    with (
        pytest.raises(InvalidInput, match="must be a scheduler"),
        away.executor_at("dask://127.0.0.1:9"),
    ):
        pass

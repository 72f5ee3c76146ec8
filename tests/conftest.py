"""What all tests share: the repository's root, and a Jupyter that sees no user's settings."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
from filelock import FileLock
from hypothesis import settings
from IPython.core.interactiveshell import InteractiveShell
from xdist.scheduler.loadscope import LoadScopeScheduling

from llminfra.catalog.loader import all_facts

# What a shell starts in the background ignores Ctrl-C, and so would all that the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Wall-clock limits fail on a busy machine and prove nothing. Same examples in every run, and no
# database of them that two workers would share.
settings.register_profile("house", deadline=None, derandomize=True, database=None)
settings.load_profile("house")

CACHED: Final = type(cache(len))
Once = Callable[[str, Callable[[Path], object]], Path]

# Long tests that share nothing: each goes to whichever worker is free.
ALONE: Final = (
    "tests/notebooks/test_notebooks.py::test_notebook_is_sound_at_its_extremes",
    "tests/notebooks/test_notebooks.py::test_page_one_of_what_is_shipped",
    "tests/notebooks/test_answers.py::test_each_scenario",
    "tests/notebooks/test_cost_report.py::test_any_scenario",
)
# Stock Jupyter looks for free ports and lets go of them until its kernel has them: two at once
# could take the same.
PORTS: Final = ("tests/notebooks/test_notebooks.py", "tests/browser/test_jupyterlab.py")
# Rooms whose tests take seconds each, as they render.
RENDERING: Final = tuple(f"tests/{room}/" for room in ("notebooks", "browser", "publish", "cli"))


class ByFile(LoadScopeScheduling):
    """Tests of a file stay on one worker, where what they share is made once."""

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith(ALONE):
            return nodeid
        return "ports" if nodeid.startswith(PORTS) else nodeid.partition("::")[0]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what renders: a long file that starts last would leave the other workers idle.

    The Makefile asks xdist to keep the order.
    """
    items.sort(key=lambda item: not item.nodeid.startswith(RENDERING))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    """Give workers files of tests; marks of groups do not reach pytest 9.2 (pytest-xdist 1386)."""
    return ByFile(config, log)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Tell what failed at once: should a worker crash, nothing is summed up at the end."""
    if report.failed and "PYTEST_XDIST_WORKER" not in os.environ:
        last = "\n".join(report.longreprtext.splitlines()[-6:])
        print(f"\nFAILED {report.nodeid} ({report.when})\n{last}", file=sys.__stderr__, flush=True)


@pytest.fixture(scope="session")
def root() -> Path:
    """Root of the repository."""
    return Path(__file__).parents[1]


@pytest.fixture(scope="session", autouse=True)
def private_jupyter(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep kernels, history and settings of whoever runs the tests out of them."""
    home = tmp_path_factory.mktemp("jupyter")
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
        os.environ[name] = str(home / name.lower())


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Once:
    """Return a function that fills a folder once a run, on whichever worker asks first."""
    run = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        run = run.parent

    def filled(name: str, fill: Callable[[Path], object]) -> Path:
        folder, unfinished = run / name, run / f"{name}.unfinished"
        with FileLock(run / f"{name}.lock"):
            if not folder.exists():
                unfinished.mkdir(exist_ok=True)
                fill(unfinished)
                unfinished.rename(folder)
        return folder

    return filled


@pytest.fixture(scope="module", autouse=True)
def no_shell_stays() -> Iterator[None]:
    """Take away the notebook shell of a file of tests, which stands in for the main module."""
    main = sys.modules["__main__"]
    yield
    if InteractiveShell.initialized():
        InteractiveShell.clear_instance()
    sys.modules["__main__"] = main


@pytest.fixture(scope="module", autouse=True)
def no_plan_stays(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let go of what the functions of a file of tests made once: workers would hold it all."""
    yield
    module = getattr(request, "module", None)
    for made in list(vars(module).values()) if module else ():
        if isinstance(made, CACHED) and made.__module__ == module.__name__:
            made.cache_clear()


@pytest.fixture
def no_memory(monkeypatch: pytest.MonkeyPatch) -> str:
    """Id of an accelerator whose memory the catalogue does not know."""
    monkeypatch.delitem(all_facts(), "epyc-9654.memory_usable_bytes")
    return "epyc-9654"

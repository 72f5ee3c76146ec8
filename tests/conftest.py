"""What all tests share: the repository's root, and a Jupyter that sees no user's settings."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

from llminfra.catalog.loader import all_facts

# Wall-clock limits fail on a busy machine and prove nothing. Same examples in every run.
settings.register_profile("house", deadline=None, derandomize=True)
settings.load_profile("house")


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


@pytest.fixture
def no_memory(monkeypatch: pytest.MonkeyPatch) -> str:
    """Id of an accelerator whose memory the catalogue does not know."""
    monkeypatch.delitem(all_facts(), "epyc-9654.memory_usable_bytes")
    return "epyc-9654"

"""Pages opened in the installed Chromium with the network off."""

import base64
import hashlib
import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from filelock import FileLock

from llminfra.publish.html import HtmlReportExporter
from tests.conftest import Once
from tests.publish import foreign, sample

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
FLAGS = ["--no-first-run", "--disable-gpu", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync"]
# The checker of accessibility. Renew both together: npm view axe-core version dist.integrity
AXE: Final = "axe-core@4.14.1"
AXE_SHA512: Final = (
    "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
)
Open = Callable[..., AbstractContextManager[Any]]


def missing(reason: str) -> None:
    """Skip on a machine without a browser, fail where the browser is part of the agreement."""
    if os.environ.get("CI"):
        pytest.fail(f"{reason}; CI needs it")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Headless Chromium, one for all tests."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("playwright is not installed")
    if not CHROMIUM.exists():
        missing(f"no Chromium at {CHROMIUM} (the variable CHROMIUM names another place)")
    # Chromium's sandbox refuses to run as root.
    flags = [*FLAGS, "--no-sandbox"] if getattr(os, "geteuid", lambda: 1)() == 0 else FLAGS
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=str(CHROMIUM), args=flags)
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def pages(once: Once) -> dict[str, str]:
    """Addresses of the exported report and of the foreign study."""
    folder = once("pages", export_pages)
    return {path.stem: path.as_uri() for path in folder.iterdir()}


def export_pages(folder: Path) -> None:
    exporter = HtmlReportExporter()
    for name, notebook in {"report": sample.report(), "study": foreign.study()}.items():
        html, _ = exporter.from_notebook_node(notebook, {"metadata": {"name": name}})
        (folder / f"{name}.html").write_text(html, "utf-8")


@pytest.fixture(scope="session")
def axe(request: pytest.FixtureRequest) -> str:
    """Source of axe-core: npm fetches it once, into pytest's cache."""
    assert request.config.cache is not None
    folder = request.config.cache.mkdir("axe-core")
    packed = folder / f"{AXE.replace('@', '-')}.tgz"
    with FileLock(folder / "lock"):  # of two workers one fetches
        if not packed.is_file():
            fetch_axe(folder)
    data = packed.read_bytes()
    assert base64.b64encode(hashlib.sha512(data).digest()).decode() == AXE_SHA512
    with tarfile.open(packed) as archive:
        source = archive.extractfile("package/axe.min.js")
        assert source is not None
        return source.read().decode()


def fetch_axe(folder: Path) -> None:
    if shutil.which("npm") is None:
        missing("npm, which fetches axe-core, is not installed")
    command = ["npm", "pack", AXE, "--silent", "--pack-destination", str(folder)]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False, text=True)
    if done.returncode:
        missing(f"npm could not fetch {AXE}: {done.stderr.strip()[-300:]}")


@pytest.fixture
def open_page(browser: Any, pages: dict[str, str]) -> Open:
    """Open a page; requests to anywhere and messages on the console fail the test."""

    @contextmanager
    def opened(
        name: str, *, width: int = 1180, alive: bool = True, **options: Any
    ) -> Iterator[Any]:
        viewport = {"width": width, "height": 900}
        context = browser.new_context(viewport=viewport, offline=True, **options)
        said: list[str] = []
        page = context.new_page()
        page.on("request", lambda r: said.append(f"asked for {r.url}") if _outside(r.url) else None)
        page.on("console", lambda message: said.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: said.append(f"error: {error}"))
        page.goto(pages[name])
        if alive and options.get("java_script_enabled", True):
            page.wait_for_function(ALL_ALIVE)
        yield page
        context.close()
        assert said == []

    return opened


def _outside(url: str) -> bool:
    return not url.startswith(("file:", "data:", "blob:", "about:"))


ALL_ALIVE = """() => [...document.querySelectorAll('.ll-plot')]
    .filter(plot => plot.getClientRects().length)
    .every(plot => plot.dataset.live === 'true')"""

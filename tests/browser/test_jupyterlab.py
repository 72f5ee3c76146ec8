"""The notebooks where analysts edit them: JupyterLab in a real browser, without a network."""

import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import pytest

from tests.browser.conftest import missing

pytestmark = pytest.mark.slow

START_S: Final = 120
RUN_MS: Final = 180_000
# News and updates are what JupyterLab looks for outside; all cells in the page at once, to read it.
SETTINGS: Final = {
    "@jupyterlab/apputils-extension:notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
}
# The last cell has a number, and none waits with a star.
ALL_RUN: Final = """() => {
    const prompts = [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')]
        .map(prompt => prompt.textContent.trim());
    return prompts.length > 3 && /\\[\\d+\\]/.test(prompts.at(-1))
        && !prompts.some(text => text.includes('*'));
}"""
# The charts of the outputs as drawn; a picture that does not load has no natural width.
CHARTS: Final = """() => [...document.querySelectorAll('.jp-OutputArea-output figure')].map(f => {
    const seen = [...f.querySelectorAll('img, svg')].filter(p => p.getClientRects().length);
    return seen.map(picture => {
        const box = picture.getBoundingClientRect();
        const natural = picture.tagName === 'IMG' ? picture.naturalWidth : box.width;
        return Math.min(box.width, box.height, natural);
    });
})"""


@pytest.fixture(scope="module")
def lab(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a JupyterLab on a copy of the notebooks, with settings of its own."""
    if find_spec("jupyterlab") is None:
        missing("jupyterlab is not installed: make test-all installs it")
    home = tmp_path_factory.mktemp("lab")
    work = home / "work"
    work.mkdir()
    for notebook in (root / "notebooks").glob("*.ipynb"):
        shutil.copy(notebook, work)
    token = secrets.token_hex(16)
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    command += ["--ServerApp.ip=127.0.0.1", f"--ServerApp.port={free_port()}"]
    command += [f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={work}"]
    settings = home / "config_dir" / "labconfig" / "default_setting_overrides.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps(SETTINGS))
    log = (home / "log").open("w")
    environment = os.environ | {
        f"JUPYTER_{name}": str(home / name.lower())
        for name in ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR")
    }
    server = subprocess.Popen(
        command, cwd=work, env=environment, stdout=log, stderr=log, start_new_session=True
    )
    try:
        yield f"{address(command, server, home / 'log')}lab/tree/memory.ipynb?token={token}"
    finally:
        server.terminate()  # JupyterLab ends its kernels
        server.wait(timeout=30)
        log.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def address(command: list[str], server: subprocess.Popen[bytes], log: Path) -> str:
    port = int(next(part for part in command if ".port=" in part).split("=")[1])
    end = time.monotonic() + START_S
    while time.monotonic() < end and server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return f"http://127.0.0.1:{port}/"
        time.sleep(0.2)
    raise AssertionError(f"JupyterLab did not start: {log.read_text()[-2000:]}")


@pytest.fixture(scope="module")
def page(browser: Any, lab: str) -> Iterator[Any]:
    """The memory notebook after Run All; requests to anywhere else are noted and refused."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    outside: list[str] = []

    def route(request: Any) -> None:
        if request.request.url.startswith(("http://127.0.0.1:", "data:", "blob:")):
            request.continue_()
        else:
            outside.append(request.request.url)
            request.abort()

    context.route("**/*", route)
    opened = context.new_page()
    opened.outside = outside
    opened.goto(lab)
    opened.wait_for_selector(".jp-Notebook .jp-Cell", timeout=RUN_MS)
    # Cells that are run before the kernel is there are forgotten.
    opened.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=RUN_MS)
    opened.get_by_role("menuitem", name="Run", exact=True).click()
    opened.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    opened.wait_for_function(ALL_RUN, timeout=RUN_MS)
    yield opened
    context.close()


def shown(page: Any, selector: str) -> str:
    script = "all => all.filter(e => e.getClientRects().length).map(e => e.innerText).join('\\n')"
    return " ".join(str(page.eval_on_selector_all(selector, script)).split())


def test_answer_is_there_to_read(page: Any) -> None:
    text = shown(page, ".jp-OutputArea-output .ll-answer")
    assert re.search(r"8 × A100 80 GB (hold|ha(s|ve) room for) [\d,]+ requests at once", text)
    assert "141.1" in shown(page, ".jp-OutputArea-output .ll-tiles")


def test_every_chart_is_a_picture_of_some_size(page: Any) -> None:
    charts = page.evaluate(CHARTS)
    assert len(charts) >= 3
    assert [sizes for sizes in charts if not any(size > 100 for size in sizes)] == []
    assert [sizes for sizes in charts if not all(sizes)] == []


def test_no_cell_failed_or_complained(page: Any) -> None:
    assert shown(page, "[data-mime-type='application/vnd.jupyter.error']") == ""
    assert shown(page, "[data-mime-type='application/vnd.jupyter.stderr']") == ""


def test_prose_is_text_and_not_its_source(page: Any) -> None:
    text = shown(page, ".jp-OutputArea-output.jp-RenderedMarkdown")
    assert "How far it can be off." in text
    assert "{{" not in text
    assert "**" not in text


def test_nothing_was_asked_from_outside(page: Any) -> None:
    assert page.outside == []


def test_outputs_fit_into_the_notebook(page: Any) -> None:
    script = "all => all.filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.innerText)"
    assert page.eval_on_selector_all(".jp-OutputArea-output", script) == []


def test_equations_are_set(page: Any) -> None:
    assert page.locator(".jp-OutputArea-output math").count() >= 2


def saved(page: Any) -> None:
    page.keyboard.press("Control+s")
    page.wait_for_function("document.querySelectorAll('.jp-mod-dirty').length === 0")


def test_preview_shows_the_page_with_charts_alive(page: Any) -> None:
    """Last, since it adds a cell; twice, since the page must not hold the preview of itself."""
    page.locator(".jp-Cell .jp-InputPrompt").last.click()
    saved(page)
    page.keyboard.press("b")
    page.keyboard.press("Enter")
    page.keyboard.type("preview()")
    page.keyboard.press("Control+Enter")
    preview = page.frame_locator("iframe[title='Preview of the report']")
    assert "how many requests" in preview.locator("h1").inner_text(timeout=RUN_MS)
    preview.locator(".ll-plot[data-live=true]").first.wait_for(timeout=RUN_MS)
    # A frame out of sight does not scroll smoothly: the browser stops its animations.
    page.locator("iframe[title='Preview of the report']").scroll_into_view_if_needed()
    preview.locator(".contents a[href='#assumptions']").evaluate("link => link.click()")
    scrolled = """() => new Promise((done, failed) => {
        const look = () => scrollY > 1000 ? done(location.hash) : setTimeout(look, 100);
        look();
        setTimeout(() => failed(new Error(`at ${scrollY}`)), 20000);
    })"""
    assert preview.locator("body").evaluate(scrolled) == "#assumptions"
    saved(page)
    page.keyboard.press("Control+Enter")
    page.wait_for_function(ALL_RUN, timeout=RUN_MS)
    preview.locator(".ll-plot[data-live=true]").first.wait_for(timeout=RUN_MS)
    assert preview.locator("iframe").count() == 0
    assert "[preview]" not in preview.locator("main").inner_text()
    assert page.outside == []

"""Fills the generated parts of README.md: `make readme`. A test compares them with what is there."""

import contextlib
import io
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "reports" / "memory.png"
EXAMPLE = """\
from llminfra import Scenario, evaluate

plan = evaluate(Scenario(model="llama-3.3-70b", accelerator="h100-sxm", tensor_parallel=4))
print(repr(plan.memory.kv_pool_bytes_per_accelerator))
print(plan.memory.kv_pool_bytes_per_accelerator.explain())
"""


def notebooks_table() -> str:
    """One row per notebook: the question, the file, the parameters its cell lists."""
    lines = ["| Question | Notebook | Parameters |", "|---|---|---|"]
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        cells = nbformat.read(path, as_version=4).cells
        question = next(c.source for c in cells if c.source.startswith("# ")).splitlines()[0][2:]
        cell = next(c for c in cells if "parameters" in c.metadata.get("tags", []))
        names = re.findall(r"^(\w+):", cell.source, re.M)
        listed = ", ".join(f"`{name}`" for name in names)
        lines.append(f"| {question} | [{path.stem}](notebooks/{path.name}) | {listed} |")
    return "\n".join(lines)


def example() -> str:
    """The Python example with what it prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(EXAMPLE, "example", "exec"), {})
    return f"```python\n{EXAMPLE}```\n\n```\n{printed.getvalue()}```"


def filled(text: str) -> str:
    """Return the README with its generated parts renewed."""
    for name, content in (("notebooks", notebooks_table()), ("example", example())):
        pattern = rf"(<!-- {name}: [^>]*-->\n).*?(<!-- end -->)"
        text = re.sub(pattern, lambda m, c=content: f"{m[1]}{c}\n{m[2]}", text, flags=re.S)
    return text


def take_picture() -> None:
    """Render the example and photograph the top of its page in headless Chromium."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "llminfra.cli", "render", "reports/assistant-70b.toml"]
        subprocess.run([*command, "--out", folder], cwd=ROOT, check=True)
        with sync_playwright() as player:
            browser = player.chromium.launch(
                executable_path="/usr/bin/chromium", args=["--no-sandbox"]
            )
            page = browser.new_page(viewport={"width": 1180, "height": 1420})
            page.goto(f"file://{folder}/assistant-70b/memory.html")
            page.wait_for_timeout(1500)
            page.screenshot(path=PICTURE)
            browser.close()


if __name__ == "__main__":
    readme = ROOT / "README.md"
    readme.write_text(filled(readme.read_text(encoding="utf-8")), encoding="utf-8")
    take_picture()
    print(f"{PICTURE.name}: {PICTURE.stat().st_size:,} bytes")

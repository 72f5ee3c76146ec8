"""Makes README.md's generated parts and the scenario schema (`make readme`); a test compares."""

import contextlib
import io
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat

from benchmarks import batch_told

ROOT = Path(__file__).resolve().parent.parent
SCHEMA = ROOT / "reports" / "scenario.schema.json"
PICTURE = ROOT / "reports" / "memory.png"
COMPARISON = ROOT / "reports" / "beside-stock.png"
EXAMPLE = """\
from llminfra import Scenario, evaluate

plan = evaluate(Scenario(model="llama-3.3-70b", accelerator="h100-sxm", tensor_parallel=4))
print(repr(plan.memory.max_sequences))
print(plan.memory.activation_bytes_per_accelerator.explain())
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


def accuracy() -> str:
    """Errors on engine start-up logs and on measured speeds, by quantity."""
    from llminfra import memory_errors

    errors = memory_errors().assign(size=lambda frame: frame["error_fraction"].abs())
    lines = ["| Memory | Start-up logs | Median error | Largest error |", "|---|--:|--:|--:|"]
    for name, group in errors.groupby("quantity"):
        median, largest = group["size"].median(), group["size"].max()
        lines.append(f"| {name} | {len(group)} | {median:.1%} | {largest:.1%} |")
    return "\n".join([*lines, "", *_speeds(), "", *_energies()])


def _speeds() -> Iterator[str]:
    from llminfra import mlperf_errors, serving_errors, serving_summary

    words = {
        "tpot_s": "time per output token",
        "ttft_s": "time to first token",
        "max_output_tokens_per_s": "saturated throughput",
    }
    yield "| Speed | Groups | Median error | 90 % below | Median error, all rows of the fit |"
    yield "|---|--:|--:|--:|--:|"
    for line in serving_summary(serving_errors()).itertuples():
        found = f"{float(line.left_out_fraction):.1%} | {line.far_fraction:.1%}"
        name, rows = f"{words[line.quantity]}, {line.kind}", line.stated.partition(" in ")[0]
        yield f"| {name} | {line.groups} | {found} | {line.stated_fraction:.1%} on {rows} |"
    for line in mlperf_errors().query("part in ['dense', 'experts']").itertuples():
        found = f"{line.error_fraction.base:.1%} | {line.error_fraction.high:.1%}"
        yield f"| MLPerf Offline, {line.name} | {line.settings} | {found} | in no fit |"


def _energies() -> Iterator[str]:
    from llminfra import energy_summary

    yield "| Energy | Left out of the fit | Median error | 90 % below | Bias |"
    yield "|---|---|--:|--:|--:|"
    for line in energy_summary().query("part in ['left-out-model', 'images']").itertuples():
        error = f"{line.error_fraction.base:.1%} | {line.error_fraction.high:.1%}"
        yield f"| {line.quantity.lower()} | {line.note} | {error} | {line.bias_ratio:.2f} |"


def schema() -> str:
    """The JSON Schema of scenario files, for editors: fields may stand in sections of any name."""
    from llminfra import Scenario

    document = Scenario.model_json_schema()
    band = {"type": "array", "items": {"type": "number"}, "minItems": 3, "maxItems": 3}
    for field in document["properties"].values():
        if {"$ref": "#/$defs/Band"} in field.get("anyOf", []):
            field["anyOf"].append(band)
    document["additionalProperties"] = {"type": "object"}
    comment = {"$comment": "Made by make readme from the fields of llminfra.Scenario."}
    return json.dumps(comment | document, indent=1, ensure_ascii=False) + "\n"


def filled(text: str) -> str:
    """Return the README with its generated parts renewed."""
    parts = {"notebooks": notebooks_table, "example": example, "accuracy": accuracy}
    parts |= {"batch": lambda: "\n".join(batch_told.lines(batch_told.recorded()))}
    for name, make in parts.items():
        content = make()
        pattern = rf"(<!-- {name}: [^>]*-->\n).*?(<!-- end -->)"
        text = re.sub(pattern, lambda m, c=content: f"{m[1]}{c}\n{m[2]}", text, flags=re.S)
    return text


def take_pictures() -> None:
    """Photograph the example's page, and beside it what stock nbconvert makes of the notebook."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as name, sync_playwright() as player:
        folder = Path(name)
        render_both_ways(folder)
        browser = player.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 1180, "height": 1420}, offline=True)
        page = context.new_page()
        photograph(page, folder / "assistant-70b" / "memory.html", PICTURE)
        photograph(page, folder / "memory.html", folder / "stock.png")
        both = [PICTURE, folder / "stock.png"]
        images = "".join(f'<img src="{p.as_uri()}" width="590" style="padding:8px">' for p in both)
        side_by_side = folder / "both.html"
        side_by_side.write_text(f'<body style="margin:0;background:#d9dce0">{images}</body>')
        page.set_viewport_size({"width": 1216, "height": 730})
        photograph(page, side_by_side, COMPARISON)
        browser.close()


def render_both_ways(folder: Path) -> None:
    """Render the example, and the same executed notebook with stock nbconvert."""
    command = [sys.executable, "-m", "llminfra.cli", "render", "reports/assistant-70b.toml"]
    options = ["--notebook", "memory", "--to", "html,ipynb", "--out", str(folder)]
    subprocess.run([*command, *options], cwd=ROOT, check=True)
    executed = folder / "assistant-70b" / "memory.ipynb"
    stock = [sys.executable, "-m", "nbconvert", "--to", "html", "--output-dir", str(folder)]
    subprocess.run([*stock, str(executed)], check=True)


def photograph(page: Any, source: Path, target: Path) -> None:
    """Save what a window shows of a page."""
    page.goto(source.as_uri())
    page.wait_for_timeout(1500)
    page.screenshot(path=target)


if __name__ == "__main__":
    readme = ROOT / "README.md"
    readme.write_text(filled(readme.read_text(encoding="utf-8")), encoding="utf-8")
    SCHEMA.write_text(schema(), encoding="utf-8")
    batch_told.PICTURE.write_text(batch_told.picture(batch_told.recorded()), encoding="utf-8")
    take_pictures()
    for picture in (PICTURE, COMPARISON):
        print(f"{picture.name}: {picture.stat().st_size:,} bytes")

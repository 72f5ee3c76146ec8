"""Figures of matplotlib and frames of pandas: the same words around them, in page and PDF."""

import datetime as dt
import json
import re
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest
from matplotlib.figure import Figure
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from pypdf import PdfReader

from llminfra.present import blocks, theme
from llminfra.present.plotted import numbers_of, svg_of
from llminfra.present.svg import clean_svg
from llminfra.publish.job import Job, Result
from llminfra.publish.jobs import run_job

WORDS = {"kicker": "", "title": "T", "subtitle": "U", "alt": "A", "source": "S", "name": "f"}
DAY = dt.date(2026, 11, 24)


def plotted() -> Figure:
    figure = Figure(figsize=(4, 3))
    left, right = figure.subplots(1, 2)
    left.plot([1, 2, 3], [1, 4, 9], marker="o", label="squares")
    left.set_title("Squares")
    left.fill_between([1, 2, 3], [0, 3, 8], [2, 5, 10], alpha=0.3)
    right.bar(["H100", "A100"], [3, 5], hatch="//")
    right.scatter([0, 1], [2, 3], label="seen")
    return figure


def test_a_figure_is_svg_that_the_page_keeps_whole() -> None:
    svg = svg_of(plotted())
    kept = clean_svg(svg, prefix="a-")
    assert kept.count("<path") == svg.count("<path") > 50
    assert "<use" not in svg
    assert not re.search(r"\sstyle=", svg)
    assert svg.partition("<g")[0].count('width="384" height="288"') == 1


def test_a_figure_is_the_same_each_time() -> None:
    assert svg_of(plotted()) == svg_of(plotted())


def test_ink_is_that_of_the_page_which_is_light_on_a_dark_one() -> None:
    svg = svg_of(plotted())
    assert "#000000" not in svg
    assert f'fill="{theme.color("ink")}"' in svg
    assert "fill: #ffffff" not in svg


def test_a_large_figure_is_as_wide_as_the_page_at_most() -> None:
    figure = Figure(figsize=(20, 10))
    figure.subplots().plot([1, 2])
    assert f'width="{theme.WIDE_PX}" height="444"' in svg_of(figure)


def test_numbers_of_lines_bars_and_points_are_offered() -> None:
    found = numbers_of(plotted())
    assert found is not None
    assert found.groupby(["panel", "series"], sort=False).size().to_dict() == {
        ("Squares", "squares"): 3,
        ("2", "bars"): 2,
        ("2", "seen"): 2,
    }
    bars = found[found["series"] == "bars"]
    assert bars[["x", "y"]].to_numpy().tolist() == [["H100", 3.0], ["A100", 5.0]]
    assert numbers_of(Figure()) is None


def test_a_figure_block_needs_no_frame_and_takes_one() -> None:
    data = blocks.figure(plotted(), as_of=DAY, **WORDS).data
    assert str(data["csv"]).startswith("panel,series,x,y\n")
    assert "svg_narrow" not in data
    own = pd.DataFrame({"gb": [40]})
    both = blocks.figure(plotted(), as_of=DAY, narrow=plotted(), **WORDS | {"data": own}).data
    assert both["csv"] == "gb\n40\n"
    assert both["svg_narrow"] == both["svg"]


CELLS = (
    "from llminfra import Scenario, evaluate\nfrom llminfra.present import *\n"
    "scenario = Scenario()\nplan = evaluate(scenario)",
    "%%masthead Own\nA drawing of one's own.",
    "%%answer\nIt is drawn.",
    "import matplotlib.pyplot as plt\nimport pandas as pd\n"
    "drawn, axes = plt.subplots()\naxes.plot([1, 2, 3], [1, 4, 9])\nplt.close(drawn)\n"
    'frame = pd.DataFrame({"card": ["H100", "A100"], "gb": [80, 40]})',
    "%%figure drawn\n## Squares grow\n\nBy count.\n\nAlt: A line that rises.\nSource: own count",
    "%%table frame\n## Cards hold much\n\nBy card.\n\nSource: own count",
)


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Result:
    folder = tmp_path_factory.mktemp("own")
    cells = [new_markdown_cell("# Own", id="title")]
    cells += [new_code_cell(text, id=f"cell-{n}") for n, text in enumerate(CELLS)]
    spec = {"name": "python3", "language": "python", "display_name": "any"}
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": spec}), folder / "own.ipynb")
    kinds = ("figure", "table")
    return run_job(
        Job(folder / "own.ipynb", folder / "out", formats=("html", "pdf"), collect=kinds)
    )


@pytest.mark.slow
def test_a_report_shows_them_as_it_shows_its_own(rendered: Result) -> None:
    assert rendered.error is None
    figure, table = rendered.blocks
    assert (figure["title"], table["title"]) == ("Squares grow", "Cards hold much")
    html = (rendered.job.out_dir / "own.html").read_text()
    plot: Any = re.search(r'<svg[^>]*width="614"[^>]*>', html)
    assert plot is not None
    assert "A line that rises." in html
    assert "Finding 1" in html


@pytest.mark.slow
def test_the_pdf_draws_the_line_and_says_the_words(rendered: Result) -> None:
    (path,) = Path(rendered.job.out_dir).glob("*.pdf")
    text = "\n".join(page.extract_text() for page in PdfReader(path).pages)
    assert "Squares grow" in text
    assert "H100" in text


@pytest.mark.slow
def test_a_figure_that_shows_itself_is_told_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "own.ipynb"
    shows = [*CELLS[:3], CELLS[3].replace("plt.close(drawn)\n", "")]
    cells = [new_code_cell(text, id=f"cell-{n}") for n, text in enumerate(shows)]
    spec = {"name": "python3", "language": "python", "display_name": "any"}
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": spec}), path)
    error = json.dumps(run_job(Job(path, tmp_path / "out")).error)
    assert "%%figure NAME" in error
    assert "plt.close(fig)" in error

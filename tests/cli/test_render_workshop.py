"""What analysts leave in notebooks: a preview, a chart that lacks what every chart owes."""

from pathlib import Path
from typing import Final

import nbformat
import pytest

from tests.cli.conftest import PARAMETERS, SETUP, Notebook, ok, render, write

CHART: Final = """\
import datetime, altair as alt, pandas as pd
from llminfra.present.blocks import figure
frame = pd.DataFrame({"x": [1, 2]})
words = dict(title="A claim", subtitle="What is plotted", alt="Two bars", source="A log")
"""
FIGURE: Final = """\
figure(
    alt.Chart(frame).mark_bar().encode(x="x:Q"), kicker="Finding 1", name="bars",
    as_of=datetime.date(2026, 11, 1), data=frame, **words,
)"""


@pytest.mark.parametrize(
    ("lacking", "how"),
    [
        ("title", "del words['title']"),
        ("source", "del words['source']"),
        ("alt", "words['alt'] = ' '"),
    ],
)
def test_chart_without_what_it_owes_fails_and_names_the_cell(
    notebook: Notebook, lacking: str, how: str
) -> None:
    path = notebook("n.ipynb", (PARAMETERS, CHART + how, FIGURE))
    result = render(write("a.toml"), "--notebook", path)
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: n: cell 3 ('figure('): ")
    assert lacking in result.stderr
    assert "figure(" in Path("out/a/n.error.html").read_text("utf-8")
    assert not Path("out/a/n.html").exists()


def test_preview_is_silent_in_a_batch(notebook: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also in one that was started from a notebook, whose name the kernels inherit."""
    path = notebook("n.ipynb", (PARAMETERS, SETUP, "from llminfra.present import *\npreview()"))
    monkeypatch.setenv("JPY_SESSION_NAME", str(path.resolve()))
    ok(write("a.toml"), "--notebook", path, "--to", "ipynb,html")
    document = nbformat.read("out/a/n.ipynb", as_version=4)
    assert document.cells[-1].outputs == []


TYPED: Final = "%%prose\nWe need 8 cards."


def test_a_typed_number_is_told_beside_the_report_and_in_it(notebook: Notebook) -> None:
    show = "from llminfra.present import *"
    cells = (PARAMETERS, f"{SETUP}\n{show}", TYPED, "provenance(plan, 'n', [])")
    path = notebook("n.ipynb", cells)
    expected = (
        "a: n: cell 3 ('%%prose'): 8 is typed and will not move; give it a name in "
        "a code cell and write {{ name }}\n"
    )
    for again in ([], [], ["--force"]):  # what is unchanged is told again
        result = render(write("a.toml"), "--notebook", path, *again)
        assert (result.exit_code, result.stderr) == (0, expected)
    page = Path("out/a/n.html").read_text("utf-8")
    assert "Typed by hand, not computed: 8 in cell 3" in page


def test_a_text_that_no_code_gives_fails_where_its_case_is_not_taken(notebook: Notebook) -> None:
    setup = f"{SETUP}\nfrom llminfra.present import *\ncase = 'enough' if plan else 'too few'"
    answers = ("%%answer when case == 'enough'\nYes.", "%%answer when case == 'to few'\nNo.")
    path = notebook("n.ipynb", (PARAMETERS, setup, *answers))
    result = render(write("a.toml"), "--notebook", path)
    assert result.exit_code == 1
    assert result.stderr.startswith(
        "Error: n: cell 4: WordsError: %%answer when case == 'to few': "
    )
    assert "no code cell sets case to 'to few'; closest: too few (see" in result.stderr
    assert not Path("out/a/n.html").exists()

"""The words of a whole notebook, as the one who renders it reads them."""

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from llminfra.errors import RenderError
from llminfra.present.magics import MAGICS as REGISTERED
from llminfra.publish.where import cell_name
from llminfra.publish.wording import MAGICS, check_prose, note_typed, remarks, settle
from llminfra.wire import BLOCK_MIME


def report_with(text: str, *, kind: str = "masthead") -> NotebookNode:
    head = new_output("display_data", data={BLOCK_MIME: {"kind": kind}})
    return new_notebook(cells=[new_code_cell("x", outputs=[head]), new_markdown_cell(text, id="m")])


def test_a_name_in_a_markdown_cell_is_refused_with_its_cell() -> None:
    with pytest.raises(
        RenderError, match=r"Markdown cell \('It is .*'\): '\{\{ busy \| percent \}\}' is no num"
    ):
        check_prose(report_with("It is {{ busy | percent }} busy."))


@pytest.mark.parametrize(
    "document",
    [
        report_with("Words with { } and ``{{ x }}``:\n\n```\n{{ x }}\n```"),
        report_with("A template: {{ x }}", kind="tiles"),  # no report of ours
    ],
)
def test_code_and_foreign_notebooks_may_show_braces(document: NotebookNode) -> None:
    check_prose(document)


def test_a_cell_may_show_more_findings_than_there_are_cells() -> None:
    blocks = [{"kind": "figure", "kicker": f"Finding {n}"} for n in (7, 7, 2)]
    cell = new_code_cell("x", outputs=[new_output("display_data", {BLOCK_MIME: b}) for b in blocks])
    document = new_notebook(cells=[cell])
    settle(document)
    found = [output.data[BLOCK_MIME]["kicker"] for output in document.cells[0].outputs]
    assert found == ["Finding 1", "Finding 2", "Finding 3"]


HEADING, WORDS = new_markdown_cell("## What it costs"), new_code_cell("%%prose\nWe need 8 cards.")


def provenance() -> NotebookNode:
    said = "Estimates. Typed by hand, not computed: 8 in '%%prose'."
    block = {"kind": "provenance", "note": said}
    return new_code_cell("x", outputs=[new_output("display_data", data={BLOCK_MIME: block})])


def test_a_typed_number_is_named_with_its_cell_and_stands_in_the_closing_section() -> None:
    document = new_notebook(cells=[new_code_cell("x = 8"), HEADING, WORDS, provenance()])
    (line,) = remarks(document)
    assert line.startswith("cell 2 under 'What it costs' ('%%prose'): 8 is typed and will not move")
    note_typed(document)
    assert document.cells[-1].outputs[0].data[BLOCK_MIME]["note"] == (
        "Estimates. Typed by hand, not computed: 8 in cell 2 under 'What it costs' ('%%prose')."
    )


def test_markdown_counts_in_reports_alone_and_code_never() -> None:
    (line,) = remarks(report_with("Buy 8 cards."))
    assert line.startswith("the Markdown cell ('Buy 8 cards.'): 8 is typed")
    assert line.endswith(" in a cell that begins with %%prose")
    assert remarks(report_with("Buy 8 cards.", kind="tiles")) == []
    assert remarks(new_notebook(cells=[new_code_cell("print('8 cards')")])) == []


def test_a_label_that_is_nearly_a_usual_one_is_told() -> None:
    cell = new_code_cell('%%answer when case == "few"\nBuy.\n\nHold for: all.\nMine: x.')
    assert remarks(new_notebook(cells=[cell])) == [
        "cell 1 ('%%answer when case == \"few\"'): label 'Hold for' is nearly the usual 'Holds for'"
    ]


def test_all_word_cells_are_looked_at() -> None:
    assert set(MAGICS) == set(REGISTERED)


def test_a_cell_is_named_as_its_author_sees_it() -> None:
    injected = new_code_cell("x = 1", metadata={"tags": ["injected-parameters"]})
    title = new_markdown_cell("# A question?\n\n```\n## no heading\n```")
    cells = [title, injected, new_code_cell("\n# note\n1 / 0"), HEADING, new_code_cell("y" * 50)]
    assert cell_name(cells, 2) == "cell 1 ('# note')"
    assert cell_name(cells, 4) == f"cell 2 under 'What it costs' ('{'y' * 39}…')"
    assert cell_name([HEADING, WORDS], 1, message="%%prose: no") == "cell 1 under 'What it costs'"

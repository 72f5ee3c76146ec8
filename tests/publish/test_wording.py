"""The words of a whole notebook, as the one who renders it reads them."""

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from llminfra.errors import RenderError
from llminfra.publish.wording import check_prose
from llminfra.wire import BLOCK_MIME


def report_with(text: str, *, kind: str = "masthead") -> NotebookNode:
    head = new_output("display_data", data={BLOCK_MIME: {"kind": kind}})
    return new_notebook(cells=[new_code_cell("x", outputs=[head]), new_markdown_cell(text, id="m")])


def test_a_name_in_a_markdown_cell_is_refused_with_its_cell() -> None:
    with pytest.raises(RenderError, match=r"cell m: '\{\{ busy \| percent \}\}' stands in a Mark"):
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

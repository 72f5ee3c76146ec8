"""The hardware report: what its charts say is what the plan says."""

import nbformat
import pytest

from tests.notebooks.test_answers import ROOT
from tests.present.notebook import Notebook

# People have access, talk, or do not count: the axis of the chart is in their unit.
LOADS = {"named_users": 20_000, "active_users": 300, "requests_per_s": 20.0}


@pytest.mark.parametrize("view", LOADS)
def test_groups_at_the_stated_load_are_those_that_the_plan_needs(view: str) -> None:
    notebook = Notebook()
    cells = nbformat.read(ROOT / "notebooks" / "hardware.ipynb", as_version=4).cells
    parameters, *rest = (cell.source for cell in cells if cell.cell_type == "code")
    notebook.run(parameters)
    del notebook.names["active_users"]
    notebook.names["more"] = {view: LOADS[view]}
    for cell in rest:
        notebook.run(cell)
        if "steps" in notebook.names:
            break
    names = notebook.names
    assert dict(names["steps"])[names["stated"]] == names["needed"] > 1
    assert names["needed"] < names["threefold"] <= 3 * names["needed"] + 1

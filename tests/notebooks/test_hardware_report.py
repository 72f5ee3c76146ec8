"""The hardware report: what its charts say is what the plan says."""

import nbformat
import pytest

from tests.notebooks.test_answers import ROOT
from tests.present.notebook import Notebook

# People have access, talk, or do not count: the axis of the chart is in their unit.
LOADS = {"named_users": 20_000, "active_users": 3_000, "requests_per_s": 20.0}


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


def hardware(**more: object) -> dict[str, object]:
    """Names of the notebook after its cells ran, without the method."""
    notebook = Notebook()
    cells = nbformat.read(ROOT / "notebooks" / "hardware.ipynb", as_version=4).cells
    parameters, *rest = (cell.source for cell in cells if cell.cell_type == "code")
    notebook.run(parameters)
    del notebook.names["active_users"]
    listed = more.keys() & notebook.names.keys()
    notebook.names.update({name: more[name] for name in listed})
    notebook.names["more"] = {name: x for name, x in more.items() if name not in listed}
    for cell in rest[:25]:
        notebook.run(cell)
    return notebook.names


def test_people_behind_a_rate_wait_for_the_plan_to_follow_not_for_the_one_that_fails() -> None:
    """Twenty requests a second of 1,400 people: only while each waits for a machine overloaded."""
    names = hardware(requests_per_s=20.0)
    assert names["asked"].fault
    assert names["follow"] is not names["asked"]
    people = float(
        str(names["load"]).partition("as from ")[2].partition(" people")[0].replace(",", "")
    )
    answered_s = names["whole"].base + names["scenario"].think_time_s
    assert people == pytest.approx(20.0 * answered_s, rel=0.1)


def test_a_change_is_enough_only_where_every_rule_is_met() -> None:
    """Twice the load leaves the groups half idle, and the target missed."""
    fields = {"model": "qwen3-235b-a22b", "precision": "fp8", "accelerator": "h200-sxm"}
    fields |= {"tensor_parallel": 4, "replicas": 4, "requests_per_s": 3.0, "tpot_target_s": 0.05}
    names = hardware(**fields, prompt_tokens=[4000, 8000, 16000])
    rows = {row["cells"][0]: row["cells"][-1] for row in names["what_changes"].rows}
    best = names["best"]
    twice = best.variant(**best.fixed, replicas=best.capacity.replicas, requests_per_s=6.0)
    needed = twice.capacity.replicas_needed
    assert needed is None or needed > twice.capacity.replicas
    assert rows["Twice the load"] == "✗ too few"

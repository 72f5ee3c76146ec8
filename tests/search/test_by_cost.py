"""Ranking by what a month costs all in: through the plans' own costs, in their order."""

from pathlib import Path
from typing import Final

import numpy as np
import pytest

from llminfra import InvalidInput, Scenario, evaluate, search

COSTED: Final = {"precision": "fp8", "requests_per_s": 6.4, "replicas": "auto"}


def test_by_cost_the_cheapest_month_comes_first_and_is_that_of_the_plan() -> None:
    scenario = Scenario(**COSTED)
    found = search(scenario, rank_by="cost", accelerators=["h100-sxm", "h200-sxm", "mi300x"])
    months = found.columns["usd_per_month"]
    priced = months[found.columns["meets_targets"] & ~np.isnan(months)]
    assert len(priced) >= 3
    assert list(priced) == sorted(priced)
    first = found.row(0)
    plan = evaluate(scenario.replace(**first.fields))
    assert plan.cost.usd_per_month.base == pytest.approx(first.usd_per_month)
    fewest = search(scenario, accelerators=["h100-sxm", "h200-sxm", "mi300x"])
    assert np.isnan(fewest.columns["usd_per_month"]).all()
    assert found.smallest.accelerators == fewest.smallest.accelerators


def test_auto_takes_the_cheapest_month_where_that_is_asked() -> None:
    fields = {**COSTED, "accelerator": "auto", "tensor_parallel": "auto"}
    by_size, by_cost = (evaluate(Scenario(**fields, rank_by=by)) for by in ("accelerators", "cost"))
    assert by_cost.cost.usd_per_month.base < by_size.cost.usd_per_month.base
    assert by_cost.capacity.accelerators >= by_size.capacity.accelerators


def test_own_prices_decide_wherever_they_are_asked_for(tmp_path: Path) -> None:
    """In a search of a scenario and of its plan, in "auto" and in a changed plan."""
    table = tmp_path / "quotes.csv"
    table.write_text(
        "offer,accelerator,accelerators,price,unit,source,as_of\n"
        "on-demand,l40s,1,0.05,USD/h,quote 7,2026-11-01\n"
    )
    own = {"prices": {"file": str(table)}}
    fields = {"model": "llama-3.1-8b", "in_flight": 10, "hosting": "on_demand", "rank_by": "cost"}
    l40s = evaluate(Scenario(**fields, accelerator="l40s"))
    month = l40s.variant(**own).cost.usd_per_month.base
    assert month < l40s.cost.usd_per_month.base
    quoted = Scenario(**fields, **own)
    for found in (search(quoted), search(evaluate(quoted))):
        assert found.row(0).accelerator == "l40s"
        assert found.row(0).usd_per_month == pytest.approx(month)
    assert evaluate(quoted.replace(accelerator="auto")).chosen["accelerator"] == "l40s"
    assert evaluate(Scenario(**fields, accelerator="auto")).chosen["accelerator"] != "l40s"


def test_an_unknown_rank_names_the_closest() -> None:
    with pytest.raises(InvalidInput, match=r"rank_by must be .* closest: cost"):
        search(Scenario(), rank_by="costs")

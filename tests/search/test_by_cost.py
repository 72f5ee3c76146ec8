"""Ranking by what a month costs all in: through the plans' own costs, in their order."""

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


def test_an_unknown_rank_names_the_closest() -> None:
    with pytest.raises(InvalidInput, match=r"rank_by must be .* closest: cost"):
        search(Scenario(), rank_by="costs")

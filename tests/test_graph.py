"""What stands behind a result: computed again it is the same, with other inputs as a new plan."""

from typing import Any

import numpy as np
import pytest

from llminfra import Scenario, evaluate
from llminfra.explain.drivers import leaves
from llminfra.graph import expression, operands, recomputed, steps
from llminfra.plan import Plan
from llminfra.present.cost_models import MODULES
from llminfra.present.model import border
from llminfra.ranges import Range, exact, sample
from llminfra.trace import Symbol

PLANS: dict[str, dict[str, Any]] = {
    "default": {"tensor_parallel": 8},
    "euro, tax and growth": {
        "tensor_parallel": 8, "currency": "EUR", "region": "DE", "vat_fraction": 0.19,
        "demand_growth": 0.3, "teams": {"a": 0.4, "b": 0.6},
    },
    "pounds": {"tensor_parallel": 8, "currency": "GBP", "region": "GB"},
    "own prices": {
        "tensor_parallel": 8, "server_price_usd": 250_000, "rent_usd_per_hour": 20,
        "electricity_usd_per_kwh": 0.2, "space_usd_per_month": 500, "insurance_fraction": 0.01,
        "licence_usd_per_accelerator_year": 4_500, "hardware_condition": "new",
    },
    "office": {"model": "llama-3.1-8b", "accelerator": "l40s", "named_users": 100},
    "own api": {
        "tensor_parallel": 8, "api_usd_per_mtok_input": 0.5, "api_usd_per_mtok_output": 1.5,
        "api_minimum_usd_per_month": 1_000,
    },
}  # fmt: skip
RESULTS = ("usd_per_month", "npv_usd", "total_usd", "purchase_usd", "usd_per_mtok_total")


def quantities(plan: Plan) -> list[Range]:
    """All that the cost says in numbers."""
    found = [value for _, value in plan.cost.items() if isinstance(value, Range)]
    for option in plan.cost.options:
        if option.feasible:
            found += [getattr(option, name) for name in RESULTS]
            found += [flow for year in option.years for flow in year.flows.values()]
    return [*found, *(charge.usd_per_month for charge in plan.cost.chargeback)]


@pytest.mark.parametrize("fields", PLANS.values(), ids=PLANS)
def test_every_inner_node_of_cost_is_a_formula_that_can_be_traced(fields: dict[str, Any]) -> None:
    plan = evaluate(Scenario(**fields))
    stops = border(plan, "cost", MODULES)
    inner = [
        step
        for step in steps(quantities(plan), lambda x: bool(stops(x)))
        if not stops(step) and any(isinstance(x, Range) for x in step.inputs.values())
        if step.origin is None
    ]
    assert len(inner) > 200
    assert [step for step in inner if step.formula is None] == []
    for step in inner:
        expression(step)


@pytest.mark.parametrize("fields", PLANS.values(), ids=PLANS)
def test_every_step_of_cost_computed_again_is_what_it_was(fields: dict[str, Any]) -> None:
    plan = evaluate(Scenario(**fields))
    stops = border(plan, "cost", MODULES)
    for step in steps(quantities(plan), lambda x: bool(stops(x))):
        if stops(step) or step.origin is not None or not step.inputs:
            continue
        traced = expression(step)
        given = {n: x.base for n, x in operands(step).items() if isinstance(x, Range)}
        value = traced.evaluate(given) if isinstance(traced, Symbol) else traced
        assert float(value) == pytest.approx(step.base, rel=1e-12, abs=1e-12), step


def test_arithmetic_on_ranges_is_remembered() -> None:
    one, two = exact(3.0, name="a"), exact(4.0, name="b")
    found = np.maximum(one * 2 + two, 1.0) / two
    assert str(expression(found)) == "x0 / x1"
    assert float(recomputed(found, {})) == found.base == 2.5


def test_a_changed_leaf_moves_all_that_rests_on_it() -> None:
    price = Range([2.0], name="price_usd", origin="price")
    found = price * price + exact(1.0)
    assert recomputed(found, {"price": np.array([1.0, 2.0, 3.0])}).tolist() == [2.0, 5.0, 10.0]


def test_a_step_that_nobody_wrote_down_is_learned_from_its_draws() -> None:
    width = sample("width", 2.0, low=1.0, high=3.0)
    width = Range(width.draws, name="width", origin="width")
    hidden = Range(width.draws**2, name="area", inputs={"width": width})
    assert float(recomputed(hidden, {"width": 3.0})) == pytest.approx(9.0, rel=1e-3)


@pytest.mark.parametrize(
    ("field", "value"),
    [("discount_rate", 0.12), ("staff_fte", 1.0), ("server_price_usd", 150_000.0)],
)
def test_fields_that_only_cost_sees_give_the_same_as_a_new_plan(field: str, value: float) -> None:
    given = {"tensor_parallel": 8, "staff_fte": 0.8, "server_price_usd": 2e5, "hosting": "owned"}
    plan = evaluate(Scenario(**given))
    month = plan.cost.usd_per_month
    leaf = leaves(month)[f"scenario field {field}"]
    anew = plan.variant(**{field: value}).cost.usd_per_month.base
    assert float(recomputed(month, {leaf.origin: value})) == pytest.approx(anew, rel=1e-12)


def test_a_variant_keeps_answers_that_do_not_see_the_change() -> None:
    plan = evaluate(Scenario(tensor_parallel=8))
    plan.cost.usd_per_month  # noqa: B018  # which answers it
    cheaper, busier = plan.variant(discount_rate=0.05), plan.variant(in_flight=20)
    assert cheaper.serving is plan.serving
    assert busier.deployment is plan.deployment
    assert busier.serving is not plan.serving
    for changed in (cheaper, busier):
        anew = evaluate(changed.scenario)
        assert changed.cost.usd_per_month.draws == pytest.approx(anew.cost.usd_per_month.draws)


@pytest.mark.parametrize(
    "change",
    [
        {"pue": 1.1}, {"region": "FR"}, {"prompt_tokens": 900}, {"tensor_parallel": 4},
        {"hosting": "on_demand"}, {"vat_fraction": 0.2}, {"target_utilization": 0.6},
        {"as_of": "2026-06-01"}, {"prefix_cache_hit_fraction": 0.5}, {"horizon_years": 5},
        {"staffing.own_fte": 2.0},
    ],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_a_variant_is_the_plan_of_the_changed_scenario(change: dict[str, Any]) -> None:
    if "staffing.own_fte" in change:
        fact = {"value": 2.0, "source": "ours", "as_of": "2026-11-01"}
        change = {"facts": {"staffing.own_fte": fact}}
    plan = evaluate(Scenario(tensor_parallel=8))
    list(plan.results())
    changed = plan.variant(**change)
    anew = evaluate(plan.scenario.replace(**change))
    for path in ("cost.usd_per_month", "energy.kwh_per_month", "serving.ttft_s", "cost.npv_usd"):
        facet, name = path.split(".")
        values = (getattr(getattr(p, facet), name).draws for p in (changed, anew))
        np.testing.assert_array_equal(*values)

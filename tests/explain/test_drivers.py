"""Tornado, goal, flip and difference: against plans that are evaluated anew."""

import random
from pathlib import Path
from typing import Any

import pytest

from llminfra import Scenario, evaluate
from llminfra.errors import InvalidInput
from llminfra.explain.difference import difference
from llminfra.explain.flips import flip, flip_probability
from llminfra.explain.goal import goal
from llminfra.explain.inputs import paths, result_of, settled
from llminfra.explain.tornado import tornado
from llminfra.plan import Plan
from llminfra.ranges import exact, sample

MONTH = "cost.usd_per_month"


def random_plan(seed: int) -> Plan:
    """Another case for each seed: model, machine, load, place and money."""
    draw = random.Random(seed)
    model, accelerator, split = draw.choice(
        [
            ("llama-3.3-70b", "a100-sxm-80", 8),
            ("llama-3.1-8b", "l40s", 1),
            ("qwen3-32b", "h100-sxm", 2),
            ("llama-3.3-70b", "h100-sxm", 4),
        ]
    )
    return evaluate(
        Scenario(
            model=model,
            accelerator=accelerator,
            tensor_parallel=split,
            in_flight=draw.choice([5, 20, 60]),
            region=draw.choice(["US", "DE", "FR"]),
            discount_rate=draw.choice([0.03, 0.08, [0.04, 0.08, 0.12]]),
            hosting=draw.choice(["auto", "owned", "on_demand", "api_frontier"]),
            vat_fraction=draw.choice([0.0, 0.19]),
            demand_growth=draw.choice([0.0, 0.2]),
        )
    )


@pytest.fixture(scope="module")
def owned() -> Plan:
    return evaluate(Scenario(tensor_parallel=8, hosting="owned"))


# -- tornado --------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(10))
def test_bars_agree_with_plans_evaluated_anew(seed: int) -> None:
    plan = random_plan(seed)
    base = settled(plan, MONTH)
    found = tornado(plan, MONTH)
    assert len(found.bars) >= 5
    for bar in found.bars[:6]:
        for value, at in ((bar.low, bar.at_low), (bar.high, bar.at_high)):
            anew = result_of(bar.input.changed(base, value), MONTH).base
            assert abs(at - anew) <= 0.02 * abs(found.result.base), (bar.input.key, value)


def test_the_strongest_comes_first_and_what_moves_nothing_is_left_out(owned: Plan) -> None:
    bars = tornado(owned, MONTH, most=100).bars
    swings = [bar.swing for bar in bars]
    assert swings == sorted(swings, reverse=True)
    assert min(swings) > 0


@pytest.mark.parametrize(
    "path", ["memory.max_sequences", "serving.ttft_s", "energy.kwh_per_month", "cost.npv_usd"]
)
def test_any_result_has_a_tornado(owned: Plan, path: str) -> None:
    assert tornado(owned, path).bars


def test_what_is_known_exactly_moves_by_a_tenth(owned: Plan) -> None:
    bar = next(b for b in tornado(owned, MONTH, most=99).bars if b.input.key == "discount_rate")
    assert (bar.low, bar.high) == pytest.approx((0.072, 0.088))
    assert not bar.is_drawn


# -- names ----------------------------------------------------------------------------------------


def test_a_result_that_does_not_exist_names_the_closest_three(owned: Plan) -> None:
    with pytest.raises(InvalidInput, match=r"closest: cost\.usd_per_month, .+, .+"):
        tornado(owned, "cost.usd_per_mont")


@pytest.mark.parametrize(
    "path", ["", "cost", "cost._case", "nothing.at_all", "cost.usd_per_month.base.real.x", "cost."]
)
def test_a_path_that_leads_to_no_number_is_refused(owned: Plan, path: str) -> None:
    with pytest.raises(InvalidInput, match="quantity must be"):
        result_of(owned, path)


def test_paths_of_all_results_can_be_read(owned: Plan) -> None:
    found = paths(owned)
    assert MONTH in found
    assert "cost.on_demand.usd_per_month" in found
    for path in found:
        result_of(owned, path)


def test_an_input_that_does_not_exist_names_the_closest_three(owned: Plan) -> None:
    with pytest.raises(InvalidInput, match=r"closest: discount_rate, .+, .+"):
        goal(owned, "discount_rat", MONTH, 1)
    with pytest.raises(InvalidInput, match=r"closest: staffing\.own_fte"):
        goal(owned, "staffing.own_ft", MONTH, 1)


# -- goal -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "target"),
    [
        ("server_price_usd", 20_000.0),
        ("discount_rate", 17_000.0),
        ("staffing.own_fte", 12_000.0),
        ("electricity_usd_per_kwh", 17_000.0),
        ("horizon_years", 15_000.0),
    ],
)
def test_a_value_that_was_sought_gives_the_target(owned: Plan, key: str, target: float) -> None:
    found = goal(owned, key, MONTH, target)
    anew = evaluate(owned.scenario.replace(**found.input.fields(owned, found.value)))
    assert anew.cost.usd_per_month.base == pytest.approx(target, rel=1e-5)
    assert found.reached == pytest.approx(target, rel=1e-5)
    assert found.plans <= 12


def test_two_results_of_a_plan_can_be_made_equal(owned: Plan) -> None:
    found = goal(owned, "staffing.own_fte", "cost.owned.usd_per_month", "cost.spot.usd_per_month")
    changed = found.input.changed(owned, found.value).cost
    assert changed["owned"].usd_per_month.base == pytest.approx(
        changed["spot"].usd_per_month.base, rel=1e-5
    )


def test_whole_numbers_stay_whole_and_jumps_are_found() -> None:
    plan = evaluate(Scenario(tensor_parallel=8, in_flight=20))
    found = goal(plan, "prompt_tokens", "serving.ttft_s", 4 * plan.serving.ttft_s.base)
    assert found.reached == pytest.approx(found.target, rel=0.02)


def test_a_goal_that_no_value_reaches_says_where_was_searched(owned: Plan) -> None:
    said = r"no discount_rate from 0.+ to .+ reaches the target; the nearest is 0.+ misses"
    with pytest.raises(InvalidInput, match=said):
        goal(owned, "discount_rate", MONTH, 1_000.0)


# -- flips ----------------------------------------------------------------------------------------


def test_thresholds_put_into_the_scenario_turn_the_ranking() -> None:
    plan = evaluate(Scenario(tensor_parallel=8))
    ways = [f"cost.{name}.usd_per_month" for name in ("owned", "on_demand")]
    found = flip(plan, *ways)
    assert len(found.thresholds) == 2
    assert found.probability == flip_probability(found.first, found.second)
    for one in found.thresholds:
        beyond = one.value + 0.01 * (one.value - one.now)
        anew = evaluate(plan.scenario.replace(**one.input.fields(plan, beyond)))
        own, rented = (result_of(anew, way).base for way in ways)
        assert own > rented
        assert str(one).startswith(one.input.words)


def test_the_probability_counts_the_draws_in_the_other_order() -> None:
    price = sample("price", 10.0, low=8.0, high=14.0)
    assert flip_probability(price, exact(14.0)) == pytest.approx(0.1, abs=0.01)
    assert flip_probability(exact(14.0), price) == pytest.approx(0.1, abs=0.01)
    assert flip_probability(exact(1.0), exact(2.0)) == 0


# -- difference -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"discount_rate": 0.05, "region": "FR"},
        {"accelerator": "h100-sxm", "tensor_parallel": 4, "precision": "fp8"},
        {"named_users": 500, "in_flight": None},
        {"server_price_usd": 2e5, "vat_fraction": 0.19, "horizon_years": 5},
    ],
    ids=lambda change: next(iter(change)),
)
def test_steps_sum_to_the_difference(change: dict[str, Any]) -> None:
    before = evaluate(Scenario(tensor_parallel=8, in_flight=100))
    after = before.variant(**change)
    found = difference(before, after, MONTH)
    moved = sum(step.moved for step in found.steps)
    assert found.before.base + moved == pytest.approx(found.after.base, rel=1e-9)
    assert all(step.words for step in found.steps)


def test_two_plans_that_are_the_same_have_no_difference(owned: Plan) -> None:
    assert difference(owned, owned, MONTH).steps == ()


def test_own_prices_are_a_step_of_their_own(tmp_path: Path) -> None:
    table = tmp_path / "quotes.csv"
    table.write_text(
        "offer,accelerator,accelerators,price,unit,source,as_of\n"
        "on-demand,l40s,1,0.05,USD/h,quote 7,2026-11-01\n"
    )
    fields = {"model": "llama-3.1-8b", "accelerator": "l40s", "hosting": "on_demand"}
    before = evaluate(Scenario(**fields))
    after = evaluate(Scenario(**fields, prices={"file": str(table)}, vat_fraction=0.1))
    found = difference(before, after, MONTH)
    words = [step.words.partition(":")[0] for step in found.steps]
    assert words[0] == "Own prices"
    assert len(words) == 2

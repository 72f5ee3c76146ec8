"""Charts of drivers and what notebooks say of them."""

import json
from typing import Any

import altair as alt
import pytest

from llminfra import Scenario, evaluate
from llminfra.errors import RenderError
from llminfra.plan import Plan
from llminfra.present import Money, flip, flip_words, goal, tornado, waterfall
from llminfra.present.cells import folded
from llminfra.present.drivers import short


@pytest.fixture(scope="module")
def plan() -> Plan:
    return evaluate(Scenario(tensor_parallel=8, currency="EUR", region="DE"))


def checked(chart: Any) -> None:
    """The schema of Vega-Lite holds for both layouts."""
    for layout in (chart.wide, chart.narrow):
        alt.Chart.from_dict(json.loads(layout.to_json()))


def test_a_tornado_is_drawn_with_the_values_of_its_inputs(plan: Plan) -> None:
    found = tornado(plan.cost.usd_per_month, plan=plan)
    assert found is not None
    checked(found)
    assert next(iter(found.data["input"])) == "staffing.own_fte"
    assert found.low < plan.cost.usd_per_month.base < found.high
    assert found.data["label"].is_unique


def test_a_result_in_another_currency_has_the_same_drivers(plan: Plan) -> None:
    books = Money(plan)
    month = plan.cost.usd_per_month
    own, other = tornado(month, plan=plan), tornado(books.of(month), plan=plan)
    assert own is not None
    assert other is not None
    assert [b.input.key for b in other.bars][:2] == [b.input.key for b in own.bars][:2]
    rate = plan.cost.usd_per_currency.base
    assert other.bars[0].at_high == pytest.approx(own.bars[0].at_high / rate)


def test_a_tornado_needs_a_plan(plan: Plan) -> None:
    with pytest.raises(RenderError, match="no plan"):
        tornado(plan.cost.usd_per_month)


def test_what_moves_nothing_has_no_chart(plan: Plan) -> None:
    assert tornado(plan.memory.kv_cache_bytes_per_token, plan=plan) is None


def test_the_way_between_two_plans_is_a_waterfall(plan: Plan) -> None:
    after = plan.variant(region="FR", discount_rate=0.05, in_flight=200)
    found = waterfall(plan, after, scale=1e3, unit="k USD")
    checked(found)
    assert found.data["end"].iloc[-1] == pytest.approx(found.found.after.base / 1e3)


def test_a_waterfall_of_amounts_below_zero_has_room(plan: Plan) -> None:
    checked(waterfall(plan, plan.variant(discount_rate=0.02), "cost.npv_usd"))


def test_a_goal_and_a_flip_read_as_sentences(plan: Plan) -> None:
    price = goal(plan, "server_price_usd", "cost.owned.usd_per_month", 20_000)
    assert str(price).startswith("Server price: ")
    words = flip_words(flip(plan, "cost.owned.usd_per_month", "cost.on_demand.usd_per_month"))
    assert " above " in words or " below " in words
    assert "(now " in words


def test_labels_are_short() -> None:
    assert short("Price of the machine or card before tax, in the condition that is named") == (
        "Price of the machine or card before tax"
    )
    assert len(short("word " * 40)) <= 42


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (["multiply", 0.0, ["cell", 1]], 0.0),
        (["divide", 0.0, ["cell", 1]], 0.0),
        (["power", ["cell", 1], 0.0], 1.0),
        (["subtract", ["cell", 1], 0.0], ["cell", 1]),
        (["positive", ["cell", 1]], ["cell", 1]),
        (["add", ["multiply", 1.0, ["cell", 1]], ["cell", 2]], ["add", ["cell", 1], ["cell", 2]]),
        (["text", "0"], ["text", "0"]),
    ],
)
def test_what_does_nothing_is_left_out_of_a_cell(found: Any, expected: Any) -> None:
    assert folded(found) == expected

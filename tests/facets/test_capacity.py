"""Demand: four views of one load."""

import pytest

from llminfra import InvalidInput, Scenario, evaluate
from llminfra.facets.capacity import Capacity

REQUEST_S = 15.0  # workload.request_s in the catalogue


def demand(**fields: object) -> Capacity:
    return evaluate(Scenario(**fields)).capacity


def test_the_documented_default_is_100_in_flight() -> None:
    assert demand().in_flight.base == 100
    assert demand().in_flight.is_exact


@pytest.mark.parametrize(
    "fields",
    [
        {"in_flight": 30},
        {"requests_per_s": 2.0},
        {"active_users": 60, "think_time_s": 15.0},
        {"named_users": 1800, "requests_per_user_day": 20, "work_hours": 10, "peak_factor": 2},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_four_views_state_the_same_demand(fields: dict[str, float]) -> None:
    found = demand(**fields)
    assert found.in_flight.base == pytest.approx(30)
    assert found.requests_per_s.base == pytest.approx(30 / REQUEST_S)
    assert (found.in_flight.unit, found.requests_per_s.unit) == ("request", "1/s")


@pytest.mark.parametrize(
    "fields",
    [
        {"in_flight": 1, "active_users": 2},
        {"requests_per_s": 1, "named_users": 2},
        {"in_flight": 0, "requests_per_s": 0},
        {"in_flight": 1, "active_users": 2, "requests_per_s": 3},
    ],
    ids=lambda fields: "+".join(fields),
)
def test_two_views_at_once_are_refused_by_name_and_value(fields: dict[str, float]) -> None:
    with pytest.raises(InvalidInput, match="demand must be stated in one way") as caught:
        Scenario(**fields)
    for name, value in fields.items():
        assert f"{name} = {value}" in str(caught.value)
    assert caught.value.field in fields


@pytest.mark.parametrize(
    ("fields", "view"),
    [
        ({"think_time_s": 5.0}, "active_users"),
        ({"peak_factor": 2.0}, "named_users"),
        ({"in_flight": 5, "work_hours": 10.0}, "named_users"),
    ],
    ids=str,
)
def test_a_companion_without_its_view_is_refused(fields: dict[str, float], view: str) -> None:
    with pytest.raises(InvalidInput, match=f"must go with {view}"):
        Scenario(**fields)


def test_a_companion_at_its_default_is_no_second_view() -> None:
    assert demand(in_flight=5, think_time_s=30.0).in_flight.base == 5


def test_a_changed_copy_may_state_the_demand_anew() -> None:
    scenario = Scenario(in_flight=5).replace(in_flight=None, active_users=9)
    assert scenario.in_flight is None
    with pytest.raises(InvalidInput, match="one way"):
        Scenario(in_flight=5).replace(active_users=9)


def test_bands_travel_into_the_result() -> None:
    found = demand(prompt_tokens=[300, 400, 500], output_tokens=[200, 300, 450])
    assert found.tokens_per_request.base == 700
    low, high = found.tokens_per_request.low, found.tokens_per_request.high
    assert 500 < low < 700 < high < 950
    assert demand(in_flight=[50, 100, 200]).in_flight.high == pytest.approx(200, rel=0.01)


def test_the_time_of_a_request_is_noted_as_an_assumption() -> None:
    plan = evaluate(Scenario(requests_per_s=2.0))
    assert not plan.capacity.in_flight.is_exact
    (read,) = (r for r in plan.facts if r.fact.key == "workload.request_s")
    assert (read.fact.confidence, read.users) == ("assumption", ["capacity"])


def test_no_demand_is_a_demand() -> None:
    assert demand(in_flight=0).requests_per_s.base == 0
    assert evaluate(Scenario(in_flight=0, tensor_parallel=8)).memory.load_probability == 1.0

"""Demand: four views of one load."""

from typing import Any

import pytest

from llminfra import InvalidInput, Scenario, evaluate
from llminfra.explain import drivers, leaves
from llminfra.facets.capacity import Capacity

LAYOUT = {"tensor_parallel": 8}
# A rate at which the default model on 8 x A100 has some thirty requests in flight.
RATE = 4.5


def demand(**fields: object) -> Capacity:
    return evaluate(Scenario(**(LAYOUT | fields))).capacity


def test_the_documented_default_is_100_in_flight() -> None:
    assert demand().in_flight.base == 100
    assert demand().in_flight.is_exact


def test_four_views_state_the_same_demand() -> None:
    """Each view is stated with what another one gave; users keep the law of response times."""
    rate = demand(requests_per_s=RATE)
    in_flight, pause = rate.in_flight.base, 15.0
    office = {"requests_per_user_day": 20, "work_hours": 10, "peak_factor": 2}
    views = [
        rate,
        demand(in_flight=in_flight),
        demand(active_users=round(in_flight + RATE * pause), think_time_s=pause),
        demand(named_users=RATE * 36_000 / 40, **office),
    ]
    for found in views:
        assert found.in_flight.base == pytest.approx(in_flight, rel=0.015)
        assert found.requests_per_s.base == pytest.approx(RATE, rel=0.015)
        assert (found.in_flight.unit, found.requests_per_s.unit) == ("request", "1/s")


@pytest.mark.parametrize(
    "fields",
    [
        {"in_flight": 1},
        {"in_flight": 60},
        {"in_flight": 900, "max_num_seqs": 100},
        {"requests_per_s": 0.01},
        {"requests_per_s": 8.0},
        {"active_users": 300, "think_time_s": 30.0},
        {"named_users": 2000},
        {"in_flight": 60, "arrivals": "closed_loop"},
        {"requests_per_s": 8.0, "replicas": 3},
        {"in_flight": 40, "data_parallel": 2},
        {"in_flight": 4, "accelerator": "epyc-9654", "engine": "llama.cpp", "tensor_parallel": 1},
    ],
    ids=str,
)
def test_littles_law_holds_between_demand_and_speed(fields: dict[str, Any]) -> None:
    plan = evaluate(Scenario(**(LAYOUT | fields)))
    found, replicas = plan.capacity, plan.capacity.replicas
    held = found.requests_per_s * plan.serving.e2e_s
    assert held.base == pytest.approx(found.in_flight.base, rel=0.02)
    rate = plan.serving.output_tokens_per_s * replicas / plan.demand.output_tokens
    assert rate.base == pytest.approx(found.requests_per_s.base, rel=0.02)


def test_users_without_pause_are_requests_in_flight() -> None:
    users, held = (
        demand(active_users=50, think_time_s=0.0),
        demand(in_flight=50),
    )
    assert users.in_flight.base == pytest.approx(50)
    assert users.requests_per_s.base == pytest.approx(held.requests_per_s.base, rel=1e-3)


# In flight, and seconds for an answer, of 100 users who think for 10, 30 and 60 s.
@pytest.mark.parametrize(
    ("accelerator", "tensor_parallel", "precision", "expected"),
    [
        ("a100-sxm-80", 8, "bf16", ((44, 7.8), (17, 6.3), (9, 5.8))),
        ("a100-sxm-80", 4, "bf16", ((62, 16.1), (30, 12.5), (16, 11.0))),
        ("h100-sxm", 2, "fp8", ((45, 8.2), (18, 6.7), (9, 6.2))),
        ("h100-sxm", 4, "fp8", ((30, 4.3), (11, 3.8), (6, 3.6))),
        ("h100-sxm", 8, "bf16", ((29, 4.0), (11, 3.7), (6, 3.6))),
        ("h200-sxm", 1, "fp8", ((55, 12.4), (24, 9.3), (12, 8.1))),
        ("h100-sxm", 1, "int4", ((63, 16.7), (26, 10.5), (12, 8.1))),
    ],
)
def test_a_hundred_users_who_think_decision_framework_4_2(
    accelerator: str,
    tensor_parallel: int,
    precision: str,
    expected: tuple[tuple[float, float], ...],
) -> None:
    layout = {"accelerator": accelerator, "tensor_parallel": tensor_parallel}
    for pause, (in_flight, answer_s) in zip((10.0, 30.0, 60.0), expected, strict=True):
        found = demand(**layout, precision=precision, active_users=100, think_time_s=pause)
        assert found.in_flight.base == pytest.approx(in_flight, rel=0.35)
        seconds = found.in_flight.base / found.requests_per_s.base
        assert seconds == pytest.approx(answer_s, rel=0.35)


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
    lengths = {"prompt_tokens": [300, 400, 500], "output_tokens": [200, 300, 450]}
    found = evaluate(Scenario(**LAYOUT, **lengths)).demand
    assert found.tokens_per_request.base == 700
    low, high = found.tokens_per_request.low, found.tokens_per_request.high
    assert 500 < low < 700 < high < 950
    assert demand(in_flight=[50, 100, 200]).in_flight.high == pytest.approx(200, rel=0.01)


def test_requests_in_flight_rest_on_the_speed_and_its_error() -> None:
    found = demand(requests_per_s=2.0).in_flight
    assert not found.is_exact
    behind = leaves(found)
    assert {"a100-sxm-80.memory_bandwidth_bytes_per_s", "serving-dense.tpot_log_error"} <= set(
        behind
    )
    assert next(iter(drivers(found))) == "serving-dense.tpot_log_error"


def test_requests_in_flight_as_stated_rest_on_nothing_else() -> None:
    assert list(leaves(demand(in_flight=5).in_flight)) == ["scenario field in_flight"]


def test_no_demand_is_a_demand() -> None:
    assert demand(in_flight=0).requests_per_s.base == 0
    assert evaluate(Scenario(in_flight=0, tensor_parallel=8)).capacity.load_probability == 1.0


def test_a_plan_without_a_speed_of_links_shows_what_it_can() -> None:
    plan = evaluate(Scenario(accelerator="m5-max", tensor_parallel=8, replicas="auto"))
    assert "replicas_needed" not in dict(plan.capacity.items())
    assert "m5-max.pcie_bytes_per_s" in str(plan)

"""The fleet: replicas, waiting, spares, availability, limits and the bill beside accelerators."""

import numpy as np
import pytest

from llminfra import InvalidInput, Plan, Scenario, evaluate
from llminfra.facets.capacity import Capacity, resources
from llminfra.facets.capacity.fleet import Placement

# 70B in 16 bits on 8 x A100: the engine's batch limit of 256 comes before the memory.
PLACES = 256
LAYOUT = {"tensor_parallel": 8}


def plan(**fields: object) -> Plan:
    return evaluate(Scenario(**(LAYOUT | fields)))


def capacity(**fields: object) -> Capacity:
    return plan(**fields).capacity


def codes(found: Plan) -> list[str]:
    return [problem.code for problem in found.problems]


# -- demand ----------------------------------------------------------------------------------


def test_100_office_users_are_0_4_in_flight_issue_5() -> None:
    office = {"named_users": 100, "requests_per_user_day": 20.0, "work_hours": 8.0}
    found, peak = (capacity(**office, peak_factor=factor) for factor in (1.0, 5.0))
    assert found.requests_per_s.base == pytest.approx(0.07, abs=0.001)
    assert found.in_flight.base == pytest.approx(0.4, rel=0.35)
    assert peak.in_flight.base == pytest.approx(2, rel=0.35)


def test_users_short_of_places_wait_and_the_rate_stays() -> None:
    found = capacity(active_users=2000, think_time_s=15.0, max_num_seqs=100)
    most, full_s = found.replica.max_requests_per_s.base, found.replica.full_request_s.base
    assert most == pytest.approx(100 / full_s)
    assert found.requests_per_s.base == pytest.approx(most, rel=1e-3)
    assert found.in_flight.base == pytest.approx(2000 - most * 15, rel=1e-3)
    assert found.utilization.base == pytest.approx(1, rel=1e-3)
    assert found.waiting_s.base == pytest.approx(2000 / most - 15 - full_s, rel=1e-3)
    assert found.wait_probability.base == pytest.approx(1, abs=1e-6)


def test_more_in_flight_than_places_wait_their_turn() -> None:
    found = capacity(in_flight=300, max_num_seqs=100)
    full_s = found.replica.full_request_s.base
    assert found.requests_per_s.base == pytest.approx(100 / full_s)
    assert found.waiting_s.base == pytest.approx(2 * full_s)
    assert found.wait_probability.base == 1
    assert capacity(in_flight=50, max_num_seqs=100).waiting_s.base == 0


# -- replicas --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "demand",
    [
        {"in_flight": 1500},
        {"requests_per_s": 100.0},
        {"active_users": 10_000, "think_time_s": 45.0},
        {"named_users": 50_000},
    ],
    ids=lambda demand: next(iter(demand)),
)
def test_replicas_carry_the_peak_at_the_target(demand: dict[str, float]) -> None:
    """At 80 % confidence: one replica fewer would use more than 0.7 of what all answer."""
    fields = {"spare_policy": "N"} | demand
    found = plan(**fields, replicas="auto")
    needed = found.capacity.replicas
    assert found.replica.places.base == PLACES
    assert needed == found.capacity.replicas_needed == found.chosen["replicas"]
    assert found.capacity.accelerators == 8 * needed
    load = found.capacity.in_flight.base
    assert found.capacity.in_flight_per_replica.base == pytest.approx(load / needed)
    assert found.capacity.utilization.at_confidence(0.2) <= 0.7
    fewer = capacity(**fields, replicas=needed - 1)
    assert fewer.utilization.at_confidence(0.2) > 0.7


def test_the_fleet_is_sized_once_for_eight_draws_in_ten() -> None:
    found = capacity(requests_per_s=500.0, replicas="auto", spare_policy="N")
    within = 1 - found.utilization.probability_at_least(0.7)
    assert 0.8 <= within < 0.9


@pytest.mark.parametrize(("policy", "more"), [("N", 0), ("N+1", 1), ("N+2", 2), ("2N", 6)])
def test_spare_policies(policy: str, more: int) -> None:
    found = capacity(requests_per_s=40.0, replicas="auto", spare_policy=policy)
    assert found.replicas_needed == 6
    assert (found.replicas, found.spares) == (6 + more, more)


def test_headroom_is_growth_times_the_time_to_start() -> None:
    still = capacity(requests_per_s=40.0, replicas="auto")
    found = capacity(
        requests_per_s=40.0, replicas="auto", growth_fraction_per_min=0.1, scale_up_s=180.0
    )
    assert still.headroom_fraction.base == 0
    assert found.headroom_fraction.base == pytest.approx(0.3)
    assert found.replicas_needed == pytest.approx(1.3 * (still.replicas_needed or 0), abs=1)


def test_a_model_that_does_not_fit_needs_no_number_of_replicas() -> None:
    found = plan(tensor_parallel=1, replicas="auto", requests_per_s=5.0)
    assert found.capacity.replicas_needed is None
    assert found.capacity.replicas == 1
    assert "E-FIT" in codes(found)
    assert "E-UNSTABLE" not in codes(found)
    assert found.to_dict()["capacity"]["utilization"]["base"] is None


@pytest.mark.parametrize(
    "demand",
    [{"in_flight": 50}, {"active_users": 50}, {"requests_per_s": 1.0}, {"named_users": 50}],
    ids=lambda demand: next(iter(demand)),
)
def test_a_model_that_does_not_fit_answers_nobody(demand: dict[str, float]) -> None:
    asked = plan(tensor_parallel=1, replicas=2, **demand)
    found = asked.capacity
    assert found.max_requests_per_s.base == 0
    assert found.utilization.base == found.waiting_s.base == np.inf
    assert found.wait_probability.base == pytest.approx(1)
    assert np.isnan(found.availability.draws).all()
    if not asked.demand.is_open:
        assert found.requests_per_s.base == 0
        assert found.in_flight.base == 50


# -- latency targets -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "demand",
    [{"requests_per_s": 40.0}, {"in_flight": 400}, {"active_users": 2000}],
    ids=lambda demand: next(iter(demand)),
)
@pytest.mark.parametrize(
    "target",
    [{"tpot_target_s": 0.022}, {"ttft_target_s": 0.15}, {"e2e_target_s": 7.5}],
    ids=lambda target: next(iter(target)),
)
def test_a_latency_target_asks_for_more_replicas_and_is_met(
    demand: dict[str, float], target: dict[str, float]
) -> None:
    free, held = plan(**demand, replicas="auto"), plan(**demand, **target, replicas="auto")
    assert (held.capacity.replicas_needed or 0) > (free.capacity.replicas_needed or 0)
    most = held.capacity.max_in_flight_per_replica
    assert 1 < most.base < PLACES
    assert free.capacity.max_in_flight_per_replica.base == PLACES
    ((name, limit),) = target.items()
    speed = getattr(held.serving, name.replace("_target", ""))
    assert 1 - speed.probability_at_least(limit) >= 0.8
    assert "E-SLO" not in codes(held)
    at_most = held.replica.e2e_at(most) if name.startswith("e2e") else None
    assert at_most is None or at_most.base == pytest.approx(limit, rel=0.01)


def test_a_target_that_no_number_of_replicas_meets_does_not_size_them() -> None:
    free = plan(requests_per_s=40.0, replicas="auto")
    found = plan(requests_per_s=40.0, replicas="auto", tpot_target_s=0.004)
    assert found.capacity.replicas == free.capacity.replicas
    assert "E-SLO" in codes(found)
    doubtful = plan(requests_per_s=40.0, replicas="auto", tpot_target_s=0.0152)
    assert "W-SLO" in codes(doubtful)
    assert "W-SLO" not in codes(free)


def test_an_automatic_split_and_automatic_replicas_go_together() -> None:
    found = plan(tensor_parallel="auto", replicas="auto", requests_per_s=40.0)
    chosen = found.to_dict()["chosen"]
    assert chosen.keys() == {"tensor_parallel", "replicas", "hosting", "runners_up"}
    assert found.capacity.utilization.base < 0.7


# -- problems --------------------------------------------------------------------------------


def test_an_unstable_queue_says_utilization_and_replicas_needed() -> None:
    found = plan(requests_per_s=40.0)
    (problem,) = (p for p in found.problems if p.code == "E-UNSTABLE")
    asked = float(problem.message.split("are ")[1].split()[0].rstrip("%\u202f"))
    assert asked == pytest.approx(367, rel=0.03)
    assert "6 replicas reach the target" in problem.message
    assert problem.fixes[0] == "replicas = 6"
    assert found.capacity.waiting_s.base == np.inf
    assert "E-UNSTABLE" not in codes(plan(requests_per_s=40.0, replicas=6))
    assert "E-UNSTABLE" not in codes(plan(in_flight=4000))  # a closed loop slows down instead


def test_a_queue_that_only_some_draws_overload_says_in_how_many() -> None:
    found = plan(requests_per_s=[1, 5, 30])
    (problem,) = (p for p in found.problems if p.code == "E-UNSTABLE")
    share = found.capacity.utilization.probability_at_least(1.0)
    assert f"in {100 * share:.0f}\u202f% of the draws more than all of it" in problem.message
    assert found.capacity.utilization.base < 1


def test_more_accelerators_than_allowed() -> None:
    found = plan(requests_per_s=40.0, replicas="auto", max_accelerators=48)
    (problem,) = (p for p in found.problems if p.code == "E-CAP")
    assert problem.message.startswith("7")
    assert "replicas of 8 take 56 accelerators, 48 are allowed" in problem.message
    assert "enough for the load" in problem.fixes[0]
    assert "E-CAP" not in codes(plan(requests_per_s=40.0, replicas="auto", max_accelerators=56))


def test_more_power_than_allowed() -> None:
    found = plan(requests_per_s=40.0, replicas="auto", max_power_w=34_000.0)
    (problem,) = (p for p in found.problems if p.code == "E-CAP")
    assert "45.5 kW" in problem.message
    assert "34 kW are allowed" in problem.message
    assert any("meet everything" in fix for fix in problem.fixes)
    assert not any("too few" in fix for fix in problem.fixes)


@pytest.mark.parametrize(
    "fields",
    [
        {"spare_policy": "N+3"},
        {"target_utilization": 1.2},
        {"server_availability": 1.1},
        {"common_mode_fraction": -0.1},
        {"max_accelerators": 0},
        {"percentile_fraction": 1.0},
        {"replicas": "many"},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_bad_values_are_refused_in_one_line(fields: dict[str, object]) -> None:
    with pytest.raises(InvalidInput, match=f"{next(iter(fields))} must be") as caught:
        Scenario(**fields)
    assert "\n" not in str(caught.value)


# -- availability ----------------------------------------------------------------------------


def test_replicas_on_one_server_fail_together() -> None:
    pair = {"tensor_parallel": 4, "requests_per_s": 2.0, "replicas": "auto"}
    shared, apart = plan(**pair), plan(**pair, accelerators_per_server=4)
    assert (shared.capacity.servers, apart.capacity.servers) == (1, 2)
    assert "W-SPARE" in codes(shared)
    assert "W-SPARE" not in codes(apart)
    assert shared.capacity.availability.base == pytest.approx(0.9962 * 0.999, abs=1e-4)
    assert apart.capacity.availability.base == pytest.approx(0.99999 * 0.999, abs=1e-5)
    fixed = plan(**(pair | {"replicas": 1 + 2}))
    assert fixed.capacity.availability.base == pytest.approx(0.999, abs=1e-4)


def test_availability_as_given_and_without_common_causes() -> None:
    found = capacity(
        requests_per_s=1.0, replicas="auto", server_availability=0.99, common_mode_fraction=0.0
    )
    assert found.replicas == 2
    assert found.availability.base == pytest.approx(1 - 0.01**2)


def test_a_replica_over_two_servers_needs_both() -> None:
    found = capacity(pipeline_parallel=2, server_availability=0.99, common_mode_fraction=0.0)
    assert found.servers == 2
    assert found.availability.base == pytest.approx(0.99**2)
    assert found.resources["cluster_bytes_per_s"].base > 0


@pytest.mark.parametrize(
    ("per_replica", "replicas", "needed", "servers", "groups", "must_run"),
    [
        (8, 3, 2, 3, 3, 2),
        (2, 5, 4, 2, 2, 2),
        (2, 8, 4, 2, 2, 1),
        (16, 2, 1, 4, 2, 1),
        (1, 1, 1, 1, 1, 1),
    ],
)
def test_placement(
    per_replica: int, replicas: int, needed: int, servers: int, groups: int, must_run: int
) -> None:
    placed = Placement(8, per_replica, replicas)
    assert (placed.servers, placed.groups) == (servers, groups)
    assert placed.groups_needed(needed) == must_run


# -- bill ------------------------------------------------------------------------------------


def test_the_bill_holds_every_resource_with_a_range_and_a_source() -> None:
    found = plan(requests_per_s=9.0)
    bill = found.capacity.resources
    assert bill["host_cores"].base == 8 * 12
    assert bill["host_memory_bytes"].base == pytest.approx(2 * 640e9, rel=0.08)
    assert bill["disk_bytes"].base == pytest.approx(2 * 3 * 141.1e9, rel=1e-3)
    assert bill["front_bytes_per_s"].base == pytest.approx(540e3)
    assert bill["power_w"].base == 6500
    assert (bill["n_gateways"].base, bill["n_controllers"].base) == (2, 0)
    assert bill["cluster_bytes_per_s"].base == 0
    rows = found.frame(only="capacity").set_index("name")
    assert set(bill) <= set(rows.index)
    assert (rows.loc[list(bill), "source"] != "").all()
    ranged = set(bill) - {"cluster_bytes_per_s", "n_controllers", "power_w"}
    assert all(bill[name].low < bill[name].high for name in ranged)


def test_logs_follow_days_and_nights_where_the_demand_tells() -> None:
    office = capacity(
        named_users=1000, requests_per_user_day=20.0, peak_factor=3.0, log_retention_months=1.0
    )
    steady = 1000 * 20 * 5 / 7 / 86_400
    assert office.mean_requests_per_s.base == pytest.approx(steady)
    logs = office.resources["log_bytes"].base
    assert logs == pytest.approx(steady * 730 * 3600 * (700 * 4 + 2000))


def test_larger_fleets_are_orchestrated() -> None:
    assert capacity(replicas=3).resources["n_controllers"].base == 3


def test_power_of_a_card_without_a_server_of_its_own_in_the_catalogue() -> None:
    found = plan(accelerator="rtx4090", model="llama-3.1-8b", tensor_parallel=1)
    parts = resources.power(found.scenario, found.facts_read_by("test"), 2)
    assert parts.base == pytest.approx(2 * (450 + 1200 / 8))


def test_a_missing_fact_leaves_the_rest_of_the_bill() -> None:
    found = plan(accelerator="epyc-9654", tensor_parallel=1, in_flight=4).capacity
    assert "n_gateways" in found.resources


@pytest.mark.parametrize(
    ("machine", "cores", "memory"), [("epyc-9654", 96, 768e9), ("m3-ultra", 32, 512e9)]
)
def test_a_processor_brings_its_own_cores_and_memory(
    machine: str, cores: int, memory: float
) -> None:
    alone = {"tensor_parallel": 1, "replicas": 2, "precision": "q4_k_m"}
    found = capacity(accelerator=machine, engine="llama.cpp", **alone)
    assert found.resources["host_cores"].base == 2 * cores
    assert found.resources["host_memory_bytes"].base == 2 * memory

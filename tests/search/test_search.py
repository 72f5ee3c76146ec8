"""The search equals single plans, ranks what it finds, and takes the place of "auto"."""

import json
from typing import Any

import numpy as np
import pytest

from llminfra import InvalidInput, Plan, Scenario, evaluate, search
from llminfra.errors import MissingFact
from llminfra.facets import SERVED
from llminfra.search import COLUMNS, RankedLayout, Search

USERS = Scenario(precision="fp8", in_flight=100, ttft_target_s=1.0, tpot_target_s=0.05)
FULL = {"target_utilization": 0.99}


@pytest.fixture(scope="module")
def found() -> Search:
    return search(USERS, precisions=["bf16", "int4"])


def some(result: Search, n: int) -> list[tuple[int, RankedLayout]]:
    rows = np.linspace(0, len(result) - 1, n).astype(int)
    return [(int(i), result.row(int(i))) for i in rows]


# -- the arrays are the facets -------------------------------------------------------------------

CASES: dict[str, dict[str, Any]] = {
    "dense": {"precision": "fp8", "tpot_target_s": 0.05},
    "dense with drafts and a cache": {"draft_tokens": 2, "prefix_cache_hit_fraction": 0.4},
    "a benchmark": {"model": "llama-3.1-8b", "arrivals": "closed_loop", "in_flight": 400},
    "bands": {"prompt_tokens": [300, 400, 900], "in_flight": 60, "precision": "int4"},
    "experts": {"model": "mixtral-8x7b", "in_flight": 3.5, "max_num_batched_tokens": 4096},
    "experts over ranks": {
        "model": "deepseek-r1",
        "precision": "fp8",
        "data_parallel": 8,
        "expert_parallel": 8,
    },
    "a pipeline with windows": {"model": "gemma-3-27b", "prompt_tokens": 20_000, "in_flight": 30},
    "other limits": {"engine": "tensorrt-llm", "precision": "fp8", "max_num_seqs": 64},
    "adapters": {"model": "qwen3-32b", "lora_adapters": 4},
    "a rate": {"requests_per_s": 12.0, "tpot_target_s": 0.05, "precision": "fp8"},
    "an office": {"named_users": 3000, "model": "qwen3-32b"},
    "users who pause": {"active_users": 80, "think_time_s": 20.0, "precision": "fp8"},
    "blocks of layers": {"engine": "llama.cpp", "precision": "q4_k_m", "in_flight": 2},
    "weights on the host": {"model": "qwen3-32b", "host_weight_bytes": 10e9, "in_flight": 2},
    "experts on the host": {
        "engine": "llama.cpp",
        "model": "gpt-oss-120b",
        "precision": "mxfp4",
        "host_expert_layers": 20,
        "in_flight": 1,
    },
    "a family of no row": {"model": "nemotron-3-nano-30b-a3b", "engine": "sglang"},
}


@pytest.mark.parametrize("case", CASES)
def test_a_row_equals_the_plan_of_its_fields(case: str) -> None:
    scenario = Scenario(**CASES[case])
    for i, row in some(result := search(scenario), 12):
        plan = evaluate(scenario).variant(**row.fields)
        memory = plan.memory
        assert row.fits is memory.fits
        assert row.max_sequences == memory.max_sequences.base
        try:
            serving = plan.serving
        except MissingFact:  # of a card whose link to its host nobody states
            assert np.isnan(row.e2e_s)
            assert not row.meets_targets
            continue
        expected = plan.capacity.in_flight_per_replica.base
        assert row.in_flight == pytest.approx(expected, rel=1e-6, nan_ok=True)
        if "in_flight" in scenario.model_fields_set:  # other loads have draws of their own
            holds_load = bool(result.columns["holds_load"][i])
            assert holds_load is (plan.capacity.load_probability >= 0.8)
        if row.fits:
            for name in ("ttft_s", "tpot_s", "e2e_s", "output_tokens_per_s"):
                expected = getattr(serving, name).base
                assert getattr(row, name) == pytest.approx(expected, rel=1e-6), name
        if row.meets_targets:
            assert row.reason == serving.binding_limit
            if result.columns["is_sized"][i]:
                assert row.replicas >= plan.capacity.replicas_needed
        assert row.count == plan.deployment.accelerators_per_replica
        assert row.accelerators == plan.capacity.accelerators


def test_a_group_beyond_a_host_waits_for_the_network_as_its_plan_does() -> None:
    wanted = Scenario(precision="fp8", in_flight=100)
    groups = {"tensor_parallel": [8, 16], "pipeline_parallel": [1], "beyond_node": True}
    found = search(wanted, accelerators=["h100-sxm"], replicas=[1], **groups)
    rows = {row.tensor_parallel: row for row in (found.row(i) for i in range(len(found)))}
    plan = evaluate(wanted).variant(**rows[16].fields)
    assert rows[16].tpot_s == pytest.approx(plan.serving.tpot_s.base, rel=1e-6)
    assert rows[16].tpot_s > rows[8].tpot_s


def test_a_fact_of_the_scenario_reaches_the_search() -> None:
    given = {"value": 4e10, "source": "s", "as_of": "2026"}
    small = USERS.replace(facts={"h100-sxm.memory_usable_bytes": given})
    only: dict[str, Any] = {
        "accelerators": ["h100-sxm"],
        "tensor_parallel": [2],
        "pipeline_parallel": [1],
    }
    assert search(USERS, **only).columns["fits"].all()
    assert not search(small, **only).columns["fits"].any()


def test_a_plan_notes_the_leaders_by_name_and_all_that_was_read_in_one_digest() -> None:
    plan = evaluate(USERS)
    found = search(plan, counts=[1, 2, 4])
    assert found.smallest is not None
    by_name = {read.fact.key for read in plan.facts if "search" in read.users}
    assert f"{found.smallest.accelerator}.memory_usable_bytes" in by_name
    assert not any(key.startswith("l4.") for key in by_name), "far from the top"
    assert int(plan.digests["search"].split()[0]) > 2 * len(by_name)


def test_a_rivals_fact_changes_the_digest_and_nothing_that_is_named() -> None:
    given = {"value": 23e9, "source": "s", "as_of": "2026"}
    plans = [evaluate(USERS), evaluate(USERS.replace(facts={"l4.memory_usable_bytes": given}))]
    for plan in plans:
        search(plan, counts=[1, 2, 4])
    assert plans[0].digests["search"] != plans[1].digests["search"]
    assert [read.fact.key for read in plans[0].facts] == [read.fact.key for read in plans[1].facts]


# -- the answers ---------------------------------------------------------------------------------


def test_two_h100_carry_a_hundred_users_of_a_70b_model_in_8_bits() -> None:
    smallest = search(USERS.replace(**FULL), accelerators=["h100-sxm"]).smallest
    assert smallest is not None
    assert (smallest.accelerators, smallest.tensor_parallel, smallest.replicas) == (2, 2, 1)
    # 400 tokens in and 300 out: about nine requests per second.
    assert smallest.output_tokens_per_s / 300 == pytest.approx(9.0, rel=0.35)


def test_sixteen_bits_take_four_a100() -> None:
    scenario = Scenario(in_flight=100, **FULL)
    smallest = search(scenario, accelerators=["a100-sxm-80"]).smallest
    assert smallest is not None
    assert (smallest.accelerators, smallest.tensor_parallel) == (4, 4)


def test_the_smallest_and_the_cheapest_meet_everything(found: Search) -> None:
    table = found.table()
    met = table[table["meets_targets"]]
    smallest, cheapest = found.smallest, found.cheapest
    assert smallest is not None
    assert cheapest is not None
    assert smallest.accelerators == met["accelerators"].min()
    assert cheapest.price_usd == met["price_usd"].min()
    for one in (smallest, cheapest):
        serving = evaluate(USERS.replace(**one.fields)).serving
        assert serving.ttft_s.base <= 1.0
        assert serving.tpot_s.base <= 0.05


def test_without_prices_the_fewest_are_the_cheapest() -> None:
    result = search(USERS, accelerators=["gb300"])
    assert result.cheapest is not None
    assert result.smallest is not None
    assert result.cheapest.fields == result.smallest.fields


def test_every_accelerator_that_the_engine_runs_on_is_tried(found: Search) -> None:
    tried = set(found.columns["accelerator"])
    assert {"h100-sxm", "h200-sxm", "b200-sxm", "gb200", "l40s", "mi300x", "rtx4090"} <= tried
    assert "epyc-9654" not in tried, "the memory of a host is an assumption"
    assert {1, 2, 4, 8, 16, 32} <= set(found.columns["count"])


def test_only_what_was_measured_is_tried_beside_those_that_are_named(found: Search) -> None:
    frame, apart = (
        found.table(),
        search(USERS, precisions=["bf16", "int4"], measured_beside=["arc-a770"]).table(),
    )
    assert not apart[apart["accelerator"] != "arc-a770"]["is_measured"].eq(False).any()
    wanted = frame[frame["is_measured"] | frame["accelerator"].eq("arc-a770")]
    assert len(apart) == len(wanted) < len(frame)


def test_groups_stay_inside_a_host_unless_asked(found: Search) -> None:
    def largest(result: Search) -> int:
        own = result.columns["accelerator"] == "h100-sxm"
        return int(result.columns["tensor_parallel"][own].max())

    assert largest(found) == 8
    assert largest(search(USERS, accelerators=["h100-sxm"], beyond_node=True)) == 64
    assert largest(search(USERS, accelerators=["h100-sxm"], tensor_parallel=[16, 5])) == 16


def test_formats_that_a_generation_cannot_even_unpack_are_left_out(found: Search) -> None:
    volta = np.char.startswith(found.columns["accelerator"].astype(str), "v100")
    assert not volta.any()


def test_counts_and_loads_can_be_given() -> None:
    result = search(USERS, accelerators=["h100-sxm"], counts=[4], in_flight=[50, 10])
    table = result.table()
    assert set(table["count"]) == {4}
    assert set(table["in_flight"]) == {50.0, 10.0}
    assert set(table["replicas"]) == {2, 10}


def test_more_load_takes_replicas() -> None:
    many = USERS.replace(in_flight=2000)
    smallest = search(many, accelerators=["h100-sxm"], tensor_parallel=[4]).smallest
    assert smallest is not None
    assert smallest.replicas > 1
    assert smallest.in_flight == pytest.approx(2000 / smallest.replicas)
    assert smallest.replicas == evaluate(many.replace(**smallest.fields)).capacity.replicas_needed


def test_near_misses_say_which_limit_and_by_how_much() -> None:
    found = search(USERS, accelerators=["h100-sxm", "h200-sxm", "l4", "a100-sxm-80"])
    misses, smallest = found.near_misses(5), found.smallest
    assert smallest is not None
    assert [miss.miss_ratio for miss in misses] == sorted(miss.miss_ratio for miss in misses)
    assert all(miss.miss_ratio > 1 and not miss.meets_targets for miss in misses)
    assert all(miss.accelerators <= 2 * smallest.accelerators for miss in misses)
    assert all(miss.fits for miss in misses), "not what cannot hold the model"
    labels = [miss.layout for miss in misses]
    assert len({smallest.layout, *labels}) == 1 + len(labels)
    by_chip = {miss.accelerator: str(miss) for miss in misses}
    assert set(by_chip) == {"h100-sxm", "h200-sxm", "a100-sxm-80"}, "L4 takes too many"
    assert "replicas at 70\u202f% utilization" in by_chip["h200-sxm"]
    assert "above the target of" in by_chip["a100-sxm-80"]


def test_near_misses_that_hold_nothing_are_left_when_nothing_else_is() -> None:
    found = search(Scenario(model="deepseek-r1"), accelerators=["l4"], counts=[1])
    (miss,) = found.near_misses()
    assert "lacks" in str(miss)


def test_pipelines_and_unfitted_accelerators_are_told_apart() -> None:
    only = {"accelerators": ["mi300x", "h100-sxm"], "counts": [4], "replicas": [1]}
    found = search(USERS, **only)
    labels = {found.row(i).layout for i in range(len(found))}
    assert len(labels) == len(found)
    measured = dict(zip(found.columns["accelerator"], found.columns["is_measured"], strict=True))
    assert measured == {"h100-sxm": True, "mi300x": False}


def test_a_load_that_memory_does_not_hold_is_named() -> None:
    only = {"accelerators": ["a100-sxm-80"], "tensor_parallel": [2], "replicas": [1]}
    result = search(Scenario(in_flight=100), **only)
    miss = next(m for m in (result.row(i) for i in range(len(result))) if m.count == 2)
    assert miss.reason == "memory: KV cache of the load"
    assert "are in flight" in miss.why


# -- one meaning of "meets everything" -----------------------------------------------------------

AGENTS: dict[str, Any] = {
    "model": "qwen3-235b-a22b",
    "precision": "fp8",
    "requests_per_s": 3,
    "arrival_variation_ratio": 4,
    "prompt_tokens": [4000, 8000, 16000],
    "output_tokens": [200, 400, 800],
    "prefix_cache_hit_fraction": [0.3, 0.6, 0.8],
    "ttft_target_s": 3,
    "tpot_target_s": 0.05,
}
LOADS: dict[str, dict[str, Any]] = {
    "a rate of one replica": {"requests_per_s": 50, "prompt_tokens": 400, "output_tokens": 300},
    "a rate with spares": {"requests_per_s": 50, "replicas": "auto", "ttft_target_s": 60},
    "a rate that grows": {
        **{"requests_per_s": 9, "replicas": "auto", "spare_policy": "2N", "precision": "fp8"},
        **{"growth_fraction_per_min": 0.05, "e2e_target_s": 20},
    },
    "tight times": {"in_flight": 100, "tpot_target_s": 0.02, "ttft_target_s": 0.5},
    "tight times with spares": {
        **{"in_flight": 100, "tpot_target_s": 0.02, "ttft_target_s": 0.5, "replicas": "auto"},
    },
    "users who pause": {"active_users": 300, "think_time_s": 20.0, "replicas": "auto"},
    "agents": AGENTS | {"replicas": "auto"},
    "agents in a small room": AGENTS | {"replicas": "auto", "max_accelerators": 8},
    "agents on little power": AGENTS | {"replicas": "auto", "max_power_w": 12_000.0},
}


@pytest.mark.parametrize("case", LOADS)
def test_the_winners_plan_meets_everything_with_as_many_accelerators(case: str) -> None:
    scenario = Scenario(**LOADS[case])
    found = search(scenario)
    assert found.smallest is not None
    assert found.cheapest is not None
    for one in (found.smallest, found.cheapest):
        fields = one.fields | (
            {"replicas": "auto"} if scenario.to_dict()["replicas"] == "auto" else {}
        )
        plan = evaluate(scenario.replace(**fields))
        assert [str(p) for p in plan.problems_of(*SERVED) if p.is_error] == []
        assert plan.capacity.accelerators == one.accelerators
        assert plan.capacity.is_within_targets
        assert plan.capacity.replicas_needed is not None
        assert plan.capacity.replicas_needed <= plan.capacity.replicas


@pytest.mark.parametrize("case", LOADS)
def test_no_other_layout_that_meets_everything_is_smaller(case: str) -> None:
    scenario = Scenario(**LOADS[case] | {"replicas": "auto"})
    best = search(scenario, pipeline_parallel=[1]).smallest
    chosen = evaluate(scenario.replace(accelerator="auto", tensor_parallel="auto"))
    assert best is not None
    assert chosen.capacity.accelerators == best.accelerators
    assert [str(p) for p in chosen.problems_of(*SERVED) if p.is_error] == []
    for accelerator in ("gb200", "h200-sxm", "mi355x", "b300-sxm"):
        for n in (n for n in (1, 2, 4, 8) if n < best.accelerators):  # no others can be fewer
            plan = evaluate(scenario.replace(accelerator=accelerator, tensor_parallel=n))
            if plan.memory.fits and plan.capacity.accelerators < best.accelerators:
                assert any(p.is_error or p.code == "W-SLO" for p in plan.problems_of(*SERVED))


def test_what_cannot_be_said_with_confidence_is_not_met() -> None:
    """One target that the base case meets and one draw in five misses."""
    fields = {"accelerator": "h100-sxm", "tensor_parallel": 8, "replicas": "auto"}
    alone = evaluate(Scenario(**fields)).replica.at([1.0])
    tpot_s = 1 / alone[alone["name"] == "user_tokens_per_s"]["base"].iloc[0]
    only = {"accelerators": ["h100-sxm"], "tensor_parallel": [8], "pipeline_parallel": [1]}
    found = search(Scenario(replicas="auto", tpot_target_s=tpot_s * 1.001), **only)
    assert found.smallest is None
    assert found.nearest is not None
    assert "of the draws" in found.nearest.why


def test_a_plans_error_refuses_a_layout() -> None:
    only = {"accelerators": ["a100-sxm-80"], "tensor_parallel": [4], "pipeline_parallel": [1]}
    long = Scenario(max_model_len=100_000, prompt_tokens=100, output_tokens=20, in_flight=5)
    assert search(long.replace(max_model_len=20_000), **only).smallest is not None
    found = search(long.replace(max_model_len=131_072, gpu_memory_utilization=0.55), **only)
    assert found.smallest is None
    assert "max_model_len must be at most" in str(found.nearest)


def test_nothing_found_is_an_empty_answer(no_memory: str) -> None:
    result = search(USERS, accelerators=[no_memory])
    assert len(result) == 0
    assert (result.smallest, result.cheapest, result.nearest) == (None, None, None)
    assert result.near_misses() == []
    assert list(result.table().columns) == [*COLUMNS, "accelerator_name"]


def test_an_impossible_target_leaves_near_misses_alone() -> None:
    result = search(USERS.replace(e2e_target_s=1.0), accelerators=["h100-sxm"])
    assert result.smallest is None
    assert result.nearest is not None
    assert result.nearest.reason == "time to the last token"
    assert "meet everything; nearest" in repr(result)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"accelerators": ["h100"]}, "accelerator must be a known id, got 'h100'; closest: h100-"),
        ({"measured_beside": ["h100"]}, "accelerator must be a known id, got 'h100'"),
        ({"precisions": ["fp9"]}, "precision must be a known id, got 'fp9'"),
        ({"replicas": [0]}, "replicas must all be above 0, got"),
        ({"in_flight": []}, "in_flight must all be above 0, got"),
    ],
)
def test_bad_input_is_one_line(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as caught:
        search(USERS, **fields)
    assert "\n" not in str(caught.value)


# -- what problems offer -------------------------------------------------------------------------

EIGHT: dict[str, Any] = {"accelerator": "a100-sxm-80", "tensor_parallel": 8, "output_tokens": 300}


def test_layouts_within_the_limits_are_offered_and_work() -> None:
    scenario = Scenario(**EIGHT, in_flight=500, replicas="auto", max_accelerators=16)
    (problem,) = [p for p in evaluate(scenario).problems if p.code == "E-CAP"]
    first, *_, last = problem.fixes
    assert first.endswith("meet everything")
    pairs = (part.split(" = ") for part in first.split(":")[0].split(", "))
    fields = {name: int(value) if value.isdigit() else value for name, value in pairs}
    better = evaluate(scenario.replace(**fields))
    assert [p for p in better.problems_of(*SERVED) if p.is_error] == []
    assert better.capacity.accelerators <= 16
    assert last.startswith("max_accelerators = ")


def test_where_nothing_works_within_the_limits_that_is_said() -> None:
    scenario = Scenario(**EIGHT, in_flight=50_000, replicas="auto", max_accelerators=16)
    (problem,) = [p for p in evaluate(scenario).problems if p.code == "E-CAP"]
    (only,) = problem.fixes
    assert "no other does it within the limit" in only
    assert "too few" not in str(problem)


def test_no_group_beyond_a_server_is_offered() -> None:
    scenario = Scenario(**EIGHT, in_flight=100, tpot_target_s=0.02)
    (problem,) = [p for p in evaluate(scenario).problems if p.code == "E-SLO"]
    assert not any("tensor_parallel = 16" in fix or "= 64" in fix for fix in problem.fixes)
    assert problem.fixes


def test_a_server_more_is_no_advice_where_it_is_a_multiple_of_the_need() -> None:
    fields = AGENTS | {"replicas": "auto", "accelerator": "gb300", "tensor_parallel": 2}
    (problem,) = [p for p in evaluate(Scenario(**fields)).problems if p.code == "W-SPARE"]
    assert [fix.split(" = ")[0] for fix in problem.fixes] == ["accelerators_per_server"]


# -- "auto" --------------------------------------------------------------------------------------


def auto(**fields: Any) -> Plan:
    return evaluate(Scenario(**({"accelerator": "auto"} | fields)))


def test_auto_takes_the_winner_and_remembers_the_runners_up() -> None:
    fields = {"precision": "fp8", "ttft_target_s": 1.0, "tpot_target_s": 0.05}
    plan, found = auto(**fields), search(Scenario(**fields), pipeline_parallel=[1], replicas=[1])
    assert found.smallest is not None
    names = ("accelerator", "tensor_parallel")
    assert plan.fixed == {name: found.smallest.fields[name] for name in names}
    assert [problem for problem in plan.problems_of(*SERVED) if problem.is_error] == []
    assert len(plan.chosen["runners_up"]) == 3
    assert plan.fixed["accelerator"] not in [r["accelerator"] for r in plan.chosen["runners_up"]]
    data = plan.to_dict()
    assert data["scenario"]["accelerator"] == "auto"
    assert json.loads(json.dumps(data, allow_nan=False))["chosen"] == plan.chosen
    assert "chosen" in str(plan)


def test_auto_equals_the_plan_of_what_it_chose() -> None:
    plan = auto(e2e_target_s=8.0, precision="fp8")
    same = evaluate(Scenario(e2e_target_s=8.0, precision="fp8", **plan.fixed))
    assert plan.serving == same.serving
    assert plan.memory == same.memory
    assert plan.resolved.to_dict() == same.scenario.to_dict()


def test_an_open_accelerator_leaves_the_split_open_unless_it_is_given() -> None:
    assert auto().scenario.to_dict()["tensor_parallel"] == "auto"
    fixed = auto(tensor_parallel=2)
    assert fixed.deployment.tensor_parallel == 2
    assert set(fixed.fixed) == {"accelerator"}
    assert Scenario(tensor_parallel=4).replace(accelerator="auto").to_dict()["tensor_parallel"] == 4


def test_an_automatic_split_meets_the_targets() -> None:
    fields = {"accelerator": "h100-sxm", "precision": "fp8", "in_flight": 100}
    loose, tight = (auto(**fields, tensor_parallel="auto", tpot_target_s=t) for t in (0.1, 0.025))
    assert loose.deployment.tensor_parallel == 2
    assert tight.deployment.tensor_parallel == 4
    assert tight.serving.tpot_s.base <= 0.025


def test_other_fields_hold_as_they_are() -> None:
    plan = auto(model="llama-3.1-405b", pipeline_parallel=2, replicas=2, data_parallel=1)
    assert plan.capacity.accelerators == plan.fixed["tensor_parallel"] * 2 * 2
    assert plan.memory.fits


def test_a_variant_of_an_automatic_plan_may_choose_otherwise() -> None:
    plan = auto(accelerator="a100-sxm-80", tensor_parallel="auto")
    assert plan.deployment.tensor_parallel == 4
    assert plan.variant(in_flight=1, precision="int4").deployment.tensor_parallel < 4
    assert plan.variant(tensor_parallel=8).fixed == {}


@pytest.mark.parametrize("target", ["ttft_target_s", "tpot_target_s", "e2e_target_s"])
def test_what_nothing_meets_names_the_floor_and_the_nearest_change(target: str) -> None:
    plan = auto(**{target: 1e-4})
    (problem,) = [problem for problem in plan.problems if problem.code == "E-SLO"]
    assert "physical floor" in problem.message
    assert any("nearest is" in fix or "output_tokens" in fix for fix in problem.fixes)
    assert plan.memory.fits
    assert not plan.chosen["runners_up"][0]["meets_targets"]


def test_what_fits_nowhere_still_gives_a_plan() -> None:
    plan = auto(model="deepseek-r1", gpu_memory_utilization=0.05, tensor_parallel=1)
    told = plan.problems_of("memory")
    assert [problem.code for problem in told if problem.is_error] == ["E-FIT"]
    assert plan.deployment.accelerator_name


def test_an_unknown_accelerator_is_never_replaced() -> None:
    with pytest.raises(InvalidInput, match="accelerator must be a known id, got 'h100'"):
        Scenario(accelerator="h100")
    with pytest.raises(InvalidInput, match="accelerator must be a known id, got 'Auto'"):
        Scenario(accelerator="Auto")

"""Plans: lazy, independent facets, a ledger of reads, and plain data."""

import json
import math
from collections import Counter
from functools import wraps
from typing import Any

import pytest

from llminfra import InvalidInput, MissingFact, Scenario, evaluate
from llminfra.catalog.loader import ids
from llminfra.facets import FACETS, SERVED
from llminfra.facets.base import Question
from llminfra.plan import Plan, facts_of
from llminfra.ranges import Range


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each facet was evaluated."""
    counted: Counter[str] = Counter()
    for question in FACETS:
        monkeypatch.setattr(question, "evaluate", counting(question, counted))
    return counted


def counting(question: Question[Any], counted: Counter[str]) -> Any:
    evaluate = question.evaluate

    @wraps(evaluate)  # so that it names the same earlier results
    def call(*args: Any, **earlier: Any) -> Any:
        counted[question.name] += 1
        return evaluate(*args, **earlier)

    return call


def test_nothing_is_evaluated_before_it_is_asked_for(calls: Counter[str]) -> None:
    plan = evaluate(Scenario(tensor_parallel=8))
    assert calls == {}
    assert plan.facts == []
    _ = plan.memory
    assert calls == {"deployment": 1, "demand": 1, "memory": 1}


def test_a_facet_is_evaluated_once_and_kept(calls: Counter[str]) -> None:
    plan = evaluate(Scenario(tensor_parallel=8))
    assert plan.memory is plan.memory
    _ = (plan.frame(), str(plan), plan.to_dict(), plan.problems)
    assert calls == dict.fromkeys((question.name for question in FACETS), 1)


def test_a_missing_fact_takes_its_own_facet_alone(calls: Counter[str], no_memory: str) -> None:
    plan = evaluate(Scenario(accelerator=no_memory, engine="llama.cpp"))
    for _ in range(2):
        with pytest.raises(MissingFact, match=r"epyc-9654\.memory_usable_bytes"):
            _ = plan.memory
    assert calls["memory"] == 1
    assert plan.capacity.in_flight.base == 100
    assert plan.deployment.accelerator_name == "EPYC 9654"
    # Requests at once follow from the places, and with them what is answered and paid in a month.
    lost = {"memory", "cost", "build_vs_api", "decision"}
    assert [name for name, _ in plan.results()] == [q.name for q in FACETS if q.name not in lost]
    (problem,) = plan.problems_of(*SERVED)
    assert problem.code == "E-DATA"
    assert "epyc-9654.memory_usable_bytes" in problem.message
    assert set(plan.frame()["facet"]) == {"demand", "replica", "capacity", "serving", "energy"}
    assert "memory" not in plan.to_dict()
    assert "E-DATA" in str(plan)


def test_an_automatic_split_without_memory_facts_takes_memory_alone(no_memory: str) -> None:
    plan = evaluate(Scenario(accelerator=no_memory, tensor_parallel="auto"))
    assert plan.capacity.in_flight.base == 100
    assert [problem.code for problem in plan.problems_of(*SERVED)].count("E-DATA") == 1


def test_the_missing_fact_can_be_given_as_the_message_says(no_memory: str) -> None:
    given = {"value": 768e9, "source": "data sheet", "as_of": "2026-10"}
    plan = evaluate(
        Scenario(accelerator=no_memory, facts={f"{no_memory}.memory_usable_bytes": given})
    )
    assert plan.memory.memory_bytes_per_accelerator.base == 768e9
    assert plan.memory.fits


def test_the_ledger_tells_which_facet_read_what() -> None:
    plan = evaluate(Scenario(tensor_parallel=8))
    _ = plan.memory, plan.capacity.requests_per_s
    users = {read.fact.key: read.users for read in plan.facts}
    assert users["a100-sxm-80.memory_usable_bytes"] == ["memory"]
    assert users["serving-dense.tpot_log_error"] == ["replica"]
    assert users["llama-3.3-70b.config"] == ["deployment"]


def test_what_memory_tells_of_stated_requests_reads_nothing_of_speed() -> None:
    plan = evaluate(Scenario(tensor_parallel=8))
    assert plan.problems_of("deployment", "capacity", "memory") == []
    _ = plan.frame(only="memory")
    assert not any({"serving"} & set(read.users) for read in plan.facts)
    assert not any(read.fact.key.startswith("serving-") for read in plan.facts)


def test_comparisons_are_noted_as_such() -> None:
    plan = evaluate(Scenario(tensor_parallel=8))
    _ = plan.variant(accelerator="h200-sxm").memory
    users = {read.fact.key: read.users for read in plan.facts}
    assert users["h200-sxm.memory_usable_bytes"] == ["comparison"]
    assert not any(key.startswith("a100-sxm-80.memory") for key in users)


def test_a_variant_changes_what_it_is_told_and_leaves_the_plan_alone() -> None:
    plan = evaluate(Scenario(tensor_parallel=8, title="t"))
    before = plan.memory.max_sequences.base
    changed = plan.variant(tensor_parallel=4)
    assert changed.memory.max_sequences.base < before
    assert changed.scenario.title == "t"
    assert plan.memory.max_sequences.base == before


def test_a_variant_may_replace_a_fact() -> None:
    given = {"value": 40e9, "source": "s", "as_of": "2026"}
    plan = evaluate(Scenario(tensor_parallel=8))
    _ = plan.memory
    changed = plan.variant(facts={"a100-sxm-80.memory_usable_bytes": given})
    assert changed.memory.memory_bytes_per_accelerator.base == 40e9


def test_variants_share_the_draws() -> None:
    plan = evaluate(Scenario(tensor_parallel=8, prompt_tokens=[300, 400, 500]))
    difference = plan.memory.kv_pool_tokens - plan.variant(replicas=2).memory.kv_pool_tokens
    assert (difference.low, difference.high) == (0.0, 0.0)


def test_auto_takes_the_fewest_that_hold_the_load() -> None:
    plan = evaluate(Scenario(tensor_parallel="auto"))
    assert plan.deployment.tensor_parallel == 4
    assert plan.fixed == {"tensor_parallel": 4}
    assert plan.memory == evaluate(Scenario(tensor_parallel=4)).memory
    assert plan.problems_of(*SERVED) == []


def test_auto_takes_one_where_one_is_enough() -> None:
    plan = evaluate(Scenario(model="qwen3-0.6b", tensor_parallel="auto", in_flight=1))
    assert plan.deployment.tensor_parallel == 1


def test_auto_takes_something_where_nothing_is_enough() -> None:
    tight = {"accelerator": "rtx4090", "gpu_memory_utilization": 0.05}
    plan = evaluate(Scenario(model="llama-3.1-405b", tensor_parallel="auto", **tight))
    assert [problem.code for problem in plan.problems if problem.is_error] == ["E-FIT"]


def test_what_was_chosen_is_in_the_plain_data_however_it_is_asked() -> None:
    chosen = evaluate(Scenario(tensor_parallel="auto")).to_dict()["chosen"]
    assert chosen["tensor_parallel"] == 4
    assert [other["tensor_parallel"] for other in chosen["runners_up"]] == [8, 2, 1]


def finite(value: Any) -> bool:
    if isinstance(value, dict):
        return all(map(finite, value.values()))
    if isinstance(value, list):
        return all(map(finite, value))
    return not isinstance(value, float) or math.isfinite(value)


@pytest.mark.parametrize("model", ids("model")[::11])
def test_plain_data_is_json_with_finite_numbers(model: str) -> None:
    plan = evaluate(Scenario(model=model, prompt_tokens=[100, 200, 300], output_tokens=100))
    data = plan.to_dict()
    assert finite(data)
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert set(data["memory"]["weight_bytes"]) == {"low", "base", "high", "unit"}
    assert data["facts"]
    assert all(fact["source"] and fact["used_by"] for fact in data["facts"])


def test_advice_on_a_goal_is_sought_once() -> None:
    asked = []
    missing = Scenario(tensor_parallel=2, precision="fp8", in_flight=600)
    plan = Plan(missing, facts=facts_of(missing), advise=lambda _, goal: asked.append(goal) or "x")
    assert plan.problems == plan.problems
    assert len(asked) == len(set(asked)) > 0


def test_the_same_scenario_gives_the_same_data() -> None:
    first, second = (evaluate(Scenario(tensor_parallel="auto")).to_dict() for _ in range(2))
    assert json.dumps(first) == json.dumps(second)


def test_a_frame_is_tidy() -> None:
    plan = evaluate(Scenario(tensor_parallel=8))
    frame = plan.frame()
    assert list(frame) == ["facet", "name", "unit", "low", "base", "high", "source"]
    assert not frame.duplicated(["facet", "name"]).any()
    assert (frame["low"] <= frame["base"]).all()
    assert (frame["base"] <= frame["high"]).all()
    assert (frame["unit"] != "").all()
    rows = frame.set_index("name")
    assert rows.loc["weight_bytes", "base"] == plan.memory.weight_bytes.base
    assert set(plan.frame(only="memory")["facet"]) == {"memory"}


def test_every_quantity_names_its_source() -> None:
    frame = evaluate(Scenario(tensor_parallel=8, in_flight=100)).frame()
    assert frame.loc[frame["source"] == "", "name"].to_list() == []


def test_a_frame_of_a_facet_that_does_not_exist_is_refused() -> None:
    with pytest.raises((LookupError, InvalidInput)):
        evaluate(Scenario()).frame(only="memry")


def test_the_card_fits_one_screen() -> None:
    card = str(evaluate(Scenario(tensor_parallel=8, title="Assistant")))
    lines = card.splitlines()
    assert lines[0] == "Assistant"
    assert len(lines) <= 50
    assert max(map(len, lines)) <= 100
    assert f"{'weight_bytes':<31} 141.1\u202fGB (131.4\u202fGiB)" in card
    assert "nan" not in card
    assert "None" not in card


def test_the_card_tells_problems_and_what_helps() -> None:
    card = str(evaluate(Scenario()))
    assert "E-FIT: Llama 3.3 70B on 1 × A100 80 GB does not fit" in card
    assert card.count("  → ") == 3


def test_results_are_ranges_with_a_band() -> None:
    held = evaluate(Scenario(tensor_parallel=8)).memory.max_sequences
    assert isinstance(held, Range)
    assert held.low < held.base < held.high

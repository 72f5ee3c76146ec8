"""Advice: what it reads it reads through the plan's facts, and what it offers reaches the goal."""

from typing import Any

import pytest

from llminfra import Plan, Scenario, evaluate, nearest_changes, search
from llminfra.explain.candidates import (
    FOR_PROMPTS,
    FOR_ROOM,
    FOR_SPEED,
    candidates,
    larger_accelerators,
)
from llminfra.explain.changes import fixes
from llminfra.facets import SERVED
from llminfra.facets.base import Goal

# A card of 24 GB with more memory soldered on than any other has.
SOLDERED = {"value": 9e11, "source": "workshop", "as_of": "2026-10-01"}
SHORT: dict[str, Any] = {"model": "llama-3.1-8b", "in_flight": 1500}


def plan(**fields: Any) -> Plan:
    return evaluate(Scenario(**fields))


def test_a_stated_fact_counts_in_search_and_in_advice() -> None:
    own = {"rtx4090.memory_usable_bytes": SOLDERED}
    crowd = SHORT | {"in_flight": 5000}
    stated, bare = plan(**crowd, facts=own), plan(**crowd)
    one: Any = {"accelerators": ["rtx4090"], "counts": [1]}
    held = [search(p, **one).row(0).max_sequences for p in (stated, bare)]
    assert held[0] > 5000 > held[1]
    assert "rtx4090" in larger_accelerators(stated, stated.facts_read_by("test"))
    offered = [change.fields.get("accelerator") for change in nearest_changes(stated, most=9)]
    assert "rtx4090" in offered
    assert "rtx4090" not in str(nearest_changes(bare, most=9))


def test_boards_are_named_to_who_has_one_alone() -> None:
    offered = larger_accelerators(rack := plan(), rack.facts_read_by("test"))
    assert "h200-sxm" in offered
    assert not {"jetson-thor", "gb10", "m3-ultra"} & set(offered)
    board = plan(model="llama-3.1-8b", accelerator="jetson-orin-64")
    old = plan(model="llama-3.1-8b", accelerator="tesla-p40")
    assert "rtx2080" not in larger_accelerators(old, old.facts_read_by("test"))
    assert "jetson-thor" in larger_accelerators(board, board.facts_read_by("test"))


def test_what_advice_looked_at_has_a_digest_and_what_it_tried_a_name() -> None:
    asked = plan(**SHORT)
    before = asked.digests
    assert asked.problems[0].code == "E-LOAD"
    assert asked.digests.keys() - before.keys() == {"comparison"}
    tried = {read.fact.key for read in asked.facts if "comparison" in read.users}
    assert "bf16.bits_per_weight" in tried
    assert "mi355x.vendor" not in tried, "it was looked at, and not tried"


@pytest.mark.parametrize("kinds", [FOR_ROOM, FOR_SPEED, FOR_PROMPTS], ids=["room", "speed", "read"])
def test_candidates_are_scenarios_of_their_own(kinds: Any) -> None:
    pair = {"prefill_workers": 1, "decode_workers": 1} if kinds is FOR_PROMPTS else {}
    asked = plan(
        model="qwen3-32b", accelerator="h100-sxm", tensor_parallel=2, in_flight=5000, **pair
    )
    tried = list(candidates(asked, kinds))
    assert len(tried) > 4
    assert all(
        any(getattr(asked.resolved, name) != value for name, value in candidate.fields.items())
        for candidate in tried
    )


def test_a_prefill_worker_gets_the_smallest_split_with_room_for_a_prompt() -> None:
    asked = plan(
        accelerator="h100-sxm", tensor_parallel=4, prefill_workers=1, decode_workers=1,
        prefill_tensor_parallel=1, in_flight=10,
    )  # fmt: skip
    (fix,) = fixes(asked, Goal("prompt"))
    n = int(fix.split(" = ")[1].split(":")[0])
    room = asked.variant(prefill_tensor_parallel=n).memory.prefill
    assert room is not None
    assert room.fits


def test_a_plan_alone_names_goals_and_no_fixes() -> None:
    alone = Plan(Scenario(**SHORT), facts=plan(**SHORT).facts_read_by("test"))
    (problem,) = alone.problems_of(*SERVED)
    assert (problem.goal, problem.fixes) == (Goal("load"), ())


def test_a_fact_of_the_scenario_reaches_the_advice() -> None:
    """Memory that was soldered on holds the model on fewer of the same accelerators."""
    fields = {"model": "llama-3.3-70b", "accelerator": "rtx4090", "tensor_parallel": 1}
    own = {"value": 96e9, "source": "soldered", "as_of": "2026-01-01"}
    as_sold, soldered = (
        nearest_changes(evaluate(Scenario(**fields, facts=facts)))
        for facts in ({}, {"rtx4090.memory_usable_bytes": own})
    )
    fewest = [
        min(c.fields["tensor_parallel"] for c in found if set(c.fields) == {"tensor_parallel"})
        for found in (as_sold, soldered)
    ]
    assert fewest == [16, 4]

"""The decision: one answer in the order of the questions, and the same numbers as its facets."""

import datetime as dt
import math
from typing import Any

import numpy as np
import pytest

from llminfra import Plan, Scenario, evaluate
from llminfra.errors import ImpossibleCombination, InvalidInput, MissingFact
from llminfra.facets.compliance.inputs import DATA_CLASSES, POLICIES
from llminfra.facets.cost import SELF_RUN
from llminfra.facets.decision import ANSWERS, CRITERIA, group_of
from llminfra.facets.deployment import OPTIONS

SERVER: dict[str, Any] = {"tensor_parallel": 8, "in_flight": 100, "region": "DE"}
SIGNED = dict.fromkeys(("api_processor_contract", "api_eu_processing", "api_zero_retention"), "yes")


def plan(**fields: Any) -> Plan:
    return evaluate(Scenario(**SERVER | fields))


def test_tokens_where_an_api_is_cheapest() -> None:
    found = plan()
    assert (found.decision.recommendation, found.decision.option) == ("api", "api_same_model")
    assert found.decision.probability is not None
    assert found.decision.probability >= 0.8
    assert found.decision.option == found.cost.possible[0].name


def test_gates_come_before_money() -> None:
    open_, closed = plan(), plan(data_classes=["special"], api_zero_retention="no")
    assert open_.decision.option in closed.compliance.blocked
    assert closed.decision.recommendation != "api"
    assert [stage.name for stage in closed.decision.stages] == ["Gates", "Feasibility", "Quality"]
    assert set(closed.decision.stages[0].removed) == set(closed.compliance.blocked)
    signed = plan(data_classes=["special"], **SIGNED)
    assert signed.decision.recommendation == "api"


def test_a_floor_of_quality_removes_before_money() -> None:
    found = plan(quality_self=0.9, quality_api=0.7, quality_floor=0.8).decision
    assert set(found.stages[2].removed) == {"provisioned", "api_same_model", "api_frontier"}
    assert found.recommendation not in ("api", "wait")


def test_all_blocked_is_none_open_with_its_reason() -> None:
    found = plan(policies=["no_network"], allowed_options=["api_same_model"])
    assert found.decision.recommendation == "none open"
    assert found.decision.option == ""
    assert found.decision.probability is None
    assert "E-GATE" in {problem.code for problem in found.problems}


def test_what_was_asked_for_is_followed() -> None:
    found = plan(hosting="owned").decision
    assert (found.recommendation, found.option, found.is_asked) == ("owned", "owned", True)


def test_one_waits_where_the_month_and_the_years_disagree() -> None:
    """Own machines win this month; prices of tokens that fall fast win the years."""
    found = plan(
        allowed_options=["on_demand", "api_same_model"],
        **{"api_usd_per_mtok_input": 3.0, "api_usd_per_mtok_output": 3.0, "api_price_drift": -0.8},
    ).decision
    assert found.candidates[0].name == "on_demand"
    assert found.recommendation == "wait"
    assert found.probability is not None
    assert found.runner_up is not None


def test_without_prices_there_is_no_recommendation() -> None:
    found = evaluate(Scenario(tensor_parallel=8))

    def unpriced(_: Plan) -> Any:
        raise MissingFact("no prices of this country")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Plan, "cost", property(unpriced))
        with pytest.raises(MissingFact, match="no prices of this country"):
            _ = found.decision


def _result(found: Plan, name: str) -> Any:
    try:
        return getattr(found, name)
    except MissingFact as reason:
        return reason


@pytest.mark.parametrize(
    "fields",
    [{}, {"hosting": "colocated"}, {"hosting": "on_demand"}, {"policies": ["inside"]}],
    ids=str,
)
def test_it_agrees_with_its_facets_to_the_last_digit(fields: dict[str, Any]) -> None:
    found = plan(**fields)
    followed, hosting = found.decision.chosen_option, found.cost.hosting
    assert followed is not None
    assert followed is found.cost[found.decision.option]
    if found.cost[hosting].feasible:
        facility = {"owned": "own", "colocated": "colocation"}.get(hosting, "cloud")
        tonnes = found.decision.tonnes_per_year(hosting)
        if found.energy.facility_class == facility:
            whole = found.energy.use_kg_co2e_per_year + found.energy.embodied_kg_co2e_per_year
            assert tonnes is not None
            assert tonnes.base == whole.base / 1e3
        assert found.decision.availability(hosting) is found.capacity.availability
    if found.decision.recommendation == "api" and found.build_vs_api.main is not None:
        finite = [f for f in found.build_vs_api.flips if math.isfinite(f.distance)]
        nearest = sorted(finite, key=lambda f: f.name == "api_price_drift")[:2]
        assert [(f.name, f.threshold) for f in found.decision.flips] == [
            (f.name, f.threshold) for f in nearest
        ]


def test_a_threshold_of_two_own_ways_makes_both_cost_the_same() -> None:
    found = plan(allowed_options=["owned", "on_demand"]).decision
    first, second = found.chosen_option, found.runner_up
    assert first is not None
    assert second is not None
    own, rent = found.flips
    assert (own.words, rent.words) == (first.name, second.name)
    grown = first.usd_per_month.base - own.value + own.threshold
    assert grown == pytest.approx(second.usd_per_month.base)
    assert second.usd_per_month.base - rent.value + rent.threshold == pytest.approx(
        first.usd_per_month.base
    )


def test_what_is_not_in_money_is_scored_with_its_weights() -> None:
    found = plan().decision
    assert found.weights == dict.fromkeys(CRITERIA, 0.25)
    assert all(0 <= p <= 1 for score in found.scores for p in score.points.values())
    place = plan(score_weights={"place": 1.0}).decision
    assert place.scores[0].option in ("owned", "colocated")
    assert place.score_leaders["place"] == place.scores[0].option
    assert place.recommendation == found.recommendation  # money decides


def test_the_next_look_is_a_day() -> None:
    assert plan(as_of=dt.date(2026, 11, 23)).decision.look_again_on == dt.date(2027, 11, 23)
    earlier = plan(as_of=dt.date(2027, 6, 1), ai_use="annex_iii").decision
    assert earlier.look_again_on == dt.date(2027, 12, 2)
    short = plan(as_of=dt.date(2026, 8, 31), review_months=6).decision
    assert short.look_again_on == dt.date(2027, 2, 28)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"score_weights": {"place": 0.5}}, "score_weights must sum to 1"),
        ({"score_weights": {"plac": 1}}, "closest: place"),
        ({"quality_floor": 0.8}, "quality_floor must go with quality_self"),
    ],
)
def test_wrong_fields_are_refused(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        Scenario(**fields)


def drawn(rng: np.random.Generator) -> dict[str, Any]:
    def some(names: Any, most: int) -> list[str]:
        return [str(n) for n in rng.choice(names, size=rng.integers(0, most + 1), replace=False)]

    return {
        "model": str(rng.choice(["llama-3.3-70b", "llama-3.1-8b", "gpt-oss-120b"])),
        "accelerator": str(rng.choice(["a100-sxm-80", "h100-sxm", "l40s"])),
        "tensor_parallel": int(rng.choice([1, 2, 8])),
        "in_flight": int(rng.integers(0, 300)),
        "region": str(rng.choice(["US", "DE", "FR"])),
        "data_classes": some(DATA_CLASSES, 2),
        "policies": some(POLICIES[1:], 2),
        "api_zero_retention": str(rng.choice(["unknown", "yes", "no"])),
        "hosting": str(rng.choice(["auto", "auto", "auto", "owned", "spot"])),
        "allowed_options": some(OPTIONS, 4) or None,
    }


def test_any_scenario_has_one_recommendation_and_never_a_blocked_option() -> None:
    rng, answers = np.random.default_rng(18), set()
    for _ in range(60):
        fields = drawn(rng)
        try:
            found = evaluate(Scenario(**fields))
            decision = found.decision
        except (ImpossibleCombination, MissingFact):
            continue
        answers.add(decision.recommendation)
        assert decision.recommendation in ANSWERS, fields
        assert decision.option not in found.compliance.blocked, fields
        allowed = fields["allowed_options"] or OPTIONS
        if decision.option:
            assert decision.option in allowed
            assert found.cost[decision.option].is_possible
            if decision.recommendation not in ("wait", "hybrid"):
                assert decision.recommendation == group_of(decision.option)
            assert decision.probability is None or 0 <= decision.probability <= 1
        if all(option in found.compliance.blocked for option in allowed):
            assert decision.recommendation == "none open", fields
            assert "E-GATE" in {p.code for p in found.problems_of("compliance")}
    assert {"api", "owned", "none open", "wait"} <= answers


def test_machines_that_do_not_carry_the_load_are_not_recommended() -> None:
    """Their month is that of a service which falls ever further behind."""
    asked = {"model": "llama-3.3-70b", "accelerator": "h100-sxm", "tensor_parallel": 4}
    small = evaluate(Scenario(**asked, requests_per_s=40))
    assert small.capacity.is_unstable
    assert small.cost["on_demand"].shortfall == "replicas = 1 does not carry the load, 4 would"
    assert all(o.name not in SELF_RUN for o in small.cost.possible)
    assert small.decision.recommendation == "api"
    enough = evaluate(Scenario(**asked, requests_per_s=40, replicas=4))
    assert not enough.capacity.is_unstable
    assert enough.cost["on_demand"].is_possible


def test_machines_whose_memory_does_not_hold_the_load_are_not_recommended() -> None:
    found = plan(in_flight=20_000)
    assert "E-LOAD" in [problem.code for problem in found.problems]
    assert found.cost["owned"].shortfall.startswith("replicas = 1 does not carry the load, ")
    assert group_of(found.decision.option) == "api"


def test_tokens_are_not_priced_where_nobody_knows_their_number() -> None:
    """Requests in flight send as many as the machines allow: on those that run nothing, none."""
    small = {"model": "deepseek-r1", "accelerator": "rtx4090", "tensor_parallel": 2}
    unknown = evaluate(Scenario(**small, in_flight=10))
    assert not unknown.cost["api_same_model"].feasible
    assert "state requests_per_s" in unknown.cost["api_same_model"].reason
    assert (unknown.decision.recommendation, unknown.decision.option) == ("wait", "")
    known = evaluate(Scenario(**small, requests_per_s=2))
    assert known.cost["api_same_model"].usd_per_month > 1000
    assert known.decision.recommendation == "api"


def test_what_turns_two_apis_is_their_tokens() -> None:
    processor = {"model": "llama-3.1-8b", "accelerator": "epyc-9654", "engine": "llama.cpp"}
    found = evaluate(Scenario(**processor, precision="q4_k_m", in_flight=2)).decision
    assert [turn.name for turn in found.flips] == ["tokens_usd_per_month"] * 2


def test_a_contract_on_processing_in_the_eu_is_priced_wherever_it_is_asked_from() -> None:
    signed = dict.fromkeys(
        ("api_processor_contract", "api_eu_processing", "api_zero_retention"), "yes"
    )
    asked: dict[str, Any] = {
        "tensor_parallel": 8,
        "active_users": 100,
        "data_classes": ["personal"],
    }
    plain, locked = (evaluate(Scenario(**asked, **more)).cost for more in ({}, signed))
    assert plain["api_same_model"].price_source.startswith("novita")
    assert locked["api_same_model"].price_source.startswith("ovhcloud")
    ratio = locked["api_frontier"].parts["tokens"].base / plain["api_frontier"].parts["tokens"].base
    assert ratio == pytest.approx(1.1)


def test_while_one_waits_nothing_is_bought_or_signed_for_long() -> None:
    fields = {"data_classes": ["special"], "api_zero_retention": "no", "active_users": 100}
    waiting = evaluate(Scenario(tensor_parallel=8, **fields)).decision
    assert waiting.recommendation == "wait"
    option = waiting.chosen_option
    assert option is not None
    assert option.purchase_usd.base == option.commitment_months == 0
    # Where each way binds, one of them is taken.
    bound = plan(allowed_options=["owned", "colocated"]).decision
    assert bound.recommendation == "owned"

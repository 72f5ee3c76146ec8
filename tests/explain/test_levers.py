"""Levers: recomputed alone and together, with every difference between both accounted for."""

import math
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llminfra import InvalidInput, Plan, Scenario, evaluate
from llminfra.explain.levers import AIMS, WORTH, Added, Lever, Levers, Pull, levers
from llminfra.explain.shifted import shifted
from llminfra.facets.demand import PROFILES
from llminfra.present import Pulled

CASES = {
    "office": {"accelerator": "h100-sxm", "tensor_parallel": 4, "named_users": 500, "region": "DE",
               "hosting": "on_demand"},
    "chat": {"tensor_parallel": 8, "active_users": 100},
    "whole": {"tensor_parallel": 4, "in_flight": 60, "prompt_tokens": 4000, "replicas": "auto",
              "hosting": "on_demand"},
}  # fmt: skip
ASKED = [("office", "cost"), ("whole", "energy"), ("chat", "latency")]
LEFT_OUT = {"whole": ("model", "prune", "attention", "accelerator", "hours")}


def named(found: Levers, words: str) -> Pull:
    (pull,) = [p for p in found.alone if p.lever.words.startswith(words)]
    return pull


@cache
def levers_of(case: str, aim: str) -> Levers:
    return levers(evaluate(Scenario(**CASES[case])), aim, without=LEFT_OUT.get(case, ()))


@pytest.fixture(scope="module", params=ASKED, ids="-".join)
def found(request: pytest.FixtureRequest) -> Levers:
    return levers_of(*request.param)


def amount(plan: Plan, aim: str) -> float:
    facet, name = AIMS[aim].split(".")
    return float(getattr(getattr(plan, facet), name).base)


def test_steps_lead_from_now_to_the_plan_with_all_of_them(found: Levers) -> None:
    assert found.now == amount(found.start, found.aim)
    moved = sum(stage.moved for stage in found.together)
    assert found.now + moved == pytest.approx(amount(found.end, found.aim))
    assert found.saved == pytest.approx(1 - amount(found.end, found.aim) / found.now)
    assert all(-stage.moved >= WORTH * found.now for stage in found.together)


def test_together_they_save_the_sum_less_what_more_than_one_saves(found: Levers) -> None:
    pulled = [stage.lever for stage in found.together]
    assert 0 < found.saved <= found.saved_alone + found.only_together + 1e-9
    assert found.saved == pytest.approx(found.saved_alone - found.saved_twice + found.only_together)
    assert len({lever.group for lever in pulled}) == len(pulled)


def test_what_is_saved_only_together_is_told_with_its_reason(found: Levers) -> None:
    said = Pulled(found).sum_words
    assert ("is saved only together" in said) == (found.only_together > 0)
    if found.only_together:
        assert found.helped is not None
        assert found.helped.idle_alone > found.helped.idle_on_top
        assert "accelerators come whole" in said
    rows = {row["cells"][0] for row in Pulled(found).table().rows}
    assert ("Only together" in rows) == (found.only_together > 0)
    assert ("Saved by more than one" in rows) == (found.saved_twice > 1e-9)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=6))
def test_what_is_saved_together_is_accounted_for(parts: list[tuple[float, float]]) -> None:
    """Of any levers: alone in sum, less what several save, more what is saved only together."""
    named = [(Lever(str(i), str(i), {}, ""), *part) for i, part in enumerate(parts)]
    alone = tuple(Pull(lever, None, saved) for lever, saved, _ in named)
    added = tuple(Added(lever, None, -200 * more) for lever, _, more in named)  # type: ignore[arg-type]
    found = Levers("cost", None, 200.0, alone, added, ())  # type: ignore[arg-type]
    moved = found.saved_alone - found.saved_twice + found.only_together
    assert found.saved == pytest.approx(moved, abs=1e-9)
    assert min(found.saved_twice, found.only_together) == 0
    if found.only_together > 1e-9:
        assert found.helped is not None
        assert found.helped.on_top > found.helped.alone


def test_a_service_is_its_plan_where_nothing_stands_beside(found: Levers) -> None:
    for pull in found.alone:
        service = pull.service
        if service is None or service.beside is not None or service.monthly:
            continue
        assert service.amount(AIMS[found.aim]) == amount(service.plan, found.aim)


def test_the_order_of_the_levers_does_not_matter(found: Levers) -> None:
    layout = {n: getattr(found.end.scenario, n) for n in ("tensor_parallel", "replicas")}
    plan = found.start.variant(**layout)
    for stage in reversed(found.together):
        plan = plan.variant(**{k: v for k, v in stage.lever.fields.items() if k not in layout})
    assert amount(plan, found.aim) == pytest.approx(amount(found.end, found.aim))


def test_first_is_the_strongest_of_those_that_are_pulled(found: Levers) -> None:
    pulled = [p for p in found.alone if found.verdict(p) == "pull it"]
    assert found.first is pulled[0]
    assert len(pulled) == len(found.together)
    small = [p for p in found.alone if found.verdict(p) == "not worth it here"]
    assert all(p.saved < WORTH for p in small)


def test_a_format_that_the_card_lacks_claims_no_faster_arithmetic() -> None:
    found = levers(evaluate(Scenario(tensor_parallel=8)), "latency")
    (fp8,) = [p for p in found.alone if p.lever.fields == {"precision": "fp8"}]
    assert "has no FP8 arithmetic" in fp8.note
    assert fp8.plan is not None
    now, then = found.start.serving.ttft_s.base, fp8.plan.serving.ttft_s.base
    assert then >= 0.95 * now  # reading a prompt is arithmetic


def test_what_is_left_out_is_shown_and_not_pulled() -> None:
    found = levers(evaluate(Scenario(tensor_parallel=8)), "latency", without=("model",))
    others = [p for p in found.alone if p.lever.group == "model"]
    assert {found.verdict(p) for p in others} == {"left out as asked"}
    pulled = [stage.lever for stage in found.together]
    assert not any(p.lever in pulled for p in others)
    assert "instead would save" in Pulled(found).beyond


# -- other models, parts of the load, other attention ------------------------------------------


@pytest.fixture(scope="module")
def office() -> Levers:
    return levers(evaluate(Scenario(**CASES["office"])), "cost", easy=0.6, waiting=0.5)


def test_a_router_is_two_services_at_their_share_of_the_load(office: Levers) -> None:
    pull = named(office, "A router: 60% to ")
    service = pull.service
    assert service is not None
    assert service.beside is not None
    loads = [plan.demand.stated.base for plan in (service.plan, service.beside)]
    whole = office.start.demand.stated.base
    assert loads == pytest.approx([0.4 * whole, 0.6 * whole])
    assert service.beside.scenario.model == "llama-3.1-8b"
    months = [plan.cost.usd_per_month.base for plan in (service.plan, service.beside)]
    decided = service.monthly["cost.usd_per_month"]
    assert decided == pytest.approx(1e-4 * office.start.cost.requests_per_month.base)
    assert service.amount("cost.usd_per_month") == pytest.approx(sum(months) + decided)


def test_the_time_of_a_routed_answer_is_the_mean_over_the_requests() -> None:
    found = levers(evaluate(Scenario(**CASES["chat"])), "latency", easy=0.25)
    service = named(found, "A router").service
    assert service is not None
    assert service.beside is not None
    large, small = (plan.serving.e2e_s.base for plan in (service.plan, service.beside))
    assert service.amount("serving.e2e_s") == pytest.approx(0.75 * large + 0.25 * small)


def test_a_batch_lane_lowers_the_peak_and_keeps_the_month(office: Levers) -> None:
    plan = named(office, "A batch lane for 50%").plan
    assert plan is not None
    assert plan.scenario.peak_factor == 1.5
    assert plan.cost.requests_per_month.base == pytest.approx(
        office.start.cost.requests_per_month.base
    )


def test_a_batch_lane_fills_quiet_hours_of_a_week_and_none_that_are_off() -> None:
    found = shifted(evaluate(Scenario(tensor_parallel=8, load_profile="office")), 0.3)
    before, after = PROFILES["office"], found["load_profile"]
    peak = found["in_flight"] / 100
    assert peak < 1
    assert max(after) == 1
    assert sum(after) * peak == pytest.approx(sum(before), rel=1e-6)
    assert all((a > 0) == (b > 0) for a, b in zip(after, before, strict=True))


def test_a_flat_load_has_nothing_to_move_and_a_seller_has_a_lane() -> None:
    flat = levers_of("chat", "latency")
    assert named(flat, "A batch lane").plan is None
    assert "no peaks" in flat.verdict(named(flat, "A batch lane"))
    bought = evaluate(Scenario(tensor_parallel=8, hosting="api_same_model"))
    assert shifted(bought, 0.3) == {"batch_fraction": 0.3}


def test_distilling_costs_what_the_training_report_says(office: Levers) -> None:
    alone, learnt = named(office, "llama-3.1-8b instead"), named(office, "llama-3.1-8b distilled")
    assert learnt.saved < alone.saved
    assert learnt.service is not None
    taught = office.start.variant(
        model="llama-3.1-8b",
        tensor_parallel=1,
        training_method="distil",
        training_teacher="llama-3.3-70b",
        training_tokens=1e9,
    )
    spread = taught.training.run_usd.base / 36
    assert learnt.service.monthly["cost.usd_per_month"] == pytest.approx(spread)


def test_pruned_layers_are_gone_and_zeros_save_nothing(office: Levers) -> None:
    pruned, zeros = named(office, "A fifth of the layers"), named(office, "Half of the weights")
    assert pruned.plan is not None
    assert pruned.plan.deployment.architecture.n_layers == 64
    assert pruned.plan.deployment.model_name == "Llama 3.3 70B, pruned to 64 layers"
    assert zeros.plan is None
    assert "no figure" in office.verdict(zeros)


def test_a_changed_attention_keeps_less_of_a_long_text() -> None:
    plan = evaluate(Scenario(tensor_parallel=8, prompt_tokens=60_000, in_flight=2))
    kept = {
        change: plan.variant(attention_change=change).deployment.architecture.cache_bytes(
            60_000, bytes_per_value=2
        )
        for change in ("none", "windows", "latent", "states")
    }
    assert kept["windows"] < kept["latent"] < kept["states"] < kept["none"]
    assert (
        plan.variant(attention_change="windows")
        .cost["api_same_model"]
        .reason.startswith("nobody sells")
    )


def test_a_change_that_finds_no_layer_is_one_line() -> None:
    with pytest.raises(InvalidInput, match="keep keys and values of all") as error:
        Scenario(model="deepseek-r1", attention_change="latent", tensor_parallel=8)
    assert "\n" not in str(error.value)


def test_an_own_loss_of_quality_keeps_a_lever_from_being_pulled() -> None:
    plan = evaluate(Scenario(tensor_parallel=8))
    asked = {"model": 0.0, "weights": 0.03, "accelerator": 0.01}
    found = levers(plan, "latency", losses=asked)
    int4 = named(found, "Weights in 4 bits")
    assert found.verdict(int4) == "loses more quality than allowed"
    assert found.quality(int4).startswith("3.0% in your own test; published: ")
    assert not any(stage.lever.group == "weights" for stage in found.together)


def test_a_model_that_does_not_fit_has_no_levers() -> None:
    found = levers(evaluate(Scenario(tensor_parallel=1)))
    assert (found.alone, found.together, found.first) == ((), (), None)
    assert not Pulled(found).is_known


@pytest.mark.parametrize(
    "wrong",
    [
        *({"aim": "speed"}, {"without": ("modell",)}, {"without": "model"}),
        *({"losses": {"weight": 0.1}}, {"losses": {"weights": -1}}, {"losses": {"weights": "a"}}),
        *({"losses": 0.1}, {"losses": ["weights"]}, {"without": 3}, {"without": None}),
        *({"shared_prefix": 2}, {"easy": -1}, {"waiting": math.nan}, {"distilled_tokens": 0}),
        *({"distilled_tokens": wrong} for wrong in ("a", None, True, math.inf)),
    ],
)
def test_what_there_is_not_is_one_line(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidInput, match="must be"):
        levers(evaluate(Scenario(tensor_parallel=8)), **wrong)  # type: ignore[arg-type]

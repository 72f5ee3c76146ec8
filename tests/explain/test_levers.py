"""Levers: recomputed alone and together, and never more together than the sum of both."""

import pytest

from llminfra import InvalidInput, Plan, Scenario, evaluate
from llminfra.explain.levers import AIMS, WORTH, Levers, levers
from llminfra.present import Pulled

CASES = {
    "office": {"accelerator": "h100-sxm", "tensor_parallel": 4, "named_users": 500, "region": "DE",
               "hosting": "on_demand"},
    "chat": {"tensor_parallel": 8, "active_users": 100},
}  # fmt: skip
ASKED = [("office", "cost"), ("office", "energy"), ("chat", "latency")]


@pytest.fixture(scope="module", params=ASKED, ids="-".join)
def found(request: pytest.FixtureRequest) -> Levers:
    case, aim = request.param
    return levers(evaluate(Scenario(**CASES[case])), aim)


def amount(plan: Plan, aim: str) -> float:
    facet, name = AIMS[aim].split(".")
    return float(getattr(getattr(plan, facet), name).base)


def test_steps_lead_from_now_to_the_plan_with_all_of_them(found: Levers) -> None:
    assert found.now == amount(found.start, found.aim)
    moved = sum(stage.moved for stage in found.together)
    assert found.now + moved == pytest.approx(amount(found.end, found.aim))
    assert found.saved == pytest.approx(1 - amount(found.end, found.aim) / found.now)
    assert all(-stage.moved >= WORTH * found.now for stage in found.together)


def test_together_they_save_no_more_than_the_sum_of_each_alone(found: Levers) -> None:
    pulled = [stage.lever for stage in found.together]
    alone = sum(pull.saved for pull in found.alone if pull.lever in pulled)
    assert 0 < found.saved <= alone + 1e-9
    assert len({lever.group for lever in pulled}) == len(pulled)


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
    (fp8,) = [p for p in found.alone if p.lever.fields.get("precision") == "fp8"]
    assert "has no FP8 arithmetic" in fp8.note
    assert fp8.plan is not None
    now, then = found.start.serving.ttft_s.base, fp8.plan.serving.ttft_s.base
    assert then >= 0.95 * now  # reading a prompt is arithmetic


def test_what_is_left_out_is_shown_and_not_pulled() -> None:
    found = levers(evaluate(Scenario(tensor_parallel=8)), "latency", without=("model",))
    (small,) = [p for p in found.alone if p.lever.group == "model"]
    assert found.verdict(small) == "left out as asked"
    assert small.lever not in [stage.lever for stage in found.together]
    assert "instead would save" in Pulled(found).beyond


def test_a_model_that_does_not_fit_has_no_levers() -> None:
    found = levers(evaluate(Scenario(tensor_parallel=1)))
    assert (found.alone, found.together, found.first) == ((), (), None)
    assert not Pulled(found).is_known


@pytest.mark.parametrize("wrong", [{"aim": "speed"}, {"without": ("modell",)}])
def test_unknown_names_are_one_line(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidInput, match="must be"):
        levers(evaluate(Scenario(tensor_parallel=8)), **wrong)  # type: ignore[arg-type]

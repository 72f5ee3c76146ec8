"""Levers over many services: steps sum, order does not matter, the sum alone is accounted for."""

from functools import cache
from itertools import permutations
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llminfra import Scenario, evaluate
from llminfra.explain.lever_list import LAYOUT
from llminfra.explain.levers import AIMS, WORTH, Levers, levers
from llminfra.explain.service import Service, service_of
from llminfra.present import Pulled

ALL_BUT_MODELS = ("model", "prune", "attention")
# Fitting the load saves less than is worth it here: it belongs to what a card saves alone.
FITTED: dict[str, Any] = {
    **{"model": "gpt-oss-120b", "accelerator": "h200-sxm", "tensor_parallel": 4},
    **{"precision": "int4", "prompt_tokens": 200, "output_tokens": 300, "active_users": 100},
    **{"hosting": "owned", "replicas": 1},
}
# A smaller model on a smaller card: one of each fewer than either alone allows.
WHOLE: dict[str, Any] = {
    **{"model": "llama-3.1-8b", "accelerator": "b200-sxm", "tensor_parallel": 4, "region": "DE"},
    **{"prompt_tokens": 20_000, "output_tokens": 300, "requests_per_s": 2, "replicas": "auto"},
}
CHAT: dict[str, Any] = {"tensor_parallel": 8, "active_users": 100}

SERVICES = st.fixed_dictionaries(
    {
        "model": st.sampled_from(["llama-3.3-70b", "qwen3-32b", "gpt-oss-120b", "llama-3.1-8b"]),
        "accelerator": st.sampled_from(["a100-sxm-80", "h100-sxm", "l40s", "mi300x", "b200-sxm"]),
        "tensor_parallel": st.sampled_from([2, 4, 8]),
        "precision": st.sampled_from(["bf16", "fp8", "int4"]),
        "prompt_tokens": st.sampled_from([200, 1000, 8000]),
        "output_tokens": st.sampled_from([50, 300, 1000]),
        "hosting": st.sampled_from(["auto", "on_demand", "owned"]),
        "region": st.sampled_from(["US", "DE", "FR"]),
    }
)
LOADS = st.one_of(
    st.fixed_dictionaries({"active_users": st.sampled_from([5, 100, 1000])}),
    st.fixed_dictionaries({"named_users": st.sampled_from([50, 500, 5000])}),
    st.fixed_dictionaries({"requests_per_s": st.sampled_from([0.1, 2.0, 10.0])}),
    st.fixed_dictionaries({"in_flight": st.sampled_from([1, 16, 64])}),
)


def asked(service: Service) -> list[dict[str, Any]]:
    """The scenarios of a service, and what stands beside their plans."""
    scenarios = [plan.scenario.to_dict() for plan in service.plans]
    return [*scenarios, {"share": service.share, "monthly": dict(service.monthly)}]


def checked(fields: dict[str, Any], aim: str, without: tuple[str, ...]) -> Levers:
    """Levers of a service, which hold what holds for every service."""
    found = levers(evaluate(Scenario(**fields)), aim, without=without)
    steps = [stage.moved for stage in found.together]
    if not steps:
        return found
    assert all(-step >= WORTH * found.now for step in steps)
    assert found.now + sum(steps) == pytest.approx(found.service.amount(AIMS[aim]))
    pulled = [stage.lever for stage in found.together]
    for layout in ({}, LAYOUT):
        orders = list(permutations(pulled))
        services = [service_of(found.start, order, layout) for order in orders]
        # What a plan says follows from its scenario alone, so that one of each order is enough.
        assert all(asked(service) == asked(services[0]) for service in services)
        first, last = (each.amount(AIMS[aim]) for each in (services[0], services[-1]))
        assert first == pytest.approx(last, nan_ok=True)
    # Accelerators come whole, so that together levers can spare more: then the page says so.
    led = found.saved_alone - found.saved_twice + found.only_together
    assert found.saved == pytest.approx(led)
    said = Pulled(found).sum_words
    is_more = found.saved > found.saved_alone + 1e-9
    assert ("is saved only together" in said) is is_more
    return found


@pytest.mark.slow
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(SERVICES, LOADS, st.sampled_from(sorted(AIMS)), st.sampled_from([(), ALL_BUT_MODELS]))
def test_of_any_service(
    service: dict[str, Any], load: dict[str, Any], aim: str, without: tuple[str, ...]
) -> None:
    checked(service | load, aim, without)


@pytest.mark.slow
def test_what_fitting_saves_counts_where_it_is_no_lever_of_its_own() -> None:
    found = checked(FITTED, "cost", ALL_BUT_MODELS)
    assert len(found.together) == 1
    assert found.saved == pytest.approx(found.saved_alone)


def test_together_can_be_more_and_the_page_says_so() -> None:
    found = checked(WHOLE, "cost", ())
    assert found.saved > found.saved_alone
    assert "is saved only together" in Pulled(found).sum_words


@cache
def chat(aim: str) -> Levers:
    return checked(CHAT, aim, ALL_BUT_MODELS)


@pytest.mark.parametrize("aim", ["latency", pytest.param("energy", marks=pytest.mark.slow)])
def test_what_one_has_saved_no_other_saves_again(aim: str) -> None:
    found = chat(aim)
    assert len(found.together) > 1
    assert found.saved <= found.saved_alone + 1e-9


def test_steps_stand_in_cost_energy_time_and_memory() -> None:
    found = chat("latency")
    table = Pulled(found).steps()
    assert table is not None
    heads = [head["label"] for head in table.columns]
    assert heads == ["Step", "A month", "Electricity", "Answer", "Weights", "Cache"]
    first, *_, last = ([str(cell) for cell in row["cells"]] for row in table.rows)
    assert (first[0], last[0]) == ("As it is", "All that is worth it")
    assert len(table.rows) == len(found.together) + 2


def test_another_card_comes_without_the_own_price_of_this_one() -> None:
    own = {**CHAT, "hosting": "on_demand", "rent_usd_per_hour": 1.0}
    found = levers(evaluate(Scenario(**own)), "latency", without=ALL_BUT_MODELS)
    (card,) = [p for p in found.alone if p.lever.words.startswith("B200")]
    assert card.plan is not None
    assert card.plan.scenario.rent_usd_per_hour is None
    assert card.plan.cost.usd_per_month.base > found.start.cost.usd_per_month.base
    assert "no rent_usd_per_hour" in Pulled(found).fields

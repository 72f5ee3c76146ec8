"""Cost: an oracle to the cent, published magnitudes, what must hold, and what bad input gets."""

from functools import cache
from typing import Any

import numpy as np
import pytest

from llminfra import Scenario, evaluate
from llminfra.errors import InvalidInput, MissingFact
from llminfra.facets.cost import LABELS, PARTS, SELF_RUN, Cost

SERVER: dict[str, Any] = {"tensor_parallel": 8, "region": "DE"}
OFFICE: dict[str, Any] = SERVER | {
    "named_users": 100, "requests_per_user_day": 20, "work_hours": 8, "currency": "EUR",
}  # fmt: skip


@cache
def _plan(items: tuple[tuple[str, Any], ...]) -> Any:
    return evaluate(Scenario(**dict(items)))


def plan(**fields: Any) -> Any:
    return _plan(tuple((SERVER | fields).items()))


def cost(**fields: Any) -> Cost:
    found: Cost = plan(**fields).cost
    return found


# -- an oracle: one whole scenario recomputed by hand ------------------------------------------


def test_a_whole_scenario_is_what_plain_arithmetic_gives() -> None:
    """A refurbished server in Frankfurt that answers 6.4 requests a second, on 2026-11-29."""
    found = plan(requests_per_s=6.4, prompt_tokens=400, output_tokens=300, as_of="2026-11-29")
    # Taken from the questions before: what the servers draw, and what the logs and gates need.
    wall_kwh, rated_kw = found.energy.wall_kwh_per_month.base, 6.5
    usd_per_eur = 1.1172  # European Central Bank, 2026-10-30
    answers = 6.4 * 730 * 3600
    logs_gb = answers * 6 * (700 * 4 + 2000) / 1e9  # six months, as the bill of resources has it
    # The server: 120,000 USD, 15 % left after three years, 8 % a year, 2 % for delivery.
    annuity = 0.08 / (1 - 1.08**-3)
    capital = (120_000 - 0.15 * 120_000 / 1.08**3) * annuity / 12
    setup = 0.02 * 120_000 * annuity / 12
    month = {
        "capital": capital,
        "setup": setup,
        "power": wall_kwh * 1.40 * 0.2513 * usd_per_eur,  # band IB, second half of 2025
        "space": rated_kw * 155 * usd_per_eur,
        "network": (2 + 1) * 4 * 0.04 * 730,  # two gateways and a monitor of four cores each
        "storage": logs_gb * 0.023,
        "support": 0.08 * 120_000 / 12,
        "staff": 0.75 * 125_000 * usd_per_eur / 12,
    }
    option = found.cost["colocated"]
    for name in PARTS:
        assert option.parts[name].base == pytest.approx(month.get(name, 0.0), abs=0.005), name
    total = sum(month.values())
    assert option.usd_per_month.base == pytest.approx(total, abs=0.005)
    assert option.usd_per_mtok_total.base == pytest.approx(total / (answers * 700) * 1e6)
    assert option.usd_per_mtok_output.base == pytest.approx(total / (answers * 300) * 1e6)
    yearly = 12 * (total - capital - setup)
    flows = [-120_000 * 1.02, -yearly, -yearly, -yearly + 0.15 * 120_000]
    npv = sum(flow / 1.08**year for year, flow in enumerate(flows))
    assert option.npv_usd.base == pytest.approx(npv, abs=0.05)
    assert option.total_usd.base == pytest.approx(-sum(flows), abs=0.05)
    assert option.purchase_usd.base == pytest.approx(122_400)


def test_a_rented_node_is_what_plain_arithmetic_gives() -> None:
    option = cost(requests_per_s=6.4, region="US")["on_demand"]
    assert option.parts["rent"].base == pytest.approx(22.32 * 730)
    assert option.parts["staff"].base == pytest.approx(0.5 * 160_000 / 12)
    assert (option.price_source, option.price_as_of) == (
        "lambda, US: 8 × a100-sxm-80, on-demand",
        "2026-10-06",
    )


# -- magnitudes: 8 × A100-80, Llama 3.3 70B, 100 in flight, computed by hand on 2026-11-29 ------


@pytest.mark.parametrize(
    ("fields", "option", "low", "high"),
    [
        ({}, "owned", 14_800, 14_800),
        ({}, "colocated", 14_800, 14_800),
        ({"hardware_condition": "new"}, "owned", 21_000, 21_000),
        ({}, "api_frontier", 86_000, 86_000),
        ({}, "api_same_model", 3_900, 14_700),
    ],
)
def test_magnitudes(fields: dict[str, Any], option: str, low: float, high: float) -> None:
    found = cost(in_flight=100, **fields)[option].usd_per_month.base
    assert low * 0.85 <= found <= high * 1.15


@pytest.mark.parametrize("region", ["US", "DE"])
def test_bare_rent_on_demand(region: str) -> None:
    rent = cost(in_flight=100, region=region)["on_demand"].parts["rent"].base
    assert 16_000 <= rent <= 30_000


def test_an_office_of_100() -> None:
    found = plan(**OFFICE)
    assert found.cost._case.requests_per_month.base == pytest.approx(43_452, abs=1)
    assert 14_000 * 0.85 <= found.cost["owned"].usd_per_month.base <= 15_000 * 1.15
    assert 8 <= found.cost["api_same_model"].parts["tokens"].base <= 29
    assert found.cost["api_frontier"].parts["tokens"].base == pytest.approx(168, rel=0.15)


# -- what must hold ----------------------------------------------------------------------------

CASES: list[dict[str, Any]] = [
    {"in_flight": 100},
    {"requests_per_s": 6.4, "replicas": "auto", "demand_growth": 0.4, "vat_fraction": 0.19},
    {"accelerator": "h100-sxm", "precision": "fp8", "tensor_parallel": 4, "region": "US"},
    {"accelerator": "l40s", "model": "llama-3.1-8b", "tensor_parallel": 1, "region": "FR"},
]


@pytest.mark.parametrize("fields", CASES)
def test_every_option_has_the_same_parts_and_they_sum_to_the_month(fields: Any) -> None:
    found = cost(**fields)
    assert [option.name for option in found.options] == list(LABELS)
    for option in found.options:
        assert list(option.parts) == list(PARTS)
        if option.feasible:
            parts = sum(part.draws for part in option.parts.values())
            assert np.allclose(parts, option.usd_per_month.draws)
            assert option.price_source
        else:
            assert option.reason
            assert np.isnan(option.usd_per_month.base)


@pytest.mark.parametrize("fields", CASES)
def test_hours_times_the_hourly_price_are_the_month(fields: Any) -> None:
    for name in SELF_RUN:
        found = cost(**fields, hosting=name)
        if not found[name].feasible:
            continue
        hours = found.option.accelerators * 730 * found.option.paid_hours_per_week / 168
        assert (found.usd_per_accelerator_hour * hours).base == pytest.approx(
            found.usd_per_month.base
        )
        useful = found.usd_per_useful_accelerator_hour
        assert useful.base >= found.usd_per_accelerator_hour.base * (1 - 1e-9)


@pytest.mark.parametrize("fields", CASES)
def test_reservation_is_never_below_usage(fields: Any) -> None:
    found = cost(**fields)
    total, usage = found.usd_per_mtok_total.base, found.usd_per_mtok_total_usage.base
    assert total >= usage * (1 - 1e-9)
    shares = [found.usd_per_mtok_at(u).base for u in (0.1, 0.5, 1.0)]
    assert shares == sorted(shares, reverse=True)


def test_full_workers_that_could_sleep_are_paid_around_the_clock() -> None:
    found = cost(**OFFICE, hosting="serverless")
    rent = found["serverless"].parts["rent"].base
    beside = found["serverless"].usd_per_month.base - rent
    tokens = found._max_tokens.base / 1e6
    full = found.usd_per_mtok_total_usage.base * tokens
    each = found["serverless"].price.usd.base * 8 * 730
    assert full == pytest.approx(each + beside, rel=1e-3)
    assert rent < each / 3  # 40 hours of 168


def test_full_servers_draw_power_around_the_clock() -> None:
    """Not in the 40 hours of a week in which they have a load today."""
    found = plan(**OFFICE, hosting="owned")
    full = found.energy.at([1.0]).set_index("name")["base"]["wh_per_request"] / 1e3
    full *= found.capacity.max_requests_per_s.base * 730 * 3600
    month = found.cost._way("owned").month(found.cost._load_at(1.0))
    assert month.due["power"].base == pytest.approx(full * found.cost.book["electricity"].usd.base)
    shares = [found.cost.usd_per_mtok_at(u).base * u for u in (0.2, 40 / 168, 0.3, 0.6, 1.0)]
    assert shares == sorted(shares)


def test_input_and_output_apart_come_to_the_whole() -> None:
    found = cost(in_flight=100)
    case = found._case
    prompts = case.requests_per_month * case.demand.prompt_tokens
    parts = found.usd_per_mtok_input_share * prompts
    parts += found.usd_per_mtok_output_share * case.output_tokens_per_month
    assert parts.base / 1e6 == pytest.approx(found.usd_per_month.base)


def test_usd_do_not_depend_on_the_currency_of_the_report() -> None:
    dollars, euros = (cost(in_flight=100, currency=c) for c in ("USD", "EUR"))
    for one, other in zip(dollars.options, euros.options, strict=True):
        assert np.array_equal(one.usd_per_month.draws, other.usd_per_month.draws, equal_nan=True)
    assert euros.usd_per_currency.base == 1.1172
    assert dollars.usd_per_currency.base == 1.0


def test_prices_in_euros_follow_the_users_own_rate() -> None:
    dear, cheap = (cost(in_flight=100, usd_per_eur=rate) for rate in (1.3, 1.0))
    assert dear["owned"].parts["staff"].base == pytest.approx(
        1.3 * cheap["owned"].parts["staff"].base
    )
    assert dear["owned"].parts["capital"].base == cheap["owned"].parts["capital"].base


def test_tax_that_stays_falls_on_all_that_is_bought_and_never_on_staff() -> None:
    without, taxed = cost(in_flight=100), cost(in_flight=100, vat_fraction=0.19)
    for name in ("owned", "on_demand", "api_same_model"):
        for part in PARTS:
            one, other = without[name].parts[part].base, taxed[name].parts[part].base
            if part == "staff":
                assert other == one
            elif part != "capital":  # the tax is not paid back at the resale
                assert other == pytest.approx(1.19 * one)
    assert taxed["owned"].parts["capital"].base > 1.19 * without["owned"].parts["capital"].base


def test_without_a_discount_the_npv_is_what_is_paid() -> None:
    found = cost(in_flight=100, discount_rate=0)
    for option in found.options:
        if option.feasible:
            assert -option.npv_usd.base == pytest.approx(option.total_usd.base)


def test_what_can_be_switched_off_is_paid_for_the_hours_on() -> None:
    fields = {"named_users": 100, "hours_on_per_week": 50.0}
    all_week, office = cost(named_users=100), cost(**fields)
    for name in ("on_demand", "spot", "dedicated_endpoint"):
        assert office[name].parts["rent"].base == pytest.approx(
            all_week[name].parts["rent"].base * 50 / 168
        )
    assert office["owned"].parts["capital"].base == all_week["owned"].parts["capital"].base


def test_the_month_is_the_mean_and_the_peak_only_sizes() -> None:
    flat, peaky = (cost(named_users=2000, peak_factor=p) for p in (1.0, 3.0))
    assert flat._case.requests_per_month.base == pytest.approx(peaky._case.requests_per_month.base)
    assert flat["api_same_model"].parts["tokens"].base == pytest.approx(
        peaky["api_same_model"].parts["tokens"].base
    )


# -- capacity in whole servers, and years ------------------------------------------------------


def test_growth_buys_whole_servers_at_the_start_of_a_year() -> None:
    found = cost(requests_per_s=6.4, replicas="auto", demand_growth=0.6, hosting="owned")
    flows = found.cash_flow("owned").set_index("year")
    flat = cost(requests_per_s=6.4, replicas="auto", hosting="owned").cash_flow("owned")
    bought = flows["capital"][flows["capital"] < 0]
    assert len(bought) > 1
    assert bought.iloc[1] / bought.iloc[0] == pytest.approx(
        round(bought.iloc[1] / bought.iloc[0] * 2) / 2
    )
    assert flows["power"][3] < flat.set_index("year")["power"][3] < 0


def test_cash_flows_hold_purchase_bills_and_resale() -> None:
    flows = cost(in_flight=100, horizon_years=2.5).cash_flow("owned").set_index("year")
    assert flows.index.tolist() == [0, 1, 2, 3]
    assert flows.loc[0, "capital"] == -120_000
    assert flows.loc[3, "staff"] == pytest.approx(flows.loc[2, "staff"] / 2)
    assert flows.loc[3, "residual"] == pytest.approx(120_000 * 0.15 ** (2.5 / 3))
    parts = flows.drop(columns=["total", "present"]).sum(axis=1)
    assert np.allclose(parts, flows["total"])


def test_rents_drift_and_reservations_do_not() -> None:
    fields = {"accelerator": "h100-sxm", "region": "US", "accelerator_price_drift": -0.2}
    found = cost(in_flight=100, **fields)
    rent = found.cash_flow("on_demand").set_index("year")["rent"]
    assert rent[2] == pytest.approx(0.8 * rent[1])
    reserved = found.cash_flow("reserved_3y").set_index("year")["rent"]
    assert reserved[3] == pytest.approx(reserved[1])


def test_cumulative_cost_begins_with_the_purchase_and_ends_with_all_that_is_paid() -> None:
    found = cost(in_flight=100)
    begin, end = (paid.base for paid in found.cumulative("owned", [0, 36]))
    assert begin == pytest.approx(122_400)
    assert end == pytest.approx(found["owned"].total_usd.base + 18_000)


def test_steps_are_whole_servers_without_a_load() -> None:
    found = cost(in_flight=100, accelerator="h100-sxm", tensor_parallel=4, hosting="owned")
    one, two, three = (step.base for step in found.steps([1, 2, 3]))
    assert one == pytest.approx(two, rel=0.05)  # two replicas share a server; idle power differs
    assert three > 1.2 * two


# -- what is followed --------------------------------------------------------------------------


def test_auto_follows_the_cheapest_that_runs_the_model_oneself() -> None:
    found = cost(in_flight=100)
    run = [o for o in found.options if o.name in SELF_RUN and o.feasible]
    assert found.hosting == min(run, key=lambda o: o.usd_per_month.base).name
    assert found.chosen == {"hosting": found.hosting}


def test_what_is_not_allowed_is_not_followed() -> None:
    found = evaluate(Scenario(**SERVER, in_flight=100, allowed_options=["on_demand"])).cost
    assert found.hosting == "on_demand"
    assert found["owned"].feasible
    assert not found["owned"].is_allowed


def test_reserved_is_by_its_years() -> None:
    fields = {"accelerator": "h100-sxm", "region": "US", "hosting": "reserved"}
    assert cost(**fields, commitment_years=3).hosting == "reserved_3y"
    assert cost(**fields).hosting == "reserved_1y"


def test_an_api_is_paid_by_the_token_alone() -> None:
    found = cost(in_flight=100, hosting="api_same_model")
    assert found.usd_per_month.base == found["api_same_model"].usd_per_month.base
    with pytest.raises(MissingFact, match="paid by the token"):
        _ = found.usd_per_accelerator_hour


def test_own_prices_replace_those_of_the_catalogue() -> None:
    own = cost(in_flight=100, server_price_usd=95_000, electricity_usd_per_kwh=0.1, staff_fte=0)
    assert own["owned"].price_source == "your price"
    assert own["owned"].parts["support"].base == pytest.approx(0.08 * 95_000 / 12)
    assert own["owned"].parts["staff"].base == 0
    wall = plan(in_flight=100).energy.wall_kwh_per_month.base
    assert own["owned"].parts["power"].base == pytest.approx(wall * 1.63 * 0.1)


# -- what lacks and what is wrong --------------------------------------------------------------


def test_a_price_that_nobody_publishes_makes_its_option_unavailable_and_says_what_to_fill() -> None:
    found = plan(in_flight=100, hosting="reserved_1y")
    assert not found.cost["reserved_1y"].feasible
    (problem,) = [p for p in found.problems if p.code == "E-DATA"]
    assert "no provider publishes a price of a100-sxm-80" in str(problem)
    assert "[prices]" in str(problem)
    assert "usd_per_month" not in dict(found.cost.items())


def test_a_model_that_does_not_fit_can_still_be_had_by_the_token() -> None:
    found = plan(tensor_parallel=1, requests_per_s=1.0)
    assert "does not fit" in found.cost["owned"].reason
    assert found.cost["api_same_model"].feasible


def test_an_old_price_is_used_marked_and_told() -> None:
    found = plan(in_flight=100, region="AT", hosting="owned")
    codes = [(p.code, p.message) for p in found.problems]
    assert any(code == "E-DATA" and "2024-07" in words for code, words in codes)
    assert found.cost["owned"].feasible


def test_sleeping_workers_that_wake_too_late_are_no_option() -> None:
    late = cost(named_users=10, ttft_target_s=5.0)["serverless"]
    assert not late.feasible
    assert "for a worker to start" in late.reason
    assert cost(named_users=10)["serverless"].feasible
    assert cost(named_users=100, ttft_target_s=5.0)["serverless"].feasible  # hardly ever asleep


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"discount_rate": 1.0}, "discount_rate must be a number"),
        ({"horizon_years": 0}, "horizon_years must be a number"),
        ({"server_price_usd": -1}, "server_price_usd must be a number"),
        ({"vat_fraction": 19}, "19 % is 0.19"),
        ({"currency": "EURO"}, "currency must be a known id, got 'EURO'; closest: EUR"),
        ({"currency": "EUR", "as_of": "1998-01-01"}, "as_of must have exchange rates"),
        (
            {"allowed_options": ["own"]},
            "allowed_options must be a known id, got 'own'; closest: owned",
        ),
        ({"allowed_options": []}, "allowed_options must name at least one"),
        ({"hardware_condition": "old"}, "hardware_condition must be one of new, refurbished, used"),
        ({"hosting": "cloud"}, "hosting must be one of auto, owned"),
        ({"commitment_years": 2}, "commitment_years must be"),
        ({"provider": "lamda"}, "provider must be a known id, got 'lamda'; closest: lambda"),
        ({"provider": "gcp", "cloud_region": "europe-west44"}, "closest: europe-west4"),
    ],
)
def test_bad_input_is_one_line(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as error:
        Scenario(**SERVER, **fields)
    assert "\n" not in str(error.value)


def test_a_room_of_ones_own_is_told_beside_what_is_paid_for_servers() -> None:
    found = cost(vat_fraction=0.19)
    assert found["owned"].room_usd.base == pytest.approx(1.19 * 6500 * 11.0)  # 6.5 kW at 11 USD/W
    assert found["colocated"].room_usd.base == 0
    assert found["owned"].purchase_usd.base == pytest.approx(found["colocated"].purchase_usd.base)
    rented = cost(space_usd_per_month=900.0)
    assert rented["owned"].room_usd.base == 0


def test_posts_are_those_that_the_month_pays() -> None:
    found = cost(staff_fte=2.0)
    assert {found[name].posts.base for name in ("owned", "on_demand", "api_same_model")} == {2.0}
    usual = cost()
    assert [usual[name].posts.base for name in ("owned", "on_demand", "api_same_model")] == [
        0.75, 0.5, 0.1,
    ]  # fmt: skip


def test_an_api_that_nobody_lists_is_told_and_not_priced_around() -> None:
    asked = plan(named_users=500, api_model="no-such", api_provider="openai")
    with pytest.raises(MissingFact, match="does not list no-such of openai"):
        _ = asked.cost


def test_costs_of_two_loads_are_not_the_same() -> None:
    assert plan(named_users=500).cost != plan(named_users=5000).cost

"""Energy, carbon and water of plans: magnitudes by hand, conservation, accounts, awkward input."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llminfra import InvalidInput, Scenario, evaluate
from llminfra.catalog.loader import all_facts
from llminfra.facets.energy import (
    Energy,
    accounts,
    api_wh_per_request,
    disclosure,
    facility_of,
    pue_of,
    regions,
)
from llminfra.facets.energy.accounts import CAPITAL, PURCHASED, SCOPE_2, SCOPE_2_AND_3, totals
from llminfra.plan import Plan
from llminfra.ranges import Range

BOARD = {"tensor_parallel": 8}
OFFICE = BOARD | {"named_users": 100}
SMALL = {"model": "llama-3.1-8b", "accelerator": "h100-sxm"}
# Design 13, hand computed from the same facts by another hand.
HAND = 0.30


def plan_of(**fields: Any) -> Plan:
    return evaluate(Scenario(**(BOARD | fields)))


def energy_of(**fields: Any) -> Energy:
    return plan_of(**fields).energy


@pytest.fixture(scope="module")
def germany() -> Plan:
    return plan_of(region="DE")


# -- magnitudes ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("accelerator_j_per_output_token", 0.89),
        ("node_power_w", 4200),
        ("wh_per_request", 0.195),
        ("g_co2e_per_request", 0.07),
        ("requests_per_month", 22.1e6),
    ],
)
def test_100_requests_around_the_clock_as_by_hand(
    germany: Plan, name: str, expected: float
) -> None:
    assert getattr(germany.energy, name).base == pytest.approx(expected, rel=HAND)


def test_use_in_france_and_answers_of_an_office_as_by_hand() -> None:
    assert energy_of(region="FR").use_g_co2e_per_request.base == pytest.approx(0.011, rel=HAND)
    office = energy_of(**OFFICE)
    assert office.wh_per_request.base == pytest.approx(46, rel=HAND)
    assert office.requests_per_month.base == pytest.approx(43_452, rel=0.01)


def test_an_answer_of_500_tokens_lies_among_published_ones_and_idling_costs_a_hundred_times() -> (
    None
):
    used = energy_of(output_tokens=500, in_flight=100)
    assert 0.05 <= used.wh_per_request.base <= 1
    wh = used.at([0.002, 0.7]).query("name == 'wh_per_request'")["base"].tolist()
    assert wh[0] > 100 * wh[1]


@pytest.mark.parametrize(
    ("model", "tensor_parallel", "batch", "prompt", "output", "wall_w"),
    [
        pytest.param("llama-2-70b", 1, 2048, 294, 273, 10_401, id="MLPerf v5.1 Llama 2 70B"),
        pytest.param("llama-3.1-405b", 2, 512, 9428, 652, 9892, id="MLPerf v5.1 Llama 3.1 405B"),
        pytest.param("llama-3.1-8b", 1, 2048, 870, 128, 9436, id="MLPerf v5.1 Llama 3.1 8B"),
    ],
)
def test_a_full_b200_server_draws_what_was_measured_at_the_wall(
    model: str, tensor_parallel: int, batch: int, prompt: int, output: int, wall_w: float
) -> None:
    replicas = 8 // tensor_parallel
    energy = energy_of(
        model=model,
        accelerator="b200-sxm",
        precision="nvfp4",
        engine="tensorrt-llm",
        tensor_parallel=tensor_parallel,
        replicas=replicas,
        in_flight=replicas * batch,
        prompt_tokens=prompt,
        output_tokens=output,
    )
    assert energy.node_power_w.base == pytest.approx(wall_w, rel=0.15)


def test_llama_3_1_405b_as_on_its_card() -> None:
    training = energy_of(
        model="llama-3.1-405b",
        accelerator="h100-sxm",
        training_accelerator_hours=30.84e6,
        grid_g_co2e_per_kwh=413.7,
        pue=1.0,
    ).training
    assert training is not None
    card_wh = training.accelerator_wh.base
    assert card_wh / 1e9 == pytest.approx(21.588, rel=1e-9)
    assert card_wh / 1e3 * 413.7 / 1e6 == pytest.approx(8930, rel=0.15)
    # At the wall of a server, hosts in: 29.9 GWh by the study that measured H100 nodes.
    assert training.training_wh.base / 1e9 == pytest.approx(29.9, rel=0.05)


def test_training_hours_follow_from_tokens_and_stay_out_of_the_answers() -> None:
    with_training = energy_of(**SMALL, tensor_parallel=1, training_tokens=15e12)
    assert with_training.training is not None
    assert with_training.training.training_flop is not None
    assert with_training.training.training_flop.base == pytest.approx(7.2e23, rel=0.08)
    without = energy_of(**SMALL, tensor_parallel=1)
    assert without.training is None
    assert with_training.wh_per_request.base == without.wh_per_request.base


# -- conservation --------------------------------------------------------------------------------

LOADS: dict[str, dict[str, Any]] = {
    "held": {"in_flight": 100},
    "hardly": {"in_flight": 0.2},
    "more than places": {"in_flight": 4000},
    "rate": {"requests_per_s": 2.0, "replicas": 2},
    "office": {"named_users": 400},
    "users": {"active_users": 60},
    "nights off": {"in_flight": 50, "load_hours_per_week": 50, "hours_on_per_week": 60},
}


@pytest.mark.parametrize("load", LOADS.values(), ids=LOADS)
def test_parts_sum_to_the_whole_and_answers_to_the_month(load: dict[str, Any]) -> None:
    e = energy_of(**load)
    parts = e.active_kwh_per_month + e.idle_kwh_per_month + e.host_kwh_per_month
    assert parts.draws == pytest.approx(e.wall_kwh_per_month.draws)
    whole = parts + e.overhead_kwh_per_month
    assert whole.draws == pytest.approx(e.kwh_per_month.draws)
    by_answer = e.wh_per_request * e.requests_per_month / 1e3
    assert by_answer.draws == pytest.approx(e.kwh_per_month.draws)
    by_token = e.j_per_output_token * e.output_tokens_per_month / 3.6e6
    assert by_token.draws == pytest.approx(e.kwh_per_month.draws)
    assert e.wall_kwh_per_month_at(1.0).base == pytest.approx(e.wall_kwh_per_month.base, rel=1e-9)


@pytest.mark.parametrize("load", LOADS.values(), ids=LOADS)
def test_mean_power_lies_between_idle_and_active(load: dict[str, Any]) -> None:
    e = energy_of(**load)
    assert e.idle_power_w.base <= e.power_w.base * (1 + 1e-9)
    assert e.power_w.base <= e.active_power_w.base * (1 + 1e-9)
    assert e.active_power_w.base < e.rated_power_w.base * 1.1
    assert 0 <= e.busy_fraction.base <= 1
    assert 0 < e.power_fraction.base <= 1


def test_spares_draw_power_and_carry_emissions() -> None:
    one, two = energy_of(replicas=1), energy_of(replicas=2)
    assert two.embodied_kg.base == 2 * one.embodied_kg.base
    assert two.idle_power_w.base == pytest.approx(2 * one.idle_power_w.base)
    assert two.wh_per_request.base > one.wh_per_request.base


def test_a_part_of_a_server_takes_its_share_of_the_host() -> None:
    half = energy_of(tensor_parallel=4, precision="fp8", accelerator="h100-sxm")
    whole = energy_of(tensor_parallel=8, precision="fp8", accelerator="h100-sxm")
    assert half.idle_node_power_w.base == pytest.approx(whole.idle_node_power_w.base / 2)
    assert half.embodied_kg.base == pytest.approx(whole.embodied_kg.base / 2)


def test_two_servers_draw_twice_what_one_does() -> None:
    e = energy_of(replicas=2)
    assert e.power_w.base == pytest.approx(2 * e.node_power_w.base)


@settings(deadline=None, max_examples=15)
@given(st.floats(1, 2.5), st.floats(0.01, 1), st.floats(0, 1500))
def test_more_overhead_or_a_dirtier_grid_is_never_less(
    pue: float, more: float, intensity: float
) -> None:
    low = energy_of(pue=pue, grid_g_co2e_per_kwh=intensity)
    high = energy_of(pue=pue + more, grid_g_co2e_per_kwh=intensity)
    dirty = energy_of(pue=pue, grid_g_co2e_per_kwh=intensity + 100)
    assert high.kwh_per_month.base > low.kwh_per_month.base
    assert high.g_co2e_per_request.base >= low.g_co2e_per_request.base
    assert dirty.g_co2e_per_request.base > low.g_co2e_per_request.base
    assert dirty.kwh_per_month.base == low.kwh_per_month.base


def test_more_idle_hours_cost_more_for_the_same_answers() -> None:
    night = {"in_flight": 50, "load_hours_per_week": 50}
    hours = [energy_of(**night, hours_on_per_week=hours) for hours in (50, 100, 168)]
    assert hours[0].idle_kwh_per_month.base == 0
    kwh = [e.kwh_per_month.base for e in hours]
    assert kwh == sorted(kwh)
    assert len({round(e.requests_per_month.base) for e in hours}) == 1


def test_poland_over_france_is_the_ratio_of_the_grids_without_hardware() -> None:
    bare = {"embodied_kg_per_accelerator": 0, "embodied_kg_per_host": 0}
    poland, france = (energy_of(region=region, **bare) for region in ("PL", "FR"))
    ratio = poland.g_co2e_per_request.base / france.g_co2e_per_request.base
    assert ratio == pytest.approx(poland.g_co2e_per_kwh.base / france.g_co2e_per_kwh.base)
    assert ratio == pytest.approx(588.6 / 41.44)


# -- carbon and water ----------------------------------------------------------------------------


def test_hardware_outweighs_use_below_the_even_intensity(germany: Plan) -> None:
    even = germany.energy.even_g_co2e_per_kwh.base
    below, above = (energy_of(grid_g_co2e_per_kwh=even * share) for share in (0.9, 1.1))
    assert below.embodied_g_co2e_per_request.base > below.use_g_co2e_per_request.base
    assert above.embodied_g_co2e_per_request.base < above.use_g_co2e_per_request.base


def test_hardware_of_a_month_is_its_share_of_the_life(germany: Plan) -> None:
    e = germany.energy
    assert e.embodied_g_co2e_per_request.base == pytest.approx(
        e.embodied_kg.base * 1e3 / (3 * 12) / e.requests_per_month.base
    )
    longer = energy_of(embodied_life_years=6)
    assert longer.embodied_kg_co2e_per_year.base == pytest.approx(
        e.embodied_kg_co2e_per_year.base / 2
    )


def test_the_contracted_share_does_not_move_with_the_location() -> None:
    green = {"contracted_fraction": 1.0, "contracted_g_co2e_per_kwh": 15}
    here, there = (energy_of(region=region, **green) for region in ("PL", "FR"))
    assert here.market_kg_co2e_per_year.base == there.market_kg_co2e_per_year.base
    assert here.use_kg_co2e_per_year.base > 10 * there.use_kg_co2e_per_year.base


def test_the_rest_takes_the_residual_mix_and_the_grid_where_none_is_given() -> None:
    half = energy_of(region="DE", contracted_fraction=0.5)
    assert not half.has_residual_mix
    assert half.market_kg_co2e_per_year.base == pytest.approx(half.use_kg_co2e_per_year.base / 2)
    residual = energy_of(region="DE", contracted_fraction=0.5, residual_g_co2e_per_kwh=700)
    assert residual.market_kg_co2e_per_year.base == pytest.approx(
        0.5 * 700 * residual.kwh_per_year.base / 1e3
    )


def test_water_is_told_apart_by_place_and_none_is_on_a_dry_site(germany: Plan) -> None:
    e = germany.energy
    apart = e.site_litres_per_request + e.grid_litres_per_request
    assert apart.draws == pytest.approx(e.litres_per_request.draws)
    dry = energy_of(region="DE", dry_cooling=True)
    assert dry.site_litres_per_request.base == 0
    assert dry.pue.base > e.pue.base
    assert dry.grid_litres_per_request.base > e.grid_litres_per_request.base


def test_facilities_follow_hosting_until_one_is_named() -> None:
    found = {h: facility_of(Scenario(hosting=h)) for h in ("auto", "owned", "colocated", "spot")}
    assert found == {
        "auto": "colocation",
        "owned": "own",
        "colocated": "colocation",
        "spot": "cloud",
    }
    assert facility_of(Scenario(hosting="owned", facility_class="cloud")) == "cloud"
    facts = plan_of().facts_read_by("test")
    given = [pue_of(Scenario(), facts, c).base for c in ("own", "colocation", "cloud")]
    assert given == [1.63, 1.40, 1.14]
    assert pue_of(Scenario(pue=1.2), facts, "own").base == 1.2


# -- accounts ------------------------------------------------------------------------------------


def lines_of(plan: Plan) -> Any:
    facts = plan.facts_read_by("energy")
    return accounts(plan.resolved, facts, plan.energy)  # type: ignore[arg-type]  # a Scenario


def test_life_cycle_factors_are_not_split_and_direct_ones_are_scope_2(germany: Plan) -> None:
    europe = {(line.option, line.scope) for line in lines_of(germany)}
    assert europe == {
        ("owned", SCOPE_2_AND_3),
        ("owned", CAPITAL),
        ("colocated", SCOPE_2_AND_3),
        ("colocated", CAPITAL),
        ("cloud", PURCHASED),
        ("api", PURCHASED),
    }
    virginia = plan_of(region="US-VA")
    assert virginia.energy.grid.is_direct
    assert ("owned", SCOPE_2) in {(line.option, line.scope) for line in lines_of(virginia)}


def test_bought_hardware_falls_on_one_year_and_rented_on_its_life(germany: Plan) -> None:
    e, lines = germany.energy, lines_of(germany)
    capital = next(x for x in lines if (x.option, x.scope) == ("owned", CAPITAL))
    assert capital.location_kg.base == e.embodied_kg.base
    cloud = next(x for x in lines if x.option == "cloud")
    use = e.use_kg_co2e_per_year.base * 1.14 / 1.40
    assert cloud.location_kg.base == pytest.approx(use + e.embodied_kg.base / 3)
    assert totals(lines)["owned"][0].base == pytest.approx(
        sum(x.location_kg.base for x in lines if x.option == "owned")
    )


def test_fields_of_a_report_say_what_the_operator_has_to_tell(germany: Plan) -> None:
    fields = disclosure(germany.resolved, germany.energy, lines_of(germany))  # type: ignore[arg-type]
    assert 10 <= len(fields) <= 16
    assert all("2023/2772" in f.standard or "2024/1364" in f.standard for f in fields)
    missing = [f.name for f in fields if f.value is None]
    assert len(missing) == 2
    assert all(name.endswith(("(ERF)", "(REF)")) for name in missing)
    demand = next(f for f in fields if f.unit == "kW")
    assert "not due" in demand.note


def test_published_prompts_bound_the_api() -> None:
    plan = plan_of()
    wh = api_wh_per_request(Scenario(), plan.facts_read_by("test"))
    assert (round(wh.low, 2), wh.base, round(wh.high, 2)) == (0.24, 0.30, 0.34)
    own = Scenario(api_wh_per_request=[0.1, 0.3, 3.0])
    assert api_wh_per_request(own, plan.facts_read_by("test")).high == pytest.approx(3.0, rel=1e-4)


# -- regions -------------------------------------------------------------------------------------


def test_every_region_has_a_name_a_basis_and_a_plausible_intensity() -> None:
    facts = all_facts()
    assert len(regions()) > 250
    for code in regions():
        entity = f"grid-{code.lower()}"
        assert facts[f"{entity}.name"].value
        assert str(facts[f"{entity}.basis"].value).partition(",")[0] in ("life-cycle", "direct")
        value = facts[f"{entity}.g_co2e_per_kwh"].value
        assert isinstance(value, float)
        assert 0 <= value <= 1400, code


def test_virginia_is_told_with_what_others_publish() -> None:
    grid = energy_of(region="us-va").grid
    assert (grid.code, grid.name, grid.basis) == ("US-VA", "Virginia", "direct")
    assert grid.g_co2e_per_kwh.base == 244.8
    others = {words: round(value.base) for words, value in grid.others.items()}
    assert others == {"grid subregion": 271, "non-baseload, a marginal proxy": 587}


def test_a_region_reads_well_in_a_sentence() -> None:
    words = {code: energy_of(region=code).grid.place for code in ("US", "DE", "NL", "US-VA")}
    assert list(words.values()) == ["the United States", "Germany", "the Netherlands", "Virginia"]


def test_the_default_grid_is_fresh_on_the_date_of_the_catalogue() -> None:
    as_of = Scenario().as_of
    stale = {
        code
        for code in ("US", "DE", "FR", "PL", "US-VA", "GB", "SE", "NL")
        if all_facts()[f"grid-{code.lower()}.g_co2e_per_kwh"].is_stale(as_of)
    }
    assert stale == set()


# -- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"pue": 0.9}, ["pue", "0.9", "1 to 5"]),
        ({"grid_g_co2e_per_kwh": -1}, ["grid_g_co2e_per_kwh", "-1", "0 to 2,000"]),
        ({"wue_l_per_kwh": -0.1}, ["wue_l_per_kwh", "0 to 10"]),
        ({"contracted_fraction": 1.5}, ["contracted_fraction", "0 to 1"]),
        ({"region": "Germny"}, ["Germny", "Germany (DE)"]),
        ({"region": "US-ZZ"}, ["US-ZZ", "US-"]),
        ({"region": ""}, ["region"]),
    ],
)
def test_bad_values_are_one_line_with_range_and_fix(
    fields: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(InvalidInput) as caught:
        Scenario(**fields)
    message = str(caught.value)
    assert "\n" not in message
    assert all(word in message for word in words), message


def test_a_device_without_power_data_gets_a_flagged_bound() -> None:
    plan = plan_of(model="llama-3.1-8b", accelerator="tpu-v5e")
    codes = {p.code: p for p in plan.problems_of("energy")}
    assert "W-POWER" in codes
    assert "not published" in codes["W-POWER"].message
    assert plan.energy.power_fraction.base == 1.0
    assert plan.energy.is_bound
    assert dict(plan.energy.items())["rated_power_w"].base > 8 * plan.energy.limit_w.base


def test_a_region_without_water_data_is_flagged() -> None:
    problems = {p.code: p.message for p in plan_of(region="KE").problems_of("energy")}
    assert "Kenya" in problems["W-WATER"]


def test_servers_are_on_while_there_is_a_load() -> None:
    problems = {p.code: p.message for p in plan_of(hours_on_per_week=40).problems_of("energy")}
    assert "counted with 168" in problems["W-HOURS"]


def test_a_model_that_does_not_fit_has_no_energy() -> None:
    e = energy_of(tensor_parallel=1, precision="bf16")
    assert e.wh_per_request.base != e.wh_per_request.base  # no number


# -- what it rests on ----------------------------------------------------------------------------


def behind(quantity: Range, seen: set[int]) -> list[Range]:
    if id(quantity) in seen:
        return []
    seen.add(id(quantity))
    inner = [x for x in quantity.inputs.values() if isinstance(x, Range)]
    return [quantity, *(y for x in inner for y in behind(x, seen))]


def test_the_facet_reads_dated_facts_with_sources(germany: Plan) -> None:
    for name in Energy.headline:
        getattr(germany.energy, name)
    read = {r.fact.key: r.fact for r in germany.facts if "energy" in r.users}
    assert {"grid-de.g_co2e_per_kwh", "facility-colocation.pue", "a100-sxm-80.idle_empty_w"} <= set(
        read
    )
    assert all(fact.source for fact in read.values())


def test_every_quantity_promises_a_unit(germany: Plan) -> None:
    values = dict(germany.energy.items())
    assert [n for n, v in values.items() if isinstance(v, Range) and not v.unit] == []
    frame = germany.frame(only="energy")
    assert set(frame["name"]) >= {"wh_per_request", "kwh_per_month", "g_co2e_per_request"}

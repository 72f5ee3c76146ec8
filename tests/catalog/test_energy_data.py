"""Facts of energy, carbon and water: what must hold between them."""

import csv
from pathlib import Path

import pytest

from llminfra.catalog.loader import all_facts, ids, sources

CATALOG = Path(__file__).parents[2] / "llminfra" / "catalog"
FACTS = all_facts()


def value(key: str) -> float:
    found = FACTS[key].value
    assert isinstance(found, float)
    return found


def values(field: str) -> dict[str, float]:
    """Numeric values of a field by entity."""
    end = f".{field}"
    return {key.removesuffix(end): value(key) for key in FACTS if key.endswith(end)}


# -- power ---------------------------------------------------------------------------------------


def test_idle_is_a_small_part_of_the_limit() -> None:
    limits = values("tdp_w")
    for entity, idle in values("idle_empty_w").items():
        assert 0.01 < idle / limits[entity] < 0.25, entity
    for entity, idle in values("idle_loaded_w").items():
        assert value(f"{entity}.idle_empty_w") < idle < 0.35 * limits[entity], entity


def test_a_loaded_card_draws_what_the_ratio_says() -> None:
    ratio = FACTS["energy.loaded_idle_ratio"]
    measured = [idle / value(f"{e}.idle_empty_w") for e, idle in values("idle_loaded_w").items()]
    assert ratio.low is not None
    assert ratio.high is not None
    assert all(ratio.low <= found <= ratio.high for found in measured)


def test_the_bound_of_unpublished_limits_is_the_largest_published() -> None:
    assert value("energy.unpublished_limit_w") == max(values("tdp_w").values())


@pytest.mark.parametrize("entity", [e for e in ids("energy") if e.startswith("host-")])
def test_hosts_draw_no_less_at_full_load(entity: str) -> None:
    idle, full = value(f"{entity}.idle_host_w"), value(f"{entity}.full_host_w")
    assert idle <= full
    assert value(f"{entity}.host_accelerators") >= 1


@pytest.mark.parametrize("entity", ["power-hopper", "power-blackwell", "power-other"])
def test_laws_of_power_lie_within_physics(entity: str) -> None:
    floor, ceiling = value(f"{entity}.floor_fraction"), value(f"{entity}.ceiling_fraction")
    assert 0 < floor <= ceiling <= 1
    band = FACTS[f"{entity}.power_log_error"]
    assert band.low is not None
    assert band.high is not None
    assert band.low < 0 < band.high
    assert band.high - band.low < 0.79  # 2.2-fold


def test_a_computed_idle_server_is_its_cards_and_a_host() -> None:
    for server in ("dgx-a100-8", "dgx-h100-8", "dgx-b200-8", "mi300x-8"):
        card = str(FACTS[f"{server}.accelerator"].value)
        parts = 8 * value(f"{card}.idle_empty_w") + value("host-board.idle_host_w")
        fact = FACTS[f"{server}.idle_w"]
        assert fact.low is not None
        assert fact.high is not None
        assert fact.low <= parts <= fact.high, server


# -- facilities ----------------------------------------------------------------------------------


def test_clouds_waste_less_than_own_rooms() -> None:
    pue = [value(f"facility-{name}.pue") for name in ("cloud", "colocation", "own")]
    assert pue == sorted(pue)
    assert pue == [1.14, 1.40, 1.63]


# -- grids ---------------------------------------------------------------------------------------


def test_countries_count_the_life_cycle_and_states_power_plants_alone() -> None:
    for entity in ids("grid"):
        basis = str(FACTS[f"{entity}.basis"].value)
        is_state = entity.startswith(("grid-us-", "grid-cn-"))
        assert basis.startswith("direct") is is_state, entity


def test_states_of_the_us_lie_around_the_country() -> None:
    states = {e: v for e, v in values("g_co2e_per_kwh").items() if e.startswith("grid-us-")}
    assert len(states) == 52
    assert min(states.values()) < 50
    assert max(states.values()) > 700
    mean = sum(states.values()) / len(states)
    assert mean == pytest.approx(value("grid-us.g_co2e_per_kwh"), rel=0.2)


def test_other_published_intensities_are_near_or_told_to_be_marginal() -> None:
    used = values("g_co2e_per_kwh")
    for field in ("ember_g_co2e_per_kwh", "owid_g_co2e_per_kwh", "subregion_g_co2e_per_kwh"):
        far = [e for e, v in values(field).items() if used[e] > 60 and not 0.5 < v / used[e] < 2]
        assert len(far) <= 6, (field, far)
    for entity, marginal in values("nonbaseload_g_co2e_per_kwh").items():
        assert marginal > used[entity]
        assert "never an average" in FACTS[f"{entity}.nonbaseload_g_co2e_per_kwh"].note


def test_known_grids_in_their_order() -> None:
    order = [value(f"grid-{c}.g_co2e_per_kwh") for c in ("no", "se", "fr", "de", "us", "pl")]
    assert order == sorted(order)


def test_nothing_of_the_grids_is_under_a_licence_that_binds_databases() -> None:
    with (CATALOG / "grid.csv").open(encoding="utf-8") as stream:
        used = {row["source"] for row in csv.DictReader(stream)}
    licences = {sources()[name].licence for name in used}
    assert not any("ODbL" in licence for licence in licences)
    assert licences <= {"CC BY 4.0", "CC BY-SA 4.0", "MIT", "MPL-2.0", "public domain"}
    notice = (CATALOG / "LICENSE-grid.md").read_text(encoding="utf-8")
    assert all(sources()[name].publisher.partition(",")[0] in notice for name in used)


# -- embodied and published ----------------------------------------------------------------------


def test_boards_are_eight_cards() -> None:
    assert 8 * value("h100-sxm.embodied_kg") == 1312
    assert 8 * value("b200-sxm.embodied_kg") == 2274


def test_every_host_has_a_footprint() -> None:
    hosts = {e.removeprefix("host-") for e in ids("energy") if e.startswith("host-")}
    assert hosts == {e.removeprefix("footprint-") for e in ids("footprint")} - {"accelerator"}


def test_published_prompts_are_those_that_reports_name() -> None:
    published = {
        e: value(f"{e}.wh_per_prompt") for e in ids("anchor") if f"{e}.wh_per_prompt" in FACTS
    }
    assert published == {"anchor-gemini": 0.24, "anchor-chatgpt": 0.34, "anchor-epoch": 0.3}
    share = value("anchor-gemini.accelerator_wh_per_prompt") / published["anchor-gemini"]
    assert 0.4 < share < 0.58  # idle accelerators are not in it

"""One year by scope of the GHG Protocol, for every way to run the service, and fields to report."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from llminfra.catalog.facts import Facts
from llminfra.facets.energy.drawn import MONTHS
from llminfra.facets.energy.facility import pue_of
from llminfra.facets.energy.inputs import FacilityClass, Inputs
from llminfra.facets.energy.result import Energy
from llminfra.formulas import footprint
from llminfra.ranges import Range

SCOPE_2: Final = "2"
SCOPE_2_AND_3: Final = "2 + 3.3"
PURCHASED: Final = "3.1"
CAPITAL: Final = "3.2"
WORDS: Final = {
    SCOPE_2: "electricity, power plants alone",
    SCOPE_2_AND_3: "electricity, not split: the factor counts the fuel's way to the plant too",
    PURCHASED: "bought services",
    CAPITAL: "hardware, whole in the year of purchase",
}
_OWN_ROOM: Final[dict[str, FacilityClass]] = {"owned": "own", "colocated": "colocation"}


@dataclass(frozen=True)
class Account:
    """One line of the table by scope.

    Attributes
    ----------
    option : str
        owned, colocated, cloud or api.
    scope : str
        Scope and category of the GHG Protocol.
    words : str
        What it holds.
    location_kg, market_kg : Range
        Emissions of a year, by the grid's mean and by what is contracted. [kgCO2e]
    """

    option: str
    scope: str
    words: str
    location_kg: Range
    market_kg: Range


def accounts(inputs: Inputs, facts: Facts, energy: Energy) -> list[Account]:
    """Return a year of the service by scope, for every way to run it.

    Hardware that one buys falls whole on the year of purchase; what is rented carries its share of
    a life. The servers and their load are those of the plan in every option but the API.
    """
    return [
        *_own(inputs, facts, energy, "owned"),
        *_own(inputs, facts, energy, "colocated"),
        _cloud(inputs, facts, energy),
        _api(energy),
    ]


def _own(inputs: Inputs, facts: Facts, energy: Energy, option: str) -> Iterator[Account]:
    scope = SCOPE_2 if energy.grid.is_direct else SCOPE_2_AND_3
    location, market = _use_kg(inputs, facts, energy, _OWN_ROOM[option])
    yield Account(option, scope, WORDS[scope], location, market)
    yield Account(option, CAPITAL, WORDS[CAPITAL], energy.embodied_kg, energy.embodied_kg)


def _cloud(inputs: Inputs, facts: Facts, energy: Energy) -> Account:
    made = energy.embodied_kg_co2e_per_year
    location, market = (kg + made for kg in _use_kg(inputs, facts, energy, "cloud"))
    words = f"{WORDS[PURCHASED]}: electricity, and hardware spread over its life"
    return Account("cloud", PURCHASED, words, location, market)


def _api(energy: Energy) -> Account:
    """Answers at the energy that providers publish, on the grid of the region.

    Where they are given is not known, nor what the provider contracted.
    """
    each, answers = energy.api_wh_per_request, energy.requests_per_month * MONTHS
    used = footprint.use_g(kwh=each * answers / 1e3, g_per_kwh=energy.g_co2e_per_kwh) / 1e3
    words = f"{WORDS[PURCHASED]}: published energy of a prompt, at this region's intensity"
    return Account("api", PURCHASED, words, used, used)


def _use_kg(
    inputs: Inputs, facts: Facts, energy: Energy, facility: FacilityClass
) -> tuple[Range, Range]:
    """Emissions of a year's electricity in a class of facility: by location, and by contract."""
    pue = pue_of(inputs, facts, facility) / energy.pue
    return energy.use_kg_co2e_per_year * pue, energy.market_kg_co2e_per_year * pue


def totals(lines: list[Account]) -> dict[str, tuple[Range, Range]]:
    """Return the sum of every option, by location and by contract."""
    found: dict[str, tuple[Range, Range]] = {}
    for line in lines:
        location, market = found.get(line.option, (line.location_kg * 0, line.market_kg * 0))
        found[line.option] = (location + line.location_kg, market + line.market_kg)
    return found

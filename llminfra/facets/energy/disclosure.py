"""Fields of a sustainability report: what the plan can fill in, and what only others can."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from llminfra.facets.base import quantity
from llminfra.facets.energy.accounts import (
    CAPITAL,
    PURCHASED,
    SCOPE_2,
    SCOPE_2_AND_3,
    Account,
    totals,
)
from llminfra.facets.energy.drawn import MONTHS
from llminfra.facets.energy.inputs import Inputs
from llminfra.facets.energy.result import Energy
from llminfra.ranges import Range

ESRS: Final = "ESRS E1, Delegated Regulation (EU) 2023/2772"
KPI: Final = "Delegated Regulation (EU) 2024/1364"
# Installed power of equipment from which an operator reports to the European database.
DUE_FROM_W: Final = 500_000.0
# What of these texts was read, so that nobody takes a name here for a checked definition.
READ: Final = (
    "Read: ESRS E1 disclosures E1-5 and E1-6 in excerpts, articles 1 and 2 of (EU) 2024/1364. Not "
    "read: its annexes with the formulas of the indicators, and the amendments of 2026 to either."
)
_OF_OPERATOR: Final = "ask the operator of the data centre"
_OPTION: Final = {"own": "owned", "colocation": "colocated", "cloud": "cloud"}


@dataclass(frozen=True)
class Field:
    """One field of a report.

    Attributes
    ----------
    standard, name, unit : str
        Who asks for it, what it is called there, and in what.
    value : Range or None
        None where the plan does not tell, which `note` explains.
    note : str
        Boundary, or whom to ask.
    """

    standard: str
    name: str
    unit: str
    value: Range | None
    note: str


def disclosure(inputs: Inputs, energy: Energy, lines: list[Account]) -> list[Field]:
    """Return the fields of a year in the facility that the plan stands in."""
    return [*_esrs(inputs, energy, lines), *_indicators(energy)]


def _esrs(inputs: Inputs, energy: Energy, lines: list[Account]) -> Iterator[Field]:
    option = _OPTION[energy.facility_class]
    own = [line for line in lines if line.option == option]
    is_rented = option == "cloud"
    mwh = None if is_rented else energy.kwh_per_year / 1e3
    of_others = "energy of a rented service is not of own operations"
    yield Field(ESRS, "E1-5 total energy consumption", "MWh", mwh, of_others if is_rented else "")
    for scope in (SCOPE_2, SCOPE_2_AND_3, PURCHASED, CAPITAL):
        for line in (line for line in own if line.scope == scope):
            yield from _both(line)
    location, market = totals(lines)[option]
    note = "sum of the rows above, year of purchase" if not is_rented else "sum of the rows above"
    yield Field(ESRS, "E1-6 total emissions, location-based", "tCO2e", location / 1e3, note)
    yield Field(ESRS, "E1-6 total emissions, market-based", "tCO2e", market / 1e3, note)
    share = quantity(inputs, "contracted_fraction") * 100
    residual = "" if energy.has_residual_mix else "the rest at the grid's mean: no residual mix"
    yield Field(ESRS, "E1-6 share of contractual instruments", "%", share, residual)


def _both(line: Account) -> Iterator[Field]:
    name = f"E1-6 gross scope {line.scope}"
    if line.scope == CAPITAL:
        yield Field(ESRS, name, "tCO2e", line.location_kg / 1e3, line.words)
        return
    yield Field(ESRS, f"{name}, location-based", "tCO2e", line.location_kg / 1e3, line.words)
    yield Field(ESRS, f"{name}, market-based", "tCO2e", line.market_kg / 1e3, line.words)


def _indicators(energy: Energy) -> Iterator[Field]:
    rated = energy.rated_power_w
    due = "due" if rated.base >= DUE_FROM_W else "not due for these servers alone"
    limit = f"{due}: from {DUE_FROM_W / 1e3:.0f} kW of a data centre"
    yield Field(KPI, "Installed information technology power demand", "kW", rated / 1e3, limit)
    wall = energy.wall_kwh_per_month * MONTHS / 1e3
    yield Field(KPI, "Energy of information technology equipment", "MWh", wall, "at the wall")
    yield Field(KPI, "Power usage effectiveness (PUE)", "1", energy.pue, "")
    yield Field(KPI, "Water usage effectiveness (WUE)", "L/kWh", energy.wue_l_per_kwh, "on site")
    yield Field(KPI, "Energy reuse factor (ERF)", "1", None, _OF_OPERATOR)
    yield Field(KPI, "Renewable energy factor (REF)", "1", None, _OF_OPERATOR)

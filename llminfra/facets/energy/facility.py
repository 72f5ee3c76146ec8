"""The building around the servers: its class, what it adds to their power, and its water."""

from typing import Final

from llminfra.catalog.facts import Facts
from llminfra.facets.base import quantity
from llminfra.facets.energy.inputs import FacilityClass, Inputs
from llminfra.formulas import water
from llminfra.ranges import Range, as_range, exact

# Where an option runs. Until one is chosen, a rack that is rented.
_OF_HOSTING: Final[dict[str, FacilityClass]] = {"owned": "own", "colocated": "colocation"}
_UNDECIDED: Final = "auto"


def facility_of(inputs: Inputs) -> FacilityClass:
    """Return the class of the facility: as given, or that of where the service is hosted."""
    if inputs.facility_class != "auto":
        return inputs.facility_class
    return "colocation" if inputs.hosting == _UNDECIDED else facility_at(inputs.hosting)


def facility_at(option: str) -> FacilityClass:
    """Return the class of the facility in which an option of hosting runs.

    Examples
    --------
    >>> facility_at("owned"), facility_at("reserved_1y")
    ('own', 'cloud')
    """
    return _OF_HOSTING.get(option, "cloud")


def pue_of(inputs: Inputs, facts: Facts, facility_class: FacilityClass) -> Range:
    """Return the power usage effectiveness: as given, or that of the facility's class.

    Dry cooling costs fans; an own figure has them in it.
    """
    if inputs.pue is not None:
        return quantity(inputs, "pue")
    pue = facts.number(f"facility-{facility_class}", "pue")
    if not inputs.dry_cooling:
        return pue
    more = water.dry_pue(
        pue=pue, dry_pue_increase_ratio=facts.number("facility-dry", "dry_pue_increase")
    )
    return as_range(more, name="pue")


def wue_of(inputs: Inputs, facts: Facts, facility_class: FacilityClass) -> Range:
    """Return the water usage effectiveness of the site: none where cooling is dry."""
    if inputs.wue_l_per_kwh is not None:
        return quantity(inputs, "wue_l_per_kwh")
    if inputs.dry_cooling:
        return exact(0.0, name="wue_l_per_kwh", origin="scenario field dry_cooling")
    return facts.number(f"facility-{facility_class}", "wue_l_per_kwh")

"""Fields of energy, carbon and water."""

from typing import Literal

from llminfra.facets import serving
from llminfra.facets.base import Banded, amount, field, share
from llminfra.facets.energy.training_inputs import RunInputs

FacilityClass = Literal["own", "colocation", "cloud"]


class Inputs(RunInputs, serving.Inputs):
    """Where the servers stand, what feeds them, and what was contracted."""

    region: str = field(
        "US", help="grid that feeds the servers: DE, FR, PL, US-VA …; see llminfra list regions"
    )
    facility_class: Literal["auto", "own", "colocation", "cloud"] = field(
        "auto",
        help="building around the servers; auto is that of hosting, colocation while it is open",
    )
    pue: Banded | None = amount(
        None,
        "power usage effectiveness of the facility; none is that of its class",
        "1",
        within=(1, 5),
    )
    wue_l_per_kwh: Banded | None = amount(
        None,
        "water that the site evaporates for each kWh of its equipment; none is that of its class",
        "L/kWh",
        within=(0, 10),
    )
    dry_cooling: bool = field(
        False, help="cooling that evaporates no water, at the price of a higher pue of its class"
    )
    grid_g_co2e_per_kwh: Banded | None = amount(
        None, "intensity of the grid; none is that of the region", "g/kWh", within=(0, 2000)
    )
    grid_basis: Literal["life-cycle", "direct"] = field(
        "life-cycle", help="what grid_g_co2e_per_kwh counts: fuel and plants too, or plants alone"
    )
    contracted_fraction: Banded = share(
        0.0, "share of the electricity that contracts or certificates cover, market-based"
    )
    contracted_g_co2e_per_kwh: Banded = amount(
        0.0, "intensity of what is contracted", "g/kWh", within=(0, 2000)
    )
    residual_g_co2e_per_kwh: Banded | None = amount(
        None,
        "intensity of the residual mix of the region; none takes the grid's mean",
        "g/kWh",
        within=(0, 2000),
    )
    embodied_kg_per_accelerator: Banded | None = amount(
        None,
        "emissions of making an accelerator, cradle to gate; none is the catalogue's",
        "kg",
        within=(0, 5000),
    )
    embodied_kg_per_host: Banded | None = amount(
        None,
        "emissions of making a server without its accelerators; none is the catalogue's",
        "kg",
        within=(0, 50_000),
    )
    embodied_life_years: Banded | None = amount(
        None,
        "years over which making the hardware is spread; none is horizon_years",
        "year",
        within=(0.1, 20),
    )
    api_wh_per_request: Banded | None = amount(
        None,
        "energy of an answer behind an API; none is what providers publish of a prompt",
        "Wh",
        within=(0, 1000),
    )

"""Fields of energy, carbon and water."""

from typing import Literal

from llminfra.facets import serving
from llminfra.facets.base import Banded, field
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
    pue: Banded | None = field(
        None,
        help="power usage effectiveness of the facility; none is that of its class",
        unit="1",
        minimum=1,
        maximum=5,
    )
    wue_l_per_kwh: Banded | None = field(
        None,
        help="water that the site evaporates for each kWh of its equipment; none is that of its "
        "class",
        unit="L/kWh",
        minimum=0,
        maximum=10,
    )
    dry_cooling: bool = field(
        False, help="cooling that evaporates no water, at the price of a higher pue of its class"
    )
    grid_g_co2e_per_kwh: Banded | None = field(
        None,
        help="intensity of the grid; none is that of the region",
        unit="g/kWh",
        minimum=0,
        maximum=2000,
    )
    grid_basis: Literal["life-cycle", "direct"] = field(
        "life-cycle", help="what grid_g_co2e_per_kwh counts: fuel and plants too, or plants alone"
    )
    contracted_fraction: Banded = field(
        0.0,
        help="share of the electricity that contracts or certificates cover, market-based",
        unit="1",
        minimum=0,
        maximum=1,
    )
    contracted_g_co2e_per_kwh: Banded = field(
        0.0, help="intensity of what is contracted", unit="g/kWh", minimum=0, maximum=2000
    )
    residual_g_co2e_per_kwh: Banded | None = field(
        None,
        help="intensity of the residual mix of the region; none takes the grid's mean",
        unit="g/kWh",
        minimum=0,
        maximum=2000,
    )
    embodied_kg_per_accelerator: Banded | None = field(
        None,
        help="emissions of making an accelerator, cradle to gate; none is the catalogue's",
        unit="kg",
        minimum=0,
        maximum=5000,
    )
    embodied_kg_per_host: Banded | None = field(
        None,
        help="emissions of making a server without its accelerators; none is the catalogue's",
        unit="kg",
        minimum=0,
        maximum=50_000,
    )
    embodied_life_years: Banded | None = field(
        None,
        help="years over which making the hardware is spread; none is horizon_years",
        unit="year",
        minimum=0.1,
        maximum=20,
    )
    api_wh_per_request: Banded | None = field(
        None,
        help="energy of an answer behind an API; none is what providers publish of a prompt",
        unit="Wh",
        minimum=0,
        maximum=1000,
    )

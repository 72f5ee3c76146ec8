"""Energy, carbon and water of the plan."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import isnan
from typing import TYPE_CHECKING, Any, Final

from llminfra.facets.base import quantity
from llminfra.facets.energy.drawn import MONTHS, Drawn
from llminfra.facets.energy.facility import wue_of
from llminfra.facets.energy.month import SteadyMonth
from llminfra.facets.energy.published import Prompt, api_wh_per_request, published_prompts
from llminfra.facets.energy.region import code_of, grid_of
from llminfra.formulas import energy, footprint, water
from llminfra.ranges import Range, as_range
from llminfra.units import HOURS_PER_MONTH

if TYPE_CHECKING:
    import pandas as pd

_MTOK: Final = 1e6
# What makes up the energy of a month, in the order of a stack.
PARTS: Final = tuple(f"{part}_kwh_per_month" for part in ("active", "idle", "host", "overhead"))
# In the order of a table; computed when asked for.
_COMPUTED: Final = (
    *("accelerator_j_per_output_token", "j_per_output_token", "wh_per_request"),
    *("kwh_per_month", "kwh_per_year", "wall_kwh_per_month"),
    *("active_kwh_per_month", "idle_kwh_per_month", "host_kwh_per_month"),
    "overhead_kwh_per_month",
    *("node_power_w", "active_node_power_w", "idle_node_power_w"),
    *("power_w", "active_power_w", "idle_power_w", "rated_power_w"),
    *("power_fraction", "busy_fraction", "requests_per_month", "output_tokens_per_month"),
    *("pue", "wue_l_per_kwh", "g_co2e_per_kwh", "even_g_co2e_per_kwh"),
    *("g_co2e_per_request", "use_g_co2e_per_request", "embodied_g_co2e_per_request"),
    *("g_co2e_per_request_market", "g_co2e_per_mtok_output"),
    *("use_kg_co2e_per_year", "market_kg_co2e_per_year", "embodied_kg_co2e_per_year"),
    *("embodied_kg", "litres_per_request", "site_litres_per_request", "grid_litres_per_request"),
    "litres_per_year",
    *("facility_class", "region_code", "grid_basis", "power_evidence"),
)


@dataclass(frozen=True)
class Energy(Drawn):
    """What the plan's accelerators and their share of hosts draw, and what follows from it.

    Unused cards of a server are left out. The names say the boundary: ``accelerator`` devices
    alone, ``node`` and ``wall`` servers at the wall, the others the whole facility.
    """

    headline = (
        *("wh_per_request", "kwh_per_month", "node_power_w", "accelerator_j_per_output_token"),
        *("g_co2e_per_request", "litres_per_request"),
    )

    def items(self) -> Iterator[tuple[str, Any]]:
        """Yield name and value of every quantity that no fact lacks."""
        yield from self.available(_COMPUTED)
        if self.training is not None:
            yield from ((f"training.{name}", value) for name, value in self.training.items())

    # -- carbon ------------------------------------------------------------------------------

    @property
    def region_code(self) -> str:
        """Code of the region whose grid feeds the servers."""
        return self.grid.code

    @property
    def grid_basis(self) -> str:
        """What the intensity of the grid counts."""
        return self.grid.basis

    @property
    def g_co2e_per_kwh(self) -> Range:
        """Intensity of the grid."""
        return self.grid.g_co2e_per_kwh

    @cached_property
    def _use_g(self) -> Range:
        used = footprint.use_g(kwh=self.kwh_per_month, g_per_kwh=self.g_co2e_per_kwh)
        return as_range(used, name="use_g")

    @property
    def has_residual_mix(self) -> bool:
        """Whether the residual mix was given; the grid's mean stands in where it was not."""
        return self._inputs.residual_g_co2e_per_kwh is not None

    @cached_property
    def _market_g(self) -> Range:
        residual = self.g_co2e_per_kwh
        if self.has_residual_mix:
            residual = quantity(self._inputs, "residual_g_co2e_per_kwh")
        used = footprint.market_g(
            kwh=self.kwh_per_month,
            contracted_fraction=quantity(self._inputs, "contracted_fraction"),
            contracted_g_per_kwh=quantity(self._inputs, "contracted_g_co2e_per_kwh"),
            residual_g_per_kwh=residual,
        )
        return as_range(used, name="market_g")

    @cached_property
    def embodied_kg(self) -> Range:
        """Emissions of making the accelerators and their share of hosts, cradle to gate."""
        machine = self._month.machine
        card = self._made("embodied_kg_per_accelerator", self._month.machine.accelerator)
        host = self._made("embodied_kg_per_host", f"footprint-{machine.host}")
        whole = footprint.embodied_kg(
            accelerator_kg=card,
            host_kg=host,
            host_accelerators=machine.host_accelerators,
            n_accelerators=float(self.accelerators),
        )
        return as_range(whole)

    def _made(self, given: str, entity: str) -> Range:
        if getattr(self._inputs, given) is not None:
            return quantity(self._inputs, given)
        has_own = self._facts.has(entity, "embodied_kg")
        return self._facts.number(entity if has_own else "footprint-accelerator", "embodied_kg")

    @cached_property
    def life_years(self) -> Range:
        """Years over which making the hardware is spread."""
        is_own = self._inputs.embodied_life_years is not None
        return quantity(self._inputs, "embodied_life_years" if is_own else "horizon_years")

    @cached_property
    def embodied_g_per_hour(self) -> Range:
        """Emissions of making the hardware, for each hour of its life."""
        each = energy.embodied_g_per_hour(
            embodied_kg=self.embodied_kg, life_years=self.life_years, useful_fraction=1.0
        )
        return as_range(each, name="embodied_g_per_hour")

    @cached_property
    def _embodied_g(self) -> Range:
        a_month = footprint.embodied_g_per_month(embodied_g_per_hour=self.embodied_g_per_hour)
        return as_range(a_month, name="embodied_g")

    @cached_property
    def g_co2e_per_request(self) -> Range:
        """Emissions of an answer, location-based: use and hardware. Its carbon intensity."""
        return self._intensity(self.requests_per_month, "g_co2e_per_request")

    @cached_property
    def g_co2e_per_mtok_output(self) -> Range:
        """Emissions of a million output tokens, location-based: use and hardware."""
        return self._intensity(self.output_tokens_per_month / _MTOK, "g_co2e_per_mtok_output")

    def _intensity(self, units: Range, name: str) -> Range:
        each = footprint.carbon_intensity_g(
            kwh=self.kwh_per_month,
            g_per_kwh=self.g_co2e_per_kwh,
            embodied_g=self._embodied_g,
            n_units=units,
        )
        return as_range(each, name=name)

    @cached_property
    def use_g_co2e_per_request(self) -> Range:
        """Emissions of an answer's electricity, location-based."""
        return as_range(self._use_g / self.requests_per_month, name="use_g_co2e_per_request")

    @cached_property
    def embodied_g_co2e_per_request(self) -> Range:
        """Emissions of making the hardware, for each answer."""
        return as_range(
            self._embodied_g / self.requests_per_month, name="embodied_g_co2e_per_request"
        )

    @cached_property
    def g_co2e_per_request_market(self) -> Range:
        """Emissions of an answer, market-based: use as contracted, and hardware."""
        whole = footprint.g_per_request(
            use_g=self._market_g, embodied_g=self._embodied_g, n_requests=self.requests_per_month
        )
        return as_range(whole, name="g_co2e_per_request_market")

    @cached_property
    def use_kg_co2e_per_year(self) -> Range:
        """Emissions of the electricity of a year, location-based."""
        return as_range(self._use_g * (MONTHS / 1e3), name="use_kg_co2e_per_year")

    @cached_property
    def market_kg_co2e_per_year(self) -> Range:
        """Emissions of the electricity of a year, market-based."""
        return as_range(self._market_g * (MONTHS / 1e3), name="market_kg_co2e_per_year")

    @cached_property
    def embodied_kg_co2e_per_year(self) -> Range:
        """Emissions of making the hardware that fall on a year of its life."""
        return as_range(self._embodied_g * (MONTHS / 1e3), name="embodied_kg_co2e_per_year")

    @cached_property
    def even_g_co2e_per_kwh(self) -> Range:
        """Intensity of a grid below which making the hardware outweighs its use."""
        hourly_w = self.kwh_per_month * (1e3 / HOURS_PER_MONTH)
        even = footprint.even_g_per_kwh(
            embodied_g_per_hour=self.embodied_g_per_hour, power_w=hourly_w
        )
        return as_range(even, name="even_g_co2e_per_kwh")

    # -- water -------------------------------------------------------------------------------

    @cached_property
    def wue_l_per_kwh(self) -> Range:
        """Water usage effectiveness of the site."""
        return wue_of(self._inputs, self._facts, self.facility_class)

    @cached_property
    def _site_l(self) -> Range:
        litres = water.site_water_l(
            wall_kwh=self.wall_kwh_per_month, wue_l_per_kwh=self.wue_l_per_kwh
        )
        return as_range(litres, name="site_water_l")

    @cached_property
    def _grid_l(self) -> Range:
        litres = water.grid_water_l(
            kwh=self.kwh_per_month, grid_l_per_kwh=self.grid.water_l_per_kwh
        )
        return as_range(litres, name="grid_water_l")

    @cached_property
    def site_litres_per_request(self) -> Range:
        """Water that the site evaporates for an answer."""
        return as_range(self._site_l / self.requests_per_month, name="site_litres_per_request")

    @cached_property
    def grid_litres_per_request(self) -> Range:
        """Water that power plants consume for an answer."""
        return as_range(self._grid_l / self.requests_per_month, name="grid_litres_per_request")

    @cached_property
    def litres_per_request(self) -> Range:
        """Water consumed for an answer, on site and at the grid."""
        whole = water.litres_per_request(
            site_l=self._site_l, grid_l=self._grid_l, n_requests=self.requests_per_month
        )
        return as_range(whole)

    @cached_property
    def litres_per_year(self) -> Range:
        """Water consumed in a year, on site and at the grid."""
        return as_range((self._site_l + self._grid_l) * MONTHS, name="litres_per_year")

    # -- other loads -------------------------------------------------------------------------

    def at(self, utilizations: Sequence[float]) -> "pd.DataFrame":
        """Return energy and emissions of an answer at other loads, on these servers.

        Parameters
        ----------
        utilizations : sequence of float
            Mean load over what all replicas can answer, around the clock. [1]

        Returns
        -------
        at : DataFrame
            Columns utilization, name, unit, low, base, high.
        """
        import pandas as pd  # heavy, and only reports ask

        rows = []
        for utilization in utilizations:
            other = self._at(utilization)
            for name in ("wh_per_request", "j_per_output_token", "g_co2e_per_request"):
                value = getattr(other, name)
                rows.append((utilization, name, value.unit, value.low, value.base, value.high))
        return pd.DataFrame(rows, columns=["utilization", "name", "unit", "low", "base", "high"])

    def wall_kwh_per_month_used(self, utilization: float) -> Range:
        """Energy at the wall with so much asked of what all replicas can answer, at any hour."""
        return self._at(utilization).wall_kwh_per_month

    def _at(self, utilization: float) -> "Energy":
        """Return the energy of these servers under another load that does not rest."""
        return replace(self, _month=SteadyMonth.of(self._month, utilization))

    def in_regions(self, codes: Sequence[str]) -> "pd.DataFrame":
        """Return the emissions of an answer on the grids of other regions.

        Parameters
        ----------
        codes : sequence of str
            Regions; those whose intensity counts something else are left out.

        Returns
        -------
        in_regions : DataFrame
            Columns code, region, low, base, high, embodied, g_co2e_per_kwh; the lowest first.
        """
        import pandas as pd  # heavy, and only reports ask

        grids = {code_of(code): grid_of(self._inputs, self._facts, code) for code in codes}
        rows = []
        for code, grid in ({self.grid.code: self.grid} | grids).items():
            if grid.is_direct == self.grid.is_direct:
                there = self if code == self.grid.code else replace(self, grid=grid)
                g = there.g_co2e_per_request
                made = there.embodied_g_co2e_per_request.base
                intensity = grid.g_co2e_per_kwh.base
                rows.append((code, grid.name, g.low, g.base, g.high, made, intensity))
        names = ["code", "region", "low", "base", "high", "embodied", "g_co2e_per_kwh"]
        return pd.DataFrame(rows, columns=names).sort_values("base", ignore_index=True)

    def split_at(self, utilizations: Mapping[str, float]) -> "pd.DataFrame":
        """Return the energy of a month by what draws it, at other loads.

        Parameters
        ----------
        utilizations : mapping
            Words to mean load over what all replicas can answer; NaN is the load as it is.

        Returns
        -------
        split_at : DataFrame
            Columns label, name, base.
        """
        import pandas as pd  # heavy, and only reports ask

        rows = [
            (label, name, getattr(other, name).base)
            for label, share in utilizations.items()
            for other in [self if isnan(share) else self._at(share)]
            for name in PARTS
        ]
        return pd.DataFrame(rows, columns=["label", "name", "base"])

    @cached_property
    def api_wh_per_request(self) -> Range:
        """Energy of an answer behind an API: as given, or what providers publish of a prompt."""
        return api_wh_per_request(self._inputs, self._facts)

    @property
    def published_prompts(self) -> list[Prompt]:
        """What providers publish of a prompt."""
        return published_prompts(self._facts)

    @property
    def mean_utilization(self) -> Range:
        """Mean load over what all replicas can answer, around the clock."""
        most, capacity = self._month.capacity.max_requests_per_s, self._month.capacity
        return as_range(capacity.mean_requests_per_s / most, name="mean_utilization")

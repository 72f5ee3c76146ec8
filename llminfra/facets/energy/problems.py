"""Figures that stand in for what nobody has published, and hours that do not fit together."""

from collections.abc import Iterator

from llminfra.catalog.facts import Facts
from llminfra.facets.base import Problem
from llminfra.facets.demand import Demand
from llminfra.facets.energy.inputs import Inputs
from llminfra.facets.energy.result import Energy
from llminfra.units import HOURS_PER_WEEK


def problems(inputs: Inputs, facts: Facts, result: Energy, *, demand: Demand) -> list[Problem]:
    """Name what was taken in place of a missing figure, and how to give one's own."""
    return [*_power(inputs, result), *_water(result), *_hours(demand)]


def _power(inputs: Inputs, result: Energy) -> Iterator[Problem]:
    if result.is_bound:
        name = inputs.accelerator
        yield Problem(
            "W-POWER",
            f"power of {name} is not published: {result.limit_w.base:,.0f} W is an upper bound, "
            "the largest limit of any accelerator in the catalogue",
            (f'give its limit: [facts] "{name}.tdp_w" = {{value = …, source = "…", as_of = …}}',),
        )


def _water(result: Energy) -> Iterator[Problem]:
    grid = result.grid
    if not grid.has_water:
        yield Problem(
            "W-WATER",
            f"water of power plants is not published for {grid.place}: the world's mean, "
            f"{grid.water_l_per_kwh.base:.1f} L/kWh, stands in",
            (f"read litres at the grid of {grid.code} as an order of magnitude",),
        )


def _hours(demand: Demand) -> Iterator[Problem]:
    loaded = demand.load_fraction.base * HOURS_PER_WEEK
    on = demand.hours_on_per_week.base
    if on < loaded * (1 - 1e-9):
        yield Problem(
            "W-HOURS",
            f"servers must be on while there is a load: hours_on_per_week is {on:g}, the load "
            f"lasts {loaded:.0f}; counted with {loaded:.0f}",
            (f"raise hours_on_per_week to {loaded:.0f}, or lower load_hours_per_week",),
        )

"""One option as a function of the load."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from llminfra.facets.cost.book import Priced
from llminfra.facets.cost.case import Load
from llminfra.facets.cost.month import Month
from llminfra.formulas import cost as formulas
from llminfra.ranges import Range, as_range, exact

REFERENCE_YEARS: Final = exact(3.0, name="reference_years", unit="year")
"""Age to which shares of resale value refer."""
ALWAYS: Final = exact(168.0, name="hours_on_per_week")
NOTHING: Final = exact(0.0)


@dataclass(frozen=True)
class Way:
    """One option as a function of the load, at the prices of today.

    Attributes
    ----------
    price : Priced
        The base price behind it.
    month : callable
        Takes a load; gives a month.
    accelerators : callable
        Accelerators that are paid for under a load.
    paid_hours_per_week : Range
        Hours of a week that are paid. [h/week]
    residual_fraction : Range
        Share of the price that a purchase is worth after three years.
    investment : callable
        Price of what is bought and sold again, without tax; None where nothing is.
    drifting : str
        The part whose price moves from year to year; empty where none does.
    drift : Range
        How it moves; None as rents and servers do.
    replicas_per_machine : int
        Replicas on the least that can be had more: a server, a machine of a provider, one worker.
    commitment_months : float
        Months that are paid for whatever is used. [month]
    posts : Range
        Posts for running it.
    room : callable
        What building a room for a load costs, where the month counts one by its share; else None.
    """

    price: Priced
    month: Callable[[Load], Month]
    accelerators: Callable[[Load], int]
    paid_hours_per_week: Range = ALWAYS
    residual_fraction: Range = NOTHING
    investment: Callable[[Load], Range] | None = None
    drifting: str = ""
    drift: Range | None = None
    replicas_per_machine: int = 1
    commitment_months: float = 0.0
    posts: Range = NOTHING
    room: Callable[[Load], Range] | None = None


def resale(net: Range, fraction: Range, years: float) -> Range:
    """What servers are worth after so many years, of their price without tax."""
    found = formulas.residual_usd(
        investment_usd=net,
        residual_fraction=fraction,
        reference_years=REFERENCE_YEARS,
        years=exact(years, name="years", unit="year"),
    )
    return as_range(found)


def once_a_load(month: Callable[[Load], Month]) -> Callable[[Load], Month]:
    """Compute the month of a load once."""
    months: dict[tuple[int, int, int, bool], tuple[Load, Month]] = {}

    def once(load: Load) -> Month:
        if load.key not in months:
            months[load.key] = load, month(load)  # its key holds an id, which no other load may get
        return months[load.key][1]

    return once


def present(parts: Mapping[str, Range | None]) -> dict[str, Range]:
    """The parts that are there; zeros are written where they are shown."""
    return {name: part for name, part in parts.items() if part is not None}

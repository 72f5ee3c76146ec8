"""Money by year: purchases at the start, bills at the end of each year, what is left at the end."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Final

from llminfra.facets.cost.case import Case, Load, changed_by, years_of
from llminfra.facets.cost.way import Way, resale
from llminfra.formulas import cash as moving
from llminfra.formulas import cost as formulas
from llminfra.formulas import purchase as buying
from llminfra.ranges import Range, as_range, exact

RESIDUAL: Final = "residual"
_NOTHING: Final = exact(0.0)
_BOUGHT: Final = ("capital_usd", "network_usd", "setup_usd")

Flows = dict[str, Range]


@dataclass(frozen=True)
class Year:
    """Payments of a year, costs negative, and when they fall due.

    Attributes
    ----------
    year : int
        0 is the first day.
    at_years : float
        Years from the first day to the payment.
    usd : Range
        All payments together. [USD]
    """

    year: int
    at_years: float
    usd: Range
    _by_part: Callable[[], Flows]

    @cached_property
    def flows(self) -> Flows:
        """The payments by part, and what a resale brings."""
        return self._by_part()


def years(way: Way, case: Case, drift: Range) -> list[Year]:
    """Return the years of an option from the purchase to the resale.

    Capacity grows in whole servers: what a year needs more is bought at its beginning, at the
    price of that time. Rents follow the drift, but those that are reserved.
    """
    horizon = float(case.inputs.horizon_years)
    spans = years_of(horizon)
    loads = [case.load_of_year(year) for year, _ in spans]
    bought = [*(_bought(way, loads, index, drift) for index in range(len(loads))), {}]
    found = [_year(0, 0.0, _NOTHING, bought[0], _NOTHING, dict)]
    for (year, share), load in zip(spans, loads, strict=True):
        paid = _paid_in_all(way, load, year, share, drift)
        left = _left(way, loads, horizon, drift) if year == len(spans) else _NOTHING
        by_part = partial(_paid, way, load, year, share, drift)
        found.append(_year(year, min(float(year), horizon), paid, bought[year], left, by_part))
    return found


def _year(
    year: int,
    at_years: float,
    paid: Range,
    bought: Flows,
    left: Range,
    paid_by_part: Callable[[], Flows],
) -> Year:
    purchase = buying.purchase_usd(
        **dict.fromkeys(_BOUGHT, _NOTHING) | {f"{name}_usd": usd for name, usd in bought.items()}
    )
    usd = moving.flow_usd(paid_usd=paid, purchase_usd=purchase, resale_usd=left)
    return Year(year, at_years, as_range(usd), lambda: _signed(paid_by_part(), bought, left))


def _signed(paid: Flows, bought: Flows, left: Range) -> Flows:
    names = dict.fromkeys([*paid, *bought])
    flows = {
        name: moving.flow_usd(
            paid_usd=paid.get(name, _NOTHING),
            purchase_usd=bought.get(name, _NOTHING),
            resale_usd=_NOTHING,
        )
        for name in names
    }
    return flows | ({RESIDUAL: left.named("flow_usd")} if left else {})


def _ratio(way: Way, part: str, year: int, drift: Range) -> Range:
    """Factor on the price of a part in a year."""
    drifts = part == way.drifting
    return changed_by(drift, year) if drifts else exact(1.0, name="price_ratio")


def _bought(way: Way, loads: Sequence[Load], index: int, drift: Range) -> Flows:
    """What is bought for a year, beyond what is there."""
    purchase = way.month(loads[index]).purchase
    if not purchase or (index and loads[index].servers == loads[index - 1].servers):
        return {}
    had = way.month(loads[index - 1]).purchase if index else {}
    ratio = _ratio(way, "capital", index + 1, drift)
    return {
        name: as_range(
            moving.more_usd(then_usd=usd, had_usd=had.get(name, _NOTHING), price_ratio=ratio)
        )
        for name, usd in purchase.items()
    }


def _paid_in_all(way: Way, load: Load, year: int, share: float, drift: Range) -> Range:
    """What a year's bills come to together."""
    month = way.month(load)
    drifting = month.due.get(way.drifting, _NOTHING)
    return _of_year(month.running, drifting, _ratio(way, way.drifting, year, drift), share)


def _paid(way: Way, load: Load, year: int, share: float, drift: Range) -> Flows:
    """What a year's bills come to by part."""
    return {
        name: _of_year(usd, usd, _ratio(way, name, year, drift), share)
        for name, usd in way.month(load).due.items()
    }


def _of_year(running: Range, drifting: Range, ratio: Range, share: float) -> Range:
    found = moving.bills_usd_per_year(
        running_usd_per_month=running,
        drifting_usd_per_month=drifting,
        price_ratio=ratio,
        year_fraction=exact(share, name="year_fraction"),
    )
    return as_range(found)


def _left(way: Way, loads: Sequence[Load], horizon: float, drift: Range) -> Range:
    """Resale of all servers at the end, each at its age, of its price without tax."""
    if way.investment is None:
        return _NOTHING
    total = _NOTHING
    for index, load in enumerate(loads):
        before = loads[index - 1] if index else None
        if before is not None and before.servers == load.servers:
            continue
        net = moving.more_usd(
            then_usd=way.investment(load),
            had_usd=_NOTHING if before is None else way.investment(before),
            price_ratio=_ratio(way, "capital", index + 1, drift),
        )
        more = resale(as_range(net), way.residual_fraction, horizon - index)
        total = as_range(moving.both_usd(one_usd=total, other_usd=more)) if total else more
    return total


def npv(years: Sequence[Year], discount_rate: Range) -> Range:
    """Return what all flows are worth on the first day."""
    worth = {
        f"year_{year.year}_usd": formulas.present_usd(
            flow_usd=year.usd,
            discount_rate=discount_rate,
            years=exact(year.at_years, name="years", unit="year"),
        )
        for year in years
    }
    return as_range(moving.sum_usd(**worth)).named("npv_usd")


def total(years: Sequence[Year]) -> Range:
    """Return what is paid over the horizon, resale taken off, without a discount."""
    paid = {f"year_{year.year}_usd": year.usd for year in years}
    return as_range(moving.outlay_usd(**paid)).named("total_usd")

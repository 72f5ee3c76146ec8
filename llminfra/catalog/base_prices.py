"""Which price a plan counts with: the cheapest real offer, never a mean, never another card.

Rules of a rented machine: the exact card; one machine holds a replica (single cards side by side
are listed, never taken); there is a contract; it stands in the same part of the world, unless the
user names provider or region; it is no older than its class allows, and where nothing is, the
newest is taken and marked. A user's own price goes before all others.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Generic, TypeVar

from llminfra.catalog.prices import Machine, Rental, Tariff
from llminfra.errors import MissingFact, unknown

SHORTAGE_BEGAN: Final = "2025-12"
"""Prices of new servers whose quotes end before this month miss the memory shortage."""

P = TypeVar("P", Rental, Machine, Tariff)


@dataclass(frozen=True, slots=True)
class Base(Generic[P]):
    """The price that was chosen, and what else was in question."""

    price: P
    machines: int
    is_stale: bool
    others: tuple[P, ...] = ()
    remark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What a machine is needed for, and where it may stand."""

    accelerator: str
    replica_accelerators: int
    replicas: int
    server_accelerators: int
    as_of: date
    area: str = ""
    provider: str | None = None
    cloud_region: str | None = None

    def holds_replica(self, accelerators: int) -> bool:
        """Whether one machine holds a replica, or a whole share of one that spans servers."""
        if self.replica_accelerators <= self.server_accelerators:
            return accelerators >= self.replica_accelerators
        return accelerators >= self.server_accelerators

    def machines(self, accelerators: int) -> int:
        """Machines of so many accelerators that hold all replicas.

        Examples
        --------
        >>> need = Need(accelerator="l4", replica_accelerators=2, replicas=3,
        ...             server_accelerators=8, as_of=date(2026, 11, 1))
        >>> need.machines(2), need.machines(4), need.machines(8)
        (3, 2, 1)
        """
        if self.replica_accelerators > accelerators:
            return self.replicas * math.ceil(self.replica_accelerators / accelerators)
        return math.ceil(self.replicas / (accelerators // self.replica_accelerators))

    def is_where_wanted(self, rental: Rental) -> bool:
        """Whether an offer stands where the user said, else in the part of the world."""
        if self.provider is None and self.cloud_region is None:
            return rental.is_own or rental.is_in(self.area)
        is_provider = self.provider in (None, rental.provider)
        return is_provider and self.cloud_region in (None, rental.region)


def rented(
    rentals: Sequence[Rental],
    need: Need,
    *,
    offer: str,
    usd_per: Callable[[str], float],
    by_card: bool = False,
) -> Base[Rental]:
    """Return the base price of a rented machine.

    Parameters
    ----------
    rentals : sequence of Rental
        All that is offered.
    need : Need
        What is to be rented.
    offer : str
        One of the contracts in `llminfra.catalog.prices.RENTED`.
    usd_per : callable
        Value of a currency in USD.
    by_card : bool
        True where one worker may hold several cards at the price of each, and an offer may name
        the family of the card alone: serverless workers and dedicated endpoints.

    Raises
    ------
    MissingFact
        With the reason, where nothing fits.
    """
    named = [
        r
        for r in rentals
        if r.offer == offer
        and (r.may_be(need.accelerator) if by_card else r.is_exactly(need.accelerator))
    ]
    placed = [r for r in named if need.is_where_wanted(r)]
    whole = [r for r in placed if by_card or need.holds_replica(r.accelerators)]
    if not whole:
        raise MissingFact(_why_none(offer, need, named, placed))
    own = [r for r in whole if r.is_own]
    fresh, is_stale = _fresh(_latest(own or whole, need.as_of), need.as_of)

    def machines(rental: Rental) -> int:
        cards = need.replica_accelerators * need.replicas
        return cards if by_card and rental.accelerators == 1 else need.machines(rental.accelerators)

    def usd(rental: Rental) -> tuple[float, str]:
        hourly = machines(rental) * rental.per_hour * usd_per(rental.currency)
        return hourly, rental.fact.key

    ranked = sorted(fresh, key=usd)
    return Base(ranked[0], machines(ranked[0]), is_stale, tuple(ranked[1:]))


def spot_providers(rentals: Iterable[Rental], accelerator: str, others: Iterable[str]) -> set[str]:
    """Providers that sell a card on spot, by their offers or by what else is known of them."""
    return {r.provider for r in rentals if r.offer == "spot" and r.is_exactly(accelerator)} | set(
        others
    )


def check_names(rentals: Sequence[Rental], provider: str | None, cloud_region: str | None) -> None:
    """Raise InvalidInput for a provider or a region of theirs that rents out nothing."""
    if provider is not None:
        known = {r.provider for r in rentals}
        if provider not in known:
            raise unknown("provider", provider, sorted(known))
    if cloud_region is not None:
        known = {r.region for r in rentals if provider in (None, r.provider)}
        if cloud_region not in known:
            raise unknown("cloud_region", cloud_region, sorted(known))


def _why_none(offer: str, need: Need, named: Sequence[Rental], placed: Sequence[Rental]) -> str:
    if not named:
        why = f"no provider publishes a price of {need.accelerator}, {offer}"
    elif not placed:
        where = need.cloud_region or need.provider or need.area or "this part of the world"
        seen = ", ".join(sorted({f"{r.provider} {r.region}" for r in named})[:3])
        why = f"no price of {need.accelerator}, {offer}, in {where}; published: {seen}"
    else:
        most = max(r.accelerators for r in placed)
        wanted = min(need.replica_accelerators, need.server_accelerators)
        what = f"{wanted} × {need.accelerator}"
        why = f"no machine of {what} is offered, {offer}: the largest has {most}"
    return f"{why}; give your price in [prices] or rent_usd_per_hour"


def server(
    machines: Sequence[Machine],
    *,
    accelerator: str,
    accelerators: int,
    condition: str | None,
    as_of: date,
) -> Base[Machine]:
    """Return the base price of a server to buy: new where it is still made, else refurbished.

    Quotes go before prices that were put together from parts, newer ones before older ones. List
    prices and prices in another condition are never mixed in.

    Raises
    ------
    MissingFact
        Where no price is known for this server in this condition.
    """
    kinds = ("server", "workstation")
    named = [
        m
        for m in machines
        if m.kind in kinds and m.accelerator == accelerator and m.accelerators == accelerators
    ]
    wanted = (condition,) if condition else ("new", "refurbished", "used")
    for name in wanted:
        same = [m for m in named if m.condition == name]
        if not same and name == "new" and condition:
            same = [m for m in named if m.condition == "old-stock"]
        if same:
            return _newest(same, as_of, "" if name == "new" else _said(name, condition))
    what = f"{accelerators} × {accelerator}" + (f", {condition}" if condition else "")
    raise MissingFact(f"no price of a server of {what}; give server_price_usd or [prices]")


def _said(name: str, condition: str | None) -> str:
    return "" if condition else f"no longer made new: {name}"


def _newest(same: Sequence[Machine], as_of: date, remark: str) -> Base[Machine]:
    own = [m for m in same if m.is_own]
    fresh, is_stale = _fresh(own or same, as_of)
    quotes = [m for m in fresh if m.fact.confidence != "assumption"] or fresh
    ranked = sorted(quotes, key=lambda m: (m.fact.age_days(as_of) or 0, m.fact.key))
    if ranked[0].condition == "old-stock":
        remark = "no longer made: new from old stock"
    return Base(ranked[0], 1, is_stale, tuple(m for m in same if m is not ranked[0]), remark)


def misses_shortage(machine: Machine) -> bool:
    """Whether a price of a new machine is from before the memory shortage."""
    return machine.condition == "new" and machine.last_quote[:7] < SHORTAGE_BEGAN


def tariff(
    tariffs: Sequence[Tariff], *, region: str, mwh_per_year: float, as_of: date
) -> Base[Tariff]:
    """Return the price of electricity of a site: of its state, else its country, in its band.

    Where no band of the country holds the site's use, the nearest is taken and that is said.

    Raises
    ------
    MissingFact
        Where no price is known for the country.
    """
    places = dict.fromkeys([region.upper(), region.partition("-")[0].upper()])
    for place in places:
        here = [t for t in tariffs if t.country == place]
        holding = [t for t in here if t.holds(mwh_per_year)]
        if holding or (here and place == list(places)[-1]):
            nearest = holding or _nearest(here, mwh_per_year)
            fresh, is_stale = _fresh(nearest, as_of)
            ranked = sorted(fresh, key=lambda t: (t.fact.age_days(as_of) or 0, t.fact.key))
            remark = "" if holding else f"no price for {mwh_per_year:,.0f} MWh a year"
            if place != region.upper():
                remark = f"no price for {region} alone" + (f", {remark}" if remark else "")
            return Base(ranked[0], 1, is_stale, tuple(ranked[1:]), remark)
    raise MissingFact(f"no price of electricity in {region}; give electricity_usd_per_kwh")


def _nearest(tariffs: Sequence[Tariff], mwh_per_year: float) -> list[Tariff]:
    def distance(t: Tariff) -> float:
        return max(t.mwh_from - mwh_per_year, mwh_per_year - t.mwh_to)

    least = min(map(distance, tariffs))
    return [t for t in tariffs if distance(t) == least]


def _latest(rentals: Iterable[Rental], as_of: date) -> list[Rental]:
    """Return of each offer the newest price, of those known on the day where there are some."""
    latest: dict[tuple[str, str, str, str, int, str], Rental] = {}
    for rental in rentals:
        rank = _recency(rental, as_of)
        kept = latest.get(rental.listing)
        if kept is None or rank > _recency(kept, as_of):
            latest[rental.listing] = rental
    return list(latest.values())


def _recency(rental: Rental, as_of: date) -> tuple[bool, float]:
    age = rental.fact.age_days(as_of)
    if age is None:
        return False, -math.inf
    return age >= 0, -age if age >= 0 else age


def _fresh(prices: Sequence[P], as_of: date) -> tuple[list[P], bool]:
    """Return the prices that are not stale; where all are, the newest, and True."""
    fresh = [price for price in prices if not price.fact.is_stale(as_of)]
    if fresh:
        return fresh, False
    ages = {id(price): price.fact.age_days(as_of) for price in prices}
    known = [age for age in ages.values() if age is not None]
    least = min(known, default=None)
    return [price for price in prices if ages[id(price)] == least], True

"""Prices in USD for one scenario, each with where it is from and what has to be said of it."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

from llminfra.catalog import base_prices, prices
from llminfra.catalog.base_prices import Base, Need
from llminfra.catalog.facts import Facts
from llminfra.catalog.loader import Fact
from llminfra.catalog.prices import Machine, Rental, Tariff
from llminfra.errors import MissingFact
from llminfra.facets.base import quantity
from llminfra.facets.cost.inputs import Inputs
from llminfra.formulas import purchase as buying
from llminfra.formulas import rent
from llminfra.formulas.currency import converted_usd
from llminfra.ranges import Range, as_range, exact

OWN_VALUE: Final = "your price"
_KWH_PER_MWH: Final = 1000
_MONTHS: Final = 12
# Whose staff and colocation stand in where a country has no price of its own, which is said.
_STAFF_OF_AREA: Final = {"europe": "de"}
_STAFF_ELSE: Final = "us"
_COLOCATION_ELSE: Final = "world"
_CURRENCIES: Final = ("usd", "eur", "gbp")


@dataclass(frozen=True)
class Priced:
    """A price in USD, where it is from, of when, and what has to be said of it."""

    usd: Range
    source: str
    as_of: str = ""
    is_stale: bool = False
    remark: str = ""
    condition: str = "new"
    """Of a server, which its resale value depends on."""
    stands_in: bool = False
    """Whether it is the price of another country or of another size."""


class Book:
    """What things cost the scenario's user, in USD."""

    def __init__(self, inputs: Inputs, facts: Facts) -> None:
        self.inputs, self.facts = inputs, facts
        self._read: dict[tuple[str, str], Range] = {}
        self.local: dict[str, Priced] = {}
        """Prices of the country that were asked for: electricity, staff, colocation."""

    # -- money -------------------------------------------------------------------------------

    @cached_property
    def _usd_per_eur(self) -> Range | None:
        return None if self.inputs.usd_per_eur is None else quantity(self.inputs, "usd_per_eur")

    def usd_per(self, currency: str) -> Range:
        """What a unit of a currency is worth."""
        return self.facts.usd_per(currency, self.inputs.as_of, self._usd_per_eur)

    def in_usd(self, amount: Range, currency: str, name: str) -> Range:
        """Convert an amount at the one rate of the scenario."""
        if currency == "USD":
            return amount.named(name)
        rate = self.usd_per(currency).named("rate_usd")
        return as_range(converted_usd(n_units=amount, rate_usd=rate), name=name)

    def _given(self, field: str) -> Priced | None:
        """The user's own price, where a field states it."""
        if getattr(self.inputs, field) is None:
            return None
        return Priced(quantity(self.inputs, field), OWN_VALUE, str(self.inputs.as_of))

    def number(self, entity: str, name: str) -> Range:
        """A fact of the catalogue that is no price of a list; drawn once."""
        if (entity, name) not in self._read:
            self._read[entity, name] = self.facts.number(entity, name)
        return self._read[entity, name]

    def either(self, field: str, entity: str, name: str) -> Range:
        """A field of the scenario, else the catalogue's fact."""
        if getattr(self.inputs, field) is not None:
            return quantity(self.inputs, field)
        return self.number(entity, name)

    # -- country -----------------------------------------------------------------------------

    @property
    def region(self) -> str:
        """Country or state whose electricity and wages count."""
        return str(self.inputs.region)

    @property
    def country(self) -> str:
        """Country of the region."""
        return self.region.partition("-")[0].lower()

    @property
    def area(self) -> str:
        """Part of the world."""
        return prices.area_of(self.region)

    def tariff(self, kwh_per_month: float) -> Priced:
        """Electricity of a site with this use."""
        own = self._given("electricity_usd_per_kwh")
        if own is not None:
            return own
        mwh = kwh_per_month * _MONTHS / _KWH_PER_MWH
        base = base_prices.tariff(
            self.facts.tariffs(), region=self.region, mwh_per_year=mwh, as_of=self.inputs.as_of
        )
        found = self._priced(base, base.price.currency, "usd_per_kwh")
        self.local["electricity"] = replace(found, stands_in=bool(base.remark))
        return found

    def _priced(self, base: Base[Any], currency: str, name: str) -> Priced:
        price: Machine | Rental | Tariff = base.price
        usd = self.in_usd(self.facts.outside(price.fact), currency, name)
        return Priced(usd, str(price), price.fact.as_of, base.is_stale, base.remark)

    @cached_property
    def staff(self) -> Priced:
        """A post for a year."""
        own = self._given("staff_usd_per_fte_year")
        if own is not None:
            return own
        return self._local("staff", "per_fte_year", _STAFF_OF_AREA.get(self.area, _STAFF_ELSE))

    @cached_property
    def colocation(self) -> Priced:
        """Space for a contracted kW in somebody's data centre, for a month."""
        own = self._given("colocation_usd_per_kw_month")
        return own or self._local("colocation", "per_kw_month", _COLOCATION_ELSE)

    def _local(self, what: str, per: str, fallback: str) -> Priced:
        for place in (self.country, fallback):
            for currency in _CURRENCIES:
                entity, name = f"{what}-{place}", f"{currency}_{per}"
                if self.facts.has(entity, name):
                    amount = self.facts.number(entity, name)
                    usd = self.in_usd(amount, currency.upper(), f"usd_{per}")
                    here = self.country.upper()
                    said = f"no price of {what} in {here}: {_place_words(fallback)}"
                    said = "" if place == self.country else said
                    source = f"{what}, {_place_words(place)}"
                    self.local[what] = _told(usd, amount, source, said, self.inputs)
                    return self.local[what]
        raise MissingFact(f"no price of {what} in {self.region}")

    # -- machines ----------------------------------------------------------------------------

    def rented(
        self, need: Need, offer: str, *, by_card: bool = False
    ) -> tuple[Priced, Base[Rental]]:
        """A rented machine for an hour, by the rules of base prices."""
        base = base_prices.rented(
            self._offers, need, offer=offer, usd_per=self._worth, by_card=by_card
        )
        rental = base.price
        usd = self._hour(rental)
        is_vague = not rental.is_exactly(need.accelerator)
        said = f"the offer names {rental.accelerator}, not its form" if is_vague else base.remark
        return Priced(usd, str(rental), rental.fact.as_of, base.is_stale, said), base

    def on_spot(self, need: Need) -> tuple[Priced, Base[Rental]]:
        """A machine on demand of a provider who sells spot too, at the measured saving."""
        offers = self._offers
        others = {row["provider"] for _, row in prices.reclaimed(need.accelerator, self.area)}
        sellers = base_prices.spot_providers(offers, need.accelerator, others)
        base = base_prices.rented(
            [r for r in offers if r.provider in sellers or r.offer != "on-demand"],
            need,
            offer="on-demand",
            usd_per=self._worth,
        )
        usd = rent.spot_usd_per_hour(
            usd_per_hour=self._hour(base.price),
            saving_fraction=self.number("spot", "saving_fraction"),
        )
        said = "on-demand price less the measured saving with fallback"
        return Priced(usd, str(base.price), base.price.fact.as_of, base.is_stale, said), base

    def _hour(self, rental: Rental) -> Range:
        """Price of a whole machine for an hour."""
        offer = self.facts.outside(rental.fact)
        hours = prices.HOURS[rental.fact.unit.partition("/")[2]]
        if hours != 1:
            length = exact(hours, name="offer_hours")
            offer = as_range(rent.hourly_usd_per_hour(offer_usd=offer, offer_hours=length))
        return self.in_usd(offer, rental.currency, "usd_per_hour")

    @cached_property
    def _offers(self) -> list[Rental]:
        return self.facts.rentals()

    def _worth(self, currency: str) -> float:
        return float(self.usd_per(currency))

    def server(self, accelerators: int) -> Priced:
        """A whole server to buy: as quoted, else its cards and their share of a host."""
        own = self._given("server_price_usd")
        if own is not None:
            return replace(own, condition=self.inputs.hardware_condition or "new")
        name = self.inputs.accelerator
        try:
            base = base_prices.server(
                self.facts.machines(),
                accelerator=name,
                accelerators=accelerators,
                condition=self.inputs.hardware_condition,
                as_of=self.inputs.as_of,
            )
        except MissingFact as reason:
            return self._built(name, accelerators, reason)
        quoted = self._priced(base, base.price.currency, "server_price_usd")
        found = replace(quoted, condition=base.price.condition)
        if not base_prices.misses_shortage(base.price):
            return found
        ratio = self.number("purchase", "memory_shortage_ratio")
        risen = as_range(buying.risen_usd(quoted_usd=found.usd, price_ratio=ratio))
        said = "quoted before the memory shortage and raised by it"
        return replace(found, usd=risen, remark=said)

    def _built(self, name: str, accelerators: int, reason: MissingFact) -> Priced:
        if self.inputs.hardware_condition not in (None, "new"):
            raise reason
        try:
            card = self.number(name, "price_usd")
            host = next(m for m in self.facts.machines() if m.fact.key.startswith("gpu-host-"))
        except MissingFact:
            raise reason from None
        if self.facts.has(name, "cores"):
            raise reason  # a processor is no card in a host
        usd = as_range(
            buying.built_server_usd(
                card_usd=card,
                n_cards=exact(accelerators, name="n_cards"),
                host_usd=self.facts.outside(host.fact),
                host_cards=exact(_HOST_ACCELERATORS, name="host_cards"),
            ),
            name="server_price_usd",
        )
        said = "no quote: cards and their share of a host"
        fact = card.origin if isinstance(card.origin, Fact) else host.fact
        is_stale = fact.is_stale(self.inputs.as_of) or host.fact.is_stale(self.inputs.as_of)
        return Priced(usd, f"{accelerators} × {name} and a host, new", fact.as_of, is_stale, said)


_HOST_ACCELERATORS: Final = 8


def _told(usd: Range, amount: Range, source: str, said: str, inputs: Inputs) -> Priced:
    fact = amount.origin
    if not isinstance(fact, Fact):
        return Priced(usd, source, remark=said, stands_in=bool(said))
    is_stale = fact.is_stale(inputs.as_of)
    return Priced(usd, source, fact.as_of, is_stale, said, stands_in=bool(said))


def _place_words(place: str) -> str:
    return {"world": "average of the world's markets"}.get(place, f"as in {place.upper()}")

"""What is rented, bought and drawn from the grid costs: the lists of the catalogue.

A price is a `Fact` and what it is for. Base prices are chosen from these lists by
`llminfra.catalog.base_prices`; the others stand in the price book. Which prices a plan used is
noted where every fact is: by `Facts`.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final

from llminfra.catalog import reads
from llminfra.catalog.loader import Fact, offer_rows
from llminfra.units import HOURS_PER_MONTH, HOURS_PER_YEAR

# Offers with a contract, of which a rented plan can be made; the others are listed alone.
RENTED: Final = (
    *("on-demand", "monthly", "reserved-1y", "reserved-3y"),
    *("spot", "serverless", "dedicated-endpoint"),
)
LISTED: Final = (
    *("restricted", "reserved-other", "reserved-1y-upfront", "reserved-3y-upfront"),
    *("capacity-block", "community", "marketplace", "average"),
)
CONDITIONS: Final = ("new", "old-stock", "refurbished", "used", "oem-list", "launch-list")
ANYWHERE: Final = "any"
# What the unit of a price is divided by -> hours.
HOURS: Final = {"h": 1.0, "month": float(HOURS_PER_MONTH), "year": float(HOURS_PER_YEAR)}
_WITH_FORM: Final = ("-sxm", "-pcie", "-nvl")
_AREAS: Final = {
    "north-america": "US CA MX",
    "europe": "AT BE BG CH CY CZ DE DK EE EL ES EU FI FR GB GR HR HU IE IS IT LT LU LV MT NL NO "
    "PL PT RO RS SE SI SK UA UK",
    "asia": "CN HK ID IN JP KR MY PH SG TH TW VN",
    "oceania": "AU NZ",
    "south-america": "AR BR CL CO PE UY",
    "middle-east": "AE BH IL KW OM QA SA TR",
    "africa": "EG KE MA NG ZA",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rental:
    """A machine to rent: so many accelerators of one kind, on one contract, in one place."""

    fact: Fact
    provider: str
    region: str
    areas: tuple[str, ...]
    offer: str
    accelerator: str
    accelerators: int
    instance: str = ""
    setup: float = 0.0
    is_own: bool = False

    @property
    def currency(self) -> str:
        """Currency of the price."""
        return self.fact.unit.partition("/")[0]

    @property
    def per_hour(self) -> float:
        """Price of the whole machine for an hour, in its currency."""
        return float(self.fact.value) / HOURS[self.fact.unit.partition("/")[2]]

    @property
    def listing(self) -> tuple[str, str, str, str, int, str]:
        """What is the same offer at several dates."""
        return (
            *(self.provider, self.region, self.offer, self.accelerator),
            *(self.accelerators, self.instance),
        )

    def is_in(self, area: str) -> bool:
        """Whether the machine can stand in a part of the world."""
        return ANYWHERE in self.areas or area in self.areas

    def is_exactly(self, accelerator: str) -> bool:
        """Whether the offer names this very card."""
        return self.accelerator == accelerator

    def may_be(self, accelerator: str) -> bool:
        """Whether the offer names the card, or its family without a form.

        Examples
        --------
        >>> h100 = next(r for r in rentals() if r.accelerator == "h100")
        >>> h100.may_be("h100-sxm"), h100.is_exactly("h100-sxm"), h100.may_be("h200-sxm")
        (True, False, False)
        """
        return self.is_exactly(accelerator) or self.accelerator == family(accelerator)

    def __str__(self) -> str:
        cards = f"{self.accelerators} × " if self.accelerators != 1 else ""
        return f"{self.provider}, {self.region}: {cards}{self.accelerator}, {self.offer}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A server, workstation, card or part to buy, in one condition."""

    fact: Fact
    name: str
    kind: str
    accelerator: str
    accelerators: int
    condition: str
    until: str = ""
    is_own: bool = False

    @property
    def currency(self) -> str:
        """Currency of the price."""
        return self.fact.unit

    @property
    def last_quote(self) -> str:
        """Day, month or year of the last quote behind the price."""
        return self.until or self.fact.as_of

    def __str__(self) -> str:
        return f"{self.name}, {self.condition}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """Electricity for a business in one country that uses so much a year."""

    fact: Fact
    country: str
    band: str
    mwh_from: float
    mwh_to: float

    @property
    def currency(self) -> str:
        """Currency of the price."""
        return self.fact.unit.partition("/")[0]

    def holds(self, mwh_per_year: float) -> bool:
        """Whether a site of this use is in the band."""
        return self.mwh_from <= mwh_per_year < self.mwh_to

    def __str__(self) -> str:
        return f"{self.country}, band {self.band}"


def family(accelerator: str) -> str:
    """Return an accelerator's name without its form, as some offers write it.

    Examples
    --------
    >>> family("h100-sxm"), family("a100-pcie-80"), family("l4")
    ('h100', 'a100-80', 'l4')
    """
    for form in _WITH_FORM:
        accelerator = accelerator.replace(form, "")
    return accelerator


def area_of(region: str) -> str:
    """Return the part of the world of a country or state; nothing for one that is not known.

    Examples
    --------
    >>> area_of("DE"), area_of("US-VA"), area_of("XX")
    ('europe', 'north-america', '')
    """
    country = region.partition("-")[0].upper()
    return next((area for area, countries in _AREAS.items() if country in countries.split()), "")


@cache
def rentals() -> tuple[Rental, ...]:
    """Return the catalogue's machines to rent."""
    return tuple(
        Rental(
            fact=fact,
            provider=row["provider"],
            region=row["region"],
            areas=tuple(row["areas"].split()),
            offer=row["offer"],
            accelerator=row["accelerator"],
            accelerators=int(row["accelerators"]),
            instance=row["instance"],
            setup=float(row["setup"] or 0.0),
        )
        for fact, row in offer_rows("rental")
    )


@cache
def machines() -> tuple[Machine, ...]:
    """Return the catalogue's machines, cards and parts to buy."""
    return tuple(
        Machine(
            fact=fact,
            name=row["name"],
            kind=row["kind"],
            accelerator=row["accelerator"],
            accelerators=int(row["accelerators"]),
            condition=row["condition"],
            until=row["until"],
        )
        for fact, row in offer_rows("hardware")
    )


@cache
def tariffs() -> tuple[Tariff, ...]:
    """Return the catalogue's prices of electricity."""
    return tuple(
        Tariff(
            fact=fact,
            country=row["country"],
            band=row["band"],
            mwh_from=float(row["mwh_from"]),
            mwh_to=float(row["mwh_to"] or "inf"),
        )
        for fact, row in offer_rows("tariff")
    )


def reclaimed(accelerator: str, area: str) -> list[tuple[Fact, dict[str, str]]]:
    """Return how often a provider takes machines with a card back from those who rent on spot."""
    reads.note(f"{reads.LIST}reclaim")
    return [
        (fact, row)
        for fact, row in offer_rows("reclaim")
        if row["accelerator"] == accelerator and area in row["areas"].split()
    ]

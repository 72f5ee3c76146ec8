"""What an hour of an accelerator costs that trains: rented by the hour, on spot, or one's own."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from llminfra.catalog.base_prices import Base, Need
from llminfra.catalog.prices import Rental
from llminfra.errors import MissingFact
from llminfra.facets.base import quantity
from llminfra.facets.cost.book import OWN_VALUE, Book, Priced
from llminfra.facets.training.inputs import Inputs
from llminfra.formulas import cost as capital
from llminfra.formulas import purchase, rent, training_time
from llminfra.ranges import Range, as_range, exact

_HOURS_PER_MONTH: Final = 730.0
_REFURBISHED: Final = ("refurbished", "used")
#: Ways to get accelerators for a training, in words.
WAYS: Final = {
    "on_demand": "rented on demand",
    "spot": "rented on spot, with checkpoints",
    "reserved_1y": "reserved for a year, busy all of it",
    "owned": "own servers, busy all their life",
}


@dataclass(frozen=True)
class Hour:
    """Price of an hour of one accelerator by one way; without a price, the reason.

    Attributes
    ----------
    name, words : str
        One of `WAYS`, and in words.
    usd : Range or None
        [USD/h]
    accelerators : int
        Accelerators that are paid for: whole machines. [accelerator]
    source, as_of, reason : str
        Where the price is from, of when, and why there is none.
    """

    name: str
    words: str
    usd: Range | None = None
    accelerators: int = 0
    source: str = ""
    as_of: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Hours:
    """The prices of an hour for so many accelerators, in the book of the scenario."""

    book: Book
    inputs: Inputs
    accelerators: int
    per_server: int
    accelerator_kw: Range
    pue: Range

    def all(self) -> list[Hour]:
        """Every way, whether it can be had or not."""
        makers: dict[str, Callable[[], Hour]] = {
            "on_demand": self._on_demand,
            "spot": lambda: self._machine("spot", *self.book.on_spot(self._need)),
            "reserved_1y": lambda: self._machine(
                "reserved_1y", *self.book.rented(self._need, "reserved-1y")
            ),
            "owned": self._owned,
        }
        return [self._made(name, make) for name, make in makers.items()]

    def _made(self, name: str, make: Callable[[], Hour]) -> Hour:
        try:
            return make()
        except MissingFact as reason:
            return Hour(name, WAYS[name], reason=str(reason))

    @property
    def _need(self) -> Need:
        """One machine has to hold as many as one server does: links hold a run together."""
        return Need(
            accelerator=self.inputs.accelerator,
            replica_accelerators=self.accelerators,
            replicas=1,
            server_accelerators=self.per_server,
            as_of=self.inputs.as_of,
            area=self.book.area,
            provider=self.inputs.provider,
            cloud_region=self.inputs.cloud_region,
        )

    def _on_demand(self) -> Hour:
        if self.inputs.rent_usd_per_hour is None:
            return self._machine("on_demand", *self.book.rented(self._need, "on-demand"))
        usd = quantity(self.inputs, "rent_usd_per_hour").named("usd_per_hour")
        own = Priced(usd, OWN_VALUE, str(self.inputs.as_of))
        return self._hour("on_demand", own, self.per_server)

    def _machine(self, name: str, price: Priced, base: Base[Rental]) -> Hour:
        return self._hour(name, price, base.price.accelerators)

    def _hour(self, name: str, price: Priced, each: int) -> Hour:
        machines = -(-self.accelerators // each)
        usd = rent.hourly_usd_per_hour(offer_usd=price.usd, offer_hours=exact(each, unit="1"))
        return Hour(
            name,
            WAYS[name],
            as_range(usd, name="usd_per_accelerator_hour"),
            machines * each,
            price.source,
            price.as_of,
        )

    def _owned(self) -> Hour:
        server = self.book.server(self.per_server)
        life = exact(float(self.inputs.horizon_years), name="years")
        kind = "refurbished" if server.condition in _REFURBISHED else "new"
        left = capital.residual_usd(
            investment_usd=server.usd,
            residual_fraction=self.book.either(
                "residual_fraction", "purchase", f"residual_{kind}_fraction"
            ),
            reference_years=exact(3.0, name="years"),
            years=life,
        )
        month = capital.capital_usd_per_month(
            investment_usd=server.usd,
            residual_usd=left,
            discount_rate=quantity(self.inputs, "discount_rate"),
            years=life,
        )
        support = purchase.share_usd_per_month(
            investment_usd=server.usd,
            fraction_per_year=self.book.either("support_fraction", "purchase", "support_fraction"),
        )
        servers = -(-self.accelerators // self.per_server)
        kwh = servers * self.per_server * self.accelerator_kw.base * _HOURS_PER_MONTH
        usd = training_time.owned_usd_per_accelerator_hour(
            capital_usd_per_month=month,
            support_usd_per_month=support,
            server_accelerators=exact(self.per_server, name="server_accelerators"),
            accelerator_kw=self.accelerator_kw,
            pue=self.pue,
            usd_per_kwh=self.book.tariff(kwh).usd,
        )
        return Hour(
            "owned",
            WAYS["owned"],
            as_range(usd, name="usd_per_accelerator_hour"),
            servers * self.per_server,
            server.source,
            server.as_of,
        )

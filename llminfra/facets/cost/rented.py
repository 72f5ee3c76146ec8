"""Machines of a provider, by the hour or for longer, and workers that sleep."""

from dataclasses import replace
from functools import cached_property
from typing import Final

from llminfra.catalog.base_prices import Base
from llminfra.catalog.prices import Rental
from llminfra.errors import MissingFact
from llminfra.facets.base import quantity
from llminfra.facets.cost.book import OWN_VALUE, Priced
from llminfra.facets.cost.case import Load
from llminfra.facets.cost.month import Month
from llminfra.facets.cost.shared import Shared
from llminfra.facets.cost.way import ALWAYS, NOTHING, Way, once_a_load, present
from llminfra.formulas import demand, rent
from llminfra.ranges import Range, as_range, exact

_OFFERS: Final = {
    "reserved_1y": "reserved-1y",
    "reserved_3y": "reserved-3y",
    "on_demand": "on-demand",
    "monthly": "monthly",
    "spot": "spot",
    "serverless": "serverless",
    "dedicated_endpoint": "dedicated-endpoint",
}
_COMMITTED: Final = {"reserved_1y": 12, "reserved_3y": 36}
# Sold by the card, and a worker may hold several.
_BY_CARD: Final = ("serverless", "dedicated_endpoint")
# Can be switched off, so that only the hours on are paid.
_SWITCHED: Final = ("on_demand", "spot", "dedicated_endpoint")
_ALL: Final = exact(1.0, name="paid_share_fraction")


class Rented:
    """Machines of a provider, by the hour or for longer, and workers that sleep."""

    def __init__(self, shared: Shared, name: str) -> None:
        self.shared, self.case, self.book = shared, shared.case, shared.book
        self.inputs, self.name = shared.inputs, name
        self.price, self.base = self._priced()

    def _priced(self) -> tuple[Priced, Base[Rental] | None]:
        if self.name == "on_demand" and self.inputs.rent_usd_per_hour is not None:
            usd = quantity(self.inputs, "rent_usd_per_hour").named("usd_per_hour")
            return Priced(usd, OWN_VALUE, str(self.inputs.as_of)), None
        need = self.case.need(self.case.first)
        if self.name == "spot":
            return self.book.on_spot(need)
        return self.book.rented(need, _OFFERS[self.name], by_card=self.name in _BY_CARD)

    def way(self) -> Way:
        """The rent as a function of the load; raises where sleeping workers wake too late."""
        if self.name == "serverless" and self.case.is_woken_too_late:
            raise MissingFact(self.case.cold_start_words)
        return Way(
            price=self.price,
            month=once_a_load(self.month),
            accelerators=self.accelerators,
            paid_hours_per_week=self.hours,
            drifting="" if self.name.startswith("reserved") else "rent",
            replicas_per_machine=self.replicas_per_machine,
            commitment_months=_COMMITTED.get(self.name, 0),
            posts=self.shared.posts("rented_fte"),
        )

    @cached_property
    def hours(self) -> Range:
        """Hours of a week that are paid."""
        if self.name == "serverless":
            found = rent.paid_hours_per_week(
                paid_fraction=self._paid_share(self.case.first),
                load_fraction=self.case.demand.load_fraction,
            )
            return as_range(found, name="hours_on_per_week")
        return self.case.hours_on_per_week if self.name in _SWITCHED else ALWAYS

    @property
    def provider(self) -> str:
        """Who rents out."""
        return "" if self.base is None else self.base.price.provider

    @property
    def replicas_per_machine(self) -> int:
        """Replicas on one machine; one where cards are sold one by one."""
        if self.base is None:
            return self.case.capacity.placement.most_per_server
        each = self.base.price.accelerators
        if self.name in _BY_CARD and each == 1:
            return 1
        return max(each // self.case.deployment.accelerators_per_replica, 1)

    def machines(self, load: Load) -> int:
        """Machines that carry a load, or cards where these are sold one by one."""
        if self.base is None:
            return load.servers
        need, each = self.case.need(self._awake(load)), self.base.price.accelerators
        if self.name in _BY_CARD and each == 1:
            return need.replica_accelerators * need.replicas
        return need.machines(each)

    def accelerators(self, load: Load) -> int:
        """Accelerators that are paid for."""
        each = self.case.accelerators_per_server
        return self.machines(load) * (each if self.base is None else self.base.price.accelerators)

    def _awake(self, load: Load) -> Load:
        """Sleeping workers need no reserve: one that fails is started elsewhere."""
        if self.name != "serverless":
            return load
        busy = 0 if load.is_awake else self.case.busy_replicas(load)
        awake = max(load.replicas - self.case.spares, busy, 1)
        return replace(load, replicas=awake)

    def month(self, load: Load) -> Month:
        """A month of rent."""
        due = {
            "rent": self._rent(load),
            "network": self.shared.gateways(),
            "storage": self.shared.disks(load),
            "licences": self.shared.licences(self.accelerators(load)),
            "staff": self.shared.staff("rented_fte"),
            "egress": self.shared.egress(load, self.provider),
        }
        fee = self._setup(load)
        if fee is None:
            return Month(present(due))
        spread = self.shared.annuity(fee, NOTHING, float(self.inputs.horizon_years))
        return Month(present(due), {"setup": fee}, {"setup": spread})

    def _rent(self, load: Load) -> Range:
        machines = exact(self.machines(load), name="machines")
        if self.name == "serverless":
            found = rent.serverless_usd_per_month(
                usd_per_hour=self.price.usd,
                workers=machines,
                hours_per_month=self.case.worked_hours_per_month(load),
                paid_fraction=_ALL if load.is_awake else self._paid_share(load),
            )
        else:
            found = rent.rent_usd_per_month(
                usd_per_hour=self.price.usd, machines=machines, hours_on_per_week=self.hours
            )
        return self.shared.bought(found)

    def _paid_share(self, load: Load) -> Range:
        """Share of the hours with load in which a worker that sleeps when nobody asks is paid."""
        seen = dict(self.case.sleeping_load)
        if load is not self.case.first:
            at_load = demand.scaled_requests_per_s(
                requests_per_s=seen["requests_per_s"], load_ratio=load.ratio
            )
            seen["requests_per_s"] = as_range(at_load, name="requests_per_s")
        found = rent.paid_share_fraction(**seen, start_s=self.case.start_s)
        return as_range(found, name="paid_share_fraction")

    def _setup(self, load: Load) -> Range | None:
        """Fees that are paid once."""
        if self.base is None or not self.base.price.setup:
            return None
        rental = self.base.price
        fee = exact(rental.setup * self.machines(load), name="n_units", unit=rental.currency)
        usd = self.book.in_usd(fee, rental.currency, "investment_usd")
        return self.shared.bought(usd, "investment_usd")

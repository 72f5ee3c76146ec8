"""Servers of one's own, in one's own room or in a rented rack."""

from collections.abc import Mapping
from typing import Final

from llminfra.facets.base import quantity
from llminfra.facets.cost.case import Load
from llminfra.facets.cost.month import Month
from llminfra.facets.cost.shared import Shared
from llminfra.facets.cost.way import NOTHING, Way, once_a_load, present, resale
from llminfra.formulas import month_parts as parts
from llminfra.formulas import purchase as buying
from llminfra.ranges import Range, as_range, exact

_NETWORK_FROM_SERVERS: Final = 2
_REFURBISHED: Final = ("refurbished", "used")


class Bought:
    """Servers of one's own, in one's own room or in a rented rack."""

    def __init__(self, shared: Shared, *, is_colocated: bool) -> None:
        self.shared, self.case, self.book = shared, shared.case, shared.book
        self.inputs, self.is_colocated = shared.inputs, is_colocated
        self.server = self.book.server(self.case.accelerators_per_server)

    def way(self) -> Way:
        """The purchase as a function of the load."""
        return Way(
            price=self.server,
            month=once_a_load(self.month),
            accelerators=lambda load: load.servers * self.case.accelerators_per_server,
            residual_fraction=self.residual_fraction,
            investment=self.investment,
            drifting="capital",
            replicas_per_machine=self.case.capacity.placement.most_per_server,
            posts=self.shared.posts("own_fte"),
            room=self._room if self._is_built else None,
        )

    @property
    def residual_fraction(self) -> Range:
        """Share of the price that is left after three years."""
        kind = "refurbished" if self.server.condition in _REFURBISHED else "new"
        return self.book.either("residual_fraction", "purchase", f"residual_{kind}_fraction")

    def month(self, load: Load) -> Month:
        """A month of so many servers, all bought at the same price."""
        net = self.investment(load)
        support = self.book.either("support_fraction", "purchase", "support_fraction")
        due = {
            "power": self.shared.power(load, "colocation" if self.is_colocated else "own"),
            "space": self._space(load),
            "network": self.shared.gateways(),
            "storage": self.shared.logs(load),
            "support": self.shared.share(net, support),
            "licences": self.shared.licences(load.servers * self.case.accelerators_per_server),
            "staff": self.shared.staff("own_fte"),
            "insurance": self.shared.share(net, quantity(self.inputs, "insurance_fraction")),
        }
        paid = self._paid(net, load)
        return Month(present(due), paid, self._spread(net, paid))

    def investment(self, load: Load) -> Range:
        """Price of all servers, without tax."""
        number = exact(load.servers, name="n_servers")
        found = buying.investment_usd(server_price_usd=self.server.usd, n_servers=number)
        return as_range(found)

    def _paid(self, net: Range, load: Load) -> dict[str, Range]:
        """What is bought, with tax: servers, the network between them, and their delivery."""
        shares = {"setup": "install_fraction"}
        if load.servers >= _NETWORK_FROM_SERVERS:
            shares["network"] = "network_fraction"
        bought = {"capital": net} | {
            name: buying.share_usd(
                investment_usd=net, price_fraction=self.book.number("purchase", share)
            )
            for name, share in shares.items()
        }
        return {name: self.shared.bought(usd, "investment_usd") for name, usd in bought.items()}

    def _spread(self, net: Range, paid: Mapping[str, Range]) -> dict[str, Range]:
        life = float(self.inputs.horizon_years)
        left = resale(net, self.residual_fraction, life)
        return {
            name: self.shared.annuity(usd, left if name == "capital" else NOTHING, life)
            for name, usd in paid.items()
        }

    @property
    def _is_built(self) -> bool:
        return not self.is_colocated and self.inputs.space_usd_per_month is None

    def _room(self, load: Load) -> Range:
        """What building a room costs, with tax."""
        each = self.book.number("own-room", "build_usd_per_w")
        net = parts.room_usd(rated_kw=self.case.rated_kw(load), build_usd_per_w=each)
        return self.shared.bought(net, "investment_usd")

    def _space(self, load: Load) -> Range:
        if self._is_built:
            life = self.book.number("own-room", "room_life_years").base
            return self.shared.annuity(self._room(load), NOTHING, life)
        if not self.is_colocated:
            more = exact(load.servers / max(self.case.first.servers, 1), name="price_ratio")
            given = quantity(self.inputs, "space_usd_per_month")
            return self.shared.bought(buying.risen_usd(quoted_usd=given, price_ratio=more))
        found = parts.space_usd_per_month(
            rated_kw=self.case.rated_kw(load), usd_per_kw_month=self.book.colocation.usd
        )
        return self.shared.bought(found)

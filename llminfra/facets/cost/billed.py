"""Tokens of an API, with the gateway, the logs and the posts that it takes."""

from llminfra.catalog.loader import Fact
from llminfra.facets.cost.api import ApiBill, price_drift
from llminfra.facets.cost.book import Priced
from llminfra.facets.cost.case import Load
from llminfra.facets.cost.month import Month
from llminfra.facets.cost.shared import Shared
from llminfra.facets.cost.way import NOTHING, Way, once_a_load


class Bill:
    """Tokens of an API, with the gateway, the logs and the posts that it takes."""

    def __init__(self, shared: Shared, bill: ApiBill) -> None:
        self.shared, self.bill = shared, bill

    def way(self) -> Way:
        """The bill as a function of the load; its prices drift on their own."""
        source = ", ".join(part for part in (self.bill.name, self.bill.price_source) if part)
        price = Priced(self.bill.usd_per_mtok_total, source, self.bill.price_as_of, self._is_stale)
        return Way(
            price=price,
            month=once_a_load(self.month),
            accelerators=lambda load: 0,
            paid_hours_per_week=NOTHING,
            drifting="tokens",
            drift=price_drift(self.shared.inputs, self.shared.book.facts),
            posts=self.shared.posts("api_fte"),
        )

    @property
    def _is_stale(self) -> bool:
        prices = self.bill.prices
        origin = None if prices is None else prices.input_usd_per_mtok.origin
        return isinstance(origin, Fact) and origin.is_stale(self.shared.inputs.as_of)

    def month(self, load: Load) -> Month:
        """A month of tokens, under the terms of the contract."""
        is_first = load is self.shared.case.first
        tokens = self.bill.usd_per_month if is_first else self.bill.usd_at(load.ratio)
        return self.shared.month_of_tokens(tokens, load)

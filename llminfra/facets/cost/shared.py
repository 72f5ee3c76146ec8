"""What several ways pay for alike; each is computed once for a load."""

from collections.abc import Callable
from typing import Any

from llminfra.facets.base import quantity
from llminfra.facets.capacity.resources import INSTANCES
from llminfra.facets.cost.case import Case, Load
from llminfra.facets.cost.month import Month
from llminfra.facets.cost.way import ALWAYS
from llminfra.facets.energy import FacilityClass, pue_of
from llminfra.formulas import cost as formulas
from llminfra.formulas import month_parts as parts
from llminfra.formulas import purchase as buying
from llminfra.formulas import rent, resources
from llminfra.formulas._formula import Quantity
from llminfra.ranges import Range, as_range, exact


class Shared:
    """What several ways pay for alike; each is computed once for a load."""

    def __init__(self, case: Case) -> None:
        self.case, self.book, self.inputs = case, case.book, case.inputs
        self.vat, self.rate = (quantity(case.inputs, n) for n in ("vat_fraction", "discount_rate"))
        self._kept: dict[tuple[Any, ...], Range] = {}

    def once(self, compute: Callable[[], Range], *key: Any) -> Range:
        """Compute a quantity the first time that it is asked for."""
        if key not in self._kept:
            self._kept[key] = compute()
        return self._kept[key]

    def bought(self, net: Quantity, name: str = "usd_per_month") -> Range:
        """What is paid for something, with the tax that stays."""
        if self.vat.is_exact and not self.vat:
            return as_range(net, name=name)
        return as_range(buying.with_vat_usd(net_usd=net, vat_fraction=self.vat), name=name)

    def posts(self, kind: str) -> Range:
        """Posts for running it, as given or by the option."""
        return self.book.either("staff_fte", "staffing", kind)

    def staff(self, kind: str) -> Range:
        """Posts at the wages of the country; nobody taxes them."""
        number, wages = self.posts(kind), self.book.staff.usd

        def paid() -> Range:
            found = parts.yearly_usd_per_month(n_things=number, usd_per_year=wages)
            return as_range(found, name="usd_per_month")

        return self.once(paid, "staff", kind)

    def gateways(self, *, is_api: bool = False) -> Range:
        """Gateways, monitors and controllers: small instances beside the models."""

        def paid() -> Range:
            instances = rent.rent_usd_per_month(
                usd_per_hour=self.book.number("gateway", "usd_per_core_hour"),
                machines=self._cores(is_api),
                hours_on_per_week=ALWAYS,
            )
            return self.bought(instances)

        return self.once(paid, "gateways", is_api)

    def _cores(self, is_api: bool) -> Range:
        """Cores of the small instances; an API needs nothing to orchestrate."""
        counts = {name: self.case.resource(name) for name in INSTANCES}
        if is_api or not counts["n_controllers"]:
            counts["n_controllers"] = exact(0.0, name="n_controllers")
        each = self.book.number("resources", "cores_per_instance")
        number = resources.n_instances(**counts)
        return as_range(resources.all_cores(each_cores=each, n_machines=number))

    def month_of_tokens(self, usd: Quantity, load: Load) -> Month:
        """Return a month of what others serve, with the gateway, logs and posts that it takes."""
        due = {
            "tokens": self.bought(usd),
            "network": self.gateways(is_api=True),
            "storage": self.logs(load),
            "staff": self.staff("api_fte"),
        }
        return Month(due)

    def logs(self, load: Load) -> Range:
        """Prompts and answers that are kept."""
        stored, price = self.case.resource("log_bytes"), "storage-object"
        return self.once(lambda: self._stored(stored, load.ratio, price), "logs", load.key)

    def disks(self, load: Load) -> Range:
        """Disks for the weights at a provider's, and the logs."""
        more = exact(load.servers / max(self.case.first.servers, 1), name="load_ratio")
        stored = self.case.resource("disk_bytes")

        def both() -> Range:
            weights = self._stored(stored, more, "storage-volume")
            found = parts.storage_usd_per_month(
                weights_usd_per_month=weights, logs_usd_per_month=self.logs(load)
            )
            return as_range(found, name="usd_per_month")

        return self.once(both, "disks", load.key)

    def _stored(self, stored: Range, ratio: Range, price: str) -> Range:
        each = self.book.number(price, "usd_per_gb_month")
        return self.bought(
            parts.stored_usd_per_month(stored_bytes=stored, load_ratio=ratio, usd_per_gb_month=each)
        )

    def egress(self, load: Load, provider: str) -> Range | None:
        """Traffic of the answers, where a provider counts it."""
        if not self.book.facts.has(f"egress-{provider}", "usd_per_gb"):
            return None
        sent = parts.egress_usd_per_month(
            output_tokens_per_month=self.case.output_tokens_per_month,
            bytes_per_token=self.book.number("resources", "front_bytes_per_token"),
            load_ratio=load.ratio,
            usd_per_gb=self.book.number(f"egress-{provider}", "usd_per_gb"),
        )
        return self.bought(sent)

    def licences(self, accelerators: int) -> Range | None:
        """Software licences by the accelerator."""
        each = quantity(self.inputs, "licence_usd_per_accelerator_year")
        if not each:
            return None
        number = exact(accelerators, name="n_things")
        return self.bought(parts.yearly_usd_per_month(n_things=number, usd_per_year=each))

    def share(self, investment: Range, fraction: Range) -> Range | None:
        """What falls due each year as a share of a price."""
        if not fraction:
            return None
        found = buying.share_usd_per_month(investment_usd=investment, fraction_per_year=fraction)
        return self.bought(found)

    def power(self, load: Load, facility: FacilityClass) -> Range:
        """Electricity of the servers in a facility of a class."""
        pue = pue_of(self.inputs, self.book.facts, facility)
        wall = self.once(lambda: self.case.wall_kwh_per_month(load), "wall", load.key)
        site_kwh = self.case.wall_kwh_per_month(self.case.first).base * pue.base
        bill = parts.power_usd_per_month(
            wall_kwh_per_month=wall, pue=pue, usd_per_kwh=self.book.tariff(site_kwh).usd
        )
        return self.bought(bill)

    def annuity(self, paid: Range, left: Range, years: float) -> Range:
        """A purchase spread over the months of a life; the tax is in it already."""
        found = formulas.capital_usd_per_month(
            investment_usd=paid,
            residual_usd=left,
            discount_rate=self.rate,
            years=exact(years, name="years", unit="year"),
        )
        return as_range(found, name="usd_per_month")

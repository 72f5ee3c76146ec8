"""What the service costs, by every way to get it, and by the one that is followed."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np

from llminfra.errors import MissingFact
from llminfra.facets.base import quantity
from llminfra.facets.cost.api import ApiBills
from llminfra.facets.cost.book import Priced
from llminfra.facets.cost.case import Case, Load
from llminfra.facets.cost.cash import Year, npv
from llminfra.facets.cost.chargeback import Charge, charges
from llminfra.facets.cost.option import Option
from llminfra.facets.cost.units import Units
from llminfra.facets.cost.ways import AUTO, Ways
from llminfra.formulas import chargeback as shares
from llminfra.formulas import unit_cost as formulas
from llminfra.formulas import volume as volumes
from llminfra.ranges import Range, as_range, exact

if TYPE_CHECKING:
    import pandas as pd

_COMPUTED: Final = (
    *("usd_per_month", "usd_per_accelerator_hour", "usd_per_useful_accelerator_hour"),
    *("usd_per_mtok_output", "usd_per_mtok_total", "usd_per_mtok_total_usage"),
    *("usd_per_mtok_input_share", "usd_per_mtok_output_share"),
    *("usd_per_request", "usd_per_user_month", "purchase_usd", "running_usd_per_month"),
    *("total_usd", "npv_usd"),
)


@dataclass(frozen=True, eq=False)
class Cost(Ways):
    """Costs in USD, nominal and before tax; of `hosting` where no option is named."""

    headline: ClassVar[tuple[str, ...]] = (
        *("hosting", "usd_per_month", "usd_per_mtok_total", "purchase_usd"),
    )

    usd_per_currency: Range = field(repr=False)
    """What a unit of the report's currency is worth."""
    _case: Case = field(repr=False)
    units: Callable[[], Units] = field(repr=False)
    _bills: Callable[[], ApiBills] = field(repr=False)

    def items(self) -> Iterator[tuple[str, Any]]:
        """Yield the way that is followed, its costs, and each option as a record."""
        yield "hosting", self.hosting
        yield from self.available(_COMPUTED)
        yield "options", self.options

    @property
    def api(self) -> ApiBills:
        """What APIs would bill."""
        return self._bills()

    @property
    def chosen(self) -> dict[str, Any]:
        """The hosting, where it was open."""
        return {"hosting": self.hosting} if self._inputs.hosting == AUTO and self.hosting else {}

    @property
    def obstacle(self) -> str:
        """Why nobody can run the model so, whatever it costs; empty where one can."""
        try:
            return self._case.obstacle
        except MissingFact as reason:
            return str(reason)

    def _repr_html_(self) -> str:
        return self.table().to_html(index=False)

    def __str__(self) -> str:
        return self.table().to_string(index=False)

    def table(self) -> "pd.DataFrame":
        """Return the options as a frame: the month by part, and where the price is from."""
        import pandas as pd  # heavy, and not needed to evaluate

        rows = [
            {
                "option": option.name,
                "usd_per_month": option.usd_per_month.base,
                **{name: part.base for name, part in option.parts.items()},
                "purchase_usd": option.purchase_usd.base if option.feasible else np.nan,
                "price_as_of": option.price_as_of,
                "price_source": option.price_source,
                "reason": option.reason,
            }
            for option in self.options
        ]
        return pd.DataFrame(rows)

    @property
    def book(self) -> dict[str, Priced]:
        """Prices of the country: electricity, staff, space in a data centre."""
        return dict(self._case.book.local)

    @property
    def local_prices(self) -> list[Priced]:
        """Prices of the country that the followed option pays: electricity, staff, space."""
        paid = {"electricity": "power", "staff": "staff", "colocation": "space"}
        parts = self.option.parts
        return [p for what, p in self._case.book.local.items() if parts[paid[what]].base]

    # -- of the option that is followed --------------------------------------------------------

    @property
    def usd_per_month(self) -> Range:
        """All-in cost of the first month."""
        return self.option.usd_per_month

    @property
    def purchase_usd(self) -> Range:
        """Cash that is needed before the first day."""
        return self.option.purchase_usd

    @property
    def running_usd_per_month(self) -> Range:
        """What falls due each month."""
        return self.option.running_usd_per_month

    @property
    def total_usd(self) -> Range:
        """What is paid over the horizon, resale taken off."""
        return self.option.total_usd

    @property
    def npv_usd(self) -> Range:
        """What all payments are worth on the first day; costs are negative."""
        return self.option.npv_usd

    @cached_property
    def usd_per_accelerator_hour(self) -> Range:
        """All-in cost of an accelerator for each hour that is paid."""
        option = self._run_oneself
        found = formulas.usd_per_accelerator_hour(
            usd_per_month=option.usd_per_month,
            accelerators=exact(option.accelerators, name="accelerators"),
            hours_on_per_week=option.paid_hours_per_week,
        )
        return as_range(found)

    @cached_property
    def usd_per_useful_accelerator_hour(self) -> Range:
        """All-in cost of an hour in which an accelerator is busy."""
        capacity = self._case.capacity
        found = formulas.usd_per_useful_accelerator_hour(
            usd_per_accelerator_hour=self.usd_per_accelerator_hour,
            mean_requests_per_s=capacity.mean_requests_per_s,
            max_requests_per_s=capacity.max_requests_per_s,
            hours_on_per_week=self._run_oneself.paid_hours_per_week,
        )
        return as_range(found)

    @property
    def _run_oneself(self) -> Option:
        """An API has no accelerators to count by."""
        if not self.option.accelerators:
            raise MissingFact(f"{self.hosting} is paid by the token, not by the accelerator")
        return self.option

    @property
    def usd_per_mtok_output(self) -> Range:
        """A million tokens of answers, all that is paid counted."""
        return self.option.usd_per_mtok_output

    @property
    def usd_per_mtok_total(self) -> Range:
        """A million tokens of prompts and answers, all that is paid counted."""
        return self.option.usd_per_mtok_total

    @cached_property
    def usd_per_mtok_total_usage(self) -> Range:
        """A million tokens at full capacity: what the busy share alone would cost."""
        return self.usd_per_mtok_at(1.0).named("usd_per_mtok_total_usage")

    def usd_per_mtok_at(self, utilization: float, option: str = "") -> Range:
        """Return the cost of a million tokens where so much of the capacity is used.

        Parameters
        ----------
        utilization : float
            Share of what all replicas can answer in the hours that are paid.
        option : str
            Name of the option; the one that is followed by default.
        """
        share = exact(utilization, name="utilization_fraction")
        way = self._way(option)
        found = formulas.usd_per_mtok_at_utilization(
            usd_per_month=way.month(self._load_at(utilization)).usd,
            max_tokens_per_month=self._max_tokens,
            utilization_fraction=share,
        )
        return as_range(found)

    @cached_property
    def _max_tokens(self) -> Range:
        case = self._case
        found = volumes.max_tokens_per_month(
            tokens_per_month=case.tokens_per_month, load_ratio=case.full_ratio
        )
        return as_range(found)

    def _load_at(self, utilization: float) -> Load:
        ratio = volumes.utilized_ratio(
            load_ratio=self._case.full_ratio,
            utilization_fraction=exact(utilization, name="utilization_fraction"),
        )
        first = self._case.first
        return Load(as_range(ratio, name="load_ratio"), first.replicas, first.servers)

    @cached_property
    def input_fraction(self) -> Range:
        """Share of the cost that reading prompts causes; writing answers causes the rest."""
        found = formulas.input_usd_fraction(
            prefill_s=self._case.serving.prefill_s, decode_s=self._case.decode_s
        )
        return as_range(found)

    @cached_property
    def usd_per_mtok_input_share(self) -> Range:
        """A million tokens of prompts, of the cost that reading them causes."""
        tokens = self._case.tokens_of(self._case.demand.prompt_tokens, "prompt_tokens_per_month")
        return self._of_share(self.input_fraction, tokens, "usd_per_mtok_input_share")

    @cached_property
    def usd_per_mtok_output_share(self) -> Range:
        """A million tokens of answers, of the cost that writing them causes."""
        rest = as_range(formulas.output_usd_fraction(input_fraction=self.input_fraction))
        tokens = self._case.output_tokens_per_month
        return self._of_share(rest, tokens, "usd_per_mtok_output_share")

    def _of_share(self, share: Range, tokens: Range, name: str) -> Range:
        part = formulas.part_usd_per_month(usd_per_month=self.usd_per_month, part_fraction=share)
        return as_range(formulas.usd_per_mtok(usd=part, n_tokens=tokens), name=name)

    def marginal_usd_per_mtok(self, option: str, *, above: float = 0.0) -> Range:
        """Return what a million tokens more add to an option while its machines stand.

        From a share of full hours with load, by default none of it, and with no worker asleep.
        """
        full = self._case.loaded_share
        most, least = (self._awake_usd(option, full * share) for share in (1.0, above))
        tokens = as_range(self._max_tokens * (full * (1 - above)), name="max_tokens_per_month")
        found = formulas.marginal_usd_per_mtok(
            full_usd_per_month=most, idle_usd_per_month=least, max_tokens_per_month=tokens
        )
        return as_range(found, name="usd_per_mtok_marginal")

    def begun_usd_per_month(self, option: str) -> Range:
        """Return what the first requests add at once: servers at work draw more, however little."""
        full = self._case.loaded_share
        most, half, none = (self._awake_usd(option, full * share) for share in (1.0, 0.5, 0.0))
        return as_range(half * 2 - most - none, name="usd_per_month")

    def _awake_usd(self, option: str, utilization: float) -> Range:
        load = replace(self._load_at(utilization), is_awake=True)
        return self._way(option).month(load).running

    @cached_property
    def utilization(self) -> Range:
        """Share of what all replicas could answer that is asked, in the hours they are on."""
        return as_range(volumes.used_fraction(load_ratio=self._case.full_ratio))

    @property
    def requests_per_month(self) -> Range:
        """Answers of the first month."""
        return self._case.requests_per_month

    @cached_property
    def usd_per_request(self) -> Range:
        """One answer, all that is paid counted."""
        found = formulas.usd_per_request(
            usd_per_month=self.usd_per_month, requests_per_month=self.requests_per_month
        )
        return as_range(found)

    @cached_property
    def usd_per_user_month(self) -> Range:
        """One user for a month; raises where the demand names no users."""
        demand = self._case.demand
        if demand.view not in ("named_users", "active_users"):
            raise MissingFact("the demand names no users")
        users = quantity(self._inputs, demand.view)
        found = formulas.usd_per_user_month(usd_per_month=self.usd_per_month, n_users=users)
        return as_range(found)

    @cached_property
    def busy_fraction(self) -> Range:
        """Share of what is paid that the load uses; an API has nothing idle."""
        option, capacity = self.option, self._case.capacity
        if not option.accelerators:
            return exact(1.0, name="busy_fraction")
        found: Range = shares.busy_share_fraction(
            mean_requests_per_s=capacity.mean_requests_per_s,
            max_requests_per_s=capacity.max_requests_per_s,
            paid_hours_per_week=option.paid_hours_per_week,
        )
        return found.named("busy_fraction")

    @cached_property
    def chargeback(self) -> tuple[Charge, ...]:
        """The month among the teams of the scenario; empty where it names none."""
        teams, is_spread = self._inputs.teams, self._inputs.idle_cost == "spread"
        return charges(teams, self.usd_per_month, self.busy_fraction, is_idle_spread=is_spread)

    # -- other loads, and years ----------------------------------------------------------------

    def steps(self, replicas: Sequence[int], option: str = "") -> list[Range]:
        """Return the month of an option with so many replicas and no load, but no worker asleep.

        Parameters
        ----------
        replicas : sequence of int
            Replicas, spares included; whole servers are paid for.
        option : str
            Name of the option; the one that is followed by default.
        """
        case = self._case
        loads = [replace(case.fleet_of(int(n), exact(0.0)), is_awake=True) for n in replicas]
        way = self._way(option)
        return [way.month(load).usd for load in loads]

    def replicas_per_machine(self, option: str) -> int:
        """Return how many replicas the least that can be had more of an option holds."""
        return self._way(option).replicas_per_machine

    def cash_flow(self, option: str = "") -> "pd.DataFrame":
        """Return the payments of an option in USD, by year and part, costs negative.

        Parameters
        ----------
        option : str
            Name of the option; the one that is followed by default.
        """
        import pandas as pd  # heavy, and not needed to evaluate

        name = option or self.option.name
        rate = quantity(self._inputs, "discount_rate")
        rows = []
        for year in self[name].years:
            parts = {part: usd.base for part, usd in year.flows.items()}
            present = npv([year], rate).base
            rows.append({"year": year.year} | parts | {"total": year.usd.base, "present": present})
        return pd.DataFrame(rows).fillna(0.0)

    def years(self, option: str = "") -> list[Year]:
        """Return the payments of an option by year, with their ranges."""
        return self[option or self.option.name].years

    def cumulative(self, option: str, months: Sequence[float]) -> list[Range]:
        """Return what an option has cost in USD after so many months, resale left out."""
        return self[option].paid_after(months)

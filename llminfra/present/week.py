"""The load over a week in words, rows and a table: what is needed when, and what can be off."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from llminfra import formats
from llminfra.explain.week import Running, Weekly
from llminfra.facets.cost import Option
from llminfra.present.costs import Money
from llminfra.present.tables import Table, column, row, table_of
from llminfra.units import HOURS_PER_WEEK

if TYPE_CHECKING:
    import pandas as pd

    from llminfra.plan import Plan

_BOUGHT = ("owned", "colocated")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True)
class WeekPage:
    """The week of a plan, in the currency of its scenario.

    Attributes
    ----------
    plan : Plan
        Whose load is shown.
    """

    plan: "Plan"

    @cached_property
    def _weekly(self) -> Weekly:
        return Weekly(self.plan)

    @cached_property
    def _money(self) -> Money:
        return Money(self.plan)

    @property
    def is_known(self) -> bool:
        """Whether the load of each hour is stated."""
        return self.plan.demand.week is not None

    @property
    def runs(self) -> tuple[Running, ...]:
        """Ways to run rented machines through the week, where they differ."""
        return self._weekly.runs

    @property
    def off_hours(self) -> float:
        """Hours of the week without a load."""
        return HOURS_PER_WEEK - self._weekly.loaded_hours

    @property
    def load_claim(self) -> str:
        """How many hours have no load, and how far the mean lies below the peak."""
        mean = self.plan.demand.mean_fraction.base
        off = f"{formats.number(self.off_hours)} of {HOURS_PER_WEEK} hours have no load"
        return f"{off}; the mean is {formats.percent(mean)} of the peak"

    @property
    def money_claim(self) -> str:
        """What switching off brings, and whether renting is then the cheapest way."""
        if not self.runs:
            return "Nothing can be switched off"
        first, last = self.runs[0], self.runs[-1]
        then, now = (self._money.of(run.usd_per_month) for run in (last, first))
        saved = f"Switched off, renting costs {formats.money(then)} a month, not "
        saved += formats.money(now)
        bought = self._bought
        if bought is None:
            return saved
        word = "less" if last.usd_per_month.base < bought.usd_per_month.base else "more"
        return f"{saved}: {word} than {self._money.in_words(bought)}"

    @property
    def _bought(self) -> Option | None:
        """The cheapest way to buy machines; None where none can be had."""
        return next((o for o in self.plan.cost.possible if o.name in _BOUGHT), None)

    def rows(self) -> "pd.DataFrame":
        """Return rows for `week_bars`: an hour, its share of the peak, replicas that it needs."""
        import pandas as pd  # heavy, and only charts need it

        week = self.plan.demand.week or ()
        hours = range(len(week))
        return pd.DataFrame(
            {
                "hour": list(hours),
                "label": [f"{_DAYS[hour // 24]} {hour % 24:02d}:00" for hour in hours],
                "share": list(week),
                "replicas": list(self._weekly.replicas),
            }
        )

    def table(self) -> Table:
        """Tabulate the ways to run rented machines, and the cheapest way to buy them."""
        heads = [
            column("Machines", align="left"),
            column("Hours a machine", "h a week"),
            column("A month", "all in"),
            column("Eight of ten", align="right"),
        ]
        rows = [
            row(
                f"On demand, {run.label[:1].lower()}{run.label[1:]}",
                formats.number(run.hours_per_week),
                formats.money(self._money.of(run.usd_per_month)),
                formats.band(self._money.of(run.usd_per_month), formats.money),
                emphasis=run is self.runs[-1],
            )
            for run in self.runs
        ]
        if self._bought is not None:
            month = self._money.of(self._bought.usd_per_month)
            ends = formats.money(month), formats.band(month, formats.money)
            rows.append(row(self._bought.label, str(HOURS_PER_WEEK), *ends))
        return table_of(heads, rows)

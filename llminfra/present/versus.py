"""What the report on build versus API shows: curves with sliders, tables, words."""

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from llminfra import formats
from llminfra.facets.build_vs_api import BuildVsApi, Comparison, Provisioned
from llminfra.facets.cost.api import ApiBill
from llminfra.present.costs import GROUPS, Money
from llminfra.present.tables import Table, column, number_columns, row, table_of, text_columns
from llminfra.present.turns import NEVER, is_out_of_reach, turns_words
from llminfra.ranges import Range, exact

if TYPE_CHECKING:
    import pandas as pd

    from llminfra.plan import Plan
    from llminfra.present.recipe import Chart

_PER_MTOK: Final = 1e6
# How each threshold is told, by the unit of its input.
_SHOWN: Final[dict[str, Any]] = {"1": lambda x: formats.times(x)}
_POINTS: Final = 241
_DRIFTS: Final = tuple(np.round(np.arange(-0.6, 0.2001, 0.05), 2))


@dataclass(frozen=True)
class Versus:
    """The comparison of a plan, in the currency of its scenario.

    Attributes
    ----------
    plan : Plan
        Whose comparison is shown.
    """

    plan: "Plan"

    @property
    def result(self) -> BuildVsApi:
        """The comparison in USD."""
        return self.plan.build_vs_api

    @cached_property
    def money(self) -> Money:
        """Amounts in the currency of the report."""
        return Money(self.plan)

    @property
    def main(self) -> Comparison | None:
        """Against the same model, else the frontier."""
        return self.result.main

    @property
    def against(self) -> str:
        """What is compared with, in words."""
        words = {"same_model": "the same model by the token", "frontier": "a frontier model"}
        return words.get(self.result.against, "")

    def per_mtok(self, usd: Range) -> str:
        """Show a price of a million tokens."""
        return f"{formats.money(self.money.of(usd))} per million tokens"

    # -- curves --------------------------------------------------------------------------------

    def curves(self, one: Comparison) -> "Chart":
        """Return both bills over the volume, with the sliders of the page."""
        from llminfra.present.live import Slider, live_curves  # imports Altair

        rate = self.plan.cost.usd_per_currency.base

        def own(x: Any, **given: Any) -> Any:
            return one.own_line(x, **_taken(given, "own")) / rate

        def api(x: Any, **given: Any) -> Any:
            return one.api_line(x, **_taken(given, "api", api_usd_per_mtok=rate)) / rate

        price = one.api.usd_per_mtok.base / rate
        filled = one.own.filled_fraction.base
        sliders = (
            Slider("target_utilization", "Machines are filled to", filled, 0.05, 1, 0.05, "0|%"),
            Slider(
                "api_usd_per_mtok",
                f"Price of the API, {self.money.currency} per million tokens",
                price,
                *_around(price),
            ),
            Slider("api_price_drift", "Its change a year", 0.0, -0.6, 0.3, 0.05, "0|%"),
            Slider(
                "hardware_price_ratio", "Price of accelerators, times today's", 1.0, 0.3, 3, 0.05
            ),
        )
        today, full = one.own.mtok_today.base, one.capacity_tokens_per_month.base / _PER_MTOK
        return live_curves(
            {"Own machines": ("own", own), "API": ("api", api)},
            x=self._volumes(one),
            sliders=sliders,
            x_title="million tokens a month, prompt and answer",
            y_title=f"{self.money.currency} a month",
            here=today,
            here_words="this case",
            wall=(full, "these machines are full"),
            shaded=("Own machines", "API"),
        )

    def left_over(self) -> "Chart | None":
        """Return the months of the ways that are left where nothing can be compared, by part."""
        from llminfra.present.cash_charts import part_bars  # imports Altair

        ways = self.plan.cost.possible
        if not ways:
            return None
        return part_bars(
            self.money.part_rows(ways),
            parts=GROUPS,
            totals=self.money.totals(ways),
            subject=ways[0].label,
            unit=f"k {self.money.currency}",
            scale=1e3,
        )

    def _volumes(self, one: Comparison) -> list[float]:
        """From below the case to beyond the machines, evenly on a logarithmic scale."""
        today, full = one.own.mtok_today.base, one.capacity_tokens_per_month.base / _PER_MTOK
        known = [v for v in (today, full, *sum(one.intervals_mtok, ())) if v > 0]
        low, high = min(known) / 5, max(known) * (3 if one.own.is_open else 1.6)
        ends = 10 ** math.floor(math.log10(low)), high
        return [float(v) for v in np.geomspace(*ends, _POINTS)]

    def paybacks(self, one: Comparison) -> "pd.DataFrame":
        """Return the months until the purchase has paid, by the drift of API prices."""
        import pandas as pd  # heavy, and only charts need it

        rows = []
        for drift in _DRIFTS:
            found = one.payback_at(exact(float(drift), name="api_price_drift"))
            rows.append({"drift": drift, "low": found.low, "base": found.base, "high": found.high})
        return pd.DataFrame(rows)

    def npv_draws(self, one: Comparison) -> "pd.Series":
        """Return the difference of both NPVs in all cases, in the currency of the report."""
        import pandas as pd  # heavy, and only charts need it

        return pd.Series(self.money.of(one.npv_difference_usd).draws[1:])

    # -- tables --------------------------------------------------------------------------------

    def sides_table(self) -> Table:
        """Tabulate own machines beside both APIs: month, token, break-even, use, NPV, how sure."""
        heads = [
            column("Against", align="left"),
            column("Its bill", "a month"),
            column("Break-even", "a month"),
            column("Today's machines", "break even at a use of"),
            column("NPV gained", "by own machines"),
            column("Own is cheaper"),
        ]
        found = {"Same model": self.result.same_model, "Frontier": self.result.frontier}
        rows = [self._side(words, one) for words, one in found.items() if one]
        units = self.result.provisioned
        return table_of(heads, [*rows, *([self._units(units)] if units else [])])

    def _units(self, units: Provisioned) -> Any:
        """The row of provisioned units, whose floor is paid whatever is used."""
        of, at = self.money.of, units.break_even_tokens_per_month
        volume, use = "none within capacity", "none"
        if math.isfinite(at):
            volume = formats.tokens(at) if at else "any volume"
            use = formats.percent(units.own_utilization) if at else "any use"
        return row(
            f"Provisioned: {units.n_units:,.0f} units",
            formats.money(of(units.option.parts["tokens"])),
            volume,
            use,
            formats.money(of(units.npv_difference_usd)),
            chance_words(units.probability_self_host_cheaper),
        )

    def _side(self, words: str, one: Comparison) -> Any:
        of, at = self.money.of, one.break_even_tokens_per_month.base
        return row(
            f"{words}: {one.api.bill.name}",
            formats.money(of(one.api.bill.usd_per_month)),
            formats.tokens(at) if math.isfinite(at) else "none within capacity",
            formats.percent(one.break_even_utilization)
            if math.isfinite(one.break_even_utilization.base)
            else "none",
            formats.money(of(one.npv_difference_usd)),
            chance_words(one.probability_self_host_cheaper),
            emphasis=one is self.main,
        )

    def hybrids_table(self) -> Table:
        """Tabulate mixtures of both sides with their conditions."""
        heads = [
            column("Mixture", align="left"),
            *number_columns("A month", "Instead of"),
            *text_columns("Wins when", "Here"),
        ]
        rows = []
        for one in self.result.hybrids:
            known = math.isfinite(one.usd_per_month)
            verdict = "✓ wins" if known and one.wins else "✗ does not" if known else "–"
            amounts = (self.money.show(x) for x in (one.usd_per_month, one.instead_usd_per_month))
            rows.append(row(one.name, *amounts, one.condition, verdict))
        return table_of(heads, rows)

    def apis_table(self) -> Table:
        """Tabulate every API that was looked at, with price, date and where it processes."""
        heads = [
            column("Seller and model", align="left"),
            column("In", "M tokens"),
            column("Out", "M tokens"),
            column("A month"),
            *text_columns("Processes in the EU", "Remark"),
        ]
        return table_of(heads, [self._api(bill) for bill in self.plan.cost.api.all])

    def _api(self, bill: ApiBill) -> Any:
        prices, offer = bill.prices, bill.offer
        main = self.main.api.bill if self.main else None
        amounts = ["–", "–"]
        if prices is not None:
            both = (prices.input_usd_per_mtok, prices.output_usd_per_mtok)
            amounts = [formats.money(self.money.of(price)) for price in both]
        since = [f"since {formats.date(prices.started)}"] if prices and prices.started else []
        said = [f"✗ {bill.reason}"] if bill.reason else list(bill.notes)
        return row(
            f"{offer.provider}: {offer.model_id.rpartition('/')[2]}" if offer else bill.name,
            *amounts,
            formats.money(self.money.of(bill.usd_per_month)),
            self._processing(offer.provider) if offer else "as your contract says",
            "; ".join([*said, *since]),
            emphasis=main is not None and bill is main,
        )

    @property
    def prices_read(self) -> str:
        """Package of the list prices, and the day on which they were read."""
        bill = next((b for b in self.plan.cost.api.all if b.price_as_of), None)
        return f"{bill.price_source}, read on {bill.price_as_of}" if bill else "your own prices"

    def _processing(self, provider: str) -> str:
        from llminfra.catalog.api_prices import terms

        found = terms(self.plan.facts_read_by("build_vs_api"), provider)
        seat = "" if found.operator_seat == "unknown" else f", run from {found.operator_seat}"
        words = {"yes": "yes", "option": "as an option", "no": "no", "unknown": "not known"}
        return f"{words[found.eu_processing]}{seat}"

    def flips_table(self) -> Table:
        """Tabulate values of single inputs at which the cheaper side changes."""
        heads = [
            column("What changes", align="left"),
            *number_columns("Now", "It turns at"),
            column("That is", align="left"),
        ]
        return table_of(heads, [row(*self.flip_words(flip)) for flip in self.result.flips])

    def flip_words(self, flip: Any) -> tuple[str, str, str, str]:
        """Return a threshold in the reader's units: what, now, where it turns, and how far."""
        if not (math.isfinite(flip.threshold) and flip.threshold > 0):
            return flip.words, self._value(flip, flip.value), "nowhere", "it alone never turns it"
        far = f"{formats.times(flip.ratio)} as now"
        if flip.name == "api_price_drift":
            far = "each year of the horizon"
        now, then = (self._value(flip, x) for x in (flip.value, flip.threshold))
        return flip.words, now, then, f"{NEVER}: {far}" if is_out_of_reach(flip) else far

    def _value(self, flip: Any, value: float) -> str:
        if flip.name == "volume":
            return f"{formats.tokens(value)} a month"
        if flip.name == "api_price_drift":
            return f"{100 * (value - 1):+.0f}{formats.NARROW_SPACE}%".replace("-", "−")
        if flip.unit == "1":
            return formats.times(value)
        each = "a month" if flip.unit.endswith("month") else "per million tokens"
        return f"{self.money.show(value)} {each}"

    def exits_table(self) -> Table:
        """Tabulate what leaving either side costs."""
        heads = [column("Leaving", align="left"), *number_columns("Costs", "Rest of the contract")]
        rows = [
            row(
                e.label,
                formats.money(self.money.of(e.usd)),
                f"{e.remaining_months:.0f} months" if e.remaining_months else "none",
            )
            for e in self.result.exits
        ]
        return table_of(heads, rows)

    # -- words ---------------------------------------------------------------------------------

    def near_flips(self) -> str:
        """Name the thresholds most able to turn the answer, as what follows "it turns"."""
        found = [f for f in self.result.flips if math.isfinite(f.distance)]
        told = [
            (flip, "{} at {} (now {})".format(*_moved(self.flip_words(flip)))) for flip in found
        ]
        return turns_words(told, 2)

    def months(self, value: float) -> str:
        """Say when something has paid.

        Infinite is never, within the horizon.
        """
        if not math.isfinite(value):
            return "never within the horizon"
        return f"after {value:.0f} month{'' if value == 1 else 's'}"

    def sides_words(self) -> str:
        """Tell how own machines compare with each kind of API, as a claim."""
        told = []
        for words, one in (
            ("the same model", self.result.same_model),
            ("a frontier model", self.result.frontier),
        ):
            if one is not None:
                ratio = one.own.option.usd_per_month.base / one.api.option.usd_per_month.base
                told.append(f"{formats.times(float(f'{ratio:.2g}'))} as much as {words}")
        return " and ".join(told)

    def random_words(self) -> str:
        """Name what is random beside speed, energy and prices of machines."""
        words = {
            "api_price_drift": "the drift of API prices",
            "accelerator_price_drift": "that of accelerators",
            "demand_growth": "growth",
            "discount_rate": "the cost of money",
        }
        return formats.join([words[name] for name in self.result.randoms])

    @property
    def free_to_leave_from(self) -> dt.date:
        """Day from which nobody in the EU may charge for leaving."""
        return dt.date.fromisoformat(self.result.no_switching_charges_from)

    def not_yet(self) -> Sequence[str]:
        """Reasons why nothing is compared, one by one."""
        return [part for part in self.result.reason.split("; ") if part]


def _moved(words: tuple[str, str, str, str]) -> tuple[str, str, str]:
    what, now, then, _ = words
    return what, then, now


def chance_words(chance: float) -> str:
    """Say a probability in cases of a hundred, as tiles show it.

    Examples
    --------
    >>> chance_words(0.003), chance_words(0.72), chance_words(0.98), chance_words(1.0)
    ('in no case', 'in 72 of 100 cases', 'in 98 of 100 cases', 'in all cases')
    """
    if round(100 * chance) in (0, 100):
        return "in all cases" if chance > 0.5 else "in no case"
    return f"in {round(100 * chance)} of 100 cases"


def _taken(given: dict[str, Any], side: str, **scale: float) -> dict[str, Any]:
    """The sliders that a side looks at, in USD."""
    names = {
        "own": ("target_utilization", "hardware_price_ratio"),
        "api": ("api_usd_per_mtok", "api_price_drift"),
    }[side]
    return {n: given[n] * scale.get(n, 1.0) for n in names if n in given}


def _around(price: float) -> tuple[float, float, float]:
    """Ends and step of a slider, on whose grid the price itself lies."""
    step = 10.0 ** math.floor(math.log10(max(price, 1e-6))) / 20
    below, above = (int(x / step) for x in (0.8 * price, 14 * price))
    return price - below * step, price + above * step, step

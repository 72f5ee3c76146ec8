"""What reports about money have alike: amounts in the report's currency, tables and rows of charts.

Results are in USD; here they are turned into the currency of the scenario, at its one rate.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from llminfra import formats
from llminfra.facets.base import base_value, quantity
from llminfra.facets.cost import PARTS, SELF_RUN, Cost, Option
from llminfra.facets.cost.cash import RESIDUAL
from llminfra.present.prose import FORMATS
from llminfra.ranges import Range

if TYPE_CHECKING:
    import pandas as pd

    from llminfra.plan import Plan

# Parts that a chart draws as one, with the word and the meaning of the colour of each.
GROUPS: Final = {
    "hardware": ("Hardware", "own"),
    "rent": ("Rent", "alternative"),
    "tokens": ("Tokens", "api"),
    "power": ("Power and space", "overhead"),
    "staff": ("Staff", "teal"),
    "other": ("Other", "other"),
}
_GROUP_OF: Final = {
    "capital": "hardware", "support": "hardware", "setup": "hardware", "rent": "rent",
    "tokens": "tokens", "power": "power", "space": "power", "staff": "staff",
}  # fmt: skip
PART_WORDS: Final = {
    "capital": "Servers, over their life",
    "rent": "Rent",
    "tokens": "Tokens",
    "power": "Electricity",
    "space": "Space and cooling",
    "network": "Network and gateways",
    "storage": "Storage and logs",
    "support": "Hardware support",
    "licences": "Licences",
    "staff": "Staff",
    "insurance": "Insurance",
    "egress": "Traffic",
    "setup": "Delivery and set-up",
    RESIDUAL: "Resale",
}
_DOING: Final = {
    "owned": "Buy the servers and run them in a room of your own",
    "colocated": "Buy the servers and run them in a rented rack",
    "reserved_1y": "Reserve machines for a year",
    "reserved_3y": "Reserve machines for three years",
    "on_demand": "Rent machines on demand",
    "monthly": "Rent machines by the month",
    "spot": "Rent machines on spot, with machines on demand to fall back on",
    "serverless": "Rent serverless workers, which sleep while nobody asks",
    "dedicated_endpoint": "Rent a dedicated endpoint",
    "provisioned": "Reserve provisioned units of an API",
    "api_same_model": "Buy the tokens of the same model",
    "api_frontier": "Buy the tokens of a frontier model",
}
# A part below this share of the month is no step of its own.
_LEAST_SHARE: Final = 1e-4
_NOUNS: Final = {
    "dedicated_endpoint": "a dedicated endpoint",
    "provisioned": "provisioned units of an API",
    "api_same_model": "an API of the same model",
    "api_frontier": "an API of a frontier model",
}


@dataclass(frozen=True)
class Money:
    """The costs of a plan in the currency of its scenario.

    Attributes
    ----------
    plan : Plan
        Whose costs are shown.
    """

    plan: "Plan"

    @property
    def cost(self) -> Cost:
        """The costs in USD."""
        return self.plan.cost

    @property
    def currency(self) -> str:
        """Code of the currency."""
        return str(self.plan.scenario.currency)

    def of(self, usd: Range) -> Range:
        """Return an amount in the currency of the report.

        Examples
        --------
        >>> from llminfra import Scenario, evaluate
        >>> plan = evaluate(Scenario(tensor_parallel=8, currency="EUR"))
        >>> Money(plan).of(plan.cost.usd_per_month).unit
        'EUR/month'
        """
        per, amount = self.cost.usd_per_currency, usd / self.cost.usd_per_currency
        unit = usd.unit.replace("USD", self.currency) or self.currency
        inputs = {usd.name: usd, "rate": per}
        return Range(
            amount.draws, name=usd.name, unit=unit, inputs=inputs, operation=amount.operation
        )

    def show(self, usd: float) -> str:
        """Show an amount of USD in the currency of the report."""
        return formats.money(usd / self.cost.usd_per_currency.base, self.currency)

    @property
    def tax_words(self) -> str:
        """Whether tax is in the amounts: only what stays with the buyer."""
        tax = quantity(self.plan.scenario, "vat_fraction")
        return f"with {formats.percent(tax)} VAT, not recovered" if tax.base else "before tax"

    @cached_property
    def rate_words(self) -> str:
        """The exchange rate and its day."""
        if self.currency == "USD":
            return ""
        rate, read = self.cost.usd_per_currency, self._rate_day
        return f"1\u00a0{self.currency} = {formats.number(rate.base, digits=5)}\u00a0USD{read}"

    @property
    def _rate_day(self) -> str:
        days = (r.fact.as_of for r in self.plan.facts if r.fact.key == "ecb-usd.per_eur")
        return next((f" ({formats.date(_day(day))})" for day in days), ", as given")

    # -- options -----------------------------------------------------------------------------

    @cached_property
    def followed(self) -> Option | None:
        """The option that the report follows; None where it cannot be had."""
        found = self.cost.get(self.cost.hosting)
        return found if found is not None and found.feasible else None

    @property
    def followed_name(self) -> str:
        """The option that the report follows, as a noun inside a sentence."""
        return self.in_words(self.followed)

    @cached_property
    def run_oneself(self) -> Option | None:
        """The cheapest way to run the model oneself that is possible and allowed."""
        return next((o for o in self.cost.possible if o.name in SELF_RUN), None)

    @property
    def oneself(self) -> str:
        """What a month of running the model oneself costs at least, or why it is no way."""
        run = self.run_oneself
        if run is not None:
            usd = FORMATS["money"](self.of(run.usd_per_month))
            return (
                f"running the model oneself costs {usd} a month at least ({self.in_words(run)}); "
                f"the largest part of it is {self.largest(run)}"
            )
        short = next((o.shortfall for o in self.cost.options if o.shortfall), "")
        return short or "nobody can run the model oneself as asked; the table below says why"

    @cached_property
    def ranked(self) -> tuple[Option | None, Option | None]:
        """The cheapest way that is possible and allowed, and the next."""
        first, second, *_ = [*self.cost.possible, None, None]
        return first, second

    def in_words(self, option: Option | None) -> str:
        """A way as a noun inside a sentence."""
        if option is None:
            return ""
        return _NOUNS.get(option.name, f"{option.label[:1].lower()}{option.label[1:]}")

    def doing(self, option: Option | None) -> str:
        """What to do, in the imperative."""
        return "" if option is None else _DOING[option.name]

    def month(self, option: Option | None) -> Range | float:
        """What a month costs all in; no number where there is no such way."""
        return math.nan if option is None else self.of(option.usd_per_month)

    def mtok(self, option: Option | None) -> Range | float:
        """What a million tokens cost, in and out; no number where there is no such way."""
        return math.nan if option is None else self.of(option.usd_per_mtok_total)

    @property
    def hour(self) -> Range | float:
        """An hour of an accelerator that is paid; no number where none is."""
        is_paid = self.followed is not None and self.followed.accelerators
        return self.of(self.cost.usd_per_accelerator_hour) if is_paid else math.nan

    def seller(self, option: Option | None) -> str:
        """Who rents out, sells the tokens, or what is bought."""
        return "" if option is None else option.price_source.partition(",")[0].partition(":")[0]

    def largest(self, option: Option | None) -> str:
        """The largest part of a month in words, with its share."""
        if option is None:
            return ""
        name = max(PARTS, key=lambda part: option.parts[part].base)
        share = option.parts[name].base / option.usd_per_month.base
        words = PART_WORDS[name]
        return f"{words[:1].lower()}{words[1:]} ({formats.percent(share)})"

    def up_front(self, option: Option | None) -> str:
        """Cash that is needed before the first day, in words."""
        if option is None or not option.purchase_usd.base:
            return "none before the first day"
        paid, built = (
            formats.money(self.of(usd)) for usd in (option.purchase_usd, option.room_usd)
        )
        room = (
            f"; a room that has to be built takes another {built}, in the month by its share"
            if option.room_usd.base
            else ""
        )
        return f"{paid} before the first day, in the month over its years of use{room}"

    @cached_property
    def shown(self) -> list[Option]:
        """Options that can be had and are allowed, and the one followed; cheapest first."""
        found = [o for o in self.cost.options if o.is_possible or o is self.followed]
        return sorted(found, key=lambda option: option.usd_per_month.base)

    @property
    def cash_words(self) -> str:
        """The cash that ways need up front, from the least to the most."""
        needed = sorted(self.of(option.purchase_usd).base for option in self.shown)
        least, most = (formats.money(usd, self.currency) for usd in (needed[0], needed[-1]))
        if needed[0] == needed[-1]:
            words = f"Every way needs {least if needed[0] else 'no cash'} up front"
        else:
            words = f"Cash up front is from {least if needed[0] else 'nothing'} to {most}"
        is_own = any(option.room_usd.base for option in self.shown)
        return f"{words}, building a room not counted" if is_own else words

    def is_cheaper(self, option: Option, other: Option) -> float:
        """Return in how many of the draws one option's month costs less than another's."""
        return other.usd_per_month.probability_at_least(option.usd_per_month)

    def part_rows(self, options: Iterable[Option]) -> "pd.DataFrame":
        """Return rows of label, part and value for `part_bars`."""
        import pandas as pd  # heavy, and only charts need it

        rows = []
        for option in options:
            groups = dict.fromkeys(GROUPS, 0.0)
            for name in PARTS:
                groups[_GROUP_OF.get(name, "other")] += self.of(option.parts[name]).base
            rows += [{"label": option.label, "part": g, "value": v} for g, v in groups.items()]
        return pd.DataFrame(rows)

    def totals(self, options: Iterable[Option]) -> "pd.DataFrame":
        """Return rows of label, low, base and high for `part_bars`."""
        import pandas as pd  # heavy, and only charts need it

        months = [(option.label, self.of(option.usd_per_month)) for option in options]
        rows = [{"label": n, "low": m.low, "base": m.base, "high": m.high} for n, m in months]
        return pd.DataFrame(rows)

    def load_changed(self, ratio: float) -> dict[str, Any]:
        """Return the fields that state so many times the load."""
        demand, users = self.plan.demand, self.plan.scenario.named_users
        if users is not None and demand.view == "named_users":
            return {"named_users": base_value(users) * ratio}
        return {demand.view: demand.stated.base * ratio}

    @property
    def usual_changes(self) -> dict[str, dict[str, Any]]:
        """Changes that every case is tried with: of the load, and of electricity."""
        return {
            "Half the answers": self.load_changed(0.5),
            "Twice the answers": self.load_changed(2.0),
            "Electricity twice as dear": {"electricity_usd_per_kwh": 2 * self.usd_per_kwh},
        }

    @property
    def usd_per_kwh(self) -> float:
        """Price of electricity that the plan counts with; nothing where none was asked for."""
        found = self.cost.book.get("electricity")
        return 0.0 if found is None else found.usd.base

    def changed(self, changes: Mapping[str, Mapping[str, Any]]) -> "dict[str, Money]":
        """Evaluate the plan with one thing changed at a time."""
        return {words: Money(self.plan.variant(**fields)) for words, fields in changes.items()}

    def turned(self, changed: "Mapping[str, Money]") -> list[str]:
        """Return which changes make another way the cheapest."""
        first, _ = self.ranked
        return [words for words, found in changed.items() if _name(found.ranked[0]) != _name(first)]

    # -- steps, years, loads -------------------------------------------------------------------

    def steps(self, option: Option) -> list[tuple[str, float, str]]:
        """Return the parts of a month as steps of a waterfall, the largest kinds first."""
        found, rate = [], self.cost.usd_per_currency.base
        for name in PARTS:
            amount = self.of(option.parts[name]).base
            if amount > _LEAST_SHARE * option.usd_per_month.base / rate:
                meaning = GROUPS[_GROUP_OF.get(name, "other")][1]
                found.append((PART_WORDS[name], amount, meaning))
        return found

    def paid_rows(self, options: Sequence[Option], months: Sequence[float]) -> "pd.DataFrame":
        """Return rows of label, month, low, base and high for `paid_lines`."""
        import pandas as pd  # heavy, and only charts need it

        rows = []
        for option in options:
            paid = self.cost.cumulative(option.name, months)
            for month, amount in zip(months, map(self.of, paid), strict=True):
                ends = {"low": amount.low, "base": amount.base, "high": amount.high}
                rows.append({"label": option.label, "month": month} | ends)
        return pd.DataFrame(rows)

    def crossings(self, option: Option, others: Sequence[Option], months: Sequence[float]) -> Any:
        """Return where what was paid for one option falls below each other: month, sum, words."""
        own = [self.of(x).base for x in self.cost.cumulative(option.name, months)]
        found = []
        for other in others:
            paid = [self.of(x).base for x in self.cost.cumulative(other.name, months)]
            at = _crossing(months, own, paid)
            if at is not None:
                found.append((*at, f"month {at[0]:.0f}"))
        return found

    def crossing_words(self, option: Option, other: Option, months: Sequence[float]) -> str:
        """Say for which of two ways less is paid, and from when on."""
        at = self.crossings(option, [other], months)
        back = self.crossings(other, [option], months)
        own, paid = (self.cost.cumulative(o.name, months)[-1].base for o in (option, other))
        less, more = (option, other) if own <= paid else (other, option)
        found = at if less is option else back
        since = f"from month {found[0][0]:.0f} on" if found else "from the first day on"
        return f"Less is paid for {self.in_words(less)} than for {self.in_words(more)} {since}"

    @property
    def token_pair(self) -> tuple[Range, Range]:
        """A million tokens read and a million written, of what each causes."""
        return self.of(self.cost.usd_per_mtok_input_share), self.of(
            self.cost.usd_per_mtok_output_share
        )

    @property
    def equations(self) -> list[Range]:
        """Quantities whose equations tell the method: the month, its large parts, a token."""
        if self.followed is None:
            return []
        parts = self.followed.parts
        large = [parts[name] for name in ("capital", "rent", "tokens", "power", "staff")]
        month = [self.followed.usd_per_month, *(part for part in large if part.base)]
        return [*month, self.followed.usd_per_mtok_total]

    def at_utilization(self, shares: Sequence[float]) -> "pd.DataFrame":
        """Return the cost of a million tokens, all in, by how much of the capacity is used."""
        import pandas as pd  # heavy, and only charts need it

        apis = [o for o in self.shown if o.name not in SELF_RUN and o is not self.followed]
        rows = [
            {
                "way": option.label,
                "percent": 100 * share,
                "usd": self.of(self.cost.usd_per_mtok_at(share, option.name)).base,
            }
            for option in [*filter(None, [self.followed]), *apis]
            for share in shares
        ]
        return pd.DataFrame(rows)


def _name(option: Option | None) -> str:
    return "" if option is None else option.name


def _crossing(
    months: Sequence[float], own: Sequence[float], other: Sequence[float]
) -> tuple[float, float] | None:
    """Where one line falls below the other for good."""
    for i in range(1, len(months)):
        before, after = own[i - 1] - other[i - 1], own[i] - other[i]
        if before > 0 >= after:
            share = before / (before - after)
            month = months[i - 1] + share * (months[i] - months[i - 1])
            return month, own[i - 1] + share * (own[i] - own[i - 1])
    return None


def _day(as_of: str) -> Any:
    import datetime as dt

    return dt.date.fromisoformat(as_of)

"""The cost of a plan as a live workbook: options, cash flow and chargeback as expressions."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from llminfra.facets.cost import PARTS, Option
from llminfra.facets.cost.cash import RESIDUAL
from llminfra.present.blocks import Block, block
from llminfra.present.cells import Tree
from llminfra.present.costs import PART_WORDS
from llminfra.present.model import GROUPS, Model, border
from llminfra.present.model_lines import Entry, Row, entry, head_line, line, text_line, total_line
from llminfra.ranges import Range

if TYPE_CHECKING:
    from llminfra.plan import Plan

MODULES: Final = (
    *("cost", "month_parts", "cash", "volume", "unit_cost", "purchase", "rent"),
    *("api_bill", "chargeback", "currency"),
)
_NOTE: Final = (
    "Change a yellow cell on the sheet Inputs and all that rests on it moves. Speed, memory and "
    "energy come from the other reports and stay; so does the number of servers."
)
_AUTO: Final = "auto"


def cost_model(plan: "Plan") -> Block:
    """Hand over the cost of a plan for the workbook: it shows nothing on a page.

    Parameters
    ----------
    plan : Plan
        Its options, cash flow and, where the scenario names teams, the bill of each.
    """
    return block("model", **_Workbook(plan).data())


class _Workbook:
    def __init__(self, plan: "Plan") -> None:
        self.plan, self.cost = plan, plan.cost
        self.model = Model(border(plan, "cost", MODULES))
        known = [option for option in self.cost.options if option.feasible]
        self.options = sorted(known, key=lambda option: option.usd_per_month.base)
        self.months = [self._of(o.usd_per_month, o, "A month, all in") for o in self.options]
        self.npvs = [self._of(o.npv_usd, o, "Worth today of all payments") for o in self.options]

    def data(self) -> dict[str, Any]:
        sheets = [self._options(), self._cash()]
        if self.cost.chargeback:
            sheets.append(self._teams())
        found = {"cells": self.model.cells, "groups": list(GROUPS), "sheets": sheets}
        return {"title": "Cost with live formulas"} | found

    def _of(self, value: Range, option: Option, words: str) -> Tree:
        return self.model.add(value, about=option.label, words=words)

    # -- options -------------------------------------------------------------------------------

    def _options(self) -> dict[str, Any]:
        rows = [head_line("What a month costs"), *self._parts()]
        rows += [
            total_line("A month, all in", "USD/month", self._entries(self.months, "usd_per_month")),
            *self._in_currency(),
            *self._ranking(),
            *self._beside(),
            *self._prices(),
        ]
        columns = ["", "Unit", *(option.label for option in self.options)]
        return {"name": "Options", "columns": columns, "rows": rows, "note": _NOTE}

    def _parts(self) -> Iterator[Row]:
        for name in PARTS:
            words, entries = PART_WORDS[name], []
            for option in self.options:
                part = option.parts[name]
                entries.append(entry(self._of(part, option, words), part.base))
            if any(entry for entry in entries):
                yield line(words, "USD/month", entries)

    def _entries(self, found: Sequence[Tree], name: str) -> list[Entry | None]:
        values = [getattr(option, name).base for option in self.options]
        return [entry(x, value) for x, value in zip(found, values, strict=True)]

    def _in_currency(self) -> Iterator[Row]:
        currency = str(self.plan.scenario.currency)
        if currency == "USD":
            return
        rate = self.cost.usd_per_currency
        per = self.model.add(rate, words=f"USD for one {currency}")
        entries = [
            entry(["divide", month, per], option.usd_per_month.base / rate.base)
            for month, option in zip(self.months, self.options, strict=True)
        ]
        yield line("the same", f"{currency}/month", entries)

    def _ranking(self) -> Iterator[Row]:
        """Rank and name of the cheapest, among those that are allowed."""
        allowed = [o.is_allowed for o in self.options]
        months = [m for m, is_in in zip(self.months, allowed, strict=True) if is_in]
        labels = [o.label for o in self.options if o.is_allowed]
        ranks = iter(range(1, len(months) + 1))
        entries = [
            entry(_rank(m, months), next(ranks)) if is_in else None
            for m, is_in in zip(self.months, allowed, strict=True)
        ]
        yield line("Rank among those allowed", "", entries, style="count")
        if months:
            yield line("Cheapest", "", [{"f": _cheapest(months, labels), "v": labels[0]}])

    def _beside(self) -> Iterator[Row]:
        for words, unit, name in (
            ("A million tokens, in and out", "USD/Mtoken", "usd_per_mtok_total"),
            ("A million tokens of answers", "USD/Mtoken", "usd_per_mtok_output"),
            ("Cash before the first day", "USD", "purchase_usd"),
            ("Paid over all years, resale off", "USD", "total_usd"),
        ):
            found = [self._of(getattr(o, name), o, words) for o in self.options]
            yield line(words, unit, self._entries(found, name))
        yield line("Worth today of all payments", "USD", self._entries(self.npvs, "npv_usd"))

    def _prices(self) -> Iterator[Row]:
        """The price that each option rests on: where it stands, what it is, and of when."""
        yield head_line("What it rests on")
        prices = [self._of(o.price.usd, o, "Base price") for o in self.options]
        entries = [entry(x, o.price.usd.base) for x, o in zip(prices, self.options, strict=True)]
        yield line("Base price", "as below", entries)
        for words, name in (("Price of", "price_source"), ("As of", "price_as_of")):
            yield text_line(words, *(str(getattr(option, name)) for option in self.options))
        yield text_line("Unit", *(option.price.usd.unit for option in self.options))
        for option in self.cost.options:
            if not option.feasible:
                words = f"Not possible: {option.label.lower()}"
                yield {"cells": [words, "", option.reason], "style": "note"}

    # -- cash flow -----------------------------------------------------------------------------

    def _cash(self) -> dict[str, Any]:
        most = max((len(o.years) for o in self.options), default=0)
        heads = ["today" if n == 0 else f"year {n}" for n in range(most)]
        rows: list[Row] = []
        for option, npv in zip(self.options, self.npvs, strict=True):
            rows += [head_line(option.label), *self._flows(option)]
            entries = [entry(npv, option.npv_usd.base)]
            rows += [total_line("Worth today of all", "USD", entries), text_line("")]
        note = "Payments by year, costs negative; a purchase falls due today, bills at year's end."
        return {"name": "Cash flow", "columns": ["", "Unit", *heads], "rows": rows, "note": note}

    def _flows(self, option: Option) -> Iterator[Row]:
        years = option.years
        for name in (*PARTS, RESIDUAL):
            flows = [year.flows.get(name) for year in years]
            if not any(flow is not None and flow.base for flow in flows):
                continue
            words = PART_WORDS[name]
            entries = [
                None if x is None else entry(self._of(x, option, words), x.base) for x in flows
            ]
            yield line(words, "USD", entries)
        found = [self._of(year.usd, option, "All of a year") for year in years]
        entries = [entry(x, year.usd.base) for x, year in zip(found, years, strict=True)]
        yield total_line("All of it", "USD", entries)

    # -- teams ---------------------------------------------------------------------------------

    def _teams(self) -> dict[str, Any]:
        cost = self.cost
        rows: list[Row] = []
        paid = []
        for charge in cost.chargeback:
            usd = self.model.add(charge.usd_per_month, about=charge.team, words="Bill of the team")
            paid.append(usd)
            share = None
            if charge.share is not None:
                share = entry(self.model.add(charge.share, words="Share"), charge.share.base)
            entries = [share, entry(usd, charge.usd_per_month.base)]
            rows.append(line(charge.team, "USD/month", entries))
        total = sum(charge.usd_per_month.base for charge in cost.chargeback)
        month = self.model.add(cost.usd_per_month, about=cost.option.label)
        rows += [
            total_line("All of it", "USD/month", [None, entry(["sum", *paid], total)]),
            line("The bill", "USD/month", [None, entry(month, cost.usd_per_month.base)]),
        ]
        idle = "a line of its own" if self.plan.scenario.idle_cost == "line" else "spread"
        note = f"Shares of the load in the month of {cost.option.label}; what is idle: {idle}."
        columns = ["", "Unit", "Share of the load", "A month"]
        return {"name": "Chargeback", "columns": columns, "rows": rows, "note": note}


def _rank(own: Tree, all_of_them: Sequence[Tree]) -> Tree:
    cheaper = [["where", ["less", x, own], 1.0, 0.0] for x in all_of_them]
    return ["sum", 1.0, *cheaper]


def _cheapest(months: Sequence[Tree], labels: Sequence[str]) -> Tree:
    found: Tree = ["text", labels[-1]]
    for month, label in zip(months[-2::-1], labels[-2::-1], strict=True):
        is_least = ["less_equal", month, ["minimum", *months]]
        found = ["where", is_least, ["text", label], found]
    return found

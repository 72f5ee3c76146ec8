"""Own machines against an API as a live workbook: both months, both NPVs, both over the volume."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

from llminfra.facets.build_vs_api import Comparison
from llminfra.facets.cost import PARTS
from llminfra.present.blocks import Block, block
from llminfra.present.cells import Tree, folded, tree
from llminfra.present.cost_models import MODULES
from llminfra.present.costs import PART_WORDS
from llminfra.present.model import GROUPS, Model, border
from llminfra.present.model_lines import Entry, Row, entry, head_line, line, total_line
from llminfra.trace import Symbol

if TYPE_CHECKING:
    from llminfra.plan import Plan

# An expression over that of a volume.
Curve = Callable[[Tree], Tree]
_RATIOS: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
_NOTE: Final = (
    "Change a yellow cell on the sheet Inputs and both sides move. Speed, memory and energy come "
    "from the other reports and stay; so does the number of servers."
)
_LINES_NOTE: Final = (
    "Both bills over the volume, as in the curves of the report; what moves them stands at the "
    "head of the inputs."
)


def versus_model(plan: "Plan") -> Block:
    """Hand over the comparison for the workbook: it shows nothing on a page.

    Parameters
    ----------
    plan : Plan
        Whose own machines are compared with an API.
    """
    one = plan.build_vs_api.main
    assert one is not None
    return block("model", **_Versus(plan, one).data())


class _Versus:
    def __init__(self, plan: "Plan", one: Comparison) -> None:
        self.one, self.own, self.api = one, one.own.option, one.api.option
        self.model = Model(border(plan, "cost", MODULES))
        self.moved = {
            "target_utilization": self.model.value(
                "Machines are filled to", one.own.filled_fraction.base, "1"
            ),
            "api_usd_per_mtok": self.model.value(
                "Price of the API, mean of the horizon", one.api.usd_per_mtok.base, "USD/Mtoken"
            ),
            "api_price_drift": self.model.value("Its change a year", 0.0, "1/year"),
            "hardware_price_ratio": self.model.value(
                "Price of accelerators, times today's", 1.0, "1"
            ),
            "today": self.model.value(
                "Volume of today, prompt and answer", one.own.mtok_today.base, "Mtoken/month"
            ),
        }

    def data(self) -> dict[str, Any]:
        found = {"sheets": [self._sides(), self._volumes()], "groups": list(GROUPS)}
        return {"title": "Own machines against an API", "cells": self.model.cells} | found

    # -- both months ---------------------------------------------------------------------------

    def _sides(self) -> dict[str, Any]:
        rows = [head_line("What a month costs"), *self._parts()]
        rows += self._compared("A month, all in", "USD/month", "usd_per_month", "Cheaper a month")
        rows += self._compared(
            "Worth today of all payments", "USD", "npv_usd", "Better over the horizon"
        )
        columns = ["", "Unit", self.own.label, self.api.label, "Own less API"]
        return {"name": "Build versus API", "columns": columns, "rows": rows, "note": _NOTE}

    def _parts(self) -> Iterator[Row]:
        for name in PARTS:
            both = [self._entry_of(option, option.parts[name]) for option in (self.own, self.api)]
            if any(both):
                yield line(PART_WORDS[name], "USD/month", both)

    def _entry_of(self, option: Any, part: Any) -> Entry | None:
        return entry(self.model.add(part, about=option.label), part.base)

    def _compared(self, words: str, unit: str, name: str, verdict: str) -> Iterator[Row]:
        """One line of both sides with their difference, and one of which side it favours."""
        values = [getattr(option, name) for option in (self.own, self.api)]
        own, api = (
            self.model.add(value, about=option.label, words=words)
            for value, option in zip(values, (self.own, self.api), strict=True)
        )
        difference = values[0].base - values[1].base
        entries = [entry(own, values[0].base), entry(api, values[1].base)]
        yield total_line(words, unit, [*entries, entry(["subtract", own, api], difference)])
        less, more = (own, api) if unit == "USD/month" else (api, own)
        is_own = ["less_equal", less, more]
        names = self.own.label, self.api.label
        found: Tree = ["where", is_own, ["text", names[0]], ["text", names[1]]]
        wins = difference <= 0 if unit == "USD/month" else difference >= 0
        yield line(verdict, "", [{"f": found, "v": names[0] if wins else names[1]}])

    # -- over the volume -----------------------------------------------------------------------

    def _volumes(self) -> dict[str, Any]:
        own = self._line(self.one.own_line, "target_utilization", "hardware_price_ratio")
        api = self._line(self.one.api_line, "api_usd_per_mtok", "api_price_drift")
        columns = ["Times the volume of today", "Unit", "Million tokens a month"]
        columns += [self.own.label, self.api.label, "Own less API"]
        rows = [self._volume(ratio, own, api) for ratio in _RATIOS]
        found = {"name": "Over the volume", "columns": columns}
        return found | {"rows": rows, "note": _LINES_NOTE}

    def _volume(
        self, ratio: float, own: Callable[[Tree], Tree], api: Callable[[Tree], Tree]
    ) -> Row:
        at, mtok = ["multiply", self.moved["today"], ratio], self.one.own.mtok_today.base * ratio
        both = own(at), api(at)
        values = [float(self.one.own_line(mtok)), float(self.one.api_line(mtok))]
        entries = [entry(at, mtok), *(entry(x, v) for x, v in zip(both, values, strict=True))]
        entries.append(entry(["subtract", *both], values[0] - values[1]))
        return line(f"{ratio:g}", "USD/month", entries)

    def _line(self, curve: Callable[..., Any], *names: str) -> Curve:
        """A curve of the report as an expression over a volume and over what moves it."""
        symbols = {name: Symbol(name) for name in names}
        traced = curve(Symbol("volume"), **symbols)
        return lambda at: folded(tree(traced, (self.moved | {"volume": at}).__getitem__))

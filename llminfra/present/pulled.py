"""Levers as reports show them: what to pull first, what each saves, and all of it in steps."""

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from llminfra import formats
from llminfra.explain.levers import MOST_LOSS, WORTH, Levers, Pull
from llminfra.explain.service import AIMS, Service
from llminfra.present.costs import Money
from llminfra.present.tables import Table, column, row, table_of
from llminfra.ranges import Range, exact
from llminfra.units import GB

if TYPE_CHECKING:
    from llminfra.present.recipe import Chart


class _Aim(NamedTuple):
    of: str
    """What falls, as it stands behind "of"."""
    unit: str
    show: Callable[[Any], str]


_AIMS: Final = {
    "cost": _Aim("what a month costs", "", formats.money),
    "energy": _Aim("the electricity of a month", "kWh", formats.kwh),
    "latency": _Aim("the time of a whole answer", "s", formats.seconds),
}


class Pulled:
    """The levers of a plan in words, as a table and as a chart.

    Examples
    --------
    >>> from llminfra import Scenario, evaluate
    >>> from llminfra.explain.levers import levers
    >>> plan = evaluate(Scenario(tensor_parallel=8))
    >>> pulled = Pulled(levers(plan, "latency", without=("model",)))
    >>> pulled.first
    'B200 accelerators'
    """

    worth, most_loss = WORTH, MOST_LOSS

    def __init__(self, found: Levers) -> None:
        self.found = found
        self._books = Money(found.start) if not math.isnan(found.now) else None
        self._aim = _AIMS[found.aim]
        self.of, self.show = self._aim.of, self._aim.show

    @property
    def is_known(self) -> bool:
        """False where the aim has no figure now."""
        return not math.isnan(self.found.now)

    @property
    def first(self) -> str:
        """Words of the lever to pull first; empty without one."""
        return self.found.first.lever.words if self.found.first else ""

    @property
    def first_saved(self) -> float:
        """Share that the first lever saves alone."""
        return self.found.first.saved if self.found.first else 0.0

    @property
    def first_quality(self) -> str:
        """What the first lever does to quality."""
        return self.found.quality(self.found.first) if self.found.first else ""

    @property
    def others(self) -> str:
        """The other levers that are worth it."""
        words = [s.lever.words for s in self.found.together if s.lever.words != self.first]
        return formats.join([_inside(w) for w in words])

    @property
    def fields(self) -> str:
        """What to write into the scenario file for all that is worth it."""
        fields = {k: v for s in self.found.together for k, v in s.lever.fields.items()}
        end = self.found.end.scenario
        given = {name: getattr(end, name) for name in ("tensor_parallel", "replicas")}
        return _fields({**given, **fields})

    @property
    def before(self) -> Range:
        """What it takes as it is, in the currency of the report."""
        return self._amount(Service(self.found.start))

    @property
    def after(self) -> Range:
        """What it takes with all that is worth it."""
        return self._amount(self.found.service)

    @property
    def share(self) -> Range:
        """Share that all that is worth it saves."""
        share: Range = 1 - self.after / self.before
        return share

    @property
    def month(self) -> str:
        """What a month costs as it is and with all that is worth it."""
        services = (Service(self.found.start), self.found.service)
        ends = [service.amount(AIMS["cost"]) for service in services]
        if self._books is None or any(math.isnan(end) for end in ends):
            return "not known"
        rate, currency = self._books.cost.usd_per_currency.base, self._books.currency
        now, then = (formats.money(end / rate, currency) for end in ends)
        return f"{now} a month now, {then} then, all in"

    @property
    def now(self) -> str:
        """What it takes as it is, in words."""
        return self.show(self.before)

    @property
    def then(self) -> str:
        """What it takes with all that is worth it, in words."""
        return self.show(self.after)

    @property
    def beyond(self) -> str:
        """What was left out as asked and would save most."""
        left_out = ("left out as asked", "loses more quality than allowed")
        left = [p for p in self.found.alone if self.found.verdict(p) in left_out]
        if not left:
            return "nothing that would save as much was left out"
        saved = formats.percent(left[0].saved)
        lost = self.found.quality(left[0])
        return f"{_inside(left[0].lever.words)} would save {saved} alone; {lost}"

    @property
    def note(self) -> str:
        """What a card lacks for a format of the weights."""
        notes = [pull.note for pull in self.found.alone if pull.plan is not None and pull.note]
        return f"{notes[0]}." if notes else ""

    def _amount(self, service: Service) -> Range:
        if not self.is_known:
            return exact(math.nan)
        found = service.total(AIMS[self.found.aim])
        return self._books.of(found) if self.found.aim == "cost" and self._books else found

    def table(self) -> Table:
        """Tabulate every lever alone, and what all that are worth it give together."""
        currency = self._books.currency if self._books else "USD"
        columns = [
            column("Lever", align="left"),
            column("Saves alone", f"of {self.of}"),
            column("A month", f"k {currency}"),
            column("Electricity", "kWh a month"),
            column("Answer", "s"),
            column("Weights", "GB"),
            column("Accelerators"),
        ]
        found = self.found
        rows = [
            row("As it is", formats.MISSING, *self._figures(Service(found.start)), emphasis=True)
        ]
        rows += [self._row(pull) for pull in found.alone]
        if found.together:
            saved = formats.percent(found.saved)
            cells = ("All that is worth it", saved, *self._figures(found.service))
            rows.append(row(*cells, emphasis=True))
        return table_of(columns, rows)

    def _row(self, pull: Pull) -> dict[str, Any]:
        saved = formats.MISSING if math.isnan(pull.saved) else formats.percent(pull.saved)
        figures = self._figures(pull.service) if pull.service else [formats.MISSING] * 5
        return row(pull.lever.words, saved, *figures)

    def quality(self) -> Table:
        """Tabulate the verdict on each lever, and what it does to the quality of answers."""
        columns = [
            column("Lever", align="left"),
            column("Verdict", align="left"),
            column("Fields", align="left"),
            column("Loss of quality, and the evidence", align="left"),
        ]
        rows = [
            row(
                pull.lever.words,
                self.found.verdict(pull),
                _fields(pull.lever.fields) or self._beside(pull),
                self.found.quality(pull),
                emphasis=self.found.verdict(pull) == "pull it",
            )
            for pull in self.found.alone
        ]
        return table_of(columns, rows)

    def _beside(self, pull: Pull) -> str:
        """What a lever takes that sets no field: a smaller model beside."""
        split = pull.lever.split
        return f"{split.model} beside it, {split.share:.0%} of the load" if split else "–"

    def _figures(self, service: Service) -> list[str]:
        per = self._books.cost.usd_per_currency.base if self._books else 1.0
        paths = {
            "cost.usd_per_month": 1e3 * per, "energy.kwh_per_month": 1.0, "serving.e2e_s": 1.0,
            "memory.weight_bytes": GB,
        }  # fmt: skip
        shown = [formats.number(service.amount(path) / scale) for path, scale in paths.items()]
        return [*shown, formats.count(sum(p.capacity.accelerators for p in service.plans))]

    def chart(self) -> "Chart | None":
        """Draw the levers that are worth it, one on top of the other; None without any."""
        if not self.found.together:
            return None
        from llminfra.present.cash_charts import step_bars  # Altair, which charts alone need

        unit, scale = self._aim.unit, 1.0
        if self.found.aim == "cost" and self._books is not None:
            unit, scale = f"k {self._books.currency}", 1e3 * self._books.cost.usd_per_currency.base
        bars = [("As it is", self.found.now, "ink")]
        bars += [(stage.lever.words, stage.moved, "navy") for stage in self.found.together]
        return step_bars(bars, unit=unit, total="All that is worth it", scale=scale)


def _fields(fields: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in fields.items())


def _inside(words: str) -> str:
    """Words as they stand inside a sentence; names keep their capitals."""
    return words[:1].lower() + words[1:] if words[1:2].islower() else words

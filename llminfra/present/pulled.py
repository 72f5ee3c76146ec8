"""Levers as reports show them: what to pull first, what each saves, and all of it in steps."""

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from llminfra import formats
from llminfra.explain.levers import MOST_LOSS, WORTH, Levers, Pull
from llminfra.explain.service import AIMS, Service
from llminfra.present.costs import Money
from llminfra.present.tables import Table, column, row, table_of, text_columns
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


#: Results of a service in the tables: heading, its unit, and that in the unit of the result.
_SHOWN: Final = {
    "cost.usd_per_month": ("A month", "k {currency}", 1e3),
    "energy.kwh_per_month": ("Electricity", "kWh a month", 1.0),
    "serving.e2e_s": ("Answer", "s", 1.0),
    "memory.weight_bytes": ("Weights", "GB", GB),
    "memory.kv_cache_bytes_per_request": ("Cache", "MB a request", 1e6),
}
_NOTHING: Final = 1e-9
_SEVERAL: Final = 2


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
        return formats.join([formats.lowered(w) for w in words])

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
    def equations(self) -> list[Range]:
        """Results of formulas behind what it takes as it is."""
        if self.found.aim == "cost" and self._books is not None:
            return self._books.equations
        return [Service(self.found.start).total(AIMS[self.found.aim])]

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
        return f"{formats.lowered(left[0].lever.words)} would save {saved} alone; {lost}"

    @property
    def sum_words(self) -> str:
        """What the levers that are worth it save alone in sum, against what they save together."""
        found = self.found
        if len(found.together) < _SEVERAL:
            return "No other adds enough to it."
        said = f"Each alone, they would save {formats.percent(found.saved_alone)} in sum"
        if found.only_together > _NOTHING:
            only = formats.percent(found.only_together)
            return f"{said}; {only} is saved only together: {self._helped_words}."
        if found.saved_twice > _NOTHING:
            return f"{said}: what one has saved no other can save again."
        return f"{said}, which is what they save together."

    @property
    def _helped_words(self) -> str:
        """Which lever gains by the others, and why."""
        helped = self.found.helped
        if helped is None:
            return "none saves it alone"
        name, alone, on_top = helped.lever.words, helped.alone, helped.on_top
        said = f"by {formats.lowered(name)} {formats.percent(alone)} is saved alone, "
        said += f"{formats.percent(on_top)} on top of those before it"
        if helped.idle_alone > helped.idle_on_top + _NOTHING:
            idle = [formats.percent(part) for part in (helped.idle_alone, helped.idle_on_top)]
            return (
                f"{said}, as accelerators come whole: alone {idle[0]} of them would be idle, "
                f"then {idle[1]}"
            )
        return f"{said}, as they leave it more to save"

    @property
    def small_words(self) -> str:
        """What was tried and saves too little."""
        small = [p for p in self.found.alone if self.found.verdict(p) == "not worth it here"]
        return formats.join([formats.lowered(p.lever.words) for p in small]) or "none"

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
        columns = [
            column("Lever", align="left"),
            column("Saves alone", "share"),
            *self._columns(),
            column("Accelerators"),
        ]
        found = self.found
        rows = [
            row("As it is", formats.MISSING, *self._figures(Service(found.start)), emphasis=True)
        ]
        rows += [self._row(pull) for pull in found.alone]
        rows += self._sums()
        if found.together:
            saved = formats.percent(found.saved)
            cells = ("All that is worth it", saved, *self._figures(found.service))
            rows.append(row(*cells, emphasis=True))
        return table_of(columns, rows)

    def _sums(self) -> list[dict[str, Any]]:
        """Rows that lead from what levers save alone to what they save together."""
        found = self.found
        if len(found.together) < _SEVERAL:
            return []
        parts = [("These alone, in sum", formats.percent(found.saved_alone))]
        if found.saved_twice > _NOTHING:
            parts.append(("Saved by more than one", f"−{formats.percent(found.saved_twice)}"))
        if found.only_together > _NOTHING:
            parts.append(("Only together", f"+{formats.percent(found.only_together)}"))
        blank = [formats.MISSING] * (len(_SHOWN) + 1)
        return [row(words, share, *blank) for words, share in parts]

    def _columns(self) -> list[dict[str, Any]]:
        currency = self._books.currency if self._books else "USD"
        return [column(head, unit.format(currency=currency)) for head, unit, _ in _SHOWN.values()]

    def steps(self) -> "Table | None":
        """Tabulate what each lever adds on top of those before it; None without any."""
        if not self.found.together:
            return None
        services = [Service(self.found.start), *(stage.service for stage in self.found.together)]
        values = [self._values(service) for service in services]
        rows = [row("As it is", *map(formats.number, values[0]), emphasis=True)]
        for stage, before, after in zip(self.found.together, values, values[1:], strict=False):
            moved = (now - then for now, then in zip(after, before, strict=True))
            rows.append(row(stage.lever.words, *map(_step, moved)))
        rows.append(row("All that is worth it", *map(formats.number, values[-1]), emphasis=True))
        return table_of([column("Step", align="left"), *self._columns()], rows)

    def _row(self, pull: Pull) -> dict[str, Any]:
        saved = formats.MISSING if math.isnan(pull.saved) else formats.percent(pull.saved)
        figures = (
            self._figures(pull.service) if pull.service else [formats.MISSING] * (len(_SHOWN) + 1)
        )
        return row(pull.lever.words, saved, *figures)

    def quality(self) -> Table:
        """Tabulate the verdict on each lever, and what it does to the quality of answers."""
        columns = text_columns("Lever", "Verdict", "Fields", "Loss of quality, and the evidence")
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

    def _values(self, service: Service) -> list[float]:
        """What `_SHOWN` names of a service, in the units of the tables."""
        per = self._books.cost.usd_per_currency.base if self._books else 1.0
        rates = {AIMS["cost"]: per}
        return [
            service.amount(path) / scale / rates.get(path, 1.0)
            for path, (_, _, scale) in _SHOWN.items()
        ]

    def _figures(self, service: Service) -> list[str]:
        shown = [formats.number(value) for value in self._values(service)]
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
    given = [f"{name} = {value}" for name, value in fields.items() if value is not None]
    return ", ".join([*given, *(f"no {name}" for name, v in fields.items() if v is None)])


def _step(moved: float) -> str:
    """A step with its sign; a dash where nothing moves."""
    return formats.signed(moved) if abs(moved) > _NOTHING else formats.MISSING

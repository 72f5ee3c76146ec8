"""Variants of a scenario side by side: what each changes, what comes out, what differs."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from llminfra import formats
from llminfra.errors import ImpossibleCombination, InvalidInput, MissingFact, unknown
from llminfra.explain.options import fault_of
from llminfra.facets import FACETS
from llminfra.facets.base import SIZING_CONFIDENCE
from llminfra.plan import Plan
from llminfra.present.blocks import Block
from llminfra.present.report import provenance
from llminfra.present.tables import Table, column, row, table_of
from llminfra.ranges import Range, exact

if TYPE_CHECKING:
    from llminfra.present.recipe import Chart

RESULTS: Final = (
    "cost.usd_per_month",
    "cost.usd_per_mtok_total",
    "capacity.accelerators",
    "memory.max_sequences",
    "serving.ttft_s",
    "serving.tpot_s",
    "energy.wh_per_request",
)
_WORDS: Final = {
    "cost.usd_per_month": "Cost of a month",
    "cost.usd_per_mtok_total": "Cost per million tokens",
    "capacity.accelerators": "Accelerators",
    "memory.max_sequences": "Requests held at once, by one group",
    "serving.ttft_s": "Time to first token",
    "serving.tpot_s": "Time per output token",
    "energy.wh_per_request": "Energy of an answer",
}
_ABREAST: Final = 5  # variants that a page is wide enough for
_ALIKE: Final = 0.01  # ends that differ by less are one


@dataclass(frozen=True)
class Shown:
    """One variant: its plan, or why there is none.

    Attributes
    ----------
    label : str
        What it is called.
    changes : str
        What sets it apart from the first, as ``field = value``.
    plan : Plan or None
        Its plan.
    reason : str
        Why it is not possible.
    """

    label: str
    changes: str
    plan: Plan | None
    reason: str = ""

    def result(self, path: str) -> Range | None:
        """Return a result as a range; None where a fact is missing or it has no end."""
        if self.plan is None:
            return None
        facet, _, name = path.partition(".")
        facets = [question.name for question in FACETS]
        if facet not in facets:
            raise unknown("facet", facet, facets)
        try:
            answer = getattr(self.plan, facet)
            if not hasattr(type(answer), name) and name not in vars(answer):
                raise unknown(f"result of {facet}", name, (n for n, _ in answer.items()))
            value = getattr(answer, name)
        except MissingFact:
            return None
        if isinstance(value, int | float):
            value = exact(float(value), name=name)
        return value if isinstance(value, Range) and math.isfinite(value.base) else None

    @property
    def fault(self) -> str:
        """Why it does not serve its load; nothing where it does."""
        return self.reason if self.plan is None else fault_of(self.plan)


@dataclass(frozen=True)
class Compared:
    """Variants of a plan's scenario, the first of which all others are held against.

    Parameters
    ----------
    plan : Plan
        Whose ledger notes what is read.
    variants : sequence of mapping
        Each with ``label``, ``fields`` and, where it is not possible, ``reason``.
    results : sequence of str
        Results as ``facet.quantity``; `RESULTS` if there are none.
    """

    plan: Plan
    variants: Sequence[Mapping[str, Any]]
    results: Sequence[str] = field(default=RESULTS)

    def __post_init__(self) -> None:
        object.__setattr__(self, "results", tuple(self.results) or RESULTS)

    @cached_property
    def rows(self) -> list[Shown]:
        """The variants, in the order of the file."""
        found = [self._shown(variant) for variant in self.variants]
        if not found:
            raise InvalidInput("variants must be one or more, got none; add [[variant]] tables")
        return found

    @property
    def possible(self) -> list[Shown]:
        """Those that have a plan."""
        return [one for one in self.rows if one.plan is not None]

    @property
    def serving(self) -> list[Shown]:
        """Those that serve their load by every rule."""
        return [one for one in self.possible if not one.fault]

    @property
    def drawn(self) -> str:
        """The result of the chart: the first that at least one variant has."""
        known = (p for p in self.results if any(one.result(p) is not None for one in self.rows))
        return next(known, self.results[0])

    @property
    def least(self) -> Shown | None:
        """Of those that serve their load, the one with the least of the drawn result."""
        found = [one for one in self.serving if one.result(self.drawn) is not None]
        return min(found, key=lambda one: _base(one.result(self.drawn)), default=None)

    def _shown(self, variant: Mapping[str, Any]) -> Shown:
        label, fields = str(variant["label"]), dict(variant.get("fields", {}))
        first = self.variants[0].get("fields", {})
        told = [f"{n} = {_value(v)}" for n, v in fields.items() if first.get(n) != v]
        changes = ", ".join(told) or ("as the first" if variant is not self.variants[0] else "")
        if variant.get("reason"):
            return Shown(label, changes, None, str(variant["reason"]))
        try:
            return Shown(label, changes, self.plan.variant(**fields))
        except ImpossibleCombination as error:
            return Shown(label, changes, None, str(error))

    # -- what the page shows -----------------------------------------------------------------------

    @property
    def table(self) -> Table:
        """What each variant changes, whether it serves the load, and each result.

        A few variants stand side by side; many stand below each other.
        """
        heads = ["What it changes", "Serves the load", *map(words_of, self.results)]
        cells = [[one.label, *self._cells(one)] for one in self.rows]
        if len(self.rows) > _ABREAST:
            columns = [column(name, align="left") for name in ("Variant", *heads[:2])]
            columns += [column(name) for name in heads[2:]]
            firsts = [one is self.rows[0] for one in self.rows]
            pairs = zip(cells, firsts, strict=True)
            return table_of(columns, [row(*line, emphasis=first) for line, first in pairs])
        labels, *lines = zip(*cells, strict=True)
        columns = [column("", align="left"), *(column(label, align="left") for label in labels)]
        return table_of(columns, [row(n, *li) for n, li in zip(heads, lines, strict=True)])

    def _cells(self, one: Shown) -> Iterator[str]:
        yield one.changes or formats.MISSING
        yield f"✗ {one.fault}" if one.fault else "✓ yes"
        for path in self.results:
            yield _cell(one.result(path), self.rows[0].result(path), one is self.rows[0])

    @property
    def chart(self) -> "Chart":
        """The first result of all variants, with their ranges, against the first variant."""
        from llminfra.present.comparison_charts import range_bars  # imports Altair

        found = [(one, one.result(self.drawn)) for one in self.rows]
        known = [(one, value) for one, value in found if value is not None]
        show = _show(known[0][1])
        return range_bars(
            [
                (one.label, value.low, value.base, value.high, show(value), not one.fault)
                for one, value in known
            ],
            title=words_of(self.drawn),
            unit=known[0][1].unit,
        )

    @property
    def has_chart(self) -> bool:
        """Whether any variant has the drawn result."""
        return any(one.result(self.drawn) is not None for one in self.rows)

    @property
    def headline(self) -> str:
        """The answer in a sentence."""
        count, n = formats.counted(len(self.rows), "variant"), len(self.serving)
        if self.least is None:
            return f"None of {count} serves its load by every rule."
        value = self.least.result(self.drawn)
        assert value is not None
        most = f"{words_of(self.drawn).lower()} {_show(value)(value)}"
        return f"{n} of {count} serve their load; “{self.least.label}” takes the least: {most}."

    def provenance(self) -> Block:
        """Tell how the page was made and how to make it again."""
        told = provenance(self.plan, "", [])
        command = f"llminfra render {self.plan.scenario.name}.lock.toml"
        return Block({**told.data, "command": command})


def words_of(path: str) -> str:
    """Name a result.

    Examples
    --------
    >>> words_of("serving.ttft_s"), words_of("memory.weight_bytes")
    ('Time to first token', 'Weight')
    """
    return _WORDS.get(path) or formats.words(path.partition(".")[2])


def _base(value: Range | None) -> float:
    return math.inf if value is None else float(value.base)


def _show(value: Range) -> Any:
    return formats.money if value.unit.startswith(("USD", "EUR")) else formats.by_unit(value.unit)


def _cell(value: Range | None, first: Range | None, is_first: bool) -> str:
    """Show a value, and how far it is from the first variant's."""
    if value is None:
        return formats.MISSING
    shown = str(_show(value)(value))
    return shown if is_first or first is None else f"{shown} {marked(value, first)}".rstrip()


def marked(value: Range, first: Range) -> str:
    """Mark how a value differs, if it does so in eight of ten cases.

    Examples
    --------
    >>> marked(exact(3.0), exact(2.0)), marked(exact(1.0), exact(2.0))
    ('▲ 50 % more', '▼ 50 % less')
    >>> marked(exact(2.0), exact(2.001))
    '≈'
    """
    if not first.base or abs(value.base - first.base) <= _ALIKE * abs(first.base):
        return "≈" if first.base or not value.base else "▲"
    more = float(value.base / first.base - 1)
    sure = (value - first).probability_at_least(0.0) if more > 0 else _below(value, first)
    if sure < SIZING_CONFIDENCE:
        return "≈"
    words = f"{abs(more):.0%}".replace("%", " %") if more < 2 else formats.times(more + 1)
    if more >= 2:
        return f"▲ {words}"
    return f"▲ {words} more" if more > 0 else f"▼ {words} less"


def _below(value: Range, first: Range) -> float:
    return float((first - value).probability_at_least(0.0))


def _value(value: Any) -> str:
    if value is None:
        return "not given"
    return "-".join(map(str, value)) if isinstance(value, list) else str(value)

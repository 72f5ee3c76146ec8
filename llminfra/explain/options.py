"""The plan to follow: what was asked, what else would do it, and which of these to buy or run.

Rows come from `search`, and each is confirmed by a plan of its own before it is offered.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from llminfra import formats
from llminfra.errors import InvalidInput, MissingFact
from llminfra.facets import SERVED
from llminfra.facets.base import SIZING_CONFIDENCE
from llminfra.facets.cost import Option as Way
from llminfra.facets.decision import LEAST_SAVING
from llminfra.facets.deployment.workers import APART
from llminfra.plan import COMPARISON, Plan
from llminfra.ranges import Range
from llminfra.search import RankedLayout, Search, search

if TYPE_CHECKING:
    import pandas as pd

ALONE: Final = "alone"
ASKED, SPLIT, SPARE = "As asked", "Split otherwise", "With a spare"
FEWEST, SMALLEST, CHEAPEST = "Fewest of these", "Smallest", "Cheapest cards"
FASTEST, AUTO = "Fastest", "replicas = auto"
_CLEARLY: Final = 0.8
_MOST_TRIED: Final = 4  # rows of the search that a plan may refuse before the kind is given up
_SAME: Final = ("accelerator", "tensor_parallel", "pipeline_parallel", "replicas")
_TOGETHER: Final = dict.fromkeys(("prefill_workers", "decode_workers", *APART))


@dataclass(frozen=True)
class Option:
    """A way to serve the load: its plan, and why it does not do, if it does not."""

    label: str
    plan: Plan
    fault: str

    @property
    def does(self) -> bool:
        """Whether it meets every rule."""
        return not self.fault

    @property
    def accelerators(self) -> int:
        """Accelerators of all groups."""
        return self.plan.capacity.accelerators

    @property
    def chip(self) -> str:
        """Name of the accelerator."""
        return self.plan.deployment.accelerator_name

    @property
    def groups(self) -> str:
        """How the accelerators are split: each group holds one copy of the model."""
        fleet, layout = self.plan.capacity, self.plan.deployment
        in_stages = self.plan.scenario.pipeline_parallel
        stages = f" in {in_stages} stages" if in_stages > 1 else ""
        each = layout.accelerators_per_replica
        spares = "one" if fleet.spares == 1 else f"{fleet.spares:,}"
        spare = f", {spares} of them spare" if fleet.spares else ""
        if fleet.replicas == 1:
            return ALONE if each == 1 else f"one group{stages}"
        return (
            f"{fleet.replicas:,} groups of {each}{stages}{spare}"
            if each > 1
            else (f"{fleet.replicas:,} copies, one on each{spare}")
        )

    @property
    def cards(self) -> str:
        """What is bought or run, in a few words."""
        return f"{self.accelerators:,} × {self.chip}"

    @property
    def words(self) -> str:
        """What is bought or run, and how it is split where there is a choice."""
        return self.cards if self.groups == ALONE else f"{self.cards} ({self.groups})"

    @property
    def user_tokens_per_s(self) -> float:
        """Speed for each user in the base case."""
        return float(self.plan.serving.user_tokens_per_s.base)

    @cached_property
    def price(self) -> Range | None:
        """Catalogue price of one accelerator, with its source and date, in USD."""
        facts, chip = self.plan.facts_read_by(COMPARISON), self.plan.resolved.accelerator
        return facts.number(chip, "price_usd") if facts.has(chip, "price_usd") else None

    @property
    def price_usd(self) -> float:
        """Price of all accelerators, without hosts; in USD; NaN where none is known."""
        return math.nan if self.price is None else float(self.price.base) * self.accelerators

    @property
    def price_as_of(self) -> str:
        """Date of the price."""
        return "" if self.price is None else str(getattr(self.price.origin, "as_of", ""))

    @cached_property
    def way(self) -> Way | None:
        """The way to run it that the cost report follows; None where none can be had."""
        try:
            return self.plan.cost.option
        except MissingFact:
            return None

    @property
    def usd_per_month(self) -> Range | None:
        """What a month costs all in, by that way."""
        return None if self.way is None else self.way.usd_per_month

    @property
    def dates(self) -> set[str]:
        """Dates of its prices."""
        month_as_of = "" if self.way is None else self.way.price_as_of
        return {date for date in (self.price_as_of, month_as_of) if date}


@dataclass(frozen=True)
class Options:
    """What was asked, first, and what else would do it."""

    rows: tuple[Option, ...]

    @property
    def asked(self) -> Option:
        """What the scenario asks for."""
        return self.rows[0]

    @cached_property
    def follow(self) -> Option | None:
        """What to buy or run: as asked if that does, else the same cards, else the cheapest."""
        asked, others = self.rows[0], [row for row in self.rows[1:] if row.label != AUTO]
        if asked.does:
            return asked
        same = next((row for row in others if row.label == SPLIT and row.does), None)
        return same or min((row for row in others if row.does), key=_cost, default=None)

    def cheaper(self, user_tokens_per_s: float = 0.0) -> Option | None:
        """Return what also does it for less money a month than the plan to follow, if anything.

        Parameters
        ----------
        user_tokens_per_s : float
            Least speed for a user, whether or not the scenario has a target.
        """
        follow = self.follow
        if follow is None or follow.usd_per_month is None:
            return None
        others = [r for r in self.rows if r.does and r is not follow]
        fast = [r for r in others if r.user_tokens_per_s >= user_tokens_per_s]
        found = [row for row in fast if _costs_less(row, follow.usd_per_month)]
        return min(found, key=_cost, default=None)

    def fewer(self, user_tokens_per_s: float = 0.0) -> Option | None:
        """Return fewer of the same accelerators that do it, at such a speed; None where none do."""
        found = (row for row in self.rows if row.label == FEWEST and row.does)
        return next((r for r in found if r.user_tokens_per_s >= user_tokens_per_s), None)

    @property
    def price_dates(self) -> str:
        """Oldest and newest date of the prices here."""
        dates = sorted(set[str]().union(*(row.dates for row in self.rows)))
        first, last = (formats.month(date) for date in (dates[0], dates[-1])) if dates else ("", "")
        return last if first == last else first if last.endswith(first) else f"{first} to {last}"


def options(plan: Plan) -> Options:
    """Return what was asked and what else would carry the same load.

    Examples
    --------
    >>> from llminfra import Scenario, evaluate
    >>> found = options(evaluate(Scenario(tensor_parallel=8, in_flight=100)))
    >>> found.asked.does, found.follow.cards, found.follow.groups
    (False, '8 × A100 80 GB', '2 groups of 4')
    """
    rows = [Option(ASKED, plan, fault_of(plan))]
    for label, tried in _tried(plan):
        rows += _confirmed(label, plan, tried, rows)
    follow = Options(tuple(rows)).follow
    if follow is not None and not follow.plan.capacity.spares:
        spare = _confirmed(SPARE, plan, [_with_one_more(follow.plan)], rows)
        after = 1 + rows.index(follow)
        rows = [*rows[:after], *spare, *rows[after:]]
    if plan.scenario.replicas != "auto":
        rows += _confirmed(AUTO, plan, [{"replicas": "auto"}], rows, must=False)
    return Options(tuple(rows))


def _with_one_more(plan: Plan) -> dict[str, Any]:
    fleet = plan.capacity
    return _given(plan) | {"replicas": max(fleet.replicas_needed or 1, fleet.replicas) + 1}


def _tried(plan: Plan) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield kinds of options, each with the rows of the search that are best of their kind."""
    chip, most = plan.resolved.accelerator, plan.capacity.accelerators
    # Other cards are named where their speed was measured or their price is quoted, if any is.
    quoted = [price.accelerator for price in plan.scenario.own_prices()]
    found, meets = _searched(plan, [chip, *quoted])
    if not (meets["is_measured"] | meets["accelerator"].isin(quoted)).any():
        found, meets = _searched(plan)
    own = meets[meets["accelerator"] == chip]
    same = own[own["accelerators"] == most]
    fast = meets[meets["accelerators"] <= most]
    kinds = {
        SPLIT: same.sort_values("user_tokens_per_s", ascending=False),
        FEWEST: own[own["accelerators"] < most],
        SMALLEST: meets,
        CHEAPEST: meets.sort_values("price_usd", kind="stable"),
        FASTEST: fast.sort_values("user_tokens_per_s", ascending=False, kind="stable"),
    }
    for label, rows in kinds.items():
        yield label, [_fields(found.row(i)) for i in rows.index[:_MOST_TRIED]]


def _searched(
    plan: Plan, measured_beside: Sequence[str] | None = None
) -> tuple[Search, "pd.DataFrame"]:
    """Return a search, and its rows that meet everything."""
    found = search(plan, measured_beside=measured_beside)
    table = found.table()
    return found, table[table["meets_targets"]]


def _fields(row: RankedLayout) -> dict[str, Any]:
    return _TOGETHER | row.fields


def _confirmed(
    label: str,
    plan: Plan,
    tried: list[dict[str, Any]],
    known: list[Option],
    *,
    must: bool = True,
) -> list[Option]:
    """Return the first row that its own plan confirms, if `must`, unless it is known."""
    for fields in tried:
        try:
            changed = plan.variant(**fields)
            found = Option(label, changed, fault_of(changed))
        except (InvalidInput, MissingFact):
            continue
        if any(_given(row.plan) == _given(changed) for row in known):
            return []
        if found.does or not must:
            return [found]
    return []


def _given(plan: Plan) -> dict[str, Any]:
    fields = plan.resolved.to_dict() | {"replicas": plan.capacity.replicas}
    return {name: fields[name] for name in (*_SAME, *_TOGETHER, "precision")}


def _cost(row: Option) -> tuple[float, float, int]:
    """All-in month, then the price of the accelerators; what is not known comes last."""
    month = math.nan if row.usd_per_month is None else row.usd_per_month.base
    month, price = (math.inf if math.isnan(usd) else usd for usd in (month, row.price_usd))
    return month, price, row.accelerators


def _costs_less(row: Option, usd_per_month: Range) -> bool:
    """Whether a month costs clearly less, in eight of ten cases: only then is it called cheaper."""
    own = row.usd_per_month
    return (
        own is not None and usd_per_month.probability_at_least(own / (1 - LEAST_SAVING)) >= _CLEARLY
    )


def meets_every_rule(plan: Plan) -> bool:
    """Whether a plan carries its load within every target, with the room that is asked for."""
    return not fault_of(plan)


def fault_of(plan: Plan) -> str:
    """Say why a plan does not meet every rule; nothing where it does."""
    try:
        return next(_faults(plan), "")
    except MissingFact as error:
        return f"not known: {error}"


def _faults(plan: Plan) -> Iterator[str]:
    memory, fleet = plan.memory, plan.capacity
    if not memory.fits:
        short = memory.request_shortfall_bytes_per_accelerator
        is_short = short.base > 0
        yield f"does not fit: {formats.gb(short)} short" if is_short else _DOES_NOT_START
    if fleet.load_probability < SIZING_CONFIDENCE:
        held, load = (
            formats.count(memory.max_sequences),
            formats.count(fleet.in_flight_per_replica),
        )
        yield f"memory of a group holds {held} requests, {load} are at work"
    if plan.demand.is_open and fleet.utilization >= 1:
        yield f"{formats.percent(fleet.utilization)} of what it can answer arrives: the queue grows"
    needed = fleet.replicas_needed
    if needed is None:
        yield "no number of groups carries the load"
    elif fleet.replicas < needed:
        yield from _too_few(plan, needed)
    found = plan.problems_of(*SERVED, is_advised=False)
    yield from (p.message for p in found if p.is_error and p.code not in _SAID)


_DOES_NOT_START: Final = "does not start: its cache holds no context of the greatest length"
_SAID: Final = ("E-FIT", "E-LOAD", "E-UNSTABLE", "E-LEN")


def _too_few(plan: Plan, needed: int) -> Iterator[str]:
    """Name the rule that is broken: load, target, or the room that both are to leave."""
    fleet, target = plan.capacity, plan.scenario.target_utilization
    if 1 - fleet.utilization.probability_at_least(target) < SIZING_CONFIDENCE:
        busy, most = formats.percent(fleet.utilization), formats.percent(target)
        yield f"{busy} busy at the peak; above {most} answers begin to queue"
    yield from _late(plan)
    yield f"less than {formats.percent(1 - target)} room below its limit; {needed} groups leave it"


def _late(plan: Plan) -> Iterator[str]:
    """Say in how many of a hundred cases a target is missed, where that is too often."""
    serving, asked = plan.serving, plan.scenario.to_dict()
    for name, words in _GOALS.items():
        target = asked[f"{name}_target_s"]
        if target is None:
            continue
        late = getattr(serving, f"{name}_s").probability_at_least(target)
        if late > 1 - SIZING_CONFIDENCE:
            yield f"misses {words(target)} in {math.ceil(100 * late)} of 100 cases"


_GOALS: Final[dict[str, Callable[[float], str]]] = {
    "tpot": lambda s: f"{formats.number(1 / s)} tokens a second",
    "ttft": lambda s: f"a first token within {formats.seconds(s)}",
    "e2e": lambda s: f"a whole answer within {formats.seconds(s)}",
}

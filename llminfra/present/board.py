"""What the board's page shows: the answer in words, one row an option, and what would turn it."""

import datetime as dt
import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from llminfra import formats
from llminfra.explain.options import options
from llminfra.facets.build_vs_api import Flip
from llminfra.facets.compliance import UNKNOWN, Compliance
from llminfra.facets.cost import SELF_RUN, Option
from llminfra.facets.decision import CRITERIA, LEAST_SAVING, PART, Decision, group_of
from llminfra.present.board_words import (
    BOUGHT,
    CRITERION,
    LEFT_OUT,
    MONDAY,
    machines_words,
    only_if_words,
    or_missing,
    posts_words,
    score_words,
    span_words,
)
from llminfra.present.costs import PART_WORDS, Money
from llminfra.present.gates import short_banner
from llminfra.present.prose import FORMATS
from llminfra.present.tables import Table, column, number_columns, row, table_of, text_columns
from llminfra.present.turns import NEVER, is_out_of_reach, turns_words
from llminfra.present.versus import Versus
from llminfra.ranges import Range

if TYPE_CHECKING:
    import pandas as pd

    from llminfra.plan import Plan

_SAME_MODEL, _FRONTIER = "api_same_model", "api_frontier"
# So sure that one way may be called the cheaper one.
_SURE: Final = 0.8
_KILO: Final = 1e3


@dataclass(frozen=True)
class Board:
    """The decision of a plan in the currency of its scenario.

    Attributes
    ----------
    plan : Plan
        Whose decision is shown.
    """

    plan: "Plan"

    @property
    def decision(self) -> Decision:
        """The decision, in USD."""
        return self.plan.decision

    @property
    def gates(self) -> Compliance:
        """The gates."""
        return self.plan.compliance

    @cached_property
    def money(self) -> Money:
        """Amounts in the currency of the report."""
        return Money(self.plan)

    # -- the answer ----------------------------------------------------------------------------

    @property
    def case(self) -> str:
        """Which answer the page gives."""
        found = self.decision
        if found.recommendation == "none open":
            return "none open"
        if found.chosen_option is None:
            return "nothing to be had"
        if found.recommendation in ("wait", "hybrid"):
            return found.recommendation
        if found.is_asked:
            return "asked" if found.option == self.plan.cost.hosting else "asked in vain"
        if found.runner_up is None:
            return "one way"
        is_sure = (found.probability or 0.0) >= _SURE and (found.margin_fraction or 0.0) > 0
        return "clear" if is_sure else "about equal"

    @property
    def doing(self) -> str:
        """What to do, in the imperative."""
        return self.money.doing(self.decision.chosen_option)

    @property
    def monday(self) -> str:
        """What to do on Monday."""
        first = "" if self.gates.is_known else "say which data it is about, and have that cleared; "
        words = MONDAY[self.decision.recommendation]
        return first + words.format(machines=machines_words(self.plan, self.said))

    @property
    def only_if(self) -> str:
        """The conditions of the option, the first few by name; or that nobody asked."""
        return only_if_words(self.gates, self.decision.option)

    @property
    def against(self) -> str:
        """How the month stands to the runner-up's."""
        option, other = self.decision.chosen_option, self.decision.runner_up
        if option is None or other is None:
            return "no other way is open"
        month = self.said(other.usd_per_month)
        is_other = group_of(option.name) != group_of(other.name)
        kind = "the next of another kind" if is_other else "the next"
        margin = self.decision.margin_fraction or 0.0
        near, part = abs(margin) < LEAST_SAVING, formats.percent(abs(margin))
        less = f"; this costs {part} more" if margin < 0 else f", of which this saves {part}"
        equal = ", about as much, so that more than money may decide" if near else less
        dearer = self._frontier()
        return f"{kind}, {self.money.in_words(other)}: {month} a month{equal}{dearer}"

    def _frontier(self) -> str:
        """Name what a better model by the token costs, where tokens are bought and it is left."""
        option, other = self.decision.chosen_option, self.decision.runner_up
        named = {found.name for found in (option, other) if found is not None}
        left = {found.name: found for found in self.decision.candidates}
        frontier = left.get(_FRONTIER)
        if frontier is None or _FRONTIER in named or not named & {_SAME_MODEL}:
            return ""
        return f"; {self.money.in_words(frontier)}: {self.said(frontier.usd_per_month)}"

    @property
    def undecided(self) -> str:
        """Why one waits."""
        if self.decision.is_month_against_years:
            return "this month and the years to come disagree"
        return "no way has the best present value in half of the cases"

    @property
    def ways_left(self) -> str:
        """What the option is the cheapest of."""
        left = formats.counted(len(self.decision.candidates), "way")
        return f"the {left} left" if self.gates.is_known else f"{left} that can be had"

    @property
    def rivals(self) -> str:
        """Whom the option is held against over the years."""
        kinds = {group_of(option.name) for option in self.decision.candidates}
        return "of all kinds" if len(kinds) > 1 else "of the ways left"

    def said(self, usd: Range) -> str:
        """Show an amount inside a sentence."""
        return str(FORMATS["money"](self.money.of(usd)))

    @property
    def gate_claim(self) -> str:
        """How many ways are left, and how many a gate has closed."""
        left = formats.counted(len(self.decision.candidates), "way")
        if not self.gates.is_known:
            return f"{left} on offer; whether the data may go there is not checked"
        closed = len(self.gates.blocked)
        return f"{left} left, {closed or 'none'} blocked by a gate"

    @property
    def removed(self) -> str:
        """How many ways each step leaves out."""
        steps = [
            f"{len(stage.removed)} {LEFT_OUT[stage.name]}"
            for stage in self.decision.stages
            if stage.removed
        ]
        every = formats.counted(len(self.plan.cost.options), "way")
        return f"of {every}, {formats.join(steps) or 'none is left out'}"

    # -- what would turn it --------------------------------------------------------------------

    def turn_words(self, turn: Flip) -> tuple[str, str, str, str]:
        """Return a threshold in the reader's units: what, now, where it turns, and how far."""
        part = turn.name.removesuffix(PART)
        if part == turn.name:
            return Versus(self.plan).flip_words(turn)
        option = self.plan.cost[turn.words]
        words = f"{PART_WORDS[part].lower()} of {self.money.in_words(option)}"
        now, then = (f"{self.money.show(x)} a month" for x in (turn.value, turn.threshold))
        far = f"{formats.times(turn.ratio)} as now" if math.isfinite(turn.ratio) else "from nothing"
        return words, now, then, f"{NEVER}: {far}" if is_out_of_reach(turn) else far

    @property
    def first_fix(self) -> str:
        """What to settle first where nothing can be recommended."""
        found = options(self.plan).follow if self.plan.cost.obstacle else None
        if found is not None:
            return f"put {found.words} into the scenario, which does carry the load"
        fixes = [fix for problem in self.plan.problems for fix in problem.fixes]
        return fixes[0] if fixes else "state what is missing"

    @property
    def turns(self) -> str:
        """Both thresholds in one phrase, as what follows "it turns"."""
        told = []
        for turn in self.decision.flips:
            words, now, then, far = self.turn_words(turn)
            amount = now.partition(" per ")[0].partition(" a month")[0]
            is_ratio = now.startswith("1×")  # of today's price
            beside = "" if is_ratio else f" (now {amount})"
            told.append(
                (turn, f"{words} at {far.replace(f'{NEVER}: ', '') if is_ratio else then}{beside}")
            )
        return turns_words(told, len(told))

    def turns_table(self) -> Table:
        """Tabulate the thresholds that would turn it, and the day of the next look."""
        heads = [
            column("What changes", align="left"),
            *number_columns("Now", "It turns at"),
            column("That is", align="left"),
        ]
        rows = [row(*self.turn_words(turn)) for turn in self.decision.flips]
        today, day = self.plan.scenario.as_of, self.decision.look_again_on
        rows.append(row("review", formats.date(today), formats.date(day), self._why_then(day)))
        return table_of(heads, rows)

    def _why_then(self, day: dt.date) -> str:
        due = [gate for gate in self.gates.upcoming if gate.from_date == day]
        if due:
            return f"from then on {formats.counted(len(due), 'more requirement')} applies"
        return f"{formats.counted(self.plan.scenario.review_months, 'month')} from now"

    # -- options -------------------------------------------------------------------------------

    def rows(self) -> "pd.DataFrame":
        """Return rows for `way_bars`: those left by their month, then those that are blocked."""
        import pandas as pd  # heavy, and only charts need it

        rows: list[dict[str, Any]] = []
        for option in self.decision.candidates:
            month = self.money.of(option.usd_per_month)
            kind = "own" if option.name in SELF_RUN else "api"
            ends = {"low": month.low, "base": month.base, "high": month.high}
            shown = f"{formats.money(month)} ({formats.band(month, formats.money)})"
            seller = "" if option.name in BOUGHT else self.money.seller(option)
            shown += f", {seller}" if seller else ""
            rows.append({"label": option.label, "kind": kind, "shown": shown} | ends)
        closed: dict[str, list[str]] = {}
        for name in self.gates.blocked:
            closed.setdefault(self._blockers(name), []).append(self.plan.cost[name].label)
        for blockers, labels in closed.items():
            nothing = dict.fromkeys(("low", "base", "high"), 0.0)
            label = labels[0] if len(labels) == 1 else f"{len(labels)} other ways"
            shown = f"✗ blocked by {blockers}"
            rows.append({"label": label, "kind": "free", "shown": shown} | nothing)
        return pd.DataFrame(rows)

    def _blockers(self, option: str) -> str:
        """The first requirement that closes a way, with its reason, and how many more do."""
        first, *more = [gate.requirement for gate in self.gates.of(option) if gate.blocks]
        rest = f", and {len(more)} more" if more else ""
        return f"{first.id}: {first.because}{rest}"

    @property
    def gate_key(self) -> str:
        """What the requirements that close a way are, each with its law or policy."""
        closing = [g for name in self.gates.blocked for g in self.gates.of(name) if g.blocks]
        named = {g.requirement.id: f"{g.requirement.name.lower()} ({g.article})" for g in closing}
        return "".join(f" {name}: {words}." for name, words in named.items())

    def options_table(self) -> Table:
        """Tabulate every option: money, latency, availability, carbon, gates, effort, exit."""
        heads = [
            column("Option", align="left"),
            column("A month", f"k {self.money.currency}"),
            column("M tokens", self.money.currency),
            column("First token", "95 of 100"),
            column("Up"),
            column("CO₂e", "t a year"),
            column("Gates", align="left"),
            column("Effort", "posts, weeks", align="left"),
            column("Exit", f"k {self.money.currency}"),
        ]
        return table_of(heads, [self._option(option) for option in self.plan.cost.options])

    def _option(self, option: Option) -> Any:
        left = option in self.decision.candidates
        kind = self.gates.kind_of(option.name)
        posts = posts_words(option) if option.feasible else span_words(kind.posts)
        effort = f"{posts}, {span_words(kind.lead_weeks)}"
        amounts = [formats.MISSING] * 3
        if option.feasible:
            found = (
                option.usd_per_month / _KILO,
                option.usd_per_mtok_total,
                self.decision.exit(option).usd / _KILO,
            )
            amounts = [formats.number(self.money.of(usd)) for usd in found]
        promised = (
            or_missing(self.decision.ttft_percentile_s(option.name), formats.seconds),
            or_missing(self.decision.availability(option.name), formats.nines),
            or_missing(self.decision.tonnes_per_year(option.name), formats.number),
        )
        return row(
            option.label,
            *amounts[:2],
            *(promised if left else [formats.MISSING] * 3),
            self.gate_words(option),
            effort,
            amounts[2],
            emphasis=option.name == self.decision.option,
        )

    def gate_words(self, option: Option) -> str:
        """How an option stands at the gates, by symbol and word."""
        if option.name in self.gates.blocked:
            closing = [g.requirement.id for g in self.gates.of(option.name) if g.blocks]
            return f"✗ blocked by {formats.join(closing)}"
        if not option.is_allowed:
            return "✗ not among allowed_options"
        if not option.feasible:
            return "– cannot be had"
        number = len(self.gates.conditions_of(option.name))
        if unsettled := self.gates.unsettled(option.name):
            return f"? {formats.join(unsettled)} hang on the contract"
        if number:
            return f"○ on {formats.counted(number, 'condition')}"
        return "? not known" if self.gates.status(option.name) == UNKNOWN else "✓ passes"

    def stages_table(self) -> Table:
        """Tabulate the steps: question, what is left, what was removed and why."""
        heads = [
            *text_columns("Step", "Question"),
            column("Left"),
            column("Removed and why, or found", align="left"),
        ]
        rows = [
            row(stage.name, stage.question, str(len(stage.left)), self._why(stage.removed) or "–")
            for stage in self.decision.stages
        ]
        found = self.decision
        option = found.chosen_option
        if option is not None:
            month = formats.money(self.money.of(option.usd_per_month))
            rows.append(row("Money", "What costs least?", "1", f"{option.label}, {month} a month"))
            tonnes = or_missing(found.tonnes_per_year(option.name), formats.number)
            said = f"{tonnes} t CO₂e a year" if tonnes != formats.MISSING else "not published"
            rows.append(row("Energy", "What does it emit?", "1", said))
            rows.append(row("Risk", "How sure, and what turns it?", "1", self.turns))
        return table_of(heads, rows)

    def _why(self, removed: Any) -> str:
        by_reason: dict[str, list[str]] = {}
        for name, reason in removed.items():
            by_reason.setdefault(reason, []).append(self.plan.cost[name].label)
        return "; ".join(f"{formats.join(names)}: {why}" for why, names in by_reason.items())

    def score_table(self) -> Table:
        """Tabulate what is not in money, from 0 to 1, with its weights."""
        heads = [column("Option", align="left")]
        weights = self.decision.weights
        heads += [column(CRITERION[c], f"weight {weights[c]:.0%}") for c in CRITERIA]
        heads.append(column("Score"))
        rows = [
            row(
                self.plan.cost[score.option].label,
                *(f"{score.points[c]:.2f}" for c in CRITERIA),
                f"{score.total:.2f}",
                emphasis=score.option == self.decision.option,
            )
            for score in self.decision.scores
        ]
        return table_of(heads, rows)

    @property
    def score_words(self) -> str:
        """Who leads by the score, and whether a single criterion would change that."""
        return score_words(self.decision, lambda name: self.money.in_words(self.plan.cost[name]))

    @property
    def banner(self) -> str:
        """What every page with gates says, in one line."""
        return short_banner(self.gates)

"""What the compliance report shows: what is open, on which conditions, from when, by whose word."""

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from llminfra import formats
from llminfra.catalog import api_prices
from llminfra.catalog.loader import ids
from llminfra.catalog.rules import Instrument
from llminfra.facets.compliance import BLOCKED, PASSES, UNKNOWN, Compliance, Duty
from llminfra.facets.cost import LABELS
from llminfra.present.tables import Table, column, row, table_of, text_columns

if TYPE_CHECKING:
    import pandas as pd

    from llminfra.plan import Plan

_STATUS: Final = {BLOCKED: "✗ blocked", PASSES: "✓ passes the modelled gates", UNKNOWN: "? unknown"}
# Heads of the matrix, which stand at a slope.
_SHORT: Final = {
    "owned": "In house",
    "colocated": "Rented rack",
    "reserved_1y": "A year",
    "reserved_3y": "Three years",
    "on_demand": "On demand",
    "monthly": "By the month",
    "spot": "Spot",
    "serverless": "Serverless",
    "dedicated_endpoint": "Endpoint",
    "provisioned": "Units",
    "api_same_model": "API",
    "api_frontier": "Frontier",
}
_NAMED: Final = 3
_REPRINT: Final = "reprint"
_TERM: Final = "api-"
_PROCESSES: Final = {
    "yes": "✓ yes",
    "option": "○ as an option",
    "no": "✗ no",
    "unknown": "? not known",
}


@dataclass(frozen=True)
class Gates:
    """The gates of a plan in words and tables.

    Attributes
    ----------
    plan : Plan
        Whose gates are shown.
    """

    plan: "Plan"

    @property
    def found(self) -> Compliance:
        """The result of the facet."""
        return self.plan.compliance

    @property
    def case(self) -> str:
        """Which answer the page gives."""
        if not self.found.is_known:
            return "not known"
        allowed = self.plan.scenario.allowed_options or list(self.found.gates)
        if all(option in self.found.blocked for option in allowed):
            return "none open"
        return "some blocked" if self.found.blocked else "all open"

    # -- words ---------------------------------------------------------------------------------

    def named(self, options: list[str], most: int = 4) -> str:
        """Name options in a sentence, the first few."""
        labels = [_inside(LABELS[name]) for name in options[:most]]
        more = len(options) - len(labels)
        return formats.join([*labels, f"{more} more"] if more > 0 else labels)

    @property
    def blocked_words(self) -> str:
        """Why options are blocked, each reason once."""
        return "; ".join(dict.fromkeys(self.found.blocked.values()))

    @property
    def first_duties(self) -> str:
        """The first conditions of what is open, those of most ways first, by id and owner."""
        duties = sorted(self.found.conditions, key=lambda duty: -len(duty.options))[:3]
        return formats.join([f"{d.id} ({d.rule.owner})" for d in duties]) or "none is known"

    @property
    def asked_words(self) -> str:
        """Fields of the profile that nobody filled."""
        return formats.join([f"`{name}`" for name in self.found.unknown])

    @property
    def unknown_words(self) -> str:
        """How many fields of the profile nobody filled, and the first of them."""
        fields = list(self.found.unknown)
        more = len(fields) - _NAMED
        named = formats.join([*fields[:_NAMED], *([f"{more} more"] if more > 0 else [])])
        return f"{formats.counted(len(fields), 'field')} of the profile{named and f', {named}'}"

    @property
    def relaxations(self) -> str:
        """The smallest changes, from the problem that tells them."""
        found = [p for p in self.plan.problems_of("compliance") if p.code == "E-GATE"]
        return "; ".join(fix for problem in found for fix in problem.fixes)

    @property
    def next_words(self) -> str:
        """What applies next, and when."""
        due = self.found.next_due
        if due is None:
            return "nothing more is dated"
        return f"{formats.date(due.date)}: {due.applies} ({due.article})"

    @property
    def prepare_words(self) -> str:
        """What does not apply yet and is to be prepared."""
        coming = self.found.upcoming
        if not coming or coming[0].from_date is None:
            return "nothing waits for a later day"
        names = formats.join([gate.requirement.id for gate in coming])
        return f"{names} are not yet applicable, prepare: from {formats.date(coming[0].from_date)}"

    # -- matrix and days -----------------------------------------------------------------------

    @cached_property
    def asked(self) -> list[str]:
        """Requirements that the profile triggers, in their order."""
        codes = self.found.gates
        return [
            name
            for name in self.found.rules.requirements
            if any(codes[option][name] in "GCX" for option in codes)
        ]

    def rows(self) -> "pd.DataFrame":
        """Return rows for `gate_grid`: requirements that the profile triggers, by option."""
        import pandas as pd  # heavy, and only charts need it

        rules = self.found.rules.requirements
        rows = [
            {
                "option": _SHORT[option],
                "requirement": f"{name} {rules[name].name}",
                "code": codes[name],
            }
            for name in self.asked
            for option, codes in self.found.gates.items()
        ]
        return pd.DataFrame(rows, columns=["option", "requirement", "code"])

    def days(self) -> "pd.DataFrame":
        """Return rows for `due_line`."""
        import pandas as pd  # heavy, and only charts need it

        today = self.plan.scenario.as_of
        rows = [
            {
                "date": due.date.isoformat(),
                "words": f"{formats.date(due.date)}  {_short(due.applies)}",
                "short": formats.date(due.date),
                "later": due.date > today,
            }
            for due in self.found.rules.calendar
        ]
        return pd.DataFrame(rows)

    @property
    def n_later(self) -> int:
        """Days of the calendar after the date of the report."""
        return sum(due.date > self.plan.scenario.as_of for due in self.found.rules.calendar)

    # -- tables --------------------------------------------------------------------------------

    def options_table(self) -> Table:
        """Tabulate how each option stands, by symbol and word, and what is not known of it."""
        heads = [*text_columns("Option", "Counts as", "Stands", "Because"), column("Not known")]
        return table_of(heads, [self._option(name) for name in self.found.gates])

    def _option(self, name: str) -> dict[str, object]:
        status, kind = self.found.status(name), self.found.kind_of(name)
        duties = self.found.conditions_of(name)
        said = _STATUS.get(status, f"○ open on {formats.counted(len(duties), 'condition')}")
        closed = [g.requirement for g in self.found.of(name) if g.blocks]
        why = "; ".join(f"{rule.id}: {rule.because}" for rule in closed)
        why = why or formats.join([duty.id for duty in duties]) or "–"
        return row(LABELS[name], kind.name, said, why, str(self.found.n_unknown(name)))

    def duties_table(self, option: str = "") -> Table | None:
        """Tabulate the conditions of what is open, or of one option: a checklist; None if none."""
        heads = text_columns("", "Condition", "Owner", "Evidence", "Asked by", "Cost")
        rows = [
            row(
                f"☐ {duty.id}",
                self._condition(duty),
                duty.rule.owner,
                duty.rule.evidence,
                " ".join(duty.requirements),
                self._cost(duty.usd, duty.rule.cost_part, duty.rule.is_counted),
            )
            for duty in (self.found.conditions_of(option) if option else self.found.conditions)
        ]
        return table_of(heads, rows) if rows else None

    def _condition(self, duty: Duty) -> str:
        stated = formats.join(list(duty.helped_by))
        return f"{duty.rule.condition}; stated: {stated}" if stated else duty.rule.condition

    def _cost(self, usd: float | None, part: str, is_counted: bool) -> str:
        if usd is not None:
            return f"{formats.money(usd, 'USD')} once, in setup"
        if is_counted:
            return f"in {part}"
        return "not priced" if part else "none"

    def coming_table(self) -> Table | None:
        """Tabulate what applies to this use from a later day; None where nothing does."""
        heads = [
            *text_columns("Requirement", "Asks"),
            column("From"),
            column("Source", align="left"),
        ]
        rows = [
            row(
                f"{gate.requirement.id} {gate.requirement.name}",
                gate.requirement.question,
                formats.date(gate.from_date) if gate.from_date else "–",
                gate.article,
            )
            for gate in self.found.upcoming
        ]
        return table_of(heads, rows) if rows else None

    def corrections_table(self) -> Table:
        """Tabulate common statements beside what the rules say of their options."""
        heads = text_columns("Often said", "In the rules", "Print instead")
        rows = [
            row(c.statement, self._counted(c.requirement), c.correction)
            for c in self.found.rules.corrections
        ]
        return table_of(heads, rows)

    def _counted(self, requirement: str) -> str:
        """How many kinds of operation a requirement opens, opens on conditions and blocks."""
        words = {"G": "met", "C": "on conditions", "X": "blocked"}
        kinds = [kind for kind in self.found.rules.options if kind.startswith("O")]
        codes = [self.found.rules.ratings[requirement, kind].code for kind in kinds]
        told = [f"{codes.count(code)} {word}" for code, word in words.items() if code in codes]
        return f"{requirement}: {', '.join(told)} of {len(kinds)} kinds"

    def instruments_table(self) -> Table:
        """Tabulate laws and standards: status, and how far each was checked."""
        heads = [
            *text_columns("Instrument", "Reference", "Status"),
            column("Checked"),
            column("With", align="left"),
        ]
        rows = [
            row(i.name, i.reference, i.status, formats.date(_day(i.last_verified)), _checked(i))
            for i in self.found.rules.instruments.values()
        ]
        return table_of(heads, rows)

    def sellers_table(self) -> Table:
        """Tabulate where sellers of tokens process text, and who they are."""
        facts = self.plan.facts_read_by("cost")
        heads = [*text_columns("Seller", "Processes in the EU", "Seat"), column("Surcharge")]
        rows = []
        for entity in ids("api_term"):
            if not facts.has(entity, "eu_processing"):
                continue
            terms = api_prices.terms(facts, entity.removeprefix(_TERM))
            ratio = terms.eu_surcharge_ratio.base
            extra = formats.percent(ratio - 1) if ratio > 1 else "–"
            seller = entity.removeprefix(_TERM)
            rows.append(row(seller, _PROCESSES[terms.eu_processing], terms.operator_seat, extra))
        return table_of(heads, rows)


def banner(gates: Compliance) -> str:
    """Say what the gates are, and of when."""
    day = formats.date(dt.date.fromisoformat(gates.rules.dated))
    return (
        f"Decision support, not legal advice. Rule set of {day}: verify against the official texts "
        "and with your data protection officer or counsel."
    )


def short_banner(gates: Compliance) -> str:
    """Say the same in one line."""
    day = formats.date(dt.date.fromisoformat(gates.rules.dated))
    return f"Decision support, not legal advice; rule set of {day}."


def _checked(instrument: Instrument) -> str:
    """How far an instrument was checked: of a reprint, which articles alone were read."""
    if instrument.verification != _REPRINT:
        return instrument.verification
    return f"secondary; {instrument.checked_with.partition(':')[0]} in a reprint"


def _day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def _short(words: str) -> str:
    return words.partition(";")[0]


def _inside(label: str) -> str:
    return label if label[1:2].isupper() else f"{label[:1].lower()}{label[1:]}"

"""What is open, on which conditions, and what is blocked by which requirement."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Final

from llminfra.catalog.rules import Due, GateOption, RuleCondition, RuleSet
from llminfra.facets.base import Result
from llminfra.facets.compliance.gates import UNKNOWN, Gate, all_gates, contract_of
from llminfra.facets.compliance.inputs import CONTRACT, PROFILE, Inputs

BLOCKED: Final = "blocked"
CONDITIONAL: Final = "open on conditions"
_SELLERS: Final = ("seller", "cloud")
PASSES: Final = "passes the modelled gates"


@dataclass(frozen=True, slots=True)
class Duty:
    """A condition with those who ask for it, and what it costs where that was said.

    Attributes
    ----------
    requirements, options : tuple of str
        Who asks for it, and where.
    usd : float or None
        Cost of meeting it, once; None where nobody said.
    helped_by : tuple of str
        What the profile says that helps to meet it.
    """

    rule: RuleCondition
    requirements: tuple[str, ...]
    options: tuple[str, ...]
    usd: float | None
    helped_by: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Its id, such as C5."""
        return self.rule.id

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain data."""
        return {
            "id": self.id,
            "condition": self.rule.condition,
            "owner": self.rule.owner,
            "evidence": self.rule.evidence,
            "requirements": list(self.requirements),
            "options": list(self.options),
            "cost_part": self.rule.cost_part,
            "usd": self.usd,
        }


@dataclass(frozen=True)
class Compliance(Result):
    """Gates before money: decision support, no legal advice."""

    headline: ClassVar[tuple[str, ...]] = ("summary",)

    _gates: dict[str, dict[str, Gate]] = field(repr=False, compare=False)
    rules: RuleSet = field(repr=False, compare=False)
    _inputs: Inputs = field(repr=False, compare=False)

    def items(self) -> Iterator[tuple[str, Any]]:
        """Yield what is open and blocked, the conditions, and all gates."""
        for name in ("summary", "open", "blocked", "conditions", "gates"):
            yield name, getattr(self, name)

    @property
    def summary(self) -> str:
        """How many options are open and blocked; empty where the profile is not known."""
        if not self.is_known:
            return ""
        return f"{len(self.open)} options open, {len(self.blocked)} blocked"

    @property
    def is_known(self) -> bool:
        """Whether the profile says anything that a requirement asks about."""
        return any(gate.code != UNKNOWN for gate in all_gates(self._gates))

    @cached_property
    def gates(self) -> dict[str, dict[str, str]]:
        """Option, requirement and code: G, C, X, N or unknown."""
        return {
            option: {name: gate.code for name, gate in found.items()}
            for option, found in self._gates.items()
        }

    def gate(self, option: str, requirement: str) -> Gate:
        """Return one gate."""
        return self._gates[option][requirement]

    def of(self, option: str) -> list[Gate]:
        """Return the gates of an option, in the order of the requirements."""
        return list(self._gates[option].values())

    @cached_property
    def blocked(self) -> dict[str, str]:
        """Options that are closed, each with the requirements that close it."""
        found = {}
        for option in self._gates:
            reasons = [gate.because for gate in self.of(option) if gate.blocks]
            if reasons:
                found[option] = "; ".join(reasons)
        return found

    @property
    def open(self) -> list[str]:
        """Options that nothing known closes."""
        return [option for option in self._gates if option not in self.blocked]

    def status(self, option: str) -> str:
        """Say how an option stands: blocked, on conditions, passes the modelled gates, unknown."""
        codes = [gate.code for gate in self.of(option)]
        if "X" in codes:
            return BLOCKED
        if self.unsettled(option):
            return UNKNOWN
        if "C" in codes:
            return CONDITIONAL
        return UNKNOWN if UNKNOWN in codes else PASSES

    def kind_of(self, option: str) -> GateOption:
        """Return the kind of operation that an option is of: on default terms where not said."""
        kinds = self.rules.kinds_of(option)
        contract = contract_of(self._inputs)
        return next((kind for kind in kinds if kind.id == contract), kinds[0])

    @property
    def is_eu_contracted(self) -> bool:
        """Whether a contract locks what an API processes to the EU, wherever it is asked from."""
        return self._inputs.api_eu_processing == "yes"

    def unsettled(self, option: str) -> list[str]:
        """Return the requirements that a contract decides which nobody has described."""
        return [gate.requirement.id for gate in self.of(option) if gate.is_unsettled]

    @property
    def open_at_sellers(self) -> list[str]:
        """Open options that a seller or a cloud operates."""
        return [option for option in self.open if self.kind_of(option).operator in _SELLERS]

    def n_unknown(self, option: str) -> int:
        """Requirements of which nobody knows whether or how they apply to an option."""
        return sum(gate.code == UNKNOWN for gate in self.of(option))

    @cached_property
    def conditions(self) -> list[Duty]:
        """What has to be done for the options that are open, each once."""
        return self._duties(self.open)

    def conditions_of(self, option: str) -> list[Duty]:
        """Return what has to be done for one option."""
        return self._duties([option])

    def _duties(self, options: list[str]) -> list[Duty]:
        asked: dict[str, tuple[dict[str, None], dict[str, None]]] = {}
        for option in options:
            for gate in self.of(option):
                for name in gate.conditions if gate.code == "C" else ():
                    by, where = asked.setdefault(name, ({}, {}))
                    by[gate.requirement.id], where[option] = None, None
        order = [name for name in self.rules.conditions if name in asked]
        return [self._duty(name, *asked[name]) for name in order]

    def _duty(self, name: str, by: dict[str, None], where: dict[str, None]) -> Duty:
        usd = self._inputs.condition_usd.get(name)
        helped = tuple(
            m.modifier
            for m in self.rules.modifiers.values()
            if m.name in self._inputs.modifiers and name in m.helps
        )
        cost = None if usd is None else float(usd)
        return Duty(self.rules.conditions[name], tuple(by), tuple(where), cost, helped)

    def usd_of(self, option: str) -> float:
        """Return what meeting the conditions of an option costs, once, as far as it was said."""
        if not self._inputs.condition_usd:
            return 0.0
        return sum(duty.usd or 0.0 for duty in self.conditions_of(option))

    # -- what is not known, and what is to come ------------------------------------------------

    @cached_property
    def unknown(self) -> list[str]:
        """Fields of the profile that nobody filled, and that a requirement asks about."""
        found = [n for n in PROFILE if getattr(self._inputs, n) in ([], UNKNOWN)]
        # What a contract says matters where an option that it decides is left.
        is_asked = any(len(self.rules.kinds_of(option)) > 1 for option in self.open)
        if is_asked and contract_of(self._inputs) == UNKNOWN:
            found += [n for n in CONTRACT if getattr(self._inputs, n) == UNKNOWN]
        return found

    @cached_property
    def upcoming(self) -> list[Gate]:
        """Requirements that apply to this use from a later day, each once: prepare."""
        found = {g.requirement.id: g for g in all_gates(self._gates) if g.from_date is not None}
        return list(found.values())

    @property
    def next_due(self) -> Due | None:
        """The next day of the calendar after the date of the decision."""
        today: dt.date = self._inputs.as_of
        return next((due for due in self.rules.calendar if due.date > today), None)

    @property
    def relaxations(self) -> dict[str, list[str]]:
        """For each blocked option, what would have to change to open it."""
        return {
            option: [gate.requirement.relaxation for gate in self.of(option) if gate.blocks]
            for option in self.blocked
        }

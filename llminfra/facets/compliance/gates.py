"""What the rules say of each option for one profile."""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from llminfra.catalog.rules import GateOption, Rating, Requirement, RuleSet
from llminfra.facets.compliance.inputs import CONTRACT, PROFILE, Inputs
from llminfra.facets.deployment import OPTIONS

UNKNOWN: Final = "unknown"
_DEFAULT_TERMS, _CONTRACTED = "O1", "O2"
_POLICY: Final = "policy"


@dataclass(frozen=True, slots=True)
class Gate:
    """One requirement and one option.

    Attributes
    ----------
    code : str
        G: met by configuration; C: on conditions; X: not as it is; N: does not apply; unknown.
    from_date : date or None
        The day from which it applies, where that is still to come: prepare.
    is_unsettled : bool
        It asks something, and what the contract says decides how it stands.
    """

    option: str
    requirement: Requirement
    code: str
    conditions: tuple[str, ...] = ()
    article: str = ""
    residual: str = ""
    from_date: dt.date | None = None
    is_unsettled: bool = False

    @property
    def blocks(self) -> bool:
        """Whether the option is closed by it."""
        return self.code == "X"

    @property
    def because(self) -> str:
        """Why it closes the option."""
        rule = self.requirement
        return f"blocked by {rule.id} because {rule.because} ({self.article})"


def contract_of(inputs: Inputs) -> str:
    """Return the kind of operation that an API is of by its contract; unknown where not said.

    Examples
    --------
    >>> from types import SimpleNamespace as Fields
    >>> said = dict.fromkeys(CONTRACT, "yes")
    >>> [contract_of(Fields(**said | {"api_zero_retention": x})) for x in ("yes", "no", "unknown")]
    ['O2', 'O1', 'unknown']
    """
    given = [getattr(inputs, name) for name in CONTRACT]
    if "no" in given:
        return _DEFAULT_TERMS
    return UNKNOWN if UNKNOWN in given else _CONTRACTED


def gates_of(inputs: Inputs, rules: RuleSet) -> dict[str, dict[str, Gate]]:
    """Return the gate of each option and requirement."""
    profile = {name: getattr(inputs, name) for name in PROFILE}
    held = [m.id for m in rules.modifiers.values() if m.name in inputs.modifiers]
    contract = contract_of(inputs)
    asked = [
        (rule, rule.is_triggered(profile), _still_to_come(rule, inputs, rules))
        for rule in rules.requirements.values()
    ]
    return {
        option: {
            rule.id: _gate(option, rule, is_triggered, due, _Rates(rules, held, contract), profile)
            for rule, is_triggered, due in asked
        }
        for option in OPTIONS
    }


@dataclass(frozen=True, slots=True)
class _Rates:
    """Ratings as modifiers leave them."""

    rules: RuleSet
    held: list[str]
    contract: str

    def of(self, option: str, requirement: str) -> list[Rating]:
        """The ratings that an option may have: two where an API's contract is not known."""
        return [self._one(kind, requirement) for kind in self._kinds(option)]

    def _kinds(self, option: str) -> list[GateOption]:
        kinds = self.rules.kinds_of(option)
        named = [kind for kind in kinds if kind.id == self.contract]
        return named or kinds

    def _one(self, kind: GateOption, requirement: str) -> Rating:
        changed = (self.rules.effects.get((m, requirement, kind.id)) for m in self.held)
        found = [rating for rating in changed if rating is not None]
        # Of several modifiers the first in the file decides: what worsens stands before what eases.
        return found[0] if found else self.rules.ratings[requirement, kind.id]


def _gate(
    option: str,
    rule: Requirement,
    is_triggered: bool | None,
    due: dt.date | None,
    rates: _Rates,
    profile: Mapping[str, Any],
) -> Gate:
    if not is_triggered:
        return Gate(option, rule, UNKNOWN if is_triggered is None else "N", article=rule.article)
    if due is not None:
        return Gate(option, rule, "N", article=rule.article, from_date=due)
    found = rates.of(option, rule.id)
    if len({rating.code for rating in found}) > 1:
        return Gate(option, rule, UNKNOWN, article=rule.article, is_unsettled=True)
    first = found[0]
    code = first.code
    if code == "X" and rule.severity == _POLICY and not _is_demanded(rule, profile):
        code = "N"
    return Gate(option, rule, code, first.conditions, first.article or rule.article, first.residual)


def _is_demanded(rule: Requirement, profile: Mapping[str, Any]) -> bool:
    """Whether the profile itself says that a policy holds; a sector alone does not."""
    given = profile["policies"]
    return any(value in given for value in rule.values_of("policies"))


def _still_to_come(rule: Requirement, inputs: Inputs, rules: RuleSet) -> dt.date | None:
    """The day from which a requirement applies to this use, where it lies ahead."""
    scope = inputs.ai_use if rule.dated_by == "use" else rule.dated_by
    if not scope or scope in (UNKNOWN, "minimal"):
        return None
    found = rules.applies_from(scope)
    return found if found > inputs.as_of else None


def all_gates(gates: Mapping[str, Mapping[str, Gate]]) -> Iterator[Gate]:
    """Yield every gate."""
    for by_requirement in gates.values():
        yield from by_requirement.values()

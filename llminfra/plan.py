"""One configuration, evaluated lazily: each facet on first use, kept, and independent of others."""

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from llminfra import formats
from llminfra.catalog.facts import Facts, Read
from llminfra.catalog.loader import Fact
from llminfra.errors import MissingFact, unknown
from llminfra.facets import FACETS, Facets
from llminfra.facets.base import Goal, Inputs, Problem, Question, Result, needs
from llminfra.ranges import Range
from llminfra.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd

R = TypeVar("R", bound=Result)
Row = tuple[str, str, str, float, float, float, str]
COLUMNS: Final = ["facet", "name", "unit", "low", "base", "high", "source"]
COMPARISON: Final = "comparison"  # the name under which changed plans note what they read
# Names of a scenario, which change no answer.
_SEEN_BY_NONE: Final = {"title", "name"}
Advice = Callable[["Plan", Goal], Sequence[str]]


def facts_of(scenario: Scenario) -> Facts:
    """Return the door to the catalogue as a scenario has it: with its own facts and prices."""
    return Facts(scenario.fact_overrides(), own=scenario.own_prices())


class Plan(Facets):
    """The answers for one configuration.

    Parameters
    ----------
    scenario : Scenario
        What was asked.
    facts : Facts
        The door to the catalogue, whose ledger is this plan's; reads are noted by facet unless it
        has a user already.
    choice : mapping, optional
        What takes the place of "auto", by field, and the ``runners_up``.
    evaluate : callable, optional
        How a changed scenario becomes a plan; without it "auto" stays as it is.
    advise : callable, optional
        Gets a plan and a missed goal, and returns changes that would reach it, in words.

    Notes
    -----
    `plan.memory` and its siblings are computed on first use and kept. A missing fact makes that
    facet raise MissingFact with the reason and leaves the others alone. Facets see the scenario
    with what was chosen in place of "auto" (`resolved`). `llminfra.evaluate` makes plans that can
    choose and advise.

    Examples
    --------
    >>> from llminfra import Scenario, evaluate
    >>> plan = evaluate(Scenario(tensor_parallel=8))
    >>> int(plan.memory.kv_cache_bytes_per_token)
    327680
    """

    def __init__(
        self,
        scenario: Scenario,
        *,
        facts: Facts,
        choice: Mapping[str, Any] | None = None,
        evaluate: "Callable[[Scenario, Facts], Plan] | None" = None,
        advise: Advice | None = None,
    ) -> None:
        self.scenario = scenario
        self._facts, self._evaluate, self._advise = facts, evaluate, advise
        self._choice = dict(choice or {})
        self.resolved = scenario.model_copy(update=self.fixed) if self.fixed else scenario
        self._results: dict[str, Result | MissingFact] = {}
        self._advice: dict[Goal, tuple[str, ...]] = {}

    @property
    def fixed(self) -> dict[str, Any]:
        """Accelerator and split, where they were chosen."""
        names = ("accelerator", "tensor_parallel")
        return {name: self._choice[name] for name in names if name in self._choice}

    @property
    def chosen(self) -> dict[str, Any]:
        """What took the place of "auto", by field, and the ``runners_up``; empty without any."""
        chosen = dict(self._choice)
        for _, result in self.results():
            chosen |= result.chosen
        return chosen

    @property
    def facts(self) -> list[Read]:
        """The ledger: facts that were read so far, and by which facet."""
        return self._facts.ledger

    @property
    def digests(self) -> dict[str, str]:
        """One digest of all facts that searches and maps for this plan read so far."""
        return self._facts.digests

    @property
    def problems(self) -> list[Problem]:
        """What is impossible or in doubt, over all facets."""
        return self.problems_of(*(question.name for question in FACETS))

    def problems_of(self, *facets: str, is_advised: bool = True) -> list[Problem]:
        """Return what is impossible or in doubt in these facets; no other needs to be computed.

        Advice tries hundreds of changes: whoever only asks what is wrong does without.
        """
        asked = [question for question in FACETS if question.name in facets]
        found = [problem for question in asked for problem in self._problems(question)]
        return [self._advised(problem) for problem in found] if is_advised else found

    def variant(self, **changes: Any) -> "Plan":
        """Return the plan of a changed scenario; its reads are noted as comparisons here."""
        scenario = self.scenario.replace(**changes)
        own = scenario.fact_overrides(), scenario.own_prices()
        facts = self._facts.as_read_by(COMPARISON, *own)
        if self._evaluate is None:
            changed = Plan(scenario, facts=facts, advise=self._advise)
        else:
            changed = self._evaluate(scenario, facts)
        changed._keep(self)
        return changed

    def _keep(self, other: "Plan") -> None:
        """Take over what another plan answered before the first question that sees a difference.

        A field is seen by the question that declares it and by all later ones. Facts, prices and
        the date are seen by all.
        """
        mine, theirs = self.resolved, other.resolved
        differing = {n for n in type(mine).model_fields if getattr(mine, n) != getattr(theirs, n)}
        if differing & set(Inputs.model_fields) - _SEEN_BY_NONE:
            return
        for question in FACETS:
            if differing & set(question.inputs.model_fields):
                return
            if question.name in other._results:
                self._results[question.name] = other._results[question.name]

    def facts_read_by(self, user: str) -> Facts:
        """Return this plan's facts, for someone who asks beside the facets."""
        return self._facts.as_read_by(user)

    def results(self, *, only: str | Collection[str] | None = None) -> Iterator[tuple[str, Result]]:
        """Yield the available facets by name, evaluating all of them or those named."""
        named = {only} if isinstance(only, str) else only
        for question in FACETS:
            if named is not None and question.name not in named:
                continue
            try:
                yield question.name, self.answer(question)
            except MissingFact:
                continue

    def rows(self, *, only: str | None = None, names: Sequence[str] = ()) -> Iterator[Row]:
        """Yield quantities as rows of facet, name, unit, low, base, high, source.

        Parameters
        ----------
        only : str, optional
            One facet instead of all of them.
        names : sequence of str
            These quantities alone, which spares computing the others; one of another facet than
            `only` as ``facet.quantity``.
        """
        facets = [question.name for question in FACETS]
        if only is not None and only not in facets:
            raise unknown("facet", only, facets)
        wanted = [name if "." in name else f"{only}.{name}" for name in names]
        asked = {name.partition(".")[0] for name in wanted}
        for facet, result in self.results(only=asked if names else only):
            own = [name.partition(".")[2] for name in wanted if name.startswith(f"{facet}.")]
            for name, value in _quantities(result, own) if own or not names else ():
                if isinstance(value, Range):
                    ends = (value.low, value.base, value.high)
                    yield facet, name, value.unit, *ends, _sources(value)

    def frame(self, *, only: str | None = None) -> "pd.DataFrame":
        """Return the `rows` of one facet or all as a tidy frame."""
        import pandas as pd  # heavy, and not needed to evaluate

        return pd.DataFrame(self.rows(only=only), columns=COLUMNS)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data, ready for JSON."""
        facets = {
            facet: {name: _plain(value) for name, value in result.items()}
            for facet, result in self.results()
        }
        problems = [
            {"code": p.code, "message": p.message, "fixes": list(p.fixes)} for p in self.problems
        ]
        return {
            "scenario": self.scenario.to_dict(),
            "chosen": dict(self.chosen),
            **facets,
            "problems": problems,
            "facts": [read.to_dict() for read in self.facts],
        }

    def __str__(self) -> str:
        """A card that fits one screen."""
        return "\n".join(self._card())

    __repr__ = __str__

    def _card(self) -> Iterator[str]:
        yield self.scenario.title or "Plan"
        if self.fixed:
            yield "\nchosen"
            yield from (f"  {name:<32} {value}" for name, value in self.fixed.items())
            for other in self._choice["runners_up"]:
                what = ", ".join(f"{name} {other[name]}" for name in self.fixed)
                yield f"  then {what}: {other['why']}"
        for facet, result in self.results():
            items = [(n, v) for n, v in result.items() if n in (result.headline or (n,))]
            shown = [(n, text) for n, v in items if (text := formats.auto(v)).strip("– ")]
            # A facet is named beside its first row alone: the card is to fit one screen.
            for i, (name, text) in enumerate(shown):
                yield f"{'' if i else facet:<13}{name:<31} {text}"
        for problem in self.problems:
            yield f"\n{problem.code}: {problem.message}"
            yield from (f"  → {fix}" for fix in problem.fixes)

    def answered(self, facet: str) -> Result | None:
        """Return the result of a facet that was evaluated already; None where it was not."""
        found = self._results.get(facet)
        return found if isinstance(found, Result) else None

    def answer(self, question: Question[R], /) -> R:
        """Return the result of one question, evaluated on first use; raise why there is none."""
        if question.name not in self._results:
            self._results[question.name] = self._answered(question)
        result = self._results[question.name]
        if isinstance(result, MissingFact):
            raise result
        return cast("R", result)

    def _answered(self, question: Question[R]) -> "R | MissingFact":
        try:
            earlier = self._earlier(question.evaluate)
            return question.evaluate(self.resolved, self._facts_of(question), **earlier)
        except MissingFact as error:
            return error

    def _earlier(self, function: Callable[..., Any]) -> dict[str, Any]:
        """The earlier results that a facet's function names."""
        return {name: self._result(name, types) for name, types in needs(function).items()}

    def _result(self, name: str, types: Sequence[Any]) -> Any:
        try:
            return getattr(self, name)
        except MissingFact as reason:
            if MissingFact in types:
                return reason
            if type(None) in types:
                return None
            raise

    def _facts_of(self, question: Question[Any]) -> Facts:
        return self._facts if self._facts.user else self._facts.as_read_by(question.name)

    def _problems(self, question: Question[Any]) -> list[Problem]:
        if question.problems is None:
            return []
        try:
            given = self.resolved, self._facts_of(question), self.answer(question)
            return question.problems(*given, **self._earlier(question.problems))
        except MissingFact as error:
            return [Problem("E-DATA", f"{question.name} is not available: {error}")]

    def _advised(self, problem: Problem) -> Problem:
        if problem.goal is None or self._advise is None:
            return problem
        if problem.goal not in self._advice:
            self._advice[problem.goal] = tuple(self._advise(self, problem.goal))
        return replace(problem, fixes=self._advice[problem.goal])


def _quantities(result: Result, names: Sequence[str]) -> Iterator[tuple[str, Any]]:
    if not names:
        yield from result.items()
    for name in names:
        if not isinstance(value := getattr(result, name, None), Range):
            known = [known for known, value in result.items() if isinstance(value, Range)]
            raise unknown("quantity", name, known)
        yield name, value


def _plain(value: Any) -> Any:
    if isinstance(value, Range):
        ends = {"low": value.low, "base": value.base, "high": value.high}
        return {name: x if math.isfinite(x) else None for name, x in ends.items()} | {
            "unit": value.unit
        }
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if hasattr(value, "to_dict"):
        return value.to_dict()
    return value if isinstance(value, bool | int | float | str | None) else str(value)


def _sources(value: Range) -> str:
    """What a value rests on, each source once, those of the first inputs first."""
    found: dict[str, None] = {}
    seen: set[int] = set()
    waiting = [value]
    while waiting:
        step = waiting.pop()
        if id(step) in seen:  # a step that many others take is walked once
            continue
        seen.add(id(step))
        if step.origin:
            origin = step.origin
            found[origin.source if isinstance(origin, Fact) else "scenario"] = None
        waiting += [part for part in reversed(step.inputs.values()) if isinstance(part, Range)]
    return ", ".join(found)

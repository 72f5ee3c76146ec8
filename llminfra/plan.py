"""One configuration, evaluated lazily: each facet on first use, kept, and independent of others."""

import math
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, overload

from llminfra import formats
from llminfra.catalog.facts import Facts, Read
from llminfra.catalog.loader import Fact
from llminfra.errors import LlmInfraError, MissingFact, unknown
from llminfra.facets import capacity, deployment, memory, serving
from llminfra.facets.base import Inputs, Problem, Result
from llminfra.ranges import Range

if TYPE_CHECKING:
    import pandas as pd

    from llminfra.scenario import ScenarioBase

R = TypeVar("R", bound=Result)
Row = tuple[str, str, str, float, float, float, str]
COLUMNS: Final = ["facet", "name", "unit", "low", "base", "high", "source"]


def _nothing_to_check(inputs: Any, facts: Facts) -> None:
    return None


def _no_problems(inputs: Any, plan: "Plan", result: Any) -> list[Problem]:
    return []


class Slot(Generic[R]):
    """A facet as a lazily evaluated attribute of a Plan."""

    def __init__(self, module: Any, evaluate: Callable[[Any, "Plan", Facts], R]) -> None:
        self.inputs: type[Inputs] = module.Inputs
        self.evaluate = evaluate
        self.check: Callable[[Any, Facts], None] = getattr(module, "check", _nothing_to_check)
        self.problems: Callable[[Any, Plan, R], list[Problem]] = getattr(
            module, "problems", _no_problems
        )

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, plan: None, owner: type) -> "Slot[R]": ...
    @overload
    def __get__(self, plan: "Plan", owner: type) -> R: ...
    def __get__(self, plan: "Plan | None", owner: type) -> "Slot[R] | R":
        return self if plan is None else plan._result(self)


class Plan:
    """The answers for one scenario.

    Parameters
    ----------
    scenario : Scenario
        What was asked.

    Notes
    -----
    `plan.memory` and its siblings are computed on first use. A missing fact makes that facet raise
    MissingFact with the reason and leaves the others alone. Facets see the scenario with what was
    chosen in place of "auto" (`resolved`).

    Examples
    --------
    >>> from llminfra import Scenario, evaluate
    >>> plan = evaluate(Scenario(tensor_parallel=8))
    >>> int(plan.memory.kv_cache_bytes_per_token)
    327680
    """

    deployment = Slot(deployment, deployment.evaluate)
    capacity = Slot(capacity, capacity.evaluate)
    memory = Slot(memory, memory.evaluate)
    serving = Slot(serving, serving.evaluate)

    def __init__(self, scenario: "ScenarioBase", *, facts: Facts | None = None) -> None:
        self.scenario = scenario
        self._facts = facts or Facts(scenario.fact_overrides())
        self._results: dict[str, Result | MissingFact] = {}
        self._running: list[str] = []

    @cached_property
    def chosen(self) -> dict[str, Any]:
        """What took the place of "auto", by field, and the ``runners_up``; empty without any."""
        given: Any = self.scenario
        if "auto" not in (given.accelerator, given.tensor_parallel):
            return {}
        from llminfra.search.choose import choose  # which evaluates plans itself

        return choose(self.scenario)

    @property
    def fixed(self) -> dict[str, Any]:
        """Accelerator and split, where they were chosen."""
        names = ("accelerator", "tensor_parallel")
        return {name: self.chosen[name] for name in names if name in self.chosen}

    @cached_property
    def resolved(self) -> "ScenarioBase":
        """The scenario with what was chosen in place of "auto"."""
        return self.scenario.model_copy(update=self.fixed) if self.fixed else self.scenario

    @cached_property
    def layouts_within_limits(self) -> tuple[str, ...]:
        """Layouts that meet everything with what may be installed, as changes of the scenario.

        The smallest with these weights, and the smallest with fewer bits; none in a plan that a
        search asks.
        """
        if self._facts.user:
            return ()
        from llminfra.search.choose import within_limits  # which evaluates plans itself

        return within_limits(self.resolved)

    @classmethod
    def slots(cls) -> list[Slot[Any]]:
        """Return all facets in order."""
        return [value for value in vars(cls).values() if isinstance(value, Slot)]

    @property
    def facts(self) -> list[Read]:
        """The ledger: facts that were read so far, and by which facet."""
        return self._facts.ledger

    @property
    def problems(self) -> list[Problem]:
        """What is impossible or in doubt, over all facets."""
        return self.problems_of(*(slot.name for slot in self.slots()))

    def problems_of(self, *facets: str) -> list[Problem]:
        """Return what is impossible or in doubt in these facets; no other needs to be computed."""
        slots = [slot for slot in self.slots() if slot.name in facets]
        return [problem for slot in slots for problem in self._problems(slot)]

    def variant(self, **changes: Any) -> "Plan":
        """Return the plan of a changed scenario; its reads are noted as comparisons here."""
        scenario = self.scenario.replace(**changes)
        facts = self._facts.as_read_by("comparison", scenario.fact_overrides())
        return Plan(scenario, facts=facts)

    def results(self, *, only: str | None = None) -> Iterator[tuple[str, Result]]:
        """Yield the available facets by name, evaluating all of them or one."""
        for slot in self.slots():
            if only not in (None, slot.name):
                continue
            try:
                yield slot.name, self._result(slot)
            except MissingFact:
                continue

    def rows(self, *, only: str | None = None, names: Sequence[str] = ()) -> Iterator[Row]:
        """Yield quantities as rows of facet, name, unit, low, base, high, source.

        Parameters
        ----------
        only : str, optional
            One facet instead of all of them.
        names : sequence of str
            These quantities alone, which spares computing the others.
        """
        facets = [slot.name for slot in self.slots()]
        if only is not None and only not in facets:
            raise unknown("facet", only, facets)
        for facet, result in self.results(only=only):
            for name, value in _quantities(result, names):
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
            for other in self.chosen["runners_up"]:
                what = ", ".join(f"{name} {other[name]}" for name in self.fixed)
                yield f"  then {what}: {other['why']}"
        for facet, result in self.results():
            items = [(n, v) for n, v in result.items() if n in (result.headline or (n,))]
            shown = [(n, formats.auto(v)) for n, v in items if formats.auto(v)]
            yield f"\n{facet}"
            yield from (f"  {name:<32} {text}" for name, text in shown)
        for problem in self.problems:
            yield f"\n{problem.code}: {problem.message}"
            yield from (f"  → {fix}" for fix in problem.fixes)

    def _result(self, slot: Slot[R]) -> R:
        if slot.name not in self._results:
            self._results[slot.name] = self._evaluate(slot)
        result = self._results[slot.name]
        if isinstance(result, MissingFact):
            raise result
        return result  # type: ignore[return-value]  # the slot's own name keys its own type

    def _evaluate(self, slot: Slot[R]) -> "R | MissingFact":
        if slot.name in self._running:
            raise LlmInfraError(f"facets ask each other in a circle: {[*self._running, slot.name]}")
        self._running.append(slot.name)
        facts = self._facts if self._facts.user else self._facts.as_read_by(slot.name)
        try:
            return slot.evaluate(self.resolved, self, facts)
        except MissingFact as error:
            return error
        finally:
            self._running.pop()

    def _problems(self, slot: Slot[Any]) -> list[Problem]:
        try:
            return slot.problems(self.resolved, self, self._result(slot))
        except MissingFact as error:
            return [Problem("E-DATA", f"{slot.name} is not available: {error}")]


def evaluate(scenario: "ScenarioBase") -> Plan:
    """Return the Plan of a scenario; facets are computed when they are first asked for."""
    return Plan(scenario)


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
    return value if isinstance(value, bool | int | float | str | None) else str(value)


def _sources(value: Range) -> str:
    return ", ".join(dict.fromkeys(_origins(value)))


def _origins(value: Range) -> Iterator[str]:
    if isinstance(value.origin, Fact):
        yield value.origin.source
    elif value.origin:
        yield "scenario"
    for part in value.inputs.values():
        if isinstance(part, Range):
            yield from _origins(part)

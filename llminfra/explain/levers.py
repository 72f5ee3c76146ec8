"""Levers: what would make a service cheaper, leaner or faster, alone and together, recomputed."""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from llminfra.errors import InvalidInput, LlmInfraError, MissingFact, unknown
from llminfra.explain.lever_list import (
    GROUPS,
    LAYOUT,
    Assumed,
    Lever,
    checked_share,
    lever_list,
)
from llminfra.explain.service import AIMS, Service, amount_of, service_of
from llminfra.plan import Plan

__all__ = [
    "AIMS",
    "GROUPS",
    "MOST_LOSS",
    "WORTH",
    "Added",
    "Helped",
    "Lever",
    "Levers",
    "Pull",
    "amount_of",
    "levers",
]

WORTH: Final = 0.05
MOST_LOSS: Final = 0.02
_JUDGED: Final = ("deployment", "memory", "capacity", "serving")


@dataclass(frozen=True)
class Pull:
    """What a lever does alone.

    Attributes
    ----------
    service : Service or None
        None where the lever cannot be pulled; `note` says why.
    saved : float
        Share of what is used now; not a number where the lever cannot be pulled.
    """

    lever: Lever
    service: Service | None
    saved: float
    note: str = ""

    @property
    def plan(self) -> Plan | None:
        """The plan of the service; None where the lever cannot be pulled."""
        return None if self.service is None else self.service.plan


@dataclass(frozen=True)
class Added:
    """A lever on top of those before it: the service then, and by how much its aim moved."""

    lever: Lever
    service: Service
    moved: float

    @property
    def plan(self) -> Plan:
        """The plan of the service."""
        return self.service.plan


@dataclass(frozen=True)
class Helped:
    """A lever that saves more on top of others than alone.

    Attributes
    ----------
    alone, on_top : float
        Share that it saves alone, and on top of those before it. [1]
    idle_alone, idle_on_top : float
        Share of the accelerators that stand idle then, as copies come whole. [1]
    """

    lever: Lever
    alone: float
    on_top: float
    idle_alone: float
    idle_on_top: float


@dataclass(frozen=True)
class Levers:
    """All levers of a plan towards one aim.

    Attributes
    ----------
    alone : tuple of Pull
        Each lever alone, the one that saves most first.
    together : tuple of Added
        Those that are worth it, one on top of the other; their steps sum to what all save.
    """

    aim: str
    start: Plan
    now: float
    alone: tuple[Pull, ...]
    together: tuple[Added, ...]
    without: Collection[str]
    losses: Mapping[str, float] = field(default_factory=dict)

    @property
    def end(self) -> Plan:
        """The plan with all that is worth it."""
        return self.service.plan

    @property
    def service(self) -> Service:
        """The service with all that is worth it."""
        return self.together[-1].service if self.together else Service(self.start)

    @property
    def saved(self) -> float:
        """Share of what is used now that all together save."""
        return -sum(stage.moved for stage in self.together) / self.now

    @property
    def saved_alone(self) -> float:
        """Sum of what the same levers save alone: with the two below it is what they save."""
        return sum(self._alone_of(stage).saved for stage in self.together)

    @property
    def saved_twice(self) -> float:
        """Share that is in this sum more than once: what one has saved no other can save again."""
        return max(self.saved_alone - self.saved, 0.0)

    @property
    def only_together(self) -> float:
        """Share that none saves alone: where accelerators come whole, or one lever needs another.

        Without it they save together at most what they save alone in sum.
        """
        return max(self.saved - self.saved_alone, 0.0)

    def _alone_of(self, stage: Added) -> Pull:
        return next(pull for pull in self.alone if pull.lever is stage.lever)

    def _gain(self, stage: Added) -> float:
        """What a lever saves on top of the others beyond what it saves alone."""
        return -stage.moved / self.now - self._alone_of(stage).saved

    @property
    def helped(self) -> Helped | None:
        """The lever that gains most by the others; None where none does."""
        stage = max(self.together, key=self._gain, default=None)
        if stage is None or self._gain(stage) <= 0:
            return None
        alone = self._alone_of(stage)
        services = (alone.service, stage.service)
        idle = tuple(math.nan if each is None else each.idle_fraction for each in services)
        return Helped(stage.lever, alone.saved, -stage.moved / self.now, idle[0], idle[1])

    @property
    def first(self) -> Pull | None:
        """The lever to pull first: the one that saves most alone; None where none is worth it."""
        pulled = [stage.lever for stage in self.together]
        return next((pull for pull in self.alone if pull.lever in pulled), None)

    def quality(self, pull: Pull) -> str:
        """Say what a lever does to quality: by an own test, and as published."""
        loss = self.losses.get(pull.lever.group)
        own = "" if loss is None else f"{loss:.1%} in your own test; published: "
        return f"{own}{pull.lever.quality}"

    def verdict(self, pull: Pull) -> str:
        """Say whether a lever is pulled, and why not."""
        pulled = {stage.lever.group: stage.lever for stage in self.together}
        if pull.service is None:
            return f"not possible: {pull.note}"
        if pull.lever is pulled.get(pull.lever.group):
            return "pull it"
        if pull.saved < WORTH:
            return "not worth it here"
        if pull.lever.group in self.without:
            is_lost = self.losses.get(pull.lever.group, 0.0) > MOST_LOSS
            return "loses more quality than allowed" if is_lost else "left out as asked"
        other = pull.lever.group in pulled
        return "another of its kind does more" if other else "adds too little to the others"


def levers(
    plan: Plan,
    aim: str = "cost",
    *,
    without: Collection[str] = (),
    losses: Mapping[str, float] | None = None,
    **assumed: float,
) -> Levers:
    """Return what each lever saves alone, and what those that are worth it save together.

    Parameters
    ----------
    plan : Plan
        The service as it is.
    aim : str
        ``cost``, ``energy`` or ``latency``. Without a figure of it, or where the model does not
        fit, there are no levers.
    without : collection of str
        Groups that are shown alone and not pulled together, such as ``model``.
    losses : mapping, optional
        Loss of quality that own tests found, by group: ``{"weights": 0.01}``; what loses more than
        `MOST_LOSS` is not pulled. [1]
    **assumed : float
        What only the user knows, as in `Assumed`: ``shared_prefix``, ``easy``, ``waiting``,
        ``distilled_tokens``.

    Raises
    ------
    InvalidInput
        An aim, a kind or a share that there is not.

    Notes
    -----
    For cost and energy each lever comes with the split and the copies as they are, or with those
    that it then needs, whichever takes less. Taking only what the load needs, with nothing else
    changed, is a lever of its own; where that is worth it, what others save is counted beyond it.
    For latency the layout stays. Another accelerator comes without the own prices of this one. What
    an engine refuses, and what brings a problem that the service does not have now, is not
    possible.

    Examples
    --------
    >>> from llminfra import Scenario, evaluate
    >>> found = levers(evaluate(Scenario(tensor_parallel=8)), "latency", without=("model",))
    >>> found.first.lever.words, found.saved >= found.first.saved > 0.3
    ('B200 accelerators', True)
    """
    if aim not in AIMS:
        raise InvalidInput(f"aim must be {', '.join(AIMS)}, got {aim!r}; choose one")
    losses, known = {} if losses is None else losses, Assumed(**assumed)
    _check_kinds(without, losses)
    lost = {name: checked_share(f"loss by {name}", loss) for name, loss in losses.items()}
    without = {*without, *(name for name, loss in lost.items() if loss > MOST_LOSS)}
    now = amount_of(plan, AIMS[aim]) if _fits(plan) else math.nan
    if math.isnan(now):
        return Levers(aim, plan, now, (), (), tuple(without), losses)
    layouts = _layouts(plan, aim)
    alone: list[Pull] = []
    before = now
    for lever in lever_list(plan, known, is_layout_open=LAYOUT not in layouts):
        changed, then, note = _best(plan, [lever], layouts, aim)
        alone.append(Pull(lever, changed, (before - then) / now, note))
        if lever.group == "layout" and "layout" not in without and now - then >= WORTH * now:
            before = then
    alone.sort(key=lambda pull: (math.isnan(pull.saved), -pull.saved))
    wanted = [pull for pull in alone if pull.lever.group not in without]
    stages = tuple(_together(plan, wanted, layouts, aim, now))
    return Levers(aim, plan, now, tuple(alone), stages, tuple(without), losses)


def _check_kinds(without: object, losses: object) -> None:
    """Refuse what is no list of kinds, no losses by kind, and a kind that there is not."""
    if isinstance(without, str):
        raise InvalidInput(f"kinds of levers must be a list, got {without!r}; write [{without!r}]")
    if not isinstance(without, Collection):
        raise InvalidInput(f"kinds of levers must be a list, got {without!r}; leave it out")
    if not isinstance(losses, Mapping):
        raise InvalidInput(
            f'losses must be given by kind of lever, got {losses!r}; write {{"weights": 0.01}}'
        )
    for name in (*without, *losses):
        if name not in GROUPS:
            raise unknown("kind of lever", name, GROUPS)


def _fits(plan: Plan) -> bool:
    try:
        return plan.memory.fits
    except MissingFact:
        return False


def _layouts(plan: Plan, aim: str) -> Sequence[Mapping[str, Any]]:
    """The layout as it is and, where the aim is not speed, the one that a change then needs."""
    is_open = all(getattr(plan.scenario, name) == value for name, value in LAYOUT.items())
    return ({},) if aim == "latency" or is_open else ({}, LAYOUT)


def _best(
    plan: Plan, pulled: Sequence[Lever], layouts: Sequence[Mapping[str, Any]], aim: str
) -> tuple[Service | None, float, str]:
    """The changed service that takes least, what it takes, and a note or why there is none."""
    if obstacle := next((lever.obstacle for lever in pulled if lever.obstacle), ""):
        return None, math.nan, obstacle
    best: tuple[Service | None, float, str] = (None, math.nan, "no figure is known for it")
    for layout in layouts:
        try:
            changed = service_of(plan, pulled, layout)
            then = changed.amount(AIMS[aim])
            broken = next(filter(None, (_new_problem(plan, p) for p in changed.plans)), "")
        except LlmInfraError as error:
            then, broken = math.nan, str(error)
        if not broken and not then >= best[1] and not math.isnan(then):
            best = changed, then, _format_note(changed.plan)
        elif best[0] is None and broken:
            best = None, math.nan, broken
    return best


def _new_problem(plan: Plan, changed: Plan) -> str:
    """The first problem that the change brings, empty where it brings none."""
    before, after = (p.problems_of(*_JUDGED, is_advised=False) for p in (plan, changed))
    known = {problem.code for problem in before}
    return next((p.message for p in after if p.is_error and p.code not in known), "")


def _format_note(changed: Plan) -> str:
    found = changed.problems_of("memory", is_advised=False)
    return next((p.message for p in found if p.code == "W-FORMAT"), "")


def _together(
    plan: Plan,
    alone: Sequence[Pull],
    layouts: Sequence[Mapping[str, Any]],
    aim: str,
    now: float,
) -> Iterator[Added]:
    """Pull one of each group on top of the others, where that still is worth it."""
    pulled: list[Lever] = []
    here, groups = now, set[str]()
    for pull in sorted(alone, key=lambda pull: pull.lever.group != "layout"):
        lever = pull.lever
        if lever.group in groups or not pull.saved >= WORTH:
            continue
        changed, then, _ = _best(plan, [*pulled, lever], layouts, aim)
        if changed is None or here - then < WORTH * now:
            continue
        groups.add(lever.group)
        pulled.append(lever)
        yield Added(lever, changed, then - here)
        here = then

"""Levers: what would make a service cheaper, leaner or faster, alone and together, recomputed."""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from llminfra.catalog.facts import architecture
from llminfra.catalog.loader import ids
from llminfra.errors import InvalidInput, LlmInfraError, MissingFact
from llminfra.explain.inputs import quantity
from llminfra.facets.base import base_value
from llminfra.plan import COMPARISON, Plan
from llminfra.units import HOURS_PER_WEEK

AIMS: Final[Mapping[str, str]] = {
    "cost": "cost.usd_per_month",
    "energy": "energy.kwh_per_month",
    "latency": "serving.e2e_s",
}
GROUPS: Final = (
    *("layout", "weights", "cache", "draft", "prefix", "accelerator", "hours", "model"),
)
WORTH: Final = 0.05
_LAYOUT: Final = {"tensor_parallel": "auto", "replicas": "auto"}
_JUDGED: Final = ("deployment", "memory", "capacity", "serving")
_DRAFTED: Final = 3
# A model that drafts, or stands in for another, has at most this share of its parameters.
_SMALL: Final = 0.2
_NEWER: Final = ("h100-sxm", "h200-sxm", "b200-sxm")
_8_BITS = "nearly none in 8 bits (arXiv 2411.02355)"
_4_BITS = "small on average, more on code and long texts (arXiv 2411.02355)"
_CACHE = "nearly none in 8 bits (arXiv 2401.18079)"
_OWN_TEST = "an own test must tell; distillation narrows the gap (arXiv 2501.12948)"
_SAME_DRAWS = "none: the distribution of answers stays (arXiv 2211.17192)"
_SAME_PROMPT = "none: the same start is read once (arXiv 2312.07104)"
_SAME_MODEL = "none: the same model"
_WEIGHTS: Final = (("fp8", 8, _8_BITS), ("int8", 8, _8_BITS), ("int4", 4, _4_BITS))


@dataclass(frozen=True)
class Lever:
    """One change: its words, the fields it sets and what it does to quality, with the evidence.

    Of levers of one group, such as weights in 8 or in 4 bits, at most one is pulled.
    """

    words: str
    group: str
    fields: Mapping[str, Any]
    quality: str


@dataclass(frozen=True)
class Pull:
    """What a lever does alone.

    Attributes
    ----------
    plan : Plan or None
        None where the lever cannot be pulled; `note` says why.
    saved : float
        Share of what is used now; not a number where the lever cannot be pulled.
    """

    lever: Lever
    plan: Plan | None
    saved: float
    note: str = ""


@dataclass(frozen=True)
class Added:
    """A lever on top of those before it: the plan then, and by how much its aim moved."""

    lever: Lever
    plan: Plan
    moved: float


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

    @property
    def end(self) -> Plan:
        """The plan with all that is worth it."""
        return self.together[-1].plan if self.together else self.start

    @property
    def saved(self) -> float:
        """Share of what is used now that all together save."""
        return -sum(stage.moved for stage in self.together) / self.now

    @property
    def first(self) -> Pull | None:
        """The lever to pull first: the one that saves most alone; None where none is worth it."""
        pulled = [stage.lever for stage in self.together]
        return next((pull for pull in self.alone if pull.lever in pulled), None)

    def verdict(self, pull: Pull) -> str:
        """Say whether a lever is pulled, and why not."""
        pulled = {stage.lever.group: stage.lever for stage in self.together}
        if pull.plan is None:
            return f"not possible: {pull.note}"
        if pull.lever is pulled.get(pull.lever.group):
            return "pull it"
        if pull.saved < WORTH:
            return "not worth it here"
        if pull.lever.group in self.without:
            return "left out as asked"
        other = pull.lever.group in pulled
        return "another of its kind does more" if other else "adds too little to the others"


def levers(
    plan: Plan, aim: str = "cost", *, shared_prefix: float = 0.5, without: Collection[str] = ()
) -> Levers:
    """Return what each lever saves alone, and what those that are worth it save together.

    Parameters
    ----------
    plan : Plan
        The service as it is.
    aim : str
        ``cost``, ``energy`` or ``latency``. Without a figure of it, or where the model does not
        fit, there are no levers.
    shared_prefix : float
        Share of the prompt tokens that many requests begin with.
    without : collection of str
        Groups that are shown alone and not pulled together, such as ``model``.

    Notes
    -----
    For cost and energy each lever comes with the split and the copies as they are, or with those
    that it then needs, whichever takes less. Taking only what the load needs, with nothing else
    changed, is a lever of its own, and what others save is counted beyond it. For latency the
    layout stays. What an engine refuses, and what brings a problem that the service does not have
    now, is not possible.

    Examples
    --------
    >>> from llminfra import Scenario, evaluate
    >>> found = levers(evaluate(Scenario(tensor_parallel=8)), "latency", without=("model",))
    >>> found.first.lever.words, found.saved >= found.first.saved > 0.3
    ('B200 accelerators', True)
    """
    if aim not in AIMS:
        raise InvalidInput(f"aim must be {', '.join(AIMS)}, got {aim!r}; choose one")
    if strange := [name for name in without if name not in GROUPS]:
        raise InvalidInput(f"levers must be among {', '.join(GROUPS)}, got {strange[0]!r}")
    now = amount_of(plan, AIMS[aim]) if _fits(plan) else math.nan
    if math.isnan(now):
        return Levers(aim, plan, now, (), (), tuple(without))
    layouts = _layouts(plan, aim)
    alone: list[Pull] = []
    before = now
    for lever in _levers(plan, layouts, shared_prefix):
        changed, then, note = _best(plan, lever.fields, layouts, aim)
        alone.append(Pull(lever, changed, (before - then) / now, note))
        if lever.group == "layout" and then < now:
            before = then
    alone.sort(key=lambda pull: (math.isnan(pull.saved), -pull.saved))
    wanted = [pull for pull in alone if pull.lever.group not in without]
    stages = tuple(_together(plan, wanted, layouts, aim, now))
    return Levers(aim, plan, now, tuple(alone), stages, tuple(without))


def amount_of(plan: Plan, path: str) -> float:
    """Return the base case of a result; not a number where the plan has none."""
    try:
        return quantity(plan, path).base
    except (InvalidInput, MissingFact):
        return math.nan


def _fits(plan: Plan) -> bool:
    try:
        return plan.memory.fits
    except MissingFact:
        return False


def _layouts(plan: Plan, aim: str) -> Sequence[Mapping[str, Any]]:
    """The layout as it is and, where the aim is not speed, the one that a change then needs."""
    is_open = all(getattr(plan.scenario, name) == value for name, value in _LAYOUT.items())
    return ({},) if aim == "latency" or is_open else ({}, _LAYOUT)


def _levers(
    plan: Plan, layouts: Sequence[Mapping[str, Any]], shared_prefix: float
) -> Iterator[Lever]:
    scenario = plan.resolved
    if _LAYOUT in layouts:
        words = "Only the accelerators that the load needs"
        yield Lever(words, "layout", _LAYOUT, _SAME_MODEL)
    facts = plan.facts_read_by(COMPARISON)
    bits = facts.number(scenario.precision, "bits_per_weight").base
    for precision, size, quality in _WEIGHTS:
        if size < 0.8 * bits:
            words = f"Weights in {size} bits ({precision.upper()})"
            yield Lever(words, "weights", {"precision": precision}, quality)
    if scenario.kv_precision != "fp8":
        yield Lever("Cache in 8 bits", "cache", {"kv_precision": "fp8"}, _CACHE)
    small = _smaller(plan)
    if not scenario.draft_tokens and small:
        drafting = {"draft_tokens": _DRAFTED, "draft_model": small[0]}
        yield Lever(f"{small[0]} as a draft", "draft", drafting, _SAME_DRAWS)
    if base_value(scenario.prefix_cache_hit_fraction) < shared_prefix:
        hits = {"prefix_cache_hit_fraction": shared_prefix}
        yield Lever("The shared start of prompts kept", "prefix", hits, _SAME_PROMPT)
    for name in _NEWER:
        if name != scenario.accelerator:
            short = facts.text(name, "short_name")
            yield Lever(f"{short} accelerators", "accelerator", {"accelerator": name}, _SAME_MODEL)
    hours = plan.demand.load_fraction.base * HOURS_PER_WEEK
    if hours < plan.demand.hours_on_per_week.base:
        yield Lever("Off when nobody works", "hours", {"hours_on_per_week": hours}, _SAME_MODEL)
    if small:
        yield Lever(f"{small[-1]} instead", "model", {"model": small[-1]}, _OWN_TEST)


def _smaller(plan: Plan) -> Sequence[str]:
    """Models of the same family and vocabulary, far smaller; the smallest first."""
    family = str(plan.scenario.model).partition("-")[0]
    own = plan.deployment.architecture
    found = [
        (other.parameters, name)
        for name in ids("model")
        if name.partition("-")[0] == family
        and (other := architecture(name)).vocab_size == own.vocab_size
        and other.parameters <= _SMALL * own.parameters
    ]
    return [name for _, name in sorted(found)]


def _best(
    plan: Plan, fields: Mapping[str, Any], layouts: Sequence[Mapping[str, Any]], aim: str
) -> tuple[Plan | None, float, str]:
    """The changed plan that takes least, what it takes, and a note or why there is none."""
    best: tuple[Plan | None, float, str] = (None, math.nan, "no figure is known for it")
    for layout in layouts:
        try:
            changed = plan.variant(**{**layout, **fields})
            then, broken = amount_of(changed, AIMS[aim]), _new_problem(plan, changed)
        except LlmInfraError as error:
            then, broken = math.nan, str(error)
        if not broken and not then >= best[1] and not math.isnan(then):
            best = changed, then, _format_note(changed)
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
    fields: dict[str, Any] = {}
    here, groups = now, set[str]()
    for pull in sorted(alone, key=lambda pull: pull.lever.group != "layout"):
        lever = pull.lever
        if lever.group in groups or not pull.saved >= WORTH:
            continue
        changed, then, _ = _best(plan, {**fields, **lever.fields}, layouts, aim)
        if changed is None or here - then < WORTH * now:
            continue
        groups.add(lever.group)
        fields |= lever.fields
        yield Added(lever, changed, then - here)
        here = then

"""Which layouts there are, and all of them at once: memory, then speed, as arrays."""

import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from llminfra.catalog.facts import Facts, engine_entry
from llminfra.catalog.loader import ids
from llminfra.catalog.support import support
from llminfra.errors import MissingFact, unknown
from llminfra.facets.base import Band, base_value
from llminfra.facets.capacity import fleet
from llminfra.facets.demand import Demand, latency_targets
from llminfra.facets.memory.beside import UNIFIED
from llminfra.facets.memory.problems import is_assumed
from llminfra.facets.memory.sizing import Sizing
from llminfra.facets.replica.curve import Curve
from llminfra.facets.replica.engine import Engine
from llminfra.formulas import availability, load_curve
from llminfra.formulas import fleet as of_all
from llminfra.plan import Plan
from llminfra.scenario import Scenario
from llminfra.search.memory import Held, Split, held
from llminfra.search.speed import Speeds, speeds

Array = NDArray[Any]
# All numbers of replicas up to here are tried, then steps of a tenth.
_EVERY: Final = 16
_STEP: Final = 1.1
MOST_ACCELERATORS: Final = 64
# States of a population that are worth the time; in larger ones chance hardly moves the mean.
_MOST_STATES: Final = 3_000_000


@dataclass(frozen=True, kw_only=True)
class Axes:
    """What to combine; None is everything that makes sense."""

    precisions: Sequence[str]
    accelerators: Sequence[str] | None = None
    tensor_parallel: Sequence[int] | None = None
    pipeline_parallel: Sequence[int] = (1, 2, 4)
    counts: Sequence[int] | None = None
    beyond_node: bool = False
    measured_beside: Sequence[str] | None = None


@dataclass(frozen=True)
class Pair:
    """One accelerator and precision: facts with draws for memory, base cases for speed."""

    accelerator: str
    precision: str
    sizing: Sizing
    plan: Plan
    bases: Facts
    per_node: float
    price_usd: float

    @property
    def ids(self) -> tuple[str, str]:
        """Catalogue ids of both."""
        return self.accelerator, self.precision

    @cached_property
    def engine(self) -> Engine:
        """The engine on one accelerator, for base cases."""
        engine = Engine(
            self.plan.scenario,
            self.bases,
            deployment=self.plan.deployment,
            demand=self.plan.demand,
            memory=MissingFact("of many layouts at once"),  # search sizes all layouts together
        )
        with suppress(MissingFact):  # computed now, so that engines of other splits share both
            _ = engine.distance, engine.sheets
        return engine


def common_accelerators(scenario: Scenario, facts: Facts) -> list[str]:
    """Accelerators that the engine runs on and whose memory some source states.

    Laptops, boards and boxes under a desk are for who has one: they stand beside another of their
    kind, and where llama.cpp serves.
    """
    entry = engine_entry(scenario.engine, scenario.engine_version)
    has_one = scenario.engine == "llama.cpp" or _is_whole_machine(facts, scenario.accelerator)
    return [
        name
        for name in ids("accelerator")
        if support(facts, entry, name) != "none" and _is_stated(facts, name)
        if has_one or not _is_whole_machine(facts, name)
    ]


def _is_whole_machine(facts: Facts, accelerator: str) -> bool:
    known = facts.has(accelerator, "form_factor")
    return known and facts.text(accelerator, "form_factor") in UNIFIED


def _is_stated(facts: Facts, accelerator: str) -> bool:
    known = facts.has(accelerator, "memory_usable_bytes")
    return known and not is_assumed(facts.number(accelerator, "memory_usable_bytes"))


def _knows(facts: Facts, accelerator: str, precision: str) -> bool:
    """Tell whether weights are multiplied as they are, or unpacked to 16 bits that are native."""
    own = facts.text(accelerator, "architecture")
    native = (facts.text(name, "native_from").split(";") for name in (precision, "bf16"))
    return any({own, "all"} & {part.strip() for part in names} for names in native)


def known_ids(what: str, names: Sequence[str]) -> list[str]:
    """Return ids without repetition; raise InvalidInput for one that does not exist."""
    for name in names:
        if name not in ids(what):
            raise unknown(what, name, ids(what))
    return list(dict.fromkeys(names))


def pairs(scenario: Scenario, axes: Axes, facts: Facts) -> list[Pair]:
    """Prepare every accelerator and precision for which the memory facet has its facts."""
    bases = facts.bases()
    bands = {n: base_value(v) for n, v in scenario if isinstance(v, Band)}
    found: list[Pair] = []
    for accelerator in axes.accelerators or common_accelerators(scenario, facts):
        for precision in axes.precisions:
            if axes.accelerators is None and not _knows(facts, accelerator, precision):
                continue
            one = {"accelerator": accelerator, "precision": precision, "tensor_parallel": 1}
            drawn = scenario.model_copy(update=one | {"pipeline_parallel": 1})
            try:
                sizing = (
                    found[0].sizing.on(accelerator, precision)
                    if found
                    else _first_sizing(drawn, facts)
                )
            except MissingFact:
                continue
            based = Plan(drawn.model_copy(update=bands), facts=bases)
            numbers = (
                bases.number(accelerator, name).base if bases.has(accelerator, name) else default
                for name, default in (("accelerators_per_node", math.inf), ("price_usd", math.nan))
            )
            found.append(Pair(accelerator, precision, sizing, based, bases, *numbers))
    named = axes.measured_beside
    if named is None:
        return found
    return [p for p in found if p.accelerator in named or p.engine.extrapolation == "none"]


def _first_sizing(scenario: Scenario, facts: Facts) -> Sizing:
    plan = Plan(scenario, facts=facts)
    return Sizing(scenario, facts, deployment=plan.deployment, demand=plan.demand)


def splits(scenario: Scenario, axes: Axes, found: Sequence[Pair]) -> Iterator[Split]:
    """Yield the ways to split the model that an engine accepts."""
    if not found:
        return
    model, data = found[0].sizing.model, scenario.data_parallel
    stages = [n for n in axes.pipeline_parallel if n <= model.n_layers]
    groups = [
        n
        for n in model.tensor_parallel_values()
        if (axes.tensor_parallel is None or n in axes.tensor_parallel)
        and data * n % scenario.expert_parallel == 0
    ]
    for i, pair in enumerate(found):
        for n in groups:
            for p in stages:
                if _is_wanted(n, n * p * data, pair, axes):
                    yield Split(i, n, p)


def _is_wanted(tensor_parallel: int, count: int, pair: Pair, axes: Axes) -> bool:
    """Groups stay within one host or scale-up domain unless a size was asked for."""
    if axes.tensor_parallel is None and not axes.beyond_node and tensor_parallel > pair.per_node:
        return False
    if axes.counts is not None:
        return count in axes.counts
    return count <= MOST_ACCELERATORS or axes.tensor_parallel is not None or axes.beyond_node


def replica_steps(load: float, in_flight: Sequence[float] | None) -> list[int]:
    """Numbers of replicas that leave each at most so many requests in flight.

    Examples
    --------
    >>> replica_steps(100, [100, 30, 8]), replica_steps(3.5, None)
    ([1, 4, 13], [1, 2, 3, 4])
    """
    most = max(math.ceil(load), 1)
    if in_flight is not None:
        return sorted({max(math.ceil(load / each), 1) for each in in_flight})
    steps = list(range(1, min(most, _EVERY) + 1))
    while steps[-1] < most:
        steps.append(min(math.ceil(steps[-1] * _STEP), most))
    return steps


@dataclass(frozen=True, kw_only=True)
class Layouts:
    """All layouts of a search, with the room and the speed of one replica of each."""

    scenario: Scenario
    demand: Demand
    pairs: Sequence[Pair]
    splits: Sequence[Split]
    held: Held
    speeds: Speeds
    curve: Curve

    def __len__(self) -> int:
        return len(self.splits)

    def of_pairs(self, values: Sequence[Any]) -> Array:
        """Return values of the accelerators and precisions for every layout."""
        return np.array(values)[[split.sizing for split in self.splits]]

    @cached_property
    def by_layout(self) -> dict[str, Array]:
        """Return the columns that no number of replicas changes."""
        held, splits = self.held, self.splits
        tensor, stages = (
            np.array([getattr(s, f"{kind}_parallel") for s in splits])
            for kind in ("tensor", "pipeline")
        )
        extrapolations = [pair.engine.extrapolation for pair in self.pairs]
        labels = [" ".join(pair.ids) for pair in self.pairs]
        return {
            "accelerator": self.of_pairs([pair.accelerator for pair in self.pairs]),
            "precision": self.of_pairs([pair.precision for pair in self.pairs]),
            "tensor_parallel": tensor,
            "pipeline_parallel": stages,
            "count": tensor * stages * self.scenario.data_parallel,
            "max_sequences": held.sequences,
            "sized_sequences": held.sized_sequences,
            "starts": held.starts,
            "request_ratio": (held.limit_bytes - held.pool_bytes + held.request_bytes)
            / held.limit_bytes,
            "short_bytes": held.request_bytes - held.pool_bytes,
            "unit_price_usd": self.of_pairs([pair.price_usd for pair in self.pairs]),
            "is_measured": self.of_pairs(extrapolations) == "none",
            "kind": self.of_pairs(list(np.unique(labels, return_inverse=True)[1])),
        }

    @cached_property
    def replicas_needed(self) -> Array:
        """Replicas that carry the load in the base case: what a plan is sized for, or fewer."""
        headroom = [
            fleet.headroom(self.scenario, pair.bases, weight_bytes=pair.sizing.all_weights).base
            for pair in self.pairs
        ]
        carried = self.curve.carried(
            self.curve.requests_within(latency_targets(self.scenario)),
            utilization_fraction=self.scenario.target_utilization,
            think_time_s=self.demand.think_time_s.base,
            is_open=self.demand.is_open,
        )
        needed: Array = availability.replicas_needed(
            demanded_requests=self.demand.stated.base,
            carried_requests=np.nan_to_num(carried)[:, 0],
            headroom_fraction=self.of_pairs(headroom),
        )
        return needed

    def steps(self, in_flight: Sequence[float] | None) -> list[int]:
        """Return numbers of replicas to try; see `replica_steps`."""
        full_s = self.curve.full_request_s
        known = full_s[np.isfinite(full_s)]
        # The time of a request on a full replica of a middling layout.
        is_rate = self.demand.is_open and known.size
        request_s = float(np.median(known)) if is_rate else 1.0
        return replica_steps(self.demand.stated.base * request_s, in_flight)

    def rows(self, replicas: Array) -> dict[str, Array]:
        """Return a column of one entry for each layout and its numbers of replicas, flat.

        Parameters
        ----------
        replicas : ndarray
            Layouts by numbers of replicas; NaN leaves a row out.
        """
        steps = np.nan_to_num(replicas, nan=1.0)
        load = self._in_flight(steps)
        columns = {
            name: np.broadcast_to(column[:, None], steps.shape)
            for name, column in self.by_layout.items()
        }
        place = np.broadcast_to(np.arange(len(self))[:, None], steps.shape)
        columns |= {"replicas": steps.astype(int), "layout": place}
        asked = self.demand.stated.base if self.demand.is_open else np.inf
        columns |= {"in_flight": load} | self.speeds.rows(load, asked, steps)
        wanted = ~np.isnan(replicas)
        return {name: column[wanted] for name, column in columns.items()}

    def _in_flight(self, replicas: Array) -> Array:
        """Requests on each replica, layouts by numbers of replicas."""
        demanded, pause_s = self.demand.stated.base, self.demand.think_time_s.base
        all_users = np.broadcast_to(demanded, replicas.shape)
        found: Array = all_users / replicas
        if self.demand.view == "active_users" and demanded * replicas.size > _MOST_STATES:
            found = self.curve.apply(
                load_curve.in_flight_of_users_on_curve,
                name="in_flight",
                active_users=found,
                think_time_s=pause_s,
            )
        elif self.demand.view != "in_flight":
            # One number of replicas at a time: the more there are, the fewer states has each.
            whole = np.hstack(
                [
                    self.curve.in_flight(
                        np.broadcast_to(demanded, column.shape),
                        think_time_s=pause_s,
                        is_open=self.demand.is_open,
                        n_replicas=column,
                    )
                    for column in np.split(replicas, replicas.shape[1], axis=1)
                ]
            )
            found = of_all.in_flight_per_replica(in_flight=whole, n_replicas=replicas)
        return found


def layouts(scenario: Scenario, axes: Axes, facts: Facts) -> Layouts | None:
    """Prepare all layouts; None where no accelerator has the facts of the memory."""
    found = pairs(scenario, axes, facts)
    cuts = list(splits(scenario, axes, found))
    if not cuts:
        return None
    memory = held([pair.sizing for pair in found], cuts)
    engines = [found[s.sizing].engine.over(s.tensor_parallel, s.pipeline_parallel) for s in cuts]
    fast = speeds(engines, [found[split.sizing].sizing for split in cuts], memory)
    places = of_all.places(batch_sequences=fast.places, max_sequences=memory.sequences[:, None])
    return Layouts(
        scenario=scenario,
        demand=found[0].plan.demand,
        pairs=found,
        splits=cuts,
        held=memory,
        speeds=fast,
        curve=Curve.of(places, fast.at),
    )

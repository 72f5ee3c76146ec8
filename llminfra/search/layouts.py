"""Which layouts there are, and all of them at once: memory, then speed, as arrays."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from llminfra.catalog.facts import BaseFacts, Facts, engine_entry
from llminfra.catalog.loader import ids
from llminfra.catalog.support import support
from llminfra.errors import MissingFact, unknown
from llminfra.facets.base import Band, base_value
from llminfra.facets.capacity import fleet
from llminfra.facets.capacity.loads import loads, replicas_needed
from llminfra.facets.capacity.service import CURVE_POINTS, LEAST_PLACES
from llminfra.facets.memory.layout import Sizing
from llminfra.facets.memory.rooms import Rooms, Split, rooms
from llminfra.facets.serving.engine import Engine
from llminfra.facets.serving.grid import Case, SpeedGrid
from llminfra.plan import Plan

Array = NDArray[Any]
# All numbers of replicas up to here are tried, then steps of a tenth.
_EVERY: Final = 16
_STEP: Final = 1.1
MOST_ACCELERATORS: Final = 64


@dataclass(frozen=True, kw_only=True)
class Axes:
    """What to combine; None is everything that makes sense."""

    accelerators: Sequence[str] | None
    precisions: Sequence[str]
    tensor_parallel: Sequence[int] | None
    pipeline_parallel: Sequence[int]
    counts: Sequence[int] | None
    beyond_node: bool = False


@dataclass(frozen=True)
class Pair:
    """One accelerator and precision: facts with draws for memory, base cases for speed."""

    accelerator: str
    precision: str
    sizing: Sizing
    plan: Plan
    facts: BaseFacts
    per_node: float
    price_usd: float

    def case(self, tensor_parallel: int, pipeline_parallel: int) -> Case:
        """Return what the serving law needs of one split."""
        split = (tensor_parallel, pipeline_parallel)
        engine = Engine(self.plan.scenario, self.plan, self.facts, split=split)
        return Case(engine, self.sizing.kv_bytes, self.sizing.most_sequences.base)


def common_accelerators(scenario: Any) -> list[str]:
    """Accelerators that the engine runs on and whose memory some source states."""
    facts = Facts(scenario.fact_overrides())
    entry = engine_entry(scenario.engine, scenario.engine_version)
    return [
        name
        for name in ids("accelerator")
        if support(facts, entry, name) != "none" and _is_stated(facts, name)
    ]


def _is_stated(facts: Facts, accelerator: str) -> bool:
    if not facts.has(accelerator, "memory_usable_bytes"):
        return False
    origin: Any = facts.number(accelerator, "memory_usable_bytes").origin
    return bool(origin.confidence != "assumption")


def _knows(facts: Facts, accelerator: str, precision: str) -> bool:
    """Tell whether weights are multiplied as they are, or unpacked to 16 bits that are native."""
    own = facts.text(accelerator, "architecture")
    native = (facts.text(name, "native_from").split(";") for name in (precision, "bf16"))
    return any({own, "all"} & {part.strip() for part in names} for names in native)


def known(what: str, names: Sequence[str]) -> list[str]:
    """Return ids without repetition; raise InvalidInput for one that does not exist."""
    for name in names:
        if name not in ids(what):
            raise unknown(what, name, ids(what))
    return list(dict.fromkeys(names))


def pairs(scenario: Any, axes: Axes) -> list[Pair]:
    """Prepare every accelerator and precision for which the memory facet has its facts."""
    overrides = scenario.fact_overrides()
    facts, bases = Facts(overrides, user="search"), BaseFacts(overrides, user="search")
    bands = {n: base_value(v) for n, v in scenario if isinstance(v, Band)}
    found = []
    for accelerator in axes.accelerators or common_accelerators(scenario):
        for precision in axes.precisions:
            if axes.accelerators is None and not _knows(facts, accelerator, precision):
                continue
            one = {"accelerator": accelerator, "precision": precision, "tensor_parallel": 1}
            drawn = scenario.model_copy(update=one | {"pipeline_parallel": 1})
            plan = Plan(drawn, facts=facts)
            try:
                sizing = Sizing(drawn, plan, facts)
            except MissingFact:
                continue
            based = Plan(drawn.model_copy(update=bands), facts=bases)
            numbers = (
                bases.number(accelerator, name).base if bases.has(accelerator, name) else default
                for name, default in (("accelerators_per_node", math.inf), ("price_usd", math.nan))
            )
            found.append(Pair(accelerator, precision, sizing, based, bases, *numbers))
    return found


def splits(scenario: Any, axes: Axes, found: Sequence[Pair]) -> Iterator[Split]:
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

    scenario: Any
    demand: float
    is_open: bool
    pairs: Sequence[Pair]
    splits: Sequence[Split]
    room: Rooms
    grid: SpeedGrid
    places: Array
    points: Array
    times: Mapping[str, Array]

    def __len__(self) -> int:
        return len(self.splits)

    def of_pairs(self, values: Sequence[Any]) -> Array:
        """Return values of the accelerators and precisions for every layout."""
        return np.array(values)[[split.sizing for split in self.splits]]

    @cached_property
    def by_layout(self) -> dict[str, Array]:
        """Return the columns that no number of replicas changes."""
        room, splits = self.room, self.splits
        tensor, stages = (
            np.array([getattr(s, f"{kind}_parallel") for s in splits])
            for kind in ("tensor", "pipeline")
        )
        extrapolations = [case.engine.extrapolation for case in self.grid.cases]
        return {
            "accelerator": self.of_pairs([pair.accelerator for pair in self.pairs]),
            "precision": self.of_pairs([pair.precision for pair in self.pairs]),
            "tensor_parallel": tensor,
            "pipeline_parallel": stages,
            "count": tensor * stages * self.scenario.data_parallel,
            "max_sequences": room.held,
            "sized_sequences": room.held_as_sized,
            "request_ratio": (room.limit_bytes - room.pool_bytes + room.request_bytes)
            / room.limit_bytes,
            "short_bytes": room.request_bytes - room.pool_bytes,
            "unit_price_usd": self.of_pairs([pair.price_usd for pair in self.pairs]),
            "is_measured": np.array(extrapolations) == "none",
        }

    @cached_property
    def replicas_needed(self) -> Array:
        """Replicas that carry the load in the base case: what a plan is sized for, or fewer."""
        headroom = [
            fleet.headroom(pair.plan.scenario, pair.plan, pair.facts).base for pair in self.pairs
        ]
        return replicas_needed(
            self.scenario,
            self.demand,
            self.places,
            self.points,
            self.times,
            self.of_pairs(headroom),
        )

    def steps(self, in_flight: Sequence[float] | None) -> list[int]:
        """Return numbers of replicas to try; see `replica_steps`."""
        full_s = self.times["e2e_s"][-1]
        known = full_s[np.isfinite(full_s)]
        # The time of a request on a full replica of a middling layout.
        request_s = float(np.median(known)) if self.is_open and known.size else 1.0
        return replica_steps(self.demand * request_s, in_flight)

    def rows(self, replicas: Array) -> dict[str, Array]:
        """Return a column of one entry for each layout and its numbers of replicas, flat.

        Parameters
        ----------
        replicas : ndarray
            Layouts by numbers of replicas; NaN leaves a row out.
        """
        steps = np.nan_to_num(replicas, nan=1.0)
        load = loads(
            self.scenario, self.demand, self.places, self.points, self.times["e2e_s"], steps
        )
        columns = {
            name: np.broadcast_to(column[:, None], steps.shape)
            for name, column in self.by_layout.items()
        }
        place = np.broadcast_to(np.arange(len(self))[:, None], steps.shape)
        columns |= {"replicas": steps.astype(int), "layout": place}
        arriving = self.demand / steps if self.is_open else np.inf
        columns |= {"in_flight": load} | self.grid.at(load, arriving)
        wanted = ~np.isnan(replicas)
        return {name: column[wanted] for name, column in columns.items()}


def layouts(scenario: Any, axes: Axes) -> Layouts | None:
    """Prepare all layouts; None where no accelerator has the facts of the memory."""
    found = pairs(scenario, axes)
    cuts = list(splits(scenario, axes, found))
    if not cuts:
        return None
    demand, is_open = _demand(scenario)
    room = rooms([pair.sizing for pair in found], cuts)
    cases = [found[s.sizing].case(s.tensor_parallel, s.pipeline_parallel) for s in cuts]
    grid = SpeedGrid(cases, room.sequences)
    places = np.where(room.held[:, None] >= 1, grid.places, 0.0)
    # Between one in flight and all places, as the capacity facet has the time of a request.
    shares = np.linspace(0.0, 1.0, CURVE_POINTS)[:, None, None]
    points = np.maximum(places, LEAST_PLACES) ** shares
    return Layouts(
        scenario=scenario,
        demand=demand,
        is_open=is_open,
        pairs=found,
        splits=cuts,
        room=room,
        grid=grid,
        places=places,
        points=points,
        times=grid.at(points),
    )


def _demand(scenario: Any) -> tuple[float, bool]:
    """The demand, which no layout changes, and whether requests come however long others take."""
    default = type(scenario).model_fields["accelerator"].default
    fixed = {"accelerator": default, "tensor_parallel": 1, "replicas": 1}
    capacity = Plan(scenario.model_copy(update=fixed)).capacity
    return capacity.demand.base, capacity.is_open

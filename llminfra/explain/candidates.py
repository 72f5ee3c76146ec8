"""Changes worth trying where a plan misses a goal: one list, of which each goal takes its kinds."""

import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from llminfra.catalog.facts import Facts, architecture
from llminfra.catalog.loader import ids
from llminfra.facets.base import SIZING_CONFIDENCE
from llminfra.facets.memory.sizing import MOST_TRIED
from llminfra.plan import COMPARISON, Plan
from llminfra.search.layouts import common_accelerators

_SMALLER: Final = ("fp8", "int4", "q8_0", "q4_k_m")
Fields = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """One kind of change: its name, and the moves of which it makes one at a time, or two at once.

    Of each kind the smallest change that reaches the goal is told.
    """

    name: str
    moves: tuple[str, ...]


# In the order in which they are tried: one thing at a time first, then two at once.
FOR_ROOM: Final = (
    Kind("cache", ("cache",)),
    Kind("split", ("split",)),
    Kind("precision", ("precision",)),
    Kind("replicas", ("replicas for the load",)),
    Kind("accelerator", ("accelerator",)),
    Kind("both", ("precision", "split")),
    Kind("accelerator", ("precision", "accelerator")),
    Kind("accelerator", ("split", "accelerator")),
    Kind("model", ("model",)),
)
FOR_PROMPTS: Final = (Kind("prefill split", ("prefill split",)),)
# Groups over several servers were not measured, and their links are slow: none is offered.
FOR_SPEED: Final = (
    Kind("prefill", ("prefill workers",)),
    Kind("decode", ("decode workers",)),
    *FOR_PROMPTS,
    Kind("split", ("split in a server",)),
    Kind("precision", ("precision",)),
    Kind("drafts", ("drafts",)),
    Kind("replicas", ("more replicas",)),
    Kind("both", ("precision", "split in a server")),
)
_ORDER: Final = ("accelerator", "precision", "tensor_parallel")


@dataclass(frozen=True)
class Candidate:
    """A change to try, as scenario fields."""

    kind: str
    fields: Fields


def candidates(plan: Plan, kinds: Iterable[Kind]) -> Iterator[Candidate]:
    """Yield the changes of these kinds, the smallest of a kind first."""
    moves = _Moves(plan)
    for kind in kinds:
        for parts in itertools.product(*(moves.named(name) for name in kind.moves)):
            merged: Fields = {}
            for part in sorted(parts, key=lambda part: _place(next(iter(part)))):
                merged |= part
            yield Candidate(kind.name, merged)


def _place(name: str) -> int:
    return _ORDER.index(name) if name in _ORDER else len(_ORDER)


class _Moves:
    """Single moves away from a plan, each a list of fields from the smallest on."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.scenario, self.deployment = plan, plan.resolved, plan.deployment
        # Facts of all accelerators are looked at to offer a few: their digest is noted, and by
        # name what the plans of changes read.
        self._noted = plan.facts_read_by(COMPARISON)
        self.facts = self._noted.apart(COMPARISON)
        self._made: dict[str, list[Fields]] = {}

    def named(self, name: str) -> list[Fields]:
        """Return the moves of a name, made once."""
        if name not in self._made:
            self._made[name] = list(getattr(self, f"_{name.replace(' ', '_')}")())
            self._noted.note_compared(self.facts)
        return self._made[name]

    def _cache(self) -> Iterator[Fields]:
        if self.plan.memory.kv_bytes_per_value.base > 1:
            yield {"kv_precision": "fp8"}

    def _split(self) -> Iterator[Fields]:
        values = self.deployment.architecture.tensor_parallel_values(MOST_TRIED)
        yield from ({"tensor_parallel": n} for n in values if n > self.deployment.tensor_parallel)

    def _split_in_a_server(self) -> Iterator[Fields]:
        facts, chip, name = self.facts, self.scenario.accelerator, "accelerators_per_node"
        most: float = self.deployment.tensor_parallel
        if self.scenario.accelerators_per_server:
            most = self.scenario.accelerators_per_server
        elif facts.has(chip, name):
            most = facts.number(chip, name).base
        yield from (move for move in self.named("split") if move["tensor_parallel"] <= most)

    def _precision(self) -> Iterator[Fields]:
        """Common formats of the engine with fewer bits."""
        offered = self.facts.text(self.deployment.engine_entry, "formats").split()
        bits = self.facts.number(self.scenario.precision, "bits_per_weight").base
        for name in (name for name in _SMALLER if name in offered):
            if self.facts.number(name, "bits_per_weight").base < bits:
                yield {"precision": name}

    def _drafts(self) -> Iterator[Fields]:
        if not self.scenario.draft_tokens:
            yield {"draft_tokens": 2}

    def _replicas_for_the_load(self) -> Iterator[Fields]:
        """What should carry the load, one more for rounding, more for speed."""
        memory = self.plan.memory
        if memory.fits:
            needed = self.plan.capacity.in_flight / memory.max_sequences.no_less_than(1)
            fewest = math.ceil(needed.at_confidence(1 - SIZING_CONFIDENCE))
            yield from ({"replicas": n} for n in (fewest, fewest + 1, 2 * fewest, 4 * fewest))

    def _more_replicas(self) -> Iterator[Fields]:
        yield from ({"replicas": self.plan.capacity.replicas * n} for n in (2, 4, 8, 16))

    def _prefill_workers(self) -> Iterator[Fields]:
        if prefill := self.deployment.prefill:
            yield from ({"prefill_workers": prefill.workers * n} for n in (2, 4, 8))

    def _decode_workers(self) -> Iterator[Fields]:
        if now := self.scenario.decode_workers:
            yield from ({"decode_workers": now * n} for n in (2, 4, 8))

    def _prefill_split(self) -> Iterator[Fields]:
        if prefill := self.deployment.prefill:
            data = {"prefill_data_parallel": prefill.data_parallel}
            for n in self.deployment.architecture.tensor_parallel_values(MOST_TRIED):
                if n > prefill.tensor_parallel:
                    yield {"prefill_tensor_parallel": n} | data

    def _accelerator(self) -> Iterator[Fields]:
        larger = larger_accelerators(self.plan, self.facts)
        yield from ({"accelerator": accelerator} for accelerator in larger)

    def _model(self) -> Iterator[Fields]:
        """Models of the catalogue with fewer parameters, the largest first."""
        sizes = {name: architecture(name).parameters for name in ids("model")}
        own = self.deployment.architecture.parameters
        smaller = sorted((m for m in sizes if sizes[m] < own), key=lambda m: -sizes[m])
        yield from ({"model": model} for model in smaller)


def larger_accelerators(plan: Plan, facts: Facts) -> list[str]:
    """Accelerators with more memory, of those a search tries: of the same maker first, by size."""
    own = plan.resolved.accelerator
    tried = common_accelerators(plan.resolved, facts)
    sizes = {name: facts.number(name, "memory_usable_bytes").base for name in tried}
    is_known = facts.has(own, "memory_usable_bytes")
    own_bytes = facts.number(own, "memory_usable_bytes").base if is_known else 0.0
    vendor = facts.text(own, "vendor")
    order = {
        name: (facts.text(name, "vendor") != vendor, size)
        for name, size in sizes.items()
        if size > own_bytes
    }
    return sorted(order, key=lambda name: order[name])

"""Many splits of one model at once: the room of each, at the base case and as it is sized."""

import math
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from llminfra.architecture import Stage
from llminfra.facets.base import SIZING_CONFIDENCE
from llminfra.facets.memory.layout import Sizing
from llminfra.formulas import memory as formulas
from llminfra.formulas import runtime
from llminfra.ranges import N_DRAWS

Array = NDArray[np.float64]
# Rows whose draws are held at once: a few megabytes, which caches like.
_CHUNK: Final = 256
# So many draws may miss what is called held at the sizing confidence.
_MISSES: Final = math.floor((1 - SIZING_CONFIDENCE) * N_DRAWS + 1e-9)


@dataclass(frozen=True)
class Split:
    """One layout to size: which `Sizing`, tensor-parallel group, stages."""

    sizing: int
    tensor_parallel: int
    pipeline_parallel: int


@dataclass(frozen=True)
class Rooms:
    """Arrays with one entry for each split.

    ``sequences`` is pool over request on a rank; ``held`` counts whole ones over all ranks, and
    ``held_as_sized`` those in the share of the draws that layouts are sized for.
    """

    sequences: Array
    held: Array
    held_as_sized: Array
    pool_bytes: Array
    request_bytes: Array
    limit_bytes: Array


class _Parts:
    """Distinct terms of the pool, each computed once."""

    def __init__(self) -> None:
        self.index: dict[Hashable, int] = {}
        self.values: list[Array] = []

    def add(self, key: Hashable, compute: Callable[[], Array]) -> int:
        """Return the place of a term."""
        if key not in self.index:
            self.index[key] = len(self.values)
            self.values.append(compute())
        return self.index[key]

    def draws(self) -> Array:
        """Draws of all terms, one row each."""
        width = max((value.size for value in self.values), default=1)
        return np.stack([np.broadcast_to(value, width) for value in self.values])


def rooms(sizings: Sequence[Sizing], splits: Sequence[Split]) -> Rooms:
    """Size splits as the memory facet does one.

    Parameters
    ----------
    sizings : sequence of Sizing
        Facts and fields that the splits of one accelerator and precision share.
    splits : sequence of Split
        The layouts.

    Notes
    -----
    The stage of a pipeline that holds the fewest sequences decides, as in `Sizing.layout`.
    """
    parts = {name: _Parts() for name in ("held", "request", "limit")}
    cuts = {s.pipeline_parallel for s in splits}
    stages = {n: list(dict.fromkeys(sizings[0].model.stages(n))) for n in cuts}
    rows = np.array(
        [
            (i, *row)
            for i, split in enumerate(splits)
            for row in _rows(split, sizings[split.sizing], stages, parts)
        ]
    )
    held, request, limit = (parts[name].draws() for name in ("held", "request", "limit"))
    layout, shares_rest = rows[:, 0], sizings[0].shares_rest
    whole = _whole(rows, held[:, :1], request[:, :1], limit[:, :1], shares_rest=shares_rest)[:, 0]
    order = np.lexsort((whole, layout))
    fullest = rows[order[np.unique(layout[order], return_index=True)[1]]]
    ranks = np.array([sizings[split.sizing].scenario.data_parallel for split in splits])
    pool = _pool(fullest, held[:, :1], limit[:, :1], shares_rest=shares_rest)[:, 0]
    one = request[fullest[:, 2], 0]
    chunks = np.array_split(fullest, max(len(fullest) // _CHUNK, 1))
    drawn = (_whole(c, held, request, limit, shares_rest=shares_rest) for c in chunks)
    sized = np.concatenate([_sized(draws) for draws in drawn])
    return Rooms(
        sequences=pool / one,
        held=formulas.max_sequences(kv_pool_bytes=pool, sequence_bytes=one, data_parallel=ranks),
        held_as_sized=sized * ranks,
        pool_bytes=pool,
        request_bytes=one,
        limit_bytes=limit[fullest[:, 3], 0] * limit[fullest[:, 4], 0],
    )


def _rows(
    split: Split, sizing: Sizing, stages: Mapping[int, list[Stage]], parts: Mapping[str, _Parts]
) -> Iterator[tuple[int, ...]]:
    """Yield places of the terms for each stage: weights, cache, memory, limit, runtime."""
    n = split.tensor_parallel
    limits = (sizing.most_sequences.base, sizing.step_tokens.base)
    memory = parts["limit"].add(("memory", split.sizing), lambda: sizing.memory_bytes.draws)
    share = parts["limit"].add("share", lambda: sizing.utilization.draws)
    both = parts["held"].add(("runtime", limits, n > 1), lambda: _runtime(sizing, n))
    for i, stage in enumerate(stages[split.pipeline_parallel]):
        key = (split.pipeline_parallel, i, n)
        weights = parts["held"].add(
            (sizing.scenario.precision, *key), partial(_held, sizing, stage, n)
        )
        cache = parts["request"].add(
            (sizing.kv_bytes.base, limits[1], *key), partial(_request, sizing, stage, n)
        )
        yield weights, cache, memory, share, both


def _request(sizing: Sizing, stage: Stage, n: int) -> Array:
    return sizing.reserved(stage, n, sizing.request_tokens).draws


def _held(sizing: Sizing, stage: Stage, n: int) -> Array:
    weights = sizing.weights(stage.weight_groups, **sizing.split(n))
    if sizing.scenario.lora_adapters:
        weights = weights + sizing.adapters(stage, n)
    draws: Array = weights.draws
    return draws


def _runtime(sizing: Sizing, n: int) -> Array:
    activation, other = sizing.runtime(n)
    draws: Array = (activation + other).draws
    return draws


def _pool(rows: Any, held: Array, limit: Array, *, shares_rest: bool) -> Array:
    formula = runtime.kv_pool_bytes_of_rest if shares_rest else runtime.kv_pool_bytes
    pool: Array = formula(
        gpu_memory_utilization=limit[rows[:, 4]],
        memory_bytes=limit[rows[:, 3]],
        weight_bytes=held[rows[:, 1]],
        activation_bytes=held[rows[:, 5]],
        other_runtime_bytes=0.0,
    )
    return pool


def _whole(rows: Any, held: Array, request: Array, limit: Array, *, shares_rest: bool) -> Array:
    """Whole sequences on a rank."""
    pool = _pool(rows, held, limit, shares_rest=shares_rest)
    count: Array = formulas.max_sequences(
        kv_pool_bytes=pool, sequence_bytes=request[rows[:, 2]], data_parallel=1
    )
    return count


def _sized(held: Array) -> Array:
    """Sequences that are reached in the share of draws that layouts are sized for."""
    if held.shape[1] == 1:
        return held[:, 0]
    return np.partition(held[:, 1:], _MISSES, axis=1)[:, _MISSES]

"""What many splits of one model hold: at the base case, and as layouts are sized."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from llminfra.architecture import Stage
from llminfra.facets.base import SIZING_CONFIDENCE
from llminfra.facets.memory.sizing import Sizing
from llminfra.formulas.kv_pool import replica_pool
from llminfra.ranges import N_DRAWS
from llminfra.search.columns import Columns

Array = NDArray[np.float64]
# Rows whose draws are held at once: a few megabytes, which fit in a processor's cache.
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
class Held:
    """Arrays with one entry for each split.

    ``sequences`` counts whole ones over all ranks, and ``sized_sequences`` those in the share of
    the draws that layouts are sized for; bytes are those of one accelerator. ``starts`` tells
    whether the pool holds the longest sequence, where the scenario states one.
    """

    sequences: Array
    sized_sequences: Array
    pool_bytes: Array
    request_bytes: Array
    limit_bytes: Array
    starts: Array


def held(sizings: Sequence[Sizing], splits: Sequence[Split]) -> Held:
    """Size splits as the memory facet does one; the fullest stage of a pipeline decides.

    Parameters
    ----------
    sizings : sequence of Sizing
        One for each accelerator and precision.
    splits : sequence of Split
        The layouts.
    """
    shares_rest = sizings[0].shares_rest
    rows = [
        (place, sizing.terms(stage, split.tensor_parallel), (sizing, stage, split.tensor_parallel))
        for place, split in enumerate(splits)
        for sizing in (sizings[split.sizing],)
        for stage in sizing.stages(split.pipeline_parallel)
    ]
    columns = Columns([terms for _, terms, _ in rows])
    whole = replica_pool(**columns.base(), shares_rest=shares_rest).max_sequences
    fullest = _first_of_least(np.array([place for place, *_ in rows]), whole)
    ranks = np.array([sizings[split.sizing].scenario.data_parallel for split in splits])
    base = columns.base(fullest)
    pool = replica_pool(**base, data_parallel=ranks, shares_rest=shares_rest)
    drawn = (
        replica_pool(**columns.draws(part), shares_rest=shares_rest).max_sequences
        for part in np.array_split(fullest, max(len(fullest) // _CHUNK, 1))
    )
    return Held(
        sequences=pool.max_sequences,
        sized_sequences=np.concatenate([_sized(draws) for draws in drawn]) * ranks,
        pool_bytes=pool.kv_pool_bytes,
        request_bytes=base["sequence_bytes"],
        limit_bytes=base["memory_bytes"] * base["gpu_memory_utilization"],
        starts=_longest_bytes([rows[i][2] for i in fullest]) <= pool.kv_pool_bytes,
    )


def _longest_bytes(stages: Sequence[tuple[Sizing, Stage, int]]) -> Array:
    """Cache of one context of the length that the scenario states; none where it states none."""
    is_stated = stages[0][0].scenario.max_model_len is not None
    return np.array(
        [sizing.context(stage, n).base if is_stated else -np.inf for sizing, stage, n in stages]
    )


def _first_of_least(groups: Array, values: Array) -> Any:
    """Row of each group with the least value, the first of equals."""
    order = np.lexsort((values, groups))
    return order[np.unique(groups[order], return_index=True)[1]]


def _sized(held: Array) -> Array:
    """Sequences that are reached in the share of draws that layouts are sized for."""
    if held.shape[1] == 1:
        return held[:, 0]
    return np.partition(held[:, 1:], _MISSES, axis=1)[:, _MISSES]

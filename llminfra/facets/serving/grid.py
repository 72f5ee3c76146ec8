"""Many layouts and loads at once: the serving law over arrays of base cases."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llminfra.errors import MissingFact
from llminfra.facets.serving import constants, law
from llminfra.facets.serving.engine import Engine
from llminfra.ranges import Range

Array = NDArray[Any]
_ERRORS = ("ttft", "tpot")


@dataclass(frozen=True)
class Case:
    """One layout: its engine, the width of its cache, and the sequences that a rank limits."""

    engine: Engine
    kv_bytes_per_value: Range
    max_num_seqs: float


class SpeedGrid:
    """The serving law of many layouts: rows of base cases.

    Parameters
    ----------
    cases : sequence of Case
        The layouts, all of one model and engine; engines that know base cases alone.
    sequences : ndarray
        Pool over request on a rank of each layout. [sequence]

    Notes
    -----
    The law of the serving facet, so that an entry equals the plan of the same layout (a test
    compares them).
    """

    def __init__(self, cases: Sequence[Case], sequences: Array) -> None:
        self.cases, self.engine, self.v = cases, cases[0].engine, _inputs(cases)
        limits = np.array([case.max_num_seqs for case in cases])[:, None]
        held = law.batch_sequences(
            sequences[:, None],
            _kept(cases)[:, None],
            limits,
            self.engine.scenario.data_parallel,
        )
        self.is_capped = limits < sequences[:, None]
        self.batch = np.maximum(held / self.v["ranks"], 1.0)
        self.places = np.where(np.isnan(self.v["weight_bytes_per_s"]), np.nan, 1.0) * (
            self.batch * self.v["ranks"]
        )

    def at(self, in_flight: Array, requests_per_s: Any = np.inf) -> dict[str, Array]:
        """Return ttft_s, tpot_s, e2e_s, output_tokens_per_s and the name of the limit.

        Parameters
        ----------
        in_flight : ndarray
            Loads of a replica; its last axes are layouts and loads. [request]
        requests_per_s : array_like
            Arrivals at a replica where they do not depend on its speed. [1/s]

        Returns
        -------
        at : dict
            Arrays of the shape of `in_flight`; NaN where the accelerator lacks a fact.
        """
        v, load = self.v, self.engine.base_load(np.maximum(in_flight, 1e-9))
        arrivals = self.engine.scenario.arrivals
        with np.errstate(invalid="ignore", divide="ignore"):
            seen = law.loaded(v, load, self.batch, law.plainly, arrivals=arrivals)
            limit = _limit(v, load, seen["step_s"], self.batch, self.is_capped)
        ttft, tpot = (seen[f"{name}_s"] * v[f"{name}_ratio"] for name in _ERRORS)
        e2e = ttft + tpot * (load["output_tokens"] - 1)
        rate = np.minimum(in_flight / e2e, requests_per_s) * load["output_tokens"]
        found = {"ttft_s": ttft, "tpot_s": tpot, "e2e_s": e2e, "output_tokens_per_s": rate}
        return found | {"limit": limit}


def _kept(cases: Sequence[Case]) -> Array:
    """Share of a request's final cache that it holds on average, by the width of the cache."""
    widths = np.array([case.kv_bytes_per_value.base for case in cases])
    each, place = np.unique(widths, return_inverse=True)
    kept: Array = cases[0].engine.kept_fraction(each)[place]
    return kept


class _Columns:
    """Distinct rows of numbers, each computed once, and which of them every layout has."""

    def __init__(self) -> None:
        self.places: dict[Hashable, int] = {}
        self.rows: list[Mapping[str, float]] = []
        self.taken: list[int] = []

    def take(self, key: Hashable, compute: Callable[[], Mapping[str, float]]) -> None:
        """Note the row of the next layout."""
        if key not in self.places:
            self.places[key] = len(self.rows)
            self.rows.append(compute())
        self.taken.append(self.places[key])

    def arrays(self) -> dict[str, Array]:
        """Return a column of one entry per layout for every name; NaN where a row lacks it."""
        names = dict.fromkeys(name for row in self.rows for name in row)
        table = {n: np.array([row.get(n, np.nan) for row in self.rows], float) for n in names}
        return {name: column[self.taken][:, None] for name, column in table.items()}


def _inputs(cases: Sequence[Case]) -> dict[str, Any]:
    """Stack the law's inputs; work depends on the split, rates and constants on the chip."""
    work, device = _Columns(), _Columns()
    for case in cases:
        engine, width = case.engine, case.kv_bytes_per_value
        precision = engine.scenario.precision
        work.take((precision, engine.layout, width.base), partial(_counts, engine, width))
        key = (engine.accelerator, precision, engine.layout.tensor_parallel)
        device.take(key, partial(_device, engine))
    missing = np.full((len(cases), 1), np.nan)  # where no chip has all facts
    counts, rates = work.arrays(), defaultdict(lambda: missing, device.arrays())
    found: dict[str, Any] = constants.law_inputs(counts, rates, rates)
    most = cases[0].engine.scenario.max_num_batched_tokens
    if most is not None:
        found["pass_tokens"] = float(most)
    return found | {f"{name}_ratio": rates[f"{name}_ratio"] for name in _ERRORS}


def _counts(engine: Engine, width: Range) -> dict[str, float]:
    return {name: float(value) for name, value in engine.counts(width).items()}


def _device(engine: Engine) -> dict[str, float]:
    """Rates and constants of a chip with a link; nothing where a fact is missing."""
    try:
        rates: dict[str, Any] = engine.chip() | engine.roles()
        rates |= {f"{name}_ratio": np.exp(engine.log_error(name)) for name in _ERRORS}
    except MissingFact:
        return {}
    return {name: float(value) for name, value in rates.items()}


def _limit(v: law.Values, load: law.Values, step_s: Array, batch: Array, capped: Array) -> Array:
    """Name what takes most of a request's time, or the memory where requests wait for it."""
    parts = law.parts(v, load, step_s)
    names, times = np.array(list(parts)), np.broadcast_arrays(*parts.values())
    most = names[np.argmax(np.stack(times), axis=0)]
    waits = np.maximum(load["in_flight"] / v["ranks"], 1.0) > batch * (1 + 1e-9)
    return np.where(waits, np.where(capped, "batch limit", "KV cache memory"), most)

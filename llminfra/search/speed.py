"""The serving law over many layouts: a row of base cases for each."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from llminfra.errors import MissingFact
from llminfra.facets.memory.sizing import Sizing
from llminfra.facets.replica.engine import Engine
from llminfra.formulas import batch, binding, law, request
from llminfra.formulas.memory import pool_sequences
from llminfra.ranges import exact
from llminfra.search.columns import Columns
from llminfra.search.memory import Held

Array = NDArray[Any]


@dataclass(frozen=True)
class Speeds:
    """What the law takes, as columns with one entry for each layout; NaN where a fact is missing.

    The engines know base cases alone, and are of one model.
    """

    engines: Sequence[Engine]
    inputs: Mapping[str, Array]
    errors: Mapping[str, Array]
    batch: Array
    is_capped: Array

    @property
    def places(self) -> Array:
        """Sequences that a replica of each layout decodes at once."""
        found: Array = batch.replica_sequences(sequences=self.batch, n_ranks=self.inputs["ranks"])
        return found

    def at(self, in_flight: Array) -> dict[str, Array]:
        """Return times and rates of a replica; the last axes of the loads are layouts and loads."""
        return self._answered(in_flight, self._seen(in_flight))

    def rows(self, in_flight: Array, requests_per_s: float, replicas: Array) -> dict[str, Array]:
        """Return times, rates and the name of the limit, where no more goes out than comes in."""
        seen = self._seen(in_flight)
        found, load = self._answered(in_flight, seen), self.engines[0].base_load(in_flight)
        found["output_tokens_per_s"] = request.answered_tokens_per_s(
            in_flight=in_flight,
            request_s=found["e2e_s"],
            requests_per_s=requests_per_s,
            n_replicas=replicas,
            output_tokens=load["output_tokens"],
        )
        found["limit"] = binding.binding_limit(
            self.inputs, load, seen["step_s"], self.batch, self.is_capped
        )
        return found

    @cached_property
    def _full_batch(self) -> dict[str, Array]:
        return law.full_batch(self.inputs, self.engines[0].base_load(1.0), self.batch)

    def _seen(self, in_flight: Array) -> dict[str, Array]:
        engine = self.engines[0]
        load = engine.base_load(batch.present_requests(in_flight=in_flight))
        arrivals = engine.scenario.arrivals
        return law.loaded(self.inputs, load, self.batch, arrivals=arrivals, full=self._full_batch)

    def _answered(self, in_flight: Array, seen: Mapping[str, Array]) -> dict[str, Array]:
        tokens = self.engines[0].output_tokens.base
        return law.with_errors(seen, in_flight=in_flight, output_tokens=tokens, errors=self.errors)


def speeds(engines: Sequence[Engine], sizings: Sequence[Sizing], held: Held) -> Speeds:
    """Prepare the law for layouts, with an engine and a sizing for each."""
    known = _Terms()
    rows = [known.parts(*of) for of in zip(engines, sizings, strict=True)]
    found = {n: c for part in zip(*rows, strict=True) for n, c in Columns(part).base().items()}
    missing = np.full(len(engines), np.nan)  # where no chip has all facts
    terms = defaultdict(lambda: missing[:, None], {n: v[:, None] for n, v in found.items()})
    inputs = law.inputs(terms, terms, terms)
    sequences = pool_sequences(kv_pool_bytes=held.pool_bytes, sequence_bytes=held.request_bytes)[
        :, None
    ]
    on_rank = batch.batch_sequences(
        pool_sequences=sequences,
        kept_fraction=terms["kept_fraction"],
        max_num_seqs=terms["max_num_seqs"],
        data_parallel=engines[0].scenario.data_parallel,
        n_ranks=terms["ranks"],
    )
    errors = {name: terms[name] for name in ("ttft", "tpot")}
    return Speeds(engines, inputs, errors, on_rank, terms["max_num_seqs"] < sequences)


# A constant of chips that wait for the attention of a sequence; beside them all others have none.
_NO_WAIT: Final = {"cache_wait_sequences": exact(0.0)}


class _Terms:
    """What the law of a layout is made of; what layouts have in common is computed once."""

    def __init__(self) -> None:
        self._known: dict[Hashable, Any] = {}

    def parts(self, engine: Engine, sizing: Sizing) -> tuple[Mapping[str, Any], ...]:
        """Return what depends on the split, on the chip and on its room; each once for all."""
        precision, split, width = engine.scenario.precision, engine.layout, sizing.kv_bytes
        limit = sizing.most_sequences
        return (
            self._once((precision, split, width), lambda: engine.counts(width)),
            self._once(
                (engine.accelerator, precision, split.tensor_parallel), lambda: self._rates(engine)
            ),
            self._once(
                (width, limit),
                lambda: {
                    "kept_fraction": engine.kept_fraction(width.draws),
                    "max_num_seqs": limit,
                },
            ),
        )

    def _rates(self, engine: Engine) -> dict[str, Any]:
        """Rates and constants of a chip with a link; nothing where a fact is missing."""
        try:
            constants = engine.case, engine.crosses_servers
            chip, roles = engine.chip(), self._once(constants, engine.roles)
            seen = engine.error_profile, engine.distance
            return {**_NO_WAIT, **chip, **roles, **self._once(seen, engine.log_errors)}
        except MissingFact:
            return {}

    def _once(self, key: Hashable, compute: Callable[[], Any]) -> Any:
        if key not in self._known:
            self._known[key] = compute()
        return self._known[key]

"""One replica: places, speed at any load, and its physical floors."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from llminfra.errors import MissingFact
from llminfra.facets.base import Result, known
from llminfra.facets.memory import Memory
from llminfra.facets.replica.curve import Curve
from llminfra.facets.replica.engine import Engine
from llminfra.facets.replica.pools import Pools
from llminfra.formulas import batch, fleet, law, load_curve, request
from llminfra.formulas._formula import Quantity
from llminfra.ranges import Range, as_range

if TYPE_CHECKING:
    import pandas as pd

# In the order of a table.
_COMPUTED = (
    *("max_batch_sequences", "full_request_s", "max_requests_per_s"),
    *("floor_tpot_s", "floor_ttft_s", "floor_e2e_s", "extrapolation"),
)


@dataclasses.dataclass(frozen=True)
class Replica(Result):
    """What one replica delivers, whatever the load is. Computed when it is asked for."""

    headline: ClassVar[tuple[str, ...]] = ("max_requests_per_s",)

    _engine: Engine = dataclasses.field(repr=False, compare=False)
    _memory: Memory | MissingFact = dataclasses.field(repr=False, compare=False)
    _targets: Mapping[str, float] = dataclasses.field(repr=False, compare=False)

    def items(self) -> Iterator[tuple[str, Any]]:
        """Yield name and value of every quantity that no fact lacks."""
        yield from self.available(_COMPUTED)

    @property
    def engine(self) -> Engine:
        """The serving law with this replica's work and constants."""
        return self._engine

    @property
    def drafts(self) -> bool:
        """Whether the workers that answer draft tokens, and take their prompts themselves."""
        return self._engine.scenario.draft_tokens > 0 and not isinstance(self._engine, Pools)

    @cached_property
    def fits(self) -> bool:
        """Whether it runs; taken for granted where its memory is not known.

        A benchmark with clients that start together was run, whatever the memory model says.
        """
        was_run = self._engine.scenario.arrivals == "closed_loop"
        return was_run or isinstance(self._memory, MissingFact) or self._memory.fits

    def if_it_fits(self, value: Range) -> Range:
        """No number where the model does not fit, whatever its speed would be."""
        if self.fits:
            return value
        return Range(
            np.nan, name=value.name, unit=value.unit, formula=value.formula, inputs=value.inputs
        )

    # -- places --------------------------------------------------------------------------------

    @cached_property
    def max_batch_sequences(self) -> Range:
        """Sequences that a replica works on at once; none where the model does not fit."""
        most = batch.max_batch_sequences(
            batch_sequences=self._engine.batch_sequences, fits_fraction=float(self.fits)
        )
        return as_range(most)

    @cached_property
    def places(self) -> Range:
        """Requests answered at the same time, by draw; 0 when the model does not fit."""
        most, held = self.max_batch_sequences, known(self._memory).max_sequences
        places = fleet.places(batch_sequences=most, max_sequences=held)
        return as_range(places, name="n_places")

    @cached_property
    def requests_within_targets(self) -> Range:
        """The places, or fewer where the latency targets allow fewer."""
        return as_range(self.curve.requests_within(self._targets))

    # -- speed at any load ---------------------------------------------------------------------

    @cached_property
    def full_request_s(self) -> Range:
        """Time of a request when all places are taken."""
        full = load_curve.curve_points(n_places=self.places, position_fraction=1.0)
        return self.e2e_at(full).named("request_s")

    @property
    def max_requests_per_s(self) -> Range:
        """Requests that it answers when it is full."""
        most = fleet.answered_requests_per_s(
            in_flight=self.places, request_s=self.full_request_s, n_replicas=1.0
        )
        return as_range(most, name="max_requests_per_s")

    @cached_property
    def max_output_tokens_per_s(self) -> Range:
        """Output tokens of a replica that always has a request to admit."""
        found = self._engine.saturated()["max_output_tokens_per_s"]
        return self.if_it_fits(self._engine.with_error(found, "saturated"))

    @cached_property
    def curve(self) -> Curve:
        """Speed at loads between one request and all places."""
        return Curve.of(self.places, self.speed, full_request_s=self.full_request_s)

    def seen_at(self, in_flight: Range) -> dict[str, Range]:
        """What a request sees with so many in flight, before the error of the fit."""
        return self._engine.loaded(in_flight)

    def with_error(self, value: Range, quantity_name: str) -> Range:
        """Widen by the error of the fit."""
        return self._engine.with_error(value, quantity_name)

    def e2e_at(self, in_flight: Range) -> Range:
        """Return the mean time to the last token at another load, with what it rests on."""
        seen = self._engine.loaded(in_flight)
        times = {f"{name}_s": self.with_error(seen[f"{name}_s"], name) for name in ("ttft", "tpot")}
        return self.e2e_s(**times)

    def at(self, in_flight: Sequence[float]) -> "pd.DataFrame":
        """Return times and rate at other loads as tidy rows.

        Parameters
        ----------
        in_flight : sequence of float
            Requests in flight at the replica. [request]

        Returns
        -------
        at : DataFrame
            Columns in_flight, name, unit, low, base, high.
        """
        import pandas as pd  # heavy, and only reports ask

        found = self.speed(np.asarray(in_flight, dtype=float)[:, None])
        bands = [
            (load, Range(draws, name=name))
            for name, rows in found.items()
            for load, draws in zip(in_flight, rows, strict=True)
        ]
        rows = [
            (load, band.name, band.unit, band.low, band.base, band.high) for load, band in bands
        ]
        return pd.DataFrame(rows, columns=["in_flight", "name", "unit", "low", "base", "high"])

    def speed(self, in_flight: Quantity) -> dict[str, Quantity]:
        """Return times and rate at other loads, with their draws along the last axis.

        Parameters
        ----------
        in_flight : ndarray
            Requests in flight at the replica; the last axis is one or the draws. [request]

        Returns
        -------
        speed : dict
            ttft_s, tpot_s, e2e_s, output_tokens_per_s and user_tokens_per_s.
        """
        return law.with_errors(
            self._engine.curve(in_flight),
            in_flight=in_flight,
            output_tokens=self._engine.output_tokens.draws,
            errors={name: error.draws for name, error in self._engine.log_errors().items()},
        )

    def e2e_s(self, *, ttft_s: Range, tpot_s: Range) -> Range:
        """Time to the last token, of those to the first and between the others."""
        tokens = self._engine.output_tokens
        return as_range(request.e2e_s(ttft_s=ttft_s, tpot_s=tpot_s, output_tokens=tokens))

    # -- floors and what the fit has seen ------------------------------------------------------

    @cached_property
    def floor_tpot_s(self) -> Range:
        """Time between tokens that no software can beat on these accelerators."""
        return self._engine.floor_tpot()

    @cached_property
    def floor_ttft_s(self) -> Range:
        """Time to the first token that no software can beat on these accelerators."""
        return self._engine.floor_ttft()

    @property
    def floor_e2e_s(self) -> Range:
        """Time to the last token that no software can beat on these accelerators."""
        floor = self.e2e_s(ttft_s=self.floor_ttft_s, tpot_s=self.floor_tpot_s)
        return floor.named("floor_e2e_s")

    @property
    def extrapolation(self) -> str:
        """How far the accelerator is from those that the fit has seen."""
        return self._engine.extrapolation

    @property
    def is_other_family(self) -> bool:
        """Whether no row of the fit under this engine is of the model's family."""
        return self._engine.distance.is_other_family

    @property
    def error_profile(self) -> str:
        """Entry of the catalogue that says how far predictions like these were off."""
        return self._engine.error_profile

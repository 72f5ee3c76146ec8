"""How fast: time to first token, between tokens and to the end, and what a replica delivers."""

import dataclasses
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from llminfra.catalog.facts import Facts
from llminfra.errors import MissingFact
from llminfra.facets.base import Inputs as BaseInputs
from llminfra.facets.base import Quantity, Result, field
from llminfra.facets.serving.engine import Engine
from llminfra.facets.serving.percentile import ttft_percentile_s
from llminfra.facets.serving.pools import Pools
from llminfra.facets.serving.targets import missed, problems
from llminfra.formulas import loop
from llminfra.ranges import Range, apply

if TYPE_CHECKING:
    import pandas as pd

    from llminfra.plan import Plan

__all__ = ["Inputs", "PairServing", "Serving", "evaluate", "problems"]


def _target(words: str) -> Any:
    return field(
        None, help=f"longest acceptable mean {words}; none is no target", unit="s", minimum=1e-6,
        maximum=86_400,
    )  # fmt: skip


class Inputs(BaseInputs):
    """Fields that matter to speed alone."""

    prefix_cache_hit_fraction: Quantity = field(
        0.0, help="share of prompt tokens found in the cache", unit="1", minimum=0, maximum=0.999
    )
    arrivals: Literal["poisson", "closed_loop"] = field(
        "poisson",
        help="independent arrivals, or a benchmark whose clients start together",
    )
    ttft_target_s: float | None = _target("time to first token")
    tpot_target_s: float | None = _target("time between output tokens")
    e2e_target_s: float | None = _target("time to the last token")
    draft_tokens: int = field(
        0,
        help="tokens drafted for each step; 0 is no drafting",
        unit="token",
        minimum=0,
        maximum=16,
    )
    draft_acceptance_probability: Quantity = field(
        0.7, help="share of drafted tokens accepted", unit="1", minimum=0, maximum=0.99
    )
    draft_step_fraction: Quantity = field(
        0.03, help="time of drafting a token against a step", unit="1", minimum=0, maximum=1
    )
    tuning_factor: Quantity = field(
        1.0,
        help="arithmetic speed against the engine's reference build; 1.2 for MLPerf submissions",
        unit="1",
        minimum=0.1,
        maximum=2,
    )


# In the order of a table.
_COMPUTED = (
    *("ttft_s", "ttft_percentile_s", "tpot_s", "e2e_s", "output_tokens_per_s"),
    *("user_tokens_per_s", "max_output_tokens_per_s", "max_batch_sequences"),
    *("step_s", "prefill_s", "floor_tpot_s", "floor_ttft_s", "floor_e2e_s"),
    *("binding_limit", "extrapolation"),
)


@dataclasses.dataclass(frozen=True)
class Serving(Result):
    """Speed of one replica at the scenario's load, and when it is saturated.

    Computed when it is asked for: the load may follow from the speed at other loads, which
    `curve` tells.
    """

    headline: ClassVar[tuple[str, ...]] = (
        *("ttft_s", "tpot_s", "e2e_s", "output_tokens_per_s", "max_output_tokens_per_s"),
        "binding_limit",
    )

    _engine: Engine = dataclasses.field(repr=False, compare=False)
    _plan: "Plan" = dataclasses.field(repr=False, compare=False)

    def items(self) -> Iterator[tuple[str, Any]]:
        """Yield name and value of every quantity that no fact lacks."""
        for name in _COMPUTED:
            try:
                yield name, getattr(self, name)
            except MissingFact:  # such as a wait for places where the memory is not known
                continue

    @cached_property
    def _fits(self) -> bool:
        """Whether the replica runs: as where its memory is not known, or its benchmark was run."""
        was_run = self._engine.scenario.arrivals == "closed_loop"
        try:
            return was_run or self._plan.memory.fits
        except MissingFact:
            return True

    def _if_it_fits(self, value: Range) -> Range:
        """No number where the model does not fit, whatever its speed would be."""
        if self._fits:
            return value
        return Range(
            np.nan, name=value.name, unit=value.unit, formula=value.formula, inputs=value.inputs
        )

    @cached_property
    def _load(self) -> Range:
        return self._plan.capacity.in_flight_per_replica

    @cached_property
    def _seen(self) -> dict[str, Range]:
        return self._engine.loaded(self._load)

    @cached_property
    def ttft_s(self) -> Range:
        """Mean time to the first token."""
        return self._if_it_fits(self._engine.with_error(self._seen["ttft_s"], "ttft"))

    @cached_property
    def ttft_percentile_s(self) -> Range:
        """Time to the first token, wait for a place included, of `percentile_fraction` of all."""
        return self._if_it_fits(ttft_percentile_s(self._engine, self._plan))

    @cached_property
    def tpot_s(self) -> Range:
        """Mean time between output tokens."""
        return self._if_it_fits(self._engine.with_error(self._seen["tpot_s"], "tpot"))

    @cached_property
    def e2e_s(self) -> Range:
        """Mean time to the last token."""
        return self._e2e(self.ttft_s, self.tpot_s)

    @cached_property
    def output_tokens_per_s(self) -> Range:
        """Output tokens of a replica, with the scenario's requests in flight on it."""
        rate: Range = self._load * self._engine.output_tokens / self.e2e_s
        capacity = self._plan.capacity
        if not capacity.is_open:
            return rate.named("output_tokens_per_s")
        # The load follows from a curve of straight pieces: no more goes out than comes in.
        asked = capacity.requests_per_s / capacity.replicas * self._engine.output_tokens
        within = np.minimum(rate.draws, asked.draws)
        return Range(within, name="output_tokens_per_s", inputs={"served": rate, "asked": asked})

    @cached_property
    def user_tokens_per_s(self) -> Range:
        """Output tokens of one request, once they come; over all its time where it is one."""
        return apply(
            loop.user_tokens_per_s,
            tpot_s=self.tpot_s,
            request_s=self.e2e_s,
            output_tokens=self._engine.output_tokens,
        )

    @cached_property
    def max_output_tokens_per_s(self) -> Range:
        """Output tokens of a replica that always has a request to admit."""
        found = self._engine.saturated()["max_output_tokens_per_s"]
        return self._if_it_fits(self._engine.with_error(found, "saturated"))

    @cached_property
    def max_batch_sequences(self) -> Range:
        """Sequences that a replica works on at once; none where the model does not fit."""
        batch: Range = self._engine.batch_sequences * self._fits
        return batch.named("max_batch_sequences")

    @property
    def step_s(self) -> Range:
        """Time of a decode step."""
        return self._if_it_fits(self._seen["step_s"])

    @property
    def prefill_s(self) -> Range:
        """Time that a prompt takes from the replica."""
        return self._if_it_fits(self._seen["prefill_s"])

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
        floor: Range = self._to_the_end(self.floor_ttft_s, self.floor_tpot_s)
        return floor.named("floor_e2e_s")

    @cached_property
    def binding_limit(self) -> str:
        """What takes most of a request's time, or what requests wait for."""
        if not self._fits:
            return "memory: the model does not fit"
        return self._engine.binding_limit(self._seen, self._load)

    @property
    def missed_targets(self) -> tuple[str, ...]:
        """Latency targets that the scenario's load misses, in words."""
        return missed(self._engine.scenario, self)

    @property
    def extrapolation(self) -> str:
        """How far the accelerator is from those that the fit has seen."""
        return self._engine.extrapolation

    @property
    def error_profile(self) -> str:
        """Entry of the catalogue that says how far predictions like these were off."""
        return self._engine.error_profile

    def e2e_at(self, in_flight: Range) -> Range:
        """Return the mean time to the last token at another load, with what it rests on."""
        seen = self._engine.loaded(in_flight)
        errors = (self._engine.with_error(seen[f"{name}_s"], name) for name in ("ttft", "tpot"))
        return self._e2e(*errors)

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

        found = self.curve(np.asarray(in_flight, dtype=float)[:, None])
        bands = [
            (load, Range(draws, name=name))
            for name, rows in found.items()
            for load, draws in zip(in_flight, rows, strict=True)
        ]
        rows = [
            (load, band.name, band.unit, band.low, band.base, band.high) for load, band in bands
        ]
        return pd.DataFrame(rows, columns=["in_flight", "name", "unit", "low", "base", "high"])

    def curve(self, in_flight: Any) -> dict[str, Any]:
        """Return times and rate at other loads, with their draws along the last axis.

        Parameters
        ----------
        in_flight : ndarray
            Requests in flight at the replica; the last axis is one or the draws. [request]

        Returns
        -------
        curve : dict
            ttft_s, tpot_s, e2e_s, output_tokens_per_s and user_tokens_per_s.
        """
        found = self._engine.curve(in_flight)
        ttft, tpot = (
            found[f"{name}_s"] * np.exp(self._engine.log_error(name).draws)
            for name in ("ttft", "tpot")
        )
        e2e = self._to_the_end(ttft, tpot)
        tokens = self._engine.output_tokens.draws
        rate = in_flight * tokens / e2e
        one = loop.user_tokens_per_s(tpot_s=tpot, request_s=e2e, output_tokens=tokens)
        each = {"user_tokens_per_s": one}
        return {"ttft_s": ttft, "tpot_s": tpot, "e2e_s": e2e, "output_tokens_per_s": rate} | each

    def _e2e(self, ttft_s: Range, tpot_s: Range) -> Range:
        e2e: Range = self._to_the_end(ttft_s, tpot_s)
        return e2e.named("e2e_s")

    def _to_the_end(self, ttft_s: Any, tpot_s: Any) -> Any:
        tokens = self._engine.output_tokens
        return ttft_s + tpot_s * ((tokens if isinstance(ttft_s, Range) else tokens.draws) - 1)


# What a pair of pools adds to the table.
_OF_POOLS = (
    *("prefill_requests_per_s", "prefill_utilization", "decode_requests_per_s"),
    *("handoff_s", "balanced_prefill_ratio"),
)


@dataclasses.dataclass(frozen=True)
class PairServing(Serving):
    """Speed of a replica whose prompts are read by other workers than those that decode."""

    headline: ClassVar[tuple[str, ...]] = (
        *Serving.headline,
        "prefill_utilization",
        "balanced_prefill_ratio",
    )

    _engine: Pools = dataclasses.field(repr=False, compare=False)

    def items(self) -> Iterator[tuple[str, Any]]:
        """Yield name and value of every quantity, those of the pools last."""
        yield from super().items()
        yield from ((name, getattr(self, name)) for name in _OF_POOLS)

    @property
    def prefill_requests_per_s(self) -> Range:
        """Prompts that the prefill workers read when they are never idle."""
        return self._if_it_fits(self._seen["prefill_requests_per_s"])

    @cached_property
    def decode_requests_per_s(self) -> Range:
        """Answers that the decode workers finish when their memory or batch is full."""
        return self._if_it_fits(self._engine.saturated()["decode_requests_per_s"])

    @cached_property
    def prefill_utilization(self) -> Range:
        """Share of the prefill workers' time that the load takes."""
        used: Range = self._seen["requests_per_s"] / self._seen["prefill_requests_per_s"]
        return self._if_it_fits(used.named("prefill_utilization"))

    @property
    def handoff_s(self) -> Range:
        """Time in which the cache of a prompt reaches the worker that decodes."""
        return self._if_it_fits(self._seen["handoff_s"])

    @cached_property
    def balanced_prefill_ratio(self) -> Range:
        """Prefill accelerators for each decode accelerator that suit the present batch."""
        return self._if_it_fits(self._engine.prefill_ratio(self._seen))


def evaluate(scenario: Any, plan: "Plan", facts: Facts) -> Serving:
    """Prepare the serving law of one replica; raise MissingFact where a data sheet lacks a rate."""
    prefill = plan.deployment.prefill
    if prefill is not None:
        return PairServing(_engine=Pools(scenario, plan, facts, prefill), _plan=plan)
    engine = Engine(scenario, plan, facts)
    engine.chip()
    return Serving(_engine=engine, _plan=plan)

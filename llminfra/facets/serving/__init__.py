"""How fast: time to first token, between tokens and to the end, and what a replica delivers."""

import dataclasses
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from llminfra.catalog.facts import Facts
from llminfra.facets.base import Inputs as BaseInputs
from llminfra.facets.base import Quantity, Result, field
from llminfra.facets.serving.engine import Engine
from llminfra.facets.serving.targets import problems
from llminfra.ranges import Range

if TYPE_CHECKING:
    from llminfra.plan import Plan

__all__ = ["Inputs", "Serving", "evaluate", "problems"]


def _target(words: str) -> Any:
    return field(
        None, help=f"longest acceptable {words}; none is no target", unit="s", minimum=1e-6,
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


@dataclasses.dataclass(frozen=True)
class Serving(Result):
    """Speed of one replica at the scenario's load, and when it is saturated."""

    headline = (
        *("ttft_s", "tpot_s", "e2e_s", "output_tokens_per_s", "max_output_tokens_per_s"),
        "binding_limit",
    )

    ttft_s: Range
    tpot_s: Range
    e2e_s: Range
    output_tokens_per_s: Range
    max_output_tokens_per_s: Range
    max_batch_sequences: Range
    step_s: Range
    prefill_s: Range
    floor_tpot_s: Range
    floor_ttft_s: Range
    binding_limit: str
    extrapolation: str
    _engine: Engine = dataclasses.field(repr=False, compare=False)

    def at(self, in_flight: Any) -> dict[str, Any]:
        """Return base cases at other loads, as arrays: ttft_s, tpot_s, e2e_s, output_tokens_per_s.

        Parameters
        ----------
        in_flight : array_like
            Requests in flight at the replica. [request]
        """
        return self._engine.curve(np.asarray(in_flight, dtype=float))

    @property
    def floor_e2e_s(self) -> Range:
        """Time to the last token that no software can beat on these accelerators."""
        steps: Range = self._engine.output_tokens
        total: Range = self.floor_ttft_s + self.floor_tpot_s * (steps - 1)
        return total.named("floor_e2e_s")


def evaluate(scenario: Any, plan: "Plan", facts: Facts) -> Serving:
    """Evaluate the serving law of one replica."""
    engine = Engine(scenario, plan, facts)
    load: Range = plan.capacity.in_flight / scenario.replicas
    seen, full = engine.loaded(load), engine.saturated()
    tpot = engine.with_error(seen["tpot_s"], "tpot")
    ttft = engine.with_error(seen["ttft_s"], "ttft")
    e2e = (ttft + tpot * (engine.output_tokens - 1)).named("e2e_s")
    rate = (load * engine.output_tokens / e2e).named("output_tokens_per_s")
    return Serving(
        ttft_s=ttft,
        tpot_s=tpot,
        e2e_s=e2e,
        output_tokens_per_s=rate,
        max_output_tokens_per_s=engine.with_error(full["max_output_tokens_per_s"], "saturated"),
        max_batch_sequences=(engine.batch * engine.ranks).named("max_batch_sequences"),
        step_s=seen["step_s"],
        prefill_s=seen["prefill_s"],
        floor_tpot_s=engine.floor_tpot(),
        floor_ttft_s=engine.floor_ttft(),
        binding_limit=engine.binding_limit(seen, load),
        extrapolation=engine.extrapolation,
        _engine=engine,
    )

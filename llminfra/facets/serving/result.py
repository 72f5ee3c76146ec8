"""Speed of a replica under its load."""

import dataclasses
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, ClassVar, Final

import numpy as np

from llminfra.facets.base import Result
from llminfra.facets.capacity import Capacity
from llminfra.facets.demand import Demand
from llminfra.facets.replica import Replica, drafting
from llminfra.facets.replica.pools import Pools
from llminfra.facets.serving.percentile import ttft_percentile_s
from llminfra.formulas import queueing, request
from llminfra.ranges import Range, as_range

# Latency targets in words, and the formula of the floor of each.
TARGET_WORDS: Final = {
    "ttft": ("time to first token", "arithmetic of the prompt / peak"),
    "tpot": ("time per output token", "weights read / memory bandwidth"),
    "e2e": (
        "time to the last token",
        "first token at its floor, and each of the others at theirs: weights read / memory "
        "bandwidth",
    ),
}
# In the order of a table.
_COMPUTED = (
    *("ttft_s", "ttft_percentile_s", "tpot_s", "e2e_s", "output_tokens_per_s"),
    *("user_tokens_per_s", "max_output_tokens_per_s"),
    *("step_s", "prefill_s", "binding_limit"),
)
# What a draft adds to the table.
_OF_DRAFTS: Final = ("draft_gain_ratio", "draft_pays_up_to_in_flight")


@dataclasses.dataclass(frozen=True)
class Serving(Result):
    """Speed of one replica at the scenario's load. Computed when it is asked for."""

    headline: ClassVar[tuple[str, ...]] = (
        *("ttft_s", "tpot_s", "e2e_s", "output_tokens_per_s", "binding_limit"),
    )

    _replica: Replica = dataclasses.field(repr=False, compare=False)
    _demand: Demand = dataclasses.field(repr=False, compare=False)
    _capacity: Capacity = dataclasses.field(repr=False, compare=False)
    _targets: Mapping[str, float] = dataclasses.field(repr=False, compare=False)

    def items(self) -> Iterator[tuple[str, Any]]:
        """Yield name and value of every quantity that no fact lacks."""
        yield from self.available(_COMPUTED)
        if self._replica.drafts:
            yield from ((name, getattr(self, name)) for name in _OF_DRAFTS)

    @cached_property
    def _seen(self) -> dict[str, Range]:
        return self._replica.seen_at(self._load)

    @property
    def _load(self) -> Range:
        return self._capacity.in_flight_per_replica

    @cached_property
    def ttft_s(self) -> Range:
        """Mean time to the first token."""
        return self._replica.if_it_fits(self._replica.with_error(self._seen["ttft_s"], "ttft"))

    @cached_property
    def ttft_percentile_s(self) -> Range:
        """Time to the first token, wait for a place included, of `percentile_fraction` of all."""
        return self._replica.if_it_fits(ttft_percentile_s(self._replica, self._capacity))

    @cached_property
    def tpot_s(self) -> Range:
        """Mean time between output tokens."""
        return self._replica.if_it_fits(self._replica.with_error(self._seen["tpot_s"], "tpot"))

    @cached_property
    def e2e_s(self) -> Range:
        """Mean time to the last token."""
        return self._replica.e2e_s(ttft_s=self.ttft_s, tpot_s=self.tpot_s)

    @cached_property
    def output_tokens_per_s(self) -> Range:
        """Output tokens of a replica, with the scenario's requests in flight on it."""
        # Open loads follow from a curve of straight pieces, which may be a hair too high.
        is_open = self._demand.is_open
        rate = request.answered_tokens_per_s(
            in_flight=self._load,
            request_s=self.e2e_s,
            requests_per_s=self._capacity.requests_per_s if is_open else np.inf,
            n_replicas=self._capacity.replicas,
            output_tokens=self._demand.output_tokens,
        )
        return as_range(rate, name="output_tokens_per_s")

    @cached_property
    def user_tokens_per_s(self) -> Range:
        """Output tokens of one request, once they come; over all its time where it is one."""
        speed = request.user_tokens_per_s(
            tpot_s=self.tpot_s,
            request_s=self.e2e_s,
            output_tokens=self._demand.output_tokens,
        )
        return as_range(speed)

    @property
    def max_output_tokens_per_s(self) -> Range:
        """Output tokens of a replica that always has a request to admit."""
        return self._replica.max_output_tokens_per_s

    @property
    def step_s(self) -> Range:
        """Time of a decode step."""
        return self._replica.if_it_fits(self._seen["step_s"])

    @property
    def prefill_s(self) -> Range:
        """Time that a prompt takes from the replica."""
        return self._replica.if_it_fits(self._seen["prefill_s"])

    @cached_property
    def binding_limit(self) -> str:
        """What takes most of a request's time, or what requests wait for."""
        if not self._replica.fits:
            return "memory: the model does not fit"
        return self._replica.engine.binding_limit(self._seen, self._load)

    @cached_property
    def draft_gain_ratio(self) -> float | None:
        """Output rate with the draft over that without at this load; none without a draft."""
        if not self._replica.drafts:
            return None
        return float(drafting.gains(self._replica.engine, self._load.base))

    @cached_property
    def draft_pays_up_to_in_flight(self) -> float | None:
        """Requests in flight on a replica up to which drafting pays; infinite if it always does."""
        return drafting.most_paying(self._replica.engine) if self._replica.drafts else None

    @property
    def missed_targets(self) -> tuple[str, ...]:
        """Latency targets that the load misses, in words; none where the model does not fit."""
        late = (n for n, target in self._targets.items() if mean_s(self, n).base > target)
        return tuple(TARGET_WORDS[name][0] for name in late)


def mean_s(result: Result, name: str) -> Range:
    """Return the time that a latency target is about, or its floor."""
    time: Range = getattr(result, f"{name}_s")
    return time


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

    _pools: Pools = dataclasses.field(repr=False, compare=False)

    def items(self) -> Iterator[tuple[str, Any]]:
        """Yield name and value of every quantity, those of the pools last."""
        yield from super().items()
        yield from ((name, getattr(self, name)) for name in _OF_POOLS)

    @property
    def prefill_requests_per_s(self) -> Range:
        """Prompts that the prefill workers read when they are never idle."""
        return self._replica.if_it_fits(self._seen["prefill_requests_per_s"])

    @cached_property
    def decode_requests_per_s(self) -> Range:
        """Answers that the decode workers finish when their memory or batch is full."""
        return self._replica.if_it_fits(self._pools.saturated()["decode_requests_per_s"])

    @cached_property
    def prefill_utilization(self) -> Range:
        """Share of the prefill workers' time that the load takes."""
        used = queueing.utilization(
            requests_per_s=self._seen["requests_per_s"],
            max_requests_per_s=self._seen["prefill_requests_per_s"],
        )
        return self._replica.if_it_fits(as_range(used, name="prefill_utilization"))

    @property
    def handoff_s(self) -> Range:
        """Time in which the cache of a prompt reaches the worker that decodes."""
        return self._replica.if_it_fits(self._seen["handoff_s"])

    @cached_property
    def balanced_prefill_ratio(self) -> Range:
        """Prefill accelerators for each decode accelerator that suit the present batch."""
        return self._replica.if_it_fits(self._pools.prefill_ratio(self._seen))

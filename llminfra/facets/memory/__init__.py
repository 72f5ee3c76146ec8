"""What fits where: weights, KV cache and runtime against the memory of the accelerators."""

import dataclasses
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from llminfra.catalog.facts import Facts
from llminfra.errors import InvalidInput, MissingFact
from llminfra.facets.base import Inputs as BaseInputs
from llminfra.facets.base import Quantity, Result, field
from llminfra.facets.memory.changes import Change, nearest, problems
from llminfra.facets.memory.layout import Sizing
from llminfra.facets.memory.prefill import Room, prefill_room
from llminfra.formulas import memory as formulas
from llminfra.ranges import Range, apply, exact

if TYPE_CHECKING:
    from llminfra.plan import Plan

__all__ = ["Inputs", "Memory", "check", "evaluate", "problems"]

_MAX_BYTES = 1e13
# Quantities of the load, which depends on what a replica holds, and those found by search: they
# are computed when they are asked for.
_LOAD = ("in_flight_per_replica", "kv_load_bytes_per_accelerator", "load_probability")
_SEARCHED = (
    "max_model_len_accepted",
    "max_tokens_per_request",
    "accelerators_needed",
    "accelerators_needed_for_load",
)


class Inputs(BaseInputs):
    """Fields that matter to memory alone."""

    gpu_memory_utilization: float | None = field(
        None,
        help="share of each accelerator's memory that the engine may use; none is its default",
        unit="1",
        minimum=0.05,
        maximum=1.0,
    )
    memory_basis: Literal["usable", "marketing"] = field(
        "usable", help="memory that the engine sees, or the size on the product page"
    )
    max_num_seqs: int | None = field(
        None,
        help="most sequences in one step; none is the engine's default",
        unit="sequence",
        minimum=1,
        maximum=65_536,
    )
    max_num_batched_tokens: int | None = field(
        None,
        help="most tokens in one step; none is the engine's default",
        unit="token",
        minimum=1,
        maximum=1_048_576,
    )
    activation_bytes: Quantity | None = field(
        None,
        help="peak activation of one accelerator; none is estimated",
        unit="byte",
        minimum=0,
        maximum=_MAX_BYTES,
    )
    non_torch_bytes: Quantity | None = field(
        None,
        help="memory outside the allocator of one accelerator; none is estimated",
        unit="byte",
        minimum=0,
        maximum=_MAX_BYTES,
    )
    runtime_bytes_per_accelerator: Quantity | None = field(
        None,
        help="everything but weights and KV cache on one accelerator; none is estimated",
        unit="byte",
        minimum=0,
        maximum=_MAX_BYTES,
    )
    lora_adapters: int = field(
        0, help="low-rank adapters held beside the model", unit="1", minimum=0, maximum=4096
    )
    lora_rank: int = field(
        16, help="rank that the engine reserves for each adapter", unit="1", minimum=1, maximum=1024
    )


@dataclasses.dataclass(frozen=True)
class Memory(Result):
    """Memory of one replica; what is per accelerator says so.

    Where prefill and decode run apart, the decode workers: they hold the requests.
    """

    headline = (
        *("parameters", "weight_bytes", "weight_bytes_per_accelerator"),
        *("kv_cache_bytes_per_token", "limit_bytes_per_accelerator"),
        *("kv_pool_bytes_per_accelerator", "kv_pool_tokens", "max_sequences", "fits"),
        *("max_model_len_accepted", "accelerators_needed", "accelerators_needed_for_load"),
    )

    parameters: Range
    active_parameters: Range
    weight_bytes: Range
    weight_bytes_per_accelerator: Range
    adapter_bytes_per_accelerator: Range
    kv_cache_bytes_per_token: Range
    kv_cache_bytes_per_request: Range
    memory_bytes_per_accelerator: Range
    limit_bytes_per_accelerator: Range
    activation_bytes_per_accelerator: Range
    other_runtime_bytes_per_accelerator: Range
    kv_pool_bytes_per_accelerator: Range
    kv_request_bytes_per_accelerator: Range
    kv_longest_bytes_per_accelerator: Range
    kv_pool_tokens: Range
    max_sequences: Range
    max_sequences_guaranteed: Range
    fits: bool
    fits_probability: float
    _sizing: Sizing = dataclasses.field(repr=False, compare=False)
    _prefill: Room | None = dataclasses.field(default=None, repr=False, compare=False)

    @property
    def prefill(self) -> Room | None:
        """What an accelerator of a prefill worker has room for; None without such workers."""
        return self._prefill

    @property
    def in_flight_per_replica(self) -> Range:
        """Requests on one replica."""
        return self._sizing.plan.capacity.in_flight_per_replica

    @cached_property
    def kv_load_bytes_per_accelerator(self) -> Range:
        """Cache that the load takes."""
        per_rank = self.in_flight_per_replica / self._sizing.ranks
        load: Range = self.kv_request_bytes_per_accelerator * per_rank
        return load.named("kv_load_bytes_per_accelerator")

    @cached_property
    def load_probability(self) -> float:
        """Probability that the cache holds the load."""
        return self.max_sequences.probability_at_least(self.in_flight_per_replica.no_less_than(1))

    @cached_property
    def max_model_len_accepted(self) -> Range:
        """Longest sequence whose reservation fits in the pool."""
        return self._sizing.longest_held(exact(1)).named("max_model_len_accepted")

    @cached_property
    def max_tokens_per_request(self) -> Range:
        """Longest mean request at which the load is held; never above max_model_len."""
        per_rank = np.ceil(self.in_flight_per_replica.draws / self._sizing.ranks)
        found = self._sizing.longest_held(Range(np.maximum(per_rank, 1)))
        return found.named("max_tokens_per_request")

    @cached_property
    def accelerators_needed(self) -> int | None:
        """Fewest accelerators of this kind that hold one request; None when no number does."""
        return self._sizing.fewest(exact(1))

    @cached_property
    def accelerators_needed_for_load(self) -> int | None:
        """Fewest accelerators of this kind that hold the load; None when no number does."""
        return self._sizing.fewest(self.in_flight_per_replica.no_less_than(1))

    @cached_property
    def nearest_changes(self) -> tuple[Change, ...]:
        """Three changes of the scenario with which the load fits, the smallest of each kind."""
        return nearest(self._sizing.plan)

    def items(self) -> Iterator[tuple[str, Any]]:
        """Yield name and value of every quantity, the load and what is searched last."""
        yield from super().items()
        for name in (*_LOAD, *_SEARCHED):
            try:
                yield name, getattr(self, name)
            except MissingFact:  # the load may follow from a speed that is not known
                continue

    @property
    def kv_bytes_per_value(self) -> Range:
        """Width of the cache that was resolved from `kv_precision`."""
        return self._sizing.kv_bytes

    @property
    def max_num_seqs(self) -> Range:
        """Most sequences in one step: as set, else the engine's default."""
        return self._sizing.most_sequences

    @property
    def spare_bytes_per_accelerator(self) -> Range:
        """Room that the load leaves in the pool; negative when it is short."""
        spare: Range = self.kv_pool_bytes_per_accelerator - self.kv_load_bytes_per_accelerator
        return spare

    @property
    def request_shortfall_bytes_per_accelerator(self) -> Range:
        """What one request lacks in the pool; negative when it fits."""
        short: Range = self.kv_request_bytes_per_accelerator - self.kv_pool_bytes_per_accelerator
        return short


def check(scenario: Any, facts: Facts) -> None:
    """Raise InvalidInput for runtime memory that is stated twice."""
    if scenario.runtime_bytes_per_accelerator is None:
        return
    for part in ("activation_bytes", "non_torch_bytes"):
        if getattr(scenario, part) is not None:
            raise InvalidInput(
                f"{part} must stand without runtime_bytes_per_accelerator, which includes it, "
                f"got {getattr(scenario, part)}; remove one",
                field=part,
            )


def evaluate(scenario: Any, plan: "Plan", facts: Facts) -> Memory:
    """Size one replica."""
    sizing = Sizing(scenario, plan, facts)
    deployment, model = plan.deployment, plan.deployment.architecture
    layout = sizing.layout(deployment.tensor_parallel)
    token_bytes = apply(
        formulas.kv_cache_bytes_per_token,
        values_per_token=exact(model.kv_values_per_token(), name="values_per_token", unit="value"),
        bytes_per_value=sizing.kv_bytes,
    )
    held = layout.held(sizing.ranks)
    prefill = prefill_room(scenario, plan, facts)
    if prefill is not None and not prefill.fits:  # what cannot be read is not answered
        held = (held * 0).named(held.name)
    return Memory(
        parameters=exact(model.parameters, name="parameters", origin=sizing.model_origin),
        active_parameters=exact(
            model.active_parameters, name="active_parameters", origin=sizing.model_origin
        ),
        weight_bytes=sizing.weights(model.weight_groups()),
        weight_bytes_per_accelerator=layout.weight_bytes,
        adapter_bytes_per_accelerator=layout.adapter_bytes,
        kv_cache_bytes_per_token=token_bytes,
        kv_cache_bytes_per_request=sizing.reserved(model.whole, 1, sizing.request_tokens),
        memory_bytes_per_accelerator=sizing.memory_bytes,
        limit_bytes_per_accelerator=(sizing.memory_bytes * sizing.utilization).named(
            "limit_bytes_per_accelerator"
        ),
        activation_bytes_per_accelerator=layout.activation_bytes,
        other_runtime_bytes_per_accelerator=layout.other_runtime_bytes,
        kv_pool_bytes_per_accelerator=layout.pool_bytes,
        kv_request_bytes_per_accelerator=layout.request_bytes,
        kv_longest_bytes_per_accelerator=layout.longest_bytes.named(
            "kv_longest_bytes_per_accelerator"
        ),
        kv_pool_tokens=apply(
            formulas.pool_tokens,
            name="kv_pool_tokens",
            kv_pool_bytes=layout.pool_bytes * sizing.ranks,
            cache_bytes_per_token=layout.token_bytes,
        ),
        max_sequences=held,
        max_sequences_guaranteed=layout.held(sizing.ranks, layout.longest_bytes).named(
            "max_sequences_guaranteed"
        ),
        fits=held.base >= 1,
        fits_probability=held.probability_at_least(1),
        _sizing=sizing,
        _prefill=prefill,
    )

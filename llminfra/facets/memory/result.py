"""What the memory of one replica holds."""

import dataclasses
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from llminfra.facets.base import Result
from llminfra.facets.memory.prefill import PromptRoom
from llminfra.facets.memory.sizing import Sizing
from llminfra.formulas import startup
from llminfra.ranges import Range, as_range, exact

# Found by trying lengths and splits, when they are asked for.
_DERIVED = ("stored_bytes", "max_concurrency", "logged_pool_tokens", "logged_bytes_per_token")
_SEARCHED = ("max_model_len_accepted", "accelerators_needed")


@dataclasses.dataclass(frozen=True)
class Memory(Result):
    """Memory of one replica; what is per accelerator says so.

    Where prefill and decode run apart, the decode workers: they hold the requests.
    """

    headline = (
        *("parameters", "weight_bytes", "kv_cache_bytes_per_token"),
        "kv_pool_bytes_per_accelerator",
        *("max_concurrency", "logged_pool_tokens", "logged_bytes_per_token"),
        *("max_sequences", "fits", "accelerators_needed"),
    )

    parameters: Range
    active_parameters: Range
    weight_bytes: Range
    weight_bytes_per_accelerator: Range
    tower_bytes_per_accelerator: Range
    draft_bytes_per_accelerator: Range
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
    _prefill: PromptRoom | None = dataclasses.field(default=None, repr=False, compare=False)

    @property
    def prefill(self) -> PromptRoom | None:
        """What an accelerator of a prefill worker has room for; None without such workers."""
        return self._prefill

    @cached_property
    def max_concurrency(self) -> Range:
        """What an engine prints as its maximum concurrency: pool over the longest sequence."""
        held = startup.max_concurrency(
            kv_pool_bytes=self.kv_pool_bytes_per_accelerator,
            longest_bytes=self.kv_longest_bytes_per_accelerator,
        )
        return as_range(held)

    @cached_property
    def logged_pool_tokens(self) -> Range:
        """Tokens that vLLM prints for the pool of a rank: concurrency times max_model_len."""
        tokens = startup.logged_pool_tokens(
            max_concurrency=self.max_concurrency, max_model_len=self._sizing.longest_tokens
        )
        return as_range(tokens)

    @cached_property
    def logged_bytes_per_token(self) -> Range:
        """Cache of a sequence of max_model_len on an accelerator, for each of its tokens."""
        each = startup.logged_bytes_per_token(
            longest_bytes=self.kv_longest_bytes_per_accelerator,
            max_model_len=self._sizing.longest_tokens,
        )
        return as_range(each)

    @cached_property
    def max_model_len_accepted(self) -> Range:
        """Longest sequence whose reservation fits in the pool."""
        return self._sizing.longest_started().named("max_model_len_accepted")

    @cached_property
    def accelerators_needed(self) -> int | None:
        """Fewest accelerators of this kind that hold one request; None when no number does."""
        return self.accelerators_holding(exact(1))

    @cached_property
    def stored_bytes(self) -> Range:
        """Files of the checkpoint: all that is in them, as an index file sums it."""
        return self._sizing.stored_bytes

    @cached_property
    def host_weight_bytes(self) -> Range:
        """Weights of the replica that stay in the memory of the host."""
        return self._sizing.host_weights

    def starts_with(self, **fields: Any) -> bool:
        """Tell whether the engine would start with other fields."""
        other = self._sizing.with_fields({}, **fields)
        return other.layout(other.deployment.tensor_parallel).starts

    def longest_context(self, slots: int) -> Range:
        """Largest context of llama.cpp that so many slots share, each with a window of its own."""
        most = exact(slots * self._sizing.longest_tokens.base, name="max_model_len")
        return self._sizing.longest_sequence(most, slots=slots)

    def longest_held(self, sequences_per_rank: Range) -> Range:
        """Longest sequence of which each rank holds so many; never above max_model_len."""
        return self._sizing.longest_held(sequences_per_rank)

    def accelerators_holding(self, sequences: Range) -> int | None:
        """Fewest accelerators of this kind that hold so many requests; None when no number does."""
        return self._sizing.fewest(sequences)

    @property
    def ranks(self) -> int:
        """Attention ranks that the requests are dealt to."""
        return int(self._sizing.ranks)

    def items(self) -> Iterator[tuple[str, Any]]:
        """Yield name and value of every quantity, what is searched last."""
        yield from super().items()
        yield from ((name, getattr(self, name)) for name in (*_DERIVED, *_SEARCHED))

    @property
    def kv_bytes_per_value(self) -> Range:
        """Width of the cache that was resolved from `kv_precision`."""
        return self._sizing.kv_bytes

    @property
    def max_num_seqs(self) -> Range:
        """Most sequences in one step: as set, else the engine's default."""
        return self._sizing.most_sequences

    @property
    def gpu_memory_utilization(self) -> Range:
        """Share of the memory that the engine may use: as set, else the engine's default."""
        return self._sizing.utilization

    @property
    def request_shortfall_bytes_per_accelerator(self) -> Range:
        """What one request lacks in the pool; negative when it fits."""
        short: Range = self.kv_request_bytes_per_accelerator - self.kv_pool_bytes_per_accelerator
        return short

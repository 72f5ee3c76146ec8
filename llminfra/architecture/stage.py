"""Consecutive layers on one pipeline rank: their parameters, cache, and what engines reserve."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import numpy as np

from llminfra.architecture.adapters import adapter_parameters
from llminfra.architecture.groups import (
    VLLM_WINDOWS,
    CacheGroup,
    WeightGroup,
    WindowRule,
    attention_bytes,
    ceil_div,
    filled_groups,
    group_numbers,
    page_tokens,
)
from llminfra.architecture.layers import Gqa, Layer, Mla
from llminfra.formulas._formula import Quantity

_PLAIN_BYTES: Final = 2.0


@dataclass(frozen=True)
class Stage:
    """Consecutive layers on one pipeline rank; `ends` is what stands before and after them.

    `model_groups` is the cache of the whole model, where the stage is a part of it: engines deal
    the layers of all stages into groups.
    """

    hidden_size: int
    layers: tuple[Layer, ...]
    ends: tuple[WeightGroup, ...]
    is_first: bool = True
    is_last: bool = True
    windows: WindowRule = VLLM_WINDOWS
    model_groups: tuple[CacheGroup, ...] = ()

    def with_layers(self, layers: tuple[Layer, ...]) -> "Stage":
        """Return the stage with more layers behind its own, such as those that draft."""
        return replace(self, layers=(*self.layers, *layers))

    def with_whole_latents(self) -> "Stage":
        """Return the stage with whole keys and values in place of latents, as older files keep."""
        return replace(self, layers=tuple(_whole(layer) for layer in self.layers))

    def drafting(self, layers: tuple[Layer, ...], ends: tuple[WeightGroup, ...]) -> "Stage":
        """Return the layers that draft alone."""
        return replace(self, layers=layers, ends=ends)

    @cached_property
    def weight_groups(self) -> tuple[WeightGroup, ...]:
        """Parameters by group, equal groups added up."""
        totals: dict[WeightGroup, int] = {}
        own = (
            (g, n) for layer, n in self._distinct.items() for g in layer.weights(self.hidden_size)
        )
        for group, times in (*((g, 1) for g in self.ends), *own):
            key = replace(group, count=0)
            totals[key] = totals.get(key, 0) + group.count * times
        return tuple(replace(key, count=count) for key, count in totals.items() if count)

    @cached_property
    def _distinct(self) -> dict[Layer, int]:
        """How often each kind of layer occurs."""
        times: dict[Layer, int] = {}
        for layer in self.layers:
            key = replace(layer, count=1)
            times[key] = times.get(key, 0) + layer.count
        return times

    @cached_property
    def cache_groups(self) -> tuple[CacheGroup, ...]:
        """Cache by kind, equal layers added up."""
        totals: dict[CacheGroup, int] = {}
        for layer, times in self._distinct.items():
            for group in layer.mixer.caches() if layer.mixer else ():
                totals[group] = totals.get(group, 0) + group.n_layers * times
        return tuple(replace(group, n_layers=n) for group, n in totals.items())

    def parameters_on_rank(self, **split: int) -> int:
        """Parameters on this stage's fullest rank, split as in `WeightGroup.count_on_rank` [1]."""
        return sum(group.count_on_rank(**split) for group in self.weight_groups)

    def adapter_parameters(self, *, lora_rank: int, tensor_parallel: int = 1) -> int:
        """Parameters of one low-rank adapter on one rank of this stage [1]."""
        return adapter_parameters(
            self.layers, self.hidden_size, lora_rank=lora_rank, tensor_parallel=tensor_parallel
        )

    def cache_bytes(
        self, tokens: Quantity, *, bytes_per_value: Quantity, tensor_parallel: int = 1
    ) -> Any:
        r"""Cache of one sequence of `tokens` on one rank of this stage, without paging [byte].

        Notes
        -----
        .. math:: s(T) = \sum_l \min(T, w_l) \, v_l

        with the window or chunk of layer l, where it has one.
        """
        total = np.zeros(np.broadcast(tokens, bytes_per_value).shape)
        for group in self.cache_groups:
            total = total + group.bytes_on_rank(
                tokens, bytes_per_value=bytes_per_value, tensor_parallel=tensor_parallel
            )
        return total[()]

    def reserved_cache_bytes(
        self,
        *,
        tokens: Quantity,
        block_tokens: Quantity,
        max_num_batched_tokens: Quantity,
        bytes_per_value: Quantity,
        state_pages: Quantity = 0.0,
        tensor_parallel: int = 1,
    ) -> Any:
        r"""Cache that the engine reserves for one sequence on one rank of this stage [byte].

        Notes
        -----
        .. math:: s(T) = \sum_l \lceil \min(T, w_l) / b \rceil \, b \, v_l + \sum_r S_r

        with the window or chunk of layer l, where it has one, plus the tokens of one step, as the
        engine's `WindowRule` has it. States :math:`S_r` are padded, and blocks of b tokens raised,
        as in `state_padding_bytes`. Layers l and states r are those of `filled_groups`.
        """
        split: dict[str, Any] = {
            "bytes_per_value": bytes_per_value,
            "tensor_parallel": tensor_parallel,
        }
        page: dict[str, Any] = {"block_tokens": block_tokens, "state_pages": state_pages}
        raised = page_tokens(self._filled, **page, **split)
        total = _state_padding(self._filled, **page, **split) + np.zeros(np.shape(tokens))
        for group in self._filled:
            total = total + group.reserved_on_rank(
                tokens,
                block_tokens=raised,
                max_num_batched_tokens=max_num_batched_tokens,
                windows=self.windows,
                **split,
            )
        return total

    def state_padding_bytes(
        self,
        *,
        block_tokens: Quantity,
        bytes_per_value: Quantity,
        state_pages: Quantity,
        tensor_parallel: int = 1,
    ) -> Any:
        r"""Memory of one sequence on one rank beyond the recurrent states of its layers [byte].

        Parameters
        ----------
        block_tokens : array_like
            Block of the engine before it is raised. [token]
        bytes_per_value : array_like
            Width of the attention cache, which shares its pages with the states. [byte/value]
        state_pages : array_like
            Pages that hold one state; 0 where the engine keeps states outside of pages. [1]
        tensor_parallel : int
            Ranks that share states and KV heads. [accelerator]

        Returns
        -------
        state_padding_bytes : float or ndarray
            [byte]

        Notes
        -----
        .. math:: \sum_r (n \, b' k - S_r), \quad b' = b \lceil \max_r S_r / (b k) \rceil

        A page of :math:`b'` tokens, of k bytes in the widest attention layer, holds one state. One
        page is kept for a sequence, and a second one where prefixes are cached at page borders.

        References
        ----------
        vLLM, ``HybridAttentionMambaModelConfig`` and ``MambaSpec``.
        """
        return _state_padding(
            self.cache_groups,
            block_tokens=block_tokens,
            state_pages=state_pages,
            bytes_per_value=bytes_per_value,
            tensor_parallel=tensor_parallel,
        )

    @cached_property
    def _filled(self) -> tuple[CacheGroup, ...]:
        """Layers that a block of the pool serves: those of the stage, and what the engine adds."""
        of_model = self.model_groups or self.cache_groups
        numbers = group_numbers(of_model, even_ratio=self.windows.even_ratio)
        return filled_groups(self.cache_groups, numbers)


def _state_padding(
    groups: tuple[CacheGroup, ...], *, block_tokens: Quantity, state_pages: Quantity, **split: Any
) -> Any:
    """Memory of one sequence beyond the recurrent states of some layers [byte]."""
    if not any(group.kind == "state" for group in groups):
        return 0.0
    tokens = page_tokens(groups, block_tokens=block_tokens, state_pages=state_pages, **split)
    page_bytes = tokens * attention_bytes(groups, **split)
    total: Any = np.zeros(np.broadcast(tokens, page_bytes).shape)[()]
    for group in groups:
        if group.kind == "state":
            own = ceil_div(group.state_bytes, split["tensor_parallel"])
            padded = state_pages * np.maximum(page_bytes, own)
            kept = np.where(np.asarray(state_pages) > 0, padded, own)
            total = total + group.n_layers * (kept - own)
    return total


def _whole(layer: Layer) -> Layer:
    """A layer whose latent attention keeps what it decompresses to."""
    mixer = layer.mixer
    if not isinstance(mixer, Mla):
        return layer
    key = mixer.nope_dim + mixer.rope_dim
    plain = Gqa(
        n_heads=mixer.n_heads, n_kv_heads=mixer.n_heads, head_dim=key, value_dim=mixer.value_dim
    )
    return replace(layer, mixer=plain)

"""What a model consists of: parameters that split alike, and cache that grows alike.

Splits follow vLLM: column and row parallel matrices are divided by tensor parallel, KV heads are
divided until one is left per rank and then replicated, latent projections, routers and norms are
replicated, experts are sliced by tensor parallel or, under expert parallel, kept whole and dealt
out. Uneven splits are rounded up: the numbers are those of the fullest rank.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import ArrayLike

Sharding = Literal["tensor", "kv_heads", "expert", "replicated"]
CacheKind = Literal["full", "window", "chunk", "latent", "index", "buffer", "state", "shared"]


@dataclass(frozen=True, slots=True)
class WindowRule:
    """What an engine keeps of one sequence in layers with a window or chunk.

    Parameters
    ----------
    step_fraction : array_like
        Tokens of a step that are kept beyond the window, of all. [1]
    spare_blocks : array_like
        Blocks kept beyond those, in window layers. [1]
    block_tokens : array_like, optional
        Cells that are handed out at once, where they are not the blocks of the cache. [token]
    full_fraction : array_like
        Least share of the whole sequence; 1 saves no windows at all. [1]
    slots : array_like
        Windows that lie in one cache, beside one step. [1]
    even_ratio : float
        Ratio of the most frequent kind of layer to the rarest, below which groups are as large as
        the most frequent, as `group_numbers` has it; 0 where layers are not dealt into groups. [1]
    """

    step_fraction: Any = 1.0
    spare_blocks: Any = 1.0
    block_tokens: Any = None
    full_fraction: Any = 0.0
    slots: Any = 1.0
    even_ratio: float = 0.0


VLLM_WINDOWS: Final = WindowRule()
# Kinds of which vLLM deals equal layers into groups; a latent is a way of seeing everything.
_GROUPED: Final = ("full", "latent", "window", "chunk", "state")


def ceil_div(numerator: int, denominator: int) -> int:
    """Divide whole numbers, rounding up.

    Examples
    --------
    >>> ceil_div(7, 2)
    4
    """
    return -(-numerator // denominator)


@dataclass(frozen=True, slots=True)
class WeightGroup:
    """Parameters that are stored and split in one way.

    Parameters
    ----------
    name : str
        embedding, head, positions, attention, kv_projection, latent, indexer, recurrent,
        dense_mlp, shared_experts, experts, router, per_layer, projections, biases or norms (with
        convolutions and scalars).
    count : int
        Parameters. [1]
    sharding : {"tensor", "kv_heads", "expert", "replicated"}
        What a rank holds of it.
    quantizable : bool
        True for the matrices of attention and MLP; recipes leave everything else in 16 bit.
    units : int
        KV heads or experts, which `sharding` deals out. [1]
    active_units : int, optional
        Units that one token uses, if not all. [1]
    """

    name: str
    count: int
    sharding: Sharding = "tensor"
    quantizable: bool = True
    units: int = 1
    active_units: int | None = None

    @property
    def active_count(self) -> int:
        """Parameters that one token uses [1]."""
        active = self.units if self.active_units is None else self.active_units
        return self.count // self.units * active

    def count_on_rank(
        self, *, tensor_parallel: int = 1, expert_parallel: int = 1, data_parallel: int = 1
    ) -> int:
        """Parameters on the fullest rank [1].

        Copies of the attention layers (`data_parallel`) share one set of experts: dealt out whole
        to `expert_parallel` ranks, and sliced over as many as are left.

        Examples
        --------
        Eight KV heads over sixteen ranks leave one whole head on each:

        >>> group = WeightGroup("kv_projection", 800, "kv_heads", units=8)
        >>> group.count_on_rank(tensor_parallel=16)
        100
        """
        if self.sharding == "replicated":
            return self.count
        if self.sharding == "kv_heads":
            return self.count // self.units * ceil_div(self.units, tensor_parallel)
        if self.sharding == "expert":
            whole = self.count // self.units * ceil_div(self.units, expert_parallel)
            return ceil_div(whole, max(1, tensor_parallel * data_parallel // expert_parallel))
        return ceil_div(self.count, tensor_parallel)


@dataclass(frozen=True, slots=True)
class CacheGroup:
    """What equal layers keep for one sequence.

    Parameters
    ----------
    kind : {"full", "window", "chunk", "latent", "index", "buffer", "state", "shared"}
        full and latent grow with every token, window and chunk up to `window`, state not at all;
        index holds the keys of a sparse-attention indexer, buffer the last tokens before they are
        compressed into an entry, managed like a window; shared reads another layer's cache.
    n_layers : int
        Layers of this kind. [1]
    n_kv_heads : int
        Heads that tensor parallel divides; 1 for a latent, which every rank holds. [1]
    values_per_token : int
        Keys and values of one entry in one layer, all heads. [value]
    window : int, optional
        Tokens kept at most. [token]
    state_bytes : int
        Memory of one sequence in one layer that does not grow. [byte]
    tokens_per_entry : int
        Tokens that share one entry (compressed attention). [token]
    bytes_per_value : float, optional
        Set where engines fix the format whatever the KV precision is. [byte/value]
    eight_bit_bytes : int, optional
        One entry of a cache in 8 bits, where engines keep parts and scales of it wider. [byte]
    """

    kind: CacheKind
    n_layers: int = 1
    n_kv_heads: int = 1
    values_per_token: int = 0
    window: int | None = None
    state_bytes: int = 0
    tokens_per_entry: int = 1
    bytes_per_value: float | None = None
    eight_bit_bytes: int | None = None

    def width_bytes(self, bytes_per_value: ArrayLike) -> Any:
        """Mean bytes of a value in the cache's format [byte/value].

        Examples
        --------
        The latent of sparse attention is 656 bytes in 8 bits, not 576:

        >>> group = CacheGroup("latent", values_per_token=576, eight_bit_bytes=656)
        >>> float(group.width_bytes(1) * 576), float(group.width_bytes(2) * 576)
        (656.0, 1152.0)
        """
        if self.bytes_per_value is not None:
            return self.bytes_per_value
        width = np.asarray(bytes_per_value)
        if self.eight_bit_bytes is None:
            return width
        return np.where(width == 1, self.eight_bit_bytes / self.values_per_token, width)[()]

    def values_on_rank(self, tensor_parallel: int) -> int:
        """Values of one entry in one layer on one rank; a rank has one whole head or more [1]."""
        per_head = self.values_per_token // self.n_kv_heads
        return per_head * ceil_div(self.n_kv_heads, tensor_parallel)

    def bytes_on_rank(
        self, tokens: ArrayLike, *, bytes_per_value: ArrayLike, tensor_parallel: int = 1
    ) -> Any:
        """Cache of one sequence in these layers on one rank, without paging [byte].

        Examples
        --------
        >>> group = CacheGroup("window", n_layers=2, values_per_token=100, window=8)
        >>> group.bytes_on_rank([4, 1000], bytes_per_value=2).tolist()
        [1600.0, 3200.0]
        """
        kept = np.asarray(tokens) if self.window is None else np.minimum(tokens, self.window)
        return self._kept_bytes(kept, bytes_per_value, tensor_parallel)

    def reserved_on_rank(
        self,
        tokens: ArrayLike,
        *,
        block_tokens: ArrayLike,
        max_num_batched_tokens: ArrayLike,
        bytes_per_value: ArrayLike,
        tensor_parallel: int = 1,
        windows: WindowRule = VLLM_WINDOWS,
    ) -> Any:
        """Cache that an engine reserves for one sequence in these layers on one rank [byte].

        Whole blocks. Under vLLM's rule, the default, a window layer keeps its window, the tokens of
        one step and one block more; a chunk layer its chunk and the tokens of one step.

        Examples
        --------
        A window of 1,024 with 2,048 tokens a step reserves 193 blocks of 16 tokens:

        >>> group = CacheGroup("window", values_per_token=1, window=1024)
        >>> reserved = group.reserved_on_rank(
        ...     131072, block_tokens=16, max_num_batched_tokens=2048, bytes_per_value=1)
        >>> float(reserved) / 16
        193.0
        """
        kept: Any = np.asarray(tokens)
        block: Any = np.asarray(block_tokens)
        spare: Any = 0
        if self.window is not None:
            slides = self.kind in ("window", "buffer")
            spare = windows.spare_blocks * slides
            step = np.asarray(max_num_batched_tokens) * windows.step_fraction
            windowed = self.window * windows.slots
            limited = np.minimum(tokens, windowed - np.minimum(spare, 1) + step)
            kept = np.maximum(limited, kept * windows.full_fraction)
            block = block if windows.block_tokens is None else np.asarray(windows.block_tokens)
        blocks = np.ceil(kept / block) + spare
        return self._kept_bytes(blocks * block, bytes_per_value, tensor_parallel)

    def _kept_bytes(self, kept: Any, bytes_per_value: ArrayLike, tensor_parallel: int) -> Any:
        """Bytes of so many tokens in these layers on one rank, however wide the window [byte]."""
        entry_bytes = self.values_on_rank(tensor_parallel) * self.width_bytes(bytes_per_value)
        per_layer = np.ceil(kept / self.tokens_per_entry) * entry_bytes
        return self.n_layers * (per_layer + ceil_div(self.state_bytes, tensor_parallel))


def attention_bytes(
    groups: Iterable[CacheGroup], *, bytes_per_value: ArrayLike, tensor_parallel: int = 1
) -> Any:
    """Bytes of one token in the widest attention layer on one rank, 0 without attention [byte]."""
    widths = [
        group.values_on_rank(tensor_parallel) * group.width_bytes(bytes_per_value)
        for group in groups
        if group.kind in ("full", "window", "chunk", "latent")
    ]
    return np.max(widths, axis=0) if widths else 0.0 * np.asarray(bytes_per_value)


def group_numbers(
    groups: Iterable[CacheGroup], *, even_ratio: float = 1.5
) -> dict[CacheGroup, int]:
    """Groups that an engine deals the layers of each kind into [1]; empty where it makes but one.

    A block of the pool serves the layers of one group, whatever their kind. Groups are as large as
    the rarest kind, or the most frequent one where that has less than `even_ratio` times as many.

    Examples
    --------
    Gemma 3 27B has 10 layers that see everything and 52 with a window, in groups of ten:

    >>> kinds = CacheGroup("full", n_layers=10), CacheGroup("window", n_layers=52, window=1024)
    >>> list(group_numbers(kinds).values())
    [1, 6]

    12 layers with a window and 17 without, four of them drafting, make groups of 17 since vLLM
    takes 1.5 for the 1.25 before, and groups of 12 until then:

    >>> kinds = CacheGroup("full", n_layers=17), CacheGroup("window", n_layers=12, window=128)
    >>> [list(group_numbers(kinds, even_ratio=ratio).values()) for ratio in (1.5, 1.25)]
    [[1, 1], [2, 1]]

    Layers that keep the same tokens are one group, however wide each of them is:

    >>> wide = CacheGroup("full", 10, values_per_token=512), CacheGroup("full", 52)
    >>> group_numbers(wide)
    {}

    References
    ----------
    vLLM, ``kv_cache_utils.py``, which logs "Add 8 padding layers" for the first;
    vllm-project/vllm#36684 (March 2026).
    """
    counts = _layers(group for group in groups if group.kind != "shared")
    if not even_ratio or any(kind.kind not in _GROUPED for kind in counts):
        return {}
    kept = {("full" if kind.kind == "latent" else kind.kind, kind.window) for kind in counts}
    if len(kept) < 2:
        return {}
    fewest, most = min(counts.values()), max(counts.values())
    size = most if most < even_ratio * fewest else fewest
    return {kind: ceil_div(n, size) for kind, n in counts.items()}


def filled_groups(
    groups: Iterable[CacheGroup], numbers: dict[CacheGroup, int]
) -> tuple[CacheGroup, ...]:
    """Layers of a stage with those that an engine adds, so that its groups are of one size.

    Groups reach over all stages: a stage has a part of each, as large as its largest part.

    Examples
    --------
    The first of two stages of Gemma 3 4B, with 2 of 5 layers that see everything and 15 of 29 with
    a window, has parts of three layers of seven groups:

    >>> model = CacheGroup("full", n_layers=5), CacheGroup("window", n_layers=29, window=1024)
    >>> stage = CacheGroup("full", n_layers=2), CacheGroup("window", n_layers=15, window=1024)
    >>> [group.n_layers for group in filled_groups(stage, group_numbers(model))]
    [3, 18]
    """
    own = tuple(groups)
    if not numbers:
        return own
    counts = _layers(own)
    size = max(ceil_div(counts.get(kind, 0), n) for kind, n in numbers.items())
    filled = (replace(kind, n_layers=size * n) for kind, n in numbers.items())
    return (*filled, *(group for group in own if group.kind == "shared"))


def _layers(groups: Iterable[CacheGroup]) -> dict[CacheGroup, int]:
    """Layers of each kind, which stands there as a single layer [1]."""
    counts: dict[CacheGroup, int] = {}
    for group in groups:
        kind = replace(group, n_layers=1)
        counts[kind] = counts.get(kind, 0) + group.n_layers
    return counts


def page_tokens(
    groups: Iterable[CacheGroup],
    *,
    block_tokens: ArrayLike,
    bytes_per_value: ArrayLike,
    state_pages: ArrayLike,
    tensor_parallel: int = 1,
) -> Any:
    """Tokens of a block, raised until one page of attention holds a recurrent state [token].

    Examples
    --------
    A state of 1,085,440 bytes beside 2,048 bytes a token takes 34 blocks of 16 tokens:

    >>> hybrid = (CacheGroup("full", values_per_token=1024),
    ...           CacheGroup("state", state_bytes=1_085_440))
    >>> tokens = page_tokens(hybrid, block_tokens=16, bytes_per_value=2, state_pages=1)
    >>> float(tokens)
    544.0
    """
    known, block = tuple(groups), np.asarray(block_tokens)
    state = max((ceil_div(group.state_bytes, tensor_parallel) for group in known), default=0)
    if not state:
        return block
    token = attention_bytes(known, bytes_per_value=bytes_per_value, tensor_parallel=tensor_parallel)
    raised = np.ceil(state / np.where(block * token > 0, block * token, np.inf)) * block
    return np.where(np.asarray(state_pages) > 0, np.maximum(block, raised), block)

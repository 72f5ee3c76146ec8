"""What a model multiplies and reads for its tokens, counted from its layers."""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike

from llminfra.architecture import Architecture
from llminfra.architecture.layers import Gqa, Mixer, Mla, Moe, Parts

# Entries that an indexer selects for every query, in all published models that have one.
INDEX_TOP_K: Final = 2048


def attention_flop(
    architecture: Architecture, tokens: ArrayLike, *, cached_tokens: ArrayLike = 0
) -> Any:
    r"""Products of causal attention over a prompt, in the whole model [FLOP].

    Parameters
    ----------
    architecture : Architecture
        The model.
    tokens, cached_tokens : array_like
        Length of the prompt, and how much of it was computed before. [token]

    Notes
    -----
    .. math:: A(T) = 2 \sum_l s_l \, p_l(T), \quad p_l(T) = T^2 / 2

    with the width of all scores and values s of a layer; a layer with a window w has
    ``w T - w^2 / 2`` pairs beyond its window, one with chunks ``w T / 2``.

    Examples
    --------
    >>> from llminfra.architecture import Layer
    >>> layer = Layer(mixer=Gqa(n_heads=64, n_kv_heads=8, head_dim=128), count=80)
    >>> model = Architecture("llama", 8192, 128256, (layer,))
    >>> float(attention_flop(model, 8192)) / (2 * 80 * 64 * 128 * 8192**2)
    1.0
    """
    total: Any = np.zeros(np.broadcast(tokens, cached_tokens).shape)
    for layer in architecture.layers:
        for width, window, chunked in _scores(layer.mixer) if layer.mixer else ():
            pairs = _pairs(tokens, window, chunked) - _pairs(cached_tokens, window, chunked)
            total = total + 2.0 * layer.count * width * pairs
    return total[()]


def cache_read_bytes(
    architecture: Architecture,
    tokens: ArrayLike,
    *,
    bytes_per_value: ArrayLike,
    tensor_parallel: int = 1,
) -> Any:
    """Cache of a sequence that one rank reads for its next token [byte].

    All that is kept, but of a latent cache with an indexer only the selected entries.

    Examples
    --------
    >>> from llminfra.architecture import Layer
    >>> layer = Layer(mixer=Gqa(n_heads=64, n_kv_heads=8, head_dim=128), count=80)
    >>> model = Architecture("llama", 8192, 128256, (layer,))
    >>> float(cache_read_bytes(model, 1000, bytes_per_value=2, tensor_parallel=8))
    40960000.0
    """
    groups = architecture.cache_groups()
    selects = any(group.kind == "index" for group in groups)
    total: Any = np.zeros(np.broadcast(tokens, bytes_per_value).shape)
    for group in groups:
        is_selected = selects and group.kind == "latent"
        read = np.minimum(tokens, INDEX_TOP_K) if is_selected else tokens
        total = total + group.bytes_on_rank(
            read, bytes_per_value=bytes_per_value, tensor_parallel=tensor_parallel
        )
    return total[()]


def context_bytes_per_token(
    architecture: Architecture, *, tensor_parallel: int, context_parallel: int
) -> float:
    """What ranks that share a context send each other for a token [byte/token].

    Queries of all heads go to every part of a context, and partial results come back, in 16 bits.

    Examples
    --------
    >>> from llminfra.architecture import Layer
    >>> layer = Layer(mixer=Gqa(n_heads=64, n_kv_heads=8, head_dim=128), count=80)
    >>> model = Architecture("llama", 8192, 128256, (layer,))
    >>> context_bytes_per_token(model, tensor_parallel=8, context_parallel=2)
    327680.0
    """
    own = sum(
        layer.count * _query_values(layer.mixer) for layer in architecture.layers if layer.mixer
    )
    return 2.0 * own / tensor_parallel * (context_parallel - 1)


def _query_values(mixer: Mixer) -> int:
    """Values of the queries of all heads, and of what each head finds, in the cache's own width."""
    if isinstance(mixer, Mla):
        return mixer.n_heads * (2 * mixer.kv_lora_rank + mixer.rope_dim)
    return sum(width for width, window, _ in _scores(mixer) if window is None)


def layers_with(architecture: Architecture, kind: str) -> int:
    """Layers that keep a kind of cache; ``experts`` are those with a mixture of experts [1].

    Examples
    --------
    >>> from llminfra.architecture import Layer
    >>> layer = Layer(mlp=Moe(n_experts=8, top_k=2, intermediate_size=64), count=3)
    >>> layers_with(Architecture("x", 64, 100, (layer,)), "experts")
    3
    """
    if kind == "experts":
        return sum(layer.count for layer in architecture.layers if isinstance(layer.mlp, Moe))
    return sum(
        layer.count
        for layer in architecture.layers
        if layer.mixer and any(group.kind == kind for group in layer.mixer.caches())
    )


def expert_of(architecture: Architecture) -> Moe | None:
    """Return the mixture of experts of the model's layers, None for a dense model."""
    return next((x.mlp for x in architecture.layers if isinstance(x.mlp, Moe)), None)


def _scores(mixer: Mixer) -> Iterator[tuple[int, int | None, bool]]:
    """Yield width of scores and values over all heads, window, and whether it is a chunk."""
    if isinstance(mixer, Gqa):
        width = mixer.n_heads * (mixer.head_dim + (mixer.value_dim or mixer.head_dim))
        yield width, mixer.window, mixer.chunked
    elif isinstance(mixer, Mla):
        selected = INDEX_TOP_K if mixer.index_heads else None
        yield mixer.n_heads * (mixer.nope_dim + mixer.rope_dim + mixer.value_dim), selected, False
        yield mixer.index_heads * mixer.index_dim, None, False
    elif isinstance(mixer, Parts):
        for group in mixer.caches():
            width = mixer.n_heads * group.values_per_token // group.n_kv_heads
            yield width, group.window, group.kind == "chunk"


def _pairs(tokens: ArrayLike, window: int | None, chunked: bool) -> Any:
    length = np.asarray(tokens, dtype=float)
    if window is None:
        return length**2 / 2
    inside = np.minimum(length, window)
    beyond = length - inside
    return inside**2 / 2 + beyond * (window / 2 if chunked else window)

"""Memory of the KV cache.

All arguments are numbers or arrays that broadcast; scalars give scalars, NaN gives NaN. Bytes are
bytes: GB and GiB appear only where a number is shown.
"""

import numpy as np

from llminfra.formulas._formula import Quantity, formula


@formula
def kv_cache_bytes_per_token(*, values_per_token: Quantity, bytes_per_value: Quantity) -> Quantity:
    r"""Memory that one more token adds to the cache of a sequence.

    Parameters
    ----------
    values_per_token : array_like
        Keys and values of one token in all layers that keep the whole context. [value]
    bytes_per_value : array_like
        2 for a 16-bit cache, 1 for 8 bits. [byte/value]

    Returns
    -------
    kv_cache_bytes_per_token : float or ndarray
        [byte/token]

    Notes
    -----
    .. math:: k = v \, b

    With multi-head, grouped-query or multi-query attention ``v`` is 2 x layers x KV heads x head
    width; latent attention, windows and states are counted by `llminfra.architecture`.

    References
    ----------
    Kwon et al. (2023), Efficient memory management for large language model serving.

    Examples
    --------
    Llama 3.3 70B, 80 layers of 8 KV heads of 128, takes 320 KiB per token:

    >>> int(kv_cache_bytes_per_token(values_per_token=2 * 80 * 8 * 128, bytes_per_value=2))
    327680
    """
    return values_per_token * bytes_per_value


@formula
def pool_tokens(
    *, kv_pool_bytes: Quantity, cache_bytes_per_token: Quantity, n_ranks: Quantity = 1
) -> Quantity:
    r"""Tokens whose cache fits in the pool.

    Parameters
    ----------
    kv_pool_bytes : array_like
        Memory left for the cache on one rank; negative counts as none. [byte]
    cache_bytes_per_token : array_like
        Cache of a sequence divided by its length. [byte/token]
    n_ranks : array_like
        Ranks that each have a pool. [1]

    Returns
    -------
    pool_tokens : float or ndarray
        [token]

    Notes
    -----
    .. math:: T = R \max(K, 0) / k

    For windows and states ``k`` depends on the length of the sequence, and so does the result.

    Examples
    --------
    >>> int(pool_tokens(kv_pool_bytes=20e9, cache_bytes_per_token=327_680))
    61035
    """
    return n_ranks * np.maximum(kv_pool_bytes, 0.0) / cache_bytes_per_token


@formula
def max_sequences(
    *, kv_pool_bytes: Quantity, sequence_bytes: Quantity, data_parallel: Quantity = 1
) -> Quantity:
    r"""Whole sequences whose cache fits at once: none is split over two pools.

    Parameters
    ----------
    kv_pool_bytes : array_like
        Memory left for the cache on one rank; negative counts as none. [byte]
    sequence_bytes : array_like
        Cache of one sequence at its full length. [byte]
    data_parallel : array_like
        Ranks that each have a pool. [accelerator]

    Returns
    -------
    max_sequences : float or ndarray
        Zero when nothing fits. [sequence]

    Notes
    -----
    .. math:: n = d \, \lfloor \max(K, 0) / s \rfloor

    Sequences are taken at their full length together: real ones overlap at different lengths, so
    an engine usually holds more.

    Examples
    --------
    Two A100 80 GB leave 2.09 GB beside Llama 3.3 70B, nine sequences of 700 tokens:

    >>> float(max_sequences(kv_pool_bytes=2 * 71.6e9 - 141.107e9, sequence_bytes=700 * 327_680))
    9.0
    """
    return data_parallel * np.floor(np.maximum(kv_pool_bytes, 0.0) / sequence_bytes)


@formula
def pool_sequences(*, kv_pool_bytes: Quantity, sequence_bytes: Quantity) -> Quantity:
    """Sequences whose cache fits, parts of one included: those at work overlap at all lengths.

    Parameters
    ----------
    kv_pool_bytes, sequence_bytes : array_like
        Memory left for the cache, and what a sequence takes at its full length. [byte]

    Returns
    -------
    pool_sequences : float or ndarray
        [sequence]

    Notes
    -----
    .. math:: s = K / k_s

    Examples
    --------
    >>> float(pool_sequences(kv_pool_bytes=30e9, sequence_bytes=0.25e9))
    120.0
    """
    return kv_pool_bytes / sequence_bytes


@formula
def limit_bytes(*, gpu_memory_utilization: Quantity, memory_bytes: Quantity) -> Quantity:
    """Memory of an accelerator that the engine may use.

    Parameters
    ----------
    gpu_memory_utilization, memory_bytes : array_like
        Share of the memory, and the memory. [1, byte]

    Returns
    -------
    limit_bytes : float or ndarray
        [byte]

    Notes
    -----
    .. math:: L = u M

    Examples
    --------
    >>> float(limit_bytes(gpu_memory_utilization=0.9, memory_bytes=80e9)) / 1e9
    72.0
    """
    return gpu_memory_utilization * memory_bytes


@formula
def cache_bytes_per_token(
    *,
    cache_bytes: Quantity,
    state_padding_bytes: Quantity,
    request_tokens: Quantity,
) -> Quantity:
    """Cache of a sequence divided by its length.

    Parameters
    ----------
    cache_bytes, state_padding_bytes : array_like
        Cache of the sequence, and what pages of its states leave empty. [byte]
    request_tokens : array_like
        Its length. [token]

    Returns
    -------
    cache_bytes_per_token : float or ndarray
        [byte/token]

    Notes
    -----
    .. math:: k = (c + p) / T

    Examples
    --------
    >>> float(cache_bytes_per_token(cache_bytes=700 * 327_680, state_padding_bytes=0,
    ...     request_tokens=700))
    327680.0
    """
    return (cache_bytes + state_padding_bytes) / request_tokens


@formula
def kv_load_bytes(*, sequence_bytes: Quantity, in_flight: Quantity, n_ranks: Quantity) -> Quantity:
    r"""Cache that a load takes on each accelerator of a replica.

    Parameters
    ----------
    sequence_bytes : array_like
        Cache that a request takes on a rank. [byte]
    in_flight, n_ranks : array_like
        Requests on the replica, and ranks that they are dealt to. [request, 1]

    Returns
    -------
    kv_load_bytes : float or ndarray
        [byte]

    Notes
    -----
    .. math:: L = s \, n / R

    Examples
    --------
    >>> float(kv_load_bytes(sequence_bytes=0.25e9, in_flight=64, n_ranks=2)) / 1e9
    8.0
    """
    return sequence_bytes * (in_flight / n_ranks)


@formula
def spare_bytes(*, kv_pool_bytes: Quantity, kv_load_bytes: Quantity) -> Quantity:
    """Room that a load leaves in the pool.

    Parameters
    ----------
    kv_pool_bytes, kv_load_bytes : array_like
        Memory left for the cache, and what the load takes of it. [byte]

    Returns
    -------
    spare_bytes : float or ndarray
        Negative when it is short. [byte]

    Notes
    -----
    .. math:: R = K - L

    Examples
    --------
    >>> float(spare_bytes(kv_pool_bytes=20e9, kv_load_bytes=8e9)) / 1e9
    12.0
    """
    return kv_pool_bytes - kv_load_bytes


@formula
def drafted_state_pages(*, kv_state_pages: Quantity, draft_tokens: Quantity) -> Quantity:
    r"""Pages of states that a sequence keeps while tokens are drafted for it.

    Parameters
    ----------
    kv_state_pages : array_like
        Pages without drafting. [1]
    draft_tokens : array_like
        Tokens drafted, before each of which a state is kept: it may be rejected. [token]

    Returns
    -------
    drafted_state_pages : float or ndarray
        [1]

    Notes
    -----
    .. math:: p' = p + n

    Examples
    --------
    >>> float(drafted_state_pages(kv_state_pages=1, draft_tokens=3))
    4.0
    """
    return kv_state_pages + draft_tokens

"""Memory of weights and KV cache.

All arguments are numbers or arrays that broadcast; scalars give scalars, NaN gives NaN. Bytes are
bytes: GB and GiB appear only where a number is shown.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from llminfra.units import BITS_PER_BYTE


def weight_bytes(
    *,
    quantized_parameters: ArrayLike,
    bits_per_weight: ArrayLike,
    kernel_padding_ratio: ArrayLike,
    embedding_parameters: ArrayLike,
    embedding_bits: ArrayLike,
    head_parameters: ArrayLike,
    head_bits: ArrayLike,
    other_parameters: ArrayLike,
    unquantized_bits: ArrayLike,
) -> Any:
    """Memory of weights, of which some tensors are kept at a higher precision than the rest.

    Parameters
    ----------
    quantized_parameters, embedding_parameters, head_parameters, other_parameters : array_like
        Parameters of the quantised tensors, the input embedding, the output head, the rest. [1]
    bits_per_weight, embedding_bits, head_bits, unquantized_bits : array_like
        Effective bits of each, scales included. [bit]
    kernel_padding_ratio : array_like
        Loaded over stored size of the quantised tensors. [1]

    Returns
    -------
    weight_bytes : float or ndarray
        [byte]

    Notes
    -----
    .. math:: W = (r P_q b_q + P_e b_e + P_h b_h + P_o b_o) / 8

    References
    ----------
    Definition; the precision recipes are listed in ``catalog/precisions.csv``.

    Examples
    --------
    Llama 3.3 70B in FP8 with embedding and head in 16 bits is 72.7 GB:

    >>> size = weight_bytes(
    ...     quantized_parameters=68_450_975_744, bits_per_weight=8, kernel_padding_ratio=1,
    ...     embedding_parameters=1_050_673_152, embedding_bits=16,
    ...     head_parameters=1_050_673_152, head_bits=16,
    ...     other_parameters=1_384_448, unquantized_bits=16)
    >>> round(float(size) / 1e9, 1)
    72.7
    """
    stored = np.multiply(quantized_parameters, bits_per_weight) * kernel_padding_ratio
    embedding = np.multiply(embedding_parameters, embedding_bits)
    head = np.multiply(head_parameters, head_bits)
    rest = np.multiply(other_parameters, unquantized_bits)
    return (stored + embedding + head + rest) / BITS_PER_BYTE


def adapter_bytes(
    *, lora_adapters: ArrayLike, parameters: ArrayLike, bits_per_weight: ArrayLike
) -> Any:
    r"""Memory of low-rank adapters held beside a model.

    Parameters
    ----------
    lora_adapters : array_like
        Adapters that the engine keeps room for. [1]
    parameters : array_like
        Parameters of one adapter on one accelerator. [1]
    bits_per_weight : array_like
        Bits of one parameter. [bit]

    Returns
    -------
    adapter_bytes : float or ndarray
        [byte]

    Notes
    -----
    .. math:: W_a = n P b / 8

    References
    ----------
    Hu et al. (2021), LoRA: low-rank adaptation of large language models.

    Examples
    --------
    Eight adapters of rank 16 on Llama 3.1 8B:

    >>> size = adapter_bytes(lora_adapters=8, parameters=41_943_040, bits_per_weight=16)
    >>> int(size)
    671088640
    """
    return np.multiply(lora_adapters, np.multiply(parameters, bits_per_weight)) / BITS_PER_BYTE


def kv_cache_bytes_per_token(*, values_per_token: ArrayLike, bytes_per_value: ArrayLike) -> Any:
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
    return np.multiply(values_per_token, bytes_per_value)


def pool_tokens(*, kv_pool_bytes: ArrayLike, cache_bytes_per_token: ArrayLike) -> Any:
    r"""Tokens whose cache fits in the pool.

    Parameters
    ----------
    kv_pool_bytes : array_like
        Memory left for the cache; negative counts as none. [byte]
    cache_bytes_per_token : array_like
        Cache of a sequence divided by its length. [byte/token]

    Returns
    -------
    pool_tokens : float or ndarray
        [token]

    Notes
    -----
    .. math:: T = \max(K, 0) / k

    For windows and states ``k`` depends on the length of the sequence, and so does the result.

    References
    ----------
    Definition.

    Examples
    --------
    >>> int(pool_tokens(kv_pool_bytes=20e9, cache_bytes_per_token=327_680))
    61035
    """
    return np.maximum(kv_pool_bytes, 0.0) / np.asarray(cache_bytes_per_token)


def max_sequences(
    *, kv_pool_bytes: ArrayLike, sequence_bytes: ArrayLike, data_parallel: ArrayLike = 1
) -> Any:
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

    References
    ----------
    Definition.

    Examples
    --------
    Two A100 80 GB leave 2.09 GB beside Llama 3.3 70B, nine sequences of 700 tokens:

    >>> float(max_sequences(kv_pool_bytes=2 * 71.6e9 - 141.107e9, sequence_bytes=700 * 327_680))
    9.0
    """
    whole = np.floor(np.maximum(kv_pool_bytes, 0.0) / np.asarray(sequence_bytes))
    return np.multiply(whole, data_parallel)

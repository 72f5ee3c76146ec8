"""Memory of weights, KV cache and engine runtime.

All arguments are numbers or arrays that broadcast; scalars give scalars, NaN gives NaN. Bytes are
bytes: GB and GiB appear only where a number is shown.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from llminfra.units import BITS_PER_BYTE


def weight_bytes(*, parameters: ArrayLike, bits_per_weight: ArrayLike) -> Any:
    r"""Memory of parameters stored at one precision.

    Parameters
    ----------
    parameters : array_like
        Number of stored parameters. [1]
    bits_per_weight : array_like
        Effective bits of one parameter, scales included. [bit]

    Returns
    -------
    weight_bytes : float or ndarray
        [byte]

    Notes
    -----
    .. math:: W = P \, b / 8

    Valid for any dense tensor; padding that a kernel adds is not included.

    References
    ----------
    Definition.

    Examples
    --------
    Llama 3.3 70B in 16 bits is 141.1 GB:

    >>> float(weight_bytes(parameters=70_553_706_496, bits_per_weight=16)) / 1e9
    141.107412992
    """
    return np.multiply(parameters, bits_per_weight) / BITS_PER_BYTE


def mixed_weight_bytes(
    *,
    quantized_parameters: ArrayLike,
    bits_per_weight: ArrayLike,
    kernel_padding_ratio: ArrayLike,
    embedding_parameters: ArrayLike,
    bits_embedding: ArrayLike,
    head_parameters: ArrayLike,
    bits_head: ArrayLike,
    other_parameters: ArrayLike,
    bits_unquantized: ArrayLike,
) -> Any:
    """Memory of a checkpoint that keeps some tensors at a higher precision than the rest.

    Parameters
    ----------
    quantized_parameters, embedding_parameters, head_parameters, other_parameters : array_like
        Parameters of the quantised tensors, the input embedding, the output head, the rest. [1]
    bits_per_weight, bits_embedding, bits_head, bits_unquantized : array_like
        Effective bits of each, scales included. [bit]
    kernel_padding_ratio : array_like
        Loaded over stored size of the quantised tensors. [1]

    Returns
    -------
    mixed_weight_bytes : float or ndarray
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

    >>> size = mixed_weight_bytes(
    ...     quantized_parameters=68_450_975_744, bits_per_weight=8, kernel_padding_ratio=1,
    ...     embedding_parameters=1_050_673_152, bits_embedding=16,
    ...     head_parameters=1_050_673_152, bits_head=16,
    ...     other_parameters=1_384_448, bits_unquantized=16)
    >>> round(float(size) / 1e9, 1)
    72.7
    """
    stored = np.multiply(quantized_parameters, bits_per_weight) * kernel_padding_ratio
    embedding = np.multiply(embedding_parameters, bits_embedding)
    head = np.multiply(head_parameters, bits_head)
    rest = np.multiply(other_parameters, bits_unquantized)
    return (stored + embedding + head + rest) / BITS_PER_BYTE


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


def runtime_bytes(
    *, non_torch_bytes: ArrayLike, cuda_graph_bytes: ArrayLike, pool_error_bytes: ArrayLike
) -> Any:
    r"""Memory that the engine holds beside weights, activations and cache.

    Parameters
    ----------
    non_torch_bytes : array_like
        Outside the allocator: driver context, communication buffers. [byte]
    cuda_graph_bytes : array_like
        Captured graphs, for engine versions that take them from the pool. [byte]
    pool_error_bytes : array_like
        What logged pools had more than predicted; a distribution around zero. [byte]

    Returns
    -------
    runtime_bytes : float or ndarray
        [byte]

    Notes
    -----
    .. math:: N = N_0 + G - \varepsilon

    Engine versions that do not count graphs take them from the margin above the utilization.

    References
    ----------
    Start-up logs listed in ``catalog/memory_logs.csv``.

    Examples
    --------
    >>> size = runtime_bytes(non_torch_bytes=140e6, cuda_graph_bytes=430e6, pool_error_bytes=0)
    >>> int(size)
    570000000
    """
    return np.subtract(np.add(non_torch_bytes, cuda_graph_bytes), pool_error_bytes)


def activation_bytes(
    *,
    max_num_seqs: ArrayLike,
    vocab_size: ArrayLike,
    max_num_batched_tokens: ArrayLike,
    hidden_size: ArrayLike,
    activation_bytes_per_logit: ArrayLike,
    activation_bytes_per_hidden: ArrayLike,
) -> Any:
    """Peak of temporary tensors while the engine profiles its largest step, on each accelerator.

    Parameters
    ----------
    max_num_seqs : array_like
        Most sequences in one step. [sequence]
    vocab_size : array_like
        Entries of the vocabulary. [token]
    max_num_batched_tokens : array_like
        Most tokens in one step. [token]
    hidden_size : array_like
        Width of the residual stream. [value]
    activation_bytes_per_logit : array_like
        Sampler copies of one logit: values, sort indices, masks. [byte/logit]
    activation_bytes_per_hidden : array_like
        Copies of one residual value. [byte/value]

    Returns
    -------
    activation_bytes : float or ndarray
        [byte]

    Notes
    -----
    .. math:: A = a_v S V + a_h T h

    Logits are gathered on every rank, so tensor parallelism does not divide it. Fitted on eight
    vLLM 0.6.4 to 0.11 start-up logs (1.2 % worst); other logs lie 22 % below to 35 % above.

    References
    ----------
    Start-up logs listed in ``catalog/memory_logs.csv``.

    Examples
    --------
    Llama 3.1 8B on an H100 (vLLM 0.11 logs 4.76 GiB):

    >>> peak = activation_bytes(
    ...     max_num_seqs=1024, vocab_size=128_256, max_num_batched_tokens=8192, hidden_size=4096,
    ...     activation_bytes_per_logit=38.2, activation_bytes_per_hidden=2.56)
    >>> round(float(peak) / 2**30, 2)
    4.75
    """
    logits = np.multiply(max_num_seqs, vocab_size) * activation_bytes_per_logit
    hidden = np.multiply(max_num_batched_tokens, hidden_size) * activation_bytes_per_hidden
    return logits + hidden


def kv_pool_bytes(
    *,
    gpu_memory_utilization: ArrayLike,
    memory_bytes: ArrayLike,
    weight_bytes: ArrayLike,
    activation_bytes: ArrayLike,
    other_runtime_bytes: ArrayLike,
) -> Any:
    """Memory that the engine leaves for the KV cache on one accelerator.

    Parameters
    ----------
    gpu_memory_utilization : array_like
        Share of the accelerator's memory that the engine may use. [1]
    memory_bytes : array_like
        Memory of one accelerator. [byte]
    weight_bytes : array_like
        Weights held by one accelerator. [byte]
    activation_bytes : array_like
        Peak activation of one accelerator. [byte]
    other_runtime_bytes : array_like
        Everything else that the engine holds (`runtime_bytes`). [byte]

    Returns
    -------
    kv_pool_bytes : float or ndarray
        Negative when weights and runtime alone do not fit. [byte]

    Notes
    -----
    .. math:: K = u M - W - A - N

    The identity holds to 0.02 GiB on 12 of 14 complete vLLM start-up logs.

    References
    ----------
    Start-up logs listed in ``catalog/memory_logs.csv``.

    Examples
    --------
    Llama 3.3 70B on eight A100 80 GB leaves room for 1.317 M tokens:

    >>> pool = kv_pool_bytes(gpu_memory_utilization=0.92, memory_bytes=80e9,
    ...     weight_bytes=141.107412992e9 / 8, activation_bytes=0, other_runtime_bytes=2e9)
    >>> round(float(8 * pool / 327_680) / 1e6, 3)
    1.317
    """
    usable_bytes = np.multiply(gpu_memory_utilization, memory_bytes)
    held_bytes = np.add(np.add(weight_bytes, activation_bytes), other_runtime_bytes)
    return np.subtract(usable_bytes, held_bytes)


def kv_pool_bytes_of_rest(
    *,
    gpu_memory_utilization: ArrayLike,
    memory_bytes: ArrayLike,
    weight_bytes: ArrayLike,
    activation_bytes: ArrayLike,
    other_runtime_bytes: ArrayLike,
) -> Any:
    r"""Memory for the KV cache in engines that take a share of what everything else leaves.

    Parameters
    ----------
    gpu_memory_utilization : array_like
        Share of the remaining memory that the cache may use. [1]
    memory_bytes, weight_bytes, activation_bytes, other_runtime_bytes : array_like
        As for `kv_pool_bytes`. [byte]

    Returns
    -------
    kv_pool_bytes_of_rest : float or ndarray
        Negative when weights and runtime alone do not fit. [byte]

    Notes
    -----
    .. math:: K = u (M - W - A - N)

    TensorRT-LLM's ``free_gpu_memory_fraction``.

    References
    ----------
    TensorRT-LLM documentation, memory usage.

    Examples
    --------
    >>> float(kv_pool_bytes_of_rest(gpu_memory_utilization=0.9, memory_bytes=80e9,
    ...     weight_bytes=16e9, activation_bytes=0, other_runtime_bytes=4e9)) / 1e9
    54.0
    """
    held_bytes = np.add(np.add(weight_bytes, activation_bytes), other_runtime_bytes)
    return np.multiply(gpu_memory_utilization, np.subtract(memory_bytes, held_bytes))


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


def paged_tokens(*, tokens: ArrayLike, block_tokens: ArrayLike) -> Any:
    r"""Tokens that a sequence reserves when the cache is handed out in blocks.

    Parameters
    ----------
    tokens : array_like
        Length of the sequence. [token]
    block_tokens : array_like
        Tokens of one block. [token]

    Returns
    -------
    paged_tokens : float or ndarray
        [token]

    Notes
    -----
    .. math:: T_b = b \lceil T / b \rceil

    References
    ----------
    Kwon et al. (2023), Efficient memory management for large language model serving.

    Examples
    --------
    >>> float(paged_tokens(tokens=700, block_tokens=16))
    704.0
    """
    return np.ceil(np.divide(tokens, block_tokens)) * block_tokens


def max_sequences(*, kv_pool_bytes: ArrayLike, sequence_bytes: ArrayLike) -> Any:
    r"""Whole sequences whose cache fits in the pool at once.

    Parameters
    ----------
    kv_pool_bytes : array_like
        Memory left for the cache; negative counts as none. [byte]
    sequence_bytes : array_like
        Cache of one sequence at its full length. [byte]

    Returns
    -------
    max_sequences : float or ndarray
        Zero when nothing fits. [sequence]

    Notes
    -----
    .. math:: n = \lfloor \max(K, 0) / s \rfloor

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
    return np.floor(np.maximum(kv_pool_bytes, 0.0) / np.asarray(sequence_bytes))

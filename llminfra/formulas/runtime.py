"""Memory that an engine needs to run, and the pool that it leaves for the KV cache.

All arguments are numbers or arrays that broadcast; scalars give scalars, NaN gives NaN.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike


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

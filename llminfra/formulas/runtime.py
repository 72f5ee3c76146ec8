"""Memory that an engine needs to run, and the pool that it leaves for the KV cache.

All arguments are numbers or arrays that broadcast; scalars give scalars, NaN gives NaN.
"""

import numpy as np

from llminfra.formulas._formula import Quantity, formula


@formula
def forward_bytes(
    *, max_num_batched_tokens: Quantity, live_values: Quantity, bytes_per_value: Quantity
) -> Quantity:
    r"""Temporary tensors of the widest layer while the engine runs its largest step.

    Parameters
    ----------
    max_num_batched_tokens : array_like
        Most tokens in one step. [token]
    live_values : array_like
        Values of one token that live at once on a rank. [value/token]
    bytes_per_value : array_like
        Width of an activation. [byte/value]

    Returns
    -------
    forward_bytes : float or ndarray
        [byte]

    Notes
    -----
    .. math:: A_f = T v b

    References
    ----------
    Two starts of Qwen2.5 0.5B that differ in the tokens of a step alone (startup logs of 2026).

    Examples
    --------
    512 and 4,096 tokens a step differ by 0.12 GiB (logged 0.12):

    >>> size = forward_bytes(max_num_batched_tokens=4096 - 512, live_values=18_176,
    ...                      bytes_per_value=2)
    >>> round(float(size) / 2**30, 2)
    0.12

    llama.cpp keeps logits and residual of a micro-batch: Qwen3 Coder 30B (logged 300.75 MiB):

    >>> size = forward_bytes(max_num_batched_tokens=512, live_values=151_936 + 2048,
    ...                      bytes_per_value=4)
    >>> float(size) / 2**20
    300.75
    """
    return max_num_batched_tokens * live_values * bytes_per_value


@formula
def activation_bytes(
    *,
    max_num_seqs: Quantity,
    vocab_size: Quantity,
    max_num_batched_tokens: Quantity,
    hidden_size: Quantity,
    activation_bytes_per_logit: Quantity,
    activation_bytes_per_hidden: Quantity,
    forward_bytes: Quantity = 0.0,
    workspace_bytes: Quantity = 0.0,
) -> Quantity:
    r"""Peak of temporary tensors while the engine profiles its largest step, on each accelerator.

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
    forward_bytes : array_like
        Temporary tensors of the widest layer (`forward_bytes`). [byte]
    workspace_bytes : array_like
        Buffers that stay beside both: of an encoder, of an indexer. [byte]

    Returns
    -------
    activation_bytes : float or ndarray
        [byte]

    Notes
    -----
    .. math:: A = \max(a_v S V + a_h T h, A_f) + A_w

    The engine profiles its largest step, then its sampler, and the larger peak counts. Logits are
    gathered on every rank, so tensor parallelism does not divide them. Fitted on eight vLLM 0.6.4
    to 0.11 start-up logs (1.2 % worst); other logs lie 22 % below to 35 % above.

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
    logits_bytes = activation_bytes_per_logit * max_num_seqs * vocab_size
    sampler_bytes = (
        logits_bytes + activation_bytes_per_hidden * max_num_batched_tokens * hidden_size
    )
    return np.maximum(sampler_bytes, forward_bytes) + workspace_bytes


@formula
def whole_pool_error_bytes(
    *, pool_error_bytes: Quantity, pool_error_fraction: Quantity, memory_bytes: Quantity
) -> Quantity:
    r"""What a logged pool has more than predicted.

    Parameters
    ----------
    pool_error_bytes : array_like
        Part that is the same on all cards; a distribution around zero. [byte]
    pool_error_fraction : array_like
        Part that grows with the card, by which builds of a release differ. [1]
    memory_bytes : array_like
        Memory of the accelerator. [byte]

    Returns
    -------
    whole_pool_error_bytes : float or ndarray
        [byte]

    Notes
    -----
    .. math:: \varepsilon = \varepsilon_0 + e \, M

    Examples
    --------
    >>> float(whole_pool_error_bytes(pool_error_bytes=3e8, pool_error_fraction=-0.02,
    ...     memory_bytes=100e9)) / 1e9
    -1.7
    """
    return pool_error_bytes + pool_error_fraction * memory_bytes


@formula
def captured_graph_bytes(
    *, cuda_graph_bytes: Quantity, max_num_seqs: Quantity, step_tokens: Quantity
) -> Quantity:
    r"""Memory of the graphs that an engine captures for its batch sizes.

    Parameters
    ----------
    cuda_graph_bytes : array_like
        For all 51 sizes, which 256 sequences take. [byte]
    max_num_seqs : array_like
        Most sequences in one step. [sequence]
    step_tokens : array_like
        Of a sequence: one, and those that are drafted. [token]

    Returns
    -------
    captured_graph_bytes : float or ndarray
        [byte]

    Notes
    -----
    .. math:: G = G_{51} \, n / 51

    vLLM captures 1, 2 and 4 tokens, every 8 to 256 and every 16 to 512, up to twice the tokens of
    a step that decodes. Estimates of 0.21 to 0.29: 1.6-1.8 GiB at 51 sizes, 0.13 at 3 to 11.

    References
    ----------
    Start-up logs of 2026; vLLM's configuration of compilation.

    Examples
    --------
    One sequence with three drafted tokens has four sizes: 1, 2, 4 and 8.

    >>> float(captured_graph_bytes(cuda_graph_bytes=51.0, max_num_seqs=1, step_tokens=4))
    4.0
    >>> float(captured_graph_bytes(cuda_graph_bytes=51.0, max_num_seqs=32, step_tokens=1))
    11.0
    """
    widest = np.minimum(2 * max_num_seqs * step_tokens, 512)
    first = sum(1.0 * (widest >= size) for size in (1, 2, 4))
    every_8 = np.floor(np.minimum(widest, 256) / 8)
    every_16 = np.floor(np.maximum(widest - 256, 0) / 16)
    return cuda_graph_bytes * (first + every_8 + every_16) / 51


@formula
def runtime_bytes(
    *, non_torch_bytes: Quantity, cuda_graph_bytes: Quantity, pool_error_bytes: Quantity
) -> Quantity:
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
    return non_torch_bytes + cuda_graph_bytes - pool_error_bytes


@formula
def kv_pool_bytes(
    *,
    gpu_memory_utilization: Quantity,
    memory_bytes: Quantity,
    weight_bytes: Quantity,
    activation_bytes: Quantity,
    other_runtime_bytes: Quantity,
) -> Quantity:
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
    held_bytes = weight_bytes + activation_bytes + other_runtime_bytes
    return gpu_memory_utilization * memory_bytes - held_bytes


@formula
def kv_pool_bytes_of_rest(
    *,
    gpu_memory_utilization: Quantity,
    memory_bytes: Quantity,
    weight_bytes: Quantity,
    activation_bytes: Quantity,
    other_runtime_bytes: Quantity,
) -> Quantity:
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
    held_bytes = weight_bytes + activation_bytes + other_runtime_bytes
    return gpu_memory_utilization * (memory_bytes - held_bytes)


@formula
def stated_pool_bytes(*, kv_cache_bytes: Quantity, free_bytes: Quantity) -> Quantity:
    r"""Memory for the KV cache where an engine is told how much.

    Parameters
    ----------
    kv_cache_bytes : array_like
        As stated, for one accelerator. [byte]
    free_bytes : array_like
        What weights and runtime leave of the whole memory. [byte]

    Returns
    -------
    stated_pool_bytes : float or ndarray
        [byte]

    Notes
    -----
    .. math:: K = \min(K_0, M - W - A - N)

    Examples
    --------
    >>> float(stated_pool_bytes(kv_cache_bytes=10e9, free_bytes=40e9)) / 1e9
    10.0
    """
    return np.minimum(kv_cache_bytes, free_bytes)


@formula
def beside_step_bytes(
    *, encoder_bytes: Quantity, tensor_parallel: Quantity, buffer_bytes: Quantity
) -> Quantity:
    r"""Buffers beside a step: of an encoder's largest batch, and of an engine or an indexer.

    Parameters
    ----------
    encoder_bytes : array_like
        Activation of an encoder's largest batch, over all ranks. [byte]
    tensor_parallel : array_like
        Ranks that share it. [accelerator]
    buffer_bytes : array_like
        Buffer that each rank keeps. [byte]

    Returns
    -------
    beside_step_bytes : float or ndarray
        [byte]

    Notes
    -----
    .. math:: A_w = A_e / t + B

    Examples
    --------
    >>> float(beside_step_bytes(encoder_bytes=4e9, tensor_parallel=2, buffer_bytes=1e9)) / 1e9
    3.0
    """
    return encoder_bytes / tensor_parallel + buffer_bytes

"""Memory of training: weights, gradients, optimizer, activations and logits on one accelerator."""

from llminfra.formulas._formula import Quantity, formula
from llminfra.units import BITS_PER_BYTE


@formula
def state_bytes(
    *, parameters: Quantity, bytes_per_weight: Quantity, shard_accelerators: Quantity
) -> Quantity:
    r"""One part of the state of a model on one accelerator: weights, gradients or optimizer.

    Parameters
    ----------
    parameters : array_like
        Parameters that have the part. [1]
    bytes_per_weight : array_like
        Bytes of it for each. [byte]
    shard_accelerators : array_like
        Accelerators that share it; 1 where each holds all of it. [accelerator]

    Returns
    -------
    state_bytes : float or ndarray
        [byte]

    Notes
    -----
    .. math:: M = P \, b / n

    Stage 1 of sharding deals out the optimizer, stage 2 the gradients too, stage 3 the weights too.

    References
    ----------
    Rajbhandari et al. (2020), ZeRO, arXiv 1910.02054.

    Examples
    --------
    7.5 billion parameters on 64 accelerators, the optimizer dealt out: 31.4 GB.

    >>> kept = state_bytes(parameters=7.5e9, bytes_per_weight=2 + 2, shard_accelerators=1)
    >>> dealt = state_bytes(parameters=7.5e9, bytes_per_weight=12, shard_accelerators=64)
    >>> round(float(kept + dealt) / 1e9, 1)
    31.4
    """
    return parameters * bytes_per_weight / shard_accelerators


@formula
def frozen_bytes(
    *,
    quantized_parameters: Quantity,
    quantized_bits: Quantity,
    other_parameters: Quantity,
    other_bits: Quantity,
    shard_accelerators: Quantity,
) -> Quantity:
    r"""Weights that are not trained, on one accelerator.

    Parameters
    ----------
    quantized_parameters, other_parameters : array_like
        Matrices of attention and MLP, and what stays wide: embedding, head, norms. [1]
    quantized_bits, other_bits : array_like
        Bits of each, scales included. [bit]
    shard_accelerators : array_like
        Accelerators that share them; 1 where each holds all. [accelerator]

    Returns
    -------
    frozen_bytes : float or ndarray
        [byte]

    Notes
    -----
    .. math:: M = (P_q b_q + P_o b_o) / (8 n)

    References
    ----------
    Dettmers et al. (2023), QLoRA, arXiv 2305.14314: 4.127 bits with scales quantized twice.

    Examples
    --------
    Llama 3.1 8B in NF4 on one card:

    >>> round(float(frozen_bytes(
    ...     quantized_parameters=6.98e9, quantized_bits=4.127, other_parameters=1.05e9,
    ...     other_bits=16, shard_accelerators=1)) / 1e9, 1)
    5.7
    """
    whole = quantized_parameters * quantized_bits + other_parameters * other_bits
    return whole / BITS_PER_BYTE / shard_accelerators


@formula
def activation_bytes(
    *,
    batch_tokens: Quantity,
    values_per_token: Quantity,
    bytes_per_value: Quantity,
    in_flight_ratio: Quantity,
) -> Quantity:
    r"""What the way back needs of the way forward.

    Parameters
    ----------
    batch_tokens : array_like
        Tokens that one accelerator works on at a time: sequences times their length. [token]
    values_per_token : array_like
        Values that are kept of a token: inputs and outputs of all products, or the input of each
        layer where the rest is computed again. [value/token]
    bytes_per_value : array_like
        Bytes of each. [byte/value]
    in_flight_ratio : array_like
        What a stage of a pipeline keeps, over the whole model; 1 where layers are not cut. [1]

    Returns
    -------
    activation_bytes : float or ndarray
        [byte]

    Notes
    -----
    .. math:: M = T \, v \, b \, x

    Scores of attention are never kept: kernels that work in tiles compute them again.

    References
    ----------
    Korthikanti et al. (2022), Reducing activation recomputation in large transformer models, arXiv
    2205.05198; Dao et al. (2022), FlashAttention, arXiv 2205.14135.

    Examples
    --------
    The inputs of 80 layers of width 8,192 for 4,096 tokens:

    >>> round(float(activation_bytes(
    ...     batch_tokens=4096, values_per_token=80 * 8192, bytes_per_value=2,
    ...     in_flight_ratio=1)) / 1e9, 2)
    5.37
    """
    return batch_tokens * values_per_token * bytes_per_value * in_flight_ratio


@formula
def logit_bytes(
    *, batch_tokens: Quantity, n_vocabulary: Quantity, bytes_per_logit: Quantity
) -> Quantity:
    r"""Logits and their gradients, which stand in memory when the loss is computed.

    Parameters
    ----------
    batch_tokens : array_like
        Tokens that one accelerator works on at a time. [token]
    n_vocabulary : array_like
        Entries of the vocabulary. [1]
    bytes_per_logit : array_like
        Bytes of a logit in all its copies. [byte/logit]

    Returns
    -------
    logit_bytes : float or ndarray
        [byte]

    Notes
    -----
    .. math:: M = T \, V \, b

    References
    ----------
    Derived from published profiles: ``catalog/training_memory.csv``.

    Examples
    --------
    >>> round(float(logit_bytes(
    ...     batch_tokens=8192, n_vocabulary=151936, bytes_per_logit=12)) / 1e9, 1)
    14.9
    """
    return batch_tokens * n_vocabulary * bytes_per_logit


@formula
def gathered_bytes(
    *, layer_parameters: Quantity, outer_parameters: Quantity, bytes_per_weight: Quantity
) -> Quantity:
    r"""Weights of the layer at work and of the next one, gathered from all accelerators.

    Parameters
    ----------
    layer_parameters : array_like
        Parameters of the largest layer. [1]
    outer_parameters : array_like
        Of embedding and head, which stay gathered from the way forward to the way back. [1]
    bytes_per_weight : array_like
        Bytes of each. [byte]

    Returns
    -------
    gathered_bytes : float or ndarray
        [byte]

    Notes
    -----
    .. math:: M = (2 \, P_l + P_o) \, b

    References
    ----------
    Zhao et al. (2023), PyTorch FSDP, arXiv 2304.11277; the outermost unit of its
    ``fully_shard`` is not dealt out again after the way forward.

    Examples
    --------
    A 70B with 128,256 words:

    >>> round(float(gathered_bytes(
    ...     layer_parameters=856e6, outer_parameters=2 * 128256 * 8192, bytes_per_weight=2)) / 1e9,
    ...     1)
    7.6
    """
    return (_LAYERS_AT_WORK * layer_parameters + outer_parameters) * bytes_per_weight


_LAYERS_AT_WORK = 2


@formula
def training_bytes_per_accelerator(
    *,
    weight_bytes: Quantity,
    adapter_bytes: Quantity,
    gradient_bytes: Quantity,
    optimizer_bytes: Quantity,
    gathered_bytes: Quantity,
    activation_bytes: Quantity,
    logit_bytes: Quantity,
    step_excess_bytes: Quantity,
    runtime_bytes: Quantity,
) -> Quantity:
    r"""All that training keeps on one accelerator.

    Parameters
    ----------
    weight_bytes, adapter_bytes, gradient_bytes, optimizer_bytes : array_like
        State of the model that stands on it, and of adapters. [byte]
    gathered_bytes, activation_bytes, logit_bytes : array_like
        What comes and goes with a step, at its peak. [byte]
    step_excess_bytes : array_like
        What the optimizer's step takes beyond that. [byte]
    runtime_bytes : array_like
        Context, kernels and gaps between blocks. [byte]

    Returns
    -------
    training_bytes_per_accelerator : float or ndarray
        [byte]

    Notes
    -----
    .. math:: M = M_w + M_l + M_g + M_o + M_p + M_a + M_v + M_s + M_r

    References
    ----------
    Sum of the formulas above.

    Examples
    --------
    >>> float(training_bytes_per_accelerator(
    ...     weight_bytes=16e9, adapter_bytes=0, gradient_bytes=16e9, optimizer_bytes=96e9,
    ...     gathered_bytes=0, activation_bytes=4e9, logit_bytes=2e9, step_excess_bytes=0,
    ...     runtime_bytes=1e9)) / 1e9
    135.0
    """
    state = weight_bytes + adapter_bytes + gradient_bytes + optimizer_bytes
    passing = gathered_bytes + activation_bytes + logit_bytes + step_excess_bytes
    return state + passing + runtime_bytes


@formula
def offloaded_bytes(*, gradient_bytes: Quantity, optimizer_bytes: Quantity) -> Quantity:
    r"""What an accelerator keeps in the memory of its host.

    Parameters
    ----------
    gradient_bytes, optimizer_bytes : array_like
        Gradients and state of the optimizer. [byte]

    Returns
    -------
    offloaded_bytes : float or ndarray
        [byte]

    Notes
    -----
    .. math:: M_h = M_g + M_o

    References
    ----------
    Ren et al. (2021), ZeRO-Offload, arXiv 2101.06840.

    Examples
    --------
    >>> float(offloaded_bytes(gradient_bytes=16e9, optimizer_bytes=96e9)) / 1e9
    112.0
    """
    return gradient_bytes + optimizer_bytes

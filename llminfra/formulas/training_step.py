"""Within a step of training: batches in a pipeline, copies of gradients, who shares a state."""

import numpy as np

from llminfra.formulas._formula import Quantity, formula


@formula
def in_flight_ratio(
    *, n_stages: Quantity, n_chunks: Quantity, n_micro_batches: Quantity
) -> Quantity:
    r"""Activations that the first stage of a pipeline keeps, over those of the model uncut.

    Parameters
    ----------
    n_stages : array_like
        Stages into which the layers are cut. [1]
    n_chunks : array_like
        Runs of layers that a stage holds by turns; 1 where each holds its layers in a row. [1]
    n_micro_batches : array_like
        Batches that pass through the stages in a step; infinite where it is not known. [1]

    Returns
    -------
    in_flight_ratio : float or ndarray
        [1]

    Notes
    -----
    .. math:: x = \min\left(\frac{m}{p}, \; 1 + \frac{p - 1}{p \, v} [v > 1]\right)

    Each of p stages holds a p-th of the layers, and the first one those of p batches, as long as
    a step has so many.

    References
    ----------
    Korthikanti et al. (2022), arXiv 2205.05198, section 4.2.3; Narayanan et al. (2021), arXiv
    2104.04473.

    Examples
    --------
    >>> in_flight_ratio(
    ...     n_stages=[1, 8, 8, 8], n_chunks=[1, 1, 3, 1], n_micro_batches=[9, 9, 16, 4]).round(3)
    array([1.   , 1.   , 1.292, 0.5  ])
    """
    by_turns = 1 + (n_stages - 1) / (n_stages * n_chunks)
    full = np.where(n_chunks == 1, 1 + 0 * n_stages, by_turns)
    return np.minimum(full, n_micro_batches / n_stages)


@formula
def stage_wait_ratio(
    *, n_stages: Quantity, n_chunks: Quantity, n_micro_batches: Quantity
) -> Quantity:
    r"""Time that stages of a pipeline wait for each other, over the time that they work.

    Parameters
    ----------
    n_stages : array_like
        Stages into which the layers are cut. [1]
    n_chunks : array_like
        Runs of layers that a stage holds by turns; 1 where each holds its layers in a row. [1]
    n_micro_batches : array_like
        Batches that pass through the stages in a step; infinite where it is not known. [1]

    Returns
    -------
    stage_wait_ratio : float or ndarray
        [1]

    Notes
    -----
    .. math:: w = \frac{p - 1}{v \, m}

    At the start and the end of a step stages have nothing to do: one forward, one backward. What
    the stages take longer than each other, and what the turns send more, is no part of it.

    References
    ----------
    Narayanan et al. (2021), arXiv 2104.04473, sections 2.2.1 and 2.2.2.

    Examples
    --------
    8 stages and 32 batches, in a row and in three turns:

    >>> stage_wait_ratio(n_stages=8, n_chunks=[1, 3], n_micro_batches=32).round(3)
    array([0.219, 0.073])
    """
    return (n_stages - 1) / (n_chunks * n_micro_batches)


@formula
def step_bytes(
    *,
    parameters: Quantity,
    bytes_per_weight: Quantity,
    shard_accelerators: Quantity,
    group_parameters: Quantity,
) -> Quantity:
    r"""Copies of gradients that stand beside the state while the optimizer steps.

    Parameters
    ----------
    parameters : array_like
        Parameters that are trained. [1]
    bytes_per_weight : array_like
        Bytes of the copies for each. [byte]
    shard_accelerators : array_like
        Accelerators that share the optimizer. [accelerator]
    group_parameters : array_like
        Weights for which the optimizer steps at a time; infinite where it is all of them. [1]

    Returns
    -------
    step_bytes : float or ndarray
        [byte]

    Notes
    -----
    .. math:: M = b \min(P / n, G)

    References
    ----------
    DeepSpeed, ``stage_1_and_2.py``: gradients are copied flat, then into 32 bits; ``stage3.py``:
    the same for a group of a billion weights at a time.

    Examples
    --------
    1.8 billion parameters on one accelerator; 7.7 billion on two that share all:

    >>> (step_bytes(parameters=[1.84e9, 7.72e9], bytes_per_weight=[6, 4],
    ...     shard_accelerators=[1, 2], group_parameters=[np.inf, 1e9]) / 1e9).round(1)
    array([11.,  4.])
    """
    return bytes_per_weight * np.minimum(parameters / shard_accelerators, group_parameters)


@formula
def step_excess_bytes(
    *,
    step_bytes: Quantity,
    gathered_bytes: Quantity,
    activation_bytes: Quantity,
    logit_bytes: Quantity,
) -> Quantity:
    r"""What the optimizer's step takes beyond what has come and gone by then.

    Parameters
    ----------
    step_bytes : array_like
        Copies of gradients while it steps. [byte]
    gathered_bytes, activation_bytes, logit_bytes : array_like
        What stands in memory on the way back. [byte]

    Returns
    -------
    step_excess_bytes : float or ndarray
        [byte]

    Notes
    -----
    .. math:: M_s = \max(0, M - M_p - M_a - M_v)

    References
    ----------
    Derived: memory peaks in one of two moments. The profile of Qwen 1.8B is flat up to 2,048 tokens
    of a sequence and grows beyond.

    Examples
    --------
    >>> step_excess_bytes(step_bytes=11e9, gathered_bytes=0, activation_bytes=[1e9, 15e9],
    ...     logit_bytes=[1e9, 3e9])
    array([9.e+09, 0.e+00])
    """
    return np.maximum(step_bytes - gathered_bytes - activation_bytes - logit_bytes, 0)


@formula
def shard_accelerators(
    *,
    parameters: Quantity,
    expert_parameters: Quantity,
    n_copies: Quantity,
    n_expert_copies: Quantity,
) -> Quantity:
    r"""Accelerators that share the state of a rank, in the mean over its parameters.

    Parameters
    ----------
    parameters, expert_parameters : array_like
        Parameters of the rank beside its experts, and of those. [1]
    n_copies, n_expert_copies : array_like
        Copies of each that the accelerators hold: of experts, which are dealt out to more of
        them, fewer. [1]

    Returns
    -------
    shard_accelerators : float or ndarray
        [accelerator]

    Notes
    -----
    .. math:: n = \frac{P + P_e}{P / n_d + P_e / n_e}

    The optimizer of an expert is shared by those accelerators alone that hold the same expert.

    References
    ----------
    NVIDIA/Megatron-LM#4687 (2026-05): experts by their own cuts, their optimizer by their copies.

    Examples
    --------
    On 64 accelerators, 3 of 4 billion parameters of a rank are experts dealt out to 8:

    >>> float(shard_accelerators(
    ...     parameters=1e9, expert_parameters=3e9, n_copies=64, n_expert_copies=8))
    10.24
    """
    shared = parameters / n_copies + expert_parameters / n_expert_copies
    return (parameters + expert_parameters) / shared


@formula
def unpack_wait_ratio(
    *,
    quantized_parameters: Quantity,
    unpack_bytes_per_weight: Quantity,
    n_passes: Quantity,
    memory_bytes_per_s: Quantity,
    batch_tokens: Quantity,
    flop_per_token: Quantity,
    flop_per_s: Quantity,
) -> Quantity:
    r"""Time in which frozen weights are unpacked from few bits, over the time that products take.

    Parameters
    ----------
    quantized_parameters : array_like
        Weights that stand in few bits, of those that the ranks of a layer hold. [1]
    unpack_bytes_per_weight : array_like
        What unpacking one takes, as bytes that memory moves. [byte]
    n_passes : array_like
        How often all are unpacked for a batch: forward, back, and where layers are computed again.
        [1]
    memory_bytes_per_s : array_like
        Bandwidth of the memory. [byte/s]
    batch_tokens : array_like
        Tokens that one accelerator works on at a time. [token]
    flop_per_token, flop_per_s : array_like
        Products of a token, and what the accelerator reaches with weights that are unpacked.
        [FLOP/token, FLOP/s]

    Returns
    -------
    unpack_wait_ratio : float or ndarray
        [1]

    Notes
    -----
    .. math:: w = \frac{P \, b \, k / B}{T \, f / F}

    Cuts over tensors and stages divide both alike. Experts that are dealt out whole divide the
    weights alone, as each rank has as many tokens as before. A batch pays once, however long it is.

    References
    ----------
    LitGPT's resource tables (2023): iterations of four models in NF4 and in 16 bits.

    Examples
    --------
    Llama 2 7B in NF4 on an A100 with 40 GB, 4,096 tokens at a time:

    >>> round(float(unpack_wait_ratio(
    ...     quantized_parameters=6.6e9, unpack_bytes_per_weight=9, n_passes=2,
    ...     memory_bytes_per_s=1.555e12, batch_tokens=4096, flop_per_token=2.7e10,
    ...     flop_per_s=0.4 * 312e12)), 3)
    0.086
    """
    unpacked_s = quantized_parameters * unpack_bytes_per_weight * n_passes / memory_bytes_per_s
    return unpacked_s / (batch_tokens * flop_per_token / flop_per_s)


@formula
def launch_wait_ratio(
    *,
    launch_s: Quantity,
    n_layer_passes: Quantity,
    n_tensor_ranks: Quantity,
    batch_tokens: Quantity,
    flop_per_token: Quantity,
    flop_per_s: Quantity,
) -> Quantity:
    r"""Time that an accelerator waits for its host to launch work, over the time of products.

    Parameters
    ----------
    launch_s : array_like
        What the host takes to launch one layer of one pass. [s]
    n_layer_passes : array_like
        Layers that a batch passes, each as often as it does: forward, back, and where it is
        computed again. [1]
    n_tensor_ranks : array_like
        Accelerators over which each layer is split: they share its products, and each launches
        it. [accelerator]
    batch_tokens : array_like
        Tokens that they work on at a time. [token]
    flop_per_token, flop_per_s : array_like
        Products of a token, and what one accelerator reaches. [FLOP/token, FLOP/s]

    Returns
    -------
    launch_wait_ratio : float or ndarray
        0 where products take longer than their launches. [1]

    Notes
    -----
    .. math:: w = \max\left(0, \; \frac{l \, L}{T \, f / (n \, F)} - 1\right)

    Stages divide layers and products alike.

    References
    ----------
    LitGPT's resource tables (2023): a thousand iterations on the short texts of Alpaca.

    Examples
    --------
    Adapters of Qwen 7B on an A100: 256 tokens are launched, 4,096 are computed, but for a split
    over eight.

    >>> launch_wait_ratio(
    ...     launch_s=0.002, n_layer_passes=96, n_tensor_ranks=[1, 1, 8],
    ...     batch_tokens=[256, 4096, 4096], flop_per_token=3.1e10, flop_per_s=1.2e14).round(2)
    array([1.9 , 0.  , 0.45])
    """
    products_s = batch_tokens * flop_per_token / (n_tensor_ranks * flop_per_s)
    return np.maximum(0.0, launch_s * n_layer_passes / products_s - 1)

"""What comes and goes within a step of training: sequences in a pipeline, copies of gradients."""

import numpy as np

from llminfra.formulas._formula import Quantity, formula


@formula
def in_flight_ratio(*, n_stages: Quantity, n_chunks: Quantity) -> Quantity:
    r"""Activations that the first stage of a pipeline keeps, over those of the model uncut.

    Parameters
    ----------
    n_stages : array_like
        Stages into which the layers are cut. [1]
    n_chunks : array_like
        Runs of layers that a stage holds by turns; 1 where each holds its layers in a row. [1]

    Returns
    -------
    in_flight_ratio : float or ndarray
        [1]

    Notes
    -----
    .. math:: x = 1 + \frac{p - 1}{p \, v} \; (v > 1), \quad x = 1 \; (v = 1)

    Each of p stages holds a p-th of the layers, and the first one those of p sequences, as long as
    a step has so many.

    References
    ----------
    Korthikanti et al. (2022), arXiv 2205.05198, section 4.2.3; Narayanan et al. (2021), arXiv
    2104.04473.

    Examples
    --------
    >>> in_flight_ratio(n_stages=[1, 8, 8], n_chunks=[1, 1, 3]).round(3)
    array([1.   , 1.   , 1.292])
    """
    by_turns = 1 + (n_stages - 1) / (n_stages * n_chunks)
    return np.where(n_chunks == 1, 1 + 0 * n_stages, by_turns)


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
    *, step_bytes: Quantity, activation_bytes: Quantity, logit_bytes: Quantity
) -> Quantity:
    r"""What the optimizer's step takes beyond the activations, which are gone by then.

    Parameters
    ----------
    step_bytes : array_like
        Copies of gradients while it steps. [byte]
    activation_bytes, logit_bytes : array_like
        What stands in memory at the end of the way forward. [byte]

    Returns
    -------
    step_excess_bytes : float or ndarray
        [byte]

    Notes
    -----
    .. math:: M_s = \max(0, M - M_a - M_v)

    References
    ----------
    Derived: memory peaks in one of two moments. The profile of Qwen 1.8B is flat up to 2,048 tokens
    of a sequence and grows beyond.

    Examples
    --------
    >>> step_excess_bytes(step_bytes=11e9, activation_bytes=[1e9, 15e9], logit_bytes=[1e9, 3e9])
    array([9.e+09, 0.e+00])
    """
    return np.maximum(step_bytes - activation_bytes - logit_bytes, 0)

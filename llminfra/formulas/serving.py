"""Time of a decode step and of a prompt, on one accelerator of a group that works in step.

Terms add, because an engine's kernels follow one another; a token costs the same in prefill and in
decode. All arguments are numbers or arrays that broadcast.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike


def touched_fraction(*, expert_share_fraction: ArrayLike, batch_tokens: ArrayLike) -> Any:
    r"""Expected share of the experts that a batch touches.

    Parameters
    ----------
    expert_share_fraction : array_like
        Experts that one token uses, of all; 0 for a dense model. [1]
    batch_tokens : array_like
        Tokens of one pass. [token]

    Returns
    -------
    touched_fraction : float or ndarray
        [1]

    Notes
    -----
    .. math:: D = 1 - (1 - k/n)^B

    Valid for routing that is independent between tokens and evenly spread.

    References
    ----------
    Occupancy of urns; measured rows give 11 % error against 29 % for active experts only.

    Examples
    --------
    Sixteen tokens that use 2 of 8 experts leave almost none idle:

    >>> round(float(touched_fraction(expert_share_fraction=0.25, batch_tokens=16)), 2)
    0.99
    """
    idle = np.log1p(-np.minimum(expert_share_fraction, 1 - 1e-12))
    return -np.expm1(np.multiply(batch_tokens, idle))


def weight_read_s(
    *,
    weight_bytes: ArrayLike,
    weight_bytes_per_s: ArrayLike,
    expert_bytes: ArrayLike,
    expert_bytes_per_s: ArrayLike,
    touched_fraction: ArrayLike,
) -> Any:
    r"""Time in which an accelerator reads the weights of one pass.

    Parameters
    ----------
    weight_bytes, expert_bytes : array_like
        Weights that every pass reads, and routed experts, on one accelerator. [byte]
    weight_bytes_per_s, expert_bytes_per_s : array_like
        Effective bandwidth for each. [byte/s]
    touched_fraction : array_like
        Share of the experts that the pass touches. [1]

    Returns
    -------
    weight_read_s : float or ndarray
        [s]

    Notes
    -----
    .. math:: t_W = W / \beta_W + D \, W_e / \beta_e

    References
    ----------
    Definition.

    Examples
    --------
    A quarter of Llama 3.3 70B in FP8 on an H200 at 95 % of 4.8 TB/s:

    >>> round(float(weight_read_s(weight_bytes=17.64e9, weight_bytes_per_s=0.95 * 4.8e12,
    ...     expert_bytes=0, expert_bytes_per_s=4.8e12, touched_fraction=0)) * 1e3, 2)
    3.87
    """
    experts = np.multiply(touched_fraction, expert_bytes) / np.asarray(expert_bytes_per_s)
    return np.divide(weight_bytes, weight_bytes_per_s) + experts


def expert_flop_per_s(
    *,
    flop_per_s: ArrayLike,
    expert_values: ArrayLike,
    half_values: ArrayLike,
    expert_tokens: ArrayLike,
    half_tokens: ArrayLike,
) -> Any:
    r"""Effective arithmetic of grouped products, which narrow experts use badly.

    Parameters
    ----------
    flop_per_s : array_like
        Effective arithmetic of wide products. [FLOP/s]
    expert_values, half_values : array_like
        Width of an expert, and the width at which half is reached. [value]
    expert_tokens, half_tokens : array_like
        Tokens of each expert in a pass, and the number at which half is reached; 0 where the
        reading of weights carries small passes. [token]

    Returns
    -------
    expert_flop_per_s : float or ndarray
        [FLOP/s]

    Notes
    -----
    .. math:: F_e = F \frac{w}{w + w_h} \frac{x}{x + x_h}

    Valid from a width of 1,000 to 15,000.

    References
    ----------
    Fit on published tables, ``catalog/serving_constants.csv``.

    Examples
    --------
    >>> float(expert_flop_per_s(flop_per_s=600e12, expert_values=3500, half_values=3500,
    ...     expert_tokens=45, half_tokens=45)) / 1e12
    150.0
    """
    wide = np.divide(expert_values, np.add(expert_values, half_values))
    full = np.divide(expert_tokens, np.add(expert_tokens, half_tokens))
    return np.multiply(flop_per_s, wide) * full


def s_per_token(
    *,
    native_flop_per_token: ArrayLike,
    native_flop_per_s: ArrayLike,
    plain_flop_per_token: ArrayLike,
    plain_flop_per_s: ArrayLike,
    expert_flop_per_token: ArrayLike,
    expert_flop_per_s: ArrayLike,
    link_bytes_per_token: ArrayLike,
    link_bytes_per_s: ArrayLike,
    residual_values: ArrayLike,
    s_per_value: ArrayLike,
) -> Any:
    r"""Price of one token, in a prompt or in an answer.

    Parameters
    ----------
    native_flop_per_token, plain_flop_per_token, expert_flop_per_token : array_like
        Products in the weights' format, in 16 bits, and of routed experts. [FLOP/token]
    native_flop_per_s, plain_flop_per_s, expert_flop_per_s : array_like
        Effective arithmetic of each. [FLOP/s]
    link_bytes_per_token, link_bytes_per_s : array_like
        What one accelerator sends, and its effective link bandwidth. [byte/token, byte/s]
    residual_values, s_per_value : array_like
        Layers times hidden size, and time of each: work that is not split. [value, s/value]

    Returns
    -------
    s_per_token : float or ndarray
        [s/token]

    Notes
    -----
    .. math:: \tau = f_q/F_q + f_p/F_p + f_e/F_e + b_l/\beta_l + r u

    References
    ----------
    Definition.

    Examples
    --------
    >>> float(s_per_token(native_flop_per_token=35e9, native_flop_per_s=1.2e15,
    ...     plain_flop_per_token=0, plain_flop_per_s=1, expert_flop_per_token=0,
    ...     expert_flop_per_s=1, link_bytes_per_token=3.93e6, link_bytes_per_s=283e9,
    ...     residual_values=80 * 8192, s_per_value=0.9e-11)) * 1e6 // 1
    48.0
    """
    native = np.divide(native_flop_per_token, native_flop_per_s)
    plain = np.divide(plain_flop_per_token, plain_flop_per_s)
    experts = np.divide(expert_flop_per_token, expert_flop_per_s)
    sent = np.divide(link_bytes_per_token, link_bytes_per_s)
    return native + plain + experts + sent + np.multiply(residual_values, s_per_value)


def step_s(
    *,
    weight_read_s: ArrayLike,
    overhead_s: ArrayLike,
    sequences: ArrayLike,
    s_per_token: ArrayLike,
    cache_read_bytes: ArrayLike,
    cache_bytes_per_s: ArrayLike,
) -> Any:
    r"""Time of one decode step.

    Parameters
    ----------
    weight_read_s : array_like
        Time to read the weights. [s]
    overhead_s : array_like
        Launches, small kernels and latency of links, over all layers. [s]
    sequences : array_like
        Sequences that the accelerator decodes at once. [sequence]
    s_per_token : array_like
        Price of one token. [s/token]
    cache_read_bytes, cache_bytes_per_s : array_like
        Cache read per sequence, and effective bandwidth. [byte, byte/s]

    Returns
    -------
    step_s : float or ndarray
        [s]

    Notes
    -----
    .. math:: s(b) = t_W + t_L + b \, (\tau + k / \beta_k)

    References
    ----------
    Fit on published tables, ``catalog/serving_constants.csv``.

    Examples
    --------
    >>> round(float(step_s(weight_read_s=3.9e-3, overhead_s=80 * 55e-6, sequences=32,
    ...     s_per_token=48e-6, cache_read_bytes=320e6, cache_bytes_per_s=4.1e12)) * 1e3, 1)
    12.3
    """
    each = np.add(s_per_token, np.divide(cache_read_bytes, cache_bytes_per_s))
    return np.add(weight_read_s, overhead_s) + np.multiply(sequences, each)


def prefill_s(
    *,
    prompt_tokens: ArrayLike,
    s_per_token: ArrayLike,
    attention_flop: ArrayLike,
    attention_flop_per_s: ArrayLike,
    expert_read_s: ArrayLike,
    floor_s: ArrayLike,
) -> Any:
    r"""Time that one prompt takes from the group.

    Parameters
    ----------
    prompt_tokens : array_like
        Tokens that must be computed, without those from a prefix cache. [token]
    s_per_token : array_like
        Price of one token. [s/token]
    attention_flop, attention_flop_per_s : array_like
        Products of causal attention on one accelerator, effective arithmetic. [FLOP, FLOP/s]
    expert_read_s : array_like
        Time to read experts that the decode steps would not read anyway. [s]
    floor_s : array_like
        Launches of one pass, or a prompt's share of them. [s]

    Returns
    -------
    prefill_s : float or ndarray
        [s]

    Notes
    -----
    .. math:: p = \left( (i \tau + A / F_A + t_e)^4 + t_f^4 \right)^{1/4}

    References
    ----------
    Fit on published tables, ``catalog/serving_constants.csv``.

    Examples
    --------
    >>> round(float(prefill_s(prompt_tokens=7373, s_per_token=48e-6, attention_flop=1.8e13,
    ...     attention_flop_per_s=0.8 * 989e12, expert_read_s=0, floor_s=0.02)), 3)
    0.377
    """
    work = np.multiply(prompt_tokens, s_per_token) + expert_read_s
    work = np.add(work, np.divide(attention_flop, attention_flop_per_s))
    # A fourth root by squares and square roots, which are several times faster than powers.
    return np.sqrt(np.hypot(np.square(work), np.square(floor_s)))

"""What no software can beat on an accelerator."""

import numpy as np

from llminfra.formulas._formula import Quantity, formula


@formula
def floor_tpot_s(
    *,
    weight_bytes: Quantity,
    expert_bytes: Quantity,
    expert_share_fraction: Quantity,
    memory_bytes_per_s: Quantity,
    step_tokens: Quantity,
) -> Quantity:
    r"""Time between tokens that no software can beat: reading the weights of one token once.

    Parameters
    ----------
    weight_bytes, expert_bytes, expert_share_fraction : array_like
        Weights that every step reads and routed experts on one accelerator, and experts that a
        token uses, of all. [byte, byte, 1]
    memory_bytes_per_s : array_like
        The data sheet's bandwidth. [byte/s]
    step_tokens : array_like
        Tokens that a step yields at most: 1, and those drafted. [1]

    Returns
    -------
    floor_tpot_s : float or ndarray
        [s]

    Notes
    -----
    .. math:: T_o \ge \frac{W + W_e \, k/n}{\beta_m \, g}

    Examples
    --------
    A quarter of 70 GB on an H200:

    >>> round(float(floor_tpot_s(weight_bytes=17.6e9, expert_bytes=0, expert_share_fraction=0,
    ...     memory_bytes_per_s=4.8e12, step_tokens=1)) * 1e3, 2)
    3.67
    """
    used_bytes = weight_bytes + expert_bytes * expert_share_fraction
    return used_bytes / memory_bytes_per_s / step_tokens


@formula
def floor_ttft_s(
    *,
    prompt_tokens: Quantity,
    native_flop_per_token: Quantity,
    plain_flop_per_token: Quantity,
    expert_flop_per_token: Quantity,
    flop_per_s: Quantity,
    floor_tpot_s: Quantity,
) -> Quantity:
    r"""Time to the first token that no software can beat: all products, or one step if longer.

    Parameters
    ----------
    prompt_tokens : array_like
        Tokens that must be computed. [token]
    native_flop_per_token, plain_flop_per_token, expert_flop_per_token : array_like
        Products of one token on one accelerator, by kind. [FLOP/token]
    flop_per_s : array_like
        The data sheet's arithmetic in the weights' format. [FLOP/s]
    floor_tpot_s : array_like
        Reading the weights once. [s]

    Returns
    -------
    floor_ttft_s : float or ndarray
        [s]

    Notes
    -----
    .. math:: T \ge \max\left(i \, (f_q + f_p + f_e) / F, T_o\right)

    Examples
    --------
    >>> round(float(floor_ttft_s(prompt_tokens=8000, native_flop_per_token=35e9,
    ...     plain_flop_per_token=0, expert_flop_per_token=0, flop_per_s=1979e12,
    ...     floor_tpot_s=0.004)), 3)
    0.141
    """
    flop_per_token = native_flop_per_token + plain_flop_per_token + expert_flop_per_token
    return np.maximum(prompt_tokens * flop_per_token / flop_per_s, floor_tpot_s)

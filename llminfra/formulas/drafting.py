"""What drafting costs in a step: passes of the draft, and a verification that is no plain step.

All arguments are numbers or arrays that broadcast.
"""

import numpy as np

from llminfra.formulas._formula import Quantity, formula


@formula
def verified_overhead_s(
    *,
    overhead_s: Quantity,
    step_tokens: Quantity,
    verify_overhead_ratio: Quantity,
    cache_wait_s: Quantity = 0.0,
) -> Quantity:
    r"""Launches and latency of a step, which verifies drafted tokens if there are any.

    Parameters
    ----------
    overhead_s : array_like
        Launches and small kernels of a step without a draft. [s]
    step_tokens : array_like
        Tokens of a sequence in a step: 1, and those drafted. [token]
    verify_overhead_ratio : array_like
        What verification adds to it. [1]
    cache_wait_s : array_like
        Wait for the attention of one sequence, for each of its tokens. [s]

    Returns
    -------
    verified_overhead_s : float or ndarray
        [s]

    Notes
    -----
    .. math:: t_L' = t_L (1 + v \min(g - 1, 1)) + g \, t_a

    References
    ----------
    Pairs with and without a draft, 589 rows of 2026.

    Examples
    --------
    >>> round(float(verified_overhead_s(overhead_s=5e-3, step_tokens=4,
    ...     verify_overhead_ratio=0.6)) * 1e3, 1)
    8.0
    """
    launches_s = overhead_s * (1.0 + verify_overhead_ratio * np.minimum(step_tokens - 1.0, 1.0))
    return launches_s + step_tokens * cache_wait_s


@formula
def cache_wait_s(
    *, cache_read_bytes: Quantity, cache_bytes_per_s: Quantity, cache_wait_sequences: Quantity
) -> Quantity:
    r"""Time that a step waits for the attention of one sequence, however many it decodes.

    Parameters
    ----------
    cache_read_bytes, cache_bytes_per_s : array_like
        Cache read per sequence, and effective bandwidth. [byte, byte/s]
    cache_wait_sequences : array_like
        Sequences that would be read at full bandwidth in that time. [sequence]

    Returns
    -------
    cache_wait_s : float or ndarray
        [s]

    Notes
    -----
    .. math:: t_a = n_a \, k / \beta_k

    Valid for kernels that deal a sequence to few units of a chip, while others are at work on other
    sequences.

    References
    ----------
    Steps of Kimi-K2.6 on eight RTX PRO 6000: 10.8 ms more at 128K tokens for one sequence, and as
    much for two.

    Examples
    --------
    >>> round(float(cache_wait_s(cache_read_bytes=4.6e9, cache_bytes_per_s=1.7e12,
    ...     cache_wait_sequences=2.3)) * 1e3, 1)
    6.2
    """
    return cache_wait_sequences * cache_read_bytes / cache_bytes_per_s


@formula
def touching_tokens(*, step_tokens: Quantity, draft_touch_fraction: Quantity) -> Quantity:
    r"""Tokens of a sequence that choose experts by themselves in a step.

    Parameters
    ----------
    step_tokens : array_like
        Tokens of a sequence in a step: 1, and those drafted. [token]
    draft_touch_fraction : array_like
        Drafted tokens that choose other experts than the token before them, of all. [1]

    Returns
    -------
    touching_tokens : float or ndarray
        [token]

    Notes
    -----
    .. math:: g_e = 1 + \gamma (g - 1)

    Tokens that follow each other are routed alike.

    References
    ----------
    Pairs with and without a draft, 589 rows of 2026.

    Examples
    --------
    >>> float(touching_tokens(step_tokens=4, draft_touch_fraction=0.5))
    2.5
    """
    return 1.0 + draft_touch_fraction * (step_tokens - 1.0)


@formula
def draft_pass_s(
    *,
    draft_bytes: Quantity,
    read_bytes_per_s: Quantity,
    n_layers: Quantity,
    layer_overhead_s: Quantity,
    draft_pass_overhead_s: Quantity,
    counted_fraction: Quantity = 1.0,
) -> Quantity:
    r"""Time of one pass of what drafts, beside its work for each sequence.

    Parameters
    ----------
    draft_bytes, read_bytes_per_s : array_like
        Weights of the draft and its head on one accelerator, and how fast they are read.
        [byte, byte/s]
    n_layers, layer_overhead_s : array_like
        Layers of the draft, and launches of each. [1, s]
    draft_pass_overhead_s : array_like
        Sampling and the way back to the next pass. [s]
    counted_fraction : array_like
        1, or 0 where the scenario states the share of a step instead. [1]

    Returns
    -------
    draft_pass_s : float or ndarray
        [s]

    Notes
    -----
    .. math:: t_d = c (W_d / \beta_W + n t_l + t_0)

    Examples
    --------
    A draft of 0.6 bn parameters on an RTX 3090:

    >>> round(float(draft_pass_s(draft_bytes=1.2e9, read_bytes_per_s=0.9e12, n_layers=28,
    ...     layer_overhead_s=60e-6, draft_pass_overhead_s=2e-4)) * 1e3, 1)
    3.2
    """
    pass_s = draft_bytes / read_bytes_per_s + n_layers * layer_overhead_s + draft_pass_overhead_s
    return counted_fraction * pass_s


@formula
def draft_sequence_s(
    *,
    draft_sequence_bytes: Quantity,
    read_bytes_per_s: Quantity,
    counted_fraction: Quantity = 1.0,
) -> Quantity:
    r"""Time that each drafted token of each sequence takes.

    Parameters
    ----------
    draft_sequence_bytes : array_like
        Fitted time, as what is read in it. [byte]
    read_bytes_per_s : array_like
        How fast weights are read. [byte/s]
    counted_fraction : array_like
        1, or 0 where the scenario states the share of a step instead. [1]

    Returns
    -------
    draft_sequence_s : float or ndarray
        [s]

    Notes
    -----
    .. math:: t_b = c D_b / \beta_W

    Examples
    --------
    >>> round(float(draft_sequence_s(draft_sequence_bytes=6e8, read_bytes_per_s=1.7e12)) * 1e3, 2)
    0.35
    """
    return counted_fraction * draft_sequence_bytes / read_bytes_per_s


@formula
def drafted_step_s(
    *,
    step_s: Quantity,
    step_tokens: Quantity,
    sequences: Quantity,
    draft_pass_s: Quantity,
    draft_sequence_s: Quantity,
) -> Quantity:
    r"""Time of a step with the drafting before it.

    Parameters
    ----------
    step_s : array_like
        Verification of the drafted tokens. [s]
    step_tokens : array_like
        Tokens of a sequence in a step: 1, and those drafted. [token]
    sequences : array_like
        Sequences that the accelerator decodes at once. [sequence]
    draft_pass_s, draft_sequence_s : array_like
        A pass of the draft, and what each sequence adds to it. [s]

    Returns
    -------
    drafted_step_s : float or ndarray
        [s]

    Notes
    -----
    .. math:: s' = s + (g - 1) (t_d + b \, t_b)

    Examples
    --------
    >>> round(float(drafted_step_s(step_s=0.02, step_tokens=3, sequences=8, draft_pass_s=1e-3,
    ...     draft_sequence_s=3e-4)) * 1e3, 1)
    26.8
    """
    return step_s + (step_tokens - 1.0) * (draft_pass_s + sequences * draft_sequence_s)


@formula
def draft_gain_ratio(*, drafted_tokens_per_s: Quantity, plain_tokens_per_s: Quantity) -> Quantity:
    r"""Output rate with a draft against that without, at the same load.

    Parameters
    ----------
    drafted_tokens_per_s, plain_tokens_per_s : array_like
        Output tokens with and without a draft. [token/s]

    Returns
    -------
    draft_gain_ratio : float or ndarray
        Below 1 where drafting is a loss. [1]

    Notes
    -----
    .. math:: G = \mu_g / \mu_1

    Examples
    --------
    >>> float(draft_gain_ratio(drafted_tokens_per_s=90.0, plain_tokens_per_s=100.0))
    0.9
    """
    return drafted_tokens_per_s / plain_tokens_per_s

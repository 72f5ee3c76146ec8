"""Time of a decode step and of a prompt, on one accelerator of a group that works in step.

Terms add, because an engine's kernels follow one another; a token costs the same in prefill and in
decode. All arguments are numbers or arrays that broadcast.
"""

import numpy as np

from llminfra.formulas._formula import Quantity, formula

_TINY = 1e-9


@formula
def batch_tokens(
    *,
    sequences: Quantity,
    n_ranks: Quantity,
    step_tokens: Quantity,
    prompt_tokens: Quantity,
    output_tokens: Quantity,
) -> Quantity:
    r"""Tokens of one pass over all ranks that share experts.

    Parameters
    ----------
    sequences, n_ranks : array_like
        Sequences that each rank decodes, and ranks. [sequence, 1]
    step_tokens : array_like
        Tokens of a sequence in a step: 1, and those drafted. [token]
    prompt_tokens, output_tokens : array_like
        Prompt that travels in the steps of an answer, and those steps; a prompt of 0 where steps
        are of answers alone. [token]

    Returns
    -------
    batch_tokens : float or ndarray
        [token]

    Notes
    -----
    .. math:: B = b R g \, (1 + \min(b R - 1, 1) \, i / o)

    Prompts are those of other sequences: one alone has read its own before it answers.

    Examples
    --------
    >>> float(batch_tokens(sequences=32, n_ranks=2, step_tokens=1, prompt_tokens=8000,
    ...     output_tokens=1000))
    576.0
    >>> float(batch_tokens(sequences=1, n_ranks=1, step_tokens=1, prompt_tokens=8000,
    ...     output_tokens=1000))
    1.0
    """
    present = sequences * n_ranks
    others = np.clip(present - 1, 0, 1)
    return present * step_tokens * (1 + prompt_tokens / output_tokens * others)


@formula
def touched_fraction(*, expert_share_fraction: Quantity, batch_tokens: Quantity) -> Quantity:
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
    return -np.expm1(batch_tokens * idle)


@formula
def mixed_step_fraction(*, sequences: Quantity, output_tokens: Quantity) -> Quantity:
    r"""Share of the decode steps that read a prompt as well.

    Parameters
    ----------
    sequences : array_like
        Sequences in the batch. [sequence]
    output_tokens : array_like
        Steps of an answer. [token]

    Returns
    -------
    mixed_step_fraction : float or ndarray
        [1]

    Notes
    -----
    .. math:: m = 1 - e^{-b / o}

    Valid for a batch that is kept full by independent arrivals: in each step, b / o requests begin
    on average. Such a step does not fit the graphs that the engine has captured.

    References
    ----------
    Poisson distribution.

    Examples
    --------
    A batch of 64 that answers with 400 tokens reads a prompt in every seventh step:

    >>> round(float(mixed_step_fraction(sequences=64, output_tokens=400)), 3)
    0.148
    """
    return -np.expm1(-sequences / output_tokens)


@formula
def weight_read_s(
    *,
    weight_bytes: Quantity,
    weight_bytes_per_s: Quantity,
    expert_bytes: Quantity,
    expert_bytes_per_s: Quantity,
    touched_fraction: Quantity,
) -> Quantity:
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

    Examples
    --------
    A quarter of Llama 3.3 70B in FP8 on an H200 at 95 % of 4.8 TB/s:

    >>> round(float(weight_read_s(weight_bytes=17.64e9, weight_bytes_per_s=0.95 * 4.8e12,
    ...     expert_bytes=0, expert_bytes_per_s=4.8e12, touched_fraction=0)) * 1e3, 2)
    3.87
    """
    return weight_bytes / weight_bytes_per_s + touched_fraction * expert_bytes / expert_bytes_per_s


@formula
def expert_flop_per_s(
    *,
    flop_per_s: Quantity,
    expert_values: Quantity,
    half_values: Quantity,
    batch_tokens: Quantity,
    expert_share_fraction: Quantity,
    half_tokens: Quantity,
) -> Quantity:
    r"""Effective arithmetic of grouped products, which narrow experts use badly.

    Parameters
    ----------
    flop_per_s : array_like
        Effective arithmetic of wide products. [FLOP/s]
    expert_values, half_values : array_like
        Width of an expert, and the width at which half is reached. [value]
    batch_tokens, expert_share_fraction : array_like
        Tokens of a pass, and experts that one of them uses, of all. [token, 1]
    half_tokens : array_like
        Tokens of each expert at which half is reached; 0 where the reading of weights carries
        small passes, as in a batch that is not full. [token]

    Returns
    -------
    expert_flop_per_s : float or ndarray
        [FLOP/s]

    Notes
    -----
    .. math:: F_e = F \frac{w}{w + w_h} \frac{x}{x + x_h}, \quad x = B \, k/n

    Valid from a width of 1,000 to 15,000.

    References
    ----------
    Fit on published tables, ``catalog/serving_constants.csv``.

    Examples
    --------
    >>> round(float(expert_flop_per_s(flop_per_s=600e12, expert_values=3500, half_values=3500,
    ...     batch_tokens=360, expert_share_fraction=1/8, half_tokens=45)) / 1e12)
    150
    """
    wide = expert_values / (expert_values + half_values)
    # A hair more than nothing, so that dense models, which have no experts, lose nothing.
    tokens = batch_tokens * expert_share_fraction + _TINY
    full = tokens / (tokens + half_tokens * (expert_share_fraction > 0))
    return flop_per_s * wide * full


@formula
def s_per_token(
    *,
    native_flop_per_token: Quantity,
    native_flop_per_s: Quantity,
    plain_flop_per_token: Quantity,
    plain_flop_per_s: Quantity,
    expert_flop_per_token: Quantity,
    expert_flop_per_s: Quantity,
    link_bytes_per_token: Quantity,
    link_bytes_per_s: Quantity,
    residual_values: Quantity,
    s_per_value: Quantity,
) -> Quantity:
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

    Examples
    --------
    >>> float(s_per_token(native_flop_per_token=35e9, native_flop_per_s=1.2e15,
    ...     plain_flop_per_token=0, plain_flop_per_s=1, expert_flop_per_token=0,
    ...     expert_flop_per_s=1, link_bytes_per_token=3.93e6, link_bytes_per_s=283e9,
    ...     residual_values=80 * 8192, s_per_value=0.9e-11)) * 1e6 // 1
    48.0
    """
    return (
        native_flop_per_token / native_flop_per_s
        + plain_flop_per_token / plain_flop_per_s
        + expert_flop_per_token / expert_flop_per_s
        + link_bytes_per_token / link_bytes_per_s
        + residual_values * s_per_value
    )


@formula
def step_s(
    *,
    weight_read_s: Quantity,
    overhead_s: Quantity,
    sequences: Quantity,
    s_per_token: Quantity,
    step_tokens: Quantity,
    cache_read_bytes: Quantity,
    cache_bytes_per_s: Quantity,
) -> Quantity:
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
    step_tokens : array_like
        Tokens of a sequence in a step: 1, and those drafted. [token]
    cache_read_bytes, cache_bytes_per_s : array_like
        Cache read per sequence, and effective bandwidth. [byte, byte/s]

    Returns
    -------
    step_s : float or ndarray
        [s]

    Notes
    -----
    .. math:: s(b) = t_W + t_L + b \, g \, (\tau + k / \beta_k)

    Each token that is verified attends to the cache by itself.

    References
    ----------
    Fit on published tables, ``catalog/serving_constants.csv``.

    Examples
    --------
    >>> round(float(step_s(weight_read_s=3.9e-3, overhead_s=80 * 55e-6, sequences=32,
    ...     s_per_token=48e-6, step_tokens=1, cache_read_bytes=320e6,
    ...     cache_bytes_per_s=4.1e12)) * 1e3, 1)
    12.3
    """
    sequence_s = step_tokens * (s_per_token + cache_read_bytes / cache_bytes_per_s)
    return weight_read_s + overhead_s + sequences * sequence_s


@formula
def step_overhead_s(
    *, overhead_s: Quantity, mixed_overhead_s: Quantity, mixed_step_fraction: Quantity
) -> Quantity:
    r"""Launches and latency of the mean step.

    Parameters
    ----------
    overhead_s : array_like
        Launches and latency of a step. [s]
    mixed_overhead_s : array_like
        What a step that reads a prompt takes beside. [s]
    mixed_step_fraction : array_like
        Share of the steps that do. [1]

    Returns
    -------
    step_overhead_s : float or ndarray
        [s]

    Notes
    -----
    .. math:: \bar t_L = t_L + m \, t_x

    Examples
    --------
    >>> round(float(step_overhead_s(overhead_s=0.005, mixed_overhead_s=0.02,
    ...     mixed_step_fraction=0.1)), 4)
    0.007
    """
    return overhead_s + mixed_overhead_s * mixed_step_fraction


@formula
def own_s_per_token(
    *, s_per_token: Quantity, sequence_overhead_s: Quantity, step_tokens: Quantity
) -> Quantity:
    r"""Time of a token, with its share of what its sequence takes.

    Parameters
    ----------
    s_per_token : array_like
        Products and links of a token. [s/token]
    sequence_overhead_s : array_like
        What a sequence takes of a step, whatever the model. [s]
    step_tokens : array_like
        Tokens of a sequence in a step. [token]

    Returns
    -------
    own_s_per_token : float or ndarray
        [s/token]

    Notes
    -----
    .. math:: \tau' = \tau + t_s / k

    Examples
    --------
    >>> round(float(own_s_per_token(s_per_token=20e-6, sequence_overhead_s=30e-6,
    ...     step_tokens=1)) * 1e6)
    50
    """
    return s_per_token + sequence_overhead_s / step_tokens

"""Time of a prompt: in the steps of a batch, or in a pool of its own."""

import numpy as np

from llminfra.formulas._formula import Quantity, formula


@formula
def expert_read_s(
    *,
    touched_fraction: Quantity,
    expert_bytes: Quantity,
    expert_bytes_per_s: Quantity,
    prompt_tokens: Quantity,
    pass_tokens: Quantity,
) -> Quantity:
    r"""Time to read, for a prompt, experts that the steps would not read anyway.

    Parameters
    ----------
    touched_fraction : array_like
        Share of the experts that a step touches. [1]
    expert_bytes, expert_bytes_per_s : array_like
        Routed experts on one accelerator, effective bandwidth. [byte, byte/s]
    prompt_tokens, pass_tokens : array_like
        Tokens that must be computed, and most in one pass. [token]

    Returns
    -------
    expert_read_s : float or ndarray
        [s]

    Notes
    -----
    .. math:: t_e = (1 - D) \frac{W_e}{\beta_e} \left\lceil \frac{i}{P} \right\rceil

    Examples
    --------
    Half of 20 GB, for each of three passes:

    >>> round(float(expert_read_s(touched_fraction=0.5, expert_bytes=20e9, expert_bytes_per_s=2e12,
    ...     prompt_tokens=20_000, pass_tokens=8192)), 4)
    0.015
    """
    untouched_s = (1 - touched_fraction) * expert_bytes / expert_bytes_per_s
    return untouched_s * np.ceil(prompt_tokens / pass_tokens)


@formula
def shared_prompts(
    *,
    pass_tokens: Quantity,
    prompt_tokens: Quantity,
    sequences: Quantity,
    shares_fraction: Quantity,
) -> Quantity:
    r"""Prompts that share a pass: as many as fit, of those that are there.

    Parameters
    ----------
    pass_tokens, prompt_tokens : array_like
        Most tokens of one pass, and of a prompt. [token]
    sequences : array_like
        Sequences in the batch. [sequence]
    shares_fraction : array_like
        1 where prompts share passes, 0 where experts keep them apart. [1]

    Returns
    -------
    shared_prompts : float or ndarray
        At least one. [1]

    Notes
    -----
    .. math:: c = 1 + \varphi \left(\min(\max(P/i, 1), \max(b, 1)) - 1\right)

    Examples
    --------
    >>> float(shared_prompts(pass_tokens=8192, prompt_tokens=1024, sequences=5, shares_fraction=1))
    5.0
    """
    fitting = np.maximum(pass_tokens / prompt_tokens, 1.0)
    return 1 + shares_fraction * (np.minimum(fitting, np.maximum(sequences, 1.0)) - 1)


@formula
def prefill_s(
    *,
    prompt_tokens: Quantity,
    s_per_token: Quantity,
    attention_flop: Quantity,
    attention_flop_per_s: Quantity,
    expert_read_s: Quantity,
    floor_s: Quantity,
    shared_prompts: Quantity,
) -> Quantity:
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
        Launches of one pass; 0 where steps hide them. [s]
    shared_prompts : array_like
        Prompts that share the pass. [1]

    Returns
    -------
    prefill_s : float or ndarray
        [s]

    Notes
    -----
    .. math:: p = \left( (i \tau + A / F_A + t_e)^4 + (t_f / c)^4 \right)^{1/4}

    References
    ----------
    Fit on published tables, ``catalog/serving_constants.csv``.

    Examples
    --------
    >>> round(float(prefill_s(prompt_tokens=7373, s_per_token=48e-6, attention_flop=1.8e13,
    ...     attention_flop_per_s=0.8 * 989e12, expert_read_s=0, floor_s=0.02,
    ...     shared_prompts=1)), 3)
    0.377
    """
    work_s = prompt_tokens * s_per_token + expert_read_s + attention_flop / attention_flop_per_s
    # Squares and square roots are several times faster than powers.
    fourth_power = np.square(np.square(work_s)) + np.square(np.square(floor_s / shared_prompts))
    return np.sqrt(np.sqrt(fourth_power))


@formula
def pass_prompts(
    *,
    pass_tokens: Quantity,
    prompt_tokens: Quantity,
    shares_fraction: Quantity,
) -> Quantity:
    r"""Prompts in a pass of a worker that has nothing else to do.

    Parameters
    ----------
    pass_tokens, prompt_tokens : array_like
        Most tokens of one pass, and of a prompt. [token]
    shares_fraction : array_like
        1 where prompts share passes, 0 where experts keep them apart. [1]

    Returns
    -------
    pass_prompts : float or ndarray
        None where experts keep them apart: no expert is read anyway. [1]

    Notes
    -----
    .. math:: c = \varphi \max(P / i, 1)

    Examples
    --------
    >>> float(pass_prompts(pass_tokens=8192, prompt_tokens=1024, shares_fraction=1))
    8.0
    """
    return shares_fraction * np.maximum(pass_tokens / prompt_tokens, 1.0)


@formula
def prefill_requests_per_s(*, n_prefill_ranks: Quantity, prefill_s: Quantity) -> Quantity:
    r"""Most requests per second whose prompts a prefill pool reads.

    Parameters
    ----------
    n_prefill_ranks : array_like
        Prompts that the pool reads at the same time: attention ranks of all its workers. [1]
    prefill_s : array_like
        Time that a prompt takes from a rank. [s]

    Returns
    -------
    prefill_requests_per_s : float or ndarray
        [1/s]

    Notes
    -----
    .. math:: \mu = n_p A_p / p

    Examples
    --------
    Two workers of four ranks that take half a second each:

    >>> float(prefill_requests_per_s(n_prefill_ranks=2 * 4, prefill_s=0.5))
    16.0
    """
    return n_prefill_ranks / prefill_s


@formula
def handoff_s(
    *, cache_bytes: Quantity, link_bytes_per_s: Quantity, handoff_overhead_s: Quantity
) -> Quantity:
    r"""Time between the end of a prompt and its cache at the worker that decodes.

    Parameters
    ----------
    cache_bytes : array_like
        Cache of a prompt on one accelerator; those of a group send side by side. [byte]
    link_bytes_per_s : array_like
        What one accelerator sends, over its adapter or inside a scale-up domain. [byte/s]
    handoff_overhead_s : array_like
        Routing, registration and the second scheduler. [s]

    Returns
    -------
    handoff_s : float or ndarray
        [s]

    Notes
    -----
    .. math:: t_h = k / \beta_n + t_o

    Examples
    --------
    8192 tokens of a latent cache of 70 kB each over 400 Gbit/s:

    >>> round(float(handoff_s(cache_bytes=8192 * 70e3, link_bytes_per_s=50e9,
    ...     handoff_overhead_s=0.03)) * 1e3, 1)
    41.5
    """
    return cache_bytes / link_bytes_per_s + handoff_overhead_s


@formula
def away_s(
    *,
    prefill_s: Quantity,
    handoff_s: Quantity,
    request_overhead_s: Quantity,
    waiting_s: Quantity,
) -> Quantity:
    """Time of a request outside the decode pool.

    Parameters
    ----------
    prefill_s, handoff_s : array_like
        A prompt alone, and the way of its cache. [s]
    request_overhead_s, waiting_s : array_like
        Network, tokeniser and scheduling, and the wait for other prompts. [s]

    Returns
    -------
    away_s : float or ndarray
        [s]

    Notes
    -----
    .. math:: t_a = p + t_h + t_0 + W

    Examples
    --------
    >>> float(away_s(prefill_s=0.25, handoff_s=0.125, request_overhead_s=0.125, waiting_s=0))
    0.5
    """
    return prefill_s + handoff_s + request_overhead_s + waiting_s

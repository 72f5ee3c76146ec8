"""Tokens that are computed, and the steps that an answer takes: caches and drafts save both."""

from llminfra.formulas._formula import Quantity, formula


@formula
def computed_tokens(*, prompt_tokens: Quantity, prefix_cache_hit_fraction: Quantity) -> Quantity:
    r"""Tokens of a prompt that are not found in the prefix cache.

    Parameters
    ----------
    prompt_tokens, prefix_cache_hit_fraction : array_like
        Length of the prompt, and share that is found. [token, 1]

    Returns
    -------
    computed_tokens : float or ndarray
        [token]

    Notes
    -----
    .. math:: i = q \, (1 - h)

    Examples
    --------
    >>> float(computed_tokens(prompt_tokens=8000, prefix_cache_hit_fraction=0.75))
    2000.0
    """
    return prompt_tokens * (1 - prefix_cache_hit_fraction)


@formula
def accepted_tokens(*, draft_tokens: Quantity, acceptance_probability: Quantity) -> Quantity:
    r"""Tokens that one verified step yields under speculative decoding.

    Parameters
    ----------
    draft_tokens : array_like
        Tokens drafted for a step. [token]
    acceptance_probability : array_like
        Probability that a drafted token is accepted, below 1. [1]

    Returns
    -------
    accepted_tokens : float or ndarray
        [token]

    Notes
    -----
    .. math:: E = \frac{1 - a^{g+1}}{1 - a}

    References
    ----------
    Leviathan et al. (2023), Fast inference from transformers via speculative decoding.

    Examples
    --------
    >>> round(float(accepted_tokens(draft_tokens=2, acceptance_probability=0.5)), 2)
    1.75
    """
    return (1 - acceptance_probability ** (draft_tokens + 1)) / (1 - acceptance_probability)


@formula
def decode_steps(
    *,
    output_tokens: Quantity,
    accepted_tokens: Quantity,
    draft_tokens: Quantity,
    draft_step_fraction: Quantity,
) -> Quantity:
    r"""Decode steps of an answer under speculative decoding.

    Parameters
    ----------
    output_tokens, accepted_tokens : array_like
        Length of the answer, and tokens that a verified step yields. [token]
    draft_tokens, draft_step_fraction : array_like
        Tokens drafted for a step, and time of drafting one against a step. [token, 1]

    Returns
    -------
    decode_steps : float or ndarray
        [1]

    Notes
    -----
    .. math:: S = \frac{o}{E} (1 + g \, d)

    The time of drafting is counted as further steps.

    Examples
    --------
    >>> float(decode_steps(output_tokens=300, accepted_tokens=2, draft_tokens=2,
    ...     draft_step_fraction=0.05))
    165.0
    """
    return output_tokens / accepted_tokens * (1 + draft_tokens * draft_step_fraction)


@formula
def token_step_s(*, step_s: Quantity, n_steps: Quantity, output_tokens: Quantity) -> Quantity:
    r"""Time of the steps behind one output token: less than one step where drafts are accepted.

    Parameters
    ----------
    step_s, n_steps : array_like
        Time of a decode step, and steps of an answer. [s, 1]
    output_tokens : array_like
        Length of the answer. [token]

    Returns
    -------
    token_step_s : float or ndarray
        [s]

    Notes
    -----
    .. math:: s_o = s(b) \, S / o

    Examples
    --------
    >>> float(token_step_s(step_s=0.02, n_steps=50, output_tokens=100))
    0.01
    """
    return step_s * n_steps / output_tokens

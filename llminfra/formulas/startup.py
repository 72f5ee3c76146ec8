"""What an engine says of its cache when it starts, from the memory of an accelerator."""

import numpy as np

from llminfra.formulas._formula import Quantity, formula


@formula
def max_concurrency(*, kv_pool_bytes: Quantity, longest_bytes: Quantity) -> Quantity:
    r"""Longest sequences that the pool holds, as an engine prints it.

    Parameters
    ----------
    kv_pool_bytes, longest_bytes : array_like
        Memory left for the cache, and what the longest sequence reserves of it. [byte]

    Returns
    -------
    max_concurrency : float or ndarray
        0 where the pool is negative. [1]

    Notes
    -----
    .. math:: m = \max(K, 0) / k_{max}

    Examples
    --------
    >>> float(max_concurrency(kv_pool_bytes=40e9, longest_bytes=2.5e9))
    16.0
    """
    return np.maximum(kv_pool_bytes, 0) / longest_bytes


@formula
def masked_values(
    *, live_values: Quantity, mask_ratio: Quantity, max_model_len: Quantity
) -> Quantity:
    r"""Values of one token that llama.cpp's buffer holds at once, with its mask.

    Parameters
    ----------
    live_values : array_like
        The widest result of a layer or of the head, and the residual. [value/token]
    mask_ratio : array_like
        Width of the mask over a cell of the cache, over that of a value. [1]
    max_model_len : array_like
        Cells of the context. [token]

    Returns
    -------
    masked_values : float or ndarray
        [value/token]

    Notes
    -----
    .. math:: v' = v + m \, L

    Examples
    --------
    >>> float(masked_values(live_values=62_464, mask_ratio=0.5, max_model_len=262_144))
    193536.0
    """
    return live_values + mask_ratio * max_model_len


@formula
def whole_step_tokens(*, max_model_len: Quantity, least_tokens: Quantity) -> Quantity:
    r"""Tokens of the largest step where prompts are not read in chunks.

    Parameters
    ----------
    max_model_len, least_tokens : array_like
        Length of the longest prompt, and the step that is never undercut. [token]

    Returns
    -------
    whole_step_tokens : float or ndarray
        [token]

    Notes
    -----
    .. math:: T = \max(L, T_0)

    Examples
    --------
    >>> float(whole_step_tokens(max_model_len=20000, least_tokens=2048))
    20000.0
    """
    return np.maximum(max_model_len, least_tokens)


@formula
def logged_pool_tokens(*, max_concurrency: Quantity, max_model_len: Quantity) -> Quantity:
    """Tokens that an engine prints for the pool of a rank.

    Parameters
    ----------
    max_concurrency : array_like
        Longest sequences that the pool holds. [1]
    max_model_len : array_like
        Length of the longest sequence. [token]

    Returns
    -------
    logged_pool_tokens : float or ndarray
        [token]

    Notes
    -----
    .. math:: T = m L

    Examples
    --------
    >>> float(logged_pool_tokens(max_concurrency=16, max_model_len=8192))
    131072.0
    """
    return max_concurrency * max_model_len


@formula
def logged_bytes_per_token(*, longest_bytes: Quantity, max_model_len: Quantity) -> Quantity:
    """Cache of the longest sequence on an accelerator, for each of its tokens.

    Parameters
    ----------
    longest_bytes : array_like
        What the longest sequence reserves. [byte]
    max_model_len : array_like
        Its length. [token]

    Returns
    -------
    logged_bytes_per_token : float or ndarray
        [byte/token]

    Notes
    -----
    .. math:: k = k_{max} / L

    Examples
    --------
    >>> float(logged_bytes_per_token(longest_bytes=2e9, max_model_len=8000))
    250000.0
    """
    return longest_bytes / max_model_len


@formula
def kept_tokens(*, tokens: Quantity, decode_context_parallel: Quantity) -> Quantity:
    r"""Tokens of a sequence that one rank keeps where ranks share its context.

    Parameters
    ----------
    tokens : array_like
        Length of the sequence. [token]
    decode_context_parallel : array_like
        Ranks that share it. [1]

    Returns
    -------
    kept_tokens : float or ndarray
        [token]

    Notes
    -----
    .. math:: s_r = s / c

    Examples
    --------
    >>> float(kept_tokens(tokens=8192, decode_context_parallel=2))
    4096.0
    """
    return tokens / decode_context_parallel

"""From the time of a step and of a prompt to what a request sees and a replica delivers."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike


def busy_s(
    *,
    output_tokens: ArrayLike,
    step_s: ArrayLike,
    sequences: ArrayLike,
    prefill_s: ArrayLike,
) -> Any:
    r"""Time between admission and last token when the batch is kept full.

    Parameters
    ----------
    output_tokens : array_like
        Length of the answer. [token]
    step_s : array_like
        Time of a decode step of the whole batch. [s]
    sequences : array_like
        Sequences in the batch. [sequence]
    prefill_s : array_like
        Time that a prompt takes from the group. [s]

    Returns
    -------
    busy_s : float or ndarray
        [s]

    Notes
    -----
    .. math:: R = o \, s(b) + b \, p

    Conservation: while one request lives, as many others begin as there are in the batch.

    References
    ----------
    Definition.

    Examples
    --------
    >>> float(busy_s(output_tokens=100, step_s=0.01, sequences=10, prefill_s=0.1))
    2.0
    """
    return np.multiply(output_tokens, step_s) + np.multiply(sequences, prefill_s)


def shared_busy_s(
    *,
    busy_s: ArrayLike,
    in_flight: ArrayLike,
    full_busy_s: ArrayLike,
    full_sequences: ArrayLike,
) -> Any:
    r"""Time between admission and last token, no less than a share of a full batch's.

    Parameters
    ----------
    busy_s : array_like
        The time as the sequences in the batch alone would have it. [s]
    in_flight : array_like
        Requests at the group, of which some may wait. [request]
    full_busy_s, full_sequences : array_like
        The time in a full batch that always has a request to admit, and its size. [s, sequence]

    Returns
    -------
    shared_busy_s : float or ndarray
        [s]

    Notes
    -----
    .. math:: R' = \max\left(R, \frac{\min(n, b_m)}{b_m} R_m\right)

    No load yields more than a full batch: b / R is the rate at which requests finish.

    References
    ----------
    Little (1961), A proof for the queuing formula L = λW.

    Examples
    --------
    >>> float(shared_busy_s(busy_s=1.0, in_flight=32, full_busy_s=4.0, full_sequences=64))
    2.0
    """
    admitted = np.minimum(in_flight, full_sequences)
    return np.maximum(busy_s, np.multiply(full_busy_s, admitted) / np.asarray(full_sequences))


def request_s(
    *,
    busy_s: ArrayLike,
    in_flight: ArrayLike,
    sequences: ArrayLike,
    request_overhead_s: ArrayLike,
) -> Any:
    r"""Time from arrival to last token, in a closed loop.

    Parameters
    ----------
    busy_s : array_like
        Time between admission and last token. [s]
    in_flight, sequences : array_like
        Requests at the group, and how many of them it works on. [request, sequence]
    request_overhead_s : array_like
        Network, tokeniser, scheduling. [s]

    Returns
    -------
    request_s : float or ndarray
        [s]

    Notes
    -----
    .. math:: E = R \max(n/b, 1) + t_0

    References
    ----------
    Little (1961), A proof for the queuing formula L = λW.

    Examples
    --------
    >>> float(request_s(busy_s=2.0, in_flight=20, sequences=10, request_overhead_s=0.1))
    4.1
    """
    turns = np.maximum(np.divide(in_flight, sequences), 1.0)
    return np.multiply(busy_s, turns) + request_overhead_s


def tpot_s(
    *, request_s: ArrayLike, ttft_s: ArrayLike, output_tokens: ArrayLike, step_s: ArrayLike
) -> Any:
    r"""Time between output tokens, of which the first is not counted.

    Parameters
    ----------
    request_s, ttft_s : array_like
        Time to the last token, and to the first of a long answer. [s]
    output_tokens : array_like
        Length of the answer. [token]
    step_s : array_like
        Decode step: the value when there is nothing between. [s]

    Returns
    -------
    tpot_s : float or ndarray
        No less than a step. [s]

    Notes
    -----
    .. math:: T_o = \max\left( \frac{(E - T) \min(o - 1, 1)}{\max(o - 1, 1)}, s(b) \right)

    References
    ----------
    Definition.

    Examples
    --------
    >>> float(tpot_s(request_s=2.0, ttft_s=1.0, output_tokens=101, step_s=0.005))
    0.01
    """
    rest = np.subtract(output_tokens, 1.0)
    share = np.minimum(rest, 1.0) / np.maximum(rest, 1.0)
    return np.maximum(np.subtract(request_s, ttft_s) * share, step_s)


def user_tokens_per_s(*, tpot_s: ArrayLike, request_s: ArrayLike, output_tokens: ArrayLike) -> Any:
    r"""Output tokens of one request per second: once they come, or over all its time if it is one.

    Parameters
    ----------
    tpot_s, request_s : array_like
        Time between output tokens, and to the last. [s]
    output_tokens : array_like
        Length of the answer. [token]

    Returns
    -------
    user_tokens_per_s : float or ndarray
        [token/s]

    Notes
    -----
    .. math:: u = 1 / \max\left(T_o, E \max(2 - o, 0)\right)

    References
    ----------
    Definition.

    Examples
    --------
    >>> float(user_tokens_per_s(tpot_s=0.02, request_s=4.0, output_tokens=100))
    50.0
    >>> float(user_tokens_per_s(tpot_s=0.02, request_s=4.0, output_tokens=1))
    0.25
    """
    share = np.maximum(np.subtract(2.0, output_tokens), 0.0)
    return 1 / np.maximum(tpot_s, np.multiply(request_s, share))


def output_tokens_per_s(
    *, in_flight: ArrayLike, output_tokens: ArrayLike, request_s: ArrayLike
) -> Any:
    r"""Output tokens of a replica per second.

    Parameters
    ----------
    in_flight : array_like
        Requests at the replica. [request]
    output_tokens : array_like
        Length of the answer. [token]
    request_s : array_like
        Time from arrival to last token. [s]

    Returns
    -------
    output_tokens_per_s : float or ndarray
        [token/s]

    Notes
    -----
    .. math:: X = n \, o / E

    References
    ----------
    Little (1961), A proof for the queuing formula L = λW.

    Examples
    --------
    >>> float(output_tokens_per_s(in_flight=10, output_tokens=100, request_s=2.0))
    500.0
    """
    return np.multiply(in_flight, output_tokens) / np.asarray(request_s)


def accepted_tokens(*, draft_tokens: ArrayLike, acceptance_probability: ArrayLike) -> Any:
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
    accepted = np.asarray(acceptance_probability, dtype=float)
    return (1 - accepted ** np.add(draft_tokens, 1)) / (1 - accepted)

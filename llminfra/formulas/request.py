"""From the time of a step and of a prompt to what a request sees and a replica delivers."""

import numpy as np

from llminfra.formulas._formula import Quantity, formula


@formula
def busy_s(
    *,
    output_tokens: Quantity,
    step_s: Quantity,
    sequences: Quantity,
    prefill_s: Quantity,
) -> Quantity:
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

    Examples
    --------
    >>> float(busy_s(output_tokens=100, step_s=0.01, sequences=10, prefill_s=0.1))
    2.0
    """
    return output_tokens * step_s + sequences * prefill_s


@formula
def shared_busy_s(
    *,
    busy_s: Quantity,
    in_flight: Quantity,
    n_ranks: Quantity,
    full_busy_s: Quantity,
    full_sequences: Quantity,
    stage_fraction: Quantity,
) -> Quantity:
    r"""Time between admission and last token, no less than a share of a full batch's.

    Parameters
    ----------
    busy_s : array_like
        The time as the sequences in the batch alone would have it. [s]
    in_flight, n_ranks : array_like
        Requests at the replica, of which some may wait, and its ranks. [request, 1]
    full_busy_s, full_sequences : array_like
        The time in a full batch that always has a request to admit, and its size. [s, sequence]
    stage_fraction : array_like
        Rate of a full batch against stages that never wait for each other. [1]

    Returns
    -------
    shared_busy_s : float or ndarray
        [s]

    Notes
    -----
    .. math:: R' = \max\left(R, \frac{\min(n / R, b_m)}{b_m} \frac{R_m}{f}\right)

    No load yields more than a full batch: b / R is the rate at which requests finish.

    References
    ----------
    Little (1961), A proof for the queuing formula L = λW.

    Examples
    --------
    >>> float(shared_busy_s(busy_s=1.0, in_flight=32, n_ranks=1, full_busy_s=4.0,
    ...     full_sequences=64, stage_fraction=1))
    2.0
    """
    share = np.minimum(in_flight / n_ranks, full_sequences) / full_sequences
    return np.maximum(busy_s, full_busy_s / stage_fraction * share)


@formula
def batch_busy_s(*, busy_s: Quantity, alone_busy_s: Quantity, sequences: Quantity) -> Quantity:
    r"""Time of a request in a batch, no more than that of as many one after the other.

    Parameters
    ----------
    busy_s, alone_busy_s : array_like
        Time between admission and last token in the batch, and in a batch of one. [s]
    sequences : array_like
        Sequences in the batch. [sequence]

    Returns
    -------
    batch_busy_s : float or ndarray
        [s]

    Notes
    -----
    .. math:: R' = \min(R, \max(b, 1)\, R_1)

    An engine that gains nothing from a batch can serve its requests in turn. Prompts are counted
    as spread over all steps, which overstates the experts that a small batch touches.

    Examples
    --------
    >>> float(batch_busy_s(busy_s=5.0, alone_busy_s=2.0, sequences=2))
    4.0
    """
    return np.minimum(busy_s, np.maximum(sequences, 1.0) * alone_busy_s)


@formula
def request_s(
    *,
    busy_s: Quantity,
    in_flight: Quantity,
    sequences: Quantity,
    request_overhead_s: Quantity,
) -> Quantity:
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
    return busy_s * np.maximum(in_flight / sequences, 1.0) + request_overhead_s


@formula
def tpot_s(
    *, request_s: Quantity, ttft_s: Quantity, output_tokens: Quantity, step_s: Quantity
) -> Quantity:
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

    Examples
    --------
    >>> float(tpot_s(request_s=2.0, ttft_s=1.0, output_tokens=101, step_s=0.005))
    0.01
    """
    rest = output_tokens - 1
    share = np.minimum(rest, 1.0) / np.maximum(rest, 1.0)
    return np.maximum((request_s - ttft_s) * share, step_s)


@formula
def user_tokens_per_s(
    *, tpot_s: Quantity, request_s: Quantity, output_tokens: Quantity
) -> Quantity:
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

    Examples
    --------
    >>> float(user_tokens_per_s(tpot_s=0.02, request_s=4.0, output_tokens=100))
    50.0
    >>> float(user_tokens_per_s(tpot_s=0.02, request_s=4.0, output_tokens=1))
    0.25
    """
    return 1 / np.maximum(tpot_s, request_s * np.maximum(2 - output_tokens, 0.0))


@formula
def output_tokens_per_s(
    *, in_flight: Quantity, output_tokens: Quantity, request_s: Quantity
) -> Quantity:
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
    return in_flight * output_tokens / request_s


@formula
def e2e_s(*, ttft_s: Quantity, tpot_s: Quantity, output_tokens: Quantity) -> Quantity:
    r"""Time to the last token, from those to the first and between tokens.

    Parameters
    ----------
    ttft_s, tpot_s : array_like
        Time to the first token, and between tokens. [s]
    output_tokens : array_like
        Length of the answer. [token]

    Returns
    -------
    e2e_s : float or ndarray
        [s]

    Notes
    -----
    .. math:: E = T + (o - 1) \, T_o

    Examples
    --------
    >>> float(e2e_s(ttft_s=0.5, tpot_s=0.01, output_tokens=101))
    1.5
    """
    return ttft_s + tpot_s * (output_tokens - 1)


@formula
def answered_tokens_per_s(
    *,
    in_flight: Quantity,
    request_s: Quantity,
    requests_per_s: Quantity,
    n_replicas: Quantity,
    output_tokens: Quantity,
) -> Quantity:
    r"""Output tokens of a replica per second: no more goes out than comes in.

    Parameters
    ----------
    in_flight, request_s : array_like
        Requests at the replica, and time from arrival to last token. [request, s]
    requests_per_s, n_replicas : array_like
        Arrivals at all replicas, infinite where they follow the answers; replicas. [1/s, 1]
    output_tokens : array_like
        Length of the answer. [token]

    Returns
    -------
    answered_tokens_per_s : float or ndarray
        [token/s]

    Notes
    -----
    .. math:: X = o \min(n / E, \lambda / r)

    References
    ----------
    Little (1961), A proof for the queuing formula L = λW.

    Examples
    --------
    >>> float(answered_tokens_per_s(in_flight=10, request_s=2.0, requests_per_s=8.0, n_replicas=2,
    ...     output_tokens=100))
    400.0
    """
    return output_tokens * np.minimum(in_flight / request_s, requests_per_s / n_replicas)

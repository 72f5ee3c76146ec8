"""Prefill and decode apart: two pools of accelerators, a hand-off between them, one balance.

A prompt is read by one rank of the prefill pool, its cache is handed over, and the tokens come from
a rank of the decode pool. The phases do not mix, so that the pools share one rate of requests. All
arguments are numbers or arrays that broadcast.
"""

from typing import Final

import numpy as np

from llminfra.formulas._formula import Quantity, formula
from llminfra.formulas.decode_pool import decode_step_s
from llminfra.formulas.prefill import prefill_requests_per_s
from llminfra.formulas.queueing import pool_waiting_s

_HALVINGS: Final = 45  # of a bracket, after which it is below the resolution of the result


@formula
def decode_requests_per_s(
    *,
    sequences: Quantity,
    n_decode_ranks: Quantity,
    output_tokens: Quantity,
    step_s: Quantity,
) -> Quantity:
    r"""Requests per second that a decode pool finishes with so many sequences on each rank.

    Parameters
    ----------
    sequences : array_like
        Sequences on each rank. [sequence]
    n_decode_ranks : array_like
        Ranks of all decode workers. [1]
    output_tokens : array_like
        Decode steps of an answer. [token]
    step_s : array_like
        Time of a step. [s]

    Returns
    -------
    decode_requests_per_s : float or ndarray
        [1/s]

    Notes
    -----
    .. math:: X = \frac{b \, R}{o \, s(b)}

    References
    ----------
    Little (1961), A proof for the queuing formula L = λW.

    Examples
    --------
    >>> float(decode_requests_per_s(sequences=10, n_decode_ranks=4, output_tokens=100,
    ...     step_s=0.02))
    20.0
    """
    return sequences * n_decode_ranks / (output_tokens * step_s)


@formula
def balanced_sequences(
    *,
    in_flight: Quantity,
    n_decode_ranks: Quantity,
    most_sequences: Quantity,
    least_sequences: Quantity,
    output_tokens: Quantity,
    fixed_s: Quantity,
    experts_s: Quantity,
    sequence_s: Quantity,
    expert_share_fraction: Quantity,
    shared_tokens: Quantity,
    n_prefill_ranks: Quantity,
    prefill_s: Quantity,
    away_s: Quantity,
    variation_ratio: Quantity,
) -> Quantity:
    r"""Sequences on each decode rank at which both pools take the same rate of requests.

    Parameters
    ----------
    in_flight : array_like
        Requests at the pair of pools. [request]
    n_decode_ranks, most_sequences, least_sequences : array_like
        Ranks of the decode pool, and what each holds at most; a rank that steps has its share of
        one sequence at least. [1, sequence, sequence]
    output_tokens : array_like
        Decode steps of an answer. [token]
    fixed_s, experts_s, sequence_s, expert_share_fraction, shared_tokens : array_like
        The step, as `decode_step_s` takes it. [s, s, s, 1, token]
    n_prefill_ranks, prefill_s : array_like
        Prompts that are read at the same time, and the time of one. [1, s]
    away_s : array_like
        Time of a request outside the decode pool when no prompt waits. [s]
    variation_ratio : array_like
        Squared variation of arrivals plus that of prompts; 0 for a closed loop. [1]

    Returns
    -------
    sequences : float or ndarray
        [sequence]

    Notes
    -----
    .. math:: n = R b = X o \, s(b), \quad X \le \mu, \quad n + X (t_a + W(X / \mu)) \le C

    The largest such b, by bisection: each side grows with b, because a step grows more slowly than
    the sequences in it.

    References
    ----------
    Little (1961), A proof for the queuing formula L = λW, in both pools.

    Examples
    --------
    Twelve requests, half a second of each spent before decoding, steps of 10 ms:

    >>> b = balanced_sequences(in_flight=12, n_decode_ranks=1, most_sequences=100,
    ...     least_sequences=0, output_tokens=50, fixed_s=0.01, experts_s=0, sequence_s=0,
    ...     expert_share_fraction=0, shared_tokens=1, n_prefill_ranks=99, prefill_s=0.5,
    ...     away_s=0.5, variation_ratio=0)
    >>> round(float(b), 6)
    6.0
    """
    most_requests_per_s = prefill_requests_per_s(
        n_prefill_ranks=n_prefill_ranks, prefill_s=prefill_s
    )

    def requests(sequences: Quantity) -> Quantity:
        step = decode_step_s(
            sequences=np.maximum(sequences, least_sequences),
            fixed_s=fixed_s,
            experts_s=experts_s,
            sequence_s=sequence_s,
            expert_share_fraction=expert_share_fraction,
            shared_tokens=shared_tokens,
        )
        rate = decode_requests_per_s(
            sequences=sequences,
            n_decode_ranks=n_decode_ranks,
            output_tokens=output_tokens,
            step_s=step,
        )
        waiting = pool_waiting_s(
            n_places=n_prefill_ranks,
            utilization=rate / most_requests_per_s,
            service_s=prefill_s,
            variation_ratio=variation_ratio,
        )
        asked = sequences * n_decode_ranks + rate * (away_s + waiting)
        return np.where(rate > most_requests_per_s, np.inf, asked)

    high = np.minimum(most_sequences, in_flight / n_decode_ranks)
    high = high + 0.0 * requests(high * 0)  # of the shape of all inputs, and NaN where one is
    low = high * 0.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        is_held = requests(middle) <= in_flight
        low, high = np.where(is_held, middle, low), np.where(is_held, high, middle)
    return (low + high) / 2


@formula
def first_token_s(
    *,
    in_flight: Quantity,
    requests_per_s: Quantity,
    output_tokens: Quantity,
    step_s: Quantity,
) -> Quantity:
    r"""Time of a request that is not spent decoding, by conservation.

    Parameters
    ----------
    in_flight : array_like
        Requests at the pair of pools. [request]
    requests_per_s : array_like
        Requests that both pools take. [1/s]
    output_tokens : array_like
        Decode steps of an answer. [token]
    step_s : array_like
        Time of a step. [s]

    Returns
    -------
    first_token_s : float or ndarray
        [s]

    Notes
    -----
    .. math:: T = C / X - o \, s(b)

    Where the prefill pool is full this is the length of a queue, and hard to foretell.

    References
    ----------
    Little (1961), A proof for the queuing formula L = λW.

    Examples
    --------
    >>> float(first_token_s(in_flight=12, requests_per_s=4.0, output_tokens=100, step_s=0.02))
    1.0
    """
    return in_flight / requests_per_s - output_tokens * step_s


@formula
def balanced_prefill_ratio(
    *,
    prefill_s: Quantity,
    prefill_tensor_parallel: Quantity,
    output_tokens: Quantity,
    step_s: Quantity,
    sequences: Quantity,
    tensor_parallel: Quantity,
) -> Quantity:
    r"""Prefill accelerators for each decode accelerator at which no pool waits for the other.

    Parameters
    ----------
    prefill_s, prefill_tensor_parallel : array_like
        Time of a prompt on a rank, and accelerators of that rank. [s, accelerator]
    output_tokens, step_s : array_like
        Decode steps of an answer, and the time of one. [token, s]
    sequences, tensor_parallel : array_like
        Sequences on a decode rank, and accelerators of that rank. [sequence, accelerator]

    Returns
    -------
    balanced_prefill_ratio : float or ndarray
        [1]

    Notes
    -----
    .. math:: \frac{G_p}{G_d} = \frac{p \, t_p}{o \, s(b) \, t_d / b}

    Accelerator seconds of a request in each pool.

    Examples
    --------
    A prompt takes 8 accelerators 0.2 s, an answer a thirty-second part of 8 for 10 s:

    >>> round(float(balanced_prefill_ratio(prefill_s=0.2, prefill_tensor_parallel=8,
    ...     output_tokens=1000, step_s=0.01, sequences=32, tensor_parallel=8)), 2)
    0.64
    """
    prompt = prefill_s * prefill_tensor_parallel
    answer = output_tokens * step_s * tensor_parallel / sequences
    return prompt / answer


@formula
def pair_request_s(*, in_flight: Quantity, requests_per_s: Quantity) -> Quantity:
    """Time from arrival to last token at a pair of pools.

    Parameters
    ----------
    in_flight, requests_per_s : array_like
        Requests at the pair, and requests that both pools take. [request, 1/s]

    Returns
    -------
    pair_request_s : float or ndarray
        [s]

    Notes
    -----
    .. math:: E = C / X

    References
    ----------
    Little (1961), A proof for the queuing formula L = λW.

    Examples
    --------
    >>> float(pair_request_s(in_flight=12, requests_per_s=4.0))
    3.0
    """
    return in_flight / requests_per_s


@formula
def pair_output_tokens_per_s(*, requests_per_s: Quantity, output_tokens: Quantity) -> Quantity:
    """Output tokens of a pair of pools per second.

    Parameters
    ----------
    requests_per_s, output_tokens : array_like
        Requests that both pools take, and length of an answer. [1/s, token]

    Returns
    -------
    pair_output_tokens_per_s : float or ndarray
        [token/s]

    Notes
    -----
    .. math:: X_o = X o

    Examples
    --------
    >>> float(pair_output_tokens_per_s(requests_per_s=4.0, output_tokens=300))
    1200.0
    """
    return requests_per_s * output_tokens


@formula
def full_in_flight(
    *,
    sequences: Quantity,
    n_decode_ranks: Quantity,
    requests_per_s: Quantity,
    away_s: Quantity,
) -> Quantity:
    """Requests at a pair of pools of which one is full.

    Parameters
    ----------
    sequences, n_decode_ranks : array_like
        Sequences on each decode rank, and ranks. [sequence, 1]
    requests_per_s, away_s : array_like
        Requests that both pools take, and time of one outside the decode pool. [1/s, s]

    Returns
    -------
    full_in_flight : float or ndarray
        [request]

    Notes
    -----
    .. math:: C = b R + X t_a

    References
    ----------
    Little (1961), A proof for the queuing formula L = λW.

    Examples
    --------
    >>> float(full_in_flight(sequences=6, n_decode_ranks=1, requests_per_s=12, away_s=0.5))
    12.0
    """
    return sequences * n_decode_ranks + requests_per_s * away_s

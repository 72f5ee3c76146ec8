"""Prefill and decode apart: two pools of accelerators, a hand-off between them, one balance.

A prompt is read by one rank of the prefill pool, its cache is handed over, and the tokens come from
a rank of the decode pool. The phases do not mix, so that the pools share one rate of requests. All
arguments are numbers or arrays that broadcast.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike

from llminfra.formulas.queueing import pool_waiting_s
from llminfra.formulas.serving import touched_fraction

_HALVINGS: Final = 45  # of a bracket, after which it is below the resolution of the result


def prefill_requests_per_s(*, n_prefill_ranks: ArrayLike, prefill_s: ArrayLike) -> Any:
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

    References
    ----------
    Definition.

    Examples
    --------
    Two workers of four ranks that take half a second each:

    >>> float(prefill_requests_per_s(n_prefill_ranks=2 * 4, prefill_s=0.5))
    16.0
    """
    return np.divide(n_prefill_ranks, prefill_s)


def handoff_s(
    *, cache_bytes: ArrayLike, link_bytes_per_s: ArrayLike, handoff_overhead_s: ArrayLike
) -> Any:
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

    References
    ----------
    Definition.

    Examples
    --------
    8192 tokens of a latent cache of 70 kB each over 400 Gbit/s:

    >>> round(float(handoff_s(cache_bytes=8192 * 70e3, link_bytes_per_s=50e9,
    ...     handoff_overhead_s=0.03)) * 1e3, 1)
    41.5
    """
    return np.divide(cache_bytes, link_bytes_per_s) + handoff_overhead_s


def decode_step_s(
    *,
    sequences: ArrayLike,
    fixed_s: ArrayLike,
    experts_s: ArrayLike,
    sequence_s: ArrayLike,
    expert_share_fraction: ArrayLike,
    shared_tokens: ArrayLike,
) -> Any:
    r"""Time of a decode step as a curve over the sequences of a rank.

    Parameters
    ----------
    sequences : array_like
        Sequences on each rank. [sequence]
    fixed_s, experts_s, sequence_s : array_like
        Weights that every step reads and its launches; all experts; one sequence. [s]
    expert_share_fraction : array_like
        Experts that one token uses, of all. [1]
    shared_tokens : array_like
        Tokens of a step for each sequence of a rank, over all ranks that share experts. [token]

    Returns
    -------
    step_s : float or ndarray
        [s]

    Notes
    -----
    .. math:: s(b) = t_f + t_e D(A b) + b \, t_b

    `serving.step_s` with its parts put together.

    References
    ----------
    Definition.

    Examples
    --------
    >>> float(decode_step_s(sequences=10, fixed_s=0.005, experts_s=0, sequence_s=1e-4,
    ...     expert_share_fraction=0, shared_tokens=1))
    0.006
    """
    touched = touched_fraction(
        expert_share_fraction=expert_share_fraction,
        batch_tokens=np.multiply(sequences, shared_tokens),
    )
    return np.add(fixed_s, touched * np.asarray(experts_s)) + np.multiply(sequences, sequence_s)


def decode_requests_per_s(
    *,
    sequences: ArrayLike,
    n_decode_ranks: ArrayLike,
    output_tokens: ArrayLike,
    step_s: ArrayLike,
) -> Any:
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
    return np.multiply(sequences, n_decode_ranks) / np.multiply(output_tokens, step_s)


def balanced_sequences(
    *,
    in_flight: ArrayLike,
    n_decode_ranks: ArrayLike,
    most_sequences: ArrayLike,
    least_sequences: ArrayLike,
    output_tokens: ArrayLike,
    fixed_s: ArrayLike,
    experts_s: ArrayLike,
    sequence_s: ArrayLike,
    expert_share_fraction: ArrayLike,
    shared_tokens: ArrayLike,
    n_prefill_ranks: ArrayLike,
    prefill_s: ArrayLike,
    away_s: ArrayLike,
    variation_ratio: ArrayLike,
) -> Any:
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

    def requests(sequences: Any) -> Any:
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
        asked = np.multiply(sequences, n_decode_ranks) + rate * np.add(away_s, waiting)
        return np.where(rate > most_requests_per_s, np.inf, asked)

    high = np.minimum(most_sequences, np.divide(in_flight, n_decode_ranks))
    high = high + 0.0 * requests(high * 0)  # of the shape of all inputs, and NaN where one is
    low = high * 0.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        is_held = requests(middle) <= in_flight
        low, high = np.where(is_held, middle, low), np.where(is_held, high, middle)
    return ((low + high) / 2)[()]


def first_token_s(
    *,
    in_flight: ArrayLike,
    requests_per_s: ArrayLike,
    output_tokens: ArrayLike,
    step_s: ArrayLike,
) -> Any:
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
    return np.divide(in_flight, requests_per_s) - np.multiply(output_tokens, step_s)


def balanced_prefill_ratio(
    *,
    prefill_s: ArrayLike,
    prefill_tensor_parallel: ArrayLike,
    output_tokens: ArrayLike,
    step_s: ArrayLike,
    sequences: ArrayLike,
    tensor_parallel: ArrayLike,
) -> Any:
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

    References
    ----------
    Definition.

    Examples
    --------
    A prompt takes 8 accelerators 0.2 s, an answer a thirty-second part of 8 for 10 s:

    >>> round(float(balanced_prefill_ratio(prefill_s=0.2, prefill_tensor_parallel=8,
    ...     output_tokens=1000, step_s=0.01, sequences=32, tensor_parallel=8)), 2)
    0.64
    """
    prompt = np.multiply(prefill_s, prefill_tensor_parallel)
    answer = np.multiply(output_tokens, step_s) * np.divide(tensor_parallel, sequences)
    return prompt / answer

"""Requests, the ranks that they are dealt to, and the places in their batches."""

import numpy as np

from llminfra.formulas._formula import Quantity, formula

# Requests that count as none, and still have a time.
_TRACE = 1e-9


@formula
def batch_sequences(
    *,
    pool_sequences: Quantity,
    kept_fraction: Quantity,
    max_num_seqs: Quantity,
    data_parallel: Quantity,
    n_ranks: Quantity,
) -> Quantity:
    r"""Sequences that a rank decodes at once: by memory, or by the engine's limit.

    Parameters
    ----------
    pool_sequences : array_like
        Pool over the cache that a request holds at its end. [sequence]
    kept_fraction : array_like
        Cache that a request holds on average, of that. [1]
    max_num_seqs : array_like
        Most sequences that the engine puts into a step. [sequence]
    data_parallel, n_ranks : array_like
        Ranks that each have a pool, and parts that requests are dealt to. [accelerator, 1]

    Returns
    -------
    batch_sequences : float or ndarray
        At least one. [sequence]

    Notes
    -----
    .. math:: b_m = \max\left(\min\left(\frac{s}{k}, m\right) \frac{d}{R}, 1\right)

    Examples
    --------
    >>> float(batch_sequences(pool_sequences=40, kept_fraction=0.5, max_num_seqs=256,
    ...     data_parallel=1, n_ranks=1))
    80.0
    """
    held = np.minimum(pool_sequences / kept_fraction * data_parallel, max_num_seqs * data_parallel)
    return np.maximum(held / n_ranks, 1.0)


@formula
def requests_on_rank(*, in_flight: Quantity, n_ranks: Quantity) -> Quantity:
    r"""Requests of a replica that one of its ranks has.

    Parameters
    ----------
    in_flight, n_ranks : array_like
        Requests at the replica, and ranks that they are dealt to. [request, 1]

    Returns
    -------
    requests_on_rank : float or ndarray
        At least the one whose time is asked for. [request]

    Notes
    -----
    .. math:: n_r = \max(n / R, 1)

    Examples
    --------
    >>> float(requests_on_rank(in_flight=100, n_ranks=4))
    25.0
    """
    return np.maximum(in_flight / n_ranks, 1.0)


@formula
def working_sequences(*, in_flight: Quantity, full_sequences: Quantity) -> Quantity:
    r"""Sequences in the batch of a rank: all requests, or as many as it has places for.

    Parameters
    ----------
    in_flight, full_sequences : array_like
        Requests on the rank, and sequences of its full batch. [request, sequence]

    Returns
    -------
    working_sequences : float or ndarray
        [sequence]

    Notes
    -----
    .. math:: b = \min(n_r, \max(b_m, 1))

    Examples
    --------
    >>> float(working_sequences(in_flight=25, full_sequences=16))
    16.0
    """
    return np.minimum(in_flight, np.maximum(full_sequences, 1.0))


@formula
def place_waiting_s(*, busy_s: Quantity, in_flight: Quantity, sequences: Quantity) -> Quantity:
    r"""Wait for a place in the batch, in a closed loop.

    Parameters
    ----------
    busy_s : array_like
        Time between admission and last token. [s]
    in_flight, sequences : array_like
        Requests on the rank, and how many of them it works on. [request, sequence]

    Returns
    -------
    place_waiting_s : float or ndarray
        [s]

    Notes
    -----
    .. math:: w = R \, (n_r / b - 1)

    References
    ----------
    Little (1961), A proof for the queuing formula L = λW.

    Examples
    --------
    >>> float(place_waiting_s(busy_s=2.0, in_flight=20, sequences=10))
    2.0
    """
    return busy_s * (in_flight / sequences - 1)


@formula
def placed_requests_per_s(
    *,
    in_flight: Quantity,
    n_ranks: Quantity,
    full_sequences: Quantity,
    busy_s: Quantity,
    request_overhead_s: Quantity,
) -> Quantity:
    r"""Rate at which prompts come to a rank, of requests that have a place.

    Parameters
    ----------
    in_flight, n_ranks, full_sequences : array_like
        Requests at the replica, its ranks, and places on each. [request, 1, sequence]
    busy_s, request_overhead_s : array_like
        Time between admission and last token, and around it. [s]

    Returns
    -------
    placed_requests_per_s : float or ndarray
        [1/s]

    Notes
    -----
    .. math:: \lambda = \min(n / R, b_m) / (R_b + t_0)

    Those without a place add nothing to the rate.

    References
    ----------
    Little (1961), A proof for the queuing formula L = λW.

    Examples
    --------
    >>> float(placed_requests_per_s(in_flight=40, n_ranks=2, full_sequences=10, busy_s=1.9,
    ...     request_overhead_s=0.1))
    5.0
    """
    return np.minimum(in_flight / n_ranks, full_sequences) / (busy_s + request_overhead_s)


@formula
def max_output_tokens_per_s(
    *,
    sequences: Quantity,
    n_ranks: Quantity,
    stage_fraction: Quantity,
    output_tokens: Quantity,
    busy_s: Quantity,
) -> Quantity:
    r"""Output tokens per second of a replica that always has a request to admit.

    Parameters
    ----------
    sequences, n_ranks : array_like
        Sequences of a full batch on each rank, and ranks. [sequence, 1]
    stage_fraction : array_like
        Rate against stages that never wait for each other. [1]
    output_tokens, busy_s : array_like
        Length of the answer, and time of a request in a full batch. [token, s]

    Returns
    -------
    max_output_tokens_per_s : float or ndarray
        [token/s]

    Notes
    -----
    .. math:: X_m = f \, b_m R \, o / R_m

    References
    ----------
    Little (1961), A proof for the queuing formula L = λW.

    Examples
    --------
    >>> float(max_output_tokens_per_s(sequences=64, n_ranks=2, stage_fraction=1, output_tokens=100,
    ...     busy_s=4.0))
    3200.0
    """
    return sequences * n_ranks * stage_fraction * output_tokens / busy_s


@formula
def replica_sequences(*, sequences: Quantity, n_ranks: Quantity) -> Quantity:
    """Sequences that a replica decodes at once, on all its ranks.

    Parameters
    ----------
    sequences, n_ranks : array_like
        Sequences on each rank, and ranks. [sequence, 1]

    Returns
    -------
    replica_sequences : float or ndarray
        [sequence]

    Notes
    -----
    .. math:: b_r = b_m R

    Examples
    --------
    >>> float(replica_sequences(sequences=64, n_ranks=2))
    128.0
    """
    return sequences * n_ranks


@formula
def present_requests(*, in_flight: Quantity) -> Quantity:
    r"""Requests at a replica: a trace of one at least, since times are those of the next.

    Parameters
    ----------
    in_flight : array_like
        Requests there are. [request]

    Returns
    -------
    present_requests : float or ndarray
        [request]

    Notes
    -----
    .. math:: n' = \max(n, \epsilon)

    Examples
    --------
    >>> float(present_requests(in_flight=20))
    20.0
    """
    return np.maximum(in_flight, _TRACE)


@formula
def max_batch_sequences(*, batch_sequences: Quantity, fits_fraction: Quantity) -> Quantity:
    r"""Sequences that a replica works on at once.

    Parameters
    ----------
    batch_sequences, fits_fraction : array_like
        By memory and engine, and 1 where the model fits, else 0. [sequence, 1]

    Returns
    -------
    max_batch_sequences : float or ndarray
        None where the model does not fit. [sequence]

    Notes
    -----
    .. math:: b' = b \, [W \le M]

    Examples
    --------
    >>> float(max_batch_sequences(batch_sequences=64, fits_fraction=1))
    64.0
    """
    return batch_sequences * fits_fraction

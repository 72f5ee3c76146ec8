"""Waits where the number of requests is known: users that take turns at a replica's places."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike


def served_requests(*, in_flight: ArrayLike, n_places: ArrayLike) -> Any:
    r"""Requests that have a place.

    Parameters
    ----------
    in_flight, n_places : array_like
        Requests there are, and places. [request]

    Returns
    -------
    served_requests : float or ndarray
        [request]

    Notes
    -----
    .. math:: b = \min(n, m)

    References
    ----------
    Definition.

    Examples
    --------
    >>> float(served_requests(in_flight=200, n_places=139))
    139.0
    """
    return np.minimum(in_flight, n_places)


def wait_probability_in_turn(*, in_flight: ArrayLike, n_places: ArrayLike) -> Any:
    r"""Probability that a request waits when their number is always the same.

    Parameters
    ----------
    in_flight, n_places : array_like
        Requests there are, and places. [request]

    Returns
    -------
    wait_probability : float or ndarray
        Each waits when they are too many, none otherwise. [1]

    Notes
    -----
    .. math:: C = [n > m]

    References
    ----------
    Definition.

    Examples
    --------
    >>> wait_probability_in_turn(in_flight=[200, 100], n_places=139)
    array([1., 0.])
    """
    unknown = 0.0 * np.subtract(in_flight, n_places)
    return (np.where(np.greater(in_flight, n_places), 1.0, 0.0) + unknown)[()]


def waiting_variation_in_turn(*, queued_requests: ArrayLike) -> Any:
    r"""Variation of the wait behind a queue of known length.

    Parameters
    ----------
    queued_requests : array_like
        Requests without a place, the one that waits included. [request]

    Returns
    -------
    waiting_variation_ratio : float or ndarray
        Variance over squared mean. [1]

    Notes
    -----
    .. math:: c^2 = 1 / \max(Q, 1)

    So many answers must end before it is one's turn, each after an exponential time.

    References
    ----------
    Erlang (1917).

    Examples
    --------
    >>> waiting_variation_in_turn(queued_requests=[0, 61]).round(3)
    array([1.   , 0.016])
    """
    return (1 / np.maximum(queued_requests, 1.0))[()]


def queue_waiting_s(*, queued_requests: ArrayLike, requests_per_s: ArrayLike) -> Any:
    r"""Mean time in a queue of known length.

    Parameters
    ----------
    queued_requests : array_like
        Mean length of the queue. [request]
    requests_per_s : array_like
        Requests that leave it. [1/s]

    Returns
    -------
    waiting_s : float or ndarray
        Zero without a queue, infinite for one that none leaves. [s]

    Notes
    -----
    .. math:: W = Q / \lambda

    References
    ----------
    Little (1961), A proof for the queuing formula L = lambda W.

    Examples
    --------
    >>> float(queue_waiting_s(queued_requests=61, requests_per_s=10))
    6.1
    """
    queued, rate = np.asarray(queued_requests, float), np.asarray(requests_per_s, float)
    wait = np.divide(queued, np.where(rate > 0, rate, 1.0)) + 0.0 * rate
    return np.where((queued > 0) & (rate <= 0), np.inf, wait)[()]

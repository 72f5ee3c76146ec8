"""How long requests wait for a place.

A replica answers up to a number of requests at the same time: its places.
"""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llminfra.formulas._formula import Quantity, formula

_TINY = 1e-300
# Half width, in standard deviations, of the integral behind Erlang's formula.
_DEVIATIONS, _TAIL = 10.0, 40.0


@cache
def _quadrature() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Nodes and weights, which take longer to find than all other imports of this module."""
    nodes, weights = np.polynomial.legendre.leggauss(160)
    return nodes, weights


@formula
def wait_probability(*, n_places: Quantity, offered_requests: Quantity) -> Quantity:
    r"""Probability that an arriving request finds all places taken (Erlang C).

    Parameters
    ----------
    n_places : array_like
        Requests that are answered at the same time; need not be whole. [request]
    offered_requests : array_like
        Arrival rate times the time of a request. [request]

    Returns
    -------
    wait_probability : float or ndarray
        1 where the load reaches the places. [1]

    Notes
    -----
    .. math:: C = \frac{B}{1 - \rho (1 - B)}, \quad \rho = a / m, \quad
              \frac{1}{B} = \int_0^\infty e^{-u} (1 + u/a)^m \, du

    Independent arrivals, one queue. The integral stands for the usual recursion: it is as exact,
    takes the same time for ten places and for a million, and is defined between whole numbers.

    References
    ----------
    Erlang (1917); Jagerman (1974), Some properties of the Erlang loss function.

    Examples
    --------
    64 requests offered to 72, 80 and 96 places:

    >>> wait_probability(n_places=[72, 80, 96], offered_requests=64.0).round(2)
    array([0.24, 0.03, 0.  ])
    """
    places, offered = np.broadcast_arrays(n_places, offered_requests)
    rho = offered / places
    lost = np.exp(-_log_inverse_loss(places[..., None], offered[..., None]))
    waits = lost / np.maximum(1 - rho * (1 - lost), _TINY)
    return np.where(rho >= 1, 1.0, np.minimum(waits, 1.0))


def _log_inverse_loss(places: NDArray[np.float64], offered: NDArray[np.float64]) -> Any:
    """Logarithm of 1/B, by quadrature around the peak of the integrand."""
    peak, width = np.maximum(places - offered, 0.0), _DEVIATIONS * np.sqrt(places)
    low, high = np.maximum(peak - width, 0.0), peak + width + _TAIL
    nodes, weights = _quadrature()
    u = low + (high - low) * (nodes + 1) / 2
    exponent = places * np.log1p(u / np.maximum(offered, _TINY)) - u
    top = exponent.max(axis=-1, keepdims=True)
    area = np.sum(weights * np.exp(exponent - top) * (high - low) / 2, axis=-1)
    return top[..., 0] + np.log(area)


@formula
def waiting_s(
    *,
    wait_probability: Quantity,
    n_places: Quantity,
    offered_requests: Quantity,
    request_s: Quantity,
    arrival_variation_ratio: Quantity,
    service_variation_ratio: Quantity,
) -> Quantity:
    r"""Mean time that a request waits for a place (Allen and Cunneen).

    Parameters
    ----------
    wait_probability : array_like
        Probability of waiting at all. [1]
    n_places, offered_requests : array_like
        Places, and arrival rate times the time of a request. [request]
    request_s : array_like
        Mean time of a request once it has a place. [s]
    arrival_variation_ratio, service_variation_ratio : array_like
        Variance over squared mean of the time between arrivals and of a request; 1 is
        exponential, 0 constant. [1]

    Returns
    -------
    waiting_s : float or ndarray
        Infinite where the load reaches the places. [s]

    Notes
    -----
    .. math:: W = \frac{C \, S}{m - a} \cdot \frac{c_a^2 + c_s^2}{2}

    Exact for exponential times, and for one place with independent arrivals; else within about
    15 % for variations from 0 to 3 where waiting is common, by simulation.

    References
    ----------
    Allen (1990), Probability, statistics and queueing theory, section 5.3.

    Examples
    --------
    64 requests of 8 s offered to 72 places:

    >>> wait = waiting_s(wait_probability=0.24, n_places=72, offered_requests=64, request_s=8,
    ...     arrival_variation_ratio=1, service_variation_ratio=1)
    >>> round(float(wait), 2)
    0.24
    """
    free = n_places - offered_requests
    spread = (arrival_variation_ratio + service_variation_ratio) / 2
    mean = wait_probability * request_s / np.maximum(free, _TINY) * spread
    return np.where(free <= 0, np.inf, mean)


@formula
def pool_waiting_s(
    *, n_places: Quantity, utilization: Quantity, service_s: Quantity, variation_ratio: Quantity
) -> Quantity:
    r"""Mean wait of independent arrivals for one of several places, in closed form.

    Parameters
    ----------
    n_places : array_like
        Requests that are served at the same time. [1]
    utilization : array_like
        Share of the places that are taken. [1]
    service_s : array_like
        Time that a request takes its place. [s]
    variation_ratio : array_like
        Squared variation of arrivals plus that of services; 0 is no wait. [1]

    Returns
    -------
    waiting_s : float or ndarray
        Infinite where all places are taken. [s]

    Notes
    -----
    .. math:: W = \frac{S \, u^{\sqrt{2 (m + 1)} - 1}}{m (1 - u)} \cdot \frac{c}{2}

    Exact for one place; beside `waiting_s` within a few per cent of a service time, and
    fast enough to stand inside a bisection.

    References
    ----------
    Sakasegawa (1977), An approximation formula for the mean wait of the GI/G/q queue.

    Examples
    --------
    >>> float(pool_waiting_s(n_places=1, utilization=0.5, service_s=0.2, variation_ratio=2.0))
    0.2
    """
    u = np.minimum(utilization, 1.0)
    crowd = u ** (np.sqrt(2 * (n_places + 1)) - 1) / n_places
    spread = service_s * variation_ratio / 2
    wait = crowd * spread / np.maximum(1 - u, _TINY)
    return np.where((u >= 1) & (spread > 0), np.inf, wait)


@formula
def utilization(*, requests_per_s: Quantity, max_requests_per_s: Quantity) -> Quantity:
    r"""Share of what can be answered that is asked for.

    Parameters
    ----------
    requests_per_s, max_requests_per_s : array_like
        Requests that arrive, and most that can be answered. [1/s]

    Returns
    -------
    utilization : float or ndarray
        Infinite where nothing can be answered. [1]

    Notes
    -----
    .. math:: \rho = \lambda / \lambda_{max}

    Examples
    --------
    >>> utilization(requests_per_s=[7.0, 0.0], max_requests_per_s=[10.0, 0.0])
    array([0.7, inf])
    """
    # Nothing can be answered: infinite even where nothing is asked for.
    share = requests_per_s / max_requests_per_s
    return np.where(max_requests_per_s == 0, requests_per_s + np.inf, share)


@formula
def served_requests(*, in_flight: Quantity, n_places: Quantity) -> Quantity:
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

    Examples
    --------
    >>> float(served_requests(in_flight=200, n_places=139))
    139.0
    """
    return np.minimum(in_flight, n_places)


@formula
def wait_probability_in_turn(*, in_flight: Quantity, n_places: Quantity) -> Quantity:
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

    Examples
    --------
    >>> wait_probability_in_turn(in_flight=[200, 100], n_places=139)
    array([1., 0.])
    """
    return np.heaviside(in_flight - n_places, 0.0)


@formula
def waiting_variation_in_turn(*, queued_requests: Quantity) -> Quantity:
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
    return 1 / np.maximum(queued_requests, 1.0)


@formula
def queue_waiting_s(*, queued_requests: Quantity, requests_per_s: Quantity) -> Quantity:
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
    # Without a queue none waits, even where none is answered.
    is_idle = (queued_requests == 0) & (requests_per_s == 0)
    return np.where(is_idle, 0.0, queued_requests / requests_per_s)


@formula
def offered_requests(*, requests_per_s: Quantity, request_s: Quantity) -> Quantity:
    r"""Places that a load takes on average.

    Parameters
    ----------
    requests_per_s, request_s : array_like
        Arrivals, and time of a request that has a place. [1/s, s]

    Returns
    -------
    offered_requests : float or ndarray
        [1]

    Notes
    -----
    .. math:: a = \lambda S

    References
    ----------
    Little (1961), A proof for the queuing formula L = λW.

    Examples
    --------
    >>> float(offered_requests(requests_per_s=8, request_s=8))
    64.0
    """
    return requests_per_s * request_s

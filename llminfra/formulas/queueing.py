"""How long requests wait for a place.

A replica answers up to a number of requests at the same time: its places.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

_TINY = 1e-300
# Nodes and half width, in standard deviations, of the integral behind Erlang's formula.
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(160)
_DEVIATIONS, _TAIL = 10.0, 40.0


def wait_probability(*, n_places: ArrayLike, offered_requests: ArrayLike) -> Any:
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
    places, offered = np.broadcast_arrays(
        np.asarray(n_places, float), np.asarray(offered_requests, float)
    )
    rho = offered / places
    lost = np.exp(-_log_inverse_loss(places[..., None], offered[..., None]))
    waits = lost / np.maximum(1 - rho * (1 - lost), _TINY)
    return np.where(rho < 1, np.minimum(waits, 1.0), 1.0 + 0.0 * rho)[()]


def _log_inverse_loss(places: NDArray[np.float64], offered: NDArray[np.float64]) -> Any:
    """Logarithm of 1/B, by quadrature around the peak of the integrand."""
    peak, width = np.maximum(places - offered, 0.0), _DEVIATIONS * np.sqrt(places)
    low, high = np.maximum(peak - width, 0.0), peak + width + _TAIL
    u = low + (high - low) * (_NODES + 1) / 2
    exponent = places * np.log1p(u / np.maximum(offered, _TINY)) - u
    top = exponent.max(axis=-1, keepdims=True)
    area = np.sum(_WEIGHTS * np.exp(exponent - top) * (high - low) / 2, axis=-1)
    return top[..., 0] + np.log(area)


def waiting_s(
    *,
    wait_probability: ArrayLike,
    n_places: ArrayLike,
    offered_requests: ArrayLike,
    request_s: ArrayLike,
    arrival_variation_ratio: ArrayLike,
    service_variation_ratio: ArrayLike,
) -> Any:
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
    free = np.subtract(n_places, offered_requests)
    spread = np.add(arrival_variation_ratio, service_variation_ratio) / 2
    mean = np.multiply(wait_probability, request_s) / np.maximum(free, _TINY) * spread
    return np.where(free <= 0, np.inf, mean)[()]


def waiting_percentile_s(
    *, wait_probability: ArrayLike, waiting_s: ArrayLike, percentile_fraction: ArrayLike
) -> Any:
    r"""Time that a share of the requests waits at most.

    Parameters
    ----------
    wait_probability : array_like
        Probability of waiting at all. [1]
    waiting_s : array_like
        Mean wait over all requests. [s]
    percentile_fraction : array_like
        Share of the requests, such as 0.95. [1]

    Returns
    -------
    waiting_percentile_s : float or ndarray
        Zero where fewer requests than the rest wait at all. [s]

    Notes
    -----
    .. math:: W_p = \max\left(\frac{W}{C} \ln \frac{C}{1 - p}, 0\right)

    Those who wait do so for an exponential time: exact for exponential service, up to 10 % high
    for constant service. Where one is served at a time, such as prompts, C is the utilization.

    References
    ----------
    Kleinrock (1975), Queueing systems, volume 1, section 5.12.

    Examples
    --------
    A quarter of the requests waits, for a second on average: one in ten more than 0.92 s.

    >>> waits = waiting_percentile_s(
    ...     wait_probability=0.25, waiting_s=0.25, percentile_fraction=0.9)
    >>> round(float(waits), 2)
    0.92
    """
    waits = np.maximum(wait_probability, _TINY)
    of_those = np.divide(waiting_s, waits)
    above = np.log(waits / np.subtract(1.0, percentile_fraction))
    return of_those * np.maximum(above, 0.0)


def ttft_percentile_s(
    *, ttft_s: ArrayLike, waiting_s: ArrayLike, waiting_percentile_s: ArrayLike
) -> Any:
    r"""Time to first token that a share of the requests sees at most.

    Parameters
    ----------
    ttft_s : array_like
        Mean time to first token. [s]
    waiting_s : array_like
        Mean wait within it. [s]
    waiting_percentile_s : array_like
        Wait of that share of the requests. [s]

    Returns
    -------
    ttft_percentile_s : float or ndarray
        [s]

    Notes
    -----
    .. math:: T_p = T - W + W_p

    Prompts are taken to be of one length: where they are not, the percentile is a little higher.

    References
    ----------
    Definition.

    Examples
    --------
    >>> float(ttft_percentile_s(ttft_s=0.75, waiting_s=0.25, waiting_percentile_s=1.0))
    1.5
    """
    return np.subtract(ttft_s, waiting_s) + waiting_percentile_s


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

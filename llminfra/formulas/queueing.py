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


def pool_waiting_s(
    *, n_places: ArrayLike, utilization: ArrayLike, service_s: ArrayLike, variation_ratio: ArrayLike
) -> Any:
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
    places, u = np.asarray(n_places, float), np.minimum(utilization, 1.0)
    crowd = u ** (np.sqrt(2 * (places + 1)) - 1) / places
    spread = np.multiply(service_s, variation_ratio) / 2
    free = np.maximum(1 - u, _TINY)
    return np.where((u >= 1) & (spread > 0), np.inf, crowd * spread / free)[()]


def waiting_percentile_s(
    *,
    wait_probability: ArrayLike,
    waiting_s: ArrayLike,
    waiting_variation_ratio: ArrayLike,
    percentile_fraction: ArrayLike,
) -> Any:
    r"""Time that a share of the requests waits at most.

    Parameters
    ----------
    wait_probability : array_like
        Probability of waiting at all. [1]
    waiting_s : array_like
        Mean wait over all requests. [s]
    waiting_variation_ratio : array_like
        Variance over squared mean of the wait of those who do wait: 1 where requests arrive at
        random, less where a known number of them stands in line. [1]
    percentile_fraction : array_like
        Share of the requests, such as 0.95. [1]

    Returns
    -------
    waiting_percentile_s : float or ndarray
        Zero where fewer requests than the rest wait at all. [s]

    Notes
    -----
    .. math:: W_p = \frac{W}{C} \left(1 - \frac{c^2}{9} + c \left(\sqrt[3]{\ln \frac{C}{1 - p}}
              - \frac{8}{9}\right)\right)^3

    Those who wait do so for a gamma time, by the cube root of Wilson and Hilferty. With a
    variation of 1 it is W / C ln(C / (1 - p)): exact for exponential service, up to 10 % high for
    constant service; else within 2 % of the gamma from the median to 0.99. Where one is served at
    a time, such as prompts, C is the utilization.

    References
    ----------
    Kleinrock (1975), Queueing systems, volume 1, section 5.12; Wilson and Hilferty (1931), The
    distribution of chi-square.

    Examples
    --------
    A quarter of the requests waits, for a second on average: one in ten more than 0.92 s.

    >>> waits = waiting_percentile_s(wait_probability=0.25, waiting_s=0.25,
    ...     waiting_variation_ratio=1, percentile_fraction=0.9)
    >>> round(float(waits), 2)
    0.92

    All wait, each for 100 others: hardly longer than the mean.

    >>> waits = waiting_percentile_s(wait_probability=1, waiting_s=10,
    ...     waiting_variation_ratio=1 / 100, percentile_fraction=0.95)
    >>> round(float(waits), 1)
    11.7
    """
    waits = np.maximum(wait_probability, _TINY)
    of_those = np.divide(waiting_s, waits)
    exponential = np.log(waits / np.subtract(1.0, percentile_fraction))
    spread, mean = np.asarray(waiting_variation_ratio, float), 1 / 9
    deviation = np.cbrt(np.maximum(exponential, 0.0)) - (1 - mean)
    root = 1 - mean * spread + np.sqrt(spread) * deviation
    times = np.where(exponential <= 0, 0.0, np.maximum(root, 0.0) ** 3)
    return (of_those * times)[()]


def ttft_percentile_s(
    *,
    ttft_s: ArrayLike,
    prompt_waiting_s: ArrayLike,
    prompt_waiting_percentile_s: ArrayLike,
    waiting_percentile_s: ArrayLike,
) -> Any:
    r"""Time to first token that a share of the requests sees at most.

    Parameters
    ----------
    ttft_s : array_like
        Mean time to first token of a request that has a place. [s]
    prompt_waiting_s : array_like
        Mean wait for the prompts of others within it. [s]
    prompt_waiting_percentile_s : array_like
        That wait, for that share of the requests. [s]
    waiting_percentile_s : array_like
        Wait for a place, for that share of the requests. [s]

    Returns
    -------
    ttft_percentile_s : float or ndarray
        [s]

    Notes
    -----
    .. math:: T_p = T - W + W_p + Q_p

    Prompts are taken to be of one length: where they are not, the percentile is a little higher.
    The percentiles of both waits are added, which is exact while one of them is nothing and on the
    safe side where requests suffer both.

    References
    ----------
    Definition.

    Examples
    --------
    >>> float(ttft_percentile_s(ttft_s=0.75, prompt_waiting_s=0.25,
    ...     prompt_waiting_percentile_s=1.0, waiting_percentile_s=0.0))
    1.5
    """
    waits = np.add(prompt_waiting_percentile_s, waiting_percentile_s)
    return np.subtract(ttft_s, prompt_waiting_s) + waits


def utilization(*, requests_per_s: ArrayLike, max_requests_per_s: ArrayLike) -> Any:
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

    References
    ----------
    Definition.

    Examples
    --------
    >>> utilization(requests_per_s=[7.0, 0.0], max_requests_per_s=[10.0, 0.0])
    array([0.7, inf])
    """
    rate, most = np.asarray(requests_per_s, float), np.asarray(max_requests_per_s, float)
    share = rate / np.where(most == 0, 1.0, most)
    return np.where(most == 0, np.inf + rate, share)[()]

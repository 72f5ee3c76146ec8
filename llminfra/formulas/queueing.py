"""How long requests wait for a place, and how many are there at once.

A replica answers up to a number of requests at the same time: its places. How long an answer takes
depends on how many share the replica, so the time of a request is a curve over requests in flight:
two arrays whose first axis runs along the curve, straight between points and level outside them.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

_TINY = 1e-300
# Nodes and half width, in standard deviations, of the integral behind Erlang's formula.
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(160)
_DEVIATIONS, _TAIL = 10.0, 40.0

Curve = tuple[NDArray[np.float64], NDArray[np.float64]]


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


def request_s_at(
    *, in_flight: ArrayLike, curve_requests: ArrayLike, curve_request_s: ArrayLike
) -> Any:
    r"""Time of a request when so many share the replica.

    Parameters
    ----------
    in_flight : array_like
        Requests on the replica. [request]
    curve_requests, curve_request_s : array_like
        The curve, along the first axis. [request, s]

    Returns
    -------
    request_s : float or ndarray
        Without the wait for a place. [s]

    Notes
    -----
    .. math:: R(n) = R_k + \frac{n - n_k}{n_{k+1} - n_k} (R_{k+1} - R_k)

    References
    ----------
    Definition.

    Examples
    --------
    >>> float(request_s_at(in_flight=5, curve_requests=[1, 9], curve_request_s=[2.0, 6.0]))
    4.0
    """
    points, times = _curve(curve_requests, curve_request_s, in_flight)
    found = times[0] + 0.0 * np.asarray(in_flight)
    for k in range(1, len(points)):
        share = (np.asarray(in_flight) - points[k - 1]) / (points[k] - points[k - 1])
        found = found + np.clip(share, 0.0, 1.0) * (times[k] - times[k - 1])
    return found[()]


def in_flight_of_rate_on_curve(
    *, requests_per_s: ArrayLike, curve_requests: ArrayLike, curve_request_s: ArrayLike
) -> Any:
    r"""Mean requests on a replica at which it answers as many as arrive.

    Parameters
    ----------
    requests_per_s : array_like
        Arrivals at the replica. [1/s]
    curve_requests, curve_request_s : array_like
        Time of a request over requests in flight, along the first axis; it ends at the places of
        the replica. [request, s]

    Returns
    -------
    in_flight : float or ndarray
        More than the places when more arrive than the replica can answer: what it would hold if
        it had the places, at the time of a full replica. [request]

    Notes
    -----
    .. math:: n = \lambda R(n)

    Solved within each straight piece of the curve, without iteration.

    References
    ----------
    Little (1961), A proof for the queuing formula L = lambda W.

    Examples
    --------
    A request takes 1 s plus 0.1 s for each one in flight; five arrive per second:

    >>> float(in_flight_of_rate_on_curve(
    ...     requests_per_s=5.0, curve_requests=[0, 100], curve_request_s=[1.0, 11.0]))
    10.0
    """
    points, times = _curve(curve_requests, curve_request_s, requests_per_s)
    rate = np.asarray(requests_per_s, float)
    level, slope = _piece(points, times, np.maximum.accumulate(points / times), rate)
    return (rate * level / (1 - rate * slope))[()]


def in_flight_of_users_on_curve(
    *,
    active_users: ArrayLike,
    think_time_s: ArrayLike,
    curve_requests: ArrayLike,
    curve_request_s: ArrayLike,
) -> Any:
    r"""Requests of users who pause between requests, when their number slows the answers.

    Parameters
    ----------
    active_users : array_like
        Users of the replica. [user]
    think_time_s : array_like
        Pause between an answer and the next request. [s]
    curve_requests, curve_request_s : array_like
        Time of a request over requests in flight, along the first axis; it ends at the places of
        the replica. [request, s]

    Returns
    -------
    in_flight : float or ndarray
        Requests being answered and, beyond the places, waiting. [request]

    Notes
    -----
    .. math:: n = U - Z \, X(n), \quad X(n) = \min(n, m) / R(\min(n, m))

    The interactive response time law; solved within each straight piece of the curve. Chance is
    left out: with few users the mean is a little higher than this.

    References
    ----------
    Denning and Buzen (1978), The operational analysis of queueing network models.

    Examples
    --------
    A request takes 1 s plus 0.1 s for each one in flight; sixty users pause for 10 s:

    >>> float(in_flight_of_users_on_curve(active_users=60.0, think_time_s=10.0,
    ...     curve_requests=[0, 100], curve_request_s=[1.0, 11.0]))
    10.0
    """
    points, times = _curve(curve_requests, curve_request_s, active_users, think_time_s)
    users, pause = np.asarray(active_users, float), np.asarray(think_time_s, float)
    reached = np.maximum.accumulate(points + pause * (points / times))
    level, slope = _piece(points, times, reached, users)
    b = level + pause - users * slope
    root = np.sqrt(b * b + 4 * slope * users * level)
    found = 2 * users * level / (b + root)
    queued = users - pause * points[-1] / times[-1]
    return np.where(users >= reached[-1], queued, found)[()]


def _curve(curve_requests: ArrayLike, curve_request_s: ArrayLike, *others: ArrayLike) -> Curve:
    """Both arrays with the curve along the first axis, and after it the axes of the others."""
    points = np.atleast_1d(np.asarray(curve_requests, float))
    times = np.atleast_1d(np.asarray(curve_request_s, float))
    rank = max(points.ndim, times.ndim, *(1 + np.ndim(other) for other in others))
    points, times = (
        x.reshape(x.shape[:1] + (1,) * (rank - x.ndim) + x.shape[1:]) for x in (points, times)
    )
    points, times = np.broadcast_arrays(points, times)
    return points, times


def _piece(
    points: NDArray[np.float64],
    times: NDArray[np.float64],
    reached: NDArray[np.float64],
    wanted: NDArray[np.float64],
) -> tuple[Any, Any]:
    """Level and slope of the straight piece of R(n) on which `wanted` is reached."""
    level, slope = times[0] + 0.0 * wanted, np.zeros(np.shape(times[0] * wanted))
    for k in range(1, len(points)):
        rise = (times[k] - times[k - 1]) / (points[k] - points[k - 1])
        inside = wanted >= reached[k - 1]
        level = np.where(inside, times[k - 1] - rise * points[k - 1], level)
        slope = np.where(inside, rise, slope)
    beyond = wanted >= reached[-1]
    return np.where(beyond, times[-1], level), np.where(beyond, 0.0, slope)

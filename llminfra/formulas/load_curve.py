"""How many requests share a replica when their number slows the answers.

The time of a request is a curve over requests in flight: two arrays whose first axis runs along the
curve, straight between points and level outside them. It ends at the places of the replica.
"""

import math
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from llminfra.formulas._formula import Quantity, formula

# A curve that rises by less between two points is level there.
_FLAT_S = 1e-15
_LEAST_PLACES = 1.001
_MOST_NARROW: Final = 256
Curve = tuple[NDArray[np.float64], NDArray[np.float64]]


@formula
def curve_points(*, n_places: Quantity, position_fraction: Quantity) -> Quantity:
    r"""Requests in flight at which a curve is computed, from one to all places.

    Parameters
    ----------
    n_places, position_fraction : array_like
        Places of a replica, and how far along the curve: 0 is one request, 1 all. [request, 1]

    Returns
    -------
    curve_points : float or ndarray
        Evenly spread on a logarithmic scale; beyond one, since a curve needs two ends. [request]

    Notes
    -----
    .. math:: n = \max(m, m_0)^x

    Examples
    --------
    >>> curve_points(n_places=100, position_fraction=[0, 0.5, 1]).tolist()
    [1.0, 10.0, 100.0]
    """
    return np.maximum(n_places, _LEAST_PLACES) ** position_fraction


@formula
def request_s_at(
    *, in_flight: Quantity, curve_requests: Quantity, curve_request_s: Quantity
) -> Quantity:
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

    Examples
    --------
    >>> float(request_s_at(in_flight=5, curve_requests=[1, 9], curve_request_s=[2.0, 6.0]))
    4.0
    """
    points, times = _curve(curve_requests, curve_request_s, in_flight)
    if len(points) == 1:
        return times[0] + 0.0 * (in_flight + points[0])
    width = np.diff(points, axis=0)
    slope = np.diff(times, axis=0) / np.where(width > 0, width, 1.0)
    # The piece of the curve on which each place lies, looked up once: a sum over all pieces takes
    # many times as long, and so does counting in wide integers.
    shape = np.shape(0.0 * (in_flight + points[0]))
    piece = np.zeros(shape, dtype=np.uint8 if len(points) < _MOST_NARROW else np.intp)
    for low in points[1:-1]:
        piece += in_flight >= low
    low, end, begin, rise = _picked(piece, points, width, times, slope)
    return begin + rise * np.minimum(np.maximum(in_flight - low, 0.0), end)


@formula
def rate_at_utilization(
    *,
    in_flight: Quantity,
    utilization_fraction: Quantity,
    curve_requests: Quantity,
    curve_request_s: Quantity,
) -> Quantity:
    r"""Arrivals that use a share of what a replica answers with so many requests on it.

    Parameters
    ----------
    in_flight : array_like
        Requests on the replica that count as full. [request]
    utilization_fraction : array_like
        Share of its rate to use. [1]
    curve_requests, curve_request_s : array_like
        The curve, along the first axis. [request, s]

    Returns
    -------
    rate_at_utilization : float or ndarray
        [1/s]

    Notes
    -----
    .. math:: \lambda = u \, n / R(n)

    References
    ----------
    Little (1961), A proof for the queuing formula L = lambda W.

    Examples
    --------
    >>> float(rate_at_utilization(in_flight=5, utilization_fraction=0.8,
    ...     curve_requests=[1, 9], curve_request_s=[2.0, 6.0]))
    1.0
    """
    full_s = request_s_at(
        in_flight=in_flight, curve_requests=curve_requests, curve_request_s=curve_request_s
    )
    return in_flight / full_s * utilization_fraction


@formula
def in_flight_of_rate_on_curve(
    *, requests_per_s: Quantity, curve_requests: Quantity, curve_request_s: Quantity
) -> Quantity:
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
    reached = _most_so_far(points / times)
    level, slope = _piece(points, times, reached, requests_per_s)
    return requests_per_s * level / (1 - requests_per_s * slope)


@formula
def in_flight_of_users_on_curve(
    *,
    active_users: Quantity,
    think_time_s: Quantity,
    curve_requests: Quantity,
    curve_request_s: Quantity,
) -> Quantity:
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
    reached = _most_so_far(points + think_time_s * (points / times))
    level, slope = _piece(points, times, reached, active_users)
    b = level + think_time_s - active_users * slope
    root = np.sqrt(b * b + 4 * slope * active_users * level)
    found = 2 * active_users * level / (b + root)
    queued = active_users - think_time_s * points[-1] / times[-1]
    return np.where(active_users >= reached[-1], queued, found)


@formula
def requests_within_target(
    *, allowed_s: Quantity, curve_requests: Quantity, curve_s: Quantity
) -> Quantity:
    r"""Most requests on a replica at which a time stays within its target.

    Parameters
    ----------
    allowed_s : array_like
        Longest acceptable time. [s]
    curve_requests, curve_s : array_like
        The time over requests in flight, along the first axis. [request, s]

    Returns
    -------
    requests_within_target : float or ndarray
        The last point of the curve when all of it is within; 0 when its first is not. [request]

    Notes
    -----
    .. math:: n = \max \{ k : T(j) \le T_{max} \; \forall j \le k \}

    Examples
    --------
    >>> float(requests_within_target(allowed_s=4.0, curve_requests=[1, 9], curve_s=[2.0, 6.0]))
    5.0
    """
    points, times = _curve(curve_requests, curve_s, allowed_s)
    reached = _most_so_far(times)
    first = np.where(reached[0] <= allowed_s, points[0], 0.0) + 0.0 * (allowed_s + times[-1])
    if len(points) == 1:
        return first
    # The last piece of the curve that begins within the target, looked up once.
    begins = reached[:-1] <= allowed_s
    piece = np.maximum(np.count_nonzero(begins, axis=0) - 1, 0)
    width = np.diff(points, axis=0)
    low, width, begin, end = _picked(piece, points, width, reached, reached[1:])
    rise = np.maximum(end - begin, _FLAT_S)
    share = np.where(end <= allowed_s, 1.0, (allowed_s - begin) / rise)
    return np.where(begins[0], low + share * width, first)


def _picked(piece: NDArray[Any], *arrays: NDArray[np.float64]) -> Iterator[NDArray[np.float64]]:
    """Take of each array, along its first axis, the piece that a place has."""
    behind = arrays[0].shape[1:]
    places = np.arange(math.prod(behind)).reshape(behind)
    index = np.multiply(piece, places.size, dtype=np.intp) + places
    return (np.take(x, index) for x in arrays)


def _most_so_far(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Running maximum along the first axis; row by row, ten times as fast as `accumulate`."""
    most = np.array(values)
    for k in range(1, len(most)):
        most[k] = np.maximum(most[k - 1], most[k])
    return most


def _curve(curve_requests: Quantity, curve_request_s: Quantity, *others: Quantity) -> Curve:
    """Both arrays with the curve along the first axis, and after it the axes of the others."""
    points, times = np.atleast_1d(curve_requests), np.atleast_1d(curve_request_s)
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
) -> tuple[Quantity, Quantity]:
    """Level and slope of the straight piece of R(n) on which `wanted` is reached."""
    level, slope = times[0] + 0.0 * wanted, np.zeros(np.shape(times[0] * wanted))
    if len(points) > 1:
        begun = np.count_nonzero(wanted >= reached[:-1], axis=0)
        steps = np.diff(times, axis=0) / np.diff(points, axis=0)
        low, begin, rise = _picked(np.maximum(begun - 1, 0), points, times, steps)
        level = np.where(begun, begin - rise * low, level)
        slope = np.where(begun, rise, slope)
    beyond = wanted >= reached[-1]
    return np.where(beyond, times[-1], level), np.where(beyond, 0.0, slope)

"""How many requests share a replica when their number slows the answers.

The time of a request is a curve over requests in flight: two arrays whose first axis runs along the
curve, straight between points and level outside them. It ends at the places of the replica.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

# A curve that rises by less between two points is level there.
_FLAT_S = 1e-15
Curve = tuple[NDArray[np.float64], NDArray[np.float64]]


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
    wanted = np.asarray(in_flight, float)
    piece = sum(np.asarray(wanted >= point, np.intp) for point in points[1:-1])
    start = np.asarray(piece, np.intp) + np.zeros(np.shape(wanted + points[0]), np.intp)
    end = np.minimum(start + 1, len(points) - 1)
    (low, high), (begin, finish) = (
        [np.take_along_axis(rows, k[None], axis=0)[0] for k in (start, end)]
        for rows in (points, times)
    )
    share = (wanted - low) / np.where(high > low, high - low, 1.0)
    return (begin + np.clip(share, 0.0, 1.0) * (finish - begin))[()]


def rate_at_utilization(
    *,
    in_flight: ArrayLike,
    utilization_fraction: ArrayLike,
    curve_requests: ArrayLike,
    curve_request_s: ArrayLike,
) -> Any:
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


def requests_within_target(
    *, allowed_s: ArrayLike, curve_requests: ArrayLike, curve_s: ArrayLike
) -> Any:
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

    References
    ----------
    Definition.

    Examples
    --------
    >>> float(requests_within_target(allowed_s=4.0, curve_requests=[1, 9], curve_s=[2.0, 6.0]))
    5.0
    """
    points, times = _curve(curve_requests, curve_s, allowed_s)
    allowed = np.asarray(allowed_s, float)
    reached = np.maximum.accumulate(times)
    found = np.where(reached[0] <= allowed, points[0], 0.0) + 0.0 * (allowed + times[-1])
    for k in range(1, len(points)):
        rise = np.maximum(reached[k] - reached[k - 1], _FLAT_S)
        share = np.where(reached[k] <= allowed, 1.0, (allowed - reached[k - 1]) / rise)
        inside = points[k - 1] + share * (points[k] - points[k - 1])
        found = np.where(reached[k - 1] <= allowed, inside, found)
    return found[()]


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

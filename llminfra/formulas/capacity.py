"""Demand: users, requests per second and requests in flight are views of one thing."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from llminfra.units import SECONDS_PER_HOUR


def request_tokens(*, prompt_tokens: ArrayLike, output_tokens: ArrayLike) -> Any:
    """Tokens that a request holds in the cache when its answer ends.

    Parameters
    ----------
    prompt_tokens, output_tokens : array_like
        Mean lengths. [token]

    Returns
    -------
    request_tokens : float or ndarray
        [token]

    Notes
    -----
    .. math:: T = q + o

    References
    ----------
    Definition.

    Examples
    --------
    >>> int(request_tokens(prompt_tokens=400, output_tokens=300))
    700
    """
    return np.add(prompt_tokens, output_tokens)


def in_flight_of_rate(*, requests_per_s: ArrayLike, request_s: ArrayLike) -> Any:
    r"""Mean number of requests being answered at an arrival rate.

    Parameters
    ----------
    requests_per_s : array_like
        Arrivals. [1/s]
    request_s : array_like
        Mean time from arrival to the last token. [s]

    Returns
    -------
    in_flight : float or ndarray
        [request]

    Notes
    -----
    .. math:: N = \lambda T

    Holds for any arrival process in a steady state; peaks above the mean are not included.

    References
    ----------
    Little (1961), A proof for the queuing formula L = lambda W.

    Examples
    --------
    >>> float(in_flight_of_rate(requests_per_s=9.0, request_s=11.0))
    99.0
    """
    return np.multiply(requests_per_s, request_s)


def in_flight_of_active_users(
    *, active_users: ArrayLike, think_time_s: ArrayLike, request_s: ArrayLike
) -> Any:
    r"""Mean number of requests being answered for users who pause between requests.

    Parameters
    ----------
    active_users : array_like
        Users in conversation. [user]
    think_time_s : array_like
        Pause between an answer and the next request. [s]
    request_s : array_like
        Mean time from request to the last token. [s]

    Returns
    -------
    in_flight : float or ndarray
        [request]

    Notes
    -----
    .. math:: N = U \frac{T}{T + Z}

    The interactive response time law of a closed system, with the time of a request held fixed.

    References
    ----------
    Denning and Buzen (1978), The operational analysis of queueing network models.

    Examples
    --------
    >>> float(in_flight_of_active_users(active_users=100, think_time_s=30, request_s=10))
    25.0
    """
    busy = np.divide(request_s, np.add(request_s, think_time_s))
    return np.multiply(active_users, busy)


def peak_requests_per_s(
    *,
    named_users: ArrayLike,
    requests_per_user_day: ArrayLike,
    work_hours: ArrayLike,
    peak_factor: ArrayLike,
) -> Any:
    r"""Arrival rate of an office population in its busiest minutes.

    Parameters
    ----------
    named_users : array_like
        People who have access. [user]
    requests_per_user_day : array_like
        Requests of one user a day. [1/day]
    work_hours : array_like
        Hours over which they spread. [h]
    peak_factor : array_like
        Busiest minutes against the mean. [1]

    Returns
    -------
    requests_per_s : float or ndarray
        [1/s]

    Notes
    -----
    .. math:: \lambda = U r p / (3600 h)

    References
    ----------
    Definition.

    Examples
    --------
    One hundred office users, twenty questions a day, are 0.07 requests per second on average:

    >>> rate = peak_requests_per_s(
    ...     named_users=100, requests_per_user_day=20, work_hours=8, peak_factor=1)
    >>> round(float(rate), 3)
    0.069
    """
    per_day = np.multiply(named_users, requests_per_user_day)
    return per_day * peak_factor / (np.multiply(work_hours, SECONDS_PER_HOUR))

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

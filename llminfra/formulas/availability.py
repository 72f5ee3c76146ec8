"""How many copies, how many spares, and which share of the time enough of them run."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

_TINY = 1e-300
# Failures further than this many deviations above the mean add nothing.
_DEVIATIONS, _FEW = 14.0, 20.0


def replicas_needed(
    *, demanded_requests: ArrayLike, carried_requests: ArrayLike, headroom_fraction: ArrayLike
) -> Any:
    r"""Replicas that carry a load at their target utilization.

    Parameters
    ----------
    demanded_requests : array_like
        Load at the peak: requests per second or in flight, or users. [request]
    carried_requests : array_like
        What one replica carries at its target utilization, in the same terms. [request]
    headroom_fraction : array_like
        Growth to be ready for before another replica runs. [1]

    Returns
    -------
    replicas_needed : float or ndarray
        At least one; infinite where a replica carries nothing. [replica]

    Notes
    -----
    .. math:: n = \lceil D (1 + h) / d \rceil

    References
    ----------
    Definition.

    Examples
    --------
    20 requests per second on replicas that answer 9.1, 70 % used:

    >>> int(replicas_needed(
    ...     demanded_requests=20, carried_requests=0.7 * 9.1, headroom_fraction=0))
    4
    """
    wanted = np.multiply(demanded_requests, np.add(headroom_fraction, 1.0))
    carried = np.asarray(carried_requests, float)
    # A hair less, so that a load which fills replicas exactly is not rounded up by the last bit.
    whole = np.ceil(wanted / np.maximum(carried, _TINY) * (1 - 1e-12))
    return np.where(carried <= 0, np.inf, np.maximum(whole, 1.0))[()]


def replicas_with_spares(
    *, n_replicas: ArrayLike, n_spares: ArrayLike, copies_ratio: ArrayLike
) -> Any:
    r"""Replicas to install under a spare policy.

    Parameters
    ----------
    n_replicas : array_like
        Replicas that the load needs. [replica]
    n_spares : array_like
        Spares beside them: 1 for N+1. [replica]
    copies_ratio : array_like
        Copies of the whole: 2 for 2N, else 1. [1]

    Returns
    -------
    replicas : float or ndarray
        [replica]

    Notes
    -----
    .. math:: n' = c \, n + s

    References
    ----------
    Definition.

    Examples
    --------
    >>> float(replicas_with_spares(n_replicas=3, n_spares=1, copies_ratio=1))
    4.0
    """
    return (np.multiply(n_replicas, copies_ratio) + np.asarray(n_spares, float))[()]


def headroom_fraction(*, growth_fraction_per_s: ArrayLike, scale_up_s: ArrayLike) -> Any:
    r"""Share of the load to keep free until another replica runs.

    Parameters
    ----------
    growth_fraction_per_s : array_like
        Growth of the load when it grows fastest, as a share of the peak. [1/s]
    scale_up_s : array_like
        Time from the decision to the first answer of a new replica. [s]

    Returns
    -------
    headroom_fraction : float or ndarray
        [1]

    Notes
    -----
    .. math:: h = g \, t

    References
    ----------
    Definition.

    Examples
    --------
    Growth of 2 % a minute and three minutes to start:

    >>> round(float(headroom_fraction(growth_fraction_per_s=0.02 / 60, scale_up_s=180)), 3)
    0.06
    """
    return np.multiply(growth_fraction_per_s, scale_up_s)


def scale_up_s(
    *, start_s: ArrayLike, weight_bytes: ArrayLike, weight_load_bytes_per_s: ArrayLike
) -> Any:
    r"""Time from the decision to add a replica to its first answer.

    Parameters
    ----------
    start_s : array_like
        Getting a machine, its image, start of the engine, warm-up. [s]
    weight_bytes : array_like
        Weights that are loaded. [byte]
    weight_load_bytes_per_s : array_like
        Rate at which they come from the store. [byte/s]

    Returns
    -------
    scale_up_s : float or ndarray
        [s]

    Notes
    -----
    .. math:: t = t_s + W / r

    References
    ----------
    Definition.

    Examples
    --------
    141 GB over a link of 3 GB/s take 47 s:

    >>> float(scale_up_s(start_s=0, weight_bytes=141e9, weight_load_bytes_per_s=3e9))
    47.0
    """
    return np.add(start_s, np.divide(weight_bytes, weight_load_bytes_per_s))


def server_availability(*, failure_s: ArrayLike, repair_s: ArrayLike) -> Any:
    r"""Share of the time that a server runs.

    Parameters
    ----------
    failure_s : array_like
        Mean time between failures. [s]
    repair_s : array_like
        Mean time to repair. [s]

    Returns
    -------
    availability : float or ndarray
        [1]

    Notes
    -----
    .. math:: A = \frac{F}{F + r}

    References
    ----------
    Definition.

    Examples
    --------
    A failure every 264 days and a day to repair:

    >>> round(float(server_availability(failure_s=264, repair_s=1)), 4)
    0.9962
    """
    return np.divide(failure_s, np.add(failure_s, repair_s))


def service_availability(
    *,
    n_groups: ArrayLike,
    n_needed: ArrayLike,
    availability_fraction: ArrayLike,
    common_mode_fraction: ArrayLike,
) -> Any:
    r"""Share of the time that enough groups of servers run.

    Parameters
    ----------
    n_groups, n_needed : array_like
        Groups that fail as one and independently of each other, and how many must run. [1]
    availability_fraction : array_like
        Share of the time that one group runs. [1]
    common_mode_fraction : array_like
        Share of the time that something takes all of them down: site, network, a faulty release.
        [1]

    Returns
    -------
    availability : float or ndarray
        [1]

    Notes
    -----
    .. math:: A_s = (1 - c) \sum_{i=k}^{n} \binom{n}{i} A^i (1 - A)^{n - i}

    Spares do not help against what is common to all.

    References
    ----------
    Barlow and Proschan (1975), Statistical theory of reliability and life testing, section 2.1.

    Examples
    --------
    One of two and two of three, each with a failure every 264 days and a day to repair:

    >>> both = service_availability(n_groups=[2, 3], n_needed=[1, 2],
    ...     availability_fraction=264 / 265, common_mode_fraction=0)
    >>> both.round(5)
    array([0.99999, 0.99996])
    """
    given = np.broadcast_arrays(
        *(np.asarray(x, float) for x in (n_groups, n_needed, availability_fraction))
    )
    unknown = 0.0 * sum(given)  # NaN where one of them is
    groups, needed, up = (np.where(np.isnan(unknown), 1.0, x) for x in given)
    spares, log_odds = groups - needed, np.log((1 - up + _TINY) / (up + _TINY))
    log_term = groups * np.log(up + _TINY)
    total = np.where(spares >= 0, log_term, -np.inf)
    for failed in range(1, _terms(groups, spares, up) + 1):
        left = np.maximum(groups - failed + 1, _TINY)
        log_term = log_term + np.log(left / failed) + log_odds
        total = np.where(failed <= spares, np.logaddexp(total, log_term), total)
    enough = np.minimum(np.exp(total), 1.0) + unknown
    return (enough * np.subtract(1.0, common_mode_fraction))[()]


def _terms(groups: Any, spares: Any, up: Any) -> int:
    """Failures to sum over: as many as there are spares, unless so many never fail at once."""
    mean = groups * (1 - up)
    likely = mean + _DEVIATIONS * np.sqrt(mean) + _FEW
    terms = np.minimum(spares, likely)
    return int(np.max(terms, initial=0.0))

"""How many copies, how many spares, and which share of the time enough of them run."""

from typing import Any

import numpy as np

from llminfra.formulas._formula import Quantity, formula

_TINY = 1e-300
_SECONDS_PER_MIN = 60
# Failures further than this many deviations above the mean add nothing.
_DEVIATIONS, _FEW = 14.0, 20.0


@formula
def replicas_needed(
    *, demanded_requests: Quantity, carried_requests: Quantity, headroom_fraction: Quantity
) -> Quantity:
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

    Examples
    --------
    20 requests per second on replicas that answer 9.1, 70 % used:

    >>> int(replicas_needed(
    ...     demanded_requests=20, carried_requests=0.7 * 9.1, headroom_fraction=0))
    4
    """
    wanted = demanded_requests * (1 + headroom_fraction)
    # A hair less, so that a load which fills replicas exactly is not rounded up by the last bit.
    whole = np.ceil(wanted / np.maximum(carried_requests, _TINY) * (1 - 1e-12))
    return np.where(carried_requests <= 0, np.inf, np.maximum(whole, 1.0))


@formula
def replicas_with_spares(
    *, n_replicas: Quantity, n_spares: Quantity, copies_ratio: Quantity
) -> Quantity:
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

    Examples
    --------
    >>> float(replicas_with_spares(n_replicas=3, n_spares=1, copies_ratio=1))
    4.0
    """
    return copies_ratio * n_replicas + n_spares


@formula
def headroom_fraction(*, growth_fraction_per_min: Quantity, scale_up_s: Quantity) -> Quantity:
    r"""Share of the load to keep free until another replica runs.

    Parameters
    ----------
    growth_fraction_per_min : array_like
        Growth of the load when it grows fastest, as a share of the peak. [1/min]
    scale_up_s : array_like
        Time from the decision to the first answer of a new replica. [s]

    Returns
    -------
    headroom_fraction : float or ndarray
        [1]

    Notes
    -----
    .. math:: h = g \, t / 60

    Examples
    --------
    Growth of 2 % a minute and three minutes to start:

    >>> round(float(headroom_fraction(growth_fraction_per_min=0.02, scale_up_s=180)), 3)
    0.06
    """
    return growth_fraction_per_min / _SECONDS_PER_MIN * scale_up_s


@formula
def scale_up_s(
    *, start_s: Quantity, weight_bytes: Quantity, weight_load_bytes_per_s: Quantity
) -> Quantity:
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

    Examples
    --------
    141 GB over a link of 3 GB/s take 47 s:

    >>> float(scale_up_s(start_s=0, weight_bytes=141e9, weight_load_bytes_per_s=3e9))
    47.0
    """
    return start_s + weight_bytes / weight_load_bytes_per_s


@formula
def server_availability(*, failure_hours: Quantity, repair_hours: Quantity) -> Quantity:
    r"""Share of the time that a server runs.

    Parameters
    ----------
    failure_hours : array_like
        Mean time between failures. [h]
    repair_hours : array_like
        Mean time to repair. [h]

    Returns
    -------
    availability : float or ndarray
        [1]

    Notes
    -----
    .. math:: A = \frac{F}{F + r}

    Examples
    --------
    A failure every 264 days and a day to repair:

    >>> round(float(server_availability(failure_hours=264 * 24, repair_hours=24)), 4)
    0.9962
    """
    return failure_hours / (failure_hours + repair_hours)


@formula
def group_availability(*, server_availability: Quantity, n_servers: Quantity) -> Quantity:
    """Share of the time that a group of servers runs, all of which it needs.

    Parameters
    ----------
    server_availability, n_servers : array_like
        Share of the time that one runs, and servers of the group. [1]

    Returns
    -------
    group_availability : float or ndarray
        [1]

    Notes
    -----
    .. math:: A_g = A^s

    Examples
    --------
    >>> round(float(group_availability(server_availability=0.99, n_servers=2)), 4)
    0.9801
    """
    return server_availability**n_servers


@formula
def service_availability(
    *,
    n_groups: Quantity,
    n_needed: Quantity,
    availability_fraction: Quantity,
    common_mode_fraction: Quantity,
) -> Quantity:
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
    given = np.broadcast_arrays(n_groups, n_needed, availability_fraction)
    unknown = 0.0 * sum(given)  # NaN where one of them is
    groups, needed, up = (np.where(np.isnan(unknown), 1.0, x) for x in given)
    # The sum over failed groups in logarithms, so that nines far below one survive.
    spares, log_odds = groups - needed, np.log((1 - up + _TINY) / (up + _TINY))
    log_term = groups * np.log(up + _TINY)
    total = np.where(spares >= 0, log_term, -np.inf)
    for failed in range(1, _terms(groups, spares, up) + 1):
        left = np.maximum(groups - failed + 1, _TINY)
        log_term = log_term + np.log(left / failed) + log_odds
        total = np.where(failed <= spares, np.logaddexp(total, log_term), total)
    enough = np.minimum(np.exp(total), 1.0) + unknown
    return enough * (1 - common_mode_fraction)


def _terms(groups: Any, spares: Any, up: Any) -> int:
    """Failures to sum over: as many as there are spares, unless so many never fail at once."""
    mean = groups * (1 - up)
    likely = mean + _DEVIATIONS * np.sqrt(mean) + _FEW
    terms = np.minimum(spares, likely)
    return int(np.max(terms, initial=0.0))

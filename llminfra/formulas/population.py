"""A known number of users who pause between requests: the distribution of requests in flight."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from llminfra.formulas._formula import Quantity, formula
from llminfra.formulas.load_curve import in_flight_of_users_on_curve, request_s_at

# States next to the mode one by one, further out ever wider apart, to this many deviations.
_SINGLE_STATES, _GROWTH, _DEVIATIONS = 48, 1.05, 7.0
# A pause of nothing is one too short to matter.
_SHORTEST_S = 1e-9


@formula
def in_flight_of_population(
    *,
    active_users: Quantity,
    think_time_s: Quantity,
    curve_requests: Quantity,
    curve_request_s: Quantity,
) -> Quantity:
    r"""Mean requests of a known number of users, chance included.

    Parameters
    ----------
    active_users : array_like
        Users, rounded to a whole number. [user]
    think_time_s : array_like
        Mean pause between an answer and the next request. [s]
    curve_requests, curve_request_s : array_like
        Time of a request over requests in flight, along the first axis; it ends at the places.
        [request, s]

    Returns
    -------
    in_flight : float or ndarray
        Requests being answered or waiting for a place. [request]

    Notes
    -----
    .. math:: p_n \propto \prod_{j=1}^{n} \frac{(U - j + 1) \, R(j)}{Z \, \min(j, m)}

    The machine repair model with a service rate that depends on the load. While all have a place,
    the requests share the replica and only the mean of their work matters; those that wait are
    taken to have exponential work.

    References
    ----------
    Palm (1947); Lazowska et al. (1984), Quantitative system performance, chapter 8.

    Examples
    --------
    Two users, one place, a second of work after a second of pause:

    >>> round(float(in_flight_of_population(
    ...     active_users=2, think_time_s=1, curve_requests=1, curve_request_s=1)), 6)
    1.2
    """
    users = np.rint(active_users)
    states, chance = _distribution(users, think_time_s, curve_requests, curve_request_s)
    return np.sum(states * chance, axis=0)


@formula
def requests_per_s_of_population(
    *,
    active_users: Quantity,
    think_time_s: Quantity,
    curve_requests: Quantity,
    curve_request_s: Quantity,
) -> Quantity:
    r"""Requests that a known number of users sends per second, chance included.

    Parameters
    ----------
    active_users : array_like
        Users, rounded to a whole number. [user]
    think_time_s : array_like
        Mean pause between an answer and the next request. [s]
    curve_requests, curve_request_s : array_like
        Time of a request over requests in flight, along the first axis; it ends at the places.
        [request, s]

    Returns
    -------
    requests_per_s : float or ndarray
        [1/s]

    Notes
    -----
    .. math:: X = \sum_n p_n \frac{\min(n, m)}{R(\min(n, m))}

    References
    ----------
    Lazowska et al. (1984), Quantitative system performance, chapter 8.

    Examples
    --------
    >>> round(float(requests_per_s_of_population(
    ...     active_users=2, think_time_s=1, curve_requests=1, curve_request_s=1)), 6)
    0.8
    """
    users = np.rint(active_users)
    states, chance = _distribution(users, think_time_s, curve_requests, curve_request_s)
    rate = _served(states, curve_requests) / request_s_at(
        in_flight=states, curve_requests=curve_requests, curve_request_s=curve_request_s
    )
    return np.sum(rate * chance, axis=0)


@formula
def queued_requests_of_population(
    *,
    active_users: Quantity,
    think_time_s: Quantity,
    curve_requests: Quantity,
    curve_request_s: Quantity,
) -> Quantity:
    r"""Mean requests that wait for a place.

    Parameters
    ----------
    active_users : array_like
        Users, rounded to a whole number. [user]
    think_time_s : array_like
        Mean pause between an answer and the next request. [s]
    curve_requests, curve_request_s : array_like
        Time of a request over requests in flight, along the first axis; it ends at the places.
        [request, s]

    Returns
    -------
    queued_requests : float or ndarray
        Divided by the requests per second it is the mean wait. [request]

    Notes
    -----
    .. math:: Q = \sum_n p_n \max(n - m, 0)

    References
    ----------
    Little (1961), A proof for the queuing formula L = lambda W.

    Examples
    --------
    >>> round(float(queued_requests_of_population(
    ...     active_users=2, think_time_s=1, curve_requests=1, curve_request_s=1)), 6)
    0.4
    """
    users = np.rint(active_users)
    states, chance = _distribution(users, think_time_s, curve_requests, curve_request_s)
    return np.sum((states - _served(states, curve_requests)) * chance, axis=0)


@formula
def wait_probability_of_population(
    *,
    active_users: Quantity,
    think_time_s: Quantity,
    curve_requests: Quantity,
    curve_request_s: Quantity,
) -> Quantity:
    r"""Probability that a user's request finds all places taken by the others.

    Parameters
    ----------
    active_users : array_like
        Users, rounded to a whole number. [user]
    think_time_s : array_like
        Mean pause between an answer and the next request. [s]
    curve_requests, curve_request_s : array_like
        Time of a request over requests in flight, along the first axis; it ends at the places.
        [request, s]

    Returns
    -------
    wait_probability : float or ndarray
        [1]

    Notes
    -----
    .. math:: C = \sum_{n \ge m} p_n(U - 1)

    A user sees the state that the others alone would be in.

    References
    ----------
    Sevcik and Mitrani (1981); Lavenberg and Reiser (1980): the arrival theorem.

    Examples
    --------
    >>> round(float(wait_probability_of_population(
    ...     active_users=2, think_time_s=1, curve_requests=1, curve_request_s=1)), 6)
    0.5
    """
    others = np.maximum(np.rint(active_users) - 1, 0.0)
    states, chance = _distribution(others, think_time_s, curve_requests, curve_request_s)
    places = np.atleast_1d(curve_requests)[-1]
    return np.sum(np.where(states < places, 0.0, chance), axis=0)


@formula
def waiting_variation_of_population(
    *,
    active_users: Quantity,
    think_time_s: Quantity,
    curve_requests: Quantity,
    curve_request_s: Quantity,
) -> Quantity:
    r"""Variation of the wait of those requests that do wait.

    Parameters
    ----------
    active_users : array_like
        Users, rounded to a whole number. [user]
    think_time_s : array_like
        Mean pause between an answer and the next request. [s]
    curve_requests, curve_request_s : array_like
        Time of a request over requests in flight, along the first axis; it ends at the places.
        [request, s]

    Returns
    -------
    waiting_variation_ratio : float or ndarray
        Variance over squared mean; 1 where nobody waits. [1]

    Notes
    -----
    .. math:: c^2 = \frac{\mathrm{Var}(K) + \mathrm{E}(K)}{\mathrm{E}(K)^2}, \quad K = n - m + 1

    K answers must end before it is one's turn, each after an exponential time; of the states that
    the others alone would be in, those with n at or above m count.

    References
    ----------
    Lavenberg and Reiser (1980): the arrival theorem; a random sum of exponential times.

    Examples
    --------
    Only ever one that is ahead:

    >>> round(float(waiting_variation_of_population(
    ...     active_users=2, think_time_s=1, curve_requests=1, curve_request_s=1)), 6)
    1.0
    """
    others = np.maximum(np.rint(active_users) - 1, 0.0)
    states, chance = _distribution(others, think_time_s, curve_requests, curve_request_s)
    places = np.atleast_1d(curve_requests)[-1]
    ahead = np.maximum(states - places + 1, 0.0)
    waits = np.where(states < places, 0.0, chance)
    share = np.sum(waits, axis=0)
    mean, square = (np.sum(ahead**k * waits, axis=0) / share for k in (1, 2))
    ratio = np.clip((square - mean**2 + mean) / mean**2, 0.0, 1.0)
    return np.where(share == 0, 1.0, ratio)


def _served(states: NDArray[np.float64], curve_requests: NDArray[np.float64]) -> Quantity:
    return np.minimum(states, np.atleast_1d(curve_requests)[-1])


def _distribution(*arrays: NDArray[np.float64]) -> tuple[Quantity, Quantity]:
    """States along the first axis, and the probability that each stands for.

    Arrays are users, think time and the curve: several formulas ask for the same ones in a row.
    """
    given = (np.asarray(x, np.float64) for x in arrays)
    return _distribution_of(*((x.tobytes(), x.shape) for x in given))


@lru_cache(maxsize=2)  # of all users, and of the others
def _distribution_of(*arrays: tuple[bytes, tuple[int, ...]]) -> tuple[Quantity, Quantity]:
    """Compute it; arrays are their bytes and shapes.

    The deviation never exceeds the root of the users, because each request in flight is one user
    less to send another.
    """
    users, think_time_s, curve_requests, curve_request_s = (
        np.ndarray(shape, np.float64, data) for data, shape in arrays
    )
    unknown = 0.0 * (users * think_time_s)  # NaN where either is
    users = np.where(np.isnan(users), 0.0, users)
    pause = np.maximum(np.where(np.isnan(think_time_s), 0.0, think_time_s), _SHORTEST_S)
    curve = {"curve_requests": curve_requests, "curve_request_s": curve_request_s}
    centre = in_flight_of_users_on_curve(active_users=users, think_time_s=pause, **curve)
    centre = np.clip(np.rint(centre), 0.0, users)
    offsets = _offsets(float(np.max(users, initial=0.0)))
    offsets = offsets.reshape(offsets.shape + (1,) * np.ndim(centre))
    states, steps = centre + offsets, np.diff(offsets, axis=0)
    # What a step adds to the logarithm, at the middle of the states that it passes.
    middle = states[1:] - (steps - 1) / 2
    is_inside = (middle >= 1) & (middle <= users)
    at = np.where(is_inside, middle, 1.0)
    request_s = request_s_at(in_flight=at, **curve)
    ratio = (np.maximum(users - at, 0.0) + 1) * request_s / (pause * _served(at, curve_requests))
    gains = np.where(is_inside, steps * np.log(ratio), 0.0)
    log_chance = np.concatenate([np.zeros_like(gains[:1]), np.cumsum(gains, axis=0)])
    reach = (np.concatenate([steps[:1], steps]) + np.concatenate([steps, steps[-1:]])) / 2
    allowed = (states >= 0) & (states <= users)
    log_chance = np.where(allowed, log_chance, -np.inf)
    weight = reach * np.exp(log_chance - np.max(log_chance, axis=0))
    chance = weight / np.sum(weight, axis=0) + unknown
    states = np.where(allowed, states, 0.0) + unknown
    for shared in (states, chance):
        shared.flags.writeable = False
    return states, chance


def _offsets(most_users: float) -> NDArray[np.float64]:
    """Distances from the mode: 0, 1, 2 … and then growing, on both sides."""
    end = _DEVIATIONS * np.sqrt(most_users) + _SINGLE_STATES
    n = int(np.ceil(np.log(end / _SINGLE_STATES) / np.log(_GROWTH)))
    wide = np.rint(_SINGLE_STATES * _GROWTH ** np.arange(1, n + 1))
    ahead = np.unique(np.concatenate([np.arange(_SINGLE_STATES + 1.0), wide]))
    # No state lies further out than there are users.
    ahead = ahead[: 1 + np.searchsorted(ahead, max(np.ceil(most_users), 1.0))]
    return np.concatenate([-ahead[:0:-1], ahead])

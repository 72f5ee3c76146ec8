"""From one replica to all of them, and back: places, requests and rates."""

import numpy as np

from llminfra.formulas._formula import Quantity, formula

# Requests that count as none, and still divide a load.
_TRACE = 1e-9


@formula
def in_flight_per_replica(*, in_flight: Quantity, n_replicas: Quantity) -> Quantity:
    """Requests on one replica when all of them run.

    Parameters
    ----------
    in_flight, n_replicas : array_like
        Requests at all replicas, and how many they are. [request, 1]

    Returns
    -------
    in_flight_per_replica : float or ndarray
        [request]

    Notes
    -----
    .. math:: n_r = n / r

    Examples
    --------
    >>> float(in_flight_per_replica(in_flight=100, n_replicas=4))
    25.0
    """
    return in_flight / n_replicas


@formula
def answered_requests_per_s(
    *,
    in_flight: Quantity,
    request_s: Quantity,
    n_replicas: Quantity,
) -> Quantity:
    r"""Requests per second that replicas answer with so many on each.

    Parameters
    ----------
    in_flight, request_s : array_like
        Requests that have a place on one replica, and time of each. [request, s]
    n_replicas : array_like
        Replicas. [1]

    Returns
    -------
    answered_requests_per_s : float or ndarray
        [1/s]

    Notes
    -----
    .. math:: \lambda = r \, n / S

    References
    ----------
    Little (1961), A proof for the queuing formula L = λW.

    Examples
    --------
    >>> float(answered_requests_per_s(in_flight=32, request_s=4, n_replicas=2))
    16.0
    """
    return in_flight / request_s * n_replicas


@formula
def carried_requests(
    *,
    in_flight: Quantity,
    think_time_s: Quantity,
    requests_per_s: Quantity,
) -> Quantity:
    r"""Users, or requests in flight, that keep a replica at a rate.

    Parameters
    ----------
    in_flight, requests_per_s : array_like
        Requests on the replica at that rate, and the rate. [request, 1/s]
    think_time_s : array_like
        Pause between an answer and the next request; 0 for requests in flight. [s]

    Returns
    -------
    carried_requests : float or ndarray
        [1]

    Notes
    -----
    .. math:: d = n + \lambda Z

    References
    ----------
    Denning and Buzen (1978), The operational analysis of queueing network models.

    Examples
    --------
    >>> float(carried_requests(in_flight=20, think_time_s=10, requests_per_s=5))
    70.0
    """
    return in_flight + think_time_s * requests_per_s


@formula
def places(*, batch_sequences: Quantity, max_sequences: Quantity) -> Quantity:
    r"""Requests that a replica answers at the same time.

    Parameters
    ----------
    batch_sequences : array_like
        Sequences that it decodes at once. [sequence]
    max_sequences : array_like
        Whole sequences that its memory holds. [sequence]

    Returns
    -------
    places : float or ndarray
        Zero where not a single sequence fits. [request]

    Notes
    -----
    .. math:: m = b \, [S \ge 1]

    Examples
    --------
    >>> places(batch_sequences=64, max_sequences=[40, 0])
    array([64.,  0.])
    """
    return np.where(max_sequences >= 1, batch_sequences, 0.0 * max_sequences)


@formula
def fleet_places(*, n_places: Quantity, n_replicas: Quantity) -> Quantity:
    r"""Places of all replicas.

    Parameters
    ----------
    n_places, n_replicas : array_like
        Places of one replica, and how many there are. [request, 1]

    Returns
    -------
    fleet_places : float or ndarray
        A trace where there are none, so that the queue for them comes out as endless. [request]

    Notes
    -----
    .. math:: M = \max(m \, r, \epsilon)

    Examples
    --------
    >>> float(fleet_places(n_places=64, n_replicas=2))
    128.0
    """
    return np.maximum(n_places * n_replicas, _TRACE)


@formula
def in_flight_where_it_fits(
    *,
    in_flight: Quantity,
    active_users: Quantity,
    n_places: Quantity,
) -> Quantity:
    r"""Requests of a known number of users; all of them wait where the model does not fit.

    Parameters
    ----------
    in_flight, active_users : array_like
        Requests as the places would have it, and users. [request, user]
    n_places : array_like
        Places of a replica. [request]

    Returns
    -------
    in_flight_where_it_fits : float or ndarray
        [request]

    Notes
    -----
    .. math:: n' = n \min(m, 1) + U (1 - \min(m, 1))

    Examples
    --------
    >>> in_flight_where_it_fits(in_flight=20, active_users=60, n_places=[64, 0])
    array([20., 60.])
    """
    has_place = np.minimum(n_places, 1.0)
    return in_flight * has_place + active_users * (1 - has_place)


@formula
def requests_per_s_where_it_fits(*, requests_per_s: Quantity, n_places: Quantity) -> Quantity:
    r"""Requests that users send; none is answered, so none follows, where the model does not fit.

    Parameters
    ----------
    requests_per_s, n_places : array_like
        As the places would have it, and places of a replica. [1/s, request]

    Returns
    -------
    requests_per_s_where_it_fits : float or ndarray
        [1/s]

    Notes
    -----
    .. math:: \lambda' = \lambda \min(m, 1)

    Examples
    --------
    >>> requests_per_s_where_it_fits(requests_per_s=5, n_places=[64, 0])
    array([5., 0.])
    """
    return requests_per_s * np.minimum(n_places, 1.0)


@formula
def queued_requests(
    *,
    in_flight: Quantity,
    served_requests: Quantity,
    n_replicas: Quantity,
) -> Quantity:
    r"""Requests without a place at all replicas.

    Parameters
    ----------
    in_flight, served_requests : array_like
        Requests on one replica, and how many of them have a place. [request]
    n_replicas : array_like
        Replicas. [1]

    Returns
    -------
    queued_requests : float or ndarray
        [request]

    Notes
    -----
    .. math:: Q = r \, (n - b)

    Examples
    --------
    >>> float(queued_requests(in_flight=100, served_requests=64, n_replicas=2))
    72.0
    """
    return (in_flight - served_requests) * n_replicas

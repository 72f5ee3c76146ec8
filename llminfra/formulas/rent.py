"""Rent of machines: by the hour, on spot, and of workers that sleep while nobody asks.

Nominal USD; the month has 730 hours.
"""

import numpy as np

from llminfra.formulas._formula import Quantity, formula
from llminfra.units import HOURS_PER_MONTH

_HOURS_PER_WEEK = 168
_LEAST_PER_S = 1e-12


@formula
def hourly_usd_per_hour(*, offer_usd: Quantity, offer_hours: Quantity) -> Quantity:
    r"""Return the price of an hour from that of a longer time.

    Parameters
    ----------
    offer_usd : array_like
        Price of the whole time. [USD]
    offer_hours : array_like
        Hours in it. [h]

    Returns
    -------
    hourly_usd_per_hour : float or ndarray
        Price of an hour. [USD/h]

    Notes
    -----
    .. math:: c = C / h

    Examples
    --------
    >>> round(float(hourly_usd_per_hour(offer_usd=1100, offer_hours=730)), 4)
    1.5068
    """
    return offer_usd / offer_hours


@formula
def rent_usd_per_month(
    *, usd_per_hour: Quantity, machines: Quantity, hours_on_per_week: Quantity
) -> Quantity:
    r"""Return a month's rent of machines that are paid by the hour.

    Parameters
    ----------
    usd_per_hour : array_like
        Price of one machine. [USD/h]
    machines : array_like
        Machines rented. [1]
    hours_on_per_week : array_like
        Hours of a week for which they are paid, at most 168. [h/week]

    Returns
    -------
    rent_usd_per_month : float or ndarray
        Rent a month of 730 hours. [USD/month]

    Notes
    -----
    .. math:: C = c\, n \cdot 730\,\frac{h}{168}

    Examples
    --------
    A p4d.24xlarge of AWS:

    >>> float(rent_usd_per_month(
    ...     usd_per_hour=21.957642, machines=1, hours_on_per_week=168).round(2))
    16029.08
    """
    return usd_per_hour * machines * HOURS_PER_MONTH * hours_on_per_week / _HOURS_PER_WEEK


@formula
def usd_per_month_of_fewer_hours(
    *, usd_per_month: Quantity, rent_usd_per_month: Quantity, hours_fraction: Quantity
) -> Quantity:
    r"""Return a month in which machines are rented for fewer hours.

    Parameters
    ----------
    usd_per_month, rent_usd_per_month : array_like
        The whole month, and the rent in it. [USD/month]
    hours_fraction : array_like
        Hours paid over those of that month. [1]

    Returns
    -------
    usd_per_month : float or ndarray
        [USD/month]

    Notes
    -----
    .. math:: C' = C - R\,(1 - h)

    Examples
    --------
    >>> float(usd_per_month_of_fewer_hours(
    ...     usd_per_month=20000, rent_usd_per_month=16000, hours_fraction=0.25))
    8000.0
    """
    return usd_per_month - rent_usd_per_month * (1 - hours_fraction)


@formula
def spot_usd_per_hour(*, usd_per_hour: Quantity, saving_fraction: Quantity) -> Quantity:
    r"""Return what an hour on spot comes to, the hours on demand after a reclaim included.

    Parameters
    ----------
    usd_per_hour : array_like
        Price on demand. [USD/h]
    saving_fraction : array_like
        Measured saving with fallback to on demand, not that of the list. [1]

    Returns
    -------
    spot_usd_per_hour : float or ndarray
        Effective price. [USD/h]

    Notes
    -----
    .. math:: c_{spot} = c\,(1 - s)

    References
    ----------
    SkyServe, arXiv 2411.01438: 43 % on average for serving.

    Examples
    --------
    >>> round(float(spot_usd_per_hour(usd_per_hour=22.32, saving_fraction=0.43)), 4)
    12.7224
    """
    return usd_per_hour * (1 - saving_fraction)


@formula
def stopped_fraction(
    *, requests_per_s: Quantity, request_s: Quantity, idle_timeout_s: Quantity
) -> Quantity:
    r"""Return the share of requests that find a serverless worker stopped.

    Parameters
    ----------
    requests_per_s : array_like
        Requests that reach the worker, arriving at random. [1/s]
    request_s, idle_timeout_s : array_like
        Time in flight, and time for which the worker waits for the next. [s]

    Returns
    -------
    stopped_fraction : float or ndarray
        Also the share of time in which nothing is paid, but for starts. [1]

    Notes
    -----
    Each request holds the worker until its answer is out and the wait after it is over; the worker
    stops when none does. Held like this it is a station with any number of places, which is empty
    with the probability

    .. math:: p_0 = e^{-\lambda (T + t_{idle})}

    Examples
    --------
    One request a minute of six seconds, and a minute's wait:

    >>> round(float(stopped_fraction(requests_per_s=1 / 60, request_s=6, idle_timeout_s=60)), 4)
    0.3329
    """
    return np.exp(-requests_per_s * (request_s + idle_timeout_s))


@formula
def paid_share_fraction(
    *, requests_per_s: Quantity, request_s: Quantity, idle_timeout_s: Quantity, start_s: Quantity
) -> Quantity:
    r"""Return the share of time in which a serverless worker is paid, its starts included.

    Parameters
    ----------
    requests_per_s : array_like
        Requests that reach the worker, arriving at random. [1/s]
    request_s, idle_timeout_s, start_s : array_like
        Time in flight, wait for the next request, and time of a start. [s]

    Returns
    -------
    paid_share_fraction : float or ndarray
        Never more than all the time. [1]

    Notes
    -----
    .. math:: p = \min\left(1,\; 1 - e^{-\lambda (T + t_{idle})}
              + \lambda\, e^{-\lambda (T + t_{idle})}\, t_{start}\right)

    A request that finds the worker stopped starts it.

    Examples
    --------
    One request a minute of six seconds, a minute's wait and three minutes to start:

    >>> round(float(paid_share_fraction(
    ...     requests_per_s=1 / 60, request_s=6, idle_timeout_s=60, start_s=180)), 4)
    1.0
    >>> round(float(paid_share_fraction(
    ...     requests_per_s=1 / 600, request_s=6, idle_timeout_s=60, start_s=180)), 4)
    0.3729
    """
    stopped = np.exp(-requests_per_s * (request_s + idle_timeout_s))
    return np.minimum(1 - stopped + requests_per_s * stopped * start_s, 1.0)


@formula
def serverless_usd_per_month(
    *, usd_per_hour: Quantity, workers: Quantity, hours_per_month: Quantity, paid_fraction: Quantity
) -> Quantity:
    r"""Return a month's bill of serverless workers: busy and waiting time, and their starts.

    Parameters
    ----------
    usd_per_hour : array_like
        Price of a running worker. [USD/h]
    workers : array_like
        Workers among which the requests spread. [1]
    hours_per_month : array_like
        Hours of the month with load. [h/month]
    paid_fraction : array_like
        Share of these in which a worker is paid, by `paid_share_fraction`. [1]

    Returns
    -------
    serverless_usd_per_month : float or ndarray
        Bill. [USD/month]

    Notes
    -----
    .. math:: C = c\,n\,h\,p

    Examples
    --------
    >>> float(serverless_usd_per_month(
    ...     usd_per_hour=10, workers=1, hours_per_month=100, paid_fraction=0.3).round(2))
    300.0
    """
    return usd_per_hour * workers * hours_per_month * paid_fraction


@formula
def loaded_hours_per_month(*, load_fraction: Quantity) -> Quantity:
    r"""Return the hours of a month that have a load.

    Parameters
    ----------
    load_fraction : array_like
        Share of all hours. [1]

    Returns
    -------
    loaded_hours_per_month : float or ndarray
        [h/month]

    Notes
    -----
    .. math:: h = 730\,\eta

    Examples
    --------
    >>> float(loaded_hours_per_month(load_fraction=0.5))
    365.0
    """
    return load_fraction * HOURS_PER_MONTH


@formula
def worker_requests_per_s(
    *, mean_requests_per_s: Quantity, load_fraction: Quantity, workers: Quantity
) -> Quantity:
    r"""Return what reaches one of several workers in the hours with a load.

    Parameters
    ----------
    mean_requests_per_s : array_like
        Mean over all hours. [1/s]
    load_fraction : array_like
        Share of the hours with a load. [1]
    workers : array_like
        Workers among which the requests spread. [1]

    Returns
    -------
    worker_requests_per_s : float or ndarray
        [1/s]

    Notes
    -----
    .. math:: \lambda = \frac{\bar\lambda}{\eta\,n}

    Examples
    --------
    >>> float(worker_requests_per_s(mean_requests_per_s=1, load_fraction=0.25, workers=2))
    2.0
    """
    return mean_requests_per_s / load_fraction / workers


@formula
def held_request_s(*, in_flight: Quantity, requests_per_s: Quantity) -> Quantity:
    r"""Return how long a request is in flight, from their number.

    Parameters
    ----------
    in_flight : array_like
        Requests in flight. [request]
    requests_per_s : array_like
        Requests that come. [1/s]

    Returns
    -------
    held_request_s : float or ndarray
        None at all where none come. [s]

    Notes
    -----
    .. math:: T = L / \lambda

    References
    ----------
    Little's law.

    Examples
    --------
    >>> float(held_request_s(in_flight=12, requests_per_s=2))
    6.0
    >>> float(held_request_s(in_flight=0, requests_per_s=0))
    0.0
    """
    return in_flight / np.maximum(requests_per_s, _LEAST_PER_S)


@formula
def paid_hours_per_week(*, paid_fraction: Quantity, load_fraction: Quantity) -> Quantity:
    r"""Return the hours of a week for which a worker is paid that sleeps in between.

    Parameters
    ----------
    paid_fraction, load_fraction : array_like
        Share of the hours with a load in which it is paid, and of these in all hours. [1]

    Returns
    -------
    paid_hours_per_week : float or ndarray
        [h/week]

    Notes
    -----
    .. math:: h = 168\,p\,\eta

    Examples
    --------
    >>> float(paid_hours_per_week(paid_fraction=0.5, load_fraction=0.25))
    21.0
    """
    return paid_fraction * load_fraction * _HOURS_PER_WEEK


@formula
def hours_paid_per_week(*, hours_on_per_week: Quantity, load_fraction: Quantity) -> Quantity:
    r"""Return the hours for which machines are paid that can be switched off.

    Parameters
    ----------
    hours_on_per_week : array_like
        Hours of a week that they are on. [h/week]
    load_fraction : array_like
        Share of all hours with a load, which they cannot miss. [1]

    Returns
    -------
    hours_paid_per_week : float or ndarray
        [h/week]

    Notes
    -----
    .. math:: h_p = \max(h, 168\,\eta)

    Examples
    --------
    >>> float(hours_paid_per_week(hours_on_per_week=30, load_fraction=0.25))
    42.0
    """
    return np.maximum(hours_on_per_week, load_fraction * _HOURS_PER_WEEK)

"""A month of servers: hours that are loaded, busy and on, and answers in them."""

import numpy as np

from llminfra.formulas._formula import Quantity, formula
from llminfra.units import HOURS_PER_MONTH, SECONDS_PER_HOUR

# A replica that is never busy still divides the load.
_TINY = 1e-12


@formula
def loaded_requests_per_s(
    *,
    requests_per_s: Quantity,
    mean_fraction: Quantity,
    load_fraction: Quantity,
    load_ratio: Quantity,
) -> Quantity:
    r"""Mean rate of the hours that have a load.

    Parameters
    ----------
    requests_per_s : array_like
        Rate at the peak. [1/s]
    mean_fraction : array_like
        Mean over all hours, of the peak. [1]
    load_fraction : array_like
        Share of the hours that have a load. [1]
    load_ratio : array_like
        The load against the present one. [1]

    Returns
    -------
    loaded_requests_per_s : float or ndarray
        [1/s]

    Notes
    -----
    .. math:: \lambda_l = \lambda \frac{m}{h} x

    Examples
    --------
    >>> round(float(loaded_requests_per_s(requests_per_s=6.0, mean_fraction=0.08,
    ...     load_fraction=0.24, load_ratio=1)), 6)
    2.0
    """
    return requests_per_s * mean_fraction / load_fraction * load_ratio


@formula
def held_busy_fraction(*, in_flight: Quantity) -> Quantity:
    r"""Share of the time in which a replica works where so many requests are always in flight.

    Parameters
    ----------
    in_flight : array_like
        Requests that are always in flight. [request]

    Returns
    -------
    held_busy_fraction : float or ndarray
        [1]

    Notes
    -----
    .. math:: b = \min(N, 1)

    Examples
    --------
    >>> float(held_busy_fraction(in_flight=100.0))
    1.0
    """
    return np.minimum(in_flight, 1.0)


@formula
def on_hours(
    *, weekly_hours: Quantity, week_hours: Quantity, load_fraction: Quantity, month_hours: Quantity
) -> Quantity:
    r"""Hours a month that servers are on.

    Parameters
    ----------
    weekly_hours, week_hours : array_like
        Hours a week that servers are on, and all hours of a week. [h]
    load_fraction : array_like
        Share of the hours that have a load, in which they must be on. [1]
    month_hours : array_like
        All hours of a month. [h]

    Returns
    -------
    on_hours : float or ndarray
        [h]

    Notes
    -----
    .. math:: T = T_{30} \max\left(\frac{w}{168}, h\right)

    Examples
    --------
    >>> float(on_hours(weekly_hours=84, week_hours=168, load_fraction=0.25, month_hours=730))
    365.0
    """
    return np.maximum(weekly_hours / week_hours, load_fraction) * month_hours


@formula
def busy_hours(
    *, busy_fraction: Quantity, load_fraction: Quantity, month_hours: Quantity
) -> Quantity:
    r"""Hours a month in which a replica has a request in flight.

    Parameters
    ----------
    busy_fraction : array_like
        Share of the loaded time with a request in flight. [1]
    load_fraction : array_like
        Share of the hours that have a load. [1]
    month_hours : array_like
        All hours of a month. [h]

    Returns
    -------
    busy_hours : float or ndarray
        [h]

    Notes
    -----
    .. math:: T_b = T_{30} \, b \, h

    Examples
    --------
    >>> float(busy_hours(busy_fraction=0.5, load_fraction=0.5, month_hours=730))
    182.5
    """
    return busy_fraction * load_fraction * month_hours


@formula
def busy_on_fraction(*, busy_hours: Quantity, on_hours: Quantity) -> Quantity:
    r"""Share of the hours on in which a replica has a request in flight.

    Parameters
    ----------
    busy_hours, on_hours : array_like
        Hours a month busy, and on. [h]

    Returns
    -------
    busy_on_fraction : float or ndarray
        [1]

    Notes
    -----
    .. math:: b_o = T_b / T

    Examples
    --------
    >>> float(busy_on_fraction(busy_hours=73, on_hours=730))
    0.1
    """
    return busy_hours / on_hours


@formula
def served_requests_per_month(*, requests_per_s: Quantity, load_fraction: Quantity) -> Quantity:
    r"""Answers in a month of 730 hours.

    Parameters
    ----------
    requests_per_s : array_like
        Mean rate of the hours that have a load. [1/s]
    load_fraction : array_like
        Share of the hours that have a load. [1]

    Returns
    -------
    served_requests_per_month : float or ndarray
        [1/month]

    Notes
    -----
    .. math:: n = \lambda_l \, h \cdot 730 \cdot 3600

    Examples
    --------
    >>> round(float(served_requests_per_month(requests_per_s=8.4, load_fraction=1)) / 1e6, 1)
    22.1
    """
    return requests_per_s * load_fraction * (HOURS_PER_MONTH * SECONDS_PER_HOUR)


@formula
def busy_in_flight(*, in_flight: Quantity, busy_fraction: Quantity) -> Quantity:
    r"""Requests in flight while there is one.

    Parameters
    ----------
    in_flight : array_like
        Requests in flight, mean of the loaded time. [request]
    busy_fraction : array_like
        Share of that time with at least one. [1]

    Returns
    -------
    busy_in_flight : float or ndarray
        [request]

    Notes
    -----
    .. math:: N_b = N / b

    Examples
    --------
    >>> float(busy_in_flight(in_flight=0.1, busy_fraction=0.1))
    1.0
    """
    return in_flight / np.maximum(busy_fraction, _TINY)


@formula
def busy_tokens_per_s(
    *,
    requests_per_s: Quantity,
    output_tokens: Quantity,
    n_replicas: Quantity,
    busy_fraction: Quantity,
) -> Quantity:
    r"""Output rate of a replica while it works.

    Parameters
    ----------
    requests_per_s : array_like
        Mean rate of the hours that have a load. [1/s]
    output_tokens : array_like
        Length of an answer. [token]
    n_replicas : array_like
        Replicas that share it. [1]
    busy_fraction : array_like
        Share of those hours with a request in flight. [1]

    Returns
    -------
    busy_tokens_per_s : float or ndarray
        [token/s]

    Notes
    -----
    .. math:: r = \frac{\lambda_l \, o}{R \, b}

    Examples
    --------
    >>> float(busy_tokens_per_s(requests_per_s=2, output_tokens=300, n_replicas=3,
    ...     busy_fraction=0.5))
    400.0
    """
    return requests_per_s * output_tokens / (n_replicas * np.maximum(busy_fraction, _TINY))

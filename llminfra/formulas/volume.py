"""How much is asked and answered in a month, and how much could be."""

import numpy as np

from llminfra.formulas._formula import Quantity, formula
from llminfra.units import HOURS_PER_MONTH, SECONDS_PER_HOUR

_HOURS_PER_WEEK = 168


@formula
def requests_per_month(*, mean_requests_per_s: Quantity) -> Quantity:
    r"""Return the answers of a month of 730 hours.

    Parameters
    ----------
    mean_requests_per_s : array_like
        Mean of the requests over all hours. [1/s]

    Returns
    -------
    requests_per_month : float or ndarray
        Answers. [1/month]

    Notes
    -----
    .. math:: R = 730 \cdot 3600\,\bar\lambda

    Examples
    --------
    >>> float(requests_per_month(mean_requests_per_s=6.4))
    16819200.0
    """
    return mean_requests_per_s * (HOURS_PER_MONTH * SECONDS_PER_HOUR)


@formula
def tokens_per_month(*, requests_per_month: Quantity, tokens_per_request: Quantity) -> Quantity:
    r"""Return the tokens of a month.

    Parameters
    ----------
    requests_per_month : array_like
        Answers. [1/month]
    tokens_per_request : array_like
        Tokens of each: of prompts, of answers or of both. [token]

    Returns
    -------
    tokens_per_month : float or ndarray
        Tokens. [token/month]

    Notes
    -----
    .. math:: N = R\,T

    Examples
    --------
    >>> float(tokens_per_month(requests_per_month=1e6, tokens_per_request=700))
    700000000.0
    """
    return requests_per_month * tokens_per_request


@formula
def full_load_ratio(
    *, max_requests_per_s: Quantity, mean_requests_per_s: Quantity, hours_on_per_week: Quantity
) -> Quantity:
    r"""Return what all replicas could answer in the hours they are on, over what they do.

    Parameters
    ----------
    max_requests_per_s, mean_requests_per_s : array_like
        What they answer when they are full, and the mean over all hours. [1/s]
    hours_on_per_week : array_like
        Hours of a week that they are on. [h/week]

    Returns
    -------
    full_load_ratio : float or ndarray
        [1]

    Notes
    -----
    .. math:: \rho = \frac{\lambda_{max}}{\bar\lambda}\,\frac{h}{168}

    Examples
    --------
    >>> float(full_load_ratio(max_requests_per_s=8, mean_requests_per_s=2, hours_on_per_week=84))
    2.0
    """
    return max_requests_per_s / mean_requests_per_s * hours_on_per_week / _HOURS_PER_WEEK


@formula
def max_tokens_per_month(*, tokens_per_month: Quantity, load_ratio: Quantity) -> Quantity:
    r"""Return the tokens of a month at another load.

    Parameters
    ----------
    tokens_per_month : array_like
        Tokens of a month. [token/month]
    load_ratio : array_like
        The other load over this. [1]

    Returns
    -------
    max_tokens_per_month : float or ndarray
        [token/month]

    Notes
    -----
    .. math:: N_{max} = \rho\,N

    Examples
    --------
    >>> float(max_tokens_per_month(tokens_per_month=10e9, load_ratio=1.5))
    15000000000.0
    """
    return tokens_per_month * load_ratio


@formula
def decode_s(*, step_s: Quantity, output_tokens: Quantity, in_flight: Quantity) -> Quantity:
    r"""Return the time of the accelerators for one answer, of steps that it shares with others.

    Parameters
    ----------
    step_s : array_like
        One step, a token for each request. [s]
    output_tokens : array_like
        Tokens of the answer. [token]
    in_flight : array_like
        Requests that share the step; one at least. [request]

    Returns
    -------
    decode_s : float or ndarray
        [s]

    Notes
    -----
    .. math:: t = \frac{s\,o}{\max(b, 1)}

    Examples
    --------
    >>> float(decode_s(step_s=0.04, output_tokens=300, in_flight=100).round(2))
    0.12
    """
    return step_s * output_tokens / np.maximum(in_flight, 1.0)


@formula
def used_fraction(*, load_ratio: Quantity) -> Quantity:
    r"""Return the share of a capacity that is used.

    Parameters
    ----------
    load_ratio : array_like
        What could be done over what is done. [1]

    Returns
    -------
    used_fraction : float or ndarray
        [1]

    Notes
    -----
    .. math:: u = 1 / \rho

    Examples
    --------
    >>> float(used_fraction(load_ratio=4))
    0.25
    """
    return 1 / load_ratio


@formula
def utilized_ratio(*, load_ratio: Quantity, utilization_fraction: Quantity) -> Quantity:
    r"""Return the load at which so much of the capacity is used.

    Parameters
    ----------
    load_ratio : array_like
        Load that fills the capacity, over that of the first month. [1]
    utilization_fraction : array_like
        Share of it that is used. [1]

    Returns
    -------
    utilized_ratio : float or ndarray
        Load over that of the first month. [1]

    Notes
    -----
    .. math:: x' = x\,u

    Examples
    --------
    >>> float(utilized_ratio(load_ratio=2.5, utilization_fraction=0.4))
    1.0
    """
    return load_ratio * utilization_fraction


@formula
def worked_hours_per_month(
    *,
    load_fraction: Quantity,
    load_ratio: Quantity,
    full_load_ratio: Quantity,
    fleet_ratio: Quantity,
    hours_on_per_week: Quantity,
) -> Quantity:
    r"""Return the hours of a month in which workers have something to do at another load.

    Parameters
    ----------
    load_fraction : array_like
        Share of all hours with a load, today. [1]
    load_ratio, full_load_ratio : array_like
        That load over today's, and the most of it that today's workers can do. [1]
    fleet_ratio : array_like
        Workers over today's. [1]
    hours_on_per_week : array_like
        Hours of a week in which they could. [h/week]

    Returns
    -------
    worked_hours_per_month : float or ndarray
        Those of today, and more where these do not do for the load. [h/month]

    Notes
    -----
    .. math:: h = 730\,\max\left(\eta,\; \min\left(\frac{\rho}{\rho_{max} f},
              1\right)\frac{h_{on}}{168}\right)

    Examples
    --------
    >>> worked_hours_per_month(load_fraction=0.25, load_ratio=[1, 5, 10], full_load_ratio=10,
    ...     fleet_ratio=1, hours_on_per_week=168).tolist()
    [182.5, 365.0, 730.0]
    """
    used = load_ratio / full_load_ratio / fleet_ratio
    on = np.minimum(used, 1.0) * hours_on_per_week / _HOURS_PER_WEEK
    return np.maximum(load_fraction, on) * HOURS_PER_MONTH

"""Demand: users, requests per second and requests in flight are views of one thing."""

from llminfra.formulas._formula import Quantity, formula
from llminfra.units import SECONDS_PER_HOUR

_HOURS_PER_WEEK = 168


@formula
def request_tokens(*, prompt_tokens: Quantity, output_tokens: Quantity) -> Quantity:
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

    Examples
    --------
    >>> int(request_tokens(prompt_tokens=400, output_tokens=300))
    700
    """
    return prompt_tokens + output_tokens


@formula
def peak_requests_per_s(
    *,
    named_users: Quantity,
    requests_per_user_day: Quantity,
    work_hours: Quantity,
    peak_factor: Quantity,
) -> Quantity:
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

    Examples
    --------
    One hundred office users, twenty questions a day, are 0.07 requests per second on average:

    >>> rate = peak_requests_per_s(
    ...     named_users=100, requests_per_user_day=20, work_hours=8, peak_factor=1)
    >>> round(float(rate), 3)
    0.069
    """
    requests_per_day = named_users * requests_per_user_day
    return requests_per_day * peak_factor / (work_hours * SECONDS_PER_HOUR)


@formula
def office_hours_per_week(*, work_hours: Quantity, work_days_per_week: Quantity) -> Quantity:
    r"""Hours of a week in which an office works.

    Parameters
    ----------
    work_hours : array_like
        Hours of a working day. [h]
    work_days_per_week : array_like
        Working days. [day/week]

    Returns
    -------
    office_hours_per_week : float or ndarray
        [h/week]

    Notes
    -----
    .. math:: h = w d

    Examples
    --------
    >>> float(office_hours_per_week(work_hours=8, work_days_per_week=5))
    40.0
    """
    return work_hours * work_days_per_week


@formula
def load_fraction(*, load_hours_per_week: Quantity) -> Quantity:
    r"""Share of all hours that have a load.

    Parameters
    ----------
    load_hours_per_week : array_like
        Hours of a week with a load. [h/week]

    Returns
    -------
    load_fraction : float or ndarray
        [1]

    Notes
    -----
    .. math:: \eta = h / 168

    Examples
    --------
    >>> round(float(load_fraction(load_hours_per_week=40)), 3)
    0.238
    """
    return load_hours_per_week / _HOURS_PER_WEEK


@formula
def mean_fraction(*, load_fraction: Quantity, peak_factor: Quantity) -> Quantity:
    r"""Mean load over days and nights, of the busiest minutes.

    Parameters
    ----------
    load_fraction, peak_factor : array_like
        Share of all hours with a load, and busiest minutes against the mean of these. [1, 1]

    Returns
    -------
    mean_fraction : float or ndarray
        [1]

    Notes
    -----
    .. math:: \mu = \eta / p

    Examples
    --------
    >>> float(mean_fraction(load_fraction=0.25, peak_factor=2))
    0.125
    """
    return load_fraction / peak_factor


@formula
def mean_requests_per_s(*, requests_per_s: Quantity, mean_fraction: Quantity) -> Quantity:
    r"""Arrivals over days and nights.

    Parameters
    ----------
    requests_per_s, mean_fraction : array_like
        Arrivals at the peak, and the mean of them. [1/s, 1]

    Returns
    -------
    mean_requests_per_s : float or ndarray
        [1/s]

    Notes
    -----
    .. math:: \bar\lambda = \lambda \mu

    Examples
    --------
    >>> float(mean_requests_per_s(requests_per_s=4, mean_fraction=0.25))
    1.0
    """
    return requests_per_s * mean_fraction


@formula
def scaled_requests_per_s(*, requests_per_s: Quantity, load_ratio: Quantity) -> Quantity:
    r"""Arrivals under another load.

    Parameters
    ----------
    requests_per_s : array_like
        Arrivals. [1/s]
    load_ratio : array_like
        The other load over this. [1]

    Returns
    -------
    scaled_requests_per_s : float or ndarray
        [1/s]

    Notes
    -----
    .. math:: \lambda' = \rho \lambda

    Examples
    --------
    >>> float(scaled_requests_per_s(requests_per_s=4, load_ratio=0.5))
    2.0
    """
    return requests_per_s * load_ratio

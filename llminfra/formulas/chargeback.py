"""Who pays what of a bill: shares to the cent that sum to the bill."""

import numpy as np

from llminfra.formulas._formula import Quantity, formula

_CENTS = 100
_HOURS_PER_WEEK = 168


@formula
def busy_share_fraction(
    *, mean_requests_per_s: Quantity, max_requests_per_s: Quantity, paid_hours_per_week: Quantity
) -> Quantity:
    r"""Return the share of a month's capacity that is used; the rest stands idle.

    Parameters
    ----------
    mean_requests_per_s : array_like
        Mean rate over all hours. [request/s]
    max_requests_per_s : array_like
        What all replicas can answer within the targets. [request/s]
    paid_hours_per_week : array_like
        Hours of a week that are paid. [h/week]

    Returns
    -------
    busy_share_fraction : float or ndarray
        Used over paid capacity, one at most. [1]

    Notes
    -----
    .. math:: u = \min\left(\frac{\bar\lambda}{\lambda_{max}\, h / 168},\ 1\right)

    Examples
    --------
    >>> float(busy_share_fraction(
    ...     mean_requests_per_s=2, max_requests_per_s=10, paid_hours_per_week=84))
    0.4
    """
    paid = paid_hours_per_week / _HOURS_PER_WEEK
    return np.minimum(mean_requests_per_s / (max_requests_per_s * paid), 1.0)


@formula
def used_usd(*, bill_usd: Quantity, busy_fraction: Quantity) -> Quantity:
    r"""Return the part of a bill that the load uses.

    Parameters
    ----------
    bill_usd : array_like
        All of it. [USD]
    busy_fraction : array_like
        Share of the capacity that is used. [1]

    Returns
    -------
    used_usd : float or ndarray
        What is paid for what is used; the rest is paid for what stands idle. [USD]

    Notes
    -----
    .. math:: C = B\, u

    Examples
    --------
    >>> float(used_usd(bill_usd=1000, busy_fraction=0.4))
    400.0
    """
    return bill_usd * busy_fraction


@formula
def team_usd(
    *, bill_usd: Quantity, before_fraction: Quantity, share_fraction: Quantity
) -> Quantity:
    r"""Return the part of a bill that a share of the load pays, to the cent.

    Parameters
    ----------
    bill_usd : array_like
        What is shared out. [USD]
    before_fraction : array_like
        Shares of all who stand before in the list, together. [1]
    share_fraction : array_like
        Share of this one. [1]

    Returns
    -------
    team_usd : float or ndarray
        Amount, within a cent of the exact one. [USD]

    Notes
    -----
    Sums up to each place in the list are rounded, not the parts, so that the parts sum to the
    rounded bill whatever the shares are:

    .. math:: c_i = \left[B \sum_{j \le i} s_j\right] - \left[B \sum_{j < i} s_j\right]

    Examples
    --------
    Three times a third of 100 USD:

    >>> [round(float(team_usd(bill_usd=100, before_fraction=i / 3, share_fraction=1 / 3)), 2)
    ...     for i in range(3)]
    [33.33, 33.34, 33.33]
    """
    upto = np.floor(bill_usd * (before_fraction + share_fraction) * _CENTS + 0.5)
    before = np.floor(bill_usd * before_fraction * _CENTS + 0.5)
    return (upto - before) / _CENTS


@formula
def upto_fraction(*, before_fraction: Quantity, share_fraction: Quantity) -> Quantity:
    r"""Return the shares of a list up to one place, together.

    Parameters
    ----------
    before_fraction, share_fraction : array_like
        Shares of all before, and of this one. [1]

    Returns
    -------
    upto_fraction : float or ndarray
        [1]

    Notes
    -----
    .. math:: S_i = S_{i-1} + s_i

    Examples
    --------
    >>> float(upto_fraction(before_fraction=0.5, share_fraction=0.25))
    0.75
    """
    return before_fraction + share_fraction


@formula
def idle_usd(*, bill_usd: Quantity, used_usd: Quantity) -> Quantity:
    r"""Return what stands idle of a bill, to the cent, so that both parts sum to the bill.

    Parameters
    ----------
    bill_usd, used_usd : array_like
        All of it, and what the load uses. [USD]

    Returns
    -------
    idle_usd : float or ndarray
        [USD]

    Notes
    -----
    .. math:: C = [B] - [B\, u]

    Examples
    --------
    >>> float(idle_usd(bill_usd=100.006, used_usd=33.333))
    66.68
    """
    whole = np.floor(bill_usd * _CENTS + 0.5)
    used = np.floor(used_usd * _CENTS + 0.5)
    return (whole - used) / _CENTS

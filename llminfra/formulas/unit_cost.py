"""What an hour, a token and an answer cost."""

import numpy as np

from llminfra.formulas._formula import Quantity, formula
from llminfra.units import HOURS_PER_MONTH

_TOKENS_PER_MTOK = 1e6
_HOURS_PER_WEEK = 168


@formula
def usd_per_accelerator_hour(
    *, usd_per_month: Quantity, accelerators: Quantity, hours_on_per_week: Quantity
) -> Quantity:
    r"""Return what an accelerator costs for each hour that is paid, all in.

    Parameters
    ----------
    usd_per_month : array_like
        All-in cost of a month. [USD/month]
    accelerators : array_like
        Accelerators paid for, spares and those of unfilled servers among them. [accelerator]
    hours_on_per_week : array_like
        Hours of a week that are paid. [h/week]

    Returns
    -------
    usd_per_accelerator_hour : float or ndarray
        Cost of one accelerator for an hour. [USD/h]

    Notes
    -----
    .. math:: c = \frac{C}{n \cdot 730\, h / 168}

    Examples
    --------
    >>> float(usd_per_accelerator_hour(
    ...     usd_per_month=16425, accelerators=8, hours_on_per_week=168))
    2.8125
    """
    hours = HOURS_PER_MONTH * hours_on_per_week / _HOURS_PER_WEEK
    return usd_per_month / (accelerators * hours)


@formula
def usd_per_useful_accelerator_hour(
    *,
    usd_per_accelerator_hour: Quantity,
    mean_requests_per_s: Quantity,
    max_requests_per_s: Quantity,
    hours_on_per_week: Quantity,
) -> Quantity:
    r"""Return what an hour of useful work costs: the paid hour over the share that works.

    Parameters
    ----------
    usd_per_accelerator_hour : array_like
        Cost of a paid hour. [USD/h]
    mean_requests_per_s : array_like
        Mean load over all hours. [1/s]
    max_requests_per_s : array_like
        What all replicas carry. [1/s]
    hours_on_per_week : array_like
        Hours of a week that are paid. [h/week]

    Returns
    -------
    usd_per_useful_accelerator_hour : float or ndarray
        Cost of a useful hour; never below that of a paid one. [USD/h]

    Notes
    -----
    .. math:: c_u = \frac{c}{u}, \quad
              u = \min\left(1, \frac{168\,\bar\lambda}{h\,\lambda_{max}}\right)

    Examples
    --------
    >>> float(usd_per_useful_accelerator_hour(
    ...     usd_per_accelerator_hour=2.83, mean_requests_per_s=4, max_requests_per_s=8,
    ...     hours_on_per_week=168))
    5.66
    """
    load = mean_requests_per_s * _HOURS_PER_WEEK / hours_on_per_week
    return usd_per_accelerator_hour / np.minimum(load / max_requests_per_s, 1.0)


@formula
def usd_per_mtok(*, usd: Quantity, n_tokens: Quantity) -> Quantity:
    r"""Return what a million tokens cost.

    Parameters
    ----------
    usd : array_like
        Money spent. [USD]
    n_tokens : array_like
        Tokens it was spent on: output tokens, or those of prompts and answers together. [token]

    Returns
    -------
    usd_per_mtok : float or ndarray
        Cost of a million; infinite without tokens. [USD/Mtoken]

    Notes
    -----
    .. math:: c_M = 10^6\,\frac{C}{N}

    Examples
    --------
    One H100 at 2.69 USD/h that puts out 4,129 tokens a second:

    >>> round(float(usd_per_mtok(usd=2.69, n_tokens=4129.027 * 3600)), 6)
    0.180968
    """
    return usd / n_tokens * _TOKENS_PER_MTOK


@formula
def usd_per_mtok_at_utilization(
    *, usd_per_month: Quantity, max_tokens_per_month: Quantity, utilization_fraction: Quantity
) -> Quantity:
    r"""Return what a million tokens cost when a fleet that is paid in full works in part.

    Parameters
    ----------
    usd_per_month : array_like
        All-in cost of a month. [USD/month]
    max_tokens_per_month : array_like
        Tokens of a month at full capacity. [token/month]
    utilization_fraction : array_like
        Share of the capacity that is used. [1]

    Returns
    -------
    usd_per_mtok_at_utilization : float or ndarray
        Cost of a million tokens; on the usage basis at a share of 1. [USD/Mtoken]

    Notes
    -----
    .. math:: c_M(u) = 10^6\,\frac{C}{u\,N_{max}}

    Examples
    --------
    >>> float(usd_per_mtok_at_utilization(
    ...     usd_per_month=15000, max_tokens_per_month=30e9, utilization_fraction=0.5))
    1.0
    """
    tokens = max_tokens_per_month * utilization_fraction
    return usd_per_mtok(usd=usd_per_month, n_tokens=tokens)


@formula
def input_usd_fraction(*, prefill_s: Quantity, decode_s: Quantity) -> Quantity:
    r"""Return the share of the cost that prompts cause, by the time they take.

    Parameters
    ----------
    prefill_s : array_like
        Time of the accelerators for the prompt of a request. [s]
    decode_s : array_like
        Their time for its answer. [s]

    Returns
    -------
    input_usd_fraction : float or ndarray
        Share between 0 and 1; the rest is the answers'. [1]

    Notes
    -----
    .. math:: f = \frac{t_{prefill}}{t_{prefill} + t_{decode}}

    Examples
    --------
    >>> float(input_usd_fraction(prefill_s=0.1, decode_s=0.3).round(2))
    0.25
    """
    return prefill_s / (prefill_s + decode_s)


@formula
def part_usd_per_month(*, usd_per_month: Quantity, part_fraction: Quantity) -> Quantity:
    r"""Return a share of a month.

    Parameters
    ----------
    usd_per_month : array_like
        The month. [USD/month]
    part_fraction : array_like
        Share of it. [1]

    Returns
    -------
    part_usd_per_month : float or ndarray
        [USD/month]

    Notes
    -----
    .. math:: C_i = f\,C

    Examples
    --------
    >>> float(part_usd_per_month(usd_per_month=1000, part_fraction=0.25))
    250.0
    """
    return usd_per_month * part_fraction


@formula
def usd_per_request(*, usd_per_month: Quantity, requests_per_month: Quantity) -> Quantity:
    r"""Return what one answer costs.

    Parameters
    ----------
    usd_per_month : array_like
        The month. [USD/month]
    requests_per_month : array_like
        Its answers. [1/month]

    Returns
    -------
    usd_per_request : float or ndarray
        [USD]

    Notes
    -----
    .. math:: c = C / R

    Examples
    --------
    >>> float(usd_per_request(usd_per_month=10_000, requests_per_month=1e6))
    0.01
    """
    return usd_per_month / requests_per_month


@formula
def usd_per_user_month(*, usd_per_month: Quantity, n_users: Quantity) -> Quantity:
    r"""Return what a month costs for each user.

    Parameters
    ----------
    usd_per_month : array_like
        The month. [USD/month]
    n_users : array_like
        Users. [1]

    Returns
    -------
    usd_per_user_month : float or ndarray
        [USD/month]

    Notes
    -----
    .. math:: c = C / n

    Examples
    --------
    >>> float(usd_per_user_month(usd_per_month=15_000, n_users=100))
    150.0
    """
    return usd_per_month / n_users


@formula
def marginal_usd_per_mtok(
    *, full_usd_per_month: Quantity, idle_usd_per_month: Quantity, max_tokens_per_month: Quantity
) -> Quantity:
    r"""Return what a million tokens more add while the machines stand.

    Parameters
    ----------
    full_usd_per_month, idle_usd_per_month : array_like
        Bills of a month at full load and at none. [USD/month]
    max_tokens_per_month : array_like
        Tokens at full load. [token/month]

    Returns
    -------
    marginal_usd_per_mtok : float or ndarray
        [USD/Mtoken]

    Notes
    -----
    .. math:: c_v = 10^6\,\frac{C(1) - C(0)}{N_{max}}

    Examples
    --------
    >>> float(marginal_usd_per_mtok(
    ...     full_usd_per_month=2000, idle_usd_per_month=1000, max_tokens_per_month=10e9).round(3))
    0.1
    """
    return (full_usd_per_month - idle_usd_per_month) / max_tokens_per_month * _TOKENS_PER_MTOK


@formula
def output_usd_fraction(*, input_fraction: Quantity) -> Quantity:
    r"""Return the share of the cost that answers cause.

    Parameters
    ----------
    input_fraction : array_like
        Share that prompts cause. [1]

    Returns
    -------
    output_usd_fraction : float or ndarray
        [1]

    Notes
    -----
    .. math:: 1 - f

    Examples
    --------
    >>> float(output_usd_fraction(input_fraction=0.25))
    0.75
    """
    return 1 - input_fraction

"""Part oneself, part by API: what each mixture costs and when it wins."""

import numpy as np

from llminfra.formulas._formula import Quantity, formula

_TINY = 1e-300


@formula
def overflow_fraction(*, capacity_ratio: Quantity, peak_ratio: Quantity) -> Quantity:
    r"""Share of a load that own machines cannot carry when they are sized below its peak.

    Parameters
    ----------
    capacity_ratio : array_like
        What the machines carry over the mean load. [1]
    peak_ratio : array_like
        Peak over mean load, at least 1. [1]

    Returns
    -------
    overflow_fraction : float or ndarray
        Zero from the peak on. [1]

    Notes
    -----
    .. math:: w = \left(1 - z^{f}\right) - \frac{c}{\bar L} \left(1 - z\right), \quad
              z = \left(\frac{c}{f \bar L}\right)^{1/(f - 1)}

    The load, sorted from its busiest hour down, falls as a power of time that ends at nothing and
    has the stated peak and mean; a constant load for a peak ratio of 1. An assumption: hourly
    figures of one's own are better.

    Examples
    --------
    Machines for the mean of a load with twice that peak carry three quarters of it:

    >>> float(overflow_fraction(capacity_ratio=1, peak_ratio=2))
    0.25
    """
    spread = np.maximum(peak_ratio - 1, _TINY)
    share = np.clip(capacity_ratio / peak_ratio, 0, 1)
    rest = share ** (1 / np.maximum(spread, 1e-6))
    sorted_load = 1 - rest * share - capacity_ratio * (1 - rest)
    flat = np.maximum(1 - capacity_ratio, 0)
    return np.where(share >= 1, 0.0 * share, np.where(peak_ratio <= 1, flat, sorted_load))


@formula
def base_load_usd_per_month(
    *,
    own_usd_per_month: Quantity,
    own_usd_per_mtok: Quantity,
    api_usd_per_mtok: Quantity,
    mtok_per_month: Quantity,
    overflow_fraction: Quantity,
) -> Quantity:
    r"""Base load on own machines, what overflows them by API.

    Wins where the last machine is busier, over the hours, than its break-even utilization.

    Parameters
    ----------
    own_usd_per_month : array_like
        Own machines without load. [USD/month]
    own_usd_per_mtok, api_usd_per_mtok : array_like
        What a token adds on either side. [USD/Mtoken]
    mtok_per_month : array_like
        Tokens of a month. [Mtoken/month]
    overflow_fraction : array_like
        Share of them above the machines' capacity. [1]

    Returns
    -------
    base_load_usd_per_month : float or ndarray
        [USD/month]

    Notes
    -----
    .. math:: C = F + T ((1 - w) v + w P)

    Examples
    --------
    >>> float(base_load_usd_per_month(own_usd_per_month=10_000, own_usd_per_mtok=0.1,
    ...     api_usd_per_mtok=2, mtok_per_month=4_000, overflow_fraction=0.25))
    12300.0
    """
    kept = (1 - overflow_fraction) * own_usd_per_mtok
    return own_usd_per_month + mtok_per_month * (kept + overflow_fraction * api_usd_per_mtok)


@formula
def split_usd_per_month(
    *, inside_usd_per_month: Quantity, api_usd_per_month: Quantity, inside_fraction: Quantity
) -> Quantity:
    r"""Requests that must stay inside on own machines, the others by API.

    Wins where machines for the sensitive share are cheaper than for all by more than the API bills
    for the rest.

    Parameters
    ----------
    inside_usd_per_month : array_like
        Own machines for the sensitive share. [USD/month]
    api_usd_per_month : array_like
        Bill of the API for all requests. [USD/month]
    inside_fraction : array_like
        Share that must stay inside. [1]

    Returns
    -------
    split_usd_per_month : float or ndarray
        [USD/month]

    Notes
    -----
    .. math:: C = C_{own}(f V) + (1 - f) C_{api}(V)

    Examples
    --------
    >>> float(split_usd_per_month(inside_usd_per_month=8_000, api_usd_per_month=20_000,
    ...     inside_fraction=0.2))
    24000.0
    """
    return inside_usd_per_month + (1 - inside_fraction) * api_usd_per_month


@formula
def router_usd_per_request(
    *,
    small_usd_per_request: Quantity,
    large_usd_per_request: Quantity,
    router_usd_per_request: Quantity,
    easy_fraction: Quantity,
) -> Quantity:
    r"""A router that sends easy requests to a small model before anything is answered.

    Wins over the large model alone where the share that is easy saves more than the router costs.

    Parameters
    ----------
    small_usd_per_request, large_usd_per_request, router_usd_per_request : array_like
        An answer of either model, and a decision. [USD]
    easy_fraction : array_like
        Share that goes to the small model. [1]

    Returns
    -------
    router_usd_per_request : float or ndarray
        [USD]

    Notes
    -----
    .. math:: C = e \, c_s + (1 - e) c_l + c_r, \quad \text{wins for } e > c_r / (c_l - c_s)

    Examples
    --------
    >>> round(float(router_usd_per_request(small_usd_per_request=0.0002,
    ...     large_usd_per_request=0.004, router_usd_per_request=0.0001, easy_fraction=0.6)), 5)
    0.00182
    """
    easy = easy_fraction * small_usd_per_request
    return easy + (1 - easy_fraction) * large_usd_per_request + router_usd_per_request


@formula
def cascade_usd_per_request(
    *,
    small_usd_per_request: Quantity,
    large_usd_per_request: Quantity,
    escalated_fraction: Quantity,
) -> Quantity:
    r"""A cascade that asks the large model again where the small one's answer fails a check.

    Wins over the large model alone while fewer are escalated than the small one saves.

    Parameters
    ----------
    small_usd_per_request, large_usd_per_request : array_like
        An answer of either model. [USD]
    escalated_fraction : array_like
        Share that is asked again. [1]

    Returns
    -------
    cascade_usd_per_request : float or ndarray
        [USD]

    Notes
    -----
    .. math:: C = c_s + e \, c_l, \quad \text{wins for } e < 1 - c_s / c_l

    Examples
    --------
    >>> float(cascade_usd_per_request(small_usd_per_request=0.0002,
    ...     large_usd_per_request=0.004, escalated_fraction=0.2))
    0.001
    """
    return small_usd_per_request + escalated_fraction * large_usd_per_request


@formula
def winning_easy_fraction(
    *,
    small_usd_per_request: Quantity,
    large_usd_per_request: Quantity,
    router_usd_per_request: Quantity,
) -> Quantity:
    r"""Share of easy requests from which a router pays.

    Parameters
    ----------
    small_usd_per_request, large_usd_per_request, router_usd_per_request : array_like
        An answer of either model, and a decision. [USD]

    Returns
    -------
    winning_easy_fraction : float or ndarray
        Above 1, or infinite, where it never does. [1]

    Notes
    -----
    .. math:: e^* = c_r / (c_l - c_s)

    Examples
    --------
    >>> round(float(winning_easy_fraction(small_usd_per_request=0.0002,
    ...     large_usd_per_request=0.004, router_usd_per_request=0.0001)), 4)
    0.0263
    """
    saved = large_usd_per_request - small_usd_per_request
    never = np.inf + router_usd_per_request + saved
    return np.where(saved > 0, router_usd_per_request / np.maximum(saved, _TINY), never)


@formula
def winning_escalated_fraction(
    *, small_usd_per_request: Quantity, large_usd_per_request: Quantity
) -> Quantity:
    r"""Share of escalated requests up to which a cascade pays.

    Parameters
    ----------
    small_usd_per_request, large_usd_per_request : array_like
        An answer of either model. [USD]

    Returns
    -------
    winning_escalated_fraction : float or ndarray
        Negative where it never does. [1]

    Notes
    -----
    .. math:: e^* = 1 - c_s / c_l

    Examples
    --------
    >>> round(float(winning_escalated_fraction(small_usd_per_request=0.0002,
    ...     large_usd_per_request=0.004)), 2)
    0.95
    """
    return 1 - small_usd_per_request / large_usd_per_request


@formula
def tuning_break_even_requests(
    *,
    tuning_usd: Quantity,
    small_usd_per_request: Quantity,
    api_usd_per_request: Quantity,
    escalated_fraction: Quantity,
) -> Quantity:
    r"""Requests after which a small model tuned for the task, with the API behind it, has paid.

    Parameters
    ----------
    tuning_usd : array_like
        What tuning costs once. [USD]
    small_usd_per_request, api_usd_per_request : array_like
        An answer of either. [USD]
    escalated_fraction : array_like
        Share that still goes to the API. [1]

    Returns
    -------
    tuning_break_even_requests : float or ndarray
        Infinite where it never does. [1]

    Notes
    -----
    .. math:: N = \frac{F}{(1 - e) c_{api} - c_s}

    Examples
    --------
    >>> round(float(tuning_break_even_requests(tuning_usd=2_000, small_usd_per_request=0.0002,
    ...     api_usd_per_request=0.004, escalated_fraction=0.2)))
    666667
    """
    saved = (1 - escalated_fraction) * api_usd_per_request - small_usd_per_request
    return np.where(saved > 0, tuning_usd / np.maximum(saved, _TINY), np.inf + saved)

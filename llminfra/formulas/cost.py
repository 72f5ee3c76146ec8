"""Capital: annuities, present values and what a purchase is worth later.

Money is nominal USD before tax. A year's payments fall due at its end, a purchase at its start.
"""

from collections.abc import Sequence

import numpy as np

from llminfra.formulas._formula import Quantity, formula

_MONTHS_PER_YEAR = 12
_NO_RATE = 1e-9


@formula
def capital_recovery_factor(*, discount_rate: Quantity, years: Quantity) -> Quantity:
    r"""Return the level payment a year that returns one unit of money over a life.

    Parameters
    ----------
    discount_rate : array_like
        Cost of capital a year, 0.08 for 8 %; above -1. [1/year]
    years : array_like
        Life, above 0; months where the rate is one of a month. [year]

    Returns
    -------
    capital_recovery_factor : float or ndarray
        Payment a year for each unit invested. [1]

    Notes
    -----
    .. math:: CRF = \frac{r}{1 - (1+r)^{-n}}, \qquad CRF = \frac{1}{n} \text{ at } r = 0

    Examples
    --------
    >>> float(capital_recovery_factor(discount_rate=0.08, years=5).round(6))
    0.250456
    >>> float(capital_recovery_factor(discount_rate=0, years=4))
    0.25
    """
    # Near zero the quotient loses its digits, and its limit is closer.
    annuity = discount_rate / (1 - (1 + discount_rate) ** -years)
    return np.where(np.abs(discount_rate) < _NO_RATE, 1 / years, annuity)


@formula
def present_usd(*, flow_usd: Quantity, discount_rate: Quantity, years: Quantity) -> Quantity:
    r"""Return what a later payment is worth today.

    Parameters
    ----------
    flow_usd : array_like
        Payment when it falls due. [USD]
    discount_rate : array_like
        Cost of capital a year. [1/year]
    years : array_like
        Years until then. [year]

    Returns
    -------
    present_usd : float or ndarray
        Present value. [USD]

    Notes
    -----
    .. math:: PV = \frac{F}{(1+r)^t}

    Examples
    --------
    >>> float(present_usd(flow_usd=108, discount_rate=0.08, years=1).round(2))
    100.0
    """
    return flow_usd / (1 + discount_rate) ** years


def capital_usd_per_year(
    *, investment_usd: Quantity, residual_usd: Quantity, discount_rate: Quantity, years: Quantity
) -> Quantity:
    r"""Return the annuity of a purchase that is worth something at the end.

    Parameters
    ----------
    investment_usd : array_like
        Price paid at the start. [USD]
    residual_usd : array_like
        Value at the end of the life. [USD]
    discount_rate : array_like
        Cost of capital a year. [1/year]
    years : array_like
        Life. [year]

    Returns
    -------
    capital_usd_per_year : float or ndarray
        Cost of the capital a year. [USD/year]

    Notes
    -----
    .. math:: A = CRF(r, n)\left(C_0 - \frac{R}{(1+r)^n}\right)

    Examples
    --------
    120,000 USD over three years at 8 % with 15 % left:

    >>> float(capital_usd_per_year(
    ...     investment_usd=120e3, residual_usd=18e3, discount_rate=0.08, years=3).round())
    41019.0
    """
    end = present_usd(flow_usd=residual_usd, discount_rate=discount_rate, years=years)
    factor = capital_recovery_factor(discount_rate=discount_rate, years=years)
    return factor * (investment_usd - end)


@formula
def capital_usd_per_month(
    *, investment_usd: Quantity, residual_usd: Quantity, discount_rate: Quantity, years: Quantity
) -> Quantity:
    r"""Return a purchase spread over the months of its life.

    Parameters
    ----------
    investment_usd : array_like
        Price paid at the start. [USD]
    residual_usd : array_like
        Value at the end of the life. [USD]
    discount_rate : array_like
        Cost of capital. [1/year]
    years : array_like
        Life. [year]

    Returns
    -------
    capital_usd_per_month : float or ndarray
        Cost of the capital. [USD/month]

    Notes
    -----
    .. math:: C = \frac{CRF(r, n)}{12}\left(C_0 - \frac{R}{(1+r)^n}\right)

    Examples
    --------
    >>> float(capital_usd_per_month(
    ...     investment_usd=120e3, residual_usd=18e3, discount_rate=0.08, years=3).round())
    3418.0
    """
    return (
        capital_recovery_factor(discount_rate=discount_rate, years=years)
        * (investment_usd - residual_usd / (1 + discount_rate) ** years)
        / _MONTHS_PER_YEAR
    )


@formula
def residual_usd(
    *,
    investment_usd: Quantity,
    residual_fraction: Quantity,
    reference_years: Quantity,
    years: Quantity,
) -> Quantity:
    r"""Return the resale value at an age, from the share that is left at another age.

    Parameters
    ----------
    investment_usd : array_like
        Price paid. [USD]
    residual_fraction : array_like
        Share of it that is left after `reference_years`. [1]
    reference_years : array_like
        Age for which the share is known. [year]
    years : array_like
        Age at the sale. [year]

    Returns
    -------
    residual_usd : float or ndarray
        Value at that age. [USD]

    Notes
    -----
    The value falls by the same share each year, as prices of used accelerators do.

    .. math:: R = C_0\, f^{\,n / n_f}

    Examples
    --------
    >>> float(residual_usd(
    ...     investment_usd=100e3, residual_fraction=0.25, reference_years=2, years=1))
    50000.0
    """
    return investment_usd * residual_fraction ** (years / reference_years)


def npv_usd(*, flows_usd: Sequence[Quantity], discount_rate: Quantity) -> Quantity:
    r"""Return the net present value of yearly flows, the first of them today.

    Parameters
    ----------
    flows_usd : sequence of array_like
        One entry a year; costs are negative. [USD]
    discount_rate : array_like
        Cost of capital a year. [1/year]

    Returns
    -------
    npv_usd : float or ndarray
        Net present value. [USD]

    Notes
    -----
    .. math:: NPV = \sum_t \frac{F_t}{(1+r)^t}

    Examples
    --------
    >>> flows = [-40_000, 5_000, 8_000, 12_000, 30_000]
    >>> round(float(npv_usd(flows_usd=flows, discount_rate=0.08)), 2)
    3065.22
    """
    total: Quantity = 0.0
    for years, flow in enumerate(flows_usd):
        total = total + present_usd(flow_usd=flow, discount_rate=discount_rate, years=years)
    return total

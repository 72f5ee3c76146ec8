"""Running a model oneself beside paying by the token: when one pays for the other."""

import numpy as np

from llminfra.formulas._formula import Quantity, formula

_PER_MTOK = 1e6
_MONTHS_PER_YEAR = 12


@formula
def break_even_utilization(
    *, usd_per_hour: Quantity, tokens_per_hour: Quantity, usd_per_mtok: Quantity
) -> Quantity:
    r"""Share of its capacity at which a machine costs what an API would bill.

    Parameters
    ----------
    usd_per_hour : array_like
        What the machine costs, busy or not. [USD/h]
    tokens_per_hour : array_like
        Most that it serves at the latency targets, counted as the price counts them. [token/h]
    usd_per_mtok : array_like
        Price of the API. [USD/Mtoken]

    Returns
    -------
    break_even_utilization : float or ndarray
        Above 1 it is beyond capacity, which is an answer; infinite where the API is free. [1]

    Notes
    -----
    .. math:: u^* = \frac{c}{T \, P / 10^6}

    Examples
    --------
    55.04 USD/h and 20,000 tokens/s beside 0.90 USD per million tokens:

    >>> float(round(break_even_utilization(usd_per_hour=55.04, tokens_per_hour=20_000 * 3600,
    ...     usd_per_mtok=0.9), 4))
    0.8494
    """
    return usd_per_hour / (tokens_per_hour * usd_per_mtok / _PER_MTOK)


@formula
def break_even_usd_per_mtok(*, own_usd_per_month: Quantity, mtok_per_month: Quantity) -> Quantity:
    r"""Price of an API from which running the model oneself is cheaper.

    Parameters
    ----------
    own_usd_per_month : array_like
        Month of the own machines. [USD/month]
    mtok_per_month : array_like
        Tokens of a month; at capacity it is the price below which nothing helps. [Mtoken/month]

    Returns
    -------
    break_even_usd_per_mtok : float or ndarray
        [USD/Mtoken]

    Notes
    -----
    .. math:: P^* = C / T

    Examples
    --------
    >>> float(break_even_usd_per_mtok(own_usd_per_month=14_800, mtok_per_month=7_400))
    2.0
    """
    return own_usd_per_month / mtok_per_month


@formula
def discounted_month_factor(
    *, annual_change_ratio: Quantity, discount_rate: Quantity, months: Quantity
) -> Quantity:
    r"""What a dollar a month of today is worth that changes by a ratio a year, some months on.

    Parameters
    ----------
    annual_change_ratio : array_like
        One plus growth, one plus price drift, or their product. [1]
    discount_rate : array_like
        Cost of money. [1/year]
    months : array_like
        Months from now. [month]

    Returns
    -------
    discounted_month_factor : float or ndarray
        [1]

    Notes
    -----
    .. math:: f = \left(\frac{a}{1 + r}\right)^{m / 12}

    Examples
    --------
    A fifth cheaper each year, at 8 %, after a year:

    >>> round(float(discounted_month_factor(annual_change_ratio=0.8, discount_rate=0.08,
    ...     months=12)), 4)
    0.7407
    """
    return (annual_change_ratio / (1 + discount_rate)) ** (months / _MONTHS_PER_YEAR)


def cumulative_saving_usd(
    *,
    capex_usd: Quantity,
    api_usd_per_month: Quantity,
    own_usd_per_month: Quantity,
    api_price_drift: Quantity,
    demand_growth: Quantity,
    discount_rate: Quantity,
    horizon_months: Quantity,
) -> Quantity:
    r"""What a purchase has saved by the end of each month, in money of the first day.

    Parameters
    ----------
    capex_usd : array_like
        Paid on the first day. [USD]
    api_usd_per_month : array_like
        Bill of the API in the first month that it replaces. [USD/month]
    own_usd_per_month : array_like
        Running cost of the own machines, without their purchase. [USD/month]
    api_price_drift, demand_growth : array_like
        Signed change of the API's price and of the demand. [1/year]
    discount_rate : array_like
        Cost of money. [1/year]
    horizon_months : array_like
        Months to look at; of several, the longest. [month]

    Returns
    -------
    cumulative_saving_usd : ndarray
        One more axis than the inputs, over months from 0. [USD]

    Notes
    -----
    .. math:: S_t = -I + \sum_{m=1}^{t} \frac{A \, ((1 + \delta)(1 + g))^{m/12} - O}
              {(1 + r)^{m/12}}

    The purchase stands once: a running cost that holds its annuity would count it twice.

    Examples
    --------
    >>> saved = cumulative_saving_usd(capex_usd=330e3, api_usd_per_month=25e3,
    ...     own_usd_per_month=10e3, api_price_drift=0, demand_growth=0, discount_rate=0.08,
    ...     horizon_months=36)
    >>> saved[[0, 36]].round(-3)
    array([-330000.,  151000.])
    """
    months = np.arange(1 + int(np.max(horizon_months)), dtype=np.float64)
    bill, own, capex, rate, change = (
        np.asarray(value, np.float64)[..., None]
        for value in (
            api_usd_per_month,
            own_usd_per_month,
            capex_usd,
            discount_rate,
            (1 + np.asarray(api_price_drift)) * (1 + np.asarray(demand_growth)),
        )
    )
    eroded = discounted_month_factor(annual_change_ratio=change, discount_rate=rate, months=months)
    steady = discounted_month_factor(annual_change_ratio=1.0, discount_rate=rate, months=months)
    flows = np.where(months > 0, bill * eroded - own * steady, 0.0)
    return np.cumsum(flows, axis=-1) - capex


@formula
def payback_months(
    *,
    capex_usd: Quantity,
    api_usd_per_month: Quantity,
    own_usd_per_month: Quantity,
    api_price_drift: Quantity,
    demand_growth: Quantity,
    discount_rate: Quantity,
    horizon_months: Quantity,
) -> Quantity:
    r"""First month by whose end a purchase has paid for itself.

    Parameters
    ----------
    capex_usd : array_like
        Paid on the first day. [USD]
    api_usd_per_month : array_like
        Bill of the API in the first month that it replaces. [USD/month]
    own_usd_per_month : array_like
        Running cost of the own machines, without their purchase. [USD/month]
    api_price_drift, demand_growth : array_like
        Signed change of the API's price and of the demand. [1/year]
    discount_rate : array_like
        Cost of money. [1/year]
    horizon_months : array_like
        Months within which it must pay. [month]

    Returns
    -------
    payback_months : float or ndarray
        Infinite where it does not within the horizon. [month]

    Notes
    -----
    .. math:: t^* = \min \{ t \le H : S_t \ge 0 \}

    with the sum of `cumulative_saving_usd`.

    Examples
    --------
    25,000 USD a month saved against 10,000 spent, for a purchase of 330,000, at 8 %; prices that
    stay, and prices that fall by a fifth a year:

    >>> payback_months(capex_usd=330e3, api_usd_per_month=25e3, own_usd_per_month=10e3,
    ...     api_price_drift=[0, -0.2], demand_growth=0, discount_rate=0.08, horizon_months=120)
    array([24., inf])
    """
    saved = cumulative_saving_usd(
        capex_usd=capex_usd,
        api_usd_per_month=api_usd_per_month,
        own_usd_per_month=own_usd_per_month,
        api_price_drift=api_price_drift,
        demand_growth=demand_growth,
        discount_rate=discount_rate,
        horizon_months=np.nan_to_num(horizon_months),
    )
    months = np.arange(saved.shape[-1])
    has_paid = (saved >= 0) & (months <= horizon_months[..., None])
    first = np.min(np.where(has_paid, months, np.inf), axis=-1)
    changes = api_price_drift + demand_growth + discount_rate
    gaps = np.isnan(capex_usd + api_usd_per_month + own_usd_per_month + changes + horizon_months)
    return np.where(gaps, np.nan, first)


@formula
def eroding_bill_usd(
    *,
    api_usd_per_month: Quantity,
    api_price_drift: Quantity,
    demand_growth: Quantity,
    discount_rate: Quantity,
) -> Quantity:
    r"""Present value of all months of a bill to come: the most that avoiding it can ever pay back.

    Parameters
    ----------
    api_usd_per_month : array_like
        Bill of the API in the first month. [USD/month]
    api_price_drift, demand_growth : array_like
        Signed change of the price and of the demand. [1/year]
    discount_rate : array_like
        Cost of money. [1/year]

    Returns
    -------
    eroding_bill_usd : float or ndarray
        Infinite where growth outweighs drift and discount. [USD]

    Notes
    -----
    .. math:: V = A \frac{q}{1 - q}, \quad
              q = \left(\frac{(1 + \delta)(1 + g)}{1 + r}\right)^{1/12}

    A purchase that costs more than this less the own running cost never returns. The rule of thumb
    12 A / (r - d - g), with the drift d, is near it and not always above it.

    Examples
    --------
    25,000 USD a month that fall by half each year, at 8 %:

    >>> round(float(eroding_bill_usd(api_usd_per_month=25e3, api_price_drift=-0.5,
    ...     demand_growth=0, discount_rate=0.08)), -3)
    377000.0
    """
    yearly = (1 + api_price_drift) * (1 + demand_growth) / (1 + discount_rate)
    monthly = yearly ** (1 / _MONTHS_PER_YEAR)
    return np.where(
        monthly < 1,
        api_usd_per_month * monthly / (1 - monthly),
        np.inf + api_usd_per_month + yearly,
    )

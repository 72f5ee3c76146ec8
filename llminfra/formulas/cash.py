"""Money by year: bills, purchases and resale, and how prices and loads move."""

from llminfra.formulas._formula import Quantity, formula

_MONTHS_PER_YEAR = 12


@formula
def changed_ratio(*, change_per_year: Quantity, years: Quantity) -> Quantity:
    r"""Return what a signed change a year makes of something after some years.

    Parameters
    ----------
    change_per_year : array_like
        Signed change, -0.2 for a fifth less. [1/year]
    years : array_like
        Years of it. [year]

    Returns
    -------
    changed_ratio : float or ndarray
        Then over now. [1]

    Notes
    -----
    .. math:: \rho = (1 + \delta)^t

    Examples
    --------
    >>> round(float(changed_ratio(change_per_year=-0.2, years=2)), 2)
    0.64
    """
    return (1 + change_per_year) ** years


@formula
def bills_usd_per_year(
    *,
    running_usd_per_month: Quantity,
    drifting_usd_per_month: Quantity,
    price_ratio: Quantity,
    year_fraction: Quantity,
) -> Quantity:
    r"""Return a year's bills, one part of which has another price than in the first.

    Parameters
    ----------
    running_usd_per_month, drifting_usd_per_month : array_like
        All bills of a month at the prices of today, and the part whose price moves. [USD/month]
    price_ratio : array_like
        Its price of that year over that of today. [1]
    year_fraction : array_like
        Share of the year that counts. [1]

    Returns
    -------
    bills_usd_per_year : float or ndarray
        [USD/year]

    Notes
    -----
    .. math:: C = 12\,f\,(C_m + (\rho - 1)\,C_d)

    Examples
    --------
    >>> month = {"running_usd_per_month": 1000, "drifting_usd_per_month": 400}
    >>> float(bills_usd_per_year(**month, price_ratio=0.5, year_fraction=1))
    9600.0
    """
    month = running_usd_per_month + drifting_usd_per_month * (price_ratio - 1)
    return _MONTHS_PER_YEAR * year_fraction * month


@formula
def flow_usd(*, paid_usd: Quantity, purchase_usd: Quantity, resale_usd: Quantity) -> Quantity:
    r"""Return the payments of a year with their sign: costs are negative.

    Parameters
    ----------
    paid_usd, purchase_usd, resale_usd : array_like
        Bills of the year, what is bought at its end for the next, and what is sold. [USD]

    Returns
    -------
    flow_usd : float or ndarray
        [USD]

    Notes
    -----
    .. math:: F = R - C - C_0

    Examples
    --------
    >>> float(flow_usd(paid_usd=100e3, purchase_usd=0, resale_usd=18e3))
    -82000.0
    """
    return resale_usd - paid_usd - purchase_usd


@formula
def more_usd(*, then_usd: Quantity, had_usd: Quantity, price_ratio: Quantity) -> Quantity:
    r"""Return the price of what a larger fleet has more than a smaller one.

    Parameters
    ----------
    then_usd, had_usd : array_like
        Price of either, at the prices of today. [USD]
    price_ratio : array_like
        Prices of the day of the purchase over those of today. [1]

    Returns
    -------
    more_usd : float or ndarray
        [USD]

    Notes
    -----
    .. math:: C = \rho\,(C_2 - C_1)

    Examples
    --------
    >>> float(more_usd(then_usd=360e3, had_usd=240e3, price_ratio=0.8))
    96000.0
    """
    return price_ratio * (then_usd - had_usd)


@formula
def both_usd(*, one_usd: Quantity, other_usd: Quantity) -> Quantity:
    r"""Return two amounts together.

    Parameters
    ----------
    one_usd, other_usd : array_like
        Either. [USD]

    Returns
    -------
    both_usd : float or ndarray
        [USD]

    Notes
    -----
    .. math:: C = C_1 + C_2

    Examples
    --------
    >>> float(both_usd(one_usd=1, other_usd=2))
    3.0
    """
    return one_usd + other_usd


@formula
def sum_usd(**usd: Quantity) -> Quantity:
    r"""Return amounts together, however many there are.

    Parameters
    ----------
    usd : array_like
        Each of them, under a name of its own. [USD]

    Returns
    -------
    sum_usd : float or ndarray
        [USD]

    Notes
    -----
    .. math:: C = \sum_i C_i

    Examples
    --------
    >>> float(sum_usd(year_0_usd=-100, year_1_usd=-20, year_2_usd=30))
    -90.0
    """
    first, *others = usd.values()
    return sum(others, start=first)


@formula
def outlay_usd(**usd: Quantity) -> Quantity:
    r"""Return what flows come to as a cost: payments above zero, income below.

    Parameters
    ----------
    usd : array_like
        Flows, costs negative, each under a name of its own. [USD]

    Returns
    -------
    outlay_usd : float or ndarray
        What is paid in all. [USD]

    Notes
    -----
    .. math:: C = -\sum_i F_i

    Examples
    --------
    >>> float(outlay_usd(year_0_usd=-100, year_1_usd=-20, resale_usd=30))
    90.0
    """
    first, *others = usd.values()
    return -sum(others, start=first)

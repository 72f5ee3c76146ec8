"""Amounts of other currencies in dollars."""

from llminfra.formulas._formula import Quantity, formula


@formula
def converted_usd(*, n_units: Quantity, rate_usd: Quantity) -> Quantity:
    r"""Return an amount of another currency in USD.

    Parameters
    ----------
    n_units : array_like
        Amount, in units of that currency. [1]
    rate_usd : array_like
        What one unit of it is worth. [USD]

    Returns
    -------
    converted_usd : float or ndarray
        Amount. [USD]

    Notes
    -----
    .. math:: C = A\,x

    Examples
    --------
    >>> float(converted_usd(n_units=100, rate_usd=1.1172).round(2))
    111.72
    """
    return n_units * rate_usd


@formula
def crossed_usd(*, eur_usd: Quantity, n_units: Quantity) -> Quantity:
    r"""Return what a unit of a currency is worth in USD, from two rates of the euro.

    Parameters
    ----------
    eur_usd : array_like
        What one euro is worth. [USD]
    n_units : array_like
        Units of the currency that one euro is worth. [1]

    Returns
    -------
    crossed_usd : float or ndarray
        [USD]

    Notes
    -----
    .. math:: x = \frac{x_{EUR}}{n}

    Examples
    --------
    A pound, at 1.1172 USD and 0.88 pounds for one euro:

    >>> float(crossed_usd(eur_usd=1.1172, n_units=0.88).round(4))
    1.2695
    """
    return eur_usd / n_units

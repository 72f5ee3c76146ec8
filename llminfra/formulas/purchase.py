"""What is bought: servers, the network between them, their delivery and their support."""

from llminfra.formulas._formula import Quantity, formula

_MONTHS_PER_YEAR = 12


@formula
def investment_usd(*, server_price_usd: Quantity, n_servers: Quantity) -> Quantity:
    r"""Return the price of all servers.

    Parameters
    ----------
    server_price_usd : array_like
        Price of one. [USD]
    n_servers : array_like
        Servers. [1]

    Returns
    -------
    investment_usd : float or ndarray
        Price. [USD]

    Notes
    -----
    .. math:: C_0 = n\,c

    Examples
    --------
    >>> float(investment_usd(server_price_usd=120e3, n_servers=2))
    240000.0
    """
    return server_price_usd * n_servers


@formula
def share_usd(*, investment_usd: Quantity, price_fraction: Quantity) -> Quantity:
    r"""Return what is paid once as a share of a price: network, delivery.

    Parameters
    ----------
    investment_usd : array_like
        Price. [USD]
    price_fraction : array_like
        Share of it. [1]

    Returns
    -------
    share_usd : float or ndarray
        Amount. [USD]

    Notes
    -----
    .. math:: C = f\,C_0

    Examples
    --------
    >>> float(share_usd(investment_usd=120e3, price_fraction=0.02))
    2400.0
    """
    return investment_usd * price_fraction


@formula
def share_usd_per_month(*, investment_usd: Quantity, fraction_per_year: Quantity) -> Quantity:
    r"""Return the month of what is a share of a price a year: support, insurance.

    Parameters
    ----------
    investment_usd : array_like
        Price. [USD]
    fraction_per_year : array_like
        Share of it. [1/year]

    Returns
    -------
    share_usd_per_month : float or ndarray
        Cost. [USD/month]

    Notes
    -----
    .. math:: C = f\,C_0 / 12

    Examples
    --------
    >>> float(share_usd_per_month(investment_usd=120e3, fraction_per_year=0.08))
    800.0
    """
    return investment_usd * fraction_per_year / _MONTHS_PER_YEAR


@formula
def risen_usd(*, quoted_usd: Quantity, price_ratio: Quantity) -> Quantity:
    r"""Return an old quote at the prices of now.

    Parameters
    ----------
    quoted_usd : array_like
        The quote. [USD]
    price_ratio : array_like
        Prices of now over those of then. [1]

    Returns
    -------
    risen_usd : float or ndarray
        [USD]

    Notes
    -----
    .. math:: C = \rho\,C_q

    Examples
    --------
    >>> float(risen_usd(quoted_usd=515e3, price_ratio=1.2))
    618000.0
    """
    return quoted_usd * price_ratio


@formula
def built_server_usd(
    *, card_usd: Quantity, n_cards: Quantity, host_usd: Quantity, host_cards: Quantity
) -> Quantity:
    r"""Return the price of a server of cards, where nobody quotes one.

    Parameters
    ----------
    card_usd : array_like
        Price of a card. [USD]
    n_cards : array_like
        Cards in the server. [1]
    host_usd : array_like
        Price of a host for a whole set of cards. [USD]
    host_cards : array_like
        Cards of a whole set. [1]

    Returns
    -------
    built_server_usd : float or ndarray
        [USD]

    Notes
    -----
    .. math:: C = n\,c + \frac{n}{n_h}\,C_h

    Examples
    --------
    >>> float(built_server_usd(card_usd=8000, n_cards=4, host_usd=60e3, host_cards=8))
    62000.0
    """
    return n_cards * card_usd + n_cards / host_cards * host_usd


@formula
def purchase_usd(*, capital_usd: Quantity, network_usd: Quantity, setup_usd: Quantity) -> Quantity:
    r"""Return the cash that is needed before the first day.

    Parameters
    ----------
    capital_usd, network_usd, setup_usd : array_like
        Servers, the network between them, delivery and fees. [USD]

    Returns
    -------
    purchase_usd : float or ndarray
        [USD]

    Notes
    -----
    .. math:: C = C_0 + C_n + C_s

    Examples
    --------
    >>> float(purchase_usd(capital_usd=120e3, network_usd=0, setup_usd=2400))
    122400.0
    """
    return capital_usd + network_usd + setup_usd


@formula
def with_vat_usd(*, net_usd: Quantity, vat_fraction: Quantity) -> Quantity:
    r"""Return what is paid where the value-added tax cannot be deducted.

    Parameters
    ----------
    net_usd : array_like
        Price before tax. [USD]
    vat_fraction : array_like
        Tax that stays, 0 for who deducts it. [1]

    Returns
    -------
    with_vat_usd : float or ndarray
        Price with the tax. [USD]

    Notes
    -----
    .. math:: C = C_{net}\,(1 + v)

    Examples
    --------
    >>> round(float(with_vat_usd(net_usd=100, vat_fraction=0.19)), 2)
    119.0
    """
    return net_usd * (1 + vat_fraction)

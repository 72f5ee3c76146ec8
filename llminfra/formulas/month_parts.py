"""What a month of a service is made of: power, space, staff, storage and the smaller parts.

Nominal USD; what falls due by the year is spread over its months.
"""

from llminfra.formulas._formula import Quantity, formula
from llminfra.units import GB

_MONTHS_PER_YEAR = 12
_W_PER_KW = 1000


@formula
def power_usd_per_month(
    *, wall_kwh_per_month: Quantity, pue: Quantity, usd_per_kwh: Quantity
) -> Quantity:
    r"""Return a month's electricity.

    Parameters
    ----------
    wall_kwh_per_month : array_like
        Energy at the plugs of the servers. [kWh/month]
    pue : array_like
        Energy of the facility over that of the servers. [1]
    usd_per_kwh : array_like
        Tariff. [USD/kWh]

    Returns
    -------
    power_usd_per_month : float or ndarray
        Bill. [USD/month]

    Notes
    -----
    .. math:: C = E \cdot PUE \cdot c_{el}

    Examples
    --------
    One hour of 8 × 700 W and a host of 2 kW:

    >>> round(float(power_usd_per_month(wall_kwh_per_month=7.6, pue=1.4, usd_per_kwh=0.10)), 3)
    1.064
    """
    return wall_kwh_per_month * pue * usd_per_kwh


@formula
def rated_kw(
    *, rated_power_w: Quantity, used_accelerators: Quantity, server_accelerators: Quantity
) -> Quantity:
    r"""Return the power that a data centre keeps for whole servers.

    Parameters
    ----------
    rated_power_w : array_like
        Rated power of the accelerators in use and their hosts. [W]
    used_accelerators : array_like
        These accelerators. [accelerator]
    server_accelerators : array_like
        Accelerators of the whole servers. [accelerator]

    Returns
    -------
    rated_kw : float or ndarray
        Power. [kW]

    Notes
    -----
    .. math:: P = \frac{P_r}{1000}\,\frac{n_s}{n}

    Examples
    --------
    >>> float(rated_kw(rated_power_w=3250, used_accelerators=4, server_accelerators=8))
    6.5
    """
    return rated_power_w / used_accelerators * server_accelerators / _W_PER_KW


@formula
def space_usd_per_month(*, rated_kw: Quantity, usd_per_kw_month: Quantity) -> Quantity:
    r"""Return the rent of space by contracted power.

    Parameters
    ----------
    rated_kw : array_like
        Power that is kept. [kW]
    usd_per_kw_month : array_like
        Rent of a kW. [USD/kW/month]

    Returns
    -------
    space_usd_per_month : float or ndarray
        Rent. [USD/month]

    Notes
    -----
    .. math:: C = P\,c

    Examples
    --------
    >>> float(space_usd_per_month(rated_kw=6.5, usd_per_kw_month=200))
    1300.0
    """
    return rated_kw * usd_per_kw_month


@formula
def room_usd(*, rated_kw: Quantity, build_usd_per_w: Quantity) -> Quantity:
    r"""Return what a room for servers costs to build.

    Parameters
    ----------
    rated_kw : array_like
        Power of the servers. [kW]
    build_usd_per_w : array_like
        Cost for each watt. [USD/W]

    Returns
    -------
    room_usd : float or ndarray
        Cost. [USD]

    Notes
    -----
    .. math:: C_0 = 1000\,P\,c

    Examples
    --------
    >>> float(room_usd(rated_kw=6.5, build_usd_per_w=11))
    71500.0
    """
    return rated_kw * _W_PER_KW * build_usd_per_w


@formula
def stored_usd_per_month(
    *, stored_bytes: Quantity, load_ratio: Quantity, usd_per_gb_month: Quantity
) -> Quantity:
    r"""Return the cost of what is kept on disks.

    Parameters
    ----------
    stored_bytes : array_like
        What is kept. [byte]
    load_ratio : array_like
        Load over that for which it was counted. [1]
    usd_per_gb_month : array_like
        Price of a GB for a month. [USD/GB/month]

    Returns
    -------
    stored_usd_per_month : float or ndarray
        Cost. [USD/month]

    Notes
    -----
    .. math:: C = \rho\,S\,c / 10^9

    Examples
    --------
    >>> float(stored_usd_per_month(
    ...     stored_bytes=500e9, load_ratio=1, usd_per_gb_month=0.02).round(2))
    10.0
    """
    return stored_bytes * load_ratio / GB * usd_per_gb_month


@formula
def egress_usd_per_month(
    *,
    output_tokens_per_month: Quantity,
    bytes_per_token: Quantity,
    load_ratio: Quantity,
    usd_per_gb: Quantity,
) -> Quantity:
    r"""Return the cost of the traffic of answers.

    Parameters
    ----------
    output_tokens_per_month : array_like
        Tokens sent. [token/month]
    bytes_per_token : array_like
        Size of one on the way. [byte/token]
    load_ratio : array_like
        Load over that for which these were counted. [1]
    usd_per_gb : array_like
        Price of a GB. [USD/GB]

    Returns
    -------
    egress_usd_per_month : float or ndarray
        Cost. [USD/month]

    Notes
    -----
    .. math:: C = \rho\,N\,b\,c / 10^9

    Examples
    --------
    >>> sent = {"output_tokens_per_month": 5e9, "bytes_per_token": 200, "load_ratio": 1}
    >>> float(egress_usd_per_month(**sent, usd_per_gb=0.09).round(2))
    90.0
    """
    return output_tokens_per_month * bytes_per_token * load_ratio / GB * usd_per_gb


@formula
def yearly_usd_per_month(*, n_things: Quantity, usd_per_year: Quantity) -> Quantity:
    r"""Return the month of what is paid by the year for each of several things.

    Parameters
    ----------
    n_things : array_like
        Things, or full-time posts. [1]
    usd_per_year : array_like
        Price of one a year, loaded cost of a post. [USD/year]

    Returns
    -------
    yearly_usd_per_month : float or ndarray
        Cost. [USD/month]

    Notes
    -----
    .. math:: C = n\,c / 12

    Examples
    --------
    >>> float(yearly_usd_per_month(n_things=8, usd_per_year=4500))
    3000.0
    """
    return n_things * usd_per_year / _MONTHS_PER_YEAR


@formula
def all_in_usd_per_month(
    *,
    capital_usd_per_month: Quantity,
    rent_usd_per_month: Quantity,
    tokens_usd_per_month: Quantity,
    power_usd_per_month: Quantity,
    space_usd_per_month: Quantity,
    network_usd_per_month: Quantity,
    storage_usd_per_month: Quantity,
    support_usd_per_month: Quantity,
    licences_usd_per_month: Quantity,
    staff_usd_per_month: Quantity,
    insurance_usd_per_month: Quantity,
    egress_usd_per_month: Quantity,
    setup_usd_per_month: Quantity,
) -> Quantity:
    r"""Return a month of all parts.

    Parameters
    ----------
    capital_usd_per_month, rent_usd_per_month, tokens_usd_per_month : array_like
        Capital, rent, tokens. [USD/month]
    power_usd_per_month, space_usd_per_month, network_usd_per_month : array_like
        Power, space, network. [USD/month]
    storage_usd_per_month, support_usd_per_month, licences_usd_per_month : array_like
        Storage, support, licences. [USD/month]
    staff_usd_per_month, insurance_usd_per_month : array_like
        Staff, insurance. [USD/month]
    egress_usd_per_month, setup_usd_per_month : array_like
        Egress, setup. [USD/month]

    Returns
    -------
    all_in_usd_per_month : float or ndarray
        All of it. [USD/month]

    Notes
    -----
    .. math:: C = \sum_i C_i

    Examples
    --------
    >>> parts = dict.fromkeys(
    ...     f"{part}_usd_per_month" for part in (
    ...         *("capital", "rent", "tokens", "power", "space", "network", "storage"),
    ...         *("support", "licences", "staff", "insurance", "egress", "setup")))
    >>> float(all_in_usd_per_month(**(dict.fromkeys(parts, 0) | {"rent_usd_per_month": 5})))
    5.0
    """
    return (
        capital_usd_per_month
        + rent_usd_per_month
        + tokens_usd_per_month
        + power_usd_per_month
        + space_usd_per_month
        + network_usd_per_month
        + storage_usd_per_month
        + support_usd_per_month
        + licences_usd_per_month
        + staff_usd_per_month
        + insurance_usd_per_month
        + egress_usd_per_month
        + setup_usd_per_month
    )


@formula
def storage_usd_per_month(
    *, weights_usd_per_month: Quantity, logs_usd_per_month: Quantity
) -> Quantity:
    r"""Return the cost of disks for weights and of logs.

    Parameters
    ----------
    weights_usd_per_month, logs_usd_per_month : array_like
        Either. [USD/month]

    Returns
    -------
    storage_usd_per_month : float or ndarray
        [USD/month]

    Notes
    -----
    .. math:: C = C_w + C_l

    Examples
    --------
    >>> float(storage_usd_per_month(weights_usd_per_month=85, logs_usd_per_month=15))
    100.0
    """
    return weights_usd_per_month + logs_usd_per_month

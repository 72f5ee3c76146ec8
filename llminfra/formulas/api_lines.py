"""Both bills as lines over a volume, in a form that a page can compute again."""

import numpy as np

from llminfra.formulas._formula import Quantity, formula


@formula
def mean_price_ratio(*, api_price_drift: Quantity, horizon_years: Quantity) -> Quantity:
    r"""Mean price of a horizon over today's, where prices change by a share each year.

    Parameters
    ----------
    api_price_drift : array_like
        Signed change. [1/year]
    horizon_years : array_like
        Years that count. [year]

    Returns
    -------
    mean_price_ratio : float or ndarray
        [1]

    Notes
    -----
    .. math:: \bar p = \frac{(1 + \delta)^{H} - 1}{H \ln (1 + \delta)}

    Examples
    --------
    A fifth cheaper each year, over three years:

    >>> round(float(mean_price_ratio(api_price_drift=-0.2, horizon_years=3)), 3)
    0.729
    """
    log_change = np.log(1 + api_price_drift)
    is_steady = np.abs(log_change) < 1e-9
    slope = np.where(is_steady, 1.0, log_change) * horizon_years
    return np.where(is_steady, 1.0, (np.exp(slope) - 1) / slope)


@formula
def own_line_usd_per_month(
    *,
    mtok_per_month: Quantity,
    step_mtok_per_month: Quantity,
    target_utilization: Quantity,
    n_spares: Quantity,
    n_on_machine: Quantity,
    hardware_usd_per_month: Quantity,
    hardware_price_ratio: Quantity,
    other_usd_per_month: Quantity,
    shared_usd_per_month: Quantity,
    own_usd_per_mtok: Quantity,
) -> Quantity:
    r"""What own machines cost at a volume, where each machine costs the same.

    Parameters
    ----------
    mtok_per_month : array_like
        Tokens of a month. [Mtoken/month]
    step_mtok_per_month : array_like
        What one step, a replica, carries when it is full. [Mtoken/month]
    target_utilization : array_like
        Share of it that is filled before another step is added. [1]
    n_spares : array_like
        Steps in reserve. [1]
    n_on_machine : array_like
        Steps on one machine, and machines are whole. [1]
    hardware_usd_per_month : array_like
        What a machine costs for accelerators and servers. [USD/month]
    hardware_price_ratio : array_like
        Their price over today's. [1]
    other_usd_per_month : array_like
        What a machine costs beside: support, space, idle power. [USD/month]
    shared_usd_per_month : array_like
        What does not grow with machines: staff. [USD/month]
    own_usd_per_mtok : array_like
        What a token adds: electricity. [USD/Mtoken]

    Returns
    -------
    own_line_usd_per_month : float or ndarray
        [USD/month]

    Notes
    -----
    .. math:: C = F + \left\lceil \frac{n + s}{k} \right\rceil (h \, c_h + c_o) + v T, \quad
              n = \max\left(1, \left\lceil \frac{T}{u \, T_1} \right\rceil\right)

    Examples
    --------
    >>> own_line_usd_per_month(mtok_per_month=[4_000, 9_000], step_mtok_per_month=10_000,
    ...     target_utilization=0.8, n_spares=0, n_on_machine=1, hardware_usd_per_month=5_000,
    ...     hardware_price_ratio=1, other_usd_per_month=1_000, shared_usd_per_month=8_000,
    ...     own_usd_per_mtok=0.1)
    array([14400., 20900.])
    """
    steps = np.maximum(np.ceil(mtok_per_month / (step_mtok_per_month * target_utilization)), 1)
    each = hardware_usd_per_month * hardware_price_ratio + other_usd_per_month
    machines = np.ceil((steps + n_spares) / n_on_machine)
    return shared_usd_per_month + machines * each + own_usd_per_mtok * mtok_per_month


@formula
def api_line_usd_per_month(
    *,
    mtok_per_month: Quantity,
    api_usd_per_mtok: Quantity,
    api_price_ratio: Quantity,
    fixed_usd_per_month: Quantity,
    minimum_usd_per_month: Quantity,
) -> Quantity:
    r"""What an API costs at a volume, with gateway and staff.

    Parameters
    ----------
    mtok_per_month : array_like
        Tokens of a month. [Mtoken/month]
    api_usd_per_mtok : array_like
        What a token adds. [USD/Mtoken]
    api_price_ratio : array_like
        Price over today's. [1]
    fixed_usd_per_month : array_like
        What it costs without a token. [USD/month]
    minimum_usd_per_month : array_like
        Least that the provider bills for tokens. [USD/month]

    Returns
    -------
    api_line_usd_per_month : float or ndarray
        [USD/month]

    Notes
    -----
    .. math:: C = A + \max(C_{min}, T P p)

    Examples
    --------
    >>> float(api_line_usd_per_month(mtok_per_month=1_000, api_usd_per_mtok=2, api_price_ratio=0.5,
    ...     fixed_usd_per_month=500, minimum_usd_per_month=0))
    1500.0
    """
    metered = mtok_per_month * api_usd_per_mtok * api_price_ratio
    return fixed_usd_per_month + np.maximum(metered, minimum_usd_per_month)

"""Energy of a token, of an answer and of a month, and what making the hardware adds to an hour.

One boundary a figure: accelerator, server (at the wall), facility (times its overhead).
"""

from llminfra.formulas._formula import Quantity, formula
from llminfra.units import HOURS_PER_YEAR

_W_PER_KW = 1e3
_G_PER_KG = 1e3
_J_PER_KWH = 3.6e6


@formula
def accelerator_j_per_token(
    *, accelerator_power_w: Quantity, n_accelerators: Quantity, tokens_per_s: Quantity
) -> Quantity:
    r"""Energy of a token on the accelerators that give it, alone.

    Parameters
    ----------
    accelerator_power_w : array_like
        Power of one. [W]
    n_accelerators : array_like
        How many give the tokens. [1]
    tokens_per_s : array_like
        Tokens given per second. [token/s]

    Returns
    -------
    accelerator_j_per_token : float or ndarray
        [J/token]

    Notes
    -----
    .. math:: e = n P / r

    Examples
    --------
    Eight A100 at 280 W that give 2,520 tokens a second:

    >>> round(float(accelerator_j_per_token(accelerator_power_w=280, n_accelerators=8,
    ...     tokens_per_s=2520)), 2)
    0.89
    """
    return n_accelerators * accelerator_power_w / tokens_per_s


@formula
def energy_kwh(*, power_w: Quantity, hours: Quantity) -> Quantity:
    r"""Energy of a mean power over a time.

    Parameters
    ----------
    power_w : array_like
        Mean power. [W]
    hours : array_like
        Time. [h]

    Returns
    -------
    energy_kwh : float or ndarray
        [kWh]

    Notes
    -----
    .. math:: E = P \, T / 1000

    Examples
    --------
    >>> round(float(energy_kwh(power_w=4200, hours=730)), 1)
    3066.0
    """
    return power_w * hours / _W_PER_KW


@formula
def facility_kwh(*, wall_kwh: Quantity, pue: Quantity) -> Quantity:
    r"""Energy that a facility takes for what its servers take at the wall.

    Parameters
    ----------
    wall_kwh : array_like
        Energy of the servers. [kWh]
    pue : array_like
        Power usage effectiveness: energy of the facility over that of its equipment. [1]

    Returns
    -------
    facility_kwh : float or ndarray
        [kWh]

    Notes
    -----
    .. math:: E_f = E \cdot \mathrm{PUE}

    References
    ----------
    ISO/IEC 30134-2, Power usage effectiveness.

    Examples
    --------
    >>> round(float(facility_kwh(wall_kwh=3066, pue=1.4)), 1)
    4292.4
    """
    return wall_kwh * pue


@formula
def wh_per_request(*, kwh: Quantity, requests: Quantity) -> Quantity:
    r"""Energy of an answer, idle time included.

    Parameters
    ----------
    kwh : array_like
        Energy of a time. [kWh]
    requests : array_like
        Answers in that time. [request]

    Returns
    -------
    wh_per_request : float or ndarray
        [Wh/request]

    Notes
    -----
    .. math:: E_1 = 1000 \, E / n

    Examples
    --------
    >>> round(float(wh_per_request(kwh=4292.4, requests=22.1e6)), 3)
    0.194
    """
    return kwh * 1e3 / requests


@formula
def token_j(*, kwh: Quantity, tokens: Quantity) -> Quantity:
    r"""Energy of a token, idle time included.

    Parameters
    ----------
    kwh : array_like
        Energy of a time. [kWh]
    tokens : array_like
        Tokens in that time. [token]

    Returns
    -------
    token_j : float or ndarray
        [J/token]

    Notes
    -----
    .. math:: e = 3.6 \cdot 10^6 \, E / n

    Examples
    --------
    >>> float(token_j(kwh=1, tokens=3.6e6))
    1.0
    """
    return kwh * _J_PER_KWH / tokens


@formula
def embodied_g_per_hour(
    *, embodied_kg: Quantity, life_years: Quantity, useful_fraction: Quantity
) -> Quantity:
    r"""Emissions of making hardware, for each hour that it is useful.

    Parameters
    ----------
    embodied_kg : array_like
        Emissions from cradle to gate. [kgCO2e]
    life_years : array_like
        Time in service. [year]
    useful_fraction : array_like
        Share of the hours that the emissions are spread over; 1 is all of them. [1]

    Returns
    -------
    embodied_g_per_hour : float or ndarray
        [gCO2e/h]

    Notes
    -----
    .. math:: m = \frac{1000 \, M}{8760 \, L \, u}

    A footprint of the whole life would count use twice.

    References
    ----------
    ISO/IEC 21031:2024, Software carbon intensity.

    Examples
    --------
    >>> round(float(embodied_g_per_hour(embodied_kg=1000, life_years=4, useful_fraction=1)), 4)
    28.5388
    >>> round(float(embodied_g_per_hour(embodied_kg=164, life_years=4, useful_fraction=0.5)), 2)
    9.36
    """
    return embodied_kg * _G_PER_KG / (life_years * HOURS_PER_YEAR * useful_fraction)

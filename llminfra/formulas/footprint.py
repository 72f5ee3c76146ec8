"""Greenhouse gases of electricity, and what they come to with the hardware."""

from llminfra.formulas._formula import Quantity, formula
from llminfra.units import HOURS_PER_MONTH


@formula
def use_g(*, kwh: Quantity, g_per_kwh: Quantity) -> Quantity:
    r"""Emissions of electricity at the grid's mean intensity: location-based.

    Parameters
    ----------
    kwh : array_like
        Energy that the facility takes. [kWh]
    g_per_kwh : array_like
        Intensity of the grid. [gCO2e/kWh]

    Returns
    -------
    use_g : float or ndarray
        [gCO2e]

    Notes
    -----
    .. math:: G = E \, I

    References
    ----------
    GHG Protocol Scope 2 Guidance (2015), location-based method.

    Examples
    --------
    >>> float(use_g(kwh=2.0, g_per_kwh=330))
    660.0
    """
    return kwh * g_per_kwh


@formula
def market_g(
    *,
    kwh: Quantity,
    contracted_fraction: Quantity,
    contracted_g_per_kwh: Quantity,
    residual_g_per_kwh: Quantity,
) -> Quantity:
    r"""Emissions of electricity by what is contracted: market-based.

    Parameters
    ----------
    kwh : array_like
        Energy that the facility takes. [kWh]
    contracted_fraction : array_like
        Share that contracts or certificates cover. [1]
    contracted_g_per_kwh : array_like
        Emission factor of what is contracted. [gCO2e/kWh]
    residual_g_per_kwh : array_like
        Residual mix: what is left of the grid when all contracts are taken out. [gCO2e/kWh]

    Returns
    -------
    market_g : float or ndarray
        [gCO2e]

    Notes
    -----
    .. math:: G_m = E \left(s \, I_s + (1 - s) \, I_r\right)

    The contracted part is the same wherever the servers stand.

    References
    ----------
    GHG Protocol Scope 2 Guidance (2015), market-based method.

    Examples
    --------
    >>> float(market_g(kwh=10, contracted_fraction=0.75, contracted_g_per_kwh=0,
    ...     residual_g_per_kwh=400))
    1000.0
    """
    mixed = contracted_fraction * contracted_g_per_kwh
    return kwh * (mixed + (1 - contracted_fraction) * residual_g_per_kwh)


@formula
def carbon_intensity_g(
    *, kwh: Quantity, g_per_kwh: Quantity, embodied_g: Quantity, n_units: Quantity
) -> Quantity:
    r"""Software carbon intensity: use and hardware for each functional unit.

    Parameters
    ----------
    kwh : array_like
        Energy of a time, all that is reserved included. [kWh]
    g_per_kwh : array_like
        Intensity of the grid, location-based. [gCO2e/kWh]
    embodied_g : array_like
        Share of the hardware's emissions that falls on that time. [gCO2e]
    n_units : array_like
        Answers, tokens or products in that time. [1]

    Returns
    -------
    carbon_intensity_g : float or ndarray
        [gCO2e]

    Notes
    -----
    .. math:: \mathrm{SCI} = \frac{E \, I + M}{R}

    References
    ----------
    ISO/IEC 21031:2024, Software carbon intensity.

    Examples
    --------
    >>> float(carbon_intensity_g(kwh=1000, g_per_kwh=350, embodied_g=25_000, n_units=10_000))
    37.5
    """
    return (kwh * g_per_kwh + embodied_g) / n_units


@formula
def even_g_per_kwh(*, embodied_g_per_hour: Quantity, power_w: Quantity) -> Quantity:
    r"""Intensity of a grid at which hardware and use weigh the same.

    Parameters
    ----------
    embodied_g_per_hour : array_like
        Emissions of the hardware, for each hour in service. [gCO2e/h]
    power_w : array_like
        Mean power that the facility takes for it. [W]

    Returns
    -------
    even_g_per_kwh : float or ndarray
        [gCO2e/kWh]

    Notes
    -----
    .. math:: I^* = 1000 \, m / P

    On a cleaner grid the hardware weighs more.

    Examples
    --------
    An H100 board with an eighth of a heavy host over three years, at 1 kW:

    >>> round(float(even_g_per_kwh(embodied_g_per_hour=33.4, power_w=1000)), 1)
    33.4
    """
    return embodied_g_per_hour * 1e3 / power_w


@formula
def embodied_kg(
    *,
    accelerator_kg: Quantity,
    host_kg: Quantity,
    host_accelerators: Quantity,
    n_accelerators: Quantity,
) -> Quantity:
    r"""Emissions of making accelerators and their share of hosts, cradle to gate.

    Parameters
    ----------
    accelerator_kg : array_like
        Emissions of making an accelerator. [kg]
    host_kg : array_like
        Emissions of making a host without its accelerators. [kg]
    host_accelerators : array_like
        Accelerators that share a host. [accelerator]
    n_accelerators : array_like
        Accelerators that are counted. [1]

    Returns
    -------
    embodied_kg : float or ndarray
        [kg]

    Notes
    -----
    .. math:: M = n \left(m + \frac{m_h}{h}\right)

    Examples
    --------
    Eight H100 in a host of 1,300 kg:

    >>> float(embodied_kg(accelerator_kg=164, host_kg=1300, host_accelerators=8, n_accelerators=8))
    2612.0
    """
    return n_accelerators * (accelerator_kg + host_kg / host_accelerators)


@formula
def embodied_g_per_month(*, embodied_g_per_hour: Quantity) -> Quantity:
    r"""Emissions of the hardware that fall on a month.

    Parameters
    ----------
    embodied_g_per_hour : array_like
        Emissions of the hardware, for each hour in service. [g/h]

    Returns
    -------
    embodied_g_per_month : float or ndarray
        [g/month]

    Notes
    -----
    .. math:: M_{30} = 730 \, m

    Examples
    --------
    >>> float(embodied_g_per_month(embodied_g_per_hour=100))
    73000.0
    """
    return embodied_g_per_hour * HOURS_PER_MONTH


@formula
def g_per_request(*, use_g: Quantity, embodied_g: Quantity, n_requests: Quantity) -> Quantity:
    r"""Emissions of an answer: use and hardware.

    Parameters
    ----------
    use_g, embodied_g : array_like
        Emissions of use and of hardware in a time. [g]
    n_requests : array_like
        Answers in that time. [1]

    Returns
    -------
    g_per_request : float or ndarray
        [g]

    Notes
    -----
    .. math:: G_1 = \frac{G + M}{n}

    Examples
    --------
    >>> float(g_per_request(use_g=900, embodied_g=100, n_requests=1e4))
    0.1
    """
    return (use_g + embodied_g) / n_requests

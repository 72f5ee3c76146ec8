"""Water that evaporates on site and at power plants, and what cooling without it costs."""

from llminfra.formulas._formula import Quantity, formula


@formula
def site_water_l(*, wall_kwh: Quantity, wue_l_per_kwh: Quantity) -> Quantity:
    r"""Water that evaporates on site.

    Parameters
    ----------
    wall_kwh : array_like
        Energy of the servers. [kWh]
    wue_l_per_kwh : array_like
        Water usage effectiveness: water of the site over energy of its equipment. [L/kWh]

    Returns
    -------
    site_water_l : float or ndarray
        [L]

    Notes
    -----
    .. math:: V_s = E \cdot \mathrm{WUE}

    References
    ----------
    ISO/IEC 30134-9, Water usage effectiveness.

    Examples
    --------
    >>> round(float(site_water_l(wall_kwh=3066, wue_l_per_kwh=0.3)), 1)
    919.8
    """
    return wall_kwh * wue_l_per_kwh


@formula
def grid_water_l(*, kwh: Quantity, grid_l_per_kwh: Quantity) -> Quantity:
    r"""Water that power plants consume for the electricity of a facility.

    Parameters
    ----------
    kwh : array_like
        Energy that the facility takes. [kWh]
    grid_l_per_kwh : array_like
        Water consumed for each kWh of the grid, evaporation of reservoirs included. [L/kWh]

    Returns
    -------
    grid_water_l : float or ndarray
        [L]

    Notes
    -----
    .. math:: V_g = E_f \, w

    Consumed, not withdrawn. Reservoirs of hydropower evaporate also for floods, fields and
    swimmers: grids with much of it look thirsty.

    References
    ----------
    Reig et al. (2020), Guidance for calculating water use embedded in purchased electricity, WRI.

    Examples
    --------
    >>> round(float(grid_water_l(kwh=4292.4, grid_l_per_kwh=1.947)))
    8357
    """
    return kwh * grid_l_per_kwh


@formula
def litres_per_request(*, site_l: Quantity, grid_l: Quantity, n_requests: Quantity) -> Quantity:
    r"""Water consumed for an answer, on site and at the grid.

    Parameters
    ----------
    site_l, grid_l : array_like
        Water on site and at the grid. [L]
    n_requests : array_like
        Answers in that time. [1]

    Returns
    -------
    litres_per_request : float or ndarray
        [L]

    Notes
    -----
    .. math:: V_1 = \frac{V_s + V_g}{n}

    Examples
    --------
    >>> float(litres_per_request(site_l=1000, grid_l=3000, n_requests=1e6))
    0.004
    """
    return (site_l + grid_l) / n_requests


@formula
def dry_pue(*, pue: Quantity, dry_pue_increase_ratio: Quantity) -> Quantity:
    r"""Power usage effectiveness of a site that evaporates no water.

    Parameters
    ----------
    pue : array_like
        Power usage effectiveness with water. [1]
    dry_pue_increase_ratio : array_like
        What cooling without evaporation adds. [1]

    Returns
    -------
    dry_pue : float or ndarray
        [1]

    Notes
    -----
    .. math:: \mathrm{PUE}' = \mathrm{PUE} + \Delta

    Examples
    --------
    >>> round(float(dry_pue(pue=1.14, dry_pue_increase_ratio=0.08)), 2)
    1.22
    """
    return pue + dry_pue_increase_ratio

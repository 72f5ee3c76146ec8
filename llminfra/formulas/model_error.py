"""How far off predictions were, put onto new ones."""

import numpy as np

from llminfra.formulas._formula import Quantity, formula


@formula
def spread_log_error_ratio(*, log_error_ratio: Quantity, spread_factor: Quantity) -> Quantity:
    r"""Error on an accelerator that the fit has not seen.

    Parameters
    ----------
    log_error_ratio : array_like
        Logarithm of measured over predicted on those of the fit. [1]
    spread_factor : array_like
        How much wider errors were on accelerators left out. [1]

    Returns
    -------
    spread_log_error_ratio : float or ndarray
        [1]

    Notes
    -----
    .. math:: \varepsilon' = \varepsilon f

    Examples
    --------
    >>> round(float(spread_log_error_ratio(log_error_ratio=0.1, spread_factor=1.5)), 3)
    0.15
    """
    return log_error_ratio * spread_factor


@formula
def unseen_log_error_ratio(
    *,
    log_error_ratio: Quantity,
    spread_factor: Quantity,
    family_log_error_ratio: Quantity,
    build_log_error_ratio: Quantity,
) -> Quantity:
    r"""Error of a prediction away from the rows of the fit.

    Parameters
    ----------
    log_error_ratio : array_like
        Logarithm of measured over predicted on groups left out of the fit. [1]
    spread_factor : array_like
        How much wider errors are on this accelerator; 1 where the fit has seen it. [1]
    family_log_error_ratio, build_log_error_ratio : array_like
        What a family of models and a release that no row holds add; 0 where one does. [1]

    Returns
    -------
    unseen_log_error_ratio : float or ndarray
        [1]

    Notes
    -----
    .. math:: \varepsilon' = f \varepsilon + \varepsilon_f + \varepsilon_b

    The errors are independent, so that their squares add.

    Examples
    --------
    >>> round(float(unseen_log_error_ratio(log_error_ratio=0.1, spread_factor=1.5,
    ...     family_log_error_ratio=0.2, build_log_error_ratio=-0.05)), 3)
    0.3
    """
    return log_error_ratio * spread_factor + family_log_error_ratio + build_log_error_ratio


@formula
def time_with_error_s(
    *,
    time_s: Quantity,
    log_error_ratio: Quantity,
) -> Quantity:
    r"""A predicted time, as far off as the fit was on groups that it did not see.

    Parameters
    ----------
    time_s : array_like
        As the law has it. [s]
    log_error_ratio : array_like
        Logarithm of measured over predicted; a distribution around zero. [1]

    Returns
    -------
    time_with_error_s : float or ndarray
        [s]

    Notes
    -----
    .. math:: T' = T e^{\varepsilon}

    Examples
    --------
    >>> round(float(time_with_error_s(time_s=2.0, log_error_ratio=0.1)), 2)
    2.21
    """
    return time_s * np.exp(log_error_ratio)


@formula
def rate_with_error_per_s(
    *,
    rate_requests_per_s: Quantity,
    log_error_ratio: Quantity,
) -> Quantity:
    r"""A predicted rate, as far off as the fit was on groups that it did not see.

    Parameters
    ----------
    rate_requests_per_s : array_like
        Of requests or tokens, as the law has it. [1/s]
    log_error_ratio : array_like
        Logarithm of measured over predicted; a distribution around zero. [1]

    Returns
    -------
    rate_with_error_per_s : float or ndarray
        [1/s]

    Notes
    -----
    .. math:: X' = X e^{\varepsilon}

    Examples
    --------
    >>> round(float(rate_with_error_per_s(rate_requests_per_s=2.0, log_error_ratio=0.1)), 2)
    2.21
    """
    return rate_requests_per_s * np.exp(log_error_ratio)

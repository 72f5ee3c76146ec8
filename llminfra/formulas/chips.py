"""What a chip can do where its data sheet does not say it, and how its setting limits it."""

from typing import Final

import numpy as np

from llminfra.formulas._formula import Quantity, formula

_LANE_BITS: Final = 16
_MULTIPLY_ADD: Final = 2  # FLOP


@formula
def half_sums_flop_per_s(*, flop_per_s: Quantity, int8_op_per_s: Quantity) -> Quantity:
    r"""Peak in 16 bits of products whose sums have 16 bits too, as llama.cpp takes them.

    Parameters
    ----------
    flop_per_s : array_like
        The data sheet's, with sums of 32 bits, which consumer cards halve. [FLOP/s]
    int8_op_per_s : array_like
        8-bit products, twice as fast as 16-bit ones and not halved. [op/s]

    Returns
    -------
    half_sums_flop_per_s : float or ndarray
        [FLOP/s]

    Notes
    -----
    .. math:: F = \max(F_{32}, F_8 / 2)

    Examples
    --------
    >>> float(half_sums_flop_per_s(flop_per_s=71e12, int8_op_per_s=284e12)) / 1e12
    142.0
    """
    return np.maximum(flop_per_s, int8_op_per_s / 2)


@formula
def cores_flop_per_s(
    *,
    n_cores: Quantity,
    clock_hz: Quantity,
    vector_bits: Quantity,
) -> Quantity:
    r"""Peak of a processor's vector units in 16 bits.

    Parameters
    ----------
    n_cores : array_like
        Cores. [1]
    clock_hz : array_like
        Cycles per second. [1/s]
    vector_bits : array_like
        Width of a core's vector unit. [bit]

    Returns
    -------
    cores_flop_per_s : float or ndarray
        [FLOP/s]

    Notes
    -----
    .. math:: F = n \, f \, v \cdot 2 / 16

    Examples
    --------
    >>> float(cores_flop_per_s(n_cores=16, clock_hz=5e9, vector_bits=512)) / 1e12
    5.12
    """
    return n_cores * clock_hz * vector_bits * _MULTIPLY_ADD / _LANE_BITS


@formula
def cycles_per_s(*, n_multiprocessors: Quantity, clock_hz: Quantity) -> Quantity:
    r"""Cycles of all multiprocessors of a chip, each of which takes in so many bytes.

    Parameters
    ----------
    n_multiprocessors, clock_hz : array_like
        Multiprocessors, and cycles of one per second. [1, 1/s]

    Returns
    -------
    cycles_per_s : float or ndarray
        [1/s]

    Notes
    -----
    .. math:: n = m \, f

    Examples
    --------
    >>> float(cycles_per_s(n_multiprocessors=128, clock_hz=2.5e9)) / 1e9
    320.0
    """
    return n_multiprocessors * clock_hz


@formula
def limited_speed_fraction(
    *,
    power_w: Quantity,
    peak_flop_per_s: Quantity,
    full_speed_j_per_flop: Quantity,
) -> Quantity:
    r"""Share of full speed that a card's power limit allows.

    Parameters
    ----------
    power_w, peak_flop_per_s : array_like
        Limit of the card, and its arithmetic. [W, FLOP/s]
    full_speed_j_per_flop : array_like
        Energy with which cards of its generation reach full speed. [J/FLOP]

    Returns
    -------
    limited_speed_fraction : float or ndarray
        [1]

    Notes
    -----
    .. math:: a = \min\left(\frac{P}{F_p \, \epsilon}, 1\right)

    References
    ----------
    Fit on published tables, ``catalog/serving_constants.csv``.

    Examples
    --------
    >>> float(limited_speed_fraction(power_w=350, peak_flop_per_s=700e12,
    ...     full_speed_j_per_flop=1e-12))
    0.5
    """
    return np.minimum(power_w / peak_flop_per_s / full_speed_j_per_flop, 1.0)

"""Bits of a weight in files that mix types of blocks."""

from llminfra.formulas._formula import Quantity, formula


@formula
def mixed_bits(
    *, bits_per_weight: Quantity, mix_bits: Quantity, plain_mix_bits: Quantity
) -> Quantity:
    r"""Bits of a weight in a mix of types, from those of a plain model.

    Parameters
    ----------
    bits_per_weight : array_like
        Bits of a weight in files of a plain model, with how producers differ. [bit]
    mix_bits, plain_mix_bits : array_like
        What the mix makes of the matrices of this model, and of those of a plain one. [bit]

    Returns
    -------
    mixed_bits : float or ndarray
        [bit]

    Notes
    -----
    .. math:: b = b_0 \frac{m}{m_0}

    Examples
    --------
    Rows of 1,408 values take larger blocks:

    >>> round(float(mixed_bits(bits_per_weight=4.8, mix_bits=5.1, plain_mix_bits=4.8)), 6)
    5.1
    """
    return bits_per_weight * mix_bits / plain_mix_bits


@formula
def parts_bits(*, part_fraction: Quantity, part_bits: Quantity, other_bits: Quantity) -> Quantity:
    r"""Mean bits of weights of which a part is stored in a format of its own.

    Parameters
    ----------
    part_fraction : array_like
        Share of the part. [1]
    part_bits, other_bits : array_like
        Bits of its weights, and of the others. [bit]

    Returns
    -------
    parts_bits : float or ndarray
        [bit]

    Notes
    -----
    .. math:: b = f b_p + (1 - f) b_o

    Examples
    --------
    >>> float(parts_bits(part_fraction=0.5, part_bits=4.25, other_bits=8.5))
    6.375
    """
    return part_fraction * part_bits + (1 - part_fraction) * other_bits

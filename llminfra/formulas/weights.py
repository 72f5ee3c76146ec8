"""Bytes of weights: of a model, its encoders and adapters, on an accelerator or in files."""

from llminfra.formulas._formula import Quantity, formula
from llminfra.units import BITS_PER_BYTE


@formula
def weight_bytes(
    *,
    quantized_parameters: Quantity,
    bits_per_weight: Quantity,
    kernel_padding_ratio: Quantity,
    embedding_parameters: Quantity,
    embedding_bits: Quantity,
    head_parameters: Quantity,
    head_bits: Quantity,
    other_parameters: Quantity,
    unquantized_bits: Quantity,
) -> Quantity:
    """Memory of weights, of which some tensors are kept at a higher precision than the rest.

    Parameters
    ----------
    quantized_parameters, embedding_parameters, head_parameters, other_parameters : array_like
        Parameters of the quantised tensors, the input embedding, the output head, the rest. [1]
    bits_per_weight, embedding_bits, head_bits, unquantized_bits : array_like
        Effective bits of each, scales included. [bit]
    kernel_padding_ratio : array_like
        Loaded over stored size of the quantised tensors. [1]

    Returns
    -------
    weight_bytes : float or ndarray
        [byte]

    Notes
    -----
    .. math:: W = (r P_q b_q + P_e b_e + P_h b_h + P_o b_o) / 8

    References
    ----------
    The precision recipes are listed in ``catalog/precisions.csv``.

    Examples
    --------
    Llama 3.3 70B in FP8 with embedding and head in 16 bits is 72.7 GB:

    >>> size = weight_bytes(
    ...     quantized_parameters=68_450_975_744, bits_per_weight=8, kernel_padding_ratio=1,
    ...     embedding_parameters=1_050_673_152, embedding_bits=16,
    ...     head_parameters=1_050_673_152, head_bits=16,
    ...     other_parameters=1_384_448, unquantized_bits=16)
    >>> round(float(size) / 1e9, 1)
    72.7
    """
    weight_bits = (
        kernel_padding_ratio * quantized_parameters * bits_per_weight
        + embedding_parameters * embedding_bits
        + head_parameters * head_bits
        + other_parameters * unquantized_bits
    )
    return weight_bits / BITS_PER_BYTE


@formula
def adapter_bytes(
    *, lora_adapters: Quantity, parameters: Quantity, bits_per_weight: Quantity
) -> Quantity:
    r"""Memory of low-rank adapters held beside a model.

    Parameters
    ----------
    lora_adapters : array_like
        Adapters that the engine keeps room for. [1]
    parameters : array_like
        Parameters of one adapter on one accelerator. [1]
    bits_per_weight : array_like
        Bits of one parameter. [bit]

    Returns
    -------
    adapter_bytes : float or ndarray
        [byte]

    Notes
    -----
    .. math:: W_a = n P b / 8

    References
    ----------
    Hu et al. (2021), LoRA: low-rank adaptation of large language models.

    Examples
    --------
    Eight adapters of rank 16 on Llama 3.1 8B:

    >>> size = adapter_bytes(lora_adapters=8, parameters=41_943_040, bits_per_weight=16)
    >>> int(size)
    671088640
    """
    return lora_adapters * parameters * bits_per_weight / BITS_PER_BYTE


@formula
def tower_bytes(*, parameters: Quantity, bits_per_weight: Quantity) -> Quantity:
    r"""Memory of an encoder beside the language model.

    Parameters
    ----------
    parameters : array_like
        Parameters of the encoders and their projectors on one accelerator. [1]
    bits_per_weight : array_like
        Bits of one parameter. [bit]

    Returns
    -------
    tower_bytes : float or ndarray
        [byte]

    Notes
    -----
    .. math:: W_t = P b / 8

    Examples
    --------
    The encoder of Qwen2-VL 7B in 16 bits:

    >>> int(tower_bytes(parameters=675_759_104, bits_per_weight=16))
    1351518208
    """
    return parameters * bits_per_weight / BITS_PER_BYTE


@formula
def held_weight_bytes(
    *, weight_bytes: Quantity, tower_bytes: Quantity, draft_bytes: Quantity, more_bytes: Quantity
) -> Quantity:
    r"""Weights that stand together, on one accelerator or in the files of a checkpoint.

    Parameters
    ----------
    weight_bytes, tower_bytes, draft_bytes : array_like
        Of the language model, of encoders beside it, and of what drafts. [byte]
    more_bytes : array_like
        Adapters on an accelerator; copies of tables in files. [byte]

    Returns
    -------
    held_weight_bytes : float or ndarray
        [byte]

    Notes
    -----
    .. math:: W = W_m + W_t + W_d + W_+

    Examples
    --------
    A model of 14.1 GB with an encoder of 1.4 GB:

    >>> float(held_weight_bytes(weight_bytes=14.1e9, tower_bytes=1.4e9, draft_bytes=0,
    ...     more_bytes=0)) / 1e9
    15.5
    """
    return weight_bytes + tower_bytes + draft_bytes + more_bytes


@formula
def typed_bits(
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
    typed_bits : float or ndarray
        [bit]

    Notes
    -----
    .. math:: b = b_0 \frac{m}{m_0}

    Examples
    --------
    Rows of 1,408 values take larger blocks:

    >>> round(float(typed_bits(bits_per_weight=4.8, mix_bits=5.1, plain_mix_bits=4.8)), 6)
    5.1
    """
    return bits_per_weight * mix_bits / plain_mix_bits


@formula
def mixed_bits(*, own_bits: Quantity, other_bits: Quantity, own_fraction: Quantity) -> Quantity:
    r"""Mean bits of weights that are stored in two ways.

    Parameters
    ----------
    own_bits, other_bits : array_like
        Bits of a weight stored in either way. [bit]
    own_fraction : array_like
        Share of the weights that are stored in the first way. [1]

    Returns
    -------
    mixed_bits : float or ndarray
        [bit]

    Notes
    -----
    .. math:: b = s \, b_1 + (1 - s) \, b_2

    Examples
    --------
    Nine tenths of the weights in 4.25 bits beside embeddings in 16:

    >>> round(float(mixed_bits(own_bits=4.25, other_bits=16, own_fraction=0.9)), 3)
    5.425
    """
    return own_fraction * own_bits + (1 - own_fraction) * other_bits

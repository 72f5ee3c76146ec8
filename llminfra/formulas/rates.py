"""What an engine reaches of a data sheet, and what its layers take."""

import numpy as np

from llminfra.formulas._formula import Quantity, formula


@formula
def effective_flop_per_s(
    *,
    peak_flop_per_s: Quantity,
    arithmetic_fraction: Quantity,
    power_fraction: Quantity = 1,
    tuning_factor: Quantity = 1,
) -> Quantity:
    r"""Arithmetic that an engine reaches of the data sheet's.

    Parameters
    ----------
    peak_flop_per_s : array_like
        The data sheet's. [FLOP/s]
    arithmetic_fraction : array_like
        Share that was measured. [1]
    power_fraction, tuning_factor : array_like
        What the card's power limit leaves, and the build against the one that was measured. [1]

    Returns
    -------
    effective_flop_per_s : float or ndarray
        [FLOP/s]

    Notes
    -----
    .. math:: F = \eta \, a \, \tau \, F_p

    References
    ----------
    Fit on published tables, ``catalog/serving_constants.csv``.

    Examples
    --------
    >>> float(effective_flop_per_s(peak_flop_per_s=1979e12, arithmetic_fraction=0.6)) / 1e12
    1187.4
    """
    return peak_flop_per_s * arithmetic_fraction * power_fraction * tuning_factor


@formula
def stream_limit_bytes_per_s(
    *,
    limit_bytes_per_s: Quantity,
    n_stream_units: Quantity,
    unit_bytes_per_s: Quantity,
) -> Quantity:
    r"""Most that the parts of a chip take in, whatever its memory could send.

    Parameters
    ----------
    limit_bytes_per_s : array_like
        A limit seen on cards; infinite where there is none. [byte/s]
    n_stream_units : array_like
        Cycles per second of all multiprocessors, or cores. [1]
    unit_bytes_per_s : array_like
        What one of those takes: bytes of a cycle, or of a core in a second. [byte/s]

    Returns
    -------
    stream_limit_bytes_per_s : float or ndarray
        [byte/s]

    Notes
    -----
    .. math:: \beta_s = \min(\beta_l, n \, u)

    References
    ----------
    Fit on published tables, ``catalog/serving_constants.csv``.

    Examples
    --------
    >>> float(stream_limit_bytes_per_s(limit_bytes_per_s=np.inf, n_stream_units=96,
    ...     unit_bytes_per_s=5e9)) / 1e9
    480.0
    """
    return np.minimum(limit_bytes_per_s, n_stream_units * unit_bytes_per_s)


@formula
def read_bytes_per_s(
    *,
    memory_bytes_per_s: Quantity,
    bandwidth_fraction: Quantity,
    limit_bytes_per_s: Quantity,
) -> Quantity:
    r"""Rate at which an engine reads weights or cache.

    Parameters
    ----------
    memory_bytes_per_s : array_like
        The data sheet's bandwidth. [byte/s]
    bandwidth_fraction : array_like
        Share that was measured. [1]
    limit_bytes_per_s : array_like
        Most that the chip takes in; infinite where there is no limit. [byte/s]

    Returns
    -------
    read_bytes_per_s : float or ndarray
        [byte/s]

    Notes
    -----
    .. math:: \beta = \min(\eta \, \beta_m, \beta_s)

    References
    ----------
    Fit on published tables, ``catalog/serving_constants.csv``.

    Examples
    --------
    >>> float(read_bytes_per_s(memory_bytes_per_s=4.8e12, bandwidth_fraction=0.95,
    ...     limit_bytes_per_s=np.inf)) / 1e12
    4.56
    """
    return np.minimum(memory_bytes_per_s * bandwidth_fraction, limit_bytes_per_s)


@formula
def link_bytes_per_s(*, peak_bytes_per_s: Quantity, link_fraction: Quantity) -> Quantity:
    r"""Rate at which one accelerator sends sums to the others of its group.

    Parameters
    ----------
    peak_bytes_per_s : array_like
        The data sheet's, of one direction. [byte/s]
    link_fraction : array_like
        Share that was measured. [1]

    Returns
    -------
    link_bytes_per_s : float or ndarray
        [byte/s]

    Notes
    -----
    .. math:: \beta_l = \eta_l \, \beta_p

    References
    ----------
    Fit on published tables, ``catalog/serving_constants.csv``.

    Examples
    --------
    >>> float(link_bytes_per_s(peak_bytes_per_s=450e9, link_fraction=0.6)) / 1e9
    270.0
    """
    return peak_bytes_per_s * link_fraction


@formula
def link_bytes_per_token(
    *,
    reduced_bytes_per_token: Quantity,
    exchanged_bytes_per_token: Quantity,
    link_fraction: Quantity,
    exchange_bandwidth_fraction: Quantity,
) -> Quantity:
    r"""What an accelerator sends for a token, in bytes at the rate of sums.

    Parameters
    ----------
    reduced_bytes_per_token : array_like
        Sums over the tensor-parallel group. [byte/token]
    exchanged_bytes_per_token : array_like
        Activations sent to experts elsewhere and back. [byte/token]
    link_fraction, exchange_bandwidth_fraction : array_like
        Share of the link that sums reach, and exchanges. [1]

    Returns
    -------
    link_bytes_per_token : float or ndarray
        [byte/token]

    Notes
    -----
    .. math:: b_l = b_r + b_x \, \eta_l / \eta_x

    Examples
    --------
    >>> float(link_bytes_per_token(reduced_bytes_per_token=1e6, exchanged_bytes_per_token=5e5,
    ...     link_fraction=0.6, exchange_bandwidth_fraction=0.3)) / 1e6
    2.0
    """
    exchanged = exchanged_bytes_per_token * link_fraction / exchange_bandwidth_fraction
    return reduced_bytes_per_token + exchanged


@formula
def overhead_s(
    *,
    n_layers: Quantity,
    layer_overhead_s: Quantity,
    n_latent_layers: Quantity,
    latent_layer_overhead_s: Quantity,
    n_index_layers: Quantity,
    index_layer_overhead_s: Quantity,
    n_state_layers: Quantity,
    state_layer_overhead_s: Quantity,
    n_experts_layers: Quantity,
    experts_layer_overhead_s: Quantity,
    n_hops: Quantity,
    stage_hop_s: Quantity,
) -> Quantity:
    r"""Time of a step that no data sheet tells: launches, small kernels, latency of links.

    Parameters
    ----------
    n_layers, layer_overhead_s : array_like
        Layers, and time that each takes. [1, s]
    n_latent_layers, latent_layer_overhead_s, n_index_layers, index_layer_overhead_s : array_like
        Those with latent attention or an index, and what each takes beside. [1, s, 1, s]
    n_state_layers, state_layer_overhead_s, n_experts_layers, experts_layer_overhead_s : array_like
        Those with a state or experts, and what each takes beside. [1, s, 1, s]
    n_hops, stage_hop_s : array_like
        Hand-overs between stages, and time of one. [1, s]

    Returns
    -------
    overhead_s : float or ndarray
        [s]

    Notes
    -----
    .. math:: t_L = l \, t_l + \sum_j l_j t_j + h \, t_h

    References
    ----------
    Fit on published tables, ``catalog/serving_constants.csv``.

    Examples
    --------
    >>> round(float(overhead_s(n_layers=80, layer_overhead_s=55e-6, n_latent_layers=0,
    ...     latent_layer_overhead_s=0, n_index_layers=0, index_layer_overhead_s=0, n_state_layers=0,
    ...     state_layer_overhead_s=0, n_experts_layers=0, experts_layer_overhead_s=0, n_hops=1,
    ...     stage_hop_s=1e-4)) * 1e3, 2)
    4.5
    """
    return (
        n_layers * layer_overhead_s
        + n_latent_layers * latent_layer_overhead_s
        + n_index_layers * index_layer_overhead_s
        + n_state_layers * state_layer_overhead_s
        + n_experts_layers * experts_layer_overhead_s
        + n_hops * stage_hop_s
    )


@formula
def pass_floor_s(
    *,
    n_layers: Quantity,
    pass_overhead_s: Quantity,
    n_latent_layers: Quantity,
    latent_pass_overhead_s: Quantity,
) -> Quantity:
    r"""Launches of one pass over a prompt, below which no prompt takes.

    Parameters
    ----------
    n_layers, pass_overhead_s : array_like
        Layers, and time that each takes. [1, s]
    n_latent_layers, latent_pass_overhead_s : array_like
        Those with latent attention, and what each takes beside. [1, s]

    Returns
    -------
    pass_floor_s : float or ndarray
        [s]

    Notes
    -----
    .. math:: t_f = l \, t_p + l_l \, t_{pl}

    References
    ----------
    Fit on published tables, ``catalog/serving_constants.csv``.

    Examples
    --------
    >>> float(pass_floor_s(n_layers=80, pass_overhead_s=2e-4, n_latent_layers=0,
    ...     latent_pass_overhead_s=0))
    0.016
    """
    return n_layers * pass_overhead_s + n_latent_layers * latent_pass_overhead_s


@formula
def pipeline_fraction(*, stage_fraction: Quantity, n_hops: Quantity) -> Quantity:
    r"""Rate of a full batch dealt over stages, against stages that never wait for each other.

    Parameters
    ----------
    stage_fraction : array_like
        Share that was measured with more than one stage. [1]
    n_hops : array_like
        Hand-overs between stages: none with a single one. [1]

    Returns
    -------
    pipeline_fraction : float or ndarray
        [1]

    Notes
    -----
    .. math:: f = f_s^{\min(h, 1)}

    References
    ----------
    Fit on published tables, ``catalog/serving_constants.csv``.

    Examples
    --------
    >>> pipeline_fraction(stage_fraction=0.8, n_hops=[0, 3])
    array([1. , 0.8])
    """
    return stage_fraction ** np.minimum(n_hops, 1.0)


@formula
def mixed_overhead_s(*, n_layers: Quantity, mixed_layer_overhead_s: Quantity) -> Quantity:
    r"""Extra time of a decode step that reads a prompt as well.

    Parameters
    ----------
    n_layers : array_like
        Layers. [1]
    mixed_layer_overhead_s : array_like
        Extra time of each in a step that reads a prompt as well. [s]

    Returns
    -------
    mixed_overhead_s : float or ndarray
        [s]

    Notes
    -----
    .. math:: t_x = l \, t_m

    Examples
    --------
    >>> round(float(mixed_overhead_s(n_layers=80, mixed_layer_overhead_s=250e-6)), 3)
    0.02
    """
    return n_layers * mixed_layer_overhead_s


@formula
def raised_overhead_s(*, overhead_s: Quantity, added_s: Quantity) -> Quantity:
    r"""Time that a layer or a pass takes beside its products, with what a way to run it adds.

    Parameters
    ----------
    overhead_s : array_like
        Of a layer or a pass as most are run. [s]
    added_s : array_like
        What eager mode, a split of contexts or a group across servers adds. [s]

    Returns
    -------
    raised_overhead_s : float or ndarray
        [s]

    Notes
    -----
    .. math:: t' = t + \Delta t

    Examples
    --------
    >>> round(float(raised_overhead_s(overhead_s=55e-6, added_s=20e-6)), 6)
    7.5e-05
    """
    return overhead_s + added_s

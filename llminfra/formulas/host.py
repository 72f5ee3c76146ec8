"""Weights that lie in the memory of the host: what is left, and how fast all of them are read."""

import numpy as np

from llminfra.formulas._formula import Quantity, formula


@formula
def left_weight_bytes(*, weight_bytes: Quantity, host_weight_bytes: Quantity) -> Quantity:
    r"""Weights that stay on an accelerator when part of them lies on the host.

    Parameters
    ----------
    weight_bytes : array_like
        Weights of the accelerator's rank. [byte]
    host_weight_bytes : array_like
        Of those, what is read from the host. [byte]

    Returns
    -------
    left_weight_bytes : float or ndarray
        [byte]

    Notes
    -----
    .. math:: W' = \max(W - W_h, 0)

    Examples
    --------
    >>> float(left_weight_bytes(weight_bytes=16e9, host_weight_bytes=4e9)) / 1e9
    12.0
    """
    return np.maximum(weight_bytes - host_weight_bytes, 0.0)


@formula
def host_weight_fraction(
    *, host_weight_bytes: Quantity, weight_bytes: Quantity, expert_bytes: Quantity
) -> Quantity:
    r"""Share of an accelerator's weights that lies on the host.

    Parameters
    ----------
    host_weight_bytes : array_like
        Of its weights, what is read from the host. [byte]
    weight_bytes, expert_bytes : array_like
        All of them: those that each token reads, and those of experts. [byte]

    Returns
    -------
    host_weight_fraction : float or ndarray
        [1]

    Notes
    -----
    .. math:: h = \min(W_h / (W + W_e), 1)

    Examples
    --------
    >>> float(host_weight_fraction(host_weight_bytes=4e9, weight_bytes=4e9, expert_bytes=12e9))
    0.25
    """
    return np.minimum(host_weight_bytes / (weight_bytes + expert_bytes), 1.0)


@formula
def shared_bytes_per_s(
    *, device_bytes_per_s: Quantity, host_bytes_per_s: Quantity, host_fraction: Quantity
) -> Quantity:
    r"""Mean rate at which weights are read when the host holds part of them.

    Parameters
    ----------
    device_bytes_per_s, host_bytes_per_s : array_like
        Effective rates of the accelerator's memory, and of the host's or the link to it. [byte/s]
    host_fraction : array_like
        Share of the bytes that lies on the host. [1]

    Returns
    -------
    shared_bytes_per_s : float or ndarray
        [byte/s]

    Notes
    -----
    .. math:: \beta = \left( \frac{1 - h}{\beta_d} + \frac{h}{\beta_h} \right)^{-1}

    Parts are read one after the other.

    Examples
    --------
    A tenth at 40 GB/s beside 1 TB/s leaves a third:

    >>> round(float(shared_bytes_per_s(device_bytes_per_s=1e12, host_bytes_per_s=40e9,
    ...     host_fraction=0.1)) / 1e9)
    294
    """
    return 1 / ((1 - host_fraction) / device_bytes_per_s + host_fraction / host_bytes_per_s)


@formula
def host_overhead_s(
    *, overhead_s: Quantity, n_layers: Quantity, host_layer_overhead_s: Quantity
) -> Quantity:
    r"""Launches of a step some of whose layers the host computes.

    Parameters
    ----------
    overhead_s : array_like
        Launches and latency of all layers. [s]
    n_layers : array_like
        Layers for which the step goes to the host and back. [1]
    host_layer_overhead_s : array_like
        What each of them takes beside. [s]

    Returns
    -------
    host_overhead_s : float or ndarray
        [s]

    Notes
    -----
    .. math:: t_L' = t_L + l_h \, c_h

    Examples
    --------
    >>> round(float(host_overhead_s(overhead_s=0.003, n_layers=24,
    ...     host_layer_overhead_s=0.0005)), 4)
    0.015
    """
    return overhead_s + n_layers * host_layer_overhead_s

"""What a service needs beside its accelerators: rules of thumb whose constants are facts."""

import numpy as np

from llminfra.formulas._formula import Quantity, formula
from llminfra.units import HOURS_PER_MONTH, SECONDS_PER_HOUR


@formula
def host_memory_bytes(
    *,
    weight_bytes: Quantity,
    accelerator_memory_bytes: Quantity,
    weight_memory_ratio: Quantity,
    accelerator_memory_ratio: Quantity,
) -> Quantity:
    r"""Main memory of the hosts: room to load weights, or to hold caches that were moved out.

    Parameters
    ----------
    weight_bytes : array_like
        Weights of all replicas. [byte]
    accelerator_memory_bytes : array_like
        Memory of all accelerators. [byte]
    weight_memory_ratio, accelerator_memory_ratio : array_like
        Main memory for each byte of either. [1]

    Returns
    -------
    host_memory_bytes : float or ndarray
        [byte]

    Notes
    -----
    .. math:: H = \max(\alpha W, \beta M)

    References
    ----------
    Rule of thumb; the constants are assumptions of the catalogue.

    Examples
    --------
    70 B parameters in 16 bits on 8 x 80 GB:

    >>> float(host_memory_bytes(weight_bytes=141e9, accelerator_memory_bytes=640e9,
    ...     weight_memory_ratio=1.5, accelerator_memory_ratio=2)) / 1e9
    1280.0
    """
    return np.maximum(
        weight_memory_ratio * weight_bytes, accelerator_memory_ratio * accelerator_memory_bytes
    )


@formula
def disk_bytes(
    *, weight_bytes: Quantity, weight_disk_ratio: Quantity, n_versions: Quantity
) -> Quantity:
    r"""Fast disk: copies of the weights for each version that is kept at hand.

    Parameters
    ----------
    weight_bytes : array_like
        Weights of one copy on each server, all servers together. [byte]
    weight_disk_ratio : array_like
        Disk for each byte of weights: the checkpoint, the converted one, room to swap. [1]
    n_versions : array_like
        Versions kept for going back. [1]

    Returns
    -------
    disk_bytes : float or ndarray
        [byte]

    Notes
    -----
    .. math:: D = \gamma v W

    References
    ----------
    Rule of thumb; the constants are assumptions of the catalogue.

    Examples
    --------
    >>> float(disk_bytes(weight_bytes=141e9, weight_disk_ratio=3, n_versions=2)) / 1e9
    846.0
    """
    return weight_disk_ratio * n_versions * weight_bytes


@formula
def log_bytes(
    *,
    requests_per_s: Quantity,
    tokens_per_request: Quantity,
    log_bytes_per_token: Quantity,
    log_bytes_per_request: Quantity,
    retention_hours: Quantity,
) -> Quantity:
    r"""Logs of prompts and answers that are kept.

    Parameters
    ----------
    requests_per_s : array_like
        Mean over the days that are kept. [1/s]
    tokens_per_request : array_like
        Prompt and answer. [token]
    log_bytes_per_token, log_bytes_per_request : array_like
        Text of a token, and everything around a request. [byte/token, byte]
    retention_hours : array_like
        How long logs are kept. [h]

    Returns
    -------
    log_bytes : float or ndarray
        [byte]

    Notes
    -----
    .. math:: L = 3600 \, h \, \lambda (b_t T + b_r)

    References
    ----------
    Rule of thumb; the constants are assumptions of the catalogue.

    Examples
    --------
    5.1 million requests of 700 tokens in a month are 24.5 GB:

    >>> kept = log_bytes(requests_per_s=5.1e6 / (730 * 3600), tokens_per_request=700,
    ...     log_bytes_per_token=4, log_bytes_per_request=2000, retention_hours=730)
    >>> round(float(kept) / 1e9, 1)
    24.5
    """
    request_bytes = log_bytes_per_token * tokens_per_request + log_bytes_per_request
    return SECONDS_PER_HOUR * retention_hours * requests_per_s * request_bytes


@formula
def front_bytes_per_s(
    *, requests_per_s: Quantity, output_tokens: Quantity, front_bytes_per_token: Quantity
) -> Quantity:
    r"""Traffic of streamed answers through the gateway.

    Parameters
    ----------
    requests_per_s : array_like
        At the peak. [1/s]
    output_tokens : array_like
        Length of an answer. [token]
    front_bytes_per_token : array_like
        A streamed token with its envelope. [byte/token]

    Returns
    -------
    front_bytes_per_s : float or ndarray
        [byte/s]

    Notes
    -----
    .. math:: B = \lambda \, o \, b

    References
    ----------
    Rule of thumb; the constant is an assumption of the catalogue.

    Examples
    --------
    Nine answers of 300 tokens per second are half a megabyte per second:

    >>> float(front_bytes_per_s(requests_per_s=9, output_tokens=300, front_bytes_per_token=200))
    540000.0
    """
    return requests_per_s * output_tokens * front_bytes_per_token


@formula
def power_w(
    *,
    n_accelerators: Quantity,
    accelerator_w: Quantity,
    host_w_per_accelerator: Quantity,
) -> Quantity:
    r"""Power at the wall that servers may draw at most.

    Parameters
    ----------
    n_accelerators : array_like
        All of them. [accelerator]
    accelerator_w, host_w_per_accelerator : array_like
        Limit of an accelerator, and its share of the host. [W]

    Returns
    -------
    power_w : float or ndarray
        Before cooling. [W]

    Notes
    -----
    .. math:: P = n (p_a + p_h)

    Examples
    --------
    >>> float(power_w(n_accelerators=8, accelerator_w=400, host_w_per_accelerator=150))
    4400.0
    """
    return n_accelerators * (accelerator_w + host_w_per_accelerator)


@formula
def copies_bytes(*, weight_bytes: Quantity, n_copies: Quantity) -> Quantity:
    r"""Weights of all copies.

    Parameters
    ----------
    weight_bytes : array_like
        Weights of one. [byte]
    n_copies : array_like
        Copies. [1]

    Returns
    -------
    copies_bytes : float or ndarray
        [byte]

    Notes
    -----
    .. math:: W = n\,w

    Examples
    --------
    >>> float(copies_bytes(weight_bytes=141e9, n_copies=2))
    282000000000.0
    """
    return weight_bytes * n_copies


@formula
def retention_hours(*, retention_months: Quantity) -> Quantity:
    r"""How long something is kept, in hours.

    Parameters
    ----------
    retention_months : array_like
        Months of 730 hours. [month]

    Returns
    -------
    retention_hours : float or ndarray
        [h]

    Notes
    -----
    .. math:: h = 730\,m

    Examples
    --------
    >>> float(retention_hours(retention_months=6))
    4380.0
    """
    return retention_months * HOURS_PER_MONTH


@formula
def rated_servers_w(
    *, rated_w: Quantity, accelerators_per_server: Quantity, n_accelerators: Quantity
) -> Quantity:
    r"""Rated power of accelerators with their share of a server.

    Parameters
    ----------
    rated_w : array_like
        Rated power of a server. [W]
    accelerators_per_server : array_like
        Accelerators in it. [accelerator]
    n_accelerators : array_like
        Accelerators in use. [1]

    Returns
    -------
    rated_servers_w : float or ndarray
        [W]

    Notes
    -----
    .. math:: P = n\,P_s / n_s

    Examples
    --------
    >>> float(rated_servers_w(rated_w=6500, accelerators_per_server=8, n_accelerators=4))
    3250.0
    """
    return rated_w / accelerators_per_server * n_accelerators

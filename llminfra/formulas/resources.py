"""What a service needs beside its accelerators: rules of thumb whose constants are facts."""

import numpy as np

from llminfra.formulas._formula import Quantity, formula
from llminfra.units import HOURS_PER_MONTH, SECONDS_PER_HOUR


@formula
def host_memory_bytes(
    *,
    weight_bytes: Quantity,
    n_copies: Quantity,
    accelerator_memory_bytes: Quantity,
    n_accelerators: Quantity,
    weight_memory_ratio: Quantity,
    accelerator_memory_ratio: Quantity,
) -> Quantity:
    r"""Main memory of the hosts: room to load weights, or to hold caches that were moved out.

    Parameters
    ----------
    weight_bytes, accelerator_memory_bytes : array_like
        Weights of one replica, and memory of one accelerator. [byte]
    n_copies, n_accelerators : array_like
        Replicas, and accelerators of all of them. [1]
    weight_memory_ratio, accelerator_memory_ratio : array_like
        Main memory for each byte of either. [1]

    Returns
    -------
    host_memory_bytes : float or ndarray
        [byte]

    Notes
    -----
    .. math:: H = \max(\alpha \, r \, W, \; \beta \, n \, M)

    References
    ----------
    Rule of thumb; the constants are assumptions of the catalogue.

    Examples
    --------
    70 B parameters in 16 bits on 8 x 80 GB:

    >>> float(host_memory_bytes(weight_bytes=141e9, n_copies=1, accelerator_memory_bytes=80e9,
    ...     n_accelerators=8, weight_memory_ratio=1.5, accelerator_memory_ratio=2)) / 1e9
    1280.0
    """
    loading_bytes = weight_memory_ratio * (weight_bytes * n_copies)
    return np.maximum(
        loading_bytes, accelerator_memory_ratio * (accelerator_memory_bytes * n_accelerators)
    )


@formula
def disk_bytes(
    *,
    weight_bytes: Quantity,
    n_copies: Quantity,
    weight_disk_ratio: Quantity,
    n_versions: Quantity,
) -> Quantity:
    r"""Fast disk: copies of the weights for each version that is kept at hand.

    Parameters
    ----------
    weight_bytes : array_like
        Weights of one copy. [byte]
    n_copies : array_like
        Servers, each of which keeps the weights once. [1]
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
    .. math:: D = \gamma \, v \, n \, W

    References
    ----------
    Rule of thumb; the constants are assumptions of the catalogue.

    Examples
    --------
    >>> float(disk_bytes(weight_bytes=141e9, n_copies=1, weight_disk_ratio=3, n_versions=2)) / 1e9
    846.0
    """
    return weight_disk_ratio * n_versions * (weight_bytes * n_copies)


@formula
def log_bytes(
    *,
    requests_per_s: Quantity,
    tokens_per_request: Quantity,
    log_bytes_per_token: Quantity,
    log_bytes_per_request: Quantity,
    retention_months: Quantity,
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
    retention_months : array_like
        How long logs are kept, in months of 730 hours. [month]

    Returns
    -------
    log_bytes : float or ndarray
        [byte]

    Notes
    -----
    .. math:: L = 3600 \cdot 730 \, m \, \lambda (b_t T + b_r)

    References
    ----------
    Rule of thumb; the constants are assumptions of the catalogue.

    Examples
    --------
    5.1 million requests of 700 tokens in a month are 24.5 GB:

    >>> kept = log_bytes(requests_per_s=5.1e6 / (730 * 3600), tokens_per_request=700,
    ...     log_bytes_per_token=4, log_bytes_per_request=2000, retention_months=1)
    >>> round(float(kept) / 1e9, 1)
    24.5
    """
    request_bytes = log_bytes_per_token * tokens_per_request + log_bytes_per_request
    retention_s = SECONDS_PER_HOUR * (retention_months * HOURS_PER_MONTH)
    return retention_s * requests_per_s * request_bytes


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
def copies_bytes(*, each_bytes: Quantity, n_copies: Quantity) -> Quantity:
    r"""Memory of several things of the same size.

    Parameters
    ----------
    each_bytes : array_like
        Bytes of one. [byte]
    n_copies : array_like
        How many there are. [1]

    Returns
    -------
    copies_bytes : float or ndarray
        [byte]

    Notes
    -----
    .. math:: W = n\,w

    Examples
    --------
    >>> float(copies_bytes(each_bytes=141e9, n_copies=2))
    282000000000.0
    """
    return each_bytes * n_copies


@formula
def links_bytes_per_s(*, link_bytes_per_s: Quantity, n_links: Quantity) -> Quantity:
    r"""Bandwidth of several links of the same kind.

    Parameters
    ----------
    link_bytes_per_s : array_like
        Of one. [byte/s]
    n_links : array_like
        Servers that have one. [1]

    Returns
    -------
    links_bytes_per_s : float or ndarray
        [byte/s]

    Notes
    -----
    .. math:: B = n\,b

    Examples
    --------
    >>> float(links_bytes_per_s(link_bytes_per_s=3.125e9, n_links=2))
    6250000000.0
    """
    return link_bytes_per_s * n_links


@formula
def all_cores(*, each_cores: Quantity, n_machines: Quantity) -> Quantity:
    r"""Processor cores of several machines of the same kind.

    Parameters
    ----------
    each_cores : array_like
        Of one machine, or for one accelerator. [core]
    n_machines : array_like
        How many there are. [1]

    Returns
    -------
    all_cores : float or ndarray
        [core]

    Notes
    -----
    .. math:: C = n\,c

    Examples
    --------
    >>> float(all_cores(each_cores=12, n_machines=8))
    96.0
    """
    return each_cores * n_machines


@formula
def n_instances(*, n_gateways: Quantity, n_monitors: Quantity, n_controllers: Quantity) -> Quantity:
    r"""Small machines that run beside the model's servers.

    Parameters
    ----------
    n_gateways, n_monitors, n_controllers : array_like
        Of each kind. [1]

    Returns
    -------
    n_instances : float or ndarray
        [1]

    Notes
    -----
    .. math:: n = n_g + n_m + n_c

    Examples
    --------
    >>> float(n_instances(n_gateways=2, n_monitors=1, n_controllers=3))
    6.0
    """
    return n_gateways + n_monitors + n_controllers


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

"""Power of an accelerator and of a server under load, from how much work is in the time of a step.

The power is that of the time in which it is drawn; idle hours come in with the share of the time
that is busy.
"""

import numpy as np

from llminfra.formulas._formula import Quantity, formula


@formula
def power_fraction(
    *,
    memory_utilization: Quantity,
    arithmetic_utilization: Quantity,
    floor_fraction: Quantity,
    ceiling_fraction: Quantity,
    memory_weight_ratio: Quantity,
    arithmetic_weight_ratio: Quantity,
) -> Quantity:
    r"""Mean power of a busy accelerator as a share of its power limit.

    Parameters
    ----------
    memory_utilization, arithmetic_utilization : array_like
        Shares of bandwidth and arithmetic peak that the work takes. [1]
    floor_fraction, ceiling_fraction : array_like
        Share of the limit that steps without work would draw, and that no work exceeds; the floor
        is that of a running step, not of an idle accelerator. [1]
    memory_weight_ratio, arithmetic_weight_ratio : array_like
        How fast each utilization takes the power to the ceiling. [1]

    Returns
    -------
    power_fraction : float or ndarray
        [1]

    Notes
    -----
    .. math:: \frac{P}{P_{max}} = p_0 + (p_1 - p_0) \left(1 - e^{-(\alpha u_m + \beta u_c)}\right)

    Fitted on vLLM at batches of 8 to 4,096; the batch alone says little, because it means another
    load for a small model than for a large one.

    References
    ----------
    Saturating sum of two roofline utilizations; constants and errors in the catalogue.

    Examples
    --------
    Llama 3.1 8B on one H100 at 64 sequences, with constants of an earlier fit: 554 of 700 W, where
    610 W were measured:

    >>> share = power_fraction(memory_utilization=0.375, arithmetic_utilization=0.088,
    ...     floor_fraction=0.13, ceiling_fraction=0.90, memory_weight_ratio=2.9,
    ...     arithmetic_weight_ratio=9.9)
    >>> round(float(share) * 700)
    554
    """
    activity = memory_weight_ratio * memory_utilization
    activity = activity + arithmetic_weight_ratio * arithmetic_utilization
    return floor_fraction + (ceiling_fraction - floor_fraction) * -np.expm1(-activity)


@formula
def power_between_w(*, idle_w: Quantity, full_w: Quantity, utilization: Quantity) -> Quantity:
    r"""Power of a machine that rises evenly from idle to full load.

    Parameters
    ----------
    idle_w, full_w : array_like
        Power without load, and at full load. [W]
    utilization : array_like
        Load as a share of the full one. [1]

    Returns
    -------
    power_between_w : float or ndarray
        [W]

    Notes
    -----
    .. math:: P = P_0 + u \, (P_1 - P_0)

    For the host of accelerators, whose fans and supplies follow the heat, `utilization` is the
    accelerators' share of their power limit.

    References
    ----------
    Fan, Weber and Barroso (2007), Power provisioning for a warehouse-sized computer.

    Examples
    --------
    Twelve virtual processors at 49.3 % with the coefficients of Cloud Carbon Footprint:

    >>> round(12 * float(power_between_w(idle_w=0.46, full_w=1.96, utilization=0.493)), 2)
    14.39
    """
    return idle_w + utilization * (full_w - idle_w)


@formula
def server_power_w(
    *,
    accelerators: Quantity,
    accelerator_power_w: Quantity,
    host_power_w: Quantity,
    host_accelerators: Quantity,
) -> Quantity:
    r"""Power of accelerators and their share of a host, at the wall.

    Parameters
    ----------
    accelerators : array_like
        Accelerators that are counted. [accelerator]
    accelerator_power_w : array_like
        Mean power of one. [W]
    host_power_w : array_like
        Power of a whole host without its accelerators, losses of its supplies included. [W]
    host_accelerators : array_like
        Accelerators that share a host. [accelerator]

    Returns
    -------
    server_power_w : float or ndarray
        [W]

    Notes
    -----
    .. math:: P_s = n P + \frac{n}{h} P_h

    Examples
    --------
    Eight H100 at 700 W in a host of 2 kW:

    >>> float(server_power_w(accelerators=8, accelerator_power_w=700, host_power_w=2000,
    ...     host_accelerators=8))
    7600.0
    """
    return accelerators * (accelerator_power_w + host_power_w / host_accelerators)


@formula
def busy_fraction(*, in_flight: Quantity) -> Quantity:
    r"""Share of the time in which at least one request is in flight.

    Parameters
    ----------
    in_flight : array_like
        Mean number of requests in flight. [request]

    Returns
    -------
    busy_fraction : float or ndarray
        [1]

    Notes
    -----
    .. math:: b = 1 - e^{-N}

    Valid for independent arrivals that do not wait for a place.

    References
    ----------
    Server without limit (M/G/∞), Takács (1962), Introduction to the theory of queues.

    Examples
    --------
    >>> round(float(busy_fraction(in_flight=0.1)), 3), float(busy_fraction(in_flight=100.0))
    (0.095, 1.0)
    """
    return -np.expm1(-in_flight)


@formula
def mean_power_w(
    *, busy_fraction: Quantity, active_power_w: Quantity, idle_power_w: Quantity
) -> Quantity:
    r"""Mean power over busy and idle time.

    Parameters
    ----------
    busy_fraction : array_like
        Share of the time with a request in flight. [1]
    active_power_w, idle_power_w : array_like
        Power with requests in flight, and with the model loaded and none. [W]

    Returns
    -------
    mean_power_w : float or ndarray
        [W]

    Notes
    -----
    .. math:: \bar P = b \, P_a + (1 - b) \, P_i

    Examples
    --------
    >>> float(mean_power_w(busy_fraction=0.25, active_power_w=4000, idle_power_w=2000))
    2500.0
    """
    return busy_fraction * active_power_w + (1 - busy_fraction) * idle_power_w


@formula
def power_within_limit_fraction(*, power_fraction: Quantity, log_error_ratio: Quantity) -> Quantity:
    r"""A predicted share of the power limit, as far off as the law was, and never above one.

    Parameters
    ----------
    power_fraction : array_like
        Share of the power limit as the law has it. [1]
    log_error_ratio : array_like
        Logarithm of measured over predicted; a distribution around zero. [1]

    Returns
    -------
    power_within_limit_fraction : float or ndarray
        [1]

    Notes
    -----
    .. math:: p' = \min(p \, e^{\varepsilon}, 1)

    Examples
    --------
    >>> float(power_within_limit_fraction(power_fraction=0.9, log_error_ratio=0.2))
    1.0
    """
    return np.minimum(power_fraction * np.exp(log_error_ratio), 1.0)


@formula
def accelerator_power_w(*, power_fraction: Quantity, limit_w: Quantity) -> Quantity:
    r"""Power of an accelerator.

    Parameters
    ----------
    power_fraction : array_like
        Share of the power limit. [1]
    limit_w : array_like
        Power limit. [W]

    Returns
    -------
    accelerator_power_w : float or ndarray
        [W]

    Notes
    -----
    .. math:: P = p \, P_{max}

    Examples
    --------
    >>> float(accelerator_power_w(power_fraction=0.7, limit_w=400))
    280.0
    """
    return power_fraction * limit_w


@formula
def waiting_power_w(
    *, limit_w: Quantity, idle_w: Quantity, launch_wait_fraction: Quantity
) -> Quantity:
    r"""Mean power of an accelerator that trains, and waits for launches in between.

    Parameters
    ----------
    limit_w, idle_w : array_like
        Power while it computes, and while it waits. [W]
    launch_wait_fraction : array_like
        Share of the time in which it waits. [1]

    Returns
    -------
    waiting_power_w : float or ndarray
        [W]

    Notes
    -----
    .. math:: P = P_{max} - x \, (P_{max} - P_i)

    References
    ----------
    Assumption: training takes an accelerator to its limit, waiting to its idle power.

    Examples
    --------
    >>> float(waiting_power_w(limit_w=700, idle_w=100, launch_wait_fraction=0.5))
    400.0
    """
    return limit_w - launch_wait_fraction * (limit_w - idle_w)


@formula
def loaded_idle_w(
    *, empty_idle_w: Quantity, loaded_idle_ratio: Quantity, limit_w: Quantity
) -> Quantity:
    r"""Power of an idle accelerator that holds a model.

    Parameters
    ----------
    empty_idle_w : array_like
        Power without load and without a model. [W]
    loaded_idle_ratio : array_like
        Idle with a model in memory over idle without. [1]
    limit_w : array_like
        Power limit. [W]

    Returns
    -------
    loaded_idle_w : float or ndarray
        [W]

    Notes
    -----
    .. math:: P_i = \min(P_0 \, x, P_{max})

    Examples
    --------
    >>> round(float(loaded_idle_w(empty_idle_w=59, loaded_idle_ratio=1.6, limit_w=400)), 1)
    94.4
    """
    return np.minimum(empty_idle_w * loaded_idle_ratio, limit_w)

"""Time of a training run: failures, checkpoints, and what is left of the clock for work."""

import numpy as np

from llminfra.formulas._formula import Quantity, formula
from llminfra.units import HOURS_PER_MONTH

_HOURS_PER_DAY = 24


@formula
def run_failure_hours(*, accelerator_failure_hours: Quantity, n_accelerators: Quantity) -> Quantity:
    r"""Mean time between interruptions of a run, each of which stops all of it.

    Parameters
    ----------
    accelerator_failure_hours : array_like
        Accelerator hours for each interruption. [h]
    n_accelerators : array_like
        Accelerators of the run. [1]

    Returns
    -------
    run_failure_hours : float or ndarray
        [h]

    Notes
    -----
    .. math:: M = h / n

    References
    ----------
    Grattafiori et al. (2024), The Llama 3 herd of models, arXiv 2407.21783: 419 interruptions in 54
    days on 16,384 accelerators.

    Examples
    --------
    >>> round(float(run_failure_hours(
    ...     accelerator_failure_hours=54 * 24 * 16384 / 419, n_accelerators=16384)), 1)
    3.1
    """
    return accelerator_failure_hours / n_accelerators


@formula
def checkpoint_every_hours(*, checkpoint_hours: Quantity, run_failure_hours: Quantity) -> Quantity:
    r"""Time between checkpoints that loses least.

    Parameters
    ----------
    checkpoint_hours : array_like
        Time for which a checkpoint holds up the run. [h]
    run_failure_hours : array_like
        Mean time between interruptions. [h]

    Returns
    -------
    checkpoint_every_hours : float or ndarray
        [h]

    Notes
    -----
    .. math:: \tau = \sqrt{2 \, d \, M}

    References
    ----------
    Young (1974), A first order approximation to the optimum checkpoint interval.

    Examples
    --------
    >>> round(float(checkpoint_every_hours(checkpoint_hours=0.01, run_failure_hours=3.1)), 2)
    0.25
    """
    return np.sqrt(2 * checkpoint_hours * run_failure_hours)


@formula
def effective_fraction(
    *,
    checkpoint_hours: Quantity,
    checkpoint_every_hours: Quantity,
    restart_hours: Quantity,
    run_failure_hours: Quantity,
) -> Quantity:
    r"""Share of the time in which a run moves on.

    Parameters
    ----------
    checkpoint_hours, checkpoint_every_hours : array_like
        Time that a checkpoint holds up the run, and time between two of them. [h]
    restart_hours : array_like
        From an interruption until the run goes on from its last checkpoint. [h]
    run_failure_hours : array_like
        Mean time between interruptions. [h]

    Returns
    -------
    effective_fraction : float or ndarray
        [1]

    Notes
    -----
    .. math:: g = \frac{1}{1 + d / \tau + (\tau / 2 + R) / M}

    Half the time since the last checkpoint is lost on average.

    References
    ----------
    Daly (2006), A higher order estimate of the optimum checkpoint interval for restart dumps.

    Examples
    --------
    >>> round(float(effective_fraction(
    ...     checkpoint_hours=0.01, checkpoint_every_hours=0.25, restart_hours=0.1,
    ...     run_failure_hours=3.1)), 2)
    0.9
    """
    held_up = checkpoint_hours / checkpoint_every_hours
    lost = (checkpoint_every_hours / 2 + restart_hours) / run_failure_hours
    return 1 / (1 + held_up + lost)


@formula
def run_days(*, accelerator_hours: Quantity, n_accelerators: Quantity) -> Quantity:
    r"""Days of a run on so many accelerators.

    Parameters
    ----------
    accelerator_hours : array_like
        Hours of all accelerators. [h]
    n_accelerators : array_like
        Accelerators that run at the same time. [1]

    Returns
    -------
    run_days : float or ndarray
        [day]

    Notes
    -----
    .. math:: t = T / (24 \, n)

    Examples
    --------
    >>> round(float(run_days(accelerator_hours=30.84e6, n_accelerators=16384)), 1)
    78.4
    """
    return accelerator_hours / n_accelerators / _HOURS_PER_DAY


@formula
def expected_interruptions_ratio(
    *, accelerator_hours: Quantity, accelerator_failure_hours: Quantity
) -> Quantity:
    r"""Interruptions to expect over a run.

    Parameters
    ----------
    accelerator_hours : array_like
        Hours of all accelerators. [h]
    accelerator_failure_hours : array_like
        Accelerator hours for each interruption. [h]

    Returns
    -------
    expected_interruptions_ratio : float or ndarray
        [1]

    Notes
    -----
    .. math:: k = T / h

    References
    ----------
    As `run_failure_hours`.

    Examples
    --------
    >>> round(float(expected_interruptions_ratio(
    ...     accelerator_hours=54 * 24 * 16384, accelerator_failure_hours=50678)))
    419
    """
    return accelerator_hours / accelerator_failure_hours


@formula
def run_usd(
    *, accelerator_hours: Quantity, usd_per_accelerator_hour: Quantity, data_usd: Quantity
) -> Quantity:
    r"""Price of a run.

    Parameters
    ----------
    accelerator_hours : array_like
        Hours of all accelerators. [h]
    usd_per_accelerator_hour : array_like
        Price of one for an hour. [USD/h]
    data_usd : array_like
        Data, their preparation and the tests of the result. [USD]

    Returns
    -------
    run_usd : float or ndarray
        [USD]

    Notes
    -----
    .. math:: K = T \, c + K_d

    References
    ----------
    DeepSeek-AI (2024), DeepSeek-V3 technical report, arXiv 2412.19437.

    Examples
    --------
    DeepSeek-V3 at the price that its makers assume:

    >>> float(run_usd(accelerator_hours=2.788e6, usd_per_accelerator_hour=2, data_usd=0)) / 1e6
    5.576
    """
    return accelerator_hours * usd_per_accelerator_hour + data_usd


@formula
def owned_usd_per_accelerator_hour(
    *,
    capital_usd_per_month: Quantity,
    support_usd_per_month: Quantity,
    server_accelerators: Quantity,
    accelerator_kw: Quantity,
    pue: Quantity,
    usd_per_kwh: Quantity,
) -> Quantity:
    r"""Cost of an hour of an accelerator in a server of one's own that is never idle.

    Parameters
    ----------
    capital_usd_per_month, support_usd_per_month : array_like
        Of a whole server. [USD/month]
    server_accelerators : array_like
        Accelerators in it. [accelerator]
    accelerator_kw : array_like
        Power of an accelerator with its share of the host. [kW]
    pue : array_like
        Power usage effectiveness of the facility. [1]
    usd_per_kwh : array_like
        Price of electricity. [USD/kWh]

    Returns
    -------
    owned_usd_per_accelerator_hour : float or ndarray
        Capital, support and electricity; no staff and no space. [USD/h]

    Notes
    -----
    .. math:: c = \frac{A + S}{730 \, n} + P \cdot \mathrm{PUE} \cdot e

    Examples
    --------
    >>> round(float(owned_usd_per_accelerator_hour(
    ...     capital_usd_per_month=7000, support_usd_per_month=1800, server_accelerators=8,
    ...     accelerator_kw=0.97, pue=1.4, usd_per_kwh=0.12)), 2)
    1.67
    """
    kept = (capital_usd_per_month + support_usd_per_month) / HOURS_PER_MONTH / server_accelerators
    return kept + accelerator_kw * pue * usd_per_kwh


@formula
def overhead_hours(*, run_hours: Quantity, overhead_ratio: Quantity) -> Quantity:
    r"""Accelerator hours of a run with the tests and the failed runs before it.

    Parameters
    ----------
    run_hours : array_like
        Of the run that counts. [h]
    overhead_ratio : array_like
        All runs over that one. [1]

    Returns
    -------
    overhead_hours : float or ndarray
        [h]

    Notes
    -----
    .. math:: T' = k \, T

    References
    ----------
    Morrison et al. (2025), Holistically evaluating the environmental impact of creating language
    models, arXiv 2503.05804: development took about half of what training did.

    Examples
    --------
    >>> float(overhead_hours(run_hours=1.7e6, overhead_ratio=1.5)) / 1e6
    2.55
    """
    return run_hours * overhead_ratio


@formula
def paid_hours(
    *, accelerator_hours: Quantity, paid_accelerators: Quantity, used_accelerators: Quantity
) -> Quantity:
    r"""Accelerator hours that are paid for where whole machines are rented.

    Parameters
    ----------
    accelerator_hours : array_like
        Hours of the accelerators that train. [h]
    paid_accelerators, used_accelerators : array_like
        Those in the machines, and those that train. [accelerator]

    Returns
    -------
    paid_hours : float or ndarray
        [h]

    Notes
    -----
    .. math:: T' = T \, n' / n

    Examples
    --------
    >>> float(paid_hours(accelerator_hours=80, paid_accelerators=8, used_accelerators=2))
    320.0
    """
    return accelerator_hours * paid_accelerators / used_accelerators


@formula
def accelerator_kw(*, server_power_w: Quantity) -> Quantity:
    r"""Power of an accelerator with its share of a host, in kW.

    Parameters
    ----------
    server_power_w : array_like
        The same in watts. [W]

    Returns
    -------
    accelerator_kw : float or ndarray
        [kW]

    Notes
    -----
    .. math:: P / 1000

    Examples
    --------
    >>> float(accelerator_kw(server_power_w=970))
    0.97
    """
    return server_power_w / _W_PER_KW


_W_PER_KW = 1e3

"""Share of its peak that an accelerator turns into work on a model that is trained."""

import numpy as np

from llminfra.formulas._formula import Quantity, formula

# No published run has passed this share of the peak.
MOST_UTILIZATION = 0.75
_LAW_PARAMETERS, _LAW_ACCELERATORS = 1e10, 64


@formula
def training_utilization(
    *,
    base_fraction: Quantity,
    format_ratio: Quantity,
    peak_ratio: Quantity,
    model_ratio: Quantity,
    run_ratio: Quantity,
    recompute_ratio: Quantity,
    stage_wait_ratio: Quantity,
    parameters: Quantity,
    size_exponent: Quantity,
    n_accelerators: Quantity,
    count_exponent: Quantity,
    log_error_ratio: Quantity,
) -> Quantity:
    r"""Share of the arithmetic peak that a training run turns into work on the model.

    Parameters
    ----------
    base_fraction : array_like
        Share of the 16-bit peak in benchmarks of a dense model with ten billion parameters on 64
        accelerators. [1]
    format_ratio : array_like
        Arithmetic a second of a narrower format, or of a mixture of experts, over that. [1]
    peak_ratio : array_like
        Peak in the format of the products over that in 16 bits. [1]
    model_ratio : array_like
        What this model reached over others, where it was measured itself. [1]
    run_ratio : array_like
        What whole runs reach over benchmarks. [1]
    recompute_ratio : array_like
        What is left where activations are computed again, 1 where they are kept. [1]
    stage_wait_ratio : array_like
        Time that stages of a pipeline wait over time that they work; 0 where none is known. [1]
    parameters : array_like
        Parameters that a token passes. [1]
    size_exponent, count_exponent : array_like
        How it grows with the model and with the number of accelerators. [1]
    n_accelerators : array_like
        Accelerators of the run. [1]
    log_error_ratio : array_like
        Logarithm of measured over fitted; a distribution around zero. [1]

    Returns
    -------
    training_utilization : float or ndarray
        At most 0.75, which no published run has passed. [1]

    Notes
    -----
    .. math::

        u = \min\left(0.75, \; u_0 \, \frac{r_f \, r_m \, r_r \, \rho}{p \, (1 + w)}
        \left(\frac{N}{10^{10}}\right)^a \left(\frac{n}{64}\right)^b e^{\varepsilon}\right)

    References
    ----------
    ``benchmarks/fit_training.py``; rows in ``catalog/training_validation.csv``.

    Examples
    --------
    A dense 70B in 16 bits on A100, activations computed again:

    >>> round(float(training_utilization(
    ...     base_fraction=0.54, format_ratio=1, peak_ratio=1, model_ratio=1, run_ratio=0.73,
    ...     recompute_ratio=0.9, stage_wait_ratio=0, parameters=70e9, size_exponent=0.026,
    ...     n_accelerators=2048, count_exponent=0.003, log_error_ratio=0)), 3)
    0.377
    """
    measured = base_fraction * format_ratio * model_ratio * run_ratio * recompute_ratio / peak_ratio
    of_size = (parameters / _LAW_PARAMETERS) ** size_exponent
    of_count = (n_accelerators / _LAW_ACCELERATORS) ** count_exponent
    reached = measured * of_size * of_count * np.exp(log_error_ratio) / (1 + stage_wait_ratio)
    return np.minimum(reached, MOST_UTILIZATION)


@formula
def sustained_flop_per_s(
    *, peak_flop_per_s: Quantity, utilization: Quantity, effective_fraction: Quantity
) -> Quantity:
    r"""What one accelerator does for the model over the whole of a run.

    Parameters
    ----------
    peak_flop_per_s : array_like
        Peak in the format of the products. [FLOP/s]
    utilization : array_like
        Share of the peak while it trains. [1]
    effective_fraction : array_like
        Share of the time that it trains: no checkpoint, no restart, no step that was lost. [1]

    Returns
    -------
    sustained_flop_per_s : float or ndarray
        [FLOP/s]

    Notes
    -----
    .. math:: F = \hat F \, u \, g

    Examples
    --------
    >>> float(sustained_flop_per_s(
    ...     peak_flop_per_s=989e12, utilization=0.4, effective_fraction=0.9)) / 1e12
    356.04
    """
    return peak_flop_per_s * utilization * effective_fraction


@formula
def peak_ratio(*, peak_flop_per_s: Quantity, plain_flop_per_s: Quantity) -> Quantity:
    r"""Peak in a narrower format over that in 16 bits.

    Parameters
    ----------
    peak_flop_per_s, plain_flop_per_s : array_like
        Peak in the format of the products, and in 16 bits. [FLOP/s]

    Returns
    -------
    peak_ratio : float or ndarray
        [1]

    Notes
    -----
    .. math:: p = \hat F / \hat F_{16}

    Examples
    --------
    >>> float(peak_ratio(peak_flop_per_s=1978e12, plain_flop_per_s=989e12))
    2.0
    """
    return peak_flop_per_s / plain_flop_per_s


@formula
def tuned_utilization(
    *, utilization: Quantity, launch_wait_ratio: Quantity, unpack_wait_ratio: Quantity
) -> Quantity:
    r"""Share of the peak that is left where other things take their time beside the products.

    Parameters
    ----------
    utilization : array_like
        Share of the peak without them. [1]
    launch_wait_ratio, unpack_wait_ratio : array_like
        Time that launches add, and that weights in few bits take to be unpacked, over the time of
        the products. [1]

    Returns
    -------
    tuned_utilization : float or ndarray
        [1]

    Notes
    -----
    .. math:: u' = u / (1 + w_l + w_u)

    References
    ----------
    Definition.

    Examples
    --------
    >>> float(tuned_utilization(
    ...     utilization=0.4, launch_wait_ratio=0.05, unpack_wait_ratio=0.2))
    0.32
    """
    return utilization / (1 + launch_wait_ratio + unpack_wait_ratio)


@formula
def launch_wait_fraction(*, launch_wait_ratio: Quantity, unpack_wait_ratio: Quantity) -> Quantity:
    r"""Share of the time of training in which an accelerator waits for launches.

    Parameters
    ----------
    launch_wait_ratio, unpack_wait_ratio : array_like
        Time that launches add, and that weights in few bits take to be unpacked, over the time of
        the products. [1]

    Returns
    -------
    launch_wait_fraction : float or ndarray
        [1]

    Notes
    -----
    .. math:: x = w_l / (1 + w_l + w_u)

    References
    ----------
    Definition.

    Examples
    --------
    >>> float(launch_wait_fraction(launch_wait_ratio=2, unpack_wait_ratio=1))
    0.5
    """
    return launch_wait_ratio / (1 + launch_wait_ratio + unpack_wait_ratio)

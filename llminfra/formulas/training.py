"""Arithmetic, time and energy of training a model, or of tuning one."""

from llminfra.formulas._formula import Quantity, formula
from llminfra.units import SECONDS_PER_HOUR

_FLOP_PER_PARAMETER_TOKEN = 6
_FORWARD_SHARE = 3


@formula
def training_flop(*, parameters: Quantity, tokens: Quantity) -> Quantity:
    r"""Arithmetic of a training run.

    Parameters
    ----------
    parameters : array_like
        Parameters that a token passes: the active ones of a mixture of experts. [1]
    tokens : array_like
        Tokens that are trained on, repeats counted. [token]

    Returns
    -------
    training_flop : float or ndarray
        [FLOP]

    Notes
    -----
    .. math:: C = 6 \, N \, D

    Two for the products forward, four backward; attention over the sequence is left out, which is
    below a tenth up to lengths of about the width of the model.

    References
    ----------
    Kaplan et al. (2020), Scaling laws for neural language models, arXiv 2001.08361.

    Examples
    --------
    Llama 3.1 405B on 15.6 T tokens; its makers say 3.8e25:

    >>> f"{float(training_flop(parameters=405.853e9, tokens=15.6e12)):.3g}"
    '3.8e+25'
    """
    return _FLOP_PER_PARAMETER_TOKEN * parameters * tokens


@formula
def trained_tokens(*, training_tokens: Quantity, n_epochs: Quantity) -> Quantity:
    r"""Tokens that a model is trained on, all passes over the data counted.

    Parameters
    ----------
    training_tokens : array_like
        Tokens of one pass. [token]
    n_epochs : array_like
        Passes. [1]

    Returns
    -------
    trained_tokens : float or ndarray
        [token]

    Notes
    -----
    .. math:: D = e \, D_1

    Examples
    --------
    >>> float(trained_tokens(training_tokens=1e8, n_epochs=3)) / 1e6
    300.0
    """
    return training_tokens * n_epochs


@formula
def adapter_training_flop(
    *, parameters: Quantity, adapter_parameters: Quantity, tokens: Quantity
) -> Quantity:
    r"""Arithmetic of training adapters on frozen weights.

    Parameters
    ----------
    parameters : array_like
        Parameters that a token passes, which stay as they are. [1]
    adapter_parameters : array_like
        Parameters that are trained. [1]
    tokens : array_like
        Tokens that are trained on, repeats counted. [token]

    Returns
    -------
    adapter_training_flop : float or ndarray
        [FLOP]

    Notes
    -----
    .. math:: C = (4 \, N + 6 \, n) \, D

    Frozen weights need no gradient of their own, a third of a full step.

    References
    ----------
    Hu et al. (2021), LoRA, arXiv 2106.09685.

    Examples
    --------
    >>> f"{float(adapter_training_flop(parameters=70e9, adapter_parameters=0.2e9, tokens=1e8)):.3g}"
    '2.81e+19'
    """
    frozen = _FLOP_PER_PARAMETER_TOKEN - _FLOP_PER_PARAMETER_TOKEN / _FORWARD_SHARE
    trained = _FLOP_PER_PARAMETER_TOKEN * adapter_parameters
    return (frozen * parameters + trained) * tokens


@formula
def counted_training_flop(*, flop_per_token: Quantity, tokens: Quantity) -> Quantity:
    r"""Arithmetic of a training run, from what a token takes on its way through the model.

    Parameters
    ----------
    flop_per_token : array_like
        Products of one token forward: matrices and attention, experts by their active part.
        [FLOP/token]
    tokens : array_like
        Tokens that are trained on, repeats counted. [token]

    Returns
    -------
    counted_training_flop : float or ndarray
        [FLOP]

    Notes
    -----
    .. math:: C = 3 \, f \, D

    The way back takes twice the way forward. What is computed again instead of kept is no part of
    it: that makes the run slower, not the work larger.

    References
    ----------
    Narayanan et al. (2021), Efficient large-scale language model training, arXiv 2104.04473.

    Examples
    --------
    >>> f"{float(counted_training_flop(flop_per_token=355e9, tokens=300e9)):.3g}"
    '3.19e+23'
    """
    return _FORWARD_SHARE * flop_per_token * tokens


@formula
def counted_adapter_flop(
    *, flop_per_token: Quantity, adapter_parameters: Quantity, tokens: Quantity
) -> Quantity:
    r"""Arithmetic of training adapters, from what a token takes on its way through the model.

    Parameters
    ----------
    flop_per_token : array_like
        Products of one token forward through the frozen weights. [FLOP/token]
    adapter_parameters : array_like
        Parameters that are trained. [1]
    tokens : array_like
        Tokens that are trained on, repeats counted. [token]

    Returns
    -------
    counted_adapter_flop : float or ndarray
        [FLOP]

    Notes
    -----
    .. math:: C = (2 \, f + 6 \, n) \, D

    References
    ----------
    Hu et al. (2021), LoRA, arXiv 2106.09685.

    Examples
    --------
    >>> flop = counted_adapter_flop(flop_per_token=140e9, adapter_parameters=0.2e9, tokens=1e8)
    >>> f"{float(flop):.3g}"
    '2.81e+19'
    """
    frozen = (_FORWARD_SHARE - 1) * flop_per_token
    return (frozen + _FLOP_PER_PARAMETER_TOKEN * adapter_parameters) * tokens


@formula
def distillation_flop(
    *, training_flop: Quantity, teacher_flop_per_token: Quantity, tokens: Quantity
) -> Quantity:
    r"""Arithmetic of training a student on what a teacher says of the same tokens.

    Parameters
    ----------
    training_flop : array_like
        Training of the student. [FLOP]
    teacher_flop_per_token : array_like
        Products of one token forward through the teacher. [FLOP/token]
    tokens : array_like
        Tokens that the teacher reads, repeats left out where its answers are kept. [token]

    Returns
    -------
    distillation_flop : float or ndarray
        [FLOP]

    Notes
    -----
    .. math:: C = C_s + f_t D

    References
    ----------
    Hinton et al. (2015), Distilling the knowledge in a neural network, arXiv 1503.02531.

    Examples
    --------
    An 8B that learns of a 70B: the teacher reads for about three times what the student learns for.

    >>> student = training_flop(parameters=8e9, tokens=1e9)
    >>> flop = distillation_flop(training_flop=student, teacher_flop_per_token=140e9, tokens=1e9)
    >>> f"{float(flop):.3g}"
    '1.88e+20'
    """
    return training_flop + teacher_flop_per_token * tokens


@formula
def original_compute_fraction(*, training_flop: Quantity, original_flop: Quantity) -> Quantity:
    r"""Arithmetic of a change to a model over that of its making.

    Parameters
    ----------
    training_flop : array_like
        Of the change. [FLOP]
    original_flop : array_like
        Of the model that is changed; where nobody knows it, 1e23, or 1e25 for one with systemic
        risk. [FLOP]

    Returns
    -------
    original_compute_fraction : float or ndarray
        Above a third, whoever makes the change is a provider of a general-purpose model. [1]

    Notes
    -----
    .. math:: q = C / C_0

    References
    ----------
    European Commission (July 2025), Guidelines on obligations of providers of general-purpose AI
    models, on modifications.

    Examples
    --------
    >>> fraction = original_compute_fraction(training_flop=1.26e20, original_flop=6.35e24)
    >>> f"{float(fraction):.1e}"
    '2.0e-05'
    """
    return training_flop / original_flop


@formula
def accelerator_hours(*, flop: Quantity, flop_per_s: Quantity) -> Quantity:
    r"""Accelerator hours of a piece of arithmetic.

    Parameters
    ----------
    flop : array_like
        Arithmetic. [FLOP]
    flop_per_s : array_like
        What one accelerator reaches: its peak times the share that the run makes of it. [FLOP/s]

    Returns
    -------
    accelerator_hours : float or ndarray
        [h]

    Notes
    -----
    .. math:: T = \frac{C}{3600 \, F}

    Examples
    --------
    GPT-3 on V100 at 24.6 TFLOP/s:

    >>> round(float(accelerator_hours(flop=3.143e23, flop_per_s=24.6e12)) / 1e6, 3)
    3.549
    """
    return flop / (flop_per_s * SECONDS_PER_HOUR)


@formula
def trained_flop_per_token(*, flop: Quantity, tokens: Quantity) -> Quantity:
    r"""Arithmetic of a token in the mean of a run.

    Parameters
    ----------
    flop : array_like
        Arithmetic of the run, a teacher's reading in. [FLOP]
    tokens : array_like
        Tokens that are trained on, all passes counted. [token]

    Returns
    -------
    trained_flop_per_token : float or ndarray
        [FLOP/token]

    Notes
    -----
    .. math:: f = C / D

    References
    ----------
    Definition.

    Examples
    --------
    >>> float(trained_flop_per_token(flop=6e20, tokens=1e10) / 1e9)
    60.0
    """
    return flop / tokens


@formula
def training_wh(*, accelerator_hours: Quantity, power_w: Quantity, pue: Quantity) -> Quantity:
    r"""Energy of a training run.

    Parameters
    ----------
    accelerator_hours : array_like
        Hours of all accelerators. [h]
    power_w : array_like
        Mean power for each accelerator: alone or with its share of a host, which sets the boundary
        of the result. [W]
    pue : array_like
        Power usage effectiveness of the facility; 1 stops at the wall. [1]

    Returns
    -------
    training_wh : float or ndarray
        [Wh]

    Notes
    -----
    .. math:: E = T \, P \cdot \mathrm{PUE}

    References
    ----------
    Patterson et al. (2021), Carbon emissions and large neural network training, arXiv 2104.10350.

    Examples
    --------
    GPT-3 on V100 at 24.6 TFLOP/s and 330 W, PUE 1.1, in MWh:

    >>> hours = accelerator_hours(flop=3.143e23, flop_per_s=24.6e12)
    >>> round(float(training_wh(accelerator_hours=hours, power_w=330, pue=1.1)) / 1e6, 1)
    1288.3
    """
    return accelerator_hours * power_w * pue

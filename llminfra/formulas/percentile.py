"""The slow requests: times that a share of all does not exceed."""

import numpy as np

from llminfra.formulas._formula import Quantity, formula

_TINY = 1e-300


@formula
def waiting_percentile_s(
    *,
    wait_probability: Quantity,
    waiting_s: Quantity,
    waiting_variation_ratio: Quantity,
    percentile_fraction: Quantity,
) -> Quantity:
    r"""Time that a share of the requests waits at most.

    Parameters
    ----------
    wait_probability : array_like
        Probability of waiting at all. [1]
    waiting_s : array_like
        Mean wait over all requests. [s]
    waiting_variation_ratio : array_like
        Variance over squared mean of the wait of those who do wait: 1 where requests arrive at
        random, less where a known number of them stands in line. [1]
    percentile_fraction : array_like
        Share of the requests, such as 0.95. [1]

    Returns
    -------
    waiting_percentile_s : float or ndarray
        Zero where fewer requests than the rest wait at all. [s]

    Notes
    -----
    .. math:: W_p = \frac{W}{C} \left(1 - \frac{c^2}{9} + c \left(\sqrt[3]{\ln \frac{C}{1 - p}}
              - \frac{8}{9}\right)\right)^3

    Those who wait do so for a gamma time, by the cube root of Wilson and Hilferty. With a
    variation of 1 it is W / C ln(C / (1 - p)): exact for exponential service, up to 10 % high for
    constant service; else within 2 % of the gamma from the median to 0.99. Where one is served at
    a time, such as prompts, C is the utilization.

    References
    ----------
    Kleinrock (1975), Queueing systems, volume 1, section 5.12; Wilson and Hilferty (1931), The
    distribution of chi-square.

    Examples
    --------
    A quarter of the requests waits, for a second on average: one in ten more than 0.92 s.

    >>> waits = waiting_percentile_s(wait_probability=0.25, waiting_s=0.25,
    ...     waiting_variation_ratio=1, percentile_fraction=0.9)
    >>> round(float(waits), 2)
    0.92

    All wait, each for 100 others: hardly longer than the mean.

    >>> waits = waiting_percentile_s(wait_probability=1, waiting_s=10,
    ...     waiting_variation_ratio=1 / 100, percentile_fraction=0.95)
    >>> round(float(waits), 1)
    11.7
    """
    waits = np.maximum(wait_probability, _TINY)
    exponential = np.log(waits / (1 - percentile_fraction))
    deviation = np.cbrt(np.maximum(exponential, 0.0)) - 8 / 9
    spread = waiting_variation_ratio
    root = np.maximum(1 - spread / 9 + np.sqrt(spread) * deviation, 0.0)
    return waiting_s / waits * np.where(exponential <= 0, 0.0, root**3)


@formula
def ttft_percentile_s(
    *,
    ttft_s: Quantity,
    prompt_waiting_s: Quantity,
    prompt_waiting_percentile_s: Quantity,
    waiting_percentile_s: Quantity,
) -> Quantity:
    r"""Time to first token that a share of the requests sees at most.

    Parameters
    ----------
    ttft_s : array_like
        Mean time to first token of a request that has a place. [s]
    prompt_waiting_s : array_like
        Mean wait for the prompts of others within it. [s]
    prompt_waiting_percentile_s : array_like
        That wait, for that share of the requests. [s]
    waiting_percentile_s : array_like
        Wait for a place, for that share of the requests. [s]

    Returns
    -------
    ttft_percentile_s : float or ndarray
        [s]

    Notes
    -----
    .. math:: T_p = T - W + W_p + Q_p

    Prompts are taken to be of one length: where they are not, the percentile is a little higher.
    The percentiles of both waits are added, which is exact while one of them is nothing and on the
    safe side where requests suffer both.

    Examples
    --------
    >>> float(ttft_percentile_s(ttft_s=0.75, prompt_waiting_s=0.25,
    ...     prompt_waiting_percentile_s=1.0, waiting_percentile_s=0.0))
    1.5
    """
    waits_s = prompt_waiting_percentile_s + waiting_percentile_s
    return ttft_s - prompt_waiting_s + waits_s

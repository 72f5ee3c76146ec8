"""Time to the first token: of clients that start at once, and of independent arrivals."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike


def burst_ttft_s(
    *,
    request_overhead_s: ArrayLike,
    step_s: ArrayLike,
    prefill_s: ArrayLike,
    queued_prefill_s: ArrayLike,
    sequences: ArrayLike,
    burst_fraction: ArrayLike,
    waiting_s: ArrayLike,
) -> Any:
    r"""Time to first token, averaged over a benchmark whose clients all start at once.

    Parameters
    ----------
    request_overhead_s, step_s : array_like
        Overhead of a request, and a decode step. [s]
    prefill_s, queued_prefill_s : array_like
        A prompt alone, and one in a queue of prompts that share a pass. [s]
    sequences : array_like
        Sequences in the batch. [sequence]
    burst_fraction : array_like
        Share of the other prompts that a request waits for: 1 / (2 x requests per client). [1]
    waiting_s : array_like
        Wait for a place in the batch. [s]

    Returns
    -------
    ttft_s : float or ndarray
        [s]

    Notes
    -----
    .. math:: T = t_0 + s(b) + p + \kappa (b - 1) \, p_q + w

    References
    ----------
    Burst of a closed-loop benchmark: the first request of each client waits for half the others.

    Examples
    --------
    >>> round(float(burst_ttft_s(request_overhead_s=0.037, step_s=0.0123, prefill_s=0.377,
    ...     queued_prefill_s=0.377, sequences=32, burst_fraction=0.05, waiting_s=0)), 2)
    1.01
    """
    others = np.maximum(np.subtract(sequences, 1.0), 0.0)
    burst = np.multiply(burst_fraction, others) * queued_prefill_s
    return np.add(request_overhead_s, step_s) + np.add(prefill_s, waiting_s) + burst


def arrival_ttft_s(
    *,
    request_overhead_s: ArrayLike,
    requests_per_s: ArrayLike,
    tpot_s: ArrayLike,
    step_s: ArrayLike,
    prefill_s: ArrayLike,
    passes_ratio: ArrayLike,
    decode_utilization: ArrayLike,
    variation_ratio: ArrayLike,
    most_utilization: ArrayLike,
    waiting_s: ArrayLike,
) -> Any:
    r"""Mean time to first token when requests arrive independently.

    Parameters
    ----------
    request_overhead_s : array_like
        Overhead of a request. [s]
    requests_per_s : array_like
        Arrivals at one group. [1/s]
    tpot_s, step_s : array_like
        Time between tokens, and of a decode step without prompts in it. [s]
    prefill_s : array_like
        Time that a prompt takes from the group. [s]
    passes_ratio : array_like
        Prompt length over the tokens of one pass. [1]
    decode_utilization : array_like
        Share of time that goes into prompts and into tokens, weights not counted. [1]
    variation_ratio : array_like
        Squared variation of prompt lengths plus that of arrivals, 2 for exponential both. [1]
    most_utilization : array_like
        Utilization beyond which the wait is held: a queue then grows without limit. [1]
    waiting_s : array_like
        Wait for a place in the batch. [s]

    Returns
    -------
    ttft_s : float or ndarray
        [s]

    Notes
    -----
    .. math:: T = t_0 + p + s \lceil q \rceil + \frac{g}{2} + \lambda g p (1 - \lambda p)
              + \frac{\lambda S^2 c}{2 (1 - \lambda S)} (1 + \rho \lambda S / 2), \quad S = p + s q

    Checked against a simulation of continuous batching with chunked prompts below 0.85.

    References
    ----------
    Pollaczek (1930), Khinchine (1932): mean wait of the M/G/1 queue; last factor fitted.

    Examples
    --------
    >>> ttft = arrival_ttft_s(request_overhead_s=0.04, requests_per_s=1.0, tpot_s=0.02,
    ...     step_s=0.015, prefill_s=0.1, passes_ratio=0.5, decode_utilization=0.4,
    ...     variation_ratio=1.0, most_utilization=0.95, waiting_s=0.0)
    >>> round(float(ttft), 3)
    0.173
    """
    own = np.add(prefill_s, np.multiply(step_s, np.ceil(passes_ratio)))
    service_s = np.add(prefill_s, np.multiply(step_s, passes_ratio))
    prompt_load = np.minimum(np.multiply(requests_per_s, prefill_s), most_utilization)
    load = np.minimum(np.multiply(requests_per_s, service_s), most_utilization)
    gate = np.divide(tpot_s, 2.0) + np.multiply(tpot_s, prompt_load) * (1 - prompt_load)
    wait = prompt_waiting_s(
        prompt_utilization=load,
        service_s=service_s,
        decode_utilization=decode_utilization,
        variation_ratio=variation_ratio,
    )
    return np.add(request_overhead_s, own) + gate + wait + waiting_s


def prompt_waiting_s(
    *,
    prompt_utilization: ArrayLike,
    service_s: ArrayLike,
    decode_utilization: ArrayLike,
    variation_ratio: ArrayLike,
) -> Any:
    r"""Mean wait of a prompt for those before it, when requests arrive independently.

    Parameters
    ----------
    prompt_utilization : array_like
        Share of time that goes into prompts and the steps they travel in, below 1. [1]
    service_s : array_like
        Time that a prompt takes from the group, steps included. [s]
    decode_utilization : array_like
        Share of time that goes into prompts and into tokens, weights not counted. [1]
    variation_ratio : array_like
        Squared variation of prompt lengths plus that of arrivals, 2 for exponential both. [1]

    Returns
    -------
    prompt_waiting_s : float or ndarray
        [s]

    Notes
    -----
    .. math:: W = \frac{u S c}{2 (1 - u)} (1 + \rho u / 2)

    References
    ----------
    Pollaczek (1930), Khinchine (1932): mean wait of the M/G/1 queue; last factor fitted.

    Examples
    --------
    >>> round(float(prompt_waiting_s(
    ...     prompt_utilization=0.5, service_s=0.2, decode_utilization=0.0, variation_ratio=1.0)), 3)
    0.1
    """
    queue = np.divide(prompt_utilization, np.subtract(1.0, prompt_utilization))
    wait = np.multiply(queue, service_s) * np.divide(variation_ratio, 2.0)
    return wait * (1 + np.multiply(decode_utilization, prompt_utilization) / 2)


def short_answer_ttft_s(
    *, request_s: ArrayLike, ttft_s: ArrayLike, output_tokens: ArrayLike
) -> Any:
    r"""Time to the first token, which is the last one of an answer of one token.

    Parameters
    ----------
    request_s : array_like
        Time to the last token. [s]
    ttft_s : array_like
        Time to the first token of a long answer. [s]
    output_tokens : array_like
        Length of the answer, 1 or more. [token]

    Returns
    -------
    short_answer_ttft_s : float or ndarray
        [s]

    Notes
    -----
    .. math:: T' = T + \max(E - T, 0) \left(1 - \min(o - 1, 1)^2\right)

    Nothing comes after the first of one token that could take the time of other prompts.

    References
    ----------
    Definition.

    Examples
    --------
    >>> float(short_answer_ttft_s(request_s=2.0, ttft_s=0.5, output_tokens=1))
    2.0
    >>> float(short_answer_ttft_s(request_s=2.0, ttft_s=0.5, output_tokens=100))
    0.5
    """
    rest = np.maximum(np.subtract(request_s, ttft_s), 0.0)
    return ttft_s + rest * (1 - np.minimum(np.subtract(output_tokens, 1.0), 1.0) ** 2)

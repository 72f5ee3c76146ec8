"""From the time of a step and of a prompt to what a request sees and a replica delivers."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike


def busy_s(
    *,
    output_tokens: ArrayLike,
    step_s: ArrayLike,
    sequences: ArrayLike,
    prefill_s: ArrayLike,
) -> Any:
    r"""Time between admission and last token when the batch is kept full.

    Parameters
    ----------
    output_tokens : array_like
        Length of the answer. [token]
    step_s : array_like
        Time of a decode step of the whole batch. [s]
    sequences : array_like
        Sequences in the batch. [sequence]
    prefill_s : array_like
        Time that a prompt takes from the group. [s]

    Returns
    -------
    busy_s : float or ndarray
        [s]

    Notes
    -----
    .. math:: R = o \, s(b) + b \, p

    Conservation: while one request lives, as many others begin as there are in the batch.

    References
    ----------
    Definition.

    Examples
    --------
    >>> float(busy_s(output_tokens=100, step_s=0.01, sequences=10, prefill_s=0.1))
    2.0
    """
    return np.multiply(output_tokens, step_s) + np.multiply(sequences, prefill_s)


def request_s(
    *,
    busy_s: ArrayLike,
    in_flight: ArrayLike,
    sequences: ArrayLike,
    request_overhead_s: ArrayLike,
) -> Any:
    r"""Time from arrival to last token, in a closed loop.

    Parameters
    ----------
    busy_s : array_like
        Time between admission and last token. [s]
    in_flight, sequences : array_like
        Requests at the group, and how many of them it works on. [request, sequence]
    request_overhead_s : array_like
        Network, tokeniser, scheduling. [s]

    Returns
    -------
    request_s : float or ndarray
        [s]

    Notes
    -----
    .. math:: E = R \max(n/b, 1) + t_0

    References
    ----------
    Little (1961), A proof for the queuing formula L = λW.

    Examples
    --------
    >>> float(request_s(busy_s=2.0, in_flight=20, sequences=10, request_overhead_s=0.1))
    4.1
    """
    turns = np.maximum(np.divide(in_flight, sequences), 1.0)
    return np.multiply(busy_s, turns) + request_overhead_s


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


def tpot_s(
    *, request_s: ArrayLike, ttft_s: ArrayLike, output_tokens: ArrayLike, step_s: ArrayLike
) -> Any:
    r"""Time between output tokens, of which the first is not counted.

    Parameters
    ----------
    request_s, ttft_s : array_like
        Time to the last and to the first token. [s]
    output_tokens : array_like
        Length of the answer. [token]
    step_s : array_like
        Decode step: the value when there is nothing between. [s]

    Returns
    -------
    tpot_s : float or ndarray
        No less than a step. [s]

    Notes
    -----
    .. math:: T_o = \max\left( \frac{E - T}{o - 1}, s(b) \right)

    References
    ----------
    Definition.

    Examples
    --------
    >>> float(tpot_s(request_s=2.0, ttft_s=1.0, output_tokens=101, step_s=0.005))
    0.01
    """
    rest = np.maximum(np.subtract(output_tokens, 1.0), 1.0)
    return np.maximum(np.subtract(request_s, ttft_s) / rest, step_s)


def output_tokens_per_s(
    *, in_flight: ArrayLike, output_tokens: ArrayLike, request_s: ArrayLike
) -> Any:
    r"""Output tokens of a replica per second.

    Parameters
    ----------
    in_flight : array_like
        Requests at the replica. [request]
    output_tokens : array_like
        Length of the answer. [token]
    request_s : array_like
        Time from arrival to last token. [s]

    Returns
    -------
    output_tokens_per_s : float or ndarray
        [token/s]

    Notes
    -----
    .. math:: X = n \, o / E

    References
    ----------
    Little (1961), A proof for the queuing formula L = λW.

    Examples
    --------
    >>> float(output_tokens_per_s(in_flight=10, output_tokens=100, request_s=2.0))
    500.0
    """
    return np.multiply(in_flight, output_tokens) / np.asarray(request_s)


def accepted_tokens(*, draft_tokens: ArrayLike, acceptance_probability: ArrayLike) -> Any:
    r"""Tokens that one verified step yields under speculative decoding.

    Parameters
    ----------
    draft_tokens : array_like
        Tokens drafted for a step. [token]
    acceptance_probability : array_like
        Probability that a drafted token is accepted, below 1. [1]

    Returns
    -------
    accepted_tokens : float or ndarray
        [token]

    Notes
    -----
    .. math:: E = \frac{1 - a^{g+1}}{1 - a}

    References
    ----------
    Leviathan et al. (2023), Fast inference from transformers via speculative decoding.

    Examples
    --------
    >>> round(float(accepted_tokens(draft_tokens=2, acceptance_probability=0.5)), 2)
    1.75
    """
    accepted = np.asarray(acceptance_probability, dtype=float)
    return (1 - accepted ** np.add(draft_tokens, 1)) / (1 - accepted)

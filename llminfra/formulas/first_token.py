"""Time to the first token: of clients that start at once, and of independent arrivals."""

import numpy as np

from llminfra.formulas._formula import Quantity, formula


@formula
def burst_waiting_s(
    *,
    burst_fraction: Quantity,
    in_flight: Quantity,
    n_ranks: Quantity,
    queued_prefill_s: Quantity,
) -> Quantity:
    r"""Mean wait for the prompts of others, over a benchmark whose clients all start at once.

    Parameters
    ----------
    burst_fraction : array_like
        Share of the other prompts that a request waits for: 1 / (2 x requests per client). [1]
    in_flight, n_ranks : array_like
        Requests that started together, and ranks that read their prompts. [request, 1]
    queued_prefill_s : array_like
        A prompt in a queue of prompts that share a pass. [s]

    Returns
    -------
    burst_waiting_s : float or ndarray
        [s]

    Notes
    -----
    .. math:: W = \kappa \max(n / R - 1, 0) \, p_q

    References
    ----------
    Burst of a closed-loop benchmark: the first request of each client waits for half the others.

    Examples
    --------
    >>> round(float(burst_waiting_s(burst_fraction=0.05, in_flight=32, n_ranks=1,
    ...     queued_prefill_s=0.377)), 2)
    0.58
    """
    others = np.maximum(in_flight / n_ranks - 1, 0.0)
    return burst_fraction * others * queued_prefill_s


@formula
def burst_ttft_s(
    *,
    request_overhead_s: Quantity,
    step_s: Quantity,
    prefill_s: Quantity,
    first_prompt_ratio: Quantity,
    prompt_waiting_s: Quantity,
    waiting_s: Quantity,
) -> Quantity:
    """Time to first token, averaged over a benchmark whose clients all start at once.

    Parameters
    ----------
    request_overhead_s, step_s : array_like
        Overhead of a request, and a decode step. [s]
    prefill_s, first_prompt_ratio : array_like
        A prompt alone, and how much longer it takes here. [s, 1]
    prompt_waiting_s, waiting_s : array_like
        Wait for the prompts of others, and for a place in the batch. [s]

    Returns
    -------
    burst_ttft_s : float or ndarray
        [s]

    Notes
    -----
    .. math:: T = t_0 + s(b) + r p + W + w

    Examples
    --------
    >>> round(float(burst_ttft_s(request_overhead_s=0.037, step_s=0.0123, prefill_s=0.377,
    ...     first_prompt_ratio=1, prompt_waiting_s=0.584, waiting_s=0)), 2)
    1.01
    """
    return (
        request_overhead_s + step_s + first_prompt_ratio * prefill_s + prompt_waiting_s + waiting_s
    )


@formula
def prompt_service_s(
    *,
    prefill_s: Quantity,
    step_s: Quantity,
    prompt_tokens: Quantity,
    pass_tokens: Quantity,
) -> Quantity:
    r"""Time that a prompt takes from the group, the steps that it travels in included.

    Parameters
    ----------
    prefill_s, step_s : array_like
        A prompt alone, and a decode step without prompts in it. [s]
    prompt_tokens, pass_tokens : array_like
        Length of the prompt, and most tokens of one pass. [token]

    Returns
    -------
    prompt_service_s : float or ndarray
        [s]

    Notes
    -----
    .. math:: S = p + s(b) \, i / P

    Examples
    --------
    >>> float(prompt_service_s(prefill_s=0.1, step_s=0.02, prompt_tokens=4096, pass_tokens=8192))
    0.11
    """
    return prefill_s + step_s * (prompt_tokens / pass_tokens)


@formula
def prompt_utilization(
    *,
    requests_per_s: Quantity,
    service_s: Quantity,
    most_utilization: Quantity,
) -> Quantity:
    r"""Share of its time that a group spends on prompts.

    Parameters
    ----------
    requests_per_s, service_s : array_like
        Arrivals at the group, and time that each prompt takes. [1/s, s]
    most_utilization : array_like
        Beyond this the wait is held: a queue then grows without limit. [1]

    Returns
    -------
    prompt_utilization : float or ndarray
        [1]

    Notes
    -----
    .. math:: u = \min(\lambda S, u_m)

    Examples
    --------
    >>> prompt_utilization(requests_per_s=[2.0, 20.0], service_s=0.11, most_utilization=0.95)
    array([0.22, 0.95])
    """
    return np.minimum(requests_per_s * service_s, most_utilization)


@formula
def prompt_waiting_s(
    *,
    prompt_utilization: Quantity,
    service_s: Quantity,
    requests_per_s: Quantity,
    prefill_s: Quantity,
    variation_ratio: Quantity,
    in_flight: Quantity = np.inf,
) -> Quantity:
    r"""Mean wait of a prompt for those before it, when requests arrive independently.

    Parameters
    ----------
    prompt_utilization : array_like
        Share of time that goes into prompts and the steps they travel in, below 1. [1]
    service_s : array_like
        Time that a prompt takes from the group, steps included. [s]
    requests_per_s, prefill_s : array_like
        Arrivals at the group, and a prompt without the steps. [1/s, s]
    variation_ratio : array_like
        Squared variation of prompt lengths plus that of arrivals, 2 for exponential both. [1]
    in_flight : array_like
        Requests at the group: whoever arrives meets as many, and waits for no more prompts.
        [request]

    Returns
    -------
    prompt_waiting_s : float or ndarray
        [s]

    Notes
    -----
    .. math::

        W = \min\left(\frac{u S c}{2 (1 - u)} (1 + \rho u / 2), n S\right),
        \quad \rho = \min(\lambda p, 1)

    References
    ----------
    Pollaczek (1930), Khinchine (1932): mean wait of the M/G/1 queue; last factor fitted.
    Wolff (1982): Poisson arrivals see time averages.

    Examples
    --------
    >>> round(float(prompt_waiting_s(
    ...     prompt_utilization=0.5, service_s=0.2, requests_per_s=0.0, prefill_s=0.1,
    ...     variation_ratio=1.0)), 3)
    0.1
    """
    queue_s = prompt_utilization / (1 - prompt_utilization) * service_s
    computing = np.minimum(requests_per_s * prefill_s, 1.0)
    waiting_s = queue_s * variation_ratio / 2 * (1 + computing * prompt_utilization / 2)
    return np.minimum(waiting_s, in_flight * service_s)


@formula
def arrival_ttft_s(
    *,
    request_overhead_s: Quantity,
    step_s: Quantity,
    prefill_s: Quantity,
    prompt_tokens: Quantity,
    pass_tokens: Quantity,
    tpot_s: Quantity,
    requests_per_s: Quantity,
    most_utilization: Quantity,
    prompt_waiting_s: Quantity,
    waiting_s: Quantity,
) -> Quantity:
    r"""Mean time to first token when requests arrive independently.

    Parameters
    ----------
    request_overhead_s, step_s, prefill_s : array_like
        Overhead of a request, a decode step without prompts in it, and a prompt. [s]
    prompt_tokens, pass_tokens : array_like
        Length of the prompt, and most tokens of one pass. [token]
    tpot_s : array_like
        Time between tokens of the others. [s]
    requests_per_s, most_utilization : array_like
        Arrivals at one group, and utilization beyond which its queue is held. [1/s, 1]
    prompt_waiting_s, waiting_s : array_like
        Wait for the prompts of others, and for a place in the batch. [s]

    Returns
    -------
    arrival_ttft_s : float or ndarray
        [s]

    Notes
    -----
    .. math:: T = t_0 + p + s \left\lceil \frac{i}{P} \right\rceil + \frac{g}{2} + u g (1 - u)
              + W + w, \quad u = \min(\lambda p, u_m)

    Checked against a simulation of continuous batching with chunked prompts below 0.85.

    Examples
    --------
    >>> ttft = arrival_ttft_s(request_overhead_s=0.04, step_s=0.015, prefill_s=0.1,
    ...     prompt_tokens=4096, pass_tokens=8192, tpot_s=0.02, requests_per_s=1.0,
    ...     most_utilization=0.95, prompt_waiting_s=0.007, waiting_s=0.0)
    >>> round(float(ttft), 3)
    0.174
    """
    own_s = prefill_s + step_s * np.ceil(prompt_tokens / pass_tokens)
    u = np.minimum(requests_per_s * prefill_s, most_utilization)
    # A prompt is admitted when a step ends: half of one on average, more where prompts lengthen it.
    gate_s = tpot_s / 2 + tpot_s * u * (1 - u)
    return request_overhead_s + own_s + gate_s + prompt_waiting_s + waiting_s


@formula
def ttft_s(
    *, request_s: Quantity, long_answer_ttft_s: Quantity, output_tokens: Quantity
) -> Quantity:
    r"""Time to the first token, which is the last one of an answer of one token.

    Parameters
    ----------
    request_s : array_like
        Time to the last token. [s]
    long_answer_ttft_s : array_like
        Time to the first token of a long answer. [s]
    output_tokens : array_like
        Length of the answer, 1 or more. [token]

    Returns
    -------
    ttft_s : float or ndarray
        [s]

    Notes
    -----
    .. math:: T' = T + \max(E - T, 0) \left(1 - \min(o - 1, 1)^2\right)

    Nothing comes after the first of one token that could take the time of other prompts.

    Examples
    --------
    >>> float(ttft_s(request_s=2.0, long_answer_ttft_s=0.5, output_tokens=1))
    2.0
    >>> float(ttft_s(request_s=2.0, long_answer_ttft_s=0.5, output_tokens=100))
    0.5
    """
    rest_s = np.maximum(request_s - long_answer_ttft_s, 0.0)
    return long_answer_ttft_s + rest_s * (1 - np.minimum(output_tokens - 1, 1.0) ** 2)


@formula
def burst_wait_probability(*, burst_fraction: Quantity) -> Quantity:
    r"""Share of a benchmark's requests that wait for others: the first of each client.

    Parameters
    ----------
    burst_fraction : array_like
        Share of the other prompts that a request waits for on average. [1]

    Returns
    -------
    burst_wait_probability : float or ndarray
        [1]

    Notes
    -----
    .. math:: C = 2 \kappa

    The first of a client's requests waits for half the others, those after it for none.

    Examples
    --------
    >>> float(burst_wait_probability(burst_fraction=0.05))
    0.1
    """
    return 2 * burst_fraction

"""How much of an accelerator's bandwidth and arithmetic the work of a step takes."""

from llminfra.formulas._formula import Quantity, formula


@formula
def read_bytes(
    *,
    weight_bytes: Quantity,
    expert_bytes: Quantity,
    touched_fraction: Quantity,
    sequences: Quantity,
    cache_read_bytes: Quantity,
) -> Quantity:
    r"""Bytes that an accelerator reads from its memory in a decode step.

    Parameters
    ----------
    weight_bytes, expert_bytes : array_like
        Weights that every step reads, and routed experts, on one accelerator. [byte]
    touched_fraction : array_like
        Share of the experts that the batch touches. [1]
    sequences : array_like
        Sequences in the batch. [sequence]
    cache_read_bytes : array_like
        Cache of one sequence. [byte/sequence]

    Returns
    -------
    read_bytes : float or ndarray
        [byte]

    Notes
    -----
    .. math:: M = W + D \, W_e + b \, K

    Examples
    --------
    Llama 3.1 8B in 16 bits, 64 sequences at 300 tokens of 131,072 bytes:

    >>> round(float(read_bytes(weight_bytes=15.01e9, expert_bytes=0, touched_fraction=0,
    ...     sequences=64, cache_read_bytes=300 * 131072)) / 1e9, 2)
    17.53
    """
    return weight_bytes + touched_fraction * expert_bytes + sequences * cache_read_bytes


@formula
def memory_utilization(
    *, read_bytes: Quantity, memory_bytes_per_s: Quantity, step_s: Quantity
) -> Quantity:
    r"""Share of the memory bandwidth that the bytes of a step take.

    Parameters
    ----------
    read_bytes : array_like
        Bytes read in a step. [byte]
    memory_bytes_per_s : array_like
        Bandwidth on the data sheet. [byte/s]
    step_s : array_like
        Time of the step, the prompts that come between included. [s]

    Returns
    -------
    memory_utilization : float or ndarray
        [1]

    Notes
    -----
    .. math:: u_m = \frac{M}{\beta \, t}

    Examples
    --------
    >>> round(float(memory_utilization(read_bytes=17.53e9, memory_bytes_per_s=3.35e12,
    ...     step_s=0.01395)), 3)
    0.375
    """
    return read_bytes / (memory_bytes_per_s * step_s)


@formula
def arithmetic_utilization(
    *,
    native_flop_per_token: Quantity,
    native_flop_per_s: Quantity,
    expert_flop_per_token: Quantity,
    plain_flop_per_token: Quantity,
    plain_flop_per_s: Quantity,
    batch_tokens: Quantity,
    step_s: Quantity,
) -> Quantity:
    r"""Share of the arithmetic peak that the tokens of a step take.

    Parameters
    ----------
    native_flop_per_token, expert_flop_per_token, plain_flop_per_token : array_like
        Products of a token in the weights' format, with experts in it, and in 16 bits, on one
        accelerator. [FLOP/token]
    native_flop_per_s, plain_flop_per_s : array_like
        Peaks of the data sheet for each. [FLOP/s]
    batch_tokens : array_like
        Tokens of the step, those of prompts that come between included. [token]
    step_s : array_like
        Time of the step, the prompts included. [s]

    Returns
    -------
    arithmetic_utilization : float or ndarray
        [1]

    Notes
    -----
    .. math:: u_c = \frac{T}{t} \left(\frac{c_n + c_e}{F_n} + \frac{c_p}{F_p}\right)

    Examples
    --------
    Llama 3.1 8B on one H100, 64 sequences that answer 395 tokens to a prompt of 100:

    >>> round(float(arithmetic_utilization(native_flop_per_token=15.01e9, native_flop_per_s=989e12,
    ...     expert_flop_per_token=0, plain_flop_per_token=0, plain_flop_per_s=989e12,
    ...     batch_tokens=80.2, step_s=0.01395)), 3)
    0.087
    """
    native_s = (native_flop_per_token + expert_flop_per_token) / native_flop_per_s
    return batch_tokens / step_s * (native_s + plain_flop_per_token / plain_flop_per_s)


@formula
def step_of_rate_s(
    *,
    sequences: Quantity,
    n_ranks: Quantity,
    output_tokens: Quantity,
    n_steps: Quantity,
    tokens_per_s: Quantity,
) -> Quantity:
    r"""Time of a step at a known output rate, the prompts that come between included.

    Parameters
    ----------
    sequences : array_like
        Sequences that each rank works on. [sequence]
    n_ranks : array_like
        Parts that the requests are dealt to. [1]
    output_tokens : array_like
        Length of an answer. [token]
    n_steps : array_like
        Steps of an answer, fewer where tokens are drafted. [1]
    tokens_per_s : array_like
        Output rate of the replica. [token/s]

    Returns
    -------
    step_of_rate_s : float or ndarray
        [s]

    Notes
    -----
    .. math:: t = \frac{b R}{r} \frac{o}{s}

    Examples
    --------
    A batch of 64 that gives 4,588 tokens a second:

    >>> round(float(step_of_rate_s(sequences=64, n_ranks=1, output_tokens=395, n_steps=395,
    ...     tokens_per_s=4588)), 5)
    0.01395
    """
    return sequences * n_ranks * output_tokens / (n_steps * tokens_per_s)

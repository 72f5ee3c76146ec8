"""Time of a decode step as a curve over sequences: all that the balance of two pools asks of it."""

import numpy as np

from llminfra.formulas._formula import Quantity, formula
from llminfra.formulas.step import touched_fraction


@formula
def fixed_step_s(
    *,
    weight_bytes: Quantity,
    weight_bytes_per_s: Quantity,
    overhead_s: Quantity,
) -> Quantity:
    r"""Time of a decode step that does not depend on its sequences.

    Parameters
    ----------
    weight_bytes, weight_bytes_per_s : array_like
        Weights that every step reads, effective bandwidth. [byte, byte/s]
    overhead_s : array_like
        Launches, small kernels and latency of links. [s]

    Returns
    -------
    fixed_step_s : float or ndarray
        [s]

    Notes
    -----
    .. math:: t_f = W / \beta_W + t_L

    Examples
    --------
    >>> float(fixed_step_s(weight_bytes=20e9, weight_bytes_per_s=4e12, overhead_s=0.005))
    0.01
    """
    return weight_bytes / weight_bytes_per_s + overhead_s


@formula
def experts_step_s(*, expert_bytes: Quantity, expert_bytes_per_s: Quantity) -> Quantity:
    r"""Time of a decode step that touches all experts, spent on reading them.

    Parameters
    ----------
    expert_bytes, expert_bytes_per_s : array_like
        Routed experts on one accelerator, effective bandwidth. [byte, byte/s]

    Returns
    -------
    experts_step_s : float or ndarray
        [s]

    Notes
    -----
    .. math:: t_e = W_e / \beta_e

    Examples
    --------
    >>> float(experts_step_s(expert_bytes=20e9, expert_bytes_per_s=4e12))
    0.005
    """
    return expert_bytes / expert_bytes_per_s


@formula
def sequence_step_s(
    *,
    step_s: Quantity,
    fixed_s: Quantity,
    experts_s: Quantity,
    touched_fraction: Quantity,
) -> Quantity:
    r"""What one sequence adds to a step: the rest of a step with one.

    Parameters
    ----------
    step_s : array_like
        Step with one sequence on each rank. [s]
    fixed_s, experts_s, touched_fraction : array_like
        Weights and launches; all experts, and share of them that such a step touches. [s, s, 1]

    Returns
    -------
    sequence_step_s : float or ndarray
        [s]

    Notes
    -----
    .. math:: t_b = s(1) - t_f - D \, t_e

    Examples
    --------
    >>> round(float(sequence_step_s(step_s=0.0125, fixed_s=0.01, experts_s=0.005,
    ...     touched_fraction=0.25)), 5)
    0.00125
    """
    return step_s - fixed_s - touched_fraction * experts_s


@formula
def decode_step_s(
    *,
    sequences: Quantity,
    fixed_s: Quantity,
    experts_s: Quantity,
    sequence_s: Quantity,
    expert_share_fraction: Quantity,
    shared_tokens: Quantity,
) -> Quantity:
    r"""Time of a decode step as a curve over the sequences of a rank.

    Parameters
    ----------
    sequences : array_like
        Sequences on each rank. [sequence]
    fixed_s, experts_s, sequence_s : array_like
        Weights that every step reads and its launches; all experts; one sequence. [s]
    expert_share_fraction : array_like
        Experts that one token uses, of all. [1]
    shared_tokens : array_like
        Tokens of a step for each sequence of a rank, over all ranks that share experts. [token]

    Returns
    -------
    step_s : float or ndarray
        [s]

    Notes
    -----
    .. math:: s(b) = t_f + t_e D(A b) + b \, t_b

    `step.step_s` with its parts put together.

    Examples
    --------
    >>> float(decode_step_s(sequences=10, fixed_s=0.005, experts_s=0, sequence_s=1e-4,
    ...     expert_share_fraction=0, shared_tokens=1))
    0.006
    """
    touched = touched_fraction(
        expert_share_fraction=expert_share_fraction, batch_tokens=sequences * shared_tokens
    )
    return fixed_s + touched * experts_s + sequences * sequence_s


@formula
def later_steps(*, n_steps: Quantity, output_tokens: Quantity) -> Quantity:
    r"""Decode steps of an answer whose first token is the prefill's.

    Parameters
    ----------
    n_steps, output_tokens : array_like
        Steps of an answer, and its length. [1, token]

    Returns
    -------
    later_steps : float or ndarray
        At least one. [1]

    Notes
    -----
    .. math:: S' = \max(S \, (1 - 1/o), 1)

    Examples
    --------
    >>> float(later_steps(n_steps=300, output_tokens=300))
    299.0
    """
    return np.maximum(n_steps * (1 - 1 / output_tokens), 1.0)


@formula
def stepping_sequences(*, sequences: Quantity, least_sequences: Quantity) -> Quantity:
    r"""Sequences of a step that takes place: a rank steps with its share of one at least.

    Parameters
    ----------
    sequences, least_sequences : array_like
        Mean on each rank, and a rank's share of one. [sequence]

    Returns
    -------
    stepping_sequences : float or ndarray
        [sequence]

    Notes
    -----
    .. math:: b' = \max(b, b_0)

    Examples
    --------
    >>> float(stepping_sequences(sequences=0.1, least_sequences=0.25))
    0.25
    """
    return np.maximum(sequences, least_sequences)

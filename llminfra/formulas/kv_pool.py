"""From what stands on an accelerator to the sequences that its KV pool holds: one composition.

It takes numbers, draws or arrays of rows alike, so that a plan, a search and a map of many models
size a replica by the same text.
"""

from dataclasses import dataclass

from llminfra.formulas import memory, runtime
from llminfra.formulas._formula import Quantity


@dataclass(frozen=True)
class Pool:
    """The KV pool of one accelerator, and the whole sequences that a replica's ranks hold."""

    kv_pool_bytes: Quantity
    max_sequences: Quantity


def pool_of(
    *, kv_pool_bytes: Quantity, sequence_bytes: Quantity, data_parallel: Quantity = 1
) -> Pool:
    """Return a pool of known size and what it holds."""
    held = memory.max_sequences(
        kv_pool_bytes=kv_pool_bytes, sequence_bytes=sequence_bytes, data_parallel=data_parallel
    )
    return Pool(kv_pool_bytes, held)


def replica_pool(
    *,
    gpu_memory_utilization: Quantity,
    memory_bytes: Quantity,
    weight_bytes: Quantity,
    activation_bytes: Quantity,
    other_runtime_bytes: Quantity,
    sequence_bytes: Quantity,
    data_parallel: Quantity = 1,
    shares_rest: bool = False,
) -> Pool:
    """Size the pool of one accelerator.

    Parameters
    ----------
    gpu_memory_utilization, memory_bytes : array_like
        What the engine may use of an accelerator. [1, byte]
    weight_bytes, activation_bytes, other_runtime_bytes : array_like
        What stands there beside the cache; adapters count as weights. [byte]
    sequence_bytes : array_like
        Cache that one sequence reserves on a rank. [byte]
    data_parallel : array_like
        Ranks that each have a pool. [accelerator]
    shares_rest : bool
        Whether the engine takes its share of what everything else leaves, not of the memory.

    Examples
    --------
    Llama 3.3 70B on eight A100 80 GB holds 1,882 requests of 700 tokens:

    >>> pool = replica_pool(gpu_memory_utilization=0.92, memory_bytes=80e9,
    ...     weight_bytes=141.107412992e9 / 8, activation_bytes=0, other_runtime_bytes=2e9,
    ...     sequence_bytes=700 * 327_680 / 8)
    >>> int(pool.max_sequences)
    1882
    """
    pool_bytes = runtime.kv_pool_bytes_of_rest if shares_rest else runtime.kv_pool_bytes
    pool = pool_bytes(
        gpu_memory_utilization=gpu_memory_utilization,
        memory_bytes=memory_bytes,
        weight_bytes=weight_bytes,
        activation_bytes=activation_bytes,
        other_runtime_bytes=other_runtime_bytes,
    )
    return pool_of(kv_pool_bytes=pool, sequence_bytes=sequence_bytes, data_parallel=data_parallel)

"""The sequences that an attention rank of a replica has room for."""

from dataclasses import dataclass

from llminfra.catalog.facts import Facts
from llminfra.errors import MissingFact
from llminfra.facets.deployment import Deployment
from llminfra.facets.memory import Memory
from llminfra.facets.replica.inputs import Inputs
from llminfra.formulas.memory import pool_sequences
from llminfra.ranges import Range


@dataclass(frozen=True)
class RankRoom:
    """Sequences that one attention rank has room for, as the memory facet sees it."""

    kv_bytes_per_value: Range
    max_num_seqs: Range
    sequences: Range

    @property
    def is_capped(self) -> bool:
        """Whether the engine's limit, not the memory, ends the batch."""
        return self.max_num_seqs.base < self.sequences.base


def room_of(
    scenario: Inputs, facts: Facts, *, deployment: Deployment, memory: Memory | MissingFact
) -> RankRoom:
    """Return the room of a rank.

    The memory of a host is not a fact of its processor: without it only the engine limits.
    """
    if isinstance(memory, MissingFact):
        if not facts.has(scenario.accelerator, "cores"):
            raise memory
        limit = facts.number(deployment.engine_entry, "default_max_num_seqs_large")
        return RankRoom(facts.number("bf16", "kv_bytes_per_value"), limit, limit)
    sequences = pool_sequences(
        kv_pool_bytes=memory.kv_pool_bytes_per_accelerator,
        sequence_bytes=memory.kv_request_bytes_per_accelerator,
    )
    return RankRoom(memory.kv_bytes_per_value, memory.max_num_seqs, sequences)

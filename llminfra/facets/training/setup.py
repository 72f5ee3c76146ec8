"""How a model is trained, as far as its memory sees it."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from llminfra.architecture import Architecture
from llminfra.architecture.training import rank_parameters
from llminfra.facets.energy import ADAPTED
from llminfra.formulas import training_step as steps
from llminfra.ranges import Range, as_range, exact

# What is shared from which stage of sharding on.
FIRST_STAGES: Final = {"optimizer": 1, "gradients": 2, "weights": 3}


@dataclass(frozen=True, kw_only=True)
class Setup:
    """How a model is trained, as far as its memory sees it."""

    architecture: Architecture
    method: str = "full"
    trained_parameters: float
    accelerators: int = 1
    sharding: int = 3
    sequence_tokens: int = 4096
    batch_sequences: int = 1
    optimizer: str = "adamw"
    is_offloaded: bool = False
    is_recomputed: bool = True
    tensor_parallel: int = 1
    pipeline_parallel: int = 1
    expert_parallel: int = 1
    """Accelerators to which whole experts are dealt out; 1 cuts them as all else."""
    stage_chunks: int = 1
    micro_batches: int | None = None
    """Batches that pass through the stages in a step; None where that is not stated."""
    is_sequence_parallel: bool = True
    gradients_in_32_bits: bool = False
    """Whether they are added up in 32 bits though nothing is split."""
    loss_bits: int = 32
    """Format in which the loss is computed."""
    gradient_bytes_per_weight: float | None = None
    """Bytes of a gradient in all its copies; None is as most frameworks keep them."""
    bucket_bytes: float = 0.0
    """What holds gradients on their way to the other accelerators."""
    keeps_inputs: bool = False
    """Whether products of frozen weights keep what goes in, as bitsandbytes did before 0.43.2."""

    @property
    def is_adapted(self) -> bool:
        """Whether the model's own weights stay as they are."""
        return self.method in ADAPTED

    @property
    def ranks(self) -> int:
        """Accelerators over which one copy of what is no expert is split."""
        return self.tensor_parallel * self.pipeline_parallel

    @property
    def expert_ranks(self) -> int:
        """Accelerators over which one copy of the experts is split."""
        return max(self.tensor_parallel, self.expert_parallel) * self.pipeline_parallel

    @property
    def copy_accelerators(self) -> int:
        """Accelerators whose multiples hold whole copies."""
        return math.lcm(self.ranks, self.expert_ranks)

    @property
    def is_split(self) -> bool:
        """Whether layers or tensors are split."""
        return self.ranks > 1

    @property
    def adds_up_in_32_bits(self) -> bool:
        """Whether gradients stand in 32 bits all the time, as in frameworks that split."""
        return self.is_split or self.gradients_in_32_bits

    @cached_property
    def _on_rank(self) -> tuple[int, int]:
        """Parameters of the fullest rank beside its experts, and of those."""
        return rank_parameters(
            self.architecture,
            tensor_parallel=self.tensor_parallel,
            expert_parallel=self.expert_parallel,
            pipeline_parallel=self.pipeline_parallel,
        )

    @cached_property
    def rank_fraction(self) -> float:
        """Share of the model's parameters on the fullest rank."""
        return sum(self._on_rank) / self.architecture.parameters

    @cached_property
    def trained_fraction(self) -> float:
        """Share of what is trained on the fullest rank; adapters stand on no experts."""
        if not self.is_adapted:
            return self.rank_fraction
        beside, _ = rank_parameters(self.architecture)
        return self._on_rank[0] / beside

    def shards(self, part: str) -> Range:
        """Accelerators that share a part of the state of a rank."""
        if self.sharding < FIRST_STAGES[part]:
            return exact(1, name="shard_accelerators")
        beside, experts = self._on_rank
        found = steps.shard_accelerators(
            parameters=exact(beside, name="parameters"),
            expert_parameters=exact(experts, name="expert_parameters"),
            n_copies=exact(self.accelerators // self.ranks, name="n_copies"),
            n_expert_copies=exact(self.accelerators // self.expert_ranks, name="n_expert_copies"),
        )
        return as_range(found)

    def adapter_shards(self, part: str) -> Range:
        """Accelerators that share a part of the state of adapters, which stand on no experts."""
        n = self.accelerators // self.ranks if self.sharding >= FIRST_STAGES[part] else 1
        return exact(n, name="shard_accelerators")

"""What training keeps in memory: by part, on one accelerator, for any method and number of them."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from llminfra.architecture import Architecture
from llminfra.architecture.training import (
    kept_values,
    largest_layer_parameters,
    quantizable_parameters,
)
from llminfra.catalog.facts import Facts
from llminfra.facets.base import SIZING_CONFIDENCE
from llminfra.facets.energy import ADAPTED
from llminfra.formulas import training_memory as formulas
from llminfra.ranges import Range, as_range, exact

_ENTITY: Final = "training-memory"
_WIDE_BITS: Final = 16.0
_16_BIT_BYTES: Final = exact(2.0, name="bytes_per_value")
_NOTHING: Final = exact(0.0, name="bytes")
# What is shared from which stage of sharding on.
_STAGES: Final = {"optimizer": 1, "gradients": 2, "weights": 3}
#: Parts of the state, in the order of a stack.
PARTS: Final = (
    *("weights", "adapters", "gradients", "optimizer"),
    *("gathered", "activations", "logits", "runtime"),
)


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

    @property
    def is_adapted(self) -> bool:
        """Whether the model's own weights stay as they are."""
        return self.method in ADAPTED

    def shards(self, part: str) -> Range:
        """Accelerators that share a part of the state."""
        n = self.accelerators if self.sharding >= _STAGES[part] else 1
        return exact(n, name="shard_accelerators")


@dataclass(frozen=True)
class State:
    """The memory of a training on one accelerator by part, all in bytes."""

    setup: Setup
    facts: Facts

    def _number(self, name: str) -> Range:
        return self.facts.number(_ENTITY, name)

    def _part(self, name: str, part: str) -> Range:
        found = formulas.state_bytes(
            parameters=exact(self.setup.trained_parameters, name="parameters"),
            bytes_per_weight=self._number(name),
            shard_accelerators=self.setup.shards(part),
        )
        return as_range(found)

    @cached_property
    def weights(self) -> Range:
        """The model's own weights."""
        if not self.setup.is_adapted:
            return self._part("weight_bytes_per_weight", "weights").named("weight_bytes")
        model = self.setup.architecture
        matrices = quantizable_parameters(model)
        wide = exact(_WIDE_BITS, name="bits")
        found = formulas.frozen_bytes(
            quantized_parameters=exact(matrices, name="parameters"),
            quantized_bits=self._number("nf4_bits") if self.setup.method == "qlora" else wide,
            other_parameters=exact(model.parameters - matrices, name="parameters"),
            other_bits=wide,
            shard_accelerators=self.setup.shards("weights"),
        )
        return as_range(found, name="weight_bytes")

    @cached_property
    def adapters(self) -> Range:
        """Weights of the adapters."""
        if not self.setup.is_adapted:
            return _NOTHING
        return self._part("weight_bytes_per_weight", "weights").named("adapter_bytes")

    @cached_property
    def _gradients(self) -> Range:
        found = self._part("gradient_bytes_per_weight", "gradients")
        return found.named("gradient_bytes")

    @cached_property
    def _optimizer(self) -> Range:
        kind = self.setup.optimizer.replace("-", "_")
        found = self._part(f"optimizer_{kind}_bytes_per_weight", "optimizer")
        return found.named("optimizer_bytes")

    @property
    def gradients(self) -> Range:
        """Gradients that stay on the accelerator."""
        return _NOTHING if self.setup.is_offloaded else self._gradients

    @property
    def optimizer(self) -> Range:
        """State of the optimizer that stays on the accelerator."""
        return _NOTHING if self.setup.is_offloaded else self._optimizer

    @property
    def host(self) -> Range:
        """What an accelerator keeps in the memory of its host."""
        if not self.setup.is_offloaded:
            return _NOTHING
        found = formulas.offloaded_bytes(
            gradient_bytes=self._gradients, optimizer_bytes=self._optimizer
        )
        return as_range(found, name="host_bytes")

    @cached_property
    def gathered(self) -> Range:
        """Weights of the layers at work, gathered from all where each holds a part."""
        if self.setup.sharding < _STAGES["weights"] or self.setup.accelerators == 1:
            return _NOTHING
        found = formulas.gathered_bytes(
            layer_parameters=exact(largest_layer_parameters(self.setup.architecture)),
            bytes_per_weight=_16_BIT_BYTES,
        )
        return as_range(found)

    @property
    def _batch_tokens(self) -> Range:
        whole = self.setup.batch_sequences * self.setup.sequence_tokens
        return exact(whole, name="batch_tokens")

    @cached_property
    def activations(self) -> Range:
        """What the way back needs of the way forward."""
        each = kept_values(self.setup.architecture, is_recomputed=self.setup.is_recomputed)
        found = formulas.activation_bytes(
            batch_tokens=self._batch_tokens,
            values_per_token=exact(each, name="values_per_token"),
            bytes_per_value=_16_BIT_BYTES,
        )
        return as_range(found)

    @cached_property
    def logits(self) -> Range:
        """Logits and their gradients."""
        found = formulas.logit_bytes(
            batch_tokens=self._batch_tokens,
            n_vocabulary=exact(self.setup.architecture.vocab_size, name="n_vocabulary"),
            bytes_per_logit=self._number("bytes_per_logit"),
        )
        return as_range(found)

    @cached_property
    def runtime(self) -> Range:
        """Context, kernels and gaps."""
        return self._number("runtime_bytes")

    @cached_property
    def total(self) -> Range:
        """All of it."""
        found = formulas.training_bytes_per_accelerator(
            weight_bytes=self.weights,
            adapter_bytes=self.adapters,
            gradient_bytes=self.gradients,
            optimizer_bytes=self.optimizer,
            gathered_bytes=self.gathered,
            activation_bytes=self.activations,
            logit_bytes=self.logits,
            runtime_bytes=self.runtime,
        )
        return as_range(found)

    def parts(self) -> dict[str, Range]:
        """The parts by name, in the order of `PARTS`."""
        return {name: getattr(self, name) for name in PARTS}

    def fits(self, usable: Range) -> bool:
        """Whether it fits, as sure as a layout has to be."""
        return as_range(usable - self.total).probability_at_least(0.0) >= SIZING_CONFIDENCE

    def changed(self, **changes: object) -> "State":
        """The state of a changed setup."""
        return State(replace(self.setup, **changes), self.facts)  # type: ignore[arg-type]


def accelerators_needed(state: State, usable: Range, per_server: int, most: int = 65_536) -> int:
    """Return the fewest accelerators on which a state fits, whole servers beyond one; 0 for none.

    Sharding is that of the setup, but at least the weights' where one accelerator does not do.
    """
    if state.changed(accelerators=1).fits(usable):
        return 1
    shared = state.changed(sharding=_STAGES["weights"])
    parts = [n for n in (2, 4) if n < per_server]
    doubled = [2**power for power in range(4, most.bit_length())]
    servers = [n * per_server for n in (*range(1, 9), *doubled) if n * per_server <= most]
    counts = (*parts, *servers)
    return next((n for n in counts if shared.changed(accelerators=n).fits(usable)), 0)

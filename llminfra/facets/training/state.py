"""What training keeps in memory: by part, on one accelerator, for any method and number of them."""

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from llminfra.architecture.training import (
    beside_layers,
    kept_values,
    largest_layer_parameters,
    product_inputs,
    quantizable_parameters,
    recomputed_values,
)
from llminfra.catalog.facts import Facts
from llminfra.facets.base import SIZING_CONFIDENCE
from llminfra.facets.training.setup import FIRST_STAGES, Setup
from llminfra.formulas import training_memory as formulas
from llminfra.formulas import training_step as steps
from llminfra.ranges import Range, as_range, exact

_ENTITY: Final = "training-memory"
_WIDE_BITS: Final = 16.0
_NARROW_BITS: Final = 16
_ONE: Final = exact(1.0, name="in_flight_ratio")
_16_BIT_BYTES: Final = exact(2.0, name="bytes_per_value")
_NOTHING: Final = exact(0.0, name="bytes")
_ALL: Final = exact(math.inf, name="group_parameters")
#: Parts of the state, in the order of a stack.
PARTS: Final = (
    *("weights", "adapters", "gradients", "optimizer"),
    *("gathered", "activations", "logits", "step", "runtime"),
)


@dataclass(frozen=True)
class State:
    """The memory of a training on one accelerator by part, all in bytes."""

    setup: Setup
    facts: Facts

    def _number(self, name: str) -> Range:
        return self.facts.number(_ENTITY, name)

    @property
    def _trained(self) -> Range:
        """Parameters that are trained, on the fullest rank."""
        count = self.setup.trained_parameters * self.setup.trained_fraction
        return exact(count, name="parameters")

    def _shards(self, part: str) -> Range:
        """Accelerators that share a part of the state of what is trained."""
        setup = self.setup
        return setup.adapter_shards(part) if setup.is_adapted else setup.shards(part)

    def _part(self, name: str, part: str) -> Range:
        found = formulas.state_bytes(
            parameters=self._trained,
            bytes_per_weight=self._number(name),
            shard_accelerators=self._shards(part),
        )
        return as_range(found)

    @cached_property
    def weights(self) -> Range:
        """The model's own weights."""
        if not self.setup.is_adapted:
            return self._part("weight_bytes_per_weight", "weights").named("weight_bytes")
        model = self.setup.architecture
        share = self.setup.rank_fraction
        matrices = quantizable_parameters(model) * share
        wide = exact(_WIDE_BITS, name="bits")
        found = formulas.frozen_bytes(
            quantized_parameters=exact(matrices, name="parameters"),
            quantized_bits=self._number("nf4_bits") if self.setup.method == "qlora" else wide,
            other_parameters=exact(model.parameters * share - matrices, name="parameters"),
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
        own = self.setup.gradient_bytes_per_weight
        split = "split_" if self.setup.adds_up_in_32_bits else ""
        found = formulas.state_bytes(
            parameters=self._trained,
            bytes_per_weight=exact(own, name="bytes_per_weight")
            if own
            else self._number(f"{split}gradient_bytes_per_weight"),
            shard_accelerators=self._shards("gradients"),
        )
        return as_range(found, name="gradient_bytes")

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
        if self.setup.shards("weights") == 1:
            return _NOTHING
        model, tensor = self.setup.architecture, self.setup.tensor_parallel
        layer = largest_layer_parameters(
            model, tensor_parallel=tensor, expert_parallel=self.setup.expert_parallel
        )
        # A pipeline has the embedding at one end and the head at the other.
        ends = 1 if model.tied_embeddings or self.setup.pipeline_parallel == 1 else 2
        found = formulas.gathered_bytes(
            layer_parameters=exact(layer, name="layer_parameters"),
            outer_parameters=exact(beside_layers(model) / ends / tensor),
            bytes_per_weight=_16_BIT_BYTES,
        )
        return as_range(found)

    @property
    def _batch_tokens(self) -> Range:
        whole = self.setup.batch_sequences * self.setup.sequence_tokens
        return exact(whole, name="batch_tokens")

    def _values(self, each: float, in_flight: Range = _ONE) -> Range:
        """So many values of each token."""
        found = formulas.activation_bytes(
            batch_tokens=self._batch_tokens,
            values_per_token=exact(each, name="values_per_token"),
            bytes_per_value=_16_BIT_BYTES,
            in_flight_ratio=in_flight,
        )
        return as_range(found)

    def _kept(self, in_flight: Range) -> Range:
        """What a stage keeps of the batches that are on their way in it."""
        setup = self.setup
        each = kept_values(
            setup.architecture,
            is_recomputed=setup.is_recomputed,
            tensor_parallel=setup.tensor_parallel,
            is_sequence_parallel=setup.is_sequence_parallel,
        )
        if setup.keeps_inputs:
            each += product_inputs(setup.architecture)
        return self._values(each, in_flight)

    @cached_property
    def _again(self) -> Range:
        """The layer that is computed again, of one batch."""
        setup = self.setup
        if not setup.is_recomputed:
            return _NOTHING
        each = recomputed_values(
            setup.architecture,
            tensor_parallel=setup.tensor_parallel,
            is_sequence_parallel=setup.is_sequence_parallel,
        )
        return self._values(each)

    @cached_property
    def _first_stage(self) -> Range:
        batches = self.setup.micro_batches
        ratio = steps.in_flight_ratio(
            n_stages=exact(self.setup.pipeline_parallel, name="n_stages"),
            n_chunks=exact(self.setup.stage_chunks, name="n_chunks"),
            n_micro_batches=_ALL if batches is None else exact(batches, name="n_micro_batches"),
        )
        return self._kept(as_range(ratio))

    @cached_property
    def _last_stage(self) -> Range:
        return self._kept(exact(1 / self.setup.pipeline_parallel, name="in_flight_ratio"))

    @cached_property
    def _all_logits(self) -> Range:
        vocabulary = self.setup.architecture.vocab_size / self.setup.tensor_parallel
        narrow = "narrow_" if self.setup.loss_bits == _NARROW_BITS else ""
        found = formulas.logit_bytes(
            batch_tokens=self._batch_tokens,
            n_vocabulary=exact(vocabulary, name="n_vocabulary"),
            bytes_per_logit=self._number(f"bytes_per_{narrow}logit"),
        )
        return as_range(found, name="logit_bytes")

    @property
    def _is_at_loss(self) -> bool:
        """Whether most stands when the loss is computed, not when a layer is computed again.

        Then the last stage holds its share of one batch, and the logits, which are gone before the
        first layer is computed again.
        """
        at_loss = self._last_stage + self._all_logits
        return bool(at_loss.base > (self._first_stage + self._again).base)

    @cached_property
    def activations(self) -> Range:
        """What the way back needs of the way forward, on the fullest stage."""
        if self._is_at_loss:
            return self._last_stage
        return as_range(self._first_stage + self._again, name="activation_bytes")

    @cached_property
    def logits(self) -> Range:
        """Logits and their gradients, on the last stage; nothing where the peak comes later."""
        return self._all_logits if self._is_at_loss else _NOTHING

    @cached_property
    def step(self) -> Range:
        """What the optimizer's step takes beyond activations, which are gone by then."""
        setup = self.setup
        # Where gradients stand in 32 bits, or in the host, no copies are made.
        if setup.adds_up_in_32_bits or setup.is_offloaded:
            return _NOTHING
        is_shared = setup.shards("weights") > 1
        copies = steps.step_bytes(
            parameters=self._trained,
            bytes_per_weight=self._number(f"step_{'shared_' if is_shared else ''}bytes_per_weight"),
            shard_accelerators=self._shards("optimizer"),
            group_parameters=self._number("step_group_parameters") if is_shared else _ALL,
        )
        found = steps.step_excess_bytes(
            step_bytes=copies,
            gathered_bytes=self.gathered,
            activation_bytes=self.activations,
            logit_bytes=self.logits,
        )
        return as_range(found)

    @cached_property
    def runtime(self) -> Range:
        """Context, kernels and gaps, with the buckets of a framework that has them."""
        found = self._number("runtime_bytes")
        buckets = self.setup.bucket_bytes
        return as_range(found + buckets, name="runtime_bytes") if buckets else found

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
            step_excess_bytes=self.step,
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
    whole = state.setup.copy_accelerators
    if whole == 1 and state.changed(accelerators=1).fits(usable):
        return 1
    shared = state.changed(sharding=FIRST_STAGES["weights"])
    parts = [n for n in (2, 4) if n < per_server]
    doubled = [2**power for power in range(4, most.bit_length())]
    servers = [n * per_server for n in (*range(1, 9), *doubled) if n * per_server <= most]
    counts = [n for n in sorted({*parts, *servers, whole}) if n % whole == 0]
    return next((n for n in counts if shared.changed(accelerators=n).fits(usable)), 0)

"""What stands on an accelerator beside the language model, and how its cache is kept there."""

from dataclasses import replace
from typing import Final

from llminfra.architecture import CacheGroup, Layer, Stage, WeightGroup, WindowRule
from llminfra.catalog.support import is_processor
from llminfra.facets.base import quantity
from llminfra.facets.memory.llama_cpp import LlamaCppTerms
from llminfra.facets.memory.offload import Offload
from llminfra.facets.memory.weights import draft_parts, weight_parts
from llminfra.formulas import weights as formulas
from llminfra.formulas._formula import Quantity
from llminfra.formulas.host import left_weight_bytes
from llminfra.formulas.resources import copies_bytes
from llminfra.ranges import Range, as_range, exact

# Form factors whose memory is the host's too.
UNIFIED: Final = ("SoC", "FP11")


class BesideTerms(LlamaCppTerms):
    """Towers, drafts and what the host holds."""

    _draft_layers: tuple[Layer, ...]
    _drafts: bool
    windows: WindowRule
    offload: Offload
    recipe: str

    def weights(self, stage: Stage, tensor_parallel: int) -> Range:
        """Weights of one rank at the scenario's precision."""

        def kept() -> Range:
            weights = self.weights_of(
                self._on_device(stage),
                tensor_parallel=tensor_parallel,
                expert_parallel=self.scenario.expert_parallel,
                data_parallel=self.scenario.data_parallel,
            )
            return self._left(weights)

        where = (id(stage), self._leaves_embedding, tensor_parallel)
        found: Range = self._once(kept, "weights", self.scenario.precision, *where)
        return found

    def _left(self, weights: Range) -> Range:
        """Weights of an accelerator without those that it reads from the host."""
        if self.scenario.host_weight_bytes is None:
            return weights
        left = left_weight_bytes(
            weight_bytes=weights, host_weight_bytes=quantity(self.scenario, "host_weight_bytes")
        )
        return as_range(left, name="weight_bytes")

    def loaded(self, stage: Stage, tensor_parallel: int) -> Range:
        """Weights of one rank, with what stands beside the language model there."""
        weights = self.weights(stage, tensor_parallel)
        beside = (self._has_towers and stage.is_first) or (self._drafts and stage.is_last)
        if not beside:
            return weights
        key = ("loaded", weights, tensor_parallel, stage.is_first, stage.is_last)
        return self._once(lambda: self.together(weights, stage, tensor_parallel), *key)

    def together(
        self, weights: Range, stage: Stage, tensor_parallel: int, more: Range | None = None
    ) -> Range:
        """Weights with the encoders and what drafts of a stage, and more where there is any."""
        found = formulas.held_weight_bytes(
            weight_bytes=weights,
            tower_bytes=self.towers(stage, tensor_parallel),
            draft_bytes=self.drafts(stage, tensor_parallel),
            more_bytes=exact(0, name="more_bytes") if more is None else more,
        )
        return as_range(found, name="weight_bytes")

    def towers(self, stage: Stage, tensor_parallel: int) -> Range:
        """Encoders on one rank, which stand with the first layers."""
        count = sum(t.parameters_on_rank(tensor_parallel) for t in self.model.towers)
        present = self._has_towers and stage.is_first
        parameters = exact(
            count if present else 0, name="tower_parameters", origin=self.model_origin
        )
        bits = self._stored_bits("vision")
        towers = formulas.tower_bytes(parameters=parameters, bits_per_weight=bits)
        return as_range(towers, name="tower_bytes")

    def _stored_bits(self, group: str) -> Quantity:
        stored = self.model.stored_weights
        bits = dict(stored.bits).get(group) if stored else None
        return self._fact("bf16", "bits_per_weight") if bits is None else bits

    def drafts(self, stage: Stage, tensor_parallel: int) -> Range:
        """Layers or a model that draft, on one rank: with the last layers."""
        if not (self._drafts and stage.is_last):
            return exact(0, name="draft_bytes", unit="byte", origin="no draft")
        return self._once(
            lambda: as_range(
                formulas.weight_bytes(
                    **draft_parts(
                        self.facts, self.scenario, self.deployment, tensor_parallel=tensor_parallel
                    )
                ),
                name="draft_bytes",
            ),
            *("drafts", self.scenario.precision, tensor_parallel),
        )

    def _cached(self, stage: Stage) -> Stage:
        """Layers of a stage that keep a cache: with those that draft, on the last one."""
        if not (self._drafts and stage.is_last):
            return stage
        return self._once(lambda: stage.with_layers(self._draft_layers), "cached", id(stage))

    def _computed(self, stage: Stage) -> Stage:
        """The stage without the layers that the host keeps."""
        if not self.offload.layer_fraction:
            return stage
        return self._once(lambda: self.offload.on_device(stage), "computed", id(stage))

    def _ruled(self, stage: Stage, slots: int) -> Stage:
        """The stage with the engine's rule for windows."""
        windows = replace(self.windows, slots=slots)
        if stage.windows == windows:
            return stage
        ruled = ("ruled", id(stage), windows, self._drafts)
        return self._once(
            lambda: replace(stage, windows=windows, model_groups=self._all_groups()), *ruled
        )

    def _all_groups(self) -> tuple[CacheGroup, ...]:
        """Cache of all stages, with that of the layers that draft."""
        return self.model.whole.with_layers(self._draft_layers).cache_groups

    def _kept(self, stage: Stage, slots: int = 1) -> Stage:
        """The stage as the engine keeps its cache."""
        stage = self._ruled(self._cached(self._computed(stage)), slots)
        if self.keeps_whole_latents:
            stage = self._once(lambda: stage.with_whole_latents(), "whole latents", id(stage))
        return stage

    @property
    def token_values(self) -> int:
        """Values that one more token adds in the whole model, drafting layers included."""
        return self.model.kv_values_per_token() + sum(
            g.n_layers * g.values_on_rank(1) // g.tokens_per_entry
            for layer in self._draft_layers
            for g in (layer.mixer.caches() if layer.mixer else ())
            for _ in range(layer.count)
            if g.kind in ("full", "latent")
        )

    def _on_device(self, stage: Stage) -> tuple[WeightGroup, ...]:
        """Weights that stand on accelerators: some engines read embeddings from the host."""
        groups = (self.offload.split(group)[0] for group in stage.weight_groups)
        left = "embedding" if self._leaves_embedding else ""
        return tuple(group for group in groups if group.count and group.name != left)

    @property
    def _leaves_embedding(self) -> bool:
        """Whether the table of embeddings stays in the memory of the host."""
        reads_there = self.engine_family == "llama.cpp" and not self._shares_memory()
        return reads_there and not self.model.tied_embeddings

    @property
    def host_weights(self) -> Range:
        """Weights that the host keeps, of the whole replica."""
        if self.scenario.host_weight_bytes is not None:
            each = quantity(self.scenario, "host_weight_bytes")
            number = exact(self.deployment.accelerators_per_replica, name="n_accelerators")
            total = copies_bytes(each_bytes=each, n_copies=number)
            return as_range(total, name="host_weight_bytes")
        groups = tuple(self.offload.split(group)[1] for group in self.model.weight_groups())
        return self.weights_of(tuple(g for g in groups if g.count)).named("host_weight_bytes")

    def weights_of(self, groups: tuple[WeightGroup, ...], **split: int) -> Range:
        """Weights of some groups on one rank; on all ranks without a split."""
        parts = weight_parts(self.facts, self.recipe, self.model, groups, **split)
        parts |= {
            name: exact(count, name=name, origin=self.model_origin)
            for name, count in parts.items()
            if isinstance(count, int)
        }
        return as_range(formulas.weight_bytes(**parts))

    def _shares_memory(self) -> bool:
        """Whether accelerator and host are one memory, as in processors and unified chips."""
        chip = self.scenario.accelerator
        if is_processor(self.facts, chip):
            return True
        return self.facts.text(chip, "form_factor") in UNIFIED

"""How one split of the model uses each accelerator."""

import math
from collections.abc import Hashable
from copy import copy
from typing import Any, Self, TypeVar

import numpy as np

from llminfra.architecture import Architecture, Layer, Stage, WindowRule
from llminfra.catalog.facts import Facts
from llminfra.catalog.recipes import recipe, stored_in
from llminfra.facets.base import SIZING_CONFIDENCE, quantity
from llminfra.facets.demand import Demand
from llminfra.facets.deployment import Deployment
from llminfra.facets.memory.beside import BesideTerms
from llminfra.facets.memory.inputs import Inputs
from llminfra.facets.memory.layout import Layout
from llminfra.facets.memory.offload import offload_of
from llminfra.facets.memory.runtime import Runtime
from llminfra.facets.memory.stored import stored_bytes
from llminfra.formulas import memory as formulas
from llminfra.formulas import runtime, startup
from llminfra.formulas._formula import Quantity, formula
from llminfra.formulas.kv_pool import Pool, pool_of, replica_pool
from llminfra.formulas.weights import adapter_bytes
from llminfra.ranges import Range, as_range, exact

T = TypeVar("T")
MOST_TRIED = 64


def kv_precision(scenario: Inputs, model: Architecture) -> str:
    """The cache's precision; auto is what the checkpoint asks for, else 16 bits.

    TensorRT-LLM's quantised checkpoints ask for 8 bits: the published saturated throughput fits
    8 bits with 5 % error and 16 bits with 14 %. llama.cpp reads no such wish.
    """
    if scenario.kv_precision != "auto":
        return str(scenario.kv_precision)
    stored = stored_in(model, scenario.precision)
    if stored and stored.kv_precision and scenario.engine != "llama.cpp":
        return stored.kv_precision
    follows = scenario.engine == "tensorrt-llm" and scenario.precision in ("fp8", "nvfp4", "mxfp4")
    return "fp8" if follows else "bf16"


class Sizing(Runtime, BesideTerms):
    """What fills one accelerator, term by term: the facts and fields that all layouts share."""

    def __init__(
        self, scenario: Inputs, facts: Facts, *, deployment: Deployment, demand: Demand
    ) -> None:
        self.facts, self.deployment = facts, deployment
        self.model, self.engine = deployment.architecture, deployment.engine_entry
        self.request_tokens = demand.tokens_per_request
        self.longest_tokens = exact(
            deployment.max_model_len, name="max_model_len", origin="scenario or model"
        )
        self._known: dict[Hashable, Any] = {}
        self._take(scenario)

    def on(self, accelerator: str, precision: str) -> Self:
        """Return the sizing on another accelerator; equal terms are the same objects in both."""
        return self.with_fields(self._known, accelerator=accelerator, precision=precision)

    def with_fields(self, known: dict[Hashable, Any], **fields: Any) -> Self:
        """Return the sizing with other fields, and what is known of its terms."""
        other = copy(self)
        other._known = known
        other._take(self.scenario.model_copy(update=fields))
        return other

    def _take(self, scenario: Inputs) -> None:
        """Read the facts and fields that no split changes."""
        self.scenario = scenario
        self._layouts: dict[int, Layout] = {}
        # Attention ranks that keep requests; prefill workers hand theirs over at once.
        self.ranks = scenario.data_parallel * (scenario.decode_workers or 1)
        self.memory_bytes = self._memory_bytes()
        self.kv_bytes = self._fact(kv_precision(scenario, self.model), "kv_bytes_per_value")
        self.block_tokens = self._fact(self.engine, "kv_block_tokens")
        self.engine_family = self.facts.text(self.engine, "family")
        self.state_pages = self._once(self._state_pages, "state_pages")
        self.utilization = self._once(self._utilization, "utilization")
        self.step_tokens = self._limit("max_num_batched_tokens")
        self.most_sequences = self._limit("max_num_seqs")
        self.recipe = recipe(self.facts, self.engine, scenario.precision)
        self.windows = self._once(self._windows, "windows", scenario.hybrid_cache)
        self.shares_rest = self.facts.text(self.engine, "pool_basis") == "remaining"
        self._has_towers = bool(self.model.towers) and not scenario.text_only
        self._draft_layers: tuple[Layer, ...] = ()
        if scenario.draft_tokens:
            self._draft_layers = self.deployment.draft_layers
        self._drafts = bool(self._draft_layers)
        self.offload = offload_of(scenario, self.model)

    def _memory_bytes(self) -> Range:
        name = f"memory_{self.scenario.memory_basis}_bytes"
        cards = (self.scenario.accelerator, *self.scenario.beside_accelerators)
        return min((self._fact(card, name) for card in cards), key=lambda memory: memory.base)

    def _state_pages(self) -> Range:
        """Pages that hold one recurrent state; asked for only where the model has states."""
        if any(group.kind == "state" for group in self.model.cache_groups()):
            pages = self.facts.number(self.engine, "kv_state_pages")
            if not (self.scenario.draft_tokens and pages.base):
                return pages
            drafted = quantity(self.scenario, "draft_tokens")
            kept = formulas.drafted_state_pages(kv_state_pages=pages, draft_tokens=drafted)
            return as_range(kept, name="kv_state_pages")
        return exact(0, name="kv_state_pages")

    def _windows(self) -> WindowRule:
        """How the engine keeps windows; its constants are single numbers, without bands."""
        if all(group.window is None for group in self.model.cache_groups()):
            return WindowRule(even_ratio=self.even_ratio)
        return self.window_rule()

    def _utilization(self) -> Range:
        if self.scenario.gpu_memory_utilization is not None:
            return quantity(self.scenario, "gpu_memory_utilization")
        return self.facts.number(self.engine, "default_gpu_memory_utilization")

    def layout(self, tensor_parallel: int) -> Layout:
        """Return the stage that holds the fewest sequences."""
        if tensor_parallel not in self._layouts:
            self._layouts[tensor_parallel] = self._fullest(tensor_parallel)
        return self._layouts[tensor_parallel]

    def _fullest(self, tensor_parallel: int) -> Layout:
        found = []
        for stage in self.stages(self.scenario.pipeline_parallel):
            terms = self.terms(stage, tensor_parallel)
            pool = replica_pool(**terms, shares_rest=self.shares_rest)
            if self.scenario.kv_cache_bytes is not None:
                pool = self._stated_pool(terms)
            found.append((pool.max_sequences.base, stage, terms, pool.kv_pool_bytes))
        _, stage, terms, pool_bytes = min(found, key=lambda one: one[0])
        return Layout(
            stage=stage,
            tensor_parallel=tensor_parallel,
            weight_bytes=self.loaded(stage, tensor_parallel),
            tower_bytes=self.towers(stage, tensor_parallel),
            draft_bytes=self.drafts(stage, tensor_parallel),
            adapter_bytes=self.adapters(stage, tensor_parallel),
            activation_bytes=terms["activation_bytes"],
            other_runtime_bytes=terms["other_runtime_bytes"],
            pool_bytes=as_range(pool_bytes, name="kv_pool_bytes_per_accelerator"),
            token_bytes=self._token_bytes(stage, tensor_parallel),
            request_bytes=terms["sequence_bytes"],
            longest_bytes=self.reserved(stage, tensor_parallel, self.longest_tokens),
            context_bytes=self.context(stage, tensor_parallel),
        )

    def _stated_pool(self, terms: dict[str, Range]) -> Pool:
        """The pool that the scenario states, or less where the memory does not hold it."""
        rest = replica_pool(**(terms | {"gpu_memory_utilization": 1.0}), shares_rest=True)
        stated = quantity(self.scenario, "kv_cache_bytes")
        return pool_of(
            kv_pool_bytes=runtime.stated_pool_bytes(
                kv_cache_bytes=stated, free_bytes=rest.kv_pool_bytes
            ),
            sequence_bytes=terms["sequence_bytes"],
        )

    def stages(self, pipeline_parallel: int) -> list[Stage]:
        """Stages of a pipeline, equal ones once."""
        return self._once(
            lambda: list(dict.fromkeys(self.model.stages(pipeline_parallel))),
            *("stages", pipeline_parallel),
        )

    def terms(self, stage: Stage, tensor_parallel: int) -> dict[str, Range]:
        """What `replica_pool` takes for one accelerator of a stage."""
        n = tensor_parallel
        activation, other = self._once(
            lambda: self.runtime(n), "runtime", self.most_sequences, self.step_tokens, n
        )
        return {
            "gpu_memory_utilization": self.utilization,
            "memory_bytes": self.memory_bytes,
            "weight_bytes": self._weights_and_adapters(stage, n),
            "activation_bytes": activation,
            "other_runtime_bytes": other,
            "sequence_bytes": self._once(
                lambda: self.reserved(stage, n, self.request_tokens),
                *("request", self.kv_bytes, self.step_tokens, id(stage), n),
            ),
        }

    def _weights_and_adapters(self, stage: Stage, tensor_parallel: int) -> Range:
        if not self.scenario.lora_adapters:
            return self.loaded(stage, tensor_parallel)
        weights, more = (of(stage, tensor_parallel) for of in (self.weights, self.adapters))
        return self._once(
            lambda: self.together(weights, stage, tensor_parallel, more),
            *("weights and adapters", weights, stage.is_first, stage.is_last),
        )

    @property
    def all_weights(self) -> Range:
        """Weights of the whole model."""
        return self._once(lambda: self._loaded_whole(), *("all weights", self.scenario.precision))

    @property
    def stored_bytes(self) -> Range:
        """Files of the checkpoint, whether an engine loads all of them or not."""
        return stored_bytes(self.facts, self.scenario, self.deployment)

    def _loaded_whole(self) -> Range:
        """The language model and what is loaded beside it, once."""
        weights = self.weights_of(self.model.weight_groups())
        if not (self._has_towers or self._drafts):
            return weights
        return self.together(weights, self.model.whole, 1)

    def adapters(self, stage: Stage, tensor_parallel: int) -> Range:
        """Adapters on one rank, which engines keep in 16 bits."""
        adapters = adapter_bytes(
            lora_adapters=quantity(self.scenario, "lora_adapters"),
            parameters=stage.adapter_parameters(
                lora_rank=self.scenario.lora_rank, tensor_parallel=tensor_parallel
            ),
            bits_per_weight=self.facts.number("bf16", "bits_per_weight"),
        )
        return as_range(adapters)

    def _limit(self, name: str) -> Range:
        """A batch limit of the scenario, else the engine's default for this accelerator."""
        if getattr(self.scenario, name) is not None:
            return self._once(lambda: quantity(self.scenario, name), name)
        if name == "max_num_batched_tokens" and self._reads_prompts_whole():
            return self._once(self._whole_step, "whole step", self.longest_tokens)
        threshold = self._fact(self.engine, "large_memory_threshold_bytes")
        small = self.facts.text(self.engine, "large_memory_excluded").split()
        is_small = self.memory_bytes < threshold or any(
            self.scenario.accelerator.startswith(start) for start in small
        )
        return self._fact(self.engine, f"default_{name}_{'small' if is_small else 'large'}")

    def _reads_prompts_whole(self) -> bool:
        """Whether a release takes the longest prompt in one step, as vLLM did before 0.8."""
        return bool(self.longest_tokens.base <= self._whole_prompt_tokens())

    def _whole_prompt_tokens(self) -> float:
        """Longest prompt that a release takes in one step where that is not stated; 0 for none."""
        stated = self.scenario.max_num_batched_tokens is not None
        if stated or self.scenario.engine_version is None:  # the newest reads in chunks
            return 0
        return self._fact(self.engine, "whole_prompt_tokens").base

    def _whole_step(self) -> Range:
        least = self._fact(self.engine, "default_max_num_batched_tokens_small")
        step = startup.whole_step_tokens(max_model_len=self.longest_tokens, least_tokens=least)
        return as_range(step, name="max_num_batched_tokens")

    def _token_bytes(self, stage: Stage, tensor_parallel: int) -> Range:
        """Cache of a request over its length, where pages are not rounded up."""
        stage = self._kept(stage)
        cache_bytes: Quantity = formula(stage.cache_bytes)
        padding_bytes: Quantity = formula(stage.state_padding_bytes)
        unpaged = cache_bytes(
            tokens=startup.kept_tokens(
                tokens=self.request_tokens,
                decode_context_parallel=self.scenario.decode_context_parallel,
            ),
            bytes_per_value=self.kv_bytes,
            tensor_parallel=tensor_parallel,
        )
        padding = padding_bytes(
            block_tokens=self.block_tokens,
            bytes_per_value=self.kv_bytes,
            state_pages=self.state_pages,
            tensor_parallel=tensor_parallel,
        )
        each = formulas.cache_bytes_per_token(
            cache_bytes=unpaged, state_padding_bytes=padding, request_tokens=self.request_tokens
        )
        return as_range(each)

    def context(self, stage: Stage, tensor_parallel: int) -> Range:
        """Cache of one context of max_model_len, with a window for each slot that shares it."""
        tokens, n = self.longest_tokens, tensor_parallel
        return self._once(
            lambda: self.reserved(stage, n, tokens, self.slots),
            *("context", self.kv_bytes, self.step_tokens, tokens, id(stage), n, self.slots),
        )

    def reserved(self, stage: Stage, tensor_parallel: int, tokens: Range, slots: int = 1) -> Range:
        """Cache that the engine reserves for one sequence on one rank."""
        cache_bytes: Quantity = formula(self._kept(stage, slots).reserved_cache_bytes)
        shared = startup.kept_tokens(
            tokens=tokens, decode_context_parallel=self.scenario.decode_context_parallel
        )
        reserved = cache_bytes(tokens=shared, tensor_parallel=tensor_parallel, **self.pages())
        return as_range(reserved, name="sequence_bytes")

    def pages(self) -> dict[str, Range]:
        """How the engine pages what a sequence keeps."""
        return {
            "block_tokens": self.block_tokens,
            "max_num_batched_tokens": self.step_tokens,
            "bytes_per_value": self.kv_bytes,
            "state_pages": self.state_pages,
        }

    def longest_held(self, sequences: Range) -> Range:
        """Longest sequence of which the pool of a rank reserves so many."""
        return self.longest_sequence(self.longest_tokens, sequences)

    def longest_started(self) -> Range:
        """Longest max_model_len that the engine starts with, none beyond what is asked.

        A step that takes the longest prompt whole grows with it, and leaves it a smaller pool.
        """
        found = self.longest_sequence(self.longest_tokens, slots=self.slots)
        whole = self._whole_prompts()
        if whole is None or found.base > whole.base:
            return found
        return self.longest_sequence(whole, slots=self.slots, is_sized_anew=True)

    def _whole_prompts(self) -> Range | None:
        """Longest prompt that is asked for and taken in one step."""
        whole = min(self._whole_prompt_tokens(), self.longest_tokens.base)
        return exact(whole, name="max_model_len") if whole else None

    def _sized_for(self, tokens: Quantity) -> Self:
        """Return the sizing with another max_model_len."""
        other = copy(self)
        other.longest_tokens = Range(tokens, name="max_model_len")
        other._take(self.scenario)
        return other

    def longest_sequence(
        self,
        most_tokens: Range,
        sequences: Range | None = None,
        *,
        slots: int = 1,
        is_sized_anew: bool = False,
    ) -> Range:
        r"""Longest sequence of which the pool of a rank reserves so many, by bisection.

        With a window for each of so many slots; in the pool of what is asked, or of each length.

        Notes
        -----
        .. math:: L = \max\{l \le L_\max : b\, R(l) \le P\}
        """
        count = exact(1) if sequences is None else sequences
        split, parts = self.deployment.tensor_parallel, self.scenario.decode_context_parallel
        pool_bytes = self.layout(split).pool_bytes
        low, high = 0 * (pool_bytes / count).draws, most_tokens.draws + 0.0
        for _ in range(math.ceil(math.log2(most_tokens.base)) + 1):
            middle = np.ceil((low + high) / 2)
            sized = self._sized_for(middle) if is_sized_anew else self
            layout = sized.layout(split)
            stage = sized._kept(layout.stage, slots)
            fits = (layout.pool_bytes / count).draws >= stage.reserved_cache_bytes(
                tokens=startup.kept_tokens(tokens=middle, decode_context_parallel=parts),
                tensor_parallel=split,
                **{name: value.draws for name, value in sized.pages().items()},
            )
            low, high = np.where(fits, middle, low), np.where(fits, high, middle - 1)
        return Range(
            np.maximum(low, 0),
            unit="token",
            formula=self.longest_sequence,
            inputs={"kv_pool_bytes": pool_bytes, "sequences": count},
        )

    def fewest(self, sequences: Range) -> int | None:
        """Fewest accelerators of this kind that hold so many requests at the sizing confidence."""
        others = self.scenario.pipeline_parallel * self.ranks
        prefill = self.deployment.prefill
        for tensor_parallel in self.model.tensor_parallel_values(MOST_TRIED):
            held = self.layout(tensor_parallel).held(self.ranks)
            if held.probability_at_least(sequences) >= SIZING_CONFIDENCE:
                return int(tensor_parallel * others) + (prefill.accelerators if prefill else 0)
        return None

"""How one split of the model uses each accelerator."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from llminfra.architecture import Stage, WeightGroup
from llminfra.catalog.facts import Facts
from llminfra.facets.base import SIZING_CONFIDENCE, quantity
from llminfra.facets.recipe import bits_per_weight, quantized_groups
from llminfra.formulas import memory as formulas
from llminfra.formulas import runtime
from llminfra.ranges import Range, apply, exact

if TYPE_CHECKING:
    from llminfra.plan import Plan

MOST_TRIED = 64
# Parts of the weights that a recipe may store at different precisions.
KINDS = ("quantized", "embedding", "head", "other")


@dataclass(frozen=True)
class Layout:
    """One way to split the model, seen from the accelerator that is fullest for its work."""

    stage: Stage
    tensor_parallel: int
    weight_bytes: Range
    adapter_bytes: Range
    activation_bytes: Range
    other_runtime_bytes: Range
    pool_bytes: Range
    token_bytes: Range
    request_bytes: Range
    longest_bytes: Range

    def held(self, data_parallel: int, sequence_bytes: Range | None = None) -> Range:
        """Sequences that the ranks hold; those of a request unless told otherwise."""
        return apply(
            formulas.max_sequences,
            kv_pool_bytes=self.pool_bytes,
            sequence_bytes=self.request_bytes if sequence_bytes is None else sequence_bytes,
            data_parallel=data_parallel,
        )


def kv_precision(scenario: Any) -> str:
    """The cache's precision; auto is what the engine takes unless told otherwise: 16 bits.

    TensorRT-LLM follows the checkpoint, and the quantised ones made for it ask for 8 bits: the
    published saturated throughput fits 8 bits with 5 % error and 16 bits with 14 %.
    """
    if scenario.kv_precision != "auto":
        return str(scenario.kv_precision)
    follows = scenario.engine == "tensorrt-llm" and scenario.precision in ("fp8", "nvfp4", "mxfp4")
    return "fp8" if follows else "bf16"


def count_by_kind(
    groups: Iterable[WeightGroup],
    quantized: frozenset[str],
    **split: int,
) -> dict[str, int]:
    """Parameters of one rank: quantised, embedding, head and the rest."""
    counts = dict.fromkeys(KINDS, 0)
    for group in groups:
        known = group.name if group.name in ("embedding", "head") else "other"
        kind = "quantized" if group.quantizable and group.name in quantized else known
        counts[kind] += group.count_on_rank(**split)
    return counts


class Sizing:
    """The facts and fields that all layouts of one scenario share."""

    def __init__(self, scenario: Any, plan: "Plan", facts: Facts) -> None:
        self.scenario, self.plan, self.facts = scenario, plan, facts
        self._layouts: dict[int, Layout] = {}
        deployment = plan.deployment
        self.model, self.engine = deployment.architecture, deployment.engine_entry
        self.tensor_parallel = deployment.tensor_parallel
        # Attention ranks that requests are dealt to; prefill workers hold none for longer.
        self.ranks = scenario.data_parallel * (scenario.decode_workers or 1)
        self.longest_tokens = exact(deployment.max_model_len, name="max_model_len")
        self.block_tokens = facts.number(self.engine, "kv_block_tokens")
        self.state_pages = self._state_pages()
        self.request_tokens = plan.capacity.tokens_per_request
        self.kv_bytes = facts.number(kv_precision(scenario), "kv_bytes_per_value")
        self.memory_bytes = facts.number(
            scenario.accelerator, f"memory_{scenario.memory_basis}_bytes"
        )
        self.utilization = self._utilization()
        self.step_tokens = self._limit("max_num_batched_tokens")
        self.most_sequences = self._limit("max_num_seqs")
        self.shares_rest = facts.text(self.engine, "pool_basis") == "remaining"
        self.model_origin = next(
            (r.fact for r in facts.ledger if r.fact.key == f"{scenario.model}.config"),
            f"configuration at {scenario.model}",
        )

    def _state_pages(self) -> Range:
        """Pages that hold one recurrent state; asked for only where the model has states."""
        if any(group.kind == "state" for group in self.model.cache_groups()):
            return self.facts.number(self.engine, "kv_state_pages")
        return exact(0, name="kv_state_pages")

    def _utilization(self) -> Range:
        if self.scenario.gpu_memory_utilization is not None:
            return quantity(self.scenario, "gpu_memory_utilization")
        return self.facts.number(self.engine, "default_gpu_memory_utilization")

    def layout(self, tensor_parallel: int) -> Layout:
        """Return the stage that holds the fewest sequences."""
        if tensor_parallel not in self._layouts:
            self._layouts[tensor_parallel] = self._fullest_stage(tensor_parallel)
        return self._layouts[tensor_parallel]

    def _fullest_stage(self, tensor_parallel: int) -> Layout:
        stages = self.model.stages(self.scenario.pipeline_parallel)
        layouts = [self._stage_layout(stage, tensor_parallel) for stage in stages]
        return min(layouts, key=lambda layout: layout.held(1).base)

    def _stage_layout(self, stage: Stage, tensor_parallel: int) -> Layout:
        weights = self.weights(stage.weight_groups, **self.split(tensor_parallel))
        adapters = self.adapters(stage, tensor_parallel)
        activation, other = self.runtime(tensor_parallel)
        pool = apply(
            runtime.kv_pool_bytes_of_rest if self.shares_rest else runtime.kv_pool_bytes,
            name="kv_pool_bytes_per_accelerator",
            gpu_memory_utilization=self.utilization,
            memory_bytes=self.memory_bytes,
            weight_bytes=weights + adapters if self.scenario.lora_adapters else weights,
            activation_bytes=activation,
            other_runtime_bytes=other,
        )
        request = self.reserved(stage, tensor_parallel, self.request_tokens)
        unpaged = apply(
            stage.cache_bytes,
            name="cache_bytes",
            tokens=self.request_tokens,
            bytes_per_value=self.kv_bytes,
            tensor_parallel=tensor_parallel,
        )
        padding = apply(
            stage.state_padding_bytes,
            block_tokens=self.block_tokens,
            bytes_per_value=self.kv_bytes,
            state_pages=self.state_pages,
            tensor_parallel=tensor_parallel,
        )
        return Layout(
            stage=stage,
            tensor_parallel=tensor_parallel,
            weight_bytes=weights,
            adapter_bytes=adapters,
            activation_bytes=activation,
            other_runtime_bytes=other,
            pool_bytes=pool,
            token_bytes=((unpaged + padding) / self.request_tokens).named("cache_bytes_per_token"),
            request_bytes=request,
            longest_bytes=self.reserved(stage, tensor_parallel, self.longest_tokens),
        )

    def split(self, tensor_parallel: int) -> dict[str, int]:
        """Return over how many ranks what is divided."""
        fields = ("expert_parallel", "data_parallel")
        own = {name: int(getattr(self.scenario, name)) for name in fields}
        return {"tensor_parallel": tensor_parallel, **own}

    def weights(self, groups: tuple[WeightGroup, ...], **split: int) -> Range:
        """Weights of one rank at the scenario's precision; of all ranks without a split."""
        precision = self.scenario.precision
        counts = count_by_kind(
            groups,
            quantized_groups(self.facts, precision, self.model),
            **split,
        )
        parameters: dict[str, Any] = {
            f"{kind}_parameters": exact(count, name=f"{kind}_parameters", origin=self.model_origin)
            for kind, count in counts.items()
        }
        bits = ("embedding_bits", "head_bits", "unquantized_bits", "kernel_padding_ratio")
        recipe: dict[str, Any] = {name: self.facts.number(precision, name) for name in bits}
        recipe["bits_per_weight"] = bits_per_weight(self.facts, precision, self.model)
        return apply(formulas.weight_bytes, **parameters, **recipe)

    def adapters(self, stage: Stage, tensor_parallel: int) -> Range:
        """Adapters on one rank, which engines keep in 16 bits."""
        return apply(
            formulas.adapter_bytes,
            lora_adapters=quantity(self.scenario, "lora_adapters"),
            parameters=stage.adapter_parameters(
                lora_rank=self.scenario.lora_rank, tensor_parallel=tensor_parallel
            ),
            bits_per_weight=self.facts.number("bf16", "bits_per_weight"),
        )

    def runtime(self, tensor_parallel: int) -> tuple[Range, Range]:
        """Peak activation, and everything else that the engine subtracts from the pool."""
        scenario, facts = self.scenario, self.facts
        if scenario.runtime_bytes_per_accelerator is not None:
            return exact(0, name="activation_bytes"), quantity(
                scenario, "runtime_bytes_per_accelerator"
            )
        if scenario.activation_bytes is not None:
            activation = quantity(scenario, "activation_bytes")
        else:
            activation = self._activation()
        if scenario.non_torch_bytes is not None:
            return activation, quantity(scenario, "non_torch_bytes")
        size = "single" if tensor_parallel == 1 else "parallel"
        graphs = "cuda_graph_bytes" if self._counts_graphs() else None
        other = apply(
            runtime.runtime_bytes,
            name="other_runtime_bytes",
            non_torch_bytes=facts.number(self.engine, f"non_torch_bytes_{size}"),
            cuda_graph_bytes=facts.number(self.engine, graphs) if graphs else 0.0,
            pool_error_bytes=facts.number("memory", "pool_error_bytes"),
        )
        return activation, other

    def _counts_graphs(self) -> bool:
        """Tell whether this engine version takes captured graphs from the pool."""
        return self.facts.number(self.engine, "graph_counts_in_pool") > 0

    def _activation(self) -> Range:
        facts, engine = self.facts, self.engine
        return apply(
            runtime.activation_bytes,
            max_num_seqs=self.most_sequences,
            vocab_size=exact(self.model.vocab_size, name="vocab_size", origin=self.model_origin),
            max_num_batched_tokens=self.step_tokens,
            hidden_size=exact(self.model.hidden_size, name="hidden_size", origin=self.model_origin),
            activation_bytes_per_logit=facts.number(engine, "activation_bytes_per_logit"),
            activation_bytes_per_hidden=facts.number(engine, "activation_bytes_per_hidden"),
        )

    def _limit(self, name: str) -> Range:
        """A batch limit of the scenario, else the engine's default for this accelerator."""
        if getattr(self.scenario, name) is not None:
            return quantity(self.scenario, name)
        threshold = self.facts.number(self.engine, "large_memory_threshold_bytes")
        small = self.facts.text(self.engine, "large_memory_excluded").split()
        is_small = self.memory_bytes < threshold or any(
            self.scenario.accelerator.startswith(start) for start in small
        )
        return self.facts.number(self.engine, f"default_{name}_{'small' if is_small else 'large'}")

    def reserved(self, stage: Stage, tensor_parallel: int, tokens: Range) -> Range:
        """Cache that the engine reserves for one sequence on one rank."""
        return apply(
            stage.reserved_cache_bytes,
            name="sequence_bytes",
            tokens=tokens,
            block_tokens=self.block_tokens,
            max_num_batched_tokens=self.step_tokens,
            bytes_per_value=self.kv_bytes,
            state_pages=self.state_pages,
            tensor_parallel=tensor_parallel,
        )

    def longest_held(self, sequences: Range) -> Range:
        """Longest sequence of which the pool of a rank reserves so many, by bisection."""
        layout = self.layout(self.tensor_parallel)
        most_bytes = (layout.pool_bytes / sequences).draws
        low, high = 0 * most_bytes, self.longest_tokens.draws + 0.0
        for _ in range(math.ceil(math.log2(self.longest_tokens.base)) + 1):
            middle = np.ceil((low + high) / 2)
            needed = self.reserved(layout.stage, layout.tensor_parallel, Range(middle))
            fits = needed.draws <= most_bytes
            low, high = np.where(fits, middle, low), np.where(fits, high, middle - 1)
        return Range(np.maximum(low, 0), unit="token", inputs={"kv_pool_bytes": layout.pool_bytes})

    def fewest(self, sequences: Range) -> int | None:
        """Fewest accelerators of this kind that hold so many requests at the sizing confidence."""
        others = self.scenario.pipeline_parallel * self.ranks
        prefill = self.plan.deployment.prefill
        for tensor_parallel in self.model.tensor_parallel_values(MOST_TRIED):
            held = self.layout(tensor_parallel).held(self.ranks)
            if held.probability_at_least(sequences) >= SIZING_CONFIDENCE:
                return int(tensor_parallel * others) + (prefill.accelerators if prefill else 0)
        return None

"""What fits where: weights, KV cache and runtime against the memory of the accelerators."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from llminfra import formats
from llminfra.architecture import Stage, WeightGroup
from llminfra.catalog.facts import Facts, ids
from llminfra.errors import InvalidInput, MissingFact
from llminfra.facets.base import SIZING_CONFIDENCE, Problem, Quantity, Result, field, quantity
from llminfra.facets.base import Inputs as BaseInputs
from llminfra.formulas import memory as formulas
from llminfra.ranges import Range, apply, exact

if TYPE_CHECKING:
    from llminfra.plan import Plan

_MAX_BYTES = 1e13
MOST_TRIED = 64


class Inputs(BaseInputs):
    """Fields that matter to memory alone."""

    gpu_memory_utilization: float | None = field(
        None,
        help="share of each accelerator's memory that the engine may use; none is its default",
        unit="1",
        minimum=0.05,
        maximum=1.0,
    )
    memory_basis: Literal["usable", "marketing"] = field(
        "usable", help="memory that the engine sees, or the size on the product page"
    )
    max_num_seqs: int | None = field(
        None,
        help="most sequences in one step; none is the engine's default",
        unit="sequence",
        minimum=1,
        maximum=65_536,
    )
    max_num_batched_tokens: int | None = field(
        None,
        help="most tokens in one step; none is the engine's default",
        unit="token",
        minimum=1,
        maximum=1_048_576,
    )
    activation_bytes: Quantity | None = field(
        None,
        help="peak activation of one accelerator; none is estimated",
        unit="byte",
        minimum=0,
        maximum=_MAX_BYTES,
    )
    non_torch_bytes: Quantity | None = field(
        None,
        help="memory outside the allocator of one accelerator; none is estimated",
        unit="byte",
        minimum=0,
        maximum=_MAX_BYTES,
    )
    runtime_bytes_per_accelerator: Quantity | None = field(
        None,
        help="everything but weights and KV cache on one accelerator; none is estimated",
        unit="byte",
        minimum=0,
        maximum=_MAX_BYTES,
    )


@dataclass(frozen=True)
class Memory(Result):
    """Memory of one replica; what is per accelerator says so."""

    parameters: Range
    active_parameters: Range
    weight_bytes: Range
    weight_bytes_per_accelerator: Range
    kv_cache_bytes_per_token: Range
    kv_cache_bytes_per_request: Range
    memory_bytes_per_accelerator: Range
    limit_bytes_per_accelerator: Range
    activation_bytes_per_accelerator: Range
    other_runtime_bytes_per_accelerator: Range
    kv_pool_bytes_per_accelerator: Range
    kv_request_bytes_per_accelerator: Range
    kv_load_bytes_per_accelerator: Range
    kv_pool_tokens: Range
    max_sequences: Range
    max_sequences_guaranteed: Range
    in_flight_per_replica: Range
    accelerators_needed: int | None
    accelerators_needed_for_load: int | None
    fits: bool
    fits_probability: float
    load_probability: float

    @property
    def spare_bytes_per_accelerator(self) -> Range:
        """Room that the load leaves in the pool; negative when it is short."""
        spare: Range = self.kv_pool_bytes_per_accelerator - self.kv_load_bytes_per_accelerator
        return spare

    @property
    def request_shortfall_bytes_per_accelerator(self) -> Range:
        """What one request lacks in the pool; negative when it fits."""
        short: Range = self.kv_request_bytes_per_accelerator - self.kv_pool_bytes_per_accelerator
        return short


@dataclass(frozen=True)
class _Layout:
    """One way to split the model, seen from the accelerator that is fullest for its work."""

    weight_bytes: Range
    activation_bytes: Range
    other_runtime_bytes: Range
    pool_bytes: Range
    token_bytes: Range
    request_bytes: Range
    longest_bytes: Range

    @property
    def sequences(self) -> Range:
        """Requests that one rank holds."""
        return apply(
            formulas.max_sequences,
            kv_pool_bytes=self.pool_bytes,
            sequence_bytes=self.request_bytes,
        )


def check(scenario: Any, facts: Facts) -> None:
    """Raise InvalidInput for runtime memory that is stated twice."""
    if scenario.runtime_bytes_per_accelerator is None:
        return
    for part in ("activation_bytes", "non_torch_bytes"):
        if getattr(scenario, part) is not None:
            raise InvalidInput(
                f"{part} must stand without runtime_bytes_per_accelerator, which includes it, "
                f"got {getattr(scenario, part)}; remove one",
                field=part,
            )


def evaluate(scenario: Any, plan: "Plan", facts: Facts) -> Memory:
    """Size one replica."""
    sizing = _Sizing(scenario, plan, facts)
    deployment, model = plan.deployment, plan.deployment.architecture
    layout = sizing.layout(deployment.tensor_parallel)
    load = (plan.capacity.in_flight / scenario.replicas).named("in_flight_per_replica")
    per_rank, at_least_one = load / scenario.data_parallel, load.no_less_than(1)
    token_bytes = apply(
        formulas.kv_cache_bytes_per_token,
        values_per_token=exact(model.kv_values_per_token(), name="values_per_token", unit="value"),
        bytes_per_value=sizing.kv_bytes,
    )
    held = apply(
        formulas.max_sequences,
        kv_pool_bytes=layout.pool_bytes * scenario.data_parallel,
        sequence_bytes=layout.request_bytes,
    )
    return Memory(
        parameters=exact(model.parameters, name="parameters", origin=sizing.model_origin),
        active_parameters=exact(model.active_parameters, name="active_parameters"),
        weight_bytes=sizing.weights(model.weight_groups(), 1, 1),
        weight_bytes_per_accelerator=layout.weight_bytes,
        kv_cache_bytes_per_token=token_bytes,
        kv_cache_bytes_per_request=sizing.paged_cache(model.stages()[0], 1, sizing.request_tokens),
        memory_bytes_per_accelerator=sizing.memory_bytes,
        limit_bytes_per_accelerator=(sizing.memory_bytes * sizing.utilization).named(
            "limit_bytes_per_accelerator"
        ),
        activation_bytes_per_accelerator=layout.activation_bytes,
        other_runtime_bytes_per_accelerator=layout.other_runtime_bytes,
        kv_pool_bytes_per_accelerator=layout.pool_bytes,
        kv_request_bytes_per_accelerator=layout.request_bytes,
        kv_load_bytes_per_accelerator=(layout.request_bytes * per_rank).named(
            "kv_load_bytes_per_accelerator"
        ),
        kv_pool_tokens=apply(
            formulas.pool_tokens,
            name="kv_pool_tokens",
            kv_pool_bytes=layout.pool_bytes * scenario.data_parallel,
            cache_bytes_per_token=layout.token_bytes,
        ),
        max_sequences=held,
        max_sequences_guaranteed=apply(
            formulas.max_sequences,
            name="max_sequences_guaranteed",
            kv_pool_bytes=layout.pool_bytes * scenario.data_parallel,
            sequence_bytes=layout.longest_bytes,
        ),
        in_flight_per_replica=load,
        accelerators_needed=sizing.fewest(exact(1)),
        accelerators_needed_for_load=sizing.fewest(at_least_one),
        fits=held.base >= 1,
        fits_probability=held.probability_at_least(1),
        load_probability=held.probability_at_least(at_least_one),
    )


class _Sizing:
    """The facts and fields that all layouts of one scenario share."""

    def __init__(self, scenario: Any, plan: "Plan", facts: Facts) -> None:
        self.scenario, self.facts = scenario, facts
        deployment = plan.deployment
        self.model, self.engine = deployment.architecture, deployment.engine_entry
        self.longest_tokens = exact(deployment.max_model_len, name="max_model_len")
        self.block_tokens = facts.number(self.engine, "kv_block_tokens")
        self.request_tokens = plan.capacity.tokens_per_request
        self.kv_bytes = facts.number(_kv_precision(scenario), "kv_bytes_per_value")
        self.memory_bytes = facts.number(
            scenario.accelerator, f"memory_{scenario.memory_basis}_bytes"
        )
        self.utilization = self._utilization()
        self.shares_rest = facts.text(self.engine, "pool_basis") == "remaining"
        self.model_origin = next(
            (r.fact for r in facts.ledger if r.fact.key == f"{scenario.model}.config"),
            f"configuration at {scenario.model}",
        )

    def _utilization(self) -> Range:
        if self.scenario.gpu_memory_utilization is not None:
            return quantity(self.scenario, "gpu_memory_utilization")
        return self.facts.number(self.engine, "default_gpu_memory_utilization")

    def layout(self, tensor_parallel: int) -> _Layout:
        """Return the stage that holds the fewest sequences."""
        stages = self.model.stages(self.scenario.pipeline_parallel)
        layouts = [self._stage_layout(stage, tensor_parallel) for stage in stages]
        return min(layouts, key=lambda layout: layout.sequences.base)

    def _stage_layout(self, stage: Stage, tensor_parallel: int) -> _Layout:
        weights = self.weights(stage.weight_groups, tensor_parallel, self.scenario.expert_parallel)
        activation, other = self._runtime(tensor_parallel)
        pool = apply(
            formulas.kv_pool_bytes_of_rest if self.shares_rest else formulas.kv_pool_bytes,
            name="kv_pool_bytes_per_accelerator",
            gpu_memory_utilization=self.utilization,
            memory_bytes=self.memory_bytes,
            weight_bytes=weights,
            activation_bytes=activation,
            other_runtime_bytes=other,
        )
        unpaged = self._cache(stage, tensor_parallel, self.request_tokens)
        return _Layout(
            weight_bytes=weights,
            activation_bytes=activation,
            other_runtime_bytes=other,
            pool_bytes=pool,
            token_bytes=(unpaged / self.request_tokens).named("cache_bytes_per_token"),
            request_bytes=self.paged_cache(stage, tensor_parallel, self.request_tokens),
            longest_bytes=self.paged_cache(stage, tensor_parallel, self.longest_tokens),
        )

    def weights(
        self, groups: tuple[WeightGroup, ...], tensor_parallel: int, expert_parallel: int
    ) -> Range:
        """Weights of one rank at the scenario's precision."""
        precision = self.scenario.precision
        quantized = self._quantized_names(groups)
        counts = dict.fromkeys(("quantized", "embedding", "head", "other"), 0)
        for group in groups:
            known = group.name if group.name in ("embedding", "head") else "other"
            kind = "quantized" if group.quantizable and group.name in quantized else known
            counts[kind] += group.count_on_rank(
                tensor_parallel=tensor_parallel, expert_parallel=expert_parallel
            )
        parameters = {
            f"{kind}_parameters": exact(count, name=f"{kind}_parameters", origin=self.model_origin)
            for kind, count in counts.items()
        }
        bits = ("bits_per_weight", "bits_embedding", "bits_head", "bits_unquantized")
        recipe = {name: self.facts.number(precision, name) for name in bits}
        recipe["kernel_padding_ratio"] = self.facts.number(precision, "kernel_padding_ratio")
        return apply(formulas.mixed_weight_bytes, name="weight_bytes", **parameters, **recipe)

    def _quantized_names(self, groups: tuple[WeightGroup, ...]) -> set[str]:
        precision, name = self.scenario.precision, "quantized_groups"
        has_experts = any(group.name == "experts" for group in groups)
        if has_experts and self.facts.has(precision, f"{name}_moe"):
            name = f"{name}_moe"
        return set(self.facts.text(precision, name).split())

    def _runtime(self, tensor_parallel: int) -> tuple[Range, Range]:
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
            formulas.runtime_bytes,
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
            formulas.activation_bytes,
            max_num_seqs=self._limit("max_num_seqs"),
            vocab_size=exact(self.model.vocab_size, name="vocab_size", origin=self.model_origin),
            max_num_batched_tokens=self._limit("max_num_batched_tokens"),
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

    def paged_cache(self, stage: Stage, tensor_parallel: int, tokens: Range) -> Range:
        """Cache of one sequence on one rank, in whole blocks."""
        paged = apply(formulas.paged_tokens, tokens=tokens, block_tokens=self.block_tokens)
        return self._cache(stage, tensor_parallel, paged)

    def _cache(self, stage: Stage, tensor_parallel: int, tokens: Range) -> Range:
        return apply(
            stage.cache_bytes,
            name="sequence_bytes",
            tokens=tokens,
            bytes_per_value=self.kv_bytes,
            tensor_parallel=tensor_parallel,
        )

    def fewest(self, sequences: Range) -> int | None:
        """Fewest accelerators of this kind that hold so many requests at the sizing confidence."""
        others = self.scenario.pipeline_parallel * self.scenario.data_parallel
        for tensor_parallel in self.model.tensor_parallel_values(MOST_TRIED):
            held: Range = self.layout(tensor_parallel).sequences * self.scenario.data_parallel
            if held.probability_at_least(sequences) >= SIZING_CONFIDENCE:
                return int(tensor_parallel * others)
        return None


def _kv_precision(scenario: Any) -> str:
    """The cache's precision; auto keeps the 16 bits that engines use unless told otherwise."""
    return "bf16" if scenario.kv_precision == "auto" else str(scenario.kv_precision)


def problems(scenario: Any, plan: "Plan", memory: Memory) -> list[Problem]:
    """Report what does not fit, by how much, and the nearest changes that would."""
    n, name = plan.deployment.accelerators_per_replica, plan.deployment.accelerator_name
    where = f"{plan.deployment.model_name} on {n} × {name}"
    if not memory.fits:
        available = memory.limit_bytes_per_accelerator.base
        short = memory.request_shortfall_bytes_per_accelerator.base
        return [
            Problem(
                "E-FIT",
                f"{where} does not fit: each accelerator needs "
                f"{formats.gb(available + short)} and may use {formats.gb(available)}, "
                f"{formats.gb(short)} short",
                _nearest(plan, lambda m: m.fits_probability),
            )
        ]
    if memory.load_probability < SIZING_CONFIDENCE:
        held, load = memory.max_sequences, formats.count(memory.in_flight_per_replica)
        band = "" if held.is_exact else f" ({formats.band(held, formats.count)})"
        return [
            Problem(
                "E-LOAD",
                f"{where} holds {formats.count(held)}{band} requests at once, {load} are in flight",
                _nearest(plan, lambda m: m.load_probability),
            )
        ]
    return []


def _nearest(
    plan: "Plan", probability: Callable[[Memory], float], most: int = 3
) -> tuple[str, ...]:
    """Return the smallest change of each kind that reaches the sizing confidence."""
    found: dict[str, str] = {}
    for kind, label, change in _changes(plan):
        if kind in found:
            continue
        try:
            memory = plan.variant(**change).memory
        except (InvalidInput, MissingFact):
            continue
        if probability(memory) >= SIZING_CONFIDENCE:
            found[kind] = f"{label}: holds {formats.count(memory.max_sequences)} requests at once"
        if len(found) == most:
            break
    return tuple(found.values())


def _changes(plan: "Plan") -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Changes to try: kind, label, fields; one thing at a time first, then two at once."""
    scenario, deployment = plan.scenario.to_dict(), plan.deployment
    name, now = deployment.accelerator_name, deployment.tensor_parallel
    counts = [n for n in deployment.architecture.tensor_parallel_values(MOST_TRIED) if n > now]
    fewer_bits = [p for p in ("fp8", "int4") if _bits(p) < _bits(scenario["precision"])]
    if _kv_precision(plan.scenario) != "fp8":
        yield "cache", "KV cache in 8 bits (kv_precision = fp8)", {"kv_precision": "fp8"}
    for n in counts:
        yield "count", f"{n} × {name} (tensor_parallel = {n})", {"tensor_parallel": n}
    for precision in fewer_bits:
        yield "precision", f"weights in {precision}", {"precision": precision}
    for accelerator in larger_accelerators(scenario["accelerator"]):
        larger = Facts().text(accelerator, "short_name")
        label = f"{now} × {larger} (accelerator = {accelerator})"
        yield "accelerator", label, {"accelerator": accelerator}
    for precision in fewer_bits:
        for n in counts:
            both = {"precision": precision, "tensor_parallel": n}
            yield "two", f"{n} × {name} and weights in {precision}", both


def _bits(precision: str) -> float:
    return Facts().number(precision, "bits_per_weight").base


def larger_accelerators(accelerator: str) -> list[str]:
    """Accelerators with more memory than this one, smallest first."""
    facts = Facts()
    sizes = {
        other: facts.number(other, "memory_usable_bytes").base
        for other in ids("accelerator")
        if facts.has(other, "memory_usable_bytes")
    }
    own = sizes.get(accelerator, 0.0)
    return sorted((a for a, size in sizes.items() if size > own), key=lambda a: sizes[a])

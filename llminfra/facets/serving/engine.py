"""One replica's engine: its work, constants and batch limit, evaluated by the serving law."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from llminfra.architecture.work import expert_of
from llminfra.catalog.facts import Facts
from llminfra.catalog.loader import ids
from llminfra.catalog.support import is_processor
from llminfra.errors import MissingFact
from llminfra.facets.base import quantity
from llminfra.facets.serving import constants, law
from llminfra.facets.serving.work import Layout, Work, work
from llminfra.formulas import loop
from llminfra.ranges import Range, apply, exact

if TYPE_CHECKING:
    from llminfra.plan import Plan

# Beyond this share of its time in prompts a queue has no mean that is worth a forecast.
_MOST_UTILIZATION: Final = 0.95
_POISSON: Final = 1.0  # squared variation of prompt lengths plus that of arrivals, over two
_FULL_PRECISION_RATES: Final = ("bf16", "fp16")


def _call(formula: Any, *, name: str, **inputs: Any) -> Range:
    return apply(formula, name=name, **inputs)


@dataclass(frozen=True)
class Room:
    """Sequences that one attention rank has room for, as the memory facet sees it."""

    kv_bytes_per_value: Range
    max_num_seqs: Range
    sequences: Range


def room_of(scenario: Any, plan: "Plan", facts: Facts) -> Room:
    """Return the room of a plan.

    The memory of a host is not a fact of its processor: without it only the engine limits.
    """
    try:
        memory = plan.memory
    except MissingFact:
        if not facts.has(scenario.accelerator, "cores"):
            raise
        limit = facts.number(plan.deployment.engine_entry, "default_max_num_seqs_large")
        return Room(facts.number("bf16", "kv_bytes_per_value"), limit, limit)
    request = memory.kv_request_bytes_per_accelerator
    sequences = memory.kv_pool_bytes_per_accelerator / request
    return Room(memory.kv_bytes_per_value, memory.max_num_seqs, sequences)


class Engine:
    """The serving law of one scenario, with its draws.

    Parameters
    ----------
    scenario, plan, facts
        As every facet gets them.
    split : tuple of int, optional
        Tensor-parallel group and stages; those of the plan by default.
    """

    def __init__(
        self, scenario: Any, plan: "Plan", facts: Facts, *, split: tuple[int, int] | None = None
    ) -> None:
        self.scenario, self.plan, self.facts = scenario, plan, facts
        self.deployment, self.accelerator = plan.deployment, scenario.accelerator
        self.generation = facts.text(self.accelerator, "architecture")
        self.is_blockwise = scenario.engine == "llama.cpp"
        self.prompt_tokens = plan.capacity.prompt_tokens
        self.output_tokens = plan.capacity.output_tokens
        whole = (plan.deployment.tensor_parallel, scenario.pipeline_parallel)
        self.layout = self._layout(*(split or whole))
        self.case = self._case()

    @cached_property
    def room(self) -> Room:
        """What the memory of a rank holds."""
        return room_of(self.scenario, self.plan, self.facts)

    @cached_property
    def work(self) -> Work:
        """Counts of one accelerator."""
        architecture = self.deployment.architecture
        return work(architecture, self.layout, self.scenario.precision, self.facts)

    def _layout(self, tensor: int, stages: int) -> Layout:
        """llama.cpp deals whole layers to cards, which is a pipeline."""
        if self.is_blockwise:
            tensor, stages = 1, stages * tensor
        return Layout(tensor, stages, self.scenario.data_parallel)

    def _case(self) -> constants.Case:
        facts, scenario = self.facts, self.scenario
        return constants.Case(
            engine=scenario.engine,
            engine_version=self.deployment.engine_version,
            precision=scenario.precision,
            compute_precision=facts.text(scenario.precision, "compute_precision"),
            generation=self.generation,
            is_native=self.deployment.is_native_format,
            has_experts=expert_of(self.deployment.architecture) is not None,
            link=constants.link_of(
                self.layout.tensor_parallel,
                has_scale_up=facts.has(self.accelerator, "scale_up_bytes_per_s"),
                is_card=facts.text(self.accelerator, "form_factor") == "PCIe",
                generation=self.generation,
            ),
            is_cpu=is_processor(facts, self.accelerator),
        )

    def _rate_names(self) -> list[str]:
        """Arithmetic in 16 bits that the accelerator's data sheet states."""
        names = [f"{precision}_flop_per_s" for precision in _FULL_PRECISION_RATES]
        return [name for name in names if self.facts.has(self.accelerator, name)]

    @property
    def ranks(self) -> int:
        """Parts that the requests are dealt to."""
        return self.work.ranks

    @cached_property
    def computed_tokens(self) -> Range:
        """Prompt tokens that are not found in the prefix cache."""
        hit = quantity(self.scenario, "prefix_cache_hit_fraction")
        computed: Range = self.prompt_tokens * (1 - hit)
        return computed.named("computed_tokens")

    @cached_property
    def steps(self) -> Range:
        """Decode steps of an answer, fewer than its tokens under speculative decoding."""
        if not self.scenario.draft_tokens:
            return self.output_tokens
        accepted = apply(
            loop.accepted_tokens,
            draft_tokens=quantity(self.scenario, "draft_tokens"),
            acceptance_probability=quantity(self.scenario, "draft_acceptance_probability"),
        )
        # The time of drafting is counted as further steps.
        drafting = 1 + self.scenario.draft_tokens * quantity(self.scenario, "draft_step_fraction")
        steps: Range = self.output_tokens / accepted * drafting
        return steps.named("output_tokens")

    def counts(self, kv_bytes_per_value: Range) -> dict[str, Any]:
        """Return the work of one accelerator, for a cache of that width."""
        prompt, half = self.prompt_tokens.draws, self.output_tokens.draws / 2
        cached = prompt - self.computed_tokens.draws
        counted = self.work.numbers(prompt, half, kv_bytes_per_value.draws, cached)
        return {
            name: value if isinstance(value, Range) or np.ndim(value) == 0 else Range(value)
            for name, value in counted.items()
        }

    def roles(self) -> dict[str, Range]:
        """Return the fitted constants of the case."""
        keys = constants.keys(self.case)
        return {role: self.facts.number(*key.rsplit(".", 1)) for role, key in keys.items()}

    @cached_property
    def inputs(self) -> dict[str, Any]:
        """What the law takes."""
        counted = self.counts(self.room.kv_bytes_per_value)
        found: dict[str, Any] = constants.law_inputs(counted, self.chip(), self.roles())
        if self.scenario.max_num_batched_tokens is not None:
            found["pass_tokens"] = quantity(self.scenario, "max_num_batched_tokens")
        return found

    def chip(self) -> dict[str, Any]:
        """Return the data sheet's rates of the accelerator, and how it is set."""
        facts, chip = self.facts, self.accelerator
        link = "scale_up" if self.case.link == "link" else "pcie"
        sends = self.layout.tensor_parallel * self.layout.data_parallel > 1
        plain, native = self._cores() if self.case.is_cpu else self._rates()
        units, limit = self._stream()
        return {
            "native_flop_per_s": native,
            "plain_flop_per_s": plain,
            "memory_bytes_per_s": facts.number(chip, "memory_bandwidth_bytes_per_s"),
            "link_bytes_per_s": facts.number(chip, f"{link}_bytes_per_s") if sends else 1.0,
            "stream_units": units,
            "limit_bytes_per_s": limit,
            "arithmetic_ratio": self._power_ratio() * quantity(self.scenario, "tuning_factor"),
        }

    def _rates(self) -> tuple[Range, Range]:
        rates = self._rate_names()
        if not rates:
            raise MissingFact(
                f"no fact {self.accelerator}.bf16_flop_per_s; give it in the scenario's [facts]"
            )
        plain = self.facts.number(self.accelerator, rates[0])
        if self.is_blockwise and self.facts.has(self.accelerator, "int8_op_per_s"):
            whole = self.facts.number(self.accelerator, "int8_op_per_s")
            plain = constants.half_sums_flop_per_s(plain, whole)
            return plain, plain
        wanted = f"{constants.native_rate(self.case)}_flop_per_s"
        has_wanted = self.facts.has(self.accelerator, wanted)
        return plain, self.facts.number(self.accelerator, wanted) if has_wanted else plain

    def _cores(self) -> tuple[Range, Range]:
        clock, width = (
            self.facts.number(self.accelerator, name) for name in ("clock_hz", "vector_bits")
        )
        rate = constants.cores_flop_per_s(self._n_cores, clock, width)
        return rate, rate

    @property
    def _n_cores(self) -> float:
        return float(self.facts.text(self.accelerator, "cores").split()[0])

    def _stream(self) -> tuple[Any, Any]:
        """What limits one stream beside the memory: cores, cycles of multiprocessors, or a rate.

        Chips whose multiprocessors are not in the catalogue keep the rate that cards showed.
        """
        if self.case.is_cpu:
            return self._n_cores, np.inf
        names = ("multiprocessors", "clock_hz")
        if not self.is_blockwise or self.generation == constants.APPLE:
            return np.inf, np.inf
        if all(self.facts.has(self.accelerator, name) for name in names):
            count, clock = (self.facts.number(self.accelerator, name) for name in names)
            return count * clock, np.inf
        return np.inf, self.facts.number(constants.GGUF, "stream_limit_bytes_per_s")

    def _power_ratio(self) -> Any:
        """Share of full speed that a card's power limit allows, where its generation was seen."""
        entity = f"serving-{constants.generation_id(self.generation)}"
        needed = ("tdp_w", "fp8_flop_per_s")
        has_all = all(self.facts.has(self.accelerator, name) for name in needed)
        if entity not in ids("serving") or not has_all:
            return 1.0
        power, peak = (self.facts.number(self.accelerator, name) for name in needed)
        return np.minimum(power / peak / self.facts.number(entity, "full_speed_j_per_flop"), 1.0)

    def kept_fraction(self, kv_bytes_per_value: Any) -> Any:
        """Cache that a request holds on average, of what it holds at its end."""
        model = self.deployment.architecture
        final = (self.prompt_tokens + self.output_tokens).draws
        whole = model.cache_bytes(final, bytes_per_value=kv_bytes_per_value)
        kept = model.cache_bytes(self._reserved_tokens().draws, bytes_per_value=kv_bytes_per_value)
        return np.divide(kept, whole, out=np.ones_like(whole * kept), where=whole > 0)

    @cached_property
    def batch(self) -> Range:
        """Sequences that each rank holds, by memory or by the engine's limit."""
        share = Range(self.kept_fraction(self.room.kv_bytes_per_value.draws))
        held = law.batch_sequences(
            self.room.sequences, share, self.room.max_num_seqs, self.scenario.data_parallel
        )
        on_rank = np.maximum(held.draws / self.ranks, 1.0)
        return Range(on_rank, name="batch_sequences", inputs={"held": held})

    def _reserved_tokens(self) -> Range:
        """Tokens a request occupies on average: TensorRT-LLM reserves the final length."""
        share = 1.0 if self.scenario.engine == "tensorrt-llm" else 0.5
        tokens: Range = self.computed_tokens + self.output_tokens * share
        return tokens

    def _load(self, in_flight: Any) -> dict[str, Any]:
        return {
            "computed_tokens": self.computed_tokens,
            "output_tokens": self.output_tokens,
            "steps": self.steps,
            "tokens_per_step": float(1 + self.scenario.draft_tokens),
            "in_flight": in_flight,
            "variation_ratio": _POISSON,
            "most_utilization": _MOST_UTILIZATION,
        }

    def loaded(self, in_flight: Range) -> dict[str, Range]:
        """What a request sees with so many in flight at the replica."""
        load = self._load(in_flight.no_less_than(1e-9))
        arrivals = self.scenario.arrivals
        return law.loaded(self.inputs, load, self.batch, _call, arrivals=arrivals)

    def saturated(self) -> dict[str, Range]:
        """What the replica delivers when there is always a request to admit."""
        return law.saturated(self.inputs, self._load(exact(1)), self.batch, _call)

    def curve(self, in_flight: Any) -> dict[str, Any]:
        """Times over an array of loads, whose last axis is one or the draws."""
        load = {name: draws_of(value) for name, value in self._load(in_flight).items()}
        inputs = {name: draws_of(value) for name, value in self.inputs.items()}
        arrivals, batch = self.scenario.arrivals, self.batch.draws
        return law.loaded(inputs, load, batch, law.plainly, arrivals=arrivals)

    def base_inputs(self) -> dict[str, float]:
        """Base cases of the law's inputs, for evaluation over arrays."""
        return {name: base_of(value) for name, value in self.inputs.items()}

    def base_load(self, in_flight: Any) -> dict[str, Any]:
        """Base cases of a load of so many requests at the replica."""
        return {name: base_of(value) for name, value in self._load(in_flight).items()}

    @property
    def batch_sequences(self) -> Range:
        """Sequences that the replica decodes at once, on all ranks."""
        batch: Range = self.batch * self.ranks
        return batch

    @property
    def known_accelerators(self) -> list[str]:
        """Accelerators of the rows that the errors were measured on."""
        entity = constants.GGUF if self.is_blockwise else constants.COMMON
        return self.facts.text(entity, "accelerators").split()

    @property
    def error_profile(self) -> str:
        """Entry of the catalogue that says how far predictions like these were off."""
        return constants.error_profile(self.case)

    @cached_property
    def extrapolation(self) -> str:
        """How far the accelerator is from those that the fit has seen."""
        if self.deployment.engine_support != "measured":
            return "engine"
        if self.case.is_cpu or self.generation == constants.APPLE:
            return "none"
        known = self.known_accelerators
        if self.accelerator in known:
            return "none"
        generations = {Facts().text(chip, "architecture") for chip in known}
        if self.generation not in generations:
            return "generation"
        # Whole cards were left out of the fit of one stream, whose error they show.
        return "none" if self.is_blockwise else "accelerator"

    def log_error(self, quantity_name: str) -> Range:
        """Logarithm of the error that groups left out of the fit showed."""
        error = self.facts.number(self.error_profile, f"{quantity_name}_log_error")
        if self.extrapolation != "none":
            is_chip = self.extrapolation == "accelerator"
            field = f"other_{'accelerator' if is_chip else 'generation'}_ratio"
            error = error * self.facts.number(constants.COMMON, field)
        return error

    def with_error(self, value: Range, quantity_name: str) -> Range:
        """Widen by the error of the fit."""
        widened: Range = value * np.exp(self.log_error(quantity_name))
        return widened.named(value.name)

    def floor_tpot(self) -> Range:
        """Reading the weights of one token once, at the data sheet's bandwidth."""
        used = self.work.expert_bytes * self.work.expert_share_fraction + self.work.weight_bytes
        rate = self.facts.number(self.accelerator, "memory_bandwidth_bytes_per_s")
        floor: Range = used / rate / float(1 + self.scenario.draft_tokens)
        return floor.named("floor_tpot_s")

    def floor_ttft(self) -> Range:
        """All products of the prompt at the data sheet's arithmetic, no less than one step."""
        flop = self.work.native_flop_per_token + self.work.plain_flop_per_token
        flop += self.work.expert_flop_per_token
        rate = self.chip()["native_flop_per_s"]
        products: Range = self.computed_tokens * flop / rate
        floor = np.maximum(products.draws, self.floor_tpot().draws)
        return Range(floor, name="floor_ttft_s", inputs={"products_s": products})

    def binding_limit(self, seen: dict[str, Range], in_flight: Range) -> str:
        """Name what takes most of a request's time, or the memory where requests wait for it."""
        on_rank = max(in_flight.base / self.ranks, 1.0)
        if on_rank > self.batch.base * (1 + 1e-9):
            capped = self.room.max_num_seqs.base < self.room.sequences.base
            return "batch limit" if capped else "KV cache memory"
        parts = law.parts(self.base_inputs(), self.base_load(in_flight.base), seen["step_s"].base)
        return str(max(parts, key=lambda name: float(parts[name])))


def base_of(value: Any) -> Any:
    """Return the base case of a range, and anything else as it is."""
    return value.base if isinstance(value, Range) else value


def draws_of(value: Any) -> Any:
    """Return the draws of a range, and anything else as it is."""
    return value.draws if isinstance(value, Range) else value

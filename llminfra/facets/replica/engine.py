"""One replica's engine: its work, constants and batch limit, evaluated by the serving law."""

from dataclasses import replace
from functools import cached_property
from typing import Final, Self

import numpy as np

from llminfra.architecture.work import context_bytes_per_token, expert_of, layers_with
from llminfra.catalog.facts import Facts
from llminfra.catalog.recipes import recipe
from llminfra.catalog.support import is_processor
from llminfra.errors import MissingFact
from llminfra.facets.base import quantity
from llminfra.facets.demand import Demand
from llminfra.facets.deployment import Deployment
from llminfra.facets.memory import Memory
from llminfra.facets.replica import constants, drafting, host
from llminfra.facets.replica.chip import Chip, has_graphics_memory
from llminfra.facets.replica.distance import Distance, distance_of, fit_of, log_error
from llminfra.facets.replica.inputs import Inputs
from llminfra.facets.replica.room import RankRoom, room_of
from llminfra.facets.replica.work import Division, Work, work
from llminfra.formulas import batch, binding, floors, law, model_error, tokens
from llminfra.formulas._formula import Quantity
from llminfra.ranges import Range, as_range, base_of, draws_of, exact

# Beyond this share of its time in prompts a queue has no mean that is worth a forecast.
_MOST_UTILIZATION: Final = 0.95
_POISSON: Final = 1.0  # squared variation of prompt lengths plus that of arrivals, over two


class Engine:
    """The serving law of one scenario, with its draws.

    Parameters
    ----------
    scenario, facts, deployment, demand, memory
        As the facet gets them; the memory may come later as a `room`.
    split : tuple of int, optional
        Tensor-parallel group and stages; those of the plan by default.
    """

    def __init__(
        self,
        scenario: Inputs,
        facts: Facts,
        *,
        deployment: Deployment,
        demand: Demand,
        memory: Memory | MissingFact,
        split: tuple[int, int] | None = None,
    ) -> None:
        self.scenario, self.facts, self.memory = scenario, facts, memory
        self.deployment, self.accelerator = deployment, scenario.accelerator
        self.generation = facts.text(self.accelerator, "architecture")
        self.is_blockwise = scenario.engine == "llama.cpp"
        self.prompt_tokens, self.output_tokens = demand.prompt_tokens, demand.output_tokens
        whole = (deployment.tensor_parallel, scenario.pipeline_parallel)
        self.layout = self._layout(*(split or whole))
        self.case = self._case()

    def over(self, tensor_parallel: int, pipeline_parallel: int) -> Self:
        """Return the same engine over another split."""
        of_split = ("work", "inputs", "batch", "_full_batch", "_drafting", "_on_host")
        other = type(self).__new__(type(self))  # as `copy`, which takes seven times as long
        vars(other).update(
            {name: value for name, value in vars(self).items() if name not in of_split}
        )
        other.layout = self._layout(tensor_parallel, pipeline_parallel)
        link = other._link()
        other.case = self.case if link == self.case.link else replace(self.case, link=link)
        return other

    @cached_property
    def room(self) -> RankRoom:
        """What the memory of a rank holds."""
        return room_of(self.scenario, self.facts, deployment=self.deployment, memory=self.memory)

    @cached_property
    def work(self) -> Work:
        """Counts of one accelerator."""
        architecture = self.deployment.architecture
        entry = recipe(self.facts, self.deployment.engine_entry, self.scenario.precision)
        return work(architecture, self.layout, entry, self.facts)

    def _layout(self, tensor: int, stages: int) -> Division:
        """llama.cpp deals whole layers to cards, which is a pipeline."""
        if self.is_blockwise:
            tensor, stages = 1, stages * tensor
        return Division(tensor, stages, self.scenario.data_parallel)

    def _case(self) -> constants.Setting:
        facts, scenario, is_card = self.facts, self.scenario, self._is_card
        model = self.deployment.architecture
        has_latents = layers_with(model, "latent") > 0
        return constants.Setting(
            engine=scenario.engine,
            engine_version=scenario.engine_version or "",
            precision=scenario.precision,
            compute_precision=facts.text(scenario.precision, "compute_precision"),
            generation=self.generation,
            is_native=self.deployment.is_native_format,
            has_experts=expert_of(model) is not None,
            link=self._link(),
            is_cpu=is_processor(facts, self.accelerator),
            has_graphics_memory=has_graphics_memory(facts, self.accelerator),
            # Kernels that read latents are slow where the cards of a group meet over PCIe.
            has_slow_latents=is_card and not self.is_blockwise and has_latents,
            has_latents=has_latents,
            shares_contexts=scenario.decode_context_parallel > 1,
        )

    def _link(self) -> str:
        return constants.link_of(
            self.layout.tensor_parallel,
            has_scale_up=self.facts.has(self.accelerator, "scale_up_bytes_per_s"),
            is_card=self._is_card,
            generation=self.generation,
        )

    @cached_property
    def _is_card(self) -> bool:
        return self.facts.text(self.accelerator, "form_factor") == "PCIe"

    @property
    def ranks(self) -> int:
        """Parts that the requests are dealt to."""
        return self.work.ranks

    @cached_property
    def computed_tokens(self) -> Range:
        """Prompt tokens that are not found in the prefix cache."""
        hit = quantity(self.scenario, "prefix_cache_hit_fraction")
        return as_range(
            tokens.computed_tokens(prompt_tokens=self.prompt_tokens, prefix_cache_hit_fraction=hit)
        )

    @cached_property
    def steps(self) -> Range:
        """Decode steps of an answer, fewer than its tokens under speculative decoding."""
        if not self.scenario.draft_tokens:
            return self.output_tokens
        drafted = quantity(self.scenario, "draft_tokens")
        accepted = tokens.accepted_tokens(
            draft_tokens=drafted,
            acceptance_probability=drafting.acceptance(self),
        )
        steps = tokens.decode_steps(
            output_tokens=self.output_tokens,
            accepted_tokens=accepted,
            draft_tokens=drafted,
            draft_step_fraction=drafting.step_fraction(self.scenario),
        )
        return as_range(steps)

    @cached_property
    def _drafting(self) -> dict[str, Quantity]:
        return drafting.counts(self.scenario, self.deployment, self.work)

    @cached_property
    def _on_host(self) -> dict[str, Quantity]:
        if not host.is_on_host(self.scenario, self.deployment):
            return {}
        return host.counts(self.scenario, self.deployment, self.work)

    def counts(self, kv_bytes_per_value: Range) -> dict[str, Quantity]:
        """Return the work of one accelerator, for a cache of that width."""
        prompt, half = self.prompt_tokens.draws, self.output_tokens.draws / 2
        cached = prompt - self.computed_tokens.draws
        counted = self.work.numbers(prompt, half, kv_bytes_per_value.draws, cached)
        parts = self.scenario.decode_context_parallel
        counted["cache_read_bytes"] = counted["cache_read_bytes"] / parts
        if parts > 1:
            counted["reduced_bytes_per_token"] += self._context_bytes(parts)
        return {
            name: value if isinstance(value, Range) or np.ndim(value) == 0 else Range(value)
            for name, value in (counted | self._drafting | self._on_host).items()
        }

    def roles(self) -> dict[str, Range]:
        """Return the fitted constants of the case."""
        keys = constants.keys(self.case)
        found = {role: self.facts.number(*key.rsplit(".", 1)) for role, key in keys.items()}
        found["layer_overhead_s"] = self._layer_overhead(found["layer_overhead_s"])
        if self._on_host:
            found["host_layer_overhead_s"] = self.facts.number(host.HOST, "layer_overhead_s")
        if self.scenario.max_num_batched_tokens is not None:
            found["pass_tokens"] = quantity(self.scenario, "max_num_batched_tokens")
        return found

    def _layer_overhead(self, layer_s: Range) -> Range:
        """Launches of a layer, and what eager mode and a split of contexts add to them."""
        added = {
            "eager_layer_overhead_s": self.scenario.eager,
            "context_layer_overhead_s": self.scenario.decode_context_parallel > 1,
            "network_layer_overhead_s": self.crosses_servers,
        }
        for name, applies in added.items():
            if applies:
                layer_s = constants.raised(layer_s, self.facts.number(constants.COMMON, name))
        return layer_s

    def _context_bytes(self, parts: int) -> Quantity:
        """Queries and partial results that ranks of one context send each other for a token."""
        sent = context_bytes_per_token(
            self.deployment.architecture,
            tensor_parallel=self.layout.tensor_parallel,
            context_parallel=parts,
        )
        return sent * self.facts.number(constants.COMMON, "context_link_ratio").draws

    @property
    def crosses_servers(self) -> bool:
        """Whether a tensor group is larger than what the links of a server join."""
        facts, chip = self.facts, self.accelerator
        most = facts.number(chip, "accelerators_per_node").base
        has_links = facts.has(chip, "scale_up_bytes_per_s")
        return has_links and not self.is_blockwise and self.layout.tensor_parallel > max(most, 2)

    @cached_property
    def inputs(self) -> dict[str, Quantity]:
        """What the law takes."""
        counted = self.counts(self.room.kv_bytes_per_value)
        return law.inputs(counted, self.chip(), self.roles())

    def chip(self) -> dict[str, Quantity]:
        """Return the data sheet's rates of the accelerator, and how it is set.

        Of unlike cards in a replica the slowest decides, rate by rate.
        """
        sheets = [
            sheet | {"link_bytes_per_s": self._link_bytes_per_s(card)}
            for card, sheet in self.sheets.items()
        ]
        slowest = {name: min((s[name] for s in sheets), key=base_of) for name in sheets[0]}
        host_rate = host.bytes_per_s(self.scenario, self.facts) if self._on_host else None
        rates = {} if host_rate is None else {"host_bytes_per_s": host_rate}
        return slowest | rates | {"tuning_factor": quantity(self.scenario, "tuning_factor")}

    @cached_property
    def sheets(self) -> dict[str, dict[str, Quantity]]:
        """Rates of each kind of card in a replica that no split changes."""
        cards = (self.accelerator, *self.scenario.beside_accelerators)
        return {card: Chip(self.facts, card, self.case).rates() for card in cards}

    def _link_bytes_per_s(self, card: str) -> Quantity:
        if self.layout.tensor_parallel * self.layout.data_parallel == 1:
            return 1.0  # nothing is sent
        has_link = self.case.link == "link" and self.facts.has(card, "scale_up_bytes_per_s")
        return self.facts.number(card, f"{'scale_up' if has_link else 'pcie'}_bytes_per_s")

    def kept_fraction(self, kv_bytes_per_value: Quantity) -> Quantity:
        """Cache that a request holds on average, of what it holds at its end."""
        model = self.deployment.architecture
        final = (self.prompt_tokens + self.output_tokens).draws
        whole = model.cache_bytes(final, bytes_per_value=kv_bytes_per_value)
        kept = model.cache_bytes(self._reserved_tokens().draws, bytes_per_value=kv_bytes_per_value)
        return np.divide(kept, whole, out=np.ones_like(whole * kept), where=whole > 0)

    @cached_property
    def batch(self) -> Range:
        """Sequences that each rank holds, by memory or by the engine's limit."""
        kept = self.kept_fraction(self.room.kv_bytes_per_value.draws)
        held = batch.batch_sequences(
            pool_sequences=self.room.sequences,
            kept_fraction=Range(kept, name="kept_fraction"),
            max_num_seqs=self.room.max_num_seqs,
            data_parallel=self.scenario.data_parallel,
            n_ranks=self.ranks,
        )
        return as_range(held)

    def _reserved_tokens(self) -> Range:
        """Tokens a request occupies on average: TensorRT-LLM reserves the final length."""
        share = 1.0 if self.scenario.engine == "tensorrt-llm" else 0.5
        tokens: Range = self.computed_tokens + self.output_tokens * share
        return tokens

    def load(self, in_flight: Quantity) -> dict[str, Quantity]:
        """Return what the law takes of so many requests at the replica."""
        return {
            "computed_tokens": self.computed_tokens,
            "output_tokens": self.output_tokens,
            "steps": self.steps,
            "tokens_per_step": float(1 + self.scenario.draft_tokens),
            "in_flight": in_flight,
            "variation_ratio": _POISSON,
            "most_utilization": _MOST_UTILIZATION,
        }

    @cached_property
    def _full_batch(self) -> dict[str, Range]:
        return law.full_batch(self.inputs, self.load(exact(1)), self.batch)

    def loaded(self, in_flight: Range) -> dict[str, Range]:
        """What a request sees with so many in flight at the replica."""
        load = self.load(batch.present_requests(in_flight=in_flight))
        arrivals = self.scenario.arrivals
        return law.loaded(self.inputs, load, self.batch, arrivals=arrivals, full=self._full_batch)

    def saturated(self) -> dict[str, Range]:
        """What the replica delivers when there is always a request to admit."""
        return law.saturated(self.inputs, self.load(exact(1)), self.batch, full=self._full_batch)

    def curve(self, in_flight: Quantity) -> dict[str, Quantity]:
        """Times over an array of loads, whose last axis is one or the draws."""
        load = {name: draws_of(value) for name, value in self.load(in_flight).items()}
        inputs = {name: draws_of(value) for name, value in self.inputs.items()}
        full = {name: draws_of(value) for name, value in self._full_batch.items()}
        arrivals, held = self.scenario.arrivals, self.batch.draws
        return law.loaded(inputs, load, held, arrivals=arrivals, full=full)

    def base_inputs(self) -> dict[str, float]:
        """Base cases of the law's inputs, for evaluation over arrays."""
        return {name: base_of(value) for name, value in self.inputs.items()}

    def base_load(self, in_flight: Quantity) -> dict[str, Quantity]:
        """Base cases of a load of so many requests at the replica."""
        return {name: base_of(value) for name, value in self.load(in_flight).items()}

    def plain_load(self, in_flight: Quantity) -> dict[str, Quantity]:
        """Base cases of a load that is answered without a draft."""
        load = self.base_load(in_flight)
        return load | {"steps": load["output_tokens"], "tokens_per_step": 1.0}

    @property
    def batch_sequences(self) -> Range:
        """Sequences that the replica decodes at once, on all ranks."""
        return as_range(batch.replica_sequences(sequences=self.batch, n_ranks=self.ranks))

    @property
    def error_profile(self) -> str:
        """Entry of the catalogue that says how far predictions like these were off."""
        return constants.error_profile(self.case)

    @cached_property
    def distance(self) -> Distance:
        """How far the case is from the rows of the fit."""
        chip = self.accelerator
        return distance_of(self.facts, self.deployment, self.case, accelerator=chip, fits=self.fits)

    @property
    def fits(self) -> tuple[str, ...]:
        """Entries of the rows that the errors were measured on."""
        return (fit_of(self.case),)

    @property
    def extrapolation(self) -> str:
        """How far the accelerator is from those that the fit has seen."""
        return self.distance.chip

    def log_errors(self) -> dict[str, Range]:
        """Return the logarithms of the errors of both latencies, by name."""
        return {name: self.log_error(name) for name in ("ttft", "tpot")}

    def log_error(self, quantity_name: str) -> Range:
        """Logarithm of the error that cases as far from the fit showed."""
        return log_error(self.facts, self.error_profile, quantity_name, self.distance)

    def with_error(self, value: Range, quantity_name: str) -> Range:
        """Widen by the error of the fit."""
        error = self.log_error(quantity_name)
        if quantity_name == "saturated":
            rate = model_error.rate_with_error_per_s(
                rate_requests_per_s=value, log_error_ratio=error
            )
            return as_range(rate, name=value.name)
        time = model_error.time_with_error_s(time_s=value, log_error_ratio=error)
        return as_range(time, name=value.name)

    def floor_tpot(self) -> Range:
        """Reading the weights of one token once, at the data sheet's bandwidth."""
        floor = floors.floor_tpot_s(
            weight_bytes=self.work.weight_bytes,
            expert_bytes=self.work.expert_bytes,
            expert_share_fraction=self.work.expert_share_fraction,
            memory_bytes_per_s=self.facts.number(self.accelerator, "memory_bandwidth_bytes_per_s"),
            step_tokens=float(1 + self.scenario.draft_tokens),
        )
        return as_range(floor)

    def floor_ttft(self) -> Range:
        """All products of the prompt at the data sheet's arithmetic, no less than one step."""
        floor = floors.floor_ttft_s(
            prompt_tokens=self.computed_tokens,
            native_flop_per_token=self.work.native_flop_per_token,
            plain_flop_per_token=self.work.plain_flop_per_token,
            expert_flop_per_token=self.work.expert_flop_per_token,
            flop_per_s=self.chip()["native_flop_per_s"],
            floor_tpot_s=self.floor_tpot(),
        )
        return as_range(floor)

    def binding_limit(self, seen: dict[str, Range], in_flight: Range) -> str:
        """Name what takes most of a request's time, or the memory where requests wait for it."""
        load, capped = self.base_load(in_flight.base), self.room.is_capped
        step_s, held = seen["step_s"].base, self.batch.base
        return str(binding.binding_limit(self.base_inputs(), load, step_s, held, capped))

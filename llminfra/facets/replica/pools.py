"""Prefill and decode apart: the workers of both pools, and the law that they share."""

from functools import cached_property
from typing import Final

from llminfra.catalog.facts import Facts
from llminfra.errors import MissingFact
from llminfra.facets.demand import Demand
from llminfra.facets.deployment import Deployment
from llminfra.facets.deployment.workers import Workers
from llminfra.facets.memory import Memory
from llminfra.facets.replica import constants
from llminfra.facets.replica.engine import Engine
from llminfra.facets.replica.inputs import Inputs
from llminfra.formulas import binding, disaggregated
from llminfra.formulas import pools as pair
from llminfra.formulas._formula import Quantity
from llminfra.formulas.batch import present_requests
from llminfra.formulas.rates import link_bytes_per_s
from llminfra.ranges import Range, as_range, base_of, draws_of, exact

ENTITY: Final = "serving-disaggregated"
# From this share of what the prefill pool can take on, requests wait for it.
_FULL: Final = 0.95


# Constants of its own, whatever the engine.
_OWN: Final = ("expert_arithmetic_ratio", "burst_fraction", "mixed_layer_overhead_s")


class Worker(Engine):
    """A worker of either pool: an engine whose constants are those of disaggregated serving."""

    def roles(self) -> dict[str, Range]:
        """Return the constants; a group across servers takes longer for each layer."""
        number, found = self.facts.number, super().roles()
        found |= {n: number(ENTITY, n) for n in _OWN}
        if (
            self.scenario.engine == "sglang"
        ):  # its pools were fitted with vLLM's overhead of a layer
            found["layer_overhead_s"] = number("serving-vllm-0", "layer_overhead_s")
        if self.layout.tensor_parallel > self.accelerators_per_node:
            hop = number(ENTITY, "node_layer_overhead_s")
            found |= {
                n: constants.raised(found[n], hop) for n in ("layer_overhead_s", "pass_overhead_s")
            }
        return found

    @property
    def crosses_servers(self) -> bool:
        """What a group across servers takes is among the constants of disaggregated serving."""
        return False

    @property
    def accelerators_per_node(self) -> float:
        """Accelerators that share a host or a scale-up domain."""
        return self.facts.number(self.accelerator, "accelerators_per_node").base


class Pools(Worker):
    """The decode workers of a replica, with its prefill workers beside them."""

    def __init__(
        self,
        scenario: Inputs,
        facts: Facts,
        *,
        deployment: Deployment,
        demand: Demand,
        memory: Memory | MissingFact,
        workers: Workers,
    ) -> None:
        super().__init__(scenario, facts, deployment=deployment, demand=demand, memory=memory)
        self.workers = workers
        self.reader = Worker(
            scenario.model_copy(update={"data_parallel": workers.data_parallel}),
            facts,
            deployment=deployment,
            demand=demand,
            memory=memory,
            split=(workers.tensor_parallel, 1),
        )

    @property
    def n_decode_ranks(self) -> int:
        """Attention ranks of all decode workers."""
        return self.ranks * int(self.scenario.decode_workers or 1)

    @property
    def n_prefill_ranks(self) -> int:
        """Prompts that are read at the same time."""
        return self.workers.workers * self.workers.data_parallel

    @property
    def batch_sequences(self) -> Range:
        """Requests that both pools work on when the first of them is full."""
        return self._full["in_flight"]

    @cached_property
    def pools(self) -> dict[str, Quantity]:
        """What the law of two pools takes beside the two kinds of workers."""
        model, width = self.deployment.architecture, self.room.kv_bytes_per_value
        split = {"tensor_parallel": self.workers.tensor_parallel}
        cache = model.cache_bytes(self.prompt_tokens.draws, bytes_per_value=width.draws, **split)
        handed = Range(
            cache,
            name="cache_bytes",
            formula=model.cache_bytes,
            inputs={"tokens": self.prompt_tokens, "bytes_per_value": width, **split},
        )
        return {
            "n_decode_ranks": float(self.n_decode_ranks),
            "n_prefill_ranks": float(self.n_prefill_ranks),
            "most_sequences": self.batch,
            "least_sequences": 1.0 / self.ranks,
            "cache_bytes": handed,
            "link_bytes_per_s": self._handoff_bytes_per_s(),
            "handoff_overhead_s": self.facts.number(ENTITY, "handoff_overhead_s"),
        }

    def _handoff_bytes_per_s(self) -> Range:
        """Inside a scale-up domain over its links, else over the network adapter."""
        if self.deployment.accelerators_per_replica > self.accelerators_per_node:
            return self.facts.number(ENTITY, "adapter_bytes_per_s")
        is_card = self.facts.text(self.accelerator, "form_factor") == "PCIe"
        has_link = self.facts.has(self.accelerator, "scale_up_bytes_per_s") and not is_card
        link = self.facts.number(
            self.accelerator, f"{'scale_up' if has_link else 'pcie'}_bytes_per_s"
        )
        share = self.facts.number(ENTITY, "handoff_bandwidth_fraction")
        return as_range(link_bytes_per_s(peak_bytes_per_s=link, link_fraction=share))

    def loaded(self, in_flight: Range) -> dict[str, Range]:
        """What a request sees with so many in flight at the replica."""
        load = self.load(present_requests(in_flight=in_flight))
        values = (self.inputs, self.reader.inputs, self.pools, load)
        return pair.loaded(*values, arrivals=self.scenario.arrivals)

    def saturated(self) -> dict[str, Range]:
        """What the replica delivers when there is always a request to admit."""
        return self._full

    @cached_property
    def _full(self) -> dict[str, Range]:
        values = (self.inputs, self.reader.inputs, self.pools, self.load(exact(1)))
        return pair.saturated(*values)

    def curve(self, in_flight: Quantity) -> dict[str, Quantity]:
        """Times over an array of loads, whose last axis is one or the draws."""
        given = (self.inputs, self.reader.inputs, self.pools, self.load(in_flight))
        d, p, pools, load = ({n: draws_of(value) for n, value in part.items()} for part in given)
        return pair.loaded(d, p, pools, load, arrivals=self.scenario.arrivals)

    @property
    def fits(self) -> tuple[str, ...]:
        """Entries of the rows that the constants or the errors come from."""
        return (*super().fits, ENTITY)

    @property
    def error_profile(self) -> str:
        """Entry of the errors: of rows that no constant of the decode pool was fitted to."""
        return ENTITY

    def floor_ttft(self) -> Range:
        """All products of the prompt on a prefill worker, at the data sheet's arithmetic."""
        return self.reader.floor_ttft()

    def prefill_ratio(self, seen: dict[str, Range]) -> Range:
        """Prefill accelerators for each decode accelerator that the present batch asks for."""
        ratio = disaggregated.balanced_prefill_ratio(
            prefill_s=seen["queued_prefill_s"],
            prefill_tensor_parallel=self.workers.tensor_parallel,
            output_tokens=pair.later_steps(self.load(exact(1))),
            step_s=seen["step_s"],
            sequences=seen["sequences"],
            tensor_parallel=self.layout.tensor_parallel,
        )
        return as_range(ratio)

    def binding_limit(self, seen: dict[str, Range], in_flight: Range) -> str:
        """Name the pool that is full, else what takes most of a request's time."""
        at = {name: base_of(value) for name, value in seen.items()}
        if at["requests_per_s"] >= _FULL * at["prefill_requests_per_s"]:
            return "prefill pool"
        if at["sequences"] >= self.batch.base * (1 - 1e-9):
            capped = self.room.is_capped
            return "decode pool, batch limit" if capped else "decode pool, KV cache memory"
        load = self.base_load(at["sequences"] * self.ranks) | {"computed_tokens": 0.0}
        parts = binding.parts(self.base_inputs(), load, at["step_s"])
        times = {f"decode pool, {name}": float(value) for name, value in parts.items()}
        times["hand-off"] = at["handoff_s"]
        times["prefill pool"] = at["prefill_s"] + at["prompt_waiting_s"]
        return max(times, key=lambda name: times[name])

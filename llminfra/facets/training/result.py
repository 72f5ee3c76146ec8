"""What a training takes: arithmetic, memory, days, money, energy, and the AI Act's view of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Final

from llminfra.architecture.adapters import adapter_parameters
from llminfra.catalog.facts import Facts
from llminfra.catalog.trained import original_tokens
from llminfra.errors import MissingFact
from llminfra.facets.base import Result, quantity
from llminfra.facets.cost.book import Book
from llminfra.facets.deployment import Deployment
from llminfra.facets.energy import ADAPTED, Energy, Training, facility_of, method_of, pue_of
from llminfra.facets.training.inputs import Inputs
from llminfra.facets.training.priced import Hour, Hours
from llminfra.facets.training.setup import Setup
from llminfra.facets.training.state import State, accelerators_needed
from llminfra.formulas import training, training_time
from llminfra.ranges import Range, as_range, exact

#: Ways to train a made model, from the one that takes most memory to the one that takes least.
METHODS: Final = ("full", "lora", "qlora")
_RULE: Final = "training-rule"
_ITEMS: Final = (
    *("method", "evidence", "training_flop", "counted_flop", "utilization"),
    *("effective_fraction", "accelerator_hours", "run_days", "interruptions_ratio"),
    *("training_bytes_per_accelerator", "usable_bytes", "fits", "accelerators_needed"),
    *("way", "usd_per_accelerator_hour", "run_usd", "training_wh", "g_co2e"),
    *("original_flop", "original_fraction", "is_provider"),
)


@dataclass(frozen=True)
class TrainingRun(Result):
    """A training run of the scenario's model; empty where none is asked.

    Everything is computed when it is read, so that a plan that asks for no training pays nothing.
    """

    headline: ClassVar[tuple[str, ...]] = (
        *("method", "run_days", "training_bytes_per_accelerator", "run_usd"),
    )

    deployment: Deployment = field(repr=False, compare=False)
    _energy: "Energy | MissingFact" = field(repr=False, compare=False)
    _inputs: Inputs = field(repr=False, compare=False)
    _facts: Facts = field(repr=False, compare=False)

    def items(self) -> Iterator[tuple[str, Any]]:
        """Yield name and value of every quantity that no fact lacks; nothing where unasked."""
        if not self.is_asked:
            return
        for name in _ITEMS:
            try:
                yield name, getattr(self, name)
            except MissingFact:
                continue

    @property
    def is_asked(self) -> bool:
        """Whether the scenario asks for a training."""
        asked = (self._inputs.training_tokens, self._inputs.training_accelerator_hours)
        return any(value is not None for value in asked)

    @cached_property
    def run(self) -> Training:
        """Arithmetic, hours and energy; raises why there are none."""
        if isinstance(self._energy, MissingFact):
            raise self._energy
        if self._energy.training is None:
            raise MissingFact("no training is asked; give training_tokens")
        return self._energy.training

    # -- arithmetic and time ------------------------------------------------------------------

    @property
    def method(self) -> str:
        """How is trained."""
        return method_of(self._inputs)

    @property
    def evidence(self) -> str:
        """How well the speed is known: stated, measured, generation or assumed."""
        return self.run.evidence

    @property
    def accelerators(self) -> int:
        """Accelerators that train together."""
        return int(self._inputs.training_accelerators)

    def _known(self, name: str) -> Range:
        found: Range | None = getattr(self.run, name)
        if found is None:
            raise MissingFact(f"no {name}: training_accelerator_hours stands in for it")
        return found

    @property
    def training_flop(self) -> Range:
        """Arithmetic by the parameters alone."""
        return self._known("training_flop")

    @property
    def counted_flop(self) -> Range:
        """Arithmetic by the layers."""
        return self._known("counted_flop")

    @property
    def utilization(self) -> Range:
        """Share of the arithmetic peak while it trains."""
        return self._known("utilization")

    @property
    def effective_fraction(self) -> Range:
        """Share of the time in which it moves on."""
        return self.run.effective_fraction

    @property
    def accelerator_hours(self) -> Range:
        """Hours of all accelerators."""
        return self.run.accelerator_hours

    @cached_property
    def run_days(self) -> Range:
        """Days until it is done."""
        found = training_time.run_days(
            accelerator_hours=self.accelerator_hours,
            n_accelerators=exact(self.accelerators, name="n_accelerators"),
        )
        return as_range(found)

    @cached_property
    def interruptions_ratio(self) -> Range:
        """Interruptions to expect."""
        found = training_time.expected_interruptions_ratio(
            accelerator_hours=self.accelerator_hours,
            accelerator_failure_hours=self._facts.number(
                "training-failures", "accelerator_failure_hours"
            ),
        )
        return as_range(found, name="interruptions_ratio")

    # -- memory -------------------------------------------------------------------------------

    def setup(self, method: str = "") -> Setup:
        """Return the setup of the scenario, or with another method."""
        inputs, how = self._inputs, method or self.method
        model = self.deployment.architecture
        trained = float(model.parameters)
        if how in ADAPTED:
            rank = inputs.training_adapter_rank
            counted = adapter_parameters(model.layers, model.hidden_size, lora_rank=rank)
            trained = float(inputs.training_adapter_parameters or counted)
        return Setup(
            architecture=model,
            method=how,
            trained_parameters=trained,
            accelerators=inputs.training_accelerators,
            sharding=inputs.training_sharding,
            sequence_tokens=inputs.training_sequence_tokens,
            batch_sequences=inputs.training_batch_sequences,
            optimizer=inputs.training_optimizer,
            is_offloaded=inputs.training_offload,
            is_recomputed=inputs.training_recompute,
            tensor_parallel=inputs.training_tensor_parallel,
            pipeline_parallel=inputs.training_pipeline_parallel,
            expert_parallel=inputs.training_expert_parallel,
            stage_chunks=inputs.training_stage_chunks,
            micro_batches=inputs.training_micro_batches,
            is_sequence_parallel=inputs.training_sequence_parallel,
        )

    def state_of(self, method: str) -> State:
        """Return the memory that a method would take, all else as in the scenario."""
        return State(self.setup(method), self._facts)

    @cached_property
    def state(self) -> State:
        """The memory of one accelerator, by part."""
        return State(self.setup(), self._facts)

    @property
    def training_bytes_per_accelerator(self) -> Range:
        """All that one accelerator keeps."""
        return self.state.total

    @cached_property
    def usable_bytes(self) -> Range:
        """Memory of one accelerator that software sees."""
        return self._facts.number(self._inputs.accelerator, "memory_usable_bytes")

    @cached_property
    def fits(self) -> bool:
        """Whether the state fits on the accelerators."""
        return self.state.fits(self.usable_bytes)

    @cached_property
    def per_server(self) -> int:
        """Accelerators in one server."""
        name = self._inputs.accelerator
        each = int(self._facts.number(name, "accelerators_per_node").base)
        return int(self._inputs.accelerators_per_server or each)

    @cached_property
    def accelerators_needed(self) -> int:
        """Fewest accelerators on which it fits, all state shared; 0 where none do."""
        return accelerators_needed(self.state, self.usable_bytes, self.per_server)

    def needed_with(self, method: str) -> int:
        """Return the fewest accelerators on which a method fits; 0 where none do."""
        return accelerators_needed(self.state_of(method), self.usable_bytes, self.per_server)

    # -- money --------------------------------------------------------------------------------

    @cached_property
    def hours(self) -> list[Hour]:
        """What an hour of an accelerator costs, by every way."""
        return Hours(
            book=Book(self._inputs, self._facts),
            inputs=self._inputs,
            accelerators=self.accelerators,
            per_server=self.per_server,
            accelerator_kw=self.run.accelerator_kw,
            pue=pue_of(self._inputs, self._facts, facility_of(self._inputs)),
        ).all()

    @cached_property
    def hour(self) -> Hour:
        """The way that is followed: the cheapest that ends with the run."""
        rented = [hour for hour in self.hours if hour.usd and hour.name in ("on_demand", "spot")]
        known = rented or [hour for hour in self.hours if hour.usd]
        if not known:
            raise MissingFact("; ".join(f"{hour.words}: {hour.reason}" for hour in self.hours))
        return min(known, key=lambda hour: float(hour.usd or 0.0))

    @property
    def way(self) -> str:
        """Name of the way that is followed."""
        return self.hour.name

    @property
    def usd_per_accelerator_hour(self) -> Range:
        """Price of an hour of one accelerator."""
        if self.hour.usd is None:
            raise MissingFact(self.hour.reason)
        return self.hour.usd

    @cached_property
    def run_usd(self) -> Range:
        """Price of the run by that way, data and tests in."""
        return self.usd_of(self.hour)

    def usd_of(self, hour: Hour) -> Range:
        """Return the price of the run by a way; whole machines are paid for."""
        if hour.usd is None:
            raise MissingFact(hour.reason)
        paid = training_time.paid_hours(
            accelerator_hours=self.accelerator_hours,
            paid_accelerators=exact(hour.accelerators, name="paid_accelerators"),
            used_accelerators=exact(self.accelerators, name="used_accelerators"),
        )
        found = training_time.run_usd(
            accelerator_hours=paid,
            usd_per_accelerator_hour=hour.usd,
            data_usd=quantity(self._inputs, "training_data_usd"),
        )
        return as_range(found)

    # -- energy -------------------------------------------------------------------------------

    @property
    def training_wh(self) -> Range:
        """Energy of the facility."""
        return self.run.training_wh

    @property
    def g_co2e(self) -> Range:
        """Emissions of that energy at the region's intensity."""
        return self.run.g_co2e

    # -- the AI Act ---------------------------------------------------------------------------

    @cached_property
    def original_flop(self) -> Range:
        """Training compute of the model that is changed; a threshold stands in where unknown."""
        if self._inputs.training_original_flop is not None:
            return quantity(self._inputs, "training_original_flop").named("original_flop")
        fact = original_tokens(self._inputs.model)
        if fact is None:
            name = "systemic_flop" if self._inputs.training_systemic_risk else "unknown_flop"
            return self._facts.number(_RULE, name).named("original_flop")
        found = training.training_flop(
            parameters=exact(self.deployment.architecture.active_parameters, name="parameters"),
            tokens=self._facts.outside(fact),
        )
        return as_range(found, name="original_flop")

    @property
    def is_original_known(self) -> bool:
        """Whether the compute of the original is stated or published."""
        stated = self._inputs.training_original_flop is not None
        return stated or original_tokens(self._inputs.model) is not None

    @property
    def is_change(self) -> bool:
        """Whether a made model is changed; from scratch, whoever trains is the provider."""
        return self.method != "pretrain"

    @cached_property
    def original_fraction(self) -> Range:
        """Compute of the change over that of the original."""
        if not self.is_change:
            raise MissingFact("a model from scratch has no original")
        found = training.original_compute_fraction(
            training_flop=self.training_flop, original_flop=self.original_flop
        )
        return as_range(found, name="original_fraction")

    @property
    def limit_fraction(self) -> Range:
        """Share above which a change makes a provider."""
        return self._facts.number(_RULE, "original_fraction")

    @property
    def is_provider(self) -> bool:
        """Whether whoever trains becomes a provider of a general-purpose model."""
        if not self.is_change:
            return bool(self.training_flop > self._facts.number(_RULE, "unknown_flop"))
        return bool(self.original_fraction > self.limit_fraction)

"""Energy of training the model, which no answer carries unless it is asked for."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Final

from llminfra.architecture.adapters import adapter_parameters
from llminfra.architecture.training import forward_flop_per_token
from llminfra.catalog.facts import Facts
from llminfra.facets.base import Result, quantity
from llminfra.facets.deployment import model_named
from llminfra.facets.deployment.result import Deployment
from llminfra.facets.energy.inputs import Inputs
from llminfra.facets.energy.power import Machine
from llminfra.facets.energy.training_inputs import ADAPTED, method_of
from llminfra.facets.energy.training_speed import (
    Law,
    TrainingSetting,
    batch_waits,
    effective_fraction,
)
from llminfra.formulas import footprint, power, training, training_speed, training_time
from llminfra.ranges import Range, as_range, exact

# Training keeps an accelerator near its limit, but for launches that it waits for; a host beside
# it, which launches all the while, as full load does.
_FULL: Final = 1.0
_NO_WAIT: Final = exact(0.0, name="launch_wait_fraction")


@dataclass(frozen=True)
class Training(Result):
    """A training run of the scenario's model on its accelerators."""

    headline: ClassVar[tuple[str, ...]] = ("accelerator_hours", "training_wh")

    method: str
    training_flop: Range | None
    """By the parameters alone: six for each and each token."""
    counted_flop: Range | None
    """By the layers: attention in, what is looked up out."""
    utilization: Range | None
    """Share of the peak while it trains; None where the hours are given."""
    effective_fraction: Range
    """Share of the time in which it does."""
    accelerator_hours: Range
    accelerator_kw: Range
    """One accelerator and its share of a host, at the wall."""
    accelerator_wh: Range
    """On the boundary of model cards: power limits alone, no host, no facility."""
    training_wh: Range
    """With hosts and facility."""
    g_co2e: Range
    """Use at the region's intensity."""
    evidence: str
    """How well the speed is known: stated, measured, generation or assumed."""
    launch_wait_fraction: Range
    """Share of the time of training in which accelerators wait for launches."""


@dataclass(frozen=True)
class Speed:
    """How fast a run trains: its share of the peak, how well that is known, what it waits."""

    utilization: Range | None
    evidence: str
    launch_wait_fraction: Range = _NO_WAIT


@dataclass(frozen=True)
class TrainingWork:
    """The arithmetic of a run, from the scenario's fields."""

    inputs: Inputs
    facts: Facts
    deployment: Deployment

    @cached_property
    def method(self) -> str:
        """How is trained."""
        return method_of(self.inputs)

    @cached_property
    def tokens(self) -> Range:
        """Tokens that are trained on, all passes counted."""
        found = training.trained_tokens(
            training_tokens=quantity(self.inputs, "training_tokens"),
            n_epochs=quantity(self.inputs, "training_epochs"),
        )
        return as_range(found, name="tokens")

    @cached_property
    def trained_parameters(self) -> Range:
        """Parameters that are trained: all, or those of the adapters."""
        model = self.deployment.architecture
        if self.method not in ADAPTED:
            return exact(model.parameters, name="parameters")
        if self.inputs.training_adapter_parameters is not None:
            return quantity(self.inputs, "training_adapter_parameters")
        rank = self.inputs.training_adapter_rank
        found = adapter_parameters(model.layers, model.hidden_size, lora_rank=rank)
        return exact(found, name="adapter_parameters")

    @cached_property
    def by_parameters(self) -> Range:
        """Six for each parameter and token, four for those that stay as they are."""
        active = exact(self.deployment.architecture.active_parameters, name="parameters")
        if self.method in ADAPTED:
            part = training.adapter_training_flop(
                parameters=active, adapter_parameters=self.trained_parameters, tokens=self.tokens
            )
            return as_range(part, name="training_flop")
        whole = training.training_flop(parameters=active, tokens=self.tokens)
        return self._taught(as_range(whole), "training_flop")

    @cached_property
    def counted(self) -> Range:
        """The same, counted from the layers."""
        model, length = self.deployment.architecture, self.inputs.training_sequence_tokens
        each = exact(forward_flop_per_token(model, length), name="flop_per_token")
        if self.method in ADAPTED:
            part = training.counted_adapter_flop(
                flop_per_token=each,
                adapter_parameters=self.trained_parameters,
                tokens=self.tokens,
            )
            return as_range(part, name="counted_flop")
        whole = training.counted_training_flop(flop_per_token=each, tokens=self.tokens)
        return self._taught(as_range(whole), "counted_flop")

    @property
    def flop_per_token(self) -> Range:
        """What one token takes in the mean of all passes, a teacher's reading in."""
        found = training.trained_flop_per_token(flop=self.counted, tokens=self.tokens)
        return as_range(found, name="flop_per_token")

    @property
    def teacher_layers(self) -> float:
        """Layers of a teacher that a batch passes, in the mean of all passes over the data."""
        if self.inputs.training_teacher is None:
            return 0.0
        teacher = model_named(self.inputs.training_teacher, "training_teacher", self.facts)
        return teacher.n_layers / self.inputs.training_epochs

    def _taught(self, student: Range, name: str) -> Range:
        """Add what a teacher reads, once: its answers are kept for later passes."""
        if self.inputs.training_teacher is None:
            return as_range(student, name=name)
        teacher = model_named(self.inputs.training_teacher, "training_teacher", self.facts)
        each = forward_flop_per_token(teacher, self.inputs.training_sequence_tokens)
        found = training.distillation_flop(
            training_flop=student,
            teacher_flop_per_token=exact(each, name="flop_per_token"),
            tokens=quantity(self.inputs, "training_tokens"),
        )
        return as_range(found, name=name)


def training_of(
    inputs: Inputs,
    facts: Facts,
    *,
    deployment: Deployment,
    machine: Machine,
    pue: Range,
    g_per_kwh: Range,
) -> Training | None:
    """Return the energy of training; None where neither tokens nor hours are given."""
    has_tokens = inputs.training_tokens is not None
    if not has_tokens and inputs.training_accelerator_hours is None:
        return None
    work = TrainingWork(inputs, facts, deployment)
    speed = _speed(work, machine)
    moving = effective_fraction(facts, inputs.training_accelerators)
    hours = _hours(work, machine, speed.utilization, moving)
    drawn_w = power.waiting_power_w(
        limit_w=machine.limit_w,
        idle_w=machine.idle_w,
        launch_wait_fraction=speed.launch_wait_fraction,
    )
    each_w = machine.servers_w(1, as_range(drawn_w), machine.host_w(exact(_FULL)))
    cards = training.training_wh(accelerator_hours=hours, power_w=machine.limit_w, pue=1.0)
    whole = training.training_wh(accelerator_hours=hours, power_w=each_w, pue=pue)
    return Training(
        method=work.method,
        training_flop=work.by_parameters if has_tokens else None,
        counted_flop=work.counted if has_tokens else None,
        utilization=speed.utilization,
        effective_fraction=moving,
        accelerator_hours=hours,
        accelerator_kw=as_range(training_time.accelerator_kw(server_power_w=each_w)),
        accelerator_wh=as_range(cards, name="accelerator_wh"),
        training_wh=whole,
        g_co2e=as_range(footprint.use_g(kwh=whole / 1e3, g_per_kwh=g_per_kwh), name="g_co2e"),
        evidence=speed.evidence,
        launch_wait_fraction=speed.launch_wait_fraction,
    )


def _peaks(inputs: Inputs, facts: Facts, machine: Machine) -> tuple[Range, Range]:
    """Peak in the format of the training, and over that in 16 bits."""
    plain: Range = machine.engine.chip()["plain_flop_per_s"]
    if inputs.training_precision == "bf16":
        return plain, exact(1.0, name="peak_ratio")
    own = facts.number(inputs.accelerator, f"{inputs.training_precision}_flop_per_s")
    ratio = training_speed.peak_ratio(peak_flop_per_s=own, plain_flop_per_s=plain)
    return own, as_range(ratio)


def _speed(work: TrainingWork, machine: Machine) -> Speed:
    """How fast it trains; nothing waits where hours or a share of the peak are stated."""
    inputs, facts = work.inputs, work.facts
    if inputs.training_accelerator_hours is not None:
        return Speed(None, "stated")
    if inputs.training_utilization is not None:
        return Speed(quantity(inputs, "training_utilization").named("utilization"), "stated")
    setting = TrainingSetting(
        architecture=work.deployment.architecture,
        accelerator=inputs.accelerator,
        precision=inputs.training_precision,
        accelerators=inputs.training_accelerators,
        is_recomputed=inputs.training_recompute,
        peak_ratio=_peaks(inputs, facts, machine)[1],
        tensor_parallel=inputs.training_tensor_parallel,
        expert_parallel=inputs.training_expert_parallel,
        stages=inputs.training_pipeline_parallel,
        stage_chunks=inputs.training_stage_chunks,
        micro_batches=inputs.training_micro_batches,
    )
    law = Law(setting, facts)
    reached = law.utilization()
    waits = batch_waits(
        setting,
        facts,
        utilization=reached,
        peak_flop_per_s=_peaks(inputs, facts, machine)[0],
        flop_per_token=work.flop_per_token,
        batch_tokens=inputs.training_batch_sequences * inputs.training_sequence_tokens,
        is_packed=work.method == "qlora",
        teacher_layers=work.teacher_layers,
    )
    return Speed(waits.utilization(reached), law.evidence, waits.launch_fraction)


def _hours(work: TrainingWork, machine: Machine, share: Range | None, moving: Range) -> Range:
    inputs = work.inputs
    if share is None:
        return quantity(inputs, "training_accelerator_hours").named("accelerator_hours")
    rate = training_speed.sustained_flop_per_s(
        peak_flop_per_s=_peaks(inputs, work.facts, machine)[0],
        utilization=share,
        effective_fraction=moving,
    )
    once = training.accelerator_hours(flop=work.counted, flop_per_s=rate)
    found = training_time.overhead_hours(
        run_hours=once, overhead_ratio=quantity(inputs, "training_overhead")
    )
    return as_range(found, name="accelerator_hours")

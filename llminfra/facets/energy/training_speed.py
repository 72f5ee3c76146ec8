"""What training reaches of an accelerator's peak, and which share of its time it moves on."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from llminfra.architecture import Architecture
from llminfra.architecture.training import unpacked_parameters
from llminfra.catalog.facts import Facts, architecture
from llminfra.catalog.loader import ids
from llminfra.formulas import model_error, training_speed, training_step, training_time
from llminfra.ranges import Range, as_range, exact

_COMMON: Final = "training-common"
_STEP: Final = "training-step"
_FAILURES: Final = "training-failures"
_MODEL: Final = "training-model-"
_ASSUMED: Final = ("training", "arithmetic_fraction")
_PASSES: Final = 2  # forward and back
_WORDS: Final = {"bf16": "sixteen", "fp16": "sixteen", "fp8": "eight", "fp4": "four"}
# How well the speed of training on an accelerator is known, as a sentence about it goes on.
EVIDENCE: Final = {
    "stated": "is as stated",
    "measured": "was measured on this accelerator",
    "generation": "follows another accelerator of its generation",
    "assumed": "was not measured on this accelerator: it is an assumption",
}
_ONE: Final = exact(1.0)


@dataclass(frozen=True)
class TrainingSetting:
    """A training run as the law of its speed sees it.

    Attributes
    ----------
    architecture : Architecture
        What is trained.
    accelerator, precision : str
        Catalogue id; format of the products.
    accelerators : int
        How many train together. [accelerator]
    is_recomputed : bool
        Whether activations are computed again.
    peak_ratio : Range
        Peak in the format over that in 16 bits. [1]
    recompute_ratio : Range or None
        What recomputing leaves of the share; None as benchmarks have it. [1]
    tensor_parallel, expert_parallel : int
        Accelerators over which each layer is split, and to which experts are dealt out whole. [1]
    stages, stage_chunks : int
        Stages of a pipeline, and runs of layers that each holds by turns. [1]
    micro_batches : int or None
        Batches of a step; None adds no waits to those that benchmarks had. [1]
    """

    architecture: Architecture
    accelerator: str
    precision: str
    accelerators: int
    is_recomputed: bool
    peak_ratio: Range = _ONE
    recompute_ratio: Range | None = None
    tensor_parallel: int = 1
    expert_parallel: int = 1
    stages: int = 1
    stage_chunks: int = 1
    micro_batches: int | None = None

    @property
    def stage_wait_ratio(self) -> Range:
        """Time that stages wait over time that they work; none where no batches are stated."""
        if self.micro_batches is None:
            return exact(0.0, name="stage_wait_ratio")
        found = training_step.stage_wait_ratio(
            n_stages=exact(self.stages, name="n_stages"),
            n_chunks=exact(self.stage_chunks, name="n_chunks"),
            n_micro_batches=exact(self.micro_batches, name="n_micro_batches"),
        )
        return as_range(found)


class Law:
    """The share of the peak that published benchmarks and runs give for a setting."""

    def __init__(self, setting: TrainingSetting, facts: Facts) -> None:
        self.setting, self.facts = setting, facts

    @cached_property
    def _measured(self) -> dict[str, str]:
        """Constants of an accelerator, by the accelerators that they were fitted on."""
        laws = [name for name in ids("training") if self.facts.has(name, "accelerators")]
        fitted = ((name, self.facts.text(name, "accelerators").split()) for name in laws)
        return {seen: name for name, accelerators in fitted for seen in accelerators}

    @cached_property
    def _entity(self) -> str:
        name = self.setting.accelerator
        if name in self._measured:
            return self._measured[name]
        own = self._kin(name)
        return next((law for seen, law in self._measured.items() if self._kin(seen) == own), "")

    def _kin(self, accelerator: str) -> tuple[str, str]:
        """Generation and build: boards of a generation train alike, its cards do not."""
        build = self.facts.text(accelerator, "form_factor").rstrip("0123456789")
        return self.facts.text(accelerator, "architecture"), build

    @property
    def evidence(self) -> str:
        """How well the speed is known, a key of `EVIDENCE`."""
        if self.setting.accelerator in self._measured:
            return "measured"
        return "generation" if self._entity else "assumed"

    @property
    def kind(self) -> str:
        """Whether the model is dense or has experts, as the constants are named."""
        model = self.setting.architecture
        is_dense = model.active_parameters == model.parameters
        return "training-dense" if is_dense else "training-experts"

    @property
    def _own(self) -> Range:
        """What this very model reached over others; another checkpoint of it counts."""
        model = self.setting.architecture
        for name in ids("training"):
            if name.startswith(_MODEL) and _is_same(model, name.removeprefix(_MODEL)):
                return self.facts.number(name, "model_ratio")
        return _ONE

    def utilization(self, run_ratio: Range | None = None) -> Range:
        """Return the share of the peak; of benchmarks instead of runs with a ratio of 1."""
        setting, number = self.setting, self.facts.number
        is_assumed = self.evidence == "assumed"
        base = number(*_ASSUMED) if is_assumed else number(self._entity, "base_fraction")
        # The assumed share is one of whole runs: no ratio from benchmarks to runs applies to it.
        of_runs = _ONE if is_assumed else number(self.kind, "run_ratio")
        error = number(self.kind, "utilization_log_error")
        if self.evidence == "generation":
            wider = number("power-common", "other_accelerator_ratio")
            error = as_range(
                model_error.spread_log_error_ratio(log_error_ratio=error, spread_factor=wider)
            )
        again = _ONE
        if setting.is_recomputed:
            again = setting.recompute_ratio or number(_COMMON, "recompute_ratio")
        found = training_speed.training_utilization(
            base_fraction=base,
            format_ratio=number(self.kind, f"{_WORDS[setting.precision]}_bit_ratio"),
            peak_ratio=setting.peak_ratio,
            model_ratio=_ONE if is_assumed else self._own,
            run_ratio=of_runs if run_ratio is None else run_ratio,
            recompute_ratio=_ONE if is_assumed else again,
            stage_wait_ratio=setting.stage_wait_ratio,
            parameters=exact(setting.architecture.active_parameters, name="parameters"),
            size_exponent=number(self.kind, "size_exponent"),
            n_accelerators=exact(setting.accelerators, name="n_accelerators"),
            count_exponent=number(_COMMON, "count_exponent"),
            log_error_ratio=error,
        )
        return as_range(found, name="utilization")


@dataclass(frozen=True)
class Waits:
    """What takes time beside the products of a batch.

    Attributes
    ----------
    launch_ratio, unpack_ratio : Range
        Time that launches add, and that unpacking takes, over the time of the products. [1]
    """

    launch_ratio: Range
    unpack_ratio: Range

    def utilization(self, alone: Range) -> Range:
        """Return what they leave of a share of the peak."""
        left = training_speed.tuned_utilization(
            utilization=alone,
            launch_wait_ratio=self.launch_ratio,
            unpack_wait_ratio=self.unpack_ratio,
        )
        return as_range(left, name="utilization")

    @property
    def launch_fraction(self) -> Range:
        """Share of the time in which an accelerator waits for launches."""
        found = training_speed.launch_wait_fraction(
            launch_wait_ratio=self.launch_ratio, unpack_wait_ratio=self.unpack_ratio
        )
        return as_range(found)


def batch_waits(
    setting: TrainingSetting,
    facts: Facts,
    *,
    utilization: Range,
    peak_flop_per_s: Range,
    flop_per_token: Range,
    batch_tokens: int,
    is_packed: bool = False,
    teacher_layers: float = 0.0,
) -> Waits:
    """Return what a run waits for, batch by batch.

    Parameters
    ----------
    setting : TrainingSetting
        The run.
    utilization : Range
        Share of the peak on batches that are long enough, with weights that are unpacked. [1]
    peak_flop_per_s, flop_per_token : Range
        Peak of the accelerator, and products of a token. [FLOP/s, FLOP/token]
    batch_tokens : int
        Tokens that the accelerators of a layer work on at a time. [token]
    is_packed : bool
        Whether the model's matrices stand in 4 bits and are unpacked for every batch.
    teacher_layers : float
        Layers of a teacher that a batch passes, forward alone. [1]
    """
    model, n_passes = setting.architecture, _PASSES + setting.is_recomputed
    batch = {
        "batch_tokens": exact(batch_tokens, name="batch_tokens"),
        "flop_per_token": flop_per_token,
        "flop_per_s": training_speed.sustained_flop_per_s(
            peak_flop_per_s=peak_flop_per_s, utilization=utilization, effective_fraction=1.0
        ),
    }
    passed = model.n_layers * n_passes + teacher_layers
    launched = training_step.launch_wait_ratio(
        launch_s=facts.number(_STEP, "launch_s"),
        n_layer_passes=exact(passed, name="n_layer_passes"),
        n_tensor_ranks=exact(setting.tensor_parallel, name="n_tensor_ranks"),
        **batch,
    )
    unpacked: Any = exact(0.0, name="unpack_wait_ratio")
    if is_packed:
        held = unpacked_parameters(
            model,
            tensor_parallel=setting.tensor_parallel,
            expert_parallel=setting.expert_parallel,
        )
        unpacked = training_step.unpack_wait_ratio(
            quantized_parameters=exact(held, name="quantized_parameters"),
            unpack_bytes_per_weight=facts.number(_STEP, "unpack_bytes_per_weight"),
            memory_bytes_per_s=facts.number(setting.accelerator, "memory_bandwidth_bytes_per_s"),
            n_passes=exact(n_passes, name="n_passes"),
            **batch,
        )
    return Waits(as_range(launched), as_range(unpacked))


def _is_same(model: Architecture, name: str) -> bool:
    other = architecture(name)
    return (model.layers, model.hidden_size) == (other.layers, other.hidden_size)


def effective_fraction(facts: Facts, accelerators: int) -> Range:
    """Return the share of the time in which a run on so many accelerators moves on."""
    checkpoint = facts.number(_FAILURES, "checkpoint_hours")
    between = training_time.run_failure_hours(
        accelerator_failure_hours=facts.number(_FAILURES, "accelerator_failure_hours"),
        n_accelerators=exact(accelerators, name="n_accelerators"),
    )
    every = training_time.checkpoint_every_hours(
        checkpoint_hours=checkpoint, run_failure_hours=between
    )
    found = training_time.effective_fraction(
        checkpoint_hours=checkpoint,
        checkpoint_every_hours=every,
        restart_hours=facts.number(_FAILURES, "restart_hours"),
        run_failure_hours=between,
    )
    return as_range(found)

"""What runs on what: model, precision, engine, accelerators and how the model is split."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import model_validator

from llminfra import formats
from llminfra.architecture import Architecture
from llminfra.catalog.facts import Facts, engine_entry, engines, is_named_build, version_numbers
from llminfra.catalog.loader import ids, model_entries
from llminfra.catalog.support import support
from llminfra.errors import (
    ImpossibleCombination,
    InvalidInput,
    closest,
    shown,
    unknown,
)
from llminfra.facets.base import Inputs as BaseInputs
from llminfra.facets.base import Problem, Result, base_value, field
from llminfra.facets.deployment.obstacles import problems as engine_problems
from llminfra.facets.deployment.workers import (
    AUTO,
    Workers,
    check_tensor_parallel,
    check_workers,
    either,
    prefill_of,
)
from llminfra.hf_config import architecture_from_path

if TYPE_CHECKING:
    from llminfra.plan import Plan

# Stands in for the maximum of models that have none, such as pure state-space models.
UNLIMITED_TOKENS = 1_048_576
Precision = Literal[
    "fp32", "bf16", "fp16", "fp8", "fp8-mlp", "int8", "int4",
    "nvfp4", "mxfp4", "q8_0", "q6_k", "q5_k_m", "q4_k_m",
]  # fmt: skip


class Inputs(BaseInputs):
    """Fields of the deployment."""

    model: str = field(
        "llama-3.3-70b", help="catalogue id, or path of a Hugging Face config.json or its folder"
    )
    accelerator: str = field(
        "a100-sxm-80",
        help="catalogue id of the accelerator; auto is the smallest layout that does, of any",
    )
    precision: Precision = field("bf16", help="format of the weights")
    kv_precision: Literal["auto", "bf16", "fp16", "fp8"] = field(
        "auto", help="format of the KV cache; auto is 16 bits"
    )
    engine: str = field("vllm", help="serving engine")
    engine_version: str | None = field(
        None, help="version of the engine; none is the one the catalogue was checked with"
    )
    tensor_parallel: int | Literal["auto"] = field(
        1,
        help="accelerators that share every layer; auto is the fewest that meet the targets",
        unit="accelerator",
        minimum=1,
        maximum=1024,
    )
    pipeline_parallel: int = field(
        1, help="stages the layers are cut into", unit="accelerator", minimum=1, maximum=128
    )
    expert_parallel: int = field(
        1,
        help="accelerators that whole experts are dealt to; 1 slices every expert",
        unit="accelerator",
        minimum=1,
        maximum=1024,
    )
    data_parallel: int = field(
        1,
        help="copies of the attention layers, which share the experts",
        unit="accelerator",
        minimum=1,
        maximum=1024,
    )
    prefill_workers: int | None = field(
        None,
        help="workers of a replica that only read prompts; none is no separate prefill",
        unit="worker",
        minimum=1,
        maximum=1024,
    )
    decode_workers: int | None = field(
        None,
        help="workers of a replica that only decode, each split as above; with prefill_workers",
        unit="worker",
        minimum=1,
        maximum=1024,
    )
    prefill_tensor_parallel: int | None = field(
        None,
        help="accelerators that share every layer in a prefill worker; none is as for decode, or 1 "
        "beside prefill_data_parallel",
        unit="accelerator",
        minimum=1,
        maximum=1024,
    )
    prefill_data_parallel: int | None = field(
        None,
        help="copies of the attention layers in a prefill worker; none is as for decode, or 1 "
        "beside prefill_tensor_parallel",
        unit="accelerator",
        minimum=1,
        maximum=1024,
    )
    replicas: int | Literal["auto"] = field(
        1,
        help="independent copies of the whole; auto is what the load needs, with spares",
        unit="replica",
        minimum=1,
        maximum=100_000,
    )
    max_model_len: int | None = field(
        None,
        help="longest sequence the engine accepts; none is the model's maximum",
        unit="token",
        minimum=1,
        maximum=100_000_000,
    )

    @model_validator(mode="before")
    @classmethod
    def _split_of_any(cls, values: Any) -> Any:
        """An accelerator that is still to be chosen has no split of its own yet."""
        is_open = isinstance(values, dict) and values.get("accelerator") == AUTO
        return {"tensor_parallel": AUTO} | values if is_open else values


@dataclass(frozen=True)
class Deployment(Result):
    """The resolved deployment."""

    model_name: str
    architecture: Architecture
    accelerator_name: str
    precision_name: str
    engine_name: str
    engine_entry: str
    engine_version: str
    newest_tested_version: str
    max_model_len: int
    tensor_parallel: int
    accelerators_per_replica: int
    is_native_format: bool
    _prefill: Workers | None = None
    _support: str = "measured"

    @property
    def engine_support(self) -> str:
        """How the engine is known on the accelerator: measured, unmeasured or none."""
        return self._support

    @property
    def prefill(self) -> Workers | None:
        """Workers that only read prompts; None where every replica does both."""
        return self._prefill

    @property
    def label(self) -> str:
        """The layout in a few words: 8 × A100 80 GB, 16-bit."""
        return f"{self.accelerators_per_replica} × {self.accelerator_name}, {self.precision_name}"


def check(scenario: Any, facts: Facts) -> None:
    """Raise InvalidInput for ids that do not exist and for what no engine accepts."""
    if scenario.model not in ids("model") and not _exists(scenario.model):
        raise _unknown_model(scenario.model)
    if scenario.accelerator not in (AUTO, *ids("accelerator")):
        raise unknown("accelerator", scenario.accelerator, ids("accelerator"))
    if scenario.engine not in engines():
        raise unknown("engine", scenario.engine, engines())
    engine_entry(scenario.engine, scenario.engine_version)
    architecture = architecture_of(scenario, facts)
    _check_splits(scenario, architecture)
    check_workers(scenario, architecture)
    _check_lengths(scenario, architecture)


def _exists(model: str) -> bool:
    try:
        return is_path(model) and Path(model).exists()
    except (OSError, ValueError):  # too long for the system, or a NUL in it
        return False


def _unknown_model(model: str) -> InvalidInput:
    """Name the closest ids, also for a Hugging Face id, and say that a path is none."""
    by_hub = _ids_by_hub()
    if is_path(model) and model.lower() not in by_hub:
        return InvalidInput(
            f"model must be a known id or the path of a config.json, got {shown(model, 200)}: no "
            "such file; paths in a scenario file start from its folder, see llminfra list models",
            field="model",
        )
    near = ", ".join(closest(by_hub.get(model.lower(), model), ids("model")))
    also = " or the path of a config.json" if is_path(model) else ""
    return InvalidInput(
        f"model must be a known id{also}, got {shown(model, 200)}; closest: {near}", field="model"
    )


def _ids_by_hub() -> dict[str, str]:
    return {str(entry.get("hf_id", "")).lower(): i for i, entry in model_entries().items()}


def _check_splits(scenario: Any, architecture: Architecture) -> None:
    wanted = scenario.tensor_parallel
    check_tensor_parallel("tensor_parallel", wanted, architecture)
    if scenario.pipeline_parallel > architecture.n_layers:
        raise ImpossibleCombination(
            f"pipeline_parallel must be at most the {architecture.n_layers} layers, got "
            f"{scenario.pipeline_parallel}; lower it",
            field="pipeline_parallel",
        )
    ranks = scenario.data_parallel * (1 if wanted == AUTO else wanted)
    if ranks % scenario.expert_parallel:
        raise ImpossibleCombination(
            f"expert_parallel must divide tensor_parallel x data_parallel = {ranks}, got "
            f"{scenario.expert_parallel}; try {either(sorted({1, ranks}))}, or raise those",
            field="expert_parallel",
        )


def _check_lengths(scenario: Any, architecture: Architecture) -> None:
    most, wanted = architecture.max_context_tokens, scenario.max_model_len
    if wanted and most and wanted > most:
        raise ImpossibleCombination(
            f"max_model_len must be from 1 to {most:,} tokens, the model's maximum, got "
            f"{wanted:,}; lower it or choose another model",
            field="max_model_len",
        )
    if not (wanted or most or architecture.is_unbounded):
        raise InvalidInput(
            f'{scenario.model}: key "max_position_embeddings" is missing; it must be the longest '
            "context of the model in tokens: add it, or set max_model_len",
            field="model",
        )
    tokens = base_value(scenario.prompt_tokens) + base_value(scenario.output_tokens)
    limit = longest(scenario, architecture)
    if tokens > limit:
        field_at_fault = "max_model_len" if wanted else "prompt_tokens"
        raise ImpossibleCombination(
            f"prompt_tokens + output_tokens must be at most {limit:,} tokens, "
            f"{'max_model_len' if wanted else 'the longest context of the model'}, got "
            f"{tokens:,.0f}; shorten them",
            field=field_at_fault,
        )


def longest(scenario: Any, architecture: Architecture) -> int:
    """Longest sequence the engine accepts: as set, else the model's maximum."""
    return int(scenario.max_model_len or architecture.max_context_tokens or UNLIMITED_TOKENS)


def evaluate(inputs: Inputs, plan: "Plan", facts: Facts) -> Deployment:
    """Resolve names and the engine's constants."""
    architecture = architecture_of(inputs, facts)
    entry = engine_entry(inputs.engine, inputs.engine_version)
    tested = facts.text(entry, "latest_tested_version")
    newest = tested if version_numbers(tested) else ""
    tensor_parallel = int(inputs.tensor_parallel)
    per_replica = tensor_parallel * inputs.pipeline_parallel * inputs.data_parallel
    prefill = None if inputs.prefill_workers is None else prefill_of(inputs)
    if prefill is not None:
        per_replica = per_replica * int(inputs.decode_workers or 1) + prefill.accelerators
    return Deployment(
        model_name=model_name(inputs.model),
        architecture=architecture,
        accelerator_name=facts.text(inputs.accelerator, "short_name"),
        precision_name=facts.text(inputs.precision, "short_name"),
        engine_name=facts.text(entry, "name"),
        engine_entry=entry,
        engine_version=inputs.engine_version or newest or "of any version",
        newest_tested_version=newest,
        max_model_len=longest(inputs, architecture),
        tensor_parallel=tensor_parallel,
        accelerators_per_replica=per_replica,
        is_native_format=_is_native(inputs, facts),
        _prefill=prefill,
        _support=support(facts, entry, inputs.accelerator),
    )


def problems(scenario: Any, plan: "Plan", deployment: Deployment) -> list[Problem]:
    """Warn of what the constants of the catalogue were not tested on."""
    found = [
        _untested_version(scenario, deployment),
        _other_towers(deployment),
        _other_weights(scenario, deployment),
    ]
    told = [problem for problem in found if problem is not None]
    return engine_problems(scenario, deployment) + told


def _untested_version(scenario: Any, deployment: Deployment) -> Problem | None:
    """Compare as many numbers as the tested version has: 0.11 covers 0.11.2."""
    version, newest = scenario.engine_version, deployment.newest_tested_version
    tested = version_numbers(newest)
    numbers = version_numbers(version or "")
    if version is None or (tested and numbers and numbers[: len(tested)] <= tested):
        return None
    name = deployment.engine_name
    relation = "has no number to compare with" if is_named_build(version) else "is newer than"
    known = f"{relation} {newest}, the newest" if newest else "was not tested, nor was any other"
    return Problem(
        "W-VERSION",
        f"engine_version {version} of {name} {known} version that the catalogue's constants for it "
        "rest on; runtime memory and default limits are taken as unchanged and may be off",
        (f'engine_version = "{newest}"',) if newest else (),
    )


def _other_towers(deployment: Deployment) -> Problem | None:
    towers = formats.join(list(deployment.architecture.other_towers))
    if not towers:
        return None
    return Problem(
        "W-TOWER",
        f"only the language model of {deployment.model_name} is counted: the memory of its "
        f"{towers} part comes on top, unless the engine serves text alone",
    )


def _other_weights(scenario: Any, deployment: Deployment) -> Problem | None:
    """The precision decides what is counted; a checkpoint may hold another one."""
    stored = deployment.architecture.stored_weights
    if stored is None or scenario.precision in stored.precisions:
        return None
    known = stored.precisions
    advice = "" if known else "; set the precision that has as many bits for each weight"
    return Problem(
        "W-QUANT",
        f"config.json of {deployment.model_name} says that its weights are {stored.words}, "
        f"precision is {scenario.precision}: memory and speed are those of "
        f"{scenario.precision}{advice}",
        tuple(f'precision = "{name}"' for name in known[:1]),
    )


def is_path(model: str) -> bool:
    """Tell a path of a config.json or its folder from a catalogue id."""
    return "/" in model or "\\" in model or model.endswith(".json") or model in (".", "..")


def absolute_model(model: Any, folder: Path) -> Any:
    """Make a path absolute, for kernels run elsewhere; ids, also of Hugging Face, stay."""
    if not isinstance(model, str) or not is_path(model):
        return model
    path = os.path.abspath(folder / model)
    return model if model.lower() in _ids_by_hub() and not _exists(path) else path


def architecture_of(inputs: Inputs, facts: Facts) -> Architecture:
    """Return the architecture that `model` names or points at."""
    if is_path(inputs.model):
        return architecture_from_path(Path(inputs.model))
    return facts.model(inputs.model)


def model_name(model: str) -> str:
    """Return the name to print for a model id or path."""
    if not is_path(model):
        return str(model_entries()[model]["name"])
    path = Path(model).absolute()
    return path.parent.name if path.suffix == ".json" else path.name


def _is_native(inputs: Inputs, facts: Facts) -> bool:
    """Tell whether the accelerator multiplies in the format that the weights are stored in."""
    native = [part.strip() for part in facts.text(inputs.precision, "native_from").split(";")]
    return native == ["all"] or facts.text(inputs.accelerator, "architecture") in native

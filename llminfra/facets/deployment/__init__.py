"""What runs on what: model, precision, engine, accelerators and how the model is split."""

import os
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import ValidationInfo, field_validator, model_validator

from llminfra.architecture import Architecture
from llminfra.catalog.facts import Facts, engine_entry, engines, is_named_build, version_numbers
from llminfra.catalog.loader import ids, model_entries
from llminfra.catalog.own import UNLISTED, is_described
from llminfra.catalog.similar import similar_accelerators, similar_models
from llminfra.catalog.support import support
from llminfra.errors import ImpossibleCombination, InvalidInput, shown, unknown
from llminfra.facets.base import Inputs as BaseInputs
from llminfra.facets.base import Problem, field
from llminfra.facets.deployment.checkpoint import (
    LOOKUP_WORDS,
    architecture_of,
    as_published,
    changes_in_words,
    check_changes,
    check_is_whole,
    common_name,
    draft_of,
    is_hub_id,
    is_path,
    model_named,
    own_precision,
)
from llminfra.facets.deployment.checkpoint import problems as checkpoint_problems
from llminfra.facets.deployment.choices import OPTIONS, Hosting, KvPrecision, Precision
from llminfra.facets.deployment.obstacles import problems as engine_problems
from llminfra.facets.deployment.result import Deployment
from llminfra.facets.deployment.workers import (
    AUTO,
    check_beside,
    check_tensor_parallel,
    check_workers,
    either,
    prefill_of,
)

__all__ = [
    "OPTIONS",
    "Deployment",
    "Inputs",
    "absolute_model",
    "architecture_of",
    "check",
    "evaluate",
    "is_native",
    "is_path",
    "longest",
    "model_name",
    "model_named",
    "problems",
]

# Stands in for the maximum of models that have none, such as pure state-space models.
UNLIMITED_TOKENS = 1_048_576


class Inputs(BaseInputs):
    """Fields of the deployment."""

    model: str = field(
        "llama-3.3-70b", help="catalogue id, or path of a Hugging Face config.json or its folder"
    )
    accelerator: str = field(
        "a100-sxm-80",
        help="catalogue id of the accelerator; auto is the smallest layout that does, of any",
    )
    beside_accelerators: list[str] = field(
        [],
        help="unlike cards in the same replica: the smallest and slowest of all decide",
    )
    rank_by: Literal["accelerators", "cost"] = field(
        "accelerators",
        help="what auto takes of the layouts that do: fewest accelerators, or cheapest month",
    )
    precision: Precision = field(
        "bf16", help="format of the weights; unstated, that of the model's checkpoint"
    )
    kv_precision: KvPrecision = field(
        "auto", help="format of the KV cache; auto is what the checkpoint asks for, else 16 bits"
    )
    kept_layers_fraction: float = field(
        1.0,
        help="share of the layers that pruning keeps; what it costs in quality an own test tells",
        unit="1",
        minimum=0.1,
        maximum=1,
    )
    attention_change: Literal["none", "windows", "latent", "states"] = field(
        "none",
        help="attention as the model would have it if it were trained so: windows in five of six "
        "layers, a latent cache, states in every second layer",
    )
    text_only: bool = field(
        False, help="leave out the model's encoders for images and sound, as engines can"
    )
    draft_tokens: int = field(
        0,
        help="tokens drafted for each step; 0 is no drafting",
        unit="token",
        minimum=0,
        maximum=16,
    )
    draft_model: str | None = field(
        None,
        help="id or config.json of what drafts, eagle3 or ngram; none is the model's own layers",
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

    hosting: Hosting = field(
        "auto",
        help="how the hardware is come by; auto is the cheapest way that is possible and allowed",
    )
    horizon_years: float = field(
        3.0,
        help="years that count, the life of what is bought",
        unit="year",
        minimum=0.5,
        maximum=20,
    )

    @model_validator(mode="before")
    @classmethod
    def _split_of_any(cls, values: Any) -> Any:
        """An accelerator that is still to be chosen has no split of its own yet."""
        is_open = isinstance(values, dict) and values.get("accelerator") == AUTO
        return {"tensor_parallel": AUTO} | values if is_open else values

    @field_validator("precision", "kv_precision", mode="before")
    @classmethod
    def _common_words(cls, value: Any, info: ValidationInfo) -> Any:
        """Understand the names that tools and files give to formats."""
        return common_name(value, cache=info.field_name == "kv_precision")

    @model_validator(mode="after")
    def _as_stored(self) -> Self:
        """Take the checkpoint's own format of the weights where none is stated."""
        own = None if "precision" in self.model_fields_set else own_precision(self.model)
        if own is not None:
            self.__dict__["precision"] = own
        return self


def check(scenario: Inputs) -> None:
    """Raise InvalidInput for ids that do not exist and for what no engine accepts."""
    if scenario.model not in ids("model") and not _exists(scenario.model):
        raise _unknown_model(scenario.model)
    own = is_described(scenario.accelerator, getattr(scenario, "facts", {}))
    if scenario.accelerator not in (AUTO, *ids("accelerator")) and not own:
        near = ", ".join(similar_accelerators(scenario.accelerator))
        raise InvalidInput(
            f"accelerator must be a known id, got {shown(scenario.accelerator)}; closest: {near}",
            field="accelerator",
        )
    check_beside(scenario)
    if scenario.engine not in engines():
        raise unknown("engine", scenario.engine, engines())
    engine_entry(scenario.engine, scenario.engine_version)
    check_changes(scenario)
    architecture = architecture_of(scenario)
    check_is_whole(architecture)
    _check_splits(scenario, architecture)
    check_workers(scenario, architecture)
    draft_of(scenario)
    _check_lengths(scenario, architecture)


def _exists(model: str) -> bool:
    try:
        return is_path(model) and Path(model).exists()
    except (OSError, ValueError):  # too long for the system, or a NUL in it
        return False


def _unknown_model(model: str) -> InvalidInput:
    """Name the closest ids, also for a Hugging Face id, and say that a path is none."""
    by_hub = _ids_by_hub()
    if is_hub_id(model) and model.lower() not in by_hub:
        near = ", ".join(similar_models(model))
        return InvalidInput(
            f"model must be a known id or the path of a config.json, got {shown(model, 200)}: no "
            "such file; it reads like a Hugging Face id, and nothing is fetched: save its "
            f"config.json and give the path, or take one of: {near}",
            field="model",
        )
    if is_path(model) and model.lower() not in by_hub:
        return InvalidInput(
            f"model must be a known id or the path of a config.json, got {shown(model, 200)}: no "
            "such file; paths in a scenario file start from its folder, see llminfra list models",
            field="model",
        )
    near = ", ".join(similar_models(by_hub.get(model.lower(), model)))
    also = " or the path of a config.json" if is_path(model) else ""
    return InvalidInput(
        f"model must be a known id{also}, got {shown(model, 200)}; closest: {near}", field="model"
    )


def _ids_by_hub() -> dict[str, str]:
    return {str(entry.get("hf_id", "")).lower(): i for i, entry in model_entries().items()}


def _check_splits(scenario: Inputs, architecture: Architecture) -> None:
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


def _check_lengths(scenario: Inputs, architecture: Architecture) -> None:
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


def longest(scenario: Inputs, architecture: Architecture) -> int:
    """Longest sequence the engine accepts: as set, else the model's maximum."""
    return int(scenario.max_model_len or architecture.max_context_tokens or UNLIMITED_TOKENS)


def evaluate(inputs: Inputs, facts: Facts) -> Deployment:
    """Resolve names and the engine's constants."""
    architecture = as_published(inputs, architecture_of(inputs, facts))
    entry = engine_entry(inputs.engine, inputs.engine_version)
    tested = facts.text(entry, "latest_tested_version")
    newest = tested if version_numbers(tested) else ""
    tensor_parallel = int(inputs.tensor_parallel)
    per_replica = tensor_parallel * inputs.pipeline_parallel * inputs.data_parallel
    prefill = None if inputs.prefill_workers is None else prefill_of(inputs)
    if prefill is not None:
        per_replica = per_replica * int(inputs.decode_workers or 1) + prefill.accelerators
    return Deployment(
        model_name=model_name(inputs.model) + changes_in_words(inputs, architecture),
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
        is_native_format=is_native(facts, inputs.precision, inputs.accelerator),
        draft_architecture=draft_of(inputs, facts),
        drafts_by_lookup=inputs.draft_model in LOOKUP_WORDS,
        _prefill=prefill,
        _support=support(facts, entry, inputs.accelerator),
    )


def problems(scenario: Inputs, facts: Facts, deployment: Deployment) -> list[Problem]:
    """Warn of what the constants of the catalogue were not tested on."""
    version = _untested_version(scenario, deployment)
    told = ([version] if version else []) + checkpoint_problems(scenario, facts, deployment)
    return engine_problems(scenario, facts, deployment) + told


def _untested_version(scenario: Inputs, deployment: Deployment) -> Problem | None:
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


def absolute_model(model: Any, folder: Path) -> Any:
    """Make a path absolute, for kernels run elsewhere; ids, also of Hugging Face, stay."""
    if not isinstance(model, str) or not is_path(model):
        return model
    path = os.path.abspath(folder / model)
    return model if is_hub_id(model) and not _exists(path) else path


def model_name(model: str) -> str:
    """Return the name to print for a model id or path."""
    if not is_path(model):
        return str(model_entries()[model]["name"])
    path = Path(model).absolute()
    return path.parent.name if path.suffix == ".json" else path.name


def is_native(facts: Facts, precision: str, accelerator: str) -> bool:
    """Tell whether the accelerator multiplies in the format that the weights are stored in."""
    native = [part.strip() for part in facts.text(precision, "native_from").split(";")]
    own = facts.text(accelerator, "architecture")
    if own == UNLISTED and native not in (["all"], ["none"]):  # what it gives a rate for
        rate = facts.text(precision, "compute_precision")
        return rate in ("bf16", "fp16") or facts.has(accelerator, f"{rate}_flop_per_s")
    return native == ["all"] or own in native

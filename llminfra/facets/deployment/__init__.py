"""What runs on what: model, precision, engine, accelerators and how the model is split."""

from llminfra.architecture import Architecture
from llminfra.catalog.facts import Facts, engine_entry, engines, is_named_build, version_numbers
from llminfra.catalog.loader import ids, model_entries
from llminfra.catalog.own import UNLISTED, is_described
from llminfra.catalog.similar import similar_accelerators, similar_models
from llminfra.catalog.support import support
from llminfra.errors import ImpossibleCombination, InvalidInput, shown, unknown
from llminfra.facets.base import Problem
from llminfra.facets.deployment.checkpoint import (
    LOOKUP_WORDS,
    architecture_of,
    changes_in_words,
    check_changes,
    check_is_whole,
    draft_of,
)
from llminfra.facets.deployment.checkpoint import problems as checkpoint_problems
from llminfra.facets.deployment.choices import AUTO, OPTIONS, Precision
from llminfra.facets.deployment.files import as_in_file, check_file
from llminfra.facets.deployment.inputs import Inputs
from llminfra.facets.deployment.naming import (
    absolute_model,
    exists,
    is_hub_id,
    is_path,
    model_name,
    model_named,
)
from llminfra.facets.deployment.obstacles import problems as engine_problems
from llminfra.facets.deployment.result import Deployment
from llminfra.facets.deployment.workers import (
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
    "Precision",
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


def check(scenario: Inputs) -> None:
    """Raise InvalidInput for ids that do not exist and for what no engine accepts."""
    if scenario.model not in ids("model") and not exists(scenario.model):
        raise _unknown_model(scenario.model)
    own = is_described(scenario.accelerator, scenario.facts)
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
    check_file(scenario, architecture)
    _check_splits(scenario, architecture)
    check_workers(scenario, architecture)
    draft_of(scenario)
    _check_lengths(scenario, architecture)


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
    architecture = as_in_file(inputs, facts, architecture_of(inputs, facts))
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
    if scenario.engine == "llama.cpp":
        return _any_build(version)
    relation = "has no number to compare with" if is_named_build(version) else "is newer than"
    known = f"{relation} {newest}, the newest" if newest else "was not tested, nor was any other"
    return Problem(
        "W-VERSION",
        f"engine_version {version} of {name} {known} version that the catalogue's constants for it "
        "rest on; runtime memory and default limits are taken as unchanged and may be off",
        (f'engine_version = "{newest}"',) if newest else (),
    )


def _any_build(version: str) -> Problem:
    """Say what the build of llama.cpp decides here, and what is the same for all of them."""
    decides = (
        "has no number, so that windows, mask and logits are those of most builds"
        if is_named_build(version)
        else "decides how windows, mask and logits are kept, and which speeds apply"
    )
    return Problem(
        "W-VERSION",
        f"engine_version {version} of llama.cpp {decides}; device context and default limits are "
        "taken as the same in all builds and may be off",
    )


def is_native(facts: Facts, precision: str, accelerator: str) -> bool:
    """Tell whether the accelerator multiplies in the format that the weights are stored in."""
    native = [part.strip() for part in facts.text(precision, "native_from").split(";")]
    own = facts.text(accelerator, "architecture")
    if own == UNLISTED and native not in (["all"], ["none"]):  # what it gives a rate for
        rate = facts.text(precision, "compute_precision")
        return rate in ("bf16", "fp16") or facts.has(accelerator, f"{rate}_flop_per_s")
    return native == ["all"] or own in native

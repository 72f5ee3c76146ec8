"""The model as its checkpoint is stored: whose format holds, and what stands beside it."""

from dataclasses import replace
from functools import lru_cache
from typing import Final

from llminfra import formats
from llminfra.architecture import Architecture, StoredWeights
from llminfra.architecture.eagle import EAGLE_WORDS, HEAD, eagle_head
from llminfra.architecture.reshaped import CHANGES, pruned, sees_all
from llminfra.catalog import facts as catalog
from llminfra.catalog import reads
from llminfra.catalog.facts import Facts
from llminfra.catalog.loader import model_entries
from llminfra.errors import InvalidInput, shown
from llminfra.facets.base import Problem
from llminfra.facets.deployment.inputs import Inputs
from llminfra.facets.deployment.naming import found_model, is_path, model_named
from llminfra.facets.deployment.result import Deployment
from llminfra.hf_config import stored_as

# What drafting from the text itself is called: it takes neither memory nor a pass.
LOOKUP_WORDS: Final = ("ngram", "prompt_lookup", "suffix")


UNCHANGED: Final = "none"
_CHANGED: Final = {
    "windows": "five of six layers with a window",
    "latent": "with latent attention",
    "states": "every second layer with a state",
}


def architecture_of(inputs: Inputs, facts: Facts | None = None) -> Architecture:
    """Return the architecture that `model` names or points at, with the changes that are asked.

    With facts the read is noted.
    """
    found = pruned(found_model(inputs.model, facts), inputs.kept_layers_fraction)
    change = inputs.attention_change
    return found if change == UNCHANGED else _reshaped(found, change)


@lru_cache(maxsize=64)
def _reshaped(architecture: Architecture, change: str) -> Architecture:
    return CHANGES[change](architecture)


def check_changes(inputs: Inputs) -> None:
    """Raise InvalidInput where a change of attention finds no layer that it could change."""
    change = inputs.attention_change
    layers = found_model(inputs.model).layers
    if change != UNCHANGED and not any(sees_all(layer.mixer) for layer in layers):
        raise InvalidInput(
            f"attention_change must go with a model whose layers keep keys and values of all "
            f"tokens, got {shown(change)} for {inputs.model}, which has none; leave it out",
            field="attention_change",
        )


def check_is_whole(architecture: Architecture) -> None:
    """Raise InvalidInput where a configuration is that of a head that drafts for another model."""
    if architecture.model_type == HEAD:
        raise InvalidInput(
            "model must be the model that answers, got the configuration of a head that drafts for "
            "one (EAGLE); name that model, and this one as draft_model with draft_tokens = 3",
            field="model",
        )


def changes_in_words(inputs: Inputs, architecture: Architecture) -> str:
    """Say behind a model's name what is changed in it; empty where nothing is."""
    said = []
    if inputs.kept_layers_fraction < 1:
        said.append(f"pruned to {architecture.n_layers} layers")
    if inputs.attention_change != UNCHANGED:
        said.append(_CHANGED[inputs.attention_change])
    return "".join(f", {words}" for words in said)


def as_published(inputs: Inputs, architecture: Architecture) -> Architecture:
    """Return a catalogue model with the recipe of its published checkpoint of this precision."""
    stored = architecture.stored_weights
    if is_path(inputs.model) or (stored and inputs.precision in stored.precisions):
        return architecture
    found = _published(inputs.model, inputs.precision)
    return replace(architecture, stored_weights=found) if found else architecture


@reads.kept_with_reads
def _published(model: str, precision: str) -> StoredWeights | None:
    """Return the recipe of the checkpoint that the catalogue knows of a model and precision."""
    entry = model_entries()[model]
    known = entry.get("checkpoints", {}).get(precision)
    if known is None:
        return None
    found = stored_as(known, catalog.architecture(model), origin=f"{model}.{precision}")
    return replace(found, precisions=(precision,), is_assumed=True)


def draft_of(inputs: Inputs, facts: Facts | None = None) -> Architecture | None:
    """Return the model that drafts, checked against its target; None without one."""
    name = inputs.draft_model
    if name is None:
        return None
    if not inputs.draft_tokens:
        raise InvalidInput(
            "draft_model must stand with draft_tokens, the tokens that it drafts for each step, "
            "got 0; set draft_tokens = 3",
            field="draft_model",
        )
    if name in LOOKUP_WORDS:
        return None
    if name in EAGLE_WORDS:
        return eagle_head(found_model(inputs.model, facts), EAGLE_WORDS[name])
    found, target = model_named(name, "draft_model", facts), found_model(inputs.model)
    if found.parameters >= target.parameters:
        raise InvalidInput(
            f"draft_model must be smaller than the model it drafts for, got "
            f"{formats.number(found.parameters / 1e9)} against "
            f"{formats.number(target.parameters / 1e9)} bn parameters; choose a smaller one",
            field="draft_model",
        )
    return found


def problems(scenario: Inputs, facts: Facts, deployment: Deployment) -> list[Problem]:
    """Say what is not counted, which format holds, and where it is assumed."""
    found = [
        _other_towers(scenario, deployment),
        _other_weights(scenario, deployment),
        _own_mix(scenario, facts, deployment) or _assumed_recipe(deployment),
        _unknown_draft(scenario, deployment),
    ]
    return [problem for problem in found if problem is not None]


def _other_towers(scenario: Inputs, deployment: Deployment) -> Problem | None:
    unknown = [t.name for t in deployment.architecture.towers if t.parameters is None]
    if not unknown or scenario.text_only:
        return None
    return Problem(
        "W-TOWER",
        f"the memory of the {formats.join(unknown)} part of {deployment.model_name} comes on top: "
        "its configuration does not give the sizes",
        ("text_only = true",),
    )


def _other_weights(scenario: Inputs, deployment: Deployment) -> Problem | None:
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


def _assumed_recipe(deployment: Deployment) -> Problem | None:
    """A model named by its id is counted as one published checkpoint, and producers differ."""
    stored = deployment.architecture.stored_weights
    if stored is None or not stored.is_assumed:
        return None
    return Problem(
        "W-RECIPE",
        f"{deployment.model_name} in {deployment.precision_name} is counted as the checkpoint that "
        f"the catalogue knows ({stored.words}): those of other producers keep other parts in 16 "
        "bits, and a log of theirs shows other weights",
        ('model = "PATH/config.json"',),
    )


def _own_mix(scenario: Inputs, facts: Facts, deployment: Deployment) -> Problem | None:
    """A producer's own mix has other types in every model; its page says how large the file is."""
    precision = scenario.precision
    is_mix = facts.has(precision, "mix_of") and facts.text(precision, "mix_of") != precision
    if not is_mix or scenario.weight_file_bytes is not None:
        return None
    own, bits = deployment.precision_name, facts.number(precision, "bits_per_weight")
    stored = deployment.architecture.stored_weights
    if stored is not None and stored.is_assumed:
        return Problem(
            "W-RECIPE",
            f"{deployment.model_name} in {own} is counted {stored.words}: files of other days and "
            "producers have other sizes",
            ("weight_file_bytes = …",),
        )
    below, above = (abs(end / bits.base - 1) for end in (bits.low, bits.high))
    return Problem(
        "W-RECIPE",
        f"{own} gives the matrices of each model other types: its size is that of files compared, "
        f"{formats.percent(below)} less to {formats.percent(above)} more",
        ("weight_file_bytes = …",),
    )


def _unknown_draft(scenario: Inputs, deployment: Deployment) -> Problem | None:
    """Drafting without layers that draft, and without a model, takes memory that nobody named."""
    named = scenario.draft_model in LOOKUP_WORDS
    if not scenario.draft_tokens or deployment.draft_layers or named:
        return None
    return Problem(
        "W-DRAFT",
        f"{deployment.model_name} has no drafting layers in its configuration: the memory of what "
        "drafts comes on top",
        ('draft_model = "…"',),
    )

"""The model as its checkpoint is stored: whose format holds, and what stands beside it."""

import re
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from llminfra import formats
from llminfra.architecture import Architecture, StoredWeights
from llminfra.architecture.eagle import EAGLE_WORDS, HEAD, eagle_head
from llminfra.architecture.reshaped import CHANGES, pruned, sees_all
from llminfra.catalog import facts as catalog
from llminfra.catalog.facts import Facts
from llminfra.catalog.loader import ids, model_entries
from llminfra.errors import InvalidInput, closest, shown
from llminfra.facets.base import Problem
from llminfra.facets.deployment.result import Deployment
from llminfra.hf_config import architecture_from_path, stored_as

_HUB_ID: Final = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
# Names that tools and files give to formats, and the precision that counts them here.
_WORDS: Final[dict[str, str]] = {
    **dict.fromkeys(("awq", "gptq", "w4a16", "auto-round", "autoround", "gptq-int4"), "int4"),
    **dict.fromkeys(("int4-awq", "awq-int4", "int4-gptq", "awq_marlin", "gptq_marlin"), "int4"),
    **dict.fromkeys(("w4a8", "4-bit", "awq-4bit", "gptq-4bit", "qat-int4", "hqq4"), "int4"),
    **dict.fromkeys(("bnb", "bitsandbytes", "nf4", "exl2", "exl3", "hqq", "4bit", "u4"), "int4"),
    **dict.fromkeys(("w8a8", "w8a16", "gptq-int8", "8bit", "8-bit", "smoothquant"), "int8"),
    **dict.fromkeys(("fp8_e4m3", "e4m3", "fp8-dynamic", "fp8_block", "w8a8-fp8", "mxfp8"), "fp8"),
    **dict.fromkeys(("fp4", "nvfp4-awq", "w4a4"), "nvfp4"),
    **dict.fromkeys(("f32", "float32"), "fp32"),
    **dict.fromkeys(("f16", "float16", "half"), "fp16"),
    **dict.fromkeys(("bfloat16", "16bit"), "bf16"),
    **dict.fromkeys(("q4", "q4_k", "q4_k_l"), "q4_k_m"),
    **dict.fromkeys(("q5", "q5_k", "q5_k_l"), "q5_k_m"),
    **dict.fromkeys(("q3", "q3_k"), "q3_k_m"),
    **dict.fromkeys(("q2", "q2_k_l", "q2_k_s"), "q2_k"),
    "q8": "q8_0",
    **dict.fromkeys(("q6", "q6_k_l"), "q6_k"),
    **{f"q{n}_k_xl": f"ud-q{n}_k_xl" for n in (2, 3, 4, 5, 6, 8)},
    **dict.fromkeys(("mxfp4_moe",), "mxfp4"),
}
# What drafting from the text itself is called: it takes neither memory nor a pass.
LOOKUP_WORDS: Final = ("ngram", "prompt_lookup", "suffix")
_CACHE_WORDS: Final[dict[str, str]] = {
    **dict.fromkeys(("fp8_e4m3", "fp8_e5m2", "fp8_ds_mla", "e4m3"), "fp8"),
    **dict.fromkeys(("f16", "float16", "half"), "fp16"),
    **dict.fromkeys(("bfloat16", "16bit"), "bf16"),
    **dict.fromkeys(("int8_per_token_head", "int8_per_token"), "int8"),
    **dict.fromkeys(("fp4", "nvfp4_ds_mla"), "nvfp4"),
    "q8": "q8_0",
    "q4": "q4_0",
}


UNCHANGED: Final = "none"
_CHANGED: Final = {
    "windows": "five of six layers with a window",
    "latent": "with latent attention",
    "states": "every second layer with a state",
}


def common_name(value: Any, *, cache: bool = False) -> Any:
    """Return our name of a format, or the value as it is.

    Examples
    --------
    >>> common_name("AWQ"), common_name("Q4_K_M"), common_name("fp8_ds_mla", cache=True)
    ('int4', 'q4_k_m', 'fp8')
    """
    if not isinstance(value, str):
        return value
    name = value.strip().lower()
    words = _CACHE_WORDS if cache else _WORDS
    # Files of single producers carry a word in front; one mix of theirs has a name of its own.
    plain = name if name.endswith("_xl") else name.removeprefix("ud-")
    return words.get(plain, plain)


def is_path(model: str) -> bool:
    """Tell a path of a config.json or its folder from a catalogue id."""
    return "/" in model or "\\" in model or model.endswith(".json") or model in (".", "..")


def is_hub_id(model: str) -> bool:
    """Tell an id of Hugging Face, owner and name, from a path."""
    return bool(_HUB_ID.fullmatch(model)) and not model.endswith(".json")


def architecture_of(inputs: Any, facts: Facts | None = None) -> Architecture:
    """Return the architecture that `model` names or points at, with the changes that are asked.

    With facts the read is noted.
    """
    found = pruned(_named(inputs.model, facts), inputs.kept_layers_fraction)
    change = inputs.attention_change
    return found if change == UNCHANGED else _reshaped(found, change)


@lru_cache(maxsize=64)
def _reshaped(architecture: Architecture, change: str) -> Architecture:
    return CHANGES[change](architecture)


def check_changes(inputs: Any) -> None:
    """Raise InvalidInput where a change of attention finds no layer that it could change."""
    change = inputs.attention_change
    layers = _named(inputs.model, None).layers
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


def changes_in_words(inputs: Any, architecture: Architecture) -> str:
    """Say behind a model's name what is changed in it; empty where nothing is."""
    said = []
    if inputs.kept_layers_fraction < 1:
        said.append(f"pruned to {architecture.n_layers} layers")
    if inputs.attention_change != UNCHANGED:
        said.append(_CHANGED[inputs.attention_change])
    return "".join(f", {words}" for words in said)


def _named(model: str, facts: Facts | None) -> Architecture:
    if is_path(model):
        return architecture_from_path(Path(model))
    return facts.model(model) if facts else catalog.architecture(model)


def model_named(name: str, field: str, facts: Facts | None = None) -> Architecture:
    """Return the architecture that a field beside `model` names; raise InvalidInput for none.

    Examples
    --------
    >>> model_named("lama-3.1-8b", "draft_model")
    Traceback (most recent call last):
        ...
    llminfra.errors.InvalidInput: draft_model must be a known id or the path of a config.json, \
got 'lama-3.1-8b'; closest: llama-3.1-8b, llama-3-8b, llama-3.1-70b
    """
    if not is_path(name) and name not in ids("model"):
        raise InvalidInput(
            f"{field} must be a known id or the path of a config.json, got {shown(name, 200)}; "
            f"closest: {', '.join(closest(name, ids('model')))}",
            field=field,
        )
    return _named(name, facts)


def own_precision(model: str) -> str | None:
    """Return the precision of the model's checkpoint; None where it is one of 16 bits."""
    try:
        stored = _named(model, None).stored_weights
    except (InvalidInput, OSError, KeyError, ValueError):  # the check of the scenario says so
        return None
    return next(iter(stored.precisions), None) if stored else None


def as_published(inputs: Any, architecture: Architecture) -> Architecture:
    """Return a catalogue model with the recipe of its published checkpoint of this precision."""
    stored = architecture.stored_weights
    if is_path(inputs.model) or (stored and inputs.precision in stored.precisions):
        return architecture
    found = _published(inputs.model, inputs.precision)
    return replace(architecture, stored_weights=found) if found else architecture


@lru_cache(maxsize=256)
def _published(model: str, precision: str) -> StoredWeights | None:
    """Return the recipe of the checkpoint that the catalogue knows of a model and precision."""
    entry = model_entries()[model]
    known = entry.get("checkpoints", {}).get(precision)
    if known is None:
        return None
    found = stored_as(known, catalog.architecture(model), origin=f"{model}.{precision}")
    return replace(found, precisions=(precision,), is_assumed=True)


def draft_of(inputs: Any, facts: Facts | None = None) -> Architecture | None:
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
        return eagle_head(_named(inputs.model, facts), EAGLE_WORDS[name])
    found, target = model_named(name, "draft_model", facts), _named(inputs.model, None)
    if found.parameters >= target.parameters:
        raise InvalidInput(
            f"draft_model must be smaller than the model it drafts for, got "
            f"{formats.number(found.parameters / 1e9)} against "
            f"{formats.number(target.parameters / 1e9)} bn parameters; choose a smaller one",
            field="draft_model",
        )
    return found


def problems(scenario: Any, facts: Facts, deployment: Deployment) -> list[Problem]:
    """Say what is not counted, which format holds, and where it is assumed."""
    found = [
        _other_towers(scenario, deployment),
        _other_weights(scenario, deployment),
        _assumed_recipe(scenario, deployment),
        _own_mix(scenario, facts, deployment),
        _unknown_draft(scenario, deployment),
    ]
    return [problem for problem in found if problem is not None]


def _other_towers(scenario: Any, deployment: Deployment) -> Problem | None:
    unknown = [t.name for t in deployment.architecture.towers if t.parameters is None]
    if not unknown or scenario.text_only:
        return None
    return Problem(
        "W-TOWER",
        f"the memory of the {formats.join(unknown)} part of {deployment.model_name} comes on top: "
        "its configuration does not give the sizes",
        ("text_only = true",),
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


def _assumed_recipe(scenario: Any, deployment: Deployment) -> Problem | None:
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


def _own_mix(scenario: Any, facts: Facts, deployment: Deployment) -> Problem | None:
    """A producer's own mix has other types in every model; its page says how large the file is."""
    precision = scenario.precision
    is_mix = facts.has(precision, "mix_of") and facts.text(precision, "mix_of") != precision
    if not is_mix or scenario.weight_file_bytes is not None:
        return None
    own, bits = deployment.precision_name, facts.number(precision, "bits_per_weight")
    below, above = (abs(end / bits.base - 1) for end in (bits.low, bits.high))
    return Problem(
        "W-RECIPE",
        f"{own} gives the matrices of each model other types: its size is that of files compared, "
        f"{formats.percent(below)} less to {formats.percent(above)} more",
        ("weight_file_bytes = …",),
    )


def _unknown_draft(scenario: Any, deployment: Deployment) -> Problem | None:
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

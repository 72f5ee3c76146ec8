"""Levers that a service has: the fields that each sets, and what is known of its quality."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from llminfra.architecture.reshaped import sees_all
from llminfra.catalog.facts import architecture
from llminfra.catalog.loader import ids
from llminfra.errors import InvalidInput
from llminfra.explain.shifted import shifted
from llminfra.facets.base import base_value, is_number
from llminfra.plan import COMPARISON, Plan
from llminfra.scenario import Scenario
from llminfra.units import HOURS_PER_WEEK

GROUPS: Final = (
    *("layout", "weights", "cache", "draft", "prefix", "accelerator", "hours", "batch"),
    *("model", "prune", "attention"),
)
LAYOUT: Final = {"tensor_parallel": "auto", "replicas": "auto"}
_DRAFTED: Final = 3
# A model that drafts, or stands in for another, has at most this share of its parameters.
_SMALL: Final = 0.2
_NEWER: Final = ("h100-sxm", "h200-sxm", "b200-sxm")
_PRICES: Final = ("server_price_usd", "rent_usd_per_hour")
_KEPT_LAYERS: Final = 0.8
_BN: Final = 1e9
_8_BITS = "nearly none in 8 bits (arXiv 2411.02355)"
_4_BITS = "small on average, more on code and long texts (arXiv 2411.02355)"
_CACHE = "nearly none in 8 bits (arXiv 2401.18079)"
_OWN_TEST = "an own test must tell; no published figure is of your task"
_DISTILLED = "an own test must tell; distillation narrows the gap (arXiv 2501.12948)"
_ROUTED = "that of the small model on what it is given; how much is easy an own test tells, and "
_ROUTED += "published savings differ by a factor of two between test sets (arXiv 2406.18665)"
_PRUNED = "small in tests of knowledge after healing, more where steps are reasoned (arXiv "
_PRUNED += "2403.17887); the model must be trained on after it, which is not priced here"
_SPARSE = "no figure here: halved weights take kernels that the engines of the catalogue lack"
_SAME_DRAWS = "none: the distribution of answers stays (arXiv 2211.17192)"
_SAME_PROMPT = "none: the same start is read once (arXiv 2312.07104)"
_SAME_MODEL = "none: the same model"
_LATER = "none: the same model; what can wait is answered within the day"
_WEIGHTS: Final = (("fp8", 8, _8_BITS), ("int8", 8, _8_BITS), ("int4", 4, _4_BITS))
_RETRAINED = "; this model is not made so: it must be trained anew, which is not priced here"
_ATTENTION: Final = (
    ("windows", "Windows in five of six layers", "small at this ratio (arXiv 2503.19786)"),
    ("latent", "A latent cache", "none to small, with training (arXiv 2405.04434)"),
    ("states", "States in every second layer", "small after distillation (arXiv 2408.15237)"),
)


@dataclass(frozen=True)
class Routed:
    """Part of the requests for a smaller model that stands beside.

    Attributes
    ----------
    model : str
        The smaller one.
    share : float
        Share of the requests that it is given. [1]
    """

    model: str
    share: float


@dataclass(frozen=True)
class Lever:
    """One change: its words, the fields it sets and what it does to quality, with the evidence.

    Of levers of one group, such as weights in 8 or in 4 bits, at most one is pulled.

    Attributes
    ----------
    split : Routed or None
        A smaller model that takes part of the requests.
    distilled_tokens : float
        Tokens on which the model of `fields` learns from this one; 0 without. [token]
    obstacle : str
        Why it cannot be computed; empty where it can.
    """

    words: str
    group: str
    fields: Mapping[str, Any]
    quality: str
    split: Routed | None = None
    distilled_tokens: float = 0.0
    obstacle: str = ""


@dataclass(frozen=True)
class Assumed:
    """What only the user knows of the levers.

    Attributes
    ----------
    shared_prefix : float
        Share of the prompt tokens that many requests begin with. [1]
    easy : float
        Share of the requests that a small model answers as well. [1]
    waiting : float
        Share of the requests that can wait for hours. [1]
    distilled_tokens : float
        Tokens on which a smaller model learns. [token]
    """

    shared_prefix: float = 0.5
    easy: float = 0.5
    waiting: float = 0.3
    distilled_tokens: float = _BN

    def __post_init__(self) -> None:
        for name in ("shared_prefix", "easy", "waiting"):
            checked_share(name, getattr(self, name))
        tokens: object = self.distilled_tokens
        if not is_number(tokens) or not 0 < tokens < math.inf:
            raise InvalidInput(
                f"distilled_tokens must be a number above 0, got {tokens!r}; leave it out"
            )


def checked_share(name: str, value: object) -> float:
    """Return a share that a user states; raise InvalidInput where it is none.

    Examples
    --------
    >>> checked_share("easy", 0.5)
    0.5
    """
    if is_number(value) and 0 <= value <= 1:
        return float(value)
    raise InvalidInput(f"{name} must be a share from 0 to 1, got {value!r}; half is 0.5")


def lever_list(plan: Plan, assumed: Assumed, *, is_layout_open: bool) -> Iterator[Lever]:
    """Yield every lever that the service has."""
    if not is_layout_open:
        words = "Only the accelerators that the load needs"
        yield Lever(words, "layout", LAYOUT, _SAME_MODEL)
    yield from _formats(plan)
    yield from _of_requests(plan, assumed)
    yield from _machines(plan)
    yield from _models(plan, assumed)


def _formats(plan: Plan) -> Iterator[Lever]:
    """Weights and cache in fewer bits, alone and both."""
    scenario = plan.resolved
    bits = plan.facts_read_by(COMPARISON).number(scenario.precision, "bits_per_weight").base
    has_wide_cache = scenario.kv_precision != "fp8"
    for precision, size, quality in _WEIGHTS:
        if size < 0.8 * bits:
            words = f"Weights in {size} bits ({precision.upper()})"
            yield Lever(words, "weights", {"precision": precision}, quality)
    if has_wide_cache:
        yield Lever("Cache in 8 bits", "cache", {"kv_precision": "fp8"}, _CACHE)
    if has_wide_cache and 0.8 * bits > _WEIGHTS[0][1]:
        both = {"precision": "fp8", "kv_precision": "fp8"}
        yield Lever("Weights and cache in 8 bits (FP8)", "weights", both, _8_BITS)


def _of_requests(plan: Plan, assumed: Assumed) -> Iterator[Lever]:
    """Drafts, kept prefixes, and a lane for what can wait."""
    scenario, small = plan.resolved, smaller(plan)
    if not scenario.draft_tokens and small:
        drafting = {"draft_tokens": _DRAFTED, "draft_model": small[0]}
        yield Lever(f"{small[0]} as a draft", "draft", drafting, _SAME_DRAWS)
    if base_value(scenario.prefix_cache_hit_fraction) < assumed.shared_prefix:
        hits = {"prefix_cache_hit_fraction": assumed.shared_prefix}
        yield Lever("The shared start of prompts kept", "prefix", hits, _SAME_PROMPT)
    if assumed.waiting:
        fields = shifted(plan, assumed.waiting)
        words = f"A batch lane for {assumed.waiting:.0%} of the requests"
        flat = "" if fields else "the load has no peaks from which requests could be moved"
        yield Lever(words, "batch", fields, _LATER, obstacle=flat)


def _machines(plan: Plan) -> Iterator[Lever]:
    scenario, facts = plan.resolved, plan.facts_read_by(COMPARISON)
    for name in _NEWER:
        if name != scenario.accelerator:
            short = facts.text(name, "short_name")
            others = {"accelerator": name, **_of_another_machine(scenario)}
            yield Lever(f"{short} accelerators", "accelerator", others, _SAME_MODEL)
    hours = plan.demand.load_fraction.base * HOURS_PER_WEEK
    if hours < plan.demand.hours_on_per_week.base:
        yield Lever("Off when nobody works", "hours", {"hours_on_per_week": hours}, _SAME_MODEL)


def _of_another_machine(scenario: Scenario) -> dict[str, None]:
    """Own prices of this machine, which say nothing of another."""
    return {name: None for name in _PRICES if getattr(scenario, name) is not None}


def _models(plan: Plan, assumed: Assumed) -> Iterator[Lever]:
    """Another model, a part for another model, and this model made otherwise."""
    scenario, small = plan.resolved, smaller(plan)
    if small:
        name, tokens = small[-1], assumed.distilled_tokens
        yield Lever(f"{name} instead", "model", {"model": name}, _OWN_TEST)
        if tokens:
            words = f"{name} distilled from this model"
            yield Lever(words, "model", {"model": name}, _DISTILLED, distilled_tokens=tokens)
        if assumed.easy:
            words = f"A router: {assumed.easy:.0%} to {name}"
            yield Lever(words, "model", {}, _ROUTED, split=Routed(name, assumed.easy))
    if scenario.kept_layers_fraction == 1:
        kept = {"kept_layers_fraction": _KEPT_LAYERS}
        yield Lever("A fifth of the layers pruned", "prune", kept, _PRUNED)
    yield Lever("Half of the weights zero (2:4)", "prune", {}, _SPARSE, obstacle=_SPARSE)
    if any(sees_all(layer.mixer) for layer in plan.deployment.architecture.layers):
        for name, words, quality in _ATTENTION:
            change = {"attention_change": name}
            yield Lever(words, "attention", change, quality + _RETRAINED)


def smaller(plan: Plan) -> Sequence[str]:
    """Return models of the same family and vocabulary, far smaller; the smallest first."""
    family = str(plan.scenario.model).partition("-")[0]
    own = plan.deployment.architecture
    found = [
        (other.parameters, name)
        for name in ids("model")
        if name.partition("-")[0] == family
        and (other := architecture(name)).vocab_size == own.vocab_size
        and other.parameters <= _SMALL * own.parameters
    ]
    return [name for _, name in sorted(found)]

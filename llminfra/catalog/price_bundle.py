"""List prices of APIs as the package genai-prices carries them: bundled data, no network.

The package finds models by rules such as "begins with", keeps old prices with the day on which they
began, and has lanes (batch, flex, priority) and tiers for long prompts. Its hourly update from the
network is never started: a report's prices are those of the version that is installed.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from math import inf
from typing import TYPE_CHECKING, Any, Final

from llminfra.errors import MissingFact

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, ModelPrice

# Day on which a version's prices were read; the package itself does not say.
_READ_ON: Final = {"0.2.3": "2026-11-23"}
# Kind of token -> the package's name of its price.
KINDS: Final = {
    "input": "input_mtok",
    "cached_input": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
    "cache_write_1h": "cache_write_1h_mtok",
    "output": "output_mtok",
}
# Lane -> what a request must say to be billed at it.
LANES: Final[dict[str, dict[str, str]]] = {
    "standard": {},
    "batch": {"processing": "batch"},
    "flex": {"service_tier": "flex"},
    "priority": {"service_tier": "priority"},
}
# Some sellers charge more at night in Europe and America: an hour without such a surcharge.
_HOUR: Final = dt.time(12, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class BundledPrice:
    """Prices of one offer in one lane on one day, in USD per million tokens by kind of token.

    A prompt of more than `long_context_tokens` is billed at the long prices, from its first token
    and with its output.
    """

    usd_per_mtok: Mapping[str, float]
    long_usd_per_mtok: Mapping[str, float]
    long_context_tokens: float
    started: dt.date | None


@cache
def package() -> str:
    """Return name and version of the package whose prices these are."""
    return f"genai-prices {version('genai-prices')}"


@cache
def read_on() -> str:
    """Return the day on which the installed prices were read, empty where nobody wrote it down."""
    return _READ_ON.get(version("genai-prices"), "")


@cache
def bundled_price(
    provider: str, model_id: str, on: dt.date, lane: str = "standard"
) -> BundledPrice | None:
    """Return what an offer costs on a day; None where it has no such lane.

    Raises
    ------
    MissingFact
        Where the package does not list the model, or lists it for nothing.

    Examples
    --------
    >>> price = bundled_price("openai", "gpt-5-mini", dt.date(2026, 11, 23), "batch")
    >>> price.usd_per_mtok["input"], price.usd_per_mtok["output"]
    (0.125, 1.0)
    """
    model, when = _model(provider, model_id), dt.datetime.combine(on, _HOUR)
    if lane != "standard" and not _has_lane(model, lane, when):
        return None
    prices = model.get_prices(when, LANES[lane])
    found = {kind: _tiers(getattr(prices, name)) for kind, name in KINDS.items()}
    base = {kind: tiers[0] for kind, tiers in found.items() if tiers}
    if not (base.get("input") and base.get("output")):
        raise MissingFact(f"{package()} lists {provider} {model_id} without a price")
    return BundledPrice(
        usd_per_mtok=base,
        long_usd_per_mtok={kind: tiers[-2] for kind, tiers in found.items() if tiers},
        long_context_tokens=min(tiers[-1] for tiers in found.values() if tiers),
        started=_started(model, prices),
    )


def _model(provider: str, model_id: str) -> "ModelInfo":
    """Find a model by its own name: rules of likeness may not choose another."""
    seller = providers().get(provider)
    model = seller.find_model(model_id) if seller else None
    if model is None or model.id not in (model_id, model_id.rpartition("/")[2]):
        raise MissingFact(f"{package()} does not list {model_id} of {provider}")
    found: ModelInfo = model
    return found


@cache
def providers() -> dict[str, Any]:
    """Return who sells, by id."""
    # A third of a second, spent only where a report looks at prices.
    from genai_prices import data

    return {provider.id: provider for provider in data.providers}


def _has_lane(model: "ModelInfo", lane: str, when: dt.datetime) -> bool:
    return any(
        variant.when.items() <= LANES[lane].items()
        and (variant.constraint is None or variant.constraint.active(when))
        for variant in model.price_variants or ()
    )


def _tiers(price: Any) -> tuple[float, float, float] | None:
    """Price, price of long prompts, and the tokens above which a prompt is long."""
    if price is None:
        return None
    tiers = getattr(price, "tiers", ())
    if not tiers:
        return float(price), float(price), inf
    return float(price.base), float(tiers[0].price), float(tiers[0].start)


def _started(model: "ModelInfo", prices: "ModelPrice") -> dt.date | None:
    """Day on which the price in force began, where the package knows."""
    dated = model.prices if isinstance(model.prices, list) else []
    for entry in dated:
        if entry.prices == prices:
            return getattr(entry.constraint, "start_date", None)
    return None

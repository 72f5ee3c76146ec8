"""Who sells which model by the token, at which list price, and on which terms.

``api_offers.csv`` maps a model of this catalogue to sellers and to the names under which the price
package knows their offers; free tiers, brokers and withdrawn models are not in it. Prices become
facts here, so that the ledger shows each one with its version and date.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from llminfra.catalog.facts import Facts
from llminfra.catalog.loader import Fact, api_offer_fact, api_offer_rows
from llminfra.catalog.price_bundle import (
    KINDS,
    LANES,
    bundled_price,
    package,
    read_on,
)
from llminfra.errors import MissingFact
from llminfra.ranges import Range, exact

LONG: Final = "long"  # stands behind an offer's id in the keys of its prices for long prompts
# The European Union and Iceland, Liechtenstein, Norway.
_EEA: Final = (
    "AT BE BG CY CZ DE DK EE ES EU FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One model at one seller, under the name that the price package has for it."""

    id: str
    model: str
    provider: str
    model_id: str
    use: str
    context_tokens: int | None
    note: str

    def __str__(self) -> str:
        return f"{self.provider}: {self.model_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPrices:
    """List prices of an offer in one lane, in USD per million tokens.

    Where a seller has no price of its own for cached input or for writing to the cache, the price
    of input stands there.
    """

    input_usd_per_mtok: Range
    cached_input_usd_per_mtok: Range
    cache_write_usd_per_mtok: Range
    output_usd_per_mtok: Range
    started: dt.date | None = None
    as_of: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Where a seller processes text, who operates it and what processing in the EU adds."""

    served: str
    eu_processing: str
    operator_seat: str
    eu_surcharge_ratio: Range


def offers(model: str) -> list[Offer]:
    """Return who sells a model as it is; nobody is an empty list.

    Examples
    --------
    >>> [offer.provider for offer in offers("qwen3-32b")]
    ['aws', 'groq', 'ovhcloud']
    """
    return [offer for offer in all_offers() if (offer.model, offer.use) == (model, "yes")]


def offer_of(provider: str, model_id: str) -> Offer:
    """Return any offer of the price package, by its seller and its name there.

    Examples
    --------
    >>> offer_of("openai", "gpt-5-mini").id
    'openai/gpt-5-mini'
    """
    for offer in all_offers():
        if (offer.provider, offer.model_id) == (provider, model_id):
            return offer
    return Offer(
        id=f"{provider}/{model_id}",
        model=model_id,
        provider=provider,
        model_id=model_id,
        use="named",
        context_tokens=None,
        note="",
    )


def sellers() -> list[str]:
    """Return all sellers that the list of offers names."""
    return sorted({offer.provider for offer in all_offers()})


def frontier() -> list[Offer]:
    """Return the dated list of three frontier models.

    Examples
    --------
    >>> [offer.model_id for offer in frontier()]
    ['claude-opus-5-5', 'gemini-4-argon', 'gpt-6.1-sol']
    """
    return [offer for offer in all_offers() if offer.use == "frontier"]


def token_prices(
    facts: Facts,
    offer: Offer,
    *,
    on: dt.date,
    lane: str = "standard",
    prompt_tokens: float = 0.0,
) -> TokenPrices:
    """Return what an offer's tokens cost on a day; raise MissingFact where it has no price.

    Parameters
    ----------
    facts : Facts
        Door to the catalogue, which notes the prices; a scenario's own prices win.
    offer : Offer
        From `offers`, `variants` or `frontier`.
    on : date
        Day of the decision.
    lane : str
        ``standard``, ``batch``, ``flex`` or ``priority``.
    prompt_tokens : float
        Length of a prompt: long ones have prices of their own at some sellers.

    Examples
    --------
    >>> facts = Facts(user="doctest")
    >>> sol = frontier()[-1]
    >>> prices = token_prices(facts, sol, on=dt.date(2026, 11, 23), prompt_tokens=300_000)
    >>> prices.input_usd_per_mtok.base, prices.output_usd_per_mtok.base
    (4.0, 15.0)
    """
    bundled = bundled_price(offer.provider, offer.model_id, on, lane)
    if bundled is None:
        raise MissingFact(f"{offer} has no {lane} lane in {package()}")
    listed = _price_facts(offer, on, lane, prompt_tokens > bundled.long_context_tokens)
    price = {kind: facts.outside(fact) for kind, fact in listed.items()}
    return TokenPrices(
        input_usd_per_mtok=price["input"],
        cached_input_usd_per_mtok=price.get("cached_input", price["input"]),
        cache_write_usd_per_mtok=price.get("cache_write", price["input"]),
        output_usd_per_mtok=price["output"],
        started=bundled.started,
        as_of=read_on(),
        source=package(),
    )


def terms(facts: Facts, provider: str) -> Terms:
    """Return a seller's terms; what is not known says ``unknown`` and adds nothing.

    Examples
    --------
    >>> terms(Facts(), "ovhcloud").eu_processing, terms(Facts(), "novita").eu_processing
    ('yes', 'unknown')
    """
    entity = f"api-{provider}"

    def text(name: str) -> str:
        return facts.text(entity, name) if facts.has(entity, name) else "unknown"

    has_ratio = facts.has(entity, "eu_surcharge_ratio")
    return Terms(
        served=text("served"),
        eu_processing=text("eu_processing"),
        operator_seat=text("operator_seat"),
        eu_surcharge_ratio=(
            facts.number(entity, "eu_surcharge_ratio")
            if has_ratio
            else exact(1.0, name="eu_surcharge_ratio", unit="1")
        ),
    )


def is_in_eu(region: str) -> bool:
    """Tell whether a region such as DE or FR-IDF lies where EU data protection law holds."""
    return region.partition("-")[0].upper() in _EEA.split()


def why_not_in(facts: Facts, offer: Offer, region: str) -> str:
    """Return why an offer is not taken for a region, or an empty text where it is.

    In the European Economic Area a seller must be known to process there; elsewhere one that
    processes in China alone is left out.

    Examples
    --------
    >>> ovh, aws = offers("qwen3-32b")[2], offers("qwen3-32b")[0]
    >>> [why_not_in(Facts(), offer, "DE") for offer in (ovh, aws)]
    ['', '']
    >>> why_not_in(Facts(), offers("qwen3-32b")[1], "DE")
    'groq is not known to process in the EU'
    """
    found = terms(facts, offer.provider)
    if is_in_eu(region):
        if found.eu_processing in ("yes", "option"):
            return ""
        if found.eu_processing == "no":
            return f"{offer.provider} does not process in the EU"
        return f"{offer.provider} is not known to process in the EU"
    if found.served == "China" and region.partition("-")[0].upper() != "CN":
        return f"{offer.provider} processes in China"
    return ""


def context_tokens(facts: Facts, offer: Offer) -> Range | None:
    """Return the longest request that a seller takes; None where it does not say."""
    if offer.context_tokens is None:
        return None
    row = api_offer_rows()[offer.id]
    given = {name: row[name] for name in ("source", "as_of", "confidence", "note")}
    fact = api_offer_fact(offer.id, "context_tokens", value=offer.context_tokens, **given)
    return facts.outside(fact)


def price_fact(key: str, on: dt.date) -> Fact | None:
    """Return an offer's price or context as the catalogue has it on a day, by its key.

    Examples
    --------
    >>> price_fact("openai-gpt-6.1-sol:batch.output_usd_per_mtok", dt.date(2026, 11, 23)).value
    5.0
    """
    entity, _, name = key.rpartition(".")
    offer_id, parts = _parts(entity)
    offer = next((offer for offer in all_offers() if offer.id == offer_id), None)
    if offer is None and "/" not in offer_id:
        return None
    provider, _, model_id = offer_id.partition("/")
    offer = offer or offer_of(provider, model_id)
    facts = Facts()
    if name == "context_tokens":
        context_tokens(facts, offer)
        return next((read.fact for read in facts.ledger), None)
    lane = next((part for part in parts if part in LANES), "standard")
    try:
        listed = _price_facts(offer, on, lane, LONG in parts)
    except MissingFact:
        return None
    return next((fact for fact in listed.values() if fact.key == key), None)


def price_rows(on: dt.date) -> Iterator[dict[str, Any]]:
    """Yield one row per offer and lane for lists of prices."""
    for offer in all_offers():
        for lane in LANES:
            bundled = bundled_price(offer.provider, offer.model_id, on, lane)
            if bundled is not None:
                yield {
                    "model": offer.model,
                    "provider": offer.provider,
                    "model_id": offer.model_id,
                    "lane": lane,
                    "use": offer.use,
                    **{f"{kind}_usd_per_mtok": bundled.usd_per_mtok.get(kind) for kind in KINDS},
                    "context_tokens": offer.context_tokens,
                    "in_force_since": bundled.started.isoformat() if bundled.started else "",
                    "as_of": read_on(),
                    "source": package(),
                }


@cache
def _price_facts(offer: Offer, on: dt.date, lane: str, is_long: bool) -> dict[str, Fact]:
    """Return an offer's prices in a lane as facts, by kind of token."""
    bundled = bundled_price(offer.provider, offer.model_id, on, lane)
    if bundled is None:
        return {}
    parts = [offer.id, *([lane] if lane != "standard" else []), *([LONG] if is_long else [])]
    since = f", in force since {bundled.started}" if bundled.started else ""
    note = f"{offer.provider} {offer.model_id}, {package()}{since}"
    prices = bundled.long_usd_per_mtok if is_long else bundled.usd_per_mtok
    given = {
        "source": "genai-prices",
        "as_of": read_on(),
        "confidence": "secondary",
        "note": "; ".join(part for part in (note, offer.note) if part),
    }
    return {
        kind: api_offer_fact(":".join(parts), f"{kind}_usd_per_mtok", value=usd, **given)
        for kind, usd in prices.items()
        if kind in ("input", "cached_input", "cache_write", "output")
    }


@cache
def all_offers() -> tuple[Offer, ...]:
    """Return every offer of the list, faster and smaller formats of a model too."""
    return tuple(
        Offer(
            **{name: row[name] for name in ("id", "model", "provider", "model_id", "use", "note")},
            context_tokens=int(row["context_tokens"]) if row["context_tokens"] else None,
        )
        for row in api_offer_rows().values()
    )


def _parts(entity: str) -> tuple[str, list[str]]:
    """Split an entity into the offer and its lane: names of offers may hold colons themselves."""
    parts: list[str] = []
    while (head := entity.rpartition(":"))[2] in (LONG, *LANES) and head[0]:
        entity = head[0]
        parts.append(head[2])
    return entity, parts

"""What an API would bill for the scenario's month: the same model at each seller, and frontier.

The bill is the provider's alone. Gateway, logging and staff are the option's business.
"""

import datetime as dt
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from llminfra.catalog import api_prices
from llminfra.catalog.api_prices import Offer, TokenPrices
from llminfra.catalog.facts import Facts
from llminfra.errors import MissingFact
from llminfra.facets.base import Band, base_value, quantity
from llminfra.facets.cost.api_inputs import PRICES, ApiInputs, check
from llminfra.facets.cost.bills import ApiBill, ApiBills, Load
from llminfra.facets.cost.inputs import Inputs
from llminfra.formulas import api_bill as formulas
from llminfra.formulas.unit_cost import usd_per_mtok
from llminfra.ranges import Range, as_range, exact, sample

__all__ = ["ApiBill", "ApiBills", "ApiInputs", "Load", "api_bills", "check", "price_drift"]

YOUR_PRICE: Final = "your price"
FRONTIER: Final = "median of three"
_LEAST_DRIFT: Final = -0.99
_LANES: Final = ("standard", "batch", "priority")


def price_drift(inputs: Inputs, facts: Facts) -> Range:
    """Return the yearly change of API prices, whose draws go along with that of accelerators.

    Cheaper accelerators make tokens cheaper, so that a fall of both is likelier than of one alone.
    """
    value = inputs.api_price_drift
    given = quantity(inputs, "api_price_drift")
    if not isinstance(value, Band):
        return given
    own = isinstance(inputs.accelerator_price_drift, Band)
    drawn = sample(
        "scenario.api_price_drift",
        value.base,
        low=value.low,
        high=value.high,
        minimum=_LEAST_DRIFT,
        beside="scenario.accelerator_price_drift" if own else "rental.price_drift_per_year",
        correlation=facts.number("api-market", "drift_correlation").base,
    )
    return Range(drawn.draws, name=given.name, unit=given.unit, origin=given.origin)


def api_bills(inputs: ApiInputs, facts: Facts, *, load: Load, region: str, on: dt.date) -> ApiBills:
    """Return the month at every seller of the model, and at three frontier models.

    Parameters
    ----------
    inputs : ApiInputs
        Fields of the bill.
    facts : Facts
        Door to the catalogue, which notes the prices.
    load : Load
        What the month asks.
    region : str
        Where answers are processed: in the EU a seller must do so, for its surcharge.
    on : date
        Day of the decision.
    """
    same = list(_same_model(inputs, facts, load, region, on))
    taken = sorted((bill for bill in same if not bill.reason), key=_rank)
    leading = [
        _billed(inputs, facts, o, load, on, uplift=_uplift(inputs, facts, o, region), is_own=False)
        for o in api_prices.frontier()
    ]
    return ApiBills(
        all=tuple(sorted([*same, *leading], key=_rank)),
        same_model=taken[0] if taken else None,
        frontier=_median(leading) if leading else None,
        reason_same_model="" if taken else _why_nobody(inputs, same),
        reason_frontier="" if leading else "no frontier model is listed",
    )


def _rank(bill: ApiBill) -> tuple[float, float]:
    """Cheapest first, and the cheapest by the request where a minimum or no load makes equals."""
    return bill.usd_per_month.base, bill.usd_per_request.base


def _same_model(
    inputs: ApiInputs, facts: Facts, load: Load, region: str, on: dt.date
) -> Sequence[ApiBill]:
    if inputs.api_usd_per_mtok_input is not None:
        return [_at_own_price(inputs, load)]
    if inputs.api_model is not None and inputs.api_provider is not None:
        asked = [api_prices.offer_of(inputs.api_provider, inputs.api_model)]
    else:
        asked = api_prices.offers(inputs.model)
    bills = []
    for offer in asked:
        reason = _why_not(inputs, facts, offer, load, region)
        uplift = _uplift(inputs, facts, offer, region)
        bills.append(_billed(inputs, facts, offer, load, on, reason=reason, uplift=uplift))
    return bills


def _why_not(inputs: ApiInputs, facts: Facts, offer: Offer, load: Load, region: str) -> str:
    """Why a seller is left out; one that the scenario names is not, for its region alone."""
    if inputs.api_provider is not None:
        if offer.provider != inputs.api_provider:
            return f"the scenario names {inputs.api_provider}"
    elif reason := api_prices.why_not_in(facts, offer, region):
        return reason
    context = api_prices.context_tokens(facts, offer)
    if context is not None and context.base < load.context_tokens:
        return f"takes {context.base:,.0f} tokens at most, {load.context_tokens:,.0f} are asked for"
    return ""


def _why_nobody(inputs: ApiInputs, bills: Sequence[ApiBill]) -> str:
    """Why there is no API for the same model, in one line."""
    if not bills:
        return f"nobody in the list of prices sells {inputs.model} by the token"
    if inputs.api_provider and all(b.reason.startswith("the scenario names") for b in bills):
        known = ", ".join(dict.fromkeys(b.name for b in bills))
        return f"{inputs.api_provider} does not sell {inputs.model}; sellers: {known}"
    return "; ".join(dict.fromkeys(f"{b.name}: {b.reason}" for b in bills))


def _uplift(inputs: ApiInputs, facts: Facts, offer: Offer, region: str) -> Range:
    if inputs.api_uplift_fraction is not None:
        return quantity(inputs, "api_uplift_fraction")
    found = api_prices.terms(facts, offer.provider)
    if api_prices.is_in_eu(region) and found.eu_processing == "option":
        more = formulas.uplift_fraction(surcharge_ratio=found.eu_surcharge_ratio)
        return as_range(more, name="uplift_fraction")
    return exact(0.0, name="uplift_fraction", unit="1")


def _billed(
    inputs: ApiInputs,
    facts: Facts,
    offer: Offer,
    load: Load,
    on: dt.date,
    *,
    reason: str = "",
    uplift: Range | None = None,
    is_own: bool = True,
) -> ApiBill:
    """The month at one offer's list prices; the contract's terms are those of the same model."""
    ratio = _tokenizer(inputs, facts, offer, is_own=is_own)
    prompt = load.prompt_tokens.base * ratio.base
    lanes, notes = _lanes(inputs, facts, offer, on, prompt)
    storage = _storage(inputs, facts, offer)
    return _bill(
        inputs,
        load,
        lanes,
        ratio,
        uplift or exact(0.0, unit="1"),
        storage,
        name=offer.provider if is_own else f"{offer.provider} {offer.model_id}",
        terms=is_own,
        price_as_of=lanes[0].as_of,
        price_source=lanes[0].source,
        offer=offer,
        prices=lanes[0],
        reason=reason,
        notes=tuple(part for part in (offer.note, *notes) if part),
    )


def _lanes(
    inputs: ApiInputs, facts: Facts, offer: Offer, on: dt.date, prompt_tokens: float
) -> tuple[list[TokenPrices], list[str]]:
    """Prices of the lanes that are used; a lane that a seller has not costs the standard price."""
    priced = partial(api_prices.token_prices, facts, offer, on=on, prompt_tokens=prompt_tokens)
    standard = priced()
    lanes, notes = [standard], []
    for lane in _LANES[1:]:
        found = standard
        if base_value(getattr(inputs, f"{lane}_fraction")):
            try:
                found = priced(lane=lane)
            except MissingFact as error:
                notes.append(str(error))
        lanes.append(found)
    return lanes, notes


def _at_own_price(inputs: ApiInputs, load: Load) -> ApiBill:
    own = {
        kind: quantity(inputs, f"api_usd_per_mtok_{kind}")
        for kind in PRICES
        if getattr(inputs, f"api_usd_per_mtok_{kind}") is not None
    }
    prices = TokenPrices(
        input_usd_per_mtok=own["input"],
        cached_input_usd_per_mtok=own.get("cached_input", own["input"]),
        cache_write_usd_per_mtok=own.get("cache_write", own["input"]),
        output_usd_per_mtok=own["output"],
        source="scenario",
    )
    ratio = quantity(inputs, "tokenizer_ratio") if inputs.tokenizer_ratio else _one()
    uplift = quantity(inputs, "api_uplift_fraction") if inputs.api_uplift_fraction else None
    return _bill(
        inputs,
        load,
        [prices] * len(_LANES),
        ratio,
        uplift or exact(0.0, unit="1"),
        exact(0.0, unit="USD/month"),
        name=YOUR_PRICE,
        terms=True,
        price_as_of="",
        price_source="scenario",
        prices=prices,
    )


def _bill(
    inputs: ApiInputs,
    load: Load,
    lanes: Sequence[TokenPrices],
    tokenizer_ratio: Range,
    uplift: Range,
    storage: Range,
    *,
    name: str,
    terms: bool,
    **rest: Any,
) -> ApiBill:
    """The bill by the token and under the contract, where its terms are asked for."""
    tokens = _mtok(inputs, load, load.requests_per_month, tokenizer_ratio)
    prices = _over_lanes(inputs, lanes) | {"uplift_fraction": uplift}
    metered: Range = formulas.metered_usd_per_month(
        **tokens, **prices, storage_usd_per_month=storage
    )
    one = _mtok(inputs, load, _one(), tokenizer_ratio)
    nothing = exact(0.0, unit="USD/month")
    each: Range = formulas.metered_usd_per_month(**one, **prices, storage_usd_per_month=nothing)
    contract = partial(_under_contract, inputs) if terms else _as_it_is
    bill = contract(metered)
    return ApiBill(
        name=name,
        usd_per_month=bill.named("usd_per_month"),
        usd_per_mtok_total=as_range(usd_per_mtok(usd=bill, n_tokens=load.tokens_per_month)),
        usd_per_request=each.named("usd_per_request"),
        metered_usd_per_month=metered,
        usd_at=lambda ratio: contract(_loaded(metered, ratio)),
        **rest,
    )


def _mtok(
    inputs: ApiInputs, load: Load, requests_per_month: Range, tokenizer_ratio: Range
) -> dict[str, Range]:
    """Millions of tokens that are billed for a number of requests."""
    asked: dict[str, Range] = {
        "requests_per_month": requests_per_month,
        "tokenizer_ratio": tokenizer_ratio,
        "retry_fraction": quantity(inputs, "retry_fraction"),
    }
    thinking = quantity(inputs, "reasoning_ratio")
    return {
        "input_mtok_per_month": formulas.mtok_per_month(
            tokens_per_request=load.prompt_tokens, reasoning_ratio=_one(), **asked
        ),
        "output_mtok_per_month": formulas.mtok_per_month(
            tokens_per_request=load.output_tokens, reasoning_ratio=thinking, **asked
        ),
    }


def _over_lanes(inputs: ApiInputs, lanes: Sequence[TokenPrices]) -> dict[str, Range]:
    """Prices of input and output over what caches hold and what each lane carries."""
    held = {n: quantity(inputs, n) for n in ("cache_hit_fraction", "cache_write_fraction")}
    shares = {n: quantity(inputs, n) for n in ("batch_fraction", "priority_fraction")}
    names = [f"{lane}_usd_per_mtok" for lane in _LANES]
    received = [
        formulas.input_usd_per_mtok(
            list_usd_per_mtok=lane.input_usd_per_mtok,
            cached_usd_per_mtok=lane.cached_input_usd_per_mtok,
            cache_write_usd_per_mtok=lane.cache_write_usd_per_mtok,
            **held,
        )
        for lane in lanes
    ]
    written = [lane.output_usd_per_mtok for lane in lanes]
    return {
        f"{kind}_usd_per_mtok": formulas.lanes_usd_per_mtok(
            **dict(zip(names, prices, strict=True)), **shares
        )
        for kind, prices in (("input", received), ("output", written))
    }


def _as_it_is(metered: Range) -> Range:
    return metered


def _under_contract(inputs: ApiInputs, metered: Range) -> Range:
    found: Range = formulas.contract_usd_per_month(
        metered_usd_per_month=metered,
        included_usd_per_month=quantity(inputs, "api_plan_included_usd_per_month"),
        plan_usd_per_month=quantity(inputs, "api_plan_usd_per_month"),
        minimum_usd_per_month=quantity(inputs, "api_minimum_usd_per_month"),
    )
    return found


def _tokenizer(inputs: ApiInputs, facts: Facts, offer: Offer, *, is_own: bool) -> Range:
    """Tokens of the seller's tokenizer over the model's: the same where it is the same model."""
    if inputs.tokenizer_ratio is not None:
        return quantity(inputs, "tokenizer_ratio")
    entity = f"api-{offer.provider}"
    if is_own or not facts.has(entity, "tokenizer_ratio"):
        return _one()
    return facts.number(entity, "tokenizer_ratio")


def _storage(inputs: ApiInputs, facts: Facts, offer: Offer) -> Range:
    """What keeping prompts costs, where a seller charges for it."""
    name, entity = "cache_storage_usd_per_mtok_hour", f"api-{offer.provider}"
    if not base_value(inputs.cache_storage_mtok_hours) or not facts.has(entity, name):
        return exact(0.0, name="storage_usd_per_month", unit="USD/month")
    kept = quantity(inputs, "cache_storage_mtok_hours")
    each = facts.number(entity, name)
    found: Range = formulas.kept_usd_per_month(n_mtok_hours=kept, usd_per_mtok_hour=each)
    return found.named("storage_usd_per_month")


def _median(bills: Sequence[ApiBill]) -> ApiBill:
    """The median bill, in each draw; the terms of the one that it is in the base case."""
    middle = sorted(bills, key=lambda bill: bill.usd_per_month.base)[len(bills) // 2]

    def over(name: str) -> Range:
        one, two, three = (getattr(bill, name) for bill in bills)
        found: Range = formulas.middle_usd(one_usd=one, two_usd=two, three_usd=three)
        return found.named(name)

    return ApiBill(
        name=FRONTIER,
        usd_per_month=over("usd_per_month"),
        usd_per_mtok_total=over("usd_per_mtok_total").named("usd_per_mtok"),
        usd_per_request=over("usd_per_request"),
        metered_usd_per_month=over("metered_usd_per_month"),
        usd_at=lambda ratio: _loaded(over("metered_usd_per_month"), ratio),
        price_as_of=middle.price_as_of,
        price_source=middle.price_source,
        offer=middle.offer,
        prices=middle.prices,
        notes=tuple(bill.name for bill in bills),
    )


def _loaded(bill: Range, ratio: Range) -> Range:
    """A bill by the token at so many times the load."""
    found: Range = formulas.loaded_usd_per_month(usd_per_month=bill, load_ratio=ratio)
    return found.named("metered_usd_per_month")


def _one() -> Range:
    return exact(1.0, unit="1")

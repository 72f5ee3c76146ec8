"""Part oneself, part by API: each mixture with its month and the condition under which it wins."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from llminfra.catalog import api_prices
from llminfra.catalog.facts import Facts
from llminfra.errors import MissingFact
from llminfra.facets.base import base_value
from llminfra.facets.build_vs_api.comparison import Comparison
from llminfra.facets.build_vs_api.inputs import Inputs
from llminfra.facets.build_vs_api.units import Provisioned
from llminfra.formulas import hybrid

BASE_LOAD, SPLIT = "base_load", "split"
_PER_MTOK = 1e6
# Share of the requests of which the batch lane is shown where the scenario states none.
_HALF = 0.5


@dataclass(frozen=True)
class Hybrid:
    """One mixture in the base case.

    Attributes
    ----------
    name : str
        What it is, in words.
    usd_per_month : float
        All of it, own machines and API.
    instead_usd_per_month : float
        The cheapest of the pure forms that it replaces.
    condition : str
        When it wins, with the number at which it turns.
    kind : str
        ``base_load`` or ``split`` for the mixtures that may be recommended.
    """

    name: str
    usd_per_month: float
    instead_usd_per_month: float
    condition: str
    kind: str = ""

    @property
    def wins(self) -> bool:
        """Whether it is cheaper than what it replaces."""
        return self.usd_per_month < self.instead_usd_per_month


def hybrids(
    inputs: Inputs,
    facts: Facts,
    one: Comparison,
    frontier: Comparison | None,
    provisioned: Provisioned | None,
) -> tuple[Hybrid, ...]:
    """Return the mixtures that can be told for a scenario, each by its formula."""
    found = [_base_load(one), _split(inputs, one)]
    if frontier is not None:
        found += [_router(inputs, one, frontier), _cascade(inputs, one, frontier)]
        found += _tuned(inputs, one, frontier)
    found += [*_batch(inputs, facts, one), *_provisioned(one, provisioned)]
    return tuple(found)


def _pure(one: Comparison) -> float:
    """The cheaper of own machines for all and the API for all."""
    own, bought = one.own.option.usd_per_month.base, one.api.option.usd_per_month.base
    return float(np.nanmin([own, bought]))


def _base_load(one: Comparison) -> Hybrid:
    """Own machines for part of the load's curve, what overflows them by API."""
    own, given = one.own, {name: v[0] for name, v in one.lines.items()}
    today = own.mtok_today.base
    peak = 1 / max(own.demand.mean_fraction.base, 1e-9)
    best, kept, busy = math.inf, 0, 0.0
    for n, usd, full in zip(
        own.carrying, given["step_usd_per_month"], given["step_mtok_per_month"], strict=True
    ):
        # Machines that are full in every hour carry peak times what they carry in the load's shape.
        over = hybrid.overflow_fraction(
            capacity_ratio=peak * full / max(today, 1e-12), peak_ratio=peak
        )
        if over <= 0:
            break  # no peak is left for the API
        month = (
            hybrid.base_load_usd_per_month(
                own_usd_per_month=usd,
                own_usd_per_mtok=given["own_usd_per_mtok"],
                api_usd_per_mtok=given["api_usd_per_mtok"],
                mtok_per_month=today,
                overflow_fraction=over,
            )
            + one.api.beside_usd_per_month.base
        )
        if month < best:
            best, kept, busy = float(month), n, float(1 - over)
    words = f"{kept} replica{'s' if kept > 1 else ''} would carry {busy:.0%} of the tokens"
    words = words if kept else "one replica carries the whole load, so that no peak is left"
    limit = f"a machine must be busier than {one.break_even_utilization.base:.0%} of the hours"
    return Hybrid(
        "Base load on own machines, peaks by API", best, _pure(one), f"{limit}; {words}", BASE_LOAD
    )


def _split(inputs: Inputs, one: Comparison) -> Hybrid:
    """What must stay inside on own machines, the rest by API."""
    share = base_value(inputs.inside_fraction)
    given = {name: v[0] for name, v in one.lines.items()}
    inside = one.own.mtok_today.base * share
    fits = np.flatnonzero(given["step_mtok_per_month"] >= inside)
    fixed = given["step_usd_per_month"][fits[0]] if fits.size else math.inf
    month = hybrid.split_usd_per_month(
        inside_usd_per_month=fixed + inside * given["own_usd_per_mtok"],
        api_usd_per_month=one.api.option.parts["tokens"].base,
        inside_fraction=share,
    )
    month = float(month) + one.api.beside_usd_per_month.base
    words = f"wins over machines for all where {share:.0%} need so many fewer that it pays the API"
    return Hybrid(
        f"{share:.0%} inside, the rest by API",
        month,
        one.own.option.usd_per_month.base,
        words,
        SPLIT,
    )


def _each(one: Comparison, frontier: Comparison) -> dict[str, float]:
    """An answer of the small model, by its cheaper way, and of the frontier."""
    requests = one.own.mtok_today.base * _PER_MTOK / one.own.demand.tokens_per_request.base
    own = one.own.option.usd_per_month.base / max(requests, 1e-12)
    small = min(own, one.api.bill.usd_per_request.base)
    large = frontier.api.bill.usd_per_request.base
    return {"small_usd_per_request": small, "large_usd_per_request": large}


def _requests(one: Comparison) -> float:
    return float(one.own.mtok_today.base * _PER_MTOK / one.own.demand.tokens_per_request.base)


def _all_by_frontier(one: Comparison, frontier: Comparison) -> float:
    """The month of this load by the frontier alone, with gateway and staff."""
    tokens = frontier.api.bill.usd_per_request.base * _requests(one)
    return float(tokens + frontier.api.beside_usd_per_month.base)


def _router(inputs: Inputs, one: Comparison, frontier: Comparison) -> Hybrid:
    each, decision = _each(one, frontier), base_value(inputs.router_usd_per_request)
    easy = base_value(inputs.easy_fraction)
    cost = hybrid.router_usd_per_request(
        **each, router_usd_per_request=decision, easy_fraction=easy
    )
    turn = hybrid.winning_easy_fraction(**each, router_usd_per_request=decision)
    return Hybrid(
        f"Router: {easy:.0%} to this model, the rest to the frontier",
        float(cost) * _requests(one) + frontier.api.beside_usd_per_month.base,
        _all_by_frontier(one, frontier),
        f"wins over the frontier alone above {turn:.1%} of easy requests",
    )


def _cascade(inputs: Inputs, one: Comparison, frontier: Comparison) -> Hybrid:
    each, again = _each(one, frontier), base_value(inputs.escalated_fraction)
    cost = hybrid.cascade_usd_per_request(**each, escalated_fraction=again)
    turn = hybrid.winning_escalated_fraction(**each)
    return Hybrid(
        f"Cascade: this model first, {again:.0%} again by the frontier",
        float(cost) * _requests(one) + frontier.api.beside_usd_per_month.base,
        _all_by_frontier(one, frontier),
        f"wins over the frontier alone while fewer than {turn:.1%} are asked again",
    )


def _tuned(inputs: Inputs, one: Comparison, frontier: Comparison) -> Iterator[Hybrid]:
    tuning = base_value(inputs.tuning_usd)
    if not tuning:
        return
    each, again = _each(one, frontier), base_value(inputs.escalated_fraction)
    n = hybrid.tuning_break_even_requests(
        tuning_usd=tuning,
        small_usd_per_request=each["small_usd_per_request"],
        api_usd_per_request=each["large_usd_per_request"],
        escalated_fraction=again,
    )
    cost = hybrid.cascade_usd_per_request(**each, escalated_fraction=again) * _requests(one)
    months = 12 * float(base_value(inputs.horizon_years))
    yield Hybrid(
        "Tuned small model, the frontier behind it",
        float(cost) + tuning / months + frontier.api.beside_usd_per_month.base,
        _all_by_frontier(one, frontier),
        f"wins after {n:,.0f} requests",
    )


def _batch(inputs: Inputs, facts: Facts, one: Comparison) -> Iterator[Hybrid]:
    """The seller's lane for what can wait, where it has one."""
    offer = one.api.bill.offer
    if offer is None:
        return
    try:
        lanes = [
            api_prices.token_prices(facts, offer, on=inputs.as_of, lane=lane)
            for lane in ("standard", "batch")
        ]
    except MissingFact:
        return
    standard, batch = (lane.output_usd_per_mtok.base for lane in lanes)
    share, tokens = base_value(inputs.batch_fraction), one.api.option.parts["tokens"].base
    waits = share or _HALF
    discount = 1 - batch / standard
    had = tokens / (1 - share * discount)
    yield Hybrid(
        f"Batch lane for {waits:.0%} of the requests",
        had * (1 - waits * discount) + one.api.beside_usd_per_month.base,
        had + one.api.beside_usd_per_month.base,
        f"always wins for what can wait: {discount:.0%} off, within a day",
    )


def _provisioned(one: Comparison, units: Provisioned | None) -> Iterator[Hybrid]:
    """Units of throughput, where somebody sells them for this model."""
    if units is None:
        return
    price, turn = units.usd_per_mtok_by_token.base, units.break_even_utilization
    can = "" if turn <= 1 else ": the ceiling of the bill by the token lies below this floor"
    yield Hybrid(
        f"Provisioned throughput, {units.n_units:,.0f} units",
        units.option.usd_per_month.base,
        one.own.mtok_today.base * price + one.api.beside_usd_per_month.base,
        f"wins over tokens at {price:,.2f} USD a million above {turn:.0%} use of the units{can}",
    )

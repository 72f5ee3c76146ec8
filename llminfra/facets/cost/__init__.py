"""What it costs all in, by every way to get it, on one boundary."""

from collections.abc import Callable
from functools import cache
from typing import Final

from llminfra.catalog.facts import Facts
from llminfra.errors import MissingFact
from llminfra.facets.base import quantity
from llminfra.facets.capacity import Capacity
from llminfra.facets.compliance import Compliance
from llminfra.facets.cost import cash
from llminfra.facets.cost.api import ApiBill, ApiBills, api_bills
from llminfra.facets.cost.api import Load as ApiLoad
from llminfra.facets.cost.billed import Bill
from llminfra.facets.cost.book import Book
from llminfra.facets.cost.bought import Bought
from llminfra.facets.cost.case import Case
from llminfra.facets.cost.conditions import with_conditions
from llminfra.facets.cost.inputs import Inputs, check
from llminfra.facets.cost.month import PARTS
from llminfra.facets.cost.option import LABELS, SELF_RUN, Option
from llminfra.facets.cost.problems import problems
from llminfra.facets.cost.rented import Rented
from llminfra.facets.cost.result import Cost
from llminfra.facets.cost.shared import Shared
from llminfra.facets.cost.units import Units
from llminfra.facets.cost.way import NOTHING, Way
from llminfra.facets.demand import Demand
from llminfra.facets.deployment import Deployment
from llminfra.facets.energy import Energy
from llminfra.facets.memory import Memory
from llminfra.facets.serving import Serving

__all__ = ["LABELS", "PARTS", "SELF_RUN", "Cost", "Inputs", "Option", "check", "problems"]


def evaluate(
    inputs: Inputs,
    facts: Facts,
    *,
    deployment: Deployment,
    demand: Demand,
    compliance: Compliance,
    memory: Memory | MissingFact,
    capacity: Capacity,
    serving: Serving,
    energy: Energy | MissingFact,
) -> Cost:
    """Price every way to carry the demand, on the boundary that all of them share."""
    book = Book(inputs, facts)
    case = Case(
        inputs=inputs,
        book=book,
        deployment=deployment,
        demand=demand,
        memory=memory,
        capacity=capacity,
        serving=serving,
        energy=energy,
    )
    # Each is made once it is asked for: who compares two ways prices no other.
    api, shared = _bills(case, compliance), Shared(case)
    units = cache(lambda: Units(shared))
    makers = _makers(shared, api, units)
    return Cost(
        names=tuple(makers),
        usd_per_currency=book.usd_per(inputs.currency),
        _inputs=inputs,
        _case=case,
        units=units,
        _bills=api,
        _made=cache(lambda name: _option(case, name, makers[name], compliance, shared)),
    )


Make = Callable[[], Way]
# Where a contract locks processing to the EU, whichever of its countries it is.
EU: Final = "EU"


def _bills(case: Case, compliance: Compliance) -> Callable[[], ApiBills]:
    """What APIs would bill, where the answers of a month are known."""
    asked = case.inputs.max_model_len or case.demand.tokens_per_request.base
    load = ApiLoad(
        requests_per_month=case.requests_per_month,
        prompt_tokens=case.demand.prompt_tokens,
        output_tokens=case.demand.output_tokens,
        context_tokens=float(asked),
    )
    book = case.book
    region = EU if compliance.is_eu_contracted else book.region
    day = case.inputs.as_of
    bills = cache(lambda: api_bills(case.inputs, book.facts, load=load, region=region, on=day))
    if case.inputs.api_model is not None:
        bills()  # a model that nobody lists is told here, not priced around
    return bills


def _makers(
    shared: Shared, api: Callable[[], ApiBills], units: Callable[[], Units]
) -> dict[str, Make]:
    """How each option is made; it raises MissingFact where it cannot be had."""
    makers: dict[str, Make] = {
        "owned": lambda: Bought(shared, is_colocated=False).way(),
        "colocated": lambda: Bought(shared, is_colocated=True).way(),
    }
    for name in SELF_RUN:
        if name not in makers:
            makers[name] = lambda name=name: Rented(shared, name).way()  # type: ignore[misc]
    changed = _changed(shared.inputs)
    return makers | {
        "provisioned": lambda: _sold(changed, lambda: units().way()),
        "api_same_model": lambda: _sold(
            changed, lambda: _billed(shared, api().same_model, api().reason_same_model)
        ),
        "api_frontier": lambda: _billed(shared, api().frontier, api().reason_frontier),
    }


def _changed(inputs: Inputs) -> str:
    """Why nobody sells the model by the token: its layers are not those that were published."""
    is_changed = inputs.kept_layers_fraction < 1 or inputs.attention_change != "none"
    is_priced = inputs.api_model is not None or inputs.api_usd_per_mtok_input is not None
    return (
        f"nobody sells {inputs.model} as it is changed here" if is_changed and not is_priced else ""
    )


def _sold(obstacle: str, make: Make) -> Way:
    if obstacle:
        raise MissingFact(obstacle)
    return make()


def _billed(shared: Shared, bill: ApiBill | None, reason: str) -> Way:
    if bill is None:
        raise MissingFact(reason)
    return Bill(shared, bill).way()


def _option(
    case: Case, name: str, make: Make, compliance: Compliance, shared: Shared
) -> tuple[Option, Way | None]:
    allowed = case.inputs.allowed_options
    is_allowed = allowed is None or name in allowed
    label = LABELS[name]
    if name in compliance.blocked:  # removed before anything is priced
        return Option(name, label, False, compliance.blocked[name], False, is_blocked=True), None
    try:
        if obstacle := case.obstacle if name in SELF_RUN else case.unknown_volume:
            raise MissingFact(obstacle)
        way = with_conditions(make(), shared, compliance.usd_of(name))
        month = way.month(case.first)
    except MissingFact as reason:
        return Option(name, label, False, str(reason), is_allowed), None
    shortfall = case.shortfall if name in SELF_RUN else ""
    return (
        Option(
            name=name,
            label=label,
            feasible=True,
            reason=shortfall if is_allowed else "not among allowed_options",
            is_allowed=is_allowed,
            shortfall=shortfall,
            price=way.price,
            accelerators=way.accelerators(case.first),
            paid_hours_per_week=way.paid_hours_per_week,
            commitment_months=way.commitment_months,
            posts=way.posts,
            room_usd=way.room(case.first) if way.room else NOTHING,
            month=month,
            tokens_per_month=case.tokens_per_month,
            output_tokens_per_month=case.output_tokens_per_month,
            _years=lambda: _years(case, way),
            _discount_rate=quantity(case.inputs, "discount_rate"),
        ),
        way,
    )


def _years(case: Case, way: Way) -> list[cash.Year]:
    drift = way.drift
    if drift is None:
        drift = case.book.either("accelerator_price_drift", "rental", "price_drift_per_year")
    return cash.years(way, case, drift)

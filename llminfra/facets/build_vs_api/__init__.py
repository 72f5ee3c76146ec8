"""Run the model oneself or pay by the token: which, from which volume, how sure."""

import math
from collections.abc import Iterator

from llminfra.catalog.facts import Facts
from llminfra.facets.base import Problem
from llminfra.facets.build_vs_api.answers import BEYOND_CAPACITY, NEVER
from llminfra.facets.build_vs_api.comparison import Comparison
from llminfra.facets.build_vs_api.flips import Flip
from llminfra.facets.build_vs_api.inputs import Inputs, check
from llminfra.facets.build_vs_api.lines import Api, Own
from llminfra.facets.build_vs_api.result import BuildVsApi
from llminfra.facets.build_vs_api.units import Provisioned
from llminfra.facets.capacity import Capacity
from llminfra.facets.cost import SELF_RUN, Cost, Option
from llminfra.facets.cost.api import price_drift
from llminfra.facets.demand import Demand

__all__ = [
    "BuildVsApi",
    "Comparison",
    "Flip",
    "Inputs",
    "Provisioned",
    "check",
    "evaluate",
    "problems",
]


def evaluate(
    inputs: Inputs, facts: Facts, *, demand: Demand, capacity: Capacity, cost: Cost
) -> BuildVsApi:
    """Compare the option that runs the model oneself with both kinds of API."""
    option_of_own, why = _own(cost)
    # One for both, so that its steps are computed once.
    own = Own(inputs, demand, capacity, cost, option_of_own) if option_of_own else None
    sides: dict[str, Comparison | None] = {"api_same_model": None, "api_frontier": None}
    reasons = [why] if why else []
    for name, bill in (
        ("api_same_model", cost.api.same_model),
        ("api_frontier", cost.api.frontier),
    ):
        option = cost[name]
        if bill is None or not option.is_possible:
            reasons.append(f"{option.label}: {option.reason}")
        elif own is not None:
            sides[name] = Comparison(
                inputs,
                own,
                Api(inputs, option, bill, demand.tokens_per_request, name == "api_same_model"),
                price_drift(inputs, facts),
            )
    return BuildVsApi(
        same_model=sides["api_same_model"],
        frontier=sides["api_frontier"],
        reason="" if any(sides.values()) else "; ".join(reasons),
        cost=cost,
        _inputs=inputs,
        _facts=facts,
    )


def _own(cost: Cost) -> tuple[Option | None, str]:
    """The option that is followed where it runs the model oneself, else the cheapest that does."""
    followed = cost.get(cost.hosting)
    run = [o for o in cost.options if o.name in SELF_RUN and o.feasible and o.is_allowed]
    if followed in run:
        return followed, ""
    if run:  # a break-even is bounded by what they carry, which may be less than is asked
        return min(run, key=lambda o: o.usd_per_month.base), ""
    reasons = dict.fromkeys(o.reason for o in cost.options if o.name in SELF_RUN and o.reason)
    return None, f"nobody can run it oneself: {'; '.join(reasons)}"


def problems(inputs: Inputs, facts: Facts, result: BuildVsApi) -> list[Problem]:
    """Return why nothing can be compared, and what a break-even would take where there is none."""
    return list(_found(inputs, result))


def _found(inputs: Inputs, result: BuildVsApi) -> Iterator[Problem]:
    main = result.main
    if main is None:
        is_open = any(option.is_allowed for option in result.cost.options)  # else the gates say so
        if is_open and not result.cost.possible and not result.cost.obstacle:
            is_gated = any(option.is_blocked for option in result.cost.options)
            code = "E-GATE" if is_gated or inputs.allowed_options is not None else "E-DATA"
            yield Problem(code, f"no option is left: {result.reason}")
        return
    if result.outcome not in (NEVER, BEYOND_CAPACITY):
        return
    # In the currency of the report, as all its amounts.
    rate, money = result.cost.usd_per_currency.base, inputs.currency
    price, full = (
        usd.base / rate for usd in (main.break_even_usd_per_mtok, main.full_usd_per_mtok)
    )
    reach = "at any volume" if result.outcome == NEVER else "within what the machines can carry"
    fixes = {
        price: f"at today's volume an API at {price:,.2f} {money} per million tokens costs as much",
        full: f"full machines beat an API of {full:,.2f} {money} per million tokens and more",
    }
    fixes = {amount: words for amount, words in fixes.items() if math.isfinite(amount)}
    yield Problem("E-BE", f"own machines do not break even {reach}", tuple(fixes.values()))

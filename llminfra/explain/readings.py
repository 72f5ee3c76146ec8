"""What a load means the other way round: requests at the same moment, people, requests a day."""

from dataclasses import dataclass
from typing import Final

from llminfra.facets.base import SIZING_CONFIDENCE
from llminfra.formulas.availability import replicas_needed
from llminfra.plan import Plan
from llminfra.ranges import Range, exact
from llminfra.scenario import Scenario
from llminfra.units import SECONDS_PER_HOUR

PEOPLE: Final = ("in_flight", "active_users", "named_users")
_VIEWS: Final = (*PEOPLE, "requests_per_s")
# Fields that go with a view and with no other.
_BELONG: Final = {
    "active_users": ("think_time_s",),
    "named_users": ("requests_per_user_day", "work_hours", "peak_factor"),
}
_ASSUMED: Final = tuple(name for names in _BELONG.values() for name in names)


@dataclass(frozen=True)
class Load:
    """One demand in its four views; people by the fields of the scenario, or their defaults."""

    stated: str
    number: float
    in_flight: float
    requests_per_s: float
    active_users: float
    named_users: float
    think_time_s: float
    requests_per_user_day: float
    work_hours: float
    peak_factor: float


def load_of(plan: Plan) -> Load:
    """Return the plan's load in all views.

    Notes
    -----
    People in conversation are those who, with the pause between their requests, have as many of
    them at work: by Little's law the requests at work and the pauses together, times the rate.

    Examples
    --------
    >>> from llminfra import Scenario, evaluate
    >>> load = load_of(evaluate(Scenario(tensor_parallel=8, in_flight=100)))
    >>> round(load.active_users), load.stated
    (352, 'in_flight')
    """
    scenario, fleet = plan.scenario, plan.capacity
    stated = plan.demand.view
    base = {name: _base(scenario, name) for name in _ASSUMED}
    rate, at_once = float(fleet.requests_per_s.base), float(fleet.in_flight.base)
    people = rate * base["work_hours"] * SECONDS_PER_HOUR / base["peak_factor"]
    found = {
        "in_flight": at_once,
        "requests_per_s": rate,
        "active_users": at_once + rate * base["think_time_s"],
        "named_users": people / base["requests_per_user_day"],
    }
    number = _base(scenario, stated) if stated == "named_users" else float(plan.demand.stated.base)
    return Load(stated, number, **(found | {stated: number}), **base)


def _base(scenario: Scenario, name: str) -> float:
    value = getattr(scenario, name)
    return float(getattr(value, "base", value))


def readings(plan: Plan) -> dict[str, Plan]:
    """Return plans for the same number read as requests at once, people talking, people employed.

    Returns
    -------
    readings : dict
        View to plan; empty where the demand is a rate.
    """
    load, fields = load_of(plan), type(plan.scenario).model_fields
    found = {}
    for view in PEOPLE if load.stated in PEOPLE else ():
        asked = {name: load.number if name == view else None for name in _VIEWS}
        others = (name for v, names in _BELONG.items() if v != view for name in names)
        defaults = {name: fields[name].default for name in others}
        found[view] = plan if view == load.stated else plan.variant(**asked, **defaults)
    return found


def most_carried(plan: Plan) -> float:
    """Return the largest demand, in the unit it is stated in, that the plan's replicas carry.

    Notes
    -----
    Found by bisection to a part in a hundred; zero where they carry none, and where they are
    more than the stated demand takes their spares are left out.
    """
    fleet, stated = plan.capacity, float(plan.demand.stated.base)
    most = fleet.replicas - fleet.spares
    low, high = 0.0, max(stated, 1.0)
    while _carries(plan, high, most) and high < _ENDLESS:
        low, high = high, 2 * high
    while high - low > low / 100 and high > _TINY:
        middle = (low + high) / 2
        low, high = (middle, high) if _carries(plan, middle, most) else (low, middle)
    return low * load_of(plan).number / stated if stated else low  # people, not their requests


_ENDLESS: Final = 1e9
_TINY: Final = 1e-3


def _carries(plan: Plan, demand: float, replicas: int) -> bool:
    needed = plan.capacity.replicas_at([demand])[0]
    return needed is not None and needed <= replicas


def sizing(plan: Plan) -> Range:
    """Return the replicas that the load takes, from what one carries in eight of ten cases.

    Notes
    -----
    Replicas are sized over all draws; here what one of them carries is the number with which the
    base load gives the same replicas, so that the rule can be checked with three numbers.

    Examples
    --------
    >>> from llminfra import Scenario, evaluate
    >>> float(sizing(evaluate(Scenario(tensor_parallel=8, in_flight=100))))
    2.0
    """
    fleet, stated = plan.capacity, plan.demand.stated
    inputs = fleet.replicas_for(stated).inputs
    wanted = stated * (1 + inputs["headroom_fraction"])
    ratio = (wanted / inputs["carried_requests"]).at_confidence(1 - SIZING_CONFIDENCE)
    carried = wanted.base / ratio if ratio else inputs["carried_requests"].base  # no load
    found: Range = replicas_needed(
        demanded_requests=exact(stated.base, name="demanded_requests", origin=stated.origin),
        carried_requests=Range(carried, name="carried_requests", inputs=inputs),
        headroom_fraction=exact(inputs["headroom_fraction"].base, name="headroom_fraction"),
    )
    return found

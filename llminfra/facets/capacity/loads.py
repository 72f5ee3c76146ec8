"""Replicas that a load needs and requests on each of them, for many layouts at once."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from llminfra.facets.base import base_value
from llminfra.facets.capacity.demand import view
from llminfra.facets.capacity.service import TARGETS
from llminfra.formulas import availability, load_curve, population

Array = NDArray[Any]
# States of a population that are worth the time; in larger ones chance hardly moves the mean.
_MOST_STATES: Final = 3_000_000


def replicas_needed(
    scenario: Any,
    demand: float,
    places: Array,
    points: Array,
    times: Mapping[str, Array],
    headroom: Array,
) -> Array:
    """Return the replicas that the capacity facet finds for the base case of many layouts.

    Parameters
    ----------
    scenario : Scenario
        The demand, whose base case `demand` is in the unit in which it is stated, and the targets.
    places : ndarray
        Requests that a replica of each layout answers at once; 0 where it does not fit. [request]
    points, times : ndarray, mapping of ndarray
        Requests in flight on a replica, and ttft_s, tpot_s and e2e_s there. [request, s]
    headroom : ndarray
        Growth to be ready for, for each layout. [1]

    Returns
    -------
    replicas_needed : ndarray
        Infinite where no number does. As the plan is sized for unfavourable draws, it needs as
        many or more. [replica]
    """
    targets = {f"{name}_s": t for name in TARGETS if (t := getattr(scenario, f"{name}_target_s"))}
    limits = [
        load_curve.requests_within_target(
            allowed_s=target, curve_requests=points, curve_s=times[name]
        )
        for name, target in targets.items()
    ]
    curve = {"curve_requests": points, "curve_request_s": times["e2e_s"]}
    carried = load_curve.rate_at_utilization(
        in_flight=np.minimum.reduce([places, *limits]),
        utilization_fraction=scenario.target_utilization,
        **curve,
    )
    stated = view(scenario)
    if stated not in ("requests_per_s", "named_users"):
        pause_s = base_value(scenario.think_time_s) if stated == "active_users" else 0.0
        held = load_curve.in_flight_of_rate_on_curve(requests_per_s=carried, **curve)
        carried = held + pause_s * carried
    needed: Array = availability.replicas_needed(
        demanded_requests=demand,
        carried_requests=np.nan_to_num(carried)[:, 0],
        headroom_fraction=headroom,
    )
    return needed


def loads(
    scenario: Any,
    demand: float,
    places: Array,
    points: Array,
    request_s: Array,
    replicas: Array,
) -> Array:
    """Return what the capacity facet finds for one layout, for many.

    Parameters
    ----------
    scenario : Scenario
        The demand, whose base case `demand` is in the unit in which it is stated.
    places : ndarray
        Requests that a replica of each layout answers at once; 0 where it does not fit. [request]
    points, request_s : ndarray
        Time of a request over requests in flight on a replica: curve, layouts, 1. [request, s]
    replicas : ndarray
        Numbers of replicas, layouts by numbers. [replica]

    Returns
    -------
    loads : ndarray
        Layouts by numbers of replicas. [request]
    """
    stated = view(scenario)
    curve = {"curve_requests": points, "curve_request_s": request_s}
    shape = replicas.shape
    if stated == "in_flight":
        return np.broadcast_to(demand / replicas, shape)
    if stated != "active_users":
        rate = np.broadcast_to(demand / replicas, shape)
        found: Array = load_curve.in_flight_of_rate_on_curve(requests_per_s=rate, **curve)
        return found
    pause = base_value(scenario.think_time_s)
    if demand * replicas.size <= _MOST_STATES:
        curve["curve_requests"] = points * replicas
        users = np.broadcast_to(demand, shape)
        whole: Array = population.in_flight_of_population(
            active_users=users, think_time_s=pause, **curve
        )
        has_place = np.minimum(places, 1.0)  # else nobody is ever answered and all wait
        return (whole * has_place + demand * (1 - has_place)) / replicas
    each: Array = load_curve.in_flight_of_users_on_curve(
        active_users=np.broadcast_to(demand / replicas, shape), think_time_s=pause, **curve
    )
    return each

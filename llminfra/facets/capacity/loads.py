"""Requests in flight on a replica, for many layouts and numbers of replicas at once."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from llminfra.facets.base import base_value
from llminfra.facets.capacity.demand import view
from llminfra.formulas import load_curve, population

Array = NDArray[Any]
# States of a population that are worth the time; in larger ones chance hardly moves the mean.
_MOST_STATES: Final = 3_000_000


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
        Numbers of replicas. [replica]

    Returns
    -------
    loads : ndarray
        Layouts by numbers of replicas. [request]
    """
    stated = view(scenario)
    curve = {"curve_requests": points, "curve_request_s": request_s}
    shape = (points.shape[1], replicas.size)
    if stated == "in_flight":
        return np.broadcast_to(demand / replicas, shape)
    if stated != "active_users":
        rate = np.broadcast_to(demand / replicas, shape)
        found: Array = load_curve.in_flight_of_rate_on_curve(requests_per_s=rate, **curve)
        return found
    pause = base_value(scenario.think_time_s)
    if demand * points.shape[1] * replicas.size <= _MOST_STATES:
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

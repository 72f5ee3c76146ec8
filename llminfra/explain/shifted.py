"""A load whose peaks are lower because part of the requests can wait."""

from typing import Any, Final

import numpy as np

from llminfra.facets.base import base_value
from llminfra.facets.demand import DEFAULT_IN_FLIGHT
from llminfra.plan import Plan

_ROUNDING: Final = 1e-9
_HALVINGS: Final = 60


def shifted(plan: Plan, waiting: float) -> dict[str, Any]:
    """Return the fields of a load of which a share waits for quiet hours; empty without peaks.

    A seller's batch lane takes the same share at its own price.

    Parameters
    ----------
    plan : Plan
        The service as it is.
    waiting : float
        Share of the requests that can wait. [1]

    Examples
    --------
    >>> from llminfra import Scenario, evaluate
    >>> shifted(evaluate(Scenario(tensor_parallel=8, named_users=500.0)), 0.3)
    {'peak_factor': 2.1}
    """
    scenario, demand = plan.resolved, plan.demand
    fields: dict[str, Any] = {}
    if str(scenario.hosting).startswith("api_"):
        fields["batch_fraction"] = waiting
    if demand.view == "named_users":
        peak = base_value(scenario.peak_factor)
        then = round(max((1 - waiting) * peak, 1.0), 6)
        return fields | ({"peak_factor": then} if then < peak else {})
    if demand.week is None:
        return fields
    week = np.array(demand.week)
    kept = (1 - waiting) * week
    level = _level(kept, waiting * float(week.sum()), week > 0)
    moved = np.where(week > 0, np.maximum(kept, level), 0.0)
    most = float(moved.max())
    if most >= 1 - _ROUNDING:
        return fields
    given = getattr(scenario, demand.view)
    stated = DEFAULT_IN_FLIGHT if given is None else base_value(given)
    profile = [round(float(share), 9) for share in moved / most]
    return fields | {demand.view: stated * most, "load_profile": profile}


def _level(kept: Any, waiting: float, is_on: Any) -> float:
    """The level up to which hours with a load are filled, as water fills a basin."""
    low, high = 0.0, float(kept.max()) + waiting
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        filled = float(np.where(is_on, np.maximum(middle - kept, 0.0), 0.0).sum())
        low, high = (middle, high) if filled < waiting else (low, middle)
    return high

"""A service with levers pulled: its plan, a smaller model beside it, and what is paid once."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from llminfra.errors import InvalidInput, MissingFact
from llminfra.explain.inputs import result_of
from llminfra.explain.lever_list import Lever
from llminfra.facets.base import base_value
from llminfra.facets.demand import DEFAULT_IN_FLIGHT
from llminfra.plan import Plan
from llminfra.ranges import Range, as_range

AIMS: Final[Mapping[str, str]] = {
    "cost": "cost.usd_per_month",
    "energy": "energy.kwh_per_month",
    "latency": "serving.e2e_s",
}
# What a request has: of two models the mean over the requests, not the sum.
_EACH: Final = (AIMS["latency"], "memory.kv_cache_bytes_per_request")
_MONTHS: Final = 12
_WH_PER_KWH: Final = 1e3
# Fields that belong to the large model alone.
_OWN_ALONE: Final = {"draft_tokens": 0, "draft_model": None, "kept_layers_fraction": 1.0,
                     "attention_change": "none"}  # fmt: skip


@dataclass(frozen=True)
class Service:
    """A plan, and a plan beside it that takes a share of the requests.

    Attributes
    ----------
    beside : Plan or None
        The smaller model, at its share of the load.
    share : float
        That share. [1]
    monthly : mapping
        What comes on top in a month, by the path of a result.
    """

    plan: Plan
    beside: Plan | None = None
    share: float = 0.0
    monthly: Mapping[str, float] = field(default_factory=dict)

    @property
    def plans(self) -> Iterator[Plan]:
        """Both plans."""
        yield self.plan
        if self.beside is not None:
            yield self.beside

    @property
    def idle_fraction(self) -> float:
        """Share of the accelerators that the peak leaves idle, as copies of a model come whole."""
        try:
            each = [(p.capacity, p.deployment.accelerators_per_replica) for p in self.plans]
        except MissingFact:
            return math.nan
        needed = sum((fleet.replicas_needed or math.nan) * n for fleet, n in each)
        return 1 - sum(fleet.replicas_filled * n for fleet, n in each) / needed

    def total(self, path: str) -> Range:
        """Return a result of both: sums, but the mean over the requests of what each has."""
        found = result_of(self.plan, path)
        if self.beside is None and path not in self.monthly:
            return found  # as it came about, with its formula
        if self.beside is not None:
            other = result_of(self.beside, path)
            is_mean = path in _EACH
            found = found * (1 - self.share) + other * self.share if is_mean else found + other
        return as_range(found + self.monthly.get(path, 0.0), name=path.rpartition(".")[2])

    def amount(self, path: str) -> float:
        """Return the base case of a total; not a number where it has none."""
        try:
            return self.total(path).base
        except (InvalidInput, MissingFact):
            return math.nan


def amount_of(plan: Plan, path: str) -> float:
    """Return the base case of a result; not a number where the plan has none."""
    try:
        return result_of(plan, path).base
    except (InvalidInput, MissingFact):
        return math.nan


def service_of(plan: Plan, pulled: Sequence[Lever], layout: Mapping[str, Any]) -> Service:
    """Return the service with these levers, in a layout."""
    fields = {name: value for lever in pulled for name, value in lever.fields.items()}
    split = next((lever.split for lever in pulled if lever.split), None)
    tokens = max((lever.distilled_tokens for lever in pulled), default=0.0)
    if split is None:
        changed = plan.variant(**{**layout, **fields})
        return Service(changed, monthly=_learnt(plan, fields, tokens) if tokens else {})
    large = plan.variant(**{**layout, **fields, **_loaded(plan, fields, 1 - split.share)})
    other = {**layout, **fields, **_loaded(plan, fields, split.share), **_OWN_ALONE}
    small = plan.variant(**other, model=split.model)
    return Service(large, small, split.share, {AIMS["cost"]: _routed(plan)})


def _loaded(plan: Plan, fields: Mapping[str, Any], share: float) -> dict[str, Any]:
    """The field that states the demand, at a share of it."""
    view = plan.demand.view
    given = fields.get(view, getattr(plan.resolved, view))
    return {view: share * (DEFAULT_IN_FLIGHT if given is None else base_value(given))}


def _routed(plan: Plan) -> float:
    """What deciding on every request costs, in USD a month."""
    each = base_value(plan.resolved.router_usd_per_request)
    try:
        return float(each * plan.cost.requests_per_month.base)
    except MissingFact:
        return math.nan


def _learnt(plan: Plan, fields: Mapping[str, Any], tokens: float) -> dict[str, float]:
    """What learning from the large model takes, spread over the months that count."""
    months = _MONTHS * float(plan.resolved.horizon_years)
    run = plan.variant(
        **fields,
        tensor_parallel=1,
        training_method="distil",
        training_teacher=str(plan.resolved.model),
        training_tokens=tokens,
    )
    taken = {AIMS["cost"]: "training.run_usd", AIMS["energy"]: "training.training_wh"}
    found = {path: amount_of(run, read) / months for path, read in taken.items()}
    return found | {AIMS["energy"]: found[AIMS["energy"]] / _WH_PER_KWH}

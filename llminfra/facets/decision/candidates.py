"""Which options are left after gates, feasibility and quality, and why the others are not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from llminfra.facets.compliance import Compliance
from llminfra.facets.cost import SELF_RUN, Cost
from llminfra.facets.decision.inputs import Inputs

API, MANAGED, RENTED, OWNED = "api", "managed", "rented", "owned"
HYBRID, WAIT, NONE_OPEN = "hybrid", "wait", "none open"
ANSWERS: Final = (API, MANAGED, RENTED, OWNED, HYBRID, WAIT, NONE_OPEN)
_GROUPS: Final = {
    **{"owned": OWNED, "colocated": OWNED},
    **{"dedicated_endpoint": MANAGED, "provisioned": MANAGED},
    **{"api_same_model": API, "api_frontier": API},
}


@dataclass(frozen=True, slots=True)
class Sieve:
    """One step of the order: what it asks, what it leaves, and what it removes and why."""

    name: str
    question: str
    left: tuple[str, ...]
    removed: Mapping[str, str] = field(default_factory=dict)


def group_of(option: str) -> str:
    """Return the answer that an option stands for.

    Examples
    --------
    >>> [group_of(name) for name in ("colocated", "spot", "dedicated_endpoint", "api_frontier")]
    ['owned', 'rented', 'managed', 'api']
    """
    return _GROUPS.get(option, RENTED)


def stages(inputs: Inputs, compliance: Compliance, cost: Cost) -> tuple[Sieve, ...]:
    """Return gates, feasibility and quality, in this order."""
    closed = {o.name: o.reason for o in cost.options if not o.is_allowed}
    closed |= compliance.blocked
    names = [option.name for option in cost.options]
    gates = _stage("Gates", "Is it open to these data, this sector and this house?", names, closed)
    missing = {o.name: o.reason for o in cost.options if not o.feasible or o.shortfall}
    feasible = _stage("Feasibility", "Can it be had, and does it carry the load?", gates, missing)
    quality = _stage("Quality", "Is it good enough?", feasible, _below_floor(inputs, feasible.left))
    return gates, feasible, quality


def _stage(
    name: str, question: str, before: "Sieve | Sequence[str]", reasons: Mapping[str, str]
) -> Sieve:
    names = before.left if isinstance(before, Sieve) else before
    removed = {option: reasons[option] for option in names if option in reasons}
    return Sieve(name, question, tuple(o for o in names if o not in removed), removed)


def _below_floor(inputs: Inputs, names: Sequence[str]) -> dict[str, str]:
    floor = inputs.quality_floor
    if floor is None:
        return {}
    found = {}
    for name in names:
        share = inputs.quality_self if name in SELF_RUN else inputs.quality_api
        if share is not None and share < floor:
            found[name] = f"{share:.0%} of its answers are accepted, below the floor of {floor:.0%}"
    return found

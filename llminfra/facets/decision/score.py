"""What is not in money: time, skills, place, control; each from 0 to 1 over the options left."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from llminfra.catalog.rules import GateOption
from llminfra.facets.compliance import Compliance
from llminfra.facets.decision.inputs import CRITERIA, Inputs

_PLACES: Final = ("none", "region by contract", "own choice")
_KEYS: Final = ("seller", "shared", "own")
_LOGS: Final = ("gateway alone", "gateway and cloud", "own")


@dataclass(frozen=True, slots=True)
class Score:
    """Points of an option by criterion, each from 0 to 1, and the weighted sum."""

    option: str
    points: Mapping[str, float]
    total: float


def weights_of(inputs: Inputs) -> dict[str, float]:
    """Return the weight of each criterion: as given, else equal."""
    given = inputs.score_weights
    if not given:
        return dict.fromkeys(CRITERIA, 1 / len(CRITERIA))
    return {name: float(given.get(name, 0.0)) for name in CRITERIA}


def scores(inputs: Inputs, compliance: Compliance, posts: Mapping[str, float]) -> tuple[Score, ...]:
    """Return the score of each option, the best first; equal ones in the order given.

    Parameters
    ----------
    posts : mapping
        Posts that the month of each option counts.
    """
    kinds = {name: compliance.kind_of(name) for name in posts}
    weights = weights_of(inputs)
    skills = {name: _least_is_best(number, list(posts.values())) for name, number in posts.items()}
    points = {
        name: {**_points(kind, list(kinds.values())), "skills": skills[name]}
        for name, kind in kinds.items()
    }
    found = [
        Score(name, given, sum(weights[c] * given[c] for c in CRITERIA))
        for name, given in points.items()
    ]
    return tuple(sorted(found, key=lambda score: -score.total))


def _points(kind: GateOption, others: Sequence[GateOption]) -> dict[str, float]:
    weeks = [_middle(other.lead_weeks) for other in others]
    return {
        "time": _least_is_best(_middle(kind.lead_weeks), weeks),
        "place": (_rank(kind.location_control, _PLACES) + _rank(kind.key_control, _KEYS)) / 2,
        "control": _rank(kind.log_control, _LOGS),
    }


def _middle(ends: tuple[float, float] | None) -> float:
    assert ends is not None, "every option of a plan has a lead time"
    return sum(ends) / len(ends)


def _least_is_best(value: float, others: Sequence[float]) -> float:
    least, most = min(others), max(others)
    return 1.0 if most == least else (most - value) / (most - least)


def _rank(word: str, order: Sequence[str]) -> float:
    return order.index(word) / (len(order) - 1)


def leaders(found: Sequence[Score]) -> dict[str, str]:
    """Return who leads when one criterion alone counts: the sensitivity of the ranking."""
    if not found:
        return {}
    return {name: max(found, key=lambda score: score.points[name]).option for name in CRITERIA}

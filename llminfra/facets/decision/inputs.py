"""Fields of the decision: floor of quality, how sure, what counts beside money."""

import math
from typing import Any, Final

from llminfra.errors import InvalidInput, shown, unknown
from llminfra.facets import build_vs_api
from llminfra.facets.base import amount, field, is_number, share

# What counts beside money; each kind of operation has a rank in each of them.
CRITERIA: Final = ("time", "skills", "place", "control")
_ROUNDING: Final = 1e-6


class Inputs(build_vs_api.Inputs):
    """Fields of the decision, beside those of the comparison."""

    quality_floor: float | None = share(
        None, "least share of accepted answers; an option below it is removed; none is no floor"
    )
    review_months: int = amount(
        12, "months after which the decision is looked at again", "month", within=(1, 120)
    )
    score_weights: dict[str, Any] = field(
        {},
        help=f"weights of what is not in money, which sum to 1: {', '.join(CRITERIA)}; none is "
        "equal ones",
    )


def check(inputs: Inputs) -> None:
    """Raise InvalidInput for weights that are none, and for a floor without qualities."""
    weights = inputs.score_weights
    for name, weight in weights.items():
        if name not in CRITERIA:
            raise unknown("score_weights", name, CRITERIA)
        if not (is_number(weight) and 0 <= weight <= 1):
            raise InvalidInput(
                f"score_weights.{name} must be a number from 0 to 1, got {shown(weight)}; "
                "give a share",
                field="score_weights",
            )
    if weights and not math.isclose(sum(weights.values()), 1, abs_tol=_ROUNDING):
        raise InvalidInput(
            f"score_weights must sum to 1, got {sum(weights.values()):g}; divide each by that",
            field="score_weights",
        )
    if inputs.quality_floor is not None and inputs.quality_self is None:
        raise InvalidInput(
            "quality_floor must go with quality_self and quality_api, got it alone; give both",
            field="quality_floor",
        )

"""Fields of the comparison: quality, mixtures, leaving."""

from typing import Any

from llminfra.errors import InvalidInput
from llminfra.facets import cost
from llminfra.facets.base import Banded, amount, field, share


def _usd(default: float, words: str, most: float) -> Any:
    return amount(default, words, "USD", within=(0, most))


class Inputs(cost.Inputs):
    """Fields of build versus API."""

    quality_self: float | None = share(
        None, "share of answers that are accepted from the own model; none is not assessed"
    )
    quality_api: float | None = share(
        None, "share of answers that are accepted from the API; none is not assessed"
    )
    failure_usd: Banded = _usd(0.0, "damage of an answer that is not accepted", 10_000)
    inside_fraction: Banded = share(0.2, "share of requests that must stay inside, in a split")
    easy_fraction: Banded = share(0.6, "share of requests that a router gives a small model")
    escalated_fraction: Banded = share(
        0.2, "share of answers that a cascade asks a large model again"
    )
    router_usd_per_request: Banded = _usd(0.0001, "cost of a router's decision", 1)
    tuning_usd: Banded = _usd(0.0, "cost of tuning a small model; 0 leaves it out", 1e9)
    exit_work_days: Banded = amount(
        30.0, "days of work to change to another model", "day", within=(0, 2000)
    )
    exit_usd_per_day: Banded = _usd(800.0, "cost of such a day", 3000)
    exit_migration_usd: Banded = _usd(0.0, "cost of moving data when leaving", 1e9)
    exit_after_months: int | None = amount(
        None, "months after which one leaves early; none is the horizon", "month", within=(0, 240)
    )
    termination_fraction: Banded = share(
        1.0, "share of a commitment's rest that ending it early costs"
    )
    exit_in_npv: bool = field(False, help="count the cost of leaving in the NPV difference")


def check(inputs: Inputs) -> None:
    """Raise InvalidInput where one quality is given without the other."""
    one, other = inputs.quality_self, inputs.quality_api
    if (one is None) != (other is None):
        missing = "quality_self" if one is None else "quality_api"
        raise InvalidInput(
            f"{missing} must be given with the other quality, got none; give both, or neither for "
            "not assessed",
            field=missing,
        )

"""What it costs to meet the conditions of the gates, as far as the scenario says it."""

from dataclasses import replace

from llminfra.facets.base import FIELD_ORIGIN
from llminfra.facets.cost.case import Load
from llminfra.facets.cost.month import Month
from llminfra.facets.cost.shared import Shared
from llminfra.facets.cost.way import NOTHING, Way, once_a_load
from llminfra.formulas import cash
from llminfra.ranges import as_range, exact

_SETUP = "setup"


def with_conditions(way: Way, shared: Shared, usd: float) -> Way:
    """Return an option with a sum that is paid once, as part of its setup; itself without one."""
    if not usd:
        return way
    paid = exact(usd, name="usd", unit="USD", origin=f"{FIELD_ORIGIN}condition_usd")
    spread = shared.annuity(paid, NOTHING, float(shared.inputs.horizon_years))

    def month(load: Load) -> Month:
        found = way.month(load)
        bought, had = found.purchase.get(_SETUP, NOTHING), found.spread.get(_SETUP, NOTHING)
        return Month(
            found.due,
            {**found.purchase, _SETUP: as_range(cash.both_usd(one_usd=bought, other_usd=paid))},
            {**found.spread, _SETUP: as_range(cash.both_usd(one_usd=had, other_usd=spread))},
        )

    return replace(way, month=once_a_load(month))

"""What it costs to leave either side before its time."""

from dataclasses import dataclass
from typing import Final

from llminfra.catalog.facts import Facts
from llminfra.facets.base import base_value, quantity
from llminfra.facets.build_vs_api.inputs import Inputs
from llminfra.facets.cost.option import BOUGHT, Option
from llminfra.formulas import answers as formulas
from llminfra.formulas import cost as cost_formulas
from llminfra.ranges import Range, as_range, exact

_MONTHS: Final = 12
_NOTHING: Final = exact(0.0)


@dataclass(frozen=True)
class Exit:
    """Leaving one option after some months.

    Attributes
    ----------
    option, label : str
        Which.
    usd : Range
        What it costs; below zero where resale brings more than the books hold. [USD]
    remaining_months : float
        Rest of a commitment then.
    """

    option: str
    label: str
    usd: Range
    remaining_months: float


def leave(inputs: Inputs, option: Option) -> Exit:
    """Return what leaving an option costs at the month that the scenario states."""
    horizon = _MONTHS * float(base_value(inputs.horizon_years))
    after = horizon if inputs.exit_after_months is None else float(inputs.exit_after_months)
    rest = max(option.commitment_months - after, 0.0)
    book, resale = _values(option, after, horizon)
    usd = formulas.exit_usd(
        work_days=quantity(inputs, "exit_work_days"),
        usd_per_day=quantity(inputs, "exit_usd_per_day"),
        migration_usd=quantity(inputs, "exit_migration_usd"),
        remaining_usd_per_month=option.running_usd_per_month if rest else _NOTHING,
        remaining_months=exact(rest, unit="month"),
        termination_fraction=quantity(inputs, "termination_fraction"),
        book_usd=book,
        resale_usd=resale,
    )
    return Exit(option.name, option.label, usd, rest)


def _values(option: Option, after: float, horizon: float) -> tuple[Range, Range]:
    """Straight-line book value and resale value of what was bought."""
    if option.name not in BOUGHT or after >= horizon:
        return _NOTHING, _NOTHING
    paid = option.purchase_usd
    left = sum(
        (usd for year in option.years for part, usd in year.flows.items() if part == "residual"),
        _NOTHING,
    )
    share = as_range(left / paid, name="residual_fraction")
    book = as_range(paid - (paid - left) * (after / horizon), name="book_usd")
    resale = cost_formulas.residual_usd(
        investment_usd=paid,
        residual_fraction=share,
        reference_years=exact(horizon / _MONTHS, unit="year"),
        years=exact(after / _MONTHS, unit="year"),
    )
    return book, resale


def no_switching_charges_from(facts: Facts) -> str:
    """Return the day from which nobody in the EU may charge for leaving."""
    return facts.text("eu-data-act", "no_switching_charges_from")

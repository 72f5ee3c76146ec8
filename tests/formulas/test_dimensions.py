"""Dimensions: scaling the units of the inputs scales the result as its unit says.

Units are read from the docstrings. Things that are counted (tokens, requests, accelerators) have
no dimension. Bit and byte, hour and second are one dimension each, because the formulas hold their
conversion. Scales are powers of two, so that rounding inside a formula sees the same ratios.
"""

import inspect
from math import isfinite, prod
from typing import Final

import pytest

from llminfra.units import unit_of
from tests.formulas.every import SENSIBLE, Formula, formulas, units

TIME, DATA, WORK, POWER, MONEY, MASS, VOLUME = (2.0 ** (3 * i + 4) for i in range(7))
SCALES: Final = {
    **dict.fromkeys(("s", "min", "h", "day", "week", "month", "year"), TIME),
    **dict.fromkeys(("byte", "bit", "GB"), DATA),
    **dict.fromkeys(("FLOP", "op"), WORK),
    **dict.fromkeys(("W", "kW"), POWER),
    **dict.fromkeys(("J", "Wh", "kWh", "MWh"), POWER * TIME),
    **dict.fromkeys(("USD", "EUR"), MONEY),
    **dict.fromkeys(("g", "kg", "t", "lb", "gCO2e", "kgCO2e"), MASS),
    "L": VOLUME,
}
COUNTED: Final = {
    *("1", "token", "sequence", "request", "value", "parameter", "logit", "user", "replica"),
    *("accelerator", "worker", "core", "Mtoken"),
}
# Shares, of which many formulas want less than one.
SHARES: Final = ("fraction", "probability", "utilization", "availability")
EVERY = [pytest.param(function, id=name) for name, function in formulas().items()]


def scale(unit: str) -> float:
    over, *under = (SCALES[u] if u not in COUNTED else 1.0 for u in unit.split("/"))
    return over / prod(under)


def plain(formula: Formula) -> dict[str, float]:
    """Different values for all arguments."""
    names = sorted(inspect.signature(formula).parameters, reverse=True)
    return {
        name: (0.3 + i / 50 if name.endswith(SHARES) else 3.7 + 1.3 * i)
        for i, name in enumerate(names)
    }


# Users work so many hours a day; sixteen bits of a vector are a product and a sum, and so is what
# a token asks of a parameter.
CONVERTED: Final = {
    "peak_requests_per_s": {"work_hours": "h/day"},
    "office_hours_per_week": {"work_hours": "h/day"},
    "cores_flop_per_s": {"vector_bits": "FLOP"},
    "training_flop": {"parameters": "FLOP"},
    "adapter_training_flop": {"parameters": "FLOP", "adapter_parameters": "FLOP"},
    "counted_adapter_flop": {"adapter_parameters": "FLOP"},
}
# Interest belongs to a year as it is: its powers have no unit.
COMPOUNDED: Final = (
    *("capital_recovery_factor", "capital_usd_per_month", "present_usd", "residual_usd"),
    "changed_ratio",
    *("discounted_month_factor", "payback_months", "eroding_bill_usd", "mean_price_ratio"),
)


@pytest.mark.parametrize("formula", EVERY)
def test_the_result_has_the_unit_that_its_inputs_give(formula: Formula) -> None:
    inputs, result = units(formula)
    if formula.__name__ in COMPOUNDED:
        return
    inputs |= CONVERTED.get(formula.__name__, {})
    given = plain(formula) | SENSIBLE.get(formula.__name__, {})
    scaled = {name: value * scale(inputs[name]) for name, value in given.items()}
    expected = formula(**given) * scale(result)
    assert expected != 0
    assert isfinite(expected)
    assert formula(**scaled) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("formula", EVERY)
def test_docstrings_state_the_units_that_names_promise(formula: Formula) -> None:
    inputs, result = units(formula)
    assert set(inputs) == set(inspect.signature(formula).parameters)
    assert {n: scale(unit_of(n)) for n in inputs} == {n: scale(u) for n, u in inputs.items()}
    promised = "" if "_at_" in formula.__name__ else unit_of(formula.__name__)
    assert scale(promised or result) == scale(result)

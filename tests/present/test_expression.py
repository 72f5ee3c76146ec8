"""Traced formulas as expressions of Vega."""

import numpy as np
import pytest

from llminfra.formulas import api_lines
from llminfra.present.expression import vega
from llminfra.present.live import expressions
from llminfra.trace import Symbol, trace
from tests.publish.sample_live import CURVES, SLIDERS, live_chart


def test_an_expression_names_what_the_formula_takes() -> None:
    found = vega(trace(api_lines.api_line_usd_per_month), {"mtok_per_month": "datum.x"})
    assert found == (
        "(fixed_usd_per_month+max(((datum.x*api_usd_per_mtok)*api_price_ratio),"
        "minimum_usd_per_month))"
    )


def test_numbers_stand_as_they_are() -> None:
    found = vega(np.where(Symbol("a") > 1e-9, 0.1 + 0.2, np.inf))
    assert found == "((a>1e-09)?0.30000000000000004:Infinity)"


def test_an_operation_that_a_page_has_not_is_refused() -> None:
    with pytest.raises(TypeError, match="Vega has no arctan2"):
        vega(np.arctan2(Symbol("a"), 1.0))


def test_every_curve_has_an_expression_of_all_its_sliders() -> None:
    own, api = expressions(CURVES, SLIDERS).values()
    assert {s.name for s in SLIDERS if s.name in own + api} == {s.name for s in SLIDERS}
    assert "datum.x" in own
    assert "datum.x" in api


def test_the_chart_is_valid_and_holds_its_numbers() -> None:
    chart = live_chart()
    for layout in (chart.wide, chart.narrow):
        spec = layout.to_dict(validate=True)
        assert [p["name"] for p in spec["params"]] == [s.name for s in SLIDERS]
    assert list(chart.data) == ["million tokens a month", "Own machines", "API"]

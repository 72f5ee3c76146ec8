"""Predicted against measured speed, on the rows that the catalogue ships.

The fit saw these rows; errors on groups that it did not see stand in serving_constants.csv.
"""

import numpy as np
import pandas as pd
import pytest

from llminfra.validation import serving_errors

# The engine's bands hold this share of what groups left out of the fit show.
COVERED = (0.7, 0.95)


@pytest.fixture(scope="module")
def errors() -> pd.DataFrame:
    return serving_errors()


@pytest.mark.parametrize(
    ("quantity", "has_experts", "median", "bias"),
    [
        ("tpot_s", False, 0.08, 0.05),
        ("tpot_s", True, 0.16, 0.08),
        ("ttft_s", False, 0.25, 0.15),
        ("ttft_s", True, 0.25, 0.15),
        ("max_output_tokens_per_s", False, 0.09, 0.06),
        ("max_output_tokens_per_s", True, 0.25, 0.10),
    ],
)
def test_median_error_and_bias(
    errors: pd.DataFrame, quantity: str, has_experts: bool, median: float, bias: float
) -> None:
    rows = errors[(errors["quantity"] == quantity) & (errors["has_experts"] == has_experts)]
    assert len(rows) > 30
    assert rows["error_fraction"].abs().median() <= median
    assert abs(rows["error_fraction"].median()) <= bias


def test_bands_hold_about_four_of_five(errors: pd.DataFrame) -> None:
    inside = errors["measured"].between(errors["low"], errors["high"])
    shares = inside.groupby(errors["quantity"]).mean()
    assert shares.between(*COVERED).all(), shares
    assert np.exp(np.log(errors["high"] / errors["low"]).median()) < 2.5


def test_every_row_has_a_source_and_a_prediction(errors: pd.DataFrame) -> None:
    assert errors[["measured", "low", "base", "high"]].gt(0).all().all()
    assert errors.groupby(["model", "accelerator", "engine", "precision"]).ngroups > 40

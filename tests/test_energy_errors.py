"""Energy and power against measurements: targets, coverage, and what simpler methods reach."""

import pandas as pd
import pytest

from llminfra import energy_coverage, energy_errors, energy_summary
from llminfra.catalog.facts import Facts

TASKS = {"lm-arena-chat", "gpqa", "sourcegraph-fim"}
BATCHES = [0, 15.99, 63.99, 255.99, 1e5]


@pytest.fixture(scope="module")
def errors() -> pd.DataFrame:
    return energy_errors()


@pytest.fixture(scope="module")
def summary() -> pd.DataFrame:
    return energy_summary().set_index(["part", "quantity"])


def test_energy_of_a_token_is_within_the_target(errors: pd.DataFrame) -> None:
    """Median at most 20 %, aim 14 %; of plans as users ask for them, and of architectures left out.

    The fit has seen the rows that plans are compared with.
    """
    assert len(errors) > 100
    assert set(errors["task"]) == TASKS
    assert errors["error_fraction"].abs().median() <= 0.14
    assert errors["left_out_error_fraction"].abs().median() <= 0.14
    assert abs(errors["left_out_error_fraction"].median()) <= 0.06


def test_the_range_holds_four_of_five_and_is_no_wider_than_2_2_fold(errors: pd.DataFrame) -> None:
    assert ((errors["high"] / errors["low"]) <= 2.2).all()
    assert 0.75 <= errors["is_inside"].mean() <= 0.93
    inside = energy_coverage()
    assert inside.low - 0.03 <= 0.8 <= inside.high


def test_power_over_the_limit_by_batch(errors: pd.DataFrame) -> None:
    """Medians within 0.1 of those that were measured."""
    bands = pd.cut(errors["in_flight"], BATCHES)
    found = errors.groupby([errors["accelerator"], bands], observed=True)
    medians = found[["power_fraction", "predicted_power_fraction"]].median()
    off = (medians["power_fraction"] - medians["predicted_power_fraction"]).abs()
    assert len(off) == 8
    assert off.max() <= 0.1, off


def test_what_is_stated_of_all_rows(summary: pd.DataFrame) -> None:
    joules = summary.loc[("left-out-model", "Energy of an output token")]
    assert joules["error_fraction"].base <= 0.14
    assert joules["error_fraction"].high <= 0.40
    wall = summary.loc[("wall", "Power")]
    assert wall["error_fraction"].high <= 0.15
    assert "16 groups" in joules["note"]


@pytest.mark.parametrize("peer", ["peer-log-linear", "peer-ecologits", "peer-limit"])
def test_simpler_methods_are_farther_off(summary: pd.DataFrame, peer: str) -> None:
    own = summary.loc[("left-out-model", "Energy of an output token"), "error_fraction"]
    other = summary.loc[(peer, "Energy of an output token"), "error_fraction"]
    assert other.base > 2 * own.base


def test_the_measured_release_has_a_profile_of_its_own() -> None:
    facts, field = Facts(), "sequence_overhead_s"
    assert facts.number("serving-vllm-0.11", field).base > 0
    assert facts.number("serving-vllm-0.12", field).base == 0

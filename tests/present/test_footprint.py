"""Tables and charts of energy: rows, files, and colours with names."""

import csv
import io
import json
from typing import Any

import pandas as pd
import pytest

from llminfra import Scenario, evaluate
from llminfra.explain.ecologits import ecologits_of
from llminfra.plan import Plan
from llminfra.present import (
    account_totals,
    accounts_table,
    boundary_table,
    log_band,
    other_methods,
    place_bars,
    report_fields,
    split_bars,
)


@pytest.fixture(scope="module")
def plan() -> Plan:
    return evaluate(Scenario(tensor_parallel=8, in_flight=100, region="DE"))


def texts(row: dict[str, Any]) -> list[str]:
    return [cell if isinstance(cell, str) else cell["text"] for cell in row["cells"]]


def words(chart: Any) -> str:
    return json.dumps([chart.wide.to_dict(), chart.narrow.to_dict()])


def test_boundaries_grow_from_accelerator_to_facility(plan: Plan) -> None:
    rows = [texts(row) for row in boundary_table(plan).rows]
    assert [row[0] for row in rows] == ["Accelerators", "Servers", "Servers", "Facility"]
    joules = [float(row[4]) for row in rows]
    assert joules == sorted(joules)
    assert joules[0] == pytest.approx(plan.energy.accelerator_j_per_output_token.base, rel=0.01)
    assert joules[-1] == pytest.approx(plan.energy.j_per_output_token.base, rel=0.01)


def test_boundaries_of_a_server_that_mostly_waits() -> None:
    office = evaluate(Scenario(tensor_parallel=8, named_users=100))
    joules = [float(texts(row)[4]) for row in boundary_table(office).rows]
    assert joules[2] > 5 * joules[1]


def test_accounts_name_every_way_and_sum(plan: Plan) -> None:
    rows = [texts(row) for row in accounts_table(plan).rows]
    assert {row[0] for row in rows} == {
        "Own servers, own room",
        "Own servers, colocation",
        "Rented in a cloud",
        "API of a provider",
    }
    assert account_totals(plan).keys() == {"owned", "colocated", "cloud", "api"}


def test_fields_come_as_a_file_with_ranges(plan: Plan) -> None:
    rows = list(csv.DictReader(io.StringIO(report_fields(plan).csv)))
    assert list(rows[0]) == ["standard", "field", "unit", "low", "base", "high", "note"]
    assert 10 <= len(rows) <= 16
    energy = next(row for row in rows if row["unit"] == "MWh")
    assert float(energy["low"]) < float(energy["base"]) < float(energy["high"])
    assert [row["base"] for row in rows if "ask the operator" in row["note"]] == ["", ""]


def test_other_methods_stand_beside_the_plan(plan: Plan) -> None:
    methods = other_methods(plan)
    assert methods["label"].iloc[0] == "This plan"
    assert {0.24, 0.3, 0.34} <= set(methods["base"])
    assert (methods["boundary"] != "").all()


def test_ecologits_says_what_its_authors_do() -> None:
    """70 B, 1,000 tokens, France, PUE 1.2: 0.66 Wh and 0.084 g, of version 0.11.3."""
    pytest.importorskip("ecologits")
    france = evaluate(Scenario(tensor_parallel=8, region="FR", pue=1.2, output_tokens=1000))
    peer = ecologits_of(france)
    assert peer is not None
    assert peer.version.startswith("0.11")
    assert peer.wh == pytest.approx(0.66, rel=0.02)
    assert peer.g_co2e == pytest.approx(0.084, rel=0.02)


def test_an_answer_against_the_load(plan: Plan) -> None:
    curve = plan.energy.at([0.001, 0.01, 0.1, 1.0])
    rows = curve[curve["name"] == "wh_per_request"]
    assert rows["base"].is_monotonic_decreasing
    chart = log_band(
        rows,
        x="utilization",
        x_title="load",
        y_title="Wh",
        here=(0.1, 1.0, "this case"),
        between=(0.24, 0.34, "published"),
    )
    assert "this case" in words(chart)
    assert "published" in words(chart)
    assert list(chart.data) == ["utilization", "low", "base", "high"]


def test_every_part_of_a_split_is_named(plan: Plan) -> None:
    parts = {
        "active_kwh_per_month": ("at work", "own"),
        "idle_kwh_per_month": ("waiting", "subject"),
        "host_kwh_per_month": ("hosts", "runtime"),
        "overhead_kwh_per_month": ("building", "overhead"),
    }
    split = plan.energy.split_at({"Hardly": 0.001, "As it is": float("nan")})
    chart = split_bars(split, parts=parts, unit="MWh", scale=1e3)
    assert all(name in words(chart) for name, _ in parts.values())
    whole = chart.data[chart.data["label"] == "As it is"]["MWh"].sum()
    assert whole == pytest.approx(plan.energy.kwh_per_month.base / 1e3)


def test_places_come_in_order_and_of_one_basis(plan: Plan) -> None:
    places = plan.energy.in_regions(["FR", "PL", "US-VA", "DE"])
    assert list(places["code"]) == ["FR", "DE", "PL"]
    assert places["base"].is_monotonic_increasing
    chart = place_bars(places, subject="Germany", unit="g", words=("making", "use"))
    assert "making" in words(chart)
    states = evaluate(Scenario(tensor_parallel=8, region="US-VA")).energy
    assert list(states.in_regions(["FR", "US-TX"])["code"]) == ["US-VA", "US-TX"]


def test_a_frame_of_one_place_is_drawn(plan: Plan) -> None:
    one: pd.DataFrame = plan.energy.in_regions([])
    assert list(one["region"]) == ["Germany"]
    assert place_bars(one, subject="Germany", unit="g", words=("making", "use")).wide is not None

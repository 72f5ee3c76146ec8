"""``llminfra explain``: what drives a result, on the command line."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from llminfra.cli import main

SCENARIO = 'title = "Case"\ntensor_parallel = 8\nregion = "DE"\n[teams]\nsales = 0.5\nlab = 0.5\n'


@pytest.fixture
def scenario(tmp_path: Path) -> str:
    path = tmp_path / "case.toml"
    path.write_text(SCENARIO)
    return str(path)


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["explain", *words])


def test_inputs_stand_with_their_ends_and_what_they_make_of_the_result(scenario: str) -> None:
    done = run(scenario, "cost.usd_per_month")
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert lines[0].startswith("usd_per_month = ")
    assert lines[2].split()[:2] == ["input", "low"]
    assert lines[3].startswith("staffing.own_fte")


def test_json_holds_the_same_with_what_turns_it_and_the_goal(scenario: str) -> None:
    words = ["--versus", "cost.on_demand.usd_per_month", "--goal", "server_price_usd=20000"]
    done = run(scenario, "cost.usd_per_month", *words, "--json")
    found = json.loads(done.output)
    assert len(found["inputs"]) >= 10
    assert 0 <= found["versus"]["probability_of_the_other_order"] <= 1
    assert found["versus"]["thresholds"][0]["input"]
    assert found["goal"]["reached"] == pytest.approx(20_000, rel=1e-5)


def test_settings_change_the_case(scenario: str) -> None:
    done = run(scenario, "cost.usd_per_month", "--set", "hosting=on_demand")
    assert "staffing.rented_fte" in done.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["cost.usd_per_mont"], "closest: cost.usd_per_month"),
        (["cost.usd_per_month", "--versus", "cost.spott.usd_per_month"], "cost.spot.usd_per_month"),
        (["cost.usd_per_month", "--goal", "discount_rat=1"], "closest: discount_rate"),
        (["cost.usd_per_month", "--goal", "discount_rate"], "--goal must be FIELD=TARGET"),
        (["cost.usd_per_month", "--goal", "discount_rate=1"], "no discount_rate from 0"),
        (["cost.usd_per_month", "--goal", "title=1"], "title holds no number"),
    ],
)
def test_what_is_wrong_is_one_line_and_exit_code_2(
    scenario: str, words: list[str], said: str
) -> None:
    done = run(scenario, *words)
    assert done.exit_code == 2
    assert said in done.output
    assert done.output.count("\n") == 1


def test_shares_that_do_not_sum_to_one_name_the_line(scenario: str) -> None:
    Path(scenario).write_text(SCENARIO.replace("lab = 0.5", "lab = 0.3"))
    done = run(scenario, "cost.usd_per_month")
    assert done.exit_code == 2
    assert "case.toml:4: teams must sum to 1, got 0.8: 0.2 is missing" in done.output

"""Statements of others: verdicts by rule, files that say what is wrong, nothing guessed."""

import json
import re
from pathlib import Path
from typing import Any, Final

import pytest

from llminfra import Scenario, evaluate
from llminfra.claims import (
    DOES_NOT,
    HOLDS,
    NOT_SCORED,
    VERDICTS,
    WITH_CONDITIONS,
    HeldClaim,
    hold,
    load_claims,
    world_of,
)
from llminfra.errors import InvalidInput

# By the collection's own hand computation.
EXPECTED: Final = {
    **{
        "A1": HOLDS,
        "A2": HOLDS,
        "A3": WITH_CONDITIONS,
        "A4": WITH_CONDITIONS,
        "A6": WITH_CONDITIONS,
    },
    **{"A7": WITH_CONDITIONS, "A8": WITH_CONDITIONS, "A9": NOT_SCORED, "B1": HOLDS, "B3": HOLDS},
    **{"B4": WITH_CONDITIONS, "B7": WITH_CONDITIONS, "B8": WITH_CONDITIONS},
    **{"B9": WITH_CONDITIONS, "B10": HOLDS, "B16": DOES_NOT, "B20": NOT_SCORED},
}
GOLDEN: Final = {"A2": 3.143e23, "B3": 141.1, "B10": 2020}
HEAD: Final = 'id = "X1"\ntext = "It takes 141 GB"\nsource = "a brochure"\ndate = 2026-11-01\n'
CASE: Final = '[[claim.case]]\nname = "70B"\nfields = {tensor_parallel = 8}\n'


@pytest.fixture(scope="module")
def held() -> dict[str, HeldClaim]:
    return {found.claim.id: found for found in hold(load_claims())}


def test_each_statement_has_the_verdict_that_was_computed_by_hand(
    held: dict[str, HeldClaim],
) -> None:
    assert {name: held[name].verdict for name in EXPECTED} == EXPECTED
    assert {found.verdict for found in held.values()} == set(VERDICTS)


@pytest.mark.parametrize("name", GOLDEN)
def test_a_verdict_rests_on_the_plan(held: dict[str, HeldClaim], name: str) -> None:
    assert held[name].computed[0][1] == pytest.approx(GOLDEN[name], rel=0.01)


def test_no_case_lacks_its_quantity(held: dict[str, HeldClaim]) -> None:
    assert {name: found.missing for name, found in held.items() if found.missing} == {}


def test_a_condition_is_named(held: dict[str, HeldClaim]) -> None:
    assert held["A7"].holding == ["a node of eight"]
    assert "desktop" in held["B7"].holding[0]


def test_every_number_of_the_claims_stands_in_their_words() -> None:
    """A range is what the text says, and not what would suit."""
    for claim in load_claims():
        finite = [end for end in (claim.low, claim.high) if abs(end) < 1e300]
        if claim.id in ("A1", "A3", "A5", "A6", "A7", "A8", "B1", "B2", "B3", "B4", "B6", "B7"):
            said = re.sub(r"(?<=\d),(?=\d)", "", claim.text)
            assert all(f"{end:g}" in said for end in finite), claim.id


def claims_of(tmp_path: Path, text: str) -> list[HeldClaim]:
    path = tmp_path / "brochure.toml"
    path.write_text(text, encoding="utf-8")
    return hold(load_claims(path))


@pytest.mark.parametrize(
    ("claimed", "verdict"),
    [
        ("low = 141\nhigh = 141\n", HOLDS),
        ("low = 150\nhigh = 160\n", HOLDS),
        ("low = 150\nhigh = 160\ntolerance = 0.0\n", DOES_NOT),
        ("low = 200\n", DOES_NOT),
        ("high = 200\n", HOLDS),
    ],
)
def test_a_brochure_is_checked_in_the_same_way(tmp_path: Path, claimed: str, verdict: str) -> None:
    case = f'{CASE}quantity = "memory.weight_bytes"\nfactor = 1e-9\n'
    (found,) = claims_of(tmp_path, f"[[claim]]\n{HEAD}{claimed}{case}")
    assert found.verdict == verdict


@pytest.mark.parametrize(
    "quantity",
    ["memory.weihgt_bytes", "memori.weight_bytes", "memory._inputs", "cost.rented.usd_per_month"],
)
def test_a_quantity_that_does_not_exist_is_not_scored(tmp_path: Path, quantity: str) -> None:
    (found,) = claims_of(tmp_path, f'[[claim]]\n{HEAD}low = 1\n{CASE}quantity = "{quantity}"\n')
    assert found.verdict == NOT_SCORED
    assert quantity in found.missing[0]


def test_a_scenario_that_cannot_be_is_not_scored(tmp_path: Path) -> None:
    case = '[[claim.case]]\nname = "x"\nfields = {model = "lama"}\nquantity = "memory.parameters"\n'
    (found,) = claims_of(tmp_path, f"[[claim]]\n{HEAD}low = 1\n{case}")
    assert found.verdict == NOT_SCORED
    assert "closest" in found.missing[0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = 1\n", "must hold"),
        ("[[claim]]\n", "id must be given"),
        (f"[[claim]]\n{HEAD}hihg = 2\n", "claim X1: unknown name 'hihg'; closest: high"),
        (f"[[claim]]\n{HEAD}low = 2\nhigh = 1\n", "low must not lie above high"),
        (f'[[claim]]\n{HEAD}low = "much"\n', "low must be a number"),
        (f"[[claim]]\n{HEAD}[[claim]]\n{HEAD}", "id must be given once"),
        ("[[claim]\n", "cannot be read"),
    ],
)
def test_a_wrong_file_says_what_and_where(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=re.escape(words)):
        claims_of(tmp_path, text)


def test_a_world_keeps_prices_and_place_alone() -> None:
    given: dict[str, Any] = {"region": "DE", "in_flight": 7, "discount_rate": 0.05}
    plan = world_of(evaluate(Scenario(**given)))
    found = plan.scenario
    assert (found.region, found.discount_rate, found.in_flight) == ("DE", 0.05, None)
    (claim,) = [claim for claim in load_claims() if claim.id == "B3"]
    assert hold([claim], lambda fields: plan.variant(**fields))[0].verdict == HOLDS


@pytest.mark.parametrize(
    "case",
    [
        {"fields": 5},
        {"quantity": 5},
        {"quantity": []},
        {"factor": "a"},
        {"per": "memory.weight_bytes", "per_fields": 3},
        {"is_condition": "yes"},
        {"name": 1},
    ],
    ids=str,
)
def test_a_case_of_the_wrong_kind_is_one_line(case: dict[str, object], tmp_path: Path) -> None:
    given = {"name": "n", "quantity": "memory.weight_bytes", "fields": {}} | case
    lines = [f"{name} = {_toml(value)}" for name, value in given.items()]
    path = tmp_path / "claims.toml"
    head = '[[claim]]\nid = "X"\ntext = "t"\nsource = "s"\ndate = 2026-01-01\nlow = 1\n'
    path.write_text(head + "[[claim.case]]\n" + "\n".join(lines), "utf-8")
    with pytest.raises(InvalidInput, match=f"claim X: {next(reversed(case))} must be") as error:
        load_claims(path)
    assert "\n" not in str(error.value)


def _toml(value: object) -> str:
    return "{}" if value == {} else json.dumps(value)


def test_a_formula_that_does_not_exist_is_not_scored(tmp_path: Path) -> None:
    path = tmp_path / "claims.toml"
    path.write_text(
        '[[claim]]\nid = "X"\ntext = "t"\nsource = "s"\ndate = 2026-01-01\nlow = 1\n'
        '[[claim.case]]\nname = "n"\nquantity = "serving.output_token_per_s"\n',
        "utf-8",
    )
    (held,) = hold(load_claims(path))
    assert held.verdict == "not scored"
    assert held.missing == ("no quantity serving.output_token_per_s: no output_token_per_s",)

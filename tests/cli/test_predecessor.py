"""A set that was rendered before with something otherwise says what moved its answers since."""

import json
import re
from pathlib import Path
from typing import Any, Final

import pytest

from llminfra import Scenario, evaluate, lock
from llminfra.cli.predecessor import before_of, predecessor, told
from llminfra.present import moved
from llminfra.present.moved import TOLD, since_line
from llminfra.scenario.file import load_cases
from llminfra.since import since, since_then
from tests.cli.conftest import files, ok, write

CASE: Final = (
    'title = "Own"\ntensor_parallel = 8\nactive_users = 100\n'
    "prompt_tokens = 400\noutput_tokens = 300\n"
)
MORE_USERS: Final = CASE.replace("users = 100", "users = 400")
CHEAPER: Final = (
    '[facts]\n"purchase.support_fraction" = {value = 0.04, source = "offer", as_of = 2026-11-01}\n'
)
COST: Final = "cost.usd_per_month"
LAST: Final = Path("out/own/own.lock.toml")


def rendered(text: str, *notebooks: str) -> None:
    write("own.toml", text)
    names = [argument for name in notebooks for argument in ("--notebook", name)]
    ok("own.toml", *names)


def page(name: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", Path(f"out/own/{name}.html").read_text()))


@pytest.mark.slow
def test_a_second_time_says_what_moved_and_by_how_much() -> None:
    rendered(CASE, "cost", "memory")
    assert "Since last time" not in page("cost")
    first = Path("out/own/own.lock.toml").read_text()
    rendered(MORE_USERS + CHEAPER, "cost", "memory")
    assert before_of(LAST).read_text() == first
    said = page("cost")
    assert re.search(
        r"Since last time what a month costs went from [\d,]+ USD/month to [\d,]+ USD/month", said
    )
    assert "support fraction: 4 %" in said
    assert "The steps sum to the difference" in page("cost")
    assert "Since last time nothing moved what a group holds at once" in page("memory")
    made = files("out/own")
    rendered(MORE_USERS + CHEAPER, "cost", "memory")
    assert files("out/own") == made, "the same again is left as it is"


def lock_of(text: str, path: Path) -> Path:
    (case,) = load_cases(write("own.toml", text), {})
    plan = evaluate(case.scenario)
    facts = plan.to_dict()["facts"]
    return write(str(path), lock.lock_text(case, facts, answers=lock.answers(plan)))


def two(tmp_path: Path) -> tuple[Path, Any]:
    """The lock of a case, and the case as it is later."""
    path = lock_of(CASE, LAST)
    (case,) = load_cases(write("own.toml", MORE_USERS + CHEAPER), {})
    return path, case


def test_steps_sum_to_the_difference_and_agree_with_two_locks(tmp_path: Path) -> None:
    path, case = two(tmp_path)
    assert predecessor(path.parent, case) == path
    plan = evaluate(case.scenario)
    found = since_then(path, plan, COST)
    assert sum(step.moved for step in found.steps) == pytest.approx(found.after - found.before)
    plain = told(path, plan, COST)
    assert plain is not None
    assert json.loads(json.dumps(plain)) == plain
    both = since(path, lock_of(MORE_USERS + CHEAPER, Path("later.lock.toml")), COST)
    assert (both.before, both.after) == pytest.approx((found.before, found.after))


def test_the_same_case_and_a_lock_of_another_hand_are_no_predecessor(tmp_path: Path) -> None:
    path, _ = two(tmp_path)
    (same,) = load_cases(write("own.toml", CASE), {})
    assert predecessor(path.parent, same) is None
    path.write_text("no lock at all")
    assert predecessor(path.parent, same) is None
    assert predecessor(Path("nowhere"), same) is None


def test_what_no_lock_holds_has_no_words(tmp_path: Path) -> None:
    path, _ = two(tmp_path)
    assert told(path, evaluate(Scenario(tensor_parallel=8)), "training.run_usd") is None


def test_words_of_a_step_are_no_template(monkeypatch: pytest.MonkeyPatch) -> None:
    step = ["{{ 7 * 7 }}", 5.0]
    given = {"date": "2026-10-01", "answer": COST, "unit": "USD/month", "before": 10.0}
    said = {TOLD: given | {"after": 15.0, "steps": [step]}}
    monkeypatch.setattr(moved.blocks, "notebook_names", lambda: said)
    assert "{" not in since_line()
    assert "from 10 USD/month to 15 USD/month" in since_line().replace("\u202f", " ")

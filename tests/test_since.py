"""What moved between two locks: the steps sum to the difference, and each has its name."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from click.testing import CliRunner, Result

from llminfra import InvalidInput, evaluate
from llminfra.cli import main
from llminfra.lock import lock_text
from llminfra.scenario.file import load_cases
from llminfra.since import since

MONTH = "cost.usd_per_month"
NOW = 'name = "service"\ntensor_parallel = 8\nin_flight = 100\nhosting = "on_demand"\n'


def locked(path: Path, text: str = NOW) -> Path:
    source = path.with_suffix(".toml")
    source.write_text(text, encoding="utf-8")
    (case,) = load_cases(source)
    assert case.scenario is not None
    plan = evaluate(case.scenario)
    held = {MONTH: plan.cost.usd_per_month.base}
    facts = [read.to_dict() for read in plan.facts]
    lock = path.parent / f"{path.stem}.lock.toml"
    lock.write_text(lock_text(case, facts, answers=held), encoding="utf-8")
    return lock


def edited(path: Path, change: Any) -> Path:
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    change(document)
    path.write_text(tomli_w.dumps(document), encoding="utf-8")
    return path


def rent_of(path: Path) -> str:
    facts = tomllib.loads(path.read_text(encoding="utf-8"))["lock"]["facts"]
    rents = [k for k, f in facts.items() if "on_demand" in k or "on-demand" in k]
    return rents[0]


@pytest.fixture(scope="module")
def lock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return locked(tmp_path_factory.mktemp("first") / "service")


def test_nothing_moved_between_a_lock_and_itself(lock: Path) -> None:
    found = since(lock, lock)
    assert (found.steps, found.changes) == ((), ())
    assert found.before == found.after > 0


def test_fields_and_facts_are_steps_that_sum_to_the_difference(lock: Path, tmp_path: Path) -> None:
    after = locked(tmp_path / "b", NOW + "staff_fte = 1.0\n")
    key = rent_of(after)

    def cheaper(document: dict[str, Any]) -> None:
        fact = document["lock"]["facts"][key]
        fact |= {end: 0.8 * fact[end] for end in ("value", "low", "high") if end in fact}
        document["lock"].pop("answers")  # of the dearer price

    found = since(lock, edited(after, cheaper))
    moved = [step.moved for step in found.steps]
    assert found.before + sum(moved) == pytest.approx(found.after, rel=1e-9)
    assert [{*step.fields} for step in found.steps] == [{"facts"}, {"staff_fte"}]
    assert moved[0] < 0 < moved[1]
    assert {("fact", key), ("field", "staff_fte")} <= {(c.kind, c.name) for c in found.changes}


def test_an_own_fact_that_one_had_no_use_for_is_told_by_its_name(tmp_path: Path) -> None:
    own = '[facts]\n"h100-sxm.price_usd" = {value = %s, source = "PO", as_of = 2026-10-01}\n'
    first = locked(tmp_path / "a", NOW + own % 30000)
    other = NOW.replace('"on_demand"', '"owned"') + 'accelerator = "h100-sxm"\n' + own % 24000
    second = locked(tmp_path / "b", other)
    for lock, is_read in ((first, False), (second, True)):
        edited(lock, lambda document, kept=is_read: _as_read(document, kept))
    (told,) = [c for c in since(first, second).changes if c.name == "h100-sxm.price_usd"]
    assert (told.kind, told.was, told.now) == ("fact", 30000, 24000)


def test_an_own_fact_of_one_value_is_told_by_its_source(tmp_path: Path) -> None:
    """As it stands in files that nobody's question reads, and among the facts that were read."""
    own = '[facts]\n"h100-sxm.price_usd" = {value = 30000, source = "%s", as_of = 2026-10-01}\n'
    locks = [locked(tmp_path / order, NOW + own % order) for order in ("PO 1", "PO 2")]
    for is_read in (False, True):
        for each in locks:
            edited(each, lambda document, kept=is_read: _as_read(document, kept))
        if not is_read:  # told where one of the two has it
            edited(locks[1], lambda document: _as_read(document, True))
        (told,) = [c for c in since(*locks).changes if c.name == "h100-sxm.price_usd"]
        assert (told.was, told.now) == ("30000 (source PO 1)", "30000 (source PO 2)")


def _as_read(document: dict[str, Any], is_read: bool) -> None:
    """Keep an own fact among those that were read, or take it out."""
    facts, key = document["lock"]["facts"], "h100-sxm.price_usd"
    if not is_read:
        facts.pop(key, None)
    elif key not in facts:
        facts[key] = {**document["facts"][key], "unit": "USD", "confidence": "stated"}


def test_what_this_version_answers_otherwise_is_a_step_of_its_own(
    lock: Path, tmp_path: Path
) -> None:
    def older(document: dict[str, Any]) -> None:
        document["lock"]["answers"][MONTH] -= 100.0
        document["lock"]["versions"]["llminfra"] = "0.0.1"

    before = tmp_path / "old.lock.toml"
    before.write_text(lock.read_text(encoding="utf-8"), encoding="utf-8")
    found = since(edited(before, older), lock)
    (step,) = found.steps
    assert step.words == "Versions of the packages"
    assert step.moved == pytest.approx(100.0) == pytest.approx(found.after - found.before)
    assert [(c.kind, c.name) for c in found.changes] == [("version", "llminfra")]


def test_locks_of_different_scenarios_are_one_line(lock: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.lock.toml"
    other.write_text(lock.read_text(encoding="utf-8").replace("service", "another"), "utf-8")
    with pytest.raises(InvalidInput, match="must be locks of one scenario") as caught:
        since(lock, other)
    assert len(str(caught.value).splitlines()) == 1


# -- the command ----------------------------------------------------------------------------------


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["diff", *map(str, words)])


def test_the_command_says_that_nothing_moved(lock: Path) -> None:
    done = run(lock, lock)
    assert done.exit_code == 0, done.output
    assert done.output.startswith("cost.usd_per_month: nothing moved, ")


def test_the_command_names_what_moved_and_what_differs(lock: Path, tmp_path: Path) -> None:
    after = locked(tmp_path / "b", NOW + "discount_rate = 0.05\nstaff_fte = 1.0\n")
    asked = ["--of", MONTH, "--of", "energy.kwh_per_month"]
    done = run(lock, after, *asked)
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert " → " in lines[0]
    assert lines[1].startswith("  Posts for running")
    assert "energy.kwh_per_month: nothing moved" in done.output
    assert "discount_rate" in done.output  # which differs and moves no rent
    month, energy = json.loads(run(lock, after, *asked, "--json").output)
    (step,) = month["steps"]
    assert step["what"].endswith(": 1")
    assert energy["steps"] == []


@pytest.mark.parametrize("wrong", ["scenario", "answer"])
def test_what_is_wrong_is_one_line_and_exit_code_2(lock: Path, tmp_path: Path, wrong: str) -> None:
    source = tmp_path / "service.toml"
    source.write_text(NOW, encoding="utf-8")
    done = run(lock, source) if wrong == "scenario" else run(lock, lock, "--of", "cost.usd_per")
    assert done.exit_code == 2
    assert len(done.output.splitlines()) == 1
    assert "Traceback" not in done.output

"""Lock files: the same scenario again, and what differs today."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from llminfra import InvalidInput, evaluate
from llminfra.lock import is_lock, lock_text, reproduce, versions
from llminfra.scenario.expand import Case
from llminfra.scenario.file import load_cases

MEMORY = "a100-sxm-80.memory_usable_bytes"
OVERRIDE = '"a100-sxm-80.price_usd" = {value = 9000, source = "PO 1", as_of = "2026-10-01"}'
FULL = f"""
title = "Größe & 'Preis' \\"50 %\\""
prompt_tokens = [300, 400, 500]
active_users = 60
think_time_s = 12.5
tensor_parallel = "auto"
engine_version = "0.20"
as_of = 2026-10-01
[facts]
{OVERRIDE}
"""


def locked(folder: Path, text: str = "tensor_parallel = 8\n") -> tuple[Case, Path]:
    source = folder / "case.toml"
    source.write_text(text, encoding="utf-8")
    (case,) = load_cases(source)
    assert case.scenario is not None
    path = folder / "case.lock.toml"
    path.write_text(lock_text(case, evaluate(case.scenario).to_dict()["facts"]), encoding="utf-8")
    return case, path


def again(path: Path) -> tuple[Any, list[str]]:
    overrides, differences = reproduce(path)
    (case,) = load_cases(path, overrides)
    return case.scenario, differences


def edited(path: Path, **lock: Any) -> Path:
    """Change a lock as time would: another catalogue or other packages."""
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    for section, changes in lock.items():
        for key, value in changes.items():
            if isinstance(value, dict):
                document["lock"][section][key] |= value
            else:
                document["lock"][section][key] = value
    path.write_text(tomli_w.dumps(document), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "text",
    [
        "tensor_parallel = 8\n",
        "title = 't'\n",
        "prompt_tokens = [300, 400, 500]\n",
        "requests_per_s = [1, 2, 4]\n",
        "name = 'other'\n",
        "accelerator = 'epyc-9654'\n",
        FULL,
        FULL.replace('"2026-10-01"}', "2026-10-01}"),
    ],
    ids=lambda text: text[:28],
)
def test_a_lock_gives_the_same_scenario_again(tmp_path: Path, text: str) -> None:
    case, path = locked(tmp_path, text)
    scenario, differences = again(path)
    assert differences == []
    assert scenario == case.scenario
    assert case.scenario is not None
    assert evaluate(scenario).to_dict() == evaluate(case.scenario).to_dict()


def test_a_lock_of_a_swept_case_gives_that_case(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text("[sweep]\ntensor_parallel = [4, 8]\n")
    case = load_cases(tmp_path / "s.toml")[1]
    path = tmp_path / f"{case.name}.lock.toml"
    path.write_text(lock_text(case, []))
    assert again(path)[0] == case.scenario


def test_a_lock_pins_every_field_and_tells_where_it_came_from(tmp_path: Path) -> None:
    case, path = locked(tmp_path)
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    assert case.scenario is not None
    given = {k for k, v in case.scenario.to_dict().items() if v not in (None, {})} - {"facts"}
    assert set(document["scenario"]) == given
    assert document["lock"]["origins"]["tensor_parallel"] == "case.toml"
    assert document["lock"]["origins"]["precision"] == "default"
    fact = document["lock"]["facts"][MEMORY]
    assert fact["value"] == 84_987_084_800
    assert {"source", "as_of", "confidence", "unit", "used_by"} <= set(fact)
    assert document["lock"]["versions"] == versions()


def test_the_header_names_the_file_that_makes_it_again(tmp_path: Path) -> None:
    case, path = locked(tmp_path, "name = 'other'\n")
    assert case.scenario is not None
    assert f"llminfra render {case.scenario.name}.lock.toml" in path.read_text(encoding="utf-8")


def test_the_same_case_gives_the_same_bytes(tmp_path: Path) -> None:
    first = locked(tmp_path)[1].read_bytes()
    assert locked(tmp_path)[1].read_bytes() == first


def test_a_changed_version_is_told(tmp_path: Path) -> None:
    _, path = locked(tmp_path)
    _, differences = again(edited(path, versions={"numpy": "1.0"}))
    assert differences == [f"numpy: was 1.0, today {versions()['numpy']}"]


def test_a_changed_fact_is_told_and_pinned(tmp_path: Path) -> None:
    _, path = locked(tmp_path)
    then = {"value": 8e10, "low": 7.9e10, "high": 8.1e10, "source": "old-logs"}
    scenario, differences = again(edited(path, facts={MEMORY: then}))
    (line,) = differences
    assert MEMORY in line
    assert "old-logs" in line
    memory = evaluate(scenario).memory.memory_bytes_per_accelerator
    assert (memory.base, memory.high) == (8e10, pytest.approx(8.1e10, rel=1e-3))


def test_a_fact_that_became_uncertain_is_pinned_as_exact(tmp_path: Path) -> None:
    _, path = locked(tmp_path)
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    fact = document["lock"]["facts"][MEMORY]
    text = path.read_text(encoding="utf-8")
    for end in ("low", "high"):
        text = text.replace(f"{end} = {fact[end]}\n", "", 1)
    path.write_text(text, encoding="utf-8")
    scenario, differences = again(path)
    assert len(differences) == 1
    assert evaluate(scenario).memory.memory_bytes_per_accelerator.is_exact


def test_a_changed_undated_fact_is_pinned_too(tmp_path: Path) -> None:
    _, path = locked(tmp_path)
    then = {"value": 8e10, "low": 7.9e10, "high": 8.1e10, "as_of": ""}
    scenario, _ = again(edited(path, facts={MEMORY: then}))
    assert evaluate(scenario).memory.memory_bytes_per_accelerator.base == 8e10


def test_a_fact_that_left_the_catalogue_is_told(tmp_path: Path) -> None:
    _, path = locked(tmp_path)
    document = path.read_text(encoding="utf-8")
    path.write_text(
        document + '\n[lock.facts."old.fact_bytes"]\nvalue = 1.0\nsource = "s"\n', encoding="utf-8"
    )
    _, differences = reproduce(path)
    assert differences == ["old.fact_bytes: was 1.0 (s), today not in the catalogue"]


def test_the_scenarios_own_facts_stay_and_are_no_difference(tmp_path: Path) -> None:
    text = f'[facts]\n"{MEMORY}" = {{value = 8e10, source = "mine", as_of = "2026-10-01"}}\n'
    _, path = locked(tmp_path, text)
    scenario, differences = again(path)
    assert differences == []
    assert evaluate(scenario).memory.memory_bytes_per_accelerator.base == 8e10


def test_locks_are_known_by_their_name() -> None:
    assert is_lock(Path("a/case.lock.toml"))
    assert not is_lock(Path("case.toml"))


BROKEN = {
    "empty": "",
    "scenario": "title = 't'\n",
    "cut": "[lock]\nversions = {",
    "types": "[lock]\nversions = 5\nfacts = 5\norigins = 5\n",
    "fact": "[lock]\nversions = {}\norigins = {}\nfacts = {'a.b' = {unit = 's'}}\n",
    "fact type": "[lock]\nversions = {}\norigins = {}\nfacts = {'a.b' = 5}\n",
    "encoding": b"\xff",
    "missing": None,
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_a_broken_lock_is_one_line(tmp_path: Path, content: str | bytes | None) -> None:
    path = tmp_path / "x.lock.toml"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InvalidInput, match=r"x\.lock\.toml") as caught:
        reproduce(path)
    assert len(str(caught.value).splitlines()) == 1


def test_what_was_chosen_is_locked_and_holds_when_today_would_choose_otherwise(
    tmp_path: Path,
) -> None:
    text = 'accelerator = "auto"\ntpot_target_s = 0.05\n'
    case, path = locked(tmp_path, text)
    plan = evaluate(case.scenario)
    path.write_text(lock_text(case, plan.to_dict()["facts"], plan.fixed), encoding="utf-8")
    assert again(path) == (case.scenario, [])
    other = {"accelerator": "h200-sxm", "tensor_parallel": 2}
    scenario, differences = again(edited(path, chosen=other))
    assert scenario.to_dict()["accelerator"] == "h200-sxm"
    assert scenario.to_dict()["tensor_parallel"] == 2
    today = plan.fixed["accelerator"]
    assert f"accelerator = auto: was h200-sxm, today {today}" in differences


def test_a_lock_tells_when_what_auto_compared_has_changed(tmp_path: Path) -> None:
    source = tmp_path / "case.toml"
    source.write_text('accelerator = "auto"\nmodel = "llama-3.1-8b"\n', encoding="utf-8")
    (case,) = load_cases(source)
    assert case.scenario is not None
    plan = evaluate(case.scenario)
    path = tmp_path / "case.lock.toml"
    facts = plan.to_dict()["facts"]
    path.write_text(lock_text(case, facts, plan.fixed, plan.digests), encoding="utf-8")
    assert again(path)[1] == []
    (told,) = again(edited(path, digests={"auto": "9 facts, sha256 0"}))[1]
    assert told.startswith("facts that auto compared: were 9 facts, sha256 0, today ")

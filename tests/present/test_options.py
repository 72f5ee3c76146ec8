"""The table of options: what carries the load, and what a reader must know of such a row."""

from functools import cache
from typing import Any

from llminfra import Scenario, evaluate, options
from llminfra.explain.options import Options
from llminfra.facets.decision import LEAST_SAVING
from llminfra.present import Board, options_table

A100 = {"accelerator": "a100-sxm-80", "tensor_parallel": 8, "active_users": 100}


@cache
def options_of(**fields: Any) -> Options:
    return options(evaluate(Scenario(**A100 | fields)))


def results(reading_per_s: float, **fields: Any) -> dict[str, tuple[float, str]]:
    """Speed and verdict of each option."""
    found = options_of(**fields)
    rows = options_table(found, reading_per_s=reading_per_s).rows
    speeds = [item.user_tokens_per_s for item in found.rows]
    return {r["cells"][0]: (s, r["cells"][-1]) for r, s in zip(rows, speeds, strict=True)}


def test_a_way_that_is_slower_than_people_read_says_so() -> None:
    found = results(10)
    slow = {label for label, (_, said) in found.items() if "slower than people read" in said}
    assert slow == {label for label, (speed, said) in found.items() if speed < 10 and "✓" in said}
    assert slow
    assert not any("slower" in said for _, said in results(0).values())


def test_with_a_target_the_target_judges() -> None:
    assert not any("slower" in said for _, said in results(10, tpot_target_s=0.5).values())


def test_a_speed_that_nobody_measured_has_its_mark() -> None:
    assert results(10)["As asked"][1].startswith("✓ this one *;")
    assert results(10, accelerator="h100-sxm")["As asked"][1].startswith("✓ this one;")


def test_less_means_less_by_a_part_that_matters() -> None:
    idle = options(evaluate(Scenario(model="llama-3.1-8b", accelerator="h100-sxm", named_users=20)))
    for found in (idle, options_of()):
        cheaper, follow = found.cheaper(), found.follow
        if cheaper is not None:
            saved = 1 - cheaper.usd_per_month.base / follow.usd_per_month.base
            assert saved >= LEAST_SAVING
    apart = {"accelerator": "h100-sxm", "tensor_parallel": 4, "requests_per_s": 4}
    pools = options(evaluate(Scenario(**apart, prefill_workers=2, decode_workers=2)))
    assert pools.cheaper().words == "1 × B200"


def test_the_board_names_fewer_machines_where_most_of_them_are_idle() -> None:
    own = {"tensor_parallel": 8, "hosting": "owned"}
    few, many = (Board(evaluate(Scenario(named_users=n, **own))).monday for n in (100, 2000))
    assert "8 × A100 80 GB (one group), 2 % busy at the peak (2 × A100 80 GB would" in few
    assert "8 × A100 80 GB (one group), 38 % busy" in many
    assert "would carry it too" not in many

"""The table of options: what carries the load, and what a reader must know of such a row."""

from typing import Any

from llminfra import Scenario, evaluate, options
from llminfra.present import options_table

A100 = {"accelerator": "a100-sxm-80", "tensor_parallel": 8, "active_users": 100}


def results(reading_per_s: float, **fields: Any) -> dict[str, tuple[float, str]]:
    """Speed and verdict of each option."""
    found = options(evaluate(Scenario(**A100 | fields)))
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
    assert results(10)["As asked"][1] == "✓ this one *"
    assert results(10, accelerator="h100-sxm")["As asked"][1] == "✓ this one"

"""Unlike cards in one replica: the smallest decides what fits, the slowest how fast it is."""

from typing import Any

import pytest

from llminfra import Scenario, evaluate
from llminfra.errors import LlmInfraError

FIELDS = {"model": "qwen3-14b", "precision": "int4", "tensor_parallel": 2, "in_flight": 1}


def test_the_smallest_card_decides_what_fits_and_the_slowest_how_fast() -> None:
    mixed = evaluate(Scenario(**FIELDS, accelerator="rtx3090", beside_accelerators=["rtx3060"]))
    small, large = (evaluate(Scenario(**FIELDS, accelerator=c)) for c in ("rtx3060", "rtx3090"))
    pool = mixed.memory.kv_pool_bytes_per_accelerator.base
    assert pool == pytest.approx(small.memory.kv_pool_bytes_per_accelerator.base)
    assert pool < large.memory.kv_pool_bytes_per_accelerator.base
    assert mixed.serving.tpot_s.base == pytest.approx(small.serving.tpot_s.base, rel=0.05)
    told = next(p for p in mixed.problems if p.code == "W-UNLIKE")
    assert "RTX 3060" in told.message


def test_order_does_not_matter() -> None:
    pools = [
        evaluate(Scenario(**FIELDS, accelerator=a, beside_accelerators=[b])).memory.max_sequences
        for a, b in (("rtx3090", "rtx4090"), ("rtx4090", "rtx3090"))
    ]
    assert pools[0].base == pools[1].base


@pytest.mark.parametrize(
    "fields",
    [
        {"accelerator": "rtx3090", "beside_accelerators": ["rtx3061"]},
        {"accelerator": "rtx3090", "beside_accelerators": ["rtx3060", "rtx3060"]},
        {"accelerator": "auto", "beside_accelerators": ["rtx3060"]},
    ],
)
def test_cards_that_have_no_place_are_one_line(fields: dict[str, Any]) -> None:
    with pytest.raises(LlmInfraError) as raised:
        evaluate(Scenario(**FIELDS | fields))
    assert "\n" not in str(raised.value)

"""Layers and experts that stay on the host: memory of the card, and how much slower it is."""

from typing import Any

import pytest

from llminfra import Scenario, evaluate
from llminfra.errors import InvalidInput
from llminfra.plan import Plan

STREAM = {
    "engine": "llama.cpp", "arrivals": "closed_loop", "max_model_len": 4096, "prompt_tokens": 16,
    "output_tokens": 128, "in_flight": 1, "max_num_seqs": 1,
}  # fmt: skip


def plan(**fields: Any) -> Plan:
    return evaluate(Scenario(**STREAM | fields))


@pytest.mark.parametrize(
    ("fields", "tokens_per_s"),
    [
        ({"model": "gpt-oss-20b", "accelerator": "rx7900-xt", "host_expert_layers": 4}, 60),
        ({"model": "gpt-oss-20b", "accelerator": "rx7900-xt", "host_expert_layers": 8}, 38),
        ({"model": "gpt-oss-20b", "accelerator": "rx7900-xt", "host_expert_layers": 24}, 20),
        ({"model": "gpt-oss-120b", "accelerator": "arc-pro-b70", "host_expert_layers": 22}, 27.69),
        (
            {"model": "gemma-4-26b-a4b", "precision": "q4_k_m", "accelerator": "rtx3060",
             "host_expert_layers": 30},
            25.0,
        ),
    ],
)  # fmt: skip
def test_experts_on_the_host_are_as_slow_as_measured(
    fields: dict[str, Any], tokens_per_s: float
) -> None:
    """Rows of llama.cpp in 2025 and 2026 with ``--n-cpu-moe``; hosts with two memory channels."""
    found = plan(**{"precision": "mxfp4"} | fields).serving.tpot_s
    assert found.low <= 1 / tokens_per_s <= found.high


def test_layers_on_the_host_take_weights_and_cache_with_them() -> None:
    fields = {"model": "qwen3-14b", "precision": "q4_k_m", "accelerator": "rtx3070"}
    whole, half = plan(**fields).memory, plan(**fields, gpu_layers=20).memory
    assert not whole.fits
    assert half.fits
    assert half.host_weight_bytes.base == pytest.approx(whole.weight_bytes.base / 2, rel=0.2)
    kept = half.weight_bytes_per_accelerator + half.host_weight_bytes
    assert kept.base == pytest.approx(whole.weight_bytes_per_accelerator.base, rel=0.01)
    ratio = half.kv_longest_bytes_per_accelerator / whole.kv_longest_bytes_per_accelerator
    assert ratio.base == pytest.approx(0.5)


def test_more_layers_than_there_are_is_all_of_them() -> None:
    fields = {"model": "qwen3-14b", "precision": "q4_k_m", "accelerator": "rtx3090"}
    assert plan(**fields, gpu_layers=99).serving.tpot_s.base == plan(**fields).serving.tpot_s.base


def test_a_faster_host_is_told_by_its_memory() -> None:
    fields = {"model": "gpt-oss-120b", "precision": "mxfp4", "accelerator": "rtx4090",
              "host_expert_layers": 36}  # fmt: skip
    slow, fast = (
        plan(**fields, **host).serving.tpot_s.base
        for host in ({}, {"host_memory_bytes_per_s": 400e9})
    )
    assert fast < 0.6 * slow


def test_weights_read_over_the_link_leave_room_and_cost_their_reading() -> None:
    """vLLM's ``--cpu-offload-gb``: 10 GB each step over PCIe 4.0 x16 take 0.4 s."""
    fields = {"model": "qwen3-14b", "precision": "bf16", "accelerator": "rtx4090", "engine": "vllm"}
    whole, left = plan(**fields), plan(**fields, host_weight_bytes=10e9)
    assert not whole.memory.fits
    assert left.memory.fits
    assert left.serving.tpot_s.base == pytest.approx(10e9 / (0.8 * 32e9), rel=0.2)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"engine": "vllm", "gpu_layers": 10}, "gpu_layers must stand with engine = llama.cpp"),
        ({"engine": "vllm", "host_expert_layers": 1}, "host_expert_layers must stand with engine"),
        ({"host_weight_bytes": 1e9}, "host_weight_bytes must stand with an engine that streams"),
        ({"host_expert_layers": 4}, "must be 0 for a model without experts"),
    ],
)
def test_what_an_engine_cannot_leave_on_the_host_is_one_line(
    fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidInput, match=message) as raised:
        plan(**{"model": "qwen3-14b", "precision": "bf16", "accelerator": "rtx4090"} | fields)
    assert "\n" not in str(raised.value)

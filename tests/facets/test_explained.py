"""Behind every answer stand formulas, down to facts and fields: no arithmetic without a name."""

from collections.abc import Iterator
from typing import Any

import pytest

from llminfra import Scenario, evaluate
from llminfra.ranges import Range

GGUF: dict[str, Any] = {
    "precision": "q4_k_m",
    "accelerator": "rtx4090",
    "engine": "llama.cpp",
    "in_flight": 1,
}
PLANS: dict[str, dict[str, Any]] = {
    "dense": {"tensor_parallel": 8, "in_flight": 100, "output_tokens": [200, 300, 450]},
    "experts": {
        "model": "qwen3-235b-a22b",
        "precision": "fp8",
        "accelerator": "h200-sxm",
        "tensor_parallel": 4,
        "replicas": "auto",
        "requests_per_s": 3,
        "prefix_cache_hit_fraction": [0.3, 0.6, 0.8],
    },
    "pools": {
        "precision": "fp8",
        "accelerator": "h200-sxm",
        "tensor_parallel": 4,
        "prefill_workers": 2,
        "decode_workers": 1,
        "requests_per_s": 2,
    },
    "drafts and stages": {
        "model": "mixtral-8x22b",
        "engine": "sglang",
        "tensor_parallel": 4,
        "pipeline_parallel": 2,
        "in_flight": 20,
        "draft_tokens": 3,
    },
    "users": {"model": "llama-3.1-8b", "active_users": 60, "think_time_s": 20, "replicas": 2},
    "blocks": {"model": "llama-3.1-8b", **GGUF},
    "beside": {
        "model": "qwen3-vl-30b-a3b",
        "in_flight": 4,
        "tensor_parallel": 2,
        "eager": True,
        "lora_adapters": 3,
    },
    "on the host": {
        "model": "llama-3.1-8b",
        "accelerator": "rtx4090",
        "in_flight": 4,
        "host_weight_bytes": 2e9,
    },
    "states": {
        "model": "qwen3-next-80b-a3b",
        "accelerator": "h100-sxm",
        "tensor_parallel": 4,
        "draft_tokens": 2,
        "in_flight": 50,
    },
    "processor": {
        "model": "llama-3.1-8b",
        "precision": "q8_0",
        "accelerator": "epyc-9654",
        "engine": "llama.cpp",
        "in_flight": 2,
    },
    "two formats": {"model": "gpt-oss-20b", **GGUF},
    "uneven blocks": {"model": "deepseek-v2-lite", **GGUF},
    "tables of layers": {"model": "gemma-4-e2b", **GGUF},
    "burst": {"model": "llama-3.1-8b", "in_flight": 30, "arrivals": "closed_loop"},
    "tuned": {
        "model": "llama-3.1-8b",
        "accelerator": "h100-sxm",
        "training_method": "lora",
        "training_tokens": 1e8,
        "training_precision": "fp8",
    },
    "tuned in 4 bits": {
        "model": "llama-3.1-8b",
        "accelerator": "h100-sxm",
        "training_method": "qlora",
        "training_tokens": 1e8,
    },
    "office": {"model": "llama-3.1-8b", "accelerator": "l40s", "named_users": 1000},
}
WHOLE = ("memory", "replica", "capacity", "serving")  # each quantity, beside the headlines
MAY_LACK = ("cost", "training")  # where nothing is asked, or no option can be had
QUESTIONS = (*WHOLE, "energy", "cost", "training")


def behind(quantity: Range, seen: set[int]) -> Iterator[Range]:
    """The quantity and all that it came from, each once."""
    if id(quantity) not in seen:
        seen.add(id(quantity))
        yield quantity
        for value in quantity.inputs.values():
            if isinstance(value, Range):
                yield from behind(value, seen)


@pytest.mark.parametrize("fields", PLANS.values(), ids=PLANS)
def test_answers_rest_on_formulas_alone(fields: dict[str, Any]) -> None:
    plan = evaluate(Scenario(**fields))
    for question in QUESTIONS:
        result = getattr(plan, question)
        held = dict(result.items())  # nothing of a training that is not asked
        names = held if question in WHOLE else result.headline
        for name in (n for n in names if n in held or question not in MAY_LACK):
            answer = held[name] if name in held else getattr(result, name)
            nodes = behind(answer, set()) if isinstance(answer, Range) else ()
            inner = [n for n in nodes if any(isinstance(x, Range) for x in n.inputs.values())]
            assert [n for n in inner if n.formula is None] == [], f"{question}.{name}"

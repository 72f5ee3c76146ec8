"""Engines where they do not run, where nobody measured them, and formats they do not read."""

from typing import Any

import numpy as np
import pytest

from llminfra import Scenario, evaluate, variants
from llminfra.catalog.facts import Facts, engine_entry, engines
from llminfra.catalog.loader import ids
from llminfra.catalog.support import engines_for
from llminfra.plan import Plan


def plan(**fields: Any) -> Plan:
    return evaluate(Scenario(**({"model": "llama-3.1-8b"} | fields)))


def told(**fields: Any) -> list[tuple[str, tuple[str, ...]]]:
    found = plan(**fields).problems_of("deployment")
    return [(problem.code, problem.fixes) for problem in found if "ENGINE" in problem.code]


@pytest.mark.parametrize(
    ("engine", "accelerator", "precision", "code", "fixes"),
    [
        ("tensorrt-llm", "mi300x", "bf16", "E-ENGINE", ['engine = "sglang"', 'engine = "vllm"']),
        ("tensorrt-llm", "m3-ultra", "bf16", "E-ENGINE", ['engine = "llama.cpp"']),
        ("tensorrt-llm", "epyc-9654", "bf16", "E-ENGINE", ['engine = "llama.cpp"']),
        ("vllm", "m3-ultra", "bf16", "E-ENGINE", ['engine = "llama.cpp"']),
        ("vllm", "epyc-9654", "bf16", "W-ENGINE", ['engine = "llama.cpp"']),
        ("llama.cpp", "gaudi3", "bf16", "E-ENGINE", ['engine = "sglang"']),
        ("llama.cpp", "epyc-9654", "fp8", "E-ENGINE", ['precision = "q8_0"']),
        ("llama.cpp", "rtx4090", "nvfp4", "E-ENGINE", ['precision = "q4_k_m"']),
        ("tensorrt-llm", "h100-sxm", "q8_0", "E-ENGINE", None),
    ],
)
def test_what_does_not_run_says_what_does(
    engine: str, accelerator: str, precision: str, code: str, fixes: list[str] | None
) -> None:
    ((found, advice),) = told(engine=engine, accelerator=accelerator, precision=precision)
    assert found == code
    assert fixes is None or set(fixes) <= set(advice)


@pytest.mark.parametrize(
    ("engine", "accelerator", "precision"),
    [
        ("vllm", "mi300x", "fp8"),
        ("llama.cpp", "m3-ultra", "q4_k_m"),
        ("llama.cpp", "epyc-9654", "q8_0"),
        ("llama.cpp", "rtx5090", "mxfp4"),
        ("tensorrt-llm", "h100-sxm", "fp8"),
        ("vllm", "tpu-v6e", "bf16"),
    ],
)
def test_what_runs_is_not_remarked_on(engine: str, accelerator: str, precision: str) -> None:
    assert told(engine=engine, accelerator=accelerator, precision=precision) == []


@pytest.mark.parametrize("engine", engines())
def test_every_accelerator_has_an_engine_and_every_engine_a_format(engine: str) -> None:
    facts = Facts()
    assert all(engines_for(facts, name, "bf16") for name in ids("accelerator"))
    names = facts.text(engine_entry(engine), "formats").split()
    assert set(names) <= set(ids("precision"))


def test_the_range_is_wider_where_an_engine_was_not_measured() -> None:
    fields: dict[str, Any] = {"accelerator": "epyc-9654", "in_flight": 1}
    spread = [
        np.log(speed.tpot_s.high / speed.tpot_s.low)
        for speed in (plan(**fields, engine=e).serving for e in ("llama.cpp", "vllm"))
    ]
    assert spread[1] > 1.2 * spread[0]


def test_other_layouts_hold_only_what_an_engine_can_run() -> None:
    """No link joins two of these machines, and llama.cpp reads no FP8."""
    alone = plan(accelerator="m3-ultra", engine="llama.cpp")
    tried = {"same": {}, "fp8": {"precision": "fp8"}, "q8": {"precision": "q8_0"}}
    assert list(variants(alone, tried, "serving")) == ["same", "q8"]
    foreign = plan(accelerator="m3-ultra", engine="vllm")
    assert list(variants(foreign, {"": {}, "two": {"tensor_parallel": 2}}, "serving")) == [""]
    for changed in variants(foreign, {"h200": {"accelerator": "h200-sxm"}}, "serving").values():
        assert changed.serving.e2e_s.base > 0


@pytest.mark.parametrize(
    ("engine", "precision", "ours"),
    [("Ollama", "q4_k_m", "llama.cpp"), ("lm-studio", "q8_0", "llama.cpp"),
     ("trtllm", "fp8", "tensorrt-llm")],
)  # fmt: skip
def test_programs_that_run_an_engine_are_understood(engine: str, precision: str, ours: str) -> None:
    found = plan(engine=engine, precision=precision, accelerator="rtx4090").scenario
    assert found.engine == ours


@pytest.mark.parametrize("written", ["vLLM", "SGLang", "TensorRT-LLM", "Llama.cpp", " vllm "])
def test_an_engine_is_known_however_it_is_written(written: str) -> None:
    assert Scenario(engine=written).engine == written.strip().lower()

"""What a release reserves and reads by its version: cells, buffers, steps, against public logs."""

from typing import Any

import pytest

from llminfra import Scenario, evaluate
from llminfra.errors import InvalidInput
from llminfra.facets.memory import Memory
from llminfra.launch import launch_command
from llminfra.units import GIB, MIB

ONE: dict[str, Any] = {"prompt_tokens": 512, "output_tokens": 128, "in_flight": 1}
OSS: dict[str, Any] = {"model": "gpt-oss-20b", "precision": "mxfp4", "engine": "llama.cpp",
                       "accelerator": "m5", "max_model_len": 131072}  # fmt: skip


def memory(**fields: Any) -> Memory:
    return evaluate(Scenario(**ONE | fields)).memory


def cache_mib(**fields: Any) -> float:
    return memory(**OSS | fields).kv_longest_bytes_per_accelerator.base / MIB


def buffer_mib(**fields: Any) -> float:
    return memory(**OSS | fields).activation_bytes_per_accelerator.base / MIB


def test_windows_of_llama_cpp_keep_a_micro_batch_and_a_window_for_each_slot() -> None:
    """12 full and 12 windowed layers of 1,024 values: 24 KiB a cell of each kind."""
    full = 12 * 131072 * 2 / 1024
    assert cache_mib(max_num_seqs=1) == full + 12 * 768 * 2 / 1024
    assert cache_mib(max_num_seqs=4) == full + 12 * 1024 * 2 / 1024
    assert cache_mib(max_num_seqs=1, micro_batch_tokens=2048) == 3072 + 54  # logged by b7217
    assert cache_mib(max_num_seqs=1, max_num_batched_tokens=512) == cache_mib(max_num_seqs=1)
    assert cache_mib(max_num_seqs=1, engine_version="b5426") == 2 * full


def test_a_slot_counts_once_where_requests_are_counted() -> None:
    one, four = (memory(**OSS, max_num_seqs=n) for n in (1, 4))
    assert one.max_sequences_guaranteed.base == four.max_sequences_guaranteed.base


def test_buffers_of_llama_cpp_follow_its_build() -> None:
    old = buffer_mib(micro_batch_tokens=2048, engine_version="b7217")
    assert old == pytest.approx(1672.08, rel=0.05)  # logged, the mask on the host
    assert buffer_mib(micro_batch_tokens=2048) == old + 2048 * 131072 * 2 / MIB
    few = {"model": "qwen3.8-27b", "precision": "q4_k_m", "accelerator": "mi300x"}
    logged = {"engine_version": "b10095", "max_model_len": 262144, "text_only": True}
    assert buffer_mib(**few, **logged) == pytest.approx(378.02, rel=0.001)  # logged in 2026-09
    assert buffer_mib(**few, max_model_len=262144) > 700
    assert buffer_mib(**few, **logged | {"engine_version": "custom"}) > 700


@pytest.mark.parametrize(("length", "gib"), [(20_000, 3.81), (29_000, 2.89)])
def test_vllm_before_0_8_reads_the_longest_prompt_in_one_step(length: int, gib: float) -> None:
    fields = {"model": "llama-3.1-8b", "accelerator": "rtx3090", "max_model_len": length}
    old = memory(**fields, engine_version="0.6.4").kv_pool_bytes_per_accelerator / GIB
    assert old.base == pytest.approx(gib, rel=0.03)
    later = memory(**fields, engine_version="0.8").kv_pool_bytes_per_accelerator / GIB
    assert later.base > old.base + 1
    stated = memory(**fields, engine_version="0.6.4", max_num_batched_tokens=2048)
    assert stated.kv_pool_bytes_per_accelerator.base == pytest.approx(later.base * GIB, rel=0.01)


def test_a_micro_batch_is_of_llama_cpp() -> None:
    with pytest.raises(InvalidInput, match="micro_batch_tokens must stand with engine = llama"):
        evaluate(Scenario(**ONE, micro_batch_tokens=512))
    assert "-ub 2048" in launch_command(evaluate(Scenario(**ONE, **OSS, micro_batch_tokens=2048)))


@pytest.mark.parametrize(
    ("model", "accelerator", "precision", "depth", "added_ms"),
    [
        ("glm-4.7-flash", "m2-ultra", "q8_0", 32768, 29.1),
        ("glm-4.7-flash", "gb10", "q8_0", 32768, 10.1),
        ("gpt-oss-120b", "m2-ultra", "mxfp4", 32768, 3.58),
        ("qwen3-30b-a3b", "radeon-ai-pro-r9700", "q4_k_m", 32768, 6.17),
    ],
)
def test_a_context_takes_as_long_under_llama_cpp_as_pairs_of_runs_show(
    model: str, accelerator: str, precision: str, depth: int, added_ms: float
) -> None:
    """Cache is read at 0.7 of the bandwidth, 0.4 on Apple's chips, latents far slower there.

    The prompt of the one request is read before its answer, and touches no experts in its steps.
    """
    fields = {"model": model, "accelerator": accelerator, "precision": precision,
              "engine": "llama.cpp", "output_tokens": 512, "in_flight": 1, "max_num_seqs": 1,
              "arrivals": "closed_loop", "max_model_len": 40000, "text_only": True}  # fmt: skip
    times = [
        evaluate(Scenario(**fields, prompt_tokens=n)).serving.tpot_s.base * 1e3 for n in (1, depth)
    ]
    assert times[1] - times[0] == pytest.approx(added_ms, rel=0.25)


@pytest.mark.parametrize(("program", "version"), [("koboldcpp", "1.95"), ("ollama", "0.12.6")])
def test_the_version_of_a_program_around_llama_cpp_is_no_build(program: str, version: str) -> None:
    with pytest.raises(InvalidInput, match="inside it, such as b9500"):
        evaluate(Scenario(**ONE | OSS | {"engine": program}, engine_version=version))
    assert cache_mib(engine=program, engine_version="7217", max_num_seqs=1) == cache_mib(
        max_num_seqs=1
    )


def test_the_default_micro_batch_is_no_larger_than_a_batch() -> None:
    assert buffer_mib(max_num_batched_tokens=256) == buffer_mib() / 2


def test_a_start_of_llama_cpp_is_helped_by_fewer_slots_and_by_no_share() -> None:
    asked = {"model": "gemma-3-12b", "precision": "q4_k_m", "accelerator": "rtx4090"}
    asked |= {"engine": "llama.cpp", "max_num_seqs": 64, "max_model_len": 72_980}
    for share in ({}, {"gpu_memory_utilization": 0.9}):
        (problem,) = evaluate(Scenario(**ONE, **asked, **share)).problems_of("memory")
        assert problem.code == "E-LEN"
        assert problem.fixes[0] == "max_num_seqs = 16"
    assert memory(**asked | {"max_num_seqs": 16}).fits


@pytest.mark.parametrize("length", [28_000, 32_768])
def test_the_longest_start_before_0_8_has_the_pool_of_its_own_step(length: int) -> None:
    fields = {"model": "llama-3.1-8b", "accelerator": "rtx3090", "engine_version": "0.7.3"}
    most = int(memory(**fields, max_model_len=length).max_model_len_accepted.base)
    assert memory(**fields, max_model_len=most).fits
    assert not memory(**fields, max_model_len=most + 16).fits


def test_vllm_before_0_8_has_the_limits_of_its_time_on_large_cards() -> None:
    fields = {"model": "llama-3.1-8b", "accelerator": "h100-sxm", "max_model_len": 40_000}
    old, later = (evaluate(Scenario(**ONE, **fields, engine_version=v)) for v in ("0.7.3", "0.8"))
    assert (old.memory.max_num_seqs.base, later.memory.max_num_seqs.base) == (256, 1024)
    assert old.deployment.newest_tested_version == "0.7"
    assert not old.problems_of("deployment")
    peaks = [plan.memory.activation_bytes_per_accelerator.base for plan in (old, later)]
    assert peaks[0] < 0.3 * peaks[1]


def test_no_sequence_is_guaranteed_where_the_greatest_length_does_not_start() -> None:
    asked = {"model": "gemma-3-12b", "precision": "q4_k_m", "accelerator": "rtx4090"}
    many, few = (memory(**asked, engine="llama.cpp", max_num_seqs=n) for n in (64, 4))
    assert many.max_model_len_accepted.base < 131_072 == few.max_model_len_accepted.base
    assert (many.max_sequences_guaranteed.base, few.max_sequences_guaranteed.base) == (0, 1)


@pytest.mark.parametrize(
    ("version", "words"),
    [("b9500", "decides how windows, mask and logits are kept"), ("master", "has no number")],
)
def test_a_build_of_llama_cpp_is_told_what_it_decides(version: str, words: str) -> None:
    plan = evaluate(Scenario(**ONE | OSS, engine_version=version))
    (warning,) = (found for found in plan.problems if found.code == "W-VERSION")
    assert words in warning.message
    assert "not tested" not in warning.message

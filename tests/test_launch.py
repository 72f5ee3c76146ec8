"""The command that starts an engine: each part of the layout once, nothing that was not asked."""

from typing import Any

import pytest

from llminfra import Scenario, evaluate, launch_command

GGUF: dict[str, Any] = {"engine": "llama.cpp", "accelerator": "rtx4090", "precision": "q4_k_m"}


@pytest.mark.parametrize(
    ("fields", "command"),
    [
        (
            {"model": "qwen3-32b", "accelerator": "h200-sxm", "tensor_parallel": 1},
            "vllm serve Qwen/Qwen3-32B",
        ),
        (
            {
                "model": "llama-3.3-70b",
                "accelerator": "h100-sxm",
                "precision": "fp8",
                "kv_precision": "fp8",
                "tensor_parallel": 2,
                "pipeline_parallel": 2,
                "max_model_len": 8192,
                "max_num_seqs": 64,
                "gpu_memory_utilization": 0.9,
            },
            "vllm serve meta-llama/Llama-3.3-70B-Instruct --tensor-parallel-size 2 "
            "--pipeline-parallel-size 2 --max-model-len 8192 --gpu-memory-utilization 0.9 "
            "--max-num-seqs 64 --kv-cache-dtype fp8 --quantization fp8",
        ),
        (
            {"model": "deepseek-r1", "accelerator": "h200-sxm", "tensor_parallel": 8}
            | {"precision": "fp8", "engine": "sglang", "expert_parallel": 8},
            "python -m sglang.launch_server --model-path deepseek-ai/DeepSeek-R1 --tp-size 8 "
            "--quantization fp8 --ep-size 8",
        ),
        (
            {"engine": "tensorrt-llm", "accelerator": "h100-sxm", "tensor_parallel": 4},
            "trtllm-serve meta-llama/Llama-3.3-70B-Instruct --tp_size 4",
        ),
        (
            {"engine": "tensorrt-llm", "accelerator": "h100-sxm", "tensor_parallel": 4}
            | {"gpu_memory_utilization": 0.8, "max_model_len": 4096, "max_num_seqs": 64}
            | {"max_num_batched_tokens": 4096},
            "trtllm-serve meta-llama/Llama-3.3-70B-Instruct --tp_size 4 --max_seq_len 4096 "
            "--kv_cache_free_gpu_memory_fraction 0.8 --max_batch_size 64 --max_num_tokens 4096",
        ),
        (
            {"tensor_parallel": 8, "prefix_cache_hit_fraction": [0.3, 0.6, 0.8]},
            "vllm serve meta-llama/Llama-3.3-70B-Instruct --tensor-parallel-size 8 "
            "--enable-prefix-caching",
        ),
        (
            {"engine": "llama.cpp", "accelerator": "h100-sxm", "precision": "q4_k_m"}
            | {"max_num_seqs": 8, "max_model_len": 4096, "kv_precision": "fp8"},
            "llama-server -m Llama-3.3-70B-Instruct-Q4_K_M.gguf -ngl 99 -c 32768 -np 8 "
            "-ctv q8_0 -ctk q8_0",
        ),
        (
            {"engine": "llama.cpp", "accelerator": "epyc-9654", "precision": "q8_0"}
            | {"model": "llama-3.1-8b", "max_model_len": 2048},
            "llama-server -m Llama-3.1-8B-Q8_0.gguf -c 8192 -np 4",
        ),
    ],
    ids=[
        "one accelerator",
        "everything",
        "experts",
        "other engine",
        "limits of another engine",
        "prompts that begin alike",
        "a file on a card",
        "a file on a processor",
    ],
)
def test_the_command_holds_the_layout(fields: dict[str, object], command: str) -> None:
    assert launch_command(evaluate(Scenario(**fields))) == command


def test_a_pool_that_holds_less_than_the_longest_context_limits_it() -> None:
    """An engine refuses to start on a length that its pool cannot hold."""
    plan = evaluate(Scenario(accelerator="h100-sxm", tensor_parallel=4, max_num_seqs=64))
    half = evaluate(Scenario(accelerator="a100-sxm-80", tensor_parallel=2))
    assert "--max-model-len" not in launch_command(plan)
    most = int(half.memory.max_model_len_accepted.base)
    assert 0 < most < half.deployment.max_model_len
    assert f"--max-model-len {most}" in launch_command(half)


def test_llama_server_shares_what_the_pool_holds() -> None:
    fields = {"engine": "llama.cpp", "accelerator": "rtx4090", "precision": "q4_k_m"}
    plan = evaluate(Scenario(model="llama-3.1-8b", **fields))
    context = int(plan.memory.kv_pool_tokens.base)
    assert f" -c {context} -np 4" in launch_command(plan)


@pytest.mark.parametrize(
    ("fields", "options"),
    [
        ({"model": "gemma-3-12b", "gpu_layers": 30}, "-ngl 30 "),
        ({"model": "gemma-3-12b", "hybrid_cache": False}, " --swa-full "),
        ({"model": "qwen3-30b-a3b", "host_expert_layers": 20}, "-ngl 99 --n-cpu-moe 20 "),
    ],
)
def test_llama_server_is_told_what_the_host_keeps(fields: dict[str, Any], options: str) -> None:
    command = launch_command(evaluate(Scenario(**GGUF, **fields)))
    assert options in command
    if "hybrid_cache" not in fields:
        assert "--swa-full" not in command


@pytest.mark.parametrize("prompt_tokens", [500, 30_000])
def test_each_slot_of_llama_server_holds_a_request_and_all_of_them_start(
    prompt_tokens: int,
) -> None:
    asked = {"model": "gemma-3-12b", "max_num_seqs": 64, "in_flight": 4}
    plan = evaluate(Scenario(**GGUF, **asked, prompt_tokens=prompt_tokens, output_tokens=200))
    words = launch_command(plan).split()
    context, slots = (int(words[words.index(name) + 1]) for name in ("-c", "-np"))
    assert 4 <= slots == plan.memory.max_sequences.base < 64
    assert context / slots >= plan.demand.tokens_per_request.base
    assert context <= plan.memory.longest_context(slots).base
    fields = {"max_model_len": min(context, 131_072), "max_num_seqs": slots}
    assert plan.variant(**fields).memory.fits

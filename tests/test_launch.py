"""The command that starts an engine: each part of the layout once, nothing that was not asked."""

import pytest

from llminfra import Scenario, evaluate, launch_command


@pytest.mark.parametrize(
    ("fields", "command"),
    [
        (
            {"model": "qwen3-32b", "accelerator": "h100-sxm", "tensor_parallel": 1},
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
    ],
    ids=["one accelerator", "everything", "experts", "other engine"],
)
def test_the_command_holds_the_layout(fields: dict[str, object], command: str) -> None:
    assert launch_command(evaluate(Scenario(**fields))) == command

"""The command that starts an engine in the layout of a plan."""

import shlex
from collections.abc import Iterator
from typing import Final

from llminfra.catalog.loader import model_entries
from llminfra.facets.deployment.workers import APART
from llminfra.plan import Plan

# Option of each engine for a part of the layout; empty where the engine has none.
_OPTIONS: Final = {
    "vllm": {
        "start": "vllm serve",
        "tensor": "--tensor-parallel-size",
        "pipeline": "--pipeline-parallel-size",
        "data": "--data-parallel-size",
        "expert": "--enable-expert-parallel",
        "length": "--max-model-len",
        "memory": "--gpu-memory-utilization",
        "sequences": "--max-num-seqs",
        "cache": "--kv-cache-dtype",
        "format": "--quantization",
    },
    "sglang": {
        "start": "python -m sglang.launch_server --model-path",
        "tensor": "--tp-size",
        "pipeline": "--pp-size",
        "data": "--dp-size",
        "expert": "--ep-size",
        "length": "--context-length",
        "memory": "--mem-fraction-static",
        "sequences": "--max-running-requests",
        "cache": "--kv-cache-dtype",
        "format": "--quantization",
    },
    "tensorrt-llm": {
        "start": "trtllm-serve",
        "tensor": "--tp_size",
        "pipeline": "--pp_size",
        "expert": "--ep_size",
        "length": "--max_seq_len",
        "sequences": "--max_batch_size",
    },
    "llama.cpp": {"start": "llama-server --model", "length": "--ctx-size"},
}
_FP8_CACHE: Final = {"vllm": "fp8", "sglang": "fp8_e4m3"}
_KV_TRANSFER: Final = '{{"kv_connector":"NixlConnector","kv_role":"{}"}}'
# What a prefill and a decode worker are told of their role.
_ROLES: Final = {
    "vllm": tuple(
        f"--kv-transfer-config '{_KV_TRANSFER.format(role)}'"
        for role in ("kv_producer", "kv_consumer")
    ),
    "sglang": ("--disaggregation-mode prefill", "--disaggregation-mode decode"),
}
_ON_LOAD: Final = ("fp8",)  # formats that engines make from 16-bit weights when they load them


def launch_command(plan: Plan) -> str:
    """Return the command that starts one replica as the plan has it.

    Parameters
    ----------
    plan : Plan
        The plan.

    Returns
    -------
    str
        One line for a shell. Weights in a format that engines do not make themselves must come
        from a checkpoint in that format, in place of the published one.

    Examples
    --------
    >>> from llminfra import Scenario, evaluate
    >>> launch_command(evaluate(Scenario(tensor_parallel=8, max_model_len=8192)))
    'vllm serve meta-llama/Llama-3.3-70B-Instruct --tensor-parallel-size 8 --max-model-len 8192'
    """
    return " ".join(_words(plan))


def launch_commands(plan: Plan) -> list[str]:
    """Return the commands of one replica: one, or one for each role of its workers.

    Parameters
    ----------
    plan : Plan
        The plan.

    Returns
    -------
    list of str
        Lines for a shell: of a replica, or of a prefill and of a decode worker. What routes between
        workers, and for TensorRT-LLM also tells their roles, is started beside them.

    Examples
    --------
    >>> from llminfra import Scenario, evaluate
    >>> pair = {"prefill_workers": 1, "decode_workers": 2, "engine": "sglang"}
    >>> for command in launch_commands(evaluate(Scenario(model="qwen3-32b", **pair))):
    ...     print(command.removeprefix("python -m sglang.launch_server --model-path "))
    Qwen/Qwen3-32B --disaggregation-mode prefill
    Qwen/Qwen3-32B --disaggregation-mode decode
    """
    prefill = plan.deployment.prefill
    if prefill is None:
        return [launch_command(plan)]
    asked = plan.scenario.to_dict()
    split = {"tensor_parallel": prefill.tensor_parallel, "data_parallel": prefill.data_parallel}
    split["expert_parallel"] = (
        prefill.accelerators_per_worker if asked["expert_parallel"] > 1 else 1
    )
    reader = plan.variant(**(dict.fromkeys(APART) | split))
    roles = _ROLES.get(asked["engine"], ("", ""))
    pairs = zip((reader, plan), roles, strict=True)
    return [" ".join(filter(None, (launch_command(each), role))) for each, role in pairs]


def _words(plan: Plan) -> Iterator[str]:
    asked, layout = plan.scenario.to_dict(), plan.deployment
    options = _OPTIONS[asked["engine"]]
    entry = model_entries().get(asked["model"], {})
    yield options["start"]
    yield shlex.quote(str(entry.get("hf_id") or asked["model"]))
    given = {
        "tensor": layout.tensor_parallel if layout.tensor_parallel > 1 else None,
        "pipeline": asked["pipeline_parallel"] if asked["pipeline_parallel"] > 1 else None,
        "data": asked["data_parallel"] if asked["data_parallel"] > 1 else None,
        "length": asked["max_model_len"],
        "memory": asked["gpu_memory_utilization"],
        "sequences": asked["max_num_seqs"],
        "cache": _FP8_CACHE.get(asked["engine"]) if asked["kv_precision"] == "fp8" else None,
        "format": asked["precision"] if asked["precision"] in _ON_LOAD else None,
    }
    for part, value in given.items():
        if value is not None and part in options:
            yield f"{options[part]} {value}"
    if asked["expert_parallel"] not in (None, 1, False) and "expert" in options:
        size = "" if asked["engine"] == "vllm" else f" {asked['expert_parallel']}"
        yield f"{options['expert']}{size}"

"""The command that starts an engine in the layout of a plan."""

import shlex
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any, Final

from llminfra.catalog.loader import model_entries
from llminfra.catalog.support import is_processor
from llminfra.errors import MissingFact
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
        "tokens": "--max-num-batched-tokens",
        "cache": "--kv-cache-dtype",
        "prefixes": "--enable-prefix-caching",
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
        "tokens": "--chunked-prefill-size",
        "cache": "--kv-cache-dtype",
        "format": "--quantization",
    },
    "tensorrt-llm": {
        "start": "trtllm-serve",
        "tensor": "--tp_size",
        "pipeline": "--pp_size",
        "expert": "--ep_size",
        "length": "--max_seq_len",
        "memory": "--kv_cache_free_gpu_memory_fraction",
        "sequences": "--max_batch_size",
        "tokens": "--max_num_tokens",
    },
    "llama.cpp": {
        "start": "llama-server -m",
        "layers": "-ngl",
        "host_experts": "--n-cpu-moe",
        "whole_windows": "--swa-full",
        "context": "-c",
        "slots": "-np",
        "tokens": "-b",
        "micro": "-ub",
        "cache": "-ctv q8_0 -ctk",
    },
}
_FP8_CACHE: Final = {"vllm": "fp8", "sglang": "fp8_e4m3", "llama.cpp": "q8_0"}
_ALL_LAYERS: Final = 99  # more than any model has: all of them on the accelerators
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
        from a checkpoint in that format, in place of the published one; for llama.cpp, from a file
        that is named as such files are. What is left to the engine's defaults is not named.

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
    >>> pair = {"prefill_workers": 1, "decode_workers": 2, "tensor_parallel": 2}
    >>> scenario = Scenario(model="qwen3-32b", engine="sglang", **pair)
    >>> for command in launch_commands(evaluate(scenario)):
    ...     print(command.removeprefix("python -m sglang.launch_server --model-path "))
    Qwen/Qwen3-32B --tp-size 2 --disaggregation-mode prefill
    Qwen/Qwen3-32B --tp-size 2 --disaggregation-mode decode
    """
    prefill = plan.deployment.prefill
    if prefill is None:
        return [launch_command(plan)]
    asked = plan.scenario
    split = {"tensor_parallel": prefill.tensor_parallel, "data_parallel": prefill.data_parallel}
    split["expert_parallel"] = prefill.accelerators_per_worker if asked.expert_parallel > 1 else 1
    reader = plan.variant(**(dict.fromkeys(APART) | split))
    roles = _ROLES.get(asked.engine, ("", ""))
    pairs = zip((reader, plan), roles, strict=True)
    return [" ".join(filter(None, (launch_command(each), role))) for each, role in pairs]


def _words(plan: Plan) -> Iterator[str]:
    asked, layout = plan.scenario, plan.deployment
    options = _OPTIONS[asked.engine]
    entry = model_entries().get(asked.model, {})
    yield options["start"]
    published = str(entry.get("hf_id") or asked.model)
    is_gguf = asked.engine == "llama.cpp"
    yield shlex.quote(_file_name(plan, published) if is_gguf else published)
    given = (_slots(plan) if is_gguf else {}) | {
        "tensor": layout.tensor_parallel if layout.tensor_parallel > 1 else None,
        "pipeline": asked.pipeline_parallel if asked.pipeline_parallel > 1 else None,
        "data": asked.data_parallel if asked.data_parallel > 1 else None,
        "length": _length(plan),
        "memory": asked.gpu_memory_utilization,
        "sequences": asked.max_num_seqs,
        "tokens": asked.max_num_batched_tokens,
        "micro": asked.micro_batch_tokens,
        "prefixes": "" if plan.resolved.changed() & {"prefix_cache_hit_fraction"} else None,
        "cache": _FP8_CACHE.get(asked.engine) if asked.kv_precision == "fp8" else None,
        "format": asked.precision if asked.precision in _ON_LOAD else None,
    }
    for part, value in given.items():
        if value is not None and part in options:
            yield f"{options[part]} {value}".rstrip()
    if asked.expert_parallel not in (None, 1, False) and "expert" in options:
        size = "" if asked.engine == "vllm" else f" {asked.expert_parallel}"
        yield f"{options['expert']}{size}"


def _length(plan: Plan) -> int | None:
    """Longest sequence: as asked, or what the pool holds where it is less than the model's."""
    asked = plan.scenario.max_model_len
    if asked is not None:
        return int(asked)
    try:
        memory, whole = plan.memory, plan.deployment.max_model_len
        most = int(memory.max_model_len_accepted.base)
    except MissingFact:
        return None
    return most if memory.fits and most < whole else None


def _file_name(plan: Plan, published: str) -> str:
    """Name of a GGUF file: that of the model and its format."""
    known = plan.scenario.model in model_entries()
    name = PurePath(published).name if known else plan.deployment.model_name
    return f"{name}-{plan.resolved.precision.upper()}.gguf"


def _slots(plan: Plan) -> dict[str, Any]:
    """Layers on the accelerators, requests at once, and the context that these share.

    Slots divide the context evenly: as many as hold a request each.
    """
    scenario = plan.resolved
    on_processor = is_processor(plan.facts_read_by("launch"), scenario.accelerator)
    layers = _ALL_LAYERS if scenario.gpu_layers is None else scenario.gpu_layers
    has_windows = any(g.window is not None for g in plan.deployment.architecture.cache_groups())
    found: dict[str, Any] = {
        "layers": None if on_processor else layers,
        "host_experts": scenario.host_expert_layers or None,
        "whole_windows": "" if has_windows and not scenario.hybrid_cache else None,
    }
    try:
        memory = plan.memory
        held = max(memory.max_sequences.base, 1)
        slots = int(min(memory.max_num_seqs.base, held))
        context = min(memory.kv_pool_tokens.base, memory.longest_context(slots).base)
    except MissingFact:
        return found
    return found | {"context": int(context) if memory.fits else None, "slots": slots}

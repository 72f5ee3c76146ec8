"""Fields of memory: what the engine may use, and what it takes beside weights and cache."""

from typing import Literal

from llminfra.facets import demand
from llminfra.facets.base import Banded, field

_MAX_BYTES = 1e13


class Inputs(demand.Inputs):
    """Fields that matter to memory, beside those of what is deployed and asked for."""

    gpu_memory_utilization: float | None = field(
        None,
        help="share of each accelerator's memory that the engine may use; none is its default",
        unit="1",
        minimum=0.05,
        maximum=1.0,
    )
    memory_basis: Literal["usable", "marketing"] = field(
        "usable", help="memory that the engine sees, or the size on the product page"
    )
    max_num_seqs: int | None = field(
        None,
        help="most sequences in one step; none is the engine's default",
        unit="sequence",
        minimum=1,
        maximum=65_536,
    )
    max_num_batched_tokens: int | None = field(
        None,
        help="most tokens in one step; none is the engine's default",
        unit="token",
        minimum=1,
        maximum=1_048_576,
    )
    activation_bytes: Banded | None = field(
        None,
        help="peak activation of one accelerator; none is estimated",
        unit="byte",
        minimum=0,
        maximum=_MAX_BYTES,
    )
    non_torch_bytes: Banded | None = field(
        None,
        help="memory outside the allocator of one accelerator; none is estimated",
        unit="byte",
        minimum=0,
        maximum=_MAX_BYTES,
    )
    runtime_bytes_per_accelerator: Banded | None = field(
        None,
        help="everything but weights and KV cache on one accelerator; none is estimated",
        unit="byte",
        minimum=0,
        maximum=_MAX_BYTES,
    )
    hybrid_cache: bool = field(
        True, help="layers with a window keep no more than it; false keeps whole sequences there"
    )
    kv_cache_bytes: Banded | None = field(
        None,
        help="memory for the KV cache of one accelerator, as engines can be told; none is the rest",
        unit="byte",
        minimum=1,
        maximum=_MAX_BYTES,
    )
    latent_cache: Literal["auto", "compressed", "full"] = field(
        "auto",
        help="how files for llama.cpp keep latent attention; auto is full for DeepSeek V2, whose "
        "files are mostly of 2024",
    )
    eager: bool = field(False, help="run without captured graphs, which makes small steps slower")
    decode_context_parallel: int = field(
        1,
        help="ranks of the tensor group that share the cache of a sequence; 1 is none",
        unit="accelerator",
        minimum=1,
        maximum=64,
    )
    gpu_layers: int | None = field(
        None,
        help="layers on accelerators under llama.cpp (-ngl); the host keeps the rest; none is all",
        unit="1",
        minimum=0,
        maximum=1000,
    )
    host_expert_layers: int = field(
        0,
        help="layers whose experts the host keeps and computes under llama.cpp (--n-cpu-moe)",
        unit="1",
        minimum=0,
        maximum=1000,
    )
    host_weight_bytes: Banded | None = field(
        None,
        help="weights of an accelerator that lie on the host and are read over its link each step",
        unit="byte",
        minimum=0,
        maximum=_MAX_BYTES,
    )
    lora_adapters: int = field(
        0, help="low-rank adapters held beside the model", unit="1", minimum=0, maximum=4096
    )
    lora_rank: int = field(
        16, help="rank that the engine reserves for each adapter", unit="1", minimum=1, maximum=1024
    )

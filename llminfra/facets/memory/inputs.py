"""Fields of memory: what the engine may use, and what it takes beside weights and cache."""

from typing import Literal

from llminfra.facets import demand
from llminfra.facets.base import Banded, amount, field

_MAX_BYTES = 1e13


class Inputs(demand.Inputs):
    """Fields that matter to memory, beside those of what is deployed and asked for."""

    gpu_memory_utilization: float | None = amount(
        None,
        "share of each accelerator's memory that the engine may use; none is its default",
        "1",
        within=(0.05, 1.0),
    )
    memory_basis: Literal["usable", "marketing"] = field(
        "usable", help="memory that the engine sees, or the size on the product page"
    )
    max_num_seqs: int | None = amount(
        None,
        "most sequences in one step; none is the engine's default",
        "sequence",
        within=(1, 65_536),
    )
    max_num_batched_tokens: int | None = amount(
        None,
        "most tokens in one step; none is the engine's default",
        "token",
        within=(1, 1_048_576),
    )
    micro_batch_tokens: int | None = amount(
        None,
        "tokens that llama.cpp takes in one pass (-ub); none is its default",
        "token",
        within=(1, 65_536),
    )
    activation_bytes: Banded | None = amount(
        None,
        "peak activation of one accelerator; none is estimated",
        "byte",
        within=(0, _MAX_BYTES),
    )
    non_torch_bytes: Banded | None = amount(
        None,
        "memory outside the allocator of one accelerator; none is estimated",
        "byte",
        within=(0, _MAX_BYTES),
    )
    runtime_bytes_per_accelerator: Banded | None = amount(
        None,
        "everything but weights and KV cache on one accelerator; none is estimated",
        "byte",
        within=(0, _MAX_BYTES),
    )
    hybrid_cache: bool = field(
        True, help="layers with a window keep no more than it; false keeps whole sequences there"
    )
    kv_cache_bytes: Banded | None = amount(
        None,
        "memory for the KV cache of one accelerator, as engines can be told; none is the rest",
        "byte",
        within=(1, _MAX_BYTES),
    )
    latent_cache: Literal["auto", "compressed", "full"] = field(
        "auto",
        help="how files for llama.cpp keep latent attention; auto is full for DeepSeek V2, whose "
        "files are mostly of 2024",
    )
    eager: bool = field(False, help="run without captured graphs, which makes small steps slower")
    decode_context_parallel: int = amount(
        1,
        "ranks of the tensor group that share the cache of a sequence; 1 is none",
        "accelerator",
        within=(1, 64),
    )
    gpu_layers: int | None = amount(
        None,
        "layers on accelerators under llama.cpp (-ngl); the host keeps the rest; none is all",
        "1",
        within=(0, 1000),
    )
    host_expert_layers: int = amount(
        0,
        "layers whose experts the host keeps and computes under llama.cpp (--n-cpu-moe)",
        "1",
        within=(0, 1000),
    )
    host_weight_bytes: Banded | None = amount(
        None,
        "weights of an accelerator that lie on the host and are read over its link each step",
        "byte",
        within=(0, _MAX_BYTES),
    )
    lora_adapters: int = amount(0, "low-rank adapters held beside the model", "1", within=(0, 4096))
    lora_rank: int = amount(
        16, "rank that the engine reserves for each adapter", "1", within=(1, 1024)
    )

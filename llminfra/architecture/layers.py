"""What a layer is made of: mixers (attention, recurrence) and MLPs (dense, experts).

Each class says which parameters it has and what it keeps per sequence; a new kind of layer is one
more small class here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from llminfra.architecture.groups import CacheGroup, CacheKind, WeightGroup


class Mixer(Protocol):
    """What mixes tokens: attention, a recurrence, or several side by side."""

    @property
    def n_heads(self) -> int:
        """Heads that tensor parallel must divide [1]."""

    @property
    def n_kv_heads(self) -> int:
        """KV heads that tensor parallel must divide or be a multiple of [1]."""

    def weights(self, hidden_size: int) -> tuple[WeightGroup, ...]:
        """Return the parameters of one layer."""

    def caches(self) -> tuple[CacheGroup, ...]:
        """Return what one layer keeps per sequence."""


class Mlp(Protocol):
    """What works on each token alone."""

    def weights(self, hidden_size: int) -> tuple[WeightGroup, ...]:
        """Return the parameters of one layer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gqa:
    """Attention whose query heads share KV heads in groups (one KV head: MQA, one each: MHA).

    Parameters
    ----------
    n_heads, n_kv_heads, head_dim : int
        Query heads, KV heads, width of a query or key head. [1]
    value_dim : int, optional
        Width of a value head where it differs. [1]
    window : int, optional
        Sliding window or, if `chunked`, length of chunks that attend only to themselves. [token]
    qkv_bias, out_bias : bool
        Biases of the projections.
    norm_count, gate_width, sinks : int
        Parameters of query and key norms, columns of an output gate, learned sinks. [1]
    shares_kv : bool
        Reads an earlier layer's cache: no KV projection, no cache of its own.
    value_is_key : bool
        One projection gives key and value; both are cached.
    is_fused : bool
        Files keep query, key and value as one matrix.

    Examples
    --------
    >>> grouped = Gqa(n_heads=64, n_kv_heads=8, head_dim=128)
    >>> grouped.caches()[0].values_per_token
    2048
    """

    n_heads: int
    n_kv_heads: int
    head_dim: int
    value_dim: int | None = None
    window: int | None = None
    chunked: bool = False
    qkv_bias: bool = False
    out_bias: bool = False
    norm_count: int = 0
    gate_width: int = 0
    sinks: int = 0
    shares_kv: bool = False
    value_is_key: bool = False
    is_fused: bool = False

    def weights(self, hidden_size: int) -> tuple[WeightGroup, ...]:
        """Return the parameters of one layer."""
        value_dim = self.value_dim or self.head_dim
        query = self.n_heads * self.head_dim
        widths = self.head_dim + (0 if self.value_is_key else value_dim)
        key_value = 0 if self.shares_kv else self.n_kv_heads * widths
        linear = query + self.gate_width + self.n_heads * value_dim
        heads = self.n_kv_heads
        return (
            WeightGroup("attention", hidden_size * linear),
            WeightGroup("kv_projection", hidden_size * key_value, "kv_heads", units=heads),
            WeightGroup("biases", query * self.qkv_bias + self.sinks, quantizable=False),
            WeightGroup("biases", key_value * self.qkv_bias, "kv_heads", False, heads),
            WeightGroup("biases", hidden_size * self.out_bias, "replicated", False),
            WeightGroup("norms", self.norm_count, "replicated", False),
        )

    def caches(self) -> tuple[CacheGroup, ...]:
        """Return what one layer keeps per sequence."""
        if self.shares_kv:
            return (CacheGroup("shared"),)
        limited: CacheKind = "chunk" if self.chunked else "window"
        kind: CacheKind = "full" if self.window is None else limited
        values = self.n_kv_heads * (self.head_dim + (self.value_dim or self.head_dim))
        return (CacheGroup(kind, 1, self.n_kv_heads, values, self.window),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mla:
    """Multi-head latent attention: one latent and one rotary key per token, on every rank.

    Parameters
    ----------
    n_heads : int
        Query heads. [1]
    kv_lora_rank, q_lora_rank : int
        Ranks of the latents; without `q_lora_rank` queries come straight from the residual. [1]
    rope_dim, nope_dim, value_dim : int
        Widths of a head: rotary part, plain part, value. [1]
    bias : bool
        Biases of the latent and output projections.
    gate_width : int
        Columns of an output gate. [1]
    index_heads, index_dim, index_tokens : int
        Heads and width of a sparse-attention indexer, 0 for none, and tokens of one of its keys.
        [1, 1, token]
    is_sparse : bool
        Attends to what an indexer chose, its own or that of an earlier layer.

    Examples
    --------
    DeepSeek-V3 keeps 576 values per token and layer:

    >>> latent = Mla(n_heads=128, kv_lora_rank=512, q_lora_rank=1536, rope_dim=64, nope_dim=128,
    ...              value_dim=128)
    >>> latent.caches()[0].values_per_token
    576
    """

    n_heads: int
    kv_lora_rank: int
    rope_dim: int
    nope_dim: int
    value_dim: int
    q_lora_rank: int | None = None
    bias: bool = False
    gate_width: int = 0
    index_heads: int = 0
    index_dim: int = 0
    index_tokens: int = 1
    is_sparse: bool = False

    @property
    def _eight_bit_bytes(self) -> int:
        """Entry of a sparse cache in 8 bits: latent with a scale per 128, rotary key in 16 bits."""
        return self.kv_lora_rank + 4 * -(-self.kv_lora_rank // 128) + 2 * self.rope_dim

    @property
    def n_kv_heads(self) -> int:
        """One latent serves all heads [1]."""
        return 1

    def weights(self, hidden_size: int) -> tuple[WeightGroup, ...]:
        """Return the parameters of one layer."""
        q_rank = self.q_lora_rank or 0
        latent = q_rank + self.kv_lora_rank + self.rope_dim
        query = (q_rank or hidden_size) * (self.nope_dim + self.rope_dim)
        key_value = self.kv_lora_rank * (self.nope_dim + self.value_dim)
        out = hidden_size * self.value_dim
        index_dim = self.index_dim if self.index_heads else 0
        indexer = self.index_heads * (q_rank * index_dim + hidden_size) + hidden_size * index_dim
        heads = self.n_heads * (query + key_value + out) + hidden_size * self.gate_width
        bias = (latent + hidden_size) * self.bias
        norms = q_rank + self.kv_lora_rank + 2 * index_dim
        return (
            WeightGroup("attention", heads),
            WeightGroup("latent", hidden_size * latent, "replicated"),
            WeightGroup("indexer", indexer, "replicated"),
            WeightGroup("biases", bias, "replicated", False),
            WeightGroup("norms", norms, "replicated", False),
        )

    def caches(self) -> tuple[CacheGroup, ...]:
        """Return what one layer keeps per sequence."""
        latent = CacheGroup(
            "latent",
            values_per_token=self.kv_lora_rank + self.rope_dim,
            eight_bit_bytes=self._eight_bit_bytes if self.index_heads or self.is_sparse else None,
        )
        return (latent, *index_cache(self.index_dim if self.index_heads else 0, self.index_tokens))


def index_cache(width: int, tokens_per_entry: int = 1) -> Iterator[CacheGroup]:
    """Yield the cache of an indexer: 8-bit keys and one 32-bit scale per entry."""
    if width:
        yield CacheGroup(
            "index",
            values_per_token=width,
            tokens_per_entry=tokens_per_entry,
            bytes_per_value=1 + 4 / width,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurrent:
    """Linear attention or state space: a state of constant size instead of a cache.

    Parameters
    ----------
    n_heads : int
        Heads that tensor parallel divides. [1]
    projections, replicated : int
        Parameters of the matrices that tensor parallel divides, and of those it does not. [1]
    others : int
        Parameters of convolution, decay and norms. [1]
    state_bytes : int
        State and convolution inputs of one sequence. [byte]
    qkv_width, out_width : int
        Columns of one matrix for query, key and value, and rows of the output's, where known. [1]
    """

    n_heads: int
    projections: int
    state_bytes: int
    others: int = 0
    replicated: int = 0
    qkv_width: int = 0
    out_width: int = 0

    @property
    def n_kv_heads(self) -> int:
        """No KV heads restrict the split [1]."""
        return 1

    def weights(self, hidden_size: int) -> tuple[WeightGroup, ...]:
        """Return the parameters of one layer."""
        return (
            WeightGroup("recurrent", self.projections),
            WeightGroup("recurrent", self.replicated, "replicated"),
            WeightGroup("norms", self.others, quantizable=False),
        )

    def caches(self) -> tuple[CacheGroup, ...]:
        """Return what one layer keeps per sequence."""
        return (CacheGroup("state", state_bytes=self.state_bytes),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """A rare mixer, or several side by side, given by the groups of one layer."""

    n_heads: int
    n_kv_heads: int
    groups: tuple[WeightGroup, ...]
    kept: tuple[CacheGroup, ...]

    def weights(self, hidden_size: int) -> tuple[WeightGroup, ...]:
        """Return the parameters of one layer."""
        return self.groups

    def caches(self) -> tuple[CacheGroup, ...]:
        """Return what one layer keeps per sequence."""
        return self.kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Dense:
    """A perceptron: up and down, and a third matrix when `gated`; its size in values [1]."""

    intermediate_size: int
    gated: bool = True
    bias: bool = False

    def weights(self, hidden_size: int) -> tuple[WeightGroup, ...]:
        """Return the parameters of one layer."""
        up = self.intermediate_size * (2 if self.gated else 1)
        return (
            WeightGroup("dense_mlp", hidden_size * (up + self.intermediate_size)),
            WeightGroup("biases", up * self.bias, quantizable=False),
            WeightGroup("biases", hidden_size * self.bias, "replicated", False),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Moe:
    """A mixture of experts: `top_k` of `n_experts` for a token, and shared ones for every token.

    Parameters
    ----------
    n_experts, top_k, intermediate_size : int
        Routed experts, how many a token uses, width of one. [1]
    shared_size : int
        Width of the shared experts together. [1]
    shared_gate, expert_bias, gated : bool
        A gate on the shared experts, biases in the routed ones, a third matrix in each.
    router_extra : int
        Parameters of the router beside its matrix. [1]
    latent_size : int, optional
        Width in which the routed experts work, where it is not that of the residual. [1]
    beside_mlp : bool
        Whether the shared part is a dense MLP of its own, which the experts stand beside.

    Examples
    --------
    Mixtral 8x7B uses 2 of 8 experts:

    >>> experts = Moe(n_experts=8, top_k=2, intermediate_size=14336).weights(4096)[0]
    >>> experts.active_count / experts.count
    0.25
    """

    n_experts: int
    top_k: int
    intermediate_size: int
    shared_size: int = 0
    shared_gate: bool = False
    expert_bias: bool = False
    router_extra: int = 0
    gated: bool = True
    latent_size: int | None = None
    beside_mlp: bool = False

    def weights(self, hidden_size: int) -> tuple[WeightGroup, ...]:
        """Return the parameters of one layer."""
        width, n = self.latent_size or hidden_size, self.n_experts
        matrices = 3 if self.gated else 2
        expert = width * self.intermediate_size * matrices
        bias = (self.intermediate_size * (matrices - 1) + width) * self.expert_bias
        router = (n + self.shared_gate) * hidden_size + self.router_extra
        return (
            WeightGroup("experts", n * expert, "expert", True, n, self.top_k),
            WeightGroup("biases", n * bias, "expert", False, n, self.top_k),
            WeightGroup("shared_experts", hidden_size * self.shared_size * matrices),
            WeightGroup("latent", 2 * hidden_size * (self.latent_size or 0), "replicated"),
            WeightGroup("router", router, "replicated", False),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """`count` equal layers in a row; `norm_count` and `extra` are those of one layer [1]."""

    mixer: Mixer | None = None
    mlp: Mlp | None = None
    count: int = 1
    norm_count: int = 0
    extra: tuple[WeightGroup, ...] = ()

    def weights(self, hidden_size: int) -> Iterator[WeightGroup]:
        """Yield the parameters of one of the layers."""
        if self.mixer:
            yield from self.mixer.weights(hidden_size)
        if self.mlp:
            yield from self.mlp.weights(hidden_size)
        yield WeightGroup("norms", self.norm_count, "replicated", False)
        yield from self.extra

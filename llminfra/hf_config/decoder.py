"""Builds a decoder from a configuration: one routine, and a `Style` that says how a family differs.

A style names what the configuration file cannot know: which norms, biases and gates the family's
class has, and what it assumes for absent keys. Mixers that are not grouped-query attention are
passed in as a function of the same form as `grouped_query`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any, Literal

from llminfra.architecture import (
    Architecture,
    Dense,
    Gqa,
    Layer,
    Mixer,
    Mla,
    Mlp,
    Moe,
    WeightGroup,
)
from llminfra.hf_config.fields import Fields

# True, False, or a key of the configuration and its default.
Switch = bool | tuple[str, bool]
Kind = Literal["full", "window", "chunk", "linear", "none"]
Mixing = Callable[[Fields, "Style", Kind, int], Mixer | None]
Feeding = Callable[[Fields, "Style", bool, int], Mlp | None]
Pattern = Callable[[Fields, "Style", int], list[Kind]]
Ends = Callable[[Fields, "Style"], tuple[WeightGroup, ...]]

_KINDS: dict[str, Kind] = {
    "full_attention": "full",
    "attention": "full",
    "indexed_attention": "full",
    "deepseek_sparse_attention": "full",
    "sliding_attention": "window",
    "chunked_attention": "chunk",
    "linear_attention": "linear",
    "mamba": "linear",
    "conv": "linear",
}
StyleOf = Callable[[Fields], "Style"]


def _nothing(f: Fields, s: "Style") -> tuple[WeightGroup, ...]:
    return ()


@dataclass(frozen=True, kw_only=True)
class Style:
    """How a family differs from Llama.

    Parameters
    ----------
    defaults : mapping
        Values of absent keys.
    norms, norm_width : int
        Norms of one layer, and 1 for a weight, 2 for weight and bias, 0 for neither. [1]
    final_norms : int
        Norms outside the layers. [1]
    qkv_bias, out_bias, mlp_bias, head_bias : Switch
        Which linear layers have biases.
    qk_norm, qk_norm_if : str, Switch
        Norms of query and key: one for all heads ("head"), one for each ("all"), and when.
    fused, gated, shared_gate, expert_bias : bool
        One matrix of query, key and value, third matrix in the MLP, gate on shared experts, biases
        in experts.
    router_extra : int
        Parameters per expert in the router beside its matrix. [1]
    full_every : int or str
        Every how many layers attention is not windowed, or the key that says so; 0 for never.
    sparse : bool
        The family has experts.
    mlp_ratio : int
        Width of the MLP per hidden size where the configuration gives none. [1]
    kinds, mixer, mlp, before, after, extra : callable
        Replace the routine for one part.
    unlimited : Switch
        Positions are a bias of attention or left out, so that nothing ends the context.
    unknown : tuple of str
        Keys whose effect on the parameters is not known.
    """

    defaults: Mapping[str, Any] = field(default_factory=dict)
    norms: int = 2
    norm_width: int = 1
    final_norms: int = 1
    qkv_bias: Switch = False
    out_bias: Switch = False
    mlp_bias: Switch = False
    head_bias: Switch = False
    qk_norm: Literal["", "head", "all"] = ""
    qk_norm_if: Switch = True
    fused: bool = False
    gated: bool = True
    shared_gate: bool = False
    expert_bias: bool = False
    router_extra: int = 0
    full_every: int | str = 0
    sparse: bool = False
    mlp_ratio: int = 0
    mixer: Mixing | None = None
    mlp: Feeding | None = None
    kinds: Pattern | None = None
    before: Ends = _nothing
    after: Ends = _nothing
    extra: Ends = _nothing
    unlimited: Switch = False
    unknown: tuple[str, ...] = ()


def switch(f: Fields, setting: Switch) -> bool:
    """Resolve a switch against the configuration."""
    return setting if isinstance(setting, bool) else f.flag(*setting)


def decoder(f: Fields, s: Style, model_type: str) -> Architecture:
    """Build the architecture of a decoder-only model."""
    for key in s.unknown:
        if f.raw(key) not in (None, False):
            raise f.wrong(key, f"absent: its effect on the size of a {model_type} is not known")
    hidden, n_layers = f.need("hidden_size"), f.need("num_hidden_layers")
    kinds = (s.kinds or layer_kinds)(f, s, n_layers)
    sparse = sparse_layers(f, n_layers) if s.sparse else [False] * n_layers
    norm_count = hidden * s.norms * s.norm_width
    layers = [
        Layer(
            mixer=(s.mixer or grouped_query)(f, s, kind, i),
            mlp=(s.mlp or feed_forward)(f, s, sparse[i], i),
            norm_count=norm_count,
            extra=s.extra(f, s),
        )
        for i, kind in enumerate(kinds)
    ]
    norms = WeightGroup("norms", hidden * s.final_norms * s.norm_width, "replicated", False)
    bias = f.need("vocab_size") if switch(f, s.head_bias) else 0
    return Architecture(
        model_type=model_type,
        hidden_size=hidden,
        vocab_size=f.need("vocab_size"),
        layers=runs(layers),
        tied_embeddings=f.flag("tie_word_embeddings"),
        max_context_tokens=context(f),
        has_unlimited_positions=switch(f, s.unlimited) or _has_no_position(f),
        embedding_size=f.maybe("word_embed_proj_dim"),
        before=s.before(f, s),
        after=(norms, WeightGroup("biases", bias, quantizable=False), *s.after(f, s)),
    )


def runs(layers: list[Layer]) -> tuple[Layer, ...]:
    """Join equal neighbours."""
    return tuple(replace(layer, count=len(list(same))) for layer, same in groupby(layers))


def grouped_query(f: Fields, s: Style, kind: Kind, layer: int) -> Gqa:
    """Build grouped-query attention, with a window where `kind` says so."""
    n_heads, n_kv_heads, head_dim = heads(f)
    widths = {"": 0, "head": 2 * head_dim, "all": (n_heads + n_kv_heads) * head_dim}
    key = "attention_chunk_size" if kind == "chunk" else "sliding_window"
    window = None if kind == "full" else f.need(key)
    longest = context(f)
    if window and longest and window >= longest:  # it never slides
        window = None
    return Gqa(
        n_heads=n_heads,
        n_kv_heads=n_kv_heads,
        head_dim=head_dim,
        window=window,
        chunked=kind == "chunk" and window is not None,
        qkv_bias=switch(f, s.qkv_bias),
        out_bias=switch(f, s.out_bias),
        norm_count=widths[s.qk_norm] if switch(f, s.qk_norm_if) else 0,
        is_fused=s.fused,
    )


def heads(f: Fields) -> tuple[int, int, int]:
    """Return query heads, KV heads and head width, which must divide each other."""
    n_heads = f.need("num_attention_heads")
    n_kv_heads = f.maybe("num_key_value_heads") or n_heads
    if n_heads % n_kv_heads:
        raise f.wrong("num_key_value_heads", f"a divisor of the {n_heads} attention heads")
    head_dim = f.maybe("head_dim")
    if head_dim is None and f.need("hidden_size") % n_heads:
        raise f.wrong("hidden_size", f'a multiple of the {n_heads} heads, or "head_dim" given')
    return n_heads, n_kv_heads, head_dim or f.need("hidden_size") // n_heads


def latent_attention(f: Fields, s: Style, kind: Kind, layer: int) -> Mla:
    """Build multi-head latent attention, with an indexer where the configuration has one."""
    indexed = f.has("index_n_heads") and layer_has_indexer(f, layer)
    return Mla(
        n_heads=f.need("num_attention_heads"),
        kv_lora_rank=f.need("kv_lora_rank"),
        q_lora_rank=f.maybe("q_lora_rank"),
        rope_dim=f.need("qk_rope_head_dim", low=0),
        nope_dim=f.need("qk_nope_head_dim"),
        value_dim=f.need("v_head_dim"),
        bias=f.flag("attention_bias"),
        index_heads=f.need("index_n_heads") if indexed else 0,
        index_dim=f.need("index_head_dim") if indexed else 0,
        index_tokens=f.get("index_kpool", 1, low=1),
        is_sparse=f.has("index_n_heads"),
    )


def layer_has_indexer(f: Fields, layer: int) -> bool:
    """Tell whether a layer chooses its own tokens or reuses an earlier layer's choice."""
    types = f.per_layer("indexer_types", f.need("num_hidden_layers"), ("full", "shared"))
    if types:
        return bool(types[layer] == "full")
    every = f.get("index_topk_freq", 1, low=1)
    return max(layer + 1 - f.get("index_skip_topk_offset", 2), 0) % every == 0


def feed_forward(f: Fields, s: Style, sparse: bool, layer: int) -> Mlp:
    """Build a dense MLP or a mixture of experts."""
    if not sparse:
        size = f.maybe("intermediate_size", layer) if s.mlp_ratio else None
        size = size or s.mlp_ratio * f.need("hidden_size") or f.need("intermediate_size", layer)
        return Dense(intermediate_size=size, gated=s.gated, bias=switch(f, s.mlp_bias))
    n_experts = f.need("num_experts")
    size = f.maybe("moe_intermediate_size", layer) or f.need("intermediate_size", layer)
    shared = f.get("num_shared_experts", 0, layer) * size
    shared = f.get("shared_expert_intermediate_size", shared)
    return Moe(
        n_experts=n_experts,
        top_k=top_k(f, n_experts, layer),
        intermediate_size=size,
        shared_size=shared,
        shared_gate=s.shared_gate and shared > 0,
        expert_bias=s.expert_bias,
        router_extra=s.router_extra * n_experts,
        gated=s.gated,
        latent_size=f.maybe("moe_latent_size"),
    )


def top_k(f: Fields, n_experts: int, layer: int) -> int:
    """Return how many experts a token uses."""
    used = f.need("num_experts_per_tok", layer)
    if used > n_experts:
        raise f.wrong("num_experts_per_tok", f"at most the {n_experts} experts")
    return used


def layer_kinds(f: Fields, s: Style, n_layers: int) -> list[Kind]:
    """Return what each layer attends to: the listed types, else the family's pattern."""
    kinds: list[Kind]
    names = f.per_layer("layer_types", n_layers, _KINDS)
    if names:
        kinds = [_KINDS[name] for name in names]
    elif f.has("attention_chunk_size"):
        kinds = ["chunk" if rope else "full" for rope in _rope_layers(f, n_layers)]
    else:
        every = s.full_every if isinstance(s.full_every, int) else _period(f, s.full_every)
        first = f.get("max_window_layers", 0)
        kinds = [
            "full" if i < first or (every and (i + 1) % every == 0) else "window"
            for i in range(n_layers)
        ]
    windowed = f.has("sliding_window") and f.flag("use_sliding_window", default=True)
    return kinds if windowed else ["full" if kind == "window" else kind for kind in kinds]


def all_full(f: Fields, s: Style, n_layers: int) -> list[Kind]:
    """Return full attention for every layer, for families without another kind."""
    return ["full"] * n_layers


def _period(f: Fields, key: str) -> int:
    """Return every how many layers attention is full; some files write 4 as LLLG."""
    value = f.raw(key)
    return len(value) if isinstance(value, str) else f.get(key, 0)


def _rope_layers(f: Fields, n_layers: int) -> list[int]:
    every = f.get("no_rope_layer_interval", 4, low=1)
    default = [int((i + 1) % every != 0) for i in range(n_layers)]
    return f.per_layer("no_rope_layers", n_layers, (0, 1)) or default


def sparse_layers(f: Fields, n_layers: int) -> list[bool]:
    """Return which layers have experts, however the family says so."""
    types = f.per_layer("mlp_layer_types", n_layers, ("dense", "sparse", "moe", "hash_moe"))
    if types:
        return [name != "dense" for name in types]
    if isinstance(f.raw("moe_layer_freq"), list):
        return [x == 1 for x in f.per_layer("moe_layer_freq", n_layers, (0, 1)) or ()]
    chosen = f.indices("moe_layers", n_layers)
    dense = f.indices("mlp_only_layers", n_layers) or set()
    first, last = f.get("first_k_dense_replace", 0), f.get("moe_layer_end_index", n_layers)
    return [
        (i in chosen if chosen is not None else _in_step(f, i))
        and i not in dense
        and first <= i <= last
        for i in range(n_layers)
    ]


def _in_step(f: Fields, layer: int) -> bool:
    """Tell whether a layer has experts by the family's period."""
    if f.has("expert_layer_period"):
        return layer % f.need("expert_layer_period") == f.get("expert_layer_offset", 1)
    if f.has("moe_layer_freq"):
        return layer % f.need("moe_layer_freq") == 0
    for key in ("decoder_sparse_step", "interleave_moe_layer_step", "moe_layer_interval"):
        if f.has(key):
            return (layer + 1) % f.need(key) == 0
    return True


def _has_no_position(f: Fields) -> bool:
    return f.raw("position_embedding_type") in ("alibi", "nope")


def context(f: Fields) -> int | None:
    """Return the longest sequence: the trained length, stretched where the file says so."""
    trained = f.maybe("max_position_embeddings")
    scaling = f.section("rope_scaling" if f.has("rope_scaling") else "rope_parameters")
    kind = scaling.raw("rope_type") or scaling.raw("type")
    factor = scaling.raw("factor")
    original = scaling.maybe("original_max_position_embeddings")
    if trained is None or type(factor) not in (int, float) or not 1 <= factor <= 10_000:
        return trained
    if kind == "yarn":
        return max(trained, int((original or trained) * factor))
    stretched = kind in ("linear", "dynamic") and not f.flag("rope_scaling_included")
    return int(trained * factor) if stretched else trained

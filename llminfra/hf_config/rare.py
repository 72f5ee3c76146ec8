"""Families with parts that no other has: layer embeddings, compressed attention, pruned layers."""

from dataclasses import replace
from typing import Final

from llminfra.architecture import (
    CacheGroup,
    Dense,
    Gqa,
    Mlp,
    Moe,
    Parts,
    WeightGroup,
    index_cache,
)
from llminfra.hf_config.decoder import (
    Kind,
    Style,
    StyleOf,
    all_full,
    feed_forward,
    grouped_query,
    layer_kinds,
    top_k,
)
from llminfra.hf_config.fields import Fields


def _norms(count: int) -> WeightGroup:
    return WeightGroup("norms", count, "replicated", False)


def _linear(name: str, count: int) -> WeightGroup:
    """Matrices that engines do not divide."""
    return WeightGroup(name, count, "replicated")


# --- Gemma 3n and Gemma 4: an embedding per layer, layers that share the cache of earlier ones


def _shares_kv(f: Fields, layer: int) -> bool:
    return layer >= f.need("num_hidden_layers") - f.get("num_kv_shared_layers", 0)


def _per_layer_input(f: Fields, s: Style) -> tuple[WeightGroup, ...]:
    """Each layer's gate and projection of its own embedding."""
    width, hidden = f.get("hidden_size_per_layer_input", 0), f.need("hidden_size")
    return (_linear("per_layer", 2 * width * hidden), _norms(hidden * (width > 0)))


def _per_layer_tables(f: Fields, s: Style) -> tuple[WeightGroup, ...]:
    """The embeddings of all layers, and the projection that makes a second one."""
    width = f.get("hidden_size_per_layer_input", 0)
    if not width:
        return ()
    total = width * f.need("num_hidden_layers")
    table = f.need("vocab_size_per_layer_input") * total
    return (
        WeightGroup("embedding", table, quantizable=False),
        _linear("per_layer", total * f.need("hidden_size")),
        _norms(width),
    )


def _gemma4_attention(f: Fields, s: Style, kind: Kind, layer: int) -> Gqa:
    """Full layers have wider heads, fewer KV heads, and may cache their keys as values."""
    attention = grouped_query(f, s, kind, layer)
    head_dim, n_kv_heads = attention.head_dim, attention.n_kv_heads
    same = f.flag("attention_k_eq_v") and kind == "full"
    if kind == "full":
        head_dim = f.get("global_head_dim", 512, low=1)
    if same:
        n_kv_heads = f.get("num_global_key_value_heads", n_kv_heads, low=1)
    shared = _shares_kv(f, layer)
    return replace(
        attention,
        head_dim=head_dim,
        n_kv_heads=n_kv_heads,
        norm_count=head_dim * (1 if shared else 2),
        shares_kv=shared,
        value_is_key=same,
    )


def _gemma4_mlp(f: Fields, s: Style, sparse: bool, layer: int) -> Mlp:
    """A dense MLP, beside experts in the models that have them."""
    size = f.need("intermediate_size")
    if not f.flag("enable_moe_block"):
        wide = f.flag("use_double_wide_mlp") and _shares_kv(f, layer)
        return Dense(intermediate_size=size * (2 if wide else 1))
    n_experts = f.need("num_experts")
    return Moe(
        n_experts=n_experts,
        top_k=top_k(f, n_experts, layer),
        intermediate_size=f.need("moe_intermediate_size"),
        shared_size=size,
        router_extra=f.need("hidden_size") + n_experts,
        beside_mlp=True,
    )


def _gemma4_kinds(f: Fields, s: Style, n_layers: int) -> list[Kind]:
    """The last layer always sees everything."""
    return [*layer_kinds(f, s, n_layers)[:-1], "full"]


def _gemma4(f: Fields) -> Style:
    return Style(
        norms=7 if f.flag("enable_moe_block") else 4,
        qkv_bias=("attention_bias", False),
        out_bias=("attention_bias", False),
        full_every=6,
        kinds=_gemma4_kinds,
        mixer=_gemma4_attention,
        mlp=_gemma4_mlp,
        before=_per_layer_tables,
        extra=_per_layer_input,
        defaults={
            "tie_word_embeddings": True,
            "head_dim": 256,
            "sliding_window": 512,
            "hidden_size_per_layer_input": 256,
            "vocab_size_per_layer_input": 262_144,
        },
    )


def _gemma3n_attention(f: Fields, s: Style, kind: Kind, layer: int) -> Gqa:
    attention, shared = grouped_query(f, s, kind, layer), _shares_kv(f, layer)
    norm_count = attention.head_dim * (1 if shared else 2)
    return replace(attention, norm_count=norm_count, shares_kv=shared)


def _gemma3n_layer(f: Fields, s: Style) -> tuple[WeightGroup, ...]:
    """Alternating updates over several copies of the residual, and a low-rank side path."""
    hidden, n = f.need("hidden_size"), f.need("altup_num_inputs")
    rank = f.need("laurel_rank")
    return (
        *_per_layer_input(f, s),
        _linear("per_layer", 2 * rank * hidden + n * hidden + n**2 + n**3),
        _norms(3 * hidden),
    )


def _gemma3n_tables(f: Fields, s: Style) -> tuple[WeightGroup, ...]:
    copies = 2 * (f.need("altup_num_inputs") - 1) * f.need("hidden_size") ** 2
    return (*_per_layer_tables(f, s), _linear("per_layer", copies))


_GEMMA3N: Final = Style(
    norms=4,
    qkv_bias=("attention_bias", False),
    out_bias=("attention_bias", False),
    full_every=5,
    mixer=_gemma3n_attention,
    before=_gemma3n_tables,
    extra=_gemma3n_layer,
    defaults={
        "tie_word_embeddings": True,
        "sliding_window": 512,
        "head_dim": 256,
        "hidden_size_per_layer_input": 256,
        "vocab_size_per_layer_input": 262_144,
        "altup_num_inputs": 4,
        "laurel_rank": 64,
        "num_kv_shared_layers": 15,
        "max_position_embeddings": 32_768,
    },
)


# --- DeepSeek-V4: one KV head, a window, and a compressed past in most layers

_RATIO: Final = {
    "sliding_attention": 0,
    "compressed_sparse_attention": 4,
    "heavily_compressed_attention": 128,
}


# A page of 64 entries of 584 bytes, aligned to 576, holds 4 or 8 tokens of 32,768 bytes in all.
_PAGE_PADDING: Final = 37_440 / 32_768


def _ratio(f: Fields, layer: int) -> int:
    """Tokens per compressed entry, 0 for none; 4 is the sparse kind with an indexer."""
    n_layers = f.need("num_hidden_layers")
    listed = f.per_layer("compress_ratios", n_layers, _RATIO.values())
    if listed:
        return int(listed[layer])
    names = f.per_layer("layer_types", n_layers, _RATIO)
    if names:
        return _RATIO[names[layer]]
    return 4 if layer > 1 and layer % 2 else 128


def _deepseek_v4_attention(f: Fields, s: Style, kind: Kind, layer: int) -> Parts:
    hidden, n_heads, width = (
        f.need("hidden_size"),
        f.need("num_attention_heads"),
        f.need("head_dim"),
    )
    q_rank, ratio = f.need("q_lora_rank"), _ratio(f, layer)
    out = f.need("o_groups") * f.need("o_lora_rank")
    heads = n_heads * width * q_rank + out * hidden
    heads += n_heads * width * f.need("o_lora_rank")
    window = CacheGroup("window", values_per_token=width, window=f.need("sliding_window"))
    groups = (
        WeightGroup("attention", heads),
        _linear("latent", hidden * (q_rank + width)),
        WeightGroup("biases", n_heads, quantizable=False),
        _norms(q_rank + width),
    )
    compressor, kept = _compressor(f, ratio)
    return Parts(n_heads=n_heads, n_kv_heads=1, groups=groups + compressor, kept=(window, *kept))


def _compressor(f: Fields, ratio: int) -> tuple[tuple[WeightGroup, ...], tuple[CacheGroup, ...]]:
    """What turns `ratio` tokens into one entry; windows overlap in the sparse kind."""
    if not ratio:
        return (), ()
    hidden, width, sparse = (
        f.need("hidden_size"),
        f.need("head_dim"),
        ratio == _RATIO["compressed_sparse_attention"],
    )
    overlap = 2 if sparse else 1
    entry = CacheGroup("latent", values_per_token=width, tokens_per_entry=ratio)
    linear, small = 2 * overlap * width * hidden, ratio * overlap * width + width
    groups: tuple[WeightGroup, ...] = (_linear("latent", linear), _norms(small))
    buffer = _buffer(overlap * ratio, 2 * overlap * width)
    if not sparse:
        return groups, (entry, buffer)
    index, n_index = f.need("index_head_dim"), f.need("index_n_heads")
    indexer = 4 * index * hidden + f.need("q_lora_rank") * n_index * index + n_index * hidden
    groups += (_linear("indexer", indexer), _norms(ratio * 2 * index + index))
    kept = (entry, buffer, *index_cache(index, ratio), _buffer(2 * ratio, 4 * index))
    return groups, kept


def _buffer(tokens: int, values: int) -> CacheGroup:
    """Keys and scores that wait to be compressed, in 32 bits and padded to the page of an entry."""
    return CacheGroup(
        "buffer",
        values_per_token=values,
        window=tokens,
        bytes_per_value=4 * _PAGE_PADDING,
    )


def hyper_connections(f: Fields, s: Style) -> tuple[WeightGroup, ...]:
    """Count what mixes the parallel residuals around a layer."""
    n = f.need("hc_mult")
    weights = (2 + n) * n
    return (_norms(2 * (weights * n * f.need("hidden_size") + weights + 3)),)


def hyper_head(f: Fields, s: Style) -> tuple[WeightGroup, ...]:
    """Count what joins the parallel residuals at the end."""
    n = f.need("hc_mult")
    return (_norms(n * n * f.need("hidden_size") + n + 1),)


_DEEPSEEK_V4: Final = Style(
    sparse=True,
    kinds=all_full,
    mixer=_deepseek_v4_attention,
    extra=hyper_connections,
    after=hyper_head,
    unknown=("mlp_bias", "attention_bias"),
    defaults={"sliding_window": 128, "hc_mult": 4},
)


# --- MiniMax-M3: grouped-query attention that reads blocks chosen by an indexer


def _minimax_m3(f: Fields) -> Style:
    sparse = f.section("sparse_attention_config")
    chosen = sparse.per_layer("sparse_attention_freq", f.need("num_hidden_layers"), (0, 1))

    def mixer(g: Fields, s: Style, kind: Kind, layer: int) -> Gqa | Parts:
        attention, hidden = grouped_query(g, s, "full", layer), g.need("hidden_size")
        if not chosen or not chosen[layer]:
            return attention
        width, n_index = sparse.need("sparse_index_dim"), sparse.need("sparse_num_index_heads")
        indexer = (_linear("indexer", hidden * (n_index + 1) * width), _norms(2 * width))
        return Parts(
            n_heads=attention.n_heads,
            n_kv_heads=attention.n_kv_heads,
            groups=(*attention.weights(hidden), *indexer),
            kept=(*attention.caches(), CacheGroup("index", values_per_token=width)),
        )

    return Style(qk_norm="head", sparse=True, kinds=all_full, mixer=mixer, mlp=_minimax_m3_mlp)


def _minimax_m3_mlp(f: Fields, s: Style, sparse: bool, layer: int) -> Mlp:
    if sparse:
        return feed_forward(f, s, True, layer)
    return Dense(intermediate_size=f.need("dense_intermediate_size"))


# --- Step 3.5: windowed layers with more query heads, a gate per head


def _step_attention(f: Fields, s: Style, kind: Kind, layer: int) -> Gqa:
    attention = grouped_query(f, s, kind, layer)
    other = f.section("attention_other_setting")
    n_heads = attention.n_heads
    if kind == "window":
        n_heads = other.get("num_attention_heads", n_heads, low=1)
    return replace(attention, n_heads=n_heads, gate_width=n_heads)


def step(f: Fields) -> Style:
    """Layers with experts are listed as text, where they are listed."""
    listed = f.raw("moe_layers_enum")
    numbers = listed.split(",") if isinstance(listed, str) else []
    if listed is not None and not all(n.strip().isdecimal() and len(n) < 9 for n in numbers):
        raise f.wrong("moe_layers_enum", "layer numbers separated by commas")
    chosen = {int(n) for n in numbers}
    n_layers = f.need("num_hidden_layers")
    defaults = (
        {"mlp_layer_types": ["sparse" if i in chosen else "dense" for i in range(n_layers)]}
        if chosen
        else {"first_k_dense_replace": 3}
    )
    return Style(qk_norm="head", sparse=True, mixer=_step_attention, defaults=defaults)


# --- Nemotron-NAS: every layer pruned on its own


def _nemotron_nas(f: Fields) -> Style:
    blocks = f.raw("block_configs")
    n_layers = f.need("num_hidden_layers")
    if not isinstance(blocks, list) or len(blocks) != n_layers:
        raise f.wrong("block_configs", f"a list with one entry for each of the {n_layers} layers")
    parts = [Fields({"block": block}, f.origin).section("block") for block in blocks]

    def mixer(g: Fields, s: Style, kind: Kind, layer: int) -> Gqa | None:
        attention = parts[layer].section("attention")
        if attention.flag("no_op"):
            return None
        groups = attention.need("n_heads_in_group")
        full = grouped_query(g, s, "full", layer)
        if full.n_heads % groups:
            raise attention.wrong("n_heads_in_group", f"a divisor of {full.n_heads} heads")
        return replace(full, n_kv_heads=full.n_heads // groups)

    def mlp(g: Fields, s: Style, sparse: bool, layer: int) -> Dense | None:
        ffn = parts[layer].section("ffn")
        factor = ffn.raw("ffn_mult")
        if ffn.flag("no_op"):
            return None
        if type(factor) not in (int, float) or not 0 < factor <= 100:
            raise ffn.wrong("ffn_mult", "a number above 0, up to 100")
        size = int(2 * factor * g.need("hidden_size") / 3)
        return Dense(intermediate_size=-(-size // 256) * 256)

    return Style(mixer=mixer, mlp=mlp)


RARE: Final[dict[str, Style | StyleOf]] = {
    "deepseek_v4": _DEEPSEEK_V4,
    "gemma3n_text": _GEMMA3N,
    "gemma4_text": _gemma4,
    "minimax_m3": _minimax_m3,
    "nemotron-nas": _nemotron_nas,
    "step3p5": step,
}
SAME_AS: Final[dict[str, str]] = {
    "deepseek_ref": "deepseek_v4",
    "gemma3n": "gemma3n_text",
    "gemma4": "gemma4_text",
    "gemma4_unified": "gemma4_text",
    "gemma4_unified_text": "gemma4_text",
    "minimax_m3_vl": "minimax_m3",
    "minimax_m3_vl_text": "minimax_m3",
    "step3p7": "step3p5",
}

"""Families whose layers are attention and an MLP: what each assumes beyond its configuration file.

Counts were checked against the classes of the transformers package (5.24) on the meta device.
"""

from dataclasses import replace
from typing import Final

from llminfra.architecture import Dense, Gqa, Mlp, Moe, WeightGroup
from llminfra.hf_config.decoder import (
    Ends,
    Kind,
    Mixing,
    Style,
    StyleOf,
    all_full,
    grouped_query,
    latent_attention,
    layer_kinds,
    top_k,
)
from llminfra.hf_config.fields import Fields

_BIAS: Final = ("attention_bias", False)
_LLAMA: Final = Style(qkv_bias=_BIAS, out_bias=_BIAS, mlp_bias=("mlp_bias", False))
_PLAIN: Final = Style()
_TIED: Final = {"tie_word_embeddings": True}
_WINDOW: Final = {"sliding_window": 4096}
_NO_WINDOW: Final = {"use_sliding_window": False}
_QWEN2: Final = Style(qkv_bias=("qkv_bias", True), defaults=_NO_WINDOW)
_QWEN3: Final = replace(_LLAMA, qk_norm="head", defaults=_NO_WINDOW)
_GEMMA: Final = replace(_LLAMA, defaults={**_TIED, "head_dim": 256})
_GEMMA3: Final = replace(
    _GEMMA,
    norms=4,
    qk_norm="head",
    full_every="sliding_window_pattern",
    defaults={
        **_GEMMA.defaults,
        "num_attention_heads": 8,
        "num_key_value_heads": 4,
        "vocab_size": 262_208,
        "max_position_embeddings": 131_072,
        "sliding_window": 4096,
        "sliding_window_pattern": 6,
        "rope_scaling_included": True,
    },
)
_OLMO2: Final = replace(_LLAMA, qk_norm="all")
_COHERE: Final = Style(
    norms=1, qkv_bias=_BIAS, out_bias=_BIAS, qk_norm="all", qk_norm_if=("use_qk_norm", False),
    defaults=_TIED,
)  # fmt: skip
_GLM4_MOE: Final = Style(
    qkv_bias=_BIAS, sparse=True, qk_norm="head", qk_norm_if=("use_qk_norm", False),
    defaults={"first_k_dense_replace": 1},
)  # fmt: skip
_DEEPSEEK: Final = Style(sparse=True, mixer=latent_attention, kinds=all_full, unknown=("mlp_bias",))
_ERNIE: Final = Style(
    qkv_bias=("use_bias", False), out_bias=("use_bias", False), mlp_bias=("use_bias", False),
    defaults=_TIED,
)  # fmt: skip
_HUNYUAN: Final = Style(qkv_bias=_BIAS, out_bias=_BIAS, qk_norm="head")
# GPT-2 and its heirs: LayerNorms with bias, two matrices in the MLP, biases everywhere.
GPT: Final = Style(
    fused=True,
    norm_width=2, qkv_bias=True, out_bias=True, mlp_bias=True, gated=False, mlp_ratio=4,
    defaults=_TIED,
)  # fmt: skip


def positions(offset: int = 0) -> Ends:
    """Return a routine that adds learned positions."""

    def add(f: Fields, s: Style) -> tuple[WeightGroup, ...]:
        count = (f.need("max_position_embeddings") + offset) * f.need("hidden_size")
        return (WeightGroup("positions", count, "replicated", False),)

    return add


def _first_k_dense(style: Style, dense: int) -> Style:
    return replace(style, defaults={**style.defaults, "first_k_dense_replace": dense})


def _embedding_norm(f: Fields, s: Style) -> tuple[WeightGroup, ...]:
    return (WeightGroup("norms", 2 * f.need("hidden_size"), "replicated", False),)


def _with_sinks(f: Fields, s: Style, kind: Kind, layer: int) -> Gqa:
    attention = grouped_query(f, s, kind, layer)
    return replace(attention, sinks=attention.n_heads)


def _with_kv_heads(n_kv_heads: int | None) -> Mixing:
    """Return grouped-query attention with these KV heads, or one for each query head."""

    def build(f: Fields, s: Style, kind: Kind, layer: int) -> Gqa:
        attention = grouped_query(f, s, kind, layer)
        if attention.n_heads % (n_kv_heads or 1):
            raise f.wrong("num_key_value_heads", f"a divisor of {attention.n_heads} heads")
        return replace(attention, n_kv_heads=n_kv_heads or attention.n_heads)

    return build


def _llama4_mlp(f: Fields, s: Style, sparse: bool, layer: int) -> Mlp:
    if not sparse:
        return Dense(intermediate_size=f.need("intermediate_size_mlp"))
    size, n_experts = f.need("intermediate_size"), f.need("num_experts")
    used = top_k(f, n_experts, layer)
    return Moe(n_experts=n_experts, top_k=used, intermediate_size=size, shared_size=size)


def _mimo_attention(f: Fields, s: Style, kind: Kind, layer: int) -> Gqa:
    """Windowed layers have KV heads and sinks of their own."""
    window = kind == "window"
    swa = "swa_" if window else ""
    n_heads = f.get(f"{swa}num_attention_heads", f.need("num_attention_heads"), low=1)
    n_kv_heads = f.need("num_key_value_heads") * (2 if window else 1)
    n_kv_heads = f.get(f"{swa}num_key_value_heads", n_kv_heads, low=1)
    if n_heads % n_kv_heads:
        raise f.wrong(f"{swa}num_key_value_heads", f"a divisor of the {n_heads} attention heads")
    key = f"add_{'swa' if window else 'full'}_attention_sink_bias"
    return Gqa(
        n_heads=n_heads,
        n_kv_heads=n_kv_heads,
        head_dim=f.need(f"{swa}head_dim" if f.has(f"{swa}head_dim") else "head_dim"),
        value_dim=f.need(f"{swa}v_head_dim" if f.has(f"{swa}v_head_dim") else "v_head_dim"),
        window=f.need("sliding_window") if window else None,
        qkv_bias=f.flag("attention_bias"),
        sinks=n_heads if f.flag(key, default=window) else 0,
    )


def _mimo_kinds(f: Fields, s: Style, n_layers: int) -> list[Kind]:
    listed = f.per_layer("hybrid_layer_pattern", n_layers, (0, 1))
    if listed:
        return ["window" if windowed else "full" for windowed in listed]
    if f.has("layer_types"):
        return layer_kinds(f, s, n_layers)
    return ["full" if i == 0 or (i + 1) % 6 == 0 else "window" for i in range(n_layers)]


def _gated_heads(f: Fields, s: Style, kind: Kind, layer: int) -> Gqa:
    """Attention whose output is gated value by value (AFMoE)."""
    attention = grouped_query(f, s, kind, layer)
    return replace(attention, gate_width=attention.n_heads * attention.head_dim)


def _laguna_attention(f: Fields, s: Style, kind: Kind, layer: int) -> Gqa:
    """Attention with a gate per head and a number of heads per layer."""
    attention = grouped_query(f, s, kind, layer)
    n_heads = f.get("num_attention_heads_per_layer", attention.n_heads, layer, low=1)
    gate_width = n_heads if f.flag("gating", default=True) else 0
    return replace(attention, n_heads=n_heads, gate_width=gate_width)


def _dbrx(f: Fields) -> Style:
    ffn = f.section("ffn_config")
    n_kv_heads = f.section("attn_config").need("kv_n_heads")
    routed = {k: ffn.need(k) for k in ("num_experts", "num_experts_per_tok")}
    size = ffn.need("intermediate_size")
    defaults = {**routed, "num_key_value_heads": n_kv_heads, "intermediate_size": size}
    return Style(sparse=True, defaults=defaults)


def _stablelm(f: Fields) -> Style:
    return Style(
        norm_width=2,
        norms=1 if f.flag("use_parallel_residual") else 2,
        qkv_bias=("use_qkv_bias", False),
        qk_norm="all",
        qk_norm_if=("qk_layernorm", False),
    )


def _falcon(f: Fields) -> Style:
    """KV heads and norms depend on which of three decoder layouts the file asks for."""
    new, parallel = f.flag("new_decoder_architecture"), f.flag("parallel_attn", default=True)
    parallel_norms = f.get("num_ln_in_parallel_attn", 2 if new else 1)
    n_kv_heads = f.maybe("num_key_value_heads") if new else None
    if not new and f.flag("multi_query", default=True):
        n_kv_heads = 1
    defaults = {**_TIED, "max_position_embeddings": 2048}
    bias = ("bias", False)
    return Style(
        norms=2 if not parallel or parallel_norms == 2 else 1,
        norm_width=2,
        qkv_bias=bias,
        out_bias=bias,
        mlp_bias=bias,
        gated=False,
        mlp_ratio=4,
        defaults=defaults,
        mixer=_with_kv_heads(n_kv_heads),
    )


def _opt(f: Fields) -> Style:
    bias, hidden = ("enable_bias", True), f.need("hidden_size")
    width = f.get("word_embed_proj_dim", hidden, low=1)
    project = WeightGroup("projections", width * hidden if width != hidden else 0, "replicated")
    return replace(
        GPT,
        final_norms=int(f.flag("do_layer_norm_before", default=True)),
        qkv_bias=bias,
        out_bias=bias,
        mlp_bias=bias,
        before=lambda g, s: (*positions(2)(g, s), project),
        after=lambda g, s: (project,),
    )


def _gpt_bigcode(f: Fields) -> Style:
    shared = _with_kv_heads(1 if f.flag("multi_query", default=True) else None)
    return replace(GPT, before=positions(), mixer=shared)


def _mpt(f: Fields) -> Style:
    attention = f.section("attn_config")
    alibi = attention.flag("alibi", default=True)
    ratio = f.get("expansion_ratio", 4, low=1)
    return Style(
        gated=False,
        mlp_ratio=ratio,
        defaults=_TIED,
        before=Style().before if alibi else positions(),
        unlimited=alibi,
    )


def _apertus_activation(f: Fields, s: Style) -> tuple[WeightGroup, ...]:
    return (WeightGroup("norms", 2, "replicated", False),)


def _bitnet_norms(f: Fields, s: Style) -> tuple[WeightGroup, ...]:
    count = f.need("hidden_size") + f.need("intermediate_size")
    return (WeightGroup("norms", count, "replicated", False),)


def _custom(f: Fields) -> Style:
    """A decoder described by hand: the keys of Llama, and switches for what may differ."""
    return Style(
        norms=f.get("norms_per_layer", 2),
        norm_width=2 if f.flag("norm_bias") else 1,
        qkv_bias=("qkv_bias", f.flag("attention_bias")),
        out_bias=_BIAS,
        mlp_bias=("mlp_bias", False),
        qk_norm="head",
        qk_norm_if=("qk_norm", False),
        gated=f.flag("gated_mlp", default=True),
        sparse=f.has("num_experts"),
        full_every="sliding_window_pattern",
        mixer=latent_attention if f.has("kv_lora_rank") else None,
    )


DECODERS: Final[dict[str, Style | StyleOf]] = {
    "afmoe": Style(
        norms=4, qkv_bias=_BIAS, out_bias=_BIAS, qk_norm="head", sparse=True, router_extra=1,
        mixer=_gated_heads, full_every="global_attn_every_n_layers",
        defaults={"global_attn_every_n_layers": 4, "sliding_window": 1024},
    ),
    "apertus": replace(
        _LLAMA, gated=False, qk_norm="head", extra=_apertus_activation,
    ),
    "arcee": replace(_LLAMA, gated=False),
    "bitnet": replace(_LLAMA, extra=_bitnet_norms),
    "bloom": replace(GPT, before=_embedding_norm, unlimited=True),
    "cohere": _COHERE,
    "cohere2": replace(
        _COHERE, full_every="sliding_window_pattern", qk_norm="",
        defaults={**_TIED, **_WINDOW, "sliding_window_pattern": 4},
    ),
    "custom": _custom,
    "dbrx": _dbrx,
    "deepseek": replace(_LLAMA, sparse=True),
    "deepseek_v3": _first_k_dense(_DEEPSEEK, 3),
    "deepseek_v32": _first_k_dense(_DEEPSEEK, 3),
    "dots1": replace(
        _LLAMA, qk_norm="head", sparse=True, defaults={**_WINDOW, "max_window_layers": 62},
    ),
    "ernie4_5": _ERNIE,
    "ernie4_5_moe": replace(_ERNIE, sparse=True, router_extra=1, unknown=("use_bias",)),
    "exaone": _LLAMA,
    "exaone4": replace(
        _PLAIN, qk_norm="head", full_every="sliding_window_pattern",
        defaults={**_WINDOW, "sliding_window_pattern": 4},
    ),
    "exaone_moe": replace(
        _PLAIN, qk_norm="head", full_every="sliding_window_pattern", sparse=True,
        defaults={**_WINDOW, "sliding_window_pattern": 4, "first_k_dense_replace": 1},
    ),
    "falcon": _falcon,
    "gemma": _GEMMA,
    "gemma2": replace(_GEMMA, norms=4, full_every=2, defaults={**_GEMMA.defaults, **_WINDOW}),
    "gemma3_text": _GEMMA3,
    "glm": Style(qkv_bias=("attention_bias", True), defaults={"head_dim": 128}),
    "glm4": Style(qkv_bias=("attention_bias", True), norms=4, defaults={"head_dim": 128}),
    "glm4_moe": _GLM4_MOE,
    "glm4_moe_lite": _first_k_dense(_DEEPSEEK, 1),
    "glm_moe_dsa": _first_k_dense(_DEEPSEEK, 3),
    "gpt2": replace(GPT, before=positions()),
    "gpt_bigcode": _gpt_bigcode,
    "gpt_neo": replace(GPT, qkv_bias=False, before=positions()),
    "gpt_neox": replace(
        GPT, qkv_bias=("attention_bias", True), out_bias=("attention_bias", True), defaults={},
    ),
    "gpt_oss": Style(
        qkv_bias=("attention_bias", True), out_bias=("attention_bias", True), sparse=True,
        expert_bias=True, router_extra=1, mixer=_with_sinks, full_every=2,
        defaults={"sliding_window": 128},
    ),
    "gptj": replace(GPT, norms=1, qkv_bias=False, out_bias=False, head_bias=True, defaults={}),
    "granite": _LLAMA,
    "granitemoe": replace(_LLAMA, sparse=True),
    "hunyuan_v1_dense": _HUNYUAN,
    "hunyuan_v1_moe": replace(_HUNYUAN, sparse=True, defaults={"num_shared_experts": 1}),
    "internlm2": replace(_PLAIN, qkv_bias=("bias", False), out_bias=("bias", False)),
    "internlm3": _LLAMA,
    "laguna": replace(
        _LLAMA, qk_norm="head", sparse=True, router_extra=1, mixer=_laguna_attention,
        defaults={"first_k_dense_replace": 1},
    ),
    "llama": _LLAMA,
    "llama4_text": replace(
        _LLAMA, mlp_bias=False, sparse=True, mlp=_llama4_mlp,
        defaults={"attention_chunk_size": 8192, "interleave_moe_layer_step": 1},
    ),
    "mimo": replace(_PLAIN, qkv_bias=("attention_bias", True), defaults=_NO_WINDOW),
    "mimo_v2_flash": Style(
        sparse=True, mixer=_mimo_attention, kinds=_mimo_kinds,
        defaults={"first_k_dense_replace": 1},
    ),
    "minicpm": replace(_LLAMA, defaults=_TIED),
    "minicpm3": Style(
        mixer=latent_attention, kinds=all_full, mlp_bias=("mlp_bias", False), defaults=_TIED,
    ),
    "minimax_m2": Style(qk_norm="all", sparse=True),
    "ministral": replace(_PLAIN, defaults=_WINDOW),
    "mistral": replace(_PLAIN, defaults=_WINDOW),
    "mixtral": replace(_PLAIN, sparse=True),
    "mpt": _mpt,
    "nemotron": replace(_LLAMA, norm_width=2, gated=False),
    "olmo": replace(_LLAMA, norm_width=0, mlp_bias=False),
    "olmo2": _OLMO2,
    "olmo3": replace(_OLMO2, full_every=4, defaults=_WINDOW),
    "olmoe": replace(_OLMO2, sparse=True),
    "opt": _opt,
    "phi": replace(
        GPT, norms=1, head_bias=True, mlp_ratio=0, defaults={}, unknown=("qk_layernorm",),
    ),
    "phi3": replace(_PLAIN, fused=True),
    "phimoe": replace(
        _LLAMA, norm_width=2, sparse=True, head_bias=("lm_head_bias", False),
    ),
    "qwen2": _QWEN2,
    "qwen2_moe": replace(_QWEN2, sparse=True, shared_gate=True),
    "qwen3": replace(_QWEN3, mlp_bias=False),
    "qwen3_moe": replace(_QWEN3, mlp_bias=False, sparse=True),
    "seed_oss": replace(
        _LLAMA, qkv_bias=("attention_bias", True), out_bias=("attention_out_bias", False),
    ),
    "smollm3": replace(_LLAMA, defaults={**_TIED, **_NO_WINDOW}),
    "solar_open": _first_k_dense(_GLM4_MOE, 0),
    "stablelm": _stablelm,
    "starcoder2": replace(
        GPT, qkv_bias=("use_bias", True), out_bias=("use_bias", True),
        mlp_bias=("use_bias", True), mlp_ratio=0,
    ),
}  # fmt: skip

# Configurations that differ in name only.
SAME_AS: Final[dict[str, str]] = {
    "baichuan": "llama",
    "deepseek_v31": "deepseek_v3",
    "gemma3": "gemma3_text",
    "glm4v_moe": "glm4_moe",
    "glm4v_moe_text": "glm4_moe",
    "glm4v_text": "glm4",
    "granitemoeshared": "granitemoe",
    "kimi_k2": "deepseek_v3",
    "llama4": "llama4_text",
    "ministral3": "llama",
    "minimax_m2_5": "minimax_m2",
    "phi3_v": "phi3",
    "phi4mm": "phi3",
    "qwen2_5_vl": "qwen2",
    "qwen2_5_vl_text": "qwen2",
    "qwen2_vl": "qwen2",
    "qwen2_vl_text": "qwen2",
    "qwen3_omni_moe_text": "qwen3_moe",
    "qwen3_vl_moe_text": "qwen3_moe",
    "qwen3_vl_text": "qwen3",
}

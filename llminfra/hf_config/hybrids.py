"""Families that mix recurrences with attention, or have no attention at all."""

from dataclasses import replace
from typing import Final

from llminfra.architecture import CacheGroup, Dense, Mixer, Mlp, Parts
from llminfra.hf_config.decoder import (
    Kind,
    Style,
    StyleOf,
    all_full,
    feed_forward,
    grouped_query,
    latent_attention,
    layer_kinds,
)
from llminfra.hf_config.fields import Fields
from llminfra.hf_config.recurrences import (
    delta_net,
    kimi_delta,
    lightning,
    mamba,
    mamba2,
    short_convolution,
)

# Nemotron-H: one block per layer, by letter or by name.
_BLOCKS: Final = {
    "M": "M", "mamba": "M", "linear_attention": "M",
    "*": "*", "attention": "*", "full_attention": "*",
    "-": "-", "mlp": "-",
    "E": "E", "moe": "E",
}  # fmt: skip


def _all_linear(f: Fields, s: Style, n_layers: int) -> list[Kind]:
    return ["linear"] * n_layers


def _no_mlp(f: Fields, s: Style, sparse: bool, layer: int) -> None:
    return None


def _mamba(f: Fields, s: Style, kind: Kind, layer: int) -> Mixer:
    return mamba(f, inner=f.maybe("intermediate_size"))


def _mamba2(f: Fields, s: Style, kind: Kind, layer: int) -> Mixer:
    return mamba2(f)


def _mamba2_or_attention(f: Fields, s: Style, kind: Kind, layer: int) -> Mixer:
    return mamba2(f) if kind == "linear" else grouped_query(f, s, kind, layer)


def _jamba(f: Fields, s: Style, kind: Kind, layer: int) -> Mixer:
    return mamba(f, inner_norms=True) if kind == "linear" else grouped_query(f, s, kind, layer)


def _jamba_kinds(f: Fields, s: Style, n_layers: int) -> list[Kind]:
    period, offset = f.get("attn_layer_period", 8, low=1), f.get("attn_layer_offset", 4)
    return ["full" if i % period == offset else "linear" for i in range(n_layers)]


def _bamba_kinds(f: Fields, s: Style, n_layers: int) -> list[Kind]:
    attending = f.indices("attn_layer_indices", n_layers) or set()
    return ["full" if i in attending else "linear" for i in range(n_layers)]


def _side_by_side(f: Fields, s: Style, kind: Kind, layer: int) -> Parts:
    """Attention and Mamba on the same input (Falcon-H1)."""
    hidden, attention = f.need("hidden_size"), grouped_query(f, s, "full", layer)
    ssm = mamba2(f, gated_norm=f.flag("mamba_rms_norm"), inner=f.maybe("mamba_d_ssm"))
    kept: tuple[CacheGroup, ...] = (*attention.caches(), *ssm.caches())
    return Parts(
        n_heads=attention.n_heads,
        n_kv_heads=attention.n_kv_heads,
        groups=(*attention.weights(hidden), *ssm.weights(hidden)),
        kept=kept,
    )


def _nemotron_h(f: Fields) -> Style:
    """One block per layer: Mamba, attention, MLP or experts."""
    key = "layers_block_type" if f.has("layers_block_type") else "hybrid_override_pattern"
    given = f.raw(key)
    n_layers = len(given) if isinstance(given, (list, str)) else 0
    blocks = [_BLOCKS[name] for name in f.per_layer(key, n_layers, _BLOCKS) or ()]
    if not blocks or f.get("num_hidden_layers", n_layers) != n_layers:
        raise f.wrong(key, "one block for each layer")

    def mixer(g: Fields, s: Style, kind: Kind, layer: int) -> Mixer | None:
        if blocks[layer] not in "M*":
            return None
        return mamba2(g) if blocks[layer] == "M" else grouped_query(g, s, "full", layer)

    def mlp(g: Fields, s: Style, sparse: bool, layer: int) -> Mlp | None:
        return feed_forward(g, s, blocks[layer] == "E", layer) if blocks[layer] in "-E" else None

    return Style(
        norms=1,
        gated=False,
        kinds=all_full,
        mixer=mixer,
        mlp=mlp,
        defaults={"num_hidden_layers": n_layers, "n_groups": 8, "conv_kernel": 4},
        unknown=("attention_bias", "mlp_bias", "use_bias", "mamba_proj_bias"),
    )


def _qwen_next(f: Fields, s: Style, kind: Kind, layer: int) -> Mixer:
    """Gated delta net or attention with an output gate as wide as the queries."""
    if kind == "linear":
        return delta_net(f)
    attention = grouped_query(f, s, kind, layer)
    gated = f.flag("attn_output_gate", default=True)
    return replace(attention, gate_width=attention.n_heads * attention.head_dim * gated)


def _every_nth(f: Fields, s: Style, n_layers: int) -> list[Kind]:
    """Attention in every n-th layer, unless the layers are listed."""
    if f.has("layer_types"):
        return layer_kinds(f, s, n_layers)
    every = f.get("full_attention_interval", 4, low=1)
    return ["full" if (i + 1) % every == 0 else "linear" for i in range(n_layers)]


def _minimax(f: Fields, s: Style, kind: Kind, layer: int) -> Mixer:
    return lightning(f) if kind == "linear" else grouped_query(f, s, kind, layer)


def _minimax_kinds(f: Fields, s: Style, n_layers: int) -> list[Kind]:
    listed = f.per_layer("attn_type_list", n_layers, (0, 1))
    if listed:
        return ["full" if attends else "linear" for attends in listed]
    if f.has("layer_types"):
        return layer_kinds(f, s, n_layers)
    return ["linear" if (i + 1) % 2 == 0 else "full" for i in range(n_layers)]


def _kimi(f: Fields, s: Style, kind: Kind, layer: int) -> Mixer:
    return kimi_delta(f) if kind == "linear" else latent_attention(f, s, kind, layer)


def _kimi_kinds(f: Fields, s: Style, n_layers: int) -> list[Kind]:
    """The configuration counts its attending layers from one."""
    if f.has("layer_types"):
        return layer_kinds(f, s, n_layers)
    attending = f.section("linear_attn_config").indices("full_attn_layers", n_layers + 1)
    if attending is None:
        raise f.wrong("layer_types", "a list of full_attention | linear_attention")
    return ["full" if i + 1 in attending else "linear" for i in range(n_layers)]


def _lfm2(f: Fields, s: Style, kind: Kind, layer: int) -> Mixer:
    return short_convolution(f) if kind == "linear" else grouped_query(f, s, kind, layer)


def _lfm2_kinds(f: Fields, s: Style, n_layers: int) -> list[Kind]:
    if f.has("layer_types"):
        return layer_kinds(f, s, n_layers)
    attending = f.indices("full_attn_idxs", n_layers)
    return ["full" if attending is None or i in attending else "linear" for i in range(n_layers)]


def _lfm2_mlp(f: Fields, s: Style, sparse: bool, layer: int) -> Mlp:
    """The width is two thirds of the given one, times a factor, rounded up to a block."""
    size = f.need("intermediate_size")
    if f.flag("block_auto_adjust_ff_dim", default=True):
        block, factor = f.get("block_multiple_of", 256, low=1), f.raw("block_ffn_dim_multiplier")
        if factor is not None and (type(factor) not in (int, float) or not 0 < factor <= 100):
            raise f.wrong("block_ffn_dim_multiplier", "a number above 0, up to 100")
        size = -(-int((factor or 1) * int(2 * size / 3)) // block) * block
    return Dense(intermediate_size=size)


def _granite_mlp(f: Fields, s: Style, sparse: bool, layer: int) -> Mlp:
    """Without routed experts the shared one is all there is."""
    if f.get("num_experts", 0):
        return feed_forward(f, s, True, layer)
    return Dense(intermediate_size=f.need("shared_expert_intermediate_size"))


_STATE: Final = {"state_size": 16, "conv_kernel": 4}
_STATE2: Final = {"state_size": 256, "conv_kernel": 4}
_BIAS: Final = ("attention_bias", False)
_TIED: Final = {"tie_word_embeddings": True}
_QWEN_NEXT: Final = Style(
    qk_norm="head", mixer=_qwen_next, kinds=_every_nth, sparse=True, shared_gate=True,
    unknown=("attention_bias",),
)  # fmt: skip

HYBRIDS: Final[dict[str, Style | StyleOf]] = {
    "bamba": Style(
        qkv_bias=_BIAS, out_bias=_BIAS, mlp_bias=("mlp_bias", False), kinds=_bamba_kinds,
        mixer=_mamba2_or_attention, defaults=_STATE2,
    ),
    "falcon_h1": Style(
        qkv_bias=_BIAS, out_bias=_BIAS, mlp_bias=("mlp_bias", False), mixer=_side_by_side,
        defaults=_STATE2, unknown=("projectors_bias", "mamba_proj_bias"),
    ),
    "falcon_mamba": Style(
        norms=1, kinds=_all_linear, mixer=_mamba, mlp=_no_mlp, defaults={**_STATE, **_TIED},
    ),
    "granitemoehybrid": Style(
        qkv_bias=_BIAS, out_bias=_BIAS, sparse=True, mixer=_mamba2_or_attention,
        mlp=_granite_mlp, defaults=_STATE2,
    ),
    "jamba": Style(
        sparse=True, mixer=_jamba, kinds=_jamba_kinds, defaults=_STATE, unlimited=True
    ),
    "kimi_linear": Style(
        sparse=True, mixer=_kimi, kinds=_kimi_kinds, defaults={"first_k_dense_replace": 1},
        unknown=("routed_expert_hidden_size", "attn_res_block_size"),
    ),
    "lfm2": Style(
        qk_norm="head", mixer=_lfm2, kinds=_lfm2_kinds, mlp=_lfm2_mlp,
        defaults={**_TIED, "conv_L_cache": 3},
    ),
    "lfm2_moe": Style(
        qk_norm="head", mixer=_lfm2, kinds=_lfm2_kinds, sparse=True,
        defaults={**_TIED, "conv_L_cache": 3, "first_k_dense_replace": 2},
    ),
    "mamba": Style(
        norms=1, kinds=_all_linear, mixer=_mamba, mlp=_no_mlp, defaults={**_STATE, **_TIED},
    ),
    "mamba2": Style(
        norms=1, kinds=_all_linear, mixer=_mamba2, mlp=_no_mlp,
        defaults={"state_size": 128, "conv_kernel": 4, "n_groups": 8},
    ),
    "minimax": Style(sparse=True, mixer=_minimax, kinds=_minimax_kinds),
    "nemotron_h": _nemotron_h,
    "qwen3_5_moe_text": _QWEN_NEXT,
    "qwen3_5_text": replace(_QWEN_NEXT, sparse=False),
    # Its checkpoints hold a drafting layer that their configuration does not count.
    "qwen3_next": replace(_QWEN_NEXT, defaults={"num_nextn_predict_layers": 1}),
}  # fmt: skip

SAME_AS: Final[dict[str, str]] = {
    "minimax_m1": "minimax",
    "minimax_text_01": "minimax",
    "qwen3_5": "qwen3_5_text",
    "qwen3_5_moe": "qwen3_5_moe_text",
}

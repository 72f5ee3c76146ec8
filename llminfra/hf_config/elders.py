"""Families that came with their own code, or look at images in layers of their own."""

from dataclasses import replace
from typing import Final

from llminfra.architecture import Dense, Gqa, Mlp, Moe, Parts, WeightGroup
from llminfra.hf_config.decoder import (
    Kind,
    Style,
    StyleOf,
    all_full,
    grouped_query,
    top_k,
)
from llminfra.hf_config.families import GPT, positions
from llminfra.hf_config.fields import Fields


def _chatglm(f: Fields) -> Style:
    """KV heads are shared only where the file says so."""
    shared = f.flag("multi_query_attention")

    def mixer(g: Fields, s: Style, kind: Kind, layer: int) -> Gqa:
        attention = grouped_query(g, s, "full", layer)
        return attention if shared else replace(attention, n_kv_heads=attention.n_heads)

    return Style(
        kinds=all_full,
        mixer=mixer,
        qkv_bias=("add_qkv_bias", False),
        out_bias=("add_bias_linear", False),
        mlp_bias=("add_bias_linear", False),
    )


def _arctic_mlp(f: Fields, s: Style, sparse: bool, layer: int) -> Mlp:
    """Experts, and beside them a dense MLP as wide as the residual, which every token uses."""
    n_experts = f.need("num_experts")
    return Moe(
        n_experts=n_experts,
        top_k=top_k(f, n_experts, layer),
        intermediate_size=f.need("intermediate_size"),
        shared_size=f.need("hidden_size"),
    )


def _swiglu_gpt(f: Fields) -> Style:
    """GPT-2 whose MLP is gated, and whose positions may be a bias of attention."""
    gated = f.raw("activation_function") == "swiglu"
    style = replace(GPT, gated=gated)
    is_alibi = f.raw("position_embedding_type") == "alibi"
    return style if is_alibi else replace(style, before=positions())


def _qwen_mlp(f: Fields, s: Style, sparse: bool, layer: int) -> Mlp:
    """The configured width counts both halves of the gate."""
    return Dense(intermediate_size=f.need("intermediate_size") // 2)


def _every_other_kv(f: Fields, s: Style, kind: Kind, layer: int) -> Gqa:
    """Some layers use the keys and values of the one before (Hunyuan-Large)."""
    share = f.get("cla_share_factor", 1, low=1) if f.flag("use_cla") else 1
    return replace(grouped_query(f, s, "full", layer), shares_kv=layer % share > 0)


def _with_norm_biases(f: Fields, s: Style, kind: Kind, layer: int) -> Gqa:
    attention = grouped_query(f, s, "full", layer)
    has_norms = f.flag("qk_layernorm", default=True)
    return replace(attention, norm_count=4 * attention.head_dim * has_norms)


def _looks_at_images(f: Fields, s: Style, kind: Kind, layer: int) -> Gqa | Parts:
    """Some layers attend to the image alone, and keep nothing of the text (Llama 3.2 Vision)."""
    attention, hidden = grouped_query(f, s, "full", layer), f.need("hidden_size")
    if layer not in (f.indices("cross_attention_layers", f.need("num_hidden_layers")) or ()):
        return attention
    norms_and_gates = WeightGroup("norms", 2 * attention.head_dim + 2, "replicated", False)
    return Parts(
        n_heads=attention.n_heads,
        n_kv_heads=attention.n_kv_heads,
        groups=(*attention.weights(hidden), norms_and_gates),
        kept=(),
    )


def _image_tokens(f: Fields, s: Style) -> tuple[WeightGroup, ...]:
    """The embedding has eight more rows than the vocabulary."""
    return (WeightGroup("embedding", 8 * f.need("hidden_size"), quantizable=False),)


_BAILING: Final = Style(
    kinds=all_full, sparse=True, qkv_bias=("use_qkv_bias", False), out_bias=("use_bias", False),
    unknown=("moe_shared_expert_gate",),
)  # fmt: skip

ELDERS: Final[dict[str, Style | StyleOf]] = {
    "arctic": Style(
        norms=3, kinds=all_full, sparse=True, mlp=_arctic_mlp, unknown=("attention_bias",),
    ),
    "bailing_moe": _BAILING,
    "bailing_moe_v2": replace(
        _BAILING, qk_norm="head", qk_norm_if=("use_qk_norm", False), router_extra=1,
    ),
    "btlm": _swiglu_gpt,
    "chatglm": _chatglm,
    "grok-1": Style(norms=4, kinds=all_full, sparse=True),
    "hunyuan": Style(
        kinds=all_full, sparse=True, mixer=_every_other_kv, qk_norm="head",
        qk_norm_if=("use_qk_norm", False), defaults={"num_shared_experts": 1},
    ),
    "internlm": Style(kinds=all_full, qkv_bias=("bias", True), out_bias=("bias", True)),
    "mllama_text_model": Style(
        kinds=all_full, mixer=_looks_at_images, before=_image_tokens,
    ),
    "orion": Style(kinds=all_full, norm_width=2),
    "persimmon": Style(
        norm_width=2, kinds=all_full, mixer=_with_norm_biases, qkv_bias=True, out_bias=True,
        mlp_bias=True, gated=False,
    ),
    "qwen": Style(kinds=all_full, qkv_bias=True, mlp=_qwen_mlp),
}  # fmt: skip

SAME_AS: Final[dict[str, str]] = {
    "aquila": "llama",
    "codegen": "gptj",
    "flex_olmo": "olmoe",
    "helium": "llama",
    "jais": "btlm",
    "RefinedWeb": "falcon",
    "RefinedWebModel": "falcon",
    "stablelm_epoch": "stablelm",
    "xverse": "llama",
    "yi": "llama",
}

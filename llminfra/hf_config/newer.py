"""Families of 2025 and 2026, and language models of systems that also see or hear.

What these assume was checked against published totals where there is one (tests name them).
"""

from dataclasses import replace
from typing import Final

from llminfra.architecture import Dense, Mixer, Mlp, Moe, Parts, WeightGroup
from llminfra.hf_config.decoder import (
    Kind,
    Style,
    StyleOf,
    all_full,
    grouped_query,
    latent_attention,
    layer_kinds,
    top_k,
)
from llminfra.hf_config.fields import Fields
from llminfra.hf_config.rare import hyper_connections, hyper_head, step
from llminfra.hf_config.recurrences import kimi_delta

_BIAS: Final = ("attention_bias", False)
_LLAMA: Final = Style(qkv_bias=_BIAS, out_bias=_BIAS, mlp_bias=("mlp_bias", False))


def deepseek(f: Fields) -> Style:
    """Latent attention, or plain attention where the configuration switches it off (OCR models)."""
    if f.maybe("kv_lora_rank") is None and f.raw("use_mla") is False:
        return replace(_LLAMA, sparse=True)
    return Style(sparse=True, mixer=latent_attention, kinds=all_full, unknown=("mlp_bias",))


def _molmo_mlp(f: Fields, s: Style, sparse: bool, layer: int) -> Mlp:
    """The width given is that of gate and up together."""
    width = f.maybe("mlp_hidden_size") or f.need("intermediate_size")
    return Dense(intermediate_size=width // 2)


def _molmo(f: Fields) -> Style:
    """Molmo of 2024: OLMo's keys; extra entries of the vocabulary for images."""
    return Style(
        qkv_bias=("qkv_bias", False),
        qk_norm="all",
        qk_norm_if=("attention_layer_norm", f.flag("use_qk_norm")),
        mlp=_molmo_mlp,
        kinds=all_full,
        defaults={"tie_word_embeddings": bool(f.raw("weight_tying"))},
    )


def _glm_next(f: Fields, s: Style, kind: Kind, layer: int) -> Mixer:
    """Delta attention, and in some layers sparse latent attention without rotary keys."""
    return kimi_delta(f) if kind == "linear" else latent_attention(f, s, kind, layer)


def _glm_next_kinds(f: Fields, s: Style, n_layers: int) -> list[Kind]:
    if f.has("layer_types"):
        return layer_kinds(f, s, n_layers)
    return ["full" if (i + 1) % 4 == 0 else "linear" for i in range(n_layers)]


def _ernie_vl(f: Fields) -> Style:
    """ERNIE 4.5 VL: experts for words, and narrower ones for images that no word is sent to."""
    pairs = {key: f.raw(key) for key in ("num_experts", "moe_intermediate_size")}
    for key, value in pairs.items():
        is_pair = isinstance(value, list) and len(value) == 2
        if not is_pair or not all(type(n) is int and 0 < n < 10**6 for n in value):
            raise f.wrong(key, "two numbers: of experts for words and of those for images")
    (n_words, n_images), (width, image_width) = pairs.values()
    shared = f.get("num_shared_experts", 0) * width

    def mlp(g: Fields, s: Style, sparse: bool, layer: int) -> Mlp:
        if not layer:
            return Dense(intermediate_size=g.need("intermediate_size"))
        used = top_k(g, n_words, layer)
        return Moe(n_experts=n_words, top_k=used, intermediate_size=width, shared_size=shared)

    def images(g: Fields, s: Style) -> tuple[WeightGroup, ...]:
        each = 3 * g.need("hidden_size") * image_width
        count = (g.need("num_hidden_layers") - 1) * n_images * each
        return (WeightGroup("experts", count, "expert", True, n_images, 0),)

    return Style(kinds=all_full, mlp=mlp, after=images, defaults={"tie_word_embeddings": True})


def _twice_latent(f: Fields, s: Style, kind: Kind, layer: int) -> Parts:
    """Two attentions in a layer, each before a dense MLP (LongCat)."""
    one, hidden = latent_attention(f, s, kind, layer), f.need("hidden_size")
    kept = one.caches()
    return Parts(
        n_heads=one.n_heads,
        n_kv_heads=1,
        groups=one.weights(hidden) * 2,
        kept=tuple(replace(group, n_layers=2 * group.n_layers) for group in kept),
    )


def _beside_experts(f: Fields, s: Style, sparse: bool, layer: int) -> Mlp:
    """Experts beside the two dense MLPs; some of those a token is sent to do nothing."""
    n_experts, idle = f.need("num_experts"), f.get("zero_expert_num", 0)
    used = top_k(f, n_experts, layer) * n_experts // (n_experts + idle)
    return Moe(
        n_experts=n_experts,
        top_k=max(used, 1),
        intermediate_size=f.need("expert_ffn_hidden_size"),
        shared_size=2 * f.need("intermediate_size"),
        router_extra=idle * f.need("hidden_size") + n_experts + idle,
    )


def _factorised(f: Fields, s: Style, kind: Kind, layer: int) -> Parts:
    """Queries through a narrow matrix, one head of keys and values (Step 3)."""
    one, hidden = grouped_query(f, s, "full", layer), f.need("hidden_size")
    narrow, wide = f.need("share_q_dim"), one.n_heads * one.head_dim
    others = (group for group in one.weights(hidden) if group.name != "attention")
    groups = (
        WeightGroup("latent", hidden * narrow, "replicated"),
        WeightGroup("attention", narrow * wide + hidden * wide),
        WeightGroup("norms", narrow, "replicated", False),
    )
    return Parts(
        n_heads=one.n_heads,
        n_kv_heads=one.n_kv_heads,
        groups=(*groups, *others),
        kept=one.caches(),
    )


def _step3(f: Fields) -> Style:
    return replace(step(f), qk_norm="", mixer=_factorised, kinds=all_full)


NEWER: Final[dict[str, Style | StyleOf]] = {
    "deepseek_v2": deepseek,
    "deepseek_vl_v2": deepseek,
    "ernie4_5_moe_vl": _ernie_vl,
    "glm5_next_text": Style(
        sparse=True,
        mixer=_glm_next,
        kinds=_glm_next_kinds,
        extra=hyper_connections,
        after=hyper_head,
        defaults={"first_k_dense_replace": 3, "hc_mult": 4},
        unknown=("attention_bias",),
    ),
    "longcat_flash": Style(
        norms=4,
        sparse=True,
        mixer=_twice_latent,
        mlp=_beside_experts,
        kinds=all_full,
        unknown=("attention_bias",),
    ),
    "mistral4": Style(sparse=True, mixer=latent_attention, kinds=all_full),
    "molmo": _molmo,
    "PanguEmbedded": Style(qkv_bias=("bias", False), out_bias=("bias", False)),
    "step3_text": _step3,
}
SAME_AS: Final[dict[str, str]] = {
    **dict.fromkeys(
        ("deepseekocr", "deepseekocr_2", "deepseek_ocr", "deepseek_ocr2"), "deepseek_v2"
    ),
    **dict.fromkeys(("deepseek_ocr_2", "DeepseekOCR"), "deepseek_v2"),
    **dict.fromkeys(("dots_ocr", "minicpmv", "minicpmo", "got", "GOT", "llava_qwen"), "qwen2"),
    **dict.fromkeys(("ovis", "ovis2", "kimi_audio", "qwen2_audio_encoder"), "qwen2"),
    **dict.fromkeys(("qwen2_5_omni_text", "qwen2_5_omni_thinker", "qwen2_5_omni"), "qwen2"),
    **dict.fromkeys(("qwen3_vl", "qwen3_asr_text", "ovis2_5"), "qwen3"),
    **dict.fromkeys(("qwen3_vl_moe", "qwen3_omni_moe", "qwen3_omni_moe_thinker"), "qwen3_moe"),
    **dict.fromkeys(
        ("llava", "llava_llama", "smolvlm", "idefics3", "ultravox", "voxtral"), "llama"
    ),
    **dict.fromkeys(("pixtral", "mistral3", "devstral"), "mistral"),
    **dict.fromkeys(("paligemma", "gemma_text"), "gemma"),
    **dict.fromkeys(("phi4_multimodal", "phi4_siglip", "phi3v", "phi4"), "phi3"),
    **dict.fromkeys(("glm4v", "glm_ocr", "glm_ocr_text", "glm46v"), "glm4"),
    **dict.fromkeys(("glm5_next", "glm5next", "glm5next_text", "glm53_flash"), "glm5_next_text"),
    **dict.fromkeys(("kimi_k25", "kimi_vl", "kimi_k2_5", "kimi_k26"), "deepseek_v3"),
    **dict.fromkeys(("paddleocr_vl", "ernie4_5_text"), "ernie4_5"),
    **dict.fromkeys(("ernie4_5_vl_moe", "ernie4_5_vl_moe_text"), "ernie4_5_moe_vl"),
    **dict.fromkeys(("step3_vl", "step3"), "step3_text"),
    **dict.fromkeys(("mimo_v2", "mimo_v2_5", "mimo_v2_pro"), "mimo_v2_flash"),
    **dict.fromkeys(("lfm2_vl", "lfm2-vl"), "lfm2"),
    **dict.fromkeys(("cohere2_vision", "command_a_vision"), "cohere2"),
    **dict.fromkeys(("pangu_embedded", "openpangu", "pangu"), "PanguEmbedded"),
    **dict.fromkeys(("nemotron_h_nano_vl_v2", "NemotronH_Nano_VL_V2"), "nemotron_h"),
}

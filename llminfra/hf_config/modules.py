"""Names that the matrices of a layer have in checkpoints, by the weight group that counts them.

Quantisation tools list modules by name; this says which share of a weight group each of them is.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from llminfra.architecture import Dense, Gqa, Layer, Mla, Moe, Recurrent

# What stands before the number of a layer, by where the model was published.
PREFIXES: Final = (
    *("model.layers.", "model.language_model.layers.", "language_model.model.layers."),
    *("language_model.layers.", "backbone.layers.", "transformer.h.", "layers."),
    "model.model.layers.",
)
VISION: Final = (
    *("model.visual.blocks.0.mlp.linear_fc1", "visual.blocks.0.mlp.fc1"),
    *("model.vision_tower.encoder.layers.0.mlp.fc1", "vision_tower.encoder.layers.0.mlp.fc1"),
    *("vision_model.encoder.layers.0.mlp.fc1", "model.vision_model.encoder.layers.0.mlp.fc1"),
    *("vision_encoder.transformer.layers.0.feed_forward.w1", "model.vision_embedder.0.mlp.fc1"),
    "model.vision_backbone.image_vit.transformer.resblocks.0.feed_forward.w1",
)
HEAD: Final = ("lm_head", "language_model.lm_head", "model.lm_head", "model.transformer.ff_out")
EMBEDDING: Final = ("model.embed_tokens", "embed_tokens", "model.language_model.embed_tokens")
_ATTENTION: Final = ("self_attn", "attention", "attn", "mixer")
_MLP: Final = ("mlp", "feed_forward", "mixer", "ffn", "block_sparse_moe")
_RECURRENT: Final = ("linear_attn", "mamba", "mixer", "mamba_mixer", "conv")
_UP: Final = ("up_proj", "w3", "fc1", "gate_up_proj", "c_fc", "w1")
_GATE: Final = ("gate_proj", "w1", "gate_up_proj")
_DOWN: Final = ("down_proj", "w2", "fc2", "c_proj")
_QUERY: Final = ("q_proj", "qkv_proj", "query_key_value", "qkv", "wq")
_KEY: Final = ("k_proj", "qkv_proj", "query_key_value", "qkv", "wk")
_VALUE: Final = ("v_proj", "qkv_proj", "query_key_value", "qkv", "wv")
_OUT: Final = ("o_proj", "out_proj", "dense", "wo")


class Module(NamedTuple):
    """One matrix: its weight group, its share of the group, its names within the layer."""

    group: str
    share: float
    names: tuple[str, ...]


def modules(layer: Layer, hidden_size: int) -> Iterator[Module]:
    """Yield the matrices of a layer that may be quantised."""
    yield from _of_mixer(layer, hidden_size)
    if isinstance(layer.mlp, Dense):
        yield from _mlp("dense_mlp", _MLP, gated=layer.mlp.gated)
    if isinstance(layer.mlp, Moe):
        routed = tuple(f"{block}.experts{part}" for block in _MLP for part in (".0", ""))
        shared = tuple(f"{b}.shared_expert{end}" for b in _MLP for end in ("s", ""))
        if layer.mlp.beside_mlp:
            routed, shared = ("experts.0", "experts", "moe.experts.0", "moe.experts"), _MLP
        yield from _mlp("experts", routed, gated=layer.mlp.gated)
        yield from _mlp("shared_experts", shared, gated=layer.mlp.gated)
        if layer.mlp.latent_size:
            yield Module("latent", 1.0, _named(_MLP, ("fc1_latent_proj", "fc2_latent_proj")))


def _of_mixer(layer: Layer, hidden: int) -> Iterator[Module]:
    mixer = layer.mixer
    if isinstance(mixer, Mla):
        yield from _latent(mixer, hidden)
    elif isinstance(mixer, Recurrent):
        names = ("in_proj_qkv", "in_proj_qkvz", "in_proj", "q_proj", "qkv_proj")
        yield Module("recurrent", 0.5, _named(_RECURRENT, names))
        yield Module("recurrent", 0.2, _named(_RECURRENT, ("in_proj_z", *names[1:])))
        yield Module("recurrent", 0.3, _named(_RECURRENT, _OUT))
    elif mixer is not None:
        query = 0.5
        if isinstance(mixer, Gqa):
            width, value = mixer.n_heads * mixer.head_dim, mixer.value_dim or mixer.head_dim
            gated = width + mixer.gate_width
            query = gated / (gated + mixer.n_heads * value)
        yield Module("attention", query, _named(_ATTENTION, (*_QUERY, "wq_b")))
        yield Module("attention", 1 - query, _named(_ATTENTION, (*_OUT, "wo_b")))
        yield Module("kv_projection", 0.5, _named(_ATTENTION, (*_KEY, "wkv")))
        yield Module("kv_projection", 0.5, _named(_ATTENTION, (*_VALUE, "wkv")))
        yield Module("latent", 1.0, _named(_ATTENTION, ("wq_a", "wkv_a", "wkv")))
        yield Module("indexer", 1.0, _named(_ATTENTION, ("indexer.wq_b", "indexer.wk")))


def _latent(mixer: Mla, hidden: int) -> Iterator[Module]:
    rank = mixer.q_lora_rank or 0
    query = (rank or hidden) * (mixer.nope_dim + mixer.rope_dim)
    key_value = mixer.kv_lora_rank * (mixer.nope_dim + mixer.value_dim)
    total = query + key_value + hidden * mixer.value_dim
    yield Module("attention", query / total, _named(_ATTENTION, ("q_b_proj", "q_proj")))
    yield Module("attention", key_value / total, _named(_ATTENTION, ("kv_b_proj",)))
    yield Module("attention", hidden * mixer.value_dim / total, _named(_ATTENTION, _OUT))
    latent = rank + mixer.kv_lora_rank + mixer.rope_dim
    names = ("q_a_proj", "fused_qkv_a_proj", "fused_qkv_a_proj_with_mqa")
    yield Module("latent", rank / latent, _named(_ATTENTION, names))
    names = ("kv_a_proj_with_mqa", "fused_qkv_a_proj", "fused_qkv_a_proj_with_mqa")
    yield Module("latent", 1 - rank / latent, _named(_ATTENTION, names))
    yield Module("indexer", 1.0, _named(_ATTENTION, ("indexer.wq_b", "indexer.wk")))


def _mlp(group: str, blocks: tuple[str, ...], *, gated: bool) -> Iterator[Module]:
    if gated:
        yield Module(group, 1 / 3, _named(blocks, _GATE))
    yield Module(group, 1 / 3 if gated else 1 / 2, _named(blocks, _UP))
    yield Module(group, 1 / 3 if gated else 1 / 2, _named(blocks, _DOWN))


def _named(blocks: tuple[str, ...], leaves: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{block}.{leaf}" for block in blocks for leaf in leaves)

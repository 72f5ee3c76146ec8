"""Reads what stands beside the language model: towers for images and sound, layers that draft.

Counts of towers follow the classes of the transformers package by the shape of their blocks: width,
depth, width of the MLP, patches, and a projector to the language model.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from llminfra.architecture import (
    Architecture,
    Dense,
    Draft,
    Gqa,
    Layer,
    Recurrent,
    Tower,
    WeightGroup,
)
from llminfra.hf_config.fields import Fields

# Where multimodal configurations keep what stands beside the language model.
TOWER_KEYS: Final = {
    "vision_config": "vision",
    "visual": "vision",
    "vision_tower_config": "vision",
    "vit_config": "vision",
    "audio_config": "audio",
    "talker_config": "speech",
}
# A configuration that says how many tokens an image has projects it by one matrix (Gemma 3).
PLAIN_PROJECTOR: Final = "mm_tokens_per_image"
# Keys that count a model's own drafting layers.
_DRAFTS: Final = (
    *("num_nextn_predict_layers", "mtp_num_hidden_layers", "num_mtp_layers", "mtp_num_layers"),
    *("num_mtp_modules", "num_speculative_layers"),
)
# Families whose checkpoints repeat embedding and head beside the drafting layers.
_COPYING: Final = ("deepseek", "glm", "kimi", "pangu", "longcat", "mimo", "exaone")
_WIDTHS: Final = ("embed_dim", "hidden_size", "width", "d_model", "vt_hidden_size", "n_embd")
_DEPTHS: Final = (
    *("depth", "num_hidden_layers", "layers", "num_layers", "n_layer"),
    *("encoder_layers", "vt_num_hidden_layers"),
)
_INNER: Final = (
    *("intermediate_size", "encoder_ffn_dim", "mlp_dim", "vt_intermediate_size", "mlp_hidden_size"),
)
# Towers whose MLP has three matrices.
_GATED: Final = ("qwen2_5_vl", "qwen2_5_omni", "pixtral", "mlcd", "gemma4", "ovis", "mllama_gated")
# What a configuration without sizes stands for: the published defaults of its class.
_DEFAULTS: Final[dict[str, dict[str, int]]] = {
    "siglip_vision_model": {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12},
    "clip_vision_model": {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12},
    "pixtral": {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24},
}
# Gemma 4 has two towers: the small models' and that of models from 2,816 values on.
_GEMMA4: Final = ("gemma4_vision", 2816)
_GEMMA4_SMALL: Final = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 16}
_GEMMA4_LARGE: Final = {"hidden_size": 1152, "intermediate_size": 4304, "num_hidden_layers": 27}
_GEMMA4_POSITIONS: Final = {"num_position_embeddings": 2 * 10_240, "patch_size": 16}
# Towers that are known as a whole, where their configuration gives no sizes: parameters [1].
_WHOLE: Final[dict[str, int]] = {
    # SAM-ViT-B with its neck (95.6 M), Qwen2 0.5B without embedding as encoder, a projector.
    "deepencoderv2": 454_890_624,
    "deepencoder": 401_000_000,  # SAM-ViT-B, CLIP-L and a projector
    "gemma4_audio": 300_000_000,
    "gemma3n_vision": 300_000_000,
    "gemma3n_audio": 680_000_000,
}

# Encoders that only the code describes: a key of configurations that have one, and its parameters,
# the published total less the language model's. [1]
_UNSAID: Final[dict[str, tuple[str, int]]] = {
    # SigLIP, a conformer, projectors, and adapters for images and speech: 5,574,460,384 in all.
    "phi4mm": ("embd_layer", 1_738_438_624),
    "phi3_v": ("img_processor", 325_541_888),  # CLIP ViT-L/14 and a projector: 4,146,621,440
}
# Families that publish no drafting layers, whatever their configuration counts.
_UNPUBLISHED: Final = ("minimax_m2",)
# Families whose drafting layers have a dense MLP, and the window of the layers around them.
_DENSE: Final = ("step3p5",)


def towers(configs: Mapping[str, Any], hidden_size: int, origin: str) -> tuple[Tower, ...]:
    """Return the towers of a configuration, by the sections found on the way to the text.

    Parameters
    ----------
    configs : mapping
        Name of a tower to the section that describes it.
    hidden_size : int
        Width of the language model, to which an encoder is projected.
    origin : str
        File or model id, for messages.
    """
    return tuple(
        Tower(name, _count(name, section, hidden_size, origin)) for name, section in configs.items()
    )


def _count(name: str, section: Any, hidden: int, origin: str) -> int | None:
    """Parameters of a tower; None where its sizes are not in the configuration."""
    if not isinstance(section, Mapping) or name == "speech":
        return None
    known = section.get("parameters")
    if type(known) is int and known > 0:
        return known
    for label in (section.get("model_name"), section.get("model_type")):
        if label in _WHOLE and not _size(section, _DEPTHS):
            return _WHOLE[str(label)]
    if section.get("num_global_layers"):
        return _tiled(section, hidden)
    sizes = {**_defaults(str(section.get("model_type")), hidden), **section}
    depth, width = _size(sizes, _DEPTHS), _size(sizes, _WIDTHS)
    if not depth or not width:
        return None
    return _encoder(sizes, depth, width) + _ends(sizes, width, hidden)


def _tiled(section: Mapping[str, Any], hidden: int) -> int | None:
    """Parameters of a tower that reads images in tiles (Llama 3.2 Vision).

    Two stacks of blocks, positions for each tile of each shape of the image, and what tells tiles
    apart before and after; states of several layers go to the language model side by side.
    """
    width, inner, depth = (_size(section, n) for n in (_WIDTHS, _INNER, _DEPTHS))
    image, patch = (_size(section, (n,)) for n in ("image_size", "patch_size"))
    if not (width and inner and depth and image and patch):
        return None
    depth += _size(section, ("num_global_layers",)) or 0
    tiles, out = section.get("max_num_tiles", 4), section.get("vision_output_dim", width)
    shapes = 1 + tiles * 2  # pairs of rows and columns of up to four tiles, and none
    blocks = depth * (4 * width**2 + 2 * width * inner + inner + 5 * width)
    cells = (image // patch) ** 2 + 1
    positions = (shapes * tiles + 1) * cells * width + 2 * shapes * tiles * width
    return int(blocks + positions + 3 * patch**2 * width + out * hidden + hidden)


def _defaults(model_type: str, hidden: int) -> dict[str, int]:
    """Sizes that the class of a tower takes where its configuration gives none."""
    if model_type == _GEMMA4[0]:
        own = _GEMMA4_SMALL if hidden < _GEMMA4[1] else _GEMMA4_LARGE
        return own | _GEMMA4_POSITIONS
    return _DEFAULTS.get(model_type, {})


def _size(section: Mapping[str, Any], names: tuple[str, ...]) -> int | None:
    found = (section.get(name) for name in names)
    return next((value for value in found if type(value) is int and 0 < value < 10**6), None)


def _encoder(sizes: Mapping[str, Any], depth: int, width: int) -> int:
    """Blocks of attention and MLP, with their biases and norms."""
    inner = _size(sizes, _INNER)
    ratio = sizes.get("mlp_ratio")
    if inner is None or "embed_dim" in sizes:
        inner = int(width * (ratio if isinstance(ratio, int | float) else 4))
    kind = str(sizes.get("model_type", ""))
    is_gated = any(name in kind for name in _GATED) or sizes.get("hidden_act") == "silu"
    matrices = 4 * width**2 + (3 if is_gated else 2) * width * inner
    return depth * (matrices + 9 * width + inner)


def _ends(sizes: Mapping[str, Any], width: int, hidden: int) -> int:
    """Patches, positions, and the projector to the width of the language model."""
    patch, channels = _size(sizes, ("patch_size",)) or 0, 3
    frames = _size(sizes, ("temporal_patch_size",)) or 1
    patches = channels * frames * patch**2 * width
    positions = _size(sizes, ("num_position_embeddings",)) or 0
    image = _size(sizes, ("image_size",))
    is_rotary = any(name in str(sizes.get("model_type", "")) for name in ("qwen2", "pixtral"))
    if not positions and image and patch and not is_rotary:
        positions = (image // patch) ** 2
    out = _size(sizes, ("out_hidden_size", "vision_output_dim")) or hidden
    merge = _size(sizes, ("spatial_merge_size", "merge_kernel_size")) or 1
    joined = width * merge**2
    if sizes.get(PLAIN_PROJECTOR):  # images come pooled, through one matrix
        return patches + positions * width + width * out
    projector = joined * (joined + out) if merge > 1 else (width + out) * out
    deep = sizes.get("deepstack_visual_indexes")
    copies = 1 + (len(deep) if isinstance(deep, list) else 0)
    return patches + positions * width + projector * copies


def molmo_tower(config: Mapping[str, Any]) -> dict[str, int]:
    """Return the section of Molmo's encoder, which its configuration leaves to the code.

    CLIP ViT-L/14 on 336 points without its last block, pooling by attention over two blocks'
    states, and a gated MLP half as wide as one matrix of the language model's.

    Examples
    --------
    Molmo 7B-D: 8,021,025,280 parameters in its index, of which this is the encoder.

    >>> molmo_tower({"hidden_size": 3584, "intermediate_size": 37888})
    {'parameters': 404950016}
    """
    hidden, inner = _size(config, _WIDTHS) or 0, (_size(config, _INNER) or 0) // 2
    width, patch, depth, points = 1024, 14, 23, 336
    blocks = depth * (12 * width**2 + 13 * width)
    ends = 3 * patch**2 * width + ((points // patch) ** 2 + 1) * width + 3 * width
    pooling = 7 * width**2 + 4 * width
    projector = 2 * width * inner + inner * hidden
    return {"parameters": blocks + ends + pooling + projector + 4 * width}


def published_tower(config: Mapping[str, Any]) -> dict[str, int] | None:
    """Return the section of an encoder that a configuration leaves to the code.

    Examples
    --------
    >>> published_tower({"model_type": "llama"}) is None
    True
    """
    if config.get("model_type") == "molmo":
        return molmo_tower(config)
    needed, count = _UNSAID.get(str(config.get("model_type")), ("", 0))
    return {"parameters": count} if config.get(needed) is not None else None


def draft(f: Fields, model: Architecture) -> Draft:
    """Return the layers that draft: as the last one that attends, and what joins two inputs."""
    number = next((f.get(key, 0) for key in _DRAFTS if f.raw(key) is not None), 0)
    attending = [x for x in model.layers if x.mixer and not isinstance(x.mixer, Recurrent)]
    if not number or not attending or model.model_type.startswith(_UNPUBLISHED):
        return Draft()
    last = attending[-1]
    if model.model_type.startswith(_DENSE):
        mlp = next((x.mlp for x in model.layers if isinstance(x.mlp, Dense)), last.mlp)
        last = replace(next((x for x in attending if is_windowed(x)), last), mlp=mlp)
    if last.mlp is None:  # blocks of one kind each: attention, then the last kind of MLP
        fed = next((x.mlp for x in reversed(model.layers) if x.mlp), None)
        last = type(last)(mixer=last.mixer, mlp=fed, norm_count=2 * last.norm_count)
    h = model.hidden_size
    ends = (
        WeightGroup("projections", 2 * h * h * number, "replicated", False),
        WeightGroup("norms", 3 * h * number, "replicated", False),
    )
    layer = type(last)(mixer=last.mixer, mlp=last.mlp, count=number, norm_count=last.norm_count)
    return Draft((layer,), ends, model.model_type.startswith(_COPYING))


def is_windowed(layer: Layer) -> bool:
    """Tell whether a layer attends to a window."""
    return isinstance(layer.mixer, Gqa) and layer.mixer.window is not None

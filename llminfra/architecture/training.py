"""What training a model multiplies and keeps for its tokens, counted from its layers."""

from typing import Final

from llminfra.architecture import Architecture
from llminfra.architecture.groups import WeightGroup
from llminfra.architecture.layers import Dense, Gqa, Layer, Mixer, Mla, Mlp, Moe
from llminfra.architecture.work import attention_flop

_PRODUCT: Final = 2.0  # one multiplication and one sum for each weight
_LOOKED_UP: Final = ("embedding", "positions")


def forward_flop_per_token(architecture: Architecture, sequence_tokens: float) -> float:
    """Products of a token on its way through the model [FLOP/token].

    Parameters
    ----------
    architecture : Architecture
        The model; of experts those that a token is sent to count.
    sequence_tokens : float
        Length of a sequence, over which causal attention is averaged. [token]

    Examples
    --------
    Llama 3.1 8B at 8,192 tokens, a layer of whose attention takes 4 x 4,096 x 4,096:

    >>> layer = Layer(mixer=Gqa(n_heads=32, n_kv_heads=8, head_dim=128),
    ...               mlp=Dense(intermediate_size=14336), count=32)
    >>> model = Architecture("llama", 4096, 128256, (layer,))
    >>> round(forward_flop_per_token(model, 8192) / 1e9, 2)
    17.16
    """
    looked_up = 0 if architecture.tied_embeddings else _count(architecture, _LOOKED_UP)
    multiplied = architecture.active_parameters - looked_up
    attention = float(attention_flop(architecture, sequence_tokens)) / sequence_tokens
    return _PRODUCT * multiplied + attention


def _count(architecture: Architecture, names: tuple[str, ...]) -> int:
    return sum(group.count for group in architecture.weight_groups() if group.name in names)


def kept_values(
    architecture: Architecture,
    *,
    is_recomputed: bool,
    tensor_parallel: int = 1,
    is_sequence_parallel: bool = True,
) -> float:
    """Values of a token that the way back needs, in all layers, on one rank [value/token].

    Inputs and outputs of all products; or, where the rest is computed again, the input of each
    layer. Tensor parallel divides what is inside of attention and MLP; what stands between them
    each rank holds in full, but where the sequence is divided too.

    Examples
    --------
    >>> layer = Layer(mixer=Gqa(n_heads=32, n_kv_heads=8, head_dim=128),
    ...               mlp=Dense(intermediate_size=14336), count=32)
    >>> model = Architecture("llama", 4096, 128256, (layer,))
    >>> [int(kept_values(model, is_recomputed=again)) for again in (False, True)]
    [2686976, 131072]
    >>> [int(kept_values(model, is_recomputed=False, tensor_parallel=8, is_sequence_parallel=along))
    ...  for along in (True, False)]
    [335872, 794624]
    """
    width = architecture.hidden_size
    if is_recomputed:
        return architecture.n_layers * width / (tensor_parallel if is_sequence_parallel else 1)
    return float(
        sum(
            layer.count * _on_rank(layer, width, tensor_parallel, is_sequence_parallel)
            for layer in architecture.layers
        )
    )


def product_inputs(architecture: Architecture) -> float:
    """Values of a token that go into the products of all layers, each counted once [value/token].

    Queries, keys and values are one product. Frozen weights need none of them on the way back;
    4-bit products of bitsandbytes kept them all the same until its release 0.43.2 of July 2024.

    Examples
    --------
    4,096 into attention, as many out of it, and into two of the three matrices after it:

    >>> layer = Layer(mixer=Gqa(n_heads=32, n_kv_heads=8, head_dim=128),
    ...               mlp=Dense(intermediate_size=14336), count=32)
    >>> int(product_inputs(Architecture("llama", 4096, 128256, (layer,))) / 32)
    30720
    """
    width = architecture.hidden_size
    return float(
        sum(
            layer.count * (_mixer_inputs(layer.mixer, width) + _mlp_inputs(layer.mlp, width))
            for layer in architecture.layers
        )
    )


def _mixer_inputs(mixer: Mixer | None, width: int) -> float:
    if mixer is None:
        return 0.0
    if isinstance(mixer, Gqa):
        return width + mixer.n_heads * (mixer.value_dim or mixer.head_dim)
    if isinstance(mixer, Mla):
        latents = (mixer.q_lora_rank or 0) + mixer.kv_lora_rank
        return width + latents + mixer.n_heads * mixer.value_dim
    return 2.0 * width


def _mlp_inputs(mlp: Mlp | None, width: int) -> float:
    if mlp is None:
        return 0.0
    if isinstance(mlp, Dense):
        return (2 if mlp.gated else 1) * width + mlp.intermediate_size
    if isinstance(mlp, Moe):
        sent = mlp.top_k * (mlp.latent_size or width)
        return (2 if mlp.gated else 1) * sent + mlp.top_k * mlp.intermediate_size + mlp.shared_size
    return 2.0 * width


def recomputed_values(
    architecture: Architecture, *, tensor_parallel: int = 1, is_sequence_parallel: bool = True
) -> float:
    """Values of a token in the widest layer, which stand while it is computed again [value/token].

    Examples
    --------
    >>> layer = Layer(mixer=Gqa(n_heads=32, n_kv_heads=8, head_dim=128),
    ...               mlp=Dense(intermediate_size=14336), count=32)
    >>> int(recomputed_values(Architecture("llama", 4096, 128256, (layer,))))
    83968
    """
    width = architecture.hidden_size
    return max(
        _on_rank(layer, width, tensor_parallel, is_sequence_parallel)
        for layer in architecture.layers
    )


def _on_rank(layer: Layer, width: int, tensor_parallel: int, is_sequence_parallel: bool) -> float:
    """Values of one layer on a rank: a norm and an input before each part stand between them."""
    between = 2.0 * width * (bool(layer.mixer) + bool(layer.mlp))
    inside = _layer_values(layer, width) - between
    return inside / tensor_parallel + between / (tensor_parallel if is_sequence_parallel else 1)


def _layer_values(layer: Layer, width: int) -> float:
    mixed = _mixer_values(layer.mixer, width) if layer.mixer else 0.0
    return mixed + (_mlp_values(layer.mlp, width) if layer.mlp else 0.0)


def _mixer_values(mixer: Mixer, width: int) -> float:
    """Input, its norm, queries, keys, values and what attention finds; others by their products."""
    if isinstance(mixer, Gqa):
        value_dim = mixer.value_dim or mixer.head_dim
        key_value = mixer.n_kv_heads * (mixer.head_dim + value_dim)
        return 2 * width + mixer.n_heads * (mixer.head_dim + value_dim) + key_value
    if isinstance(mixer, Mla):
        query_key = 2 * mixer.n_heads * (mixer.nope_dim + mixer.rope_dim)
        latents = (mixer.q_lora_rank or 0) + mixer.kv_lora_rank
        return 2 * width + query_key + 2 * mixer.n_heads * mixer.value_dim + latents
    return 2 * width + sum(group.count for group in mixer.weights(width)) / width


def _mlp_values(mlp: Mlp, width: int) -> float:
    """Input, its norm, and of each matrix up what comes out of it and of the gate."""
    if isinstance(mlp, Dense):
        return 2 * width + (4 if mlp.gated else 2) * mlp.intermediate_size
    if isinstance(mlp, Moe):
        inner = mlp.top_k * mlp.intermediate_size + mlp.shared_size
        sent = 2 * mlp.top_k * (mlp.latent_size or width)
        return 2 * width + sent + (4 if mlp.gated else 2) * inner + mlp.n_experts
    return 2 * width + sum(group.count for group in mlp.weights(width)) / width


def largest_layer_parameters(
    architecture: Architecture, *, tensor_parallel: int = 1, expert_parallel: int = 1
) -> float:
    """Parameters of the largest layer on one rank, as even as cuts can be [1].

    Examples
    --------
    >>> layer = Layer(mlp=Dense(intermediate_size=100), count=3)
    >>> largest_layer_parameters(Architecture("x", 10, 50, (layer,)))
    3000.0

    Two of eight experts on each of four ranks:

    >>> layer = Layer(mlp=Moe(n_experts=8, top_k=2, intermediate_size=100))
    >>> model = Architecture("x", 10, 50, (layer,))
    >>> [largest_layer_parameters(model, expert_parallel=n) for n in (1, 4)]
    [24080.0, 6080.0]
    """
    width, n_expert = architecture.hidden_size, max(tensor_parallel, expert_parallel)
    return max(
        sum(
            group.count / (n_expert if group.sharding == "expert" else tensor_parallel)
            for group in layer.weights(width)
        )
        for layer in architecture.layers
    )


def rank_parameters(
    architecture: Architecture,
    *,
    tensor_parallel: int = 1,
    expert_parallel: int = 1,
    pipeline_parallel: int = 1,
) -> tuple[int, int]:
    """Parameters of the fullest rank beside its experts, and of those [1].

    Examples
    --------
    >>> layer = Layer(mlp=Moe(n_experts=8, top_k=2, intermediate_size=100))
    >>> model = Architecture("x", 10, 50, (layer,))
    >>> rank_parameters(model), rank_parameters(model, expert_parallel=4)
    ((1080, 24000), (1080, 6000))
    """
    split = {"tensor_parallel": tensor_parallel, "expert_parallel": expert_parallel}
    stages = architecture.stages(pipeline_parallel)
    fullest = max(stages, key=lambda stage: stage.parameters_on_rank(**split))
    experts = sum(
        group.count_on_rank(**split)
        for group in fullest.weight_groups
        if group.sharding == "expert"
    )
    return fullest.parameters_on_rank(**split) - experts, experts


def beside_layers(architecture: Architecture) -> int:
    """Parameters of embedding and head, which belong to no layer [1].

    Examples
    --------
    >>> beside_layers(Architecture("x", 10, 50, (Layer(mlp=Dense(intermediate_size=100)),)))
    1000
    """
    return _count(architecture, ("embedding", "head"))


def quantizable_parameters(architecture: Architecture) -> int:
    """Parameters of the matrices that recipes store in few bits [1].

    Examples
    --------
    >>> layer = Layer(mlp=Dense(intermediate_size=100), count=3)
    >>> quantizable_parameters(Architecture("x", 10, 50, (layer,)))
    9000
    """
    groups: tuple[WeightGroup, ...] = architecture.weight_groups()
    return sum(group.count for group in groups if group.quantizable)


def unpacked_parameters(
    architecture: Architecture, *, tensor_parallel: int = 1, expert_parallel: int = 1
) -> float:
    """Parameters of those matrices that the ranks over which a layer is split unpack [1].

    Experts that are dealt out to more ranks than that are held by them in part.

    Examples
    --------
    >>> layer = Layer(mlp=Moe(n_experts=8, top_k=2, intermediate_size=100))
    >>> model = Architecture("x", 10, 50, (layer,))
    >>> [unpacked_parameters(model, expert_parallel=n) for n in (1, 4)]
    [24000.0, 6000.0]
    """
    dealt = max(1.0, expert_parallel / tensor_parallel)
    return sum(
        group.count / (dealt if group.sharding == "expert" else 1.0)
        for group in architecture.weight_groups()
        if group.quantizable
    )

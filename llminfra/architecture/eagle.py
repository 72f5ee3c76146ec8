"""Heads that draft from a model's own states (EAGLE): one layer beside the model."""

from typing import Final

from llminfra.architecture import Architecture
from llminfra.architecture.groups import WeightGroup
from llminfra.architecture.layers import Dense, Gqa, Layer, Mixer, Mla, Moe

# What heads are called, and their generation: the third reads three layers of the model and has
# a head of its own for the commonest tokens.
EAGLE_WORDS: Final = {"eagle": 1, "eagle-1": 1, "eagle2": 1, "eagle3": 3, "eagle-3": 3}
HEAD: Final = "eagle"
_COMMON_TOKENS: Final = 32_000
_READ_LAYERS: Final = 3


def eagle_head(
    model: Architecture, generation: int = 3, known_tokens: int | None = None
) -> Architecture:
    """Return the drafting head of a model: a dense layer with the attention of the model's own.

    Parameters
    ----------
    model : Architecture
        What it drafts for; the table of embeddings is shared.
    generation : int
        1: two inputs in one width, the model's head. 3: states of three layers in one width, then
        a layer that reads the embedding beside them, and a head for the commonest tokens.
    known_tokens : int, optional
        Those, 32,000 unless its configuration says otherwise. [token]

    References
    ----------
    Li et al. (2024, 2025), EAGLE and EAGLE-3.

    Examples
    --------
    That of Llama 3.1 8B is published with 0.42 bn parameters:

    >>> layer = Layer(mixer=Gqa(n_heads=32, n_kv_heads=8, head_dim=128),
    ...               mlp=Dense(intermediate_size=14336), count=32)
    >>> round(eagle_head(Architecture("llama", 4096, 128256, (layer,))).parameters / 1e6)
    425
    """
    width, is_third = model.hidden_size, generation == _READ_LAYERS
    mixer = _mixer(model)
    inputs = (_READ_LAYERS if is_third else 2) * width * width
    beside = _input_width(mixer) * width if is_third else 0
    layer = Layer(mixer=mixer, mlp=Dense(intermediate_size=_inner(model)), norm_count=3 * width)
    tokens = min(known_tokens or _COMMON_TOKENS, model.vocab_size) if is_third else 0
    return Architecture(
        HEAD,
        width,
        tokens,
        (layer,),
        tied_embeddings=True,
        before=(WeightGroup("projections", inputs + beside),),
    )


def _mixer(model: Architecture) -> Mixer | None:
    """Attention over everything, as in the model's first layer that has it."""
    mixers = [layer.mixer for layer in model.layers if layer.mixer]
    attending = [mixer for mixer in mixers if isinstance(mixer, Gqa | Mla)]
    whole = [m for m in attending if not (isinstance(m, Gqa) and (m.window or m.shares_kv))]
    return next(iter(whole or attending or mixers), None)


def _input_width(mixer: Mixer | None) -> int:
    """Columns that read a layer's input, which come twice: for the state and the embedding."""
    if isinstance(mixer, Gqa):
        value = 0 if mixer.value_is_key else mixer.value_dim or mixer.head_dim
        return mixer.n_heads * mixer.head_dim + mixer.n_kv_heads * (mixer.head_dim + value)
    if isinstance(mixer, Mla):
        query = mixer.q_lora_rank or mixer.n_heads * (mixer.nope_dim + mixer.rope_dim)
        return query + mixer.kv_lora_rank + mixer.rope_dim
    return 0


def _inner(model: Architecture) -> int:
    """Width of its perceptron: that of a dense layer, else of the experts that a token uses."""
    dense = [layer.mlp.intermediate_size for layer in model.layers if isinstance(layer.mlp, Dense)]
    experts = [
        layer.mlp.top_k * layer.mlp.intermediate_size + layer.mlp.shared_size
        for layer in model.layers
        if isinstance(layer.mlp, Moe)
    ]
    return max(dense or experts or [4 * model.hidden_size])

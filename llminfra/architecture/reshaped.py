"""Models as they would be with layers pruned, or with another kind of attention."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from llminfra.architecture import Architecture
from llminfra.architecture.layers import Gqa, Layer, Mixer, Mla, Recurrent

# Gemma 3 (arXiv 2503.19786): five layers with a window of 1,024 tokens to one that sees all.
WINDOW_TOKENS: Final = 1024
_WINDOWED_TO_ONE: Final = 5
# DeepSeek-V2 (arXiv 2405.04434): 512 values and a rotary key of 64, in place of keys and values.
_LATENT_VALUES, _ROTARY_VALUES = 512, 64
# The state of a head is a square of its width, kept in 16 bits.
_STATE_BYTES: Final = 2


def pruned(architecture: Architecture, kept_fraction: float) -> Architecture:
    """Leave out layers evenly, in the order that the model has them.

    Examples
    --------
    >>> layer = Layer(mixer=Gqa(n_heads=64, n_kv_heads=8, head_dim=128), count=80)
    >>> model = Architecture("llama", 8192, 128256, (layer,))
    >>> pruned(model, 0.8).n_layers, pruned(model, 1.0) is model
    (64, True)
    """
    if kept_fraction >= 1:
        return architecture
    layers: list[Layer] = []
    seen = kept = 0
    for layer in architecture.layers:
        seen += layer.count
        more = max(round(kept_fraction * seen), 1) - kept
        if more > 0:
            layers.append(replace(layer, count=more))
            kept += more
    return replace(architecture, layers=tuple(layers))


def windowed(architecture: Architecture) -> Architecture:
    """Let five of six layers that see all tokens see the last 1,024 alone.

    Examples
    --------
    >>> layer = Layer(mixer=Gqa(n_heads=64, n_kv_heads=8, head_dim=128), count=80)
    >>> model = Architecture("llama", 8192, 128256, (layer,))
    >>> model.kv_values_per_token(), windowed(model).kv_values_per_token()
    (163840, 26624)
    """
    return _changed(
        architecture, lambda mixer: replace(mixer, window=WINDOW_TOKENS), _WINDOWED_TO_ONE
    )


def latent(architecture: Architecture) -> Architecture:
    """Keep one latent of 512 values and a rotary key for a token in place of keys and values.

    Examples
    --------
    >>> layer = Layer(mixer=Gqa(n_heads=64, n_kv_heads=8, head_dim=128), count=80)
    >>> model = Architecture("llama", 8192, 128256, (layer,))
    >>> latent(model).kv_values_per_token() / 80
    576.0
    """
    return _changed(architecture, _latent_of)


def with_states(architecture: Architecture) -> Architecture:
    """Give every second layer that sees all tokens a state of constant size instead.

    Examples
    --------
    >>> layer = Layer(mixer=Gqa(n_heads=64, n_kv_heads=8, head_dim=128), count=80)
    >>> model = Architecture("llama", 8192, 128256, (layer,))
    >>> with_states(model).kv_values_per_token() / 40
    2048.0
    """
    width = architecture.hidden_size
    return _changed(architecture, lambda mixer: _state_of(mixer, width), 1)


CHANGES: Final[dict[str, Callable[[Architecture], Architecture]]] = {
    "windows": windowed,
    "latent": latent,
    "states": with_states,
}


def sees_all(mixer: Mixer | None) -> bool:
    """Whether a layer attends to all tokens with a cache of keys and values."""
    return isinstance(mixer, Gqa) and mixer.window is None and not mixer.shares_kv


def _changed(
    architecture: Architecture, change: Callable[[Gqa], Mixer], changed_to_one: int = 0
) -> Architecture:
    """Change layers that see all: so many of them to one that stays, or all with 0."""
    layers = tuple(_each(architecture.layers, change, changed_to_one))
    return replace(architecture, layers=layers)


def _each(
    layers: tuple[Layer, ...], change: Callable[[Gqa], Mixer], changed_to_one: int
) -> Iterator[Layer]:
    place = 0
    for layer in layers:
        mixer = layer.mixer
        if not isinstance(mixer, Gqa) or not sees_all(mixer):
            yield layer
        elif not changed_to_one:
            yield replace(layer, mixer=change(mixer))
        else:
            for _ in range(layer.count):
                place += 1
                stays = place % (changed_to_one + 1) == 0
                yield replace(layer, count=1, mixer=mixer if stays else change(mixer))


def _latent_of(mixer: Gqa) -> Mla:
    return Mla(
        n_heads=mixer.n_heads,
        kv_lora_rank=_LATENT_VALUES,
        rope_dim=_ROTARY_VALUES,
        nope_dim=mixer.head_dim,
        value_dim=mixer.value_dim or mixer.head_dim,
    )


def _state_of(mixer: Gqa, hidden_size: int) -> Recurrent:
    """A linear attention with the projections of the layer that it replaces."""
    groups = mixer.weights(hidden_size)
    head = mixer.head_dim * (mixer.value_dim or mixer.head_dim)
    return Recurrent(
        n_heads=mixer.n_heads,
        projections=sum(group.count for group in groups if group.quantizable),
        others=sum(group.count for group in groups if not group.quantizable),
        state_bytes=_STATE_BYTES * mixer.n_heads * head,
    )

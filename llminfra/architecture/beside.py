"""What stands beside the language model: towers for images and sound, layers that draft tokens."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from llminfra.architecture.groups import WeightGroup, ceil_div
from llminfra.architecture.layers import Dense as DenseMlp
from llminfra.architecture.layers import Gqa, Layer, Mixer, Mla, Mlp, Moe, Parts, Recurrent

# Copies of the residual that live while a layer is at work: itself, its norm, input and output.
_RESIDUALS: Final = 4


@dataclass(frozen=True, slots=True)
class Tower:
    """An encoder beside the language model.

    Parameters
    ----------
    name : str
        vision, audio or speech.
    parameters : int, optional
        Its weights with those of the projector; None where the configuration does not give the
        sizes. [1]
    """

    name: str
    parameters: int | None = None

    def parameters_on_rank(self, tensor_parallel: int) -> int:
        """Weights on one rank: engines split an encoder like the model [1]."""
        return ceil_div(self.parameters or 0, tensor_parallel)


@dataclass(frozen=True, slots=True)
class Draft:
    """Layers of a model that predict further tokens (multi-token prediction).

    Parameters
    ----------
    layers : tuple of Layer
        As the model's own; each keeps a cache.
    ends : tuple of WeightGroup
        Projection of residual and embedding to one width, norms.
    has_copies : bool
        The checkpoint holds a second embedding and head, which engines drop for the model's own.
    """

    layers: tuple[Layer, ...] = ()
    ends: tuple[WeightGroup, ...] = ()
    has_copies: bool = False


NO_DRAFT: Final = Draft()


def mlp_values(layers: Iterable[Layer], hidden_size: int) -> float:
    """Values of one token that live at once in the widest MLP [value].

    Examples
    --------
    >>> layer = Layer(mixer=None, mlp=DenseMlp(intermediate_size=17408))
    >>> mlp_values([layer], 5120)
    52224.0
    """
    return max(_mlp_values(layer.mlp, hidden_size, 1) for layer in dict.fromkeys(layers))


def live_values(layers: Iterable[Layer], hidden_size: int, tensor_parallel: int = 1) -> float:
    r"""Values of one token that live at once in the widest layer, on one rank [value].

    Notes
    -----
    .. math:: v = 4 h + \max_l \max(v_{mixer}, v_{mlp})

    A gated MLP of width m holds 3 m values, k experts of a token their inputs and outputs. Whole
    checkpoints of 0.5 bn parameters with 512 and 4,096 tokens a step differ by 1 % less than this.

    Examples
    --------
    >>> layer = Layer(mixer=Gqa(n_heads=14, n_kv_heads=2, head_dim=64),
    ...               mlp=DenseMlp(intermediate_size=4864))
    >>> live_values([layer], 896)
    18176.0
    """
    widest = 0.0
    for layer in dict.fromkeys(layers):
        mixer = _mixer_values(layer.mixer, hidden_size) / tensor_parallel
        widest = max(widest, mixer, _mlp_values(layer.mlp, hidden_size, tensor_parallel))
    return _RESIDUALS * hidden_size + widest


def _mixer_values(mixer: Mixer | None, hidden: int) -> float:
    """Queries, keys and values before and after positions, and what attention returns."""
    if isinstance(mixer, Gqa):
        query, value = mixer.n_heads * mixer.head_dim, mixer.value_dim or mixer.head_dim
        return 2 * (query + mixer.n_kv_heads * (mixer.head_dim + value)) + query + mixer.gate_width
    if isinstance(mixer, Mla):
        key = mixer.nope_dim + mixer.rope_dim
        return float(mixer.n_heads * (3 * key + 2 * mixer.value_dim))
    if isinstance(mixer, Recurrent):  # before and after the convolution, and chunks of states
        return 3.0 * mixer.projections / hidden
    if isinstance(mixer, Parts):
        return 2.0 * sum(g.count for g in mixer.groups if g.sharding != "replicated") / hidden
    return 0.0


def _mlp_values(mlp: Mlp | None, hidden: int, tensor_parallel: int) -> float:
    if isinstance(mlp, DenseMlp):
        return (3 if mlp.gated else 2) * mlp.intermediate_size / tensor_parallel
    if isinstance(mlp, Moe):
        width, inner = mlp.latent_size or hidden, mlp.intermediate_size / tensor_parallel
        routed = mlp.top_k * (max(2 * inner, width) + inner)
        return routed + 3 * mlp.shared_size / tensor_parallel
    return 0.0

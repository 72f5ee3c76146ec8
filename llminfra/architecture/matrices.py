"""The matrices behind the weight groups: what each is for, and how long its rows are.

Formats that treat matrices apart go by both. The groups stay what is counted: matrices of a group
share its weights out, and add up to them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from llminfra.architecture.layers import Dense, Gqa, Layer, Mla, Moe, Recurrent

Role = Literal["query", "key", "value", "qkv", "output", "gate", "up", "down", "other"]


@dataclass(frozen=True, slots=True)
class Matrix:
    """A matrix of one layer, or equal ones of its experts.

    Parameters
    ----------
    group : str
        Weight group that it is counted in.
    role : str
        query, key, value, qkv (the three in one), output, gate, up, down or other.
    row_values : int
        Values that a row multiplies. [1]
    count : int
        Parameters. [1]
    """

    group: str
    role: Role
    row_values: int
    count: int


def matrices(layer: Layer, hidden_size: int) -> tuple[Matrix, ...]:
    """Return the quantisable matrices of one layer.

    Examples
    --------
    >>> layer = Layer(mixer=Gqa(n_heads=8, n_kv_heads=2, head_dim=8),
    ...               mlp=Dense(intermediate_size=96))
    >>> [(m.role, m.row_values, m.count) for m in matrices(layer, 64)][:4]
    [('query', 64, 4096), ('key', 64, 1024), ('value', 64, 1024), ('output', 64, 4096)]
    """
    known = [m for m in (*_mixing(layer, hidden_size), *_feeding(layer, hidden_size)) if m.count]
    left = dict.fromkeys((m.group for m in known), 0)
    for group in layer.weights(hidden_size):
        if group.quantizable:
            left[group.name] = left.get(group.name, 0) + group.count
    for matrix in known:
        left[matrix.group] -= matrix.count
    others = (Matrix(name, "other", hidden_size, count) for name, count in left.items() if count)
    return (*known, *others)


def _mixing(layer: Layer, hidden: int) -> Iterable[Matrix]:
    mixer = layer.mixer
    if isinstance(mixer, Gqa):
        return _grouped(mixer, hidden)
    if isinstance(mixer, Mla):
        return _latent(mixer, hidden)
    if isinstance(mixer, Recurrent):
        return (
            Matrix("recurrent", "qkv", hidden, hidden * mixer.qkv_width),
            Matrix("recurrent", "other", mixer.out_width, hidden * mixer.out_width),
        )
    return ()


def _grouped(mixer: Gqa, hidden: int) -> tuple[Matrix, ...]:
    value_dim = mixer.value_dim or mixer.head_dim
    wide = mixer.n_heads * value_dim
    kept = 0 if mixer.shares_kv else mixer.n_kv_heads * hidden
    found: tuple[Matrix, ...] = (
        Matrix("attention", "query", hidden, hidden * mixer.n_heads * mixer.head_dim),
        Matrix("kv_projection", "key", hidden, kept * mixer.head_dim),
        Matrix("kv_projection", "value", hidden, 0 if mixer.value_is_key else kept * value_dim),
    )
    if mixer.is_fused:
        found = tuple(replace(m, role="qkv") for m in found)
    return (*found, Matrix("attention", "output", wide, hidden * wide))


def _latent(mixer: Mla, hidden: int) -> tuple[Matrix, ...]:
    n, rank, q_rank = mixer.n_heads, mixer.kv_lora_rank, mixer.q_lora_rank
    query, wide = n * (mixer.nope_dim + mixer.rope_dim), n * mixer.value_dim
    return (
        Matrix("attention", "other" if q_rank else "query", q_rank or hidden,
               (q_rank or hidden) * query),
        Matrix("attention", "other", mixer.nope_dim, n * rank * mixer.nope_dim),
        Matrix("attention", "other", rank, rank * wide),
        Matrix("attention", "output", wide, hidden * wide),
    )  # fmt: skip


def _feeding(layer: Layer, hidden: int) -> tuple[Matrix, ...]:
    mlp = layer.mlp
    if isinstance(mlp, Dense):
        return _perceptron("dense_mlp", hidden, mlp.intermediate_size, mlp.gated)
    if isinstance(mlp, Moe):
        width = mlp.latent_size or hidden
        routed = _perceptron("experts", width, mlp.intermediate_size, mlp.gated)
        shared = _perceptron("shared_experts", hidden, mlp.shared_size, mlp.gated)
        return (*(replace(m, count=mlp.n_experts * m.count) for m in routed), *shared)
    return ()


def _perceptron(group: str, hidden: int, width: int, gated: bool) -> tuple[Matrix, ...]:
    return (
        Matrix(group, "gate", hidden, hidden * width * gated),
        Matrix(group, "up", hidden, hidden * width),
        Matrix(group, "down", width, hidden * width),
    )

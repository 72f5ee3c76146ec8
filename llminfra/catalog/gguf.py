"""Which type llama.cpp's tool gives to each matrix of a model, and the bits that come of it.

A mix names a type for most matrices and others for some: by what a matrix is for and where it
stands. Where the rows of a matrix do not fill the blocks of its type, another type takes them.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

from llminfra.architecture import Architecture, Gqa, Moe
from llminfra.architecture.matrices import Matrix, matrices
from llminfra.catalog.facts import Facts
from llminfra.catalog.tables import rows_of
from llminfra.ranges import Range

EVERY: Final = "*"
FILE_BYTES: Final = "gguf_file_bytes"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a matrix stands: its number and that of all, and what its model is like."""

    number: int
    total: int
    shared_heads: float = 1.0
    experts: int = 0


def _alternates(place: Place) -> bool:
    """The first and the last eighth, and every third layer between them."""
    eighth = place.total // 8
    is_end = place.number < eighth or place.number >= 7 * place.total // 8
    return is_end or (place.number - eighth) % 3 == 2


_CONDITIONS: Final[dict[str, Callable[[Place], bool]]] = {
    "": lambda place: True,
    "alternate": _alternates,
    "first_eighth": lambda place: place.number < place.total // 8,
    "first_sixteenth": lambda place: place.number < place.total // 16,
    "middle": lambda place: place.total // 8 <= place.number < 7 * place.total // 8,
    "first_2": lambda place: place.number < 2,
    "first_4": lambda place: place.number < 4,
    "grouped": lambda place: place.shared_heads >= 4,
    "sparse": lambda place: place.experts >= 4,
    "eight": lambda place: place.experts == 8,
}


@cache
def _types() -> dict[str, tuple[float, int, str]]:
    """Bits, values of a block and what stands in for it, of each type."""
    return {
        row["type"]: (float(row["bits"]), int(row["block_values"]), row["fallback"])
        for _, row in rows_of("gguf_types.csv")
    }


@cache
def _mix(name: str) -> tuple[tuple[str, Callable[[Place], bool], str], ...]:
    return tuple(
        (row["role"], _CONDITIONS[row["when"]], row["type"])
        for _, row in rows_of("gguf_mixes.csv")
        if row["precision"] == name
    )


def published_file_bytes(facts: Facts, model: str, precision: str) -> Range | None:
    """Size of the published file of a producer's own mix, noted as read; None of no known one.

    Examples
    --------
    >>> size = published_file_bytes(Facts(), "glm-4.5-air", "ud-q4_k_xl")
    >>> round(size.base / 1e9, 2), size.is_exact, size.origin.as_of
    (73.03, True, '2025-08')
    """
    entity = f"{model}-{precision}"
    return facts.number(entity, FILE_BYTES) if facts.has(entity, FILE_BYTES) else None


def type_bits(name: str, row_values: int) -> float:
    """Bits of a value in a type, or in the one that takes rows which do not fill its blocks.

    Examples
    --------
    >>> type_bits("q4_k", 4096), type_bits("q4_k", 1408), type_bits("q6_k", 1408)
    (4.5, 5.5, 8.5)
    """
    bits, block, fallback = _types()[name]
    return bits if row_values % block == 0 else type_bits(fallback, row_values)


def type_of(mix: str, role: str, place: Place) -> str:
    """Return the type that a mix gives to a matrix; the last rule that holds decides.

    Examples
    --------
    >>> [type_of("q4_k_m", "down", Place(i, 32)) for i in (0, 4, 6)]
    ['q6_k', 'q4_k', 'q6_k']
    """
    fitting = [t for r, holds, t in _mix(mix) if r in (EVERY, role) and holds(place)]
    return fitting[-1]


def table_bits(mix: str, end: str, architecture: Architecture) -> tuple[float, float]:
    """Bits of embedding or head, and those of its type, which rows may not fill [bit]."""
    name = type_of(mix, end, Place(0, 1))
    width = architecture.embedding_size or architecture.hidden_size
    return type_bits(name, width), _types()[name][0]


@lru_cache(maxsize=1024)
def mix_bits(mix: str, architecture: Architecture) -> tuple[tuple[str, float], ...]:
    """Mean bits of each weight group in a mix.

    Examples
    --------
    Of 32 layers half of the value and down projections are in Q6_K:

    >>> from llminfra.architecture import Dense, Layer
    >>> layer = Layer(mixer=Gqa(n_heads=32, n_kv_heads=32, head_dim=128),
    ...               mlp=Dense(intermediate_size=11008), count=32)
    >>> bits = dict(mix_bits("q4_k_m", Architecture("llama", 4096, 32000, (layer,))))
    >>> bits["attention"], bits["kv_projection"], round(bits["dense_mlp"], 3)
    (4.5, 5.015625, 4.844)
    """
    held: defaultdict[str, float] = defaultdict(float)
    stored: defaultdict[str, float] = defaultdict(float)
    for matrix, place in _placed(architecture):
        held[matrix.group] += matrix.count
        name = type_of(mix, matrix.role, place)
        stored[matrix.group] += matrix.count * type_bits(name, matrix.row_values)
    return tuple((group, stored[group] / count) for group, count in held.items())


def _placed(architecture: Architecture) -> list[tuple[Matrix, Place]]:
    """Matrices of all layers with their places.

    Values are numbered among their like. Down projections are too in dense models, and by their
    layer where there are experts; all is all layers.
    """
    layers = [layer for layer in architecture.layers for _ in range(layer.count)]
    parts = {layer: matrices(layer, architecture.hidden_size) for layer in architecture.layers}
    experts = max((x.mlp.n_experts for x in layers if isinstance(x.mlp, Moe)), default=0)
    shared = max(
        (x.mixer.n_heads / x.mixer.n_kv_heads for x in layers if isinstance(x.mixer, Gqa)),
        default=1.0,
    )
    values = sum(any(m.role in ("value", "qkv") for m in parts[layer]) for layer in layers)
    seen: defaultdict[str, int] = defaultdict(int)
    found = []
    for i, layer in enumerate(layers):
        for matrix in parts[layer]:
            is_value = matrix.role in ("value", "qkv")
            kind = "value" if is_value else matrix.role
            number = seen[kind] if is_value or not experts else i
            total = values if is_value else len(layers)
            found.append((matrix, Place(number, total, shared, experts)))
        for kind in {"value" if m.role in ("value", "qkv") else m.role for m in parts[layer]}:
            seen[kind] += 1
    return found

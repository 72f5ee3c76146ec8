"""One representation of any language model, from which weights and cache are counted exactly.

::

    Architecture ── embedding, head, vocabulary, context
      └── Layer × count ─┬ mixer   Gqa (full, window, chunk) │ Mla │ Recurrent │ Parts │ none
                         └ mlp     Dense │ Moe │ none

Parameters are those that the language model's published class declares, without buffers. Towers and
multi-token-prediction layers stand beside it (`towers`, `draft`).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from numpy.typing import ArrayLike

from llminfra.architecture.beside import NO_DRAFT, Draft, Tower
from llminfra.architecture.groups import (
    CacheGroup,
    CacheKind,
    Sharding,
    WeightGroup,
    WindowRule,
)
from llminfra.architecture.layers import (
    Dense,
    Gqa,
    Layer,
    Mixer,
    Mla,
    Mlp,
    Moe,
    Parts,
    Recurrent,
    index_cache,
)
from llminfra.architecture.stage import Stage
from llminfra.errors import InvalidInput

__all__ = [
    "Architecture",
    "CacheGroup",
    "CacheKind",
    "Dense",
    "Draft",
    "Gqa",
    "Layer",
    "Mixer",
    "Mla",
    "Mlp",
    "Moe",
    "Parts",
    "Recurrent",
    "Sharding",
    "Stage",
    "StoredWeights",
    "Tower",
    "WeightGroup",
    "WindowRule",
    "index_cache",
]


@dataclass(frozen=True)
class StoredWeights:
    """Format that a checkpoint is stored in: in words, and as the precisions that count the same.

    Parameters
    ----------
    words : str
        The format, as a sentence goes on after "its weights are".
    precisions : tuple of str
        Precisions whose arithmetic and bits are those of most of the weights; none where the format
        is not known or is none of ours.
    bits : tuple of pairs
        Weight group and the mean bits of its weights, scales included; 16 for the others. A range
        where the size of the file is one.
    draft_bits : tuple of pairs
        The same for the layers that draft.
    kv_precision : str, optional
        Format of the cache that the checkpoint asks for.
    is_assumed : bool
        Taken from the published checkpoint of that precision, not read from this one.
    """

    words: str
    precisions: tuple[str, ...] = ()
    bits: tuple[tuple[str, Any], ...] = ()
    draft_bits: tuple[tuple[str, float], ...] = ()
    kv_precision: str | None = None
    is_assumed: bool = False


@dataclass(frozen=True)
class Architecture:
    """A language model as a list of layers.

    Parameters
    ----------
    model_type : str
        Family, as its configuration names it.
    hidden_size, vocab_size : int
        Width of the residual stream, entries of the vocabulary. [1]
    layers : tuple of Layer
        In order; equal neighbours are one entry with a count.
    tied_embeddings : bool
        The head is the embedding matrix.
    max_context_tokens : int, optional
        Longest sequence the model was made for; None if the configuration sets no limit. [token]
    before, after : tuple of WeightGroup
        What stands beside embedding and head: positions, norms, projections.
    embedding_size : int, optional
        Width of the embedding where it is not `hidden_size`. [1]
    towers : tuple of Tower
        Encoders beside the language model: vision, audio, speech.
    draft : Draft
        Its own layers that predict further tokens.
    stored_weights : StoredWeights, optional
        Format of the checkpoint, where its configuration states one.
    plain_bits : float
        Bits of a weight in the checkpoint where nothing is quantised. [bit]
    has_unlimited_positions : bool
        Positions are a bias of attention or left out, so that nothing ends the context.

    Examples
    --------
    Llama 3.3 70B:

    >>> layer = Layer(mixer=Gqa(n_heads=64, n_kv_heads=8, head_dim=128),
    ...               mlp=Dense(intermediate_size=28672), count=80, norm_count=2 * 8192)
    >>> model = Architecture("llama", 8192, 128256, (layer,),
    ...                      after=(WeightGroup("norms", 8192, "replicated", False),))
    >>> model.parameters, model.kv_values_per_token()
    (70553706496, 163840)
    """

    model_type: str
    hidden_size: int
    vocab_size: int
    layers: tuple[Layer, ...]
    tied_embeddings: bool = False
    max_context_tokens: int | None = None
    before: tuple[WeightGroup, ...] = ()
    after: tuple[WeightGroup, ...] = ()
    embedding_size: int | None = None
    towers: tuple[Tower, ...] = ()
    draft: Draft = NO_DRAFT
    stored_weights: StoredWeights | None = None
    plain_bits: float = 16.0
    has_unlimited_positions: bool = False

    @property
    def n_layers(self) -> int:
        """Layers, as the configuration counts them [1]."""
        return sum(layer.count for layer in self.layers)

    @property
    def _mixers(self) -> list[Mixer]:
        return [layer.mixer for layer in self.layers if layer.mixer]

    @property
    def is_unbounded(self) -> bool:
        """Whether nothing in the model ends its context."""
        attends = any(not isinstance(mixer, Recurrent) for mixer in self._mixers)
        return self.has_unlimited_positions or not attends

    @property
    def n_attention_heads(self) -> int:
        """Query heads of the layers that attend, else heads of the recurrence [1]."""
        attending = [m.n_heads for m in self._mixers if not isinstance(m, Recurrent)]
        return max(attending or [m.n_heads for m in self._mixers], default=1)

    def tensor_parallel_values(self, limit: int = 1024) -> tuple[int, ...]:
        """Ranks over which engines can split this model, in rising order.

        They divide the heads of every layer, and divide its KV heads or are a multiple of them.

        Examples
        --------
        >>> layer = Layer(mixer=Gqa(n_heads=40, n_kv_heads=8, head_dim=128))
        >>> Architecture("x", 5120, 32000, (layer,)).tensor_parallel_values()
        (1, 2, 4, 8, 40)
        """
        heads = {(m.n_heads, m.n_kv_heads) for m in self._mixers}
        return tuple(
            n
            for n in range(1, min(limit, self.n_attention_heads) + 1)
            if all(h % n == 0 and (kv % n == 0 or n % kv == 0) for h, kv in heads)
        )

    def stages(self, pipeline_parallel: int = 1) -> tuple[Stage, ...]:
        """Cut the layers into pipeline stages, as vLLM does.

        Layers that are left over go to the stages before the last, which already has the head;
        with tied embeddings the last stage holds a copy.

        Raises
        ------
        InvalidInput
            If there are more stages than layers.

        Examples
        --------
        >>> model = Architecture("x", 64, 100, (Layer(count=7),))
        >>> [sum(layer.count for layer in stage.layers) for stage in model.stages(4)]
        [2, 2, 2, 1]
        """
        if not 1 <= pipeline_parallel <= self.n_layers:
            raise InvalidInput(
                f"pipeline_parallel must be from 1 to the {self.n_layers} layers, "
                f"got {pipeline_parallel}"
            )
        each, left = divmod(self.n_layers, pipeline_parallel)
        takes_one_more = range(pipeline_parallel - 1 - left, pipeline_parallel - 1)
        sizes = [each + (i in takes_one_more) for i in range(pipeline_parallel)]
        head = not self.tied_embeddings or pipeline_parallel > 1
        ends: list[tuple[WeightGroup, ...]] = [() for _ in sizes]
        ends[0] += (self._table("embedding"), *self.before)
        ends[-1] += ((self._table("head"),) if head else ()) + self.after
        cuts = _cut(self.layers, sizes)
        last = pipeline_parallel - 1
        return tuple(
            Stage(self.hidden_size, cut, end, i == 0, i == last)
            for i, (cut, end) in enumerate(zip(cuts, ends, strict=True))
        )

    def _table(self, name: str) -> WeightGroup:
        width = self.embedding_size or self.hidden_size
        return WeightGroup(name, self.vocab_size * width, quantizable=False)

    @cached_property
    def whole(self) -> Stage:
        """The model as a single stage."""
        return self.stages()[0]

    def weight_groups(self) -> tuple[WeightGroup, ...]:
        """Parameters of the whole model by group; they add up to `parameters`."""
        return self.whole.weight_groups

    def cache_groups(self) -> tuple[CacheGroup, ...]:
        """What the whole model keeps per sequence, by kind of layer."""
        return self.whole.cache_groups

    @property
    def parameters(self) -> int:
        """All parameters, tied ones once [1]."""
        return sum(group.count for group in self.weight_groups())

    @property
    def active_parameters(self) -> int:
        """Parameters that one token uses: all but the experts it is not sent to [1].

        Embedding and head count in full, as in most published "active" numbers. Some publishers
        leave the embedding out: 5.1 bn instead of 5.71 bn of gpt-oss-120b, whose table is 0.58 bn.
        """
        return sum(group.active_count for group in self.weight_groups())

    def parameters_on_rank(self, *, pipeline_parallel: int = 1, **split: int) -> int:
        """Parameters on the fullest rank of the fullest stage [1].

        `split` is that of `WeightGroup.count_on_rank`. There `expert_parallel` is the number of
        ranks that whole experts are dealt to, across tensor and data parallel; 1 means that each
        expert is sliced.
        """
        return max(stage.parameters_on_rank(**split) for stage in self.stages(pipeline_parallel))

    def kv_values_per_token(self, *, tensor_parallel: int = 1, windowed: bool = False) -> int:
        """Values that one more token adds on one rank, beyond every window [value].

        Full and latent layers; index keys are left out, as engines fix their format. With
        `windowed` also window and chunk layers, as they grow before they are full.
        """
        kinds = ("full", "latent", "window", "chunk") if windowed else ("full", "latent")
        return sum(
            g.n_layers * g.values_on_rank(tensor_parallel) // g.tokens_per_entry
            for g in self.cache_groups()
            if g.kind in kinds
        )

    def cache_bytes(
        self, tokens: ArrayLike, *, bytes_per_value: ArrayLike, tensor_parallel: int = 1
    ) -> Any:
        """Cache of one sequence on one tensor parallel rank that has all layers [byte].

        Parameters
        ----------
        tokens : array_like
            Length of the sequence. [token]
        bytes_per_value : array_like
            2 for a 16-bit cache, 1 for FP8. [byte/value]
        tensor_parallel : int
            Ranks that share the KV heads; 1 gives the cache of the model as a whole. [accelerator]

        Returns
        -------
        cache_bytes : float or ndarray
            Pages are not rounded up; windows are capped, states constant. [byte]

        Examples
        --------
        Llama 2 13B at 8,192 tokens in 16 bit:

        >>> layer = Layer(mixer=Gqa(n_heads=40, n_kv_heads=40, head_dim=128), count=40)
        >>> float(Architecture("llama", 5120, 32000, (layer,)).cache_bytes(8192, bytes_per_value=2))
        6710886400.0
        """
        return self.whole.cache_bytes(
            tokens, bytes_per_value=bytes_per_value, tensor_parallel=tensor_parallel
        )


def _cut(layers: Iterable[Layer], sizes: Iterable[int]) -> list[tuple[Layer, ...]]:
    """Cut runs of layers into consecutive parts of the given sizes."""
    runs, parts = list(layers)[::-1], []
    for size in sizes:
        part: list[Layer] = []
        while size:
            run = runs.pop()
            taken = min(size, run.count)
            part.append(replace(run, count=taken))
            if run.count > taken:
                runs.append(replace(run, count=run.count - taken))
            size -= taken
        parts.append(tuple(part))
    return parts

"""What one accelerator of a replica reads, multiplies and sends: numbers for the serving law."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from llminfra.architecture import Architecture, WeightGroup
from llminfra.architecture.work import (
    attention_flop,
    cache_read_bytes,
    expert_of,
    layers_with,
)
from llminfra.catalog.facts import Facts
from llminfra.catalog.recipes import end_bits, group_bits, quantized_groups
from llminfra.formulas._formula import Quantity
from llminfra.formulas.weights import weight_bytes

_MULTIPLY_ADD: Final = 2  # FLOP
_SENT_BYTES: Final = 2  # activations travel in 16 bits
_ALL_REDUCES: Final = 2  # after attention and after the MLP
_ALL_TO_ALL_BYTES: Final = 3  # a value goes out in 8 bits and comes back in 16
# Kinds of layers whose small kernels cost extra time.
KINDS: Final = ("latent", "index", "state", "experts")


@dataclass(frozen=True)
class Division:
    """How a replica is divided: one accelerator of each of these along every axis."""

    tensor_parallel: int = 1
    pipeline_parallel: int = 1
    data_parallel: int = 1


@dataclass(frozen=True)
class Work:
    """One model at one precision on one layout; bytes and FLOP of one accelerator.

    Stages of a pipeline work on parts of the batch in turn, so that a token still passes all
    layers: a stage counts like a rank that has the whole model and its share of the requests.
    """

    architecture: Architecture
    layout: Division
    weight_bytes: Quantity
    expert_bytes: Quantity
    native_flop_per_token: float
    plain_flop_per_token: float
    expert_flop_per_token: float
    reduced_bytes_per_token: float
    exchanged_bytes_per_token: float

    @property
    def ranks(self) -> int:
        """Parts that the requests are dealt to."""
        return self.layout.data_parallel * self.layout.pipeline_parallel

    @property
    def expert_share_fraction(self) -> float:
        """Experts that a token uses, of all."""
        expert = expert_of(self.architecture)
        return expert.top_k / expert.n_experts if expert else 0.0

    @property
    def expert_values(self) -> float:
        """Width of an expert, or 1 without experts."""
        expert = expert_of(self.architecture)
        return float(expert.intermediate_size) if expert else 1.0

    @property
    def n_layers(self) -> int:
        """Layers of the model."""
        return self.architecture.n_layers

    @property
    def residual_values(self) -> float:
        """Values of one token's residual in all layers."""
        return float(self.architecture.n_layers * self.architecture.hidden_size)

    def layers_with(self, kind: str) -> int:
        """Layers of a kind."""
        return layers_with(self.architecture, kind)

    def attention_flop(self, prompt_tokens: Quantity, cached_tokens: Quantity) -> Quantity:
        """Products of causal attention over a prompt on one accelerator."""
        whole = attention_flop(self.architecture, prompt_tokens, cached_tokens=cached_tokens)
        return whole / self.layout.tensor_parallel

    def cache_read_bytes(self, tokens: Quantity, bytes_per_value: Quantity) -> Quantity:
        """Cache of one sequence that an accelerator reads in a step."""
        return cache_read_bytes(
            self.architecture,
            tokens,
            bytes_per_value=bytes_per_value,
            tensor_parallel=self.layout.tensor_parallel,
        )

    def numbers(
        self,
        prompt_tokens: Quantity,
        half_output_tokens: Quantity,
        bytes_per_value: Quantity,
        cached_tokens: Quantity = 0.0,
    ) -> dict[str, Quantity]:
        """Return the counts that the law takes, at a mean context of prompt and half an answer."""
        context = prompt_tokens + half_output_tokens
        return {
            "weight_bytes": self.weight_bytes,
            "expert_bytes": self.expert_bytes,
            "native_flop_per_token": self.native_flop_per_token,
            "plain_flop_per_token": self.plain_flop_per_token,
            "expert_flop_per_token": self.expert_flop_per_token,
            "reduced_bytes_per_token": self.reduced_bytes_per_token,
            "exchanged_bytes_per_token": self.exchanged_bytes_per_token,
            "expert_share_fraction": self.expert_share_fraction,
            "expert_values": self.expert_values,
            "residual_values": self.residual_values,
            "layers": self.n_layers,
            **{f"{kind}_layers": self.layers_with(kind) for kind in KINDS},
            "hops": self.layout.pipeline_parallel - 1,
            "ranks": self.ranks,
            "attention_ranks": self.layout.data_parallel if self.expert_values > 1 else 1,
            "attention_flop": self.attention_flop(prompt_tokens, cached_tokens),
            "cache_read_bytes": self.cache_read_bytes(context, bytes_per_value),
        }


def work(architecture: Architecture, layout: Division, precision: str, facts: Facts) -> Work:
    """Count the work of one accelerator."""
    t, experts = layout.tensor_parallel, expert_of(architecture)
    quantized = quantized_groups(facts, precision, architecture)
    groups = _multiplied(architecture)
    kinds = {group: _kind(group, quantized) for group in groups}
    # Routed experts are dealt or sliced over all ranks, everything else over the tensor group.
    routed = [g for g in groups if g.sharding == "expert"]
    others = [g for g in groups if g.sharding != "expert"]
    flop = {
        is_native: sum(
            _MULTIPLY_ADD * g.count_on_rank(tensor_parallel=t)
            for g in others
            if (g.name in quantized and g.quantizable) is is_native
        )
        for is_native in (True, False)
    }
    if not quantized & {g.name for g in others} and precision in ("bf16", "fp16", "fp32"):
        flop = {True: sum(flop.values()), False: 0}
    h, n = architecture.hidden_size, t * layout.data_parallel
    stored = partial(_stored_bytes, model=architecture, precision=precision, facts=facts)
    width = (experts.latent_size or h) if experts else h
    reduced = _ALL_REDUCES * architecture.n_layers * h * _SENT_BYTES
    exchanged = experts.top_k * width * layers_with(architecture, "experts") if experts else 0
    return Work(
        architecture=architecture,
        layout=layout,
        weight_bytes=stored((g, kinds[g], g.count_on_rank(tensor_parallel=t)) for g in others),
        expert_bytes=stored((g, kinds[g], g.count / n) for g in routed),
        native_flop_per_token=float(flop[True]),
        plain_flop_per_token=float(flop[False]),
        expert_flop_per_token=_MULTIPLY_ADD * sum(g.active_count for g in routed) / t,
        reduced_bytes_per_token=reduced * 2 * (t - 1) / t,
        exchanged_bytes_per_token=exchanged * _ALL_TO_ALL_BYTES * (n - 1) / n
        if layout.data_parallel > 1
        else 0.0,
    )


def _multiplied(architecture: Architecture) -> list[WeightGroup]:
    """Weights that a token is multiplied with: all but the embedding, unless it is the head too."""
    groups = architecture.weight_groups()
    has_head = any(group.name == "head" for group in groups)
    skipped = {"positions"} | ({"embedding"} if has_head else set())
    head = architecture.vocab_size * (architecture.embedding_size or architecture.hidden_size)
    # Of tied tables only the one that is the head is multiplied, not those of single layers.
    kept = (replace(g, count=min(g.count, head)) if g.name == "embedding" else g for g in groups)
    return [group for group in kept if group.name not in skipped]


def _kind(group: WeightGroup, quantized: frozenset[str]) -> str:
    """What decides the bits of a group."""
    if group.name in quantized and group.quantizable:
        return "quantized"
    return "head" if group.name in ("head", "embedding") else "other"


def _stored_bytes(
    counts: Iterable[tuple[WeightGroup, str, float]],
    *,
    model: Architecture,
    precision: str,
    facts: Facts,
) -> Quantity:
    """Bytes of weights; an embedding is read whole only where it is the head too."""
    total: defaultdict[str, float] = defaultdict(float)
    packed: defaultdict[str, float] = defaultdict(float)
    for group, kind, count in counts:
        total[kind] += count
        if kind == "quantized":
            packed[group.name] += count
    if not total:
        return 0.0
    head = end_bits(facts, precision, model, "head") if "head" in total else 0.0
    other = facts.number(precision, "unquantized_bits") if "other" in total else 0.0
    return weight_bytes(
        quantized_parameters=total["quantized"],
        bits_per_weight=group_bits(facts, precision, model, packed),
        kernel_padding_ratio=1.0,
        embedding_parameters=0.0,
        embedding_bits=0.0,
        head_parameters=total["head"],
        head_bits=head,
        other_parameters=total["other"],
        unquantized_bits=other,
    )

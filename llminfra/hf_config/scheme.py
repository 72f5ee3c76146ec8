"""What a quantisation makes of each matrix of a model: formats, rules for names, mean bits."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

from llminfra.architecture import Architecture, Layer, StoredWeights
from llminfra.hf_config.modules import EMBEDDING, HEAD, PREFIXES, VISION, modules
from llminfra.hf_config.patterns import Patterns

_PLAIN_BITS: Final = 16.0
_MANY: Final = 0.9  # share of the quantised weights from which a format speaks for all


class Format(NamedTuple):
    """How a matrix is stored: in words, bits of a weight with its scales, our precision."""

    words: str
    bits: float
    precision: str = ""


# Bits of one scale, which the weights of a group or row share.
SCALE_BITS: Final = 16
# Weights that share a scale where a row of a matrix does: a usual width.
ROW: Final = 4096
FP8: Final = Format("FP8", 8.0, "fp8")
NVFP4: Final = Format("NVFP4", 4.5, "nvfp4")
MXFP4: Final = Format("MXFP4", 4.25, "mxfp4")
MXFP8: Final = Format("MXFP8", 8.25, "fp8")


def in_bits(bits: float, group: object = None, zero_bits: float = 0) -> Format:
    """Integers whose groups, or rows, share a scale and, unless symmetric, a zero."""
    size = group if type(group) is int and group > 0 else ROW
    precision = "int8" if bits == 8 else "int4" if bits < 8 else ""
    each = bits + (SCALE_BITS + zero_bits) / size
    return Format(f"integers of {bits:g} bits", each, precision)


class Rule(NamedTuple):
    """The format of the modules that the patterns name; None leaves them in 16 bits.

    Examples
    --------
    >>> rule = Rule(Patterns(["re:.*experts.*"]), NVFP4, unless=Patterns(["mtp.*"]))
    >>> rule.names(["layers.0.ffn.experts.0.w1"]), rule.names(["mtp.0.ffn.experts.0.w1"])
    (True, False)
    """

    patterns: Patterns
    form: Format | None
    unless: Patterns | None = None

    def names(self, names: Iterable[str], layer: int | None = None) -> bool:
        """Tell whether the rule speaks of a module, by any of its names."""
        known = list(names)
        if self.unless and any(self.unless.names(name, layer) for name in known):
            return False
        return any(self.patterns.names(name, layer) for name in known)


def by_format(rules: list[Rule]) -> list[Rule]:
    """Join what has one format, so that hundreds of names are looked up at once."""
    names: dict[Format | None, list[str]] = {}
    for rule in rules:
        names.setdefault(rule.form, []).extend(rule.patterns.texts)
    return [Rule(Patterns(listed), form) for form, listed in names.items()]


@dataclass(frozen=True)
class Scheme:
    """Rules in order, the first that names a module holds; `default` is for all others.

    `embeds` and `head` say whether the default covers the table of embeddings and the head, which
    most tools leave alone.
    """

    default: Format | None
    rules: tuple[Rule, ...] = ()
    embeds: bool = False
    head: bool = False
    vision: bool = False
    source: str = ""
    kv_precision: str | None = None

    @cached_property
    def formats(self) -> list[Format]:
        """All formats that occur, the default first."""
        named = [rule.form for rule in self.rules if rule.form]
        return list(dict.fromkeys(([self.default] if self.default else []) + named))

    @cached_property
    def _naming(self) -> list[Rule]:
        return [rule for rule in self.rules if rule.patterns.texts]

    def form(self, names: Iterable[str], layer: int | None = None) -> Format | None:
        """Return the format of a module by any of its names."""
        known = list(names) if self._naming else ()
        for rule in self._naming:
            if rule.names(known, layer):
                return rule.form
        return self.default

    def named(self, names: Iterable[str]) -> bool:
        """Tell whether a rule speaks of a module outside the layers."""
        known = list(names)
        return any(rule.names(known) for rule in self.rules)


def stored(scheme: Scheme, model: Architecture, prefixes: tuple[str, ...]) -> StoredWeights:
    """Return what the checkpoint stores: mean bits of each weight group, and the format of most."""
    bits, weights = _mean_bits(scheme, _numbered(model.layers), model.hidden_size, prefixes)
    drafts = enumerate([x for x in model.draft.layers for _ in range(x.count)], model.n_layers)
    draft_bits, _ = _mean_bits(scheme, drafts, model.hidden_size, (*prefixes, "mtp.layers."))
    ends = {
        "embedding": (scheme.embeds, EMBEDDING),
        "head": (scheme.head, HEAD),
        "vision": (scheme.vision, VISION),
    }
    for name, (is_covered, modules_named) in ends.items():
        form = scheme.form(modules_named) if is_covered or scheme.named(modules_named) else None
        bits[name] = form.bits if form else _PLAIN_BITS
    most = max(weights, key=lambda form: weights[form], default=scheme.default)
    return StoredWeights(
        words=_words(scheme, weights, most),
        precisions=(most.precision,) if most and most.precision else (),
        bits=tuple(sorted(bits.items())),
        draft_bits=tuple(sorted(draft_bits.items())),
        kv_precision=scheme.kv_precision,
    )


def prefixes_in(text: str) -> tuple[str, ...]:
    """Prefixes of layers that a section uses; the usual one where it names no layer."""
    return tuple(prefix for prefix in PREFIXES if prefix in text.replace("\\", "")) or PREFIXES[:2]


def _numbered(layers: Iterable[Layer]) -> Iterator[tuple[int, Layer]]:
    """Yield every layer with its number, equal ones one by one."""
    return enumerate(layer for layer in layers for _ in range(layer.count))


def _mean_bits(
    scheme: Scheme, layers: Iterable[tuple[int, Layer]], hidden: int, prefixes: tuple[str, ...]
) -> tuple[dict[str, float], dict[Format, float]]:
    """Mean bits by weight group, and how many weights each format has."""
    counted: dict[str, float] = {}
    summed: dict[str, float] = {}
    weights: dict[Format, float] = {}
    counts: dict[Layer, dict[str, int]] = {}
    for number, layer in layers:
        if layer not in counts:
            counts[layer] = _counts(layer, hidden)
        for group, share, names in modules(layer, hidden):
            count = share * counts[layer].get(group, 0)
            if not count:
                continue
            form = scheme.form((f"{p}{number}.{n}" for p in prefixes for n in names), number)
            counted[group] = counted.get(group, 0.0) + count
            summed[group] = summed.get(group, 0.0) + count * (form.bits if form else _PLAIN_BITS)
            if form:
                weights[form] = weights.get(form, 0.0) + count
    return {group: summed[group] / counted[group] for group in counted}, weights


def _counts(layer: Layer, hidden: int) -> dict[str, int]:
    found: dict[str, int] = {}
    for group in layer.weights(hidden):
        if group.quantizable:
            found[group.name] = found.get(group.name, 0) + group.count
    return found


def _words(scheme: Scheme, weights: dict[Format, float], most: Format | None) -> str:
    if most is None:
        return f"in 16 bits ({scheme.source})"
    total = sum(weights.values())
    if not total or weights.get(most, 0.0) >= _MANY * total:
        return f"{most.words} ({scheme.source})"
    parts = sorted(weights.items(), key=lambda item: -item[1])
    shares = ", ".join(f"{100 * n / total:.0f} % {form.words}" for form, n in parts)
    return f"of mixed precision: {shares} ({scheme.source})"

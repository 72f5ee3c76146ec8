"""The model as its file holds it, where the size of the file is known."""

from collections import Counter
from dataclasses import replace
from typing import Final

from llminfra import formats
from llminfra.architecture import Architecture, StoredWeights
from llminfra.catalog import gguf
from llminfra.catalog.facts import Facts, engine_entry
from llminfra.catalog.recipes import end_bits, quantized_groups, recipe
from llminfra.errors import ImpossibleCombination
from llminfra.facets.deployment.checkpoint import as_published, changes_in_words
from llminfra.facets.deployment.inputs import Inputs
from llminfra.formulas._formula import Quantity
from llminfra.ranges import Range, base_of

_ENDS: Final = ("embedding", "head")
# Bits of a weight that files are stored in, whatever their format.
_LEAST: Final = 1.0
_MOST: Final = 32.0


def check_file(inputs: Inputs, architecture: Architecture) -> None:
    """Raise ImpossibleCombination where no format makes the weights so small or large."""
    if inputs.weight_file_bytes is None:
        return
    bits = 8 * inputs.weight_file_bytes / architecture.parameters
    if not _LEAST <= bits <= _MOST:
        values = formats.number(architecture.parameters / 1e9)
        raise ImpossibleCombination(
            f"weight_file_bytes must be the size of a file of {values} bn weights, got "
            f"{formats.gb(inputs.weight_file_bytes)}, {formats.number(bits)} bits for each; check "
            "the model, or the unit",
            field="weight_file_bytes",
        )


def as_in_file(inputs: Inputs, facts: Facts, architecture: Architecture) -> Architecture:
    """Return the model with the bits that its file has room for, else those of its checkpoint.

    The file's size is the one that is given, else that of the file which the catalogue knows.
    The tables keep those of the recipe, and what it leaves alone does; all other matrices share
    the rest alike.
    """
    published = as_published(inputs, architecture)
    size, words = _file(inputs, facts, published)
    if size is None:
        return published
    name = recipe(facts, engine_entry(inputs.engine, inputs.engine_version), inputs.precision)
    names = quantized_groups(facts, name, published)
    ends = {end: base_of(end_bits(facts, name, published, end)) for end in _ENDS}
    counts = Counter[str]()
    for group in published.weight_groups():
        is_packed = group.name in names and group.quantizable
        counts["packed" if is_packed else group.name if group.name in ends else "other"] += (
            group.count
        )
    other = facts.number(name, "unquantized_bits").base
    left = 8 * size - counts["other"] * other
    left -= sum(counts[end] * bits for end, bits in ends.items())
    bits = left / max(counts["packed"], 1)
    bits = bits.no_less_than(_LEAST) if isinstance(bits, Range) else max(bits, _LEAST)
    held = (*((group, bits) for group in sorted(names)), *ends.items())
    precisions = tuple(dict.fromkeys((inputs.precision, name)))
    stored = StoredWeights(words, precisions, held, is_assumed=inputs.weight_file_bytes is None)
    return replace(architecture, stored_weights=stored)


def _file(inputs: Inputs, facts: Facts, architecture: Architecture) -> tuple[Quantity, str]:
    """Bytes of the model's file, with the range that they may have, and how large in words."""
    is_another = inputs.engine != "llama.cpp" or changes_in_words(inputs, architecture)
    if inputs.weight_file_bytes is not None or is_another:
        return inputs.weight_file_bytes, "as large as said"
    size = gguf.published_file_bytes(facts, inputs.model, inputs.precision)
    if size is None:
        return None, ""
    file_bytes = size.base if size.is_exact else size
    return file_bytes, f"as large as the file of {getattr(size.origin, 'as_of', '')}"

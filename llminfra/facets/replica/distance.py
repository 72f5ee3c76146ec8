"""How far a case is from the rows that the constants were fitted on, and how wide its range is.

One rule: a range is as wide as errors were on groups left out of the fit. On an accelerator that
the fit has not seen it is so many times as wide; a family that no row of this engine holds, and a
release newer than any row, add errors of their own, independent of the others.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from llminfra.architecture import Architecture
from llminfra.architecture.layers import Dense
from llminfra.catalog.facts import Facts, version_numbers
from llminfra.catalog.loader import ids
from llminfra.facets.deployment import Deployment
from llminfra.facets.replica import constants
from llminfra.formulas import model_error
from llminfra.ranges import Range, as_range, exact

# Dense decoders whose layers all attend to everything differ in sizes alone: one family.
PLAIN: Final = "plain"
_SEEN: Final = "serving-seen"
_FAMILY: Final = "serving-unseen-family"
_BUILD: Final = "serving-unseen-build"
_RATIOS: Final = {
    "accelerator": "other_accelerator_ratio",
    "generation": "other_generation_ratio",
    "engine": "other_generation_ratio",
}


class Distance(NamedTuple):
    """What the rows of the fit do not hold.

    Parameters
    ----------
    chip : {"none", "accelerator", "generation", "engine"}
        What of the accelerator; engine where it hardly runs there.
    is_other_family, is_newer_build : bool
        No row of the engine is of the model's family, or of so new a release.
    """

    chip: str
    is_other_family: bool
    is_newer_build: bool


def family_of(architecture: Architecture) -> str:
    """Return the family of a model: that of its configuration, or one for all plain decoders.

    Examples
    --------
    >>> from llminfra.architecture import Gqa, Layer
    >>> mixer = Gqa(n_heads=32, n_kv_heads=8, head_dim=128)
    >>> layer = Layer(mixer=mixer, mlp=Dense(intermediate_size=14336), count=32)
    >>> family_of(Architecture("llama", 4096, 128256, (layer,)))
    'plain'
    """
    kinds = {
        group.kind for layer in architecture.layers if layer.mixer for group in layer.mixer.caches()
    }
    is_dense = all(isinstance(layer.mlp, Dense) for layer in architecture.layers)
    return PLAIN if is_dense and kinds == {"full"} else architecture.model_type


def fit_of(case: constants.Setting) -> str:
    """Return the entry of the fit that a case rests on."""
    if constants.is_new_build(case):
        return constants.NEW_GGUF
    return constants.GGUF if case.engine == "llama.cpp" else constants.COMMON


def distance_of(
    facts: Facts,
    deployment: Deployment,
    case: constants.Setting,
    *,
    accelerator: str,
    fits: Sequence[str],
) -> Distance:
    """Return how far a case is from the rows of some fits."""
    known = [chip for fit in fits for chip in facts.text(fit, "accelerators").split()]
    is_measured = deployment.engine_support == "measured"
    chip = _chip(facts, case, accelerator, known) if is_measured else "engine"
    seen = f"{_SEEN}-{case.engine}"
    if seen not in ids("serving"):  # one stream, whose errors are those of whole chips left out
        return Distance(chip, False, False)
    families = facts.text(seen, "families").split()
    newest = version_numbers(facts.text(seen, "newest_version"))
    version = version_numbers(case.engine_version)
    return Distance(
        chip,
        family_of(deployment.architecture) not in families,
        not version or version[: len(newest)] > newest,
    )


def _chip(facts: Facts, case: constants.Setting, accelerator: str, known: Sequence[str]) -> str:
    if case.is_cpu or case.generation == constants.APPLE or accelerator in known:
        return "none"
    if case.generation not in {facts.text(chip, "architecture") for chip in known}:
        return "generation"
    # Whole cards were left out of the fit of one stream, whose error they show.
    return "none" if case.engine == "llama.cpp" else "accelerator"


def log_error(facts: Facts, profile: str, quantity_name: str, far: Distance) -> Range:
    """Logarithm of the error of a prediction so far from the rows of the fit."""
    field = f"{quantity_name}_log_error"
    error = facts.number(profile, field)
    if far == Distance("none", False, False):
        return error
    ratio = facts.number(constants.COMMON, _RATIOS[far.chip]) if far.chip in _RATIOS else exact(1)
    return as_range(
        model_error.unseen_log_error_ratio(
            log_error_ratio=error,
            spread_factor=ratio,
            family_log_error_ratio=facts.number(_FAMILY, field) if far.is_other_family else 0.0,
            build_log_error_ratio=facts.number(_BUILD, field) if far.is_newer_build else 0.0,
        )
    )

"""What a person would take instead of an id that is not listed, by what the name says.

The same thing under another name comes first, then its relatives: models of the family by size and
release, accelerators of the series by number.
"""

import math
import re
from collections.abc import Iterable
from difflib import SequenceMatcher, get_close_matches
from functools import cache
from typing import Any, Final

from llminfra.catalog.loader import ids, model_entries

# Machines by the names that they are sold under.
_MACHINES: Final = {
    "spark": ("gb10",),
    "strixhalo": ("radeon-8060s", "ryzen-ai-max-395"),
    "framework": ("radeon-8060s", "ryzen-ai-max-395"),
    "macstudio": ("m3-ultra", "m4-max", "m2-ultra"),
    "macmini": ("m4-pro", "m4"),
    "macbook": ("m5", "m4-max", "m4-pro"),
    "jetson": ("jetson-thor",),
    "h800": ("h100-sxm",),
    "trainium": ("h100-sxm",),
}
# Families of one maker, which stand in for each other.
_MAKERS: Final = {
    **dict.fromkeys(("mistral", "ministral", "mixtral", "devstral", "codestral"), "mistral"),
    **dict.fromkeys(("magistral", "pixtral", "voxtral"), "mistral"),
    **dict.fromkeys(("qwen", "qwq", "qvq"), "qwen"),
    **dict.fromkeys(("glm", "chatglm"), "glm"),
}
_MAKER_WORDS: Final = re.compile(
    r"nvidia|geforce|amd|radeon|intel|apple|tesla|quadro|instinct|dgx|gpu|instruct|chat|base|it\b"
)
_USUAL_PARAMETERS: Final = 8e9
_UNSTATED_VERSION: Final = 0.5
_SPELLED: Final = 0.8
_NAMED: Final = 3


def similar_models(name: str) -> list[str]:
    """Return ids of the models that come closest to what a name says.

    Examples
    --------
    >>> similar_models("Qwen/Qwen3.7-27B")
    ['qwen3.6-27b', 'qwen3.8-27b', 'qwen3.5-27b']
    >>> similar_models("glm5-next")[0]
    'glm-5.3-flash'
    """
    wanted = name.rpartition("/")[2].lower()
    entries = model_entries()
    return sorted(entries, key=lambda entry: _model_distance(wanted, entry, entries[entry]))[
        :_NAMED
    ]


def similar_accelerators(name: str) -> list[str]:
    """Return ids of the accelerators that come closest to what a name says.

    Examples
    --------
    >>> similar_accelerators("RTX 3090")[0], similar_accelerators("dgx-spark")[0]
    ('rtx3090', 'gb10')
    >>> similar_accelerators("rtx5050")[0]
    'rtx5060-ti-16'
    """
    wanted = _bare(name)
    known = [chip for word, chips in _MACHINES.items() if word in wanted for chip in chips]
    others = sorted(ids("accelerator"), key=lambda chip: _chip_distance(name, chip))
    return list(dict.fromkeys([*known, *others]))[:_NAMED]


def _bare(name: str) -> str:
    """Letters and digits alone, without words of makers."""
    return re.sub(r"[^a-z0-9]", "", _MAKER_WORDS.sub("", name.lower()))


def _model_distance(wanted: str, model_id: str, entry: dict[str, Any]) -> tuple[float, ...]:
    if _bare(wanted) == _bare(model_id):
        return (-2.0,)
    if _bare(wanted) == _bare(str(entry["config"]["model_type"]).removesuffix("_text")):
        return (-1.0, -_year(entry))
    is_other = _family(wanted) != _family(model_id)
    size = _parameters(wanted)
    ratio = float(entry["parameters_published"]) / (size or _USUAL_PARAMETERS)
    apart = abs(math.log(ratio)) if size or is_other else 0.0
    if not is_other:
        apart += abs(_version(wanted) - _version(model_id)) * (_version(wanted) > 0)
        apart += _UNSTATED_VERSION * len(_words(wanted) ^ _words(model_id))
    alike = SequenceMatcher(None, wanted, model_id).ratio()
    if is_other:  # nothing but the size speaks for it, and newer ones are better at it
        return (1.0, float(round(apart * 3)), -_year(entry), -alike)
    return (float(is_other), round(apart, 2), -alike, -_year(entry))


@cache
def _family(name: str) -> str:
    first = re.match(r"[a-z]+", name)
    word = first[0] if first else ""
    known = {re.split(r"[^a-z]", entry)[0] for entry in model_entries()} | _MAKERS.keys()
    near = get_close_matches(word, known, n=1, cutoff=_SPELLED)
    return _MAKERS.get(near[0], near[0]) if near else word


def _parameters(name: str) -> float:
    found = re.search(r"(?<![a-z0-9.])(\d+(?:\.\d+)?)b(?![a-z])", name)
    return float(found[1]) * 1e9 if found else 0.0


def _version(name: str) -> float:
    found = re.search(r"[a-z][- ]?v?(\d+(?:\.\d+)?)(?![\d.]*b)", name)
    return min(float(found[1]), 99.0) if found else 0.0


def _words(name: str) -> set[str]:
    """What names a variant: flash, air, coder, vl."""
    return set(re.findall(r"[a-z]{2,}", _MAKER_WORDS.sub("", name))[1:])


def _year(entry: dict[str, Any]) -> float:
    return float(str(entry["release_date"])[:4])


def _chip_distance(name: str, chip_id: str) -> tuple[float, ...]:
    """Whether one name holds the other, whether the series is the same, and its numbers."""
    wanted, chip = _bare(name), _bare(chip_id)
    alike = -SequenceMatcher(None, wanted, chip).ratio()
    if wanted and (chip == wanted or wanted in chip):
        return (0.0 if chip == wanted else 1.0, alike)
    (series, number), (other, other_number) = _series(name), _series(chip_id)
    if series != other or not number:
        return (3.0, alike)
    return (2.0, *_steps(number, other_number), alike)


def _series(name: str) -> tuple[str, int]:
    plain = re.sub(r"\s+", "-", _MAKER_WORDS.sub("", name.lower()).strip())
    found = re.match(r"([a-z-]*)(\d+)", plain)
    return (found[1].replace("-", ""), int(found[2])) if found else (plain, 0)


def _steps(number: int, other: int) -> Iterable[float]:
    """Generations apart, and then classes within one; the larger of two before the smaller."""
    scale = 1000 if number >= 1000 else 100
    classes = number % scale - other % scale
    return abs(number // scale - other // scale), abs(classes) + 0.5 * (classes > 0)

"""Lists of module names as quantisation tools write them: exact, globs, regular expressions.

Plain names also mean what they contain, from dot to dot; ``*`` is a glob; ``re:`` and what only a
regular expression can mean is one. A pattern that names one layer is asked for that layer alone.
"""

import fnmatch
import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Final

_ONE_LAYER: Final = re.compile(r"(?:layers|blocks|h)\.(\d+)(?=[.*$]|$)")
_ONLY_REGEX: Final = ("\\", "(", "[", "^", "$", "|", ".+")
_ALL: Final = ("Linear", "*", ".*", "re:.*")


class Patterns:
    """What a list of patterns names.

    Examples
    --------
    >>> named = Patterns(["re:.*self_attn.*", "model.layers.1.*", "lm_head"])
    >>> named.names("model.layers.0.self_attn.q_proj", 0), named.names("model.layers.10.mlp.up", 10)
    (True, False)
    >>> named.names("model.layers.1.mlp.up_proj", 1), named.names("lm_head")
    (True, True)
    """

    def __init__(self, patterns: Iterable[object]) -> None:
        texts = [p for p in patterns if isinstance(p, str)]
        self.texts = texts
        self._all = any(text in _ALL for text in texts)
        self._exact = set(texts)
        self._by_layer: dict[int, list[str]] = defaultdict(list)
        others = []
        for text in texts:
            one = _ONE_LAYER.findall(text.replace("\\.", "."))
            if len(one) == 1:
                self._by_layer[int(one[0])].append(text)
            else:
                others.append(text)
        self._others = _compiled(others)
        self._compiled: dict[int, re.Pattern[str] | None] = {}

    def names(self, module: str, layer: int | None = None) -> bool:
        """Tell whether a module is named, by itself or with what it stands in."""
        if self._all or module in self._exact:
            return True
        if self._others is not None and self._others.match(module):
            return True
        own = self._of(layer) if layer is not None else None
        return bool(own and own.match(module))

    def _of(self, layer: int) -> re.Pattern[str] | None:
        if layer not in self._compiled:
            self._compiled[layer] = _compiled(self._by_layer.get(layer, []))
        return self._compiled[layer]


def _compiled(patterns: list[str]) -> re.Pattern[str] | None:
    """One expression for all patterns; those that are no expression name nothing."""
    parts = []
    for pattern in patterns:
        part = _expression(pattern)
        try:
            re.compile(part)
        except re.error:
            continue
        parts.append(f"(?:{part})")
    return re.compile("|".join(parts)) if parts else None


def _expression(pattern: str) -> str:
    if pattern.startswith(("re:", "-:", "+:")):
        return pattern[3:] if pattern.startswith("re:") else pattern[2:]
    if pattern.startswith(".*") or any(mark in pattern for mark in _ONLY_REGEX):
        return f".*?(?:{pattern})"
    if "*" in pattern or "?" in pattern:
        inside = "" if pattern.startswith("*") else r"(?:.*\.)?"
        return "|".join(inside + fnmatch.translate(p) for p in (pattern, f"{pattern}.*"))
    return rf"(?:.*\.)?{re.escape(pattern)}(?:\..*)?$"

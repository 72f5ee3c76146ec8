"""What of the catalogue this process has read.

Names are fact keys, ``model:ID`` for the entry of a model, and ``list:CLASS`` for a price list that
was looked through.
"""

from collections.abc import Callable
from functools import wraps
from threading import RLock
from typing import Any, Final, ParamSpec, TypeVar

P = ParamSpec("P")
V = TypeVar("V")
MODEL: Final = "model:"
LIST: Final = "list:"
_READ: Final[dict[str, None]] = {}
_COMPUTES: Final = RLock()  # one at a time, or reads of one would get lost in another's


class Recorded(dict[str, V]):
    """A mapping that notes which of its keys were looked up.

    Examples
    --------
    >>> entries = Recorded({"a": 1}, prefix="doctest:")
    >>> entries["a"], entries.get("b"), "doctest:a" in names_read(), "doctest:b" in names_read()
    (1, None, True, True)
    """

    def __init__(self, items: dict[str, V], *, prefix: str = "") -> None:
        super().__init__(items)
        self._prefix = prefix

    def __getitem__(self, key: str) -> V:
        _READ[self._prefix + key] = None
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of a key, noting that it was asked for."""
        _READ[self._prefix + key] = None
        return super().get(key, default)


def note(name: str) -> None:
    """Note that something was read."""
    _READ[name] = None


def kept_with_reads(function: Callable[P, V]) -> Callable[P, V]:
    """Like functools.cache; what the first call has read counts as read by each of them.

    Examples
    --------
    >>> entries = Recorded({"a": 1}, prefix="doctest:")
    >>> found = kept_with_reads(lambda key: entries[key])
    >>> forget_reads()
    >>> found("a"), names_read(), forget_reads(), found("a"), names_read()
    (1, ['doctest:a'], None, 1, ['doctest:a'])
    """
    kept: dict[Any, tuple[V, dict[str, None]]] = {}

    @wraps(function)
    def called(*args: P.args, **kwargs: P.kwargs) -> V:
        asked = (args, *kwargs.items())
        with _COMPUTES:
            if asked not in kept:
                before = dict(_READ)
                forget_reads()
                try:
                    kept[asked] = function(*args, **kwargs), dict(_READ)
                finally:
                    _READ.update(before)
        value, own = kept[asked]
        _READ.update(own)
        return value

    return called


def forget_reads() -> None:
    """Let what was read so far count as read by nobody."""
    _READ.clear()


def names_read() -> list[str]:
    """Return the names of what was read so far, sorted."""
    return sorted(_READ)

"""What of the catalogue this process has read.

Names are fact keys, ``model:ID`` for the entry of a model, and ``list:CLASS`` for a price list that
was looked through.
"""

import functools
from collections.abc import Callable
from typing import Any, Final, ParamSpec, TypeVar

P = ParamSpec("P")
V = TypeVar("V")
MODEL: Final = "model:"
LIST: Final = "list:"
_READ: Final[dict[str, None]] = {}


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


def cache(function: Callable[P, V]) -> Callable[P, V]:
    """Like functools.cache; what the first call has read counts as read by each of them.

    Examples
    --------
    >>> entries = Recorded({"a": 1}, prefix="doctest:")
    >>> found = cache(lambda key: entries[key])
    >>> forget()
    >>> found("a"), names_read(), forget(), found("a"), names_read()
    (1, ['doctest:a'], None, 1, ['doctest:a'])
    """

    @functools.cache
    def kept(*args: P.args, **kwargs: P.kwargs) -> tuple[V, dict[str, None]]:
        before = dict(_READ)
        forget()
        try:
            value, own = function(*args, **kwargs), dict(_READ)
        finally:
            _READ.update(before)
        return value, own

    @functools.wraps(function)
    def called(*args: P.args, **kwargs: P.kwargs) -> V:
        value, own = kept(*args, **kwargs)
        _READ.update(own)
        return value

    return called


def forget() -> None:
    """Let what was read so far count as read by nobody."""
    _READ.clear()


def names_read() -> list[str]:
    """Return the names of what was read so far, sorted."""
    return sorted(_READ)

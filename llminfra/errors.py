"""What can go wrong, drawn once.

::

    LlmInfraError
    ├── InvalidInput   (ValueError)   the user's value is wrong: exit code 2, nothing written
    │   └── ImpossibleCombination     each value is fine, together they are not
    ├── MissingFact    (LookupError)  the catalogue has no such fact: that facet is unavailable
    ├── CatalogError                  a data file of the catalogue is broken
    └── RenderError                   a report could not be produced: exit code 1
        └── WordsError                a word cell of a notebook says something that cannot be

Every message is one line: what, the value, the allowed range, the fix.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class LlmInfraError(Exception):
    """Base of all errors that llminfra raises on purpose."""


class InvalidInput(LlmInfraError, ValueError):
    """A value that the user gave is outside what is allowed.

    `field` names the scenario field at fault, so that a file's reader can point at its line.
    """

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class ImpossibleCombination(InvalidInput):
    """Fields that are fine alone exclude each other; in a sweep this job is skipped and listed."""


class MissingFact(LlmInfraError, LookupError):
    """The catalogue holds no value for something that a formula needs."""


class CatalogError(LlmInfraError):
    """A catalogue file breaks its own schema."""


class RenderError(LlmInfraError):
    """A report could not be produced."""


class WordsError(RenderError):
    """A word cell of a notebook says something that cannot be."""

    def _render_traceback_(self) -> list[str]:
        """Show the message alone: IPython's frames lead through this package, not to the words."""
        return [f"{type(self).__name__}: {self}"]


def shown(value: object, most: int = 60) -> str:
    """Return a value as a message shows it: its repr, cut where it is long.

    Examples
    --------
    >>> shown("lama"), shown("z" * 100_000, most=10)
    ("'lama'", "'zzzzzzzz…")
    """
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # an integer of thousands of digits, a list of lists
        text = f"a {type(value).__name__} too large to show"
    return text if len(text) <= most else f"{text[: most - 1]}…"


def closest(name: str, options: Iterable[str], n: int = 3) -> list[str]:
    """Return the `n` options most like `name`, best first: those that begin with it, then others.

    Capitals do not matter, and the list is never empty.

    Examples
    --------
    >>> closest("lama-3.3-70b", ["llama-3.3-70b", "qwen3-32b", "llama-3.1-8b"], n=2)
    ['llama-3.3-70b', 'llama-3.1-8b']
    >>> closest("A100", ["a10", "a100-sxm-80", "m1000"], n=2)
    ['a100-sxm-80', 'a10']
    """
    wanted, by_lower = name[:100].lower(), {option.lower(): option for option in options}
    near = get_close_matches(wanted, by_lower, n=max(len(by_lower), 1), cutoff=0.0)
    near.sort(key=lambda option: not (wanted and option.startswith(wanted)))
    return [by_lower[option] for option in near[:n]]


def unknown(what: str, name: object, options: Iterable[str]) -> InvalidInput:
    """Build the error for an id that is not in a list, naming the three closest.

    Examples
    --------
    >>> print(unknown("model", "lama", ["llama", "qwen"]))
    model must be a known id, got 'lama'; closest: llama, qwen
    """
    near = ", ".join(closest(str(name), options))
    return InvalidInput(
        f"{what} must be a known id, got {shown(name)}; closest: {near}", field=what
    )

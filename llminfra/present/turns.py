"""Thresholds in words: where something turns, and where it practically never does."""

import math
from collections.abc import Sequence
from typing import Final, Protocol

NEVER: Final = "practically never"
# Judgements: an input that would have to be fifty times as large or small, and prices of APIs that
# would have to double each year.
_FAR: Final = 50.0
_FAR_DRIFT: Final = 2.0


class Turn(Protocol):
    """An input, and the value at which something turns as a ratio and as it is."""

    @property
    def name(self) -> str:
        """Which input."""
        ...

    @property
    def ratio(self) -> float:
        """Threshold over value."""
        ...

    @property
    def threshold(self) -> float:
        """The value at which it turns."""
        ...


def turns_words(told: Sequence[tuple[Turn, str]], most: int) -> str:
    """Say at which thresholds something turns, or that it practically never does.

    Parameters
    ----------
    told : sequence of tuple
        Thresholds, the nearest first, each with what is said of it.
    most : int
        How many to name.

    Examples
    --------
    >>> from types import SimpleNamespace as Flip
    >>> far = Flip(name="api_usd_per_month", ratio=257.0, threshold=174.0)
    >>> turns_words([(far, "price of the API at 174 EUR")], 2)
    'practically never: only with price of the API at 174 EUR'
    >>> turns_words([], 2)
    'with no single input'
    """
    near = [said for turn, said in told if not is_out_of_reach(turn)][:most]
    if near:
        return f"with {' or '.join(near)}"
    return f"{NEVER}: only with {told[0][1]}" if told else "with no single input"


def is_out_of_reach(turn: Turn) -> bool:
    """Tell a threshold that nobody need watch for."""
    if turn.name == "api_price_drift":
        return turn.threshold > _FAR_DRIFT
    return math.isfinite(turn.ratio) and not 1 / _FAR < turn.ratio < _FAR

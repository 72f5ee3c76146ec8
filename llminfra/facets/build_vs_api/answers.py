"""Which of four answers holds: never, beyond capacity, already past, at a volume."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

NEVER: Final = "never"
BEYOND_CAPACITY: Final = "beyond_capacity"
ALREADY_PAST: Final = "already_past"
AT_VOLUME: Final = "at_volume"

Interval = tuple[float, float]
# Steps touch where one ends and the next begins, up to the last bits.
_TOUCH: Final = 1e-12


def merged(begins: NDArray[np.float64], ends: NDArray[np.float64]) -> tuple[Interval, ...]:
    """Return intervals in order, those that touch as one; NaN stands for none.

    Examples
    --------
    >>> merged(np.array([2500.0, 5000.0, np.nan]), np.array([5000.0, 10000.0, np.nan]))
    ((2500.0, 10000.0),)
    """
    found: list[Interval] = []
    for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
        if np.isnan(begin):
            continue
        if found and begin <= found[-1][1] * (1 + _TOUCH):
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((begin, end))
    return tuple(found)


def outcome(
    intervals: tuple[Interval, ...],
    *,
    mtok_per_month: float,
    own_usd_per_mtok: float,
    api_usd_per_mtok: float,
) -> str:
    """Return the answer for today's volume.

    Parameters
    ----------
    intervals : tuple of (float, float)
        Volumes within capacity at which own machines cost no more.
    mtok_per_month : float
        Today's volume.
    own_usd_per_mtok, api_usd_per_mtok : float
        What one more million tokens costs on either side while machines stand.

    Examples
    --------
    >>> [outcome(((4e3, 5e3),), mtok_per_month=v, own_usd_per_mtok=0.1, api_usd_per_mtok=2.6)
    ...     for v in (100, 4_500, 6_000)]
    ['at_volume', 'already_past', 'beyond_capacity']
    >>> outcome((), mtok_per_month=100, own_usd_per_mtok=0.1, api_usd_per_mtok=0.1)
    'never'
    """
    if any(begin <= mtok_per_month <= end for begin, end in intervals):
        return ALREADY_PAST
    is_dearer = own_usd_per_mtok >= api_usd_per_mtok
    if any(begin > mtok_per_month for begin, _ in intervals) or (intervals and is_dearer):
        return AT_VOLUME
    # Machines win below today's volume or nowhere: more of them than are looked at would be needed.
    return NEVER if is_dearer else BEYOND_CAPACITY

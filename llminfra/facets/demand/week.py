"""The load over the hours of a week, as shares of its peak."""

import math
from collections.abc import Sequence
from typing import Final

from llminfra.errors import InvalidInput, shown, unknown
from llminfra.units import HOURS_PER_WEEK

_DAY, _WORKING_DAYS = 24, 5
# Assumed, not measured: people at desks with a break at noon, and work that waits for the night.
_AT_DESKS: Final = (
    *(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.2, 0.6, 0.9, 1.0, 1.0),
    *(0.6, 0.8, 1.0, 1.0, 0.8, 0.5, 0.2, 0.0, 0.0, 0.0, 0.0, 0.0),
)
_AT_NIGHT: Final = (1.0,) * 6 + (0.0,) * 14 + (1.0,) * 4
Week = tuple[float, ...]

#: Weeks that have a name, from Monday's first hour on.
PROFILES: Final[dict[str, Week]] = {
    "office": _AT_DESKS * _WORKING_DAYS + (0.0,) * _DAY * (7 - _WORKING_DAYS),
    "always": (1.0,) * HOURS_PER_WEEK,
    "nights": _AT_NIGHT * 7,
}


def week_of(profile: str | Sequence[float]) -> Week:
    """Return the shares of the peak by hour, the largest of which is 1.

    Parameters
    ----------
    profile : str or sequence of float
        A name, or 24 or 168 numbers of any unit, such as requests counted by hour; the day of 24
        is every day.

    Returns
    -------
    week : tuple of float
        168 shares from Monday's first hour on. [1]

    Raises
    ------
    InvalidInput
        For a name that is none, another number of hours, a number below zero, no load at all.

    Examples
    --------
    >>> round(sum(week_of("office")) / 168, 3)
    0.256
    >>> week_of([0] * 12 + [300] * 12)[11:13]
    (0.0, 1.0)
    """
    if isinstance(profile, str):
        if profile not in PROFILES:
            raise unknown("load_profile", profile, sorted(PROFILES))
        return PROFILES[profile]
    if len(profile) not in (_DAY, HOURS_PER_WEEK):
        raise _refused("24 or 168 numbers, one an hour", f"{len(profile)} of them")
    for number in profile:
        if not (math.isfinite(number) and number >= 0):
            raise _refused("numbers of 0 and above", shown(number))
    most = max(profile)
    if most == 0:
        raise _refused("numbers of which one is above 0", "0 in each hour")
    return tuple(float(number) / most for number in profile) * (HOURS_PER_WEEK // len(profile))


def _refused(what: str, got: str) -> InvalidInput:
    return InvalidInput(
        f"load_profile must be {', '.join(PROFILES)} or {what}, got {got}; mend the list",
        field="load_profile",
    )

"""At which volumes own machines are cheaper than an API: a set, because capacity comes in steps.

Own cost is flat within a step, apart from what each token adds, and jumps where another replica or
server is bought. Each jump can lose what the step before had won. These are comparisons of straight
lines on each step; steps stand on the last axis, draws or settings before it.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]


def cheaper_between(
    *,
    step_usd_per_month: ArrayLike,
    step_mtok_per_month: ArrayLike,
    own_usd_per_mtok: ArrayLike,
    fixed_usd_per_month: ArrayLike,
    api_usd_per_mtok: ArrayLike,
    minimum_usd_per_month: ArrayLike,
) -> tuple[FloatArray, FloatArray]:
    """Return begin and end of the volumes at which own machines cost no more, step by step.

    Each step is looked at below and above the volume at which a minimum commitment is used up, so
    that both costs are straight; where own machines cost more, both ends are NaN.

    Parameters
    ----------
    step_usd_per_month, step_mtok_per_month : array_like
        What the machines of each step cost without load, and carry; both rising.
        [USD/month, Mtoken/month]
    own_usd_per_mtok : array_like
        What a token adds to that: electricity. No axis of its own. [USD/Mtoken]
    fixed_usd_per_month, api_usd_per_mtok : array_like
        What the API costs without load (gateway, staff, a plan's fee), and what a token adds.
        [USD/month, USD/Mtoken]
    minimum_usd_per_month : array_like
        Least that the provider bills for tokens. [USD/month]

    Examples
    --------
    The second machine loses what the first had won, and wins it back when it is used enough:

    >>> low, high = cheaper_between(step_usd_per_month=[10_000, 19_000],
    ...     step_mtok_per_month=[5_000, 10_000], own_usd_per_mtok=0.1, fixed_usd_per_month=0,
    ...     api_usd_per_mtok=2.6, minimum_usd_per_month=0)
    >>> low[1::2].tolist(), high[1::2].tolist()
    ([4000.0, 7600.0], [5000.0, 10000.0])
    """
    own, fixed, api, least = (
        _line(x)
        for x in (own_usd_per_mtok, fixed_usd_per_month, api_usd_per_mtok, minimum_usd_per_month)
    )
    costs, end = (np.asarray(x, np.float64) for x in (step_usd_per_month, step_mtok_per_month))
    begin = np.concatenate([np.zeros_like(end[..., :1]), end[..., :-1]], axis=-1)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        used_up = np.where(least > 0, least / api, 0.0)
    middle = np.clip(used_up, begin, end)
    below = _where_negative(begin, middle, costs - fixed - least, own)
    above = _where_negative(middle, end, costs - fixed, own - api)
    low, high = (
        np.stack(np.broadcast_arrays(*ends), axis=-1) for ends in zip(below, above, strict=True)
    )
    return low.reshape(*low.shape[:-2], -1), high.reshape(*high.shape[:-2], -1)


def break_even_mtok_per_month(
    *,
    step_usd_per_month: ArrayLike,
    step_mtok_per_month: ArrayLike,
    own_usd_per_mtok: ArrayLike,
    fixed_usd_per_month: ArrayLike,
    api_usd_per_mtok: ArrayLike,
    minimum_usd_per_month: ArrayLike,
) -> FloatArray:
    """Return the least volume at which own machines cost no more, infinite where there is none.

    Parameters
    ----------
    step_usd_per_month, step_mtok_per_month, own_usd_per_mtok : array_like
        Own machines, as in `cheaper_between`. [USD/month, Mtoken/month, USD/Mtoken]
    fixed_usd_per_month, api_usd_per_mtok, minimum_usd_per_month : array_like
        The API, as in `cheaper_between`. [USD/month, USD/Mtoken, USD/month]

    Examples
    --------
    >>> break_even_mtok_per_month(step_usd_per_month=[10_000], step_mtok_per_month=[5_000],
    ...     own_usd_per_mtok=0.1, fixed_usd_per_month=0, api_usd_per_mtok=[1.0, 2.6],
    ...     minimum_usd_per_month=0)
    array([  inf, 4000.])
    """
    low, _ = cheaper_between(
        step_usd_per_month=step_usd_per_month,
        step_mtok_per_month=step_mtok_per_month,
        own_usd_per_mtok=own_usd_per_mtok,
        fixed_usd_per_month=fixed_usd_per_month,
        api_usd_per_mtok=api_usd_per_mtok,
        minimum_usd_per_month=minimum_usd_per_month,
    )
    return np.asarray(np.min(np.where(np.isnan(low), np.inf, low), axis=-1))


def _line(value: ArrayLike) -> FloatArray:
    """Give what is the same at all volumes and steps an axis to spread over."""
    return np.asarray(value, np.float64)[..., None]


def _where_negative(
    begin: FloatArray, end: FloatArray, excess: FloatArray, slope: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return where excess + slope x volume is at most zero, between two volumes."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        crossing = np.clip(-excess / slope, begin, end)
        at_begin, at_end = excess + slope * begin <= 0, excess + slope * end <= 0
    is_there = (at_begin | at_end) & (end > begin)
    low = np.where(is_there, np.where(at_begin, begin, crossing), np.nan)
    high = np.where(is_there, np.where(at_end, end, crossing), np.nan)
    return low, high

"""How sure a ranking is, and the inputs most able to turn it, with the values at which they do."""

from dataclasses import dataclass

from llminfra import formats
from llminfra.errors import InvalidInput
from llminfra.explain.goal import goal
from llminfra.explain.inputs import Input, Read, result_of, settled
from llminfra.explain.tornado import Bar, tornado
from llminfra.plan import Plan
from llminfra.ranges import Range

_MOST_TRIED = 5
_FURTHEST = 10.0
"""Bands that an input is moved by before it counts as unable."""


@dataclass(frozen=True)
class Threshold:
    """A value of one input at which a ranking turns.

    Attributes
    ----------
    input : Input
        Which.
    now, value : float
        What it is, and at which value both results are equal.
    bands : float
        How far away that is, in widths of its own band on that side (or tenths of its value).
    """

    input: Input
    now: float
    value: float
    bands: float

    def __str__(self) -> str:
        shown = formats.by_unit(self.input.unit)
        way = "above" if self.value > self.now else "below"
        return f"{self.input.words} {way} {shown(self.value)} (now {shown(self.now)})"


@dataclass(frozen=True)
class Flip:
    """A ranking of two results.

    Attributes
    ----------
    probability : float
        Share of the draws in which the order is not that of the base case.
    thresholds : tuple of Threshold
        The inputs most able to turn it, the nearest first.
    """

    first: Range
    second: Range
    probability: float
    thresholds: tuple[Threshold, ...]


def flip_probability(first: Range, second: Range) -> float:
    """Return in how many draws two results stand the other way round than in the base case.

    Examples
    --------
    >>> from llminfra.ranges import exact, sample
    >>> flip_probability(sample("doctest", 10.0, low=8.0, high=14.0), exact(8.0)) < 0.11
    True
    """
    gap = second - first
    below = gap.probability_at_least(0.0)
    return float(1 - below if gap.base >= 0 else below)


def flip(plan: Plan, first: Read, second: Read, *, most: int = 2) -> Flip:
    """Return how likely a ranking turns, and the inputs that turn it with the smallest change.

    Parameters
    ----------
    plan : Plan
        Where both results are from.
    first, second : str or callable
        The results, such as ``cost.owned.usd_per_month`` and ``cost.on_demand.usd_per_month``.
    most : int
        Thresholds to return.

    Notes
    -----
    Inputs are taken in the order of how little of their band would do, by the slopes that the
    formulas have; each threshold is then sought with plans of its own, so that a scenario which
    states it has the two results equal.
    """

    def gap(changed: Plan) -> Range:
        found: Range = result_of(changed, second) - result_of(changed, first)
        return found

    one, two = result_of(plan, first), result_of(plan, second)
    base = settled(plan, first)  # with its hosting fixed, which must not change on the way
    bars = tornado(base, gap, most=100).bars
    here = gap(base).base
    near = sorted(bars, key=lambda bar: _bands(bar, here))[:_MOST_TRIED]
    found: list[Threshold] = []
    for bar in near:
        if len(found) == most or _bands(bar, here) > _FURTHEST:
            break
        found += _threshold(base, gap, bar)
    return Flip(one, two, flip_probability(one, two), tuple(found))


def _bands(bar: Bar, here: float) -> float:
    """How much of its band an input has to move, on the side that closes the gap."""
    gained = [abs(at - here) for at in (bar.at_low, bar.at_high) if (at - here) * here < 0]
    return abs(here) / max(gained) if gained and max(gained) > 0 else float("inf")


def _threshold(plan: Plan, gap: Read, bar: Bar) -> list[Threshold]:
    try:
        value = goal(plan, bar.input.key, gap, 0.0)
    except InvalidInput:  # no value that is allowed turns it
        return []
    width = (bar.high if value.value > bar.base else bar.low) - bar.base
    bands = (value.value - bar.base) / width if width else float("inf")
    return [Threshold(bar.input, bar.base, value.value, abs(bands))]

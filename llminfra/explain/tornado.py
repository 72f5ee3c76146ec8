"""What moves a result, input by input: each from one end of its band to the other.

The ends of a band are those of its draws. What is known exactly has no draws: it is moved by a
tenth down and up, and for the strongest of the stated fields the plan is evaluated anew.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from llminfra.catalog.loader import Fact
from llminfra.errors import LlmInfraError
from llminfra.explain.drivers import leaves
from llminfra.explain.inputs import Input, Read, input_of, read_base, result_of, settled
from llminfra.facets.base import FIELD_ORIGIN
from llminfra.graph import recomputed
from llminfra.plan import Plan
from llminfra.ranges import Range

STEP: Final = 0.1
"""How far what is known exactly is moved, down and up."""
MOST_ANEW: Final = 3
_MONEY: Final = ("USD", "EUR")


@dataclass(frozen=True)
class Bar:
    """One input of a tornado.

    Attributes
    ----------
    input : Input
        What is moved.
    low, base, high : float
        Its values.
    at_low, at_high : float
        The result at its low and at its high value, all others at their base.
    is_drawn : bool
        Whether low and high are the ends of its band; else they are a tenth away.
    """

    input: Input
    low: float
    base: float
    high: float
    at_low: float
    at_high: float
    is_drawn: bool

    @property
    def swing(self) -> float:
        """How far the result moves."""
        return abs(self.at_high - self.at_low)


@dataclass(frozen=True)
class Tornado:
    """The inputs that move a result, the strongest first."""

    result: Range
    bars: tuple[Bar, ...]


def tornado(plan: Plan, read: Read, *, most: int = 20) -> Tornado:
    """Return how far each input moves a result.

    Parameters
    ----------
    plan : Plan
        Where the result is from.
    read : str or callable
        Path of the result, such as ``cost.usd_per_month``, or what reads it from a plan.
    most : int
        Bars to return.

    Examples
    --------
    >>> from llminfra import Scenario, evaluate
    >>> found = tornado(evaluate(Scenario(tensor_parallel=8)), "cost.usd_per_month")
    >>> found.bars[0].input.words
    'Posts that own servers take'
    """
    result = result_of(plan, read)
    bars = _anew(plan, read, list(_bars(plan, result)))
    moving = [bar for bar in bars if bar.swing > abs(result.base) * 1e-9]
    return Tornado(result, tuple(sorted(moving, key=lambda bar: -bar.swing)[:most]))


def _inputs(plan: Plan, found: Mapping[str, Range]) -> dict[str, Input]:
    inputs = {}
    for key, leaf in found.items():
        try:
            inputs[key] = input_of(plan, key, leaf)
        except LlmInfraError:  # a configuration, or a field that holds words
            continue
    return inputs


def _bars(plan: Plan, result: Range) -> Iterator[Bar]:
    """Bars of all that moves, from the formulas behind the result, computed once for all ends."""
    found = {k: x for k, x in leaves(result).items() if _is_moved(k, x)}
    inputs = _inputs(plan, found)
    ends = {key: _ends(found[key], given) for key, given in inputs.items()}
    changed = {}
    for number, key in enumerate(inputs):
        changed[found[key].origin] = np.full(2 * len(inputs), found[key].base)
        changed[found[key].origin][2 * number : 2 * number + 2] = ends[key]
    at = recomputed(result, changed) if changed else []
    for number, (key, given) in enumerate(inputs.items()):
        leaf, (low, high) = found[key], ends[key]
        reached = float(at[2 * number]), float(at[2 * number + 1])
        yield Bar(given, low, leaf.base, high, *reached, not leaf.is_exact)


def _is_moved(key: str, leaf: Range) -> bool:
    """Constants of silicon and of software stay; fields and prices may come out otherwise."""
    is_field = key.startswith(FIELD_ORIGIN)
    is_price = isinstance(leaf.origin, Fact) and leaf.unit.startswith(_MONEY)
    return not leaf.is_exact or (bool(leaf.base) and (is_field or is_price))


def _ends(leaf: Range, given: Input) -> tuple[float, float]:
    if not leaf.is_exact:
        ends = leaf.low, leaf.high
        return (round(ends[0]), round(ends[1])) if given.is_whole else ends
    low, high = sorted((leaf.base * (1 - STEP), leaf.base * (1 + STEP)))
    if given.is_whole:
        low, high = min(np.floor(low), leaf.base - 1), max(np.ceil(high), leaf.base + 1)
    return max(low, given.low), min(high, given.high)


def _anew(plan: Plan, read: Read, bars: list[Bar]) -> Iterator[Bar]:
    """The bars, those of the strongest stated fields from plans of their own.

    With another load the fleet may be another, which the formulas behind one plan do not see.
    """
    stated = [bar for bar in bars if bar.input.fact is None and not bar.is_drawn]
    strongest = sorted(stated, key=lambda bar: -bar.swing)[:MOST_ANEW]
    base = settled(plan, read) if strongest else plan
    for bar in bars:
        yield _evaluated(base, read, bar) if bar in strongest else bar


def _evaluated(plan: Plan, read: Read, bar: Bar) -> Bar:
    try:
        at = [read_base(bar.input.changed(plan, x), read) for x in (bar.low, bar.high)]
    except LlmInfraError:  # a combination that is not possible
        return bar
    return replace(bar, at_low=at[0], at_high=at[1])

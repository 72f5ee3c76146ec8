"""Goal seek: the value of one input at which a result reaches a target, by evaluating plans."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from llminfra import formats
from llminfra.errors import InvalidInput, LlmInfraError
from llminfra.explain.inputs import Input, Read, input_of, read_base, result_of, value_of
from llminfra.plan import Plan

_MOST_PLANS: Final = 40
_CLOSE: Final = 1e-6
"""Of the target: as near as a result has to come."""
_NARROW: Final = 1e-5
"""Of the value: as near as the two sides of a jump have to come."""
_SHIFT: Final = 1.1
_WIDER: Final = 2.0
_LEAST: Final = 1e-3
"""Of the present value: nothing smaller is tried but the least that is allowed."""
_MOST: Final = 1e3


@dataclass(frozen=True)
class Found:
    """A value that reaches a target.

    Attributes
    ----------
    input : Input
        What is changed.
    value : float
        The value, of whole numbers the first that is at or beyond the target.
    now : float
        What it is in the plan; not a number where it is not stated.
    reached, target : float
        The result there, and what was sought.
    plans : int
        Plans that were evaluated.
    """

    input: Input
    value: float
    now: float
    reached: float
    target: float
    plans: int

    def __str__(self) -> str:
        shown = formats.by_unit(self.input.unit)
        now = "" if math.isnan(self.now) else f", now {shown(self.now)}"
        return f"{self.input.words}: {shown(self.value)}{now}"


def goal(
    plan: Plan,
    key: str,
    read: Read,
    target: Read | float = 0.0,
    *,
    low: float | None = None,
    high: float | None = None,
) -> Found:
    """Return the value of a field or fact at which a result reaches a target.

    Parameters
    ----------
    plan : Plan
        Where to begin; all other inputs stay as they are.
    key : str
        Scenario field, or key of a fact.
    read : str or callable
        The result, such as ``cost.usd_per_month``.
    target : float, str or callable
        A number, or another result of the same plan: then the value at which both are equal.
    low, high : float, optional
        Where to look; by default all that is allowed within a thousandth and a thousand times the
        present value.

    Raises
    ------
    InvalidInput
        No value reaches the target: the range that was searched, and the best value in it.

    Examples
    --------
    >>> from llminfra import Scenario, evaluate
    >>> plan = evaluate(Scenario(tensor_parallel=8, hosting="owned"))
    >>> found = goal(plan, "server_price_usd", "cost.usd_per_month", 20_000)
    >>> round(found.reached)
    20000
    """
    given = input_of(plan, key)

    def wanted(changed: Plan) -> float:
        return float(target) if isinstance(target, int | float) else read_base(changed, target)

    def miss(changed: Plan) -> float:
        return read_base(changed, read) - wanted(changed)

    result_of(plan, read)  # raises for a name that does not exist
    search = _Search(plan, given, miss, low, high)
    value = search.value()
    at = given.changed(plan, value)
    now = value_of(plan, given)
    return Found(
        given,
        value,
        math.nan if now is None else now,
        read_base(at, read),
        wanted(at),
        search.plans,
    )


class _Search:
    """Values that were tried, and what they miss the target by."""

    def __init__(
        self,
        plan: Plan,
        given: Input,
        miss: Callable[[Plan], float],
        low: float | None,
        high: float | None,
    ) -> None:
        self.plan, self.given, self._miss = plan, given, miss
        now = value_of(plan, given)
        self.start = _start(given, now)
        self.low = self._least() if low is None else low
        self.high = self._most() if high is None else high
        self.start = min(max(self.start, self.low), self.high)
        self.tried: dict[float, float] = {}
        self.scale = 1.0
        if now == self.start:
            self.tried[self.start] = miss(plan)

    def _least(self) -> float:
        if self.given.low <= 0 and self.start > 0:
            return max(self.given.low, 0.0) if self.given.low == 0 else self.given.low
        return max(self.given.low, self.start * _LEAST) if self.start > 0 else self.given.low

    def _most(self) -> float:
        return min(self.given.high, self.start * _MOST) if self.start > 0 else self.given.high

    @property
    def plans(self) -> int:
        return len(self.tried)

    def at(self, value: float) -> float:
        """What a value misses the target by; not a number where no plan is possible."""
        value = float(round(value)) if self.given.is_whole else float(value)
        if value not in self.tried:
            try:
                self.tried[value] = self._miss(self.given.changed(self.plan, value))
            except LlmInfraError:
                self.tried[value] = math.nan
        return self.tried[value]

    def value(self) -> float:
        """The value that reaches the target."""
        here = self.at(self.start)
        self.scale = max(abs(here), 1e-12)
        if self._is_close(here):
            return self.start
        bracket = self._bracket(here)
        if bracket is None:
            raise self._unreached()
        return self._between(*bracket)

    def _is_close(self, miss: float) -> bool:
        return abs(miss) <= _CLOSE * self.scale

    def _bracket(self, here: float) -> tuple[float, float] | None:
        """Two values with the target between them: by the slope first, then wider on both sides."""
        step = self.start * _SHIFT if self.start else (self.low + self.high) / 2
        if not self.low <= step <= self.high or step == self.start:
            step = (self.start + self.low) / 2
        ahead = self.at(step)
        if here * ahead <= 0:
            return self.start, step
        if ahead != here and math.isfinite(ahead):
            reach = self.start - here * (step - self.start) / (ahead - here)
            over = self.start + (reach - self.start) * 1.02
            over = min(max(over, self.low), self.high)
            if here * self.at(over) <= 0:
                return self.start, over
        return self._wider(here)

    def _wider(self, here: float) -> tuple[float, float] | None:
        up = down = self.start
        width = max(abs(self.start), (self.high - self.low) * 1e-3) / 4
        while (up < self.high or down > self.low) and self.plans < _MOST_PLANS:
            last_up, last_down = up, down
            up, down = min(up + width, self.high), max(down - width, self.low)
            for last, now in ((last_up, up), (last_down, down)):
                if here * self.at(now) <= 0:
                    return last, now
            width *= _WIDER
        return None

    def _between(self, a: float, b: float) -> float:
        """The value between two at which the miss is nothing, or changes its sign in a jump."""
        fa, fb = self.at(a), self.at(b)
        side = 0
        while self.plans < _MOST_PLANS and not self._is_close(fb):
            if self.given.is_whole and abs(b - a) <= 1:
                break
            if abs(b - a) <= _NARROW * max(abs(a), abs(b)):
                break
            middle = b - fb * (b - a) / (fb - fa) if side < 3 else (a + b) / 2
            middle = self._inside(middle, a, b)
            fm = self.at(middle)
            if math.isnan(fm) or fm * fb <= 0:
                a, fa, side = b, fb, 0
            else:
                fa, side = fa / 2, side + 1  # Illinois: the side that stays is weighed less
            b, fb = middle, fm
        return self._nearest()

    def _inside(self, middle: float, a: float, b: float) -> float:
        if not self.given.is_whole:
            return middle
        low, high = sorted((round(a), round(b)))
        return float(min(max(round(middle), low + 1), high - 1)) if high - low > 1 else middle

    def _nearest(self) -> float:
        known = {v: m for v, m in self.tried.items() if math.isfinite(m)}
        return min(known, key=lambda v: abs(known[v]))

    def _unreached(self) -> InvalidInput:
        shown = formats.by_unit(self.given.unit)
        best = self._nearest() if any(map(math.isfinite, self.tried.values())) else self.start
        tried = [v for v in self.tried if math.isfinite(self.tried[v])] or [self.start]
        return InvalidInput(
            f"no {self.given.key} from {shown(min(tried))} to {shown(max(tried))} reaches the "
            f"target; the nearest is {shown(best)}, which misses it by "
            f"{formats.number(abs(self.tried.get(best, math.nan)))}",
            field=self.given.key,
        )


def _start(given: Input, now: float | None) -> float:
    """Where to begin: the present value, else in the middle of what is allowed, by size."""
    if now is not None:
        return now
    low = given.low if given.low > 0 else max(given.high * 1e-6, 1e-9)
    return math.sqrt(low * given.high)

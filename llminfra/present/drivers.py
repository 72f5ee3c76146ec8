"""What drives a result, for notebooks: tornado, goal and the way between two plans."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from llminfra import formats
from llminfra.errors import RenderError
from llminfra.explain.difference import Difference, difference
from llminfra.explain.flips import Flip
from llminfra.explain.flips import flip as ranking
from llminfra.explain.goal import Found
from llminfra.explain.goal import goal as seek
from llminfra.explain.inputs import Input, Read, path_of, result_of
from llminfra.explain.tornado import STEP, Bar
from llminfra.explain.tornado import tornado as moved
from llminfra.formats import short
from llminfra.graph import steps
from llminfra.plan import Plan
from llminfra.present.blocks import notebook_names
from llminfra.ranges import Range

if TYPE_CHECKING:
    import pandas as pd

_LOG_ERROR: Final = "_log_error"
_MOST_BARS: Final = 10


def plan_of_notebook() -> Plan:
    """Return the plan that the notebook calls so."""
    found = notebook_names().get("plan")
    if not isinstance(found, Plan):
        raise RenderError("no plan: the setup cell makes it, or pass plan=…")
    return found


@dataclass(frozen=True)
class DriverChart:
    """A chart of drivers, drawn when it is shown, with the numbers behind it."""

    _chart: Any

    @property
    def wide(self) -> Any:
        """The layout of a page."""
        return self._chart.wide

    @property
    def narrow(self) -> Any:
        """The layout of a phone."""
        return self._chart.narrow

    @property
    def data(self) -> "pd.DataFrame":
        """The numbers."""
        return self._chart.data  # type: ignore[no-any-return]


@dataclass(frozen=True)
class TornadoChart(DriverChart):
    """A tornado: its chart, and what its title can say."""

    bars: tuple[Bar, ...]
    result: Range

    @property
    def first(self) -> str:
        """The strongest input, in words."""
        return label_of(self.bars[0].input)

    @property
    def low(self) -> float:
        """The least that the strongest input makes of the result."""
        return min(self.bars[0].at_low, self.bars[0].at_high)

    @property
    def high(self) -> float:
        """The most that the strongest input makes of it."""
        return max(self.bars[0].at_low, self.bars[0].at_high)


def tornado(
    result: Range,
    *,
    plan: Plan | None = None,
    most: int = _MOST_BARS,
    unit: str = "",
    scale: float = 1.0,
) -> TornadoChart | None:
    """Draw what moves a result, input by input; nothing where nothing does.

    Parameters
    ----------
    result : Range
        A result of the plan, or one that was computed from it, such as the same in another
        currency.
    plan : Plan, optional
        Where it is from; by default the notebook's ``plan``.
    most : int
        Bars at most.
    unit, scale : str, float
        Unit shown, by default that of the result, and what it is divided by.

    Notes
    -----
    Bars go from the low to the high end of an input's band, all others at their base. What is
    known exactly is moved by a tenth down and up, which its label says.
    """
    given = plan or plan_of_notebook()
    found = moved(given, _reader(given, result), most=most)
    if not found.bars:
        return None
    from llminfra.present.driver_charts import tornado_bars  # Altair, which charts alone need

    shown = tornado_bars(
        _frame(found.bars), base=result.base, unit=unit or result.unit, scale=scale
    )
    return TornadoChart(shown, found.bars, result)


def _reader(plan: Plan, result: Range) -> Read:
    """How to read a result from another plan: by its path, and what was made of it since."""
    if path := path_of(plan, result):
        return path
    for step in reversed(list(steps([result]))):
        path = path_of(plan, step)
        if path and step.base:
            ratio = result.base / step.base
            return lambda other: _scaled(other, plan, path, result, ratio)
    return lambda other: result


def _scaled(other: Plan, plan: Plan, path: str, result: Range, ratio: float) -> Range:
    return result if other is plan else result_of(other, path) * ratio


def _frame(bars: tuple[Bar, ...]) -> "pd.DataFrame":
    import pandas as pd  # heavy, and only charts need it

    rows, labels = [], set[str]()
    for bar in bars:
        shown = _shown(bar.input)
        label = label_of(bar.input) + ("" if bar.is_drawn else f" ±{STEP:.0%}")
        while label in labels:
            label += " *"
        labels.add(label)
        rows.append(
            {
                "label": label,
                "input": bar.input.key,
                "low": bar.low,
                "base": bar.base,
                "high": bar.high,
                "low_text": shown(bar.low),
                "high_text": shown(bar.high),
                "at_low": bar.at_low,
                "at_high": bar.at_high,
            }
        )
    return pd.DataFrame(rows)


def label_of(given: Input) -> str:
    """Name an input for a chart."""
    name = given.key.rpartition(".")[2]
    if name.endswith(_LOG_ERROR):
        return f"Error of the model: {formats.words(name.removesuffix(_LOG_ERROR)).lower()}"
    return short(given.words)


def _shown(given: Input) -> Any:
    """How values of an input are shown: shares a year and errors of the model as percent."""
    if given.key.endswith(_LOG_ERROR):
        return lambda value: f"{math.expm1(value):+.0%}".replace("-", "−")
    if given.unit == "1/year":
        return lambda value: f"{formats.percent(value)} a year"
    return formats.by_unit(given.unit)


def goal(plan: Plan, key: str, read: Read, target: Read | float, **ends: float) -> Found:
    """Return the value of a field or fact at which a result reaches a target.

    As `llminfra.explain.goal`: ``goal(plan, "in_flight", "cost.usd_per_month", 20_000)``.
    """
    return seek(plan, key, read, target, **ends)


def flip(plan: Plan, first: Read, second: Read) -> Flip:
    """Return how likely two results stand the other way round, and what turns them."""
    return ranking(plan, first, second)


def flip_words(found: Flip) -> str:
    """Say which inputs turn a ranking, and at which values.

    Examples
    --------
    >>> from llminfra.ranges import exact
    >>> flip_words(Flip(exact(1.0), exact(2.0), 0.0, ()))
    'no single input within what is allowed'
    """
    if not found.thresholds:
        return "no single input within what is allowed"
    said = []
    for one in found.thresholds:
        shown = _shown(one.input)
        way = "above" if one.value > one.now else "below"
        words = label_of(one.input)
        words = words[:1].lower() + words[1:]
        said.append(f"{words} {way} {shown(one.value)} (now {shown(one.now)})")
    return " or ".join(said)


@dataclass(frozen=True)
class WaterfallChart(DriverChart):
    """The way from one plan to another: its chart and its steps."""

    found: Difference


def waterfall(
    before: Plan,
    after: Plan,
    read: Read = "cost.usd_per_month",
    *,
    words: tuple[str, str] = ("Before", "After"),
    unit: str = "",
    scale: float = 1.0,
) -> WaterfallChart:
    """Draw what moved a result between two plans, one changed field after the other.

    Parameters
    ----------
    before, after : Plan
        The plans.
    read : str or callable
        The result.
    words : tuple of str
        Of the first and the last bar.
    unit, scale : str, float
        Unit shown, by default that of the result, and what it is divided by.
    """
    found = difference(before, after, read)
    from llminfra.present.cash_charts import step_bars  # Altair, which charts alone need

    bars = [(words[0], found.before.base, "ink")]
    bars += [(s.words, s.moved, "orange" if s.moved > 0 else "navy") for s in found.steps]
    shown = step_bars(bars, unit=unit or found.after.unit, total=words[1], scale=scale)
    return WaterfallChart(shown, found)

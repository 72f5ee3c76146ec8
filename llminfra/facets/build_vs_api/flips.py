"""At which value of one input the cheaper side changes, all others as they are."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from llminfra.facets.base import base_value
from llminfra.facets.build_vs_api.comparison import Comparison
from llminfra.facets.cost.cash import Year

# How far inputs are commonly off, as a factor up or down: what is near in these terms may turn.
_PLAUSIBLE = {
    "volume": 3.0,
    "api_price": 1.5,
    "hardware_price": 1.3,
    "staff": 2.0,
    "api_price_drift": 1.5,
}
_SLOWEST, _FASTEST = 0.01, 6.0


@dataclass(frozen=True)
class Flip:
    """One input and the value at which the cheaper side of the first month changes.

    Attributes
    ----------
    name, words, unit : str
        Which input, in the reader's words, and its unit.
    value, threshold : float
        Its value, and the one at which both cost the same; infinite where no value does it.
    """

    name: str
    words: str
    unit: str
    value: float
    threshold: float

    @property
    def ratio(self) -> float:
        """Threshold over value."""
        return self.threshold / self.value if self.value else math.inf

    @property
    def distance(self) -> float:
        """How far away it is, in plausible errors of this input."""
        if not (self.ratio > 0 and math.isfinite(self.ratio)):
            return math.inf
        return abs(math.log(self.ratio)) / math.log(_PLAUSIBLE[self.name])


def flips(one: Comparison) -> tuple[Flip, ...]:
    """Return thresholds of the first month, the nearest first."""
    return tuple(sorted(_flips(one), key=lambda flip: flip.distance))


def _flips(one: Comparison) -> Iterator[Flip]:
    own, api = one.own.option, one.api.option
    gap = api.usd_per_month.base - own.usd_per_month.base
    yield Flip(
        "volume",
        "volume",
        "token/month",
        one.own.mtok_today.base * 1e6,
        _volume(one),
    )
    price = one.api.usd_per_mtok.base
    threshold = one.break_even_usd_per_mtok.base
    yield Flip("api_price", "price of the API", "USD/Mtoken", price, max(threshold, 0.0))
    hardware = sum(own.parts[name].base for name in ("capital", "rent"))
    if hardware > 0:
        ratio = max(1 + gap / hardware, 0.0)
        yield Flip("hardware_price", "price of accelerators", "1", 1.0, ratio)
    staff = own.parts["staff"].base
    if staff > 0:
        yield Flip("staff", "cost of staff", "USD/month", staff, max(staff + gap, 0.0))
    yield Flip("api_price_drift", "change of API prices a year", "1", *_drifts(one))


def _drifts(one: Comparison) -> tuple[float, float]:
    """The drift of API prices, as a factor a year, and the one at which both NPVs are equal."""
    now, rate = 1 + one.api_price_drift.base, 1 + base_value(one.inputs.discount_rate)
    years = one.api.option.years
    billed = [
        (year, year.flows["tokens"].base / now ** (year.year - 1))
        for year in years
        if "tokens" in year.flows
    ]
    beside = one.api.option.npv_usd.base - _npv(billed, now, rate)
    wanted = one.own.option.npv_usd.base - beside
    low, high = _SLOWEST, _FASTEST
    if not _npv(billed, high, rate) <= wanted <= _npv(billed, low, rate):
        return now, math.inf
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _npv(billed, middle, rate) > wanted else (low, middle)
    return now, (low + high) / 2


def _npv(billed: Sequence[tuple[Year, float]], factor: float, rate: float) -> float:
    return math.fsum(usd * factor ** (year.year - 1) / rate**year.at_years for year, usd in billed)


def _volume(one: Comparison) -> float:
    """The nearest volume, up or down, at which the cheaper side changes."""
    today = one.own.mtok_today.base
    edges = [edge for pair in one.intervals_mtok for edge in pair if edge > 0]
    capacity = one.lines["step_mtok_per_month"][0, -1]
    inner = [edge for edge in edges if edge < capacity * (1 - 1e-9)]
    if not inner:
        return math.inf
    return min(inner, key=lambda edge: abs(math.log(edge / max(today, 1e-12)))) * 1e6

"""One meaning for a band: 1 base case and 1,024 draws that travel together.

A `Range` wraps an array whose index 0 is the base case and whose other entries are draws with a
fixed seed. `.low`, `.base` and `.high` are the 10 % quantile, the base case and the 90 % quantile.
Arithmetic works draw by draw, so it is exact: a quantity minus itself is zero, not twice as wide.
A quantity that is known exactly holds a single entry and broadcasts against the others.
"""

import hashlib
import inspect
import re
from collections.abc import Callable, Mapping
from functools import cached_property, lru_cache
from numbers import Real
from statistics import NormalDist
from typing import Any, Final

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import NDArray

from llminfra.formulas._formula import register
from llminfra.units import unit_of

N_DRAWS: Final = 1024
SEED: Final = 20261123
LOW_QUANTILE: Final = 0.1
HIGH_QUANTILE: Final = 0.9
_Z_HIGH: Final = NormalDist().inv_cdf(HIGH_QUANTILE)

FloatArray = NDArray[np.float64]
Number = int | float


class Range(NDArrayOperatorsMixin):
    """A quantity with its band, its unit and the way it was obtained.

    Parameters
    ----------
    draws : array_like
        Base case first, then the draws; a single entry means exact.
    name, unit : str
        What it is; the unit defaults to the one that the name promises.
    formula, inputs : callable, mapping
        The formula and the inputs that gave it, for `explain`.
    operation : tuple
        Of bare arithmetic: the name in NumPy and the operands, so that it can be computed again.
    origin : object
        The fact or scenario field it was read from, for `explain`.

    Notes
    -----
    Python comparisons (``<``, ``==``) look at the base case, so that ``if a < b`` is a plain
    question; `probability_at_least` counts the draws.

    Examples
    --------
    >>> r = sample("doctest", 10.0, low=8.0, high=14.0)
    >>> r.base, round(r.low, 2), round(r.high, 2), (r - r).high
    (10.0, 8.0, 14.0, 0.0)
    """

    def __init__(
        self,
        draws: Any,
        *,
        name: str = "",
        unit: str | None = None,
        formula: Callable[..., Any] | None = None,
        inputs: Mapping[str, Any] | None = None,
        operation: tuple[Any, ...] = (),
        origin: object = None,
    ) -> None:
        array: FloatArray = np.asarray(draws, dtype=np.float64)
        self.draws = array if array.ndim else array.reshape(1)
        self.name = name
        self.unit = unit_of(name) if unit is None else unit
        self.formula = formula
        self.inputs = dict(inputs or {})
        self.operation = operation
        self.origin = origin

    @property
    def base(self) -> float:
        """The base case."""
        return float(self.draws[0])

    @property
    def low(self) -> float:
        """10 % of the draws lie below this value."""
        return self._ends[0]

    @property
    def high(self) -> float:
        """10 % of the draws lie above this value."""
        return self._ends[1]

    @cached_property
    def _ends(self) -> list[float]:
        """Both ends of the band, for which the draws are sorted once."""
        return self._quantiles(LOW_QUANTILE, HIGH_QUANTILE)

    def named(self, name: str) -> "Range":
        """Return the same quantity under a name, with the unit that the name promises."""
        return Range(
            self.draws,
            name=name,
            formula=self.formula,
            inputs=self.inputs,
            operation=self.operation,
            origin=self.origin,
        )

    @property
    def is_exact(self) -> bool:
        """True when every draw equals the base case."""
        return self.draws.size == 1 or bool(np.all(self.draws == self.draws[0]))

    def _quantiles(self, *shares: float) -> list[float]:
        if self.draws.size == 1:
            return [self.base] * len(shares)
        with np.errstate(invalid="ignore"):  # between a number and infinity
            found = np.quantile(self.draws[1:], shares, method="hazen")
        if np.isnan(found).any() and not np.isnan(self.draws).any():  # infinity and infinity
            whole = np.quantile(self.draws[1:], shares, method="higher")
            found = np.where(np.isnan(found), whole, found)
        return [float(end) for end in found]

    def probability_at_least(self, target: "Range | float") -> float:
        """Share of the draws that reach the target.

        Examples
        --------
        >>> round(sample("doctest", 10.0, low=8.0, high=14.0).probability_at_least(8.0), 2)
        0.9
        """
        other = target.draws if isinstance(target, Range) else np.array([float(target)])
        reached = self.draws >= other
        return float(np.mean(reached[1:] if reached.size > 1 else reached))

    def no_less_than(self, minimum: float) -> "Range":
        """Return the quantity with draws below the minimum lifted to it."""
        return Range(
            np.maximum(self.draws, minimum),
            name=self.name,
            unit=self.unit,
            inputs={"": self},
            operation=("maximum", self, minimum),
        )

    def at_confidence(self, share: float) -> float:
        """Return the value that `share` of the draws reach or exceed."""
        return self._quantiles(1 - share)[0]

    def explain(self) -> "Explanation":
        """Tell the equation, the inputs and the facts behind this number."""
        return Explanation(self)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        (out,) = kwargs.pop("out", (None,))
        in_place = out is inputs[0]  # x += 1, which gives a new quantity
        others = [x for x in inputs if not isinstance(x, Range)]
        if method != "__call__" or not (out is None or in_place) or any(map(np.ndim, others)):
            return NotImplemented  # the entries of an array would pass for draws
        # A ratio to nothing is infinite or undefined and shown as missing: no warning is needed.
        with np.errstate(divide="ignore", invalid="ignore"):
            result = ufunc(*(x.draws if isinstance(x, Range) else x for x in inputs), **kwargs)
        sources: dict[str, Range] = {}
        for i, x in enumerate(inputs):
            if isinstance(x, Range):
                sources[
                    x.name if x.name and x.name not in sources else f"{x.name or 'input'} {i}"
                ] = x
        if isinstance(result, tuple):
            return tuple(Range(r, inputs=sources) for r in result)
        return Range(result, inputs=sources, operation=(ufunc.__name__, *inputs))

    def __float__(self) -> float:
        return self.base

    def __int__(self) -> int:
        return int(self.base)

    def __bool__(self) -> bool:
        return bool(self.base)

    def __round__(self, digits: int = 0) -> float:
        return round(self.base, digits)

    __hash__ = object.__hash__  # one quantity is no other, however equal their base cases

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Real | Range) and self.base == float(other)

    def __lt__(self, other: Any) -> bool:
        return self.base < float(other)

    def __le__(self, other: Any) -> bool:
        return self.base <= float(other)

    def __gt__(self, other: Any) -> bool:
        return self.base > float(other)

    def __ge__(self, other: Any) -> bool:
        return self.base >= float(other)

    def __format__(self, spec: str) -> str:
        return format(self.base, spec) if spec else str(self)

    def __repr__(self) -> str:
        band = "exact" if self.is_exact else f"{self.low:.4g} to {self.high:.4g}"
        label = " ".join(part for part in (self.unit if self.unit != "1" else "", f"({band})"))
        return f"{self.name + ' = ' if self.name else ''}{self.base:.6g} {label.strip()}"


def _over_draws(
    formula: Callable[..., Any], compute: Callable[[dict[str, Any]], Any], inputs: dict[str, Any]
) -> Range:
    arrays = {n: v.draws if isinstance(v, Range) else v for n, v in inputs.items()}
    return Range(compute(arrays), name=formula.__name__, formula=formula, inputs=inputs)


register(Range, _over_draws)


def as_range(value: Any, *, name: str = "") -> Range:
    """Return a quantity under a name; a number that is none yet is exact.

    Examples
    --------
    >>> as_range(exact(2.0, name="sent_bytes"), name="held_bytes"), as_range(3, name="held_bytes")
    (held_bytes = 2 byte (exact), held_bytes = 3 byte (exact))
    """
    if not isinstance(value, Range):
        return exact(float(value), name=name)
    return value.named(name) if name else value


def base_of(value: Any) -> Any:
    """Return the base case of a range, and anything else as it is."""
    return value.base if isinstance(value, Range) else value


def draws_of(value: Any) -> Any:
    """Return the draws of a range, and anything else as it is."""
    return value.draws if isinstance(value, Range) else value


def exact(value: float, *, name: str = "", unit: str | None = None, origin: object = None) -> Range:
    """Wrap a number that is known exactly."""
    return Range([value], name=name, unit=unit, origin=origin)


def sample(
    key: str,
    base: float,
    *,
    low: float,
    high: float,
    minimum: float = -np.inf,
    maximum: float = np.inf,
    beside: str = "",
    correlation: float = 0.0,
) -> Range:
    """Draw an uncertain number: median `base`, 10 % quantile `low`, 90 % quantile `high`.

    With `beside`, the key of another, the draws go along with those by a correlation.

    Notes
    -----
    Two half normal distributions joined at the base case, cut at the physical bounds. The draws are
    stratified and depend on `key` alone, so that the same fact has the same draws in every plan.

    Examples
    --------
    >>> r = sample("a", 1.0, low=0.5, high=3.0, minimum=0.0)
    >>> round(r.low, 2), round(r.high, 2), float(r.draws.min()) >= 0.0
    (0.5, 3.0, True)
    """
    ends = (minimum, maximum)
    return Range(_joined_halves(key, base, low, high, ends, beside, correlation), name=key)


@lru_cache(maxsize=1024)  # of a fact that one plan after the other reads
def _joined_halves(
    key: str,
    base: float,
    low: float,
    high: float,
    ends: tuple[float, float],
    beside: str,
    correlation: float,
) -> FloatArray:
    z = _normal_draws(key)
    if beside:
        z = correlation * _normal_draws(beside) + np.sqrt(1 - correlation**2) * z
    spread = np.where(z > 0, high - base, base - low) / _Z_HIGH
    draws: FloatArray = np.clip(base + z * spread, *ends)
    draws.flags.writeable = False
    return draws


@lru_cache(maxsize=1024)
def _normal_draws(key: str) -> FloatArray:
    digest = hashlib.sha256(f"{SEED}:{key}".encode()).digest()
    rng = np.random.default_rng(int.from_bytes(digest[:8], "little"))
    draws = np.concatenate([[0.0], rng.permutation(_normal_grid())])
    draws.flags.writeable = False
    return draws


@lru_cache(maxsize=1)
def _normal_grid() -> FloatArray:
    inverse = NormalDist().inv_cdf
    return np.array([inverse((i + 0.5) / N_DRAWS) for i in range(N_DRAWS)])


class Explanation:
    """How one number came about, as a tree of formulas down to facts and scenario fields."""

    def __init__(self, quantity: Range) -> None:
        self.quantity = quantity

    def __str__(self) -> str:
        return "\n".join(_explain_lines(self.quantity, depth=0, told={}))

    __repr__ = __str__


def _explain_lines(quantity: Range, *, depth: int, told: dict[int, Range]) -> list[str]:
    """Lines of a quantity and what is behind it, which is told once however often it is used."""
    pad = "  " * depth
    lines = [f"{pad}{quantity!r}"]
    if quantity.origin is not None:
        lines[0] += f"  ← {quantity.origin}"
    if quantity.inputs and id(quantity) in told:
        return [f"{lines[0]}  (as above)"]
    told[id(quantity)] = quantity  # kept, so that no other takes its id
    if quantity.formula is not None:
        lines.append(f"{pad}  by {equation(quantity.formula) or quantity.formula.__name__}")
    for name, value in quantity.inputs.items():
        if isinstance(value, Range):
            if not value.unit and id(value) not in told:
                told[id(value)] = value
                value = value.named(name)
            lines += _explain_lines(value, depth=depth + 1, told=told)
        else:
            lines.append(f"{pad}  {name} = {value!r}")
    return lines


def equation(formula: Callable[..., Any]) -> str:
    """Return the first ``.. math::`` line of a formula's docstring, or an empty string."""
    found = re.search(r"\.\. math::\s*(.+?)(?:\n\s*\n|$)", inspect.getdoc(formula) or "", re.S)
    return " ".join(found[1].split()) if found else ""

"""What every facet shares: how inputs are declared, results shown and problems reported."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Final

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from llminfra.ranges import Range, exact, sample


@dataclass(frozen=True, slots=True)
class Band:
    """A scenario value with a range: 10 % quantile, base case, 90 % quantile."""

    low: float
    base: float
    high: float

    def __str__(self) -> str:
        return f"{self.base:g} ({self.low:g} to {self.high:g})"


Quantity = int | float | Band

# Begins the origin of a quantity that a scenario field gave.
FIELD_ORIGIN: Final = "scenario field "

# Layouts are sized once so that they hold in this share of the draws, then lived with in all.
SIZING_CONFIDENCE: Final = 0.8


@dataclass(frozen=True, slots=True)
class Problem:
    """An impossible or doubtful request: the report still renders and says so."""

    code: str
    message: str
    fixes: tuple[str, ...] = ()

    @property
    def is_error(self) -> bool:
        """True for what cannot work as asked (E-…), False for a warning (W-…)."""
        return self.code.startswith("E-")

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" + "".join(f"; {fix}" for fix in self.fixes)


def field(
    default: Any,
    *,
    help: str,
    unit: str = "",
    minimum: float | None = None,
    maximum: float | None = None,
    group: str = "",
) -> Any:
    """Declare one scenario field: default, help text, unit, range and its one-of group."""
    extra = {"unit": unit, "minimum": minimum, "maximum": maximum, "group": group}
    return Field(
        default,
        description=help,
        json_schema_extra={k: v for k, v in extra.items() if v not in (None, "")},
    )


class Inputs(BaseModel):
    """Base of all facet inputs: strict types, frozen, unknown names rejected, bounds checked."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        protected_namespaces=(),
        arbitrary_types_allowed=True,
        # Only Scenario, their union, is ever filled: its parts need no validators of their own.
        defer_build=True,
    )

    @field_validator("*", mode="before")
    @classmethod
    def _as_plain(cls, value: Any) -> Any:
        """Take NumPy scalars, and bands written as a table or as three numbers."""
        if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
            return value.item()
        if isinstance(value, dict) and value.keys() == {"low", "base", "high"}:
            value = [value["low"], value["base"], value["high"]]
        if isinstance(value, list | tuple) and len(value) == 3 and all(map(_is_number, value)):
            return Band(*map(_as_float, value))
        return value

    @field_validator("*", mode="after")
    @classmethod
    def _within_bounds(cls, value: Any, info: Any) -> Any:
        extra = cls.model_fields[info.field_name].json_schema_extra
        if not isinstance(extra, dict):
            return value
        low, high = (
            float(str(extra.get(k, d))) for k, d in (("minimum", -math.inf), ("maximum", math.inf))
        )
        for number in _numbers(value):
            if not (math.isfinite(number) and low <= number <= high):
                raise PydanticCustomError("bounds", "out of range")
        if isinstance(value, Band) and not value.low <= value.base <= value.high:
            raise PydanticCustomError("band", "low <= base <= high must hold")
        return value


def _as_float(value: float) -> float:
    """Convert a number; integers too large for a float become infinite, which no bound allows."""
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _numbers(value: Any) -> list[float]:
    if isinstance(value, Band):
        return [value.low, value.base, value.high]
    return [_as_float(value)] if _is_number(value) else []


def base_value(value: Quantity) -> float:
    """Return the base case of a scenario value."""
    return value.base if isinstance(value, Band) else value


def quantity(inputs: Inputs, name: str) -> Range:
    """Return a scenario field as a Range, exact unless it was given as a band."""
    value = getattr(inputs, name)
    info = type(inputs).model_fields[name]
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    unit, origin = str(extra.get("unit", "")), f"{FIELD_ORIGIN}{name}"
    if not isinstance(value, Band):
        return exact(float(value), name=name, unit=unit, origin=origin)
    drawn = sample(
        f"scenario.{name}",
        value.base,
        low=value.low,
        high=value.high,
        minimum=float(str(extra.get("minimum", -math.inf))),
        maximum=float(str(extra.get("maximum", math.inf))),
    )
    return Range(drawn.draws, name=name, unit=unit, origin=origin)


class Result:
    """Base of all facet results, which are frozen dataclasses."""

    headline: ClassVar[tuple[str, ...]] = ()
    """What a card of the whole plan shows; empty for everything."""

    def items(self) -> Iterator[tuple[str, Any]]:
        """Yield name and value of every quantity, in the order they are declared."""
        for item in fields(self):  # type: ignore[arg-type]  # subclasses are dataclasses
            if not item.name.startswith("_"):
                yield item.name, getattr(self, item.name)

"""Rows of named quantities as columns, so that formulas take all rows at once."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from llminfra.ranges import draws_of

Array = NDArray[Any]
T = TypeVar("T")
_MISSING: Final = float("nan")


class Columns:
    """Columns of many rows that have most in common; equal rows and quantities are kept once.

    Parameters
    ----------
    rows : sequence of mapping
        Name to number or Range; a row that lacks a name has NaN there.
    """

    def __init__(self, rows: Sequence[Mapping[str, Any]]) -> None:
        distinct, self._index = _distinct(rows)
        names = dict.fromkeys(name for row in distinct for name in row)
        self._columns = {n: _column([row.get(n, _MISSING) for row in distinct]) for n in names}

    def base(self, rows: Any = slice(None)) -> dict[str, Array]:
        """Return the base case of every name, with one entry for each row."""
        of = self._index[rows]
        return {name: table[index[of], 0] for name, (table, index) in self._columns.items()}

    def draws(self, rows: Any) -> dict[str, Array]:
        """Return the draws of every name, along the second axis; one entry where it is exact."""
        of = self._index[rows]
        return {name: table[index[of]] for name, (table, index) in self._columns.items()}


def _distinct(values: Sequence[T]) -> tuple[list[T], Array]:
    """Return the distinct objects, and the place among them of every one."""
    kept = {id(value): value for value in values}
    places = {key: place for place, key in enumerate(kept)}
    return list(kept.values()), np.array([places[id(value)] for value in values])


def _column(values: Sequence[Any]) -> tuple[Array, Array]:
    """Return the draws of the distinct quantities as a table, and the row there of every value."""
    distinct, index = _distinct(values)
    draws = [draws_of(value) for value in distinct]
    table = np.empty((len(draws), max(map(np.size, draws), default=1)))
    for row, drawn in zip(table, draws, strict=True):
        row[:] = drawn
    return table, index

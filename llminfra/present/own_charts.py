"""A chart of the analyst's own: its frames, and what it plots that they do not hold.

Vega draws a column that does not exist as "undefined", in silence. Here that is an error, with the
closest column; a field that a transform of the chart makes is none.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from llminfra.errors import RenderError, WordsError
from llminfra.present.checks import near
from llminfra.present.vega import ChartLike, VegaSpec, specification
from llminfra.ranges import Range

_PARTS: Final = ("layer", "hconcat", "vconcat", "concat")
_UNTYPED: Final = re.compile(r"data type for the field ['\"]([^'\"]+)['\"]")
# What a transform makes where its "as" does not say: two names, or none that could be known.
_UNSAID: Final = {
    "fold": ("key", "value"),
    "density": ("value", "density"),
    "quantile": ("prob", "value"),
}
_UNKNOWABLE: Final = ("pivot", "lookup")
_RANGES: Final = (
    "the chart's data must be plain numbers, got ranges in column {name!r}; take .base of each, or "
    "give .low, .base and .high a column each"
)
_LISTS: Final = ("aggregate", "joinaggregate", "window")  # each entry has its own "as"
Columns = frozenset[str] | None  # None: not to be known from the specification


def own_specification(chart: ChartLike | Mapping[str, Any]) -> VegaSpec:
    """Return the specification of a chart that plots only what its data hold.

    Parameters
    ----------
    chart : Altair chart or mapping
        The chart, or its Vega-Lite specification.

    Raises
    ------
    RenderError
        One line: a column of ranges, or the channel, what it asks for and the closest column.

    Examples
    --------
    >>> sold = {"values": [{"price": 3}]}
    >>> own_specification({"data": sold, "mark": "bar", "encoding": {"x": {"field": "prise"}}})
    Traceback (most recent call last):
    llminfra.errors.RenderError: x must be a column of the chart's data, got 'prise'; closest: price
    """
    frames = list(frames_of(chart))
    for frame in frames:
        _refuse_ranges(frame)
    try:
        spec = specification(chart)
    except ValueError as error:  # Altair looks for the column to tell its type
        known = {str(name) for frame in frames for name in frame}
        asked = _UNTYPED.search(str(error))
        if asked is None or asked[1] in known:
            raise
        raise RenderError(_missing("a field", asked[1], known)) from None
    _check(spec, None, spec.get("datasets", {}), {})
    return spec


def bare(chart: Any) -> Any:
    """Return what Altair shows of a chart that ends a cell; a column of ranges is named first."""
    try:
        for frame in frames_of(chart):
            _refuse_ranges(frame)
    except RenderError as error:
        raise WordsError(str(error)) from None
    return chart._repr_mimebundle_()


def frames_of(chart: Any) -> Iterator[Any]:
    """Yield the frames inside a chart, those of its layers and parts too."""
    data = getattr(chart, "data", None)
    if hasattr(data, "to_csv"):
        yield data
    inside = [getattr(chart, name, None) for name in _PARTS]
    parts = [part for found in inside if isinstance(found, list) for part in found]
    spec = getattr(chart, "spec", None)
    for part in [*parts, *([spec] if hasattr(spec, "to_dict") else [])]:
        yield from frames_of(part)


def _refuse_ranges(frame: Any) -> None:
    for name in frame:
        if frame[name].dtype.kind == "O" and any(isinstance(x, Range) for x in frame[name]):
            raise RenderError(_RANGES.format(name=str(name)))


def _check(
    view: Any, columns: Columns, datasets: Mapping[str, Any], repeated: Mapping[str, Any]
) -> None:
    """Walk a view and what it holds; data, transforms and repeats of the outer hold inside."""
    if not isinstance(view, Mapping):
        return
    if "data" in view:
        columns = _columns(view["data"], datasets)
    for transform in view.get("transform", ()):
        columns = _with_made(columns, transform)
    over = view.get("repeat", repeated)
    repeated = over if isinstance(over, Mapping) else {"repeat": over}
    for where, asked in _asked(view, repeated) if columns is not None else ():
        if not _is_among(asked, columns or ()):
            raise RenderError(_missing(where, asked, columns or ()))
    for part in [view.get("spec"), *(part for name in _PARTS for part in view.get(name, ()))]:
        _check(part, columns, datasets, repeated)


def _columns(data: Any, datasets: Mapping[str, Any]) -> Columns:
    """Return the columns of inline data; of a link, a map or no row at all nothing is known."""
    if not isinstance(data, Mapping) or "format" in data:
        return None
    rows = data.get("values", datasets.get(str(data.get("name"))))
    if not isinstance(rows, list) or not rows or not all(isinstance(r, Mapping) for r in rows):
        return None
    return frozenset(str(name) for row in rows for name in row)


def _with_made(columns: Columns, transform: Mapping[str, Any]) -> Columns:
    """Add what a transform makes."""
    if columns is None or any(name in transform for name in _UNKNOWABLE):
        return None
    made = [part.get("as") for name in _LISTS for part in transform.get(name, ())]
    said = transform.get("as", next((n for kind, n in _UNSAID.items() if kind in transform), ()))
    made += [said] if isinstance(said, str) else list(said)
    made += [f"{name}_end" for name in made if "bin" in transform]
    return columns | {name for name in made if isinstance(name, str)}


def _asked(view: Mapping[str, Any], repeated: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield channel and field of all that a view encodes, sorts by or is divided by."""
    facet = view.get("facet", {})
    divided = facet if {"row", "column"} & set(facet) else {"facet": facet}
    for where, channel in [*view.get("encoding", {}).items(), *divided.items()]:
        for part in channel if isinstance(channel, list) else [channel]:
            for found in _fields(part):
                names = repeated.get(found["repeat"], ()) if isinstance(found, Mapping) else [found]
                yield from ((where, str(name)) for name in names)


def _fields(channel: Any) -> Iterator[Any]:
    if isinstance(channel, Mapping):
        inside = (channel.get(name) for name in ("sort", "condition", "impute"))
        parts = [part for part in (channel, *inside) if isinstance(part, Mapping)]
        yield from (part["field"] for part in parts if "field" in part)


def _is_among(asked: str, columns: Iterable[str]) -> bool:
    """Tell a column, also one with a dot in its name, and a part of a column that is a record."""
    plain = asked.replace("\\", "")
    record = re.split(r"[.\[]", asked, maxsplit=1)[0]
    return asked.startswith("__") or bool({asked, plain, record} & set(columns))


def _missing(where: str, asked: str, columns: Iterable[str]) -> str:
    known = sorted(columns)
    hint = near(asked.replace("\\", ""), known) or f"; it has {', '.join(known[:8])}"
    return f"{where} must be a column of the chart's data, got {asked!r}{hint}"

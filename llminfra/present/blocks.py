"""The parts of a report page: answer, tiles, figure, table, assumptions, equation, provenance.

Every text argument is a template over the notebook's names (`llminfra.present.prose`). A block
emits its data as a JSON MIME bundle; exporters read that, JupyterLab shows the HTML beside it.
"""

import datetime as dt
import inspect
import json
import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, Final, ParamSpec

from llminfra import formats
from llminfra.errors import RenderError
from llminfra.present.drawings import cached_drawing
from llminfra.present.own_charts import own_specification
from llminfra.present.plotted import is_plotted, numbers_of, svg_of
from llminfra.present.prose import fill, split_answer
from llminfra.present.render import packed_spec, render_block
from llminfra.present.tables import csv_of
from llminfra.present.theme import NARROW_PX, WIDE_PX
from llminfra.present.vega import specification
from llminfra.ranges import N_DRAWS, Range
from llminfra.ranges import equation as equation_of
from llminfra.wire import BLOCK_MIME, DRAWS_LATER, UNDRAWN, UNSEEN

if TYPE_CHECKING:
    import pandas as pd

_DASH: Final = re.compile(r"(?<=\d)–(?=\d)")  # large type breaks after it, in mid-range
_EXACT: Final = 0.01  # a range that is narrower than this share is none
LEVELS: Final = ("note", "stale", "problem")
_FIXES: Final = {True: "Nearest changes that work", False: "Settled by"}
Show = Callable[[Any], str]
P = ParamSpec("P")


@dataclass(frozen=True)
class Block:
    """A part of the page; the last expression of a cell shows it."""

    data: Mapping[str, Any]

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        is_drawn = UNDRAWN not in self.data and self.data["kind"] != UNSEEN
        return {
            BLOCK_MIME: dict(self.data),
            **({"text/html": render_block(self.data)} if is_drawn else {}),
            "text/plain": f"[{self.data['kind']}] {self.data.get('title', '')}".rstrip(),
        }


def block(kind: str, **data: Any) -> Block:
    """Build a block of a kind that `llminfra.present.render` knows."""
    return Block({"version": 1, "kind": kind, **data})


def notebook_names() -> Mapping[str, Any]:
    """Names of the running notebook, for templates; none outside IPython."""
    from IPython.core.getipython import get_ipython  # slow to import, and only notebooks need it

    shell = get_ipython()
    return shell.user_ns if shell is not None else {}


def text(template: str | None) -> str | None:
    """Evaluate a template over the notebook's names."""
    return None if template is None else fill(template, notebook_names()).strip()


def required(name: str, template: str) -> str:
    """Evaluate a template that must not come out empty."""
    filled = text(template)
    if not filled:
        raise RenderError(f"{name} must not be empty, got {template!r}; write a sentence")
    return filled


def complete(build: Callable[P, Block]) -> Callable[P, Block]:
    """Say in one line which arguments of a block are missing."""
    needed = [
        name
        for name, parameter in inspect.signature(build).parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY and parameter.default is parameter.empty
    ]

    @wraps(build)
    def checked(*args: P.args, **kwargs: P.kwargs) -> Block:
        if missing := [name for name in needed if name not in kwargs]:
            raise RenderError(
                f"{build.__name__} must have {formats.join(needed)}, got none of "
                f"{formats.join(missing)}; add {missing[0]}=…"
            )
        return build(*args, **kwargs)

    return checked


@complete
def masthead(*, kicker: str, scope: str, as_of: dt.date) -> Block:
    """Name the report's subject in one line and its scope in a sentence."""
    return block(
        "masthead",
        kicker=required("kicker", kicker),
        scope=required("scope", scope),
        as_of=formats.date(as_of),
    )


def answer(template: str) -> Block:
    """Build the answer box from a headline and ``Label: text`` lines."""
    headline, points = split_answer(template)  # before a name could bring a label of its own
    filled = [{key: fill(words, notebook_names()) for key, words in p.items()} for p in points]
    said = _DASH.sub("–\u2060", fill(headline, notebook_names()))
    return block("answer", headline=said, points=filled)


def notice(title: str, *, body: str = "", items: Sequence[str] = (), level: str = "note") -> Block:
    """Say something that must not be overlooked; level is note, stale or problem."""
    if level not in LEVELS:
        raise RenderError(f"level must be one of {', '.join(LEVELS)}, got {level!r}; try note")
    return block("notice", level=level, title=text(title), text=text(body), items=list(items))


def problems(found: Sequence[Any], *, answered: Sequence[str] = ()) -> None:
    """Show a plan's problems with the changes that would help, and its warnings as notes.

    Parameters
    ----------
    answered : sequence of str
        Codes of problems that the answer box states: only the changes are shown.
    """
    from IPython.display import display  # slow to import, and only notebooks need it

    for problem in found:
        message = _sentence(problem.message)
        help_with, is_short = _FIXES[problem.is_error], problem.code in answered and problem.fixes
        shown = block(
            "notice",
            level="problem" if problem.is_error else "note",
            title=help_with if is_short else message,
            text=f"{help_with}:" if problem.fixes and not is_short else "",
            items=list(problem.fixes),
            code=problem.code,
            message=message,
        )
        display(shown)  # type: ignore[no-untyped-call]  # IPython has no types here


def _sentence(message: str) -> str:
    """Begin with a capital, unless the first word is the name of a field.

    Examples
    --------
    >>> _sentence("no room"), _sentence("max_model_len must be less")
    ('No room', 'max_model_len must be less')
    """
    is_name = "_" in message.partition(" ")[0]
    return message if is_name else f"{message[:1].upper()}{message[1:]}"


def tile(
    label: str,
    value: Range | float,
    show: Show = formats.number,
    *,
    note: str,
    target: Range | float | None = None,
    probability: bool = False,
) -> dict[str, Any]:
    """Describe one tile: label, value with unit, range mark, range in words, one comparison."""
    shown, _, unit = show(value).partition(formats.NARROW_SPACE)
    data: dict[str, Any] = {"label": required("label", label), "value": shown, "unit": unit}
    data["note"] = required("note", note)
    if probability:
        return data | {"probability": float(value), "range_text": f"of {N_DRAWS:,} simulated cases"}
    if not math.isfinite(value):
        data["range_text"] = "not available"
    elif isinstance(value, Range) and value.high - value.low > _EXACT * abs(value.base):
        if math.isfinite(value.low) and math.isfinite(value.high):  # else there is no axis for it
            data |= range_mark(value, target=target)
        data["range_text"] = f"{formats.band(value, show)} in 8 of 10 cases"
    else:
        data["range_text"] = "exact"
    return data


def range_mark(value: Range, *, target: Range | float | None = None) -> dict[str, Any]:
    """Return low, base, high and an axis wide enough for all of them and the target."""
    ends = [value.low, value.base, value.high]
    marks = ends if target is None else [*ends, float(target)]
    span = max(marks) - min(marks) or abs(value.base) or 1.0
    axis = [min(marks) - 0.4 * span, max(marks) + 0.4 * span]
    if min(marks) >= 0:
        axis[0] = max(axis[0], 0.0)
    found = dict(zip(("low", "base", "high"), ends, strict=True))
    return found | {"axis": axis, "target": None if target is None else float(target)}


def tiles(*described: Mapping[str, Any]) -> Block:
    """Put three to five tiles in a row."""
    if not 3 <= len(described) <= 5:
        raise RenderError(f"tiles must be three to five, got {len(described)}")
    return block("tiles", tiles=[dict(item) for item in described])


def linked(source: str) -> dict[str, Any]:
    """Return titles and addresses of a citation, where the source is one."""
    links = getattr(source, "links", None)
    return {"source_links": links} if links else {}


@complete
def figure(
    chart: Any,
    *,
    kicker: str,
    title: str,
    subtitle: str,
    alt: str,
    source: str,
    as_of: dt.date,
    name: str,
    narrow: Any = None,
    data: "pd.DataFrame | None" = None,
) -> Block:
    """Show a chart with its claim, what is plotted, its text alternative and its source.

    Parameters
    ----------
    chart : altair chart, a chart of `llminfra.present.charts`, or a figure of matplotlib
        Drawn at 888 px and, for phones, at 350 px; matplotlib's keeps its size.
    name : str
        File name of the downloads, without ending.
    narrow : altair chart, optional
        The layout for phones, when it must differ.
    data : DataFrame, optional
        The plotted numbers, offered as CSV; by default what a recipe brings, or what the lines,
        bars and points of a figure of matplotlib hold.
    """
    if is_own := is_plotted(chart):
        data = numbers_of(chart) if data is None else data
    if is_recipe := hasattr(chart, "wide"):
        data = chart.data if data is None else data
        chart, narrow = chart.wide, chart.narrow
    if data is None and not is_own:
        raise RenderError(f"figure {name!r} must come with its data, got none; pass data=frame")
    words = {
        key: required(key, value)
        for key, value in {
            "title": title,
            "subtitle": subtitle,
            "alt": alt,
            "source": source,
        }.items()
    }
    described = block(
        "figure",
        kicker=text(kicker),
        **words,
        as_of=formats.date(as_of),
        **linked(source),
        csv="" if data is None else data.to_csv(index=False),
        name=name,
    )
    if is_own:
        phone = {"svg_narrow": svg_of(narrow)} if is_plotted(narrow) else {}
        return Block({**described.data, "svg": svg_of(chart), **phone})
    # Recipes are checked by the tests; a chart of the analyst's own is checked here.
    specified = partial(specification, checked=True) if is_recipe else own_specification
    specs = [specified(c) for c in (chart, narrow or chart)]
    undrawn = Block({**described.data, UNDRAWN: json.dumps(specs)})
    return undrawn if os.environ.get(DRAWS_LATER) else drawn(undrawn.data)


def drawn(figure: Mapping[str, Any]) -> Block:
    """Return a figure with its pictures in place of the Vega-Lite that it was made of.

    Raises
    ------
    RenderError
        If the chart cannot be drawn.
    """
    wide, narrow = (
        cached_drawing(spec, width_px=width)
        for spec, width in zip(json.loads(figure[UNDRAWN]), (WIDE_PX, NARROW_PX), strict=True)
    )
    data = {name: value for name, value in figure.items() if name != UNDRAWN}
    return Block(
        data
        | {"svg": wide.svg, "svg_narrow": narrow.svg}
        | {"spec": packed_spec(wide.vega_spec), "spec_narrow": packed_spec(narrow.vega_spec)}
    )


@complete
def table(
    columns: Sequence[Mapping[str, Any]],
    rows: Sequence[Mapping[str, Any]],
    *,
    title: str,
    caption: str,
    source: str,
    as_of: dt.date,
    name: str,
    kicker: str = "",
    subtitle: str = "",
    kind: str = "table",
    **more: Any,
) -> Block:
    """Show a table with its claim and its source."""
    for number, cells in enumerate((item["cells"] for item in rows), start=1):
        if len(cells) != len(columns):
            raise RenderError(
                f"table {name!r} must have {len(columns)} cells in each row, got {len(cells)} in "
                f"row {number}; give one for every column"
            )
    return block(
        kind,
        kicker=text(kicker),
        title=required("title", title),
        subtitle=text(subtitle),
        caption=required("caption", caption),
        columns=[item | {"label": text(item["label"])} for item in map(dict, columns)],
        rows=[dict(item) for item in rows],
        source=required("source", source),
        **linked(source),
        as_of=formats.date(as_of),
        name=name,
        **({"csv": csv_of(columns, rows)} | more),
    )


def equation(quantity: Range, *, of: str = "", numbers: str = "") -> Block:
    """Show the equation of a result and, beside it, the same with this report's numbers.

    Parameters
    ----------
    quantity : Range
        The result.
    of : str, optional
        A formula that the result rests on, to show that one instead.
    """
    formula = _behind(quantity, of) if of else quantity.formula
    if formula is None or not equation_of(formula):
        raise RenderError(
            f"{of or quantity.name or 'quantity'} must come from a formula with an equation"
        )
    summary = (inspect.getdoc(formula) or "").splitlines()[0]
    words = text(numbers)
    return block(
        "equation",
        latex=equation_of(formula),
        numbers=rf"\text{{{words}}}" if words else "",
        alt=summary,
    )


def _behind(quantity: Range, name: str) -> Callable[..., Any] | None:
    """Find a formula among those that a quantity rests on, the nearest first."""
    seen, queue = {id(quantity)}, [quantity]
    for found in queue:
        if found.formula is not None and found.formula.__name__ == name:
            return found.formula
        parts = [x for x in found.inputs.values() if isinstance(x, Range) and id(x) not in seen]
        seen.update(map(id, parts))
        queue += parts
    return None

"""Blocks as HTML: the one place that turns block data into markup.

JupyterLab shows `render_block` (with its own small style sheet); the HTML exporter places
`render_fragment` in its page. Both read block data only, never markup from a notebook, and escape
every text.
"""

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from llminfra.errors import RenderError, closest
from llminfra.present import theme
from llminfra.present.mathml import mathml
from llminfra.present.svg import clean_svg
from llminfra.wire import clean_text, gzipped

VERSION: Final = 1
MISSING: Final = "–"
_SHORT: Final = 14  # characters that stay on one line of a table cell
_LONG_CSV: Final = 4000  # characters of a table that its link holds as text
_LONG: Final = 28  # characters that need a wide column
_UNQUOTED: Final = "/,:;()"  # characters that an address in quotes may hold as they are

Block = Mapping[str, Any]
_TEMPLATES: Final = Path(__file__).parent / "templates"
_WORDS: Final = {"problem": "✗ Problem", "stale": "● Stale facts", "note": "Note"}
_PROVENANCE_FACT: Final = ("key", "value", "unit", "source", "as_of", "confidence", "used_by")


def render_block(block: Block) -> str:
    """Return a block as self-contained HTML for a notebook.

    Parameters
    ----------
    block : mapping
        ``{"version": 1, "kind": …, …}``.

    Returns
    -------
    str
        A fragment with its own style sheet; charts are pictures, so that they show offline.

    Raises
    ------
    RenderError
        If the kind is unknown or a part of the block has the wrong shape.

    Examples
    --------
    >>> html = render_block({"version": 1, "kind": "answer", "headline": "1 < 2", "points": []})
    >>> "1 &lt; 2" in html
    True
    """
    style = (
        f".ll-lab{{{theme.css_variables('light')}{theme.font_variables()}}}"
        f"[data-jp-theme-light=false] .ll-lab{{{theme.css_variables('dark')}}}{block_css()}"
    )
    body = render_fragment(block, uid="b", lab=True)
    return f'<div class="ll ll-lab"><style>{style}</style>{clean_text(body)}</div>'


def render_fragment(block: Block, *, uid: str, lab: bool = False) -> str:
    """Return a block as HTML without style sheet.

    Parameters
    ----------
    block : mapping
        ``{"version": 1, "kind": …, …}``.
    uid : str
        Id of the outer element, unique on the page; ids inside start with it.
    lab : bool
        Draw charts as pictures instead of inline SVG.

    Raises
    ------
    RenderError
        If the kind is unknown or a part of the block has the wrong shape.
    """
    with _agreed_shape(block):
        prepared = {**_common(block), **_PREPARE[block["kind"]](block, uid)}
        prepared |= {"uid": uid, "lab": lab, "downloads": _downloads(block, lab)}
        return str(getattr(templates(), block["kind"])(prepared))


def describe(block: Block) -> dict[str, Any]:
    """Return what any medium shows of a block: texts, cells, and marks as places in percent.

    Parameters
    ----------
    block : mapping
        ``{"version": 1, "kind": …, …}``.

    Returns
    -------
    dict
        Plain data, with the SVG of a figure and the LaTeX of an equation as they are.

    Raises
    ------
    RenderError
        If the kind is unknown or a part of the block has the wrong shape.

    Examples
    --------
    >>> answer = {"version": 1, "kind": "answer", "headline": "On 80 GB", "points": []}
    >>> describe(answer)["kicker"], describe(answer)["points"]
    ('Answer', [])
    """
    with _agreed_shape(block):
        prepare = (_PREPARE | _PLAIN)[block["kind"]]
        return {**_common(block), **prepare(block, ""), "kind": block["kind"]}


@contextmanager
def _agreed_shape(block: Block) -> Iterator[None]:
    kind = str(block.get("kind"))
    if kind not in _PREPARE:
        near = ", ".join(closest(kind, _PREPARE))
        raise RenderError(f"block kind must be known, got {kind!r}; closest: {near}")
    if block.get("version") != VERSION:
        raise RenderError(f"block version must be {VERSION}, got {block.get('version')!r}")
    try:
        yield
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise RenderError(f"{kind} block must have the agreed shape, got: {error}") from error


def render_plot(svg: str, spec: Block | str | None, *, uid: str, alt: str) -> str:
    """Return a chart that has no block of its own (a foreign notebook's), on a light panel."""
    plot = _plot(svg, spec, uid=uid, variant="ll-only ll-foreign")
    return str(templates().plot(plot, alt))


def block_css() -> str:
    """Return the style sheet of the blocks; it needs the variables of `theme`."""
    return (_TEMPLATES / "blocks.css").read_text("utf-8")


@cache
def templates() -> Any:
    """Return the compiled templates of the blocks."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("blocks.html").module


def _common(block: Block) -> dict[str, Any]:
    texts = ("kicker", "subtitle", "caption", "alt", "note", "text", "scope")
    return {
        **{name: block.get(name) or "" for name in texts},
        **{name: keep_together(str(block.get(name) or "")) for name in ("title", "headline")},
        "source": _sentence(block.get("source")),
        "source_links": _links(block.get("source_links")),
        "as_of": _sentence(block.get("as_of")),
    }


def keep_together(text: str) -> str:
    r"""Tie numbers to the word before them and units to their number, for headings.

    Examples
    --------
    >>> keep_together("Llama 3.3 70B on 80 GB").replace("\xa0", "_")
    'Llama_3.3_70B on_80_GB'
    """
    text = re.sub(r"(?<=\d) × (?=[A-Z\d])", "\xa0×\xa0", text)
    return re.sub(r"(?<=[\w.]) (?=\d)|(?<=\d) (?=[A-Z%]{1,3}(?:\W|$))", "\xa0", text)


def _links(found: Any) -> list[dict[str, str]]:
    """Return titles with their addresses; only addresses of the web become links."""
    links = [{"text": str(link["text"]), "url": str(link.get("url") or "")} for link in found or ()]
    return [link | {"url": link["url"] if _is_web(link["url"]) else ""} for link in links]


def _is_web(url: str) -> bool:
    return re.fullmatch(r"https://[\w./%#?=&~+-]+", url) is not None


def _sentence(text: Any) -> str:
    return f"{str(text).rstrip('. ')}." if text else ""


def _slug(block: Block) -> str:
    name = str(block.get("name") or block["kind"])
    return "".join(c if c.isalnum() or c in "-_" else "-" for c in name)[:80]


def _downloads(block: Block, lab: bool) -> list[dict[str, str]]:
    """Describe what the page offers; in JupyterLab nothing, for it needs the page's script."""
    found = []
    if block.get("csv") and not lab:
        found.append({**_csv_link(str(block["csv"]), _slug(block)), "text": "Data (CSV)"})
    if block["kind"] == "figure" and not lab:
        found.append({"href": "", "file": f"{_slug(block)}.svg", "text": "Chart (SVG)"})
    return found


def _csv_link(csv: str, name: str) -> dict[str, str]:
    """Hold a table in a link: as text, or packed where that would weigh upon the page."""
    if len(csv) > _LONG_CSV:
        return {"href": f"data:application/gzip;base64,{gzipped(csv)}", "file": f"{name}.csv.gz"}
    rows = quote(csv, safe=_UNQUOTED, errors="replace")
    return {"href": f"data:text/csv;charset=utf-8,{rows}", "file": f"{name}.csv"}


# --- one function per kind: block → what its macro shows ---------------------------------------


def _masthead(block: Block, uid: str) -> dict[str, Any]:
    return {"as_of": block.get("as_of") or ""}


def _answer(block: Block, uid: str) -> dict[str, Any]:
    return {"kicker": block.get("kicker") or "Answer", "points": list(block.get("points") or ())}


def _tiles(block: Block, uid: str) -> dict[str, Any]:
    return {"tiles": [{**tile, "mark": _tile_mark(tile)} for tile in block["tiles"]]}


def _tile_mark(tile: Mapping[str, Any]) -> dict[str, Any] | None:
    if tile.get("probability") is not None:
        return {"probability": _percent(tile["probability"], 0.0, 1.0)}
    axis = tile.get("axis")
    if not axis or tile.get("base") is None:
        return None
    return _mark(tile, axis[0], axis[1], tile.get("target"))


def _mark(
    numbers: Mapping[str, Any], minimum: float, maximum: float, target: float | None
) -> dict[str, Any]:
    low, base, high = (numbers.get(name) for name in ("low", "base", "high"))
    has_band = low is not None and high is not None
    at = {"low": low if has_band else None, "base": base, "high": high, "target": target}
    places = {name: _percent(value, minimum, maximum) for name, value in at.items()}
    return {**places, "ok": numbers.get("ok") is not False, "probability": None}


def _percent(value: Any, minimum: float, maximum: float) -> float | None:
    if value is None or not maximum > minimum:
        return None
    share = (float(value) - minimum) / (maximum - minimum)
    return round(100 * min(1.0, max(0.0, share)), 2)


def _figure(block: Block, uid: str) -> dict[str, Any]:
    narrow = block.get("svg_narrow")
    plots = [_plot(block["svg"], block.get("spec"), uid=f"{uid}-w", variant="ll-wide")]
    if narrow:
        own = {"uid": f"{uid}-n", "variant": "ll-narrow"}
        plots.append(_plot(narrow, block.get("spec_narrow"), **own))
    else:
        plots[0]["variant"] = "ll-only"
    image = base64.b64encode(clean_text(str(block["svg"])).encode()).decode()
    return {"plots": plots, "image": f"data:image/svg+xml;base64,{image}"}


def _plot(svg: str, spec: Block | str | None, *, uid: str, variant: str) -> dict[str, Any]:
    drawn = Markup(clean_svg(svg, prefix=f"{uid}-"))  # clean_svg keeps drawing elements only
    return {"svg": drawn, "spec": packed_spec(spec) if spec else "", "variant": variant}


def packed_spec(spec: Block | str) -> str:
    """Return a specification as a page and a notebook hold it; one that is packed stays."""
    if isinstance(spec, str):
        return spec
    return gzipped(json.dumps(spec, separators=(",", ":"), ensure_ascii=False, allow_nan=False))


def _table(block: Block, uid: str) -> dict[str, Any]:
    columns = [_column(column) for column in block["columns"]]
    caption = str(block.get("caption") or block.get("title") or "Table")
    return {
        "columns": columns,
        "caption": caption,
        "region": caption,
        "rows": [_row(row, block["columns"]) for row in block["rows"]],
        "sources": [
            {"title": "", **source, "url": source["url"] if _is_web(source.get("url", "")) else ""}
            for source in block.get("sources") or ()
        ],
    }


def _column(column: Mapping[str, Any]) -> dict[str, Any]:
    mark = column.get("mark")
    css = "ll-num" if column.get("align") == "right" else ""
    ticks = _ticks(mark) if mark else []
    return {**column, "css": "ll-mark-col" if mark else css, "ticks": ticks}


def _whole(text: str) -> str:
    """Keep 16-bit on one line, which a narrow cell would break at its hyphen."""
    return re.sub(r"(?<=\d)-(?=bit)", "\u2011", text)


def _ticks(mark: Mapping[str, Any]) -> list[dict[str, Any]]:
    texts = mark.get("texts") or {}
    places = [
        (_percent(mark.get(name), mark["min"], mark["max"]), texts.get(name, mark.get(name)))
        for name in ("min", "target", "max")
    ]
    # Labels closer than a fifth of the axis would run into each other: the target goes first.
    return [
        {"at": at, "text": value if isinstance(value, str) else f"{value:,.4g}"}
        for at, value in places
        if at is not None and (at in (0, 100) or 20 < at < 80)
    ]


def _row(row: Mapping[str, Any], columns: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    pairs = zip(row["cells"], columns, strict=True)
    cells = [_cell(value, column) for value, column in pairs]
    return {"cells": cells, "emphasis": bool(row.get("emphasis"))}


def _cell(value: Any, column: Mapping[str, Any]) -> dict[str, Any]:
    data = value if isinstance(value, Mapping) else {"text": value}
    text = MISSING if data.get("text") is None else _whole(str(data["text"]))
    axis = column.get("mark")
    drawn = axis is not None and data.get("base") is not None
    mark = _mark(data, axis["min"], axis["max"], axis.get("target")) if axis and drawn else None
    css = ["ll-num"] if column.get("align") == "right" and not drawn else []
    css += ["ll-verdict"] if text[:1] in "✓✗" and text else []
    css += ["ll-short"] if len(text) <= _SHORT else ["ll-long"] if len(text) > _LONG else []
    css += ["ll-bad"] if text.startswith("✗") else []
    return {"text": text, "mark": mark, "css": " ".join(css)}


def _equation(block: Block, uid: str) -> dict[str, Any]:
    numbers = block.get("numbers")
    symbols = mathml(str(block["latex"]), block=True, alt=str(block.get("alt") or ""))
    # mathml() escapes the formula's text itself.
    return {
        "symbols": Markup(symbols),
        "with_numbers": Markup(mathml(str(numbers), block=True)) if numbers else "",
    }


def _notice(block: Block, uid: str) -> dict[str, Any]:
    level = block.get("level") if block.get("level") in _WORDS else "note"
    return {"level": level, "word": _WORDS[str(level)], "items_": list(block.get("items") or ())}


def _provenance(block: Block, uid: str) -> dict[str, Any]:
    package = str(block.get("package") or "")
    commit = f"{block.get('commit') or MISSING}{', dirty' if block.get('dirty') else ''}"
    rendered = block.get("rendered") or MISSING
    scenario = block.get("scenario") or {}
    facts = block.get("facts") or ()
    return {
        "command_parts": re.split(" (?=--)", str(block.get("command") or MISSING)),
        "about": [("Package", package), ("Commit", commit), ("Rendered", rendered)],
        "facts": [[_plain(fact.get(name)) for name in _PROVENANCE_FACT] for fact in facts],
        "fields": [[name, _plain(value)] for name, value in scenario.items() if value is not None],
    }


def _plain(value: Any) -> str:
    if value is None:
        return MISSING
    if isinstance(value, list | tuple):
        return ", ".join(_plain(item) for item in value)
    return f"{value:,.6g}" if isinstance(value, float) else str(value)


_PREPARE: Final[dict[str, Callable[[Block, str], dict[str, Any]]]] = {
    "masthead": _masthead,
    "answer": _answer,
    "tiles": _tiles,
    "figure": _figure,
    "table": _table,
    "assumptions": _table,
    "equation": _equation,
    "notice": _notice,
    "provenance": _provenance,
}
_PLAIN: Final[dict[str, Callable[[Block, str], dict[str, Any]]]] = {
    "figure": lambda block, _: {"svg": clean_svg(str(block["svg"]), prefix="")},
    "equation": lambda block, _: {
        "latex": str(block["latex"]),
        "numbers": str(block.get("numbers") or ""),
    },
}

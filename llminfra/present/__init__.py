"""What notebooks import: the parts of a page, number formats and the ``%%prose`` magic."""

import llminfra._jsonschema  # noqa: F401  # must come before altair, for its effect
from llminfra.formats import band, count, gb, gib, kib, nines, number, percent, seconds, times
from llminfra.present.blocks import (
    answer,
    column,
    equation,
    figure,
    masthead,
    notice,
    problems,
    row,
    table,
    tile,
    tiles,
)
from llminfra.present.charts import log_lines, stacked_bars
from llminfra.present.curves import band_line, front, step_line, timeline
from llminfra.present.magics import register
from llminfra.present.maps import fit_map, range_dots
from llminfra.present.preview import preview
from llminfra.present.report import assumptions, cite, provenance, verdicts, what_if
from llminfra.present.scatter import scatter_panels
from llminfra.units import GB, GIB, HOURS_PER_YEAR

__all__ = [
    "GB",
    "GIB",
    "HOURS_PER_YEAR",
    "answer",
    "assumptions",
    "band",
    "band_line",
    "cite",
    "column",
    "count",
    "equation",
    "figure",
    "fit_map",
    "front",
    "gb",
    "gib",
    "kib",
    "log_lines",
    "masthead",
    "nines",
    "notice",
    "number",
    "percent",
    "preview",
    "problems",
    "provenance",
    "range_dots",
    "row",
    "scatter_panels",
    "seconds",
    "stacked_bars",
    "step_line",
    "table",
    "tile",
    "tiles",
    "timeline",
    "times",
    "verdicts",
    "what_if",
]

register()

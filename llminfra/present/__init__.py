"""What notebooks import: the parts of a page, number formats and the ``%%prose`` magic."""

import llminfra._jsonschema  # noqa: F401  # must come before altair, for its effect
from llminfra.formats import band, count, gb, gib, kib, number, percent, times
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
from llminfra.present.magics import register
from llminfra.present.maps import fit_map, range_dots
from llminfra.present.preview import preview
from llminfra.present.report import assumptions, cite, provenance, verdicts, what_if
from llminfra.units import GB, GIB

__all__ = [
    "GB",
    "GIB",
    "answer",
    "assumptions",
    "band",
    "cite",
    "column",
    "count",
    "equation",
    "figure",
    "fit_map",
    "gb",
    "gib",
    "kib",
    "log_lines",
    "masthead",
    "notice",
    "number",
    "percent",
    "preview",
    "problems",
    "provenance",
    "range_dots",
    "row",
    "stacked_bars",
    "table",
    "tile",
    "tiles",
    "times",
    "verdicts",
    "what_if",
]

register()

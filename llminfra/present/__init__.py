"""What notebooks import: the parts of a page, number formats and the ``%%prose`` magic."""

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

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
from llminfra.present.fit import constants, error_words
from llminfra.present.preview import preview
from llminfra.present.report import assumptions, cite, provenance, verdicts, what_if
from llminfra.units import GB, GIB, HOURS_PER_YEAR

if TYPE_CHECKING:
    from llminfra.present.charts import log_lines, stacked_bars
    from llminfra.present.curves import band_line, front, step_line, timeline
    from llminfra.present.maps import fit_map, range_dots
    from llminfra.present.scatter import scatter_panels

# The recipes import Altair, which processes that only lay out or draw do without.
_RECIPES: Final = {
    "charts": ("log_lines", "stacked_bars"),
    "curves": ("band_line", "front", "step_line", "timeline"),
    "maps": ("fit_map", "range_dots"),
    "scatter": ("scatter_panels",),
}

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
    "constants",
    "count",
    "equation",
    "error_words",
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


def __getattr__(name: str) -> Any:
    for module, names in _RECIPES.items():
        if name in names:
            return getattr(import_module(f"llminfra.present.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__


if "IPython" in sys.modules:  # slow to import, and only notebooks need it
    from llminfra.present.magics import register

    register()

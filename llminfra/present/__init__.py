"""What notebooks import: the parts of a page, number formats and the magics of word cells."""

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import llminfra._jsonschema  # noqa: F401  # must come before altair, for its effect

if TYPE_CHECKING:
    from llminfra.present.board_charts import claim_dots, due_line, gate_grid, way_bars, week_bars
    from llminfra.present.cash_charts import part_bars, step_bars
    from llminfra.present.charts import log_lines, stacked_bars
    from llminfra.present.curves import band_line, front, step_line
    from llminfra.present.maps import fit_map, range_dots
    from llminfra.present.names import *
    from llminfra.present.scatter import scatter_panels, speed_points
    from llminfra.present.shares import log_band, place_bars, split_bars
    from llminfra.present.versus_charts import npv_bars, payback_line

# What is imported when it is asked for: the recipes import Altair, `names` all questions, and
# processes that only lay out or draw need neither.
_RECIPES: Final = {
    "charts": ("log_lines", "stacked_bars"),
    "curves": ("band_line", "front", "step_line"),
    "maps": ("fit_map", "range_dots"),
    "cash_charts": ("part_bars", "step_bars"),
    "scatter": ("scatter_panels", "speed_points"),
    "versus_charts": ("npv_bars", "payback_line"),
    "board_charts": ("claim_dots", "due_line", "gate_grid", "way_bars", "week_bars"),
    "shares": ("log_band", "place_bars", "split_bars"),
}

__all__ = [
    "GB",
    "GIB",
    "GROUPS",
    "MEMORY_PARTS",
    "SERVED",
    "STANDARDS_READ",
    "Board",
    "Claimed",
    "Gates",
    "Money",
    "Pulled",
    "Seed",
    "Trained",
    "Versus",
    "WeekPage",
    "account_totals",
    "accounts_table",
    "assumptions",
    "band",
    "band_line",
    "banner",
    "best_spares",
    "bill_table",
    "boundary_table",
    "cash_table",
    "chance_words",
    "changes_table",
    "cite",
    "claim_dots",
    "column",
    "cost_annex",
    "cost_model",
    "count",
    "counted",
    "decision_of",
    "due_line",
    "duration",
    "fit_map",
    "flip",
    "flip_words",
    "front",
    "gate_grid",
    "gb",
    "gib",
    "goal",
    "grams",
    "hours_down",
    "how_sure",
    "in_its_facility",
    "join",
    "kilograms",
    "kwh",
    "launch",
    "levers",
    "litres",
    "load_of",
    "load_words",
    "log_band",
    "log_lines",
    "meets_every_rule",
    "memory_fit_table",
    "method",
    "money",
    "most_carried",
    "nines",
    "notice",
    "npv_bars",
    "number",
    "of_one_run",
    "options_table",
    "other_methods",
    "paid_chart",
    "part_bars",
    "payback_line",
    "percent",
    "place_bars",
    "preview",
    "problems",
    "provenance",
    "range_dots",
    "readings_claim",
    "readings_table",
    "report_fields",
    "row",
    "run_words",
    "runs_frame",
    "runs_table",
    "scatter_panels",
    "seconds",
    "shares_table",
    "signing_table",
    "sizing",
    "spares_table",
    "speed_points",
    "split_bars",
    "stacked_bars",
    "stated_words",
    "step_bars",
    "step_line",
    "table_from",
    "table_of",
    "tile",
    "tiles",
    "times",
    "token_chart",
    "tokens",
    "tornado",
    "training_runs_words",
    "training_sure_words",
    "unit_words",
    "verdicts",
    "versus_model",
    "waterfall",
    "watts",
    "way_bars",
    "ways_table",
    "week_bars",
    "wh",
    "what_if",
]


def __getattr__(name: str) -> Any:
    for module, found in _RECIPES.items():
        if name in found:
            return getattr(import_module(f"llminfra.present.{module}"), name)
    if name in __all__:
        return getattr(import_module("llminfra.present.names"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__


# A process that loads this before there is a shell lets the notebook import it anew.
__in_shell__ = True
if "IPython" in sys.modules:  # slow to import, and only notebooks need it
    from llminfra.present.magics import register

    register()

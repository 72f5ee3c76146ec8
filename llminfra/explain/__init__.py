"""What stands behind a result, what a change would do, and which changes would reach a goal."""

from llminfra.explain.changes import Change, nearest_changes
from llminfra.explain.drivers import drivers, leaves
from llminfra.explain.options import Option, Options, options
from llminfra.explain.readings import Load, load_of, most_carried, readings, sizing
from llminfra.explain.variants import compare, sweep, variants

__all__ = [
    "Change",
    "Load",
    "Option",
    "Options",
    "compare",
    "drivers",
    "leaves",
    "load_of",
    "most_carried",
    "nearest_changes",
    "options",
    "readings",
    "sizing",
    "sweep",
    "variants",
]

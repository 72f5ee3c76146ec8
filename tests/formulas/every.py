"""Every formula of the package, and what its docstring says of its units."""

import inspect
import pkgutil
import re
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

import llminfra.formulas

Formula = Callable[..., Any]

# Where values at random ask for what never happens: more than all places, a curve that ends.
SENSIBLE: Final[dict[str, dict[str, float]]] = {
    "waiting_s": {"n_places": 9.0, "offered_requests": 7.0},
    "waiting_percentile_s": {"wait_probability": 0.5, "percentile_fraction": 0.9},
    "places": {"max_sequences": 3.0},
    "in_flight_of_rate_on_curve": {"curve_requests": 40.0},
    "overflow_fraction": {"capacity_ratio": 1.0, "peak_ratio": 3.0},
    "tuning_break_even_requests": {"api_usd_per_request": 90.0},
    "left_weight_bytes": {"weight_bytes": 9.0},
    "step_excess_bytes": {"step_bytes": 90.0},
}


def formulas() -> dict[str, Formula]:
    """Return all decorated functions by module and name; compositions are no formulas."""
    found = {}
    for info in pkgutil.iter_modules(llminfra.formulas.__path__):
        module = import_module(f"llminfra.formulas.{info.name}")
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if function.__module__ == module.__name__ and hasattr(function, "__wrapped__"):
                found[f"{info.name}.{name}"] = function
    return found


def units(formula: Formula) -> tuple[dict[str, str], str]:
    """Return the unit of every parameter and of the result, as the docstring has them."""
    text = inspect.getdoc(formula) or ""
    given, result = (_entries(text, section) for section in ("Parameters", "Returns"))
    return given, next(iter(result.values()))


def _entries(text: str, section: str) -> dict[str, str]:
    found = re.search(rf"^{section}\n-+\n(.*?)(?=\n\n\S|\Z)", text, re.S | re.M)
    assert found, f"no section {section}"
    entries: dict[str, str] = {}
    for names, words in re.findall(r"^(\w[\w, ]*) : [^\n]*\n((?:    .*\n?)+)", found[1], re.M):
        stated = re.findall(r"\[([^][]+)\]", words)
        assert stated, f"no unit of {names}"
        each, of = names.split(", "), stated[-1].split(", ")
        assert len(of) in (1, len(each)), f"units of {names}"
        entries |= dict(zip(each, of * len(each) if len(of) == 1 else of, strict=True))
    return entries

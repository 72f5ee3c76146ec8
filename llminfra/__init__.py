"""llminfra: memory, latency, cost and energy of serving language models, from one scenario."""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from llminfra.errors import (
    CatalogError,
    ImpossibleCombination,
    InvalidInput,
    LlmInfraError,
    MissingFact,
    RenderError,
)

if TYPE_CHECKING:
    from llminfra.energy_errors import energy_coverage, energy_errors, energy_summary
    from llminfra.evaluate import evaluate
    from llminfra.explain import nearest_changes
    from llminfra.explain.options import options
    from llminfra.explain.variants import compare, sweep, variants
    from llminfra.field_cases import field_cases, newer_errors, pool_errors
    from llminfra.launch import launch_command, launch_commands
    from llminfra.plan import Plan
    from llminfra.ranges import Range
    from llminfra.scenario import Scenario
    from llminfra.search import search
    from llminfra.search.fit import fit_table
    from llminfra.training_errors import (
        run_errors,
        training_memory_errors,
        utilization_errors,
    )
    from llminfra.validation import (
        error_slices,
        memory_errors,
        mlperf_errors,
        peer_errors,
        resampled,
        serving_errors,
        serving_summary,
    )

__version__ = "0.1.0"

# Loaded when they are first asked for: a command that finds nothing to do needs none of them.
_HOMES: Final = {
    "energy_errors": ("energy_coverage", "energy_errors", "energy_summary"),
    "evaluate": ("evaluate",),
    "explain": ("compare", "nearest_changes", "options", "sweep", "variants"),
    "field_cases": ("field_cases", "newer_errors", "pool_errors"),
    "launch": ("launch_command", "launch_commands"),
    "plan": ("Plan",),
    "ranges": ("Range",),
    "scenario": ("Scenario",),
    "search": ("search",),
    "search.fit": ("fit_table",),
    "training_errors": ("run_errors", "training_memory_errors", "utilization_errors"),
    "validation": (
        *("error_slices", "memory_errors", "mlperf_errors", "peer_errors", "resampled"),
        *("serving_errors", "serving_summary"),
    ),
}
_HOME_OF: Final = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "CatalogError",
    "ImpossibleCombination",
    "InvalidInput",
    "LlmInfraError",
    "MissingFact",
    "Plan",
    "Range",
    "RenderError",
    "Scenario",
    "compare",
    "energy_coverage",
    "energy_errors",
    "energy_summary",
    "error_slices",
    "evaluate",
    "field_cases",
    "fit_table",
    "launch_command",
    "launch_commands",
    "memory_errors",
    "mlperf_errors",
    "nearest_changes",
    "newer_errors",
    "options",
    "peer_errors",
    "pool_errors",
    "resampled",
    "run_errors",
    "search",
    "serving_errors",
    "serving_summary",
    "sweep",
    "training_memory_errors",
    "utilization_errors",
    "variants",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _Root(ModuleType):
    """Keeps `evaluate` and `search` functions: importing their modules binds the same names."""

    def __setattr__(self, name: str, value: Any) -> None:
        is_module = name in _HOME_OF and isinstance(value, ModuleType)
        super().__setattr__(name, getattr(value, name) if is_module else value)


sys.modules[__name__].__class__ = _Root

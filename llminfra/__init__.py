"""llminfra: memory, latency, cost and energy of serving language models, from one scenario."""

from llminfra.errors import (
    CatalogError,
    ImpossibleCombination,
    InvalidInput,
    LlmInfraError,
    MissingFact,
    RenderError,
)
from llminfra.explain import compare, sweep, variants
from llminfra.facets.memory.grid import fit_table
from llminfra.launch import launch_command, launch_commands
from llminfra.plan import Plan, evaluate
from llminfra.ranges import Range
from llminfra.scenario import Scenario
from llminfra.search import search
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
    "error_slices",
    "evaluate",
    "fit_table",
    "launch_command",
    "launch_commands",
    "memory_errors",
    "mlperf_errors",
    "peer_errors",
    "resampled",
    "search",
    "serving_errors",
    "serving_summary",
    "sweep",
    "variants",
]

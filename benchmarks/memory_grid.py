"""Time of the memory grid and of a configuration import, beside one plan: ``make bench``."""

import statistics
import time
from collections.abc import Callable

from llminfra import Scenario, evaluate
from llminfra.catalog.loader import ids, model_entries
from llminfra.hf_config import architecture_from_config
from llminfra.search.fit import fit_grid

REPEATS = 5
PRECISIONS = ["bf16", "fp8", "int8", "int4", "mxfp4", "q4_k_m"]
N_ARCHITECTURES, N_ACCELERATORS = 1000, 40


def imported() -> list[object]:
    """Import configurations afresh until there are as many as asked for."""
    configs = [(name, entry["config"]) for name, entry in model_entries().items()]
    wanted = (configs * (N_ARCHITECTURES // len(configs) + 1))[:N_ARCHITECTURES]
    return [architecture_from_config(config, origin=name) for name, config in wanted]


def median_s(task: Callable[[], object]) -> float:
    """Median of several runs, after one that is not counted."""
    task()
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        task()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def grid() -> object:
    """Size fresh architectures, so that nothing is counted twice from a cache."""
    return fit_grid(
        plan,
        architectures.pop(),
        ids("accelerator")[:N_ACCELERATORS],
        PRECISIONS,
        sequences=100,
    )


plan = evaluate(Scenario())
architectures = [imported() for _ in range(REPEATS + 1)]
import_s = median_s(imported) / N_ARCHITECTURES
plan_s = median_s(lambda: evaluate(Scenario(tensor_parallel=8)).memory)
grid_s = median_s(grid)
cells = N_ARCHITECTURES * N_ACCELERATORS * len(PRECISIONS)
print(f"one config.json to Architecture        {1e3 * import_s:8.2f} ms")
print(f"one plan, memory facet, 1,025 draws    {1e3 * plan_s:8.2f} ms")
print(f"{cells:,} layouts as arrays          {1e3 * grid_s:8.0f} ms")
print(f"layouts per second against single plans {cells / grid_s * plan_s:8,.0f} x")

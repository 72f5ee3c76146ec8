"""Points of the serving law per second on one core, layouts x loads, beside one plan."""

import time

import numpy as np

from llminfra import Scenario, evaluate
from llminfra.formulas import law

LAYOUTS, LOADS, CHUNK = 1000, 1000, 16_384

plan = evaluate(Scenario(accelerator="h100-sxm", precision="fp8", tensor_parallel=4))
engine = plan.replica.engine
base = {name: np.broadcast_to(value, LAYOUTS) for name, value in engine.base_inputs().items()}
loads = np.geomspace(1, 1000, LOADS)
points = {name: np.repeat(column, LOADS) for name, column in base.items()}
in_flight = np.tile(loads, LAYOUTS)


def once() -> float:
    """Seconds for all points, in chunks that stay in the processor's cache."""
    start = time.perf_counter()
    for begin in range(0, in_flight.size, CHUNK):
        part = slice(begin, begin + CHUNK)
        v = {name: column[part] for name, column in points.items()}
        load = engine.base_load(in_flight[part])
        law.loaded(v, load, 300.0, arrivals="closed_loop")
    return time.perf_counter() - start


once()
print(
    f"{in_flight.size / min(once() for _ in range(3)):12,.0f} points of the serving law per second"
)

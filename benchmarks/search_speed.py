"""A whole search over the catalogue on one core: seconds, and points per second."""

import time

from llminfra import Scenario, search

REPEATS = 5
PRECISIONS = ["bf16", "int4"]  # beside the scenario's own
wanted = Scenario(precision="fp8", in_flight=100, ttft_target_s=1.0, tpot_target_s=0.05)


def once() -> float:
    start = time.perf_counter()
    search(wanted, precisions=PRECISIONS)
    return time.perf_counter() - start


first_s = once()  # with the catalogue read from its files
second_s = min(once() for _ in range(REPEATS))
points = len(search(wanted, precisions=PRECISIONS))
print(f"a search of {points:,} points: {second_s:.2f} s, {points / second_s:,.0f} points/s")
print(f"the first one of a process, which reads the catalogue: {first_s:.2f} s")

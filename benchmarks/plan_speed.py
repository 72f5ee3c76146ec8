"""A whole plan with its cost and the comparison with APIs over all draws, on one core."""

import time

from llminfra import Scenario, evaluate

REPEATS = 9
asked = Scenario(
    tensor_parallel=8,
    requests_per_s=6.4,
    hosting="owned",
    prompt_tokens=[300, 400, 500],
    output_tokens=[200, 300, 450],
)


def once() -> tuple[float, float]:
    start = time.process_time()
    plan = evaluate(asked)
    for option in plan.cost.possible:
        _ = option.usd_per_month.low, option.npv_usd.low
    priced = time.process_time()
    _ = list(plan.build_vs_api.items()), plan.build_vs_api.flips
    return priced - start, time.process_time() - priced


once()  # with the catalogue and the prices read from their files
runs = [once() for _ in range(REPEATS)]
cost_s, compared_s = (min(run[i] for run in runs) for i in (0, 1))
print(f"a plan with its cost: {1e3 * cost_s:.0f} ms; compared with APIs: {1e3 * compared_s:.0f} ms")

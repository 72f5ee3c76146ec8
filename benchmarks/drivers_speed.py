"""How long a tornado, a goal, a flip and a workbook take, on the plan of a day-and-night service.

Bars: a tornado over 20 inputs within 0.5 s, a goal within 0.3 s a field, a workbook within 1 s.
Processor seconds are told beside those of the clock, which other work on the machine stretches.
"""

import time
from collections.abc import Callable
from typing import Any, Final

import nbformat

from llminfra import Scenario, evaluate
from llminfra.explain.flips import flip
from llminfra.explain.goal import goal
from llminfra.explain.tornado import tornado
from llminfra.present.cost_models import cost_model
from llminfra.publish.xlsx import XlsxReportExporter
from llminfra.wire import BLOCK_MIME

MONTH: Final = "cost.usd_per_month"
FIELDS: Final = {
    "server_price_usd": 20_000.0,
    "discount_rate": 17_000.0,
    "staffing.own_fte": 20_000.0,
    "electricity_usd_per_kwh": 17_000.0,
}
REPEATS: Final = 5


def measured(work: Callable[[], Any]) -> tuple[float, float]:
    """Return the best seconds of the clock and of the processor."""
    found = []
    for _ in range(REPEATS):
        clock, busy = time.perf_counter(), time.process_time()
        work()
        found.append((time.perf_counter() - clock, time.process_time() - busy))
    return min(c for c, _ in found), min(b for _, b in found)


def main() -> None:
    """Print a line for each."""
    plan = evaluate(Scenario(tensor_parallel=8, hosting="owned", region="DE", currency="EUR"))
    list(plan.results())
    shown = f"tornado, {len(tornado(plan, MONTH).bars)} bars"
    print(f"{'':<34}{'clock':>8}{'busy':>8}   bar")
    told(shown, lambda: tornado(plan, MONTH), 0.5)
    for key, target in FIELDS.items():
        told(f"goal by {key}", lambda key=key, target=target: goal(plan, key, MONTH, target), 0.3)
    ways = ("cost.owned.usd_per_month", "cost.on_demand.usd_per_month")
    told("flip with two thresholds", lambda: flip(plan, *ways), None)
    told("workbook of the cost", lambda: workbook(plan), 1.0)


def told(what: str, work: Callable[[], Any], bar: float | None) -> None:
    """Print what something took beside its bar."""
    clock, busy = measured(work)
    print(f"{what:<34}{clock:>6.3f} s{busy:>6.3f} s   {'' if bar is None else f'{bar:g} s'}")


def workbook(plan: Any) -> None:
    """Write the workbook from the plan on: the model, and all sheets."""
    output = nbformat.v4.new_output("display_data", {BLOCK_MIME: dict(cost_model(plan).data)})
    cell = nbformat.v4.new_code_cell("1", outputs=[output])
    XlsxReportExporter().from_notebook_node(nbformat.v4.new_notebook(cells=[cell]))


if __name__ == "__main__":
    main()

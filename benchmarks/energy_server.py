"""Power of whole servers at the wall in MLPerf against the law of power with a host beside it."""

from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from fit_serving import Table
from mlperf_rows import ACCELERATORS, TASKS
from serving_rows import FACTS, law_inputs_of

from llminfra.formulas import law, power

# Eight cards in these rows; where they were capped nobody says at how many watts.
CARDS: Final = 8
CAPPED: Final = "MaxQ"
# Of a host without work: what a machine without accelerators draws.
IDLE_HOST_W: Final = 1200.0
_PRECISIONS: Final = {"b200-sxm": "nvfp4", "h200-sxm": "fp8"}
_VERSION: Final = "1.1"


def server_rows(path: Path, share_of: Any) -> pd.DataFrame:
    """Return measured wall power beside the share of the limit that the law sees in full batches.

    `share_of` gives the share of the power limit for a table of rows and their times.
    """
    t = pd.read_csv(path, low_memory=False)
    chip = t["accelerator"].replace({f"^{k}$": v for k, v in ACCELERATORS.items()}, regex=True)
    t = t.assign(chip=chip)[t["power_w"].notna() & t["model"].isin(TASKS)]
    # One run is listed for both accuracy targets.
    t = t.assign(model=t["model"].str.removesuffix(".9")).drop_duplicates(
        ["system", "model", "scenario"]
    )
    return pd.DataFrame([_line(row, share_of) for row in t.itertuples()])


def _line(row: Any, share_of: Any) -> dict[str, Any]:
    share, tensor = _share(row, share_of)
    limit = FACTS.number(row.chip, "tdp_w").base
    cards_w = CARDS * share * limit
    host_w = row.power_w - cards_w
    return {
        "system": row.system,
        "accelerator": row.chip,
        "model": TASKS[row.model].model,
        "scenario": row.scenario,
        "tensor_parallel": tensor,
        "is_capped": CAPPED in row.system,
        "measured_w": row.power_w,
        "share": share,
        "cards_w": cards_w,
        "full_host_w": IDLE_HOST_W + (host_w - IDLE_HOST_W) / share,
    }


def _share(row: Any, share_of: Any) -> tuple[float, int]:
    """Return the share of the limit on the layout that the law holds for the fastest."""
    task = TASKS[row.model]
    output = row.mean_output_tokens
    asked = {
        "model": task.model,
        "accelerator": row.chip,
        "engine": "TensorRT-LLM",
        "engine_version": _VERSION,
        "precision": _PRECISIONS[row.chip],
        "isl": task.prompt_tokens,
        "osl": task.output_tokens if np.isnan(output) else output,
        "mode": "offline",
        "in_flight": np.nan,
        "source": row.source,
        "as_of": row.as_of,
    }
    lines = [law_inputs_of(pd.Series(asked), tensor, 1) for tensor in (1, 2, 4, 8)]
    rows = pd.DataFrame([line for line in lines if line["batch"] >= 1])
    table = Table(rows)
    rate, batch = _rate(table), rows["batch"].to_numpy()
    each = rate / np.array([layout[0] for layout in rows["layout"]])
    best = int(np.argmax(each))
    generation = FACTS.text(row.chip, "architecture").lower()
    table.rows = rows.assign(running=batch, generation=generation)
    shares = share_of(table, batch / rate)
    return float(shares[best]), int(rows["layout"].iloc[best][0])


def _rate(table: Table) -> Any:
    params = {name: FACTS.number(*name.rsplit(".", 1)).base for name in table.names}
    r = table.rows
    load = {
        "computed_tokens": r["prompt_tokens"].to_numpy(),
        "output_tokens": r["output_tokens"].to_numpy(),
        "steps": r["output_tokens"].to_numpy(),
        "tokens_per_step": 1.0,
        "in_flight": r["batch"].to_numpy(),
    }
    full = law.saturated(table.inputs(params), load, r["batch"].to_numpy())
    return full["max_output_tokens_per_s"]


def with_predicted(rows: pd.DataFrame, full_host_w: float) -> pd.DataFrame:
    """Return the rows with the wall power that a host of this power at full load gives."""
    host = power.power_between_w(idle_w=IDLE_HOST_W, full_w=full_host_w, utilization=rows["share"])
    return rows.assign(
        predicted_w=rows["cards_w"] + host,
        error_fraction=(rows["cards_w"] + host) / rows["measured_w"] - 1,
    )
